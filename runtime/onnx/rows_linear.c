/* SPDX-License-Identifier: BSD-3-Clause */
/* Matrix products: those by a known matrix are dense layers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "onnx/rows.h"

/* The rows of W, in x out, for inputs that lie as positions x channels. */
static void permute_rows(double *w, const double *from, int64_t in, int64_t out, int64_t positions)
{
    int64_t channels = in / positions;
    for (int64_t i = 0; i < in; i++) {
        int64_t source = i % channels * positions + i / channels;
        memcpy(w + i * out, from + source * out, (size_t)out * sizeof *w);
    }
}

/* W as in x out, times alpha, for the order in which the inputs lie. */
static double *weight_of(const struct tensor *t, bool transposed, double alpha, int64_t positions)
{
    int64_t in = t->dims.dim[transposed], out = t->dims.dim[!transposed];
    double *w = malloc(((size_t)t->count + 1) * sizeof *w);
    for (int64_t i = 0; w && i < in; i++)
        for (int64_t k = 0; k < out; k++) w[i * out + k] = alpha * t->number[transposed ? k * in + i : i * out + k];
    if (!w || !positions) return w;
    double *permuted = malloc(((size_t)t->count + 1) * sizeof *w);
    if (permuted) permute_rows(permuted, w, in, out, positions);
    free(w);
    return permuted;
}

/* A bias of so many numbers, times beta. */
static double *bias_of(const struct tensor *t, int64_t out, double beta)
{
    double *b = malloc(((size_t)out + 1) * sizeof *b);
    for (int64_t i = 0; b && i < out; i++) b[i] = beta * t->number[t->count == 1 ? 0 : i];
    return b;
}

/* y = x W (+ bias) along the axis that lies last. */
static struct hsgd_value *dense(struct step *s, const struct onnx_value *x, const struct onnx_value *w, bool transposed,
                                double alpha, const struct onnx_value *bias, double beta)
{
    char name[LAYER_NAME];
    int64_t in = w->known->dims.dim[transposed], out = w->known->dims.dim[!transposed];
    struct hsgd_value *v =
        step_apply(s, "dense", name, 1, &x->v, "units=%lld no_bias=%s", (long long)out, bias ? "false" : "true");
    if (!v) return NULL;
    double *number = weight_of(w->known, transposed, alpha, x->flat_positions);
    int err = step_weight(s, name, "weight", number, in * out, w->trains);
    if (!err && bias) err = step_weight(s, name, "bias", bias_of(bias->known, out, beta), out, bias->trains);
    return err ? NULL : v;
}

/* x, with the axis that the product takes lying last; what is flattened lies as it is. */
static int take_axis(struct step *s, const struct onnx_value *x, int axis, struct onnx_value *out)
{
    *out = *x;
    return x->flat_positions ? 0 : step_axis_last(s, x, axis, out);
}

static bool is_bias(const struct onnx_value *c, int64_t units)
{
    if (!c->known || (c->known->count != 1 && c->known->count != units)) return false;
    return c->known->count == 1 || c->dims.dim[c->dims.rank - 1] == units;
}

/* Whether A and B are matrices whose product is a dense layer. */
static int check_gemm(struct step *s, const struct onnx_value *a, const struct onnx_value *b, bool ta, bool tb)
{
    if (!a || !b || a->dims.rank != 2 || b->dims.rank != 2) return step_refuse(s, "its inputs are no matrices");
    if (a->dims.dim[!ta] == b->dims.dim[tb]) return 0;
    return step_refuse(s, "its matrices, %s and %s, do not fit", dims_text(&a->dims).text, dims_text(&b->dims).text);
}

/* y += beta c, broadcast */
static int add_scaled(struct step *s, struct onnx_value *y, const struct onnx_value *c, double beta)
{
    struct onnx_value scaled = *c;
    struct tensor *t = c->known ? tensor_copy(c->known, c->dtype, &c->dims) : NULL;
    int err = c->known ? 0 : value_scalar(s, "mul", c, beta, &scaled);
    for (int64_t i = 0; t && i < t->count; i++) t->number[i] *= beta;
    if (c->known && !t) err = step_no_memory(s);
    if (t) scaled.known = t;
    if (!err) err = value_binary(s, "add", y, &scaled, y);
    tensor_free(t);
    return err;
}

/* A' B' of a known B; A' has a row for each sample. */
static int gemm_by_known(struct step *s, const struct onnx_value *a, const struct onnx_value *b, bool ta, bool tb,
                         struct onnx_value *y)
{
    struct onnx_value x = { 0 };
    const struct onnx_value *c = step_has(s, 2) ? s->in[2] : NULL;
    double alpha = (double)step_float(s, "alpha", 1), beta = (double)step_float(s, "beta", 1);
    int err = take_axis(s, a, !ta, &x);
    if (err) return err;
    int64_t out = b->dims.dim[!tb];
    bool bias = c && is_bias(c, out);
    *y = x;
    y->flat_positions = 0;
    y->dims = (struct dims){ 2, { a->dims.dim[ta], out } };
    y->place[0] = x.place[ta];
    y->place[1] = x.place[!ta];
    y->v = dense(s, &x, b, tb, alpha, bias ? c : NULL, beta);
    if (!y->v) return -EINVAL;
    return c && !bias ? add_scaled(s, y, c, beta) : 0;
}

