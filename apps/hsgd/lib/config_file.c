/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "config_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <yaml.h>

#include "json.h"
#include "options.h"

#define MAX_BYTES (1 << 20)

struct config_reader {
    const char *path;
    struct settings *s;     /* where the values go */
    bool seen[MAX_OPTIONS]; /* keys of this file */
    yaml_parser_t parser;
    yaml_event_t event;
    bool begun; /* event holds something */
};

/* Whether config.yaml contains the option. */
static bool is_kept(const struct option_row *o) { return o->commands & TRAIN && !(o->commands & PASSING); }

/* ----------------------------------------------------------------- reading */

static int line_of(const struct config_reader *r) { return (int)r->event.start_mark.line + 1; }

static int bad_yaml(const struct config_reader *r)
{
    const yaml_parser_t *p = &r->parser;
    return report_error(USAGE, "%s, line %d: %s", r->path, (int)p->problem_mark.line + 1,
                        p->problem ? p->problem : "not valid YAML");
}

/* Reads the next event; OK or USAGE after a sentence. */
static int next(struct config_reader *r)
{
    if (r->begun) yaml_event_delete(&r->event);
    r->begun = yaml_parser_parse(&r->parser, &r->event);
    return r->begun ? OK : bad_yaml(r);
}

static int expect(struct config_reader *r, yaml_event_type_t type, const char *what)
{
    int code = next(r);
    if (code) return code;
    return r->event.type == type ? OK : report_error(USAGE, "%s, line %d: %s is expected", r->path, line_of(r), what);
}

/* Options by the names that earlier versions gave them. */
static const struct {
    const char *old, *name;
    double below; /* 0: any value; else only numbers from 0 to below this */
} renamed[] = {
    { "target", "stop-at", 1 }, /* an accuracy; columns have names and numbers from 1 */
    { "least-batch", "min-batch", 0 },
    { "most-batch", "max-batch", 0 },
};

static bool is_below(const char *text, double limit)
{
    char *end;
    double v = strtod(text, &end);
    return end != text && !*end && v >= 0 && v < limit;
}

static const struct option_row *option_of(const char *key, const char *value)
{
    for (size_t i = 0; i < sizeof renamed / sizeof *renamed; i++)
        if (!strcmp(key, renamed[i].old) && (renamed[i].below <= 0 || is_below(value, renamed[i].below)))
            return option_named(renamed[i].name, TRAIN);
    return option_named(key, TRAIN);
}

/* Sets the option called `key`, on `line`, to the value that follows. */
static int set_value(struct config_reader *r, const char *key, int line)
{
    char name[200];
    int code = expect(r, YAML_SCALAR_EVENT, "a single value");
    if (code) return code;
    if (r->event.data.scalar.length != strlen((char *)r->event.data.scalar.value))
        return report_error(USAGE, "%s, line %d: the value of \"%s\" has a zero byte", r->path, line, key);
    char *text = settings_keep(r->s, hsgd_text_decode((char *)r->event.data.scalar.value));
    if (!text) return report_error(FAILED, "out of memory for \"%s\"", r->path);
    const struct option_row *o = option_of(key, text);
    int i = (int)(o - option_at(0));
    if (r->seen[i]) return report_error(USAGE, "%s, line %d: \"%s\" appears twice", r->path, line, key);
    r->seen[i] = true;
    snprintf(name, sizeof name, "%.120s, line %d: %s", r->path, line, o->name);
    option_mark_given(r->s, o);
    return option_set(r->s, o, name, text);
}

static int read_pair(struct config_reader *r)
{
    char key[81];
    int line = line_of(r);
    if (r->event.type != YAML_SCALAR_EVENT)
        return report_error(USAGE, "%s, line %d: the name of an option is expected", r->path, line);
    snprintf(key, sizeof key, "%s", (char *)r->event.data.scalar.value);
    const struct option_row *o = option_of(key, "");
    if (!o || !is_kept(o))
        return report_error(USAGE, "%s, line %d: \"%s\" is not an option that a run has", r->path, line, key);
    return set_value(r, key, line);
}

