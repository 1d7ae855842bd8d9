/* SPDX-License-Identifier: BSD-3-Clause */
/* Records of data sets: their text, what damages it, and data that is read by
 * them. */
#include "core.h"

#include <math.h>

#include "data/record.h"

static struct hsgd_context *ctx;

/* A context that only holds the error. */
static void begin(void)
{
    struct hsgd_context_options none = { .size = sizeof none, .devices = "none" };
    REQUIRE(!hsgd_create(&ctx, &none));
}

static void end(void) { hsgd_destroy(&ctx); }

static struct hsgd_names *names(const char *a, const char *b)
{
    return hsgd_names_copy((const char *const[]){ a, b }, 2);
}

/* Rows of two numbers with names, of two classes. */
static struct hsgd_data *rows(const float *x, int64_t n, const char *a, const char *b)
{
    int32_t label[64];
    for (int i = 0; i < n; i++) label[i] = i % 2;
    struct hsgd_data *d = hsgd_data_memory(ctx, x, label, n, (struct hsgd_shape){ 1, 1, 2 }, 2, HSGD_COPY);
    REQUIRE(d);
    if (a) d->x.columns = names(a, b);
    return d;
}

static struct hsgd_data *bytes(const char *x, int64_t n, struct hsgd_shape shape, bool integers)
{
    struct hsgd_data *d = hsgd_data_new(ctx, "bytes");
    REQUIRE(d);
    d->count = n;
    d->x.type = hsgd_image(shape.h, shape.w, shape.c);
    d->y.classes = 1;
    d->x.integers = integers;
    REQUIRE(!hsgd_data_allocate(ctx, d));
    memcpy(d->x.owned, x, (size_t)(n * hsgd_data_size(d)));
    return d;
}

static void same(const struct hsgd_names *a, const struct hsgd_names *b)
{
    REQUIRE(!a == !b);
    REQUIRE(!a || a->count == b->count);
    for (int i = 0; a && i < a->count; i++) CHECK_STR(a->name[i], b->name[i]);
}

/* -------------------------------------------------------------------- text */

static void round_trip(void)
{
    const float x[] = { 1, 2.5f, 1e-7f, -3 };
    begin();
    struct hsgd_data *d = rows(x, 2, "caf\xe9", "line\nend");
    d->y.columns = names("kind", "kind");
    d->y.names = names("A", "B");
    d->ignored = names("id", "\xff");
    struct hsgd_record *r = hsgd_record_create(ctx, d), *again;
    struct hsgd_normalisation *norm = hsgd_data_statistics(d), *read;
    REQUIRE(r && norm);
    char *text = record_text(ctx, r, norm);
    REQUIRE(text);
    again = record_parse(ctx, "file", text, &read);
    CHECK_MSG(again && read, "%s", hsgd_error(ctx));
    REQUIRE(again && read);
    same(r->x.columns, again->x.columns);
    same(r->ignored, again->ignored);
    same(r->y.names, again->y.names);
    CHECK_STR(again->y.columns->name[0], "kind");
    CHECK_STR(again->format, "memory");
    CHECK_STR(again->x.hash, r->x.hash);
    CHECK_STR(again->y.hash, r->y.hash);
    CHECK(again->count == 2 && again->y.classes == 2 && record_shape(again).c == 2 && again->x.unit == UNIT_STORED);
    CHECK(again->x.low == -3 && again->x.high == 2.5);
    for (int i = 0; i < 2; i++) CHECK(read->mean[i] == norm->mean[i] && read->inv_std[i] == norm->inv_std[i]);
    CHECK(!hsgd_record_check(ctx, again, d));
    free(text);
    hsgd_normalisation_destroy(&norm);
    hsgd_normalisation_destroy(&read);
    hsgd_record_destroy(&again);
    hsgd_record_destroy(&r);
    hsgd_data_destroy(&d);
    end();
}

