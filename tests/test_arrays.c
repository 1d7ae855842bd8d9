/* SPDX-License-Identifier: BSD-3-Clause */
/* NumPy arrays as users have them. */
#include "files.h"

#include <string.h>

static struct hsgd_context *ctx;

static void begin(void)
{
    pictures_begin();
    ctx = pictures_context();
}

/* 3 x 2 in Fortran order: column by column. */
static void fortran_order(void)
{
    static const float by_column[] = { 1, 3, 5, 2, 4, 6 };
    static const float U = 1 / 255.0f;
    static const uint8_t bytes[] = { 10, 50, 30, 70, 20, 60, 40, 80 };
    begin();
    put("y.npy", npy("|u1", "(3,)", bytes_of("\0\1\0", 3)));
    put("x.npy",
        npy_with("{'descr': '<f4', 'fortran_order': True, 'shape': (3, 2)}", bytes_of(by_column, sizeof by_column)));
    struct set s = read_set(ctx, "x.npy", NULL);
    for (int i = 0; i < 3; i++) SAMPLE(s.train, i, i % 2, (float)(2 * i + 1), (float)(2 * i + 2));
    close_set(&s);
    put("y.npy", npy("|u1", "(2,)", bytes_of("\0\1", 2)));
    put("x.npy", npy_with("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 2, 2)}", bytes_of(bytes, 8)));
    s = read_set(ctx, "x.npy", NULL);
    SAMPLE(s.train, 0, 0, 10 * U, 20 * U, 30 * U, 40 * U);
    SAMPLE(s.train, 1, 1, 50 * U, 60 * U, 70 * U, 80 * U);
    close_set(&s);
}

static void booleans(void)
{
    begin();
    put("y.npy", npy("|b1", "(2,)", bytes_of("\1\0", 2)));
    put("x.npy", npy("|b1", "(2, 2)", bytes_of("\1\0\0\1", 4)));
    struct set s = read_set(ctx, "x.npy", NULL);
    expect_classes(s.train, "0 1");
    SAMPLE(s.train, 0, 1, 1, 0);
    SAMPLE(s.train, 1, 0, 0, 1);
    close_set(&s);
}

static void one_hot(void)
{
    static const float hot[] = { 0, 0, 1, 1, 0, 0 };
    begin();
    put("x.npy", npy("<f4", "(2,)", bytes_of((float[]){ 5, 6 }, 8)));
    put("y.npy", npy("<f4", "(2, 3)", bytes_of(hot, sizeof hot)));
    struct set s = read_set(ctx, "x.npy", NULL);
    expect_classes(s.train, "0 2");
    SAMPLE(s.train, 0, 1, 5);
    close_set(&s);
    put("y.npy", npy("|u1", "(2, 2)", bytes_of("\1\0\1\1", 4)));
    expect_refused(ctx, "x.npy", NULL,
                   "y.npy: row 1 of 2 values is not one-hot; one number per sample, or a row with a "
                   "single 1, is expected");
    put("y.npy", npy("|u1", "(2, 1, 1)", many(0, 2)));
    expect_refused(ctx, "x.npy", NULL,
                   "y.npy: labels have 3 dimensions, one number or one-hot row per sample is expected");
}

static void wide_integers(void)
{
    static const int64_t labels[] = { 1234567890123457, 1234567890123456 }, times[] = { 1700000000, 1700000001 };
    static const double fractions[] = { 0.1, 2 };
    float x[2];
    begin();
    put("x.npy", npy("<i8", "(2,)", bytes_of(times, sizeof times)));
    put("y.npy", npy("<i8", "(2,)", bytes_of(labels, sizeof labels)));
    struct set s = read_set(ctx, "x.npy", NULL);
    expect_classes(s.train, "1234567890123456 1234567890123457");
    struct hsgd_normalisation *norm = hsgd_data_statistics(s.train);
    REQUIRE(norm);
    hsgd_data_gather(s.train, (int64_t[]){ 0, 1 }, 2, norm, x, NULL);
    CHECK(x[0] == -1 && x[1] == 1 && norm->mean[0] == 1700000000.5);
    hsgd_normalisation_destroy(&norm);
    close_set(&s);
    put("y.npy", npy("<u8", "(2,)", bytes_of((uint64_t[]){ UINT64_MAX, 1 }, 16)));
    s = read_set(ctx, "x.npy", NULL);
    expect_classes(s.train, "1 18446744073709551615");
    close_set(&s);
    put("y.npy", npy("<f8", "(2,)", bytes_of(fractions, sizeof fractions)));
    expect_refused(ctx, "x.npy", NULL,
                   "y.npy: label \"0.1\" has a fraction, like a measurement; "
                   "--target predicts numbers, --classes treats them as classes");
}

static void archives(void)
{
    char line[300];
    begin();
    for (int turn = 0; turn < 2; turn++) {
        struct archive *a = zip_begin("set.npz", false);
        tar_add(a, "x.npy", npy("|u1", "(1, 2)", many(1, 2)), NULL);
        tar_add(a, "y.npy", npy("|u1", "(1,)", many(0, 1)), NULL);
        tar_add(a, turn ? "X.npy" : "x.npy", npy("|u1", "(1, 2)", many(2, 2)), NULL);
        tar_end(a);
        expect_refused(ctx, "set.npz", NULL,
                       turn ? "set.npz: there are two arrays \"x\" and \"X\"; one is expected"
                            : "set.npz: there are two arrays \"x\" and \"x\"; one is expected");
    }
    struct archive *a = zip_begin("set.npz", true);
    tar_add(a, "x_train.npy", npy("|u1", "(1, 2)", many(1, 2)), NULL);
    tar_add(a, "y_train.npy", npy("|u1", "(1,)", many(0, 1)), NULL);
    tar_add(a, "x_other.npy", npy("|u1", "(1, 2)", many(2, 2)), NULL);
    tar_end(a);
    struct set s = read_set(ctx, "set.npz", NULL);
    hsgd_data_summary(s.train, line, sizeof line);
    CHECK_MSG(strstr(line, "ignored (x_other)"), "%s", line);
    close_set(&s);
}

static const struct core_case cases[] = {
    { "fortran_order", fortran_order }, { "booleans", booleans }, { "one_hot", one_hot },
    { "wide_integers", wide_integers }, { "archives", archives },
};
CORE_MAIN(cases)
