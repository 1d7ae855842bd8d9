/* SPDX-License-Identifier: BSD-3-Clause */
/* Models as model files. */
#include <stdlib.h>

#include "model_file.h"
#include "relayout.h"

/* The layer that no model file can have; NULL: none. */
static const struct layer *indescribable(const struct hsgd_model *m)
{
    for (int i = 0; i < m->nlayers; i++) {
        const struct layer *l = &m->layer[i];
        if (!is_relayout(l->op) && (hsgd_op_by_name(l->op->name) != l->op || !layer_name_possible(l->name))) return l;
    }
    return NULL;
}

static void write_layer(const struct layer *l, FILE *out)
{
    fprintf(out, "  - {op: %s, name: %s", l->op->name, l->name);
    for (const struct hsgd_attribute *a = l->op->fields; a && a->name; a++) {
        fprintf(out, ", %s: ", a->name);
        attribute_write(a, l->attributes, out);
    }
    fputs("}\n", out);
}

static void write_model(const struct hsgd_model *m, FILE *out)
{
    fprintf(out, "name: %s\ninput: {h: %d, w: %d, c: %d}\nlayers:\n", m->name, m->in.h, m->in.w, m->in.c);
    for (int i = 0; i < m->nlayers; i++)
        if (!is_relayout(m->layer[i].op)) write_layer(&m->layer[i], out);
}

char *model_text(struct hsgd_context *ctx, const struct hsgd_model *m)
{
    char *text = NULL;
    size_t size;
    const struct layer *l = indescribable(m);
    if (l || !model_name_possible(m->name)) {
        hsgd_fail(ctx, EINVAL, "model \"%s\": %s \"%s\" cannot be in a model file", m->name, l ? "layer" : "the name",
                  l ? l->name : m->name);
        return NULL;
    }
    FILE *out = open_memstream(&text, &size);
    if (out) write_model(m, out);
    if (out && !fclose(out)) return text;
    free(text);
    hsgd_fail(ctx, ENOMEM, "out of memory");
    return NULL;
}

char *hsgd_model_text(const struct hsgd_model *m)
{
    if (ENTER(m ? m->ctx : NULL, m)) return NULL;
    if (m->finished) return model_text(m->ctx, m);
    hsgd_fail(m->ctx, EINVAL, "model \"%s\" has no loss yet", m->name);
    return NULL;
}
