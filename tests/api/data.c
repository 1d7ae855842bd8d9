/* SPDX-License-Identifier: BSD-3-Clause */
/* Random calls: data sets, records, normalisations. */
#include "fuzz.h"

#include <math.h>

#define CTX(i) OR_NULL(i, world.ctx)
#define DATA(i) OR_NULL(i, some_data())
static const struct hsgd_shape shape = { 1, 1, FEATURES };

static bool read(void)
{
    static const char *const names[] = { "yes", "no" };
    struct hsgd_data_options o = { .size = wild_size(sizeof o), .features = one_in(6) ? wild(2) : 0 };
    struct hsgd_data *train = NULL, *test = NULL;
    o.format = OR_NULL(5, any_text("csv"));
    o.label = OR_NULL(6, any_text("label"));
    o.class_name = one_in(3) ? OR_NULL(7, names) : NULL;
    o.classes = o.class_name ? wild_low(2) : one_in(6) ? wild_low(1) : 0;
    o.resize = one_in(8) ? wild_low(4) : 0;
    o.record = one_in(8) ? some_record() : NULL;
    o.window = one_in(12) ? wild(4) : 0;
    o.tokens = o.window ? any_text("bytes") : NULL;
    o.stride = o.window ? wild(4) : 0;
    o.test_part = o.window ? (double)wild_float(0.5f) : 0;
    int err =
        hsgd_data_read(CTX(0), OR_NULL(1, any_path("set.csv")), OR_NULL(2, &o), OR_NULL(3, &train), OR_NULL(4, &test));
    hsgd_data_destroy(&test);
    keep_data(train);
    return !err;
}

static bool open_one(void)
{
    return keep_data(
        hsgd_data_open(CTX(0), OR_NULL(1, any_path("set.csv")), (enum hsgd_subset)(one_in(6) ? wild_enum(2) : 0)));
}

static bool input(void)
{
    static const char text[] = "a,b,c,d,e,f\n1,2,3,4,5,6\n2,3,4,5,6,7\n";
    size_t size = one_in(6) ? (size_t)below((int)sizeof text) : sizeof text - 1;
    struct hsgd_record *r = one_in(4) ? OR_NULL(3, some_record()) : NULL;
    return keep_data(
        hsgd_data_input(CTX(0), OR_NULL(1, any_text("input")), OR_NULL(2, text), size, wild_shape(shape), r));
}

static bool digits(void) { return keep_data(hsgd_data_digits(CTX(0), draw(), wild64(0), one_in(6) ? wild64(3) : 3)); }

static bool shapes(void) { return keep_data(hsgd_data_shapes(CTX(0), draw(), wild64(0), one_in(6) ? wild64(3) : 3)); }

static bool memory(void)
{
    static float x[SAMPLES * FEATURES];
    enum hsgd_ownership how = (enum hsgd_ownership)(one_in(8) ? wild_enum(2) : HSGD_COPY);
    memcpy(x, some_floats(), sizeof x);
    /* More samples than there are would be memory of ours. */
    int64_t count = one_in(6) ? (int64_t[]){ 0, -1, INT64_MIN, INT64_MAX, 1, 7 }[below(6)] : SAMPLES;
    if (how == HSGD_BORROW)
        return keep_data(
            hsgd_data_memory(CTX(0), OR_NULL(1, floats), OR_NULL(2, labels), SAMPLES, shape, CLASSES, how));
    struct hsgd_shape s = shape;
    if (one_in(6)) s.c = wild_low(FEATURES);
    if (one_in(12)) s.h = wild_low(1);
    return keep_data(hsgd_data_memory(CTX(0), OR_NULL(1, x), OR_NULL(2, some_labels()), count, s, wild(CLASSES), how));
}

