/* SPDX-License-Identifier: BSD-3-Clause */
/* Handwritten-looking digits.  Everything is integer arithmetic, so a sample
 * is the same on every machine, compiler and setting.  Positions are in
 * 1/256 pixel, factors in 1/65536. */
#include "base/rng.h"
#include "dataset.h"
#include "glyphs.h"
#include <string.h>

enum { SIDE = 28, PIXELS = SIDE * SIDE, PIXEL = 256, ONE = 65536, DRAWS_BITS = 9, SOFT = PIXEL * 6 / 10 };
#define LAST_SAMPLE (INT64_C(1) << 54)

struct stream {
    uint64_t key, counter;
};
struct point {
    int32_t x, y;
    bool up;
};

static uint64_t draw(struct stream *s) { return hsgd_random(s->key, s->counter++); }

/* Uniform in [lo, hi]. */
static int32_t uniform(struct stream *s, int32_t lo, int32_t hi)
{
    return lo + (int32_t)((draw(s) >> 32) * (uint64_t)(hi - lo + 1) >> 32);
}

/* In [-reach, reach], mostly near 0: the mean of two uniform numbers. */
static int32_t around_zero(struct stream *s, int32_t reach)
{
    uint64_t bits = draw(s), range = (uint64_t)(2 * reach + 1);
    int64_t sum = (int64_t)((bits >> 32) * range >> 32) + (int64_t)((bits & UINT32_MAX) * range >> 32);
    return (int32_t)(sum / 2) - reach;
}

static int32_t times(int64_t a, int64_t b) { return (int32_t)(a * b / ONE); }

/* A hand: how this sample distorts the ideal drawing. */
struct hand {
    int32_t xx, xy, yx, yy, bend_x, bend_y, jitter;
};

static struct hand pick_hand(struct stream *s)
{
    int32_t height = uniform(s, ONE * 15 / 100, ONE * 21 / 100);
    int32_t width = times(height, uniform(s, ONE * 70 / 100, ONE * 120 / 100));
    int32_t slant = around_zero(s, ONE * 50 / 100), half = around_zero(s, ONE * 20 / 100);
    int64_t norm = ONE + times(half, half);
    int32_t cosine = (int32_t)((ONE - times(half, half)) * (int64_t)ONE / norm);
    int32_t sine = (int32_t)(2 * half * (int64_t)ONE / norm), lean = times(slant, height);
    struct hand h = { .xx = times(cosine, width), .yx = times(sine, width) };
    h.xy = -times(cosine, lean) - times(sine, height);
    h.yy = times(cosine, height) - times(sine, lean);
    h.bend_x = around_zero(s, 14);
    h.bend_y = around_zero(s, 14);
    h.jitter = uniform(s, 2 * PIXEL, 9 * PIXEL);
    return h;
}

/* One ideal point as this hand puts it down, around the origin. */
static struct point put_down(struct stream *s, const struct hand *h, struct mark m)
{
    int32_t x = (m.x - 50) * PIXEL + around_zero(s, h->jitter), y = (m.y - 50) * PIXEL + around_zero(s, h->jitter);
    int32_t u = x + (int32_t)((int64_t)y * y / PIXEL * h->bend_x / 5000);
    int32_t v = y + (int32_t)((int64_t)x * x / PIXEL * h->bend_y / 5000);
    return (struct point){ times(h->xx, u) + times(h->xy, v), times(h->yx, u) + times(h->yy, v), false };
}

/* Writes a variant of the digit; returns the number of points. */
static int write_points(struct stream *s, int digit, struct point *p)
{
    const struct mark *m = glyphs[digit][uniform(s, 0, glyph_variants[digit] - 1)];
    struct hand h = pick_hand(s);
    int n = 0;
    for (; m[n].x != -2; n++) {
        if (m[n].x < 0) p[n] = (struct point){ .up = true };
        else if (n > 0 && m[n].x == m[n - 1].x && m[n].y == m[n - 1].y) p[n] = p[n - 1];
        else p[n] = put_down(s, &h, m[n]);
    }
    return n;
}

/* Where a drawing from lo to hi is put: anywhere `margin` inside the image,
 * but not far from its centre. */
static int32_t place(struct stream *s, int32_t lo, int32_t hi)
{
    int32_t margin = 2 * PIXEL, furthest = 5 * PIXEL / 2, slack = (SIDE * PIXEL - (hi - lo)) / 2 - margin;
    int32_t reach = slack < 0 ? 0 : slack > furthest ? furthest : slack;
    return SIDE * PIXEL / 2 - (lo + hi) / 2 + uniform(s, -reach, reach);
}

static void place_points(struct stream *s, struct point *p, int n)
{
    struct point lo = p[0], hi = p[0];
    for (int i = 1; i < n; i++) {
        if (p[i].up) continue;
        lo.x = p[i].x < lo.x ? p[i].x : lo.x;
        hi.x = p[i].x > hi.x ? p[i].x : hi.x;
        lo.y = p[i].y < lo.y ? p[i].y : lo.y;
        hi.y = p[i].y > hi.y ? p[i].y : hi.y;
    }
    int32_t x = place(s, lo.x, hi.x), y = place(s, lo.y, hi.y);
    for (int i = 0; i < n; i++) {
        p[i].x += x;
        p[i].y += y;
    }
}

static int32_t within(int32_t v, int32_t lo, int32_t hi) { return v < lo ? lo : v > hi ? hi : v; }

/* The pixels whose centres are in [lo, hi]. */
static void pixels_between(int32_t lo, int32_t hi, int32_t *from, int32_t *to)
{
    *from = within((lo + PIXEL / 2 - 1) / PIXEL, 0, SIDE);
    *to = within((hi - PIXEL / 2) / PIXEL + 1, 0, SIDE);
}

