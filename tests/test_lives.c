/* SPDX-License-Identifier: BSD-3-Clause */
/* What lives how long in a slice's arena, by bytes, and which weights' gradients
 * are left to cells of their own. */
#include "core.h"
#include "gradient.h"

#include <math.h>

#include "kernels.h"
#include "plan/plan_build.h"
#include "exec/run.h"

enum { BATCH = 128, POSITIONS = 16, WIDE = 320, CLASSES = 10 };

static struct hsgd_context *ctx;

/* ------------------------------------------------------------------- arenas */

/* Floats of a sample's values, and of their gradients. */
static void sum_values(const struct tape *t, int64_t *values, int64_t *gradients)
{
    *values = *gradients = 0;
    for (int i = 0; i < t->low.nvalues; i++) {
        const struct low_value *v = &t->low.value[i];
        if (v->field >= 0 || v->root != i) continue;
        *values += v->floats;
        *gradients += v->wants_gradient ? v->floats : 0;
    }
}

static void resnet20_arena(void)
{
    struct tape train, look;
    int64_t values, gradients;
    ctx = core_context("cpu", 1, false);
    struct hsgd_model *m = hsgd_model_by_name(ctx, "resnet20", (struct hsgd_shape){ 32, 32, 3 }, CLASSES);
    REQUIRE(m && tape_make(&train, m, &(struct tape_spec){ .gradients = true, .defer_rows = BATCH }));
    REQUIRE(tape_make(&look, m, &(struct tape_spec){ 0 }));
    sum_values(&train, &values, &gradients);
    double all = (double)(values + gradients);
    CHECK_MSG((double)train.floats <= 0.30 * all, "training: %.3f of values and gradients", (double)train.floats / all);
    CHECK_MSG((double)look.floats <= 0.08 * (double)values, "evaluation: %.3f of values",
              (double)look.floats / (double)values);
    tape_free(&train);
    tape_free(&look);
    hsgd_model_destroy(&m);
    hsgd_destroy(&ctx);
}

/* models/resnet20.yaml with every block recomputed. */
static struct hsgd_model *recomputed_resnet20(void)
{
    const char *srcdir = getenv("srcdir");
    char path[500], *text = calloc(1, 8000), *to = text, line[200];
    snprintf(path, sizeof path, "%s/models/resnet20.yaml", srcdir ? srcdir : "..");
    FILE *file = fopen(path, "r");
    REQUIRE(text && file);
    while (fgets(line, sizeof line, file)) {
        bool block = strstr(line, "{block:");
        line[strcspn(line, block ? "}\n" : "\n")] = 0;
        to += sprintf(to, "%s%s\n", line, block ? ", recompute: true}" : "");
    }
    fclose(file);
    struct hsgd_model *m = hsgd_model_from_text(ctx, text, (struct hsgd_shape){ 32, 32, 3 }, CLASSES);
    CHECK_MSG(m, "%s", hsgd_error(ctx));
    free(text);
    return m;
}

static int64_t arena_of(struct hsgd_model *m)
{
    struct tape t;
    REQUIRE(m && tape_make(&t, m, &(struct tape_spec){ .gradients = true, .defer_rows = BATCH }));
    int64_t floats = t.floats;
    tape_free(&t);
    return floats;
}

static void recomputed_arena(void)
{
    ctx = core_context("cpu", 1, false);
    struct hsgd_model *plain = hsgd_model_by_name(ctx, "resnet20", (struct hsgd_shape){ 32, 32, 3 }, CLASSES);
    struct hsgd_model *again = recomputed_resnet20();
    double share = (double)arena_of(again) / (double)arena_of(plain);
    CHECK_MSG(share <= 0.45, "recomputing the blocks leaves %.3f of the arena", share);
    char *text = hsgd_model_text(again);
    struct hsgd_model *read = hsgd_model_from_text(ctx, text, (struct hsgd_shape){ 0 }, 0);
    CHECK_MSG(arena_of(read) == arena_of(again), "a model as text loses what is recomputed");
    free(text);
    hsgd_model_destroy(&plain);
    hsgd_model_destroy(&again);
    hsgd_model_destroy(&read);
    hsgd_destroy(&ctx);
}

/* ------------------------------------------------------------- attention */

/* A decoder as GPT-2, with `again` before what follows each block. */
static struct hsgd_model *decoder(int layers, int channels, int heads, int length, const char *again)
{
    char text[3000];
    snprintf(text, sizeof text,
             "hsgd: 2\nname: gpt\ninputs: {x: {type: i32, shape: [%d]}}\ntargets: {label: {type: i32, shape: [%d]}}\n"
             "blocks:\n  layer:\n    - {op: layer_norm, name: ln_1}\n    - {op: dense, units: %d}\n"
             "    - {op: attention, heads: %d, causal: true}\n    - {op: dense, name: proj, units: %d}\n"
             "    - {op: add, name: attn, in: [proj, in]}\n    - {op: layer_norm}\n    - {op: dense, units: %d}\n"
             "    - {op: gelu, tanh: true}\n    - {op: dense, name: out, units: %d}\n    - {op: add, in: [out, attn]}\n"
             "layers:\n  - {op: embedding, entries: 65, channels: %d}\n  - {op: positions, length: %d}\n"
             "  - {block: layer, name: h, repeat: %d%s}\n  - {op: layer_norm}\n  - {op: dense, units: 65}\n"
             "  - {op: softmax_cross_entropy}\n",
             length, length, 3 * channels, heads, channels, 4 * channels, channels, channels, length, layers, again);
    struct hsgd_model *m = hsgd_model_from_text(ctx, text, (struct hsgd_shape){ 0 }, 0);
    CHECK_MSG(m, "%s", hsgd_error(ctx));
    return m;
}

