/* SPDX-License-Identifier: BSD-3-Clause */
/* Performance models that StarPU keeps in files, for its tools: a mean for each kind of
 * cell, footprint and device.  What policies and plans go by is plan/cost.h. */
#ifndef HSGD_RUNTIME_PERFMODELS_H
#define HSGD_RUNTIME_PERFMODELS_H

#include "base/core.h"

struct starpu_perfmodel;
struct starpu_task;

#define PERFMODEL_SYMBOL 96 /* bytes of a symbol: letters, digits, "_" and "-" */

/* What StarPU asks of a task. */
struct perfmodel_view {
    uint32_t (*footprint)(struct starpu_task *task);
    size_t (*size)(struct starpu_task *task, unsigned nimpl);
};

/* The model of that symbol, made where it is not there.  NULL: nothing is recorded. */
struct starpu_perfmodel *perfmodels_find(struct hsgd_context *ctx, const char *symbol,
                                         const struct perfmodel_view *view);

/* Adds a time on a device. */
void perfmodels_record(struct starpu_perfmodel *m, struct starpu_task *task, const struct device *d, double us);

/* Whether a context records, and a sentence where what it was told is wrong: 0 or -EINVAL. */
int perfmodels_choose(struct hsgd_context *ctx);

/* Around the end of our own StarPU, which writes all models, or aborts where it cannot. */
void perfmodels_before_shutdown(struct hsgd_context *ctx);
void perfmodels_after_shutdown(void);

#endif
