# SPDX-License-Identifier: BSD-3-Clause
# The references in double precision that tests and `hsgd selftest` share: one for each word of OPS, and those of
# kernels that belong to no operation of a model.
REFERENCES = $(OPS) clip_factor ema optimizer
reference_files = $(addprefix $(srcdir)/reference/,$(addsuffix .c,$(REFERENCES)))
BUILT_SOURCES += reference/reference_list.h
CLEANFILES += reference/reference_list.h
reference/reference_list.h: $(reference_files) codelets/generate.sh codelets/local.mk reference/local.mk
	$(AM_V_GEN)$(MKDIR_P) reference && sh $(srcdir)/codelets/generate.sh references $(reference_files) > $@

reference_OBJECTS = $(addprefix reference/,$(addsuffix .lo,$(REFERENCES)))
$(reference_OBJECTS): reference/$(am__dirstamp) reference/$(DEPDIR)/$(am__dirstamp)
-include $(addprefix reference/$(DEPDIR)/,$(addsuffix .Plo,$(REFERENCES)))
EXTRA_DIST += $(addprefix reference/,$(addsuffix .c,$(REFERENCES)))

noinst_LTLIBRARIES += reference/libreference.la
reference_libreference_la_SOURCES = \
	reference/check.c \
	reference/check.h \
	reference/formulas.c \
	reference/formulas.h \
	reference/network.c \
	reference/network.h \
	reference/recurrent_net.c \
	reference/recurrent_net.h \
	reference/reference.h \
	reference/classes.c \
	reference/classes.h \
	reference/moves.c \
	reference/moves.h \
	reference/values.c \
	reference/values.h
reference_libreference_la_LIBADD = $(reference_OBJECTS)
reference_libreference_la_DEPENDENCIES = $(reference_OBJECTS)
