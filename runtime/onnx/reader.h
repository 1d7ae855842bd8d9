/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading an ONNX graph: every node becomes operations of a model, or numbers
 * that are computed at once where all that it reads is known.
 *
 * A value of the graph keeps ONNX's order of axes for who reads it, but lies in
 * another: samples without their batch axis, images with their channels last.
 * `place` says where each axis is, so a Transpose is not work but another
 * `place`, and only what cannot take the axes as they are transposes. */
#ifndef HSGD_ONNX_READER_H
#define HSGD_ONNX_READER_H

#include "base/core.h"

#include <hsgd/onnx.h>
#include <stdarg.h>

#include "onnx/tensor.h"

enum { BATCH = -1, NO_BATCH = -1 };
enum { ONNX_INPUTS = 16, ONNX_OUTPUTS = 16 };

struct onnx_value {
    char *name;
    struct tensor *known; /* NULL: the model computes it */
    bool trains;          /* known: an initializer, which is a weight where an operation has weights */
    struct hsgd_value *v; /* in the model */
    int dtype;
    struct dims dims;       /* ONNX's, with the batch */
    int place[ONNX_RANK];   /* of each of these axes among those of a sample; BATCH */
    int64_t flat_positions; /* of two axes {batch, n}, which are channels x positions in ONNX's order, but lie as
                               positions x channels: so many positions; 0: it lies in ONNX's order */
};

struct step;

/* An operator: which versions of the operator set have it as here, which
 * attributes are understood ("axis keepdims"), which inputs are weights and
 * which must be known (bits). */
struct onnx_row {
    const char *op;
    int since, until; /* 0: all that are read */
    const char *attributes;
    unsigned weights, constants;
    bool image;        /* input 0 is an image, with its channels last here */
    bool batch_second; /* input 0 has its batch in axis 1 */
    int (*read)(struct step *s);
};

struct onnx_weight {
    char name[100];
    float *number;
    int64_t count;
    bool frozen;
};

struct reader {
    struct hsgd_context *ctx;
    const char *path;
    const Onnx__ModelProto *file;
    const Onnx__GraphProto *graph;
    int64_t opset;
    int batch_axis; /* of the graph's inputs; NO_BATCH: a sample is a whole tensor */
    int64_t batch;  /* its size, or what stands for it */
    bool whole;     /* results lie in ONNX's order */
    struct hsgd_model *model;
    void *values; /* by their names, a tree */
    int nbound;   /* inputs of the graph that are known */
    const struct onnx_bound *bound;
    int nshapes; /* inputs whose dimensions these say, not the file */
    const struct onnx_bound *shape;
    int ninputs; /* of the model, in the order of its fields */
    struct onnx_value *input[ONNX_INPUTS];
    int nweights, weight_capacity;
    struct onnx_weight *weight;
    int nodes, layers; /* that were read, and layers with weights */
    bool about_batch;  /* what is wrong is the batch: it may be possible without one */
};

/* A tensor that an input of the graph has. */
struct onnx_bound {
    const char *name;
    struct tensor *tensor;
};

/* A node being read. */
struct step {
    struct reader *r;
    const Onnx__NodeProto *node;
    const struct onnx_row *row;
    int inputs, outputs;
    const struct onnx_value *in[ONNX_INPUTS]; /* NULL: left out */
    struct onnx_value out[ONNX_OUTPUTS];
};

/* ------------------------------------------------------------------- errors */

