/* SPDX-License-Identifier: BSD-3-Clause */
/* Texts as streams of tokens, characters or bytes: a sample is a window of the stream,
 * its labels are the tokens one place further. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "readers.h"
#include "record.h"
#include "text.h"
#include "vocabulary.h"

enum { WINDOW = 128, MAX_UNKNOWN = 100 /* one token in so many */ };
#define TEST_PART 0.1

/* A text being read: code points or bytes, which then become tokens. */
struct reading {
    struct hsgd_context *ctx;
    const char *name;
    const struct hsgd_data_options *o;
    bool bytes;
    int window, stride;
    int32_t *token;
    int64_t count;
    struct vocabulary *vocabulary; /* of characters */
    struct hsgd_names *names;
};

static const char *unit(const struct reading *r) { return r->bytes ? "bytes" : "characters"; }

static int out_of_memory(const struct reading *r)
{
    return hsgd_fail(r->ctx, ENOMEM, "%s: out of memory for %lld %s", r->name, (long long)r->count, unit(r));
}

/* ------------------------------------------------------------------ options */

/* What the options and the classes of the training data say. */
static int choose(struct reading *r)
{
    const struct hsgd_data_options *o = r->o;
    bool known = o->classes > 0, bytes = o->tokens && !strcmp(o->tokens, "bytes");
    if (o->tokens && !bytes && strcmp(o->tokens, "characters"))
        return hsgd_fail(r->ctx, EINVAL, "%s: tokens \"%s\" are neither characters nor bytes", r->name, o->tokens);
    r->bytes = known ? !o->class_name : bytes;
    if (known && o->tokens && bytes != r->bytes)
        return hsgd_fail(r->ctx, EINVAL, "%s: the training data was read as %s, not as %s", r->name, unit(r),
                         o->tokens);
    if (known && r->bytes && o->classes != BYTES)
        return hsgd_fail(r->ctx, EINVAL, "%s: %d classes without names are not the %d bytes", r->name, o->classes,
                         BYTES);
    r->window = o->window ? o->window : WINDOW;
    r->stride = o->stride ? o->stride : r->window;
    if (r->window < 1 || r->stride < 1)
        return hsgd_fail(r->ctx, EINVAL, "%s: windows of %d tokens every %d are not possible", r->name, r->window,
                         r->stride);
    return o->test_part < 1 ? 0 : hsgd_fail(r->ctx, EINVAL, "%s: test part %g is not below 1", r->name, o->test_part);
}

/* ------------------------------------------------------------------ reading */

static int add_file(struct reading *r, struct hsgd_stream *s)
{
    uint8_t *bytes = NULL;
    size_t n = 0;
    int err = text_read_all(r->ctx, s, &bytes, &n);
    if (!err)
        err = characters_add(r->ctx, hsgd_stream_name(s), bytes, n, r->bytes ? BYTE_CODES : CHARACTERS_OR_BYTES,
                             &r->token, &r->count);
    free(bytes);
    return err;
}

static int add_path(struct reading *r, const char *path)
{
    struct hsgd_stream *s = hsgd_stream_open(r->ctx, path);
    int err = s ? add_file(r, s) : -EIO;
    hsgd_stream_close(&s);
    return err;
}

/* Files NAME.txt, plain or compressed. */
static int is_text(const struct dirent *d)
{
    static const char *const ends[] = { ".txt", ".txt.gz", ".txt.xz" };
    size_t n = strlen(d->d_name);
    for (size_t i = 0; *d->d_name != '.' && i < sizeof ends / sizeof *ends; i++) {
        size_t length = strlen(ends[i]);
        if (n > length && !strcmp(d->d_name + n - length, ends[i])) return 1;
    }
    return 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); }

static int add_folder(struct reading *r, const char *path)
{
    struct dirent **entry;
    int n = scandir(path, &entry, is_text, by_bytes), err = 0;
    if (n < 0) return hsgd_fail(r->ctx, errno, "%s: cannot list: %s", path, strerror(errno));
    if (!n) err = hsgd_fail(r->ctx, EINVAL, "%s: contains no .txt, .txt.gz or .txt.xz", path);
    for (int i = 0; i < n; i++) {
        char *file = err ? NULL : malloc(strlen(path) + strlen(entry[i]->d_name) + 2);
        if (!err && !file) err = out_of_memory(r);
        if (!err) sprintf(file, "%s/%s", path, entry[i]->d_name);
        if (!err) err = add_path(r, file);
        free(file);
        free(entry[i]);
    }
    free(entry);
    return err;
}

/* --------------------------------------------------------------- vocabulary */

static int find_names(struct reading *r, int64_t train)
{
    const struct hsgd_data_options *o = r->o;
    int wrong = 0, err = 0;
    if (r->bytes) return 0;
    if (o->classes > 0) err = vocabulary_of_names(r->vocabulary, o->class_name, o->classes, &wrong);
    else if (!vocabulary_collect(r->vocabulary, r->token, train)) err = -ENOMEM;
    if (err == -EINVAL)
        return hsgd_fail(r->ctx, EINVAL, "%s: the model predicts classes such as \"%s\", not characters", r->name,
                         hsgd_show(o->class_name[wrong]).text);
    if (!err) r->names = vocabulary_names(r->vocabulary);
    return r->names ? 0 : out_of_memory(r);
}

/* Code points become tokens; a few that the vocabulary lacks are left out.  *n: how many
 * remain. */
