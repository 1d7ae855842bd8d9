/* SPDX-License-Identifier: BSD-3-Clause */
/* NumPy's .npz: a zip archive of arrays, read by libarchive. */
#include "numpy.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../io/file.h"
#include "lengths.h"
#include "../io/stream.h"
#include "base/c_locale.h"
#include "text.h"

enum { MAX_ARRAYS = 32, FIRST_CHUNK = 1 << 12 };

/* An archive being read.  The decompressed size of all members together is
 * limited as for streams. */
struct npz {
    struct hsgd_context *ctx;
    const char *name, *label; /* label: array of the labels or targets; NULL: a usual name */
    char test_label[64];      /* and that of the test split; "": none */
    struct npz_fields fields; /* by --fields */
    struct archive *archive;
    int64_t left; /* bytes that may still come out */
    struct array array[MAX_ARRAYS];
    bool used[MAX_ARRAYS]; /* by a field */
    int arrays;
    char **other; /* names of the other arrays */
    int64_t others, other_capacity;
    char *first; /* name of the first member, whatever it is */
};

static int archive_failed(const struct npz *z)
{
    const char *why = archive_error_string(z->archive);
    return hsgd_fail(z->ctx, EINVAL, "%s: the zip archive is damaged: %s", z->name,
                     why ? hsgd_show(why).text : "no reason given");
}

/* NAME with "train" replaced by "test"; "" if it has none. */
static void test_label(const char *name, char *out, size_t size)
{
    const char *train = strstr(name, "train");
    snprintf(out, size, "%.*s%s%s", train ? (int)(train - name) : 0, name, train ? "test" : "", train ? train + 5 : "");
}

/* ----------------------------------------------------------------- members */

/* Is a component of the path ".."? */
static bool climbs(const char *name)
{
    for (const char *c = name; c; c = strchr(c, '/'), c = c ? c + 1 : NULL)
        if (!strncmp(c, "..", 2) && (!c[2] || c[2] == '/')) return true;
    return false;
}

static bool is_wanted(const struct npz *z, const char *key)
{
    bool wanted = z->label && (!c_strcasecmp(key, z->label) || !c_strcasecmp(key, z->test_label));
    for (int i = 0; i < z->fields.count && !wanted; i++)
        wanted = !c_strcasecmp(key, z->fields.field[i].array) || !c_strcasecmp(key, z->fields.field[i].test);
    for (int i = 0; i < NUMPY_ROWS * ARRAY_ROLES && !wanted; i++)
        wanted = !c_strcasecmp(key, numpy_names[i / ARRAY_ROLES][i % ARRAY_ROLES]);
    return wanted;
}

static int read_member(struct npz *z, struct array *a)
{
    size_t capacity = 0;
    la_ssize_t n = 1;
    const char *kind = archive_format_name(z->archive);
    if (!kind || (!strstr(kind, "(uncompressed)") && !strstr(kind, "(deflation)")))
        return hsgd_fail(z->ctx, EINVAL, "%s: is neither stored nor deflated", a->name);
    while (n > 0) {
        if (a->size == capacity) {
            capacity = capacity ? 2 * capacity : FIRST_CHUNK;
            uint8_t *bigger = realloc(a->bytes, capacity);
            if (!bigger) return hsgd_fail(z->ctx, ENOMEM, "%s: out of memory", a->name);
            a->bytes = bigger;
        }
        n = archive_read_data(z->archive, a->bytes + a->size, capacity - a->size);
        if (n < 0) return archive_failed(z);
        a->size += (size_t)n;
        z->left -= n;
        if (z->left < 0)
            return hsgd_fail(z->ctx, EINVAL, "%s: expands to more than %d times the archive's size", a->name,
                             STREAM_EXPANSION);
    }
    return 0;
}

