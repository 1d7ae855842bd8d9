/* SPDX-License-Identifier: BSD-3-Clause */
/* Folding of nodes that rearrange known numbers, for fold.c. */
#ifndef HSGD_ONNX_FOLD_H
#define HSGD_ONNX_FOLD_H

#include "onnx/reader.h"

int fold_concat(struct step *s);
int fold_gather(struct step *s);
int fold_reduce(struct step *s);
int fold_reshape(struct step *s);
int fold_slice(struct step *s);
int fold_transpose(struct step *s);
int fold_trilu(struct step *s);

#endif
