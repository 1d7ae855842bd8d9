/* SPDX-License-Identifier: BSD-3-Clause */
#include "recurrent_net.h"

#include <string.h>

int net_gates(const struct net *s) { return s->kind == LSTM ? 4 : s->kind == GRU ? 3 : 1; }
int net_width(const struct net *s, int l) { return l ? s->directions * s->hidden : s->in; }
static int per_direction(const struct net *s) { return s->bias ? 4 : 2; }
static double *weight(const struct net *s, int l, int d, int k)
{
    return k >= B_IH && !s->bias ? NULL : s->w[(l * s->directions + d) * per_direction(s) + k];
}

static int length_of(const struct net *s, int r)
{
    int n = s->length ? s->length[r] : s->steps;
    return n < 0 ? 0 : n > s->steps ? s->steps : n;
}

static double sigmoid(double z) { return 1 / (1 + exp(-z)); }

int64_t net_param_size(const struct net *s, int i)
{
    int k = i % per_direction(s), l = i / per_direction(s) / s->directions, rows = net_gates(s) * s->hidden;
    return (int64_t)rows * (k == W_IH ? net_width(s, l) : k == W_HH ? s->hidden : 1);
}

int net_params(const struct net *s) { return s->layers * s->directions * per_direction(s); }

void net_allocate(struct net *s)
{
    int64_t positions = (int64_t)s->rows * s->steps, n = s->hidden, states = s->rows * s->layers * s->directions * n;
    for (int l = 0; l < s->layers; l++) {
        s->into[l] = check_doubles(NULL, positions * net_width(s, l));
        s->of[l] = check_doubles(NULL, positions * s->directions * n);
        for (int d = 0; d < s->directions; d++)
            s->past[l][d] = (struct past){ check_doubles(NULL, positions * 4 * n), check_doubles(NULL, positions * n),
                                           check_doubles(NULL, positions * n), check_doubles(NULL, positions * 4 * n),
                                           check_doubles(NULL, positions * 4 * n) };
    }
    s->h = check_doubles(NULL, states), s->c = check_doubles(NULL, states);
}

void net_free(struct net *s)
{
    for (int l = 0; l < s->layers; l++) {
        free(s->into[l]), free(s->of[l]);
        for (int d = 0; d < s->directions; d++) {
            struct past *p = &s->past[l][d];
            free(p->gates), free(p->h), free(p->c), free(p->da), free(p->dr);
        }
    }
    free(s->h), free(s->c), free(s->x), free(s->h0), free(s->c0), free(s->dy), free(s->dh), free(s->dc);
    for (int i = 0; i < net_params(s); i++) free(s->w[i]);
}

/* --------------------------------------------------------------------- cells */

/* From a = W_ih x + b_ih and r = W_hh h + b_hh, element j: the gates that backward needs, and the new state. */
static void cell(const struct net *s, const double *a, const double *r, int j, double *g, double *h, double *c)
{
    int n = s->hidden;
    if (s->kind == LSTM) {
        for (int k = 0; k < 4; k++) {
            double z = a[k * n + j] + r[k * n + j];
            g[k * n + j] = k == 2 ? tanh(z) : sigmoid(z);
        }
        *c = g[n + j] * *c + g[j] * g[2 * n + j];
        *h = g[3 * n + j] * tanh(*c);
    } else if (s->kind == GRU) {
        g[j] = sigmoid(a[j] + r[j]);
        g[n + j] = sigmoid(a[n + j] + r[n + j]);
        g[3 * n + j] = r[2 * n + j];
        g[2 * n + j] = tanh(a[2 * n + j] + g[j] * r[2 * n + j]);
        *h = (1 - g[n + j]) * g[2 * n + j] + g[n + j] * *h;
    } else {
        g[j] = check_activation(a[j] + r[j], s->is_tanh ? HSGD_TANH : HSGD_RELU);
        *h = g[j];
    }
}

/* From gradients of h and c after the step to those of a, r, and of h and c before it but for the product with r. */
static void cell_back(const struct net *s, const double *g, double h, double c, int j, double *da, double *dr,
                      double *dh, double *dc)
{
    int n = s->hidden;
    if (s->kind == LSTM) {
        double i = g[j], f = g[n + j], u = g[2 * n + j], o = g[3 * n + j], value = tanh(f * c + i * u);
        double of_c = *dc + *dh * o * (1 - value * value);
        da[j] = of_c * u * i * (1 - i);
        da[n + j] = of_c * c * f * (1 - f);
        da[2 * n + j] = of_c * i * (1 - u * u);
        da[3 * n + j] = *dh * value * o * (1 - o);
        for (int k = 0; k < 4; k++) dr[k * n + j] = da[k * n + j];
        *dc = of_c * f;
        *dh = 0;
    } else if (s->kind == GRU) {
        double r = g[j], z = g[n + j], u = g[2 * n + j], q = g[3 * n + j];
        da[2 * n + j] = *dh * (1 - z) * (1 - u * u);
        dr[j] = da[j] = da[2 * n + j] * q * r * (1 - r);
        dr[n + j] = da[n + j] = *dh * (h - u) * z * (1 - z);
        dr[2 * n + j] = da[2 * n + j] * r;
        *dh *= z;
    } else {
        dr[j] = da[j] = *dh * check_activation_grad(g[j], s->is_tanh ? HSGD_TANH : HSGD_RELU);
        *dh = 0;
    }
}

