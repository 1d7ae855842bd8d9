/* SPDX-License-Identifier: BSD-3-Clause */
/* Sizes that a model leaves open: whatever they are at last, all is bitwise what a
 * model with these sizes as constants gives. */
#include "core.h"

#include <errno.h>
#include <math.h>

enum { BATCH = 24, CLASSES = 5, ENTRIES = 11, LARGEST = 17, SIZES = 3, STEPS = 30 };

static const int lengths[SIZES] = { 3, 8, LARGEST };
static const int pictures[SIZES][2] = { { 6, 9 }, { 12, 12 }, { 16, LARGEST } };

static struct hsgd_context *ctx;
static float x[BATCH * LARGEST * LARGEST * 3];
static int32_t token[BATCH * LARGEST], next[BATCH * LARGEST], label[BATCH];

/* A kind of network at a size. */
struct net {
    const char *name;
    int fields;
    void (*types)(int size, struct hsgd_type *field); /* size -1: open */
    struct hsgd_model *(*make)(const struct hsgd_type *field, bool drops);
    const void *data[3];
};

static void picture_types(int size, struct hsgd_type *field)
{
    field[0] = size < 0 ? hsgd_image(HSGD_ANY, HSGD_ANY, 3) : hsgd_image(pictures[size][0], pictures[size][1], 3);
    field[1] = hsgd_number(HSGD_I32);
}

static struct hsgd_model *picture_model(const struct hsgd_type *field, bool drops)
{
    struct hsgd_model *m = hsgd_model_create(ctx, "pictures");
    struct hsgd_value *x = hsgd_input(m, "x", field[0]), *shortcut;
    struct hsgd_value *label = hsgd_target(m, "label", field[1]);
    x = HSGD_OP(x, conv2d, "stem", .out_channels = 8, .kernel = 3, .padding = 1);
    x = HSGD_OP(x, max_pool, NULL, .kernel = 2);
    hsgd_enter(m, "block");
    hsgd_recompute(m);
    shortcut = x;
    x = HSGD_OP(x, conv2d, "conv", .out_channels = 8, .kernel = 3, .padding = 1, .no_bias = true);
    x = HSGD_OP(x, batch_norm, "norm");
    x = HSGD_JOIN(HSGD_OF(x, shortcut), add, NULL);
    x = HSGD_OP(x, relu, NULL);
    hsgd_leave(m);
    if (drops) x = HSGD_OP(x, dropout, NULL, .p = 0.25f);
    hsgd_result(x, "map");
    x = HSGD_OP(x, global_avg_pool, NULL);
    x = HSGD_OP(x, dense, "head", .units = CLASSES);
    hsgd_result(x, "scores");
    hsgd_loss(HSGD_JOIN(HSGD_OF(x, label), softmax_cross_entropy, NULL));
    return m;
}

static void token_types(int size, struct hsgd_type *field)
{
    int length = size < 0 ? HSGD_ANY : lengths[size];
    field[0] = field[1] = hsgd_tokens(length);
    field[2] = hsgd_number(HSGD_I32);
}

/* Two losses: of each position, of which some are ignored, and of the mean over positions. */
static struct hsgd_model *token_model(const struct hsgd_type *field, bool drops)
{
    struct hsgd_model *m = hsgd_model_create(ctx, "tokens");
    struct hsgd_value *x = hsgd_input(m, "token", field[0]), *y;
    struct hsgd_value *next = hsgd_target(m, "next", field[1]), *label = hsgd_target(m, "label", field[2]);
    x = HSGD_OP(x, embedding, "embed", .entries = ENTRIES, .channels = 16);
    x = HSGD_OP(x, layer_norm, "norm");
    if (drops) x = HSGD_OP(x, dropout, NULL, .p = 0.25f);
    y = HSGD_OP(x, dense, "mlp", .units = 16);
    y = HSGD_OP(y, gelu, NULL);
    x = HSGD_JOIN(HSGD_OF(x, y), concat, NULL);
    y = HSGD_OP(x, dense, "each", .units = ENTRIES);
    hsgd_result(y, "each");
    hsgd_loss(HSGD_JOIN(HSGD_OF(y, next), softmax_cross_entropy, NULL, .has_ignore = true, .ignore = 0));
    y = HSGD_OP(HSGD_OP(x, global_avg_pool, NULL), dense, "all", .units = CLASSES);
    hsgd_result(y, "all");
    hsgd_weighted_loss(HSGD_JOIN(HSGD_OF(y, label), softmax_cross_entropy, NULL), 0.5f);
    return m;
}

