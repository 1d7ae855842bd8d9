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
static float least_share;

static void begin(const char *devices, int threads, bool deterministic)
{
    struct hsgd_train_options o;
    hsgd_train_defaults(&o, sizeof o);
    o.algorithm = algorithm;
    o.min_share = least_share;
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
    size_t i, named = 0, ran = 0, told = 0;
    double busy[2] = { 0 }, first[2] = { INFINITY, INFINITY }, last[2] = { 0 };
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
        int step;
        CHECK_STR(ph, "X");
        CHECK(!json_unpack(event, "{s:F, s:F, s:{s:i}}", "ts", &ts, "dur", &dur, "args", "step", &step));
        CHECK(ts >= 0 && dur > 0 && pid >= 1 && pid <= 2 && tid < 3);
        busy[pid - 1] += dur;
        first[pid - 1] = fmin(first[pid - 1], ts);
        last[pid - 1] = fmax(last[pid - 1], ts + dur);
        ran += strcmp(name, "waiting") != 0;
        const char *about = json_string_value(json_object_get(json_object_get(event, "args"), "about"));
        told += about && (strstr(about, "forward and backward of ") || strstr(about, " of fc"));
    }
    CHECK(named == 4 && told == ran); /* two devices of a worker each */
    for (int d = 0; d < 2; d++)       /* cells and waiting fill the time of a worker */
        CHECK_MSG(fabs(busy[d] - (last[d] - first[d])) < 1, "%g of %g us", busy[d], last[d] - first[d]);
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
        double ms = 0;
        if (strncmp(c.name, "slice", 5) && strncmp(c.name, "step", 4)) continue;
        slices++;
        const char *figures = strchr(c.reason, ':');
        CHECK_MSG(figures && sscanf(figures, ": %lf ms a step", &ms) == 1 && ms > 0, "%s", c.reason);
    }
    CHECK_MSG(slices >= 1, "%d cells, %d slices", ncells, slices);
    end();
}

/* What cells are for: every weight is changed once, by whatever division. */
static void cells_are_for(const char *devices, bool deterministic)
{
    begin(devices, 1, deterministic);
    int ncells = hsgd_trainer_plan(trainer, BATCH), changed = 0, layers = 0;
    int64_t bytes = 0;
    for (int i = 0; i < ncells; i++) {
        struct hsgd_plan_cell c = cell(i);
        bool changes = strstr(c.about, "update of fc") != NULL;
        changed += changes && c.weights > 0;
        bytes += changes ? c.weight_bytes : 0;
        layers += !strncmp(c.about, "forward and backward of flatten1 to loss1", 41);
        CHECK_MSG(*c.about && c.copied_ms >= 0 && !c.placed, "%s: \"%s\"", c.name, c.about);
        CHECK_STR(c.chosen_by, "one worker");
    }
    CHECK_MSG(changed >= 1 && layers == (deterministic ? 4 : 1), "%d updates, %d slices", changed, layers);
    CHECK(bytes == (int64_t)sizeof(float) * hsgd_model_parameters(model));
    end();
}

static void cells_of_one_device(void) { cells_are_for("cpu", false); }
static void cells_of_both(void) { cells_are_for("cpu,opencl", true); }

/* At speeds of 1:2, far below the machine's: plan, candidates and what its devices do are one figure.  Both
 * take part, however busy the machine is. */
