/* SPDX-License-Identifier: BSD-3-Clause */
/* A buffer of fixed size that the launchers append to without a lock. */
#include "trace.h"

#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "base/sized.h"
#include "io/atomic.h"
#include "plan/about.h"

struct record {
    uint64_t began, ended;
    int64_t step;
    int batch, cell, rows;
    short kind, training, device, worker;
    const char *about; /* NULL: not known */
};

struct trace {
    struct hsgd_trace_options options;
    unsigned id; /* differs from that of any other of the process */
    uint64_t started;
    pthread_mutex_t lock; /* of texts: replicas begin to run at the same time */
    int ntexts, capacity;
    char **text;        /* what cells are for, each once */
    atomic_llong taken; /* records asked for; those beyond the capacity are not there */
    struct record record[];
};

static atomic_uint traces; /* that were started */

/* ----------------------------------------------------------------- record */

static bool wanted(const struct hsgd_trace_options *o, int64_t step)
{
    return step < o->first || (o->every && step % o->every < o->few);
}

static int worker_of(const struct device *d)
{
    int id = starpu_worker_get_id(), i = 0;
    while (i < d->info.workers - 1 && d->worker[i] != id) i++;
    return i;
}

void trace_cell(struct trace *t, const struct plan *p, const struct cell *c, const struct device *d, int row,
                uint64_t began, uint64_t ended)
{
    if (!p->store) return; /* an operation alone: of no step */
    int64_t step = p->store->first_step + row;
    if (!wanted(&t->options, step)) return;
    int64_t i = atomic_fetch_add_explicit(&t->taken, 1, memory_order_relaxed);
    if (i >= t->options.capacity) return;
    t->record[i] = (struct record){
        .began = began,
        .ended = ended,
        .step = step,
        .batch = p->batch,
        .cell = (int)(c - p->cell),
        .rows = c->rows,
        .kind = (short)c->kind,
        .training = !plan_forward_only(p),
        .device = (short)(d - p->ctx->device),
        .worker = (short)worker_of(d),
        .about = c->about,
    };
}

/* ------------------------------------------------------ what cells are for */

/* NULL: out of memory, or nothing to say. */
static const char *keep_text(struct trace *t, const char *text)
{
    for (int i = 0; i < t->ntexts; i++)
        if (!strcmp(t->text[i], text)) return t->text[i];
    if (!*text || !array_grow((void **)&t->text, t->ntexts, &t->capacity, sizeof *t->text)) return NULL;
    char *copy = strdup(text);
    if (copy) t->text[t->ntexts++] = copy;
    return copy;
}

void trace_describe(struct plan *p)
{
    struct trace *t = p->ctx->trace;
    struct about about;
    if (!t || p->described == t->id) return;
    pthread_mutex_lock(&t->lock);
    for (int i = 0; i < p->ncells; i++) {
        about_cell(p, &p->cell[i], &about);
        p->cell[i].about = keep_text(t, about.text);
    }
    pthread_mutex_unlock(&t->lock);
    p->described = t->id;
}

/* ----------------------------------------------------------------- public */

