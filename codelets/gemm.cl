/* SPDX-License-Identifier: BSD-3-Clause */
/* C = act((accumulate ? C : 0) + op(A)·op(B) + bias), single precision, row-major.
 *
 *   op(A) is m×k: A is stored m×k, or k×m if ta.     C is m×n.
 *   op(B) is k×n: B is stored k×n, or n×k if tb.     bias has n floats, one per column.
 *
 * C overlaps nothing.  The host fills the second half of the arguments with gemm_plan()
 * (gemm.h), which also chooses the kernel:
 *
 *  - gemm_tiles.  A tile is up to 14 rows × 32 columns of C in registers; one step of k is
 *    2 vector loads of B, and per row 1 broadcast of A and 2 FMAs.  Where registers are fewer or
 *    narrower, a tile is computed in parts; its sums are the same.  A group owns a rectangle
 *    of tiles and its own part of the workspace.  There it packs k_block steps of row_block
 *    tiles of A, as [tile][k][16], which stay in the L2 cache, and one panel of B after the
 *    other, as [k][32].  An operand with a suitable layout that is used only a few times is read
 *    in place.
 *  - gemm_dots, when A and B are both contiguous along k and one of m, n is small: 4×4 dot
 *    products of whole rows, nothing packed.
 *
 * One item per group works, whatever the local size (launch with 1).
 */
#include "device.h"
#include "activate.h"

#define GEMM_ROWS   14   /* rows of a tile: 28 of 32 vector registers accumulate */
#define GEMM_ASTEP  16   /* floats from one k to the next in a packed panel of A */
#define GEMM_COLS   32   /* columns of a tile */
#define GEMM_DOTS    4   /* rows and columns of a tile of gemm_dots */

struct gemm_args {
    int m, n, k, lda, ldb, ldc, ta, tb;
    int accumulate, bias, act;            /* bias: 1 if there is one */
    int workers;                          /* groups that run at once: 1, or the device's compute units */
    /* filled in by gemm_plan() */
    int row_tiles, col_tiles;             /* tiles of C */
    int group_rows, group_cols;           /* tiles of a group */
    int row_block, k_block;               /* tiles and steps of A that are packed at a time */
    int pack_a, pack_b;                   /* 0: read in place */
    int dots;                             /* launch gemm_dots, not gemm_tiles */
};

/* First row of tile t: the rows are divided evenly. */
DEVICE int gemm_row(int t, int tiles, int m) { return (int)((u64)t * (u64)m / (u64)tiles); }

/* ------------------------------------------------------------------ packing */

/* dst[p][r] = src[r][p] for r < 16, p < k; rows from `rows` on repeat the last one. */
DEVICE void gemm_pack_rows(GLOBAL float *RESTRICT dst, int step, GLOBAL const float *RESTRICT src, size_t ld,
                           int rows, int k)
{
    int p = 0;
    for (; p + 16 <= k; p += 16) {
        v16 x[16], y[16];
        UNROLL for (int r = 0; r < 16; r++) x[r] = V16_LOAD(src + (r < rows ? r : rows - 1) * ld + p);
        /* each round rotates the 8-bit index (row, column) left by one bit */
        UNROLL for (int r = 0; r < 8; r++) { y[2*r] = V16_ZIP_LO(x[r], x[r+8]); y[2*r+1] = V16_ZIP_HI(x[r], x[r+8]); }
        UNROLL for (int r = 0; r < 8; r++) { x[2*r] = V16_ZIP_LO(y[r], y[r+8]); x[2*r+1] = V16_ZIP_HI(y[r], y[r+8]); }
        UNROLL for (int r = 0; r < 8; r++) { y[2*r] = V16_ZIP_LO(x[r], x[r+8]); y[2*r+1] = V16_ZIP_HI(x[r], x[r+8]); }
        UNROLL for (int r = 0; r < 8; r++) { x[2*r] = V16_ZIP_LO(y[r], y[r+8]); x[2*r+1] = V16_ZIP_HI(y[r], y[r+8]); }
        UNROLL for (int r = 0; r < 16; r++) V16_STORE(dst + (size_t)(p + r) * step, x[r]);
    }
    for (; p < k; p++)
        for (int r = 0; r < rows; r++) dst[(size_t)p * step + r] = src[r * ld + p];
}

/* dst[p][c] = src[p][c] for c < cols, p < k. */
DEVICE void gemm_pack_cols(GLOBAL float *RESTRICT dst, int step, GLOBAL const float *RESTRICT src, size_t ld,
                           int cols, int k)
{
    for (int p = 0; p < k; p++, dst += step, src += ld) {
        int c = 0;
        for (; c + 16 <= cols; c += 16) V16_STORE(dst + c, V16_LOAD(src + c));
        for (; c < cols; c++) dst[c] = src[c];
    }
}

