/* SPDX-License-Identifier: BSD-3-Clause */
#include "model_file.h"

#include <stdlib.h>
#include <string.h>

#include "io/yaml.h"

enum { MAX_LAYERS = 1000 };

/* ------------------------------------------------------------------- names */

static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
static const char digits[] = "0123456789";

static bool consists_of(const char *name, const char *more)
{
    char set[80];
    snprintf(set, sizeof set, "%s%s%s", letters, digits, more);
    return strspn(name, set) == strlen(name) && strlen(name) < sizeof((struct node *)0)->name;
}

bool model_name_possible(const char *name)
{
    size_t n = strlen(name);
    return n && consists_of(name, " _.-") && !strchr(" _.-", name[0]) && name[n - 1] != ' ';
}

/* What can be the name of a PyTorch submodule. */
bool layer_name_possible(const char *name) { return *name && strchr(letters, *name) && consists_of(name, "_"); }

static int read_name(struct hsgd_yaml *y, struct model_file *f)
{
    int err = hsgd_yaml_scalar(y, f->name, sizeof f->name, "name");
    if (err || model_name_possible(f->name)) return err;
    return hsgd_yaml_fail(y, y->line, "name \"%s\" must be of letters, digits, and inside \" _.-\"",
                          hsgd_show(f->name).text);
}

/* ------------------------------------------------------------------- shape */

static int read_side(struct hsgd_yaml *y, const struct yaml_pair *p, struct hsgd_shape *shape, const char *what)
{
    static const char *const names[] = { "h", "w", "c" };
    int *const side[] = { &shape->h, &shape->w, &shape->c };
    for (int i = 0; i < 3; i++) {
        if (strcmp(p->key, names[i])) continue;
        if (attribute_whole(p->value, side[i]) && *side[i] > 0) return 0;
        return hsgd_yaml_fail(y, p->line, "%s: %s must be an integer from 1, not \"%s\"", what, p->key,
                              hsgd_show(p->value).text);
    }
    return hsgd_yaml_fail(y, p->line, "%s has no key \"%s\"; it has h, w, c", what, hsgd_show(p->key).text);
}

static int read_shape(struct hsgd_yaml *y, struct hsgd_shape *shape, const char *what)
{
    struct yaml_pairs pairs;
    int err = hsgd_yaml_pairs(y, &pairs, what);
    for (int i = 0; !err && i < pairs.n; i++) err = read_side(y, &pairs.pair[i], shape, what);
    if (!err && pairs.n < 3) err = hsgd_yaml_fail(y, pairs.line, "%s needs h, w and c", what);
    return err;
}

static int read_input(struct hsgd_yaml *y, struct model_file *f)
{
    f->input_line = y->line;
    return read_shape(y, &f->input, "input");
}

static int read_usual_input(struct hsgd_yaml *y, struct model_file *f)
{
    return read_shape(y, &f->usual, "usual_input");
}

/* ------------------------------------------------------------------ layers */

