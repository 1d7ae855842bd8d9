/* SPDX-License-Identifier: BSD-3-Clause */
/* In place of this folder, where the library is built without protobuf-c. */
#include <hsgd/onnx.h>

#include "model/model.h"

static int missing(struct hsgd_context *ctx)
{
    return hsgd_fail(ctx, ENOSYS, "this version of hsgd is built without protobuf-c, which ONNX files need");
}

struct hsgd_model *hsgd_model_from_onnx(struct hsgd_context *ctx, const char *path, const char *loss)
{
    (void)loss;
    if (!ENTER(ctx, ctx, path)) missing(ctx);
    return NULL;
}

int hsgd_model_to_onnx(struct hsgd_model *m, const char *path)
{
    int err = ENTER(m ? m->ctx : NULL, m, path);
    return err ? err : missing(m->ctx);
}

int hsgd_onnx_test(struct hsgd_context *ctx, const char *folder)
{
    int err = ENTER(ctx, ctx, folder);
    return err ? err : missing(ctx);
}
