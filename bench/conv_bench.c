/* SPDX-License-Identifier: BSD-3-Clause */
/* Times the kernels of lanes.cl, conv2d.cl and pool.cl alone, as C and as
 * OpenCL C, without the library: one direction at a time, the minimum of many
 * runs.  test_ops checks them; op_bench times whole operations.
 *
 *     conv_bench [-k codelets] [c|opencl]
 *
 * Build:  make conv_bench
 */
#define _GNU_SOURCE
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lanes.cl"
#include "conv2d.cl"
#include "conv2d_dw.cl"
#include "conv2d_depth.cl"
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

static u32 random_bits(void)
{
    static u64 rng = 1;
    rng = rng * 6364136223846793005u + 1442695040888963407u;
    return (u32)(rng >> 33);
}

static void *checked_alloc(size_t bytes)
{
    void *p = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096 + 4096);
    if (!p) die("out of memory", 0);
    return p;
}

struct array {
    float *v;
    size_t n;
};

static struct array array_new(size_t n) { return (struct array){ checked_alloc(n * sizeof(float)), n }; }

static void array_random(struct array a)
{
    for (size_t i = 0; i < a.n; i++) a.v[i] = (float)random_bits() / 2147483648.0f - 0.5f;
}

/* ---------------------------------------------------------------- launching */

enum {
    LANES_PACK,
    LANES_UNPACK,
    CONV_FWD,
    CONV_DX,
    CONV_DW,
    DEPTH_FWD,
    DEPTH_DX,
    DEPTH_DW,
    MAX_FWD,
    MAX_BWD,
    AVG_FWD,
    AVG_BWD,
    KERNELS
};
static const struct {
    const char *name, *file;
    void (*c)(void *const *, const void *);
} kernels[KERNELS] = {
    { "lanes_pack", "lanes.cl", hsgd_lanes_pack_base },
    { "lanes_unpack", "lanes.cl", hsgd_lanes_unpack_base },
    { "conv2d_fwd", "conv2d.cl", hsgd_conv2d_fwd_base },
    { "conv2d_dx", "conv2d.cl", hsgd_conv2d_dx_base },
    { "conv2d_dw", "conv2d_dw.cl", hsgd_conv2d_dw_base },
    { "conv2d_depth_fwd", "conv2d_depth.cl", hsgd_conv2d_depth_fwd_base },
    { "conv2d_depth_dx", "conv2d_depth.cl", hsgd_conv2d_depth_dx_base },
    { "conv2d_depth_dw", "conv2d_depth.cl", hsgd_conv2d_depth_dw_base },
    { "pool_max_fwd", "pool.cl", hsgd_pool_max_fwd_base },
    { "pool_max_bwd", "pool.cl", hsgd_pool_max_bwd_base },
    { "pool_avg_fwd", "pool.cl", hsgd_pool_avg_fwd_base },
    { "pool_avg_bwd", "pool.cl", hsgd_pool_avg_bwd_base },
};

static const char *kernel_dir = "codelets";
static int use_opencl;
static cl_context context;
static cl_command_queue queue;
static cl_kernel cl_kernels[KERNELS];

/* the text of a file with its #include "…" lines replaced by the files, each once */
static void append_source(FILE *to, const char *name, char *seen, size_t capacity)
{
    char path[512], line[1024], inner[256];
    if (strstr(seen, name)) return;
    strncat(seen, name, capacity - strlen(seen) - 1);
    snprintf(path, sizeof path, "%s/%s", kernel_dir, name);
    FILE *f = fopen(path, "r");
    if (!f) die(path, 0);
    while (fgets(line, sizeof line, f))
        if (sscanf(line, "#include \"%255[^\"]\"", inner) == 1) append_source(to, inner, seen, capacity);
        else fputs(line, to);
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
    if (!e) e = clBuildProgram(p, 1, &device, "-cl-std=CL1.2 -cl-mad-enable", NULL, NULL);
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
    if (!e) e = clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 1, &device, NULL);
    if (e) die("no OpenCL device", e);
    context = clCreateContext(NULL, 1, &device, NULL, NULL, &e);
    queue = clCreateCommandQueue(context, device, 0, &e);
    for (int k = 0; k < KERNELS; k++) {
        cl_program p = build(device, kernels[k].file);
        cl_kernels[k] = clCreateKernel(p, kernels[k].name, &e);
        if (e) die(kernels[k].name, e);
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
        l->m[i] = clCreateBuffer(context, CL_MEM_USE_HOST_PTR, l->a[i].n * sizeof(float), l->a[i].v, &e);
        if (e) die("clCreateBuffer", e);
        clSetKernelArg(cl_kernels[l->kernel], (cl_uint)(2 * i), sizeof(cl_mem), &l->m[i]);
        clSetKernelArg(cl_kernels[l->kernel], (cl_uint)(2 * i + 1), sizeof offset, &offset);
    }
    if (use_opencl) clSetKernelArg(cl_kernels[l->kernel], (cl_uint)(2 * l->count), l->args_size, l->args);
}

