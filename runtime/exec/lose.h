/* SPDX-License-Identifier: BSD-3-Clause */
/* Going on without a device that has failed. */
#ifndef HSGD_RUNTIME_LOSE_H
#define HSGD_RUNTIME_LOSE_H

#include "plan/plan.h"

/* After a failure in a run of p: the device whose failure it was, if the step can be
 * repeated without it, because nothing of it has reached the parameters and
 * another device is left.  It is lost then.  NULL: not so. */
struct device *lose_failed(const struct plan *p);

/* Nothing is to run on d any more. */
void lose_device(struct hsgd_context *ctx, struct device *d);

#endif
