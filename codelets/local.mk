# The single list of operations and kernel families.  Adding one: its .cl (and
# .c when it has a descriptor) here, nothing else.
OPS = dense softmax_cross_entropy
KERNELS = gemm dense softmax_cross_entropy optimizer merge

KERNEL_SOURCES = $(KERNELS:%=$(srcdir)/codelets/%.cl)
KERNEL_GENERATED = codelets/kernel_args.h codelets/kernel_list.h codelets/kernel_text.c codelets/kernel_all.h
BUILT_SOURCES += $(KERNEL_GENERATED)
CLEANFILES += $(KERNEL_GENERATED)
EXTRA_DIST += $(KERNELS:%=codelets/%.cl) codelets/device.h codelets/generate.sh

codelets/kernel_args.h: $(KERNEL_SOURCES) codelets/generate.sh codelets/local.mk
	$(AM_V_GEN)$(MKDIR_P) codelets && sh $(srcdir)/codelets/generate.sh args $(KERNEL_SOURCES) > $@
codelets/kernel_list.h: $(KERNEL_SOURCES) codelets/generate.sh codelets/local.mk
	$(AM_V_GEN)$(MKDIR_P) codelets && sh $(srcdir)/codelets/generate.sh list $(KERNEL_SOURCES) > $@
codelets/kernel_all.h: $(KERNEL_SOURCES) codelets/generate.sh codelets/local.mk
	$(AM_V_GEN)$(MKDIR_P) codelets && sh $(srcdir)/codelets/generate.sh all $(KERNEL_SOURCES) > $@
codelets/kernel_text.c: $(srcdir)/codelets/device.h $(KERNEL_SOURCES) codelets/generate.sh codelets/local.mk
	$(AM_V_GEN)$(MKDIR_P) codelets && \
	  sh $(srcdir)/codelets/generate.sh text $(srcdir)/codelets/device.h $(KERNEL_SOURCES) > $@

# The C kernels, once per instruction set.
KERNEL_CFLAGS = $(AM_CFLAGS) -O3 -fno-math-errno -fno-trapping-math -fno-signed-zeros -fassociative-math \
	-ffp-contract=fast
noinst_LTLIBRARIES += codelets/libkernels_base.la
codelets_libkernels_base_la_SOURCES = codelets/kernels.c
codelets_libkernels_base_la_CFLAGS = $(KERNEL_CFLAGS)
codelets_libkernels_base_la_CPPFLAGS = $(AM_CPPFLAGS) -DHSGD_ISA=base
KERNEL_LIBS = codelets/libkernels_base.la
if X86_ISAS
noinst_LTLIBRARIES += codelets/libkernels_v3.la codelets/libkernels_v4.la
codelets_libkernels_v3_la_SOURCES = codelets/kernels.c
codelets_libkernels_v3_la_CFLAGS = $(KERNEL_CFLAGS) -march=x86-64-v3
codelets_libkernels_v3_la_CPPFLAGS = $(AM_CPPFLAGS) -DHSGD_ISA=v3
codelets_libkernels_v4_la_SOURCES = codelets/kernels.c
codelets_libkernels_v4_la_CFLAGS = $(KERNEL_CFLAGS) -march=x86-64-v4 -mprefer-vector-width=512
codelets_libkernels_v4_la_CPPFLAGS = $(AM_CPPFLAGS) -DHSGD_ISA=v4
KERNEL_LIBS += codelets/libkernels_v3.la codelets/libkernels_v4.la
endif

noinst_LTLIBRARIES += codelets/libcodelets.la
nodist_codelets_libcodelets_la_SOURCES = codelets/kernel_text.c
codelets_libcodelets_la_SOURCES = codelets/kernels.h codelets/table.c codelets/matmul.c codelets/matmul_cpu.c \
	$(OPS:%=codelets/%.c)
codelets_libcodelets_la_CPPFLAGS = $(AM_CPPFLAGS) $(OPENBLAS_CFLAGS)
codelets_libcodelets_la_LIBADD = $(KERNEL_LIBS)