static int check_options(struct hsgd_context *ctx, const struct hsgd_trace_options *o)
{
    const struct {
        const char *field;
        int64_t value, low, high;
    } ranges[] = {
        { "capacity", o->capacity, 1, 1 << 24 },
        { "first", o->first, 0, INT64_MAX },
        { "every", o->every, 0, INT64_MAX },
        { "few", o->few, 0, INT64_MAX },
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (ranges[i].value < ranges[i].low || ranges[i].value > ranges[i].high)
            return hsgd_fail(ctx, EINVAL, "trace: %s must be from %lld to %lld, not %lld", ranges[i].field,
                             (long long)ranges[i].low, (long long)ranges[i].high, (long long)ranges[i].value);
    return 0;
}

int hsgd_trace_defaults(struct hsgd_trace_options *o, size_t size)
{
    return SIZED_GIVE(NULL, hsgd_trace_options, o, size, &(struct hsgd_trace_options){ 0 });
}

int hsgd_trace_start(struct hsgd_context *ctx, const struct hsgd_trace_options *options)
{
    struct hsgd_trace_options o = { 0 };
    int err = ENTER(ctx, ctx);
    if (!err) err = SIZED_TAKE(ctx, hsgd_trace_options, &o, options);
    if (!err) err = check_options(ctx, &o);
    if (err) return err;
    hsgd_trace_stop(ctx);
    struct trace *t = malloc(sizeof *t + (size_t)o.capacity * sizeof *t->record);
    if (!t) return hsgd_fail(ctx, ENOMEM, "trace: no memory for %lld cells", (long long)o.capacity);
    memset(t, 0, sizeof *t + (size_t)o.capacity * sizeof *t->record); /* now, not page by page while cells run */
    t->options = o;
    t->id = atomic_fetch_add(&traces, 1) + 1;
    pthread_mutex_init(&t->lock, NULL);
    t->started = monotonic_ns();
    ctx->trace = t;
    context_keep(ctx, hsgd_trace_stop);
    return 0;
}

void hsgd_trace_stop(struct hsgd_context *ctx)
{
    struct trace *t = ctx ? ctx->trace : NULL;
    if (!t) return;
    for (int i = 0; i < t->ntexts; i++) free(t->text[i]);
    free(t->text);
    pthread_mutex_destroy(&t->lock);
    free(t);
    ctx->trace = NULL;
}

int64_t hsgd_trace_count(const struct hsgd_context *ctx, int64_t *dropped)
{
    struct trace *t = ctx ? ctx->trace : NULL;
    int64_t taken = t ? atomic_load(&t->taken) : 0, kept = taken;
    if (t && kept > t->options.capacity) kept = t->options.capacity;
    if (dropped) *dropped = taken - kept;
    return kept;
}

int hsgd_trace_get(const struct hsgd_context *ctx, int64_t i, struct hsgd_trace_event *out, size_t size)
{
    if (i < 0 || i >= hsgd_trace_count(ctx, NULL)) return -EINVAL;
    const struct trace *t = ctx->trace;
    const struct record *r = &t->record[i];
    const struct hsgd_trace_event full = {
        .kind = cell_kind_name((enum cell_kind)r->kind),
        .training = r->training,
        .device = r->device,
        .worker = r->worker,
        .step = r->step,
        .batch = r->batch,
        .cell = r->cell,
        .rows = r->rows,
        .begin = 1e-9 * (double)(r->began - t->started),
        .end = 1e-9 * (double)(r->ended - t->started),
    };
    return SIZED_GIVE(NULL, hsgd_trace_event, out, size, &full);
}

/* --------------------------------------------------------- Chrome's format */

struct chrome {
    FILE *f;
    const char *comma; /* before the next event */
};

static FILE *next_event(struct chrome *c)
{
    fputs(c->comma, c->f);
    c->comma = ",\n";
    return c->f;
}

/* A JSON string: device names come from drivers. */
static void write_string(FILE *f, const char *s)
{
    putc('"', f);
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\') fprintf(f, "\\%c", c);
        else if (c < 0x20 || c >= 0x7f) fprintf(f, "\\u%04x", c);
        else putc(c, f);
    }
    putc('"', f);
}

static void write_name(struct chrome *c, const char *what, int pid, int tid, const char *name)
{
    FILE *f = next_event(c);
    fprintf(f, "{\"ph\":\"M\",\"name\":\"%s\",\"pid\":%d,\"tid\":%d,\"args\":{\"name\":", what, pid, tid);
    write_string(f, name);
    fputs("}}", f);
}

static void write_devices(struct chrome *c, const struct hsgd_context *ctx)
{
    char name[160];
    for (int i = 0; i < ctx->ndevices; i++) {
        const struct hsgd_device *d = &ctx->device[i].info;
        snprintf(name, sizeof name, "%s: %s", d->id, d->name);
        write_name(c, "process_name", i + 1, 0, name);
        for (int w = 0; w < d->workers; w++) {
            snprintf(name, sizeof name, "%s worker %d", d->id, w);
            write_name(c, "thread_name", i + 1, w + 1, name);
        }
    }
}

