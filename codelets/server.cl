/* SPDX-License-Identifier: BSD-3-Clause */
/* The parameter server: replicas pull parameters and push their changes.
 * doc/algorithms.md has the equations. */
#include "device.h"
#include "shared.h"

struct pull_args { int n; };

/* w = base = server */
KERNEL3(pull, pull_args)
{
    BUFFER(0, const float, server)
    BUFFER(1, float, w)
    BUFFER(2, float, base)
    FOR_ITEMS(i, ARG(n)) {
        float s = server[i];
        w[i] = s;
        base[i] = s;
    }
}

struct push_args { int n; };

/* server += share (w - base); share is in the step table */
KERNEL4(push, push_args)
{
    BUFFER(0, const float, step)
    BUFFER(1, const float, w)
    BUFFER(2, const float, base)
    BUFFER(3, float, server)
    float share = step[STEP_SHARE];
    FOR_ITEMS(i, ARG(n)) server[i] += share * (w[i] - base[i]);
}

struct elastic_args { int n; };

/* d = rate (w - server); w -= d; server += d; the rate is in the step table */
KERNEL3(elastic, elastic_args)
{
    BUFFER(0, const float, step)
    BUFFER(1, float, w)
    BUFFER(2, float, server)
    float rate = step[STEP_SHARE];
    FOR_ITEMS(i, ARG(n)) {
        float d = rate * (w[i] - server[i]);
        w[i] -= d;
        server[i] += d;
    }
}

struct ticket_args { int n, draw; };

#define VERSION_INTS 16 /* distance between the versions of two shards */

/* For n shards: a pull (draw) records the server's version; a push computes the
 * staleness, which is the number of merges by others since then, and increments
 * the version.  Cores that write the server's parameters without locks use it
 * too. */
KERNEL3(ticket, ticket_args)
{
    BUFFER(0, int, version)
    BUFFER(1, int, seen)
    BUFFER(2, int, staleness)
    int merged = ARG(draw) ? 0 : 1;
    FOR_ITEMS(i, ARG(n)) {
        u32 now = (u32)ATOMIC_ADD(&version[i * VERSION_INTS], merged);
        if (merged) staleness[i] = (int)(now - (u32)seen[i]);
        seen[i] = (int)(now + (u32)merged);
    }
}