static int note_other(struct npz *z, const char *path, size_t length)
{
    char *key =
        text_grow(&z->other, &z->other_capacity, z->others + 1, sizeof *z->other) ? strndup(path, length) : NULL;
    if (!key) return hsgd_fail(z->ctx, ENOMEM, "%s: out of memory", z->name);
    z->other[z->others++] = key;
    return 0;
}

/* Names of arrays that differ only in letter case are equal. */
static int check_repeated(const struct npz *z, const char *key)
{
    for (int i = 0; i < z->arrays; i++)
        if (!c_strcasecmp(z->array[i].key, key))
            return hsgd_fail(z->ctx, EINVAL, "%s: there are two arrays \"%s\" and \"%s\"; one is expected", z->name,
                             hsgd_show(z->array[i].key).text, hsgd_show(key).text);
    return 0;
}

static int take_member(struct npz *z, const char *path, size_t length)
{
    struct array *a = &z->array[z->arrays];
    a->key = strndup(path, length);
    size_t capacity = strlen(z->name) + length + 16;
    a->name = malloc(capacity);
    if (!a->key || !a->name) return hsgd_fail(z->ctx, ENOMEM, "%s: out of memory", z->name);
    snprintf(a->name, capacity, "%s: %s.npy", z->name, hsgd_show_bytes(a->key, length).text);
    z->arrays++;
    return read_member(z, a);
}

static int look_at_member(struct npz *z, struct archive_entry *member)
{
    const char *path = archive_entry_pathname(member);
    size_t n = path ? strlen(path) : 0;
    if (!n) return hsgd_fail(z->ctx, EINVAL, "%s: a member has no name", z->name);
    if (!z->first && !(z->first = strdup(path))) return hsgd_fail(z->ctx, ENOMEM, "%s: out of memory", z->name);
    if (*path == '/' || climbs(path))
        return hsgd_fail(z->ctx, EINVAL, "%s: member \"%s\" leaves the archive", z->name, hsgd_show(path).text);
    if (n < 5 || strcmp(path + n - 4, ".npy")) return 0;
    char key[64];
    snprintf(key, sizeof key, "%.*s", (int)(n - 4 < 63 ? n - 4 : 63), path);
    if (!is_wanted(z, key) || z->arrays == MAX_ARRAYS) return note_other(z, path, n - 4);
    int err = check_repeated(z, key);
    return err ? err : take_member(z, path, n - 4);
}

static int read_members(struct npz *z)
{
    struct archive_entry *member;
    int code, err = 0;
    while (!err && (code = archive_read_next_header(z->archive, &member)) == ARCHIVE_OK)
        err = look_at_member(z, member);
    return err ? err : code == ARCHIVE_EOF ? 0 : archive_failed(z);
}

/* ------------------------------------------------------------------- roles */

static struct array *find(struct npz *z, const char *key)
{
    for (int i = 0; i < z->arrays; i++)
        if (z->array[i].key && !c_strcasecmp(z->array[i].key, key)) return &z->array[i];
    return NULL;
}

static int no_arrays(const struct npz *z)
{
    char known[200];
    size_t used = 0;
    if (!z->arrays && !z->others)
        return hsgd_fail(z->ctx, EINVAL,
                         "%s: a zip archive with neither image folders nor arrays: the first member is "
                         "\"%s\"",
                         z->name, z->first ? hsgd_show(z->first).text : "");
    for (int64_t i = 0; i < z->arrays + z->others && used < sizeof known; i++)
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "",
                                 hsgd_show(i < z->arrays ? z->array[i].key : z->other[i - z->arrays]).text);
    return hsgd_fail(z->ctx, EINVAL, "%s: no arrays %s or x and %s, or other known names; it has: %s", z->name,
                     z->label ? "x_train" : "x_train and y_train", z->label ? hsgd_show(z->label).text : "y", known);
}

/* Moves the arrays to their roles by the first row of names that has samples
 * and labels. */
