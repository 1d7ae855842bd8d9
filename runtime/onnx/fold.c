/* SPDX-License-Identifier: BSD-3-Clause */
/* Nodes whose inputs are known, computed while a file is read: constants, and
 * arithmetic on sizes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "onnx/fold.h"

/* -------------------------------------------------------- element by element */

static double negate(double x) { return -x; }
static double reciprocal(double x) { return 1 / x; }
static double sign(double x) { return (x > 0) - (x < 0); }
static double not_(double x) { return x == 0; }
static double same(double x) { return x; }

static const struct {
    const char *op;
    double (*f)(double x);
} unary[] = {
    { "Abs", fabs },     { "Ceil", ceil },     { "Exp", exp },
    { "Floor", floor },  { "Identity", same }, { "Log", log },
    { "Neg", negate },   { "Not", not_ },      { "Reciprocal", reciprocal },
    { "Round", rint },   { "Sign", sign },     { "Sqrt", sqrt },
    { "Tanh", tanh },    { "Cos", cos },       { "Sin", sin },
    { "Dropout", same },
};

static double add(double x, double y) { return x + y; }
static double subtract(double x, double y) { return x - y; }
static double multiply(double x, double y) { return x * y; }
static double divide(double x, double y) { return x / y; }
static double remainder_of(double x, double y) { return x - floor(x / y) * y; }
static double and_(double x, double y) { return x != 0 && y != 0; }
static double or_(double x, double y) { return x != 0 || y != 0; }
static double xor_(double x, double y) { return (x != 0) != (y != 0); }
static double equal(double x, double y) { return x == y; }
static double greater(double x, double y) { return x > y; }
static double less(double x, double y) { return x < y; }
static double at_least(double x, double y) { return x >= y; }
static double at_most(double x, double y) { return x <= y; }

static const struct {
    const char *op;
    double (*f)(double x, double y);
    bool compares; /* the result is of type bool */
} binary[] = {
    { "Add", add, false },
    { "And", and_, true },
    { "Div", divide, false },
    { "Equal", equal, true },
    { "Greater", greater, true },
    { "GreaterOrEqual", at_least, true },
    { "Less", less, true },
    { "LessOrEqual", at_most, true },
    { "Max", fmax, false },
    { "Min", fmin, false },
    { "Mod", remainder_of, false },
    { "Mul", multiply, false },
    { "Or", or_, true },
    { "Pow", pow, false },
    { "Sub", subtract, false },
    { "Xor", xor_, true },
};

/* As the type has it: integers without fraction. */
static double of_type(double v, int dtype) { return onnx_dtype_is_integer(dtype) ? trunc(v) : v; }

static int fold_unary(struct step *s, double (*f)(double))
{
    const struct tensor *x = s->in[0]->known;
    struct tensor *y = tensor_copy(x, x->dtype, &x->dims);
    for (int64_t i = 0; y && i < y->count; i++) y->number[i] = f(y->number[i]);
    return step_out_known(s, 0, y);
}

/* Of two or more inputs, which are combined one by one. */
static int fold_binary(struct step *s, int row)
{
    const struct tensor *x = s->in[0]->known;
    struct tensor *y = tensor_copy(x, x->dtype, &x->dims);
    for (int k = 1; y && k < s->inputs; k++) {
        const struct tensor *other = s->in[k]->known;
        struct dims dims;
        bool fits = dims_broadcast(&y->dims, &other->dims, &dims);
        struct tensor *z = fits ? tensor_create(binary[row].compares ? ONNX_BOOL : x->dtype, &dims) : NULL;
        for (int64_t i = 0; z && i < z->count; i++) {
            double a = y->number[dims_broadcast_index(&dims, i, &y->dims)];
            double b = other->number[dims_broadcast_index(&dims, i, &other->dims)];
            z->number[i] = of_type(binary[row].f(a, b), z->dtype);
        }
        tensor_free(y);
        y = z;
        if (!fits) return step_refuse(s, "its inputs have dimensions that do not fit");
    }
    return step_out_known(s, 0, y);
}

static int fold_where(struct step *s)
{
    struct dims dims;
    const struct tensor *c = s->in[0]->known, *x = s->in[1]->known, *y = s->in[2]->known;
    if (!dims_broadcast(&c->dims, &x->dims, &dims) || !dims_broadcast(&dims, &y->dims, &dims))
        return step_refuse(s, "its inputs have dimensions that do not fit");
    struct tensor *out = tensor_create(x->dtype, &dims);
    for (int64_t i = 0; out && i < out->count; i++) {
        const struct tensor *from = c->number[dims_broadcast_index(&dims, i, &c->dims)] != 0 ? x : y;
        out->number[i] = from->number[dims_broadcast_index(&dims, i, &from->dims)];
    }
    return step_out_known(s, 0, out);
}

