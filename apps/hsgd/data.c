/* hsgd data show */
#include <stdio.h>
#include <string.h>

#include "app.h"

static void print_summary(const struct hsgd_data *d)
{
    struct hsgd_shape in = hsgd_data_shape(d);
    struct hsgd_normalisation n;
    hsgd_data_statistics(d, &n);
    printf("%s: %lld samples of %dx%dx%d, %d classes, mean", hsgd_data_name(d), (long long)hsgd_data_count(d), in.h,
           in.w, in.c, hsgd_data_classes(d));
    for (int i = 0; i < n.channels; i++) printf(" %.4f", n.mean[i]);
    printf(", deviation");
    for (int i = 0; i < n.channels; i++) printf(" %.4f", 1 / n.inv_std[i]);
    putchar('\n');
}

/* A sheet of the samples as they are, or as the first epoch changes them. */
static int write_sheet(struct session *run, const struct settings *s)
{
    struct hsgd_augment how = augment_options(s);
    bool changes = how.crop || how.flip || how.resized_crop > 0 || how.rotate > 0;
    struct hsgd_data *changed = NULL;
    if (changes && !(changed = hsgd_data_augment(run->ctx, run->whole, &how, (uint64_t)s->seed, 0, s->rows * s->columns)))
        return complain(USAGE, "%s", hsgd_error(run->ctx));
    int err = hsgd_data_sheet(run->ctx, changes ? changed : run->whole, s->out, (int)s->rows, (int)s->columns);
    hsgd_data_destroy(&changed);
    return err ? complain(blame(err), "--out \"%s\": %s", s->out, hsgd_error(run->ctx)) : OK;
}

static int show(struct session *run, const struct settings *s, const char *what)
{
    run->whole = hsgd_data_open(run->ctx, what, s->split ? HSGD_TEST : HSGD_TRAIN);
    if (!run->whole) return complain(USAGE, "data \"%s\": %s", what, hsgd_error(run->ctx));
    int code = s->out ? write_sheet(run, s) : OK;
    if (code) return code;
    print_summary(run->whole);
    if (s->out) printf("%s: the first %lld x %lld\n", s->out, (long long)s->rows, (long long)s->columns);
    return flush_output();
}

int cmd_data(struct settings *s)
{
    struct session run;
    if (!s->words) return complain(USAGE, "\"hsgd data\" needs \"show\"");
    if (strcmp(s->word[0], "show")) return complain(USAGE, "\"hsgd data\" knows \"show\", not \"%s\"", s->word[0]);
    int code = require_words(s, 2);
    if (code) return code;
    s->devices = "cpu";
    s->threads = 1;
    code = open_context(&run, s);
    if (!code) code = show(&run, s, s->words > 1 ? s->word[1] : "digits");
    close_session(&run);
    return code;
}
