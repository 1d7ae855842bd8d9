/* SPDX-License-Identifier: BSD-3-Clause */
/* Device memory: addresses the host cannot touch, bytes between guards. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "emu.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define RESERVED ((size_t)1 << 40) /* addresses, never used again */
#define PAGE ((size_t)4096)
#define POISON 0xff /* floats of it are NaN */
#define FRONT 0xa5
#define KEPT 1000 /* freed allocations whose bytes still cannot be touched */

struct allocation {
    char *address; /* what the program has */
    size_t bytes;
    char *map, *bytes_at; /* [guard][front … bytes][guard] */
    size_t map_bytes;
    int device;
    bool alive;
};
static size_t freed[KEPT], nfreed; /* the last ones */

static struct allocation *table; /* in order of addresses */
static size_t count, capacity;
static char *reserved, *next_address;
static size_t used[EMU_DEVICES];

/* -------------------------------------------------------------- touching */

static void say_where(const char *at)
{
    for (size_t i = 0; i < count; i++) {
        struct allocation *a = &table[i];
        if (!a->map || at < a->map || at >= a->map + a->map_bytes) continue;
        if (!a->alive) emu_fault("memory of device %d was used after it was freed", a->device);
        if (at >= a->bytes_at)
            emu_fault("a read or write %zu bytes past the end of %zu bytes on device %d",
                      (size_t)(at - a->bytes_at) - a->bytes, a->bytes, a->device);
        emu_fault("a read or write %zu bytes in front of memory of device %d", (size_t)(a->bytes_at - at), a->device);
    }
}

static void touched(int signal, siginfo_t *info, void *context)
{
    const char *at = info->si_addr;
    (void)context;
    say_where(at);
    if (at >= reserved && at < reserved + RESERVED) emu_fault("the host touched device memory");
    struct sigaction usual = { .sa_handler = SIG_DFL };
    sigaction(signal, &usual, NULL);
}

static bool start(void)
{
    struct sigaction action = { .sa_sigaction = touched, .sa_flags = SA_SIGINFO | SA_NODEFER };
    if (reserved) return true;
    char *p = mmap(NULL, RESERVED, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) return false;
    reserved = next_address = p;
    sigaction(SIGSEGV, &action, NULL);
    return true;
}

/* ------------------------------------------------------------ allocations */

static struct allocation *find(const void *address)
{
    const char *at = address;
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (table[middle].address <= at) low = middle + 1;
        else high = middle;
    }
    if (!low) return NULL;
    struct allocation *a = &table[low - 1];
    return at < a->address + (a->bytes ? a->bytes : 1) ? a : NULL;
}

bool emu_is_device(const void *address)
{
    return reserved && (const char *)address >= reserved && (const char *)address < reserved + RESERVED;
}

static bool room(void)
{
    if (count < capacity) return true;
    capacity = capacity ? 2 * capacity : 256;
    struct allocation *bigger = realloc(table, capacity * sizeof *table);
    if (bigger) table = bigger;
    return bigger != NULL;
}

void *emu_malloc(int device, size_t bytes)
{
    if (!start() || !room() || bytes > emu_bytes_free(device)) return NULL;
    size_t inside = (bytes + PAGE - 1) / PAGE * PAGE;
    struct allocation *a = &table[count];
    *a = (struct allocation){ .bytes = bytes, .map_bytes = inside + 2 * PAGE, .device = device, .alive = true };
    a->map = mmap(NULL, a->map_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (a->map == MAP_FAILED) return NULL;
    a->bytes_at = a->map + PAGE + inside - bytes;
    memset(a->map + PAGE, FRONT, inside - bytes);
    memset(a->bytes_at, POISON, bytes);
    mprotect(a->map, PAGE, PROT_NONE);
    mprotect(a->map + PAGE + inside, PAGE, PROT_NONE);
    a->address = next_address;
    next_address += inside + PAGE;
    used[device] += bytes;
    count++;
    return a->address;
}

static void check_front(const struct allocation *a)
{
    for (const char *p = a->map + PAGE; p < a->bytes_at; p++)
        if (*(const unsigned char *)p != FRONT)
            emu_fault("something was written %zu bytes in front of memory of device %d", (size_t)(a->bytes_at - p),
                      a->device);
}

void emu_check_front(const void *address) { check_front(find(address)); }

static void release(struct allocation *a)
{
    check_front(a);
    a->alive = false;
    mprotect(a->map, a->map_bytes, PROT_NONE);
    madvise(a->map, a->map_bytes, MADV_DONTNEED);
    used[a->device] -= a->bytes;
    size_t *place = &freed[nfreed++ % KEPT];
    if (nfreed > KEPT) {
        munmap(table[*place].map, table[*place].map_bytes);
        table[*place].map = NULL;
    }
    *place = (size_t)(a - table);
}

void emu_free(void *address)
{
    struct allocation *a = find(address);
    if (!a || a->address != address) emu_fault("cudaFree of %p, which is not the beginning of device memory", address);
    if (!a->alive) emu_fault("cudaFree of %p for the second time", address);
    release(a);
}

void emu_free_all(int device)
{
    for (size_t i = 0; i < count; i++)
        if (table[i].alive && table[i].device == device) release(&table[i]);
}

void *emu_translate(const void *address, size_t bytes, int device, const char *what)
{
    struct allocation *a = find(address);
    if (!a) emu_fault("%s: %p is not device memory", what, address);
    if (!a->alive) emu_fault("%s: %p was freed", what, address);
    if (device >= 0 && a->device != device)
        emu_fault("%s: %p belongs to device %d, not %d", what, address, a->device, device);
    size_t at = (size_t)((const char *)address - a->address);
    if (bytes > a->bytes - at)
        emu_fault("%s: %zu bytes at %p, %zu past the end", what, bytes, address, bytes - (a->bytes - at));
    return a->bytes_at + at;
}

size_t emu_bytes_free(int device) { return EMU_MEMORY - used[device]; }
