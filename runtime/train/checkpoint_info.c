/* SPDX-License-Identifier: BSD-3-Clause */
/* What a checkpoint and a trainer know of their data. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "publish.h"
#include "state_file.h"

/* Classes without names are called by their numbers. */
static bool name_classes(struct record_field *r)
{
    char **name = r->names || !r->classes ? NULL : calloc((size_t)r->classes, sizeof *name);
    if (r->names || !r->classes) return true;
    for (int i = 0; name && i < r->classes; i++) {
        char number[16];
        snprintf(number, sizeof number, "%d", i);
        name[i] = strdup(number);
    }
    r->names = name ? hsgd_names_new(name, r->classes) : NULL;
    return r->names && r->names->name[r->classes - 1];
}

/* Takes record and normalisation over. */
static struct hsgd_checkpoint_info *make_info(struct hsgd_record **record, struct hsgd_normalisation **norm)
{
    struct record_field *label = (struct record_field *)record_field(*record, "label");
    if (!label || !label->classes) label = (struct record_field *)record_field(*record, "boxes");
    struct hsgd_checkpoint_info *info = !label || name_classes(label) ? calloc(1, sizeof *info) : NULL;
    if (!info) return NULL;
    info->size = sizeof *info;
    info->step = -1;
    info->normalisation = *norm;
    info->record = *record;
    info->classes = label ? label->classes : 0;
    info->class_name = label && label->names ? label->names->name : NULL;
    *norm = NULL;
    *record = NULL;
    return info;
}

/* What a file of weights says. */
static struct hsgd_checkpoint_info *read_weights_info(struct hsgd_context *ctx, const char *file)
{
    struct safetensors f;
    struct hsgd_record *record = NULL;
    struct hsgd_normalisation *norm = NULL;
    struct hsgd_checkpoint_info *info = NULL;
    if (safetensors_read(ctx, &f, file)) return NULL;
    if (!record_read(ctx, &f, &record, &norm) && !(info = make_info(&record, &norm)))
        hsgd_fail(ctx, ENOMEM, "%s: out of memory", file);
    hsgd_record_destroy(&record);
    hsgd_normalisation_destroy(&norm);
    safetensors_close(&f);
    return info;
}

static struct hsgd_checkpoint_info *read_state_info(struct hsgd_context *ctx, const char *file)
{
    struct safetensors f;
    struct state_file state;
    struct hsgd_checkpoint_info *info = NULL;
    if (safetensors_read(ctx, &f, file)) return NULL;
    if (!state_file_parse(ctx, &f, &state)) {
        info = make_info(&state.record, &state.norm);
        if (!info) hsgd_fail(ctx, ENOMEM, "%s: out of memory", file);
        else info->step = state.at.step, info->epochs = state.at.epoch;
        state_file_free(&state);
    }
    safetensors_close(&f);
    return info;
}

/* States of version 0.1 do not know the shape of a sample, the weights do. */
static void learn_shape(struct hsgd_checkpoint_info *info, const char *weights)
{
    struct hsgd_checkpoint_info *other = record_shape(info->record).h ? NULL : read_weights_info(NULL, weights);
    if (other) info->record->x.type = other->record->x.type;
    hsgd_checkpoint_info_destroy(&other);
}

struct hsgd_checkpoint_info *hsgd_checkpoint_info_read(struct hsgd_context *ctx, const char *path)
{
    struct stat st;
    char state[PATH_MAX], weights[PATH_MAX];
    if (ENTER(ctx, path)) return NULL;
    if (stat(path, &st) || !S_ISDIR(st.st_mode)) return read_weights_info(ctx, path);
    if (snprintf(state, sizeof state, "%s/" STATE_FILE, path) >= (int)sizeof state ||
        snprintf(weights, sizeof weights, "%s/" MODEL_FILE, path) >= (int)sizeof weights) {
        hsgd_fail(ctx, ENAMETOOLONG, "%s: the name is too long", path);
        return NULL;
    }
    struct hsgd_checkpoint_info *info = read_state_info(ctx, state);
    if (info) learn_shape(info, weights);
    return info;
}

static int read_best(struct hsgd_context *ctx, const char *folder, int64_t latest, int64_t *best)
{
    struct safetensors f;
    struct state_file state = { 0 };
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/step-%lld/" STATE_FILE, folder, (long long)latest) >= (int)sizeof path)
        return hsgd_fail(ctx, ENAMETOOLONG, "%s: the name is too long", folder);
    int err = safetensors_read(ctx, &f, path);
    if (err) return err;
    err = state_file_parse(ctx, &f, &state);
    *best = state.at.best_step;
    state_file_free(&state);
    safetensors_close(&f);
    return err;
}

int64_t hsgd_checkpoint_best(struct hsgd_context *ctx, const char *folder)
{
    int64_t best, latest = hsgd_checkpoint_latest(ctx, folder);
    int err = latest < 0 ? (int)latest : read_best(ctx, folder, latest, &best);
    return err ? err : best > 0 && publish_exists(folder, best) ? best : latest;
}

void hsgd_checkpoint_info_destroy(struct hsgd_checkpoint_info **info)
{
    if (!info || !*info) return;
    hsgd_record_destroy(&(*info)->record);
    hsgd_normalisation_destroy(&(*info)->normalisation);
    free(*info);
    *info = NULL;
}

static int replace_norm(struct hsgd_trainer *t, struct hsgd_normalisation **norm, const struct hsgd_normalisation *n)
{
    struct hsgd_normalisation *copy = n ? hsgd_normalisation_create(n->channels, n->mean, n->inv_std) : NULL;
    if (n && !copy)
        return hsgd_fail(t->state.ctx, n->channels < 1 ? EINVAL : ENOMEM, "normalisation of %d channels: %s",
                         n->channels, n->channels < 1 ? "there must be one" : "out of memory");
    hsgd_normalisation_destroy(norm);
    *norm = copy;
    return 0;
}

int hsgd_trainer_set_normalisation(struct hsgd_trainer *t, const struct hsgd_normalisation *n)
{
    int err = ENTER(t ? t->state.ctx : NULL, t);
    return err ? err : replace_norm(t, &t->norm, n);
}

int hsgd_trainer_set_field_normalisation(struct hsgd_trainer *t, const char *field, const struct hsgd_normalisation *n)
{
    int err = ENTER(t ? t->state.ctx : NULL, t, field);
    if (err) return err;
    const struct hsgd_model *m = t->state.store.model;
    for (int i = 0; i < m->nfields; i++)
        if (!strcmp(m->field[i].name, field)) return replace_norm(t, &t->field_norm[i], n);
    return hsgd_fail(m->ctx, EINVAL, "model \"%s\" takes no \"%s\"", m->name, field);
}
