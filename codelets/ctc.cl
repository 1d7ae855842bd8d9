/* SPDX-License-Identifier: BSD-3-Clause */
#include "device.h"
#include "vector_math.h"

/* steps x classes logits and `labels` labels of each sample. */
struct ctc_args { int samples, steps, classes, labels, blank, has_lengths, zero_infinity; };

#define CTC_STATS 2

/* The logarithm of 0: far below all others, but finite. */
#define CTC_NONE (-1e30f)

/* lp = log softmax of each row of z */
KERNEL2(ctc_log_softmax, ctc_args)
{
    BUFFER(0, const float, z)
    BUFFER(1, float, lp)
    const int cols = ARG(classes);
    FOR_WARPS(r, ARG(samples) * ARG(steps)) {
        GLOBAL const float *zr = z + (size_t)r * cols;
        GLOBAL float *to = lp + (size_t)r * cols;
        float own = zr[0], sum = 0.0f;
        for (int c = WARP_LANE; c < cols; c += WARP) own = zr[c] > own ? zr[c] : own;
        const float top = WARP_MAX(own);
        for (int c = WARP_LANE; c < cols; c += WARP) sum += vector_exp(zr[c] - top);
        const float log_sum = vector_log(WARP_SUM(sum));
        INDEPENDENT
        for (int c = WARP_LANE; c < cols; c += WARP) to[c] = zr[c] - top - log_sum;
    }
}

/* exp(a - b), 0 below -87.  Compilers may compute with a and b in another order, which cancels only if both are small,
 * so their difference must be a number of its own. */
DEVICE float ctc_exp(float a, float b)
{
    float d = a - b;
    return vector_exp(PICK(d < -88.0f, -88.0f, d));
}

/* log(exp a + exp b + exp c) */
DEVICE float ctc_add(float a, float b, float c)
{
    float m = PICK(a > b, a, b);
    m = PICK(m > c, m, c);
    return m + vector_log(ctc_exp(a, m) + ctc_exp(b, m) + ctc_exp(c, m));
}

/* The class of state s: a blank before, between and behind the labels. */
DEVICE int ctc_class(GLOBAL const int *label, int s, int blank) { return s & 1 ? label[s / 2] : blank; }

/* Whether a path may go from state s - 2 to s: past a blank between different labels. */
DEVICE int ctc_skips(GLOBAL const int *label, int s) { return (s & 1) && s > 1 && label[s / 2] != label[s / 2 - 1]; }

DEVICE float ctc_max(LOCAL_ARG const float *part)
{
    float m = part[0];
    for (int i = 1; i < LOCAL_SIZE; i++) m = part[i] > m ? part[i] : m;
    return m;
}

/* A group per sample.  paths[n][t][s]: first the logarithm of the probability of all ways to state s at step t, less the
 * largest of the step; then, going back over the steps, that to be in s at t on a path that ends, times any number of
 * the step.  back: two rows of states per sample.  stats holds losses, -log P / labels, then 1 / labels: the factor of
 * the gradient, 0 where there is none and NaN where lengths or labels are invalid. */
