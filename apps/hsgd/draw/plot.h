/* SPDX-License-Identifier: BSD-3-Clause */
/* Plots on a canvas: axes, curves, error bands, bars, a legend. */
#ifndef HSGD_APP_PLOT_H
#define HSGD_APP_PLOT_H

#include "axis.h"

extern const struct colour plot_ink, plot_faint, plot_grid; /* texts, secondary texts, lines of the grid */

struct plot {
    struct canvas *canvas;
    double x, y, width, height; /* of the frame, inside */
    const char *title, *below;  /* above the frame; below it: label and unit of the horizontal axis */
    struct axis across, up;
};

/* Space that a frame needs around it. */
enum { PLOT_LEFT = 58, PLOT_RIGHT = 22, PLOT_TOP = 28, PLOT_BELOW = 44 };

double plot_x(const struct plot *d, double value);
double plot_y(const struct plot *d, double value);
/* Title, axes with labels, the grid; up: also those of the vertical axis. */
void plot_frame(const struct plot *d, bool up);

/* Styles of curves: 35 differ in colour or dashes, those of one colour also in
 * their markers. */
struct colour plot_colour(int style);
/* Colours of bars; there are 8. */
struct colour plot_fill(int style);
/* n points; values that are not finite are gaps.  deviation: half the width of the error band; may be NULL. */
struct curve {
    int style, n;
    const double *x, *y, *deviation;
};
void plot_band(const struct plot *d, const struct curve *k);
void plot_curve(const struct plot *d, const struct curve *k);
/* A horizontal line with its name above or below it, where it fits. */
void plot_level(const struct plot *d, double value, const char *name);

/* Entries of a legend, in as many columns as fit. */
enum legend_mark { LEGEND_CURVE, LEGEND_BOX };
struct legend {
    enum legend_mark mark;
    int n;
    const char *const *name;
    const int *style; /* NULL: 0, 1, ... */
};
double legend_height(const struct legend *l, double width);
void legend_draw(struct canvas *c, const struct legend *l, double x, double y, double width);

#endif
