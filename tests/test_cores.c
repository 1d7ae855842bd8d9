/* SPDX-License-Identifier: BSD-3-Clause */
/* Quotas of CPU time, in a folder that stands for the root of a machine. */
#include "core.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>

#include "base/cores.h"

static char root[300];

static void begin(const char *name)
{
    snprintf(root, sizeof root, "%s/%s", getenv("STARPU_HOME"), name);
    REQUIRE(!mkdir(root, 0777));
}

/* A file, and the folders above it. */
static void put(const char *path, const char *text)
{
    char name[900];
    snprintf(name, sizeof name, "%s%s", root, path);
    for (char *c = name + strlen(root) + 1; *c; c++) {
        if (*c != '/') continue;
        *c = '\0';
        REQUIRE(!mkdir(name, 0777) || errno == EEXIST);
        *c = '/';
    }
    FILE *f = fopen(name, "w");
    REQUIRE(f && fputs(text, f) >= 0 && !fclose(f));
}

static void expect(int cores)
{
    int got = cores_by_quota(root);
    CHECK_MSG(got == cores, "%d cores, not %d", got, cores);
}

#define V2 "29 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
#define V1(top, mounted) "30 23 0:27 " top " " mounted " rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct\n"

static void second_version(void)
{
    begin("v2");
    expect(INT_MAX);
    put("/proc/self/mountinfo", "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n" V2);
    put("/proc/self/cgroup", "0::/a/b\n");
    expect(INT_MAX);
    put("/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
    expect(INT_MAX);
    put("/sys/fs/cgroup/a/b/cpu.max", "250000 100000\n");
    expect(3);
    put("/sys/fs/cgroup/a/cpu.max", "150000 100000\n"); /* a parent's is less */
    expect(2);
    put("/sys/fs/cgroup/cpu.max", "50000 100000\n"); /* of a container: its top */
    expect(1);
    put("/sys/fs/cgroup/cpu.max", "nonsense\n");
    put("/sys/fs/cgroup/a/cpu.max", "-1 0\n");
    expect(3);
}

static void first_version(void)
{
    begin("v1");
    put("/proc/self/mountinfo", V1("/", "/sys/fs/cgroup/cpu,cpuacct"));
    put("/proc/self/cgroup", "9:cpuset:/other\n4:cpu,cpuacct:/slurm/job\n0::/\n");
    expect(INT_MAX);
    put("/sys/fs/cgroup/cpu,cpuacct/slurm/job/cpu.cfs_quota_us", "-1\n");
    put("/sys/fs/cgroup/cpu,cpuacct/slurm/job/cpu.cfs_period_us", "100000\n");
    expect(INT_MAX);
    put("/sys/fs/cgroup/cpu,cpuacct/slurm/cpu.cfs_quota_us", "400000\n");
    put("/sys/fs/cgroup/cpu,cpuacct/slurm/cpu.cfs_period_us", "100000\n");
    expect(4);
    put("/sys/fs/cgroup/cpu,cpuacct/slurm/job/cpu.cfs_quota_us", "120000\n");
    expect(2);
}

/* The host's path, of which only the container's part is mounted. */
static void container(void)
{
    begin("container");
    put("/proc/self/mountinfo", V1("/docker/0123", "/sys/fs/cgroup/cpu"));
    put("/proc/self/cgroup", "4:cpu:/docker/0123\n");
    put("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "200000\n");
    put("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    expect(2);
    put("/proc/self/cgroup", "4:cpu:/docker/0123/inner\n");
    put("/sys/fs/cgroup/cpu/inner/cpu.cfs_quota_us", "50000\n");
    put("/sys/fs/cgroup/cpu/inner/cpu.cfs_period_us", "100000\n");
    expect(1);
}

/* Both mounted, the controller in one of them. */
static void hybrid(void)
{
    begin("hybrid");
    put("/proc/self/mountinfo", V2 V1("/", "/sys/fs/cgroup/cpu,cpuacct"));
    put("/proc/self/cgroup", "4:cpuacct,cpu:/job\n0::/job\n");
    put("/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "300000\n");
    put("/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us", "100000\n");
    expect(3);
    CHECK(cores_allowed() >= 1);
}

static const struct core_case cases[] = {
    { "second_version", second_version },
    { "first_version", first_version },
    { "container", container },
    { "hybrid", hybrid },
};
CORE_MAIN(cases)
