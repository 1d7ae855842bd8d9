# SPDX-License-Identifier: BSD-3-Clause
# make bundle: one archive for other machines; make check-bundle tests it in a
# separate root.
# Without plots: Cairo, Pango and fonts would be a large part of it.
if HAVE_CAIRO
bundle_programs = hsgd-without-plots
else
bundle_programs = hsgd
endif
bundle_programs += op_bench test_ops test_agreement
if USE_CUDA
bundle_programs += test_graphs
endif
bundle: $(bundle_programs)
	sh $(srcdir)/bundle/make.sh $(srcdir) $(VERSION) $(bundle_programs)
check-bundle: bundle
	VERSION=$(VERSION) EMULATOR=$(if $(wildcard tests/cudaemu/libcudaemu.so),$(abs_builddir)/tests/cudaemu/libcudaemu.so) \
	  sh $(srcdir)/bundle/check.sh || test $$? -eq 77
.PHONY: bundle check-bundle
EXTRA_DIST += bundle/README bundle/check.sh bundle/make.sh bundle/run
CLEANFILES += hsgd-$(VERSION)-*.tar.xz
