#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# A program compiled with older headers works with the library: here with
# headers whose option and result structs lack their last three fields.
set -eu
src=${srcdir:-.}
make_variable() { sed -n "s/^$1 = //p" Makefile; }
CC=$(make_variable CC)
SAN_CFLAGS=$(make_variable SAN_CFLAGS)
folder=$(mktemp -d "${TMPDIR:-/tmp}/hsgd-older-XXXXXX")
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM
STARPU_HOME=$folder
export STARPU_HOME

mkdir -p "$folder/include/hsgd"
for header in "$src"/include/hsgd/*.h; do
    awk '
        /^struct hsgd_(context_options|data_options|train_options|device|fit_result) \{/ { inside = 1; n = fields = 0 }
        inside && /^    [a-z][^\/]*;/ { field[fields++] = n }
        inside && /^};/ {
            for (i = 0; i < field[fields - 3]; i++) print line[i]
            inside = 0
        }
        inside { line[n++] = $0; next }
        { print }' "$header" >"$folder/include/hsgd/${header##*/}"
done

# Sizes as such a program has them, and as the library has them.
compile() {
    # shellcheck disable=SC2086 # flags are words
    $CC -std=gnu11 -Wall -Wextra -Werror $SAN_CFLAGS -I"$1" -o "$2" "$src/tests/older_program.c" \
        -L.libs -lhsgd -Wl,-rpath,"$(pwd)/.libs"
}
compile "$folder/include" "$folder/older"
compile "$src/include" "$folder/now"
"$folder/older" >"$folder/older.txt" || { cat "$folder/older.txt"; exit 1; }
"$folder/now" >"$folder/now.txt" || { cat "$folder/now.txt"; exit 1; }
paste "$folder/older.txt" "$folder/now.txt"
paste "$folder/older.txt" "$folder/now.txt" |
    awk 'NF != 4 || $1 != $3 || $2 >= $4 { bad = 1 } END { exit bad || NR != 5 }'
