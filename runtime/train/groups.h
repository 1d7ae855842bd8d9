/* SPDX-License-Identifier: BSD-3-Clause */
/* Groups of weights, and what they mean for an update. */
#ifndef HSGD_RUNTIME_TRAIN_GROUPS_H
#define HSGD_RUNTIME_TRAIN_GROUPS_H

#include <hsgd/train.h>

#include "plan/plan.h"

/* -EINVAL: a group is none, or has no weight that trains. */
int groups_check(const struct hsgd_model *m, const struct hsgd_train_options *o);

/* Puts a copy in the place of the groups that the program gave; to be freed with
 * groups_free(). */
int groups_copy(struct hsgd_context *ctx, struct hsgd_train_options *o);
void groups_free(struct hsgd_train_options *o);

/* For struct updater, whose user is the options. */
struct treatment groups_treat(const void *options, const struct hsgd_model *m, const struct weight_place *w);

#endif
