/* SPDX-License-Identifier: BSD-3-Clause */
/* hsgd eval: models with numeric targets. */
#ifndef HSGD_COMMANDS_EVAL_TARGETS_H
#define HSGD_COMMANDS_EVAL_TARGETS_H

#include <jansson.h>

#include "lib/checkpoint.h"

/* A line for every target, and for their mean where there are several. */
void eval_targets_print(const struct target_columns *t, const struct regression *r);
/* [{"name", "rmse", "mae", "r2"}] */
json_t *eval_targets_json(const struct target_columns *t, const struct regression *r);

#endif
