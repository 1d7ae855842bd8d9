/* hsgd compare: the product of lists of train's options, a process each. */
#include "compare.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* ------------------------------------------------------------------- lists */

static struct list *find_list(struct comparison *c, const char *name)
{
    for (int i = 0; i < c->nlists; i++)
        if (!strcmp(c->list[i].name, name)) return &c->list[i];
    if (c->nlists == COMPARE_LISTS) return NULL;
    c->list[c->nlists] = (struct list){ .name = name };
    return &c->list[c->nlists++];
}

static bool is_option(const char *word) { return !strncmp(word, "--", 2) && word[2]; }

/* "--name value", "--name=value", or "--name" for a flag; the number of words
 * it took, 0 after a sentence. */
static int add_option(struct comparison *c, char **word, int words)
{
    static const char *const own[] = { "out", "resume", "json", "quiet", "dry-run", "config" };
    char *equals = strchr(word[0], '=');
    bool follows = !equals && words > 1 && !is_option(word[1]);
    if (!is_option(word[0])) return complain(0, "after \"--\" come options of train, not \"%s\"", word[0]);
    if (equals) *equals = 0;
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (!strcmp(word[0] + 2, own[i])) return complain(0, "\"hsgd compare\" decides about %s itself", word[0]);
    struct list *l = find_list(c, word[0] + 2);
    if (!l || l->n == COMPARE_VALUES) return complain(0, "too many options, or values of %s", word[0]);
    l->value[l->n++] = equals ? equals + 1 : follows ? word[1] : NULL;
    return 1 + follows;
}

static int read_lists(struct comparison *c)
{
    const struct settings *s = c->s;
    for (int i = 0, took; i < s->words; i += took)
        if (!(took = add_option(c, s->word + i, s->words - i))) return USAGE;
    c->ntrials = 1;
    for (int i = 0; i < c->nlists; i++)
        if ((c->ntrials *= c->list[i].n) > 1000) return complain(USAGE, "more than 1000 combinations");
    c->trial = calloc((size_t)c->ntrials, sizeof *c->trial);
    return c->trial ? OK : complain(FAILED, "out of memory for %d runs", c->ntrials);
}

/* ----------------------------------------------------------------- one run */

/* The words of a run's command, and its label: the options with several
 * values. */
static void describe(const struct comparison *c, int index, struct trial *t, char *words, size_t size, char **argv)
{
    size_t used = 0, label = 0;
    int n = 0;
    argv[n++] = "hsgd";
    argv[n++] = "train";
    for (int i = 0, rest = index; i < c->nlists; rest /= c->list[i++].n) {
        const struct list *l = &c->list[i];
        const char *value = l->value[rest % l->n];
        argv[n++] = words + used;
        used += (size_t)snprintf(words + used, size - used, "--%s", l->name) + 1;
        if (value) argv[n++] = (char *)value;
        if (l->n > 1 && label < sizeof t->label)
            label += (size_t)snprintf(t->label + label, sizeof t->label - label, "%s%s %s", label ? ", " : "", l->name,
                                      value ? value : "on");
    }
    if (!label) snprintf(t->label, sizeof t->label, "train");
    argv[n++] = "--json";
    argv[n++] = "--out";
    argv[n++] = t->folder;
    argv[n] = NULL;
}