#define X "\"x\":{\"version\":1,\"shape\":[1,1,2]"
#define LABEL "\"label\":{\"version\":1,\"classes\":2}"
#define BOX "\"box\":{\"version\":1,\"dtype\":\"f32\",\"dim\":[3,2]"
#define TEXT(fields) "{\"version\":1,\"format\":\"csv\",\"samples\":3,\"fields\":{" fields "}}"
static const struct {
    const char *text, *message;
} damages[] = {
    { TEXT(X "}," LABEL), NULL },
    { "{", "string or '}' expected near end of file" },
    { "[]", "it is not an object with a version" },
    { "{\"version\":2}", "it has version 2, only 1 is read" },
    { "{\"version\":1,\"samples\":3}", "format is not a string" },
    { "{\"version\":1,\"format\":\"csv\",\"samples\":-1}", "samples is not a count" },
    { "{\"version\":1,\"format\":\"csv\",\"samples\":3}", "fields is not an object" },
    { TEXT(X "}"), NULL },
    { TEXT(""), "fields is not an object" },
    { TEXT(X "},\"label\":3"), "label is not an object with a version" },
    { TEXT(X "}," LABEL ",\"mask\":{}"), "field \"mask\" has no dtype" },
    { TEXT(X "}," BOX "}"), NULL },
    { TEXT(X "},\"box\":{\"dtype\":\"f32\"}"), "box is not an object with a version" },
    { TEXT(X "},\"box\":{\"version\":2,\"dtype\":\"f32\"}"), "box has version 2, only 1 is read" },
    { TEXT(X "},\"box\":{\"version\":1,\"dtype\":\"f16\"}"), "dtype is not \"f32\", \"i32\" or \"u8\"" },
    { TEXT(X "},\"box\":{\"version\":1,\"dtype\":\"f32\"}"), "dim is not a list of sizes" },
    { TEXT(X "},\"box\":{\"version\":1,\"dtype\":\"f32\",\"dim\":[2,0]}"), "dim is not a list of sizes" },
    { TEXT(X "},\"box\":{\"version\":1,\"dtype\":\"f32\",\"dim\":[1,1,1,1,1,1,1]}"), "dim is not a list of sizes" },
    { TEXT(X "}," BOX ",\"columns\":[\"a\"]}"), "columns is not a name for every column" },
    { TEXT(X "}," BOX ",\"mean\":[0],\"inv_std\":[\"\"]}"), "inv_std is not a list of numbers, one for each channel" },
    { TEXT(X "},\"\":{\"dtype\":\"f32\"}"), "fields is not an object with names of 1 to 31 bytes" },
    { TEXT("\"x\":{\"version\":7}," LABEL), "x has version 7, only 1 is read" },
    { TEXT("\"x\":{\"version\":1,\"shape\":[1,0,2]}," LABEL), "shape is not [height, width, channels]" },
    { TEXT("\"x\":{\"version\":1,\"shape\":[65536,65536,1]}," LABEL), "shape is not [height, width, channels]" },
    { TEXT(X ",\"columns\":[1,2]}," LABEL), "columns is not a list of strings" },
    { TEXT(X ",\"columns\":[\"a\"]}," LABEL), "columns is not a name for every column" },
    { TEXT(X ",\"unit\":\"metres\"}," LABEL), "unit is not \"8-bit\" or \"as stored\"" },
    { TEXT(X ",\"unit\":\"8-bit\",\"minimum\":0}," LABEL), "maximum is not a number" },
    { TEXT(X ",\"mean\":[0],\"inv_std\":[]}," LABEL), "inv_std is not a list of numbers, one for each channel" },
    { TEXT(X ",\"inv_std\":[1]}," LABEL), "mean is not a list of numbers, one for each channel" },
    { TEXT(X ",\"sha256\":\"12\"}," LABEL), "sha256 is not a digest" },
    { TEXT(X "},\"label\":{\"version\":1,\"classes\":-2}"), "classes is not a list of strings or a number of classes" },
    { TEXT(X "},\"label\":{\"version\":1,\"classes\":[]}"), "classes is not a list of strings" },
    { TEXT(X "},\"label\":{\"version\":1,\"classes\":2,\"column\":3}"), "column is not a string" },
};

