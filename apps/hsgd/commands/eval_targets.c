/* SPDX-License-Identifier: BSD-3-Clause */
#include "eval_targets.h"

#include <math.h>
#include <stdio.h>

#include "lib/json.h"
#include "lib/text.h"

enum { NAME = 30 /* columns */ };

static void print_score(const char *name, const struct target_score *s)
{
    text_cell(name, NAME);
    printf(" %14.6g %14.6g", s->rmse, s->mae);
    if (isnan(s->r2)) printf(" %10s\n", "-");
    else printf(" %10.4f\n", s->r2);
}

void eval_targets_print(const struct target_columns *t, const struct regression *r)
{
    char number[TARGET_NAME];
    printf("\n%-*s %14s %14s %10s\n", NAME, "target", "RMSE", "MAE", "R2");
    for (int i = 0; i < r->targets; i++)
        print_score(target_column_name(&t->field, t->channels, i, number), &r->score[i]);
    if (r->targets > 1) print_score("mean", &r->mean);
}

json_t *eval_targets_json(const struct target_columns *t, const struct regression *r)
{
    char number[TARGET_NAME];
    json_t *list = json_array();
    for (int i = 0; i < r->targets; i++)
        json_append(&list, json_pack("{s:o, s:o, s:o, s:o}", "name",
                                     json_text(target_column_name(&t->field, t->channels, i, number)), "rmse",
                                     json_number(r->score[i].rmse), "mae", json_number(r->score[i].mae), "r2",
                                     json_number(r->score[i].r2)));
    return list;
}
