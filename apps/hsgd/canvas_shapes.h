/* What a canvas holds, for those who turn it into pictures. */
#ifndef HSGD_APP_CANVAS_SHAPES_H
#define HSGD_APP_CANVAS_SHAPES_H

#include <stddef.h>

#include "canvas.h"

enum shape_kind { SHAPE_FILL, SHAPE_LINE, SHAPE_TEXT };

struct shape {
    enum shape_kind kind;
    double x, y, x1, y1;        /* FILL: from (x, y) to (x1, y1); TEXT: the upper left corner, or with `up` the lower */
    double width;               /* of a line */
    bool up;
    struct colour colour;
    char *text;                 /* or a note */
};

struct canvas {
    int width, height, n, capacity;
    bool failed;                /* a shape is missing: no memory */
    struct shape *shape;
};

/* Whether the text's byte begins a letter. */
static inline bool begins_letter(char byte) { return ((unsigned char)byte & 0xc0) != 0x80; }

int canvas_no_memory(const struct canvas *c);
int canvas_write(const char *name, const char *path, const void *bytes, size_t size);

#endif
