/* SPDX-License-Identifier: BSD-3-Clause */
/* Convolutions by plain loops, between tensors in device memory. */
#include "convolution.h"

#include <stdio.h>
#include <string.h>

/* What has been done; tests look at it. */
__attribute__((visibility("default"))) unsigned long emu_convolutions[CONVOLVE_KINDS];

struct views {
    float *x, *w, *y;
};

size_t tensor_bytes(const struct tensor *t)
{
    return (size_t)t->n * (size_t)t->c * (size_t)t->h * (size_t)t->w * sizeof(float);
}

static struct views translate(const struct convolution *v)
{
    static const char *const calls[] = { "cudnnConvolutionForward", "cudnnConvolutionBackwardData",
                                         "cudnnConvolutionBackwardFilter" };
    emu_doing(calls[v->kind], "");
    if (v->workspace_bytes) emu_translate(v->workspace, v->workspace_bytes, v->device, "workspace");
    return (struct views){ emu_translate(v->memory[0], tensor_bytes(&v->x), v->device, "x"),
                           emu_translate(v->memory[1], tensor_bytes(&v->w), v->device, "w"),
                           emu_translate(v->memory[2], tensor_bytes(&v->y), v->device, "y") };
}

void convolution_check(const struct convolution *v) { translate(v); }

static size_t place(const struct tensor *t, int n, int c, int h, int w)
{
    return (size_t)n * t->along_n + (size_t)c * t->along_c + (size_t)h * t->along_h + (size_t)w * t->along_w;
}

/* One product: an element of each. */
static void multiply(const struct convolution *v, const struct views *at, size_t x, size_t w, size_t y)
{
    float *to = v->kind == CONVOLVE ? &at->y[y] : v->kind == CONVOLVE_DATA ? &at->x[x] : &at->w[w];
    float a = v->kind == CONVOLVE_DATA ? at->y[y] : at->x[x], b = v->kind == CONVOLVE_FILTER ? at->y[y] : at->w[w];
    *to += v->tf32 ? emu_tf32(a) * emu_tf32(b) : a * b;
}

/* All products of an image's output pixel. */
static void pixel(const struct convolution *v, const struct views *at, int n, int oy, int ox)
{
    for (int ky = 0; ky < v->w.h; ky++)
        for (int kx = 0; kx < v->w.w; kx++) {
            int iy = oy * v->stride_h - v->pad_h + ky, ix = ox * v->stride_w - v->pad_w + kx;
            if (iy < 0 || iy >= v->x.h || ix < 0 || ix >= v->x.w) continue;
            for (int o = 0; o < v->w.n; o++)
                for (int c = 0; c < v->x.c; c++)
                    multiply(v, at, place(&v->x, n, c, iy, ix), place(&v->w, o, c, ky, kx), place(&v->y, n, o, oy, ox));
        }
}

void convolution_run(void *data)
{
    const struct convolution *v = data;
    struct views at = translate(v);
    float *out = v->kind == CONVOLVE ? at.y : v->kind == CONVOLVE_DATA ? at.x : at.w;
    const struct tensor *t = v->kind == CONVOLVE ? &v->y : v->kind == CONVOLVE_DATA ? &v->x : &v->w;
    if (v->workspace_bytes)
        memset(emu_translate(v->workspace, v->workspace_bytes, v->device, "workspace"), 0xff, v->workspace_bytes);
    memset(out, 0, tensor_bytes(t));
    for (int n = 0; n < v->x.n; n++)
        for (int oy = 0; oy < v->y.h; oy++)
            for (int ox = 0; ox < v->y.w; ox++) pixel(v, &at, n, oy, ox);
    emu_convolutions[v->kind]++;
}

/* HSGD_CUDAEMU_REPORT=1: what has been done, when the process ends. */
__attribute__((destructor)) static void report(void)
{
    static const char *const names[] = { "forward", "backward data", "backward filter" };
    for (int i = 0; i < CONVOLVE_KINDS && emu_environment("HSGD_CUDAEMU_REPORT", 0); i++)
        printf("emulated cuDNN: %-16s %8lu convolutions\n", names[i], emu_convolutions[i]);
}
