# SPDX-License-Identifier: BSD-3-Clause
bin_PROGRAMS += hsgd
# One per line, sorted: branches that add files merge without conflict.
hsgd_SOURCES = \
	apps/hsgd/commands/bench.c \
	apps/hsgd/commands/bench.h \
	apps/hsgd/commands/bench_data.c \
	apps/hsgd/commands/calibrate.c \
	apps/hsgd/commands/commands.c \
	apps/hsgd/commands/commands.h \
	apps/hsgd/commands/compare.c \
	apps/hsgd/commands/compare.h \
	apps/hsgd/commands/compare_csv.c \
	apps/hsgd/commands/compare_open.c \
	apps/hsgd/commands/compare_print.c \
	apps/hsgd/commands/completion.c \
	apps/hsgd/commands/convert.c \
	apps/hsgd/commands/data.c \
	apps/hsgd/commands/data_targets.c \
	apps/hsgd/commands/data_targets.h \
	apps/hsgd/commands/devices.c \
	apps/hsgd/commands/eval.c \
	apps/hsgd/commands/eval_targets.c \
	apps/hsgd/commands/eval_targets.h \
	apps/hsgd/commands/explain.c \
	apps/hsgd/commands/explain.h \
	apps/hsgd/commands/explain_items.c \
	apps/hsgd/commands/explain_report.c \
	apps/hsgd/commands/generate.c \
	apps/hsgd/commands/generate.h \
	apps/hsgd/commands/generate_translation.c \
	apps/hsgd/commands/help.c \
	apps/hsgd/commands/manual.c \
	apps/hsgd/commands/models.c \
	apps/hsgd/commands/onnx_test.c \
	apps/hsgd/commands/plan.c \
	apps/hsgd/commands/plan.h \
	apps/hsgd/commands/plan_text.c \
	apps/hsgd/commands/plot.c \
	apps/hsgd/commands/plot.h \
	apps/hsgd/commands/predict.c \
	apps/hsgd/commands/predict_boxes.c \
	apps/hsgd/commands/predict_boxes.h \
	apps/hsgd/commands/selftest.c \
	apps/hsgd/commands/selftest.h \
	apps/hsgd/commands/selftest_table.c \
	apps/hsgd/commands/selftest_train.c \
	apps/hsgd/commands/summary.c \
	apps/hsgd/commands/train.c \
	apps/hsgd/commands/train.h \
	apps/hsgd/commands/train_groups.c \
	apps/hsgd/commands/train_known.c \
	apps/hsgd/commands/train_options.c \
	apps/hsgd/commands/train_progress.c \
	apps/hsgd/commands/train_report.c \
	apps/hsgd/commands/tune.c \
	apps/hsgd/commands/tune.h \
	apps/hsgd/commands/tune_files.c \
	apps/hsgd/commands/tune_report.c \
	apps/hsgd/commands/tune_trial.c \
	apps/hsgd/draw/draw.h \
	apps/hsgd/lib/append.c \
	apps/hsgd/lib/append.h \
	apps/hsgd/lib/attribution.c \
	apps/hsgd/lib/attribution.h \
	apps/hsgd/lib/bar.c \
	apps/hsgd/lib/bar.h \
	apps/hsgd/lib/checkpoint.c \
	apps/hsgd/lib/checkpoint.h \
	apps/hsgd/lib/child.c \
	apps/hsgd/lib/child.h \
	apps/hsgd/lib/command_line.c \
	apps/hsgd/lib/command_line.h \
	apps/hsgd/lib/compare_group.c \
	apps/hsgd/lib/compare_read.c \
	apps/hsgd/lib/comparison.h \
	apps/hsgd/lib/config_file.c \
	apps/hsgd/lib/config_file.h \
	apps/hsgd/lib/evaluation.c \
	apps/hsgd/lib/evaluation.h \
	apps/hsgd/lib/explainer.c \
	apps/hsgd/lib/explainer.h \
	apps/hsgd/lib/explainer_run.c \
	apps/hsgd/lib/folders.c \
	apps/hsgd/lib/folders.h \
	apps/hsgd/lib/history.c \
	apps/hsgd/lib/history.h \
	apps/hsgd/lib/image_folder.c \
	apps/hsgd/lib/image_folder.h \
	apps/hsgd/lib/inputs.c \
	apps/hsgd/lib/inputs.h \
	apps/hsgd/lib/json.c \
	apps/hsgd/lib/json.h \
	apps/hsgd/lib/measure.c \
	apps/hsgd/lib/measure.h \
	apps/hsgd/lib/message.c \
	apps/hsgd/lib/message.h \
	apps/hsgd/lib/options.c \
	apps/hsgd/lib/options.h \
	apps/hsgd/lib/options_table.c \
	apps/hsgd/lib/own_data.c \
	apps/hsgd/lib/own_data.h \
	apps/hsgd/lib/plan_json.c \
	apps/hsgd/lib/plan_report.c \
	apps/hsgd/lib/plan_report.h \
	apps/hsgd/lib/regression.c \
	apps/hsgd/lib/regression.h \
	apps/hsgd/lib/report.c \
	apps/hsgd/lib/report.h \
	apps/hsgd/lib/run_folder.c \
	apps/hsgd/lib/run_folder.h \
	apps/hsgd/lib/session.c \
	apps/hsgd/lib/session.h \
	apps/hsgd/lib/settings.c \
	apps/hsgd/lib/settings.h \
	apps/hsgd/lib/signals.c \
	apps/hsgd/lib/signals.h \
	apps/hsgd/lib/sizes.c \
	apps/hsgd/lib/sizes.h \
	apps/hsgd/lib/tensorboard.c \
	apps/hsgd/lib/tensorboard.h \
	apps/hsgd/lib/text.c \
	apps/hsgd/lib/text.h \
	apps/hsgd/lib/translation.c \
	apps/hsgd/lib/translation.h \
	apps/hsgd/lib/tuning.h \
	apps/hsgd/lib/tuning_rank.c \
	apps/hsgd/lib/tuning_search.c \
	apps/hsgd/lib/tuning_space.c \
	apps/hsgd/lib/tuning_space.h \
	apps/hsgd/lib/usage.c \
	apps/hsgd/lib/usage.h \
	apps/hsgd/main.c
