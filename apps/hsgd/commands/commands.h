/* SPDX-License-Identifier: BSD-3-Clause */
/* The commands, and what help and manual pages say about them. */
#ifndef HSGD_APP_COMMANDS_H
#define HSGD_APP_COMMANDS_H

#include "lib/settings.h"

struct command {
    const char *name;
    unsigned bit;
    int (*run)(struct settings *s);
    const char *usage, *summary, *description;
};
extern const struct command commands[]; /* ended by a name that is NULL */
extern const char exit_statuses[];
/* NULL after a sentence: there is none. */
const struct command *command_named(const char *name);

/* The page of a command, or of hsgd (NULL), for man(1). */
int print_manual(const struct command *c);
int print_completion(int shell);
/* Usage and options of a command, or the list of all (NULL), on stdout. */
int print_help(const struct command *c);

/* Each returns an exit code. */
int cmd_train(struct settings *s);
int cmd_devices(struct settings *s);
int cmd_selftest(struct settings *s);
int cmd_bench(struct settings *s);
int cmd_plan(struct settings *s);
int cmd_compare(struct settings *s);
int cmd_data(struct settings *s);
int cmd_plot(struct settings *s);
int cmd_models(struct settings *s);
int cmd_summary(struct settings *s);
int cmd_eval(struct settings *s);
int cmd_predict(struct settings *s);
int cmd_tune(struct settings *s);
int cmd_calibrate(struct settings *s);
int cmd_convert(struct settings *s);
int cmd_onnx_test(struct settings *s);
int cmd_generate(struct settings *s);
int cmd_explain(struct settings *s);
int cmd_help(struct settings *s);

#endif
