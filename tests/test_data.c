/* SPDX-License-Identifier: BSD-3-Clause */
/* Data sets: built-in digits, sets in memory, statistics, gather, splits. */
#include "data_folder.h"
#include "main.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- digits ---- */

Test(data, digits_depend_on_seed_and_index_only)
{
    struct hsgd_data *a = hsgd_data_digits(NULL, 7, 0, 50), *b = hsgd_data_digits(NULL, 7, 30, 40);
    struct hsgd_data *other = hsgd_data_digits(NULL, 8, 0, 50);
    int32_t la[50], lb[40], lo[50];
    cr_assert(a && b && other);
    float *xa = gather_all(a, la), *xb = gather_all(b, lb), *xo = gather_all(other, lo);
    cr_expect_eq(memcmp(xa + 30 * 784, xb, 20 * 784 * sizeof *xa), 0);
    cr_expect_eq(memcmp(la + 30, lb, 20 * sizeof *la), 0);
    cr_expect_neq(memcmp(xa, xo, 50 * 784 * sizeof *xa), 0);
    for (int i = 1; i < 50; i++)
        cr_expect_neq(memcmp(xa, xa + i * 784, 784 * sizeof *xa), 0, "sample %d repeats sample 0", i);
    free(xa), free(xb), free(xo);
    hsgd_data_destroy(&a), hsgd_data_destroy(&b), hsgd_data_destroy(&other);
}

/* FNV-1a of the bytes and labels of samples first..first+99 of seed 0. */
static uint64_t digits_hash(int64_t first)
{
    struct hsgd_data *d = hsgd_data_digits(NULL, 0, first, 100);
    int32_t labels[100];
    uint64_t hash = 0xcbf29ce484222325;
    float *x = gather_all(d, labels);
    for (int i = 0; i < 100 * 784; i++) hash = (hash ^ (uint8_t)(x[i] * 255 + 0.5f)) * 0x100000001b3;
    for (int i = 0; i < 100; i++) hash = (hash ^ (uint8_t)labels[i]) * 0x100000001b3;
    free(x);
    hsgd_data_destroy(&d);
    return hash;
}

Test(data, digits_are_the_same_everywhere)
{
    cr_expect_eq(digits_hash(0), UINT64_C(0xa8d3b2828ddd70f3), "0x%llx", (unsigned long long)digits_hash(0));
    cr_expect_eq(digits_hash(INT64_C(1) << 40), UINT64_C(0x11cbaaffaa412a7c), "0x%llx",
                 (unsigned long long)digits_hash(INT64_C(1) << 40));
}

Test(data, digits_by_name)
{
    struct hsgd_data *train = hsgd_data_open(NULL, "digits", HSGD_TRAIN);
    struct hsgd_data *test = hsgd_data_open(NULL, "digits", HSGD_TEST);
    int32_t labels[2000];
    int seen[10] = { 0 };
    cr_assert(train && test);
    cr_expect_eq(hsgd_data_count(train), 12000);
    cr_expect_eq(hsgd_data_count(test), 2000);
    cr_expect_eq(hsgd_data_classes(test), 10);
    cr_expect_str_eq(hsgd_data_name(test), "digits");
    struct hsgd_shape s = hsgd_data_shape(test);
    cr_expect(s.h == 28 && s.w == 28 && s.c == 1);
    float *x = gather_all(test, labels);
    for (int i = 0; i < 2000; i++) seen[labels[i]]++;
    for (int c = 0; c < 10; c++) cr_expect(seen[c] > 150 && seen[c] < 250, "%d samples of digit %d", seen[c], c);
    free(x);
    hsgd_data_destroy(&train), hsgd_data_destroy(&test);
    cr_expect_null(test);
    hsgd_data_destroy(&test);
}

Test(data, digits_reject_bad_ranges)
{
    struct hsgd_context *ctx = test_context();
    cr_expect_null(hsgd_data_digits(ctx, 0, -1, 5));
    cr_expect_str_eq(hsgd_error(ctx), "digits: cannot generate 5 samples from sample -1 on");
    cr_expect_null(hsgd_data_digits(ctx, 0, 0, 0));
    cr_expect_str_eq(hsgd_error(ctx), "digits: cannot generate 0 samples from sample 0 on");
    cr_expect_null(hsgd_data_digits(ctx, 0, INT64_C(1) << 54, 1));
    cr_expect_null(hsgd_data_digits(ctx, 0, 1, INT64_MAX));
    hsgd_destroy(&ctx);
}

