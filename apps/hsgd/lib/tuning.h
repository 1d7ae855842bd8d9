/* SPDX-License-Identifier: BSD-3-Clause */
/* The search of hsgd tune: which combination of settings is the fastest.  It knows
 * settings as lists of values, and speeds from a function that measures one
 * combination once; it does no input or output. */
#ifndef HSGD_APP_TUNING_H
#define HSGD_APP_TUNING_H

#include <stdbool.h>
#include <stdint.h>

enum {
    TUNE_SETTINGS = 12,
    TUNE_VALUES = 16,
    TUNE_SPEEDS = 32,  /* that a combination keeps; further ones are not measured */
    TUNE_TURNS = 15,   /* maximum, of the final */
    TUNE_FINALISTS = 5 /* the default is one of them */
};

/* What can be set.  Value 0 is the default: what the user has. */
struct tune_setting {
    const char *name;
    int stage; /* settings of a stage are combined with each other, the stages come one after another */
    int n;     /* of values; 1: it is not searched */
};

/* One value of each setting. */
struct tune_choice {
    int value[TUNE_SETTINGS];
};

struct tune_space {
    int n;
    struct tune_setting setting[TUNE_SETTINGS];
    /* Whether a combination is different from all others, and worth trying; the
     * default always is. */
    bool (*allowed)(const void *user, const struct tune_choice *c);
    const void *user;
};

struct tune_candidate {
    struct tune_choice choice;
    int n; /* of speeds; the first is that of a cold start, and counts only until there is a second */
    double speed[TUNE_SPEEDS];
    bool failed;  /* `why` says what is wrong with it */
    int finalist; /* its number in the final; -1: none */
    char why[160];
};

/* A turn of the final: the speeds of all finalists, one after another; NaN: it was
 * dropped before. */
struct tune_turn {
    double speed[TUNE_FINALISTS];
};

struct tune_search {
    const struct tune_space *space;
    uint64_t seed;
    /* Measures a combination: 0, or 1 if it cannot be used, for the reason in `why`,
     * or -1 to end the search. */
    int (*measure)(void *user, const struct tune_choice *c, double *speed, char why[160]);
    double (*left)(void *user); /* seconds that the search may still take */
    void *user;
    /* Found so far: */
    int n;
    struct tune_candidate *candidate; /* [0] is the default */
    int untried;                      /* that the search wanted to measure, and had no time for */
    int finalists, final[TUNE_FINALISTS];
    int turns;
    struct tune_turn turn[TUNE_TURNS];
    bool stopped; /* by measure() */
    bool no_memory;
    double cost, reserve; /* seconds: of a measurement, mean; kept for the final */
    int measured;         /* number of measurements */
};

/* Searches until no time is left or the result is certain.  The default is measured
 * first: if it fails, so does the search.  To be freed, whatever it returns. */
bool tune_search(struct tune_search *t);
void tune_free(struct tune_search *t);

/* Combinations of the whole space that are allowed. */
int64_t tune_size(const struct tune_space *space);

/* ---------------------------------------------------------------- results */

/* Its median; NaN: never measured. */
double tune_speed(const struct tune_candidate *c);
/* Its standard deviation by the median of the deviations, relative to the median. */
double tune_spread(const struct tune_candidate *c);

/* How two finalists compare in the turns that have both. */
struct tune_ratio {
    int turns;
    double ratio;       /* median of a / b */
    double uncertainty; /* of that median, by the median of the deviations */
};
struct tune_ratio tune_compare(const struct tune_search *t, int a, int b);

/* The outcome: `best` has the highest median of the final (by all measurements if
 * there was none), `chosen` is the combination to use: the default unless the best is
 * faster than it by more than the uncertainty; of finalists that are as fast as the
 * best the one with the fewest settings. */
struct tune_outcome {
    int best, chosen;                  /* candidates */
    bool better;                       /* than the default */
    struct tune_ratio gain, best_gain; /* over the default, of both */
};
struct tune_outcome tune_conclude(const struct tune_search *t);

/* How often it was the fastest of a turn of the final. */
int tune_wins(const struct tune_search *t, int finalist);

/* What the measurements say about a setting: the chosen value over the best other
 * one, of two combinations that differ in nothing else.  other -1: none was tried. */
struct tune_reason {
    int other;          /* value */
    double ratio;       /* of the speeds, */
    double uncertainty; /* and what its error may be; NaN: not known */
    bool same;          /* the combination is the chosen one; else another with the chosen value */
};
struct tune_reason tune_explain(const struct tune_search *t, int chosen, int setting);

#endif
