/* SPDX-License-Identifier: BSD-3-Clause */
/* Texts that are refused, each with its sentence. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "files.h"

#include <sys/stat.h>
#include <unistd.h>

static struct hsgd_context *ctx;

static void begin(void)
{
    pictures_begin();
    ctx = pictures_context();
}

struct bad {
    const char *text, *sentence;
};

static void each(const struct bad *b, size_t n, const char *path, const struct hsgd_data_options *o)
{
    for (size_t i = 0; i < n; i++) {
        put_text(path, b[i].text);
        expect_refused(ctx, path, o, b[i].sentence);
    }
}
#define EACH(list, path, ...) each(list, sizeof list / sizeof *list, path, HSGD_OPTIONS(data, __VA_ARGS__))

/* ------------------------------------------------------------------- paths */

#define MISSING \
    ": No such file or directory; \"digits\", \"shapes\" and \"dates\" are built in, anything else is a file or folder"

static void paths(void)
{
    begin();
    CHECK(!mkdir("folder", 0777) && !symlink("nowhere", "dangling") && !mkdir("set.t", 0777));
    CHECK(!mkfifo("pipe", 0666));
    put_text("empty", "");
    put("empty.gz", packed(text_of(""), 'z'));
    put_text("set", "1 1:1\n");
    put_text("binary", "\x01\x02\x03");
    expect_refused(ctx, "none.csv", NULL, "data set \"none.csv\"" MISSING);
    expect_refused(ctx, "dangling", NULL, "data set \"dangling\"" MISSING);
    expect_refused(ctx, "MNIST/", NULL,
                   "data set \"MNIST/\": no such folder; MNIST's four IDX files "
                   "are expected there; to get them: curl -f -O 'https://ossci-datasets.s3.amazonaws.com/mnist/"
                   "{train,t10k}-{images-idx3,labels-idx1}-ubyte.gz' (in a folder, then --data FOLDER)");
    expect_refused(ctx, "data/cifar-10", NULL,
                   "data set \"data/cifar-10\": no such folder; CIFAR-10's "
                   "binary files (or their archive) are expected there; to get them: curl -f -O "
                   "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz (then --data cifar-10-binary.tar.gz)");
    expect_refused(ctx, "pipe", NULL, "data set \"pipe\": is not a regular file, so its format must be given");
    expect_refused(ctx, "empty", NULL, "data set \"empty\": the file is empty");
    expect_refused(ctx, "empty.gz", NULL, "data set \"empty.gz\": the file is empty");
    expect_refused(ctx, "set", NULL, "set.t: is a folder, not a file");
    expect_refused(ctx, "folder", HSGD_OPTIONS(data, .format = "csv"), "folder: is a folder, not a file");
    expect_refused(ctx, "folder", HSGD_OPTIONS(data, .format = "libsvm"), "folder: is a folder, not a file");
    expect_refused(ctx, "folder", HSGD_OPTIONS(data, .format = "npz"), "folder: is a folder, not a file");
    expect_refused(
        ctx, "set", HSGD_OPTIONS(data, .format = "parquet"),
        "data set \"set\": format \"parquet\" is not one of idx, cifar, tar, zip, coco, images, npy, npz, libsvm, csv, "
        "pairs, text");
    CHECK(hsgd_data_read(ctx, "binary", NULL, NULL, NULL) < 0);
    CHECK(!strncmp(hsgd_error(ctx), "data set \"binary\": not recognised; it is none of: ", 50));
}

/* ------------------------------------------------------------------ LIBSVM */

