/* SPDX-License-Identifier: BSD-3-Clause */
/* ONNX files as messages, and what is wrong with a whole file. */
#include <string.h>

#include "onnx/reader.h"

void onnx_free(Onnx__ModelProto *file)
{
    if (file) onnx__model_proto__free_unpacked(file, NULL);
}

int64_t onnx_opset(const Onnx__ModelProto *file)
{
    int64_t version = -1;
    for (size_t i = 0; i < file->n_opset_import; i++) {
        const Onnx__OperatorSetIdProto *o = file->opset_import[i];
        if (!*o->domain || !strcmp(o->domain, "ai.onnx")) version = o->version;
    }
    return version;
}

static const char *wrong_in(const Onnx__ModelProto *file)
{
    if (!file->graph) return "it has no graph";
    if (file->n_functions) return "functions are not supported";
    if (file->graph->n_sparse_initializer) return "sparse initializers are not supported";
    if (!file->graph->n_output) return "its graph has no outputs";
    return NULL;
}

Onnx__ModelProto *onnx_parse(struct hsgd_context *ctx, const char *path, const void *bytes, size_t size)
{
    Onnx__ModelProto *file = onnx__model_proto__unpack(NULL, size, bytes);
    const char *wrong = file ? wrong_in(file) : "it is no ONNX model, or damaged";
    int64_t opset = wrong ? 0 : onnx_opset(file);
    if (wrong) hsgd_fail(ctx, EINVAL, "%s: %s", path, wrong);
    else if (opset < ONNX_MIN_OPSET || opset > ONNX_MAX_OPSET)
        hsgd_fail(ctx, EINVAL, "%s: its operators are those of opset %lld, and %d to %d are read", path,
                  (long long)opset, ONNX_MIN_OPSET, ONNX_MAX_OPSET);
    else return file;
    onnx_free(file);
    return NULL;
}

/* ------------------------------------------------------------------- tables */

const struct onnx_row *onnx_rows(int part)
{
    static const struct onnx_row *const parts[] = { onnx_choice_rows,    onnx_image_rows,  onnx_linear_rows,
                                                    onnx_move_rows,      onnx_norm_rows,   onnx_pointwise_rows,
                                                    onnx_recurrent_rows, onnx_reduce_rows, onnx_resize_rows,
                                                    onnx_shape_rows };
    return part < (int)(sizeof parts / sizeof *parts) ? parts[part] : NULL;
}

const struct onnx_row *onnx_row_find(const Onnx__NodeProto *node, int64_t opset)
{
    const struct onnx_row *rows;
    if (*node->domain && strcmp(node->domain, "ai.onnx")) return NULL;
    for (int part = 0; (rows = onnx_rows(part)); part++)
        for (; rows->op; rows++)
            if (!strcmp(rows->op, node->op_type) && opset >= rows->since && (!rows->until || opset <= rows->until))
                return rows;
    return NULL;
}

static bool is_initializer(const Onnx__GraphProto *g, const char *name)
{
    for (size_t i = 0; i < g->n_initializer; i++)
        if (!strcmp(g->initializer[i]->name, name)) return true;
    return false;
}

bool reader_input_is_known(const Onnx__GraphProto *g, int64_t opset, const char *name)
{
    for (size_t i = 0; i < g->n_node; i++) {
        const Onnx__NodeProto *n = g->node[i];
        const struct onnx_row *row = onnx_row_find(n, opset);
        bool table = row && n->n_input && is_initializer(g, n->input[0]); /* then the others are what is computed */
        for (size_t k = 0; row && !table && k < n->n_input && k < ONNX_INPUTS; k++)
            if ((row->weights | row->constants) >> k & 1 && !strcmp(n->input[k], name)) return true;
    }
    return false;
}
