/* SPDX-License-Identifier: BSD-3-Clause */
/* Internals of floor_lenet.c: a replica and its construction from oneDNN's primitives. */
#ifndef HSGD_BENCH_FLOOR_LENET_H
#define HSGD_BENCH_FLOOR_LENET_H

#include "floor_impl.h"
#include "floor_team.h"

#include <oneapi/dnnl/dnnl.h>
#include <stdbool.h>

enum {
    IMAGE = 28,
    LAYERS = 5,
    LINE_FLOATS = 16,
    MAX_CALLS = 48,
    MAX_MEMORIES = 128,
    MAX_ARGS = 6,
    MAX_PARAMETERS = 96 << 10 /* 61,706 and the padding of blocked layouts */
};

struct layer_shape {
    int kernel; /* 0: fully connected; a convolution is followed by 2x2 max pooling */
    int in, out, padding;
    bool relu;
};
extern const struct layer_shape lenet_shapes[LAYERS];

struct call {
    dnnl_primitive_t primitive;
    int args;
    dnnl_exec_arg_t arg[MAX_ARGS];
    dnnl_stream_t stream;
};

/* State of a layer's forward pass that its backward pass needs. */
struct layer {
    dnnl_primitive_desc_t compute, pool;
    dnnl_memory_t source, weights, bias, output;
    dnnl_memory_t pooled, workspace;
    size_t weights_offset, bias_offset; /* in the flat parameters */
};

struct replica {
    struct lenet *net;
    int first, batch; /* its rows of the whole batch */
    bool failed;      /* set by the first error; further building has no effect */
    dnnl_stream_t stream;
    struct layer layer[LAYERS];
    struct call call[MAX_CALLS]; /* forward, then backward */
    int calls, forward_calls;
    dnnl_memory_t memory[MAX_MEMORIES];
    int memories;
    dnnl_memory_t image;
    float *logits, *dlogits;
    float *gradient; /* flat, as the parameters */
    double loss;
};

struct lenet {
    struct floor floor;
    enum lenet_split split;
    dnnl_format_tag_t tag;
    int batch, replicas;
    dnnl_engine_t engine;
    struct replica *replica;
    struct team *team; /* one member per replica */
    size_t parameters;
    float *parameter, *m, *v;
    int *label;
    struct adam adam;
    int steps;
    double seconds;
};

/* Building blocks (floor_lenet_dnnl.c): each does nothing once the replica has failed. */
void lenet_check(struct replica *r, dnnl_status_t status);
const dnnl_memory_desc_t *lenet_desc_of(dnnl_memory_t memory);
float *lenet_data_of(dnnl_memory_t memory);
dnnl_memory_t lenet_new_memory(struct replica *r, const dnnl_memory_desc_t *desc, void *data);
dnnl_memory_t lenet_allocate(struct replica *r, const dnnl_memory_desc_t *desc);
dnnl_memory_desc_t lenet_describe(struct replica *r, int dims, const dnnl_dims_t dim, dnnl_format_tag_t tag);
dnnl_memory_desc_t lenet_relayout(struct replica *r, const dnnl_memory_desc_t *desc, dnnl_format_tag_t tag);
dnnl_primitive_desc_t lenet_describe_primitive(struct replica *r, const void *op, bool relu,
                                               dnnl_primitive_desc_t hint);
const dnnl_memory_desc_t *lenet_query(struct replica *r, dnnl_primitive_desc_t desc, dnnl_query_t what);
void lenet_add_arg(struct replica *r, int arg, dnnl_memory_t memory);
void lenet_add_call(struct replica *r, dnnl_primitive_desc_t desc);
void lenet_add_reorder(struct replica *r, dnnl_memory_t from, dnnl_memory_t to);
dnnl_memory_t lenet_in_layout(struct replica *r, dnnl_memory_t memory, const dnnl_memory_desc_t *want);
/* Runs a struct call and waits for it. */
void lenet_execute(void *arg);

/* Forward and backward pass over the replica's rows (floor_lenet_net.c); `failed` is set if they could not be built. */
void lenet_replica_build(struct replica *r);
void lenet_replica_destroy(struct replica *r);

#endif
