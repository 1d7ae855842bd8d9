/* SPDX-License-Identifier: BSD-3-Clause */
/* What the kernels of convolution share: the taps of an output, and activations of vectors. */
#ifndef HSGD_CONV2D_TAPS_H
#define HSGD_CONV2D_TAPS_H

/* One axis of a convolution, seen from what is computed: `size` places are read. */
struct conv_axis {
    int k, stride, dilation, pad, size;
};

/* The valid taps of one output index along one axis: `count` taps, from kernel
 * index `first` on, which reads input index `at`; the next tap is `step` kernel
 * indices and `apart` input indices further. */
struct taps {
    int first, count, at, step, apart;
};

/* Without a valid tap nothing is read. */
DEVICE struct taps taps_checked(struct taps t)
{
    if (t.count <= 0) t.first = t.count = t.at = 0;
    return t;
}

/* y[q] = Σ_k x[q·stride - pad + k·dilation] w[k] */
DEVICE struct taps taps_forward(int q, const struct conv_axis a)
{
    struct taps t = { 0, 0, 0, 1, a.dilation };
    t.at = q * a.stride - a.pad;
    t.first = t.at < 0 ? -t.at : 0;
    int end = a.size - t.at;
    if (a.dilation > 1) {
        t.first = (t.first + a.dilation - 1) / a.dilation;
        end = end > 0 ? (end + a.dilation - 1) / a.dilation : 0;
    }
    t.count = (a.k < end ? a.k : end) - t.first;
    t.at += t.first * a.dilation;
    return taps_checked(t);
}

/* The same of an output that has every tap */
DEVICE struct taps taps_all(int q, const struct conv_axis a)
{
    const struct taps t = { 0, a.k, q * a.stride - a.pad, 1, a.dilation };
    return t;
}

/* dx[q] = Σ_k dy[(q + pad - k·dilation) / stride] w[k] where divisible, with dilation > 1 */
DEVICE struct taps taps_back_dilated(int q, const struct conv_axis a)
{
    int common = a.stride, rest = a.dilation, beyond;
    while (rest) {
        const int remainder = common % rest;
        common = rest;
        rest = remainder;
    }
    struct taps t = { 0, 0, 0, a.stride / common, -a.dilation / common };
    while (t.first < t.step && (q + a.pad - t.first * a.dilation) % a.stride) t.first++;
    if (t.first == t.step) return taps_checked(t);
    t.at = (q + a.pad - t.first * a.dilation) / a.stride;
    beyond = t.at > a.size - 1 ? (t.at - a.size - t.apart) / -t.apart : 0;
    t.first += beyond * t.step;
    t.at += beyond * t.apart;
    if (t.at < 0 || t.first >= a.k) return taps_checked(t);
    t.count = (a.k - t.first + t.step - 1) / t.step;
    if (t.count > t.at / -t.apart + 1) t.count = t.at / -t.apart + 1;
    return t;
}

/* The same, with any dilation: dy[at], dy[at + apart], … */
DEVICE struct taps taps_back(int q, const struct conv_axis a)
{
    if (a.dilation > 1) return taps_back_dilated(q, a);
    struct taps t = { 0, 0, 0, a.stride, -1 };
    t.at = (q + a.pad) / a.stride;
    t.first = (q + a.pad) % a.stride;
    if (t.at > a.size - 1) {
        t.first += (t.at - (a.size - 1)) * a.stride;
        t.at = a.size - 1;
    }
    t.count = t.first < a.k ? (a.k - t.first + a.stride - 1) / a.stride : 0;
    t.count = t.count < t.at + 1 ? t.count : t.at + 1;
    return taps_checked(t);
}

/* Outputs [begin, end) of `width` have every tap, those of the same phase the same ones. */
struct conv_interior {
    int begin, end;
};

DEVICE struct conv_interior interior_forward(const struct conv_axis a, int width)
{
    const int last = a.size - 1 + a.pad - (a.k - 1) * a.dilation; /* pad <= q·stride <= last */
    const int end = last < 0 ? 0 : last / a.stride + 1;
    const struct conv_interior i = { (a.pad + a.stride - 1) / a.stride, end < width ? end : width };
    return i;
}

DEVICE struct conv_interior interior_back(const struct conv_axis a, int width)
{
    const int end = a.size * a.stride - a.pad;
    const struct conv_interior i = { (a.k - 1) * a.dilation - a.pad, end < width ? end : width };
    return i;
}

DEVICE struct conv_axis conv_rows(const struct conv2d_args a, int size)
{
    const struct conv_axis x = { a.kh, a.stride_h, a.dilation_h, a.top, size };
    return x;
}

DEVICE struct conv_axis conv_across(const struct conv2d_args a, int size)
{
    const struct conv_axis x = { a.kw, a.stride_w, a.dilation_w, a.left, size };
    return x;
}

/* x·P(x²)/Q(x²) on [-7.9, 7.9], where tanh reaches 1 in single precision: error < 3e-7 */
DEVICE v16 conv_tanh(v16 x)
{
    const v16 limit = V16_SPLAT(7.90531110763549805f);
    x = V16_IF_GT(x, limit, limit, x);
    const v16 minus = V16_SPLAT(-7.90531110763549805f);
    x = V16_IF_GT(minus, x, minus, x);
    const v16 s = V16_MUL(x, x);
    v16 p = V16_FMA(s, V16_SPLAT(-2.76076847742355e-16f), V16_SPLAT(2.00018790482477e-13f));
    p = V16_FMA(p, s, V16_SPLAT(-8.60467152213735e-11f));
    p = V16_FMA(p, s, V16_SPLAT(5.12229709037114e-08f));
    p = V16_FMA(p, s, V16_SPLAT(1.48572235717979e-05f));
    p = V16_FMA(p, s, V16_SPLAT(6.37261928875436e-04f));
    p = V16_FMA(p, s, V16_SPLAT(4.89352455891786e-03f));
    v16 q = V16_FMA(s, V16_SPLAT(1.19825839466702e-06f), V16_SPLAT(1.18534705686654e-04f));
    q = V16_FMA(q, s, V16_SPLAT(2.26843463243900e-03f));
    q = V16_FMA(q, s, V16_SPLAT(4.89352518554385e-03f));
    return V16_DIVIDE(V16_MUL(x, p), q);
}

DEVICE void conv_activate(GLOBAL float *y, int vectors, int activation)
{
    if (activation == ACTIVATION_TANH)
        for (int i = 0; i < vectors; i++) V16_STORE(y + (size_t)i * 16, conv_tanh(V16_LOAD(y + (size_t)i * 16)));
    else if (activation == ACTIVATION_SIGMOID)
        for (int i = 0; i < vectors; i++)
            V16_STORE(y + (size_t)i * 16, V16_FMA(conv_tanh(V16_MUL(V16_LOAD(y + (size_t)i * 16), V16_SPLAT(0.5f))),
                                                  V16_SPLAT(0.5f), V16_SPLAT(0.5f)));
}

#endif
