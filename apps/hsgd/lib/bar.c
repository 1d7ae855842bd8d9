/* SPDX-License-Identifier: BSD-3-Clause */
#include "bar.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define DEFAULT_COLUMNS 80
#define MAX_COLUMNS 400
#define MIN_CELLS 8 /* a shorter bar is left out */
#define MAX_CELLS 30

static bool drawn;

int terminal_columns(int file)
{
    struct winsize w;
    if (ioctl(file, TIOCGWINSZ, &w) || w.ws_col < 1) return DEFAULT_COLUMNS;
    return w.ws_col < MAX_COLUMNS ? w.ws_col : MAX_COLUMNS;
}

static void fill(char *out, int cells, double done)
{
    int full = (int)(done * cells + 0.5);
    for (int i = 0; i < cells; i++) out[i] = i < full ? '#' : '.';
    out[cells] = '\0';
}

/* A dumb terminal has no escapes, and those of an unnamed one are not known. */
static bool can_redraw(void)
{
    const char *terminal = getenv("TERM");
    return isatty(STDERR_FILENO) && terminal && *terminal && strcmp(terminal, "dumb");
}

/* The last column stays empty: a character there moves some terminals to the next
 * line. */
void bar_draw(const struct bar *b)
{
    char line[2 * MAX_COLUMNS], cells[MAX_CELLS + 1];
    if (!can_redraw()) return;
    int width = terminal_columns(STDERR_FILENO) - 1, percent = (int)(100 * b->done);
    int space = width - (int)(strlen(b->what) + strlen(b->figures)) - 10;
    if (space > MAX_CELLS) space = MAX_CELLS;
    if (space >= MIN_CELLS) {
        fill(cells, space, b->done);
        snprintf(line, sizeof line, "%s [%s] %3d%% %s", b->what, cells, percent, b->figures);
    } else {
        snprintf(line, sizeof line, "%s %3d%% %s", b->what, percent, b->figures);
    }
    fprintf(stderr, "\r%.*s\033[K", width, line);
    fflush(stderr);
    drawn = true;
}

void bar_clear(void)
{
    if (drawn) fputs("\r\033[K", stderr);
    drawn = false;
}

/* Ends of the columns: train acc, val acc, samples/s, seconds. */
void bar_table(const char *line)
{
    static const int ends[] = { 29, 42, 55, 65 };
    int width = isatty(STDOUT_FILENO) ? terminal_columns(STDOUT_FILENO) : MAX_COLUMNS, end = 3;
    while (end > 0 && ends[end] > width) end--;
    bar_clear();
    printf("%.*s\n", ends[end], line);
    fflush(stdout);
}
