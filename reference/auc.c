/* SPDX-License-Identifier: BSD-3-Clause */
/* auc: pair by pair, with pairs in one bin within half of their number. */
#include "reference.h"

enum { IGNORE = -100, BINS = 256 };

struct scores {
    int rows, length;
    bool of_classes;
    struct hsgd_auc a;
    float *z, *t;
    int32_t *labels;
};

static struct scores draw(int turn)
{
    struct scores s = { .rows = check_size(150), .length = turn % 3 ? check_int(1, 12) : 1, .of_classes = turn % 2 };
    s.a = (struct hsgd_auc){ turn % 3 ? 0 : -2, turn % 3 ? 0 : 2, turn % 5 > 2, IGNORE };
    int n = s.rows * s.length;
    s.z = turn % 8 ? check_floats(2 * n) : check_steps(2 * n);
    s.t = check_floats(n);
    s.labels = calloc((size_t)n, sizeof *s.labels);
    for (int r = 0; r < n; r++) {
        bool ignored = s.a.has_ignore && check_int(0, 2) == 0;
        s.labels[r] = s.of_classes && ignored ? IGNORE : turn % 11 == 10 ? 1 : check_int(0, 1);
        s.t[r] = (float)s.labels[r];
        s.z[s.of_classes ? 2 * r + 1 : r] += 0.5f * s.t[r]; /* better than chance */
    }
    check_shape("shape %d: %d rows of %d, of %s", turn, s.rows, s.length, s.of_classes ? "classes" : "values");
    return s;
}

static double score(const struct scores *s, int r)
{
    return s->of_classes ? (double)s->z[2 * r + 1] - (double)s->z[2 * r] : (double)s->z[r];
}

/* The fraction of pairs in order, and within how much a histogram has it: scores closer than a bin may share one. */
static struct approx area(const struct scores *s)
{
    double pairs = 0, right = 0, near = 0;
    int n = s->rows * s->length;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < n; k++) {
            if (s->labels[i] != 1 || s->labels[k] != 0) continue;
            double p = score(s, i), q = score(s, k), at = fmax(fabs(p), fabs(q));
            double bin =
                s->a.high > s->a.low ? (double)(s->a.high - s->a.low) / BINS : 2.0 / BINS * (1 + at) * (1 + at);
            pairs++;
            right += p > q ? 1 : p == q ? 0.5 : 0;
            near += fabs(p - q) <= 1.001 * bin || (s->a.high > s->a.low && at > 1.99);
        }
    return (struct approx){ right / pairs, pairs > 0 ? 0.5 * near / pairs + 2 * CHECK_U : 0 };
}

static void one(int turn)
{
    struct scores s = draw(turn);
    float sums[2 * BINS];
    int slices[3] = { s.rows / 3, s.rows - s.rows / 3 - 1, 1 };
    struct approx want = area(&s);
    int negatives = 0, positives = 0;
    for (int r = 0; r < s.rows * s.length; r++) negatives += s.labels[r] == 0, positives += s.labels[r] == 1;
    for (int d = 0; d < check_devices() && check_going(); d++) {
        struct hsgd_op_call run = { .rows = s.rows, .x = { s.z, s.of_classes ? (void *)s.labels : s.t }, .sums = sums };
        run.in[0] = s.of_classes ? (struct hsgd_type){ HSGD_F32, 2, { s.length, 2 } } : hsgd_vector(s.length);
        run.in[1] = s.of_classes ? hsgd_tokens(s.length) : run.in[0];
        if (turn % 2 && s.rows > 2) run.slices = slices, run.nslices = 3;
        check_run(d, &hsgd_op_auc, &s.a, &run, (int64_t)s.rows * s.length);
        double as_is[2 * BINS], count[2] = { 0, 0 };
        for (int i = 0; i < 2 * BINS; i++) count[i / BINS] += as_is[i] = (double)sums[i];
        float value = (float)hsgd_op_auc.value(as_is, &s.a);
        check_that(count[0] == negatives && count[1] == positives, "%g and %g scores, not %d and %d", count[0],
                   count[1], negatives, positives);
        check_near("the area", &value, &want, 1);
    }
    free(s.z), free(s.t), free(s.labels);
}

static void extremes(void)
{
    float z[4] = { -INFINITY, -3e38f, 3e38f, INFINITY }, t[4] = { 0, 0, 1, 1 }, sums[2 * BINS];
    struct hsgd_auc a = { 0 };
    check_shape("the largest scores, and NaN");
    for (int d = 0; d < check_devices(); d++) {
        struct hsgd_op_call run = { .rows = 4, .x = { z, t }, .sums = sums };
        run.in[0] = run.in[1] = hsgd_number(HSGD_F32);
        check_run(d, &hsgd_op_auc, &a, &run, UNCOUNTED);
        check_that(sums[0] == 2 && sums[2 * BINS - 1] == 2, "%g and %g", (double)sums[0], (double)sums[2 * BINS - 1]);
        z[0] = NAN;
        check_run(d, &hsgd_op_auc, &a, &run, UNCOUNTED);
        check_that(isnan(sums[0]), "NaN counts as %g", (double)sums[0]);
        z[0] = -INFINITY;
    }
}

void reference_auc(void)
{
    extremes();
    for (int i = 0; i < 204 && check_going(); i++) one(i);
}
