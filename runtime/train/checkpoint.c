/* SPDX-License-Identifier: BSD-3-Clause */
#include "checkpoint.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "publish.h"
#include "snapshot.h"

#define DISTANCE 40        /* between checkpoints, in times of what one costs: 2.5 % */
#define LONGEST_WAIT 300.0 /* seconds without a checkpoint inside an epoch */

struct checkpoints {
    char *folder;
    int lock, keep;
    struct hsgd_context *quiet;  /* for the writing thread's sentence */
    struct snapshot held;        /* the best epoch's, not written yet */
    struct snapshot out[2];      /* what the thread writes: one that was held, and the newest */
    bool holds, queued[2], busy; /* busy: the result is to be fetched */
    bool threaded;               /* there was a thread to be had */
    pthread_t thread;
    atomic_bool done;                                       /* the thread has nothing left to do */
    int error;                                              /* its result */
    char unlinked[sizeof((struct hsgd_context *)0)->error]; /* why a link could not be made; empty: it could */
    bool warned;                                            /* that it could not */
    double cost, write_seconds; /* processor time of the last checkpoint, and the thread's part */
    uint64_t began;             /* when the last one did */
};

/* ----------------------------------------------------------------- writing */

static double thread_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* A checkpoint is as good without its link, which some file systems lack. */
static void point_at(struct checkpoints *c, const char *name, int64_t step)
{
    if (!publish_exists(c->folder, step) || publish_linked(c->folder, name) == step) return;
    if (publish_link(c->quiet, c->folder, name, step)) strcpy(c->unlinked, c->quiet->error);
}

static int write_one(struct checkpoints *c, const struct snapshot *s)
{
    char *temporary;
    int err = publish_begin(c->quiet, c->folder, &temporary);
    if (err) return err;
    err = snapshot_write(c->quiet, s, temporary);
    if (!err) err = publish_commit(c->quiet, c->folder, temporary, s->at.step);
    if (err) publish_abandon(temporary);
    free(temporary);
    if (err) return err;
    point_at(c, "last", s->at.step);
    if (s->at.best_step) point_at(c, "best", s->at.best_step);
    publish_prune(c->folder, c->keep, s->at.best_step);
    return 0;
}

/* In the order of their steps, so that "last" ends at the newest. */
static void *write_queued(void *arg)
{
    struct checkpoints *c = arg;
    double began = thread_seconds();
    c->error = 0;
    for (int i = 0; i < 2 && !c->error; i++) {
        if (!c->queued[i]) continue;
        c->error = write_one(c, &c->out[i]);
        if (!c->error) c->queued[i] = false;
    }
    c->write_seconds = thread_seconds() - began;
    atomic_store(&c->done, true);
    return NULL;
}

static void swap(struct snapshot *a, struct snapshot *b)
{
    struct snapshot s = *a;
    *a = *b;
    *b = s;
}

/* What could not be written and was the best is held for the next time. */
static void keep_best(struct checkpoints *c)
{
    for (int i = 0; i < 2; i++) {
        if (c->queued[i] && c->out[i].best && (!c->holds || c->out[i].at.step > c->held.at.step)) {
            swap(&c->held, &c->out[i]);
            c->holds = true;
        }
        c->queued[i] = false;
    }
}

static void warn_unlinked(struct hsgd_trainer *t)
{
    struct checkpoints *c = t->checkpoints;
    if (*c->unlinked && !c->warned)
        hsgd_log(t->state.ctx, HSGD_LOG_WARNING, "%s; the checkpoints themselves are written", c->unlinked);
    c->warned = c->warned || *c->unlinked;
    *c->unlinked = '\0';
}

/* Waits for the thread; its error, with the sentence in the trainer's context. */
static int join_writer(struct hsgd_trainer *t)
{
    struct checkpoints *c = t->checkpoints;
    if (!c->busy) return 0;
    if (c->threaded) pthread_join(c->thread, NULL);
    c->busy = false;
    c->cost += c->write_seconds;
    warn_unlinked(t);
    if (!c->error) return 0;
    keep_best(c);
    t->unsaved = true;
    return hsgd_fail(t->state.ctx, -c->error, "%s", c->quiet->error);
}