static void libsvm(void)
{
    static const struct bad list[] = {
        { "1 1:1\nabc 1:1\n", "set: line 2: \"abc\" is not a number, as labels must be" },
        { "1 1:1\n1,2 1:1\n", "set: line 2: \"1,2\" is not a label: multi-label data is not supported" },
        { "1 1:1\n0x1 1:1\n", "set: line 2: \"0x1\" is not a number, as labels must be" },
        { "1 1:1\nnan 1:1\n", "set: line 2: \"nan\" is not finite, as labels must be" },
        { "1 1:1\n-inf 1:1\n", "set: line 2: \"-inf\" is not finite, as labels must be" },
        { "1 1:1\n1e999 1:1\n", "set: line 2: \"1e999\" is not finite, as labels must be" },
        { "1 1:1 2\n", "set: line 1: \"2\" is not INDEX:VALUE" },
        { "1 1:1 a:2\n", "set: line 1: \"a:2\" is not INDEX:VALUE" },
        { "1 1:1 -2:2\n", "set: line 1: \"-2:2\" is not INDEX:VALUE" },
        { "1 1:1 2:\n", "set: line 1: \"2:\" is not INDEX:VALUE with a number as value" },
        { "1 1:1 2:x\n", "set: line 1: \"2:x\" is not INDEX:VALUE with a number as value" },
        { "1 1:1 2:3:4\n", "set: line 1: \"2:3:4\" is not INDEX:VALUE with a number as value" },
        { "1 1:1 2:nan\n", "set: line 1: \"2:nan\" is not INDEX:VALUE with a value that fits into a 32-bit float" },
        { "1 1:1 2:1e39\n", "set: line 1: \"2:1e39\" is not INDEX:VALUE with a value that fits into a 32-bit float" },
        { "1 0:1\n", "set: line 1: \"0:1\" is not INDEX:VALUE with an index from 1" },
        { "1 1:1\n\n2 2:1 2:1\n", "set: line 3: \"2:1\" comes after index 2; indices must ascend" },
        { "1 5:1 2:1\n", "set: line 1: \"2:1\" comes after index 5; indices must ascend" },
        { "1 16777217:1\n", "set: line 1: index of \"16777217:1\" is larger than 16777216, the number of features" },
        { "1 99999999999999999999:1\n",
          "set: line 1: index of \"99999999999999999999:1\" is larger than 16777216, the number of features" },
        { "1 qid:3 1:1\n", "set: line 1: \"qid:3\" is not read: ranking is not supported" },
        { "# nothing\n\n", "set: no samples in 2 lines" },
        { "1\n2\n", "set: no line has a feature, INDEX:VALUE" },
    };
    begin();
    EACH(list, "set", .format = "libsvm");
}

static void libsvm_zero(void)
{
    begin();
    put("set", bytes_of("1 1:1\n1 2:\0001\n", 14));
    expect_refused(ctx, "set", HSGD_OPTIONS(data, .format = "libsvm"),
                   "set: line 2: contains a zero byte; this is not a text file");
}

static void libsvm_limits(void)
{
    const char *const names[] = { "-1", "1" };
    begin();
    put_text("set", "1 1:1 4:1\n");
    expect_refused(ctx, "set", HSGD_OPTIONS(data, .features = 3),
                   "set: line 1: index of \"4:1\" is larger than 3, the number of features");
    put_text("set", "1 1:1\n+2 1:1\n");
    expect_refused(ctx, "set", HSGD_OPTIONS(data, .classes = 2, .class_name = names),
                   "set: line 2: label \"+2\" is not one of the 2 classes -1, 1");
    put_text("set.t", "3 1:1\n");
    expect_refused(ctx, "set", NULL, "set.t: line 1: label \"3\" is not one of the 2 classes 1, +2");
    FILE *f = fopen("many", "w");
    for (int i = 0; i <= 10000; i++) fprintf(f, "%d 1:1\n", i);
    fclose(f);
    expect_refused(ctx, "many", NULL,
                   "many: line 10001: more than 10000 classes at label \"10000\"; are these labels?");
}

/* --------------------------------------------------------------------- CSV */

