/* SPDX-License-Identifier: BSD-3-Clause */
/* Boxes over images, each in the colour of its class. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "draw.h"
#include "plot.h"

#define MARGIN 16
#define HEAD 34
#define SIDE 448 /* approximate pixels of the longer side of an image */
#define LABEL 16 /* height of a name */
enum { COLOURS = 8 };

static void draw_label(struct canvas *c, const struct drawn_box *b, double x, double y, double left, double right)
{
    char text[100];
    if (isnan(b->score)) snprintf(text, sizeof text, "%s", b->name);
    else snprintf(text, sizeof text, "%s %.2f", b->name, (double)b->score);
    double width = canvas_text_width(TEXT_SMALL, text) + 8, at = fmax(left, fmin(x, right - width));
    canvas_fill(c, at, y, width, LABEL, plot_fill(b->class % COLOURS));
    canvas_text(c, &(struct text_place){ at + 4, y + LABEL / 2.0, 0, 0.5, TEXT_SMALL, plot_ink, 0, false }, text);
}

void canvas_boxes(struct canvas *c, const struct box_frame *f, const struct drawn_box *box, int n)
{
    static const double solid[2] = { 1, 0 };
    canvas_clip(c, f->x, f->y, f->width, f->height);
    for (int i = n - 1; i >= 0; i--) { /* the best over others */
        const struct drawn_box *b = &box[i];
        double left = f->x + f->width * (double)(b->x - b->w / 2), right = left + f->width * (double)b->w;
        double upper = f->y + f->height * (double)(b->y - b->h / 2), lower = upper + f->height * (double)b->h;
        const double x[] = { left, right, right, left, left }, y[] = { upper, upper, lower, lower, upper };
        canvas_path(c, x, y, 5, f->line, solid, plot_fill(b->class % COLOURS));
        bool above = upper - LABEL >= f->y;
        if (b->name) draw_label(c, b, left, above ? upper - LABEL : upper, f->x, f->x + f->width);
    }
    canvas_unclip(c);
}

/* ------------------------------------------------------------------ an image */

struct boxed {
    const struct boxed_image *of;
    int zoom;
    double width;
    unsigned char *rgb;
};

static void draw(struct canvas *c, const void *of)
{
    const struct boxed *b = of;
    const struct boxed_image *image = b->of;
    struct box_frame frame = { MARGIN, MARGIN + HEAD, image->width * b->zoom, image->height * b->zoom, 2 };
    canvas_text(c, &(struct text_place){ MARGIN, MARGIN, 0, 0, TEXT_TITLE, plot_ink, b->width - 2 * MARGIN, false },
                image->title);
    canvas_image(c, frame.x, frame.y, image->width, image->height, b->zoom, b->rgb);
    canvas_boxes(c, &frame, image->box, image->n);
}

int draw_boxed_image(const struct boxed_image *image, const char *png)
{
    int side = image->height > image->width ? image->height : image->width;
    int64_t pixels = (int64_t)image->height * image->width;
    struct boxed b = { .of = image, .zoom = side < SIDE ? SIDE / side : 1, .rgb = malloc((size_t)pixels * 3) };
    if (!b.rgb) return report_error(FAILED, "--out \"%s\": out of memory", png);
    for (int64_t i = 0; i < 3 * pixels; i++) {
        float v = image->image[image->channels == 3 ? i : i / 3 * image->channels];
        b.rgb[i] = (unsigned char)(fminf(fmaxf(v, 0), 1) * 255 + 0.5f);
    }
    b.width = 2 * MARGIN + image->width * b.zoom;
    struct drawing d = { image->title, b.width, 2 * MARGIN + HEAD + image->height * b.zoom, draw, &b };
    int code = drawing_write(&d, "--out", png, NULL);
    free(b.rgb);
    return code;
}
