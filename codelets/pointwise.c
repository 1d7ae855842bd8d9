/* SPDX-License-Identifier: BSD-3-Clause */
/* Functions of one, two or three values, element by element; add and mul. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "kernels.h"
#include "type_text.h"
#include "types.h"

static int infer(struct hsgd_node *n, char *why, size_t size)
{
    if (need_one_type(n, why, size)) return -1;
    n->outputs = 1;
    n->out[0] = n->in[0];
    n->forward_flops = sample_size(&n->in[0]);
    return 0;
}

static int mul_infer(struct hsgd_node *n, char *why, size_t size)
{
    int err = infer(n, why, size);
    n->backward_flops = 2 * n->forward_flops;
    return err;
}

static void emit(struct hsgd_emit *e, const struct hsgd_kernel *kernel, struct hsgd_ref a, struct hsgd_ref b,
                 struct hsgd_ref y, bool add)
{
    struct pointwise_args args = { hsgd_stored_rows(e) * sample_size(&e->node->in[0]), add };
    HSGD_LAUNCH(e, kernel, HSGD_ITEMS, args.n, &args, a, b, y);
}

static void add_forward(struct hsgd_emit *e) { emit(e, HSGD_KERNEL(pointwise_add), e->x[0], e->x[1], e->y[0], false); }
static void mul_forward(struct hsgd_emit *e) { emit(e, HSGD_KERNEL(pointwise_mul), e->x[0], e->x[1], e->y[0], false); }

static void mul_backward(struct hsgd_emit *e)
{
    for (int i = 0; i < 2; i++)
        if (hsgd_wanted(e->dx[i]))
            emit(e, HSGD_KERNEL(pointwise_mul), e->dy[0], e->x[1 - i], e->dx[i], e->adds >> i & 1);
}

const struct hsgd_op hsgd_op_add = { .name = "add",
                                     .inputs = 2,
                                     .layouts = 1u << HSGD_NHWC | 1u << HSGD_LANES,
                                     .passes = 3,
                                     .infer = infer,
                                     .forward = { { add_forward } } };
const struct hsgd_op hsgd_op_mul = { .name = "mul",
                                     .inputs = 2,
                                     .layouts = 1u << HSGD_NHWC | 1u << HSGD_LANES,
                                     .keeps_in = 3,
                                     .adds = 3,
                                     .infer = mul_infer,
                                     .forward = { { mul_forward } },
                                     .backward = { { mul_backward } } };

/* --------------------------------------------------------------- pointwise */

static const struct {
    const char *word;
    int operands;
    bool integers;
} functions[] = {
#define ROW(name, word, operands, integers) [FUNCTION_##name] = { #word, operands, integers },
    POINTWISE_FUNCTIONS(ROW)
#undef ROW
};
enum { FUNCTIONS = sizeof functions / sizeof *functions };

static const struct hsgd_pointwise *attributes(const struct hsgd_node *n) { return n->attributes; }
static bool of_integers(const struct hsgd_node *n) { return n->in[0].dtype == HSGD_I32; }

static int refuse_types(const struct hsgd_node *n, const char *word, char *why, size_t size)
{
    for (int i = 0; i < n->inputs; i++) {
        if (n->in[i].dtype != n->in[0].dtype || !same_dims(&n->in[i], &n->in[0])) {
            snprintf(why, size, "all inputs must have one type, not %s and %s", type_text(&n->in[0]).text,
                     type_text(&n->in[i]).text);
            return -1;
        }
    }
    snprintf(why, size, "%s does not take %s", word, type_text(&n->in[0]).text);
    bool takes = n->in[0].dtype == HSGD_F32 || (of_integers(n) && functions[attributes(n)->function].integers);
    return takes ? 0 : -1;
}

static int pointwise_infer(struct hsgd_node *n, char *why, size_t size)
{
    const struct hsgd_pointwise *a = attributes(n);
    int operands = functions[a->function].operands;
    const char *word = functions[a->function].word;
    if (n->inputs != operands && (operands == 1 || n->inputs != operands - 1)) {
        if (operands == 1) snprintf(why, size, "%s takes 1 input, not %d", word, n->inputs);
        else
            snprintf(why, size, "%s takes %d inputs, one of which may be the value, not %d", word, operands, n->inputs);
        return -1;
    }
    if (refuse_types(n, word, why, size)) return -1;
    if (of_integers(n) && n->inputs < operands && !(fabsf(a->value) < 0x1p31f && a->value == truncf(a->value))) {
        snprintf(why, size, "value must be an integer, as the input is");
        return -1;
    }
    n->outputs = 1;
    n->out[0] = n->in[0];
    if (a->function == HSGD_FUNCTION_TO_INT) n->out[0].dtype = HSGD_I32;
    if (a->function == HSGD_FUNCTION_TO_FLOAT) n->out[0].dtype = HSGD_F32;
    n->forward_flops = n->backward_flops = 4.0 * sample_size(&n->in[0]);
    return 0;
}

static int values(const struct hsgd_emit *e) { return e->rows * sample_size(&e->node->in[0]); }

/* Which operand is the value: the last, or the first of those that may be. */
static int constant_of(const struct hsgd_node *n)
{
    if (n->inputs == functions[attributes(n)->function].operands) return 0;
    return attributes(n)->value_first ? POINTWISE_CONSTANT_FIRST : POINTWISE_CONSTANT_SECOND;
}

