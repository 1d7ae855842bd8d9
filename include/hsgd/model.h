/* SPDX-License-Identifier: BSD-3-Clause */
/* Models: a sequence of operations with their weights. */
#ifndef HSGD_MODEL_H
#define HSGD_MODEL_H

#include <hsgd/ops.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hsgd_model;

/* An empty model for samples of shape `in`. */
HSGD_API struct hsgd_model *hsgd_model_create(struct hsgd_context *ctx, const char *name, struct hsgd_shape in);
/* Frees a model and its weights; its trainer must be destroyed before.  NULL-safe. */
HSGD_API void hsgd_model_destroy(struct hsgd_model **model);

/* Appends an operation; attributes are copied.  The layer is called
 * "<operation><n>" unless name is given.  Returns model; NULL when model is
 * NULL or on error: the model is then destroyed, so write
 * model = hsgd_add(model, ...).  (One that a trainer holds stays.) */
HSGD_API struct hsgd_model *hsgd_add(struct hsgd_model *model, const struct hsgd_op *op, const void *attributes,
                                     const char *name);

/* Short forms of hsgd_add(). */
HSGD_API struct hsgd_model *hsgd_add_dense(struct hsgd_model *model, int units, enum hsgd_activation activation);
/* Stride 1. */
HSGD_API struct hsgd_model *hsgd_add_conv2d(struct hsgd_model *model, int out_channels, int kernel, int padding,
                                            enum hsgd_activation activation);
/* Stride = kernel, no padding. */
HSGD_API struct hsgd_model *hsgd_add_max_pool(struct hsgd_model *model, int kernel);
/* Any shape to 1 x 1 x n. */
HSGD_API struct hsgd_model *hsgd_add_flatten(struct hsgd_model *model);
/* Sets each value to 0 with probability p in training. */
HSGD_API struct hsgd_model *hsgd_add_dropout(struct hsgd_model *model, float p);
/* Appends the loss; the model is then complete and has weights. */
HSGD_API struct hsgd_model *hsgd_add_softmax_cross_entropy(struct hsgd_model *model);

/* A model for data of this shape and number of classes: a built-in one
 * ("linear", "mlp", "mlp-small", "lenet", "cifar-cnn"), or the file with this
 * name when hsgd_model_is_file() says so.  Shape and classes as
 * hsgd_model_from_file().  -EINVAL (NULL) on an unknown name. */
HSGD_API struct hsgd_model *hsgd_model_by_name(struct hsgd_context *ctx, const char *name, struct hsgd_shape in,
                                               int classes);
/* Names of the built-in models; NULL after the last. */
HSGD_API const char *hsgd_model_name_at(int i);
/* Whether this names a model file: it has a "/", or ends in .yaml or .yml. */
HSGD_API bool hsgd_model_is_file(const char *name);

/* A model from a model file (YAML; the schema is in doc/models.md) for samples
 * of shape `in`; in.h 0: of the shape that the file gives as input or
 * usual_input.  `classes` is what the file calls "classes"; 0: it must not.
 * Errors (NULL): "FILE:LINE: " and what is wrong there; -EINVAL also when the
 * file is larger than 256 KiB or has more than 1000 layers. */
HSGD_API struct hsgd_model *hsgd_model_from_file(struct hsgd_context *ctx, const char *path, struct hsgd_shape in,
                                                 int classes);
/* The same from a text; messages call it "model file". */
HSGD_API struct hsgd_model *hsgd_model_from_text(struct hsgd_context *ctx, const char *text, struct hsgd_shape in,
                                                 int classes);
/* The model as the text of a model file that gives the same model without
 * knowing shape and classes; to be freed with free().  -EINVAL (NULL) when it
 * has no loss yet, or operations or names that a file cannot have. */
HSGD_API char *hsgd_model_text(const struct hsgd_model *model);

/* Draws all weights anew from the seed (Glorot or He, uniform). */
HSGD_API int hsgd_model_initialise(struct hsgd_model *model, uint64_t seed);