static int number(struct reading *r, int32_t *token, int64_t *n)
{
    int64_t kept = 0, all = *n;
    struct character first = { "" };
    for (int64_t i = 0; !r->bytes && i < all; i++) {
        int32_t code = token[i], known = vocabulary_token(r->vocabulary, code);
        if (known >= 0) token[kept++] = known;
        else if (!*first.text) first = character_text(code);
    }
    if (!*first.text) return 0;
    *n = kept;
    if (all - kept > all / MAX_UNKNOWN)
        return hsgd_fail(r->ctx, EINVAL,
                         "%s: %lld of %lld characters, such as \"%s\", are not among the %d of the training text",
                         r->name, (long long)(all - kept), (long long)all, hsgd_show(first.text).text, r->names->count);
    hsgd_log(
        r->ctx, HSGD_LOG_WARNING,
        "%s: %lld of %lld characters, such as \"%s\", are left out: they are not among the %d of the training text",
        r->name, (long long)(all - kept), (long long)all, hsgd_show(first.text).text, r->names->count);
    return 0;
}

/* ------------------------------------------------------------------ windows */

/* A data set of the windows of n tokens, whose memory it takes over. */
static int give_windows(const struct reading *r, int32_t *token, int64_t n, struct hsgd_data **out)
{
    struct hsgd_data *d = *out = hsgd_data_new(r->ctx, r->name);
    if (!d) {
        free(token);
        return -ENOMEM;
    }
    d->count = (n - 1 - r->window) / r->stride + 1;
    d->fields = 2;
    d->x.type = d->y.type = (struct hsgd_type){ HSGD_I32, 1, { r->window } };
    d->x.step = d->y.step = r->stride;
    d->x.classes = d->y.classes = r->bytes ? BYTES : r->names->count;
    d->x.names = hsgd_names_share(r->names);
    d->y.names = hsgd_names_share(r->names);
    d->x.owned = token;
    d->x.numbers = token;
    d->y.numbers = token + 1;
    memcpy(d->y.name, "label", sizeof "label");
    return 0;
}

static int too_short(const struct reading *r, const char *part, int64_t n)
{
    return hsgd_fail(r->ctx, EINVAL, "%s: the %s part of %lld %s is shorter than a window of %d and one more", r->name,
                     part, (long long)n, unit(r), r->window);
}

/* The last tokens are the test split; a short text has none unless it is asked for. */
static int choose_part(const struct reading *r, int64_t *test)
{
    double part = r->o->test_part;
    *test = (int64_t)((double)r->count * (part > 0 ? part : part < 0 ? 0 : TEST_PART));
    if (part > 0 && *test <= r->window) return too_short(r, "test", *test);
    if (*test <= r->window) *test = 0;
    return 0;
}

static int give_test(const struct reading *r, int64_t first, int64_t n, struct hsgd_data **out)
{
    int32_t *copy = malloc((size_t)n * sizeof *copy);
    if (!copy) return out_of_memory(r);
    memcpy(copy, r->token + first, (size_t)n * sizeof *copy);
    return give_windows(r, copy, n, out);
}

static int finish(struct reading *r, struct data_splits *out)
{
    int64_t test = 0, train;
    int err = choose_part(r, &test);
    if (err) return err;
    int64_t first = train = r->count - test;
    err = find_names(r, train);
    if (!err) err = number(r, r->token, &train);
    if (!err && test) err = number(r, r->token + first, &test);
    if (!err && train <= r->window) err = too_short(r, "training", train);
    if (!err && test && test <= r->window) err = too_short(r, "test", test);
    if (!err && test) err = give_test(r, first, test, &out->test);
    if (err) return err;
    int32_t *token = realloc(r->token, (size_t)train * sizeof *token);
    if (!token) return out_of_memory(r);
    r->token = NULL;
    return give_windows(r, token, train, &out->train);
}

typedef int add_fn(struct reading *r, const void *from);

static int read_all(struct reading *r, add_fn *add, const void *from, struct data_splits *out)
{
    int err = choose(r);
    r->vocabulary = err ? NULL : calloc(1, sizeof *r->vocabulary);
    if (!err && !r->vocabulary) err = out_of_memory(r);
    if (!err) err = add(r, from);
    if (!err) err = finish(r, out);
    if (r->vocabulary) vocabulary_free(r->vocabulary);
    free(r->vocabulary);
    free(r->token);
    hsgd_names_free(r->names);
    return err;
}

/* ------------------------------------------------------------------- reader */

static int add_stream(struct reading *r, const void *from) { return add_file(r, *(struct hsgd_stream *const *)from); }

int tokens_parse(struct hsgd_context *ctx, struct hsgd_stream *s, const struct hsgd_data_options *o,
                 struct data_splits *out)
{
    struct reading r = { .ctx = ctx, .name = hsgd_stream_name(s), .o = o };
    return read_all(&r, add_stream, &s, out);
}

static int add_source(struct reading *r, const void *from)
{
    struct stat st;
    const char *path = from;
    if (stat(path, &st)) return hsgd_fail(r->ctx, errno, "data set \"%s\": %s", path, strerror(errno));
    return S_ISDIR(st.st_mode) ? add_folder(r, path) : add_path(r, path);
}

static int read_text(struct hsgd_context *ctx, const char *path, const struct hsgd_data_options *o,
                     struct data_splits *out)
{
    struct reading r = { .ctx = ctx, .name = path, .o = o };
    return read_all(&r, add_source, path, out);
}

/* Any text may be one: it must be asked for. */
static bool is_asked_for(const struct data_source *source)
{
    (void)source;
    return false;
}

const struct data_format hsgd_format_text = { "text", "a text, if --format text says so", is_asked_for, read_text };
