/* SPDX-License-Identifier: BSD-3-Clause */
/* Padding of a sample's axes; negative padding crops. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/c_locale.h"
#include "strided.h"
#include "type_text.h"
#include "types.h"

/* Of an axis: what is before and after those of its indices that stay. */
struct border {
    int before, after;
};

/* The borders of all axes; false: the lists do not fit. */
static bool borders_of(const struct hsgd_pad *a, int rank, struct border *b)
{
    int n = a->before.count > a->after.count ? a->before.count : a->after.count;
    unsigned seen = 0;
    memset(b, 0, HSGD_MAX_RANK * sizeof *b);
    if (n < 1 || n > rank || a->before.count % n || a->after.count % n || (a->axes.count && a->axes.count != n))
        return false;
    for (int i = 0; i < n; i++) {
        int axis = a->axes.count ? axis_place(a->axes.value[i], rank) : i;
        if (axis < 0 || seen & 1u << axis) return false;
        seen |= 1u << axis;
        b[axis] = (struct border){ a->before.count ? a->before.value[i] : 0, a->after.count ? a->after.value[i] : 0 };
    }
    return true;
}

/* How many indices of an axis stay. */
static int64_t stays(int dim, struct border b)
{
    return dim + (int64_t)(b.before < 0 ? b.before : 0) + (b.after < 0 ? b.after : 0);
}

/* The largest border for which a mode has numbers. */
static int64_t limit_of(enum hsgd_pad_mode mode, int64_t stays)
{
    if (mode == HSGD_PAD_REFLECT) return stays - 1;
    return mode == HSGD_PAD_CIRCULAR ? stays : INT32_MAX;
}

static bool axis_fits(enum hsgd_pad_mode mode, int dim, struct border b, int *out)
{
    *out = HSGD_ANY;
    if (dim == HSGD_ANY) return true;
    int64_t left = stays(dim, b), size = dim + (int64_t)b.before + b.after, limit = limit_of(mode, left);
    *out = (int)size;
    return left >= 1 && size <= INT32_MAX && b.before <= limit && b.after <= limit;
}

static int infer(struct hsgd_node *n, char *why, size_t size)
{
    const struct hsgd_pad *a = n->attributes;
    const struct hsgd_type *in = &n->in[0];
    struct border b[HSGD_MAX_RANK];
    if (need_numbers(n, why, size)) return -1;
    if (!borders_of(a, in->rank, b) || (unsigned)a->mode > HSGD_PAD_CIRCULAR) {
        snprintf(why, size, "before, after and axes must be as many numbers, at most one for each axis of %s",
                 type_text(in).text);
        return -1;
    }
    if (in->dtype == HSGD_I32 && !(fabsf(a->value) < 0x1p31f && a->value == truncf(a->value))) {
        c_snprintf(why, size, "value must be an integer, as the input has, not %g", (double)a->value);
        return -1;
    }
    n->outputs = 1;
    n->out[0] = *in;
    for (int i = 0; i < in->rank; i++)
        if (!axis_fits(a->mode, in->dim[i], b[i], &n->out[0].dim[i])) {
            snprintf(why, size, "a border of %d and %d does not fit axis %d of %s%s", b[i].before, b[i].after, i + 1,
                     type_text(in).text, a->mode == HSGD_PAD_REFLECT ? ", which is reflected" : "");
            return -1;
        }
    return need_room(&n->out[0], why, size);
}

/* ------------------------------------------------------------------- regions */

/* A part of an axis of y: so many indices from `to` on, and the one of x from which they come, `step` apart. */
struct part {
    int size, to, from, step;
};

/* The indices that stay, and those before and after them. */
static struct part part_of(enum hsgd_pad_mode mode, int dim, struct border b, int which)
{
    int first = b.before < 0 ? -b.before : 0, n = (int)stays(dim, b), last = first + n - 1;
    int low = b.before > 0 ? b.before : 0, high = b.after > 0 ? b.after : 0;
    if (!which) return (struct part){ n, low, first, 1 };
    if (mode == HSGD_PAD_REFLECT)
        return which == 1 ? (struct part){ low, 0, first + low, -1 } : (struct part){ high, low + n, last - 1, -1 };
    if (mode == HSGD_PAD_CIRCULAR)
        return which == 1 ? (struct part){ low, 0, last + 1 - low, 1 } : (struct part){ high, low + n, first, 1 };
    return which == 1 ? (struct part){ low, 0, first, 0 } : (struct part){ high, low + n, last, 0 };
}

static struct strided region(const struct hsgd_emit *e, const struct part *part)
{
    const struct hsgd_type *in = &e->node->in[0], *out = &e->node->out[0];
    int64_t from[HSGD_MAX_RANK], to[HSGD_MAX_RANK];
    struct strided s = strided_begin(e, hsgd_type_size(in), hsgd_type_size(out));
    type_strides(in, from);
    type_strides(out, to);
    for (int i = 0; i < in->rank; i++) {
        strided_add(&s, part[i].size, part[i].step * from[i], to[i]);
        strided_skip(&s, part[i].from * from[i], part[i].to * to[i]);
    }
    return s;
}

