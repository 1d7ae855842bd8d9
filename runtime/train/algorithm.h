/* Algorithms: how the devices share a training, as rows of one table. */
#ifndef HSGD_RUNTIME_TRAIN_ALGORITHM_H
#define HSGD_RUNTIME_TRAIN_ALGORITHM_H

#include "core.h"

/* Which rows of a batch a device takes. */
enum slice_rule {
    SLICE_EQUATIONS,            /* so that all end together */
    SLICE_EQUAL,                /* the same for all */
};

struct algorithm {
    const char *name, *alias;
    enum slice_rule slices;
};

const struct algorithm *algorithm_row(enum hsgd_algorithm a);

#endif
