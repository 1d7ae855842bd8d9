/* SPDX-License-Identifier: BSD-3-Clause */
/* The folder of a run. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "append.h"
#include "config_file.h"
#include "folders.h"
#include "run_folder.h"
#include "tensorboard.h"

const char *run_path(const struct run_folder *f, const char *name)
{
    static char path[RUN_NAME + 64];
    snprintf(path, sizeof path, "%s/%s", f->name, name);
    return path;
}

/* ------------------------------------------------------------------- lock */

/* Held until the file is closed.  File systems without locks are accepted. */
static int lock(struct run_folder *f)
{
    f->lock = open(f->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (f->lock < 0) return report_error(exit_code(-errno), "--out \"%s\": cannot open: %s", f->name, strerror(errno));
    if (!flock(f->lock, LOCK_EX | LOCK_NB) || errno != EWOULDBLOCK) return OK;
    return report_error(FAILED, "--out \"%s\": another process is using it", f->name);
}

/* ---------------------------------------------------------------- choosing */

static int choose_resumed(struct run_folder *f, struct settings *s)
{
    int code = lock(f);
    if (code) return code;
    f->step = hsgd_checkpoint_latest(NULL, f->checkpoints);
    if (f->step < 0) f->step = -1;
    if (f->step < 0 && !access(run_path(f, "checkpoints/last/state.safetensors"), F_OK))
        return report_error(USAGE,
                            "--resume: %s has no step-N, but \"last\" exists: rename it to step-N, where N is "
                            "its step",
                            f->checkpoints);
    return access(run_path(f, "config.yaml"), F_OK) ? OK : config_resume(s, run_path(f, "config.yaml"));
}

int run_choose(struct run_folder *f, struct settings *s)
{
    *f = (struct run_folder){ .step = -1, .lock = -1, .log = -1, .events = -1 };
    if (s->resume && !s->out) return report_error(USAGE, "--resume needs --out, the folder of the run");
    if (!s->out) return OK;
    if (snprintf(f->name, sizeof f->name, "%s", s->out) >= (int)sizeof f->name)
        return report_error(USAGE, "--out is longer than %d bytes", (int)sizeof f->name - 1);
    snprintf(f->checkpoints, sizeof f->checkpoints, "%s/checkpoints", f->name);
    int filled = folder_is_filled(f->name);
    if (filled < 0) return report_error(USAGE, "--out \"%s\": %s", f->name, strerror(-filled));
    if (filled && !s->resume)
        return report_error(USAGE, "--out \"%s\": the folder is not empty; --resume continues the run in it", f->name);
    return filled ? choose_resumed(f, s) : OK;
}

/* ---------------------------------------------------------------- creating */

/* Removes the lines after the checkpoint that the run resumes from, and a
 * truncated last line. */
static int truncate_log(const struct run_folder *f, const struct session *run)
{
    char *line = NULL, *kept = NULL;
    size_t capacity = 0, size;
    FILE *in = fopen(run_path(f, "log.jsonl"), "rb"), *out = in ? open_memstream(&kept, &size) : NULL;
    int err = in ? -ENOMEM : 0;
    while (out && getline(&line, &capacity, in) > 0) {
        json_t *object = strchr(line, '\n') ? json_loads(line, JSON_REJECT_DUPLICATES, NULL) : NULL;
        json_t *step = json_object_get(object, "step");
        if (json_is_integer(step) && json_integer_value(step) <= f->step) fputs(line, out);
        json_decref(object);
    }
    if (in) fclose(in);
    if (out && !fclose(out)) err = hsgd_file_write(run->ctx, run_path(f, "log.jsonl"), kept, size);
    free(line);
    free(kept);
    return err == -ENOMEM ? report_error(FAILED, "out of memory for \"%s\"", run_path(f, "log.jsonl"))
           : err          ? library_error(run, err)
                          : OK;
}

/* Another process may have taken a folder that was empty or missing. */
static int claim(struct run_folder *f)
{
    int code = lock(f);
    if (code || folder_is_filled(f->name) <= 0) return code;
    return report_error(FAILED, "--out \"%s\": another process has started a run there", f->name);
}

int run_create(struct run_folder *f, const struct session *run, const struct settings *s)
{
    bool chosen = *f->name;
    int err = chosen ? folder_make(f->name) : folder_make_dated(f->name, sizeof f->name, "runs", s->model);
    if (!chosen) snprintf(f->checkpoints, sizeof f->checkpoints, "%s/checkpoints", f->name);
    if (err) return report_error(exit_code(err), "%s: cannot create the folder: %s", f->name, strerror(-err));
    int code = f->lock < 0 ? claim(f) : OK;
    if (!code) code = config_write(run, s, f->name);
    if (!code) code = truncate_log(f, run);
    if (code) return code;
    unlink(run_path(f, RUN_REPORT)); /* of the run before it was resumed */
    f->log = open(run_path(f, "log.jsonl"), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (f->log < 0) return report_error(FAILED, "%s: cannot open: %s", run_path(f, "log.jsonl"), strerror(errno));
    f->events = tensorboard_open(f->name, f->step < 0 ? 0 : f->step);
    if (f->events < 0) return report_error(FAILED, "%s: cannot create the event file: %s", f->name, strerror(errno));
    return OK;
}

void run_close(struct run_folder *f)
{
    if (f->log >= 0) close(f->log);
    if (f->events >= 0) close(f->events);
    if (f->lock >= 0) close(f->lock);
    f->log = f->events = f->lock = -1;
}

/* ----------------------------------------------------------------- logging */

static void warn_once(const struct run_folder *f, bool *warned, const char *file, const char *why)
{
    if (!*warned) report_warning("%s: cannot write: %s; training continues", run_path(f, file), why);
    *warned = true;
}

void run_log(struct run_folder *f, json_t *object)
{
    char *text = object ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL, *line = NULL;
    int length = text ? asprintf(&line, "%s\n", text) : -1;
    json_decref(object);
    free(text);
    if (length < 0) {
        warn_once(f, &f->log_failed, "log.jsonl", "out of memory");
        return;
    }
    if (append_whole(f->log, line, (size_t)length)) warn_once(f, &f->log_failed, "log.jsonl", strerror(errno));
    free(line);
}

void run_scalar(struct run_folder *f, const char *tag, int64_t step, double value)
{
    if (tensorboard_scalar(f->events, tag, step, value)) warn_once(f, &f->events_failed, "events.out", strerror(errno));
}
