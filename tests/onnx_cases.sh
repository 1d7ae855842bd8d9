#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# make check-onnx: all of ONNX's cases that Debian's libonnx-testdata has, on CPU and OpenCL: none may fail.
. "${srcdir:-.}/tests/cli.sh"
data=/usr/share/libonnx-testdata/data
[ -d $data/node ] || { echo "skipped: libonnx-testdata is not installed"; exit 77; }
for device in cpu opencl; do
    for part in node pytorch-converted pytorch-operator simple; do
        ok onnx-test --devices $device $data/$part
        echo "$device, $part: $(tail -n 1 out)"
        grep -A 1 ': failed: ' out
    done
done
finish
