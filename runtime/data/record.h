/* SPDX-License-Identifier: BSD-3-Clause */
/* What is known of a data set: a checkpoint's record of its training data, by
 * which other data is read.  Its text is JSON with an entry per field of a
 * sample (x and label or target, or those of hsgd_data_arrays()), each with a
 * version of its own:
 * {"version": 1, "format", "samples", "fields": {
 *   "x": {"version": 1, "shape": [h, w, c], "columns", "ignored", "unit": "8-bit"|"as stored", "minimum", "maximum",
 *         "mean", "inv_std", "table", "sha256"},
 *   "label": {"version": 1, "column", "classes": [names]|n, "sha256"},
 *   other names: {"version": 1, "dtype": "f32"|"i32"|"u8", "dim": [...], "columns", "classes", and as for x}}}
 * "table": [{"name", "categories": [...]} or {"name", "fill", "indicator"}], where columns of the file became several
 * features (table.h).  x has a "dim" only if it is neither {c} nor {h, w, c}. */
#ifndef HSGD_DATA_RECORD_H
#define HSGD_DATA_RECORD_H

#include "format.h"

/* 8-bit values are treated as 0 to 1. */
enum record_unit { UNIT_UNKNOWN, UNIT_BYTES, UNIT_STORED };

/* Changes that were logged already. */
enum { SAID_GREY = 1, SAID_COLOUR = 2, SAID_UNIT = 4, SAID_SIZE = 8 };

/* A field: as in struct data_field, and what is known of its values. */
struct record_field {
    char name[FIELD_NAME];
    struct hsgd_type type; /* rank HSGD_ANY: not known */
    struct hsgd_names *columns;
    int classes; /* 0: not known, or none */
    struct hsgd_names *names;
    enum record_unit unit;           /* of floats */
    double low, high;                /* the smallest and largest value, in that unit */
    struct hsgd_normalisation *norm; /* of floats but x, whose user decides; NULL: none */
    char hash[65];                   /* "": not known */
};

struct hsgd_record {
    char *format;  /* "": not known */
    int64_t count; /* samples; 0: not known */
    struct hsgd_names *ignored;
    struct table *table; /* as in struct hsgd_data */
    unsigned said;
    int fields;
    union {
        struct record_field field[MAX_FIELDS];
        struct {
            struct record_field x, y; /* the first two: of data that was read, x and label or target */
        };
    };
};

/* A record in which everything is unknown, with fields x and label; NULL when memory
 * is exhausted. */
struct hsgd_record *record_new(void);

/* The field with this name; NULL: there is none, or r is NULL. */
const struct record_field *record_field(const struct hsgd_record *r, const char *name);

/* The values of the field are not normalised. */
void record_keep_as_is(struct hsgd_record *r, const char *name);

/* The shape of x; {0, 0, 0}: not known. */
struct hsgd_shape record_shape(const struct hsgd_record *r);

/* ------------------------------------------------------------------ reading */

/* Sets the options that were not given, for data of this format. */
void record_options(const struct hsgd_record *r, const char *format, struct hsgd_data_options *o);

/* Whether the data is read with numeric targets in place of labels. */
bool record_wants_targets(const struct hsgd_data_options *o);

/* Whether a text that was recognised as `found` may have the record's format
 * instead: one is csv, the other libsvm. */
bool record_prefers(const struct hsgd_record *r, const char *found);

/* Whether columns are matched by name.  False for NULL. */
bool record_has_columns(const struct hsgd_record *r);

/* Whether the record has the column as label or as ignored, and not as a feature.
 * False for NULL. */
bool record_passes_over(const struct hsgd_record *r, const char *column);

/* -EINVAL with the names of both when the columns of x are not those of the record,
 * in any order; columns NULL, or none in the record: 0. */
int record_check_columns(struct hsgd_context *ctx, const struct hsgd_record *r, const char *name,
                         const struct hsgd_names *columns);

/* -EINVAL unless the columns of x in d, where both have names, are these in the same
 * order: for data that is in memory already. */
int record_check_order(struct hsgd_context *ctx, const struct hsgd_names *columns, const struct hsgd_data *d);

/* Converts the fields to the record's order of columns, channels and unit; d owns
 * its samples.  r NULL: does nothing.  -EINVAL with a sentence, too, where d has
 * labels and the record targets, or the other way round; d with x only is input
 * of a prediction. */
int record_fit(struct hsgd_context *ctx, struct hsgd_record *r, struct hsgd_data *d);

/* Channels only: converts grey to colour or colour to grey where that gives this
 * shape.  *said: the changes that were logged. */
int record_fit_channels(struct hsgd_context *ctx, struct hsgd_shape shape, struct hsgd_data *d, unsigned *said);

/* The unit of one field, which is f in d. */
int record_fit_unit(struct hsgd_context *ctx, struct hsgd_record *r, int field, const struct hsgd_data *d,
                    struct data_field *f);

/* True once for each kind of change, so that a thousand images log one line. */
bool record_first_time(unsigned *said, unsigned what);

/* ------------------------------------------------------------------- tokens */

/* Whether it is of a text, whose vocabulary are the classes of x.  False for NULL. */
bool record_has_tokens(const struct hsgd_record *r);

/* Whether it is of pairs of texts, with such a vocabulary.  False for NULL. */
bool record_has_pairs(const struct hsgd_record *r);

/* The tokens of a text, to be freed, also after an error; `name` begins every
 * sentence. */
int record_tokens(struct hsgd_context *ctx, const struct hsgd_record *r, const char *name, const void *bytes, size_t n,
                  int32_t **token, int64_t *count);

/* Gives x of d one sample, n tokens of the record, and their memory. */
void tokens_give(struct hsgd_data *d, int32_t *token, const struct hsgd_record *r, int n);

/* --------------------------------------------------------------------- text */

/* The record and the normalisation (NULL: none) as JSON, to be freed; NULL
 * after a sentence. */
char *record_text(struct hsgd_context *ctx, const struct hsgd_record *r, const struct hsgd_normalisation *norm);

/* Reads it; `where` begins every sentence.  *norm becomes NULL where the text
 * has none.  NULL, and *norm too: the text is damaged or of a later version, or
 * out of memory. */
struct hsgd_record *record_parse(struct hsgd_context *ctx, const char *where, const char *text,
                                 struct hsgd_normalisation **norm);

/* The record of a file of weights or a state, and its normalisation; for a file
 * without one, the shape and classes that older versions stored.  Returns 0, or a
 * negative errno with a sentence. */
struct safetensors;
int record_read(struct hsgd_context *ctx, const struct safetensors *f, struct hsgd_record **out,
                struct hsgd_normalisation **norm);

#endif
