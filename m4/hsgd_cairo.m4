dnl SPDX-License-Identifier: BSD-3-Clause
# HSGD_CAIRO: Cairo, Pango and fontconfig, with which the command line draws
# plots.  The library does not use them.
AC_DEFUN([HSGD_CAIRO], [
  AC_ARG_WITH([cairo], [AS_HELP_STRING([--without-cairo], [build the command line without plots])])
  AS_IF([test "x$with_cairo" = xno],
    [hsgd_cairo="no (--without-cairo)"],
    [PKG_CHECK_MODULES([CAIRO], [cairo >= 1.16 pangocairo >= 1.44 fontconfig], [hsgd_cairo=yes],
      [AC_MSG_ERROR([the command line draws plots by Cairo, Pango and fontconfig; --without-cairo builds it without plots:
$CAIRO_PKG_ERRORS])])])
  AM_CONDITIONAL([HAVE_CAIRO], [test "$hsgd_cairo" = yes])
])
