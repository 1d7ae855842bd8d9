# SPDX-License-Identifier: BSD-3-Clause
hsgdincludedir = $(includedir)/hsgd
hsgdinclude_HEADERS = \
	include/hsgd/calibration.h \
	include/hsgd/context.h \
	include/hsgd/data.h \
	include/hsgd/file.h \
	include/hsgd/hsgd.h \
	include/hsgd/images.h \
	include/hsgd/losses.h \
	include/hsgd/model.h \
	include/hsgd/onnx.h \
	include/hsgd/op.h \
	include/hsgd/ops.h \
	include/hsgd/plan.h \
	include/hsgd/sequences.h \
	include/hsgd/session.h \
	include/hsgd/trace.h \
	include/hsgd/train.h \
	include/hsgd/type.h \
	include/hsgd/version.h
