/* SPDX-License-Identifier: BSD-3-Clause */
/* Resize: along each axis a product with a matrix of interpolation, or repeated
 * values where that is the same. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "onnx/rows.h"

/* One axis: sizes, and what the operator says. */
struct resize {
    int64_t in, out;
    double scale, start, end; /* of tf_crop_and_resize: the part of the axis */
    double outside;           /* the value beyond it */
};

/* ------------------------------------------------------------------ coordinates */

static double half_pixel(const struct resize *a, int64_t i) { return ((double)i + 0.5) / a->scale - 0.5; }
static double asymmetric(const struct resize *a, int64_t i) { return (double)i / a->scale; }
static double tf_half_pixel(const struct resize *a, int64_t i) { return ((double)i + 0.5) / a->scale; }
static double pytorch_half_pixel(const struct resize *a, int64_t i) { return a->out > 1 ? half_pixel(a, i) : 0; }

/* The last of in x scale positions, which may be a fraction, is the last value. */
static double align_corners(const struct resize *a, int64_t i)
{
    double length = (double)a->in * a->scale;
    return length > 1 ? (double)i * (double)(a->in - 1) / (length - 1) : 0;
}

static double crop(const struct resize *a, int64_t i)
{
    double last = (double)(a->in - 1);
    if (a->out == 1) return 0.5 * (a->start + a->end) * last;
    return a->start * last + (double)i * (a->end - a->start) * last / (double)(a->out - 1);
}

static const struct {
    const char *name;
    double (*at)(const struct resize *a, int64_t i);
} coordinates[] = {
    { "half_pixel", half_pixel },       { "asymmetric", asymmetric },
    { "align_corners", align_corners }, { "pytorch_half_pixel", pytorch_half_pixel },
    { "tf_crop_and_resize", crop },     { "tf_half_pixel_for_nn", tf_half_pixel },
};

/* -------------------------------------------------------------------- weights */

/* Index of the nearest value. */
static double nearest(const struct step *s, double x)
{
    bool old = s->r->opset < 11;
    const char *usual = old ? "floor" : "round_prefer_floor";
    if (step_is(s, "nearest_mode", "floor", usual)) return floor(x);
    if (step_is(s, "nearest_mode", "ceil", usual)) return ceil(x);
    if (step_is(s, "nearest_mode", "round_prefer_ceil", usual)) return floor(x + 0.5);
    return ceil(x - 0.5);
}

/* Keys' cubic kernel. */
static double cubic(double a, double x)
{
    x = fabs(x);
    if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? a * (((x - 5) * x + 8) * x - 4) : 0;
}

static void add(double *w, int64_t in, double index, double weight)
{
    index = index < 0 ? 0 : index > (double)(in - 1) ? (double)(in - 1) : index;
    w[(int64_t)index] += weight;
}

/* Weights of the inputs in an output at coordinate x: `in` numbers, which are 0 at first. */
static void weigh(const struct step *s, const struct resize *a, double x, double *w)
{
    double from = floor(x), t = x - from, sum = 0;
    bool excludes = step_int(s, "exclude_outside", 0) != 0;
    if (step_is(s, "mode", "nearest", "nearest")) {
        add(w, a->in, nearest(s, x), 1);
    } else if (step_is(s, "mode", "linear", "")) {
        add(w, a->in, from, 1 - t);
        add(w, a->in, from + 1, t);
    } else {
        for (int k = -1; k <= 2; k++) {
            double tap = cubic((double)step_float(s, "cubic_coeff_a", -0.75f), t - k);
            bool outside = from + k < 0 || from + k > (double)(a->in - 1);
            if (excludes && outside) continue;
            add(w, a->in, from + k, tap);
            sum += tap;
        }
        for (int64_t i = 0; excludes && i < a->in; i++) w[i] /= sum;
    }
}

/* in x out, and what is added; NULL: out of memory. */
static double *matrix(const struct step *s, const struct resize *a, double (*at)(const struct resize *, int64_t),
                      double *bias)
{
    double *m = calloc((size_t)(a->in * a->out) + 1, sizeof *m), *w = calloc((size_t)a->in + 1, sizeof *w);
    for (int64_t o = 0; m && w && o < a->out; o++) {
        double x = at(a, o);
        bool outside = at == crop && (x < 0 || x > (double)(a->in - 1));
        memset(w, 0, (size_t)a->in * sizeof *w);
        if (!outside) weigh(s, a, x, w);
        bias[o] = outside ? a->outside : 0;
        for (int64_t i = 0; i < a->in; i++) m[i * a->out + o] = w[i];
    }
    free(w);
    return m;
}

/* ----------------------------------------------------------------------- axes */

static int resize_axis(struct step *s, int axis, const struct resize *a, double (*at)(const struct resize *, int64_t),
                       struct onnx_value *x)
{
    struct onnx_value from = *x;
    char name[LAYER_NAME];
    if (a->in * a->out > 1 << 22) return step_refuse(s, "axis %d is too long", axis);
    int err = step_axis_last(s, &from, axis, x);
    if (err) return err;
    double *bias = calloc((size_t)a->out + 1, sizeof *bias), *m = bias ? matrix(s, a, at, bias) : NULL;
    x->v = step_apply(s, "dense", name, 1, &x->v, "units=%lld", (long long)a->out);
    x->dims.dim[axis] = a->out;
    if (!x->v) {
        free(bias);
        free(m);
        return -EINVAL;
    }
    err = step_weight(s, name, "weight", m, a->in * a->out, false);
    if (!err) return step_weight(s, name, "bias", bias, a->out, false);
    free(bias);
    return err;
}

