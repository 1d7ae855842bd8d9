/* SPDX-License-Identifier: BSD-3-Clause */
/* Running one operation alone: a plan of one cell. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "plan.h"
#include "quiesce.h"
#include "task.h"

#define WARM_RUNS 2
#define TIMED_RUNS 5

enum { BUF_INPUT, BUF_PARAMS, BUF_ARENA, BUF_GRADIENTS, BUF_STEP, RUN_BUFFERS };

struct op_job {
    struct hsgd_context *ctx;
    struct device *device;
    const struct hsgd_op *op;
    const struct hsgd_op_call *run;
    struct hsgd_node node;
    struct buffer buffer[RUN_BUFFERS], *pointer[RUN_BUFFERS];
    struct cell cell;
    struct variant variant;
    struct plan plan;
    /* Offsets in floats, of inputs and outputs in the layout of the operation. */
    int64_t x[HSGD_MAX_INPUTS], dx[HSGD_MAX_INPUTS], y[HSGD_MAX_OUTPUTS], dy[HSGD_MAX_OUTPUTS], kept, scratch;
    int64_t inputs; /* floats of all */
    int64_t param[HSGD_MAX_PARAMS + 1];
};

/* ----------------------------------------------------- layouts on the host */

static int64_t rounded(int64_t floats) { return (floats + 15) / 16 * 16; }

static int64_t stored(const struct op_job *j, const struct hsgd_type *t)
{
    int rows = j->node.layout == HSGD_LANES ? (j->run->rows + 15) / 16 * 16 : j->run->rows;
    return rounded(rows * hsgd_type_size(t));
}

/* Position of element e of sample r in the layout of the operation. */
static int64_t place(const struct op_job *j, int64_t r, int64_t e, int64_t size)
{
    return j->node.layout == HSGD_LANES ? (r / 16 * size + e) * 16 + r % 16 : r * size + e;
}

static void put(const struct op_job *j, float *to, const void *from, const struct hsgd_type *t)
{
    int64_t size = hsgd_type_size(t);
    for (int64_t r = 0; from && r < j->run->rows; r++)
        for (int64_t e = 0; e < size; e++)
            memcpy(to + place(j, r, e, size), (const char *)from + (r * size + e) * (int64_t)sizeof *to, sizeof *to);
}

static void get(const struct op_job *j, float *to, const float *from, const struct hsgd_type *t)
{
    int64_t size = hsgd_type_size(t);
    for (int64_t r = 0; to && r < j->run->rows; r++)
        for (int64_t e = 0; e < size; e++) to[r * size + e] = from[place(j, r, e, size)];
}

/* ---------------------------------------------------------------- program */

static struct hsgd_ref in_buffer(int buffer, int64_t floats)
{
    return hsgd_at((struct hsgd_ref){ .buffer = buffer }, floats);
}

/* In a model y is x; alone a view has its own y and dx. */
static void describe_view(const struct op_job *j, struct hsgd_emit *e)
{
    struct copy_args a = { j->run->rows * (int)hsgd_type_size(&j->node.in[0]) };
    HSGD_LAUNCH(e, HSGD_KERNEL(copy), HSGD_ITEMS, a.n, &a, e->x[0], e->y[0]);
    if (hsgd_wanted(e->dx[0])) HSGD_LAUNCH(e, HSGD_KERNEL(copy), HSGD_ITEMS, a.n, &a, e->dy[0], e->dx[0]);
}

static void place_values(const struct op_job *j, bool back, struct hsgd_emit *e)
{
    const struct hsgd_ref absent = { .buffer = -1 };
    for (int i = 0; i < HSGD_MAX_INPUTS; i++) {
        bool there = i < j->node.inputs;
        e->x[i] = there ? in_buffer(BUF_INPUT, j->x[i]) : absent;
        e->x[i].dtype = there ? j->node.in[i].dtype : HSGD_F32;
        e->dx[i] = there && back && j->run->dx[i] ? in_buffer(BUF_ARENA, j->dx[i]) : absent;
    }
    for (int i = 0; i < HSGD_MAX_OUTPUTS; i++) {
        e->y[i] = i < j->node.outputs ? in_buffer(BUF_ARENA, j->y[i]) : absent;
        e->dy[i] = i < j->node.outputs ? in_buffer(BUF_ARENA, j->dy[i]) : absent;
    }
    for (int p = 0; p < HSGD_MAX_PARAMS; p++) {
        e->gradient[p] = absent;
        if (p >= j->node.params) continue;
        e->weight[p].pieces = 1;
        e->weight[p].piece[0] = (struct hsgd_piece){ in_buffer(BUF_PARAMS, j->param[p]), 0, j->node.param[p].dim[0] };
        e->gradient[p] = in_buffer(BUF_GRADIENTS, GRADIENT_HEADER + j->param[p]);
    }
}

