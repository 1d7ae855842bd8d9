/* SPDX-License-Identifier: BSD-3-Clause */
#include "device.h"
#include "vector_math.h"

struct focal_args { int rows, cols, has_background, per_positive, has_ignore, ignore, want_gradient; float alpha, gamma; };

/* Whether a position with label t is one of a class that is no background. */
DEVICE int focal_positive(int t, int has_background) { return !has_background || t > 0; }

/* Per row r with label t, for each channel c: s = z if c is the class, else -z; q = 1 / (1 + exp(s)), l = log(1 + exp(-s)),
 * which is log(1 + exp(s)) - s, and loss a q^gamma l with q^gamma = exp(-gamma log(1 + exp(s))).  Its derivative by s is
 * -a q^gamma (gamma (1 - q) l + q).  stats holds losses, correct, terms, positions that count; NaN where there is no such
 * class. */
KERNEL4(focal, focal_args)
{
    BUFFER(0, const float, z)
    BUFFER(1, const int, labels)
    BUFFER(2, float, dz)
    BUFFER(3, float, stats)
    const int cols = ARG(cols);
    const float gamma = ARG(gamma);
    FOR_WARPS(r, ARG(rows)) {
        const int label = labels[r], ignored = ARG(has_ignore) && label == ARG(ignore);
        const int inside = label >= 0 && label < cols, positive = focal_positive(label, ARG(has_background));
        const float count = ignored ? 0.0f : inside ? 1.0f : BITS_TO_FLOAT(0x7fc00000u);
        const int t = positive ? label : -1;
        const float of_class = ARG(alpha) < 0.0f ? count : ARG(alpha) * count;
        const float of_others = ARG(alpha) < 0.0f ? count : (1.0f - ARG(alpha)) * count;
        GLOBAL const float *zr = z + (size_t)r * cols;
        GLOBAL float *dr = dz + (size_t)r * cols;
        float sum = 0.0f;
        for (int c = WARP_LANE; c < cols; c += WARP) {
            float s = c == t ? zr[c] : -zr[c], e = vector_exp(-fabsf(s)), log_e = vector_log(1.0f + e);
            float l = log_e + PICK(s < 0.0f, -s, 0.0f), upper = log_e + PICK(s < 0.0f, 0.0f, s);
            float q = PICK(s < 0.0f, 1.0f, e) / (1.0f + e), p = PICK(s < 0.0f, e, 1.0f) / (1.0f + e);
            float a = (c == t ? of_class : of_others) * vector_exp(-gamma * upper), d = a * (gamma * p * l + q);
            sum += a * l;
            if (ARG(want_gradient)) dr[c] = ignored ? 0.0f : c == t ? -d : d;
        }
        sum = WARP_SUM(sum);
        const int first = ARG(has_background) ? 1 : 0;
        int best = first + WARP_LANE < cols ? first + WARP_LANE : first;
        float own = zr[best];
        for (int c = first + WARP_LANE + WARP; c < cols; c += WARP)
            if (zr[c] > own) { own = zr[c]; best = c; }
        float top = WARP_MAX(own), guess = -WARP_MAX(own == top ? -(float)best : -(float)cols);
        if (ARG(has_background) && !(top > 0.0f)) guess = 0.0f;
        if (WARP_LANE == 0) {
            const size_t rows = (size_t)ARG(rows);
            stats[r] = ignored ? 0.0f : sum;
            stats[rows + r] = count == 0.0f ? 0.0f : guess == (float)label ? count : 0.0f * count;
            stats[2 * rows + r] = ARG(per_positive) && !positive ? 0.0f * count : count;
            stats[3 * rows + r] = count;
        }
    }
}

/* count[0] = the number of terms, by one warp */
KERNEL2(focal_count, focal_args)
{
    BUFFER(0, const int, labels)
    BUFFER(1, float, count)
    FOR_WARPS(i, 1) {
        float n = 0.0f;
        for (int r = WARP_LANE; r < ARG(rows); r += WARP) {
            const int ignored = ARG(has_ignore) && labels[r] == ARG(ignore);
            n += ignored || (ARG(per_positive) && !focal_positive(labels[r], ARG(has_background))) ? 0.0f : 1.0f;
        }
        n = WARP_SUM(n);
        if (WARP_LANE == 0) count[i] = n;
    }
}
