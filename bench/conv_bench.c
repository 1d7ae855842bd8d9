/* Checks the kernels of lanes.cl, conv2d.cl and pool.cl against double-precision
 * references over random shapes, as C and as OpenCL C, then times them.
 *
 *     conv_bench [-k codelets] [-n shapes] [-s seed] [c|opencl]
 *
 * A sum of K products is accepted when |error| <= 4·K·eps·Σ|a·b|, K counted
 * with the bias and eps half the spacing at 1; tanh and sigmoid add 4e-7.
 *
 * Build:  make conv_bench
 */
#define _GNU_SOURCE
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lanes.cl"
#include "conv2d.cl"
#include "pool.cl"

/* ---------------------------------------------------------------- helpers */

static void die(const char *what, int code)
{
    fprintf(stderr, "conv_bench: %s (%d)\n", what, code);
    exit(2);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static u64 rng = 1;
static u32 random_bits(void)
{
    rng = rng * 6364136223846793005u + 1442695040888963407u;
    return (u32)(rng >> 33);
}
static int between(int a, int b) { return a + (int)(random_bits() % (u32)(b - a + 1)); }
static int at_least(int a, int b) { return a > b ? a : b; }

static void *checked_alloc(size_t bytes)
{
    void *p = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096 + 4096);
    if (!p)
        die("out of memory", 0);
    return p;
}

/* a buffer of floats with a canary behind it */
struct array { float *v; size_t n; };
#define CANARY 1.25e30f

static struct array array_new(size_t n)
{
    struct array a = { checked_alloc((n + 16) * sizeof(float)), n };
    for (size_t i = 0; i < n + 16; i++)
        a.v[i] = CANARY;
    return a;
}
static void array_random(struct array a)
{
    for (size_t i = 0; i < a.n; i++)
        a.v[i] = (float)random_bits() / 2147483648.0f - 0.5f;
}
/* few distinct values, so that maxima tie */
static void array_coarse(struct array a)
{
    for (size_t i = 0; i < a.n; i++)
        a.v[i] = (float)between(-2, 2) * 0.25f;
}

/* NHWC n×size to lanes and back, the plain way */
static size_t lanes_at(int image, size_t size, size_t e)
{
    return ((size_t)(image / 16) * size + e) * 16 + (size_t)(image % 16);
}
static struct array lanes_of(struct array x, int n, size_t size)
{
    struct array l = array_new((size_t)lanes_blocks(n) * size * 16);
    for (size_t i = 0; i < l.n; i++)
        l.v[i] = 0;
    for (int i = 0; i < n; i++)
        for (size_t e = 0; e < size; e++)
            l.v[lanes_at(i, size, e)] = x.v[(size_t)i * size + e];
    return l;
}

/* ---------------------------------------------------------------- launching */

enum { LANES_PACK, LANES_UNPACK, CONV_FWD, CONV_DX, CONV_DW, MAX_FWD, MAX_BWD, AVG_FWD, AVG_BWD, KERNELS };
static const struct {
    const char *name, *file;
    void (*c)(void *const *, const void *);
} kernels[KERNELS] = {
    { "lanes_pack", "lanes.cl", hsgd_lanes_pack_base },     { "lanes_unpack", "lanes.cl", hsgd_lanes_unpack_base },
    { "conv2d_fwd", "conv2d.cl", hsgd_conv2d_fwd_base },    { "conv2d_dx", "conv2d.cl", hsgd_conv2d_dx_base },
    { "conv2d_dw", "conv2d.cl", hsgd_conv2d_dw_base },      { "pool_max_fwd", "pool.cl", hsgd_pool_max_fwd_base },
    { "pool_max_bwd", "pool.cl", hsgd_pool_max_bwd_base },  { "pool_avg_fwd", "pool.cl", hsgd_pool_avg_fwd_base },
    { "pool_avg_bwd", "pool.cl", hsgd_pool_avg_bwd_base },
};

static const char *kernel_dir = "codelets";
static int use_opencl;
static cl_context context;
static cl_command_queue queue;
static cl_kernel cl_kernels[KERNELS];

