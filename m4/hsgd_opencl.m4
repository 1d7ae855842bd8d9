dnl SPDX-License-Identifier: BSD-3-Clause
# HSGD_OPENCL: the OpenCL ICD loader, and a StarPU built with OpenCL.
AC_DEFUN([HSGD_OPENCL], [
  AC_ARG_WITH([opencl], [AS_HELP_STRING([--without-opencl], [build without OpenCL devices])])
  hsgd_opencl=no
  AS_IF([test "x$with_opencl" != xno], [
    PKG_CHECK_MODULES([OPENCL], [OpenCL], [
      hsgd_save_CPPFLAGS=$CPPFLAGS
      CPPFLAGS="$CPPFLAGS $STARPU_CFLAGS"
      AC_PREPROC_IFELSE([AC_LANG_SOURCE([[
#include <starpu_config.h>
#ifndef STARPU_USE_OPENCL
#error no OpenCL in this StarPU
#endif
      ]])], [hsgd_opencl=yes], [hsgd_opencl="no (this StarPU is built without it)"])
      CPPFLAGS=$hsgd_save_CPPFLAGS
    ], [hsgd_opencl="no (no ICD loader found)"])
  ])
  AS_IF([test "$hsgd_opencl" = yes], [AC_DEFINE([HSGD_USE_OPENCL], [1], [OpenCL devices are supported])])
  AM_CONDITIONAL([USE_OPENCL], [test "$hsgd_opencl" = yes])
])
