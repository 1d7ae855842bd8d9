/* hsgd selftest */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "reference/reference.h"

#define STEPS 10
#define BATCH 64
#define AGREE 1e-4      /* of the largest loss: rounding of so many steps */
#define COPY_FLOATS (16 << 20)
#define MOST_RESULTS 1024

/* A line of the table. */
struct result {
    char check[40], device[24];
    int shapes;
    bool ok;
    char message[600];
};

struct selftest {
    const struct settings *s;
    int n, failed;
    struct result result[MOST_RESULTS];
};

static void add(struct selftest *t, const char *check, const char *device, int shapes, bool ok, const char *message)
{
    if (t->n == MOST_RESULTS) return;
    struct result *r = &t->result[t->n++];
    *r = (struct result){ .shapes = shapes, .ok = ok };
    snprintf(r->check, sizeof r->check, "%s", check);
    snprintf(r->device, sizeof r->device, "%s", device);
    if (!ok) snprintf(r->message, sizeof r->message, "%s", message);
    t->failed += !ok;
    if (!t->s->json) {
        printf("%-24s %-10s %7d  %s%s\n", check, device, shapes, ok ? "ok" : "FAILED: ", ok ? "" : message);
        fflush(stdout);
    }

}

/* -------------------------------------------------------------- operations */

static const struct { const char *name; void (*run)(void); } references[] = {
#define REFERENCE(name) { #name, reference_##name },
    REFERENCE_LIST(REFERENCE)
};

/* A device that ran too little has failed; each is tested alone, since the
 * first failure ends an operation's test. */
static void test_operation(struct selftest *t, struct hsgd_context *ctx, int i)
{
    struct hsgd_device d;
    for (int k = 0; k < CHECK_DEVICES && !hsgd_device_get(ctx, k, &d); k++) {
        check_begin(ctx, references[i].name, k);
        references[i].run();
        const struct check_outcome *o = check_outcome();
        int shapes = o->device[k].shapes;
        add(t, references[i].name, d.id, shapes, !o->failures && shapes >= CHECK_SHAPES,
            o->failures ? o->message[0] : "it has run too few shapes");
    }
}

/* ------------------------------------------------------------------- copies */

static void test_copy(struct selftest *t, struct hsgd_context *ctx, int device, float *from, float *to)
{
    struct hsgd_device d;
    char message[600];
    struct hsgd_op_run run = { .rows = 1, .in = { 1, 1, COPY_FLOATS }, .x = from, .y = to };
    hsgd_device_get(ctx, device, &d);
    memset(to, 0, COPY_FLOATS * sizeof *to);
    int err = hsgd_op_run(ctx, device, &hsgd_op_flatten, NULL, &run);
    int64_t wrong = 0;
    while (wrong < COPY_FLOATS && from[wrong] == to[wrong]) wrong++;
    snprintf(message, sizeof message, "float %lld of %d came back as %g, not %g", (long long)wrong, COPY_FLOATS,
             wrong < COPY_FLOATS ? to[wrong] : 0, wrong < COPY_FLOATS ? from[wrong] : 0);
    add(t, "64 MiB there and back", d.id, 1, !err && wrong == COPY_FLOATS, err ? hsgd_error(ctx) : message);
}

static int test_copies(struct selftest *t, struct hsgd_context *ctx)
{
    float *from = malloc(COPY_FLOATS * sizeof *from), *to = malloc(COPY_FLOATS * sizeof *to);
    for (int i = 0; from && i < COPY_FLOATS; i++) from[i] = (float)(i % 16777213);
    for (int k = 0; from && to && k < hsgd_device_count(ctx); k++) test_copy(t, ctx, k, from, to);
    int code = from && to ? OK : complain(FAILED, "out of memory");
    free(from);
    free(to);
    return code;
}

/* ----------------------------------------------------------------- training */

struct training { const char *model; struct hsgd_shape in; };

static const struct training trainings[] = {
    { "mlp-small", { 28, 28, 1 } },
    { "lenet", { 28, 28, 1 } },
    { "cifar-cnn", { 32, 32, 3 } },
};

/* The losses of the first steps on made-up samples; a sentence on stderr when
 * they cannot be had. */
static int losses(struct hsgd_context *ctx, const struct training *w, double *loss)
{
    struct hsgd_train_options o;
    int64_t size = (int64_t)w->in.h * w->in.w * w->in.c;
    float *x = malloc((size_t)size * BATCH * sizeof *x);
    int32_t labels[BATCH];
    hsgd_train_defaults(&o);
    o.batch_size = BATCH;
    o.optimizer = HSGD_SGD;
    o.learning_rate = 0.01f; /* little, so that roundings do not grow */
    o.algorithm = HSGD_DATA_PARALLEL; /* every device takes part */
    struct hsgd_model *m = hsgd_model_by_name(ctx, w->model, w->in, 10);
    struct hsgd_trainer *t = m && !hsgd_model_initialise(m, 1) ? hsgd_trainer_create(m, &o) : NULL;
    int err = t && x ? 0 : -1;
    check_seed(7);
    for (int s = 0; !err && s < STEPS; s++) {
        for (int i = 0; i < BATCH; i++) labels[i] = check_int(0, 9);
        for (int64_t i = 0; i < BATCH * size; i++) x[i] = check_float() + 0.1f * (float)labels[i / size];
        err = hsgd_trainer_step(t, x, labels, BATCH, &loss[s]);
    }
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&m);
    free(x);
    return err;
}