static int fold_cast(struct step *s)
{
    const struct tensor *x = s->in[0]->known;
    int64_t to = !strcmp(s->node->op_type, "CastLike") ? s->in[1]->dtype : step_int(s, "to", 0);
    if (to <= 0 || to >= ONNX_DTYPES || to == ONNX_STRING) return step_refuse(s, "it casts to an unknown type");
    struct tensor *y = tensor_copy(x, (int)to, &x->dims);
    for (int64_t i = 0; y && i < y->count; i++)
        y->number[i] = to == ONNX_BOOL ? y->number[i] != 0 : of_type(y->number[i], (int)to);
    return step_out_known(s, 0, y);
}

/* ------------------------------------------------------------------ constants */

static int fold_constant(struct step *s)
{
    const Onnx__AttributeProto *a = s->node->n_attribute == 1 ? s->node->attribute[0] : NULL;
    const char *name = a ? a->name : "";
    bool list = !strcmp(name, "value_ints") || !strcmp(name, "value_floats");
    bool number = !strcmp(name, "value_int") || !strcmp(name, "value_float");
    if (a && !strcmp(name, "value") && a->t)
        return step_out_known(s, 0, tensor_read(s->r->ctx, s->r->path, s->node->output[0], a->t));
    if (!list && !number) return step_refuse(s, "the attribute \"%s\" is not supported", hsgd_show(name).text);
    bool integers = !strcmp(name, "value_ints") || !strcmp(name, "value_int");
    struct dims dims = { .rank = list, .dim = { (int64_t)(integers ? a->n_ints : a->n_floats) } };
    struct tensor *t = tensor_create(integers ? ONNX_INT64 : ONNX_FLOAT, &dims);
    for (int64_t i = 0; t && i < t->count; i++) {
        if (list) t->number[i] = integers ? (double)a->ints[i] : (double)a->floats[i];
        else t->number[i] = integers ? (double)a->i : (double)a->f;
    }
    return step_out_known(s, 0, t);
}

/* The dimensions that a list of integers says. */
static int dims_of(struct step *s, int input, struct dims *dims)
{
    int n = step_ints(s, NULL, input, ONNX_RANK, dims->dim);
    dims->rank = n < 0 ? 0 : n;
    for (int i = 0; i < dims->rank; i++)
        if (dims->dim[i] < 0) return step_refuse(s, "a size of %lld is not possible", (long long)dims->dim[i]);
    return n < 0 ? -EINVAL : 0;
}

static int fold_constant_of_shape(struct step *s)
{
    struct dims dims;
    const Onnx__AttributeProto *a = step_attribute(s, "value");
    int err = dims_of(s, 0, &dims);
    struct tensor *value = !err && a && a->t ? tensor_read(s->r->ctx, s->r->path, "value", a->t) : NULL;
    if (!err && a && (!value || value->count != 1)) err = step_refuse(s, "its value is not one number");
    struct tensor *t = err ? NULL : tensor_create(value ? value->dtype : ONNX_FLOAT, &dims);
    for (int64_t i = 0; t && i < t->count; i++) t->number[i] = value ? value->number[0] : 0;
    tensor_free(value);
    return err ? err : step_out_known(s, 0, t);
}

static int fold_range(struct step *s)
{
    const struct tensor *from = s->in[0]->known, *end = s->in[1]->known, *by = s->in[2]->known;
    if (from->count != 1 || end->count != 1 || by->count != 1) return step_refuse(s, "its inputs are not numbers");
    double n = ceil((end->number[0] - from->number[0]) / by->number[0]);
    if (!(n < 1e9)) return step_refuse(s, "it has no end");
    struct tensor *t = tensor_create(from->dtype, &(struct dims){ 1, { n > 0 ? (int64_t)n : 0 } });
    for (int64_t i = 0; t && i < t->count; i++) t->number[i] = from->number[0] + (double)i * by->number[0];
    return step_out_known(s, 0, t);
}

static int fold_expand(struct step *s)
{
    struct dims to, dims;
    const struct tensor *x = s->in[0]->known;
    int err = dims_of(s, 1, &to);
    if (!err && !dims_broadcast(&x->dims, &to, &dims)) err = step_refuse(s, "its dimensions do not fit");
    return err ? err : step_out_known(s, 0, tensor_expand(x, &dims));
}

