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
    hsgd_shape in = { 1, 1, 3 };
    hsgd_model *model = err ? NULL : hsgd_chain_create(ctx, "scaled", in);
    model = hsgd_add(hsgd_add_dense(model, 4, HSGD_RELU), &op, NULL, NULL);
    model = hsgd_add_softmax_cross_entropy(hsgd_add_dense(model, 2, HSGD_NO_ACTIVATION));
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
