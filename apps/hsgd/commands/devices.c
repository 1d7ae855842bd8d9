/* SPDX-License-Identifier: BSD-3-Clause */
/* hsgd devices */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "lib/json.h"
#include "lib/session.h"
#include "lib/text.h"
#include "lib/usage.h"

/* All devices, and those that "auto" uses. */
struct found {
    struct usage all;
    bool automatic[MAX_DEVICES];
};

/* A remark behind the name. */
static void remark(const struct found *f, int i, char *text, size_t size)
{
    const struct hsgd_device *d = &f->all.device[i];
    *text = 0;
    if (d->kind == HSGD_CUDA && *d->cudnn) snprintf(text, size, " (cuDNN %s)", d->cudnn);
    else if (d->kind == HSGD_CUDA) snprintf(text, size, " (no cuDNN)");
    else if (d->kind == HSGD_OPENCL && d->is_cpu && !f->automatic[i]) snprintf(text, size, " (this is the CPU)");
}

/* Finds all devices that a list can name.  Lists are tried from the longest: one
 * that names a missing device fails. */
static void find_all(struct usage *all)
{
    static const char *const lists[] = { "cpu,cuda,opencl", "cpu,cuda", "cpu,opencl", "cpu" };
    for (size_t i = 0; !all->n && i < sizeof lists / sizeof *lists; i++) {
        struct hsgd_context *ctx;
        if (!hsgd_create(&ctx, HSGD_OPTIONS(context, .devices = lists[i]))) usage_now(ctx, all);
        hsgd_destroy(&ctx);
    }
}

static int by_kind(const void *a, const void *b)
{
    const struct hsgd_device *x = a, *y = b;
    return x->kind != y->kind ? (int)x->kind - (int)y->kind : x->index - y->index;
}

static int find(struct found *f, const struct settings *s)
{
    struct session run;
    struct hsgd_device d;
    find_all(&f->all);
    qsort(f->all.device, (size_t)f->all.n, sizeof *f->all.device, by_kind);
    int code = open_context(&run, s);
    bool opened = !code;
    if (code == FAILED) code = OK; /* why has been said; what there is can be listed */
    for (int i = 0; opened && !hsgd_device_get(run.ctx, i, &d, sizeof d); i++)
        for (int k = 0; k < f->all.n; k++)
            if (!strcmp(f->all.device[k].id, d.id)) {
                f->automatic[k] = true;
                f->all.device[k] = d;
            }
    close_session(&run);
    return code;
}

static int print_json(const struct found *f)
{
    json_t *list = json_array();
    for (int i = 0; i < f->all.n; i++) {
        const struct hsgd_device *d = &f->all.device[i];
        json_append(&list, json_pack("{s:s, s:o, s:s, s:i, s:i, s:I, s:o, s:b, s:s?, s:b}", "id", d->id, "name",
                                     json_text(d->name), "kind", hsgd_device_kind_name(d->kind), "index", d->index,
                                     "workers", d->workers, "memory_bytes", (json_int_t)d->memory_bytes, "numa_node",
                                     d->numa_node < 0 ? json_null() : json_integer(d->numa_node), "is_cpu", d->is_cpu,
                                     "cudnn", *d->cudnn ? d->cudnn : NULL, "auto", f->automatic[i]));
    }
    return json_print(json_pack("{s:o}", "devices", list));
}

static int print_table(const struct found *f)
{
    if (!f->all.n) printf("no device can be used\n");
    else printf("%-10s %7s %10s %5s %5s  %s\n", "device", "workers", "memory", "NUMA", "auto", "name");
    for (int i = 0; i < f->all.n; i++) {
        const struct hsgd_device *d = &f->all.device[i];
        char numa[12] = "-", more[40];
        if (d->numa_node >= 0) snprintf(numa, sizeof numa, "%d", d->numa_node);
        remark(f, i, more, sizeof more);
        int at = printf("%-10s %7d %6.1f GiB %5s %5s  ", d->id, d->workers, (double)d->memory_bytes / (1 << 30), numa,
                        f->automatic[i] ? "yes" : "no");
        text_wrap(at, at, "%s%s", d->name, more);
    }
    return flush_output();
}

int cmd_devices(struct settings *s)
{
    struct found f = { 0 };
    int code = require_words(s, 0);
    if (!code) code = find(&f, s);
    if (code) return code;
    return s->json ? print_json(&f) : print_table(&f);
}
