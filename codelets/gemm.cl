/* C = act((accumulate ? C : 0) + op(A)·op(B) + bias), single precision, row-major.
 *
 *   op(A) is m×k: A is stored m×k, or k×m if ta.     C is m×n.
 *   op(B) is k×n: B is stored k×n, or n×k if tb.     bias has n floats, one per column.
 *
 * C overlaps nothing.  The host fills the second half of the arguments with gemm_plan()
 * (gemm.h) and launches what it says.  There are two ways to multiply:
 *
 *  - gemm_pack, then gemm_tiles.  A tile is up to 14 rows × 32 columns of C in registers;
 *    one step of k is 2 vector loads of B, and per row 1 broadcast of A and 2 FMAs.
 *    gemm_pack copies A into row panels [tile][k][16] and B into column panels
 *    [panel][k][32] of the workspace, so that a tile reads two streams.  An operand that
 *    lies right already and is used few times is read where it is, and a panel that one
 *    group alone uses is packed by that group, just before.
 *  - gemm_dots, when A and B are both contiguous along k and one of m, n is small: 4×4 dot
 *    products of whole rows, nothing packed.
 *
 * One item per group works, whatever the local size (launch with 1).
 */
#ifndef GEMM_ARGS_ONLY
#include "device.h"
#endif

#define GEMM_ROWS   14   /* rows of a tile: 28 of 32 vector registers accumulate */
#define GEMM_ASTEP  16   /* floats from one k to the next in a packed panel of A */
#define GEMM_COLS   32   /* columns of a tile */
#define GEMM_DOTS    4   /* rows and columns of a tile of gemm_dots */
enum { GEMM_LINEAR, GEMM_RELU, GEMM_TANH, GEMM_SIGMOID };

struct gemm_args {
    int m, n, k, lda, ldb, ldc, ta, tb;
    int accumulate, bias, act;            /* bias: is there one? */
    int workers;                          /* groups that run at once: 1, or the device's compute units */
    /* filled in by gemm_plan() */
    int row_tiles, col_tiles;             /* tiles of C */
    int pack_a;                           /* panels of A that are packed: row_tiles or 0 */
    int pack_b;                           /* panels of B that are packed: the last pack_b */
    int first_a, first_b;                 /* how many of them gemm_pack packs; gemm_tiles does the others */
    int row_block, col_block, k_block;    /* one group's tiles; steps of k between two visits of C */
    int dots;                             /* launch gemm_dots alone */
};

#ifndef GEMM_ARGS_ONLY

DEVICE float gemm_act(float x, int act)
{
    if (act == GEMM_RELU) return x < 0.0f ? 0.0f : x;
    if (act == GEMM_TANH) return tanhf(x);
    if (act == GEMM_SIGMOID) return 1.0f / (1.0f + expf(-x));
    return x;
}

/* First row of tile t: the rows are dealt out evenly. */
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
        /* each round turns the 8-bit index (row, column) left by one bit */
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

/* Row panel t of A, the whole of k. */
DEVICE void gemm_pack_a(GLOBAL float *dst, GLOBAL const float *a, size_t lda, int ta, int m, int k, int t, int tiles)
{
    const int i = gemm_row(t, tiles, m), h = gemm_row(t + 1, tiles, m) - i;
    if (ta) /* a whole vector where the matrix is wide enough */
        gemm_pack_cols(dst, GEMM_ASTEP, a + i, lda, i + 16 <= m ? 16 : h, k);
    else
        gemm_pack_rows(dst, GEMM_ASTEP, a + i * lda, lda, h, k);
}

/* Columns j .. j+w of B, k steps from p. */
DEVICE void gemm_pack_b(GLOBAL float *dst, GLOBAL const float *b, size_t ldb, int tb, int j, int w, int p, int k)
{
    if (!tb)
        gemm_pack_cols(dst, GEMM_COLS, b + p * ldb + j, ldb, w, k);
    else for (int c = 0; c < w; c += 16)
        gemm_pack_rows(dst + c, GEMM_COLS, b + (j + c) * ldb + p, ldb, w - c < 16 ? w - c : 16, k);
}

