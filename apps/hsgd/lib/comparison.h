/* SPDX-License-Identifier: BSD-3-Clause */
/* Runs side by side, and their results. */
#ifndef HSGD_APP_COMPARE_H
#define HSGD_APP_COMPARE_H

#include <sys/types.h>

#include "history.h"
#include "options.h"
#include "settings.h"

#define COMPARE_VALUES 64
#define COMPARE_TRIALS 1000
#define COMPARE_LABEL 240

/* An option of train with its one or more values. */
struct list {
    const struct option_row *option;
    int n; /* of distinct values */
    const char *value[COMPARE_VALUES];
    bool repeats; /* the seeds of --repeat: runs that differ in these only form a group */
};

struct device_use {
    char id[24];
    int workers;
    double updates, samples, busy_seconds, busy_fraction;
    double merges, stale, missed, max_missed; /* as in struct hsgd_replica */
    double last_batch, last_rate;             /* of its last replica */
};

/* One run: a combination of values, or an existing run.  NaN: not known. */
struct trial {
    int number; /* from 1 */
    int group;  /* from 0 */
    char label[COMPARE_LABEL];
    char folder[1100];
    const char *value[MAX_OPTIONS]; /* of the lists; NULL: it has no such option */
    int code;                       /* of train */
    const char *end;      /* "done", "stop-at", ...; "not finite", "refused", "failed", "interrupted"; "no report" */
    char message[400];    /* its last message */
    char best_metric[48]; /* by which its best epoch was chosen, and its validation */
    double best;
    struct history log;
    int devices;
    struct device_use *device;
    double target;                                                    /* --stop-at; 0: none */
    double steps, seconds, samples_per_second, pushes, merges, stale; /* stale: a fraction */
};

/* Runs that differ in their seeds only; without repetition each run is a group. */
struct group {
    int runs;
    char label[COMPARE_LABEL];
};

struct comparison {
    const struct settings *s;
    int nlists, planned, ntrials; /* planned: runs to start; ntrials: started or read so far */
    struct list list[MAX_OPTIONS];
    int nkept;
    struct settings *kept; /* of existing runs: the values point into them */
    int ntexts;
    char **text; /* values that the comparison owns */
    struct trial *trial;
    int ngroups;
    struct group *group;
};

/* Keeps a text as long as the comparison; NULL: out of memory, or text is NULL. */
const char *compare_keep(struct comparison *c, char *text);

/* Fills in labels and groups from the values. */
int compare_group(struct comparison *c);
/* Whether a group has several runs. */
bool compare_repeats(const struct comparison *c);

/* Reads the log and the report in the folder of a run. */
int compare_read(struct trial *t);
void compare_free(struct trial *t);

/* The first epoch that reached the target accuracy, and the best validation
 * accuracy; NULL and NaN: there is none. */
const struct epoch *compare_reached(const struct trial *t);
double compare_best(const struct trial *t);

/* Of the finite values; the sample standard deviation (n - 1) is NaN for one
 * value, the mean NaN for none. */
struct spread {
    int n;
    double mean, deviation;
};
struct spread spread_of(const double *v, int n);

/* A result of a run. */
struct figure {
    const char *name;
    double (*of)(const struct trial *t);
};
extern const struct figure compare_figures[]; /* ended by a name that is NULL */
struct spread compare_spread(const struct comparison *c, int group, double (*of)(const struct trial *t));

/* Epochs of the longest run; the spread of epoch i over the runs that have it. */
int compare_epochs(const struct comparison *c, int group);
struct spread compare_epoch(const struct comparison *c, int group, int i, double (*of)(const struct epoch *e));

#endif
