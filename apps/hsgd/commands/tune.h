/* SPDX-License-Identifier: BSD-3-Clause */
/* hsgd tune: declarations shared by its files. */
#ifndef HSGD_APP_TUNE_H
#define HSGD_APP_TUNE_H

#include "lib/tuning_space.h"

enum { COMPARED_LOSSES = 8 };

struct tuning {
    struct settings *s;
    struct tuning_space space;
    struct tune_search search;
    double began, end, trial_seconds;
    bool has_losses[TUNE_VALUES]; /* by value of "batch-size": those of the default */
    double losses[TUNE_VALUES][COMPARED_LOSSES];
    double best;    /* samples per second so far, of the first turns, too */
    int code;       /* why the default failed */
    json_t *trials; /* all measurements, in order */
};

/* Runs "hsgd devices".  NULL after a sentence; *code has its exit code. */
json_t *tune_devices(int *code);
/* The measuring and the timing function of the search; user: struct tuning. */
int tune_measure(void *user, const struct tune_choice *c, double *speed, char why[160]);
double tune_left(void *user);

/* tune.yaml and tune.sh: refuses what exists, and creates the folder; *made: it is
 * new, and should be removed if nothing is written. */
int tune_files_open(const struct settings *s, bool *made);
int tune_files_write(const struct tuning *t, const struct tune_choice *chosen);

int tune_print(const struct tuning *t, bool written);
int tune_print_json(const struct tuning *t, bool written);

#endif
