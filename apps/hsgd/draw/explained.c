/* SPDX-License-Identifier: BSD-3-Clause */
/* Attributions: over an image, and as bars. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "draw.h"
#include "plot.h"

#define MARGIN 16
#define HEAD 50 /* title and the line below it */
#define GAP 20  /* between panels */
#define CAPTION 22
#define SIDE 252   /* approximate pixels of the longer side of an image */
#define BAR 14     /* width of the scale, */
#define NUMBERS 72 /* and of the numbers beside it */
#define LINE 620   /* maximum of a line of text beyond the panels */

/* ------------------------------------------------------------------- colours */

/* Positive and negative of one lightness (ColorBrewer's RdBu), and a map from dark
 * to light (Inferno, van der Walt & Smith 2015). */
static const struct colour positive = { 178, 24, 43 }, negative = { 33, 102, 172 };
static const struct colour heat[] = {
    { 0, 0, 4 }, { 87, 16, 110 }, { 188, 55, 84 }, { 249, 142, 9 }, { 252, 255, 164 }
};
enum { STOPS = sizeof heat / sizeof *heat };

static unsigned char mix(double a, double from, double to) { return (unsigned char)(from + a * (to - from) + 0.5); }

static struct colour blend(double a, double grey, struct colour k)
{
    return (struct colour){ mix(a, grey, k.r), mix(a, grey, k.g), mix(a, grey, k.b) };
}

static struct colour heat_at(double v)
{
    int i = (int)fmin(v * (STOPS - 1), STOPS - 2);
    double a = v * (STOPS - 1) - i;
    return (struct colour){ mix(a, heat[i].r, heat[i + 1].r), mix(a, heat[i].g, heat[i + 1].g),
                            mix(a, heat[i].b, heat[i + 1].b) };
}

/* v: from -1, or 0, to 1; the stronger, the less of the image shows through. */
static struct colour over(bool is_signed, double v, double grey)
{
    double strength = pow(fmin(fabs(v), 1), 0.75);
    if (!is_signed) return blend(0.8 * strength, grey, heat_at(fmin(fmax(v, 0), 1)));
    return blend(0.95 * strength, grey, v < 0 ? negative : positive);
}

/* --------------------------------------------------------------------- image */

struct panels {
    const struct explained_image *e;
    int zoom;
    double wide, high, width, height; /* of a panel, and of all */
    double max;                       /* of the map, absolute */
    float low, scale;                 /* of the image, to 0..1 */
    unsigned char *rgb;
};

static double grey_of(const struct panels *p, int64_t pixel)
{
    static const double luma[3] = { 0.299, 0.587, 0.114 };
    const struct explained_image *e = p->e;
    double sum = 0;
    for (int c = 0; c < e->channels; c++) {
        float v = e->image[pixel * e->channels + c];
        double level = isnan(v) ? 0 : ((double)v - (double)p->low) * (double)p->scale;
        sum += level * (e->channels == 3 ? luma[c] : 1.0 / e->channels);
    }
    return fmin(fmax(sum, 0), 1);
}

static void paint_input(const struct panels *p)
{
    const struct explained_image *e = p->e;
    bool coloured = e->channels == 3;
    for (int64_t i = 0; i < (int64_t)e->height * e->width; i++)
        for (int c = 0; c < 3; c++) {
            double v = coloured ? ((double)e->image[3 * i + c] - (double)p->low) * (double)p->scale : grey_of(p, i);
            p->rgb[3 * i + c] = mix(isnan(v) ? 0 : fmin(fmax(v, 0), 1), 0, 255);
        }
}

/* The image in greys that leave room for colours on both ends. */
static void paint_map(const struct panels *p)
{
    const struct explained_image *e = p->e;
    for (int64_t i = 0; i < (int64_t)e->height * e->width; i++) {
        struct colour k = over(e->is_signed, p->max > 0 ? (double)e->map[i] / p->max : 0, 110 + 130 * grey_of(p, i));
        p->rgb[3 * i] = k.r;
        p->rgb[3 * i + 1] = k.g;
        p->rgb[3 * i + 2] = k.b;
    }
}

static void draw_panel(struct canvas *c, const struct panels *p, double x, const char *caption)
{
    canvas_image(c, x, MARGIN + HEAD, p->e->width, p->e->height, p->zoom, p->rgb);
    canvas_text(c,
                &(struct text_place){ x + p->wide / 2, MARGIN + HEAD + p->high + 5, 0.5, 0, TEXT_NORMAL, plot_ink,
                                      p->wide + GAP, false },
                caption);
}

/* The largest value, 0, and its negative. */
static void draw_scale(struct canvas *c, const struct panels *p, double x)
{
    enum { STEPS = 100 };
    double y = MARGIN + HEAD, low = p->e->is_signed ? -1 : 0, high = fmax(p->high, 60);
    char text[24];
    for (int i = 0; i < STEPS; i++)
        canvas_fill(c, x, y + high * (STEPS - 1 - i) / STEPS, BAR, high / STEPS + (i ? 0.5 : 0),
                    over(p->e->is_signed, low + (1 - low) * (i + 0.5) / STEPS, 175));
    for (double v = low; v <= 1; v++) {
        snprintf(text, sizeof text, p->e->is_signed && v > 0 ? "+%.3g" : "%.3g", v * p->max);
        double part = (1 - v) / (1 - low);
        canvas_text(c, &(struct text_place){ x + BAR + 5, y + high * part, 0, part, TEXT_SMALL, plot_ink, 0, false },
                    text);
    }
}