static void launch_run(struct launch *l)
{
    if (use_opencl) {
        size_t global = (size_t)(l->tiles < 4 ? l->tiles : 4), local = 1;
        int e = clEnqueueNDRangeKernel(queue, cl_kernels[l->kernel], 1, NULL, &global, &local, 0, NULL, NULL);
        if (e || (e = clFinish(queue))) die(kernels[l->kernel].name, e);
    } else {
        void *b[6];
        for (int i = 0; i < l->count; i++) b[i] = l->a[i].v;
        kernels[l->kernel].c(b, l->args);
    }
}

static void launch_close(struct launch *l)
{
    for (int i = 0; use_opencl && i < l->count; i++) clReleaseMemObject(l->m[i]);
}

#define ARRAYS_(...) \
    { \
        __VA_ARGS__ \
    }
#define LAUNCH(name, k, n, tile_count, arg, ...) \
    struct launch name = { \
        .kernel = k, .count = n, .tiles = tile_count, .a = ARRAYS_(__VA_ARGS__), .args = &arg, .args_size = sizeof arg \
    }

/* ---------------------------------------------------------------- timing */

/* the minimum of many runs, in seconds */
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

static void time_conv(const char *name, int n, int size, int c, int o, int k, int stride, int groups)
{
    struct conv2d_args a = { .n = n,
                             .h = size,
                             .w = size,
                             .c = c,
                             .o = o,
                             .kh = k,
                             .kw = k,
                             .stride_h = stride,
                             .stride_w = stride,
                             .dilation_h = 1,
                             .dilation_w = 1,
                             .top = k == 5 && size < 28 ? 0 : k / 2,
                             .groups = groups,
                             .activation = ACTIVATION_RELU,
                             .splits = 1,
                             .chunk = 64 };
    a.left = a.top;
    a.oh = a.ow = (size + 2 * a.top - k) / stride + 1;
    const int depth = conv2d_depthwise(a);
    struct array x = array_new((size_t)lanes_blocks(n) * size * size * c * 16), dx = array_new(x.n);
    struct array y = array_new((size_t)lanes_blocks(n) * a.oh * a.ow * o * 16), dy = array_new(y.n);
    struct array w = array_new((size_t)o * conv2d_weights(a)), dw = array_new(w.n);
    struct array b = array_new((size_t)o), db = array_new(b.n);
    struct array work = array_new(depth ? depth_dw_work(a) : conv2d_dw_work(a));
    array_random(x), array_random(dy), array_random(w), array_random(b);
    const double flops = 2.0 * n * a.oh * a.ow * o * conv2d_weights(a);
    a.tiles = depth ? depth_fwd_tiles(a) : conv2d_fwd_tiles(a);
    LAUNCH(fwd, depth ? DEPTH_FWD : CONV_FWD, 4, a.tiles, a, x, w, b, y);
    const double tf = shortest(fwd);
    a.activation = ACTIVATION_NONE;
    a.tiles = depth ? depth_dx_tiles(a) : conv2d_dx_tiles(a);
    LAUNCH(back, depth ? DEPTH_DX : CONV_DX, 4, a.tiles, a, dy, w, b, dx);
    const double tx = shortest(back);
    a.tiles = depth ? depth_dw_tiles(a) : conv2d_dw_tiles(a);
    LAUNCH(weights, CONV_DW, 5, a.tiles, a, x, dy, dw, db, work);
    LAUNCH(depth_weights, DEPTH_DW, 3, a.tiles, a, x, dy, work);
    const double tw = shortest(depth ? depth_weights : weights);
    printf("%-26s fwd %7.0f us %5.1f GF/s   dx %7.0f us %5.1f GF/s   dw %7.0f us %5.1f GF/s\n", name, tf * 1e6,
           flops / tf * 1e-9, tx * 1e6, flops / tx * 1e-9, tw * 1e6, flops / tw * 1e-9);
    struct array all[] = { x, dx, y, dy, w, dw, b, db, work };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i].v);
}

