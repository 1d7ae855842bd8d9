/* A drawing that becomes a PNG or an SVG picture: rectangles, lines and text,
 * drawn in the order in which they were added.  In pixels, y down. */
#ifndef HSGD_APP_CANVAS_H
#define HSGD_APP_CANVAS_H

#include <stdbool.h>

#define CANVAS_LETTER 12        /* width of a letter with the gap behind it */
#define CANVAS_LINE 14          /* height of a letter */

struct colour { unsigned char r, g, b; };

/* Which point of a text is at (x, y): of its upper edge the left end, the
 * middle, or the right end.  UP is a text that runs upwards from (x, y), the
 * lower end of its left edge. */
enum canvas_align { CANVAS_LEFT, CANVAS_MIDDLE, CANVAS_RIGHT, CANVAS_UP };

struct canvas;

/* NULL: out of memory. */
struct canvas *canvas_create(int width, int height);
/* NULL-safe. */
void canvas_destroy(struct canvas *c);

void canvas_fill(struct canvas *c, int x, int y, int width, int height, struct colour colour);
void canvas_line(struct canvas *c, double x0, double y0, double x1, double y1, double width, struct colour colour);
/* UTF-8; letters that are not ASCII become "?" in a PNG picture. */
void canvas_text(struct canvas *c, int x, int y, enum canvas_align align, struct colour colour, const char *text);
/* What an SVG picture shows of the last shape when it is pointed at. */
void canvas_note(struct canvas *c, const char *text);
/* How many letters a text has. */
int canvas_letters(const char *text);

/* Writes the picture whole or not at all.  `name` is what a sentence calls it.
 * OK or an exit code after a sentence. */
int canvas_write_png(const struct canvas *c, const char *name, const char *path);
int canvas_write_svg(const struct canvas *c, const char *name, const char *path);

#endif
