/* SPDX-License-Identifier: BSD-3-Clause */
/* Plans on a store alone: nobody trains but by an updater of the test's. */
#include "core.h"
#include "gradient.h"

#include <errno.h>
#include <math.h>

#include "kernels.h"
#include "device/starpu_environment.h"
#include "exec/memory.h"
#include "plan/plan_build.h"
#include "exec/run.h"

enum { BATCH = 96, FEATURES = 784, CLASSES = 10, MAX_SLICES = 32 };

static struct hsgd_context *ctx;
static struct hsgd_model *model;
static struct store store;
static float x[BATCH * FEATURES];
static int32_t labels[BATCH];

static void begin(const char *devices, const char *name)
{
    ctx = core_context(devices, 1, false);
    model = hsgd_model_by_name(ctx, name, (struct hsgd_shape){ 28, 28, 1 }, CLASSES);
    REQUIRE(model && !hsgd_model_initialise(model, 5));
    REQUIRE(!store_open(&store, model, STORE_TRAINS));
    core_digits(0, BATCH, x, labels);
}

static void end(void)
{
    store_close(&store);
    CHECK(!model->bound);
    hsgd_model_destroy(&model);
    hsgd_destroy(&ctx);
}

static void fill(void *user, int step, int first_row, int rows, void *const *field)
{
    (void)user, (void)step;
    memcpy(field[0], x + first_row * FEATURES, (size_t)(rows * FEATURES) * sizeof *x);
    memcpy(field[1], labels + first_row, (size_t)rows * sizeof *labels);
}

/* n slices in turn on all devices; the last has what is left. */
static struct plan_spec spec_of(enum plan_mode mode, int n, int rows, struct slice_spec *slice)
{
    for (int i = 0, left = rows; i < n; left -= slice[i++].rows)
        slice[i] = (struct slice_spec){ &ctx->device[i % ctx->ndevices], i == n - 1 ? left : rows / n / 4 * 4 };
    static int output;
    output = model->node[model->loss].in[0];
    return (struct plan_spec){
        .mode = mode, .n = n, .slice = slice, .wanted = { mode == PLAN_PREDICT, &output, 0, NULL }, .window = 4
    };
}

/* One step on the digits; its sum of losses. */
static double step(const struct plan_spec *spec)
{
    const struct batch_source source = { fill, NULL };
    struct span span = { .end = 1 };
    context_begin(ctx);
    struct plan *p = plan_create(&store, spec);
    if (!CHECK_MSG(p && !plan_run(p, &span, HSGD_REPLAY, &source), "%s", hsgd_error(ctx))) core_end();
    buffer_acquire(ctx, &store.metrics, STARPU_R);
    double loss = *(float *)store.metrics.memory;
    starpu_data_release(store.metrics.handle);
    plan_destroy(p);
    context_end(ctx);
    return loss;
}

/* ------------------------------------------------------------- evaluating */

/* A network of zeros knows nothing: -log(1 / classes) a sample. */
static void evaluates_without_a_trainer(void)
{
    struct slice_spec slice[MAX_SLICES];
    begin("cpu", "mlp-small");
    memset(model->weights, 0, (size_t)model->floats * sizeof *model->weights);
    for (int n = 1; n <= 3; n++) {
        struct plan_spec spec = spec_of(PLAN_EVALUATE, n, BATCH, slice);
        double loss = step(&spec), want = BATCH * log(CLASSES);
        CHECK_MSG(fabs(loss - want) < 1e-5 * want, "%d slices: %f, not %f", n, loss, want);
    }
    end();
}

/* --------------------------------------------------------------- updating */

static float *gradient_of_trainer(const float *initial, int64_t count)
{
    struct hsgd_train_options o;
    float *g = malloc((size_t)count * sizeof *g);
    hsgd_train_defaults(&o, sizeof o);
    core_set_weights(model, initial);
    struct hsgd_trainer *t = hsgd_trainer_create(model, &o);
    REQUIRE(t && g && !hsgd_trainer_gradients(t, BATCH, HSGD_FIELDS(x, labels), g, count));
    for (int64_t i = 0; i < count; i++) g[i] *= BATCH; /* the updater has the sum */
    hsgd_trainer_destroy(&t);
    return g;
}

/* Deferred or not, in one cell or many, of one to many parts: every parameter
 * is updated from its gradient, once. */
