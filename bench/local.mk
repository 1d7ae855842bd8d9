# The floors: steps written by hand, which `hsgd bench` compares with ours.
noinst_LTLIBRARIES += bench/libfloor.la
bench_libfloor_la_SOURCES = \
	bench/floor.c bench/floor.h bench/floor_impl.h bench/floor_lenet.c bench/floor_loops.c bench/floor_mlp.c \
	bench/floor_mlp.h bench/floor_team.c bench/floor_team.h bench/triad.c bench/triad.h
bench_libfloor_la_CPPFLAGS = -I$(top_srcdir)/include $(OPENBLAS_CFLAGS)
bench_libfloor_la_CFLAGS = $(AM_CFLAGS) -O3 -fopenmp -fno-math-errno
bench_libfloor_la_LIBADD = $(OPENBLAS_LIBS) $(ONEDNN_LIBS) -lgomp -lpthread -lm

check_PROGRAMS += floor_check
floor_check_SOURCES = bench/floor_check.c
floor_check_CPPFLAGS = -I$(top_srcdir)/include
floor_check_LDADD = bench/libfloor.la
TESTS += floor_check