struct trained { int err; char error[300]; double loss[STEPS]; };

/* All trainings on a device list, in a context of their own. */
static void train_on(const char *devices, struct trained *out)
{
    struct hsgd_context *ctx;
    struct hsgd_context_options o = { .devices = devices, .threads = 1 };
    int err = hsgd_create(&ctx, &o);
    for (size_t i = 0; i < sizeof trainings / sizeof *trainings; i++) {
        out[i].err = err ? err : losses(ctx, &trainings[i], out[i].loss);
        snprintf(out[i].error, sizeof out[i].error, "%s", hsgd_error(ctx));
    }
    hsgd_destroy(&ctx);
}

static void compare(struct selftest *t, const char *check, const char *devices, const struct trained *got,
                    const struct trained *want, double most)
{
    for (size_t i = 0; i < sizeof trainings / sizeof *trainings; i++) {
        char name[60], message[600];
        double worst = 0;
        for (int s = 0; s < STEPS; s++) {
            double off = fabs(got[i].loss[s] - want[i].loss[s]) / want[i].loss[s];
            worst = off <= worst ? worst : off; /* NaN is the worst */
        }
        bool ran = !got[i].err && !want[i].err;
        snprintf(name, sizeof name, "%s %s", check, trainings[i].model);
        snprintf(message, sizeof message, "a loss differs by %.2g of it", worst);
        add(t, name, devices, STEPS, ran && worst <= most, ran ? message : got[i].err ? got[i].error : want[i].error);
    }
}

#define TRAININGS (sizeof trainings / sizeof *trainings)

/* Graphs launch what plain launches do: the same bits. */
static void test_graphs(struct selftest *t, const char *device)
{
    struct trained plain[TRAININGS], graphs[TRAININGS];
    const char *set = getenv("HSGD_CUDA_GRAPHS");
    char *before = set ? strdup(set) : NULL;
    setenv("HSGD_CUDA_GRAPHS", "1", 1);
    train_on(device, graphs);
    setenv("HSGD_CUDA_GRAPHS", "0", 1);
    train_on(device, plain);
    if (before) setenv("HSGD_CUDA_GRAPHS", before, 1);
    else unsetenv("HSGD_CUDA_GRAPHS");
    free(before);
    compare(t, "plain launch", device, plain, graphs, 0);
}

/* Every device, and all together, against one CPU core. */
static void test_trainings(struct selftest *t, const struct usage *u)
{
    struct trained got[MOST_DEVICES][TRAININGS], all[TRAININGS], want[TRAININGS];
    char list[MOST_DEVICES * 24] = "";
    for (int k = 0; k < u->n; k++) {
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", k ? "," : "", u->device[k].id);
        train_on(u->device[k].id, got[k]);
        if (u->device[k].kind == HSGD_CUDA) test_graphs(t, u->device[k].id);
    }
    if (u->n > 1) train_on(list, all);
    train_on("cpu", want); /* last: StarPU sees no OpenCL device after this */
    for (int k = 0; k < u->n; k++) compare(t, "training", u->device[k].id, got[k], want, AGREE);
    if (u->n > 1) compare(t, "training", "together", all, want, AGREE);
}

/* ------------------------------------------------------------------ results */

static int print_json(const struct selftest *t, const struct usage *u)
{
    json_t *list = json_array(), *devices = json_array();
    for (int i = 0; i < t->n; i++) {
        const struct result *r = &t->result[i];
        json_array_append_new(list, json_pack("{s:s, s:s, s:i, s:b, s:o}", "check", r->check, "device", r->device, "runs",
                                              r->shapes, "ok", r->ok, "message",
                                              r->ok ? json_null() : json_string(r->message)));
    }
    for (int k = 0; k < u->n; k++)
        json_array_append_new(devices, json_pack("{s:s, s:s}", "id", u->device[k].id, "name", u->device[k].name));
    return json_print(json_pack("{s:o, s:o, s:i, s:i}", "devices", devices, "checks", list, "passed", t->n - t->failed,
                                "failed", t->failed));
}

static int test_operations(struct selftest *t, const struct session *run)
{
    if (!t->s->json) {
        print_devices(run->ctx, t->s->devices);
        printf("\n%-24s %-10s %7s\n", "check", "device", "runs");
    }
    for (size_t i = 0; i < sizeof references / sizeof *references; i++) test_operation(t, run->ctx, (int)i);
    return test_copies(t, run->ctx);
}

static int test_all(struct selftest *t, struct usage *u)
{
    struct session run = { 0 };
    int code = open_context(&run, t->s);
    if (!code) usage_now(run.ctx, u);
    if (!code) code = test_operations(t, &run);
    close_session(&run);
    if (!code) test_trainings(t, u);
    return code;
}

int cmd_selftest(struct settings *s)
{
    struct selftest *t = calloc(1, sizeof *t);
    struct usage u = { 0 };
    int code = t ? require_words(s, 0) : complain(FAILED, "out of memory");
    if (!code) {
        t->s = s;
        code = test_all(t, &u);
    }
    if (!code) {
        if (s->json) code = print_json(t, &u);
        else printf("\n%d passed, %d failed\n", t->n - t->failed, t->failed);
    }
    if (!code && t->failed) code = FAILED;
    free(t);
    return code;
}
