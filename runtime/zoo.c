/* The built-in models. */
#include <string.h>

#include "model.h"

static struct hsgd_model *linear(struct hsgd_model *m, int classes)
{
    return hsgd_add_softmax_cross_entropy(hsgd_add_dense(m, classes, HSGD_NO_ACTIVATION));
}

static struct hsgd_model *mlp(struct hsgd_model *m, int classes)
{
    return linear(hsgd_add_dense(hsgd_add_dense(m, 512, HSGD_RELU), 256, HSGD_RELU), classes);
}

static struct hsgd_model *mlp_small(struct hsgd_model *m, int classes)
{
    return linear(hsgd_add_dense(hsgd_add_dense(m, 128, HSGD_RELU), 64, HSGD_RELU), classes);
}

static const struct {
    const char *name;
    struct hsgd_model *(*build)(struct hsgd_model *m, int classes);
} zoo[] = { { "linear", linear }, { "mlp", mlp }, { "mlp-small", mlp_small } };

enum { ZOO = sizeof zoo / sizeof *zoo };

const char *hsgd_model_name_at(int i) { return i >= 0 && i < ZOO ? zoo[i].name : NULL; }

struct hsgd_model *hsgd_model_by_name(struct hsgd_context *ctx, const char *name, struct hsgd_shape in, int classes)
{
    for (int i = 0; i < ZOO; i++)
        if (!strcmp(name, zoo[i].name)) return zoo[i].build(hsgd_model_create(ctx, name, in), classes);
    char names[200] = "";
    for (int i = 0; i < ZOO; i++) strcat(strcat(names, i ? ", " : ""), zoo[i].name);
    hsgd_fail(ctx, EINVAL, "model \"%s\" is not one of %s", name, names);
    return NULL;
}
