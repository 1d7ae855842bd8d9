/* SPDX-License-Identifier: BSD-3-Clause */
/* Preloaded into hsgd selftest: the library gives wrong answers where WRONG, a
 * list of words, says so.
 *
 * OPERATION@DEVICE  the last number that such an operation returns is off
 * step:N            the loss of the Nth training step is 0.1 % too large
 * idle@DEVICE       the device counts no samples
 * plain@DEVICE      and no CUDA graphs */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hsgd/hsgd.h>

#define REAL(name) __typeof__(name) *real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

static bool wrong(const char *what, const char *device)
{
    char word[64], list[400];
    const char *given = getenv("WRONG");
    snprintf(word, sizeof word, " %s%s ", what, device);
    snprintf(list, sizeof list, " %s ", given ? given : "");
    return strstr(list, word) != NULL;
}

int hsgd_op_run(struct hsgd_context *ctx, int device, const struct hsgd_op *op, const void *attributes,
                const struct hsgd_op_call *run)
{
    REAL(hsgd_op_run);
    struct hsgd_device d;
    char name[40];
    int err = real(ctx, device, op, attributes, run);
    snprintf(name, sizeof name, "%s@", op->name);
    if (err || hsgd_device_get(ctx, device, &d, sizeof d) || !wrong(name, d.id)) return err;
    struct hsgd_node n = { .attributes = attributes, .inputs = 1 };
    memcpy(n.in, run->in, sizeof n.in);
    char why[200];
    if (op->infer(&n, why, sizeof why)) abort();
    float *last = run->y[0] ? &run->y[0][run->rows * hsgd_type_size(&n.out[0]) - 1] : &run->sums[0];
    *last = nextafterf(*last * 1.001f, INFINITY);
    return 0;
}

int hsgd_trainer_step(struct hsgd_trainer *trainer, int n, const void *const *field, double *loss)
{
    REAL(hsgd_trainer_step);
    static int steps;
    char number[12];
    int err = real(trainer, n, field, loss);
    snprintf(number, sizeof number, "%d", ++steps);
    if (!err && wrong("step:", number)) *loss *= 1.001;
    return err;
}

int hsgd_device_get(const struct hsgd_context *ctx, int i, struct hsgd_device *device, size_t size)
{
    REAL(hsgd_device_get);
    int err = real(ctx, i, device, size);
    if (!err && wrong("idle@", device->id)) device->samples = 0;
    if (!err && wrong("plain@", device->id)) device->graphs_captured = device->graphs_launched = 0;
    return err;
}