/* the text of a file with its #include "…" lines replaced by the files, each once */
static void append_source(FILE *to, const char *name, char *seen, size_t room)
{
    char path[512], line[1024], inner[256];
    if (strstr(seen, name))
        return;
    strncat(seen, name, room - strlen(seen) - 1);
    snprintf(path, sizeof path, "%s/%s", kernel_dir, name);
    FILE *f = fopen(path, "r");
    if (!f)
        die(path, 0);
    while (fgets(line, sizeof line, f))
        if (sscanf(line, "#include \"%255[^\"]\"", inner) == 1)
            append_source(to, inner, seen, room);
        else
            fputs(line, to);
    fclose(f);
}

static cl_program build(cl_device_id device, const char *file)
{
    char *text = NULL, seen[512] = "";
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    append_source(f, file, seen, sizeof seen);
    fclose(f);
    int e;
    cl_program p = clCreateProgramWithSource(context, 1, (const char **)&text, &size, &e);
    if (!e)
        e = clBuildProgram(p, 1, &device, "-cl-std=CL1.2 -cl-mad-enable", NULL, NULL);
    if (e) {
        static char log[20000];
        clGetProgramBuildInfo(p, device, CL_PROGRAM_BUILD_LOG, sizeof log - 1, log, NULL);
        fprintf(stderr, "%s\n", log);
        die(file, e);
    }
    free(text);
    return p;
}

static void opencl_open(void)
{
    cl_platform_id platform;
    cl_device_id device;
    int e = clGetPlatformIDs(1, &platform, NULL);
    if (!e)
        e = clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 1, &device, NULL);
    if (e)
        die("no OpenCL device", e);
    context = clCreateContext(NULL, 1, &device, NULL, NULL, &e);
    queue = clCreateCommandQueue(context, device, 0, &e);
    for (int k = 0; k < KERNELS; k++) {
        cl_program p = build(device, kernels[k].file);
        cl_kernels[k] = clCreateKernel(p, kernels[k].name, &e);
        if (e)
            die(kernels[k].name, e);
    }
}

/* one prepared launch: OpenCL buffers wrap the arrays */
struct launch {
    int kernel, count, tiles;
    struct array a[6];
    cl_mem m[6];
    const void *args;
    size_t args_size;
};

static void launch_open(struct launch *l)
{
    for (int i = 0; use_opencl && i < l->count; i++) {
        int e;
        const cl_ulong offset = 0;
        l->m[i] = clCreateBuffer(context, CL_MEM_USE_HOST_PTR, (l->a[i].n + 16) * sizeof(float), l->a[i].v, &e);
        if (e)
            die("clCreateBuffer", e);
        clSetKernelArg(cl_kernels[l->kernel], (cl_uint)(2 * i), sizeof(cl_mem), &l->m[i]);
        clSetKernelArg(cl_kernels[l->kernel], (cl_uint)(2 * i + 1), sizeof offset, &offset);
    }
    if (use_opencl)
        clSetKernelArg(cl_kernels[l->kernel], (cl_uint)(2 * l->count), l->args_size, l->args);
}

static void launch_run(struct launch *l)
{
    if (use_opencl) {
        size_t global = (size_t)(l->tiles < 4 ? l->tiles : 4), local = 1;
        int e = clEnqueueNDRangeKernel(queue, cl_kernels[l->kernel], 1, NULL, &global, &local, 0, NULL, NULL);
        if (e || (e = clFinish(queue)))
            die(kernels[l->kernel].name, e);
    } else {
        void *b[6];
        for (int i = 0; i < l->count; i++)
            b[i] = l->a[i].v;
        kernels[l->kernel].c(b, l->args);
    }
}

static void launch_close(struct launch *l)
{
    for (int i = 0; i < l->count; i++) {
        if (use_opencl) {
            int e;
            void *p = clEnqueueMapBuffer(queue, l->m[i], 1, CL_MAP_READ, 0, l->a[i].n * sizeof(float), 0, NULL, NULL,
                                         &e);
            clEnqueueUnmapMemObject(queue, l->m[i], p, 0, NULL, NULL);
            clFinish(queue);
            clReleaseMemObject(l->m[i]);
        }
        for (int j = 0; j < 16; j++)
            if (l->a[i].v[l->a[i].n + (size_t)j] != CANARY)
                die("wrote past the end", l->kernel);
    }
}

