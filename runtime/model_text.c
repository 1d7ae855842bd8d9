/* SPDX-License-Identifier: BSD-3-Clause */
/* Models as model files. */
#include <stdlib.h>

#include "model_file.h"

/* The layer that no model file can have; NULL: none. */
static const struct node *indescribable(const struct hsgd_model *m)
{
    for (const struct node *n = m->node; n < m->node + m->nnodes; n++)
        if (hsgd_op_by_name(n->op->name) != n->op || !layer_name_possible(n->name)) return n;
    return NULL;
}

static void write_layer(const struct node *l, FILE *out)
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
    for (const struct node *n = m->node; n < m->node + m->nnodes; n++) write_layer(n, out);
}

char *model_text(struct hsgd_context *ctx, const struct hsgd_model *m)
{
    char *text = NULL;
    size_t size;
    const struct node *l = indescribable(m);
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
