/* SPDX-License-Identifier: BSD-3-Clause */
/* Pictures, folders, archives and CIFAR files that are refused, each with its
 * sentence. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "pictures.h"

#include <archive.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

static struct hsgd_context *ctx;

static void begin(void)
{
    pictures_begin();
    ctx = pictures_context();
}

static void refused_with(const char *path, const struct hsgd_data_options *o, const char *sentence)
{
    struct hsgd_data *train, *test;
    CHECK(hsgd_data_read(ctx, path, o, &train, &test) < 0);
    CHECK_STR(hsgd_error(ctx), sentence);
    CHECK(!train && !test);
}

static void refused(const char *path, const char *sentence) { refused_with(path, NULL, sentence); }

static void big_endian(uint8_t *to, uint32_t v)
{
    for (int i = 0; i < 4; i++) to[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* ----------------------------------------------------------------- pictures */

/* A set of one good picture, 8 x 8, and this one. */
static void picture(struct bytes b, const char *sentence)
{
    put("set/a/1.png", make_png(8, 8, 3, 1));
    put("set/b/1.png", b);
    refused("set", sentence);
}

static struct bytes cut(struct bytes b, size_t n)
{
    b.n = n;
    return b;
}

/* The header of a PNG with another number at `offset`, and its sum right again. */
static struct bytes png_with(size_t offset, uint32_t v)
{
    struct bytes b = make_png(8, 8, 3, 1);
    big_endian(b.at + offset, v);
    big_endian(b.at + 29, (uint32_t)crc32(0, b.at + 12, 17));
    return b;
}

enum { PNG_WIDTH = 16, PNG_HEIGHT = 20 };

static struct bytes png_sized(uint32_t h, uint32_t w)
{
    struct bytes b = png_with(PNG_HEIGHT, h);
    big_endian(b.at + PNG_WIDTH, w);
    big_endian(b.at + 29, (uint32_t)crc32(0, b.at + 12, 17));
    return b;
}

static void png(void)
{
    begin();
    struct bytes b = make_png(8, 8, 3, 1);
    b.at[b.n / 2] ^= 1;
    picture(b, "set/b/1.png: the PNG image is damaged: IDAT: CRC error");
    picture(cut(make_png(8, 8, 3, 1), 60), "set/b/1.png: the PNG image is damaged: read beyond end of data");
    picture(cut(make_png(8, 8, 3, 1), 20), "set/b/1.png: the PNG header is invalid: read beyond end of data");
    picture(cut(make_png(8, 8, 3, 1), 4), "set/b/1.png: the PNG header is invalid: read beyond end of data");
    b = make_png(8, 8, 3, 1);
    b.at[PNG_WIDTH + 3] ^= 1;
    picture(b, "set/b/1.png: the PNG header is invalid: IHDR: CRC error");
    picture(png_with(PNG_WIDTH, 0), "set/b/1.png: the PNG header is invalid: Invalid IHDR data");
    picture(png_with(PNG_HEIGHT, 0xffffffff),
            "set/b/1.png: the PNG header is invalid: PNG unsigned integer out of range");
    picture(png_sized(0x7fffffff, 0x7fffffff), "set/b/1.png: the PNG header is invalid: Invalid IHDR data");
    picture(cut(png_sized(1000000, 1000000), 100),
            "set/b/1.png: 1000000 x 1000000 pixels in a file of 100 bytes; more than 8800 per byte are impossible");
    picture(cut(png_sized(1, 880000), 100),
            "set/b/1.png: 1 x 880000 pixels in a file of 100 bytes; more than 8800 per byte are impossible");
    picture(png_with(24, 0x03020000), "set/b/1.png: the PNG header is invalid: Invalid IHDR data");
}

static void jpeg(void)
{
    static const uint8_t colour[] = { 9, 99, 199 };
    begin();
    struct bytes b = make_jpeg(8, 8, 3, colour);
    size_t n = b.n;
    picture(cut(b, n - 6), "set/b/1.png: the JPEG image is damaged: Premature end of JPEG file");
    picture(cut(make_jpeg(8, 8, 3, colour), 40), "set/b/1.png: ends before its size is known");
    b = make_jpeg(8, 8, 3, colour);
    uint8_t *frame = memmem(b.at, b.n, "\xff\xc0", 2);
    REQUIRE(frame);
    memset(frame + 5, 0xfe, 4);
    char sentence[200];
    snprintf(sentence, sizeof sentence,
             "set/b/1.png: 65278 x 65278 pixels in a file of %zu bytes; more than 8800 per byte are impossible", n);
    picture(b, sentence);
    b = make_jpeg(8, 8, 3, colour);
    memset((uint8_t *)memmem(b.at, b.n, "\xff\xc0", 2) + 5, 0, 4);
    picture(b, "set/b/1.png: the JPEG header is invalid: Empty JPEG image (DNL not supported)");
    b = make_jpeg(8, 8, 3, colour);
    memset((uint8_t *)memmem(b.at, b.n, "\xff\xda", 2) + 14, 0xff, 8);
    picture(b, "set/b/1.png: the JPEG image is damaged: Unsupported marker type 0x2b");
}

