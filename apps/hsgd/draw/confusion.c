/* SPDX-License-Identifier: BSD-3-Clause */
/* A confusion matrix: rows are the true classes, columns the predicted ones; a
 * cell is as dark as its fraction of the row. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "draw.h"
#include "plot.h"

#define MARGIN 16
#define NUMBERED 24 /* with more classes cells have no numbers */
#define SIDE 720    /* of the matrix then, about */
#define MAX_CLASSES 4000
#define SUBTITLE 160 /* bytes */
#define NAME 130     /* maximum pixels of a name */
#define GAP 6
#define NAME_ROW 14 /* minimum pixels between two names */
#define BAR 14      /* width of the colour bar */
#define HEAD 58     /* title and subtitle */

static const struct colour white = { 255, 255, 255 }, frame = { 150, 150, 150 };

/* ColorBrewer's Blues. */
static struct colour shade(double fraction)
{
    static const struct colour stops[] = {
        { 247, 251, 255 }, { 222, 235, 247 }, { 198, 219, 239 }, { 158, 202, 225 }, { 107, 174, 214 },
        { 66, 146, 198 },  { 33, 113, 181 },  { 8, 81, 156 },    { 8, 48, 107 },
    };
    enum { LAST = sizeof stops / sizeof *stops - 1 };
    double at = LAST * fmin(1, fmax(0, fraction)), part = at - fmin(LAST - 1, floor(at));
    struct colour a = stops[(int)fmin(LAST - 1, floor(at))], b = stops[(int)fmin(LAST - 1, floor(at)) + 1];
    return (struct colour){ (unsigned char)lround(a.r + part * (b.r - a.r)),
                            (unsigned char)lround(a.g + part * (b.g - a.g)),
                            (unsigned char)lround(a.b + part * (b.b - a.b)) };
}

/* ------------------------------------------------------------------ layout */

struct layout {
    const struct evaluation *e;
    double cell_w, cell_h, left, top, width, height; /* of the matrix; width and height of the chart */
    double names;                                    /* pixels of the longest name */
    bool upward;                                     /* names of columns do not fit side by side */
    int every_row, every_column;                     /* classes per name */
};

static double widest_number(const struct evaluation *e)
{
    int64_t max = 0;
    char text[24];
    for (int i = 0; i < e->classes * e->classes; i++)
        if (e->confusion[i] > max) max = e->confusion[i];
    snprintf(text, sizeof text, "%lld", (long long)max);
    return canvas_text_width(TEXT_NORMAL, text);
}

static double widest_name(const struct evaluation *e)
{
    double widest = 0;
    for (int i = 0; i < e->classes; i++) widest = fmax(widest, canvas_text_width(TEXT_NORMAL, e->name[i]));
    return fmin(NAME, ceil(widest));
}

static void write_subtitle(const struct evaluation *e, char *out, size_t size)
{
    snprintf(out, size, "%lld samples (%s), accuracy %.2f %%; colours: fraction of the true class",
             (long long)e->samples, e->part, 100 * evaluation_accuracy(e));
}

static int every(double cell) { return (int)fmax(1, ceil(NAME_ROW / cell)); }

static struct layout lay_out(const struct evaluation *e)
{
    struct layout l = { .e = e, .names = widest_name(e) };
    char subtitle[SUBTITLE];
    if (e->classes <= NUMBERED) {
        l.cell_w = fmax(e->classes < 6 ? fmax(64, l.names + 10) : 38, ceil(widest_number(e)) + 12);
        l.cell_h = fmax(e->classes < 6 ? 48 : 30, fmin(l.cell_w, e->classes < 6 ? 56 : 38));
    } else {
        l.cell_w = l.cell_h = fmax(1, floor(SIDE / (double)e->classes));
    }
    l.upward = l.names + 8 > l.cell_w;
    l.every_row = every(l.cell_h);
    l.every_column = l.upward ? l.every_row : 1;
    l.left = MARGIN + 22 + l.names + GAP;
    l.top = MARGIN + HEAD;
    double below = GAP + (l.upward ? l.names : NAME_ROW) + 8 + 18, right = l.left + e->classes * l.cell_w;
    write_subtitle(e, subtitle, sizeof subtitle);
    l.width = fmax(ceil(canvas_text_width(TEXT_NORMAL, subtitle)) + 2 * MARGIN, right + 24 + BAR + 46 + MARGIN);
    l.height = l.top + fmax(e->classes * l.cell_h, 110) + below + MARGIN;
    return l;
}

/* ------------------------------------------------------------------- cells */

static void draw_cell(struct canvas *c, const struct layout *l, int row, int column, int64_t samples)
{
    int64_t n = l->e->confusion[row * l->e->classes + column];
    double fraction = samples ? (double)n / (double)samples : 0;
    double x = l->left + column * l->cell_w, y = l->top + row * l->cell_h;
    char text[24];
    if (n) canvas_fill(c, x, y, l->cell_w, l->cell_h, shade(fraction));
    if (l->e->classes > NUMBERED) return;
    snprintf(text, sizeof text, "%lld", (long long)n);
    canvas_text(c,
                &(struct text_place){ x + l->cell_w / 2, y + l->cell_h / 2, 0.5, 0.5, TEXT_NORMAL,
                                      fraction > 0.5 ? white
                                      : n            ? plot_ink
                                                     : frame,
                                      0, false },
                text);
}

