/* How to launch gemm.cl.  The arguments and constants come from gemm.cl itself.
 *
 *     struct gemm_args a = { .m = .., .n = .., .k = .., .lda = .., .ldb = .., .ldc = .., .ta = .., .tb = ..,
 *                            .accumulate = .., .bias = .., .act = GEMM_RELU, .workers = .. };
 *     gemm_plan(&a);
 *     if (gemm_pack_groups(&a)) launch gemm_pack  on gemm_pack_groups(&a)  groups: work, A, B
 *     if (a.dots)               launch gemm_dots  on gemm_tiles_groups(&a) groups: C, A, B, bias
 *     else                      launch gemm_tiles on gemm_tiles_groups(&a) groups: C, A, B, bias, work
 *
 * with local size 1.  work has gemm_workspace() floats, aligned to 64 bytes for speed; where it has
 * none, any buffer may be passed, as for bias where there is none.
 */
#ifndef HSGD_GEMM_H
#define HSGD_GEMM_H
#include <stddef.h>
#define GEMM_ARGS_ONLY
#include "gemm.cl"
#undef GEMM_ARGS_ONLY

static inline int gemm_min_(int a, int b) { return a < b ? a : b; }
static inline int gemm_blocks_(int n, int block) { return (n - 1) / block + 1; }

/* Fill in the second half of the arguments from the first. */
static inline void gemm_plan(struct gemm_args *a)
{
    a->dots = a->tb && !a->ta && (a->m <= 16 || a->n <= 16);
    a->k_block = a->k;
    if (a->dots) {
        a->row_tiles = gemm_blocks_(a->m, GEMM_DOTS);
        a->col_tiles = gemm_blocks_(a->n, GEMM_DOTS);
        a->pack_a = a->pack_b = a->first_a = a->first_b = 0;
        a->row_block = a->col_block = 4;
        return;
    }
    a->row_tiles = gemm_blocks_(a->m, GEMM_ROWS);
    a->col_tiles = gemm_blocks_(a->n, GEMM_COLS);
    /* A packed panel pays when it is read often enough.  An operand to be transposed is always packed, and
     * so is the partial panel at B's right edge, or loads would pass the end of the matrix. */
    a->pack_a = !a->ta || a->n > 128 ? a->row_tiles : 0;
    a->pack_b = a->tb || a->m > 64 ? a->col_tiles : a->n % GEMM_COLS != 0;
    /* A group's rows of A, and with long k its columns of B, are to stay in half a 2 MiB cache. */
    a->col_block = 1;
    if (a->k > 2048) {
        a->k_block = 1024;
        a->col_block = 4;
    }
    a->row_block = (5 << 18) / (a->k_block * GEMM_ASTEP * 4);
    if (a->row_block < 4) a->row_block = 4;
    a->row_block = gemm_blocks_(a->row_tiles, gemm_blocks_(a->row_tiles, a->row_block));
    if (a->workers < 1) a->workers = 1;
    a->first_a = a->workers > 1 ? a->pack_a : 0;
    a->first_b = a->row_block < a->row_tiles ? a->pack_b : 0;
}

static inline int gemm_pack_groups(const struct gemm_args *a) { return a->first_a + a->first_b; }
static inline int gemm_tiles_groups(const struct gemm_args *a)
{
    int groups = gemm_blocks_(a->row_tiles, a->row_block) * gemm_blocks_(a->col_tiles, a->col_block);
    return a->workers == 1 || a->pack_b > a->first_b ? gemm_min_(a->workers, groups) : groups;
}

/* Floats of workspace after gemm_plan(). */
static inline size_t gemm_plan_workspace(const struct gemm_args *a)
{
    size_t k = (size_t)a->k, b = (size_t)a->first_b * k;
    if (a->pack_b > a->first_b) b = (size_t)gemm_tiles_groups(a) * (size_t)a->k_block;
    return (size_t)a->pack_a * GEMM_ASTEP * k + b * GEMM_COLS;
}

static inline size_t gemm_workspace(int m, int n, int k, int ta, int tb, int workers)
{
    struct gemm_args a = { .m = m, .n = n, .k = k, .ta = ta, .tb = tb, .workers = workers };
    gemm_plan(&a);
    return gemm_plan_workspace(&a);
}
#endif