/* to (+)= W v + b, W with `rows` rows */
static void times(const double *w, const double *b, const double *v, int rows, int width, double *to)
{
    for (int i = 0; i < rows; i++) {
        to[i] = b ? b[i] : 0;
        for (int k = 0; k < width; k++) to[i] += w[i * width + k] * v[k];
    }
}

/* to += W^T v */
static void add_transposed(const double *w, const double *v, int rows, int width, double *to)
{
    for (int i = 0; i < rows; i++)
        for (int k = 0; k < width; k++) to[k] += w[i * width + k] * v[i];
}

/* ------------------------------------------------------------------- forward */

/* Philox2x32-10, Salmon et al. 2011, section 3; seed, step and number of the node are 0. */
static bool is_kept(const struct net *s, int l, int row, int element)
{
    uint32_t key = 0x85EBCA6Bu * ((uint32_t)l << 16), lo = (uint32_t)element, hi = (uint32_t)row;
    for (int round = 0; round < 10; round++) {
        uint64_t product = (uint64_t)0xD256D193u * lo;
        lo = (uint32_t)(product >> 32) ^ key ^ hi;
        hi = (uint32_t)product;
        key += 0x9E3779B9u;
    }
    return hi / 2 >= (uint32_t)((double)s->dropout * 0x1p31);
}

/* Factor of element i of row r of the input of layer l. */
static double mask(const struct net *s, int l, int r, int i)
{
    if (!l || !s->dropping) return 1;
    return is_kept(s, l, r, i) ? 1 / (1 - (double)s->dropout) : 0;
}

static int64_t state_place(const struct net *s, int l, int d, int r)
{
    return ((int64_t)(r * s->layers + l) * s->directions + d) * s->hidden;
}

static void forward_row(struct net *s, int l, int d, int r)
{
    int n = s->hidden, rows = net_gates(s) * n, width = net_width(s, l), length = length_of(s, r);
    double *a = check_doubles(NULL, rows), *q = check_doubles(NULL, rows);
    double *h = s->h + state_place(s, l, d, r), *c = s->c + state_place(s, l, d, r);
    memcpy(h, s->h0 + state_place(s, l, d, r), (size_t)n * sizeof *h);
    memcpy(c, s->c0 + state_place(s, l, d, r), (size_t)n * sizeof *c);
    for (int i = 0; i < length; i++) {
        int64_t at = (int64_t)r * s->steps + (d ? length - 1 - i : i);
        struct past *p = &s->past[l][d];
        times(weight(s, l, d, W_IH), weight(s, l, d, B_IH), s->into[l] + at * width, rows, width, a);
        times(weight(s, l, d, W_HH), weight(s, l, d, B_HH), h, rows, n, q);
        memcpy(p->h + at * n, h, (size_t)n * sizeof *h);
        memcpy(p->c + at * n, c, (size_t)n * sizeof *c);
        for (int j = 0; j < n; j++) cell(s, a, q, j, p->gates + at * 4 * n, &h[j], &c[j]);
        memcpy(s->of[l] + (at * s->directions + d) * n, h, (size_t)n * sizeof *h);
    }
    free(a), free(q);
}

void net_forward(struct net *s)
{
    for (int l = 0; l < s->layers; l++) {
        int size = s->steps * net_width(s, l);
        for (int i = 0; i < s->rows * size; i++)
            s->into[l][i] = (l ? s->of[l - 1] : s->x)[i] * mask(s, l, i / size, i % size);
        for (int d = 0; d < s->directions; d++)
            for (int r = 0; r < s->rows; r++) forward_row(s, l, d, r);
    }
}

double net_loss(void *user)
{
    struct net *s = user;
    int n = s->rows * s->layers * s->directions * s->hidden;
    double sum = 0;
    net_forward(s);
    for (int i = 0; i < s->rows * s->steps * s->directions * s->hidden; i++) sum += s->dy[i] * s->of[s->layers - 1][i];
    for (int i = 0; i < n; i++) sum += s->dh[i] * s->h[i] + (s->kind == LSTM ? s->dc[i] * s->c[i] : 0);
    return sum;
}

/* ------------------------------------------------------------------ backward */

/* The largest gradient of a gate of a layer and direction: the unit of errors. */
static double largest(const struct net *s, int l, int d)
{
    const struct past *p = &s->past[l][d];
    double most = 1e-3;
    for (int64_t i = 0; i < (int64_t)s->rows * s->steps * 4 * s->hidden; i++)
        most = fmax(most, fmax(fabs(p->da[i]), fabs(p->dr[i])));
    return most;
}

