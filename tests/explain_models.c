/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes models of known weights for tests/test_explain.sh to the current folder: what
 * attributions of them are follows from a line of arithmetic. */
#include <hsgd/hsgd.h>
#include <stdio.h>

/* With a loss on two scores. */
static int finish(struct hsgd_model *m, struct hsgd_value *scores)
{
    struct hsgd_value *label = hsgd_target(m, "label", hsgd_number(HSGD_I32));
    hsgd_loss(HSGD_JOIN(HSGD_OF(scores, label), softmax_cross_entropy, NULL));
    return hsgd_model_finish(m);
}

/* score_k = sum x_i w_ik + b_k */
static int linear(struct hsgd_context *ctx)
{
    static const float w[3 * 2] = { 1, -2, 0.5f, 3, -1, 4 }, b[2] = { 0.25f, -0.5f };
    struct hsgd_model *m = hsgd_model_create(ctx, "linear");
    struct hsgd_value *x = hsgd_input(m, "x", hsgd_vector(3));
    int err = finish(m, HSGD_OP(x, dense, "fc", .units = 2));
    if (!err) err = hsgd_model_set_weight(m, "fc.weight", w, 6);
    if (!err) err = hsgd_model_set_weight(m, "fc.bias", b, 2);
    if (!err) err = hsgd_model_save(m, "linear.safetensors");
    hsgd_model_destroy(&m);
    return err;
}

/* a = (x, -2 x) at each of 4 x 4 pixels, score_k = sum over c of v_ck times the mean of a_c. */
static int pixels(struct hsgd_context *ctx)
{
    static const float kernel[2] = { 1, -2 }, none[2] = { 0, 0 }, v[2 * 2] = { 16, -16, 4, 0 };
    struct hsgd_model *m = hsgd_model_create(ctx, "pixels");
    struct hsgd_value *x = hsgd_input(m, "x", hsgd_image(4, 4, 1));
    x = HSGD_OP(x, conv2d, "conv", .out_channels = 2, .kernel = 1);
    x = HSGD_OP(x, global_avg_pool, NULL);
    int err = finish(m, HSGD_OP(x, dense, "fc", .units = 2));
    if (!err) err = hsgd_model_set_weight(m, "conv.weight", kernel, 2);
    if (!err) err = hsgd_model_set_weight(m, "conv.bias", none, 2);
    if (!err) err = hsgd_model_set_weight(m, "fc.weight", v, 4);
    if (!err) err = hsgd_model_set_weight(m, "fc.bias", none, 2);
    if (!err) err = hsgd_model_save(m, "pixels.safetensors");
    hsgd_model_destroy(&m);
    return err;
}

int main(void)
{
    struct hsgd_context *ctx;
    int err = hsgd_create(&ctx, HSGD_OPTIONS(context, .devices = "none"));
    if (!err) err = linear(ctx);
    if (!err) err = pixels(ctx);
    if (err) fprintf(stderr, "%s\n", hsgd_error(ctx));
    hsgd_destroy(&ctx);
    return err != 0;
}
