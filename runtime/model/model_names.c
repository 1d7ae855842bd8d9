/* SPDX-License-Identifier: BSD-3-Clause */
/* Names in model files: scopes, and what a name stands for. */
#include <string.h>

#include "model_source.h"

static const struct source_name *find_made(const struct model_source *s, const char *scope, int length,
                                           const char *name)
{
    char full[2 * MODEL_NAME];
    snprintf(full, sizeof full, "%.*s%s", length, scope, name);
    for (int i = 0; i < s->nnames; i++)
        if (!strcmp(s->name[i].name, full)) return &s->name[i];
    return NULL;
}

/* Gives a value a name, which begins with the scope; at `line` of the file. */
int source_make_name(struct model_source *s, const struct frame *f, int line, const char *name, struct file_value v)
{
    struct source_name n = { .value = v };
    int length = snprintf(n.name, sizeof n.name, "%s%s", f->scope, name);
    if (length >= (int)sizeof n.name)
        return hsgd_yaml_fail(s->y, line, "the name \"%s%s\" is longer than %zu characters", f->scope, name,
                              sizeof n.name - 1);
    if (find_made(s, "", 0, n.name)) return hsgd_yaml_fail(s->y, line, "another layer is called \"%s\"", n.name);
    if (!source_grow((void **)&s->name, s->nnames, &s->name_capacity, sizeof n)) return source_no_memory(s);
    s->name[s->nnames++] = n;
    return 0;
}

int source_check_name(const struct model_source *s, const struct yaml_pair *p)
{
    if (layer_name_possible(p->value)) return 0;
    return hsgd_yaml_fail(s->y, p->line,
                          "name \"%s\" must be of letters, digits and \"_\", in parts joined by dots, at "
                          "most %zu characters",
                          hsgd_show(p->value).text, MODEL_NAME - 1);
}

static bool find_field(const struct model_file *f, const char *name, struct file_value *out)
{
    for (int i = 0; i < f->nfields; i++)
        if (!strcmp(f->field[i].name, name)) {
            *out = (struct file_value){ -1 - i, 0 };
            return true;
        }
    return false;
}

const struct source_name *source_find_made(const struct model_source *s, const struct frame *f, const char *name)
{
    const struct source_name *n = NULL;
    for (int length = (int)strlen(f->scope); !n && length >= 0; length--)
        if (!length || f->scope[length - 1] == '.') n = find_made(s, f->scope, length, name);
    return n;
}

/* The innermost scope that knows the name, then the inputs and targets. */
static bool find(const struct model_source *s, const struct frame *f, const char *name, struct file_value *out)
{
    if (f->block && !strcmp(name, "in")) {
        *out = f->input;
        return true;
    }
    const struct source_name *n = source_find_made(s, f, name);
    if (n) *out = n->value;
    if (n) return true;
    return find_field(s->f, name, out);
}

/* The line of a layer of the list that has the name, but is not made yet; 0: none. */
static int made_later(const struct model_source *s, const struct frame *f, const char *name)
{
    for (int i = f->list.first; i < f->list.first + f->list.n; i++)
        for (int k = 0; k < s->item[i].npairs; k++) {
            const struct yaml_pair *p = &s->item[i].pair[k];
            if (!strcmp(p->key, "name") && !strcmp(p->value, name)) return s->item[i].line;
        }
    return 0;
}

/* "name", or "name:2" for an output other than the first. */
int source_resolve(const struct model_source *s, const struct frame *f, int line, char *name, struct file_value *out)
{
    char *colon = strchr(name, ':');
    int output = 0, later;
    if (colon) *colon = 0;
    bool is_number = !colon || (attribute_whole(colon + 1, &output) && output >= 0);
    bool found = is_number && find(s, f, name, out);
    if (found) out->output += output;
    if (found) return 0;
    if (colon) *colon = ':';
    if ((later = made_later(s, f, name)))
        return hsgd_yaml_fail(s->y, line, "\"%s\" is made only in line %d: a layer takes what was made before it", name,
                              later);
    return hsgd_yaml_fail(s->y, line, "no layer, input or target before this layer is called \"%s\"",
                          hsgd_show(name).text);
}
