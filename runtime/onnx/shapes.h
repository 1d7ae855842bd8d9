/* SPDX-License-Identifier: BSD-3-Clause */
/* What the nodes that change dimensions make of them: the same for known
 * numbers and for values of a model.  Each returns 0, or an errno after a
 * sentence. */
#ifndef HSGD_ONNX_SHAPES_H
#define HSGD_ONNX_SHAPES_H

#include "onnx/reader.h"

/* Dimensions after Reshape, Flatten, Squeeze or Unsqueeze. */
int shape_reshaped(struct step *s, struct dims *out);
/* Axes of Squeeze, Unsqueeze or a reduction, sorted, as bits; of `rank` axes.  none: those that are meant
 * where none are given. */
int shape_axes(struct step *s, int input, int rank, unsigned none, unsigned *out);
/* Of a Transpose: axis i of the result is axis[i]. */
int shape_permutation(struct step *s, int rank, int axis[ONNX_RANK]);
/* Of a Slice: start, step and number for each axis. */
struct slice {
    int64_t start[ONNX_RANK], step[ONNX_RANK], count[ONNX_RANK];
};
int shape_sliced(struct step *s, const struct dims *in, struct slice *out);

#endif
