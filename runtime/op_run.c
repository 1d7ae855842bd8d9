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
    struct hsgd_layer layer;
    struct buffer buffer[RUN_BUFFERS], *pointer[RUN_BUFFERS];
    struct cell cell;
    struct variant variant;
    struct plan plan;
    int64_t labels, y, dy, dx, scratch; /* offsets */
    int64_t param[HSGD_MAX_PARAMS + 1];
};

/* ----------------------------------------------------- layouts on the host */

static int64_t stored(const struct op_job *j, struct hsgd_shape s)
{
    int rows = j->layer.layout == HSGD_LANES ? (j->run->rows + 15) / 16 * 16 : j->run->rows;
    return ((int64_t)rows * hsgd_size(s) + 15) / 16 * 16;
}

/* Position of element e of sample r in the layout of the operation. */
static int64_t place(const struct op_job *j, int64_t r, int64_t e, int64_t size)
{
    return j->layer.layout == HSGD_LANES ? (r / 16 * size + e) * 16 + r % 16 : r * size + e;
}

static void put(const struct op_job *j, float *to, const float *from, struct hsgd_shape s)
{
    int64_t size = hsgd_size(s);
    for (int64_t r = 0; r < j->run->rows; r++)
        for (int64_t e = 0; e < size; e++) to[place(j, r, e, size)] = from[r * size + e];
}

static void get(const struct op_job *j, float *to, const float *from, struct hsgd_shape s)
{
    int64_t size = hsgd_size(s);
    for (int64_t r = 0; to && r < j->run->rows; r++)
        for (int64_t e = 0; e < size; e++) to[r * size + e] = from[place(j, r, e, size)];
}

/* ---------------------------------------------------------------- program */

/* In a model y is x; alone a view has its own y and dx. */
static void describe_view(const struct op_job *j, struct hsgd_emit *e)
{
    struct copy_args a = { j->run->rows * hsgd_size(j->layer.in) };
    HSGD_LAUNCH(e, HSGD_KERNEL(copy), HSGD_ITEMS, a.n, &a, e->x, e->y);
    if (e->dx.buffer >= 0) HSGD_LAUNCH(e, HSGD_KERNEL(copy), HSGD_ITEMS, a.n, &a, e->dy, e->dx);
}

static void describe_once(struct op_job *j, struct hsgd_program *program, struct hsgd_emit *e)
{
    const struct hsgd_op_call *run = j->run;
    struct hsgd_ref none = { .buffer = -1 }, input = { .buffer = BUF_INPUT }, arena = { .buffer = BUF_ARENA };
    bool back = j->op->is_loss ? run->dx != NULL : run->dy != NULL;
    *e = (struct hsgd_emit){
        .layer = &j->layer,
        .kind = j->device->info.kind,
        .units = j->device->units,
        .device = j->device,
        .rows = run->rows,
        .training = run->training,
        .x = input,
        .labels = hsgd_at(input, j->labels),
        .y = hsgd_at(arena, j->y),
        .dy = hsgd_at(arena, j->dy),
        .dx = back && run->dx ? hsgd_at(arena, j->dx) : none,
        .sums = { .buffer = BUF_GRADIENTS },
        .step = { .buffer = BUF_STEP },
        .program = program,
        .scratch_base = hsgd_at(arena, j->scratch),
    };
    for (int p = 0; p < HSGD_MAX_PARAMS; p++) {
        e->gradient[p] = none;
        if (p >= j->layer.params) continue;
        e->weight[p].pieces = 1;
        e->weight[p].piece[0] = (struct hsgd_piece){ hsgd_at((struct hsgd_ref){ .buffer = BUF_PARAMS }, j->param[p]), 0,
                                                     j->layer.param[p].dims[0] };
        e->gradient[p] = hsgd_at((struct hsgd_ref){ .buffer = BUF_GRADIENTS }, GRADIENT_HEADER + j->param[p]);
    }
    if (j->op->is_view) {
        describe_view(j, e);
        return;
    }
    j->op->forward(e);
    e->scratch_used = 0;
    if (back && j->op->backward) j->op->backward(e);
}

static void describe(struct op_job *j, struct hsgd_program *program, struct hsgd_emit *e)
{
    describe_once(j, program, e);
    for (int i = 1; j->run->seconds && i < j->run->repeats; i++) describe_once(j, program, e);
}

