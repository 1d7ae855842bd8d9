#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Every fuzz target over its seeds (see tests/fuzz/replay.c).
passed=0 failed=0
for seeds in "${srcdir:-.}"/tests/fuzz/seeds/*; do
    name=${seeds##*/}
    [ "$name" != onnx ] || [ -f tests/fuzz/onnx.replay ] || { echo "onnx: built without protobuf-c"; continue; }
    if "tests/fuzz/$name.replay" "$seeds"/*; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL: $name"
    fi
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
