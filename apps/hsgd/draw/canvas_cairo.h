/* SPDX-License-Identifier: BSD-3-Clause */
/* What a canvas is made of, for the files that know Cairo. */
#ifndef HSGD_APP_CANVAS_CAIRO_H
#define HSGD_APP_CANVAS_CAIRO_H

#include <cairo.h>

#include "canvas.h"

/* A list that grows; its texts are its own. */
struct text_list {
    int n, capacity;
    struct placed_text *at;
};

struct canvas {
    cairo_t *cairo;
    struct text_list texts, notes; /* what was written where; what a viewer shows on pointing */
    bool no_memory;
};

#endif
