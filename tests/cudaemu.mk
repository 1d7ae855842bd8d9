# SPDX-License-Identifier: BSD-3-Clause
# Emulated CUDA devices (tests/cudaemu/emu.h): a library that is preloaded by
# tests, the tests that use it, and injected faults that it must catch.
cudaemu_c =
cudaemu_c += tests/cudaemu/copy.c
cudaemu_c += tests/cudaemu/cublaslt.c
cudaemu_c += tests/cudaemu/fiber.c
cudaemu_c += tests/cudaemu/graph.c
cudaemu_c += tests/cudaemu/launch.c
cudaemu_c += tests/cudaemu/memory.c
cudaemu_c += tests/cudaemu/runtime.c
cudaemu_c += tests/cudaemu/stream.c
# The emulated cuDNN, which HSGD_CUDNN names.
cudnnemu_c =
cudnnemu_c += tests/cudaemu/convolution.c
cudnnemu_c += tests/cudaemu/cudnn.c
cudaemu_files = $(cudaemu_c)
cudaemu_files += tests/cudaemu/emu.h
cudaemu_files += tests/cudaemu/graph.h
cudaemu_files += tests/cudaemu/kernels.cc
cudaemu_files += tests/cudaemu/stream.h
cudaemu_files += tests/cudaemu/words.h
cudnnemu_files = $(cudnnemu_c)
cudnnemu_files += tests/cudaemu/convolution.h
cudnnemu_files += tests/cudaemu/emu.h
cudnnemu_files += tests/cudaemu/stream.h
EXTRA_DIST += $(cudaemu_files) $(cudnnemu_files) tests/test_emulated.sh tests/check_emulated.sh tests/emulated_faults.sh

# The kernels come from the folder $(CUDAEMU_CODELETS), so that faults can be injected.
CUDAEMU_CODELETS = $(srcdir)/codelets
CUDAEMU_OUT = tests/cudaemu
cudaemu_flags = -O2 -fPIC -fvisibility=hidden -Wall -Wextra -I$(srcdir)/tests/cudaemu -I$(CUDAEMU_CODELETS) -Icodelets \
	$(CUDA_CFLAGS) $(OPENBLAS_CFLAGS)
tests/cudaemu/libcudaemu.so: $(addprefix $(srcdir)/,$(cudaemu_files)) $(cuda_kernel_files) $(srcdir)/codelets/device.h \
		codelets/kernel_args.h codelets/kernel_cuda_list.h codelets/kernel_cuda_all.h $(srcdir)/codelets/kernels.cu
	$(AM_V_GEN)$(MKDIR_P) $(CUDAEMU_OUT) && \
	  $(CC) -x c++ -std=gnu++14 $(cudaemu_flags) -fno-exceptions -fno-rtti -Wno-unknown-pragmas -Wno-unused-function \
	    -c $(srcdir)/tests/cudaemu/kernels.cc -o $(CUDAEMU_OUT)/kernels.o && \
	  $(CC) -std=gnu11 $(cudaemu_flags) -shared $(addprefix $(srcdir)/,$(cudaemu_c)) $(CUDAEMU_OUT)/kernels.o \
	    $(OPENBLAS_LIBS) -lpthread -o $(CUDAEMU_OUT)/libcudaemu.so
tests/cudaemu/libcudnn.so: $(addprefix $(srcdir)/,$(cudnnemu_files))
	$(AM_V_GEN)$(MKDIR_P) tests/cudaemu && \
	  $(CC) -std=gnu11 $(cudaemu_flags) $(CUDNN_CFLAGS) -shared -Wl,-soname,libcudnn.so.$(CUDNN_MAJOR) \
	    $(addprefix $(srcdir)/,$(cudnnemu_c)) -o $@
CLEANFILES += tests/cudaemu/libcudaemu.so tests/cudaemu/libcudnn.so tests/cudaemu/kernels.o

# With an injected fault in $(VARIANT): the emulator's kernels, or a file of the library (tests/emulated_faults.sh).
emulated-variant-kernels:
	$(MAKE) -s -W $(srcdir)/tests/cudaemu/kernels.cc tests/cudaemu/libcudaemu.so CUDAEMU_CODELETS=$(VARIANT) \
	  CUDAEMU_OUT=$(VARIANT)
emulated-variant-program:
	$(variant_compile) -I$(VARIANT) -I$(srcdir)/$(dir $(CHANGED)) $(STARPU_CFLAGS) $(CUDA_CFLAGS) $(CUDNN_CFLAGS) $(VARIANT)/$(notdir $(CHANGED)) -o $(VARIANT)/changed.o
	$(LIBTOOL) --silent --tag=CC --mode=link $(CC) $(AM_CFLAGS) $(CFLAGS) $(AM_LDFLAGS) $(LDFLAGS) \
	  -o $(VARIANT)/$(PROGRAM) $(VARIANT)/changed.o $($(PROGRAM)_OBJECTS) $($(PROGRAM)_LDADD)

if USE_CUDA
check_PROGRAMS += test_graphs
test_graphs_SOURCES = tests/test_graphs.c tests/core.c tests/core.h
test_graphs_CPPFLAGS = $(AM_CPPFLAGS) $(STARPU_CFLAGS) $(CUDA_CFLAGS)
test_graphs_LDADD = runtime/libruntime.la $(CUDA_LIBS)
EMULATED = tests/cudaemu/libcudaemu.so
ON_EMULATED = hsgd test_ops test_agreement test_graph_gradients test_graphs wrong_shim.la
if USE_CUDNN
check_PROGRAMS += test_cudnn
test_cudnn_SOURCES = tests/test_cudnn.c tests/core.c tests/core.h
test_cudnn_CPPFLAGS = $(core_cppflags)
test_cudnn_LDADD = $(core_ldadd)
EMULATED_CUDNN = tests/cudaemu/libcudnn.so
EMULATED += $(EMULATED_CUDNN)
ON_EMULATED += test_cudnn
endif
TESTS += tests/test_emulated.sh
check_DATA += $(EMULATED)
check-emulated: $(ON_EMULATED) $(EMULATED)
	srcdir="$(srcdir)" MAKE="$(MAKE)" CUDNN="$(EMULATED_CUDNN)" sh $(srcdir)/tests/check_emulated.sh
else
check-emulated:
	@echo "check-emulated: this build has no CUDA"; exit 1
endif
.PHONY: check-emulated emulated-variant-kernels emulated-variant-program