static void sizes(void)
{
    static const uint8_t colour[] = { 9, 99, 199 };
    begin();
    picture(make_png(8, 9, 3, 1),
            "set/b/1.png: is 8 x 9 pixels, but set/a/1.png is 8 x 8; --resize N makes all images N x N");
    picture(make_jpeg(7, 8, 3, colour),
            "set/b/1.png: is 7 x 8 pixels, but set/a/1.png is 8 x 8; --resize N makes all images N x N");
    picture((struct bytes){ malloc(1), 0 }, "set/b/1.png: is neither a PNG nor a JPEG image (0 bytes)");
    picture((struct bytes){ (uint8_t *)strdup("GIF89a"), 6 },
            "set/b/1.png: is neither a PNG nor a JPEG image (6 bytes)");
    for (int i = 0; i < 20; i++) { /* of several the first is named, whichever thread finds it */
        char path[60];
        for (int k = 0; !i && k < 200; k++) {
            snprintf(path, sizeof path, "many/%d/%03d.png", k % 2, k);
            put(path, make_png(4, k > 99 ? 5 : 4, 3, k));
        }
        refused("many",
                "many/0/100.png: is 4 x 5 pixels, but many/0/000.png is 4 x 4; --resize N makes all images N x N");
    }
}

/* Pictures of one colour, all alike, in a small archive. */
static void bomb(void)
{
    char name[60], sentence[200];
    begin();
    struct archive *a = tar_begin("bomb.tar.xz", 'J');
    uint8_t colour[] = { 1 };
    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof name, "%d/%d.jpg", i % 2, i);
        tar_add(a, name, make_jpeg(1200, 1200, 1, colour), NULL);
    }
    tar_end(a);
    struct bytes b = get("bomb.tar.xz");
    snprintf(sentence, sizeof sentence,
             "bomb.tar.xz: 40 images of 1200 x 1200 would need more than 1100 times their %zu bytes", b.n);
    free(b.at);
    refused("bomb.tar.xz", sentence);
}

/* ------------------------------------------------------------------ folders */

static void folders(void)
{
    static const char *const names[] = { "a", "c" };
    struct hsgd_data_options images = { .size = sizeof images, .format = "images" };
    begin();
    put("set/a/1.png", make_png(8, 8, 3, 1));
    refused("set", "set: has only one class, \"a\"; training needs 2");
    put_folder("set/b/c/");
    refused("set", "set/b: the class folder has no PNG or JPEG image");
    put("set/b/c/1.png", make_png(8, 8, 3, 1));
    refused_with("set", HSGD_OPTIONS(data, .classes = 2, .class_name = names),
                 "set: class \"b\" is not one of the 2 known classes");
    refused_with("set", HSGD_OPTIONS(data, .classes = 1), "set: class \"b\" is not one of the 1 known classes");
    refused_with("set", HSGD_OPTIONS(data, .resize = -1), "data set \"set\": resize is -1, it must be in 0..4096");
    refused_with("set", HSGD_OPTIONS(data, .resize = 4097), "data set \"set\": resize is 4097, it must be in 0..4096");
    refused_with("set", HSGD_OPTIONS(data, .resize = 4096),
                 "set: 2 images of 4096 x 4096 would need more than 1100 times their 224 bytes");
    put_text("empty/a/notes.txt", "x");
    refused_with("empty", &images, "empty: has no PNG or JPEG image");
    put("loose/1.png", make_png(8, 8, 3, 1));
    refused("loose", "loose: images are not in class folders; expected are CLASS/*.png or train/CLASS/*.png");
    put("split/train/a/1.png", make_png(8, 8, 3, 1));
    put("split/train/b/1.png", make_png(8, 8, 3, 1));
    put("split/val/c/1.png", make_png(8, 8, 3, 1));
    refused("split", "split/val/c/1.png: class \"c\" is not one of the 2 training classes");
    refused_with("nowhere", &images, "nowhere: cannot open: No such file or directory");
    refused_with("set/a/1.png", &images, "set/a/1.png: the archive is damaged: Unrecognized archive format");
}

