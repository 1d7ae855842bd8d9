#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# kernels.sh [-d DEVICE_H] FILE.cl...
# Makes an application's kernels from files in the kernel dialect: prints C
# source with a descriptor "static const struct hsgd_kernel NAME" of each, its C
# form and its OpenCL text.  A program includes that once:
#   sh $(pkg-config --variable=kernels hsgd) bend.cl >bend_kernels.h
# -d: the dialect, where it is not installed as ../../include/hsgd/device.h.
# With HSGD_KERNELS_CUDA defined there is a CUDA form, too, which nvcc compiles
# from a file that includes <hsgd/device.h> and then FILE.cl.
set -eu
device=$(dirname "$0")/../../include/hsgd/device.h
if [ "${1-}" = -d ]; then
    [ $# -ge 2 ] || { echo "kernels.sh: -d needs a file" >&2; exit 2; }
    device=$2
    shift 2
fi
[ $# -gt 0 ] || { echo "kernels.sh: no kernel file given" >&2; exit 2; }
for file in "$device" "$@"; do
    [ -r "$file" ] || { echo "kernels.sh: $file: cannot be read" >&2; exit 2; }
done
for file; do
    grep -q '^KERNEL[1-6]([a-zA-Z0-9_]*, *[a-zA-Z0-9_]*)$' "$file" ||
        { echo "kernels.sh: $file: has no line KERNEL1(name, name_args) to KERNEL6(name, name_args)" >&2; exit 2; }
done

# A file as lines of C strings; comments of one line apart.
text() { sed -e '/^ *#include/d' -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/    "/' -e 's/$/\\n"/' "$1"; }

name=$(basename "$1" .cl | tr -c 'a-zA-Z0-9\n' _)
echo "/* Made by kernels.sh from $(for file; do printf '%s ' "${file##*/}"; done)- do not edit. */"
echo '#include <hsgd/ops.h>'
echo
echo '#define HSGD_KERNEL_LINKAGE static'
cat "$device"
for file; do
    echo
    grep -v '^ *#include' "$file"
done
echo
echo '#pragma GCC diagnostic push'
echo '#pragma GCC diagnostic ignored "-Woverlength-strings"'
echo "static const char ${name}_text[] ="
text "$device"
for file; do text "$file"; done
echo '    ;'
echo '#pragma GCC diagnostic pop'
cat <<'END'

#ifdef HSGD_KERNELS_CUDA
#define HSGD_CUDA_DECLARE_(kernel) void hsgd_cuda_##kernel(void);
#define HSGD_CUDA_FORM_(kernel) .cuda = (const void *)hsgd_cuda_##kernel,
#else
#define HSGD_CUDA_DECLARE_(kernel)
#define HSGD_CUDA_FORM_(kernel)
#endif
END
for file; do
    sed -n "s/^KERNEL\([1-6]\)(\([a-zA-Z0-9_]*\), *\([a-zA-Z0-9_]*\))\$/\
HSGD_CUDA_DECLARE_(\2)\n\
static const struct hsgd_kernel \2 __attribute__((unused)) = {\n\
    .name = \"\2\", .buffers = \1, .args_size = sizeof(struct \3), .cpu = hsgd_\2_base,\n\
    .opencl_source = ${name}_text, HSGD_CUDA_FORM_(\2)\n\
};/p" "$file"
done
