/* SPDX-License-Identifier: BSD-3-Clause */
#include "settings.h"

#include <hsgd/hsgd.h>
#include <stdlib.h>

#include "message.h"

void settings_defaults(struct settings *s, const char *command)
{
    *s = (struct settings){ .command = command,
                            .epochs = -1,
                            .steps = -1,
                            .batch_size = 128,
                            .accumulate = 1,
                            .warmup_steps = 0,
                            .step_size = 1000,
                            .seed = 0,
                            .threads = 0,
                            .rows = 8,
                            .columns = 16,
                            .lr = -1,
                            .momentum = -1,
                            .weight_decay = -1,
                            .clip_grad = 0,
                            .gamma = 0.1,
                            .power = 1,
                            .pct_start = 0.3,
                            .div_factor = 25,
                            .final_div_factor = 1e4,
                            .lr_threshold = 1e-4,
                            .lr_patience = 10,
                            .min_lr = 0,
                            .checkpoint_hist = 3,
                            .validation = "1/12",
                            .optimizer = HSGD_ADAM,
                            .algorithm = "sync",
                            .moving_rate = 0.9,
                            .lr_ramp = 10,
                            .repeat = 1,
                            .seconds = 5,
                            .time = 120,
                            .length = 256,
                            .temperature = 1,
                            .min_score = 0.5,
                            .schedule = -1,
                            .method = -1,
                            .completion = -1 };
}

char *settings_keep(struct settings *s, char *text)
{
    char **bigger = text ? realloc(s->text, ((size_t)s->ntexts + 1) * sizeof *bigger) : NULL;
    if (bigger) {
        s->text = bigger;
        return s->text[s->ntexts++] = text;
    }
    free(text);
    return NULL;
}

void settings_free(struct settings *s)
{
    for (int i = 0; i < s->ntexts; i++) free(s->text[i]);
    free(s->text);
    s->text = NULL;
    s->ntexts = 0;
}

int require_words(const struct settings *s, int words)
{
    return s->words <= words ? OK : report_error(USAGE, "\"hsgd %s\" does not take \"%s\"", s->command, s->word[words]);
}
