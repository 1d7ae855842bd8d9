/* SPDX-License-Identifier: BSD-3-Clause */
/* Files of a data set that lies in a folder or in a tar archive, and what
 * they are when they are pictures sorted into folders. */
#ifndef HSGD_DATA_ALBUM_H
#define HSGD_DATA_ALBUM_H

#include "../io/stream.h"
#include "format.h"

/* Pictures may decode to so many bytes beyond STREAM_EXPANSION times their
 * folder or archive. */
enum { ALBUM_FREE = 16 << 20, ALBUM_DEPTH = 32 };

struct album_entry {
    char *name;               /* below the folder or in the archive, with / between its parts */
    bool folder;
    uint8_t *bytes;           /* of an archive's member, to be freed; NULL: in the file */
    int64_t size, changed;    /* bytes; time of the last change, in ns */
    int part, label;          /* after album_sort(): 0 train, 1 test */
};

struct album {
    char *source;             /* the folder or archive */
    struct album_entry *entry;
    int count, room;
    int64_t source_bytes;     /* of the archive, or of all files in the folder */
    struct passed *passed;    /* files that are not read */
    int parts[2];             /* after album_sort(): pictures in each; entry[] is these, train first */
    struct hsgd_names *classes;
};

/* Lists the files of a folder, or reads the members of an archive that may
 * belong to a data set.  Returns 0, or a negative errno with a sentence;
 * album_free() in any case. */
int album_folder(struct hsgd_context *ctx, struct album *a, const char *path);
int album_tar(struct hsgd_context *ctx, struct album *a, struct hsgd_stream *stream);
/* A zip archive of `size` bytes, in memory or, `bytes` NULL, the file `name`. */
int album_zip(struct hsgd_context *ctx, struct album *a, const char *name, const void *bytes, size_t size);
/* Is there a file with a name that `wanted` takes, at most `depth` folders deep? */
bool album_folder_has(const char *path, bool (*wanted)(const char *name), int depth);
bool album_is_tar(const struct data_source *source);
bool album_is_zip(const struct data_source *source);
void album_free(struct album *a);

/* Takes over name and bytes, also when it fails.  Hidden names (".x") are dropped. */
int album_add(struct hsgd_context *ctx, struct album *a, struct album_entry *e);
void album_forget(struct album_entry *e);
int album_begin(struct hsgd_context *ctx, struct album *a, const char *path);

/* Is it the name of a file that a reader may want? */
bool album_wanted(const char *name);
bool album_is_picture(const char *name);
/* Is it the name of an image, of a format that is read or not? */
bool album_is_image(const char *name);
/* Counts a file that is not read, unless its name is hidden. */
int album_pass_over(struct hsgd_context *ctx, struct album *a, const char *name);

/* Puts the entries in order, keeps only those in class folders, and finds
 * parts, classes and labels. */
int album_sort(struct hsgd_context *ctx, struct album *a);

/* The entry with this last part of its name; NULL: none, or none that is a file. */
const struct album_entry *album_find(const struct album *a, const char *last);

/* The bytes of a file: *bytes is e->bytes or, to be freed, *owned. */
int album_load(struct hsgd_context *ctx, const struct album *a, const struct album_entry *e, const uint8_t **bytes,
               size_t *size, void **owned);

/* "SOURCE/NAME" for sentences. */
struct album_name { char text[600]; };
struct album_name album_name(const struct album *a, const struct album_entry *e);

/* Decodes a sorted album, as `resize` and `keep_going` say. */
int album_decode(struct hsgd_context *ctx, const struct album *a, const struct hsgd_data_options *options,
                 struct data_parts *out);

/* CIFAR-10 or CIFAR-100, binary version. */
bool cifar_is(const struct album *a);
bool cifar_is_name(const char *name);
int cifar_read(struct hsgd_context *ctx, const struct album *a, const struct hsgd_data_options *options,
               struct data_parts *out);

#endif
