/* Tensors: making, reading, writing, borrowing, and an application's task. */
#include "core.h"

#include <errno.h>
#include <starpu.h>

static void create_copy_borrow(void)
{
    struct hsgd_context *ctx = core_context("cpu", 1, false);
    float data[6] = { 1, 2, 3, 4, 5, 6 }, out[6];
    struct hsgd_tensor *zero = hsgd_tensor_create(ctx, 3, (int[]){ 2, 1, 3 }, NULL, HSGD_COPY);
    struct hsgd_tensor *copy = hsgd_tensor_create(ctx, 2, (int[]){ 2, 3 }, data, HSGD_COPY);
    struct hsgd_tensor *borrow = hsgd_tensor_create(ctx, 1, (int[]){ 6 }, data, HSGD_BORROW);
    REQUIRE(zero && copy && borrow);
    CHECK(hsgd_tensor_size(zero) == 6 && hsgd_tensor_ndims(zero) == 3 && hsgd_tensor_dim(zero, 2) == 3);
    CHECK(hsgd_tensor_dim(zero, 3) == -EINVAL && hsgd_tensor_dim(zero, -1) == -EINVAL);
    CHECK(!hsgd_tensor_read(zero, 0, 6, out));
    for (int i = 0; i < 6; i++) CHECK(out[i] == 0);
    CHECK(!hsgd_tensor_write(borrow, 2, 2, (float[]){ 30, 40 }));
    CHECK(!hsgd_tensor_read(copy, 0, 6, out));
    for (int i = 0; i < 6; i++) CHECK(out[i] == (float)(i + 1));
    CHECK(!hsgd_tensor_read(borrow, 1, 3, out) && out[0] == 2 && out[1] == 30 && out[2] == 40);
    CHECK(!hsgd_tensor_read(copy, 6, 0, out));
    hsgd_tensor_destroy(&borrow);
    CHECK(!borrow && data[1] == 2 && data[2] == 30 && data[3] == 40 && data[4] == 5);
    hsgd_tensor_destroy(&zero);
    hsgd_tensor_destroy(&copy);
    hsgd_tensor_destroy(&copy);
    hsgd_tensor_destroy(NULL);
    hsgd_destroy(&ctx);
}

static void refuses(void)
{
    struct hsgd_context *ctx = core_context("cpu", 1, false);
    float out[6];
    int nine[9] = { 1, 1, 1, 1, 1, 1, 1, 1, 1 };
    CHECK(!hsgd_tensor_create(ctx, 0, nine, NULL, HSGD_COPY));
    CHECK_STR(hsgd_error(ctx), "a tensor has 1 to 8 dimensions, not 0");
    CHECK(!hsgd_tensor_create(ctx, 9, nine, NULL, HSGD_COPY));
    CHECK_STR(hsgd_error(ctx), "a tensor has 1 to 8 dimensions, not 9");
    CHECK(!hsgd_tensor_create(ctx, 2, (int[]){ 3, 0 }, NULL, HSGD_COPY));
    CHECK_STR(hsgd_error(ctx), "dimension 1 of a tensor must be at least 1, not 0");
    CHECK(!hsgd_tensor_create(ctx, 2, (int[]){ 1 << 20, 1 << 20 }, NULL, HSGD_COPY));
    CHECK_STR(hsgd_error(ctx), "a tensor holds at most 2147483647 floats: dimension 1 is 1048576");
    struct hsgd_tensor *t = hsgd_tensor_create(ctx, 1, (int[]){ 6 }, NULL, HSGD_COPY);
    CHECK(hsgd_tensor_read(t, 5, 2, out) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "2 floats from 5 are not inside a tensor of 6");
    CHECK(hsgd_tensor_write(t, -1, 2, out) == -EINVAL);
    CHECK(hsgd_tensor_read(t, 0, -1, out) == -EINVAL);
    CHECK(hsgd_tensor_read(t, INT64_MAX, INT64_MAX, out) == -EINVAL);
    hsgd_tensor_destroy(&t);
    hsgd_destroy(&ctx);
}

static void add_one(void *buffers[], void *arg)
{
    float *x = (float *)STARPU_VECTOR_GET_PTR(buffers[0]);
    (void)arg;
    for (unsigned i = 0; i < STARPU_VECTOR_GET_NX(buffers[0]); i++) x[i] += 1;
}

static struct starpu_codelet one_more = { .cpu_funcs = { add_one }, .nbuffers = 1, .modes = { STARPU_RW } };

static void own_tasks(struct hsgd_context *ctx)
{
    float data[100], out[100];
    for (int i = 0; i < 100; i++) data[i] = (float)i;
    struct hsgd_tensor *t = hsgd_tensor_create(ctx, 2, (int[]){ 10, 10 }, data, HSGD_COPY);
    REQUIRE(t);
    for (int i = 0; i < 20; i++)
        REQUIRE(!starpu_task_insert(&one_more, STARPU_RW, (starpu_data_handle_t)hsgd_tensor_handle(t), 0));
    CHECK(!hsgd_tensor_read(t, 0, 100, out));
    for (int i = 0; i < 100; i++) CHECK(out[i] == (float)(i + 20));
    hsgd_tensor_destroy(&t);
}

static void tasks_in_ours(void)
{
    struct hsgd_context *ctx = core_context("cpu", 1, false);
    own_tasks(ctx);
    hsgd_destroy(&ctx);
}

static void tasks_as_guest(void)
{
    struct starpu_conf conf;
    starpu_conf_init(&conf);
    conf.ncpus = 1;
    conf.nopencl = conf.ncuda = 0;
    REQUIRE(!starpu_init(&conf));
    struct hsgd_context *ctx = core_context("cpu", 1, false);
    own_tasks(ctx);
    hsgd_destroy(&ctx);
    starpu_shutdown();
}

static const struct core_case cases[] = {
    { "create_copy_borrow", create_copy_borrow }, { "refuses", refuses }, { "tasks_in_ours", tasks_in_ours },
    { "tasks_as_guest", tasks_as_guest }
};
CORE_MAIN(cases)
