/* SPDX-License-Identifier: BSD-3-Clause */
/* Random calls: contexts, devices, traces, files, names. */
#include "fuzz.h"

#include <limits.h>
#include <math.h>

#define CTX(i) OR_NULL(i, world.ctx)

static void ignore_line(void *user, enum hsgd_log_level level, const char *line)
{
    (void)user, (void)level;
    if (strlen(line) > 100000) abort();
}

/* Joins the StarPU that runs. */
static bool create(void)
{
    struct hsgd_context *ctx = NULL;
    struct hsgd_context_options o = { .size = wild_size(sizeof o), .threads = wild(1) };
    o.devices = OR_NULL(2, any_text(one_in(8) ? "opencl" : one_in(8) ? "cpu,cpu" : "cpu"));
    o.deterministic = one_in(2);
    o.log = one_in(2) ? ignore_line : NULL;
    int err = hsgd_create(OR_NULL(0, &ctx), OR_NULL(1, &o));
    if (ctx && strlen(hsgd_error(ctx)) > 100000) abort();
    hsgd_destroy(&ctx);
    return !err;
}

static bool destroy(void)
{
    struct hsgd_context *none = NULL, *ctx = NULL;
    hsgd_create(&ctx, HSGD_OPTIONS(context, .devices = "?"));
    hsgd_destroy(OR_NULL(0, one_in(2) ? &none : &ctx));
    hsgd_destroy(&ctx);
    return true;
}

static bool error(void)
{
    const char *text = hsgd_error(CTX(0));
    return text && strlen(text) < 100000;
}

static bool wait(void) { return !hsgd_wait(CTX(0)); }
static bool device_count(void) { return hsgd_device_count(CTX(0)) > 0; }

static bool device_get(void)
{
    struct hsgd_device d;
    return !hsgd_device_get(CTX(0), wild(0), OR_NULL(1, &d),
                            one_in(8) ? (size_t[]){ 0, 1, 16, SIZE_MAX }[below(4)] : sizeof d);
}

static bool product_get(void)
{
    struct hsgd_product p;
    return !hsgd_product_get(CTX(0), wild(0), OR_NULL(1, &p),
                             one_in(8) ? (size_t[]){ 0, 1, 16, SIZE_MAX }[below(4)] : sizeof p);
}

static bool device_kind_name(void)
{
    return hsgd_device_kind_name((enum hsgd_device_kind)wild_enum(HSGD_DEVICE_KINDS));
}

static bool version(void) { return hsgd_version() == HSGD_VERSION; }
static bool version_text(void) { return hsgd_version_text() && *hsgd_version_text(); }

/* -------------------------------------------------------------------- defaults */

#define DEFAULTS(kind) \
    static bool kind##_defaults(void) \
    { \
        struct hsgd_##kind##_options o; \
        size_t size = one_in(4) ? (size_t[]){ 0, 1, 8, 16, SIZE_MAX }[below(5)] : sizeof o; \
        return !hsgd_##kind##_defaults(OR_NULL(0, &o), size); \
    }
DEFAULTS(context)
DEFAULTS(data)
DEFAULTS(augment)
DEFAULTS(trace)
DEFAULTS(train)

/* ---------------------------------------------------------------------- traces */

static bool trace_start(void)
{
    struct hsgd_trace_options o = { .size = wild_size(sizeof o), .capacity = wild_low(200), .first = wild64(50) };
    o.every = wild64(10);
    o.few = wild64(2);
    return !hsgd_trace_start(CTX(0), OR_NULL(1, &o));
}

static bool trace_stop(void)
{
    hsgd_trace_stop(CTX(0));
    return true;
}

static bool trace_count(void)
{
    int64_t dropped = 0;
    return hsgd_trace_count(CTX(0), OR_NULL(1, &dropped)) >= 0 && dropped >= 0;
}

static bool trace_get(void)
{
    struct hsgd_trace_event e;
    return !hsgd_trace_get(CTX(0), wild64(0), OR_NULL(1, &e),
                           one_in(8) ? (size_t[]){ 0, 1, 16, SIZE_MAX }[below(4)] : sizeof e);
}

static bool trace_write(void) { return !hsgd_trace_write(CTX(0), OR_NULL(1, any_path("trace.json"))); }

/* ----------------------------------------------------------------------- texts */

static bool file_write(void)
{
    char bytes[32] = "text";
    size_t size = one_in(8) ? 0 : sizeof bytes;
    return !hsgd_file_write(CTX(0), OR_NULL(1, any_path("written")), OR_NULL(2, bytes), size);
}

static bool text_encode(void)
{
    char *text = hsgd_text_encode(OR_NULL(0, any_text("na\xefve")));
    bool made = text != NULL;
    free(text);
    return made;
}

static bool text_decode(void)
{
    char *text = hsgd_text_decode(OR_NULL(0, any_text("na\xef\xbf\xbd"
                                                      "efve")));
    bool made = text != NULL;
    free(text);
    return made;
}

static bool algorithm_by_name(void) { return hsgd_algorithm_by_name(OR_NULL(0, any_text("sync"))) >= 0; }
static bool algorithm_name(void) { return hsgd_algorithm_name((enum hsgd_algorithm)wild_enum(HSGD_ALGORITHMS)); }
static bool optimizer_name(void) { return hsgd_optimizer_name((enum hsgd_optimizer)wild_enum(HSGD_OPTIMIZERS)); }
static bool schedule_name(void) { return hsgd_schedule_name((enum hsgd_schedule)wild_enum(HSGD_SCHEDULES)); }

static bool rate_scaling_name(void)
{
    return hsgd_rate_scaling_name((enum hsgd_rate_scaling)wild_enum(HSGD_RATE_SCALINGS));
}

const struct call context_calls[] = { { "hsgd_create", create, 3, true },
                                      { "hsgd_destroy", destroy, 1, false },
                                      { "hsgd_error", error, 1, false },
                                      { "hsgd_wait", wait, 1, false },
                                      { "hsgd_device_count", device_count, 1, false },
                                      { "hsgd_device_get", device_get, 2, false },
                                      { "hsgd_product_get", product_get, 2, false },
                                      { "hsgd_device_kind_name", device_kind_name, 0, false },
                                      { "hsgd_version", version, 0, false },
                                      { "hsgd_version_text", version_text, 0, false },
                                      { "hsgd_context_defaults", context_defaults, 1, false },
                                      { "hsgd_data_defaults", data_defaults, 1, false },
                                      { "hsgd_augment_defaults", augment_defaults, 1, false },
                                      { "hsgd_trace_defaults", trace_defaults, 1, false },
                                      { "hsgd_train_defaults", train_defaults, 1, false },
                                      { "hsgd_trace_start", trace_start, 2, false },
                                      { "hsgd_trace_stop", trace_stop, 1, false },
                                      { "hsgd_trace_count", trace_count, 2, false },
                                      { "hsgd_trace_get", trace_get, 2, false },
                                      { "hsgd_trace_write", trace_write, 2, false },
                                      { "hsgd_file_write", file_write, 3, false },
                                      { "hsgd_text_encode", text_encode, 1, false },
                                      { "hsgd_text_decode", text_decode, 1, false },
                                      { "hsgd_algorithm_by_name", algorithm_by_name, 1, false },
                                      { "hsgd_algorithm_name", algorithm_name, 0, false },
                                      { "hsgd_optimizer_name", optimizer_name, 0, false },
                                      { "hsgd_schedule_name", schedule_name, 0, false },
                                      { "hsgd_rate_scaling_name", rate_scaling_name, 0, false },
                                      { NULL, NULL, 0, false } };
