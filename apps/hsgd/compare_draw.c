/* Runs side by side as a picture: loss over time and over epochs, accuracy;
 * updates, samples and utilisation per device, and what the server makes of
 * them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chart.h"
#include "compare.h"

/* In pixels. */
#define LEFT 110            /* from a panel's left edge to its frame */
#define FRAME 480           /* a frame's width */
#define HEIGHT 360          /* and height, at least */
#define PITCH (LEFT + FRAME + 40)
#define TOP 60              /* above a frame */
#define BELOW 70            /* below it: numbers, what they are */
#define MARGIN 20           /* of the keys */
#define KEY 26              /* a line of a key */
#define ROW 22              /* bars of a run, at least */
#define BAR 44              /* and at most */
#define COLUMNS 3

#define MOST_RUNS 24        /* in a picture */

struct picture {
    const struct comparison *c;
    struct canvas *canvas;
    int runs, rows;         /* rows: the height of the lower frames */
    int panels;             /* of bars: with a server, the second line of them */
    int ndevices;
    char device[8][24];     /* ids; more are not drawn */
};

enum { MOST_IDS = sizeof ((struct picture *)0)->device / sizeof *((struct picture *)0)->device };

/* -------------------------------------------------------------- measured */

static double seconds_of(const struct epoch *e) { return e->seconds; }
static double epochs_of(const struct epoch *e) { return e->epochs; }
static double loss_of(const struct epoch *e) { return e->loss; }
static double accuracy_of(const struct epoch *e) { return 100 * e->validation_accuracy; }
static double updates_of(const struct device_use *d) { return d->updates; }
static double samples_of(const struct device_use *d) { return d->samples; }
static double busy_of(const struct device_use *d) { return 100 * d->busy_fraction; }
static double stale_of(const struct device_use *d) { return 100 * d->stale / d->merges; }
static double batch_of(const struct device_use *d) { return d->samples / d->updates; }
static double missed_of(const struct device_use *d) { return d->missed / d->merges; }

static const struct {
    const char *title, *logarithmic, *below;
    double (*across)(const struct epoch *), (*up)(const struct epoch *);
} curves[COLUMNS] = {
    { "training loss", "training loss (logarithmic)", "training time (s)", seconds_of, loss_of },
    { "training loss", "training loss (logarithmic)", "epochs", epochs_of, loss_of },
    { "validation accuracy (%)", "validation accuracy (%, log.)", "epochs", epochs_of, accuracy_of },
};

static const struct {
    const char *title, *below;
    double (*value)(const struct device_use *);
    bool stacked;
    double least;           /* what is shown at least */
} bars[2 * COLUMNS] = {
    { "updates by device", "updates", updates_of, true, 0 },
    { "samples by device", "samples", samples_of, true, 0 },
    { "utilisation of devices", "busy part of the training time (%)", busy_of, false, 100 },
    { "stale merges by device", "part of its merges (%)", stale_of, false, 100 },
    { "staleness by device", "merges of others missed, on average", missed_of, false, 0 },
    { "samples of an update by device", "samples, on average", batch_of, false, 0 },
};

/* ------------------------------------------------------------------ curves */

static int draw_curve(const struct picture *p, const struct chart *d, int run, int panel)
{
    const struct trial *t = &p->c->trial[run];
    double *x = calloc(2 * (size_t)t->epochs + 1, sizeof *x);
    if (!x) return complain(FAILED, "out of memory for the picture");
    double *y = x + t->epochs;
    for (int e = 0; e < t->epochs; e++) {
        double up = curves[panel].up(&t->epoch[e]);
        x[e] = chart_x(d, curves[panel].across(&t->epoch[e]));
        y[e] = d->up.logarithmic && up <= 0 ? NAN : chart_y(d, up);
    }
    chart_curve(p->canvas, run, x, y, t->epochs);
    free(x);
    return OK;
}

/* Where all runs had the same, a line at the accuracy aimed at; NaN: they had not. */
static double common_target(const struct picture *p)
{
    double target = p->runs ? p->c->trial[0].target : 0;
    for (int i = 0; i < p->runs; i++)
        if (p->c->trial[i].target != target) return NAN;
    return target > 0 ? 100 * target : NAN;
}

static void draw_target(const struct chart *d, double target)
{
    double y = chart_y(d, target);
    if (isfinite(y)) canvas_line(d->canvas, d->x, y, d->x + d->width, y, 1.5, chart_black);
}

