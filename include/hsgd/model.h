/* SPDX-License-Identifier: BSD-3-Clause */
/* Models: graphs of operations with their weights. */
#ifndef HSGD_MODEL_H
#define HSGD_MODEL_H

#include <hsgd/ops.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hsgd_model;

/* ---------------------------------------------------------------- building
 *
 * A model is built by composing values: a call takes tensors and returns the one
 * that its operation makes, which others may take.
 *
 *     struct hsgd_model *m = hsgd_model_create(ctx, "digits");
 *     struct hsgd_value *x = hsgd_input(m, "x", hsgd_image(28, 28, 1));
 *     struct hsgd_value *label = hsgd_target(m, "label", hsgd_number(HSGD_I32));
 *     x = HSGD_OP(x, flatten, NULL);
 *     x = HSGD_OP(x, dense, "fc1", .units = 64, .activation = HSGD_RELU);
 *     x = HSGD_OP(x, dense, "fc2", .units = 10);
 *     hsgd_loss(HSGD_JOIN(HSGD_OF(x, label), softmax_cross_entropy, NULL));
 *     int err = hsgd_model_finish(m);
 *
 * An error stays with the model: the call and all that take its result return
 * NULL, and hsgd_model_finish() returns the first one.  Values live as long as
 * their model. */

/* A tensor of a model that is being built. */
struct hsgd_value;

/* An empty model; name is copied.  Errors (NULL): -ENOMEM. */
HSGD_API struct hsgd_model *hsgd_model_create(struct hsgd_context *ctx, const char *name);

/* What a batch brings under a name (copied) for operations to read.  Dimensions may be
 * HSGD_ANY, except where a weight would depend on them: they are known when a plan is made,
 * from the data or from hsgd_trainer_set_types() or hsgd_session_set_types(), and may differ
 * from plan to plan.  What must then be equal is checked then. */
HSGD_API struct hsgd_value *hsgd_input(struct hsgd_model *model, const char *name, struct hsgd_type type);
/* The same for losses and metrics: what the outputs should have been. */
HSGD_API struct hsgd_value *hsgd_target(struct hsgd_model *model, const char *name, struct hsgd_type type);

/* Applies an operation to n values of one model; the first output, or for a loss
 * what hsgd_loss() takes.  op is borrowed.  name NULL: "<operation><n>"; the
 * scopes that are entered come before it.  attributes (copied): an attribute that
 * is 0 has its default, if its operation names one; NULL: all are 0.
 * Errors: -EINVAL the attributes or the types of the values are invalid, a name
 * is taken; -ENOMEM. */
HSGD_API struct hsgd_value *hsgd_apply(const struct hsgd_op *op, const char *name, const void *attributes, int n,
                                       struct hsgd_value *const *in);
/* Output i, from 0, of the operation that made `first`. */
HSGD_API struct hsgd_value *hsgd_output(struct hsgd_value *first, int i);
/* Its type.  -EINVAL: value is NULL, or what a loss returned. */
HSGD_API int hsgd_type_of(const struct hsgd_value *value, struct hsgd_type *type);

/* Short forms of hsgd_apply(), in C, for any operation hsgd_op_<op>: of one value
 * and of several.  Attributes, which are those of struct hsgd_<op>, follow the name:
 *     x = HSGD_OP(x, relu, NULL);
 *     x = HSGD_OP(x, max_pool, "pool1", .kernel = 2);
 *     x = HSGD_JOIN(HSGD_OF(x, y), add, NULL); */
