# All of the library, also for tests of what it does not export.
noinst_LTLIBRARIES += runtime/libruntime.la
# One a line, in order: branches that add files merge without conflict.
runtime_libruntime_la_SOURCES = \
	runtime/attribute.c \
	runtime/attribute.h \
	runtime/buffer.c \
	runtime/context.c \
	runtime/core.h \
	runtime/cost.c \
	runtime/cost.h \
	runtime/cuda_device.c \
	runtime/cuda_device.h \
	runtime/data/album.c \
	runtime/data/album.h \
	runtime/data/augment.c \
	runtime/data/augment.h \
	runtime/data/cache.c \
	runtime/data/cache.h \
	runtime/data/cifar.c \
	runtime/data/csv.c \
	runtime/data/dataset.c \
	runtime/data/dataset.h \
	runtime/data/decode.c \
	runtime/data/digits.c \
	runtime/data/folder.c \
	runtime/data/format.c \
	runtime/data/format.h \
	runtime/data/gather.c \
	runtime/data/glyphs.h \
	runtime/data/idx.c \
	runtime/data/images.c \
	runtime/data/input.c \
	runtime/data/labels.c \
	runtime/data/labels.h \
	runtime/data/layout.c \
	runtime/data/libsvm.c \
	runtime/data/npy.c \
	runtime/data/npy.h \
	runtime/data/npz.c \
	runtime/data/numpy.c \
	runtime/data/numpy.h \
	runtime/data/picture.c \
	runtime/data/picture.h \
	runtime/data/png.c \
	runtime/data/resample.c \
	runtime/data/resample.h \
	runtime/data/readers.h \
	runtime/data/tar.c \
	runtime/data/text.c \
	runtime/data/text.h \
	runtime/devices.c \
	runtime/devices.h \
	runtime/emit.c \
	runtime/emit_slice.c \
	runtime/emit_slice.h \
	runtime/error.c \
	runtime/error.h \
	runtime/exec_cpu.c \
	runtime/exec_cuda.c \
	runtime/exec_opencl.c \
	runtime/exec_opencl.h \
	runtime/io/atomic.c \
	runtime/io/atomic.h \
	runtime/io/file.c \
	runtime/io/file.h \
	runtime/io/safetensors.c \
	runtime/io/safetensors.h \
	runtime/io/safetensors_check.c \
	runtime/io/safetensors_type.c \
	runtime/io/safetensors_type.h \
	runtime/io/safetensors_write.c \
	runtime/io/stream.c \
	runtime/io/stream.h \
	runtime/io/yaml.c \
	runtime/io/yaml.h \
	runtime/model.c \
	runtime/model.h \
	runtime/model_build.c \
	runtime/model_file.c \
	runtime/model_file.h \
	runtime/model_text.c \
	runtime/op_run.c \
	runtime/opencl_device.c \
	runtime/opencl_device.h \
	runtime/plan.c \
	runtime/plan.h \
	runtime/plan_build.c \
	runtime/plan_build.h \
	runtime/plan_grid.c \
	runtime/plan_step.c \
	runtime/rng.h \
	runtime/run.c \
	runtime/run.h \
	runtime/sha256.c \
	runtime/sha256.h \
	runtime/task.c \
	runtime/task.h \
	runtime/tensor.c \
	runtime/trace.c \
	runtime/trace.h \
	runtime/train/checkpoint.c \
	runtime/train/checkpoint.h \
	runtime/train/checkpoint_info.c \
	runtime/train/fit.c \
	runtime/train/optimizer.c \
	runtime/train/pass.c \
	runtime/train/pass.h \
	runtime/train/plan_info.c \
	runtime/train/predict.c \
	runtime/train/publish.c \
	runtime/train/publish.h \
	runtime/train/schedule.c \
	runtime/train/schedule.h \
	runtime/train/slices.c \
	runtime/train/slices.h \
	runtime/train/snapshot.c \
	runtime/train/snapshot.h \
	runtime/train/state.c \
	runtime/train/state.h \
	runtime/train/state_file.c \
	runtime/train/state_file.h \
	runtime/train/trainer.c \
	runtime/train/trainer.h \
	runtime/weights.c \
	runtime/weights.h \
	runtime/zoo.c \
	runtime/zoo.h
DATA_CFLAGS = $(ZLIB_CFLAGS) $(LZMA_CFLAGS) $(ARCHIVE_CFLAGS) $(YAML_CFLAGS) $(PNG_CFLAGS) $(TURBOJPEG_CFLAGS) $(JANSSON_CFLAGS)
DATA_LIBS = $(ZLIB_LIBS) $(LZMA_LIBS) $(ARCHIVE_LIBS) $(YAML_LIBS) $(PNG_LIBS) $(TURBOJPEG_LIBS) $(JANSSON_LIBS)
runtime_libruntime_la_CPPFLAGS = $(AM_CPPFLAGS) $(STARPU_CFLAGS) $(HWLOC_CFLAGS) $(OPENCL_CFLAGS) $(CUDA_CFLAGS) $(DATA_CFLAGS)
runtime_libruntime_la_CFLAGS = $(AM_CFLAGS)
runtime_libruntime_la_LIBADD = codelets/libcodelets.la $(STARPU_LIBS) $(HWLOC_LIBS) $(OPENCL_LIBS) $(CUDA_LIBS) $(OPENBLAS_LIBS) \
	$(ONEDNN_LIBS) $(DATA_LIBS) -lm -lpthread
libhsgd_la_SOURCES =
libhsgd_la_LIBADD = runtime/libruntime.la
libhsgd_la_LDFLAGS = $(AM_LDFLAGS) -version-info 0:0:0 -no-undefined
