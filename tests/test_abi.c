/* SPDX-License-Identifier: BSD-3-Clause */
/* Structs that begin with their size: a program's may be shorter or longer
 * than the library's. */
#include "core.h"

#include <errno.h>
#include <stddef.h>

enum { GUARD = 0xa5, LONGEST = 16384 };

static _Alignas(16) unsigned char memory[LONGEST], full[LONGEST];

/* Fills in a struct of the size that a program of some age gives. */
typedef int fill_fn(void *out, size_t size);

static bool untouched(size_t from)
{
    for (size_t i = from; i < LONGEST; i++)
        if (memory[i] != GUARD) return false;
    return true;
}

static void any_size(const char *name, fill_fn *fill, size_t whole)
{
    const size_t wrong[] = { 0, 1, sizeof(size_t), 2 * sizeof(size_t) + 1, whole + (1 << 20), SIZE_MAX & ~(size_t)7 };
    CHECK_MSG(fill(NULL, whole) == -EINVAL, "%s: NULL", name);
    REQUIRE(whole + 64 < LONGEST && !fill(full, whole));
    for (size_t size = 2 * sizeof size; size <= whole + 64; size += sizeof size) {
        size_t same = size < whole ? size : whole, told;
        memset(memory, GUARD, sizeof memory);
        CHECK_MSG(!fill(memory, size), "%s: %zu bytes", name, size);
        memcpy(&told, memory, sizeof told);
        CHECK_MSG(told == size, "%s: %zu bytes are said to be %zu", name, size, told);
        CHECK_MSG(!memcmp(memory + sizeof told, full + sizeof told, same - sizeof told), "%s: %zu bytes", name, size);
        CHECK_MSG(untouched(size), "%s: bytes behind %zu changed", name, size);
        for (size_t i = whole; i < size; i++) CHECK_MSG(!memory[i], "%s: byte %zu is not 0", name, i);
    }
    memset(memory, GUARD, sizeof memory);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK_MSG(fill(memory, wrong[i]) == -EINVAL && untouched(0), "%s: %zu bytes", name, wrong[i]);
}

/* ---------------------------------------------------------------- defaults */

#define DEFAULTS(kind) \
    static int fill_##kind(void *o, size_t size) { return hsgd_##kind##_defaults(o, size); }
DEFAULTS(context)
DEFAULTS(data)
DEFAULTS(augment)
DEFAULTS(trace)
DEFAULTS(train)
DEFAULTS(session)

static void defaults(void)
{
    any_size("context", fill_context, sizeof(struct hsgd_context_options));
    any_size("data", fill_data, sizeof(struct hsgd_data_options));
    any_size("augment", fill_augment, sizeof(struct hsgd_augment_options));
    any_size("trace", fill_trace, sizeof(struct hsgd_trace_options));
    any_size("train", fill_train, sizeof(struct hsgd_train_options));
    any_size("session", fill_session, sizeof(struct hsgd_session_options));
    struct hsgd_train_options o;
    CHECK(!hsgd_train_defaults(&o, sizeof o) && o.batch_size == 128 && o.epochs == 5 && o.checkpoint_hist == 3);
}

/* ----------------------------------------------------------------- results */

static struct hsgd_context *ctx;
static struct hsgd_model *model;
static struct hsgd_trainer *trainer;
static struct hsgd_data *data;

static void open_training(const struct hsgd_train_options *o)
{
    ctx = core_context("cpu", 1, true);
    data = hsgd_data_digits(ctx, 0, 0, 64);
    model = hsgd_model_by_name(ctx, "linear", hsgd_data_shape(data), 10);
    trainer = hsgd_trainer_create(model, o);
    REQUIRE(trainer && !hsgd_model_initialise(model, 1));
}

static void close_training(void)
{
    hsgd_trainer_destroy(&trainer);
    hsgd_model_destroy(&model);
    hsgd_data_destroy(&data);
    hsgd_destroy(&ctx);
}

static int fill_device(void *out, size_t size) { return hsgd_device_get(ctx, 0, out, size); }
static int fill_product(void *out, size_t size) { return hsgd_product_get(ctx, 0, out, size); }
static int fill_field(void *out, size_t size) { return hsgd_data_field_get(data, 1, out, size) ? 0 : -EINVAL; }
static int fill_event(void *out, size_t size) { return hsgd_trace_get(ctx, 0, out, size); }
static int fill_layer(void *out, size_t size) { return hsgd_model_layer_get(model, 1, out, size); }
static struct hsgd_session *session;
static int fill_input(void *out, size_t size) { return hsgd_session_input_get(session, 0, out, size); }
static int fill_output(void *out, size_t size) { return hsgd_session_result_get(session, 0, out, size); }
static int fill_memory(void *out, size_t size) { return hsgd_session_memory_get(session, out, size); }
static int fill_part(void *out, size_t size) { return hsgd_trainer_plan_device(trainer, 32, 0, out, size); }
static int fill_cell(void *out, size_t size) { return hsgd_trainer_plan_cell(trainer, 32, 0, out, size); }

/* With no epochs to train the result says the same each time. */
static int fill_result(void *out, size_t size) { return out ? hsgd_fit(trainer, data, NULL, out, size) : -EINVAL; }