static void describe_once(struct op_job *j, struct hsgd_program *program, struct hsgd_emit *e)
{
    const struct hsgd_op_call *run = j->run;
    bool back = j->op->is_loss ? run->dx[0] != NULL : run->dy[0] != NULL;
    *e = (struct hsgd_emit){
        .node = &j->node,
        .kind = j->device->info.kind,
        .units = j->device->units,
        .device = j->device,
        .rows = run->rows,
        .batch = run->rows,
        .training = run->training,
        .kept = in_buffer(BUF_ARENA, j->kept),
        .sums = in_buffer(BUF_GRADIENTS, 0),
        .step = in_buffer(BUF_STEP, 0),
        .program = program,
        .scratch_base = in_buffer(BUF_ARENA, j->scratch),
    };
    place_values(j, back, e);
    if (j->op->is_view) {
        describe_view(j, e);
        return;
    }
    j->op->forward[0].emit(e);
    e->scratch_used = 0;
    if (back && j->op->backward[0].emit) j->op->backward[0].emit(e);
}

static void describe(struct op_job *j, struct hsgd_program *program, struct hsgd_emit *e)
{
    describe_once(j, program, e);
    for (int i = 1; j->run->seconds && i < j->run->repeats; i++) describe_once(j, program, e);
}

/* Places of everything; the floats of the arena. */
static int64_t lay_out(struct op_job *j)
{
    struct hsgd_program trial = { 0 };
    struct hsgd_emit e;
    int64_t at = 0;
    for (int i = 0; i < j->node.inputs; i++) {
        j->x[i] = j->inputs;
        j->inputs += stored(j, &j->node.in[i]);
    }
    for (int i = 0; i < j->node.outputs; i++) {
        j->y[i] = at;
        j->dy[i] = at + stored(j, &j->node.out[i]);
        at += 2 * stored(j, &j->node.out[i]);
    }
    for (int i = 0; i < j->node.inputs; i++) {
        j->dx[i] = at;
        at += stored(j, &j->node.in[i]);
    }
    j->kept = at;
    j->scratch = at + rounded(j->run->rows * j->node.kept);
    for (int p = 0; p < j->node.params; p++) j->param[p + 1] = j->param[p] + rounded(spec_size(&j->node.param[p]));
    describe(j, &trial, &e);
    program_free(&trial);
    return j->scratch + e.scratch_floats;
}

static int make_buffers(struct op_job *j)
{
    static const char *const names[RUN_BUFFERS] = { "input", "params", "arena", "gradients", "step" };
    int64_t arena = lay_out(j), params = j->param[j->node.params];
    int64_t floats[RUN_BUFFERS] = { j->inputs, params, arena, GRADIENT_HEADER + params, HSGD_STEP_WORDS };
    int err = 0;
    for (int i = 0; !err && i < RUN_BUFFERS; i++) {
        err = buffer_create(j->ctx, &j->buffer[i], names[i], floats[i], true);
        j->pointer[i] = &j->buffer[i];
        j->cell.access[i] = (struct access){ i, i == BUF_ARENA || i == BUF_GRADIENTS ? STARPU_RW : STARPU_R };
    }
    j->cell.naccesses = RUN_BUFFERS;
    return err;
}

