# Tests of the library as a whole: contexts, models, training, agreement.
core_tests = test_agreement test_context test_deterministic test_guest test_model test_ops_tree test_replay_memory \
	test_tensor test_train
check_PROGRAMS += $(core_tests)
TESTS += $(core_tests)
core_ldadd = libhsgd.la -lm
core_cppflags = -I$(top_srcdir)/include

test_agreement_SOURCES = tests/test_agreement.c tests/core.c tests/core.h
test_agreement_CPPFLAGS = $(core_cppflags)
test_agreement_LDADD = $(core_ldadd)
test_context_SOURCES = tests/test_context.c tests/core.c tests/core.h
test_context_CPPFLAGS = $(core_cppflags) $(STARPU_CFLAGS) $(OPENBLAS_CFLAGS)
test_context_LDADD = $(core_ldadd) $(STARPU_LIBS) $(OPENBLAS_LIBS)
test_deterministic_SOURCES = tests/test_deterministic.c tests/core.c tests/core.h
test_deterministic_CPPFLAGS = $(core_cppflags)
test_deterministic_LDADD = $(core_ldadd)
test_guest_SOURCES = tests/test_guest.c tests/core.c tests/core.h
test_guest_CPPFLAGS = $(core_cppflags) $(STARPU_CFLAGS) $(OPENBLAS_CFLAGS)
test_guest_CFLAGS = $(AM_CFLAGS) -fopenmp
test_guest_LDADD = $(core_ldadd) $(STARPU_LIBS) $(OPENBLAS_LIBS)
test_model_SOURCES = tests/test_model.c tests/core.c tests/core.h
test_model_CPPFLAGS = $(core_cppflags)
test_model_LDADD = $(core_ldadd)
test_ops_tree_SOURCES = tests/test_ops_tree.c tests/core.c tests/core.h
test_ops_tree_CPPFLAGS = $(core_cppflags)
test_ops_tree_LDADD = $(core_ldadd)
test_replay_memory_SOURCES = tests/test_replay_memory.c tests/core.c tests/core.h
test_replay_memory_CPPFLAGS = $(core_cppflags)
test_replay_memory_CFLAGS = $(AM_CFLAGS) -fno-builtin
test_replay_memory_LDADD = $(core_ldadd)
test_tensor_SOURCES = tests/test_tensor.c tests/core.c tests/core.h
test_tensor_CPPFLAGS = $(core_cppflags) $(STARPU_CFLAGS)
test_tensor_LDADD = $(core_ldadd) $(STARPU_LIBS)
test_train_SOURCES = tests/test_train.c tests/core.c tests/core.h
test_train_CPPFLAGS = $(core_cppflags)
test_train_LDADD = $(core_ldadd)
