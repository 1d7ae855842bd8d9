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
};

const char *hsgd_optimizer_name(enum hsgd_optimizer o) { return o < HSGD_OPTIMIZERS ? table[o].name : NULL; }

bool optimizer_divides(enum hsgd_optimizer o) { return table[o].divides; }

int optimizer_state_floats(enum hsgd_optimizer o) { return table[o].state_floats; }

const char *optimizer_state_name(enum hsgd_optimizer o, int i) { return table[o].state[i]; }

void optimizer_emit(struct hsgd_emit *e, const void *options, const struct update *u)
{
    const struct hsgd_train_options *o = options;
    const struct optimizer_row *row = &table[o->optimizer];
    struct optimizer_args a = { .n = (int)u->n,
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
    struct hsgd_ref g0 = u->part[0], g1 = u->parts > 1 || u->clipped ? u->part[1] : g0,
                    g2 = u->parts > 2 ? u->part[2] : g0;
    const struct hsgd_kernel *k = &hsgd_kernels[row->kernel];
    if (row->state_floats) HSGD_LAUNCH(e, k, HSGD_ITEMS, u->n, &a, u->w, u->state, u->step, g0, g1, g2);
    else HSGD_LAUNCH(e, k, HSGD_ITEMS, u->n, &a, u->w, u->step, g0, g1, g2);
}
