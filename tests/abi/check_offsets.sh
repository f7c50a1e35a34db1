#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check_offsets.sh OFFSETS-PROGRAM FROZEN.txt: every line of the frozen file must still be true. A struct that "grows" may have become
# larger; while the minor is the same, nothing at all may differ.
set -eu
now=$(mktemp)
trap 'rm -f "$now"' EXIT
"$1" >"$now"
if [ "$(head -n1 "$now")" = "$(head -n1 "$2")" ]; then
    diff -u "$2" "$now" || { echo "the ABI changed without a new minor; if it is not released yet: $1 > $2"; exit 1; }
    exit 0
fi
awk '
    NR == FNR { if ($1 == "size") size[$2] = $3; else have[$0] = 1; next }
    $1 == "abi" { next }
    $1 == "size" && $4 == "grows" { if (!($2 in size) || size[$2] < $3) { print "shrunk or gone: " $0; bad = 1 } next }
    $1 == "size" { if (size[$2] != $3) { print "frozen, but changed: " $0; bad = 1 } next }
    !($0 in have) { print "changed or gone: " $0; bad = 1 }
    END { exit bad }
' "$now" "$2"
