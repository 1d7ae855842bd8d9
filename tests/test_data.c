/* Data sets: built-in digits, sets in memory, splits, gather, IDX files and
 * picture sheets. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* nftw */
#endif
#include "main.h"
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <hsgd/data.h>
#include <math.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

/* A folder of its own for each test; "MNIST/raw" lies below it. */
static char folder[512];

static void make_folder(void)
{
    const char *base = getenv("TMPDIR");
    char below[600];
    snprintf(folder, sizeof folder, "%s/hsgd-data-XXXXXX", base && *base ? base : "/tmp");
    cr_assert_not_null(mkdtemp(folder));
    snprintf(below, sizeof below, "%s/MNIST", folder);
    cr_assert_eq(mkdir(below, 0777), 0);
    snprintf(below, sizeof below, "%s/MNIST/raw", folder);
    cr_assert_eq(mkdir(below, 0777), 0);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st, (void)type, (void)where;
    return remove(path);
}

static void remove_folder(void)
{
    nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static const char *at(const char *name)
{
    static char path[4][1024];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
    return path[turn];
}

static void put(const char *name, const void *bytes, size_t n)
{
    FILE *f = fopen(at(name), "wb");
    cr_assert_not_null(f);
    cr_assert_eq(fwrite(bytes, 1, n, f), n);
    cr_assert_eq(fclose(f), 0);
}

static void put_gz(const char *name, const void *bytes, unsigned n)
{
    gzFile f = gzopen(at(name), "wb");
    cr_assert_not_null(f);
    cr_assert_eq(gzwrite(f, bytes, n), (int)n);
    cr_assert_eq(gzclose(f), Z_OK);
}

static float *gather_all(const struct hsgd_data *d, int32_t *labels)
{
    struct hsgd_shape s = hsgd_data_shape(d);
    int n = (int)hsgd_data_count(d);
    float *x = malloc(sizeof *x * (size_t)n * s.h * s.w * s.c);
    int64_t *index = malloc(sizeof *index * (size_t)n);
    cr_assert(x && index);
    for (int i = 0; i < n; i++)
        index[i] = i;
    hsgd_data_gather(d, index, n, NULL, x, labels);
    free(index);
    return x;
}

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
    for (int i = 0; i < 100 * 784; i++)
        hash = (hash ^ (uint8_t)(x[i] * 255 + 0.5f)) * 0x100000001b3;
    for (int i = 0; i < 100; i++)
        hash = (hash ^ (uint8_t)labels[i]) * 0x100000001b3;
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
    int seen[10] = {0};
    cr_assert(train && test);
    cr_expect_eq(hsgd_data_count(train), 12000);
    cr_expect_eq(hsgd_data_count(test), 2000);
    cr_expect_eq(hsgd_data_classes(test), 10);
    cr_expect_str_eq(hsgd_data_name(test), "digits");
    struct hsgd_shape s = hsgd_data_shape(test);
    cr_expect(s.h == 28 && s.w == 28 && s.c == 1);
    float *x = gather_all(test, labels);
    for (int i = 0; i < 2000; i++)
        seen[labels[i]]++;
    for (int c = 0; c < 10; c++)
        cr_expect(seen[c] > 150 && seen[c] < 250, "%d samples of digit %d", seen[c], c);
    free(x);
    hsgd_data_destroy(&train), hsgd_data_destroy(&test);
    cr_expect_null(test);
    hsgd_data_destroy(&test);
}

Test(data, digits_reject_bad_ranges)
{
    struct hsgd_context *ctx = test_context();
    cr_expect_null(hsgd_data_digits(ctx, 0, -1, 5));
    cr_expect_str_eq(hsgd_error(ctx), "digits: cannot make 5 samples from sample -1 on");
    cr_expect_null(hsgd_data_digits(ctx, 0, 0, 0));
    cr_expect_str_eq(hsgd_error(ctx), "digits: cannot make 0 samples from sample 0 on");
    cr_expect_null(hsgd_data_digits(ctx, 0, INT64_C(1) << 54, 1));
    cr_expect_null(hsgd_data_digits(ctx, 0, 1, INT64_MAX));
    hsgd_destroy(&ctx);
}

/* ---- sets in memory ---- */


