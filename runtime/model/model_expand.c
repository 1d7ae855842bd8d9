/* SPDX-License-Identifier: BSD-3-Clause */
/* Model files: blocks and $words are put in, and names become layers. */
#include <stdlib.h>
#include <string.h>

#include "model_source.h"

int source_no_memory(const struct model_source *s)
{
    return hsgd_fail(s->y->ctx, ENOMEM, "%s: out of memory", s->y->path);
}

/* ------------------------------------------------------------------ inputs */

/* The key "in" says it; n: their number. */
static int read_inputs(const struct model_source *s, const struct frame *f, const struct yaml_pair *p,
                       struct file_value in[HSGD_MAX_INPUTS], int *n)
{
    char item[HSGD_MAX_INPUTS][YAML_ITEM];
    *n = hsgd_yaml_items(p->value, HSGD_MAX_INPUTS, item);
    if (*n < 1)
        return hsgd_yaml_fail(s->y, p->line, "in must be a name or a list of 1 to %d names, not \"%s\"",
                              HSGD_MAX_INPUTS, hsgd_show(p->value).text);
    int err = 0;
    for (int i = 0; !err && i < *n; i++) err = source_resolve(s, f, p->line, item[i], &in[i]);
    return err;
}

/* A loss or metric that says nothing of its target takes the only one there is. */
static void add_target(const struct model_file *f, struct file_layer *l)
{
    int targets = 0, target = 0;
    for (int i = 0; i < f->nfields; i++)
        if (f->field[i].is_target) {
            targets++;
            target = i;
        }
    if (op_is_end(l->op) && l->inputs == 1 && targets == 1) l->in[l->inputs++].layer = -1 - target;
}

static int choose_inputs(const struct model_source *s, const struct frame *f, const struct yaml_pairs *p,
                         struct file_layer *l)
{
    const struct yaml_pair *in = pair_of(p, "in");
    l->in[0] = f->last;
    l->inputs = 1;
    int err = in ? read_inputs(s, f, in, l->in, &l->inputs) : 0;
    if (!err) add_target(s->f, l);
    return err;
}

/* The key "weights": the layer whose weights this one uses. */
static int choose_weights(const struct model_source *s, const struct frame *f, struct yaml_pair *p,
                          struct file_layer *l)
{
    struct file_value of = { 0 };
    char name[YAML_ITEM];
    snprintf(name, sizeof name, "%s", p->value);
    int err = source_resolve(s, f, p->line, p->value, &of);
    if (!err && of.layer < 0)
        err = hsgd_yaml_fail(s->y, p->line, "weights must be the name of a layer, not of the input or target \"%s\"",
                             name);
    l->weights = of.layer;
    return err;
}

/* The layer of another use of the block that is what this one is here. */
static int take_weights_of_use(const struct model_source *s, const struct frame *f, struct file_layer *l)
{
    int like = s->f->nlayers - 1 - f->shift;
    if (like >= f->like_end || s->f->layer[like].op != l->op)
        return hsgd_yaml_fail(s->y, l->line, "the use whose weights block \"%s\" takes has no such layer here",
                              f->block->name);
    l->weights = like;
    l->of_use = true;
    l->training = (struct file_training){ 0 };
    return 0;
}

/* ------------------------------------------------------------------ layers */

static struct file_layer *new_layer(struct model_file *f, int line)
{
    if (!source_grow((void **)&f->layer, f->nlayers, &f->capacity, sizeof *f->layer)) return NULL;
    f->layer[f->nlayers] = (struct file_layer){ .line = line };
    return &f->layer[f->nlayers++];
}

static void default_name(const struct model_file *f, const struct file_layer *l, char name[MODEL_NAME])
{
    int number = 0;
    for (int i = 0; i < f->nlayers; i++) number += f->layer[i].op == l->op;
    const char *op = l->is_default ? "loss" : l->op->name;
    if (l->op->is_metric && number == 1) snprintf(name, MODEL_NAME, "%s", op);
    else snprintf(name, MODEL_NAME, "%s%d", op, number);
}

