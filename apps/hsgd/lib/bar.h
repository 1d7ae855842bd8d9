/* SPDX-License-Identifier: BSD-3-Clause */
/* A progress bar in the last line of a terminal, on stderr. */
#ifndef HSGD_APP_BAR_H
#define HSGD_APP_BAR_H

struct bar {
    const char *what;    /* "epoch 3/10" */
    double done;         /* 0 to 1 */
    const char *figures; /* "loss 0.1234  acc 97.12%  82269/s  ETA 0:12" */
};

/* Draws it, no wider than the terminal; nothing if stderr is not a terminal, or one
 * that cannot redraw a line (TERM is dumb). */
void bar_draw(const struct bar *b);
/* Removes it before other output. */
void bar_clear(void);

/* Prints a line of the table of epochs on stdout, without its last columns on a
 * narrow terminal. */
void bar_table(const char *line);

/* The width of the terminal of file descriptor `file`; 80 if it is not a terminal. */
int terminal_columns(int file);

#endif
