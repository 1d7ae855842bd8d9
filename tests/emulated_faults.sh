#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Faults injected into kernels and the launcher, to be caught on an emulated
# CUDA device.  Run in the build folder; used by check_emulated.sh.  CUDNN: the
# emulated cuDNN; empty: its faults are left out.
set -u
CUDNN=${CUDNN:-}
srcdir=$(cd "${srcdir:-..}" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/hsgd-faults-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
# name | file | sed script | test of test_ops, or program:test | what must be said
cat >"$work/list" <<'LIST'
none|codelets/merge.cl||merge|passed
missing barrier|codelets/merge.cl|0,/BARRIER();/s///|merge|wrong on cuda
weights before they are there|codelets/conv2d_gpu.cl|/shared\[i\] = m < v.m/,/BARRIER/s/BARRIER();//|conv2d|wrong on cuda
positions before they are there|codelets/conv2d_gpu.cl|/dy, o0, o_end, e0, e, a, position, shared, x_rows/,/BARRIER/s/BARRIER();//|conv2d|wrong on cuda
a sum of one thread, not of its warp|codelets/softmax_cross_entropy.cl|s/sum = WARP_SUM(sum);//|softmax_cross_entropy|wrong on cuda
write past the end|codelets/dense.cl|s/c < ARG(cols)) out\[c\] = s;/c < ARG(cols)) out[c] = out[c + 16] = s;/|dense|fault: .*past the end
read past the end|codelets/accuracy.cl|s/label = labels\[r\]/label = labels[r + 1 < ARG(rows) ? r : r + 1]/|top_k|fault: .*past the end
wrong transpose flag|codelets/matmul_cuda.c|s/transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N/transpose_a ? CUBLAS_OP_N : CUBLAS_OP_T/|gemm|wrong on cuda\|library cannot do\|fault: .*past the end
bias without its ReLU|codelets/matmul_cuda.c|s/m->has_bias ? CUBLASLT_EPILOGUE_RELU_BIAS/m->has_bias ? CUBLASLT_EPILOGUE_BIAS/|dense|wrong on cuda
the gradient of the other bias|codelets/matmul_cuda.c|s/return CUBLASLT_EPILOGUE_BGRADA/return CUBLASLT_EPILOGUE_BGRADB/|dense|wrong on cuda\|fault: .*past the end
an algorithm for another alignment|runtime/device/cuda_device.c|s/    for (int r = 0; r < n; r++) bits/    for (int r = 0; r < 0; r++) bits/|dense|fault: .*is not aligned
an algorithm for another product|runtime/device/cuda_device.c|s/memcmp(p->args, args, k->args_size)/0/|gemm|fault: .*chosen for another product
host pointer as a device buffer|runtime/exec/exec_cuda.c|s/base\[i\] = (void \*)STARPU_VECTOR_GET_PTR(buffers\[i\])/base[i] = malloc(1 << 20)/|activate|fault: .*is not device memory
device pointer read by the host|runtime/exec/exec_cuda.c|s/^    launch(run, v, base, began);/if (*(float *)base[0] == 7) return; &/|activate|fault: .*the host touched device memory
use after free|runtime/exec/exec_cuda.c|s/^    launch(run, v, base, began);/cudaMalloc((void **)\&base[0], 64), cudaFree(base[0]); &/|activate|fault: .*was freed
missing stream dependency|runtime/exec/exec_cuda.c|s/cudaStream_t stream = starpu_cuda_get_local_stream();/static cudaStream_t stream; if (!stream) cudaStreamCreateWithFlags(\&stream, cudaStreamNonBlocking);/|activate|wrong on cuda\|fault: .*was freed
a graph keeps its first step|runtime/exec/cuda_graph.c|s/g->step != step;/0;/|test_graphs:adam|, expected "\|is not finite
a graph keeps freed memory|runtime/exec/cuda_graph.c|s/int ended = cudaStreamEndCapture(stream, &g->graph);/& cudaFree(g->base[0]);/|test_graphs:other_buffers|fault: .*was freed
a graph is used for other buffers|runtime/exec/cuda_graph.c|s/memcmp(g->base, base, (size_t)n \* sizeof \*base)/0/|test_graphs:other_buffers|fault: .*was freed
waiting while a stream captures|runtime/exec/cuda_graph.c|s/err = launch_captured(/cudaDeviceSynchronize(); &/|test_graphs:other_buffers|fault: .*not allowed while
a graph is launched that was destroyed|runtime/exec/cuda_graph.c|s/atomic_fetch_add(&d->captures, 1);/&cudaGraphExecDestroy(g->exec);/|test_graphs:other_buffers|fault: .*graph that was destroyed
the sum at a fan-out replaces|runtime/plan/emit_slice.c|s/HSGD_LAUNCH(e, HSGD_KERNEL(add)/HSGD_LAUNCH(e, e->kind == HSGD_CUDA ? HSGD_KERNEL(copy) : HSGD_KERNEL(add)/|test_graph_gradients:on_named|from the exact gradient
a cell keeps what is another device's|runtime/exec/exec_cuda.c|s/if (k && k->variant == v) return k;/if (k) return k;/|test_graph_gradients:on_named|from the exact gradient\|fault:
a cell that reads and writes does not read|runtime/plan/plan_build.c|s/c->access\[i\].mode = STARPU_RW/c->access[i].mode = STARPU_W/|test_graph_gradients:on_named|from the exact gradient
no cudnn fault|codelets/conv2d_cudnn.c||conv2d|passed
a smaller workspace|codelets/conv2d_cudnn.c|s/b\[3\], p->workspace,/b[3], p->workspace \/ 2,/|conv2d|fault: .*a workspace of
no memory for the workspace|codelets/conv2d_cudnn.c|s/need > floats ? need : floats/floats/|conv2d|fault: .*workspace: .*past the end
host pointer as x|codelets/conv2d_cudnn.c|s/p->x, b\[0\], p->w/p->x, \&one, p->w/|conv2d|fault: .*x: .*is not device memory
swapped filter layout|codelets/conv2d_cudnn.c|s/CUDNN_DATA_FLOAT, CUDNN_TENSOR_NHWC, a->o/CUDNN_DATA_FLOAT, CUDNN_TENSOR_NCHW, a->o/|conv2d|wrong on cuda
swapped tensor layout|codelets/conv2d_cudnn.c|s/p->y, CUDNN_TENSOR_NHWC/p->y, CUDNN_TENSOR_NCHW/|conv2d|wrong on cuda
stride and padding swapped|codelets/conv2d_cudnn.c|s/a->top, a->left, a->stride_h, a->stride_w/a->stride_h, a->stride_w, a->top, a->left/|conv2d|fault: .*do not fit
convolution on another stream|codelets/conv2d_cudnn.c|s/cudnnSetStream(c->handle, queue->stream)/cudnnSetStream(c->handle, NULL)/|conv2d|wrong on cuda
TF32 without being asked for|codelets/conv2d_cudnn.c|s/tf32 ? CUDNN_DEFAULT_MATH : CUDNN_FMA_MATH/CUDNN_DEFAULT_MATH/|conv2d|wrong on cuda
other bits each time|codelets/conv2d_cudnn.c|s/list\[i\].determinism != CUDNN_DETERMINISTIC/0/|conv2d|fault: .*not to be chosen
a transform|codelets/conv2d_cudnn.c|s/!((plain) >> list\[i\].algo & 1)/0/|conv2d|fault: .*not to be chosen
dy left from before|codelets/conv2d_cudnn.c|s/if (!transposed) transpose/if (0) transpose/;s/transpose(e, HSGD_KERNEL(lanes_unpack), out, e->dy\[0\], \*dy);/;/|conv2d|wrong on cuda
LIST

passed=0
failed=0
say() {
    echo "$1 $name"
    case $1 in ok*) passed=$((passed + 1)) ;; *) failed=$((failed + 1)); [ ! -f "$here/log" ] || tail -n 5 "$here/log" ;; esac
}

unchanged() { [ -z "$script" ]; }

# inject: copies the changed file into a separate folder and builds what depends on it.
inject() {
    mkdir "$here" || return 1
    cp "$srcdir"/codelets/*.cl "$srcdir"/codelets/*.h "$srcdir"/codelets/*.cu "$here"
    sed "$script" "$srcdir/$file" >"$here/${file##*/}" || return 1
    case $file in
    *.cl) ${MAKE:-make} -s emulated-variant-kernels VARIANT="$here" ;;
    *) ${MAKE:-make} -s emulated-variant-program VARIANT="$here" CHANGED="$file" PROGRAM="$program" ;;
    esac >"$here/log" 2>&1
}