static void draw_head(struct canvas *c, const char *title, const char *about, double width)
{
    double space = width - 2 * MARGIN;
    canvas_text(c, &(struct text_place){ MARGIN, MARGIN, 0, 0, TEXT_TITLE, plot_ink, space, false }, title);
    canvas_text(c, &(struct text_place){ MARGIN, MARGIN + 24, 0, 0, TEXT_NORMAL, plot_faint, space, false }, about);
}

static void draw_image(struct canvas *c, const void *of)
{
    const struct panels *p = of;
    draw_head(c, p->e->title, p->e->about, p->width);
    paint_input(p);
    draw_panel(c, p, MARGIN, "input");
    paint_map(p);
    draw_panel(c, p, MARGIN + p->wide + GAP, p->e->map_name);
    draw_scale(c, p, MARGIN + 2 * p->wide + 1.7 * GAP);
}

/* Values within 0..1 keep their level; others are scaled. */
static void find_ranges(struct panels *p)
{
    const struct explained_image *e = p->e;
    float low = 0, high = 1;
    int64_t pixels = (int64_t)e->height * e->width;
    for (int64_t i = 0; i < pixels * e->channels; i++) {
        low = fminf(low, e->image[i]);
        high = fmaxf(high, e->image[i]);
    }
    p->low = low;
    p->scale = 1 / (high - low);
    for (int64_t i = 0; i < pixels; i++) p->max = fmax(p->max, fabs((double)e->map[i]));
}

/* Of both lines, within a limit. */
static double text_width(const char *title, const char *about)
{
    return fmin(LINE, ceil(fmax(canvas_text_width(TEXT_TITLE, title), canvas_text_width(TEXT_NORMAL, about)))) + 1;
}

int draw_explained_image(const struct explained_image *e, const char *png)
{
    int side = e->height > e->width ? e->height : e->width, zoom = SIDE / side > 1 ? SIDE / side : 1;
    struct panels p = { .e = e, .zoom = zoom, .wide = e->width * zoom, .high = e->height * zoom };
    p.width = 2 * MARGIN + fmax(2 * p.wide + 1.7 * GAP + BAR + NUMBERS, text_width(e->title, e->about));
    p.height = 2 * MARGIN + HEAD + fmax(p.high, 60) + CAPTION;
    p.rgb = malloc((size_t)e->height * (size_t)e->width * 3);
    if (!p.rgb) return report_error(FAILED, "--out \"%s\": out of memory", png);
    find_ranges(&p);
    struct drawing d = { "Attribution", ceil(p.width), ceil(p.height), draw_image, &p };
    int code = drawing_write(&d, "--out", png, NULL);
    free(p.rgb);
    return code;
}

/* ---------------------------------------------------------------------- bars */

#define ROW 20
#define NAMES 260 /* maximum pixels of a name */
#define BARS 360

struct chart {
    const struct explained_values *e;
    double names, width;
};

static void draw_rows(const struct chart *a, const struct plot *d)
{
    double row = d->height / a->e->n, zero = plot_x(d, 0);
    for (int i = 0; i < a->e->n; i++) {
        double y = d->y + i * row, x = plot_x(d, a->e->value[i]);
        canvas_fill(d->canvas, fmin(x, zero), y + 3, fmax(fabs(x - zero), 0.5), row - 6,
                    a->e->value[i] < 0 ? negative : positive);
        canvas_text(d->canvas,
                    &(struct text_place){ d->x - 8, y + row / 2, 1, 0.5, TEXT_NORMAL, plot_ink, a->names, false },
                    a->e->name[i]);
    }
    canvas_line(d->canvas, zero, d->y, zero, d->y + d->height, 1, plot_ink);
}

static void draw_bars(struct canvas *c, const void *of)
{
    const struct chart *a = of;
    struct plot d = { .canvas = c,
                      .x = MARGIN + a->names + 8,
                      .y = MARGIN + HEAD,
                      .width = BARS,
                      .height = a->e->n * ROW,
                      .title = "",
                      .below = "attribution",
                      .across = axis_none(),
                      .up = { .high = 1 } };
    axis_add(&d.across, 0);
    for (int i = 0; i < a->e->n; i++) axis_add(&d.across, a->e->value[i]);
    axis_finish(&d.across, AXIS_LINEAR);
    draw_head(c, a->e->title, a->e->about, a->width);
    plot_frame(&d, false);
    draw_rows(a, &d);
}

int draw_explained_values(const struct explained_values *e, const char *png)
{
    struct chart a = { .e = e };
    for (int i = 0; i < e->n; i++) a.names = fmax(a.names, ceil(canvas_text_width(TEXT_NORMAL, e->name[i])));
    a.names = fmin(a.names, NAMES);
    a.width = 2 * MARGIN + fmax(a.names + 8 + BARS + PLOT_RIGHT, text_width(e->title, e->about));
    struct drawing d = { "Attributions", ceil(a.width), MARGIN + HEAD + e->n * ROW + PLOT_BELOW + MARGIN, draw_bars,
                         &a };
    return drawing_write(&d, "--out", png, NULL);
}
