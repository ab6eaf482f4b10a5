# govcase: README.md says how to use this file.  The version stands in
# govcase.control alone.

# These four set a bare machine up by themselves, so they have to work before
# there is any PGXS to include; test/cluster does their work.
CLUSTER_GOALS = demo demo-shell check bench
ifneq (,$(filter $(CLUSTER_GOALS),$(MAKECMDGOALS)))

.PHONY: $(MAKECMDGOALS)
.NOTPARALLEL:
$(filter $(CLUSTER_GOALS),$(MAKECMDGOALS)):
	@test/cluster $@
$(filter-out $(CLUSTER_GOALS),$(MAKECMDGOALS)):
	@$(MAKE) --no-print-directory $@

else

EXTENSION = govcase
EXTVERSION := $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" govcase.control)

# One capability is one room: src/X.c, sql/X.sql, test/sql/X.sql, expected/X.out.
# The order is the order in which the install script is put together.
SQL_ROOMS = \
	schema \
	risk_level \
	case_state \
	policy \
	check_policy \
	attach \
	transition \
	follow_up \
	verify_chain \
	next_moves \
	overdue \
	resolution_rate \
	period_comparison \
	period_change \
	planar \
	grid \
	locate \
	check_coverage \
	grid_history \
	registry \
	registry_tables \
	registry_access \
	registry_notices \
	registry_import \
	registry_matters \
	registry_assignments \
	registry_conferences \
	registry_calendar \
	registry_deadlines \
	registry_petitions \
	registry_grading \
	registry_grids \
	registry_duplicates \
	registry_reassign \
	registry_figures \
	registry_incidents \
	registry_purge
C_ROOMS = \
	govcase \
	label_type \
	risk_level \
	case_state \
	policy \
	check_policy \
	attach \
	partition_change \
	row_access \
	transition \
	follow_up \
	verify_chain \
	next_moves \
	overdue \
	resolution_rate \
	period_comparison \
	period_change \
	planar \
	grid \
	grid_cells \
	placement \
	locate \
	check_coverage \
	grid_history

# A test is named here once its room has one: REGRESS in test/sql, ISOLATION in
# test/specs, each with its expected output in expected/.
REGRESS = \
	label_type \
	risk_level \
	case_state \
	policy \
	check_policy \
	follow_up \
	verify_chain \
	transition \
	next_moves \
	overdue \
	attach \
	attach_columns \
	attach_history \
	attach_merge \
	attach_partitions \
	attach_shapes \
	attach_tables \
	attach_trust \
	boston \
	check_coverage \
	grid \
	grid_history \
	grid_oracle \
	grid_protect \
	grid_zhoukou \
	locate \
	locate_shapes \
	locate_trigger \
	period_change \
	period_comparison \
	planar \
	registry \
	registry_access \
	registry_assignments \
	registry_attempts \
	registry_calendar \
	registry_conferences \
	registry_deadlines \
	registry_duplicates \
	registry_figures \
	registry_grading \
	registry_grids \
	registry_import \
	registry_incidents \
	registry_matters \
	registry_notices \
	registry_petitions \
	registry_plans \
	registry_purge \
	registry_reassign \
	registry_zhoukou \
	resolution_rate \
	row_access \
	zhoukou

ISOLATION = \
	attach_policy \
	attach_protect \
	follow_up_append \
	follow_up_partitions \
	follow_up_transition \
	grid_history_snapshot \
	grid_overlap \
	grid_region \
	locate_sessions \
	policy_activation \
	registry_assignments_race \
	registry_calendar_sessions \
	registry_duplicates_sessions \
	registry_import_race \
	registry_matters_sessions \
	registry_notices_order \
	registry_petitions_sessions \
	registry_purge_reopen \
	registry_reassign_sessions \
	row_access_locks

PROVE_TESTS = $(sort $(wildcard test/t/*.pl))

MODULE_big = govcase
OBJS = $(C_ROOMS:%=src/%.o)
DATA_built = govcase--$(EXTVERSION).sql

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
ifeq (,$(wildcard $(PGXS)))
$(error $(PG_CONFIG) leads to no PGXS: set PG_CONFIG, or install PostgreSQL's \
	server headers (postgresql-server-dev-N); "make demo" does it for you)
endif

# PostgreSQL's headers as system headers: what they warn of is not ours.
PG_CPPFLAGS = -isystem $(shell $(PG_CONFIG) --includedir-server) \
	-DGOVCASE_VERSION='"$(EXTVERSION)"'
# WERROR=1 makes warnings errors, as CI does; a compiler yet unknown to us may
# warn of more, and should not keep anybody from building.  Those that newer
# compilers take for errors are errors with all.
PG_CFLAGS = -Wall -Wextra $(if $(WERROR),-Werror) \
	-Werror=implicit -Werror=int-conversion -Werror=incompatible-pointer-types

# The bitcode for the server's JIT needs the very clang that PostgreSQL was
# built with.  It is only a gain in speed, so do without where that is missing.
PGXS_CLANG := $(firstword $(shell sed -n 's/^CLANG *= *//p' \
	$(dir $(PGXS))../Makefile.global))
ifeq (,$(shell command -v $(PGXS_CLANG) 2>/dev/null))
override with_llvm = no
endif

REGRESS_OPTS = --inputdir=test --outputdir=test --encoding=UTF8 --no-locale
ISOLATION_OPTS = $(REGRESS_OPTS)
# The isolation tester is installed from 14 on.
ifeq (,$(wildcard $(dir $(PGXS))../test/isolation/pg_isolation_regress*))
override ISOLATION =
endif
# TAP tests start servers of their own, which root may not.
ifneq (,$(PROVE_TESTS))
ifneq (0,$(shell id -u))
TAP_TESTS = 1
endif
endif

EXTRA_CLEAN = govcase--$(EXTVERSION).sql .built-for test/results test/output_iso \
	test/regression.diffs test/regression.out test/tmp_check test/tmp_check_iso

include $(PGXS)

govcase--$(EXTVERSION).sql: $(SQL_ROOMS:%=sql/%.sql) govcase.control Makefile
	@# It has to load in a database of any encoding.
	@if LC_ALL=C grep -n '[^ -~	]' $(SQL_ROOMS:%=sql/%.sql); then \
		echo "the install script must be plain ASCII" >&2; exit 1; fi
	cat $(SQL_ROOMS:%=sql/%.sql) > $@

# Objects built for one PostgreSQL, or with other headers of it, are of no use to
# another, and those built before a warning became an error hide it.
BUILT_FOR := $(shell $(PG_CONFIG) --version --includedir-server; \
	cksum < $$($(PG_CONFIG) --includedir-server)/pg_config.h) $(WERROR)
ifneq ($(strip $(BUILT_FOR)),$(strip $(shell cat .built-for 2>/dev/null)))
$(shell echo '$(strip $(BUILT_FOR))' > .built-for)
endif
$(OBJS) $(OBJS:.o=.bc): $(wildcard src/*.h) govcase.control .built-for

# For test/cluster: the names of all tests, one kind a line.
.PHONY: list-tests
list-tests:
	@echo regress: $(REGRESS)
	@echo isolation: $(ISOLATION)
	@echo tap: $(PROVE_TESTS)

endif
