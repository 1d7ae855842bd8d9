/* SPDX-License-Identifier: BSD-3-Clause */
#include "files.h"

#include <archive.h>
#include <lzma.h>
#include <math.h>
#include <zlib.h>

struct bytes bytes_of(const void *from, size_t n)
{
    struct bytes b = { malloc(n + 1), n };
    memcpy(b.at, from, n);
    return b;
}

struct bytes text_of(const char *text) { return bytes_of(text, strlen(text)); }

struct bytes many(int byte, size_t n)
{
    struct bytes b = { malloc(n + 1), n };
    memset(b.at, byte, n);
    return b;
}

struct bytes joined(struct bytes a, struct bytes b)
{
    a.at = realloc(a.at, a.n + b.n + 1);
    memcpy(a.at + a.n, b.at, b.n);
    a.n += b.n;
    free(b.at);
    return a;
}

struct bytes cut(struct bytes b, size_t n)
{
    b.n = n;
    return b;
}

struct bytes changed(struct bytes b, size_t i)
{
    b.at[i] ^= 0x55;
    return b;
}

static struct bytes packed_gz(struct bytes b)
{
    z_stream z = { .next_in = b.at, .avail_in = (uInt)b.n };
    struct bytes out = many(0, b.n + b.n / 100 + 100);
    REQUIRE(deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY) == Z_OK);
    z.next_out = out.at;
    z.avail_out = (uInt)out.n;
    REQUIRE(deflate(&z, Z_FINISH) == Z_STREAM_END);
    out.n = z.total_out;
    deflateEnd(&z);
    free(b.at);
    return out;
}

struct bytes packed_xz(struct bytes b, uint32_t dictionary)
{
    lzma_options_lzma o;
    REQUIRE(!lzma_lzma_preset(&o, 1));
    o.dict_size = dictionary;
    lzma_filter filters[] = { { LZMA_FILTER_LZMA2, &o }, { LZMA_VLI_UNKNOWN, NULL } };
    struct bytes out = many(0, lzma_stream_buffer_bound(b.n));
    size_t n = 0;
    REQUIRE(lzma_stream_buffer_encode(filters, LZMA_CHECK_CRC32, NULL, b.at, b.n, out.at, &n, out.n) == LZMA_OK);
    out.n = n;
    free(b.at);
    return out;
}

struct bytes packed(struct bytes b, int filter) { return filter == 'z' ? packed_gz(b) : packed_xz(b, 1 << 16); }

struct bytes npy_with(const char *header, struct bytes data)
{
    size_t n = strlen(header);
    struct bytes b = bytes_of("\x93NUMPY\1\0\0\0", 10);
    b.at[8] = (uint8_t)n;
    b.at[9] = (uint8_t)(n >> 8);
    return joined(joined(b, text_of(header)), data);
}

struct bytes npy(const char *type, const char *shape, struct bytes data)
{
    char header[200];
    snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': False, 'shape': %s, }     \n", type, shape);
    return npy_with(header, data);
}

struct archive *zip_begin(const char *path, bool deflate)
{
    struct archive *a = archive_write_new();
    archive_write_set_format_zip(a);
    if (deflate) archive_write_zip_set_compression_deflate(a);
    else archive_write_zip_set_compression_store(a);
    REQUIRE(archive_write_open_filename(a, path) == ARCHIVE_OK);
    return a;
}

void expect_refused(struct hsgd_context *ctx, const char *path, const struct hsgd_data_options *options,
                    const char *sentence)
{
    struct hsgd_data *train, *test;
    int err = hsgd_data_read(ctx, path, options, &train, &test);
    CHECK(err < 0 && !train && !test);
    CHECK_STR(hsgd_error(ctx), sentence);
    hsgd_data_destroy(&train);
    hsgd_data_destroy(&test);
}

struct set read_set(struct hsgd_context *ctx, const char *path, const struct hsgd_data_options *options)
{
    struct set s;
    bool ok = !hsgd_data_read(ctx, path, options, &s.train, &s.test);
    if (!ok) CHECK_STR(hsgd_error(ctx), "");
    REQUIRE(ok && s.train);
    return s;
}

void close_set(struct set *s)
{
    hsgd_data_destroy(&s->train);
    hsgd_data_destroy(&s->test);
}

void expect_shape(const struct hsgd_data *d, int64_t count, int h, int w, int c)
{
    struct hsgd_shape s = hsgd_data_shape(d);
    CHECK_MSG(hsgd_data_count(d) == count && s.h == h && s.w == w && s.c == c, "%lld of %dx%dx%d",
              (long long)hsgd_data_count(d), s.h, s.w, s.c);
}

void expect_classes(const struct hsgd_data *d, const char *names)
{
    char all[200] = "";
    for (int i = 0; i < hsgd_data_classes(d); i++) strcat(strcat(all, i ? " " : ""), hsgd_data_class_name(d, i));
    CHECK_STR(all, names);
}

void expect_sample(const struct hsgd_data *d, int64_t i, int label, const float *want)
{
    struct hsgd_shape s = hsgd_data_shape(d);
    int32_t got_label;
    float *x = malloc(sizeof *x * (size_t)(s.h * s.w * s.c));
    hsgd_data_gather(d, &i, 1, NULL, x, &got_label);
    CHECK(got_label == label);
    for (int k = 0; k < s.h * s.w * s.c; k++)
        CHECK_MSG(x[k] == want[k] || (isnan(x[k]) && isnan(want[k])), "sample %d number %d: %g, not %g", (int)i, k,
                  (double)x[k], (double)want[k]);
    free(x);
}
