/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames, curves and legends of plots. */
#include "plot.h"

#include <math.h>
#include <stdio.h>

const struct colour plot_ink = { 38, 38, 38 }, plot_faint = { 110, 110, 110 }, plot_grid = { 228, 228, 228 };
static const struct colour spine = { 90, 90, 90 };

#define MARKER 3.2     /* half the width of one */
#define MAX_MARKERS 30 /* with more points, only some are marked */
#define LINE 1.6
#define TICK 4 /* length of one */

double plot_x(const struct plot *d, double value) { return d->x + d->width * axis_part(&d->across, value); }
double plot_y(const struct plot *d, double value) { return d->y + d->height * (1 - axis_part(&d->up, value)); }

/* Thin lines are sharp at the centres of pixels. */
static double sharp(double at) { return floor(at) + 0.5; }

/* ------------------------------------------------------------------- frame */

static void draw_across(const struct plot *d)
{
    struct ticks t;
    double bottom = d->y + d->height;
    axis_ticks(&t, &d->across, d->width, true);
    for (int i = 0; i < t.n; i++) {
        double x = sharp(plot_x(d, t.value[i]));
        canvas_line(d->canvas, x, d->y, x, bottom, 1, plot_grid);
        canvas_line(d->canvas, x, bottom, x, bottom + TICK, 1, spine);
        canvas_text(d->canvas, &(struct text_place){ x, bottom + TICK + 2, 0.5, 0, TEXT_SMALL, plot_ink, 0, false },
                    t.text[i]);
    }
}

static void draw_up(const struct plot *d)
{
    struct ticks t;
    axis_ticks(&t, &d->up, d->height, false);
    for (int i = 0; i < t.n; i++) {
        double y = sharp(plot_y(d, t.value[i]));
        canvas_line(d->canvas, d->x, y, d->x + d->width, y, 1, plot_grid);
        canvas_line(d->canvas, d->x - TICK, y, d->x, y, 1, spine);
        canvas_text(d->canvas, &(struct text_place){ d->x - TICK - 3, y, 1, 0.5, TEXT_SMALL, plot_ink, 0, false },
                    t.text[i]);
    }
}

void plot_frame(const struct plot *d, bool up)
{
    double left = sharp(d->x), bottom = sharp(d->y + d->height);
    draw_across(d);
    if (up) draw_up(d);
    canvas_line(d->canvas, left, d->y, left, bottom, 1, spine);
    canvas_line(d->canvas, left, bottom, d->x + d->width, bottom, 1, spine);
    canvas_text(d->canvas,
                &(struct text_place){ d->x, d->y - 9, 0, 1, TEXT_HEADING, plot_ink, d->width + PLOT_RIGHT, false },
                d->title);
    canvas_text(
        d->canvas,
        &(struct text_place){ d->x + d->width / 2, bottom + 22, 0.5, 0, TEXT_NORMAL, plot_ink, d->width, false },
        d->below);
}

/* ------------------------------------------------------------------ styles */

/* Okabe and Ito's colours, which colour-blind readers can tell apart; without
 * yellow, which is faint on white. */
static const struct colour colours[] = {
    { 0, 114, 178 }, { 213, 94, 0 }, { 0, 158, 115 }, { 204, 121, 167 }, { 0, 0, 0 }, { 86, 180, 233 }, { 230, 159, 0 },
};
enum { COLOURS = sizeof colours / sizeof *colours };

/* Pixels of line and gap. */
static const double dashes[][2] = { { 1, 0 }, { 7, 3 }, { 2, 2 }, { 14, 4 }, { 4, 6 } };
enum { DASHES = sizeof dashes / sizeof *dashes };

struct colour plot_colour(int style) { return colours[style % COLOURS]; }
static const double *dash_of(int style) { return dashes[style / COLOURS % DASHES]; }

