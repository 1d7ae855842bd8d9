/* Text and NumPy files that are refused, each with its sentence. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "files.h"

#include <archive.h>
#include <sys/stat.h>
#include <unistd.h>

static struct hsgd_context *ctx;

static void begin(void)
{
    pictures_begin();
    ctx = pictures_context();
}

struct bad { const char *text, *sentence; };

static void each(const struct bad *b, size_t n, const char *path, const struct hsgd_data_options *o)
{
    for (size_t i = 0; i < n; i++) {
        put_text(path, b[i].text);
        expect_refused(ctx, path, o, b[i].sentence);
    }
}
#define EACH(list, path, ...) each(list, sizeof list / sizeof *list, path, &(struct hsgd_data_options){ __VA_ARGS__ })

/* ------------------------------------------------------------------- paths */

static void paths(void)
{
    begin();
    CHECK(!mkdir("folder", 0777) && !symlink("nowhere", "dangling") && !mkdir("set.t", 0777));
    put_text("empty", "");
    put("empty.gz", packed(text_of(""), 'z'));
    put_text("set", "1 1:1\n");
    put_text("binary", "\x01\x02\x03");
    expect_refused(ctx, "none.csv", NULL,
                   "data set \"none.csv\": No such file or directory; \"digits\" is built in, anything else is a file or folder");
    expect_refused(ctx, "dangling", NULL,
                   "data set \"dangling\": No such file or directory; \"digits\" is built in, anything else is a file or folder");
    expect_refused(ctx, "empty", NULL, "data set \"empty\": the file is empty");
    expect_refused(ctx, "empty.gz", NULL, "data set \"empty.gz\": the file is empty");
    expect_refused(ctx, "set", NULL, "set.t: is a folder, not a file");
    expect_refused(ctx, "folder", &(struct hsgd_data_options){ .format = "csv" }, "folder: is a folder, not a file");
    expect_refused(ctx, "folder", &(struct hsgd_data_options){ .format = "libsvm" }, "folder: is a folder, not a file");
    expect_refused(ctx, "folder", &(struct hsgd_data_options){ .format = "npz" }, "folder: is a folder, not a file");
    expect_refused(ctx, "set", &(struct hsgd_data_options){ .format = "parquet" },
                   "data set \"set\": format \"parquet\" is not one of idx, cifar, tar, images, npy, npz, libsvm, csv");
    CHECK(hsgd_data_read(ctx, "binary", NULL, NULL, NULL) < 0);
    CHECK(!strncmp(hsgd_error(ctx), "data set \"binary\": not recognised; it is none of: ", 50));
}

/* ------------------------------------------------------------------ LIBSVM */

