#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh BUILD: makes the Debian packages of a Release build and proves what a user relies on: lintian has nothing to say, a second build
# of the same tree gives the same bytes, and the program runs in a root that holds nothing but the package and the libraries it names.
set -euo pipefail
build=$(realpath "${1:?usage: run.sh BUILD}")
source=$(realpath "$(dirname "$0")/../..")
work=$(mktemp -d)
second_build=
finish() {
    # a failure of the first checks should not wait for the second build
    [ -z "$second_build" ] || { kill -- "-$second_build" && wait "$second_build"; } 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT
SOURCE_DATE_EPOCH=$(dpkg-parsechangelog -l "$source/scripts/package/changelog" -S Timestamp)
export SOURCE_DATE_EPOCH

fail() { echo "FAILED: $*" >&2; exit 1; }
say() { echo "-- $* ($SECONDS s)"; }
cached() { sed -n "s/^$1:[A-Z]*=//p" "$build/CMakeCache.txt"; }

[ "$(cached CMAKE_BUILD_TYPE)" = Release ] && [ -z "$(cached DLFW_SANITIZE)" ] || fail "'$build' is no Release build; packages are made of one"

# The packages of a build folder, into a folder.
pack() {
    (umask 022 && cpack --config "$1/CPackConfig.cmake" -G DEB -B "$2") >"$work/log" 2>&1 || { cat "$work/log"; fail "cpack of '$1'"; }
    rm -rf "$2/_CPack_Packages"
}

# While lintian, which uses one processor, looks at the packages of the first build.
again() {
    cmake -S "$source" -B "$work/again" -G "$(cached CMAKE_GENERATOR)" -DCMAKE_C_COMPILER="$(cached CMAKE_C_COMPILER)" \
        -DCMAKE_BUILD_TYPE=Release -DDLFW_TESTS=OFF && cmake --build "$work/again"
}
set -m # a process group of its own, which finish() can end
again >"$work/again.log" 2>&1 &
second_build=$!
set +m

say "packages of $build"
pack "$build" "$work/first"
program=$(echo "$work"/first/dlfw_*.deb)
sdk=$(echo "$work"/first/dlfw-dev_*.deb)
mpi=$(echo "$work"/first/dlfw-mpi_*.deb)
[ -f "$program" ] && [ -f "$sdk" ] && [ -f "$mpi" ] || fail "there should be dlfw, dlfw-dev and dlfw-mpi: $(ls "$work/first")"

say "lintian"
# initial-upload-closes-no-bugs: these packages are not uploaded to Debian, so there is no request that they close.
lintian --allow-root --fail-on error,warning --suppress-tags initial-upload-closes-no-bugs "$program" "$sdk" "$mpi" || fail "lintian"

say "control fields"
field() { dpkg-deb -f "$1" "$2"; }
[ "$(field "$program" Provides)" = "dlfw-abi-1 (= 1.0)" ] || fail "dlfw provides '$(field "$program" Provides)'"
for package in "$sdk" "$mpi"; do
    field "$package" Depends | grep -qF "dlfw (= $(field "$program" Version))" || fail "'$package' depends on '$(field "$package" Depends)'"
done
field "$program" Depends | grep -qi mpi && fail "dlfw depends on an MPI: $(field "$program" Depends)"

say "contents"
root=$work/root
dpkg-deb -x "$program" "$root"
need() { [ -s "$root/usr/$1" ] || fail "dlfw_*.deb has no $1"; }
need share/bash-completion/completions/dlfw
need share/zsh/vendor-completions/_dlfw
need share/man/man1/dlfw.1.gz
need bin/dlio_benchmark
need share/man/man1/dlio_benchmark.1.gz
need share/dlfw/workload/default.yaml
need share/man/man5/dlfw.yaml.5.gz
for command in $("$build/dlfw" help | sed -n 's/^  \([a-z]\+\) .*/\1/p' | grep -v '^complete$'); do
    need "share/man/man1/dlfw-$command.1.gz"
done
plugins=$(find "$root/usr/lib" -name 'dlfw-*.so' -printf '%f\n' | sort)
expected=$(cd "$build/plugins" && ls dlfw-*.so | grep -v '^dlfw-coordinator-')
[ "$plugins" = "$expected" ] || fail "plugins in the package: $plugins; built: $expected"
for plugin in $plugins dlfw-backend-direct.so; do
    page=${plugin%.so} # pages are named after interfaces
    page=${page/%backend-azure/backend-az}
    page=${page/%backend-gcs/backend-gs}
    need "share/man/man7/$page.7.gz"
done
dpkg-deb -x "$mpi" "$work/mpi"
coordinators=$(find "$work/mpi/usr/lib" -name 'dlfw-*.so' -printf '%f\n' | sort | xargs)
[ "$coordinators" = "dlfw-coordinator-mpich.so dlfw-coordinator-openmpi.so" ] || fail "plugins in dlfw-mpi: $coordinators"
dpkg-deb -x "$sdk" "$work/sdk"
[ -s "$work/sdk/usr/include/dlfw/plugin.h" ] && [ -x "$work/sdk/usr/bin/dlfw-conform" ] || fail "dlfw-dev lacks headers or dlfw-conform"
[ -z "$(find "$root" -name '*.a' -o -name '*.h' -o -name '*.cmake')" ] || fail "parts of the SDK are in dlfw_*.deb"

say "libraries"
# The loader and every library that the program and its plugins need; each must come from a package that Depends names, or that one
# of these needs itself (libhdf5 brings its own).
brought() { # the packages, and all that they depend on
    local seen=" " package todo="$*"
    while [ -n "$todo" ]; do
        package=${todo%% *}
        todo=${todo#"$package"}
        todo=${todo# }
        [[ $seen == *" $package "* ]] && continue
        seen+="$package "
        todo+=" $(dpkg-query -W -f '${Depends}\n' "$package" 2>/dev/null | sed 's/([^)]*)//g; s/:any//g; s/[,|]/ /g' | xargs || true)"
        todo=$(echo $todo)
    done
    echo "$seen"
}
find "$root/usr/bin/dlfw" "$root"/usr/lib/*/dlfw/plugins -type f -exec ldd {} + |
    grep -o '/[^ ]*\.so[^ ]*\( \|$\)' | grep -v "^$root" | sort -u >"$work/libraries"
depends=$(field "$program" Depends)
closure=$(brought $(sed 's/([^)]*)//g; s/,/ /g' <<<"$depends"))
while read -r library; do
    package=$(dpkg -S "$(realpath "$library")" 2>/dev/null || dpkg -S "$library") || fail "no package owns $library"
    [[ $closure == *" ${package%%:*} "* ]] || fail "'${package%%:*}' is needed for $library; dlfw depends on: $depends"
    cp -L --parents "$library" "$root"
done <"$work/libraries"

say "running in the empty root"
# /proc tells the program where it lies. Where a mount is not allowed, one link stands in for it.
mkdir "$root/proc" "$root/tmp"
if unshare -rmpf sh -c 'mount -t proc proc "$1"' sh "$root/proc" 2>/dev/null; then
    enter() { unshare -rmpf sh -c 'mount -t proc proc "$1/proc" && exec env -i /usr/sbin/chroot "$@"' sh "$root" "$@"; }
elif [ "$(id -u)" = 0 ]; then
    echo "   (without namespaces: a link stands in for /proc)"
    mkdir "$root/proc/self"
    ln -s /usr/bin/dlfw "$root/proc/self/exe"
    enter() { env -i /usr/sbin/chroot "$root" "$@"; }
else
    fail "neither user namespaces nor root, so there is no way into a root folder"
fi
enter /usr/bin/dlfw --version | grep -q '^dlfw [0-9.]* (plugin ABI 1\.[0-9]*)$' || fail "dlfw --version"
enter /usr/bin/dlfw plugins list --load --json >"$work/list.json" || fail "dlfw plugins list: $(cat "$work/list.json")"
python3 - "$work/list.json" <<'PY' || fail "dlfw plugins list"
import json, sys
found = json.load(open(sys.argv[1]))
names = sorted(p["name"] for p in found["plugins"])
wanted = ["az", "checkpoint_files", "checkpoint_store", "csv", "direct", "file", "gs", "hdf5", "indexed_binary", "jpeg", "memory", "metrics", "mmap_indexed_binary", "npy",
          "npz", "null", "parquet", "png", "raw", "s3", "synthetic", "tfrecord"]
if names != wanted or found["refused"]:
    sys.exit(f"found {names}, refused {found['refused']}; wanted {wanted}")
PY
enter /usr/bin/dlfw run --quiet /usr/share/doc/dlfw/examples/default_small.yaml ++dataset.data_folder=/data ++output.folder=/results \
    ++train.epochs=1 ++dataset.num_files_train=8 ++dataset.num_files_eval=2 >"$work/run.log" 2>&1 || { cat "$work/run.log"; fail "dlfw run"; }
python3 - "$root/results/summary.json" <<'PY' || fail "the run's summary"
import json, sys
summary = json.load(open(sys.argv[1]))
assert summary["dlfw"]["status"] == "ok", summary["dlfw"]["status"]
assert len(summary["metric"]["train_au_percentage"]) == 1, summary["metric"]
PY
[ "$(find "$root/data" -name '*.npz' | wc -l)" = 10 ] || fail "10 files should have been generated: $(find "$root/data" -name '*.npz')"

say "a second build"
wait "$second_build" || { cat "$work/again.log"; fail "the second build"; }
second_build=
pack "$work/again" "$work/second"
for name in "$(basename "$program")" "$(basename "$sdk")" "$(basename "$mpi")"; do
    cmp -s "$work/first/$name" "$work/second/$name" && continue
    for which in first second; do
        dpkg-deb -x "$work/$which/$name" "$work/$which/files"
        { dpkg-deb -I "$work/$which/$name" control; dpkg-deb -c "$work/$which/$name"
          (cd "$work/$which/files" && find . -type f -exec sha256sum {} + | sort -k 2); } >"$work/$which.contents"
        rm -rf "$work/$which/files"
    done
    diff "$work/first.contents" "$work/second.contents" || fail "$name is not the same in two builds"
    fail "$name has the same files in two builds, but is not the same archive"
done
say "all good"
