#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Calls (of the objects) and includes (of the sources) go down the layers of tests/layers.txt, in the library and in
# the command line.  Planted ones are found.
set -eu
src=${srcdir:-.}
work=$(mktemp -d "${TMPDIR:-/tmp}/hsgd-layers-XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
folders='runtime codelets reference bench apps/hsgd'

# The objects that tests/layers.objects lists (make writes it): "OBJECT MODULE".
objects() {
    sed 's#^\(.*/\)\([^/]*\)\.lo$#\1.libs/\2.o#' tests/layers.objects | while read -r object; do
        [ -f "$object" ] || { echo "FAIL: $object is missing" >&2; exit 1; }
        echo "$object $(echo "$object" | sed 's#\.libs/##; s#/[^/-]*-\([^/]*\)$#/\1#; s#\.o$##')"
    done
}

# What the objects of a list define and need.
symbols() { # LIST
    cut -d' ' -f1 "$1" | xargs nm -gA | awk '
        FNR == NR { module[$1] = $2; next }
        { object = $1; sub(/:[^:]*$/, "", object); print ($(NF - 1) == "U" ? "needs" : "defines"), module[object], $NF }
    ' "$1" -
}

# The files that the sources below a folder include.  Generated headers are in the build folder only.
includes() { # ROOT
    (cd "$1" && find $folders -name '*.[ch]' -exec grep -H '^ *# *include "' {} +) |
        sed 's/^\([^:]*\):.*include "\([^"]*\)".*/\1 \2/' | while read -r file header; do
        for folder in "${file%/*}" runtime codelets apps/hsgd .; do
            found=$folder/$header
            if [ -f "$1/$found" ]; then
                echo "include $file $found" | sed ':up; s#[^/ ]*/\.\./##; t up; s# \./# #'
                continue 2
            fi
        done
        [ -f "$header" ] || [ -f "codelets/$header" ] || [ -f "runtime/$header" ] || echo "include $file missing/$header"
    done
}

# Prints what is wrong, and the last line of layers.awk.
check() { # OBJECTS ROOT TABLE
    {
        cut -d' ' -f2 "$1" | sed 's/^/module /'
        (cd "$2" && find $folders -name '*.[ch]' | sed 's/^/module /; s/\.[ch]$//')
        symbols "$1"
        includes "$2"
    } | awk -f "$src/tests/layers.awk" "$3" -
}

objects >"$work/objects"
check "$work/objects" "$src" "$src/tests/layers.txt" >"$work/out" || {
    cat "$work/out"
    echo 'FAIL: see tests/layers.txt'
    exit 1
}
tail -1 "$work/out"
# A list that is read wrongly would have nothing to find.
tail -1 "$work/out" | awk '{ exit !($1 > 200 && $3 > 800 && $6 > 500) }' || { echo 'FAIL: too few are found'; exit 1; }

# StarPU's own names stand in base/core.h and in the layers that own handles, tasks and launching.
named() { (cd "$1" && grep -nE '(^|[^A-Za-z_"])(starpu_[a-z_]+\(|STARPU_[A-Z_]+)' runtime/io/* runtime/program/* \
    runtime/model/* runtime/data/* runtime/infer/* runtime/train/* | grep -v 'HSGD_PLACEMENT='); }
! named "$src" || { echo 'FAIL: names of StarPU'; exit 1; }

# Planted: a top file's object in a file's place at the bottom; includes; a file elsewhere.
# shellcheck disable=SC2086 # folders
mkdir "$work/plant" && (cd "$src" && tar -cf - $folders) | (cd "$work/plant" && tar -xf -)
sed 's#runtime/train/trainer$#runtime/base/error#; s#apps/hsgd/commands/help$#apps/hsgd/draw/plot#' \
    "$work/objects" >"$work/planted"
echo '#include "train/trainer.h"' >>"$work/plant/runtime/base/error.c"
echo '#include "commands/train.h"' >>"$work/plant/apps/hsgd/lib/text.c"
echo 'void *f(void) { return starpu_task_create(); }' >>"$work/plant/runtime/model/model.c"
[ "$(named "$work/plant" | wc -l)" -eq 1 ] || { echo 'FAIL: not found: starpu_task_create()'; exit 1; }
echo '/* in no layer */' >"$work/plant/runtime/lost.c"
! check "$work/planted" "$work/plant" "$src/tests/layers.txt" >"$work/found" || { echo 'FAIL: nothing planted is found'; exit 1; }
while read -r sentence; do
    grep -q "^$sentence" "$work/found" || { echo "FAIL: not found: $sentence"; cat "$work/found"; exit 1; }
done <<'END'
runtime/base/error calls runtime/plan/plan_cache (
runtime/base/error.c includes runtime/train/trainer.h, upward: from layer base to train
apps/hsgd/draw/plot calls apps/hsgd/commands/commands (
apps/hsgd/lib/text.c includes apps/hsgd/commands/train.h, upward: from layer lib to commands
runtime/lost is in no layer
END
