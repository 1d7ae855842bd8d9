/* SPDX-License-Identifier: BSD-3-Clause */
/* Checks and times codelets/gemm.cl as OpenCL and as C, against a double-precision reference,
 * cblas_sgemm and dnnl_sgemm.
 *
 *   make gemm_bench
 *   POCL_MAX_PTHREAD_COUNT=1 OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 \
 *     ./gemm_bench codelets/gemm.cl [check|time [m n k ta tb]]
 *
 * Each repetition times all four one after the other; the minima are reported.
 */
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <cblas.h>
#include <dnnl.h>
#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "gemm.h"

void hsgd_gemm_tiles_base(void *const *b, const void *args);
void hsgd_gemm_dots_base(void *const *b, const void *args);

static void die(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    exit(1);
}
#define CK(call) \
    do { \
        cl_int e_ = (call); \
        if (e_) die("line %d: OpenCL error %d", __LINE__, e_); \
    } while (0)

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + 1e-9 * t.tv_nsec;
}

/* ------------------------------------------------------------- the two builds */

static cl_context ctx;
static cl_command_queue queue;
static cl_kernel k_tiles, k_dots;
static size_t local_size = 1;
static int workers = 1;

static char *read_text(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f) die("%s: cannot open", path);
    fseek(f, 0, SEEK_END);
    long n = ftell(f);
    rewind(f);
    char *s = malloc(n + 1);
    if (fread(s, 1, n, f) != (size_t)n) die("%s: cannot read", path);
    s[n] = 0;
    fclose(f);
    return s;
}

/* A header beside the kernel file. */
static char *read_header(const char *path, const char *name)
{
    char file[4096];
    const char *slash = strrchr(path, '/');
    snprintf(file, sizeof file, "%.*s%s", slash ? (int)(slash - path + 1) : 0, path, name);
    return read_text(file);
}

static void opencl_start(const char *path)
{
    char *src[4] = { read_header(path, "device.h"), read_header(path, "shared.h"), read_header(path, "activate.h"),
                     read_text(path) };
    for (int i = 1; i < 4; i++)
        for (char *inc = src[i]; (inc = strstr(inc, "#include"));) memset(inc, ' ', strcspn(inc, "\n"));
    cl_platform_id p;
    cl_device_id d;
    cl_int e;
    CK(clGetPlatformIDs(1, &p, NULL));
    CK(clGetDeviceIDs(p, CL_DEVICE_TYPE_ALL, 1, &d, NULL));
    cl_uint units;
    CK(clGetDeviceInfo(d, CL_DEVICE_MAX_COMPUTE_UNITS, sizeof units, &units, NULL));
    workers = units;
    ctx = clCreateContext(NULL, 1, &d, NULL, NULL, &e);
    CK(e);
    queue = clCreateCommandQueue(ctx, d, 0, &e);
    CK(e);
    cl_program prog = clCreateProgramWithSource(ctx, 4, (const char **)src, NULL, &e);
    CK(e);
    double t = now();
    if (clBuildProgram(prog, 1, &d, "-cl-std=CL1.2 -cl-mad-enable", NULL, NULL)) {
        static char log[20000];
        clGetProgramBuildInfo(prog, d, CL_PROGRAM_BUILD_LOG, sizeof log, log, NULL);
        die("%s", log);
    }
    printf("OpenCL build: %.2f s\n", now() - t);
    k_tiles = clCreateKernel(prog, "gemm_tiles", &e);
    CK(e);
    k_dots = clCreateKernel(prog, "gemm_dots", &e);
    CK(e);
    for (int i = 0; i < 4; i++) free(src[i]);
}

static void launch(cl_kernel k, int groups, int buffers, cl_mem *mem, const struct gemm_args *a)
{
    cl_ulong zero = 0;
    for (int i = 0; i < buffers; i++) {
        CK(clSetKernelArg(k, 2 * i, sizeof(cl_mem), &mem[i]));
        CK(clSetKernelArg(k, 2 * i + 1, sizeof zero, &zero));
    }
    CK(clSetKernelArg(k, 2 * buffers, sizeof *a, a));
    size_t global = groups * local_size;
    CK(clEnqueueNDRangeKernel(queue, k, 1, NULL, &global, &local_size, 0, NULL, NULL));
}

