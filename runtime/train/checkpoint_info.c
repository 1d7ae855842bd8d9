/* What a checkpoint and a trainer know of their data. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "publish.h"
#include "state_file.h"

/* Takes the normalisation over. */
static struct hsgd_checkpoint_info *make_info(struct state_file *state)
{
    struct hsgd_checkpoint_info *info = calloc(1, sizeof *info);
    if (!info) return NULL;
    info->size = sizeof *info;
    info->step = state->at.step;
    info->epochs = state->at.epoch;
    info->normalisation = state->norm;
    state->norm = NULL;
    info->class_name = class_names_read(state->classes ? state->classes : "[]", &info->classes);
    if (!info->class_name) {
        info->classes = 0;
        hsgd_checkpoint_info_destroy(&info);
    }
    return info;
}

struct hsgd_checkpoint_info *hsgd_checkpoint_info_read(struct hsgd_context *ctx, const char *path)
{
    struct safetensors f;
    struct state_file state;
    struct hsgd_checkpoint_info *info = NULL;
    char file[PATH_MAX];
    if (snprintf(file, sizeof file, "%s/" STATE_FILE, path) >= (int)sizeof file) {
        hsgd_fail(ctx, ENAMETOOLONG, "%s: the name is too long", path);
        return NULL;
    }
    if (safetensors_read(ctx, &f, file)) return NULL;
    if (!state_file_parse(ctx, &f, &state)) {
        info = make_info(&state);
        if (!info) hsgd_fail(ctx, ENOMEM, "%s: out of memory", file);
        state_file_free(&state);
    }
    safetensors_close(&f);
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
    if (!err) free(state.classes);
    *best = state.at.best_step;
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
    for (int i = 0; i < (*info)->classes; i++) free((*info)->class_name[i]);
    free((*info)->class_name);
    hsgd_normalisation_destroy(&(*info)->normalisation);
    free(*info);
    *info = NULL;
}

int hsgd_trainer_set_normalisation(struct hsgd_trainer *t, const struct hsgd_normalisation *n)
{
    struct hsgd_normalisation *copy = n ? hsgd_normalisation_create(n->channels, n->mean, n->inv_std) : NULL;
    if (n && !copy)
        return hsgd_fail(t->state.ctx, n->channels < 1 ? EINVAL : ENOMEM,
                         "normalisation of %d channels: %s", n->channels,
                         n->channels < 1 ? "there must be one" : "out of memory");
    hsgd_normalisation_destroy(&t->norm);
    t->norm = copy;
    return 0;
}

int trainer_name_classes(struct hsgd_trainer *t, const struct hsgd_data *data)
{
    free(t->classes);
    t->classes = class_names_text(data);
    return t->classes ? 0 : hsgd_fail(t->state.ctx, ENOMEM, "out of memory for the names of classes");
}
