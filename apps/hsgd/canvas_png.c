/* A canvas as a PNG picture. */
#include <math.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "canvas_shapes.h"
#include "font.h"

#define SCALE 2                 /* pixels per dot of a letter */
_Static_assert(CANVAS_LETTER == (FONT_WIDTH + 1) * SCALE && CANVAS_LINE == FONT_HEIGHT * SCALE, "the font's size");

struct raster { int width, height; unsigned char *rgb; };

static unsigned char *pixel(const struct raster *p, int x, int y)
{
    return p->rgb + 3 * ((size_t)y * (size_t)p->width + (size_t)x);
}

static void fill(struct raster *p, int x0, int y0, int x1, int y1, struct colour c)
{
    for (int y = y0 < 0 ? 0 : y0; y < y1 && y < p->height; y++)
        for (int x = x0 < 0 ? 0 : x0; x < x1 && x < p->width; x++) memcpy(pixel(p, x, y), &c, 3);
}

static void blend(unsigned char *rgb, struct colour c, double part)
{
    const unsigned char to[] = { c.r, c.g, c.b };
    for (int i = 0; i < 3; i++) rgb[i] = (unsigned char)lround(rgb[i] + part * (to[i] - rgb[i]));
}

/* How far the middle of a pixel is from a line. */
static double distance(const struct shape *s, double x, double y)
{
    double dx = s->x1 - s->x, dy = s->y1 - s->y, square = dx * dx + dy * dy;
    double t = square > 0 ? fmin(1, fmax(0, ((x - s->x) * dx + (y - s->y) * dy) / square)) : 0;
    return hypot(x - s->x - t * dx, y - s->y - t * dy);
}

/* Pixels at the edge are drawn in part. */
static void stroke(struct raster *p, const struct shape *s)
{
    double reach = s->width / 2 + 0.5;
    int x0 = (int)fmax(0, floor(fmin(s->x, s->x1) - reach)), x1 = (int)fmin(p->width, ceil(fmax(s->x, s->x1) + reach));
    int y0 = (int)fmax(0, floor(fmin(s->y, s->y1) - reach)), y1 = (int)fmin(p->height, ceil(fmax(s->y, s->y1) + reach));
    for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++) {
            double part = reach - distance(s, x + 0.5, y + 0.5);
            if (part > 0) blend(pixel(p, x, y), s->colour, fmin(part, 1));
        }
}

static void write_letter(struct raster *p, int x, int y, const struct shape *s, char byte)
{
    unsigned letter = (unsigned char)byte - (unsigned)FONT_FIRST;
    if (letter >= FONT_LETTERS) letter = '?' - FONT_FIRST;
    for (int i = 0; i < FONT_WIDTH; i++)
        for (int j = 0; j < FONT_HEIGHT; j++) {
            int left = x + (s->up ? j : i) * SCALE, top = s->up ? y - (i + 1) * SCALE : y + j * SCALE;
            if (font[letter][i] >> j & 1) fill(p, left, top, left + SCALE, top + SCALE, s->colour);
        }
}

static void write_text(struct raster *p, const struct shape *s)
{
    int x = (int)s->x, y = (int)s->y;
    for (const char *text = s->text; *text; text++) {
        if (!begins_letter(*text)) continue;
        write_letter(p, x, y, s, *text);
        if (s->up) y -= CANVAS_LETTER;
        else x += CANVAS_LETTER;
    }
}

static void draw(struct raster *p, const struct canvas *c)
{
    memset(p->rgb, 255, 3 * (size_t)p->width * (size_t)p->height);
    for (const struct shape *s = c->shape; s < c->shape + c->n; s++) {
        if (s->kind == SHAPE_FILL) fill(p, (int)s->x, (int)s->y, (int)s->x1, (int)s->y1, s->colour);
        else if (s->kind == SHAPE_LINE) stroke(p, s);
        else write_text(p, s);
    }
}

static int encode(const struct raster *p, const struct canvas *c, const char *name, const char *path)
{
    png_image image = { .version = PNG_IMAGE_VERSION, .width = (png_uint_32)p->width,
                        .height = (png_uint_32)p->height, .format = PNG_FORMAT_RGB };
    png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
    void *bytes = malloc(size);
    if (!bytes) return canvas_no_memory(c);
    bool made = png_image_write_to_memory(&image, bytes, &size, 0, p->rgb, 0, NULL);
    int code = made ? canvas_write(name, path, bytes, size)
                    : complain(FAILED, "%s \"%s\": %s", name, path, image.message);
    free(bytes);
    return code;
}

int canvas_write_png(const struct canvas *c, const char *name, const char *path)
{
    struct raster p = { c->width, c->height, malloc(3 * (size_t)c->width * (size_t)c->height) };
    if (!p.rgb || c->failed) {
        free(p.rgb);
        return canvas_no_memory(c);
    }
    draw(&p, c);
    int code = encode(&p, c, name, path);
    free(p.rgb);
    return code;
}
