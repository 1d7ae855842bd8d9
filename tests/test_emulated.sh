#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# A short training on a CPU core, an OpenCL device and two emulated CUDA
# devices: each takes a part, and the network learns.
work=$(mktemp -d "${TMPDIR:-/tmp}/hsgd-emulated-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
if ! LD_PRELOAD=$PWD/tests/cudaemu/libcudaemu.so STARPU_SUBALLOCATOR=0 STARPU_HOME=$work ./hsgd train --model mlp-small \
    --data digits --devices cpu,opencl,cuda --threads 1 --epochs 1 \
    --algorithm data-parallel --out "$work/run" --json >"$work/result" 2>"$work/errors"
then
    cat "$work/errors"
    exit 1
fi
cat >"$work/check.awk" <<'AWK'
{ text = text $0 " " }
END {
    n = split(text, part, /"kind"[ ]*:[ ]*/)
    for (i = 2; i <= n; i++) {
        match(part[i], /"samples"[ ]*:[ ]*[0-9]+/)
        samples = substr(part[i], RSTART, RLENGTH)
        sub(/.*[^0-9]/, "", samples)
        kind = substr(part[i], 2); sub(/".*/, "", kind)
        print kind, samples, kind == "cuda" ? "(emulated)" : ""
        if (samples + 0 > 0) devices[kind]++
    }
    match(text, /"test_accuracy"[ ]*:[ ]*[0-9.]+/)
    accuracy = substr(text, RSTART, RLENGTH); sub(/.*[^0-9.]/, "", accuracy)
    print "accuracy", accuracy
    exit !(devices["cpu"] == 1 && devices["opencl"] >= 1 && devices["cuda"] == 2 && accuracy > 0.5)
}
AWK
awk -f "$work/check.awk" "$work/result" || { cat "$work/result"; exit 1; }
