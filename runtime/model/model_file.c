/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "model_source.h"

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

/* What can be the name of a PyTorch submodule, or a path of them. */
bool layer_name_possible(const char *name)
{
    size_t n = strlen(name);
    return n && consists_of(name, "_.") && name[0] != '.' && name[n - 1] != '.' && !strstr(name, "..");
}

static int read_name(struct model_source *s)
{
    struct hsgd_yaml *y = s->y;
    struct model_file *f = s->f;
    int err = hsgd_yaml_scalar(y, f->name, sizeof f->name, "name");
    if (err || model_name_possible(f->name)) return err;
    return hsgd_yaml_fail(y, y->line, "name \"%s\" must be of letters, digits, and inside \" _.-\"",
                          hsgd_show(f->name).text);
}

/* ------------------------------------------------------------------- shape */

/* A size, or HSGD_ANY for the word "any". */
static bool read_size(const char *text, int *size)
{
    if (!strcmp(text, "any")) *size = HSGD_ANY;
    else if (!attribute_whole(text, size) || *size < 1) return false;
    return true;
}

static int read_side(struct hsgd_yaml *y, const struct yaml_pair *p, struct hsgd_shape *shape, const char *what,
                     bool may_be_open)
{
    static const char *const names[] = { "h", "w", "c" };
    int *const side[] = { &shape->h, &shape->w, &shape->c };
    for (int i = 0; i < 3; i++) {
        if (strcmp(p->key, names[i])) continue;
        if (read_size(p->value, side[i]) && (may_be_open || *side[i] != HSGD_ANY)) return 0;
        return hsgd_yaml_fail(y, p->line, "%s: %s must be an integer from 1%s, not \"%s\"", what, p->key,
                              may_be_open ? " or any" : "", hsgd_show(p->value).text);
    }
    return hsgd_yaml_fail(y, p->line, "%s has no key \"%s\"; it has h, w, c", what, hsgd_show(p->key).text);
}

static int read_shape(struct hsgd_yaml *y, struct hsgd_shape *shape, const char *what, bool may_be_open)
{
    struct yaml_pairs pairs;
    int err = hsgd_yaml_pairs(y, &pairs, what);
    for (int i = 0; !err && i < pairs.n; i++) err = read_side(y, &pairs.pair[i], shape, what, may_be_open);
    if (!err && pairs.n < 3) err = hsgd_yaml_fail(y, pairs.line, "%s needs h, w and c", what);
    return err;
}

static int read_input(struct model_source *s)
{
    s->f->input_line = s->y->line;
    return read_shape(s->y, &s->f->input, "input", true);
}

static int read_usual_input(struct model_source *s) { return read_shape(s->y, &s->f->usual, "usual_input", false); }

/* ------------------------------------------------------- inputs and targets */

static const char *const dtypes[] = { [HSGD_F32] = "f32", [HSGD_I32] = "i32", [HSGD_U8] = "u8" };

static int read_dtype(struct hsgd_yaml *y, const struct yaml_pair *p, struct hsgd_type *t)
{
    for (int i = 0; i < HSGD_DTYPES; i++)
        if (!strcmp(p->value, dtypes[i])) {
            t->dtype = (enum hsgd_dtype)i;
            return 0;
        }
    return hsgd_yaml_fail(y, p->line, "type must be one of f32, i32, u8, not \"%s\"", hsgd_show(p->value).text);
}

static int read_dims(struct hsgd_yaml *y, const struct yaml_pair *p, struct hsgd_type *t)
{
    char item[HSGD_MAX_RANK][YAML_ITEM];
    bool valid = *p->value == '[';
    t->rank = valid ? hsgd_yaml_items(p->value, HSGD_MAX_RANK, item) : -1;
    for (int i = 0; i < t->rank; i++) valid &= read_size(item[i], &t->dim[i]);
    if (valid && t->rank >= 0) return 0;
    return hsgd_yaml_fail(y, p->line, "shape must be a list of at most %d integers from 1 or any, not \"%s\"",
                          HSGD_MAX_RANK, hsgd_show(p->value).text);
}