static int make_layer(struct model_source *s, struct frame *f, struct yaml_pairs *p)
{
    struct file_value made = { s->f->nlayers, 0 };
    char name[MODEL_NAME];
    if (made.layer == MAX_LAYERS) return hsgd_yaml_fail(s->y, p->line, "there are more than %d layers", MAX_LAYERS);
    struct file_layer *l = new_layer(s->f, p->line);
    if (!l) return source_no_memory(s);
    const struct yaml_pair *given = pair_of(p, "name");
    int err = given ? source_check_name(s, given) : 0;
    if (!err) err = layer_read(s->y, l, p);
    if (f->recompute) l->recompute = f->recompute;
    if (!err) err = choose_inputs(s, f, p, l);
    for (int i = 0; !err && i < p->n; i++)
        if (!strcmp(p->pair[i].key, "weights")) err = choose_weights(s, f, &p->pair[i], l);
    if (f->frozen && !l->training.given) l->training.frozen = true;
    if (!err && f->shift && l->weights < 0) err = take_weights_of_use(s, f, l);
    if (err) return err;
    if (given) memcpy(name, given->value, strlen(given->value) + 1);
    else default_name(s->f, l, name);
    s->f->is_written &= given != NULL;
    err = source_make_name(s, f, given ? given->line : p->line, name, made);
    if (err) return err;
    memcpy(l->name, s->name[s->nnames - 1].name, sizeof l->name);
    if (!op_is_end(l->op)) f->last = made;
    return 0;
}

/* ------------------------------------------------------------------ blocks */

/* The keys of an item; a $word is what the use of the block says. */
static int put_in_words(const struct model_source *s, const struct frame *f, const struct source_item *item,
                        struct yaml_pairs *p)
{
    p->n = item->npairs;
    p->line = item->line;
    for (int i = 0; i < p->n; i++) {
        struct yaml_pair *to = &p->pair[i];
        *to = item->pair[i];
        if (*to->value != '$') continue;
        const struct yaml_pair *from = f->use ? pair_of(f->use, to->value + 1) : NULL;
        if (!f->block)
            return hsgd_yaml_fail(s->y, to->line, "\"%s\" is not in a block: only blocks have words to put in",
                                  hsgd_show(to->value).text);
        if (!from)
            return hsgd_yaml_fail(s->y, to->line, "the use of block \"%s\" in line %d gives no \"%s\"", f->block->name,
                                  f->use->line, hsgd_show(to->value + 1).text);
        *f->read |= 1u << (from - f->use->pair);
        memcpy(to->value, from->value, sizeof to->value);
    }
    return 0;
}

static const char *const of_uses[] = { "block", "name", "repeat", "from", "in", "recompute", "weights", "train" };

static int check_read(const struct model_source *s, const struct frame *f)
{
    for (int i = 0; i < f->use->n; i++) {
        const struct yaml_pair *p = &f->use->pair[i];
        bool known = *f->read & 1u << i;
        for (size_t k = 0; k < sizeof of_uses / sizeof *of_uses; k++) known |= !strcmp(p->key, of_uses[k]);
        if (!known)
            return hsgd_yaml_fail(s->y, p->line, "block \"%s\" has no word \"$%s\"", f->block->name,
                                  hsgd_show(p->key).text);
    }
    return 0;
}

static int expand_list(struct model_source *s, struct frame *f);

/* Another use of the block, whose weights this one uses: the key "weights". */
static int find_like(const struct model_source *s, const struct frame *f, struct frame *in, int number)
{
    const struct yaml_pair *p = pair_of(in->use, "weights");
    char name[2 * MODEL_NAME];
    in->shift = f->shift;
    in->like_end = f->like_end;
    if (!p) return 0;
    snprintf(name, sizeof name, number < 0 ? "%.*s" : "%.*s.%d", (int)MODEL_NAME - 1, p->value, number);
    const struct source_name *like = source_find_made(s, f, name);
    if (!like || like->block != in->block)
        return hsgd_yaml_fail(s->y, p->line, "\"%s\" is no use of block \"%s\" before this one", hsgd_show(name).text,
                              in->block->name);
    in->shift = s->f->nlayers - like->first;
    in->like_end = like->first + like->n;
    return 0;
}

