/* SPDX-License-Identifier: BSD-3-Clause */
/* Runs side by side: loss over time and over epochs, accuracy; updates, samples
 * and utilisation per device, and staleness where there is a server.  A group of
 * runs is a curve of means with a band of one standard deviation. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare_draw.h"

#define FRAME 300  /* a frame's width */
#define HEIGHT 240 /* and its height */
#define MARGIN 16
#define PITCH (PLOT_LEFT + FRAME + PLOT_RIGHT + 4)
#define WIDTH (2 * MARGIN + COLUMNS * PITCH - 4)
#define LEGEND_GAP 14

enum { COLUMNS = COMPARE_COLUMNS };

/* -------------------------------------------------------------- measured */

static double seconds_of(const struct epoch *e) { return e->seconds; }
static double epochs_of(const struct epoch *e) { return e->epochs; }
static double loss_of(const struct epoch *e) { return e->loss; }
static double accuracy_of(const struct epoch *e) { return 100 * e->validation_accuracy; }

static const struct {
    const char *title, *logarithmic, *below;
    enum axis_kind kind;
    double (*across)(const struct epoch *), (*up)(const struct epoch *);
} curves[COLUMNS] = {
    { "Training loss", "Training loss (logarithmic)", NULL, AXIS_AUTO, seconds_of, loss_of },
    { "Training loss", "Training loss (logarithmic)", "epochs", AXIS_AUTO, epochs_of, loss_of },
    { "Validation accuracy (%)", NULL, "epochs", AXIS_LINEAR, epochs_of, accuracy_of },
};

/* The unit of time by the length of the runs. */
static const struct time_unit {
    double seconds;
    const char *below;
} units[] = {
    { 3600, "training time (h)" },
    { 60, "training time (min)" },
    { 1, "training time (s)" },
};

static const struct time_unit *unit_of(const struct comparison *c)
{
    double longest = 0;
    for (int i = 0; i < c->ntrials; i++)
        if (history_last(&c->trial[i].log)) longest = fmax(longest, history_last(&c->trial[i].log)->seconds);
    return longest >= 3 * 3600 ? &units[0] : longest >= 5 * 60 ? &units[1] : &units[2];
}

/* Means of a group's epochs; the curve's arrays are one block at x. */
static bool curve_of(const struct comparison *c, int group, int panel, struct curve *k)
{
    int n = compare_epochs(c, group);
    double unit = curves[panel].across == seconds_of ? unit_of(c)->seconds : 1;
    double *block = malloc((size_t)(3 * n + 1) * sizeof *block);
    if (!block) return false;
    for (int i = 0; i < n; i++) {
        struct spread up = compare_epoch(c, group, i, curves[panel].up);
        block[i] = compare_epoch(c, group, i, curves[panel].across).mean / unit;
        block[n + i] = up.mean;
        block[2 * n + i] = up.deviation;
    }
    *k = (struct curve){ group, n, block, block + n, c->group[group].runs > 1 ? block + 2 * n : NULL };
    return true;
}

/* ------------------------------------------------------------------ curves */

/* The target accuracy that all runs have in common; NaN: none. */
static double common_target(const struct comparison *c)
{
    double target = c->ntrials ? c->trial[0].target : 0;
    for (int i = 0; i < c->ntrials; i++)
        if (c->trial[i].target != target) return NAN;
    return target > 0 ? 100 * target : NAN;
}

static void choose_axes(const struct curve *all, int n, struct plot *d, enum axis_kind kind)
{
    axis_add(&d->across, 0);
    for (const struct curve *k = all; k < all + n; k++)
        for (int i = 0; i < k->n; i++) {
            double band = k->deviation && isfinite(k->deviation[i]) ? k->deviation[i] : 0;
            axis_add(&d->across, k->x[i]);
            axis_add(&d->up, k->y[i] + band);
            axis_add(&d->up, kind == AXIS_AUTO && k->y[i] - band <= 0 ? k->y[i] : k->y[i] - band);
        }
    axis_finish(&d->across, AXIS_LINEAR);
    d->across.low = 0;
    axis_finish(&d->up, kind);
}

static void draw_panel(const struct compare_chart *p, struct canvas *c, int panel)
{
    struct plot d = { c,
                      MARGIN + panel * PITCH + PLOT_LEFT,
                      p->top + PLOT_TOP,
                      FRAME,
                      HEIGHT,
                      curves[panel].title,
                      curves[panel].below,
                      axis_none(),
                      axis_none() };
    double target = curves[panel].up == accuracy_of ? common_target(p->c) : NAN;
    const struct curve *all = p->curve[panel];
    axis_add(&d.up, target);
    choose_axes(all, p->groups, &d, curves[panel].kind);
    d.across.integer = curves[panel].across == epochs_of && d.across.high >= 2;
    if (d.up.logarithmic) d.title = curves[panel].logarithmic;
    if (curves[panel].across == seconds_of) d.below = unit_of(p->c)->below;
    plot_frame(&d, true);
    plot_level(&d, target, "target");
    for (int g = 0; g < p->groups; g++) plot_band(&d, &all[g]);
    for (int g = 0; g < p->groups; g++) plot_curve(&d, &all[g]);
}

/* ----------------------------------------------------------------- legends */

