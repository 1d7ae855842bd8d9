/* SPDX-License-Identifier: BSD-3-Clause */
/* Operators on images {batch, channels, ...}, which have their channels last here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "onnx/rows.h"

enum { AXES = 2 };

/* Kernel, strides, dilations and padding of rows and columns; a sequence is an image of one row. */
struct window {
    int64_t kernel[AXES], stride[AXES], dilation[AXES], before[AXES], after[AXES];
};

/* Numbers of an attribute for the axes that there are, into those of `per` numbers for each of two. */
static int ints_or(struct step *s, const char *name, int axes, int per, int64_t otherwise, int64_t *out)
{
    int64_t given[2 * AXES];
    int got = step_ints(s, name, -1, 2 * AXES, given), n = axes * per;
    if (got < -1) return -EINVAL;
    if (got >= 0 && got != n) return step_refuse(s, "%s has %d numbers, not %d", name, got, n);
    for (int i = 0; i < per * AXES; i++) out[i] = otherwise;
    for (int i = 0; got >= 0 && i < n; i++) {
        if (given[i] < 0 || given[i] > 1 << 20) return step_refuse(s, "%s cannot be %lld", name, (long long)given[i]);
        out[i / axes * AXES + AXES - axes + i % axes] = given[i];
    }
    return 0;
}

/* Padding so that the output has as many positions as strides fit into the input. */
static void pad_same(const struct onnx_value *x, struct window *w, bool upper)
{
    for (int i = 0; i < AXES; i++) {
        int64_t in = x->dims.dim[2 + i], out = (in + w->stride[i] - 1) / w->stride[i];
        int64_t all = (out - 1) * w->stride[i] + (w->kernel[i] - 1) * w->dilation[i] + 1 - in;
        if (all < 0) all = 0;
        w->before[i] = upper ? all / 2 : all - all / 2;
        w->after[i] = all - w->before[i];
    }
}

static int auto_pad(struct step *s, const struct onnx_value *x, struct window *w)
{
    if (step_is(s, "auto_pad", "NOTSET", "NOTSET")) return 0;
    bool upper = step_is(s, "auto_pad", "SAME_UPPER", ""), lower = step_is(s, "auto_pad", "SAME_LOWER", "");
    if (upper || lower) pad_same(x, w, upper);
    else if (!step_is(s, "auto_pad", "VALID", "")) return step_refuse(s, "its auto_pad is unknown");
    for (int i = 0; !upper && !lower && i < AXES; i++) w->before[i] = w->after[i] = 0;
    return 0;
}

/* axes: that the operator has, 1 or 2; kernel: of them, NULL: an attribute. */
static int read_window(struct step *s, const struct onnx_value *x, int axes, const int64_t *kernel, struct window *w)
{
    int64_t pads[2 * AXES];
    int err = ints_or(s, "strides", axes, 1, 1, w->stride);
    if (!err) err = ints_or(s, "dilations", axes, 1, 1, w->dilation);
    if (!err) err = ints_or(s, "pads", axes, 2, 0, pads);
    if (!err) err = ints_or(s, "kernel_shape", axes, 1, kernel ? 1 : axes < AXES, w->kernel);
    for (int i = 0; !err && kernel && i < axes; i++) w->kernel[AXES - axes + i] = kernel[i];
    if (!err && axes < AXES) w->kernel[0] = 1;
    for (int i = 0; !err && i < AXES; i++) {
        w->before[i] = pads[i];
        w->after[i] = pads[AXES + i];
        if (!w->stride[i] || !w->kernel[i] || !w->dilation[i]) err = step_refuse(s, "its kernel or strides are 0");
    }
    return err ? err : auto_pad(s, x, w);
}

