/* SPDX-License-Identifier: BSD-3-Clause */
/* Plots: no text leaves its picture or meets another one, whatever is drawn;
 * round numbers along axes; means and standard deviations. */
#include "apps/hsgd/draw/axis.h"
#include "apps/hsgd/draw/canvas.h"
#include "apps/hsgd/draw/draw.h"
#include "core.h"

#include <math.h>

/* ------------------------------------------------------------------ pictures */

static char picture[120]; /* what is drawn now, for messages */
static int drawn;

enum { MOST_TEXTS = 20000 };
static struct placed_text seen[MOST_TEXTS];
static int nseen;

static void remember(void *user, const struct placed_text *t)
{
    (void)user;
    REQUIRE(nseen < MOST_TEXTS);
    seen[nseen] = *t;
    seen[nseen++].text = strdup(t->text);
}

static bool meet(const struct placed_text *a, const struct placed_text *b)
{
    const double slack = 0.5;
    return a->x0 + slack < b->x1 && b->x0 + slack < a->x1 && a->y0 + slack < b->y1 && b->y0 + slack < a->y1;
}

/* In place of writing files: looks at where the texts are. */
int __wrap_drawing_write(const struct drawing *d, const char *what, const char *png, const char *svg);
int __wrap_drawing_write(const struct drawing *d, const char *what, const char *png, const char *svg)
{
    int bad = 0;
    (void)what, (void)png, (void)svg;
    CHECK(drawing_texts(d, remember, NULL));
    CHECK_MSG(nseen > 0, "%s: no text", picture);
    for (int i = 0; i < nseen; i++) {
        struct placed_text *t = &seen[i];
        bool inside = t->x0 >= 0 && t->y0 >= 0 && t->x1 <= d->width && t->y1 <= d->height;
        if (!inside && bad++ < 3)
            CHECK_MSG(inside, "%s: \"%s\" at %.1f..%.1f x %.1f..%.1f leaves %.0f x %.0f", picture, t->text, t->x0,
                      t->x1, t->y0, t->y1, d->width, d->height);
        for (int k = 0; k < i; k++)
            if (meet(t, &seen[k]) && bad++ < 3)
                CHECK_MSG(false, "%s: \"%s\" and \"%s\" meet at %.1f, %.1f", picture, t->text, seen[k].text, t->x0,
                          t->y0);
    }
    while (nseen) free(seen[--nseen].text);
    drawn++;
    return OK;
}

/* --------------------------------------------------------- confusion matrices */

static const char *const samples_of_names[] = {
    "cat",
    "a class with a name that is much too long to be shown beside a cell",
    "Größe",
    "日本語の長い名前のクラスです",
    "line\nbreak",
    "not \xff utf-8",
    "",
    "7",
};
enum { NAMES = sizeof samples_of_names / sizeof *samples_of_names };

static void draw_classes(int classes, int64_t most, bool plain)
{
    struct evaluation e = {
        .model = plain ? "mlp" : samples_of_names[1], .data = "digits", .part = "test", .classes = classes, .samples = 1
    };
    char number[16];
    e.confusion = calloc((size_t)classes * (size_t)classes, sizeof *e.confusion);
    e.name = calloc((size_t)classes, sizeof *e.name);
    for (int i = 0; i < classes; i++) {
        snprintf(number, sizeof number, "%d", i);
        e.name[i] = strdup(plain ? number : samples_of_names[i % NAMES]);
        e.confusion[i * classes + i] = most;
        e.confusion[i * classes + (i * 7 + 3) % classes] += 1;
    }
    CHECK(!draw_confusion(&e, "x.png", NULL));
    for (int i = 0; i < classes; i++) free((char *)e.name[i]);
    free(e.confusion);
    free(e.name);
}

static void confusion(void)
{
    static const int classes[] = { 2, 3, 5, 6, 10, 24, 25, 60, 100, 200, 1000 };
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        for (int k = 0; k < 4; k++) {
            snprintf(picture, sizeof picture, "%d classes, way %d", classes[i], k);
            draw_classes(classes[i], k & 1 ? 1000000000 : 17, k & 2);
        }
    CHECK(drawn == 4 * sizeof classes / sizeof *classes);
}

