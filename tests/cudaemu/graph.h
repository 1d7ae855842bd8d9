/* SPDX-License-Identifier: BSD-3-Clause */
/* CUDA graphs, between graph.c and those whose work is captured. */
#ifndef HSGD_TESTS_CUDAEMU_GRAPH_H
#define HSGD_TESTS_CUDAEMU_GRAPH_H

#include "emu.h"

/* Appends a node that does run(data), which is copied. */
void emu_graph_add(struct emu_graph *g, void (*run)(void *data), const void *data, size_t bytes);
/* The data of a node of an executable graph, given the captured one; faults
 * unless it is there and does `run`. */
void *emu_exec_data(void *exec, void *node, void (*run)(void *data));
/* Faults when the calling thread captures: what it calls is not allowed then. */
void emu_outside_capture(void);
void emu_graph_report(void);

#endif
