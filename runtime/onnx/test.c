/* SPDX-License-Identifier: BSD-3-Clause */
/* Test cases of ONNX: a model, inputs, and the outputs that they must give. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/file.h"
#include "onnx/reader.h"

/* As the tests of ONNX compare. */
#define RELATIVE 1e-3
#define ABSOLUTE 1e-7

enum { MAX_BYTES = 1 << 30, PATH = 4096 };

/* One data set of a case. */
struct trial {
    struct hsgd_context *ctx;
    char folder[PATH];
    int ninputs, noutputs;
    struct onnx_bound input[ONNX_INPUTS];
    struct tensor *output[ONNX_OUTPUTS];
    int nbound;
    struct onnx_bound bound[ONNX_INPUTS]; /* inputs that are weights, or must be known */
};

static int unsupported(int err) { return err == -ENOMEM ? err : HSGD_ONNX_UNSUPPORTED; }

static int failed(struct trial *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int failed(struct trial *t, const char *format, ...)
{
    char why[300];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    hsgd_fail(t->ctx, EINVAL, "%s", why);
    return HSGD_ONNX_FAILED;
}

/* -------------------------------------------------------------------- tensors */

/* The tensor of DATA-SET/KIND_N.pb; HSGD_ONNX_UNSUPPORTED, where it is of another kind. */
static int read_tensor(struct trial *t, const char *kind, int n, struct tensor **out)
{
    char path[PATH + 40];
    void *bytes;
    size_t size;
    snprintf(path, sizeof path, "%s/%s_%d.pb", t->folder, kind, n);
    int err = hsgd_file_read(t->ctx, path, MAX_BYTES, &bytes, &size);
    if (err) return err;
    Onnx__TensorProto *from = onnx__tensor_proto__unpack(NULL, size, bytes);
    const char *file = strrchr(path, '/') + 1;
    *out = from ? tensor_read(t->ctx, file, from->name, from) : NULL;
    if (!from) hsgd_fail(t->ctx, EINVAL, "%s: it is no tensor", file);
    if (from) onnx__tensor_proto__free_unpacked(from, NULL);
    free(bytes);
    return *out ? 0 : HSGD_ONNX_UNSUPPORTED;
}

static bool is_initializer(const Onnx__GraphProto *g, const char *name)
{
    for (size_t i = 0; i < g->n_initializer; i++)
        if (!strcmp(g->initializer[i]->name, name)) return true;
    return false;
}

/* A sequence, or an optional value. */
static bool is_other(struct trial *t, const char *kind, const Onnx__ValueInfoProto *v)
{
    if (!v->type || v->type->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE) return false;
    hsgd_fail(t->ctx, EINVAL, "%s \"%s\": it is no tensor", kind, hsgd_show(v->name).text);
    return true;
}

/* Inputs of the graph in their order, as far as they are no initializers. */
static int read_inputs(struct trial *t, const Onnx__ModelProto *file)
{
    const Onnx__GraphProto *g = file->graph;
    for (size_t i = 0; i < g->n_input; i++) {
        char path[PATH + 40];
        if (is_initializer(g, g->input[i]->name)) continue;
        if (is_other(t, "input", g->input[i])) return HSGD_ONNX_UNSUPPORTED;
        snprintf(path, sizeof path, "%s/input_%d.pb", t->folder, t->ninputs);
        if (access(path, F_OK)) continue; /* an optional input without a value */
        if (t->ninputs == ONNX_INPUTS) {
            hsgd_fail(t->ctx, EINVAL, "%s: there are more than %d inputs", t->folder, ONNX_INPUTS);
            return HSGD_ONNX_UNSUPPORTED;
        }
        struct onnx_bound *b = &t->input[t->ninputs];
        b->name = g->input[i]->name;
        int err = read_tensor(t, "input", t->ninputs, &b->tensor);
        if (err) return err;
        t->ninputs++;
        if (reader_input_is_known(g, onnx_opset(file), b->name)) t->bound[t->nbound++] = *b;
    }
    return 0;
}

/* Double precision has numbers that are infinite here. */
static int check_range(struct trial *t, const struct tensor *want)
{
    for (int64_t i = 0; i < want->count; i++)
        if (isfinite(want->number[i]) && fabs(want->number[i]) > (double)FLT_MAX) {
            hsgd_fail(t->ctx, EINVAL, "an output is %g, which no float can be", want->number[i]);
            return HSGD_ONNX_UNSUPPORTED;
        }
    return 0;
}

static int read_outputs(struct trial *t, const Onnx__GraphProto *g)
{
    int err = 0;
    if (g->n_output > ONNX_OUTPUTS) {
        hsgd_fail(t->ctx, EINVAL, "%s: there are more than %d outputs", t->folder, ONNX_OUTPUTS);
        return HSGD_ONNX_UNSUPPORTED;
    }
    for (; !err && t->noutputs < (int)g->n_output; t->noutputs++) {
        if (is_other(t, "output", g->output[t->noutputs])) return HSGD_ONNX_UNSUPPORTED;
        err = read_tensor(t, "output", t->noutputs, &t->output[t->noutputs]);
        if (!err) err = check_range(t, t->output[t->noutputs]);
    }
    return err;
}

static void free_trial(struct trial *t)
{
    for (int i = 0; i < t->ninputs; i++) tensor_free(t->input[i].tensor);
    for (int i = 0; i < t->noutputs; i++) tensor_free(t->output[i]);
}

/* -------------------------------------------------------------------- running */

/* ONNX's axes in the order in which a value lies, that of the batch first: their number. */
static int axes_of(const struct onnx_value *v, int axis[ONNX_RANK])
{
    int n = 0;
    if (value_batch_axis(v) != NO_BATCH) axis[n++] = value_batch_axis(v);
    for (int place = 0; n < v->dims.rank; place++) axis[n++] = value_axis_at(v, place);
    return n;
}

/* Numbers as the model takes them: NULL after a sentence. */
static void *feed(struct trial *t, const struct onnx_value *v, const struct tensor *from)
{
    int axis[ONNX_RANK];
    axes_of(v, axis);
    struct tensor *turned = tensor_transpose(from, axis);
    union {
        float f;
        int32_t i;
    } *to = turned ? malloc(((size_t)turned->count + 1) * sizeof *to) : NULL;
    bool integers = onnx_dtype_is_integer(v->dtype), fits = true;
    for (int64_t i = 0; to && i < turned->count; i++) {
        int64_t number = integers ? tensor_integer(turned, i) : 0;
        fits = fits && number >= INT32_MIN && number <= INT32_MAX;
        if (integers) to[i].i = (int32_t)number;
        else to[i].f = (float)turned->number[i];
    }
    tensor_free(turned);
    if (!to) hsgd_fail(t->ctx, ENOMEM, "out of memory");
    else if (!fits)
        hsgd_fail(t->ctx, EINVAL, "input \"%s\" has integers of more than 32 bits", hsgd_show(v->name).text);
    if (fits) return to;
    free(to);
    return NULL;
}

static const struct tensor *input_named(const struct trial *t, const char *name)
{
    for (int i = 0; i < t->ninputs; i++)
        if (!strcmp(t->input[i].name, name)) return t->input[i].tensor;
    return NULL;
}

static bool close_to(double got, double want)
{
    if (isnan(want)) return isnan(got);
    return got == want || fabs(got - want) <= ABSOLUTE + RELATIVE * fabs(want);
}

/* Result k, which lies at `got`, against what it must be. */
static int compare(struct trial *t, const struct onnx_value *v, int k, const void *got)
{
    int axis[ONNX_RANK];
    axes_of(v, axis);
    const struct tensor *want = t->output[k];
    if (!dims_equal(&v->dims, &want->dims))
        return failed(t, "output \"%s\" has the dimensions %s, not %s", hsgd_show(v->name).text,
                      dims_text(&v->dims).text, dims_text(&want->dims).text);
    struct tensor *turned = tensor_transpose(want, axis);
    struct hsgd_type type;
    int64_t wrong = -1;
    double worst = 0, most = 0, first = 0;
    if (!turned || hsgd_type_of(v->v, &type)) return failed(t, "out of memory");
    for (int64_t i = 0; i < turned->count; i++) {
        double y = type.dtype == HSGD_I32  ? ((const int32_t *)got)[i]
                   : type.dtype == HSGD_U8 ? ((const uint8_t *)got)[i]
                                           : (double)((const float *)got)[i];
        worst = fmax(worst, fabs(y - turned->number[i]));
        most = fmax(most, fabs(turned->number[i]));
        if (wrong < 0 && !close_to(y, turned->number[i])) wrong = i, first = y;
    }
    if (wrong >= 0)
        failed(t, "output \"%s\" has %.9g at %lld in place of %.9g, and differs by %.2g at most, of %.2g",
               hsgd_show(v->name).text, first, (long long)wrong, turned->number[wrong], worst, most);
    tensor_free(turned);
    return wrong < 0 ? HSGD_ONNX_PASSED : HSGD_ONNX_FAILED;
}

static int run_session(struct trial *t, const struct reader *r, struct hsgd_session *session, void **in, void **out)
{
    int result = 0;
    for (int i = 0; i < r->ninputs; i++) {
        const struct tensor *x = input_named(t, r->input[i]->name);
        if (!x) return failed(t, "the data set has nothing for input \"%s\"", hsgd_show(r->input[i]->name).text);
        in[i] = feed(t, r->input[i], x);
        if (!in[i]) return HSGD_ONNX_UNSUPPORTED;
    }
    for (int i = 0; i < t->noutputs; i++) out[i] = malloc((size_t)t->output[i]->count * sizeof(float) + 64);
    for (int i = 0; i < t->noutputs; i++)
        if (!out[i]) return hsgd_fail(t->ctx, ENOMEM, "out of memory");
    int err = hsgd_session_run(session, r->batch_axis == NO_BATCH ? 1 : r->batch, (const void *const *)in, out);
    if (err) return HSGD_ONNX_FAILED;
    for (int i = 0; !result && i < t->noutputs; i++) {
        const struct onnx_value *v = reader_find(r, r->graph->output[i]->name);
        result = compare(t, v, i, out[i]);
    }
    return result;
}

static int run(struct trial *t, const struct reader *r)
{
    void *in[ONNX_INPUTS] = { 0 }, *out[ONNX_OUTPUTS] = { 0 };
    for (int i = 0; i < t->noutputs; i++) /* before memory for results is made by it */
        if (!dims_equal(&reader_find(r, r->graph->output[i]->name)->dims, &t->output[i]->dims))
            return compare(t, reader_find(r, r->graph->output[i]->name), i, NULL);
    struct hsgd_session *session = hsgd_session_create(r->model, NULL);
    int result = session ? run_session(t, r, session, in, out) : HSGD_ONNX_FAILED;
    hsgd_session_destroy(&session);
    for (int i = 0; i < ONNX_INPUTS; i++) free(in[i]);
    for (int i = 0; i < ONNX_OUTPUTS; i++) free(out[i]);
    return result;
}

static int test_data_set(struct hsgd_context *ctx, const char *path, const Onnx__ModelProto *file, const char *folder)
{
    struct trial t = { .ctx = ctx };
    struct reader r;
    snprintf(t.folder, sizeof t.folder, "%s", folder);
    int result = read_inputs(&t, file);
    if (!result) result = read_outputs(&t, file->graph);
    const struct reader from = { .ctx = ctx,
                                 .path = path,
                                 .file = file,
                                 .whole = true,
                                 .nbound = t.nbound,
                                 .bound = t.bound,
                                 .nshapes = t.ninputs,
                                 .shape = t.input };
    int err = result ? 0 : reader_build(&r, &from, "none");
    if (err) result = unsupported(err);
    else if (!result) {
        result = run(&t, &r);
        hsgd_model_destroy(&r.model);
        reader_free(&r);
    }
    free_trial(&t);
    return result;
}

static int test_data_sets(struct hsgd_context *ctx, const char *path, const Onnx__ModelProto *file, const char *folder)
{
    char set[PATH];
    int result = 0, n = 0;
    for (; !result; n++) {
        snprintf(set, sizeof set, "%s/test_data_set_%d", folder, n);
        if (access(set, F_OK)) break;
        result = test_data_set(ctx, path, file, set);
    }
    return n ? result : hsgd_fail(ctx, EINVAL, "%s: there is no test_data_set_0", folder);
}

int hsgd_onnx_test(struct hsgd_context *ctx, const char *folder)
{
    char path[PATH];
    void *bytes;
    size_t size;
    int err = ENTER(ctx, ctx, folder);
    if (err) return err;
    if (snprintf(path, sizeof path, "%s/model.onnx", folder) >= PATH - 100)
        return hsgd_fail(ctx, EINVAL, "the name of the folder is too long");
    err = hsgd_file_read(ctx, path, MAX_BYTES, &bytes, &size);
    if (err) return err;
    Onnx__ModelProto *file = onnx_parse(ctx, path, bytes, size);
    int result = file ? test_data_sets(ctx, path, file, folder) : HSGD_ONNX_UNSUPPORTED;
    onnx_free(file);
    free(bytes);
    return result;
}
