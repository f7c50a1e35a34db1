#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Usage: two_at_once.sh CONFORM PLUGIN
# Two kits in one process group try the same coordinator at the same time; neither meets the other's ranks.
conform=$1
plugin=$2
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

"$conform" "$plugin" >"$dir/1" 2>&1 &
first=$!
"$conform" "$plugin" >"$dir/2" 2>&1
second=$?
wait "$first"
first=$?
cat "$dir/1" "$dir/2"
if [ "$first" != 0 ] || [ "$second" != 0 ] || grep -q 'SKIP cannot be joined' "$dir/1" "$dir/2"; then
    echo "two kits at once disturb each other: exit status $first and $second"
    exit 1
fi
