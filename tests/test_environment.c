/* SPDX-License-Identifier: BSD-3-Clause */
/* Values of StarPU's variables: those at which it would end the process, or
 * take another, are refused by name; the others are used. */
#include "core.h"

#include <errno.h>
#include <starpu_config.h>
#include <unistd.h>

static int create(struct hsgd_context **ctx, const char *devices)
{
    return hsgd_create(ctx, HSGD_OPTIONS(context, .devices = devices, .threads = 1));
}

static void refuse(const char *variable, const char *value, int error, const char *sentence)
{
    struct hsgd_context *ctx;
    char kept[600] = "";
    const char *before = getenv(variable);
    if (before) snprintf(kept, sizeof kept, "%s", before);
    setenv(variable, value, 1);
    int err = create(&ctx, "cpu");
    CHECK_MSG(err == -error, "%s=%s: %s", variable, value, hsgd_error(ctx));
    if (sentence) CHECK_STR(hsgd_error(ctx), sentence);
    hsgd_destroy(&ctx);
    if (before) setenv(variable, kept, 1);
    else unsetenv(variable);
}

static void numbers(void)
{
    refuse("STARPU_NCPU", "x", EINVAL, "STARPU_NCPU is \"x\", not an integer from 0 to 2147483647");
    refuse("STARPU_NCPU", "-1", EINVAL, "STARPU_NCPU is \"-1\", not an integer from 0 to 2147483647");
    refuse("STARPU_NTHREADS_PER_CORE", "0", EINVAL,
           "STARPU_NTHREADS_PER_CORE is \"0\", not an integer from 1 to 2147483647");
    refuse("STARPU_LIMIT_OPENCL_MEM", "4G", EINVAL,
           "STARPU_LIMIT_OPENCL_MEM is \"4G\", not an integer from 0 to 2147483647");
    refuse("STARPU_LIMIT_CUDA_1_MEM", "0x10", EINVAL,
           "STARPU_LIMIT_CUDA_1_MEM is \"0x10\", not an integer from 0 to 2147483647");
    refuse("STARPU_BACKOFF_MAX", "3000000000", EINVAL,
           "STARPU_BACKOFF_MAX is \"3000000000\", not an integer from 0 to 2147483647");
    refuse("STARPU_SILENT", "yes", EINVAL, "STARPU_SILENT is \"yes\", not an integer from 0 to 2147483647");
    refuse("STARPU_SCHED_ALPHA", "1,5", EINVAL, "STARPU_SCHED_ALPHA is \"1,5\", not a number");
    refuse("STARPU_IDLE_POWER", "50W", EINVAL, "STARPU_IDLE_POWER is \"50W\", not a number");
}

static void lists(void)
{
    static const char *const bad[] = { "", "x", "-1", "0,x", "3-1", "1 2;3", "4-7-9" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char sentence[200];
        snprintf(sentence, sizeof sentence,
                 "STARPU_WORKERS_CPUID is \"%s\", not a list of cores like \"0 2 4\" or \"4-7\"", bad[i]);
        refuse("STARPU_WORKERS_CPUID", bad[i], EINVAL, sentence);
    }
}

static void words(void)
{
    struct hsgd_context *ctx;
    setenv("STARPU_SCHED", "dmad", 1);
    CHECK(create(&ctx, "cpu") == -EINVAL);
    CHECK_MSG(strstr(hsgd_error(ctx), "STARPU_SCHED is \"dmad\", not one of ") && strstr(hsgd_error(ctx), ", dmdas, "),
              "%s", hsgd_error(ctx));
    hsgd_destroy(&ctx);
    unsetenv("STARPU_SCHED");
    refuse("STARPU_SCHED", "", EINVAL, NULL);
    refuse("STARPU_SCHED", "heteroprio", EINVAL,
           "STARPU_SCHED is \"heteroprio\", which cannot run restricted tasks: use dmdas");
    refuse("STARPU_HOSTNAME", "a/b", EINVAL, "STARPU_HOSTNAME is \"a/b\", which no file can be called");
}

static void folders(void)
{
    char file[600], below[620], sentence[900];
    snprintf(file, sizeof file, "%s/file", getenv("STARPU_HOME"));
    snprintf(below, sizeof below, "%s/below", file);
    FILE *f = fopen(file, "w");
    REQUIRE(f && !fclose(f));
    snprintf(sentence, sizeof sentence,
             "%s/: Not a directory; StarPU keeps its measurements there: set STARPU_PERF_MODEL_DIR to another "
             "folder",
             below);
    refuse("STARPU_PERF_MODEL_DIR", below, ENOTDIR, sentence);
    refuse("STARPU_HOME", "/proc/nobody", ENOENT, NULL);
    struct hsgd_context *ctx = core_context("cpu", 1, false); /* with another folder, as the error says */
    hsgd_destroy(&ctx);
    CHECK(!getenv("STARPU_PERF_MODEL_DIR"));
}

