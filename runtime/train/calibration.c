/* SPDX-License-Identifier: BSD-3-Clause */
#include "calibration.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/c_locale.h"
#include "device/environment.h"
#include "device/product_choice.h"
#include "io/atomic.h"
#include "io/cache.h"
#include "model/model_file.h"
#include "plan/recording.h"

#define FORMAT 1 /* of a file, and of how trials are made */

/* ------------------------------------------------------------------- where */

/* All that a step's time depends on: the kernels, the network, the optimizer,
 * the device, and the sizes. */
static void key_of(const struct trainer_state *s, const struct device *d, const struct curve *c, char hex[65])
{
    const struct hsgd_train_options *o = &s->options;
    const char *slow = getenv("HSGD_SLOW"), *pocl = getenv("POCL_MAX_PTHREAD_COUNT");
    const char *cudnn = getenv("HSGD_CUDNN");
    char *text = model_text(NULL, s->store.model), numbers[200], products[PRODUCT_CLASSES + 1] = "";
    struct sha256 h;
    snprintf(numbers, sizeof numbers, "%d %dx%dx%d %d %d %d %d %d %d %d %d", FORMAT, s->store.sized->in.h,
             s->store.sized->in.w, s->store.sized->in.c, (int)o->optimizer, o->clip_norm > 0, s->ctx->tf32,
             d->info.workers, s->ctx->ndevices, c->rows[0], c->rows[1], c->rows[2]);
    sha256_begin(&h);
    sha256_text(&h, PACKAGE_VERSION);
    recording_add_kernels(&h);
    sha256_text(&h, d->info.id);
    sha256_text(&h, d->info.name);
    if (d->info.kind == HSGD_CPU) product_choice_text(d, products);
    sha256_text(&h, products);
    sha256_text(&h, text ? text : "");
    sha256_text(&h, numbers);
    if (s->store.sized != s->store.model) recording_add_fields(&h, s->store.sized);
    sha256_text(&h, slow ? slow : "");
    sha256_text(&h, pocl ? pocl : "");
    sha256_text(&h, d->info.cudnn);
    sha256_text(&h, cudnn ? cudnn : "");
    if (o->accumulate > 1) sha256_add(&h, &o->accumulate, sizeof o->accumulate);
    if (o->ema_decay > 0) sha256_text(&h, "ema");
    sha256_end(&h, hex);
    free(text);
}

static bool path_of(const struct trainer_state *s, const struct device *d, const struct curve *c, char *out,
                    size_t size)
{
    char host[64], hex[65];
    if (!hsgd_cache_folder(out, size)) return false;
    hsgd_cache_host(host, sizeof host);
    key_of(s, d, c, hex);
    size_t used = strlen(out);
    return snprintf(out + used, size - used, "/calibration-%s-%.32s", host, hex) < (int)(size - used);
}

/* -------------------------------------------------------------- what is kept */

/* "ROWS SECONDS" */
static bool read_line(const char *line, int rows, double *seconds)
{
    char *end, *after;
    long read = strtol(line, &end, 10);
    *seconds = c_strtod(end, &after);
    return end != line && after != end && read == rows && *seconds > 0 && *seconds < 1e6;
}

bool calibration_load(const struct trainer_state *s, const struct device *d, struct curve *c)
{
    char path[1024], line[64];
    if (environment_number("STARPU_CALIBRATE", 1) == 2) return false;
    struct curve read = *c;
    FILE *f = path_of(s, d, c, path, sizeof path) ? fopen(path, "r") : NULL;
    bool ok = f;
    for (int i = 0; ok && i < CURVE_SIZES; i++)
        ok = fgets(line, sizeof line, f) && read_line(line, c->rows[i], &read.seconds[i]);
    if (f) fclose(f);
    if (ok) *c = read;
    return ok;
}

void calibration_save(const struct trainer_state *s, const struct device *d, const struct curve *c)
{
    char path[1024], text[200], kept[sizeof s->ctx->error];
    int used = 0;
    for (int i = 0; i < CURVE_SIZES; i++) {
        if (!isfinite(c->seconds[i])) return;
        used += c_snprintf(text + used, sizeof text - (size_t)used, "%d %.9g\n", c->rows[i], c->seconds[i]);
    }
    if (s->ctx->starpu_places) return; /* a policy's run leaves the plan's files alone */
    if (!path_of(s, d, c, path, sizeof path)) return;
    hsgd_cache_make_folders(path);
    memcpy(kept, s->ctx->error, sizeof kept);
    if (!hsgd_file_write(s->ctx, path, text, (size_t)used)) return;
    hsgd_log(s->ctx, HSGD_LOG_DEBUG, "%s", s->ctx->error);
    memcpy(s->ctx->error, kept, sizeof kept);
}
