/* SPDX-License-Identifier: BSD-3-Clause */
/* The work of one operation over one or more slices, which run one after the
 * other: its phases, the merges between them, and what runs once per step. */
#include "kernels.h"
#include "op_run.h"

static const struct hsgd_ref absent = { .buffer = -1 };

/* ----------------------------------------------------------------- places */

static int64_t stored(const struct op_job *j, const struct op_slice *s, const struct hsgd_type *t)
{
    return op_rounded(op_stored_rows(j, s) * hsgd_type_size(t));
}

static int64_t take(int64_t *at, int64_t floats)
{
    int64_t place = *at;
    *at += op_rounded(floats);
    return place;
}

static void lay_out_slice(struct op_job *j, struct op_slice *s)
{
    for (int i = 0; i < j->node.inputs; i++) {
        s->x[i] = take(&j->inputs, stored(j, s, &j->node.in[i]));
        s->dx[i] = take(&j->arena, stored(j, s, &j->node.in[i]));
    }
    for (int i = 0; i < j->node.outputs; i++) {
        s->y[i] = take(&j->arena, stored(j, s, &j->node.out[i]));
        s->dy[i] = take(&j->arena, stored(j, s, &j->node.out[i]));
    }
    s->kept = take(&j->arena, op_stored_rows(j, s) * j->node.kept);
    for (int d = 0; d < 2; d++)
        for (int p = 0; p < HSGD_PHASES; p++) s->sums[d][p] = take(&j->arena, j->node.sums[d][p]);
}

void op_lay_out(struct op_job *j)
{
    struct hsgd_program trial = { 0 };
    for (int p = 0; p < j->node.params; p++) j->param[p + 1] = j->param[p] + op_rounded(spec_size(&j->node.param[p]));
    for (int i = 0; i < j->nslices; i++) {
        lay_out_slice(j, &j->slice[i]);
        j->slice[i].gradients = i * j->param[j->node.params];
    }
    for (int d = 0; d < 2; d++) /* what one slice returns is merged already */
        for (int p = 0; p < HSGD_PHASES; p++)
            j->merged[d][p] = j->nslices > 1 ? take(&j->arena, j->node.sums[d][p]) : j->slice[0].sums[d][p];
    j->scratch = j->arena;
    op_describe(j, &trial);
    program_free(&trial);
    j->arena += j->scratch_floats;
}

int op_last_sums(const struct op_job *j)
{
    int last = HSGD_PHASES - 1;
    while (last >= 0 && !j->node.sums[HSGD_FORWARD][last]) last--;
    return last;
}

/* ------------------------------------------------------------------- views */

/* What merges and what runs once see: the whole batch, and no values. */
static struct hsgd_emit whole(const struct op_job *j, struct hsgd_program *program)
{
    struct hsgd_emit e = {
        .node = &j->node,
        .kind = j->device->info.kind,
        .units = j->device->units,
        .device = j->device,
        .rows = j->run->rows,
        .batch = j->run->rows,
        .training = j->run->training,
        .kept = absent,
        .cache = absent,
        .sums = absent,
        .step = ref(BUF_STEP, 0),
        .program = program,
        .scratch_base = ref(BUF_ARENA, j->scratch),
    };
    for (int i = 0; i < HSGD_MAX_INPUTS; i++) e.x[i] = e.dx[i] = absent;
    for (int i = 0; i < HSGD_MAX_OUTPUTS; i++) e.y[i] = e.dy[i] = absent;
    for (int d = 0; d < 2; d++)
        for (int p = 0; p < HSGD_PHASES; p++)
            e.merged[d][p] = j->node.sums[d][p] ? ref(BUF_ARENA, j->merged[d][p]) : absent;
    for (int p = 0; p < HSGD_MAX_PARAMS; p++) {
        e.gradient[p] = absent;
        if (p >= j->node.params) continue;
        e.weight[p].pieces = 1;
        e.weight[p].piece[0] = (struct hsgd_piece){ ref(BUF_PARAMS, j->param[p]), 0, j->node.param[p].dim[0] };
    }
    return e;
}

