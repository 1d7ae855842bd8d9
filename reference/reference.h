/* SPDX-License-Identifier: BSD-3-Clause */
/* Every operation against a reference in double precision, on all devices of
 * check_begin()'s context. */
#ifndef HSGD_REFERENCE_H
#define HSGD_REFERENCE_H

#include "check.h"

/* reference_list.h has a line REFERENCE(name) for each function void reference_NAME(void) of this folder. */
#define REFERENCE(name) void reference_##name(void);
#include "reference/reference_list.h"
#undef REFERENCE

/* A model with a view in its middle, through a trainer. */
void check_flatten_model(void);

/* A tensor of n weights after step t (from 1) with the mean gradient g, as defined in
 * hsgd/train.h; s is their state. */
void reference_rule(const struct hsgd_train_options *o, int n, const double *g, int64_t t, double *w, double (*s)[2]);
/* Options for case `turn`: all optimizers in rotation, with several settings. */
struct hsgd_train_options reference_options(int turn);

#endif
