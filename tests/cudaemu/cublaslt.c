/* SPDX-License-Identifier: BSD-3-Clause */
/* cuBLASLt's functions that are called, by OpenBLAS. */
#pragma GCC visibility push(default)
#include <cublasLt.h>
#pragma GCC visibility pop

#include <cblas.h>
#include <stdlib.h>
#include <string.h>

#include "emu.h"

#define EXPORT __attribute__((visibility("default")))
#define WORKSPACE 4096 /* what every algorithm says it needs */

struct cublasLtContext {
    int device;
};

/* The opaque structs' inside. */
struct desc {
    cublasComputeType_t compute;
    cublasOperation_t ta, tb;
    cublasLtEpilogue_t epilogue;
    float *bias;
};
struct layout {
    uint64_t rows, columns;
    int64_t ld;
};
struct preference {
    uint64_t workspace;
    uint32_t alignment;
};
/* What an algorithm was chosen for: it does nothing else. */
struct algo {
    int m, n, k, alignment;
    unsigned char ta, tb, device;
    uint16_t epilogue;
    int compute;
};
_Static_assert(sizeof(struct algo) <= sizeof(cublasLtMatmulAlgo_t), "too large");
_Static_assert(sizeof(struct desc) <= sizeof(cublasLtMatmulDescOpaque_t), "too large");

EXPORT cublasStatus_t cublasLtCreate(cublasLtHandle_t *handle)
{
    if (!(*handle = calloc(1, sizeof **handle))) return CUBLAS_STATUS_ALLOC_FAILED;
    (*handle)->device = emu_device();
    return CUBLAS_STATUS_SUCCESS;
}

EXPORT cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle)
{
    free(handle);
    return CUBLAS_STATUS_SUCCESS;
}

/* ---------------------------------------------------------- descriptions */

EXPORT cublasStatus_t cublasLtMatmulDescInit_internal(cublasLtMatmulDesc_t desc, size_t size,
                                                      cublasComputeType_t compute, cudaDataType_t scale)
{
    if (scale != CUDA_R_32F || (compute != CUBLAS_COMPUTE_32F && compute != CUBLAS_COMPUTE_32F_FAST_TF32))
        return CUBLAS_STATUS_NOT_SUPPORTED;
    memset(desc, 0, size);
    *(struct desc *)desc = (struct desc){ .compute = compute, .epilogue = CUBLASLT_EPILOGUE_DEFAULT };
    return CUBLAS_STATUS_SUCCESS;
}

EXPORT cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t desc, cublasLtMatmulDescAttributes_t what,
                                                     const void *value, size_t bytes)
{
    struct desc *d = (struct desc *)desc;
    const struct {
        cublasLtMatmulDescAttributes_t what;
        void *at;
        size_t bytes;
    } known[] = { { CUBLASLT_MATMUL_DESC_TRANSA, &d->ta, sizeof d->ta },
                  { CUBLASLT_MATMUL_DESC_TRANSB, &d->tb, sizeof d->tb },
                  { CUBLASLT_MATMUL_DESC_EPILOGUE, &d->epilogue, sizeof d->epilogue },
                  { CUBLASLT_MATMUL_DESC_BIAS_POINTER, &d->bias, sizeof d->bias } };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (known[i].what != what || known[i].bytes != bytes) continue;
        memcpy(known[i].at, value, bytes);
        return CUBLAS_STATUS_SUCCESS;
    }
    return CUBLAS_STATUS_INVALID_VALUE;
}

EXPORT cublasStatus_t cublasLtMatrixLayoutInit_internal(cublasLtMatrixLayout_t layout, size_t size, cudaDataType_t type,
                                                        uint64_t rows, uint64_t columns, int64_t ld)
{
    if (type != CUDA_R_32F || ld < (int64_t)rows) return CUBLAS_STATUS_INVALID_VALUE;
    memset(layout, 0, size);
    *(struct layout *)layout = (struct layout){ rows, columns, ld };
    return CUBLAS_STATUS_SUCCESS;
}

EXPORT cublasStatus_t cublasLtMatmulPreferenceInit_internal(cublasLtMatmulPreference_t preference, size_t size)
{
    memset(preference, 0, size);
    *(struct preference *)preference = (struct preference){ 0, 256 };
    return CUBLAS_STATUS_SUCCESS;
}

EXPORT cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference,
                                                           cublasLtMatmulPreferenceAttributes_t what, const void *value,
                                                           size_t bytes)
{
    struct preference *p = (struct preference *)preference;
    if (what == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES && bytes == sizeof p->workspace) {
        memcpy(&p->workspace, value, bytes);
    } else if (what >= CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES &&
               what <= CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES && bytes == sizeof p->alignment) {
        uint32_t alignment;
        memcpy(&alignment, value, bytes);
        if (alignment < p->alignment) p->alignment = alignment;
    } else {
        return CUBLAS_STATUS_INVALID_VALUE;
    }
    return CUBLAS_STATUS_SUCCESS;
}

