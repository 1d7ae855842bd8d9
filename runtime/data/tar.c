/* SPDX-License-Identifier: BSD-3-Clause */
/* Members of a tar archive, plain, gzip or xz, from a stream, and of a zip
 * archive, which is read from its end; by libarchive. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* newlocale */
#endif
#include "image_set.h"

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 1 << 16, HEADER = 512, CHECKSUM = 148, CHECKSUM_BYTES = 8 };

struct tar {
    struct hsgd_context *ctx;
    struct hsgd_stream *stream; /* NULL: a zip archive */
    struct archive *archive;
    locale_t utf8, before; /* keeps UTF-8 names in any locale; 0: not available */
    struct image_set *set;
    int error;    /* of the stream */
    int64_t kept; /* bytes of members */
    uint8_t block[BLOCK];
};

/* A header contains the sum of its bytes in octal, with the bytes of the sum
 * itself treated as spaces: the only mark that old and new headers share. */
bool image_set_is_tar(const struct data_source *source)
{
    unsigned sum = 0, said = 0;
    if (source->head_bytes < HEADER || !source->head[0]) return false;
    for (int i = 0; i < HEADER; i++)
        sum += i < CHECKSUM || i >= CHECKSUM + CHECKSUM_BYTES ? source->head[i] : (unsigned)' ';
    const uint8_t *digit = source->head + CHECKSUM, *end = digit + CHECKSUM_BYTES;
    while (digit < end && *digit == ' ') digit++;
    for (; digit < end && *digit >= '0' && *digit <= '7'; digit++) said = 8 * said + (unsigned)(*digit - '0');
    return sum == said;
}

static la_ssize_t read_block(struct archive *archive, void *user, const void **block)
{
    struct tar *t = user;
    int64_t n = hsgd_stream_read(t->stream, t->block, BLOCK);
    *block = t->block;
    if (n >= 0) return (la_ssize_t)n;
    t->error = (int)n;
    archive_set_error(archive, EIO, "the stream failed");
    return ARCHIVE_FATAL;
}

/* An error of the stream has its message already. */
static int archive_failed(struct tar *t)
{
    const char *why = archive_error_string(t->archive);
    if (t->error) return t->error;
    return hsgd_fail(t->ctx, EINVAL, "%s: the archive is damaged: %s", t->set->source,
                     why ? hsgd_show(why).text : "no reason given");
}

/* ------------------------------------------------------------------ members */

/* Without "./" and double slashes, and without a slash at the end. */
static void tidy(char *name)
{
    char *to = name;
    for (const char *from = name; *from;) {
        size_t n = strcspn(from, "/");
        if (n && !(n == 1 && *from == '.')) {
            if (to > name) *to++ = '/';
            memmove(to, from, n);
            to += n;
        }
        from += n + (from[n] == '/');
    }
    *to = 0;
}

static bool climbs(const char *name)
{
    for (const char *part = name; part; part = strchr(part, '/')) {
        part += *part == '/';
        if (!strncmp(part, "..", 2) && (!part[2] || part[2] == '/')) return true;
    }
    return false;
}

static const char *member_name(struct archive_entry *m)
{
    const char *name = archive_entry_pathname(m);
    return name ? name : archive_entry_pathname_utf8(m);
}

static int check_member(struct tar *t, struct archive_entry *m, const char *name)
{
    const char *archive = t->set->source;
    if (!name || !*name) return hsgd_fail(t->ctx, EINVAL, "%s: a member has no name", archive);
    if (*name == '/')
        return hsgd_fail(t->ctx, EINVAL, "%s: member \"%s\" has an absolute path", archive, hsgd_show(name).text);
    if (climbs(name))
        return hsgd_fail(t->ctx, EINVAL, "%s: member \"%s\" has .. in its path", archive, hsgd_show(name).text);
    if (!image_set_wants(name)) return 0;
    if (archive_entry_hardlink(m) || archive_entry_symlink(m))
        return hsgd_fail(t->ctx, EINVAL, "%s: member \"%s\" is a link, not a file", archive, hsgd_show(name).text);
    if (archive_entry_is_encrypted(m))
        return hsgd_fail(t->ctx, EINVAL, "%s: member \"%s\" is encrypted", archive, hsgd_show(name).text);
    if (archive_entry_sparse_count(m) > 0)
        return hsgd_fail(t->ctx, EINVAL, "%s: member \"%s\" is a sparse file", archive, hsgd_show(name).text);
    return 0;
}

static int check_kept(struct tar *t)
{
    int64_t source = t->stream ? hsgd_stream_source_bytes(t->stream) : t->set->source_bytes;
    if (t->kept <= STREAM_FREE || (t->kept - STREAM_FREE) / STREAM_EXPANSION <= source) return 0;
    return hsgd_fail(t->ctx, EINVAL, "%s: members expand to more than %d times the size of the archive", t->set->source,
                     STREAM_EXPANSION);
}

/* Memory grows with the bytes that are read, whatever size the header announces. */
static int read_member(struct tar *t, struct archive_entry *m, struct image_entry *e)
{
    int64_t max = archive_entry_size(m), capacity = 0;
    do {
        if (e->size == capacity) {
            int64_t wish = capacity ? 2 * capacity : BLOCK;
            capacity = wish < max ? wish : max > 0 ? max : 1;
            uint8_t *bigger = realloc(e->bytes, (size_t)capacity);
            if (!bigger)
                return hsgd_fail(t->ctx, ENOMEM, "%s: out of memory for %lld bytes", t->set->source,
                                 (long long)capacity);
            e->bytes = bigger;
        }
        la_ssize_t n = max > 0 ? archive_read_data(t->archive, e->bytes + e->size, (size_t)(capacity - e->size)) : 0;
        if (n < 0) return archive_failed(t);
        if (!n) break;
        e->size += n;
        t->kept += n;
        int err = check_kept(t);
        if (err) return err;
    } while (e->size < max);
    return 0;
}

