/* SPDX-License-Identifier: BSD-3-Clause */
#include "division.h"

#include <stdarg.h>

#include "base/c_locale.h"

#define FIXED_SLICES 4 /* deterministic mode: the same for any number of threads */

int division_round(double rows, int block) { return (int)(rows / block + 0.5) * block; }

int division_add(struct slice_spec *out, int n, struct device *d, int rows, int parts, int block)
{
    if (parts > rows / MIN_ROWS) parts = rows / MIN_ROWS;
    if (parts < 1) parts = 1;
    for (int i = 0, left = rows; i < parts && left > 0 && n < MAX_SLICES; i++) {
        int take = i == parts - 1 ? left : division_round((double)left / (parts - i), block);
        if (take > left) take = left;
        if (take) out[n++] = (struct slice_spec){ d, take };
        left -= take;
    }
    return n;
}

int division_rows(struct hsgd_context *ctx, int block, const int *rows, struct slice_spec *out)
{
    int n = 0;
    for (int i = 0; i < ctx->ndevices; i++) {
        struct device *d = &ctx->device[i];
        if (rows[i]) n = division_add(out, n, d, rows[i], d->info.workers, block);
    }
    return n;
}

void division_explain(struct division *out, int device, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    c_vsnprintf(out->why[device], sizeof out->why[device], format, args);
    va_end(args);
}

void division_explain_all(struct division *out, int ndevices, const char *why)
{
    for (int i = 0; i < ndevices; i++) division_explain(out, i, "%s", why);
}

int division_usable(const struct hsgd_context *ctx)
{
    int n = 0;
    for (int i = 0; i < ctx->ndevices; i++) n += !ctx->device[i].lost;
    return n;
}

struct device *division_first(struct hsgd_context *ctx)
{
    int i = 0;
    while (ctx->device[i].lost) i++;
    return &ctx->device[i];
}

void division_equal(struct hsgd_context *ctx, int block, int batch, int parts, const char *why, struct division *out)
{
    int devices = division_usable(ctx);
    for (int i = 0, left = batch; i < ctx->ndevices; i++) {
        struct device *d = &ctx->device[i];
        if (d->lost) continue;
        int rows = devices == 1 ? left : division_round((double)left / devices, block);
        if (rows > left) rows = left;
        if (rows) out->n = division_add(out->slice, out->n, d, rows, parts ? parts : d->info.workers, block);
        left -= rows;
        devices--;
    }
    division_explain_all(out, ctx->ndevices, why);
}

void division_in_proportion(struct hsgd_context *ctx, int block, const double *share, int batch, struct division *out)
{
    int rows[MAX_DEVICES] = { 0 }, left = batch, largest = 0;
    for (int i = 0; i < ctx->ndevices; i++) {
        rows[i] = division_round(batch * share[i], block);
        if (rows[i] > left) rows[i] = left;
        left -= rows[i];
        if (share[i] > share[largest]) largest = i;
    }
    rows[largest] += left;
    out->n = division_rows(ctx, block, rows, out->slice);
    division_explain_all(out, ctx->ndevices, "the proportions of the batch that trials measured");
}

bool division_fixed(struct hsgd_context *ctx, int block, int batch, struct division *out)
{
    int devices = division_usable(ctx);
    if (ctx->deterministic) division_equal(ctx, block, batch, FIXED_SLICES, "deterministic mode: equal shares", out);
    else if (devices > MAX_SLICES / 2)
        division_equal(ctx, block, batch, FIXED_SLICES, "too many devices for trials: equal shares", out);
    else if (devices == 1 && division_first(ctx)->info.workers == 1) {
        out->n = division_add(out->slice, 0, division_first(ctx), batch, 1, block);
        division_explain_all(out, ctx->ndevices, "the only device in use, with one worker");
    } else return false;
    return true;
}
