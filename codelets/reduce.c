/* SPDX-License-Identifier: BSD-3-Clause */
/* Reductions over axes of a sample, and the index of the largest number along one. */
#include <stdio.h>

#include "kernels.h"
#include "strided.h"
#include "type_text.h"
#include "types.h"

static const struct hsgd_reduce *attributes(const struct hsgd_node *n) { return n->attributes; }

/* Bit i: axis i of the sample is reduced; -1: the list is wrong. */
static int mask_of(const struct hsgd_ints *axes, int rank)
{
    unsigned mask = axes->count ? 0 : (1u << rank) - 1;
    for (int i = 0; i < axes->count; i++) {
        int axis = axis_place(axes->value[i], rank);
        if (axis < 0 || mask >> axis & 1) return -1;
        mask |= 1u << axis;
    }
    return (int)mask;
}

/* The type without the axes of the mask, or with 1 in place of them. */
static struct hsgd_type without(const struct hsgd_type *t, unsigned mask, bool keepdims)
{
    struct hsgd_type y = { t->dtype, 0, { 0 } };
    for (int i = 0; i < t->rank; i++) {
        if (!(mask >> i & 1)) y.dim[y.rank++] = t->dim[i];
        else if (keepdims) y.dim[y.rank++] = 1;
    }
    return y;
}

static bool of_integers(const struct hsgd_node *n) { return n->in[0].dtype == HSGD_I32; }

/* Whether integers have the function. */
static bool integers_have(int function)
{
    static const bool have[REDUCE_COUNT] = { [REDUCE_SUM] = true,  [REDUCE_MAX] = true, [REDUCE_MIN] = true,
                                             [REDUCE_PROD] = true, [REDUCE_L1] = true,  [REDUCE_SUM_SQUARE] = true };
    return have[function];
}

static int infer(struct hsgd_node *n, char *why, size_t size)
{
    const struct hsgd_reduce *a = attributes(n);
    if (need_numbers(n, why, size)) return -1;
    if (of_integers(n) && !integers_have((int)a->function)) {
        snprintf(why, size, "of integers it has only sum, max, min, prod, l1 and sum_square");
        return -1;
    }
    int mask = mask_of(&a->axes, n->in[0].rank);
    if (mask < 0) {
        snprintf(why, size, "axes must be different ones of %s, from 1 on or from -1 down", type_text(&n->in[0]).text);
        return -1;
    }
    n->outputs = 1;
    n->out[0] = without(&n->in[0], (unsigned)mask, a->keepdims);
    n->forward_flops = n->backward_flops = 2.0 * sample_size(&n->in[0]);
    return 0;
}

/* ------------------------------------------------------------------- describing */

/* An axis in front of those before it: one with the first if that is of the same kind and adjacent. */
static void add_axis(int *size, int *stride, int *count, int axis_size, int axis_stride)
{
    size[REDUCE_AXES - ++*count] = axis_size;
    stride[REDUCE_AXES - *count] = axis_stride;
}

/* Axes from the last to the samples, those of size 1 left out, neighbours of one kind as one. */
static struct reduce_args args_of(const struct hsgd_emit *e)
{
    const struct hsgd_type *t = &e->node->in[0];
    unsigned mask = (unsigned)mask_of(&attributes(e->node)->axes, t->rank);
    struct reduce_args a = { .function = (int)attributes(e->node)->function, .outer = 1, .steps = 1, .inner = 1 };
    int stride = 1, kept = 0, left = 0, groups = 0, run = 1, start = 1;
    bool reduced = false;
    for (int i = t->rank; i >= 0; i--) {
        int size = i ? t->dim[i - 1] : e->rows;
        bool is_reduced = i && mask >> (i - 1) & 1, more = size > 1;
        if (more && run > 1 && is_reduced != reduced) { /* a run of axes ends */
            if (!groups++) a.inner = run, a.columns = !reduced;
            else if (reduced) add_axis(a.left, a.left_stride, &left, run, start), a.steps *= run;
            else add_axis(a.kept, a.kept_stride, &kept, run, start), a.outer *= run;
            run = 1;
        }
        if (more && run == 1) start = stride, reduced = is_reduced;
        run *= size;
        stride *= size;
    }
    if (!groups) a.inner = run, a.columns = !reduced;
    else if (reduced) add_axis(a.left, a.left_stride, &left, run, start), a.steps *= run;
    else add_axis(a.kept, a.kept_stride, &kept, run, start), a.outer *= run;
    for (int i = 0; i < REDUCE_AXES; i++) {
        if (!a.kept[i]) a.kept[i] = 1;
        if (!a.left[i]) a.left[i] = 1;
    }
    a.scale = 1 / ((float)a.steps * (a.columns ? 1 : (float)a.inner));
    return a;
}

