#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The bash script offers what the program says: each case types a line, and COMPREPLY must be the words given. TEST_BUILD is the build.
set -u
tree=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/configs/workload"
touch "$work/configs/workload/unet3d_h100.yaml" "$work/configs/workload/resnet50.yaml" "$work/configs/workload/notes.txt"
cd "$work" || exit 1
PATH=$TEST_BUILD:$PATH
source "$tree/scripts/completion/dlfw.bash"
failures=0

# Splits a line as bash does for programmable completion ("=" and ":" are words of their own) and calls the function.
type_line() {
    COMP_LINE=$1
    COMP_POINT=${#1}
    COMP_WORDS=()
    local rest=$1 word
    while [[ $rest =~ ^[[:space:]]*([=:]+|[^[:space:]=:]+)(.*)$ ]]; do
        COMP_WORDS+=("${BASH_REMATCH[1]}")
        rest=${BASH_REMATCH[2]}
    done
    [[ $1 == *[[:space:]] ]] && COMP_WORDS+=("")
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    COMPREPLY=()
    _dlfw
}

expect() { # the line, the words that must be offered, in this order and no others
    local line=$1
    shift
    type_line "$line"
    if [ "${COMPREPLY[*]}" != "$*" ]; then
        echo "FAILED: '$line' offers '${COMPREPLY[*]}', not '$*'"
        failures=$((failures + 1))
    fi
}

expect "dlfw " run generate validate plan sweep config plugins clean index inspect checkpoint check-rules report ls stat cat get put cp sync rm mb rb du complete --help --version
expect "dlfw pl" plan plugins
expect "X=1 dlfw plu" plugins
expect "dlfw nothing "
expect "dlfw plugins " list info --help
expect "dlfw plugins list --l" --load
expect "dlfw plugins info n" null npy npz
expect "dlfw plugins info --kind format n" npy npz
expect "dlfw plugins info --kind " backend format hook coordinator
expect "dlfw plugins info npz "
expect "dlfw config " show --help
expect "dlfw config show --" --json --strict --config-dir
expect "dlfw run --st" --strict --strict-au
expect "dlfw generate --f" --force
expect "dlfw sweep --pl" --plan --plugin-dir
expect "dlfw sweep --accelerators 1..4 --re" --repeat
expect "dlfw report --" --html --compare --prometheus --json --help
expect "dlfw report "
expect "dlfw report --html "
expect "dlfw check-rules --h" --hosts --help
expect "dlfw check-rules --hosts 2 "
expect "dlfw ls --" --recursive --long --count --uri --null --glob --regex --json --jobs --quiet --no-progress --option --config --plugin-dir --help
expect "dlfw ls --count --n" --null --no-progress
expect "dlfw rm -r --ig" --ignore-missing
expect "dlfw cat --range 0-9 --j" --jobs
expect "dlfw mb --" --option --config --plugin-dir --help
expect "dlfw cp --re" --recursive --resume --regex
expect "dlfw sync --de" --delete
expect "dlfw put --compress 2 --n" --name-template --no-clobber --no-progress
expect "dlfw get --o" --offset --option
# storages: files are offered for what is no URI
expect "dlfw cp "
expect "dlfw get --keylist "
# the run file and folders: nothing, so that bash offers files
expect "dlfw run "
expect "dlfw run --plugin-dir "
# overrides: sections, then keys
expect "dlfw run ++tr" ++train.
expect "dlfw run x.yaml train.ep" train.epochs=
expect "dlfw run x.yaml +output.m" +output.metric.
expect "dlfw run x.yaml ~reader.batch" "~reader.batch_size" "~reader.batch_size_eval"
expect "dlfw run x.yaml ++train.epochs=3 metr" metric.
# with a folder of configurations: its run files; only what stands behind "=" is replaced
expect "dlfw run --config-dir configs wo" workload=resnet50 workload=unet3d_h100 workflow.
expect "dlfw run --config-dir configs workload=" resnet50 unet3d_h100
expect "dlfw run --config-dir configs workload=un" unet3d_h100

[ "$failures" = 0 ]
