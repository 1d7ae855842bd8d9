/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading data as a record says: order of columns, channels; the unit is in
 * record_unit.c. */
#include "record.h"

#include <stdlib.h>
#include <string.h>

#include "../../codelets/type_text.h"
#include "origin.h"
#include "table.h"

enum { RGB = 3 };

static int out_of_memory(struct hsgd_context *ctx, const struct hsgd_data *d)
{
    return hsgd_fail(ctx, ENOMEM, "%s: out of memory for %lld samples", d->name, (long long)d->count);
}

/* ------------------------------------------------------------------ options */

static bool is_text(const char *format) { return !strcmp(format, "csv") || !strcmp(format, "libsvm"); }

void record_options(const struct hsgd_record *r, const char *format, struct hsgd_data_options *o)
{
    struct hsgd_shape s = record_shape(r);
    const struct record_field *label = record_field(r, "label");
    bool plain = s.h == 1 && s.w == 1, by_name = r->x.columns && !strcmp(format, "csv");
    if (!o->label && !o->target && label && label->columns && !strcmp(r->format, format))
        o->label = label->columns->name[0];
    if (!o->window && record_has_tokens(r)) o->window = r->x.type.dim[0];
    else if (!o->features && plain && !by_name) o->features = s.c;
    if (!o->classes && label && label->classes) {
        o->classes = label->classes;
        o->class_name = label->names ? (const char *const *)label->names->name : NULL;
    }
}

bool record_wants_targets(const struct hsgd_data_options *o)
{
    return o->target || (!o->label && record_field(o->record, "target"));
}

/* Either text may have been recognised as the other. */
bool record_prefers(const struct hsgd_record *r, const char *found)
{
    return r && is_text(found) && is_text(r->format) && strcmp(found, r->format);
}

/* ------------------------------------------------------------------ columns */

static int index_of(const struct hsgd_names *names, const char *name)
{
    for (int i = 0; names && i < names->count; i++)
        if (!strcmp(names->name[i], name)) return i;
    return -1;
}

bool record_has_columns(const struct hsgd_record *r) { return r && r->x.columns; }

bool record_passes_over(const struct hsgd_record *r, const char *column)
{
    bool other = r && index_of(r->ignored, column) >= 0;
    for (int i = 1; r && i < r->fields; i++) other = other || index_of(r->field[i].columns, column) >= 0;
    return other && index_of(r->x.columns, column) < 0;
}

