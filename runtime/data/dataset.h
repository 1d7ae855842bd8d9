/* Data sets inside the library: what hsgd_data is, and how readers make one. */
#ifndef HSGD_DATA_DATASET_H
#define HSGD_DATA_DATASET_H

#include "../error.h"
#include <hsgd/data.h>

/* Samples are 8-bit (bytes) or float (values), never both.  A view (a split)
 * borrows them and picks samples through index; index NULL is every sample in
 * order.  `owned` and `owned_labels` are freed with the set. */
struct hsgd_data {
    char *name;
    int64_t count;
    struct hsgd_shape shape;
    int classes;
    const uint8_t *bytes;
    const float *values;
    const int32_t *labels;
    void *owned;
    int32_t *owned_labels;
    int64_t *index;
};

/* An empty set called `name`; NULL with a sentence when memory is exhausted. */
struct hsgd_data *hsgd_data_new(struct hsgd_context *ctx, const char *name);

/* Gives d zeroed 8-bit samples and labels of its own; count and shape are
 * set.  Returns 0 or -ENOMEM with a sentence. */
int hsgd_data_allocate(struct hsgd_context *ctx, struct hsgd_data *d);

/* The set in the folder `path` (hsgd_data_open). */
struct hsgd_data *hsgd_data_idx(struct hsgd_context *ctx, const char *path, enum hsgd_split split);

/* Numbers in one sample. */
static inline int64_t hsgd_data_size(const struct hsgd_data *d)
{
    return (int64_t)d->shape.h * d->shape.w * d->shape.c;
}

/* Place in memory of sample i. */
static inline int64_t hsgd_data_place(const struct hsgd_data *d, int64_t i)
{
    return d->index ? d->index[i] : i;
}

/* How many channels have a mean of their own. */
static inline int hsgd_data_channels(const struct hsgd_data *d)
{
    bool plain = d->shape.h == 1 && d->shape.w == 1;
    return plain || d->shape.c > 16 ? 1 : d->shape.c;
}

#endif
