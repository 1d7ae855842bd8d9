#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# One fuzz target under libFuzzer: run.sh NAME.  What it finds worth keeping
# is in tests/fuzz/corpus/NAME, and what breaks it in tests/fuzz/NAME-crash-*.
set -eu
seeds=${srcdir:-.}/tests/fuzz/seeds/$1
longest=1024
[ "$1" = tar ] && longest=4096        # a member has at least two blocks
[ "$1" = model_file ] && longest=2048 # as long as the largest seed
mkdir -p "tests/fuzz/corpus/$1"
echo "== $1"
exec "tests/fuzz/$1.fuzzer" -runs="${FUZZ_RUNS:-100000}" -max_len="${FUZZ_MAX_LEN:-$longest}" -timeout=10 \
    -rss_limit_mb=2048 -malloc_limit_mb=512 -print_final_stats=1 -verbosity=0 \
    -artifact_prefix="tests/fuzz/$1-" "tests/fuzz/corpus/$1" "$seeds"