/* Sorted names with their indices, for fast search. */
struct sorted {
    int count;
    struct entry {
        const char *name;
        int place;
    } * entry;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static struct sorted sort_names(const struct hsgd_names *names)
{
    struct sorted s = { names->count, malloc(((size_t)names->count + 1) * sizeof *s.entry) };
    for (int i = 0; s.entry && i < s.count; i++) s.entry[i] = (struct entry){ names->name[i], i };
    if (s.entry) qsort(s.entry, (size_t)s.count, sizeof *s.entry, by_name);
    return s;
}

/* -1: there is no such name. */
static int place_of(const struct sorted *s, const char *name)
{
    const struct entry key = { name, 0 }, *found = bsearch(&key, s->entry, (size_t)s->count, sizeof key, by_name);
    return found ? found->place : -1;
}

static bool same_names(const struct hsgd_names *a, const struct hsgd_names *b)
{
    bool same = a->count == b->count;
    for (int i = 0; same && i < a->count; i++) same = !strcmp(a->name[i], b->name[i]);
    return same;
}

/* The first name of `these` that is not among `those`; NULL: all are. */
static const char *odd_one(const struct hsgd_names *these, const struct sorted *those)
{
    for (int i = 0; i < these->count; i++)
        if (place_of(those, these->name[i]) < 0) return these->name[i];
    return NULL;
}

static int refuse_columns(struct hsgd_context *ctx, const char *name, const struct hsgd_names *known,
                          const struct hsgd_names *columns, const char *missing, const char *unknown)
{
    if (missing && unknown)
        return hsgd_fail(ctx, EINVAL, "%s: column \"%s\" of the training data is missing, and \"%s\" is unknown", name,
                         hsgd_show(missing).text, hsgd_show(unknown).text);
    const struct hsgd_names *all = missing ? columns : known;
    return hsgd_fail(
        ctx, EINVAL, "%s: column \"%s\" %s \"%s\" to \"%s\"", name, hsgd_show(missing ? missing : unknown).text,
        missing ? "of the training data is missing; the file has columns" : "is unknown; the training data had columns",
        all->count ? hsgd_show(all->name[0]).text : "", all->count ? hsgd_show(all->name[all->count - 1]).text : "");
}

static int check_columns(struct hsgd_context *ctx, const char *name, const struct hsgd_names *were,
                         const struct hsgd_names *are)
{
    if (!were || !are || same_names(were, are)) return 0;
    struct sorted known = sort_names(were), there = sort_names(are);
    bool ok = known.entry && there.entry;
    const char *missing = ok ? odd_one(were, &there) : NULL, *unknown = ok ? odd_one(are, &known) : NULL;
    free(known.entry);
    free(there.entry);
    if (!ok) return hsgd_fail(ctx, ENOMEM, "%s: out of memory for %d columns", name, are->count);
    return missing || unknown ? refuse_columns(ctx, name, were, are, missing, unknown) : 0;
}

int record_check_columns(struct hsgd_context *ctx, const struct hsgd_record *r, const char *name,
                         const struct hsgd_names *columns)
{
    if (!r || !r->table) return r ? check_columns(ctx, name, r->x.columns, columns) : 0;
    struct hsgd_names *were = table_columns(r->table);
    int err = were ? check_columns(ctx, name, were, columns) : hsgd_fail(ctx, ENOMEM, "%s: out of memory", name);
    hsgd_names_free(were);
    return err;
}

/* place[i]: where column i of the record is in the file. */
static void reorder(struct data_field *f, int64_t count, const int *place, float *row, struct hsgd_origin *origin)
{
    int n = hsgd_type_channels(&f->type);
    float *values = f->owned;
    for (int64_t i = 0; i < count; i++, values += n) {
        memcpy(row, values, (size_t)n * sizeof *row);
        for (int k = 0; k < n; k++) values[k] = row[place[k]];
    }
    if (!f->owned_origin) return;
    memcpy(origin, f->owned_origin, (size_t)n * sizeof *origin);
    for (int k = 0; k < n; k++) f->owned_origin[k] = origin[place[k]];
}

static int fit_columns(struct hsgd_context *ctx, const struct record_field *r, struct hsgd_data *d,
                       struct data_field *f)
{
    int err = check_columns(ctx, d->name, r->columns, f->columns), n = hsgd_type_channels(&f->type);
    if (err || !r->columns || !f->columns || !f->owned || f->bytes || same_names(r->columns, f->columns)) return err;
    struct sorted there = sort_names(f->columns);
    int *place = malloc((size_t)n * sizeof *place);
    float *row = malloc((size_t)n * sizeof *row);
    struct hsgd_origin *origin = malloc((size_t)n * sizeof *origin);
    bool ok = there.entry && place && row && origin;
    for (int i = 0; ok && i < n; i++) place[i] = place_of(&there, r->columns->name[i]);
    if (ok) {
        reorder(f, d->count, place, row, origin);
        hsgd_names_free(f->columns);
        f->columns = hsgd_names_share(r->columns);
    }
    free(there.entry);
    free(place);
    free(row);
    free(origin);
    return ok ? 0 : out_of_memory(ctx, d);
}

/* ----------------------------------------------------------------- channels */

static uint8_t grey_byte(const uint8_t *x) { return (uint8_t)((299 * x[0] + 587 * x[1] + 114 * x[2] + 500) / 1000); }

static void convert_bytes(const uint8_t *from, int64_t pixels, bool to_grey, uint8_t *to)
{
    for (int64_t i = 0; i < pixels; i++)
        if (to_grey) to[i] = grey_byte(from + RGB * i);
        else to[RGB * i] = to[RGB * i + 1] = to[RGB * i + 2] = from[i];
}

static void convert_values(const float *from, int64_t pixels, bool to_grey, float *to)
{
    for (int64_t i = 0; i < pixels; i++)
        if (to_grey) to[i] = 0.299f * from[RGB * i] + 0.587f * from[RGB * i + 1] + 0.114f * from[RGB * i + 2];
        else to[RGB * i] = to[RGB * i + 1] = to[RGB * i + 2] = from[i];
}

int record_fit_channels(struct hsgd_context *ctx, struct hsgd_shape shape, struct hsgd_data *d, unsigned *said)
{
    struct hsgd_shape is = hsgd_data_shape(d);
    bool to_grey = shape.c == 1 && is.c == RGB, to_colour = shape.c == RGB && is.c == 1;
    int64_t pixels = (int64_t)is.h * is.w;
    if (shape.h != is.h || shape.w != is.w || pixels < 2 || !(to_grey || to_colour) || !d->x.owned) return 0;
    origin_drop(&d->x, d->count);
    bool bytes = d->x.bytes;
    void *memory = calloc((size_t)d->count * (size_t)pixels * (size_t)shape.c, bytes ? 1 : sizeof(float));
    if (!memory) return out_of_memory(ctx, d);
    if (bytes) convert_bytes(d->x.bytes, d->count * pixels, to_grey, memory);
    else convert_values(d->x.values, d->count * pixels, to_grey, memory);
    field_own(&d->x, memory, bytes);
    d->x.type.dim[d->x.type.rank - 1] = shape.c;
    if (to_grey && record_first_time(said, SAID_GREY))
        hsgd_log(ctx, HSGD_LOG_WARNING, "%s: colour images are converted to grey for the model", d->name);
    if (to_colour && record_first_time(said, SAID_COLOUR))
        hsgd_log(ctx, HSGD_LOG_WARNING, "%s: grey images are converted to three equal channels for the model", d->name);
    return 0;
}

/* -------------------------------------------------------------------- shape */

/* Rows of numbers that are images. */
static void fit_shape(const struct hsgd_record *r, struct hsgd_data *d)
{
    struct hsgd_shape s = record_shape(r);
    int64_t n = hsgd_data_size(d);
    if (hsgd_type_positions(&d->x.type) > 1 || !s.h || (int64_t)s.h * s.w * s.c != n) return;
    if (s.c != n) origin_drop(&d->x, d->count);
    d->x.type = r->x.type;
}

static int fit_x(struct hsgd_context *ctx, struct hsgd_record *r, struct hsgd_data *d)
{
    int err = fit_columns(ctx, &r->x, d, &d->x);
    bool tokens = d->x.type.dtype == HSGD_I32, were = r->x.type.rank >= 0 && r->x.type.dtype == HSGD_I32;
    if (!err && tokens != were)
        err = hsgd_fail(ctx, EINVAL, "%s: x has %s (%s), the training data had %s (%s)", d->name,
                        tokens ? "integers" : "floats", type_text(&d->x.type).text, were ? "integers" : "floats",
                        type_text(&r->x.type).text);
    if (err || tokens) return err;
    fit_shape(r, d);
    err = record_fit_channels(ctx, record_shape(r), d, &r->said);
    struct hsgd_shape is = hsgd_data_shape(d), was = record_shape(r);
    bool images = is.h * is.w > 1 && was.h * was.w > 1; /* whose sizes the model may leave open */
    bool fits = is.c == was.c && (images || (is.h == was.h && is.w == was.w));
    return err || !fits ? err : record_fit_unit(ctx, r, 0, d, &d->x); /* other shapes are refused by the model */
}

/* Other names of the same number of columns were asked for. */
static int fit_other(struct hsgd_context *ctx, struct hsgd_record *r, int field, struct hsgd_data *d)
{
    const struct record_field *was = &r->field[field];
    struct data_field *f = (struct data_field *)data_field(d, was->name);
    bool label = !strcmp(was->name, "label");
    if (!f && d->fields < 2) return 0; /* input of a prediction */
    if (!f)
        return hsgd_fail(ctx, EINVAL,
                         label ? "%s: has no labels, but the training data had"
                               : "%s: has no field \"%s\", but the training data had",
                         d->name, was->name);
    if (label) return 0;
    if (!type_equal(&was->type, &f->type))
        return hsgd_fail(ctx, EINVAL, "%s: has a field \"%s\" of %s, the training data had %s", d->name, f->name,
                         type_text(&f->type).text, type_text(&was->type).text);
    int err = check_columns(NULL, d->name, was->columns, f->columns) ? 0 : fit_columns(ctx, was, d, f);
    return err || f->type.dtype != HSGD_F32 ? err : record_fit_unit(ctx, r, field, d, f);
}

int record_fit(struct hsgd_context *ctx, struct hsgd_record *r, struct hsgd_data *d)
{
    if (!r || !d) return 0;
    int err = fit_x(ctx, r, d);
    for (int i = 1; !err && i < r->fields; i++) err = fit_other(ctx, r, i, d);
    return err;
}
