/* SPDX-License-Identifier: BSD-3-Clause */
#include "usage.h"

void usage_now(const struct hsgd_context *ctx, struct usage *u)
{
    for (u->n = 0; u->n < hsgd_device_count(ctx) && u->n < MAX_DEVICES; u->n++)
        hsgd_device_get(ctx, u->n, &u->device[u->n], sizeof *u->device);
}

void usage_since(const struct usage *from, struct usage *to)
{
    for (int i = 0; i < to->n; i++) {
        to->device[i].tasks -= from->device[i].tasks;
        to->device[i].samples -= from->device[i].samples;
        to->device[i].busy_seconds -= from->device[i].busy_seconds;
        to->device[i].graphs_captured -= from->device[i].graphs_captured;
        to->device[i].graphs_launched -= from->device[i].graphs_launched;
    }
}

void usage_add(struct usage *sum, const struct usage *more)
{
    if (!sum->n) {
        *sum = *more;
        return;
    }
    for (int i = 0; i < sum->n; i++) {
        sum->device[i].tasks += more->device[i].tasks;
        sum->device[i].samples += more->device[i].samples;
        sum->device[i].busy_seconds += more->device[i].busy_seconds;
        sum->device[i].graphs_captured += more->device[i].graphs_captured;
        sum->device[i].graphs_launched += more->device[i].graphs_launched;
    }
}

double usage_busy(const struct usage *u, int i, double seconds)
{
    return u->device[i].busy_seconds / (seconds * u->device[i].workers);
}
