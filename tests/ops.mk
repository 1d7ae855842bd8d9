# SPDX-License-Identifier: BSD-3-Clause
# Operations: one program, run with OpenCL groups of one item, with real
# groups, and with the C kernels of lesser machines.
check_PROGRAMS += test_ops
test_ops_SOURCES = \
	tests/main.c tests/main.h tests/test_ops.c tests/test_ops.h tests/test_gemm.c tests/test_lanes.c \
	tests/test_merge.c tests/test_optimizer.c tests/test_vector_math.c
test_ops_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir) $(STARPU_CFLAGS)
test_ops_CFLAGS = $(AM_CFLAGS) -O2
test_ops_LDADD = reference/libreference.la runtime/libruntime.la -lm
TESTS += test_ops tests/test_ops_groups.sh tests/test_ops_isas.sh
EXTRA_DIST += tests/test_ops_groups.sh tests/test_ops_isas.sh tests/faults.sh

# Injected faults: test_ops with the codelets of the folder $(VARIANT), where
# the file $(CHANGED) differs.
variant_compile = $(CC) $(DEFS) $(DEFAULT_INCLUDES) -I$(VARIANT)/codelets -Icodelets -I$(top_srcdir)/include \
	-I$(top_srcdir)/runtime $(CPPFLAGS) $(AM_CFLAGS) $(CFLAGS) -w -O0 -c
test-ops-variant:
	case "$(CHANGED)" in \
	*.c) $(variant_compile) $(VARIANT)/codelets/$(CHANGED) -o $(VARIANT)/changed.o ;; \
	*) { $(call kernel_texts,$(VARIANT)/codelets); } > $(VARIANT)/codelets/kernel_text.c && \
	   $(variant_compile) $(VARIANT)/codelets/kernel_text.c -o $(VARIANT)/text.o && \
	   for file in $(if $(filter %.h,$(CHANGED)),$(addsuffix .cl,$(kernel_names)),$(filter-out $(GPU_KERNELS:codelets/%=%),$(CHANGED))); do \
	     $(variant_compile) -DHSGD_ISA=base $(as_kernel) $(VARIANT)/codelets/$$file -o $(VARIANT)/$$file.o || exit; \
	   done ;; \
	esac
	$(LIBTOOL) --silent --tag=CC --mode=link $(CC) $(AM_CFLAGS) $(CFLAGS) $(AM_LDFLAGS) $(LDFLAGS) \
	  -o $(VARIANT)/test_ops $(VARIANT)/*.o $(test_ops_OBJECTS) $(test_ops_LDADD)
# A program, tests/$(OPERATION)_program.c, with the operation of the folder $(FOLDER) as one of the library, with the
# C kernels of any machine.
operation_compile = $(CC) $(DEFS) -I$(FOLDER) $(DEFAULT_INCLUDES) -Icodelets -I$(top_srcdir)/codelets \
	-I$(top_srcdir)/include -I$(top_srcdir)/runtime $(CPPFLAGS) $(AM_CFLAGS) $(CFLAGS) -O0 -c \
	-include $(FOLDER)/$(OPERATION).h
operation_generate = sh $(srcdir)/codelets/generate.sh
operation-in-library:
	sed '/HSGD_X86_ISAS/d' config.h > $(FOLDER)/config.h
	$(operation_generate) args $(kernel_files) $(gpu_kernel_files) $(FOLDER)/$(OPERATION).cl > $(FOLDER)/kernel_args.h
	$(operation_generate) list $(kernel_files) $(FOLDER)/$(OPERATION).cl > $(FOLDER)/kernel_list.h
	$(operation_generate) ops $(op_files) $(FOLDER)/$(OPERATION).c > $(FOLDER)/op_list.h
	{ $(call kernel_texts,$(srcdir)/codelets,$(FOLDER)/$(OPERATION).cl); } > $(FOLDER)/kernel_text.c
	$(operation_compile) -DHSGD_ISA=base $(as_kernel) $(FOLDER)/$(OPERATION).cl -o $(FOLDER)/kernel.o
	for file in $(srcdir)/codelets/table.c $(srcdir)/codelets/op_table.c \
	  $(FOLDER)/kernel_text.c $(FOLDER)/$(OPERATION).c $(srcdir)/tests/$(OPERATION)_program.c; do \
	  $(operation_compile) -DIN_LIBRARY $$file -o $(FOLDER)/`basename $$file .c`.o || exit; done
	$(LIBTOOL) --silent --tag=CC --mode=link $(CC) $(AM_CFLAGS) $(CFLAGS) $(AM_LDFLAGS) $(LDFLAGS) \
	  -o $(FOLDER)/program $(FOLDER)/*.o $(test_ops_LDADD)
.PHONY: operation-in-library
TESTS += tests/centre.sh
EXTRA_DIST += tests/centre.sh tests/centre_program.c

# All shapes of every operation on every kind of device of the build, and a table of their counts; make check runs a
# fifth of them: many references have shapes in turns of 2, 3 or 4, and 5 has no divisor in common with these.
check-ops: test_ops $(EMULATED)
	EMULATOR="$(EMULATED)" srcdir=$(srcdir) sh $(srcdir)/tests/ops_table.sh
.PHONY: check-ops
EXTRA_DIST += tests/ops_table.sh tests/counts.awk

# Every implementation of OpenCL that tests/opencl_fetch.sh has unpacked, and PoCL.
check-opencl: hsgd test_ops opencl_loops
	srcdir=$(srcdir) sh $(srcdir)/tests/opencl.sh
check-oclgrind: test_ops
	srcdir=$(srcdir) MAKE="$(MAKE)" sh $(srcdir)/tests/oclgrind.sh $(OPERATIONS)
check-oclgrind-faults: test_ops
	srcdir=$(srcdir) MAKE="$(MAKE)" sh $(srcdir)/tests/oclgrind.sh faults
.PHONY: check-opencl check-oclgrind check-oclgrind-faults
EXTRA_DIST += tests/opencl.sh tests/opencl_fetch.sh tests/oclgrind.sh
EXTRA_PROGRAMS += opencl_loops
opencl_loops_SOURCES = tests/opencl_loops.c
opencl_loops_CPPFLAGS = $(OPENCL_CFLAGS)
opencl_loops_LDADD = $(OPENCL_LIBS)

check-faults: test_ops check-plan-faults
	MAKE="$(MAKE)" srcdir="$(srcdir)" sh $(srcdir)/tests/faults.sh
.PHONY: test-ops-variant check-faults

if HAVE_CRITERION
check_PROGRAMS += test_data
test_data_SOURCES = tests/main.c tests/main.h tests/data_folder.c tests/data_folder.h \
	tests/test_data.c tests/test_idx.c tests/test_sheet.c
test_data_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir) $(CRITERION_CFLAGS) $(PNG_CFLAGS) $(ZLIB_CFLAGS)
test_data_LDADD = reference/libreference.la libhsgd.la $(CRITERION_LIBS) $(PNG_LIBS) $(ZLIB_LIBS) -lm
TESTS += test_data
endif

# HSGD_TEST_DATA: the folder of real data sets; tests of them are skipped
# where it is unset.
# HSGD_TEST_PART: see check-ops.
AM_TESTS_ENVIRONMENT = HSGD_TEST_PART=$${HSGD_TEST_PART-5}; export HSGD_TEST_PART; \
	if test -z "$$HSGD_TEST_DATA" && test -d "$(abs_top_srcdir)/../shared/data"; then \
	  HSGD_TEST_DATA="$(abs_top_srcdir)/../shared/data"; export HSGD_TEST_DATA; fi;
