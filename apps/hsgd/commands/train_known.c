/* SPDX-License-Identifier: BSD-3-Clause */
/* The record of the data in the checkpoint that a run resumes, or from whose
 * weights it starts. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "train.h"

/* A file of weights, or a folder that contains one. */
int train_initial_path(const struct training *t, char path[4096])
{
    struct stat st;
    const char *name = t->s->initial_checkpoint;
    bool folder = !stat(name, &st) && S_ISDIR(st.st_mode);
    int n = snprintf(path, 4096, "%s%s", name, folder ? "/model.safetensors" : "");
    return n < 4096 ? OK : report_error(USAGE, "--initial-checkpoint is longer than 4095 bytes");
}

static int read_initial(struct training *t)
{
    char path[4096];
    int code = train_initial_path(t, path);
    if (code) return code;
    t->run.known = hsgd_checkpoint_info_read(t->run.ctx, path);
    if (!t->run.known) return report_error(USAGE, "--initial-checkpoint: %s", hsgd_error(t->run.ctx));
    if (!*hsgd_record_format(t->run.known->record))
        report_warning("%s has no record of its data: columns, classes and unit of the values are not checked", path);
    return OK;
}

static int read_resumed(struct training *t)
{
    char path[RUN_NAME + 64];
    snprintf(path, sizeof path, "%s/step-%lld", t->folder.checkpoints, (long long)t->folder.step);
    t->run.known = hsgd_checkpoint_info_read(t->run.ctx, path);
    t->run.continues = true;
    return t->run.known ? OK : report_error(USAGE, "--resume: %s", hsgd_error(t->run.ctx));
}

int train_read_known(struct training *t)
{
    if (t->folder.step >= 0) return read_resumed(t);
    return t->s->initial_checkpoint ? read_initial(t) : OK;
}

/* Different classes may be intended: in transfer learning the layers before the
 * last one start from the weights of another training. */
static void compare_classes(const struct training *t)
{
    const struct hsgd_checkpoint_info *known = t->run.known;
    int n = hsgd_data_classes(t->run.train);
    for (int i = 0; i < n && i < known->classes; i++) {
        const char *is = hsgd_data_class_name(t->run.train, i);
        if (!strcmp(is, known->class_name[i])) continue;
        report_warning("--initial-checkpoint: class %d was \"%s\" and is \"%s\"", i, known->class_name[i], is);
        return;
    }
}

int train_check_known(const struct training *t)
{
    if (!t->run.known) return OK;
    if (!t->run.continues) return compare_classes(t), OK;
    int err = hsgd_record_check(t->run.ctx, t->run.known->record, t->run.train);
    return err ? report_error(exit_code(err), "--resume: %s", hsgd_error(t->run.ctx)) : OK;
}
