/* SPDX-License-Identifier: BSD-3-Clause */
/* Contexts: devices, errors, and what is left behind. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "config.h"

#include "core.h"

#include <cblas.h>
#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <starpu.h>
#include <time.h>
#include <unistd.h>

/* On every device, whatever is faster. */
static struct hsgd_trainer *trained(struct hsgd_model *m, int steps)
{
    struct hsgd_train_options o;
    hsgd_train_defaults(&o, sizeof o);
    o.algorithm = HSGD_DATA_PARALLEL;
    struct hsgd_trainer *t = hsgd_trainer_create(m, &o);
    double seconds;
    if (!CHECK_MSG(t && !hsgd_trainer_time(t, steps, &seconds), "no step: %p", (void *)t)) core_end();
    return t;
}

static struct hsgd_model *small_model(struct hsgd_context *ctx)
{
    return hsgd_model_by_name(ctx, "mlp-small", (struct hsgd_shape){ 28, 28, 1 }, 10);
}

static void train(struct hsgd_context *ctx, int steps)
{
    struct hsgd_model *m = small_model(ctx);
    struct hsgd_trainer *t = trained(m, steps);
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&m);
}

static int threads_now(void)
{
    DIR *d = opendir("/proc/self/task");
    int n = 0;
    REQUIRE(d);
    for (struct dirent *e; (e = readdir(d));) n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static bool has_library(const char *name)
{
    char line[600];
    bool has = false;
    FILE *f = fopen("/proc/self/maps", "r");
    REQUIRE(f);
    while (fgets(line, sizeof line, f)) has = has || strstr(line, name);
    fclose(f);
    return has;
}

static bool has_accelerator(void)
{
    return !access("/dev/dri", F_OK) || !access("/dev/accel", F_OK) || !access("/dev/kfd", F_OK) ||
           !access("/dev/nvidiactl", F_OK) || !access("/dev/dxg", F_OK);
}

/* Where "auto" can find nothing but the CPU, no OpenCL library is loaded: with
 * its threads, and what it does where memory is limited. */
static void leaves_opencl_alone(void)
{
    static const char *const lists[] = { "cpu", "auto" };
    for (int i = 0; i < 2; i++) {
        struct hsgd_context *ctx;
        if (i && has_accelerator()) core_skip("there is an accelerator, which may have OpenCL");
        if (i && has_accelerator()) continue;
        REQUIRE(!hsgd_create(&ctx, HSGD_OPTIONS(context, .devices = lists[i], .threads = 1, .spare_opencl = true)));
        train(ctx, 3);
        hsgd_destroy(&ctx);
        CHECK(!has_library("libpocl") && !has_library("libLLVM"));
    }
    CHECK(!getenv("OCL_ICD_VENDORS"));
}

/* Whatever it is told to use, StarPU looks which OpenCL devices there are, and
 * PoCL keeps the threads it starts then: they are there before we are. */
static void leaves_no_thread(void)
{
    struct starpu_conf conf;
    starpu_conf_init(&conf);
    conf.nopencl = conf.ncuda = 0;
    REQUIRE(!starpu_init(&conf));
    starpu_shutdown();
    openblas_set_num_threads(openblas_get_num_threads()); /* a forked process has lost its threads */
    usleep(150000);
    int before = threads_now();
    for (int i = 0; i < 3; i++) {
        struct hsgd_context *ctx = core_context("cpu", 0, false);
        train(ctx, 10);
        hsgd_destroy(&ctx);
        CHECK(ctx == NULL);
        CHECK_MSG(threads_now() == before, "%d threads, before %d", threads_now(), before);
    }
}

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void check_idle(const char *devices, const char *when)
{
    double before = cpu_seconds();
    usleep(200000);
    double spent = cpu_seconds() - before;
    CHECK_MSG(spent < 0.02, "%s, %s: %g s of CPU time in 0.2 s of idleness", devices, when, spent);
}

/* Between calls, workers of the library's own StarPU sleep, whatever is still there. */
static void idles(const char *devices)
{
    struct hsgd_context *ctx = core_context(devices, 0, false);
    usleep(150000); /* PoCL has started by then */
    check_idle(devices, "a new context");
    struct hsgd_model *m = small_model(ctx);
    struct hsgd_trainer *t = trained(m, 10);
    usleep(20000);
    check_idle(devices, "a trainer after steps");
    CHECK(hsgd_trainer_step(t, 0, HSGD_FIELDS(NULL), NULL) == -EINVAL);
    check_idle(devices, "a trainer after a refused step");
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&m);
    hsgd_destroy(&ctx);
}

static void cpu_idles(void) { idles("cpu"); }
static void both_idle(void) { idles("cpu,opencl"); }

