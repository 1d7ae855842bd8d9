/* SPDX-License-Identifier: BSD-3-Clause */
/* Random calls: sessions. */
#include "fuzz.h"

static struct hsgd_session *some_session(void)
{
    return world.other_session && one_in(3) ? world.other_session : world.session;
}

#define SESSION(i) OR_NULL(i, some_session())

static bool defaults(void)
{
    struct hsgd_session_options o;
    return !hsgd_session_defaults(OR_NULL(0, &o), wild_size(sizeof o));
}

static bool create(void)
{
    const char *names[] = { any_text("output"), NULL };
    struct hsgd_session_options o = { .batch = wild(8), .plans = wild(3) };
    if (one_in(4)) o.executor = (enum hsgd_executor)wild_enum(2);
    if (one_in(2)) o.result = names;
    o.size = wild_size(sizeof o);
    hsgd_session_destroy(&world.other_session);
    struct hsgd_model *m = OR_NULL(0, one_in(2) ? world.trained : world.other_model);
    world.other_session = hsgd_session_create(m, OR_NULL(1, &o));
    return world.other_session;
}

static bool destroy(void)
{
    hsgd_session_destroy(OR_NULL(0, &world.other_session));
    return true;
}

/* Not more samples than the buffers hold. */
static bool run(void)
{
    int n = 1 + below(9);
    const void *input[] = { OR_NULL(3, some_floats()) };
    void *result[] = { OR_NULL(4, results) };
    return !hsgd_session_run(SESSION(0), wild_low(n), OR_NULL(1, input), OR_NULL(2, result));
}

static bool set_types(void)
{
    struct hsgd_type type[2] = { hsgd_vector(FEATURES), hsgd_vector(FEATURES) };
    if (one_in(4)) type[below(2)].dim[0] = wild(0);
    if (one_in(4)) type[below(2)].rank = wild_low(1);
    return !hsgd_session_set_types(SESSION(0), one_in(4) ? wild_enum(2) : 1, OR_NULL(1, type));
}

static bool inputs(void) { return hsgd_session_inputs(SESSION(0)); }
static bool number_of_results(void) { return hsgd_session_results(SESSION(0)); }

static bool input_get(void)
{
    struct hsgd_session_value v;
    return !hsgd_session_input_get(SESSION(0), wild(0), OR_NULL(1, &v), wild_size(sizeof v));
}

static bool result_get(void)
{
    struct hsgd_session_value v;
    return !hsgd_session_result_get(SESSION(0), wild(0), OR_NULL(1, &v), wild_size(sizeof v));
}

static bool memory(void)
{
    struct hsgd_session_memory m;
    return !hsgd_session_memory_get(SESSION(0), OR_NULL(1, &m), wild_size(sizeof m));
}

static bool reset(void) { return !hsgd_session_reset(SESSION(0)); }

const struct call session_calls[] = {
    { "hsgd_session_defaults", defaults, 1, false },   { "hsgd_session_create", create, 2, false },
    { "hsgd_session_destroy", destroy, 1, false },     { "hsgd_session_run", run, 5, false },
    { "hsgd_session_inputs", inputs, 1, false },       { "hsgd_session_results", number_of_results, 1, false },
    { "hsgd_session_input_get", input_get, 2, false }, { "hsgd_session_result_get", result_get, 2, false },
    { "hsgd_session_memory_get", memory, 2, false },   { "hsgd_session_set_types", set_types, 2, false },
    { "hsgd_session_reset", reset, 1, false },         { NULL, NULL, 0, false }
};
