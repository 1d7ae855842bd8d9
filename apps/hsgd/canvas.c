#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "canvas_shapes.h"

struct canvas *canvas_create(int width, int height)
{
    struct canvas *c = calloc(1, sizeof *c);
    if (!c) return NULL;
    c->width = width;
    c->height = height;
    return c;
}

void canvas_destroy(struct canvas *c)
{
    if (!c) return;
    for (int i = 0; i < c->n; i++) free(c->shape[i].text);
    free(c->shape);
    free(c);
}

static bool grow(struct canvas *c)
{
    int capacity = c->capacity ? 2 * c->capacity : 256;
    struct shape *bigger = realloc(c->shape, (size_t)capacity * sizeof *bigger);
    if (!bigger) return false;
    c->shape = bigger;
    c->capacity = capacity;
    return true;
}

/* Takes the text. */
static void add(struct canvas *c, struct shape s)
{
    if ((c->n < c->capacity || grow(c)) && (s.text || s.kind != SHAPE_TEXT)) {
        c->shape[c->n++] = s;
        return;
    }
    free(s.text);
    c->failed = true;
}

void canvas_fill(struct canvas *c, int x, int y, int width, int height, struct colour colour)
{
    add(c, (struct shape){ SHAPE_FILL, x, y, x + width, y + height, 0, false, colour, NULL });
}

void canvas_line(struct canvas *c, double x0, double y0, double x1, double y1, double width, struct colour colour)
{
    add(c, (struct shape){ SHAPE_LINE, x0, y0, x1, y1, width, false, colour, NULL });
}

int canvas_letters(const char *text)
{
    int n = 0;
    for (; *text; text++) n += begins_letter(*text);
    return n;
}

void canvas_text(struct canvas *c, int x, int y, enum canvas_align align, struct colour colour, const char *text)
{
    int width = canvas_letters(text) * CANVAS_LETTER;
    int left = align == CANVAS_RIGHT ? x - width : align == CANVAS_MIDDLE ? x - width / 2 : x;
    add(c, (struct shape){ SHAPE_TEXT, left, y, 0, 0, 0, align == CANVAS_UP, colour, strdup(text) });
}

void canvas_note(struct canvas *c, const char *text)
{
    struct shape *last = c->n ? &c->shape[c->n - 1] : NULL;
    if (last && !last->text && !(last->text = strdup(text))) c->failed = true;
}

int canvas_no_memory(const struct canvas *c)
{
    return complain(FAILED, "out of memory for a picture of %dx%d", c->width, c->height);
}

int canvas_write(const char *name, const char *path, const void *bytes, size_t size)
{
    int err = hsgd_file_write(NULL, path, bytes, size);
    return err ? complain(blame(err), "%s \"%s\": %s", name, path, strerror(-err)) : OK;
}
