#include <stdarg.h>
#include <stdio.h>

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

void context_failed(struct hsgd_context *ctx, int err, const char *format, ...)
{
    pthread_mutex_lock(&ctx->failure_lock);
    if (!atomic_load(&ctx->failed)) {
        va_list args;
        va_start(args, format);
        vsnprintf(ctx->failure, sizeof ctx->failure, format, args);
        va_end(args);
        atomic_store(&ctx->failed, err);
    }
    pthread_mutex_unlock(&ctx->failure_lock);
}
