# SPDX-License-Identifier: BSD-3-Clause
# The API reference: make doc.  Fields and enumerators may speak for
# themselves; everything else needs a comment.
doc/html/index.html: doc/Doxyfile $(hsgdinclude_HEADERS) doc/doxygen-filter.sed
	$(AM_V_GEN)doxygen doc/Doxyfile
doc: doc/html/index.html
	@! grep -Ev 'Member .* \((variable|enumvalue|macro definition)\).* is not documented' doc/doxygen.log
.PHONY: doc

if HAVE_DOXYGEN
noinst_DATA += doc/html/index.html
endif

# The pages, the API reference and the demos.
install_doc = sh $(srcdir)/doc/install.sh
install_doc_to = "$(srcdir)" "$(DESTDIR)$(docdir)" "$(includedir)" "$(modelsdir)"
install-data-local: $(noinst_DATA)
	$(install_doc) install $(install_doc_to)
uninstall-local:
	$(install_doc) uninstall $(install_doc_to)
examplesdir = $(docdir)/examples
dist_examples_DATA = apps/demos/Makefile $(demos:=.c)

# The figures of the pages, from real runs.
doc-plots: hsgd$(EXEEXT)
	sh $(srcdir)/doc/plots.sh $(srcdir) .
.PHONY: doc-plots

# What each command prints, from real runs, in 80 columns.
doc-screens: hsgd$(EXEEXT)
	sh $(srcdir)/doc/screens.sh $(srcdir) .
.PHONY: doc-screens
doc-figures: doc-plots doc-screens
.PHONY: doc-figures

clean-local: clean-doc
clean-doc:
	rm -rf doc/html doc/doxygen.log
.PHONY: clean-doc

EXTRA_DIST += doc/install.sh doc/man.awk doc/results doc/doxygen-filter.sed doc/architecture.svg doc/decisions
EXTRA_DIST += doc/screens doc/screens.sh doc/onnx.sh
EXTRA_DIST += doc/plots.sh doc/compare.png doc/confusion.png doc/curves.png doc/explain.png doc/plan.svg doc/sheet.png
# One a line: branches that add pages merge without conflict.
EXTRA_DIST += \
	doc/abi.md \
	doc/adding-an-op.md \
	doc/algorithms.md \
	doc/architecture.md \
	doc/cuda.md \
	doc/compare.md \
	doc/data.md \
	doc/environment.md \
	doc/explain.md \
	doc/glossary.md \
	doc/hacking.md \
	doc/images.md \
	doc/inference.md \
	doc/onnx.md \
	doc/opencl.md \
	doc/onnx-cases.md \
	doc/kernel-dialect.md \
	doc/models.md \
	doc/plan.md \
	doc/releasing.md \
	doc/runs.md \
	doc/tuning.md \
	doc/using.md
