/* SPDX-License-Identifier: BSD-3-Clause */
/* Contact sheets: samples with the names of their classes. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "draw.h"
#include "plot.h"

#define MARGIN 16
#define HEAD 34
#define GAP 8
#define CAPTION 18
#define SIDE 56 /* approximate pixels of a sample */

struct sheet {
    const struct hsgd_data *of;
    int64_t count;
    int columns, zoom; /* zoom: pixels of the PNG file for one of a sample, a multiple of PNG_SCALE */
    double pitch, row, width;
    float low, scale; /* from a value to 0..255 */
    float *sample;
    unsigned char *rgb;
    int boxes;         /* rows of boxes of a sample; 0: it has none */
    float *row_of_box; /* room for these */
    struct drawn_box *box;
    struct legend classes; /* of the boxes */
    double legend;         /* its height */
    const char *title;
};

static int64_t size_of(const struct hsgd_data *d)
{
    struct hsgd_shape in = hsgd_data_shape(d);
    return (int64_t)in.h * in.w * in.c;
}

/* Values within 0..1, such as those of 8-bit images, keep their level; others are
 * scaled from black, the smallest, to white, the largest. */
static void find_range(struct sheet *s)
{
    int64_t size = size_of(s->of);
    float low = 0, high = 1;
    for (int64_t i = 0; i < s->count; i++) {
        hsgd_data_gather(s->of, &i, 1, NULL, s->sample, NULL);
        for (int64_t k = 0; k < size; k++) {
            low = fminf(low, s->sample[k]);
            high = fmaxf(high, s->sample[k]);
        }
    }
    s->low = low;
    s->scale = 255 / (high - low);
}

static unsigned char level(const struct sheet *s, float v)
{
    return isnan(v) ? 0 : (unsigned char)((v - s->low) * s->scale + 0.5f);
}

/* The boxes of a sample, in the colours of their classes. */
static void draw_boxes(struct canvas *c, const struct sheet *s, int64_t i, double x, double y)
{
    const struct hsgd_shape in = hsgd_data_shape(s->of);
    int n = 0;
    hsgd_data_gather_field(s->of, hsgd_data_find(s->of, "boxes"), &i, 1, NULL, s->row_of_box);
    for (int k = 0; k < s->boxes; k++) {
        const float *b = s->row_of_box + 5 * (size_t)k;
        if (b[0] >= 0) s->box[n++] = (struct drawn_box){ (int)b[0], b[1], b[2], b[3], b[4], NAN, NULL };
    }
    canvas_boxes(c, &(struct box_frame){ x, y, in.w * s->zoom, in.h * s->zoom, 1 }, s->box, n);
}

static void draw_sample(struct canvas *c, const struct sheet *s, int64_t i)
{
    struct hsgd_shape in = hsgd_data_shape(s->of);
    double x = MARGIN + (double)(i % s->columns) * s->pitch, y = MARGIN + HEAD + (double)(i / s->columns) * s->row;
    int32_t label;
    bool labels = !hsgd_data_gather(s->of, &i, 1, NULL, NULL, &label);
    hsgd_data_gather(s->of, &i, 1, NULL, s->sample, NULL);
    for (int k = 0; k < 3 * in.h * in.w; k++) s->rgb[k] = level(s, s->sample[in.c == 3 ? k : k / 3]);
    canvas_image(c, x, y, in.w, in.h, s->zoom, s->rgb);
    if (s->boxes) draw_boxes(c, s, i, x, y);
    if (!labels) return;
    canvas_text(c,
                &(struct text_place){ x + in.w * s->zoom / 2.0, y + in.h * s->zoom + 2, 0.5, 0, TEXT_SMALL, plot_ink,
                                      s->pitch - 4, false },
                hsgd_data_class_name(s->of, label));
}

