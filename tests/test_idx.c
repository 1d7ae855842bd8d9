/* SPDX-License-Identifier: BSD-3-Clause */
/* IDX files: what they hold, and what is refused. */
#include "data_folder.h"
#include "main.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

/* 3 training and 2 test images of 2 x 2 pixels. */
static const uint8_t train_images[] = { 0, 0, 8, 3, 0, 0, 0, 3, 0,   0,   0,   2,   0,   0,
                                        0, 2, 0, 1, 2, 3, 4, 5, 252, 253, 254, 255, 100, 101 };
static const uint8_t train_labels[] = { 0, 0, 8, 1, 0, 0, 0, 3, 0, 2, 1 };
static const uint8_t test_images[] = { 0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2, 9, 8, 7, 6, 5, 4, 3, 2 };
static const uint8_t test_labels[] = { 0, 0, 8, 1, 0, 0, 0, 2, 2, 1 };

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
    for (int i = 0; i < 12; i++) cr_expect_float_eq(x[i], train_images[16 + i] / 255.0, 1e-7);
    cr_expect(labels[0] == 0 && labels[1] == 2 && labels[2] == 1);
    free(x);
    x = gather_all(test, labels);
    for (int i = 0; i < 8; i++) cr_expect_float_eq(x[i], test_images[16 + i] / 255.0, 1e-7);
    free(x);
    hsgd_data_destroy(&train), hsgd_data_destroy(&test);
}

Test(idx, plain, .init = make_folder, .fini = remove_folder)
{
    put_good_files();
    expect_good_set();
}

/* Classes of the data, whatever a record says: as the command line reads. */
Test(idx, classes_of_the_data, .init = make_folder, .fini = remove_folder)
{
    struct hsgd_data *train, *test;
    put_good_files();
    cr_assert(!hsgd_data_read(NULL, folder, HSGD_OPTIONS(data, .classes = -1), &train, &test));
    cr_expect(hsgd_data_classes(train) == 3 && hsgd_data_classes(test) == 3);
    hsgd_data_destroy(&train), hsgd_data_destroy(&test);
}

Test(idx, gzip_and_dots, .init = make_folder, .fini = remove_folder)
{
    PUT_GZ("train-images-idx3-ubyte.gz", train_images);
    PUT("train-labels.idx1-ubyte", train_labels);
    PUT_GZ("t10k-images.idx3-ubyte.gz", test_images);
    PUT_GZ("t10k-labels-idx1-ubyte.gz", test_labels);
    expect_good_set();
}

Test(idx, below_torchvision_folder, .init = make_folder, .fini = remove_folder)
{
    PUT("MNIST/raw/train-images-idx3-ubyte", train_images);
    PUT("MNIST/raw/train-labels-idx1-ubyte", train_labels);
    PUT_GZ("MNIST/raw/t10k-images-idx3-ubyte.gz", test_images);
    PUT("MNIST/raw/t10k-labels-idx1-ubyte", test_labels);
    expect_good_set();
}

Test(idx, with_channels, .init = make_folder, .fini = remove_folder)
{
    static const uint8_t images[] = { 0, 0, 8, 4, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0,
                                      1, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9 };
    put_good_files();
    PUT("train-images-idx3-ubyte", images);
    struct hsgd_data *d = hsgd_data_open(NULL, folder, HSGD_TRAIN);
    cr_assert_not_null(d);
    struct hsgd_shape s = hsgd_data_shape(d);
    cr_expect(s.h == 1 && s.w == 1 && s.c == 3);
    hsgd_data_destroy(&d);
}

/* Opens the folder; the sentence must be FOLDER/rest. */
static void expect_sentence(enum hsgd_subset split, const char *rest)
{
    struct hsgd_context *ctx = test_context();
    char sentence[2048];
    snprintf(sentence, sizeof sentence, "%s%s", folder, rest);
    cr_expect_null(hsgd_data_open(ctx, folder, split));
    cr_expect_str_eq(hsgd_error(ctx), sentence);
    hsgd_destroy(&ctx);
}

struct bad {
    const char *file;
    uint8_t bytes[32];
    size_t n;
    const char *sentence;
};

#define TI "train-images-idx3-ubyte"
#define TL "train-labels-idx1-ubyte"

static const struct bad bad_files[] = {
    { TI, { 0 }, 0, ": truncated in the magic: only 0 of 4 bytes" },
    { TI, { 0, 0, 8 }, 3, ": truncated in the magic: only 3 of 4 bytes" },
    { TI, { 1, 0, 8, 3 }, 4, ": magic is 0x01000803, an IDX file starts with 0x0000" },
    { TI, { 0, 2, 8, 3 }, 4, ": magic is 0x00020803, an IDX file starts with 0x0000" },
    { TI, { 0, 0, 13, 3 }, 4, ": type is 0x0d, only 0x08 (unsigned byte) is read" },
    { TI, { 0, 0, 8, 1 }, 4, ": dimension count is 1, images have 3, or 4 with channels" },
    { TI, { 0, 0, 8, 5 }, 4, ": dimension count is 5, images have 3, or 4 with channels" },
    { TL, { 0, 0, 8, 3 }, 4, ": dimension count is 3, labels have 1" },
    { TI, { 0, 0, 8, 3, 0, 0, 0, 3, 0, 0 }, 10, ": truncated in the header: only 10 of 16 bytes" },
    { TI, { 0, 0, 8, 3, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 2 }, 16, ": count is 0, it must be in 1..2147483647" },
    { TI, { 0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 2 }, 16, ": rows is 0, it must be in 1..2147483647" },
    { TI,
      { 0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 2, 255, 255, 255, 255 },
      16,
      ": columns is 4294967295, it must be in 1..2147483647" },
    { TI,
      { 0, 0, 8, 3, 0, 0, 0, 3, 0, 1, 0, 0, 0, 0, 128, 0 },
      16,
      ": columns is 32768, an image would have more than 2147483647 values" },
    { TI,
      { 0, 0, 8, 4, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 0 },
      20,
      ": channels is 0, it must be in 1..2147483647" },
    { TI,
      { 0, 0, 8, 3, 127, 255, 255, 255, 0, 0, 128, 0, 0, 0, 128, 0, 7 },
      17,
      ": truncated in the pixels: only 1 of 2305843008139952128 bytes" },
    { TI,
      { 0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 },
      27,
      ": truncated in the pixels: only 11 of 12 bytes" },
    { TI,
      { 0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13 },
      29,
      ": extra bytes after the pixels that the header announces" },
    { TL, { 0, 0, 8, 1, 0, 0, 0, 3, 1, 2 }, 10, ": truncated in the labels: only 2 of 3 bytes" },
    { TL, { 0, 0, 8, 1, 0, 0, 0, 3, 1, 2, 3, 4 }, 12, ": extra bytes after the labels that the header announces" },
};

