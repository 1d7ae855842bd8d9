/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "tuning_space.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "message.h"
#include "options.h"

/* What fills a list needs. */
struct source {
    struct tuning_space *t;
    struct settings *s;
    const json_t *devices;
    bool failed; /* out of memory */
};

/* ------------------------------------------------------------------ values */

/* A further value; one that is known, or that finds no room, is not added. */
static void add_value(struct source *from, int setting, const char *text)
{
    struct tune_setting *k = &from->t->space.setting[setting];
    struct tuning_value_list *l = &from->t->list[setting];
    for (int i = 1; i < k->n; i++)
        if (!strcmp(l->value[i], text)) return;
    if (k->n == TUNE_VALUES) return;
    char *copy = settings_keep(from->s, strdup(text));
    if (copy) l->value[k->n++] = copy;
    else from->failed = true;
}

static void add_words(struct source *from, int setting, const char *const *word)
{
    for (; *word; word++) add_value(from, setting, *word);
}

/* The list of --batch-size; its first value is the default. */
static void add_batch_sizes(struct source *from, int setting)
{
    char *copy = from->s->batch_sizes ? strdup(from->s->batch_sizes) : NULL, *rest = copy;
    for (char *item; (item = strsep(&rest, ","));) {
        if (item == copy) continue;
        add_value(from, setting, item);
    }
    free(copy);
}

static const char *id_of(const json_t *device) { return json_string_value(json_object_get(device, "id")); }
static bool is(const json_t *device, const char *key) { return json_is_true(json_object_get(device, key)); }
static bool is_cores(const json_t *device)
{
    const char *kind = json_string_value(json_object_get(device, "kind"));
    return kind && !strcmp(kind, "cpu");
}

typedef bool pick_fn(const json_t *device, const json_t *with);
static bool pick_auto(const json_t *d, const json_t *with) { return !with && is(d, "auto"); }
static bool pick_one(const json_t *d, const json_t *with) { return d == with; }
static bool pick_with_cores(const json_t *d, const json_t *with) { return d == with || is_cores(d); }
static bool pick_others(const json_t *d, const json_t *with) { return !with && !is_cores(d); }
static bool pick_all(const json_t *d, const json_t *with) { return !with && d; }

/* with: a device list, which names ids and kinds. */
static bool pick_named(const json_t *d, const json_t *with)
{
    const char *kind = json_string_value(json_object_get(d, "kind"));
    char *copy = strdup(json_string_value(with)), *rest = copy;
    bool named = false;
    for (char *item; (item = strsep(&rest, ","));)
        named = named || !strcmp(item, id_of(d)) || (kind && !strcmp(item, kind));
    free(copy);
    return named;
}

/* "cpu,opencl:0" and what is known of it. */
static struct device_set make_set(const struct source *from, pick_fn *pick, const json_t *with, char *name, size_t size)
{
    struct device_set set = { 0 };
    size_t i, used = 0;
    const json_t *d;
    json_array_foreach(from->devices, i, d)
    {
        if (!pick(d, with) || used >= size) continue;
        used += (size_t)snprintf(name + used, size - used, "%s%s", set.devices ? "," : "", id_of(d));
        set.devices++;
        set.others += !is_cores(d);
        set.has_cpu |= is_cores(d);
        set.has_cpu_opencl |= !is_cores(d) && is(d, "is_cpu");
    }
    return set;
}

static void add_set(struct source *from, int setting, const char *usual, pick_fn *pick, const json_t *with)
{
    char name[200] = "";
    struct tuning_space *t = from->t;
    struct device_set set = make_set(from, pick, with, name, sizeof name);
    int before = t->space.setting[setting].n;
    if (!set.devices || !strcmp(name, usual)) return;
    add_value(from, setting, name);
    if (t->space.setting[setting].n > before) t->set[before] = set;
}

