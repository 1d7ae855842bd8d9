/* SPDX-License-Identifier: BSD-3-Clause */
/* Files that a reader passes over, by kind: how many, and the first by name. */
#ifndef HSGD_DATA_PASSED_H
#define HSGD_DATA_PASSED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum passed_kind { PASSED_FORMAT, PASSED_DAMAGED, PASSED_OUTSIDE, PASSED_OTHER, PASSED_KINDS };

/* Shared by the splits of a data set and their views, as class names are. */
struct passed {
    int users;
    int64_t count[PASSED_KINDS];
    char *first[PASSED_KINDS]; /* NULL: none */
};

/* NULL: out of memory. */
struct passed *passed_new(void);
/* NULL-safe, both. */
struct passed *passed_share(struct passed *p);
void passed_free(struct passed *p);

/* The reason, "damaged". */
const char *passed_why(enum passed_kind kind);
/* Counts a file; false: out of memory. */
bool passed_note(struct passed *p, enum passed_kind kind, const char *name);
/* "passed over: 8 neither PNG nor JPEG (first: a/1.webp), ..."; empty without
 * any.  Returns its length, as snprintf does. */
int passed_text(const struct passed *p, char *text, size_t size);

/* As JSON text, to be freed, and back.  NULL: out of memory, or it is no such
 * text.  p NULL counts as nothing passed over. */
char *passed_to_json(const struct passed *p);
struct passed *passed_from_json(const char *text);

#endif