/* ---------------------------------------------------------------- histories */

enum way { FALLING, CONSTANT, TINY, HUGE_NUMBERS, GAPS, UNKNOWN, NEARLY_EQUAL, ONLY_NAN, WAYS };

static double value(enum way way, int i)
{
    switch (way) {
    case FALLING: return 2.0 / (i + 1);
    case CONSTANT: return 0.7;
    case TINY: return 1e-12 * (i + 1);
    case HUGE_NUMBERS: return 1e30 * (i + 1);
    case GAPS: return i % 3 == 1 ? NAN : 5 - 0.01 * i;
    case UNKNOWN: return i ? INFINITY : 1;
    case NEARLY_EQUAL: return 0.9 + 1e-13 * i;
    default: return NAN;
    }
}

static struct history make_history(enum way way, int n, double shift)
{
    struct history h = { .n = n, .epoch = calloc((size_t)n + 1, sizeof *h.epoch), .test_accuracy = NAN };
    for (int i = 0; i < n; i++) {
        double v = value(way, i) * (1 + shift), part = way == FALLING ? 1 - 0.9 / (i + 1) : v;
        h.epoch[i] = (struct epoch){
            way == FALLING && n == 1 ? 0.25 : i + 1, 0.01 * (i + 1) * (1 + shift), v, part, 1.1 * v, 0.9 * part, 0.01
        };
    }
    return h;
}

static void curves(void)
{
    static const int lengths[] = { 1, 2, 5, 37, 2000 };
    for (int way = 0; way < WAYS; way++)
        for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
            struct history h = make_history(way, lengths[i], 0);
            snprintf(picture, sizeof picture, "history of %d epochs, way %d", lengths[i], way);
            CHECK(!draw_history(&h, i % 2 ? "mlp on digits" : samples_of_names[1], "x", "x.png", NULL));
            history_free(&h);
        }
}

/* -------------------------------------------------------------- comparisons */

static struct device_use device(int i, bool server)
{
    struct device_use d = { .workers = 1,
                            .updates = 10 * (i + 1),
                            .samples = 1e7 * (i + 1),
                            .busy_fraction = 0.3,
                            .merges = server ? 5 : NAN,
                            .stale = server ? 2 : NAN,
                            .missed = server ? 9 : NAN };
    snprintf(d.id, sizeof d.id, "opencl:%d", i);
    return d;
}

/* `repeat` runs of each of `groups` settings. */
static void compare(int groups, int repeat, int devices, bool server, enum way way)
{
    struct settings s = { .out = "x" };
    struct comparison c = { .s = &s, .planned = groups * repeat, .nlists = 2 };
    c.list[0] = (struct list){ .option = option_named("model", TRAIN), .n = groups };
    c.list[1] = (struct list){ .option = option_named("seed", TRAIN), .n = repeat, .repeats = repeat > 1 };
    c.trial = calloc((size_t)c.planned, sizeof *c.trial);
    char(*number)[16] = calloc((size_t)c.planned + 1, sizeof *number);
    for (int i = 0; i < c.planned; i++, c.ntrials++) {
        struct trial *t = &c.trial[i];
        snprintf(number[i], sizeof *number, "%d", i);
        t->number = i + 1;
        t->value[0] = i / repeat % 3 ? number[i / repeat] : samples_of_names[i / repeat % NAMES];
        t->value[1] = number[i % repeat];
        t->end = "done";
        t->merges = server ? 9 : NAN;
        t->target = 0.9;
        t->log = make_history(way, 1 + i % 7, 0.03 * (i % repeat));
        t->devices = devices;
        t->device = calloc((size_t)devices + 1, sizeof *t->device);
        for (int k = 0; k < devices; k++) t->device[k] = device(k, server);
    }
    snprintf(picture, sizeof picture, "%d groups of %d, %d devices, server %d, way %d", groups, repeat, devices, server,
             way);
    REQUIRE(!compare_group(&c));
    CHECK(!draw_comparison(&c, "x"));
    for (int i = 0; i < c.ntrials; i++) compare_free(&c.trial[i]);
    free(c.trial), free(c.group), free(number);
}

