/* SPDX-License-Identifier: BSD-3-Clause */
/* mean_average_precision: detection by detection, in the order of their bins and of their scores. */
#include "reference.h"

#include <string.h>

enum { FOUND = 6, BOX = 5, MAX_ROWS = 4096 };

struct scenes {
    int samples, found, boxes;
    struct hsgd_mean_average_precision a;
    float *f, *b;
};

/* A detection of a class, over all samples. */
struct ranked {
    double score;
    int bin;
    bool right;
};

static double iou(const float *a, const float *b) /* x, y, w, h */
{
    double side[2];
    for (int i = 0; i < 2; i++) {
        double low = fmax((double)a[i] - (double)a[i + 2] / 2, (double)b[i] - (double)b[i + 2] / 2);
        side[i] = fmax(0, fmin((double)a[i] + (double)a[i + 2] / 2, (double)b[i] + (double)b[i + 2] / 2) - low);
    }
    double both = side[0] * side[1];
    return both / ((double)a[2] * (double)a[3] + (double)b[2] * (double)b[3] - both);
}

/* By score or bin from the largest; of equals the wrong ones first. */
static int by_score(const void *p, const void *q)
{
    const struct ranked *a = p, *b = q;
    if (a->score != b->score) return a->score < b->score ? 1 : -1;
    return a->right - b->right;
}

static int by_bin(const void *p, const void *q)
{
    const struct ranked *a = p, *b = q;
    return a->bin != b->bin ? b->bin - a->bin : a->right - b->right;
}

/* By the definition: each right one adds 1 / boxes times the best precision at it or after it. */
static double area(const struct ranked *r, int n, int boxes)
{
    double sum = 0;
    for (int i = 0; i < n; i++) {
        double best = 0;
        int right = 0;
        for (int k = 0; k < n; k++) {
            right += r[k].right;
            if (k >= i) best = fmax(best, (double)right / (k + 1));
        }
        if (r[i].right) sum += best;
    }
    return sum / boxes;
}

/* What the detections of a sample of one class are; false: an overlap is near the threshold, or near another. */
static bool rank_sample(const struct scenes *s, int sample, int class, struct ranked *r, int *n)
{
    const float *f = s->f + (int64_t)sample * s->found * FOUND, *b = s->b + (int64_t)sample * s->boxes * BOX;
    bool taken[64] = { false }, done[64] = { false }, clear = true;
    for (;;) {
        int next = -1, best = -1;
        for (int i = 0; i < s->found; i++)
            if (!done[i] && f[i * FOUND] == (float)class && (next < 0 || f[i * FOUND + 5] > f[next * FOUND + 5]))
                next = i;
        if (next < 0) return clear;
        done[next] = true;
        double most = 0;
        for (int k = 0; k < s->boxes; k++) {
            if (taken[k] || b[k * BOX] != (float)class) continue;
            double v = iou(f + next * FOUND + 1, b + k * BOX + 1);
            if (fabs(v - (double)s->a.iou_threshold) < 1e-5 || (best >= 0 && fabs(v - most) < 1e-5)) clear = false;
            if (v >= (double)s->a.iou_threshold && v > most) best = k, most = v;
        }
        if (best >= 0) taken[best] = true;
        double score = (double)f[next * FOUND + 5], bin = floor(score * s->a.bins);
        r[(*n)++] = (struct ranked){ score, bin < s->a.bins ? (int)bin : s->a.bins - 1, best >= 0 };
    }
}

struct expected {
    double binned, exact, within; /* exact may be larger by as much */
    bool clear;
};

/* Fraction of the boxes whose detections share a bin with wrong ones. */
static double shared(const struct ranked *r, int n, int boxes)
{
    int sum = 0;
    for (int i = 0; i < n; i++) {
        bool beside = false;
        for (int k = 0; k < n; k++) beside = beside || (r[k].bin == r[i].bin && !r[k].right);
        sum += r[i].right && beside;
    }
    return (double)sum / boxes;
}

static struct expected expect(const struct scenes *s)
{
    struct expected e = { .clear = true };
    struct ranked *r = malloc(MAX_ROWS * sizeof *r);
    int classes = 0;
    for (int c = 0; c < s->a.classes; c++) {
        int n = 0, boxes = 0;
        for (int i = 0; i < s->samples * s->boxes; i++) boxes += s->b[i * BOX] == (float)c;
        for (int i = 0; i < s->samples; i++) e.clear = rank_sample(s, i, c, r, &n) && e.clear;
        if (!boxes) continue;
        classes++;
        qsort(r, (size_t)n, sizeof *r, by_bin);
        e.binned += area(r, n, boxes);
        e.within += shared(r, n, boxes);
        qsort(r, (size_t)n, sizeof *r, by_score);
        e.exact += area(r, n, boxes);
    }
    free(r);
    e.binned /= classes, e.exact /= classes, e.within /= classes;
    return e;
}

