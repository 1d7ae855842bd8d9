#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The headers and HSGD_LAUNCH in C++, and in C without extensions; no name is
# both a struct and a function.
set -eu
src=${srcdir:-.}
make_variable() { sed -n "s/^$1 = //p" Makefile; }
CC=$(make_variable CC)
SAN_CFLAGS=$(make_variable SAN_CFLAGS)
folder=$(mktemp -d "${TMPDIR:-/tmp}/hsgd-cplusplus-XXXXXX")
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM
STARPU_HOME=$folder
export STARPU_HOME

sed -n 's/^\(struct\|enum\|union\) \(hsgd_[a-z0-9_]*\).*/\2/p' "$src"/include/hsgd/*.h | LC_ALL=C sort -u >"$folder/types"
twice=$(LC_ALL=C comm -12 "$folder/types" "$src/tests/symbols.txt")
[ -z "$twice" ] || { echo "both a type and a function or object: $twice"; exit 1; }

strict='-Wall -Wextra -Wconversion -Wshadow -pedantic -Werror'
# shellcheck disable=SC2086 # flags are words
for header in "$src"/include/hsgd/*.h; do
    echo "#include <hsgd/${header##*/}>" >"$folder/alone.c"
    $CC -std=c11 $strict -I"$src/include" -c -o "$folder/alone.o" "$folder/alone.c"
done

# The library of a build with sanitizers needs theirs in the program, too, which the other compiler does not have.
compilers='g++ clang++'
[ -z "$SAN_CFLAGS" ] || compilers=g++
compiled=0
for compiler in $compilers; do
    command -v "$compiler" >/dev/null || { echo "not tried: no $compiler"; continue; }
    for standard in c++11 c++20; do
        # shellcheck disable=SC2086 # flags are words
        "$compiler" -std=$standard $strict $SAN_CFLAGS -I"$src/include" -o "$folder/program" "$src/tests/cplusplus.cpp" \
            -L.libs -lhsgd -Wl,-rpath,"$(pwd)/.libs"
        echo "$compiler -std=$standard"
        "$folder/program"
        compiled=$((compiled + 1))
    done
done
[ "$compiled" -gt 0 ] || { echo "skipped: no C++ compiler"; exit 77; }