/* Weights by name: "<layer>.weight", "<layer>.bias". */
HSGD_API int hsgd_model_weight_count(const struct hsgd_model *model);
/* Name of weight i, valid until the thread's next call; NULL when out of range. */
HSGD_API const char *hsgd_model_weight_name(const struct hsgd_model *model, int i);
/* Number of floats; -EINVAL when there is no such weight. */
HSGD_API int64_t hsgd_model_weight_size(struct hsgd_model *model, const char *name);
/* Copies a weight out.  -EINVAL on an unknown name or another size than count. */
HSGD_API int hsgd_model_get_weight(struct hsgd_model *model, const char *name, float *out, int64_t count);
/* Copies a weight in.  -EINVAL as hsgd_model_get_weight(). */
HSGD_API int hsgd_model_set_weight(struct hsgd_model *model, const char *name, const float *in, int64_t count);
/* SHA-256 over all weights in order, as 64 hexadecimal digits. */
HSGD_API int hsgd_model_digest(struct hsgd_model *model, char hex[65]);

/* Writes all weights to a safetensors file, whole or not at all.
 * Each is named "<layer>.<weight>" and has PyTorch's layout, so that a module
 * with submodules of the layers' names loads it strictly:
 *   4 dimensions  out,kh,kw,in  ->  out,in,kh,kw
 *   2 dimensions  in x out      ->  out x in
 * and the inputs of a dense layer that sees a flattened image h x w x c are
 * in PyTorch's order c,h,w.  Metadata: "format" is "pt", "hsgd.input" is
 * "HxWxC", "hsgd.model" is hsgd_model_text() where there is one.  Weights that
 * a trainer has on devices are fetched.
 * Errors: -EINVAL the model has no loss yet; -EDOM a weight is not finite;
 * that of the file system. */
HSGD_API int hsgd_model_save(struct hsgd_model *model, const char *path);
/* Reads what hsgd_model_save() writes.  The file must hold exactly the
 * model's weights, in their shapes, as finite F32; else -EINVAL, and the
 * model keeps its weights. */
HSGD_API int hsgd_model_load(struct hsgd_model *model, const char *path);

/* The model that hsgd_model_save() wrote, network and weights.  NULL on error,
 * -EINVAL also when the metadata do not describe the network. */
HSGD_API struct hsgd_model *hsgd_model_open(struct hsgd_context *ctx, const char *path);

/* Number of floats in all weights. */
HSGD_API int64_t hsgd_model_parameters(const struct hsgd_model *model);
/* The name given when it was made; NULL for NULL. */
HSGD_API const char *hsgd_model_name(const struct hsgd_model *model);
/* The shape of a sample. */
HSGD_API struct hsgd_shape hsgd_model_input(const struct hsgd_model *model);
/* Number of outputs: the values per sample that the loss sees; 0: there is no loss yet. */
HSGD_API int hsgd_model_outputs(const struct hsgd_model *model);
/* A layer of a model.  Flops are the floating-point operations for one sample as
 * the operation's descriptor counts them: a multiplication and an addition are two. */
struct hsgd_model_layer {
    size_t size;             /* of this struct */
    char name[48], op[48];   /* "conv1"; the operation, "conv2d" */
    struct hsgd_shape in, out;
    int64_t parameters;      /* floats in its weights */
    double forward_flops, backward_flops;
    bool is_view;            /* the output is the input in another shape, and takes no memory */
};

/* Fills *out, of `size` bytes, with layer i as it was added, from 0, the loss
 * included; changes of layout are not shown.  -EINVAL: there are fewer. */
HSGD_API int hsgd_model_layer_get(const struct hsgd_model *model, int i, struct hsgd_model_layer *out, size_t size);
/* Number of layers, the loss included. */
HSGD_API int hsgd_model_layers(const struct hsgd_model *model);

#ifdef __cplusplus
}
#endif
#endif
