/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "core.h"

#include <ftw.h>
#include <math.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
#define CASE_SECONDS 600
#else
#define CASE_SECONDS 120
#endif

static int failures; /* checks that failed in this process and its children */

/* ---------------------------------------------------------------- checks */

bool core_check(bool ok, const char *file, int line, const char *format, ...)
{
    if (ok) return true;
    va_list args;
    va_start(args, format);
    printf("%s:%d: ", file, line);
    vprintf(format, args);
    printf("\n");
    fflush(stdout);
    va_end(args);
    failures++;
    return false;
}

bool core_check_str(const char *got, const char *want, const char *file, int line)
{
    return core_check(got && !strcmp(got, want), file, line, "\"%s\", expected \"%s\"", got ? got : "(null)", want);
}

void core_end(void)
{
    fflush(stdout);
    _exit(failures > 0);
}

void core_skip(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    printf("  skipped: ");
    vprintf(format, args);
    printf("\n");
    va_end(args);
}

/* ------------------------------------------------------------- processes */

/* HSGD_TEST_SECONDS: for what makes everything slower. */
static unsigned case_seconds(void)
{
    const char *text = getenv("HSGD_TEST_SECONDS");
    return text ? (unsigned)atoi(text) : CASE_SECONDS;
}

bool core_child(void (*fn)(void *arg), void *arg)
{
    int status;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        failures = 0;
        alarm(case_seconds());
        fn(arg);
        core_end();
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid) return core_check(false, __FILE__, __LINE__, "no process");
    if (WIFSIGNALED(status)) printf("ended by signal %d (%s)\n", WTERMSIG(status), strsignal(WTERMSIG(status)));
    bool ok = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    failures += !ok;
    return ok;
}

void *core_shared(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) abort();
    return p;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st, (void)type, (void)where;
    return remove(path);
}

static void run_case(void *arg) { ((const struct core_case *)arg)->run(); }

static bool chosen(int argc, char **argv, const char *name)
{
    for (int i = 1; i < argc; i++)
        if (!strcmp(argv[i], name)) return true;
    return argc < 2;
}

int core_main(int argc, char **argv, const struct core_case *cases, int ncases)
{
    char home[512];
    const char *base = getenv("TMPDIR");
    int passed = 0, failed = 0;
    snprintf(home, sizeof home, "%s/hsgd-core-XXXXXX", base && *base ? base : "/tmp");
    if (!mkdtemp(home)) abort();
    setenv("STARPU_HOME", home, 1);
    setenv("HSGD_CACHE_DIR", home, 1);
    unsetenv("STARPU_SCHED");
    unsetenv("STARPU_NCPU");
    for (int i = 0; i < ncases; i++) {
        if (!chosen(argc, argv, cases[i].name)) continue;
        bool ok = core_child(run_case, (void *)&cases[i]);
        printf("%s %s\n", ok ? "ok" : "FAILED", cases[i].name);
        passed += ok;
        failed += !ok;
    }
    nftw(home, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    printf("%d passed, %d failed\n", passed, failed);
    return failed > 0;
}

/* ---------------------------------------------------------------- makers */

struct hsgd_context *core_context(const char *devices, int threads, bool deterministic)
{
    struct hsgd_context *ctx;
    struct hsgd_context_options o = {
        .size = sizeof o, .devices = devices, .threads = threads, .deterministic = deterministic
    };
    int err = hsgd_create(&ctx, &o);
    if (!CHECK_MSG(!err, "\"%s\", %d threads: %s", devices ? devices : "auto", threads, hsgd_error(ctx))) core_end();
    return ctx;
}

struct hsgd_model *core_classifier(struct hsgd_model *m, struct hsgd_value *scores)
{
    struct hsgd_value *label = hsgd_target(m, "label", hsgd_number(HSGD_I32));
    hsgd_loss(HSGD_JOIN(HSGD_OF(scores, label), softmax_cross_entropy, NULL));
    if (hsgd_model_finish(m)) hsgd_model_destroy(&m);
    return m;
}

void core_digits(int first, int count, float *x, int32_t *labels)
{
    struct hsgd_data *d = hsgd_data_open(NULL, "digits", HSGD_TRAIN);
    int64_t *index = malloc((size_t)count * sizeof *index);
    REQUIRE(d && index);
    for (int i = 0; i < count; i++) index[i] = first + i;
    struct hsgd_normalisation *norm = hsgd_data_statistics(d);
    REQUIRE(norm);
    hsgd_data_gather(d, index, count, norm, x, labels);
    hsgd_normalisation_destroy(&norm);
    free(index);
    hsgd_data_destroy(&d);
}

float *core_weights(struct hsgd_model *m, int64_t *count)
{
    int64_t n = hsgd_model_parameters(m), at = 0;
    float *w = malloc((size_t)n * sizeof *w);
    for (int i = 0; w && i < hsgd_model_weight_count(m); i++) {
        char name[96];
        snprintf(name, sizeof name, "%s", hsgd_model_weight_name(m, i));
        int64_t size = hsgd_model_weight_size(m, name);
        REQUIRE(hsgd_model_get_weight(m, name, w + at, size) == 0);
        at += size;
    }
    REQUIRE(at == n);
    if (count) *count = n;
    return w;
}

void core_set_weights(struct hsgd_model *m, const float *w)
{
    for (int i = 0; i < hsgd_model_weight_count(m); i++) {
        char name[96];
        snprintf(name, sizeof name, "%s", hsgd_model_weight_name(m, i));
        int64_t size = hsgd_model_weight_size(m, name);
        REQUIRE(hsgd_model_set_weight(m, name, w, size) == 0);
        w += size;
    }
}

double core_norm(const float *a, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += (double)a[i] * a[i];
    return sqrt(sum);
}

void core_outputs(struct hsgd_model *m, const float *x, int n, float *out)
{
    struct hsgd_session *s = hsgd_session_create(m, NULL);
    REQUIRE(s && !hsgd_session_run(s, n, HSGD_FIELDS(x), HSGD_RESULTS(out)));
    hsgd_session_destroy(&s);
}

double core_distance(const float *a, const float *b, int64_t n)
{
    double d = 0;
    for (int64_t i = 0; i < n; i++) d += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
    return sqrt(d) / core_norm(b, n);
}
