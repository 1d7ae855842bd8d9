/* SPDX-License-Identifier: BSD-3-Clause */
/* assign_boxes: cell by cell, with places that floats have exactly.  detections: the best of all that is left, again
 * and again, of shapes in which no overlap is near the threshold. */
#include "reference.h"

#include <string.h>

enum { BOX = 5, OFFSETS = 4, FOUND = 6, UNIT = 1024 };

/* ------------------------------------------------------------ assign_boxes */

struct grid {
    int samples, boxes, rows, columns;
    struct hsgd_assign_boxes a;
    float *box;
};

static float unit(int low, int high) { return (float)check_int(low, high) / UNIT; }

static void draw_boxes(const struct grid *g, int turn)
{
    for (int i = 0; i < g->samples * g->boxes; i++) {
        const float at[BOX] = { (float)check_int(-1, 6), unit(0, UNIT - 1), unit(0, UNIT - 1), unit(1, UNIT),
                                turn % 3 ? unit(1, UNIT) : 0.25f };
        memcpy(g->box + i * BOX, at, sizeof at);
    }
    float *last = g->box + (g->samples * g->boxes - 1) * BOX;
    if (turn % 10 == 7) last[0] = 1, last[3] = 0;
    if (turn % 10 == 8) last[0] = NAN;
    if (turn % 10 == 9) last[0] = 2, last[1 + turn / 10 % 4] = turn % 20 == 9 ? NAN : INFINITY;
}

static bool is_wrong(const struct grid *g, int sample)
{
    bool wrong = false;
    for (const float *b = g->box + sample * g->boxes * BOX, *end = b + g->boxes * BOX; b < end; b += BOX) {
        bool finite = isfinite(b[1]) && isfinite(b[2]) && isfinite(b[3]) && isfinite(b[4]);
        wrong = wrong || isnan(b[0]) || (b[0] >= 0 && (!finite || b[3] <= 0 || b[4] <= 0));
    }
    return wrong;
}

/* The box of a cell, or NULL. */
static const float *box_of(const struct grid *g, int sample, int row, int column)
{
    const float *best = NULL;
    for (const float *b = g->box + sample * g->boxes * BOX, *end = b + g->boxes * BOX; b < end; b += BOX) {
        double x = (double)b[1] * g->columns, y = (double)b[2] * g->rows;
        bool inside = floor(x) == column && floor(y) == row;
        bool near = fabs(x - column - 0.5) <= (double)g->a.radius && fabs(y - row - 0.5) <= (double)g->a.radius;
        if (b[0] < 0 || !(inside || near)) continue;
        if (!best || (double)b[3] * (double)b[4] < (double)best[3] * (double)best[4]) best = b;
    }
    return best;
}

static void expect_cell(const struct grid *g, int cell, int *class, struct approx o[OFFSETS])
{
    int column = cell % g->columns, row = cell / g->columns % g->rows, sample = cell / (g->rows * g->columns);
    bool wrong = is_wrong(g, sample);
    const float *b = wrong ? NULL : box_of(g, sample, row, column);
    *class = wrong ? -1 : b ? (int)b[0] + 1 : 0;
    for (int i = 0; i < OFFSETS; i++) {
        double n = i % 2 ? g->rows : g->columns, cell_at = i % 2 ? row : column;
        double v = !b ? 0 : i < 2 ? (double)b[1 + i] * n - cell_at - 0.5 : log((double)b[1 + i] * n);
        o[i] = (struct approx){ v, CHECK_U * 6 * fabs(v) };
    }
}

