/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "c_locale.h"
#include "core.h"

int hsgd_fail(struct hsgd_context *ctx, int err, const char *format, ...)
{
    if (ctx) {
        va_list args;
        va_start(args, format);
        pthread_mutex_lock(&ctx->error_lock);
        c_vsnprintf(ctx->error, sizeof ctx->error, format, args);
        pthread_mutex_unlock(&ctx->error_lock);
        va_end(args);
    }
    return -err;
}

int api_enter(struct hsgd_context *ctx, const char *function, const char *names, const void *const *pointers, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t length = strcspn(names, ",");
        if (!pointers[i]) return hsgd_fail(ctx, EINVAL, "%s: %.*s is NULL", function, (int)length, names);
        names += length + strspn(names + length, ", ");
    }
    return context_check(ctx);
}

/* Cut between characters of UTF-8. */
struct shown hsgd_show_bytes(const char *text, size_t n)
{
    struct shown s;
    size_t max = sizeof s.text - 4;
    bool cut = n > max;
    if (cut)
        for (n = max; n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80;) n--;
    for (size_t i = 0; i < n; i++) s.text[i] = (unsigned char)text[i] < 32 || text[i] == 127 ? '?' : text[i];
    strcpy(s.text + n, cut ? "..." : "");
    return s;
}

struct shown hsgd_show(const char *text) { return hsgd_show_bytes(text, strlen(text)); }

const char *hsgd_error(const struct hsgd_context *ctx) { return ctx ? ctx->error : "out of memory"; }

void hsgd_log(struct hsgd_context *ctx, enum hsgd_log_level level, const char *format, ...)
{
    if (!ctx || !ctx->log) return;
    char line[1024];
    va_list args;
    va_start(args, format);
    c_vsnprintf(line, sizeof line, format, args);
    va_end(args);
    ctx->log(ctx->log_user, level, line);
}

/* ---------------------------------------------------- work under way */

void failure_open(struct failure *f)
{
    *f = (struct failure){ 0 };
    pthread_mutex_init(&f->lock, NULL);
}

void failure_close(struct failure *f) { pthread_mutex_destroy(&f->lock); }

void failure_note(struct failure *f, const struct failure *what, const char *format, va_list args)
{
    pthread_mutex_lock(&f->lock);
    if (!atomic_load(&f->err)) {
        c_vsnprintf(f->sentence, sizeof f->sentence, format, args);
        f->device = what->device;
        f->run = what->run;
        f->step = what->step;
        f->begun = what->begun;
        atomic_store(&f->err, atomic_load(&what->err));
    }
    pthread_mutex_unlock(&f->lock);
}

int failure_take(struct hsgd_context *ctx, struct failure *f)
{
    int err = atomic_load(&f->err);
    if (!err) return 0;
    hsgd_fail(ctx, err, "%s", f->sentence);
    atomic_store(&f->err, 0);
    return -err;
}
