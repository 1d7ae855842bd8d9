/* SPDX-License-Identifier: BSD-3-Clause */
/* A cell's launches captured as a CUDA graph, which is launched as one.
 * doc/decisions/0022-captured-cells.md says when.  Only where the build has CUDA. */
#ifndef HSGD_RUNTIME_CUDA_GRAPH_H
#define HSGD_RUNTIME_CUDA_GRAPH_H

#include <cuda_runtime_api.h>

#include "plan/plan.h"

struct cuda_graph;

/* The graph of v's program over `n` buffers, ready for a step; *kept keeps it
 * from run to run.  NULL: it is to be launched one by one.  Captures on the
 * stream, which belongs to the caller. */
cudaGraphExec_t cuda_graph_ready(struct cuda_graph **kept, const struct variant *v, void *const *base, int n, int step,
                                 cudaStream_t stream);

void cuda_graph_free(struct cuda_graph *g);

#endif
