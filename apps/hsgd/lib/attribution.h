/* SPDX-License-Identifier: BSD-3-Clause */
/* What a score owes to each number that it depends on. */
#ifndef HSGD_APP_ATTRIBUTION_H
#define HSGD_APP_ATTRIBUTION_H

#include <stdbool.h>
#include <stdint.h>

/* A score F on the straight path from a baseline b (alpha = 0) to a sample x (alpha = 1). */
struct path {
    int64_t size;          /* numbers of x */
    const float *x, *base; /* [size] */
    int chunk;             /* points that are evaluated at once */
    /* F(b + alpha (x - b)) at some points, and its gradients, points x size; NULL: not
     * wanted.  OK or an exit code after a sentence. */
    int (*evaluate)(void *user, int points, const double *alpha, double *score, float *gradient);
    void *user;
};

struct integral {
    double score, baseline; /* F(x), F(b) */
    double *attribution;    /* [size] */
    double sum;             /* of the attributions; F(x) - F(b) in the limit of many points */
    int steps;
};

/* Integrated gradients (Sundararajan, Taly & Yan 2017): attribution i is x_i - b_i times the
 * mean of dF/dx_i over the midpoints of `steps` equal parts of the path.  The steps
 * are doubled, up to `most`, until integral_is_complete().  OK or an exit code after a
 * sentence; integral_free() in any case. */
int path_integrate(const struct path *p, int steps, int most, struct integral *out);
void integral_free(struct integral *i);
/* |sum - (F(x) - F(b))| */
double integral_gap(const struct integral *i);
/* The gap is at most 1 % of |F(x) - F(b)|, or what rounding of the scores can be. */
bool integral_is_complete(const struct integral *i);

/* Grad-CAM (Selvaraju et al. 2017): map[p] = max(0, sum over c of w[c] a[p][c]), where
 * w[c] is the mean over positions of the gradient by the value a. */
void grad_cam(const float *a, const float *gradient, int64_t positions, int channels, float *map);
/* Bilinear, from h x w to height x width; at its edges the image goes on as it is. */
void enlarge(const float *from, int h, int w, float *to, int height, int width);

#endif