/* ------------------------------------------------------------ algorithms */

/* What is asked for; false: the shapes do not fit together. */
static bool shape(const struct cublasLtContext *handle, const struct desc *d, const struct layout *a,
                  const struct layout *b, const struct layout *c, struct algo *out)
{
    bool ta = d->ta != CUBLAS_OP_N, tb = d->tb != CUBLAS_OP_N;
    uint64_t m = ta ? a->columns : a->rows, k = ta ? a->rows : a->columns;
    uint64_t n = tb ? b->rows : b->columns, also_k = tb ? b->columns : b->rows;
    memset(out, 0, sizeof *out);
    out->m = (int)m, out->n = (int)n, out->k = (int)k;
    out->ta = ta, out->tb = tb, out->device = (unsigned char)handle->device;
    out->epilogue = (uint16_t)d->epilogue;
    out->compute = (int)d->compute;
    return k == also_k && c->rows == m && c->columns == n;
}

/* HSGD_CUDAEMU_EPILOGUES=0: there are none, as on some devices for some shapes. */
static bool has_epilogue(cublasLtEpilogue_t e)
{
    if (e == CUBLASLT_EPILOGUE_DEFAULT) return true;
    bool known = e == CUBLASLT_EPILOGUE_RELU || e == CUBLASLT_EPILOGUE_BIAS || e == CUBLASLT_EPILOGUE_RELU_BIAS ||
                 e == CUBLASLT_EPILOGUE_BGRADA || e == CUBLASLT_EPILOGUE_BGRADB;
    return known && emu_environment("HSGD_CUDAEMU_EPILOGUES", 1);
}

EXPORT cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle, cublasLtMatmulDesc_t desc,
                                                     cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                                     cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                                     cublasLtMatmulPreference_t preference, int wanted,
                                                     cublasLtMatmulHeuristicResult_t *result, int *found)
{
    const struct preference *p = (const struct preference *)preference;
    struct algo algo;
    *found = 0;
    if (wanted < 1 || memcmp(c, d, sizeof *c)) return CUBLAS_STATUS_INVALID_VALUE;
    if (!shape(handle, (struct desc *)desc, (struct layout *)a, (struct layout *)b, (struct layout *)c, &algo))
        return CUBLAS_STATUS_INVALID_VALUE;
    if (!has_epilogue((cublasLtEpilogue_t)algo.epilogue) || p->workspace < WORKSPACE)
        return CUBLAS_STATUS_NOT_SUPPORTED;
    algo.alignment = (int)p->alignment;
    memset(result, 0, sizeof *result);
    memcpy(&result->algo, &algo, sizeof algo);
    result->workspaceSize = WORKSPACE;
    *found = 1;
    return CUBLAS_STATUS_SUCCESS;
}

/* --------------------------------------------------------------- products */

struct product {
    struct algo is;
    int lda, ldb, ldc;
    float alpha, beta;
    const float *a, *b;
    float *c, *bias;
    void *workspace;
};

/* Bytes from the first to the last element of a matrix, by columns. */
static size_t extent(int rows, int columns, int ld)
{
    return rows && columns ? ((size_t)ld * (size_t)(columns - 1) + (size_t)rows) * sizeof(float) : 0;
}

/* Where the matrices are; faults unless they are inside their memory. */
static struct product translate(struct product p)
{
    const struct algo *s = &p.is;
    emu_doing("cublasLtMatmul", "");
    p.a = emu_translate(p.a, s->ta ? extent(s->k, s->m, p.lda) : extent(s->m, s->k, p.lda), s->device, "A");
    p.b = emu_translate(p.b, s->tb ? extent(s->n, s->k, p.ldb) : extent(s->k, s->n, p.ldb), s->device, "B");
    p.c = emu_translate(p.c, extent(s->m, s->n, p.ldc), s->device, "C");
    p.workspace = emu_translate(p.workspace, WORKSPACE, s->device, "workspace");
    if (s->epilogue & (CUBLASLT_EPILOGUE_BIAS | CUBLASLT_EPILOGUE_BGRADA | CUBLASLT_EPILOGUE_BGRADB)) {
        int floats = s->epilogue == CUBLASLT_EPILOGUE_BGRADB ? s->n : s->m;
        p.bias = emu_translate(p.bias, (size_t)floats * sizeof(float), s->device, "bias");
    }
    return p;
}

static float *rounded(const float *x, size_t bytes)
{
    float *copy = malloc(bytes);
    if (!copy) emu_fault("no memory");
    for (size_t i = 0; i < bytes / sizeof *x; i++) copy[i] = emu_tf32(x[i]);
    return copy;
}

