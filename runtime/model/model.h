/* SPDX-License-Identifier: BSD-3-Clause */
/* A model's inside: a graph of operations, and the flat bucket that holds all
 * parameters. */
#ifndef HSGD_RUNTIME_MODEL_H
#define HSGD_RUNTIME_MODEL_H

#include "base/core.h"

/* A tensor of the graph. */
struct value {
    struct hsgd_type type;
    int node, output; /* what makes it; node -1: it is a field of the batch, */
    int field;        /* of this number */
};

/* Parameters of a node, as bits. */
typedef uint64_t param_set;
_Static_assert(HSGD_MAX_PARAMS <= 64, "a bit for each parameter");
static inline param_set param_bit(int param) { return (param_set)1 << param; }

/* Parameter `param` of node `node`. */
struct weight_owner {
    int node, param;
};

/* One operation of the graph, on values that were there before it. */
struct node {
    char name[48];
    const struct hsgd_op *op;
    void *attributes;
    struct hsgd_node info;
    int in[HSGD_MAX_INPUTS], out[HSGD_MAX_OUTPUTS]; /* values */
    int number;                                     /* key of its random numbers */
    bool uncounted;                                 /* the numbers of others are as if it were not there */
    int64_t param_offset[HSGD_MAX_PARAMS];          /* in the bucket */
    int shares;                                     /* node before it whose weights it uses; -1: none */
    struct weight_owner owner[HSGD_MAX_PARAMS];     /* of each parameter: itself, or a node before it */
    param_set lent, frozen;                         /* bits of its own parameters: others use it, it does not train */
    int block;                                      /* of nodes that are recomputed together; 0: none */
    bool deferred;                                  /* parameter 0 lies in the deferred part of the bucket */
    float weight;                                   /* of a loss; 0: it is only watched */
    int sums;                                       /* of a loss or metric: where its sums are among a step's */
};

/* What the caller holds of a value, or of a loss, while a graph is built. */
struct hsgd_value {
    struct hsgd_model *model;
    int node, value; /* value -1: what a loss returned */
    struct hsgd_value *before;
};

struct named_value {
    char name[48];
    int value;
};

/* What a batch brings: inputs and targets. */
struct model_field {
    char name[48];
    int value;
    bool is_target;
};

#define MAX_SAMPLE (1 << 26) /* numbers of a sample */
#define MAX_MODEL_FIELDS 16
#define MAX_RESULTS 16
#define MAX_LOSSES 16 /* that are minimised */
#define MAX_METRICS 32
#define MAX_SUMS 32768

/* A figure of a pass over samples: of a loss or metric by its node; node -1: of the
 * whole, which is the loss, or of classes the accuracy, too. */
struct metric {
    const char *name;
    int node;
};

struct hsgd_model {
    struct hsgd_context *ctx;
    char name[48];
    struct hsgd_shape in;
    int nnodes, node_capacity;
    struct node *node; /* in the order in which they can run */
    int nvalues, value_capacity;
    struct value *value;
    int nfields;
    struct model_field field[MAX_MODEL_FIELDS];
    struct hsgd_value *handles; /* the last of all that were given out */
    char scope[200];            /* with a dot at its end, unless it is empty */
    size_t recompute_scope;     /* characters of the scope whose nodes are recomputed, */
    int recompute, blocks;      /* the number of their block (0: none), and of all */
    int nresults;
    struct named_value result[MAX_RESULTS];
    int err;                             /* the first error of building, */
    char why[1024];                      /* and its sentence */
    int loss;                            /* node of the first loss that is minimised; -1: none yet */
    int nmetrics, nsums;                 /* sums: numbers that a step returns of all losses and metrics */
    struct metric metric[MAX_METRICS];   /* the first is the loss */
    int block;                           /* rows that cost as much as one of them: slices should be multiples */
    bool finished;                       /* it has its loss and its weights */
    int64_t states_begin, states_floats; /* in the small part: no optimizer changes them */
    int64_t floats, small_floats;        /* bucket size; the first small_floats are not deferred */
    float *weights;                      /* the bucket, in main memory */
    struct parameters *bound;            /* the weights on devices; NULL: nobody has them there */
    struct hsgd_model *sized;            /* the same at sizes in place of open ones, as far as in use (sizes.h), */
    struct hsgd_model *of, *next;        /* each with the model that it is of, */
    int users;                           /* and so many users */
};

