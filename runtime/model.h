/* SPDX-License-Identifier: BSD-3-Clause */
/* A model's inside: layers, and the flat bucket that holds all parameters. */
#ifndef HSGD_RUNTIME_MODEL_H
#define HSGD_RUNTIME_MODEL_H

#include "core.h"

struct layer {
    char name[48];
    const struct hsgd_op *op;
    void *attributes;
    struct hsgd_node info;
    bool alias;                            /* y is x: nothing to do (flatten in NHWC) */
    int64_t param_offset[HSGD_MAX_PARAMS]; /* in the bucket */
    bool deferred;                         /* parameter 0 lies in the deferred part of the bucket */
};

#define MAX_SAMPLE (1 << 26) /* numbers of a sample */

struct hsgd_model {
    struct hsgd_context *ctx;
    char name[48];
    struct hsgd_shape in;
    int nlayers, capacity;
    struct layer *layer;
    bool finished;                /* ends in a loss */
    int64_t floats, small_floats; /* bucket size; the first small_floats are not deferred */
    float *weights;               /* the bucket, in main memory */
    struct store *bound;          /* has the weights on devices now; NULL: none */
};

/* Lays out the bucket and draws initial weights (seed 0) once the loss is there. */
int model_finish(struct hsgd_model *model);

/* What the next layer gets. */
struct hsgd_type model_last_type(const struct hsgd_model *m);

/* Rows that cost as much as one of them: slices should be multiples. */
int model_block(const struct hsgd_model *m);

/* Weights are read and written through these: they fetch and return what is
 * on devices. */
void model_acquire(struct hsgd_model *model, bool write);
void model_release(struct hsgd_model *model);

/* Weight n of a model: what it is, its layer's index, where it lies in the
 * bucket.  False: there are fewer. */
struct weight_place {
    const struct hsgd_param_spec *spec;
    int layer;
    int64_t offset;
};
bool model_weight(const struct hsgd_model *m, int n, struct weight_place *out);
enum { WEIGHT_NAME = 96 };
void model_weight_name(const struct hsgd_model *m, const struct weight_place *w, char name[WEIGHT_NAME]);

static inline int64_t spec_size(const struct hsgd_param_spec *s)
{
    int64_t n = 1;
    for (int i = 0; i < s->rank; i++) n *= s->dim[i];
    return n;
}

#endif
