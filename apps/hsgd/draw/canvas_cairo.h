/* SPDX-License-Identifier: BSD-3-Clause */
/* The canvas, for the files that use Cairo. */
#ifndef HSGD_APP_CANVAS_CAIRO_H
#define HSGD_APP_CANVAS_CAIRO_H

#include <cairo.h>

#include "canvas.h"

/* A growing list that owns its texts. */
struct text_list {
    int n, capacity;
    struct placed_text *at;
};

struct canvas {
    cairo_t *cairo;
    struct text_list texts, notes; /* texts drawn; tooltips */
    bool no_memory;
};

#endif
