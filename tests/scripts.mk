# Tests of what surrounds the library: README, installation, documentation.
script_tests = tests/readme.sh tests/check_prefix.sh tests/check_doc.sh
TESTS += $(script_tests)
EXTRA_DIST += $(script_tests) tests/readme_program.sh tests/lsan.supp README.md quickstart