static void damaged(void)
{
    begin();
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        struct hsgd_normalisation *norm;
        char want[300];
        struct hsgd_record *r = record_parse(ctx, "file", damages[i].text, &norm);
        CHECK_MSG(!r == (damages[i].message != NULL) && !norm, "%s: %s", damages[i].text, hsgd_error(ctx));
        if (damages[i].message) {
            snprintf(want, sizeof want, "file: record of the data: %s", damages[i].message);
            CHECK_STR(hsgd_error(ctx), want);
        }
        hsgd_record_destroy(&r);
    }
    end();
}

/* --------------------------------------------------------------- comparison */

static void differences(void)
{
    const float x[] = { 1, 2, 3, 4, 5, 6 }, y[] = { 1, 2, 3, 4, 5, 7 };
    begin();
    struct hsgd_data *a = rows(x, 3, "a", "b"), *b = rows(x, 3, "b", "a"), *c = rows(y, 3, "a", "b"),
                     *d = rows(x, 2, NULL, NULL);
    struct hsgd_record *r = hsgd_record_create(ctx, a);
    REQUIRE(r);
    CHECK(!hsgd_record_check(ctx, r, a));
    CHECK(hsgd_record_check(ctx, r, b) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "data \"memory\": column 1 is \"b\", but \"a\" in the training data");
    CHECK(hsgd_record_check(ctx, r, c) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "the checkpoint was made with other values of the training samples");
    CHECK(hsgd_record_check(ctx, r, d) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "the checkpoint was made with 3 training samples, not 2");
    ((int32_t *)a->y.owned)[1] = 0;
    CHECK(hsgd_record_check(ctx, r, a) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "the checkpoint was made with other labels of the training samples");
    a->y.classes = 3;
    CHECK(hsgd_record_check(ctx, r, a) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "the checkpoint was made with 2 classes, not 3: \"2\" is new");
    a->y.classes = 2;
    a->y.names = names("0", "cat");
    CHECK(hsgd_record_check(ctx, r, a) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "the checkpoint was made with \"1\" as class 1, not \"cat\"");
    CHECK(hsgd_record_check(ctx, NULL, a) == -EINVAL && hsgd_record_check(ctx, r, NULL) == -EINVAL);
    CHECK(!hsgd_record_create(ctx, NULL));
    CHECK_STR(hsgd_record_format(NULL), "");
    hsgd_record_destroy(&r);
    hsgd_record_destroy(&r);
    hsgd_record_destroy(NULL);
    hsgd_data_destroy(&a);
    hsgd_data_destroy(&b);
    hsgd_data_destroy(&c);
    hsgd_data_destroy(&d);
    end();
}

/* ------------------------------------------------------------------ reading */

/* Fits d to the record of `as`; message: why not, or NULL.  d is freed. */
static void fit(struct hsgd_data *as, struct hsgd_data *d, const float *want, const char *message)
{
    float x[16];
    struct hsgd_record *r = hsgd_record_create(ctx, as);
    REQUIRE(r && hsgd_data_size(d) <= 16);
    int err = record_fit(ctx, r, d);
    CHECK_MSG(err == (message ? -EINVAL : 0), "%d: %s", err, hsgd_error(ctx));
    if (message) CHECK_STR(hsgd_error(ctx), message);
    for (int64_t i = 0; !err && i < hsgd_data_count(d); i++) {
        hsgd_data_gather(d, &i, 1, NULL, x, NULL);
        for (int64_t k = 0; k < hsgd_data_size(d); k++)
            CHECK_MSG(fabsf(x[k] - want[i * hsgd_data_size(d) + k]) < 1e-6f, "sample %d, value %d: %g", (int)i, (int)k,
                      (double)x[k]);
    }
    hsgd_record_destroy(&r);
    hsgd_data_destroy(&d);
}