static int read_pairs(struct config_reader *r)
{
    int code = expect(r, YAML_STREAM_START_EVENT, "YAML");
    if (!code) code = expect(r, YAML_DOCUMENT_START_EVENT, "a list of options");
    if (!code) code = expect(r, YAML_MAPPING_START_EVENT, "\"option: value\"");
    if (!code) code = next(r);
    while (!code && r->event.type != YAML_MAPPING_END_EVENT) {
        code = read_pair(r);
        if (!code) code = next(r);
    }
    if (!code) code = expect(r, YAML_DOCUMENT_END_EVENT, "the end");
    if (!code) code = expect(r, YAML_STREAM_END_EVENT, "the end of the only document");
    return code;
}

static int parse(struct config_reader *r, const char *bytes, size_t size)
{
    if (!yaml_parser_initialize(&r->parser)) return report_error(FAILED, "out of memory for \"%s\"", r->path);
    yaml_parser_set_input_string(&r->parser, (const unsigned char *)bytes, size);
    int code = read_pairs(r);
    if (r->begun) yaml_event_delete(&r->event);
    yaml_parser_delete(&r->parser);
    return code;
}

static int read_file(struct settings *s, const char *path)
{
    struct config_reader r = { .path = path, .s = s };
    FILE *file = fopen(path, "rb");
    if (!file) return report_error(USAGE, "%s: cannot open: %s", path, strerror(errno));
    char *bytes = malloc(MAX_BYTES + 1);
    size_t size = bytes ? fread(bytes, 1, MAX_BYTES + 1, file) : 0;
    int err = ferror(file) ? errno : 0, code;
    fclose(file);
    if (!bytes) code = report_error(FAILED, "out of memory for \"%s\"", path);
    else if (err) code = report_error(USAGE, "%s: cannot read: %s", path, strerror(err));
    else if (size > MAX_BYTES) code = report_error(USAGE, "%s: the file is longer than %d bytes", path, MAX_BYTES);
    else code = parse(&r, bytes, size);
    free(bytes);
    return code;
}

/* ----------------------------------------------------------------- merging */

static int compare(const struct settings *now, const struct settings *then, const struct option_row *o,
                   const char *path)
{
    char *a = option_text(now, o), *b = option_text(then, o);
    bool same = a && b ? !strcmp(a, b) : a == b;
    int code = same ? OK
                    : report_error(USAGE, "--%s is %s, but %s in %s; --resume cannot change it", o->name,
                                   a ? a : "not set", b ? b : "not set", path);
    free(a);
    free(b);
    return code;
}

/* A run keeps a copy of its model file beside config.yaml: the file may have
 * changed since. */
static int use_model_copy(struct settings *s, const char *model, const char *path)
{
    const char *slash = strrchr(path, '/');
    int folder = slash ? (int)(slash + 1 - path) : 0;
    char *copy;
    if (!model || !s->model || strcmp(s->model, model) || !hsgd_model_is_file(model)) return OK;
    if (asprintf(&copy, "%.*s%s", folder, path, CONFIG_MODEL) < 0 || !(copy = settings_keep(s, copy)))
        return report_error(FAILED, "out of memory for \"%s\"", path);
    if (!access(copy, F_OK)) s->model_copy = copy;
    return OK;
}

/* A run may be resumed with another length: an option that was given then
 * replaces both --epochs and --steps of config.yaml. */
static void change_length(struct settings *s, const struct settings *then, bool epochs, bool steps)
{
    bool longer = (epochs && s->epochs != then->epochs) || (steps && s->steps != then->steps);
    if (!longer) return;
    if (!epochs) s->epochs = -1;
    if (!steps) s->steps = -1;
    if (s->schedule == HSGD_COSINE || s->schedule == HSGD_ONE_CYCLE || s->schedule == HSGD_POLYNOMIAL)
        report_warning("--sched %s depends on the length of the training: with the new length the learning "
                       "rate continues from a different value",
                       hsgd_schedule_name((enum hsgd_schedule)s->schedule));
}

