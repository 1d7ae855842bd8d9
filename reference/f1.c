/* SPDX-License-Identifier: BSD-3-Clause */
/* precision, recall and f1: counted position by position. */
#include "reference.h"

enum { IGNORE = -100, MAX_CLASSES = 60 };

struct guesses {
    int rows, length, classes;
    bool of_values; /* targets are values, each channel a class of its own */
    struct hsgd_f1 a;
    float *z, *t;
    int32_t *labels;
    int counted, right[MAX_CLASSES], wrong[MAX_CLASSES], missed[MAX_CLASSES];
};

static struct guesses draw(int turn)
{
    struct guesses g = { .rows = check_size(60), .length = turn % 4 ? check_size(12) : 1 };
    g.of_values = turn % 3 == 0;
    g.classes = g.of_values && turn % 2 ? 1 : turn % 4 == 1 ? 2 : 1 + check_size(MAX_CLASSES - 1);
    g.a = (struct hsgd_f1){ (enum hsgd_average)(turn / 2 % (g.classes > 2 ? 2 : 3)), turn % 7 ? 0 : 0.3f, turn % 5 > 1,
                            IGNORE };
    int n = g.rows * g.length;
    g.z = check_steps((int64_t)n * g.classes); /* many are equal */
    g.t = check_floats((int64_t)n * g.classes);
    g.labels = calloc((size_t)n, sizeof *g.labels);
    for (int r = 0; r < n; r++) {
        bool ignored = g.a.has_ignore && check_int(0, turn % 9 ? 2 : 0) == 0;
        g.labels[r] = ignored ? IGNORE : check_int(0, check_int(0, g.classes - 1));
    }
    check_shape("shape %d: %d rows of %d x %d, of %s", turn, g.rows, g.length, g.classes,
                g.of_values ? "values" : "classes");
    return g;
}

static void count_one(struct guesses *g, int class, bool guess, bool is)
{
    g->right[class] += guess && is;
    g->wrong[class] += guess && !is;
    g->missed[class] += !guess && is;
}

static void count(struct guesses *g)
{
    for (int r = 0; r < g->rows * g->length; r++) {
        const float *z = g->z + r * g->classes;
        int best = 0;
        if (!g->of_values && g->labels[r] == IGNORE) continue;
        g->counted++;
        for (int c = 1; c < g->classes; c++)
            if (z[c] > z[best]) best = c;
        for (int c = 0; c < g->classes; c++)
            if (g->of_values) count_one(g, c, z[c] > g->a.threshold, g->t[r * g->classes + c] > 0.5f);
            else count_one(g, c, c == best, c == g->labels[r]);
    }
}

static double ratio(double a, double b) { return b == 0 ? 0 : a / b; }

static double of(int which, double right, double wrong, double missed)
{
    if (which == 0) return ratio(right, right + wrong);
    if (which == 1) return ratio(right, right + missed);
    double p = ratio(right, right + wrong), r = ratio(right, right + missed);
    return ratio(2 * p * r, p + r); /* the harmonic mean */
}

static double figure(const struct guesses *g, int which)
{
    double right = 0, wrong = 0, missed = 0, total = 0;
    int seen = 0, last = g->classes - 1;
    if (!g->counted) return NAN;
    if (g->a.average == HSGD_AVERAGE_BINARY) return of(which, g->right[last], g->wrong[last], g->missed[last]);
    for (int c = 0; c < g->classes; c++) {
        right += g->right[c], wrong += g->wrong[c], missed += g->missed[c];
        if (g->right[c] + g->wrong[c] + g->missed[c] == 0) continue;
        total += of(which, g->right[c], g->wrong[c], g->missed[c]);
        seen++;
    }
    if (g->a.average == HSGD_AVERAGE_MICRO) return of(which, right, wrong, missed);
    return seen ? total / seen : NAN;
}

static void one(const struct hsgd_op *op, int which, int turn)
{
    struct guesses g = draw(turn);
    int nsums = 2 + 3 * g.classes;
    float sums[2 + 3 * MAX_CLASSES];
    double as_is[2 + 3 * MAX_CLASSES];
    struct approx want[2 + 3 * MAX_CLASSES] = { { 0, 0 } };
    count(&g);
    want[0].v = g.counted, want[1].v = (double)g.counted * g.classes;
    for (int c = 0; c < g.classes; c++) {
        want[2 + 3 * c].v = g.right[c];
        want[3 + 3 * c].v = g.wrong[c];
        want[4 + 3 * c].v = g.missed[c];
    }
    for (int i = 0; i < nsums; i++) as_is[i] = want[i].v;
    double right = figure(&g, which), value = op->value(as_is, &g.a);
    check_that(isnan(right) ? isnan(value) : fabs(value - right) <= 1e-12, "the value is %g, not %g", value, right);
    int slices[3] = { g.rows / 3, g.rows - g.rows / 3 - 1, 1 };
    for (int d = 0; d < check_devices() && check_going(); d++) {
        struct hsgd_op_call run = { .rows = g.rows, .x = { g.z, g.of_values ? (void *)g.t : g.labels }, .sums = sums };
        run.in[0] = (struct hsgd_type){ HSGD_F32, 2, { g.length, g.classes } };
        run.in[1] = g.of_values ? run.in[0] : hsgd_tokens(g.length);
        if (turn % 2 && g.rows > 2) run.slices = slices, run.nslices = 3;
        check_run(d, op, &g.a, &run, (int64_t)g.rows * g.length * g.classes);
        check_near("sums", sums, want, nsums);
    }
    free(g.z), free(g.t), free(g.labels);
}

/* What is no class, and scores that are NaN. */
static void invalid(const struct hsgd_op *op)
{
    float z[6] = { 0, 1, 2, NAN, 0, 0 }, sums[11];
    int32_t labels[2] = { 3, 0 };
    struct hsgd_f1 a = { 0 };
    double as_is[11];
    check_shape("invalid labels and scores");
    for (int i = 0; i < 2; i++)
        for (int d = 0; d < check_devices(); d++) {
            struct hsgd_op_call run = { .rows = 1, .in = { hsgd_vector(3), hsgd_number(HSGD_I32) }, .sums = sums };
            run.x[0] = z + 3 * i, run.x[1] = labels + i;
            check_run(d, op, &a, &run, UNCOUNTED);
            for (int k = 0; k < 11; k++) as_is[k] = (double)sums[k];
            check_that(isnan(op->value(as_is, &a)), "case %d: the value is %g", i, op->value(as_is, &a));
        }
}

static void reference(const struct hsgd_op *op, int which)
{
    invalid(op);
    for (int i = 0; i < 204 && check_going(); i++) one(op, which, i);
}

void reference_precision(void) { reference(&hsgd_op_precision, 0); }
void reference_recall(void) { reference(&hsgd_op_recall, 1); }
void reference_f1(void) { reference(&hsgd_op_f1, 2); }
