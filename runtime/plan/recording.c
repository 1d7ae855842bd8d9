/* SPDX-License-Identifier: BSD-3-Clause */
#include "recording.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "device/perfmodel_files.h"
#include "kernels.h"
#include "model/model_file.h"
#include "type_text.h"

/* --------------------------------------------------------------- footprint */

static uint32_t mix(uint32_t h, const void *data, size_t bytes)
{
    const unsigned char *p = data;
    while (bytes--) h = (h ^ *p++) * 16777619u;
    return h;
}

static int rows_on(const struct plan *p, const struct device *d)
{
    int rows = 0;
    for (int i = 0; i < p->nslices; i++) rows += p->slice[i].device == d ? p->slice[i].rows : 0;
    return rows;
}

static int64_t shard_floats(const struct plan *p, int i)
{
    return p->store && i < p->store->nshards ? p->store->shard[i].floats : 0;
}

void recording_add(const struct plan *p, const struct job *j, struct cell *c)
{
    bool slice = j->kind == CELL_SLICE;
    const int64_t about[] = { j->segment, p->mode, slice ? p->slice[j->index].rows : shard_floats(p, j->index),
                              slice ? 0 : p->nslices, j->kind == CELL_GRADIENT ? rows_on(p, j->device) : 0 };
    c->footprint = mix(mix(c->footprint, j->type->name, strlen(j->type->name)), about, sizeof about);
    c->size += slice ? (size_t)p->slice[j->index].rows : (size_t)about[2] * sizeof(float);
}

/* ------------------------------------------------------------------ symbols */

static char kernels_hex[65]; /* of the texts of all kernels, and the instruction set */

static void digest_kernels(void)
{
    struct sha256 h;
    sha256_begin(&h);
    sha256_text(&h, hsgd_kernel_header);
    for (int k = 0; k < HSGD_KERNELS; k++)
        if (!k || hsgd_kernel_sources[k] != hsgd_kernel_sources[k - 1]) sha256_text(&h, hsgd_kernel_sources[k]);
    sha256_text(&h, hsgd_kernels_isa());
    sha256_end(&h, kernels_hex);
}

void recording_add_kernels(struct sha256 *h)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, digest_kernels);
    sha256_text(h, kernels_hex);
}

void recording_add_fields(struct sha256 *h, const struct hsgd_model *m)
{
    for (int i = 0; i < m->nfields; i++) sha256_text(h, type_text(&m->value[m->field[i].value].type).text);
}

/* Kernels, the library of matrix products if one is named, network, optimizer and precision; and OpenCL drivers, as
 * StarPU numbers their devices by which others there are. */
static void digest(const struct plan *p, char hex[65])
{
    const struct updater *u = &p->updater;
    const int numbers[] = { u->accumulate, u->clip_norm > 0, u->ema != NULL, p->ctx->tf32 };
    const char *products = getenv("HSGD_PRODUCTS");
    char *text = model_text(NULL, p->store->model);
    struct sha256 h;
    sha256_begin(&h);
    recording_add_kernels(&h);
    sha256_text(&h, products ? products : "");
    sha256_text(&h, text ? text : "");
    sha256_text(&h, u->name ? u->name : "");
    sha256_add(&h, numbers, sizeof numbers);
    recording_add_fields(&h, p->model);
    for (int i = 0; i < p->ctx->ndevices; i++) {
        const struct hsgd_device *d = &p->ctx->device[i].info;
        if (*d->driver) sha256_text(&h, d->name), sha256_text(&h, d->driver);
    }
    sha256_end(&h, hex);
    free(text);
}

bool recording_symbol(struct plan *p, enum cell_kind kind, char out[PERFMODEL_SYMBOL])
{
    char network[PERFMODEL_NETWORK + 1], hex[65];
    if (!p->store) return false;
    if (!*p->digest) {
        digest(p, hex);
        snprintf(p->digest, sizeof p->digest, "%.16s", hex);
    }
    perfmodel_network(p->model->name, network);
    snprintf(out, PERFMODEL_SYMBOL, "hsgd_%s_%s_%s", network,
             kind == CELL_SLICE && plan_forward_only(p) ? "forward" : cell_kind_name(kind), p->digest);
    return true;
}
