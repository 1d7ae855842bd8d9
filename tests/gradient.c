/* SPDX-License-Identifier: BSD-3-Clause */
#include "gradient.h"

#include "kernels.h"

void become_gradient(struct hsgd_emit *e, const void *user, const struct update *u)
{
    struct copy_args copy = { (int)u->n };
    struct add_args add = { (int)u->n };
    (void)user;
    HSGD_LAUNCH(e, HSGD_KERNEL(copy), HSGD_ITEMS, u->n, &copy, u->part[0], u->w);
    for (int i = 1; i < u->parts; i++) HSGD_LAUNCH(e, HSGD_KERNEL(add), HSGD_ITEMS, u->n, &add, u->part[i], u->w);
}