static void columns(void)
{
    const float x[] = { 1, 2, 3, 4 }, swapped[] = { 2, 1, 4, 3 };
    begin();
    struct hsgd_data *as = rows(x, 2, "a", "b");
    fit(as, rows(x, 2, "a", "b"), x, NULL);
    fit(as, rows(x, 2, "b", "a"), swapped, NULL);
    fit(as, rows(x, 2, NULL, NULL), x, NULL);
    fit(as, rows(x, 2, "b", "c"), NULL, "memory: column \"a\" of the training data is missing, and \"c\" is unknown");
    hsgd_data_destroy(&as);
    end();
}

static void units(void)
{
    struct hsgd_shape two = { 1, 1, 2 };
    const float whole[] = { 0, 255, 51, 102 }, parts[] = { 0, 1, 0.2f, 0.4f }, wild[] = { 0, 300, 1, 2 },
                negative[] = { -1, 0.5f, 0, 0 }, binary[] = { 0, 1, 1, 0 };
    const char x[] = "\0\377\63\146", small[] = "\0\1\1\0";
    begin();
    struct hsgd_data *as = bytes(x, 2, two, true), *bits = bytes(small, 2, two, true),
                     *numbers = rows(wild, 2, NULL, NULL), *fractions = rows(parts, 2, NULL, NULL),
                     *centred = rows(negative, 2, NULL, NULL);
    fit(as, bytes(x, 2, two, true), parts, NULL);
    fit(as, rows(whole, 2, NULL, NULL), parts, NULL);
    fit(as, rows(parts, 2, NULL, NULL), parts, NULL);
    fit(as, rows(binary, 2, NULL, NULL), binary, NULL);
    fit(as, rows(wild, 2, NULL, NULL), NULL,
        "memory: values range from 0 to 300; the training data had 8-bit values, 0 to 255 or scaled to 0 to 1");
    fit(as, rows(negative, 2, NULL, NULL), NULL,
        "memory: values range from -1 to 0.5; the training data had 8-bit values, 0 to 255 or scaled to 0 to 1");
    fit(bits, rows(binary, 2, NULL, NULL), (const float[]){ 0, 1 / 255.0f, 1 / 255.0f, 0 }, NULL);
    fit(numbers, bytes(x, 2, two, true), whole, NULL);
    fit(numbers, bytes(x, 2, two, false), NULL,
        "bytes: has 8-bit pixels; the values of the training data were 0 to 300");
    fit(fractions, bytes(x, 2, two, false), parts, NULL);
    fit(fractions, bytes(small, 2, two, true), binary, NULL);
    fit(fractions, bytes(x, 2, two, true), NULL,
        "bytes: has 8-bit values up to 255; the training data had 0 to 1: divide them by 255");
    fit(centred, bytes(x, 2, two, true), whole, NULL);
    hsgd_data_destroy(&as);
    hsgd_data_destroy(&bits);
    hsgd_data_destroy(&numbers);
    hsgd_data_destroy(&fractions);
    hsgd_data_destroy(&centred);
    end();
}

/* Neither has 8 bits by its type. */
static void pixels(void)
{
    struct hsgd_shape two = { 1, 2, 1 };
    const int32_t label[] = { 0, 1 };
    const float whole[] = { 0, 255, 51, 102 }, parts[] = { 0, 1, 0.2f, 0.4f }, centred[] = { -1, 0.5f, 0, 1 };
    begin();
    const float *all[] = { whole, parts, centred };
    static const struct {
        int training, data;
        const char *message;
    } pairs[] = {
        { 0, 0, NULL },
        { 1, 1, NULL },
        { 2, 2, NULL },
        { 1, 2, NULL },
        { 2, 1, NULL },
        { 0, 1, "memory: pixels range from 0 to 1; those of the training data ranged from 0 to 255, in another unit" },
        { 1, 0, "memory: pixels range from 0 to 255; those of the training data ranged from 0 to 1, in another unit" },
        { 2, 0, "memory: pixels range from 0 to 255; those of the training data ranged from -1 to 1, in another unit" },
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        const float *x = all[pairs[i].data];
        struct hsgd_data *as = hsgd_data_memory(ctx, all[pairs[i].training], label, 2, two, 2, HSGD_COPY);
        fit(as, hsgd_data_memory(ctx, x, label, 2, two, 2, HSGD_COPY), x, pairs[i].message);
        hsgd_data_destroy(&as);
    }
    end();
}

