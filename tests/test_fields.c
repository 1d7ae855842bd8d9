/* SPDX-License-Identifier: BSD-3-Clause */
/* Data sets of any fields: from arrays in memory, types, batches, splits, bad
 * fields. */
#include "core.h"

#include <errno.h>
#include <math.h>

enum { SAMPLES = 7, LENGTH = 3 };

static struct hsgd_context *ctx;
static int32_t token[SAMPLES * LENGTH], label[SAMPLES];
static float score[SAMPLES], box[SAMPLES * 2 * 4];
static uint8_t mask[SAMPLES * 5];
static const char *const sides[] = { "left", "top", "right", "bottom" }, *const kinds[] = { "cat", "dog" };

static const struct hsgd_data_field fields[] = {
    { .size = sizeof *fields, .name = "token", .type = { HSGD_I32, 1, { LENGTH } }, .classes = 100 },
    { .size = sizeof *fields, .name = "label", .type = { HSGD_I32, 0, { 0 } }, .classes = 2, .class_name = kinds },
    { .size = sizeof *fields, .name = "score", .type = { HSGD_F32, 0, { 0 } } },
    { .size = sizeof *fields, .name = "box", .type = { HSGD_F32, 2, { 2, 4 } }, .column = sides },
    { .size = sizeof *fields, .name = "mask", .type = { HSGD_U8, 1, { 5 } } },
};
enum { TOKEN, LABEL, SCORE, BOX, MASK, FIELDS };
static const void *const values[FIELDS] = { token, label, score, box, mask };

static struct hsgd_data *make(enum hsgd_ownership how)
{
    for (int i = 0; i < SAMPLES * LENGTH; i++) token[i] = i % 100;
    for (int i = 0; i < SAMPLES; i++) label[i] = i % 2, score[i] = (float)i / 2;
    for (int i = 0; i < SAMPLES * 8; i++) box[i] = (float)(i * i);
    for (int i = 0; i < SAMPLES * 5; i++) mask[i] = (uint8_t)(7 * i);
    struct hsgd_data *d = hsgd_data_arrays(ctx, SAMPLES, FIELDS, fields, values, how);
    CHECK_MSG(d, "%s", hsgd_error(ctx));
    return d;
}

static void begin(void) { REQUIRE(!hsgd_create(&ctx, HSGD_OPTIONS(context, .devices = "none"))); }

static bool same_type(struct hsgd_type a, struct hsgd_type b) { return !memcmp(&a, &b, sizeof a); }

static void described(void)
{
    begin();
    struct hsgd_data *d = make(HSGD_COPY);
    struct hsgd_data_field f;
    REQUIRE(d);
    for (int i = 0; i < FIELDS; i++) {
        REQUIRE(hsgd_data_field_get(d, i, &f, sizeof f));
        CHECK_STR(f.name, fields[i].name);
        CHECK(same_type(f.type, fields[i].type) && same_type(hsgd_data_type(d, f.name), f.type));
        CHECK(f.classes == fields[i].classes && hsgd_data_find(d, f.name) == i);
        CHECK(!f.column == (i != BOX) && !f.class_name == (i != LABEL));
    }
    REQUIRE(hsgd_data_field_get(d, BOX, &f, sizeof f));
    CHECK_STR(f.column[3], "bottom");
    CHECK(!hsgd_data_field_get(d, FIELDS, &f, sizeof f) && !hsgd_data_field_get(d, -1, &f, sizeof f));
    CHECK(hsgd_data_find(d, "other") == -1 && hsgd_data_find(d, NULL) == -1);
    CHECK(hsgd_data_type(d, "other").dtype == HSGD_DTYPES && hsgd_data_type(NULL, "x").dtype == HSGD_DTYPES);
    CHECK(hsgd_data_count(d) == SAMPLES && hsgd_data_classes(d) == 2 && hsgd_data_shape(d).c == LENGTH);
    CHECK_STR(hsgd_data_class_name(d, 1), "dog");
    hsgd_data_destroy(&d);
    hsgd_destroy(&ctx);
}

