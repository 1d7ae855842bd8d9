/* SPDX-License-Identifier: BSD-3-Clause */
/* Pairs of texts: what is read once is read the same with its own characters. */
#include "data/readers.h"
#include "data/text_pairs.h"
#include "fuzz.h"
#include "fuzz_data.h"

static int parse(struct hsgd_context *ctx, const uint8_t *bytes, size_t n, const struct hsgd_data_options *o,
                 struct data_splits *out)
{
    struct hsgd_stream *s = hsgd_stream_memory(ctx, "input", bytes, n);
    int err = s ? text_pairs_read(ctx, s, o, out) : -ENOMEM;
    hsgd_stream_close(&s);
    return err;
}

/* Lengths are those of sources, and each target has an end. */
static void check_pairs(const struct hsgd_data *d)
{
    fuzz_check_data(d);
    fuzz_require(text_pairs_are(d) && d->fields == 4, "other fields");
    for (int64_t i = 0; i < d->count; i++) {
        const int32_t *label = d->y.numbers + i * d->y.step;
        int ends = 0, length = d->field[2].numbers[i];
        fuzz_require(length > 0 && length <= d->x.type.dim[0], "a length");
        for (int k = 0; k < d->y.type.dim[0]; k++) ends += label[k] == END_TOKEN;
        fuzz_require(ends == 1 && label[-1] == START_TOKEN, "a target without start or end");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct hsgd_context *ctx = fuzz_begin(bytes, n);
    struct hsgd_data_options o = { .size = sizeof o, .test_part = n % 2 ? 0.25 : -1 };
    struct data_splits once = { 0 }, again = { 0 };
    int err = parse(ctx, bytes, n, &o, &once);
    if (!err) {
        check_pairs(once.train);
        if (once.test) check_pairs(once.test);
        o.classes = once.train->x.classes;
        o.class_name = (const char *const *)once.train->x.names->name;
        fuzz_require(!parse(ctx, bytes, n, &o, &again), "not read again");
        fuzz_check_same(once.train, again.train);
    }
    hsgd_data_destroy(&once.train);
    hsgd_data_destroy(&once.test);
    hsgd_data_destroy(&again.train);
    hsgd_data_destroy(&again.test);
    return fuzz_end(ctx, err);
}
