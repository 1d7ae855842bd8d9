/* SPDX-License-Identifier: BSD-3-Clause */
#include "calibration.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/c_locale.h"
#include "device/environment.h"
#include "device/product_choice.h"
#include "model/model_file.h"
#include "plan/recording.h"

/* Variables that change what a device takes. */
static const char *const variables[] = { "HSGD_SLOW", "POCL_MAX_PTHREAD_COUNT", "HSGD_CUDNN", "HSGD_PRODUCTS",
                                         "HSGD_OPENCL_GROUPS" };
enum { VARIABLES = sizeof variables / sizeof *variables };

/* ----------------------------------------------------------------------- key */

/* All that a step's time depends on: the kernels, the network, the optimizer,
 * the device, and the sizes. */
static void key_of(const struct trainer_state *s, const struct device *d, const struct curve *c, char hex[65])
{
    const struct hsgd_train_options *o = &s->options;
    char *text = model_text(NULL, s->store.model), numbers[200], products[PRODUCT_CLASSES + 1] = "";
    struct sha256 h;
    snprintf(numbers, sizeof numbers, "%d %dx%dx%d %d %d %d %d %d %d %d %d", CALIBRATION_VERSION, s->store.sized->in.h,
             s->store.sized->in.w, s->store.sized->in.c, (int)o->optimizer, o->clip_norm > 0, s->ctx->tf32,
             d->info.workers, s->ctx->ndevices, c->rows[0], c->rows[1], c->rows[2]);
    sha256_begin(&h);
    sha256_text(&h, PACKAGE_VERSION);
    recording_add_kernels(&h);
    sha256_text(&h, d->info.id);
    sha256_text(&h, d->info.name);
    sha256_text(&h, d->info.driver);
    if (d->info.kind == HSGD_CPU) product_choice_text(d, products);
    sha256_text(&h, products);
    sha256_text(&h, text ? text : "");
    sha256_text(&h, numbers);
    if (s->store.sized != s->store.model) recording_add_fields(&h, s->store.sized);
    sha256_text(&h, d->info.cudnn);
    for (int i = 0; i < VARIABLES; i++) {
        const char *value = getenv(variables[i]);
        sha256_text(&h, value ? value : "");
    }
    if (o->accumulate > 1) sha256_add(&h, &o->accumulate, sizeof o->accumulate);
    if (o->ema_decay > 0) sha256_text(&h, "ema");
    sha256_end(&h, hex);
    free(text);
}

/* --------------------------------------------------------------------- words */

static void add_word(char *out, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void add_word(char *out, size_t size, const char *format, ...)
{
    va_list args;
    size_t used = strlen(out);
    if (used) used += (size_t)snprintf(out + used, size - used, ", ");
    va_start(args, format);
    if (used < size) vsnprintf(out + used, size - used, format, args);
    va_end(args);
}

/* What a person needs to tell two keys apart. */
static void settings_of(const struct trainer_state *s, char *out, size_t size)
{
    const struct hsgd_train_options *o = &s->options;
    const struct hsgd_shape in = s->store.sized->in;
    *out = '\0';
    add_word(out, size, "%s", hsgd_optimizer_name(o->optimizer));
    if (in.h > 0) add_word(out, size, "input %dx%dx%d", in.h, in.w, in.c);
    add_word(out, size, "%d device%s in use", s->ctx->ndevices, s->ctx->ndevices == 1 ? "" : "s");
    if (s->ctx->tf32) add_word(out, size, "TF32");
    if (o->clip_norm > 0) add_word(out, size, "clipping");
    if (o->accumulate > 1) add_word(out, size, "accumulate %d", o->accumulate);
    if (o->ema_decay > 0) add_word(out, size, "moving average");
    for (int i = 0; i < VARIABLES; i++) {
        const char *value = getenv(variables[i]);
        if (value && *value) add_word(out, size, "%s=%s", variables[i], value);
    }
}

void calibration_describe(const struct trainer_state *s, const struct device *d, const struct curve *c,
                          const struct calibration *k, struct hsgd_calibration *out)
{
    *out = (struct hsgd_calibration){ .workers = d->info.workers, .taken = k->taken };
    snprintf(out->network, sizeof out->network, "%.*s", (int)sizeof out->network - 1, s->store.model->name);
    settings_of(s, out->settings, sizeof out->settings);
    memcpy(out->device, d->info.id, sizeof out->device);
    memcpy(out->device_name, d->info.name, sizeof out->device_name);
    key_of(s, d, c, out->key);
    for (int i = 0; i < CURVE_SIZES; i++) {
        out->rows[i] = c->rows[i];
        out->seconds[i] = c->seconds[i];
        out->spread[i] = calibration_spread(c, k, i);
    }
}

/* -------------------------------------------------------------------- spread */

double calibration_spread(const struct curve *c, const struct calibration *k, int size)
{
    return isfinite(k->second[size]) ? k->second[size] / c->seconds[size] - 1 : NAN;
}

double calibration_max_spread(const struct curve *c, const struct calibration *k)
{
    double max = 0;
    for (int i = 0; i < CURVE_SIZES; i++) max = fmax(max, calibration_spread(c, k, i));
    return max;
}

/* ---------------------------------------------------------------- what is kept */

bool calibration_load(const struct trainer_state *s, const struct device *d, struct curve *c, struct calibration *k)
{
    struct calibration_file f;
    struct hsgd_calibration read;
    char key[65];
    if (environment_number("STARPU_CALIBRATE", 1) == 2) return false;
    key_of(s, d, c, key);
    if (!calibration_file_read(s->ctx, &f, CALIBRATION_KIND, key)) return false;
    if (!calibration_parse(&f, &read) || memcmp(read.rows, c->rows, sizeof read.rows)) {
        hsgd_log(s->ctx, HSGD_LOG_INFO, "%s is damaged: it is not used", f.path);
        return false;
    }
    k->taken = read.taken;
    for (int i = 0; i < CURVE_SIZES; i++) {
        c->seconds[i] = read.seconds[i];
        k->second[i] = isnan(read.spread[i]) ? INFINITY : read.seconds[i] * (1 + read.spread[i]);
    }
    return true;
}

int calibration_save(const struct trainer_state *s, const struct device *d, const struct curve *c,
                     const struct calibration *k)
{
    struct calibration_file f;
    struct hsgd_calibration about;
    for (int i = 0; i < CURVE_SIZES; i++)
        if (!isfinite(c->seconds[i])) return 0;
    if (s->ctx->starpu_places) return 0; /* a policy's run leaves the plan's files alone */
    calibration_describe(s, d, c, k, &about);
    if (!calibration_file_begin(&f, CALIBRATION_KIND, about.key))
        return hsgd_fail(s->ctx, ENOENT, "calibrations are not kept: HSGD_CACHE is off, or there is no HOME");
    calibration_format(&about, &f);
    return calibration_file_write(s->ctx, &f);
}