#define ARRAYS_(...) { __VA_ARGS__ }
#define LAUNCH(name, k, n, tile_count, arg, ...) \
    struct launch name = { .kernel = k, .count = n, .tiles = tile_count, .a = ARRAYS_(__VA_ARGS__), \
                           .args = &arg, .args_size = sizeof arg }

static void run_once(struct launch l)
{
    launch_open(&l);
    launch_run(&l);
    launch_close(&l);
}

/* ---------------------------------------------------------------- checking */

static int failures;
static double worst[KERNELS];

/* value against reference; bound is the error allowed */
static void expect(int kernel, double got, double want, double bound, const char *shape)
{
    const double error = fabs(got - want), ratio = bound > 0 ? error / bound : error > 0 ? 1e9 : 0;
    if (ratio > worst[kernel])
        worst[kernel] = ratio;
    if (!(error <= bound) && failures++ < 20)
        fprintf(stderr, "%s %s: got %.9g, want %.9g, bound %.2g\n", kernels[kernel].name, shape, got, want, bound);
}

static double activate(double z, int activation)
{
    return activation == CONV2D_RELU ? (z > 0 ? z : 0) : activation == CONV2D_TANH ? tanh(z)
         : activation == CONV2D_SIGMOID ? 1 / (1 + exp(-z)) : z;
}
static double slope(double y, int activation)
{
    return activation == CONV2D_RELU ? y > 0 : activation == CONV2D_TANH ? 1 - y * y
         : activation == CONV2D_SIGMOID ? y * (1 - y) : 1;
}

static struct conv2d_args random_conv(void)
{
    for (;;) {
        struct conv2d_args a = { .n = between(1, 40), .h = between(1, 19), .w = between(1, 19),
                                 .kh = between(1, 6), .kw = between(1, 6),
                                 .stride = between(0, 2) ? 1 : between(2, 4), .activation = between(0, 3) };
        a.c = between(0, 2) ? between(1, 20) : between(1, 70);
        a.o = between(0, 2) ? between(1, 20) : between(1, 70);
        a.pad = between(0, at_least(a.kh, a.kw));
        a.splits = between(1, a.kh);
        if (a.h + 2 * a.pad < a.kh || a.w + 2 * a.pad < a.kw)
            continue;
        a.oh = conv2d_out_size(a.h, a.kh, a.stride, a.pad);
        a.ow = conv2d_out_size(a.w, a.kw, a.stride, a.pad);
        if ((double)a.n * a.oh * a.ow * a.o * a.kh * a.kw * a.c < 2e7)
            return a;
    }
}

/* the convolution spelled out: body sees (i, oy, ox, o, iy, ix, ky, kx, c) of every product */
#define X_AT ((((size_t)i * a.h + iy) * a.w + ix) * a.c + c)
#define Y_AT ((((size_t)i * a.oh + oy) * a.ow + ox) * a.o + o)
#define W_AT ((((size_t)o * a.kh + ky) * a.kw + kx) * a.c + c)
#define FOR_PRODUCTS(...)                                                                           \
    for (int i = 0; i < a.n; i++) for (int oy = 0; oy < a.oh; oy++) for (int ox = 0; ox < a.ow; ox++) \
    for (int o = 0; o < a.o; o++) for (int ky = 0; ky < a.kh; ky++) for (int kx = 0; kx < a.kw; kx++) { \
        const int iy = oy * a.stride - a.pad + ky, ix = ox * a.stride - a.pad + kx;                 \
        if (iy >= 0 && iy < a.h && ix >= 0 && ix < a.w)                                             \
            for (int c = 0; c < a.c; c++) { __VA_ARGS__; }                                          \
    }

struct sums { double *v, *abs; };
static struct sums sums_new(size_t n)
{
    struct sums s = { calloc(n, sizeof(double)), calloc(n, sizeof(double)) };
    if (!s.v || !s.abs)
        die("out of memory", 0);
    return s;
}
static void sums_add(struct sums s, size_t at, double a, double b)
{
    s.v[at] += a * b;
    s.abs[at] += fabs(a * b);
}
static void sums_free(struct sums s) { free(s.v); free(s.abs); }

