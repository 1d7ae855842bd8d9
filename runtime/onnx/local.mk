# SPDX-License-Identifier: BSD-3-Clause
# ONNX files; without protobuf-c, what says that they are missing.
onnx_sources = \
	runtime/onnx/arith.c \
	runtime/onnx/broadcast.c \
	runtime/onnx/fold.c \
	runtime/onnx/fold.h \
	runtime/onnx/fold_shape.c \
	runtime/onnx/model.c \
	runtime/onnx/outputs.c \
	runtime/onnx/parse.c \
	runtime/onnx/place.c \
	runtime/onnx/reader.c \
	runtime/onnx/reader.h \
	runtime/onnx/rows.h \
	runtime/onnx/rows_image.c \
	runtime/onnx/rows_linear.c \
	runtime/onnx/rows_losses.c \
	runtime/onnx/rows_move.c \
	runtime/onnx/rows_norm.c \
	runtime/onnx/rows_pointwise.c \
	runtime/onnx/rows_recurrent.c \
	runtime/onnx/rows_reduce.c \
	runtime/onnx/rows_resize.c \
	runtime/onnx/rows_shape.c \
	runtime/onnx/shapes.c \
	runtime/onnx/shapes.h \
	runtime/onnx/step.c \
	runtime/onnx/tensor.c \
	runtime/onnx/tensor.h \
	runtime/onnx/test.c \
	runtime/onnx/write_attention.c \
	runtime/onnx/write_functions.c \
	runtime/onnx/write_image.c \
	runtime/onnx/write_layers.c \
	runtime/onnx/write_mask.c \
	runtime/onnx/write_model.c \
	runtime/onnx/write_recurrent.c \
	runtime/onnx/write_reduce.c \
	runtime/onnx/write_shapes.c \
	runtime/onnx/writer.c \
	runtime/onnx/writer.h
if HAVE_ONNX
runtime_libruntime_la_SOURCES += $(onnx_sources)
nodist_runtime_libruntime_la_SOURCES += runtime/onnx/onnx.pb-c.c
BUILT_SOURCES += runtime/onnx/onnx.pb-c.h
CLEANFILES += runtime/onnx/onnx.pb-c.c runtime/onnx/onnx.pb-c.h
runtime/onnx/onnx.pb-c.c: runtime/onnx/onnx.proto
	$(AM_V_GEN)mkdir -p $(@D) && $(PROTOC_C) --proto_path=$(top_srcdir)/runtime --c_out=$(builddir)/runtime $<
runtime/onnx/onnx.pb-c.h: runtime/onnx/onnx.pb-c.c
EXTRA_DIST += runtime/onnx/none.c
else
runtime_libruntime_la_SOURCES += runtime/onnx/none.c
EXTRA_DIST += $(onnx_sources)
endif
EXTRA_DIST += runtime/onnx/onnx.proto