static void updates_on(const char *devices)
{
    static const int slices[] = { 1, 2, 3, 5 };
    const struct updater updater = { .emit = become_gradient };
    struct slice_spec slice[MAX_SLICES];
    int64_t count;
    begin(devices, "mlp");
    float *initial = core_weights(model, &count), *got[4];
    for (int i = 0; i < 4; i++) {
        struct plan_spec spec = spec_of(PLAN_TRAIN, slices[i], BATCH, slice);
        spec.updater = &updater;
        core_set_weights(model, initial);
        step(&spec);
        got[i] = core_weights(model, NULL);
    }
    store_close(&store);
    float *want = gradient_of_trainer(initial, count);
    for (int i = 0; i < 4; i++) {
        double distance = core_distance(got[i], want, count);
        CHECK_MSG(distance < 1e-5, "%d slices: %g from the gradient", slices[i], distance);
        free(got[i]);
    }
    free(want), free(initial);
    end();
}

static void updates_on_one_device(void) { updates_on("cpu"); }

static void updates_on_two_devices(void) { updates_on("cpu,opencl"); }

static void updates_where_starpu_places(void)
{
    setenv("HSGD_PLACEMENT", "starpu", 1);
    updates_on("cpu,opencl");
}

/* --------------------------------------------------------------- sketches */

static size_t need(const struct plan_spec *spec, bool sketch)
{
    struct plan *p = sketch ? plan_sketch(&store, spec) : plan_create(&store, spec);
    if (!CHECK_MSG(p, "%s", hsgd_error(ctx))) core_end();
    size_t bytes = memory_need(p, &ctx->device[0]);
    for (int i = 0; i < p->ncells; i++) CHECK_MSG(!p->cell[i].variant[0].program.error, "%s", p->cell[i].name);
    for (int i = 0; i < p->nslices; i++) CHECK(!p->buffer[p->slice[i].arena]->handle == sketch);
    plan_destroy(p);
    return bytes;
}

/* A sketch needs as much memory as the plan, but has none. */
static void sketches_know_their_size(void)
{
    static const int slices[] = { 1, 2, 5, 32 };
    static const enum plan_mode modes[] = { PLAN_TRAIN, PLAN_EVALUATE, PLAN_GRADIENT, PLAN_PREDICT };
    const struct updater updater = { .emit = become_gradient };
    struct slice_spec slice[MAX_SLICES];
    begin("cpu", "mlp");
    context_begin(ctx);
    for (int m = 0; m < 4; m++)
        for (int i = 0; i < 4; i++) {
            struct plan_spec spec = spec_of(modes[m], slices[i], 1024, slice);
            spec.updater = &updater;
            size_t sketch = need(&spec, true), plan = need(&spec, false);
            CHECK_MSG(sketch == plan, "mode %d, %d slices: %zu bytes, then %zu", m, slices[i], sketch, plan);
            spec = spec_of(modes[m], slices[i], 2048, slice);
            spec.updater = &updater;
            CHECK(need(&spec, true) > sketch);
        }
    context_end(ctx);
    end();
}

/* -------------------------------------------------------------------- peak */

static size_t peak(const struct hsgd_context *c)
{
    struct hsgd_device d;
    REQUIRE(!hsgd_device_get(c, 0, &d, sizeof d));
    return d.peak_bytes;
}

/* What two steps take, from the sizes of the model and the buffers of the only cell. */
static size_t train_alone(struct hsgd_model *m, enum hsgd_optimizer optimizer, int rows)
{
    struct hsgd_train_options o;
    struct hsgd_plan_cell cell;
    size_t inputs = (size_t)rows * FEATURES * sizeof *x + ((size_t)rows * sizeof *labels + 63) / 64 * 64;
    hsgd_train_defaults(&o, sizeof o);
    o.optimizer = optimizer;
    struct hsgd_trainer *t = hsgd_trainer_create(m, &o);
    for (int i = 0; i < 2; i++) REQUIRE(t && !hsgd_trainer_step(t, rows, HSGD_FIELDS(x, labels), NULL));
    REQUIRE(hsgd_trainer_plan(t, rows) == 1 && !hsgd_trainer_plan_cell(t, rows, 0, &cell, sizeof cell));
    hsgd_trainer_destroy(&t);
    return (size_t)cell.bytes + (PLAN_SLOTS - 1) * inputs;
}

