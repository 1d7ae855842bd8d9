/* SPDX-License-Identifier: BSD-3-Clause */
/* All augmentations of a sample are composed into one affine map from positions
 * in the result to positions in the image, so that it is interpolated only once.
 * Source of the resized crop: Szegedy et al., "Going deeper with
 * convolutions", CVPR 2015, in torchvision's form. */
#include "augment.h"

#include "base/rng.h"
#include "base/sized.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define RADIANS (3.14159265358979 / 180)

enum { MAX_CROP = 1 << 14, TRIES = 10, DRAWS_PER_TRY = 4 };

/* The random numbers of a sample, by index; from RESIZED on there are
 * TRIES * DRAWS_PER_TRY. */
enum draw { FLIP, CROP_Y, CROP_X, ANGLE, RESIZED = 8 };

/* Position (y, x) of the result is (y0 + yy y + yx x, x0 + xy y + xx x) in the
 * image.  Pixels are 1 apart; the centre of the first is at 0.5. */
struct map {
    float y0, yy, yx, x0, xy, xx;
};

bool augment_any(const struct hsgd_augment_options *how)
{
    return how->crop || how->flip || how->resized_crop != 0 || how->rotate != 0;
}

int augment_check(struct hsgd_context *ctx, const struct hsgd_augment_options *how, struct hsgd_shape shape)
{
    if (how->crop < 0 || how->crop > MAX_CROP)
        return hsgd_fail(ctx, EINVAL, "crop must be from 0 to %d, not %d", MAX_CROP, how->crop);
    if (!(how->resized_crop >= 0 && how->resized_crop <= 1))
        return hsgd_fail(ctx, EINVAL, "resized_crop must be from 0 to 1, not %g", (double)how->resized_crop);
    if (!(how->rotate >= 0 && how->rotate <= 180))
        return hsgd_fail(ctx, EINVAL, "rotate must be from 0 to 180, not %g", (double)how->rotate);
    if (how->crop && how->resized_crop > 0)
        return hsgd_fail(ctx, EINVAL, "crop %d and resized_crop %g exclude each other", how->crop,
                         (double)how->resized_crop);
    if (augment_any(how) && shape.h == 1 && shape.w == 1)
        return hsgd_fail(ctx, EINVAL, "crop, resized_crop, flip and rotate are for images, not for samples of %dx%dx%d",
                         shape.h, shape.w, shape.c);
    return 0;
}

int augment_check_boxes(struct hsgd_context *ctx, const struct hsgd_augment_options *how, const struct hsgd_data *d)
{
    if (!augment_any(how) || !data_field(d, "boxes")) return 0;
    return hsgd_fail(ctx, EINVAL, "data \"%s\" has boxes, which crop, resized_crop, flip and rotate do not move",
                     d->name);
}

uint64_t augment_key(uint64_t seed, int64_t epoch) { return hsgd_random(seed, 0xa6e4e57ull + (uint64_t)epoch); }

/* ---------------------------------------------------------------- choosing */

static float draw(uint64_t key, int what, float low, float high)
{
    return low + (high - low) * hsgd_random_float(key, (uint64_t)what);
}

/* Uniform in 0..most. */
static int draw_integer(uint64_t key, int what, int max)
{
    return (int)(hsgd_random(key, (uint64_t)what) % ((uint64_t)max + 1));
}

struct crop {
    int y, x, h, w;
};

/* The largest centred crop with an aspect ratio from 3:4 to 4:3. */
static struct crop centre_crop(int h, int w)
{
    struct crop p = { .h = h, .w = w };
    if (3 * w > 4 * h) p.w = (int)lroundf((float)h * 4 / 3);
    if (3 * h > 4 * w) p.h = (int)lroundf((float)w * 4 / 3);
    p.y = (h - p.h) / 2;
    p.x = (w - p.w) / 2;
    return p;
}

static struct crop choose_crop(uint64_t key, float min_area, int h, int w)
{
    for (int i = 0; i < TRIES; i++) {
        int at = RESIZED + i * DRAWS_PER_TRY;
        float area = (float)h * (float)w * draw(key, at, min_area, 1);
        float ratio = expf(draw(key, at + 1, logf(3.0f / 4), logf(4.0f / 3)));
        struct crop p = { .h = (int)lroundf(sqrtf(area / ratio)), .w = (int)lroundf(sqrtf(area * ratio)) };
        if (p.h < 1 || p.w < 1 || p.h > h || p.w > w) continue;
        p.y = draw_integer(key, at + 2, h - p.h);
        p.x = draw_integer(key, at + 3, w - p.w);
        return p;
    }
    return centre_crop(h, w);
}

/* Rotates the image by an angle about its centre. */
static void rotate(struct map *m, float angle, int h, int w)
{
    float c = cosf(angle), s = sinf(angle), cy = (float)h / 2, cx = (float)w / 2;
    *m = (struct map){ cy + c * (m->y0 - cy) - s * (m->x0 - cx), c * m->yy - s * m->xy, c * m->yx - s * m->xx,
                       cx + s * (m->y0 - cy) + c * (m->x0 - cx), s * m->yy + c * m->xy, s * m->yx + c * m->xx };
}