static void run_opencl(const struct gemm_args *a, cl_mem *mem /* c a b bias work */)
{
    if (a->dots) launch(k_dots, gemm_groups(a), 4, mem, a);
    else launch(k_tiles, gemm_groups(a), 5, mem, a);
    CK(clFinish(queue));
}

static void run_c(const struct gemm_args *a, float **buf)
{
    if (a->dots) hsgd_gemm_dots_base((void **)buf, a);
    else hsgd_gemm_tiles_base((void **)buf, a);
}

/* ---------------------------------------------------------------- the checks */

static unsigned long long seed = 1;
static unsigned rnd(unsigned n)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (unsigned)(seed >> 33) % n;
}
static float rndf(void) { return (float)rnd(1u << 24) / (1 << 23) - 1.0f; }

/* n random floats */
static float *matrix(size_t n)
{
    float *p = aligned_alloc(64, (n * 4 + 63) / 64 * 64);
    for (size_t i = 0; i < n; i++) p[i] = rndf();
    return p;
}

static cl_mem mem_of(const float *p, size_t n)
{
    cl_int e;
    cl_mem m = clCreateBuffer(ctx, CL_MEM_COPY_HOST_PTR, n * 4, (void *)p, &e);
    CK(e);
    return m;
}

static double act(double x, int f)
{
    return f == ACTIVATION_RELU      ? (x < 0 ? 0 : x)
           : f == ACTIVATION_TANH    ? tanh(x)
           : f == ACTIVATION_SIGMOID ? 1 / (1 + exp(-x))
                                     : x;
}

static double worst;
static void compare(const char *way, const struct gemm_args *g, const float *c, const double *ref, const double *mag,
                    const float *old)
{
    for (int i = 0; i < g->m; i++)
        for (int j = 0; j < g->ldc; j++) {
            size_t at = (size_t)i * g->ldc + j;
            if (i == g->m - 1 && j >= g->n) break;
            if (j >= g->n) {
                if (c[at] != old[at]) die("%s: wrote outside C at %d,%d of %dx%d", way, i, j, g->m, g->n);
                continue;
            }
            /* |err| <= 4·(k+2)·eps·(Σ|a||b| + |c| + |bias|): c and bias are two more terms; the activation does not
             * enlarge it and has 4 eps itself */
            double bound = 4.0 * (g->k + 2) * FLT_EPSILON * mag[at] + 4 * FLT_EPSILON;
            double err = fabs(c[at] - ref[at]);
            if (!(err <= bound))
                die("%s: m=%d n=%d k=%d ta=%d tb=%d acc=%d bias=%d act=%d: C[%d][%d] = %g, want %g", way, g->m, g->n,
                    g->k, g->ta, g->tb, g->accumulate, g->bias, g->act, i, j, c[at], ref[at]);
            if (err / bound > worst) worst = err / bound;
        }
}

