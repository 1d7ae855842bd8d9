/* SPDX-License-Identifier: BSD-3-Clause */
/* Folders and archives of pictures, CIFAR's files, and the cache of what was
 * decoded: what is read is what was written. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "pictures.h"

#include <archive.h>
#include <math.h>
#include <unistd.h>

static struct hsgd_data *train, *test;

static void read_set(const char *path, const struct hsgd_data_options *o)
{
    struct hsgd_context *ctx = pictures_context();
    CHECK_MSG(!hsgd_data_read(ctx, path, o, &train, &test), "%s", hsgd_error(ctx));
    REQUIRE(train);
    hsgd_destroy(&ctx);
}

static void close_set(void)
{
    hsgd_data_destroy(&train);
    hsgd_data_destroy(&test);
}

/* Sample i of d is picture `seed`, of class `label`. */
static void check_sample(const struct hsgd_data *d, int i, int seed, int label)
{
    struct hsgd_shape s = hsgd_data_shape(d);
    uint8_t pixels[4096];
    int wrong = 0;
    CHECK(sample(d, i, pixels) == label);
    for (int p = 0; p < s.h * s.w * s.c; p++)
        wrong += pixels[p] != pictures_value(seed, p / s.c / s.w, p / s.c % s.w, p % s.c);
    CHECK_MSG(!wrong, "sample %d: %d of %d numbers are not those of picture %d", i, wrong, s.h * s.w * s.c, seed);
}

static void check_set(int ntrain, int ntest, int c, int classes)
{
    CHECK_MSG(hsgd_data_count(train) == ntrain, "%d to train", (int)hsgd_data_count(train));
    CHECK_MSG(hsgd_data_count(test) == ntest, "%d to test", (int)hsgd_data_count(test));
    CHECK(!test == !ntest);
    CHECK(hsgd_data_shape(train).c == c && hsgd_data_classes(train) == classes);
}

/* ------------------------------------------------------------------ folders */

static void flat(void)
{
    pictures_begin();
    put("set/dog/b.png", make_png(5, 6, 3, 1));
    put("set/dog/a.PNG", make_png(5, 6, 3, 2));
    put("set/cat/z/deep/c.png", make_png(5, 6, 3, 3));
    put("set/cat/10.png", make_png(5, 6, 3, 4));
    put("set/cat-2/10.jpg", make_png(5, 6, 3, 5)); /* the name may be wrong about the kind */
    put_text("set/.hidden.png", "x");
    put_text("set/cat/._10.png", "x");
    put_text("set/.git/x.png", "x");
    put_text("set/README.md", "x");
    put_text("set/stray.png", "x");
    read_set("set", NULL);
    check_set(5, 0, 3, 3);
    CHECK_STR(hsgd_data_class_name(train, 0), "cat");
    CHECK_STR(hsgd_data_class_name(train, 1), "cat-2");
    CHECK_STR(hsgd_data_class_name(train, 2), "dog");
    static const int seed[] = { 5, 4, 3, 2, 1 }, label[] = { 1, 0, 0, 2, 2 };
    for (int i = 0; i < 5; i++) check_sample(train, i, seed[i], label[i]);
    close_set();
}

static void parts(void)
{
    static const char *const test_name[] = { "test", "val", "valid", "validation" };
    pictures_begin();
    put("a/b/train/x/1.png", make_png(4, 4, 3, 1));
    put("a/b/train/y/1.png", make_png(4, 4, 3, 2));
    put("a/b/notes/y/1.png", make_png(9, 9, 3, 2)); /* in no part */
    for (int i = 3; i >= 0; i--) {                  /* the first of them counts */
        char path[100];
        snprintf(path, sizeof path, "a/b/%s/y/1.png", test_name[i]);
        put(path, make_png(4, 4, 3, 10 + i));
        read_set("a", NULL);
        check_set(2, 1, 3, 2);
        check_sample(train, 0, 1, 0);
        check_sample(train, 1, 2, 1);
        check_sample(test, 0, 10 + i, 1);
        CHECK_STR(hsgd_data_class_name(test, 1), "y");
        close_set();
    }
}

static void colours(void)
{
    uint8_t pixels[3], grey[] = { 77 }, red[] = { 200, 30, 40 };
    pictures_begin();
    put("grey/a/1.png", make_png(7, 3, 1, 1));
    put("grey/b/1.png", make_png(7, 3, 1, 2));
    read_set("grey", NULL);
    check_set(2, 0, 1, 2);
    check_sample(train, 1, 2, 1);
    close_set();
    put("grey/b/2.png", make_png(7, 3, 3, 3));
    read_set("grey", NULL); /* all become RGB */
    check_set(3, 0, 3, 2);
    check_sample(train, 2, 3, 1);
    close_set();
    put("jpeg/a/1.jpg", make_jpeg(1, 1, 3, red));
    put("jpeg/b/1.jpeg", make_jpeg(1, 1, 1, grey));
    read_set("jpeg", NULL);
    check_set(2, 0, 3, 2);
    sample(train, 0, pixels);
    for (int k = 0; k < 3; k++) CHECK_MSG(abs(pixels[k] - red[k]) <= 3, "%d is not %d", pixels[k], red[k]);
    sample(train, 1, pixels);
    for (int k = 0; k < 3; k++) CHECK(pixels[k] == 77);
    close_set();
}

