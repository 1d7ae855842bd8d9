/* SPDX-License-Identifier: BSD-3-Clause */
/* Labels as files have them, words or numbers, and the classes they make. */
#ifndef HSGD_DATA_LABELS_H
#define HSGD_DATA_LABELS_H

#include "dataset.h"

enum { LABELS_MOST = 10000 };

/* Classes found so far.  Labels that are numbers are one class when the
 * numbers are equal as they are written ("1", "+1", "1.0"), however many digits
 * they have; its name is as it was first written.  Zero-initialised is empty. */
struct labels {
    bool fixed;                 /* no new classes */
    bool meant;                 /* numbers are classes whatever they look like */
    int count;
    int64_t room;
    struct label *label;
    int32_t *slot;              /* hash table: class + 1; 0: free */
    int slots;                  /* a power of two */
};

/* Takes the classes of options, or none; then they are fixed. */
int labels_begin(struct hsgd_context *ctx, struct labels *l, const struct hsgd_data_options *options);
/* NULL-safe fields: an empty one may be freed. */
void labels_free(struct labels *l);

/* The class of a zero-terminated label, or a negative errno for
 * labels_refuse(): EINVAL unknown, E2BIG one too many, ENOMEM. */
int32_t labels_class(struct labels *l, const char *text);
/* The sentence for it: "PLACE: ...". */
int labels_refuse(struct hsgd_context *ctx, const struct labels *l, int err, const char *place, const char *text);

/* Sorts classes that are not fixed yet, by number where all are numbers, else
 * by bytes, renumbers the n labels, and fixes them.  -EINVAL, with a sentence
 * "PLACE: ...": numbers that look like measurements: some have a fraction, or
 * there are more of them than half of the labels, and than 20. */
int labels_sort(struct hsgd_context *ctx, struct labels *l, const char *place, int32_t *label, int64_t n);
/* Gives d the classes and their names. */
int labels_name(struct hsgd_context *ctx, const struct labels *l, struct hsgd_data *d);

#endif