/* Rows of each field are the array's, of the set and of its splits. */
static void batches(void)
{
    begin();
    struct hsgd_data *d = make(HSGD_BORROW), *part, *rest;
    const int64_t some[] = { 5, 0, 5 };
    unsigned char out[3 * 32];
    REQUIRE(d);
    for (int i = 0; i < FIELDS; i++) {
        size_t bytes = (size_t)hsgd_type_bytes(&fields[i].type);
        REQUIRE(!hsgd_data_gather_field(d, i, some, 3, NULL, out));
        for (int k = 0; k < 3; k++)
            CHECK_MSG(!memcmp(out + (size_t)k * bytes, (const char *)values[i] + (size_t)some[k] * bytes, bytes),
                      "row %d of %s", k, fields[i].name);
    }
    REQUIRE(!hsgd_data_split(ctx, d, 3, 1, &part, &rest));
    for (int64_t i = 0; i < 4; i++) {
        float s;
        int32_t l, row[LENGTH];
        CHECK(!hsgd_data_gather_field(rest, SCORE, &i, 1, NULL, &s) && !hsgd_data_gather(rest, &i, 1, NULL, NULL, &l));
        CHECK(!hsgd_data_gather_field(rest, TOKEN, &i, 1, NULL, row));
        int at = (int)(2 * s);
        CHECK_MSG(l == at % 2 && row[0] == LENGTH * at && row[2] == LENGTH * at + 2, "sample %d", at);
    }
    CHECK_STR(hsgd_data_class_name(rest, 0), "cat");
    hsgd_data_destroy(&part);
    hsgd_data_destroy(&rest);
    hsgd_data_destroy(&d);
    hsgd_destroy(&ctx);
}

static void refused_batches(void)
{
    begin();
    struct hsgd_data *d = make(HSGD_BORROW);
    const int64_t good = 0, bad = SAMPLES;
    float x[8];
    REQUIRE(d);
    CHECK(hsgd_data_gather_field(d, FIELDS, &good, 1, NULL, x) == -EINVAL);
    CHECK(hsgd_data_gather_field(d, -1, &good, 1, NULL, x) == -EINVAL);
    CHECK(hsgd_data_gather_field(d, SCORE, &bad, 1, NULL, x) == -EINVAL);
    CHECK(hsgd_data_gather_field(d, SCORE, &good, 1, NULL, NULL) == -EINVAL);
    CHECK(hsgd_data_gather(d, &good, 1, NULL, x, NULL) == -EINVAL); /* tokens are no floats */
    CHECK(!hsgd_data_statistics(d) && !hsgd_data_field_statistics(d, MASK) && !hsgd_data_field_statistics(d, FIELDS));
    hsgd_data_destroy(&d);
    d = hsgd_data_arrays(ctx, SAMPLES, 1, &fields[SCORE], &values[SCORE], HSGD_COPY);
    int32_t l;
    REQUIRE(d);
    CHECK(hsgd_data_gather(d, &good, 1, NULL, NULL, &l) == -EINVAL && hsgd_data_classes(d) == 0);
    CHECK(!hsgd_data_class_name(d, 0) && hsgd_data_shape(d).h == 1 && hsgd_data_shape(d).c == 1);
    hsgd_data_destroy(&d);
    hsgd_destroy(&ctx);
}

/* Mean and deviation per column, and back to the unit without loss. */
static void units(void)
{
    begin();
    struct hsgd_data *d = make(HSGD_COPY);
    struct hsgd_normalisation *n = hsgd_data_field_statistics(d, BOX);
    const int64_t index[] = { 0, 1, 2, 3, 4, 5, 6 };
    float x[SAMPLES * 8];
    double back[SAMPLES * 8];
    REQUIRE(n && n->channels == 4);
    REQUIRE(!hsgd_data_gather_field(d, BOX, index, SAMPLES, n, x));
    for (int c = 0; c < 4; c++) {
        double sum = 0, squares = 0;
        for (int i = c; i < SAMPLES * 8; i += 4) sum += (double)x[i], squares += (double)x[i] * (double)x[i];
        CHECK_MSG(fabs(sum) < 1e-4 && fabs(squares / 14 - 1) < 1e-5, "column %d: %g %g", c, sum, squares);
    }
    REQUIRE(!hsgd_normalisation_invert(n, x, SAMPLES * 8, 4, back));
    for (int i = 0; i < SAMPLES * 8; i++) CHECK(fabs(back[i] - (double)box[i]) <= 1e-6 * 3025);
    REQUIRE(!hsgd_normalisation_invert(n, x, 3, 3, back)); /* other channels: the first entry */
    CHECK(fabs(back[2] - (n->mean[0] + (double)x[2] / n->inv_std[0])) < 1e-9);
    CHECK(hsgd_normalisation_invert(NULL, x, 1, 1, back) == -EINVAL);
    CHECK(hsgd_normalisation_invert(n, x, -1, 1, back) == -EINVAL);
    CHECK(hsgd_normalisation_invert(n, x, 1, 0, back) == -EINVAL);
    hsgd_normalisation_destroy(&n);
    hsgd_data_destroy(&d);
    hsgd_destroy(&ctx);
}

