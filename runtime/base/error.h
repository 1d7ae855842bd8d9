/* SPDX-License-Identifier: BSD-3-Clause */
/* Errors and messages inside the library. */
#ifndef HSGD_RUNTIME_ERROR_H
#define HSGD_RUNTIME_ERROR_H

#include <errno.h>
#include <hsgd/context.h>
#include <stddef.h>

/* Stores a sentence in ctx (NULL: dropped) and returns -err. */
int hsgd_fail(struct hsgd_context *ctx, int err, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* 0, or -ECHILD with a sentence in a child of fork() of the process that created
 * the context.  Every public function that does more than read the object that
 * it is given asks this first.  ctx may be NULL. */
int context_check(struct hsgd_context *ctx);

/* What a public function asks first: context_check(), and that no pointer that
 * it needs is NULL: -EINVAL, with a sentence that names the function and the
 * pointer, which is called as in the header.
 *   int err = ENTER(t ? t->state.ctx : NULL, t, x, labels); */
#define ENTER(ctx, ...) \
    api_enter(ctx, __func__, #__VA_ARGS__, (const void *const[]){ __VA_ARGS__ }, \
              sizeof((const void *const[]){ __VA_ARGS__ }) / sizeof(void *))
int api_enter(struct hsgd_context *ctx, const char *function, const char *names, const void *const *pointers, size_t n);

/* Text from a file as it may stand in a sentence: short, on one line. */
struct shown {
    char text[84];
};
struct shown hsgd_show(const char *text);
/* The same of n bytes. */
struct shown hsgd_show_bytes(const char *text, size_t n);

/* Sends a line to the context's log callback. */
void hsgd_log(struct hsgd_context *ctx, enum hsgd_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