Test(data, memory_copies_or_borrows)
{
    float x[6] = {1, 2, 3, 4, 5, 6}, out[6];
    int32_t labels[2] = {1, 0}, seen[2];
    int64_t index[2] = {1, 0};
    struct hsgd_data *copy = hsgd_data_memory(NULL, x, labels, 2, (struct hsgd_shape){1, 1, 3}, 2, HSGD_COPY);
    struct hsgd_data *borrow = hsgd_data_memory(NULL, x, labels, 2, (struct hsgd_shape){1, 1, 3}, 2, HSGD_BORROW);
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
    struct hsgd_shape two = {1, 1, 2};
    float x[4] = {1, 2, 3, 4}, nan[4] = {1, 2, 3, NAN}, inf[4] = {1, -INFINITY, 3, 4};
    int32_t labels[2] = {0, 2}, high[2] = {0, 3}, low[2] = {-1, 0};
    expect_rejected(x, high, 2, two, 3, "data in memory: label of sample 1 is 3, it must be in 0..2");
    expect_rejected(x, low, 2, two, 3, "data in memory: label of sample 0 is -1, it must be in 0..2");
    expect_rejected(nan, labels, 2, two, 3, "data in memory: number 1 of sample 1 is nan, it must be finite");
    expect_rejected(inf, labels, 2, two, 3, "data in memory: number 1 of sample 0 is -inf, it must be finite");
    expect_rejected(NULL, labels, 2, two, 3, "data in memory: x is NULL");
    expect_rejected(x, NULL, 2, two, 3, "data in memory: labels is NULL");
}

Test(data, memory_rejects_bad_sizes)
{
    struct hsgd_shape two = {1, 1, 2}, none = {1, 0, 2}, huge = {1 << 16, 1 << 15, 1}, big = {1 << 15, 1 << 15, 1};
    float x[4] = {1, 2, 3, 4};
    int32_t labels[2] = {0, 2};
    expect_rejected(x, labels, 0, two, 3, "data in memory: count is 0, it must be positive");
    expect_rejected(x, labels, 2, none, 3, "data in memory: shape is 1 x 0 x 2, every size must be positive");
    expect_rejected(x, labels, 2, huge, 3,
                    "data in memory: shape 65536 x 32768 x 1 has more than 2147483647 numbers");
    expect_rejected(x, labels, INT64_C(1) << 40, big, 3,
                    "data in memory: count is 1099511627776, more than memory can hold");
    expect_rejected(x, labels, 2, two, 0, "data in memory: classes is 0, it must be positive");
}

/* ---- statistics and gather, against double references ---- */

static void check_statistics(const struct hsgd_data *d, int channels)
{
    struct hsgd_shape s = hsgd_data_shape(d);
    int64_t n = hsgd_data_count(d) * s.h * s.w * s.c;
    float *x = gather_all(d, NULL);
    struct hsgd_normalisation norm;
    hsgd_data_statistics(d, &norm);
    cr_assert_eq(norm.channels, channels);
    for (int c = 0; c < channels; c++) {
        double sum = 0, squares = 0, m = (double)n / channels;
        for (int64_t i = c; i < n; i += channels)
            sum += x[i];
        for (int64_t i = c; i < n; i += channels)
            squares += (x[i] - sum / m) * (x[i] - sum / m);
        cr_expect_float_eq(norm.mean[c], sum / m, 1e-6 * (1 + fabs(sum / m)));
        cr_expect_float_eq(norm.inv_std[c], 1 / sqrt(squares / m), 1e-5 / sqrt(squares / m));
    }
    free(x);
}

/* Normalised samples against (raw - mean) * inv_std in double. */
static void check_gather(const struct hsgd_data *d, const struct hsgd_normalisation *norm)
{
    struct hsgd_shape s = hsgd_data_shape(d);
    int size = s.h * s.w * s.c, count = (int)hsgd_data_count(d);
    int64_t index[5] = {count - 1, 0, count / 2, 0, 1};
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
    struct hsgd_normalisation norm;
    check_statistics(d, channels);
    hsgd_data_statistics(d, &norm);
    check_gather(d, &norm);
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
    static const struct { struct hsgd_shape shape; int channels; } cases[] = {
        {{2, 3, 2}, 2}, {{5, 7, 3}, 3}, {{4, 4, 16}, 16}, {{3, 3, 17}, 1}, {{1, 1, 40}, 40}, {{1, 2, 5}, 5},
        {{1, 1, 1}, 1},
    };
    int32_t labels[9] = {0, 1, 2, 0, 1, 2, 0, 1, 2};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hsgd_shape s = cases[i].shape;
        int n = 9 * s.h * s.w * s.c;
        float *x = malloc(sizeof *x * (size_t)n);
        for (int k = 0; k < n; k++)
            x[k] = (float)((k * 7919) % 1009) * 0.01f + (float)(k % s.c);
        struct hsgd_data *d = hsgd_data_memory(NULL, x, labels, 9, s, 3, HSGD_BORROW);
        cr_assert_not_null(d);
        check_numbers(d, cases[i].channels);
        hsgd_data_destroy(&d);
        free(x);
    }
}

