/* SPDX-License-Identifier: BSD-3-Clause */
/* Records of data sets: what is read is written as a text that says the same. */
#include <stdlib.h>
#include <string.h>

#include "data/record.h"
#include "fuzz.h"

static char *write(struct hsgd_context *ctx, struct hsgd_record **r, struct hsgd_normalisation **norm)
{
    char *text = record_text(ctx, *r, *norm);
    fuzz_require(text != NULL, "not written");
    hsgd_record_destroy(r);
    hsgd_normalisation_destroy(norm);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct hsgd_context *ctx = fuzz_begin(bytes, n);
    struct hsgd_normalisation *norm;
    char *text = strndup((const char *)bytes, n);
    struct hsgd_record *r = record_parse(ctx, "input", text, &norm);
    free(text);
    if (!r) return fuzz_end(ctx, -1);
    text = write(ctx, &r, &norm);
    r = record_parse(ctx, "input", text, &norm);
    fuzz_require(r != NULL, "not read again");
    char *again = write(ctx, &r, &norm);
    fuzz_require(!strcmp(text, again), "written differently");
    free(text);
    free(again);
    return fuzz_end(ctx, 0);
}