/* `resuming`: what is given must be the same. */
static int merge(struct settings *s, const char *path, bool resuming)
{
    struct settings file;
    settings_defaults(&file, s->command);
    bool epochs = option_given(s, option_named("epochs", TRAIN)), steps = option_given(s, option_named("steps", TRAIN));
    int code = read_file(&file, path);
    const struct option_row *o;
    for (int i = 0; !code && (o = option_at(i)); i++) {
        if (!is_kept(o)) continue;
        if (option_given(s, o)) {
            code = resuming && !(o->commands & FREE) ? compare(s, &file, o, path) : OK;
        } else if (resuming || option_given(&file, o)) {
            option_copy(s, &file, o);
            option_mark_given(s, o);
        }
    }
    if (!code && resuming) change_length(s, &file, epochs, steps);
    for (int i = 0; i < file.ntexts; i++)
        if (!settings_keep(s, file.text[i]) && !code) code = report_error(FAILED, "out of memory for \"%s\"", path);
    file.ntexts = 0; /* s owns them now */
    if (!code) code = use_model_copy(s, file.model, path);
    settings_free(&file);
    return code;
}

int config_read(struct settings *s, const char *path) { return merge(s, path, false); }
int config_resume(struct settings *s, const char *path) { return merge(s, path, true); }

/* ----------------------------------------------------------------- writing */

/* Texts as JSON strings, which are valid YAML. */
bool config_write_value(FILE *out, const struct option_row *o, const char *text)
{
    bool words = o->kind == TEXT || o->kind == LIST;
    json_t *string = words ? json_text(text) : NULL;
    char *quoted = string ? json_dumps(string, JSON_ENCODE_ANY) : NULL;
    bool written = (quoted || !words) && fprintf(out, "%s: %s\n", o->name, quoted ? quoted : text) > 0;
    free(quoted);
    json_decref(string);
    return written;
}

static int write_model(const struct session *run, const char *folder)
{
    char path[4096], *text = hsgd_model_text(run->model);
    if (!text) return library_error(run, -EINVAL);
    snprintf(path, sizeof path, "%s/%s", folder, CONFIG_MODEL);
    int err = hsgd_file_write(run->ctx, path, text, strlen(text));
    free(text);
    return err ? library_error(run, err) : OK;
}

static int write_options(const struct session *run, const struct settings *s, const char *path)
{
    char *text = NULL, *value;
    size_t size;
    const struct option_row *o;
    FILE *out = open_memstream(&text, &size);
    if (!out) return report_error(FAILED, "out of memory for \"%s\"", path);
    fputs("# The options of this run; hsgd train --config FILE repeats it.\n", out);
    bool written = true;
    for (int i = 0; (o = option_at(i)); i++) {
        if (!is_kept(o) || !(value = option_text(s, o))) continue;
        written = config_write_value(out, o, value) && written;
        free(value);
    }
    written = written && !ferror(out);
    int err = fclose(out) || !written ? -ENOMEM : hsgd_file_write(run->ctx, path, text, size);
    free(text);
    if (err == -ENOMEM) return report_error(FAILED, "out of memory for \"%s\"", path);
    return err ? library_error(run, err) : OK;
}

int config_write(const struct session *run, const struct settings *s, const char *folder)
{
    char path[4096];
    if (snprintf(path, sizeof path, "%s/config.yaml", folder) >= (int)sizeof path)
        return report_error(USAGE, "the name of the run is longer than %d bytes", (int)sizeof path - 13);
    int code = hsgd_model_is_file(s->model) ? write_model(run, folder) : OK;
    return code ? code : write_options(run, s, path);
}
