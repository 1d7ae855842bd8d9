# SPDX-License-Identifier: BSD-3-Clause
# Fuzz targets.  To add one: tests/fuzz/NAME.c, NAME here, the sources it
# tests in fuzz_sources, and seeds in tests/fuzz/seeds/NAME/.  Other code that
# they need comes from the library, without sanitizers.
FUZZ_TARGETS = cifar csv idx image_cache input jpeg libsvm model_file npy npz png record safetensors stream tar \
	text_pairs tokens
if HAVE_ONNX
FUZZ_TARGETS += onnx
else
EXTRA_DIST += tests/fuzz/onnx.c
endif
fuzz_sources = \
	runtime/base/attribute.c \
	runtime/data/cache.c \
	runtime/data/cifar.c \
	runtime/data/class_names.c \
	runtime/data/csv.c \
	runtime/data/csv_header.c \
	runtime/data/csv_record.c \
	runtime/data/csv_table.c \
	runtime/data/dataset.c \
	runtime/data/decode.c \
	runtime/data/field.c \
	runtime/data/gather.c \
	runtime/data/idx.c \
	runtime/data/image.c \
	runtime/data/image_set.c \
	runtime/data/input.c \
	runtime/data/labels.c \
	runtime/data/layout.c \
	runtime/data/lengths.c \
	runtime/data/libsvm.c \
	runtime/data/npy.c \
	runtime/data/npy_files.c \
	runtime/data/npz.c \
	runtime/data/npz_fields.c \
	runtime/data/numpy.c \
	runtime/data/origin.c \
	runtime/data/passed.c \
	runtime/data/record.c \
	runtime/data/record_check.c \
	runtime/data/record_file.c \
	runtime/data/record_fit.c \
	runtime/data/record_table.c \
	runtime/data/record_text.c \
	runtime/data/record_tokens.c \
	runtime/data/record_unit.c \
	runtime/data/resample.c \
	runtime/data/statistics.c \
	runtime/data/table.c \
	runtime/data/tar.c \
	runtime/data/text.c \
	runtime/data/text_pairs.c \
	runtime/data/text_pairs_file.c \
	runtime/data/tokens.c \
	runtime/data/vocabulary.c \
	runtime/base/error.c \
	runtime/io/file.c \
	runtime/io/json.c \
	runtime/io/safetensors.c \
	runtime/io/safetensors_check.c \
	runtime/io/safetensors_type.c \
	runtime/io/stream.c \
	runtime/io/text.c \
	runtime/io/yaml.c \
	runtime/onnx/arith.c \
	runtime/onnx/broadcast.c \
	runtime/onnx/fold.c \
	runtime/onnx/fold_shape.c \
	runtime/onnx/model.c \
	runtime/onnx/outputs.c \
	runtime/onnx/parse.c \
	runtime/onnx/place.c \
	runtime/onnx/reader.c \
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
	runtime/onnx/step.c \
	runtime/onnx/tensor.c \
	runtime/model/graph.c \
	runtime/model/graph_build.c \
	runtime/model/lower.c \
	runtime/model/model.c \
	runtime/model/model_build.c \
	runtime/model/model_expand.c \
	runtime/model/model_file.c \
	runtime/model/model_layer.c \
	runtime/model/model_names.c \
	runtime/model/model_text.c

# make fuzz [FUZZ_RUNS=N] [FUZZ_TARGET=NAME]: with clang's libFuzzer.
FUZZ_CC = clang
FUZZ_TARGET = $(FUZZ_TARGETS)
fuzz_cppflags = $(DEFS) -I. -I$(top_srcdir)/tests/fuzz $(runtime_libruntime_la_CPPFLAGS) $(CPPFLAGS)
fuzz_flags = -std=gnu11 -Wall -Wextra -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all
fuzz_objects = $(patsubst %.c,tests/fuzz/objects/%.o,tests/fuzz/fuzz.c tests/fuzz/fuzz_data.c $(fuzz_sources))
tests/fuzz/objects/%.o: %.c
	$(AM_V_CC)mkdir -p $(@D) && $(FUZZ_CC) $(fuzz_cppflags) $(fuzz_flags) -fsanitize=fuzzer-no-link -MMD -MP -c $< -o $@
tests/fuzz/%.fuzzer: tests/fuzz/objects/tests/fuzz/%.o $(fuzz_objects) runtime/libruntime.la
	$(AM_V_CCLD)$(LIBTOOL) --silent --tag=CC --mode=link $(FUZZ_CC) $(fuzz_flags) -fsanitize=fuzzer $^ -o $@
fuzz: $(FUZZ_TARGET:%=tests/fuzz/%.fuzzer)
	for name in $(FUZZ_TARGET); do \
	  srcdir="$(srcdir)" FUZZ_RUNS="$(FUZZ_RUNS)" sh $(srcdir)/tests/fuzz/run.sh $$name || exit 1; done
.PHONY: fuzz
.SECONDARY:
-include $(wildcard $(fuzz_objects:.o=.d) $(FUZZ_TARGETS:%=tests/fuzz/objects/tests/fuzz/%.d))

# make check: the targets over their seeds, with the ordinary compiler.
fuzz_replays = $(FUZZ_TARGETS:%=tests/fuzz/%.replay)
check_DATA += $(fuzz_replays)
tests/fuzz/%.replay.o: tests/fuzz/%.c tests/fuzz/fuzz.h tests/fuzz/fuzz_data.h
	$(AM_V_CC)mkdir -p $(@D) && $(CC) $(fuzz_cppflags) $(AM_CFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@
-include $(wildcard tests/fuzz/*.replay.d)
fuzz_shared = tests/fuzz/fuzz.replay.o tests/fuzz/fuzz_data.replay.o tests/fuzz/replay.replay.o
tests/fuzz/%.replay: tests/fuzz/%.replay.o $(fuzz_shared) runtime/libruntime.la
	$(AM_V_CCLD)$(LIBTOOL) --silent --tag=CC --mode=link $(CC) $(AM_CFLAGS) $(CFLAGS) $(AM_LDFLAGS) $(LDFLAGS) -o $@ $^
TESTS += tests/fuzz/seeds.sh
EXTRA_DIST += $(FUZZ_TARGETS:%=tests/fuzz/%.c) tests/fuzz/fuzz.c tests/fuzz/fuzz.h tests/fuzz/fuzz_data.c \
	tests/fuzz/fuzz_data.h tests/fuzz/image.h tests/fuzz/replay.c tests/fuzz/run.sh tests/fuzz/seeds tests/fuzz/seeds.sh

clean-local: clean-fuzz
clean-fuzz:
	rm -rf tests/fuzz/objects tests/fuzz/*.fuzzer tests/fuzz/*.replay tests/fuzz/*.replay.o tests/fuzz/*.replay.d
.PHONY: clean-fuzz
