bin_PROGRAMS += hsgd
hsgd_SOURCES = \
	apps/hsgd/app.h apps/hsgd/bar.c apps/hsgd/bar.h apps/hsgd/bench.c apps/hsgd/config_file.c \
	apps/hsgd/config_file.h apps/hsgd/data.c apps/hsgd/devices.c apps/hsgd/main.c apps/hsgd/models.c \
	apps/hsgd/options.c apps/hsgd/options.h apps/hsgd/plan.c apps/hsgd/plan.h apps/hsgd/plan_json.c apps/hsgd/plan_report.c \
	apps/hsgd/plan_svg.c apps/hsgd/plan_text.c apps/hsgd/report.c apps/hsgd/run.h \
	apps/hsgd/run_folder.c apps/hsgd/session.c apps/hsgd/signals.c apps/hsgd/signals.h apps/hsgd/tensorboard.c \
	apps/hsgd/train.c apps/hsgd/train.h apps/hsgd/train_options.c apps/hsgd/train_progress.c \
	apps/hsgd/train_report.c
hsgd_CPPFLAGS = -I$(top_srcdir) -I$(top_srcdir)/include $(JANSSON_CFLAGS) $(YAML_CFLAGS)
hsgd_LDADD = bench/libfloor.la libhsgd.la $(JANSSON_LIBS) $(YAML_LIBS) -lm
