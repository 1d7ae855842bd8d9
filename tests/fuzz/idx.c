/* SPDX-License-Identifier: BSD-3-Clause */
/* IDX files, as images and as labels. */
#include "data/readers.h"
#include "fuzz.h"

static int parse(struct hsgd_context *ctx, const uint8_t *bytes, size_t n, bool labels)
{
    struct idx f = { 0 };
    struct hsgd_stream *s = hsgd_stream_memory(ctx, "input", bytes, n);
    int err = s ? idx_parse(ctx, s, labels, &f) : -ENOMEM;
    int64_t size = 1;
    unsigned sum = 0;
    for (int i = 0; !err && i < f.dimensions; i++) size *= f.dim[i];
    for (int64_t i = 0; !err && i < size; i++) sum += f.bytes[i];
    fuzz_require(err || sum <= 255 * (uint64_t)size, "a sum");
    idx_free(&f);
    hsgd_stream_close(&s);
    return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct hsgd_context *ctx = fuzz_begin(bytes, n);
    bool labels = n > 3 && bytes[3] == 1;
    return fuzz_end(ctx, parse(ctx, bytes, n, labels));
}