/* Buffers count once for all plans that use them, and until they are freed. */
static void peak_on(const char *devices)
{
    struct hsgd_context *c = core_context(devices, 1, false);
    struct hsgd_model *m = hsgd_model_by_name(c, "mlp-small", (struct hsgd_shape){ 28, 28, 1 }, CLASSES);
    core_digits(0, BATCH, x, labels);
    REQUIRE(m && !hsgd_model_initialise(m, 5) && peak(c) == 0);
    size_t bucket = (size_t)m->floats * sizeof(float);
    size_t small = train_alone(m, HSGD_SGD, 32), first = peak(c);
    CHECK_MSG(first == small && small > bucket, "%zu bytes, not %zu", first, small);
    CHECK(train_alone(m, HSGD_SGD, 32) == small && peak(c) == first);
    size_t large = train_alone(m, HSGD_SGD, BATCH), second = peak(c);
    CHECK_MSG(second == large && large > small, "%zu bytes, not %zu", second, large);
    CHECK(train_alone(m, HSGD_ADAM, BATCH) == large + 2 * bucket);
    CHECK_MSG(peak(c) == large + 2 * bucket, "%zu bytes, not %zu", peak(c), large + 2 * bucket);
    CHECK(train_alone(m, HSGD_SGD, 32) == small && peak(c) == large + 2 * bucket);
    hsgd_model_destroy(&m);
    hsgd_destroy(&c);
}

static void peak_of_the_cpu(void) { peak_on("cpu"); }
static void peak_of_opencl(void) { peak_on("opencl:0"); }

/* ----------------------------------------------------------------- stores */

static void one_trains_a_model(void)
{
    struct store other, copy, shared;
    begin("cpu", "mlp");
    CHECK(store_open(&other, model, STORE_TRAINS) == -EBUSY);
    CHECK(strstr(hsgd_error(ctx), "model \"mlp\" is in use"));
    REQUIRE(!store_open_copy(&copy, &store, false) && !store_open_copy(&shared, &store, true));
    for (int i = 0; i < store.nshards; i++) {
        CHECK(shared.param[i].memory == store.param[i].memory && shared.param[i].handle != store.param[i].handle);
        CHECK(copy.param[i].memory != store.param[i].memory);
        CHECK(core_norm(copy.param[i].memory, copy.shard[i].floats) == 0);
    }
    store_close(&copy);
    store_close(&shared);
    CHECK(model->bound == store.parameters);
    end();
}

/* What reads has the buffers of what trains, whoever is there first or last. */
static void others_read_it(void)
{
    struct store first, second;
    begin("cpu", "mlp");
    REQUIRE(!store_open(&first, model, STORE_READS) && first.param == store.param && !first.step.handle);
    store_close(&store);
    REQUIRE(!store_open(&second, model, STORE_READS) && second.param == first.param);
    store_close(&first);
    REQUIRE(!store_open(&store, model, STORE_TRAINS) && store.param == second.param && store.step.handle);
    CHECK(!second.metrics.handle && !store_add_metrics(&second) && second.metrics.handle != store.metrics.handle);
    store_close(&second);
    end();
}

/* StarPU before 1.4 loses copies where both are on. */
static void no_lost_copies(void)
{
    for (int asked = -1; asked <= 1; asked++) {
        const char *const value[] = { "0", "1" };
        struct buffer b;
        unsetenv("STARPU_PREFETCH");
        if (asked >= 0) setenv("STARPU_PREFETCH", value[asked], 1);
        struct hsgd_context *ctx = core_context("cpu", 1, false);
        bool on = starpu_get_prefetch_flag();
        CHECK(on == (asked < 0 ? STARPU_HAS_SAFE_PREFETCH : asked));
        REQUIRE(!buffer_create(ctx, &b, "parameters", 8, true));
        buffer_write_through(&b, MAIN_MEMORY);
        CHECK(b.written_through == (STARPU_HAS_SAFE_PREFETCH || !on));
        buffer_destroy(&b);
        hsgd_destroy(&ctx);
    }
}

static const struct core_case cases[] = {
    { "evaluates_without_a_trainer", evaluates_without_a_trainer },
    { "updates_on_one_device", updates_on_one_device },
    { "updates_on_two_devices", updates_on_two_devices },
    { "updates_where_starpu_places", updates_where_starpu_places },
    { "sketches_know_their_size", sketches_know_their_size },
    { "peak_of_the_cpu", peak_of_the_cpu },
    { "peak_of_opencl", peak_of_opencl },
    { "one_trains_a_model", one_trains_a_model },
    { "others_read_it", others_read_it },
    { "no_lost_copies", no_lost_copies },
};
CORE_MAIN(cases)