/* ---- sets in memory ---- */

Test(data, memory_copies_or_borrows)
{
    float x[6] = { 1, 2, 3, 4, 5, 6 }, out[6];
    int32_t labels[2] = { 1, 0 }, seen[2];
    int64_t index[2] = { 1, 0 };
    struct hsgd_data *copy = hsgd_data_memory(NULL, x, labels, 2, (struct hsgd_shape){ 1, 1, 3 }, 2, HSGD_COPY);
    struct hsgd_data *borrow = hsgd_data_memory(NULL, x, labels, 2, (struct hsgd_shape){ 1, 1, 3 }, 2, HSGD_BORROW);
    cr_assert(copy && borrow);
    x[0] = 9, labels[0] = 0;
    hsgd_data_gather(copy, index, 2, NULL, out, seen);
    cr_expect(out[0] == 4 && out[3] == 1 && seen[1] == 1);
    hsgd_data_gather(borrow, index, 2, NULL, out, seen);
    cr_expect(out[0] == 4 && out[3] == 9 && seen[1] == 0);
    hsgd_data_destroy(&copy), hsgd_data_destroy(&borrow);
}

static void expect_rejected(float *x, int32_t *labels, int64_t count, struct hsgd_shape shape, int classes,
                            const char *sentence)
{
    struct hsgd_context *ctx = test_context();
    cr_expect_null(hsgd_data_memory(ctx, x, labels, count, shape, classes, HSGD_COPY));
    cr_expect_str_eq(hsgd_error(ctx), sentence);
    hsgd_destroy(&ctx);
}

Test(data, memory_rejects_bad_values)
{
    struct hsgd_shape two = { 1, 1, 2 };
    float x[4] = { 1, 2, 3, 4 }, nan[4] = { 1, 2, 3, NAN }, inf[4] = { 1, -INFINITY, 3, 4 };
    int32_t labels[2] = { 0, 2 }, high[2] = { 0, 3 }, low[2] = { -1, 0 };
    expect_rejected(x, high, 2, two, 3,
                    "data in memory: field \"label\": value 0 of sample 1 is 3, it must be in 0..2");
    expect_rejected(x, low, 2, two, 3,
                    "data in memory: field \"label\": value 0 of sample 0 is -1, it must be in 0..2");
    expect_rejected(nan, labels, 2, two, 3,
                    "data in memory: field \"x\": value 1 of sample 1 is nan, it must be finite");
    expect_rejected(inf, labels, 2, two, 3,
                    "data in memory: field \"x\": value 1 of sample 0 is -inf, it must be finite");
    expect_rejected(NULL, labels, 2, two, 3, "data in memory: the values of field \"x\" are NULL");
    expect_rejected(x, NULL, 2, two, 3, "data in memory: the values of field \"label\" are NULL");
}

Test(data, memory_rejects_bad_sizes)
{
    struct hsgd_shape two = { 1, 1, 2 }, none = { 1, 0, 2 }, huge = { 1 << 16, 1 << 15, 1 },
                      big = { 1 << 15, 1 << 15, 1 };
    float x[4] = { 1, 2, 3, 4 };
    int32_t labels[2] = { 0, 2 };
    expect_rejected(x, labels, 0, two, 3, "data in memory: count is 0, it must be positive");
    expect_rejected(x, labels, 2, none, 3, "data in memory: field \"x\": dimension 1 is 0, it must be positive");
    expect_rejected(x, labels, 2, huge, 3, "data in memory: field \"x\": a sample has more than 2147483647 values");
    expect_rejected(x, labels, INT64_C(1) << 40, big, 3,
                    "data in memory: field \"x\": count is 1099511627776, more than memory can hold");
    expect_rejected(x, labels, 2, two, 0, "data in memory: field \"label\": classes is 0, it must be positive");
}

/* ---- statistics and gather, against double references ---- */