/* Failing disks are no reason to stop; numbers that are not finite are. */
static int forgive(struct hsgd_trainer *t, int err)
{
    if (!err || err == -EDOM) return err;
    hsgd_log(t->state.ctx, HSGD_LOG_WARNING, "no checkpoint: %s; training continues", t->state.ctx->error);
    return 0;
}

static int begin(struct hsgd_trainer *t, bool best)
{
    struct checkpoints *c = t->checkpoints;
    int err = forgive(t, join_writer(t));
    double began = thread_seconds();
    if (!err) err = snapshot_take(&c->out[1], t, best);
    if (err) return err;
    if (c->holds) swap(&c->held, &c->out[0]);
    c->queued[0] = c->holds && c->out[0].at.step < t->at.step;
    c->queued[1] = true;
    c->holds = t->unsaved = t->wants_checkpoint = false;
    c->cost = thread_seconds() - began;
    c->began = monotonic_ns();
    atomic_store(&c->done, false);
    c->busy = true;
    c->threaded = !pthread_create(&c->thread, NULL, write_queued, c);
    if (!c->threaded) write_queued(c);
    return 0;
}

/* -------------------------------------------------------------------- when */

/* Seconds since the last one began; no less than its distance to the next. */
static bool far_enough(const struct checkpoints *c, double wait)
{
    double seconds = 1e-9 * (double)(monotonic_ns() - c->began);
    return !c->busy && seconds >= fmax(wait, DISTANCE * c->cost);
}

static int look_after_writer(struct hsgd_trainer *t)
{
    struct checkpoints *c = t->checkpoints;
    return c && c->busy && atomic_load(&c->done) ? forgive(t, join_writer(t)) : 0;
}

bool checkpoint_is_due(const struct hsgd_trainer *t)
{
    int64_t every = t->state.options.checkpoint_every;
    if (!t->state.options.checkpoints) return false;
    return t->wants_checkpoint || (every && t->at.step % every == 0) || far_enough(t->checkpoints, LONGEST_WAIT);
}

int checkpoint_in_epoch(struct hsgd_trainer *t)
{
    if (!t->state.options.checkpoints) return 0;
    int err = look_after_writer(t);
    return !err && checkpoint_is_due(t) ? begin(t, false) : err;
}

static int hold(struct hsgd_trainer *t)
{
    struct checkpoints *c = t->checkpoints;
    double began = thread_seconds();
    int err = snapshot_take(&c->held, t, true);
    c->holds = !err;
    c->cost += thread_seconds() - began;
    return err;
}

int checkpoint_after_epoch(struct hsgd_trainer *t, bool best)
{
    if (!t->state.options.checkpoints) return 0;
    int err = look_after_writer(t);
    if (err) return err;
    if (t->wants_checkpoint || far_enough(t->checkpoints, 0)) return begin(t, best);
    return best ? hold(t) : 0;
}

/* The last step was held, or the newest is none that was. */
static int begin_last(struct hsgd_trainer *t)
{
    const struct checkpoints *c = t->checkpoints;
    int err = begin(t, c->holds && c->held.at.step == t->at.step);
    return err ? err : join_writer(t);
}

/* Only the best one's that is still held. */
static void write_held(struct hsgd_trainer *t)
{
    struct checkpoints *c = t->checkpoints;
    if (!c->holds) return;
    swap(&c->held, &c->out[0]);
    c->holds = false;
    c->queued[0] = true;
    write_queued(c);
    if (c->error) hsgd_log(t->state.ctx, HSGD_LOG_WARNING, "no checkpoint: %s", c->quiet->error);
}

