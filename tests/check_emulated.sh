#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# On emulated CUDA devices: every operation, random graphs, the agreement of
# trainings, and injected faults, each of which must be caught.  Run in the build folder.
# CUDNN: where in it the emulated cuDNN is; empty: built without.
set -u
srcdir=${srcdir:-..}
CUDNN=${CUDNN:+$PWD/$CUDNN}
export CUDNN
work=$(mktemp -d "${TMPDIR:-/tmp}/hsgd-emulated-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
passed=0
failed=0

emulated() {
    LD_PRELOAD=$PWD/tests/cudaemu/libcudaemu.so STARPU_SUBALLOCATOR=0 STARPU_HOME=$work "$@"
}

# part NAME COMMAND...: with the emulator preloaded.
part() {
    name=$1
    shift
    echo "== $name"
    if emulated "$@" >"$work/log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $name"
    fi
    cat "$work/log"
    cat "$work/log" >>"$work/all"
}

# Fails when some kernel was launched by no part; one is there for cuDNN.
all_launched() {
    awk -v cudnn="$CUDNN" '/^emulated CUDA: hsgd_cuda_/ && (cudnn || !/conv2d_gpu_finish/) { n[$3] += $4 }
         END { for (k in n) { seen++; if (!n[k]) { print "never launched: " k; never++ } }
               print seen + 0 " kernels, " never + 0 " never launched"; exit never || !seen }' "$work/all"
}

# The same for the kinds of convolution by cuDNN.
all_convolved() {
    awk '/^emulated cuDNN: .* convolutions$/ { kind = $3 " " ($4 ~ /^[0-9]/ ? "" : $4); n[kind] += $(NF - 1) }
         END { for (k in n) { print "emulated cuDNN: " k, n[k]; seen++; never += !n[k] }
               exit never || seen != 3 }' "$work/all"
}

# agreement WHAT VARIABLE...
agreement() {
    what=$1
    shift
    part "agreement $what" env "$@" HSGD_TEST_STEPS="${HSGD_TEST_STEPS:-20}" HSGD_TEST_BATCH="${HSGD_TEST_BATCH:-64}" \
        HSGD_TEST_SECONDS=900 ./test_agreement digits # emulated convolutions are slow
}

# By cuDNN whatever it can do.
with_cudnn() {
    part "convolution by emulated cuDNN" env HSGD_CUDNN="$CUDNN" HSGD_CUDAEMU_REPORT=1 ./test_ops --devices=cuda:0 conv2d
    part "convolution where cuDNN knows no algorithm" env HSGD_CUDNN="$CUDNN" HSGD_CUDAEMU_ALGORITHMS=0 \
        ./test_ops --devices=cuda:0 conv2d
    part "trainings by emulated cuDNN" env HSGD_CUDNN="$CUDNN" ./test_cudnn
    part "graphs against plain launches by emulated cuDNN" env HSGD_CUDNN="$CUDNN" ./test_graphs convolution
    agreement "on two emulated CUDA devices by emulated cuDNN" HSGD_CUDNN="$CUDNN" HSGD_TEST_DEVICES=cuda \
        HSGD_CUDAEMU_SEED=4
    echo "== all kinds of convolution by emulated cuDNN"
    if all_convolved; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
}

part "operations on an emulated CUDA device" env HSGD_CUDAEMU_REPORT=1 ./test_ops --devices=cuda:0
for operation in dense gemm; do
    part "$operation without epilogues" env HSGD_CUDAEMU_EPILOGUES=0 ./test_ops --devices=cuda:0 $operation
done
for algorithm in stale elastic; do
    part "$algorithm on two emulated CUDA devices" env HSGD_CUDAEMU_REPORT=1 ./hsgd train --model mlp-small --data digits \
        --devices cuda --algorithm $algorithm --steps 20 --out "$work/$algorithm"
done
# selftest passes, and finds a wrong number, and that no graph is launched.
selftest() {
    ./hsgd selftest --devices cuda:0 || return 1
    LD_PRELOAD=$PWD/.libs/wrong_shim.so:$LD_PRELOAD WRONG="dense@cuda:0 plain@cuda:0" ./hsgd selftest --devices cuda:0 \
        >"$work/wrong"
    [ $? -eq 1 ] && grep FAILED "$work/wrong" && [ "$(grep -c '^    no graph was captured' "$work/wrong")" -eq 3 ] &&
        grep -A 1 '^dense .*FAILED' "$work/wrong" | grep -q '^    wrong on cuda:0: y' && tail -n 1 "$work/wrong" | grep ', 4 failed$'
}
part "selftest on an emulated CUDA device" selftest
part "random graphs on emulated CUDA devices" env HSGD_TEST_SECONDS=900 \
    HSGD_TEST_DEVICES="cuda:0 cpu,cuda:0 cuda:0,cuda:1" ./test_graph_gradients
part "graphs against plain launches on emulated CUDA devices" ./test_graphs
# TF32 is rounding: other weights, and hardly another loss.  It is recorded.
tf32() {
    train="emulated ./hsgd train --model mlp-small --data digits --devices cuda:0 --steps 20 --json"
    $train --out "$work/fp32" >"$work/fp32.json" && $train --tf32 --out "$work/tf32" >"$work/tf32.json" || return 1
    grep -H tf32 "$work/fp32/config.yaml" "$work/tf32/config.yaml"
    python3 - "$work/fp32.json" "$work/tf32.json" <<'PY' && grep -q '^tf32: true' "$work/tf32/config.yaml"
import json, sys
a, b = (json.load(open(f)) for f in sys.argv[1:])
worst = max(abs(x / y - 1) for x, y in zip(a["losses"], b["losses"]))
print(f"losses differ by at most {worst:.2g} (emulated)")
sys.exit(not (1e-6 < worst < 2e-2 and a["final_weights_sha256"] != b["final_weights_sha256"]))
PY
}
# same_losses RUN OPTION...: a CPU and an emulated device, and two of these, learn as the CPU.
same_losses() {
    run=$1
    shift
    for devices in cpu cpu,cuda:0 cuda; do
        HSGD_CUDAEMU_REPORT=1 ./hsgd train "$@" --devices $devices --algorithm data-parallel \
            --out "$work/$run-$devices" || return 1
    done
    python3 - "$work/$run-cpu" "$work/$run-cpu,cuda:0" "$work/$run-cuda" <<'PY'
import json, sys
cpu, *others = (json.load(open(folder + "/report.json"))["losses"] for folder in sys.argv[1:])
worst = max(abs(x / y - 1) for other in others for x, y in zip(cpu, other))
print(f"{len(cpu)} losses differ by at most {worst:.2g} (emulated)")
sys.exit(not (all(len(other) == len(cpu) >= 5 for other in others) and worst <= 1e-5))
PY
}
# Keys and values are kept from token to token.
generated() {
    seq 1 3000 >"$work/text.txt"
    ./hsgd train --model char-gpt --data "$work/text.txt" --format text --window 16 -b 2 --steps 2 --devices cuda:0 \
        --out "$work/text" || return 1
    HSGD_CUDAEMU_REPORT=1 ./hsgd generate --checkpoint "$work/text" --prompt 12 --length 8 --devices cuda:0 || return 1
    ./hsgd generate --checkpoint "$work/text" --prompt 12 --length 8 --devices cuda:0 | grep -v '^emulated' >"$work/by-cuda"
    ./hsgd generate --checkpoint "$work/text" --prompt 12 --length 8 --devices cpu | grep -v '^emulated' >"$work/by-cpu"
    cmp "$work/by-cuda" "$work/by-cpu" && test -s "$work/by-cpu"
}
# Losses that count their terms.
counted() {
    cat >"$work/counted.yaml" <<'YAML'
hsgd: 2
name: counted
layers:
  - {op: flatten}
  - {op: dense, name: fc, units: classes}
  - {op: softmax_cross_entropy, in: [fc, label], has_ignore: true, ignore: 3}
YAML
    same_losses counted --model "$work/counted.yaml" --data digits --steps 20 || return 1
    cat >"$work/focal.yaml" <<'YAML'
hsgd: 2
name: focal
layers:
  - {op: flatten, name: pixels}
  - {op: dense, name: fc, units: classes}
  - {op: focal, in: [fc, label], has_ignore: true, ignore: 3}
YAML
    cat >"$work/positive.yaml" <<'YAML'
hsgd: 2
name: positive
layers:
  - {op: flatten, name: pixels}
  - {op: dense, name: fc, units: classes}
  - {op: softmax_cross_entropy, in: [fc, label], class_weights: [1, 2, 1, 2, 1, 2, 1, 2, 1, 2]}
  - {op: dense, name: other, in: pixels, units: 784}
  - {op: smooth_l1, in: [other, pixels, label], per_positive: true}
YAML
    same_losses focal --model "$work/focal.yaml" --data digits --steps 20 &&
        same_losses positive --model "$work/positive.yaml" --data digits --steps 20
}
# Statistics of the whole batch, and sums: a residual network on 96 small images.
residual() {
    mkdir "$work/small" && python3 - "$work/small" <<'PY' &&
import random, struct, sys
random.seed(1)
for part, n in ("train", 96), ("t10k", 3):
    labels = bytes(i % 3 for i in range(n))
    pixels = bytes(random.randrange(64) + 64 * label for label in labels for _ in range(144))
    for kind, data in ("images-idx3", struct.pack(">4I", 0x803, n, 12, 12) + pixels), \
                      ("labels-idx1", struct.pack(">2I", 0x801, n) + labels):
        open(f"{sys.argv[1]}/{part}-{kind}-ubyte", "wb").write(data)
PY
        same_losses residual --model resnet8 --data "$work/small" --validation 0 --optimizer sgd --steps 6 --batch-size 21
}
part "a loss that counts its terms on emulated CUDA devices" counted
part "a text continued on an emulated CUDA device" generated
part "a residual network on emulated CUDA devices" residual
# Gradients and parameters go from GPU to GPU: twice the steps are twice the
# copies between devices, and not more to the host (one or two come and go).  StarPU measures the links
# in the first run of a STARPU_HOME.
copies() {
    for steps in 1 20 40; do
        HSGD_CUDAEMU_REPORT=1 emulated ./hsgd train --model mlp-small --data digits --devices cuda \
            --algorithm data-parallel --steps $steps --quiet --out "$work/copies$steps" >"$work/copied" || return 1
        sed -n "s/.* \([0-9]*\) copies \(.*\), \([0-9]*\) bytes/$steps steps: \1 copies \2, \3 bytes/p" "$work/copied"
    done | tee "$work/copies"
    awk '/to the host/ { host[$1] = $3; } /between devices/ { peer[$1] = $3; seen++ }
         END { exit !(seen == 3 && host[40] <= host[20] + 2 && peer[20] > 0 && peer[40] > 1.8 * peer[20]) }' "$work/copies"
}
part "copies of two emulated CUDA devices" copies
part "TF32 on an emulated CUDA device" tf32
if [ -n "$CUDNN" ]; then with_cudnn; else echo "== built without cuDNN"; fi
echo "== all kernels on emulated CUDA devices"
if all_launched; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
agreement "on two emulated CUDA devices" HSGD_TEST_DEVICES=cuda HSGD_CUDAEMU_SEED=2
agreement "on CPU, OpenCL and two emulated CUDA devices" HSGD_TEST_DEVICES=cpu,opencl,cuda HSGD_CUDAEMU_SEED=3
echo "== injected faults on an emulated CUDA device"
if sh "$srcdir/tests/emulated_faults.sh"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
echo "emulated CUDA: $passed passed, $failed failed"
test $failed -eq 0
