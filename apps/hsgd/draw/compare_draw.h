/* SPDX-License-Identifier: BSD-3-Clause */
/* The chart of a comparison, shared by its files. */
#ifndef HSGD_APP_COMPARE_DRAW_H
#define HSGD_APP_COMPARE_DRAW_H

#include "draw.h"
#include "plot.h"

enum { COMPARE_COLUMNS = 3, COMPARE_DRAWN = 30, COMPARE_DEVICES = 8 }; /* maximum groups and devices in a chart */

struct compare_chart {
    const struct comparison *c;
    int groups, panels;             /* panels: of bars; with a server there is a second line of them */
    double top, left, pitch, frame; /* of the curves; of the first frame; from frame to frame; a frame's width */
    struct curve curve[COMPARE_COLUMNS][COMPARE_DRAWN];
    struct legend runs, devices;
    const char *name[COMPARE_DRAWN], *device_name[COMPARE_DEVICES];
    int ndevices;
    char device[COMPARE_DEVICES][24];
};

/* Bars of one panel, in the lines of panels that begin at `top`; the height of such a line. */
void compare_draw_bars(const struct compare_chart *p, struct canvas *c, int panel, double top);
double compare_bars_height(const struct compare_chart *p);

#endif