/* A field of floats beside x and, mostly, the labels. */
static bool arrays(void)
{
    static const char *const columns[] = { "height", "width" };
    struct hsgd_data_field f[] = {
        { .size = wild_size(sizeof *f), .name = OR_NULL(3, any_text("x")), .type = hsgd_vector(FEATURES) },
        { .size = sizeof *f, .name = "size", .type = { (enum hsgd_dtype)(one_in(8) ? wild_enum(3) : 0), 1, { 2 } } },
        { .size = sizeof *f, .name = "label", .type = hsgd_number(HSGD_I32), .classes = CLASSES },
    };
    f[1].column = OR_NULL(4, columns);
    if (one_in(8)) f[1].type.rank = wild_low(1), f[1].type.dim[0] = wild_low(2), f[1].column = NULL;
    if (one_in(8)) f[2].classes = wild_low(CLASSES);
    const void *values[] = { OR_NULL(5, floats), floats, labels };
    int64_t count = one_in(6) ? (int64_t[]){ 0, -1, INT64_MIN, INT64_MAX, 1, 7 }[below(6)] : SAMPLES;
    enum hsgd_ownership how = (enum hsgd_ownership)(one_in(8) ? wild_enum(2) : HSGD_COPY);
    return keep_data(hsgd_data_arrays(CTX(0), count, one_in(8) ? wild_low(3) : 2 + below(2), OR_NULL(1, f),
                                      OR_NULL(2, values), how));
}

/* Of sets that live through the round. */
static bool split(void)
{
    struct hsgd_data *part = NULL, *rest = NULL;
    const struct hsgd_data *d = one_in(2) ? world.table : world.digits;
    int err = hsgd_data_split(CTX(0), OR_NULL(1, d), wild64(4), draw(), OR_NULL(2, &part), OR_NULL(3, &rest));
    keep_data(part);
    keep_data(rest);
    return !err;
}

static bool set_buckets(void)
{
    static const int32_t length[2] = { 1, 3 };
    const struct hsgd_data_field f[] = { { .size = sizeof *f, .name = "x", .type = hsgd_vector(4) },
                                         { .size = sizeof *f, .name = "length", .type = hsgd_number(HSGD_I32) } };
    struct hsgd_data *d = hsgd_data_arrays(world.ctx, 2, 2, f, (const void *const[]){ floats, length }, HSGD_COPY);
    const int bound[] = { wild(2), wild(3) };
    int err = hsgd_data_set_buckets(CTX(0), OR_NULL(1, one_in(6) ? some_data() : d), wild_low(2), OR_NULL(2, bound));
    hsgd_data_destroy(&d);
    return !err;
}

static bool destroy(void)
{
    struct hsgd_data **at = &world.data[below(PLACES)];
    hsgd_data_destroy(OR_NULL(0, at));
    return true;
}

static bool count(void) { return hsgd_data_count(DATA(0)) > 0; }
static bool shape_of(void) { return hsgd_data_shape(DATA(0)).c > 0; }
static bool classes(void) { return hsgd_data_classes(DATA(0)) > 0; }
static bool class_name(void) { return hsgd_data_class_name(DATA(0), wild(0)); }
static bool name(void) { return *hsgd_data_name(DATA(0)); }
static bool find(void) { return hsgd_data_find(DATA(0), OR_NULL(1, any_text("label"))) >= 0; }
static bool type(void) { return hsgd_data_type(DATA(0), OR_NULL(1, any_text("label"))).dtype < HSGD_DTYPES; }

static bool field_get(void)
{
    struct hsgd_data_field f;
    return hsgd_data_field_get(DATA(0), wild(1), OR_NULL(1, &f), one_in(8) ? 0 : sizeof f);
}

static bool format(void) { return *hsgd_data_format(DATA(0)); }
static bool format_at(void) { return hsgd_data_format_at(wild(below(8))); }

static bool summary(void)
{
    char text[200];
    size_t size = (size_t)below((int)sizeof text + 1);
    return hsgd_data_summary(DATA(0), OR_NULL(1, text), size) > 0;
}

static bool passed(void)
{
    struct hsgd_passed p;
    return !hsgd_data_passed(DATA(0), wild(0), OR_NULL(1, &p), one_in(8) ? 0 : sizeof p);
}

/* -------------------------------------------------------------------- numbers */

static bool keep_norm(struct hsgd_normalisation *n)
{
    struct hsgd_normalisation **at = &world.norms[below(PLACES)];
    if (!n) return false;
    hsgd_normalisation_destroy(at);
    *at = n;
    return true;
}

