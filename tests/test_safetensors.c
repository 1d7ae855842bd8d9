/* SPDX-License-Identifier: BSD-3-Clause */
/* safetensors files: what is written is read again, and every bad file is
 * refused with its sentence. */
#include "core.h"

#include <errno.h>
#include <io/safetensors.h>

/* A context that only holds the error. */
static struct hsgd_context *ctx;

static void start(void)
{
    struct hsgd_context_options none = { .size = sizeof none, .devices = "none" };
    REQUIRE(!hsgd_create(&ctx, &none));
}

/* ------------------------------------------------------------- bad files */

static char file[4096];

/* LENGTH, header, then `data` bytes of zeros. */
static size_t make(const char *header, size_t data)
{
    size_t n = strlen(header);
    memset(file, 0, sizeof file);
    for (int i = 0; i < 8; i++) file[i] = (char)(n >> 8 * i);
    memcpy(file + 8, header, n);
    REQUIRE(8 + n + data <= sizeof file);
    return 8 + n + data;
}

static void refused(const char *bytes, size_t n, const char *sentence)
{
    struct safetensors f;
    CHECK(safetensors_parse(ctx, &f, "f", bytes, n) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), sentence);
}

#define TENSOR(dtype, shape, from, to) \
    "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" from "," to "]}"

static const struct {
    const char *header;
    size_t data;
    const char *sentence;
} bad[] = {
    { "", 0, "f: the header must begin with \"{\"" },
    { "[]", 0, "f: the header must begin with \"{\"" },
    { " {}", 0, "f: the header must begin with \"{\"" },
    { "{", 0, "f: header, byte 1: string or '}' expected near end of file" },
    { "{} x", 0, "f: header, byte 4: end of file expected near 'x'" },
    { "{\"a\":1e999}", 0, "f: header, byte 10: real number overflow near '1e999'" },
    { "{\"a\":1,\"a\":2}", 0, "f: header, byte 10: duplicate object key near '\"a\"'" },
    { "{\"a\xff\":1}", 0, "f: header, byte 3: unable to decode byte 0xff near '\"a'" },
    { "{\"a\":1}", 0, "f: tensor \"a\" must be an object, but is an integer" },
    { "{\"\\n\\u001b[2J\":null}", 0, "f: tensor \"??[2J\" must be an object, but is null" },
    { "{\"__metadata__\":[]}", 0, "f: __metadata__ must be an object, but is a list" },
    { "{\"__metadata__\":{\"k\":1.5}}", 0, "f: __metadata__: \"k\" must be a string, but is a real number" },
    { "{\"a\":{}}", 0, "f: tensor \"a\": dtype must be a string, but is missing" },
    { "{\"a\":{\"dtype\":32}}", 0, "f: tensor \"a\": dtype must be a string, but is an integer" },
    { "{\"a\":" TENSOR("F33", "[1]", "0", "4") "}", 4, "f: tensor \"a\": dtype \"F33\" is not known" },
    { "{\"a\":" TENSOR("F32", "1", "0", "4") "}", 4, "f: tensor \"a\": shape must be a list, but is an integer" },
    { "{\"a\":" TENSOR("F32", "[1,1,1,1,1,1,1,1,1]", "0", "4") "}", 4,
      "f: tensor \"a\": shape has 9 dimensions; at most 8 can be read" },
    { "{\"a\":" TENSOR("F32", "[2,0.5]", "0", "4") "}", 4,
      "f: tensor \"a\": shape[1] must be an integer, but is a real number" },
    { "{\"a\":" TENSOR("F32", "[-1]", "0", "4") "}", 4, "f: tensor \"a\": shape[0] is negative: -1" },
    { "{\"a\":" TENSOR("F32", "[9223372036854775808]", "0", "4") "}", 4,
      "f: header, byte 48: too big integer near '9223372036854775808'" },
    { "{\"a\":" TENSOR("F32", "[4294967296,4294967296]", "0", "4") "}", 4,
      "f: tensor \"a\": shape is too large: its size overflows" },
    { "{\"a\":" TENSOR("F32", "[4611686018427387905]", "0", "4") "}", 4,
      "f: tensor \"a\": shape is too large: its size overflows" },
    { "{\"a\":" TENSOR("F4", "[3]", "0", "1") "}", 1, "f: tensor \"a\": 3 elements of F4 do not fill whole bytes" },
    { "{\"a\":{\"dtype\":\"U8\",\"shape\":[1]}}", 1,
      "f: tensor \"a\": data_offsets must be a list of 2 numbers, but is missing" },
    { "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1,2]}}", 1,
      "f: tensor \"a\": data_offsets must be a list of 2 numbers, but is a list of another length" },
    { "{\"a\":" TENSOR("U8", "[1]", "0", "\"1\"") "}", 1,
      "f: tensor \"a\": data_offsets[1] must be an integer, but is a string" },
    { "{\"a\":" TENSOR("U8", "[1]", "-1", "0") "}", 1, "f: tensor \"a\": data_offsets [-1, 0] are not in 0..1" },
    { "{\"a\":" TENSOR("U8", "[1]", "1", "0") "}", 1, "f: tensor \"a\": data_offsets [1, 0] are not in 0..1" },
    { "{\"a\":" TENSOR("U8", "[2]", "0", "2") "}", 1, "f: tensor \"a\": data_offsets [0, 2] are not in 0..1" },
    { "{\"a\":" TENSOR("F32", "[2]", "0", "4") "}", 4,
      "f: tensor \"a\": shape and dtype need 8 bytes, but data_offsets give 4" },
    { "{\"a\":" TENSOR("U8", "[2]", "0", "2") ",\"b\":" TENSOR("U8", "[2]", "1", "3") "}", 3,
      "f: tensor \"b\" begins at byte 1 of the data and overlaps \"a\", which ends at 2" },
    { "{\"a\":" TENSOR("U8", "[2]", "0", "2") ",\"b\":" TENSOR("U8", "[2]", "0", "2") "}", 2,
      "f: tensor \"b\" begins at byte 0 of the data and overlaps \"a\", which ends at 2" },
    { "{\"a\":" TENSOR("U8", "[1]", "0", "1") ",\"b\":" TENSOR("U8", "[1]", "2", "3") "}", 3,
      "f: tensor \"b\" begins at byte 2 of the data, but the one before ends at 1" },
    { "{\"a\":" TENSOR("U8", "[1]", "1", "2") "}", 2,
      "f: tensor \"a\" begins at byte 1 of the data, but the one before ends at 0" },
    { "{\"a\":" TENSOR("U8", "[1]", "0", "1") "}", 2, "f: the tensors end at byte 1 of the data, but there are 2" },
    { "{}", 1, "f: the tensors end at byte 0 of the data, but there are 1" },
};

