/* SPDX-License-Identifier: BSD-3-Clause */
#include "state_file.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/c_locale.h"
#include "io/atomic.h"
#include "model/metrics.h"
#include "model/weights.h"

#define FORMAT "2"
#define EMA_KEY "hsgd.ema_decay"
#define PLATEAU_KEY "plateau."

/* The scalars, one tensor each.  Figures of an epoch may be NaN: not known. */
static const struct field {
    const char *name;
    size_t offset;
    enum safetensors_type type;
    bool may_be_nan;
    double low, high;
} fields[] = {
#define AT(member) offsetof(struct state_file, member)
    { "step", AT(at.step), SAFETENSORS_I64, false, 0, 1e15 },
    { "updates", AT(at.updates), SAFETENSORS_I64, false, 0, 1e15 },
    { "epoch", AT(at.epoch), SAFETENSORS_I64, false, 0, 1e9 },
    { "epoch_samples", AT(at.samples), SAFETENSORS_I64, false, 0, 1e15 },
    { "epoch_loss_sum", AT(loss_sum), SAFETENSORS_F64, false, -1e300, 1e300 },
    { "epoch_correct_sum", AT(correct_sum), SAFETENSORS_F64, false, 0, 1e15 },
    { "epoch_terms_sum", AT(terms_sum), SAFETENSORS_F64, false, 0, 1e18 },
    { "train_loss", AT(train_loss), SAFETENSORS_F64, true, -1e300, 1e300 },
    { "train_accuracy", AT(train_accuracy), SAFETENSORS_F64, true, 0, 1 },
    { "validation_loss", AT(validation_loss), SAFETENSORS_F64, true, -1e300, 1e300 },
    { "validation_accuracy", AT(validation_accuracy), SAFETENSORS_F64, true, 0, 1 },
    { "best_step", AT(at.best_step), SAFETENSORS_I64, false, 0, 1e15 },
    { "best_loss", AT(best_loss), SAFETENSORS_F64, false, -1e300, 1e300 },
    { "best_accuracy", AT(best_accuracy), SAFETENSORS_F64, true, 0, 1 },
    { "epochs_since_best", AT(at.worse), SAFETENSORS_I64, false, 0, 1e9 },
    { "samples", AT(count), SAFETENSORS_I64, false, 0, 1e15 },
    { "batch_size", AT(batch_size), SAFETENSORS_I64, false, 1, 1 << 20 },
    { "seed", AT(seed), SAFETENSORS_I64, false, -1e300, 1e300 },
    { PLATEAU_KEY "least", AT(at.plateau.least), SAFETENSORS_F64, false, -1e300, 1e300 },
    { PLATEAU_KEY "seen", AT(at.plateau.seen), SAFETENSORS_I64, false, 0, 1 },
    { PLATEAU_KEY "since", AT(at.plateau.since), SAFETENSORS_I64, false, 0, 1e9 },
    { PLATEAU_KEY "drops", AT(at.plateau.drops), SAFETENSORS_I64, false, 0, 1e9 },
#undef AT
};
enum { FIELDS = sizeof fields / sizeof *fields, SCALAR = 8 };

/* Of that schedule only. */
static bool of_plateau(const struct field *f) { return !strncmp(f->name, PLATEAU_KEY, strlen(PLATEAU_KEY)); }
static bool is_written(const struct field *f, const struct hsgd_train_options *o)
{
    return !of_plateau(f) || o->schedule == HSGD_PLATEAU;
}
static bool is_there(const struct field *field, const struct safetensors *f)
{
    return !of_plateau(field) || safetensors_find(f, field->name);
}

static const char *const norm_name[] = { "normalisation.mean", "normalisation.inv_std" };

/* ----------------------------------------------------------------- figures
 *
 * The scalars have what a model with one loss has; with more, vectors have all. */

static const char *const vectors[] = { "epoch_sums", "train_metrics", "validation_metrics", "best_metrics" };
enum { VECTORS = sizeof vectors / sizeof *vectors };