static const struct net nets[] = { { "pictures", 2, picture_types, picture_model, { x, label } },
                                   { "tokens", 3, token_types, token_model, { token, next, label } } };
enum { NETS = sizeof nets / sizeof *nets, RESULTS = 2 };

static void begin(const char *devices, bool deterministic)
{
    ctx = core_context(devices, 0, deterministic);
    unsigned state = 1;
    for (int i = 0; i < BATCH * LARGEST * LARGEST * 3; i++) {
        state = state * 1664525u + 1013904223u;
        x[i] = (float)(state >> 8) / (1 << 23) - 1.0f;
        if (i < BATCH * LARGEST) token[i] = (int32_t)(state >> 16) % ENTRIES;
        if (i < BATCH * LARGEST) next[i] = (int32_t)(state >> 20) % ENTRIES;
        if (i < BATCH) label[i] = (int32_t)(state >> 24) % CLASSES;
    }
}

static struct hsgd_model *make(const struct net *n, int size, bool drops)
{
    struct hsgd_type field[3];
    n->types(size, field);
    struct hsgd_model *m = n->make(field, drops);
    if (!CHECK_MSG(!hsgd_model_finish(m), "%s", hsgd_error(ctx))) core_end();
    return m;
}

static struct hsgd_trainer *make_trainer(struct hsgd_model *m, enum hsgd_optimizer optimizer, int batch,
                                         enum hsgd_algorithm algorithm)
{
    struct hsgd_train_options o;
    hsgd_train_defaults(&o, sizeof o);
    o.batch_size = batch;
    o.epochs = 3;
    o.optimizer = optimizer;
    o.algorithm = algorithm;
    o.learning_rate = 0.02f;
    struct hsgd_trainer *t = hsgd_trainer_create(m, &o);
    if (!CHECK_MSG(t != NULL, "%s", hsgd_error(ctx))) core_end();
    return t;
}

static void set_size(struct hsgd_trainer *t, const struct net *n, int size)
{
    struct hsgd_type field[3];
    n->types(size, field);
    if (!CHECK_MSG(!hsgd_trainer_set_types(t, n->fields, field), "%s", hsgd_error(ctx))) core_end();
}

static double step(struct hsgd_trainer *t, const struct net *n)
{
    double loss = NAN;
    if (!CHECK_MSG(!hsgd_trainer_step(t, BATCH, n->data, &loss), "%s", hsgd_error(ctx))) core_end();
    return loss;
}

static void check_same_weights(struct hsgd_model *a, struct hsgd_model *b, const char *what)
{
    char one[65], other[65];
    hsgd_model_digest(a, one);
    hsgd_model_digest(b, other);
    CHECK_MSG(!strcmp(one, other), "%s: the weights differ", what);
}

/* ------------------------------------------------------------------ training */

static void train_at(const struct net *n, int size)
{
    struct hsgd_model *open = make(n, -1, true), *constant = make(n, size, true);
    struct hsgd_trainer *a = make_trainer(open, HSGD_ADAM, BATCH, HSGD_SYNC),
                        *b = make_trainer(constant, HSGD_ADAM, BATCH, HSGD_SYNC);
    check_same_weights(open, constant, "before training");
    set_size(a, n, size);
    double first = step(a, n), last = first;
    CHECK(first == step(b, n));
    for (int i = 1; i < STEPS; i++) CHECK((last = step(a, n)) == step(b, n));
    CHECK_MSG(last < first, "%s, size %d: the loss goes from %g to %g", n->name, size, first, last);
    check_same_weights(open, constant, n->name);
    hsgd_trainer_destroy(&a);
    hsgd_trainer_destroy(&b);
    hsgd_model_destroy(&open);
    hsgd_model_destroy(&constant);
}

