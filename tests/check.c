#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* nftw */
#endif
#include "check.h"

#include <float.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SHAPES 200          /* of each operation on each kind of device */
#define LARGE_SHAPES 50     /* of them with more outputs than LARGE */
#define LARGE 256

/* -------------------------------------------------------------- contexts */

static char home[512];
static pid_t home_owner;

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st, (void)type, (void)where;
    return remove(path);
}

static void remove_home(void)
{
    if (home_owner == getpid()) nftw(home, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static void make_home(void)
{
    const char *base = getenv("TMPDIR");
    if (home_owner == getpid()) return;
    snprintf(home, sizeof home, "%s/hsgd-starpu-XXXXXX", base && *base ? base : "/tmp");
    if (!mkdtemp(home)) {
        perror(home);
        exit(1);
    }
    home_owner = getpid();
    setenv("STARPU_HOME", home, 1);
    atexit(remove_home);
}

struct hsgd_context *test_context_on(const char *devices)
{
    struct hsgd_context *ctx;
    struct hsgd_context_options options = { .devices = devices, .threads = 1 };
    make_home();
    if (hsgd_create(&ctx, &options)) {
        fprintf(stderr, "no context on \"%s\": %s\n", devices, hsgd_error(ctx));
        hsgd_destroy(&ctx);
        exit(1);
    }
    return ctx;
}

struct hsgd_context *test_context(void) { return test_context_on("cpu"); }

/* --------------------------------------------------------- random values */

static uint64_t state = 1;

void check_seed(uint64_t seed) { state = seed; }

static uint32_t next(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33);
}

int check_int(int low, int high) { return low + (int)(next() % (uint32_t)(high - low + 1)); }

float check_float(void) { return (float)(next() >> 7) * 0x1p-23f - 1.0f; }

static void *allocate(int64_t n, size_t size)
{
    void *p = calloc((size_t)n, size);
    if (!p && n) {
        perror("calloc");
        exit(1);
    }
    return p;
}

float *check_floats(int64_t n)
{
    float *p = allocate(n, sizeof *p);
    for (int64_t i = 0; i < n; i++) p[i] = check_float();
    return p;
}

float *check_steps(int64_t n)
{
    float *p = allocate(n, sizeof *p);
    for (int64_t i = 0; i < n; i++) p[i] = 0.25f * (float)check_int(-4, 4);
    return p;
}

int check_size(int most)
{
    static const int edges[] = { 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 127, 128, 129, 200 };
    int edge = edges[check_int(0, sizeof edges / sizeof *edges - 1)];
    return check_int(0, 1) && edge <= most ? edge : check_int(1, most);
}

double *check_doubles(const float *from, int64_t n)
{
    double *p = allocate(n, sizeof *p);
    for (int64_t i = 0; from && i < n; i++) p[i] = from[i];
    return p;
}

struct approx *check_approx(int64_t n) { return allocate(n, sizeof(struct approx)); }

double check_activation(double z, enum hsgd_activation f)
{
    if (f == HSGD_RELU) return z < 0 ? 0 : z;
    if (f == HSGD_TANH) return tanh(z);
    if (f == HSGD_SIGMOID) return 1 / (1 + exp(-z));
    return z;
}

double check_slope(double y, enum hsgd_activation f)
{
    if (f == HSGD_RELU) return y > 0;
    if (f == HSGD_TANH) return 1 - y * y;
    if (f == HSGD_SIGMOID) return y * (1 - y);
    return 1;
}

/* ------------------------------------------------------------------- run */

static struct hsgd_context *context;
static const char *test = "";
static char shape[200];
static int failures;
static struct { int shapes, large; } count[HSGD_DEVICE_KINDS];

struct hsgd_context *check_context(void) { return context; }

int check_devices(void) { return hsgd_device_count(context); }

bool check_going(void) { return failures == 0; }

void check_shape(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(shape, sizeof shape, format, arguments);
    va_end(arguments);
}

static const char *where = "";

void check_that(bool holds, const char *format, ...)
{
    char message[300];
    va_list arguments;
    if (holds) return;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    if (failures++ < 3) printf("%s: wrong on %s: %s (%s)\n", test, where, message, shape);
}

void check_run(int device, const struct hsgd_op *op, const void *attributes, const struct hsgd_op_run *run,
               int64_t elements)
{
    static struct hsgd_device info;
    hsgd_device_get(context, device, &info);
    where = info.id;
    check_that(hsgd_op_run(context, device, op, attributes, run) == 0, "%s", hsgd_error(context));
    count[info.kind].shapes += elements >= 0;
    count[info.kind].large += elements > LARGE;
}

void check_near(const char *what, const float *got, const struct approx *want, int64_t n)
{
    for (int64_t i = 0; i < n && failures < 3; i++) {
        double e = want[i].e + 4 * FLT_MIN; /* numbers below FLT_MIN may count as zero */
        bool right = isnan(want[i].v) ? isnan(got[i]) : fabs(got[i] - want[i].v) <= e;
        check_that(right, "%s[%lld] of %lld is %.9g, not %.9g within %.2g", what, (long long)i, (long long)n, got[i],
                   want[i].v, e);
    }
}

void check_gradient(const char *what, double (*loss)(void *user), void *user, double *at,
                    const struct approx *gradient, int64_t n)
{
    const double h = 1e-6;
    double *from = allocate(n, sizeof *from), *direction = allocate(n, sizeof *direction), along = 0, magnitude = 0;
    for (int64_t i = 0; i < n; i++) {
        from[i] = at[i];
        direction[i] = check_float();
        along += gradient[i].v * direction[i];
        magnitude += fabs(gradient[i].v * direction[i]);
    }
    for (int64_t i = 0; i < n; i++) at[i] = from[i] + h * direction[i];
    double up = loss(user);
    for (int64_t i = 0; i < n; i++) at[i] = from[i] - h * direction[i];
    double down = loss(user);
    for (int64_t i = 0; i < n; i++) at[i] = from[i];
    double difference = (up - down) / (2 * h), bound = 1e-6 * magnitude + 1e-8 * (1 + fabs(up));
    where = "reference";
    check_that(fabs(difference - along) <= bound, "%s: the gradient gives %.9g, the difference %.9g", what, along,
               difference);
    free(from);
    free(direction);
}

static void report(const struct check_test *t)
{
    printf("%s:%s", t->name, t->counted ? "" : failures ? " failed" : " passed");
    for (int d = 0; d < check_devices(); d++) {
        struct hsgd_device info;
        hsgd_device_get(context, d, &info);
        where = info.id;
        check_shape("all shapes");
        if (t->counted)
            printf("%s %d shapes on %s, %d of them large", d ? ";" : "", count[info.kind].shapes, info.id,
                   count[info.kind].large);
    }
    printf("\n");
    for (int d = 0; d < check_devices() && t->counted && !failures; d++) {
        struct hsgd_device info;
        hsgd_device_get(context, d, &info);
        check_that(count[info.kind].shapes >= SHAPES && count[info.kind].large >= LARGE_SHAPES,
                   "needs %d shapes, %d of them with more than %d outputs", SHAPES, LARGE_SHAPES, LARGE);
    }
}

static bool run_test(const struct check_test *t)
{
    memset(count, 0, sizeof count);
    failures = 0;
    test = t->name;
    check_seed(strlen(test) * 1000 + (unsigned char)*test);
    t->run();
    report(t);
    fflush(stdout);
    return failures == 0;
}

static bool wanted(const char *name, int argc, char **argv)
{
    int names = 0;
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] == '-') continue;
        if (!strcmp(argv[i], name)) return true;
        names++;
    }
    return !names;
}

int check_main(int argc, char **argv, const struct check_test *tests, int n)
{
    int passed = 0, failed = 0;
    const char *devices = "cpu,opencl";
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--cpu")) devices = "cpu";
        if (!strncmp(argv[i], "--devices=", 10)) devices = argv[i] + 10;
    }
    context = test_context_on(devices);
    for (int i = 0; i < n; i++)
        if (wanted(tests[i].name, argc, argv)) {
            if (run_test(&tests[i])) passed++;
            else failed++;
        }
    hsgd_destroy(&context);
    printf("%d passed, %d failed\n", passed, failed);
    return failed || !passed;
}
