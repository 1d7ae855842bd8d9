#include "signals.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static volatile sig_atomic_t stop, checkpoint;

static void ask_to_stop(int number)
{
    if (stop) _exit(128 + number);
    stop = number;
}

static void ask_for_checkpoint(int number)
{
    (void)number;
    checkpoint = 1;
}

void signals_catch(void)
{
    static const struct { int number; void (*handler)(int); } caught[] = {
        { SIGINT, ask_to_stop }, { SIGTERM, ask_to_stop }, { SIGUSR1, ask_for_checkpoint },
    };
    for (size_t i = 0; i < sizeof caught / sizeof *caught; i++) {
        struct sigaction a = { .sa_handler = caught[i].handler, .sa_flags = SA_RESTART };
        sigemptyset(&a.sa_mask);
        sigaction(caught[i].number, &a, NULL);
    }
}

int signals_stop(void) { return stop; }

bool signals_checkpoint(void)
{
    bool asked = checkpoint;
    if (asked) checkpoint = 0;
    return asked;
}