/* Alpha a over black is a times the light of the colour: darker, and black at 0. */
static void transparent(void)
{
    uint8_t pixels[16 * 16 * 3];
    int darker = 0;
    pictures_begin();
    put("set/a/1.png", make_png(16, 16, 4, 0));
    put("set/b/1.png", make_png(16, 16, 2, 0));
    read_set("set", NULL);
    sample(train, 0, pixels);
    for (int i = 0; i < 256; i++) {
        int was = pictures_value(0, i / 16, i % 16, 0), alpha = pictures_value(0, i / 16, i % 16, 3);
        CHECK(pixels[3 * i] <= was);
        darker += pixels[3 * i] < was;
        if (!alpha) CHECK(!pixels[3 * i]);
        if (alpha == 255) CHECK(pixels[3 * i] == was);
    }
    CHECK(darker > 200);
    close_set();
}

static void links(void)
{
    pictures_begin();
    put("set/a/1.png", make_png(4, 4, 3, 1));
    put("elsewhere/p.png", make_png(4, 4, 3, 2));
    put("elsewhere/more/q.png", make_png(4, 4, 3, 3));
    put_folder("set/b/");
    REQUIRE(!symlink("../../elsewhere/p.png", "set/b/1.png"));
    REQUIRE(!symlink("../elsewhere/more", "set/c"));
    REQUIRE(!symlink("/nowhere", "set/README"));
    read_set("set", NULL);
    check_set(3, 0, 3, 3);
    for (int i = 0; i < 3; i++) check_sample(train, i, i + 1, i);
    close_set();
}

/* Weight of pixel k for place i of n, of `length` pixels beginning at `start`. */
static double weight(int k, int i, int n, double start, double length)
{
    double step = length / n, reach = fmax(step, 1);
    return fmax(0, 1 - fabs(k + 0.5 - start - (i + 0.5) * step) / reach);
}

/* Number k of pixel (y, x) of the middle of an h x w picture made n x n. */
static double scaled(int seed, int h, int w, int n, int y, int x, int k)
{
    double side = h < w ? h : w, sum = 0, weights = 0;
    for (int v = 0; v < h; v++)
        for (int u = 0; u < w; u++) {
            double a = weight(v, y, n, (h - side) / 2, side) * weight(u, x, n, (w - side) / 2, side);
            sum += a * pictures_value(seed, v, u, k);
            weights += a;
        }
    return sum / weights;
}

static void resized(void)
{
    static const struct {
        int h, w;
    } size[] = { { 8, 8 }, { 3, 2 }, { 40, 90 }, { 37, 17 }, { 1, 1 } };
    struct hsgd_data_options o = { .size = sizeof o, .resize = 8 };
    uint8_t pixels[8 * 8 * 3];
    char path[60];
    pictures_begin();
    for (int i = 0; i < 5; i++) {
        snprintf(path, sizeof path, "set/%d/1.png", i);
        put(path, make_png(size[i].h, size[i].w, 3, i));
    }
    read_set("set", &o);
    check_set(5, 0, 3, 5);
    check_sample(train, 0, 0, 0);
    for (int i = 0; i < 5; i++) {
        double apart = 0;
        CHECK(sample(train, i, pixels) == i);
        for (int p = 0; p < 192; p++)
            apart = fmax(apart, fabs(pixels[p] - scaled(i, size[i].h, size[i].w, 8, p / 24, p / 3 % 8, p % 3)));
        CHECK_MSG(apart <= 0.51, "%d x %d: off by %g", size[i].h, size[i].w, apart);
    }
    close_set();
}

static void chosen_classes(void)
{
    static const char *const names[] = { "zebra", "cat", "ant" };
    struct hsgd_data_options o = { .size = sizeof o, .classes = 3, .class_name = names };
    pictures_begin();
    put("set/cat/1.png", make_png(4, 4, 3, 1));
    read_set("set", &o);
    check_set(1, 0, 3, 3);
    check_sample(train, 0, 1, 1);
    CHECK_STR(hsgd_data_class_name(train, 2), "ant");
    close_set();
    o = *HSGD_OPTIONS(data, .classes = 5);
    read_set("set", &o);
    check_set(1, 0, 3, 5);
    close_set();
}