/* One use; its name is scope and name, and "." and number where that is not negative. */
static int expand_block(struct model_source *s, struct frame *f, struct frame *in, const char *name, int number,
                        bool recompute)
{
    char own[2 * MODEL_NAME];
    unsigned read = 0;
    snprintf(own, sizeof own, number < 0 ? "%.*s" : "%.*s.%d", (int)MODEL_NAME - 1, name, number);
    int length = snprintf(in->scope, sizeof in->scope, "%s%s.", f->scope, own);
    if (length >= (int)sizeof in->scope)
        return hsgd_yaml_fail(s->y, in->use->line, "the name \"%s%s\" is longer than %zu characters", f->scope, own,
                              MODEL_NAME - 2);
    in->read = &read;
    in->recompute = f->recompute ? f->recompute : recompute ? ++s->recomputed : 0;
    in->last = in->input;
    int first = s->f->nlayers, err = find_like(s, f, in, number);
    if (!err) err = expand_list(s, in);
    if (!err) err = check_read(s, in);
    if (!err) err = source_make_name(s, f, in->use->line, own, in->last);
    if (err) return err;
    struct source_name *made = &s->name[s->nnames - 1];
    made->block = in->block;
    made->first = first;
    made->n = s->f->nlayers - first;
    in->input = f->last = in->last;
    return 0;
}

static struct source_block *find_block(const struct model_source *s, const char *name)
{
    for (int i = 0; i < s->nblocks; i++)
        if (!strcmp(s->block[i].name, name)) return &s->block[i];
    return NULL;
}

/* A number of the use of a block; `absent`: where it is not there. */
static int read_number(const struct model_source *s, const struct yaml_pairs *p, const char *key, int least, int absent,
                       int *out)
{
    const struct yaml_pair *pair = pair_of(p, key);
    *out = absent;
    if (!pair || (attribute_whole(pair->value, out) && *out >= least && *out <= MAX_LAYERS)) return 0;
    return hsgd_yaml_fail(s->y, pair->line, "%s must be an integer from %d to %d, not \"%s\"", key, least, MAX_LAYERS,
                          hsgd_show(pair->value).text);
}

static int check_use(const struct model_source *s, const struct yaml_pairs *p, const struct source_block *b)
{
    const struct yaml_pair *name = pair_of(p, "name");
    if (!b)
        return hsgd_yaml_fail(s->y, p->line, "there is no block \"%s\"", hsgd_show(pair_of(p, "block")->value).text);
    if (b->is_open) return hsgd_yaml_fail(s->y, p->line, "block \"%s\" contains itself", b->name);
    return name ? source_check_name(s, name)
                : hsgd_yaml_fail(s->y, p->line, "the use of block \"%s\" needs a name", b->name);
}

/* Where it is not there, what is around it says it. */
static int read_train(const struct model_source *s, const struct yaml_pairs *use, bool *frozen)
{
    const struct yaml_pair *p = pair_of(use, "train");
    if (!p) return 0;
    if (pair_of(use, "weights"))
        return hsgd_yaml_fail(s->y, p->line, "train belongs to \"%s\", whose weights these are",
                              hsgd_show(pair_of(use, "weights")->value).text);
    *frozen = !strcmp(p->value, "false");
    if (*frozen || !strcmp(p->value, "true")) return 0;
    return hsgd_yaml_fail(s->y, p->line, "train of a block must be true or false, not \"%s\"",
                          hsgd_show(p->value).text);
}

/* NULL: it is not there. */
static int read_recompute(const struct model_source *s, const struct yaml_pair *p, bool *out)
{
    if (!p) return 0;
    *out = !strcmp(p->value, "true");
    if (*out || !strcmp(p->value, "false")) return 0;
    return hsgd_yaml_fail(s->y, p->line, "recompute of a block must be true or false, not \"%s\"",
                          hsgd_show(p->value).text);
}

