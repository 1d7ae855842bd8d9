#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Builds StarPU from Debian's source package into a per-user cache, once per
# version, options, CUDA toolkit and compiler, and prints its folder.
# Concurrent runs wait for one another; after an interruption the next run
# resumes.  The log is kept in the folder.
# shellcheck disable=SC2086 # lists are split into words on purpose
set -eu

usage() {
    cat <<'USAGE'
Usage: setup/starpu.sh [--cuda=DIR | --no-cuda] [--jobs=N] [--where]

  --cuda=DIR   the CUDA toolkit (default: that of nvcc in PATH, else /usr/local/cuda, if it exists)
  --no-cuda    without CUDA
  --jobs=N     compile N files at once (default: one per core)
  --where      only print the folder; exit status 1 if nothing has been built there

HSGD_STARPU_CACHE replaces the cache folder ${XDG_CACHE_HOME:-$HOME/.cache}/hsgd.
USAGE
}

version=1.4.10
archive=starpu_$version+dfsg.orig.tar.gz
sha256=6b3bb9ec0d79f937882148b2da09ae6cb0ad4d1e83a104be45723dd70eba99c3
sha1=bfb04db988392567c6142bc2b59f4baa8610c2d6
here=$(cd "$(dirname "$0")" && pwd)
patches="$here/starpu-cuda13.patch $here/starpu-opencl-beside-cuda.patch $here/starpu-moved.patch"

# Limits above those of today's machines; features that the library does not use are disabled.
options="--disable-static --enable-maxcpus=256 --enable-maxcudadev=16 --enable-maxnodes=32 --disable-build-doc
--disable-build-tests --disable-build-examples --disable-mpi --disable-fortran --disable-socl --disable-starpufft
--disable-starpupy --disable-openmp --disable-fxt --disable-papi --disable-glpk --disable-valgrind --disable-hdf5
--disable-hip --without-x"

cuda=auto
jobs=$(nproc 2>/dev/null || echo 1)
where=no
for argument; do
    case $argument in
    --cuda=*) cuda=${argument#--cuda=} ;;
    --no-cuda) cuda=no ;;
    --jobs=*) jobs=${argument#--jobs=} ;;
    --where) where=yes ;;
    -h | --help) usage; exit 0 ;;
    *) echo "starpu.sh: unknown argument \"$argument\"" >&2; usage >&2; exit 2 ;;
    esac
done

toolkit() {
    nvcc=$(command -v nvcc || true)
    if [ -n "$nvcc" ]; then dirname "$(dirname "$(readlink -f "$nvcc")")"
    elif [ -x /usr/local/cuda/bin/nvcc ]; then readlink -f /usr/local/cuda
    else echo no
    fi
}
[ "$cuda" != auto ] || cuda=$(toolkit)
if [ "$cuda" = no ]; then
    options="$options --disable-cuda"
else
    options="$options --enable-cuda --with-cuda-dir=$cuda"
fi

key=$({ echo "$version $options"; cat $patches; ${CC:-cc} --version; [ "$cuda" = no ] || "$cuda/bin/nvcc" --version
        pkg-config --modversion hwloc; } 2>/dev/null | sha256sum | cut -c1-12)
cache=${HSGD_STARPU_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/hsgd}
base=$cache/starpu-$version-$key
prefix=$base/install
log=$base/log

if [ "$where" = yes ]; then
    echo "$prefix"
    [ -f "$base/done" ]
    exit
fi

say() { echo "starpu      $1" >&2; }
fail() {
    say "the step \"$1\" failed; the end of $log:"
    tail -n 15 "$log" | sed 's/^/    /' >&2
    say "$2"
    exit 1
}

fetch() {
    [ ! -f "$base/$archive" ] || return 0
    for url in "http://deb.debian.org/debian/pool/main/s/starpu/$archive" "https://snapshot.debian.org/file/$sha1"; do
        say "fetching $url"
        echo "== $url" >>"$log"
        # Resumes an interrupted download; if the server refuses that, starts again.
        curl -fsSL --retry 3 -C - -o "$base/part" "$url" >>"$log" 2>&1 ||
            curl -fsSL --retry 3 -o "$base/part" "$url" >>"$log" 2>&1 || continue
        if echo "$sha256  $base/part" | sha256sum -c - >>"$log" 2>&1; then
            mv "$base/part" "$base/$archive"
            return 0
        fi
        rm -f "$base/part"
    done
    fail fetch "Put $archive (SHA-256 $sha256) into $base and run this again, or use --starpu=system."
}

unpack() {
    [ ! -d "$base/source" ] || return 0
    rm -rf "$base/unpacking"
    mkdir "$base/unpacking"
    { tar -xf "$base/$archive" -C "$base/unpacking" --strip-components=1 &&
        cat $patches | patch -d "$base/unpacking" -p1; } >>"$log" 2>&1 || fail unpack "Remove $base and run this again."
    mv "$base/unpacking" "$base/source"
}

configure() {
    [ ! -f "$base/configured" ] || return 0
    say "configuring StarPU $version, CUDA: $cuda"
    mkdir -p "$base/build"
    (cd "$base/build" && NVCCFLAGS="${NVCCFLAGS:-}" ../source/configure --prefix="$prefix" $options) >>"$log" 2>&1 ||
        fail configure "Remove $base and run this again, or use --starpu=system."
    if [ "$cuda" != no ] && ! grep -q 'define STARPU_USE_CUDA 1' "$base/build/include/starpu_config.h"; then
        fail configure "StarPU does not accept the CUDA toolkit in $cuda: --cuda=DIR selects another one, --no-cuda none."
    fi
    touch "$base/configured"
}

# Shows the progress of a compilation: on a terminal in one line, else once a minute.
watch_objects() {
    of=$(find "$base/source/src" "$base/source/tools" -name '*.c' | wc -l)
    seconds=0
    while kill -0 "$1" 2>/dev/null; do
        if [ -t 2 ]; then printf '\rstarpu      compiling, about %d of %d files ' "$(objects)" "$of" >&2
        elif [ $((seconds % 60)) = 0 ]; then say "compiling, about $(objects) of $of files"
        fi
        sleep 2
        seconds=$((seconds + 2))
    done
    [ ! -t 2 ] || echo >&2
}
objects() { find "$base/build" -name '*.lo' | wc -l; }

build() {
    make -C "$base/build" -j"$jobs" >>"$log" 2>&1 &
    make=$!
    trap 'kill $make 2>/dev/null' INT TERM
    watch_objects $make
    wait $make || fail make "Run this again to resume; remove $base to start again; or use --starpu=system."
    make -C "$base/build" install >>"$log" 2>&1 || fail "make install" "Remove $base and run this again."
    # The folder of the compilation is large and no longer needed.
    rm -rf "$base/build" "$base/source" "$base/configured"
    touch "$base/done"
    say "StarPU $version is in $prefix"
}

mkdir -p "$base"
exec 9>"$base/lock"
flock -n 9 || { say "another run builds it; waiting"; flock 9; }
if [ ! -f "$base/done" ]; then
    fetch
    unpack
    configure
    build
fi
echo "$prefix"
