/* SPDX-License-Identifier: BSD-3-Clause */
/* Contexts for tests, and the main program of tests of operations. */
#ifndef HSGD_TESTS_MAIN_H
#define HSGD_TESTS_MAIN_H

#include <hsgd/hsgd.h>
#include <stdbool.h>

/* A context of one CPU core, for tests that need any context.  StarPU keeps
 * its files in a folder that is gone when the process ends. */
struct hsgd_context *test_context(void);
/* The same for any device list. */
struct hsgd_context *test_context_on(const char *devices);

/* Runs the tests named on the command line, or all, on "cpu" and then on
 * "opencl"; option --devices=LIST names others.  Each must run shapes enough on
 * every device. */
struct check_test {
    const char *name;
    void (*run)(void);
    bool counted;
};
int check_main(int argc, char **argv, const struct check_test *tests, int n);

#endif
