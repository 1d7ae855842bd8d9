/* SPDX-License-Identifier: BSD-3-Clause */
/* Writing a model as an ONNX graph: each node becomes operators, values get the
 * batch as their first axis, and images have their channels first where an
 * operator wants them so. */
#ifndef HSGD_ONNX_WRITER_H
#define HSGD_ONNX_WRITER_H

#include "base/core.h"

#include "model/model.h"
#include "onnx/onnx.pb-c.h"

/* How a value may lie: as here; an image with its channels first; a vector that is such an image, flattened. */
enum form { AS_HERE, CHANNELS_FIRST, FLATTENED, FORMS };

/* The names that a value has in the graph, by form; NULL: not in this one. */
struct written {
    const char *name[FORMS];
    int image; /* of a flattened one: the value that was flattened */
};

struct writer {
    struct hsgd_context *ctx;
    struct hsgd_model *model;
    const char *path;
    struct memory *memory; /* all that the messages point to */
    bool full;             /* there was no memory */
    Onnx__GraphProto graph;
    size_t node_capacity, initializer_capacity;
    struct written *value;   /* of each value of the model */
    int names;               /* that were made up */
    const struct node *node; /* being written */
};

/* An attribute; the last has no name. */
struct attribute {
    const char *name;
    int kind; /* as ONNX counts: 1 float, 2 integer, 3 text, 7 integers */
    float f;
    int64_t i;
    const char *text;
    int n;
    const int64_t *ints;
};
#define FLOAT_(name, value) \
    { \
        name, 1, value, 0, NULL, 0, NULL \
    }
#define INT_(name, value) \
    { \
        name, 2, 0, value, NULL, 0, NULL \
    }
#define TEXT_(name, value) \
    { \
        name, 3, 0, 0, value, 0, NULL \
    }
#define INTS_(name, n, values) \
    { \
        name, 7, 0, 0, NULL, n, values \
    }
#define ATTRIBUTES(...) ((const struct attribute[]){ __VA_ARGS__, { 0 } })
#define INPUTS(...) \
    (int)(sizeof((const char *[]){ __VA_ARGS__ }) / sizeof(char *)), (const char *const[]) { __VA_ARGS__ }

void writer_free(struct writer *w);
/* Memory that the writer frees; NULL: there is none, and it is noted. */
void *writer_memory(struct writer *w, size_t bytes);
const char *writer_text(struct writer *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Fails with a sentence about the node being written. */
int writer_refuse(struct writer *w, const char *why);

/* An operator with one output, whose name is returned. */
const char *write_op(struct writer *w, const char *op, int n, const char *const *in, const struct attribute *a);
/* The same with so many outputs, whose names are given. */
void write_ops(struct writer *w, const char *op, int n, const char *const *in, int outputs, const char *const *out,
               const struct attribute *a);
/* Integers, and floats, as an initializer: its name. */
const char *write_ints(struct writer *w, int n, const int64_t *ints);
const char *write_number(struct writer *w, float number);
/* Numbers of a weight; false: one of the name is there already. */
bool write_tensor(struct writer *w, const char *name, int rank, const int64_t *dim, const float *number);
/* The name and the numbers of parameter p of the node, as they lie in the library. */
const char *write_param_name(struct writer *w, int p);
const float *write_param(const struct writer *w, int p);

/* A parameter that is a vector, as it is; x with the activation at the end of a layer. */
const char *write_vector(struct writer *w, int p);
const char *write_activated(struct writer *w, const char *x);

/* The sample's number of valid positions, of at most `steps`, from input i: {batch, 1, ..}, so many axes in all. */
const char *write_lengths(struct writer *w, int i, int64_t steps, int axes);
/* 1 at positions before these lengths, else 0: {batch, .., steps, ..}, the positions in axis `axis` of so many. */
const char *write_valid(struct writer *w, const char *lengths, int64_t steps, int axis, int axes);

/* Input i of the node in a form: it is converted once. */
const char *write_input(struct writer *w, int i, enum form form);
/* The form that input i has already, for what works element by element. */
enum form write_form(const struct writer *w, int i);
/* Output i of the node has this name. */
void write_output(struct writer *w, int i, enum form form, const char *name);
/* The value in a form. */
const char *write_value(struct writer *w, int value, enum form form);

/* An attribute of the node by its name; 0 where it has none. */
int write_int(const struct writer *w, const char *name);
float write_float(const struct writer *w, const char *name);
const struct hsgd_ints *write_list(const struct writer *w, const char *name);

/* Writes a node: 0 or an errno. */
struct write_row {
    const char *op;
    int (*write)(struct writer *w);
};
extern const struct write_row write_layer_rows[], write_function_rows[], write_attention_rows[], write_image_rows[],
    write_mask_rows[], write_recurrent_rows[], write_reduce_rows[], write_shape_rows[];

#endif
