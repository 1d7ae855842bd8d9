/* SPDX-License-Identifier: BSD-3-Clause */
/* Checks of the tensors in a file. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "safetensors_type.h"

enum { SHAPE = 200 };

/* "[6, 5, 5, 1]" */
static const char *shape_text(char text[SHAPE], int ndims, const int64_t *dims)
{
    int used = snprintf(text, SHAPE, "[");
    for (int i = 0; i < ndims; i++)
        used += snprintf(text + used, (size_t)(SHAPE - used), "%s%" PRId64, i ? ", " : "", dims[i]);
    snprintf(text + used, (size_t)(SHAPE - used), "]");
    return text;
}

static bool has_shape(const struct safetensor *t, int ndims, const int64_t *dims)
{
    for (int i = 0; i < ndims; i++)
        if (t->dims[i] != dims[i]) return false;
    return t->ndims == ndims;
}

const struct safetensor *safetensors_need(struct hsgd_context *ctx, const struct safetensors *f, const char *name,
                                          enum safetensors_type type, int ndims, const int64_t *dims)
{
    char has[SHAPE], wants[SHAPE];
    const struct safetensor *t = safetensors_find(f, name);
    if (!t) hsgd_fail(ctx, EINVAL, "%s: tensor \"%s\" is missing", f->path, name);
    else if (t->type != type)
        hsgd_fail(ctx, EINVAL, "%s: tensor \"%s\": dtype must be %s, but is %s", f->path, name,
                  safetensors_type_name(type), safetensors_type_name(t->type));
    else if (!has_shape(t, ndims, dims))
        hsgd_fail(ctx, EINVAL, "%s: tensor \"%s\": shape must be %s, but is %s", f->path, name,
                  shape_text(wants, ndims, dims), shape_text(has, t->ndims, t->dims));
    else return t;
    return NULL;
}

static double element(const struct safetensor *t, int64_t i)
{
    float narrow;
    double wide;
    if (t->type == SAFETENSORS_F64) memcpy(&wide, (const char *)t->data + i * 8, 8);
    else memcpy(&narrow, (const char *)t->data + i * 4, 4);
    return t->type == SAFETENSORS_F64 ? wide : (double)narrow;
}

int safetensors_check_finite(struct hsgd_context *ctx, const struct safetensors *f, const struct safetensor *t)
{
    if (t->type != SAFETENSORS_F32 && t->type != SAFETENSORS_F64) return 0;
    for (int64_t i = 0; i < t->count; i++) {
        double v = element(t, i);
        if (!isfinite(v))
            return hsgd_fail(ctx, EINVAL, "%s: tensor \"%s\": element %" PRId64 " is %s", f->path, t->name, i,
                             isnan(v) ? "NaN" : "infinite");
    }
    return 0;
}