static void check_one(struct gemm_args g)
{
    size_t na = (size_t)((g.ta ? g.k : g.m) - 1) * g.lda + (g.ta ? g.m : g.k);
    size_t nb = (size_t)((g.tb ? g.n : g.k) - 1) * g.ldb + (g.tb ? g.k : g.n);
    size_t nc = (size_t)(g.m - 1) * g.ldc + g.n, nw = gemm_workspace(g.m, g.n, g.k, g.ta, g.tb, g.workers);
    float *a = matrix(na), *b = matrix(nb), *old = matrix(nc), *bias = matrix(g.n), *c = matrix(nc);
    float *work = matrix(nw + 16), *ga = malloc(na * 4), *gb = malloc(nb * 4);
    double *ref = malloc(nc * 8), *mag = malloc(nc * 8);
    for (int i = 0; i < g.m; i++)
        for (int j = 0; j < g.n; j++) {
            size_t at = (size_t)i * g.ldc + j;
            double s = g.accumulate ? old[at] : 0, t = fabs(s);
            for (int p = 0; p < g.k; p++) {
                double x = a[g.ta ? (size_t)p * g.lda + i : (size_t)i * g.lda + p];
                x *= b[g.tb ? (size_t)j * g.ldb + p : (size_t)p * g.ldb + j];
                s += x;
                t += fabs(x);
            }
            if (g.bias) {
                s += bias[j];
                t += fabs(bias[j]);
            }
            ref[at] = act(s, g.act);
            mag[at] = t;
        }
    gemm_plan(&g);
    memcpy(ga, a, na * 4); /* malloc'ed to the byte, for the sanitizer */
    memcpy(gb, b, nb * 4);
    memcpy(c, old, nc * 4);
    for (size_t i = 0; i < 16; i++) work[nw + i] = 7;
    run_c(&g, (float *[]){ c, ga, gb, bias, work });
    for (size_t i = 0; i < 16; i++)
        if (work[nw + i] != 7) die("C: wrote past the workspace");
    compare("C", &g, c, ref, mag, old);
    if (ctx) {
        cl_mem mem[5] = { mem_of(old, nc), mem_of(a, na), mem_of(b, nb), mem_of(bias, g.n), mem_of(work, nw + 16) };
        for (int l = 0; l < 2; l++) {
            local_size = l ? 64 : 1;
            if (l) CK(clEnqueueWriteBuffer(queue, mem[0], CL_TRUE, 0, nc * 4, old, 0, NULL, NULL));
            run_opencl(&g, mem);
            CK(clEnqueueReadBuffer(queue, mem[0], CL_TRUE, 0, nc * 4, c, 0, NULL, NULL));
            compare(l ? "OpenCL, local size 64" : "OpenCL", &g, c, ref, mag, old);
        }
        local_size = 1;
        CK(clEnqueueReadBuffer(queue, mem[4], CL_TRUE, 0, (nw + 16) * 4, work, 0, NULL, NULL));
        for (size_t i = 0; i < 16; i++)
            if (work[nw + i] != 7) die("OpenCL: wrote past the workspace");
        for (int i = 0; i < 5; i++) clReleaseMemObject(mem[i]);
    }
    free(a);
    free(b);
    free(old);
    free(bias);
    free(c);
    free(work);
    free(ga);
    free(gb);
    free(ref);
    free(mag);
}

static void check(void)
{
    static const int edges[] = {
        1, 2, 3, 4, 5, 10, 13, 14, 15, 16, 17, 28, 29, 31, 32, 33, 47, 48, 49, 64, 65, 96, 100
    };
    const int ne = sizeof edges / sizeof *edges;
    int shapes = 0;
    for (int rep = 0; rep < 8; rep++)
        for (int v = 0; v < 64; v++, shapes++) { /* every combination of ta, tb, accumulate, bias, act */
            struct gemm_args g = {
                .ta = v & 1, .tb = v >> 1 & 1, .accumulate = v >> 2 & 1, .bias = v >> 3 & 1, .act = v >> 4
            };
            g.m = rnd(3) ? edges[rnd(ne)] : 1 + (int)rnd(150);
            g.n = rnd(3) ? edges[rnd(ne)] : 1 + (int)rnd(200);
            g.k = rnd(3) ? edges[rnd(ne)] : 1 + (int)rnd(300);
            if (rep == 7 && v % 16 < 4) { /* blocks of k */
                g.m = 1 + rnd(40);
                g.n = 1 + rnd(80);
                g.k = 2040 + rnd(1500);
            }
            if (rep == 6 && v % 16 < 4) {
                g.m = 250 + rnd(40);
                g.n = 1 + rnd(80);
                g.k = 1 + rnd(40);
            } /* of rows */
            g.lda = (g.ta ? g.m : g.k) + (rnd(2) ? rnd(9) : 0);
            g.ldb = (g.tb ? g.k : g.n) + (rnd(2) ? rnd(9) : 0);
            g.ldc = g.n + (rnd(2) ? rnd(9) : 0);
            for (g.workers = 1; g.workers < 4; g.workers += 2) check_one(g);
        }
    printf("%d shapes right, largest error %.3f of the bound 4·k·eps·Σ|a||b|\n", shapes, worst);
}

/* ---------------------------------------------------------------- the timing */