/* groups: first_a + first_b */
KERNEL3(gemm_pack, gemm_args)
{
    BUFFER(0, float, work)
    BUFFER(1, const float, a)
    BUFFER(2, const float, b)
    const int n = ARG(n), k = ARG(k), first_a = ARG(first_a), first_b = ARG(first_b);
    if (LOCAL_ID == 0) FOR_ROWS(g, first_a + first_b) {
        if (g < first_a) {
            gemm_pack_a(work + (size_t)g * k * GEMM_ASTEP, a, ARG(lda), ARG(ta), ARG(m), k, g, first_a);
        } else {
            const int j = (ARG(col_tiles) - first_b + g - first_a) * GEMM_COLS;
            gemm_pack_b(work + (size_t)ARG(pack_a) * k * GEMM_ASTEP + (size_t)(g - first_a) * k * GEMM_COLS,
                        b, ARG(ldb), ARG(tb), j, n - j < GEMM_COLS ? n - j : GEMM_COLS, 0, k);
        }
    }
}

/* -------------------------------------------------------------------- tiles */

/* t[h][32] = k steps of a[.][h]·b[.][16 v].  h and v are constants where this is inlined. */
DEVICE void gemm_tile(int h, int v, int k, GLOBAL const float *RESTRICT a, size_t as,
                      GLOBAL const float *RESTRICT b, size_t bs, float *RESTRICT t)
{
    v16 c[GEMM_ROWS][2];
    UNROLL for (int r = 0; r < h; r++) c[r][0] = c[r][1] = V16_SPLAT(0.0f);
    for (int p = 0; p < k; p++, a += as, b += bs) {
        const v16 b0 = V16_LOAD(b), b1 = v > 1 ? V16_LOAD(b + 16) : b0;
        UNROLL for (int r = 0; r < h; r++) {
            const v16 s = V16_SPLAT(a[r]);
            c[r][0] = V16_FMA(s, b0, c[r][0]);
            if (v > 1) c[r][1] = V16_FMA(s, b1, c[r][1]);
        }
    }
    UNROLL for (int r = 0; r < h; r++) {
        V16_STORE(t + r * GEMM_COLS, c[r][0]);
        if (v > 1) V16_STORE(t + r * GEMM_COLS + 16, c[r][1]);
    }
}

/* groups: at most `workers` where gemm_tiles packs B, one workspace panel each;
 * else ceil(row_tiles / row_block) · ceil(col_tiles / col_block) */
