/* SPDX-License-Identifier: BSD-3-Clause */
/* hsgd calibrate */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "commands.h"
#include "lib/json.h"
#include "lib/options.h"
#include "lib/session.h"
#include "lib/sizes.h"
#include "lib/text.h"

struct list {
    int n;
    struct hsgd_calibration *of;
};

/* ---------------------------------------------------------------- the request */

static bool measures(const struct settings *s) { return s->model && !s->show && !s->clear; }

/* What chooses a measurement has no meaning without one. */
static int check_others(const struct settings *s)
{
    static const char *const allowed = " model show clear json verbose help ";
    const char *why = s->show    ? "is incompatible with --show"
                      : s->clear ? "is incompatible with --clear"
                                 : "needs --model";
    const struct option_row *o;
    for (int i = 0; !measures(s) && (o = option_at(i)); i++) {
        char name[64];
        snprintf(name, sizeof name, " %s ", o->name);
        if (o->commands & CALIBRATE && option_given(s, o) && !strstr(allowed, name))
            return report_error(USAGE, "--%s %s", o->name, why);
    }
    return OK;
}

static int check(const struct settings *s)
{
    int code = require_words(s, 0);
    if (!code && s->show && s->clear) code = report_error(USAGE, "--clear is incompatible with --show");
    if (!code && s->force && !s->model && !s->show && !s->clear) code = require_model(s);
    return code ? code : check_others(s);
}

/* The name of the network, in a file or as it is given: what is kept of it may be all that is left. */
static int name_network(struct session *run, const struct settings *s, const char **name)
{
    int code = s->model && hsgd_model_is_file(s->model) ? open_model(run, s, NULL) : OK;
    *name = run->model ? hsgd_model_name(run->model) : s->model;
    return code;
}

/* ------------------------------------------------------------------ measuring */

static int open_measured(struct session *run, const struct settings *s)
{
    struct hsgd_train_options o;
    step_options(s, &o);
    o.optimizer = (enum hsgd_optimizer)s->optimizer;
    int code = open_context(run, s);
    if (!code && s->data) code = open_data(run, s);
    if (!code) code = open_model(run, s, run->train);
    if (!code) code = open_trainer(run, &o);
    return code ? code : open_sizes(run, s);
}

static int measure(struct session *run, const struct settings *s, struct list *l)
{
    int code = open_measured(run, s), max = code ? 0 : hsgd_device_count(run->ctx);
    if (code) return code;
    l->of = calloc((size_t)max, sizeof *l->of);
    if (!l->of) return report_error(FAILED, "out of memory");
    int n = hsgd_trainer_calibrate(run->trainer, (int)s->batch_size, s->force, l->of, sizeof *l->of, max);
    if (n < 0) return library_error(run, n);
    l->n = n;
    return n ? OK : report_error(FAILED, "no device can do a step of %s", hsgd_model_name(run->model));
}

/* --------------------------------------------------------------------- showing */

static int list_kept(struct session *run, const struct settings *s, struct list *l)
{
    const char *network;
    int code = open_without_devices(run, s);
    if (!code) code = name_network(run, s, &network);
    int n = code ? 0 : hsgd_calibration_list(run->ctx, NULL, sizeof *l->of, 0);
    if (n > 0 && !(l->of = calloc((size_t)n, sizeof *l->of))) return report_error(FAILED, "out of memory");
    int all = n > 0 ? hsgd_calibration_list(run->ctx, l->of, sizeof *l->of, n) : n;
    if (all < 0) return library_error(run, all);
    for (int i = 0; i < n && i < all; i++)
        if (!network || !strncmp(l->of[i].network, network, sizeof l->of[i].network - 1)) l->of[l->n++] = l->of[i];
    return code;
}

static void time_text(int64_t seconds, const char *format, char *out, size_t size)
{
    time_t t = (time_t)seconds;
    struct tm utc;
    if (!gmtime_r(&t, &utc) || !strftime(out, size, format, &utc)) snprintf(out, size, "?");
}

static bool is_noisy(const struct hsgd_calibration *k)
{
    bool noisy = false;
    for (int i = 0; i < HSGD_CALIBRATION_SIZES; i++) noisy |= k->spread[i] > HSGD_CALIBRATION_MAX_SPREAD;
    return noisy;
}

