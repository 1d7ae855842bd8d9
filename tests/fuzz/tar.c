/* SPDX-License-Identifier: BSD-3-Clause */
/* tar archives, plain, gzip or xz, and zip archives, of images or of CIFAR's files. */
#include "data/image_set.h"
#include "fuzz.h"

#include <string.h>

static int interpret(struct hsgd_context *ctx, struct image_set *a, bool keep_going, struct data_splits *out)
{
    struct hsgd_data_options options = { .size = sizeof options, .keep_going = keep_going };
    if (cifar_is(a)) return cifar_read(ctx, a, &options, out);
    int err = image_set_sort(ctx, a);
    return err ? err : image_set_decode(ctx, a, &options, out);
}

static void check(const struct hsgd_data *d)
{
    for (int64_t i = 0; d && i < d->count; i++)
        fuzz_require(d->y.numbers[i] >= 0 && d->y.numbers[i] < d->y.classes, "a label without a class");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct hsgd_context *ctx = fuzz_begin(bytes, n);
    struct data_splits splits = { 0 };
    struct image_set a = { 0 };
    fuzz_allow(4 * (IMAGE_SET_FREE + STREAM_EXPANSION * n)); /* all images, and libjpeg's memory for one */
    struct hsgd_stream *s = hsgd_stream_memory(ctx, "input", bytes, n);
    bool zip = n >= 4 && !memcmp(bytes, "PK\3\4", 4);
    int err = zip ? image_set_zip(ctx, &a, "input", bytes, n) : s ? image_set_tar(ctx, &a, s) : -1;
    if (!err) err = interpret(ctx, &a, n & 1, &splits);
    fuzz_require(err || (splits.train && splits.train->count > 0), "a set without samples");
    check(splits.train);
    check(splits.test);
    hsgd_data_destroy(&splits.train);
    hsgd_data_destroy(&splits.test);
    image_set_free(&a);
    hsgd_stream_close(&s);
    return fuzz_end(ctx, err);
}
