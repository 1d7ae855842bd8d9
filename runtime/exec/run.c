/* SPDX-License-Identifier: BSD-3-Clause */
#include "run.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "plan/plan_build.h"
#include "device/headroom.h"
#include "memory.h"
#include "device/quiesce.h"
#include "task.h"
#include "trace.h"

/* Tasks of one plan, per input slot.  The replay executor submits the same
 * tasks again and again, with explicit dependencies declared once; steps
 * never overlap.  The insert executor creates tasks anew and lets StarPU
 * derive the dependencies. */
struct replay {
    struct cell_run *run, *direct; /* [slots][ncells]; direct: for tasks that carry no buffers */
    void **base;                   /* theirs */
    struct starpu_task **task;     /* [slots][ncells + 1], the last a sentinel; NULL before the first replay */
};

/* One window being run. */
struct window {
    struct plan *plan;
    const struct batch_source *source;
    struct span *span;
    int ready, submitted, done;
    int good; /* steps done without a failure */
    bool replays, direct, submitting, filler_waits;
    pthread_mutex_t lock;
    pthread_cond_t changed;
};

/* ------------------------------------------------------- prebuilt tasks */

static void step_done(void *arg);

/* Whether b must wait for a when a comes first. */
static bool conflict(const struct cell *a, const struct cell *b)
{
    for (int i = 0; i < a->naccesses; i++)
        for (int k = 0; k < b->naccesses; k++)
            if (a->access[i].buffer == b->access[k].buffer &&
                (a->access[i].mode != STARPU_R || b->access[k].mode != STARPU_R))
                return true;
    return false;
}

/* Sets of cells, a bit each. */
static int set_words(const struct plan *p) { return (p->ncells + 63) / 64; }
static bool set_has(const uint64_t *set, int k) { return set[k / 64] >> k % 64 & 1; }
static void set_add(uint64_t *set, int k) { set[k / 64] |= UINT64_C(1) << k % 64; }

/* What each cell, and then the end of a step, must wait for, without what others
 * of these have waited for; NULL: out of memory. */
static uint64_t *dependencies(const struct plan *p)
{
    int words = set_words(p);
    size_t all = (size_t)(p->ncells + 1) * (size_t)words;
    uint64_t *needs = calloc(2 * all, sizeof *needs), *before = needs ? needs + all : NULL;
    for (int i = 0; needs && i <= p->ncells; i++) {
        uint64_t *mine = before + (size_t)i * (size_t)words;
        for (int k = i - 1; k >= 0; k--) {
            if (set_has(mine, k) || (i < p->ncells && !conflict(&p->cell[i], &p->cell[k]))) continue;
            set_add(needs + (size_t)i * (size_t)words, k);
            set_add(mine, k);
            for (int w = 0; w < words; w++) mine[w] |= before[(size_t)k * (size_t)words + (size_t)w];
        }
    }
    return needs;
}

static void declare_dependencies(const struct plan *p, const uint64_t *needs, struct starpu_task **task)
{
    struct starpu_task *list[p->ncells];
    for (int i = 0; i <= p->ncells; i++, needs += set_words(p)) {
        unsigned n = 0;
        for (int k = 0; k < i; k++)
            if (set_has(needs, k)) list[n++] = task[k];
        if (n) starpu_task_declare_deps_array(task[i], n, list);
    }
}

static void fill_runs(struct plan *p, struct replay *r)
{
    for (int slot = 0; slot < p->slots; slot++)
        for (int i = 0; i < p->ncells; i++)
            r->run[slot * p->ncells + i] = (struct cell_run){ .plan = p, .cell = &p->cell[i] };
}

static void replay_free(struct plan *p)
{
    struct replay *r = p->replay;
    if (r->task) quiesce_tasks(p->ctx);
    for (int i = 0; r->task && i < p->slots * (p->ncells + 1); i++) {
        if (r->task[i]->status != STARPU_TASK_INIT && starpu_task_wait(r->task[i])) break; /* until StarPU lets go */
        starpu_task_destroy(r->task[i]);
    }
    for (int i = 0; i < p->slots * p->ncells; i++) cell_release(&r->run[i]);
    free(r->task);
    free(r->base);
    free(r->direct);
    free(r->run);
    free(r);
    p->replay = NULL;
}

