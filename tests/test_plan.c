/* SPDX-License-Identifier: BSD-3-Clause */
/* Plans as they are shown, and traces of what ran. */
#include "core.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <unistd.h>

enum { FEATURES = 400, CLASSES = 10, BATCH = 64 };

static struct hsgd_context *ctx;
static struct hsgd_model *model;
static struct hsgd_trainer *trainer;
static float x[BATCH * FEATURES];
static int32_t labels[BATCH];

static enum hsgd_algorithm algorithm;

static void begin(const char *devices, int threads, bool deterministic)
{
    struct hsgd_train_options o;
    hsgd_train_defaults(&o, sizeof o);
    o.algorithm = algorithm;
    o.batch_size = BATCH;
    ctx = core_context(devices, threads, deterministic);
    model = hsgd_model_by_name(ctx, "mlp", (struct hsgd_shape){ 1, 1, FEATURES }, CLASSES);
    trainer = hsgd_trainer_create(model, &o);
    REQUIRE(trainer);
    for (int i = 0; i < BATCH * FEATURES; i++) x[i] = (float)(i % 17) / 17;
    for (int i = 0; i < BATCH; i++) labels[i] = i % CLASSES;
}

static void end(void)
{
    hsgd_trainer_destroy(&trainer);
    hsgd_model_destroy(&model);
    hsgd_destroy(&ctx);
}

static void steps(int n)
{
    for (int i = 0; i < n; i++)
        if (!CHECK_MSG(!hsgd_trainer_step(trainer, BATCH, HSGD_FIELDS(x, labels), NULL), "%s", hsgd_error(ctx)))
            core_end();
}

/* ---------------------------------------------------------------- traces */

static void trace_options(void)
{
    begin("cpu", 1, false);
    struct hsgd_trace_event e;
    int64_t dropped = 7;
    CHECK(hsgd_trace_count(ctx, &dropped) == 0 && dropped == 0);
    CHECK(hsgd_trace_get(ctx, 0, &e, sizeof e) == -EINVAL);
    CHECK(hsgd_trace_write(ctx, "no.json") == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "no.json: no trace was started");
    CHECK(hsgd_trace_start(ctx, HSGD_OPTIONS(trace)) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "trace: capacity must be from 1 to 16777216, not 0");
    CHECK(hsgd_trace_start(ctx, HSGD_OPTIONS(trace, .capacity = 8, .few = -3)) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "trace: few must be from 0 to 9223372036854775807, not -3");
    hsgd_trace_stop(ctx);
    end();
}

/* Every cell of the steps asked for once, in time, on workers there are. */
static void check_events(int ncells, int kept_steps)
{
    struct hsgd_trace_event e;
    struct hsgd_device d;
    struct hsgd_plan_cell c;
    int seen[64] = { 0 };
    double last = 0;
    CHECK(hsgd_trace_count(ctx, NULL) == (int64_t)ncells * kept_steps);
    for (int64_t i = 0; !hsgd_trace_get(ctx, i, &e, sizeof e); i++) {
        REQUIRE(e.cell >= 0 && e.cell < ncells && !hsgd_device_get(ctx, e.device, &d, sizeof d));
        REQUIRE(!hsgd_trainer_plan_cell(trainer, BATCH, e.cell, &c, sizeof c));
        CHECK_STR(c.device, d.id);
        CHECK(!strncmp(c.name, e.kind, strlen(e.kind)) && e.rows == c.rows && e.batch == BATCH && e.training);
        CHECK(e.worker >= 0 && e.worker < d.workers && e.begin >= 0 && e.end > e.begin);
        CHECK(e.step == 0 || e.step == 1 || e.step == 4 || e.step == 8);
        seen[e.cell]++;
        last = fmax(last, e.end);
    }
    for (int i = 0; i < ncells; i++) CHECK_MSG(seen[i] == kept_steps, "cell %d was seen %d times", i, seen[i]);
    CHECK(last < 60);
}

/* By equal shares: the equations may change the cells of a plan between steps. */
static void traced_on(const char *devices)
{
    algorithm = HSGD_DATA_PARALLEL;
    begin(devices, 0, false);
    int ncells = hsgd_trainer_plan(trainer, BATCH);
    REQUIRE(ncells > 0 && ncells <= 64);
    struct hsgd_trace_options o = { .size = sizeof o, .capacity = 1000, .first = 2, .every = 4, .few = 1 };
    REQUIRE(!hsgd_trace_start(ctx, &o));
    steps(10);
    check_events(ncells, 4);
    end();
}

static void trace_cpu(void) { traced_on("cpu"); }
static void trace_opencl(void) { traced_on("opencl"); }
static void trace_both(void) { traced_on("cpu,opencl"); }

