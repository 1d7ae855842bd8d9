/* SPDX-License-Identifier: BSD-3-Clause */
/* ONNX files: whatever is accepted is a model with weights. */
#include "onnx/reader.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct hsgd_context *ctx = fuzz_begin(bytes, n);
    fuzz_allow((size_t)1 << 26); /* constants that a file describes, and the chains of them */
    struct hsgd_model *m = onnx_model(ctx, "input", bytes, n, "none");
    int err = m ? 0 : -1;
    for (int i = 0; i < hsgd_model_weight_count(m); i++)
        fuzz_require(hsgd_model_weight_size(m, hsgd_model_weight_name(m, i)) > 0, "a weight without numbers");
    hsgd_model_destroy(&m);
    return fuzz_end(ctx, err);
}
