/* SPDX-License-Identifier: BSD-3-Clause */
/* Input of a prediction: images, arrays and text become samples of the requested
 * shape, or are refused. */
#include "data/dataset.h"
#include "data/image.h"
#include "fuzz.h"
#include "fuzz_data.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct hsgd_context *ctx = fuzz_begin(bytes, n);
    struct hsgd_shape shape = n % 2 ? (struct hsgd_shape){ 1, 1, 4 } : (struct hsgd_shape){ 2, 2, 1 };
    fuzz_allow(3 * IMAGE_EXPANSION * n); /* an image before it is resized */
    struct hsgd_data *d = hsgd_data_input(ctx, "input", bytes, n, shape, NULL);
    int err = d ? 0 : -1;
    if (d) {
        struct hsgd_shape got = hsgd_data_shape(d);
        fuzz_require(got.h == shape.h && got.w == shape.w && got.c == shape.c, "another shape");
        fuzz_check_data(d);
    }
    hsgd_data_destroy(&d);
    return fuzz_end(ctx, err);
}
