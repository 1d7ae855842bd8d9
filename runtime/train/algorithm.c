#include "algorithm.h"

#include <string.h>

static const struct algorithm table[HSGD_ALGORITHMS] = {
    [HSGD_SYNC] = { "sync", NULL, SLICE_EQUATIONS },
    [HSGD_DATA_PARALLEL] = { "data-parallel", "dpsgd", SLICE_EQUAL },
};

const struct algorithm *algorithm_row(enum hsgd_algorithm a) { return &table[a]; }

const char *hsgd_algorithm_name(enum hsgd_algorithm a) { return a < HSGD_ALGORITHMS ? table[a].name : NULL; }

int hsgd_algorithm_by_name(const char *name)
{
    for (int i = 0; i < HSGD_ALGORITHMS; i++)
        if (!strcmp(name, table[i].name) || (table[i].alias && !strcmp(name, table[i].alias))) return i;
    return -EINVAL;
}
