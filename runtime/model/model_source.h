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

/* What a name stands for; of the use of a block also n layers from `first` on. */
struct source_name {
    char name[MODEL_NAME];
    struct file_value value;
    const struct source_block *block; /* NULL: a layer */
    int first, n;
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

/* Where layers are made: in the model itself, or in one use of a block. */
struct frame {
    struct source_block *block;   /* NULL: the model */
    const struct yaml_pairs *use; /* the keys of that use, and which of them its block read */
    unsigned *read;
    char scope[MODEL_NAME]; /* what names begin with: "", or with a dot at its end */
    struct source_list list;
    int recompute;                 /* number of the block that is recomputed; 0: none */
    bool frozen;                   /* no weight trains, unless its layer says it */
    int shift, like_end;           /* layers use the weights of those `shift` before, up to like_end; 0: their own */
    struct file_value input, last; /* what the block takes; what a layer takes that does not say it */
};

/* -ENOMEM. */
int source_no_memory(const struct model_source *s);

/* Gives a value a name, which begins with the frame's scope; at `line` of the file. */
int source_make_name(struct model_source *s, const struct frame *f, int line, const char *name, struct file_value v);
/* Whether a layer can have the name. */
int source_check_name(const struct model_source *s, const struct yaml_pair *p);
/* What "name", or "name:2" for an output other than the first, stands for in a frame; at `line`. */
int source_resolve(const struct model_source *s, const struct frame *f, int line, char *name, struct file_value *out);

/* What was made under the name, in the innermost scope that knows it; NULL: nothing. */
const struct source_name *source_find_made(const struct model_source *s, const struct frame *f, const char *name);

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