typedef void region_fn(struct hsgd_emit *e, const struct strided *s, bool is_border);

/* All regions of y: of each axis what stays, first, and what is before and after it. */
static void each_region(struct hsgd_emit *e, region_fn *emit)
{
    const struct hsgd_pad *a = e->node->attributes;
    const struct hsgd_type *in = &e->node->in[0];
    struct border b[HSGD_MAX_RANK];
    int regions = 1;
    borders_of(a, in->rank, b);
    for (int i = 0; i < in->rank; i++) regions *= 3;
    for (int r = 0; r < regions; r++) {
        struct part part[HSGD_MAX_RANK];
        bool is_empty = false;
        for (int i = 0, rest = r; i < in->rank; i++, rest /= 3) {
            part[i] = part_of(a->mode, in->dim[i], b[i], rest % 3);
            is_empty |= !part[i].size;
        }
        if (is_empty) continue;
        struct strided s = region(e, part);
        emit(e, &s, r > 0);
    }
}

static void copy_region(struct hsgd_emit *e, const struct strided *s, bool is_border)
{
    (void)is_border;
    emit_strided_copy(e, *s, e->x[0], e->y[0]);
}

static void add_region(struct hsgd_emit *e, const struct strided *s, bool is_border)
{
    if (is_border) emit_strided_sum(e, strided_reverse(*s), e->dy[0], e->dx[0], true);
    else emit_strided_copy(e, strided_reverse(*s), e->dy[0], e->dx[0]);
}

/* ------------------------------------------------------------------ constants */

static int bits_of(float value, enum hsgd_dtype dtype)
{
    int bits;
    if (dtype == HSGD_I32) return (int)value;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* Fills the borders of axis after axis, over all indices of the axes behind it. */
static void fill_borders(struct hsgd_emit *e)
{
    const struct hsgd_pad *a = e->node->attributes;
    const struct hsgd_type *in = &e->node->in[0];
    struct border b[HSGD_MAX_RANK];
    borders_of(a, in->rank, b);
    for (int axis = 0; axis < in->rank; axis++)
        for (int which = 1; which <= 2; which++) {
            struct part part[HSGD_MAX_RANK];
            for (int i = 0; i < in->rank; i++)
                part[i] = i > axis ? (struct part){ e->node->out[0].dim[i], 0, 0, 1 }
                                   : part_of(HSGD_PAD_CONSTANT, in->dim[i], b[i], i == axis ? which : 0);
            if (part[axis].size) emit_strided_fill(e, region(e, part), bits_of(a->value, in->dtype), e->y[0]);
        }
}

static struct strided interior(const struct hsgd_emit *e)
{
    const struct hsgd_pad *a = e->node->attributes;
    struct border b[HSGD_MAX_RANK];
    struct part part[HSGD_MAX_RANK];
    borders_of(a, e->node->in[0].rank, b);
    for (int i = 0; i < e->node->in[0].rank; i++) part[i] = part_of(HSGD_PAD_CONSTANT, e->node->in[0].dim[i], b[i], 0);
    return region(e, part);
}

static void forward(struct hsgd_emit *e)
{
    if (((const struct hsgd_pad *)e->node->attributes)->mode != HSGD_PAD_CONSTANT) {
        each_region(e, copy_region);
        return;
    }
    fill_borders(e);
    emit_strided_copy(e, interior(e), e->x[0], e->y[0]);
}

/* What was cropped has no gradient. */
static void backward(struct hsgd_emit *e)
{
    const struct hsgd_pad *a = e->node->attributes;
    struct border b[HSGD_MAX_RANK];
    bool crops = false;
    if (!hsgd_wanted(e->dx[0])) return;
    borders_of(a, e->node->in[0].rank, b);
    for (int i = 0; i < e->node->in[0].rank; i++) crops |= b[i].before < 0 || b[i].after < 0;
    if (crops) emit_strided_zero(e, hsgd_type_size(&e->node->in[0]), e->dx[0]);
    if (a->mode == HSGD_PAD_CONSTANT) emit_strided_copy(e, strided_reverse(interior(e)), e->dy[0], e->dx[0]);
    else each_region(e, add_region);
}

#define AT(field) offsetof(struct hsgd_pad, field)
static const struct hsgd_attribute fields[] = { { "before", HSGD_INTS, AT(before), false, 0, NULL },
                                                { "after", HSGD_INTS, AT(after), false, 0, NULL },
                                                { "axes", HSGD_INTS, AT(axes), false, 0, NULL },
                                                { "mode", HSGD_WORD, AT(mode), false, 0,
                                                  "constant reflect edge circular" },
                                                { "value", HSGD_FLOAT, AT(value), false, 0, NULL },
                                                { 0 } };

const struct hsgd_op hsgd_op_pad = { .name = "pad",
                                     .attributes_size = sizeof(struct hsgd_pad),
                                     .fields = fields,
                                     .layouts = 1u << HSGD_NHWC | 1u << HSGD_LANES,
                                     .infer = infer,
                                     .forward = { { forward } },
                                     .backward = { { backward } } };