static void fill_buffers(struct op_job *j)
{
    const struct hsgd_op_call *run = j->run;
    float *input = j->buffer[BUF_INPUT].memory, *params = j->buffer[BUF_PARAMS].memory;
    float *arena = j->buffer[BUF_ARENA].memory;
    uint32_t *step = j->buffer[BUF_STEP].memory;
    for (int i = 0; i < j->node.inputs; i++) put(j, input + j->x[i], run->x[i], &j->node.in[i]);
    for (int i = 0; i < j->node.outputs; i++) put(j, arena + j->dy[i], run->dy[i], &j->node.out[i]);
    for (int p = 0; p < j->node.params; p++)
        memcpy(params + j->param[p], run->params[p], (size_t)spec_size(&j->node.param[p]) * sizeof *params);
    step[HSGD_STEP_SEED] = run->seed;
}

static void read_buffers(struct op_job *j)
{
    const struct hsgd_op_call *run = j->run;
    const float *arena = j->buffer[BUF_ARENA].memory, *gradients = j->buffer[BUF_GRADIENTS].memory;
    for (int i = 0; i < j->node.outputs; i++) get(j, run->y[i], arena + j->y[i], &j->node.out[i]);
    for (int i = 0; i < j->node.inputs; i++) get(j, run->dx[i], arena + j->dx[i], &j->node.in[i]);
    if (run->sums) memcpy(run->sums, gradients, 3 * sizeof *gradients);
    for (int p = 0; p < j->node.params; p++)
        if (run->gradients[p])
            memcpy(run->gradients[p], gradients + GRADIENT_HEADER + j->param[p],
                   (size_t)spec_size(&j->node.param[p]) * sizeof *gradients);
}

/* --------------------------------------------------------------------- run */

static int run_task(struct op_job *j)
{
    struct cell_run run = { .plan = &j->plan, .cell = &j->cell };
    struct starpu_task *task = starpu_task_create();
    task_fill(task, &run, 0);
    task->detach = 0;
    int err = starpu_task_submit(task);
    if (!err) err = starpu_task_wait(task);
    cell_settle(&run);
    cell_release(&run);
    if (err) return hsgd_fail(j->ctx, -err, "StarPU refused a task: %s", strerror(-err));
    return hsgd_wait(j->ctx);
}

/* The first runs bring the buffers there and warm up. */
static int time_tasks(struct op_job *j)
{
    int err = 0, repeats = j->run->repeats > 1 ? j->run->repeats : 1;
    *j->run->seconds = INFINITY;
    for (int i = 0; !err && i < WARM_RUNS + TIMED_RUNS; i++) {
        uint64_t began = monotonic_ns();
        err = run_task(j);
        double t = 1e-9 * (double)(monotonic_ns() - began) / repeats;
        if (i >= WARM_RUNS) *j->run->seconds = fmin(*j->run->seconds, t);
    }
    return err;
}

static int execute(struct op_job *j)
{
    struct hsgd_emit e;
    j->plan = (struct plan){
        .ctx = j->ctx, .mode = PLAN_GRADIENT, .nbuffers = RUN_BUFFERS, .buffer = j->pointer, .failure = &j->ctx->failure
    };
    j->variant.device = j->cell.device = j->device;
    j->cell.variant = &j->variant;
    j->cell.nvariants = 1;
    describe(j, &j->variant.program, &e);
    int err = plan_bind_cell(&j->plan, &j->cell);
    if (err) return err;
    return j->run->seconds ? time_tasks(j) : run_task(j);
}

static int check_type(const struct op_job *j, int i)
{
    const struct hsgd_type *t = &j->run->in[i];
    double size = 1;
    bool valid = (unsigned)t->dtype < HSGD_DTYPES && t->rank >= 0 && t->rank <= HSGD_MAX_RANK;
    for (int d = 0; valid && d < t->rank; d++) {
        valid = t->dim[d] >= 1;
        size *= t->dim[d];
    }
    if (valid && size <= MAX_SAMPLE) return 0;
    return hsgd_fail(j->ctx, EINVAL, "%s: the type of input %d is not valid", j->op->name, i + 1);
}

