/* SPDX-License-Identifier: BSD-3-Clause */
/* hsgd selftest: its table and its checks. */
#ifndef HSGD_SELFTEST_H
#define HSGD_SELFTEST_H

#include "lib/settings.h"
#include "lib/usage.h"

/* A line of the table. */
struct result {
    char check[40], device[24];
    int runs;
    const char *unit;    /* of `runs` */
    double error, bound; /* of the value closest to its bound; NaN: nothing was compared */
    const char *fault;   /* why it failed, copied; NULL: it passed */
};

struct selftest {
    const struct settings *s;
    int n, failed;
    struct result *result;
    bool out_of_memory;
};

/* Adds a line; text is printed at once. */
void selftest_add(struct selftest *t, const struct result *r);
void selftest_header(const struct selftest *t);
/* OK, or FAILED if a check failed. */
int selftest_report(const struct selftest *t, const struct usage *devices);
void selftest_free(struct selftest *t);

/* Trainings on each device and on all together.  The reference losses are
 * computed first, with models of the given context; NULL after a sentence on
 * stderr. */
struct trainings;
struct trainings *selftest_trainings_create(struct hsgd_context *ctx, const struct usage *devices);
void selftest_trainings_run(struct selftest *t, const struct trainings *all, const struct usage *devices);
void selftest_trainings_destroy(struct trainings *all);

#endif
