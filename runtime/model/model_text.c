/* SPDX-License-Identifier: BSD-3-Clause */
/* Models as model files. */
#include <stdlib.h>
#include <string.h>

#include "model_file.h"

/* ------------------------------------------------------------------ inputs */

/* What a layer takes that does not say it: what the layer before made, and for a
 * loss or metric the only target.  before: the value; their number. */
static int default_inputs(const struct hsgd_model *m, const struct node *n, int before, int in[2])
{
    int targets = 0, inputs = 1;
    in[0] = before;
    for (int i = 0; i < m->nfields; i++)
        if (m->field[i].is_target) {
            targets++;
            in[1] = m->field[i].value;
        }
    if (op_is_end(n->op) && targets == 1) inputs = 2;
    return inputs;
}

/* The value that a layer after n takes. */
static int after(const struct node *n, int before) { return n->info.outputs ? n->out[0] : before; }

static bool says_inputs(const struct hsgd_model *m, const struct node *n, int before)
{
    int in[2], inputs = default_inputs(m, n, before, in);
    return inputs != n->info.inputs || memcmp(in, n->in, (size_t)inputs * sizeof *in);
}

static void write_value(const struct hsgd_model *m, int value, FILE *out)
{
    char name[VALUE_NAME];
    graph_value_name(m, value, name);
    fputs(name, out);
}

/* ----------------------------------------------------------------- possible */

/* Whether a layer has the name of a field, which would then mean the layer. */
static bool is_hidden(const struct hsgd_model *m, int value)
{
    const struct value *v = &m->value[value];
    for (int i = 0; v->node < 0 && i < m->nnodes; i++)
        if (!strcmp(m->node[i].name, m->field[v->field].name)) return true;
    return false;
}

static bool inputs_possible(const struct hsgd_model *m, const struct node *n, int before)
{
    if (!says_inputs(m, n, before)) return true;
    for (int i = 0; i < n->info.inputs; i++)
        if (is_hidden(m, n->in[i])) return false;
    return true;
}

/* The name of the layer that no model file can have; NULL: none. */
static const char *impossible_layer(const struct hsgd_model *m)
{
    int before = m->nfields ? m->field[0].value : 0;
    for (const struct node *n = m->node; n < m->node + m->nnodes; n++) {
        if (hsgd_op_by_name(n->op->name) != n->op || !layer_name_possible(n->name) || !inputs_possible(m, n, before))
            return n->name;
        before = after(n, before);
    }
    return NULL;
}

static const char *impossible_field(const struct hsgd_model *m)
{
    for (int i = 0; i < m->nfields; i++)
        if (!layer_name_possible(m->field[i].name)) return m->field[i].name;
    return NULL;
}

static const char *impossible_result(const struct hsgd_model *m)
{
    for (int i = 0; i < m->nresults; i++)
        if (!layer_name_possible(m->result[i].name) || is_hidden(m, m->result[i].value)) return m->result[i].name;
    return NULL;
}

/* What no model file can have; NULL: nothing. */
static const char *impossible(const struct hsgd_model *m, const char **name)
{
    if ((*name = impossible_layer(m))) return "layer";
    if ((*name = impossible_field(m))) return "the input or target";
    if ((*name = impossible_result(m))) return "the result";
    *name = m->name;
    return model_name_possible(m->name) ? NULL : "the name";
}

/* ------------------------------------------------------------------ writing */

static void write_fields(const struct hsgd_model *m, bool targets, FILE *out)
{
    static const char *const dtypes[] = { [HSGD_F32] = "f32", [HSGD_I32] = "i32", [HSGD_U8] = "u8" };
    const char *between = "";
    fprintf(out, "%s: {", targets ? "targets" : "inputs");
    for (int i = 0; i < m->nfields; i++) {
        const struct model_field *f = &m->field[i];
        const struct hsgd_type *t = &m->value[f->value].type;
        if (f->is_target != targets) continue;
        fprintf(out, "%s%s: {type: %s", between, f->name, dtypes[t->dtype]);
        for (int k = 0; k < t->rank; k++) {
            fputs(k ? ", " : ", shape: [", out);
            if (t->dim[k] == HSGD_ANY) fputs("any", out);
            else fprintf(out, "%d", t->dim[k]);
        }
        fputs(t->rank ? "]}" : "}", out);
        between = ", ";
    }
    fputs("}\n", out);
}

/* Which of its own weights train, unless all do. */
static void write_training(const struct hsgd_model *m, const struct node *l, FILE *out)
{
    const char *between = ", train: [";
    param_set own = graph_own_params(m, (int)(l - m->node)), frozen = own & l->frozen, trained = 0;
    for (int p = 0; p < l->info.params; p++)
        if (own & param_bit(p) && graph_trains(m, l, p)) trained |= param_bit(p);
    if (frozen && !trained) fputs(", train: false", out);
    for (int p = 0; frozen && p < l->info.params; p++) {
        if (!(trained & param_bit(p))) continue;
        fprintf(out, "%s%s", between, l->info.param[p].name);
        between = ", ";
    }
    if (frozen && trained) fputs("]", out);
}

static void write_layer(const struct hsgd_model *m, const struct node *l, int before, FILE *out)
{
    fprintf(out, "  - {op: %s, name: %s", l->op->name, l->name);
    if (says_inputs(m, l, before)) {
        for (int i = 0; i < l->info.inputs; i++) {
            fputs(i ? ", " : ", in: [", out);
            write_value(m, l->in[i], out);
        }
        fputs("]", out);
    }
    if (l->op->is_loss && l->weight != 1) {
        fputs(", weight: ", out);
        attribute_write(&loss_weight, &l->weight, out);
    }
    if (l->uncounted) fputs(", counted: false", out);
    if (l->block) fprintf(out, ", recompute: %d", l->block);
    if (l->shares >= 0) fprintf(out, ", weights: %s", m->node[l->shares].name);
    write_training(m, l, out);
    for (const struct hsgd_attribute *a = l->op->fields; a && a->name; a++) {
        fprintf(out, ", %s: ", a->name);
        attribute_write(a, l->attributes, out);
    }
    fputs("}\n", out);
}

static void write_results(const struct hsgd_model *m, FILE *out)
{
    if (!m->nresults) return;
    for (int i = 0; i < m->nresults; i++) {
        fprintf(out, "%s%s: ", i ? ", " : "results: {", m->result[i].name);
        write_value(m, m->result[i].value, out);
    }
    fputs("}\n", out);
}

static bool has_target(const struct hsgd_model *m)
{
    for (int i = 0; i < m->nfields; i++)
        if (m->field[i].is_target) return true;
    return false;
}

static void write_model(const struct hsgd_model *m, FILE *out)
{
    int before = m->nfields ? m->field[0].value : 0;
    fprintf(out, "hsgd: 2\nname: %s\n", m->name);
    write_fields(m, false, out);
    if (has_target(m)) write_fields(m, true, out);
    fputs("layers:\n", out);
    for (const struct node *n = m->node; n < m->node + m->nnodes; n++) {
        write_layer(m, n, before, out);
        before = after(n, before);
    }
    write_results(m, out);
}

char *model_text(struct hsgd_context *ctx, const struct hsgd_model *m)
{
    char *text = NULL;
    size_t size;
    const char *name, *what = impossible(m, &name);
    if (what) {
        hsgd_fail(ctx, EINVAL, "model \"%s\": %s \"%s\" cannot be in a model file", m->name, what, name);
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
    return model_require_finished(m) ? NULL : model_text(m->ctx, m);
}