static void time_pool(const char *name, int n, int size, int c, int k, int stride)
{
    struct pool_args a = { .n = n,
                           .h = size,
                           .w = size,
                           .c = c,
                           .kh = k,
                           .kw = k,
                           .stride_h = stride,
                           .stride_w = stride,
                           .dilation_h = 1,
                           .dilation_w = 1,
                           .activation = ACTIVATION_RELU };
    a.oh = a.ow = (size - k) / stride + 1;
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
    const double bytes = 8.0 * n * size; /* read and written */
    printf("lanes %4d x %-6d          pack %6.0f us %5.1f GB/s   unpack %6.0f us %5.1f GB/s\n", n, size, tp * 1e6,
           bytes / tp * 1e-9, tu * 1e6, bytes / tu * 1e-9);
    free(x.v), free(l.v);
}

static void time_all(void)
{
    time_lanes(128, 784);
    time_lanes(128, 3072);
    time_conv("28x28x1   -> 6  5x5 p2", 128, 28, 1, 6, 5, 1, 1);
    time_conv("14x14x6   -> 16 5x5", 128, 14, 6, 16, 5, 1, 1);
    time_conv("32x32x3   -> 32 3x3 p1", 128, 32, 3, 32, 3, 1, 1);
    time_conv("32x32x3   -> 32, 16 images", 16, 32, 3, 32, 3, 1, 1);
    time_conv("16x16x32  -> 64 3x3 p1", 128, 16, 32, 64, 3, 1, 1);
    time_conv("8x8x64    -> 64 3x3 p1", 128, 8, 64, 64, 3, 1, 1);
    time_conv("32x32x32  -> 64 1x1", 128, 32, 32, 64, 1, 1, 1);
    time_conv("16x16x128 -> 128 1x1", 128, 16, 128, 128, 1, 1, 1);
    time_conv("16x16x64  -> 64 3x3 g16", 128, 16, 64, 64, 3, 1, 16);
    time_conv("32x32x32  depth 3x3", 128, 32, 32, 32, 3, 1, 32);
    time_conv("32x32x64  depth 3x3 /2", 128, 32, 64, 64, 3, 2, 64);
    time_conv("16x16x128 depth 3x3", 128, 16, 128, 128, 3, 1, 128);
    time_conv("8x8x256   depth 3x3", 128, 8, 256, 256, 3, 1, 256);
    time_conv("8x8x256   depth 5x5", 128, 8, 256, 256, 5, 1, 256);
    time_pool("pool 28x28x6  2/2", 128, 28, 6, 2, 2);
    time_pool("pool 10x10x16 2/2", 128, 10, 16, 2, 2);
    time_pool("pool 32x32x32 3/2", 128, 32, 32, 3, 2);
}

int main(int argc, char **argv)
{
    int option;
    while ((option = getopt(argc, argv, "k:")) != -1)
        if (option == 'k') kernel_dir = optarg;
        else return 2;
    const char *only = optind < argc ? argv[optind] : "";
    for (use_opencl = 0; use_opencl < 2; use_opencl++) {
        if (*only && strcmp(only, use_opencl ? "opencl" : "c")) continue;
        if (use_opencl) opencl_open();
        printf("%s\n", use_opencl ? "OpenCL" : "C");
        time_all();
    }
    return 0;
}
