/* SPDX-License-Identifier: BSD-3-Clause */
/* Building JSON without unnoticed failures: each leaves NULL, which the following
 * calls keep and the writer finally reports. */
#ifndef HSGD_IO_JSON_H
#define HSGD_IO_JSON_H

#include <jansson.h>

/* A string of any bytes, see hsgd_text_encode(). */
json_t *hsgd_json_text(const char *bytes);
/* The bytes of such a string, to be freed; NULL: not a string, or memory is
 * exhausted. */
char *hsgd_json_bytes(const json_t *string);

/* Take `value` over; *list or *object becomes NULL, and is freed, when that is
 * NULL or memory is exhausted. */
void hsgd_json_append(json_t **list, json_t *value);
void hsgd_json_set(json_t **object, const char *key, json_t *value);

#endif
