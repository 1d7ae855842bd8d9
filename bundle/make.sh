#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# make bundle: programs, tests, benchmarks and all libraries except those that a
# machine with CUDA has, as one archive.  Run in the build folder:
#   make.sh SOURCE-FOLDER VERSION [PROGRAM...]
set -eu
srcdir=$1 version=$2
shift 2
max_bytes=$((40 * 1024 * 1024))
command -v patchelf >/dev/null || { echo "make bundle: patchelf is missing" >&2; exit 1; }
name=hsgd-$version-$(uname -m)
stage=$(mktemp -d) root=
trap 'rm -rf "$stage"' EXIT
root=$stage/$name
mkdir -p "$root/bin" "$root/lib" "$root/bench" "$root/licences"

# The program that libtool built, not its wrapper script.
program() { if [ -f ".libs/$1" ]; then from=.libs/$1; else from=$1; fi; cp "$from" "$root/bin/${1%-without-plots}"; }
for p in "$@"; do program "$p"; done
cp "$srcdir"/bench/gpu.py "$srcdir"/bench/torch_step.py "$srcdir"/bench/stack.yaml "$root/bench/"
cp "$srcdir/bundle/run" "$srcdir/bundle/README" "$root/"
[ ! -f "$srcdir/COPYING" ] || cp "$srcdir/COPYING" "$root/licences/hsgd"

# Libraries that the target machine has: glibc, the driver's, CUDA's.
from_machine='^(ld-linux.*|libc|libm|libdl|libpthread|librt|libresolv|libutil|libcuda|libnv.*|libcublas.*|libcudart|libcudnn.*|libcusolver|libcusparse)\.so'
needed() { LD_LIBRARY_PATH=$PWD/.libs ldd "$root"/bin/* | awk '$2 == "=>" && $3 ~ /^\// { print $1, $3 } $3 == "not" { print $1, "missing" }' | sort -u; }
needed >"$stage/needed"
! grep -vE "$from_machine" "$stage/needed" | grep ' missing$' || { echo "make bundle: a library is missing" >&2; exit 1; }

licence() # of the Debian package that a library is from
{
    real=$(realpath "$1")
    package=$(dpkg -S "$real" 2>/dev/null || dpkg -S "${real#/usr}" 2>/dev/null || dpkg -S "$1" 2>/dev/null) || package=
    package=$(echo "$package" | cut -d: -f1 | head -n 1)
    if [ -n "$package" ]; then cp "/usr/share/doc/$package/copyright" "$root/licences/$package"; return; fi
    for copying in "${1%/lib/*}"/share/doc/starpu/COPYING*; do
        [ ! -f "$copying" ] || { cp "$copying" "$root/licences/starpu"; return; }
    done
    echo "make bundle: the licence of $1 was not found" >&2
    return 1
}
grep -vE "$from_machine" "$stage/needed" | while read -r soname path; do
    cp -L "$path" "$root/lib/$soname"
    case $path in "$PWD"/*) ;; *) licence "$path" ;; esac
done
# Licences that Debian's copyright files refer to.
for text in $(grep -oh '/usr/share/common-licenses/[A-Za-z0-9.-]*[A-Za-z0-9]' "$root"/licences/* | sort -u); do
    [ ! -f "$text" ] || { mkdir -p "$root/licences/common" && cp -L "$text" "$root/licences/common/"; }
done
find "$root/bin" "$root/lib" -type f -exec strip --strip-unneeded {} +
# An RPATH, not a RUNPATH: it takes precedence over LD_LIBRARY_PATH, where a machine may have other builds of
# these libraries, and also applies to dependencies of libraries.
patchelf --force-rpath --set-rpath '$ORIGIN/../lib' "$root"/bin/*
patchelf --remove-rpath "$root"/lib/*

XZ_OPT=-9 tar -C "$stage" --owner=0 --group=0 -cJf "$name.tar.xz.part" "$name"
size=$(stat -c %s "$name.tar.xz.part")
[ "$size" -le $max_bytes ] || { echo "make bundle: $size bytes exceed the maximum of 40 MiB" >&2; exit 1; }
mv "$name.tar.xz.part" "$name.tar.xz"
echo "$name.tar.xz: $size bytes, $(ls "$root/lib" | wc -l) libraries"