static int draw_curves(const struct picture *p, int panel)
{
    double target = curves[panel].up == accuracy_of ? common_target(p) : NAN;
    struct chart d = { p->canvas, panel * PITCH + LEFT, TOP, FRAME, HEIGHT, curves[panel].title, curves[panel].below,
                       axis_none(), axis_none() };
    int code = OK;
    axis_add(&d.across, 0);
    axis_add(&d.up, target);
    for (int i = 0; i < p->runs; i++)
        for (int e = 0; e < p->c->trial[i].epochs; e++) {
            axis_add(&d.across, curves[panel].across(&p->c->trial[i].epoch[e]));
            axis_add(&d.up, curves[panel].up(&p->c->trial[i].epoch[e]));
        }
    axis_finish(&d.across);
    axis_finish(&d.up);
    d.across.low = 0;
    if (d.up.logarithmic) d.title = curves[panel].logarithmic;
    chart_frame(&d, true);
    draw_target(&d, target);
    for (int i = 0; !code && i < p->runs; i++) code = draw_curve(p, &d, i, panel);
    return code;
}

/* -------------------------------------------------------------------- bars */

/* Of one device in a run; 0: it had no part. */
static double value_of(const struct picture *p, int panel, int run, int device)
{
    const struct trial *t = &p->c->trial[run];
    for (int i = 0; i < t->devices; i++)
        if (!strcmp(t->device[i].id, p->device[device])) return fmax(0, bars[panel].value(&t->device[i]));
    return 0;
}

static double longest(const struct picture *p, int panel)
{
    double most = 0;
    for (int i = 0; i < p->runs; i++) {
        double sum = 0, one = 0;
        for (int k = 0; k < p->ndevices; k++) {
            sum += value_of(p, panel, i, k);
            one = fmax(one, value_of(p, panel, i, k));
        }
        most = fmax(most, bars[panel].stacked ? sum : one);
    }
    return most;
}

/* A row per run: its devices end to end, or one below the other. */
static void draw_row(const struct picture *p, const struct chart *d, int panel, int run)
{
    int row = p->rows / p->runs, high = row - 5 < BAR ? row - 5 : BAR, y = d->y + run * row + (row - high) / 2;
    double from = 0;
    char number[12];
    snprintf(number, sizeof number, "%d", p->c->trial[run].number);
    canvas_text(p->canvas, d->x - 8, y + (high - CANVAS_LINE) / 2, CANVAS_RIGHT, chart_colour(run), number);
    for (int k = 0; k < p->ndevices; k++) {
        double value = value_of(p, panel, run, k), start = bars[panel].stacked ? from : 0;
        int top = bars[panel].stacked ? y : y + k * high / p->ndevices;
        int bottom = bars[panel].stacked ? y + high : y + (k + 1) * high / p->ndevices;
        int left = (int)chart_x(d, start), right = (int)chart_x(d, start + value);
        if (value > 0) canvas_fill(p->canvas, left, top, right > left ? right - left : 1, bottom - top, chart_fill(k));
        from += value;
    }
}

static void draw_bars(const struct picture *p, int panel)
{
    int y = TOP + HEIGHT + BELOW + TOP + panel / COLUMNS * (p->rows + BELOW + TOP);
    struct chart d = { p->canvas, panel % COLUMNS * PITCH + LEFT, y, FRAME, p->rows, bars[panel].title,
                       bars[panel].below, axis_none(), axis_none() };
    double most = fmax(bars[panel].least, longest(p, panel));
    d.across = (struct axis){ 0, most > 0 ? 1.02 * most : 1, false };
    chart_frame(&d, false);
    for (int i = 0; i < p->runs; i++) draw_row(p, &d, panel, i);
}

/* --------------------------------------------------------------------- keys */

static void draw_devices(const struct picture *p, int y)
{
    int x = MARGIN;
    for (int k = 0; k < p->ndevices; k++) {
        canvas_fill(p->canvas, x, y, 30, CANVAS_LINE, chart_fill(k));
        canvas_text(p->canvas, x + 40, y, CANVAS_LEFT, chart_black, p->device[k]);
        x += 80 + CANVAS_LETTER * canvas_letters(p->device[k]);
    }
}

/* "3  lr 0.1, algorithm sync", cut at `most` letters. */
static void key_text(const struct trial *t, char *out, size_t size, int most)
{
    snprintf(out, size, "%2d %s%s%s%s", t->number, t->label, t->code ? " (" : "", t->code ? t->end : "",
             t->code ? ")" : "");
    if (canvas_letters(out) <= most) return;
    compare_cut(out, (size_t)most - 3);
    strcat(out, "...");
}