static struct replay *runs_of(struct plan *p)
{
    if (p->replay) return p->replay;
    struct replay *r = calloc(1, sizeof *r);
    if (r) r->run = calloc((size_t)p->slots * (size_t)p->ncells, sizeof *r->run);
    if (!r || !r->run) {
        free(r);
        return NULL;
    }
    fill_runs(p, r);
    p->replay_free = replay_free;
    return p->replay = r;
}

/* Where all cells run on CPU workers and all buffers lie in main memory,
 * nothing ever moves: a window holds the buffers as a whole, and its tasks
 * carry pointers instead of handles, which StarPU would lock one by one. */
static bool stays_in_main_memory(const struct plan *p)
{
    if (p->placed || p->exchanges) return false;
    for (int i = 0; i < p->ncells; i++) {
        if (p->cell[i].device->info.kind != HSGD_CPU) return false;
        for (int k = 0; k < p->cell[i].naccesses; k++)
            if (!plan_buffer(p, p->cell[i].access[k].buffer, 0)->memory) return false;
    }
    return true;
}

static bool point_directly(struct plan *p, struct replay *r)
{
    int total = 0;
    for (int i = 0; i < p->ncells; i++) total += p->cell[i].naccesses;
    r->direct = calloc((size_t)p->slots * (size_t)p->ncells, sizeof *r->direct);
    void **base = r->base = calloc((size_t)p->slots * (size_t)total, sizeof *r->base);
    if (!r->direct || !base) return false;
    for (int n = 0; n < p->slots * p->ncells; n++) {
        const struct cell *c = &p->cell[n % p->ncells];
        r->direct[n] = r->run[n];
        r->direct[n].base = base;
        for (int k = 0; k < c->naccesses; k++) *base++ = plan_buffer(p, c->access[k].buffer, n / p->ncells)->memory;
    }
    return true;
}

/* What only reads parameters leaves other devices their copies. */
static enum starpu_data_access_mode hold_mode(const struct plan *p, int buffer)
{
    return plan_forward_only(p) && buffer >= FIXED_PARAM && buffer < FIXED_OPTIMIZER ? STARPU_R : STARPU_RW;
}

/* Takes or gives back every buffer of the plan. */
static void hold_buffers(struct plan *p, bool hold)
{
    for (int i = 0; i < p->nbuffers; i++) {
        for (int slot = 0; slot < p->slots; slot++) {
            struct buffer *b = plan_buffer(p, i, slot);
            if (!b || !b->handle || (slot && b == p->buffer[i])) continue;
            if (hold) buffer_acquire(p->ctx, b, hold_mode(p, i));
            else starpu_data_release(b->handle);
        }
    }
}

static bool prebuild(struct plan *p)
{
    struct replay *r = p->replay;
    int per_slot = p->ncells + 1;
    if (r->task) return true;
    if (stays_in_main_memory(p) && !point_directly(p, r)) return false;
    struct cell_run *runs = r->direct ? r->direct : r->run;
    uint64_t *needs = dependencies(p);
    if (needs) r->task = calloc((size_t)p->slots * (size_t)per_slot, sizeof *r->task);
    for (int slot = 0; r->task && slot < p->slots; slot++) {
        struct starpu_task **t = r->task + slot * per_slot;
        for (int i = 0; i < per_slot; i++) {
            t[i] = starpu_task_create();
            t[i]->destroy = 0;
            t[i]->detach = 0;
            t[i]->sequential_consistency = 0;
            if (i < p->ncells) task_fill(t[i], &runs[slot * p->ncells + i], slot);
        }
        t[p->ncells]->callback_func = step_done;
        declare_dependencies(p, needs, t);
    }
    free(needs);
    return r->task != NULL;
}

