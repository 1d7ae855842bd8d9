# SPDX-License-Identifier: BSD-3-Clause
# The references in double precision that tests and `hsgd selftest` share.
noinst_LTLIBRARIES += reference/libreference.la
reference_libreference_la_SOURCES = \
	reference/activate.c \
	reference/check.c \
	reference/check.h \
	reference/clip_factor.c \
	reference/conv2d.c \
	reference/dense.c \
	reference/dropout.c \
	reference/flatten.c \
	reference/loss.c \
	reference/network.c \
	reference/network.h \
	reference/optimizer.c \
	reference/pool.c \
	reference/reference.h
reference_libreference_la_CFLAGS = $(AM_CFLAGS) -O2
