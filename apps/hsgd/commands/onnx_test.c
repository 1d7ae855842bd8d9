/* SPDX-License-Identifier: BSD-3-Clause */
/* hsgd onnx-test */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "lib/message.h"
#include "lib/session.h"
#include "lib/text.h"

enum { RESULTS = HSGD_ONNX_UNSUPPORTED + 1 };

struct counts {
    struct session run;
    bool verbose;
    int n[RESULTS];
};

static int run_case(struct counts *c, const char *folder, const char *name)
{
    static const char *const words[RESULTS] = { "passed", "failed", "not supported" };
    int result = hsgd_onnx_test(c->run.ctx, folder);
    if (result < 0) return report_error(exit_code(result), "%s", hsgd_error(c->run.ctx));
    c->n[result]++;
    if (result == HSGD_ONNX_PASSED) {
        if (c->verbose) text_wrap(0, 4, "%s: passed", name);
        return OK;
    }
    const char *why = hsgd_error(c->run.ctx);
    size_t n = strlen(folder);
    if (!strncmp(why, folder, n) && !strncmp(why + n, "/model.onnx: ", 13)) why += n + 13; /* the name says it */
    text_wrap(0, 4, "%s: %s: %s", name, words[result], why);
    return OK;
}

static bool is_case(const char *folder)
{
    char *path;
    bool is = asprintf(&path, "%s/model.onnx", folder) >= 0 && !access(path, F_OK);
    if (path) free(path);
    return is;
}

static int is_visible(const struct dirent *e) { return e->d_name[0] != '.'; }

/* A case, or all cases in a folder, in the order of their names. */
static int run_folder(struct counts *c, const char *folder)
{
    struct dirent **entry;
    const char *slash = strrchr(folder, '/');
    if (is_case(folder)) return run_case(c, folder, slash && slash[1] ? slash + 1 : folder);
    int n = scandir(folder, &entry, is_visible, alphasort), code = OK, cases = 0;
    if (n < 0) return report_error(USAGE, "%s: cannot read: %s", folder, strerror(errno));
    for (int i = 0; i < n; i++) {
        char *path = NULL;
        if (!code && asprintf(&path, "%s/%s", folder, entry[i]->d_name) < 0)
            code = report_error(FAILED, "out of memory");
        if (!code && is_case(path)) {
            cases++;
            code = run_case(c, path, entry[i]->d_name);
        }
        free(path);
        free(entry[i]);
    }
    free(entry);
    if (!code && !cases) code = report_error(USAGE, "%s: it holds no test case with a model.onnx", folder);
    return code;
}

int cmd_onnx_test(struct settings *s)
{
    struct counts c = { .verbose = s->verbose };
    if (!s->words) return report_error(USAGE, "\"hsgd onnx-test\" needs a folder of test cases");
    int code = open_context(&c.run, s);
    for (int i = 0; !code && i < s->words; i++) code = run_folder(&c, s->word[i]);
    if (!code)
        printf("%d passed, %d failed, %d not supported\n", c.n[HSGD_ONNX_PASSED], c.n[HSGD_ONNX_FAILED],
               c.n[HSGD_ONNX_UNSUPPORTED]);
    close_session(&c.run);
    if (!code) code = flush_output();
    return !code && c.n[HSGD_ONNX_FAILED] ? FAILED : code;
}
