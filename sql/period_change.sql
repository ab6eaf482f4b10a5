-- period_change: a figure against the same period before

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
					('year', 'year_on_year', '', 'the same period a year before'),
					('month', 'month_on_month', '', 'the same period a month before'),
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
