#include "chart.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const struct colour chart_black = { 34, 34, 34 }, chart_grey = { 221, 221, 221 };
static const struct colour frame = { 120, 120, 120 };

#define POINT 5.0           /* half the width of one */
#define MOST_POINTS 30      /* with more, only some are marked */
#define TICK_ACROSS 80      /* pixels between two numbers, at least */
#define TICK_UP 45
#define DECADES 2.5         /* a longer axis has lines at powers of ten only */

/* ------------------------------------------------------------------- axes */

struct axis axis_none(void) { return (struct axis){ INFINITY, -INFINITY, false }; }

void axis_add(struct axis *a, double value)
{
    if (!isfinite(value)) return;
    a->low = fmin(a->low, value);
    a->high = fmax(a->high, value);
}

void axis_finish(struct axis *a)
{
    if (!(a->low <= a->high)) *a = (struct axis){ 0, 1, false };
    a->logarithmic = a->low > 0 && a->high >= 5 * a->low;
    if (a->logarithmic) {
        double room = pow(a->high / a->low, 0.04);
        a->low /= room;
        a->high *= room;
        return;
    }
    double room = a->high > a->low ? 0.04 * (a->high - a->low) : a->high ? 0.1 * fabs(a->high) : 1;
    a->low -= room;
    a->high += room;
}

static double part(const struct axis *a, double value)
{
    return a->logarithmic ? log(value / a->low) / log(a->high / a->low) : (value - a->low) / (a->high - a->low);
}

double chart_x(const struct chart *d, double value) { return d->x + d->width * part(&d->across, value); }
double chart_y(const struct chart *d, double value) { return d->y + d->height * (1 - part(&d->up, value)); }

/* ------------------------------------------------------------------ ticks */

/* The next larger of 1, 2, 5 times a power of ten. */
static double round_step(double least)
{
    double unit = pow(10, floor(log10(least))), n = least / unit;
    return unit * (n > 5 ? 10 : n > 2 ? 5 : n > 1 ? 2 : 1);
}

static double next_logarithmic(const struct axis *a, double tick)
{
    if (log10(a->high / a->low) > DECADES) return tick * pow(10, ceil(log10(a->high / a->low) / 8));
    double digit = round(tick / pow(10, floor(log10(tick) + 1e-9)));
    return tick * (digit == 2 ? 2.5 : 2);
}

/* The first line at or after the low end, and the one that follows a line. */
static double first_tick(const struct axis *a, double step)
{
    if (!a->logarithmic) return step * ceil(a->low / step - 1e-9) + 0.0; /* no -0 */
    double tick = pow(10, floor(log10(a->low)));
    while (tick < a->low * (1 - 1e-9)) tick = next_logarithmic(a, tick);
    return tick;
}

static double next_tick(const struct axis *a, double tick, double step)
{
    return a->logarithmic ? next_logarithmic(a, tick) : step * round(tick / step + 1);
}

static void number(char out[24], double v)
{
    static const struct { double unit; const char *name; } units[] = { { 1e9, "G" }, { 1e6, "M" }, { 1e3, "k" } };
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (fabs(v) >= units[i].unit) {
            snprintf(out, 24, "%.4g%s", v / units[i].unit, units[i].name);
            return;
        }
    snprintf(out, 24, "%.4g", v);
}

static void across_tick(const struct chart *d, double tick)
{
    char text[24];
    double x = chart_x(d, tick);
    number(text, tick);
    canvas_line(d->canvas, x, d->y, x, d->y + d->height, 1, chart_grey);
    canvas_text(d->canvas, (int)x, d->y + d->height + 8, CANVAS_MIDDLE, chart_black, text);
}

static void up_tick(const struct chart *d, double tick)
{
    char text[24];
    double y = chart_y(d, tick);
    number(text, tick);
    canvas_line(d->canvas, d->x, y, d->x + d->width, y, 1, chart_grey);
    canvas_text(d->canvas, d->x - 8, (int)y - CANVAS_LINE / 2, CANVAS_RIGHT, chart_black, text);
}

static void ticks(const struct chart *d, const struct axis *a, int most, void (*draw)(const struct chart *, double))
{
    double step = round_step((a->high - a->low) / most);
    for (double t = first_tick(a, step); t <= a->high + 1e-9 * step; t = next_tick(a, t, step)) draw(d, t);
}

