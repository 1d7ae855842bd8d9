/* SPDX-License-Identifier: BSD-3-Clause */
/* Folders and archives as they are found: names of splits in any letter case,
 * other formats, damaged images, and what is said of them. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "pictures.h"

#include <archive.h>
#include <stdarg.h>
#include <zlib.h>

static struct hsgd_context *ctx;
static struct hsgd_data *train, *test;
static char logged[2000];

static void log_line(void *user, enum hsgd_log_level level, const char *line)
{
    (void)user;
    if (level == HSGD_LOG_WARNING) snprintf(logged + strlen(logged), sizeof logged - strlen(logged), "%s\n", line);
}

static void begin(void)
{
    pictures_begin();
    struct hsgd_context_options o = { .size = sizeof o, .devices = "cpu", .threads = 1, .log = log_line };
    REQUIRE(!hsgd_create(&ctx, &o));
    *logged = 0;
}

static void close_set(void)
{
    hsgd_data_destroy(&train);
    hsgd_data_destroy(&test);
}

static void read_set(const char *path, const struct hsgd_data_options *o, const char *summary)
{
    char text[1000];
    *logged = 0;
    CHECK_MSG(!hsgd_data_read(ctx, path, o, &train, &test), "%s", hsgd_error(ctx));
    REQUIRE(train);
    CHECK(hsgd_data_summary(train, text, sizeof text) == (int)strlen(text));
    CHECK_STR(text, summary);
}

static void refused(const char *path, const struct hsgd_data_options *o, const char *sentence)
{
    CHECK(hsgd_data_read(ctx, path, o, &train, &test) < 0);
    CHECK_STR(hsgd_error(ctx), sentence);
    CHECK(!train && !test);
}

/* Writes an image of 4 x 4 at a path given as for printf(). */
static void image(int seed, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void image(int seed, const char *format, ...)
{
    char path[200];
    va_list args;
    va_start(args, format);
    vsnprintf(path, sizeof path, format, args);
    va_end(args);
    put(path, make_png(4, 4, 3, seed));
}

/* ------------------------------------------------------------------- splits */

static void letter_case(void)
{
    static const char *const names[][2] = {
        { "Train", "Test" },          { "TRAIN", "VAL" },
        { "training", "testing" },    { "training_set", "Test_Set" },
        { "seg_train", "seg_test" },  { "seg_train/seg_train", "seg_test/seg_test" },
        { "Train_set", "Validation" }
    };
    begin();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char folder[20], summary[100];
        snprintf(folder, sizeof folder, "set%zu", i);
        image(1, "%s/%s/cat/1.png", folder, names[i][0]);
        image(2, "%s/%s/dog/1.png", folder, names[i][0]);
        image(3, "%s/%s/dog/1.png", folder, names[i][1]);
        snprintf(summary, sizeof summary, "images, 2 samples of 4x4x3, 2 classes (cat, dog)");
        read_set(folder, NULL, summary);
        CHECK(hsgd_data_count(test) == 1);
        uint8_t pixels[48];
        CHECK(sample(test, 0, pixels) == 1 && pixels[0] == pictures_value(3, 0, 0, 0));
        close_set();
    }
    image(1, "set0/train/cat/1.png");
    refused("set0", NULL, "set0: both \"Train\" and \"train\" look like the training split");
    hsgd_destroy(&ctx);
}

/* A folder called "train" may be a class. */
static void train_as_class(void)
{
    begin();
    image(1, "vehicles/train/1.png");
    image(2, "vehicles/car/1.png");
    read_set("vehicles", NULL, "images, 2 samples of 4x4x3, 2 classes (car, train)");
    close_set();
    image(3, "vehicles/test/1.png");
    refused("vehicles", NULL,
            "vehicles: images are not in class folders; expected are CLASS/*.png or train/CLASS/*.png");
    hsgd_destroy(&ctx);
}

/* ------------------------------------------------------------- other files */