static void trace_is_bounded(void)
{
    begin("cpu", 1, false);
    int ncells = hsgd_trainer_plan(trainer, BATCH);
    int64_t dropped;
    REQUIRE(!hsgd_trace_start(ctx, HSGD_OPTIONS(trace, .capacity = 3, .first = 100)));
    steps(5);
    CHECK(hsgd_trace_count(ctx, &dropped) == 3);
    CHECK(dropped == 5 * ncells - 3);
    REQUIRE(!hsgd_trace_start(ctx, HSGD_OPTIONS(trace, .capacity = 3, .first = 100)));
    CHECK(hsgd_trace_count(ctx, &dropped) == 0 && dropped == 0);
    end();
}

static void trace_file(void)
{
    begin("cpu,opencl", 1, true);
    char path[] = "/tmp/hsgd-trace-XXXXXX";
    REQUIRE(mkstemp(path) >= 0);
    REQUIRE(!hsgd_trace_start(ctx, HSGD_OPTIONS(trace, .capacity = 1000, .first = 3)));
    steps(3);
    CHECK(!hsgd_trace_write(ctx, path));
    json_error_t error;
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &error), *event;
    if (!CHECK_MSG(root != NULL, "%s", error.text)) core_end();
    size_t i, named = 0, ran = 0;
    json_array_foreach(json_object_get(root, "traceEvents"), i, event)
    {
        const char *ph, *name;
        int pid, tid;
        REQUIRE(!json_unpack(event, "{s:s, s:s, s:i, s:i}", "ph", &ph, "name", &name, "pid", &pid, "tid", &tid));
        if (!strcmp(ph, "M")) {
            named++;
            continue;
        }
        double ts, dur;
        CHECK_STR(ph, "X");
        CHECK(!json_unpack(event, "{s:F, s:F, s:{s:i}}", "ts", &ts, "dur", &dur, "args", "step", &tid));
        CHECK(ts >= 0 && dur > 0 && pid >= 1 && pid <= 2 && tid < 3);
        ran++;
    }
    CHECK(named == 4); /* two devices of a worker each */
    CHECK((int64_t)ran == hsgd_trace_count(ctx, NULL) && ran > 6);
    json_decref(root);
    CHECK(hsgd_trace_write(ctx, "/nonexistent/trace.json") == -ENOENT);
    unlink(path);
    end();
}

/* ----------------------------------------------------------------- plans */

static struct hsgd_plan_cell cell(int i)
{
    struct hsgd_plan_cell c;
    if (!CHECK_MSG(!hsgd_trainer_plan_cell(trainer, BATCH, i, &c, sizeof c), "%s", hsgd_error(ctx))) core_end();
    return c;
}

/* Cells of a worker follow each other, and the last end is the step's. */
static void check_layout(int ncells)
{
    double last = 0;
    for (int i = 0; i < ncells; i++) {
        struct hsgd_plan_cell a = cell(i);
        CHECK(a.predicted_start_ms >= 0 && a.predicted_ms > 0);
        last = fmax(last, a.predicted_start_ms + a.predicted_ms);
        for (int k = 0; k < i; k++) {
            struct hsgd_plan_cell b = cell(k);
            if (strcmp(a.device, b.device) || a.predicted_worker != b.predicted_worker) continue;
            CHECK(a.predicted_start_ms >= b.predicted_start_ms + b.predicted_ms - 1e-9);
        }
    }
    CHECK(fabs(last - hsgd_trainer_plan_ms(trainer, BATCH)) < 1e-9);
}

static void reasons_one_worker(void)
{
    begin("cpu", 1, false);
    REQUIRE(hsgd_trainer_plan(trainer, BATCH) > 0);
    CHECK_STR(cell(0).reason, "the only device in use, with one worker");
    CHECK(!cell(0).known && cell(0).predicted_worker == 0);
    steps(1);
    CHECK(cell(0).known && cell(0).predicted_start_ms == 0);
    end();
}

static void reasons_deterministic(void)
{
    begin("cpu", 0, true);
    int ncells = hsgd_trainer_plan(trainer, BATCH);
    REQUIRE(ncells > 4);
    CHECK_STR(cell(0).reason, "deterministic mode: equal shares");
    CHECK_STR(cell(ncells - 1).reason, "the only device in use");
    steps(2);
    check_layout(ncells);
    end();
}

/* Equal shares, so that both devices have a slice whatever is faster. */
static void reasons_both(void)
{
    algorithm = HSGD_DATA_PARALLEL;
    begin("cpu,opencl", 1, false);
    int ncells = hsgd_trainer_plan(trainer, BATCH), slices = 0, there = 0;
    REQUIRE(ncells > 2);
    for (int i = 0; i < ncells; i++) {
        struct hsgd_plan_cell c = cell(i);
        bool slice = !strncmp(c.name, "slice", 5);
        slices += slice;
        if (slice) CHECK_STR(c.reason, "equal shares, by the algorithm");
        if (!strncmp(c.name, "update", 6))
            CHECK_STR(c.reason, "the parameters live in main memory: the CPU takes part");
        if (!strncmp(c.name, "gradient", 8)) there += !strcmp(c.reason, "the activations of its slices are there");
    }
    CHECK(slices == 2 && there >= 2);
    steps(2);
    check_layout(ncells);
    end();
}

