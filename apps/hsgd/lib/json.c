/* SPDX-License-Identifier: BSD-3-Clause */
/* Creating JSON.  A value that cannot be created is NULL, and so is every value
 * that should contain it: json_print() reports it. */
#include "json.h"

#include <hsgd/hsgd.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "message.h"

json_t *json_number(double v) { return isfinite(v) ? json_real(v) : json_null(); }

json_t *json_text(const char *bytes)
{
    char *text = hsgd_text_encode(bytes);
    json_t *string = text ? json_string(text) : NULL;
    free(text);
    return string;
}

/* code: the result of adding a value to *to. */
static void keep(json_t **to, int code)
{
    if (!code) return;
    json_decref(*to);
    *to = NULL;
}

void json_append(json_t **list, json_t *value) { keep(list, json_array_append_new(*list, value)); }

void json_set(json_t **object, const char *key, json_t *value)
{
    keep(object, json_object_set_new(*object, key, value));
}

int json_print(json_t *object)
{
    char *text = object ? json_dumps(object, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(object);
    if (!text) return report_error(FAILED, "out of memory for the report");
    puts(text);
    free(text);
    return flush_output();
}