static void libsvm(void)
{
    static const struct bad list[] = {
        { "1 1:1\nabc 1:1\n", "set: line 2: \"abc\" is not a label, which is a number" },
        { "1 1:1\n1,2 1:1\n", "set: line 2: \"1,2\" is not a label, which is a number" },
        { "1 1:1\n0x1 1:1\n", "set: line 2: \"0x1\" is not a label, which is a number" },
        { "1 1:1\nnan 1:1\n", "set: line 2: \"nan\" is not a label, which is a finite number" },
        { "1 1:1\n-inf 1:1\n", "set: line 2: \"-inf\" is not a label, which is a finite number" },
        { "1 1:1\n1e999 1:1\n", "set: line 2: \"1e999\" is not a label, which is a finite number" },
        { "1 1:1 2\n", "set: line 1: \"2\" is not INDEX:VALUE" },
        { "1 1:1 a:2\n", "set: line 1: \"a:2\" is not INDEX:VALUE" },
        { "1 1:1 -2:2\n", "set: line 1: \"-2:2\" is not INDEX:VALUE" },
        { "1 1:1 2:\n", "set: line 1: \"2:\" is not INDEX:VALUE with a number as value" },
        { "1 1:1 2:x\n", "set: line 1: \"2:x\" is not INDEX:VALUE with a number as value" },
        { "1 1:1 2:3:4\n", "set: line 1: \"2:3:4\" is not INDEX:VALUE with a number as value" },
        { "1 1:1 2:nan\n", "set: line 1: \"2:nan\" is not INDEX:VALUE with a value that a 32-bit float holds" },
        { "1 1:1 2:1e39\n", "set: line 1: \"2:1e39\" is not INDEX:VALUE with a value that a 32-bit float holds" },
        { "1 0:1\n", "set: line 1: \"0:1\" is not INDEX:VALUE with an index from 1" },
        { "1 1:1\n\n2 2:1 2:1\n", "set: line 3: \"2:1\" comes after index 2; indices ascend" },
        { "1 5:1 2:1\n", "set: line 1: \"2:1\" comes after index 5; indices ascend" },
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
    expect_refused(ctx, "set", &(struct hsgd_data_options){ .format = "libsvm" },
                   "set: line 2: holds a zero byte, this is no text");
}

static void libsvm_limits(void)
{
    const char *const names[] = { "-1", "1" };
    begin();
    put_text("set", "1 1:1 4:1\n");
    expect_refused(ctx, "set", &(struct hsgd_data_options){ .features = 3 },
                   "set: line 1: index of \"4:1\" is larger than 3, the number of features");
    put_text("set", "1 1:1\n+2 1:1\n");
    expect_refused(ctx, "set", &(struct hsgd_data_options){ .classes = 2, .class_name = names },
                   "set: line 2: label \"+2\" is not one of the 2 classes -1, 1");
    put_text("set.t", "3 1:1\n");
    expect_refused(ctx, "set", NULL, "set.t: line 1: label \"3\" is not one of the 2 classes 1, +2");
    FILE *f = fopen("many", "w");
    for (int i = 0; i <= 10000; i++) fprintf(f, "%d 1:1\n", i);
    fclose(f);
    expect_refused(ctx, "many", NULL,
                   "many: line 10001: label \"10000\" would be one class more than 10000; are these labels?");
}

/* --------------------------------------------------------------------- CSV */

static void csv(void)
{
    static const struct bad list[] = {
        { "a,b\n", "set: no rows after the header" },
        { "1,2\n3,4\n", "set: line 1: names of columns are expected, \"1\" is a number" },
        { "label\n1\n", "set: line 1: one column, \"label\"; labels and a feature need two" },
        { "a,b,label\n1,2,x\n1,x\n", "set: line 3: 2 fields, the header has 3" },
        { "a,b,label\n1,2,x,\n", "set: line 2: 4 fields, the header has 3" },
        { "a,city,label\n1,2,x\n1,Paris,x\n", "set: line 3: column \"city\": \"Paris\" is not a number" },
        { "a,b,label\n1,0x10,x\n", "set: line 2: column \"b\": \"0x10\" is not a number" },
        { "a,b,label\n1,1 2,x\n", "set: line 2: column \"b\": \"1 2\" is not a number" },
        { "a,b,label\n1,inf,x\n", "set: line 2: column \"b\": \"inf\" is not a number that a 32-bit float holds" },
        { "a,b,label\n1,-1e39,x\n", "set: line 2: column \"b\": \"-1e39\" is not a number that a 32-bit float holds" },
        { "a,label\n1,x\n2,\n", "set: line 3: column \"label\": the label is missing (\"\")" },
        { "a,label\n1,NA\n", "set: line 2: column \"label\": the label is missing (\"NA\")" },
        { "a,label\n1,\"x\n2,y\n", "set: line 2: a quoted field does not end" },
        { "a,label\n1,\"x\ny\"\n2,\"x\"y\n", "set: line 4: field 2 has a quote inside; the whole field would be quoted" },
        { "a,label\n1,x\"y\"\n", "set: line 2: field 2 has a quote inside; the whole field would be quoted" },
        { "a,label\n1\n", "set: line 2: 1 fields, the header has 2" },
        { "\na,label\n1,x\n", "set: line 1: one column, \"\"; labels and a feature need two" },
    };
    begin();
    EACH(list, "set", .format = "csv");
}

static void csv_options(void)
{
    const char *const names[] = { "cat", "dog" };
    begin();
    put_text("set", "a,b,c\n1,2,dog\n1,2,cow\n");
    expect_refused(ctx, "set", &(struct hsgd_data_options){ .label = "d" },
                   "set: line 1: no column \"d\"; there are 3, from \"a\" to \"c\"");
    expect_refused(ctx, "set", &(struct hsgd_data_options){ .label = "0" },
                   "set: line 1: no column \"0\"; there are 3, from \"a\" to \"c\"");
    expect_refused(ctx, "set", &(struct hsgd_data_options){ .label = "4" },
                   "set: line 1: no column \"4\"; there are 3, from \"a\" to \"c\"");
    expect_refused(ctx, "set", &(struct hsgd_data_options){ .features = 3 },
                   "set: line 1: 2 columns beside the label, 3 features are expected");
    expect_refused(ctx, "set", &(struct hsgd_data_options){ .classes = 2, .class_name = names },
                   "set: line 3: column \"c\": label \"cow\" is not one of the 2 classes cat, dog");
    put("set", bytes_of("a,b\n1,\0x\n", 9));
    expect_refused(ctx, "set", &(struct hsgd_data_options){ .format = "csv" },
                   "set: line 2: holds a zero byte, this is no text");
    put("set", packed(joined(text_of("a,b\n1,"), many('0', 4 << 20)), 'J'));
    expect_refused(ctx, "set", NULL, "set: the xz stream expands to more than 1100 times its size");
    put("set", cut(packed(text_of("a,b\n1,2\n"), 'z'), 20));
    expect_refused(ctx, "set", NULL, "set: the gzip stream ends early");
}

/* ------------------------------------------------------------------- NumPy */

#define H(descr, order, shape) "{'descr': " descr ", 'fortran_order': " order ", 'shape': " shape "}"

static void npy_headers(void)
{
    static const struct bad list[] = {
        { "", "x.npy: header: { expected at \"\"" },
        { "[1]", "x.npy: header: { expected at \"[1]\"" },
        { H("'<f4'", "True", "(2,)"), "x.npy: fortran_order is True; save it in C order (np.ascontiguousarray)" },
        { H("'<f4'", "Maybe", "(2,)"), "x.npy: header: True or False expected at \"Maybe, 'shape': (2,)}\"" },
        { H("'<c8'", "False", "(2,)"), "x.npy: type is \"<c8\", not one of u1, u2, u4, u8, i1, i2, i4, i8, f2, f4, f8" },
        { H("'|O'", "False", "(2,)"), "x.npy: type is \"|O\", not one of u1, u2, u4, u8, i1, i2, i4, i8, f2, f4, f8" },
        { H("'|f4'", "False", "(2,)"), "x.npy: type is \"|f4\", not one of u1, u2, u4, u8, i1, i2, i4, i8, f2, f4, f8" },
        { H("[('a', '<f4')]", "False", "(2,)"),
          "x.npy: header: a type in quotes expected at \"[('a', '<f4')], 'fortran_order': False, 'shape': (2,)}\"" },
        { H("'<f4'", "False", "2"), "x.npy: header: a shape in parentheses expected at \"2}\"" },
        { H("'<f4'", "False", "(2)"), "x.npy: header: a comma expected at \")}\"" },
        { H("'<f4'", "False", "(2,"), "x.npy: header: a size expected at \"}\"" },
        { H("'<f4'", "False", "(-2,)"), "x.npy: header: a size expected at \"-2,)}\"" },
        { H("'<f4'", "False", "()"), "x.npy: shape is (), a single number" },
        { H("'<f4'", "False", "(1,1,1,1,2)"), "x.npy: shape has more than 4 dimensions" },
        { H("'<f4'", "False", "(0,)"), "x.npy: dimension 0 of the shape is 0, it must be in 1..2147483647" },
        { H("'<f4'", "False", "(2, 99999999999999999999)"),
          "x.npy: dimension 1 of the shape is 922337203685477580, it must be in 1..2147483647" },
        { H("'<f4'", "False", "(2147483647, 2147483647, 2)"),
          "x.npy: dimension 1 of the shape is 2147483647, more than memory can hold" },
        { H("'<f4'", "False", "(3,)"), "x.npy: 8 bytes after the header, 3 numbers of 4 bytes are announced" },
        { H("'<f4'", "False", "(1,)"), "x.npy: 8 bytes after the header, 1 numbers of 4 bytes are announced" },
        { "{'descr': '<f4', 'descr': '<f4'}", "x.npy: header: descr is there twice" },
        { "{'descr': '<f4', 'shape': (2,)}", "x.npy: header: fortran_order is missing" },
        { "{'descr': '<f4', 'eval': __import__('os')}",
          "x.npy: header: key \"eval\" is not one of descr, fortran_order, shape" },
        { H("'<f4'", "False", "(2,)") " x", "x.npy: header: its end expected at \"x\"" },
        { "{'descr' '<f4'}", "x.npy: header: a colon expected at \"'<f4'}\"" },
    };
    begin();
    put("y.npy", npy("|u1", "(2,)", many(0, 2)));
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        put("x.npy", npy_with(list[i].text, many(0, 8)));
        expect_refused(ctx, "x.npy", NULL, list[i].sentence);
    }
}

