/* SPDX-License-Identifier: BSD-3-Clause */
/* What the whole-library tests share: cases that run in processes of their
 * own, checks that count, and small makers. */
#ifndef HSGD_TESTS_CORE_H
#define HSGD_TESTS_CORE_H

#include <hsgd/hsgd.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct core_case {
    const char *name;
    void (*run)(void);
};

/* Runs each case (or those named on the command line) in a forked process
 * with one STARPU_HOME for the program, and prints "N passed, N failed".
 * Returns the exit status. */
int core_main(int argc, char **argv, const struct core_case *cases, int ncases);
#define CORE_MAIN(cases) \
    int main(int argc, char **argv) { return core_main(argc, argv, cases, (int)(sizeof cases / sizeof *cases)); }

/* Runs fn(arg) in a process of its own; false when a check in it failed. */
bool core_child(void (*fn)(void *arg), void *arg);

/* Zeroed memory that children share with their parent. */
void *core_shared(size_t bytes);

/* Counts a check; the case fails when one does. */
bool core_check(bool ok, const char *file, int line, const char *format, ...) __attribute__((format(printf, 4, 5)));
#define CHECK(condition) core_check(condition, __FILE__, __LINE__, "%s", #condition)
#define CHECK_MSG(condition, ...) core_check(condition, __FILE__, __LINE__, __VA_ARGS__)
#define CHECK_STR(got, want) core_check_str(got, want, __FILE__, __LINE__)
bool core_check_str(const char *got, const char *want, const char *file, int line);
/* Ends the case: nothing after it makes sense. */
#define REQUIRE(condition) \
    do { \
        if (!CHECK(condition)) core_end(); \
    } while (0)
_Noreturn void core_end(void);
/* Says why something was not tested. */
void core_skip(const char *format, ...) __attribute__((format(printf, 1, 2)));

struct hsgd_context *core_context(const char *devices, int threads, bool deterministic);
/* The first `count` samples of the built-in training set as they are trained
 * with: normalised by the statistics of all 12000. */
void core_digits(int first, int count, float *x, int32_t *labels);
/* Ends a model that gives scores of classes: softmax cross-entropy with a target
 * "label".  NULL after an error, and the model is destroyed. */
struct hsgd_model *core_classifier(struct hsgd_model *m, struct hsgd_value *scores);
/* All weights in order of their names. */
float *core_weights(struct hsgd_model *model, int64_t *count);
void core_set_weights(struct hsgd_model *model, const float *w);
/* The model's outputs for n samples in memory, by a session. */
void core_outputs(struct hsgd_model *model, const float *x, int n, float *out);
/* |a - b| / |b| */
double core_distance(const float *a, const float *b, int64_t n);
double core_norm(const float *a, int64_t n);

#endif
