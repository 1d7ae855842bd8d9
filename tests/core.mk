# SPDX-License-Identifier: BSD-3-Clause
# Tests of the library as a whole: contexts, models, files, training, agreement.
core_tests =
core_tests += test_abi
core_tests += test_agreement
core_tests += test_augment
core_tests += test_async
core_tests += test_async_state
core_tests += test_batch_norm
core_tests += test_checkpoint
core_tests += test_checkpoint_files
core_tests += test_context
core_tests += test_cores
core_tests += test_cost
core_tests += test_deterministic
core_tests += test_digests
core_tests += test_divide
core_tests += test_drift
core_tests += test_ema
core_tests += test_environment
core_tests += test_fields
core_tests += test_fit
core_tests += test_fork
core_tests += test_guest
core_tests += test_image_cache
core_tests += test_images
core_tests += test_images_bad
core_tests += test_images_mixed
core_tests += test_label_smoothing
core_tests += test_locale
core_tests += test_model
core_tests += test_model_file
core_tests += test_model_graph
core_tests += test_null
core_tests += test_numpy
core_tests += test_ops_tree
core_tests += test_placement
core_tests += test_plan
if HAVE_CAIRO
core_tests += test_plots
endif
core_tests += test_session
core_tests += test_shared test_shared_files
core_tests += test_sizes
core_tests += test_slices
core_tests += test_sizes_bad
core_tests += test_readers
core_tests += test_readers_bad
core_tests += test_products
core_tests += test_record
core_tests += test_recurrent
core_tests += test_tables
core_tests += test_tokens
core_tests += test_npz_fields
core_tests += test_lengths
core_tests += test_targets
core_tests += test_arrays
core_tests += test_replay_memory
core_tests += test_room
core_tests += test_safetensors
core_tests += test_graph_gradients
core_tests += test_losses
core_tests += test_metrics
core_tests += test_lives
core_tests += test_store
core_tests += test_stream
core_tests += test_text
core_tests += test_tuning
core_tests += test_groups
core_tests += test_train
core_tests += test_type
core_tests += test_weights
core_tests += test_weights_nchw
if HAVE_ONNX
core_tests += test_onnx_models
endif
check_PROGRAMS += $(core_tests)
TESTS += $(core_tests)
core_ldadd = libhsgd.la -lm
core_cppflags = -I$(top_srcdir)/include

test_abi_SOURCES = tests/test_abi.c tests/core.c tests/core.h
test_abi_CPPFLAGS = $(core_cppflags)
test_abi_LDADD = $(core_ldadd)
test_agreement_SOURCES = tests/test_agreement.c tests/core.c tests/core.h
test_agreement_CPPFLAGS = $(core_cppflags)
test_agreement_LDADD = $(core_ldadd)
test_async_SOURCES = tests/test_async.c tests/core.c tests/core.h
test_async_CPPFLAGS = $(core_cppflags)
test_async_LDADD = $(core_ldadd)
checkpoint_sources = tests/checkpoint.c tests/checkpoint.h tests/core.c tests/core.h
test_async_state_SOURCES = tests/test_async_state.c $(checkpoint_sources)
test_async_state_CPPFLAGS = $(AM_CPPFLAGS) $(STARPU_CFLAGS) $(JANSSON_CFLAGS)
test_async_state_LDADD = runtime/libruntime.la -lm
test_checkpoint_SOURCES = tests/test_checkpoint.c $(checkpoint_sources)
test_checkpoint_CPPFLAGS = $(core_cppflags)
test_checkpoint_LDADD = $(core_ldadd)
test_checkpoint_files_SOURCES = tests/test_checkpoint_files.c $(checkpoint_sources)
test_checkpoint_files_CPPFLAGS = $(core_cppflags)
test_checkpoint_files_LDADD = $(core_ldadd)
test_ema_SOURCES = tests/test_ema.c $(checkpoint_sources)
test_ema_CPPFLAGS = $(core_cppflags)
test_ema_LDADD = $(core_ldadd)
test_augment_SOURCES = tests/test_augment.c tests/core.c tests/core.h
test_augment_CPPFLAGS = $(core_cppflags)
test_augment_LDADD = $(core_ldadd)
test_context_SOURCES = tests/test_context.c tests/core.c tests/core.h
test_context_CPPFLAGS = $(core_cppflags) $(STARPU_CFLAGS) $(OPENBLAS_CFLAGS)
test_context_LDADD = $(core_ldadd) $(STARPU_LIBS) $(OPENBLAS_LIBS)
test_cores_SOURCES = tests/test_cores.c tests/core.c tests/core.h
test_cores_CPPFLAGS = $(AM_CPPFLAGS)
test_cores_LDADD = runtime/libruntime.la
test_deterministic_SOURCES = tests/test_deterministic.c tests/core.c tests/core.h
test_deterministic_CPPFLAGS = $(core_cppflags)
test_deterministic_LDADD = $(core_ldadd)
# Those of the compiler's flags that change code are a part of what bits depend on.
code_flags = $(strip $(filter -O% -m% -f%,$(SAN_CFLAGS) $(CFLAGS)))
test_digests_SOURCES = tests/test_digests.c tests/machine.c tests/machine.h tests/core.c tests/core.h
test_digests_CPPFLAGS = $(AM_CPPFLAGS) $(OPENBLAS_CFLAGS) $(OPENCL_CFLAGS) -DCODE_FLAGS='"$(code_flags)"'
test_digests_LDADD = runtime/libruntime.la $(ONEDNN_LIBS) $(OPENBLAS_LIBS) $(OPENCL_LIBS)
# Rows of this machine for tests/digests.txt.
digests: test_digests
	@srcdir="$(srcdir)" ./test_digests rows | sed -n 's/^row //p'
