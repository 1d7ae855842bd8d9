/* SPDX-License-Identifier: BSD-3-Clause */
/* hsgd data: numeric targets. */
#ifndef HSGD_COMMANDS_DATA_TARGETS_H
#define HSGD_COMMANDS_DATA_TARGETS_H

#include <hsgd/hsgd.h>
#include <jansson.h>

enum { SPLITS = 2 }; /* train, test */

/* Index of the field "target"; -1: the data has labels. */
int targets_of(const struct hsgd_data *d);

/* A row for each column and split with its smallest and largest value, mean and
 * standard deviation; split[1] may be NULL.  OK, or FAILED after a sentence. */
int targets_print(struct hsgd_data *const split[SPLITS]);

/* [{"name", "train": {"min", "max", "mean", "deviation"}, "test": {...} or null}];
 * empty without targets.  NULL: out of memory. */
json_t *targets_json(struct hsgd_data *const split[SPLITS]);

/* "2.5 3", the targets of sample i; to be freed, NULL: out of memory. */
char *targets_text(const struct hsgd_data *d, int64_t i);

#endif
