#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh BUILD SECONDS: every fuzz target of BUILD over its corpus, then a search, SECONDS for all of them together.
# Exits with 1 on any finding and says where the input is that shows it. The corpus itself is never written to.
set -euo pipefail
if [ $# -ne 2 ] || ! [[ $2 =~ ^[0-9]+$ ]]; then
    echo "usage: $0 BUILD SECONDS" >&2
    exit 2
fi
build=$(cd "$1" && pwd)
seconds=$2
corpus=$(cd "$(dirname "$0")" && pwd)/corpus
targets=()
for folder in "$corpus"/*/; do
    name=$(basename "$folder")
    if [ ! -x "$build/tests/fuzz/fuzz_$name" ]; then
        echo "$build/tests/fuzz/fuzz_$name is missing; build the preset 'fuzz' first" >&2
        exit 2
    fi
    targets+=("$name")
done
each=$((seconds / ${#targets[@]}))
[ $each -ge 1 ] || each=1
failed=0

for name in "${targets[@]}"; do
    target=$build/tests/fuzz/fuzz_$name
    found=$build/fuzz/$name # of this run: log, new inputs, what failed
    rm -rf "$found"
    mkdir -p "$found/new" "$found/failed"
    options=(-rss_limit_mb=1024 -timeout=10 -artifact_prefix="$found/failed/")
    if ! "$target" "${options[@]}" "$corpus/$name"/* >"$found/log" 2>&1; then
        echo "$name: FAILED on a committed input: $(grep '^Running: ' "$found/log" | tail -1 | cut -d' ' -f2-); see $found/log"
        failed=1
        continue
    fi
    if ! "$target" "${options[@]}" -max_total_time=$each -max_len=8192 -print_final_stats=1 \
        "$found/new" "$corpus/$name" >"$found/log" 2>&1; then
        echo "$name: FOUND $(echo "$found"/failed/*); see $found/log"
        failed=1
        continue
    fi
    echo "$name: $(find "$corpus/$name" -type f | wc -l) inputs replayed," \
        "$(sed -n 's/^stat::number_of_executed_units: *//p' "$found/log") tried in $each s"
done
exit $failed
