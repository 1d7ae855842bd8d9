/* SPDX-License-Identifier: BSD-3-Clause */
/* Drawing PNG and SVG files with Cairo and Pango.  Lengths are in pixels of the
 * SVG file, y down; a PNG file has PNG_SCALE pixels for each. */
#ifndef HSGD_APP_CANVAS_H
#define HSGD_APP_CANVAS_H

#include <stdbool.h>

#define PNG_SCALE 2

struct colour {
    unsigned char r, g, b;
};

enum text_style { TEXT_TITLE, TEXT_HEADING, TEXT_NORMAL, TEXT_SMALL };

/* (x, y) is the point of the text's bounding box given by `across` and `down`: 0 is
 * its left or upper edge, 0.5 the middle, 1 the right or lower edge. */
struct text_place {
    double x, y, across, down;
    enum text_style style;
    struct colour colour;
    double max_width; /* longer texts are ellipsised; 0: no limit */
    bool upward;      /* rotated by 90 degrees to the left; across and down refer to the rotated box */
};

struct canvas;

void canvas_fill(struct canvas *c, double x, double y, double width, double height, struct colour colour);
void canvas_line(struct canvas *c, double x0, double y0, double x1, double y1, double width, struct colour colour);
/* A line through n points; dash and gap in pixels, a gap of 0 is a solid line. */
void canvas_path(struct canvas *c, const double *x, const double *y, int n, double width, const double dash[2],
                 struct colour colour);
/* The inside of n points; alpha 1 is opaque. */
void canvas_polygon(struct canvas *c, const double *x, const double *y, int n, struct colour colour, double alpha);
/* width x height pixels of three bytes, row by row, each `zoom` wide and high; zoom is an integer. */
void canvas_image(struct canvas *c, double x, double y, int width, int height, int zoom, const unsigned char *rgb);
/* Nothing is drawn outside the rectangle until canvas_unclip(). */
void canvas_clip(struct canvas *c, double x, double y, double width, double height);
void canvas_unclip(struct canvas *c);
/* UTF-8; other bytes and control characters are replaced. */
void canvas_text(struct canvas *c, const struct text_place *place, const char *text);
/* A tooltip of the rectangle in SVG files. */
void canvas_note(struct canvas *c, double x, double y, double width, double height, const char *text);

/* Sizes of texts, for layouts. */
double canvas_text_width(enum text_style style, const char *text);
double canvas_text_height(enum text_style style);

/* draw() is called once for each file. */
struct drawing {
    const char *title; /* of the SVG document */
    double width, height;
    void (*draw)(struct canvas *c, const void *of);
    const void *of;
};

/* Writes the PNG and the SVG file, each if its path is not NULL; messages call them
 * `what`, NULL: --png and --svg.  OK or an exit code after a sentence. */
int drawing_write(const struct drawing *d, const char *what, const char *png, const char *svg);

/* A text with the box of its ink. */
struct placed_text {
    double x0, y0, x1, y1;
    char *text;
};
/* Calls `each` with every text of the drawing; false: out of memory. */
bool drawing_texts(const struct drawing *d, void (*each)(void *user, const struct placed_text *t), void *user);

#endif
