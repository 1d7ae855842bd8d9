/* SPDX-License-Identifier: BSD-3-Clause */
/* Images with boxes in COCO's form: classes, boxes, splits, resizing, what is refused. */
#include "files.h"

#include <math.h>

static struct hsgd_context *ctx;

static void begin(void)
{
    pictures_begin();
    ctx = pictures_context();
}

#define IMAGES "\"images\":[{\"id\":9,\"file_name\":\"b.png\"},{\"id\":4,\"file_name\":\"a.png\"}]"
#define KINDS "\"categories\":[{\"id\":7,\"name\":\"dog\"},{\"id\":3,\"name\":\"cat\"}]"
#define BOX(image, kind, box) "{\"image_id\":" #image ",\"category_id\":" #kind ",\"bbox\":[" box "]}"

static void put_set(const char *folder, const char *annotations)
{
    char path[200];
    snprintf(path, sizeof path, "%s/annotations.json", folder);
    put_text(path, annotations);
    snprintf(path, sizeof path, "%s/a.png", folder);
    put(path, make_png(10, 20, 3, 1));
    snprintf(path, sizeof path, "%s/images/b.png", folder);
    put(path, make_png(10, 20, 1, 2));
}

static void boxes(const struct hsgd_data *d, int64_t i, int n, const float *want)
{
    float got[64];
    struct hsgd_type t = hsgd_data_type(d, "boxes");
    REQUIRE(t.rank == 2 && t.dim[1] == 5 && t.dim[0] * 5 == n && n <= 64);
    REQUIRE(!hsgd_data_gather_field(d, hsgd_data_find(d, "boxes"), &i, 1, NULL, got));
    for (int k = 0; k < n; k++)
        CHECK_MSG(fabsf(got[k] - want[k]) < 1e-6f, "sample %lld, value %d: %g, not %g", (long long)i, k, (double)got[k],
                  (double)want[k]);
}
#define BOXES(d, i, ...) boxes(d, i, sizeof((float[]){ __VA_ARGS__ }) / sizeof(float), (const float[]){ __VA_ARGS__ })

static const char usual[] =
    "{" IMAGES "," KINDS ",\"annotations\":[" BOX(4, 7, "1,1,4,6") "," BOX(4, 3, "10,5,10,5") "," BOX(
        9, 3, "0,0,20,10") ",{\"image_id\":4,\"category_id\":3,\"bbox\":[0,0,1,1],\"iscrowd\":1}]}";

static void one_split(void)
{
    char text[200];
    begin();
    put_set("set", usual);
    struct set s = read_set(ctx, "set", NULL);
    CHECK(!s.test);
    expect_shape(s.train, 2, 10, 20, 3);
    CHECK(hsgd_data_classes(s.train) == 2 && !strcmp(hsgd_data_class_name(s.train, 0), "cat"));
    BOXES(s.train, 0, 1, 0.15f, 0.4f, 0.2f, 0.6f, 0, 0.75f, 0.75f, 0.5f, 0.5f); /* image 4 */
    BOXES(s.train, 1, 0, 0.5f, 0.5f, 1, 1, -1, 0, 0, 0, 0);
    float x[600];
    CHECK(!hsgd_data_gather_field(s.train, 0, &(int64_t){ 0 }, 1, NULL, x));
    CHECK(fabsf(x[3 * 25 + 1] * 255 - pictures_value(1, 1, 5, 1)) < 1e-3f);
    hsgd_data_summary(s.train, text, sizeof text);
    CHECK_STR(text, "coco, 2 samples of 10x20x3, boxes 2x5, 2 classes (cat, dog)");
    struct hsgd_record *r = hsgd_record_create(ctx, s.train);
    struct set again = read_set(ctx, "set", HSGD_OPTIONS(data, .record = r));
    CHECK(!hsgd_record_check(ctx, r, again.train));
    close_set(&again);
    hsgd_record_destroy(&r);
    close_set(&s);
}

