/* SPDX-License-Identifier: BSD-3-Clause */
/* This program as another process. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"
#include "message.h"
#include "signals.h"

#define POLL_MS 200 /* between two checks for a signal */

struct process {
    struct child *child;
    pid_t pid;
    int errors; /* the pipe from its stderr */
    char line[2000];
    size_t used;
    bool signalled; /* it was sent the signal */
    bool killed;    /* after its time limit */
    double end;     /* of its time; 0: none */
};

/* In a separate process group: signals from the terminal reach this process only,
 * which forwards one.  A second one would stop the run without a checkpoint. */
static int spawn(struct process *p, int errors)
{
    const struct child *c = p->child;
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (c->output < 0) posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    else posix_spawn_file_actions_adddup2(&files, c->output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, errors, STDERR_FILENO);
    posix_spawnattr_init(&how);
    posix_spawnattr_setflags(&how, POSIX_SPAWN_SETPGROUP);
    int err = posix_spawn(&p->pid, "/proc/self/exe", &files, &how, c->argv, c->environment);
    posix_spawnattr_destroy(&how);
    posix_spawn_file_actions_destroy(&files);
    return err;
}

/* Keeps the last sentence that is not a warning. */
static void end_line(struct process *p)
{
    static const char begin[] = "hsgd: ", warning[] = "hsgd: warning: ";
    struct child *c = p->child;
    p->line[p->used] = '\0';
    p->used = 0;
    if (c->forwards) fprintf(stderr, "%s\n", p->line);
    if (!strncmp(p->line, begin, strlen(begin)) && strncmp(p->line, warning, strlen(warning)))
        snprintf(c->message, sizeof c->message, "%.*s", (int)sizeof c->message - 1, p->line + strlen(begin));
}

static void add_output(struct process *p, const char *bytes, ssize_t n)
{
    for (ssize_t i = 0; i < n; i++) {
        if (bytes[i] == '\n') end_line(p);
        else if (p->used < sizeof p->line - 1) p->line[p->used++] = bytes[i];
    }
}

static void pass_signal(struct process *p)
{
    int number = signals_stop();
    if (p->end > 0 && !p->killed && now_seconds() > p->end) p->killed = !kill(p->pid, SIGKILL);
    if (!number || p->signalled) return;
    kill(p->pid, number);
    p->signalled = true;
}

/* Until the process has ended; its children may keep the pipe open. */
static int collect_output(struct process *p)
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
            add_output(p, bytes, n);
        } else {
            ended = waitpid(p->pid, &status, WNOHANG) == p->pid;
        }
    }
    if (p->used) end_line(p);
    while (!ended && waitpid(p->pid, &status, 0) < 0 && errno == EINTR) continue;
    struct child *c = p->child;
    c->exited = WIFEXITED(status);
    if (c->exited) return WEXITSTATUS(status);
    if (p->killed) snprintf(c->message, sizeof c->message, "not finished after %.3g s", c->limit);
    else snprintf(c->message, sizeof c->message, "killed by signal %d", WTERMSIG(status));
    return FAILED;
}

void child_words(char *words, size_t size, char **argv)
{
    for (size_t at = 0; at < size; at += strlen(words + at) + 1) *argv++ = words + at;
    *argv = NULL;
}

int child_run(struct child *c)
{
    struct process p = { .child = c, .end = c->limit > 0 ? now_seconds() + c->limit : 0 };
    int ends[2];
    if (pipe2(ends, O_CLOEXEC)) return report_error(FAILED, "cannot start %s: %s", c->argv[1], strerror(errno));
    p.errors = ends[0];
    int err = spawn(&p, ends[1]);
    close(ends[1]);
    if (!err) c->code = collect_output(&p);
    close(ends[0]);
    return err ? report_error(FAILED, "cannot start %s: %s", c->argv[1], strerror(err)) : OK;
}
