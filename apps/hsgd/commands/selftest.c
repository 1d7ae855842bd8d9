/* SPDX-License-Identifier: BSD-3-Clause */
/* hsgd selftest */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "lib/report.h"
#include "lib/session.h"
#include "reference/reference.h"
#include "selftest.h"

#define COPY_FLOATS (16 << 20)

/* -------------------------------------------------------------- operations */

static const struct {
    const char *name;
    void (*run)(void);
} references[] = {
#define REFERENCE(name) { #name, reference_##name },
#include "reference/reference_list.h"
};

#define REFERENCES (sizeof references / sizeof *references)

/* Whether the list `only` has the name; NULL has all. */
static bool listed(const char *only, const char *name)
{
    if (!only) return true;
    for (size_t n; *only; only += n + (only[n] == ',')) {
        n = strcspn(only, ",");
        if (n == strlen(name) && !strncmp(only, name, n)) return true;
    }
    return false;
}

static bool is_check(const char *name)
{
    bool found = !strcmp(name, "copy") || !strcmp(name, "training");
    for (size_t i = 0; i < REFERENCES; i++) found |= !strcmp(name, references[i].name);
    return found;
}

static int require_checks(const char *only)
{
    char name[40];
    for (size_t n; only && *only; only += n + (only[n] == ',')) {
        n = strcspn(only, ",");
        snprintf(name, sizeof name, "%.*s", (int)n, only);
        if (!is_check(name))
            return report_error(USAGE, "--only \"%.*s\" is neither an operation nor copy or training", (int)n, only);
    }
    return OK;
}

static struct result row(const char *check, const char *device, int runs, const char *unit)
{
    struct result r = { .runs = runs, .unit = unit, .error = NAN, .bound = NAN };
    snprintf(r.check, sizeof r.check, "%s", check);
    snprintf(r.device, sizeof r.device, "%s", device);
    return r;
}

/* Running too few shapes is a failure.  Devices are tested one by one, since the
 * first failure ends the test of an operation. */
static void test_operation(struct selftest *t, struct hsgd_context *ctx, int i)
{
    struct hsgd_device d;
    for (int k = 0; !hsgd_device_get(ctx, k, &d, sizeof d); k++) {
        check_begin(ctx, references[i].name, k);
        references[i].run();
        const struct check_outcome *o = check_outcome();
        const struct check_count *c = &o->device[k];
        struct result r = row(references[i].name, d.id, c->shapes, "shapes");
        if (c->bound > 0) r.error = c->error, r.bound = c->bound;
        if (o->failures) r.fault = o->message[0];
        else if (c->shapes < CHECK_SHAPES) r.fault = "too few shapes were run";
        selftest_add(t, &r);
    }
}

static void test_operations(struct selftest *t, struct hsgd_context *ctx)
{
    if (!t->s->json) print_devices(ctx, t->s->devices);
    selftest_header(t);
    for (size_t i = 0; i < REFERENCES; i++)
        if (listed(t->s->only, references[i].name)) test_operation(t, ctx, (int)i);
}

/* ------------------------------------------------------------------- copies */

static void test_copy(struct selftest *t, struct hsgd_context *ctx, int device, float *from, float *to)
{
    struct hsgd_device d;
    char message[600];
    struct hsgd_op_call run = { .rows = 1, .in = { hsgd_vector(COPY_FLOATS) }, .x = { from }, .y = { to } };
    hsgd_device_get(ctx, device, &d, sizeof d);
    memset(to, 0, COPY_FLOATS * sizeof *to);
    int err = hsgd_op_run(ctx, device, &hsgd_op_flatten, NULL, &run);
    struct result r = row("copy 64 MiB and back", d.id, 1, "copy");
    int64_t wrong = 0;
    while (wrong < COPY_FLOATS && from[wrong] == to[wrong]) wrong++;
    if (err) r.fault = hsgd_error(ctx);
    else if (wrong < COPY_FLOATS) {
        snprintf(message, sizeof message, "float %lld of %d came back as %g, not %g", (long long)wrong, COPY_FLOATS,
                 to[wrong], from[wrong]);
        r.fault = message;
    }
    selftest_add(t, &r);
}

static int test_copies(struct selftest *t, struct hsgd_context *ctx)
{
    float *from = malloc(COPY_FLOATS * sizeof *from), *to = malloc(COPY_FLOATS * sizeof *to);
    for (int i = 0; from && i < COPY_FLOATS; i++) from[i] = (float)(i % 16777213);
    for (int k = 0; from && to && k < hsgd_device_count(ctx); k++) test_copy(t, ctx, k, from, to);
    int code = from && to ? OK : report_error(FAILED, "out of memory");
    free(from);
    free(to);
    return code;
}

/* ----------------------------------------------------------------- command */

static int test_all(struct selftest *t, struct usage *u)
{
    struct session run = { 0 };
    struct trainings *trainings = NULL;
    int code = open_context(&run, t->s);
    if (!code) {
        usage_now(run.ctx, u);
        test_operations(t, run.ctx);
        if (listed(t->s->only, "copy")) code = test_copies(t, run.ctx);
    }
    if (!code && listed(t->s->only, "training") && !(trainings = selftest_trainings_create(run.ctx, u))) code = FAILED;
    close_session(&run);
    if (trainings) selftest_trainings_run(t, trainings, u);
    selftest_trainings_destroy(trainings);
    return code;
}

int cmd_selftest(struct settings *s)
{
    struct selftest t = { .s = s };
    struct usage u = { 0 };
    int code = require_words(s, 0);
    if (!code) code = require_checks(s->only);
    if (!code) code = test_all(&t, &u);
    if (!code) code = selftest_report(&t, &u);
    selftest_free(&t);
    return code;
}
