/* SPDX-License-Identifier: BSD-3-Clause */
/* Changing samples at random in training. */
#ifndef HSGD_DATA_AUGMENT_H
#define HSGD_DATA_AUGMENT_H

#include "dataset.h"

bool augment_any(const struct hsgd_augment_options *how);

/* -EINVAL with a sentence when samples of this shape cannot be changed so. */
int augment_check(struct hsgd_context *ctx, const struct hsgd_augment_options *how, struct hsgd_shape shape);

/* Which changes: those of all samples in an epoch follow from its key. */
struct augmentation {
    struct hsgd_augment_options how;
    uint64_t key;
    float *room;    /* for one sample */
};
uint64_t augment_key(uint64_t seed, int64_t epoch);

/* hsgd_data_gather() of changed samples. */
void augment_gather(const struct augmentation *a, const struct hsgd_data *d, const int64_t *index, int n,
                    const struct hsgd_normalisation *norm, float *x, int32_t *labels);

#endif