int checkpoint_finish(struct hsgd_trainer *t, int err)
{
    if (!t->state.options.checkpoints || !t->checkpoints) return err;
    if (err) {
        char sentence[sizeof t->state.ctx->error];
        memcpy(sentence, t->state.ctx->error, sizeof sentence);
        forgive(t, join_writer(t));
        write_held(t);
        memcpy(t->state.ctx->error, sentence, sizeof sentence);
        return err;
    }
    err = forgive(t, join_writer(t));
    if (err || !t->unsaved) return err;
    err = begin_last(t);
    if (!err || err == -EDOM) return err;
    hsgd_log(t->state.ctx, HSGD_LOG_WARNING, "no checkpoint: %s; trying once more", t->state.ctx->error);
    return begin_last(t);
}

/* ----------------------------------------------------------------- folders */

static int64_t keep_of(const struct hsgd_train_options *o) { return o->checkpoints ? o->checkpoint_hist : INT_MAX; }

static void free_checkpoints(struct checkpoints *c)
{
    if (!c) return;
    if (c->lock >= 0) close(c->lock);
    snapshot_free(&c->held);
    for (int i = 0; i < 2; i++) snapshot_free(&c->out[i]);
    free(c->quiet);
    free(c->folder);
    free(c);
}

static int open_folder(struct hsgd_trainer *t, const char *folder)
{
    if (t->checkpoints && !strcmp(t->checkpoints->folder, folder)) return 0;
    checkpoint_close(t);
    struct checkpoints *c = calloc(1, sizeof *c);
    if (c) {
        c->lock = -1;
        c->keep = (int)keep_of(&t->state.options);
        c->folder = strdup(folder);
        c->quiet = calloc(1, sizeof *c->quiet);
        if (c->quiet) c->quiet->generation = t->state.ctx->generation; /* of this process */
        c->began = monotonic_ns();
    }
    int err = c && c->folder && c->quiet ? publish_open(t->state.ctx, folder, &c->lock)
                                         : hsgd_fail(t->state.ctx, ENOMEM, "%s: out of memory", folder);
    if (err) free_checkpoints(c);
    else t->checkpoints = c;
    return err;
}

/* Those that were lost when the folder was copied. */
static void make_links(struct hsgd_trainer *t, int64_t latest)
{
    if (latest < 0) return;
    point_at(t->checkpoints, "last", latest);
    if (t->at.best_step) point_at(t->checkpoints, "best", t->at.best_step);
    warn_unlinked(t);
}

int checkpoint_open(struct hsgd_trainer *t, const char *folder)
{
    int err = open_folder(t, folder);
    int64_t latest = err ? -1 : publish_latest(folder);
    if (!err && latest <= t->at.step) make_links(t, latest);
    if (latest <= t->at.step) return err;
    return hsgd_fail(t->state.ctx, EEXIST,
                     "%s: there is a checkpoint of step %lld already, and training starts at "
                     "step %lld",
                     folder, (long long)latest, (long long)t->at.step);
}

void checkpoint_close(struct hsgd_trainer *t)
{
    if (!t->checkpoints) return;
    join_writer(t);
    free_checkpoints(t->checkpoints);
    t->checkpoints = NULL;
}

/* ------------------------------------------------------------------ public */

void hsgd_checkpoint_request(struct hsgd_trainer *t)
{
    if (t) t->wants_checkpoint = true;
}

int hsgd_checkpoint_save(struct hsgd_trainer *t, const char *folder)
{
    int err = ENTER(t ? t->state.ctx : NULL, t, folder);
    if (!err) err = open_folder(t, folder);
    if (!err) err = begin(t, false);
    return err ? err : join_writer(t);
}

int hsgd_checkpoint_load(struct hsgd_trainer *t, const char *path)
{
    int err = ENTER(t ? t->state.ctx : NULL, t, path);
    return err ? err : snapshot_restore(t, path);
}

int64_t hsgd_checkpoint_latest(struct hsgd_context *ctx, const char *folder)
{
    int err = ENTER(ctx, folder);
    if (err) return err;
    int64_t step = publish_latest(folder);
    return step < 0 ? hsgd_fail(ctx, ENOENT, "%s: there is no checkpoint", folder) : step;
}
