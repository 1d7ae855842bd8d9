/* Comparing runs: what hsgd compare gathers. */
#ifndef HSGD_APP_COMPARE_H
#define HSGD_APP_COMPARE_H

#include "app.h"

#define COMPARE_EPOCHS 1000
#define COMPARE_LISTS 64
#define COMPARE_VALUES 32

/* An option of train with the values it is given. */
struct list {
    const char *name;          /* without the dashes */
    int n;
    const char *value[COMPARE_VALUES]; /* NULL: a flag */
};

struct epoch { double loss, validation_loss, accuracy, seconds; };

/* One run: a combination of values. */
struct trial {
    char label[200], folder[1024];
    int code;                  /* of train */
    int epochs;
    struct epoch epoch[COMPARE_EPOCHS];
    double samples_per_second, test_accuracy;
    char shares[120];          /* samples per device, in percent */
    double stale;              /* fraction of the merges; NaN: no server */
};

struct comparison {
    const struct settings *s;
    int nlists, ntrials;
    struct list list[COMPARE_LISTS];
    struct trial *trial;
};

/* Fills in what a run has left in its folder. */
void compare_read(struct trial *t);
/* Loss over time and over epochs, as a picture.  OK or an exit code after a
 * sentence. */
int compare_draw(const struct comparison *c, const char *path);

#endif
