/* SPDX-License-Identifier: BSD-3-Clause */
/* Calls the functions of the public interface in random order with right,
 * NULL, NaN, zero, negative and huge arguments, and expects no more than that
 * each returns.
 *   api_fuzz SYMBOLS CALLS SEED...   a round for each seed
 * With at least 50,000 calls in all it also demands that every function of the
 * list was called often, each pointer was NULL once, and a third succeeded. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "fuzz.h"

#include <ftw.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FULL_RUN = 50000, OFTEN = 50, OFTEN_COSTLY = 5, MAX_CALLS = 256, USUAL_WEIGHT = 12, CALL_SECONDS = 120 };

struct count {
    const struct call *call;
    long calls, successes;
    unsigned nulls;
};

struct world world;
float floats[FLOATS], results[FLOATS];
int32_t labels[SAMPLES];
static struct count *counts; /* shared with the rounds, which are processes of their own */
static int ncounts, running;
static uint64_t state;

/* ------------------------------------------------------------------- drawing */

/* Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014. */
uint64_t draw(void)
{
    uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

int below(int n) { return (int)(draw() % (uint64_t)n); }
bool one_in(int n) { return below(n) == 0; }

/* Of a costly call, which is rare, each pointer in turn, too: chance alone may leave one out. */
void *or_null(int pointer, const void *p)
{
    const struct count *c = &counts[running];
    if (!p || one_in(8) || (c->call->costly && c->calls % 8 == pointer)) {
        counts[running].nulls |= 1u << pointer;
        return NULL;
    }
    return (void *)(uintptr_t)p;
}

int64_t wild64(int64_t right)
{
    const int64_t list[] = { 0, -1, 1, 2, 3, INT_MIN, INT_MAX, INT64_MIN, INT64_MAX, INT64_C(1) << 40, right + 1 };
    return one_in(6) ? list[below(sizeof list / sizeof *list)] : right;
}

int wild(int right)
{
    const int list[] = { 0, -1, 1, 2, 3, INT_MIN, INT_MAX, 1 << 30, right < INT_MAX ? right + 1 : right };
    return one_in(6) ? list[below(sizeof list / sizeof *list)] : right;
}

int wild_low(int right)
{
    const int list[] = { 0, -1, INT_MIN, right > 1 ? 1 : right };
    return one_in(6) ? list[below(sizeof list / sizeof *list)] : right;
}

size_t wild_size(size_t right)
{
    return one_in(6) ? (size_t[]){ 0, 1, 8, 12, SIZE_MAX, SIZE_MAX / 2 }[below(6)] : right;
}

int wild_enum(int n) { return one_in(6) ? (int[]){ -1, n, INT_MAX, INT_MIN }[below(4)] : below(n); }

float wild_float(float right)
{
    const float list[] = { 0, -1, 1, NAN, INFINITY, -INFINITY, 3e38f, 1e-40f, -0.0f };
    return one_in(6) ? list[below(sizeof list / sizeof *list)] : right;
}

struct hsgd_shape wild_shape(struct hsgd_shape right)
{
    if (one_in(8)) right.h = wild(right.h);
    if (one_in(8)) right.w = wild(right.w);
    if (one_in(8)) right.c = wild(right.c);
    return right;
}

const char *any_path(const char *right)
{
    static char lengthy[6000];
    memset(lengthy, 'n', sizeof lengthy - 1);
    const char *list[] = { "",        "missing",       "missing/below",       "folder",
                           "set.csv", "model.yaml",    "weights.safetensors", "net\n\xff\x80",
                           lengthy,   "set.csv/below", "checkpoints",         "\"%s%n" };
    return one_in(4) ? list[below(sizeof list / sizeof *list)] : right;
}

const char *any_text(const char *right)
{
    static char lengthy[6000];
    memset(lengthy, 'n', sizeof lengthy - 1);
    const char *list[] = { "", "?", "%s%n%d", "\xff\xfe", lengthy, "0", "-1" };
    return one_in(4) ? list[below(sizeof list / sizeof *list)] : right;
}

/* ------------------------------------------------------------------- objects */

const float *some_floats(void)
{
    static float bad[FLOATS];
    if (!one_in(10)) return floats;
    memcpy(bad, floats, sizeof bad);
    bad[below(FEATURES)] = (float[]){ NAN, INFINITY, -INFINITY, 3e38f }[below(4)];
    return bad;
}

const int32_t *some_labels(void)
{
    static int32_t bad[SAMPLES];
    if (!one_in(10)) return labels;
    memcpy(bad, labels, sizeof bad);
    bad[0] = (int32_t[]){ -1, CLASSES, INT32_MAX, INT32_MIN }[below(4)];
    return bad;
}

struct hsgd_data *some_data(void)
{
    struct hsgd_data *d = world.data[below(PLACES)];
    return !d || one_in(2) ? one_in(4) ? world.digits : world.table : d;
}

struct hsgd_model *some_model(void)
{
    struct hsgd_model *m = world.models[below(PLACES)];
    return !m || one_in(2) ? one_in(2) ? world.model : world.trained : m;
}

struct hsgd_trainer *some_trainer(void)
{
    return world.other_trainer && one_in(3) ? world.other_trainer : world.trainer;
}

const struct hsgd_normalisation *some_norm(void)
{
    const struct hsgd_normalisation *n = world.norms[below(PLACES)];
    return n && one_in(2) ? n : world.norm;
}

struct hsgd_record *some_record(void)
{
    struct hsgd_record *r = world.records[below(PLACES)];
    return r && one_in(2) ? r : world.record;
}

bool keep_data(struct hsgd_data *d)
{
    struct hsgd_data **at = &world.data[below(PLACES)];
    if (!d) return false;
    hsgd_data_destroy(at);
    *at = d;
    return true;
}

bool keep_model(struct hsgd_model *m)
{
    struct hsgd_model **at = &world.models[below(PLACES)];
    if (!m) return false;
    hsgd_model_destroy(at);
    *at = m;
    return true;
}

static void need(const void *p, const char *what)
{
    if (p) return;
    printf("cannot start: %s: %s\n", what, hsgd_error(world.ctx));
    exit(1);
}

static struct hsgd_model *network(const char *name)
{
    struct hsgd_model *m = hsgd_model_create(world.ctx, name);
    struct hsgd_value *x = hsgd_input(m, "x", hsgd_vector(FEATURES));
    struct hsgd_value *label = hsgd_target(m, "label", hsgd_number(HSGD_I32));
    x = HSGD_OP(x, dense, NULL, .units = 5, .activation = HSGD_RELU);
    x = HSGD_OP(x, dense, NULL, .units = CLASSES);
    hsgd_loss(HSGD_JOIN(HSGD_OF(x, label), softmax_cross_entropy, NULL));
    if (hsgd_model_finish(m)) hsgd_model_destroy(&m);
    return m;
}

static void open_world(int round)
{
    struct hsgd_train_options o;
    int err = hsgd_create(&world.ctx, HSGD_OPTIONS(context, .devices = round % 3 == 1 ? "cpu,opencl" : "cpu",
                                                   .threads = 1, .deterministic = round % 3 == 2));
    need(err ? NULL : world.ctx, "context");
    for (int i = 0; i < FLOATS; i++) floats[i] = sinf((float)i);
    for (int i = 0; i < SAMPLES; i++) labels[i] = i % CLASSES;
    need(world.table = hsgd_data_memory(world.ctx, floats, labels, SAMPLES, (struct hsgd_shape){ 1, 1, FEATURES },
                                        CLASSES, HSGD_BORROW),
         "table");
    need(world.digits = hsgd_data_digits(world.ctx, 0, 0, 10), "digits");
    need(world.norm = hsgd_data_statistics(world.table), "normalisation");
    need(world.record = hsgd_record_create(world.ctx, world.table), "record");
    need(world.model = network("free"), "model");
    need(world.trained = network("trained"), "model");
    need(world.other_model = network("other"), "model");
    hsgd_train_defaults(&o, sizeof o);
    o.batch_size = 8;
    o.epochs = 1;
    need(world.trainer = hsgd_trainer_create(world.trained, &o), "trainer");
    need(world.session = hsgd_session_create(world.trained, NULL), "session");
    need(world.text = hsgd_model_text(world.model), "text of a model");
    if (access("model.yaml", F_OK) && (hsgd_file_write(world.ctx, "model.yaml", world.text, strlen(world.text)) ||
                                       hsgd_checkpoint_save(world.trainer, "checkpoints")))
        need(NULL, "files");
}

static void close_world(void)
{
    free(world.text);
    hsgd_session_destroy(&world.other_session);
    hsgd_session_destroy(&world.session);
    hsgd_trainer_destroy(&world.other_trainer);
    hsgd_trainer_destroy(&world.trainer);
    for (int i = 0; i < PLACES; i++) {
        hsgd_data_destroy(&world.data[i]);
        hsgd_model_destroy(&world.models[i]);
        hsgd_normalisation_destroy(&world.norms[i]);
        hsgd_record_destroy(&world.records[i]);
    }
    hsgd_model_destroy(&world.model);
    hsgd_model_destroy(&world.trained);
    hsgd_model_destroy(&world.other_model);
    hsgd_normalisation_destroy(&world.norm);
    hsgd_record_destroy(&world.record);
    hsgd_data_destroy(&world.table);
    hsgd_data_destroy(&world.digits);
    hsgd_destroy(&world.ctx);
}

/* -------------------------------------------------------------------- files */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st, (void)type, (void)at;
    return remove(path);
}

