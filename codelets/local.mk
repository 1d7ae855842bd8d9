# SPDX-License-Identifier: BSD-3-Clause
# The operations: codelets/NAME.c (descriptors), codelets/NAME.cl where it has kernels, and reference/NAME.c.
# Adding an operation: a word here; one a line, so that branches merge.
OPS =
OPS += accuracy
OPS += activation
OPS += attention
OPS += auc
OPS += batch_norm
OPS += batched_matmul
OPS += binary_cross_entropy
OPS += boxes
OPS += broadcast
OPS += concat
OPS += conv2d
OPS += ctc
OPS += cumsum
OPS += conv_transpose2d
OPS += dense
OPS += dropout
OPS += embedding
OPS += f1
OPS += flatten
OPS += focal
OPS += functions
OPS += gather
OPS += gelu
OPS += global_avg_pool
OPS += group_norm
OPS += huber
OPS += kl_divergence
OPS += layer_norm
OPS += mae
OPS += mean_average_precision
OPS += mse
OPS += pad
OPS += parameter
OPS += pointwise
OPS += pool
OPS += position_table
OPS += positions
OPS += recurrent
OPS += reduce
OPS += reshape
OPS += rmse
OPS += slice
OPS += softmax
OPS += softmax_cross_entropy
OPS += top_values
OPS += transpose

# Kernels that belong to no operation of a model, after the headers that kernels share.
KERNELS = \
	codelets/shared.h \
	codelets/vector_math.h \
	codelets/functions.h \
	codelets/activate.h \
	codelets/attention.h \
	codelets/attention_tile.h \
	codelets/boxes.h \
	codelets/conv2d.h \
	codelets/conv2d_taps.h \
	codelets/attention_one.cl \
	codelets/attention_rotary.cl \
	codelets/conv2d_depth.cl \
	codelets/conv2d_dw.cl \
	codelets/gemm.cl \
	codelets/lanes.cl \
	codelets/merge.cl \
	codelets/optimizer.cl \
	codelets/server.cl \
	codelets/strided.cl \
	codelets/sums.cl \
	$(patsubst $(srcdir)/%,%,$(wildcard $(addprefix $(srcdir)/codelets/,$(addsuffix .cl,$(OPS)))))

# Kernels for CUDA devices only.
GPU_KERNELS = codelets/conv2d_gpu.cl

op_files = $(addprefix $(srcdir)/codelets/,$(addsuffix .c,$(OPS)))
# On CUDA, cuBLASLt computes matrix products, and convolution has its own kernels.
CUDA_KERNELS = $(filter-out codelets/gemm.cl codelets/conv2d.cl codelets/conv2d_dw.cl,$(KERNELS)) $(GPU_KERNELS)
kernel_files = $(addprefix $(srcdir)/,$(KERNELS))
gpu_kernel_files = $(addprefix $(srcdir)/,$(GPU_KERNELS))
cuda_kernel_files = $(addprefix $(srcdir)/,$(CUDA_KERNELS))
kernel_generated = codelets/kernel_args.h codelets/kernel_list.h codelets/kernel_text.c \
	codelets/kernel_cuda_list.h codelets/kernel_cuda_all.h codelets/kernel_gpu_list.h \
	codelets/op_list.h
BUILT_SOURCES += $(kernel_generated)
CLEANFILES += $(kernel_generated)
EXTRA_DIST += $(KERNELS) $(GPU_KERNELS) codelets/generate.sh codelets/kernels.cu
# For an application's kernels.
hsgdinclude_HEADERS += codelets/device.h
kernelsdir = $(pkgdatadir)
dist_kernels_SCRIPTS = codelets/kernels.sh

codelets/kernel_args.h: $(kernel_files) $(gpu_kernel_files) codelets/generate.sh codelets/local.mk
	$(AM_V_GEN)$(MKDIR_P) codelets && sh $(srcdir)/codelets/generate.sh args $(kernel_files) $(gpu_kernel_files) > $@