static void check_conv(void)
{
    struct conv2d_args a = random_conv();
    const size_t xs = (size_t)a.h * a.w * a.c, ys = (size_t)a.oh * a.ow * a.o, ws = (size_t)a.o * a.kh * a.kw * a.c;
    struct array x = array_new(a.n * xs), dy = array_new(a.n * ys), w = array_new(ws), b = array_new((size_t)a.o);
    array_random(x), array_random(dy), array_random(w), array_random(b);
    struct array xl = lanes_of(x, a.n, xs), dyl = lanes_of(dy, a.n, ys);
    struct array yl = array_new(dyl.n), dxl = array_new(xl.n), dw = array_new(ws), db = array_new((size_t)a.o);
    struct array work = array_new(conv2d_dw_work(a));
    char shape[200];
    snprintf(shape, sizeof shape, "n%d %dx%dx%d->%dx%dx%d k%dx%d s%d p%d f%d splits %d", a.n, a.h, a.w, a.c, a.oh, a.ow,
             a.o, a.kh, a.kw, a.stride, a.pad, a.activation, a.splits);

    struct sums ry = sums_new(dy.n), rx = sums_new(x.n), rw = sums_new(ws), rb = sums_new((size_t)a.o);
    FOR_PRODUCTS(sums_add(ry, Y_AT, x.v[X_AT], w.v[W_AT]); sums_add(rx, X_AT, dy.v[Y_AT], w.v[W_AT]);
                 sums_add(rw, W_AT, x.v[X_AT], dy.v[Y_AT]))
    for (size_t i = 0; i < dy.n; i++)
        sums_add(rb, i % (size_t)a.o, dy.v[i], 1), sums_add(ry, i, b.v[i % (size_t)a.o], 1);

    a.tiles = conv2d_fwd_tiles(a);
    LAUNCH(fwd, CONV_FWD, 4, a.tiles, a, xl, w, b, yl);
    run_once(fwd);
    const double eps4 = 4 * (double)FLT_EPSILON / 2, terms = a.kh * a.kw * a.c + 1;
    for (int i = 0; i < a.n; i++)
        for (size_t e = 0; e < ys; e++) {
            const size_t at = (size_t)i * ys + e;
            expect(CONV_FWD, yl.v[lanes_at(i, ys, e)], activate(ry.v[at], a.activation),
                   eps4 * terms * ry.abs[at] + (a.activation > CONV2D_RELU ? 4e-7 : 0), shape);
        }
    for (size_t i = 0; i < yl.n; i++)
        if (!(fabsf(yl.v[i]) < 1e6f))
            die("a lane is not finite", CONV_FWD);

    a.tiles = conv2d_dx_tiles(a);
    LAUNCH(dx, CONV_DX, 3, a.tiles, a, dyl, w, dxl);
    run_once(dx);
    for (int i = 0; i < lanes_blocks(a.n) * 16; i++)
        for (size_t e = 0; e < xs; e++) {
            const size_t at = (size_t)i * xs + e;
            expect(CONV_DX, dxl.v[lanes_at(i, xs, e)], i < a.n ? rx.v[at] : 0,
                   i < a.n ? eps4 * a.kh * a.kw * a.o * rx.abs[at] : 0, shape);
        }

    a.tiles = conv2d_dw_tiles(a);
    LAUNCH(dwl, CONV_DW, 5, a.tiles, a, xl, dyl, dw, db, work);
    run_once(dwl);
    for (size_t i = 0; i < ws; i++)
        expect(CONV_DW, dw.v[i], rw.v[i], eps4 * a.n * a.oh * a.ow * rw.abs[i], shape);
    for (size_t i = 0; i < (size_t)a.o; i++)
        expect(CONV_DW, db.v[i], rb.v[i], eps4 * a.n * a.oh * a.ow * rb.abs[i], shape);

    /* the same bits whatever the number of tiles */
    struct array again = array_new(ws), work1 = array_new(conv2d_dw_work((a.splits = 1, a)));
    a.tiles = conv2d_dw_tiles(a);
    LAUNCH(dw1, CONV_DW, 5, a.tiles, a, xl, dyl, again, db, work1);
    run_once(dw1);
    for (size_t i = 0; i < ws; i++)
        expect(CONV_DW, again.v[i], dw.v[i], 0, "splits 1");

    struct array all[] = { x, dy, w, b, xl, dyl, yl, dxl, dw, db, work, again, work1 };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i].v);
    sums_free(ry), sums_free(rx), sums_free(rw), sums_free(rb);
}

