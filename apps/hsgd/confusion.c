/* A confusion matrix as a PNG picture: rows are the true classes, columns the
 * predicted ones; a cell is as dark as its part of the row. */
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eval.h"
#include "font.h"

#define SCALE 2                              /* pixels per dot of a letter */
#define LETTER ((FONT_WIDTH + 1) * SCALE)    /* width with the gap behind it */
#define LINE (FONT_HEIGHT * SCALE)
#define PAD 12
#define NUMBERED 24                          /* cells of more classes are too small for their count */
#define SIDE 1200                            /* of the matrix then, about */
#define MOST_LETTERS 16                      /* of a name */

struct picture {
    int width, height;
    unsigned char *rgb;
};

struct colour { unsigned char r, g, b; };
static const struct colour black = { 30, 30, 30 }, white = { 255, 255, 255 }, grey = { 200, 200, 200 };

/* --------------------------------------------------------------- drawing */

static void fill(struct picture *p, int x, int y, int w, int h, struct colour c)
{
    for (int j = y < 0 ? 0 : y; j < y + h && j < p->height; j++)
        for (int i = x < 0 ? 0 : x; i < x + w && i < p->width; i++)
            memcpy(p->rgb + 3 * ((size_t)j * (size_t)p->width + (size_t)i), &c, 3);
}

/* Text from (x, y) to the right, or upwards. */
static void write_text(struct picture *p, int x, int y, bool up, struct colour c, const char *text)
{
    for (; *text; text++) {
        unsigned letter = (unsigned char)*text - FONT_FIRST;
        if (letter >= FONT_LETTERS) letter = '?' - FONT_FIRST;
        for (int i = 0; i < FONT_WIDTH; i++)
            for (int j = 0; j < FONT_HEIGHT; j++) {
                if (!(font[letter][i] >> j & 1)) continue;
                if (up) fill(p, x + j * SCALE, y - (i + 1) * SCALE, SCALE, SCALE, c);
                else fill(p, x + i * SCALE, y + j * SCALE, SCALE, SCALE, c);
            }
        if (up) y -= LETTER;
        else x += LETTER;
    }
}

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
        int w = (int)strlen(name) * LETTER;
        if (w > l.names) l.names = w;
    }
    if (e->classes <= NUMBERED) {
        l.cell_w = (digits(e) + 1) * LETTER;
        if (l.cell_w < 40) l.cell_w = 40;
        l.cell_h = 2 * LINE + 4;
    } else {
        l.cell_w = l.cell_h = SIDE / e->classes < 3 ? 3 : SIDE / e->classes;
        l.every = (LINE + 4 + l.cell_w - 1) / l.cell_w;
    }
    l.left = PAD + LINE + PAD + l.names + PAD;
    l.top = PAD + LINE + 2 * PAD + LINE + PAD + l.names + PAD;
    return l;
}

/* ------------------------------------------------------------------ parts */

static void draw_cell(struct picture *p, const struct evaluation *e, const struct layout *l, int row, int column,
                      int64_t samples)
{
    int64_t n = e->confusion[row * e->classes + column];
    double part = samples ? (double)n / (double)samples : 0;
    int x = l->left + column * l->cell_w, y = l->top + row * l->cell_h, gap = l->cell_w > 8;
    char text[24];
    fill(p, x, y, l->cell_w - gap, l->cell_h - gap, shade(part));
    if (e->classes > NUMBERED) return;
    int letters = snprintf(text, sizeof text, "%lld", (long long)n);
    write_text(p, x + (l->cell_w - letters * LETTER) / 2, y + (l->cell_h - LINE) / 2, false,
               part > 0.5 ? white : n ? black : grey, text);
}

static void draw_names(struct picture *p, const struct evaluation *e, const struct layout *l)
{
    char name[MOST_LETTERS + 1];
    for (int i = 0; i < e->classes; i += l->every) {
        short_name(e->name[i], name);
        int y = l->top + i * l->cell_h + (l->cell_h - LINE) / 2, x = l->left + i * l->cell_w + (l->cell_w - LINE) / 2;
        write_text(p, l->left - PAD - (int)strlen(name) * LETTER, y, false, black, name);
        write_text(p, x, l->top - PAD, true, black, name);
    }
}

enum { TITLE = 120 };
static const char *write_title(const struct evaluation *e, char title[TITLE])
{
    snprintf(title, TITLE, "%.40s, %lld samples: accuracy %.2f %%", e->model, (long long)e->samples,
             100 * evaluation_accuracy(e));
    return title;
}

static void draw(struct picture *p, const struct evaluation *e, const struct layout *l)
{
    char title[TITLE];
    int wide = e->classes * l->cell_w, high = e->classes * l->cell_h;
    fill(p, 0, 0, p->width, p->height, white);
    write_text(p, PAD, PAD, false, black, write_title(e, title));
    write_text(p, l->left + wide / 2 - 5 * LETTER, PAD + LINE + 2 * PAD, false, black, "predicted");
    write_text(p, PAD, l->top + high / 2 + 2 * LETTER, true, black, "true");
    fill(p, l->left - 1, l->top - 1, wide + 1, high + 1, grey);
    draw_names(p, e, l);
    for (int i = 0; i < e->classes; i++) {
        struct class_score s = class_score(e, i);
        for (int k = 0; k < e->classes; k++) draw_cell(p, e, l, i, k, s.samples);
    }
}

/* ------------------------------------------------------------------- file */

static int save(const struct picture *p, struct hsgd_context *ctx, const char *path)
{
    png_image image = { .version = PNG_IMAGE_VERSION, .width = (png_uint_32)p->width,
                        .height = (png_uint_32)p->height, .format = PNG_FORMAT_RGB };
    png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
    void *bytes = malloc(size);
    if (!bytes) return complain(FAILED, "out of memory for a picture of %dx%d", p->width, p->height);
    bool made = png_image_write_to_memory(&image, bytes, &size, 0, p->rgb, 0, NULL);
    int err = made ? hsgd_file_write(ctx, path, bytes, size) : 0;
    free(bytes);
    if (!made) return complain(FAILED, "--png \"%s\": %s", path, image.message);
    return err ? complain(blame(err), "--png \"%s\": %s", path, hsgd_error(ctx)) : OK;
}

int draw_confusion(const struct evaluation *e, struct hsgd_context *ctx, const char *path)
{
    struct layout l = lay_out(e);
    char title[TITLE];
    struct picture p = { l.left + e->classes * l.cell_w + 2 * PAD, l.top + e->classes * l.cell_h + 2 * PAD, NULL };
    int wide = 2 * PAD + (int)strlen(write_title(e, title)) * LETTER;
    if (e->classes > 4000) return complain(USAGE, "--png \"%s\": %d classes are too many to draw", path, e->classes);
    if (p.width < wide) p.width = wide;
    p.rgb = malloc(3 * (size_t)p.width * (size_t)p.height);
    if (!p.rgb) return complain(FAILED, "out of memory for a picture of %dx%d", p.width, p.height);
    draw(&p, e, &l);
    int code = save(&p, ctx, path);
    free(p.rgb);
    return code;
}
