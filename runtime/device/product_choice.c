/* SPDX-License-Identifier: BSD-3-Clause */
#include "product_choice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/c_locale.h"
#include "base/core.h"
#include "base/sha256.h"
#include "base/sized.h"
#include "calibration_file.h"
#include "environment.h"
#include "io/cache.h"

_Static_assert((int)PRODUCT_LIBRARIES == HSGD_PRODUCT_LIBRARIES, "the libraries of struct hsgd_product");

/* -------------------------------------------------------------- what is kept */

/* All that the times depend on. */
static void key_of(const char *cpu, char hex[65])
{
    struct sha256 h;
    char version[64];
    sha256_begin(&h);
    sha256_text(&h, PACKAGE_VERSION);
    sha256_text(&h, cpu);
    for (int i = 0; i < PRODUCT_LIBRARIES; i++) {
        product_library_version((enum product_library)i, version, sizeof version);
        sha256_text(&h, version);
    }
    sha256_end(&h, hex);
}

/* PRODUCT_LIBRARIES: none. */
static int library_named(const char *name, size_t length)
{
    int i = 0;
    for (; i < PRODUCT_LIBRARIES; i++) {
        const char *known_name = product_library_name((enum product_library)i);
        if (strlen(known_name) == length && !strncmp(name, known_name, length)) break;
    }
    return i;
}

/* "LIBRARY GFLOPS GFLOPS GFLOPS" of a class; value NULL: false. */
static bool read_class(const char *value, int class, struct products *p)
{
    if (!value) return false;
    size_t length = strcspn(value, " ");
    p->library[class] = (enum product_library)library_named(value, length);
    for (int i = 0; i < PRODUCT_LIBRARIES; i++) {
        char *end;
        p->gflops[class][i] = c_strtod(value += length, &end);
        if (end == value || !(p->gflops[class][i] >= 0)) return false;
        length = (size_t)(end - value);
    }
    return product_built_in(p->library[class]) && !value[length];
}

static bool load(const char key[65], struct products *p)
{
    struct calibration_file f;
    char name[32];
    bool ok = calibration_file_read(NULL, &f, PRODUCTS_KIND, key);
    for (int c = 0; ok && c < PRODUCT_CLASSES; c++) {
        product_class_name(c, name, sizeof name);
        ok = read_class(calibration_file_value(&f, name, 0), c, p);
    }
    return ok;
}

static bool keep(const char key[65], const struct products *p)
{
    struct calibration_file f;
    char name[32];
    if (!calibration_file_begin(&f, PRODUCTS_KIND, key)) return false;
    for (int c = 0; c < PRODUCT_CLASSES; c++) {
        const double *g = p->gflops[c];
        product_class_name(c, name, sizeof name);
        calibration_file_add(&f, name, "%s %.1f %.1f %.1f", product_library_name(p->library[c]), g[0], g[1], g[2]);
    }
    return !calibration_file_write(NULL, &f);
}

/* ------------------------------------------------------------------ choices */

/* Of struct device: a library, or how it is chosen. */
enum { BY_RULE = -2, BY_MEASUREMENT = -1 };

static struct products by[PRODUCT_LIBRARIES], measured;
static bool filled, known;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* A choice that cannot be kept might be another one next time, and with it the results: then it is by the rule.  Of two
 * processes that measure at a time the first one's choice is that of both. */
static void measure(const char *cpu)
{
    char key[65], folder[PATH_MAX];
    struct products p, first;
    measured = by[product_library_fixed()];
    if (!hsgd_cache_folder(folder, sizeof folder)) return;
    key_of(cpu, key);
    bool anew = environment_number("STARPU_CALIBRATE", 1) == 2;
    if (!anew && load(key, &p)) measured = p;
    else if (hsgd_blas_threads() == 1) { /* else a guest, where OpenBLAS is the application's */
        p = products_measured();
        if (!anew && load(key, &first)) measured = first;
        else if (keep(key, &p) && load(key, &p)) measured = p;
    }
}

const struct products *product_choice(const struct device *d)
{
    const struct products *choice = &measured;
    pthread_mutex_lock(&lock);
    for (int i = 0; !filled && i < PRODUCT_LIBRARIES; i++) by[i] = products_by((enum product_library)i);
    filled = true;
    if (d->products >= 0) choice = &by[d->products];
    else if (d->products == BY_RULE) choice = &by[product_library_fixed()];
    else if (!known) measure(d->info.name);
    known = known || choice == &measured;
    pthread_mutex_unlock(&lock);
    return choice;
}

void product_choice_text(const struct device *d, char out[PRODUCT_CLASSES + 1])
{
    const struct products *p = product_choice(d);
    for (int c = 0; c < PRODUCT_CLASSES; c++) out[c] = (char)('0' + (int)p->library[c]);
    out[PRODUCT_CLASSES] = 0;
}

int product_choice_read(struct hsgd_context *ctx)
{
    const char *wish = getenv("HSGD_PRODUCTS");
    int choice = ctx->deterministic ? BY_RULE : BY_MEASUREMENT;
    if (wish && strcmp(wish, "auto")) {
        choice = library_named(wish, strlen(wish));
        if (choice == PRODUCT_LIBRARIES)
            return hsgd_fail(ctx, EINVAL, "HSGD_PRODUCTS is \"%s\", not auto, onednn, openblas or own", wish);
        if (!product_built_in((enum product_library)choice))
            return hsgd_fail(ctx, EINVAL, "HSGD_PRODUCTS is \"%s\", which this build does not have", wish);
    }
    for (int i = 0; i < ctx->ndevices; i++) ctx->device[i].products = choice;
    return 0;
}

int hsgd_product_get(const struct hsgd_context *ctx, int i, struct hsgd_product *out, size_t bytes)
{
    const struct device *cpu = NULL;
    struct hsgd_product full = { .size = sizeof full };
    for (int d = 0; ctx && d < ctx->ndevices; d++)
        if (ctx->device[d].info.kind == HSGD_CPU) cpu = &ctx->device[d];
    if (!cpu || i < 0 || i >= PRODUCT_CLASSES) return -EINVAL;
    const struct products *p = product_choice(cpu);
    product_class_name(i, full.name, sizeof full.name);
    snprintf(full.library, sizeof full.library, "%s", product_library_name(p->library[i]));
    for (int l = 0; l < PRODUCT_LIBRARIES; l++) {
        product_library_version((enum product_library)l, full.candidate[l], sizeof full.candidate[l]);
        full.gflops[l] = p->gflops[i][l];
    }
    return SIZED_GIVE(NULL, hsgd_product, out, bytes, &full);
}