static void bad_headers(void)
{
    start();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refused(file, make(bad[i].header, bad[i].data), bad[i].sentence);
    hsgd_destroy(&ctx);
}

static void bad_lengths(void)
{
    start();
    refused("", 0, "f: 0 bytes are too few for a safetensors file");
    refused("\2\0\0\0\0\0\0", 7, "f: 7 bytes are too few for a safetensors file");
    refused("\3\0\0\0\0\0\0\0{}", 10, "f: the header's length 3 is more than the 2 bytes that follow");
    refused("\1\341\365\5\0\0\0\0{}", 10, "f: the header's length 100000001 is more than 100000000");
    refused("\377\377\377\377\377\377\377\377{}", 10,
            "f: the header's length 18446744073709551615 is more than 100000000");
    /* A whole file, cut anywhere. */
    size_t n = make("{\"a\":" TENSOR("F32", "[2,2]", "0", "16") "}", 16);
    for (size_t k = 0; k < n; k++) {
        struct safetensors f;
        CHECK_MSG(safetensors_parse(ctx, &f, "f", file, k) == -EINVAL, "%zu bytes of %zu were taken", k, n);
    }
    hsgd_destroy(&ctx);
}

static void bad_depth(void)
{
    static char deep[3600];
    start();
    memset(deep, '[', sizeof deep - 1);
    memcpy(deep, "{\"a\":", 5);
    refused(file, make(deep, 0), "f: header, byte 2053: maximum parsing depth reached near '['");
    hsgd_destroy(&ctx);
}

/* ------------------------------------------------------------ good files */