/* Empty cells show the background, so that there are at most as many shapes as
 * samples, whatever the number of classes. */
static void draw_cells(struct canvas *c, const struct layout *l)
{
    int n = l->e->classes;
    double wide = n * l->cell_w, high = n * l->cell_h;
    canvas_fill(c, l->left - 1, l->top - 1, wide + 2, high + 2, frame);
    canvas_fill(c, l->left, l->top, wide, high, shade(0));
    for (int i = 0; i < n; i++) {
        struct class_score s = class_score(l->e, i);
        for (int k = 0; k < n; k++) draw_cell(c, l, i, k, s.samples);
    }
    for (int i = 1; i < n && n <= NUMBERED; i++) {
        double x = l->left + i * l->cell_w, y = l->top + i * l->cell_h;
        canvas_line(c, x, l->top, x, l->top + high, 1, white);
        canvas_line(c, l->left, y, l->left + wide, y, 1, white);
    }
}

static void draw_names(struct canvas *c, const struct layout *l)
{
    double bottom = l->top + l->e->classes * l->cell_h + GAP;
    for (int i = 0; i < l->e->classes; i += l->every_row)
        canvas_text(c,
                    &(struct text_place){ l->left - GAP, l->top + (i + 0.5) * l->cell_h, 1, 0.5, TEXT_NORMAL, plot_ink,
                                          l->names, false },
                    l->e->name[i]);
    for (int i = 0; i < l->e->classes; i += l->every_column)
        canvas_text(c,
                    &(struct text_place){ l->left + (i + 0.5) * l->cell_w, bottom, 0.5, 0, TEXT_NORMAL, plot_ink,
                                          l->names, l->upward },
                    l->e->name[i]);
}

/* Beside the matrix, from 0 to 100 % of a row. */
static void draw_bar(struct canvas *c, const struct layout *l)
{
    enum { STEPS = 100 };
    double x = l->left + l->e->classes * l->cell_w + 24, high = fmin(fmax(l->e->classes * l->cell_h, 110), 300);
    canvas_fill(c, x - 1, l->top - 1, BAR + 2, high + 2, frame);
    for (int i = 0; i < STEPS; i++)
        canvas_fill(c, x, l->top + high * (STEPS - 1 - i) / STEPS, BAR, high / STEPS + (i ? 0.5 : 0),
                    shade((i + 0.5) / STEPS));
    for (int i = 0; i <= 4; i++) {
        char text[12];
        snprintf(text, sizeof text, "%d %%", 25 * i);
        canvas_text(c,
                    &(struct text_place){ x + BAR + 5, l->top + high * (4 - i) / 4, 0,
                                          i == 4 ? 0
                                          : i    ? 0.5
                                                 : 1,
                                          TEXT_SMALL, plot_ink, 0, false },
                    text);
    }
}

/* ------------------------------------------------------------------- chart */

static void draw_heading(struct canvas *c, const struct layout *l)
{
    const struct evaluation *e = l->e;
    char title[600], line[SUBTITLE];
    double space = l->width - 2 * MARGIN;
    snprintf(title, sizeof title, "%s on %s", e->model, e->data);
    write_subtitle(e, line, sizeof line);
    canvas_text(c, &(struct text_place){ MARGIN, MARGIN, 0, 0, TEXT_TITLE, plot_ink, space, false }, title);
    canvas_text(c, &(struct text_place){ MARGIN, MARGIN + 24, 0, 0, TEXT_NORMAL, plot_faint, space, false }, line);
}

static void draw(struct canvas *c, const void *of)
{
    const struct layout *l = of;
    double wide = l->e->classes * l->cell_w, high = l->e->classes * l->cell_h;
    draw_heading(c, l);
    draw_cells(c, l);
    draw_names(c, l);
    draw_bar(c, l);
    canvas_text(c, &(struct text_place){ MARGIN, l->top + high / 2, 0, 0.5, TEXT_HEADING, plot_ink, 0, true }, "true");
    double below = l->top + high + GAP + (l->upward ? l->names : NAME_ROW) + 8;
    canvas_text(c, &(struct text_place){ l->left + wide / 2, below, 0.5, 0, TEXT_HEADING, plot_ink, 0, false },
                "predicted");
}

int draw_confusion(const struct evaluation *e, const char *png, const char *svg)
{
    if (e->classes > MAX_CLASSES)
        return report_error(USAGE, "%s \"%s\": %d classes are too many to draw", png ? "--png" : "--svg",
                            png ? png : svg, e->classes);
    struct layout l = lay_out(e);
    struct drawing d = { "Confusion matrix", l.width, l.height, draw, &l };
    return drawing_write(&d, NULL, png, svg);
}