static void print_sizes(const struct hsgd_calibration *k)
{
    char taken[32], varies[16];
    time_text(k->taken, "%Y-%m-%d %H:%M", taken, sizeof taken);
    for (int i = 0; i < HSGD_CALIBRATION_SIZES; i++) {
        snprintf(varies, sizeof varies, isnan(k->spread[i]) ? "-" : "%.0f%%", 100 * k->spread[i]);
        if (i) printf("%-22s", "");
        else text_cell(k->device, 14), printf(" %7d", k->workers);
        printf(" %7d %12.4f %8s%s%s\n", k->rows[i], 1e3 * k->seconds[i], varies, i ? "" : "  ", i ? "" : taken);
    }
}

static bool alike(const struct hsgd_calibration *a, const struct hsgd_calibration *b)
{
    return !strcmp(a->network, b->network) && !strcmp(a->settings, b->settings);
}

static int print_list(const struct list *l)
{
    bool noisy = false;
    if (!l->n) puts("nothing is kept");
    else printf("%-14s %7s %7s %12s %8s  %s\n", "device", "workers", "rows", "ms a step", "varies", "measured (UTC)");
    for (int i = 0; i < l->n; i++) {
        const struct hsgd_calibration *k = &l->of[i];
        if (!i || !alike(k, k - 1)) text_wrap(0, 2, "%s: %s", k->network, k->settings);
        print_sizes(k);
        noisy |= is_noisy(k);
    }
    if (noisy) puts("What varies by more than 20 % is measured again by the next process.");
    return flush_output();
}

static json_t *json_sizes(const struct hsgd_calibration *k)
{
    json_t *sizes = json_array();
    for (int i = 0; i < HSGD_CALIBRATION_SIZES; i++)
        json_append(&sizes, json_pack("{s:i, s:o, s:o}", "rows", k->rows[i], "seconds", json_number(k->seconds[i]),
                                      "spread", json_number(k->spread[i])));
    return sizes;
}

static int print_json(const struct list *l)
{
    json_t *list = json_array();
    for (int i = 0; i < l->n; i++) {
        const struct hsgd_calibration *k = &l->of[i];
        char taken[32];
        time_text(k->taken, "%Y-%m-%dT%H:%M:%SZ", taken, sizeof taken);
        json_append(&list, json_pack("{s:o, s:o, s:s, s:o, s:i, s:s, s:s, s:b, s:o}", "network", json_text(k->network),
                                     "settings", json_text(k->settings), "device", k->device, "device_name",
                                     json_text(k->device_name), "workers", k->workers, "key", k->key, "measured", taken,
                                     "noisy", is_noisy(k), "sizes", json_sizes(k)));
    }
    return json_print(json_pack("{s:o}", "calibrations", list));
}

static int show(struct session *run, const struct settings *s)
{
    struct list l = { 0 };
    int code = measures(s) ? measure(run, s, &l) : list_kept(run, s, &l);
    if (!code) code = s->json ? print_json(&l) : print_list(&l);
    free(l.of);
    return code;
}

/* -------------------------------------------------------------------- clearing */

static int print_cleared(const struct hsgd_calibration_cleared *c)
{
    text_wrap(0, 2,
              "removed %d file%s of hsgd in %s; %d performance model%s and %d file%s of transfers of StarPU's in %s",
              c->calibrations, c->calibrations == 1 ? "" : "s", *c->cache_folder ? c->cache_folder : "no folder",
              c->models, c->models == 1 ? "" : "s", c->transfers, c->transfers == 1 ? "" : "s",
              *c->starpu_folder ? c->starpu_folder : "no folder");
    return flush_output();
}

static int clear(struct session *run, const struct settings *s)
{
    struct hsgd_calibration_cleared c;
    const char *network;
    int code = open_without_devices(run, s);
    if (!code) code = name_network(run, s, &network);
    int err = code ? 0 : hsgd_calibration_clear(run->ctx, network, &c, sizeof c);
    if (err) return library_error(run, err);
    if (code || !s->json) return code ? code : print_cleared(&c);
    return json_print(json_pack("{s:i, s:o, s:i, s:i, s:o}", "calibrations", c.calibrations, "cache_folder",
                                json_text(c.cache_folder), "models", c.models, "transfers", c.transfers,
                                "starpu_folder", json_text(c.starpu_folder)));
}

int cmd_calibrate(struct settings *s)
{
    struct session run = { 0 };
    int code = check(s);
    if (!code) code = s->clear ? clear(&run, s) : show(&run, s);
    close_session(&run);
    return code;
}
