/* SPDX-License-Identifier: BSD-3-Clause */
#include "passed.h"

#include "base/error.h"
#include "../io/json.h"

#include <hsgd/data.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const why[PASSED_KINDS] = {
    [PASSED_FORMAT] = "neither PNG nor JPEG",
    [PASSED_DAMAGED] = "damaged",
    [PASSED_OUTSIDE] = "outside of class folders",
    [PASSED_OTHER] = "not images",
};

const char *passed_why(enum passed_kind kind) { return why[kind]; }

struct passed *passed_new(void)
{
    struct passed *p = calloc(1, sizeof *p);
    if (p) p->users = 1;
    return p;
}

struct passed *passed_share(struct passed *p)
{
    if (p) p->users++;
    return p;
}

void passed_free(struct passed *p)
{
    if (!p || --p->users > 0) return;
    for (int i = 0; i < PASSED_KINDS; i++) free(p->first[i]);
    free(p);
}

/* Folders are listed in any order, so the first is found by comparing. */
bool passed_note(struct passed *p, enum passed_kind kind, const char *name)
{
    if (p->count[kind]++ && strcmp(p->first[kind], name) <= 0) return true;
    free(p->first[kind]);
    return (p->first[kind] = strdup(name)) != NULL;
}

int passed_text(const struct passed *p, char *text, size_t size)
{
    int used = 0;
    if (size) *text = 0;
    for (int i = 0; p && i < PASSED_KINDS; i++) {
        if (!p->count[i]) continue;
        bool fits = (size_t)used < size;
        used += snprintf(fits ? text + used : NULL, fits ? size - (size_t)used : 0, "%s%lld %s (first: %s)",
                         used ? ", " : "passed over: ", (long long)p->count[i], why[i], hsgd_show(p->first[i]).text);
    }
    return used;
}

/* ----------------------------------------------------------------- as JSON */

/* [[8, "a/1.webp"], [0, ""], ...] in the order of the kinds. */
char *passed_to_json(const struct passed *p)
{
    json_t *list = json_array();
    for (int i = 0; list && i < PASSED_KINDS; i++) {
        const char *first = p && p->first[i] ? p->first[i] : "";
        hsgd_json_append(&list, json_pack("[I, o]", (json_int_t)(p ? p->count[i] : 0), hsgd_json_text(first)));
    }
    char *text = list ? json_dumps(list, JSON_COMPACT) : NULL;
    json_decref(list);
    return text;
}

static bool read_kind(struct passed *p, int kind, const json_t *pair)
{
    const json_t *count = json_array_get(pair, 0);
    p->first[kind] = hsgd_json_bytes(json_array_get(pair, 1));
    p->count[kind] = json_integer_value(count);
    return json_is_integer(count) && p->count[kind] >= 0 && p->first[kind];
}

struct passed *passed_from_json(const char *text)
{
    json_t *list = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
    struct passed *p = json_array_size(list) == PASSED_KINDS ? passed_new() : NULL;
    bool good = p;
    for (int i = 0; good && i < PASSED_KINDS; i++) good = read_kind(p, i, json_array_get(list, (size_t)i));
    json_decref(list);
    if (good) return p;
    passed_free(p);
    return NULL;
}
