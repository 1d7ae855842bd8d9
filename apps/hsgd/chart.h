/* Diagrams on a canvas: axes with round numbers, lines and bars in them. */
#ifndef HSGD_APP_CHART_H
#define HSGD_APP_CHART_H

#include "canvas.h"

extern const struct colour chart_black, chart_grey;

struct axis {
    double low, high;           /* of what is shown */
    bool logarithmic;
};

/* Grown by values that are finite, from axis_none() on. */
struct axis axis_none(void);
void axis_add(struct axis *a, double value);
/* Makes room at both ends; where there was no value, from 0 to 1.  Logarithmic
 * when the values are positive and the greatest is 5 times the least or more. */
void axis_finish(struct axis *a);

struct chart {
    struct canvas *canvas;
    int x, y, width, height;    /* of the frame, inside */
    const char *title, *below;  /* below: of the horizontal axis, with its unit */
    struct axis across, up;
};

double chart_x(const struct chart *d, double value);
double chart_y(const struct chart *d, double value);
/* Frame, title, lines at round numbers; `up` without them is for bars. */
void chart_frame(const struct chart *d, bool up);

/* How the lines and points of something look: up to 28 differ in colour or
 * dashes, those of one colour also in their points. */
struct colour chart_colour(int style);
/* In pixels.  n points; a gap where one is not finite. */
void chart_curve(struct canvas *c, int style, const double *x, const double *y, int n);
/* What fills bars; there are 8. */
struct colour chart_fill(int style);

#endif
