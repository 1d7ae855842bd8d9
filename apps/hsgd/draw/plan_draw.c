/* SPDX-License-Identifier: BSD-3-Clause */
/* A report of a plan as a timeline: a row per worker, time to the right. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "draw.h"
#include "plot.h"

#define WIDTH 1120
#define LEFT 150 /* left edge of the timelines */
#define RIGHT 40
#define MARGIN 16
#define TOP 118 /* of the first timeline */
#define BAR 24
#define ROW 28        /* height per worker, less with many workers */
#define MAX_ROWS 1600 /* approximate pixels of all rows */
#define GAP 92        /* between the two timelines */
#define LINE 18       /* of the totals */

static const struct colour ground = { 243, 243, 243 }, white = { 255, 255, 255 }, other = { 119, 119, 119 },
                           copies = { 230, 159, 0 };

struct chart {
    struct canvas *canvas;
    const struct plan_report *r;
    double ms;       /* at the right edge */
    double row, bar; /* pixels from one worker to the next, and of its bars */
    int every;       /* workers per name */
};

static const struct {
    const char *kind;
    struct colour colour;
} colours[] = {
    { "slice", { 0, 114, 178 } }, { "gradient", { 178, 88, 0 } }, { "merge", { 160, 60, 120 } },
    { "update", { 0, 125, 92 } }, { "step", { 0, 114, 178 } },
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

static void draw_rows(const struct plot *t, const struct chart *p)
{
    char name[64];
    int row = 0;
    for (int i = 0; i < p->r->ndevices; i++)
        for (int w = 0; w < p->r->device[i].workers; w++, row++) {
            double y = t->y + row * p->row;
            canvas_fill(p->canvas, LEFT, y + (p->row - p->bar) / 2, t->width, p->bar, ground);
            if (row % p->every) continue;
            if (p->r->device[i].workers > 1) snprintf(name, sizeof name, "%s worker %d", p->r->device[i].id, w);
            else snprintf(name, sizeof name, "%s", p->r->device[i].id);
            canvas_text(p->canvas,
                        &(struct text_place){ LEFT - 8, y + p->row / 2, 1, 0.5, TEXT_NORMAL, plot_ink,
                                              LEFT - 8 - MARGIN, false },
                        name);
        }
}

/* The longest label that fits in w pixels. */
static void write_label(const struct chart *p, const struct hsgd_plan_cell *of, int cell, double ms, double x, double y,
                        double w)
{
    char label[3][64];
    snprintf(label[0], sizeof *label, "%d: %d rows, %.3f ms", cell, of->rows, ms);
    snprintf(label[1], sizeof *label, "%d: %.3f ms", cell, ms);
    snprintf(label[2], sizeof *label, "%d", cell);
    if (p->bar < canvas_text_height(TEXT_SMALL)) return;
    for (int i = of->rows ? 0 : 1; i < 3; i++) {
        if (canvas_text_width(TEXT_SMALL, label[i]) + 6 > w) continue;
        canvas_text(p->canvas, &(struct text_place){ x + w / 2, y, 0.5, 0.5, TEXT_SMALL, white, 0, false }, label[i]);
        return;
    }
}

static void draw_bar(const struct plot *t, const struct chart *p, int cell, int worker, double start, double end)
{
    const struct plan_cell *c = &p->r->cell[cell];
    double x = plot_x(t, start), w = fmax(plot_x(t, end) - x, 0.8);
    double y = t->y + row_of(p->r, c->of.device, worker) * p->row + (p->row - p->bar) / 2;
    char note[700];
    snprintf(note, sizeof note, "cell %d: %s, %d rows, %.4f ms\n%s%s%s%s%s", cell, c->of.name, c->of.rows, end - start,
             c->of.about, *c->of.about ? "\n" : "", c->of.reason, *c->of.chosen_by ? "\nworker chosen by " : "",
             c->of.chosen_by);
    canvas_fill(p->canvas, x, y, w > 4 ? w - 1 : w, p->bar, colour(c));
    canvas_note(p->canvas, x, y, w, p->bar, note);
    write_label(p, &c->of, cell, end - start, x, y + p->bar / 2, w);
}

/* What is copied before a cell runs, as the links are known. */
static void draw_copies(const struct plot *t, const struct chart *p, const struct hsgd_plan_cell *c)
{
    double x = plot_x(t, c->predicted_start_ms - c->copied_ms), w = plot_x(t, c->predicted_start_ms) - x;
    double y = t->y + row_of(p->r, c->device, c->predicted_worker) * p->row + (p->row - p->bar) / 2;
    char note[120];
    if (c->copied_ms <= 0) return;
    snprintf(note, sizeof note, "copies of what the next cell reads, %.4f ms", c->copied_ms);
    canvas_fill(p->canvas, x, y, w, p->bar, copies);
    canvas_note(p->canvas, x, y, w, p->bar, note);
}

/* -------------------------------------------------------------- timelines */

/* Empty, with its title above. */
static struct plot draw_timeline(const struct chart *p, double top, const char *title)
{
    struct plot t = { p->canvas,
                      LEFT,
                      top,
                      WIDTH - LEFT - RIGHT,
                      rows_of(p->r) * p->row,
                      title,
                      "time in the step (ms)",
                      { .high = p->ms },
                      { .high = 1 } };
    draw_rows(&t, p);
    plot_frame(&t, false);
    return t;
}

static void draw_predicted(const struct chart *p, double top)
{
    char title[80] = "predicted: not known before the run";
    if (!isnan(p->r->predicted_step_ms)) snprintf(title, sizeof title, "predicted: %.3f ms", p->r->predicted_step_ms);
    struct plot t = draw_timeline(p, top, title);
    for (int i = 0; i < p->r->ncells; i++) {
        const struct hsgd_plan_cell *c = &p->r->cell[i].of;
        if (!c->known) continue;
        draw_copies(&t, p, c);
        draw_bar(&t, p, i, c->predicted_worker, c->predicted_start_ms, c->predicted_start_ms + c->predicted_ms);
    }
}

static void draw_measured(const struct chart *p, double top)
{
    char title[160] = "measured: no step was recorded";
    if (p->r->shown_step >= 0)
        snprintf(title, sizeof title, "measured: step %lld, of median length among those recorded; mean %.3f ms",
                 (long long)p->r->shown_step, p->r->measured_step_ms);
    struct plot t = draw_timeline(p, top, title);
    for (int i = 0; i < p->r->ncells; i++) {
        const struct plan_cell *c = &p->r->cell[i];
        if (c->worker >= 0 && !isnan(c->start_ms + c->end_ms)) draw_bar(&t, p, i, c->worker, c->start_ms, c->end_ms);
    }
}

/* What the device's workers have in a step beside cells. */
static void write_rest(const struct plan_device *d, char *out, size_t size)
{
    const struct hsgd_plan_device *o = &d->of;
    double copies_ms = o->to_ms + o->from_ms;
    int n = 0;
    *out = 0;
    if (!*o->device) return;
    if (o->copies_to + o->copies_from)
        n = snprintf(out, size, "; predicted copies %.2f MiB, %.3f ms",
                     (double)(o->bytes_to + o->bytes_from) / (1 << 20), copies_ms);
    if (!isnan(o->waiting_ms)) snprintf(out + n, size - (size_t)n, ", waiting %.3f ms", o->waiting_ms);
}

static void draw_totals(const struct chart *p, double top)
{
    char line[400], rest[120];
    for (int i = 0; i < p->r->ndevices; i++) {
        struct plan_total t = plan_total(p->r, i);
        int n = snprintf(line, sizeof line, "%s: %d of %d rows (%.0f %%)", p->r->device[i].id, t.rows, p->r->batch,
                         100 * t.share);
        write_rest(&p->r->device[i], rest, sizeof rest);
        if (!isnan(t.busy))
            snprintf(line + n, sizeof line - (size_t)n, ", busy %.0f %%, idle %.3f ms of a step%s; %s", 100 * t.busy,
                     t.idle_ms, rest, p->r->device[i].name);
        canvas_text(
            p->canvas,
            &(struct text_place){ LEFT, top + LINE * i, 0, 0, TEXT_NORMAL, plot_ink, WIDTH - LEFT - RIGHT, false },
            line);
    }
}

/* Returns where the next entry begins. */
static double draw_entry(const struct chart *p, double x, double y, struct colour colour, const char *name)
{
    canvas_fill(p->canvas, x, y - 6, 14, 12, colour);
    canvas_text(p->canvas, &(struct text_place){ x + 20, y, 0, 0.5, TEXT_NORMAL, plot_ink, 0, false }, name);
    return x + 44 + canvas_text_width(TEXT_NORMAL, name);
}

static void draw_legend(const struct chart *p, double y)
{
    double x = LEFT;
    bool copied = false;
    for (int k = 0; k < COLOURS; k++) {
        int i = 0;
        while (i < p->r->ncells && !is_kind(&p->r->cell[i], k)) i++;
        if (i < p->r->ncells) x = draw_entry(p, x, y, colours[k].colour, colours[k].kind);
    }
    for (int i = 0; i < p->r->ncells; i++) copied |= p->r->cell[i].of.known && p->r->cell[i].of.copied_ms > 0;
    if (copied) draw_entry(p, x, y, copies, "copies");
}

static double longest(const struct plan_report *r)
{
    double ms = fmax(1e-3, r->predicted_step_ms); /* fmax() ignores NaN */
    for (int i = 0; i < r->ncells; i++) {
        const struct plan_cell *c = &r->cell[i];
        if (c->of.known) ms = fmax(ms, c->of.predicted_start_ms + c->of.predicted_ms);
        ms = fmax(ms, c->end_ms);
    }
    return 1.01 * ms;
}

/* ------------------------------------------------------------------- chart */

static double second_top(const struct chart *p) { return TOP + rows_of(p->r) * p->row + GAP; }
static double totals_top(const struct chart *p) { return second_top(p) + rows_of(p->r) * p->row + PLOT_BELOW + 16; }

static void draw(struct canvas *c, const void *of)
{
    struct chart p = *(const struct chart *)of;
    char title[120];
    p.canvas = c;
    snprintf(title, sizeof title, "%s, a step of %d samples", p.r->model, p.r->batch);
    canvas_text(c, &(struct text_place){ LEFT, MARGIN, 0, 0, TEXT_TITLE, plot_ink, WIDTH - LEFT - RIGHT, false },
                title);
    draw_legend(&p, MARGIN + 40);
    draw_predicted(&p, TOP);
    draw_measured(&p, second_top(&p));
    draw_totals(&p, totals_top(&p));
}

int draw_plan(const struct plan_report *r, const char *png, const char *svg)
{
    struct chart p = { .r = r, .ms = longest(r), .row = fmax(1.5, fmin(ROW, floor(MAX_ROWS / (double)rows_of(r)))) };
    p.bar = p.row > 16 ? p.row - 4 : 0.75 * p.row;
    p.every = (int)ceil(16 / p.row);
    struct drawing d = { "A training step", WIDTH, totals_top(&p) + LINE * r->ndevices + MARGIN, draw, &p };
    return drawing_write(&d, NULL, png, svg);
}
