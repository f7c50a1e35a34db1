#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# expect_failure.sh DLFW-CONFORM PLUGIN.so CASE TEXT: the plugin must fail in exactly that case, with TEXT in the reason.
set -eu
conform=$1 plugin=$2 wanted=$3 text=$4

out=$(mktemp)
trap 'rm -f "$out"' EXIT
if "$conform" --timeout 30 "$plugin" >"$out"; then
    cat "$out"
    echo "expected a failure of $wanted, but dlfw-conform is content"
    exit 1
fi
failed=$(sed -n 's/^not ok [0-9]* - \([a-z_.0-9]*\).*/\1/p' "$out" | sort -u | tr '\n' ' ')
if [ "$failed" != "$wanted " ]; then
    cat "$out"
    echo "expected exactly '$wanted' to fail, failed: '$failed'"
    exit 1
fi
if ! grep -A1 "^not ok .* $wanted" "$out" | grep -q -- "$text"; then
    grep -A2 "^not ok" "$out"
    echo "expected the reason to hold '$text'"
    exit 1
fi