static void assign_one(int turn)
{
    struct grid g = { .samples = check_size(12), .boxes = check_size(9) };
    int height = check_size(70), width = check_size(70);
    g.a = (struct hsgd_assign_boxes){ check_size(9), turn % 2 ? 0.25f * (float)check_int(1, 9) : 0 };
    g.rows = (height + g.a.stride - 1) / g.a.stride;
    g.columns = (width + g.a.stride - 1) / g.a.stride;
    g.box = malloc((size_t)(g.samples * g.boxes * BOX) * sizeof *g.box);
    draw_boxes(&g, turn);
    check_shape("shape %d: %d samples of %d boxes, %d x %d pixels, stride %d, radius %g", turn, g.samples, g.boxes,
                height, width, g.a.stride, (double)g.a.radius);
    int cells = g.samples * g.rows * g.columns, slices[] = { (g.samples + 1) / 2, g.samples / 2 }, class;
    int32_t *classes = malloc((size_t)cells * sizeof *classes);
    float *image = check_floats((int64_t)g.samples * height * width * 2), *offsets = check_floats(cells * OFFSETS);
    float *dy = check_floats(cells * OFFSETS), *dx = check_floats(g.samples * g.boxes * BOX);
    struct approx want[OFFSETS];
    for (int d = 0; d < check_devices() && check_going(); d++) {
        struct hsgd_op_call run = { .rows = g.samples,
                                    .slices = g.samples > 1 && turn % 3 == 1 ? slices : NULL,
                                    .nslices = 2,
                                    .in = { { HSGD_F32, 2, { g.boxes, BOX } }, hsgd_image(height, width, 2) },
                                    .x = { g.box, image },
                                    .y = { (float *)classes, offsets } };
        check_run(d, &hsgd_op_assign_boxes, &g.a, &run, cells);
        for (int i = 0; i < cells && check_going(); i++) {
            expect_cell(&g, i, &class, want);
            check_that(classes[i] == class, "class[%d] is %d, not %d", i, (int)classes[i], class);
            check_near("offsets", offsets + i * OFFSETS, want, OFFSETS);
        }
    }
    free(g.box), free(classes), free(image), free(offsets), free(dy), free(dx);
}

void reference_assign_boxes(void)
{
    for (int i = 0; i < 208 && check_going(); i++) assign_one(i);
}

/* -------------------------------------------------------------- detections */

struct cells {
    int samples, rows, columns, classes;
    struct hsgd_detections a;
    float *score, *offset;
};

struct edges {
    double x0, y0, x1, y1, e; /* error of each */
};

static double within(double v) { return fmin(fmax(v, 0), 1); }

static struct edges edges_of(const struct cells *s, int cell)
{
    const float *o = s->offset + (int64_t)cell * OFFSETS;
    int column = cell % s->columns, row = cell / s->columns % s->rows;
    double x = (column + 0.5 + (double)o[0]) / s->columns, w = exp((double)o[2]) / s->columns / 2;
    double y = (row + 0.5 + (double)o[1]) / s->rows, h = exp((double)o[3]) / s->rows / 2;
    double size = fmax(fabs(x), fabs(y)) + fmax(w, h) + 1;
    return (struct edges){ within(x - w), within(y - h), within(x + w), within(y + h), 8 * CHECK_U * size };
}

static double overlap(struct edges a, struct edges b)
{
    double w = fmin(a.x1, b.x1) - fmax(a.x0, b.x0), h = fmin(a.y1, b.y1) - fmax(a.y0, b.y0);
    double both = w > 0 && h > 0 ? w * h : 0;
    return both / ((a.x1 - a.x0) * (a.y1 - a.y0) + (b.x1 - b.x0) * (b.y1 - b.y0) - both);
}

static bool counts(const struct cells *s, int cell, int class)
{
    const float *o = s->offset + (int64_t)cell * OFFSETS;
    float score = s->score[cell * (s->classes + s->a.has_background) + s->a.has_background + class];
    return score >= s->a.score_threshold && !isnan(o[0]) && !isnan(o[1]) && !isnan(o[2]) && !isnan(o[3]);
}

/* Of one sample; false where an overlap is too near the threshold for floats. */
static bool expect_sample(const struct cells *s, int sample, struct approx *want)
{
    int cells = s->rows * s->columns, first = sample * cells, n = cells * s->classes;
    bool *left = malloc((size_t)n), clear = true;
    for (int i = 0; i < n; i++) left[i] = counts(s, first + i / s->classes, i % s->classes);
    for (int k = 0; k < s->a.max_detections; k++, want += FOUND) {
        int best = -1;
        const float *score = s->score + s->a.has_background;
        double most = -1;
        for (int i = 0; i < n; i++) {
            int at = (first + i / s->classes) * (s->classes + s->a.has_background) + i % s->classes;
            if (left[i] && (double)score[at] > most) best = i, most = (double)score[at];
        }
        for (int i = 0; i < FOUND; i++) want[i] = (struct approx){ i ? 0 : -1, 0 };
        if (best < 0) continue;
        struct edges b = edges_of(s, first + best / s->classes);
        const double of[FOUND] = { best % s->classes, (b.x0 + b.x1) / 2, (b.y0 + b.y1) / 2,
                                   b.x1 - b.x0,       b.y1 - b.y0,       most };
        for (int i = 0; i < FOUND; i++) want[i] = (struct approx){ of[i], i > 0 && i < FOUND - 1 ? 2 * b.e : 0 };
        for (int i = best % s->classes; i < n; i += s->classes) {
            double iou = overlap(edges_of(s, first + i / s->classes), b), far = iou - (double)s->a.iou_threshold;
            if (left[i] && i != best && fabs(far) < 1e-4) clear = false;
            if (i == best || far > 0) left[i] = false;
        }
    }
    free(left);
    return clear;
}

