TESTS += tests/test_cli.sh tests/test_images_cli.sh tests/test_models_cli.sh tests/test_plan_cli.sh
EXTRA_DIST += tests/peers tests/cli.sh tests/test_cli.sh tests/test_images_cli.sh tests/test_models_cli.sh tests/test_plan_cli.sh
include tests/runs.mk
include tests/core.mk
include tests/ops.mk
include tests/fuzz/local.mk
