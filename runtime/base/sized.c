/* SPDX-License-Identifier: BSD-3-Clause */
#include "sized.h"

#include <stdbool.h>
#include <string.h>

/* What a newer library's struct may be longer by: more is garbage. */
#define MAX_GROWTH 4096

static int check_size(struct hsgd_context *ctx, const char *name, size_t size, size_t full_size)
{
    bool possible = size > sizeof size && size % sizeof size == 0 && size <= full_size + MAX_GROWTH;
    return possible ? 0
                    : hsgd_fail(ctx, EINVAL, "struct %s: its size is %zu, not sizeof(struct %s), %zu here", name, size,
                                name, full_size);
}

static bool is_zero(const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (bytes[i]) return false;
    return true;
}

int sized_take(struct hsgd_context *ctx, const char *name, void *full, size_t full_size, const void *given)
{
    size_t size = full_size;
    if (given) memcpy(&size, given, sizeof size);
    int err = check_size(ctx, name, size, full_size);
    if (err) return err;
    if (size > full_size && !is_zero((const char *)given + full_size, size - full_size))
        return hsgd_fail(ctx, EINVAL, "struct %s: the program set a field that this version of libhsgd does not have",
                         name);
    if (given) memcpy(full, given, size < full_size ? size : full_size);
    memcpy(full, &full_size, sizeof full_size);
    return 0;
}

int sized_give(struct hsgd_context *ctx, const char *name, void *out, size_t size, const void *full, size_t full_size)
{
    if (!out) return hsgd_fail(ctx, EINVAL, "struct %s: no memory given, but NULL", name);
    int err = check_size(ctx, name, size, full_size);
    if (err) return err;
    size_t known = size < full_size ? size : full_size;
    memcpy(out, full, known);
    memset((char *)out + known, 0, size - known);
    memcpy(out, &size, sizeof size);
    return 0;
}
