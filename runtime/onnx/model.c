/* SPDX-License-Identifier: BSD-3-Clause */
/* Models from ONNX files. */
#include <stdlib.h>

#include "io/file.h"
#include "onnx/reader.h"

/* As the format allows. */
#define MAX_BYTES ((int64_t)1 << 31)

struct hsgd_model *onnx_model(struct hsgd_context *ctx, const char *path, const void *bytes, size_t size,
                              const char *loss)
{
    struct reader r;
    Onnx__ModelProto *file = onnx_parse(ctx, path, bytes, size);
    if (!file) return NULL;
    int err = reader_build(&r, &(struct reader){ .ctx = ctx, .path = path, .file = file }, loss);
    struct hsgd_model *m = err ? NULL : r.model;
    if (!err) reader_free(&r);
    onnx_free(file);
    return m;
}

struct hsgd_model *hsgd_model_from_onnx(struct hsgd_context *ctx, const char *path, const char *loss)
{
    void *bytes;
    size_t size;
    if (ENTER(ctx, ctx, path) || hsgd_file_read(ctx, path, MAX_BYTES, &bytes, &size)) return NULL;
    struct hsgd_model *m = onnx_model(ctx, path, bytes, size, loss);
    free(bytes);
    return m;
}
