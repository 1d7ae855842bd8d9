/* SPDX-License-Identifier: BSD-3-Clause */
/* Types in messages, and as images. */
#ifndef HSGD_CODELETS_TYPE_TEXT_H
#define HSGD_CODELETS_TYPE_TEXT_H

#include <hsgd/data.h>

struct type_text {
    char text[100];
};

/* "28x28x1", "10 i32", "one number", "any x 64" where a dimension is open. */
struct type_text type_text(const struct hsgd_type *t);

/* Height, width and channels: what is more than three axes is one tall image; HSGD_ANY
 * where a dimension is open. */
struct hsgd_shape type_shape(const struct hsgd_type *t);

#endif
