/* SPDX-License-Identifier: BSD-3-Clause */
#include "inject.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/c_locale.h"

#define MAX_FACTOR 1000.0
#define MAX_ROW_US 1e6
#define SPIN_NS 100000u /* sleeping ends late by about so much */

/* One word of a variable: "opencl:3", "opencl:0:3", "cpu:2.5@500", "cpu:40us",
 * "cpu:40us/4@500", and "opencl:0@500" where there is no slowness. */
struct entry {
    char device[64];
    struct slowness slow; /* `from` is that of either variable */
};

static int refuse(struct hsgd_context *ctx, const char *variable, const char *word, const char *why)
{
    return hsgd_fail(ctx, EINVAL, "%s: \"%s\" %s", variable, hsgd_show(word).text, why);
}

static int slow_device(struct hsgd_context *ctx, struct device *d, const struct entry *e, const char *word)
{
    if (d->nslow == MAX_SLOWNESS) return refuse(ctx, "HSGD_SLOW", word, "is one change too many for its device");
    const struct slowness *last = d->nslow ? &d->slow[d->nslow - 1] : NULL;
    if (last && (last->from > e->slow.from || (last->from == e->slow.from && !e->slow.every)))
        return refuse(ctx, "HSGD_SLOW", word, "does not follow the entry before");
    d->slow[d->nslow++] = e->slow;
    return 0;
}

static int fail_device(struct hsgd_context *ctx, struct device *d, const struct entry *e, const char *word)
{
    (void)ctx, (void)word;
    d->fails = true;
    d->fails_from = e->slow.from;
    return 0;
}

typedef int apply_fn(struct hsgd_context *ctx, struct device *d, const struct entry *e, const char *word);

/* The number behind `mark`, which is cut off; false: it is not one. */
static bool cut_number(char *text, char mark, double *out)
{
    char *at = strrchr(text, mark), *end = at;
    if (at) *out = c_strtod(at + 1, &end);
    if (!at || end == at + 1 || *end) return false;
    *at = 0;
    return true;
}

/* "3": a factor; "40us": a row's time; "/4" behind it: in every other four steps. */
static bool cut_slowness(char *text, struct slowness *out)
{
    double every = 0;
    if (strchr(text, '/') && !(cut_number(text, '/', &every) && every >= 1 && every < 1e15)) return false;
    out->every = (int64_t)every;
    size_t n = strlen(text);
    bool is_time = n > 2 && !strcmp(text + n - 2, "us");
    if (is_time) text[n - 2] = 0;
    return cut_number(text, ':', is_time ? &out->row_us : &out->factor);
}

static bool read_entry(const char *word, bool has_slowness, struct entry *e)
{
    double from = 0;
    if (strlen(word) >= sizeof e->device) return false;
    strcpy(e->device, word);
    bool ok = !strchr(word, '@') || cut_number(e->device, '@', &from);
    if (ok && has_slowness) ok = cut_slowness(e->device, &e->slow);
    e->slow.from = from >= 0 && from < 1e15 ? (int64_t)from : -1;
    return ok && e->slow.from >= 0;
}

static int read_word(struct hsgd_context *ctx, const char *variable, const char *word, bool has_slowness,
                     apply_fn *apply)
{
    struct entry e = { .slow = { .factor = 1 } };
    int found = 0, err = 0;
    if (!read_entry(word, has_slowness, &e))
        return refuse(ctx, variable, word,
                      has_slowness ? "is not DEVICE:FACTOR or DEVICE:TIMEus, with /STEPS, @STEP or without"
                                   : "is not DEVICE or DEVICE@STEP");
    if (!(e.slow.factor >= 1 && e.slow.factor <= MAX_FACTOR))
        return refuse(ctx, variable, word, "has a factor that is not from 1 to 1000");
    if (!(e.slow.row_us >= 0 && e.slow.row_us <= MAX_ROW_US))
        return refuse(ctx, variable, word, "has a time that is not from 0 to 1000000 us");
    for (int i = 0; !err && i < ctx->ndevices; i++) {
        struct device *d = &ctx->device[i];
        if (strcmp(e.device, d->info.id) && strcmp(e.device, hsgd_device_kind_name(d->info.kind))) continue;
        err = apply(ctx, d, &e, word);
        found++;
    }
    if (!err && !found) hsgd_log(ctx, HSGD_LOG_WARNING, "%s: device \"%s\" is not in use", variable, e.device);
    return err;
}

static int read_variable(struct hsgd_context *ctx, const char *variable, bool has_slowness, apply_fn *apply)
{
    char copy[256];
    const char *list = getenv(variable);
    if (!list || !*list) return 0;
    if (strlen(list) >= sizeof copy) return hsgd_fail(ctx, EINVAL, "%s is longer than 255 characters", variable);
    strcpy(copy, list);
    int err = 0;
    for (char *rest = copy, *word; !err && (word = strsep(&rest, ","));)
        err = read_word(ctx, variable, word, has_slowness, apply);
    return err;
}

int inject_read(struct hsgd_context *ctx)
{
    int err = read_variable(ctx, "HSGD_SLOW", true, slow_device);
    return err ? err : read_variable(ctx, "HSGD_FAIL", false, fail_device);
}

static struct slowness slowness_at(const struct device *d, int64_t step)
{
    struct slowness s = { .factor = 1 };
    for (int i = 0; i < d->nslow && d->slow[i].from <= step; i++)
        if (!d->slow[i].every || (step - d->slow[i].from) / d->slow[i].every % 2 == 0) s = d->slow[i];
    return s;
}

void inject_slowness(const struct device *d, int rows, int64_t step, uint64_t began)
{
    struct slowness s = slowness_at(d, step);
    uint64_t now = monotonic_ns();
    uint64_t until = began + (uint64_t)fmax(s.factor * (double)(now - began), 1e3 * s.row_us * rows);
    if (until > now + 2 * SPIN_NS) {
        uint64_t wake = until - SPIN_NS;
        struct timespec t = { (time_t)(wake / 1000000000u), (long)(wake % 1000000000u) };
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
    }
    while (monotonic_ns() < until) continue;
}