/* Steps at one size after the other: each as of a trainer that knows that size alone. */
static void train_in_turns(const struct net *n)
{
    struct hsgd_model *open = make(n, -1, false), *constant[SIZES];
    struct hsgd_trainer *t = make_trainer(open, HSGD_SGD, BATCH, HSGD_SYNC), *of[SIZES];
    for (int i = 0; i < SIZES; i++) of[i] = make_trainer(constant[i] = make(n, i, false), HSGD_SGD, BATCH, HSGD_SYNC);
    for (int i = 0; i < STEPS; i++) {
        int size = i * i % 7 % SIZES;
        int64_t count;
        float *w = core_weights(open, &count);
        core_set_weights(constant[size], w);
        free(w);
        set_size(t, n, size);
        CHECK(step(t, n) == step(of[size], n));
        check_same_weights(open, constant[size], n->name);
    }
    for (int i = 0; i < SIZES; i++) {
        hsgd_trainer_destroy(&of[i]);
        hsgd_model_destroy(&constant[i]);
    }
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&open);
}

static void train_on(const char *devices)
{
    begin(devices, true);
    for (int i = 0; i < NETS; i++) {
        for (int size = 0; size < SIZES; size++) train_at(&nets[i], size);
        train_in_turns(&nets[i]);
    }
    hsgd_destroy(&ctx);
}

static void training_cpu(void) { train_on("cpu"); }
static void training_opencl(void) { train_on("opencl"); }
static void training_both(void) { train_on("cpu,opencl"); }

/* ------------------------------------------------------------------ sessions */

static void run_session(struct hsgd_session *s, const struct net *n, int samples, float *out[RESULTS])
{
    if (!CHECK_MSG(!hsgd_session_run(s, samples, n->data, HSGD_RESULTS(out[0], out[1])), "%s", hsgd_error(ctx)))
        core_end();
}

static void check_results(struct hsgd_session *open, const struct net *n, int size, int samples)
{
    struct hsgd_type field[3];
    struct hsgd_model *m = make(n, size, true);
    struct hsgd_session *constant = hsgd_session_create(m, NULL);
    struct hsgd_session_value a, b;
    float *got[RESULTS], *want[RESULTS];
    size_t bytes[RESULTS];
    REQUIRE(constant);
    n->types(size, field);
    if (!CHECK_MSG(!hsgd_session_set_types(open, 1, field), "%s", hsgd_error(ctx))) core_end();
    CHECK(!hsgd_session_input_get(open, 0, &a, sizeof a) && !memcmp(&a.type, &field[0], sizeof a.type));
    for (int i = 0; i < RESULTS; i++) {
        REQUIRE(!hsgd_session_result_get(open, i, &a, sizeof a) && !hsgd_session_result_get(constant, i, &b, sizeof b));
        CHECK(!memcmp(&a.type, &b.type, sizeof a.type));
        bytes[i] = (size_t)(samples * hsgd_type_bytes(&a.type));
        got[i] = malloc(bytes[i]);
        want[i] = malloc(bytes[i]);
        REQUIRE(got[i] && want[i]);
    }
    run_session(open, n, samples, got);
    run_session(constant, n, samples, want);
    for (int i = 0; i < RESULTS; i++) {
        CHECK_MSG(!memcmp(got[i], want[i], bytes[i]), "%s: result %d of size %d differs", n->name, i, size);
        free(got[i]);
        free(want[i]);
    }
    hsgd_session_destroy(&constant);
    hsgd_model_destroy(&m);
}

static int kept_plans(const struct hsgd_session *s)
{
    struct hsgd_session_memory memory;
    REQUIRE(!hsgd_session_memory_get(s, &memory, sizeof memory));
    return memory.plans;
}

/* Plans are kept by sizes and samples; the least recently used makes room. */
static void results_on(const char *devices)
{
    begin(devices, true);
    for (int i = 0; i < NETS; i++) {
        struct hsgd_model *m = make(&nets[i], -1, true);
        struct hsgd_session *s = hsgd_session_create(m, HSGD_OPTIONS(session, .plans = 4));
        struct hsgd_session_value v;
        REQUIRE(s);
        CHECK(!hsgd_session_result_get(s, 0, &v, sizeof v) && v.type.dim[0] == HSGD_ANY);
        for (int size = 0; size < SIZES; size++) check_results(s, &nets[i], size, BATCH);
        CHECK(kept_plans(s) == SIZES);
        for (int size = 0; size < SIZES; size++) check_results(s, &nets[i], size, BATCH);
        CHECK(kept_plans(s) == SIZES);
        for (int samples = 1; samples < 5; samples++) check_results(s, &nets[i], samples % SIZES, samples);
        CHECK(kept_plans(s) == 4);
        hsgd_session_destroy(&s);
        hsgd_model_destroy(&m);
    }
    hsgd_destroy(&ctx);
}

