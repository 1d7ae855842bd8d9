/* SPDX-License-Identifier: BSD-3-Clause */
/* Cells as captured CUDA graphs, on emulated devices: a training gives the
 * same bits as with plain launches, and what changes from step to step is
 * what the graphs use.  Run with the emulator preloaded. */
#include "core.h"

#include "exec/cuda_graph.h"
#include "kernels.h"

struct training {
    const char *devices;
    enum hsgd_executor executor;
    enum hsgd_algorithm algorithm;
    enum hsgd_optimizer optimizer;
    float clip_norm, gamma;
    int steps, step_size;
    const char *graphs; /* HSGD_CUDA_GRAPHS */
    const char *model;  /* NULL: small, with dropout */
};

struct outcome {
    char digest[65];
    unsigned long long tasks, captured, launched;
};

static struct outcome *outcome; /* of the child */

static struct hsgd_model *make_model(struct hsgd_context *ctx, const char *name)
{
    if (name) return hsgd_model_by_name(ctx, name, (struct hsgd_shape){ 28, 28, 1 }, 10);
    struct hsgd_model *m = hsgd_model_create(ctx, "small");
    struct hsgd_value *x = HSGD_OP(hsgd_input(m, "x", hsgd_image(28, 28, 1)), flatten, NULL);
    x = HSGD_OP(x, dense, NULL, .units = 32, .activation = HSGD_RELU);
    x = HSGD_OP(x, dropout, NULL, .p = 0.3f);
    return core_classifier(m, HSGD_OP(x, dense, NULL, .units = 10));
}

static void count(const struct hsgd_context *ctx)
{
    struct hsgd_device d;
    for (int i = 0; !hsgd_device_get(ctx, i, &d, sizeof d); i++) {
        outcome->tasks += d.tasks;
        outcome->captured += d.graphs_captured;
        outcome->launched += d.graphs_launched;
    }
}

static void train(void *arg)
{
    const struct training *t = arg;
    setenv("HSGD_CUDA_GRAPHS", t->graphs, 1);
    struct hsgd_context *ctx = core_context(t->devices, 0, false);
    struct hsgd_model *model = make_model(ctx, t->model);
    struct hsgd_train_options o;
    hsgd_train_defaults(&o, sizeof o);
    o.batch_size = 64;
    o.steps = t->steps;
    o.executor = t->executor;
    o.algorithm = t->algorithm;
    o.optimizer = t->optimizer;
    o.clip_norm = t->clip_norm;
    o.schedule = HSGD_STEP_DECAY;
    o.step_size = t->step_size;
    o.step_gamma = t->gamma;
    struct hsgd_fit_result result;
    struct hsgd_trainer *trainer = model ? hsgd_trainer_create(model, &o) : NULL;
    struct hsgd_data *data = hsgd_data_open(ctx, "digits", HSGD_TRAIN);
    if (!CHECK_MSG(trainer && data && !hsgd_fit(trainer, data, NULL, &result, sizeof result), "%s", hsgd_error(ctx)))
        core_end();
    CHECK(result.steps == t->steps);
    REQUIRE(!hsgd_model_digest(model, outcome->digest));
    count(ctx);
    hsgd_data_destroy(&data);
    hsgd_trainer_destroy(&trainer);
    hsgd_model_destroy(&model);
    hsgd_destroy(&ctx);
}

static struct outcome run(struct training t, const char *graphs)
{
    memset(outcome, 0, sizeof *outcome);
    t.graphs = graphs;
    REQUIRE(core_child(train, &t));
    printf("  HSGD_CUDA_GRAPHS=%s: %llu cells, %llu graphs captured, %llu launched (emulated)\n", graphs,
           outcome->tasks, outcome->captured, outcome->launched);
    return *outcome;
}

static void compare(struct training t)
{
    struct outcome plain = run(t, "0"), graphs = run(t, "1");
    CHECK(plain.captured == 0 && plain.launched == 0);
    CHECK(graphs.captured > 0);
    CHECK_MSG(2 * graphs.launched > graphs.tasks, "%llu of %llu cells were graphs", graphs.launched, graphs.tasks);
    CHECK_MSG(10 * graphs.captured < graphs.launched + 30, "%llu captures for %llu launches", graphs.captured,
              graphs.launched);
    CHECK_STR(graphs.digest, plain.digest);
}

static void adam(void)
{
    compare((struct training){ "cuda:0", HSGD_REPLAY, HSGD_SYNC, HSGD_ADAM, 0, 0.5f, 60, 7, NULL, NULL });
}

static void momentum_clipped(void)
{
    compare((struct training){ "cuda:0", HSGD_REPLAY, HSGD_SYNC, HSGD_MOMENTUM, 0.5f, 0.5f, 60, 7, NULL, NULL });
}

static void inserted(void)
{
    compare((struct training){ "cuda:1", HSGD_INSERT, HSGD_SYNC, HSGD_SGD, 0, 0.5f, 60, 7, NULL, NULL });
}

static void convolution(void)
{
    compare((struct training){ "cuda:0", HSGD_REPLAY, HSGD_SYNC, HSGD_ADAM, 0, 0.5f, 30, 7, NULL, "lenet" });
}