/* Three sums of one loss are scalars. */
static bool has_vectors(const struct hsgd_model *m)
{
    return m->nsums > 4 || m->node[m->loss].info.sums[HSGD_FORWARD][0] > 3;
}

/* Vector i of a position, and its length. */
static double *vector_at(struct position *at, const struct hsgd_model *m, int i, int64_t *n)
{
    double *const vector[VECTORS] = { at->sums, at->train, at->validation, at->best };
    *n = i ? m->nmetrics : m->nsums;
    return vector[i];
}

static void to_scalars(const struct hsgd_model *m, struct state_file *s)
{
    const struct position *at = &s->at;
    const double *first = at->sums + m->node[m->loss].sums;
    s->loss_sum = first[LOSS_SUM];
    s->correct_sum = first[LOSS_CORRECT];
    s->terms_sum = first[LOSS_TERMS];
    s->train_loss = at->train[0];
    s->train_accuracy = metric_named(m, at->train, "accuracy");
    s->validation_loss = at->validation[0];
    s->validation_accuracy = metric_named(m, at->validation, "accuracy");
    s->best_loss = at->best[0];
    s->best_accuracy = metric_named(m, at->best, "accuracy");
}

static void set_figures(const struct hsgd_model *m, double *figure, double loss, double accuracy)
{
    int i = metric_find(m, "accuracy");
    figure[0] = loss;
    if (i > 0) figure[i] = accuracy;
}

static void from_scalars(const struct hsgd_model *m, struct state_file *s)
{
    double *first = s->at.sums + m->node[m->loss].sums;
    first[LOSS_SUM] = s->loss_sum;
    first[LOSS_CORRECT] = s->correct_sum;
    first[LOSS_TERMS] = s->terms_sum;
    set_figures(m, s->at.train, s->train_loss, s->train_accuracy);
    set_figures(m, s->at.validation, s->validation_loss, s->validation_accuracy);
    set_figures(m, s->at.best, s->best_loss, s->best_accuracy);
}

/* ----------------------------------------------------------------- writing */

static int check_finite(struct hsgd_context *ctx, const struct snapshot *s)
{
    struct weight_place w;
    char name[WEIGHT_NAME];
    for (int k = 0; k < snapshot_kept(s->t); k++)
        for (int i = 0; model_weight(s->t->state.store.model, i, &w); i++)
            for (int64_t n = 0; n < spec_size(w.spec); n++) {
                if (isfinite(s->kept[k][w.offset + n])) continue;
                model_weight_name(s->t->state.store.model, &w, name);
                return hsgd_fail(ctx, EDOM, "%s of weight \"%s\" is not finite after step %" PRId64,
                                 snapshot_kept_name(s->t, k), name, s->at.step);
            }
    return 0;
}

enum { KEPT_NAME = WEIGHT_NAME + 24 };

static void name_kept(const struct hsgd_trainer *t, int k, const struct weight_place *w, char name[KEPT_NAME])
{
    char weight[WEIGHT_NAME];
    model_weight_name(t->state.store.model, w, weight);
    snprintf(name, KEPT_NAME, "%s.%s", snapshot_kept_name(t, k), weight);
}

/* How a decay stands in the file, in as few digits as it takes; "": no average. */
struct decay_text {
    char text[32];
};

static struct decay_text decay_text(const struct hsgd_train_options *o)
{
    struct decay_text d = { "" };
    for (int digits = 1; o->ema_decay > 0 && digits <= 9; digits++) {
        c_snprintf(d.text, sizeof d.text, "%.*g", digits, (double)o->ema_decay);
        if (c_strtof(d.text, NULL) == o->ema_decay) break;
    }
    return d;
}

