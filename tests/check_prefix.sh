#!/bin/sh
# What `make install` leaves is enough: README.md's program compiles and runs
# with the flags that pkg-config gives for the installed tree.
# shellcheck source=tests/readme_program.sh
. "${srcdir:-.}/tests/readme_program.sh"

unset MAKEFLAGS MFLAGS MAKELEVEL
${MAKE:-make} install DESTDIR="$folder/root" >"$folder/install.log" 2>&1 || { cat "$folder/install.log"; exit 1; }
pc=$(find "$folder/root" -name hsgd.pc)
[ -n "$pc" ] || { echo "no hsgd.pc was installed"; exit 1; }
libdir=$(dirname "$(find "$folder/root" -name 'libhsgd.so' | head -n 1)")
PKG_CONFIG_SYSROOT_DIR=$folder/root
PKG_CONFIG_PATH=$(dirname "$pc")${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
export PKG_CONFIG_SYSROOT_DIR PKG_CONFIG_PATH
flags=$(pkg-config --cflags --libs hsgd)
echo "pkg-config: $flags"
# shellcheck disable=SC2086 # flags are words
$CC -std=c11 -Wall -Wextra -Werror $SAN_CFLAGS -o "$folder/program" "$folder/program.c" $flags
expect_training env LD_LIBRARY_PATH="$libdir" "$folder/program"
