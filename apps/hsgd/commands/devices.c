/* SPDX-License-Identifier: BSD-3-Clause */
/* hsgd devices */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "lib/json.h"
#include "lib/session.h"
#include "lib/text.h"
#include "lib/usage.h"

enum { MAX_PRODUCTS = 32 };

/* All devices, and those that "auto" uses. */
struct found {
    struct usage all;
    bool automatic[MAX_DEVICES];
    int nproducts; /* with --verbose */
    struct hsgd_product product[MAX_PRODUCTS];
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
static void find_all(struct found *f, bool verbose)
{
    static const char *const lists[] = { "cpu,cuda,opencl", "cpu,cuda", "cpu,opencl", "cpu" };
    for (size_t i = 0; !f->all.n && i < sizeof lists / sizeof *lists; i++) {
        struct hsgd_context *ctx;
        if (!hsgd_create(&ctx, HSGD_OPTIONS(context, .devices = lists[i]))) usage_now(ctx, &f->all);
        while (verbose && f->nproducts < MAX_PRODUCTS &&
               !hsgd_product_get(ctx, f->nproducts, &f->product[f->nproducts], sizeof *f->product))
            f->nproducts++;
        hsgd_destroy(&ctx);
    }
}

static bool is_listed(const struct found *f, const char *id)
{
    for (int i = 0; i < f->all.n; i++)
        if (!strcmp(f->all.device[i].id, id)) return true;
    return false;
}

/* Says why OpenCL devices that there are cannot be used. */
static void say_unusable(const struct found *f)
{
    char id[24];
    int err = -ENOTSUP;
    for (int i = 0; err == -ENOTSUP; i++) {
        struct hsgd_context *ctx;
        snprintf(id, sizeof id, "opencl:%d", i);
        if (is_listed(f, id)) continue;
        err = hsgd_create(&ctx, HSGD_OPTIONS(context, .devices = id));
        if (err == -ENOTSUP) print_message("warning: ", hsgd_error(ctx));
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
    find_all(f, s->verbose);
    say_unusable(f);
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

static json_t *products_json(const struct found *f)
{
    json_t *list = json_array();
    for (int i = 0; i < f->nproducts; i++) {
        const struct hsgd_product *p = &f->product[i];
        json_t *candidates = json_array();
        for (int l = 0; l < HSGD_PRODUCT_LIBRARIES; l++)
            if (*p->candidate[l])
                json_append(&candidates, json_pack("{s:s, s:o}", "library", p->candidate[l], "gflops",
                                                   p->gflops[l] > 0 ? json_real(p->gflops[l]) : json_null()));
        json_append(&list,
                    json_pack("{s:s, s:s, s:o}", "product", p->name, "library", p->library, "candidates", candidates));
    }
    return list;
}

static int print_json(const struct found *f)
{
    json_t *list = json_array();
    for (int i = 0; i < f->all.n; i++) {
        const struct hsgd_device *d = &f->all.device[i];
        json_append(&list, json_pack("{s:s, s:o, s:s, s:i, s:i, s:I, s:o, s:b, s:s?, s:b, s:o}", "id", d->id, "name",
                                     json_text(d->name), "kind", hsgd_device_kind_name(d->kind), "index", d->index,
                                     "workers", d->workers, "memory_bytes", (json_int_t)d->memory_bytes, "numa_node",
                                     d->numa_node < 0 ? json_null() : json_integer(d->numa_node), "is_cpu", d->is_cpu,
                                     "cudnn", *d->cudnn ? d->cudnn : NULL, "auto", f->automatic[i], "driver",
                                     *d->driver ? json_text(d->driver) : json_null()));
    }
    json_t *all = json_pack("{s:o}", "devices", list);
    if (f->nproducts) json_set(&all, "matrix_products", products_json(f));
    return json_print(all);
}

static void print_drivers(const struct found *f)
{
    int printed = 0;
    for (int i = 0; i < f->all.n; i++) {
        const struct hsgd_device *d = &f->all.device[i];
        if (!*d->driver) continue;
        if (!printed++) printf("\n");
        int at = printf("driver of %-8s  ", d->id);
        text_wrap(at, at, "%s", d->driver);
    }
}

/* Which library computes what on a core. */
static void print_products(const struct found *f)
{
    const struct hsgd_product *p = f->product;
    int at = printf("\nmatrix products   ");
    char text[200] = "";
    for (int l = 0; l < HSGD_PRODUCT_LIBRARIES; l++)
        if (*p->candidate[l])
            snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", *text ? ", " : "", p->candidate[l]);
    text_wrap(at - 1, at - 1, "%s; GFLOP/s of a core", text);
    printf("%-16s  %-10s%9s%10s%9s\n", "form and size", "used", "oneDNN", "OpenBLAS", "own");
    for (; p < f->product + f->nproducts; p++) {
        printf("%-16s  %-10s", p->name, p->library);
        for (int l = 0; l < HSGD_PRODUCT_LIBRARIES; l++) {
            char number[16] = "-";
            if (p->gflops[l] > 0) snprintf(number, sizeof number, "%.0f", p->gflops[l]);
            printf("%*s", l == 1 ? 10 : 9, number);
        }
        printf("\n");
    }
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
    if (f->nproducts) print_drivers(f), print_products(f);
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
