# Tests of what surrounds the library: README, installation, documentation, licences.
script_tests = tests/check_variables.sh tests/readme.sh tests/check_prefix.sh tests/check_symbols.sh tests/older_program.sh tests/check_doc.sh tests/check_locale.sh tests/check_ops.sh
TESTS += $(script_tests)
EXTRA_DIST += $(script_tests) tests/readme_program.sh tests/lsan.supp README.md quickstart
EXTRA_DIST += tests/symbols.txt tests/older_program.c
EXTRA_DIST += AUTHORS COPYING CITATION.cff CONTRIBUTING.md NEWS SECURITY.md

lint: $(BUILT_SOURCES)
	srcdir="$(srcdir)" sh $(srcdir)/tests/lint.sh
.PHONY: lint
EXTRA_DIST += tests/check_licence.sh tests/lint.sh tests/cppcheck.cfg tests/cppcheck.supp .clang-format .shellcheckrc
