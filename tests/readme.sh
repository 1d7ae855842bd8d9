#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# README.md's C program compiles against the build tree without warnings, is
# short, and trains.
# shellcheck source=tests/readme_program.sh
. "${srcdir:-.}/tests/readme_program.sh"

lines=$(wc -l <"$folder/program.c")
[ "$lines" -le 36 ] || { echo "the program has $lines lines"; exit 1; }
# shellcheck disable=SC2086 # flags are words
./libtool --quiet --tag=CC --mode=link $CC -std=c11 -Wall -Wextra -Werror $SAN_CFLAGS -I"$src/include" \
    -o "$folder/program" "$folder/program.c" "$build/libhsgd.la"
expect_training ./libtool --quiet --mode=execute "$folder/program"
