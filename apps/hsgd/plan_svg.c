/* A plan's report as a picture: a row per worker, time to the right. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "chart.h"
#include "plan.h"

/* In pixels. */
#define WIDTH 1600
#define LEFT 230            /* where time begins */
#define RIGHT 40
#define TOP 110
#define ROW 40
#define BAR 32
#define GAP 90              /* between the two timelines */
#define LINE 24             /* of the totals */

static const struct colour ground = { 241, 241, 241 }, white = { 255, 255, 255 }, other = { 119, 119, 119 };

struct drawing {
    struct canvas *canvas;
    const struct plan_report *r;
    double ms;              /* at the right edge */
};

static const struct { const char *kind; struct colour colour; } colours[] = {
    { "slice", { 76, 120, 168 } }, { "gradient", { 224, 130, 20 } }, { "merge", { 178, 24, 43 } },
    { "update", { 63, 143, 79 } }, { "step", { 76, 120, 168 } },
};
enum { COLOURS = sizeof colours / sizeof *colours };

static bool is_kind(const struct plan_cell *c, int k)
{
    size_t n = strlen(colours[k].kind);
    return !strncmp(c->of.name, colours[k].kind, n) && (c->of.name[n] == ' ' || !c->of.name[n]);
}

static struct colour colour(const struct plan_cell *c)
{
    for (int k = 0; k < COLOURS; k++)
        if (is_kind(c, k)) return colours[k].colour;
    return other;
}

/* ------------------------------------------------------------------- rows */

static int rows_of(const struct plan_report *r)
{
    int n = 0;
    for (int i = 0; i < r->ndevices; i++) n += r->device[i].workers;
    return n;
}

/* The row of a worker of the device called id. */
static int row_of(const struct plan_report *r, const char *id, int worker)
{
    for (int i = 0; i < r->ndevices; i++) {
        if (!strcmp(r->device[i].id, id)) return worker;
        worker += r->device[i].workers;
    }
    return worker;
}

static void draw_rows(const struct chart *t, const struct drawing *d)
{
    char name[64];
    int row = 0;
    for (int i = 0; i < d->r->ndevices; i++)
        for (int w = 0; w < d->r->device[i].workers; w++, row++) {
            int y = t->y + row * ROW;
            if (d->r->device[i].workers > 1) snprintf(name, sizeof name, "%s worker %d", d->r->device[i].id, w);
            else snprintf(name, sizeof name, "%s", d->r->device[i].id);
            canvas_text(d->canvas, LEFT - 10, y + (BAR - CANVAS_LINE) / 2, CANVAS_RIGHT, chart_black, name);
            canvas_fill(d->canvas, LEFT, y, t->width, BAR, ground);
        }
}

/* The longest label that fits in w pixels. */
static void write_label(const struct drawing *d, const struct hsgd_plan_cell *of, int cell, double ms, int x, int y,
                        int w)
{
    char label[64];
    snprintf(label, sizeof label, of->rows ? "%d: %d rows, %.3f ms" : "%d", cell, of->rows, ms);
    if (canvas_letters(label) * CANVAS_LETTER > w) snprintf(label, sizeof label, "%d", cell);
    if (canvas_letters(label) * CANVAS_LETTER < w)
        canvas_text(d->canvas, x + w / 2, y + (BAR - CANVAS_LINE) / 2, CANVAS_MIDDLE, white, label);
}

static void draw_bar(const struct chart *t, const struct drawing *d, int cell, int worker, double start, double end)
{
    const struct plan_cell *c = &d->r->cell[cell];
    int x = (int)chart_x(t, start), w = (int)chart_x(t, end) - x, y = t->y + row_of(d->r, c->of.device, worker) * ROW;
    char note[600];
    snprintf(note, sizeof note, "cell %d: %s, %d rows, %.4f ms\n%s", cell, c->of.name, c->of.rows, end - start,
             c->of.reason);
    canvas_fill(d->canvas, x, y, w > 4 ? w - 1 : w < 1 ? 1 : w, BAR, colour(c));
    canvas_note(d->canvas, note);
    write_label(d, &c->of, cell, end - start, x, y, w);
}

/* -------------------------------------------------------------- timelines */

