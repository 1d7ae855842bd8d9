/* Direct calls that op_bench compares operations with. */
#ifndef HSGD_BENCH_OP_BENCH_H
#define HSGD_BENCH_OP_BENCH_H

#include <stdbool.h>

/* Seconds of the products of a dense layer by cuBLAS on CUDA device `index`,
 * in fp32 without TF32: forward, and with `backward` those of both gradients
 * too.  NAN where there is no cuBLAS or it fails. */
double direct_dense(int index, int rows, int in, int units, bool backward, int repeats);

#endif
