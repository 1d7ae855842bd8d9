/* A confusion matrix as a PNG picture: rows are the true classes, columns the
 * predicted ones; a cell is as dark as its part of the row. */
#include <stdio.h>
#include <string.h>

#include "canvas.h"
#include "eval.h"

#define PAD 12
#define NUMBERED 24                          /* cells of more classes are too small for their count */
#define SIDE 1200                            /* of the matrix then, about */
#define MOST_LETTERS 16                      /* of a name */

static const struct colour black = { 30, 30, 30 }, white = { 255, 255, 255 }, grey = { 200, 200, 200 };

/* From white to dark blue. */
static struct colour shade(double part)
{
    const double light[] = { 247, 251, 255 }, dark[] = { 8, 48, 107 };
    unsigned char c[3];
    for (int i = 0; i < 3; i++) c[i] = (unsigned char)(light[i] + (dark[i] - light[i]) * part);
    return (struct colour){ c[0], c[1], c[2] };
}

/* ---------------------------------------------------------------- layout */

struct layout {
    int cell_w, cell_h, left, top, names;  /* names: pixels of the longest name */
    int every;                             /* how many classes to a name */
};

/* What is shown of a name; UTF-8 counts by its letters. */
static void short_name(const char *name, char out[MOST_LETTERS + 1])
{
    int n = 0;
    for (; *name && n < MOST_LETTERS; name++)
        if (((unsigned char)*name & 0xc0) != 0x80) out[n++] = *name;
    out[n] = 0;
}

static int digits(const struct evaluation *e)
{
    int64_t most = 0;
    for (int i = 0; i < e->classes * e->classes; i++)
        if (e->confusion[i] > most) most = e->confusion[i];
    return snprintf(NULL, 0, "%lld", (long long)most);
}

static struct layout lay_out(const struct evaluation *e)
{
    struct layout l = { .every = 1 };
    char name[MOST_LETTERS + 1];
    for (int i = 0; i < e->classes; i++) {
        short_name(e->name[i], name);
        int w = (int)strlen(name) * CANVAS_LETTER;
        if (w > l.names) l.names = w;
    }
    if (e->classes <= NUMBERED) {
        l.cell_w = (digits(e) + 1) * CANVAS_LETTER;
        if (l.cell_w < 40) l.cell_w = 40;
        l.cell_h = 2 * CANVAS_LINE + 4;
    } else {
        l.cell_w = l.cell_h = SIDE / e->classes < 3 ? 3 : SIDE / e->classes;
        l.every = (CANVAS_LINE + 4 + l.cell_w - 1) / l.cell_w;
    }
    l.left = PAD + CANVAS_LINE + PAD + l.names + PAD;
    l.top = PAD + CANVAS_LINE + 2 * PAD + CANVAS_LINE + PAD + l.names + PAD;
    return l;
}

/* ------------------------------------------------------------------ parts */

static void draw_cell(struct canvas *c, const struct evaluation *e, const struct layout *l, int row, int column,
                      int64_t samples)
{
    int64_t n = e->confusion[row * e->classes + column];
    double part = samples ? (double)n / (double)samples : 0;
    int x = l->left + column * l->cell_w, y = l->top + row * l->cell_h;
    char text[24];
    if (n) canvas_fill(c, x, y, l->cell_w, l->cell_h, shade(part));
    if (e->classes > NUMBERED) return;
    snprintf(text, sizeof text, "%lld", (long long)n);
    canvas_text(c, x + l->cell_w / 2, y + (l->cell_h - CANVAS_LINE) / 2, CANVAS_MIDDLE,
                part > 0.5 ? white : n ? black : grey, text);
}

/* What has no samples shows the ground, so that there are no more cells than
 * samples, however many classes there are. */
static void draw_cells(struct canvas *c, const struct evaluation *e, const struct layout *l)
{
    int wide = e->classes * l->cell_w, high = e->classes * l->cell_h;
    canvas_fill(c, l->left - 1, l->top - 1, wide + 1, high + 1, grey);
    canvas_fill(c, l->left, l->top, wide, high, shade(0));
    for (int i = 0; i < e->classes; i++) {
        struct class_score s = class_score(e, i);
        for (int k = 0; k < e->classes; k++) draw_cell(c, e, l, i, k, s.samples);
    }
    for (int i = 1; i <= e->classes && l->cell_w > 8; i++) {
        canvas_fill(c, l->left + i * l->cell_w - 1, l->top, 1, high, grey);
        canvas_fill(c, l->left, l->top + i * l->cell_h - 1, wide, 1, grey);
    }
}

static void draw_names(struct canvas *c, const struct evaluation *e, const struct layout *l)
{
    char name[MOST_LETTERS + 1];
    for (int i = 0; i < e->classes; i += l->every) {
        int y = l->top + i * l->cell_h + (l->cell_h - CANVAS_LINE) / 2;
        int x = l->left + i * l->cell_w + (l->cell_w - CANVAS_LINE) / 2;
        short_name(e->name[i], name);
        canvas_text(c, l->left - PAD, y, CANVAS_RIGHT, black, name);
        canvas_text(c, x, l->top - PAD, CANVAS_UP, black, name);
    }
}

enum { TITLE = 120 };
static const char *write_title(const struct evaluation *e, char title[TITLE])
{
    snprintf(title, TITLE, "%.40s, %lld samples: accuracy %.2f %%", e->model, (long long)e->samples,
             100 * evaluation_accuracy(e));
    return title;
}

static void draw(struct canvas *c, const struct evaluation *e, const struct layout *l)
{
    char title[TITLE];
    int wide = e->classes * l->cell_w, high = e->classes * l->cell_h;
    canvas_text(c, PAD, PAD, CANVAS_LEFT, black, write_title(e, title));
    canvas_text(c, l->left + wide / 2, PAD + CANVAS_LINE + 2 * PAD, CANVAS_MIDDLE, black, "predicted");
    canvas_text(c, PAD, l->top + high / 2 + 2 * CANVAS_LETTER, CANVAS_UP, black, "true");
    draw_cells(c, e, l);
    draw_names(c, e, l);
}

int draw_confusion(const struct evaluation *e, const char *path)
{
    char title[TITLE];
    if (e->classes > 4000) return complain(USAGE, "--png \"%s\": %d classes are too many to draw", path, e->classes);
    struct layout l = lay_out(e);
    int width = l.left + e->classes * l.cell_w + 2 * PAD;
    int least = 2 * PAD + canvas_letters(write_title(e, title)) * CANVAS_LETTER;
    struct canvas *c = canvas_create(width < least ? least : width, l.top + e->classes * l.cell_h + 2 * PAD);
    if (!c) return complain(FAILED, "out of memory for the picture");
    draw(c, e, &l);
    int code = canvas_write_png(c, "--png", path);
    canvas_destroy(c);
    return code;
}
