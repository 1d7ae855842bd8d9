/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading data as a record says: order of columns, channels, unit. */
#include "record.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "origin.h"

enum { RGB = 3 };

/* Tolerance for the rounding of values that were divided by 255. */
#define ROUNDED 1e-6

/* True once for each kind of change, so that a thousand images log one line. */
static bool first_time(unsigned *said, unsigned what)
{
    bool first = !(*said & what);
    *said |= what;
    return first;
}

static int out_of_memory(struct hsgd_context *ctx, const struct hsgd_data *d)
{
    return hsgd_fail(ctx, ENOMEM, "%s: out of memory for %lld samples", d->name, (long long)d->count);
}

/* ------------------------------------------------------------------ options */

static bool is_text(const char *format) { return !strcmp(format, "csv") || !strcmp(format, "libsvm"); }

void record_options(const struct hsgd_record *r, const char *format, struct hsgd_data_options *o)
{
    bool plain = r->shape.h == 1 && r->shape.w == 1, by_name = r->columns && !strcmp(format, "csv");
    if (!o->label && r->label && !strcmp(r->format, format)) o->label = r->label->name[0];
    if (!o->features && plain && !by_name) o->features = r->shape.c;
    if (!o->classes && r->classes) {
        o->classes = r->classes;
        o->class_name = r->names ? (const char *const *)r->names->name : NULL;
    }
    if (o->classes < 0) o->classes = 0;
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

bool record_has_columns(const struct hsgd_record *r) { return r && r->columns; }

bool record_passes_over(const struct hsgd_record *r, const char *column)
{
    return r && (index_of(r->label, column) >= 0 || index_of(r->ignored, column) >= 0) &&
           index_of(r->columns, column) < 0;
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

int record_check_columns(struct hsgd_context *ctx, const struct hsgd_record *r, const char *name,
                         const struct hsgd_names *columns)
{
    if (!r || !r->columns || !columns || same_names(r->columns, columns)) return 0;
    struct sorted known = sort_names(r->columns), there = sort_names(columns);
    bool ok = known.entry && there.entry;
    const char *missing = ok ? odd_one(r->columns, &there) : NULL, *unknown = ok ? odd_one(columns, &known) : NULL;
    free(known.entry);
    free(there.entry);
    if (!ok) return hsgd_fail(ctx, ENOMEM, "%s: out of memory for %d columns", name, columns->count);
    return missing || unknown ? refuse_columns(ctx, name, r->columns, columns, missing, unknown) : 0;
}

/* place[i]: where column i of the record is in the file. */
static void reorder(struct hsgd_data *d, const int *place, float *row, struct hsgd_origin *origin)
{
    int n = hsgd_type_channels(&d->x.type);
    float *values = d->x.owned;
    for (int64_t i = 0; i < d->count; i++, values += n) {
        memcpy(row, values, (size_t)n * sizeof *row);
        for (int k = 0; k < n; k++) values[k] = row[place[k]];
    }
    if (!d->x.owned_origin) return;
    memcpy(origin, d->x.owned_origin, (size_t)n * sizeof *origin);
    for (int k = 0; k < n; k++) d->x.owned_origin[k] = origin[place[k]];
}

static int fit_columns(struct hsgd_context *ctx, const struct hsgd_record *r, struct hsgd_data *d)
{
    int err = record_check_columns(ctx, r, d->name, d->x.columns), n = hsgd_type_channels(&d->x.type);
    if (err || !r->columns || !d->x.columns || !d->x.owned || d->x.bytes || same_names(r->columns, d->x.columns))
        return err;
    struct sorted there = sort_names(d->x.columns);
    int *place = malloc((size_t)n * sizeof *place);
    float *row = malloc((size_t)n * sizeof *row);
    struct hsgd_origin *origin = malloc((size_t)n * sizeof *origin);
    bool ok = there.entry && place && row && origin;
    for (int i = 0; ok && i < n; i++) place[i] = place_of(&there, r->columns->name[i]);
    if (ok) {
        reorder(d, place, row, origin);
        hsgd_names_free(d->x.columns);
        d->x.columns = hsgd_names_share(r->columns);
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

/* The samples' memory becomes `memory`. */
static void own(struct hsgd_data *d, void *memory, bool bytes)
{
    free(d->x.owned);
    d->x.owned = memory;
    d->x.bytes = bytes ? memory : NULL;
    d->x.values = bytes ? NULL : memory;
}

int record_fit_channels(struct hsgd_context *ctx, struct hsgd_shape shape, struct hsgd_data *d, unsigned *said)
{
    struct hsgd_shape is = hsgd_data_shape(d);
    bool to_grey = shape.c == 1 && is.c == RGB, to_colour = shape.c == RGB && is.c == 1;
    int64_t pixels = (int64_t)is.h * is.w;
    if (shape.h != is.h || shape.w != is.w || pixels < 2 || !(to_grey || to_colour) || !d->x.owned) return 0;
    origin_drop(d);
    bool bytes = d->x.bytes;
    void *memory = calloc((size_t)d->count * (size_t)pixels * (size_t)shape.c, bytes ? 1 : sizeof(float));
    if (!memory) return out_of_memory(ctx, d);
    if (bytes) convert_bytes(d->x.bytes, d->count * pixels, to_grey, memory);
    else convert_values(d->x.values, d->count * pixels, to_grey, memory);
    own(d, memory, bytes);
    d->x.type.dim[d->x.type.rank - 1] = shape.c;
    if (to_grey && first_time(said, SAID_GREY))
        hsgd_log(ctx, HSGD_LOG_WARNING, "%s: colour images are converted to grey for the model", d->name);
    if (to_colour && first_time(said, SAID_COLOUR))
        hsgd_log(ctx, HSGD_LOG_WARNING, "%s: grey images are converted to three equal channels for the model", d->name);
    return 0;
}

/* --------------------------------------------------------------------- unit */

/* The range of a set's values, and whether all are integers. */
struct values {
    double low, high;
    bool integers;
};

static void add_range(struct values *v, const float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        double value = (double)x[i];
        if (isnan(value)) continue;
        v->low = fmin(v->low, value);
        v->high = fmax(v->high, value);
        v->integers = v->integers && value == floor(value);
    }
}

static int find_range(struct hsgd_context *ctx, const struct hsgd_data *d, struct values *v)
{
    int64_t size = hsgd_data_size(d);
    float *x = malloc((size_t)size * sizeof *x);
    if (!x) return out_of_memory(ctx, d);
    *v = (struct values){ INFINITY, -INFINITY, true };
    for (int64_t i = 0; i < d->count; i++) {
        hsgd_data_gather(d, &i, 1, NULL, x, NULL);
        add_range(v, x, size);
    }
    free(x);
    return 0;
}

static void scale(struct hsgd_data *d, float factor)
{
    int64_t n = d->x.sparse.start ? d->x.sparse.start[d->count] : d->count * hsgd_data_size(d);
    float *x = d->x.sparse.start ? d->x.sparse.value : d->x.owned;
    for (int64_t i = 0; i < n; i++) x[i] *= factor;
    for (int i = 0; d->x.owned_origin && i < hsgd_type_channels(&d->x.type); i++)
        d->x.owned_origin[i].offset *= (double)factor;
}

/* The record has 8-bit values, which are treated as 0 to 1.  So are values of an
 * integer type, and floats that are all integers if one is above 1 or if all
 * 8-bit values of the record were 0 or 1. */
static int fit_to_bytes(struct hsgd_context *ctx, struct hsgd_record *r, struct hsgd_data *d)
{
    struct values v;
    int err = find_range(ctx, d, &v);
    if (err || v.low > v.high) return err;
    bool raw = d->x.integers || (v.integers && (v.high > 1 || r->high * 255 <= 1 + ROUNDED));
    if (v.low < 0 || v.high > (raw ? 255 : 1 + ROUNDED))
        return hsgd_fail(
            ctx, EINVAL,
            "%s: values range from %g to %g; the training data had 8-bit values, 0 to 255 or scaled to 0 to 1", d->name,
            v.low, v.high);
    if (!raw) return 0;
    scale(d, 1.0f / 255);
    if (!d->x.integers && first_time(&r->said, SAID_UNIT))
        hsgd_log(ctx, HSGD_LOG_WARNING,
                 "%s: integers up to %g are divided by 255, as the 8-bit values of the "
                 "training data were",
                 d->name, v.high);
    return 0;
}

static int bytes_to_values(struct hsgd_context *ctx, struct hsgd_data *d)
{
    int64_t n = d->count * hsgd_data_size(d);
    float *values = malloc((size_t)n * sizeof *values);
    if (!values) return out_of_memory(ctx, d);
    for (int64_t i = 0; i < n; i++) values[i] = (float)d->x.bytes[i];
    own(d, values, false);
    return 0;
}

/* The record has values as they were stored.  So are those of a file of numbers;
 * pixels are treated as 0 to 1 or as 0 to 255, as in the record. */
static int fit_bytes(struct hsgd_context *ctx, struct hsgd_record *r, struct hsgd_data *d)
{
    struct values v;
    int err = find_range(ctx, d, &v);
    bool fractions = r->low >= 0 && r->high <= 1, pixels = !d->x.integers;
    if (err || (pixels && fractions)) return err;
    if (!pixels && fractions && v.high * 255 > 1 + ROUNDED)
        return hsgd_fail(ctx, EINVAL,
                         "%s: has 8-bit values up to %.0f; the training data had %g to %g: divide them by 255", d->name,
                         v.high * 255, r->low, r->high);
    if (pixels && (r->low < 0 || r->high > 255))
        return hsgd_fail(ctx, EINVAL, "%s: has 8-bit pixels; the values of the training data were %g to %g", d->name,
                         r->low, r->high);
    if (pixels && first_time(&r->said, SAID_UNIT))
        hsgd_log(ctx, HSGD_LOG_WARNING, "%s: pixels are treated as 0 to 255, as in the training data", d->name);
    return bytes_to_values(ctx, d);
}

/* Neither the record nor the images have an 8-bit type: finds pixels that were
 * divided by 255 on one side only. */
static int check_pixels(struct hsgd_context *ctx, const struct hsgd_record *r, const struct hsgd_data *d)
{
    enum { FAR = 16 };
    struct values v;
    if (r->shape.h * r->shape.w < 2 || d->x.bytes) return 0;
    int err = find_range(ctx, d, &v);
    if (err || v.low > v.high || v.low < 0) return err;
    double was = fmax(fabs(r->low), fabs(r->high));
    bool pixels = v.integers && v.high <= 255 && was > 0 && v.high > FAR * was;
    bool fractions = !v.integers && v.high <= 1 && r->low >= 0 && was > 255.0 / 2 && was <= 255;
    if (!pixels && !fractions) return 0;
    return hsgd_fail(ctx, EINVAL,
                     "%s: pixels range from %g to %g; those of the training data ranged from %g to %g, in "
                     "another unit",
                     d->name, v.low, v.high, r->low, r->high);
}

static int fit_unit(struct hsgd_context *ctx, struct hsgd_record *r, struct hsgd_data *d)
{
    if (r->unit == UNIT_BYTES) return d->x.bytes ? 0 : fit_to_bytes(ctx, r, d);
    int err = r->unit == UNIT_STORED && d->x.bytes ? fit_bytes(ctx, r, d) : 0;
    return err || !r->unit ? err : check_pixels(ctx, r, d);
}

/* -------------------------------------------------------------------- shape */

/* Rows of numbers that are images. */
static void fit_shape(const struct hsgd_record *r, struct hsgd_data *d)
{
    struct hsgd_shape s = r->shape;
    int64_t n = hsgd_data_size(d);
    if (hsgd_type_positions(&d->x.type) > 1 || !s.h || (int64_t)s.h * s.w * s.c != n) return;
    if (s.c != n) origin_drop(d);
    d->x.type = shape_type(s);
}

int record_fit(struct hsgd_context *ctx, struct hsgd_record *r, struct hsgd_data *d)
{
    if (!r || !d) return 0;
    int err = fit_columns(ctx, r, d);
    if (err) return err;
    fit_shape(r, d);
    err = record_fit_channels(ctx, r->shape, d, &r->said);
    struct hsgd_shape is = hsgd_data_shape(d), was = r->shape;
    bool fits = is.h == was.h && is.w == was.w && is.c == was.c;
    return err || !fits ? err : fit_unit(ctx, r, d); /* other shapes are refused by the model */
}