static int results(const struct reduce_args *a) { return a->outer * (a->columns ? a->inner : 1); }

/* y = function of x, and of numbers k of the results' places, if it has any */
static void emit(struct hsgd_emit *e, struct reduce_args a, int function, struct hsgd_ref k, struct hsgd_ref y)
{
    a.function = function;
    if (a.columns) HSGD_LAUNCH(e, HSGD_KERNEL(reduce_columns), HSGD_ROWS, a.outer, &a, e->x[0], k, y);
    else HSGD_LAUNCH(e, HSGD_KERNEL(reduce_rows), HSGD_ITEMS, a.outer, &a, e->x[0], k, y);
}

static void forward(struct hsgd_emit *e)
{
    struct reduce_args a = args_of(e);
    struct hsgd_ref k = e->x[0];
    if (of_integers(e->node)) {
        HSGD_LAUNCH(e, HSGD_KERNEL(reduce_integers), HSGD_ITEMS, results(&a), &a, e->x[0], e->y[0]);
        return;
    }
    if (a.function == REDUCE_LOG_SUM_EXP) {
        k = hsgd_scratch(e, results(&a));
        emit(e, a, REDUCE_MAX, e->x[0], k);
    }
    emit(e, a, a.function, k, e->y[0]);
}

/* The slope in reduce_spread that a function shares with others. */
static int slope_of(int function)
{
    static const int other[REDUCE_COUNT] = {
        [REDUCE_MEAN] = REDUCE_SUM,      [REDUCE_MAX] = REDUCE_MAX,     [REDUCE_MIN] = REDUCE_MAX,
        [REDUCE_PROD] = REDUCE_PROD,     [REDUCE_L1] = REDUCE_L1,       [REDUCE_L2] = REDUCE_L2,
        [REDUCE_SUM_SQUARE] = REDUCE_L2, [REDUCE_LOG_SUM] = REDUCE_SUM, [REDUCE_LOG_SUM_EXP] = REDUCE_LOG_SUM_EXP
    };
    return other[function];
}

static void backward(struct hsgd_emit *e)
{
    if (!hsgd_wanted(e->dx[0])) return;
    if (of_integers(e->node)) {
        emit_no_gradients(e);
        return;
    }
    struct reduce_args a = args_of(e);
    int n = results(&a), function = a.function;
    struct hsgd_ref coefficient = hsgd_scratch(e, n), k = e->y[0], y = e->y[0], other = e->y[0];
    struct reduce_coefficient_args c = { n, function, a.scale };
    if (function == REDUCE_MAX || function == REDUCE_MIN) {
        k = hsgd_scratch(e, n);
        emit(e, a, REDUCE_COUNT, e->y[0], k);
    }
    if (function == REDUCE_PROD) {
        struct zero_args z = { n };
        struct hsgd_ref zero = hsgd_scratch(e, n);
        y = hsgd_scratch(e, n);
        k = other = hsgd_scratch(e, n);
        HSGD_LAUNCH(e, HSGD_KERNEL(zero), HSGD_ITEMS, n, &z, zero);
        emit(e, a, REDUCE_COUNT, zero, k);
        emit(e, a, REDUCE_PROD_REST, zero, y);
    }
    HSGD_LAUNCH(e, HSGD_KERNEL(reduce_coefficients), HSGD_ITEMS, n, &c, e->dy[0], y, k, coefficient);
    a.function = slope_of(function);
    HSGD_LAUNCH(e, HSGD_KERNEL(reduce_spread), HSGD_ROWS, (int64_t)a.outer * a.steps, &a, e->x[0], coefficient, other,
                e->dx[0]);
}