static struct pool_args random_pool(void)
{
    for (;;) {
        struct pool_args a = { .n = between(1, 40), .h = between(1, 19), .w = between(1, 19), .c = between(1, 20),
                               .k = between(1, 4), .stride = between(1, 4), .activation = between(0, 3) };
        a.pad = between(0, a.k - 1);
        if (between(0, 2) == 0)
            a.k = a.stride = 2, a.pad = 0;
        if (a.h + 2 * a.pad < a.k || a.w + 2 * a.pad < a.k)
            continue;
        a.oh = conv2d_out_size(a.h, a.k, a.stride, a.pad);
        a.ow = conv2d_out_size(a.w, a.k, a.stride, a.pad);
        return a;
    }
}

static void check_pool(void)
{
    struct pool_args a = random_pool();
    const size_t xs = (size_t)a.h * a.w * a.c, ys = (size_t)a.oh * a.ow * a.c;
    struct array x = array_new(a.n * xs), dy = array_new(a.n * ys);
    array_coarse(x), array_random(dy);
    struct array xl = lanes_of(x, a.n, xs), dyl = lanes_of(dy, a.n, ys);
    struct array yl = array_new(dyl.n), dxl = array_new(xl.n), ml = array_new(dyl.n), el = array_new(xl.n);
    struct sums rm = sums_new(x.n), ra = sums_new(x.n);
    char shape[200];
    snprintf(shape, sizeof shape, "n%d %dx%dx%d->%dx%d k%d s%d p%d f%d", a.n, a.h, a.w, a.c, a.oh, a.ow, a.k, a.stride,
             a.pad, a.activation);
    a.tiles = pool_max_fwd_tiles(a);
    LAUNCH(mf, MAX_FWD, 2, a.tiles, a, xl, yl);
    run_once(mf);
    a.tiles = pool_max_bwd_tiles(a);
    LAUNCH(mb, MAX_BWD, 4, a.tiles, a, xl, yl, dyl, dxl);
    run_once(mb);
    a.tiles = pool_avg_fwd_tiles(a);
    LAUNCH(af, AVG_FWD, 2, a.tiles, a, xl, ml);
    run_once(af);
    a.tiles = pool_avg_bwd_tiles(a);
    LAUNCH(ab, AVG_BWD, 2, a.tiles, a, dyl, el);
    run_once(ab);
    for (int i = 0; i < a.n; i++)
        for (int oy = 0; oy < a.oh; oy++)
            for (int ox = 0; ox < a.ow; ox++)
                for (int c = 0; c < a.c; c++) {
                    double best = -INFINITY, sum = 0;
                    size_t at = 0, cells[16];
                    int count = 0;
                    for (int ky = 0; ky < a.k; ky++)
                        for (int kx = 0; kx < a.k; kx++) {
                            const int iy = oy * a.stride - a.pad + ky, ix = ox * a.stride - a.pad + kx;
                            if (iy < 0 || iy >= a.h || ix < 0 || ix >= a.w)
                                continue;
                            cells[count++] = X_AT;
                            sum += x.v[X_AT];
                            if (x.v[X_AT] > best)
                                best = x.v[at = X_AT];
                        }
                    const size_t e = (((size_t)oy * a.ow + ox) * a.c + c), q = (size_t)i * ys + e;
                    expect(MAX_FWD, yl.v[lanes_at(i, ys, e)], best, 0, shape);
                    expect(AVG_FWD, ml.v[lanes_at(i, ys, e)], sum / count, 4 * count * (double)FLT_EPSILON, shape);
                    sums_add(rm, at, dy.v[q], slope(best, a.activation));
                    for (int j = 0; j < count; j++)
                        sums_add(ra, cells[j], dy.v[q], 1.0 / count);
                }
    for (int i = 0; i < lanes_blocks(a.n) * 16; i++)
        for (size_t e = 0; e < xs; e++) {
            const size_t at = (size_t)i * xs + e;
            const double bound = 4 * a.k * a.k * (double)FLT_EPSILON;
            expect(MAX_BWD, dxl.v[lanes_at(i, xs, e)], i < a.n ? rm.v[at] : 0, i < a.n ? bound * rm.abs[at] : 0, shape);
            expect(AVG_BWD, el.v[lanes_at(i, xs, e)], i < a.n ? ra.v[at] : 0, i < a.n ? bound * ra.abs[at] : 0, shape);
        }
    struct array all[] = { x, dy, xl, dyl, yl, dxl, ml, el };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i].v);
    sums_free(rm), sums_free(ra);
}

