/* SPDX-License-Identifier: BSD-3-Clause */
/* Names and sizes of safetensors' element types. */
#ifndef HSGD_IO_SAFETENSORS_TYPE_H
#define HSGD_IO_SAFETENSORS_TYPE_H

#include "safetensors.h"

/* The type of this name; -1: none. */
int safetensors_type_of(const char *name);
const char *safetensors_type_name(enum safetensors_type type);
int safetensors_bits(enum safetensors_type type);
/* The product of dims; -1 when it does not fit. */
int64_t safetensors_count(int ndims, const int64_t *dims);

#endif