/* ------------------------------------------------------------------ random */

static void draw(const struct scenes *s, int turn)
{
    for (int i = 0; i < s->samples * s->boxes; i++) {
        const float at[BOX] = { (float)check_int(-1, s->a.classes - 1), 0.5f + 0.4f * check_float(),
                                0.5f + 0.4f * check_float(), 0.3f + 0.2f * check_float(), 0.3f + 0.2f * check_float() };
        memcpy(s->b + i * BOX, at, sizeof at);
    }
    for (int i = 0; i < s->samples * s->found; i++) { /* near a box of the sample, more or less */
        const float *b = s->b + (i / s->found * s->boxes + check_int(0, s->boxes - 1)) * BOX;
        float *f = s->f + i * FOUND, off = check_int(0, 2) ? 0.05f : 0.3f;
        for (int k = 1; k < BOX; k++) f[k] = b[k] + (k < 3 ? off : 0.3f * off) * check_float();
        f[0] = check_int(0, 3) ? b[0] : (float)check_int(-1, s->a.classes - 1);
        f[5] = turn % 4 ? 0.5f + 0.5f * check_float() : (float)check_int(0, 4) / 4;
    }
}

static void one(int turn)
{
    struct scenes s = { check_size(24), check_size(20), check_size(8), { 0 }, NULL, NULL };
    s.a = (struct hsgd_mean_average_precision){ check_size(5), 0.05f * (float)check_int(8, 15),
                                                turn % 3 ? 1024 : check_size(30) };
    int sums = s.a.classes * (2 * s.a.bins + 1), slices[3] = { s.samples / 3, s.samples - s.samples / 3 - 1, 1 };
    s.f = check_floats((int64_t)s.samples * s.found * FOUND);
    s.b = check_floats((int64_t)s.samples * s.boxes * BOX);
    struct expected e = { 0 };
    for (int tries = 0; !e.clear && tries < 40; tries++) draw(&s, turn), e = expect(&s);
    check_shape("shape %d: %d samples of %d detections and %d boxes of %d classes, %d bins", turn, s.samples, s.found,
                s.boxes, s.a.classes, s.a.bins);
    check_that(e.clear, "no overlaps that are clear");
    float *got = calloc((size_t)sums, sizeof *got);
    double *sum = calloc((size_t)sums, sizeof *sum);
    struct approx want = { e.binned, 4 * CHECK_U };
    for (int d = 0; d < check_devices() && check_going(); d++) {
        struct hsgd_op_call run = { .rows = s.samples, .x = { s.f, s.b }, .sums = got };
        run.in[0] = (struct hsgd_type){ HSGD_F32, 2, { s.found, FOUND } };
        run.in[1] = (struct hsgd_type){ HSGD_F32, 2, { s.boxes, BOX } };
        if (turn % 2 && s.samples > 2) run.slices = slices, run.nslices = 3;
        check_run(d, &hsgd_op_mean_average_precision, &s.a, &run, (int64_t)s.samples * (s.found + s.boxes));
        for (int i = 0; i < sums; i++) sum[i] = (double)got[i];
        float value = (float)hsgd_op_mean_average_precision.value(sum, &s.a);
        check_near("the mean average precision", &value, &want, 1);
        bool within = !(e.exact < e.binned - 1e-9) && !(e.exact > e.binned + e.within + 1e-9);
        check_that(within, "%g is not within %g below %g", e.binned, e.within, e.exact);
    }
    free(s.f), free(s.b), free(got), free(sum);
}

/* --------------------------------------------------------------- hand-made */

