/* SPDX-License-Identifier: BSD-3-Clause */
/* Types of samples: sizes, channels, positions, bytes. */
#include "core.h"

static void check(struct hsgd_type t, int64_t size, int channels, int64_t positions, int64_t bytes)
{
    CHECK(hsgd_type_size(&t) == size);
    CHECK(hsgd_type_channels(&t) == channels);
    CHECK(hsgd_type_positions(&t) == positions);
    CHECK(hsgd_type_bytes(&t) == bytes);
}

static void sizes(void)
{
    check(hsgd_number(HSGD_I32), 1, 1, 1, 4);
    check(hsgd_number(HSGD_U8), 1, 1, 1, 1);
    check(hsgd_vector(7), 7, 7, 1, 28);
    check(hsgd_image(5, 4, 3), 60, 3, 20, 240);
    check(hsgd_tokens(9), 9, 9, 1, 36);
    check((struct hsgd_type){ HSGD_U8, 2, { 6, 5 } }, 30, 5, 6, 30);
    check((struct hsgd_type){ HSGD_F32, 6, { 100, 100, 100, 100, 100, 3 } }, 30000000000, 3, 10000000000, 120000000000);
}

/* Two types are equal byte by byte: unused dimensions are 0. */
static void unused_dimensions(void)
{
    struct hsgd_type made[] = { hsgd_number(HSGD_F32), hsgd_vector(2), hsgd_image(1, 2, 3), hsgd_tokens(4) };
    for (int i = 0; i < 4; i++)
        for (int k = made[i].rank; k < HSGD_MAX_RANK; k++) CHECK(made[i].dim[k] == 0);
    CHECK(made[0].rank == 0 && made[1].rank == 1 && made[2].rank == 3 && made[3].rank == 1);
    CHECK(made[0].dtype == HSGD_F32 && made[3].dtype == HSGD_I32);
}

static const struct core_case cases[] = { { "sizes", sizes }, { "unused_dimensions", unused_dimensions } };
CORE_MAIN(cases)
