/* SPDX-License-Identifier: BSD-3-Clause */
#include "vocabulary.h"

#include <stdlib.h>
#include <string.h>

/* -------------------------------------------------------------- characters */

int32_t character_decode(const uint8_t *c, size_t n, int *length)
{
    static const int32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 }; /* of so many bytes */
    *length = c[0] < 0x80 ? 1 : c[0] < 0xc0 ? 0 : c[0] < 0xe0 ? 2 : c[0] < 0xf0 ? 3 : c[0] < 0xf8 ? 4 : 0;
    if (!*length || (size_t)*length > n) return -1;
    int32_t code = *length == 1 ? c[0] : c[0] & (0x7f >> *length);
    for (int i = 1; i < *length; i++) {
        if ((c[i] & 0xc0) != 0x80) return -1;
        code = code << 6 | (c[i] & 0x3f);
    }
    bool surrogate = code >= 0xd800 && code < 0xe000;
    return code < smallest[*length] || surrogate || code >= CODES ? -1 : code;
}

struct character character_text(int32_t code)
{
    struct character c = { "" };
    int more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3; /* bytes after the first */
    int lead = more ? 0xf00 >> (more + 1) & 0xff : 0;
    c.text[0] = (char)(lead | code >> 6 * more);
    for (int i = 1; i <= more; i++) c.text[i] = (char)(0x80 | (code >> 6 * (more - i) & 0x3f));
    return c;
}

/* -------------------------------------------------------------- vocabulary */

static int32_t *place_of(struct vocabulary *v, int32_t code)
{
    int32_t **page = &v->page[code / CODE_PAGE];
    if (!*page) *page = calloc(CODE_PAGE, sizeof **page);
    return *page ? &(*page)[code % CODE_PAGE] : NULL;
}

bool vocabulary_collect(struct vocabulary *v, const int32_t *code, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        int32_t *place = place_of(v, code[i]);
        if (!place) return false;
        *place = 1;
    }
    for (int p = 0; p < CODES / CODE_PAGE; p++)
        for (int i = 0; v->page[p] && i < CODE_PAGE; i++)
            if (v->page[p][i]) v->page[p][i] = ++v->count;
    return true;
}

int vocabulary_of_names(struct vocabulary *v, const char *const *name, int n, int *wrong)
{
    for (; v->count < n; v->count++) {
        const char *text = name[ *wrong = v->count];
        int length;
        int32_t code = character_decode((const uint8_t *)text, strlen(text) + 1, &length);
        if (code < 1 || text[length]) return -EINVAL;
        int32_t *place = place_of(v, code);
        if (!place) return -ENOMEM;
        if (*place) return -EINVAL;
        *place = v->count + 1;
    }
    return 0;
}

void vocabulary_free(struct vocabulary *v)
{
    for (int i = 0; i < CODES / CODE_PAGE; i++) free(v->page[i]);
    *v = (struct vocabulary){ 0 };
}

struct hsgd_names *vocabulary_names(const struct vocabulary *v)
{
    char **name = calloc((size_t)v->count + 1, sizeof *name);
    bool ok = name;
    for (int32_t code = 0; ok && code < CODES; code += v->page[code / CODE_PAGE] ? 1 : CODE_PAGE) {
        int32_t token = vocabulary_token(v, code);
        if (token < 0) continue;
        name[token] = strdup(character_text(code).text);
        ok = name[token];
    }
    if (ok) return hsgd_names_new(name, v->count);
    for (int i = 0; name && i < v->count; i++) free(name[i]);
    free(name);
    return NULL;
}
