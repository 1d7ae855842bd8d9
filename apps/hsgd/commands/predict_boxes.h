/* SPDX-License-Identifier: BSD-3-Clause */
/* hsgd predict: models that predict boxes. */
#ifndef HSGD_COMMANDS_PREDICT_BOXES_H
#define HSGD_COMMANDS_PREDICT_BOXES_H

#include <jansson.h>

#include "lib/checkpoint.h"

struct boxes_prediction {
    const struct opened *o;
    const struct settings *s;
    char folder[4000]; /* of pictures; "": none */
    json_t **list;     /* of predictions, with --json */
    int samples;       /* so far */
    int rows;          /* of a sample's result */
};

/* Checks --out and the model's result: OK, or an exit code after a sentence. */
int boxes_open(struct boxes_prediction *p);
/* Prints, or adds to the list, and draws what was found in sample `row` of an input: y are the rows of its result. */
int boxes_show(struct boxes_prediction *p, const char *input, const struct hsgd_data *d, int64_t row, const float *y);

#endif
