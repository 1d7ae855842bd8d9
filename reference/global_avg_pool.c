/* SPDX-License-Identifier: BSD-3-Clause */
/* global_avg_pool: y = mean of x over the positions, dx = dy / positions. */
#include "check.h"
#include "reference.h"

struct shape {
    int rows, positions, c;
};

static void reference(const struct shape *s, const float *x, const float *dy, struct approx *y, struct approx *dx)
{
    for (int r = 0; r < s->rows; r++)
        for (int c = 0; c < s->c; c++) {
            struct approx_sum sum = { 0 };
            float d = dy[r * s->c + c];
            for (int p = 0; p < s->positions; p++) {
                int64_t at = ((int64_t)r * s->positions + p) * s->c + c;
                double v = dx[at].v + (double)d / s->positions;
                approx_add(&sum, (double)x[at] / s->positions, 0);
                dx[at] = (struct approx){ v, CHECK_U * (fabs(v) + 2 * fabs((double)d / s->positions)) };
            }
            y[r * s->c + c] = approx_of(sum);
        }
}

/* In every other shape dx begins with values that remain. */
static void one(int turn)
{
    struct hsgd_type in = turn % 3 ? hsgd_image(check_int(1, 9), check_int(1, 9), check_size(70))
                                   : (struct hsgd_type){ HSGD_F32, 2, { check_int(1, 40), check_size(100) } };
    struct shape s = { check_size(40), (int)hsgd_type_positions(&in), hsgd_type_channels(&in) };
    struct hsgd_op op = hsgd_op_global_avg_pool;
    int nx = s.rows * s.positions * s.c, ny = s.rows * s.c, slices[] = { (s.rows + 2) / 3, s.rows - (s.rows + 2) / 3 };
    op.layouts = turn / 2 % 2 ? 1u << HSGD_LANES : 1u << HSGD_NHWC;
    check_shape("shape %d: %d samples of %d positions of %d channels, %s, adds %d", turn, s.rows, s.positions, s.c,
                turn / 2 % 2 ? "lanes" : "NHWC", turn % 2);
    float *x = check_floats(nx), *dy = check_floats(ny), *y = check_floats(ny), *start = check_floats(nx);
    float *dx = check_floats(nx);
    struct approx *want_y = check_approx(ny), *want_dx = check_approx(nx);
    for (int i = 0; turn % 2 && i < nx; i++) want_dx[i].v = start[i];
    reference(&s, x, dy, want_y, want_dx);
    for (int d = 0; d < check_devices() && check_going(); d++) {
        struct hsgd_op_call run = { .rows = s.rows,
                                    .slices = slices[1] && turn % 5 == 0 ? slices : NULL,
                                    .nslices = 2,
                                    .adds = turn % 2,
                                    .in = { in },
                                    .x = { x },
                                    .dy = { dy },
                                    .y = { y },
                                    .dx = { dx },
                                    .training = true };
        for (int i = 0; i < nx; i++) dx[i] = start[i];
        check_run(d, &op, NULL, &run, ny);
        check_near("y", y, want_y, ny);
        check_near("dx", dx, want_dx, nx);
    }
    free(x), free(dy), free(y), free(start), free(dx), free(want_y), free(want_dx);
}

void reference_global_avg_pool(void)
{
    for (int i = 0; i < 210 && check_going(); i++) one(i);
}