/* "3  lr 0.1, algorithm sync (not finite)" */
static void write_name(const struct compare_chart *p, int group, char *out, size_t size)
{
    const struct group *g = &p->c->group[group];
    const struct trial *t = p->c->trial;
    while (t->group != group) t++;
    int used = snprintf(out, size, "%d  %s", group + 1, g->label);
    if (g->runs > 1) snprintf(out + used, size - (size_t)used, " (%d runs)", g->runs);
    else if (t->code) snprintf(out + used, size - (size_t)used, " (%s)", t->end);
}

static bool fill_legends(struct compare_chart *p)
{
    p->runs = (struct legend){ LEGEND_CURVE, 0, p->name, NULL };
    for (; p->runs.n < p->groups; p->runs.n++) {
        char text[COMPARE_LABEL + 80];
        write_name(p, p->runs.n, text, sizeof text);
        if (!(p->name[p->runs.n] = strdup(text))) return false;
    }
    p->devices = (struct legend){ LEGEND_BOX, p->ndevices, p->device_name, NULL };
    for (int i = 0; i < p->ndevices; i++) p->device_name[i] = p->device[i];
    return true;
}

/* ------------------------------------------------------------------ chart */

static void write_title(const struct compare_chart *p, char *out, size_t size)
{
    bool repeats = compare_repeats(p->c);
    const char *what = repeats ? "setting" : "run";
    const char *band = repeats ? ": means and standard deviations of repeated runs" : "";
    if (p->groups < p->c->ngroups)
        snprintf(out, size, "The first %d of %d %ss%s", p->groups, p->c->ngroups, what, band);
    else snprintf(out, size, "Comparison of %d %s%s%s", p->groups, what, p->groups == 1 ? "" : "s", band);
}

static void draw(struct canvas *c, const void *of)
{
    const struct compare_chart *p = of;
    double inner = WIDTH - 2 * MARGIN, y = p->top + PLOT_TOP + HEIGHT + PLOT_BELOW;
    char title[120];
    write_title(p, title, sizeof title);
    canvas_text(c, &(struct text_place){ MARGIN, MARGIN, 0, 0, TEXT_TITLE, plot_ink, inner, false }, title);
    legend_draw(c, &p->runs, MARGIN, MARGIN + 28, inner);
    for (int panel = 0; panel < COLUMNS; panel++) draw_panel(p, c, panel);
    if (!p->ndevices) return;
    legend_draw(c, &p->devices, MARGIN, y, inner);
    for (int panel = 0; panel < p->panels; panel++) compare_draw_bars(p, c, panel, y + 24);
}

static void find_devices(struct compare_chart *p)
{
    for (int i = 0; i < p->c->ntrials; i++)
        for (int j = 0; j < p->c->trial[i].devices; j++) {
            const char *id = p->c->trial[i].device[j].id;
            int k = 0;
            while (k < p->ndevices && strcmp(p->device[k], id)) k++;
            if (k == p->ndevices && k < COMPARE_DEVICES)
                snprintf(p->device[p->ndevices++], sizeof *p->device, "%s", id);
        }
}

static bool has_server(const struct comparison *c)
{
    for (int i = 0; i < c->ntrials; i++)
        if (c->trial[i].merges > 0) return true;
    return false;
}

static bool fill_curves(struct compare_chart *p)
{
    bool well = true;
    for (int panel = 0; panel < COLUMNS; panel++)
        for (int g = 0; well && g < p->groups; g++) well = curve_of(p->c, g, panel, &p->curve[panel][g]);
    return well;
}

static void clear(struct compare_chart *p)
{
    for (int panel = 0; panel < COLUMNS; panel++)
        for (int g = 0; g < p->groups; g++) free((double *)p->curve[panel][g].x);
    for (int g = 0; g < p->groups; g++) free((char *)p->name[g]);
}

static double height_of(const struct compare_chart *p)
{
    double height = p->top + PLOT_TOP + HEIGHT + PLOT_BELOW + MARGIN;
    return p->ndevices ? height + 24 + p->panels / COLUMNS * compare_bars_height(p) : height;
}

static int save(const struct compare_chart *p, const char *folder)
{
    char png[1200], svg[1200];
    struct drawing d = { "Comparison of runs", WIDTH, height_of(p), draw, p };
    snprintf(png, sizeof png, "%s/compare.png", folder);
    snprintf(svg, sizeof svg, "%s/compare.svg", folder);
    return drawing_write(&d, "warning: the plot", png, svg);
}

int draw_comparison(const struct comparison *c, const char *folder)
{
    struct compare_chart p = { .c = c, .groups = c->ngroups < COMPARE_DRAWN ? c->ngroups : COMPARE_DRAWN };
    int code = drawing_check("warning: the plot in", folder);
    if (code) return code;
    p.panels = has_server(c) ? 2 * COLUMNS : COLUMNS;
    p.pitch = PITCH;
    p.left = MARGIN + PLOT_LEFT;
    p.frame = FRAME;
    find_devices(&p);
    bool well = fill_curves(&p) && fill_legends(&p);
    p.top = MARGIN + 28 + legend_height(&p.runs, WIDTH - 2 * MARGIN) + LEGEND_GAP;
    code = well ? save(&p, folder) : report_error(FAILED, "warning: out of memory for the plot of %d runs", c->ntrials);
    clear(&p);
    return code;
}
