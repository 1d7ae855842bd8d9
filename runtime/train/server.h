/* The parameter server: tasks on the trainer's shards, by which replicas take
 * parameters and hand in what they made of them. */
#ifndef HSGD_RUNTIME_TRAIN_SERVER_H
#define HSGD_RUNTIME_TRAIN_SERVER_H

#include "algorithm.h"
#include "plan.h"

#define TICKET_HEADER 16 /* floats before a shard's staleness, a float a step: the version seen */

/* What a replica's plans exchange with the server, and how. */
struct exchange {
    enum merge_rule merge;
    struct device *home;                /* where merges run */
    struct buffer *server[MAX_SHARDS], *version[MAX_SHARDS];
    struct buffer base[MAX_SHARDS];     /* what was taken */
    struct buffer ticket[MAX_SHARDS];
    bool pull, push;                    /* of the plan being built: before the step, after it */
};

/* Cells that take every shard, and that hand it in. */
int server_pull_cells(struct plan *p);
int server_push_cells(struct plan *p);

#endif
