/* SPDX-License-Identifier: BSD-3-Clause */
/* The library's operations by name. */
#include <string.h>

#include "kernels.h"

static const struct hsgd_op *const ops[] = {
#define OP(name) &hsgd_op_##name,
#include "op_list.h"
#undef OP
};

enum { OPS = sizeof ops / sizeof *ops };

const struct hsgd_op *hsgd_op_at(int i) { return i >= 0 && i < OPS ? ops[i] : NULL; }

const struct hsgd_op *hsgd_op_by_name(const char *name)
{
    for (int i = 0; name && hsgd_op_at(i); i++)
        if (!strcmp(hsgd_op_at(i)->name, name)) return hsgd_op_at(i);
    return NULL;
}
