#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core.h"

int hsgd_fail(struct hsgd_context *ctx, int err, const char *format, ...)
{
    if (ctx) {
        va_list args;
        va_start(args, format);
        vsnprintf(ctx->error, sizeof ctx->error, format, args);
        va_end(args);
    }
    return -err;
}

/* Cut between characters of UTF-8. */
struct shown hsgd_show_bytes(const char *text, size_t n)
{
    struct shown s;
    size_t most = sizeof s.text - 4;
    bool cut = n > most;
    if (cut)
        for (n = most; n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80;) n--;
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
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    ctx->log(ctx->log_user, level, line);
}

static void note_failure(struct hsgd_context *ctx, int err, struct device *d, const char *format, va_list args)
{
    pthread_mutex_lock(&ctx->failure_lock);
    if (!atomic_load(&ctx->failed)) {
        vsnprintf(ctx->failure, sizeof ctx->failure, format, args);
        ctx->failed_device = d;
        atomic_store(&ctx->failed, err);
    }
    pthread_mutex_unlock(&ctx->failure_lock);
}

void context_failed(struct hsgd_context *ctx, int err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    note_failure(ctx, err, NULL, format, args);
    va_end(args);
}

void context_device_failed(struct hsgd_context *ctx, struct device *d, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    note_failure(ctx, EIO, d, format, args);
    va_end(args);
}
