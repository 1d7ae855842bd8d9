/* SPDX-License-Identifier: BSD-3-Clause */
/* Model files: whatever is accepted can be built, and what is built can be
 * written and read again. */
#include "model/model_file.h"
#include "model/sizes.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

/* All but the end, with which the model would have weights, of any size. */
static struct hsgd_model *build(struct hsgd_context *ctx, const struct model_file *f)
{
    bool has_shape = f->input.h || f->field[0].type.rank != OF_DATA;
    return model_file_graph(ctx, f, has_shape ? (struct hsgd_shape){ 0 } : (struct hsgd_shape){ 28, 28, 1 }, 10);
}

static void round_trip(struct hsgd_context *ctx, const struct hsgd_model *m)
{
    struct model_file again;
    char *text = model_text(ctx, m);
    fuzz_require(text && !model_file_parse(ctx, &again, "again", text, strlen(text)), "its own text is refused");
    struct hsgd_model *n = build(ctx, &again);
    char *same = n ? model_text(ctx, n) : NULL;
    fuzz_require(same && !strcmp(text, same), "its own text gives another model");
    free(same);
    free(text);
    hsgd_model_destroy(&n);
    model_file_free(&again);
}

/* The rules for types again, with small sizes where they are open: they fit, or there is a sentence. */
static void resize(struct hsgd_model *m, size_t seed)
{
    struct hsgd_type type[MAX_MODEL_FIELDS];
    for (int i = 0; i < m->nfields; i++) {
        type[i] = m->value[m->field[i].value].type;
        for (int k = 0; k < type[i].rank; k++)
            if (type[i].dim[k] == HSGD_ANY) type[i].dim[k] = 1 + (int)(seed++ % 9);
    }
    struct hsgd_model *sized = sizes_model(m, type);
    fuzz_require(sized || *m->ctx->error, "sizes are refused without a sentence");
    sizes_let_go(sized);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct hsgd_context *ctx = fuzz_begin(bytes, n);
    struct model_file f;
    struct hsgd_model *m = NULL;
    int err = model_file_parse(ctx, &f, "input", (const char *)bytes, n);
    if (!err) m = build(ctx, &f);
    if (!err && !m) err = -1;
    if (hsgd_model_layers(m)) round_trip(ctx, m);
    if (hsgd_model_layers(m)) resize(m, n);
    hsgd_model_destroy(&m);
    model_file_free(&f);
    return fuzz_end(ctx, err);
}
