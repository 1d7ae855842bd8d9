dnl SPDX-License-Identifier: BSD-3-Clause
# HSGD_ISA: the instruction sets the C kernels are compiled for; the best one
# that the machine supports is chosen when the library starts.
AC_DEFUN([HSGD_ISA], [
  hsgd_isas=base
  hsgd_x86=no
  AC_CACHE_CHECK([whether $CC takes -march=x86-64-v4], [hsgd_cv_march_v4], [
    hsgd_save_CFLAGS=$CFLAGS
    CFLAGS="$CFLAGS -march=x86-64-v4"
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM], [hsgd_cv_march_v4=yes], [hsgd_cv_march_v4=no])
    CFLAGS=$hsgd_save_CFLAGS
  ])
  AS_IF([test "$hsgd_cv_march_v4" = yes], [
    AC_DEFINE([HSGD_X86_ISAS], [1], [kernels for x86-64-v3 and v4 are built])
    hsgd_isas="base, x86-64-v3, x86-64-v4"
    hsgd_x86=yes
  ])
  AM_CONDITIONAL([X86_ISAS], [test "$hsgd_x86" = yes])
])
