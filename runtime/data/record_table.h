/* SPDX-License-Identifier: BSD-3-Clause */
/* Tables as JSON, in records. */
#ifndef HSGD_DATA_RECORD_TABLE_H
#define HSGD_DATA_RECORD_TABLE_H

#include <jansson.h>

struct table;

enum { TABLE_COLUMNS = 1 << 20, TABLE_CATEGORIES = 1 << 14 };

/* NULL: out of memory. */
json_t *table_to_json(const struct table *t);
/* NULL: it is no such list, or memory is exhausted. */
struct table *table_from_json(const json_t *list);

#endif
