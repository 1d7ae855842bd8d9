/* SPDX-License-Identifier: BSD-3-Clause */
#include "inputs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "image_folder.h"
#include "translation.h"

#define MAX_BYTES ((size_t)1 << 31)

/* All bytes of a file, "-" standard input, to be freed. */
static int read_bytes(const char *name, void **bytes, size_t *size)
{
    FILE *f = strcmp(name, "-") ? fopen(name, "rb") : stdin;
    size_t capacity = 0, got = 1;
    *bytes = NULL;
    *size = 0;
    if (!f) return report_error(USAGE, "%s: cannot open: %s", name, strerror(errno));
    while (got && *size < MAX_BYTES) {
        capacity = capacity ? 2 * capacity : 1 << 16;
        void *bigger = realloc(*bytes, capacity);
        if (!bigger) break;
        *bytes = bigger;
        got = fread((char *)*bytes + *size, 1, capacity - *size, f);
        *size += got;
    }
    bool failed = ferror(f);
    int err = errno;
    if (f != stdin) fclose(f);
    if (failed) return report_error(USAGE, "%s: cannot read: %s", name, strerror(err));
    return got ? report_error(USAGE, "%s: is larger than 2 GiB, or than the memory", name) : OK;
}

static int read_input(struct inputs *in, const char *name)
{
    const struct opened *o = in->o;
    void *bytes;
    size_t size;
    const char *shown = strcmp(name, "-") ? name : "standard input";
    int code = read_bytes(name, &bytes, &size);
    struct hsgd_data *d = NULL;
    if (!code) {
        d = hsgd_data_input(o->run.ctx, shown, bytes, size, hsgd_model_input(o->run.model), o->info->record);
        if (!d) code = report_error(USAGE, "%s", hsgd_error(o->run.ctx));
    }
    if (!code) code = in->each(in->user, name, d);
    hsgd_data_destroy(&d);
    free(bytes);
    return code;
}

static int count_input(struct inputs *in, int code)
{
    in->read += !code;
    in->refused += code == USAGE;
    return code == USAGE ? OK : code;
}

/* Every image in a folder is an input. */
static int read_folder(struct inputs *in, const char *name)
{
    struct image_folder folder;
    int code = image_folder_list(&folder, name);
    if (code) code = count_input(in, code);
    else
        for (int i = 0; !code && i < folder.count; i++) code = count_input(in, read_input(in, folder.path[i]));
    image_folder_free(&folder);
    return code;
}

int inputs_check(const struct settings *s)
{
    if (s->words) return OK;
    return report_error(USAGE, "\"hsgd %s\" needs an input; \"-\" is standard input", s->command);
}

int inputs_read(struct inputs *in, const struct settings *s)
{
    struct stat st;
    int code = OK;
    if (translates(in->o))
        return report_error(USAGE, "%s: its model translates texts, which is done by \"hsgd generate\"", in->o->path);
    for (int i = 0; !code && i < s->words; i++) {
        bool folder = !stat(s->word[i], &st) && S_ISDIR(st.st_mode);
        code = folder ? read_folder(in, s->word[i]) : count_input(in, read_input(in, s->word[i]));
    }
    return code || in->read ? code : USAGE;
}
