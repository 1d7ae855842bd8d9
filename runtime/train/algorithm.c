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

const struct algorithm *algorithm_row(enum hsgd_algorithm a) { return &table[a]; }

const char *hsgd_algorithm_name(enum hsgd_algorithm a) { return a < HSGD_ALGORITHMS ? table[a].name : NULL; }

int hsgd_algorithm_by_name(const char *name)
{
    for (int i = 0; i < HSGD_ALGORITHMS; i++)
        if (!strcmp(name, table[i].name) || (table[i].alias && !strcmp(name, table[i].alias))) return i;
    return -EINVAL;
}