static void refused(const char *devices, int threads, int err, const char *sentence)
{
    struct hsgd_context *ctx;
    struct hsgd_context_options o = { .size = sizeof o, .devices = devices, .threads = threads };
    CHECK_MSG(hsgd_create(&ctx, &o) == err, "\"%s\"", devices);
    CHECK_STR(hsgd_error(ctx), sentence);
    CHECK(hsgd_device_count(ctx) == 0);
    hsgd_destroy(&ctx);
    CHECK(ctx == NULL);
}

static void no_cuda_device(void)
{
#ifdef HSGD_USE_CUDA
    struct hsgd_context *ctx;
    struct hsgd_context_options o = { .size = sizeof o, .devices = "cuda" };
    int err = hsgd_create(&ctx, &o);
    hsgd_destroy(&ctx);
    if (!err) return;
    refused("cuda", 0, -ENODEV, "device \"cuda\" is not available: no CUDA device was found");
    refused("cpu,cuda:0", 0, -ENODEV, "device \"cuda:0\" is not available: no CUDA device was found");
#else
    refused("cuda", 0, -ENODEV, "device \"cuda\" is not available: built without CUDA");
    refused("cpu,cuda:0", 0, -ENODEV, "device \"cuda\" is not available: built without CUDA");
#endif
}

static void refuses_bad_lists(void)
{
    char long_list[300], sentence[200];
    refused("tpu", 0, -EINVAL, "device \"tpu\" is not one of cpu, cuda, opencl");
    refused("CPU", 0, -EINVAL, "device \"CPU\" is not one of cpu, cuda, opencl");
    refused("", 0, -EINVAL, "device list \"\" has an empty name");
    refused("cpu,", 0, -EINVAL, "device list \"cpu,\" has an empty name");
    refused("cpu,,opencl", 0, -EINVAL, "device list \"cpu,,opencl\" has an empty name");
    refused("0", 0, -EINVAL, "device list \"0\" starts with a number");
    refused("opencl:x", 0, -EINVAL, "device number \"x\" is not an integer from 0 to 255");
    refused("opencl:-1", 0, -EINVAL, "device number \"-1\" is not an integer from 0 to 255");
    refused("opencl:0x", 0, -EINVAL, "device number \"0x\" is not an integer from 0 to 255");
    refused("opencl:256", 0, -EINVAL, "device number \"256\" is not an integer from 0 to 255");
    refused("opencl:", 0, -EINVAL, "device number \"\" is not an integer from 0 to 255");
    refused("cpu:1", 0, -ENODEV, "device \"cpu:1\" is not available: the CPU is one device");
    no_cuda_device();
    memset(long_list, 'a', 299);
    long_list[299] = 0;
    refused(long_list, 0, -EINVAL, "the device list is longer than 255 characters");
    refused("cpu", -1, -EINVAL, "threads must be 0 or more, not -1");
    struct hsgd_context *ctx = core_context("cpu", 0, false);
    struct hsgd_device d;
    REQUIRE(!hsgd_device_get(ctx, 0, &d, sizeof d));
    hsgd_destroy(&ctx);
    if (d.workers == 4) {
        core_skip("too many threads: StarPU may drive fewer workers than there are cores");
        return;
    }
    snprintf(sentence, sizeof sentence, "threads is 1000, but this process may use %d core%s", d.workers,
             d.workers > 1 ? "s" : "");
    refused("cpu", 1000, -EINVAL, sentence);
}

static void missing_opencl_device(void)
{
    struct hsgd_context *ctx = core_context("cpu,opencl", 1, false);
    char sentence[200];
    int devices = hsgd_device_count(ctx) - 1;
    hsgd_destroy(&ctx);
    snprintf(sentence, sizeof sentence, "device \"opencl:77\" is not available: OpenCL devices are 0 to %d",
             devices - 1);
    refused("cpu,opencl:77", 0, -ENODEV, sentence);
}

static void on_one_core(void *arg)
{
    (void)arg;
    cpu_set_t set;
    struct hsgd_device d;
    int core = 0;
    REQUIRE(!sched_getaffinity(0, sizeof set, &set));
    while (!CPU_ISSET(core, &set)) core++;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    REQUIRE(!sched_setaffinity(0, sizeof set, &set));
    struct hsgd_context *ctx = core_context("cpu", 0, false);
    CHECK(!hsgd_device_get(ctx, 0, &d, sizeof d) && d.workers == 1);
    train(ctx, 10);
    hsgd_destroy(&ctx);
    refused("cpu", 2, -EINVAL, "threads is 2, but this process may use 1 core");
}

static void respects_affinity(void) { core_child(on_one_core, NULL); }

static struct hsgd_device device_called(struct hsgd_context *ctx, const char *id)
{
    struct hsgd_device d;
    for (int i = 0; !hsgd_device_get(ctx, i, &d, sizeof d); i++)
        if (!strcmp(d.id, id)) return d;
    CHECK_MSG(false, "no device is called \"%s\"", id);
    core_end();
}

