#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Every operation on all of its shapes, on CPU, OpenCL and, where the build has CUDA, an emulated CUDA device; prints
# how many shapes each ran.  Run in the build folder.
# EMULATOR: the libraries of the emulator; empty: built without CUDA.
set -u
srcdir=$(cd "${srcdir:-..}" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/hsgd-ops-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
unset HSGD_TEST_PART
status=0
kinds="cpu opencl"
for device in $kinds; do
    ./test_ops --devices=$device >"$work/$device" 2>&1 || status=1
done
if [ -n "${EMULATOR:-}" ]; then
    kinds="$kinds cuda"
    LD_PRELOAD=$PWD/tests/cudaemu/libcudaemu.so STARPU_SUBALLOCATOR=0 ./test_ops --devices=cuda:0 >"$work/cuda" 2>&1 ||
        status=1
fi
cd "$work" || exit 1
grep -hE 'wrong on|no context|rror' $kinds
awk -v columns="$kinds" -f "$srcdir/tests/counts.awk" $kinds
[ -n "${EMULATOR:-}" ] || echo "cuda: not in this build"
exit $status
