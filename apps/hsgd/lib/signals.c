/* SPDX-License-Identifier: BSD-3-Clause */
#include "signals.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static const struct {
    int number;
    const char *name;
} stops[] = {
    { SIGINT, "SIGINT" },
    { SIGTERM, "SIGTERM" },
    { SIGHUP, "SIGHUP" },
    { SIGPIPE, "SIGPIPE" },
};
enum { STOPS = sizeof stops / sizeof *stops };

static volatile sig_atomic_t stop, insisted, checkpoint;

/* Closing a terminal may send SIGHUP twice, and every line written to a broken pipe
 * sends SIGPIPE: only a repeated SIGINT or SIGTERM exits. */
static void request_stop(int number)
{
    bool may_insist = number == SIGINT || number == SIGTERM;
    if (may_insist && insisted) _exit(128 + number);
    insisted = insisted || may_insist;
    if (!stop) stop = number;
}

static void request_checkpoint(int number)
{
    (void)number;
    checkpoint = 1;
}

static void catch (int number, void (*handler)(int))
{
    struct sigaction a = { .sa_handler = handler, .sa_flags = SA_RESTART };
    sigemptyset(&a.sa_mask);
    sigaction(number, &a, NULL);
}

/* Signals that nohup or the parent ignores.  Not SIGINT: shells ignore it for all
 * background processes, and kill(1) should stop them nevertheless. */
static bool stays_ignored(int number)
{
    struct sigaction before;
    return (number == SIGHUP || number == SIGPIPE) && !sigaction(number, NULL, &before) && before.sa_handler == SIG_IGN;
}

void signals_catch(void)
{
    for (int i = 0; i < STOPS; i++)
        if (!stays_ignored(stops[i].number)) catch (stops[i].number, request_stop);
    catch (SIGUSR1, request_checkpoint);
}

int signals_stop(void) { return stop; }

const char *signals_name(int number)
{
    int i = 0;
    while (i < STOPS - 1 && stops[i].number != number) i++;
    return stops[i].name;
}

bool signals_checkpoint(void)
{
    bool requested = checkpoint;
    if (requested) checkpoint = 0;
    return requested;
}