static void results_cpu(void) { results_on("cpu"); }
static void results_both(void) { results_on("cpu,opencl"); }

/* ----------------------------------------------------------------- data sets */

static struct hsgd_data *data_at(const struct net *n, int size, int count)
{
    static const char *const names[NETS][3] = { { "x", "label" }, { "token", "next", "label" } };
    struct hsgd_data_field f[3];
    struct hsgd_type field[3];
    n->types(size, field);
    for (int i = 0; i < n->fields; i++) {
        f[i] = (struct hsgd_data_field){ .size = sizeof f[i], .name = names[n - nets][i], .type = field[i] };
        if (field[i].dtype == HSGD_I32) f[i].classes = i == n->fields - 1 ? CLASSES : ENTRIES;
    }
    struct hsgd_data *d = hsgd_data_arrays(ctx, count, n->fields, f, n->data, HSGD_COPY);
    if (!CHECK_MSG(d != NULL, "%s", hsgd_error(ctx))) core_end();
    return d;
}

static struct hsgd_model *fit_at(const struct net *n, int model_size, int size, int validation_size, double *loss)
{
    struct hsgd_model *m = make(n, model_size, true);
    struct hsgd_data *train = data_at(n, size, BATCH), *validation = data_at(n, validation_size, BATCH - 3);
    struct hsgd_trainer *t = make_trainer(m, HSGD_ADAM, 10, HSGD_SYNC);
    struct hsgd_fit_result result;
    if (!CHECK_MSG(!hsgd_fit(t, train, validation, &result, sizeof result), "%s", hsgd_error(ctx))) core_end();
    CHECK(isfinite(result.validation_loss));
    CHECK(!hsgd_trainer_evaluate(t, train, loss, NULL) && isfinite(*loss));
    hsgd_trainer_destroy(&t);
    hsgd_data_destroy(&train);
    hsgd_data_destroy(&validation);
    return m;
}

static void data_sets(void)
{
    begin("cpu,opencl", true);
    for (int i = 0; i < NETS; i++)
        for (int size = 0; size < SIZES; size++) {
            double got, want;
            struct hsgd_model *open = fit_at(&nets[i], -1, size, (size + 1) % SIZES, &got);
            struct hsgd_model *constant = fit_at(&nets[i], size, size, size, &want);
            check_same_weights(open, constant, "after hsgd_fit()");
            CHECK_MSG(got == want, "%s: the loss is %g, not %g", nets[i].name, got, want);
            hsgd_model_destroy(&open);
            hsgd_model_destroy(&constant);
        }
    hsgd_destroy(&ctx);
}

/* Replicas, and batches that trials divide. */
static void replicas(void)
{
    static const enum hsgd_algorithm algorithms[] = { HSGD_SYNC, HSGD_STALE, HSGD_HOGBATCH };
    begin("cpu,opencl", false);
    for (size_t k = 0; k < sizeof algorithms / sizeof *algorithms; k++) {
        struct hsgd_model *m = make(&nets[1], -1, true);
        struct hsgd_trainer *t = make_trainer(m, HSGD_SGD, BATCH, algorithms[k]);
        for (int i = 0; i < 2 * SIZES; i++) {
            set_size(t, &nets[1], i % SIZES);
            CHECK(isfinite(step(t, &nets[1])));
        }
        CHECK(hsgd_trainer_plan(t, BATCH) > 0);
        hsgd_trainer_destroy(&t);
        hsgd_model_destroy(&m);
    }
    hsgd_destroy(&ctx);
}

