/* SPDX-License-Identifier: BSD-3-Clause */
/* Loss and accuracy of one run over its epochs. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "draw.h"
#include "plot.h"

#define FRAME 380 /* width and height of a frame */
#define HEIGHT 260
#define MARGIN 16
#define PITCH (PLOT_LEFT + FRAME + PLOT_RIGHT)
#define WIDTH (2 * MARGIN + 2 * PITCH)

static double loss_of(const struct epoch *e) { return e->loss; }
static double validation_loss_of(const struct epoch *e) { return e->validation_loss; }
static double accuracy_of(const struct epoch *e) { return 100 * e->accuracy; }
static double validation_accuracy_of(const struct epoch *e) { return 100 * e->validation_accuracy; }

enum { PANELS = 2, CURVES = 2 };
static const char *const names[CURVES] = { "training", "validation" };
static const struct {
    const char *title, *logarithmic;
    enum axis_kind kind;
    double (*value[CURVES])(const struct epoch *);
} panels[PANELS] = {
    { "Loss", "Loss (logarithmic)", AXIS_AUTO, { loss_of, validation_loss_of } },
    { "Accuracy (%)", NULL, AXIS_LINEAR, { accuracy_of, validation_accuracy_of } },
};

struct chart {
    const struct history *of;
    const char *title;
    double *x, *y[PANELS][CURVES]; /* of every epoch; one block at x */
};

/* -------------------------------------------------------------- measured */

static bool fill(struct chart *p)
{
    int n = p->of->n;
    if (!(p->x = malloc((size_t)n * (1 + PANELS * CURVES) * sizeof *p->x))) return false;
    for (int i = 0; i < n; i++) p->x[i] = p->of->epoch[i].epochs;
    for (int panel = 0; panel < PANELS; panel++)
        for (int k = 0; k < CURVES; k++) {
            p->y[panel][k] = p->x + (size_t)n * (size_t)(1 + panel * CURVES + k);
            for (int i = 0; i < n; i++) p->y[panel][k][i] = panels[panel].value[k](&p->of->epoch[i]);
        }
    return true;
}

/* Whether a curve has any value. */
static bool is_known(const struct chart *p, int curve)
{
    for (int panel = 0; panel < PANELS; panel++)
        for (int i = 0; i < p->of->n; i++)
            if (isfinite(p->y[panel][curve][i])) return true;
    return false;
}

/* Whether a panel has any: a model without classes has no accuracy. */
static bool has_values(const struct chart *p, int panel)
{
    for (int k = 0; k < CURVES; k++)
        for (int i = 0; i < p->of->n; i++)
            if (isfinite(p->y[panel][k][i])) return true;
    return false;
}

/* ------------------------------------------------------------------ drawing */

static double top_of(void) { return MARGIN + 24 + 20 + 24; }

static void draw_panel(const struct chart *p, struct canvas *c, int panel)
{
    struct plot d = { c,
                      MARGIN + panel * PITCH + PLOT_LEFT,
                      top_of() + PLOT_TOP,
                      FRAME,
                      HEIGHT,
                      panels[panel].title,
                      "epochs",
                      axis_none(),
                      axis_none() };
    axis_add(&d.across, 0);
    for (int i = 0; i < p->of->n; i++) {
        axis_add(&d.across, p->x[i]);
        for (int k = 0; k < CURVES; k++) axis_add(&d.up, p->y[panel][k][i]);
    }
    axis_finish(&d.across, AXIS_LINEAR);
    d.across.low = 0;
    d.across.integer = d.across.high >= 2;
    axis_finish(&d.up, panels[panel].kind);
    if (d.up.logarithmic) d.title = panels[panel].logarithmic;
    plot_frame(&d, true);
    for (int k = 0; k < CURVES; k++) plot_curve(&d, &(struct curve){ k, p->of->n, p->x, p->y[panel][k], NULL });
}

/* "5 epochs, best validation accuracy 98.20 % after 4, test accuracy 98.00 %" */
static void write_subtitle(const struct history *h, char *out, size_t size)
{
    const struct epoch *best = history_best(h);
    double epochs = history_last(h)->epochs;
    int used = snprintf(out, size, "%.4g epoch%s", epochs, epochs == 1 ? "" : "s");
    if (best && isnan(best->validation_accuracy))
        used += snprintf(out + used, size - (size_t)used, ", best validation loss %.4g after %.4g",
                         best->validation_loss, best->epochs);
    else if (best)
        used += snprintf(out + used, size - (size_t)used, ", best validation accuracy %.2f %% after %.4g",
                         100 * best->validation_accuracy, best->epochs);
    if (isnan(h->test_accuracy) && !isnan(h->test_loss))
        snprintf(out + used, size - (size_t)used, ", test loss %.4g", h->test_loss);
    if (!isnan(h->test_accuracy))
        snprintf(out + used, size - (size_t)used, ", test accuracy %.2f %%", 100 * h->test_accuracy);
}

static void draw(struct canvas *c, const void *of)
{
    const struct chart *p = of;
    char subtitle[200];
    const char *name[CURVES];
    int style[CURVES], n = 0;
    for (int k = 0; k < CURVES; k++)
        if (is_known(p, k)) {
            name[n] = names[k];
            style[n++] = k;
        }
    write_subtitle(p->of, subtitle, sizeof subtitle);
    canvas_text(c, &(struct text_place){ MARGIN, MARGIN, 0, 0, TEXT_TITLE, plot_ink, WIDTH - 2 * MARGIN, false },
                p->title);
    canvas_text(c,
                &(struct text_place){ MARGIN, MARGIN + 22, 0, 0, TEXT_NORMAL, plot_faint, WIDTH - 2 * MARGIN, false },
                subtitle);
    struct legend legend = { LEGEND_CURVE, n, name, style };
    legend_draw(c, &legend, MARGIN, MARGIN + 44, WIDTH - 2 * MARGIN);
    for (int panel = 0; panel < PANELS; panel++)
        if (has_values(p, panel)) draw_panel(p, c, panel);
}

int draw_history(const struct history *h, const char *title, const char *what, const char *png, const char *svg)
{
    struct chart p = { .of = h, .title = title };
    struct drawing d = { title, WIDTH, top_of() + PLOT_TOP + HEIGHT + PLOT_BELOW + MARGIN, draw, &p };
    if (!fill(&p)) return report_error(FAILED, "out of memory for %d epochs", h->n);
    int code = drawing_write(&d, what, png, svg);
    free(p.x);
    return code;
}