static void odd_folders(void)
{
    char deep[200] = "deep/";
    begin();
    put("loop/a/1.png", make_png(8, 8, 3, 1));
    REQUIRE(!symlink("..", "loop/a/up"));
    refused("loop", "loop/a/up: a link leads back to a folder that contains it");
    put("gone/a/1.png", make_png(8, 8, 3, 1));
    REQUIRE(!symlink("nothing", "gone/a/2.png"));
    refused("gone", "gone/a/2.png: cannot open: No such file or directory");
    for (int i = 0; i < 40; i++) strcat(deep, "d/");
    put_folder(deep);
    put("deep/1.png", make_png(8, 8, 3, 1));
    deep[4 + 2 * 33] = 0;
    strcat(deep, ": folders are nested more than 32 deep");
    refused("deep", deep);
    if (!geteuid()) {
        core_skip("unreadable files: root reads them");
        return;
    }
    put("shut/a/1.png", make_png(8, 8, 3, 1));
    put("shut/b/1.png", make_png(8, 8, 3, 1));
    REQUIRE(!chmod("shut/b/1.png", 0));
    refused("shut", "shut/b/1.png: cannot open: Permission denied");
    REQUIRE(!chmod("shut/b", 0));
    refused("shut", "shut/b: cannot open: Permission denied");
    REQUIRE(!chmod("shut/b", 0700));
}

/* ----------------------------------------------------------------- archives */

/* An archive of one good picture and this member. */
static void member(const char *name, struct bytes b, const char *link, const char *sentence)
{
    struct archive *a = tar_begin("t", 0);
    tar_add(a, "x/a/1.png", make_png(8, 8, 3, 1), NULL);
    tar_add(a, name, b, link);
    tar_end(a);
    refused("t", sentence);
}

static void members(void)
{
    begin();
    member("x/../../b/1.png", make_png(8, 8, 3, 1), NULL, "t: member \"x/../../b/1.png\" has .. in its path");
    member("..", (struct bytes){ 0 }, NULL, "t: member \"..\" has .. in its path");
    member("x/b/..", (struct bytes){ 0 }, NULL, "t: member \"x/b/..\" has .. in its path");
    member("/etc/1.png", make_png(8, 8, 3, 1), NULL, "t: member \"/etc/1.png\" has an absolute path");
    member("x/b/1.png", (struct bytes){ 0 }, "/etc/passwd", "t: member \"x/b/1.png\" is a link, not a file");
    member("x/a/1.png", make_png(8, 8, 3, 1), NULL, "t/x/a/1.png: appears twice");
    member("./x//a/1.png", make_png(8, 8, 3, 1), NULL, "t/x/a/1.png: appears twice");
    member("x/b/1.png", make_png(9, 8, 3, 1), NULL,
           "t/x/b/1.png: is 9 x 8 pixels, but t/x/a/1.png is 8 x 8; --resize N makes all images N x N");
    member("x/b/", (struct bytes){ 0 }, NULL, "t/x/b: the class folder has no PNG or JPEG image");
    member("x/README", (struct bytes){ 0 }, NULL, "t: has only one class, \"a\"; training needs 2");
    struct archive *a = tar_begin("t", 'z');
    tar_add(a, "README", make_png(8, 8, 3, 1), NULL);
    tar_end(a);
    refused("t", "t: has no PNG or JPEG image");
}

static struct bytes two_members(int filter)
{
    struct archive *a = tar_begin("t", filter);
    tar_add(a, "x/a/1.png", make_png(32, 32, 3, 1), NULL);
    tar_add(a, "x/b/1.png", make_png(32, 32, 3, 2), NULL);
    tar_end(a);
    return get("t");
}

/* The header at `offset` with another byte, and its sum right again. */
static void change_header(struct bytes b, size_t offset, size_t at, uint8_t v)
{
    unsigned sum = 0;
    b.at[offset + at] = v;
    memset(b.at + offset + 148, ' ', 8);
    for (int i = 0; i < 512; i++) sum += b.at[offset + i];
    snprintf((char *)b.at + offset + 148, 8, "%06o", sum);
}

