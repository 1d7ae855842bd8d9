/* SPDX-License-Identifier: BSD-3-Clause */
/* Readers of one file each, from a stream or memory: what formats, tests and
 * fuzz targets call.  All return 0, or a negative errno with a sentence that
 * names the stream. */
#ifndef HSGD_DATA_READERS_H
#define HSGD_DATA_READERS_H

#include "../io/stream.h"
#include "format.h"
#include "labels.h"

/* ------------------------------------------------------------------- IDX */

enum { IDX_MAX_DIMENSIONS = 4 };

/* One file: its header and the bytes after it. */
struct idx {
    char *path;
    int dimensions;
    int64_t dim[IDX_MAX_DIMENSIONS];
    uint8_t *bytes;
};

/* Images have 3 or 4 dimensions, labels 1.  idx_free() also after an error. */
int idx_parse(struct hsgd_context *ctx, struct hsgd_stream *s, bool labels, struct idx *f);
void idx_free(struct idx *f);

/* ------------------------------------------------------------ text files */

enum { MAX_FEATURES = 1 << 24 };

/* *out is freed by the caller, also after an error.  labels that are not fixed
 * become those of the file, sorted; samples have `features` values, 0: as many as
 * in the file.  target: the labels are numeric targets of that name; NULL: they are
 * classes.  Without labels (NULL) libsvm_parse() ignores those of the file,
 * which may be missing; csv_parse() reads rows of exactly options->features
 * values, and the header may be missing. */
int libsvm_parse(struct hsgd_context *ctx, struct hsgd_stream *s, int features, struct labels *labels,
                 const char *target, struct hsgd_data **out);
/* Whether the first line that decides is LIBSVM's, with a label or without. */
bool libsvm_is_text(const uint8_t *head, size_t n);
/* A text of any kind as windows of tokens: its training split and, unless it is short or
 * options->test_part < 0, its test split, of the last tokens.  Characters that the
 * classes of the options, or without them the training split, lack are left out. */
int tokens_parse(struct hsgd_context *ctx, struct hsgd_stream *s, const struct hsgd_data_options *options,
                 struct data_splits *out);
/* What the codes of a text are: the same as CHARACTERS, CHARACTERS_OR_BYTES has errors that say how to read bytes. */
enum text_codes { CHARACTERS, CHARACTERS_OR_BYTES, BYTE_CODES };
/* Adds the characters (code points) of a text, or its bytes, to *code, which is freed by
 * the caller, also after an error. */
int characters_add(struct hsgd_context *ctx, const char *name, const uint8_t *bytes, size_t n, enum text_codes as,
                   int32_t **code, int64_t *count);
/* Pairs of texts, a line each: their training split and, of the last ones, their test split. */
int text_pairs_read(struct hsgd_context *ctx, struct hsgd_stream *s, const struct hsgd_data_options *options,
                    struct data_splits *out);
int csv_parse(struct hsgd_context *ctx, struct hsgd_stream *s, const struct hsgd_data_options *options,
              struct labels *labels, struct hsgd_data **out);

#endif
