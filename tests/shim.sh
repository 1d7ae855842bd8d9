# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=sh disable=SC2154 # sourced behind cli.sh
# Where the library that is preloaded is ($shim, or fault_shim); it cannot be preloaded before a sanitizer.
shim=$build/.libs/${shim:-fault_shim}.so
[ -f "$shim" ] || { echo "$shim is not there"; exit 99; }
if ldd "$build/.libs/hsgd" 2>/dev/null | grep -q libasan; then
    echo "skipped: a preloaded library does not go with sanitizers"
    exit 77
fi
