/* SPDX-License-Identifier: BSD-3-Clause */
/* Comparing runs: what hsgd compare gathers. */
#ifndef HSGD_APP_COMPARE_H
#define HSGD_APP_COMPARE_H

#include <sys/types.h>

#include "history.h"
#include "options.h"

#define COMPARE_VALUES 64
#define COMPARE_TRIALS 1000
#define COMPARE_LABEL 240

/* An option of train with its values, where it has one value or several. */
struct list {
    const struct option_row *option;
    int n;                      /* of different ones */
    const char *value[COMPARE_VALUES];
    bool repeats;               /* the seeds of --repeat: runs that differ in nothing else are a group */
};

struct device_use {
    char id[24];
    int workers;
    double updates, samples, busy_seconds, busy_fraction;
    double merges, stale, missed, max_missed; /* as in struct hsgd_replica */
    double last_batch, last_rate; /* of its last replica */
};

/* One run: a combination of values, or one that existed before.  NaN is what is not known. */
struct trial {
    int number;                 /* from 1 */
    int group;                  /* from 0 */
    char label[COMPARE_LABEL];
    char folder[1100];
    const char *value[MAX_OPTIONS]; /* of the lists; NULL: it has no such option */
    int code;                   /* of train */
    const char *end;   /* "done", "stop-at", ...; "not finite", "refused", "failed", "interrupted"; "no report" */
    char message[400];          /* its last sentence */
    struct history log;
    int devices;
    struct device_use *device;
    double target;              /* --stop-at; 0: none */
    double steps, seconds, samples_per_second, pushes, merges, stale; /* stale: a fraction */
};

/* Runs that differ in their seeds only; without repetitions each run is one. */
struct group {
    int runs;
    char label[COMPARE_LABEL];
};

struct comparison {
    const struct settings *s;
    int nlists, planned, ntrials; /* planned: runs to make; ntrials: made or read so far */
    struct list list[MAX_OPTIONS];
    int nkept;
    struct settings *kept;      /* of runs that existed: the values point there */
    int ntexts;
    char **text;                /* values that are ours */
    struct trial *trial;
    int ngroups;
    struct group *group;
};

/* Keeps a text as long as the comparison; NULL: out of memory, or there was no text. */
const char *compare_keep(struct comparison *c, char *text);

/* Writes label, group and target of the trials and groups; values are known by then. */
int compare_group(struct comparison *c);
/* Whether a group has several runs. */
bool compare_repeats(const struct comparison *c);

/* Reads the folders that the command line names.  OK or an exit code after a sentence. */
int compare_open(struct comparison *c);

/* Runs train; code and message are set then.
 * OK or an exit code after a sentence: it could not be started. */
int compare_run(struct trial *t, char **argv);
/* Fills in what a run has left in its folder. */
int compare_read(struct trial *t);
void compare_free(struct trial *t);

/* The first epoch with the accuracy aimed at, best accuracy and last loss;
 * NULL and NaN: there is none. */
const struct epoch *compare_reached(const struct trial *t);
double compare_best(const struct trial *t);

/* Of values that are known; the standard deviation is that of a sample (n - 1),
 * NaN for one value, the mean NaN for none. */
struct spread {
    int n;
    double mean, deviation;
};
struct spread spread_of(const double *v, int n);

/* What a run came to. */
struct figure {
    const char *name;
    double (*of)(const struct trial *t);
};
extern const struct figure compare_figures[]; /* ended by a name that is NULL */
struct spread compare_spread(const struct comparison *c, int group, double (*of)(const struct trial *t));

/* The longest run's epochs; and of epoch i of the runs that have it. */
int compare_epochs(const struct comparison *c, int group);
struct spread compare_epoch(const struct comparison *c, int group, int i, double (*of)(const struct epoch *e));

/* Each returns OK or an exit code after a sentence. */
int compare_write_csv(const struct comparison *c);
int compare_print(const struct comparison *c, bool drawn);
int compare_print_json(const struct comparison *c);

#endif
