#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# What the library exports is what tests/symbols.txt lists (doc/abi.md).
set -eu
src=${srcdir:-.}
# Sanitizers export names of their own, which begin with "_".
nm -D --defined-only .libs/libhsgd.so | awk '{ print $NF }' | grep -v '^_' | LC_ALL=C sort >symbols.out
LC_ALL=C sort -c "$src/tests/symbols.txt"
diff "$src/tests/symbols.txt" symbols.out || {
    echo "< is listed in tests/symbols.txt, > is exported: a new function is added to the list; see doc/abi.md"
    exit 1
}
rm symbols.out