static void check_statistics(const struct hsgd_data *d, int channels)
{
    struct hsgd_shape s = hsgd_data_shape(d);
    int64_t n = hsgd_data_count(d) * s.h * s.w * s.c;
    float *x = gather_all(d, NULL);
    struct hsgd_normalisation *norm = hsgd_data_statistics(d);
    cr_assert_eq(norm->channels, channels);
    for (int c = 0; c < channels; c++) {
        double sum = 0, squares = 0, m = (double)n / channels;
        for (int64_t i = c; i < n; i += channels) sum += x[i];
        for (int64_t i = c; i < n; i += channels) squares += (x[i] - sum / m) * (x[i] - sum / m);
        cr_expect_float_eq(norm->mean[c], sum / m, 1e-6 * (1 + fabs(sum / m)));
        cr_expect_float_eq(norm->inv_std[c], 1 / sqrt(squares / m), 1e-5 / sqrt(squares / m));
    }
    hsgd_normalisation_destroy(&norm);
    free(x);
}

/* Normalised samples against (raw - mean) * inv_std in double. */
static void check_gather(const struct hsgd_data *d, const struct hsgd_normalisation *norm)
{
    struct hsgd_shape s = hsgd_data_shape(d);
    int size = s.h * s.w * s.c, count = (int)hsgd_data_count(d);
    int64_t index[5] = { count - 1, 0, count / 2, 0, 1 };
    int32_t *labels = malloc(sizeof *labels * (size_t)count), picked[5];
    float *raw = gather_all(d, labels), *x = malloc(sizeof *x * 5 * (size_t)size);
    hsgd_data_gather(d, index, 5, norm, x, picked);
    for (int i = 0; i < 5; i++) {
        cr_expect_eq(picked[i], labels[index[i]]);
        for (int k = 0; k < size; k++) {
            int c = k % norm->channels;
            double expected = ((double)raw[index[i] * size + k] - norm->mean[c]) * norm->inv_std[c];
            cr_assert_float_eq(x[i * size + k], expected, 2e-6 * (1 + fabs(expected)), "sample %d number %d", i, k);
        }
    }
    free(labels), free(raw), free(x);
}

static void check_numbers(const struct hsgd_data *d, int channels)
{
    check_statistics(d, channels);
    struct hsgd_normalisation *norm = hsgd_data_statistics(d);
    check_gather(d, norm);
    hsgd_normalisation_destroy(&norm);
}

Test(data, statistics_and_gather_of_bytes)
{
    struct hsgd_data *d = hsgd_data_digits(NULL, 3, 0, 64), *part, *rest;
    check_numbers(d, 1);
    cr_assert_eq(hsgd_data_split(NULL, d, 20, 5, &part, &rest), 0);
    check_numbers(part, 1);
    hsgd_data_destroy(&part), hsgd_data_destroy(&rest), hsgd_data_destroy(&d);
}

/* Sizes around the vector length, channels that do not divide it. */
Test(data, statistics_and_gather_of_floats)
{
    static const struct {
        struct hsgd_shape shape;
        int channels;
    } cases[] = {
        { { 2, 3, 2 }, 2 },   { { 5, 7, 3 }, 3 },       { { 4, 4, 16 }, 16 },
        { { 3, 3, 17 }, 17 }, { { 1, 1, 40 }, 40 },     { { 1, 2, 5 }, 5 },
        { { 1, 1, 1 }, 1 },   { { 1, 1, 1100 }, 1100 }, { { 2, 1, 1030 }, 1030 },
    };
    int32_t labels[9] = { 0, 1, 2, 0, 1, 2, 0, 1, 2 };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hsgd_shape s = cases[i].shape;
        int n = 9 * s.h * s.w * s.c;
        float *x = malloc(sizeof *x * (size_t)n);
        for (int k = 0; k < n; k++) x[k] = (float)((k * 7919) % 1009) * 0.01f + (float)(k % s.c % 41);
        struct hsgd_data *d = hsgd_data_memory(NULL, x, labels, 9, s, 3, HSGD_BORROW);
        cr_assert_not_null(d);
        check_numbers(d, cases[i].channels);
        hsgd_data_destroy(&d);
        free(x);
    }
}

Test(data, statistics_of_a_constant)
{
    float x[4] = { 3, 3, 3, 3 };
    int32_t labels[2] = { 0, 0 };
    struct hsgd_data *d = hsgd_data_memory(NULL, x, labels, 2, (struct hsgd_shape){ 1, 2, 1 }, 1, HSGD_BORROW);
    struct hsgd_normalisation *norm = hsgd_data_statistics(d);
    cr_expect(norm->channels == 1 && norm->mean[0] == 3 && norm->inv_std[0] == 1);
    hsgd_normalisation_destroy(&norm), hsgd_data_destroy(&d);
}

