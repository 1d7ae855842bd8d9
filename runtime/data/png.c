/* SPDX-License-Identifier: BSD-3-Clause */
/* A sheet of samples as a PNG image. */
#include "../io/atomic.h"
#include "dataset.h"
#include <math.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PIXELS = 32768, GRID_GREY = 64 };

/* The image: samples with a line of one pixel around each. */
struct sheet {
    const struct hsgd_data *d;
    int rows, columns, width, height;
    float lo, scale;
    float *sample;
    uint8_t *pixels;
};

static int check_sheet(struct hsgd_context *ctx, const struct hsgd_data *d, const char *path, int rows, int columns)
{
    struct hsgd_shape shape = hsgd_data_shape(d);
    if (!d || !path || !*path) return hsgd_fail(ctx, EINVAL, "sheet: no %s given", d ? "path" : "data set");
    if (rows < 1 || columns < 1)
        return hsgd_fail(ctx, EINVAL, "sheet \"%s\": rows x columns is %d x %d, both must be positive", path, rows,
                         columns);
    if (shape.c != 1 && shape.c != 3)
        return hsgd_fail(ctx, EINVAL, "sheet \"%s\": samples have %d channels, an image has 1 or 3", path, shape.c);
    if (rows > MAX_PIXELS / (shape.h + 1LL) || columns > MAX_PIXELS / (shape.w + 1LL))
        return hsgd_fail(ctx, EINVAL, "sheet \"%s\": %d x %d samples of %d x %d pixels are more than %d pixels a side",
                         path, rows, columns, shape.h, shape.w, MAX_PIXELS);
    return 0;
}

static int64_t shown(const struct sheet *s)
{
    int64_t cells = (int64_t)s->rows * s->columns;
    return cells < s->d->count ? cells : s->d->count;
}

/* Samples that are not 8-bit are scaled from black, their smallest value, to
 * white, their largest. */
static void find_range(struct sheet *s)
{
    int64_t size = hsgd_data_size(s->d);
    float lo = INFINITY, hi = -INFINITY;
    for (int64_t i = 0; i < shown(s); i++) {
        hsgd_data_gather(s->d, &i, 1, NULL, s->sample, NULL);
        for (int64_t k = 0; k < size; k++) {
            lo = fminf(lo, s->sample[k]);
            hi = fmaxf(hi, s->sample[k]);
        }
    }
    s->lo = lo;
    s->scale = hi > lo ? 255.0f / (hi - lo) : 0.0f;
}

/* Missing values are black. */
static uint8_t level(const struct sheet *s, float v) { return isnan(v) ? 0 : (uint8_t)((v - s->lo) * s->scale + 0.5f); }

static void paint(struct sheet *s, int64_t i)
{
    struct hsgd_shape shape = hsgd_data_shape(s->d);
    int w = shape.w, h = shape.h, c = shape.c;
    int64_t top = i / s->columns * (h + 1) + 1, left = i % s->columns * (w + 1) + 1;
    hsgd_data_gather(s->d, &i, 1, NULL, s->sample, NULL);
    for (int y = 0; y < h; y++) {
        uint8_t *to = s->pixels + ((top + y) * s->width + left) * c;
        for (int k = 0; k < w * c; k++) to[k] = level(s, s->sample[(int64_t)y * w * c + k]);
    }
}

static int write_sheet(struct hsgd_context *ctx, const struct sheet *s, const char *path)
{
    struct hsgd_atomic a;
    int rc = hsgd_atomic_open(ctx, &a, path);
    if (rc < 0) return rc;
    png_image image = { .version = PNG_IMAGE_VERSION,
                        .width = (png_uint_32)s->width,
                        .height = (png_uint_32)s->height };
    image.format = hsgd_type_channels(&s->d->x.type) == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
    if (png_image_write_to_stdio(&image, a.file, 0, s->pixels, 0, NULL)) return hsgd_atomic_commit(ctx, &a);
    hsgd_atomic_abandon(&a);
    return hsgd_fail(ctx, EIO, "sheet \"%s\": cannot write: %s", path, image.message);
}

static int draw(struct hsgd_context *ctx, struct sheet *s, const char *path, size_t bytes)
{
    memset(s->pixels, GRID_GREY, bytes);
    s->lo = 0, s->scale = 255;
    if (!s->d->x.bytes) find_range(s);
    for (int64_t i = 0; i < shown(s); i++) paint(s, i);
    return write_sheet(ctx, s, path);
}

int hsgd_data_sheet(struct hsgd_context *ctx, const struct hsgd_data *d, const char *path, int rows, int columns)
{
    struct hsgd_shape shape = hsgd_data_shape(d);
    int rc = ENTER(ctx, d, path);
    if (!rc) rc = check_sheet(ctx, d, path, rows, columns);
    if (rc < 0) return rc;
    struct sheet s = { .d = d, .rows = rows, .columns = columns };
    s.width = columns * (shape.w + 1) + 1;
    s.height = rows * (shape.h + 1) + 1;
    size_t bytes = (size_t)s.width * (size_t)s.height * (size_t)shape.c;
    s.pixels = malloc(bytes);
    s.sample = malloc((size_t)hsgd_data_size(d) * sizeof *s.sample);
    if (s.pixels && s.sample) rc = draw(ctx, &s, path, bytes);
    else rc = hsgd_fail(ctx, ENOMEM, "sheet \"%s\": out of memory for %d x %d pixels", path, s.width, s.height);
    free(s.pixels);
    free(s.sample);
    return rc;
}
