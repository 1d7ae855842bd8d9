/* SPDX-License-Identifier: BSD-3-Clause */
/* Activations with parameters: leaky_relu, elu, selu, silu, softplus, hard_sigmoid, hard_swish, clip. */
#include <math.h>

#include "base/c_locale.h"
#include "kernels.h"
#include "types.h"

/* The function of an operation, and its parameters. */
static struct function_args leaky_relu_of(const void *attributes)
{
    const struct hsgd_leaky_relu *p = attributes;
    return (struct function_args){ .function = FUNCTION_LEAKY_RELU, .a = p->slope ? p->slope : 0.01f };
}

static struct function_args elu_of(const void *attributes)
{
    const struct hsgd_elu *p = attributes;
    return (struct function_args){ .function = FUNCTION_ELU, .a = p->alpha ? p->alpha : 1 };
}

static struct function_args softplus_of(const void *attributes)
{
    const struct hsgd_softplus *p = attributes;
    return (struct function_args){ .function = FUNCTION_SOFTPLUS,
                                   .a = p->beta ? p->beta : 1,
                                   .b = p->threshold ? p->threshold : 20 };
}

static struct function_args hard_sigmoid_of(const void *attributes)
{
    const struct hsgd_hard_sigmoid *p = attributes;
    return (struct function_args){ .function = FUNCTION_HARD_SIGMOID,
                                   .a = p->slope ? p->slope : 1.0f / 6,
                                   .b = p->offset ? p->offset : 0.5f };
}

static struct function_args clip_of(const void *attributes)
{
    const struct hsgd_clip *p = attributes;
    bool given = p->min || p->max; /* either may be 0 */
    return (struct function_args){ .function = FUNCTION_CLIP, .a = given ? p->min : -1, .b = given ? p->max : 1 };
}

static struct function_args selu_of(const void *attributes)
{
    (void)attributes;
    return (struct function_args){ .function = FUNCTION_SELU };
}

static struct function_args silu_of(const void *attributes)
{
    (void)attributes;
    return (struct function_args){ .function = FUNCTION_SILU };
}

static struct function_args hard_swish_of(const void *attributes)
{
    (void)attributes;
    return (struct function_args){ .function = FUNCTION_HARD_SWISH };
}

/* What a wrong parameter is told; NULL: it is right. */
static const char *complaint(const struct function_args *f)
{
    if (f->function == FUNCTION_CLIP) return f->a < f->b ? NULL : "min must be less than max, not %g and %g";
    if (f->function == FUNCTION_SOFTPLUS)
        return f->a > 0 && isfinite(f->a) && f->b > 0 ? NULL : "beta and threshold must be positive, not %g and %g";
    if (f->function == FUNCTION_HARD_SIGMOID)
        return isfinite(f->a) && isfinite(f->b) ? NULL : "slope and offset must be finite, not %g and %g";
    return isfinite(f->a)                ? NULL
           : f->function == FUNCTION_ELU ? "alpha must be finite, not %g"
                                         : "slope must be finite, not %g";
}

static int infer(struct hsgd_node *n, const struct function_args *f, char *why, size_t size)
{
    if (need_floats(n, why, size)) return -1;
    const char *format = complaint(f);
    if (format) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        c_snprintf(why, size, format, (double)f->a, (double)f->b);
#pragma GCC diagnostic pop
        return -1;
    }
    n->outputs = 1;
    n->out[0] = n->in[0];
    n->forward_flops = n->backward_flops = 15.0 * sample_size(&n->in[0]);
    return 0;
}

void emit_function(struct hsgd_emit *e, struct function_args f)
{
    f.n = hsgd_stored_rows(e) * sample_size(&e->node->in[0]);
    HSGD_LAUNCH(e, HSGD_KERNEL(function_fwd), HSGD_ITEMS, f.n, &f, e->x[0], e->y[0]);
}

void emit_function_gradient(struct hsgd_emit *e, struct function_args f)
{
    f.n = hsgd_stored_rows(e) * sample_size(&e->node->in[0]);
    if (hsgd_wanted(e->dx[0]))
        HSGD_LAUNCH(e, HSGD_KERNEL(function_bwd), HSGD_ITEMS, f.n, &f, e->x[0], e->dy[0], e->dx[0]);
}

#define FUNCTIONS_OF(name) \
    static int name##_infer(struct hsgd_node *n, char *why, size_t size) \
    { \
        struct function_args f = name##_of(n->attributes); \
        return infer(n, &f, why, size); \
    } \
    static void name##_forward(struct hsgd_emit *e) { emit_function(e, name##_of(e->node->attributes)); } \
    static void name##_backward(struct hsgd_emit *e) { emit_function_gradient(e, name##_of(e->node->attributes)); }
FUNCTIONS_OF(leaky_relu)
FUNCTIONS_OF(elu)
FUNCTIONS_OF(selu)
FUNCTIONS_OF(silu)
FUNCTIONS_OF(softplus)
FUNCTIONS_OF(hard_sigmoid)
FUNCTIONS_OF(hard_swish)
FUNCTIONS_OF(clip)

#define PARAMETER(op, field, value) \
    { \
#field, HSGD_FLOAT, offsetof(struct hsgd_##op, field), false, value, NULL \
    }
static const struct hsgd_attribute leaky_relu_fields[] = { PARAMETER(leaky_relu, slope, 0.01), { 0 } };
static const struct hsgd_attribute elu_fields[] = { PARAMETER(elu, alpha, 1), { 0 } };
static const struct hsgd_attribute softplus_fields[] = { PARAMETER(softplus, beta, 1),
                                                         PARAMETER(softplus, threshold, 20),
                                                         { 0 } };
static const struct hsgd_attribute hard_sigmoid_fields[] = { PARAMETER(hard_sigmoid, slope, 1.0 / 6),
                                                             PARAMETER(hard_sigmoid, offset, 0.5),
                                                             { 0 } };
static const struct hsgd_attribute clip_fields[] = { PARAMETER(clip, min, 0), PARAMETER(clip, max, 0), { 0 } };

#define WITH_FIELDS(op) .attributes_size = sizeof(struct hsgd_##op), .fields = op##_fields,
#define REST(op) \
    .layouts = 1u << HSGD_NHWC | 1u << HSGD_LANES, .keeps_in = 1, .infer = op##_infer, \
    .forward = { { op##_forward } }, .backward = { { op##_backward } }

const struct hsgd_op hsgd_op_leaky_relu = { .name = "leaky_relu", WITH_FIELDS(leaky_relu) REST(leaky_relu) };
const struct hsgd_op hsgd_op_elu = { .name = "elu", WITH_FIELDS(elu) REST(elu) };
const struct hsgd_op hsgd_op_selu = { .name = "selu", REST(selu) };
const struct hsgd_op hsgd_op_silu = { .name = "silu", REST(silu) };
const struct hsgd_op hsgd_op_softplus = { .name = "softplus", WITH_FIELDS(softplus) REST(softplus) };
const struct hsgd_op hsgd_op_hard_sigmoid = { .name = "hard_sigmoid", WITH_FIELDS(hard_sigmoid) REST(hard_sigmoid) };
const struct hsgd_op hsgd_op_hard_swish = { .name = "hard_swish", REST(hard_swish) };
const struct hsgd_op hsgd_op_clip = { .name = "clip", WITH_FIELDS(clip) REST(clip) };
