/* SPDX-License-Identifier: BSD-3-Clause */
/* The built-in data set "shapes": scenes of coloured rectangles, discs and triangles with
 * their boxes.  Integer arithmetic, so that the pixels are the same on every machine. */
#include "dataset.h"

#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

enum { SIDE = 64, CHANNELS = 3, PIXELS = SIDE * SIDE * CHANNELS, OBJECTS = 6, BOX = 5, KINDS = 3 };
enum { MIN_SIDE = 10, MAX_SIDE = 26, SUB = 4 /* points of a pixel, each way */, DRAWS_BITS = 13, TRIES = 16 };
#define LAST_SAMPLE (INT64_C(1) << 50)

enum kind { RECTANGLE, DISC, TRIANGLE };
static const char *const kind_names[KINDS] = { "rectangle", "disc", "triangle" };
static const char *const column_names[BOX] = { "class", "x", "y", "w", "h" };

/* Random numbers of one sample. */
struct stream {
    uint64_t key, next;
};

static int uniform(struct stream *s, int low, int high)
{
    return low + (int)(hsgd_random(s->key, s->next++) % (uint64_t)(high - low + 1));
}

/* An object: its box in pixels, and where a triangle has its top. */
struct object {
    enum kind kind;
    int x, y, w, h, top;
    int colour[CHANNELS];
};

/* Whether a point, in 1/SUB pixels (and a half) from the box's corner, is inside. */
static bool is_inside(const struct object *o, int x, int y)
{
    int w = 2 * SUB * o->w, h = 2 * SUB * o->h, px = 2 * x + 1, py = 2 * y + 1;
    int dx = 2 * px - w, dy = 2 * py - h, top = 2 * SUB * o->top;
    if (o->kind == RECTANGLE) return true;
    if (o->kind == DISC) return (int64_t)dx * dx + (int64_t)dy * dy <= (int64_t)w * w;
    return (int64_t)(top - px) * h <= (int64_t)top * py && (int64_t)(px - top) * h <= (int64_t)(w - top) * py;
}

static void draw_object(const struct object *o, uint8_t *pixels)
{
    for (int y = 0; y < o->h; y++)
        for (int x = 0; x < o->w; x++) {
            int covered = 0;
            for (int k = 0; k < SUB * SUB; k++) covered += is_inside(o, SUB * x + k % SUB, SUB * y + k / SUB);
            uint8_t *to = pixels + ((o->y + y) * SIDE + o->x + x) * CHANNELS;
            for (int c = 0; c < CHANNELS; c++)
                to[c] = (uint8_t)((o->colour[c] * covered + to[c] * (SUB * SUB - covered)) / (SUB * SUB));
        }
}

/* ------------------------------------------------------------------- scenes */

/* A colour that differs from the background. */
static void choose_colour(struct stream *s, const int *background, int *colour)
{
    int difference = 0;
    for (int tries = 0; difference < 160 && tries < TRIES; tries++) {
        difference = 0;
        for (int c = 0; c < CHANNELS; c++) {
            colour[c] = uniform(s, 0, 255);
            difference += abs(colour[c] - background[c]);
        }
    }
}

/* More than a fifth of the smaller box. */
static bool overlap(const struct object *a, const struct object *b)
{
    int left = a->x > b->x ? a->x : b->x, right = a->x + a->w < b->x + b->w ? a->x + a->w : b->x + b->w;
    int upper = a->y > b->y ? a->y : b->y, lower = a->y + a->h < b->y + b->h ? a->y + a->h : b->y + b->h;
    int smaller = a->w * a->h < b->w * b->h ? a->w * a->h : b->w * b->h;
    return right > left && lower > upper && 5 * (right - left) * (lower - upper) > smaller;
}