static void draw(struct canvas *c, const void *of)
{
    const struct sheet *s = of;
    double width = s->columns * s->pitch - GAP;
    canvas_text(c, &(struct text_place){ MARGIN, MARGIN, 0, 0, TEXT_TITLE, plot_ink, width, false }, s->title);
    for (int64_t i = 0; i < s->count; i++) draw_sample(c, s, i);
    double rows = ceil((double)s->count / s->columns);
    if (s->boxes) legend_draw(c, &s->classes, MARGIN, MARGIN + HEAD + rows * s->row, s->width);
}

/* ------------------------------------------------------------------- sheet */

static int check(const struct hsgd_data *d, const char *what, const char *path)
{
    struct hsgd_shape in = hsgd_data_shape(d);
    if (in.c == 1 || in.c == 3) return drawing_check(what, path);
    return report_error(USAGE, "%s \"%s\": samples have %d channels, an image has 1 or 3", what, path, in.c);
}

/* Of data that has boxes; false: out of memory. */
static bool open_boxes(struct sheet *s)
{
    struct hsgd_type type = hsgd_data_type(s->of, "boxes");
    int classes = hsgd_data_classes(s->of);
    if (type.rank != 2 || hsgd_data_type(s->of, "label").dtype != HSGD_DTYPES || type.dim[1] != 5) return true;
    s->boxes = type.dim[0];
    s->row_of_box = malloc((size_t)hsgd_type_size(&type) * sizeof *s->row_of_box);
    s->box = malloc((size_t)s->boxes * sizeof *s->box);
    const char **name = calloc((size_t)classes + 1, sizeof *name);
    s->classes = (struct legend){ LEGEND_BOX, classes, name, NULL };
    for (int i = 0; name && i < classes; i++) name[i] = hsgd_data_class_name(s->of, i);
    if (name) s->legend = legend_height(&s->classes, s->width);
    return s->row_of_box && s->box && name;
}

static int write_sheet(struct sheet *s, const char *png, const char *svg)
{
    struct hsgd_shape in = hsgd_data_shape(s->of);
    double rows = ceil((double)s->count / s->columns);
    s->width = fmax(240, s->columns * s->pitch - GAP);
    s->sample = malloc((size_t)size_of(s->of) * sizeof *s->sample);
    s->rgb = malloc(3 * (size_t)in.h * (size_t)in.w);
    bool room = open_boxes(s) && s->sample && s->rgb;
    double height = 2 * MARGIN + HEAD + rows * s->row - GAP + (s->legend > 0 ? s->legend + GAP : 0);
    struct drawing d = { s->title, 2 * MARGIN + s->width, height, draw, s };
    int code = room ? OK : report_error(FAILED, "out of memory for the sheet");
    if (!code) find_range(s);
    if (!code) code = drawing_write(&d, NULL, png, svg);
    free((void *)s->classes.name);
    free(s->row_of_box);
    free(s->box);
    free(s->sample);
    free(s->rgb);
    return code;
}

int draw_sheet(const struct hsgd_data *d, int rows, int columns, const char *png, const char *svg)
{
    struct hsgd_shape in = hsgd_data_shape(d);
    char title[300];
    int64_t count = hsgd_data_count(d);
    if (columns > count) columns = (int)count;
    int64_t cells = (int64_t)rows * columns;
    int zoom = in.w < SIDE ? SIDE / in.w : 1;
    struct sheet s = { .of = d,
                       .count = cells < count ? cells : count,
                       .columns = columns,
                       .zoom = zoom,
                       .pitch = in.w * zoom + GAP,
                       .row = in.h * zoom + CAPTION + GAP,
                       .title = title };
    snprintf(title, sizeof title, "%s: the first %lld of %lld samples, %d x %d pixels", hsgd_data_name(d),
             (long long)s.count, (long long)count, in.w, in.h);
    int code = check(d, png ? "--png" : "--svg", png ? png : svg);
    return code ? code : write_sheet(&s, png, svg);
}
