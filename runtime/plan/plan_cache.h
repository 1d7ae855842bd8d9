/* SPDX-License-Identifier: BSD-3-Clause */
/* Plans that are kept. */
#ifndef HSGD_RUNTIME_PLAN_CACHE_H
#define HSGD_RUNTIME_PLAN_CACHE_H

#include "plan.h"

/* Plans that are kept whatever memory they take, unless `most` is less. */
enum { FEW_PLANS = 8 };

struct plan_cache {
    int n, capacity, most; /* the least recently used makes room when there are `most`, */
    int64_t bytes;         /* or more than a few whose buffers take more than so much; 0: any */
    struct plan **plan;
    int64_t uses, made; /* plans that were ever kept */
};

/* The plan of this kind at these sizes, which counts as used; NULL: there is none. */
struct plan *plan_cache_find(struct plan_cache *c, const struct hsgd_model *sized, enum plan_mode mode, int batch,
                             int tag);
/* Keeps a plan; if there is no memory for that it is freed, and NULL returned. */
struct plan *plan_cache_keep(struct plan_cache *c, struct plan *p);
/* Puts `better` in the place of a plan that is kept, which is freed. */
void plan_cache_replace(struct plan_cache *c, struct plan *p, struct plan *better);
/* Frees all plans that may run on d. */
void plan_cache_drop(struct plan_cache *c, const struct device *d);
void plan_cache_close(struct plan_cache *c);

#endif