static void other_files(void)
{
    struct hsgd_passed p;
    begin();
    image(1, "set/a/1.png");
    image(2, "set/b/1.png");
    static const char *const others[] = { "webp", "BMP", "gif", "tif", "tiff", "jfif", "jpe", "ppm", "pgm", "avif" };
    for (int i = 0; i < 10; i++) {
        char path[40];
        snprintf(path, sizeof path, "set/b/%d.%s", i, others[i]);
        put_text(path, "x");
    }
    put_text("set/a/.hidden.webp", "x");
    put_text("set/README", "x");
    put_text("set/a/Thumbs.db", "x");
    image(3, "set/stray.png");
    const char *summary = "images, 2 samples of 4x4x3, 2 classes (a, b); passed over: 10 neither PNG nor JPEG (first: "
                          "b/0.webp), 1 outside of class folders (first: stray.png), 2 not images (first: README)";
    read_set("set", NULL, summary);
    CHECK_STR(logged, "set: 10 images passed over: neither PNG nor JPEG; the first is b/0.webp\n");
    CHECK(hsgd_data_passed(train, 0, &p, sizeof p) && p.count == 10 && !strcmp(p.first, "b/0.webp"));
    CHECK(hsgd_data_passed(train, 2, &p, sizeof p) && p.count == 2 && !strcmp(p.why, "not images"));
    CHECK(!hsgd_data_passed(train, 3, &p, sizeof p) && !hsgd_data_passed(train, -1, &p, sizeof p));
    close_set();
    unsetenv("HSGD_CACHE");
    setenv("HSGD_CACHE_DIR", "cache", 1);
    for (int i = 0; i < 2; i++) { /* from the files, from the cache */
        read_set("set", NULL, summary);
        close_set();
    }
    put_text("set/b/x.heic", "x");
    CHECK(!hsgd_data_read(ctx, "set", NULL, &train, NULL));
    CHECK(hsgd_data_passed(train, 0, &p, sizeof p) && p.count == 11);
    close_set();
    put_text("none/a/1.webp", "x");
    refused("none", NULL, "none: has no PNG or JPEG image; passed over: 1 neither PNG nor JPEG (first: a/1.webp)");
    CHECK(!remove("set/a/1.png"));
    put_text("set/a/1.webp", "x");
    CHECK(hsgd_data_read(ctx, "set", NULL, &train, &test) < 0);
    CHECK_MSG(strstr(hsgd_error(ctx), "set/a: the class folder has no PNG or JPEG image; passed over: 12 neither"),
              "%s", hsgd_error(ctx));
    hsgd_destroy(&ctx);
}

/* ------------------------------------------------------------ stored values */

