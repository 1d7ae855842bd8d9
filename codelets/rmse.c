/* SPDX-License-Identifier: BSD-3-Clause */
/* Metrics of values: RMSE, mean absolute error, R^2. */
#include <math.h>

#include "loss.h"

static int infer(struct hsgd_node *n, char *why, size_t size)
{
    if (value_infer(n, why, size)) return -1;
    n->sums[HSGD_FORWARD][0] = 2;
    n->forward_flops = 3.0 * sample_size(&n->in[0]);
    return 0;
}

/* sums = { what the kernel gives, added up over all values, number of values } */
static void emit(struct hsgd_emit *e, const struct hsgd_kernel *kernel)
{
    struct value_loss_args a = { e->rows, sample_size(&e->node->in[0]), false, 1 };
    struct hsgd_ref stats = hsgd_scratch(e, e->rows);
    HSGD_LAUNCH(e, kernel, HSGD_WARPS, a.rows, &a, e->x[0], e->x[1], e->x[0], stats);
    emit_row_sums(e, e->rows, 1, 2, (float)e->rows * (float)a.cols, stats);
}

static void rmse_forward(struct hsgd_emit *e) { emit(e, HSGD_KERNEL(mse_values)); }
static void mae_forward(struct hsgd_emit *e) { emit(e, HSGD_KERNEL(mae_values)); }

static double rmse(const double *sums, const void *attributes)
{
    (void)attributes;
    return sqrt(sums[0] / sums[1]);
}

static double mae(const double *sums, const void *attributes)
{
    (void)attributes;
    return sums[0] / sums[1];
}

const struct hsgd_op hsgd_op_rmse = { .name = "rmse",
                                      .layouts = 1u << HSGD_NHWC,
                                      .inputs = 2,
                                      .is_metric = true,
                                      .measures_values = true,
                                      .less_is_better = true,
                                      .infer = infer,
                                      .forward = { { rmse_forward } },
                                      .value = rmse };
const struct hsgd_op hsgd_op_mean_absolute_error = { .name = "mean_absolute_error",
                                                     .layouts = 1u << HSGD_NHWC,
                                                     .inputs = 2,
                                                     .is_metric = true,
                                                     .measures_values = true,
                                                     .less_is_better = true,
                                                     .infer = infer,
                                                     .forward = { { mae_forward } },
                                                     .value = mae };

/* --------------------------------------------------------------------- R^2 */

static int r2_infer(struct hsgd_node *n, char *why, size_t size)
{
    if (infer(n, why, size)) return -1;
    n->sums[HSGD_FORWARD][0] = 2 + 3 * (int64_t)hsgd_type_channels(&n->in[0]);
    return 0;
}

static void r2_forward(struct hsgd_emit *e)
{
    const struct hsgd_r2 *attributes = e->node->attributes;
    int channels = hsgd_type_channels(&e->node->in[0]);
    struct r2_args a = { e->rows * (sample_size(&e->node->in[0]) / channels), channels, attributes->center };
    HSGD_LAUNCH(e, HSGD_KERNEL(r2_sums), HSGD_WARPS, a.cols, &a, e->x[0], e->x[1], e->sums);
}

/* A channel of equal targets: 1 if all values are right, else 0. */
static double r2(const double *sums, const void *attributes)
{
    (void)attributes;
    double rows = sums[0], total = 0;
    int channels = (int)lround(sums[1] / rows);
    for (int c = 0; c < channels; c++) {
        const double *s = sums + 2 + 3 * c;
        double all = s[2] - s[1] * s[1] / rows;
        total += all > 0 ? 1 - s[0] / all : s[0] == 0 ? 1 : 0;
    }
    return total / channels;
}

#define AT(field) offsetof(struct hsgd_r2, field)
static const struct hsgd_attribute r2_fields[] = { { "center", HSGD_FLOAT, AT(center), false, 0, NULL }, { 0 } };

const struct hsgd_op hsgd_op_r2 = { .name = "r2",
                                    .attributes_size = sizeof(struct hsgd_r2),
                                    .fields = r2_fields,
                                    .layouts = 1u << HSGD_NHWC,
                                    .inputs = 2,
                                    .is_metric = true,
                                    .measures_values = true,
                                    .infer = r2_infer,
                                    .forward = { { r2_forward } },
                                    .value = r2 };
