/* SPDX-License-Identifier: BSD-3-Clause */
/* Sequences of different lengths: the field "length", one integer, says how many
 * positions of the first axis of x count; what is behind them is padding. */
#ifndef HSGD_DATA_LENGTHS_H
#define HSGD_DATA_LENGTHS_H

#include "dataset.h"

/* The field "length" of a set of sequences; NULL: d has none. */
const struct data_field *data_lengths(const struct hsgd_data *d);

/* -EINVAL unless all lengths are from 0 to the first axis of x. */
int lengths_check(struct hsgd_context *ctx, const struct hsgd_data *d);

/* The positions that a batch of samples index[0..n) needs: the bound of the bucket of
 * the longest. */
int lengths_bound(const struct hsgd_data *d, const int64_t *index, int n);

/* Steps from the first on, of `batch` samples each, whose bound is the same, which is
 * *bound; at most `steps`. */
int lengths_run(const struct hsgd_data *d, const int64_t *order, int batch, int steps, int *bound);

/* Rearranges n samples so that those of a batch are of one bucket, but for the last
 * few, which fill batches by bucket.  Samples of a bucket stay in their order, so that a
 * shuffled order gives shuffled batches.  -ENOMEM with a sentence. */
int lengths_arrange(struct hsgd_context *ctx, const struct hsgd_data *d, int64_t *order, int64_t n, int batch);

/* Rows of a field cut to so many positions of its first axis, as field_gather() writes
 * them. */
void field_gather_cut(const struct data_field *f, int length, const int64_t *index, const int64_t *which, int n,
                      const struct hsgd_normalisation *norm, void *to);

#endif
