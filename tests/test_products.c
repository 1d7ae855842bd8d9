/* SPDX-License-Identifier: BSD-3-Clause */
/* Matrix products on CPUs: the values of each library, and which one is called, by rule, by HSGD_PRODUCTS and by what
 * is kept.  Calls are counted on their way to the libraries. */
#include "config.h"

#include "core.h"

#include <cblas.h>
#include <dlfcn.h>
#include <errno.h>
#include <float.h>
#include <glob.h>
#include <math.h>
#include <stdatomic.h>
#include <unistd.h>
#ifdef HAVE_DNNL
#include <oneapi/dnnl/dnnl.h>
#endif

#include "products.h"

static atomic_int calls[PRODUCT_LIBRARIES];

void cblas_sgemm(OPENBLAS_CONST enum CBLAS_ORDER order, OPENBLAS_CONST enum CBLAS_TRANSPOSE ta,
                 OPENBLAS_CONST enum CBLAS_TRANSPOSE tb, OPENBLAS_CONST blasint m, OPENBLAS_CONST blasint n,
                 OPENBLAS_CONST blasint k, OPENBLAS_CONST float alpha, OPENBLAS_CONST float *a,
                 OPENBLAS_CONST blasint lda, OPENBLAS_CONST float *b, OPENBLAS_CONST blasint ldb,
                 OPENBLAS_CONST float beta, float *c, OPENBLAS_CONST blasint ldc)
{
    __typeof__(&cblas_sgemm) real = (__typeof__(real))dlsym(RTLD_NEXT, "cblas_sgemm");
    atomic_fetch_add(&calls[PRODUCT_OPENBLAS], 1);
    real(order, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

#ifdef HAVE_DNNL
dnnl_status_t dnnl_sgemm(char ta, char tb, dnnl_dim_t m, dnnl_dim_t n, dnnl_dim_t k, float alpha, const float *a,
                         dnnl_dim_t lda, const float *b, dnnl_dim_t ldb, float beta, float *c, dnnl_dim_t ldc)
{
    __typeof__(&dnnl_sgemm) real = (__typeof__(real))dlsym(RTLD_NEXT, "dnnl_sgemm");
    atomic_fetch_add(&calls[PRODUCT_ONEDNN], 1);
    return real(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}
#endif

/* ------------------------------------------------------------------ values */

static float noise(int i) { return (float)((unsigned)i * 2654435761u >> 16) / 65536 - 0.5f; }

/* |error| <= 2 (k + 1) eps of the sum of absolute values, as of a sum in any order. */
static void compare(const struct hsgd_matmul *p, enum product_library library)
{
    enum { SIDE = 80, FLOATS = SIDE * SIDE };
    static float a[FLOATS], b[FLOATS], c[FLOATS];
    struct matmul_args args = { .p = *p, .library = (int)library };
    for (int i = 0; i < FLOATS; i++) a[i] = noise(i), b[i] = noise(i + FLOATS), c[i] = noise(i + 2 * FLOATS);
    hsgd_kernel_matmul_cpu.cpu((void *const[]){ a, b, c, c }, &args);
    for (int i = 0; i < p->m; i++)
        for (int j = 0; j < p->ldc; j++) {
            double old = noise(i * p->ldc + j + 2 * FLOATS), sum = p->accumulate || j >= p->n ? old : 0,
                   size = fabs(sum);
            for (int q = 0; q < p->k && j < p->n; q++) {
                double term = (double)a[p->transpose_a ? q * p->lda + i : i * p->lda + q] *
                              b[p->transpose_b ? j * p->ldb + q : q * p->ldb + j];
                sum += term, size += fabs(term);
            }
            if (!(fabs(c[i * p->ldc + j] - sum) <= (j < p->n ? 2 * (p->k + 1) * FLT_EPSILON * size : 0)))
                CHECK_MSG(false, "%s %dx%dx%d: %g at %d, %d, expected %g", product_library_name(library), p->m, p->n,
                          p->k, c[i * p->ldc + j], i, j, sum);
        }
}

static void values(void)
{
    static const int sizes[] = { 1, 7, 16, 33, 63 };
    hsgd_kernels_init();
    for (int library = 0; library < PRODUCT_OWN; library++)
        for (int turn = 0; turn < 125 * 8 && product_built_in((enum product_library)library); turn++) {
            struct hsgd_matmul p = { .m = sizes[turn % 5],
                                     .n = sizes[turn / 5 % 5],
                                     .k = sizes[turn / 25 % 5],
                                     .transpose_a = turn / 125 & 1,
                                     .transpose_b = turn / 125 & 2,
                                     .accumulate = turn / 125 & 4 };
            p.lda = (p.transpose_a ? p.m : p.k) + turn % 3;
            p.ldb = (p.transpose_b ? p.k : p.n) + turn % 2;
            p.ldc = p.n + turn % 4;
            compare(&p, (enum product_library)library);
            CHECK(atomic_exchange(&calls[library], 0) == 1);
        }
}

/* ----------------------------------------------------------------- choices */

/* A step of mlp-small, whose products are of several forms and sizes. */
static void train(bool deterministic)
{
    enum { BATCH = 32 };
    static float x[BATCH * 784];
    static int32_t labels[BATCH];
    struct hsgd_context *ctx = core_context("cpu", 1, deterministic);
    struct hsgd_model *m = hsgd_model_by_name(ctx, "mlp-small", (struct hsgd_shape){ 28, 28, 1 }, 10);
    struct hsgd_trainer *t = hsgd_trainer_create(m, NULL);
    struct hsgd_product p;
    double loss;
    REQUIRE(t && !hsgd_model_initialise(m, 1));
    core_digits(0, BATCH, x, labels);
    REQUIRE(!hsgd_product_get(ctx, 0, &p, sizeof p)); /* what it measures is not counted */
    for (int i = 0; i < PRODUCT_LIBRARIES; i++) atomic_store(&calls[i], 0);
    CHECK(!hsgd_trainer_step(t, BATCH, HSGD_FIELDS(x, labels), &loss) && isfinite(loss));
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&m);
    hsgd_destroy(&ctx);
}

static void only(enum product_library library)
{
    for (int i = 0; i < PRODUCT_OWN; i++)
        CHECK_MSG((atomic_load(&calls[i]) > 0) == (i == (int)library), "%s: %d calls of %s",
                  product_library_name(library), atomic_load(&calls[i]), product_library_name((enum product_library)i));
}

static void forced_one(void *library)
{
    setenv("HSGD_PRODUCTS", product_library_name(*(enum product_library *)library), 1);
    train(false);
    only(*(enum product_library *)library);
}

static void forced(void)
{
    for (enum product_library i = 0; i < PRODUCT_LIBRARIES; i++)
        if (product_built_in(i)) core_child(forced_one, &i);
}

static void refused(const char *value, const char *sentence)
{
    struct hsgd_context *ctx;
    setenv("HSGD_PRODUCTS", value, 1);
    CHECK(hsgd_create(&ctx, HSGD_OPTIONS(context, .devices = "cpu", .threads = 1)) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), sentence);
    hsgd_destroy(&ctx);
}

static void refusals(void)
{
    refused("mkl", "HSGD_PRODUCTS is \"mkl\", not auto, onednn, openblas or own");
    refused("", "HSGD_PRODUCTS is \"\", not auto, onednn, openblas or own");
    if (!product_built_in(PRODUCT_ONEDNN))
        refused("onednn", "HSGD_PRODUCTS is \"onednn\", which this build does not have");
}

/* The file of the choice; NULL: there is none. */
static const char *file(void)
{
    static char path[1000];
    glob_t found;
    char pattern[900];
    snprintf(pattern, sizeof pattern, "%s/products-*", getenv("HSGD_CACHE_DIR"));
    bool is = !glob(pattern, 0, NULL, &found);
    if (is) snprintf(path, sizeof path, "%s", found.gl_pathv[0]);
    globfree(&found);
    return is ? path : NULL;
}

static void by_rule(void *deterministic)
{
    hsgd_kernels_init();
    train(*(bool *)deterministic);
    only(product_library_fixed());
}

/* Nothing is measured, nor read. */
static void rule(void)
{
    bool deterministic = true;
    core_child(by_rule, &deterministic);
    CHECK(!file());
    deterministic = false;
    setenv("HSGD_CACHE", "off", 1);
    core_child(by_rule, &deterministic);
}

static void by_measurement(void *library)
{
    train(false);
    if (library) only(*(enum product_library *)library);
}

/* The same file with another choice. */
static void write_all(enum product_library library, const char *end)
{
    char head[3][100];
    FILE *f = fopen(file(), "r");
    REQUIRE(f);
    for (int i = 0; i < 3; i++) REQUIRE(fgets(head[i], sizeof *head, f)); /* version, kind, key */
    fclose(f);
    REQUIRE((f = fopen(file(), "w")));
    for (int i = 0; i < 3; i++) fputs(head[i], f);
    for (int c = 0; c < PRODUCT_CLASSES; c++) {
        char name[32];
        product_class_name(c, name, sizeof name);
        fprintf(f, "%s %s 1.0 2.0 3.0%s\n", name, product_library_name(library), end);
    }
    fputs("end\n", f);
    fclose(f);
}

static bool has(const char *text)
{
    char line[200];
    bool found = false;
    FILE *f = fopen(file(), "r");
    REQUIRE(f);
    while (fgets(line, sizeof line, f)) found |= strstr(line, text) != NULL;
    fclose(f);
    return found;
}

/* What is kept is the choice of the next process; what is damaged is measured again, and so is all with
 * STARPU_CALIBRATE=2. */
static void kept(void)
{
    if (file()) unlink(file());
    core_child(by_measurement, NULL);
    REQUIRE(file());
    for (enum product_library i = PRODUCT_OPENBLAS; i < PRODUCT_LIBRARIES; i++) {
        write_all(i, "");
        core_child(by_measurement, &i);
        CHECK(has("1.0 2.0 3.0"));
    }
    write_all(PRODUCT_OWN, " 4");
    core_child(by_measurement, NULL);
    CHECK(!has("1.0 2.0 3.0") && has("NN large"));
    write_all(PRODUCT_OWN, "");
    setenv("STARPU_CALIBRATE", "2", 1);
    core_child(by_measurement, NULL);
    CHECK(!has("1.0 2.0 3.0") && has("NN large"));
}

static const struct core_case cases[] = {
    { "values", values }, { "forced", forced }, { "refusals", refusals }, { "rule", rule }, { "kept", kept }
};
CORE_MAIN(cases)