run() {
    emulator=$here/libcudaemu.so
    [ -f "$emulator" ] || emulator=$PWD/tests/cudaemu/libcudaemu.so
    [ -f "$here/$program" ] && folder=$here || folder=.
    case $file in *cudnn*) cudnn=$CUDNN ;; *) cudnn=0 ;; esac
    LD_PRELOAD=$emulator HSGD_CUDNN=$cudnn STARPU_SUBALLOCATOR=0 HSGD_TEST_DEVICES=cuda "$folder/$program" $devices "$test" >"$here/log" 2>&1
}

while IFS='|' read -r name file script test said more; do
    [ -z "$more" ] || said="$said|$more"
    case $file in *cudnn*) [ -n "$CUDNN" ] || continue ;; esac
    here=$work/$((passed + failed))
    case $test in
    *:*) program=${test%:*} test=${test#*:} devices= ;;
    *) program=test_ops devices=--devices=cuda:0 ;;
    esac
    if ! inject; then say "NOT BUILT:"; continue; fi
    if ! unchanged && cmp -s "$srcdir/$file" "$here/${file##*/}"; then say "NOT INJECTED:"; continue; fi
    if run; then status=passes; else status=fails; fi
    if ! grep -q "$said" "$here/log"; then say "NOT CAUGHT, $status:"
    elif unchanged && [ $status = passes ]; then say "ok, passes without a fault:"
    elif ! unchanged && [ $status = fails ]; then say "ok, caught:"
    else say "NOT CAUGHT, $status:"
    fi
done <"$work/list"
echo "$passed faults as they should be, $failed not"
test $failed -eq 0
