/* SPDX-License-Identifier: BSD-3-Clause */
#include "strided.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "type_text.h"

enum { TILE = 16, SHORT = 32 }; /* columns that are copied at once where one side jumps; fewer are no work for a warp */

/* ----------------------------------------------------------------- building */

struct strided strided_begin(const struct hsgd_emit *e, int64_t from_size, int64_t to_size)
{
    struct strided s = { .unit = e->node->layout == HSGD_LANES ? 16 : 1 };
    strided_add(&s, hsgd_stored_rows(e) / s.unit, from_size, to_size);
    return s;
}

void strided_add(struct strided *s, int size, int64_t from, int64_t to)
{
    if (size != 1) s->axis[s->n++] = (struct strided_axis){ size, (int)(from * s->unit), (int)(to * s->unit) };
}

void strided_skip(struct strided *s, int64_t from, int64_t to)
{
    s->from += from * s->unit;
    s->to += to * s->unit;
}

struct strided strided_reverse(struct strided s)
{
    int64_t from = s.from;
    s.from = s.to;
    s.to = from;
    for (int i = 0; i < s.n; i++) {
        int stride = s.axis[i].from;
        s.axis[i].from = s.axis[i].to;
        s.axis[i].to = stride;
    }
    return s;
}

void type_strides(const struct hsgd_type *t, int64_t stride[HSGD_MAX_RANK])
{
    int64_t numbers = 1;
    for (int i = t->rank - 1; i >= 0; i--) {
        stride[i] = numbers;
        numbers *= t->dim[i];
    }
}

int axis_place(int axis, int rank)
{
    if (axis >= 1 && axis <= rank) return axis - 1;
    return axis < 0 && axis >= -rank ? rank + axis : -1;
}

int no_axis(int axis, const struct hsgd_type *t, char *why, size_t size)
{
    snprintf(why, size, "axis must be in 1..%d or -%d..-1, as %s has, not %d", t->rank, t->rank, type_text(t).text,
             axis);
    return -1;
}

/* --------------------------------------------------------------- simplifying */

/* Whether the axes are one on both sides. */
static bool are_one(const struct strided_axis *outer, const struct strided_axis *inner)
{
    int64_t size = (int64_t)outer->size * inner->size;
    return size <= INT_MAX && outer->from == (int64_t)inner->from * inner->size &&
           outer->to == (int64_t)inner->to * inner->size;
}

/* With the lanes, and as few axes as possible. */
static struct strided simplified(struct strided s)
{
    struct strided r = s;
    int unit = s.unit;
    s.unit = 1;
    strided_add(&s, unit, 1, 1);
    r.n = 0;
    for (int i = 0; i < s.n; i++) {
        struct strided_axis *last = r.n ? &r.axis[r.n - 1] : NULL;
        if (last && are_one(last, &s.axis[i]))
            *last = (struct strided_axis){ last->size * s.axis[i].size, s.axis[i].from, s.axis[i].to };
        else r.axis[r.n++] = s.axis[i];
    }
    return r;
}

/* The last axis with stride 1 on that side; else the last of all. */
static int contiguous(const struct strided *s, bool from)
{
    for (int i = s->n - 1; i >= 0; i--)
        if ((from ? s->axis[i].from : s->axis[i].to) == 1) return i;
    return s->n - 1;
}

static struct strided_axis take(struct strided *s, int i)
{
    struct strided_axis a = { 1, 0, 0 };
    if (i < 0) return a;
    a = s->axis[i];
    s->n--;
    memmove(&s->axis[i], &s->axis[i + 1], (size_t)(s->n - i) * sizeof *s->axis);
    return a;
}

/* ------------------------------------------------------------ copies and fills */

static int product(const struct strided *s)
{
    int64_t n = 1;
    for (int i = 0; i < s->n; i++) n *= s->axis[i].size;
    return (int)n;
}

/* The row's columns are contiguous in what is written.  Where they jump in what is read, tiles of them share cache
 * lines with the next of the axis that is contiguous there; otherwise a second axis in the row saves a CPU divisions. */
