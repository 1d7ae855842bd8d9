bin_PROGRAMS += hsgd
hsgd_SOURCES = \
	apps/hsgd/app.h apps/hsgd/bench.c apps/hsgd/data.c apps/hsgd/devices.c apps/hsgd/main.c apps/hsgd/models.c \
	apps/hsgd/options.c apps/hsgd/plan.c apps/hsgd/plan.h apps/hsgd/plan_json.c apps/hsgd/plan_report.c \
	apps/hsgd/plan_svg.c apps/hsgd/plan_text.c apps/hsgd/report.c apps/hsgd/session.c apps/hsgd/train.c
hsgd_CPPFLAGS = -I$(top_srcdir) -I$(top_srcdir)/include $(JANSSON_CFLAGS)
hsgd_LDADD = bench/libfloor.la libhsgd.la $(JANSSON_LIBS) -lm
