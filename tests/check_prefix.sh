#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# What `make install` leaves is enough: README.md's program compiles and runs with the flags that pkg-config gives for
# the installed tree, with the shared library and with the archive, and in a CMake project; the archive has no global
# name of others; the installed pages' links lead somewhere, and the installed demos are built.
# shellcheck source=tests/readme_program.sh
. "${srcdir:-.}/tests/readme_program.sh"

unset MAKEFLAGS MFLAGS MAKELEVEL
${MAKE:-make} install DESTDIR="$folder/root" >"$folder/install.log" 2>&1 || { cat "$folder/install.log"; exit 1; }
pc=$(find "$folder/root" -name hsgd.pc)
[ -n "$pc" ] || { echo "no hsgd.pc was installed"; exit 1; }
libdir=$(dirname "$(find "$folder/root" -name 'libhsgd.so' | head -n 1)")
archive=$libdir/libhsgd.a
prefix=$folder/root$(make_variable prefix)
PKG_CONFIG_SYSROOT_DIR=$folder/root
PKG_CONFIG_PATH=$(dirname "$pc")${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
export PKG_CONFIG_SYSROOT_DIR PKG_CONFIG_PATH

# The static library a program has been linked with does not need the shared one.
expect_static() { # PROGRAM
    ! readelf -d "$1" | grep 'NEEDED.*libhsgd' || { echo "$1 needs the shared library"; exit 1; }
}

compile() { # PROGRAM FLAG...
    compiled=$1
    shift
    echo "flags: $*"
    # shellcheck disable=SC2086 # flags are words
    $CC -std=c11 -Wall -Wextra -Werror $SAN_CFLAGS -o "$compiled" "$folder/program.c" "$@"
}

check_names() {
    # nm alone says nothing where it fails, so the count is wanted, too.
    nm -g --defined-only "$archive" | awk 'NF == 3 { print $3 }' >"$folder/names"
    [ "$(grep -c '^hsgd_' "$folder/names")" -ge 100 ] || { echo "$archive lacks functions of the library"; exit 1; }
    ! grep -v '^hsgd_' "$folder/names" || { echo "$archive has global names without hsgd_"; exit 1; }
    nm -D --defined-only "$libdir/libhsgd.so" | awk '{ print $3 }' | sort >"$folder/shared"
    sort "$folder/names" | diff "$folder/shared" - || { echo "$archive and libhsgd.so differ in names"; exit 1; }
}

with_cmake() { # FOLDER
    CC=$CC cmake -S "$folder/cmake" -B "$1" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_FLAGS="$SAN_CFLAGS" \
        >"$folder/cmake.log" 2>&1 || return 1
    cmake --build "$1" >>"$folder/cmake.log" 2>&1
}

# shellcheck disable=SC2046 # flags are words
compile "$folder/program" $(pkg-config --cflags --libs hsgd)
expect_training env LD_LIBRARY_PATH="$libdir" "$folder/program"

if [ -f "$archive" ]; then
    # Sanitizers add names of their own.
    [ -n "$SAN_CFLAGS" ] || check_names
    # shellcheck disable=SC2046 # flags are words
    compile "$folder/static" $(pkg-config --static --cflags --libs hsgd | sed 's/-lhsgd/-l:libhsgd.a/')
    expect_static "$folder/static"
    expect_training "$folder/static"
fi

if command -v cmake >/dev/null; then
    mkdir "$folder/cmake"
    cat >"$folder/cmake/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.13)
project(program C)
find_package(hsgd 0.3 REQUIRED)
message(STATUS "hsgd ${hsgd_VERSION}")
foreach(kind hsgd hsgd_static)
  if(TARGET hsgd::${kind})
    add_executable(with_${kind} ../program.c)
    target_link_libraries(with_${kind} PRIVATE hsgd::${kind})
  endif()
endforeach()
CMAKE
    with_cmake "$folder/cmake/build" || { cat "$folder/cmake.log"; exit 1; }
    expect_training "$folder/cmake/build/with_hsgd"
    if [ -f "$archive" ]; then
        expect_static "$folder/cmake/build/with_hsgd_static"
        expect_training "$folder/cmake/build/with_hsgd_static"
    fi
    # Another series may have another interface.
    sed -i 's/hsgd 0.3/hsgd 0.2/' "$folder/cmake/CMakeLists.txt"
    ! with_cmake "$folder/cmake/old" || { echo "CMake takes another series for ours"; exit 1; }
    grep -q 'version: 0.3' "$folder/cmake.log" || { cat "$folder/cmake.log"; exit 1; }
else
    echo "no cmake here: find_package(hsgd) was not tried"
fi

# An application's kernels, by what is installed.
pkg-config --variable=kernels hsgd | grep -q '^/' || { echo "hsgd.pc does not say where kernels.sh is"; exit 1; }
sh "$prefix/share/hsgd/kernels.sh" "$src/tests/bend.cl" >"$folder/bend_kernels.h"
printf '#include "bend_kernels.h"\nint main(void) { return !bend_fwd.cpu || !bend_fwd.opencl_source; }\n' >"$folder/kernels.c"
# shellcheck disable=SC2046,SC2086 # flags are words
$CC -std=c11 -Wall -Wextra -Werror $SAN_CFLAGS -I"$folder" -o "$folder/kernels" "$folder/kernels.c" \
    $(pkg-config --cflags hsgd) -lm
"$folder/kernels"

doc=$(dirname "$(find "$folder/root" -name architecture.md)")
for page in "$doc"/*.md "$doc"/*/*.md; do
    for link in $(grep -o '](\([^)#]*\)' "$page" | sed -e 's/^](//' -e '/^http/d' | sort -u); do
        case $link in /*) to=$folder/root$link ;; *) to=$(dirname "$page")/$link ;; esac
        [ -e "$to" ] || { echo "$page: no file \"$link\""; exit 1; }
    done
done
for page in man1/hsgd.1 man1/hsgd-train.1 man7/hsgd-environment.7 man7/hsgd-models.7; do
    [ -n "$(find "$folder/root" -path "*/$page")" ] || { echo "$page was not installed"; exit 1; }
done
# StarPU is not below the root.
${MAKE:-make} -C "$doc/examples" CC="$CC" CPPFLAGS="$(make_variable STARPU_CFLAGS)" \
    CFLAGS="$SAN_CFLAGS -Wall -Wextra -Werror" >"$folder/examples.log" 2>&1 ||
    { cat "$folder/examples.log"; exit 1; }

# Nothing is left behind.
${MAKE:-make} -C "$doc/examples" clean >/dev/null
${MAKE:-make} uninstall DESTDIR="$folder/root" >"$folder/uninstall.log" 2>&1 || { cat "$folder/uninstall.log"; exit 1; }
left=$(find "$folder/root" -type f -o -type l)
[ -z "$left" ] || { echo "make uninstall leaves: $left"; exit 1; }