/* "FILE: node "NAME" (Conv): ..." */
int step_refuse(struct step *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same about the batch. */
int step_refuse_batch(struct step *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
int step_no_memory(struct step *s);

/* --------------------------------------------------------------- attributes */

/* NULL: the node does not have it. */
const Onnx__AttributeProto *step_attribute(const struct step *s, const char *name);
int64_t step_int(const struct step *s, const char *name, int64_t otherwise);
float step_float(const struct step *s, const char *name, float otherwise);
/* Whether the attribute is this word; `otherwise` where it is left out. */
bool step_is(const struct step *s, const char *name, const char *word, const char *otherwise);
/* Integers of an attribute, or else of known input `input` (-1: none): their number, at
 * most max; -1: left out.  An error is -2 after a sentence. */
int step_ints(struct step *s, const char *name, int input, int max, int64_t *out);
/* An axis from -rank to rank - 1 as one from 0: -1 after a sentence. */
int step_axis(struct step *s, int64_t axis, int rank);
/* Known input i; NULL after a sentence. */
const struct tensor *step_known(struct step *s, int i);
/* Whether the input is there. */
static inline bool step_has(const struct step *s, int i) { return i < s->inputs && s->in[i]; }

/* ------------------------------------------------------------------- values */

/* The axes of a sample: how many, and which of ONNX's axis lies at `place`. */
int value_sample_rank(const struct onnx_value *v);
int value_axis_at(const struct onnx_value *v, int place);
/* ONNX's axis of the batch; NO_BATCH. */
int value_batch_axis(const struct onnx_value *v);
/* Whether the sample has the order of ONNX. */
bool value_in_order(const struct onnx_value *v);

/* The value that the model computes for input i, transposed where its sample must have
 * other axes in order: those with place[] as given.  0 or an errno. */
int step_place(struct step *s, const struct onnx_value *v, const int *place, struct onnx_value *out);
/* In ONNX's order. */
int step_in_order(struct step *s, const struct onnx_value *v, struct onnx_value *out);
/* With this axis last, the others in the order that they have. */
int step_axis_last(struct step *s, const struct onnx_value *v, int axis, struct onnx_value *out);
/* An image {batch, channels, ...} with its channels last. */
int step_image(struct step *s, const struct onnx_value *v, struct onnx_value *out);
/* A known tensor as a value of the model, of a parameter that does not train unless it is an
 * initializer; for values of the batch. */
int step_constant(struct step *s, const struct onnx_value *v, struct onnx_value *out);
/* Input i as a value of the model. */
int step_computed(struct step *s, int i, struct onnx_value *out);

/* What the model computes with an operation of these attributes, "kernel=3 dims=[2,3]", on n
 * values; weights: the layer has weights, and a name for them, which is written to `name`.  NULL after a sentence. */
enum { LAYER_NAME = 48 };
struct hsgd_value *step_apply(struct step *s, const char *op, char name[LAYER_NAME], int n,
                              struct hsgd_value *const *in, const char *attributes, ...)
    __attribute__((format(printf, 6, 7)));
/* The same of one value, without weights. */
#define step_apply_one(s, op, in, ...) step_apply(s, op, NULL, 1, (struct hsgd_value *[]){ in }, __VA_ARGS__)
/* A view with these dimensions. */
struct hsgd_value *step_reshape(struct step *s, struct hsgd_value *v, int rank, const int64_t *dim);

/* Parameter `param` of a layer has these numbers, which it takes (NULL: out of memory). */
int step_weight(struct step *s, const char *layer, const char *param, double *number, int64_t count, bool trains);
/* A copy of a tensor's numbers, for step_weight(). */
double *numbers_of(const struct tensor *t);

/* Output i of the node: a value like `like`, of other dimensions if they are given, which the
 * model computes as v (NULL: step_apply() has failed). */
int step_out(struct step *s, int i, const struct onnx_value *like, const struct dims *dims, struct hsgd_value *v);
/* A known one, which it takes. */
int step_out_known(struct step *s, int i, struct tensor *t);

/* ------------------------------------------------------------------- tables */

/* The row for a node; NULL: none, or not for this version. */
const struct onnx_row *onnx_row_find(const Onnx__NodeProto *node, int64_t opset);
/* All rows, ended by one whose op is NULL, in parts; NULL after the last part. */
const struct onnx_row *onnx_rows(int part);
extern const struct onnx_row onnx_choice_rows[], onnx_image_rows[], onnx_linear_rows[], onnx_shape_rows[],
    onnx_pointwise_rows[], onnx_norm_rows[], onnx_move_rows[], onnx_recurrent_rows[], onnx_reduce_rows[],
    onnx_resize_rows[];

/* Whether there are such nodes of this operator. */
bool onnx_folds(const Onnx__NodeProto *node);
/* Computes a node whose inputs are known: 1 done, 0 it is none that can be, or an errno. */
int onnx_fold(struct step *s);

/* -------------------------------------------------------------------- files */

/* A parsed file, to be freed; NULL after a sentence. */
Onnx__ModelProto *onnx_parse(struct hsgd_context *ctx, const char *path, const void *bytes, size_t size);
void onnx_free(Onnx__ModelProto *file);
/* The version of its operators; -1: it has none. */
int64_t onnx_opset(const Onnx__ModelProto *file);
enum { ONNX_MIN_OPSET = 1, ONNX_MAX_OPSET = 21 };

/* Builds the model: `from` has ctx, path, file, and what is bound; other members are 0.  The
 * first axis of its inputs is the batch where all operators can have it so, or else a sample is
 * a whole tensor.  0, then reader_free(), or an errno. */
int reader_build(struct reader *r, const struct reader *from, const char *loss);
/* Without the model, which is the caller's. */
void reader_free(struct reader *r);
/* The model of a file in memory; NULL after a sentence. */
struct hsgd_model *onnx_model(struct hsgd_context *ctx, const char *path, const void *bytes, size_t size,
                              const char *loss);
/* The results of the model, and its loss (NULL: the usual one). */
int reader_add_outputs(struct reader *r, const char *loss);
/* The value of a name; NULL: none. */
struct onnx_value *reader_find(const struct reader *r, const char *name);
/* Whether an input of the graph is a weight or must be known. */
bool reader_input_is_known(const Onnx__GraphProto *g, int64_t opset, const char *name);

#endif