/* Adds an operation on n values; its number, or an errno with the sentence in
 * the context.  name NULL: "<operation><n>". */
int graph_add(struct hsgd_model *m, const struct hsgd_op *op, const void *attributes, int n, const int *in,
              const char *name);
/* Adds a field of the batch; its value, or an errno. */
int graph_add_field(struct hsgd_model *m, const char *name, const struct hsgd_type *type, bool is_target);
/* Fails with a sentence about node i, which may be the one to come. */
int graph_refuse(const struct hsgd_model *m, int i, int err, const char *op, const char *why);
void graph_free(struct hsgd_model *m);
/* As model files call a value: "conv1", "split1:1", or a field. */
enum { VALUE_NAME = 52 };
void graph_value_name(const struct hsgd_model *m, int value, char name[VALUE_NAME]);

/* Lets a node use the weights of another, which comes before it: those of the same name.
 * 0, or an errno with the sentence in the context. */
int graph_share(struct hsgd_model *m, int node, int of);
/* Weights whose names match train no more, or again. */
int graph_freeze(struct hsgd_model *m, const char *pattern, bool frozen);
/* The parameters that are a node's own, as bits. */
param_set graph_own_params(const struct hsgd_model *m, int node);
/* Whether a parameter of a node, its own or another's, changes in training. */
bool graph_trains(const struct hsgd_model *m, const struct node *n, int param);

/* Floats per sample that the nodes before this one keep between runs of a session;
 * node = m->nnodes: that all do. */
int64_t model_cache(const struct hsgd_model *m, int node);

/* No value, but sums, of which the host makes a figure. */
static inline bool op_is_end(const struct hsgd_op *op) { return op->is_loss || op->is_metric; }

/* The field that a value is, perhaps in another shape; NULL: it is computed. */
const struct model_field *value_field(const struct hsgd_model *m, int value);
/* Whether the batch alone tells a value: it is a field, or made of fields by operations that have no parameters and
 * nothing that lasts. */
bool value_given(const struct hsgd_model *m, int value);
/* The field with the targets of a loss or metric; NULL: they are computed. */
const struct model_field *node_target(const struct hsgd_model *m, const struct node *n);
/* How many classes these can be; 0: they are no classes. */
int node_classes(const struct hsgd_model *m, const struct node *n);
/* Whether a loss or metric leaves this class out. */
bool node_ignores(const struct node *n, int class);

/* The target of a finished model's loss. */
const struct model_field *model_loss_field(const struct hsgd_model *m);
/* How many classes the loss's target can have; 0: it is no class, and the model has no accuracy. */
int model_classes(const struct hsgd_model *m);

/* Lays out the bucket and draws initial weights (seed 0) once the loss is there. */
int model_finish(struct hsgd_model *model);
/* 0; before that, an errno with the sentence that says what is missing. */
int model_require_finished(const struct hsgd_model *model);

/* Weights are read and written through these: they fetch and return what a
 * trainer has on devices. */
void model_acquire(struct hsgd_model *model, bool write);
void model_release(struct hsgd_model *model);

/* Weight n of a model: what it is, its node, where it lies in the bucket.
 * False: there are fewer. */
struct weight_place {
    const struct hsgd_param_spec *spec;
    int node, param;
    int64_t offset;
};
bool model_weight(const struct hsgd_model *m, int n, struct weight_place *out);
/* Other names of weights: what the nodes that use them would call them. */
bool model_second_name(const struct hsgd_model *m, int n, struct weight_place *out);
bool model_weight_trains(const struct hsgd_model *m, const struct weight_place *w);
/* Whether a name matches a pattern with * and ?. */
bool weight_name_matches(const char *pattern, const char *name);
/* Whether a weight that can train does. */
bool model_has_weights_like(const struct hsgd_model *m, const char *pattern);
/* The nearest names of weights that can train, the nearest first, in quotes. */
enum { WEIGHT_NAMES = 300 };
void model_nearest_weights(const struct hsgd_model *m, const char *pattern, char out[WEIGHT_NAMES]);
enum { WEIGHT_NAME = 96 };
void model_weight_name(const struct hsgd_model *m, const struct weight_place *w, char name[WEIGHT_NAME]);

static inline int64_t spec_size(const struct hsgd_param_spec *s)
{
    int64_t n = 1;
    for (int i = 0; i < s->rank; i++) n *= s->dim[i];
    return n;
}

#endif
