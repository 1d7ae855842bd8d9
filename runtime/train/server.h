/* SPDX-License-Identifier: BSD-3-Clause */
/* The parameter server: tasks on the trainer's shards, by which replicas take
 * parameters and hand in what they made of them. */
#ifndef HSGD_RUNTIME_TRAIN_SERVER_H
#define HSGD_RUNTIME_TRAIN_SERVER_H

#include "algorithm.h"
#include "plan/plan.h"

#define TICKET_HEADER 32   /* ints before a ticket's missed merges: the versions seen */
#define NOT_HANDED_IN (-1) /* missed merges, before the merge */

/* What a replica's plans exchange with the server, and how. */
struct exchange {
    enum merge_rule merge;
    bool shared;         /* the replica's parameters are the server's: only tickets are drawn */
    struct device *home; /* where merges run */
    struct buffer *server[MAX_SHARDS], *version[MAX_SHARDS];
    struct buffer versions;           /* shared: all of them, by handles of its own */
    struct buffer base[MAX_SHARDS];   /* what was taken */
    struct buffer ticket[MAX_SHARDS]; /* per step a number per shard of the ticket; shared: one for all shards */
    /* of the plan that is built */
    bool pull, push;         /* parameters are taken before the step, and handed in after it */
    bool merged[MAX_SHARDS]; /* shards that are not to be pushed */
};

/* Hooks of a replica's plans, whose user is its struct exchange: cells that
 * take every shard, and that hand it in.  A step that writes the server's
 * parameters itself draws a ticket first and hands it in last. */
void server_before(struct builder *b, void *exchange);
void server_after(struct builder *b, void *exchange);

#endif
