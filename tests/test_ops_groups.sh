#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# test_ops with OpenCL groups of 64 items, as on a GPU.  Convolution, pooling
# and the lanes are launched in groups of one item there too, and PoCL takes a
# minute to compile them: HSGD_TEST_ALL=1 runs them as well.
tests="activate batch_norm dense dropout global_avg_pool layer_norm softmax_cross_entropy mse gemm merge optimizer trainer_update"
test -z "$HSGD_TEST_ALL" || tests=
HSGD_OPENCL_GROUPS=1 exec ./test_ops --devices=opencl $tests
