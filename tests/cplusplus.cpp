/* SPDX-License-Identifier: BSD-3-Clause */
/* An operation in C++, y = 2 x, by HSGD_LAUNCH and a kernel in C++: see
 * cplusplus.sh. */
#include <hsgd/hsgd.h>

#include <cmath>
#include <cstdio>
#include <vector>

namespace
{

struct Args {
    int n;
    float by;
};

void scale(void *const *buffers, const void *args)
{
    const Args *a = static_cast<const Args *>(args);
    const float *x = static_cast<const float *>(buffers[0]);
    float *y = static_cast<float *>(buffers[1]);
    for (int i = 0; i < a->n; i++) y[i] = a->by * x[i];
}

hsgd_kernel make_kernel()
{
    hsgd_kernel k = hsgd_kernel();
    k.name = "scale";
    k.buffers = 2;
    k.args_size = sizeof(Args);
    k.cpu = scale;
    return k;
}

const hsgd_kernel kernel = make_kernel();

int infer(hsgd_node *n, char *, size_t)
{
    n->outputs = 1;
    n->out[0] = n->in[0];
    return 0;
}

void forward(hsgd_emit *e)
{
    Args a = { e->rows * static_cast<int>(hsgd_type_size(&e->node->in[0])), 2 };
    HSGD_LAUNCH(e, &kernel, HSGD_ITEMS, a.n, &a, e->x[0], e->y[0]);
}

void backward(hsgd_emit *e)
{
    Args a = { e->rows * static_cast<int>(hsgd_type_size(&e->node->in[0])), 2 };
    if (hsgd_wanted(e->dx[0])) HSGD_LAUNCH(e, &kernel, HSGD_ITEMS, a.n, &a, e->dy[0], e->dx[0]);
}

hsgd_value *dense(hsgd_value *x, int units, hsgd_activation activation)
{
    hsgd_dense a = hsgd_dense();
    a.units = units;
    a.activation = activation;
    return hsgd_apply(&hsgd_op_dense, NULL, &a, 1, &x);
}

hsgd_model *build(hsgd_context *ctx, const hsgd_op *scale)
{
    hsgd_model *m = hsgd_model_create(ctx, "scaled");
    hsgd_value *x = dense(hsgd_input(m, "x", hsgd_vector(3)), 4, HSGD_RELU);
    x = dense(hsgd_apply(scale, NULL, NULL, 1, &x), 2, HSGD_NO_ACTIVATION);
    hsgd_value *const ends[] = { x, hsgd_target(m, "label", hsgd_number(HSGD_I32)) };
    hsgd_loss(hsgd_apply(&hsgd_op_softmax_cross_entropy, "loss", NULL, 2, ends));
    if (hsgd_model_finish(m)) hsgd_model_destroy(&m);
    return m;
}

} // namespace

int main()
{
    hsgd_context *ctx;
    hsgd_context_options options;
    hsgd_train_options training;
    hsgd_device device;
    hsgd_op op = hsgd_op();
    op.name = "scale";
    op.layouts = 1u << HSGD_NHWC;
    op.infer = infer;
    op.forward[0].emit = forward;
    op.backward[0].emit = backward;
    hsgd_context_defaults(&options, sizeof options);
    options.devices = "cpu";
    int err = hsgd_create(&ctx, &options);
    hsgd_model *model = err ? NULL : build(ctx, &op);
    hsgd_train_defaults(&training, sizeof training);
    hsgd_trainer *trainer = hsgd_trainer_create(model, &training);
    std::vector<float> x = { 1, 2, 3, -1, -2, -3 };
    std::vector<int32_t> labels = { 0, 1 };
    double loss = NAN;
    const void *const fields[] = { x.data(), labels.data() };
    err = !trainer || hsgd_model_initialise(model, 1) || hsgd_device_get(ctx, 0, &device, sizeof device);
    for (int i = 0; !err && i < 3; i++) err = hsgd_trainer_step(trainer, 2, fields, &loss);
    if (err) std::printf("error: %s\n", hsgd_error(ctx));
    std::printf("loss %g\n", loss);
    hsgd_trainer_destroy(&trainer);
    hsgd_model_destroy(&model);
    hsgd_destroy(&ctx);
    return err || !std::isfinite(loss);
}