.PHONY: digests
EXTRA_DIST += tests/digests.txt
test_cost_SOURCES = tests/test_cost.c tests/core.c tests/core.h
test_cost_CPPFLAGS = $(AM_CPPFLAGS) $(STARPU_CFLAGS)
test_cost_LDADD = runtime/libruntime.la $(STARPU_LIBS) -lm
test_divide_SOURCES = tests/test_divide.c tests/core.c tests/core.h
test_divide_CPPFLAGS = $(AM_CPPFLAGS)
test_divide_LDADD = runtime/libruntime.la
steps_sources = tests/steps.c tests/steps.h tests/core.c tests/core.h
test_placement_SOURCES = tests/test_placement.c $(steps_sources)
test_placement_CPPFLAGS = $(core_cppflags)
test_placement_LDADD = $(core_ldadd)
test_slices_SOURCES = tests/test_slices.c $(steps_sources)
test_slices_CPPFLAGS = $(core_cppflags)
test_slices_LDADD = $(core_ldadd)
test_drift_SOURCES = tests/test_drift.c $(steps_sources)
test_drift_CPPFLAGS = $(core_cppflags)
test_drift_LDADD = $(core_ldadd)
test_environment_SOURCES = tests/test_environment.c tests/core.c tests/core.h
test_environment_CPPFLAGS = $(core_cppflags) $(STARPU_CFLAGS)
test_environment_LDADD = $(core_ldadd)
test_fork_SOURCES = tests/test_fork.c tests/core.c tests/core.h
test_fork_CPPFLAGS = $(core_cppflags) $(STARPU_CFLAGS)
test_fork_LDADD = $(core_ldadd) $(STARPU_LIBS)
test_guest_SOURCES = tests/test_guest.c tests/core.c tests/core.h
test_guest_CPPFLAGS = $(core_cppflags) $(STARPU_CFLAGS) $(OPENBLAS_CFLAGS)
test_guest_CFLAGS = $(AM_CFLAGS) -fopenmp
test_guest_LDADD = $(core_ldadd) $(STARPU_LIBS) $(OPENBLAS_LIBS)
test_label_smoothing_SOURCES = tests/test_label_smoothing.c tests/core.c tests/core.h
test_label_smoothing_CPPFLAGS = $(core_cppflags)
test_label_smoothing_LDADD = $(core_ldadd)
test_model_SOURCES = tests/test_model.c tests/core.c tests/core.h
test_model_CPPFLAGS = $(core_cppflags)
test_model_LDADD = $(core_ldadd)
test_model_file_SOURCES = tests/test_model_file.c tests/core.c tests/core.h
test_model_file_CPPFLAGS = $(core_cppflags)
test_model_file_LDADD = $(core_ldadd)
test_model_graph_SOURCES = tests/test_model_graph.c tests/core.c tests/core.h
test_model_graph_CPPFLAGS = $(core_cppflags)
test_model_graph_LDADD = $(core_ldadd)
test_batch_norm_SOURCES = tests/test_batch_norm.c tests/core.c tests/core.h
test_batch_norm_CPPFLAGS = $(core_cppflags)
test_batch_norm_LDADD = $(core_ldadd)
test_ops_tree_SOURCES = tests/test_ops_tree.c tests/core.c tests/core.h
test_ops_tree_CPPFLAGS = $(core_cppflags) -Itests
tests/test_ops_tree-test_ops_tree.$(OBJEXT): tests/bend_kernels.h
tests/bend_kernels.h: $(srcdir)/tests/bend.cl $(srcdir)/codelets/device.h $(srcdir)/codelets/kernels.sh
	$(AM_V_GEN)$(MKDIR_P) tests && \
	  sh $(srcdir)/codelets/kernels.sh -d $(srcdir)/codelets/device.h $(srcdir)/tests/bend.cl > $@
