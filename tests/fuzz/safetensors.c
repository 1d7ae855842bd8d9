/* SPDX-License-Identifier: BSD-3-Clause */
/* safetensors: whatever is accepted can be used. */
#include "fuzz.h"
#include "io/safetensors.h"

static void use(struct hsgd_context *ctx, const struct safetensors *f, const uint8_t *bytes, size_t n)
{
    (void)safetensors_metadata(f, "format");
    for (int i = 0; i < f->ntensors; i++) {
        const struct safetensor *t = &f->tensor[i];
        const uint8_t *begin = t->data;
        fuzz_require(begin >= bytes && t->bytes <= n && begin + t->bytes <= bytes + n, "data outside the file");
        fuzz_require(safetensors_find(f, t->name) == t, "a tensor that is not found");
        fuzz_require(safetensors_need(ctx, f, t->name, t->type, t->ndims, t->dims) == t, "a tensor unlike itself");
        (void)safetensors_check_finite(ctx, f, t);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct hsgd_context *ctx = fuzz_begin(bytes, n);
    struct safetensors f;
    int err = safetensors_parse(ctx, &f, "input", bytes, n);
    if (!err) use(ctx, &f, bytes, n);
    if (!err) safetensors_close(&f);
    return fuzz_end(ctx, err);
}
