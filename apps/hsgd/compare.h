/* Comparing runs: what hsgd compare gathers. */
#ifndef HSGD_APP_COMPARE_H
#define HSGD_APP_COMPARE_H

#include <sys/types.h>

#include "options.h"

#define COMPARE_VALUES 64
#define COMPARE_TRIALS 1000
#define COMPARE_LABEL 240

/* An option of train with the values it is given. */
struct list {
    const struct option_row *option;
    int n;
    const char *value[COMPARE_VALUES];
};

/* NaN is what is not known. */
struct epoch {
    double epochs, seconds;     /* from the beginning; seconds of training proper */
    double loss, accuracy, validation_loss, validation_accuracy;
};

struct device_use {
    char id[24];
    int workers;
    double updates, samples, busy_seconds, busy_fraction;
    double merges, stale, missed, most_missed; /* as in struct hsgd_replica */
    double last_batch, last_rate; /* of its last replica */
};

/* One run: a combination of values. */
struct trial {
    int number;                 /* from 1 */
    char label[COMPARE_LABEL];
    char folder[1100];
    int code;                   /* of train */
    const char *end;            /* "done", "stop-at", ...; "not finite", "refused", "failed", "interrupted" */
    char message[400];          /* its last sentence */
    int epochs;
    struct epoch *epoch;
    int devices;
    struct device_use *device;
    double target;              /* --stop-at; 0: none */
    double steps, seconds, samples_per_second, test_loss, test_accuracy, pushes, merges, stale; /* stale: a fraction */
};

struct comparison {
    const struct settings *s;
    int nlists, ncombinations, ntrials; /* ntrials: run so far */
    struct list list[MOST_OPTIONS];
    int ntexts;
    char *text[MOST_OPTIONS];   /* values that are ours */
    struct trial *trial;
};

/* The value that list i has in a combination, counted from 0. */
const char *compare_value(const struct comparison *c, int combination, int i);

/* Shortens a text to at most so many bytes, at the end of a letter. */
void compare_cut(char *text, size_t most);

/* Runs train with its report in FOLDER.json; code and message are set then.
 * OK or an exit code after a sentence: it could not be started. */
int compare_run(struct trial *t, char **argv);
/* Fills in what a run has left in its folder. */
int compare_read(struct trial *t);
void compare_free(struct trial *t);

/* The first epoch with the accuracy aimed at, best accuracy and last loss;
 * NULL and NaN: there is none. */
const struct epoch *compare_reached(const struct trial *t);
double compare_best(const struct trial *t);
const struct epoch *compare_last(const struct trial *t);

/* Each returns OK or an exit code after a sentence. */
int compare_write_csv(const struct comparison *c);
int compare_draw(const struct comparison *c);
int compare_print(const struct comparison *c);
int compare_print_json(const struct comparison *c);

#endif
