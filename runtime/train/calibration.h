/* SPDX-License-Identifier: BSD-3-Clause */
/* Calibrations of devices: what trials measured on this host, for these operations and
 * kernels, and keep for later processes. */
#ifndef HSGD_RUNTIME_TRAIN_CALIBRATION_H
#define HSGD_RUNTIME_TRAIN_CALIBRATION_H

#include <hsgd/calibration.h>

#include "device/calibration_file.h"
#include "state.h"

#define CALIBRATION_KIND "calibration" /* of its files */

/* Beside a curve's seconds, which are the least of several rounds: those of the next best round; INFINITY where one
 * round was enough.  Two rounds that agree were both undisturbed, so how far the second is above the first says
 * whether the least can be trusted; slower rounds say only that something else ran at times. */
struct calibration {
    double second[CURVE_SIZES];
    int64_t taken; /* seconds since 1970; 0: it was not */
};

/* second / least - 1; NaN: of one round. */
double calibration_spread(const struct curve *c, const struct calibration *k, int size);
/* The largest spread of all sizes, 0 where none is known. */
double calibration_max_spread(const struct curve *c, const struct calibration *k);

/* Fills in the seconds of c->rows on device d, and *k; false: not known. */
bool calibration_load(const struct trainer_state *s, const struct device *d, struct curve *c, struct calibration *k);

/* Keeps them.  0, or a negative errno with a sentence: it will be measured again next time. */
int calibration_save(const struct trainer_state *s, const struct device *d, const struct curve *c,
                     const struct calibration *k);

/* The same in public form. */
void calibration_describe(const struct trainer_state *s, const struct device *d, const struct curve *c,
                          const struct calibration *k, struct hsgd_calibration *out);

/* Adds the lines of a file; reads them, false: it is damaged. */
void calibration_format(const struct hsgd_calibration *k, struct calibration_file *f);
bool calibration_parse(const struct calibration_file *f, struct hsgd_calibration *k);

#endif
