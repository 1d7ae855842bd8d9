/* SPDX-License-Identifier: BSD-3-Clause */
/* A model file while it is read: layers and blocks as they are written. */
#ifndef HSGD_RUNTIME_MODEL_SOURCE_H
#define HSGD_RUNTIME_MODEL_SOURCE_H

#include "io/yaml.h"
#include "model_file.h"

enum { MAX_LAYERS = 1000 };

/* A layer, or the use of a block. */
struct source_item {
    int line, npairs;
    struct yaml_pair *pair;
};

/* Consecutive items. */
struct source_list {
    int first, n;
};

struct source_block {
    char name[MODEL_NAME];
    int line;
    struct source_list list;
    bool is_open, is_used;
};

/* What a name stands for. */
struct source_name {
    char name[MODEL_NAME];
    struct file_value value;
};

struct model_source {
    struct hsgd_yaml *y;
    struct model_file *f;
    int nitems, item_capacity, nblocks, block_capacity, nnames, name_capacity;
    struct source_item *item;
    struct source_block *block;
    struct source_name *name; /* of layers and uses of blocks, in the order in which they were made */
    struct source_list layers;
    int recomputed; /* blocks that are recomputed */
    struct yaml_pairs results;
};

/* Makes the layers of s->f from those that are written.  Returns 0, or a negative
 * errno with a sentence. */
int source_expand(struct model_source *s);

/* Reads the keys of a layer, apart from its name and inputs. */
int layer_read(struct hsgd_yaml *y, struct file_layer *l, const struct yaml_pairs *p);

/* Reads the key "train" of a layer or of the use of a block. */
int layer_read_training(struct hsgd_yaml *y, struct file_training *t, const struct yaml_pair *p);

/* The value of a key; NULL: it is not there. */
const struct yaml_pair *pair_of(const struct yaml_pairs *p, const char *key);

/* Room for one more; false: out of memory. */
bool source_grow(void **block, int n, int *capacity, size_t unit);

#endif