static int choose(struct npz *z, struct array role[ARRAY_ROLES])
{
    for (int i = 0; i < NUMPY_ROWS; i++) {
        const char *const *name = numpy_names[i];
        struct array *from[ARRAY_ROLES] = { find(z, name[ARRAY_X]), find(z, z->label ? z->label : name[ARRAY_Y]),
                                            find(z, name[ARRAY_TEST_X]),
                                            find(z, z->label ? z->test_label : name[ARRAY_TEST_Y]) };
        if (!from[ARRAY_X] || !from[ARRAY_Y] || from[ARRAY_X] == from[ARRAY_Y]) continue;
        bool test = from[ARRAY_TEST_X] && from[ARRAY_TEST_Y] && from[ARRAY_TEST_X] != from[ARRAY_TEST_Y];
        for (int k = 0; k < (test ? ARRAY_ROLES : ARRAY_TEST_X); k++) {
            role[k] = *from[k];
            *from[k] = (struct array){ 0 };
        }
        return 0;
    }
    return no_arrays(z);
}

static int open_archive(struct npz *z, const void *bytes, size_t size)
{
    z->archive = archive_read_new();
    if (!z->archive) return hsgd_fail(z->ctx, ENOMEM, "%s: out of memory", z->name);
    archive_read_support_format_zip(z->archive);
    return archive_read_open_memory(z->archive, bytes, size) == ARCHIVE_OK ? 0 : archive_failed(z);
}

/* Notes the arrays without a role. */
static int keep_ignored(const struct npz *z, struct hsgd_data *d)
{
    int n = 0;
    const char **name = calloc((size_t)(z->arrays + z->others) + 1, sizeof *name);
    for (int i = 0; name && i < z->arrays; i++)
        if (z->array[i].key && !z->used[i]) name[n++] = z->array[i].key;
    for (int64_t i = 0; name && i < z->others; i++) name[n++] = z->other[i];
    if (n) d->ignored = hsgd_names_copy(name, n);
    bool memory = name && (!n || d->ignored);
    free(name);
    return memory ? 0 : hsgd_fail(z->ctx, ENOMEM, "%s: out of memory", z->name);
}

static void close_npz(struct npz *z)
{
    for (int i = 0; i < z->arrays; i++) array_free(&z->array[i]);
    for (int64_t i = 0; i < z->others; i++) free(z->other[i]);
    free(z->other);
    free(z->first);
}

/* ------------------------------------------------------------------- fields */

static int no_array(const struct npz *z, const struct npz_field *f, bool test)
{
    return hsgd_fail(z->ctx, EINVAL, "%s: --fields \"%s\": there is no array \"%s\"%s", z->name, f->name,
                     hsgd_show(test ? f->test : f->array).text, test ? " for the test split" : "");
}

/* Reads x where --fields has it; else the samples and labels were read. */
static int begin_split(struct npz *z, bool test, const struct hsgd_data *train, struct hsgd_data **out)
{
    const struct npz_field *x = npz_field_named(&z->fields, "x");
    struct array *a = x ? find(z, test ? x->test : x->array) : NULL;
    if (!x || (test && !a)) return 0;
    if (!a) return no_array(z, x, test);
    *out = hsgd_data_new(z->ctx, z->name);
    if (!*out) return -ENOMEM;
    if (train) (*out)->x.classes = train->x.classes;
    z->used[a - z->array] = true;
    return numpy_field(z->ctx, a, x, *out, &(*out)->x);
}

static int add_field(struct npz *z, const struct npz_field *f, const struct hsgd_data *train, struct hsgd_data *d)
{
    struct array *a = find(z, train ? f->test : f->array);
    const struct data_field *as = train ? data_field(train, f->name) : NULL;
    struct data_field *to = &d->field[d->fields];
    if (!strcmp(f->name, "x")) return 0;
    if (!a) return no_array(z, f, train);
    if (data_field(d, f->name))
        return hsgd_fail(z->ctx, EINVAL, "%s: --fields \"%s\": the samples have such a field already", z->name,
                         f->name);
    if (as) to->classes = as->classes;
    z->used[a - z->array] = true;
    d->fields++;
    return numpy_field(z->ctx, a, f, d, to);
}

