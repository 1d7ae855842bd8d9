/* SPDX-License-Identifier: BSD-3-Clause */
/* The tests of test_ops; TEST_FEW: not counted in shapes. */
#ifndef HSGD_TESTS_TEST_OPS_H
#define HSGD_TESTS_TEST_OPS_H

#define TEST_LIST TEST(gemm) TEST(lanes) TEST(merge) TEST_FEW(trainer_update) TEST_FEW(vector_math)

#define TEST(name) void test_##name(void);
#define TEST_FEW(name) void test_##name(void);
TEST_LIST
#undef TEST
#undef TEST_FEW

#endif