static struct strided_args args_of(const struct hsgd_emit *e, struct strided s)
{
    struct strided_args a = { .tile = INT_MAX };
    struct strided_axis cols = take(&s, contiguous(&s, false)), mid = { 1, 0, 0 };
    int near = contiguous(&s, true);
    if (cols.from != 1 && cols.from && near >= 0 && s.axis[near].from == 1) {
        mid = take(&s, near);
        a.tile = TILE;
    } else if (e->kind == HSGD_CPU) mid = take(&s, s.n - 1);
    a.rows = product(&s);
    a.axes = s.n;
    for (int i = 0; i < s.n; i++) {
        a.size[i] = s.axis[i].size;
        a.from[i] = s.axis[i].from;
        a.to[i] = s.axis[i].to;
    }
    a.mid = mid.size, a.mid_from = mid.from, a.mid_to = mid.to;
    a.cols = cols.size, a.cols_from = cols.from, a.cols_to = cols.to;
    if (cols.size == 1) a.cols_from = a.cols_to = 1;
    if (a.tile > a.cols) a.tile = a.cols;
    return a;
}

void emit_strided_copy(struct hsgd_emit *e, struct strided s, struct hsgd_ref from, struct hsgd_ref to)
{
    s = simplified(s);
    struct strided_args a = args_of(e, s);
    bool items = e->kind != HSGD_CPU && a.cols < SHORT;
    HSGD_LAUNCH(e, items ? HSGD_KERNEL(strided_copy_items) : HSGD_KERNEL(strided_copy), items ? HSGD_ITEMS : HSGD_WARPS,
                a.rows, &a, hsgd_at(from, s.from), hsgd_at(to, s.to));
}

void emit_strided_fill(struct hsgd_emit *e, struct strided s, int value, struct hsgd_ref to)
{
    for (int i = 0; i < s.n; i++) s.axis[i].from = s.axis[i].to;
    s = simplified(s);
    struct strided_args a = args_of(e, s);
    a.value = value;
    HSGD_LAUNCH(e, HSGD_KERNEL(strided_fill), HSGD_WARPS, a.rows, &a, hsgd_at(to, s.to));
}

void emit_strided_zero(struct hsgd_emit *e, int64_t size, struct hsgd_ref to)
{
    struct zero_args a = { (int)(hsgd_stored_rows(e) * size) };
    HSGD_LAUNCH(e, HSGD_KERNEL(zero), HSGD_ITEMS, a.n, &a, to);
}

/* ----------------------------------------------------------------------- sums */

/* Takes out the axes on which `to` does not move. */
static struct strided terms_of(struct strided *s)
{
    struct strided terms = { 0 };
    for (int i = 0; i < s->n;)
        if (s->axis[i].to) i++;
        else terms.axis[terms.n++] = take(s, i);
    return terms;
}

void emit_strided_sum(struct hsgd_emit *e, struct strided s, struct hsgd_ref from, struct hsgd_ref to, bool add)
{
    s = simplified(s);
    from = hsgd_at(from, s.from), to = hsgd_at(to, s.to);
    struct strided terms = terms_of(&s);
    struct strided_axis inner = take(&terms, contiguous(&terms, true)), cols = take(&s, contiguous(&s, true));
    struct strided_sum_args a = { .rows = product(&s), .axes = s.n, .terms = product(&terms), .term_axes = terms.n };
    for (int i = 0; i < s.n; i++) {
        a.size[i] = s.axis[i].size;
        a.from[i] = s.axis[i].from;
        a.to[i] = s.axis[i].to;
    }
    for (int i = 0; i < terms.n; i++) {
        a.term_size[i] = terms.axis[i].size;
        a.term_from[i] = terms.axis[i].from;
    }
    a.cols = cols.size, a.cols_from = cols.from, a.cols_to = cols.to;
    a.inner = inner.size, a.inner_from = inner.from;
    a.add = add;
    bool columns = cols.from == 1 && cols.to == 1 && (cols.size >= 8 || inner.size == 1);
    HSGD_LAUNCH(e, columns ? HSGD_KERNEL(strided_sum_columns) : HSGD_KERNEL(strided_sum), HSGD_WARPS, a.rows, &a, from,
                to);
}
