#!/bin/sh
# test_ops with OpenCL groups of 64 items, as on a GPU.
HSGD_OPENCL_GROUPS=1 exec ./test_ops
