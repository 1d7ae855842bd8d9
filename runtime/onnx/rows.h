/* SPDX-License-Identifier: BSD-3-Clause */
/* What rows of several tables share. */
#ifndef HSGD_ONNX_ROWS_H
#define HSGD_ONNX_ROWS_H

#include "onnx/reader.h"

/* A value, known or not, broadcast to `to`, with the axes where `place` has them. */
int step_like(struct step *s, const struct onnx_value *v, const struct dims *to, const int *place,
              struct onnx_value *out);
/* The same, not broadcast: sizes stay 1. */
int step_align(struct step *s, const struct onnx_value *v, const struct dims *to, const int *place,
               struct onnx_value *out);
/* "[2,3]" */
struct list_text {
    char text[400]; /* 16 numbers of any size */
} list_text(int n, const int64_t *numbers);
/* Dimensions of the sample in the order in which they lie: their number. */
int value_sample_dims(const struct onnx_value *v, int64_t dim[ONNX_RANK]);

/* LayerNormalization with mean and deviation as outputs. */
int read_layer_norm_whole(struct step *s);

/* ------------------------------------------------------- arithmetic of values
 *
 * Each may be known or not; at least one is not.  0, or an errno after a sentence. */

/* f(x), element by element, in any order of axes. */
int value_unary(struct step *s, const char *f, const struct onnx_value *x, struct onnx_value *y);
/* f(a, b), broadcast to one another. */
int value_binary(struct step *s, const char *f, const struct onnx_value *a, const struct onnx_value *b,
                 struct onnx_value *y);
/* f(x, number) */
int value_scalar(struct step *s, const char *f, const struct onnx_value *x, double number, struct onnx_value *y);
/* a where c is not 0, else b. */
int value_where(struct step *s, const struct onnx_value *c, const struct onnx_value *a, const struct onnx_value *b,
                struct onnx_value *y);
/* The same numbers in a type of ONNX. */
int value_cast(struct step *s, const struct onnx_value *x, int to, struct onnx_value *y);
/* Sums and the like over these axes, as bits: "sum", "mean", "max"; axes are kept with size 1, or go. */
int value_reduce(struct step *s, const char *f, const struct onnx_value *x, unsigned axes, bool keeps,
                 struct onnx_value *y);
/* What f of integers has made, in the range of their type: those of 8 and 16 bits wrap around. */
int value_wrap(struct step *s, const char *f, int dtype, struct onnx_value *y);
/* Where a value of these dimensions lies that both are broadcast to. */
int value_common(struct step *s, const struct onnx_value *a, const struct onnx_value *b, const struct dims *to,
                 int place[ONNX_RANK]);

/* Softmax along an axis, or its logarithm. */
int value_softmax(struct step *s, bool log, const struct onnx_value *x, int axis, struct onnx_value *y);
/* Indices of the maximum, or with "min=true " of the minimum, along an axis, which is kept with size 1, or goes. */
int value_arg(struct step *s, const char *f, const struct onnx_value *x, int axis, bool keeps, struct onnx_value *y);

/* A view of the value as it is. */
struct hsgd_value *step_view(struct step *s, const struct onnx_value *v);

#endif