static void big_endian(uint8_t *to, uint32_t v)
{
    for (int i = 0; i < 4; i++) to[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* The same PNG with another chunk behind its header. */
static struct bytes with_chunk(struct bytes b, const char *type, const uint8_t *data, uint32_t n)
{
    enum { HEADER = 33 };
    struct bytes made = { malloc(b.n + n + 12), b.n + n + 12 };
    uint8_t *chunk = made.at + HEADER;
    memcpy(made.at, b.at, HEADER);
    big_endian(chunk, n);
    memcpy(chunk + 4, type, 4);
    memcpy(chunk + 8, data, n);
    big_endian(chunk + 8 + n, (uint32_t)crc32(0, chunk + 4, n + 4));
    memcpy(chunk + 12 + n, b.at + HEADER, b.n - HEADER);
    free(b.at);
    return made;
}

/* Gamma, colour space and profile do not change a value. */
static void gamma_is_ignored(void)
{
    static const uint8_t linear[] = { 0, 1, 0x86, 0xa0 }, odd[] = { 0, 0, 0x30, 0x39 }, intent[] = { 0 };
    uint8_t pixels[4 * 4 * 3];
    begin();
    put("set/a/1.png", with_chunk(make_png(4, 4, 3, 1), "gAMA", linear, 4));
    put("set/a/2.png", with_chunk(make_png(4, 4, 3, 2), "gAMA", odd, 4));
    put("set/b/1.png", with_chunk(make_png(4, 4, 3, 3), "sRGB", intent, 1));
    put("set/b/2.png", with_chunk(make_png(4, 4, 1, 4), "gAMA", linear, 4));
    read_set("set", NULL, "images, 4 samples of 4x4x3, 2 classes (a, b)");
    for (int i = 0; i < 4; i++) {
        sample(train, i, pixels);
        for (int p = 0; p < 48; p++) {
            int v = pictures_value(i + 1, p / 12, p / 3 % 4, i == 3 ? 0 : p % 3);
            CHECK_MSG(pixels[p] == v, "sample %d: value %d is %d, not %d", i, p, pixels[p], v);
        }
    }
    close_set();
    hsgd_destroy(&ctx);
}

static void alpha(void)
{
    uint8_t pixels[16 * 16 * 3];
    begin();
    put("set/a/1.png", make_png(16, 16, 4, 0));
    put("set/b/1.png", make_png(16, 16, 2, 0));
    read_set("set", NULL, "images, 2 samples of 16x16x3, 2 classes (a, b)");
    for (int i = 0; i < 2; i++) {
        sample(train, i, pixels);
        for (int p = 0; p < 16 * 16 * 3; p++) {
            int y = p / 48, x = p / 3 % 16, v = pictures_value(0, y, x, i ? 0 : p % 3);
            int a = pictures_value(0, y, x, i ? 1 : 3);
            CHECK_MSG(abs(2 * 255 * pixels[p] - 2 * v * a) <= 255 + 2, "%d x %d became %d", v, a, pixels[p]);
        }
    }
    close_set();
    hsgd_destroy(&ctx);
}

/* ------------------------------------------------------------------ damaged */

/* `n` images in two classes, of which `bad`, from number 5 on, are cut off. */
static void make_set(const char *folder, int n, int bad)
{
    char path[60];
    remove_tree(folder);
    for (int i = 0; i < n; i++) {
        struct bytes b = make_png(4, 4, 3, i);
        if (i >= 5 && i < 5 + bad) b.n -= 30;
        snprintf(path, sizeof path, "%s/%c/%03d.png", folder, i % 2 ? 'b' : 'a', i);
        put(path, b);
    }
}

#define FIRST "set/a/006.png: the PNG image is damaged: read beyond end of data"

static void damaged(void)
{
    struct hsgd_data_options going = { .size = sizeof going, .keep_going = true };
    begin();
    make_set("set", 40, 2);
    refused("set", NULL, FIRST "; 1 more is damaged: b/005.png");
    refused("set", &going, FIRST "; 1 more is damaged: b/005.png; --keep-going passes over at most 1 % of the images");
    make_set("set", 40, 12);
    refused("set", NULL,
            FIRST "; 11 more are damaged: a/008.png, a/010.png, a/012.png, a/014.png, a/016.png, "
                  "b/005.png, b/007.png, b/009.png, b/011.png, ...");
    put_text("none/a/1.png", "x");
    put_text("none/b/1.png", "x");
    refused("none", &going,
            "none/a/1.png: is neither a PNG nor a JPEG image (1 bytes); 1 more is damaged: b/1.png; "
            "--keep-going passes over at most 1 % of the images");
    make_set("set", 200, 3);
    refused("set", &going,
            FIRST "; 2 more are damaged: b/005.png, b/007.png; "
                  "--keep-going passes over at most 1 % of the images");
    hsgd_destroy(&ctx);
}

static void keep_going(void)
{
    static const char summary[] = "images, 198 samples of 4x4x3, 2 classes (a, b); passed over: 2 damaged (first: "
                                  "a/006.png)";
    struct hsgd_data_options going = { .size = sizeof going, .keep_going = true };
    uint8_t pixels[48];
    begin();
    make_set("set", 200, 2);
    refused("set", NULL, FIRST "; 1 more is damaged: b/005.png; --keep-going passes over damaged images");
    unsetenv("HSGD_CACHE");
    setenv("HSGD_CACHE_DIR", "cache", 1);
    read_set("set", &going, summary);
    CHECK_STR(logged, FIRST "; passed over\n"
                            "set/b/005.png: the PNG image is damaged: read beyond end of data; passed over\n"
                            "set: 2 images passed over: damaged; the first is a/006.png\n");
    for (int i = 0, at = 0; i < 200; i++) {
        int number = i < 100 ? 2 * i : 2 * (i - 100) + 1;
        if (number == 5 || number == 6) continue;
        CHECK(sample(train, at++, pixels) == number % 2 && pixels[0] == pictures_value(number, 0, 0, 0));
    }
    close_set();
    read_set("set", &going, summary); /* from the cache */
    CHECK_STR(logged, "set: 2 images passed over: damaged; the first is a/006.png\n");
    close_set();
    refused("set", NULL, FIRST "; 1 more is damaged: b/005.png; --keep-going passes over damaged images");
    put("set/c/1.png", (struct bytes){ (uint8_t *)strdup("\x89PNG"), 4 });
    make_set("other", 99, 0);
    put("other/c/1.png", (struct bytes){ (uint8_t *)strdup("\x89PNG"), 4 });
    refused("other", &going, "other: every image of class \"c\" is damaged");
    hsgd_destroy(&ctx);
}

/* The size is that of the first image that has one. */
static void first_damaged(void)
{
    struct hsgd_data_options going = { .size = sizeof going, .keep_going = true };
    begin();
    make_set("set", 100, 0);
    put("set/a/000.png", (struct bytes){ (uint8_t *)strdup("x"), 1 });
    read_set("set", &going, "images, 99 samples of 4x4x3, 2 classes (a, b); passed over: 1 damaged (first: a/000.png)");
    close_set();
    put("set/b/099.png", make_png(5, 4, 3, 1));
    refused("set", &going,
            "set/b/099.png: is 5 x 4 pixels, but set/a/002.png is 4 x 4; --resize N makes all images N x N");
    hsgd_destroy(&ctx);
}

/* ---------------------------------------------------------------------- zip */

/* Two images, called as given; `link` NULL: the second is none. */
static void make_zip(const char *path, const char *one, const char *two, const char *link)
{
    struct archive *a = tar_begin(path, 'P');
    tar_add(a, one, make_png(4, 4, 3, 1), NULL);
    tar_add(a, two, link ? (struct bytes){ 0 } : make_png(4, 4, 3, 2), link);
    tar_end(a);
}

static void zip(void)
{
    begin();
    struct archive *a = tar_begin("set.any", 'P'); /* names say nothing */
    tar_add(a, "top/", (struct bytes){ 0 }, NULL);
    tar_add(a, "top/README", make_png(1, 1, 1, 1), NULL);
    tar_add(a, "top/Test/b/1.png", make_png(4, 4, 3, 3), NULL);
    tar_add(a, "top/Train/b/1.png", make_png(4, 4, 3, 2), NULL);
    tar_add(a, "top/Train/caf\xe9/1.png", make_png(4, 4, 3, 1), NULL);
    tar_add(a, "top/Train/b/1.webp", make_png(1, 1, 1, 1), NULL);
    tar_add(a, "__MACOSX/Train/b/._1.png", make_png(1, 1, 1, 1), NULL);
    tar_end(a);
    read_set("set.any", NULL,
             "zip, 2 samples of 4x4x3, 2 classes (b, caf\xe9); passed over: 1 neither PNG nor JPEG "
             "(first: top/Train/b/1.webp), 1 not images (first: top/README)");
    uint8_t pixels[48];
    CHECK(sample(train, 1, pixels) == 1 && pixels[0] == pictures_value(1, 0, 0, 0));
    CHECK(hsgd_data_count(test) == 1 && sample(test, 0, pixels) == 0 && pixels[0] == pictures_value(3, 0, 0, 0));
    close_set();
    hsgd_destroy(&ctx);
}

static void bad_zip(void)
{
    begin();
    make_zip("twice.zip", "a/1.png", "a/1.png", NULL);
    refused("twice.zip", NULL, "twice.zip/a/1.png: appears twice");
    make_zip("link.zip", "a/1.png", "b/1.png", "/etc/passwd");
    refused("link.zip", NULL, "link.zip: member \"b/1.png\" is a link, not a file");
    make_zip("set.zip", "aaaaaaaa.png", "b/1.png", NULL);
    static const struct {
        const char *name, *what;
    } names[] = {
        { "/aaaaaaa.png", "has an absolute path" },
        { "a/../aaa.png", "has .. in its path" },
    };
    for (size_t i = 0; i < 2; i++) { /* which the writer would not make */
        struct bytes b = get("set.zip");
        char sentence[100];
        for (size_t k = 0; k + 12 <= b.n; k++)
            if (!memcmp(b.at + k, "aaaaaaaa.png", 12)) memcpy(b.at + k, names[i].name, 12);
        put("bad.zip", b);
        snprintf(sentence, sizeof sentence, "bad.zip: member \"%s\" %s", names[i].name, names[i].what);
        refused("bad.zip", NULL, sentence);
    }
    struct bytes b = get("set.zip");
    for (size_t k = 0; k + 10 < b.n; k++) {
        if (!memcmp(b.at + k, "PK\3\4", 4)) b.at[k + 6] |= 1;
        if (!memcmp(b.at + k, "PK\1\2", 4)) b.at[k + 8] |= 1;
    }
    put("locked.zip", b);
    refused("locked.zip", NULL, "locked.zip: member \"aaaaaaaa.png\" is encrypted");
    b = get("set.zip");
    b.n -= 50;
    put("cut.zip", b);
    CHECK(hsgd_data_read(ctx, "cut.zip", NULL, &train, &test) < 0);
    CHECK_MSG(!strncmp(hsgd_error(ctx), "cut.zip: the archive is damaged: ", 33), "%s", hsgd_error(ctx));
    hsgd_destroy(&ctx);
}

static const struct core_case cases[] = {
    { "zip", zip },
    { "bad_zip", bad_zip },
    { "damaged", damaged },
    { "keep_going", keep_going },
    { "first_damaged", first_damaged },
    { "letter_case", letter_case },
    { "train_as_class", train_as_class },
    { "other_files", other_files },
    { "gamma_is_ignored", gamma_is_ignored },
    { "alpha", alpha },
};
CORE_MAIN(cases)
