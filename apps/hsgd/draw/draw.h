/* SPDX-License-Identifier: BSD-3-Clause */
/* Charts and plots.  Each function returns OK or an exit code after a sentence;
 * files are written completely or not at all; png and svg are paths, NULL: do not
 * write that file.  none.c has stubs for a program that is built without Cairo. */
#ifndef HSGD_APP_DRAW_H
#define HSGD_APP_DRAW_H

#include <stdbool.h>

#include "lib/comparison.h"
#include "lib/evaluation.h"
#include "lib/history.h"
#include "lib/plan_report.h"

/* Whether plots can be drawn here: OK, or USAGE after a sentence that starts with
 * `what` (an option) and the path. */
int drawing_check(const char *what, const char *path);

/* A confusion matrix. */
int draw_confusion(const struct evaluation *e, const char *png, const char *svg);
/* The timeline of a step, predicted and measured. */
int draw_plan(const struct plan_report *r, const char *png, const char *svg);
/* Runs side by side: compare.png and compare.svg in the folder. */
int draw_comparison(const struct comparison *c, const char *folder);
/* Loss and accuracy of one run over its epochs, at least one; messages call the
 * files `what`. */
int draw_history(const struct history *h, const char *title, const char *what, const char *png, const char *svg);
/* The first rows x columns samples with the names of their classes; a pixel of
 * a sample is a square of the PNG file. */
int draw_sheet(const struct hsgd_data *d, int rows, int columns, const char *png, const char *svg);

/* Whether this program has been built with what draws. */
bool drawing_is_built(void);

/* What a score owes to the pixels of an image. */
struct explained_image {
    const char *title, *about, *map_name; /* the score; what attributions are, and how exact; below the map */
    int height, width, channels;
    const float *image; /* height x width x channels; NaN is black */
    const float *map;   /* [height x width], */
    bool is_signed;     /* of both signs; else 0 and more */
};
/* The image beside itself in grey with the map over it; png is in the folder --out. */
int draw_explained_image(const struct explained_image *e, const char *png);

/* A box over an image; centre and size are fractions of it. */
struct drawn_box {
    int class;
    float x, y, w, h, score; /* score NaN: none */
    const char *name;        /* NULL: the outline alone */
};
/* An image with boxes and their names; png is in the folder --out. */
struct boxed_image {
    const char *title;
    int height, width, channels;
    const float *image; /* height x width x channels, 0 to 1 */
    int n;
    const struct drawn_box *box; /* the best first */
};
int draw_boxed_image(const struct boxed_image *image, const char *png);

/* Where an image is on a canvas, and how wide lines are. */
struct box_frame {
    double x, y, width, height, line;
};
struct canvas;
void canvas_boxes(struct canvas *c, const struct box_frame *f, const struct drawn_box *box, int n);

/* What a score owes to features or tokens: bars, from above. */
struct explained_values {
    const char *title, *about;
    int n;
    const char *const *name;
    const double *value;
};
int draw_explained_values(const struct explained_values *e, const char *png);

#endif
