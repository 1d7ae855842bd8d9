/* SPDX-License-Identifier: BSD-3-Clause */
/* Models as ONNX files; what of the format is known is in doc/onnx.md. */
#ifndef HSGD_ONNX_H
#define HSGD_ONNX_H

#include <hsgd/model.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A model from an ONNX file: network and weights, finished.  Its results have the names
 * of the graph's outputs.  The first axis of its inputs is the batch; where an operator
 * works across it, the whole tensor is one sample.  Images {batch, channels, height,
 * width} have their channels last here, as have the results that an operator on images
 * made.  loss: an operation that compares the first output with a target, so that the
 * model can be trained: "softmax_cross_entropy" with a class, "label", others with "target";
 * "none": nothing; NULL: softmax_cross_entropy for a vector of floats, else mse.
 * Errors (NULL): -EINVAL the file is no ONNX model, damaged, of an opset that is not
 * read, refers to other files, or has an operator that is not supported (the sentence
 * names its first node); the loss is unknown or does not fit; that of the file system;
 * -ENOMEM; -ENOSYS the library was built without protobuf-c. */
HSGD_API struct hsgd_model *hsgd_model_from_onnx(struct hsgd_context *ctx, const char *path, const char *loss);

/* Writes a finished model to an ONNX file, atomically: its inputs, named results (or what it
 * predicts, before probabilities, as "output") and weights, in opset 17.  The batch is the
 * first axis, of any size; images that convolutions and pools read or make have their
 * channels second.  Losses and targets are left out.
 * Errors: -EINVAL the model is not finished, has an operation that is not written (the
 * sentence names its layer), or is larger than 2 GiB; that of the file system; -ENOMEM;
 * -ENOSYS as above. */
HSGD_API int hsgd_model_to_onnx(struct hsgd_model *model, const char *path);

/* Results of hsgd_onnx_test(). */
enum { HSGD_ONNX_PASSED, HSGD_ONNX_FAILED, HSGD_ONNX_UNSUPPORTED };

/* Runs a test case of ONNX's back-end tests: a folder with model.onnx, and one or more of
 * test_data_set_N/ with input_K.pb and output_K.pb.  Inputs that are weights of an operator
 * become weights of the model.  Results must be within 1e-7 + 1e-3 of each value.  hsgd_error()
 * says why a case has not passed.  Errors: -EINVAL the folder holds no such case; that
 * of the file system; -ENOSYS. */
HSGD_API int hsgd_onnx_test(struct hsgd_context *ctx, const char *folder);

#ifdef __cplusplus
}
#endif
#endif
