/* SPDX-License-Identifier: BSD-3-Clause */
#include "yaml.h"

#include <stdarg.h>
#include <string.h>

#include "base/error.h"
#include "base/c_locale.h"

int hsgd_yaml_fail(struct hsgd_yaml *y, int line, const char *format, ...)
{
    char sentence[800];
    va_list args;
    va_start(args, format);
    c_vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    return hsgd_fail(y->ctx, EINVAL, "%s:%d: %s", y->path, line, sentence);
}

/* libyaml's own sentences, for text that is not YAML. */
static int not_yaml(struct hsgd_yaml *y)
{
    const yaml_parser_t *p = &y->parser;
    if (p->error == YAML_MEMORY_ERROR) return hsgd_fail(y->ctx, ENOMEM, "%s: out of memory", y->path);
    if (p->error == YAML_READER_ERROR)
        return hsgd_fail(y->ctx, EINVAL, "%s: byte %zu: %s", y->path, p->problem_offset, p->problem);
    return hsgd_yaml_fail(y, (int)p->problem_mark.line + 1, "not valid YAML: %s",
                          p->problem ? p->problem : "no reason given");
}

/* Anchors and tags of the events that can have them. */
static bool is_decorated(const yaml_event_t *e)
{
    switch (e->type) {
    case YAML_ALIAS_EVENT: return true;
    case YAML_SCALAR_EVENT: return e->data.scalar.anchor || e->data.scalar.tag;
    case YAML_SEQUENCE_START_EVENT: return e->data.sequence_start.anchor || e->data.sequence_start.tag;
    case YAML_MAPPING_START_EVENT: return e->data.mapping_start.anchor || e->data.mapping_start.tag;
    default: return false;
    }
}

int hsgd_yaml_next(struct hsgd_yaml *y)
{
    yaml_event_delete(&y->event);
    if (!yaml_parser_parse(&y->parser, &y->event)) return not_yaml(y);
    y->line = (int)y->event.start_mark.line + 1;
    return is_decorated(&y->event) ? hsgd_yaml_fail(y, y->line, "anchors, aliases and tags are not supported") : 0;
}

int hsgd_yaml_open(struct hsgd_context *ctx, struct hsgd_yaml *y, const char *path, const char *text, size_t size)
{
    *y = (struct hsgd_yaml){ .ctx = ctx, .path = path };
    if (!yaml_parser_initialize(&y->parser)) return hsgd_fail(ctx, ENOMEM, "%s: out of memory", path);
    yaml_parser_set_encoding(&y->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&y->parser, (const unsigned char *)text, size);
    int err = hsgd_yaml_next(y); /* the stream's start */
    if (!err) err = hsgd_yaml_next(y);
    if (!err && y->event.type == YAML_STREAM_END_EVENT)
        return hsgd_fail(ctx, EINVAL, "%s: the file has no content", path);
    return err ? err : hsgd_yaml_next(y);
}

void hsgd_yaml_close(struct hsgd_yaml *y)
{
    yaml_event_delete(&y->event);
    yaml_parser_delete(&y->parser);
}

int hsgd_yaml_end(struct hsgd_yaml *y)
{
    int err = hsgd_yaml_next(y); /* the document's end */
    if (!err) err = hsgd_yaml_next(y);
    if (!err && y->event.type != YAML_STREAM_END_EVENT) err = hsgd_yaml_fail(y, y->line, "a second document begins");
    return err;
}

static const char *kind(const yaml_event_t *e)
{
    if (e->type == YAML_SEQUENCE_START_EVENT) return "a list";
    return e->type == YAML_MAPPING_START_EVENT ? "a mapping" : "a value";
}

int hsgd_yaml_expect(struct hsgd_yaml *y, yaml_event_type_t type, const char *what)
{
    yaml_event_t wanted = { .type = type };
    if (y->event.type == type) return 0;
    return hsgd_yaml_fail(y, y->line, "%s must be %s, but is %s", what, kind(&wanted), kind(&y->event));
}