Test(data, statistics_of_a_constant)
{
    float x[4] = {3, 3, 3, 3};
    int32_t labels[2] = {0, 0};
    struct hsgd_normalisation norm;
    struct hsgd_data *d = hsgd_data_memory(NULL, x, labels, 2, (struct hsgd_shape){1, 2, 1}, 1, HSGD_BORROW);
    hsgd_data_statistics(d, &norm);
    cr_expect(norm.channels == 1 && norm.mean[0] == 3 && norm.inv_std[0] == 1);
    hsgd_data_destroy(&d);
}

/* 1/deviation would be more than a float holds. */
Test(data, statistics_of_hardly_anything)
{
    float x[4] = {1e-44f, 0, 0, 1e-44f};
    int32_t labels[2] = {0, 0};
    struct hsgd_normalisation norm;
    struct hsgd_data *d = hsgd_data_memory(NULL, x, labels, 2, (struct hsgd_shape){1, 2, 1}, 1, HSGD_BORROW);
    hsgd_data_statistics(d, &norm);
    cr_expect(norm.channels == 1 && norm.inv_std[0] == 1);
    hsgd_data_destroy(&d);
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
    int seen[100] = {0};
    for (int i = 0; i < 100; i++)
        x[i] = (float)i, labels[i] = i % 7;
    struct hsgd_data *d = hsgd_data_memory(NULL, x, labels, 100, (struct hsgd_shape){1, 1, 1}, 7, HSGD_BORROW);
    struct hsgd_data *part, *rest, *part2, *rest2, *again, *again_rest;
    cr_assert_eq(hsgd_data_split(NULL, d, 30, 1, &part, &rest), 0);
    cr_assert_eq(hsgd_data_split(NULL, rest, 10, 2, &part2, &rest2), 0);
    cr_expect(hsgd_data_count(part) == 30 && hsgd_data_count(part2) == 10 && hsgd_data_count(rest2) == 60);
    mark_seen(part, seen), mark_seen(part2, seen), mark_seen(rest2, seen);
    for (int i = 0; i < 100; i++)
        cr_expect_eq(seen[i], 1, "sample %d is in %d parts", i, seen[i]);
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
    static const int64_t bad[] = {0, -1, 5, 6};
    for (int i = 0; i < 4; i++) {
        char sentence[128];
        cr_expect_eq(hsgd_data_split(ctx, d, bad[i], 1, &part, &rest), -EINVAL);
        snprintf(sentence, sizeof sentence,
                 "data set \"digits\": cannot split off %d of 5 samples; both sides need one", (int)bad[i]);
        cr_expect_str_eq(hsgd_error(ctx), sentence);
        cr_expect(!part && !rest);
    }
    hsgd_data_destroy(&d);
    hsgd_destroy(&ctx);
}

/* ---- IDX ---- */

/* 3 training and 2 test images of 2 x 2 pixels. */
static const uint8_t train_images[] = {0, 0, 8, 3, 0, 0, 0, 3, 0,   0,   0,   2,   0,   0,
                                       0, 2, 0, 1, 2, 3, 4, 5, 252, 253, 254, 255, 100, 101};
static const uint8_t train_labels[] = {0, 0, 8, 1, 0, 0, 0, 3, 0, 2, 1};
static const uint8_t test_images[] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2, 9, 8, 7, 6, 5, 4, 3, 2};
static const uint8_t test_labels[] = {0, 0, 8, 1, 0, 0, 0, 2, 2, 1};

#define PUT(name, bytes) put(name, bytes, sizeof bytes)
#define PUT_GZ(name, bytes) put_gz(name, bytes, sizeof bytes)

