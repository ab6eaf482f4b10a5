-- period_comparison: a figure and the same figure a while before

CREATE TYPE govcase.period_comparison;

CREATE FUNCTION govcase.period_comparison_in(pg_catalog.cstring)
	RETURNS govcase.period_comparison
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.period_comparison_in(pg_catalog.cstring) IS
	'text to period_comparison';

CREATE FUNCTION govcase.period_comparison_out(govcase.period_comparison)
	RETURNS pg_catalog.cstring
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.period_comparison_out(govcase.period_comparison) IS
	'period_comparison to text';

CREATE FUNCTION govcase.period_comparison_recv(pg_catalog.internal)
	RETURNS govcase.period_comparison
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.period_comparison_recv(pg_catalog.internal) IS
	'bytes to period_comparison';

CREATE FUNCTION govcase.period_comparison_send(govcase.period_comparison)
	RETURNS pg_catalog.bytea
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.period_comparison_send(govcase.period_comparison) IS
	'period_comparison to bytes';

CREATE TYPE govcase.period_comparison (
	INPUT = govcase.period_comparison_in,
	OUTPUT = govcase.period_comparison_out,
	RECEIVE = govcase.period_comparison_recv,
	SEND = govcase.period_comparison_send,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = double,
	STORAGE = extended
);
COMMENT ON TYPE govcase.period_comparison IS
	'totals of a period and of the same period before; to be stored, sent and rolled up';

-- Accessors.

CREATE FUNCTION govcase.change(govcase.period_comparison) RETURNS pg_catalog.float8
	AS 'MODULE_PATHNAME', 'period_comparison_change'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.change(govcase.period_comparison) IS
	'(current - previous) / previous, NULL where the previous total is 0';

CREATE FUNCTION govcase.current_total(govcase.period_comparison) RETURNS pg_catalog.numeric
	AS 'MODULE_PATHNAME', 'period_comparison_current_total'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.current_total(govcase.period_comparison) IS
	'total of the period';

CREATE FUNCTION govcase.previous_total(govcase.period_comparison) RETURNS pg_catalog.numeric
	AS 'MODULE_PATHNAME', 'period_comparison_previous_total'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.previous_total(govcase.period_comparison) IS
	'total of the earlier period';

CREATE FUNCTION govcase.current_period(govcase.period_comparison)
	RETURNS pg_catalog.daterange
	AS 'MODULE_PATHNAME', 'period_comparison_current_period'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.current_period(govcase.period_comparison) IS
	'the period that is compared';

CREATE FUNCTION govcase.previous_period(govcase.period_comparison)
	RETURNS pg_catalog.daterange
	AS 'MODULE_PATHNAME', 'period_comparison_previous_period'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.previous_period(govcase.period_comparison) IS
	'the earlier period that it is compared with';

CREATE FUNCTION govcase.earlier_period(period pg_catalog.daterange, back pg_catalog.interval)
	RETURNS pg_catalog.daterange
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.earlier_period(pg_catalog.daterange, pg_catalog.interval) IS
	'the same period so much before: whole months stay whole months';

-- Sums.

CREATE FUNCTION govcase.period_comparison_add(govcase.period_comparison,
		govcase.period_comparison)
	RETURNS govcase.period_comparison
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.period_comparison_add(govcase.period_comparison,
		govcase.period_comparison) IS
	'transition function of rollup, combine function of all comparing aggregates';

CREATE FUNCTION govcase.period_comparison_subtract(govcase.period_comparison,
		govcase.period_comparison)
	RETURNS govcase.period_comparison
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.period_comparison_subtract(govcase.period_comparison,
		govcase.period_comparison) IS
	'inverse transition function of rollup';

CREATE AGGREGATE govcase.rollup(govcase.period_comparison) (
	SFUNC = govcase.period_comparison_add,
	STYPE = govcase.period_comparison,
	COMBINEFUNC = govcase.period_comparison_add,
	MSFUNC = govcase.period_comparison_add,
	MINVFUNC = govcase.period_comparison_subtract,
	MSTYPE = govcase.period_comparison,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE govcase.rollup(govcase.period_comparison) IS
	'the comparison over everything that the given ones cover; all of one period';
