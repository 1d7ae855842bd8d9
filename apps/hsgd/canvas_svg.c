/* A canvas as an SVG picture. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "canvas_shapes.h"

/* Names come from drivers, files and the command line. */
static void escape(FILE *f, const char *s)
{
    for (; *s; s++) {
        if (*s == '<') fputs("&lt;", f);
        else if (*s == '>') fputs("&gt;", f);
        else if (*s == '&') fputs("&amp;", f);
        else putc((unsigned char)*s < 0x20 && *s != '\n' ? ' ' : *s, f);
    }
}

/* Letters are as wide as those of the PNG picture, whatever the font. */
static void print_text(FILE *f, const struct shape *s)
{
    double x = s->x + (s->up ? CANVAS_LINE : 0), y = s->y + (s->up ? 0 : CANVAS_LINE);
    if (!*s->text) return;
    fprintf(f, "<text x=\"%g\" y=\"%g\" textLength=\"%d\"", x, y, canvas_letters(s->text) * CANVAS_LETTER - 2);
    if (s->up) fprintf(f, " transform=\"rotate(-90 %g %g)\"", x, y);
    fprintf(f, " fill=\"#%02x%02x%02x\">", s->colour.r, s->colour.g, s->colour.b);
    escape(f, s->text);
    fputs("</text>\n", f);
}

/* Ends the element. */
static void print_note(FILE *f, const struct shape *s, const char *element)
{
    if (!s->text) {
        fputs("/>\n", f);
        return;
    }
    fputs("><title>", f);
    escape(f, s->text);
    fprintf(f, "</title></%s>\n", element);
}

static void print_shape(FILE *f, const struct shape *s)
{
    struct colour k = s->colour;
    if (s->kind == SHAPE_FILL)
        fprintf(f, "<rect x=\"%g\" y=\"%g\" width=\"%g\" height=\"%g\" fill=\"#%02x%02x%02x\"", s->x, s->y,
                s->x1 - s->x, s->y1 - s->y, k.r, k.g, k.b);
    else if (s->kind == SHAPE_LINE)
        fprintf(f, "<path d=\"M%.1f %.1fL%.1f %.1f\" stroke=\"#%02x%02x%02x\" stroke-width=\"%g\"", s->x, s->y,
                s->x1, s->y1, k.r, k.g, k.b, s->width);
    if (s->kind == SHAPE_TEXT) print_text(f, s);
    else print_note(f, s, s->kind == SHAPE_FILL ? "rect" : "path");
}

static void print(FILE *f, const struct canvas *c)
{
    fprintf(f, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" "
            "font-family=\"DejaVu Sans Mono, Menlo, Consolas, monospace\" font-size=\"19\" "
            "stroke-linecap=\"round\" xml:space=\"preserve\">\n"
            "<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n",
            c->width, c->height, c->width, c->height);
    for (int i = 0; i < c->n; i++) print_shape(f, &c->shape[i]);
    fputs("</svg>\n", f);
}

int canvas_write_svg(const struct canvas *c, const char *name, const char *path)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = c->failed ? NULL : open_memstream(&text, &size);
    if (!f) return canvas_no_memory(c);
    print(f, c);
    bool bad = ferror(f);
    int code = fclose(f) || bad ? canvas_no_memory(c) : canvas_write(name, path, text, size);
    free(text);
    return code;
}
