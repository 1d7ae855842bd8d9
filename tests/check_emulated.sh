#!/bin/sh
# On emulated CUDA devices: every operation, the agreement of trainings, and
# planted faults, each of which must be caught.  Run in the build folder.
set -u
srcdir=${srcdir:-..}
work=$(mktemp -d "${TMPDIR:-/tmp}/hsgd-emulated-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
passed=0
failed=0

# part NAME COMMAND...: with the emulator preloaded.
part() {
    name=$1
    shift
    echo "== $name"
    if LD_PRELOAD=$PWD/tests/cudaemu/libcudaemu.so STARPU_SUBALLOCATOR=0 STARPU_HOME=$work "$@" >"$work/log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $name"
    fi
    cat "$work/log"
}

part "operations on an emulated CUDA device" env HSGD_CUDAEMU_REPORT=1 ./test_ops --devices=cuda:0
if ! grep -q ' 0 kernels never launched' "$work/log"; then
    failed=$((failed + 1))
    echo "FAILED: some kernels were not launched"
fi
# Emulated convolutions are slow.
export HSGD_TEST_STEPS="${HSGD_TEST_STEPS:-20}" HSGD_TEST_BATCH="${HSGD_TEST_BATCH:-64}" HSGD_TEST_SECONDS=900
part "agreement on two emulated CUDA devices" env HSGD_TEST_DEVICES=cuda HSGD_CUDAEMU_SEED=2 ./test_agreement digits
part "agreement on CPU, OpenCL and two emulated CUDA devices" env HSGD_TEST_DEVICES=cpu,opencl,cuda \
    HSGD_CUDAEMU_SEED=3 ./test_agreement digits
echo "== planted faults on an emulated CUDA device"
if sh "$srcdir/tests/emulated_faults.sh"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
echo "emulated CUDA: $passed passed, $failed failed"
test $failed -eq 0
