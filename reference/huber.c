/* SPDX-License-Identifier: BSD-3-Clause */
/* huber and smooth_l1: by their cases, of samples, and of the positions that a third input names. */
#include "reference.h"
#include "values.h"

static double width, slope; /* delta and delta, beta and 1 */

/* Near the width both cases give the same within rounding. */
static struct value_loss of(double z, double t)
{
    double d = z - t, a = fabs(d), near = slope / width;
    double loss = a <= width ? 0.5 * near * d * d : slope * (a - 0.5 * width);
    double s = a <= width ? near * d : d < 0 ? -slope : slope;
    return (struct value_loss){ { loss, CHECK_U * (12 * loss + 6 * slope * a) },
                                { s, CHECK_U * (6 * fabs(s) + 2 * near * a) } };
}

static void set(const struct hsgd_op *op, float x)
{
    width = x;
    slope = op == &hsgd_op_huber ? x : 1;
}

/* -------------------------------------------------------------------- masks */

struct masked {
    int rows, length, inner, channels; /* length: of the first axis */
    bool by_length;
    int32_t *which;
    double *z;
    float *t;
};

static struct masked draw(int turn)
{
    struct masked m = { .rows = check_size(40), .length = check_size(12), .inner = turn % 3 ? 1 : check_size(5) };
    m.by_length = turn % 2;
    m.channels = turn % 8 == 3 ? 1 : check_size(20);
    int positions = m.length * m.inner, n = m.by_length ? m.rows : m.rows * positions;
    m.which = calloc((size_t)n, sizeof *m.which);
    for (int i = 0; i < n; i++)
        m.which[i] = m.by_length ? check_int(-1, m.length + 1) : check_int(-1, turn % 7 ? 3 : 0);
    check_shape("shape %d: %d rows of %d x %d x %d, %s", turn, m.rows, m.length, m.inner, m.channels,
                m.by_length ? "by length" : "by class");
    return m;
}

static struct hsgd_type type_of(const struct masked *m, bool alone)
{
    struct hsgd_type t = { HSGD_F32, 1, { m->length } };
    if (m->inner > 1) t.dim[t.rank++] = m->inner;
    if (!alone) t.dim[t.rank++] = m->channels;
    return t;
}

static bool counts(const struct masked *m, int row, int position)
{
    if (m->by_length) return position / m->inner < m->which[row];
    return m->which[row * m->length * m->inner + position] > 0;
}

static void expect(const struct masked *m, struct approx sums[3], struct approx *dz)
{
    struct approx_sum total = { 0 };
    int terms = 0, positions = m->length * m->inner, size = m->channels;
    for (int r = 0; r < m->rows * positions; r++) {
        if (!counts(m, r / positions, r % positions)) continue; /* dz is 0 */
        terms++;
        for (int i = r * size; i < (r + 1) * size; i++) {
            struct value_loss l = of(m->z[i], m->t[i]);
            approx_add(&total, l.loss.v / size, l.loss.e / size);
            dz[i] = (struct approx){ l.slope.v / size, (l.slope.e + 3 * CHECK_U * fabs(l.slope.v)) / size };
        }
    }
    sums[0] = approx_of(total);
    sums[1] = (struct approx){ 0, 0 };
    sums[2] = (struct approx){ terms, 0 };
}

static void masked_one(const struct hsgd_op *op, int turn)
{
    struct masked m = draw(turn);
    float size = 0.25f * (float)check_int(1, 8);
    struct hsgd_huber a = { size, !m.by_length, m.by_length }; /* hsgd_smooth_l1 is the same */
    bool alone = m.by_length && m.channels == 1 && m.inner == 1;
    int n = m.rows * m.length * m.inner * m.channels;
    float *z = check_floats(n), *dz = check_floats(n), sums[3];
    m.t = check_floats(n);
    for (int i = 0; i < n; i++) z[i] *= 5;
    m.z = check_doubles(z, n);
    set(op, size);
    struct approx want[3], *want_dz = check_approx(n);
    expect(&m, want, want_dz);
    int slices[2] = { m.rows / 2, m.rows - m.rows / 2 };
    for (int d = 0; d < check_devices() && check_going(); d++) {
        struct hsgd_op_call run = { .rows = m.rows, .inputs = 3, .x = { z, m.t, m.which }, .dx = { dz }, .sums = sums };
        run.in[0] = run.in[1] = type_of(&m, alone);
        run.in[2] = m.by_length ? hsgd_number(HSGD_I32) : run.in[0];
        if (!m.by_length) run.in[2] = (struct hsgd_type){ HSGD_I32, run.in[0].rank - 1, { m.length, m.inner } };
        if (!m.by_length && m.inner == 1) run.in[2].dim[1] = 0;
        if (turn % 4 < 2 && m.rows > 1) run.slices = slices, run.nslices = 2;
        run.training = true;
        check_run(d, op, &a, &run, n);
        check_near("sums", sums, want, 3);
        check_near("dz", dz, want_dz, n);
    }
    free(z), free(dz), free(m.z), free(m.t), free(m.which), free(want_dz);
}

static void reference(const struct hsgd_op *op)
{
    for (int i = 0; i < 10 && check_going(); i++) {
        struct hsgd_huber a = { .delta = 0.1f * (float)(i * i + 1) };
        set(op, a.delta);
        check_value_loss(op, &a, of, 12);
    }
    for (int i = 0; i < 110 && check_going(); i++) masked_one(op, i);
}

void reference_huber(void) { reference(&hsgd_op_huber); }
void reference_smooth_l1(void) { reference(&hsgd_op_smooth_l1); }
