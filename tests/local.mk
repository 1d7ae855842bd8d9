# SPDX-License-Identifier: BSD-3-Clause
# Tests of the command line; one a line: branches that add some merge without conflict.
cli_tests =
cli_tests += tests/test_cli.sh
cli_tests += tests/test_columns.sh
cli_tests += tests/test_demos.sh
cli_tests += tests/test_demo_networks.sh
cli_tests += tests/test_detector_cli.sh
cli_tests += tests/test_explain.sh
cli_tests += tests/test_generate.sh
cli_tests += tests/test_images_cli.sh
cli_tests += tests/test_limits.sh
cli_tests += tests/test_manual.sh
cli_tests += tests/test_models_cli.sh
cli_tests += tests/test_names_cli.sh
cli_tests += tests/test_old_runs.sh
cli_tests += tests/test_calibrate.sh
cli_tests += tests/test_onnx.sh
cli_tests += tests/test_perfmodels.sh
cli_tests += tests/test_predict_cli.sh
cli_tests += tests/test_tables_cli.sh
cli_tests += tests/test_tokens_cli.sh
cli_tests += tests/test_categories_cli.sh
cli_tests += tests/test_lengths_cli.sh
cli_tests += tests/test_translate.sh
cli_tests += tests/test_tune.sh
cli_tests += tests/test_safety.sh
cli_tests += tests/test_selftest.sh
cli_tests += tests/test_selftest_wrong.sh
# Those that look at plots.
plot_tests =
plot_tests += tests/test_compare.sh
plot_tests += tests/test_eval.sh
plot_tests += tests/test_plan_cli.sh
plot_tests += tests/test_plots.sh
if HAVE_CAIRO
TESTS += $(plot_tests)
endif
TESTS += $(cli_tests)
check-onnx: hsgd
	srcdir="$(srcdir)" sh $(srcdir)/tests/onnx_cases.sh
.PHONY: check-onnx
EXTRA_DIST += tests/onnx tests/onnx_cases.sh tests/runs-0.2.0 tests/peers tests/cli.sh tests/perfmodels.py $(cli_tests) $(plot_tests)
# Models whose attributions are known.
check_PROGRAMS += explain_models
explain_models_SOURCES = tests/explain_models.c
explain_models_CPPFLAGS = -I$(top_srcdir)/include
explain_models_LDADD = libhsgd.la
# Whether the networks of the demos are the built-in ones.
check_PROGRAMS += demo_models
demo_models_SOURCES = tests/demo_models.c
demo_models_CPPFLAGS = -I$(top_srcdir)/include
demo_models_LDADD = libhsgd.la
include tests/runs.mk
include tests/core.mk
include tests/ops.mk
include tests/cudaemu.mk
include tests/fuzz/local.mk
include tests/api/local.mk