static void two_devices(void)
{
    compare((struct training){ "cuda", HSGD_REPLAY, HSGD_DATA_PARALLEL, HSGD_ADAM, 0, 0.5f, 60, 7, NULL, NULL });
}

/* From step 12 on the rate is 0: nothing that is learnt before may be more or
 * less than in 12 steps. */
static void rate_takes_effect(void)
{
    struct training t = { "cuda:0", HSGD_REPLAY, HSGD_SYNC, HSGD_SGD, 0, 0, 12, 12, NULL, NULL };
    struct outcome until = run(t, "1");
    t.steps = 40;
    struct outcome after = run(t, "1");
    CHECK(after.launched > until.launched);
    CHECK_STR(after.digest, until.digest);
    t.gamma = 1;
    CHECK(strcmp(run(t, "1").digest, until.digest));
}

/* StarPU moves cells between devices: what is kept of a run is one device's. */
static void placed_by_starpu(void)
{
    struct training t = { "cuda", HSGD_REPLAY, HSGD_DATA_PARALLEL, HSGD_SGD, 0, 0.5f, 40, 7, NULL, NULL };
    setenv("HSGD_PLACEMENT", "starpu", 1);
    struct outcome plain = run(t, "0"), graphs = run(t, "1");
    CHECK(plain.launched == 0 && graphs.launched > 0);
    CHECK_STR(graphs.digest, plain.digest);
}

static void bad_variable(void)
{
    struct hsgd_context *ctx;
    setenv("HSGD_CUDA_GRAPHS", "yes", 1);
    CHECK(hsgd_create(&ctx, HSGD_OPTIONS(context, .devices = "cuda:0")) < 0);
    CHECK_STR(hsgd_error(ctx), "HSGD_CUDA_GRAPHS is \"yes\", not 0 or 1");
    hsgd_destroy(&ctx);
}

/* ------------------------------------------------ which graph is used when */

enum { FLOATS = 100 };

/* y += x, twice. */
static void describe(struct variant *v, struct device *d)
{
    struct hsgd_emit e = { .program = &v->program };
    struct add_args a = { FLOATS };
    struct hsgd_ref x = { .buffer = 0 }, y = { .buffer = 1 };
    v->device = d;
    for (int i = 0; i < 2; i++) HSGD_LAUNCH(&e, HSGD_KERNEL(add), HSGD_ITEMS, FLOATS, &a, x, y);
}

static void make_buffers(void **base)
{
    float ones[FLOATS];
    for (int i = 0; i < FLOATS; i++) ones[i] = 1;
    for (int i = 0; i < 2; i++) {
        REQUIRE(!cudaMalloc(&base[i], sizeof ones));
        REQUIRE(!cudaMemcpy(base[i], ones, sizeof ones, cudaMemcpyHostToDevice));
    }
}

static void expect(cudaStream_t stream, const void *y, float want)
{
    float got[FLOATS];
    REQUIRE(!cudaStreamSynchronize(stream));
    REQUIRE(!cudaMemcpy(got, y, sizeof got, cudaMemcpyDeviceToHost));
    for (int i = 0; i < FLOATS; i++) CHECK_MSG(got[i] == want, "element %d is %g, not %g", i, got[i], want);
}

/* A graph serves the buffers it was captured with; others get another one. */
static void other_buffers(void)
{
    struct device device = { .units = 1 };
    struct variant v = { 0 };
    struct cuda_graph *kept = NULL;
    void *first[2], *second[2];
    cudaStream_t stream;
    hsgd_kernels_init();
    describe(&v, &device);
    make_buffers(first);
    make_buffers(second);
    REQUIRE(!cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    CHECK(!cuda_graph_ready(&kept, &v, first, 2, 0, stream));
    cudaGraphExec_t graph = cuda_graph_ready(&kept, &v, first, 2, 1, stream);
    REQUIRE(graph && !cudaGraphLaunch(graph, stream));
    CHECK(cuda_graph_ready(&kept, &v, first, 2, 2, stream) == graph);
    expect(stream, first[1], 3);
    CHECK(!cuda_graph_ready(&kept, &v, second, 2, 3, stream));
    REQUIRE(!cudaFree(first[0]) && !cudaFree(first[1]));
    graph = cuda_graph_ready(&kept, &v, second, 2, 4, stream);
    REQUIRE(graph && !cudaGraphLaunch(graph, stream) && !cudaGraphLaunch(graph, stream));
    expect(stream, second[1], 5);
    CHECK(atomic_load(&device.captures) == 2);
    cuda_graph_free(kept);
    program_free(&v.program);
}

static const struct core_case cases[] = { { "adam", adam },
                                          { "momentum_clipped", momentum_clipped },
                                          { "inserted", inserted },
                                          { "convolution", convolution },
                                          { "two_devices", two_devices },
                                          { "rate_takes_effect", rate_takes_effect },
                                          { "placed_by_starpu", placed_by_starpu },
                                          { "bad_variable", bad_variable },
                                          { "other_buffers", other_buffers } };

int main(int argc, char **argv)
{
    outcome = core_shared(sizeof *outcome);
    return core_main(argc, argv, cases, (int)(sizeof cases / sizeof *cases));
}
