/* SPDX-License-Identifier: BSD-3-Clause */
/* LIBSVM texts: what is read once is read the same with its own classes and width. */
#include "data/readers.h"
#include "fuzz.h"
#include "fuzz_data.h"

static int parse(struct hsgd_context *ctx, const uint8_t *bytes, size_t n, int features, struct labels *labels,
                 struct hsgd_data **out)
{
    struct hsgd_stream *s = hsgd_stream_memory(ctx, "input", bytes, n);
    int err = s ? libsvm_parse(ctx, s, features, labels, n % 2 ? "y" : NULL, out) : -ENOMEM;
    hsgd_stream_close(&s);
    return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct hsgd_context *ctx = fuzz_begin(bytes, n);
    struct hsgd_data *d = NULL, *again = NULL;
    struct labels labels = { 0 };
    int err = parse(ctx, bytes, n, 0, &labels, &d);
    if (!err) {
        fuzz_check_data(d);
        fuzz_require(!parse(ctx, bytes, n, hsgd_data_shape(d).c, &labels, &again), "not read again");
        fuzz_check_same(d, again);
    }
    hsgd_data_destroy(&d);
    hsgd_data_destroy(&again);
    labels_free(&labels);
    return fuzz_end(ctx, err);
}