/* Runs train with its report in FOLDER.json. */
static int spawn_train(struct trial *t, char **argv)
{
    posix_spawn_file_actions_t actions;
    char report[sizeof t->folder + 8];
    pid_t pid;
    int status = 0;
    snprintf(report, sizeof report, "%s.json", t->folder);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, report, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    int err = posix_spawn(&pid, "/proc/self/exe", &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (err) return complain(FAILED, "cannot start train: %s", strerror(err));
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
    t->code = WIFEXITED(status) ? WEXITSTATUS(status) : FAILED;
    return OK;
}

static int run_trial(struct comparison *c, int index)
{
    struct trial *t = &c->trial[index];
    char words[COMPARE_LISTS * 40], *argv[2 * COMPARE_LISTS + 8];
    snprintf(t->folder, sizeof t->folder, "%s/run-%03d", c->s->out, index + 1);
    describe(c, index, t, words, sizeof words, argv);
    fprintf(stderr, "%d/%d  %s\n", index + 1, c->ntrials, t->label);
    int code = spawn_train(t, argv);
    if (code) return code;
    compare_read(t);
    return t->code == USAGE ? USAGE : OK; /* the others would say the same */
}

/* ------------------------------------------------------------------ report */

/* The first epoch with the accuracy wished for; 0: none. */
static int reached(const struct trial *t, double target)
{
    for (int i = 0; i < t->epochs; i++)
        if (t->epoch[i].accuracy >= target) return i + 1;
    return 0;
}

static double best(const struct trial *t)
{
    double most = NAN;
    for (int i = 0; i < t->epochs; i++) most = fmax(most, t->epoch[i].accuracy);
    return most;
}

static void print_table(const struct comparison *c)
{
    double target = c->s->target;
    printf("%-36s %7s %9s %9s %9s %10s %7s %8s %8s  %s\n", "run", "epochs", "best val", "test", "seconds", "samples/s",
           "stale", "to goal", "seconds", "samples per device");
    for (int i = 0; i < c->ntrials; i++) {
        const struct trial *t = &c->trial[i];
        int epoch = target > 0 ? reached(t, target) : 0;
        if (t->code) printf("%-36s ended with exit status %d\n", t->label, t->code);
        if (!t->epochs) continue;
        printf("%-36s %7d %8.2f%% %8.2f%% %9.2f %10.0f ", t->label, t->epochs, 100 * best(t), 100 * t->test_accuracy,
               t->epoch[t->epochs - 1].seconds, t->samples_per_second);
        if (isnan(t->stale)) printf("%7s ", "-");
        else printf("%6.1f%% ", 100 * t->stale);
        if (epoch) printf("%8d %8.2f  %s\n", epoch, t->epoch[epoch - 1].seconds, t->shares);
        else printf("%8s %8s  %s\n", "-", "-", t->shares);
    }
}

static int write_csv(const struct comparison *c, const char *path)
{
    FILE *f = fopen(path, "w");
    if (!f) return complain(blame(-errno), "%s: %s", path, strerror(errno));
    fprintf(f, "run,label,epoch,seconds,loss,validation_loss,validation_accuracy\n");
    for (int i = 0; i < c->ntrials; i++)
        for (int e = 0; e < c->trial[i].epochs; e++) {
            const struct epoch *p = &c->trial[i].epoch[e];
            fprintf(f, "%d,\"%s\",%d,%.6g,%.6g,%.6g,%.6g\n", i + 1, c->trial[i].label, e + 1, p->seconds, p->loss,
                    p->validation_loss, p->accuracy);
        }
    bool bad = ferror(f);
    return fclose(f) || bad ? complain(FAILED, "%s: %s", path, strerror(errno)) : OK;
}

static int report(const struct comparison *c)
{
    char path[1100];
    print_table(c);
    snprintf(path, sizeof path, "%s/compare.csv", c->s->out);
    int code = write_csv(c, path);
    snprintf(path, sizeof path, "%s/compare.svg", c->s->out);
    if (!code) code = compare_draw(c, path);
    return code ? code : flush_output();
}

int cmd_compare(struct settings *s)
{
    struct comparison c = { .s = s };
    if (!s->out) return complain(USAGE, "--out is missing: the folder for the runs");
    if (strlen(s->out) > 1000) return complain(USAGE, "--out is longer than 1000 bytes");
    int code = read_lists(&c);
    if (!code && mkdir(s->out, 0777))
        code = complain(errno == EEXIST ? USAGE : blame(-errno), "--out \"%s\": %s", s->out, strerror(errno));
    for (int i = 0; !code && i < c.ntrials; i++) code = run_trial(&c, i);
    if (!code) code = report(&c);
    free(c.trial);
    return code;
}