/* Attention keeps a number for each query and head: no scores. */
static void decoder_arenas(void)
{
    struct tape t;
    int64_t values, gradients;
    ctx = core_context("cpu", 1, false);
    struct hsgd_model *m = decoder(6, 384, 6, 256, "");
    REQUIRE(m && tape_make(&t, m, &(struct tape_spec){ .gradients = true, .defer_rows = BATCH }));
    sum_values(&t, &values, &gradients);
    double share = (double)t.floats / (double)(values + gradients);
    CHECK_MSG(share <= 0.55, "%.3f of values and gradients", share);
    CHECK(tape_floats(&t, t.floats, 1) == t.floats);
    tape_free(&t);
    hsgd_model_destroy(&m);
    for (int again = 0; again < 2; again++) { /* of long texts, a sample at a time */
        m = decoder(4, 512, 8, 4096, again ? ", recompute: true" : "");
        double bytes = 4 * (double)arena_of(m), most = again ? 0x1p30 : 0x1p31;
        CHECK_MSG(bytes + 12.0 * (double)hsgd_model_parameters(m) < 0.95 * most, "an arena of %g bytes", bytes);
        hsgd_model_destroy(&m);
    }
    hsgd_destroy(&ctx);
}

/* ------------------------------------------------------------------ deferral */

/* One large weight that sees many vectors of a sample, one that sees one. */
static struct hsgd_model *two_weights(void)
{
    struct hsgd_model *m = hsgd_model_create(ctx, "two weights");
    struct hsgd_value *x = hsgd_input(m, "x", (struct hsgd_type){ HSGD_F32, 2, { POSITIONS, WIDE } });
    struct hsgd_value *label = hsgd_target(m, "label", hsgd_number(HSGD_I32));
    x = HSGD_OP(x, dense, "many", .units = WIDE, .activation = HSGD_TANH);
    x = HSGD_OP(HSGD_OP(x, flatten, NULL), dense, "one", .units = 32, .activation = HSGD_TANH);
    x = HSGD_OP(x, dense, "last", .units = CLASSES);
    hsgd_loss(HSGD_JOIN(HSGD_OF(x, label), softmax_cross_entropy, NULL));
    CHECK_MSG(!hsgd_model_finish(m), "%s", hsgd_error(ctx));
    return m;
}

/* user: the model. */
static void fill(void *user, int step, int first_row, int rows, void *const *field)
{
    const struct hsgd_model *m = user;
    int size = (int)hsgd_type_size(&m->value[m->field[0].value].type);
    float *x = field[0];
    int32_t *label = field[1];
    (void)step;
    for (int r = 0; r < rows; r++) {
        label[r] = (first_row + r) % CLASSES;
        for (int i = 0; i < size; i++) x[r * size + i] = sinf((float)(i * (first_row + r + 1)));
    }
}

/* The gradient over n slices; *deferred: of how many weights it is left to later cells. */
static float *gradient(struct hsgd_model *m, int n, float clip, int *deferred)
{
    const struct updater updater = { .emit = become_gradient, .clip_norm = clip };
    const struct batch_source source = { fill, m };
    struct slice_spec slice[4];
    struct store store;
    struct span span = { .end = 1 };
    int64_t count;
    for (int i = 0; i < n; i++) slice[i] = (struct slice_spec){ &ctx->device[i % ctx->ndevices], BATCH / n };
    struct plan_spec spec = { .mode = PLAN_TRAIN, .n = n, .slice = slice, .updater = &updater };
    REQUIRE(!hsgd_model_initialise(m, 3) && !store_open(&store, m, STORE_TRAINS));
    context_begin(ctx);
    struct plan *p = plan_create(&store, &spec);
    if (!CHECK_MSG(p && !plan_run(p, &span, HSGD_REPLAY, &source), "%s", hsgd_error(ctx))) core_end();
    *deferred = 0;
    for (int i = 0; i < p->tape->low.nnodes; i++) *deferred += p->tape->low.node[i].deferred;
    plan_destroy(p);
    store_close(&store);
    context_end(ctx);
    return core_weights(m, &count);
}