/* Empty, with its title above. */
static struct chart draw_timeline(const struct drawing *d, int top, const char *title)
{
    struct chart t = { d->canvas, LEFT, top, WIDTH - LEFT - RIGHT, rows_of(d->r) * ROW, "", "ms",
                       { 0, d->ms, false }, { 0, 1, false } };
    canvas_text(d->canvas, LEFT, top - 22, CANVAS_LEFT, chart_black, title);
    draw_rows(&t, d);
    chart_frame(&t, false);
    return t;
}

static void draw_predicted(const struct drawing *d, int top)
{
    char title[80] = "predicted: not known before the run";
    if (!isnan(d->r->predicted_step_ms)) snprintf(title, sizeof title, "predicted: %.3f ms", d->r->predicted_step_ms);
    struct chart t = draw_timeline(d, top, title);
    for (int i = 0; i < d->r->ncells; i++) {
        const struct hsgd_plan_cell *c = &d->r->cell[i].of;
        if (c->known)
            draw_bar(&t, d, i, c->predicted_worker, c->predicted_start_ms, c->predicted_start_ms + c->predicted_ms);
    }
}

static void draw_measured(const struct drawing *d, int top)
{
    char title[160] = "measured: no step was recorded";
    if (d->r->shown_step >= 0)
        snprintf(title, sizeof title, "measured: step %lld, of median length among those recorded; on average %.3f ms",
                 (long long)d->r->shown_step, d->r->measured_step_ms);
    struct chart t = draw_timeline(d, top, title);
    for (int i = 0; i < d->r->ncells; i++) {
        const struct plan_cell *c = &d->r->cell[i];
        if (c->worker >= 0 && !isnan(c->start_ms + c->end_ms))
            draw_bar(&t, d, i, c->worker, c->start_ms, c->end_ms);
    }
}

static void draw_totals(const struct drawing *d, int top)
{
    char line[240];
    for (int i = 0; i < d->r->ndevices; i++) {
        struct plan_total t = plan_total(d->r, i);
        int n = snprintf(line, sizeof line, "%s: %d of %d rows (%.0f %%)", d->r->device[i].id, t.rows, d->r->batch,
                         100 * t.share);
        if (!isnan(t.busy))
            snprintf(line + n, sizeof line - (size_t)n, ", busy %.0f %%, idle %.3f ms of a step; %.40s", 100 * t.busy,
                     t.idle_ms, d->r->device[i].name);
        canvas_text(d->canvas, LEFT, top + LINE * i, CANVAS_LEFT, chart_black, line);
    }
}

static void draw_legend(const struct drawing *d, int y)
{
    int x = LEFT;
    for (int k = 0; k < COLOURS; k++) {
        int i = 0;
        while (i < d->r->ncells && !is_kind(&d->r->cell[i], k)) i++;
        if (i == d->r->ncells) continue;
        canvas_fill(d->canvas, x, y, CANVAS_LINE, CANVAS_LINE, colours[k].colour);
        canvas_text(d->canvas, x + 24, y, CANVAS_LEFT, chart_black, colours[k].kind);
        x += 60 + CANVAS_LETTER * canvas_letters(colours[k].kind);
    }
}

static double longest(const struct plan_report *r)
{
    double ms = 1e-3;
    for (int i = 0; i < r->ncells; i++) {
        const struct plan_cell *c = &r->cell[i];
        if (c->of.known) ms = fmax(ms, c->of.predicted_start_ms + c->of.predicted_ms);
        ms = fmax(ms, c->end_ms); /* which fmax() passes over when it is NaN */
    }
    return ms;
}

int plan_draw(const struct plan_report *r, const char *path)
{
    char title[120];
    int panel = rows_of(r) * ROW, second = TOP + panel + GAP, totals = second + panel + 74;
    struct drawing d = { canvas_create(WIDTH, totals + LINE * r->ndevices + 10), r, longest(r) };
    if (!d.canvas) return complain(FAILED, "out of memory for the picture");
    snprintf(title, sizeof title, "%s, a step of %d samples", r->model, r->batch);
    canvas_text(d.canvas, LEFT, 14, CANVAS_LEFT, chart_black, title);
    draw_legend(&d, 44);
    draw_predicted(&d, TOP);
    draw_measured(&d, second);
    draw_totals(&d, totals);
    int code = canvas_write_svg(d.canvas, "--svg", path);
    canvas_destroy(d.canvas);
    return code;
}
