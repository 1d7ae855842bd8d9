dnl SPDX-License-Identifier: BSD-3-Clause
# HSGD_ARCHIVE: tools that join many objects into one and make its private symbols local.
AC_DEFUN([HSGD_ARCHIVE], [
  AC_CHECK_TOOL([OBJCOPY], [objcopy], [no])
  AS_IF([test "$hsgd_static$OBJCOPY" = yesno],
    [AC_MSG_ERROR([objcopy is needed to make libhsgd.a (binutils), or --disable-static])])
  # With -flto objects have no machine code: it is generated here.
  AC_CACHE_CHECK([for the option that compiles LTO objects into one], [hsgd_cv_nolto_rel], [
    hsgd_cv_nolto_rel=none
    echo 'int f(void) { return 1; }' > conftest.c
    AS_IF([$CC $CFLAGS -c conftest.c -o conftest1.o >&AS_MESSAGE_LOG_FD 2>&1 &&
           $CC $CFLAGS -nostdlib -r -flinker-output=nolto-rel conftest1.o -o conftest2.o >&AS_MESSAGE_LOG_FD 2>&1],
      [hsgd_cv_nolto_rel=-flinker-output=nolto-rel])
    rm -f conftest.c conftest1.o conftest2.o
  ])
  AS_IF([test "$hsgd_cv_nolto_rel" = none], [NOLTO_REL=], [NOLTO_REL=$hsgd_cv_nolto_rel])
  AC_SUBST([NOLTO_REL])
])
