/* SPDX-License-Identifier: BSD-3-Clause */
/* The plan: a training step as a table of cells.  A cell is one StarPU task:
 * a list of kernel launches over a few buffers, restricted to one device.
 * doc/architecture.md has the picture. */
#ifndef HSGD_RUNTIME_PLAN_H
#define HSGD_RUNTIME_PLAN_H

#include "device/perfmodels.h"
#include "model/lower.h"
#include "model/store.h"
#include "program/program.h"

#define PLAN_SLOTS 3       /* input batches a plan holds: one in use, the others being filled */
#define GRADIENT_HEADER 64 /* floats before a gradient: the sum of squares and its parts */

/* Floats before the gradients that a slice returns: sums of losses and metrics, the
 * sum of squares and its parts, numbers of terms. */
static inline int64_t slice_header(const struct hsgd_model *m)
{
    enum { SQUARES = 33 };
    return (m->nsums + SQUARES + MAX_LOSSES + GRADIENT_HEADER - 1) / GRADIENT_HEADER * GRADIENT_HEADER;
}

/* -------------------------------------------------------------- updates */

/* How updates treat a weight. */
struct treatment {
    float rate; /* factor of the learning rate; 0: the weight stays as it is */
    float weight_decay;
};

/* One update of n parameters: of w from the sum of 1 to 3 gradients; clipped:
 * from one, and a factor in the second place. */
struct update {
    int64_t n, stride; /* floats between the numbers of the updater's state of a parameter */
    struct hsgd_ref w, state, step;
    int parts;
    const struct hsgd_ref *part;
    bool clipped;
    struct treatment treatment;
};

#define NORM_SCRATCH 64 /* floats that sums of squares take on the way */

/* How a step changes parameters: whoever trains says it. */
struct updater {
    const char *name;     /* of the optimizer; NULL: none */
    int state_floats;     /* per parameter */
    struct buffer *state; /* of each shard; not there when state_floats is 0 */
    struct buffer *ema;   /* moving average of each shard's parameters; NULL: none */
    int accumulate;       /* above 1: slices in so many parts, one after another; their gradients are added up */
    float clip_norm;      /* norm of the mean gradient above which it is scaled down; 0: none */
    void (*emit)(struct hsgd_emit *e, const void *user, const struct update *update);
    /* Where the change needs norms of whole weights, emit makes only the state; then norms returns two sums over a
     * part of a weight, and change gets their sums over all its parts.  NULL: emit does it all. */
    void (*norms)(struct hsgd_emit *e, const void *user, const struct update *update, struct hsgd_ref sums,
                  struct hsgd_ref scratch);
    void (*change)(struct hsgd_emit *e, const void *user, const struct update *update, struct hsgd_ref sums);
    /* Weights that are treated differently are in updates of their own; NULL: all alike, without decay. */
    struct treatment (*treat)(const void *user, const struct hsgd_model *m, const struct weight_place *w);
    const void *user;
};

/* ---------------------------------------------------------------- cells */

enum plan_mode { PLAN_TRAIN, PLAN_EVALUATE, PLAN_GRADIENT, PLAN_PREDICT };
enum cell_kind { CELL_SLICE, CELL_GRADIENT, CELL_MERGE, CELL_UPDATE, CELL_STEP, CELL_PULL, CELL_PUSH, CELL_KINDS };

/* "slice", "gradient", "merge", "update", "step", "pull", "push" */
const char *cell_kind_name(enum cell_kind kind);

#define MAX_ACCESSES 96 /* of 32 slices an input and an arena each, and what an update takes */

struct access {
    int buffer; /* index into plan.buffer */
    enum starpu_data_access_mode mode;
};

/* A cell's work as one device does it. */
struct variant {
    struct device *device;
    struct hsgd_program program;
    struct cost_entry *cost; /* shared by all that do the same on the device */
};

struct cell {
    char name[40];
    enum cell_kind kind;
    struct device *device;
    int rows; /* samples that pass through, forward and backward; 0: none */
    int priority;
    bool updates;  /* it writes parameters */
    bool of_slice; /* it works on a segment of a slice, of this number; */
    int segment;
    uint32_t shards; /* bit i: it makes or uses the gradient of shard i */
    int affinity;    /* worker of the device whose cache knows the data; -1: any */
    int nvariants;   /* 1: its own device; more: any of these (HSGD_PLACEMENT=starpu) */
    struct variant *variant;
    int naccesses;
    struct access access[MAX_ACCESSES];
    uint32_t footprint;             /* tells it from others of its kind, on any device; */
    size_t size;                    /* samples that pass through, or bytes of parameters: */
    struct starpu_perfmodel *model; /* where StarPU records its times; NULL: nowhere (yet) */
    const char *about;              /* what it is for; the trace's (trace.h); NULL: not known */
    struct starpu_task *stand_in;   /* what StarPU asks for these: tasks may have gone when a time is known */
    atomic_ullong runs, busy_ns;
};

/* One slice: rows [first_row, first_row + rows) of the batch on one device; or a
 * part of it, which has the arena of the part before.  What the parts return is
 * added up in the partial of the first. */
struct slice {
    struct device *device;
    int share, part; /* the slice's number, and the part's in it, from 0 */
    int first_row, rows;
    int input, arena; /* buffers; input is one of `slots` alternatives */
    int partial;      /* sums of losses and metrics, and gradients; PLAN_PREDICT: results, a step behind the other */
};