/* A place beside the n objects that are there; false: none was found. */
static bool place(struct stream *s, struct object *o, int n)
{
    struct object *new = &o[n];
    new->kind = (enum kind)uniform(s, 0, KINDS - 1);
    new->w = uniform(s, MIN_SIDE, MAX_SIDE);
    new->h = new->kind == DISC ? new->w : uniform(s, MIN_SIDE, MAX_SIDE);
    new->top = uniform(s, 0, new->w);
    for (int tries = 0; tries < TRIES; tries++) {
        bool free = true;
        new->x = uniform(s, 0, SIDE - new->w);
        new->y = uniform(s, 0, SIDE - new->h);
        for (int i = 0; free && i < n; i++) free = !overlap(new, &o[i]);
        if (free) return true;
    }
    return false;
}

static void draw_background(struct stream *s, const int *colour, uint8_t *pixels)
{
    uint64_t bits = 0;
    for (int i = 0; i < PIXELS; i++, bits >>= 8) {
        if (i % 8 == 0) bits = hsgd_random(s->key, s->next++);
        int v = colour[i % CHANNELS] + (int)(bits & 15) - 8;
        pixels[i] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
    }
}

/* Centre and size as fractions of the image; class -1: no object. */
static void write_boxes(const struct object *o, int n, float *box)
{
    for (int i = 0; i < OBJECTS; i++, box += BOX) {
        const float at[BOX] = { (float)o[i].kind, ((float)o[i].x + (float)o[i].w / 2) / SIDE,
                                ((float)o[i].y + (float)o[i].h / 2) / SIDE, (float)o[i].w / SIDE,
                                (float)o[i].h / SIDE };
        const float none[BOX] = { -1, 0, 0, 0, 0 };
        memcpy(box, i < n ? at : none, sizeof at);
    }
}

static void draw_scene(uint64_t seed, uint64_t sample, uint8_t *pixels, float *box)
{
    struct stream s = { hsgd_random(seed, 0x5ca1ab1e), sample << DRAWS_BITS };
    struct object o[OBJECTS] = { { 0 } };
    int background[CHANNELS], n = 0, wanted = uniform(&s, 1, OBJECTS);
    for (int c = 0; c < CHANNELS; c++) background[c] = uniform(&s, 0, 255);
    draw_background(&s, background, pixels);
    for (int i = 0; i < wanted; i++) {
        if (!place(&s, o, n)) continue;
        choose_colour(&s, background, o[n].colour);
        draw_object(&o[n++], pixels);
    }
    write_boxes(o, n, box);
}

/* ------------------------------------------------------------------- public */

static int allocate(struct hsgd_context *ctx, struct hsgd_data *d)
{
    d->x.type = hsgd_image(SIDE, SIDE, CHANNELS);
    d->y = (struct data_field){ .name = "boxes", .type = { HSGD_F32, 2, { OBJECTS, BOX } }, .classes = KINDS };
    d->fields = 2;
    d->y.names = hsgd_names_copy(kind_names, KINDS);
    d->y.columns = hsgd_names_copy(column_names, BOX);
    uint8_t *pixels = calloc((size_t)d->count, PIXELS);
    d->x.owned = pixels;
    d->x.bytes = pixels;
    if (pixels && field_allocate(&d->y, NULL, d->count) && d->y.names && d->y.columns) return 0;
    return hsgd_fail(ctx, ENOMEM, "shapes: out of memory for %lld samples", (long long)d->count);
}

struct hsgd_data *hsgd_data_shapes(struct hsgd_context *ctx, uint64_t seed, int64_t first, int64_t count)
{
    if (first < 0 || first >= LAST_SAMPLE || count < 1 || count > LAST_SAMPLE - first || count > PTRDIFF_MAX / PIXELS) {
        hsgd_fail(ctx, EINVAL, "shapes: cannot generate %lld samples from sample %lld on", (long long)count,
                  (long long)first);
        return NULL;
    }
    struct hsgd_data *d = hsgd_data_new(ctx, "shapes");
    if (!d) return NULL;
    d->count = count;
    if (allocate(ctx, d)) {
        hsgd_data_destroy(&d);
        return NULL;
    }
    float *box = d->y.owned;
    for (int64_t i = 0; i < count; i++)
        draw_scene(seed, (uint64_t)(first + i), (uint8_t *)d->x.owned + i * PIXELS, box + i * OBJECTS * BOX);
    return d;
}
