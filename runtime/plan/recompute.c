/* SPDX-License-Identifier: BSD-3-Clause */
#include "recompute.h"

#include <stdlib.h>

static int root_of(const struct lowered *l, int value) { return l->value[value].root; }

/* Of a value that lies in its own place; 0: it is made in none. */
static int block_of(const struct lowered *l, int root)
{
    return l->value[root].node < 0 ? 0 : l->node[l->value[root].node].block;
}

static void find_leaving(const struct lowered *l, bool *leaves)
{
    for (int v = 0; v < l->nvalues; v++) leaves[v] = !block_of(l, root_of(l, v));
    for (const struct low_node *n = l->node; n < l->node + l->nnodes; n++) {
        for (int i = 0; i < n->info.inputs; i++) {
            int root = root_of(l, n->in[i]);
            leaves[root] |= block_of(l, root) != n->block;
        }
    }
}

static void need(const struct lowered *l, const int *value, int n, unsigned which, bool *needed)
{
    for (int i = 0; i < n; i++)
        if (which & 1u << i) needed[root_of(l, value[i])] = true;
}

/* The last first: what a node needs is made before it. */
static void find_again(const struct lowered *l, bool *again, const bool *leaves, bool *needed)
{
    for (int i = l->nnodes - 1; i >= 0; i--) {
        const struct low_node *n = &l->node[i];
        if (!n->block || n->op->is_view) continue;
        bool reads = n->trains && n->op->backward[0].emit, stays = true;
        if (reads) need(l, n->in, n->info.inputs, n->op->keeps_in, needed);
        if (reads) need(l, n->out, n->info.outputs, n->op->keeps_out, needed);
        for (int k = 0; k < n->info.outputs; k++) {
            int root = root_of(l, n->out[k]);
            again[i] |= needed[root] && !leaves[root];
            stays &= leaves[root];
        }
        again[i] |= reads && n->info.kept && !stays;
        if (again[i]) need(l, n->in, n->info.inputs, ~0u, needed);
    }
}

bool recompute_find(const struct lowered *l, bool *again, bool *leaves)
{
    bool *needed = calloc((size_t)l->nvalues + 1, sizeof *needed);
    if (!needed) return false;
    find_leaving(l, leaves);
    find_again(l, again, leaves, needed);
    free(needed);
    return true;
}
