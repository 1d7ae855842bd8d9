/* SPDX-License-Identifier: BSD-3-Clause */
/* What the log of a run holds. */
#ifndef HSGD_APP_HISTORY_H
#define HSGD_APP_HISTORY_H

#include "app.h"

/* NaN is what is not known. */
struct epoch {
    double epochs, seconds;     /* since the start; seconds of training alone */
    double loss, accuracy, validation_loss, validation_accuracy, learning_rate;
};

struct history {
    int n;
    struct epoch *epoch;
    double steps, seconds, test_loss, test_accuracy;
};

/* Reads log.jsonl in the folder of a run; without one there is nothing in it.
 * Lines that are not JSON, such as one cut short, are passed over.
 * OK, or FAILED after a sentence; history_free() in any case. */
int history_read(struct history *h, const char *folder);
void history_free(struct history *h);

/* The last epoch; NULL: there is none. */
const struct epoch *history_last(const struct history *h);
/* The first epoch with the best validation accuracy; NULL: none is known. */
const struct epoch *history_best(const struct history *h);

/* Draws the run in the folder; `what` is what a sentence calls the files.  OK
 * or an exit code after a sentence. */
int history_draw(const char *folder, const char *title, const char *what, const char *png, const char *svg);

#endif