static void declare(struct safetensors_writer *out, const struct snapshot *s, const struct state_file *state,
                    const char *record)
{
    struct weight_place w;
    char name[KEPT_NAME];
    const struct hsgd_train_options *o = &s->t->state.options;
    const struct hsgd_model *m = s->t->state.store.model;
    struct position at = s->at;
    int64_t n;
    safetensors_describe(out, "hsgd.state", FORMAT);
    safetensors_describe(out, "hsgd.optimizer", hsgd_optimizer_name(o->optimizer));
    if (o->ema_decay > 0) safetensors_describe(out, EMA_KEY, decay_text(o).text);
    if (record) safetensors_describe(out, RECORD_KEY, record);
    for (int i = 0; i < FIELDS; i++)
        if (is_written(&fields[i], o)) safetensors_declare(out, fields[i].name, fields[i].type, 0, NULL);
    int64_t channels = state->norm ? state->norm->channels : 0;
    safetensors_declare(out, norm_name[0], SAFETENSORS_F64, 1, &channels);
    safetensors_declare(out, norm_name[1], SAFETENSORS_F64, 1, &channels);
    for (int i = 0; has_vectors(m) && i < VECTORS; i++) {
        vector_at(&at, m, i, &n);
        safetensors_declare(out, vectors[i], SAFETENSORS_F64, 1, &n);
    }
    for (int k = 0; k < snapshot_kept(s->t); k++)
        for (int i = 0; model_weight(s->t->state.store.model, i, &w); i++) {
            name_kept(s->t, k, &w, name);
            safetensors_declare(out, name, SAFETENSORS_F32, 1, &(int64_t){ spec_size(w.spec) });
        }
}

static void append_vectors(struct safetensors_writer *out, const struct snapshot *s)
{
    const struct hsgd_model *m = s->t->state.store.model;
    struct position at = s->at;
    int64_t n;
    for (int i = 0; has_vectors(m) && i < VECTORS; i++) {
        const double *v = vector_at(&at, m, i, &n);
        safetensors_append(out, v, (size_t)n * sizeof *v);
    }
}

static void append(struct safetensors_writer *out, const struct snapshot *s, const struct state_file *state)
{
    struct weight_place w;
    const struct hsgd_normalisation *n = state->norm;
    for (int i = 0; i < FIELDS; i++)
        if (is_written(&fields[i], &s->t->state.options))
            safetensors_append(out, (const char *)state + fields[i].offset, SCALAR);
    if (n) safetensors_append(out, n->mean, (size_t)n->channels * sizeof *n->mean);
    if (n) safetensors_append(out, n->inv_std, (size_t)n->channels * sizeof *n->inv_std);
    append_vectors(out, s);
    for (int k = 0; k < snapshot_kept(s->t); k++)
        for (int i = 0; model_weight(s->t->state.store.model, i, &w); i++)
            safetensors_append(out, s->kept[k] + w.offset, (size_t)spec_size(w.spec) * sizeof(float));
}

int state_file_write(struct hsgd_context *ctx, const struct snapshot *s, const char *record, const char *path)
{
    struct hsgd_atomic a;
    struct safetensors_writer out;
    const struct hsgd_trainer *t = s->t;
    struct state_file state = { .at = s->at,
                                .count = t->count,
                                .batch_size = t->state.options.batch_size,
                                .seed = (int64_t)t->state.options.seed,
                                .norm = t->norm };
    to_scalars(t->state.store.model, &state);
    int err = check_finite(ctx, s);
    if (!err) err = hsgd_atomic_open(ctx, &a, path);
    if (err) return err;
    safetensors_start(&out, ctx, a.file, path);
    declare(&out, s, &state, record);
    append(&out, s, &state);
    err = safetensors_finish(&out);
    if (!err) return hsgd_atomic_commit(ctx, &a);
    hsgd_atomic_abandon(&a);
    return err;
}

/* ----------------------------------------------------------------- reading */

