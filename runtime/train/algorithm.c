/* SPDX-License-Identifier: BSD-3-Clause */
#include "algorithm.h"

#include <string.h>

static const struct algorithm table[HSGD_ALGORITHMS] = {
    [HSGD_SYNC] = { "sync", NULL, SLICE_EQUATIONS, 0, MERGE_GRADIENT, 0 },
    [HSGD_DATA_PARALLEL] = { "data-parallel", "dpsgd", SLICE_EQUAL, 0, MERGE_GRADIENT, 0 },
    [HSGD_LOCAL] = { "local", NULL, SLICE_EQUAL, 8, MERGE_AVERAGE, -1 },
    [HSGD_ELASTIC] = { "elastic", NULL, SLICE_WHOLE, 4, MERGE_ELASTIC, -1 },
    [HSGD_STALE] = { "stale", NULL, SLICE_WHOLE, 1, MERGE_DELTA, 4 },
    [HSGD_HOGWILD] = { "hogwild", NULL, SLICE_WHOLE, 16, MERGE_SHARED, -1 },
    [HSGD_HOGBATCH] = { "hogbatch", NULL, SLICE_BY_KIND, 1, MERGE_SHARED, -1 },
    [HSGD_ADAPTIVE] = { "adaptive", NULL, SLICE_ADAPTIVE, 1, MERGE_DELTA, -1 },
};

#define SMALL 4 /* hogbatch: default batch_size over the batch of a CPU core */
#define RANGE 8 /* adaptive: default batch_size over min_batch */
#define ALPHA 2 /* adaptive: default max_batch over batch_size */

const struct algorithm *algorithm_row(enum hsgd_algorithm a) { return &table[a]; }

const char *hsgd_algorithm_name(enum hsgd_algorithm a) { return a < HSGD_ALGORITHMS ? table[a].name : NULL; }

int hsgd_algorithm_by_name(const char *name)
{
    for (int i = 0; name && i < HSGD_ALGORITHMS; i++)
        if (!strcmp(name, table[i].name) || (table[i].alias && !strcmp(name, table[i].alias))) return i;
    return -EINVAL;
}

/* ----------------------------------------------------------------- batches */

static int or_else(int given, int otherwise) { return given ? given : otherwise > 1 ? otherwise : 1; }

int algorithm_min_batch(const struct hsgd_train_options *o) { return or_else(o->min_batch, o->batch_size / RANGE); }
int algorithm_max_batch(const struct hsgd_train_options *o) { return or_else(o->max_batch, o->batch_size * ALPHA); }

static int within(int batch, int min, int max) { return batch < min ? min : batch > max ? max : batch; }

int algorithm_batch(const struct algorithm *a, const struct hsgd_train_options *o, int batch,
                    enum hsgd_device_kind kind, int n)
{
    switch (a->slices) {
    case SLICE_EQUAL: return or_else(0, batch / n);
    case SLICE_BY_KIND: return kind == HSGD_CPU ? or_else(o->min_batch, batch / SMALL) : or_else(o->max_batch, batch);
    case SLICE_ADAPTIVE: return within(batch, algorithm_min_batch(o), algorithm_max_batch(o));
    default: return batch;
    }
}

int algorithm_local_steps(const struct algorithm *a, const struct hsgd_train_options *o)
{
    bool counts = a->merge == MERGE_AVERAGE || a->merge == MERGE_ELASTIC;
    return counts && o->local_steps ? o->local_steps : a->local_steps;
}
