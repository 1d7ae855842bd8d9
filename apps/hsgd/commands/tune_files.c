/* SPDX-License-Identifier: BSD-3-Clause */
/* tune.yaml and tune.sh. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/config_file.h"
#include "lib/options.h"
#include "tune.h"

#define YAML "tune.yaml"
#define SHELL "tune.sh"

static const char *folder(const struct settings *s) { return s->out ? s->out : "."; }

int tune_files_open(const struct settings *s, bool *made)
{
    static const char *const names[] = { YAML, SHELL };
    char path[4096];
    if (strlen(folder(s)) > 4000) return report_error(USAGE, "--out is longer than 4000 bytes");
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", folder(s), names[i]);
        if (!access(path, F_OK)) return report_error(USAGE, "%s exists; --out names another folder", path);
    }
    *made = !mkdir(folder(s), 0777);
    if (*made || errno == EEXIST) return OK;
    return report_error(exit_code(-errno), "--out \"%s\": %s", s->out, strerror(errno));
}

static int count_variables(const struct tuning *t, const struct tune_choice *c)
{
    int n = 0;
    for (int i = 0; i < t->space.space.n; i++) n += c->value[i] && tuning_is_variable(&t->space, i);
    return n;
}

/* The value of an option of train: chosen, or given, or else NULL. */
static char *value_of(const struct tuning *t, const struct tune_choice *c, const struct option_row *o)
{
    const struct settings *s = t->s;
    int setting = tuning_setting(&t->space, o->name);
    if (setting >= 0 && c->value[setting]) return strdup(t->space.list[setting].value[c->value[setting]]);
    if (!strcmp(o->name, "data")) return strdup(s->data ? s->data : "digits");
    bool batch = !strcmp(o->name, "batch-size") && s->batch_sizes;
    return batch || (o->commands & TUNE && option_given(s, o)) ? option_text(s, o) : NULL;
}

static bool write_yaml(const struct tuning *t, const struct tune_choice *c, FILE *out)
{
    const struct option_row *o;
    bool written = true;
    fputs("# Chosen by hsgd tune; hsgd train --config FILE uses it.\n", out);
    if (count_variables(t, c)) fputs("# " SHELL " has the environment variables that belong to it.\n", out);
    for (int i = 0; (o = option_at(i)); i++) {
        if (!(o->commands & TRAIN) || o->commands & PASSING) continue;
        char *text = value_of(t, c, o);
        if (text) written = config_write_value(out, o, text) && written;
        free(text);
    }
    return written;
}

/* Values have no quotes. */
static bool write_shell(const struct tuning *t, const struct tune_choice *c, FILE *out)
{
    fputs("# Chosen by hsgd tune; for a shell: . ./" SHELL "\n", out);
    for (int i = 0; i < t->space.space.n; i++)
        if (c->value[i] && tuning_is_variable(&t->space, i))
            fprintf(out, "export %s='%s'\n", t->space.space.setting[i].name, t->space.list[i].value[c->value[i]]);
    if (!count_variables(t, c)) fputs("# No variable is needed.\n", out);
    return true;
}

typedef bool write_fn(const struct tuning *t, const struct tune_choice *c, FILE *out);

static int write_file(const struct session *run, const struct tuning *t, const struct tune_choice *c, const char *name,
                      write_fn *write)
{
    char path[4096], *text = NULL;
    size_t size;
    snprintf(path, sizeof path, "%s/%s", folder(t->s), name);
    FILE *out = open_memstream(&text, &size);
    bool written = out && write(t, c, out);
    written = out && !ferror(out) && !fclose(out) && written;
    int err = written ? hsgd_file_write(run->ctx, path, text, size) : 0;
    free(text);
    if (!written) return report_error(FAILED, "out of memory for \"%s\"", path);
    return err ? library_error(run, err) : OK;
}

int tune_files_write(const struct tuning *t, const struct tune_choice *chosen)
{
    struct session run;
    int code = open_without_devices(&run, t->s);
    if (!code) code = write_file(&run, t, chosen, YAML, write_yaml);
    if (!code) code = write_file(&run, t, chosen, SHELL, write_shell);
    close_session(&run);
    return code;
}