CLEANFILES += tests/bend_kernels.h
EXTRA_DIST += tests/bend.cl
test_ops_tree_LDADD = $(core_ldadd)
test_plan_SOURCES = tests/test_plan.c tests/core.c tests/core.h
test_plan_CPPFLAGS = $(core_cppflags) $(JANSSON_CFLAGS)
test_plan_LDADD = $(core_ldadd) $(JANSSON_LIBS)
test_session_SOURCES = tests/test_session.c tests/core.c tests/core.h
test_session_CPPFLAGS = $(AM_CPPFLAGS) $(STARPU_CFLAGS)
test_session_LDADD = runtime/libruntime.la $(STARPU_LIBS) -lm
test_sizes_bad_SOURCES = tests/test_sizes_bad.c tests/core.c tests/core.h
test_sizes_bad_CPPFLAGS = $(core_cppflags)
test_sizes_bad_LDADD = $(core_ldadd)
test_lengths_SOURCES = tests/test_lengths.c tests/core.c tests/core.h
test_lengths_CPPFLAGS = $(AM_CPPFLAGS) $(STARPU_CFLAGS) $(JANSSON_CFLAGS)
test_lengths_LDADD = runtime/libruntime.la $(STARPU_LIBS) -lm
test_sizes_SOURCES = tests/test_sizes.c tests/core.c tests/core.h
test_sizes_CPPFLAGS = $(core_cppflags)
test_sizes_LDADD = $(core_ldadd)
test_products_SOURCES = tests/test_products.c tests/core.c tests/core.h
test_products_CPPFLAGS = $(AM_CPPFLAGS) $(OPENBLAS_CFLAGS) -D_GNU_SOURCE
test_products_LDADD = runtime/libruntime.la $(ONEDNN_LIBS) $(OPENBLAS_LIBS) -lm
test_record_SOURCES = tests/test_record.c tests/core.c tests/core.h
test_record_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
test_record_LDADD = runtime/libruntime.la -lm
test_recurrent_SOURCES = tests/test_recurrent.c tests/core.c tests/core.h
test_recurrent_CPPFLAGS = $(core_cppflags)
test_recurrent_LDADD = $(core_ldadd)
test_replay_memory_SOURCES = tests/test_replay_memory.c tests/core.c tests/core.h
test_replay_memory_CPPFLAGS = $(core_cppflags)
test_replay_memory_CFLAGS = $(AM_CFLAGS) -fno-builtin
test_replay_memory_LDADD = $(core_ldadd)
test_room_SOURCES = tests/test_room.c $(steps_sources)
test_room_CPPFLAGS = $(AM_CPPFLAGS) $(STARPU_CFLAGS) $(JANSSON_CFLAGS)
test_room_LDADD = runtime/libruntime.la $(STARPU_LIBS) -lm
test_text_SOURCES = tests/test_text.c tests/core.c tests/core.h
test_text_CPPFLAGS = $(core_cppflags)
test_text_LDADD = $(core_ldadd)
test_tuning_SOURCES = tests/test_tuning.c tests/core.c tests/core.h
test_tuning_CPPFLAGS = $(core_cppflags) -I$(top_srcdir)/apps/hsgd
test_tuning_LDADD = $(filter apps/hsgd/lib/%tuning_rank.$(OBJEXT) apps/hsgd/lib/%tuning_search.$(OBJEXT) apps/hsgd/lib/%measure.$(OBJEXT),$(hsgd_OBJECTS)) $(core_ldadd)
train_sources = tests/train.c tests/train.h tests/core.c tests/core.h
test_fit_SOURCES = tests/test_fit.c $(train_sources)
test_fit_CPPFLAGS = $(core_cppflags)
test_fit_LDADD = $(core_ldadd)
test_groups_SOURCES = tests/test_groups.c $(train_sources)
test_groups_CPPFLAGS = $(core_cppflags)
test_groups_LDADD = $(core_ldadd)
test_onnx_models_SOURCES = tests/test_onnx_models.c tests/core.c tests/core.h
test_onnx_models_CPPFLAGS = $(core_cppflags)
test_onnx_models_LDADD = $(core_ldadd)
test_shared_SOURCES = tests/test_shared.c $(train_sources)
test_shared_CPPFLAGS = $(AM_CPPFLAGS) $(STARPU_CFLAGS) $(JANSSON_CFLAGS)
test_shared_LDADD = runtime/libruntime.la $(STARPU_LIBS) -lm
test_shared_files_SOURCES = tests/test_shared_files.c $(train_sources)
test_shared_files_CPPFLAGS = $(test_shared_CPPFLAGS)
test_shared_files_LDADD = $(test_shared_LDADD)

