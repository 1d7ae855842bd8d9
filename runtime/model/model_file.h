/* SPDX-License-Identifier: BSD-3-Clause */
/* A model file as it was read, before it meets data: its blocks are expanded,
 * and layers know what they take.  The schema is in doc/models.md. */
#ifndef HSGD_RUNTIME_MODEL_FILE_H
#define HSGD_RUNTIME_MODEL_FILE_H

#include "base/attribute.h"
#include "model.h"

#define MODEL_NAME sizeof((struct node *)0)->name

/* A value of the file: an output of a layer, or, where `layer` is negative, the
 * field -1 - layer. */
struct file_value {
    int layer, output;
};

/* Which weights of a layer train: all; none; those that are named. */
struct file_training {
    bool given; /* by the layer, not by a block around it */
    bool frozen;
    int n, line;
    char name[HSGD_MAX_PARAMS][24];
};

struct file_layer {
    const struct hsgd_op *op;
    char name[MODEL_NAME];
    bool is_default;  /* {op: loss}: for classes op, for numbers mse */
    void *attributes; /* the number of classes may be CLASSES, or OUTPUTS */
    int below;        /* > 0: padding only where the input has fewer rows */
    float weight;     /* of a loss */
    bool uncounted;   /* "counted: false" */
    int recompute;    /* number of its block; 0: none */
    int weights;      /* the layer whose weights it uses; -1: its own */
    bool of_use;      /* that is so because the use of a block says it: it may have none */
    struct file_training training;
    int line, inputs;
    struct file_value in[HSGD_MAX_INPUTS];
};

/* A loss's key beside those of its operation. */
extern const struct hsgd_attribute loss_weight;

struct file_field {
    char name[MODEL_NAME];
    struct hsgd_type type; /* rank OF_DATA: the data's */
    bool is_target;
    int line;
};
enum { OF_DATA = -1 };

struct file_result {
    char name[MODEL_NAME];
    struct file_value value;
    int line;
};

struct model_file {
    char *path; /* for sentences; NULL: a built-in model, which has none of its own */
    char name[48];
    bool is_graph;                  /* "hsgd: 2" */
    bool is_written;                /* of the old form, with a name for every layer: as the library wrote it */
    struct hsgd_shape input, usual; /* h 0: not given */
    int input_line;
    int nfields, nlayers, capacity, nresults;
    struct file_field field[MAX_MODEL_FIELDS];
    struct file_layer *layer;
    struct file_result result[MAX_RESULTS];
    const struct hsgd_type *target; /* the data has such numbers in place of labels; NULL: labels */
};

/* Reads a file's text.  Returns 0, or a negative errno with a sentence; free
 * it in any case. */
int model_file_parse(struct hsgd_context *ctx, struct model_file *f, const char *path, const char *text, size_t size);
void model_file_free(struct model_file *f);

/* The model for samples of shape `in` (h 0: the file's) and so many classes
 * (0: the file must give them); NULL after a sentence. */
struct hsgd_model *model_file_build(struct hsgd_context *ctx, const struct model_file *f, struct hsgd_shape in,
                                    int classes);

/* The same without its end, and so without weights. */
struct hsgd_model *model_file_graph(struct hsgd_context *ctx, const struct model_file *f, struct hsgd_shape in,
                                    int classes);

/* Parses and builds, for data with numeric targets (NULL: with labels). */
struct hsgd_model *model_from_bytes(struct hsgd_context *ctx, const char *path, const char *text, size_t size,
                                    struct hsgd_shape in, int classes, const struct hsgd_type *target);
struct hsgd_model *model_from_path(struct hsgd_context *ctx, const char *path, struct hsgd_shape in, int classes,
                                   const struct hsgd_type *target);

/* The model as the text of a model file, to be freed; NULL after a sentence
 * in ctx (which may be NULL). */
char *model_text(struct hsgd_context *ctx, const struct hsgd_model *m);

/* Whether a model file can have this name, or a layer, an input or a result this one. */
bool model_name_possible(const char *name);
bool layer_name_possible(const char *name);

#endif
