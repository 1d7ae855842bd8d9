dnl SPDX-License-Identifier: BSD-3-Clause
# HSGD_ONNX: protobuf-c, with which the library reads and writes ONNX files.
AC_DEFUN([HSGD_ONNX], [
  AC_ARG_WITH([onnx], [AS_HELP_STRING([--without-onnx], [build without ONNX files])])
  AS_IF([test "x$with_onnx" = xno],
    [hsgd_onnx="no (--without-onnx)"],
    [PKG_CHECK_MODULES([PROTOBUF_C], [libprotobuf-c >= 1.4], [],
      [AC_MSG_ERROR([ONNX files need protobuf-c; --without-onnx builds hsgd without them:
$PROTOBUF_C_PKG_ERRORS])])
    AC_PATH_PROGS([PROTOC_C], [protoc-c])
    AS_IF([test -z "$PROTOC_C"],
      [AC_MSG_ERROR([ONNX files need protoc-c, the compiler of protobuf-c; --without-onnx builds hsgd without them])])
    hsgd_onnx=yes])
  AM_CONDITIONAL([HAVE_ONNX], [test "$hsgd_onnx" = yes])
])
