/* SPDX-License-Identifier: BSD-3-Clause */
#include "check.h"

#include <float.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* --------------------------------------------------------- random values */

static uint64_t state = 1;
static bool small;

void check_seed(uint64_t seed) { state = seed; }

static uint32_t next(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33);
}

void check_small(bool yes) { small = yes; }

int check_int(int low, int high)
{
    if (small && high > low + CHECK_SMALL) high = low + CHECK_SMALL;
    return (int)(low + (int64_t)(next() % ((uint32_t)high - (uint32_t)low + 1)));
}

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

int check_size(int max)
{
    static const int edges[] = { 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 127, 128, 129, 200 };
    if (small && max > CHECK_SMALL) max = CHECK_SMALL;
    int edge = edges[check_int(0, sizeof edges / sizeof *edges - 1)];
    return check_int(0, 1) && edge <= max ? edge : check_int(1, max);
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

double check_activation_grad(double y, enum hsgd_activation f)
{
    if (f == HSGD_RELU) return y > 0;
    if (f == HSGD_TANH) return 1 - y * y;
    if (f == HSGD_SIGMOID) return y * (1 - y);
    return 1;
}

/* ------------------------------------------------------------------- run */

static struct hsgd_context *context;
static int only = CHECK_ALL;
static char shape[200];
static int part = 1, shapes;
static struct check_outcome outcome;

void check_begin(struct hsgd_context *ctx, const char *name, int device)
{
    context = ctx;
    only = device;
    shapes = 0;
    free(outcome.device);
    outcome = (struct check_outcome){ .device = allocate(hsgd_device_count(ctx), sizeof *outcome.device) };
    check_seed(strlen(name) * 1000 + (unsigned char)*name);
}

const struct check_outcome *check_outcome(void) { return &outcome; }

struct hsgd_context *check_context(void) { return context; }

void check_part(int n) { part = n; }

int check_devices(void)
{
    if (shapes % part) return 0;
    return only == CHECK_ALL ? hsgd_device_count(context) : 1;
}

bool check_going(void) { return outcome.failures == 0; }

void check_shape(const char *format, ...)
{
    va_list arguments;
    shapes++;
    va_start(arguments, format);
    vsnprintf(shape, sizeof shape, format, arguments);
    va_end(arguments);
}

static const char *where = "";
static int running = -1;

void check_that(bool holds, const char *format, ...)
{
    char message[300];
    va_list arguments;
    if (holds) return;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    if (running >= 0) outcome.device[running].failures++;
    if (outcome.failures >= CHECK_MESSAGES) return;
    char *to = outcome.message[outcome.failures++];
    snprintf(to, sizeof outcome.message[0], "wrong on %s: %s (%s)", where, message, shape);
}

void check_run(int device, const struct hsgd_op *op, const void *attributes, const struct hsgd_op_call *run,
               int64_t elements)
{
    static struct hsgd_device info;
    if (only != CHECK_ALL) device = only;
    hsgd_device_get(context, device, &info, sizeof info);
    where = info.id;
    running = device;
    bool ran = hsgd_op_run(context, device, op, attributes, run) == 0;
    check_that(ran, "%s", hsgd_error(context));
    if (!ran) return;
    outcome.device[device].shapes += elements >= 0;
    outcome.device[device].large += elements > CHECK_LARGE;
}

/* NaN is the worst error. */
static void note_error(double off, double bound)
{
    struct check_count *c = running < 0 ? NULL : &outcome.device[running];
    if (!c || off * c->bound < c->error * bound) return;
    c->error = isnan(off) ? INFINITY : off;
    c->bound = bound;
}

void check_near(const char *what, const float *got, const struct approx *want, int64_t n)
{
    for (int64_t i = 0; i < n && outcome.failures < CHECK_MESSAGES; i++) {
        double e = want[i].e + 4 * FLT_MIN; /* values below FLT_MIN may be flushed to zero */
        double off = isnan(want[i].v) ? (isnan(got[i]) ? 0 : NAN) : fabs(got[i] - want[i].v);
        bool right = off <= e;
        note_error(off, e);
        check_that(right, "%s[%lld] of %lld is %.9g, not %.9g within %.2g", what, (long long)i, (long long)n, got[i],
                   want[i].v, e);
    }
}

void check_gradient(const char *what, double (*loss)(void *user), void *user, double *at, const struct approx *gradient,
                    int64_t n)
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
    running = -1;
    check_that(fabs(difference - along) <= bound, "%s: the gradient gives %.9g, the difference %.9g", what, along,
               difference);
    free(from);
    free(direction);
}