static int read_field(struct hsgd_context *ctx, const struct safetensors *f, const struct field *field, void *out)
{
    const struct safetensor *t = safetensors_need(ctx, f, field->name, field->type, 0, NULL);
    int64_t whole;
    double real;
    if (!t) return -EINVAL;
    memcpy(out, t->data, SCALAR);
    memcpy(&whole, t->data, SCALAR);
    memcpy(&real, t->data, SCALAR);
    double v = field->type == SAFETENSORS_I64 ? (double)whole : real;
    if ((isnan(v) && field->may_be_nan) || (v >= field->low && v <= field->high)) return 0;
    return hsgd_fail(ctx, EINVAL, "%s: %s is %g, which is not from %.10g to %.10g", f->path, field->name, v, field->low,
                     field->high);
}

/* 64-bit numbers, or 32-bit ones as earlier versions wrote them. */
static int read_numbers(struct hsgd_context *ctx, const struct safetensors *f, const char *name, int64_t count,
                        double *to)
{
    const struct safetensor *t = safetensors_find(f, name);
    enum safetensors_type type = t && t->type == SAFETENSORS_F32 ? SAFETENSORS_F32 : SAFETENSORS_F64;
    t = safetensors_need(ctx, f, name, type, 1, &count);
    int err = t ? safetensors_check_finite(ctx, f, t) : -EINVAL;
    for (int64_t i = 0; !err && i < count; i++) {
        float narrow;
        if (type == SAFETENSORS_F64) memcpy(&to[i], (const char *)t->data + i * 8, 8);
        else memcpy(&narrow, (const char *)t->data + i * 4, 4), to[i] = (double)narrow;
    }
    return err;
}

static int read_norm(struct hsgd_context *ctx, const struct safetensors *f, struct state_file *state)
{
    const struct safetensor *first = safetensors_find(f, norm_name[0]);
    int64_t channels = first && first->ndims == 1 && first->dims[0] <= INT_MAX ? first->dims[0] : 0;
    struct hsgd_normalisation *n = channels ? hsgd_normalisation_create((int)channels, NULL, NULL) : NULL;
    if (channels && !n) return hsgd_fail(ctx, ENOMEM, "%s: out of memory", f->path);
    state->norm = n;
    int err = read_numbers(ctx, f, norm_name[0], channels, n ? n->mean : NULL);
    return err ? err : read_numbers(ctx, f, norm_name[1], channels, n ? n->inv_std : NULL);
}

static int check_position(struct hsgd_context *ctx, const struct safetensors *f, const struct state_file *state)
{
    if (state->at.samples > state->count)
        return hsgd_fail(ctx, EINVAL, "%s: epoch_samples is %" PRId64 ", more than the %" PRId64 " there are", f->path,
                         state->at.samples, state->count);
    if (state->at.best_step > state->at.step)
        return hsgd_fail(ctx, EINVAL, "%s: best_step is %" PRId64 ", after step %" PRId64, f->path, state->at.best_step,
                         state->at.step);
    return 0;
}

void state_file_free(struct state_file *state)
{
    hsgd_normalisation_destroy(&state->norm);
    hsgd_record_destroy(&state->record);
}

int state_file_parse(struct hsgd_context *ctx, const struct safetensors *f, struct state_file *state)
{
    const char *version = safetensors_metadata(f, "hsgd.state");
    struct hsgd_normalisation *norm = NULL;
    *state = (struct state_file){ 0 };
    if (!version || strcmp(version, FORMAT))
        return hsgd_fail(ctx, EINVAL, "%s: hsgd.state is %s%s%s, not \"" FORMAT "\", which this version reads", f->path,
                         version ? "\"" : "", version ? version : "missing", version ? "\"" : "");
    int err = 0;
    for (int i = 0; !err && i < FIELDS; i++)
        if (is_there(&fields[i], f)) err = read_field(ctx, f, &fields[i], (char *)state + fields[i].offset);
    if (!err) err = check_position(ctx, f, state);
    if (!err) err = read_norm(ctx, f, state);
    if (!err) err = record_read(ctx, f, &state->record, &norm);
    hsgd_normalisation_destroy(&norm); /* which is that of the tensors */
    if (err) state_file_free(state);
    return err;
}

