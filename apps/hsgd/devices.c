/* hsgd devices */
#include <errno.h>
#include <stdio.h>

#include "app.h"

/* Everything that a list can name.  Lists are tried from the longest: one
 * that names an absent device fails. */
static int open_everything(struct session *run, struct settings *s)
{
    static const char *const lists[] = { "cpu,cuda,opencl", "cpu,cuda", "cpu,opencl" };
    s->devices = "cpu";
    int code = open_context(run, s);
    struct hsgd_device cpu;
    if (code || hsgd_device_get(run->ctx, 0, &cpu)) return code;
    struct hsgd_context_options o = { .threads = cpu.workers };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        struct hsgd_context *more;
        o.devices = lists[i];
        hsgd_destroy(&run->ctx);
        if (!hsgd_create(&more, &o)) {
            run->ctx = more;
            return OK;
        }
        hsgd_destroy(&more);
    }
    return open_context(run, s);
}

/* An OpenCL device that is the CPU is counted as the CPU. */
static bool in_auto(const struct hsgd_device *d) { return d->kind == HSGD_CPU || !d->is_cpu; }

static int print_json(const struct hsgd_context *ctx)
{
    json_t *list = json_array();
    struct hsgd_device d;
    for (int i = 0; !hsgd_device_get(ctx, i, &d); i++)
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:s, s:i, s:i, s:I, s:o, s:b, s:b}", "id", d.id, "name", d.name, "kind",
                            hsgd_device_kind_name(d.kind), "index", d.index, "workers", d.workers, "memory_bytes",
                            (json_int_t)d.memory_bytes, "numa_node", d.numa_node < 0 ? json_null() : json_integer(d.numa_node),
                            "is_cpu", d.is_cpu, "auto", in_auto(&d)));
    return json_print(json_pack("{s:o}", "devices", list));
}

static int print_table(const struct hsgd_context *ctx)
{
    struct hsgd_device d;
    printf("%-10s %7s %10s %5s %5s  %s\n", "device", "workers", "memory", "NUMA", "auto", "name");
    for (int i = 0; !hsgd_device_get(ctx, i, &d); i++) {
        char numa[12] = "-";
        if (d.numa_node >= 0) snprintf(numa, sizeof numa, "%d", d.numa_node);
        printf("%-10s %7d %6.1f GiB %5s %5s  %s%s\n", d.id, d.workers, (double)d.memory_bytes / (1 << 30), numa,
               in_auto(&d) ? "yes" : "no", d.name, in_auto(&d) ? "" : " (this is the CPU)");
    }
    return flush_output();
}

int cmd_devices(struct settings *s)
{
    struct session run;
    int code = require_words(s, 0);
    if (code) return code;
    code = open_everything(&run, s);
    if (!code) code = s->json ? print_json(run.ctx) : print_table(run.ctx);
    close_session(&run);
    return code;
}