static void results(void)
{
    struct hsgd_train_options o;
    hsgd_train_defaults(&o, sizeof o);
    o.batch_size = 32, o.epochs = 1;
    open_training(&o);
    REQUIRE(!hsgd_trace_start(ctx, HSGD_OPTIONS(trace, .capacity = 100, .first = 100)));
    CHECK(!hsgd_fit(trainer, data, NULL, NULL, 0) && hsgd_trace_count(ctx, NULL) > 0);
    any_size("device", fill_device, sizeof(struct hsgd_device));
    any_size("product", fill_product, sizeof(struct hsgd_product));
    any_size("field", fill_field, sizeof(struct hsgd_data_field));
    any_size("event", fill_event, sizeof(struct hsgd_trace_event));
    any_size("layer", fill_layer, sizeof(struct hsgd_model_layer));
    session = hsgd_session_create(model, NULL);
    REQUIRE(session);
    any_size("input", fill_input, sizeof(struct hsgd_session_value));
    any_size("output", fill_output, sizeof(struct hsgd_session_value));
    any_size("memory", fill_memory, sizeof(struct hsgd_session_memory));
    hsgd_session_destroy(&session);
    any_size("plan device", fill_part, sizeof(struct hsgd_plan_device));
    any_size("cell", fill_cell, sizeof(struct hsgd_plan_cell));
    any_size("result", fill_result, sizeof(struct hsgd_fit_result));
    close_training();
}

/* An array of structs of an older program, which are shorter. */
static void candidates(void)
{
    struct older {
        size_t size;
        char devices[40];
    } list[4];
    struct hsgd_context *c = core_context("cpu", 1, false);
    struct hsgd_model *m = hsgd_model_by_name(c, "linear", (struct hsgd_shape){ 1, 1, 9 }, 2);
    struct hsgd_trainer *t = hsgd_trainer_create(m, NULL);
    REQUIRE(t);
    memset(list, GUARD, sizeof list);
    int n = hsgd_trainer_candidates(t, 8, (struct hsgd_candidate *)list, sizeof *list, 3);
    CHECK_MSG(n >= 1 && n <= 3, "%d candidates: %s", n, hsgd_error(c));
    for (int i = 0; i < n; i++) CHECK(list[i].size == sizeof *list && !strcmp(list[i].devices, "cpu"));
    CHECK(((unsigned char *)&list[3])[0] == GUARD);
    CHECK(hsgd_trainer_candidates(t, 8, (struct hsgd_candidate *)list, 0, 3) == -EINVAL);
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&m);
    hsgd_destroy(&c);
}

/* ----------------------------------------------------------------- options */

/* What lies behind a shorter struct is none of its fields. */
static void older_options(void)
{
    _Alignas(16) unsigned char bytes[sizeof(struct hsgd_train_options)];
    struct hsgd_train_options *o = (struct hsgd_train_options *)bytes;
    memset(bytes, GUARD, sizeof bytes);
    REQUIRE(!hsgd_train_defaults(o, offsetof(struct hsgd_train_options, patience) & ~(size_t)7));
    o->batch_size = 16, o->epochs = 1;
    open_training(o);
    CHECK_MSG(!hsgd_fit(trainer, data, NULL, NULL, 0), "%s", hsgd_error(ctx));
    close_training();
}

static void newer_options(void)
{
    struct {
        struct hsgd_train_options o;
        size_t added;
    } newer;
    hsgd_train_defaults(&newer.o, sizeof newer);
    CHECK(newer.o.size == sizeof newer && newer.added == 0);
    open_training(&newer.o);
    newer.added = 1;
    CHECK(!hsgd_trainer_create(model, &newer.o));
    CHECK_STR(hsgd_error(ctx), "struct hsgd_train_options: the program set a field that this version of libhsgd does "
                               "not have");
    close_training();
}

static void no_size(void)
{
    struct hsgd_context *c;
    char sentence[160];
    struct hsgd_context_options o = { .devices = "cpu" };
    CHECK(hsgd_create(&c, &o) == -EINVAL);
    snprintf(sentence, sizeof sentence,
             "struct hsgd_context_options: its size is 0, not sizeof(struct hsgd_context_options), %zu here", sizeof o);
    CHECK_STR(hsgd_error(c), sentence);
    hsgd_destroy(&c);
    open_training(NULL);
    struct hsgd_data *d;
    CHECK(hsgd_data_read(ctx, "digits", &(struct hsgd_data_options){ .classes = 1 }, &d, NULL) == -EINVAL && !d);
    CHECK(strstr(hsgd_error(ctx), "struct hsgd_data_options: its size is 0"));
    CHECK(!hsgd_data_augment(ctx, data, &(struct hsgd_augment_options){ .crop = 1 }, 0, 0, 1));
    CHECK(strstr(hsgd_error(ctx), "struct hsgd_augment_options: its size is 0"));
    CHECK(hsgd_trace_start(ctx, &(struct hsgd_trace_options){ .capacity = 1 }) == -EINVAL);
    CHECK(strstr(hsgd_error(ctx), "struct hsgd_trace_options: its size is 0"));
    CHECK(!hsgd_trainer_create(model, &(struct hsgd_train_options){ .batch_size = 1 }));
    CHECK(strstr(hsgd_error(ctx), "struct hsgd_train_options: its size is 0"));
    close_training();
}

static void version(void)
{
    char text[40];
    snprintf(text, sizeof text, "%d.%d.%d", HSGD_VERSION_MAJOR, HSGD_VERSION_MINOR, HSGD_VERSION_PATCH);
    CHECK(hsgd_version() == HSGD_VERSION);
    CHECK_STR(hsgd_version_text(), text);
}

static const struct core_case cases[] = {
    { "defaults", defaults },
    { "results", results },
    { "candidates", candidates },
    { "older_options", older_options },
    { "newer_options", newer_options },
    { "no_size", no_size },
    { "version", version },
};
CORE_MAIN(cases)
