/* SPDX-License-Identifier: BSD-3-Clause */
/* A progress bar in the last line of a terminal, on stderr. */
#ifndef HSGD_APP_BAR_H
#define HSGD_APP_BAR_H

struct bar {
    const char *what;        /* "epoch 3/10" */
    double done;             /* 0 to 1 */
    const char *figures;     /* "loss 0.1234  acc 97.12%  82269/s  ETA 0:12" */
};

/* Draws it, no wider than the terminal is now; nothing when stderr is none, or
 * one that cannot draw a line again (TERM is dumb). */
void bar_draw(const struct bar *b);
/* Takes it away before other output. */
void bar_clear(void);

/* Prints a line of the table of epochs on stdout; on a terminal that is
 * narrower without its last columns. */
void bar_table(const char *line);

/* How wide the terminal is that file descriptor `file` is; 80 when it is none. */
int terminal_columns(int file);

#endif