test_train_SOURCES = tests/test_train.c $(train_sources)
test_train_CPPFLAGS = $(core_cppflags)
test_train_LDADD = $(core_ldadd)
test_metrics_SOURCES = tests/test_metrics.c tests/core.c tests/core.h
test_metrics_CPPFLAGS = $(core_cppflags)
test_metrics_LDADD = $(core_ldadd)
test_fields_SOURCES = tests/test_fields.c tests/core.c tests/core.h
test_fields_CPPFLAGS = $(core_cppflags)
test_fields_LDADD = $(core_ldadd)
test_type_SOURCES = tests/test_type.c tests/core.c tests/core.h
test_type_CPPFLAGS = $(core_cppflags)
test_type_LDADD = $(core_ldadd)
test_safetensors_SOURCES = tests/test_safetensors.c tests/core.c tests/core.h
test_safetensors_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
test_safetensors_LDADD = runtime/libruntime.la
test_weights_SOURCES = tests/test_weights.c tests/core.c tests/core.h
test_weights_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
test_weights_LDADD = runtime/libruntime.la
pictures_sources = tests/pictures.c tests/pictures.h tests/core.c tests/core.h
pictures_cppflags = $(core_cppflags) $(ARCHIVE_CFLAGS) $(PNG_CFLAGS) $(TURBOJPEG_CFLAGS) $(ZLIB_CFLAGS)
pictures_ldadd = $(core_ldadd) $(ARCHIVE_LIBS) $(PNG_LIBS) $(TURBOJPEG_LIBS) $(ZLIB_LIBS)
test_images_SOURCES = tests/test_images.c $(pictures_sources)
test_images_CPPFLAGS = $(pictures_cppflags)
test_images_LDADD = $(pictures_ldadd)
test_images_bad_SOURCES = tests/test_images_bad.c $(pictures_sources)
test_images_bad_CPPFLAGS = $(pictures_cppflags)
test_images_bad_LDADD = $(pictures_ldadd)
test_images_mixed_SOURCES = tests/test_images_mixed.c $(pictures_sources)
test_images_mixed_CPPFLAGS = $(pictures_cppflags)
test_images_mixed_LDADD = $(pictures_ldadd)
test_image_cache_SOURCES = tests/test_image_cache.c $(pictures_sources)
test_image_cache_CPPFLAGS = $(pictures_cppflags)
test_image_cache_LDADD = $(pictures_ldadd)
test_weights_nchw_SOURCES = tests/test_weights_nchw.c tests/core.c tests/core.h
test_weights_nchw_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
test_weights_nchw_LDADD = runtime/libruntime.la
files_sources = tests/files.c tests/files.h $(pictures_sources)
files_cppflags = $(pictures_cppflags) $(LZMA_CFLAGS)
files_ldadd = $(pictures_ldadd) $(LZMA_LIBS)
test_null_SOURCES = tests/test_null.c tests/core.c tests/core.h
test_null_CPPFLAGS = $(core_cppflags)
test_null_LDADD = $(core_ldadd)
test_numpy_SOURCES = tests/test_numpy.c $(files_sources)
test_numpy_CPPFLAGS = $(files_cppflags)
test_numpy_LDADD = $(files_ldadd)
comma_sources = tests/comma.c tests/comma.h $(files_sources)
test_locale_SOURCES = tests/test_locale.c $(comma_sources)
test_locale_CPPFLAGS = $(files_cppflags)
test_locale_LDADD = $(files_ldadd)
test_readers_SOURCES = tests/test_readers.c $(comma_sources)
test_readers_CPPFLAGS = $(files_cppflags)
test_readers_LDADD = $(files_ldadd)
test_readers_bad_SOURCES = tests/test_readers_bad.c $(files_sources)
test_readers_bad_CPPFLAGS = $(files_cppflags)
test_readers_bad_LDADD = $(files_ldadd)
test_targets_SOURCES = tests/test_targets.c $(files_sources)
test_targets_CPPFLAGS = $(files_cppflags)
test_targets_LDADD = $(files_ldadd)
test_npz_fields_SOURCES = tests/test_npz_fields.c $(files_sources)
test_npz_fields_CPPFLAGS = $(files_cppflags)
test_npz_fields_LDADD = $(files_ldadd)
test_tokens_SOURCES = tests/test_tokens.c $(files_sources)
test_tokens_CPPFLAGS = $(files_cppflags)
test_tokens_LDADD = $(files_ldadd)
test_tables_SOURCES = tests/test_tables.c $(files_sources)
test_tables_CPPFLAGS = $(files_cppflags)
test_tables_LDADD = $(files_ldadd)
test_arrays_SOURCES = tests/test_arrays.c $(files_sources)
test_arrays_CPPFLAGS = $(files_cppflags)
test_arrays_LDADD = $(files_ldadd)
test_lives_SOURCES = tests/test_lives.c tests/core.c tests/core.h tests/gradient.c tests/gradient.h
test_lives_CPPFLAGS = $(AM_CPPFLAGS) $(STARPU_CFLAGS)
test_lives_LDADD = runtime/libruntime.la $(STARPU_LIBS) -lm
test_losses_SOURCES = tests/test_losses.c tests/core.c tests/core.h tests/gradient.c tests/gradient.h
test_losses_CPPFLAGS = $(AM_CPPFLAGS) $(STARPU_CFLAGS)
test_losses_LDADD = runtime/libruntime.la $(STARPU_LIBS) -lm