/* As attributes of an operation; only what is needed. */
struct window_text {
    char text[240];
};
static struct window_text window_text(const struct window *w)
{
    struct window_text t;
    const int64_t pads[] = { w->before[0], w->before[1], w->after[0], w->after[1] };
    bool even = pads[0] == pads[1] && pads[0] == pads[2] && pads[0] == pads[3];
    snprintf(t.text, sizeof t.text, "kernel=%lld stride=%lld ", (long long)w->kernel[0], (long long)w->stride[0]);
    char *end = t.text + strlen(t.text);
    size_t left = sizeof t.text - (size_t)(end - t.text);
    if (even) end += snprintf(end, left, "padding=%lld ", (long long)pads[0]);
    else end += snprintf(end, left, "pads=%s ", list_text(4, pads).text);
    if (w->kernel[1] != w->kernel[0])
        end += snprintf(end, sizeof t.text - (size_t)(end - t.text), "kernel_w=%lld ", (long long)w->kernel[1]);
    if (w->stride[1] != w->stride[0])
        end += snprintf(end, sizeof t.text - (size_t)(end - t.text), "stride_w=%lld ", (long long)w->stride[1]);
    if (w->dilation[0] != 1)
        end += snprintf(end, sizeof t.text - (size_t)(end - t.text), "dilation=%lld ", (long long)w->dilation[0]);
    if (w->dilation[1] != w->dilation[0])
        snprintf(end, sizeof t.text - (size_t)(end - t.text), "dilation_w=%lld ", (long long)w->dilation[1]);
    return t;
}

/* Input 0 as an image of rows and columns; axes: how many it has in the file. */
static int image_of(struct step *s, struct onnx_value *x, int *axes)
{
    if (!step_has(s, 0) || s->in[0]->known) return step_refuse(s, "its input is missing, or constant");
    *axes = s->in[0]->dims.rank - 2;
    if (*axes < 1 || *axes > AXES)
        return step_refuse(s, "only images and sequences, not %s", dims_text(&s->in[0]->dims).text);
    int err = step_image(s, s->in[0], x);
    if (err || *axes == AXES) return err;
    const int64_t row[] = { 1, x->dims.dim[2], x->dims.dim[1] };
    x->v = step_reshape(s, x->v, 3, row);
    x->dims = (struct dims){ 4, { x->dims.dim[0], row[2], 1, row[1] } };
    memcpy(x->place, (int[]){ BATCH, 2, 0, 1 }, 4 * sizeof *x->place);
    return x->v ? 0 : -EINVAL;
}

/* What an operation made of it, as many axes as in the file. */
static int image_out(struct step *s, const struct onnx_value *x, int axes, struct hsgd_value *v)
{
    struct onnx_value y = *x;
    struct hsgd_type t;
    if (!v || hsgd_type_of(v, &t)) return -EINVAL;
    y.dims = (struct dims){ 4, { x->dims.dim[0], t.dim[2], t.dim[0], t.dim[1] } };
    if (axes == AXES) return step_out(s, 0, &y, NULL, v);
    y.dims = (struct dims){ 3, { x->dims.dim[0], t.dim[2], t.dim[1] } };
    memcpy(y.place, (int[]){ BATCH, 1, 0 }, 3 * sizeof *y.place);
    return step_out(s, 0, &y, NULL, step_reshape(s, v, 2, (int64_t[]){ t.dim[1], t.dim[2] }));
}

/* out,in,kh,kw to out,kh,kw,in */
static double *filters_of(const struct tensor *w, int axes)
{
    struct tensor *t = tensor_transpose(w, axes == AXES ? (int[]){ 0, 2, 3, 1 } : (int[]){ 0, 2, 1 });
    double *numbers = t ? numbers_of(t) : NULL;
    tensor_free(t);
    return numbers;
}

