/* SPDX-License-Identifier: BSD-3-Clause */
/* hsgd models */
#include <stdio.h>

#include "commands.h"
#include "lib/json.h"
#include "lib/session.h"
#include "lib/sizes.h"

enum { CLASSES = 10 };

static json_t *side(int n) { return n == HSGD_ANY ? json_text("any") : json_integer(n); }

static json_t *json_model(const struct hsgd_model *m)
{
    struct hsgd_shape in = hsgd_model_input(m);
    return json_pack("{s:o, s:I, s:{s:o, s:o, s:o}, s:i}", "name", json_text(hsgd_model_name(m)), "parameters",
                     (json_int_t)hsgd_model_parameters(m), "input", "h", side(in.h), "w", side(in.w), "c", side(in.c),
                     "classes", CLASSES);
}

static void print_model(const struct hsgd_model *m)
{
    struct hsgd_model_field x;
    hsgd_model_field_get(m, 0, &x, sizeof x);
    printf("%-12s %9lld parameters for samples of %s and %d classes\n", hsgd_model_name(m),
           (long long)hsgd_model_parameters(m), type_words(&x.type).text, CLASSES);
}

/* Every model for its default input; list: receives them, NULL: print them. */
static int list_models(struct session *run, struct settings *s, json_t **list)
{
    for (int i = 0; hsgd_model_name_at(i); i++) {
        s->model = hsgd_model_name_at(i);
        int code = open_model(run, s, NULL);
        if (code) return code;
        if (list) json_append(list, json_model(run->model));
        else print_model(run->model);
        hsgd_model_destroy(&run->model);
    }
    return OK;
}

int cmd_models(struct settings *s)
{
    struct session run;
    int code = require_words(s, 0);
    if (code) return code;
    code = open_without_devices(&run, s);
    json_t *list = !code && s->json ? json_array() : NULL;
    if (!code) code = list_models(&run, s, s->json ? &list : NULL);
    close_session(&run);
    if (code) {
        json_decref(list);
        return code;
    }
    return s->json ? json_print(json_pack("{s:o}", "models", list)) : flush_output();
}