/* Rows i .. i+h of A, k steps from p. */
DEVICE void gemm_pack_a(GLOBAL float *dst, GLOBAL const float *a, size_t lda, int ta, int m, int i, int h, int p, int k)
{
    if (ta) /* a full vector where the matrix is wide enough */
        gemm_pack_cols(dst, GEMM_ASTEP, a + p * lda + i, lda, i + 16 <= m ? 16 : h, k);
    else
        gemm_pack_rows(dst, GEMM_ASTEP, a + i * lda + p, lda, h, k);
}

/* Columns j .. j+w of B, k steps from p. */
DEVICE void gemm_pack_b(GLOBAL float *dst, GLOBAL const float *b, size_t ldb, int tb, int j, int w, int p, int k)
{
    if (!tb)
        gemm_pack_cols(dst, GEMM_COLS, b + p * ldb + j, ldb, w, k);
    else for (int c = 0; c < w; c += 16)
        gemm_pack_rows(dst + c, GEMM_COLS, b + (j + c) * ldb + p, ldb, w - c < 16 ? w - c : 16, k);
}

/* -------------------------------------------------------------------- tiles */

/* Rows and vectors that accumulate at a time: beside them registers hold those of B and an element of A. */
#define GEMM_PART_ROWS (V16_REGISTERS >= 32 ? GEMM_ROWS : V16_REGISTERS - 2)
#define GEMM_PART_VECTORS (V16_REGISTERS >= 32 ? 2 : 1)

/* y[h][16 v], rows of ld floats, = k steps of a[.][h]·b[.][16 v].  h and v are constants where this is inlined. */
DEVICE void gemm_part(int h, int v, int k, GLOBAL const float *RESTRICT a, size_t as,
                      GLOBAL const float *RESTRICT b, size_t bs, GLOBAL float *RESTRICT y, size_t ld)
{
    v16 c[GEMM_ROWS][2];
    UNROLL for (int r = 0; r < h; r++) c[r][0] = c[r][1] = V16_SPLAT(0.0f);
    for (int p = 0; p < k; p++, a += as, b += bs) {
        PREFETCH(a + 8 * as);
        const v16 b0 = V16_LOAD(b), b1 = v > 1 ? V16_LOAD(b + 16) : b0;
        UNROLL for (int r = 0; r < h; r++) {
            const v16 s = V16_SPLAT(a[r]);
            c[r][0] = V16_FMA(s, b0, c[r][0]);
            if (v > 1) c[r][1] = V16_FMA(s, b1, c[r][1]);
        }
    }
    UNROLL for (int r = 0; r < h; r++, y += ld) {
        V16_STORE(y, c[r][0]);
        if (v > 1) V16_STORE(y + 16, c[r][1]);
    }
}

/* The same of a tile, in as many parts as registers make necessary. */
DEVICE void gemm_tile(int h, int v, int k, GLOBAL const float *RESTRICT a, size_t as,
                      GLOBAL const float *RESTRICT b, size_t bs, GLOBAL float *RESTRICT y, size_t ld)
{
    const int parts = GEMM_PART_ROWS < GEMM_ROWS ? (h - 1) / GEMM_PART_ROWS + 1 : 1;
    for (int i = 0; i < parts; i++)
        for (int q = 0; q < v; q += GEMM_PART_VECTORS) {
            const int r = gemm_row(i, parts, h), rows = gemm_row(i + 1, parts, h) - r;
            GLOBAL float *to = y + r * ld + 16 * q;
#define GEMM_CASE(h, v) \
    case 2*h + v - 2: \
        if (h <= GEMM_PART_ROWS && v <= GEMM_PART_VECTORS) { gemm_part(h, v, k, a + r, as, b + 16 * q, bs, to, ld); } \
        break;
#define GEMM_CASES(h) GEMM_CASE(h, 1) GEMM_CASE(h, 2)
            switch (2 * rows + (v - q < GEMM_PART_VECTORS ? v - q : GEMM_PART_VECTORS) - 2) {
            GEMM_CASES(1) GEMM_CASES(2) GEMM_CASES(3) GEMM_CASES(4) GEMM_CASES(5) GEMM_CASES(6) GEMM_CASES(7)
            GEMM_CASES(8) GEMM_CASES(9) GEMM_CASES(10) GEMM_CASES(11) GEMM_CASES(12) GEMM_CASES(13) GEMM_CASES(14)
            }
        }
}

