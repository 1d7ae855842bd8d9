/* SPDX-License-Identifier: BSD-3-Clause */
/* Replayed steps allocate nothing: the program's own malloc counts the calls
 * that come from the library, and resident memory stays flat. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "core.h"

#ifdef __SANITIZE_ADDRESS__
int main(void)
{
    puts("skipped: the sanitizer has its own malloc");
    return 77;
}
#else

#include <errno.h>
#include <link.h>
#include <stdatomic.h>
#include <unistd.h>

/* The rest of the program is compiled with hidden symbols. */
#define SEEN __attribute__((visibility("default")))

static atomic_bool counting;
static atomic_ullong calls;
static atomic_uintptr_t last_caller;
static uintptr_t library_first, library_last;

static void count(const void *caller)
{
    uintptr_t at = (uintptr_t)caller;
    if (!atomic_load_explicit(&counting, memory_order_relaxed) || at < library_first || at >= library_last) return;
    atomic_fetch_add(&calls, 1);
    atomic_store(&last_caller, at - library_first);
}

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

SEEN void *malloc(size_t n)
{
    count(__builtin_return_address(0));
    return __libc_malloc(n);
}

SEEN void *calloc(size_t n, size_t size)
{
    count(__builtin_return_address(0));
    return __libc_calloc(n, size);
}

SEEN void *realloc(void *p, size_t n)
{
    count(__builtin_return_address(0));
    return __libc_realloc(p, n);
}

SEEN void *aligned_alloc(size_t align, size_t n)
{
    count(__builtin_return_address(0));
    return __libc_memalign(align, n);
}

SEEN int posix_memalign(void **p, size_t align, size_t n)
{
    count(__builtin_return_address(0));
    void *got = __libc_memalign(align, n);
    if (got) *p = got;
    return got ? 0 : ENOMEM;
}

static int find_library(struct dl_phdr_info *info, size_t size, void *user)
{
    (void)size, (void)user;
    if (!info->dlpi_name || !strstr(info->dlpi_name, "libhsgd")) return 0;
    library_first = info->dlpi_addr;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        uintptr_t end = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr + info->dlpi_phdr[i].p_memsz;
        if (info->dlpi_phdr[i].p_type == PT_LOAD && end > library_last) library_last = end;
    }
    return 1;
}

static double resident_mib(void)
{
    long pages = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    REQUIRE(f && fscanf(f, "%ld %ld", &pages, &resident) == 2);
    fclose(f);
    return (double)resident * (double)sysconf(_SC_PAGESIZE) / (1 << 20);
}

/* A device that is left idle would be measured again now and then, in a plan
 * of its own: every device has its share. */
static void replay(const char *devices, int threads, const char *name)
{
    double seconds, before;
    struct hsgd_train_options o;
    struct hsgd_context *ctx = core_context(devices, threads, false);
    struct hsgd_model *model = hsgd_model_by_name(ctx, name, (struct hsgd_shape){ 28, 28, 1 }, 10);
    hsgd_train_defaults(&o, sizeof o);
    o.batch_size = 32;
    o.min_share = 0.5f;
    struct hsgd_trainer *t = hsgd_trainer_create(model, &o);
    REQUIRE(t);
    atomic_store(&calls, 0);
    atomic_store(&counting, true);
    REQUIRE(hsgd_trainer_plan(t, 32) > 0);
    CHECK_MSG(atomic_load(&calls) > 0, "calls of malloc are not counted");
    atomic_store(&counting, false);
    REQUIRE(!hsgd_trainer_time(t, 100, &seconds));
    before = resident_mib();
    atomic_store(&calls, 0);
    atomic_store(&counting, true);
    REQUIRE(!hsgd_trainer_time(t, 600, &seconds));
    atomic_store(&counting, false);
    CHECK_MSG(atomic_load(&calls) == 0, "%llu calls, the last from libhsgd+0x%lx",
              (unsigned long long)atomic_load(&calls), (unsigned long)atomic_load(&last_caller));
    double grown = resident_mib() - before;
    CHECK_MSG(grown < 1, "resident memory grew by %.1f MiB in 600 steps", grown);
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&model);
    hsgd_destroy(&ctx);
}

static void one_core(void) { replay("cpu", 1, "mlp-small"); }
static void two_cores(void) { replay("cpu", 2, "mlp-small"); }
static void cpu_and_opencl(void) { replay("cpu,opencl", 1, "mlp-small"); }

static const struct core_case cases[] = { { "one_core", one_core },
                                          { "two_cores", two_cores },
                                          { "cpu_and_opencl", cpu_and_opencl } };

int main(int argc, char **argv)
{
    dl_iterate_phdr(find_library, NULL);
    if (!library_last) {
        puts("skipped: the library is not a shared one");
        return 77;
    }
    return core_main(argc, argv, cases, (int)(sizeof cases / sizeof *cases));
}
#endif
