/* SPDX-License-Identifier: BSD-3-Clause */
#include "attribution.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"

#define TOLERANCE 0.01 /* of the difference of the scores */
#define ROUNDING 1e-5  /* of the scores */

/* ------------------------------------------------------ integrated gradients */

double integral_gap(const struct integral *i) { return fabs(i->sum - (i->score - i->baseline)); }

bool integral_is_complete(const struct integral *i)
{
    double gap = integral_gap(i);
    return gap <= TOLERANCE * fabs(i->score - i->baseline) || gap <= ROUNDING * (fabs(i->score) + fabs(i->baseline));
}

/* Adds the gradients at the midpoints of parts first to first + n - 1 of the path. */
static int add_points(const struct path *p, int first, int n, int steps, float *gradient, double *sum)
{
    double alpha[p->chunk], score[p->chunk];
    for (int i = 0; i < n; i++) alpha[i] = (first + i + 0.5) / steps;
    int code = p->evaluate(p->user, n, alpha, score, gradient);
    for (int k = 0; !code && k < n; k++)
        for (int64_t i = 0; i < p->size; i++) sum[i] += (double)gradient[k * p->size + i];
    return code;
}

static int integrate(const struct path *p, int steps, float *gradient, struct integral *out)
{
    int code = OK;
    memset(out->attribution, 0, (size_t)p->size * sizeof *out->attribution);
    for (int i = 0; !code && i < steps; i += p->chunk)
        code = add_points(p, i, steps - i < p->chunk ? steps - i : p->chunk, steps, gradient, out->attribution);
    out->steps = steps;
    out->sum = 0;
    for (int64_t i = 0; i < p->size; i++) {
        out->attribution[i] *= ((double)p->x[i] - (double)p->base[i]) / steps;
        out->sum += out->attribution[i];
    }
    return code;
}

static int end_points(const struct path *p, struct integral *out)
{
    int code = p->evaluate(p->user, 1, (const double[]){ 0 }, &out->baseline, NULL);
    return code ? code : p->evaluate(p->user, 1, (const double[]){ 1 }, &out->score, NULL);
}

int path_integrate(const struct path *p, int steps, int most, struct integral *out)
{
    float *gradient = malloc((size_t)p->chunk * (size_t)p->size * sizeof *gradient);
    *out = (struct integral){ .attribution = malloc((size_t)p->size * sizeof *out->attribution) };
    int code = gradient && out->attribution
                   ? end_points(p, out)
                   : report_error(FAILED, "out of memory for %lld attributions", (long long)p->size);
    if (!code) code = integrate(p, steps, gradient, out);
    for (; !code && !integral_is_complete(out) && 2 * steps <= most; steps *= 2)
        code = integrate(p, 2 * steps, gradient, out);
    free(gradient);
    return code;
}

void integral_free(struct integral *i)
{
    free(i->attribution);
    i->attribution = NULL;
}

/* ------------------------------------------------------------------ Grad-CAM */

void grad_cam(const float *a, const float *gradient, int64_t positions, int channels, float *map)
{
    memset(map, 0, (size_t)positions * sizeof *map);
    for (int c = 0; c < channels; c++) {
        double weight = 0;
        for (int64_t i = 0; i < positions; i++) weight += (double)gradient[i * channels + c];
        weight /= (double)positions;
        for (int64_t i = 0; i < positions; i++) map[i] += (float)(weight * (double)a[i * channels + c]);
    }
    for (int64_t i = 0; i < positions; i++) map[i] = fmaxf(map[i], 0);
}

/* The two neighbours of the centre of pixel i of n among m, and the weight of the second. */
struct neighbours {
    int first, second;
    double weight;
};

static struct neighbours neighbours_of(int i, int n, int m)
{
    double at = fmin(fmax((i + 0.5) * m / n - 0.5, 0), m - 1);
    int first = (int)at;
    return (struct neighbours){ first, first + 1 < m ? first + 1 : first, at - first };
}

void enlarge(const float *from, int h, int w, float *to, int height, int width)
{
    for (int y = 0; y < height; y++) {
        struct neighbours r = neighbours_of(y, height, h);
        for (int x = 0; x < width; x++) {
            struct neighbours c = neighbours_of(x, width, w);
            double above = (1 - c.weight) * from[r.first * w + c.first] + c.weight * from[r.first * w + c.second];
            double below = (1 - c.weight) * from[r.second * w + c.first] + c.weight * from[r.second * w + c.second];
            to[y * width + x] = (float)((1 - r.weight) * above + r.weight * below);
        }
    }
}