/* dw += v u^T, with what an error of `off` in each v makes of it, and of the tolerance in units of `unit` in each u */
static void add_outer(struct approx *dw, const double *v, const double *u, int rows, int width, double off, double unit)
{
    for (int i = 0; i < rows; i++)
        for (int k = 0; k < width; k++) {
            double with = u ? u[k] : 1;
            dw[i * width + k].v += v[i] * with;
            dw[i * width + k].e += off * fabs(with) + fabs(v[i]) * NET_TOLERANCE * unit;
        }
}

static double largest_of(const double *v, int64_t n)
{
    double most = 0;
    for (int64_t i = 0; i < n; i++) most = fmax(most, fabs(v[i]));
    return most;
}

static void weights_back(const struct net *s, int l, int d, struct net_gradients *g)
{
    int n = s->hidden, rows = net_gates(s) * n, first = (l * s->directions + d) * per_direction(s);
    const struct past *p = &s->past[l][d];
    int64_t positions = (int64_t)s->rows * s->steps;
    double off = NET_TOLERANCE * largest(s, l, d), of_h = largest_of(p->h, positions * n);
    double of_x = largest_of(s->into[l], positions * net_width(s, l));
    for (int64_t at = 0; at < positions; at++) {
        const double *da = p->da + at * 4 * n, *dr = p->dr + at * 4 * n;
        add_outer(g->w[first + W_IH], da, s->into[l] + at * net_width(s, l), rows, net_width(s, l), off, of_x);
        add_outer(g->w[first + W_HH], dr, p->h + at * n, rows, n, off, of_h);
        if (!s->bias) continue;
        add_outer(g->w[first + B_IH], da, NULL, rows, 1, off, 0);
        add_outer(g->w[first + B_HH], dr, NULL, rows, 1, off, 0);
    }
}

/* dy: of this layer's output; dx: of its input, to which it is added. */
static void row_back(struct net *s, int l, int d, int r, const double *dy, double *dx, struct net_gradients *g)
{
    int n = s->hidden, rows = net_gates(s) * n, width = net_width(s, l), length = length_of(s, r);
    double *dh = check_doubles(NULL, n), *dc = check_doubles(NULL, n);
    struct past *p = &s->past[l][d];
    int64_t state = state_place(s, l, d, r);
    memcpy(dh, s->dh + state, (size_t)n * sizeof *dh);
    if (s->kind == LSTM) memcpy(dc, s->dc + state, (size_t)n * sizeof *dc);
    for (int i = length - 1; i >= 0; i--) {
        int64_t at = (int64_t)r * s->steps + (d ? length - 1 - i : i);
        double *da = p->da + at * 4 * n, *dr = p->dr + at * 4 * n;
        for (int j = 0; j < n; j++) {
            dh[j] += dy[(at * s->directions + d) * n + j];
            cell_back(s, p->gates + at * 4 * n, p->h[at * n + j], p->c[at * n + j], j, da, dr, &dh[j], &dc[j]);
        }
        add_transposed(weight(s, l, d, W_HH), dr, rows, n, dh);
        add_transposed(weight(s, l, d, W_IH), da, rows, width, dx + at * width);
    }
    for (int j = 0; j < n; j++) g->h0[state + j].v = dh[j], g->c0[state + j].v = dc[j];
    free(dh), free(dc);
}

/* Errors of dx, h0 and c0: each is a sum over gates. */
static void bound_back(const struct net *s, struct net_gradients *g)
{
    int rows = net_gates(s) * s->hidden, states = s->layers * s->directions * s->hidden;
    double most = 0, of_states = 0;
    for (int l = 0; l < s->layers; l++)
        for (int d = 0; d < s->directions; d++) of_states = fmax(of_states, largest(s, l, d));
    for (int d = 0; d < s->directions; d++) most += largest(s, 0, d);
    for (int64_t i = 0; i < (int64_t)s->rows * s->steps * s->in; i++) g->x[i].e += NET_TOLERANCE * (1 + rows * most);
    for (int64_t i = 0; i < (int64_t)s->rows * states; i++)
        g->h0[i].e = g->c0[i].e = NET_TOLERANCE * (1 + rows * of_states);
}

void net_backward(struct net *s, struct net_gradients *g)
{
    int64_t n = (int64_t)s->rows * s->steps;
    double *dy = check_doubles(NULL, n * s->directions * s->hidden);
    memcpy(dy, s->dy, (size_t)(n * s->directions * s->hidden) * sizeof *dy);
    for (int l = s->layers - 1; l >= 0; l--) {
        int size = s->steps * net_width(s, l);
        double *dx = check_doubles(NULL, s->rows * size);
        for (int d = 0; d < s->directions; d++) {
            for (int r = 0; r < s->rows; r++) row_back(s, l, d, r, dy, dx, g);
            weights_back(s, l, d, g);
        }
        for (int i = 0; i < s->rows * size; i++) dx[i] *= mask(s, l, i / size, i % size);
        free(dy);
        dy = dx;
    }
    for (int64_t i = 0; i < n * s->in; i++) g->x[i].v += dy[i];
    free(dy);
    bound_back(s, g);
}
