#!/bin/sh
# Every fuzz target over its seeds (see tests/fuzz/replay.c).
passed=0 failed=0
for name in $FUZZ_TARGETS; do
    if "tests/fuzz/$name.replay" "${srcdir:-.}/tests/fuzz/seeds/$name"/*; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL: $name"
    fi
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
