# SPDX-License-Identifier: BSD-3-Clause
# The floors: hand-written steps that `hsgd bench` compares the library with.
noinst_LTLIBRARIES += bench/libfloor.la
bench_libfloor_la_SOURCES = \
	bench/floor.c bench/floor.h bench/floor_impl.h bench/floor_lenet.c bench/floor_lenet.h \
	bench/floor_lenet_dnnl.c bench/floor_lenet_net.c bench/floor_loops.c bench/floor_mlp.c bench/floor_mlp.h \
	bench/floor_team.c bench/floor_team.h bench/triad.c bench/triad.h
bench_libfloor_la_CPPFLAGS = -I$(top_srcdir)/include $(OPENBLAS_CFLAGS)
bench_libfloor_la_CFLAGS = $(AM_CFLAGS) -O3 -fopenmp -fno-math-errno
bench_libfloor_la_LIBADD = $(OPENBLAS_LIBS) $(ONEDNN_LIBS) -lgomp -lpthread -lm

check_PROGRAMS += floor_check
floor_check_SOURCES = bench/floor_check.c
floor_check_CPPFLAGS = -I$(top_srcdir)/include
floor_check_LDADD = bench/libfloor.la
TESTS += floor_check

# Each operation on each device: ./op_bench --devices cpu,opencl
noinst_PROGRAMS += op_bench
op_bench_SOURCES = bench/op_bench.c bench/op_bench.h
op_bench_CPPFLAGS = -I$(top_srcdir)/include -I$(top_srcdir)/codelets $(CUDA_CFLAGS) $(CUDNN_CFLAGS)
op_bench_LDADD = libhsgd.la -lm
if USE_CUDA
op_bench_SOURCES += bench/op_bench_cuda.c bench/op_bench_cudnn.c
op_bench_LDADD += $(CUDA_LIBS) -lcublas
else
op_bench_SOURCES += bench/op_bench_none.c
endif
EXTRA_DIST += bench/gpu.py bench/hetero.py bench/products.py bench/stack.yaml bench/tabular.py \
	bench/torch_losses.py bench/torch_nets.py bench/torch_speed.py bench/torch_step.py \
	bench/torch_steps.c bench/torch_steps.py bench/tune.py

# The cost of checkpoints: make checkpoint_bench && ./checkpoint_bench [MODEL [SECONDS]]
EXTRA_PROGRAMS = checkpoint_bench
CLEANFILES += checkpoint_bench
checkpoint_bench_SOURCES = bench/checkpoint_bench.c
checkpoint_bench_CPPFLAGS = -I$(top_srcdir)/include
checkpoint_bench_LDADD = libhsgd.la

# What the statistics of the whole batch cost: make norm_bench && ./norm_bench [STEPS [BATCH [THREADS]]]
EXTRA_PROGRAMS += norm_bench
CLEANFILES += norm_bench
norm_bench_SOURCES = bench/norm_bench.c
norm_bench_CPPFLAGS = $(AM_CPPFLAGS)
norm_bench_LDADD = runtime/libruntime.la -lm

# Kernels alone; those of gemm.cl are also compared with double precision and libraries:
#   make conv_bench gemm_bench && ./conv_bench -k ../codelets && ./gemm_bench ../codelets/gemm.cl
if X86_ISAS
EXTRA_PROGRAMS += conv_bench gemm_bench
CLEANFILES += conv_bench gemm_bench
bench_march = -std=gnu11 -O3 -march=x86-64-v4 -mprefer-vector-width=512 -Wno-psabi
conv_bench_SOURCES = bench/conv_bench.c
conv_bench_CPPFLAGS = -I$(top_srcdir)/codelets -I$(builddir)/codelets $(OPENCL_CFLAGS)
conv_bench_CFLAGS = $(bench_march)
conv_bench_LDADD = $(OPENCL_LIBS) -lm
gemm_bench_SOURCES = bench/gemm_bench.c bench/gemm_bench_c.c
gemm_bench_CPPFLAGS = -I$(top_srcdir)/codelets -I$(builddir)/codelets $(OPENCL_CFLAGS) $(OPENBLAS_CFLAGS)
gemm_bench_CFLAGS = $(bench_march)
gemm_bench_LDADD = $(OPENCL_LIBS) $(OPENBLAS_LIBS) $(ONEDNN_LIBS) -lm
endif