static void put_good_files(void)
{
    PUT("train-images-idx3-ubyte", train_images);
    PUT("train-labels-idx1-ubyte", train_labels);
    PUT("t10k-images-idx3-ubyte", test_images);
    PUT("t10k-labels-idx1-ubyte", test_labels);
}

static void expect_good_set(void)
{
    struct hsgd_data *train = hsgd_data_open(NULL, folder, HSGD_TRAIN);
    struct hsgd_data *test = hsgd_data_open(NULL, folder, HSGD_TEST);
    int32_t labels[3];
    cr_assert(train && test);
    cr_expect(hsgd_data_count(train) == 3 && hsgd_data_count(test) == 2);
    cr_expect(hsgd_data_classes(train) == 3 && hsgd_data_classes(test) == 3);
    cr_expect_str_eq(hsgd_data_name(train), folder);
    float *x = gather_all(train, labels);
    for (int i = 0; i < 12; i++)
        cr_expect_float_eq(x[i], train_images[16 + i] / 255.0, 1e-7);
    cr_expect(labels[0] == 0 && labels[1] == 2 && labels[2] == 1);
    free(x);
    x = gather_all(test, labels);
    for (int i = 0; i < 8; i++)
        cr_expect_float_eq(x[i], test_images[16 + i] / 255.0, 1e-7);
    free(x);
    hsgd_data_destroy(&train), hsgd_data_destroy(&test);
}

Test(data, idx_plain, .init = make_folder, .fini = remove_folder)
{
    put_good_files();
    expect_good_set();
}

Test(data, idx_gzip_and_dots, .init = make_folder, .fini = remove_folder)
{
    PUT_GZ("train-images-idx3-ubyte.gz", train_images);
    PUT("train-labels.idx1-ubyte", train_labels);
    PUT_GZ("t10k-images.idx3-ubyte.gz", test_images);
    PUT_GZ("t10k-labels-idx1-ubyte.gz", test_labels);
    expect_good_set();
}

Test(data, idx_below_torchvision_folder, .init = make_folder, .fini = remove_folder)
{
    PUT("MNIST/raw/train-images-idx3-ubyte", train_images);
    PUT("MNIST/raw/train-labels-idx1-ubyte", train_labels);
    PUT_GZ("MNIST/raw/t10k-images-idx3-ubyte.gz", test_images);
    PUT("MNIST/raw/t10k-labels-idx1-ubyte", test_labels);
    expect_good_set();
}

