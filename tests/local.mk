TESTS += tests/test_cli.sh
EXTRA_DIST += tests/test_cli.sh
include tests/core.mk
include tests/ops.mk
