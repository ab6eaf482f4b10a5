# govcase: see README.md.  The version stands in govcase.control alone.
EXTENSION = govcase
EXTVERSION := $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" govcase.control)

# One capability is one room: src/X.c, sql/X.sql, test/sql/X.sql, expected/X.out.
# The order is the order in which the install script is put together.
SQL_ROOMS = schema risk_level case_state policy check_policy attach transition \
	follow_up verify_chain next_moves overdue resolution_rate period_change
C_ROOMS = govcase label_type risk_level case_state policy check_policy attach transition \
	follow_up verify_chain next_moves resolution_rate period_change

MODULE_big = govcase
OBJS = $(C_ROOMS:%=src/%.o)
HEADERS_govcase =
DATA_built = govcase--$(EXTVERSION).sql
PG_CPPFLAGS = -DGOVCASE_VERSION='"$(EXTVERSION)"'
PG_CFLAGS = -Wall -Wextra -Werror -Wno-unused-parameter -Wno-sign-compare \
	-Wno-missing-field-initializers
EXTRA_CLEAN = govcase--$(EXTVERSION).sql

REGRESS = risk_level case_state resolution_rate period_change
REGRESS_OPTS = --inputdir=test --outputdir=test --encoding=UTF8 --no-locale

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

govcase--$(EXTVERSION).sql: $(SQL_ROOMS:%=sql/%.sql) govcase.control
	cat $(SQL_ROOMS:%=sql/%.sql) > $@

$(OBJS): $(wildcard src/*.h)
