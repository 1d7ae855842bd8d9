/* SPDX-License-Identifier: BSD-3-Clause */
#include "types.h"

#include <stdio.h>

#include "type_text.h"

bool type_is_valid(const struct hsgd_type *t, double most)
{
    double size = 1;
    if ((unsigned)t->dtype >= HSGD_DTYPES || t->rank < 0 || t->rank > HSGD_MAX_RANK) return false;
    for (int i = 0; i < t->rank; i++) {
        if (t->dim[i] < 1) return false;
        size *= t->dim[i];
    }
    return size <= most;
}

struct hsgd_type type_least(const struct hsgd_type *t)
{
    struct hsgd_type least = *t;
    for (int i = 0; i < HSGD_MAX_RANK; i++)
        if (t->dim[i] == HSGD_ANY) least.dim[i] = 1;
    return least;
}

bool dims_fit(const struct hsgd_type *a, const struct hsgd_type *b, int n)
{
    for (int i = 0; i < n; i++)
        if (a->dim[i] != b->dim[i] && a->dim[i] != HSGD_ANY && b->dim[i] != HSGD_ANY) return false;
    return true;
}

bool is_rows_of(const struct hsgd_type *t, int rank, int last)
{
    bool fits = t->dtype == HSGD_F32 && t->rank == rank;
    return fits && (t->dim[rank - 1] == last || t->dim[rank - 1] == HSGD_ANY);
}

bool same_dims(const struct hsgd_type *a, const struct hsgd_type *b)
{
    return a->rank == b->rank && dims_fit(a, b, a->rank);
}

int need_floats(const struct hsgd_node *n, char *why, size_t size)
{
    for (int i = 0; i < n->inputs; i++)
        if (n->in[i].dtype != HSGD_F32) {
            snprintf(why, size, "input %d must be of floats, not %s", i + 1, type_text(&n->in[i]).text);
            return -1;
        }
    return 0;
}

int need_one_type(const struct hsgd_node *n, char *why, size_t size)
{
    if (need_floats(n, why, size)) return -1;
    for (int i = 1; i < n->inputs; i++)
        if (!same_dims(&n->in[0], &n->in[i])) {
            snprintf(why, size, "all inputs must have one type, not %s and %s", type_text(&n->in[0]).text,
                     type_text(&n->in[i]).text);
            return -1;
        }
    return 0;
}

int need_numbers(const struct hsgd_node *n, char *why, size_t size)
{
    for (int i = 0; i < n->inputs; i++)
        if (n->in[i].dtype != HSGD_F32 && n->in[i].dtype != HSGD_I32) {
            snprintf(why, size, "input %d must be of floats or 32-bit integers, not %s", i + 1,
                     type_text(&n->in[i]).text);
            return -1;
        }
    return 0;
}

int need_room(const struct hsgd_type *t, char *why, size_t size)
{
    struct hsgd_type least = type_least(t);
    if (type_is_valid(&least, 1 << 26)) return 0;
    snprintf(why, size, "an output of %s is too large", type_text(t).text);
    return -1;
}
