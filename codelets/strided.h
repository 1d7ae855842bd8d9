/* SPDX-License-Identifier: BSD-3-Clause */
/* Describing copies and sums between two arrays of samples, axis by axis. */
#ifndef HSGD_CODELETS_STRIDED_H
#define HSGD_CODELETS_STRIDED_H

#include "kernels.h"

/* Axes, outermost first, with the number of indices and the strides on both sides; where they begin. */
struct strided {
    int n, unit; /* unit: numbers per number of a sample, those of the lanes */
    struct strided_axis {
        int size, from, to;
    } axis[STRIDED_AXES];
    int64_t from, to;
};

/* Begins with the samples, which have so many numbers on either side. */
struct strided strided_begin(const struct hsgd_emit *e, int64_t from_size, int64_t to_size);
/* Adds an axis; strides and what is left out at its beginning are in numbers of a sample. */
void strided_add(struct strided *s, int size, int64_t from, int64_t to);
void strided_skip(struct strided *s, int64_t from, int64_t to);
/* The way back. */
struct strided strided_reverse(struct strided s);

/* to = from; no number is written twice. */
void emit_strided_copy(struct hsgd_emit *e, struct strided s, struct hsgd_ref from, struct hsgd_ref to);
/* to = value, the bits of a number. */
void emit_strided_fill(struct hsgd_emit *e, struct strided s, int value, struct hsgd_ref to);
/* to = from, or to += from, of floats, summed over the axes on which `to` does not move. */
void emit_strided_sum(struct hsgd_emit *e, struct strided s, struct hsgd_ref from, struct hsgd_ref to, bool add);
/* All numbers of so many per sample = 0. */
void emit_strided_zero(struct hsgd_emit *e, int64_t size, struct hsgd_ref to);

/* Strides of a sample's axes, each in numbers of the sample. */
void type_strides(const struct hsgd_type *t, int64_t stride[HSGD_MAX_RANK]);
/* The place of an axis as attributes have it, from 0; -1: there is none.  As PyTorch's `dim`, they count from 1, as 0
 * is the batch, or from -1 backwards. */
int axis_place(int axis, int rank);
/* -1, with the sentence that a type has no such axis. */
int no_axis(int axis, const struct hsgd_type *t, char *why, size_t size);

#endif
