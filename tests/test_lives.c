/* SPDX-License-Identifier: BSD-3-Clause */
/* What lives how long in a slice's arena, by bytes, and which weights' gradients
 * are left to cells of their own. */
#include "core.h"

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

static void fill(void *user, int step, int first_row, int rows, void *const *field)
{
    float *x = field[0];
    int32_t *label = field[1];
    (void)user, (void)step;
    for (int r = 0; r < rows; r++) {
        label[r] = (first_row + r) % CLASSES;
        for (int i = 0; i < POSITIONS * WIDE; i++) x[r * POSITIONS * WIDE + i] = sinf((float)(i * (first_row + r + 1)));
    }
}

/* The parameters become the gradient. */
static void become_gradient(struct hsgd_emit *e, const void *user, const struct update *u)
{
    struct copy_args copy = { (int)u->n };
    struct add_args add = { (int)u->n };
    (void)user;
    HSGD_LAUNCH(e, HSGD_KERNEL(copy), HSGD_ITEMS, u->n, &copy, u->part[0], u->w);
    for (int i = 1; i < u->parts; i++) HSGD_LAUNCH(e, HSGD_KERNEL(add), HSGD_ITEMS, u->n, &add, u->part[i], u->w);
}

/* The gradient over n slices; *deferred: of how many weights it is left to later cells. */
static float *gradient(struct hsgd_model *m, int n, float clip, int *deferred)
{
    const struct updater updater = { .emit = become_gradient, .clip_norm = clip };
    const struct batch_source source = { fill, NULL };
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

static const struct core_case cases[] = { { "resnet20_arena", resnet20_arena },
                                          { "deferral_on_one_device", deferral_on_one_device },
                                          { "deferral_on_two_devices", deferral_on_two_devices } };
CORE_MAIN(cases)
