/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "products.h"

#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#ifdef HAVE_DNNL
#include <oneapi/dnnl/dnnl.h>
#endif

#include "gemm.h"

/* --------------------------------------------------------------- libraries */

static const char *const names[PRODUCT_LIBRARIES] = { "onednn", "openblas", "own" };

bool product_built_in(enum product_library library)
{
#ifdef HAVE_DNNL
    return library < PRODUCT_LIBRARIES;
#else
    return library < PRODUCT_LIBRARIES && library != PRODUCT_ONEDNN;
#endif
}

const char *product_library_name(enum product_library library) { return names[library]; }

void product_library_version(enum product_library library, char *out, size_t size)
{
    char version[32] = "?";
    *out = 0;
    if (library == PRODUCT_OWN) snprintf(out, size, "own kernels (%s)", hsgd_kernels_isa());
#ifdef HAVE_DNNL
    const dnnl_version_t *v = dnnl_version();
    if (library == PRODUCT_ONEDNN) snprintf(out, size, "oneDNN %d.%d.%d", v->major, v->minor, v->patch);
#endif
    if (library != PRODUCT_OPENBLAS) return;
    sscanf(openblas_get_config(), "%*s %31s", version);
    snprintf(out, size, "OpenBLAS %s (%s)", version, openblas_get_corename());
}

enum product_library product_library_fixed(void)
{
    if (product_built_in(PRODUCT_ONEDNN)) return PRODUCT_ONEDNN;
    return strcmp(hsgd_kernels_isa(), "base") ? PRODUCT_OWN : PRODUCT_OPENBLAS;
}

struct products products_by(enum product_library library)
{
    struct products p = { 0 };
    for (int c = 0; c < PRODUCT_CLASSES; c++) p.library[c] = library;
    return p;
}

struct gemm_args product_gemm(const struct hsgd_matmul *p, int units)
{
    struct gemm_args g = { .m = p->m,
                           .n = p->n,
                           .k = p->k,
                           .lda = p->lda,
                           .ldb = p->ldb,
                           .ldc = p->ldc,
                           .ta = p->transpose_a,
                           .tb = p->transpose_b,
                           .accumulate = p->accumulate,
                           .act = (int)p->activation,
                           .workers = units };
    gemm_plan(&g);
    return g;
}

/* ----------------------------------------------------------------- classes */

static const char *const forms[PRODUCT_FORMS] = { "NN", "NT", "TN" };
static const char *const sizes[PRODUCT_SIZES] = { "k<=16", "n<=16", "m<=16", "small", "large" };

int product_class(const struct hsgd_matmul *p)
{
    int form = p->transpose_a ? 2 : p->transpose_b ? 1 : 0;
    const int thin[] = { p->k, p->n, p->m };
    int size = 0;
    while (size < 3 && thin[size] > PRODUCT_THIN) size++;
    if (size == 3 && (double)p->m * p->n * p->k >= PRODUCT_SMALL) size++;
    return form * PRODUCT_SIZES + size;
}

void product_class_name(int product_class, char *out, size_t size)
{
    snprintf(out, size, "%s %s", forms[product_class / PRODUCT_SIZES], sizes[product_class % PRODUCT_SIZES]);
}

/* --------------------------------------------------------------- measuring */

/* A library's first products of a size are slow, some ten of oneDNN's: glibc gives it other memory for each. */
enum { WARM = 10, ROUNDS = 16, FLOATS = 1 << 16 };
#define CLEARLY 1.1  /* faster by this factor: the library is chosen in place of the fixed one */
#define HOPELESS 2.0 /* slower by this factor when warm: it is not measured again */

/* Products that stand for their classes; operands, result and workspace have at most FLOATS. */
static const int shapes[PRODUCT_SIZES][3] = {
    { 128, 512, 10 }, { 128, 10, 512 }, { 8, 256, 256 }, { 48, 96, 128 }, { 96, 256, 256 }
};

/* Operands, result and workspace. */
struct bench {
    float *a, *b, *c, *work;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void run_own(const struct hsgd_matmul *p, const struct bench *b)
{
    struct gemm_args g = product_gemm(p, 1);
    const struct hsgd_kernel *kernel = g.dots ? HSGD_KERNEL(gemm_dots) : HSGD_KERNEL(gemm_tiles);
    kernel->cpu((void *const[]){ b->c, b->a, b->b, b->c, b->work }, &g);
}

/* Seconds of one product. */
static double run(const struct hsgd_matmul *p, enum product_library library, const struct bench *b)
{
    struct matmul_args args = { .p = *p, .library = (int)library };
    double began = now();
    if (library == PRODUCT_OWN) run_own(p, b);
    else hsgd_kernel_matmul_cpu.cpu((void *const[]){ b->a, b->b, b->c, b->c }, &args);
    return now() - began;
}

static struct hsgd_matmul example(int product_class)
{
    const int *s = shapes[product_class % PRODUCT_SIZES], form = product_class / PRODUCT_SIZES;
    struct hsgd_matmul p = { .m = s[0], .n = s[1], .k = s[2], .transpose_a = form == 2, .transpose_b = form == 1 };
    p.lda = p.transpose_a ? p.m : p.k;
    p.ldb = p.transpose_b ? p.k : p.n;
    p.ldc = p.n;
    return p;
}

/* The shortest times of a class, in turns, because other programs may disturb some of them; 0: not built in. */
static void measure_class(int product_class, const struct bench *b, double seconds[PRODUCT_LIBRARIES])
{
    struct hsgd_matmul p = example(product_class);
    double best = HUGE_VAL;
    for (int i = 0; i < PRODUCT_LIBRARIES; i++) seconds[i] = 0;
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < PRODUCT_LIBRARIES; i++) {
            if (!product_built_in((enum product_library)i) || (round >= WARM && seconds[i] > HOPELESS * best)) continue;
            double t = run(&p, (enum product_library)i, b);
            if (!round || t < seconds[i]) seconds[i] = t;
            if (t < best) best = t;
        }
}

static enum product_library choose(const double seconds[PRODUCT_LIBRARIES])
{
    enum product_library fixed = product_library_fixed(), fastest = fixed;
    for (int i = 0; i < PRODUCT_LIBRARIES; i++)
        if (seconds[i] > 0 && seconds[i] < seconds[fastest]) fastest = (enum product_library)i;
    return seconds[fastest] * CLEARLY < seconds[fixed] ? fastest : fixed;
}

struct products products_measured(void)
{
    struct products p = products_by(product_library_fixed());
    float *memory = aligned_alloc(64, 4 * FLOATS * sizeof(float));
    struct hsgd_blas_state blas;
    if (!memory) return p;
    struct bench b = { memory, memory + FLOATS, memory + 2 * FLOATS, memory + 3 * FLOATS };
    for (int i = 0; i < 4 * FLOATS; i++) memory[i] = (float)(i % 17) / 17;
    hsgd_blas_enter(&blas);
    for (int c = 0; c < PRODUCT_CLASSES; c++) {
        struct hsgd_matmul m = example(c);
        double seconds[PRODUCT_LIBRARIES];
        measure_class(c, &b, seconds);
        p.library[c] = choose(seconds);
        for (int i = 0; i < PRODUCT_LIBRARIES; i++)
            p.gflops[c][i] = seconds[i] > 0 ? 2e-9 * m.m * m.n * m.k / seconds[i] : 0;
    }
    hsgd_blas_leave(&blas);
    free(memory);
    return p;
}