/* ---------------------------------------------------------------------- sizes */

static int fold_shape(struct step *s)
{
    const struct dims *d = &s->in[0]->dims;
    int64_t start = step_int(s, "start", 0), end = step_int(s, "end", d->rank);
    if (start < 0) start += d->rank;
    if (end < 0) end += d->rank;
    start = start < 0 ? 0 : start > d->rank ? d->rank : start;
    end = end < start ? start : end > d->rank ? d->rank : end;
    struct tensor *t = tensor_create(ONNX_INT64, &(struct dims){ 1, { end - start } });
    for (int64_t i = 0; t && i < t->count; i++) t->number[i] = (double)d->dim[start + i];
    return step_out_known(s, 0, t);
}

static int fold_size(struct step *s)
{
    double n = 1;
    for (int i = 0; i < s->in[0]->dims.rank; i++) n *= (double)s->in[0]->dims.dim[i];
    struct tensor *t = tensor_create(ONNX_INT64, &(struct dims){ 0 });
    if (t) t->number[0] = n;
    return step_out_known(s, 0, t);
}

/* -------------------------------------------------------------------- the list */

static const struct {
    const char *op;
    int inputs; /* at least; that many must be there and known */
    int (*f)(struct step *s);
} others[] = {
    { "Cast", 1, fold_cast },           { "Concat", 1, fold_concat },
    { "Constant", 0, fold_constant },   { "ConstantOfShape", 1, fold_constant_of_shape },
    { "Expand", 2, fold_expand },       { "Flatten", 1, fold_reshape },
    { "Gather", 2, fold_gather },       { "Range", 3, fold_range },
    { "ReduceMax", 1, fold_reduce },    { "ReduceMean", 1, fold_reduce },
    { "ReduceMin", 1, fold_reduce },    { "ReduceProd", 1, fold_reduce },
    { "ReduceSum", 1, fold_reduce },    { "Reshape", 2, fold_reshape },
    { "Slice", 1, fold_slice },         { "Squeeze", 1, fold_reshape },
    { "Transpose", 1, fold_transpose }, { "Trilu", 1, fold_trilu },
    { "Unsqueeze", 1, fold_reshape },   { "Where", 3, fold_where },
};

static bool all_known(const struct step *s, int least)
{
    for (int i = 0; i < s->inputs; i++)
        if (s->in[i] && !s->in[i]->known) return false;
    for (int i = 0; i < least; i++)
        if (!step_has(s, i)) return false;
    return true;
}

/* Those of the dimensions alone. */
static int fold_dims(struct step *s)
{
    const char *op = s->node->op_type;
    if (!step_has(s, 0)) return 0;
    if (!strcmp(op, "Shape")) return fold_shape(s) ? -EINVAL : 1;
    if (!strcmp(op, "Size")) return fold_size(s) ? -EINVAL : 1;
    bool like = !strcmp(op, "CastLike") && s->in[0]->known && step_has(s, 1);
    if (like) return fold_cast(s) ? -EINVAL : 1;
    return 0;
}

bool onnx_folds(const Onnx__NodeProto *node)
{
    const char *op = node->op_type;
    bool found = !strcmp(op, "Shape") || !strcmp(op, "Size");
    for (size_t i = 0; i < sizeof unary / sizeof *unary; i++) found = found || !strcmp(op, unary[i].op);
    for (size_t i = 0; i < sizeof binary / sizeof *binary; i++) found = found || !strcmp(op, binary[i].op);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) found = found || !strcmp(op, others[i].op);
    return found && (!*node->domain || !strcmp(node->domain, "ai.onnx"));
}

int onnx_fold(struct step *s)
{
    const char *op = s->node->op_type;
    int done = fold_dims(s), err = 0;
    bool standard = !*s->node->domain || !strcmp(s->node->domain, "ai.onnx");
    if (done || !standard || !s->outputs) return done;
    for (size_t i = 0; !done && i < sizeof unary / sizeof *unary; i++)
        if (!strcmp(op, unary[i].op) && all_known(s, 1)) err = fold_unary(s, unary[i].f), done = 1;
    for (size_t i = 0; !done && i < sizeof binary / sizeof *binary; i++)
        if (!strcmp(op, binary[i].op) && all_known(s, s->inputs))
            err = s->inputs ? fold_binary(s, (int)i) : 0, done = 1;
    for (size_t i = 0; !done && i < sizeof others / sizeof *others; i++)
        if (!strcmp(op, others[i].op) && all_known(s, others[i].inputs)) err = others[i].f(s), done = 1;
    return err ? err : done;
}
