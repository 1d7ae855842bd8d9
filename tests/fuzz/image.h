/* SPDX-License-Identifier: BSD-3-Clause */
/* The target of png.c and jpeg.c: decodes the input as an image. */
#include "data/image.h"
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct hsgd_context *ctx = fuzz_begin(bytes, n);
    struct image p;
    int err = image_read_header(ctx, "input", bytes, n, &p);
    size_t capacity = err ? 0 : (size_t)p.h * (size_t)p.w * 3;
    uint8_t *rgb = err ? NULL : malloc(capacity + 1);
    fuzz_require(err || rgb, "out of memory");
    if (rgb) memset(rgb, 0, capacity);
    if (!err) err = image_decode(ctx, "input", bytes, n, &p, rgb);
    free(rgb);
    return fuzz_end(ctx, err);
}
