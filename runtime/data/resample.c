/* SPDX-License-Identifier: BSD-3-Clause */
#include "resample.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* One direction: value i of the result is the sum of weight[i * taps + k] times
 * value first[i] + k. */
struct filter {
    int taps;
    int *first;
    float *weight;
};

static void filter_free(struct filter *f)
{
    free(f->first);
    free(f->weight);
}

/* From `length` of n pixels, beginning at `start`, to `out` pixels. */
static int filter_make(struct filter *f, int n, float start, float length, int out)
{
    float step = length / (float)out, reach = step > 1 ? step : 1;
    f->taps = 2 * (int)ceilf(reach) + 1;
    f->first = malloc((size_t)out * sizeof *f->first);
    f->weight = calloc((size_t)out * (size_t)f->taps, sizeof *f->weight);
    if (!f->first || !f->weight) return -ENOMEM;
    for (int i = 0; i < out; i++) {
        float middle = start + ((float)i + 0.5f) * step, sum = 0, *weight = f->weight + (size_t)i * (size_t)f->taps;
        int low = (int)floorf(middle - reach + 0.5f), high = (int)floorf(middle + reach + 0.5f);
        low = low < 0 ? 0 : low;
        high = high > n ? n : high;
        f->first[i] = low;
        for (int k = low; k < high; k++) sum += weight[k - low] = fmaxf(0, 1 - fabsf((float)k + 0.5f - middle) / reach);
        for (int k = low; k < high; k++) weight[k - low] /= sum;
    }
    return 0;
}

static uint8_t rounded(float v) { return v <= 0 ? 0 : v >= 255 ? 255 : (uint8_t)(v + 0.5f); }

/* Columns of one row. */
static void across(const struct filter *f, const uint8_t *row, int w, int c, float *to, int to_w)
{
    for (int x = 0; x < to_w; x++)
        for (int k = 0; k < c; k++) {
            float sum = 0;
            for (int t = 0; t < f->taps && f->first[x] + t < w; t++)
                sum += f->weight[x * f->taps + t] * (float)row[(f->first[x] + t) * c + k];
            to[x * c + k] = sum;
        }
}

/* Rows, from those of `middle`, which begins with row `begin` of the image. */
static void down(const struct filter *f, const float *middle, int begin, int end, size_t width, uint8_t *to, int to_h)
{
    for (int y = 0; y < to_h; y++)
        for (size_t i = 0; i < width; i++) {
            float sum = 0;
            for (int t = 0; t < f->taps && f->first[y] + t < end; t++)
                sum += f->weight[y * f->taps + t] * middle[(size_t)(f->first[y] + t - begin) * width + i];
            to[(size_t)y * width + i] = rounded(sum);
        }
}

int resample(const uint8_t *from, int h, int w, int c, struct box box, uint8_t *to, int to_h, int to_w)
{
    struct filter columns = { 0 }, rows = { 0 };
    size_t width = (size_t)to_w * (size_t)c;
    int err = filter_make(&columns, w, box.left, box.w, to_w);
    if (!err) err = filter_make(&rows, h, box.top, box.h, to_h);
    int begin = err ? 0 : rows.first[0], end = err ? 0 : rows.first[to_h - 1] + rows.taps;
    end = end < h ? end : h;
    float *middle = err ? NULL : malloc((size_t)(end - begin) * width * sizeof *middle);
    for (int y = begin; middle && y < end; y++)
        across(&columns, from + (size_t)y * (size_t)w * (size_t)c, w, c, middle + (size_t)(y - begin) * width, to_w);
    if (middle) down(&rows, middle, begin, end, width, to, to_h);
    filter_free(&columns);
    filter_free(&rows);
    free(middle);
    return middle ? 0 : -ENOMEM;
}

int resample_centre(const uint8_t *from, int h, int w, int c, uint8_t *to, int size)
{
    int side = h < w ? h : w;
    struct box box = { (float)(h - side) / 2, (float)(w - side) / 2, (float)side, (float)side };
    return resample(from, h, w, c, box, to, size, size);
}