static void comparisons(void)
{
    static const int groups[] = { 1, 2, 7, 13, 30, 45 };
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        compare(groups[i], 1, 1, false, FALLING);
        compare(groups[i], 3, 2, true, FALLING);
        compare(groups[i], 1, 0, false, GAPS);
        compare(groups[i], 2, 10, true, CONSTANT);
    }
    for (int way = 0; way < WAYS; way++) compare(3, 2, 1, true, way);
}

/* -------------------------------------------------------------------- plans */

static void draw_workers(int devices, int workers, int cells, bool measured)
{
    static const char *const kinds[] = { "slice on x", "gradient", "merge", "update", "?" };
    struct plan_report r = { .batch = 128,
                             .ndevices = devices,
                             .ncells = cells,
                             .measured_step_ms = 1.7,
                             .predicted_step_ms = measured ? 1.5 : NAN,
                             .shown_step = measured ? 3 : -1 };
    snprintf(r.model, sizeof r.model, "%.60s", samples_of_names[1]);
    r.device = calloc((size_t)devices, sizeof *r.device);
    r.cell = calloc((size_t)cells, sizeof *r.cell);
    for (int i = 0; i < devices; i++) {
        r.device[i].workers = workers;
        snprintf(r.device[i].id, sizeof r.device[i].id, "opencl:%d", i);
        snprintf(r.device[i].name, sizeof r.device[i].name, "%s %s", samples_of_names[1], samples_of_names[3]);
    }
    for (int i = 0; i < cells; i++) {
        struct plan_cell *k = &r.cell[i];
        snprintf(k->of.name, sizeof k->of.name, "%s", kinds[i % 5]);
        snprintf(k->of.device, sizeof k->of.device, "opencl:%d", i % devices);
        k->of.known = true;
        k->of.rows = 16;
        k->of.predicted_worker = k->worker = i / devices % workers;
        k->of.predicted_start_ms = k->start_ms = 0.01 * (i / devices / workers);
        k->of.predicted_ms = 0.01;
        k->end_ms = measured ? k->start_ms + 0.01 : NAN;
    }
    CHECK(!draw_plan(&r, "x.png", "x.svg"));
    plan_free(&r);
}

static void plans(void)
{
    snprintf(picture, sizeof picture, "one device");
    draw_workers(1, 1, 1, true);
    draw_workers(1, 1, 40, false);
    snprintf(picture, sizeof picture, "two devices");
    draw_workers(2, 1, 14, true);
    snprintf(picture, sizeof picture, "many workers");
    draw_workers(2, 64, 400, true);
    draw_workers(1, 4000, 4000, true);
    snprintf(picture, sizeof picture, "many devices");
    draw_workers(16, 2, 100, true);
    CHECK(drawn == 6);
}

/* --------------------------------------------------------------------- sheets */

static void sheets(void)
{
    static const int sides[] = { 1, 8, 28, 100 };
    struct hsgd_context *ctx = core_context("cpu", 1, false);
    float *x = calloc(3 * 3 * 100 * 100, sizeof *x);
    int32_t labels[3] = { 0, 1, 1 };
    snprintf(picture, sizeof picture, "sheet");
    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
        struct hsgd_shape shape = { sides[i], sides[i], i % 2 ? 3 : 1 };
        struct hsgd_data *d = hsgd_data_memory(ctx, x, labels, 3, shape, 2, HSGD_BORROW);
        REQUIRE(d);
        CHECK(!draw_sheet(d, 1, 2, "x.png", NULL));
        CHECK(!draw_sheet(d, 2, 8, "x.png", NULL));
        hsgd_data_destroy(&d);
    }
    free(x);
    hsgd_destroy(&ctx);
}

/* ----------------------------------------------------------------------- axes */