/* Every device alone and with the CPU's cores, all, and all but the cores. */
static void add_devices(struct source *from, int setting)
{
    char usual[200] = "";
    const char *given = from->s->devices;
    size_t i;
    const json_t *d;
    json_t *named = given && strcmp(given, "auto") ? json_text(given) : NULL;
    from->t->set[0] = make_set(from, named ? pick_named : pick_auto, named, usual, sizeof usual);
    json_decref(named);
    json_array_foreach(from->devices, i, d) add_set(from, setting, usual, pick_one, d);
    json_array_foreach(from->devices, i, d) add_set(from, setting, usual, pick_with_cores, d);
    add_set(from, setting, usual, pick_all, NULL);
    add_set(from, setting, usual, pick_others, NULL);
}

/* All cores are the default; one fewer, half of them, one. */
static void add_counts(struct source *from, int setting)
{
    const int cores = from->t->cores, count[] = { cores - 1, cores / 2, 1 };
    char text[12];
    for (size_t i = 0; i < sizeof count / sizeof *count; i++) {
        snprintf(text, sizeof text, "%d", count[i]);
        if (count[i] >= 1 && count[i] < cores) add_value(from, setting, text);
    }
}

static void add_slices(struct source *from, int setting)
{
    add_words(from, setting, (const char *const[]){ "2", "4", "8", "16", NULL });
}

static void add_placements(struct source *from, int setting)
{
    add_words(from, setting, (const char *const[]){ "starpu", NULL });
}

static void add_policies(struct source *from, int setting)
{
    add_words(from, setting,
              (const char *const[]){ "eager", "prio", "lws", "ws", "dm", "dmda", "dmdas", "dmdar", NULL });
}

static void add_executors(struct source *from, int setting)
{
    bool inserts = from->s->executor; /* HSGD_EXECUTOR */
    add_value(from, setting, inserts ? "replay" : "insert");
}

/* Those below the machine's, which is the default. */
static void add_isas(struct source *from, int setting)
{
#ifdef __x86_64__
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512bw")) add_value(from, setting, "v3");
    if (__builtin_cpu_supports("avx2")) add_value(from, setting, "base");
#else
    (void)from, (void)setting;
#endif
}

static void add_products(struct source *from, int setting)
{
#ifdef HAVE_DNNL
    add_value(from, setting, "onednn");
#endif
    add_words(from, setting, (const char *const[]){ "openblas", "own", NULL });
}

/* ------------------------------------------------------------------- table */

/* What people set by hand.  A variable's name is in capitals, the others are options. */
static const struct row {
    const char *name;
    int stage;
    bool changes_bits; /* of a training that is otherwise the same */
    void (*add)(struct source *from, int setting);
    const char *alone;    /* why there is only the default, if there is */
    const char *variable; /* by which an option can be set, too */
} rows[] = {
    { "batch-size", 0, false, add_batch_sizes, "--batch-size is no list", NULL },
    { "devices", 0, true, add_devices, "there is one device", NULL },
    { "threads", 0, false, add_counts, "there is one core", NULL },
    { "POCL_MAX_PTHREAD_COUNT", 0, false, add_counts, "there is one core", NULL },
    { "slices", 1, true, add_slices, "", "HSGD_SLICES" },
    { "HSGD_PLACEMENT", 1, true, add_placements, "", NULL },
    { "STARPU_SCHED", 2, false, add_policies, "", NULL },
    { "executor", 3, false, add_executors, "", "HSGD_EXECUTOR" },
    { "HSGD_ISA", 4, true, add_isas, "the machine has no lower instruction set with kernels of its own", NULL },
    { "HSGD_PRODUCTS", 4, true, add_products, "", NULL },
};

enum { ROWS = sizeof rows / sizeof *rows };
_Static_assert((int)ROWS <= (int)TUNE_SETTINGS, "a choice has a value per setting");

int tuning_setting(const struct tuning_space *t, const char *name)
{
    for (int i = 0; i < t->space.n; i++)
        if (!strcmp(t->space.setting[i].name, name)) return i;
    return -1;
}

bool tuning_is_variable(const struct tuning_space *t, int setting)
{
    return isupper((unsigned char)*t->space.setting[setting].name);
}