static void channels(void)
{
    struct hsgd_shape grey = { 1, 2, 1 }, rgb = { 1, 2, 3 };
    const char one[] = "\0\377", three[] = "\377\0\0\0\377\0";
    begin();
    struct hsgd_data *a = bytes(one, 1, grey, false), *b = bytes(three, 1, rgb, false);
    fit(b, bytes(one, 1, grey, false), (const float[]){ 0, 0, 0, 1, 1, 1 }, NULL);
    fit(a, bytes(three, 1, rgb, false), (const float[]){ 76 / 255.0f, 150 / 255.0f }, NULL);
    fit(b, bytes(three, 1, (struct hsgd_shape){ 1, 1, 6 }, true), (const float[]){ 1, 0, 0, 0, 1, 0 },
        NULL); /* a row of numbers becomes an image */
    hsgd_data_destroy(&a);
    hsgd_data_destroy(&b);
    end();
}

/* ------------------------------------------------------------------- fields */

enum { SAMPLES = 3 };

/* x and two targets in the order of the names, and a mask; `more` is added to a target. */
static struct hsgd_data *regression(const char *first, const char *second, float more)
{
    static const float x[SAMPLES * 2] = { 1, 2, 3, 4, 5, 6 };
    static const uint8_t mask[SAMPLES] = { 1, 0, 1 };
    float target[SAMPLES * 2];
    const char *const columns[] = { first, second };
    const struct hsgd_data_field f[] = {
        { .size = sizeof *f, .name = "x", .type = hsgd_vector(2) },
        { .size = sizeof *f, .name = "target", .type = hsgd_vector(2), .column = columns },
        { .size = sizeof *f, .name = "mask", .type = { HSGD_U8, 2, { 1, 1 } } },
    };
    for (int i = 0; i < SAMPLES; i++)
        for (int k = 0; k < 2; k++) target[2 * i + k] = (float)i * (*columns[k] == 'h' ? 10 : 100) + more;
    struct hsgd_data *d = hsgd_data_arrays(ctx, SAMPLES, 3, f, (const void *const[]){ x, target, mask }, HSGD_COPY);
    REQUIRE(d);
    return d;
}

static void fields_round_trip(void)
{
    begin();
    struct hsgd_data *d = regression("height", "weight", 0);
    struct hsgd_record *r = hsgd_record_create(ctx, d), *again;
    struct hsgd_normalisation *none;
    struct hsgd_data_field f;
    char *text = r ? record_text(ctx, r, NULL) : NULL;
    again = text ? record_parse(ctx, "file", text, &none) : NULL;
    REQUIRE(again && !none && again->fields == 3);
    CHECK(!strstr(text, "label"));
    CHECK(!hsgd_record_check(ctx, again, d));
    REQUIRE(hsgd_record_field_get(again, 1, &f, sizeof f) && !hsgd_record_field_get(again, 3, &f, sizeof f));
    REQUIRE(hsgd_record_field_get(again, 1, &f, sizeof f));
    CHECK_STR(f.name, "target");
    CHECK_STR(f.column[1], "weight");
    CHECK(f.type.dtype == HSGD_F32 && f.type.rank == 1 && f.type.dim[0] == 2);
    REQUIRE(hsgd_record_field_get(again, 2, &f, sizeof f));
    CHECK(f.type.dtype == HSGD_U8 && f.type.rank == 2 && f.type.dim[1] == 1);
    const struct hsgd_normalisation *n = hsgd_record_normalisation(again, "target");
    REQUIRE(n && n->channels == 2);
    CHECK(n->mean[1] == 100 && fabs(n->inv_std[0] - 1 / sqrt(200 / 3.0)) < 1e-12);
    CHECK(!hsgd_record_normalisation(again, "x") && !hsgd_record_normalisation(again, "mask"));
    CHECK(!hsgd_record_normalisation(NULL, "x") && !hsgd_record_normalisation(again, NULL));
    free(text);
    hsgd_record_destroy(&again);
    hsgd_record_destroy(&r);
    hsgd_data_destroy(&d);
    end();
}