static void csv(void)
{
    static const struct bad list[] = {
        { "a,b\n", "set: no rows after the header" },
        { "1,2\n3,4\n", "set: line 1: column names are expected, \"1\" is a number; add a line of names above it" },
        { "label\n1\n", "set: line 1: one column, \"label\"; labels and a feature need two" },
        { "a,b,label\n1,2,x\n1,x\n", "set: line 3: 2 fields, the header has 3" },
        { "a,b,label\n1,2,x,\n", "set: line 2: 4 fields, the header has 3" },
        { "a,city,label\n1,2,x\n1,Paris,x\n",
          "set: line 3: column \"city\": \"Paris\" is not a number; --categorical takes the values of a column as categories, --ignore leaves it out" },
        { "a,b,label\n1,0x10,x\n",
          "set: line 2: column \"b\": \"0x10\" is not a number; --categorical takes the values of a column as categories, --ignore leaves it out" },
        { "a,b,label\n1,1 2,x\n",
          "set: line 2: column \"b\": \"1 2\" is not a number; --categorical takes the values of a column as categories, --ignore leaves it out" },
        { "a,b,label\n1,inf,x\n", "set: line 2: column \"b\": \"inf\" does not fit into a 32-bit float" },
        { "a,b,label\n1,-1e39,x\n", "set: line 2: column \"b\": \"-1e39\" does not fit into a 32-bit float" },
        { "a,label\n1,x\n2,\n", "set: line 3: column \"label\": the label is missing (\"\")" },
        { "a,label\n1,NA\n", "set: line 2: column \"label\": the label is missing (\"NA\")" },
        { "a,label\n1,\"x\n2,y\n", "set: line 2: a quoted field is not closed" },
        { "a,label\n1,\"x\ny\"\n2,\"x\"y\n", "set: line 4: field 2 has a quote inside; quote the whole field" },
        { "a,label\n1,x\"y\"\n", "set: line 2: field 2 has a quote inside; quote the whole field" },
        { "a,label\n1\n", "set: line 2: 1 fields, the header has 2" },
        { "\n\n", "set: no header in 2 lines" },
    };
    begin();
    EACH(list, "set", .format = "csv");
}

static void csv_options(void)
{
    const char *const names[] = { "cat", "dog" };
    begin();
    put_text("set", "a,b,c\n1,2,dog\n1,2,cow\n");
    expect_refused(ctx, "set", HSGD_OPTIONS(data, .label = "d"),
                   "set: line 1: no column \"d\"; there are 3, from \"a\" to \"c\"");
    expect_refused(ctx, "set", HSGD_OPTIONS(data, .label = "0"),
                   "set: line 1: no column \"0\"; there are 3, from \"a\" to \"c\"");
    expect_refused(ctx, "set", HSGD_OPTIONS(data, .label = "4"),
                   "set: line 1: no column \"4\"; there are 3, from \"a\" to \"c\"");
    expect_refused(ctx, "set", HSGD_OPTIONS(data, .features = 3),
                   "set: line 1: 2 columns beside the label, 3 features are expected");
    expect_refused(ctx, "set", HSGD_OPTIONS(data, .classes = 2, .class_name = names),
                   "set: line 3: column \"c\": label \"cow\" is not one of the 2 classes cat, dog");
    put("set", bytes_of("a,b\n1,\0x\n", 9));
    expect_refused(ctx, "set", HSGD_OPTIONS(data, .format = "csv"),
                   "set: line 2: contains a zero byte; this is not a text file");
    put("set", packed(joined(text_of("a,b\n1,"), many('0', 4 << 20)), 'J'));
    expect_refused(ctx, "set", NULL, "set: the xz stream expands to more than 1100 times its size");
    put("set", cut(packed(text_of("a,b\n1,2\n"), 'z'), 20));
    expect_refused(ctx, "set", NULL, "set: the gzip stream ends early");
}

static const struct core_case cases[] = {
    { "paths", paths },
    { "libsvm", libsvm },
    { "libsvm_zero", libsvm_zero },
    { "libsvm_limits", libsvm_limits },
    { "csv", csv },
    { "csv_options", csv_options },
};
CORE_MAIN(cases)
