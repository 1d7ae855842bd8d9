/* SPDX-License-Identifier: BSD-3-Clause */
/* Opening checkpoints, for eval and predict. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checkpoint.h"

#define WEIGHTS "model.safetensors"
#define STATE "state.safetensors"

/* ------------------------------------------------------------------ where */

/* Where checkpoints are in the folder of a run, or in a copy of its checkpoints. */
static const char *const places[] = { "/checkpoints", "" };

/* A path inside a folder; false when it is too long. */
static bool join(char *out, size_t size, const char *folder, const char *name)
{
    return snprintf(out, size, "%s/%s", folder, name) < (int)size;
}

static bool exists(char *out, size_t size, const char *folder, const char *name)
{
    return join(out, size, folder, name) && !access(out, F_OK);
}

/* The best checkpoint in a folder: by its link, without it by the record in the
 * newest checkpoint, or the last one. */
static bool find_best(struct opened *o, const char *folder)
{
    char name[60];
    if (exists(o->path, sizeof o->path, folder, "best/" WEIGHTS)) return true;
    int64_t step = hsgd_checkpoint_best(NULL, folder);
    snprintf(name, sizeof name, "step-%lld/" WEIGHTS, (long long)step);
    return (step >= 0 && exists(o->path, sizeof o->path, folder, name)) ||
           exists(o->path, sizeof o->path, folder, "last/" WEIGHTS);
}

static int find_weights(struct opened *o, const char *what, const char *given)
{
    char folder[sizeof o->path + 16];
    struct stat st;
    if (stat(given, &st)) return report_error(USAGE, "%s \"%s\": %s", what, given, strerror(errno));
    if (strlen(given) >= sizeof o->path) return report_error(USAGE, "%s: the name is too long", what);
    strcpy(o->path, given);
    if (!S_ISDIR(st.st_mode)) return OK;
    if (exists(o->path, sizeof o->path, given, WEIGHTS)) return OK;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        snprintf(folder, sizeof folder, "%s%s", given, places[i]);
        if (find_best(o, folder)) return OK;
    }
    return report_error(USAGE, "%s \"%s\": it contains no " WEIGHTS, what, given);
}

/* The folder of the weights; whether it contains the state, too. */
static bool find_state(const struct opened *o, char folder[4096])
{
    char state[sizeof o->path + 40];
    const char *slash = strrchr(o->path, '/');
    if (slash) snprintf(folder, sizeof o->path, "%.*s", (int)(slash - o->path), slash == o->path ? "/" : o->path);
    else strcpy(folder, ".");
    return join(state, sizeof state, folder, STATE) && !access(state, F_OK);
}

/* ------------------------------------------------------------------- open */

static int checkpoint_error(const struct opened *o, int err)
{
    return report_error(err ? exit_code(err) : USAGE, "%s", hsgd_error(o->run.ctx));
}

/* Files of weights have a record of their data since version 0.2. */
static void warn_without_record(const struct opened *o, bool alone)
{
    if (*hsgd_record_format(o->info->record)) return;
    if (alone)
        report_warning("%s has no " STATE " beside it and no record of its data: samples are not normalised; "
                       "columns, classes and unit of the values are not checked",
                       o->path);
    else report_warning("%s has no record of its data: columns, label and unit of the values are not checked", o->path);
}

/* Whether samples of the training data had several labels. */
static bool has_positions(const struct hsgd_record *r)
{
    struct hsgd_data_field f;
    for (int i = 0; hsgd_record_field_get(r, i, &f, sizeof f); i++)
        if (!strcmp(f.name, "label")) return f.type.rank > 0;
    return false;
}

/* Whether they had boxes. */
static bool has_boxes(const struct hsgd_record *r)
{
    struct hsgd_data_field f;
    for (int i = 0; hsgd_record_field_get(r, i, &f, sizeof f); i++)
        if (!strcmp(f.name, "boxes")) return f.type.rank == 2;
    return false;
}

static int read_state(struct opened *o)
{
    char folder[4096];
    bool alone = !find_state(o, folder);
    o->info = hsgd_checkpoint_info_read(o->run.ctx, alone ? o->path : folder);
    if (!o->info) return checkpoint_error(o, 0);
    o->norm = o->info->normalisation;
    o->predicts_targets = target_columns_find(o->info->record, &o->targets);
    o->predicts_positions = has_positions(o->info->record);
    o->predicts_boxes = has_boxes(o->info->record);
    if (o->predicts_boxes) o->run.result = "detections";
    warn_without_record(o, alone);
    return OK;
}

int open_weights(struct opened *o, const struct settings *s, const char *what)
{
    *o = (struct opened){ 0 };
    int code = find_weights(o, what, s->checkpoint);
    if (!code) code = open_context(&o->run, s);
    if (code) return code;
    o->run.model = hsgd_model_open(o->run.ctx, o->path);
    return o->run.model ? OK : checkpoint_error(o, 0);
}

int open_checkpoint(struct opened *o, const struct settings *s)
{
    int code = s->checkpoint ? open_weights(o, s, "--checkpoint") : report_error(USAGE, "--checkpoint is missing");
    if (!code) code = read_state(o);
    bool open = !code && hsgd_model_outputs(o->run.model) == HSGD_ANY;
    if (open && !o->predicts_targets && !o->predicts_positions && !o->predicts_boxes)
        return report_error(USAGE, "%s: the number of classes that its model predicts depends on open sizes", o->path);
    if (open && o->predicts_targets) o->run.outputs = o->targets.size;
    if (!code && !open && o->predicts_targets && o->targets.size != hsgd_model_outputs(o->run.model))
        code = report_error(USAGE, "%s: %lld targets, but its model has %d outputs", o->path,
                            (long long)o->targets.size, hsgd_model_outputs(o->run.model));
    if (!code && !open && !o->predicts_boxes && o->info->classes > hsgd_model_outputs(o->run.model))
        code = report_error(USAGE, "%s: %d classes, but its model has %d outputs", o->path, o->info->classes,
                            hsgd_model_outputs(o->run.model));
    return code ? code : open_predictor(&o->run, s);
}

int open_evaluator(struct opened *o, const struct settings *s)
{
    struct hsgd_train_options options;
    hsgd_train_defaults(&options, sizeof options);
    options.batch_size = (int)s->batch_size;
    options.executor = (enum hsgd_executor)s->executor;
    options.optimizer = HSGD_SGD; /* the one without state */
    int code = open_trainer(&o->run, &options);
    int err = code ? 0 : hsgd_trainer_set_normalisation(o->run.trainer, o->norm);
    if (!code && !err && o->predicts_targets)
        err = hsgd_trainer_set_field_normalisation(o->run.trainer, o->targets.field.name, o->targets.norm);
    return err ? checkpoint_error(o, err) : code;
}

void close_checkpoint(struct opened *o)
{
    hsgd_checkpoint_info_destroy(&o->info);
    close_session(&o->run);
}

/* ---------------------------------------------------------------- samples */

const char *class_name(const struct opened *o, const struct hsgd_data *d, int i)
{
    static char number[16];
    if (i < o->info->classes) return o->info->class_name[i];
    if (d && i < hsgd_data_classes(d)) return hsgd_data_class_name(d, i);
    snprintf(number, sizeof number, "%d", i);
    return number;
}

int predict_data(const struct opened *o, const struct hsgd_data *d, int64_t first, int n, float *out, int32_t *labels)
{
    return predict_samples(&o->run, o->norm, d, first, n, out, labels);
}
