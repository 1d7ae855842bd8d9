#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Makes doc/onnx-cases.md: which of ONNX's test cases are not supported, and why.
# doc/onnx.sh SOURCE BUILD [FOLDER]
set -eu
source=$(cd "$1" && pwd)
PATH=$(cd "$2" && pwd):$PATH
cases=${3:-/usr/share/libonnx-testdata/data/node}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export STARPU_HOME="$work" HSGD_CACHE_DIR="$work/cache" HWLOC_HIDE_ERRORS=2

# Lines of the command are wrapped, the rest of a sentence is indented.
hsgd onnx-test --devices cpu "$cases" >"$work/out" || { cat "$work/out"; exit 1; }
awk '/^    / { sub(/^ +/, " "); line = line $0; next } { if (NR > 1) print line; line = $0 } END { print line }' \
    "$work/out" >"$work/lines"
{
    echo "# ONNX's test cases that are not supported"
    echo
    echo "Of the cases under \`node/\` of ONNX 1.12 (Debian's \`libonnx-testdata\`): $(tail -n 1 "$work/lines")."
    echo "\`doc/onnx.sh\` makes this page. What is supported is in [onnx.md](onnx.md)."
    echo
    echo "Operators that are supported:"
    sed -n 's/.*{ "\([A-Z][A-Za-z0-9]*\)", [0-9]*, [0-9]*,.*/\1/p; s/^ *[A-Z]*("\([A-Z][A-Za-z0-9]*\)".*/\1/p' \
        "$source"/runtime/onnx/rows_*.c | sort -u | tr '\n' ' ' | fold -s -w 118 | sed 's/ *$//'
    echo "."
    echo
    echo "| reason | cases |"
    echo "|---|---|"
    sed -n 's/^test_\([^:]*\): not supported: \(.*\)$/\2	\1/p' "$work/lines" |
        sed -e 's/^node "[^"]*" (\([^)]*\)): /\1: /' -e 's/^node [0-9]* (\([^)]*\)): /\1: /' \
            -e 's/^[a-z]* "[^"]*": /input or output: /' -e 's/|/\\|/g' | sort |
        awk -F '\t' '$1 != reason { if (reason != "") print "| " reason " | " list " |"; reason = $1; list = $2; next }
            { list = list ", " $2 } END { if (reason != "") print "| " reason " | " list " |" }'
} >"$source/doc/onnx-cases.md"