static void npy_files(void)
{
    static const float not_finite[] = { 1, 0.0f / 0.0f };
    begin();
    put("x.npy", npy("<f4", "(2,)", many(0, 8)));
    expect_refused(ctx, "x.npy", NULL, "x.npy: no file with its labels, such as x_labels.npy; --label names one");
    expect_refused(ctx, "x.npy", &(struct hsgd_data_options){ .label = "c.npy" },
                   "c.npy: cannot open: No such file or directory");
    put("y.npy", npy("|u1", "(3,)", many(0, 3)));
    expect_refused(ctx, "x.npy", NULL, "y.npy: 3 labels, but x.npy has 2 samples");
    put("y.npy", npy("|u1", "(2, 2)", many(0, 4)));
    expect_refused(ctx, "x.npy", NULL, "y.npy: labels have 2 dimensions, one number a sample is expected");
    put("y.npy", npy("<f4", "(2,)", bytes_of(not_finite, 8)));
    CHECK(hsgd_data_read(ctx, "x.npy", NULL, NULL, NULL) < 0);
    CHECK_STR(hsgd_error(ctx) + strlen(hsgd_error(ctx)) - 22, "nan, it must be finite");
    put("y.npy", npy("|u1", "(2,)", many(0, 2)));
    put("x.npy", npy("<f4", "(2,)", bytes_of((float[]){ 1, 1e30f * 1e30f }, 8)));
    expect_refused(ctx, "x.npy", NULL, "x.npy: number 0 of sample 1 is inf, a finite 32-bit float is expected");
    put("x.npy", npy("<f8", "(1, 2)", bytes_of((double[]){ 1, 1e300 }, 16)));
    put("y.npy", npy("|u1", "(1,)", many(0, 1)));
    expect_refused(ctx, "x.npy", NULL, "x.npy: number 1 of sample 0 is 1e+300, a finite 32-bit float is expected");
    expect_refused(ctx, "x.npy", &(struct hsgd_data_options){ .features = 3 },
                   "x.npy: samples have 2 features, 3 are expected");
    put("x.npy", npy("|u1", "(1, 3, 8, 8)", many(0, 192)));
    expect_refused(ctx, "x.npy", NULL, "x.npy: last dimension is 8, images have 1 to 4 channels there (N x H x W x C)");
}