KERNEL6(ctc_paths, ctc_args)
{
    BUFFER(0, const float, lp)
    BUFFER(1, const int, labels)
    BUFFER(2, const int, input_lengths)
    BUFFER(3, const int, label_lengths)
    BUFFER(4, float, paths)
    BUFFER(5, float, stats)
    LOCAL float part[LOCAL_MAX];
    LOCAL float part_back[LOCAL_MAX];
    const int width = 2 * ARG(labels) + 1, cols = ARG(classes), blank = ARG(blank);
    FOR_ROWS(n, ARG(samples)) {
        GLOBAL const int *label = labels + (size_t)n * ARG(labels);
        GLOBAL const float *log_p = lp + (size_t)n * ARG(steps) * cols;
        GLOBAL float *path = paths + (size_t)n * (ARG(steps) + 2) * width, *back = path + (size_t)ARG(steps) * width;
        int steps = ARG(has_lengths) ? input_lengths[n] : ARG(steps);
        int count = ARG(has_lengths) ? label_lengths[n] : ARG(labels);
        int valid = steps >= 0 && steps <= ARG(steps) && count >= 0 && count <= ARG(labels);
        if (!valid) steps = count = 0;
        for (int i = 0; i < count; i++) valid = valid && label[i] >= 0 && label[i] < cols && label[i] != blank;
        if (!valid) steps = count = 0;
        const int states = 2 * count + 1;
        float total = 0.0f;
        for (int t = 0; t < steps; t++) {
            GLOBAL float *now = path + (size_t)t * width;
            GLOBAL const float *before = now - (t ? width : 0), *emit = log_p + (size_t)t * cols;
            float own = CTC_NONE;
            for (int s = LOCAL_ID; s < states; s += LOCAL_SIZE) {
                float v = s < 2 ? 0.0f : CTC_NONE;
                if (t)
                    v = ctc_add(before[s], s ? before[s - 1] : CTC_NONE, ctc_skips(label, s) ? before[s - 2] : CTC_NONE);
                v += emit[ctc_class(label, s, blank)];
                now[s] = v;
                own = v > own ? v : own;
            }
            part[LOCAL_ID] = own;
            BARRIER();
            const float top = ctc_max(part);
            for (int s = LOCAL_ID; s < states; s += LOCAL_SIZE) now[s] -= top;
            total += top;
            BARRIER();
        }
        float end = count ? CTC_NONE : 0.0f;
        if (steps) {
            GLOBAL const float *last = path + (size_t)(steps - 1) * width;
            end = ctc_add(last[states - 1], states > 1 ? last[states - 2] : CTC_NONE, CTC_NONE);
        }
        const int possible = end > 0.5f * CTC_NONE || end != end;
        BARRIER();
        for (int t = steps - 1; t >= 0; t--) {
            GLOBAL float *now = path + (size_t)t * width, *mine = back + (t & 1 ? width : 0);
            GLOBAL const float *next = back + (t & 1 ? 0 : width), *emit = log_p + (size_t)t * cols;
            float own = CTC_NONE, own_back = CTC_NONE;
            for (int s = LOCAL_ID; s < states; s += LOCAL_SIZE) {
                float v = s > states - 3 ? 0.0f : CTC_NONE;
                if (t < steps - 1)
                    v = ctc_add(next[s], s + 1 < states ? next[s + 1] : CTC_NONE,
                                s + 2 < states && ctc_skips(label, s + 2) ? next[s + 2] : CTC_NONE);
                const float whole = now[s] + v;
                v += emit[ctc_class(label, s, blank)];
                now[s] = whole;
                mine[s] = v;
                own = whole > own ? whole : own;
                own_back = v > own_back ? v : own_back;
            }
            part[LOCAL_ID] = own;
            part_back[LOCAL_ID] = own_back;
            BARRIER();
            const float top = ctc_max(part), top_back = ctc_max(part_back);
            for (int s = LOCAL_ID; s < states; s += LOCAL_SIZE) {
                now[s] = ctc_exp(now[s], top);
                mine[s] -= top_back;
            }
            BARRIER();
        }
        if (LOCAL_ID == 0) {
            const float nan = BITS_TO_FLOAT(0x7fc00000u), share = 1.0f / (float)(count ? count : 1);
            const float lost = ARG(zero_infinity) ? 0.0f : BITS_TO_FLOAT(0x7f800000u);
            stats[n] = !valid ? nan : possible ? share * -(total + end) : lost;
            stats[(size_t)ARG(samples) + n] = !valid ? nan : possible ? share : ARG(zero_infinity) ? 0.0f : nan;
        }
    }
}

/* dz = factor (softmax - probability of each class at the step), of lp in place; a group per step. */
KERNEL6(ctc_gradient, ctc_args)
{
    BUFFER(0, const float, paths)
    BUFFER(1, const int, labels)
    BUFFER(2, const int, input_lengths)
    BUFFER(3, const int, label_lengths)
    BUFFER(4, const float, stats)
    BUFFER(5, float, dz)
    const int width = 2 * ARG(labels) + 1, cols = ARG(classes);
    FOR_ROWS(r, ARG(samples) * ARG(steps)) {
        const int n = r / ARG(steps), t = r - n * ARG(steps);
        const float factor = stats[(size_t)ARG(samples) + n];
        const int inside = factor != factor || t < (ARG(has_lengths) ? input_lengths[n] : ARG(steps));
        GLOBAL float *d = dz + (size_t)r * cols;
        FOR_COLS(c, cols) d[c] = inside && factor != 0.0f ? factor * vector_exp(d[c]) : 0.0f;
        BARRIER();
        if (LOCAL_ID == 0 && inside && factor > 0.0f) {
            GLOBAL const int *label = labels + (size_t)n * ARG(labels);
            GLOBAL const float *p = paths + ((size_t)n * (ARG(steps) + 2) + t) * width;
            const int states = 2 * (ARG(has_lengths) ? label_lengths[n] : ARG(labels)) + 1;
            float sum = 0.0f;
            for (int s = 0; s < states; s++) sum += p[s];
            for (int s = 0; s < states; s++) d[ctc_class(label, s, ARG(blank))] -= p[s] * (factor / sum);
        }
    }
}
