/* SPDX-License-Identifier: BSD-3-Clause */
/* One run of hsgd compare: train as a process. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "compare.h"
#include "lib/message.h"
#include "lib/signals.h"

#define POLL_MS 200 /* between two checks for a signal */

extern char **environ;

struct child {
    pid_t pid;
    int errors; /* the pipe from its stderr */
    char line[2000];
    size_t used;
    bool signalled; /* it was sent the signal */
};

/* In a separate process group: signals from the terminal reach this process only,
 * which forwards one.  A second one would stop the run without a checkpoint. */
static int spawn(struct child *p, int errors, char **argv)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&files, errors, STDERR_FILENO);
    posix_spawnattr_init(&how);
    posix_spawnattr_setflags(&how, POSIX_SPAWN_SETPGROUP);
    int err = posix_spawn(&p->pid, "/proc/self/exe", &files, &how, argv, environ);
    posix_spawnattr_destroy(&how);
    posix_spawn_file_actions_destroy(&files);
    return err;
}

/* Forwards a line; keeps the last sentence that is not a warning. */
static void end_line(struct child *p, struct trial *t)
{
    static const char begin[] = "hsgd: ", warning[] = "hsgd: warning: ";
    p->line[p->used] = '\0';
    p->used = 0;
    fprintf(stderr, "%s\n", p->line);
    if (!strncmp(p->line, begin, strlen(begin)) && strncmp(p->line, warning, strlen(warning)))
        snprintf(t->message, sizeof t->message, "%.*s", (int)sizeof t->message - 1, p->line + strlen(begin));
}

static void add_output(struct child *p, struct trial *t, const char *bytes, ssize_t n)
{
    for (ssize_t i = 0; i < n; i++) {
        if (bytes[i] == '\n') end_line(p, t);
        else if (p->used < sizeof p->line - 1) p->line[p->used++] = bytes[i];
    }
}

static void pass_signal(struct child *p)
{
    int number = signals_stop();
    if (!number || p->signalled) return;
    kill(p->pid, number);
    p->signalled = true;
}

/* Until the process has ended; its children may keep the pipe open. */
static int collect_output(struct child *p, struct trial *t)
{
    char bytes[512];
    struct pollfd wait = { .fd = p->errors, .events = POLLIN };
    int status = 0;
    bool open = true, ended = false;
    while (open && !ended) {
        pass_signal(p);
        int ready = poll(&wait, 1, POLL_MS);
        if (ready > 0) {
            ssize_t n = read(p->errors, bytes, sizeof bytes);
            open = n > 0;
            add_output(p, t, bytes, n);
        } else {
            ended = waitpid(p->pid, &status, WNOHANG) == p->pid;
        }
    }
    if (p->used) end_line(p, t);
    while (!ended && waitpid(p->pid, &status, 0) < 0 && errno == EINTR) continue;
    if (WIFEXITED(status)) return WEXITSTATUS(status);
    snprintf(t->message, sizeof t->message, "killed by signal %d", WTERMSIG(status));
    return FAILED;
}

int compare_run(struct trial *t, char **argv)
{
    struct child p = { 0 };
    int ends[2];
    if (pipe2(ends, O_CLOEXEC)) return report_error(FAILED, "cannot start train: %s", strerror(errno));
    p.errors = ends[0];
    int err = spawn(&p, ends[1], argv);
    close(ends[1]);
    if (!err) t->code = collect_output(&p, t);
    close(ends[0]);
    return err ? report_error(FAILED, "cannot start train: %s", strerror(err)) : OK;
}