static char home[PATH_MAX];
static pid_t parent;

static void leave_home(void)
{
    if (getpid() == parent && !chdir("/")) nftw(home, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void enter_home(void)
{
    const char *above = getenv("TMPDIR");
    snprintf(home, sizeof home, "%s/hsgd-api-XXXXXX", above && *above ? above : "/tmp");
    parent = getpid();
    if (!mkdtemp(home) || chdir(home)) {
        printf("%s: cannot be used\n", home);
        exit(1);
    }
    atexit(leave_home);
    setenv("STARPU_HOME", home, 1);
    setenv("HSGD_CACHE_DIR", home, 1);
    FILE *f = fopen("set.csv", "w");
    for (int i = -1; f && i < SAMPLES; i++)
        fprintf(f, i < 0 ? "a,b,label\n" : "%d,%d,%s\n", i, i * i, i % 2 ? "yes" : "no");
    if (f) fclose(f);
}

/* --------------------------------------------------------------------- calls */

static void add_calls(const struct call *list)
{
    for (; list->name && ncounts < MAX_CALLS; list++) counts[ncounts++] = (struct count){ .call = list };
}

static void too_long(int signal)
{
    static const char text[] = "a call takes too long: ";
    const char *name = counts[running].call->name;
    (void)signal;
    if (write(1, text, sizeof text - 1) < 0 || write(1, name, strlen(name)) < 0 || write(1, "\n", 1) < 0) _exit(2);
    _exit(1);
}

static void call_one(bool trace)
{
    do running = below(ncounts);
    while (counts[running].call->costly && !one_in(USUAL_WEIGHT));
    struct count *c = &counts[running];
    if (trace) printf("%s\n", c->call->name);
    alarm(CALL_SECONDS);
    bool good = c->call->run();
    alarm(0);
    c->calls++;
    c->successes += good;
}

/* ------------------------------------------------------------------- demands */

/* Names of the list that are objects, not functions: operations. */
static bool is_object(const char *name)
{
    return !strncmp(name, "hsgd_op_", 8) && strcmp(name, "hsgd_op_at") && strcmp(name, "hsgd_op_by_name") &&
           strcmp(name, "hsgd_op_run");
}

static int check_list(const char *path)
{
    char name[128];
    int bad = 0, listed = 0;
    FILE *f = fopen(path, "r");
    while (f && fscanf(f, "%127s", name) == 1) {
        int i = 0;
        if (is_object(name)) continue;
        listed++;
        while (i < ncounts && strcmp(counts[i].call->name, name)) i++;
        if (i == ncounts) printf("%s is exported, but not called here\n", name), bad++;
    }
    if (!f || listed != ncounts) printf("%s lists %d functions, %d are called here\n", path, listed, ncounts), bad++;
    if (f) fclose(f);
    return bad;
}

static int check_counts(long all, long good)
{
    int bad = 0;
    for (int i = 0; i < ncounts; i++) {
        const struct count *c = &counts[i];
        int often = c->call->costly ? OFTEN_COSTLY : OFTEN;
        if (c->calls < often) printf("%s was called %ld times, not %d\n", c->call->name, c->calls, often), bad++;
        for (int p = 0; p < c->call->pointers; p++)
            if (!(c->nulls >> p & 1)) printf("%s: pointer %d was never NULL\n", c->call->name, p), bad++;
    }
    if (3 * good < all) printf("%ld of %ld calls succeeded, less than a third\n", good, all), bad++;
    return bad;
}

static void print_counts(long all, long good)
{
    for (int i = 0; i < ncounts; i++)
        printf("%-36s %6ld calls, %6ld succeeded, %d pointers\n", counts[i].call->name, counts[i].calls,
               counts[i].successes, counts[i].call->pointers);
    printf("%ld calls of %d functions, %ld succeeded (%.0f %%)\n", all, ncounts, good,
           100.0 * (double)good / (double)all);
}

/* StarPU drives the devices that it has found first, so each round is a process. */
static bool run_round(int round, const char *seed, long calls, bool trace)
{
    int status;
    pid_t child = fork();
    if (!child) {
        state = strtoull(seed, NULL, 10) << 32;
        open_world(round);
        for (long i = 0; i < calls; i++) call_one(trace);
        close_world();
        printf("seed %s: %ld calls\n", seed, calls);
        exit(0);
    }
    bool good = child > 0 && waitpid(child, &status, 0) == child && status == 0;
    if (!good) printf("seed %s ended with status %#x\n", seed, status);
    return good;
}

/* Without a sanitizer, which reserves the address space: what is too much memory is refused at once. */
static void limit_memory(void)
{
#ifndef __SANITIZE_ADDRESS__
    struct rlimit limit = { (rlim_t)6 << 30, (rlim_t)6 << 30 };
    setrlimit(RLIMIT_DATA, &limit);
#endif
}

int main(int argc, char **argv)
{
    char list[PATH_MAX];
    if (argc < 4 || !realpath(argv[1], list)) {
        printf("usage: api_fuzz SYMBOLS CALLS SEED...\n");
        return 2;
    }
    long all = 0, good = 0;
    int bad = 0;
    counts = mmap(NULL, MAX_CALLS * sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (counts == MAP_FAILED) return 1;
    limit_memory();
    signal(SIGALRM, too_long);
    enter_home();
    add_calls(context_calls);
    add_calls(data_calls);
    add_calls(model_calls);
    add_calls(graph_calls);
    add_calls(op_calls);
    add_calls(session_calls);
    add_calls(train_calls);
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int r = 3; r < argc; r++) bad += !run_round(r - 3, argv[r], atol(argv[2]), getenv("API_FUZZ_TRACE"));
    for (int i = 0; i < ncounts; i++) all += counts[i].calls, good += counts[i].successes;
    print_counts(all, good);
    bad += check_list(list);
    if (all >= FULL_RUN) bad += check_counts(all, good);
    printf("%s\n", bad ? "FAILED" : "ok");
    return bad != 0;
}