/* y[h][w] = act(y if add, + t + bias if any) */
DEVICE void gemm_finish(int h, int w, GLOBAL float *y, size_t ldc, GLOBAL const float *t, int add,
                        GLOBAL const float *bias, int any, int act)
{
    for (int r = 0; r < h; r++, y += ldc, t += GEMM_COLS) {
        int q = 0;
        if (act <= ACTIVATION_RELU)
            for (; q + 16 <= w; q += 16) {
                v16 x = V16_LOAD(t + q);
                if (add) x = V16_ADD(x, V16_LOAD(y + q));
                if (any) x = V16_ADD(x, V16_LOAD(bias + q));
                if (act == ACTIVATION_RELU) x = V16_IF_GT(V16_SPLAT(0.0f), x, V16_SPLAT(0.0f), x);
                V16_STORE(y + q, x);
            }
        for (; q < w; q++) {
            float x = t[q];
            if (add) x += y[q];
            if (any) x += bias[q];
            y[q] = activate(x, act);
        }
    }
}

/* groups: ceil(row_tiles / group_rows) · ceil(col_tiles / group_cols) */
KERNEL5(gemm_tiles, gemm_args)
{
    BUFFER(0, float, c)
    BUFFER(1, const float, a)
    BUFFER(2, const float, b)
    BUFFER(3, const float, bias)
    BUFFER(4, float, work)
    const int m = ARG(m), n = ARG(n), k = ARG(k), row_tiles = ARG(row_tiles), col_tiles = ARG(col_tiles);
    const int col_groups = (col_tiles + ARG(group_cols) - 1) / ARG(group_cols);
    const int row_groups = (row_tiles + ARG(group_rows) - 1) / ARG(group_rows);
    const size_t lda = ARG(lda), ldb = ARG(ldb), ldc = ARG(ldc), panel = (size_t)ARG(k_block) * GEMM_ASTEP;

    if (LOCAL_ID == 0) FOR_ROWS(g, row_groups * col_groups) {
        GLOBAL float *t = work + g * (GEMM_ROWS * GEMM_COLS + panel * (2 + (ARG(pack_a) ? ARG(row_block) : 0)));
        GLOBAL float *work_b = t + GEMM_ROWS * GEMM_COLS, *work_a = work_b + 2 * panel;
        const int i0 = g / col_groups * ARG(group_rows), j0 = g % col_groups * ARG(group_cols);
        const int i1 = i0 + ARG(group_rows) < row_tiles ? i0 + ARG(group_rows) : row_tiles;
        const int j1 = j0 + ARG(group_cols) < col_tiles ? j0 + ARG(group_cols) : col_tiles;

        for (int p = 0; p < k; p += ARG(k_block)) {
            const int last = k - p <= ARG(k_block), steps = last ? k - p : ARG(k_block);
            const int add = p > 0 || ARG(accumulate), any = last && ARG(bias), act = last ? ARG(act) : ACTIVATION_NONE;
            for (int ib = i0; ib < i1; ib += ARG(row_block)) {
                const int ie = ib + ARG(row_block) < i1 ? ib + ARG(row_block) : i1;
                for (int tj = j0; tj < j1; tj++) {
                    const int j = tj * GEMM_COLS, w = n - j < GEMM_COLS ? n - j : GEMM_COLS;
                    GLOBAL const float *pb = b + p * ldb + j;
                    size_t bs = ldb;
                    if (ARG(pack_b) || w < GEMM_COLS) { /* a vector must not pass the end of the matrix */
                        gemm_pack_b(work_b, b, ldb, ARG(tb), j, w, p, steps);
                        pb = work_b;
                        bs = GEMM_COLS;
                    }
                    for (int ti = ib; ti < ie; ti++) {
                        const int i = gemm_row(ti, row_tiles, m), h = gemm_row(ti + 1, row_tiles, m) - i;
                        GLOBAL const float *pa = a + p * lda + i;
                        size_t as = lda;
                        if (ARG(pack_a)) {
                            if (tj == j0) gemm_pack_a(work_a + (ti - ib) * panel, a, lda, ARG(ta), m, i, h, p, steps);
                            pa = work_a + (ti - ib) * panel;
                            as = GEMM_ASTEP;
                        }
                        GLOBAL float *y = c + i * ldc + j, *to = y;
                        size_t ld = ldc;
                        if (add || any || act != ACTIVATION_NONE || w % 16) { to = t; ld = GEMM_COLS; }
                        gemm_tile(h, w <= 16 ? 1 : 2, steps, pa, as, pb, bs, to, ld);
                        if (to == t) gemm_finish(h, w, y, ldc, t, add, bias + j, any, act);
                    }
                }
            }
        }
    }
}

/* --------------------------------------------------------------------- dots */