/* Whether the user has set it, and how. */
static bool is_given(const struct settings *s, const struct row *r, char *how, size_t size)
{
    const char *names[] = { isupper((unsigned char)*r->name) ? r->name : NULL, r->variable };
    for (int i = 0; i < 2; i++) {
        const char *value = names[i] ? getenv(names[i]) : NULL;
        if (!value || !*value) continue;
        snprintf(how, size, "%s=%.60s is set", names[i], value);
        return true;
    }
    const struct option_row *o = names[0] ? NULL : option_named(r->name, TUNE);
    bool given = o && o->kind != LIST && option_given(s, o);
    char *value = given ? option_text(s, o) : NULL;
    if (given) snprintf(how, size, "--%s %.60s is given", r->name, value ? value : "");
    free(value);
    return given;
}

/* The values of a row, or why there is only one. */
static void fill(struct source *from, int i)
{
    const struct row *r = &rows[i];
    struct tune_setting *k = &from->t->space.setting[i];
    struct tuning_value_list *l = &from->t->list[i];
    bool given = is_given(from->s, r, l->left_out, sizeof l->left_out);
    *k = (struct tune_setting){ r->name, r->stage, 1 };
    l->changes_bits = r->changes_bits;
    if (!given && from->s->deterministic && r->changes_bits)
        snprintf(l->left_out, sizeof l->left_out, "it may change bits, and --deterministic is given");
    if (!*l->left_out || !strcmp(r->name, "devices")) r->add(from, i); /* the sets are always known */
    if (*l->left_out) k->n = 1;
    else if (k->n == 1) snprintf(l->left_out, sizeof l->left_out, "%s", r->alone);
}

/* ------------------------------------------------------------- combinations */

static int value_of(const struct tuning_space *t, const struct tune_choice *c, const char *name)
{
    return c->value[tuning_setting(t, name)];
}

/* CPU workers and other devices that take part. */
static int workers(const struct tuning_space *t, const struct device_set *set, const struct tune_choice *c)
{
    const char *threads = t->list[tuning_setting(t, "threads")].value[value_of(t, c, "threads")];
    return set->others + (set->has_cpu ? threads ? atoi(threads) : t->cores : 0);
}

/* A setting that has no effect with the others stays at its default. */
static bool allowed(const void *user, const struct tune_choice *c)
{
    const struct tuning_space *t = user;
    const struct device_set *set = &t->set[value_of(t, c, "devices")];
    const bool several = workers(t, set, c) > 1, sliced = value_of(t, c, "slices");
    const struct {
        const char *name;
        bool matters;
    } rules[] = { { "threads", set->has_cpu }, { "POCL_MAX_PTHREAD_COUNT", set->has_cpu_opencl },
                  { "slices", several },       { "HSGD_PLACEMENT", set->devices > 1 && !sliced },
                  { "STARPU_SCHED", several }, { "HSGD_ISA", set->has_cpu } };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (!rules[i].matters && value_of(t, c, rules[i].name)) return false;
    return true;
}

struct tuning_label tuning_label(const struct tuning_space *t, const struct tune_choice *c)
{
    struct tuning_label l = { "" };
    size_t used = 0, size = sizeof l.text;
    for (int i = 0; i < t->space.n && used < size; i++) {
        if (!c->value[i]) continue;
        bool variable = tuning_is_variable(t, i);
        used += (size_t)snprintf(l.text + used, size - used, "%s%s%s%s%s", used ? " " : "", variable ? "" : "--",
                                 t->space.setting[i].name, variable ? "=" : " ", t->list[i].value[c->value[i]]);
    }
    if (!used) snprintf(l.text, size, "default");
    return l;
}

/* The cores that the CPU device has. */
static int cores_of(const json_t *devices)
{
    size_t i;
    const json_t *d;
    json_array_foreach(devices, i, d) if (is_cores(d)) return (int)json_integer_value(json_object_get(d, "workers"));
    return 1;
}

int tuning_space_open(struct tuning_space *t, struct settings *s, const json_t *devices)
{
    *t = (struct tuning_space){ .space = { .n = ROWS, .allowed = allowed, .user = t }, .cores = cores_of(devices) };
    if (s->threads > 0) t->cores = (int)s->threads;
    struct source from = { t, s, devices, false };
    for (int i = 0; i < ROWS; i++) fill(&from, i);
    return from.failed ? report_error(FAILED, "out of memory for the settings") : OK;
}