KERNEL5(gemm_tiles, gemm_args)
{
    BUFFER(0, float, c)
    BUFFER(1, const float, a)
    BUFFER(2, const float, b)
    BUFFER(3, const float, bias)
    BUFFER(4, float, work)
    const int m = ARG(m), n = ARG(n), k = ARG(k), row_tiles = ARG(row_tiles), col_tiles = ARG(col_tiles);
    const int packed_from = col_tiles - ARG(pack_b);
    const int col_blocks = (col_tiles + ARG(col_block) - 1) / ARG(col_block);
    const int row_blocks = (row_tiles + ARG(row_block) - 1) / ARG(row_block);
    GLOBAL float *work_b = work + (size_t)ARG(pack_a) * k * GEMM_ASTEP;
    GLOBAL float *slot = work_b + (size_t)GROUP_ID * ARG(k_block) * GEMM_COLS; /* of this group, to stay in cache */
    float t[GEMM_ROWS * GEMM_COLS];

    if (LOCAL_ID != 0) return;
    if (ARG(first_a) < ARG(pack_a)) /* then there is one group */
        for (int i = 0; i < row_tiles; i++)
            gemm_pack_a(work + (size_t)i * k * GEMM_ASTEP, a, ARG(lda), ARG(ta), m, k, i, row_tiles);
    FOR_ROWS(g, row_blocks * col_blocks) {
        const int i0 = g / col_blocks * ARG(row_block), j0 = g % col_blocks * ARG(col_block);
        const int i1 = i0 + ARG(row_block) < row_tiles ? i0 + ARG(row_block) : row_tiles;
        const int j1 = j0 + ARG(col_block) < col_tiles ? j0 + ARG(col_block) : col_tiles;
        for (int p = 0; p < k; p += ARG(k_block))
        for (int tj = j0; tj < j1; tj++) {
            const int j = tj * GEMM_COLS, w = n - j < GEMM_COLS ? n - j : GEMM_COLS;
            const int last = k - p <= ARG(k_block), steps = last ? k - p : ARG(k_block);
            GLOBAL const float *pb = b + (size_t)p * ARG(ldb) + j;
            size_t bs = ARG(ldb);
            if (tj >= packed_from) {
                bs = GEMM_COLS;
                if (ARG(first_b)) pb = work_b + ((size_t)(tj - packed_from) * k + p) * GEMM_COLS;
                else gemm_pack_b(slot, b, ARG(ldb), ARG(tb), j, w, p, steps), pb = slot;
            }
        for (int ti = i0; ti < i1; ti++) {
            const int i = gemm_row(ti, row_tiles, m), h = gemm_row(ti + 1, row_tiles, m) - i;
            const int add = p > 0 || ARG(accumulate), bias_now = last && ARG(bias), act = last ? ARG(act) : GEMM_LINEAR;
            GLOBAL const float *pa = a + (size_t)p * ARG(lda) + i;
            size_t as = ARG(lda);
            if (ARG(pack_a)) { pa = work + ((size_t)ti * k + p) * GEMM_ASTEP; as = GEMM_ASTEP; }

#define GEMM_CASE(h) case 2*h-1: gemm_tile(h, 1, steps, pa, as, pb, bs, t); break; \
                     case 2*h:   gemm_tile(h, 2, steps, pa, as, pb, bs, t); break;
            switch (2 * h - (w <= 16)) {
            GEMM_CASE(1) GEMM_CASE(2) GEMM_CASE(3) GEMM_CASE(4) GEMM_CASE(5) GEMM_CASE(6) GEMM_CASE(7)
            GEMM_CASE(8) GEMM_CASE(9) GEMM_CASE(10) GEMM_CASE(11) GEMM_CASE(12) GEMM_CASE(13) GEMM_CASE(14)
            }

            for (int r = 0; r < h; r++) {
                GLOBAL float *y = c + (size_t)(i + r) * ARG(ldc) + j;
                int q = 0;
                if (act <= GEMM_RELU)
                    for (; q + 16 <= w; q += 16) {
                        v16 x = V16_LOAD(t + r * GEMM_COLS + q);
                        if (add) x += V16_LOAD(y + q);
                        if (bias_now) x += V16_LOAD(bias + j + q);
                        if (act == GEMM_RELU) x = V16_IF_GT(V16_SPLAT(0.0f), x, V16_SPLAT(0.0f), x);
                        V16_STORE(y + q, x);
                    }
                for (; q < w; q++) {
                    float x = t[r * GEMM_COLS + q];
                    if (add) x += y[q];
                    if (bias_now) x += bias[j + q];
                    y[q] = gemm_act(x, act);
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
    UNROLL for (int i = 0; i < 8; i++) y[i] = V16_ZIP_LO(x[i], x[i+8]) + V16_ZIP_HI(x[i], x[i+8]);
    UNROLL for (int i = 0; i < 4; i++) z[i] = V16_ZIP_LO(y[i], y[i+4]) + V16_ZIP_HI(y[i], y[i+4]);
    UNROLL for (int i = 0; i < 2; i++) y[i] = V16_ZIP_LO(z[i], z[i+2]) + V16_ZIP_HI(z[i], z[i+2]);
    return V16_ZIP_LO(y[0], y[1]) + V16_ZIP_HI(y[0], y[1]);
}

/* groups: ceil(row_tiles / row_block) · ceil(col_tiles / col_block) */
KERNEL4(gemm_dots, gemm_args)
{
    BUFFER(0, float, c)
    BUFFER(1, const float, a)
    BUFFER(2, const float, b)
    BUFFER(3, const float, bias)
    const int m = ARG(m), n = ARG(n), k = ARG(k), row_tiles = ARG(row_tiles), col_tiles = ARG(col_tiles);
    const size_t lda = ARG(lda), ldb = ARG(ldb);
    const int col_blocks = (col_tiles + ARG(col_block) - 1) / ARG(col_block);
    const int row_blocks = (row_tiles + ARG(row_block) - 1) / ARG(row_block);
    float t[16];

    if (LOCAL_ID == 0) FOR_ROWS(g, row_blocks * col_blocks) {
        const int i0 = g / col_blocks * ARG(row_block), j0 = g % col_blocks * ARG(col_block);
        const int i1 = i0 + ARG(row_block) < row_tiles ? i0 + ARG(row_block) : row_tiles;
        const int j1 = j0 + ARG(col_block) < col_tiles ? j0 + ARG(col_block) : col_tiles;
        for (int i = i0 * 4; i < i1 * 4; i += 4)
        for (int j = j0 * 4; j < j1 * 4; j += 4) {
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
                    *y = gemm_act(x, ARG(act));
                }
        }
    }
}
#endif
