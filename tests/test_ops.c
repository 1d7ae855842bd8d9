/* Every operation and kernel on the CPU and on OpenCL against a reference in
 * double precision.  Usage: test_ops [--cpu | --devices=LIST] [name...] */
#include "test_ops.h"

#include "check.h"

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
#define TEST(name) { #name, test_##name, true },
#define TEST_FEW(name) { #name, test_##name, false },
        TEST_LIST
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}