#define HSGD_OP(x, op, ...) HSGD_JOIN(HSGD_OF(x), op, __VA_ARGS__)
#define HSGD_JOIN(inputs, op, ...) \
    hsgd_apply(&hsgd_op_##op, HSGD_FIRST_(__VA_ARGS__, 0), HSGD_ATTRIBUTES_(op, __VA_ARGS__), inputs)
/* The values, as hsgd_apply() takes them: their number and an array. */
#define HSGD_OF(...) \
    (int)(sizeof((struct hsgd_value *[]){ __VA_ARGS__ }) / sizeof(struct hsgd_value *)), (struct hsgd_value *[]) \
    { \
        __VA_ARGS__ \
    }
/* Private: NULL for a name alone, else what follows the name, up to 24 parts. */
#define HSGD_FIRST_(first, ...) first
#define HSGD_ATTRIBUTES_(op, ...) \
    HSGD_26TH_(__VA_ARGS__, SOME, SOME, SOME, SOME, SOME, SOME, SOME, SOME, SOME, SOME, SOME, SOME, SOME, SOME, SOME, \
               SOME, SOME, SOME, SOME, SOME, SOME, SOME, SOME, SOME, NONE, 0) \
    (op, __VA_ARGS__)
#define HSGD_26TH_(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z, ...) \
    HSGD_ATTRIBUTES_##z
#define HSGD_ATTRIBUTES_NONE(op, name) NULL
#define HSGD_ATTRIBUTES_SOME(op, name, ...) \
    &(const struct hsgd_##op) { __VA_ARGS__ }

/* Names of what is applied until hsgd_leave() begin with this scope and a dot:
 * with "layer%d.%d" for example "layer1.0.conv1".  Scopes nest. */
HSGD_API void hsgd_enter(struct hsgd_model *model, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Ends the scope that was entered last. */
HSGD_API void hsgd_leave(struct hsgd_model *model);
/* What is applied until the scope that was entered last is left is one block
 * that is recomputed: in training its values are kept only where something
 * outside of it reads them, and backward computes the others again, to the same
 * bits.  A scope within it belongs to it.  Error: no scope is open. */
HSGD_API void hsgd_recompute(struct hsgd_model *model);

/* The operation that made `value` uses the weights of the one that made `of`, which
 * comes before it: those of the same name, which must have the same shape and order
 * in memory.  So one dense layer works on two inputs.  They have one name, that of
 * the first, and one gradient, the sum over all that use them.
 * Errors: no weight has the same name, shapes differ, an operation has states (batch_norm),
 * `of` comes later or is of another model, weights are shared already. */
HSGD_API void hsgd_share(struct hsgd_value *value, const struct hsgd_value *of);
/* The weights that are there and whose names match a pattern ("layer1.*", with * and ?)
 * do not train: they get no gradient, and neither the optimizer nor weight decay nor
 * clipping sees them; nothing is computed for the gradients of layers below which
 * nothing trains.  Running statistics still follow the batches.  frozen false: they
 * train again.  Before or after hsgd_model_finish(), but not while a trainer has the model.
 * Errors: -EINVAL no weight has such a name; -EBUSY. */
HSGD_API int hsgd_model_freeze(struct hsgd_model *model, const char *weights, bool frozen);

/* Training minimises the loss; of several, their sum.  A loss is the mean over the
 * terms of the batch, however that is divided.  One that is applied but not minimised
 * is only watched: its mean is among the figures of training and evaluation, as are
 * metrics (hsgd_model_metric_name()). */
HSGD_API void hsgd_loss(struct hsgd_value *loss);
/* The same, times a weight, which is 0 (watched) or more. */
HSGD_API void hsgd_weighted_loss(struct hsgd_value *loss, float weight);
/* The value is among the model's results under this name. */
HSGD_API void hsgd_result(struct hsgd_value *value, const char *name);

/* Ends building: the model gets its weights (seed 0).  Without a loss it has results
 * (hsgd_result()), for sessions only.
 * Errors: the first one of all calls; -EINVAL there is neither a loss with a weight nor a result;
 * more
 * than 16 losses, 32 figures, or 32768 sums of which they are made; a figure has the
 * name "loss" or that of another; the number of a loss's terms depends on what the
 * model computes. */
HSGD_API int hsgd_model_finish(struct hsgd_model *model);

/* Frees a model, finished or not, and its weights; its trainer must be destroyed first.
 * NULL-safe. */
HSGD_API void hsgd_model_destroy(struct hsgd_model **model);

/* -------------------------------------------------- built-in models, files */

/* A model for data of this shape and number of classes: a built-in one
 * ("linear", "mlp", "mlp-small", "lenet", "cifar-cnn", "resnet8", "resnet20",
 * "char-lstm", "seq-rnn", "char-gpt", "mobile-cnn", "tabular", "translate", "detector"), or a
 * model file if hsgd_model_is_file(name).  Shape and classes as in hsgd_model_from_file().
 * Errors (NULL): -EINVAL an unknown name; those of hsgd_model_from_file(). */
HSGD_API struct hsgd_model *hsgd_model_by_name(struct hsgd_context *ctx, const char *name, struct hsgd_shape in,
                                               int classes);
/* The same for data with numbers of this type to be predicted in place of labels,
 * hsgd_data_type(d, "target"): the model's last layer has as many outputs, and its
 * loss is mse.  Errors (NULL): as above; -EINVAL a model file has the word "classes",
 * or a loss that needs labels. */
HSGD_API struct hsgd_model *hsgd_model_for_targets(struct hsgd_context *ctx, const char *name, struct hsgd_shape in,
                                                   struct hsgd_type target);
/* Names of the built-in models; NULL after the last. */
HSGD_API const char *hsgd_model_name_at(int i);
/* Whether name is that of a model file: it has a "/", or ends in .yaml or .yml. */
HSGD_API bool hsgd_model_is_file(const char *name);

/* A model from a model file (YAML; the schema is in doc/models.md) for samples
 * of shape `in`; in.h 0: the shape that the file gives as input or usual_input.
 * `classes` replaces the word "classes" in the file; 0: the file must not use it.
 * Errors (NULL): -EINVAL the file is not valid, larger than 256 KiB, or has more
 * than 1000 layers (the sentence starts with "FILE:LINE: "); that of the file
 * system; -ENOMEM. */
HSGD_API struct hsgd_model *hsgd_model_from_file(struct hsgd_context *ctx, const char *path, struct hsgd_shape in,
                                                 int classes);
/* The same from a text; messages call it "model file". */
HSGD_API struct hsgd_model *hsgd_model_from_text(struct hsgd_context *ctx, const char *text, struct hsgd_shape in,
                                                 int classes);
/* The model as the text of a model file that includes shape and classes; to be
 * freed with free().
 * Errors (NULL): -EINVAL the model is not finished, or has operations or names
 * that a file cannot express; -ENOMEM. */
HSGD_API char *hsgd_model_text(const struct hsgd_model *model);

/* Draws all weights from the seed (enum hsgd_init of each parameter).
 * -EINVAL: the model is not finished. */
HSGD_API int hsgd_model_initialise(struct hsgd_model *model, uint64_t seed);

/* Number of weights; their names are "<layer>.weight", "<layer>.bias". */
HSGD_API int hsgd_model_weight_count(const struct hsgd_model *model);
/* Name of weight i, valid until the thread's next call; NULL when out of range. */
HSGD_API const char *hsgd_model_weight_name(const struct hsgd_model *model, int i);
/* Number of floats of a weight; -EINVAL: unknown name. */
HSGD_API int64_t hsgd_model_weight_size(struct hsgd_model *model, const char *name);
/* Copies a weight to out, in the layout of its operation (row-major, see ops.h).
 * -EINVAL: unknown name, or its size is not count. */
HSGD_API int hsgd_model_get_weight(struct hsgd_model *model, const char *name, float *out, int64_t count);
/* Replaces a weight by count floats.  -EINVAL as hsgd_model_get_weight(). */
HSGD_API int hsgd_model_set_weight(struct hsgd_model *model, const char *name, const float *in, int64_t count);
/* SHA-256 over all weights in order, as 64 hexadecimal digits and a zero. */
HSGD_API int hsgd_model_digest(struct hsgd_model *model, char hex[65]);

/* Writes all weights to a safetensors file, atomically.
 * Each is named "<layer>.<weight>" and has PyTorch's layout, so that a module
 * with submodules of the layers' names loads it strictly:
 *   4 dimensions  out,kh,kw,in  ->  out,in,kh,kw
 *   2 dimensions  in x out      ->  out x in (not of embedding and a transposed dense)
 * and the inputs of a dense layer that sees a flattened image h x w x c are
 * in PyTorch's order c,h,w.  Metadata: "format" is "pt", "hsgd.input" is
 * "HxWxC" (if no size is open), "hsgd.model" is hsgd_model_text() if it can be expressed.  Weights that
 * a trainer has on devices are copied back first.  What several layers share is
 * written once, under the first one's name.
 * Errors: -EINVAL the model is not finished; -EDOM a weight is not finite;
 * that of the file system. */
HSGD_API int hsgd_model_save(struct hsgd_model *model, const char *path);
/* Reads a file of hsgd_model_save().  It must contain exactly the model's weights,
 * in their shapes, as finite F32; a shared one under any name that its layers give
 * it, or under several, if these are equal.
 * Errors (the weights are unchanged): -EINVAL; that of the file system. */
HSGD_API int hsgd_model_load(struct hsgd_model *model, const char *path);

/* Creates the model of a file of hsgd_model_save(), network and weights.
 * Errors (NULL): as hsgd_model_load(); -EINVAL the metadata does not describe the
 * network. */
HSGD_API struct hsgd_model *hsgd_model_open(struct hsgd_context *ctx, const char *path);

/* Number of floats in all weights. */
HSGD_API int64_t hsgd_model_parameters(const struct hsgd_model *model);
/* The name it was created with; NULL for NULL. */
HSGD_API const char *hsgd_model_name(const struct hsgd_model *model);
/* Figures of a pass over samples, from 0: "loss", the weighted sum of all losses;
 * "accuracy", where its target is a class; of more losses than one each, and all
 * metrics, by the names of their layers.  NULL after the last, or no loss yet. */
HSGD_API const char *hsgd_model_metric_name(const struct hsgd_model *model, int i);
/* Shape of a sample; HSGD_ANY where it is open. */
HSGD_API struct hsgd_shape hsgd_model_input(const struct hsgd_model *model);
/* Number of outputs: values per sample at the input of the loss, or without one of the first
 * result; 0: the model is not finished; HSGD_ANY: it depends on open sizes. */
HSGD_API int hsgd_model_outputs(const struct hsgd_model *model);

/* An input or target of a model. */
struct hsgd_model_field {
    size_t size; /* of this struct */
    char name[48];
    struct hsgd_type type; /* open dimensions are HSGD_ANY */
    bool is_target;
};
/* Number of inputs and targets. */
HSGD_API int hsgd_model_fields(const struct hsgd_model *model);
/* Fills *out, of `size` bytes, with input or target i, from 0, in the order in which they
 * were declared.  -EINVAL: i is out of range. */
HSGD_API int hsgd_model_field_get(const struct hsgd_model *model, int i, struct hsgd_model_field *out, size_t size);

/* A layer of a model: an operation and what it reads, by name: "conv1", "split1:1"
 * for output 1 of several, or an input or target of the model.  A loss or metric has
 * no outputs.  Flops are floating-point operations per sample, as counted by the
 * operation's infer(): a multiplication and an addition are two; 0 where sizes are open. */
struct hsgd_model_layer {
    size_t size;           /* of this struct */
    char name[48], op[48]; /* "conv1"; the operation, "conv2d" */
    int inputs, outputs;
    char from[HSGD_MAX_INPUTS][52];
    struct hsgd_type in[HSGD_MAX_INPUTS], out[HSGD_MAX_OUTPUTS];
    int64_t parameters; /* floats in its weights, */
    int64_t states;     /* of which so many are not trained: running statistics */
    double forward_flops, backward_flops;
    bool is_view;        /* the output is the input in another shape, without memory */
    char weights_of[48]; /* the layer whose weights it uses, which are not among `parameters`; "": none */
    int64_t frozen;      /* of the parameters: they are not trained */
};

/* Fills *out, of `size` bytes, with layer i, from 0, in the order in which they were
 * applied; internal changes of layout are not shown.  -EINVAL: i is out of range. */
HSGD_API int hsgd_model_layer_get(const struct hsgd_model *model, int i, struct hsgd_model_layer *out, size_t size);
/* Number of layers, the loss included. */
HSGD_API int hsgd_model_layers(const struct hsgd_model *model);

#ifdef __cplusplus
}
#endif
#endif