Test(data, idx_with_channels, .init = make_folder, .fini = remove_folder)
{
    static const uint8_t images[] = {0, 0, 8, 4, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 1,
                                     0, 0, 0, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    put_good_files();
    PUT("train-images-idx3-ubyte", images);
    struct hsgd_data *d = hsgd_data_open(NULL, folder, HSGD_TRAIN);
    cr_assert_not_null(d);
    struct hsgd_shape s = hsgd_data_shape(d);
    cr_expect(s.h == 1 && s.w == 1 && s.c == 3);
    hsgd_data_destroy(&d);
}

/* Opens the folder; the sentence must be FOLDER/rest. */
static void expect_sentence(enum hsgd_split split, const char *rest)
{
    struct hsgd_context *ctx = test_context();
    char sentence[2048];
    snprintf(sentence, sizeof sentence, "%s%s", folder, rest);
    cr_expect_null(hsgd_data_open(ctx, folder, split));
    cr_expect_str_eq(hsgd_error(ctx), sentence);
    hsgd_destroy(&ctx);
}

struct bad { const char *file; uint8_t bytes[32]; size_t n; const char *sentence; };

#define TI "train-images-idx3-ubyte"
#define TL "train-labels-idx1-ubyte"

static const struct bad bad_files[] = {
    {TI, {0}, 0, ": truncated in the magic: 0 of 4 bytes are there"},
    {TI, {0, 0, 8}, 3, ": truncated in the magic: 3 of 4 bytes are there"},
    {TI, {1, 0, 8, 3}, 4, ": magic is 0x01000803, an IDX file starts with 0x0000"},
    {TI, {0, 2, 8, 3}, 4, ": magic is 0x00020803, an IDX file starts with 0x0000"},
    {TI, {0, 0, 13, 3}, 4, ": type is 0x0d, only 0x08 (unsigned byte) is read"},
    {TI, {0, 0, 8, 1}, 4, ": dimension count is 1, images have 3, or 4 with channels"},
    {TI, {0, 0, 8, 5}, 4, ": dimension count is 5, images have 3, or 4 with channels"},
    {TL, {0, 0, 8, 3}, 4, ": dimension count is 3, labels have 1"},
    {TI, {0, 0, 8, 3, 0, 0, 0, 3, 0, 0}, 10, ": truncated in the header: 10 of 16 bytes are there"},
    {TI, {0, 0, 8, 3, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 2}, 16, ": count is 0, it must be in 1..2147483647"},
    {TI, {0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 2}, 16, ": rows is 0, it must be in 1..2147483647"},
    {TI, {0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 2, 255, 255, 255, 255}, 16,
     ": columns is 4294967295, it must be in 1..2147483647"},
    {TI, {0, 0, 8, 3, 0, 0, 0, 3, 0, 1, 0, 0, 0, 0, 128, 0}, 16,
     ": columns is 32768, an image would have more than 2147483647 numbers"},
    {TI, {0, 0, 8, 4, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 0}, 20,
     ": channels is 0, it must be in 1..2147483647"},
    {TI, {0, 0, 8, 3, 127, 255, 255, 255, 0, 0, 128, 0, 0, 0, 128, 0, 7}, 17,
     ": truncated in the pixels: 1 of 2305843008139952128 bytes are there"},
    {TI, {0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, 27,
     ": truncated in the pixels: 11 of 12 bytes are there"},
    {TI, {0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13}, 29,
     ": bytes follow the pixels that the header announces"},
    {TL, {0, 0, 8, 1, 0, 0, 0, 3, 1, 2}, 10, ": truncated in the labels: 2 of 3 bytes are there"},
    {TL, {0, 0, 8, 1, 0, 0, 0, 3, 1, 2, 3, 4}, 12, ": bytes follow the labels that the header announces"},
};

Test(data, idx_bad_files, .init = make_folder, .fini = remove_folder)
{
    for (size_t i = 0; i < sizeof bad_files / sizeof *bad_files; i++) {
        const struct bad *b = &bad_files[i];
        char rest[512];
        put_good_files();
        put(b->file, b->bytes, b->n);
        snprintf(rest, sizeof rest, "/%s%s", b->file, b->sentence);
        expect_sentence(HSGD_TRAIN, rest);
    }
}

Test(data, idx_counts_must_agree, .init = make_folder, .fini = remove_folder)
{
    static const uint8_t labels[] = {0, 0, 8, 1, 0, 0, 0, 1, 0};
    char rest[1024];
    put_good_files();
    PUT("t10k-labels-idx1-ubyte", labels);
    snprintf(rest, sizeof rest, "/t10k-images-idx3-ubyte: count is 2, but %s/t10k-labels-idx1-ubyte has 1 labels",
             folder);
    expect_sentence(HSGD_TEST, rest);
}

Test(data, idx_test_labels_must_be_known, .init = make_folder, .fini = remove_folder)
{
    static const uint8_t labels[] = {0, 0, 8, 1, 0, 0, 0, 2, 0, 3};
    put_good_files();
    PUT("t10k-labels-idx1-ubyte", labels);
    expect_sentence(HSGD_TEST, "/t10k-labels-idx1-ubyte: label 1 is 3, the training labels end at 2");
}

Test(data, idx_missing_files, .init = make_folder, .fini = remove_folder)
{
    struct hsgd_context *ctx = test_context();
    char sentence[1024];
    cr_expect_null(hsgd_data_open(ctx, folder, HSGD_TRAIN));
    snprintf(sentence, sizeof sentence, "data set \"%s\": not recognised; it is none of: a folder with IDX files",
             folder);
    cr_expect_eq(strncmp(hsgd_error(ctx), sentence, strlen(sentence)), 0, "%s", hsgd_error(ctx));
    put_good_files();
    cr_assert_eq(rename(at("train-labels-idx1-ubyte"), at("elsewhere")), 0);
    expect_sentence(HSGD_TRAIN, ": no train-labels-idx1-ubyte, plain, .gz or .xz, here nor in raw/ or MNIST/raw/");
    cr_assert_eq(rename(at("elsewhere"), at("train-labels-idx1-ubyte")), 0);
    cr_assert_eq(remove(at("t10k-images-idx3-ubyte")), 0);
    expect_sentence(HSGD_TEST, ": no t10k-images-idx3-ubyte, plain, .gz or .xz, here nor in raw/ or MNIST/raw/");
    cr_expect_null(hsgd_data_open(ctx, at("none"), HSGD_TRAIN));
    snprintf(sentence, sizeof sentence,
             "data set \"%s\": No such file or directory; "
             "\"digits\" is built in, anything else is a file or folder",
             at("none"));
    cr_expect_str_eq(hsgd_error(ctx), sentence);
    cr_expect_null(hsgd_data_open(ctx, "", HSGD_TRAIN));
    cr_expect_str_eq(hsgd_error(ctx), "data set: no name given; \"digits\", a file or a folder");
    hsgd_destroy(&ctx);
}

Test(data, idx_folder_in_place_of_a_file, .init = make_folder, .fini = remove_folder)
{
    put_good_files();
    cr_assert_eq(remove(at("train-labels-idx1-ubyte")), 0);
    cr_assert_eq(mkdir(at("train-labels-idx1-ubyte"), 0777), 0);
    expect_sentence(HSGD_TRAIN, "/train-labels-idx1-ubyte: is a folder, not a file");
}

/* The gzip form of the training images, with its size. */
static size_t zipped(uint8_t *bytes, size_t room)
{
    PUT_GZ("zipped", train_images);
    FILE *f = fopen(at("zipped"), "rb");
    size_t n = fread(bytes, 1, room, f);
    fclose(f);
    return n;
}

Test(data, idx_bad_gzip, .init = make_folder, .fini = remove_folder)
{
    uint8_t bytes[256];
    put_good_files();
    cr_assert_eq(remove(at("train-images-idx3-ubyte")), 0);
    size_t n = zipped(bytes, sizeof bytes);
    put("train-images-idx3-ubyte.gz", bytes, n / 2);
    expect_sentence(HSGD_TRAIN, "/train-images-idx3-ubyte.gz: the gzip stream ends early");
    put("train-images-idx3-ubyte.gz", bytes, n - 3);
    expect_sentence(HSGD_TRAIN, "/train-images-idx3-ubyte.gz: the gzip stream ends early");
    bytes[n - 6] ^= 1;
    put("train-images-idx3-ubyte.gz", bytes, n);
    struct hsgd_context *ctx = test_context();
    cr_expect_null(hsgd_data_open(ctx, folder, HSGD_TRAIN));
    cr_expect_not_null(strstr(hsgd_error(ctx), "/train-images-idx3-ubyte.gz: the gzip stream is corrupt ("));
    hsgd_destroy(&ctx);
}

Test(data, mnist)
{
    const char *base = getenv("HSGD_TEST_DATA");
    char path[1024];
    snprintf(path, sizeof path, "%s/mnist", base ? base : "");
    if (!base || access(path, R_OK) != 0)
        cr_skip_test("HSGD_TEST_DATA names no folder with mnist/ in it");
    struct hsgd_data *train = hsgd_data_open(NULL, path, HSGD_TRAIN), *test = hsgd_data_open(NULL, path, HSGD_TEST);
    static const int32_t train_first[5] = {5, 0, 4, 1, 9}, test_first[5] = {7, 2, 1, 0, 4};
    int64_t index[5] = {0, 1, 2, 3, 4};
    int32_t labels[5];
    struct hsgd_normalisation norm;
    cr_assert(train && test);
    cr_expect(hsgd_data_count(train) == 60000 && hsgd_data_count(test) == 10000 && hsgd_data_classes(test) == 10);
    hsgd_data_gather(train, index, 5, NULL, NULL, labels);
    cr_expect_eq(memcmp(labels, train_first, sizeof labels), 0);
    hsgd_data_gather(test, index, 5, NULL, NULL, labels);
    cr_expect_eq(memcmp(labels, test_first, sizeof labels), 0);
    hsgd_data_statistics(train, &norm);
    cr_expect_float_eq(norm.mean[0], 0.1307, 1e-4);
    cr_expect_float_eq(norm.inv_std[0], 1 / 0.3081, 2e-3);
    hsgd_data_destroy(&train), hsgd_data_destroy(&test);
}

/* ---- sheets ---- */

static uint8_t *read_png(const char *path, unsigned format, int *width, int *height)
{
    png_image image = {.version = PNG_IMAGE_VERSION};
    cr_assert(png_image_begin_read_from_file(&image, path), "%s", image.message);
    image.format = format;
    uint8_t *pixels = malloc(PNG_IMAGE_SIZE(image));
    cr_assert(png_image_finish_read(&image, NULL, pixels, 0, NULL), "%s", image.message);
    *width = (int)image.width, *height = (int)image.height;
    return pixels;
}

static int temporary_files(void)
{
    int n = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *e; (e = readdir(dir));)
        n += strstr(e->d_name, ".tmp-") != NULL;
    closedir(dir);
    return n;
}

Test(data, sheet_shows_the_samples, .init = make_folder, .fini = remove_folder)
{
    struct hsgd_data *d = hsgd_data_digits(NULL, 0, 0, 5);
    int w, h;
    cr_assert_eq(hsgd_data_sheet(NULL, d, at("sheet.png"), 2, 3), 0);
    cr_assert_eq(hsgd_data_sheet(NULL, d, at("sheet.png"), 2, 3), 0, "an old file is replaced");
    uint8_t *pixels = read_png(at("sheet.png"), PNG_FORMAT_GRAY, &w, &h);
    cr_expect(w == 3 * 29 + 1 && h == 2 * 29 + 1);
    float *x = gather_all(d, NULL);
    for (int i = 0; i < 5; i++)
        for (int k = 0; k < 784; k++) {
            int row = i / 3 * 29 + 1 + k / 28, column = i % 3 * 29 + 1 + k % 28;
            cr_assert_float_eq(pixels[row * w + column], x[i * 784 + k] * 255, 1e-3);
        }
    cr_expect_eq(temporary_files(), 0);
    free(x), free(pixels);
    hsgd_data_destroy(&d);
}

Test(data, sheet_in_colour, .init = make_folder, .fini = remove_folder)
{
    float x[6] = {-1, 0, 1, 1, 1, -1};
    int32_t labels[2] = {0, 0};
    int w, h;
    struct hsgd_data *d = hsgd_data_memory(NULL, x, labels, 2, (struct hsgd_shape){1, 1, 3}, 1, HSGD_BORROW);
    cr_assert_eq(hsgd_data_sheet(NULL, d, at("sheet.png"), 1, 2), 0);
    uint8_t *pixels = read_png(at("sheet.png"), PNG_FORMAT_RGB, &w, &h), *first = pixels + (w + 1) * 3;
    cr_expect(w == 5 && h == 3);
    cr_expect(first[0] == 0 && first[1] == 128 && first[2] == 255);
    cr_expect(first[6] == 255 && first[7] == 255 && first[8] == 0);
    free(pixels);
    hsgd_data_destroy(&d);
}

static void expect_no_sheet(const struct hsgd_data *d, const char *path, int rows, int columns, int rc,
                            const char *sentence)
{
    struct hsgd_context *ctx = test_context();
    cr_expect_eq(hsgd_data_sheet(ctx, d, path, rows, columns), rc);
    cr_expect_not_null(strstr(hsgd_error(ctx), sentence), "%s", hsgd_error(ctx));
    cr_expect_eq(temporary_files(), 0);
    hsgd_destroy(&ctx);
}

Test(data, sheet_failures_leave_nothing, .init = make_folder, .fini = remove_folder)
{
    float x[2] = {0, 1};
    int32_t label = 0;
    struct hsgd_data *d = hsgd_data_digits(NULL, 0, 0, 5);
    struct hsgd_data *two = hsgd_data_memory(NULL, x, &label, 1, (struct hsgd_shape){1, 1, 2}, 1, HSGD_BORROW);
    const char *taken = at("MNIST");
    expect_no_sheet(d, taken, 1, 1, -EISDIR, "/MNIST: cannot put the finished file in place: Is a directory");
    expect_no_sheet(d, at("none/sheet.png"), 1, 1, -ENOENT, ": No such file or directory");
    expect_no_sheet(d, at("sheet.png"), 0, 3, -EINVAL, "rows x columns is 0 x 3, both must be positive");
    expect_no_sheet(two, at("sheet.png"), 1, 1, -EINVAL, "samples have 2 channels, a picture has 1 or 3");
    expect_no_sheet(d, at("sheet.png"), 1, 2000, -EINVAL,
                    "1 x 2000 samples of 28 x 28 pixels make more than 32768 pixels a side");
    cr_expect_eq(access(at("sheet.png"), F_OK), -1);
    hsgd_data_destroy(&d), hsgd_data_destroy(&two);
}
