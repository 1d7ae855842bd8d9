#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# opencl_fetch.sh [FOLDER]: unpacks other implementations of OpenCL and a checker of kernels for check-opencl and
# check-oclgrind; nothing is installed.  FOLDER: $HSGD_TEST_OPENCL, or hsgd/opencl in the user's cache.
#
# intel, fpga: Intel's runtime for CPUs and its FPGA emulation, 300 MB from PyPI, by pip
# rusticl, oclgrind: Mesa's llvmpipe and Oclgrind, 40 MB from Debian, by apt-get download
#
# FOLDER/NAME has the libraries in lib/ and the files for the ICD loader in vendors/.
set -u
folder=${1:-${HSGD_TEST_OPENCL:-${XDG_CACHE_HOME:-$HOME/.cache}/hsgd/opencl}}
# The emulation needs libraries of the runtime of the same version.
intel=2025.0.5
mkdir -p "$folder" || exit 1
folder=$(cd "$folder" && pwd)
work=$(mktemp -d "$folder/fetch-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
status=0

failed() # WHAT
{
    echo "opencl_fetch.sh: $1" >&2
    status=1
}

# Complete folders only; what was there is replaced.
publish() # NAME
{
    rm -rf "${folder:?}/$1" && mv "$work/$1" "$folder/$1" && echo "$1: $folder/$1"
}

wheels() # PACKAGE...: libraries of both
{
    mkdir -p "$work/intel/lib" "$work/intel/vendors" "$work/fpga/vendors" "$work/wheels"
    python3 -m pip download --quiet --no-deps --disable-pip-version-check --dest "$work/wheels" "$@" || return
    for wheel in "$work/wheels"/*.whl; do python3 -m zipfile -e "$wheel" "$work/wheels" || return; done
    # Not their ICD loader, and not their hwloc, which StarPU would load.
    find "$work/wheels" -path '*/data/lib/*' -type f ! -name 'libOpenCL*' ! -name 'libhwloc*' \
        -exec mv {} "$work/intel/lib" \;
    ln -s ../intel/lib "$work/fpga/lib"
    echo "$folder/intel/lib/libintelocl.so" >"$work/intel/vendors/intel.icd"
    echo "$folder/intel/lib/libintelocl_emu.so" >"$work/fpga/vendors/fpga.icd"
    [ -f "$work/intel/lib/libintelocl.so" ] && [ -f "$work/intel/lib/libintelocl_emu.so" ]
}

# A package, and those that it depends on and that are not installed.
debian() # NAME PACKAGE
{
    missing=$(apt-get install --print-uris -qq -y --no-install-recommends "$2" 2>/dev/null |
        sed -n "s/^'[^']*' \([^_]*\)_.*/\1/p" | grep -vx "$2")
    mkdir -p "$work/debs-$1" "$work/$1/vendors"
    # shellcheck disable=SC2086 # words
    (cd "$work/debs-$1" && apt-get download -qq "$2" $missing 2>/dev/null) || return
    for deb in "$work/debs-$1"/*.deb; do dpkg -x "$deb" "$work/$1" || return; done
    mv "$work/$1/usr/lib/$(uname -m)-linux-gnu" "$work/$1/lib"
}

if wheels intel-opencl-rt==$intel intel-opencl-fpga-emu-rt==$intel intel-cmplr-lib-rt==$intel tbb==2022.3.1 tcmlib==1.6.0
then publish intel && publish fpga
else failed "intel, fpga: no packages of PyPI"
fi
if debian rusticl mesa-opencl-icd; then
    echo "$folder/rusticl/lib/libRusticlOpenCL.so.1" >"$work/rusticl/vendors/rusticl.icd"
    publish rusticl
    [ -f /usr/lib/clc/spirv64-mesa3d-.spv ] || failed "rusticl finds no device until Debian's libclc-15 is installed"
else failed "rusticl: no packages of Debian"
fi
if debian oclgrind oclgrind; then publish oclgrind; else failed "oclgrind: no packages of Debian"; fi
exit $status