/* Paul Tol's light colours. */
struct colour plot_fill(int style)
{
    static const struct colour fills[] = {
        { 119, 170, 221 }, { 238, 136, 102 }, { 68, 187, 153 },  { 238, 221, 136 },
        { 255, 170, 187 }, { 170, 170, 0 },   { 153, 221, 255 }, { 187, 187, 187 },
    };
    return fills[(size_t)style % (sizeof fills / sizeof *fills)];
}

/* Corners of markers, in units of half their width. */
static const struct {
    int n;
    double x[8], y[8];
} markers[] = {
    { 8, { 1, 0.7, 0, -0.7, -1, -0.7, 0, 0.7 }, { 0, 0.7, 1, 0.7, 0, -0.7, -1, -0.7 } }, /* nearly a disc */
    { 4, { -0.9, 0.9, 0.9, -0.9 }, { -0.9, -0.9, 0.9, 0.9 } },                           /* square */
    { 3, { 0, 1.2, -1.2 }, { -1.3, 0.9, 0.9 } },                                         /* triangle */
    { 4, { 0, 1.2, 0, -1.2 }, { -1.3, 0, 1.3, 0 } },                                     /* diamond */
    { 3, { 0, 1.2, -1.2 }, { 1.3, -0.9, -0.9 } },                                        /* triangle, upside down */
};
enum { MARKERS = sizeof markers / sizeof *markers };

static void draw_marker(struct canvas *c, int style, double x, double y)
{
    double xs[8], ys[8];
    int m = style % MARKERS;
    for (int i = 0; i < markers[m].n; i++) {
        xs[i] = x + MARKER * markers[m].x[i];
        ys[i] = y + MARKER * markers[m].y[i];
    }
    canvas_polygon(c, xs, ys, markers[m].n, plot_colour(style), 1);
}

/* ------------------------------------------------------------------ curves */

/* NaN for a value that a logarithmic axis cannot show. */
static double height_of(const struct plot *d, double value)
{
    return d->up.logarithmic && value <= 0 ? NAN : plot_y(d, value);
}

static bool is_point(const struct plot *d, const struct curve *k, int i)
{
    return isfinite(k->x[i]) && isfinite(height_of(d, k->y[i]));
}

/* Points from `from` on without a gap. */
static int stretch(const struct plot *d, const struct curve *k, int from)
{
    int n = 0;
    while (from + n < k->n && is_point(d, k, from + n)) n++;
    return n;
}

enum { CHUNK = 512 }; /* points of a path at once */

static void draw_stretch(const struct plot *d, const struct curve *k, int from, int n)
{
    double x[CHUNK], y[CHUNK];
    for (int at = 0; at < n - 1; at += CHUNK - 1) {
        int m = n - at < CHUNK ? n - at : CHUNK;
        for (int i = 0; i < m; i++) {
            x[i] = plot_x(d, k->x[from + at + i]);
            y[i] = plot_y(d, k->y[from + at + i]);
        }
        canvas_path(d->canvas, x, y, m, LINE, dash_of(k->style), plot_colour(k->style));
    }
}

void plot_curve(const struct plot *d, const struct curve *k)
{
    int every = (k->n + MAX_MARKERS - 1) / MAX_MARKERS;
    canvas_clip(d->canvas, d->x - 1, d->y, d->width + PLOT_RIGHT, d->height + 1);
    for (int i = 0, n; i < k->n; i += n + 1) draw_stretch(d, k, i, n = stretch(d, k, i));
    canvas_unclip(d->canvas);
    for (int i = 0; i < k->n; i++)
        if (is_point(d, k, i) && (i % every == 0 || i == k->n - 1))
            draw_marker(d->canvas, k->style, plot_x(d, k->x[i]), plot_y(d, k->y[i]));
}

/* Limited to the range of the axis. */
static double band_y(const struct plot *d, double value) { return plot_y(d, fmin(d->up.high, fmax(d->up.low, value))); }

static bool has_band(const struct plot *d, const struct curve *k, int i)
{
    return i < k->n && is_point(d, k, i) && isfinite(k->deviation[i]);
}