/* Microseconds, in whole nanoseconds. */
static void write_time(FILE *f, const char *field, uint64_t ns)
{
    fprintf(f, ",\"%s\":%llu.%03llu", field, (unsigned long long)ns / 1000, (unsigned long long)ns % 1000);
}

static void write_record(struct chrome *c, const struct record *r, uint64_t started)
{
    FILE *f = next_event(c);
    fprintf(f, "{\"ph\":\"X\",\"name\":\"%s\",\"cat\":\"%s\",\"pid\":%d,\"tid\":%d",
            cell_kind_name((enum cell_kind)r->kind), r->training ? "train" : "evaluate", r->device + 1, r->worker + 1);
    write_time(f, "ts", r->began - started);
    write_time(f, "dur", r->ended - r->began);
    fprintf(f, ",\"args\":{\"step\":%lld,\"batch\":%d,\"cell\":%d,\"rows\":%d", (long long)r->step, r->batch, r->cell,
            r->rows);
    if (r->about) {
        fputs(",\"about\":", f);
        write_string(f, r->about);
    }
    fputs("}}", f);
}

/* By worker, and then in time. */
static int by_worker(const void *a, const void *b)
{
    const struct record *x = *(const struct record *const *)a, *y = *(const struct record *const *)b;
    if (x->device != y->device) return x->device - y->device;
    if (x->worker != y->worker) return x->worker - y->worker;
    return (x->began > y->began) - (x->began < y->began);
}

/* What a worker does between two cells of a step, or of two that follow each other: it copies,
 * or waits for others. */
static void write_waiting(struct chrome *c, const struct record *before, const struct record *r, uint64_t started)
{
    bool follows = before->device == r->device && before->worker == r->worker && r->step - before->step <= 1;
    if (!follows || r->began <= before->ended) return;
    FILE *f = next_event(c);
    fprintf(f, "{\"ph\":\"X\",\"name\":\"waiting\",\"cat\":\"wait\",\"pid\":%d,\"tid\":%d", r->device + 1,
            r->worker + 1);
    write_time(f, "ts", before->ended - started);
    write_time(f, "dur", r->began - before->ended);
    fprintf(f, ",\"args\":{\"step\":%lld}}", (long long)r->step);
}

static int write_all_waiting(struct hsgd_context *ctx, struct chrome *c, int64_t n)
{
    const struct trace *t = ctx->trace;
    const struct record **r = malloc((size_t)(n + 1) * sizeof *r);
    if (!r) return hsgd_fail(ctx, ENOMEM, "trace: no memory for %lld cells", (long long)n);
    for (int64_t i = 0; i < n; i++) r[i] = &t->record[i];
    qsort(r, (size_t)n, sizeof *r, by_worker);
    for (int64_t i = 1; i < n; i++) write_waiting(c, r[i - 1], r[i], t->started);
    free(r);
    return 0;
}

int hsgd_trace_write(struct hsgd_context *ctx, const char *path)
{
    struct hsgd_atomic a;
    int err = ENTER(ctx, ctx, path);
    if (err) return err;
    const struct trace *t = ctx->trace;
    int64_t dropped, n = hsgd_trace_count(ctx, &dropped);
    if (!t) return hsgd_fail(ctx, EINVAL, "%s: no trace was started", path);
    err = hsgd_atomic_open(ctx, &a, path);
    if (err) return err;
    struct chrome c = { a.file, "\n" };
    fputs("{\"displayTimeUnit\":\"ms\",\"traceEvents\":[", a.file);
    write_devices(&c, ctx);
    for (int64_t i = 0; i < n; i++) write_record(&c, &t->record[i], t->started);
    err = write_all_waiting(ctx, &c, n);
    fprintf(a.file, "\n],\"otherData\":{\"dropped\":%lld}}\n", (long long)dropped);
    if (err) hsgd_atomic_abandon(&a);
    return err ? err : hsgd_atomic_commit(ctx, &a);
}
