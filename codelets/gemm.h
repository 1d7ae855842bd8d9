/* SPDX-License-Identifier: BSD-3-Clause */
/* How to launch gemm.cl.  The arguments and constants come from gemm.cl, through
 * kernel_args.h.
 *
 *     struct gemm_args a = { .m = .., .n = .., .k = .., .lda = .., .ldb = .., .ldc = .., .ta = .., .tb = ..,
 *                            .accumulate = .., .bias = .., .act = ACTIVATION_RELU, .workers = .. };
 *     gemm_plan(&a);
 *     if (a.dots) launch gemm_dots  on gemm_groups(&a) groups: C, A, B, bias
 *     else        launch gemm_tiles on gemm_groups(&a) groups: C, A, B, bias, work
 *
 * with local size 1.  workers is how many groups run at once: the device's compute units, 1 for C.
 * Where there is no bias any buffer may be passed.  work has gemm_workspace() floats, aligned to
 * 64 bytes for speed, which keep nothing between launches.
 */
#ifndef HSGD_GEMM_H
#define HSGD_GEMM_H
#include <stddef.h>

#include "kernel_args.h"

#ifndef GEMM_K_BLOCK /* maximum size of the even blocks that k is split into */
#define GEMM_K_BLOCK 400
#endif

static inline int gemm_blocks_(int n, int block) { return (n - 1) / block + 1; }

/* Fill in the second half of the arguments from the first. */
static inline void gemm_plan(struct gemm_args *a)
{
    const int workers = a->workers > 1 ? a->workers : 1;
    a->dots = a->tb && !a->ta && (a->m <= 16 || a->n <= 16);
    a->row_tiles = gemm_blocks_(a->m, a->dots ? GEMM_DOTS : GEMM_ROWS);
    a->col_tiles = gemm_blocks_(a->n, a->dots ? GEMM_DOTS : GEMM_COLS);

    /* One rectangle of tiles per worker; of all ways to split, the one whose largest rectangle costs the least.
     * Per step of k a tile takes about 14 cycles, packing about a third of a cycle per element. */
    double best = 0;
    for (int rows = 1; rows <= workers; rows++) {
        const int h = gemm_blocks_(a->row_tiles, rows), w = gemm_blocks_(a->col_tiles, (workers - 1) / rows + 1);
        const double cost = 14.0 * h * w + 0.33 * (GEMM_ROWS * h + GEMM_COLS * w);
        if (rows == 1 || cost < best) {
            best = cost;
            a->group_rows = h;
            a->group_cols = w;
        }
    }

    /* Operands transposed the wrong way are always packed. */
    a->pack_a = !a->ta || a->group_cols > 4;
    a->pack_b = a->tb || a->group_rows > 5;

    /* The packed part of A is to stay in 1 MiB of the L2 cache. */
    a->k_block = gemm_blocks_(a->k, gemm_blocks_(a->k, GEMM_K_BLOCK));
    a->row_block = (1 << 20) / (a->k_block * GEMM_ASTEP * 4);
    a->row_block = gemm_blocks_(a->group_rows, gemm_blocks_(a->group_rows, a->row_block));
}

static inline int gemm_groups(const struct gemm_args *a)
{
    return gemm_blocks_(a->row_tiles, a->group_rows) * gemm_blocks_(a->col_tiles, a->group_cols);
}

/* Floats of workspace after gemm_plan(). */
static inline size_t gemm_plan_workspace(const struct gemm_args *a)
{
    if (a->dots) return 0;
    return (size_t)gemm_groups(a) *
           (GEMM_ROWS * GEMM_COLS +
            (size_t)a->k_block * (size_t)(GEMM_COLS + (a->pack_a ? a->row_block : 0) * GEMM_ASTEP));
}

static inline size_t gemm_workspace(int m, int n, int k, int ta, int tb, int workers)
{
    struct gemm_args a = { .m = m, .n = n, .k = k, .ta = ta, .tb = tb, .workers = workers };
    gemm_plan(&a);
    return gemm_plan_workspace(&a);
}
#endif
