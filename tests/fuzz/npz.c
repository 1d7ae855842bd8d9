/* SPDX-License-Identifier: BSD-3-Clause */
/* NumPy archives. */
#include "data/numpy.h"
#include "fuzz.h"
#include "fuzz_data.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const struct hsgd_data_options options;
    struct hsgd_context *ctx = fuzz_begin(bytes, n);
    struct data_splits splits = { NULL, NULL };
    int err = npz_parse(ctx, "input", bytes, n, &options, &splits);
    if (!err) fuzz_check_data(splits.train);
    if (!err && splits.test) fuzz_check_data(splits.test);
    hsgd_data_destroy(&splits.train);
    hsgd_data_destroy(&splits.test);
    return fuzz_end(ctx, err);
}
