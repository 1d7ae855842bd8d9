/* SPDX-License-Identifier: BSD-3-Clause */
/* Samples for an open checkpoint, from the inputs on a command line. */
#ifndef HSGD_APP_INPUTS_H
#define HSGD_APP_INPUTS_H

#include "checkpoint.h"

struct inputs {
    const struct opened *o;
    /* Called with each input; USAGE: it is refused, after a sentence. */
    int (*each)(void *user, const char *name, const struct hsgd_data *d);
    void *user;
    int read, refused; /* inputs that were read, and that could not be */
};

/* Whether there is an input on the command line: OK, or USAGE after a sentence. */
int inputs_check(const struct settings *s);
/* Files, folders of images, or "-", standard input.  An input that is refused does not
 * keep the others from being read.  OK if one was read, or an exit code after a sentence. */
int inputs_read(struct inputs *in, const struct settings *s);

#endif
