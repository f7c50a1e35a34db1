#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# freeze.sh OFFSETS-PROGRAM: run once when a minor is released, from the root of the tree. Copies today's headers and the fake host to
# tests/abi/<abi>/ and writes its offsets file; the museum plugins of that minor are written by hand beside them.
set -eu
abi=$("$1" | sed -n '1s/^abi //p')
to=tests/abi/$abi
mkdir -p "$to/include/dlfw/draft" "$to/mock" "$to/museum"
cp sdk/include/dlfw/*.h "$to/include/dlfw/"
cp sdk/include/dlfw/draft/*.h "$to/include/dlfw/draft/"
cp sdk/mock/*.c sdk/mock/*.h "$to/mock/"
"$1" >"$to/offsets.txt"