static void check_lanes(void)
{
    struct lanes_args a = { between(1, 50), between(1, 700), 0 };
    const size_t size = (size_t)a.size;
    struct array x = array_new(a.n * size), back = array_new(x.n);
    array_random(x);
    struct array want = lanes_of(x, a.n, size), got = array_new(want.n);
    a.tiles = lanes_tiles(a.n, a.size);
    LAUNCH(pack, LANES_PACK, 2, a.tiles, a, x, got);
    run_once(pack);
    LAUNCH(unpack, LANES_UNPACK, 2, a.tiles, a, got, back);
    run_once(unpack);
    for (size_t i = 0; i < got.n; i++)
        expect(LANES_PACK, got.v[i], want.v[i], 0, "lanes");
    for (size_t i = 0; i < x.n; i++)
        expect(LANES_UNPACK, back.v[i], x.v[i], 0, "lanes");
    free(x.v), free(back.v), free(want.v), free(got.v);
}

/* ---------------------------------------------------------------- timing */

/* the shortest of many runs, in seconds */
static double shortest(struct launch l)
{
    launch_open(&l);
    launch_run(&l);
    double best = 1e9;
    const double stop = now() + 0.15;
    for (int i = 0; i < 5 || now() < stop; i++) {
        const double t = now();
        launch_run(&l);
        best = fmin(best, now() - t);
    }
    launch_close(&l);
    return best;
}

static void time_conv(const char *name, int n, int size, int c, int o, int k, int pad)
{
    struct conv2d_args a = { .n = n, .h = size, .w = size, .c = c, .o = o, .kh = k, .kw = k, .stride = 1, .pad = pad,
                             .activation = CONV2D_RELU, .splits = 1 };
    a.oh = a.ow = conv2d_out_size(size, k, 1, pad);
    struct array x = array_new((size_t)lanes_blocks(n) * size * size * c * 16), dx = array_new(x.n);
    struct array y = array_new((size_t)lanes_blocks(n) * a.oh * a.ow * o * 16), dy = array_new(y.n);
    struct array w = array_new((size_t)o * k * k * c), dw = array_new(w.n);
    struct array b = array_new((size_t)o), db = array_new(b.n);
    struct array work = array_new(conv2d_dw_work(a));
    array_random(x), array_random(dy), array_random(w), array_random(b);
    const double flops = 2.0 * n * a.oh * a.ow * o * k * k * c;
    a.tiles = conv2d_fwd_tiles(a);
    LAUNCH(fwd, CONV_FWD, 4, a.tiles, a, x, w, b, y);
    const double tf = shortest(fwd);
    a.tiles = conv2d_dx_tiles(a);
    LAUNCH(back, CONV_DX, 3, a.tiles, a, dy, w, dx);
    const double tx = shortest(back);
    a.tiles = conv2d_dw_tiles(a);
    LAUNCH(weights, CONV_DW, 5, a.tiles, a, x, dy, dw, db, work);
    const double tw = shortest(weights);
    printf("%-26s fwd %7.0f us %5.1f GF/s   dx %7.0f us %5.1f GF/s   dw %7.0f us %5.1f GF/s\n", name, tf * 1e6,
           flops / tf * 1e-9, tx * 1e6, flops / tx * 1e-9, tw * 1e6, flops / tw * 1e-9);
    struct array all[] = { x, dx, y, dy, w, dw, b, db, work };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i].v);
}

