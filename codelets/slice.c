/* SPDX-License-Identifier: BSD-3-Clause */
/* Slices: from each axis the indices start, start + step, .. before end. */
#include <stdio.h>

#include "strided.h"
#include "type_text.h"
#include "types.h"

struct range {
    int start, step, size; /* size HSGD_ANY: of an axis that is open */
};

static int64_t between(int64_t low, int64_t x, int64_t high) { return x < low ? low : x > high ? high : x; }

/* Negative numbers count from the end; what lies outside is the nearest that does not. */
static struct range range_of(int dim, int64_t start, int64_t end, int step)
{
    struct range r = { 0, step, HSGD_ANY };
    if (dim == HSGD_ANY) return r;
    int64_t low = step > 0 ? 0 : -1, high = step > 0 ? dim : dim - 1;
    start = between(low, start < 0 ? start + dim : start, high);
    end = between(low, end < 0 ? end + dim : end, high);
    int64_t length = step > 0 ? end - start : start - end, apart = step > 0 ? step : -(int64_t)step;
    r.start = (int)start;
    r.size = length > 0 ? (int)((length + apart - 1) / apart) : 0;
    return r;
}

static bool lists_fit(const struct hsgd_slice *a, int rank)
{
    int n = a->starts.count;
    return n >= 1 && n <= rank && a->ends.count == n && (!a->axes.count || a->axes.count == n) &&
           (!a->steps.count || a->steps.count == n);
}

/* The range of every axis; false, with a sentence in why: the attributes are wrong. */
static bool ranges_of(const struct hsgd_slice *a, const struct hsgd_type *t, struct range *r, char *why, size_t size)
{
    unsigned seen = 0;
    for (int i = 0; i < t->rank; i++) r[i] = (struct range){ 0, 1, t->dim[i] };
    if (!lists_fit(a, t->rank)) {
        snprintf(why, size, "starts, ends, axes and steps must be as many numbers, at most one for each axis of %s",
                 type_text(t).text);
        return false;
    }
    for (int i = 0; i < a->starts.count; i++) {
        int axis = a->axes.count ? axis_place(a->axes.value[i], t->rank) : i;
        int step = a->steps.count ? a->steps.value[i] : 1;
        if (axis < 0 || seen & 1u << axis || !step) {
            snprintf(why, size, "axes must be different ones in 1..%d or -%d..-1, and steps must not be 0", t->rank,
                     t->rank);
            return false;
        }
        seen |= 1u << axis;
        r[axis] = range_of(t->dim[axis], a->starts.value[i], a->ends.value[i], step);
        if (r[axis].size) continue;
        snprintf(why, size, "nothing of axis %d of %s is from %d on and before %d", axis + 1, type_text(t).text,
                 a->starts.value[i], a->ends.value[i]);
        return false;
    }
    return true;
}

static int infer(struct hsgd_node *n, char *why, size_t size)
{
    struct range r[HSGD_MAX_RANK];
    if (need_numbers(n, why, size) || !ranges_of(n->attributes, &n->in[0], r, why, size)) return -1;
    n->outputs = 1;
    n->out[0] = n->in[0];
    for (int i = 0; i < n->in[0].rank; i++) n->out[0].dim[i] = r[i].size;
    return 0;
}

/* From x to y. */
static struct strided moves(const struct hsgd_emit *e)
{
    const struct hsgd_type *in = &e->node->in[0], *out = &e->node->out[0];
    int64_t from[HSGD_MAX_RANK], to[HSGD_MAX_RANK];
    struct range r[HSGD_MAX_RANK];
    struct strided s = strided_begin(e, hsgd_type_size(in), hsgd_type_size(out));
    char why[200];
    ranges_of(e->node->attributes, in, r, why, sizeof why);
    type_strides(in, from);
    type_strides(out, to);
    for (int i = 0; i < in->rank; i++) {
        strided_add(&s, r[i].size, r[i].step * from[i], to[i]);
        strided_skip(&s, r[i].start * from[i], 0);
    }
    return s;
}

static void forward(struct hsgd_emit *e) { emit_strided_copy(e, moves(e), e->x[0], e->y[0]); }

/* No gradient goes to what was left out. */
static void backward(struct hsgd_emit *e)
{
    if (!hsgd_wanted(e->dx[0])) return;
    if (hsgd_type_size(&e->node->out[0]) < hsgd_type_size(&e->node->in[0]))
        emit_strided_zero(e, hsgd_type_size(&e->node->in[0]), e->dx[0]);
    emit_strided_copy(e, strided_reverse(moves(e)), e->dy[0], e->dx[0]);
}

#define AT(field) offsetof(struct hsgd_slice, field)
static const struct hsgd_attribute fields[] = { { "starts", HSGD_INTS, AT(starts), true, 0, NULL },
                                                { "ends", HSGD_INTS, AT(ends), true, 0, NULL },
                                                { "axes", HSGD_INTS, AT(axes), false, 0, NULL },
                                                { "steps", HSGD_INTS, AT(steps), false, 0, NULL },
                                                { 0 } };

const struct hsgd_op hsgd_op_slice = { .name = "slice",
                                       .attributes_size = sizeof(struct hsgd_slice),
                                       .fields = fields,
                                       .layouts = 1u << HSGD_NHWC | 1u << HSGD_LANES,
                                       .infer = infer,
                                       .forward = { { forward } },
                                       .backward = { { backward } } };