void chart_frame(const struct chart *d, bool up)
{
    struct canvas *c = d->canvas;
    double x1 = d->x + d->width, y1 = d->y + d->height;
    ticks(d, &d->across, d->width / TICK_ACROSS, across_tick);
    if (up) ticks(d, &d->up, d->height / TICK_UP, up_tick);
    canvas_line(c, d->x, d->y, x1, d->y, 1, frame);
    canvas_line(c, x1, d->y, x1, y1, 1, frame);
    canvas_line(c, x1, y1, d->x, y1, 1, frame);
    canvas_line(c, d->x, y1, d->x, d->y, 1, frame);
    canvas_text(c, d->x + d->width / 2, d->y - 26, CANVAS_MIDDLE, chart_black, d->title);
    canvas_text(c, d->x + d->width / 2, (int)y1 + 34, CANVAS_MIDDLE, chart_black, d->below);
}

/* ----------------------------------------------------------------- curves */

/* Okabe and Ito's colours, which colour-blind readers can tell apart; without
 * yellow, which is faint on white. */
static const struct colour colours[] = {
    { 0, 114, 178 }, { 213, 94, 0 }, { 0, 158, 115 }, { 204, 121, 167 }, { 0, 0, 0 }, { 86, 180, 233 }, { 230, 159, 0 },
};
enum { COLOURS = sizeof colours / sizeof *colours };

/* Pixels of line and gap. */
static const double dashes[][2] = { { 1, 0 }, { 12, 7 }, { 3, 6 }, { 24, 7 } };
enum { DASHES = sizeof dashes / sizeof *dashes };

struct colour chart_colour(int style) { return colours[style % COLOURS]; }

/* Paul Tol's light colours. */
struct colour chart_fill(int style)
{
    static const struct colour fills[] = {
        { 119, 170, 221 }, { 238, 136, 102 }, { 68, 187, 153 }, { 238, 221, 136 }, { 255, 170, 187 }, { 170, 170, 0 },
        { 153, 221, 255 }, { 187, 187, 187 },
    };
    return fills[(size_t)style % (sizeof fills / sizeof *fills)];
}

/* *at: how far the pattern has come; it goes on from segment to segment. */
static void segment(struct canvas *c, int style, double x0, double y0, double x1, double y1, double *at)
{
    const double *dash = dashes[style / COLOURS % DASHES];
    double length = hypot(x1 - x0, y1 - y0), period = dash[0] + dash[1];
    if (!dash[1]) {
        canvas_line(c, x0, y0, x1, y1, 2.5, chart_colour(style));
        return;
    }
    for (double from = -fmod(*at, period); from < length; from += period) {
        double a = fmax(0, from) / length, b = fmin(length, from + dash[0]) / length;
        if (b > a)
            canvas_line(c, x0 + a * (x1 - x0), y0 + a * (y1 - y0), x0 + b * (x1 - x0), y0 + b * (y1 - y0), 2.5,
                        chart_colour(style));
    }
    *at += length;
}

/* Corners of points, in units of half their width; lines from one to the next. */
static const struct { int n; double x[6], y[6]; } points[] = {
    { 5, { -1, 1, 1, -1, -1 }, { -1, -1, 1, 1, -1 } },          /* square */
    { 4, { 0, 1.2, -1.2, 0 }, { -1.3, 0.9, 0.9, -1.3 } },       /* triangle */
    { 5, { 0, 1.4, 0, -1.4, 0 }, { -1.4, 0, 1.4, 0, -1.4 } },   /* diamond */
    { 5, { -1, 1, 0, -1, 1 }, { -1, 1, 0, 1, -1 } },            /* cross */
    { 5, { 0, 0, 0, -1.3, 1.3 }, { -1.3, 1.3, 0, 0, 0 } },      /* plus */
    { 4, { 0, 1.2, -1.2, 0 }, { 1.3, -0.9, -0.9, 1.3 } },       /* triangle, upside down */
};
enum { POINTS = sizeof points / sizeof *points };

static void point(struct canvas *c, int style, double x, double y)
{
    int p = style % POINTS;
    for (int i = 1; i < points[p].n; i++)
        canvas_line(c, x + POINT * points[p].x[i - 1], y + POINT * points[p].y[i - 1], x + POINT * points[p].x[i],
                    y + POINT * points[p].y[i], 2, chart_colour(style));
}

static bool is_point(double x, double y) { return isfinite(x) && isfinite(y); }

void chart_curve(struct canvas *c, int style, const double *x, const double *y, int n)
{
    double at = 0;
    int every = (n + MOST_POINTS - 1) / MOST_POINTS;
    for (int i = 0; i < n; i++) {
        if (!is_point(x[i], y[i])) continue;
        if (i && is_point(x[i - 1], y[i - 1])) segment(c, style, x[i - 1], y[i - 1], x[i], y[i], &at);
        if (i % every == 0 || i == n - 1) point(c, style, x[i], y[i]);
    }
}