/* Two samples, up to four rows each; a row without an area is none. */
static const struct by_hand {
    const char *what;
    float box[2][4][BOX], found[2][4][FOUND];
    double want;
} by_hand[] = {
    { "all found",
      { { { 0, .3f, .3f, .2f, .2f }, { 1, .7f, .7f, .2f, .4f } }, { { 1, .5f, .5f, .5f, .5f } } },
      { { { 1, .7f, .7f, .2f, .4f, .9f }, { 0, .3f, .3f, .2f, .2f, .4f } }, { { 1, .5f, .5f, .5f, .5f, .1f } } },
      1 },
    { "a wrong one between two right ones: 1/2 (1 + 2/3)",
      { { { 0, .3f, .3f, .2f, .2f } }, { { 0, .5f, .5f, .5f, .5f } } },
      { { { 0, .3f, .3f, .2f, .2f, .9f }, { 0, .7f, .7f, .2f, .2f, .8f } }, { { 0, .5f, .5f, .5f, .5f, .7f } } },
      5.0 / 6 },
    { "the second detection of a box is wrong, and the other box is missed: 1/2",
      { { { 0, .3f, .3f, .2f, .2f }, { 0, .7f, .7f, .2f, .2f } } },
      { { { 0, .3f, .3f, .2f, .2f, .6f }, { 0, .31f, .3f, .2f, .2f, .9f } } },
      0.5 },
    { "of two boxes that it overlaps, the second detection takes the one that is left",
      { { { 0, .5f, .5f, .4f, .4f }, { 0, .56f, .5f, .4f, .4f } } },
      { { { 0, .5f, .5f, .4f, .4f, .9f }, { 0, .51f, .5f, .4f, .4f, .8f } } },
      1 },
    { "the precision after it counts where it is larger: 1/2 (2/3 + 2/3)",
      { { { 0, .3f, .3f, .2f, .2f }, { 0, .7f, .7f, .2f, .2f } } },
      { { { 0, .3f, .7f, .2f, .2f, .9f }, { 0, .3f, .3f, .2f, .2f, .8f }, { 0, .7f, .7f, .2f, .2f, .7f } } },
      2.0 / 3 },
    { "an overlap of one half is enough, and that of another class is not: 1/2 (1 + 0)",
      { { { 0, .5f, .5f, .5f, .5f }, { 1, .25f, .25f, .5f, .5f } } },
      { { { 0, .5f, .5f, .25f, .5f, .9f }, { 0, .25f, .25f, .5f, .5f, .3f } } },
      0.5 },
    { "an overlap of less is not enough", { { { 0, .5f, .5f, .5f, .5f } } }, { { { 0, .5f, .5f, .24f, .5f, 1 } } }, 0 },
    { "nothing found", { { { 1, .5f, .5f, .5f, .5f } } }, { { { 0 } } }, 0 },
    { "no boxes", { { { 0 } } }, { { { 0, .5f, .5f, .24f, .5f, 1 } } }, NAN },
};

static double measure(int device, const float *found, const float *box)
{
    const struct hsgd_mean_average_precision a = { 3, 0.5f, 64 };
    float sums[3 * 129];
    double as_double[3 * 129];
    struct hsgd_op_call run = { .rows = 2, .x = { found, box }, .sums = sums };
    run.in[0] = (struct hsgd_type){ HSGD_F32, 2, { 4, FOUND } };
    run.in[1] = (struct hsgd_type){ HSGD_F32, 2, { 4, BOX } };
    check_run(device, &hsgd_op_mean_average_precision, &a, &run, UNCOUNTED);
    for (int i = 0; i < 3 * 129; i++) as_double[i] = (double)sums[i];
    return hsgd_op_mean_average_precision.value(as_double, &a);
}

static void hand_made(int device)
{
    for (const struct by_hand *h = by_hand; h < by_hand + sizeof by_hand / sizeof *by_hand; h++) {
        struct by_hand c = *h;
        for (int i = 0; i < 8; i++) {
            if (c.box[i / 4][i % 4][3] == 0) c.box[i / 4][i % 4][0] = -1;
            if (c.found[i / 4][i % 4][3] == 0) c.found[i / 4][i % 4][0] = -1;
        }
        check_shape("%s", h->what);
        double got = measure(device, c.found[0][0], c.box[0][0]);
        check_that(isnan(h->want) ? isnan(got) : fabs(got - h->want) < 1e-12, "%g, not %g", got, h->want);
    }
}

/* A class or a score that is none makes it NaN. */
static void invalid(int device)
{
    static const float wrong[][2] = { { 3, .5f }, { NAN, .5f }, { 0.5f, .5f }, { 1, NAN }, { 1, -0.1f }, { 1, 1.1f } };
    check_shape("invalid rows");
    for (int i = 0; i < 7; i++) {
        struct by_hand c = by_hand[0];
        for (int k = 0; k < 8; k++) {
            if (c.box[k / 4][k % 4][3] == 0) c.box[k / 4][k % 4][0] = -1;
            if (c.found[k / 4][k % 4][3] == 0) c.found[k / 4][k % 4][0] = -1;
        }
        if (i < 6) c.found[1][0][0] = wrong[i][0], c.found[1][0][5] = wrong[i][1];
        else c.box[1][0][0] = 3;
        check_that(isnan(measure(device, c.found[0][0], c.box[0][0])), "case %d is not NaN", i);
    }
}

void reference_mean_average_precision(void)
{
    for (int d = 0; d < check_devices(); d++) hand_made(d), invalid(d);
    for (int i = 0; i < 206 && check_going(); i++) one(i);
}
