/* SPDX-License-Identifier: BSD-3-Clause */
/* hsgd selftest: its table, and its parts. */
#ifndef HSGD_SELFTEST_H
#define HSGD_SELFTEST_H

#include "app.h"

/* A line of the table. */
struct result {
    char check[40], device[24];
    int runs;
    const char *unit;      /* of what there were so many runs */
    double error, bound;   /* of the worst number; NaN: nothing was compared */
    const char *fault;     /* what is wrong, copied; NULL: nothing */
};

struct selftest {
    const struct settings *s;
    int n, failed;
    struct result *result;
    bool out_of_memory;
};

/* A line more; as text it is printed at once. */
void selftest_add(struct selftest *t, const struct result *r);
void selftest_header(const struct selftest *t);
/* OK, or FAILED where something is wrong. */
int selftest_report(const struct selftest *t, const struct usage *devices);
void selftest_free(struct selftest *t);

/* Whole trainings on each device and on all together.  The losses that they are
 * compared with are computed first, in a context that models can be made in;
 * NULL after a sentence on stderr. */
struct trainings;
struct trainings *selftest_trainings_create(struct hsgd_context *ctx, const struct usage *devices);
void selftest_trainings_run(struct selftest *t, const struct trainings *all, const struct usage *devices);
void selftest_trainings_destroy(struct trainings *all);

#endif
