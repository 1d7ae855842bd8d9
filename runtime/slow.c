#include "slow.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_FACTOR 1000.0
#define SPIN_NS 100000u /* sleeping ends late by about so much */

static int refuse(struct hsgd_context *ctx, const char *word, const char *why)
{
    return hsgd_fail(ctx, EINVAL, "HSGD_SLOW: \"%s\" %s", hsgd_show(word).text, why);
}

static int slow_device(struct hsgd_context *ctx, struct device *d, struct slowness s, const char *word)
{
    if (d->nslow == MAX_SLOWNESS) return refuse(ctx, word, "is one change too many for its device");
    if (d->nslow && d->slow[d->nslow - 1].from >= s.from) return refuse(ctx, word, "does not follow the entry before");
    d->slow[d->nslow++] = s;
    return 0;
}

/* "opencl:3", "opencl:0:3", "cpu:2.5@500" */
static int read_word(struct hsgd_context *ctx, char *word, const char *text)
{
    char *colon = strrchr(word, ':'), *end = colon;
    struct slowness s = { 0 };
    int found = 0, err = 0;
    if (colon) s.factor = strtod(colon + 1, &end);
    if (colon && *end == '@') s.from = strtoll(end + 1, &end, 10);
    if (!colon || end == colon + 1 || *end || s.from < 0) return refuse(ctx, text, "is not DEVICE:FACTOR or DEVICE:FACTOR@STEP");
    if (!(s.factor >= 1 && s.factor <= MOST_FACTOR)) return refuse(ctx, text, "has a factor that is not from 1 to 1000");
    *colon = 0;
    for (int i = 0; !err && i < ctx->ndevices; i++) {
        struct device *d = &ctx->device[i];
        if (strcmp(word, d->info.id) && strcmp(word, hsgd_device_kind_name(d->info.kind))) continue;
        err = slow_device(ctx, d, s, text);
        found++;
    }
    if (!err && !found) hsgd_log(ctx, HSGD_LOG_WARNING, "HSGD_SLOW: device \"%s\" is not in use", word);
    return err;
}

int slow_read(struct hsgd_context *ctx)
{
    char copy[256], text[256];
    const char *list = getenv("HSGD_SLOW");
    if (!list || !*list) return 0;
    if (strlen(list) >= sizeof copy) return hsgd_fail(ctx, EINVAL, "HSGD_SLOW is longer than 255 characters");
    strcpy(copy, list);
    int err = 0;
    for (char *rest = copy, *word; !err && (word = strsep(&rest, ","));) {
        strcpy(text, word);
        err = read_word(ctx, word, text);
    }
    return err;
}

static double factor_at(const struct device *d, int64_t step)
{
    double factor = 1;
    for (int i = 0; i < d->nslow && d->slow[i].from <= step; i++) factor = d->slow[i].factor;
    return factor;
}

void slow_wait(const struct device *d, int64_t step, uint64_t began)
{
    uint64_t now = monotonic_ns();
    uint64_t until = began + (uint64_t)(factor_at(d, step) * (double)(now - began));
    if (until > now + 2 * SPIN_NS) {
        uint64_t wake = until - SPIN_NS;
        struct timespec t = { (time_t)(wake / 1000000000u), (long)(wake % 1000000000u) };
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
    }
    while (monotonic_ns() < until) continue;
}
