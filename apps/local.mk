# SPDX-License-Identifier: BSD-3-Clause
bin_PROGRAMS += hsgd
# One per line, sorted: branches that add files merge without conflict.
hsgd_SOURCES = \
	apps/hsgd/app.h \
	apps/hsgd/append.c \
	apps/hsgd/bar.c \
	apps/hsgd/bar.h \
	apps/hsgd/bench.c \
	apps/hsgd/checkpoint.c \
	apps/hsgd/checkpoint.h \
	apps/hsgd/command_line.c \
	apps/hsgd/commands.c \
	apps/hsgd/compare.c \
	apps/hsgd/compare.h \
	apps/hsgd/compare_csv.c \
	apps/hsgd/compare_group.c \
	apps/hsgd/compare_open.c \
	apps/hsgd/compare_print.c \
	apps/hsgd/compare_read.c \
	apps/hsgd/compare_run.c \
	apps/hsgd/completion.c \
	apps/hsgd/config_file.c \
	apps/hsgd/config_file.h \
	apps/hsgd/data.c \
	apps/hsgd/devices.c \
	apps/hsgd/draw/draw.h \
	apps/hsgd/eval.c \
	apps/hsgd/eval.h \
	apps/hsgd/history.c \
	apps/hsgd/history.h \
	apps/hsgd/history_draw.c \
	apps/hsgd/json.c \
	apps/hsgd/image_folder.c \
	apps/hsgd/image_folder.h \
	apps/hsgd/main.c \
	apps/hsgd/manual.c \
	apps/hsgd/message.c \
	apps/hsgd/message.h \
	apps/hsgd/models.c \
	apps/hsgd/options.c \
	apps/hsgd/options.h \
	apps/hsgd/options_help.c \
	apps/hsgd/own_data.c \
	apps/hsgd/own_data.h \
	apps/hsgd/plan.c \
	apps/hsgd/plan.h \
	apps/hsgd/plan_json.c \
	apps/hsgd/plan_report.c \
	apps/hsgd/plan_text.c \
	apps/hsgd/plot.c \
	apps/hsgd/predict.c \
	apps/hsgd/report.c \
	apps/hsgd/run.h \
	apps/hsgd/run_folder.c \
	apps/hsgd/score.c \
	apps/hsgd/selftest.c \
	apps/hsgd/selftest.h \
	apps/hsgd/selftest_table.c \
	apps/hsgd/selftest_train.c \
	apps/hsgd/session.c \
	apps/hsgd/signals.c \
	apps/hsgd/signals.h \
	apps/hsgd/summary.c \
	apps/hsgd/tensorboard.c \
	apps/hsgd/text.c \
	apps/hsgd/text.h \
	apps/hsgd/train.c \
	apps/hsgd/train.h \
	apps/hsgd/train_known.c \
	apps/hsgd/train_options.c \
	apps/hsgd/train_progress.c \
	apps/hsgd/train_report.c \
	apps/hsgd/usage.c
# Plots, and the stubs that replace them without Cairo.
draw_sources = \
	apps/hsgd/draw/axis.c \
	apps/hsgd/draw/axis.h \
	apps/hsgd/draw/canvas.c \
	apps/hsgd/draw/canvas.h \
	apps/hsgd/draw/canvas_cairo.h \
	apps/hsgd/draw/canvas_write.c \
	apps/hsgd/draw/compare_bars.c \
	apps/hsgd/draw/compare_draw.c \
	apps/hsgd/draw/compare_draw.h \
	apps/hsgd/draw/confusion.c \
	apps/hsgd/draw/curves.c \
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

# The demo trainers.
demos = apps/demos/cnn apps/demos/embedded apps/demos/mlp
noinst_PROGRAMS += $(demos)
apps_demos_cnn_SOURCES = apps/demos/cnn.c
apps_demos_cnn_CPPFLAGS = -I$(top_srcdir)/include
apps_demos_cnn_LDADD = libhsgd.la
apps_demos_embedded_SOURCES = apps/demos/embedded.c
apps_demos_embedded_CPPFLAGS = -I$(top_srcdir)/include $(STARPU_CFLAGS)
apps_demos_embedded_LDADD = libhsgd.la $(STARPU_LIBS)
apps_demos_mlp_SOURCES = apps/demos/mlp.c
apps_demos_mlp_CPPFLAGS = -I$(top_srcdir)/include
apps_demos_mlp_LDADD = libhsgd.la