static int check_call(const struct op_job *j, const void *attributes)
{
    const struct hsgd_op *op = j->op;
    int least = op->inputs ? op->inputs : 1, most = op->max_inputs > least ? op->max_inputs : least, err = 0;
    if (!op->name || !op->infer || (!op->forward[0].emit && !op->is_view))
        return hsgd_fail(j->ctx, EINVAL, "%s: the operation lacks its name, infer() or forward()",
                         op->name ? op->name : "?");
    if (op->attributes_size && !attributes)
        return hsgd_fail(j->ctx, EINVAL, "%s: the attributes are missing", op->name);
    if (j->node.inputs < least || j->node.inputs > most)
        return hsgd_fail(j->ctx, EINVAL, "%s: it has %d inputs, not %d", op->name, least, j->node.inputs);
    for (int i = 0; !err && i < j->node.inputs; i++) err = check_type(j, i);
    return err;
}

/* What the operation reads must be given. */
static int check_inputs(const struct op_job *j)
{
    const struct hsgd_op_call *run = j->run;
    int classes = hsgd_type_channels(&j->node.in[0]);
    for (int i = 0; i < j->node.inputs; i++)
        if (!run->x[i]) return hsgd_fail(j->ctx, EINVAL, "%s: x[%d] is NULL", j->op->name, i);
    for (int p = 0; p < j->node.params; p++)
        if (!run->params[p]) return hsgd_fail(j->ctx, EINVAL, "%s: params[%d] is NULL", j->op->name, p);
    if (!j->op->is_loss || j->node.inputs < 2 || j->node.in[1].dtype != HSGD_I32) return 0;
    const int32_t *class = run->x[1];
    for (int64_t i = 0; i < run->rows * hsgd_type_size(&j->node.in[1]); i++)
        if (class[i] < 0 || class[i] >= classes)
            return hsgd_fail(j->ctx, EINVAL, "%s: class %d of row %lld is not in 0..%d", j->op->name, (int)class[i],
                             (long long)i, classes - 1);
    return 0;
}

static int prepare(struct op_job *j, const void *attributes)
{
    char why[200] = "";
    j->node.inputs = j->run->inputs ? j->run->inputs : j->op->inputs ? j->op->inputs : 1;
    int err = check_call(j, attributes);
    if (err) return err;
    j->node.attributes = attributes;
    memcpy(j->node.in, j->run->in, sizeof j->node.in);
    j->node.layout = j->op->layouts & 1u << HSGD_NHWC ? HSGD_NHWC : HSGD_LANES;
    if (j->run->rows < 1)
        return hsgd_fail(j->ctx, EINVAL, "%s: rows must be at least 1, not %d", j->op->name, j->run->rows);
    if (j->op->infer(&j->node, why, sizeof why)) return hsgd_fail(j->ctx, EINVAL, "%s: %s", j->op->name, why);
    return check_inputs(j);
}

int hsgd_op_run(struct hsgd_context *ctx, int device, const struct hsgd_op *op, const void *attributes,
                const struct hsgd_op_call *run)
{
    int err = ENTER(ctx, ctx, op, run);
    if (err) return err;
    if (device < 0 || device >= ctx->ndevices)
        return hsgd_fail(ctx, EINVAL, "device %d is not in 0..%d", device, ctx->ndevices - 1);
    err = quiesce_check_paused(ctx);
    if (err) return err;
    struct op_job *j = calloc(1, sizeof *j);
    if (!j) return hsgd_fail(ctx, ENOMEM, "out of memory");
    j->ctx = ctx;
    j->device = &ctx->device[device];
    j->op = op;
    j->run = run;
    context_begin(ctx);
    err = prepare(j, attributes);
    if (!err) err = make_buffers(j);
    if (!err) fill_buffers(j);
    if (!err) err = execute(j);
    for (int i = 0; i < RUN_BUFFERS && j->buffer[i].handle; i++) starpu_data_acquire(j->buffer[i].handle, STARPU_R);
    if (!err) read_buffers(j);
    for (int i = 0; i < RUN_BUFFERS && j->buffer[i].handle; i++) starpu_data_release(j->buffer[i].handle);
    for (int i = 0; i < RUN_BUFFERS; i++) buffer_destroy(&j->buffer[i]);
    context_end(ctx);
    program_free(&j->variant.program);
    free(j);
    return err;
}