int hsgd_yaml_scalar(struct hsgd_yaml *y, char *out, size_t capacity, const char *what)
{
    int err = hsgd_yaml_expect(y, YAML_SCALAR_EVENT, what);
    if (err) return err;
    const char *text = (const char *)y->event.data.scalar.value;
    size_t n = y->event.data.scalar.length;
    if (n >= capacity || strlen(text) != n)
        return hsgd_yaml_fail(y, y->line, "%s \"%s\" is longer than %zu characters, or contains a zero byte", what,
                              hsgd_show(text).text, capacity - 1);
    memcpy(out, text, n + 1);
    return 0;
}

/* The list of values that begins with the present event, as "[a, b]". */
static int read_list(struct hsgd_yaml *y, char *out, size_t capacity, const char *what)
{
    char value[YAML_VALUE];
    size_t n = (size_t)snprintf(out, capacity, "[");
    int err = hsgd_yaml_next(y);
    while (!err && y->event.type != YAML_SEQUENCE_END_EVENT) {
        err = hsgd_yaml_scalar(y, value, sizeof value, what);
        if (err) return err;
        n += (size_t)snprintf(out + n, capacity - n, "%s%s", n > 1 ? ", " : "", value);
        if (n + 1 >= capacity)
            return hsgd_yaml_fail(y, y->line, "%s is longer than %zu characters", what, capacity - 1);
        err = hsgd_yaml_next(y);
    }
    if (!err) memcpy(out + n, "]", 2);
    return err;
}

static int read_value(struct hsgd_yaml *y, char *out, size_t capacity, const char *what)
{
    return y->event.type == YAML_SEQUENCE_START_EVENT ? read_list(y, out, capacity, what)
                                                      : hsgd_yaml_scalar(y, out, capacity, what);
}

static int read_pair(struct hsgd_yaml *y, struct yaml_pairs *p, const char *what)
{
    if (p->n == YAML_PAIRS) return hsgd_yaml_fail(y, y->line, "%s has more than %d keys", what, YAML_PAIRS);
    struct yaml_pair *pair = &p->pair[p->n];
    pair->line = y->line;
    int err = hsgd_yaml_scalar(y, pair->key, sizeof pair->key, "a key");
    for (int i = 0; !err && i < p->n; i++)
        if (!strcmp(p->pair[i].key, pair->key))
            err = hsgd_yaml_fail(y, y->line, "key \"%s\" appears twice", hsgd_show(pair->key).text);
    if (!err) err = hsgd_yaml_next(y);
    if (!err) err = read_value(y, pair->value, sizeof pair->value, hsgd_show(pair->key).text);
    p->n += !err;
    return err;
}

int hsgd_yaml_pairs(struct hsgd_yaml *y, struct yaml_pairs *p, const char *what)
{
    *p = (struct yaml_pairs){ .line = y->line };
    int err = hsgd_yaml_expect(y, YAML_MAPPING_START_EVENT, what);
    if (!err) err = hsgd_yaml_next(y);
    while (!err && y->event.type != YAML_MAPPING_END_EVENT) {
        err = read_pair(y, p, what);
        if (!err) err = hsgd_yaml_next(y);
    }
    return err;
}

int hsgd_yaml_items(const char *value, int most, char (*item)[YAML_ITEM])
{
    bool is_list = *value == '[';
    int n = 0;
    for (const char *from = value + is_list, *next; *from && strcmp(from, "]"); from = next) {
        size_t length = is_list ? strcspn(from, ",") : strlen(from);
        next = from + length;
        if (*next) next += strspn(next, ", ");
        else if (is_list) length--; /* the end of the list */
        if (n == most || length >= YAML_ITEM) return -1;
        memcpy(item[n], from, length);
        item[n++][length] = 0;
    }
    return n;
}
