/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "report.h"
#include "text.h"

json_t *json_usage(const struct usage *u, double seconds)
{
    json_t *list = json_array();
    for (int i = 0; i < u->n; i++) {
        const struct hsgd_device *d = &u->device[i];
        json_t *one = json_pack("{s:o, s:s, s:s, s:i, s:I, s:I, s:o, s:o}", "name", json_text(d->name), "id", d->id,
                                "kind", hsgd_device_kind_name(d->kind), "workers", d->workers, "tasks",
                                (json_int_t)d->tasks, "samples", (json_int_t)d->samples, "busy_seconds",
                                json_number(d->busy_seconds), "busy_fraction", json_number(usage_busy(u, i, seconds)));
        if (d->kind == HSGD_CUDA)
            json_set(&one, "graphs",
                     json_pack("{s:I, s:I}", "captured", (json_int_t)d->graphs_captured, "launched",
                               (json_int_t)d->graphs_launched));
        json_append(&list, one);
    }
    return list;
}

void print_usage(const struct usage *u, double seconds)
{
    printf("%-12s %10s %12s %8s   %s\n", "device", "tasks", "samples", "busy %", "name");
    for (int i = 0; i < u->n; i++) {
        const struct hsgd_device *d = &u->device[i];
        int at = printf("%-12s %10llu %12llu %8.1f   ", d->id, d->tasks, d->samples, 100 * usage_busy(u, i, seconds));
        text_wrap(at, at, "%s", d->name);
    }
}

json_t *json_peak_memory(const struct hsgd_context *ctx)
{
    json_t *all = json_object();
    struct hsgd_device d;
    for (int i = 0; !hsgd_device_get(ctx, i, &d, sizeof d); i++)
        json_set(&all, d.id, json_integer((json_int_t)d.peak_bytes));
    return all;
}

void print_peak_memory(const struct hsgd_context *ctx)
{
    char line[1000] = "";
    struct hsgd_device d;
    for (int i = 0, used = 0; used < 900 && !hsgd_device_get(ctx, i, &d, sizeof d); i++)
        used += snprintf(line + used, sizeof line - (size_t)used, "%s%s %.1f MiB", i ? ", " : "", d.id,
                         (double)d.peak_bytes / (1 << 20));
    text_field("peak memory", "%s", line);
}

void print_devices(const struct hsgd_context *ctx, const char *list)
{
    bool automatic = !list || !strcmp(list, "auto");
    struct hsgd_device d;
    for (int i = 0; !hsgd_device_get(ctx, i, &d, sizeof d); i++) {
        char cores[24] = "";
        if (d.kind == HSGD_CPU) snprintf(cores, sizeof cores, " (%d core%s)", d.workers, d.workers == 1 ? "" : "s");
        text_field(i ? "" : "devices", "%s%s  %s", d.id, cores, d.name);
    }
    text_field("", "%s", automatic ? "auto: each physical device once" : "as listed");
}