codelets/kernel_gpu_list.h: $(gpu_kernel_files) codelets/generate.sh codelets/local.mk
	$(AM_V_GEN)$(MKDIR_P) codelets && sh $(srcdir)/codelets/generate.sh list $(gpu_kernel_files) > $@
codelets/kernel_list.h: $(kernel_files) codelets/generate.sh codelets/local.mk
	$(AM_V_GEN)$(MKDIR_P) codelets && sh $(srcdir)/codelets/generate.sh list $(kernel_files) > $@
codelets/op_list.h: $(op_files) codelets/generate.sh codelets/local.mk
	$(AM_V_GEN)$(MKDIR_P) codelets && sh $(srcdir)/codelets/generate.sh ops $(op_files) > $@
codelets/kernel_cuda_list.h: $(cuda_kernel_files) codelets/generate.sh codelets/local.mk
	$(AM_V_GEN)$(MKDIR_P) codelets && sh $(srcdir)/codelets/generate.sh list $(cuda_kernel_files) > $@
codelets/kernel_cuda_all.h: $(cuda_kernel_files) codelets/generate.sh codelets/local.mk
	$(AM_V_GEN)$(MKDIR_P) codelets && sh $(srcdir)/codelets/generate.sh all $(cuda_kernel_files) > $@
# $(call kernel_texts,FOLDER,FILES): the texts of the kernels in that folder; FILES are further ones.  Each file is an
# OpenCL program of its own, which is compiled where it is used.
kernel_texts = \
	sh $(1)/generate.sh text hsgd_kernel_header $(addprefix $(1)/,device.h $(notdir $(filter %.h,$(KERNELS)))) && \
	sh $(1)/generate.sh sources $(addprefix $(1)/,$(notdir $(filter %.cl,$(KERNELS)) $(GPU_KERNELS))) $(2)
codelets/kernel_text.c: $(srcdir)/codelets/device.h $(kernel_files) $(gpu_kernel_files) codelets/generate.sh \
		codelets/local.mk
	$(AM_V_GEN)$(MKDIR_P) codelets && { $(call kernel_texts,$(srcdir)/codelets); } > $@

# The C kernels: an object for each file and instruction set.  The user's CFLAGS come last, so the flags that kernels
# need from -O3 are listed.
kernel_cflags = $(AM_CFLAGS) -O3 -ftree-vectorize -fvect-cost-model=dynamic -funswitch-loops -fpeel-loops \
	-fsplit-loops -fpredictive-commoning -fno-math-errno -fno-trapping-math -fno-signed-zeros -fassociative-math \
	-ffp-contract=fast
kernel_compile = $(LIBTOOL) $(AM_V_lt) --tag=CC $(AM_LIBTOOLFLAGS) $(LIBTOOLFLAGS) --mode=compile $(CC) $(DEFS) \
	$(DEFAULT_INCLUDES) $(AM_CPPFLAGS) $(CPPFLAGS) $(kernel_cflags)
kernel_headers = $(srcdir)/codelets/device.h $(filter %.h,$(kernel_files))
kernel_names = $(patsubst codelets/%.cl,%,$(filter %.cl,$(KERNELS)))
as_kernel = -include stddef.h -x c -c
codelets/kernel_base_%.lo: $(srcdir)/codelets/%.cl $(kernel_headers) codelets/local.mk
	$(AM_V_CC)$(kernel_compile) -DHSGD_ISA=base $(CFLAGS) $(as_kernel) -o $@ $<
codelets/kernel_v3_%.lo: $(srcdir)/codelets/%.cl $(kernel_headers) codelets/local.mk
	$(AM_V_CC)$(kernel_compile) -DHSGD_ISA=v3 -march=x86-64-v3 $(CFLAGS) $(as_kernel) -o $@ $<