/* Lowers the squared distances of the pixels near the segment from a to b. */
static void draw_segment(struct point a, struct point b, int32_t reach, int32_t *distance)
{
    int32_t ex = b.x - a.x, ey = b.y - a.y, length = ex * ex + ey * ey;
    int64_t inverse = length ? ((int64_t)1 << 32) / length : 0;
    int32_t x0, x1, y0, y1;
    pixels_between((a.x < b.x ? a.x : b.x) - reach, (a.x > b.x ? a.x : b.x) + reach, &x0, &x1);
    pixels_between((a.y < b.y ? a.y : b.y) - reach, (a.y > b.y ? a.y : b.y) + reach, &y0, &y1);
    for (int32_t y = y0; y < y1; y++)
        for (int32_t x = x0; x < x1; x++) {
            int32_t dx = x * PIXEL + PIXEL / 2 - a.x, dy = y * PIXEL + PIXEL / 2 - a.y;
            int32_t along = within(dx * ex + dy * ey, 0, length);
            int32_t t = (int32_t)(along * inverse >> 16);
            dx -= ex * t / ONE;
            dy -= ey * t / ONE;
            int32_t d = dx * dx + dy * dy, *old = &distance[y * SIDE + x];
            *old = d < *old ? d : *old;
        }
}

/* A curve through b and c on the way from a to d, as four segments.
 * Source: Catmull and Rom, "A class of local interpolating splines", 1974. */
static void draw_span(const struct point p[4], int32_t reach, int32_t *distance)
{
    static const int weight[4][4] = { { -9, 111, 29, -3 }, { -8, 72, 72, -8 }, { -3, 29, 111, -9 }, { 0, 0, 128, 0 } };
    struct point from = p[1], to = { 0 };
    for (int k = 0; k < 4; k++) {
        const int *w = weight[k];
        to.x = (w[0] * p[0].x + w[1] * p[1].x + w[2] * p[2].x + w[3] * p[3].x) / 128;
        to.y = (w[0] * p[0].y + w[1] * p[1].y + w[2] * p[2].y + w[3] * p[3].y) / 128;
        draw_segment(from, to, reach, distance);
        from = to;
    }
}

static void draw_strokes(const struct point *p, int n, int32_t reach, int32_t *distance)
{
    for (int i = 0; i + 1 < n; i++) {
        bool corner = p[i].x == p[i + 1].x && p[i].y == p[i + 1].y;
        if (p[i].up || p[i + 1].up || corner) continue;
        bool first = i == 0 || p[i - 1].up, last = i + 2 == n || p[i + 2].up;
        struct point span[4] = { first ? p[i] : p[i - 1], p[i], p[i + 1], last ? p[i + 1] : p[i + 2] };
        draw_span(span, reach, distance);
    }
}

/* Ink from squared distances: full up to the inner radius, none from the
 * outer on; then noise. */
static void ink_pixels(struct stream *s, int32_t radius, const int32_t *distance, uint8_t *pixels)
{
    int32_t inner = radius > SOFT ? (radius - SOFT) * (radius - SOFT) : 0;
    int32_t outer = (radius + SOFT) * (radius + SOFT), full = uniform(s, 150, 255), noise = uniform(s, 0, 40);
    uint64_t bits = 0;
    for (int i = 0; i < PIXELS; i++, bits >>= 8) {
        if (i % 8 == 0) bits = draw(s);
        int32_t ink = full * (within(outer - distance[i], 0, outer - inner) / 16) / ((outer - inner) / 16);
        pixels[i] = (uint8_t)within(ink + ((int32_t)(bits & 255) - 128) * noise / 128, 0, 255);
    }
}

/* Sample `sample` of `seed`; returns the digit. */
static int draw_digit(uint64_t seed, uint64_t sample, uint8_t *pixels)
{
    struct stream s = { seed, sample << DRAWS_BITS };
    struct point points[GLYPH_POINTS];
    int32_t distance[PIXELS];
    for (int i = 0; i < PIXELS; i++) distance[i] = INT32_MAX / 2;
    int digit = uniform(&s, 0, 9), n = write_points(&s, digit, points);
    place_points(&s, points, n);
    int32_t radius = uniform(&s, PIXEL * 6 / 10, PIXEL * 15 / 10);
    draw_strokes(points, n, radius + SOFT + 4, distance); /* distances are rounded */
    ink_pixels(&s, radius, distance, pixels);
    return digit;
}

struct hsgd_data *hsgd_data_digits(struct hsgd_context *ctx, uint64_t seed, int64_t first, int64_t count)
{
    if (first < 0 || first >= LAST_SAMPLE || count < 1 || count > LAST_SAMPLE - first || count > PTRDIFF_MAX / PIXELS) {
        hsgd_fail(ctx, EINVAL, "digits: cannot generate %lld samples from sample %lld on", (long long)count,
                  (long long)first);
        return NULL;
    }
    struct hsgd_data *d = hsgd_data_new(ctx, "digits");
    if (!d) return NULL;
    d->count = count;
    d->x.type = hsgd_image(SIDE, SIDE, 1);
    d->y.classes = 10;
    if (hsgd_data_allocate(ctx, d) < 0) {
        hsgd_data_destroy(&d);
        return NULL;
    }
    uint8_t *pixels = d->x.owned;
    int32_t *label = d->y.owned;
    for (int64_t i = 0; i < count; i++) label[i] = draw_digit(seed, (uint64_t)(first + i), pixels + i * PIXELS);
    return d;
}
