# The API reference: make doc.  Fields and enumerators may speak for
# themselves; everything else needs a comment.
doc: doc/Doxyfile
	$(AM_V_GEN)doxygen doc/Doxyfile && \
	  ! grep -Ev 'Member .* \((variable|enumvalue|macro definition)\).* is not documented' doc/doxygen.log
.PHONY: doc

clean-local: clean-doc
clean-doc:
	rm -rf doc/html doc/doxygen.log
.PHONY: clean-doc

EXTRA_DIST += doc/results doc/doxygen-filter.sed doc/architecture.svg doc/confusion.png doc/plan.svg doc/decisions
# One a line: branches that add pages merge without conflict.
EXTRA_DIST += \
	doc/adding-an-op.md \
	doc/algorithms.md \
	doc/architecture.md \
	doc/cuda.md \
	doc/compare.md \
	doc/data.md \
	doc/environment.md \
	doc/hacking.md \
	doc/kernel-dialect.md \
	doc/models.md \
	doc/pictures.md \
	doc/plan.md \
	doc/runs.md \
	doc/using.md
