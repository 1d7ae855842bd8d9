/* SPDX-License-Identifier: BSD-3-Clause */
/* The files of a data set in a folder or an archive, and the classes and splits
 * of images that are sorted into folders. */
#ifndef HSGD_DATA_IMAGE_SET_H
#define HSGD_DATA_IMAGE_SET_H

#include "../io/stream.h"
#include "format.h"

/* Decoded images may have IMAGE_SET_FREE bytes plus STREAM_EXPANSION times the
 * size of their folder or archive.  IMAGE_SET_DEPTH: maximum nesting of folders. */
enum { IMAGE_SET_FREE = 16 << 20, IMAGE_SET_DEPTH = 32 };

struct image_entry {
    char *name; /* relative to the folder or archive, with / as separator */
    bool folder;
    uint8_t *bytes;        /* of an archive's member, to be freed; NULL: still in the file */
    int64_t size, changed; /* bytes; time of the last modification, in ns */
    int split, label;      /* after image_set_sort(): 0 train, 1 test */
};

struct image_set {
    char *source; /* the folder or archive */
    struct image_entry *entry;
    int count, capacity;
    int64_t source_bytes;  /* of the archive, or of all files in the folder */
    struct passed *passed; /* files that are not read */
    int splits[2];         /* after image_set_sort(): images in each split; entry[] has these, train first */
    struct hsgd_names *classes;
};

/* Lists the files of a folder, or reads the members of an archive that may
 * belong to a data set.  Returns 0, or a negative errno with a message;
 * image_set_free() in any case. */
int image_set_folder(struct hsgd_context *ctx, struct image_set *a, const char *path);
int image_set_tar(struct hsgd_context *ctx, struct image_set *a, struct hsgd_stream *stream);
/* A zip archive of `size` bytes: in memory or, if `bytes` is NULL, the file `name`. */
int image_set_zip(struct hsgd_context *ctx, struct image_set *a, const char *name, const void *bytes, size_t size);
/* Is there a file whose name `wanted` accepts, at most `depth` folders deep? */
bool image_set_folder_has(const char *path, bool (*wanted)(const char *name), int depth);
bool image_set_is_tar(const struct data_source *source);
bool image_set_is_zip(const struct data_source *source);
void image_set_free(struct image_set *a);

/* Takes over name and bytes, also when it fails.  Hidden names (".x") are dropped. */
int image_set_add(struct hsgd_context *ctx, struct image_set *a, struct image_entry *e);
void image_entry_free(struct image_entry *e);
int image_set_begin(struct hsgd_context *ctx, struct image_set *a, const char *path);

/* Is it the name of a file that a reader may want? */
bool image_set_wants(const char *name);
/* Is it the name of a PNG or JPEG file? */
bool image_is_supported(const char *name);
/* Is it the name of an image, in a supported format or not? */
bool image_is_name(const char *name);
/* Counts a file that is not read, unless its name is hidden. */
int image_set_pass_over(struct hsgd_context *ctx, struct image_set *a, const char *name);

/* Sorts the entries, keeps only images in class folders, and finds splits,
 * classes and labels. */
int image_set_sort(struct hsgd_context *ctx, struct image_set *a);

/* The same without classes: images at any depth below the folders of the splits, or
 * below the set's folder where there is none for training.  All have label 0. */
int image_set_sort_splits(struct hsgd_context *ctx, struct image_set *a);

/* The file with this name, in any folder; NULL: none. */
const struct image_entry *image_set_find(const struct image_set *a, const char *last);

/* The bytes of a file: *bytes is e->bytes or, to be freed, *owned. */
int image_set_load(struct hsgd_context *ctx, const struct image_set *a, const struct image_entry *e,
                   const uint8_t **bytes, size_t *size, void **owned);

/* "SOURCE/NAME" for messages. */
struct image_set_name {
    char text[600];
};
struct image_set_name image_set_name(const struct image_set *a, const struct image_entry *e);

/* Decodes a sorted set with the options `resize` and `keep_going`. */
int image_set_decode(struct hsgd_context *ctx, const struct image_set *a, const struct hsgd_data_options *options,
                     struct data_splits *out);

/* The same from the cache, if it has this set; it gets what is decoded. */
int image_set_decode_cached(struct hsgd_context *ctx, const struct image_set *a,
                            const struct hsgd_data_options *options, bool paired, struct data_splits *out);

/* A folder of images and, in options->target, one with an image of the same name
 * for each, which becomes its field "target". */
int image_pairs_read(struct hsgd_context *ctx, const char *path, const struct hsgd_data_options *options,
                     struct data_splits *out);

/* CIFAR-10 or CIFAR-100, binary version. */
bool cifar_is(const struct image_set *a);
bool cifar_is_name(const char *name);
int cifar_read(struct hsgd_context *ctx, const struct image_set *a, const struct hsgd_data_options *options,
               struct data_splits *out);

#endif