/* The centred square of 10 x 10 pixels begins at x = 5. */
static void resized(void)
{
    begin();
    put_set("set", usual);
    struct set s = read_set(ctx, "set", HSGD_OPTIONS(data, .resize = 5));
    expect_shape(s.train, 2, 5, 5, 3);
    BOXES(s.train, 0, 0, 0.75f, 0.75f, 0.5f, 0.5f); /* the other box is outside */
    BOXES(s.train, 1, 0, 0.5f, 0.5f, 1, 1);
    close_set(&s);
}

static void splits(void)
{
    begin();
    put_set("set/train", usual);
    put_set("set/val",
            "{" IMAGES ",\"categories\":[{\"id\":1,\"name\":\"dog\"}],\"annotations\":[" BOX(9, 1, "0,0,4,5") "]}");
    struct set s = read_set(ctx, "set", NULL);
    REQUIRE(s.test);
    CHECK(hsgd_data_count(s.test) == 2 && hsgd_data_classes(s.test) == 2);
    BOXES(s.test, 0, -1, 0, 0, 0, 0, -1, 0, 0, 0, 0);
    BOXES(s.test, 1, 1, 0.1f, 0.25f, 0.2f, 0.5f, -1, 0, 0, 0, 0);
    close_set(&s);
    put_set("set/val",
            "{" IMAGES ",\"categories\":[{\"id\":1,\"name\":\"cow\"}],\"annotations\":[" BOX(9, 1, "0,0,4,5") "]}");
    expect_refused(ctx, "set", NULL, "set/val/annotations.json: category 1 is not among the 2 of the training data");
}

static void refused(void)
{
    static const struct {
        const char *text, *sentence;
    } list[] = {
        { "{", "set/annotations.json:1: not valid JSON: string or '}' expected near end of file" },
        { "{}", "set/annotations.json: \"images\" is not a list of images" },
        { "{" IMAGES "}", "set/annotations.json: \"annotations\" is not a list" },
        { "{" IMAGES ",\"annotations\":[]}", "set/annotations.json: \"categories\" is not a list of categories" },
        { "{\"images\":[{\"id\":1},{\"id\":1}],\"annotations\":[]," KINDS "}",
          "set/annotations.json: each of the images needs an integer \"id\" of its own" },
        { "{\"images\":[{\"id\":1}],\"annotations\":[]," KINDS "}",
          "set/annotations.json: an image has no \"file_name\"" },
        { "{\"images\":[{\"id\":1,\"file_name\":\"../a.png\"}],\"annotations\":[]," KINDS "}",
          "set/annotations.json: a \"file_name\" leads out of the folder" },
        { "{" IMAGES ",\"annotations\":[],\"categories\":[{\"id\":1}]}",
          "set/annotations.json: a category has no \"name\"" },
        { "{" IMAGES "," KINDS ",\"annotations\":[" BOX(5, 3, "0,0,1,1") "]}",
          "set/annotations.json: an annotation has the unknown image_id 5" },
        { "{" IMAGES "," KINDS ",\"annotations\":[" BOX(4, 5, "0,0,1,1") "]}",
          "set/annotations.json: an annotation has the unknown category_id 5" },
        { "{" IMAGES "," KINDS ",\"annotations\":[" BOX(4, 3, "0,0,1,0") "]}",
          "set/annotations.json: a \"bbox\" is not [x, y, width, height] with positive sizes" },
        { "{" IMAGES "," KINDS ",\"annotations\":[" BOX(4, 3, "0,0,1") "]}",
          "set/annotations.json: a \"bbox\" is not [x, y, width, height] with positive sizes" },
    };
    begin();
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        put_set("set", list[i].text);
        expect_refused(ctx, "set", NULL, list[i].sentence);
    }
    put_set("set", usual);
    put("set/a.png", make_png(12, 20, 3, 1));
    expect_refused(ctx, "set", NULL,
                   "set/images/b.png: is 10 x 20 pixels, others are 12 x 20; --resize makes them equal");
}

static const struct core_case cases[] = {
    { "one_split", one_split }, { "resized", resized }, { "splits", splits }, { "refused", refused }
};
CORE_MAIN(cases)
