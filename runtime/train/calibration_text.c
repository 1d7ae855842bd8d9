/* SPDX-License-Identifier: BSD-3-Clause */
/* A calibration as lines of text. */
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE /* timegm() */
#endif
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/c_locale.h"
#include "calibration.h"

void calibration_format(const struct hsgd_calibration *k, struct calibration_file *f)
{
    struct tm t = { 0 };
    time_t seconds = (time_t)k->taken;
    gmtime_r(&seconds, &t);
    calibration_file_add(f, "version", "%s", PACKAGE_VERSION);
    calibration_file_add(f, "network", "%s", k->network);
    calibration_file_add(f, "settings", "%s", k->settings);
    calibration_file_add(f, "device", "%s", k->device);
    calibration_file_add(f, "device-name", "%s", k->device_name);
    calibration_file_add(f, "workers", "%d", k->workers);
    calibration_file_add(f, "taken", "%04d-%02d-%02dT%02d:%02d:%02dZ", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday,
                         t.tm_hour, t.tm_min, t.tm_sec);
    for (int i = 0; i < CURVE_SIZES; i++) {
        char spread[32] = "-";
        if (!isnan(k->spread[i])) c_snprintf(spread, sizeof spread, "%.4f", k->spread[i]);
        calibration_file_add(f, "step", "%d %.17g %s", k->rows[i], k->seconds[i], spread);
    }
}

static bool copy(const struct calibration_file *f, const char *name, char *out, size_t size)
{
    const char *value = calibration_file_value(f, name, 0);
    snprintf(out, size, "%s", value ? value : "");
    return value;
}

/* "ROWS SECONDS SPREAD" */
static bool parse_step(const char *line, int *rows, double *seconds, double *spread)
{
    char *end, *after;
    if (!line) return false;
    long n = strtol(line, &end, 10);
    *rows = (int)n;
    *seconds = c_strtod(end, &after);
    if (end == line || after == end || n < 1 || n > 1 << 20 || !(*seconds > 0 && *seconds < 1e6)) return false;
    *spread = NAN;
    if (!strcmp(after, " -")) return true;
    *spread = c_strtod(after, &end);
    return end != after && !*end && *spread >= 0;
}

/* ISO 8601 */
static bool parse_time(const char *text, int64_t *seconds)
{
    struct tm t = { 0 };
    int n = 0;
    if (!text || sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2dZ%n", &t.tm_year, &t.tm_mon, &t.tm_mday, &t.tm_hour, &t.tm_min,
                        &t.tm_sec, &n) != 6)
        return false;
    t.tm_year -= 1900;
    t.tm_mon--;
    *seconds = timegm(&t);
    return !text[n] && n;
}

bool calibration_parse(const struct calibration_file *f, struct hsgd_calibration *k)
{
    const char *workers = calibration_file_value(f, "workers", 0);
    *k = (struct hsgd_calibration){ .workers = workers ? atoi(workers) : 0 };
    bool ok = copy(f, "network", k->network, sizeof k->network) &&
              copy(f, "settings", k->settings, sizeof k->settings) && copy(f, "device", k->device, sizeof k->device) &&
              copy(f, "device-name", k->device_name, sizeof k->device_name) && copy(f, "key", k->key, sizeof k->key) &&
              k->workers > 0 && parse_time(calibration_file_value(f, "taken", 0), &k->taken);
    for (int i = 0; ok && i < CURVE_SIZES; i++)
        ok = parse_step(calibration_file_value(f, "step", i), &k->rows[i], &k->seconds[i], &k->spread[i]);
    return ok;
}
