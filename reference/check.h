/* SPDX-License-Identifier: BSD-3-Clause */
/* Random shapes, and comparing what an operation computes with a
 * double-precision reference. */
#ifndef HSGD_REFERENCE_CHECK_H
#define HSGD_REFERENCE_CHECK_H

#include <hsgd/hsgd.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

/* ------------------------------------------------------- random values */

void check_seed(uint64_t seed);
int check_int(int low, int high); /* low and high included */
float check_float(void);          /* in [-1, 1) */
float *check_floats(int64_t n);   /* to be freed */
float *check_steps(int64_t n);    /* quarters in [-1, 1]: many are equal */
/* A dimension in 1..max: often 1, odd, or beside a power of two. */
int check_size(int max);
double *check_doubles(const float *from, int64_t n); /* from NULL: zeros */

/* ------------------------------------------------ reference and bounds */

#define CHECK_U 0x1p-24 /* half the distance between 1 and the next float */

/* A reference value and the maximum error of a single-precision result. */
struct approx {
    double v, e;
};

/* A sum of terms, each with error e.  Summed in single precision in any order
 * its error is at most (terms + 4) u times the sum of magnitudes; the 4 cover
 * the products in it and one or two roundings after it. */
struct approx_sum {
    double v, magnitude, e;
    int terms;
};

static inline void approx_add(struct approx_sum *s, double term, double e)
{
    s->v += term;
    s->magnitude += fabs(term);
    s->e += e;
    s->terms++;
}

static inline struct approx approx_of(struct approx_sum s)
{
    return (struct approx){ s.v, s.e + (s.terms + 4) * CHECK_U * s.magnitude };
}

struct approx *check_approx(int64_t n); /* zeros, to be freed */
double check_activation(double z, enum hsgd_activation f);
double check_activation_grad(double y, enum hsgd_activation f); /* f' from y = f(z) */

/* --------------------------------------------------------- one test run */

#define CHECK_MESSAGES 3 /* that are kept */
#define CHECK_LARGE 256  /* outputs of a work-group */

/* Counts for one device: shapes run, failures, and the error and bound of the
 * value closest to its bound (0: none). */
struct check_count {
    int shapes, large, failures;
    double error, bound;
};

struct check_outcome {
    int failures; /* at most CHECK_MESSAGES */
    char message[CHECK_MESSAGES][600];
    struct check_count *device; /* for each device of the context */
};

#define CHECK_SHAPES 200 /* minimum per device and operation */

/* Resets the counts and seeds the random values from the name; runs on all
 * devices, or on one alone. */
#define CHECK_ALL -1
void check_begin(struct hsgd_context *ctx, const char *name, int device);
const struct check_outcome *check_outcome(void);

/* Whether integers are drawn from the first of a range only, and sizes are at most as many: for a checker that runs
 * kernels in minutes that take milliseconds. */
#define CHECK_SMALL 13
void check_small(bool yes);
/* From now on only every n-th shape runs on devices: check_devices() is 0 for the others. */
void check_part(int n);
/* How many devices run the shape. */
int check_devices(void);
struct hsgd_context *check_context(void);
/* Sets the description of the current case, for messages. */
void check_shape(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Runs the operation on a device and counts the shape; from the `elements` of
 * its output it follows whether it is larger than a work-group.  UNCOUNTED: a
 * shape counted before. */
#define UNCOUNTED -1
void check_run(int device, const struct hsgd_op *op, const void *attributes, const struct hsgd_op_call *run,
               int64_t elements);
/* Fails if got[i] differs from v by more than e, or is not NaN where v is. */
void check_near(const char *what, const float *got, const struct approx *want, int64_t n);
void check_that(bool holds, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Compares gradient (its v) with the central difference of loss(user) along a
 * random direction from at[], in double precision. */
void check_gradient(const char *what, double (*loss)(void *user), void *user, double *at, const struct approx *gradient,
                    int64_t n);
/* False once the current test has failed. */
bool check_going(void);

#endif
