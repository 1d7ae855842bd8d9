/* SPDX-License-Identifier: BSD-3-Clause */
/* Kernels as they run on a GPU: groups of items that wait for one another.
 * An item runs until it must wait, then another one goes on; the order is
 * random, so that a missing barrier shows. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "emu.h"

#include <string.h>
#include <sys/mman.h>

#ifndef __x86_64__
#error "the switch between fibers is written for x86-64"
#endif

#define ITEMS 256
#define LANES 16
#define WARP 32
#define STACK ((size_t)128 << 10)

struct gate {
    unsigned waiting, opened;
};

struct fiber {
    void *stack_pointer;
    bool busy, waits;
    unsigned item;
    const struct gate *gate; /* what it waits for, and how often that had opened */
    unsigned opened;
};

struct emu_dim threadIdx, blockIdx, blockDim, gridDim;

static struct fiber fibers[ITEMS];
static void *scheduler; /* its stack pointer */
static struct fiber *running;

static struct { /* the group under way */
    const struct emu_kernel *kernel;
    char *const *buffer;
    const uint64_t *offset;
    const void *args;
    unsigned items, started, ended, first, stride;
    struct gate all, lanes[ITEMS / LANES], warps[ITEMS / WARP];
    float shuffled[2][ITEMS];
    unsigned char turn[ITEMS]; /* which half of shuffled an item uses next */
} group;

/* ------------------------------------------------------------- switching */

/* Saves what a call preserves on the stack, and goes on where `to` stopped. */
void emu_switch(void **from, void *to);
__asm__(".text\n.globl emu_switch\n.hidden emu_switch\n.type emu_switch,@function\nemu_switch:\n"
        "pushq %rbp\npushq %rbx\npushq %r12\npushq %r13\npushq %r14\npushq %r15\n"
        "movq %rsp,(%rdi)\nmovq %rsi,%rsp\n"
        "popq %r15\npopq %r14\npopq %r13\npopq %r12\npopq %rbx\npopq %rbp\nret\n"
        ".size emu_switch,.-emu_switch\n");

static void run_items(void)
{
    for (;;) {
        while (group.started < group.items) {
            running->item = threadIdx.x = (group.first + group.started++ * group.stride) % group.items;
            group.kernel->run(group.buffer, group.offset, group.args);
            group.ended++;
        }
        running->busy = false;
        emu_switch(&running->stack_pointer, scheduler);
    }
}

static void make_fiber(struct fiber *f)
{
    char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (stack == MAP_FAILED) emu_fault("no memory for a fiber");
    void **top = (void **)(stack + STACK) - 1; /* after its return address is popped: as after a call */
    *--top = (void *)run_items;
    memset(top - 6, 0, 6 * sizeof *top);
    f->stack_pointer = top - 6;
}

static void go_on(struct fiber *f)
{
    if (!f->stack_pointer) make_fiber(f);
    f->busy = true;
    f->waits = false;
    running = f;
    threadIdx.x = f->item;
    emu_switch(&scheduler, f->stack_pointer);
}

/* --------------------------------------------------------------- waiting */

static void wait_at(struct gate *gate, unsigned all)
{
    if (++gate->waiting == all) {
        gate->waiting = 0;
        gate->opened++;
        return;
    }
    running->waits = true;
    running->gate = gate;
    running->opened = gate->opened;
    emu_switch(&running->stack_pointer, scheduler);
}

void emu_barrier(void) { wait_at(&group.all, group.items); }

void emu_lanes_barrier(void) { wait_at(&group.lanes[threadIdx.x / LANES], LANES); }

/* Nobody can be two shuffles ahead, so two halves are enough. */
float emu_shuffle(float value, int from, int width)
{
    unsigned item = threadIdx.x, half = group.turn[item]++ & 1, all = (unsigned)width;
    group.shuffled[half][item] = value;
    wait_at(all == LANES ? &group.lanes[item / LANES] : &group.warps[item / WARP], all);
    return group.shuffled[half][item / all * all + (unsigned)from % all];
}

/* -------------------------------------------------------------- the grid */

static bool resume_one(void)
{
    static unsigned at;
    for (unsigned i = 0; i < ITEMS; i++) {
        struct fiber *f = &fibers[(at + i) % ITEMS];
        if (!f->waits || f->gate->opened == f->opened) continue;
        at = (at + i + 1) % ITEMS;
        go_on(f);
        return true;
    }
    return false;
}

static bool start_one(void)
{
    if (group.started == group.items) return false;
    int i = 0;
    while (fibers[i].busy) i++;
    go_on(&fibers[i]);
    return true;
}

static void run_group(void)
{
    group.started = group.ended = 0;
    group.first = emu_random(group.items);
    group.stride = emu_random(group.items) | 1; /* groups are powers of two: every item once */
    memset(&group.all, 0, sizeof group.all);
    memset(group.lanes, 0, sizeof group.lanes);
    memset(group.warps, 0, sizeof group.warps);
    emu_shared_poison();
    while (group.ended < group.items)
        if (!start_one() && !resume_one()) emu_fault("items wait at a barrier that others of their group do not reach");
    for (int i = 0; i < ITEMS; i++) fibers[i].busy = fibers[i].waits = false;
}

void emu_run_grid(struct emu_kernel *k, struct emu_grid grid, char *const *buffer, const uint64_t *offset,
                  const void *args)
{
    if (!grid.items || grid.items > ITEMS || (grid.items & (grid.items - 1)) || !grid.groups)
        emu_fault("%u groups of %u items", grid.groups, grid.items);
    group.kernel = k;
    group.buffer = buffer;
    group.offset = offset;
    group.args = args;
    group.items = blockDim.x = grid.items;
    gridDim.x = grid.groups;
    unsigned first = emu_random(grid.groups);
    for (unsigned g = 0; g < grid.groups; g++) {
        blockIdx.x = (first + g) % grid.groups;
        run_group();
    }
    k->launches++;
}