/* StarPU itself prefers XDG_CACHE_HOME. */
static void home_is_used(void)
{
    char home[600], path[700];
    struct hsgd_context *ctx;
    snprintf(home, sizeof home, "%s/home", getenv("STARPU_HOME"));
    setenv("STARPU_HOME", home, 1);
    snprintf(path, sizeof path, "%s/cache", home);
    setenv("XDG_CACHE_HOME", path, 1);
    ctx = core_context("cpu", 1, false);
    hsgd_destroy(&ctx);
    snprintf(path, sizeof path, "%s/.starpu/sampling/bus", home);
    CHECK(!access(path, R_OK));
    snprintf(path, sizeof path, "%s/cache/.starpu", home);
    CHECK(access(path, F_OK));
}

static int warnings;

static void count_warnings(void *user, enum hsgd_log_level level, const char *line)
{
    (void)user;
    if (level == HSGD_LOG_WARNING && strstr(line, "STARPU_WORKERS_OPENCLID is not used")) warnings++;
}

/* What is not refused is used, or left as it is: the device list names devices. */
static void others(void)
{
    static const char *const values[][2] = {
        { "STARPU_SCHED", "lws" },        { "STARPU_SCHED_ALPHA", " 1.5e1" }, { "STARPU_PREFETCH", " 1" },
        { "STARPU_BACKOFF_MAX", "" },     { "STARPU_WORKERS_CPUID", "0-" },   { "STARPU_WORKERS_OPENCLID", "7" },
        { "STARPU_OPENCL_ON_CPUS", "0" }, { "STARPU_WHATEVER", "x" },
    };
    enum { N = sizeof values / sizeof *values };
    struct hsgd_context_options o = { .size = sizeof o, .devices = "opencl:0", .log = count_warnings };
    struct hsgd_context *ctx;
    struct hsgd_device d;
    for (int i = 0; i < N; i++) setenv(values[i][0], values[i][1], 1);
    int err = hsgd_create(&ctx, &o);
    if (!CHECK_MSG(!err, "%s", hsgd_error(ctx))) core_end();
    REQUIRE(hsgd_device_count(ctx) == 1 && !hsgd_device_get(ctx, 0, &d, sizeof d));
    CHECK_STR(d.id, "opencl:0");
    CHECK(warnings == 1);
    for (int i = 0; i < N; i++) CHECK_STR(getenv(values[i][0]), values[i][1]);
    hsgd_destroy(&ctx);
}

static char said[1000];

static void keep_warnings(void *user, enum hsgd_log_level level, const char *line)
{
    (void)user;
    if (level == HSGD_LOG_WARNING) snprintf(said + strlen(said), sizeof said - strlen(said), "%s\n", line);
}

/* A variable of ours that nothing reads is warned of; those of tests are theirs. */
static void misspelt(void)
{
    struct hsgd_context *ctx;
    setenv("HSGD_TEST_ANYTHING", "1", 1);
    setenv("HSGD_CUDAEMU_ANYTHING", "1", 1);
    setenv("HSGD_ISA", "base", 1);
    REQUIRE(!hsgd_create(&ctx, HSGD_OPTIONS(context, .devices = "cpu", .threads = 1, .log = keep_warnings)));
    hsgd_destroy(&ctx);
    CHECK_STR(said, "");
    setenv("HSGD_CUDA_GRAPH", "0", 1);
    REQUIRE(!hsgd_create(&ctx, HSGD_OPTIONS(context, .devices = "cpu", .threads = 1, .log = keep_warnings)));
    hsgd_destroy(&ctx);
    CHECK_STR(said, "HSGD_CUDA_GRAPH is not used: there is no such variable; the nearest is HSGD_CUDA_GRAPHS\n");
}

/* Some policies of StarPU 1.3 run a task where it may not run: an error, no crash. */
static void misplaced(void)
{
    enum { FEATURES = 64, BATCH = 32 };
    static float x[BATCH * FEATURES];
    static int32_t labels[BATCH];
    struct hsgd_train_options o;
    hsgd_train_defaults(&o, sizeof o);
    o.algorithm = HSGD_DATA_PARALLEL;
    setenv("STARPU_SCHED", "modular-random", 1);
    struct hsgd_context *ctx = core_context("cpu,opencl", 1, false);
    struct hsgd_model *model = hsgd_model_by_name(ctx, "mlp-small", (struct hsgd_shape){ 1, 1, FEATURES }, 10);
    struct hsgd_trainer *t = hsgd_trainer_create(model, &o);
    REQUIRE(t);
    int err = 0;
    for (int i = 0; !err && i < 50; i++) err = hsgd_trainer_step(t, BATCH, HSGD_FIELDS(x, labels), NULL);
    CHECK_MSG((!err && STARPU_MINOR_VERSION > 3) || strstr(hsgd_error(ctx), ", where it may not run; "), "%s",
              hsgd_error(ctx));
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&model);
    hsgd_destroy(&ctx);
}

static const struct core_case cases[] = {
    { "numbers", numbers },           { "lists", lists },   { "words", words },         { "folders", folders },
    { "home_is_used", home_is_used }, { "others", others }, { "misplaced", misplaced }, { "misspelt", misspelt },
};
CORE_MAIN(cases)