# Plots, and the stubs that replace them without Cairo.
draw_sources = \
	apps/hsgd/draw/axis.c \
	apps/hsgd/draw/axis.h \
	apps/hsgd/draw/boxes.c \
	apps/hsgd/draw/canvas.c \
	apps/hsgd/draw/canvas.h \
	apps/hsgd/draw/canvas_cairo.h \
	apps/hsgd/draw/canvas_write.c \
	apps/hsgd/draw/compare_bars.c \
	apps/hsgd/draw/compare_draw.c \
	apps/hsgd/draw/compare_draw.h \
	apps/hsgd/draw/confusion.c \
	apps/hsgd/draw/curves.c \
	apps/hsgd/draw/explained.c \
	apps/hsgd/draw/plan_draw.c \
	apps/hsgd/draw/plot.c \
	apps/hsgd/draw/plot.h \
	apps/hsgd/draw/sheet.c
if HAVE_CAIRO
hsgd_SOURCES += $(draw_sources)
# The same program without plots: for the bundle, and to test its messages.
noinst_PROGRAMS += hsgd-without-plots
hsgd_without_plots_SOURCES = apps/hsgd/draw/none.c
hsgd_without_plots_CPPFLAGS = $(hsgd_CPPFLAGS)
hsgd_without_plots_LDADD = $(filter-out apps/hsgd/draw/%,$(hsgd_OBJECTS)) $(hsgd_libraries)
else
hsgd_SOURCES += apps/hsgd/draw/none.c
EXTRA_DIST += $(draw_sources)
endif
hsgd_CPPFLAGS = -I$(top_srcdir) -I$(top_srcdir)/include -I$(top_srcdir)/apps/hsgd $(JANSSON_CFLAGS) $(YAML_CFLAGS) $(CAIRO_CFLAGS)
hsgd_libraries = bench/libfloor.la reference/libreference.la libhsgd.la $(JANSSON_LIBS) $(YAML_LIBS) -lm
hsgd_LDADD = $(hsgd_libraries) $(CAIRO_LIBS)

# The demo trainers; one per line, as above.
demos = \
	apps/demos/char_gpt \
	apps/demos/char_lstm \
	apps/demos/cnn \
	apps/demos/detector \
	apps/demos/embedded \
	apps/demos/mlp \
	apps/demos/mobile \
	apps/demos/resnet \
	apps/demos/seq_rnn \
	apps/demos/tabular \
	apps/demos/translate
noinst_PROGRAMS += $(demos)
apps_demos_char_gpt_SOURCES = apps/demos/char_gpt.c
apps_demos_char_gpt_CPPFLAGS = -I$(top_srcdir)/include
apps_demos_char_gpt_LDADD = libhsgd.la
apps_demos_char_lstm_SOURCES = apps/demos/char_lstm.c
apps_demos_char_lstm_CPPFLAGS = -I$(top_srcdir)/include
apps_demos_char_lstm_LDADD = libhsgd.la
apps_demos_cnn_SOURCES = apps/demos/cnn.c
apps_demos_cnn_CPPFLAGS = -I$(top_srcdir)/include
apps_demos_cnn_LDADD = libhsgd.la
apps_demos_detector_SOURCES = apps/demos/detector.c
apps_demos_detector_CPPFLAGS = -I$(top_srcdir)/include
apps_demos_detector_LDADD = libhsgd.la
apps_demos_embedded_SOURCES = apps/demos/embedded.c
apps_demos_embedded_CPPFLAGS = -I$(top_srcdir)/include $(STARPU_CFLAGS)
apps_demos_embedded_LDADD = libhsgd.la $(STARPU_LIBS)
apps_demos_mlp_SOURCES = apps/demos/mlp.c
apps_demos_mlp_CPPFLAGS = -I$(top_srcdir)/include
apps_demos_mlp_LDADD = libhsgd.la
apps_demos_mobile_SOURCES = apps/demos/mobile.c
apps_demos_mobile_CPPFLAGS = -I$(top_srcdir)/include
apps_demos_mobile_LDADD = libhsgd.la
apps_demos_resnet_SOURCES = apps/demos/resnet.c
apps_demos_resnet_CPPFLAGS = -I$(top_srcdir)/include
apps_demos_resnet_LDADD = libhsgd.la
apps_demos_seq_rnn_SOURCES = apps/demos/seq_rnn.c
apps_demos_seq_rnn_CPPFLAGS = -I$(top_srcdir)/include
apps_demos_seq_rnn_LDADD = libhsgd.la
apps_demos_tabular_SOURCES = apps/demos/tabular.c
apps_demos_tabular_CPPFLAGS = -I$(top_srcdir)/include
apps_demos_tabular_LDADD = libhsgd.la
apps_demos_translate_SOURCES = apps/demos/translate.c
apps_demos_translate_CPPFLAGS = -I$(top_srcdir)/include
apps_demos_translate_LDADD = libhsgd.la
