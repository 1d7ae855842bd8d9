/* SPDX-License-Identifier: BSD-3-Clause */
/* One operation alone: where its values lie, and the description of its work. */
#ifndef HSGD_RUNTIME_OP_RUN_H
#define HSGD_RUNTIME_OP_RUN_H

#include "plan/plan.h"

#define MAX_RUN_SLICES 64

enum { BUF_INPUT, BUF_PARAMS, BUF_ARENA, BUF_GRADIENTS, BUF_STEP, RUN_BUFFERS };

/* A slice and its places, in floats: of inputs and outputs in the layout of the
 * operation, of what each phase returns, and of its gradients. */
struct op_slice {
    int first, rows;
    int64_t x[HSGD_MAX_INPUTS], dx[HSGD_MAX_INPUTS], y[HSGD_MAX_OUTPUTS], dy[HSGD_MAX_OUTPUTS];
    int64_t kept, gradients, sums[2][HSGD_PHASES];
};

struct op_job {
    struct hsgd_context *ctx;
    struct device *device;
    const struct hsgd_op *op;
    const struct hsgd_op_call *run;
    void *attributes;
    struct hsgd_node node;
    struct buffer buffer[RUN_BUFFERS], *pointer[RUN_BUFFERS];
    struct cell cell;
    struct variant variant;
    struct plan plan;
    int nslices;
    struct op_slice *slice;
    int64_t merged[2][HSGD_PHASES], scratch, scratch_floats;
    int64_t inputs, arena; /* floats of all */
    int64_t param[HSGD_MAX_PARAMS + 1];
};

static inline int64_t op_rounded(int64_t floats) { return (floats + 15) / 16 * 16; }

/* Samples of a slice, as many as the layout stores. */
static inline int64_t op_stored_rows(const struct op_job *j, const struct op_slice *s)
{
    return j->node.layout == HSGD_LANES ? op_rounded(s->rows) : s->rows;
}

/* Whether backward is wanted. */
static inline bool op_goes_back(const struct op_job *j)
{
    return j->op->is_loss ? j->run->dx[0] != NULL : j->run->dy[0] != NULL;
}

/* The last phase of forward that returns sums; -1: none. */
int op_last_sums(const struct op_job *j);

/* Places of everything. */
void op_lay_out(struct op_job *j);

/* Describes the work of all slices and what lies between them. */
void op_describe(struct op_job *j, struct hsgd_program *program);

#endif
