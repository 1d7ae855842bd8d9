/* SPDX-License-Identifier: BSD-3-Clause */
/* hsgd explain: what is explained, and its reports. */
#ifndef HSGD_APP_EXPLAIN_H
#define HSGD_APP_EXPLAIN_H

#include <jansson.h>

#include "lib/explainer.h"

enum { EXPLAIN_PATH = 3000, EXPLAIN_FILES = MAX_INPUTS + 2 };

/* One score of one sample. */
struct explained {
    const struct explainer *e;
    const char *input; /* as the user named it */
    int64_t row, rows;
    int number;               /* of the sample among all, from 1 */
    const char *name;         /* of the class or target */
    int64_t index;            /* among them */
    double unit, offset;      /* from an output of the model to a score: a target's is in the unit of the data */
    double probability;       /* of a class, as the model predicts; NaN: of a target */
    struct integral integral; /* steps 0: none */
    float *map;               /* of Grad-CAM; NULL: none */
    int nfiles;
    char file[EXPLAIN_FILES][EXPLAIN_PATH + 300];
};

static inline double explained_score(const struct explained *x, double output) { return x->offset + x->unit * output; }

/* A feature or token, by which an attribution is. */
struct item {
    int source;
    int64_t at; /* element of the source; of an embedding a position */
    double value;
};
/* All items that are not pixels, in their order; of an embedding the sums over its
 * channels.  *n of them, to be freed; NULL: out of memory. */
struct item *explained_items(const struct explained *x, int *n);
/* "width", "12 \"a\""; and its value in the data, "" where it has none. */
void item_name(const struct explained *x, const struct item *i, char *out, size_t size);
void item_value(const struct explained *x, const struct item *i, char *out, size_t size);
/* By magnitude, the largest first. */
void items_rank(struct item *item, int n);
/* The sums of an image's attributions over its channels, to be freed; NULL: out of memory. */
float *explained_pixels(const struct explained *x, const struct source *s);

/* "class 7", "target price" */
void explained_title(const struct explained *x, char *out, size_t size);
/* "sum 12.1 of 12.13 (gap 0.24 %), 64 steps" */
void explained_exactness(const struct explained *x, char *out, size_t size);

/* Pictures in the folder; their names are in x->file.  OK or an exit code after a sentence. */
int explain_draw(struct explained *x, const char *folder, int rows);
/* Text of 80 columns, with `rows` lines of features or tokens. */
int explain_print(const struct explained *x, int rows);
/* NULL: out of memory. */
json_t *explain_json(const struct explained *x);

#endif