static void fields_differ(void)
{
    const float x[] = { 1, 2, 3, 4, 5, 6 };
    begin();
    struct hsgd_data *d = regression("height", "weight", 0), *other = regression("height", "weight", 1),
                     *names = regression("height", "width", 0), *labels = rows(x, SAMPLES, NULL, NULL);
    struct hsgd_record *r = hsgd_record_create(ctx, d);
    REQUIRE(r);
    CHECK(hsgd_record_check(ctx, r, other) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "the checkpoint was made with other targets of the training samples");
    CHECK(hsgd_record_check(ctx, r, names) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "data \"memory\": target 2 is \"width\", but \"weight\" in the training data");
    CHECK(hsgd_record_check(ctx, r, labels) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "the checkpoint was made with a field \"target\", which \"memory\" does not have");
    r->y.type.dim[0] = 3;
    CHECK(hsgd_record_check(ctx, r, d) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "the checkpoint was made with a field \"target\" of 3, not 2");
    hsgd_record_destroy(&r);
    hsgd_data_destroy(&d);
    hsgd_data_destroy(&other);
    hsgd_data_destroy(&names);
    hsgd_data_destroy(&labels);
    end();
}

/* Targets in another order are put in that of the record. */
static void fields_fit(void)
{
    const float x[] = { 1, 2, 3, 4, 5, 6 };
    begin();
    struct hsgd_data *as = regression("height", "weight", 0), *d = regression("weight", "height", 0),
                     *other = regression("a", "b", 0), *labels = rows(x, SAMPLES, NULL, NULL);
    struct hsgd_record *r = hsgd_record_create(ctx, as), *of_labels = hsgd_record_create(ctx, labels);
    float t[2];
    REQUIRE(r && of_labels && !record_fit(ctx, r, d));
    CHECK(!hsgd_data_gather_field(d, 1, &(int64_t){ 2 }, 1, NULL, t) && t[0] == 20 && t[1] == 200);
    CHECK_MSG(!hsgd_record_check(ctx, r, d), "%s", hsgd_error(ctx));
    CHECK(!record_fit(ctx, r, other)); /* columns that were named by their user */
    CHECK(record_fit(ctx, r, labels) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "memory: has no field \"target\", but the training data had");
    CHECK(record_fit(ctx, of_labels, as) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "memory: has no labels, but the training data had");
    r->y.type.dim[0] = 1;
    CHECK(record_fit(ctx, r, other) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "memory: has a field \"target\" of 2, the training data had 1");
    hsgd_record_destroy(&r);
    hsgd_record_destroy(&of_labels);
    hsgd_data_destroy(&as);
    hsgd_data_destroy(&d);
    hsgd_data_destroy(&other);
    hsgd_data_destroy(&labels);
    end();
}

/* The digests of x and labels are those of version 0.2. */
static void digests(void)
{
    const float x[] = { 1, 2, 3, 4, 5, 6 };
    begin();
    struct hsgd_data *d = rows(x, 3, "a", "b");
    struct hsgd_record *r = hsgd_record_create(ctx, d);
    REQUIRE(r);
    CHECK_STR(r->x.hash, "cd9360a07ca61181cf6f7dee2e5e1363c9e50915eba464b5b2dae6abce8a3fc2");
    CHECK_STR(r->y.hash, "0b0910892d04f2dc8bb8829afd23e43182193444c5e84eb907a9f79c604da4c9");
    hsgd_record_destroy(&r);
    hsgd_data_destroy(&d);
    end();
}

static const struct core_case cases[] = {
    { "fields_round_trip", fields_round_trip },
    { "fields_differ", fields_differ },
    { "fields_fit", fields_fit },
    { "digests", digests },
    { "round_trip", round_trip },
    { "damaged", damaged },
    { "differences", differences },
    { "columns", columns },
    { "units", units },
    { "pixels", pixels },
    { "channels", channels },
};
CORE_MAIN(cases)