/* What is done with a buffer of a plan when its size is known. */
struct buffer_plan {
    bool owned, in_main_memory;
    uint32_t nodes; /* memory that it is written through to */
};

#define PLAN_REASON 160 /* characters of a reason */

struct tape;

struct plan {
    struct hsgd_context *ctx;
    struct store *store;      /* NULL: an operation alone, of no step */
    struct hsgd_model *model; /* the store's, at the sizes of this plan */
    struct updater updater;
    struct tape *tape;    /* work of a slice */
    int *sums;            /* buffers of what slices return between segments: [slice][segment]; one slice: of all */
    int *merged;          /* and of these sums over all slices, as each slice makes them; one slice: none */
    struct buffer *cache; /* a session's; NULL: none, */
    int cache_index;      /* and which of the plan's buffers it is */
    int *terms;           /* of what slices count before all else: [slice], its parts share one; NULL: nothing */
    enum plan_mode mode;
    int batch;
    struct wanted wanted;       /* PLAN_PREDICT, in `value`: results, by what, given; */
    int value[3 * MAX_RESULTS]; /* values of the model */
    int window;                 /* results are kept for so many steps */
    int slots;                  /* input batches that it holds */
    int nslices, ncells, nbuffers, capacity;
    struct slice *slice;
    struct cell *cell;
    struct variant *variant; /* of all cells */
    struct buffer **buffer;  /* own and foreign ones */
    struct buffer_plan *buffer_plan;
    struct buffer **slot_buffer;          /* [slice][slots] inputs */
    struct hsgd_ref gradient[MAX_SHARDS]; /* PLAN_GRADIENT: of each shard */
    struct replay *replay;                /* what is kept from run to run, */
    void (*replay_free)(struct plan *);   /* and how whoever runs it frees that */
    char why[MAX_DEVICES][PLAN_REASON];   /* a device has its slices */
    struct failure *failure;              /* where its cells note what goes wrong */
    bool has_room;                        /* its buffers fit into the devices' memory */
    atomic_int touched;                   /* last step of the window that has begun to write parameters; -1: none */
    int64_t steps;                        /* that it has run, */
    uint64_t run_ns;                      /* and what they took by the wall clock */
    char digest[17];                      /* of what times depend on; empty: not known yet */
    int tag;                              /* tells it from others of its mode and batch */
    unsigned described;                   /* the trace that knows what cells are for; 0: none */
    bool placed;                          /* StarPU chooses each cell's device */
    bool exchanges;                       /* others use its buffers while it runs */
    int worker;                           /* of its device, on which a single slice runs */
    int64_t last_used;
};

/* No loss is minimised: no gradients, no updates. */
static inline bool plan_forward_only(const struct plan *p)
{
    return p->mode == PLAN_EVALUATE || p->mode == PLAN_PREDICT;
}

/* Values that a slice returns. */
static inline int plan_outputs(const struct plan *p) { return p->wanted.nresults + p->wanted.nby; }

/* What a batch brings: the model's fields, gradients of the results, values that are given. */
static inline int plan_fields(const struct plan *p)
{
    return p->model->nfields + wanted_seeds(&p->wanted) + p->wanted.ngiven;
}
#define MAX_PLAN_FIELDS (MAX_MODEL_FIELDS + 2 * MAX_RESULTS)

/* Parts of slices, the first slice that has one, and the samples in it. */
int plan_parts(const struct plan *p);
int plan_part_first(const struct plan *p, int part);
int plan_part_rows(const struct plan *p, int part);

struct slice_spec {
    struct device *device;
    int rows;
};

/* Jobs that whoever makes the plan adds before those of the step, and after
 * them (plan_build.h).  NULL: none. */
struct builder;
struct plan_hooks {
    void (*before)(struct builder *b, void *user), (*after)(struct builder *b, void *user);
    bool no_step; /* only what these add */
    void *user;
};

struct plan_spec {
    enum plan_mode mode;
    struct wanted wanted; /* PLAN_PREDICT */
    int window;
    int n; /* slices; in training their rows add up to the batch */
    const struct slice_spec *slice;
    const struct updater *updater;  /* PLAN_TRAIN; copied */
    struct buffer *cache;           /* PLAN_PREDICT on a single slice: what nodes keep between runs; NULL: nothing */
    const struct plan_hooks *hooks; /* NULL: none; used while the plan is built */
    struct failure *failure;        /* NULL: the context's */
    int tag, worker;                /* as in struct plan; */
    bool exchanges;
    bool placed; /* also with HSGD_PLACEMENT=starpu */
};
struct plan *plan_create(struct store *store, const struct plan_spec *spec);
/* Its cells and the sizes of its buffers, but nothing that it takes to run. */
struct plan *plan_sketch(struct store *store, const struct plan_spec *spec);
void plan_destroy(struct plan *plan);

/* The variant for a device; NULL when there is none. */
struct variant *cell_variant(struct cell *cell, const struct device *device);

/* Turns plan-wide buffer numbers into positions among the cell's accesses,
 * finds each kernel's form on the device, and the cell's cost. */
int plan_bind_cell(struct plan *plan, struct cell *cell);
/* The buffer of an access when the step uses input slot `slot`. */
struct buffer *plan_buffer(const struct plan *plan, int index, int slot);
/* Floats of a slice's input: rows of samples, then its labels. */
int64_t plan_input_floats(const struct plan *plan, const struct slice *s);

#endif