static void draw_cells(const struct cells *s, int turn)
{
    int cells = s->samples * s->rows * s->columns, channels = s->classes + s->a.has_background;
    for (int i = 0; i < cells * channels; i++)
        s->score[i] = (float)check_int(0, turn % 4 ? 65535 : 9) / (turn % 4 ? 65536.0f : 10.0f);
    for (int i = 0; i < cells * OFFSETS; i++) s->offset[i] = (i % 4 < 2 ? 2.0f : 1.0f) * check_float();
    for (int i = 0; turn % 6 == 5 && i < cells; i += 5) s->offset[i * OFFSETS + i % OFFSETS] = NAN;
}

/* Draws until all is clear; false: it never was. */
static bool draw_clear(const struct cells *s, int turn, struct approx *want)
{
    for (int tries = 0; tries < 40; tries++) {
        bool clear = true;
        draw_cells(s, turn);
        for (int i = 0; i < s->samples; i++)
            clear = expect_sample(s, i, want + (int64_t)i * s->a.max_detections * FOUND) && clear;
        if (clear) return true;
    }
    return false;
}

static void found_one(int turn)
{
    struct cells s = { check_size(9), check_size(8), check_size(8), check_size(5), { 0 }, NULL, NULL };
    s.a = (struct hsgd_detections){ check_size(turn % 3 ? 12 : 40), 0.05f * (float)check_int(2, 16),
                                    turn % 3 ? 0.05f : 0.6f, turn % 2 };
    int cells = s.samples * s.rows * s.columns, channels = s.classes + s.a.has_background;
    int64_t n = (int64_t)s.samples * s.a.max_detections * FOUND;
    int slices[] = { (s.samples + 1) / 2, s.samples / 2 };
    s.score = check_floats((int64_t)cells * channels);
    s.offset = check_floats((int64_t)cells * OFFSETS);
    check_shape("shape %d: %d samples of %d x %d x %d, %d detections over %g, apart by %g", turn, s.samples, s.rows,
                s.columns, s.classes, s.a.max_detections, (double)s.a.score_threshold, (double)s.a.iou_threshold);
    float *y = check_floats(n), *dy = check_floats(n), *dx = check_floats((int64_t)cells * channels);
    struct approx *want = check_approx(n), *zero = check_approx((int64_t)cells * channels);
    check_that(draw_clear(&s, turn, want), "no overlaps that are clear");
    for (int d = 0; d < check_devices() && check_going(); d++) {
        struct hsgd_op_call run = { .rows = s.samples,
                                    .slices = s.samples > 1 && turn % 3 == 1 ? slices : NULL,
                                    .nslices = 2,
                                    .in = { hsgd_image(s.rows, s.columns, channels),
                                            hsgd_image(s.rows, s.columns, OFFSETS) },
                                    .x = { s.score, s.offset },
                                    .y = { y },
                                    .dy = { turn % 4 ? NULL : dy },
                                    .dx = { turn % 4 ? NULL : dx },
                                    .training = turn % 4 == 0 };
        check_run(d, &hsgd_op_detections, &s.a, &run, n);
        check_near("y", y, want, n);
        if (turn % 4 == 0) check_near("dx", dx, zero, (int64_t)cells * channels);
    }
    free(s.score), free(s.offset), free(y), free(dy), free(dx), free(want), free(zero);
}

void reference_detections(void)
{
    for (int i = 0; i < 208 && check_going(); i++) found_one(i);
}