static void one_prediction(void)
{
    enum { MOST = 32 };
    struct hsgd_candidate c[MOST];
    struct hsgd_plan_device d;
    double ideal = BATCH * 0.3 * 0.6 / 0.9;
    setenv("HSGD_SLOW", "cpu:300us,opencl:600us", 1);
    least_share = 0.125f;
    begin("cpu,opencl", 1, false);
    int n = hsgd_trainer_candidates(trainer, BATCH, c, sizeof *c, MOST), rows = 0, chosen = 0;
    double step = hsgd_trainer_plan_ms(trainer, BATCH);
    for (int i = 0; i < n; i++) {
        if (!c[i].chosen) continue;
        chosen++;
        CHECK_MSG(c[i].predicted_ms == step, "%g ms, not %g", c[i].predicted_ms, step);
        CHECK_MSG(strchr(c[i].devices, ',') && !strcmp(c[i].algorithm, "sync"), "%s", c[i].devices);
    }
    CHECK_MSG(chosen == 1 && step > 0.95 * ideal && step < 4 * ideal, "%d, %g ms, ideal %g", chosen, step, ideal);
    for (int i = 0; i < 2; i++) {
        REQUIRE(!hsgd_trainer_plan_device(trainer, BATCH, i, &d, sizeof d));
        double sum = d.cells_ms + d.to_ms + d.from_ms + d.waiting_ms;
        CHECK_MSG(fabs(sum - step) < 1e-9 && d.cells_ms > 0.9 * 0.3 * d.rows, "%s: %g of %g ms", d.device, sum, step);
        CHECK((d.copies_to > 0) == (strcmp(d.device, "cpu") != 0) && (d.bytes_from > 0) == (d.copies_from > 0));
        rows += d.rows;
    }
    CHECK(rows == BATCH && hsgd_trainer_plan_device(trainer, BATCH, 2, &d, sizeof d) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "the context has devices 0 to 1, not 2");
    end();
}

/* Why a device is idle, where trials decided; it is so slow that they need not be told apart. */
static void idle_device(void)
{
    struct hsgd_plan_device d;
    setenv("HSGD_SLOW", "cpu:50us,opencl:20000us", 1);
    begin("cpu,opencl", 1, false);
    REQUIRE(hsgd_trainer_plan(trainer, BATCH) == 1);
    for (int i = 0; i < 2; i++) {
        REQUIRE(!hsgd_trainer_plan_device(trainer, BATCH, i, &d, sizeof d));
        bool cpu = !strcmp(d.device, "cpu");
        CHECK_MSG(d.cells == cpu && d.rows == (cpu ? BATCH : 0) && d.copies_to + d.copies_from == 0, "%s", d.device);
        CHECK_MSG(!strncmp(d.reason, cpu ? "all rows: " : "left idle: ", 10), "%s: %s", d.device, d.reason);
    }
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
        bool one = !strchr(c[0][i].devices, ','), tried = c[0][i].chosen || c[1][i].chosen;
        if (one && !tried)
            CHECK_MSG(c[0][i].predicted_ms == c[1][i].predicted_ms, "%s: %g ms, then %g", c[0][i].devices,
                      c[0][i].predicted_ms, c[1][i].predicted_ms);
        chosen += c[0][i].chosen;
        alone += one;
    }
    CHECK(alone == 2 && chosen == 1);
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

/* A policy that goes by times tries slices on each device until it knows them; those of
 * as many rows share what is known.  The others stay where the parameters are. */
static void placed_by(const char *policy)
{
    enum { TRIES = 3 };
    struct hsgd_trace_event e;
    int slices[2] = { 0 }, others[2] = { 0 };
    setenv("HSGD_PLACEMENT", "starpu", 1);
    setenv("STARPU_SCHED", policy, 1);
    begin("cpu,opencl", 1, true);
    REQUIRE(hsgd_trainer_plan(trainer, BATCH) > 0 && hsgd_device_count(ctx) == 2);
    REQUIRE(!hsgd_trace_start(ctx, HSGD_OPTIONS(trace, .capacity = 10000, .first = 40)));
    steps(40);
    for (int64_t i = 0; !hsgd_trace_get(ctx, i, &e, sizeof e); i++)
        ++(strcmp(e.kind, "slice") ? others : slices)[e.device];
    CHECK_MSG(slices[0] >= TRIES && slices[1] >= TRIES, "%s ran slices %d and %d times", policy, slices[0], slices[1]);
    CHECK_MSG(others[0] * others[1] == 0 && others[0] + others[1] > 0, "%s ran other cells %d and %d times", policy,
              others[0], others[1]);
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
    { "cells_of_one_device", cells_of_one_device },
    { "cells_of_both", cells_of_both },
    { "one_prediction", one_prediction },
    { "idle_device", idle_device },
    { "reasons_placement", reasons_placement },
    { "trace_options", trace_options },
    { "trace_cpu", trace_cpu },
    { "trace_opencl", trace_opencl },
    { "trace_both", trace_both },
    { "trace_is_bounded", trace_is_bounded },
    { "trace_file", trace_file },
};
CORE_MAIN(cases)
