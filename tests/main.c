/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* nftw */
#endif
#include "main.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reference/check.h"

#define LARGE_SHAPES 50 /* of them with more outputs than a work-group */

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

/* HSGD_TEST_STARPU_HOME: a folder with measurements of transfers, in place of a new one. */
static void make_home(void)
{
    const char *base = getenv("TMPDIR"), *given = getenv("HSGD_TEST_STARPU_HOME");
    if (given) setenv("STARPU_HOME", given, 1);
    if (given || home_owner == getpid()) return;
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
    struct hsgd_context_options options = { .size = sizeof options, .devices = devices, .threads = 1 };
    make_home();
    if (hsgd_create(&ctx, &options)) {
        fprintf(stderr, "no context on \"%s\": %s\n", devices, hsgd_error(ctx));
        hsgd_destroy(&ctx);
        exit(1);
    }
    return ctx;
}

struct hsgd_context *test_context(void) { return test_context_on("cpu"); }

/* ------------------------------------------------------------------- run */

/* HSGD_TEST_PART=N: an N-th of the shapes. */
static int part_of_shapes(void)
{
    const char *n = getenv("HSGD_TEST_PART");
    return n && atoi(n) > 1 ? atoi(n) : 1;
}

/* HSGD_TEST_SMALL=1: small shapes only. */
static bool has_small_shapes(void)
{
    const char *yes = getenv("HSGD_TEST_SMALL");
    return yes && !strcmp(yes, "1");
}

static void check_counts(const struct check_test *t)
{
    const int part = part_of_shapes(), shapes = CHECK_SHAPES / part;
    const int large = has_small_shapes() || part > 5 ? 0 : part > 1 ? 1 : LARGE_SHAPES;
    check_part(1);
    for (int d = 0; d < check_devices() && t->counted && check_going(); d++) {
        const struct check_count *c = &check_outcome()->device[d];
        check_shape("all shapes");
        check_that(c->shapes >= shapes && c->large >= large,
                   "device %d ran %d shapes, %d of them large: needs %d and %d", d, c->shapes, c->large, shapes, large);
    }
}

static void report(const struct check_test *t)
{
    const struct check_outcome *o = check_outcome();
    for (int i = 0; i < o->failures; i++) printf("%s: %s\n", t->name, o->message[i]);
    printf("%s:%s", t->name, t->counted ? "" : o->failures ? " failed" : " passed");
    for (int d = 0; d < check_devices() && t->counted; d++) {
        struct hsgd_device info;
        hsgd_device_get(check_context(), d, &info, sizeof info);
        printf("%s %d shapes on %s, %d of them large", d ? ";" : "", o->device[d].shapes, info.id, o->device[d].large);
    }
    printf("\n");
}

static bool run_test(struct hsgd_context *ctx, const struct check_test *t)
{
    check_begin(ctx, t->name, CHECK_ALL);
    if (t->counted) check_part(part_of_shapes());
    check_small(has_small_shapes());
    t->run();
    check_counts(t);
    report(t);
    fflush(stdout);
    return check_going();
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

static int run_on(const char *devices, int argc, char **argv, const struct check_test *tests, int n)
{
    int passed = 0, failed = 0;
    struct hsgd_context *ctx = test_context_on(devices);
    for (int i = 0; i < n; i++)
        if (wanted(tests[i].name, argc, argv)) {
            if (run_test(ctx, &tests[i])) passed++;
            else failed++;
        }
    hsgd_destroy(&ctx);
    printf("%s: %d passed, %d failed\n", devices, passed, failed);
    return failed || !passed;
}

/* Each device in a context of its own: idle workers of the others would take
 * the cores from it. */
int check_main(int argc, char **argv, const struct check_test *tests, int n)
{
    char devices[200] = "cpu,opencl";
    int wrong = 0;
    bool lists = argc == 2 && !strcmp(argv[1], "--list");
    for (int i = 0; lists && i < n; i++) puts(tests[i].name);
    if (lists) return 0;
    for (int i = 1; i < argc; i++)
        if (!strncmp(argv[i], "--devices=", 10)) snprintf(devices, sizeof devices, "%s", argv[i] + 10);
    for (char *rest = devices, *one; (one = strsep(&rest, ","));) wrong |= run_on(one, argc, argv, tests, n);
    return wrong;
}