static const char *value_of(const struct yaml_pairs *p, const char *key)
{
    for (int i = 0; i < p->n; i++)
        if (!strcmp(p->pair[i].key, key)) return p->pair[i].value;
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
    char names[200] = "op, name";
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

static int read_layer_name(struct hsgd_yaml *y, struct file_layer *l, const struct yaml_pair *p)
{
    if (!layer_name_possible(p->value))
        return hsgd_yaml_fail(y, p->line,
                              "name \"%s\" must be of letters, digits and \"_\", a letter first, at most 47",
                              hsgd_show(p->value).text);
    strcpy(l->name, p->value);
    return 0;
}

static int read_key(struct hsgd_yaml *y, struct file_layer *l, const struct yaml_pair *p)
{
    if (!strcmp(p->key, "op")) return 0;
    if (!strcmp(p->key, "name")) return read_layer_name(y, l, p);
    if (is_below(l->op, p->key)) return read_below(y, l, p);
    const struct hsgd_attribute *a = attribute_find(l->op, p->key);
    if (!a) return refuse_key(y, l, p);
    if (attribute_read(a, p->value, l->attributes)) return 0;
    return hsgd_yaml_fail(y, p->line, "%s must be %s, not \"%s\"", a->name, attribute_expects(a->kind),
                          hsgd_show(p->value).text);
}

static int set_defaults(struct hsgd_yaml *y, struct file_layer *l, const struct yaml_pairs *p)
{
    for (const struct hsgd_attribute *a = l->op->fields; a && a->name; a++) {
        if (value_of(p, a->name)) continue;
        if (a->required)
            return hsgd_yaml_fail(y, l->line, "%s needs the key \"%s\", %s", l->op->name, a->name,
                                  attribute_expects(a->kind));
        attribute_default(l->op, a, l->attributes);
    }
    return 0;
}

static struct file_layer *new_layer(struct model_file *f)
{
    if (f->nlayers == f->capacity) {
        int capacity = f->capacity ? 2 * f->capacity : 8;
        struct file_layer *bigger = realloc(f->layer, (size_t)capacity * sizeof *bigger);
        if (!bigger) return NULL;
        f->layer = bigger;
        f->capacity = capacity;
    }
    struct file_layer *l = &f->layer[f->nlayers++];
    *l = (struct file_layer){ 0 };
    return l;
}

static int read_layer(struct hsgd_yaml *y, struct model_file *f)
{
    struct yaml_pairs pairs;
    if (f->nlayers == MAX_LAYERS) return hsgd_yaml_fail(y, y->line, "there are more than %d layers", MAX_LAYERS);
    struct file_layer *l = new_layer(f);
    if (!l) return hsgd_fail(y->ctx, ENOMEM, "%s: out of memory", y->path);
    int err = hsgd_yaml_pairs(y, &pairs, "a layer");
    if (err) return err;
    const char *op = value_of(&pairs, "op");
    l->line = pairs.line;
    if (!op) return hsgd_yaml_fail(y, l->line, "the layer has no \"op\"");
    if (!(l->op = hsgd_op_by_name(op))) return refuse_op(y, l->line, op);
    l->attributes = calloc(1, l->op->attributes_size + 1);
    if (!l->attributes) return hsgd_fail(y->ctx, ENOMEM, "%s: out of memory", y->path);
    for (int i = 0; !err && i < pairs.n; i++) err = read_key(y, l, &pairs.pair[i]);
    return err ? err : set_defaults(y, l, &pairs);
}

static int read_layers(struct hsgd_yaml *y, struct model_file *f)
{
    int err = hsgd_yaml_expect(y, YAML_SEQUENCE_START_EVENT, "layers");
    if (!err) err = hsgd_yaml_next(y);
    while (!err && y->event.type != YAML_SEQUENCE_END_EVENT) {
        err = read_layer(y, f);
        if (!err) err = hsgd_yaml_next(y);
    }
    return err;
}

/* -------------------------------------------------------------- whole file */

static const struct {
    const char *key;
    int (*read)(struct hsgd_yaml *y, struct model_file *f);
    bool required;
} top[] = { { "name", read_name, true },
            { "input", read_input, false },
            { "usual_input", read_usual_input, false },
            { "layers", read_layers, true } };

enum { TOP = sizeof top / sizeof *top };

/* A key, and what it has. */
static int read_top_key(struct hsgd_yaml *y, struct model_file *f, unsigned *given)
{
    char key[YAML_KEY];
    int i = 0, err = hsgd_yaml_scalar(y, key, sizeof key, "a key");
    if (err) return err;
    while (i < TOP && strcmp(top[i].key, key)) i++;
    if (i == TOP)
        return hsgd_yaml_fail(y, y->line, "key \"%s\" is not one of name, input, usual_input, layers",
                              hsgd_show(key).text);
    if (*given & 1u << i) return hsgd_yaml_fail(y, y->line, "key \"%s\" appears twice", key);
    *given |= 1u << i;
    err = hsgd_yaml_next(y);
    return err ? err : top[i].read(y, f);
}

static int read_file(struct hsgd_yaml *y, struct model_file *f)
{
    unsigned given = 0;
    int err = hsgd_yaml_expect(y, YAML_MAPPING_START_EVENT, "a model file");
    if (!err) err = hsgd_yaml_next(y);
    while (!err && y->event.type != YAML_MAPPING_END_EVENT) {
        err = read_top_key(y, f, &given);
        if (!err) err = hsgd_yaml_next(y);
    }
    for (int i = 0; !err && i < TOP; i++)
        if (top[i].required && !(given & 1u << i))
            err = hsgd_fail(y->ctx, EINVAL, "%s: the key \"%s\" is missing", y->path, top[i].key);
    return err ? err : hsgd_yaml_end(y);
}

int model_file_parse(struct hsgd_context *ctx, struct model_file *f, const char *path, const char *text, size_t size)
{
    struct hsgd_yaml y;
    *f = (struct model_file){ .path = path ? strdup(path) : NULL };
    if (path && !f->path) return hsgd_fail(ctx, ENOMEM, "%s: out of memory", path);
    int err = hsgd_yaml_open(ctx, &y, path ? path : "built-in model", text, size);
    if (!err) err = read_file(&y, f);
    hsgd_yaml_close(&y);
    return err;
}

void model_file_free(struct model_file *f)
{
    for (int i = 0; i < f->nlayers; i++) free(f->layer[i].attributes);
    free(f->layer);
    free(f->path);
    *f = (struct model_file){ 0 };
}