static void in_sequence(void)
{
    for (int i = 0; i < 3; i++) {
        struct hsgd_context *ctx = core_context("cpu,opencl", 1, i == 1);
        struct hsgd_device d;
        CHECK(hsgd_device_count(ctx) >= 2);
        for (int k = 0; k < hsgd_device_count(ctx); k++)
            CHECK(!hsgd_device_get(ctx, k, &d, sizeof d) && d.tasks == 0 && d.samples == 0 && d.busy_seconds == 0);
        d = device_called(ctx, "cpu");
        CHECK(d.kind == HSGD_CPU && d.is_cpu && d.workers == 1 && d.memory_bytes > 0 && d.name[0]);
        d = device_called(ctx, "opencl:0");
        CHECK(d.kind == HSGD_OPENCL && d.index == 0 && d.workers == 1 && d.memory_bytes > 0 && d.name[0]);
        train(ctx, 5);
        d = device_called(ctx, "opencl:0");
        CHECK(d.tasks > 0 && d.busy_seconds > 0);
        CHECK(hsgd_device_get(ctx, -1, &d, sizeof d) == -EINVAL &&
              hsgd_device_get(ctx, hsgd_device_count(ctx), &d, sizeof d) == -EINVAL);
        hsgd_destroy(&ctx);
    }
}

/* StarPU counts OpenCL devices when it first starts in a process. */
static void other_devices_later(void)
{
    static const char *const lists[] = { "cpu", "opencl", "cpu,opencl", "cpu" };
    for (int i = 0; i < 4; i++) {
        struct hsgd_context *ctx = core_context(lists[i], 1, false);
        train(ctx, 2);
        hsgd_destroy(&ctx);
    }
}

static void check_policy(const char *wish, const char *want)
{
    struct hsgd_context *ctx;
    REQUIRE(!hsgd_create(&ctx, HSGD_OPTIONS(context, .devices = "cpu", .threads = 1, .policy = wish)));
    CHECK_STR(starpu_sched_ctx_get_sched_policy(0)->policy_name, want);
    train(ctx, 2);
    hsgd_destroy(&ctx);
}

/* The user's policy comes before the program's, that before the library's. */
static void policies(void)
{
    struct hsgd_context *ctx;
    check_policy(NULL, "eager");
    check_policy("lws", "lws");
    setenv("HSGD_SLICES", "4", 1);
    check_policy("dmda", "dmda");
    setenv("STARPU_SCHED", "prio", 1);
    check_policy("dmda", "prio");
    unsetenv("STARPU_SCHED");
    CHECK(hsgd_create(&ctx, HSGD_OPTIONS(context, .devices = "cpu", .threads = 1, .policy = "fair")) == -EINVAL);
    CHECK(strstr(hsgd_error(ctx), "policy is \"fair\", not one of "));
    hsgd_destroy(&ctx);
    REQUIRE(!hsgd_create(&ctx, HSGD_OPTIONS(context, .devices = "cpu,opencl", .threads = 1)));
    CHECK_STR(starpu_sched_ctx_get_sched_policy(0)->policy_name, "eager"); /* for slices */
    hsgd_destroy(&ctx);
}

static bool automatic_has_pocl(int threads)
{
    struct hsgd_context *ctx = core_context(NULL, threads, false);
    struct hsgd_device d;
    bool found = false;
    for (int i = 0; !hsgd_device_get(ctx, i, &d, sizeof d); i++) found |= d.kind == HSGD_OPENCL && d.is_cpu;
    hsgd_destroy(&ctx);
    return found;
}

/* auto takes an OpenCL device that is the CPU when the user wants such devices
 * and CPU workers leave it cores; asking for one by name leaves no trace. */
static void automatic(void)
{
    unsetenv("STARPU_OPENCL_ON_CPUS");
    struct hsgd_context *ctx = core_context("cpu,opencl", 1, false);
    hsgd_destroy(&ctx);
    CHECK(!getenv("STARPU_OPENCL_ON_CPUS"));
    CHECK(!automatic_has_pocl(1));
    setenv("STARPU_OPENCL_ON_CPUS", "1", 1);
    CHECK(!automatic_has_pocl(0));
    bool found = automatic_has_pocl(1);
    ctx = core_context("cpu", 0, false);
    CHECK(found == (device_called(ctx, "cpu").workers > 1));
    hsgd_destroy(&ctx);
}