/* 16 vectors to the vector of their sums */
DEVICE v16 gemm_sums(const v16 *x)
{
    v16 y[8], z[4];
    UNROLL for (int i = 0; i < 8; i++) y[i] = V16_ADD(V16_ZIP_LO(x[i], x[i+8]), V16_ZIP_HI(x[i], x[i+8]));
    UNROLL for (int i = 0; i < 4; i++) z[i] = V16_ADD(V16_ZIP_LO(y[i], y[i+4]), V16_ZIP_HI(y[i], y[i+4]));
    UNROLL for (int i = 0; i < 2; i++) y[i] = V16_ADD(V16_ZIP_LO(z[i], z[i+2]), V16_ZIP_HI(z[i], z[i+2]));
    return V16_ADD(V16_ZIP_LO(y[0], y[1]), V16_ZIP_HI(y[0], y[1]));
}

/* groups: ceil(row_tiles / group_rows) · ceil(col_tiles / group_cols) */
KERNEL4(gemm_dots, gemm_args)
{
    BUFFER(0, float, c)
    BUFFER(1, const float, a)
    BUFFER(2, const float, b)
    BUFFER(3, const float, bias)
    const int m = ARG(m), n = ARG(n), k = ARG(k), row_tiles = ARG(row_tiles), col_tiles = ARG(col_tiles);
    const size_t lda = ARG(lda), ldb = ARG(ldb);
    const int col_groups = (col_tiles + ARG(group_cols) - 1) / ARG(group_cols);
    const int row_groups = (row_tiles + ARG(group_rows) - 1) / ARG(group_rows);
    float t[16];

    if (LOCAL_ID == 0) FOR_ROWS(g, row_groups * col_groups) {
        const int i0 = g / col_groups * ARG(group_rows), j0 = g % col_groups * ARG(group_cols);
        const int i1 = i0 + ARG(group_rows) < row_tiles ? i0 + ARG(group_rows) : row_tiles;
        const int j1 = j0 + ARG(group_cols) < col_tiles ? j0 + ARG(group_cols) : col_tiles;
        const int rows = i1 - i0, cols = j1 - j0, tall = rows > cols; /* walk the longer side once */
        for (int u = 0; u < rows * cols; u++) {
            const int i = (i0 + (tall ? u / cols : u % rows)) * 4, j = (j0 + (tall ? u % cols : u / rows)) * 4;
            const int h = m - i < 4 ? m - i : 4, w = n - j < 4 ? n - j : 4;
            GLOBAL const float *a0 = a + i * lda, *a1 = a0 + (h > 1 ? lda : 0), *a2 = a1 + (h > 2 ? lda : 0),
                               *a3 = a2 + (h > 3 ? lda : 0);
            GLOBAL const float *b0 = b + j * ldb, *b1 = b0 + (w > 1 ? ldb : 0), *b2 = b1 + (w > 2 ? ldb : 0),
                               *b3 = b2 + (w > 3 ? ldb : 0);
            v16 s[16];
            UNROLL for (int r = 0; r < 16; r++) s[r] = V16_SPLAT(0.0f);
            int p = 0;
            for (; p + 16 <= k; p += 16) {
                const v16 y0 = V16_LOAD(b0 + p), y1 = V16_LOAD(b1 + p), y2 = V16_LOAD(b2 + p), y3 = V16_LOAD(b3 + p);
#define GEMM_DOT_ROW(r, x) s[r] = V16_FMA(x, y0, s[r]); s[r+1] = V16_FMA(x, y1, s[r+1]); \
                           s[r+2] = V16_FMA(x, y2, s[r+2]); s[r+3] = V16_FMA(x, y3, s[r+3]);
                const v16 x0 = V16_LOAD(a0 + p), x1 = V16_LOAD(a1 + p), x2 = V16_LOAD(a2 + p), x3 = V16_LOAD(a3 + p);
                GEMM_DOT_ROW(0, x0) GEMM_DOT_ROW(4, x1) GEMM_DOT_ROW(8, x2) GEMM_DOT_ROW(12, x3)
            }
            V16_STORE(t, gemm_sums(s));
            for (int r = 0; r < h; r++)
                for (int q = 0; q < w; q++) {
                    GLOBAL float *y = c + (size_t)(i + r) * ARG(ldc) + j + q;
                    float x = t[r * 4 + q];
                    for (int l = p; l < k; l++) x += a[(i + r) * lda + l] * b[(j + q) * ldb + l];
                    if (ARG(accumulate)) x += *y;
                    if (ARG(bias)) x += bias[j + q];
                    *y = activate(x, ARG(act));
                }
        }
    }
}
