#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Random calls of the public interface, see tests/api/fuzz.c: api_calls.sh [full]
set -eu
symbols=${srcdir:-.}/tests/symbols.txt
# What is too much memory is an error, not the end.
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}allocator_may_return_null=1:max_allocation_size_mb=2000
export ASAN_OPTIONS
if [ "${1-}" = full ]; then
    ./tests/api_fuzz "$symbols" 9000 1 2 3 4 5 6
else
    ./tests/api_fuzz "$symbols" 700 1 2
fi
