/* SPDX-License-Identifier: BSD-3-Clause */
/* One NumPy array, as the samples of a data set whose labels are 0 and 1, and as its
 * targets. */
#include "fuzz.h"
#include "fuzz_data.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/numpy.h"

enum { FUZZ_LABELS = 1 << 12 };

/* The labels, as a valid array. */
static void make_labels(struct array *y, int64_t n)
{
    char header[80];
    int length =
        snprintf(header, sizeof header, "{'descr': '|u1', 'fortran_order': False, 'shape': (%lld,)}", (long long)n);
    y->size = 10 + (size_t)length + (size_t)n;
    y->bytes = calloc(1, y->size);
    memcpy(y->bytes, "\x93NUMPY\1\0", 8);
    y->bytes[8] = (uint8_t)length;
    memcpy(y->bytes + 10, header, (size_t)length);
    for (int64_t i = 0; i < n; i++) y->bytes[10 + length + i] = i % 2;
}

static int make_split(struct hsgd_context *ctx, const uint8_t *bytes, size_t n, int64_t samples)
{
    struct array x = { .name = "input", .bytes = malloc(n), .size = n }, y = { .name = "labels" };
    struct labels labels = { 0 };
    struct hsgd_data *d = NULL;
    memcpy(x.bytes, bytes, n);
    make_labels(&y, samples);
    int err = numpy_split(ctx, &x, &y, 0, NULL, &labels, &d);
    if (!err) fuzz_check_data(d);
    hsgd_data_destroy(&d);
    labels_free(&labels);
    free(x.bytes);
    free(y.bytes);
    return err;
}

static int make_targets(struct hsgd_context *ctx, const uint8_t *bytes, size_t n, int64_t samples)
{
    struct array x = { .name = "samples" }, y = { .name = "input", .bytes = malloc(n), .size = n };
    struct hsgd_data *d = NULL;
    memcpy(y.bytes, bytes, n);
    make_labels(&x, samples);
    int err = numpy_split(ctx, &x, &y, 0, NULL, NULL, &d);
    if (!err) fuzz_check_data(d);
    hsgd_data_destroy(&d);
    free(x.bytes);
    free(y.bytes);
    return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct hsgd_context *ctx = fuzz_begin(bytes, n);
    struct npy a;
    int err = npy_parse(ctx, "input", bytes, n, &a);
    if (!err && a.dim[0] <= FUZZ_LABELS) err = (n % 2 ? make_split : make_targets)(ctx, bytes, n, a.dim[0]);
    return fuzz_end(ctx, err);
}
