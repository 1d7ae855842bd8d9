/* SPDX-License-Identifier: BSD-3-Clause */
#include "predict.h"

#include <math.h>

#include "plan/division.h"

static int members(device_set devices) { return __builtin_popcount(devices); }

device_set predict_chosen(const struct trainer_state *s)
{
    device_set devices = 0;
    bool by_rows = s->balance.batch && algorithm_row(s->options.algorithm)->slices == SLICE_EQUATIONS;
    for (int i = 0; i < s->ctx->ndevices; i++)
        if (by_rows ? s->balance.rows[i] > 0 : !s->ctx->device[i].lost) devices |= 1u << i;
    return devices;
}

const struct curve *predict_curves(const struct trainer_state *s, int batch)
{
    if (s->balance.batch == batch) return s->balance.curve;
    return s->asked.batch == batch ? s->asked.curve : NULL;
}

static double equal_parts(int n, const struct curve *c, int batch)
{
    int rows[MAX_DEVICES];
    for (int i = 0; i < n; i++) rows[i] = batch / n + (i < batch % n);
    return divide_time(n, c, rows);
}

static double together(const struct trainer_state *s, int n, const struct curve *c, int batch)
{
    int rows[MAX_DEVICES];
    double t = divide_rows(n, c, batch, s->options.min_share, rows);
    for (int i = 0; i < n; i++)
        if (!rows[i]) return NAN; /* that is another candidate */
    return t;
}

/* Samples a second of one of n devices, which takes batches of its own. */
static double own_rate(const struct trainer_state *s, const struct algorithm *a, int device, const struct curve *c,
                       int n, int batch)
{
    const struct hsgd_device *d = &s->ctx->device[device].info;
    int rows = algorithm_batch(a, &s->options, batch, d->kind, n);
    if (algorithm_shares_cores(a, d->kind)) rows *= d->workers; /* as many at the same time */
    double step = n > 1 ? curve_shared(c, rows) : curve_at(c, rows);
    return rows / (step + c->extra / algorithm_local_steps(a, &s->options));
}

double predict_step(const struct trainer_state *s, const struct algorithm *a, device_set devices, int batch)
{
    const struct curve *known = predict_curves(s, batch);
    struct curve c[MAX_DEVICES];
    double rate = 0;
    int n = 0;
    bool tried = s->tried_batch == batch && a->slices == SLICE_EQUATIONS;
    if (tried && devices == predict_chosen(s)) return s->tried;
    for (int i = 0; known && i < s->ctx->ndevices; i++) {
        if (!(devices >> i & 1)) continue;
        rate += own_rate(s, a, i, &known[i], members(devices), batch);
        c[n++] = known[i];
    }
    if (!n) return NAN;
    if (algorithm_has_server(a)) return batch / rate;
    return a->slices == SLICE_EQUAL ? equal_parts(n, c, batch) : together(s, n, c, batch);
}