static int read_conv(struct step *s)
{
    struct onnx_value x;
    struct window w;
    char name[LAYER_NAME], more[40] = "";
    int axes, err = image_of(s, &x, &axes);
    const struct tensor *f = err ? NULL : step_known(s, 1), *b = NULL;
    if (!f) return -EINVAL;
    int64_t groups = step_int(s, "group", 1), out = f->dims.dim[0];
    if (f->dims.rank != 2 + axes) return step_refuse(s, "its weight cannot be %s", dims_text(&f->dims).text);
    if (step_has(s, 2) && !(b = step_known(s, 2))) return -EINVAL;
    if (b && b->count != out) return step_refuse(s, "its bias does not fit its weight");
    err = read_window(s, &x, axes, f->dims.dim + 2, &w);
    if (!err && (groups < 1 || groups > x.dims.dim[1] || f->dims.dim[1] != x.dims.dim[1] / groups))
        err = step_refuse(s, "its weight does not fit its input");
    if (err) return err;
    if (groups > 1) snprintf(more, sizeof more, "groups=%lld", (long long)groups);
    struct hsgd_value *v = step_apply(s, "conv2d", name, 1, &x.v, "out_channels=%lld %sno_bias=%s %s", (long long)out,
                                      window_text(&w).text, b ? "false" : "true", more);
    if (!v) return -EINVAL;
    err = step_weight(s, name, "weight", filters_of(f, axes), f->count, s->in[1]->trains);
    if (!err && b) err = step_weight(s, name, "bias", numbers_of(b), b->count, s->in[2]->trains);
    return err ? err : image_out(s, &x, axes, v);
}

/* Padding of one axis of a transposed convolution, where the size of its output is given. */
static void pad_for(struct step *s, struct window *w, int i, int64_t in, int64_t out, int64_t more)
{
    int64_t all = w->stride[i] * (in - 1) + more + (w->kernel[i] - 1) * w->dilation[i] + 1 - out;
    bool upper = step_is(s, "auto_pad", "SAME_UPPER", "NOTSET");
    if (all < 0) all = 0;
    w->before[i] = upper ? all / 2 : all - all / 2;
    w->after[i] = all - w->before[i];
}

/* What the output has beyond its usual size, taken from the padding behind it as far as that goes: what is left for
 * both axes, or an errno. */
static int64_t output_padding(struct step *s, const struct onnx_value *x, int axes, struct window *w)
{
    int64_t more[AXES], shape[AXES];
    bool same = step_is(s, "auto_pad", "SAME_UPPER", "") || step_is(s, "auto_pad", "SAME_LOWER", "");
    int err = ints_or(s, "output_padding", axes, 1, 0, more);
    if (!err) err = ints_or(s, "output_shape", axes, 1, 0, shape);
    if (err) return err;
    for (int i = AXES - axes; i < AXES; i++) {
        int64_t in = x->dims.dim[2 + i];
        if (same && !shape[i]) shape[i] = in * w->stride[i];
        if (shape[i]) {
            int64_t usual = w->stride[i] * (in - 1) + (w->kernel[i] - 1) * w->dilation[i] + 1;
            if (shape[i] > usual + more[i]) more[i] = shape[i] - usual;
            pad_for(s, w, i, in, shape[i], more[i]);
        }
        int64_t taken = more[i] < w->after[i] ? more[i] : w->after[i];
        w->after[i] -= taken;
        more[i] -= taken;
    }
    if (axes < AXES) more[0] = 0;
    return more[0] == more[1] ? more[0] : step_refuse(s, "its output_padding differs between the axes");
}