/* Two slices of 64: 1024 vectors in one weight, 64 in the other. */
static void some_weights_deferred_on(const char *devices)
{
    int deferred;
    ctx = core_context(devices, 1, true);
    struct hsgd_model *m = two_weights();
    float *all = gradient(m, 1, 1e30f, &deferred);
    CHECK_MSG(deferred == 0, "%d weights are deferred in one slice whose norm is asked for", deferred);
    for (int n = 1; n <= 4; n *= 2) {
        float *some = gradient(m, n, 0, &deferred);
        CHECK_MSG(deferred == (n == 4 ? 2 : 1), "%d weights are deferred in %d slices", deferred, n);
        double far = core_distance(some, all, hsgd_model_parameters(m));
        CHECK_MSG(far < 2e-6, "%d slices: %g from the gradient of backward", n, far);
        free(some);
    }
    free(all);
    hsgd_model_destroy(&m);
    hsgd_destroy(&ctx);
}

static void deferral_on_one_device(void) { some_weights_deferred_on("cpu"); }
static void deferral_on_two_devices(void) { some_weights_deferred_on("cpu,opencl"); }

/* ------------------------------------------------------------- recomputation */

/* A residual block with everything that must not differ the second time: random
 * numbers, statistics of the batch, what is kept, and a block in it. */
static struct hsgd_value *block(struct hsgd_model *m, struct hsgd_value *x, int i, bool recompute)
{
    hsgd_enter(m, "block%d", i);
    if (recompute) hsgd_recompute(m);
    struct hsgd_value *y = HSGD_OP(x, conv2d, "conv1", .out_channels = 4, .kernel = 3, .padding = 1);
    y = HSGD_OP(HSGD_OP(y, batch_norm, "bn1"), relu, "relu");
    y = HSGD_OP(y, dropout, "dropout", .p = 0.4f);
    hsgd_enter(m, "inner");
    if (recompute) hsgd_recompute(m);
    y = HSGD_OP(y, layer_norm, "ln");
    y = HSGD_OP(y, conv2d, "conv2", .out_channels = 4, .kernel = 3, .padding = 1, .activation = HSGD_TANH);
    hsgd_leave(m);
    y = HSGD_JOIN(HSGD_OF(HSGD_OP(y, batch_norm, "bn2"), x), add, "add");
    hsgd_leave(m);
    return y;
}

static struct hsgd_model *blocks(bool recompute)
{
    struct hsgd_model *m = hsgd_model_create(ctx, "blocks");
    struct hsgd_value *x = hsgd_input(m, "x", hsgd_image(6, 5, 4)),
                      *label = hsgd_target(m, "label", hsgd_number(HSGD_I32));
    for (int i = 0; i < 3; i++) x = block(m, x, i, recompute);
    x = HSGD_OP(HSGD_OP(x, flatten, NULL), dense, "fc", .units = CLASSES);
    hsgd_loss(HSGD_JOIN(HSGD_OF(x, label), softmax_cross_entropy, NULL));
    CHECK_MSG(!hsgd_model_finish(m), "%s", hsgd_error(ctx));
    return m;
}

/* Gradients and running statistics. */
static void same_bits_on(const char *devices)
{
    int deferred;
    ctx = core_context(devices, 1, true);
    struct hsgd_model *plain = blocks(false), *again = blocks(true);
    for (int n = 1; n <= 3; n++) {
        float *want = gradient(plain, n, 0, &deferred), *got = gradient(again, n, 0, &deferred);
        size_t bytes = (size_t)hsgd_model_parameters(plain) * sizeof *want;
        CHECK_MSG(!memcmp(want, got, bytes), "%d slices: recomputing changes the gradient by %g", n,
                  core_distance(got, want, hsgd_model_parameters(plain)));
        free(want);
        free(got);
    }
    CHECK(arena_of(again) < arena_of(plain));
    hsgd_model_destroy(&plain);
    hsgd_model_destroy(&again);
    hsgd_destroy(&ctx);
}

static void same_bits_on_one_device(void) { same_bits_on("cpu"); }
static void same_bits_on_two_devices(void) { same_bits_on("cpu,opencl"); }

/* A block needs a scope. */
static void bad_blocks(void)
{
    ctx = core_context("cpu", 1, false);
    struct hsgd_model *m = hsgd_model_create(ctx, "none");
    hsgd_recompute(m);
    CHECK(hsgd_model_finish(m) < 0);
    CHECK_STR(hsgd_error(ctx), "model \"none\": only a scope can be recomputed, and none is open");
    hsgd_model_destroy(&m);
    hsgd_destroy(&ctx);
}

static const struct core_case cases[] = { { "resnet20_arena", resnet20_arena },
                                          { "decoder_arenas", decoder_arenas },
                                          { "recomputed_arena", recomputed_arena },
                                          { "same_bits_on_one_device", same_bits_on_one_device },
                                          { "same_bits_on_two_devices", same_bits_on_two_devices },
                                          { "bad_blocks", bad_blocks },
                                          { "deferral_on_one_device", deferral_on_one_device },
                                          { "deferral_on_two_devices", deferral_on_two_devices } };
CORE_MAIN(cases)
