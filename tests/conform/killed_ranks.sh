#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Usage: killed_ranks.sh CONFORM PLUGIN
# A case whose ranks hang is ended with them: a rank that lived on would hold the pipe of the kit's output open.
out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT

{ "$1" --include coordinator.together --timeout 2 "$2"; echo "status $?"; } 2>&1 | timeout 20 cat >"$out"
open=$?
cat "$out"
if [ "$open" != 0 ]; then
    echo "ranks of the killed case live on"
    exit 1
fi
if ! grep -q '^status 1$' "$out" || ! grep -A1 '^not ok .* coordinator.together' "$out" | grep -q 'no result within 2 s'; then
    echo "expected coordinator.together to be ended after 2 s, and exit status 1"
    exit 1
fi
