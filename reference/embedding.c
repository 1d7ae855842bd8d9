/* SPDX-License-Identifier: BSD-3-Clause */
/* embedding: rows of a table, with the table in one piece and in two; tokens that the
 * table does not have. */
#include <limits.h>

#include "check.h"
#include "reference.h"

struct shape {
    struct hsgd_embedding a; /* first: what the operation reads */
    int cut, tokens;
    const int32_t *token;
};

static bool is_inside(const struct shape *s, int i) { return s->token[i] >= 0 && s->token[i] < s->a.entries; }

static void forward(const struct shape *s, const float *w, struct approx *y)
{
    for (int i = 0; i < s->tokens; i++)
        for (int c = 0; c < s->a.channels && is_inside(s, i); c++)
            y[i * s->a.channels + c].v = w[s->token[i] * s->a.channels + c];
}

/* Bound: that of the sum; the rows before the cut are added a second time. */
static void backward(const struct shape *s, const float *dy, struct approx *dw)
{
    int cols = s->a.channels;
    struct approx_sum *sum = calloc((size_t)s->a.entries * (size_t)cols, sizeof *sum);
    for (int i = 0; i < s->tokens; i++)
        for (int c = 0; c < cols && is_inside(s, i); c++)
            for (int k = 0; k < 1 + (s->token[i] < s->cut); k++)
                approx_add(&sum[s->token[i] * cols + c], dy[i * cols + c], 0);
    for (int i = 0; i < s->a.entries * cols; i++) dw[i] = approx_of(sum[i]);
    free(sum);
}

static void cut_weight(struct hsgd_emit *e)
{
    const struct shape *s = e->node->attributes;
    struct hsgd_weight *w = &e->weight[0];
    struct hsgd_ref ref = w->piece[0].ref;
    w->pieces = 2;
    w->piece[0] = (struct hsgd_piece){ ref, 0, s->cut };
    w->piece[1] = (struct hsgd_piece){ hsgd_at(ref, (int64_t)s->cut * s->a.channels), s->cut, s->a.entries - s->cut };
}

static void pieces_forward(struct hsgd_emit *e)
{
    cut_weight(e);
    hsgd_op_embedding.forward[0].emit(e);
}

static void pieces_backward(struct hsgd_emit *e)
{
    const struct shape *s = e->node->attributes;
    struct hsgd_ref out = e->gradient[0];
    cut_weight(e);
    hsgd_op_embedding.weight_gradient(e, 0, s->cut, out, false);
    hsgd_op_embedding.weight_gradient(e, 0, s->cut, out, true);
    hsgd_op_embedding.weight_gradient(e, s->cut, s->a.entries - s->cut, hsgd_at(out, (int64_t)s->cut * s->a.channels),
                                      false);
}

static int32_t *some_tokens(int n, int entries)
{
    static const int32_t outside[] = { -1, INT_MIN, INT_MAX };
    int32_t *token = calloc((size_t)n, sizeof *token);
    for (int i = 0; i < n; i++) {
        token[i] = check_int(0, 3) ? check_int(0, entries - 1) : check_int(0, (entries - 1) / 4);
        if (check_int(0, 9) == 0) token[i] = check_int(0, 3) ? outside[check_int(0, 2)] : entries;
    }
    return token;
}

static void one(int turn)
{
    int rows = check_size(60), length = turn % 4 ? check_size(12) : 1;
    struct shape s = { .a = { check_size(turn % 3 ? 40 : 200), check_size(turn % 5 ? 60 : 200), HSGD_INIT_GLOROT },
                       .tokens = rows * length };
    struct hsgd_op op = hsgd_op_embedding;
    op.attributes_size = sizeof s;
    if (turn % 3 == 0 && s.a.entries > 1) {
        s.cut = check_int(1, s.a.entries - 1);
        op.forward[0].emit = pieces_forward;
        op.backward[0].emit = pieces_backward;
    }
    check_shape("shape %d: %d tokens, %d entries, %d channels, cut %d", turn, s.tokens, s.a.entries, s.a.channels,
                s.cut);
    int nw = s.a.entries * s.a.channels, ny = s.tokens * s.a.channels;
    float *w = check_floats(nw), *dw = check_floats(nw), *y = check_floats(ny), *dy = check_floats(ny);
    int32_t *token = some_tokens(s.tokens, s.a.entries);
    struct approx *want_y = check_approx(ny), *want_dw = check_approx(nw);
    s.token = token;
    forward(&s, w, want_y);
    backward(&s, dy, want_dw);
    for (int d = 0; d < check_devices() && check_going(); d++) {
        struct hsgd_op_call run = { .rows = rows,
                                    .in = { turn % 4 ? hsgd_tokens(length) : hsgd_number(HSGD_I32) },
                                    .x = { token },
                                    .dy = { dy },
                                    .params = { w },
                                    .y = { y },
                                    .gradients = { dw },
                                    .training = true };
        check_run(d, &op, &s, &run, ny);
        check_near("y", y, want_y, ny);
        check_near("dw", dw, want_dw, nw);
    }
    free(w), free(dw), free(y), free(dy), free(token), free(want_y), free(want_dw);
}

void reference_embedding(void)
{
    for (int i = 0; i < 208 && check_going(); i++) one(i);
}