static bool statistics(void) { return keep_norm(hsgd_data_statistics(DATA(0))); }
static bool field_statistics(void) { return keep_norm(hsgd_data_field_statistics(DATA(0), one_in(4) ? wild(1) : 0)); }

static bool invert(void)
{
    double out[12];
    return !hsgd_normalisation_invert(OR_NULL(0, some_norm()), OR_NULL(1, floats), wild_low(12), wild_low(3),
                                      OR_NULL(2, out));
}

static bool normalisation_create(void)
{
    double mean[FEATURES] = { 1, 2, 3 }, inverse[FEATURES] = { 1, NAN, 0, -1, INFINITY, 1 };
    return keep_norm(hsgd_normalisation_create(wild_low(FEATURES), OR_NULL(0, mean), OR_NULL(1, inverse)));
}

static bool normalisation_destroy(void)
{
    hsgd_normalisation_destroy(OR_NULL(0, &world.norms[below(PLACES)]));
    return true;
}

static bool gather(void)
{
    const struct hsgd_data *d = some_data();
    int64_t index[4];
    int32_t found[4];
    for (int i = 0; i < 4; i++) index[i] = one_in(12) ? wild64(0) : below((int)hsgd_data_count(d));
    return !hsgd_data_gather(OR_NULL(0, d), OR_NULL(1, index), wild_low(4), OR_NULL(2, some_norm()),
                             OR_NULL(3, results), OR_NULL(4, found));
}

static bool gather_field(void)
{
    const struct hsgd_data *d = some_data();
    int64_t index[4];
    for (int i = 0; i < 4; i++) index[i] = one_in(12) ? wild64(0) : below((int)hsgd_data_count(d));
    return !hsgd_data_gather_field(OR_NULL(0, d), wild(1), OR_NULL(1, index), wild_low(4), OR_NULL(2, some_norm()),
                                   OR_NULL(3, results));
}

static bool augment(void)
{
    struct hsgd_augment_options o = { .size = wild_size(sizeof o), .crop = wild(1), .flip = one_in(2) };
    if (one_in(4)) o.rotate = wild_float(10);
    if (one_in(4)) o.crop = 0, o.resized_crop = wild_float(0.5f);
    const struct hsgd_data *d = one_in(4) ? some_data() : world.digits;
    return keep_data(hsgd_data_augment(CTX(0), OR_NULL(1, d), OR_NULL(2, &o), draw(), wild64(0), wild64(3)));
}

static bool sheet(void)
{
    const struct hsgd_data *d = one_in(4) ? some_data() : world.digits;
    return !hsgd_data_sheet(CTX(0), OR_NULL(1, d), OR_NULL(2, any_path("sheet.png")), wild(2), wild(2));
}

/* -------------------------------------------------------------------- records */

static bool record_create(void)
{
    struct hsgd_record *r = hsgd_record_create(CTX(0), DATA(1)), **at = &world.records[below(PLACES)];
    if (!r) return false;
    hsgd_record_destroy(at);
    *at = r;
    return true;
}

static bool record_check(void)
{
    return !hsgd_record_check(CTX(0), OR_NULL(1, one_in(2) ? world.record : some_record()),
                              OR_NULL(2, one_in(2) ? world.table : some_data()));
}

static bool record_format(void) { return *hsgd_record_format(OR_NULL(0, some_record())); }

static bool record_field_get(void)
{
    struct hsgd_data_field f;
    return hsgd_record_field_get(OR_NULL(0, some_record()), wild(1), OR_NULL(1, &f), one_in(8) ? 0 : sizeof f);
}

/* Of the field that arrays() makes. */
static bool record_normalisation(void)
{
    struct hsgd_data_field f = { .size = sizeof f, .name = one_in(2) ? "size" : "height", .type = hsgd_vector(2) };
    struct hsgd_data *d = hsgd_data_arrays(world.ctx, 3, 1, &f, (const void *const[]){ floats }, HSGD_BORROW);
    struct hsgd_record *r = hsgd_record_create(world.ctx, d);
    bool found = hsgd_record_normalisation(OR_NULL(0, r), OR_NULL(1, any_text(f.name)));
    hsgd_record_destroy(&r);
    hsgd_data_destroy(&d);
    return found;
}