/* What is frozen after a session has seen a size is frozen for trainers at that size, too. */
static void freezing(void)
{
    static float before[ENTRIES * 16], after[ENTRIES * 16];
    struct hsgd_type field[3];
    begin("cpu", true);
    struct hsgd_model *m = make(&nets[1], -1, false);
    struct hsgd_session *s = hsgd_session_create(m, NULL);
    token_types(1, field);
    REQUIRE(s && !hsgd_session_set_types(s, 1, field));
    for (int frozen = 1; frozen >= 0; frozen--) {
        REQUIRE(!hsgd_model_freeze(m, "embed.*", frozen));
        REQUIRE(!hsgd_model_get_weight(m, "embed.weight", before, ENTRIES * 16));
        struct hsgd_trainer *t = make_trainer(m, HSGD_SGD, BATCH, HSGD_SYNC);
        set_size(t, &nets[1], 1);
        step(t, &nets[1]);
        REQUIRE(!hsgd_model_get_weight(m, "embed.weight", after, ENTRIES * 16));
        CHECK((memcmp(before, after, sizeof before) == 0) == frozen);
        hsgd_trainer_destroy(&t);
    }
    hsgd_session_destroy(&s);
    hsgd_model_destroy(&m);
    hsgd_destroy(&ctx);
}

/* --------------------------------------------------------------------- files */

/* Text and weights keep what is open. */
static void check_text(struct hsgd_model *m)
{
    char *text = hsgd_model_text(m), *again;
    REQUIRE(text && strstr(text, "shape: [any"));
    struct hsgd_model *read = hsgd_model_from_text(ctx, text, (struct hsgd_shape){ 0 }, 0);
    if (!CHECK_MSG(read != NULL, "%s", hsgd_error(ctx))) core_end();
    REQUIRE((again = hsgd_model_text(read)));
    CHECK_STR(again, text);
    check_same_weights(read, m, "read from a text");
    hsgd_model_destroy(&read);
    free(text);
    free(again);
}

/* Goes on from a checkpoint at another size than that of the data so far. */
static void check_checkpoint(const struct net *n, struct hsgd_model *m, struct hsgd_trainer *t)
{
    char folder[] = "test_sizes.XXXXXX", path[80], command[80];
    REQUIRE(mkdtemp(folder));
    if (!CHECK_MSG(!hsgd_checkpoint_save(t, folder), "%s", hsgd_error(ctx))) core_end();
    snprintf(path, sizeof path, "%s/last/model.safetensors", folder);
    struct hsgd_model *again = hsgd_model_open(ctx, path);
    if (!CHECK_MSG(again != NULL, "%s", hsgd_error(ctx))) core_end();
    struct hsgd_trainer *next = make_trainer(again, HSGD_SGD, 10, HSGD_SYNC);
    snprintf(path, sizeof path, "%s/last", folder);
    if (!CHECK_MSG(!hsgd_checkpoint_load(next, path), "%s", hsgd_error(ctx))) core_end();
    check_same_weights(again, m, "after loading");
    set_size(t, n, 2);
    set_size(next, n, 2);
    CHECK(step(t, n) == step(next, n));
    check_same_weights(again, m, "after a step from a checkpoint");
    hsgd_trainer_destroy(&next);
    hsgd_model_destroy(&again);
    snprintf(command, sizeof command, "rm -r %s", folder);
    CHECK(!system(command));
}

static void files(void)
{
    begin("cpu", true);
    for (int i = 0; i < NETS; i++) {
        struct hsgd_model *m = make(&nets[i], -1, true);
        struct hsgd_trainer *t = make_trainer(m, HSGD_SGD, 10, HSGD_SYNC);
        struct hsgd_data *train = data_at(&nets[i], 0, BATCH);
        check_text(m);
        CHECK(!hsgd_fit(t, train, NULL, NULL, 0));
        check_checkpoint(&nets[i], m, t);
        hsgd_trainer_destroy(&t);
        hsgd_data_destroy(&train);
        hsgd_model_destroy(&m);
    }
    hsgd_destroy(&ctx);
}

static const struct core_case cases[] = {
    { "training cpu", training_cpu },
    { "training opencl", training_opencl },
    { "training both", training_both },
    { "results cpu", results_cpu },
    { "results both", results_both },
    { "data sets", data_sets },
    { "replicas", replicas },
    { "freezing", freezing },
    { "files", files },
};

CORE_MAIN(cases)
