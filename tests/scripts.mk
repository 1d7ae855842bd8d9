# SPDX-License-Identifier: BSD-3-Clause
# Tests of what surrounds the library: README, installation, documentation, licences.
script_tests =
script_tests += tests/readme.sh
script_tests += tests/inference.sh
script_tests += tests/check_prefix.sh
script_tests += tests/check_symbols.sh
script_tests += tests/older_program.sh
script_tests += tests/cplusplus.sh
script_tests += tests/check_doc.sh
script_tests += tests/check_json.sh
script_tests += tests/check_locale.sh
script_tests += tests/check_licence.sh tests/check_ops.sh tests/check_recipes.sh
script_tests += tests/check_variables.sh
script_tests += tests/layers.sh
TESTS += $(script_tests)
EXTRA_DIST += $(script_tests) tests/readme_program.sh tests/lsan.supp README.md quickstart
EXTRA_DIST += tests/layers.txt tests/layers.awk
# The objects of the library and of the command line.
check_DATA += tests/layers.objects
CLEANFILES += tests/layers.objects
tests/layers.objects: Makefile
	$(AM_V_GEN)$(MKDIR_P) tests && \
	  printf '%s\n' $(sort $(filter runtime/% codelets/% apps/hsgd/%,$(objects))) > $@
EXTRA_DIST += tests/symbols.txt tests/older_program.c tests/cplusplus.cpp
EXTRA_DIST += AUTHORS COPYING CITATION.cff CONTRIBUTING.md NEWS SECURITY.md

lint: $(BUILT_SOURCES)
	srcdir="$(srcdir)" sh $(srcdir)/tests/lint.sh
.PHONY: lint
EXTRA_DIST += tests/lint.sh tests/cppcheck.cfg tests/cppcheck.supp .clang-format .shellcheckrc