/* How many letters the longest has. */
static int longest_key(const struct picture *p)
{
    char text[COMPARE_LABEL + 40];
    int longest = 0;
    for (int i = 0; i < p->runs; i++) {
        key_text(&p->c->trial[i], text, sizeof text, sizeof text - 1);
        if (canvas_letters(text) > longest) longest = canvas_letters(text);
    }
    return longest;
}

/* As many beside each other as have room. */
static int key_columns(const struct picture *p)
{
    int columns = COLUMNS, longest = longest_key(p);
    if (columns > p->runs && p->runs) columns = p->runs;
    while (columns > 1 && 96 + longest * CANVAS_LETTER > COLUMNS * PITCH / columns) columns--;
    return columns;
}

static int key_lines(const struct picture *p)
{
    int columns = key_columns(p);
    return (p->runs + columns - 1) / columns;
}

static void draw_key(const struct picture *p, int y)
{
    char text[COMPARE_LABEL + 40];
    int columns = key_columns(p), lines = key_lines(p), wide = COLUMNS * PITCH / columns;
    for (int i = 0; i < p->runs; i++) {
        int x = i / lines * wide + MARGIN, top = y + i % lines * KEY;
        double middle = top + CANVAS_LINE / 2.0, xs[] = { x, x + 24, x + 48 }, ys[] = { middle, middle, middle };
        key_text(&p->c->trial[i], text, sizeof text, (wide - 96) / CANVAS_LETTER);
        chart_curve(p->canvas, i, xs, ys, 3);
        canvas_text(p->canvas, x + 66, top, CANVAS_LEFT, chart_black, text);
    }
}

/* ------------------------------------------------------------------ picture */

static void find_devices(struct picture *p)
{
    for (int i = 0; i < p->runs; i++)
        for (int j = 0; j < p->c->trial[i].devices; j++) {
            const char *id = p->c->trial[i].device[j].id;
            int k = 0;
            while (k < p->ndevices && strcmp(p->device[k], id)) k++;
            if (k == p->ndevices && k < MOST_IDS) snprintf(p->device[p->ndevices++], sizeof *p->device, "%s", id);
        }
}

static bool has_server(const struct comparison *c)
{
    for (int i = 0; i < c->ntrials; i++)
        if (c->trial[i].merges > 0) return true;
    return false;
}

static int panels_height(const struct picture *p)
{
    return TOP + HEIGHT + BELOW + p->panels / COLUMNS * (TOP + p->rows + BELOW);
}

static int draw(const struct picture *p)
{
    int code = OK, y = panels_height(p);
    char note[80];
    for (int panel = 0; !code && panel < COLUMNS; panel++) code = draw_curves(p, panel);
    for (int panel = 0; panel < p->panels; panel++) draw_bars(p, panel);
    draw_devices(p, y);
    draw_key(p, y + 2 * KEY);
    if (p->runs == p->c->ntrials) return code;
    snprintf(note, sizeof note, "the first %d of %d runs", p->runs, p->c->ntrials);
    canvas_text(p->canvas, COLUMNS * PITCH - MARGIN, y, CANVAS_RIGHT, chart_black, note);
    return code;
}

static int save(const struct picture *p)
{
    char path[1100];
    snprintf(path, sizeof path, "%s/compare.png", p->c->s->out);
    int code = canvas_write_png(p->canvas, "the picture", path);
    snprintf(path, sizeof path, "%s/compare.svg", p->c->s->out);
    return code ? code : canvas_write_svg(p->canvas, "the picture", path);
}

int compare_draw(const struct comparison *c)
{
    struct picture p = { .c = c, .runs = c->ntrials < MOST_RUNS ? c->ntrials : MOST_RUNS };
    p.rows = p.runs * ROW > HEIGHT ? p.runs * ROW : HEIGHT;
    p.panels = has_server(c) ? 2 * COLUMNS : COLUMNS;
    find_devices(&p);
    p.canvas = canvas_create(COLUMNS * PITCH, panels_height(&p) + (3 + key_lines(&p)) * KEY);
    if (!p.canvas) return complain(FAILED, "out of memory for the picture");
    int code = draw(&p);
    if (!code) code = save(&p);
    canvas_destroy(p.canvas);
    return code;
}
