/* SPDX-License-Identifier: BSD-3-Clause */
/* Random calls: building graphs. */
#include "fuzz.h"

/* The call of interest gets anything; the model is finished and kept all the same. */
enum { INPUT, TARGET, OUTPUT, TYPE_OF, ENTER, LEAVE, RESULT, LOSS, WEIGHTED, FINISH, CREATE, RECOMPUTE, SHARE, FREEZE };

static int tested; /* the function of this call */

#define WILD(function, i, p) (tested == (function) ? OR_NULL(i, p) : (p))

static struct hsgd_type some_type(int right)
{
    struct hsgd_type t = hsgd_vector(right);
    if (one_in(8)) t.dim[0] = wild(right);
    if (one_in(8)) t.rank = wild(1);
    if (one_in(8)) t.dtype = (enum hsgd_dtype)wild_enum(HSGD_DTYPES);
    return t;
}

static struct hsgd_type input_type(int function, int right)
{
    return tested == function ? some_type(right) : hsgd_vector(right);
}

static bool build(int function)
{
    struct hsgd_type type;
    tested = function;
    struct hsgd_model *m = hsgd_model_create(WILD(CREATE, 0, world.ctx), WILD(CREATE, 1, any_text("graph")));
    struct hsgd_value *x = hsgd_input(WILD(INPUT, 0, m), WILD(INPUT, 1, any_text("x")), input_type(INPUT, FEATURES));
    struct hsgd_value *label = hsgd_target(WILD(TARGET, 0, m), WILD(TARGET, 1, "label"),
                                           tested == TARGET && one_in(4) ? some_type(1) : hsgd_number(HSGD_I32));
    hsgd_enter(WILD(ENTER, 0, m), WILD(ENTER, 1, "%s"), "block");
    if (one_in(2)) hsgd_recompute(WILD(RECOMPUTE, 0, m));
    x = HSGD_OP(x, dense, NULL, .units = 4);
    hsgd_leave(WILD(LEAVE, 0, m));
    if (tested == LEAVE && one_in(4)) hsgd_leave(m);
    if (tested == OUTPUT) x = hsgd_output(OR_NULL(0, x), one_in(4) ? wild(0) : 0);
    struct hsgd_value *first = x = HSGD_OP(x, dense, "first", .units = 4);
    x = HSGD_OP(x, dense, "second", .units = one_in(8) ? 3 : 4);
    if (one_in(2)) hsgd_share(WILD(SHARE, 0, x), WILD(SHARE, 1, one_in(8) ? label : first));
    if (tested == FREEZE) hsgd_model_freeze(OR_NULL(0, m), OR_NULL(1, any_text("first.*")), one_in(2));
    x = HSGD_OP(x, dense, "out", .units = CLASSES);
    bool good = tested != TYPE_OF || !hsgd_type_of(OR_NULL(0, x), OR_NULL(1, &type));
    hsgd_result(WILD(RESULT, 0, x), WILD(RESULT, 1, "scores"));
    struct hsgd_value *loss = HSGD_JOIN(HSGD_OF(x, label), softmax_cross_entropy, "loss");
    if (tested != WEIGHTED) hsgd_loss(WILD(LOSS, 0, tested == LOSS && one_in(8) ? x : loss));
    else hsgd_weighted_loss(OR_NULL(0, one_in(8) ? x : loss), wild_float(0.5f));
    good &= !hsgd_model_finish(WILD(FINISH, 0, m));
    keep_model(m);
    return good;
}

static bool input(void) { return build(INPUT); }
static bool target(void) { return build(TARGET); }
static bool output(void) { return build(OUTPUT); }
static bool type_of(void) { return build(TYPE_OF); }
static bool enter(void) { return build(ENTER); }
static bool leave(void) { return build(LEAVE); }
static bool result(void) { return build(RESULT); }
static bool loss(void) { return build(LOSS); }
static bool weighted(void) { return build(WEIGHTED); }
static bool finish(void) { return build(FINISH); }
static bool recompute(void) { return build(RECOMPUTE); }
static bool share(void) { return build(SHARE); }
static bool freeze(void) { return build(FREEZE); }
static bool create(void) { return build(CREATE); }

const struct call graph_calls[] = { { "hsgd_model_create", create, 2, false },
                                    { "hsgd_input", input, 2, false },
                                    { "hsgd_target", target, 2, false },
                                    { "hsgd_output", output, 1, false },
                                    { "hsgd_type_of", type_of, 2, false },
                                    { "hsgd_enter", enter, 2, false },
                                    { "hsgd_leave", leave, 1, false },
                                    { "hsgd_recompute", recompute, 1, false },
                                    { "hsgd_share", share, 2, false },
                                    { "hsgd_model_freeze", freeze, 2, false },
                                    { "hsgd_result", result, 2, false },
                                    { "hsgd_loss", loss, 1, false },
                                    { "hsgd_weighted_loss", weighted, 1, false },
                                    { "hsgd_model_finish", finish, 1, false },
                                    { NULL, NULL, 0, false } };
