/* SPDX-License-Identifier: BSD-3-Clause */
#include "kernels.h"
#include "state.h"

/* One row per optimizer; adding one is a row and a kernel. */
static const struct optimizer_row {
    const char *name;
    enum hsgd_kernel_id kernel;
    int state_floats;
    bool nesterov, decoupled;
    bool divides;         /* by the size of the gradient */
    const char *state[2]; /* what PyTorch calls it */
} table[HSGD_OPTIMIZERS] = {
    [HSGD_SGD] = { "sgd", HSGD_KERNEL_sgd_update, 0, false, false, false, { NULL } },
    [HSGD_MOMENTUM] = { "momentum", HSGD_KERNEL_momentum_update, 1, false, false, false, { "momentum_buffer" } },
    [HSGD_NESTEROV] = { "nesterov", HSGD_KERNEL_momentum_update, 1, true, false, false, { "momentum_buffer" } },
    [HSGD_ADAM] = { "adam", HSGD_KERNEL_adam_update, 2, false, false, true, { "exp_avg", "exp_avg_sq" } },
    [HSGD_ADAMW] = { "adamw", HSGD_KERNEL_adam_update, 2, false, true, true, { "exp_avg", "exp_avg_sq" } },
    [HSGD_ADAGRAD] = { "adagrad", HSGD_KERNEL_adagrad_update, 1, false, false, true, { "sum" } },
    [HSGD_RMSPROP] = { "rmsprop", HSGD_KERNEL_rmsprop_update, 1, false, false, true, { "square_avg" } },
    [HSGD_RMSPROP_MOMENTUM] = { "rmsprop-momentum",
                                HSGD_KERNEL_rmsprop_update,
                                2,
                                false,
                                false,
                                true,
                                { "square_avg", "momentum_buffer" } },
    [HSGD_LAMB] = { "lamb", HSGD_KERNEL_lamb_moments, 2, false, false, true, { "exp_avg", "exp_avg_sq" } },
};

const char *hsgd_optimizer_name(enum hsgd_optimizer o) { return o < HSGD_OPTIMIZERS ? table[o].name : NULL; }

bool optimizer_divides(enum hsgd_optimizer o) { return table[o].divides; }

int optimizer_state_floats(enum hsgd_optimizer o) { return table[o].state_floats; }

const char *optimizer_state_name(enum hsgd_optimizer o, int i) { return table[o].state[i]; }

bool optimizer_needs_norms(enum hsgd_optimizer o) { return table[o].kernel == HSGD_KERNEL_lamb_moments; }

static struct optimizer_args args_of(const struct hsgd_train_options *o, const struct update *u)
{
    const struct optimizer_row *row = &table[o->optimizer];
    return (struct optimizer_args){ .n = (int)u->n,
                                    .stride = (int)u->stride,
                                    .parts = u->parts,
                                    .clipped = u->clipped,
                                    .nesterov = row->nesterov,
                                    .decoupled = row->decoupled,
                                    .buffered = row->state_floats > 1,
                                    .weight_decay = u->treatment.weight_decay,
                                    .momentum = o->momentum,
                                    .beta1 = o->beta1,
                                    .beta2 = o->beta2,
                                    .epsilon = o->epsilon,
                                    .alpha = o->alpha,
                                    .rate = u->treatment.rate };
}

void optimizer_emit(struct hsgd_emit *e, const void *options, const struct update *u)
{
    const struct hsgd_train_options *o = options;
    const struct optimizer_row *row = &table[o->optimizer];
    struct optimizer_args a = args_of(o, u);
    struct hsgd_ref g0 = u->part[0], g1 = u->parts > 1 || u->clipped ? u->part[1] : g0,
                    g2 = u->parts > 2 ? u->part[2] : g0;
    const struct hsgd_kernel *k = &hsgd_kernels[row->kernel];
    if (optimizer_needs_norms(o->optimizer)) HSGD_LAUNCH(e, k, HSGD_ITEMS, u->n, &a, u->state, u->step, g0, g1, g2);
    else if (row->state_floats) HSGD_LAUNCH(e, k, HSGD_ITEMS, u->n, &a, u->w, u->state, u->step, g0, g1, g2);
    else HSGD_LAUNCH(e, k, HSGD_ITEMS, u->n, &a, u->w, u->step, g0, g1, g2);
}

_Static_assert(2 * LAMB_PARTS <= NORM_SCRATCH, "parts of the sums of squares");

void optimizer_norms(struct hsgd_emit *e, const void *options, const struct update *u, struct hsgd_ref sums,
                     struct hsgd_ref parts)
{
    struct optimizer_args a = args_of(options, u);
    struct square_total_args total = { LAMB_PARTS };
    HSGD_LAUNCH(e, HSGD_KERNEL(lamb_squares), HSGD_ROWS, LAMB_PARTS, &a, u->w, u->state, u->step, parts);
    for (int i = 0; i < 2; i++)
        HSGD_LAUNCH(e, HSGD_KERNEL(square_total), HSGD_WARPS, 1, &total, hsgd_at(parts, (int64_t)i * LAMB_PARTS),
                    hsgd_at(sums, i));
}

void optimizer_change(struct hsgd_emit *e, const void *options, const struct update *u, struct hsgd_ref sums)
{
    struct optimizer_args a = args_of(options, u);
    HSGD_LAUNCH(e, HSGD_KERNEL(lamb_update), HSGD_ITEMS, u->n, &a, u->w, u->state, u->step, sums);
}
