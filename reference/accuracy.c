/* SPDX-License-Identifier: BSD-3-Clause */
/* accuracy and top_k. */
#include "check.h"
#include "reference.h"

enum { IGNORE = -1 };

/* Among the k largest when sorted by score, the first of equals first. */
static bool is_hit(const float *z, int classes, int t, int k)
{
    int better = 0;
    for (int c = 0; c < classes; c++) better += z[c] > z[t] || (z[c] == z[t] && c < t);
    return better < k;
}

static void one(int turn, const struct hsgd_op *op)
{
    int rows = check_size(100), length = turn % 3 ? 1 : check_size(12), classes = 1 + check_size(60), n = rows * length;
    int k = op == &hsgd_op_top_k ? check_int(1, classes < 6 ? classes : 6) : 1;
    bool has_ignore = turn % 2;
    struct hsgd_accuracy accuracy = { has_ignore, IGNORE };
    struct hsgd_top_k top_k = { k, has_ignore, IGNORE };
    check_shape("shape %d: %d rows of %d x %d, k %d, ignore %d", turn, rows, length, classes, k, has_ignore);
    float *z = turn % 4 ? check_floats((int64_t)n * classes) : check_steps((int64_t)n * classes), sums[2];
    int32_t *labels = calloc((size_t)n, sizeof *labels);
    int hits = 0, terms = 0;
    for (int r = 0; r < n; r++) {
        labels[r] = has_ignore && check_int(0, 3) == 0 ? IGNORE : check_int(0, classes - 1);
        if (labels[r] == IGNORE) continue;
        hits += is_hit(z + r * classes, classes, labels[r], k);
        terms++;
    }
    struct approx want[2] = { { hits, 0 }, { terms, 0 } };
    struct hsgd_op_call run = { .rows = rows, .x = { z, labels }, .sums = sums };
    run.in[0] = length == 1 ? hsgd_vector(classes) : (struct hsgd_type){ HSGD_F32, 2, { length, classes } };
    run.in[1] = length == 1 ? hsgd_number(HSGD_I32) : hsgd_tokens(length);
    const void *attributes = op == &hsgd_op_top_k ? (const void *)&top_k : &accuracy;
    for (int d = 0; d < check_devices() && check_going(); d++) {
        check_run(d, op, attributes, &run, (int64_t)n * classes);
        check_near("sums", sums, want, 2);
    }
    check_that(op->value((double[]){ 3, 4 }, attributes) == 0.75, "the value of 3 in 4");
    free(z), free(labels);
}

static void not_a_number(const struct hsgd_op *op)
{
    float z[6] = { 0, NAN, 1, 0, 1, NAN }, sums[2];
    int32_t labels[2] = { 1, 1 };
    struct hsgd_top_k a = { 1, false, 0 };
    const void *attributes = op == &hsgd_op_top_k ? (const void *)&a : &(struct hsgd_accuracy){ false, 0 };
    check_shape("scores of NaN");
    for (int d = 0; d < check_devices(); d++) {
        check_run(d, op, attributes,
                  &(struct hsgd_op_call){
                      .rows = 2, .in = { hsgd_vector(3), hsgd_number(HSGD_I32) }, .x = { z, labels }, .sums = sums },
                  UNCOUNTED);
        check_that(sums[0] == 1 && sums[1] == 2, "sums are %g %g", sums[0], sums[1]);
    }
}

void reference_accuracy(void)
{
    for (int i = 0; i < 204 && check_going(); i++) one(i, &hsgd_op_accuracy);
    not_a_number(&hsgd_op_accuracy);
}

void reference_top_k(void)
{
    for (int i = 0; i < 204 && check_going(); i++) one(i, &hsgd_op_top_k);
    not_a_number(&hsgd_op_top_k);
}
