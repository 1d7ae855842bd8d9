/* SPDX-License-Identifier: BSD-3-Clause */
/* Running one operation alone: a plan of one cell. */
#include "op_run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/attribute.h"
#include "device/quiesce.h"
#include "task.h"
#include "types.h"

#define WARM_RUNS 2
#define TIMED_RUNS 5
#define PADDING 3.0f /* of lanes beyond the last sample in inputs: nobody may add it up */

/* ----------------------------------------------------- layouts on the host */

/* Position of element e of sample r in the layout of the operation. */
static int64_t place(const struct op_job *j, int64_t r, int64_t e, int64_t size)
{
    return j->node.layout == HSGD_LANES ? (r / 16 * size + e) * 16 + r % 16 : r * size + e;
}

/* Samples of a slice out of those of the batch; lanes beyond the last get `padding`. */
static void put(const struct op_job *j, const struct op_slice *s, float *to, const void *from, float padding,
                const struct hsgd_type *t)
{
    int64_t size = hsgd_type_size(t);
    const char *first = from ? (const char *)from + s->first * size * (int64_t)sizeof *to : NULL;
    for (int64_t r = 0; from && r < op_stored_rows(j, s); r++)
        for (int64_t e = 0; e < size; e++) {
            const void *value = r < s->rows ? (const void *)(first + (r * size + e) * (int64_t)sizeof *to) : &padding;
            memcpy(to + place(j, r, e, size), value, sizeof *to);
        }
}

static void get(const struct op_job *j, const struct op_slice *s, float *to, const float *from,
                const struct hsgd_type *t)
{
    int64_t size = hsgd_type_size(t);
    for (int64_t r = 0; to && r < s->rows; r++)
        for (int64_t e = 0; e < size; e++) to[(s->first + r) * size + e] = from[place(j, r, e, size)];
}

/* Others sum over the lanes of gradients. */
static bool padding_is_zero(const struct op_job *j, const struct op_slice *s, const float *dx,
                            const struct hsgd_type *t)
{
    int64_t size = hsgd_type_size(t);
    for (int64_t r = s->rows; r < op_stored_rows(j, s); r++)
        for (int64_t e = 0; e < size; e++)
            if (dx[place(j, r, e, size)] != 0) return false;
    return true;
}

/* ----------------------------------------------------------------- buffers */

static int make_buffers(struct op_job *j)
{
    static const char *const names[RUN_BUFFERS] = { "input", "params", "arena", "gradients", "step" };
    op_lay_out(j);
    int64_t params = j->param[j->node.params], gradients = GRADIENT_HEADER + j->nslices * params;
    int64_t floats[RUN_BUFFERS] = { j->inputs, params, j->arena, gradients, HSGD_STEP_WORDS };
    int err = 0;
    for (int i = 0; !err && i < RUN_BUFFERS; i++) {
        bool written = i == BUF_PARAMS || i == BUF_ARENA || i == BUF_GRADIENTS;
        err = buffer_create(j->ctx, &j->buffer[i], names[i], floats[i], true);
        j->pointer[i] = &j->buffer[i];
        j->cell.access[i] = (struct access){ i, written ? STARPU_RW : STARPU_R };
    }
    j->cell.naccesses = RUN_BUFFERS;
    return err;
}

static void fill_slice(struct op_job *j, const struct op_slice *s)
{
    const struct hsgd_op_call *run = j->run;
    float *input = j->buffer[BUF_INPUT].memory, *arena = j->buffer[BUF_ARENA].memory;
    for (int i = 0; i < j->node.inputs; i++) {
        put(j, s, input + s->x[i], run->x[i], PADDING, &j->node.in[i]);
        if (run->adds & 1u << i) put(j, s, arena + s->dx[i], run->dx[i], 0, &j->node.in[i]);
    }
    for (int i = 0; i < j->node.outputs; i++) put(j, s, arena + s->dy[i], run->dy[i], 0, &j->node.out[i]);
}

static void fill_buffers(struct op_job *j)
{
    const struct hsgd_op_call *run = j->run;
    float *params = j->buffer[BUF_PARAMS].memory;
    uint32_t *step = j->buffer[BUF_STEP].memory;
    memset(j->buffer[BUF_ARENA].memory, 0xff, (size_t)j->arena * sizeof *params); /* NaN where nothing was written */
    for (int i = 0; i < j->nslices; i++) fill_slice(j, &j->slice[i]);
    for (int p = 0; p < j->node.params; p++)
        memcpy(params + j->param[p], run->params[p], (size_t)spec_size(&j->node.param[p]) * sizeof *params);
    step[HSGD_STEP_SEED] = run->seed;
}