static void multiply(const struct product *p)
{
    const struct algo *s = &p->is;
    cblas_sgemm(CblasColMajor, s->ta ? CblasTrans : CblasNoTrans, s->tb ? CblasTrans : CblasNoTrans, s->m, s->n, s->k,
                p->alpha, p->a, p->lda, p->b, p->ldb, p->beta, p->c, p->ldc);
}

static void multiply_rounded(struct product p)
{
    const struct algo *s = &p.is;
    float *a = rounded(p.a, s->ta ? extent(s->k, s->m, p.lda) : extent(s->m, s->k, p.lda));
    float *b = rounded(p.b, s->tb ? extent(s->n, s->k, p.ldb) : extent(s->k, s->n, p.ldb));
    p.a = a;
    p.b = b;
    multiply(&p);
    free(a);
    free(b);
}

/* out[i] = sum over the inner index of row i of A, or of column i of B. */
static void sum_inner(float *out, const float *x, int n, int k, int step, int inner)
{
    for (int i = 0; i < n; i++) {
        float sum = 0;
        for (int q = 0; q < k; q++) sum += x[(size_t)i * (size_t)step + (size_t)q * (size_t)inner];
        out[i] = sum;
    }
}

static void bias_gradient(const struct product *p)
{
    const struct algo *s = &p->is;
    if (s->epilogue == CUBLASLT_EPILOGUE_BGRADA)
        sum_inner(p->bias, p->a, s->m, s->k, s->ta ? p->lda : 1, s->ta ? 1 : p->lda);
    if (s->epilogue == CUBLASLT_EPILOGUE_BGRADB)
        sum_inner(p->bias, p->b, s->n, s->k, s->tb ? 1 : p->ldb, s->tb ? p->ldb : 1);
}

static void add_bias_and_clip(const struct product *p)
{
    const struct algo *s = &p->is;
    for (int j = 0; j < s->n; j++)
        for (int i = 0; i < s->m; i++) {
            float *c = &p->c[(size_t)j * (size_t)p->ldc + (size_t)i];
            if (s->epilogue & CUBLASLT_EPILOGUE_BIAS) *c += p->bias[i];
            if (s->epilogue & CUBLASLT_EPILOGUE_RELU && *c < 0) *c = 0;
        }
}

static void run_product(void *data)
{
    struct product p = translate(*(struct product *)data);
    memset(p.workspace, 0xff, WORKSPACE);
    bias_gradient(&p);
    if (p.is.compute == CUBLAS_COMPUTE_32F) multiply(&p);
    else multiply_rounded(p);
    add_bias_and_clip(&p);
}

static void check_alignment(const struct product *p)
{
    const void *address[] = { p->a, p->b, p->c };
    for (int i = 0; i < 3; i++)
        if ((uintptr_t)address[i] % (uintptr_t)p->is.alignment)
            emu_fault("%c is not aligned to %d bytes, which its algorithm needs", "ABC"[i], p -> is.alignment);
}

EXPORT cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t desc, const void *alpha,
                                     const void *a, cublasLtMatrixLayout_t a_layout, const void *b,
                                     cublasLtMatrixLayout_t b_layout, const void *beta, const void *c,
                                     cublasLtMatrixLayout_t c_layout, void *d, cublasLtMatrixLayout_t d_layout,
                                     const cublasLtMatmulAlgo_t *algo, void *workspace, size_t workspace_bytes,
                                     cudaStream_t stream)
{
    const struct desc *is = (struct desc *)desc;
    const struct layout *la = (struct layout *)a_layout, *lb = (struct layout *)b_layout;
    const struct layout *lc = (struct layout *)c_layout;
    struct product p = { .lda = (int)la->ld,
                         .ldb = (int)lb->ld,
                         .ldc = (int)lc->ld,
                         .alpha = *(const float *)alpha,
                         .beta = *(const float *)beta,
                         .a = a,
                         .b = b,
                         .c = d,
                         .bias = is->bias,
                         .workspace = workspace };
    emu_lock();
    emu_doing("cublasLtMatmul", "");
    if (emu_device() != handle->device) emu_fault("a handle of device %d on device %d", handle->device, emu_device());
    if (!shape(handle, is, la, lb, lc, &p.is) || c != d || memcmp(c_layout, d_layout, sizeof *c_layout) ||
        workspace_bytes < WORKSPACE)
        emu_fault("a product that was not asked for");
    p.is.alignment = ((const struct algo *)algo)->alignment;
    if (memcmp(&p.is, algo, sizeof p.is)) emu_fault("an algorithm that was chosen for another product");
    check_alignment(&p);
    translate(p);
    emu_enqueue(emu_stream(stream), run_product, &p, sizeof p);
    emu_unlock();
    return CUBLAS_STATUS_SUCCESS;
}
