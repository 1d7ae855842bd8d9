/* SPDX-License-Identifier: BSD-3-Clause */
/* This program as another process. */
#ifndef HSGD_APP_CHILD_H
#define HSGD_APP_CHILD_H

#include <stdbool.h>
#include <stddef.h>

struct child {
    char **argv, **environment; /* each ended by NULL */
    int output;                 /* file descriptor for its stdout; -1: none */
    bool forwards;              /* its stderr to ours */
    double limit;               /* seconds after which it is killed; 0: none */
    int code;                   /* its exit code, FAILED if a signal ended it */
    bool exited;                /* by itself; else a signal ended it, as message says */
    char message[400];          /* its last sentence that is no warning; "": none */
};

/* The words of a text, each ended by a 0, as argv, which has room for them and NULL. */
void child_words(char *words, size_t size, char **argv);

/* Runs it to its end, sets code and message.  A signal that stops us (signals_stop())
 * is passed on, once.  OK or an exit code after a sentence: it could not be started. */
int child_run(struct child *c);

#endif