static void damaged_archives(void)
{
    struct hsgd_data_options tar = { .size = sizeof tar, .format = "tar" };
    begin();
    put("t", cut(two_members(0), 700));
    refused("t", "t: the archive is damaged: Truncated tar archive");
    struct bytes b = two_members(0);
    uint8_t *second = memmem(b.at, b.n, "x/b/1.png", 9);
    REQUIRE(second);
    second[3] ^= 1;
    put("t", b);
    refused("t", "t: the archive is damaged: Damaged tar archive");
    b = two_members(0);
    change_header(b, 0, 124, '7'); /* the size: 8 GB */
    put("t", b);
    refused("t", "t: the archive is damaged: Truncated tar archive");
    b = two_members(0);
    change_header(b, 0, 157, 'y'); /* where a link leads to */
    change_header(b, 0, 156, '1'); /* the type: a hard link */
    put("t", b);
    refused("t", "t: member \"x/a/1.png\" is a link, not a file");
    b = two_members('z');
    put("t", cut(b, b.n - 12));
    refused("t", "t: the gzip stream ends early");
    b = two_members('J');
    put("t", cut(b, b.n - 1));
    refused("t", "t: the xz stream ends early");
    b = two_members('J');
    b.at[b.n / 2] ^= 1;
    put("t", b);
    refused("t", "t: the xz stream is corrupt");
    put_text("t", "no tar at all");
    refused_with("t", &tar, "t: the archive is damaged: Unrecognized archive format");
    put("t", (struct bytes){ malloc(1), 0 });
    refused("t", "data set \"t\": the file is empty");
    struct archive *a = tar_begin("t", 'J');
    tar_add(a, "x/a/1.bin", (struct bytes){ calloc(1, 40 << 20), 40 << 20 }, NULL);
    tar_end(a);
    refused("t", "t: the xz stream expands to more than 1100 times its size");
}

/* -------------------------------------------------------------------- CIFAR */

static void good_cifar(void)
{
    char path[60];
    for (int i = 1; i <= 5; i++) {
        snprintf(path, sizeof path, "c/data_batch_%d.bin", i);
        put(path, make_cifar(2, 1, 10, i));
    }
    put("c/test_batch.bin", make_cifar(2, 1, 10, 6));
}

static struct bytes labelled(int labels, int place, uint8_t label)
{
    struct bytes b = make_cifar(2, labels, 10, 1);
    b.at[3072 + labels + place] = label;
    return b;
}

static void cifar_10(void)
{
    struct hsgd_data_options fine = { .size = sizeof fine, .label = "fine" },
                             cifar = { .size = sizeof cifar, .format = "cifar" };
    begin();
    good_cifar();
    put("c/data_batch_2.bin", cut(make_cifar(2, 1, 10, 1), 6145));
    refused("c", "c/data_batch_2.bin: length is 6145 bytes, a CIFAR-10 file has records of 3073");
    put("c/data_batch_2.bin", cut(make_cifar(2, 1, 10, 1), 0));
    refused("c", "c/data_batch_2.bin: length is 0 bytes, a CIFAR-10 file has records of 3073");
    put("c/data_batch_2.bin", labelled(1, 0, 10));
    refused("c", "c/data_batch_2.bin: label of record 1 is 10, it must be in 0..9");
    remove("c/data_batch_2.bin");
    refused("c", "c: data_batch_2.bin of CIFAR-10 is missing");
    good_cifar();
    put("c/test_batch.bin", labelled(1, 0, 255));
    refused("c", "c/test_batch.bin: label of record 1 is 255, it must be in 0..9");
    remove("c/test_batch.bin");
    refused("c", "c: test_batch.bin of CIFAR-10 is missing");
    good_cifar();
    put_text("c/batches.meta.txt", "a\nb\n\n");
    refused("c", "c/batches.meta.txt: has 2 class names, CIFAR-10 has 10 classes");
    refused_with("c", &fine, "c: there is no label \"fine\"; CIFAR-10 has class");
    put_text("d/x/1.txt", "x");
    refused_with("d", &cifar, "d: has no data_batch_1.bin (CIFAR-10) nor train.bin (CIFAR-100)");
}

static void cifar_100(void)
{
    struct hsgd_data_options class = { .size = sizeof class, .label = "class" },
                             coarse = { .size = sizeof coarse, .label = "coarse" };
    begin();
    put("c/train.bin", make_cifar(2, 2, 10, 6));
    put("c/test.bin", labelled(2, 1, 100));
    put("c/fine_label_names.txt", (struct bytes){ malloc(1), 0 });
    refused("c", "c/fine_label_names.txt: has 0 class names, CIFAR-100 has 100 classes");
    refused_with("c", &class, "c: there is no label \"class\"; CIFAR-100 has coarse and fine");
    put("c/test.bin", labelled(2, 0, 20));
    refused_with("c", &coarse, "c/test.bin: label of record 1 is 20, it must be in 0..19");
}

static const struct core_case cases[] = {
    { "png", png },           { "jpeg", jpeg },
    { "sizes", sizes },       { "bomb", bomb },
    { "folders", folders },   { "odd_folders", odd_folders },
    { "members", members },   { "damaged_archives", damaged_archives },
    { "cifar_10", cifar_10 }, { "cifar_100", cifar_100 },
};
CORE_MAIN(cases)
