/* SPDX-License-Identifier: BSD-3-Clause */
/* The launcher for CPU workers: runs a cell's kernels back to back. */
#include "kernels.h"
#include "task.h"

/* Numbers too small to be normal count as zero inside a cell: they mean
 * nothing to training and are many times slower. */
#ifdef __SSE2__
#include <xmmintrin.h>
#define FLUSH_TO_ZERO 0x8040u
static unsigned flush_denormals(void)
{
    unsigned saved = _mm_getcsr();
    _mm_setcsr(saved | FLUSH_TO_ZERO);
    return saved;
}
static void restore_denormals(unsigned saved) { _mm_setcsr(saved); }
#else
static unsigned flush_denormals(void) { return 0; }
static void restore_denormals(unsigned saved) { (void)saved; }
#endif

void exec_cpu(void *buffers[], void *arg)
{
    struct cell_run *run = arg;
    const struct cell *c = run->cell;
    uint64_t began;
    struct variant *v = cell_begin(run, &began);
    if (!v) return;
    const struct hsgd_program *p = &v->program;
    void *fetched[MAX_ACCESSES], **base = run->base ? run->base : fetched;
    struct hsgd_blas_state blas;
    hsgd_blas_enter(&blas);
    unsigned mode = flush_denormals();
    for (int i = 0; !run->base && i < c->naccesses; i++) fetched[i] = (void *)STARPU_VECTOR_GET_PTR(buffers[i]);
    for (int i = 0; i < p->n; i++) {
        const struct launch *l = &p->launch[i];
        void *at[HSGD_MAX_KERNEL_BUFFERS];
        for (int r = 0; r < l->nrefs; r++)
            at[r] = (char *)base[l->ref[r].buffer] + l->ref[r].offset + l->ref[r].slot_stride * run->step;
        l->kernel->cpu(at, p->args + l->args);
    }
    restore_denormals(mode);
    hsgd_blas_leave(&blas);
    cell_end(run, v, began);
}