/* ----------------------------------------------------------- submission */

static void refused(struct plan *p, int err, const char *format, ...)
{
    struct failure what = { .err = err };
    va_list args;
    va_start(args, format);
    failure_note(p->failure, &what, format, args);
    va_end(args);
}

static bool submit(struct window *w, struct starpu_task *t)
{
    int err = starpu_task_submit(t);
    if (err) refused(w->plan, -err, "StarPU refused a task: %s", strerror(-err));
    return !err;
}

static bool submit_replay(struct window *w, int step)
{
    struct plan *p = w->plan;
    int slot = step % p->slots;
    struct starpu_task **t = p->replay->task + slot * (p->ncells + 1);
    struct cell_run *runs = (w->direct ? p->replay->direct : p->replay->run) + slot * p->ncells;
    t[p->ncells]->callback_arg = w;
    for (int i = 0; i < p->ncells; i++) {
        runs[i].step = step;
        free(t[i]->dyn_interfaces); /* each submission of a task with dyn_handles allocates it anew */
        t[i]->dyn_interfaces = NULL;
        t[i]->prefetched = 0; /* StarPU 1.4 asserts that nobody has done it */
        if (!submit(w, t[i])) return false;
    }
    return submit(w, t[p->ncells]);
}

static bool submit_insert(struct window *w, int step)
{
    struct plan *p = w->plan;
    int slot = step % p->slots;
    struct starpu_task *t[p->ncells], *sentinel = starpu_task_create();
    for (int i = 0; i < p->ncells; i++) {
        struct cell_run *run = &p->replay->run[slot * p->ncells + i];
        run->step = step;
        t[i] = starpu_task_create();
        task_fill(t[i], run, slot);
    }
    sentinel->callback_func = step_done;
    sentinel->callback_arg = w;
    starpu_task_declare_deps_array(sentinel, (unsigned)p->ncells, t);
    for (int i = 0; i < p->ncells; i++)
        if (!submit(w, t[i])) return false;
    return submit(w, sentinel);
}

/* How many steps may be in flight: replay never overlaps two on one grid. */
static int depth(const struct window *w) { return w->replays ? 1 : w->plan->slots; }

/* Submits what can be submitted; called with the lock held, by whoever made
 * it possible: the thread that fills batches, or the worker that ended a
 * step. */
static void advance(struct window *w)
{
    if (w->submitting) return;
    w->submitting = true;
    if (atomic_load(&w->plan->failure->err)) w->span->end = w->submitted;
    while (w->submitted < w->ready && w->submitted < w->span->end && w->submitted - w->done < depth(w)) {
        int step = w->submitted++;
        pthread_mutex_unlock(&w->lock);
        bool going = w->replays ? submit_replay(w, step) : submit_insert(w, step);
        pthread_mutex_lock(&w->lock);
        w->done += !going;
    }
    w->submitting = false;
    if (w->filler_waits || w->done == w->span->end) pthread_cond_broadcast(&w->changed);
}

static void step_done(void *arg)
{
    struct window *w = arg;
    const struct span *s = w->span;
    pthread_mutex_lock(&w->lock);
    w->done++;
    if (!atomic_load(&w->plan->failure->err)) {
        w->good++;
        if (s->enough && s->enough(s->user) && w->submitted < s->end) w->span->end = w->submitted;
    }
    advance(w);
    pthread_mutex_unlock(&w->lock);
}

/* -------------------------------------------------------------- batches */

static void fill_slot(struct window *w, int step)
{
    struct plan *p = w->plan;
    for (int i = 0; i < p->nslices; i++) {
        const struct slice *s = &p->slice[i];
        struct buffer *b = plan_buffer(p, s->input, step % p->slots);
        if (!w->direct) buffer_acquire(p->ctx, b, STARPU_W);
        void *field[MAX_PLAN_FIELDS];
        for (int f = 0; f < plan_fields(p); f++) field[f] = slice_field(p, b->memory, s->rows, f);
        w->source->fill(w->source->user, step, s->first_row, s->rows, field);
        if (!w->direct) starpu_data_release(b->handle);
    }
}

