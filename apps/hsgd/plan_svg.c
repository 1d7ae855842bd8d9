/* A plan's report as a picture: a row per worker, time to the right. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"

/* In pixels. */
#define WIDTH 1000
#define LEFT 130            /* where time begins */
#define RIGHT 30
#define TOP 98
#define ROW 34
#define BAR 26
#define GAP 74              /* between the two timelines */
#define LETTER 8.4          /* width of a digit at 13 pixels */

struct drawing {
    FILE *f;
    const struct plan_report *r;
    double ms;              /* at the right edge */
};

static const struct { const char *kind, *colour; } colours[] = {
    { "slice", "#4c78a8" }, { "gradient", "#e08214" }, { "merge", "#b2182b" }, { "update", "#3f8f4f" },
    { "step", "#4c78a8" },
};
enum { COLOURS = sizeof colours / sizeof *colours };

static bool is_kind(const struct plan_cell *c, int k)
{
    size_t n = strlen(colours[k].kind);
    return !strncmp(c->of.name, colours[k].kind, n) && (c->of.name[n] == ' ' || !c->of.name[n]);
}

static const char *colour(const struct plan_cell *c)
{
    for (int k = 0; k < COLOURS; k++)
        if (is_kind(c, k)) return colours[k].colour;
    return "#777777";
}

/* ------------------------------------------------------------------- text */

/* Names come from drivers and files. */
static void escape(FILE *f, const char *s)
{
    for (; *s; s++) {
        if (*s == '<') fputs("&lt;", f);
        else if (*s == '&') fputs("&amp;", f);
        else if (*s == '"') fputs("&quot;", f);
        else putc((unsigned char)*s < 0x20 ? ' ' : *s, f);
    }
}

static void text(struct drawing *d, double x, double y, const char *attributes, const char *s)
{
    fprintf(d->f, "<text x=\"%.1f\" y=\"%.1f\"%s>", x, y, attributes);
    escape(d->f, s);
    fputs("</text>\n", d->f);
}

static double at(const struct drawing *d, double ms) { return LEFT + (WIDTH - LEFT - RIGHT) * ms / d->ms; }

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

static void draw_rows(struct drawing *d, double top)
{
    char name[64];
    int row = 0;
    for (int i = 0; i < d->r->ndevices; i++)
        for (int w = 0; w < d->r->device[i].workers; w++, row++) {
            double y = top + row * ROW;
            if (d->r->device[i].workers > 1) snprintf(name, sizeof name, "%s worker %d", d->r->device[i].id, w);
            else snprintf(name, sizeof name, "%s", d->r->device[i].id);
            text(d, LEFT - 10, y + BAR / 2.0 + 5, " text-anchor=\"end\"", name);
            fprintf(d->f, "<rect x=\"%d\" y=\"%.1f\" width=\"%d\" height=\"%d\" fill=\"#f1f1f1\"/>\n", LEFT, y,
                    WIDTH - LEFT - RIGHT, BAR);
        }
}

static void draw_bar(struct drawing *d, double top, int cell, int worker, double start, double end)
{
    const struct plan_cell *c = &d->r->cell[cell];
    double x = at(d, start), w = at(d, end) - x, y = top + row_of(d->r, c->of.device, worker) * ROW;
    char label[64];
    fprintf(d->f, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" fill=\"%s\" stroke=\"#ffffff\" "
            "stroke-width=\"%s\"><title>cell %d: ", x, y, fmax(w, 0.8), BAR, colour(c), w > 4 ? "1" : "0", cell);
    escape(d->f, c->of.name);
    fprintf(d->f, ", %d rows, %.4f ms\n", c->of.rows, end - start);
    escape(d->f, c->of.reason);
    fputs("</title></rect>\n", d->f);
    snprintf(label, sizeof label, c->of.rows ? "%d: %d rows, %.3f ms" : "%d", cell, c->of.rows, end - start);
    if (LETTER * (double)strlen(label) > w) snprintf(label, sizeof label, "%d", cell);
    if (LETTER * (double)strlen(label) < w)
        text(d, x + w / 2, y + BAR / 2.0 + 4.5, " text-anchor=\"middle\" fill=\"#ffffff\" font-size=\"13\"", label);
}

/* A tick about every tenth of the width, at 1, 2 or 5 times a power of ten. */
static double tick_ms(double ms)
{
    double unit = pow(10, floor(log10(ms / 10))), n = ms / 10 / unit;
    return unit * (n > 5 ? 10 : n > 2 ? 5 : n > 1 ? 2 : 1);
}

