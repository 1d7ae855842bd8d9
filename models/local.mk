# SPDX-License-Identifier: BSD-3-Clause
# The built-in models, in the order in which `hsgd models` lists them; other models exist as files only.
MODELS = models/linear.yaml models/mlp.yaml models/mlp-small.yaml models/lenet.yaml models/cifar-cnn.yaml \
	models/resnet8.yaml models/resnet20.yaml models/char-lstm.yaml models/seq-rnn.yaml \
	models/char-gpt.yaml models/mobile-cnn.yaml models/tabular.yaml models/translate.yaml models/detector.yaml

modelsdir = $(pkgdatadir)/models
dist_models_DATA = $(MODELS) models/w8a-deep.yaml
EXTRA_DIST += models/embed.sh
CLEANFILES += models/embedded.c
models/embedded.c: $(MODELS) models/embed.sh models/local.mk
	$(AM_V_GEN)$(MKDIR_P) models && sh $(srcdir)/models/embed.sh $(addprefix $(srcdir)/,$(MODELS)) > $@
nodist_runtime_libruntime_la_SOURCES = models/embedded.c