/* Several threads: every picture is in its place. */
static void many(void)
{
    pictures_begin();
    for (int i = 0; i < 300; i++) {
        char path[60];
        snprintf(path, sizeof path, "set/%d/%03d.png", i % 3, i);
        put(path, make_png(6, 5, 3, i));
    }
    for (int turn = 0; turn < 3; turn++) {
        read_set("set", NULL);
        check_set(300, 0, 3, 3);
        for (int i = 0; i < 300; i++) check_sample(train, i, i % 100 * 3 + i / 100, i / 100);
        close_set();
    }
}

/* ----------------------------------------------------------------- archives */

static void archives(void)
{
    static const int filter[] = { 0, 'z', 'J' };
    pictures_begin();
    for (int i = 0; i < 3; i++) {
        struct archive *a = tar_begin("set.any", filter[i]); /* names say nothing */
        tar_add(a, "./", (struct bytes){ 0 }, NULL);
        tar_add(a, "./top/README.md", make_png(1, 1, 1, 1), NULL);
        tar_add(a, "./top/README", (struct bytes){ 0 }, "/etc/passwd"); /* a link that is not wanted */
        tar_add(a, "./top/test/b/1.png", make_png(4, 5, 3, 3), NULL);
        tar_add(a, "./top//train/b/1.png", make_png(4, 5, 3, 2), NULL);
        tar_add(a, "./top/train/a/", (struct bytes){ 0 }, NULL);
        tar_add(a, "./top/train/a/x\xc3\xa9/1.png", make_png(4, 5, 3, 1), NULL);
        tar_add(a, "./top/train/a/.hidden.png", make_png(9, 9, 3, 1), NULL);
        tar_end(a);
        read_set("set.any", NULL);
        check_set(2, 1, 3, 2);
        CHECK_STR(hsgd_data_name(train), "set.any");
        check_sample(train, 0, 1, 0);
        check_sample(train, 1, 2, 1);
        check_sample(test, 0, 3, 1);
        close_set();
    }
}

/* -------------------------------------------------------------------- CIFAR */

static const char ten[] = "zero\none\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\n\n";

static void check_cifar(void)
{
    check_set(15, 4, 3, 10);
    CHECK_STR(hsgd_data_class_name(train, 9), "nine");
    CHECK_STR(hsgd_data_class_name(test, 0), "zero");
    for (int i = 0; i < 15; i++) check_sample(train, i, 100 * (i / 3 + 1) + i % 3, i % 3);
    for (int i = 0; i < 4; i++) check_sample(test, i, 600 + i, i);
    close_set();
}

static void cifar_10(void)
{
    struct archive *a;
    char path[100];
    pictures_begin();
    a = tar_begin("cifar.tar.gz", 'z');
    for (int i = 1; i <= 5; i++) {
        snprintf(path, sizeof path, "top/cifar-10-batches-bin/data_batch_%d.bin", i);
        put(path, make_cifar(3, 1, 10, 100 * i));
        tar_add(a, path, make_cifar(3, 1, 10, 100 * i), NULL);
    }
    put("top/cifar-10-batches-bin/test_batch.bin", make_cifar(4, 1, 10, 600));
    put_text("top/cifar-10-batches-bin/batches.meta.txt", ten);
    tar_add(a, "x/test_batch.bin", make_cifar(4, 1, 10, 600), NULL);
    tar_add(a, "x/batches.meta.txt", (struct bytes){ (uint8_t *)strdup(ten), sizeof ten - 1 }, NULL);
    tar_end(a);
    read_set("top", NULL);
    check_cifar();
    read_set("top/cifar-10-batches-bin", NULL);
    check_cifar();
    read_set("cifar.tar.gz", NULL);
    check_cifar();
    CHECK(!remove("top/cifar-10-batches-bin/batches.meta.txt"));
    read_set("top", NULL);
    CHECK_STR(hsgd_data_class_name(train, 9), "9");
    close_set();
}

static void cifar_100(void)
{
    struct hsgd_data_options coarse = { .size = sizeof coarse, .label = "coarse" };
    char names[2000] = "";
    pictures_begin();
    for (int i = 0; i < 100; i++) snprintf(names + strlen(names), sizeof names - strlen(names), "fine %d\r\n", i);
    put("set/train.bin", make_cifar(60, 2, 20, 1));
    put("set/test.bin", make_cifar(5, 2, 20, 2));
    put_text("set/fine_label_names.txt", names);
    read_set("set", NULL);
    check_set(60, 5, 3, 100);
    CHECK_STR(hsgd_data_class_name(train, 99), "fine 99");
    check_sample(train, 59, 60, 59);
    close_set();
    read_set("set", &coarse);
    check_set(60, 5, 3, 20);
    check_sample(train, 59, 60, 19);
    close_set();
}

static const struct core_case cases[] = {
    { "flat", flat },
    { "parts", parts },
    { "colours", colours },
    { "transparent", transparent },
    { "links", links },
    { "resized", resized },
    { "chosen_classes", chosen_classes },
    { "many", many },
    { "archives", archives },
    { "cifar_10", cifar_10 },
    { "cifar_100", cifar_100 },
};
CORE_MAIN(cases)
