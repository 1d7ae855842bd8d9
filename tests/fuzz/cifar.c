/* SPDX-License-Identifier: BSD-3-Clause */
/* CIFAR's binary files.  Their records are long, so the input says how many
 * bytes each file has (records and a rest) and their first bytes; the rest
 * of the input is the file of names. */
#include "data/image_set.h"
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

enum { RECORD = 3074, FILES = 9, HEADER = 2 * FILES + 1 };

static const char *const names[FILES] = { "data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                                          "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin",
                                          "train.bin",        "test.bin",         "coarse_label_names.txt" };

/* A file of size/8 records (at most 3) and size%8 bytes more, or missing where
 * size is 0; every record has this label. */
static int add_records(struct hsgd_context *ctx, struct image_set *a, const char *name, uint8_t size, uint8_t label)
{
    size_t record = strstr(name, "batch") ? RECORD - 1 : RECORD, n = (size_t)(size / 8 % 4) * record + size % 8;
    struct image_entry e = { .name = strdup(name), .bytes = malloc(n + 1), .size = (int64_t)n };
    memset(e.bytes, 1, n);
    for (size_t i = 0; i < n; i += record) memset(e.bytes + i, label, n - i < 2 ? n - i : 2);
    if (size) return image_set_add(ctx, a, &e);
    image_entry_free(&e);
    return 0;
}

static int add_names(struct hsgd_context *ctx, struct image_set *a, const char *name, const uint8_t *bytes, size_t n)
{
    struct image_entry e = { .name = strdup(name), .bytes = malloc(n + 1), .size = (int64_t)n };
    memcpy(e.bytes, bytes, n);
    return image_set_add(ctx, a, &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    if (n < HEADER) return 0;
    struct hsgd_context *ctx = fuzz_begin(bytes, n);
    struct hsgd_data_options o = { .size = sizeof o, .label = bytes[0] & 1 ? "coarse" : NULL };
    struct data_splits splits = { 0 };
    struct image_set a;
    int err = image_set_begin(ctx, &a, "input");
    for (int i = 0; !err && i < FILES - 1; i++)
        err = add_records(ctx, &a, names[i], bytes[1 + 2 * i], bytes[2 + 2 * i]);
    if (!err && bytes[0] & 2) err = add_names(ctx, &a, "batches.meta.txt", bytes + HEADER, n - HEADER);
    if (!err && bytes[0] & 4) err = add_names(ctx, &a, "fine_label_names.txt", bytes + HEADER, n - HEADER);
    if (!err && bytes[0] & 8) err = add_names(ctx, &a, names[FILES - 1], bytes + HEADER, n - HEADER);
    if (!err) err = cifar_read(ctx, &a, &o, &splits);
    fuzz_require(err || (splits.train->count > 0 && splits.test->count > 0), "a set without samples");
    hsgd_data_destroy(&splits.train);
    hsgd_data_destroy(&splits.test);
    image_set_free(&a);
    return fuzz_end(ctx, err);
}
