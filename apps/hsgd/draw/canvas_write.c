/* SPDX-License-Identifier: BSD-3-Clause */
/* Writing drawings to files. */
#include <cairo-svg.h>
#include <errno.h>
#include <fontconfig/fontconfig.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "canvas_cairo.h"
#include "draw.h"

#define ROOM ((size_t)96 << 20)
#define MAX_PIXELS 32000 /* maximum side of a PNG file; the limit of Cairo is 32767 */

/* Where GLib gets no memory or no thread, which Pango starts, it ends the
 * process: so much must be there before. */
static bool has_room(void)
{
    void *p = mmap(NULL, ROOM, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p != MAP_FAILED && !munmap(p, ROOM);
}

bool drawing_is_built(void) { return true; }

int drawing_check(const char *what, const char *path)
{
    if (!has_room())
        return report_error(FAILED, "%s \"%s\": drawing needs %zu MiB more of address space", what, path, ROOM >> 20);
    FcPattern *any = FcPatternCreate();
    FcFontSet *fonts = any ? FcFontList(NULL, any, NULL) : NULL;
    int n = fonts ? fonts->nfont : 0;
    if (fonts) FcFontSetDestroy(fonts);
    if (any) FcPatternDestroy(any);
    if (n) return OK;
    return report_error(USAGE, "%s \"%s\": fontconfig finds no fonts to draw with; install some, such as DejaVu", what,
                        path);
}

/* ----------------------------------------------------------------- drawing */

static void free_texts(struct text_list *list)
{
    for (int i = 0; i < list->n; i++) free(list->at[i].text);
    free(list->at);
}

static void canvas_clear(struct canvas *c)
{
    cairo_destroy(c->cairo);
    free_texts(&c->texts);
    free_texts(&c->notes);
}

/* Takes the surface; canvas_clear() in any case. */
static void draw(struct canvas *c, const struct drawing *d, cairo_surface_t *surface, int scale)
{
    *c = (struct canvas){ .cairo = cairo_create(surface) };
    cairo_surface_destroy(surface);
    cairo_scale(c->cairo, scale, scale);
    canvas_fill(c, 0, 0, d->width, d->height, (struct colour){ 255, 255, 255 });
    d->draw(c, d->of);
    cairo_surface_flush(cairo_get_target(c->cairo));
}

bool drawing_texts(const struct drawing *d, void (*each)(void *user, const struct placed_text *t), void *user)
{
    struct canvas c;
    cairo_rectangle_t all = { 0, 0, d->width, d->height };
    draw(&c, d, cairo_recording_surface_create(CAIRO_CONTENT_COLOR, &all), 1);
    bool well = !c.no_memory && !cairo_status(c.cairo);
    for (int i = 0; well && i < c.texts.n; i++) each(user, &c.texts.at[i]);
    canvas_clear(&c);
    return well;
}

/* ------------------------------------------------------------------- files */

static cairo_status_t append(void *file, const unsigned char *bytes, unsigned length)
{
    return fwrite(bytes, 1, length, file) == length ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

static int no_memory(const struct drawing *d, const char *what, const char *path)
{
    return report_error(FAILED, "%s \"%s\": out of memory for %.0f x %.0f pixels", what, path, d->width, d->height);
}

/* `make` writes the file's bytes to memory; false: out of memory. */
static int write_file(const struct drawing *d, const char *what, const char *path,
                      bool (*make)(const struct drawing *d, FILE *f))
{
    char *bytes = NULL;
    size_t size = 0;
    int code = drawing_check(what, path);
    FILE *f = code ? NULL : open_memstream(&bytes, &size);
    if (code) return code;
    if (!f) return no_memory(d, what, path);
    bool made = make(d, f);
    int err = fclose(f) || !made ? -ENOMEM : hsgd_file_write(NULL, path, bytes, size);
    free(bytes);
    if (err == -ENOMEM) return no_memory(d, what, path);
    return err ? report_error(exit_code(err), "%s \"%s\": %s", what, path, strerror(-err)) : OK;
}

static bool make_png(const struct drawing *d, FILE *f)
{
    struct canvas c;
    int width = (int)d->width * PNG_SCALE, height = (int)d->height * PNG_SCALE;
    draw(&c, d, cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height), PNG_SCALE);
    bool well = !c.no_memory && !cairo_status(c.cairo) &&
                !cairo_surface_write_to_png_stream(cairo_get_target(c.cairo), append, f);
    canvas_clear(&c);
    return well;
}

static int write_png(const struct drawing *d, const char *what, const char *path)
{
    if (d->width * PNG_SCALE > MAX_PIXELS || d->height * PNG_SCALE > MAX_PIXELS)
        return report_error(USAGE, "%s \"%s\": %.0f x %.0f pixels exceed the maximum side of a PNG file here, %d", what,
                            path, d->width * PNG_SCALE, d->height * PNG_SCALE, MAX_PIXELS);
    return write_file(d, what, path, make_png);
}

/* --------------------------------------------------------------------- SVG */

/* For XML; names come from drivers, files and the command line. */
static void escape(FILE *f, const char *text)
{
    char *valid = g_utf8_make_valid(text, -1);
    for (char *s = valid; *s; s++) {
        if (*s == '<') fputs("&lt;", f);
        else if (*s == '>') fputs("&gt;", f);
        else if (*s == '&') fputs("&amp;", f);
        else putc((unsigned char)*s < 0x20 && *s != '\n' ? ' ' : *s, f);
    }
    g_free(valid);
}

/* Cairo writes glyphs as shapes: the texts are repeated for search and screen readers. */
static void describe(FILE *f, const struct drawing *d, const struct canvas *c)
{
    fputs("\n<title>", f);
    escape(f, d->title);
    fputs("</title>\n<desc>", f);
    for (int i = 0; i < c->texts.n; i++) {
        escape(f, c->texts.at[i].text);
        putc('\n', f);
    }
    fputs("</desc>", f);
}

static void add_notes(FILE *f, const struct canvas *c)
{
    for (const struct placed_text *t = c->notes.at; t < c->notes.at + c->notes.n; t++) {
        fprintf(f, "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" fill-opacity=\"0\"><title>", t->x0,
                t->y0, t->x1 - t->x0, t->y1 - t->y0);
        escape(f, t->text);
        fputs("</title></rect>\n", f);
    }
}

/* The SVG text of Cairo, with a description after the start tag of the root element
 * and tooltips before its end tag. */
static bool complete(FILE *f, const struct drawing *d, const struct canvas *c, const char *svg)
{
    const char *root = strstr(svg, "<svg"), *begin = root ? strchr(root, '>') : NULL;
    const char *end = begin ? strstr(begin, "</svg>") : NULL;
    if (!end) return false;
    fwrite(svg, 1, (size_t)(begin + 1 - svg), f);
    describe(f, d, c);
    fwrite(begin + 1, 1, (size_t)(end - begin - 1), f);
    add_notes(f, c);
    fputs(end, f);
    return !ferror(f);
}

static bool make_svg(const struct drawing *d, FILE *f)
{
    struct canvas c;
    char *svg = NULL;
    size_t size;
    FILE *memory = open_memstream(&svg, &size);
    if (!memory) return false;
    cairo_surface_t *surface = cairo_svg_surface_create_for_stream(append, memory, d->width, d->height);
    cairo_svg_surface_set_document_unit(surface, CAIRO_SVG_UNIT_PX);
    draw(&c, d, surface, 1);
    cairo_surface_finish(cairo_get_target(c.cairo));
    bool well = !c.no_memory && !cairo_status(c.cairo) && !cairo_surface_status(cairo_get_target(c.cairo));
    well = !fclose(memory) && well && complete(f, d, &c, svg);
    free(svg);
    canvas_clear(&c);
    return well;
}

int drawing_write(const struct drawing *d, const char *what, const char *png, const char *svg)
{
    int code = png ? write_png(d, what ? what : "--png", png) : OK;
    return code || !svg ? code : write_file(d, what ? what : "--svg", svg, make_svg);
}