/* A' B' of matrices that are of one sample. */
static int gemm_of_computed(struct step *s, const struct onnx_value *a, const struct onnx_value *b, bool ta, bool tb,
                            struct onnx_value *y)
{
    struct onnx_value in[2];
    const struct onnx_value *c = step_has(s, 2) ? s->in[2] : NULL;
    double alpha = (double)step_float(s, "alpha", 1);
    int err = 0;
    for (int k = 0; !err && k < 2; k++) {
        const struct onnx_value *x = k ? b : a;
        if (!x->known && value_batch_axis(x) != NO_BATCH)
            return step_refuse_batch(s, "the batch is an axis of its matrices");
        err = step_in_order(s, x, &in[k]);
    }
    if (err) return err;
    *y = in[0];
    y->dims = (struct dims){ 2, { a->dims.dim[ta], b->dims.dim[!tb] } };
    y->v = step_apply(s, "matmul", NULL, 2, (struct hsgd_value *[]){ in[0].v, in[1].v },
                      "transpose_a=%s transpose_b=%s", ta ? "true" : "false", tb ? "true" : "false");
    if (!y->v) return -EINVAL;
    if (alpha != 1) err = value_scalar(s, "mul", y, alpha, y);
    return c && !err ? add_scaled(s, y, c, (double)step_float(s, "beta", 1)) : err;
}

/* Y = alpha A' B' + beta C */
static int read_gemm(struct step *s)
{
    struct onnx_value y = { 0 };
    const struct onnx_value *a = step_has(s, 0) ? s->in[0] : NULL, *b = step_has(s, 1) ? s->in[1] : NULL;
    bool ta = step_int(s, "transA", 0) != 0, tb = step_int(s, "transB", 0) != 0;
    int err = check_gemm(s, a, b, ta, tb);
    if (err) return err;
    err = b->known && !a->known ? gemm_by_known(s, a, b, ta, tb, &y) : gemm_of_computed(s, a, b, ta, tb, &y);
    return err ? err : step_out(s, 0, &y, NULL, y.v);
}

/* x W of known W, or W x of known W, which is x^T W^T with the axes where they lie. */
static int by_known(struct step *s, const struct onnx_value *x, const struct onnx_value *w, bool left)
{
    struct onnx_value in = { 0 };
    int axis = x->dims.rank - (left ? 2 : 1);
    if (w->dims.rank != 2 || axis < 0) return step_refuse(s, "a constant factor must be a matrix");
    if (x->dims.dim[axis] != w->dims.dim[left])
        return step_refuse(s, "%s and %s do not fit", dims_text(&s->in[0]->dims).text, dims_text(&s->in[1]->dims).text);
    int err = take_axis(s, x, axis, &in);
    if (err) return err;
    struct onnx_value y = in;
    struct dims dims = x->dims;
    y.flat_positions = 0;
    dims.dim[axis] = w->dims.dim[!left];
    return step_out(s, 0, &y, &dims, dense(s, &in, w, left, 1, NULL, 0));
}

/* Products of matrices, of as many as the axes before the last two have. */
static int by_computed(struct step *s, const struct onnx_value *a, const struct onnx_value *b)
{
    struct onnx_value in[2], y;
    int ra = a->dims.rank, rb = b->dims.rank, place[ONNX_RANK], at = 0;
    if (ra < 2 || rb < 2) return step_refuse(s, "a vector is not supported as a factor");
    struct dims lead_a = a->dims, lead_b = b->dims, to;
    lead_a.rank -= 2;
    lead_b.rank -= 2;
    if (a->dims.dim[ra - 1] != b->dims.dim[rb - 2] || !dims_broadcast(&lead_a, &lead_b, &to) || to.rank + 2 > ONNX_RANK)
        return step_refuse(s, "%s and %s do not fit", dims_text(&a->dims).text, dims_text(&b->dims).text);
    const struct onnx_value *longer = ra >= rb ? a : b;
    int batch = value_batch_axis(longer);
    if (batch >= to.rank) return step_refuse_batch(s, "the batch is an axis of its matrices");
    for (int i = 0; i < to.rank + 2; i++) place[i] = i == batch ? BATCH : at++;
    for (int k = 0; k < 2; k++) {
        const struct onnx_value *x = k ? b : a;
        struct dims dims = to;
        for (int i = 2; i > 0; i--) dims.dim[dims.rank++] = x->dims.dim[x->dims.rank - i];
        int err = step_like(s, x, &dims, place, &in[k]);
        if (err) return err;
    }
    y = in[0];
    y.dims.dim[to.rank + 1] = b->dims.dim[rb - 1];
    return step_out(s, 0, &y, NULL,
                    step_apply(s, "matmul", NULL, 2, (struct hsgd_value *[]){ in[0].v, in[1].v }, "%s", ""));
}

static int read_matmul(struct step *s)
{
    if (!step_has(s, 0) || !step_has(s, 1)) return step_refuse(s, "it needs two inputs");
    if (s->in[1]->known) return by_known(s, s->in[0], s->in[1], false);
    if (s->in[0]->known) return by_known(s, s->in[1], s->in[0], true);
    return by_computed(s, s->in[0], s->in[1]);
}

const struct onnx_row onnx_linear_rows[] = {
    { "Gemm", 1, 0, "alpha beta broadcast transA transB", 1u << 1 | 1u << 2, 0, false, false, read_gemm },
    { "MatMul", 1, 0, "", 0, 0, false, false, read_matmul },
    { 0 },
};