static void time_one(const char *what, int m, int n, int k, int ta, int tb)
{
    struct gemm_args g = {
        .m = m, .n = n, .k = k, .lda = ta ? m : k, .ldb = tb ? k : n, .ldc = n, .ta = ta, .tb = tb, .workers = workers
    };
    gemm_plan(&g);
    size_t na = (size_t)m * k, nb = (size_t)n * k, nc = (size_t)m * n, nw = gemm_plan_workspace(&g) + 16;
    float *buf[5] = { matrix(nc), matrix(na), matrix(nb), matrix(n), matrix(nw) };
    cl_mem mem[5];
    if (ctx)
        for (int i = 0; i < 5; i++) mem[i] = mem_of(buf[i], (size_t[]){ nc, na, nb, n, nw }[i]);
    double flop = 2.0 * m * n * k, best[4] = { 1e9, 1e9, 1e9, 1e9 };
    int inner = 1 + (int)(3e-4 / (flop / 1e11));
    for (int rep = 0; rep < 30; rep++)
        for (int way = ctx ? 0 : 1; way < 4; way++)
            for (int i = 0; i <= inner; i++) {
                double t = now();
                if (way == 0) run_opencl(&g, mem);
                if (way == 1) run_c(&g, buf);
                if (way == 2)
                    cblas_sgemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, m, n, k,
                                1, buf[1], g.lda, buf[2], g.ldb, 0, buf[0], g.ldc);
                if (way == 3)
                    dnnl_sgemm(ta ? 'T' : 'N', tb ? 'T' : 'N', m, n, k, 1, buf[1], g.lda, buf[2], g.ldb, 0, buf[0],
                               g.ldc);
                t = now() - t;
                if (t < best[way]) best[way] = t;
            }
    printf("%-4s %5d %5d %5d %c%c | %6.1f %6.1f %6.1f %6.1f | %5.2f %5.2f | %5.2f %5.2f\n", what, m, n, k,
           ta ? 'T' : 'N', tb ? 'T' : 'N', flop / best[0] * 1e-9, flop / best[1] * 1e-9, flop / best[2] * 1e-9,
           flop / best[3] * 1e-9, best[2] / best[0], best[3] / best[0], best[2] / best[1], best[3] / best[1]);
    fflush(stdout);
    for (int i = 0; i < 5; i++) {
        free(buf[i]);
        if (ctx) clReleaseMemObject(mem[i]);
    }
}

int main(int argc, char **argv)
{
    if (argc < 2) die("usage: gemm_bench codelets/gemm.cl|- [check|time [m n k ta tb]]   (-: C only)");
    if (strcmp(argv[1], "-")) opencl_start(argv[1]);
    if (argc < 3 || !strcmp(argv[2], "check")) check();
    if (argc == 8) time_one("", atoi(argv[3]), atoi(argv[4]), atoi(argv[5]), atoi(argv[6]), atoi(argv[7]));
    else if (argc < 3 || !strcmp(argv[2], "time")) {
        printf("         m     n     k    |     OpenCL / C / cblas / dnnl GFLOP/s | OpenCL: /cblas /dnnl"
               " | C: /cblas /dnnl\n");
        static const int batch[] = { 64, 128, 256, 1024 };
        for (int i = 0; i < 4; i++) {
            int s = batch[i];
            time_one("fwd", s, 512, 784, 0, 1);
            time_one("fwd", s, 256, 512, 0, 1);
            time_one("fwd", s, 10, 256, 0, 1);
            time_one("dX", s, 512, 256, 0, 0);
            time_one("dX", s, 256, 10, 0, 0);
            time_one("dW", 512, 784, s, 1, 0);
            time_one("dW", 256, 512, s, 1, 0);
            time_one("dW", 10, 256, s, 1, 0);
        }
        time_one("big", 512, 512, 512, 0, 0);
        time_one("big", 512, 512, 784, 0, 1);
        time_one("big", 784, 512, 2048, 0, 0);
        time_one("big", 1024, 1024, 1024, 0, 0);
        time_one("big", 512, 784, 8192, 1, 0);
    }
    return 0;
}
