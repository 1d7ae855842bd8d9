/* SPDX-License-Identifier: BSD-3-Clause */
/* How many cores the process may use. */
#ifndef HSGD_RUNTIME_CORES_H
#define HSGD_RUNTIME_CORES_H

/* By the affinity mask and the quotas of its control groups. */
int cores_allowed(void);

/* By the CPU quotas (cgroup v1 and v2) of its group and of those above it,
 * rounded up; INT_MAX: there are none.  `root` is put before the paths of files:
 * "" outside of tests. */
int cores_by_quota(const char *root);

#endif