static int use_block(struct model_source *s, struct frame *f, const struct yaml_pairs *p)
{
    struct source_block *b = find_block(s, pair_of(p, "block")->value);
    struct file_value in[HSGD_MAX_INPUTS] = { f->last };
    int from = 0, repeat = 0, n = 1, err = check_use(s, p, b);
    bool recompute = false, frozen = f->frozen;
    if (!err) err = read_number(s, p, "from", 0, 0, &from);
    if (!err) err = read_number(s, p, "repeat", 1, 1, &repeat);
    if (!err) err = read_recompute(s, pair_of(p, "recompute"), &recompute);
    if (!err) err = read_train(s, p, &frozen);
    if (!err && pair_of(p, "in")) err = read_inputs(s, f, pair_of(p, "in"), in, &n);
    if (!err && n > 1) err = hsgd_yaml_fail(s->y, pair_of(p, "in")->line, "a block takes one input, not %d", n);
    if (err) return err;
    bool numbered = pair_of(p, "repeat") || pair_of(p, "from");
    struct frame inner = { .block = b, .use = p, .list = b->list, .frozen = frozen, .input = in[0] };
    b->is_open = b->is_used = true;
    for (int i = 0; !err && i < repeat; i++)
        err = expand_block(s, f, &inner, pair_of(p, "name")->value, numbered ? from + i : -1, recompute);
    b->is_open = false;
    return err;
}

static int check_form(const struct model_source *s, const struct source_item *item)
{
    static const char *const of_graphs[] = { "in", "block", "counted", "recompute", "weights", "train" };
    for (int i = 0; !s->f->is_graph && i < item->npairs; i++)
        for (size_t k = 0; k < sizeof of_graphs / sizeof *of_graphs; k++)
            if (!strcmp(item->pair[i].key, of_graphs[k]))
                return hsgd_yaml_fail(s->y, item->pair[i].line, "the key \"%s\" needs \"hsgd: 2\" in the file",
                                      of_graphs[k]);
    return 0;
}

static int expand_list(struct model_source *s, struct frame *f)
{
    struct yaml_pairs p;
    int err = 0;
    for (int i = f->list.first; !err && i < f->list.first + f->list.n; i++) {
        err = check_form(s, &s->item[i]);
        if (!err) err = put_in_words(s, f, &s->item[i], &p);
        if (!err) err = pair_of(&p, "block") ? use_block(s, f, &p) : make_layer(s, f, &p);
    }
    return err;
}

/* ------------------------------------------------------------------- whole */

static int read_results(struct model_source *s, const struct frame *f)
{
    int err = 0;
    for (int i = 0; !err && i < s->results.n; i++) {
        struct yaml_pair *p = &s->results.pair[i];
        struct file_result *r = &s->f->result[i];
        if (!layer_name_possible(p->key))
            return hsgd_yaml_fail(s->y, p->line, "a result cannot be called \"%s\"", hsgd_show(p->key).text);
        memcpy(r->name, p->key, strlen(p->key) + 1);
        r->line = p->line;
        err = source_resolve(s, f, p->line, p->value, &r->value);
    }
    s->f->nresults = err ? 0 : s->results.n;
    return err;
}

static int check_blocks(const struct model_source *s)
{
    for (int i = 0; i < s->nblocks; i++)
        if (!s->block[i].is_used)
            return hsgd_yaml_fail(s->y, s->block[i].line, "block \"%s\" is not used", s->block[i].name);
    return 0;
}

int source_expand(struct model_source *s)
{
    struct frame f = { .list = s->layers, .last = { -1, 0 } };
    s->f->is_written = !s->f->is_graph && s->f->input.h;
    int err = expand_list(s, &f);
    if (!err) err = read_results(s, &f);
    return err ? err : check_blocks(s);
}
