/* Two-dimensional convolution (cross-correlation) with bias and activation. */
#include <stdio.h>

#include "kernels.h"

static int prepare(struct hsgd_layer *l, char *why, size_t n)
{
    const struct hsgd_conv2d *a = l->attributes;
    int kh = a->kernel, kw = a->kernel;
    if (a->out_channels < 1 || a->out_channels > 65536) {
        snprintf(why, n, "out_channels must be in 1..65536, not %d", a->out_channels);
        return -1;
    }
    if (a->kernel < 1 || a->stride < 1 || a->padding < 0 || a->padding >= a->kernel) {
        snprintf(why, n, "kernel %d, stride %d, padding %d: needs kernel >= 1, stride >= 1, 0 <= padding < kernel",
                 a->kernel, a->stride, a->padding);
        return -1;
    }
    if (l->in.h + 2 * a->padding < kh || l->in.w + 2 * a->padding < kw) {
        snprintf(why, n, "a %dx%d kernel does not fit into %dx%d with padding %d", kh, kw, l->in.h, l->in.w, a->padding);
        return -1;
    }
    l->out = (struct hsgd_shape){ conv2d_out_size(l->in.h, kh, a->stride, a->padding),
                                  conv2d_out_size(l->in.w, kw, a->stride, a->padding), a->out_channels };
    int fan_in = kh * kw * l->in.c, fan_out = kh * kw * a->out_channels;
    l->params = 2;
    l->param[0] = (struct hsgd_param_spec){ "weight", 4, { a->out_channels, kh, kw, l->in.c }, a->init,
                                            fan_in, fan_out, 0 };
    l->param[1] = (struct hsgd_param_spec){ "bias", 1, { a->out_channels }, HSGD_INIT_ZERO, fan_in, fan_out, 0 };
    l->forward_flops = 2.0 * fan_in * hsgd_size(l->out);
    l->backward_flops = 2 * l->forward_flops;
    return 0;
}

static struct conv2d_args args_of(const struct hsgd_emit *e)
{
    const struct hsgd_conv2d *a = e->layer->attributes;
    struct hsgd_shape in = e->layer->in, out = e->layer->out;
    return (struct conv2d_args){ .n = e->rows, .h = in.h, .w = in.w, .c = in.c, .oh = out.h, .ow = out.w, .o = out.c,
                                 .kh = a->kernel, .kw = a->kernel, .stride = a->stride, .pad = a->padding,
                                 .activation = (int)a->activation, .splits = 1 };
}

static void forward(struct hsgd_emit *e)
{
    struct conv2d_args a = args_of(e);
    a.tiles = conv2d_fwd_tiles(a);
    HSGD_LAUNCH(e, HSGD_KERNEL(conv2d_fwd), HSGD_TILES, a.tiles, &a, e->x, e->weight[0].piece[0].ref,
                e->weight[1].piece[0].ref, e->y);
}

static void gradients(struct hsgd_emit *e, struct conv2d_args a)
{
    a.splits = e->units < a.kh ? e->units : a.kh;
    a.tiles = conv2d_dw_tiles(a);
    struct hsgd_ref work = hsgd_scratch(e, (int64_t)conv2d_dw_work(a));
    HSGD_LAUNCH(e, HSGD_KERNEL(conv2d_dw), HSGD_TILES, a.tiles, &a, e->x, e->dy, e->gradient[0], e->gradient[1], work);
}

/* dz = dy f'(z), unless the next operation's backward has done it; db and dW
 * from dz and x; dx the full correlation of dz with the flipped kernel. */
static void backward(struct hsgd_emit *e)
{
    struct conv2d_args a = args_of(e);
    if (a.activation && !e->layer->slope_applied) {
        struct act_bwd_args act = { hsgd_stored_rows(e) * hsgd_size(e->layer->out), a.activation };
        HSGD_LAUNCH(e, HSGD_KERNEL(act_bwd), HSGD_ITEMS, act.n, &act, e->y, e->dy);
    }
    if (e->gradient[0].buffer >= 0) gradients(e, a);
    if (e->dx.buffer < 0) return;
    a.tiles = conv2d_dx_tiles(a);
    HSGD_LAUNCH(e, HSGD_KERNEL(conv2d_dx), HSGD_TILES, a.tiles, &a, e->dy, e->weight[0].piece[0].ref, e->dx);
}

static enum hsgd_activation activation(const void *attributes)
{
    return ((const struct hsgd_conv2d *)attributes)->activation;
}

const struct hsgd_op hsgd_op_conv2d = {
    .name = "conv2d", .attributes_size = sizeof(struct hsgd_conv2d), .layouts = 1u << HSGD_LANES, .prepare = prepare,
    .forward = forward, .backward = backward, .activation = activation
};
