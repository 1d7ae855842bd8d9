/* SPDX-License-Identifier: BSD-3-Clause */
/* The cache of decoded images: what is accepted is a valid set. */
#include "data/cache.h"
#include "fuzz.h"

static void check(const struct hsgd_data *d)
{
    for (int64_t i = 0; d && i < d->count; i++)
        fuzz_require(d->y.numbers[i] >= 0 && d->y.numbers[i] < d->y.classes, "a label without a class");
    for (int i = 0; d && i < d->y.classes; i++)
        fuzz_require(hsgd_data_class_name(d, i) != NULL, "a class without a name");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct hsgd_context *ctx = fuzz_begin(bytes, n);
    struct data_splits splits = { 0 };
    struct safetensors f;
    int err = safetensors_parse(ctx, &f, "input", bytes, n);
    if (!err && cache_parse(&f, "key", "input", &splits)) fuzz_require(splits.train != NULL, "a set without samples");
    check(splits.train);
    check(splits.test);
    hsgd_data_destroy(&splits.train);
    hsgd_data_destroy(&splits.test);
    if (!err) safetensors_close(&f);
    return fuzz_end(ctx, err);
}
