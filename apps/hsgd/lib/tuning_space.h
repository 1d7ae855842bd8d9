/* SPDX-License-Identifier: BSD-3-Clause */
/* The settings that hsgd tune searches on this machine, and their values. */
#ifndef HSGD_APP_TUNING_SPACE_H
#define HSGD_APP_TUNING_SPACE_H

#include <jansson.h>

#include "settings.h"
#include "tuning.h"

/* The devices of a value of "devices". */
struct device_set {
    int devices, others; /* all; those that are not CPU cores */
    bool has_cpu, has_cpu_opencl;
};

struct tuning_value_list {
    const char *value[TUNE_VALUES]; /* [0] NULL: as the user has it */
    bool changes_bits;
    char left_out[120]; /* why it is not searched; "": it is */
};

struct tuning_space {
    struct tune_space space;
    struct tuning_value_list list[TUNE_SETTINGS];
    struct device_set set[TUNE_VALUES]; /* by value of "devices" */
    int cores;                          /* that CPU workers may use */
};

/* devices: what "hsgd devices --json" prints.  Texts are owned by s.
 * OK or an exit code after a sentence. */
int tuning_space_open(struct tuning_space *t, struct settings *s, const json_t *devices);

/* Number of a setting; -1: there is none of that name. */
int tuning_setting(const struct tuning_space *t, const char *name);
/* Whether the setting is an environment variable, else an option. */
bool tuning_is_variable(const struct tuning_space *t, int setting);

/* "--devices cpu STARPU_SCHED=lws"; "default". */
struct tuning_label {
    char text[400];
};
struct tuning_label tuning_label(const struct tuning_space *t, const struct tune_choice *c);

#endif