/* Numbers near both ends of what floats hold, and numbers whose mean is many
 * deviations: all become -1 and 1. */
Test(data, extreme_scales)
{
    static const float pairs[][2] = {
        { 1e-44f, 0 },     { 1.0e-42f, 1.2e-42f }, { -1e38f, 1e38f },
        { -3e38f, 3e38f }, { 16777216, 16777218 }, { 1.5e9f, 1.5e9f + 256 },
    };
    int32_t labels[2] = { 0, 0 };
    int64_t index[2] = { 0, 1 };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        float y[2], sign = pairs[i][0] > pairs[i][1] ? -1 : 1;
        struct hsgd_data *d =
            hsgd_data_memory(NULL, pairs[i], labels, 2, (struct hsgd_shape){ 1, 1, 1 }, 1, HSGD_BORROW);
        struct hsgd_normalisation *norm = hsgd_data_statistics(d);
        hsgd_data_gather(d, index, 2, norm, y, NULL);
        cr_expect(y[0] == -sign && y[1] == sign, "pair %zu: %g and %g", i, (double)y[0], (double)y[1]);
        hsgd_normalisation_destroy(&norm), hsgd_data_destroy(&d);
    }
}

/* ---- splits ---- */

/* Marks the samples of v, a view on numbered one-number samples. */
static void mark_seen(const struct hsgd_data *v, int *seen)
{
    int32_t labels[100];
    float *x = gather_all(v, labels);
    for (int i = 0; i < (int)hsgd_data_count(v); i++) {
        seen[(int)x[i]]++;
        cr_expect_eq(labels[i], (int)x[i] % 7);
    }
    free(x);
}

Test(data, split_is_disjoint_and_complete)
{
    float x[100];
    int32_t labels[100];
    int seen[100] = { 0 };
    for (int i = 0; i < 100; i++) x[i] = (float)i, labels[i] = i % 7;
    struct hsgd_data *d = hsgd_data_memory(NULL, x, labels, 100, (struct hsgd_shape){ 1, 1, 1 }, 7, HSGD_BORROW);
    struct hsgd_data *part, *rest, *part2, *rest2, *again, *again_rest;
    cr_assert_eq(hsgd_data_split(NULL, d, 30, 1, &part, &rest), 0);
    cr_assert_eq(hsgd_data_split(NULL, rest, 10, 2, &part2, &rest2), 0);
    cr_expect(hsgd_data_count(part) == 30 && hsgd_data_count(part2) == 10 && hsgd_data_count(rest2) == 60);
    mark_seen(part, seen), mark_seen(part2, seen), mark_seen(rest2, seen);
    for (int i = 0; i < 100; i++) cr_expect_eq(seen[i], 1, "sample %d is in %d parts", i, seen[i]);
    cr_assert_eq(hsgd_data_split(NULL, d, 30, 1, &again, &again_rest), 0);
    float *a = gather_all(part, NULL), *b = gather_all(again, NULL);
    cr_expect_eq(memcmp(a, b, 30 * sizeof *a), 0, "the same seed gives the same split");
    free(a), free(b);
    hsgd_data_destroy(&part2), hsgd_data_destroy(&rest2), hsgd_data_destroy(&again), hsgd_data_destroy(&again_rest);
    hsgd_data_destroy(&part), hsgd_data_destroy(&rest), hsgd_data_destroy(&d);
}

Test(data, split_rejects_bad_counts)
{
    struct hsgd_context *ctx = test_context();
    struct hsgd_data *d = hsgd_data_digits(ctx, 0, 0, 5), *part, *rest;
    static const int64_t bad[] = { 0, -1, 5, 6 };
    for (int i = 0; i < 4; i++) {
        char sentence[128];
        cr_expect_eq(hsgd_data_split(ctx, d, bad[i], 1, &part, &rest), -EINVAL);
        snprintf(sentence, sizeof sentence,
                 "data set \"digits\": cannot split off %d of 5 samples; both splits need one", (int)bad[i]);
        cr_expect_str_eq(hsgd_error(ctx), sentence);
        cr_expect(!part && !rest);
    }
    hsgd_data_destroy(&d);
    hsgd_destroy(&ctx);
}
