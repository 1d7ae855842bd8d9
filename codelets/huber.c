/* SPDX-License-Identifier: BSD-3-Clause */
/* Losses of values that are quadratic near the target and linear far from it, of all samples, or of the positions that a
 * third input names. */
#include <stdio.h>

#include "base/c_locale.h"
#include "loss.h"
#include "type_text.h"
#include "types.h"

/* f(d) = slope m (|d| - m / 2) / width, m = min(|d|, width). */
struct form {
    float width, slope;
    bool per_positive, per_length;
};

/* -------------------------------------------------------------------- masks */

static bool is_masked(const struct form *f) { return f->per_positive || f->per_length; }

/* Values of a position: the last axis, but a sequence of numbers has one at each. */
static int position_values(const struct hsgd_node *n, const struct form *f)
{
    return f->per_length && n->in[0].rank == 1 ? 1 : hsgd_type_channels(&n->in[0]);
}

static int mask_infer(struct hsgd_node *n, const struct form *f, char *why, size_t size)
{
    const struct hsgd_type *z = &n->in[0], *by = &n->in[2];
    if (value_infer(n, why, size)) return -1;
    bool fits = f->per_length ? !by->rank && z->rank : by->rank == z->rank - 1 && dims_fit(z, by, by->rank);
    if (by->dtype == HSGD_I32 && fits) return 0;
    snprintf(why, size,
             f->per_length ? "the third input must be one integer, the length of %s, not %s"
                           : "the third input must be one class per position of %s, not %s",
             type_text(z).text, type_text(by).text);
    return -1;
}

static struct value_mask_args mask_of(const struct hsgd_emit *e, const struct form *f)
{
    const struct hsgd_type *z = &e->node->in[0];
    int cols = position_values(e->node, f), positions = sample_size(z) / cols;
    int indices = f->per_length ? z->dim[0] : positions;
    return (struct value_mask_args){ e->rows * positions, cols,          positions,
                                     positions / indices, f->per_length, hsgd_wanted(e->dx[0]) };
}

/* ------------------------------------------------------------------- losses */

static int infer(struct hsgd_node *n, const struct form *f, const char *name, char *why, size_t size)
{
    if (!(f->width > 0 && f->width < 1e30f)) {
        c_snprintf(why, size, "%s must be positive, not %g", name, (double)f->width);
        return -1;
    }
    if (f->per_positive && f->per_length) {
        snprintf(why, size, "per_positive and per_length are incompatible");
        return -1;
    }
    if (is_masked(f) != (n->inputs == 3)) {
        snprintf(why, size, "with per_positive or per_length there are three inputs, else two, not %d", n->inputs);
        return -1;
    }
    if (is_masked(f) ? mask_infer(n, f, why, size) : value_loss_infer(n, why, size)) return -1;
    n->sums[HSGD_FORWARD][0] = 3;
    n->terms = is_masked(f) ? 0 : 1;
    n->forward_flops = 6.0 * sample_size(&n->in[0]);
    return 0;
}

static void forward(struct hsgd_emit *e, const struct form *f)
{
    struct value_mask_args m = mask_of(e, f);
    int rows = is_masked(f) ? m.rows : e->rows, cols = is_masked(f) ? m.cols : sample_size(&e->node->in[0]);
    struct huber_args a = { rows, cols, hsgd_wanted(e->dx[0]), f->slope / f->width / (float)cols, f->width };
    struct hsgd_ref stats = hsgd_scratch(e, 3 * (int64_t)rows), dz = a.want_gradient ? e->dx[0] : e->x[0];
    HSGD_LAUNCH(e, HSGD_KERNEL(huber_values), HSGD_WARPS, rows, &a, e->x[0], e->x[1], dz, stats);
    if (is_masked(f)) HSGD_LAUNCH(e, HSGD_KERNEL(value_mask), HSGD_WARPS, rows, &m, e->x[2], stats, dz);
    emit_row_sums(e, rows, is_masked(f) ? 3 : 1, 3, (float)rows, stats);
}

static void count(struct hsgd_emit *e, const struct form *f)
{
    struct value_mask_args a = mask_of(e, f);
    HSGD_LAUNCH(e, HSGD_KERNEL(value_count), HSGD_WARPS, 1, &a, e->x[2], e->sums);
}

/* -------------------------------------------------------------------- huber */

static struct form huber_form(const struct hsgd_node *n)
{
    const struct hsgd_huber *a = n->attributes;
    return (struct form){ a->delta, a->delta, a->per_positive, a->per_length };
}

static int huber_infer(struct hsgd_node *n, char *why, size_t size)
{
    struct form f = huber_form(n);
    return infer(n, &f, "delta", why, size);
}

static void huber_forward(struct hsgd_emit *e)
{
    struct form f = huber_form(e->node);
    forward(e, &f);
}

static void huber_count(struct hsgd_emit *e)
{
    struct form f = huber_form(e->node);
    count(e, &f);
}

/* ---------------------------------------------------------------- smooth L1 */

static struct form smooth_form(const struct hsgd_node *n)
{
    const struct hsgd_smooth_l1 *a = n->attributes;
    return (struct form){ a->beta, 1, a->per_positive, a->per_length };
}

static int smooth_infer(struct hsgd_node *n, char *why, size_t size)
{
    struct form f = smooth_form(n);
    return infer(n, &f, "beta", why, size);
}

static void smooth_forward(struct hsgd_emit *e)
{
    struct form f = smooth_form(e->node);
    forward(e, &f);
}

static void smooth_count(struct hsgd_emit *e)
{
    struct form f = smooth_form(e->node);
    count(e, &f);
}

/* -------------------------------------------------------------- descriptors */

#define AT(field) offsetof(struct hsgd_huber, field)
static const struct hsgd_attribute huber_fields[] = { { "delta", HSGD_FLOAT, AT(delta), false, 1, NULL },
                                                      { "per_positive", HSGD_BOOL, AT(per_positive), false, 0, NULL },
                                                      { "per_length", HSGD_BOOL, AT(per_length), false, 0, NULL },
                                                      { 0 } };
#undef AT
#define AT(field) offsetof(struct hsgd_smooth_l1, field)
static const struct hsgd_attribute smooth_fields[] = { { "beta", HSGD_FLOAT, AT(beta), false, 1, NULL },
                                                       { "per_positive", HSGD_BOOL, AT(per_positive), false, 0, NULL },
                                                       { "per_length", HSGD_BOOL, AT(per_length), false, 0, NULL },
                                                       { 0 } };

const struct hsgd_op hsgd_op_huber = { .name = "huber",
                                       .attributes_size = sizeof(struct hsgd_huber),
                                       .fields = huber_fields,
                                       .layouts = 1u << HSGD_NHWC,
                                       .inputs = 2,
                                       .max_inputs = 3,
                                       .is_loss = true,
                                       .measures_values = true,
                                       .infer = huber_infer,
                                       .forward = { { huber_forward } },
                                       .count = huber_count };
const struct hsgd_op hsgd_op_smooth_l1 = { .name = "smooth_l1",
                                           .attributes_size = sizeof(struct hsgd_smooth_l1),
                                           .fields = smooth_fields,
                                           .layouts = 1u << HSGD_NHWC,
                                           .inputs = 2,
                                           .max_inputs = 3,
                                           .is_loss = true,
                                           .measures_values = true,
                                           .infer = smooth_infer,
                                           .forward = { { smooth_forward } },
                                           .count = smooth_count };
