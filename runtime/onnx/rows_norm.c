/* SPDX-License-Identifier: BSD-3-Clause */
/* Normalisation. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "onnx/rows.h"

/* Parameter `param` of a layer is input i. */
static int input_weight(struct step *s, const char *layer, const char *param, int i, int64_t count)
{
    const struct tensor *t = step_known(s, i);
    if (!t) return -EINVAL;
    if (t->count != count)
        return step_refuse(s, "input %d has %lld numbers, not %lld", i + 1, (long long)t->count, (long long)count);
    return step_weight(s, layer, param, numbers_of(t), count, s->in[i]->trains);
}

/* So many times the same number. */
static int constant_weight(struct step *s, const char *layer, const char *param, double number, int64_t count)
{
    double *w = malloc(((size_t)count + 1) * sizeof *w);
    for (int64_t i = 0; w && i < count; i++) w[i] = number;
    return step_weight(s, layer, param, w, count, false);
}

/* y = (x - mean) / sqrt(variance + epsilon) scale + bias of the channels, with the running statistics. */
static int read_batch_norm(struct step *s)
{
    static const char *const params[] = { "weight", "bias", "running_mean", "running_var" };
    struct onnx_value x;
    char name[LAYER_NAME];
    bool old_training = s->r->opset < 7 && !step_int(s, "is_test", 0);
    if (s->outputs > 1 || step_int(s, "training_mode", 0) || old_training)
        return step_refuse(s, "it is in training mode");
    if (!step_has(s, 0)) return step_refuse(s, "its input is missing");
    int err = step_image(s, s->in[0], &x);
    if (err) return err;
    int64_t channels = x.dims.dim[1];
    double momentum = 1 - (double)step_float(s, "momentum", 0.9f);
    struct hsgd_value *v = step_apply(s, "batch_norm", name, 1, &x.v, "epsilon=%.9g momentum=%.9g",
                                      (double)step_float(s, "epsilon", 1e-5f), momentum > 1e-6 ? momentum : 1e-6);
    for (int i = 0; v && !err && i < 4; i++) err = input_weight(s, name, params[i], i + 1, channels);
    return err ? err : step_out(s, 0, &x, NULL, v);
}

/* Of the axes from `axis` on, which lie last. */
static int read_layer_norm(struct step *s)
{
    struct onnx_value x;
    char name[LAYER_NAME];
    if (!step_has(s, 0)) return step_refuse(s, "its input is missing");
    if (s->outputs > 1) return read_layer_norm_whole(s);
    int rank = s->in[0]->dims.rank, axis = step_axis(s, step_int(s, "axis", -1), rank);
    int err = axis < 0 ? -EINVAL : step_in_order(s, s->in[0], &x);
    if (err) return err;
    int64_t size = 1, dim[ONNX_RANK];
    for (int i = axis; i < rank; i++) {
        if (x.place[i] == BATCH) return step_refuse_batch(s, "it normalises over the batch");
        size *= x.dims.dim[i];
    }
    int places = value_sample_dims(&x, dim), kept = places - (rank - axis);
    int64_t joined[ONNX_RANK];
    memcpy(joined, dim, sizeof joined);
    joined[kept] = size;
    struct hsgd_value *in = axis == rank - 1 ? x.v : step_reshape(s, x.v, kept + 1, joined);
    struct hsgd_value *v =
        step_apply(s, "layer_norm", name, 1, &in, "epsilon=%.9g", (double)step_float(s, "epsilon", 1e-5f));
    if (!v) return -EINVAL;
    err = input_weight(s, name, "weight", 1, size);
    if (!err) err = step_has(s, 2) ? input_weight(s, name, "bias", 2, size) : constant_weight(s, name, "bias", 0, size);
    if (err) return err;
    return step_out(s, 0, &x, NULL, axis == rank - 1 ? v : step_reshape(s, v, places, dim));
}

/* Of each channel over the positions of its sample, or of groups of channels. */
static int read_group_norm(struct step *s)
{
    struct onnx_value x;
    char name[LAYER_NAME], text[60] = "affine=true";
    bool groups = !strcmp(s->node->op_type, "GroupNormalization");
    if (!step_has(s, 0) || s->in[0]->dims.rank < 3) return step_refuse(s, "its input is no image");
    int err = step_image(s, s->in[0], &x);
    if (err) return err;
    int64_t channels = x.dims.dim[1];
    if (groups) snprintf(text, sizeof text, "num_groups=%lld", (long long)step_int(s, "num_groups", 1));
    struct hsgd_value *v = step_apply(s, groups ? "group_norm" : "instance_norm", name, 1, &x.v, "%s epsilon=%.9g",
                                      text, (double)step_float(s, "epsilon", 1e-5f));
    if (!v) return -EINVAL;
    err = input_weight(s, name, "weight", 1, channels);
    if (!err) err = input_weight(s, name, "bias", 2, channels);
    return err ? err : step_out(s, 0, &x, NULL, v);
}

const struct onnx_row onnx_norm_rows[] = {
    { "BatchNormalization", 1, 0, "consumed_inputs epsilon is_test momentum training_mode spatial", 0x1e, 0, true,
      false, read_batch_norm },
    { "GroupNormalization", 21, 0, "epsilon num_groups stash_type", 1u << 1 | 1u << 2, 0, true, false,
      read_group_norm },
    { "InstanceNormalization", 1, 0, "consumed_inputs epsilon", 1u << 1 | 1u << 2, 0, true, false, read_group_norm },
    { "LayerNormalization", 17, 0, "axis epsilon stash_type", 1u << 1 | 1u << 2, 0, false, false, read_layer_norm },
    { 0 },
};
