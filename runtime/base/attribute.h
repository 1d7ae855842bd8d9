/* SPDX-License-Identifier: BSD-3-Clause */
/* Attributes of operations as text. */
#ifndef HSGD_RUNTIME_ATTRIBUTE_H
#define HSGD_RUNTIME_ATTRIBUTE_H

#include <hsgd/ops.h>
#include <limits.h>
#include <stdio.h>

#define CLASSES INT_MIN       /* the number of classes, whatever it is */
#define OUTPUTS (INT_MIN + 1) /* that of classes or of numeric targets */

/* What a text must be for this attribute: "an integer". */
struct attribute_text {
    char text[480];
};
struct attribute_text attribute_expects(const struct hsgd_attribute *a);
/* Reads text into the attributes; false: it is not what is expected. */
bool attribute_read(const struct hsgd_attribute *a, const char *text, void *attributes);
/* Sets the value that an attribute has where none is given. */
void attribute_default(const struct hsgd_op *op, const struct hsgd_attribute *a, void *attributes);
/* So does every number that is 0. */
void attribute_fill(const struct hsgd_op *op, void *attributes);
/* Whether attribute_fill() would set another value. */
bool attribute_is_filled(const struct hsgd_attribute *a, const void *attributes);
/* -1, with a sentence in why: a word is none of its words, or a list is too long. */
int attribute_check(const struct hsgd_op *op, const void *attributes, char *why, size_t size);
void attribute_write(const struct hsgd_attribute *a, const void *attributes, FILE *out);

/* The field of this name; NULL: the operation has none. */
const struct hsgd_attribute *attribute_find(const struct hsgd_op *op, const char *name);

/* A decimal integer of at most 9 digits, and nothing else. */
bool attribute_whole(const char *text, int *out);

#endif
