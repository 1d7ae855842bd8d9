dnl SPDX-License-Identifier: BSD-3-Clause
# HSGD_STARPU: StarPU 1.4, else 1.3, by pkg-config.
AC_DEFUN([HSGD_STARPU], [
  PKG_CHECK_MODULES([STARPU], [starpu-1.4], [hsgd_starpu_pc=starpu-1.4], [
    PKG_CHECK_MODULES([STARPU], [starpu-1.3 >= 1.3.10], [hsgd_starpu_pc=starpu-1.3],
      [AC_MSG_ERROR([StarPU 1.3.10 or newer is needed (Debian: libstarpu-dev)])])])
  hsgd_starpu_version=`$PKG_CONFIG --modversion $hsgd_starpu_pc`
  # StarPU's headers include those of CUDA, whose warnings are not ours.
  STARPU_CFLAGS=`AS_ECHO([" $STARPU_CFLAGS"]) | sed 's/ -I/ -isystem /g'`
  AC_SUBST([HSGD_STARPU_PC], [$hsgd_starpu_pc])
])
