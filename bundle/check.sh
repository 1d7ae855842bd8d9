#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Checks that the bundle refers to no folder of the build machine and runs in a
# root file system with only glibc, a shell and CUDA's runtime libraries:
# selftest on the CPU, and, if EMULATOR names the emulator, on an emulated CUDA
# device.  Exit status 77: this user cannot create a root.
set -eu
archive=$(ls hsgd-"$VERSION"-*.tar.xz)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
own_root() { unshare --mount --map-root-user "$@"; }
mkdir -p "$root/bin" "$root/lib" "$root/lib64" "$root/proc" "$root/sys" "$root/dev" "$root/tmp" "$root/cuda" "$root/moved"
tar -C "$root/moved" -xJf "$archive"
mv "$root/moved"/hsgd-* "$root/moved/here"

echo "== names of libraries and folders"
for file in "$root"/moved/here/bin/* "$root"/moved/here/lib/*; do
    named=$(readelf -d "$file" | sed -n 's/.*\[\(.*\)\]$/\1/p' | grep / | grep -vFx '$ORIGIN/../lib') || continue
    echo "FAILED: ${file#"$root"/moved/here/} refers to $named"
    exit 1
done

cp -L "$(command -v dash)" "$root/bin/sh"
for library in libc.so.6 libm.so.6 libdl.so.2 libpthread.so.0 librt.so.1; do
    cp -L "/lib/x86_64-linux-gnu/$library" "$root/lib/"
done
cp -L /lib64/ld-linux-x86-64.so.2 "$root/lib64/"
cp -L "$root/lib64/ld-linux-x86-64.so.2" "$root/lib/"
[ -z "${EMULATOR:-}" ] || cp -L "$EMULATOR" "$root/lib/libcudaemu.so"
cuda=$(dirname "$(ldconfig -p | sed -n 's/.*libcublasLt\.so\.[0-9]* .*=> //p' | head -n 1)")
[ -d "$cuda" ] || cuda=${CUDA_LIBRARIES:-/usr/local/cuda/lib64}

inside() # COMMANDS
{
    own_root sh -c '
        root=$1 cuda=$2
        shift 2
        for folder in proc sys dev; do mount --rbind /$folder "$root/$folder"; done
        [ ! -d "$cuda" ] || mount --rbind "$cuda" "$root/cuda"
        export HOME=/tmp LD_LIBRARY_PATH=/cuda
        exec chroot "$root" /bin/sh -c "$@"' sh "$root" "$cuda" "$1"
}
inside : 2>/dev/null || { echo "skipped: this user cannot create a separate root"; exit 77; }

selftest() # WHAT COMMAND: must pass without warnings
{
    echo "== selftest on $1"
    inside "$2" >"$root/log" 2>&1 && status=0 || status=$?
    cat "$root/log"
    [ $status -eq 0 ] || { echo "FAILED: exit status $status"; exit 1; }
    ! grep -i warning "$root/log" || { echo "FAILED: a warning"; exit 1; }
}
selftest "the CPU" 'exec /moved/here/run selftest --devices cpu'
# Preloaded into the program alone: the shell cannot load the emulator's libraries.
[ -z "${EMULATOR:-}" ] || selftest "an emulated CUDA device" \
    'STARPU_SUBALLOCATOR=0 LD_PRELOAD=/lib/libcudaemu.so exec /moved/here/bin/hsgd selftest --devices cuda:0'
