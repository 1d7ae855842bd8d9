/* SPDX-License-Identifier: BSD-3-Clause */
/* The built-in models: the files of models/. */
#include "builtin_models.h"

#include <string.h>

#include "model_file.h"

const char *hsgd_model_name_at(int i) { return i >= 0 && i < model_texts ? model_text_at[i].name : NULL; }

bool hsgd_model_is_file(const char *name)
{
    if (!name) return false;
    const char *dot = strrchr(name, '.');
    return strchr(name, '/') || (dot && (!strcmp(dot, ".yaml") || !strcmp(dot, ".yml")));
}

static struct hsgd_model *by_name(struct hsgd_context *ctx, const char *name, struct hsgd_shape in, int classes,
                                  const struct hsgd_type *target)
{
    char names[200] = "";
    if (hsgd_model_is_file(name)) return model_from_path(ctx, name, in, classes, target);
    for (int i = 0; i < model_texts; i++) {
        const struct model_source *s = &model_text_at[i];
        if (!strcmp(name, s->name)) return model_from_bytes(ctx, NULL, s->text, strlen(s->text), in, classes, target);
        snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", i ? ", " : "", s->name);
    }
    hsgd_fail(ctx, EINVAL, "model \"%s\" is not one of %s", name, names);
    return NULL;
}

struct hsgd_model *hsgd_model_by_name(struct hsgd_context *ctx, const char *name, struct hsgd_shape in, int classes)
{
    return ENTER(ctx, ctx, name) ? NULL : by_name(ctx, name, in, classes, NULL);
}

struct hsgd_model *hsgd_model_for_targets(struct hsgd_context *ctx, const char *name, struct hsgd_shape in,
                                          struct hsgd_type target)
{
    return ENTER(ctx, ctx, name) ? NULL : by_name(ctx, name, in, 0, &target);
}
