/* SPDX-License-Identifier: BSD-3-Clause */
/* Texts as tokens: what is read once is read the same with its own characters. */
#include "data/readers.h"
#include "fuzz.h"
#include "fuzz_data.h"

#include <string.h>

enum { WINDOW = 4 };

static int parse(struct hsgd_context *ctx, const uint8_t *bytes, size_t n, const struct hsgd_data_options *o,
                 struct data_splits *out)
{
    struct hsgd_stream *s = hsgd_stream_memory(ctx, "input", bytes, n);
    int err = s ? tokens_parse(ctx, s, o, out) : -ENOMEM;
    hsgd_stream_close(&s);
    return err;
}

static void check_names(const struct hsgd_data *d)
{
    for (int i = 0; d->x.names && i < d->x.names->count; i++)
        fuzz_require(*d->x.names->name[i] && strlen(d->x.names->name[i]) < 5, "a token that is no character");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct hsgd_context *ctx = fuzz_begin(bytes, n);
    struct hsgd_data_options o = { .size = sizeof o, .window = WINDOW, .stride = (int)(n % 7) };
    struct data_splits once = { 0 }, again = { 0 };
    if (n % 3 == 0) o.tokens = "bytes";
    int err = parse(ctx, bytes, n, &o, &once);
    if (!err) {
        fuzz_check_data(once.train);
        if (once.test) fuzz_check_data(once.test);
        check_names(once.train);
        o.classes = once.train->x.classes;
        o.class_name = once.train->x.names ? (const char *const *)once.train->x.names->name : NULL;
        fuzz_require(!parse(ctx, bytes, n, &o, &again), "not read again");
        fuzz_check_same(once.train, again.train);
    }
    hsgd_data_destroy(&once.train);
    hsgd_data_destroy(&once.test);
    hsgd_data_destroy(&again.train);
    hsgd_data_destroy(&again.test);
    return fuzz_end(ctx, err);
}
