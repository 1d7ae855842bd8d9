#include "passed.h"

#include "../error.h"

#include <hsgd/data.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const why[PASSED_KINDS] = {
    [PASSED_FORMAT] = "neither PNG nor JPEG", [PASSED_DAMAGED] = "damaged",
    [PASSED_OUTSIDE] = "outside of class folders", [PASSED_OTHER] = "no images",
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
    p->count[kind]++;
    if (p->first[kind] && strcmp(p->first[kind], name) <= 0) return true;
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