/* A polygon along n points and back. */
static void draw_band(const struct plot *d, const struct curve *k, int from, int n)
{
    double x[2 * CHUNK], y[2 * CHUNK];
    for (int i = 0; i < n; i++) {
        int at = from + i, back = 2 * n - 1 - i;
        x[i] = x[back] = plot_x(d, k->x[at]);
        y[i] = band_y(d, k->y[at] - k->deviation[at]);
        y[back] = band_y(d, k->y[at] + k->deviation[at]);
    }
    if (n > 1) canvas_polygon(d->canvas, x, y, 2 * n, plot_colour(k->style), 0.2);
}

/* The band of a single point is an error bar. */
static void draw_bar(const struct plot *d, const struct curve *k, int i)
{
    double x = plot_x(d, k->x[i]), low = band_y(d, k->y[i] - k->deviation[i]);
    double high = band_y(d, k->y[i] + k->deviation[i]);
    canvas_line(d->canvas, x, low, x, high, LINE, plot_colour(k->style));
    canvas_line(d->canvas, x - 4, low, x + 4, low, LINE, plot_colour(k->style));
    canvas_line(d->canvas, x - 4, high, x + 4, high, LINE, plot_colour(k->style));
}

void plot_band(const struct plot *d, const struct curve *k)
{
    for (int i = 0, n; k->deviation && i<k->n; i += n> 1 ? n - 1 : 1) {
        for (n = 0; n < CHUNK && has_band(d, k, i + n); n++) continue;
        bool alone = n == 1 && !(i && has_band(d, k, i - 1));
        if (alone) draw_bar(d, k, i);
        else draw_band(d, k, i, n);
    }
}

void plot_level(const struct plot *d, double value, const char *name)
{
    static const double dash[2] = { 5, 3 };
    double y = sharp(plot_y(d, value));
    if (!isfinite(y)) return;
    canvas_path(d->canvas, (double[]){ d->x, d->x + d->width }, (double[]){ y, y }, 2, 1, dash, spine);
    bool above = y - d->y > canvas_text_height(TEXT_SMALL) + 4;
    canvas_text(d->canvas,
                &(struct text_place){ d->x + d->width - 2, above ? y - 2 : y + 2, 1, above ? 1 : 0, TEXT_SMALL,
                                      plot_faint, d->width, false },
                name);
}

/* ------------------------------------------------------------------ legend */

#define MARK 30 /* a mark's width with the gap behind it */
#define COLUMN_GAP 22
#define ROW 18

static double column_width(const struct legend *l, double width)
{
    double widest = 0;
    for (int i = 0; i < l->n; i++) widest = fmax(widest, canvas_text_width(TEXT_NORMAL, l->name[i]));
    return fmin(width, MARK + ceil(widest) + COLUMN_GAP);
}

static int rows_of(const struct legend *l, double width)
{
    int columns = (int)fmax(1, floor(width / column_width(l, width)));
    return (l->n + columns - 1) / columns;
}

double legend_height(const struct legend *l, double width) { return l->n ? ROW * rows_of(l, width) : 0; }

static void draw_mark(struct canvas *c, enum legend_mark mark, int style, double x, double y)
{
    if (mark == LEGEND_BOX) {
        canvas_fill(c, x, y - 6, 24, 12, plot_fill(style));
        return;
    }
    canvas_path(c, (double[]){ x, x + 24 }, (double[]){ y, y }, 2, LINE, dash_of(style), plot_colour(style));
    draw_marker(c, style, x + 12, y);
}

void legend_draw(struct canvas *c, const struct legend *l, double x, double y, double width)
{
    if (!l->n) return;
    int rows = rows_of(l, width);
    double column = column_width(l, width);
    for (int i = 0; i < l->n; i++) {
        double left = x + i / rows * column, middle = y + i % rows * ROW + ROW / 2.0;
        draw_mark(c, l->mark, l->style ? l->style[i] : i, left, middle);
        canvas_text(
            c, &(struct text_place){ left + MARK, middle, 0, 0.5, TEXT_NORMAL, plot_ink, column - MARK - 4, false },
            l->name[i]);
    }
}
