#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Reads kernel files (.cl, and headers they share with host code), or for "ops"
# the operations' files (.c), and prints what the build needs of them:
#   ops   one line OP(name) per operation
#   args  the argument structs and numeric constants, for host code
#   list  one line KERNEL(name, buffers, args) per kernel
#   all   an #include line per file, for the C compilation
#   text  the files as one C string, whose name comes before them
set -eu
mode=$1; shift
echo "/* Made by codelets/generate.sh; do not edit. */"
guard() { echo "#ifndef HSGD_KERNEL_ARGS_H"; echo "#define HSGD_KERNEL_ARGS_H"; }
[ "$mode" != args ] || guard
case $mode in
args) for f; do case $f in *.h) echo "#include \"$(basename "$f")\""; continue ;; esac
                sed -n '/^#define [A-Z0-9_]* *[0-9][0-9]* *\(\/\*.*\)\{0,1\}$/p' "$f"
                awk '/^struct [a-z0-9_]+_args[ \t]*\{/ { on = 1 } on { print } on && /\};/ { on = 0 }' "$f"; done ;;
ops)  for f; do sed -n 's/^const struct hsgd_op hsgd_op_\([a-z0-9_]*\) = {.*/OP(\1)/p' "$f"; done ;;
list) for f; do sed -n 's/^KERNEL\([1-6]\)(\([a-z0-9_]*\), *\([a-z0-9_]*\))$/KERNEL(\2, \1, \3)/p' "$f"; done ;;
all)  for f; do case $f in *.cl) echo "#include \"$(basename "$f")\"" ;; esac; done ;;
text) echo '#include "kernels.h"'
      echo "const char $1[] ="; shift
      for f; do sed -e '/^#include/d' -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/"/' -e 's/$/\\n"/' "$f"; done
      echo ';' ;;
*)    echo "generate.sh: unknown mode $mode" >&2; exit 2 ;;
esac
[ "$mode" != args ] || echo "#endif"
