/* SPDX-License-Identifier: BSD-3-Clause */
/* Drawing with Cairo, texts with Pango. */
#include "canvas.h"

#include <math.h>
#include <pango/pangocairo.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "canvas_cairo.h"

/* Fonts by preference; the last one is the default sans-serif font of the system. */
#define FAMILIES "DejaVu Sans, Liberation Sans, Noto Sans, Sans"

/* ------------------------------------------------------------------ shapes */

static void set_colour(struct canvas *c, struct colour k, double alpha)
{
    cairo_set_source_rgba(c->cairo, k.r / 255.0, k.g / 255.0, k.b / 255.0, alpha);
}

void canvas_fill(struct canvas *c, double x, double y, double width, double height, struct colour colour)
{
    set_colour(c, colour, 1);
    cairo_rectangle(c->cairo, x, y, width, height);
    cairo_fill(c->cairo);
}

static void follow(struct canvas *c, const double *x, const double *y, int n)
{
    cairo_new_path(c->cairo);
    for (int i = 0; i < n; i++) cairo_line_to(c->cairo, x[i], y[i]);
}

void canvas_path(struct canvas *c, const double *x, const double *y, int n, double width, const double dash[2],
                 struct colour colour)
{
    set_colour(c, colour, 1);
    cairo_set_line_width(c->cairo, width);
    cairo_set_line_join(c->cairo, CAIRO_LINE_JOIN_ROUND);
    cairo_set_dash(c->cairo, dash, dash[1] > 0 ? 2 : 0, 0);
    follow(c, x, y, n);
    cairo_stroke(c->cairo);
}

void canvas_line(struct canvas *c, double x0, double y0, double x1, double y1, double width, struct colour colour)
{
    static const double solid[2] = { 1, 0 };
    canvas_path(c, (double[]){ x0, x1 }, (double[]){ y0, y1 }, 2, width, solid, colour);
}

void canvas_polygon(struct canvas *c, const double *x, const double *y, int n, struct colour colour, double alpha)
{
    set_colour(c, colour, alpha);
    follow(c, x, y, n);
    cairo_fill(c->cairo);
}

/* Out of memory, the image is in an error state, which the canvas inherits. */
void canvas_image(struct canvas *c, double x, double y, int width, int height, int zoom, const unsigned char *rgb)
{
    cairo_surface_t *image = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height);
    unsigned char *to = cairo_image_surface_get_data(image);
    int stride = cairo_image_surface_get_stride(image);
    for (int i = 0; to && i < width * height; i++) {
        uint32_t pixel = (uint32_t)rgb[3 * i] << 16 | (uint32_t)rgb[3 * i + 1] << 8 | rgb[3 * i + 2];
        memcpy(to + i / width * stride + 4 * (i % width), &pixel, sizeof pixel);
    }
    cairo_surface_mark_dirty(image);
    cairo_save(c->cairo);
    cairo_translate(c->cairo, x, y);
    cairo_scale(c->cairo, zoom, zoom);
    cairo_set_source_surface(c->cairo, image, 0, 0);
    cairo_pattern_set_filter(cairo_get_source(c->cairo), CAIRO_FILTER_NEAREST);
    cairo_paint(c->cairo);
    cairo_restore(c->cairo);
    cairo_surface_destroy(image);
}

void canvas_clip(struct canvas *c, double x, double y, double width, double height)
{
    cairo_save(c->cairo);
    cairo_rectangle(c->cairo, x, y, width, height);
    cairo_clip(c->cairo);
}

void canvas_unclip(struct canvas *c) { cairo_restore(c->cairo); }

/* -------------------------------------------------------------------- text */

static const struct {
    int pixels;
    bool bold;
} styles[] = {
    [TEXT_TITLE] = { 15, true },
    [TEXT_HEADING] = { 13, true },
    [TEXT_NORMAL] = { 12, false },
    [TEXT_SMALL] = { 10, false },
};

/* Valid UTF-8 without control characters. */
static char *displayable(const char *text)
{
    char *valid = g_utf8_make_valid(text, -1);
    for (char *p = valid; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f) *p = ' ';
    return valid;
}

/* Glyphs have the same relative width at any scale, so that one layout serves all files. */
static void use_plain_metrics(PangoContext *context)
{
    cairo_font_options_t *options = cairo_font_options_create();
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    pango_cairo_context_set_font_options(context, options);
    pango_context_set_round_glyph_positions(context, FALSE);
    cairo_font_options_destroy(options);
}