static int64_t sizes(struct op_job *j)
{
    struct hsgd_program trial = { 0 };
    struct hsgd_emit e;
    int64_t in = stored(j, j->layer.in), out = stored(j, j->layer.out);
    j->labels = in;
    j->y = 0;
    j->dy = out;
    j->dx = 2 * out;
    j->scratch = 2 * out + in;
    for (int p = 0; p < j->layer.params; p++) {
        int64_t n = 1;
        for (int d = 0; d < j->layer.param[p].ndims; d++) n *= j->layer.param[p].dims[d];
        j->param[p + 1] = j->param[p] + (n + 15) / 16 * 16;
    }
    describe(j, &trial, &e);
    program_free(&trial);
    return j->scratch + e.scratch_floats;
}

static int make_buffers(struct op_job *j)
{
    static const char *const names[RUN_BUFFERS] = { "input", "params", "arena", "gradients", "step" };
    int64_t arena = sizes(j), params = j->param[j->layer.params];
    int64_t floats[RUN_BUFFERS] = { j->labels + j->run->rows, params, arena, GRADIENT_HEADER + params,
                                    HSGD_STEP_WORDS };
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
    uint32_t *step = j->buffer[BUF_STEP].memory;
    put(j, input, run->x, j->layer.in);
    if (run->labels) memcpy(input + j->labels, run->labels, (size_t)run->rows * sizeof *run->labels);
    if (run->dy) put(j, (float *)j->buffer[BUF_ARENA].memory + j->dy, run->dy, j->layer.out);
    for (int p = 0; p < j->layer.params; p++) {
        int64_t n = 1;
        for (int d = 0; d < j->layer.param[p].ndims; d++) n *= j->layer.param[p].dims[d];
        memcpy(params + j->param[p], run->params[p], (size_t)n * sizeof *params);
    }
    step[HSGD_STEP_SEED] = run->seed;
}

static void read_buffers(struct op_job *j)
{
    const struct hsgd_op_call *run = j->run;
    const float *arena = j->buffer[BUF_ARENA].memory, *gradients = j->buffer[BUF_GRADIENTS].memory;
    get(j, run->y, arena + j->y, j->layer.out);
    get(j, run->dx, arena + j->dx, j->layer.in);
    if (run->sums) memcpy(run->sums, gradients, 3 * sizeof *gradients);
    for (int p = 0; p < j->layer.params; p++) {
        int64_t n = 1;
        for (int d = 0; d < j->layer.param[p].ndims; d++) n *= j->layer.param[p].dims[d];
        if (run->gradients[p])
            memcpy(run->gradients[p], gradients + GRADIENT_HEADER + j->param[p], (size_t)n * sizeof *gradients);
    }
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

static int check_call(const struct op_job *j, const void *attributes)
{
    const struct hsgd_op *op = j->op;
    struct hsgd_shape in = j->run->in;
    if (!op->name || !op->prepare || (!op->forward && !op->is_view))
        return hsgd_fail(j->ctx, EINVAL, "%s: the operation lacks its name, prepare() or forward()",
                         op->name ? op->name : "?");
    if (op->attributes_size && !attributes)
        return hsgd_fail(j->ctx, EINVAL, "%s: the attributes are missing", op->name);
    if (in.h < 1 || in.w < 1 || in.c < 1 || (double)in.h * in.w * in.c > MAX_SAMPLE)
        return hsgd_fail(j->ctx, EINVAL, "%s: input shape %dx%dx%d is not valid", op->name, in.h, in.w, in.c);
    return 0;
}

/* What the operation reads must be given. */
static int check_inputs(const struct op_job *j)
{
    const struct hsgd_op_call *run = j->run;
    int classes = hsgd_size(j->layer.in);
    const char *missing = !run->x ? "x" : j->op->is_loss && !run->labels ? "labels" : NULL;
    for (int p = 0; p < j->layer.params; p++)
        if (!run->params[p]) missing = "params";
    if (missing) return hsgd_fail(j->ctx, EINVAL, "%s: %s is NULL", j->op->name, missing);
    for (int i = 0; j->op->is_loss && i < run->rows; i++)
        if (run->labels[i] < 0 || run->labels[i] >= classes)
            return hsgd_fail(j->ctx, EINVAL, "%s: label %d of row %d is not in 0..%d", j->op->name, (int)run->labels[i],
                             i, classes - 1);
    return 0;
}

static int prepare(struct op_job *j, const void *attributes)
{
    char why[200] = "";
    int err = check_call(j, attributes);
    if (err) return err;
    j->layer.attributes = attributes;
    j->layer.in = j->run->in;
    j->layer.layout = j->op->layouts & 1u << HSGD_NHWC ? HSGD_NHWC : HSGD_LANES;
    if (j->run->rows < 1)
        return hsgd_fail(j->ctx, EINVAL, "%s: rows must be at least 1, not %d", j->op->name, j->run->rows);
    if (j->op->prepare(&j->layer, why, sizeof why)) return hsgd_fail(j->ctx, EINVAL, "%s: %s", j->op->name, why);
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
