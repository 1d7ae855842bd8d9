/* SPDX-License-Identifier: BSD-3-Clause */
/* Every operation and kernel on the CPU and on OpenCL against a reference in
 * double precision.  Usage: test_ops [--devices=LIST] [name...], or --list */
#include "test_ops.h"

#include "main.h"
#include "reference/reference.h"

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
#define TEST(name) { #name, test_##name, true },
#define TEST_FEW(name) { #name, test_##name, false },
#define REFERENCE(name) { #name, reference_##name, true },
#include "reference/reference_list.h"
        TEST_LIST{ "flatten_model", check_flatten_model, false },
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}