static void time_pool(const char *name, int n, int size, int c, int k, int stride)
{
    struct pool_args a = { .n = n, .h = size, .w = size, .c = c, .k = k, .stride = stride, .activation = CONV2D_RELU };
    a.oh = a.ow = conv2d_out_size(size, k, stride, 0);
    struct array x = array_new((size_t)lanes_blocks(n) * size * size * c * 16), dx = array_new(x.n);
    struct array y = array_new((size_t)lanes_blocks(n) * a.oh * a.ow * c * 16), dy = array_new(y.n);
    array_random(x), array_random(dy);
    a.tiles = pool_max_fwd_tiles(a);
    LAUNCH(mf, MAX_FWD, 2, a.tiles, a, x, y);
    const double t0 = shortest(mf);
    a.tiles = pool_max_bwd_tiles(a);
    LAUNCH(mb, MAX_BWD, 4, a.tiles, a, x, y, dy, dx);
    const double t1 = shortest(mb);
    a.tiles = pool_avg_fwd_tiles(a);
    LAUNCH(af, AVG_FWD, 2, a.tiles, a, x, y);
    const double t2 = shortest(af);
    a.tiles = pool_avg_bwd_tiles(a);
    LAUNCH(ab, AVG_BWD, 2, a.tiles, a, dy, dx);
    const double t3 = shortest(ab);
    printf("%-26s max fwd %5.0f us  bwd %5.0f us   avg fwd %5.0f us  bwd %5.0f us\n", name, t0 * 1e6, t1 * 1e6,
           t2 * 1e6, t3 * 1e6);
    free(x.v), free(dx.v), free(y.v), free(dy.v);
}

static void time_lanes(int n, int size)
{
    struct lanes_args a = { n, size, lanes_tiles(n, size) };
    struct array x = array_new((size_t)n * size), l = array_new((size_t)lanes_blocks(n) * size * 16);
    array_random(x);
    LAUNCH(pack, LANES_PACK, 2, a.tiles, a, x, l);
    const double tp = shortest(pack);
    LAUNCH(unpack, LANES_UNPACK, 2, a.tiles, a, l, x);
    const double tu = shortest(unpack);
    const double bytes = 8.0 * n * size;   /* read and written */
    printf("lanes %4d x %-6d          pack %6.0f us %5.1f GB/s   unpack %6.0f us %5.1f GB/s\n", n, size, tp * 1e6,
           bytes / tp * 1e-9, tu * 1e6, bytes / tu * 1e-9);
    free(x.v), free(l.v);
}

static void time_all(void)
{
    time_lanes(128, 784);
    time_lanes(128, 3072);
    time_conv("28x28x1   -> 6  5x5 p2", 128, 28, 1, 6, 5, 2);
    time_conv("14x14x6   -> 16 5x5", 128, 14, 6, 16, 5, 0);
    time_conv("32x32x3   -> 32 3x3 p1", 128, 32, 3, 32, 3, 1);
    time_conv("32x32x3   -> 32, 16 images", 16, 32, 3, 32, 3, 1);
    time_conv("16x16x32  -> 64 3x3 p1", 128, 16, 32, 64, 3, 1);
    time_conv("8x8x64    -> 64 3x3 p1", 128, 8, 64, 64, 3, 1);
    time_pool("pool 28x28x6  2/2", 128, 28, 6, 2, 2);
    time_pool("pool 10x10x16 2/2", 128, 10, 16, 2, 2);
    time_pool("pool 32x32x32 3/2", 128, 32, 32, 3, 2);
}

int main(int argc, char **argv)
{
    int shapes = 200, option;
    while ((option = getopt(argc, argv, "k:n:s:")) != -1)
        if (option == 'k')
            kernel_dir = optarg;
        else if (option == 'n')
            shapes = atoi(optarg);
        else if (option == 's')
            rng = strtoull(optarg, NULL, 0);
        else
            return 2;
    const char *only = optind < argc ? argv[optind] : "";
    for (use_opencl = 0; use_opencl < 2; use_opencl++) {
        if (*only && strcmp(only, use_opencl ? "opencl" : "c"))
            continue;
        if (use_opencl)
            opencl_open();
        memset(worst, 0, sizeof worst);
        for (int i = 0; i < shapes; i++)
            check_lanes(), check_conv(), check_pool();
        printf("%s: %d shapes each, %d wrong; worst error/bound:", use_opencl ? "OpenCL" : "C", shapes, failures);
        for (int k = 0; k < KERNELS; k++)
            printf(" %s %.2g", kernels[k].name, worst[k]);
        printf("\n");
        time_all();
    }
    return failures ? 1 : 0;
}
