/* SPDX-License-Identifier: BSD-3-Clause */
/* What operations ask of the types of their inputs. */
#ifndef HSGD_CODELETS_TYPES_H
#define HSGD_CODELETS_TYPES_H

#include <hsgd/ops.h>

/* Whether kind, rank and dimensions are those of a tensor, with at most so many
 * numbers. */
bool type_is_valid(const struct hsgd_type *t, double most);
/* The same with 1 in place of dimensions that are open. */
struct hsgd_type type_least(const struct hsgd_type *t);
/* Whether the first n dimensions are the same, as far as they are known. */
bool dims_fit(const struct hsgd_type *a, const struct hsgd_type *b, int n);
/* Whether all dimensions are, as far as they are known; the kinds of numbers may differ. */
bool same_dims(const struct hsgd_type *a, const struct hsgd_type *b);
/* Whether it is of floats and so many axes, the last of this size as far as it is known. */
bool is_rows_of(const struct hsgd_type *t, int rank, int last);
/* 0, or -1 with a sentence in why, unless each input is of floats. */
int need_floats(const struct hsgd_node *n, char *why, size_t size);
/* The same, unless all inputs are of floats and have one type. */
int need_one_type(const struct hsgd_node *n, char *why, size_t size);
/* The same, unless each input is of floats or 32-bit integers. */
int need_numbers(const struct hsgd_node *n, char *why, size_t size);
/* The same, unless a sample of this type, as far as it is known, has at most 2^26 numbers. */
int need_room(const struct hsgd_type *t, char *why, size_t size);

#endif
