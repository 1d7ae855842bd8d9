dnl SPDX-License-Identifier: BSD-3-Clause
# HSGD_BLAS: OpenBLAS (required) and oneDNN (optional) for GEMM on CPUs.
AC_DEFUN([HSGD_BLAS], [
  AC_ARG_WITH([onednn], [AS_HELP_STRING([--without-onednn], [GEMM by OpenBLAS only])])
  PKG_CHECK_MODULES([OPENBLAS], [openblas])
  hsgd_gemm=OpenBLAS
  hsgd_onednn=no
  AS_IF([test "x$with_onednn" != xno], [
    hsgd_save_LIBS=$LIBS
    AC_CHECK_HEADER([oneapi/dnnl/dnnl.h], [
      AC_CHECK_LIB([dnnl], [dnnl_sgemm], [hsgd_onednn=yes])])
    LIBS=$hsgd_save_LIBS
  ])
  AS_IF([test "$hsgd_onednn" = yes], [
    AC_DEFINE([HAVE_DNNL], [1], [oneDNN is available])
    ONEDNN_LIBS="-ldnnl -lgomp"
    hsgd_gemm="oneDNN, OpenBLAS"
  ])
  AC_SUBST([ONEDNN_LIBS])
])