static void make_ready(struct window *w, int steps)
{
    pthread_mutex_lock(&w->lock);
    w->ready = steps;
    advance(w);
    pthread_mutex_unlock(&w->lock);
}

/* Waits until the slot of `step` is free; false when that step will not be. */
static bool wait_for_slot(struct window *w, int step)
{
    pthread_mutex_lock(&w->lock);
    w->filler_waits = true;
    while (step < w->span->end && step - w->done >= w->plan->slots) pthread_cond_wait(&w->changed, &w->lock);
    w->filler_waits = false;
    bool wanted = step < w->span->end;
    pthread_mutex_unlock(&w->lock);
    return wanted;
}

static void *fill_batches(void *arg)
{
    struct window *w = arg;
    for (int step = w->span->first + 1; wait_for_slot(w, step); step++) {
        fill_slot(w, step);
        make_ready(w, step + 1);
    }
    return NULL;
}

/* The first step is submitted while the workers rest: awake and without work
 * they spin, and on a machine that has no other core keep this thread from
 * giving them any.  From then on a thread of its own fills batches, so that
 * loading stalls no step. */
static void run_window(struct window *w)
{
    pthread_t filler;
    bool fills = w->source->fill;
    int first = w->span->first, end = w->span->end;
    if (fills) fill_slot(w, first);
    make_ready(w, fills ? first + 1 : end);
    context_begin(w->plan->ctx);
    bool threaded = fills && end > first + 1 && !pthread_create(&filler, NULL, fill_batches, w);
    if (fills && !threaded) fill_batches(w);
    pthread_mutex_lock(&w->lock);
    while (w->done < w->span->end) pthread_cond_wait(&w->changed, &w->lock);
    while (w->submitting) pthread_cond_wait(&w->changed, &w->lock);
    pthread_mutex_unlock(&w->lock);
    if (threaded) pthread_join(filler, NULL);
    context_end(w->plan->ctx);
}

/* The executor that lets steps overlap may have finished one before the step
 * that failed without noticing. */
static int good_steps(const struct window *w)
{
    const struct failure *f = w->plan->failure;
    return atomic_load(&f->err) && f->run ? f->step : w->good;
}

int plan_run(struct plan *p, struct span *span, enum hsgd_executor executor, const struct batch_source *source)
{
    struct window w = { .plan = p,
                        .source = source,
                        .span = span,
                        .ready = span->first,
                        .submitted = span->first,
                        .done = span->first,
                        .good = span->first,
                        .replays = executor == HSGD_REPLAY };
    uint64_t began = monotonic_ns();
    int err = quiesce_check_paused(p->ctx);
    if (!err) err = headroom_check_run(p->ctx);
    if (err) {
        span->end = span->first;
        return err;
    }
    if (!runs_of(p) || (w.replays && !prebuild(p))) return hsgd_fail(p->ctx, ENOMEM, "out of memory");
    atomic_store(&p->touched, -1);
    trace_describe(p);
    if (!p->has_room && !(p->has_room = memory_suffices(p))) {
        span->end = span->first;
        return failure_take(p->ctx, p->failure);
    }
    pthread_mutex_init(&w.lock, NULL);
    pthread_cond_init(&w.changed, NULL);
    w.direct = w.replays && p->replay->direct;
    if (w.direct) hold_buffers(p, true);
    run_window(&w);
    if (w.direct) hold_buffers(p, false);
    for (int i = 0; i < p->slots * p->ncells; i++) cell_settle(&p->replay->run[i]);
    pthread_cond_destroy(&w.changed);
    pthread_mutex_destroy(&w.lock);
    span->end = good_steps(&w);
    p->steps += span->end - span->first;
    p->run_ns += monotonic_ns() - began;
    return failure_take(p->ctx, p->failure);
}