/* train NULL: d is the training split. */
static int add_fields(struct npz *z, const struct hsgd_data *train, struct hsgd_data *d)
{
    int err = 0;
    for (int i = 0; !err && d && i < z->fields.count; i++) err = add_field(z, &z->fields.field[i], train, d);
    for (int i = 0; !err && train && d && i < d->fields; i++)
        if (!type_equal(&d->field[i].type, &train->field[i].type))
            err = hsgd_fail(z->ctx, EINVAL, "%s: --fields \"%s\": test and training samples differ in size", z->name,
                            d->field[i].name);
    if (!err && d && z->fields.count) err = lengths_check(z->ctx, d);
    return err;
}

static int read_splits(struct npz *z, struct array role[ARRAY_ROLES], const struct hsgd_data_options *options,
                       struct data_splits *out)
{
    bool own = npz_field_named(&z->fields, "x");
    int err = own ? begin_split(z, false, NULL, &out->train) : choose(z, role);
    if (!err && own) err = begin_split(z, true, out->train, &out->test);
    if (!err && !own) err = numpy_splits(z->ctx, z->name, role, options, out);
    if (!err) err = add_fields(z, NULL, out->train);
    return err ? err : add_fields(z, out->train, out->test);
}

int npz_parse(struct hsgd_context *ctx, const char *name, const void *bytes, size_t size,
              const struct hsgd_data_options *options, struct data_splits *out)
{
    struct npz z = { .ctx = ctx, .name = name, .label = options->target ? options->target : options->label };
    struct array role[ARRAY_ROLES] = { { 0 } };
    if (z.label) test_label(z.label, z.test_label, sizeof z.test_label);
    z.left = STREAM_FREE + (int64_t)size * STREAM_EXPANSION;
    int err = npz_fields_read(ctx, name, options->fields, &z.fields);
    if (!err) err = open_archive(&z, bytes, size);
    if (!err) err = read_members(&z);
    if (z.archive) archive_read_free(z.archive);
    if (!err) err = read_splits(&z, role, options, out);
    if (!err) err = keep_ignored(&z, out->train);
    close_npz(&z);
    for (int i = 0; i < ARRAY_ROLES; i++) array_free(&role[i]);
    return err;
}

int npz_samples(struct hsgd_context *ctx, const char *name, const void *bytes, size_t size, struct array *out)
{
    struct npz z = { .ctx = ctx, .name = name };
    struct array *x = NULL;
    z.left = STREAM_FREE + (int64_t)size * STREAM_EXPANSION;
    int err = open_archive(&z, bytes, size);
    if (!err) err = read_members(&z);
    archive_read_free(z.archive);
    for (int i = 0; i < NUMPY_ROWS && !x; i++) x = find(&z, numpy_names[i][ARRAY_X]);
    if (!err && !x && !z.arrays && !z.others)
        err = hsgd_fail(ctx, EINVAL, "%s: is an archive without arrays (.npy); unpack it to read its images", name);
    else if (!err && !x) err = no_arrays(&z);
    if (!err) {
        *out = *x;
        *x = (struct array){ 0 };
    }
    close_npz(&z);
    return err;
}

static int read_npz(struct hsgd_context *ctx, const char *path, const struct hsgd_data_options *options,
                    struct data_splits *out)
{
    void *bytes;
    size_t size;
    int err = hsgd_file_read(ctx, path, INT64_MAX, &bytes, &size);
    if (err) return err;
    err = npz_parse(ctx, path, bytes, size, options, out);
    free(bytes);
    return err;
}

static bool is_npz(const struct data_source *source)
{
    return !source->folder && source->head_bytes >= 4 && !memcmp(source->head, "PK\x03\x04", 4);
}

const struct data_format hsgd_format_npz = { "npz", "a NumPy archive (.npz)", is_npz, read_npz };