/* By the equations a device may have nothing; the figures are in the reason. */
static void reasons_equations(void)
{
    begin("cpu,opencl", 1, false);
    int ncells = hsgd_trainer_plan(trainer, BATCH), slices = 0;
    for (int i = 0; i < ncells; i++) {
        struct hsgd_plan_cell c = cell(i);
        double alone = 0, together = 0;
        if (strncmp(c.name, "slice", 5) && strncmp(c.name, "step", 4)) continue;
        slices++;
        const char *figures = strchr(c.reason, ':');
        CHECK_MSG(figures &&
                      sscanf(figures, ": %lf ms a step alone, %lf ms expected together", &alone, &together) == 2 &&
                      alone > 0 && together > 0,
                  "%s", c.reason);
    }
    CHECK_MSG(slices >= 1, "%d cells, %d slices", ncells, slices);
    end();
}

/* Each device alone and all together, by calibrations that the next trainer
 * finds again. */
static void candidates(void)
{
    struct hsgd_candidate c[2][32];
    int n[2], chosen = 0, alone = 0;
    for (int i = 0; i < 2; i++) {
        begin("cpu,opencl", 1, false);
        n[i] = hsgd_trainer_candidates(trainer, BATCH, c[i], sizeof *c[i], 32);
        CHECK(hsgd_trainer_candidates(trainer, 0, c[i], sizeof *c[i], 32) == -EINVAL);
        end();
    }
    /* Both: all algorithms but hogwild; sync is none where one would be idle. */
    REQUIRE(n[0] >= HSGD_ALGORITHMS && n[0] <= HSGD_ALGORITHMS + 1 && n[1] == n[0]);
    for (int i = 0; i < n[0]; i++) {
        CHECK(c[0][i].predicted_ms > 0 && c[0][i].predicted_ms < 1e4);
        CHECK_MSG(c[0][i].predicted_ms == c[1][i].predicted_ms, "%s: %g ms, then %g", c[0][i].devices,
                  c[0][i].predicted_ms, c[1][i].predicted_ms);
        chosen += c[0][i].chosen;
        alone += !strchr(c[0][i].devices, ',');
    }
    CHECK(alone == 2 && chosen <= 1);
    begin("cpu", 1, true);
    CHECK(hsgd_trainer_candidates(trainer, BATCH, c[0], sizeof *c[0], 16) == 0);
    end();
}

static void reasons_placement(void)
{
    setenv("HSGD_PLACEMENT", "starpu", 1);
    begin("cpu,opencl", 1, true);
    REQUIRE(hsgd_trainer_plan(trainer, BATCH) > 0);
    CHECK_STR(cell(0).reason, "HSGD_PLACEMENT=starpu: the scheduling policy chooses a device for every run");
    end();
}

/* A policy that goes by times tries each kind of cell on each device until it knows
 * them; equal cells, such as slices of as many rows, share what is known. */
static void placed_by(const char *policy)
{
    enum { TRIES = 3, KINDS = 3 };
    static const char *const kinds[KINDS] = { "slice", "merge", "update" };
    struct hsgd_trace_event e;
    int ran[KINDS][2] = { { 0 } };
    setenv("HSGD_PLACEMENT", "starpu", 1);
    setenv("STARPU_SCHED", policy, 1);
    begin("cpu,opencl", 1, true);
    REQUIRE(hsgd_trainer_plan(trainer, BATCH) > 0 && hsgd_device_count(ctx) == 2);
    REQUIRE(!hsgd_trace_start(ctx, HSGD_OPTIONS(trace, .capacity = 10000, .first = 40)));
    steps(40);
    for (int64_t i = 0; !hsgd_trace_get(ctx, i, &e, sizeof e); i++)
        for (int k = 0; k < KINDS; k++) ran[k][e.device] += !strcmp(kinds[k], e.kind);
    for (int k = 0; k < KINDS; k++)
        CHECK_MSG(ran[k][0] >= TRIES && ran[k][1] >= TRIES, "%s ran cells of kind %s %d and %d times", policy, kinds[k],
                  ran[k][0], ran[k][1]);
    end();
}

static void tried_by_dm(void) { placed_by("dm"); }
static void tried_by_dmdas(void) { placed_by("dmdas"); }

static const struct core_case cases[] = {
    { "tried_by_dm", tried_by_dm },
    { "tried_by_dmdas", tried_by_dmdas },
    { "reasons_one_worker", reasons_one_worker },
    { "reasons_deterministic", reasons_deterministic },
    { "reasons_both", reasons_both },
    { "reasons_equations", reasons_equations },
    { "candidates", candidates },
    { "reasons_placement", reasons_placement },
    { "trace_options", trace_options },
    { "trace_cpu", trace_cpu },
    { "trace_opencl", trace_opencl },
    { "trace_both", trace_both },
    { "trace_is_bounded", trace_is_bounded },
    { "trace_file", trace_file },
};
CORE_MAIN(cases)