/* The map leads from the result back to the image, so the last augmentation comes first. */
static struct map choose_map(const struct hsgd_augment_options *how, uint64_t key, int h, int w)
{
    struct map m = { .yy = 1, .xx = 1 };
    if (how->flip && draw_integer(key, FLIP, 1)) m.x0 = (float)w, m.xx = -1;
    if (how->crop) {
        m.y0 += (float)(draw_integer(key, CROP_Y, 2 * how->crop) - how->crop);
        m.x0 += (float)(draw_integer(key, CROP_X, 2 * how->crop) - how->crop);
    }
    if (how->resized_crop > 0) {
        struct crop p = choose_crop(key, how->resized_crop, h, w);
        float y = (float)p.h / (float)h, x = (float)p.w / (float)w;
        m = (struct map){ (float)p.y + y * m.y0, y * m.yy, 0, (float)p.x + x * m.x0, 0, x * m.xx };
    }
    if (how->rotate > 0) rotate(&m, (float)RADIANS * draw(key, ANGLE, -how->rotate, how->rotate), h, w);
    return m;
}

/* ----------------------------------------------------------------- applying */

/* The two neighbours of a position and the weight of the second; `outside`:
 * it is more than half a pixel beyond the edge. */
struct between {
    int low, high;
    float weight;
    bool outside;
};

static struct between find(float at, int n)
{
    struct between b = { .outside = at < -0.5f || at > (float)n - 0.5f };
    float place = at < 0 ? 0 : at > (float)(n - 1) ? (float)(n - 1) : at;
    b.low = (int)place;
    b.high = b.low + 1 < n ? b.low + 1 : b.low;
    b.weight = place - (float)b.low;
    return b;
}

static void pixel(const float *from, struct hsgd_shape s, float y, float x, float *to)
{
    struct between v = find(y, s.h), u = find(x, s.w);
    const float *top = from + (size_t)v.low * s.w * s.c, *bottom = from + (size_t)v.high * s.w * s.c;
    for (int k = 0; k < s.c; k++) {
        float a = top[u.low * s.c + k], b = top[u.high * s.c + k];
        float c = bottom[u.low * s.c + k], d = bottom[u.high * s.c + k];
        float upper = a + u.weight * (b - a), lower = c + u.weight * (d - c);
        to[k] = v.outside || u.outside ? 0 : upper + v.weight * (lower - upper);
    }
}

/* A translation by whole pixels, perhaps mirrored: all that crop and flip need,
 * and ten times as fast as interpolation. */
static bool is_shift(const struct map *m)
{
    return m->yy == 1 && fabsf(m->xx) == 1 && m->yx == 0 && m->xy == 0 && m->y0 == floorf(m->y0) &&
           m->x0 == floorf(m->x0);
}

static void shift_row(int x0, bool flip, const float *from, int w, int c, float *to)
{
    for (int x = 0; x < w; x++, to += c) {
        int place = flip ? x0 - 1 - x : x0 + x;
        bool inside = place >= 0 && place < w;
        for (int k = 0; k < c; k++) to[k] = inside ? from[place * c + k] : 0;
    }
}

static void shift(const struct map *m, const float *from, struct hsgd_shape s, float *to)
{
    size_t row = (size_t)s.w * (size_t)s.c;
    for (int y = 0; y < s.h; y++, to += row) {
        int place = y + (int)m->y0;
        if (place < 0 || place >= s.h) memset(to, 0, row * sizeof *to);
        else shift_row((int)m->x0, m->xx < 0, from + (size_t)place * row, s.w, s.c, to);
    }
}

static void interpolate(const struct map *m, const float *from, struct hsgd_shape s, float *to)
{
    for (int y = 0; y < s.h; y++)
        for (int x = 0; x < s.w; x++, to += s.c) {
            float v = (float)y + 0.5f, u = (float)x + 0.5f;
            pixel(from, s, m->y0 + m->yy * v + m->yx * u - 0.5f, m->x0 + m->xy * v + m->xx * u - 0.5f, to);
        }
}

/* x, and images of its height and width, which are mapped as it is. */
static bool is_mapped(const struct hsgd_data *d, const struct data_field *f)
{
    struct hsgd_shape s = hsgd_data_shape(d);
    bool image = f->type.dtype == HSGD_F32 && f->type.rank == 3;
    return f == &d->x || (image && f->type.dim[0] == s.h && f->type.dim[1] == s.w);
}

/* The raw values of a sample in `raw`, and augmented in `room`. */
static void augment_sample(const struct augmentation *a, const struct hsgd_data *d, const struct data_field *f,
                           int64_t index, float *raw, float *room)
{
    uint64_t key = hsgd_random(a->key, (uint64_t)index);
    struct hsgd_shape s = type_shape(&f->type);
    struct map m = choose_map(&a->how, key, s.h, s.w);
    field_gather(f, d->index, &index, 1, NULL, raw);
    (is_shift(&m) ? shift : interpolate)(&m, raw, s, room);
}