static void npy_prefix(void)
{
    static const struct { uint8_t bytes[16]; size_t n; const char *sentence; } list[] = {
        { "\x93NUMPX\1\0", 10, "x.npy: does not begin like a NumPy array (\\x93NUMPY)" },
        { "\x93NUMPY\1", 7, "x.npy: does not begin like a NumPy array (\\x93NUMPY)" },
        { "\x93NUMPY\4\0", 10, "x.npy: version is 4.0, only 1.0 to 3.0 are read" },
        { "\x93NUMPY\1\0\x10", 9, "x.npy: truncated in the header: 9 bytes are there" },
        { "\x93NUMPY\2\0\x10\0\0", 11, "x.npy: truncated in the header: 11 bytes are there" },
        { "\x93NUMPY\1\0\x10\0{}", 12, "x.npy: truncated in the header: 2 of 16 bytes are there" },
        { "\x93NUMPY\2\0\xff\xff\xff\xff", 12, "x.npy: header has 4294967295 bytes, more than 65536" },
    };
    begin();
    put("y.npy", npy("|u1", "(2,)", many(0, 2)));
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        put("x.npy", bytes_of(list[i].bytes, list[i].n));
        expect_refused(ctx, "x.npy", &(struct hsgd_data_options){ .format = "npy" }, list[i].sentence);
    }
}

static struct bytes good(void) { return npy("|u1", "(4,)", many(1, 4)); }

/* An archive of x.npy, y.npy and one more. */
static void zip_with(const char *name, struct bytes b)
{
    struct archive *a = zip_begin("set.npz", true);
    tar_add(a, "x.npy", good(), NULL);
    tar_add(a, name, b, NULL);
    tar_add(a, "y.npy", good(), NULL);
    tar_end(a);
}