Test(idx, bad_files, .init = make_folder, .fini = remove_folder)
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

Test(idx, counts_must_agree, .init = make_folder, .fini = remove_folder)
{
    static const uint8_t labels[] = { 0, 0, 8, 1, 0, 0, 0, 1, 0 };
    char rest[1024];
    put_good_files();
    PUT("t10k-labels-idx1-ubyte", labels);
    snprintf(rest, sizeof rest, "/t10k-images-idx3-ubyte: count is 2, but %s/t10k-labels-idx1-ubyte has 1 labels",
             folder);
    expect_sentence(HSGD_TEST, rest);
}

Test(idx, test_labels_must_be_known, .init = make_folder, .fini = remove_folder)
{
    static const uint8_t labels[] = { 0, 0, 8, 1, 0, 0, 0, 2, 0, 3 };
    put_good_files();
    PUT("t10k-labels-idx1-ubyte", labels);
    expect_sentence(HSGD_TEST, "/t10k-labels-idx1-ubyte: label 1 is 3, the largest training label is 2");
}

Test(idx, missing_files, .init = make_folder, .fini = remove_folder)
{
    struct hsgd_context *ctx = test_context();
    char sentence[1024];
    cr_expect_null(hsgd_data_open(ctx, folder, HSGD_TRAIN));
    snprintf(sentence, sizeof sentence, "data set \"%s\": not recognised; it is none of: a folder with IDX files",
             folder);
    cr_expect_eq(strncmp(hsgd_error(ctx), sentence, strlen(sentence)), 0, "%s", hsgd_error(ctx));
    put_good_files();
    cr_assert_eq(rename(at("train-labels-idx1-ubyte"), at("elsewhere")), 0);
    expect_sentence(HSGD_TRAIN, ": no train-labels-idx1-ubyte (plain, .gz or .xz) here, in raw/ or in MNIST/raw/");
    cr_assert_eq(rename(at("elsewhere"), at("train-labels-idx1-ubyte")), 0);
    cr_assert_eq(remove(at("t10k-images-idx3-ubyte")), 0);
    expect_sentence(HSGD_TEST, ": no t10k-images-idx3-ubyte (plain, .gz or .xz) here, in raw/ or in MNIST/raw/");
    cr_expect_null(hsgd_data_open(ctx, at("none"), HSGD_TRAIN));
    snprintf(sentence, sizeof sentence,
             "data set \"%s\": No such file or directory; "
             "\"digits\", \"shapes\" and \"dates\" are built in, anything else is a file or folder",
             at("none"));
    cr_expect_str_eq(hsgd_error(ctx), sentence);
    cr_expect_null(hsgd_data_open(ctx, "", HSGD_TRAIN));
    cr_expect_str_eq(hsgd_error(ctx), "data set: no name given; \"digits\", \"shapes\", \"dates\", a file or a folder");
    hsgd_destroy(&ctx);
}

Test(idx, folder_in_place_of_a_file, .init = make_folder, .fini = remove_folder)
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

Test(idx, bad_gzip, .init = make_folder, .fini = remove_folder)
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

Test(idx, mnist)
{
    const char *base = getenv("HSGD_TEST_DATA");
    char path[1024];
    snprintf(path, sizeof path, "%s/mnist", base ? base : "");
    if (!base || access(path, R_OK) != 0) cr_skip_test("HSGD_TEST_DATA names no folder with mnist/ in it");
    struct hsgd_data *train = hsgd_data_open(NULL, path, HSGD_TRAIN), *test = hsgd_data_open(NULL, path, HSGD_TEST);
    static const int32_t train_first[5] = { 5, 0, 4, 1, 9 }, test_first[5] = { 7, 2, 1, 0, 4 };
    int64_t index[5] = { 0, 1, 2, 3, 4 };
    int32_t labels[5];
    cr_assert(train && test);
    cr_expect(hsgd_data_count(train) == 60000 && hsgd_data_count(test) == 10000 && hsgd_data_classes(test) == 10);
    hsgd_data_gather(train, index, 5, NULL, NULL, labels);
    cr_expect_eq(memcmp(labels, train_first, sizeof labels), 0);
    hsgd_data_gather(test, index, 5, NULL, NULL, labels);
    cr_expect_eq(memcmp(labels, test_first, sizeof labels), 0);
    struct hsgd_normalisation *norm = hsgd_data_statistics(train);
    cr_expect_float_eq(norm->mean[0], 0.1307, 1e-4);
    cr_expect_float_eq(norm->inv_std[0], 1 / 0.3081, 2e-3);
    hsgd_normalisation_destroy(&norm);
    hsgd_data_destroy(&train), hsgd_data_destroy(&test);
}