static int take_member(struct tar *t, struct archive_entry *m)
{
    const char *text = member_name(m);
    int err = check_member(t, m, text);
    struct image_entry e = { .folder = archive_entry_filetype(m) == AE_IFDIR };
    bool file = archive_entry_filetype(m) == AE_IFREG && image_set_wants(text ? text : "");
    if (err || (!e.folder && !file && archive_entry_filetype(m) != AE_IFREG)) return err;
    if (!(e.name = strdup(text))) return hsgd_fail(t->ctx, ENOMEM, "%s: out of memory", t->set->source);
    tidy(e.name);
    if (!e.folder && !file) {
        err = image_set_pass_over(t->ctx, t->set, e.name);
        image_entry_free(&e);
        return err;
    }
    if (file) err = read_member(t, m, &e);
    if (!err && *e.name) return image_set_add(t->ctx, t->set, &e);
    image_entry_free(&e);
    return err;
}

static int take_members(struct tar *t)
{
    struct archive_entry *m;
    int code, err = 0;
    while (!err && (code = archive_read_next_header(t->archive, &m)) != ARCHIVE_EOF)
        err = code == ARCHIVE_OK || code == ARCHIVE_WARN ? take_member(t, m) : archive_failed(t);
    return err;
}

/* Reads what follows the members, so that a damaged end of the file is noticed. */
static int read_rest(struct tar *t)
{
    int64_t n;
    do n = hsgd_stream_read(t->stream, t->block, BLOCK);
    while (n > 0);
    t->set->source_bytes = hsgd_stream_source_bytes(t->stream);
    return (int)n;
}

static int read_tar(struct tar *t)
{
    if (archive_read_support_format_tar(t->archive) < ARCHIVE_WARN)
        return hsgd_fail(t->ctx, ENOMEM, "%s: out of memory", t->set->source);
    int err =
        archive_read_open(t->archive, t, NULL, read_block, NULL) == ARCHIVE_OK ? take_members(t) : archive_failed(t);
    return err ? err : read_rest(t);
}

/* Opens a zip archive in memory, or, when `bytes` is NULL, the file. */
static bool open_zip(struct archive *archive, const char *path, const void *bytes, size_t size)
{
    if (archive_read_support_format_zip_seekable(archive) < ARCHIVE_WARN) return false;
    int code =
        bytes ? archive_read_open_memory(archive, bytes, size) : archive_read_open_filename(archive, path, BLOCK);
    return code == ARCHIVE_OK;
}

static int begin(struct hsgd_context *ctx, struct image_set *a, const char *name, struct tar **t)
{
    int err = image_set_begin(ctx, a, name);
    *t = err ? NULL : calloc(1, sizeof **t);
    if (*t) **t = (struct tar){ .ctx = ctx, .set = a, .archive = archive_read_new() };
    if (*t) (*t)->utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    if (*t && (*t)->utf8) (*t)->before = uselocale((*t)->utf8);
    return *t && (*t)->archive ? 0 : err ? err : hsgd_fail(ctx, ENOMEM, "%s: out of memory", name);
}

static void end(struct tar *t)
{
    if (!t) return;
    archive_read_free(t->archive);
    if (t->utf8) uselocale(t->before);
    if (t->utf8) freelocale(t->utf8);
    free(t);
}

int image_set_tar(struct hsgd_context *ctx, struct image_set *a, struct hsgd_stream *stream)
{
    struct tar *t;
    int err = begin(ctx, a, hsgd_stream_name(stream), &t);
    if (!err) {
        t->stream = stream;
        err = read_tar(t);
    }
    end(t);
    return err;
}

int image_set_zip(struct hsgd_context *ctx, struct image_set *a, const char *name, const void *bytes, size_t size)
{
    struct tar *t;
    int err = begin(ctx, a, name, &t);
    a->source_bytes = (int64_t)size;
    if (!err) err = open_zip(t->archive, name, bytes, size) ? take_members(t) : archive_failed(t);
    end(t);
    return err;
}

/* Of a damaged archive, only the header of its first member is inspected:
 * PK, 3, 4, ..., length of the name in byte 26, name from byte 30 on. */
static bool begins_with_image(const struct data_source *source)
{
    enum { LENGTH = 26, NAME = 30 };
    char name[256];
    size_t n = source->head_bytes > NAME ? source->head[LENGTH] : 0;
    if (source->head_bytes < NAME + n) return false;
    memcpy(name, source->head + NAME, n);
    name[n] = 0;
    return n && (name[n - 1] == '/' || image_is_name(name));
}

/* Does it have a member that may be an image?  Other zip archives are NumPy's. */
bool image_set_is_zip(const struct data_source *source)
{
    if (source->folder || source->head_bytes < 4 || memcmp(source->head, "PK\3\4", 4)) return false;
    struct archive *archive = archive_read_new();
    struct archive_entry *m;
    bool found = false;
    int code = archive && open_zip(archive, source->path, NULL, 0) ? ARCHIVE_OK : ARCHIVE_FATAL;
    while (!found && (code == ARCHIVE_OK || code == ARCHIVE_WARN)) {
        code = archive_read_next_header(archive, &m);
        const char *name = code == ARCHIVE_OK || code == ARCHIVE_WARN ? member_name(m) : NULL;
        found = name && (image_set_wants(name) || image_is_name(name));
    }
    archive_read_free(archive);
    return found || (code != ARCHIVE_EOF && begins_with_image(source));
}