test_graph_gradients_SOURCES = tests/test_graph_gradients.c tests/graph_tape.c tests/graph_tape.h tests/core.c tests/core.h \
	tests/gradient.c tests/gradient.h
test_graph_gradients_CPPFLAGS = $(AM_CPPFLAGS) $(STARPU_CFLAGS)
test_graph_gradients_LDADD = runtime/libruntime.la $(STARPU_LIBS) -lm
check_PROGRAMS += test_session_gradient
TESTS += test_session_gradient
test_session_gradient_SOURCES = tests/test_session_gradient.c tests/core.c tests/core.h
test_session_gradient_CPPFLAGS = $(AM_CPPFLAGS) $(STARPU_CFLAGS)
test_session_gradient_LDADD = libhsgd.la $(STARPU_LIBS) -lm

check_PROGRAMS += test_session_cache
TESTS += test_session_cache
test_session_cache_SOURCES = tests/test_session_cache.c tests/core.c tests/core.h
test_session_cache_CPPFLAGS = $(AM_CPPFLAGS) $(STARPU_CFLAGS)
test_session_cache_LDADD = runtime/libruntime.la $(STARPU_LIBS) -lm

test_store_SOURCES = tests/test_store.c tests/core.c tests/core.h tests/gradient.c tests/gradient.h
test_store_CPPFLAGS = $(AM_CPPFLAGS) $(STARPU_CFLAGS)
test_store_LDADD = runtime/libruntime.la $(STARPU_LIBS) -lm
test_stream_SOURCES = tests/test_stream.c $(files_sources)
test_stream_CPPFLAGS = $(files_cppflags) -I$(top_srcdir)/runtime
test_stream_LDADD = runtime/libruntime.la -lm
# Drawing without writing files.
test_plots_SOURCES = tests/test_plots.c tests/core.c tests/core.h
test_plots_CPPFLAGS = $(hsgd_CPPFLAGS) -I$(top_srcdir)/tests
test_plots_LDADD = $(filter apps/hsgd/draw/% apps/hsgd/lib/%,$(hsgd_OBJECTS)) $(hsgd_LDADD)
test_plots_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=drawing_write

# Injected faults: the test $(TEST) with the file $(CHANGED) of runtime/plan/ as it is in the folder $(VARIANT).
EXTRA_DIST += tests/plan_faults.sh
test-plan-variant:
	$(CC) $(DEFS) $(DEFAULT_INCLUDES) -Icodelets -I$(top_srcdir)/include -I$(top_srcdir)/runtime \
	  -I$(top_srcdir)/runtime/plan -I$(top_srcdir)/codelets $(STARPU_CFLAGS) $(CPPFLAGS) $(AM_CFLAGS) $(CFLAGS) -w -O0 \
	  -c $(VARIANT)/$(CHANGED) -o $(VARIANT)/changed.o
	$(LIBTOOL) --silent --tag=CC --mode=link $(CC) $(AM_CFLAGS) $(CFLAGS) $(AM_LDFLAGS) $(LDFLAGS) \
	  -o $(VARIANT)/$(TEST) $(VARIANT)/changed.o $($(TEST)_OBJECTS) $($(TEST)_LDADD)
check-plan-faults: test_graph_gradients test_lives
	MAKE="$(MAKE)" srcdir="$(srcdir)" sh $(srcdir)/tests/plan_faults.sh
.PHONY: test-plan-variant check-plan-faults
