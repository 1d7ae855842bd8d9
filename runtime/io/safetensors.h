/* SPDX-License-Identifier: BSD-3-Clause */
/* safetensors files: a JSON header with strings, and named tensors: the format of
 * weights and checkpoints.
 * Source: https://github.com/huggingface/safetensors, "Format"; what the
 * reference refuses is refused. */
#ifndef HSGD_IO_SAFETENSORS_H
#define HSGD_IO_SAFETENSORS_H

#include <hsgd/context.h>
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#define SAFETENSORS_DIMS 8

/* Element types; the table in safetensors.c has their names and sizes. */
enum safetensors_type {
    SAFETENSORS_BOOL,
    SAFETENSORS_U8,
    SAFETENSORS_I8,
    SAFETENSORS_I16,
    SAFETENSORS_U16,
    SAFETENSORS_F16,
    SAFETENSORS_BF16,
    SAFETENSORS_I32,
    SAFETENSORS_U32,
    SAFETENSORS_F32,
    SAFETENSORS_I64,
    SAFETENSORS_U64,
    SAFETENSORS_F64,
    SAFETENSORS_C64,
    SAFETENSORS_F8_E5M2,
    SAFETENSORS_F8_E4M3,
    SAFETENSORS_F8_E8M0,
    SAFETENSORS_F6_E2M3,
    SAFETENSORS_F6_E3M2,
    SAFETENSORS_F4
};

struct safetensor {
    const char *name;
    enum safetensors_type type;
    int ndims;
    int64_t dims[SAFETENSORS_DIMS];
    int64_t count; /* elements: product of dims */
    size_t bytes;
    const void *data; /* inside the file's bytes; may be unaligned in foreign files: memcpy it */
};

/* ------------------------------------------------------------- reading */

/* A file in memory. */
struct safetensors {
    char *path;   /* for sentences */
    void *memory; /* the file's bytes if they are to be freed */
    json_t *header;
    int ntensors;
    struct safetensor *tensor; /* in the order of the header */
};

/* Reads and checks a whole file.  Returns 0 or a negative errno with a
 * sentence that names the file, tensor, field and value; then there is nothing
 * to close. */
int safetensors_read(struct hsgd_context *ctx, struct safetensors *f, const char *path);

/* The same from memory that stays the caller's and must outlive f; path is
 * for sentences only. */
int safetensors_parse(struct hsgd_context *ctx, struct safetensors *f, const char *path, const void *bytes,
                      size_t size);

/* Frees what was read.  NULL-safe and harmless when repeated. */
void safetensors_close(struct safetensors *f);

/* The string that __metadata__ has for key; NULL: none. */
const char *safetensors_metadata(const struct safetensors *f, const char *key);

/* NULL: there is no such tensor. */
const struct safetensor *safetensors_find(const struct safetensors *f, const char *name);

/* A tensor that must exist with this type and shape (ndims 0: a number, dims
 * may be NULL): NULL after a sentence when it is not (-EINVAL). */
const struct safetensor *safetensors_need(struct hsgd_context *ctx, const struct safetensors *f, const char *name,
                                          enum safetensors_type type, int ndims, const int64_t *dims);

/* -EINVAL with a sentence when an element of an F32 or F64 tensor is NaN or
 * infinite; other types pass. */
int safetensors_check_finite(struct hsgd_context *ctx, const struct safetensors *f, const struct safetensor *t);

/* ------------------------------------------------------------- writing */

/* A file being written in one pass: start, describe and declare everything,
 * append the data of all tensors in the order in which they were declared,
 * finish.  The first error is kept, so only finish() has to be checked. */
struct safetensors_writer {
    struct hsgd_context *ctx;
    const char *path; /* for sentences; the caller's */
    FILE *file;       /* the caller's, such as that of an hsgd_atomic */
    json_t *header, *metadata;
    uint64_t declared, appended; /* bytes of data */
    bool begun;                  /* the header is written */
    int error;
};

void safetensors_start(struct safetensors_writer *w, struct hsgd_context *ctx, FILE *file, const char *path);
/* A string for __metadata__; both must be UTF-8. */
void safetensors_describe(struct safetensors_writer *w, const char *key, const char *value);
void safetensors_declare(struct safetensors_writer *w, const char *name, enum safetensors_type type, int ndims,
                         const int64_t *dims);
void safetensors_append(struct safetensors_writer *w, const void *data, size_t bytes);
/* Returns 0 or the first error, -EINVAL also when other than the declared
 * bytes were appended; frees what the writer holds.  The file stays open and
 * is not flushed. */
int safetensors_finish(struct safetensors_writer *w);

#endif
