/* SPDX-License-Identifier: BSD-3-Clause */
/* Layers of model files: the keys of their operations. */
#include <stdlib.h>
#include <string.h>

#include "model_source.h"

const struct hsgd_attribute loss_weight = { "weight", HSGD_FLOAT, 0, false, 1, NULL };

const struct yaml_pair *pair_of(const struct yaml_pairs *p, const char *key)
{
    for (int i = 0; i < p->n; i++)
        if (!strcmp(p->pair[i].key, key)) return &p->pair[i];
    return NULL;
}

static int refuse_op(struct hsgd_yaml *y, int line, const char *name)
{
    char names[700] = "";
    for (int i = 0; hsgd_op_at(i); i++)
        snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", i ? ", " : "", hsgd_op_at(i)->name);
    return hsgd_yaml_fail(y, line, "op \"%s\" is not one of %s", hsgd_show(name).text, names);
}

static int refuse_key(struct hsgd_yaml *y, const struct file_layer *l, const struct yaml_pair *p)
{
    char names[240] = "op, name, in, recompute, weights, train";
    if (l->op->is_loss) strcat(names, ", weight");
    for (const struct hsgd_attribute *a = l->op->fields; a && a->name; a++)
        snprintf(names + strlen(names), sizeof names - strlen(names), ", %s", a->name);
    return hsgd_yaml_fail(y, p->line, "%s has no key \"%s\"; it has %s", l->op->name, hsgd_show(p->key).text, names);
}

/* "padding_below" and the like. */
static bool is_below(const struct hsgd_op *op, const char *key)
{
    for (const struct hsgd_attribute *a = op->fields; a && a->name; a++) {
        size_t n = strlen(a->name);
        if (a->kind == HSGD_PADDING && !strncmp(key, a->name, n) && !strcmp(key + n, "_below")) return true;
    }
    return false;
}

static int read_below(struct hsgd_yaml *y, struct file_layer *l, const struct yaml_pair *p)
{
    if (attribute_whole(p->value, &l->below) && l->below > 0) return 0;
    return hsgd_yaml_fail(y, p->line, "%s must be an integer from 1, not \"%s\"", p->key, hsgd_show(p->value).text);
}

static int read_weight(struct hsgd_yaml *y, struct file_layer *l, const struct yaml_pair *p)
{
    if (attribute_read(&loss_weight, p->value, &l->weight) && l->weight >= 0) return 0;
    return hsgd_yaml_fail(y, p->line, "weight must be a number from 0, not \"%s\"", hsgd_show(p->value).text);
}

/* A view without a number of its own, see doc/models.md. */
static int read_counted(struct hsgd_yaml *y, struct file_layer *l, const struct yaml_pair *p)
{
    bool is_true = !strcmp(p->value, "true");
    l->uncounted = !is_true;
    if (!is_true && strcmp(p->value, "false"))
        return hsgd_yaml_fail(y, p->line, "counted must be true or false, not \"%s\"", hsgd_show(p->value).text);
    if (is_true || l->op->is_view) return 0;
    return hsgd_yaml_fail(y, p->line, "%s does work, so it must be counted", l->op->name);
}

static int read_key(struct hsgd_yaml *y, struct file_layer *l, const struct yaml_pair *p)
{
    static const char *const of_all[] = { "op", "name", "in", "recompute", "weights", "train" };
    for (size_t i = 0; i < sizeof of_all / sizeof *of_all; i++)
        if (!strcmp(p->key, of_all[i])) return 0;
    if (!strcmp(p->key, "counted")) return read_counted(y, l, p);
    if (is_below(l->op, p->key)) return read_below(y, l, p);
    if (l->op->is_loss && !strcmp(p->key, "weight")) return read_weight(y, l, p);
    const struct hsgd_attribute *a = attribute_find(l->op, p->key);
    if (!a) return refuse_key(y, l, p);
    if (!attribute_read(a, p->value, l->attributes))
        return hsgd_yaml_fail(y, p->line, "%s must be %s, not \"%s\"", a->name, attribute_expects(a).text,
                              hsgd_show(p->value).text);
    if (!attribute_is_filled(a, l->attributes)) return 0;
    return hsgd_yaml_fail(y, p->line, "%s must not be 0", a->name);
}

static int set_defaults(struct hsgd_yaml *y, struct file_layer *l, const struct yaml_pairs *p)
{
    for (const struct hsgd_attribute *a = l->op->fields; a && a->name; a++) {
        if (pair_of(p, a->name)) continue;
        if (a->required)
            return hsgd_yaml_fail(y, l->line, "%s needs the key \"%s\", %s", l->op->name, a->name,
                                  attribute_expects(a).text);
        attribute_default(l->op, a, l->attributes);
    }
    return 0;
}

static int read_recompute(struct hsgd_yaml *y, struct file_layer *l, const struct yaml_pair *p)
{
    if (attribute_whole(p->value, &l->recompute) && l->recompute > 0 && l->recompute <= MAX_LAYERS) return 0;
    return hsgd_yaml_fail(y, p->line, "recompute must be the number of a block from 1 to %d, not \"%s\"", MAX_LAYERS,
                          hsgd_show(p->value).text);
}

int layer_read_training(struct hsgd_yaml *y, struct file_training *t, const struct yaml_pair *p)
{
    char item[HSGD_MAX_PARAMS][YAML_ITEM];
    t->given = true;
    t->line = p->line;
    t->frozen = strcmp(p->value, "true") != 0;
    if (!t->frozen || !strcmp(p->value, "false")) return 0;
    t->n = *p->value == '[' ? hsgd_yaml_items(p->value, HSGD_MAX_PARAMS, item) : -1;
    for (int i = 0; i < t->n; i++) {
        if (strlen(item[i]) >= sizeof t->name[i]) t->n = -1;
        else memcpy(t->name[i], item[i], strlen(item[i]) + 1);
    }
    if (t->n > 0) return 0;
    return hsgd_yaml_fail(y, p->line, "train must be true, false or a list of names of weights, not \"%s\"",
                          hsgd_show(p->value).text);
}

int layer_read(struct hsgd_yaml *y, struct file_layer *l, const struct yaml_pairs *p)
{
    const struct yaml_pair *op = pair_of(p, "op");
    int err = 0;
    if (!op) return hsgd_yaml_fail(y, l->line, "the layer has no \"op\"");
    l->is_default = !strcmp(op->value, "loss");
    l->op = l->is_default ? &hsgd_op_softmax_cross_entropy : hsgd_op_by_name(op->value);
    if (!l->op) return refuse_op(y, l->line, op->value);
    l->weight = 1;
    l->weights = -1;
    l->attributes = calloc(1, l->op->attributes_size + 1);
    if (!l->attributes) return hsgd_fail(y->ctx, ENOMEM, "%s: out of memory", y->path);
    for (int i = 0; !err && i < p->n; i++) err = read_key(y, l, &p->pair[i]);
    if (!err && pair_of(p, "recompute")) err = read_recompute(y, l, pair_of(p, "recompute"));
    if (!err && pair_of(p, "train")) err = layer_read_training(y, &l->training, pair_of(p, "train"));
    return err ? err : set_defaults(y, l, p);
}