/* The value as the inputs are stored. */
static int bits_of(const struct hsgd_node *n)
{
    float value = attributes(n)->value;
    int bits;
    memcpy(&bits, &value, sizeof bits);
    return of_integers(n) ? (int)value : bits;
}

/* x^2 and x^0.5 have functions of their own. */
static int function_of(const struct hsgd_node *n)
{
    const struct hsgd_pointwise *a = attributes(n);
    if (a->function != HSGD_FUNCTION_POW || constant_of(n) != POINTWISE_CONSTANT_SECOND) return (int)a->function;
    return a->value == 2 ? FUNCTION_SQUARE : a->value == 0.5f ? FUNCTION_SQRT : FUNCTION_POW;
}

static struct pointwise_of_two_args of_two(const struct hsgd_emit *e, int operand)
{
    const struct hsgd_node *n = e->node;
    return (struct pointwise_of_two_args){ values(e), function_of(n), constant_of(n),
                                           operand,   bits_of(n),     attributes(n)->value };
}

/* The input of operand i; where that is the value, any other. */
static struct hsgd_ref operand(const struct hsgd_emit *e, int i)
{
    int constant = constant_of(e->node), inputs = e->node->inputs;
    if (constant == POINTWISE_CONSTANT_FIRST && i == inputs) i--;
    return e->x[i < inputs ? i : inputs - 1];
}

static struct pointwise_where_args where_of(const struct hsgd_emit *e, int of)
{
    const struct hsgd_node *n = e->node;
    int mask = of_integers(n) ? -1 : 0x7fffffff;
    return (struct pointwise_where_args){ values(e), mask, constant_of(n), bits_of(n), of };
}

static void pointwise_forward(struct hsgd_emit *e)
{
    struct pointwise_of_two_args a = of_two(e, 0);
    struct pointwise_where_args w = where_of(e, 0);
    struct pointwise_cast_args c = { a.n };
    if (a.function == FUNCTION_WHERE)
        HSGD_LAUNCH(e, HSGD_KERNEL(pointwise_where), HSGD_ITEMS, w.n, &w, e->x[0], operand(e, 1), operand(e, 2),
                    e->y[0]);
    else if (a.function == FUNCTION_TO_INT)
        HSGD_LAUNCH(e, HSGD_KERNEL(pointwise_to_int), HSGD_ITEMS, c.n, &c, e->x[0], e->y[0]);
    else if (a.function == FUNCTION_TO_FLOAT && of_integers(e->node))
        HSGD_LAUNCH(e, HSGD_KERNEL(pointwise_to_float), HSGD_ITEMS, c.n, &c, e->x[0], e->y[0]);
    else if (of_integers(e->node))
        HSGD_LAUNCH(e, HSGD_KERNEL(pointwise_of_integers), HSGD_ITEMS, a.n, &a, operand(e, 0), operand(e, 1), e->y[0]);
    else if (functions[a.function].operands == 1) emit_function(e, (struct function_args){ .function = a.function });
    else HSGD_LAUNCH(e, HSGD_KERNEL(pointwise_of_two), HSGD_ITEMS, a.n, &a, operand(e, 0), operand(e, 1), e->y[0]);
}

/* Which operand input i is. */
static int operand_of(const struct hsgd_node *n, int i)
{
    bool shifted = constant_of(n) == POINTWISE_CONSTANT_FIRST && i == n->inputs - 1;
    return i + shifted;
}

static void pointwise_backward(struct hsgd_emit *e)
{
    int function = function_of(e->node);
    if (of_integers(e->node) || function == FUNCTION_TO_INT) {
        emit_no_gradients(e);
        return;
    }
    if (functions[function].operands == 1) {
        emit_function_gradient(e, (struct function_args){ .function = function });
        return;
    }
    for (int i = 0; i < e->node->inputs; i++) {
        if (!hsgd_wanted(e->dx[i])) continue;
        struct pointwise_of_two_args a = of_two(e, operand_of(e->node, i));
        struct pointwise_where_args w = where_of(e, a.operand);
        if (function == FUNCTION_WHERE)
            HSGD_LAUNCH(e, HSGD_KERNEL(pointwise_where_gradient), HSGD_ITEMS, w.n, &w, e->x[0], e->dy[0], e->dx[i]);
        else
            HSGD_LAUNCH(e, HSGD_KERNEL(pointwise_gradient_of_two), HSGD_ITEMS, a.n, &a, operand(e, 0), operand(e, 1),
                        e->dy[0], e->dx[i]);
    }
}

#define WORD(name, word, operands, integers) #word " "
#define AT(field) offsetof(struct hsgd_pointwise, field)
static const struct hsgd_attribute fields[] = { { "function", HSGD_WORD, AT(function), true, 0,
                                                  POINTWISE_FUNCTIONS(WORD) },
                                                { "value", HSGD_FLOAT, AT(value), false, 0, NULL },
                                                { "value_first", HSGD_BOOL, AT(value_first), false, 0, NULL },
                                                { 0 } };

const struct hsgd_op hsgd_op_pointwise = { .name = "pointwise",
                                           .attributes_size = sizeof(struct hsgd_pointwise),
                                           .fields = fields,
                                           .inputs = 1,
                                           .max_inputs = 3,
                                           .layouts = 1u << HSGD_NHWC,
                                           .keeps_in = 7,
                                           .infer = pointwise_infer,
                                           .forward = { { pointwise_forward } },
                                           .backward = { { pointwise_backward } } };