static int read_type(struct hsgd_yaml *y, struct hsgd_type *t, const char *what)
{
    struct yaml_pairs pairs;
    int err = hsgd_yaml_pairs(y, &pairs, what);
    if (!err && !pair_of(&pairs, "type")) err = hsgd_yaml_fail(y, pairs.line, "%s needs a type: f32, i32 or u8", what);
    for (int i = 0; !err && i < pairs.n; i++) {
        const struct yaml_pair *p = &pairs.pair[i];
        if (!strcmp(p->key, "type")) err = read_dtype(y, p, t);
        else if (!strcmp(p->key, "shape")) err = read_dims(y, p, t);
        else err = hsgd_yaml_fail(y, p->line, "%s has no key \"%s\"; it has type, shape", what, hsgd_show(p->key).text);
    }
    return err;
}

static int read_field(struct hsgd_yaml *y, struct model_file *f, bool is_target)
{
    struct file_field *field = &f->field[f->nfields];
    if (f->nfields == MAX_MODEL_FIELDS)
        return hsgd_yaml_fail(y, y->line, "there are more than %d inputs and targets", MAX_MODEL_FIELDS);
    *field = (struct file_field){ .line = y->line, .is_target = is_target };
    int err = hsgd_yaml_scalar(y, field->name, sizeof field->name, "a name");
    if (!err && !layer_name_possible(field->name))
        err = hsgd_yaml_fail(y, y->line, "an input or target cannot be called \"%s\"", hsgd_show(field->name).text);
    for (int i = 0; !err && i < f->nfields; i++)
        if (!strcmp(f->field[i].name, field->name))
            err = hsgd_yaml_fail(y, y->line, "another input or target is called \"%s\"", field->name);
    if (!err) err = hsgd_yaml_next(y);
    if (!err) err = read_type(y, &field->type, field->name);
    f->nfields += !err;
    return err;
}

static int read_fields(struct model_source *s, const char *what, bool is_target)
{
    int err = hsgd_yaml_expect(s->y, YAML_MAPPING_START_EVENT, what);
    if (!err) err = hsgd_yaml_next(s->y);
    while (!err && s->y->event.type != YAML_MAPPING_END_EVENT) {
        err = read_field(s->y, s->f, is_target);
        if (!err) err = hsgd_yaml_next(s->y);
    }
    return err;
}

static int read_inputs(struct model_source *s) { return read_fields(s, "inputs", false); }
static int read_targets(struct model_source *s) { return read_fields(s, "targets", true); }

static int count_fields(const struct model_file *f, bool targets)
{
    int n = 0;
    for (int i = 0; i < f->nfields; i++) n += f->field[i].is_target == targets;
    return n;
}

/* Inputs come before targets; where there are none, the data's "x" and a class. */
static int order_fields(struct model_source *s)
{
    struct model_file *f = s->f;
    static const struct file_field x = { .name = "x", .type = { .rank = OF_DATA } };
    static const struct file_field label = { .name = "label", .type = { HSGD_I32, 0, { 0 } }, .is_target = true };
    struct file_field all[MAX_MODEL_FIELDS];
    int n = 0, inputs = count_fields(f, false), targets = count_fields(f, true);
    if (f->nfields + !inputs + !targets > MAX_MODEL_FIELDS)
        return hsgd_fail(s->y->ctx, EINVAL, "%s: there are more than %d inputs and targets", s->y->path,
                         MAX_MODEL_FIELDS);
    if (!inputs) all[n++] = x;
    for (int targets_now = 0; targets_now < 2; targets_now++)
        for (int i = 0; i < f->nfields; i++)
            if (f->field[i].is_target == targets_now) all[n++] = f->field[i];
    if (!targets) all[n++] = label;
    memcpy(f->field, all, (size_t)n * sizeof *all);
    f->nfields = n;
    return 0;
}

/* -------------------------------------------------------- layers and blocks */