/* The transpose of a convolution. */
static int read_conv_transpose(struct step *s)
{
    struct onnx_value x;
    struct window w;
    char name[LAYER_NAME];
    int axes, err = image_of(s, &x, &axes);
    const struct tensor *f = err ? NULL : step_known(s, 1), *b = NULL;
    if (!f) return -EINVAL;
    int64_t groups = step_int(s, "group", 1);
    if (f->dims.rank != 2 + axes || f->dims.dim[0] != x.dims.dim[1] || groups < 1 || groups > 1 << 20)
        return step_refuse(s, "its weight does not fit its input");
    if (step_has(s, 2) && !(b = step_known(s, 2))) return -EINVAL;
    int64_t out = f->dims.dim[1] * groups;
    if (b && b->count != out) return step_refuse(s, "its bias does not fit its weight");
    bool same = !step_is(s, "auto_pad", "NOTSET", "NOTSET") && !step_is(s, "auto_pad", "VALID", "NOTSET");
    err = read_window(s, &x, axes, f->dims.dim + 2, &w);
    for (int i = 0; same && i < AXES; i++) w.before[i] = w.after[i] = 0; /* those of a convolution are others */
    int64_t more = err ? err : output_padding(s, &x, axes, &w);
    if (more < 0) return -EINVAL;
    struct hsgd_value *v = step_apply(s, "conv_transpose2d", name, 1, &x.v,
                                      "out_channels=%lld %sno_bias=%s groups=%lld output_padding=%lld", (long long)out,
                                      window_text(&w).text, b ? "false" : "true", (long long)groups, (long long)more);
    if (!v) return -EINVAL;
    err = step_weight(s, name, "weight", filters_of(f, axes), f->count, s->in[1]->trains);
    if (!err && b) err = step_weight(s, name, "bias", numbers_of(b), b->count, s->in[2]->trains);
    return err ? err : image_out(s, &x, axes, v);
}

static int pool(struct step *s, const char *op, const char *more)
{
    struct onnx_value x;
    struct window w;
    int axes, err = image_of(s, &x, &axes);
    if (!err) err = read_window(s, &x, axes, NULL, &w);
    if (!err && s->outputs > 1) err = step_refuse(s, "indices are no output of the operation");
    int dtype = x.dtype;
    bool integers = !err && onnx_dtype_is_integer(dtype); /* of 8 bits, which are floats without loss */
    if (integers) err = value_cast(s, &x, ONNX_FLOAT, &x);
    if (err) return err;
    struct hsgd_value *v = step_apply_one(s, op, x.v, "%s%s%s", window_text(&w).text, more,
                                          step_int(s, "ceil_mode", 0) ? " ceil_mode=true" : "");
    if (integers && v) v = step_apply_one(s, "pointwise", v, "function=to_int");
    x.dtype = dtype;
    return image_out(s, &x, axes, v);
}

static int read_max_pool(struct step *s) { return pool(s, "max_pool", ""); }

static int read_average_pool(struct step *s)
{
    int64_t pads[2 * AXES] = { 0 };
    int n = step_ints(s, "pads", -1, 2 * AXES, pads);
    bool padded = (n > 0 && (pads[0] || pads[1] || pads[2] || pads[3])) || !step_is(s, "auto_pad", "NOTSET", "NOTSET");
    return pool(s, "avg_pool", padded && step_int(s, "count_include_pad", 0) ? "count_include_pad=true" : "");
}

static int read_global_pool(struct step *s)
{
    struct onnx_value x;
    if (!step_has(s, 0) || s->in[0]->dims.rank < 3) return step_refuse(s, "its input is no image");
    int err = step_image(s, s->in[0], &x);
    if (err) return err;
    int64_t dim[ONNX_RANK];
    struct hsgd_value *v = step_apply_one(s, "global_avg_pool", x.v, "%s", "");
    for (int i = 2; i < x.dims.rank; i++) x.dims.dim[i] = 1;
    int rank = value_sample_dims(&x, dim);
    return step_out(s, 0, &x, NULL, v ? step_reshape(s, v, rank, dim) : NULL);
}

const struct onnx_row onnx_image_rows[] = {
    { "AveragePool", 1, 0, "auto_pad ceil_mode count_include_pad dilations kernel_shape pads strides", 0, 0, true,
      false, read_average_pool },
    { "Conv", 1, 0, "auto_pad dilations group kernel_shape pads strides", 1u << 1 | 1u << 2, 0, true, false,
      read_conv },
    { "ConvTranspose", 1, 0, "auto_pad dilations group kernel_shape output_padding output_shape pads strides",
      1u << 1 | 1u << 2, 0, true, false, read_conv_transpose },
    { "GlobalAveragePool", 1, 0, "", 0, 0, true, false, read_global_pool },
    { "MaxPool", 1, 0, "auto_pad ceil_mode dilations kernel_shape pads storage_order strides", 0, 0, true, false,
      read_max_pool },
    { 0 },
};
