/* SPDX-License-Identifier: BSD-3-Clause */
/* Random augmentation of training samples. */
#ifndef HSGD_DATA_AUGMENT_H
#define HSGD_DATA_AUGMENT_H

#include "dataset.h"

bool augment_any(const struct hsgd_augment_options *how);

/* -EINVAL with a message when samples of this shape cannot be augmented this way. */
int augment_check(struct hsgd_context *ctx, const struct hsgd_augment_options *how, struct hsgd_shape shape);

/* The same when the data has boxes, which would not move along. */
int augment_check_boxes(struct hsgd_context *ctx, const struct hsgd_augment_options *how, const struct hsgd_data *d);

/* The augmentation of an epoch: its key determines that of every sample. */
struct augmentation {
    struct hsgd_augment_options how;
    uint64_t key;
    float *room; /* memory for one sample of x */
};
uint64_t augment_key(uint64_t seed, int64_t epoch);

/* hsgd_data_gather_field() of augmented samples: x, and images of its height and
 * width, are augmented alike; other fields are as they are.  0 or -ENOMEM. */
int augment_gather_field(const struct augmentation *a, const struct hsgd_data *d, int field, const int64_t *index,
                         int n, const struct hsgd_normalisation *norm, void *to);

#endif
