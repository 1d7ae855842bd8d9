/* SPDX-License-Identifier: BSD-3-Clause */
/* For tests of plans. */
#ifndef HSGD_TESTS_GRADIENT_H
#define HSGD_TESTS_GRADIENT_H

#include "plan/plan.h"

/* An updater's emit(): the parameters become the gradient of the sums. */
void become_gradient(struct hsgd_emit *e, const void *user, const struct update *u);

#endif