static void expect_ticks(double low, double high, const char *texts)
{
    struct axis a = { .low = low, .high = high };
    struct ticks t;
    char got[600] = "";
    axis_ticks(&t, &a, 400, false);
    for (int i = 0; i < t.n; i++) {
        strcat(strcat(got, i ? " " : ""), t.text[i]);
        double slack = 1e-9 * (high - low);
        CHECK_MSG(t.value[i] >= low - slack && t.value[i] <= high + slack, "%g", t.value[i]);
    }
    CHECK_STR(got, texts);
}

/* Of a linear axis: neighbours are 1, 2 or 5 times a power of ten apart. */
static void expect_round_steps(void)
{
    for (int i = 0; i < 4000; i++) {
        double low = (i % 17 - 8) * pow(10, i % 13 - 6), range = (1 + i % 91) * pow(10, i % 11 - 5);
        struct axis a = axis_none();
        struct ticks t;
        axis_add(&a, low), axis_add(&a, low + range);
        axis_finish(&a, AXIS_LINEAR);
        axis_ticks(&t, &a, 60 + i % 900, i % 2);
        for (int k = 1; k < t.n; k++) {
            double step = t.value[k] - t.value[k - 1], mantissa = step / pow(10, floor(log10(step) + 1e-6));
            bool round = fabs(mantissa - 1) < 1e-3 || fabs(mantissa - 2) < 1e-3 || fabs(mantissa - 5) < 1e-3;
            if (!round) CHECK_MSG(round, "step %g from %g to %g", step, a.low, a.high);
            bool differ = strcmp(t.text[k], t.text[k - 1]);
            if (!differ) CHECK_MSG(differ, "\"%s\" twice from %g to %g", t.text[k], a.low, a.high);
        }
    }
}

static void axes(void)
{
    expect_ticks(0, 1, "0 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8 0.9 1.0");
    expect_ticks(-0.5, 0.5, "-0.5 -0.4 -0.3 -0.2 -0.1 0 0.1 0.2 0.3 0.4 0.5");
    expect_ticks(72.6, 100.4, "75 80 85 90 95 100");
    expect_ticks(0, 44000, "0 5k 10k 15k 20k 25k 30k 35k 40k");
    expect_ticks(0, 1e-5, "0 10⁻⁶ 2×10⁻⁶ 3×10⁻⁶ 4×10⁻⁶ 5×10⁻⁶ 6×10⁻⁶ 7×10⁻⁶ 8×10⁻⁶ 9×10⁻⁶ 10⁻⁵");
    expect_round_steps();
    struct axis a = axis_none();
    axis_finish(&a, AXIS_AUTO);
    CHECK(a.low < 0 && a.high > 1 && !a.logarithmic);
    a = axis_none();
    axis_add(&a, 0.1), axis_add(&a, NAN), axis_add(&a, INFINITY), axis_add(&a, 0.6);
    axis_finish(&a, AXIS_AUTO);
    CHECK(a.logarithmic && a.low > 0 && a.low < 0.1 && a.high > 0.6 && a.high < 1);
    a = (struct axis){ 0.1, 0.6, false, false };
    axis_finish(&a, AXIS_LINEAR);
    CHECK(!a.logarithmic);
}

static void spreads(void)
{
    struct spread s = spread_of((double[]){ 1, NAN, 2, 3, INFINITY, 4 }, 6);
    CHECK(s.n == 4 && s.mean == 2.5 && fabs(s.deviation - sqrt(5.0 / 3)) < 1e-15);
    s = spread_of((double[]){ 7 }, 1);
    CHECK(s.n == 1 && s.mean == 7 && isnan(s.deviation));
    s = spread_of(NULL, 0);
    CHECK(s.n == 0 && isnan(s.mean) && isnan(s.deviation));
    s = spread_of((double[]){ 1e9 + 1, 1e9 + 2, 1e9 + 3 }, 3);
    CHECK(s.mean == 1e9 + 2 && s.deviation == 1);
}

static const struct core_case cases[] = {
    { "confusion", confusion }, { "curves", curves }, { "comparisons", comparisons }, { "plans", plans },
    { "sheets", sheets },       { "axes", axes },     { "spreads", spreads },
};
CORE_MAIN(cases)