/* To be freed by g_object_unref(). */
static PangoLayout *lay_out(enum text_style style, const char *text)
{
    PangoContext *context = pango_font_map_create_context(pango_cairo_font_map_get_default());
    PangoFontDescription *font = pango_font_description_from_string(FAMILIES);
    char *shown = displayable(text);
    use_plain_metrics(context);
    pango_font_description_set_absolute_size(font, styles[style].pixels * PANGO_SCALE);
    if (styles[style].bold) pango_font_description_set_weight(font, PANGO_WEIGHT_BOLD);
    PangoLayout *layout = pango_layout_new(context);
    pango_layout_set_single_paragraph_mode(layout, TRUE);
    pango_layout_set_font_description(layout, font);
    pango_layout_set_text(layout, shown, -1);
    g_free(shown);
    pango_font_description_free(font);
    g_object_unref(context);
    return layout;
}

static double pixels(int units) { return (double)units / PANGO_SCALE; }

double canvas_text_width(enum text_style style, const char *text)
{
    PangoLayout *layout = lay_out(style, text);
    PangoRectangle box;
    pango_layout_get_extents(layout, NULL, &box);
    g_object_unref(layout);
    return pixels(box.width);
}

double canvas_text_height(enum text_style style)
{
    PangoLayout *layout = lay_out(style, "Ag");
    PangoRectangle box;
    pango_layout_get_extents(layout, NULL, &box);
    g_object_unref(layout);
    return pixels(box.height);
}

static void keep(struct canvas *c, struct text_list *list, struct placed_text t, const char *text)
{
    if (list->n == list->capacity) {
        int capacity = list->capacity ? 2 * list->capacity : 64;
        struct placed_text *bigger = realloc(list->at, (size_t)capacity * sizeof *bigger);
        c->no_memory |= !bigger;
        if (!bigger) return;
        list->at = bigger;
        list->capacity = capacity;
    }
    t.text = strdup(text);
    c->no_memory |= !t.text;
    if (t.text) list->at[list->n++] = t;
}

/* (left, top): the corner of the box before rotation, in the coordinates of show_text(). */
static void keep_ink(struct canvas *c, const struct text_place *p, const PangoRectangle *ink, double left, double top,
                     const char *text)
{
    double x0 = left + pixels(ink->x), y0 = top + pixels(ink->y);
    double x1 = x0 + pixels(ink->width), y1 = y0 + pixels(ink->height);
    if (p->upward) keep(c, &c->texts, (struct placed_text){ p->x + y0, p->y - x1, p->x + y1, p->y - x0, NULL }, text);
    else keep(c, &c->texts, (struct placed_text){ p->x + x0, p->y + y0, p->x + x1, p->y + y1, NULL }, text);
}

/* A box that is rotated to the left has its left edge at the bottom. */
static void show_text(struct canvas *c, const struct text_place *p, PangoLayout *layout, const char *text)
{
    PangoRectangle ink, box;
    pango_layout_get_extents(layout, &ink, &box);
    if (pango_layout_is_ellipsized(layout)) box.width = ink.x + ink.width - box.x; /* the box has the maximum width */
    double left = -pixels(box.x) - pixels(box.width) * (p->upward ? 1 - p->down : p->across);
    double top = -pixels(box.y) - pixels(box.height) * (p->upward ? p->across : p->down);
    keep_ink(c, p, &ink, left, top, text);
    cairo_save(c->cairo);
    cairo_translate(c->cairo, p->x, p->y);
    if (p->upward) cairo_rotate(c->cairo, -G_PI / 2);
    cairo_move_to(c->cairo, left, top);
    set_colour(c, p->colour, 1);
    pango_cairo_show_layout(c->cairo, layout);
    cairo_restore(c->cairo);
}

void canvas_text(struct canvas *c, const struct text_place *p, const char *text)
{
    if (!*text) return;
    PangoLayout *layout = lay_out(p->style, text);
    PangoRectangle box;
    pango_layout_get_extents(layout, NULL, &box);
    if (p->max_width > 0 && pixels(box.width) > p->max_width) {
        pango_layout_set_width(layout, (int)(p->max_width * PANGO_SCALE));
        pango_layout_set_ellipsize(layout, PANGO_ELLIPSIZE_END);
    }
    show_text(c, p, layout, text);
    g_object_unref(layout);
}

void canvas_note(struct canvas *c, double x, double y, double width, double height, const char *text)
{
    keep(c, &c->notes, (struct placed_text){ x, y, x + width, y + height, NULL }, text);
}
