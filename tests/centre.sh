#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The operation with two inputs, a state and a merge at the end of
# doc/adding-an-op.md: its code is compiled as an application's own operation and
# as one of the library, and its results are compared with the formulas.
set -eu
src=$(cd "${srcdir:-.}" && pwd)
make_variable() { sed -n "s/^$1 = //p" Makefile; }
CC=$(make_variable CC)
SAN_CFLAGS=$(make_variable SAN_CFLAGS)
folder=$(mktemp -d "${TMPDIR:-/tmp}/hsgd-centre-XXXXXX")
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM
STARPU_HOME=$folder
export STARPU_HOME

# The block marked "c NAME".
block() { awk -v mark="\`\`\`c $1" '$0 == mark { on = 1; next } /^```/ { on = 0 } on' "$src/doc/adding-an-op.md"; }
for name in centre.h centre.cl application centre.c; do
    block $name >"$folder/$name"
    [ -s "$folder/$name" ] || { echo "doc/adding-an-op.md has no block \"c $name\""; exit 1; }
done
mv "$folder/centre.c" "$folder/rest.c"
warn='-Wall -Wextra -Werror'

echo "in an application:"
sh "$src/codelets/kernels.sh" -d "$src/codelets/device.h" "$folder/centre.cl" >"$folder/centre_kernels.h"
cat "$folder/application" "$folder/rest.c" >"$folder/centre.c"
# shellcheck disable=SC2086 # flags are words
./libtool --quiet --tag=CC --mode=link $CC -O1 -std=gnu11 $warn $SAN_CFLAGS -I"$folder" -I"$src/include" \
    -o "$folder/application.bin" "$folder/centre.c" "$src/tests/centre_program.c" libhsgd.la -lm
./libtool --quiet --mode=execute "$folder/application.bin"

echo "in the library:"
mkdir "$folder/library"
cp "$folder/centre.h" "$folder/library"
sed 's/<hsgd\/device.h>/"device.h"/' "$folder/centre.cl" >"$folder/library/centre.cl"
{ echo '#include "kernels.h"'; cat "$folder/rest.c"; } >"$folder/library/centre.c"
${MAKE:-make} -s operation-in-library FOLDER="$folder/library" OPERATION=centre
HSGD_ISA=base ./libtool --quiet --mode=execute "$folder/library/program"