static void two_at_once(void)
{
    int blas = openblas_get_num_threads();
    struct hsgd_context *first = core_context("cpu", 1, false), *second = core_context("cpu", 1, false);
    train(first, 5);
    train(second, 5);
    struct hsgd_context *other;
    struct hsgd_context_options o = { .size = sizeof o, .devices = "cpu,opencl" };
    CHECK(hsgd_create(&other, &o) == -EBUSY);
    CHECK_STR(hsgd_error(other), "device \"opencl:0\" is not driven by StarPU");
    hsgd_destroy(&other);
    hsgd_destroy(&first);
    train(second, 5);
    hsgd_destroy(&second);
    CHECK_MSG(openblas_get_num_threads() == blas, "OpenBLAS threads: %d, before %d", openblas_get_num_threads(), blas);
}

static void defaults(void)
{
    struct hsgd_context *ctx = NULL;
    hsgd_destroy(NULL);
    hsgd_destroy(&ctx);
    REQUIRE(!hsgd_create(&ctx, NULL));
    CHECK_STR(hsgd_error(ctx), "");
    CHECK(hsgd_device_count(ctx) >= 1 && hsgd_wait(ctx) == 0);
    train(ctx, 5);
    hsgd_destroy(&ctx);
    CHECK_STR(hsgd_device_kind_name(HSGD_CPU), "cpu");
    CHECK_STR(hsgd_device_kind_name(HSGD_CUDA), "cuda");
    CHECK_STR(hsgd_device_kind_name(HSGD_OPENCL), "opencl");
    CHECK_STR(hsgd_device_kind_name(HSGD_DEVICE_KINDS), "?");
}

static void count_lines(void *user, enum hsgd_log_level level, const char *line)
{
    *(int *)user += level == HSGD_LOG_WARNING && strstr(line, "this StarPU drives at most") != NULL;
}

static void warns_of_few_workers(void)
{
    int warnings = 0;
    cpu_set_t set;
    struct hsgd_device d;
    struct hsgd_context *ctx;
    REQUIRE(!sched_getaffinity(0, sizeof set, &set));
    REQUIRE(!hsgd_create(&ctx, HSGD_OPTIONS(context, .devices = "cpu", .log = count_lines, .log_user = &warnings)));
    CHECK(!hsgd_device_get(ctx, 0, &d, sizeof d));
    hsgd_destroy(&ctx);
    if (d.workers >= CPU_COUNT(&set)) core_skip("StarPU drives all %d cores", CPU_COUNT(&set));
    else if (d.workers != 4) core_skip("%d workers, by hardware threads or quota", d.workers);
    else CHECK(warnings == 1);
    if (d.workers >= CPU_COUNT(&set)) CHECK(warnings == 0);
}

/* Data and models need no device, and no StarPU; a trainer does. */
static void without_devices(void)
{
    struct hsgd_context *ctx;
    struct hsgd_data *samples, *test;
    REQUIRE(!hsgd_create(&ctx, HSGD_OPTIONS(context, .devices = "none")));
    CHECK(hsgd_device_count(ctx) == 0 && !starpu_is_initialized());
    CHECK(!hsgd_data_read(ctx, "digits", NULL, &samples, &test));
    struct hsgd_model *m = hsgd_model_by_name(ctx, "mlp-small", (struct hsgd_shape){ 28, 28, 1 }, 10);
    CHECK(m && hsgd_model_parameters(m) == 109386 && !hsgd_model_initialise(m, 1));
    CHECK(!hsgd_trainer_create(m, NULL) &&
          !strcmp(hsgd_error(ctx), "a trainer needs a device, and the context was created with devices \"none\""));
    CHECK(hsgd_op_run(ctx, 0, &hsgd_op_flatten, NULL, &(struct hsgd_op_call){ .rows = 1 }) == -EINVAL);
    CHECK(!hsgd_wait(ctx));
    hsgd_model_destroy(&m);
    hsgd_data_destroy(&test);
    hsgd_data_destroy(&samples);
    hsgd_destroy(&ctx);
    REQUIRE(!hsgd_create(&ctx, HSGD_OPTIONS(context, .devices = "cpu", .threads = 1)));
    train(ctx, 2);
    hsgd_destroy(&ctx);
}

static const struct core_case cases[] = { { "without_devices", without_devices },
                                          { "leaves_no_thread", leaves_no_thread },
                                          { "leaves_opencl_alone", leaves_opencl_alone },
                                          { "cpu_idles", cpu_idles },
                                          { "both_idle", both_idle },
                                          { "refuses_bad_lists", refuses_bad_lists },
                                          { "missing_opencl_device", missing_opencl_device },
                                          { "respects_affinity", respects_affinity },
                                          { "in_sequence", in_sequence },
                                          { "other_devices_later", other_devices_later },
                                          { "policies", policies },
                                          { "automatic", automatic },
                                          { "two_at_once", two_at_once },
                                          { "defaults", defaults },
                                          { "warns_of_few_workers", warns_of_few_workers } };
CORE_MAIN(cases)
