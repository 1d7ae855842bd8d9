#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# test_ops with the C kernels of lesser machines.
for isa in base v3; do
    echo "HSGD_ISA=$isa"
    HSGD_ISA=$isa ./test_ops --devices=cpu || exit 1
done