bool source_grow(void **block, int n, int *capacity, size_t unit)
{
    if (n < *capacity) return true;
    int more = *capacity ? 2 * *capacity : 8;
    void *bigger = realloc(*block, (size_t)more * unit);
    if (!bigger) return false;
    *block = bigger;
    *capacity = more;
    return true;
}

static int out_of_memory(const struct hsgd_yaml *y) { return hsgd_fail(y->ctx, ENOMEM, "%s: out of memory", y->path); }

static int read_item(struct model_source *s)
{
    struct yaml_pairs pairs;
    if (s->nitems == MAX_LAYERS) return hsgd_yaml_fail(s->y, s->y->line, "there are more than %d layers", MAX_LAYERS);
    int err = hsgd_yaml_pairs(s->y, &pairs, "a layer");
    if (err) return err;
    if (!source_grow((void **)&s->item, s->nitems, &s->item_capacity, sizeof *s->item)) return out_of_memory(s->y);
    struct source_item *item = &s->item[s->nitems];
    *item = (struct source_item){ pairs.line, pairs.n, malloc((size_t)pairs.n * sizeof *item->pair + 1) };
    if (!item->pair) return out_of_memory(s->y);
    memcpy(item->pair, pairs.pair, (size_t)pairs.n * sizeof *item->pair);
    s->nitems++;
    return 0;
}

static int read_list(struct model_source *s, struct source_list *list, const char *what)
{
    int err = hsgd_yaml_expect(s->y, YAML_SEQUENCE_START_EVENT, what);
    list->first = s->nitems;
    if (!err) err = hsgd_yaml_next(s->y);
    while (!err && s->y->event.type != YAML_SEQUENCE_END_EVENT) {
        err = read_item(s);
        if (!err) err = hsgd_yaml_next(s->y);
    }
    list->n = s->nitems - list->first;
    return err;
}

static int read_layers(struct model_source *s) { return read_list(s, &s->layers, "layers"); }

static int read_block(struct model_source *s)
{
    if (s->nblocks == MAX_LAYERS) return hsgd_yaml_fail(s->y, s->y->line, "there are more than %d blocks", MAX_LAYERS);
    if (!source_grow((void **)&s->block, s->nblocks, &s->block_capacity, sizeof *s->block)) return out_of_memory(s->y);
    struct source_block *b = &s->block[s->nblocks];
    *b = (struct source_block){ .line = s->y->line };
    int err = hsgd_yaml_scalar(s->y, b->name, sizeof b->name, "the name of a block");
    for (int i = 0; !err && i < s->nblocks; i++)
        if (!strcmp(s->block[i].name, b->name))
            err = hsgd_yaml_fail(s->y, b->line, "another block is called \"%s\"", hsgd_show(b->name).text);
    if (!err && !layer_name_possible(b->name))
        err = hsgd_yaml_fail(s->y, b->line, "a block cannot be called \"%s\"", hsgd_show(b->name).text);
    if (!err) err = hsgd_yaml_next(s->y);
    if (!err) err = read_list(s, &b->list, b->name);
    if (!err && !b->list.n) err = hsgd_yaml_fail(s->y, b->line, "block \"%s\" has no layers", b->name);
    s->nblocks += !err;
    return err;
}

static int read_blocks(struct model_source *s)
{
    int err = hsgd_yaml_expect(s->y, YAML_MAPPING_START_EVENT, "blocks");
    if (!err) err = hsgd_yaml_next(s->y);
    while (!err && s->y->event.type != YAML_MAPPING_END_EVENT) {
        err = read_block(s);
        if (!err) err = hsgd_yaml_next(s->y);
    }
    return err;
}

static int read_results(struct model_source *s) { return hsgd_yaml_pairs(s->y, &s->results, "results"); }

/* -------------------------------------------------------------- whole file */

static int read_form(struct model_source *s)
{
    char form[YAML_ITEM];
    int err = hsgd_yaml_scalar(s->y, form, sizeof form, "hsgd");
    if (!err && strcmp(form, "2"))
        err =
            hsgd_yaml_fail(s->y, s->y->line, "hsgd, the form of the file, must be 2, not \"%s\"", hsgd_show(form).text);
    s->f->is_graph = !err;
    return err;
}

