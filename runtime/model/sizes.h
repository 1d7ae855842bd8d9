/* SPDX-License-Identifier: BSD-3-Clause */
/* Models whose fields have open sizes, at the sizes of a batch. */
#ifndef HSGD_RUNTIME_SIZES_H
#define HSGD_RUNTIME_SIZES_H

#include "model.h"

/* A finished model with fields of these types, which fit its own; what nobody needs
 * may still be open.  The rules for types run again, to the same parameters; weights
 * and attributes are those of m, which must outlive it.  The same sizes give the same
 * model as long as it is in use; one without open sizes is its own.  It is to be let
 * go of.  Errors (NULL): -EINVAL a type does not fit, or a rule says no; -ENOMEM. */
struct hsgd_model *sizes_model(struct hsgd_model *m, const struct hsgd_type *field);
/* Another user of a model at its sizes. */
struct hsgd_model *sizes_share(struct hsgd_model *m);
void sizes_let_go(struct hsgd_model *m);

/* -EINVAL: one of these fields (bit i: field i) has a size that is still open. */
int sizes_require(const struct hsgd_model *m, unsigned fields);

/* Bytes of all fields of a sample. */
int64_t sizes_bytes(const struct hsgd_model *m);

/* Whether these samples are of the field's type as far as it is known. */
bool sizes_fit(const struct hsgd_type *field, const struct hsgd_type *samples);

#endif
