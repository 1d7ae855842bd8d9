/* SPDX-License-Identifier: BSD-3-Clause */
/* Work of the devices in each group of runs, as bars. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "compare_draw.h"

#define ROW 20     /* minimum pixels per group */
#define BAR 30     /* and maximum of its bar */
#define HEIGHT 130 /* minimum, of a frame */

static double updates_of(const struct device_use *d) { return d->updates; }
static double samples_of(const struct device_use *d) { return d->samples; }
static double busy_of(const struct device_use *d) { return 100 * d->busy_fraction; }
static double stale_of(const struct device_use *d) { return 100 * d->stale / d->merges; }
static double missed_of(const struct device_use *d) { return d->missed / d->merges; }
static double batch_of(const struct device_use *d) { return d->samples / d->updates; }

static const struct {
    const char *title, *below;
    double (*value)(const struct device_use *);
    bool stacked;
    double min; /* minimum of the right end */
} bars[2 * COMPARE_COLUMNS] = {
    { "Updates by device", "updates", updates_of, true, 0 },
    { "Samples by device", "samples", samples_of, true, 0 },
    { "Utilisation of devices", "busy (% of the training time)", busy_of, false, 100 },
    { "Stale merges by device", "stale (% of its merges)", stale_of, false, 100 },
    { "Staleness by device", "mean staleness (merges of others)", missed_of, false, 0 },
    { "Batch size by device", "mean samples per update", batch_of, false, 0 },
};

static double use_of(const struct trial *t, const char *device, double (*value)(const struct device_use *))
{
    for (int i = 0; i < t->devices; i++)
        if (!strcmp(t->device[i].id, device)) return fmax(0, value(&t->device[i]));
    return 0;
}

/* The mean over the runs of a group that have a report; 0: the device was unused. */
static double value_of(const struct compare_chart *p, int panel, int group, int device)
{
    double sum = 0;
    int n = 0;
    for (int i = 0; i < p->c->ntrials; i++) {
        const struct trial *t = &p->c->trial[i];
        if (t->group != group || !t->devices) continue;
        sum += use_of(t, p->device[device], bars[panel].value);
        n++;
    }
    return n ? sum / n : 0;
}

static double longest(const struct compare_chart *p, int panel)
{
    double max = bars[panel].min;
    for (int g = 0; g < p->groups; g++) {
        double sum = 0, one = 0;
        for (int k = 0; k < p->ndevices; k++) {
            sum += value_of(p, panel, g, k);
            one = fmax(one, value_of(p, panel, g, k));
        }
        max = fmax(max, bars[panel].stacked ? sum : one);
    }
    return max > 0 ? 1.02 * max : 1;
}

/* A group's devices end to end, or one below the other. */
static void draw_row(const struct compare_chart *p, const struct plot *d, int panel, int group)
{
    double row = d->height / p->groups, high = fmin(row - 4, BAR), y = d->y + group * row + (row - high) / 2, from = 0;
    char number[12];
    snprintf(number, sizeof number, "%d", group + 1);
    canvas_text(d->canvas, &(struct text_place){ d->x - 8, y + high / 2, 1, 0.5, TEXT_SMALL, plot_ink, 0, false },
                number);
    for (int k = 0; k < p->ndevices; k++) {
        double value = value_of(p, panel, group, k), part = bars[panel].stacked ? high : high / p->ndevices;
        double left = plot_x(d, from), right = plot_x(d, from + value), top = bars[panel].stacked ? y : y + k * part;
        if (value > 0) canvas_fill(d->canvas, left, top, fmax(right - left, 0.5), part, plot_fill(k));
        if (bars[panel].stacked) from += value;
    }
}

static double frame_height(const struct compare_chart *p) { return fmax(HEIGHT, p->groups * ROW); }

double compare_bars_height(const struct compare_chart *p) { return PLOT_TOP + frame_height(p) + PLOT_BELOW + 6; }

void compare_draw_bars(const struct compare_chart *p, struct canvas *c, int panel, double top)
{
    struct plot d = { c,
                      p->left + panel % COMPARE_COLUMNS * p->pitch,
                      top + PLOT_TOP + panel / COMPARE_COLUMNS * compare_bars_height(p),
                      p->frame,
                      frame_height(p),
                      bars[panel].title,
                      bars[panel].below,
                      { .high = longest(p, panel) },
                      { .high = 1 } };
    plot_frame(&d, false);
    for (int g = 0; g < p->groups; g++) draw_row(p, &d, panel, g);
}
