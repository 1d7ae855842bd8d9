# SPDX-License-Identifier: BSD-3-Clause
# Random calls of the public interface: a few in `make check`, enough of each function in `make check-api`.
check_PROGRAMS += tests/api_fuzz
tests_api_fuzz_SOURCES = \
	tests/api/context.c \
	tests/api/data.c \
	tests/api/fuzz.c \
	tests/api/fuzz.h \
	tests/api/graph.c \
	tests/api/model.c \
	tests/api/op.c \
	tests/api/session.c \
	tests/api/train.c
tests_api_fuzz_CPPFLAGS = $(core_cppflags)
tests_api_fuzz_LDADD = $(core_ldadd)
TESTS += tests/api_calls.sh
EXTRA_DIST += tests/api_calls.sh
check-api: tests/api_fuzz
	srcdir="$(srcdir)" sh $(srcdir)/tests/api_calls.sh full
.PHONY: check-api
