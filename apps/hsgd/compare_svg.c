/* Runs side by side as a picture: validation loss over time and over epochs. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "compare.h"

/* In pixels. */
#define PANEL 440
#define HEIGHT 300
#define LEFT 60
#define TOP 40
#define GAP 80
#define LINE 20             /* of the key */

static const char *const colours[] = {
    "#4c78a8", "#e08214", "#3f8f4f", "#b2182b", "#8073ac", "#666666", "#c51b7d", "#35978f"
};
enum { COLOURS = sizeof colours / sizeof *colours };

struct range { double x, low, high; }; /* time or epochs to the right end; losses */

static double loss_of(const struct epoch *e) { return isnan(e->validation_loss) ? e->loss : e->validation_loss; }

static double x_of(const struct trial *t, int epoch, bool time) { return time ? t->epoch[epoch].seconds : epoch + 1; }

static struct range range_of(const struct comparison *c, bool time)
{
    struct range r = { 0, INFINITY, 0 };
    for (int i = 0; i < c->ntrials; i++)
        for (int e = 0; e < c->trial[i].epochs; e++) {
            double loss = loss_of(&c->trial[i].epoch[e]);
            r.x = fmax(r.x, x_of(&c->trial[i], e, time));
            if (!(loss > 0 && isfinite(loss))) continue;
            r.low = fmin(r.low, loss);
            r.high = fmax(r.high, loss);
        }
    if (!(r.low < r.high)) r.low = 0.9 * r.high;
    return r;
}

/* Losses on a logarithmic scale. */
static double y_of(const struct range *r, double loss)
{
    if (!(loss > r->low)) loss = r->low;
    return TOP + HEIGHT * log(r->high / loss) / log(r->high / r->low);
}

static void draw_axes(FILE *f, int left, const struct range *r, const char *name)
{
    fprintf(f, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"none\" stroke=\"#999\"/>\n", left, TOP, PANEL,
            HEIGHT);
    fprintf(f, "<text x=\"%d\" y=\"%d\">validation loss (logarithmic) over %s</text>\n", left, TOP - 12, name);
    fprintf(f, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%.3g</text>\n", left - 6, TOP + 10, r->high);
    fprintf(f, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%.3g</text>\n", left - 6, TOP + HEIGHT, r->low);
    fprintf(f, "<text x=\"%d\" y=\"%d\">0</text>\n", left, TOP + HEIGHT + 18);
    fprintf(f, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%.4g</text>\n", left + PANEL, TOP + HEIGHT + 18, r->x);
}

static void draw_run(FILE *f, const struct trial *t, int left, const struct range *r, bool time, const char *colour)
{
    fprintf(f, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\" points=\"", colour);
    for (int e = 0; e < t->epochs; e++)
        fprintf(f, "%.1f,%.1f ", left + PANEL * x_of(t, e, time) / r->x, y_of(r, loss_of(&t->epoch[e])));
    fprintf(f, "\"/>\n");
}

static void draw_panel(FILE *f, const struct comparison *c, int left, bool time)
{
    struct range r = range_of(c, time);
    draw_axes(f, left, &r, time ? "seconds" : "epochs");
    for (int i = 0; i < c->ntrials; i++)
        if (c->trial[i].epochs) draw_run(f, &c->trial[i], left, &r, time, colours[i % COLOURS]);
}

/* A label may hold what XML does not like. */
static void draw_label(FILE *f, int i, const char *label)
{
    int y = TOP + HEIGHT + 50 + i * LINE;
    fprintf(f, "<rect x=\"%d\" y=\"%d\" width=\"24\" height=\"4\" fill=\"%s\"/>\n<text x=\"%d\" y=\"%d\">", LEFT, y - 6,
            colours[i % COLOURS], LEFT + 32, y);
    for (; *label; label++) fprintf(f, strchr("<>&", *label) ? "&#%d;" : "%c", *label);
    fprintf(f, "</text>\n");
}

int compare_draw(const struct comparison *c, const char *path)
{
    FILE *f = fopen(path, "w");
    if (!f) return complain(blame(-errno), "%s: %s", path, strerror(errno));
    fprintf(f, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" font-family=\"sans-serif\" "
               "font-size=\"13\">\n<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
            2 * PANEL + GAP + 2 * LEFT, TOP + HEIGHT + 60 + c->ntrials * LINE);
    draw_panel(f, c, LEFT, true);
    draw_panel(f, c, LEFT + PANEL + GAP, false);
    for (int i = 0; i < c->ntrials; i++) draw_label(f, i, c->trial[i].label);
    fprintf(f, "</svg>\n");
    bool bad = ferror(f);
    return fclose(f) || bad ? complain(FAILED, "%s: %s", path, strerror(errno)) : OK;
}