int augment_gather_field(const struct augmentation *a, const struct hsgd_data *d, int field, const int64_t *index,
                         int n, const struct hsgd_normalisation *norm, void *to)
{
    const struct data_field *f = &d->field[field];
    int64_t size = hsgd_type_size(&f->type), first = 0;
    if (!is_mapped(d, f)) return hsgd_data_gather_field(d, field, index, n, norm, to);
    float *room = size <= hsgd_data_size(d) ? a->room : malloc((size_t)size * sizeof *room), *x = to;
    if (!room) return -ENOMEM;
    struct data_field augmented = { .type = f->type, .values = room };
    for (int i = 0; i < n; i++, x += size) {
        augment_sample(a, d, f, index[i], x, room);
        field_gather(&augmented, NULL, &first, 1, norm, x);
    }
    if (room != a->room) free(room);
    return 0;
}

/* ------------------------------------------------------------- augmented set */

static int fill_mapped(const struct augmentation *a, const struct hsgd_data *d, const struct data_field *f,
                       struct data_field *to, int64_t count)
{
    int64_t size = hsgd_type_size(&f->type);
    float *raw = malloc((size_t)size * sizeof *raw), *room = malloc((size_t)size * sizeof *room);
    for (int64_t i = 0; raw && room && i < count; i++) {
        augment_sample(a, d, f, i, raw, room);
        if (f->bytes)
            for (int64_t k = 0; k < size; k++) ((uint8_t *)to->owned)[i * size + k] = (uint8_t)(255 * room[k] + 0.5f);
        else memcpy((float *)to->owned + i * size, room, (size_t)size * sizeof *room);
    }
    bool ok = raw && room;
    to->missing = f->missing;
    free(raw);
    free(room);
    return ok ? 0 : -ENOMEM;
}

/* Values as they are stored. */
static int fill_copied(const struct hsgd_data *d, const struct data_field *f, struct data_field *to, int64_t count)
{
    size_t bytes = (size_t)hsgd_type_size(&f->type) * (f->bytes ? 1 : sizeof(float));
    size_t origin = (size_t)hsgd_type_channels(&f->type) * sizeof *f->origin;
    const char *from = f->bytes     ? (const char *)f->bytes
                       : f->numbers ? (const char *)f->numbers
                                    : (const char *)f->values;
    for (int64_t i = 0; i < count; i++)
        memcpy((char *)to->owned + (size_t)i * bytes, from + (size_t)hsgd_data_place(d, i) * bytes, bytes);
    to->missing = f->missing;
    if (!f->origin) return 0;
    to->owned_origin = malloc(origin);
    to->origin = to->owned_origin ? memcpy(to->owned_origin, f->origin, origin) : NULL;
    return to->origin ? 0 : -ENOMEM;
}

static int fill(const struct augmentation *a, const struct hsgd_data *d, struct hsgd_data *made)
{
    int err = 0;
    for (int i = 0; !err && i < d->fields; i++) {
        const struct data_field *f = &d->field[i];
        err = is_mapped(d, f) ? fill_mapped(a, d, f, &made->field[i], made->count)
                              : fill_copied(d, f, &made->field[i], made->count);
    }
    return err;
}

/* A set like d with memory for its first `count` samples. */
static struct hsgd_data *new_like(const struct hsgd_data *d, int64_t count)
{
    struct hsgd_data *made = hsgd_data_new(NULL, d->name);
    if (!made) return NULL;
    hsgd_data_describe(made, d);
    made->count = count < d->count ? count : d->count;
    bool ok = true;
    for (int i = 0; ok && i < made->fields; i++) ok = field_allocate(&made->field[i], &d->field[i], made->count);
    if (!ok) hsgd_data_destroy(&made);
    return made;
}

int hsgd_augment_defaults(struct hsgd_augment_options *o, size_t size)
{
    return SIZED_GIVE(NULL, hsgd_augment_options, o, size, &(struct hsgd_augment_options){ 0 });
}

struct hsgd_data *hsgd_data_augment(struct hsgd_context *ctx, const struct hsgd_data *d,
                                    const struct hsgd_augment_options *options, uint64_t seed, int64_t epoch,
                                    int64_t count)
{
    struct hsgd_augment_options how = { 0 };
    if (context_check(ctx)) return NULL;
    if (!d || !options || count < 1) {
        const char *what = !d ? "no data set given" : !options ? "no options given" : "count is below 1";
        hsgd_fail(ctx, EINVAL, "augment: %s", what);
        return NULL;
    }
    if (SIZED_TAKE(ctx, hsgd_augment_options, &how, options) || augment_check(ctx, &how, hsgd_data_shape(d)) ||
        augment_check_boxes(ctx, &how, d))
        return NULL;
    if (d->x.type.dtype != HSGD_F32) {
        hsgd_fail(ctx, EINVAL, "augment: the samples of \"%s\" are no images", d->name);
        return NULL;
    }
    struct augmentation a = { how, augment_key(seed, epoch), NULL };
    struct hsgd_data *made = new_like(d, count);
    if (made && fill(&a, d, made)) hsgd_data_destroy(&made);
    if (!made) hsgd_fail(ctx, ENOMEM, "data set \"%s\": out of memory for %lld samples", d->name, (long long)count);
    return made;
}