/* Lists every member so many times: they share their bytes. */
static void repeat_members(const char *path, int times)
{
    struct bytes b = get(path);
    uint8_t *end = b.at + b.n - 22;
    uint32_t at, size;
    memcpy(&size, end + 12, 4);
    memcpy(&at, end + 16, 4);
    struct bytes all = bytes_of(b.at, at), last = bytes_of(end, 22);
    for (int i = 0; i < times; i++) all = joined(all, bytes_of(b.at + at, size));
    uint16_t members = (uint16_t)(last.at[8] * times);
    size *= (uint32_t)times;
    memcpy(last.at + 8, &members, 2);
    memcpy(last.at + 10, &members, 2);
    memcpy(last.at + 12, &size, 4);
    put(path, joined(all, last));
    free(b.at);
}

static void npz(void)
{
    begin();
    zip_with("../evil.npy", good());
    expect_refused(ctx, "set.npz", NULL, "set.npz: member \"../evil.npy\" leaves the archive");
    zip_with("a/../../evil.npy", good());
    expect_refused(ctx, "set.npz", NULL, "set.npz: member \"a/../../evil.npy\" leaves the archive");
    zip_with("/etc/evil.npy", good());
    expect_refused(ctx, "set.npz", NULL, "set.npz: member \"/etc/evil.npy\" leaves the archive");
    zip_with("other.npy", good());
    expect_refused(ctx, "set.npz", &(struct hsgd_data_options){ .label = "z" },
                   "set.npz: no arrays x_train or x and z, or others known; there are: x, y, other");
    struct archive *a = zip_begin("set.npz", false);
    tar_add(a, "a.npy", good(), NULL);
    tar_end(a);
    expect_refused(ctx, "set.npz", NULL,
                   "set.npz: no arrays x_train and y_train or x and y, or others known; there are: a");
}

static void npz_parts(void)
{
    begin();
    zip_with("b", good());
    struct bytes b = get("set.npz");
    put("set.npz", cut(bytes_of(b.at, b.n), b.n / 3));
    CHECK(hsgd_data_read(ctx, "set.npz", NULL, NULL, NULL) < 0);
    CHECK_MSG(!strncmp(hsgd_error(ctx), "set.npz: the zip archive is damaged: ", 37), "%s", hsgd_error(ctx));
    put("set.npz", bytes_of("PK\3\4 nothing more", 17));
    CHECK(hsgd_data_read(ctx, "set.npz", NULL, NULL, NULL) < 0);
    CHECK_MSG(!strncmp(hsgd_error(ctx), "set.npz: the zip archive is damaged: ", 37), "%s", hsgd_error(ctx));
    free(b.at);
    struct archive *a = zip_begin("set.npz", true);
    tar_add(a, "x_train.npy", good(), NULL);
    tar_add(a, "y_train.npy", good(), NULL);
    tar_add(a, "x_test.npy", npy("|u1", "(2, 2)", many(1, 4)), NULL);
    tar_add(a, "y_test.npy", npy("|u1", "(2,)", many(1, 2)), NULL);
    tar_end(a);
    expect_refused(ctx, "set.npz", NULL, "set.npz: training samples are 1x1x1, test samples 1x1x2");
    a = zip_begin("set.npz", true);
    tar_add(a, "x.npy", text_of("no array"), NULL);
    tar_add(a, "y.npy", good(), NULL);
    tar_end(a);
    expect_refused(ctx, "set.npz", NULL, "set.npz: x.npy: does not begin like a NumPy array (\\x93NUMPY)");
}

/* A directory that lists a large member many times makes it no larger. */
static void npz_bomb(void)
{
    struct hsgd_data *train, *test;
    begin();
    zip_with("x_test.npy", many(0, 8 << 20));
    repeat_members("set.npz", 40);
    REQUIRE(!hsgd_data_read(ctx, "set.npz", NULL, &train, &test));
    CHECK(hsgd_data_count(train) == 4 && !test);
    hsgd_data_destroy(&train);
}

static const struct core_case cases[] = {
    { "paths", paths }, { "libsvm", libsvm }, { "libsvm_zero", libsvm_zero }, { "libsvm_limits", libsvm_limits },
    { "csv", csv }, { "csv_options", csv_options }, { "npy_headers", npy_headers }, { "npy_files", npy_files },
    { "npy_prefix", npy_prefix }, { "npz", npz }, { "npz_parts", npz_parts }, { "npz_bomb", npz_bomb },
};
CORE_MAIN(cases)