/* Whether repeating each value is the same. */
static bool repeats(const struct step *s, const struct resize *a, double (*at)(const struct resize *, int64_t))
{
    bool same = step_is(s, "mode", "nearest", "nearest") && a->out % a->in == 0;
    for (int64_t o = 0; same && o < a->out; o++) {
        double index = nearest(s, at(a, o));
        same = at != crop && (index < 0 ? 0 : index) == (double)(o / (a->out / a->in));
    }
    return same;
}

/* The sizes after it, from scales or sizes. */
static int read_axes(struct step *s, const struct onnx_value *x, struct resize *axis)
{
    const Onnx__AttributeProto *given = step_attribute(s, "scales");
    int rank = x->dims.rank, first = s->r->opset < 11 ? 1 : 2;
    int64_t size[ONNX_RANK];
    bool sizes = step_has(s, 3) && s->in[3]->dims.rank == 1 && s->in[3]->dims.dim[0] > 0;
    const struct tensor *scale = given || sizes ? NULL : step_known(s, first), *roi = NULL;
    if (step_is(s, "coordinate_transformation_mode", "tf_crop_and_resize", "") && !(roi = step_known(s, 1)))
        return -EINVAL;
    int n = sizes   ? step_ints(s, NULL, 3, ONNX_RANK, size)
            : given ? (int)given->n_floats
            : scale ? (int)scale->count
                    : -2;
    if (n != rank || (roi && roi->count != 2 * rank))
        return n < 0 ? -EINVAL : step_refuse(s, "it does not have a scale for each of %d axes", rank);
    for (int i = 0; i < rank; i++) {
        struct resize *a = &axis[i];
        double f = given ? (double)given->floats[i] : scale ? scale->number[i] : 0;
        *a = (struct resize){ .in = x->dims.dim[i],
                              .end = 1,
                              .outside = (double)step_float(s, "extrapolation_value", 0) };
        if (roi) a->start = roi->number[i], a->end = roi->number[rank + i];
        a->scale = sizes ? (double)size[i] / (double)a->in : f;
        double out = sizes ? (double)size[i] : floor((double)a->in * f * (roi ? a->end - a->start : 1));
        if (!(out >= 1 && out <= 1 << 24)) return step_refuse(s, "a scale of %g is not possible", a->scale);
        a->out = (int64_t)out;
    }
    return 0;
}

static int resize(struct step *s, struct onnx_value *x, double (*at)(const struct resize *, int64_t))
{
    struct resize axis[ONNX_RANK];
    int64_t times[ONNX_RANK];
    bool all = true;
    int err = read_axes(s, x, axis);
    struct dims dims = x->dims;
    for (int i = 0; !err && i < dims.rank; i++) {
        bool changes = axis[i].out != axis[i].in || at == crop;
        all = all && repeats(s, &axis[i], at);
        dims.dim[i] = axis[i].out;
        if (x->place[i] == BATCH && axis[i].out != axis[i].in) return step_refuse_batch(s, "it resizes the batch");
        if (x->place[i] != BATCH) times[x->place[i]] = changes ? axis[i].out / axis[i].in : 1;
    }
    if (!err && all)
        return step_out(s, 0, x, &dims,
                        step_apply_one(s, "upsample", x->v, "scales=%s", list_text(value_sample_rank(x), times).text));
    for (int i = 0; !err && i < dims.rank; i++) {
        bool whole = axis[i].start == 0 && axis[i].end == 1;
        if (x->place[i] != BATCH && !(axis[i].out == axis[i].in && whole)) err = resize_axis(s, i, &axis[i], at, x);
    }
    return err ? err : step_out(s, 0, x, NULL, step_view(s, x));
}

static int read_resize(struct step *s)
{
    struct onnx_value x;
    const char *usual = s->r->opset < 11 ? "asymmetric" : "half_pixel";
    bool known =
        step_is(s, "mode", "nearest", "nearest") || step_is(s, "mode", "linear", "") || step_is(s, "mode", "cubic", "");
    if (!known) return step_refuse(s, "its mode is not supported");
    int err = step_has(s, 0) && s->in[0]->dims.rank > 2 && s->in[0]->place[0] == BATCH ? step_image(s, s->in[0], &x)
                                                                                       : step_computed(s, 0, &x);
    for (size_t i = 0; !err && i < sizeof coordinates / sizeof *coordinates; i++)
        if (step_is(s, "coordinate_transformation_mode", coordinates[i].name, usual))
            return resize(s, &x, coordinates[i].at);
    return err ? err : step_refuse(s, "its mode of coordinates is not supported");
}

#define ATTRIBUTES_ "coordinate_transformation_mode cubic_coeff_a exclude_outside extrapolation_value mode nearest_mode"
const struct onnx_row onnx_resize_rows[] = {
    { "Resize", 10, 0, ATTRIBUTES_, 0, 1u << 1 | 1u << 2 | 1u << 3, true, false, read_resize },
    { "Upsample", 7, 9, "mode scales", 0, 1u << 1, true, false, read_resize },
    { 0 },
};
