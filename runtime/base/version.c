/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include <hsgd/version.h>

int hsgd_version(void) { return HSGD_VERSION; }

const char *hsgd_version_text(void) { return PACKAGE_VERSION; }