static int read_slice(struct op_job *j, const struct op_slice *s)
{
    const struct hsgd_op_call *run = j->run;
    const float *arena = j->buffer[BUF_ARENA].memory;
    for (int i = 0; i < j->node.outputs; i++) get(j, s, run->y[i], arena + s->y[i], &j->node.out[i]);
    for (int i = 0; op_goes_back(j) && i < j->node.inputs; i++) {
        get(j, s, run->dx[i], arena + s->dx[i], &j->node.in[i]);
        if (run->dx[i] && !padding_is_zero(j, s, arena + s->dx[i], &j->node.in[i]))
            return hsgd_fail(j->ctx, EINVAL, "%s: dx[%d] is not 0 in lanes beyond the last sample", j->op->name, i);
    }
    return 0;
}

/* The gradients of all slices, added up in their order; a state as it is now. */
static void read_param(const struct op_job *j, int p, float *to)
{
    const float *params = j->buffer[BUF_PARAMS].memory, *gradients = j->buffer[BUF_GRADIENTS].memory;
    int64_t n = spec_size(&j->node.param[p]);
    if (j->node.param[p].is_state) memcpy(to, params + j->param[p], (size_t)n * sizeof *to);
    for (int s = 0; !j->node.param[p].is_state && s < j->nslices; s++) {
        const float *part = gradients + GRADIENT_HEADER + j->slice[s].gradients + j->param[p];
        for (int64_t i = 0; i < n; i++) to[i] = s ? to[i] + part[i] : part[i];
    }
}

static int read_buffers(struct op_job *j)
{
    const float *arena = j->buffer[BUF_ARENA].memory;
    int last = op_last_sums(j), err = 0;
    for (int i = 0; !err && i < j->nslices; i++) err = read_slice(j, &j->slice[i]);
    if (j->run->sums && last >= 0)
        memcpy(j->run->sums, arena + j->merged[HSGD_FORWARD][last],
               (size_t)j->node.sums[HSGD_FORWARD][last] * sizeof *arena);
    for (int p = 0; p < j->node.params; p++)
        if (j->run->gradients[p]) read_param(j, p, j->run->gradients[p]);
    return err;
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
    j->plan = (struct plan){
        .ctx = j->ctx, .mode = PLAN_GRADIENT, .nbuffers = RUN_BUFFERS, .buffer = j->pointer, .failure = &j->ctx->failure
    };
    j->variant.device = j->cell.device = j->device;
    j->cell.variant = &j->variant;
    j->cell.nvariants = 1;
    op_describe(j, &j->variant.program);
    int err = plan_bind_cell(&j->plan, &j->cell);
    if (err) return err;
    return j->run->seconds ? time_tasks(j) : run_task(j);
}

static int check_call(const struct op_job *j)
{
    const struct hsgd_op *op = j->op;
    int least = op->inputs ? op->inputs : 1, most = op->max_inputs > least ? op->max_inputs : least, err = 0;
    if (!op->name || !op->infer || (!op->forward[0].emit && !op->is_view))
        return hsgd_fail(j->ctx, EINVAL, "%s: the operation lacks its name, infer() or forward()",
                         op->name ? op->name : "?");
    if (j->node.inputs < least || j->node.inputs > most)
        return hsgd_fail(j->ctx, EINVAL, "%s: it has %d inputs, not %d", op->name, least, j->node.inputs);
    for (int i = 0; !err && i < j->node.inputs; i++)
        if (!type_is_valid(&j->run->in[i], MAX_SAMPLE))
            err = hsgd_fail(j->ctx, EINVAL, "%s: the type of input %d is not valid", op->name, i + 1);
    if (!err && op->evaluate && !j->run->training && op_goes_back(j))
        return hsgd_fail(j->ctx, EINVAL, "%s: outside training it has no backward", op->name);
    if (!err && j->run->adds & ~op->adds) return hsgd_fail(j->ctx, EINVAL, "%s: it cannot add to these dx", op->name);
    return err;
}