static void reads_what_others_write(void)
{
    struct safetensors f;
    start();
    size_t n = make("{ \"b\" : {\"shape\":[],\"data_offsets\":[12,16],\"dtype\":\"F32\"}, "
                    "\"__metadata__\":{\"k\":\"v\"},\"none\":" TENSOR("BF16", "[3,0]", "12", "12") ", \"a\":" TENSOR(
                        "F4", "[24]", "0", "12") "}   ",
                    16);
    float one = 1;
    memcpy(file + n - 4, &one, 4);
    REQUIRE(!safetensors_parse(ctx, &f, "f", file, n));
    CHECK(f.ntensors == 3 && !strcmp(f.tensor[0].name, "b") && !strcmp(f.tensor[2].name, "a"));
    const struct safetensor *t = safetensors_need(ctx, &f, "b", SAFETENSORS_F32, 0, NULL);
    CHECK(t && t->count == 1 && t->bytes == 4 && !memcmp(t->data, &one, 4) && !safetensors_check_finite(ctx, &f, t));
    t = safetensors_find(&f, "none");
    CHECK(t && t->count == 0 && t->ndims == 2 && t->dims[0] == 3 && t->type == SAFETENSORS_BF16);
    CHECK_STR(safetensors_metadata(&f, "k"), "v");
    CHECK(!safetensors_metadata(&f, "l") && !safetensors_find(&f, "c"));
    safetensors_close(&f);
    safetensors_close(&f);
    safetensors_close(NULL);
    n = make("{}", 0);
    REQUIRE(!safetensors_parse(ctx, &f, "f", file, n));
    CHECK(f.ntensors == 0 && !safetensors_metadata(&f, "k"));
    safetensors_close(&f);
    hsgd_destroy(&ctx);
}

/* An empty tensor may lie on the border of others, in any order of names. */
static void empty_tensors_do_not_overlap(void)
{
    struct safetensors f;
    start();
    size_t n = make("{\"a\":" TENSOR("U8", "[2]", "0", "2") ",\"b\":" TENSOR("U8", "[0]", "0", "0") ",\"c\":" TENSOR(
                        "U8", "[0]", "2", "2") "}",
                    2);
    CHECK(!safetensors_parse(ctx, &f, "f", file, n));
    safetensors_close(&f);
    hsgd_destroy(&ctx);
}

static size_t write_example(int *error)
{
    static const int64_t dims[] = { 2, 3 };
    static const float floats[6] = { 0, -1, 2, 3, 1e-40f, 5 };
    static const int64_t wide = INT64_MIN;
    struct safetensors_writer w;
    FILE *to = fmemopen(file, sizeof file, "wb");
    REQUIRE(to);
    safetensors_start(&w, ctx, to, "f");
    safetensors_declare(&w, "x", SAFETENSORS_I64, 0, NULL);
    safetensors_describe(&w, "model", "layers:\n  - \"dense\"\n");
    safetensors_declare(&w, "y", SAFETENSORS_F32, 2, dims);
    safetensors_declare(&w, "z", SAFETENSORS_U8, 1, dims);
    safetensors_append(&w, &wide, 8);
    safetensors_append(&w, floats, 12);
    safetensors_append(&w, floats + 3, 12);
    safetensors_append(&w, "ab", 2);
    *error = safetensors_finish(&w);
    size_t n = (size_t)ftell(to);
    fclose(to);
    return n;
}

static void writes_what_it_reads(void)
{
    struct safetensors f;
    float y[6];
    int64_t x, dims[] = { 2, 3 };
    int error;
    start();
    size_t n = write_example(&error);
    REQUIRE(!error && !safetensors_parse(ctx, &f, "f", file, n));
    CHECK_MSG((n - 34) % 8 == 0, "the data does not begin at a multiple of 8: %zu", n);
    CHECK(!strncmp(file + 8, "{\"__metadata__\":{\"model\":", 24));
    CHECK_STR(safetensors_metadata(&f, "model"), "layers:\n  - \"dense\"\n");
    const struct safetensor *t = safetensors_need(ctx, &f, "y", SAFETENSORS_F32, 2, dims);
    REQUIRE(t && f.ntensors == 3);
    memcpy(y, t->data, sizeof y);
    CHECK(y[1] == -1 && y[4] == 1e-40f && y[5] == 5);
    memcpy(&x, safetensors_find(&f, "x")->data, 8);
    CHECK(x == INT64_MIN && !memcmp(safetensors_find(&f, "z")->data, "ab", 2));
    safetensors_close(&f);
    hsgd_destroy(&ctx);
}

