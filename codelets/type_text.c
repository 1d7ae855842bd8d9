/* SPDX-License-Identifier: BSD-3-Clause */
#include "type_text.h"

#include <stdio.h>

struct type_text type_text(const struct hsgd_type *t)
{
    static const char *const dtypes[HSGD_DTYPES] = { "", " i32", " u8" };
    struct type_text out;
    const char *by = hsgd_type_is_open(t, t->rank) ? " x " : "x";
    int used = t->rank ? 0 : snprintf(out.text, sizeof out.text, "one number");
    for (int i = 0; i < t->rank; i++) {
        size_t left = sizeof out.text - (size_t)used;
        used += t->dim[i] == HSGD_ANY ? snprintf(out.text + used, left, "%sany", i ? by : "")
                                      : snprintf(out.text + used, left, "%s%d", i ? by : "", t->dim[i]);
    }
    if ((unsigned)t->dtype < HSGD_DTYPES)
        snprintf(out.text + used, sizeof out.text - (size_t)used, "%s", dtypes[t->dtype]);
    return out;
}

struct hsgd_shape type_shape(const struct hsgd_type *t)
{
    struct hsgd_shape s = { 1, t->rank > 1 ? t->dim[t->rank - 2] : 1, hsgd_type_channels(t) };
    for (int i = 0; i + 2 < t->rank; i++) s.h *= t->dim[i];
    if (hsgd_type_is_open(t, t->rank - 2)) s.h = HSGD_ANY;
    return s;
}
