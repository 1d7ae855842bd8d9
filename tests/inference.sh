#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# doc/inference.md's C program compiles against the build tree without warnings, and classifies.
set -eu
src=${srcdir:-.}
make_variable() { sed -n "s/^$1 = //p" Makefile; }
CC=$(make_variable CC)
SAN_CFLAGS=$(make_variable SAN_CFLAGS)
folder=$(mktemp -d "${TMPDIR:-/tmp}/hsgd-inference-XXXXXX")
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM
export STARPU_HOME="$folder" HSGD_CACHE_DIR="$folder"
awk '/^```c$/ { on = 1; next } /^```/ { if (on) exit } on' "$src/doc/inference.md" >"$folder/program.c"
[ -s "$folder/program.c" ] || { echo "doc/inference.md holds no C program"; exit 1; }
# shellcheck disable=SC2086 # flags are words
./libtool --quiet --tag=CC --mode=link $CC -std=c11 -Wall -Wextra -Werror $SAN_CFLAGS -I"$src/include" \
    -o "$folder/program" "$folder/program.c" libhsgd.la
./libtool --quiet --mode=execute "$folder/program" >"$folder/out"
cat "$folder/out"
[ "$(sort -u "$folder/out" | grep -c '^[0-9] 0\.1')" = 1 ] && [ "$(wc -l <"$folder/out")" = 3 ] ||
    { echo "three equal images have other classes than one, or a network that knows nothing knows them"; exit 1; }
if ./libtool --quiet --mode=execute "$folder/program" "$folder/nothing" 2>"$folder/error"; then exit 1; fi
grep -q "nothing" "$folder/error"