codelets/kernel_v4_%.lo: $(srcdir)/codelets/%.cl $(kernel_headers) codelets/local.mk
	$(AM_V_CC)$(kernel_compile) -DHSGD_ISA=v4 -march=x86-64-v4 -mprefer-vector-width=512 $(CFLAGS) $(as_kernel) \
	  -o $@ $<
kernel_OBJECTS = $(patsubst %,codelets/kernel_base_%.lo,$(kernel_names))
if X86_ISAS
kernel_OBJECTS += $(patsubst %,codelets/kernel_v3_%.lo,$(kernel_names))
kernel_OBJECTS += $(patsubst %,codelets/kernel_v4_%.lo,$(kernel_names))
endif
$(kernel_OBJECTS): codelets/$(am__dirstamp)

# nvcc takes other options than libtool gives a compiler, so the libtool object
# is written by hand.  Its C++ needs no C++ library.
kernel_nvcc = $(NVCC) $(NVCC_GENCODE) --threads 2 -std=c++14 -O3 -cudart shared -Xcompiler \
	-fPIC,-fvisibility=hidden,-fno-threadsafe-statics,-fno-exceptions,-fno-rtti
codelets/kernels.cu.lo: $(srcdir)/codelets/kernels.cu $(srcdir)/codelets/device.h $(cuda_kernel_files) \
		codelets/kernel_cuda_all.h codelets/local.mk
	$(AM_V_GEN)$(MKDIR_P) codelets/.libs && \
	  $(kernel_nvcc) $(NVCCFLAGS) -I$(srcdir)/codelets -Icodelets -c $(srcdir)/codelets/kernels.cu \
	    -o codelets/.libs/kernels.cu.o && \
	  printf '%s\n' '# $@ - a libtool object file' '# Generated by libtool, or rather in its format' \
	    "pic_object='.libs/kernels.cu.o'" 'non_pic_object=none' > $@
if USE_CUDA
cuda_objects = codelets/kernels.cu.lo
CLEANFILES += codelets/kernels.cu.lo codelets/.libs/kernels.cu.o
endif

# Automake does not know sources that come from words, so their objects are named, and made by its general rule.
op_OBJECTS = $(addprefix codelets/,$(addsuffix .lo,$(OPS)))
$(op_OBJECTS): codelets/$(am__dirstamp) codelets/$(DEPDIR)/$(am__dirstamp)
-include $(addprefix codelets/$(DEPDIR)/,$(addsuffix .Plo,$(OPS)))
EXTRA_DIST += $(addprefix codelets/,$(addsuffix .c,$(OPS)))

noinst_LTLIBRARIES += codelets/libcodelets.la
nodist_codelets_libcodelets_la_SOURCES = codelets/kernel_text.c
codelets_libcodelets_la_SOURCES = \
	codelets/conv.c \
	codelets/conv.h \
	codelets/conv2d_cudnn.c \
	codelets/conv2d_cudnn.h \
	codelets/gemm.h \
	codelets/kernels.h \
	codelets/lanes.c \
	codelets/loss.c \
	codelets/loss.h \
	codelets/matmul.c \
	codelets/matmul_cpu.c \
	codelets/matmul_cuda.c \
	codelets/op_table.c \
	codelets/products.c \
	codelets/products.h \
	codelets/recurrent.h \
	codelets/recurrent_work.c \
	codelets/relayout.h \
	codelets/strided.c \
	codelets/strided.h \
	codelets/table.c \
	codelets/sum.c codelets/type_text.c \
	codelets/type_text.h \
	codelets/types.c \
	codelets/types.h \
	codelets/window.c \
	codelets/window.h
codelets_libcodelets_la_CPPFLAGS = $(AM_CPPFLAGS) $(OPENBLAS_CFLAGS) $(CUDA_CFLAGS) $(CUDNN_CFLAGS)
codelets_libcodelets_la_LIBADD = $(kernel_OBJECTS) $(cuda_objects) $(op_OBJECTS)
codelets_libcodelets_la_DEPENDENCIES = $(kernel_OBJECTS) $(cuda_objects) $(op_OBJECTS)