static void draw_axis(struct drawing *d, double top)
{
    double bottom = top + rows_of(d->r) * ROW, tick = tick_ms(d->ms);
    char label[32];
    for (int i = 0; i * tick <= d->ms * 1.0001; i++) {
        double x = at(d, i * tick);
        fprintf(d->f, "<path d=\"M%.1f %.1fV%.1f\" stroke=\"#bbbbbb\"/>\n", x, top - 4, bottom);
        snprintf(label, sizeof label, "%g", i * tick);
        text(d, x, bottom + 14, " text-anchor=\"middle\" font-size=\"13\"", label);
    }
    text(d, LEFT - 14, bottom + 14, " text-anchor=\"end\" font-size=\"13\"", "ms");
}

/* -------------------------------------------------------------- timelines */

static void draw_predicted(struct drawing *d, double top)
{
    char title[80] = "predicted: not known before the run";
    if (!isnan(d->r->predicted_step_ms)) snprintf(title, sizeof title, "predicted: %.3f ms", d->r->predicted_step_ms);
    text(d, LEFT, top - 12, " font-weight=\"bold\"", title);
    draw_rows(d, top);
    draw_axis(d, top);
    for (int i = 0; i < d->r->ncells; i++) {
        const struct hsgd_plan_cell *c = &d->r->cell[i].of;
        if (c->known)
            draw_bar(d, top, i, c->predicted_worker, c->predicted_start_ms, c->predicted_start_ms + c->predicted_ms);
    }
}

static void draw_measured(struct drawing *d, double top)
{
    char title[160] = "measured: no step was recorded";
    if (d->r->shown_step >= 0)
        snprintf(title, sizeof title, "measured: step %lld, of median length among those recorded; on average %.3f ms",
                 (long long)d->r->shown_step, d->r->measured_step_ms);
    text(d, LEFT, top - 12, " font-weight=\"bold\"", title);
    draw_rows(d, top);
    draw_axis(d, top);
    for (int i = 0; i < d->r->ncells; i++) {
        const struct plan_cell *c = &d->r->cell[i];
        if (c->worker >= 0 && !isnan(c->start_ms + c->end_ms)) draw_bar(d, top, i, c->worker, c->start_ms, c->end_ms);
    }
}

static void draw_totals(struct drawing *d, double top)
{
    char line[240];
    for (int i = 0; i < d->r->ndevices; i++) {
        struct plan_total t = plan_total(d->r, i);
        int n = snprintf(line, sizeof line, "%s: %d of %d rows (%.0f %%)", d->r->device[i].id, t.rows, d->r->batch,
                         100 * t.share);
        if (!isnan(t.busy))
            snprintf(line + n, sizeof line - (size_t)n, ", busy %.0f %%, idle %.3f ms of a step; %.40s", 100 * t.busy,
                     t.idle_ms, d->r->device[i].name);
        text(d, LEFT, top + 20 * i, "", line);
    }
}

static void draw_legend(struct drawing *d, double y)
{
    double x = LEFT;
    for (int k = 0; k < COLOURS; k++) {
        int i = 0;
        while (i < d->r->ncells && !is_kind(&d->r->cell[i], k)) i++;
        if (i == d->r->ncells) continue;
        fprintf(d->f, "<rect x=\"%.1f\" y=\"%.1f\" width=\"14\" height=\"14\" fill=\"%s\"/>\n", x, y - 12,
                colours[k].colour);
        text(d, x + 20, y, "", colours[k].kind);
        x += 40 + LETTER * (double)strlen(colours[k].kind);
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

static void draw(struct drawing *d)
{
    char title[120];
    double panel = rows_of(d->r) * ROW, second = TOP + panel + GAP, totals = second + panel + 44;
    double height = totals + 20 * d->r->ndevices;
    fprintf(d->f,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%.0f\" viewBox=\"0 0 %d %.0f\" "
            "font-family=\"DejaVu Sans, Helvetica, Arial, sans-serif\" font-size=\"14\" fill=\"#222222\">\n"
            "<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n", WIDTH, height, WIDTH, height);
    snprintf(title, sizeof title, "%s, a step of %d samples", d->r->model, d->r->batch);
    text(d, LEFT, 26, " font-size=\"18\" font-weight=\"bold\"", title);
    draw_legend(d, 50);
    draw_predicted(d, TOP);
    draw_measured(d, second);
    draw_totals(d, totals);
    fputs("</svg>\n", d->f);
}

int plan_draw(const struct plan_report *r, const struct session *run, const char *path)
{
    char *bytes = NULL;
    size_t size = 0;
    struct drawing d = { open_memstream(&bytes, &size), r, longest(r) };
    if (!d.f) return complain(FAILED, "out of memory for the picture");
    draw(&d);
    bool failed = ferror(d.f);
    if (fclose(d.f) || failed) {
        free(bytes);
        return complain(FAILED, "out of memory for the picture");
    }
    int err = hsgd_file_write(run->ctx, path, bytes, size);
    free(bytes);
    return err ? complain(blame(err), "--svg \"%s\": %s", path, hsgd_error(run->ctx)) : OK;
}