static const struct {
    const char *key;
    int (*read)(struct model_source *s);
    bool required, of_graphs;
} top[] = { { "hsgd", read_form, false, false },     { "name", read_name, true, false },
            { "input", read_input, false, false },   { "usual_input", read_usual_input, false, false },
            { "inputs", read_inputs, false, true },  { "targets", read_targets, false, true },
            { "blocks", read_blocks, false, true },  { "layers", read_layers, true, false },
            { "results", read_results, false, true } };

enum { TOP = sizeof top / sizeof *top };

static int refuse_top(struct hsgd_yaml *y, const char *key)
{
    char names[200] = "";
    for (int i = 0; i < TOP; i++)
        snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", i ? ", " : "", top[i].key);
    return hsgd_yaml_fail(y, y->line, "key \"%s\" is not one of %s", hsgd_show(key).text, names);
}

/* A key, and what it has; line: where each stands. */
static int read_top_key(struct model_source *s, int line[TOP])
{
    char key[YAML_KEY];
    int i = 0, err = hsgd_yaml_scalar(s->y, key, sizeof key, "a key");
    if (err) return err;
    while (i < TOP && strcmp(top[i].key, key)) i++;
    if (i == TOP) return refuse_top(s->y, key);
    if (line[i]) return hsgd_yaml_fail(s->y, s->y->line, "key \"%s\" appears twice", key);
    line[i] = s->y->line;
    err = hsgd_yaml_next(s->y);
    return err ? err : top[i].read(s);
}

/* What the keys have to do with each other. */
static int check_keys(const struct model_source *s, const int line[TOP])
{
    for (int i = 0; i < TOP; i++) {
        if (top[i].required && !line[i])
            return hsgd_fail(s->y->ctx, EINVAL, "%s: the key \"%s\" is missing", s->y->path, top[i].key);
        if (line[i] && top[i].of_graphs && !s->f->is_graph)
            return hsgd_yaml_fail(s->y, line[i], "the key \"%s\" needs \"hsgd: 2\" in the file", top[i].key);
    }
    if (s->f->input.h && count_fields(s->f, false))
        return hsgd_yaml_fail(s->y, s->f->input_line, "the file has both input and inputs");
    return 0;
}

static int read_file(struct model_source *s)
{
    int line[TOP] = { 0 };
    int err = hsgd_yaml_expect(s->y, YAML_MAPPING_START_EVENT, "a model file");
    if (!err) err = hsgd_yaml_next(s->y);
    while (!err && s->y->event.type != YAML_MAPPING_END_EVENT) {
        err = read_top_key(s, line);
        if (!err) err = hsgd_yaml_next(s->y);
    }
    if (!err) err = hsgd_yaml_end(s->y);
    if (!err) err = check_keys(s, line);
    if (!err) err = order_fields(s);
    return err ? err : source_expand(s);
}

static void source_free(struct model_source *s)
{
    for (int i = 0; i < s->nitems; i++) free(s->item[i].pair);
    free(s->item);
    free(s->block);
    free(s->name);
}

int model_file_parse(struct hsgd_context *ctx, struct model_file *f, const char *path, const char *text, size_t size)
{
    struct hsgd_yaml y;
    struct model_source s = { .y = &y, .f = f };
    *f = (struct model_file){ .path = path ? strdup(path) : NULL };
    if (path && !f->path) return hsgd_fail(ctx, ENOMEM, "%s: out of memory", path);
    int err = hsgd_yaml_open(ctx, &y, path ? path : "built-in model", text, size);
    if (!err) err = read_file(&s);
    hsgd_yaml_close(&y);
    source_free(&s);
    return err;
}

void model_file_free(struct model_file *f)
{
    for (int i = 0; i < f->nlayers; i++) free(f->layer[i].attributes);
    free(f->layer);
    free(f->path);
    *f = (struct model_file){ 0 };
}