/* -------------------------------------------------------------------- bad */

static void refuse(struct hsgd_data_field f, const void *of, const char *sentence)
{
    const struct hsgd_data_field two[] = { fields[SCORE], f };
    CHECK(!hsgd_data_arrays(ctx, SAMPLES, 2, two, (const void *const[]){ score, of }, HSGD_COPY));
    CHECK_STR(hsgd_error(ctx), sentence);
}

static void bad_fields(void)
{
    begin();
    struct hsgd_data_field f = fields[LABEL], g;
    const int32_t high[SAMPLES] = { 0, 1, 0, 2, 0, 1, 1 };
    const float nan[SAMPLES] = { 0, 1, NAN };
    g = f, g.name = NULL;
    refuse(g, label, "data in memory: the name of field 1 is NULL");
    g.name = "2nd";
    refuse(g, label, "data in memory: field name \"2nd\" is not 1 to 31 letters, digits and _, without a digit first");
    g.name = "score";
    refuse(g, label, "data in memory: there are two fields \"score\"");
    g = f, g.type.rank = 7;
    refuse(g, label,
           "data in memory: field \"label\": its type has dtype 1 and rank 7, which must be in 0..2 and 0..6");
    g.type = (struct hsgd_type){ HSGD_I32, 2, { 3, 0 } };
    refuse(g, label, "data in memory: field \"label\": dimension 1 is 0, it must be positive");
    g.type = (struct hsgd_type){ HSGD_I32, 2, { 1 << 16, 1 << 15 } };
    refuse(g, label, "data in memory: field \"label\": a sample has more than 2147483647 values");
    g = f, g.classes = 0;
    refuse(g, label, "data in memory: field \"label\": classes is 0, it must be positive");
    g.type.dtype = HSGD_F32, g.classes = 2;
    refuse(g, score, "data in memory: field \"label\": classes is 2, it must be 0, unless the field has integers");
    refuse(f, NULL, "data in memory: the values of field \"label\" are NULL");
    refuse(f, high, "data in memory: field \"label\": value 0 of sample 3 is 2, it must be in 0..1");
    g = fields[SCORE], g.name = "other";
    refuse(g, nan, "data in memory: field \"other\": value 0 of sample 2 is nan, it must be finite");
    CHECK(!hsgd_data_arrays(ctx, SAMPLES, 17, fields, values, HSGD_COPY));
    CHECK_STR(hsgd_error(ctx), "data in memory: fields is 17, it must be in 1..16");
    CHECK(!hsgd_data_arrays(ctx, 0, 1, fields, values, HSGD_COPY));
    CHECK_STR(hsgd_error(ctx), "data in memory: count is 0, it must be positive");
    hsgd_destroy(&ctx);
}

/* A trainer of classes refuses data without labels. */
static void no_labels(void)
{
    ctx = core_context("cpu", 1, false);
    struct hsgd_data_field f[] = { fields[BOX], fields[SCORE], fields[LABEL] };
    f[0].name = "x", f[0].type = hsgd_vector(8), f[0].column = NULL;
    struct hsgd_data *without = hsgd_data_arrays(ctx, SAMPLES, 2, f, (const void *const[]){ box, score }, HSGD_BORROW);
    struct hsgd_data *with =
        hsgd_data_arrays(ctx, SAMPLES, 3, f, (const void *const[]){ box, score, label }, HSGD_BORROW);
    struct hsgd_model *m = hsgd_model_by_name(ctx, "linear", (struct hsgd_shape){ 1, 1, 8 }, 2);
    struct hsgd_train_options o;
    hsgd_train_defaults(&o, sizeof o);
    o.epochs = 1;
    struct hsgd_trainer *t = hsgd_trainer_create(m, &o);
    REQUIRE(without && with && t);
    CHECK(hsgd_fit(t, without, NULL, NULL, 0) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "data \"memory\" has no \"label\", which model \"linear\" needs; it has x, score");
    CHECK(hsgd_trainer_evaluate(t, without, NULL, NULL) == -EINVAL);
    CHECK_MSG(!hsgd_fit(t, with, NULL, NULL, 0), "%s", hsgd_error(ctx));
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&m);
    hsgd_data_destroy(&with);
    hsgd_data_destroy(&without);
    hsgd_destroy(&ctx);
}

/* A model of the first n scores, without classes: its loss is the mean of squares of
 * normalised targets. */
