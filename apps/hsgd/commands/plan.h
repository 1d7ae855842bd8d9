/* SPDX-License-Identifier: BSD-3-Clause */
/* hsgd plan: declarations shared by its files. */
#ifndef HSGD_APP_PLAN_COMMAND_H
#define HSGD_APP_PLAN_COMMAND_H

#include "lib/plan_report.h"

/* The report on stdout; OK or an exit code after a sentence. */
int plan_print(const struct plan_report *r);

#endif