static void demands(void)
{
    struct safetensors f;
    int error;
    int64_t dims[] = { 2, 3 }, other[] = { 3, 2 };
    start();
    size_t n = write_example(&error);
    float bad_values[2] = { -1.0f / 0.0f, 0.0f / 0.0f };
    memcpy(file + n - 6, &bad_values[0], 4);
    REQUIRE(!safetensors_parse(ctx, &f, "f", file, n));
    CHECK(!safetensors_need(ctx, &f, "q", SAFETENSORS_F32, 2, dims));
    CHECK_STR(hsgd_error(ctx), "f: tensor \"q\" is missing");
    CHECK(!safetensors_need(ctx, &f, "y", SAFETENSORS_F64, 2, dims));
    CHECK_STR(hsgd_error(ctx), "f: tensor \"y\": dtype must be F64, but is F32");
    CHECK(!safetensors_need(ctx, &f, "y", SAFETENSORS_F32, 2, other));
    CHECK_STR(hsgd_error(ctx), "f: tensor \"y\": shape must be [3, 2], but is [2, 3]");
    CHECK(!safetensors_need(ctx, &f, "y", SAFETENSORS_F32, 1, dims));
    CHECK_STR(hsgd_error(ctx), "f: tensor \"y\": shape must be [2], but is [2, 3]");
    CHECK(safetensors_check_finite(ctx, &f, safetensors_find(&f, "y")) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "f: tensor \"y\": element 5 is infinite");
    memcpy(file + n - 22, &bad_values[1], 4);
    CHECK(safetensors_check_finite(ctx, &f, safetensors_find(&f, "y")) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "f: tensor \"y\": element 1 is NaN");
    safetensors_close(&f);
    hsgd_destroy(&ctx);
}

static void finish_fails(const char *sentence, const char *name, const char *value, int64_t dim, size_t bytes)
{
    struct safetensors_writer w;
    FILE *to = fopen("/dev/full", "wb");
    REQUIRE(to);
    safetensors_start(&w, ctx, to, "f");
    safetensors_describe(&w, "key", value);
    safetensors_declare(&w, "a", SAFETENSORS_U8, 0, NULL);
    safetensors_declare(&w, name, SAFETENSORS_U8, 1, &dim);
    safetensors_append(&w, file, bytes);
    CHECK(safetensors_finish(&w) < 0);
    CHECK_STR(hsgd_error(ctx), sentence);
    fclose(to);
}

static void writer_errors_stick(void)
{
    start();
    finish_fails("f: metadata \"key\" is not UTF-8", "b", "\xff", 1, 2);
    finish_fails("f: tensor \"a\" is too large, or appears twice", "a", "v", 1, 2);
    finish_fails("f: tensor \"b\" is too large, or appears twice", "b", "v", INT64_MAX, 2);
    finish_fails("f: tensor \"\xff\": the name is not UTF-8", "\xff", "v", 1, 2);
    finish_fails("f: 1 bytes of data were given for 2", "b", "v", 1, 1);
    static char large[1 << 16];
    struct safetensors_writer w;
    FILE *to = fopen("/dev/full", "wb");
    REQUIRE(to);
    safetensors_start(&w, ctx, to, "f");
    safetensors_declare(&w, "a", SAFETENSORS_U8, 1, &(int64_t){ sizeof large });
    safetensors_append(&w, large, sizeof large);
    CHECK(safetensors_finish(&w) == -ENOSPC);
    CHECK_STR(hsgd_error(ctx), "f: cannot write: No space left on device");
    fclose(to);
    hsgd_destroy(&ctx);
}

static const struct core_case cases[] = { { "bad_headers", bad_headers },
                                          { "bad_lengths", bad_lengths },
                                          { "bad_depth", bad_depth },
                                          { "reads_what_others_write", reads_what_others_write },
                                          { "empty_tensors_do_not_overlap", empty_tensors_do_not_overlap },
                                          { "writes_what_it_reads", writes_what_it_reads },
                                          { "demands", demands },
                                          { "writer_errors_stick", writer_errors_stick } };
CORE_MAIN(cases)
