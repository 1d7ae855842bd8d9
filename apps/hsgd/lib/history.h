/* SPDX-License-Identifier: BSD-3-Clause */
/* The log of a run. */
#ifndef HSGD_APP_HISTORY_H
#define HSGD_APP_HISTORY_H

/* NaN: not known. */
struct epoch {
    double epochs, seconds; /* since the start; seconds without evaluation */
    double loss, accuracy, validation_loss, validation_accuracy, learning_rate;
};

struct history {
    int n;
    struct epoch *epoch;
    double steps, seconds, test_loss, test_accuracy;
};

/* Reads log.jsonl in the folder of a run; if it is missing, the history is empty.
 * Lines that are not JSON, such as a truncated one, are skipped.
 * OK, or FAILED after a sentence; history_free() in any case. */
int history_read(struct history *h, const char *folder);
void history_free(struct history *h);

/* The last epoch; NULL: there is none. */
const struct epoch *history_last(const struct history *h);
/* The first epoch with the best validation accuracy, of a model without classes the
 * lowest validation loss; NULL: none is known. */
const struct epoch *history_best(const struct history *h);

#endif
