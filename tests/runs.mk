# SPDX-License-Identifier: BSD-3-Clause
# Runs that are killed, disks that fail: short here, in full by hand.
check_LTLIBRARIES =
check_LTLIBRARIES += fault_shim.la
check_LTLIBRARIES += wrong_shim.la
fault_shim_la_SOURCES = tests/fault_shim.c
fault_shim_la_LDFLAGS = -module -avoid-version -rpath /nowhere
fault_shim_la_LIBADD = -ldl
wrong_shim_la_SOURCES = tests/wrong_shim.c
wrong_shim_la_CPPFLAGS = -I$(top_srcdir)/include
wrong_shim_la_LDFLAGS = -module -avoid-version -rpath /nowhere
wrong_shim_la_LIBADD = -ldl
check_LTLIBRARIES += driver_shim.la
driver_shim_la_SOURCES = tests/driver_shim.c
driver_shim_la_CPPFLAGS = $(OPENCL_CFLAGS)
driver_shim_la_LDFLAGS = -module -avoid-version -rpath /nowhere
driver_shim_la_LIBADD = -ldl
TESTS += tests/test_driver.sh tests/test_binaries.sh
EXTRA_DIST += tests/test_driver.sh tests/test_binaries.sh
TESTS += tests/test_record.sh tests/test_regression.sh tests/test_metrics.sh tests/test_runs.sh tests/kill.sh tests/io_faults.sh
EXTRA_DIST += tests/test_record.sh tests/test_regression.sh tests/test_metrics.sh tests/test_runs.sh tests/check_run.py tests/kill.sh tests/io_faults.sh tests/shim.sh
check-kill: hsgd fault_shim.la
	ROUNDS=200 srcdir=$(srcdir) builddir=. sh $(srcdir)/tests/kill.sh
check-io-faults: hsgd fault_shim.la
	STRIDE=1 srcdir=$(srcdir) builddir=. sh $(srcdir)/tests/io_faults.sh
.PHONY: check-kill check-io-faults