/* What the operation reads must be given. */
static int check_inputs(const struct op_job *j)
{
    const struct hsgd_op_call *run = j->run;
    int classes = hsgd_type_channels(&j->node.in[0]);
    for (int i = 0; i < j->node.inputs; i++)
        if (!run->x[i]) return hsgd_fail(j->ctx, EINVAL, "%s: x[%d] is NULL", j->op->name, i);
    for (int i = 0; i < HSGD_MAX_INPUTS; i++)
        if (run->adds & 1u << i && (i >= j->node.inputs || !run->dx[i]))
            return hsgd_fail(j->ctx, EINVAL, "%s: dx[%d] is NULL", j->op->name, i);
    for (int p = 0; p < j->node.params; p++)
        if (!run->params[p]) return hsgd_fail(j->ctx, EINVAL, "%s: params[%d] is NULL", j->op->name, p);
    const struct hsgd_attribute *flag = attribute_find(j->op, "has_ignore");
    if (!j->op->is_loss || j->node.inputs < 2 || j->node.in[1].dtype != HSGD_I32 || j->node.in[1].rank) return 0;
    if (flag && *(const bool *)((const char *)j->node.attributes + flag->offset)) return 0;
    const int32_t *class = run->x[1];
    for (int64_t i = 0; i < run->rows * hsgd_type_size(&j->node.in[1]); i++)
        if (class[i] < 0 || class[i] >= classes)
            return hsgd_fail(j->ctx, EINVAL, "%s: class %d of row %lld is not in 0..%d", j->op->name, (int)class[i],
                             (long long)i, classes - 1);
    return 0;
}

static int divide(struct op_job *j)
{
    const struct hsgd_op_call *run = j->run;
    int n = run->slices ? run->nslices : 1;
    int64_t sum = 0;
    if (n < 1 || n > MAX_RUN_SLICES)
        return hsgd_fail(j->ctx, EINVAL, "%s: nslices must be 1 to %d, not %d", j->op->name, MAX_RUN_SLICES, n);
    j->slice = calloc((size_t)n, sizeof *j->slice);
    if (!j->slice) return hsgd_fail(j->ctx, ENOMEM, "out of memory");
    j->nslices = n;
    for (int i = 0; i < n; i++) {
        int rows = run->slices ? run->slices[i] : run->rows;
        if (rows < 1 || sum + rows > run->rows) break;
        j->slice[i].first = (int)sum;
        j->slice[i].rows = rows;
        sum += rows;
    }
    if (sum == run->rows && j->slice[n - 1].rows) return 0;
    return hsgd_fail(j->ctx, EINVAL, "%s: the slices must be at least 1 row each, and %d together", j->op->name,
                     run->rows);
}

/* With the defaults of those that are zero, as in a model; NULL: all are zero. */
static int copy_attributes(struct op_job *j, const void *attributes)
{
    j->attributes = calloc(1, j->op->attributes_size + 1);
    if (!j->attributes) return hsgd_fail(j->ctx, ENOMEM, "out of memory");
    if (j->op->attributes_size && attributes) memcpy(j->attributes, attributes, j->op->attributes_size);
    attribute_fill(j->op, j->attributes);
    j->node.attributes = j->attributes;
    return 0;
}

static int prepare(struct op_job *j, const void *attributes)
{
    char why[200] = "";
    j->node.inputs = j->run->inputs ? j->run->inputs : j->op->inputs ? j->op->inputs : 1;
    int err = check_call(j);
    if (err) return err;
    err = copy_attributes(j, attributes);
    if (err) return err;
    memcpy(j->node.in, j->run->in, sizeof j->node.in);
    j->node.layout = j->op->layouts & 1u << HSGD_NHWC ? HSGD_NHWC : HSGD_LANES;
    if (j->run->rows < 1)
        return hsgd_fail(j->ctx, EINVAL, "%s: rows must be at least 1, not %d", j->op->name, j->run->rows);
    if (attribute_check(j->op, j->node.attributes, why, sizeof why) || j->op->infer(&j->node, why, sizeof why))
        return hsgd_fail(j->ctx, EINVAL, "%s: %s", j->op->name, why);
    err = check_inputs(j);
    return err ? err : divide(j);
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
    if (!err) err = read_buffers(j);
    for (int i = 0; i < RUN_BUFFERS && j->buffer[i].handle; i++) starpu_data_release(j->buffer[i].handle);
    for (int i = 0; i < RUN_BUFFERS; i++) buffer_destroy(&j->buffer[i]);
    context_end(ctx);
    program_free(&j->variant.program);
    free(j->slice);
    free(j->attributes);
    free(j);
    return err;
}
