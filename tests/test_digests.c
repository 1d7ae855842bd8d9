/* SPDX-License-Identifier: BSD-3-Clause */
/* Digests of the weights after a few deterministic steps of the built-in models,
 * by both executors, on CPU, OpenCL and both: compared with digests.txt, as far
 * as it knows what the bits depend on here (machine.h).  `make digests` prints
 * the rows of this machine for that file. */
#include "core.h"
#include "machine.h"

enum { STEPS = 30, BATCH = 64, SEED = 3, KEY = 400 };

static const char *const models[] = { "linear", "mlp", "mlp-small", "lenet", "cifar-cnn" };
enum { MODELS = sizeof models / sizeof *models, EXECUTORS = HSGD_INSERT + 1 };

/* What a child trains, and what it found. */
struct run {
    const char *devices;
    int threads;
    char opencl[128]; /* name of the OpenCL device; "": none */
    char digest[MODELS][EXECUTORS][65];
};

static bool printing; /* rows for the file, instead of a comparison */

/* ------------------------------------------------------------- trainings */

static void train(struct hsgd_context *ctx, const struct hsgd_data *data, const char *name, enum hsgd_executor executor,
                  char digest[65])
{
    struct hsgd_train_options o;
    struct hsgd_fit_result result;
    hsgd_train_defaults(&o, sizeof o);
    o.steps = STEPS;
    o.batch_size = BATCH;
    o.seed = SEED;
    o.executor = executor;
    struct hsgd_model *model = hsgd_model_by_name(ctx, name, hsgd_data_shape(data), hsgd_data_classes(data));
    struct hsgd_trainer *t = model ? hsgd_trainer_create(model, &o) : NULL;
    bool ok = t && !hsgd_fit(t, data, NULL, &result, sizeof result) && !hsgd_model_digest(model, digest);
    CHECK_MSG(ok, "%s: %s", name, hsgd_error(ctx));
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&model);
}

static void train_all(void *arg)
{
    struct run *r = arg;
    struct hsgd_context *ctx = core_context(r->devices, r->threads, true);
    struct hsgd_data *data = hsgd_data_open(ctx, "digits", HSGD_TRAIN);
    REQUIRE(data);
    for (int i = 0; i < hsgd_device_count(ctx); i++) {
        struct hsgd_device d;
        if (!hsgd_device_get(ctx, i, &d, sizeof d) && d.kind == HSGD_OPENCL) strcpy(r->opencl, d.name);
    }
    for (int m = 0; m < MODELS; m++)
        for (int e = 0; e < EXECUTORS; e++) train(ctx, data, models[m], (enum hsgd_executor)e, r->digest[m][e]);
    hsgd_data_destroy(&data);
    hsgd_destroy(&ctx);
}

static struct run *run(const char *devices, int threads)
{
    struct run *r = core_shared(sizeof *r);
    *r = (struct run){ .devices = devices, .threads = threads };
    return core_child(train_all, r) ? r : NULL;
}

/* -------------------------------------------------------------- the file */

/* "DEVICES HOST KERNELS OPENCL", "-" for those that do not matter to the devices. */
static void key_of(const struct run *r, char key[KEY])
{
    char host[96], kernels[96] = "-", opencl[160] = "-";
    machine_host(host, sizeof host);
    if (strstr(r->devices, "cpu")) machine_kernels(kernels, sizeof kernels);
    if (*r->opencl) machine_opencl(r->opencl, opencl, sizeof opencl);
    snprintf(key, KEY, "%s %s %s %s", r->devices, host, kernels, opencl);
}

/* The digest in the row "MODEL KEY DIGEST"; false: there is no such row. */
static bool known(FILE *rows, const char *model, const char *key, char digest[65])
{
    char line[2 * KEY], start[2 * KEY];
    int n = snprintf(start, sizeof start, "%s %s ", model, key);
    rewind(rows);
    while (fgets(line, sizeof line, rows))
        if (!strncmp(line, start, (size_t)n)) return sscanf(line + n, "%64s", digest) == 1;
    return false;
}

static FILE *open_rows(void)
{
    char path[4096];
    const char *srcdir = getenv("srcdir");
    snprintf(path, sizeof path, "%s/tests/digests.txt", srcdir ? srcdir : "..");
    FILE *f = fopen(path, "r");
    if (!CHECK_MSG(f != NULL, "%s cannot be read", path)) core_end();
    return f;
}

/* ----------------------------------------------------------------- cases */

static int compare(const struct run *r, FILE *rows, const char *key)
{
    char want[65];
    int unknown = 0;
    for (int m = 0; m < MODELS; m++) {
        const char *replay = r->digest[m][HSGD_REPLAY], *insert = r->digest[m][HSGD_INSERT];
        CHECK_MSG(!strcmp(replay, insert), "%s on %s: replay %s, insert %s", models[m], r->devices, replay, insert);
        if (printing) printf("row %s %s %s\n", models[m], key, replay);
        else if (!known(rows, models[m], key, want)) unknown++;
        else CHECK_MSG(!strcmp(replay, want), "%s on %s: %s, in digests.txt %s", models[m], r->devices, replay, want);
    }
    return unknown;
}

/* What holds on every machine: bits that do not depend on the number of threads. */
static void other_threads(const struct run *one)
{
    struct run *two = run(one->devices, 2);
    REQUIRE(two);
    for (int m = 0; m < MODELS; m++)
        CHECK_MSG(!strcmp(one->digest[m][0], two->digest[m][0]), "%s on %s: one thread %s, two %s", models[m],
                  one->devices, one->digest[m][0], two->digest[m][0]);
}

static void case_of(const char *devices)
{
    char key[KEY];
    setenv("POCL_MAX_PTHREAD_COUNT", "2", 1); /* the number of compute units, on which bits depend */
    unsetenv("HSGD_OPENCL_GROUPS");
    FILE *rows = open_rows();
    struct run *r = run(devices, 1);
    REQUIRE(r);
    key_of(r, key);
    if (compare(r, rows, key)) {
        printf("  not in digests.txt, so only replay, insert and numbers of threads are compared: %s\n", key);
        if (!strcmp(devices, "cpu")) other_threads(r);
    }
    fclose(rows);
}

static void cpu(void) { case_of("cpu"); }
static void opencl(void) { case_of("opencl"); }
static void both(void) { case_of("cpu,opencl"); }

/* What the bits on CPUs depend on, for scripts. */
static int print_key(void)
{
    char key[KEY];
    key_of(&(const struct run){ .devices = "cpu" }, key);
    puts(key);
    return 0;
}

static const struct core_case cases[] = { { "cpu", cpu }, { "opencl", opencl }, { "both", both } };

int main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "key")) return print_key();
    printing = argc == 2 && !strcmp(argv[1], "rows");
    return core_main(printing ? 1 : argc, argv, cases, sizeof cases / sizeof *cases);
}