#define WORD(name, word) #word " "
#define AT(field) offsetof(struct hsgd_reduce, field)
static const struct hsgd_attribute fields[] = { { "function", HSGD_WORD, AT(function), true, 0,
                                                  REDUCE_FUNCTIONS(WORD) },
                                                { "axes", HSGD_INTS, AT(axes), false, 0, NULL },
                                                { "keepdims", HSGD_BOOL, AT(keepdims), false, 0, NULL },
                                                { 0 } };

const struct hsgd_op hsgd_op_reduce = { .name = "reduce",
                                        .attributes_size = sizeof(struct hsgd_reduce),
                                        .fields = fields,
                                        .layouts = 1u << HSGD_NHWC,
                                        .keeps_in = 1,
                                        .keeps_out = 1,
                                        .infer = infer,
                                        .forward = { { forward } },
                                        .backward = { { backward } } };

/* ---------------------------------------------------------------------- arg_max */

static const struct hsgd_arg_max *arg_of(const struct hsgd_node *n) { return n->attributes; }
static int arg_axis(const struct hsgd_node *n)
{
    return axis_place(arg_of(n)->axis ? arg_of(n)->axis : -1, n->in[0].rank);
}

static int arg_infer(struct hsgd_node *n, char *why, size_t size)
{
    int axis = arg_axis(n);
    if (need_numbers(n, why, size)) return -1;
    if (axis < 0) return no_axis(arg_of(n)->axis, &n->in[0], why, size);
    n->outputs = 1;
    n->out[0] = without(&n->in[0], 1u << axis, arg_of(n)->keepdims);
    n->out[0].dtype = HSGD_I32;
    n->forward_flops = sample_size(&n->in[0]);
    return 0;
}

static void arg_forward(struct hsgd_emit *e)
{
    const struct hsgd_type *t = &e->node->in[0];
    int axis = arg_axis(e->node), inner = 1;
    for (int i = axis + 1; i < t->rank; i++) inner *= t->dim[i];
    struct arg_max_args a = { e->rows * sample_size(&e->node->out[0]), t->dim[axis], inner, arg_of(e->node)->min,
                              arg_of(e->node)->last };
    HSGD_LAUNCH(e, of_integers(e->node) ? HSGD_KERNEL(arg_max_integers) : HSGD_KERNEL(arg_max), HSGD_ITEMS, a.items, &a,
                e->x[0], e->y[0]);
}

/* An index does not move. */
static void arg_backward(struct hsgd_emit *e) { emit_no_gradients(e); }

#undef AT
#define AT(field) offsetof(struct hsgd_arg_max, field)
static const struct hsgd_attribute arg_fields[] = { { "axis", HSGD_INT, AT(axis), false, 0, NULL },
                                                    { "min", HSGD_BOOL, AT(min), false, 0, NULL },
                                                    { "last", HSGD_BOOL, AT(last), false, 0, NULL },
                                                    { "keepdims", HSGD_BOOL, AT(keepdims), false, 0, NULL },
                                                    { 0 } };

const struct hsgd_op hsgd_op_arg_max = { .name = "arg_max",
                                         .attributes_size = sizeof(struct hsgd_arg_max),
                                         .fields = arg_fields,
                                         .layouts = 1u << HSGD_NHWC,
                                         .infer = arg_infer,
                                         .forward = { { arg_forward } },
                                         .backward = { { arg_backward } } };
