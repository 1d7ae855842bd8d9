/* SPDX-License-Identifier: BSD-3-Clause */
/* Reshape: the same values in the same order with other dimensions; a view. */
#include <stdio.h>

#include "kernels.h"
#include "type_text.h"

/* Fills in the dimensions with what is left for -1; false: they do not fit n values.
 * HSGD_ANY values: what is left is open, too. */
static bool fit(const struct hsgd_ints *dims, int64_t n, struct hsgd_type *out)
{
    int open = -1;
    int64_t known = 1;
    if (dims->count < 0 || dims->count > HSGD_MAX_RANK) return false;
    out->rank = dims->count;
    for (int i = 0; i < HSGD_MAX_RANK; i++) {
        int d = out->dim[i] = i < dims->count ? dims->value[i] : 0;
        if (i >= dims->count) continue;
        if (d == -1 && open < 0) open = i;
        else if (d < 1 || (known *= d) > (n == HSGD_ANY ? INT32_MAX : n)) return false;
    }
    if (n == HSGD_ANY) return open >= 0;
    if (open >= 0) out->dim[open] = (int)(n / known);
    return open >= 0 ? n % known == 0 : known == n;
}

static int infer(struct hsgd_node *n, char *why, size_t size)
{
    const struct hsgd_reshape *a = n->attributes;
    n->outputs = 1;
    n->out[0] = n->in[0];
    bool open = hsgd_type_is_open(&n->in[0], n->in[0].rank);
    if (fit(&a->dims, hsgd_type_size(&n->in[0]), &n->out[0])) return 0;
    snprintf(why, size,
             open ? "dims must be at most %d positive integers and one -1 for what is left of %s, which is open"
                  : "dims must be at most %d positive integers, one of them -1 for what is left, that fit %s",
             HSGD_MAX_RANK, type_text(&n->in[0]).text);
    return -1;
}

static void nothing(struct hsgd_emit *e) { (void)e; }

#define AT(field) offsetof(struct hsgd_reshape, field)
static const struct hsgd_attribute fields[] = { { "dims", HSGD_INTS, AT(dims), true, 0, NULL }, { 0 } };

const struct hsgd_op hsgd_op_reshape = { .name = "reshape",
                                         .attributes_size = sizeof(struct hsgd_reshape),
                                         .fields = fields,
                                         .layouts = 1u << HSGD_NHWC,
                                         .is_view = true,
                                         .infer = infer,
                                         .forward = { { nothing } } };
