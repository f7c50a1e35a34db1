#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# test_installed_sdk.sh BUILD-DIR SOURCE-DIR CC CXX: installs the build to a scratch prefix and works from there as a plugin author
# does: find_package(dlfw), then the one-line compiler command with pkg-config, for every template and example. Needs no network.
set -eu
build=$1 source=$2 cc=$3 cxx=$4

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix
cmake --install "$build" --prefix "$prefix" >"$work/install.log" || { cat "$work/install.log"; exit 1; }

fail() { echo "FAILED: $*"; exit 1; }

# The prefix may be moved after the installation: nothing in it may name the place it was installed to.
mv "$prefix" "$work/moved"
prefix=$work/moved
conform=$prefix/bin/dlfw-conform
PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name dlfw-sdk.pc)")
export PKG_CONFIG_PATH

echo "== headers: each alone, as C11 and as C++17"
for header in $(cd "$prefix/include" && find dlfw -name '*.h' | sort); do
    printf '#include "%s"\nextern int nothing;\n' "$header" >"$work/one.c"
    "$cc" -std=c11 -Wall -Wextra -Wpedantic -Wpadded -Werror -I"$prefix/include" -fsyntax-only "$work/one.c" || fail "$header as C11"
    "$cxx" -std=c++17 -x c++ -Wall -Wextra -Werror -I"$prefix/include" -fsyntax-only "$work/one.c" || fail "$header as C++17"
done

echo "== pkg-config variables"
[ "$(pkg-config --variable=abi dlfw-sdk)" = 1.0 ] || fail "abi is '$(pkg-config --variable=abi dlfw-sdk)'"
plugindir=$(pkg-config --variable=plugindir dlfw-sdk)
[ -d "$plugindir" ] || fail "plugindir '$plugindir' is no folder"

for folder in "$prefix"/share/dlfw/template/* "$source"/examples/plugin-*; do
    name=$(basename "$folder")
    echo "== $name: find_package and dlfw_add_plugin"
    cp -r "$folder" "$work/$name"
    cmake -S "$work/$name" -B "$work/$name/build" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_COMPILER="$cc" \
        -DCMAKE_C_FLAGS="-Wall -Wextra -Wshadow -Wconversion -Werror" >"$work/$name.log" 2>&1 || { cat "$work/$name.log"; fail "$name"; }
    cmake --build "$work/$name/build" >"$work/$name.log" 2>&1 || { cat "$work/$name.log"; fail "$name"; }
    ctest --test-dir "$work/$name/build" --no-tests=error --output-on-failure >"$work/$name.log" 2>&1 ||
        { cat "$work/$name.log"; fail "$name does not conform"; }
    cmake --install "$work/$name/build" >/dev/null
    so=$(basename "$(find "$work/$name/build" -name 'dlfw-*.so')")
    [ -f "$plugindir/$so" ] || fail "$so was not installed to $plugindir"

    echo "== $name: one line"
    code=$(find "$work/$name" -maxdepth 1 -name '*.c')
    mkdir "$work/$name/line"
    # shellcheck disable=SC2046 # the words of pkg-config are meant to be split
    "$cc" -Wall -Wextra -Werror $(pkg-config --cflags dlfw-sdk) -shared -fPIC -fvisibility=hidden \
        -o "$work/$name/line/$so" "$code" $(pkg-config --libs dlfw-sdk) || fail "$name in one line"
    "$conform" --include 'binary.*' --include 'life.create' "$work/$name/line/$so" >"$work/$name.log" ||
        { cat "$work/$name.log"; fail "$name, built in one line, does not conform"; }
done

echo "== unit test of a plugin with the installed mock"
mock=$prefix/share/dlfw/mock
"$cc" -std=c11 -Wall -Wextra -Werror -I"$prefix/include" -I"$mock" -I"$prefix/share/dlfw/template/hook" \
    -o "$work/mock_use" "$source/tests/sdk/mock_use.c" "$mock/fake_host.c" "$mock/fake_services.c" \
    -L"$(pkg-config --variable=libdir dlfw-sdk)" -ldlfw-sdk -lpthread || fail "mock_use does not build"
"$work/mock_use" || fail "mock_use"

echo "== the complete plugin of the manual page"
awk '/^```/ { block++; next } block == 1' "$source/docs/man/dlfw-plugin.7.scd" | sed 's/\\\\/\\/g' >"$work/count.c"
# shellcheck disable=SC2046
"$cc" $(pkg-config --cflags dlfw-sdk) -shared -fPIC -fvisibility=hidden -o "$work/dlfw-hook-count.so" "$work/count.c" \
    $(pkg-config --libs dlfw-sdk) || fail "the example of dlfw-plugin(7) does not build"
"$conform" "$work/dlfw-hook-count.so" >"$work/count.log" || { cat "$work/count.log"; fail "the example of dlfw-plugin(7) does not conform"; }

echo "== version"
printf 'cmake_minimum_required(VERSION 3.22)\nproject(x LANGUAGES C)\nfind_package(dlfw 2.0 QUIET)\nif(dlfw_FOUND)\nmessage(FATAL_ERROR "2.0 found")\nendif()\n' \
    >"$work/CMakeLists.txt"
cmake -S "$work" -B "$work/version" -DCMAKE_PREFIX_PATH="$prefix" >/dev/null || fail "find_package(dlfw 2.0) succeeds with ABI 1"
