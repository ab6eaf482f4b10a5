-- period_change: a figure against the same period before (同比, 环比)

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

-- The aggregates: for each way to say how far back, each type of time and each
-- type of amount.  The smaller integers have their own, for they would otherwise
-- be taken for double precision, PostgreSQL's preferred number, as real is.
DO $aggregates$
DECLARE
	back pg_catalog.record;
	happened pg_catalog.record;
	amount pg_catalog.record;
	arguments pg_catalog.text;
	summary pg_catalog.text;
	figure pg_catalog.text;
BEGIN
	FOR happened IN
		SELECT * FROM (VALUES
			('date', 'IMMUTABLE'),
			('timestamp', 'IMMUTABLE'),
			-- the day depends on the session's time zone
			('timestamptz', 'STABLE')) AS v (type, volatility)
	LOOP
		FOR amount IN
			SELECT * FROM (VALUES
				('rows', ''),
				('int2', ', pg_catalog.int2'),
				('int4', ', pg_catalog.int4'),
				('int8', ', pg_catalog.int8'),
				('numeric', ', pg_catalog.numeric'),
				('float8', ', pg_catalog.float8')) AS v (symbol, argument)
		LOOP
			FOR back IN
				SELECT * FROM (VALUES
					('year', 'year_on_year', '', 'the same period a year before (同比)'),
					('month', 'month_on_month', '', 'the same period a month before (环比)'),
					('given', 'period_change', ', pg_catalog.interval',
						'the same period so much before'))
					AS v (symbol, aggregate, argument, words)
			LOOP
				arguments := pg_catalog.format('pg_catalog.%s, pg_catalog.daterange%s%s',
					happened.type, back.argument, amount.argument);

				EXECUTE pg_catalog.format($$
					CREATE FUNCTION govcase.%s_accumulate(govcase.period_comparison, %s)
						RETURNS govcase.period_comparison
						AS 'MODULE_PATHNAME', 'accumulate_%s_%s_%s'
						LANGUAGE C %s CALLED ON NULL INPUT PARALLEL SAFE$$,
					back.aggregate, arguments,
					back.symbol, happened.type, amount.symbol, happened.volatility);
				EXECUTE pg_catalog.format($$
					COMMENT ON FUNCTION govcase.%s_accumulate(govcase.period_comparison, %s)
						IS 'transition function of %s'$$,
					back.aggregate, arguments, back.aggregate);

				-- What leaves a frame is taken from the totals, however far back
				-- the earlier period lies.
				IF back.symbol OPERATOR(pg_catalog.<>) 'month' THEN
					EXECUTE pg_catalog.format($$
						CREATE FUNCTION govcase.period_change_remove(
								govcase.period_comparison, %s)
							RETURNS govcase.period_comparison
							AS 'MODULE_PATHNAME', 'remove_%s_%s'
							LANGUAGE C %s CALLED ON NULL INPUT PARALLEL SAFE$$,
						arguments, happened.type, amount.symbol, happened.volatility);
					EXECUTE pg_catalog.format($$
						COMMENT ON FUNCTION govcase.period_change_remove(
								govcase.period_comparison, %s)
							IS 'inverse transition function of the comparing aggregates'$$,
						arguments);
				END IF;

				summary := pg_catalog.format($$
						SFUNC = govcase.%s_accumulate,
						STYPE = govcase.period_comparison,
						SSPACE = 64,
						COMBINEFUNC = govcase.period_comparison_add,
						MSFUNC = govcase.%s_accumulate,
						MINVFUNC = govcase.period_change_remove,
						MSTYPE = govcase.period_comparison,
						MSSPACE = 64,
						PARALLEL = SAFE$$,
					back.aggregate, back.aggregate);
				figure := pg_catalog.concat(summary, ',
						FINALFUNC = govcase.change,
						MFINALFUNC = govcase.change');

				EXECUTE pg_catalog.format('CREATE AGGREGATE govcase.%s(%s) (%s)',
					back.aggregate, arguments, figure);
				EXECUTE pg_catalog.format('COMMENT ON AGGREGATE govcase.%s(%s) IS %L',
					back.aggregate, arguments, pg_catalog.concat('change against ', back.words));

				-- A summary is of a year back unless it says how far.
				IF back.symbol OPERATOR(pg_catalog.<>) 'month' THEN
					EXECUTE pg_catalog.format('CREATE AGGREGATE govcase.period_summary(%s) (%s)',
						arguments, summary);
					EXECUTE pg_catalog.format('COMMENT ON AGGREGATE govcase.period_summary(%s) IS %L',
						arguments, pg_catalog.concat('totals of a period and of ', back.words));
				END IF;
			END LOOP;
		END LOOP;
	END LOOP;
END
$aggregates$;
