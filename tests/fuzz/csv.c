/* SPDX-License-Identifier: BSD-3-Clause */
/* CSV texts: what is read once is read the same with its own classes and width. */
#include "data/readers.h"
#include "fuzz.h"
#include "fuzz_data.h"

static int parse(struct hsgd_context *ctx, const uint8_t *bytes, size_t n, const struct hsgd_data_options *o,
                 struct labels *labels, struct hsgd_data **out)
{
    struct hsgd_stream *s = hsgd_stream_memory(ctx, "input", bytes, n);
    int err = s ? csv_parse(ctx, s, o, labels, out) : -ENOMEM;
    hsgd_stream_close(&s);
    return err;
}

static int parse_twice(struct hsgd_context *ctx, const uint8_t *bytes, size_t n, struct hsgd_data_options o)
{
    struct hsgd_data *d = NULL, *again = NULL;
    struct labels labels = { 0 };
    int err = parse(ctx, bytes, n, &o, &labels, &d);
    if (!err) {
        fuzz_check_data(d);
        o.features = hsgd_data_shape(d).c;
        fuzz_require(!parse(ctx, bytes, n, &o, &labels, &again), "not read again");
        fuzz_check_same(d, again);
    }
    hsgd_data_destroy(&d);
    hsgd_data_destroy(&again);
    labels_free(&labels);
    return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct hsgd_context *ctx = fuzz_begin(bytes, n);
    const char *label = n % 3 == 1 ? "2" : NULL, *target = n % 3 == 2 ? "2, 1" : NULL;
    return fuzz_end(ctx, parse_twice(ctx, bytes, n, *HSGD_OPTIONS(data, .label = label, .target = target)));
}
