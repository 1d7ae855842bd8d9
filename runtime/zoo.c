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

static struct hsgd_model *lenet(struct hsgd_model *m, int classes)
{
    int padding = m && m->in.h < 32 ? 2 : 0; /* 28x28 counts as 32x32 with a border */
    m = hsgd_add_max_pool(hsgd_add_conv2d(m, 6, 5, padding, HSGD_RELU), 2);
    m = hsgd_add_max_pool(hsgd_add_conv2d(m, 16, 5, 0, HSGD_RELU), 2);
    m = hsgd_add_dense(hsgd_add_dense(hsgd_add_flatten(m), 120, HSGD_RELU), 84, HSGD_RELU);
    return linear(m, classes);
}

static struct hsgd_model *cifar_cnn(struct hsgd_model *m, int classes)
{
    m = hsgd_add_max_pool(hsgd_add_conv2d(m, 32, 3, 1, HSGD_RELU), 2);
    m = hsgd_add_max_pool(hsgd_add_conv2d(m, 64, 3, 1, HSGD_RELU), 2);
    m = hsgd_add_conv2d(m, 64, 3, 1, HSGD_RELU);
    return linear(hsgd_add_dense(hsgd_add_flatten(m), 64, HSGD_RELU), classes);
}

static const struct {
    const char *name;
    struct hsgd_model *(*build)(struct hsgd_model *m, int classes);
} zoo[] = { { "linear", linear }, { "mlp", mlp }, { "mlp-small", mlp_small },
            { "lenet", lenet }, { "cifar-cnn", cifar_cnn } };

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