static struct hsgd_emit view(const struct op_job *j, struct hsgd_program *program, const struct op_slice *s,
                             enum hsgd_direction d, int phase)
{
    struct hsgd_emit e = whole(j, program);
    e.rows = s->rows;
    e.first_row = s->first;
    e.adds = j->run->adds;
    e.kept = ref(BUF_ARENA, s->kept);
    if (j->node.sums[d][phase]) e.sums = ref(BUF_ARENA, s->sums[d][phase]);
    for (int i = 0; i < j->node.inputs; i++) {
        e.x[i] = ref(BUF_INPUT, s->x[i]);
        e.x[i].dtype = j->node.in[i].dtype;
        if (op_goes_back(j) && j->run->dx[i]) e.dx[i] = ref(BUF_ARENA, s->dx[i]);
    }
    for (int i = 0; i < j->node.outputs; i++) {
        e.y[i] = ref(BUF_ARENA, s->y[i]);
        e.dy[i] = ref(BUF_ARENA, s->dy[i]);
    }
    for (int p = 0; p < j->node.params; p++)
        if (!j->node.param[p].is_state)
            e.gradient[p] = ref(BUF_GRADIENTS, GRADIENT_HEADER + s->gradients + j->param[p]);
    return e;
}

/* -------------------------------------------------------------------- work */

static void note_scratch(struct op_job *j, const struct hsgd_emit *e)
{
    if (e->scratch_floats > j->scratch_floats) j->scratch_floats = e->scratch_floats;
}

/* In a model y is x; alone a view has its own y and dx. */
static void describe_view(const struct op_job *j, struct hsgd_program *program, const struct op_slice *s)
{
    struct hsgd_emit e = view(j, program, s, HSGD_FORWARD, 0);
    struct copy_args a = { (int)(op_stored_rows(j, s) * hsgd_type_size(&j->node.in[0])) };
    HSGD_LAUNCH(&e, HSGD_KERNEL(copy), HSGD_ITEMS, a.n, &a, e.x[0], e.y[0]);
    if (hsgd_wanted(e.dx[0])) HSGD_LAUNCH(&e, HSGD_KERNEL(copy), HSGD_ITEMS, a.n, &a, e.dy[0], e.dx[0]);
}

static void describe_slices(struct op_job *j, struct hsgd_program *program, hsgd_emit_fn *emit, enum hsgd_direction d,
                            int phase)
{
    for (int i = 0; i < j->nslices; i++) {
        struct hsgd_emit e = view(j, program, &j->slice[i], d, phase);
        emit(&e);
        note_scratch(j, &e);
    }
}

static void describe_merge(struct op_job *j, struct hsgd_program *program, hsgd_merge_fn *merge, enum hsgd_direction d,
                           int phase)
{
    int64_t floats = j->node.sums[d][phase];
    struct hsgd_part part[MAX_RUN_SLICES];
    struct hsgd_emit e = whole(j, program);
    if (!floats || j->nslices == 1) return;
    for (int i = 0; i < j->nslices; i++)
        part[i] = (struct hsgd_part){ ref(BUF_ARENA, j->slice[i].sums[d][phase]), j->slice[i].rows };
    if (merge) merge(&e, j->nslices, part, e.merged[d][phase]);
    else emit_sum(&e, floats, j->nslices, part, e.merged[d][phase]);
    note_scratch(j, &e);
}

static void describe_phases(struct op_job *j, struct hsgd_program *program, const struct hsgd_phase *phase,
                            enum hsgd_direction d)
{
    for (int p = 0; p < HSGD_PHASES && phase[p].emit; p++) {
        describe_slices(j, program, phase[p].emit, d, p);
        describe_merge(j, program, phase[p].merge, d, p);
    }
}

static void describe_once(struct op_job *j, struct hsgd_program *program, const struct hsgd_phase *phase)
{
    for (int p = 0; p < HSGD_PHASES; p++) {
        struct hsgd_emit e = whole(j, program);
        if (!phase[p].once) continue;
        phase[p].once(&e);
        note_scratch(j, &e);
    }
}

static void describe_step(struct op_job *j, struct hsgd_program *program)
{
    const struct hsgd_op *op = j->op;
    bool evaluates = op->evaluate && !j->run->training;
    for (int i = 0; op->is_view && i < j->nslices; i++) describe_view(j, program, &j->slice[i]);
    if (op->is_view) return;
    if (evaluates) describe_slices(j, program, op->evaluate, HSGD_FORWARD, 0);
    else describe_phases(j, program, op->forward, HSGD_FORWARD);
    if (op_goes_back(j)) describe_phases(j, program, op->backward, HSGD_BACKWARD);
    if (!j->run->training) return;
    describe_once(j, program, op->forward);
    if (op_goes_back(j)) describe_once(j, program, op->backward);
}

void op_describe(struct op_job *j, struct hsgd_program *program)
{
    int repeats = j->run->seconds && j->run->repeats > 1 ? j->run->repeats : 1;
    for (int i = 0; i < repeats; i++) describe_step(j, program);
}