/* Of the text of a table. */
static struct hsgd_record *text_record(void)
{
    struct hsgd_data *d = NULL;
    hsgd_data_read(world.ctx, "set.csv", HSGD_OPTIONS(data, .format = "text", .window = 4), &d, NULL);
    struct hsgd_record *r = hsgd_record_create(world.ctx, d);
    hsgd_data_destroy(&d);
    return r;
}

static bool record_encode(void)
{
    int32_t token[8];
    int64_t count;
    const char *text = any_text("1,2\n");
    struct hsgd_record *own = text_record(), *r = one_in(4) ? some_record() : own;
    int err = hsgd_record_encode(CTX(0), OR_NULL(1, r), OR_NULL(2, text), one_in(2) ? strlen(text) : 0,
                                 OR_NULL(3, token), one_in(8) ? -1 : 8, OR_NULL(4, &count));
    hsgd_record_destroy(&own);
    return !err;
}

static bool record_decode(void)
{
    size_t size;
    struct hsgd_record *r = text_record();
    bool found = hsgd_record_decode(OR_NULL(0, r), wild(1), OR_NULL(1, &size));
    hsgd_record_destroy(&r);
    return found;
}

static bool record_destroy(void)
{
    hsgd_record_destroy(OR_NULL(0, &world.records[below(PLACES)]));
    return true;
}

const struct call data_calls[] = { { "hsgd_data_read", read, 8, false },
                                   { "hsgd_data_open", open_one, 2, false },
                                   { "hsgd_data_input", input, 4, false },
                                   { "hsgd_data_digits", digits, 1, false },
                                   { "hsgd_data_shapes", shapes, 1, false },
                                   { "hsgd_data_memory", memory, 3, false },
                                   { "hsgd_data_arrays", arrays, 6, false },
                                   { "hsgd_data_find", find, 2, false },
                                   { "hsgd_data_type", type, 2, false },
                                   { "hsgd_data_field_get", field_get, 2, false },
                                   { "hsgd_data_split", split, 4, false },
                                   { "hsgd_data_set_buckets", set_buckets, 3, false },
                                   { "hsgd_data_destroy", destroy, 1, false },
                                   { "hsgd_data_count", count, 1, false },
                                   { "hsgd_data_shape", shape_of, 1, false },
                                   { "hsgd_data_classes", classes, 1, false },
                                   { "hsgd_data_class_name", class_name, 1, false },
                                   { "hsgd_data_name", name, 1, false },
                                   { "hsgd_data_format", format, 1, false },
                                   { "hsgd_data_format_at", format_at, 0, false },
                                   { "hsgd_data_summary", summary, 2, false },
                                   { "hsgd_data_passed", passed, 2, false },
                                   { "hsgd_data_statistics", statistics, 1, false },
                                   { "hsgd_data_field_statistics", field_statistics, 1, false },
                                   { "hsgd_normalisation_invert", invert, 3, false },
                                   { "hsgd_normalisation_create", normalisation_create, 2, false },
                                   { "hsgd_normalisation_destroy", normalisation_destroy, 1, false },
                                   { "hsgd_data_gather", gather, 5, false },
                                   { "hsgd_data_gather_field", gather_field, 4, false },
                                   { "hsgd_data_augment", augment, 3, false },
                                   { "hsgd_data_sheet", sheet, 3, false },
                                   { "hsgd_record_create", record_create, 2, false },
                                   { "hsgd_record_check", record_check, 3, false },
                                   { "hsgd_record_format", record_format, 1, false },
                                   { "hsgd_record_field_get", record_field_get, 2, false },
                                   { "hsgd_record_normalisation", record_normalisation, 2, false },
                                   { "hsgd_record_encode", record_encode, 5, false },
                                   { "hsgd_record_decode", record_decode, 2, false },
                                   { "hsgd_record_destroy", record_destroy, 1, false },
                                   { NULL, NULL, 0, false } };