static struct hsgd_model *scorer(const char *target, struct hsgd_type type)
{
    struct hsgd_model *m = hsgd_model_create(ctx, "scorer");
    struct hsgd_value *x = hsgd_input(m, "x", hsgd_vector(8)), *t = hsgd_target(m, target, type);
    x = HSGD_OP(x, dense, "fc", .units = (int)hsgd_type_size(&type));
    hsgd_loss(HSGD_JOIN(HSGD_OF(x, t), mse, "loss"));
    CHECK_MSG(!hsgd_model_finish(m), "%s", hsgd_error(ctx));
    return m;
}

static void fit(struct hsgd_model *m, const struct hsgd_data *d, const char *sentence)
{
    struct hsgd_train_options o;
    hsgd_train_defaults(&o, sizeof o);
    o.epochs = 1;
    struct hsgd_trainer *t = hsgd_trainer_create(m, &o);
    struct hsgd_fit_result r = { .size = sizeof r };
    REQUIRE(t);
    int err = hsgd_fit(t, d, d, &r, sizeof r);
    CHECK_MSG(err == (sentence ? -EINVAL : 0), "%d, %s", err, hsgd_error(ctx));
    if (sentence) CHECK_STR(hsgd_error(ctx), sentence);
    else CHECK(isnan(r.train_accuracy) && isnan(r.validation_accuracy) && isfinite(r.validation_loss) && r.best_step);
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&m);
}

static void numbers(void)
{
    ctx = core_context("cpu", 1, false);
    struct hsgd_data_field f[] = { fields[BOX], fields[SCORE], fields[LABEL] };
    f[0].name = "x", f[0].type = hsgd_vector(8), f[0].column = NULL;
    struct hsgd_data *d = hsgd_data_arrays(ctx, SAMPLES, 3, f, (const void *const[]){ box, score, label }, HSGD_BORROW);
    REQUIRE(d);
    fit(scorer("score", hsgd_number(HSGD_F32)), d, NULL);
    fit(scorer("score", hsgd_vector(1)), d, NULL);
    fit(scorer("score", hsgd_vector(2)), d, "data \"memory\": \"score\" is one number, model \"scorer\" takes 2");
    fit(scorer("label", hsgd_vector(1)), d, "data \"memory\": \"label\" is one number i32, model \"scorer\" takes 1");
    fit(scorer("price", hsgd_vector(1)), d,
        "data \"memory\" has no \"price\", which model \"scorer\" needs; it has x, score, label");
    hsgd_data_destroy(&d);
    hsgd_destroy(&ctx);
}

/* Outputs of a model with weights 0 are 0: the loss is the mean of squares, and its
 * gradient for the bias the mean of -2 t. */
static void squares(void)
{
    ctx = core_context("cpu", 1, false);
    struct hsgd_model *m = scorer("score", hsgd_vector(2));
    struct hsgd_trainer *t = hsgd_trainer_create(m, NULL);
    float w[16] = { 0 }, x[SAMPLES * 8], target[SAMPLES * 2], gradient[18];
    double want = 0, bias[2] = { 0 }, loss;
    REQUIRE(t && !hsgd_model_set_weight(m, "fc.weight", w, 16) && !hsgd_model_set_weight(m, "fc.bias", w, 2));
    for (int i = 0; i < SAMPLES * 8; i++) x[i] = (float)(i % 5);
    for (int i = 0; i < SAMPLES * 2; i++) {
        target[i] = (float)(i % 7) - 2.5f;
        want += (double)(target[i] * target[i]) / (2 * SAMPLES);
        bias[i % 2] -= (double)target[i] / SAMPLES;
    }
    CHECK(!hsgd_trainer_gradients(t, SAMPLES, HSGD_FIELDS(x, target), gradient, 18));
    for (int i = 0; i < 2; i++)
        CHECK_MSG(fabs((double)gradient[16 + i] - bias[i]) < 1e-6, "%g, not %g", (double)gradient[16 + i], bias[i]);
    CHECK(!hsgd_trainer_step(t, SAMPLES, HSGD_FIELDS(x, target), &loss) && fabs(loss - want) < 1e-5);
    target[3] = INFINITY;
    CHECK(hsgd_trainer_step(t, SAMPLES, HSGD_FIELDS(x, target), &loss) == -EDOM);
    CHECK_STR(hsgd_error(ctx), "score: value 1 of sample 1 is inf, it must be finite");
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&m);
    hsgd_destroy(&ctx);
}

static const struct core_case cases[] = {
    { "described", described }, { "batches", batches },       { "refused_batches", refused_batches },
    { "units", units },         { "bad_fields", bad_fields }, { "no_labels", no_labels },
    { "numbers", numbers },     { "squares", squares },
};
CORE_MAIN(cases)
