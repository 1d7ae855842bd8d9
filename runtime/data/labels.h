/* SPDX-License-Identifier: BSD-3-Clause */
/* Labels as written in files, words or numbers, and their classes. */
#ifndef HSGD_DATA_LABELS_H
#define HSGD_DATA_LABELS_H

#include "dataset.h"

enum { MAX_LABELS = 10000 };

/* Classes found so far.  Numeric labels of exactly the same value ("1", "+1",
 * "1.0") are one class, whatever their number of digits; its name is the first
 * spelling.  Zero-initialised is empty. */
struct labels {
    bool fixed; /* no new classes */
    bool meant; /* numbers are classes even where they look like measurements */
    int count;
    int64_t capacity;
    struct label *label;
    int32_t *slot; /* hash table: class + 1; 0: free */
    int slots;     /* a power of two */
};

/* Starts with the classes of the options, which are then fixed, or with none. */
int labels_begin(struct hsgd_context *ctx, struct labels *l, const struct hsgd_data_options *options);
/* NULL-safe fields: an empty one may be freed. */
void labels_free(struct labels *l);

/* The class of a zero-terminated label, or a negative errno for
 * labels_refuse(): EINVAL unknown, E2BIG one too many, ENOMEM. */
int32_t labels_class(struct labels *l, const char *text);
/* The sentence for it: "PLACE: ...". */
int labels_refuse(struct hsgd_context *ctx, const struct labels *l, int err, const char *place, const char *text);

/* Sorts classes that are not fixed yet, by value if all are numeric, else by
 * bytes, renumbers the n labels, and fixes the classes.  -EINVAL, with a sentence
 * "PLACE: ...", for numbers that look like measurements: one has a fraction, or
 * more than 20 and more than n/2 are different. */
int labels_sort(struct hsgd_context *ctx, struct labels *l, const char *place, int32_t *label, int64_t n);
/* The names of the classes; NULL: out of memory. */
struct hsgd_names *labels_names(const struct labels *l);
/* Gives d the classes and their names. */
int labels_name(struct hsgd_context *ctx, const struct labels *l, struct hsgd_data *d);

#endif