/* What must be as it was for the training to go on as it would have. */
static int check_options(struct hsgd_context *ctx, const struct safetensors *f, const struct state_file *state,
                         const struct hsgd_train_options *o)
{
    const char *optimizer = safetensors_metadata(f, "hsgd.optimizer"), *ours = hsgd_optimizer_name(o->optimizer);
    const char *decay = safetensors_metadata(f, EMA_KEY);
    struct decay_text now = decay_text(o);
    const struct {
        const char *name;
        int64_t was, is;
    } same[] = {
        { "batch_size", state->batch_size, o->batch_size },
        { "seed", state->seed, (int64_t)o->seed },
    };
    if (!optimizer || strcmp(optimizer, ours))
        return hsgd_fail(ctx, EINVAL, "%s: the checkpoint was made with optimizer \"%s\", not \"%s\"", f->path,
                         optimizer ? optimizer : "", ours);
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        if (same[i].was != same[i].is)
            return hsgd_fail(ctx, EINVAL, "%s: the checkpoint was made with %s %" PRId64 ", not %" PRId64, f->path,
                             same[i].name, same[i].was, same[i].is);
    if (strcmp(decay ? decay : "", now.text))
        return hsgd_fail(ctx, EINVAL, "%s: the checkpoint was made with ema_decay %s, not %s", f->path,
                         decay ? hsgd_show(decay).text : "0", *now.text ? now.text : "0");
    return 0;
}

static int read_kept(struct hsgd_context *ctx, const struct safetensors *f, struct snapshot *s)
{
    struct weight_place w;
    char name[KEPT_NAME];
    int kept = snapshot_kept(s->t), expected = 2 + kept * hsgd_model_weight_count(s->t->state.store.model);
    for (int i = 0; i < FIELDS; i++) expected += is_there(&fields[i], f);
    expected += has_vectors(s->t->state.store.model) ? VECTORS : 0;
    for (int k = 0; k < kept; k++)
        for (int i = 0; model_weight(s->t->state.store.model, i, &w); i++) {
            name_kept(s->t, k, &w, name);
            const struct safetensor *t =
                safetensors_need(ctx, f, name, SAFETENSORS_F32, 1, &(int64_t){ spec_size(w.spec) });
            int err = t ? safetensors_check_finite(ctx, f, t) : -EINVAL;
            if (err) return err;
            memcpy(s->kept[k] + w.offset, t->data, t->bytes);
        }
    if (f->ntensors == expected) return 0;
    return hsgd_fail(ctx, EINVAL, "%s: there are %d tensors, not %d", f->path, f->ntensors, expected);
}

static int read_vectors(struct hsgd_context *ctx, const struct safetensors *f, const struct hsgd_model *m,
                        struct position *at)
{
    int64_t n;
    for (int i = 0; has_vectors(m) && i < VECTORS; i++) {
        double *to = vector_at(at, m, i, &n);
        const struct safetensor *t = safetensors_need(ctx, f, vectors[i], SAFETENSORS_F64, 1, &n);
        if (!t) return -EINVAL;
        memcpy(to, t->data, t->bytes);
    }
    return 0;
}

int state_file_read(struct hsgd_context *ctx, struct snapshot *s, struct state_file *state, const char *path)
{
    struct safetensors f;
    int err = safetensors_read(ctx, &f, path);
    if (err) return err;
    err = state_file_parse(ctx, &f, state);
    if (!err) err = check_options(ctx, &f, state, &s->t->state.options);
    if (!err) err = read_kept(ctx, &f, s);
    if (!err) from_scalars(s->t->state.store.model, state);
    if (!err) err = read_vectors(ctx, &f, s->t->state.store.model, &state->at);
    if (err) state_file_free(state);
    s->at = state->at;
    safetensors_close(&f);
    return err;
}
