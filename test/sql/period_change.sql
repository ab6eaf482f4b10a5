\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS govcase CASCADE;
RESET client_min_messages;
\set QUIET off
\set ECHO all
SET search_path = govcase, public;
SET DateStyle = 'ISO, YMD';
SET IntervalStyle = postgres;
SET TimeZone = 'Asia/Shanghai';

-- The published changes.  Criminal cases 122 and then 89: a fall of 33 / 122 =
-- 0.27049; public-order cases 41 and then 27: a fall of 14 / 41 = 0.34146.
CREATE TABLE incidents (kind text, day date);
INSERT INTO incidents SELECT 'criminal', date '2020-01-01' + n FROM generate_series(0, 121) AS n;
INSERT INTO incidents SELECT 'criminal', date '2021-12-31' - n FROM generate_series(0, 88) AS n;
INSERT INTO incidents SELECT 'public order', date '2020-12-31' - n FROM generate_series(0, 40) AS n;
INSERT INTO incidents SELECT 'public order', date '2021-01-01' + n FROM generate_series(0, 26) AS n;
-- what lies just outside counts nowhere, nor does what has no day
INSERT INTO incidents VALUES ('criminal', '2019-12-31'), ('criminal', '2022-01-01'),
	('criminal', NULL), ('criminal', 'infinity'), ('criminal', '-infinity');
SELECT kind, percent(year_on_year(day, daterange('2021-01-01', '2022-01-01')), 2)
FROM incidents GROUP BY kind ORDER BY kind;
SELECT kind, period_summary(day, '[2021-01-01,2021-12-31]') FROM incidents GROUP BY kind ORDER BY kind;
SELECT change(s), current_total(s), previous_total(s), current_period(s), previous_period(s)
FROM (SELECT period_summary(day, '[2021-01-01,2021-12-31]') AS s FROM incidents
	WHERE kind = 'public order') AS year;
-- December against November 2021: 31 days and 30 of a case a day
SELECT month_on_month(day, '[2021-12-01,2022-01-01)'),
	period_summary(day, '[2021-12-01,2022-01-01)', interval '1 month')
FROM incidents WHERE kind = 'criminal';
-- a week against the week before
SELECT period_change(day, '[2021-10-04,2021-10-11)', '7 days'),
	period_summary(day, '[2021-10-04,2021-10-11)', interval '7 days')
FROM incidents WHERE kind = 'criminal';
-- a row in both periods counts in both
SELECT period_summary(day, '[2021-10-01,2022-01-01)', interval '1 month')
FROM (VALUES (date '2021-09-01'), ('2021-10-15'), ('2021-11-30'), ('2021-12-01')) AS v (day);

-- What cannot be compared.
CREATE FUNCTION outcome(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
	message text;
	detail text;
BEGIN
	EXECUTE query INTO result;
	RETURN coalesce(result, 'null');
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
	RETURN sqlstate || ' ' || message || CASE WHEN detail <> '' THEN ': ' || detail ELSE '' END;
END
$$;
SELECT arguments, outcome('SELECT period_change(' || arguments || ')') FROM unnest(ARRAY[
	$$date '2021-05-01', NULL::daterange, interval '1 year'$$,
	$$NULL::date, NULL::daterange, interval '1 year'$$,
	$$date '2021-05-01', daterange '[2021-01-01,2022-01-01)', NULL::interval$$,
	$$date '2021-05-01', daterange 'empty', interval '1 year'$$,
	$$date '2021-05-01', daterange '[2021-01-01,2021-01-01)', interval '1 year'$$,
	$$date '2021-05-01', daterange '[2021-01-01,)', interval '1 year'$$,
	$$date '2021-05-01', daterange '(,2022-01-01)', interval '1 year'$$,
	$$date '2021-05-01', daterange '(,)', interval '1 year'$$,
	$$date '2021-05-01', daterange '[2021-01-01,infinity)', interval '1 year'$$,
	$$date '2021-05-01', daterange '[2021-01-01,infinity]', interval '1 year'$$,
	$$date '2021-05-01', daterange '[-infinity,2022-01-01)', interval '1 year'$$,
	$$date '2021-05-01', daterange '[2021-01-01,2022-01-01)', interval '0 days'$$,
	$$date '2021-05-01', daterange '[2021-01-01,2022-01-01)', interval '-1 year'$$,
	$$date '2021-05-01', daterange '[2021-01-01,2022-01-01)', interval '1 month -1 day'$$,
	$$date '2021-05-01', daterange '[2021-01-01,2022-01-01)', interval '1 day 1 hour'$$,
	$$date '2021-05-01', daterange '[2021-01-01,2022-01-01)', interval '24 hours'$$,
	$$date '2021-05-01', daterange '[2021-01-01,2022-01-01)', interval '9000 years'$$,
	$$date '2021-05-01', daterange '[2021-01-01,2022-01-01)', interval '2000000000 days'$$,
	$$date '2021-05-01', daterange '[4713-01-01 BC,2022-01-01)', interval '1 year'$$,
	$$timestamp '2021-05-01', daterange '[2021-01-01,)', interval '1 year'$$,
	$$timestamptz '2021-05-01', NULL::daterange, interval '1 year', 5$$,
	$$date '2021-05-01', daterange '[2021-01-01,2022-01-01)', interval '1 year'$$]) AS arguments;
SELECT year_on_year(day, daterange('2021-01-01', NULL)) FROM incidents;
SELECT year_on_year(day, '[2021-01-01,2022-01-01)'), month_on_month(day, NULL) FROM incidents;
SELECT year_on_year(day, daterange(day, day + 1)) FROM (VALUES (date '2021-05-01'), ('2021-05-02')) AS v (day);
SELECT period_change(day, '[2021-01-01,2022-01-01)', (day - date '2021-04-30') * interval '1 day')
FROM (VALUES (date '2021-05-01'), ('2021-05-02')) AS v (day);
-- a row that is skipped must have the group's period all the same
SELECT year_on_year(day, period) FROM (VALUES (date '2021-05-01', daterange '[2021-01-01,2022-01-01)'),
	(NULL, '[2022-01-01,2023-01-01)')) AS v (day, period);
SELECT year_on_year(day, period) FROM (VALUES (date '2021-05-01', daterange '[2021-01-01,2022-01-01)'),
	(NULL, NULL)) AS v (day, period);
-- grouped by the period, each may have its own, in whatever order they come
SELECT period, period_summary(day, period)
FROM (VALUES (daterange '[2020-12-01,2021-01-01)'), ('[2021-12-01,2022-01-01)'), ('[2021-10-01,2021-11-01)')) AS p (period),
	incidents WHERE kind = 'criminal' GROUP BY period ORDER BY period;
-- nothing: no rows, no day, no amount, nothing before
SELECT year_on_year(day, '[2021-01-01,2022-01-01)'), period_summary(day, '[2021-01-01,2022-01-01)')
FROM incidents WHERE false;
SELECT year_on_year(NULL::date, '[2021-01-01,2022-01-01)'), period_summary(NULL::date, '[2021-01-01,2022-01-01)');
SELECT period_summary(day, '[2021-01-01,2022-01-01)', NULL::int), period_summary(day, '[2021-01-01,2022-01-01)', NULL::numeric),
	period_summary(day, '[2021-01-01,2022-01-01)', NULL::float8) FROM incidents;
SELECT year_on_year(date '2021-05-01', '[2021-01-01,2022-01-01)'),
	year_on_year(date '2021-05-01', '[2021-01-01,2022-01-01)', 5),
	year_on_year(date '2021-05-01', '[2021-01-01,2022-01-01)', 5.0),
	year_on_year(date '2021-05-01', '[2021-01-01,2022-01-01)', 5::float8);

-- Amounts.  Integers and numerics are exact beyond bigint and double precision.
CREATE TABLE amounts (day date, small smallint, whole int, long bigint, money numeric, measured float8);
INSERT INTO amounts VALUES
	('2021-03-01', 7, 2000000000, 9223372036854775807, 0.10, 0.1),
	('2021-04-01', 8, 2000000000, 9223372036854775807, 100000000000000000000, 0.2),
	('2021-05-01', -9, 2000000000, 9223372036854775807, 0.20, -0.3),
	('2020-06-01', 3, -2000000000, -9223372036854775808, -0.3, 1e100),
	('2020-07-01', 3, -2000000000, -9223372036854775808, -99999999999999999999.7, 1),
	('2020-08-01', NULL, NULL, NULL, NULL, NULL),
	(NULL, 1000, 1000, 1000, 1000, 1000),
	('2020-09-01', 0, 0, 0, 0, -1e100);
SELECT period_summary(day, p, small) AS small, period_summary(day, p, whole) AS whole,
	period_summary(day, p, long) AS long, period_summary(day, p, money) AS money,
	period_summary(day, p, measured) AS measured, period_summary(day, p, small::real) AS real
FROM amounts, (VALUES (daterange '[2021-01-01,2022-01-01)')) AS v (p) \gx
SELECT current_total(period_summary(day, p, long)), previous_total(period_summary(day, p, long)),
	current_total(period_summary(day, p, money)), previous_total(period_summary(day, p, money)),
	previous_total(period_summary(day, p, measured))
FROM amounts, (VALUES (daterange '[2021-01-01,2022-01-01)')) AS v (p) \gx
-- 6e9 after -4e9; 3 * (2^63 - 1) after -2 * 2^63; 100000000000000000000.3 after
-- -100000000000000000000.0; 6 after 6
SELECT year_on_year(day, p, whole), year_on_year(day, p, long), year_on_year(day, p, money),
	year_on_year(day, p, small)
FROM amounts, (VALUES (daterange '[2021-01-01,2022-01-01)')) AS v (p);
-- totals that differ by one in 2^62, of integers and of numerics
SELECT year_on_year(day, p, n), year_on_year(day, p, n::numeric)
FROM (VALUES (date '2020-05-01', 4611686018427387904), ('2021-05-01', 4611686018427387905)) AS v (day, n),
	(VALUES (daterange '[2021-01-01,2022-01-01)')) AS w (p);
-- ten times 0.1 is 1, which a plain sum of float8 misses
SELECT sum(0.1::float8) = 1 AS plain, current_total(period_summary(date '2021-01-01', '[2021-01-01,2021-01-02)', 0.1::float8)) = 1 AS compensated
FROM generate_series(1, 10);
SELECT period_summary(day, p, x), year_on_year(day, p, x) FROM (VALUES (date '2020-05-01', 'Infinity'::float8), ('2021-05-01', 5)) AS v (day, x),
	(VALUES (daterange '[2021-01-01,2022-01-01)')) AS w (p);
SELECT period_summary(day, p, x), year_on_year(day, p, x) FROM (VALUES (date '2021-05-01', 'Infinity'::float8), ('2020-05-01', 5), ('2021-05-02', '-Infinity')) AS v (day, x),
	(VALUES (daterange '[2021-01-01,2022-01-01)')) AS w (p);
SELECT period_summary(day, p, 'NaN'::numeric), year_on_year(day, p, 'NaN'::numeric) FROM (VALUES (date '2021-05-01'), ('2020-05-01')) AS v (day),
	(VALUES (daterange '[2021-01-01,2022-01-01)')) AS w (p);
SELECT year_on_year(date '2021-05-01', '[2021-01-01,2022-01-01)', x) FROM (VALUES (1e308::float8), (1e308)) AS v (x);

-- Times: the day is that of the session's time zone.  In Shanghai 2, 3 and 6 are of
-- 2021, 1 and 5 of 2020; in UTC 3 and 4 of 2021, 1, 2 and 6 of 2020.
CREATE TABLE moments (n int, at timestamptz);
INSERT INTO moments VALUES (1, '2020-12-31 15:59:59.999999+00'), (2, '2020-12-31 16:00+00'),
	(3, '2021-12-31 15:59:59.999999+00'), (4, '2021-12-31 16:00+00'), (5, '2019-12-31 16:00+00'),
	(6, '2020-12-31 17:00+00'), (7, 'infinity'), (8, '-infinity'), (9, NULL);
SELECT period_summary(at, '[2021-01-01,2022-01-01)'),
	period_summary(at AT TIME ZONE 'UTC', '[2021-01-01,2022-01-01)') AS as_utc FROM moments;
SET TimeZone = 'UTC';
SELECT period_summary(at, '[2021-01-01,2022-01-01)') FROM moments;
SET TimeZone = 'Asia/Shanghai';
-- before 2000, and at the last microsecond of a day
SELECT period_summary(at, '[1970-01-01,1971-01-01)') FROM (VALUES (timestamp '1969-12-31 23:59:59.999999'),
	('1970-01-01'), ('1970-12-31 23:59:59.999999'), ('1971-01-01'), ('1968-12-31 23:59:59.999999')) AS v (at);
-- St John's put its clocks back at one past midnight, from 4 to 3 November
SET TimeZone = 'America/St_Johns';
SELECT count(*) AS periods, sum(current_total(s)) AS counted, count(*) FILTER (WHERE current_total(s) <> by_hand) AS mismatches
FROM (SELECT day, period_summary(at, daterange(day, day + 1)) AS s, count(*) FILTER (WHERE at::date = day) AS by_hand
	FROM generate_series(timestamptz '2007-11-02 00:00+00', '2007-11-06 00:00+00', '7 minutes') AS at,
		(VALUES (date '2007-11-02'), ('2007-11-03'), ('2007-11-04'), ('2007-11-05')) AS v (day)
	GROUP BY day) AS days;
SET TimeZone = 'Asia/Shanghai';

-- Ten thousand random cases in ten random groups and twenty random periods, all types
-- of time and amount, against plain SQL.
CREATE FUNCTION earlier_by_hand(period daterange, back interval) RETURNS daterange
LANGUAGE sql IMMUTABLE AS $$
	SELECT daterange((lower(period) - back)::date,
		CASE WHEN extract(day FROM upper(period)) = 1 THEN (upper(period) - back)::date
			ELSE ((upper(period) - 1) - back)::date + 1 END)
$$;
SELECT setseed(0.2022) IS NOT NULL AS seeded;
CREATE TABLE disputes AS
SELECT n, n % 7 AS g, floor(random() * 10)::int AS region,
	CASE WHEN random() < 0.95 THEN date '1988-01-01' + floor(random() * 16000)::int END AS day,
	CASE WHEN random() < 0.95 THEN timestamptz '1988-01-01' + random() * interval '16000 days' END AS at,
	CASE WHEN random() < 0.95 THEN floor(random() * 1000 - 400)::int END AS whole,
	CASE WHEN random() < 0.95 THEN floor(random() * 1000 - 400)::numeric / 100 END AS money,
	CASE WHEN random() < 0.95 THEN floor(random() * 100000 - 40000)::float8 / 64 END AS measured
FROM generate_series(1, 10000) AS n;
ANALYZE disputes;
CREATE TABLE some_periods AS
SELECT n AS period_number, period, back, earlier_by_hand(period, back) AS earlier
FROM (SELECT n, daterange(day, CASE WHEN n % 3 = 0 THEN (date_trunc('month', day) + interval '1 year')::date
			ELSE day + 30 + floor(random() * 700)::int END) AS period,
		(ARRAY['1 year', '1 month', '18 months', '3 months 10 days', '100 days'])[1 + n % 5]::interval AS back
	FROM (SELECT n, (date '1993-01-01' + floor(random() * 400)::int * interval '1 month')::date
			- floor(random() * 4)::int AS day FROM generate_series(1, 20) AS n) AS days) AS random_periods;
CREATE TABLE oracle AS
SELECT period_number, region, amount, current::numeric, previous::numeric,
	(current - previous)::float8 / nullif(previous, 0)::float8 AS change
FROM (SELECT period_number, region,
		count(*) FILTER (WHERE day <@ period) AS c1, count(*) FILTER (WHERE day <@ earlier) AS p1,
		count(*) FILTER (WHERE at::date <@ period) AS c2, count(*) FILTER (WHERE at::date <@ earlier) AS p2,
		count(*) FILTER (WHERE (at AT TIME ZONE 'UTC')::date <@ period) AS c3,
		count(*) FILTER (WHERE (at AT TIME ZONE 'UTC')::date <@ earlier) AS p3,
		coalesce(sum(whole) FILTER (WHERE day <@ period), 0) AS c4, coalesce(sum(whole) FILTER (WHERE day <@ earlier), 0) AS p4,
		coalesce(sum(money) FILTER (WHERE day <@ period), 0) AS c5, coalesce(sum(money) FILTER (WHERE day <@ earlier), 0) AS p5,
		coalesce(sum(measured) FILTER (WHERE at::date <@ period), 0) AS c6, coalesce(sum(measured) FILTER (WHERE at::date <@ earlier), 0) AS p6,
		coalesce(sum(money) FILTER (WHERE (at AT TIME ZONE 'UTC')::date <@ period), 0) AS c7,
		coalesce(sum(money) FILTER (WHERE (at AT TIME ZONE 'UTC')::date <@ earlier), 0) AS p7
	FROM disputes, some_periods GROUP BY period_number, region) AS s,
	LATERAL (VALUES ('day', c1, p1), ('timestamptz', c2, p2), ('timestamp', c3, p3), ('day whole', c4, p4), ('day long', c4, p4),
		('day money', c5, p5), ('timestamp money', c7, p7)) AS exact (amount, current, previous)
UNION ALL
SELECT period_number, region, 'timestamptz measured', current::numeric, previous::numeric, (current - previous) / nullif(previous, 0)
FROM (SELECT period_number, region, coalesce(sum(measured) FILTER (WHERE at::date <@ period), 0) AS current,
		coalesce(sum(measured) FILTER (WHERE at::date <@ earlier), 0) AS previous
	FROM disputes, some_periods GROUP BY period_number, region) AS s;
CREATE TABLE figures AS
SELECT period_number, region, amount, s, change FROM (SELECT period_number, region,
		period_summary(day, period, back) AS s1, period_change(day, period, back) AS f1,
		period_summary(at, period, back) AS s2, period_change(at, period, back) AS f2,
		period_summary(at AT TIME ZONE 'UTC', period, back) AS s3, period_change(at AT TIME ZONE 'UTC', period, back) AS f3,
		period_summary(day, period, back, whole) AS s4, period_change(day, period, back, whole) AS f4,
		period_summary(day, period, back, whole::int8) AS s5, period_change(day, period, back, whole::int8) AS f5,
		period_summary(day, period, back, money) AS s6, period_change(day, period, back, money) AS f6,
		period_summary(at AT TIME ZONE 'UTC', period, back, money) AS s7,
		period_change(at AT TIME ZONE 'UTC', period, back, money) AS f7,
		period_summary(at, period, back, measured) AS s8, period_change(at, period, back, measured) AS f8
	FROM disputes, some_periods GROUP BY period_number, region) AS s,
	LATERAL (VALUES ('day', s1, f1), ('timestamptz', s2, f2), ('timestamp', s3, f3), ('day whole', s4, f4), ('day long', s5, f5),
		('day money', s6, f6), ('timestamp money', s7, f7), ('timestamptz measured', s8, f8)) AS v (amount, s, change);
SELECT amount, count(*) AS compared,
	count(*) FILTER (WHERE o.current <> 0 AND o.previous <> 0) > 60 AS many_not_zero,
	count(*) FILTER (WHERE (current_total(s), previous_total(s), change(s), f.change)
		IS DISTINCT FROM (o.current, o.previous, o.change, o.change)) AS mismatches
FROM figures AS f JOIN oracle AS o USING (period_number, region, amount) GROUP BY amount ORDER BY amount;

-- Each of the aggregates by its signature: whatever way back, time and amount.
CREATE FUNCTION signature_mismatches(OUT compared int8, OUT mismatches text[]) LANGUAGE plpgsql AS $$
DECLARE
	candidate record;
	figure float8;
	expected float8;
BEGIN
	compared := 0;
	FOR candidate IN
		SELECT p.oid, proname, proargtypes[0]::regtype AS happened, proargtypes[pronargs - 1]::regtype AS last,
			'interval'::regtype = ANY (proargtypes) AS given
		FROM pg_proc AS p WHERE prokind = 'a' AND proargtypes[1] = 'daterange'::regtype
			AND pronamespace = 'govcase'::regnamespace ORDER BY p.oid::regprocedure::text
	LOOP
		EXECUTE format(CASE candidate.proname WHEN 'period_summary' THEN 'SELECT change(%s(%s))' ELSE 'SELECT %s(%s)' END
			|| ' FROM sample', candidate.proname, concat_ws(', ', 'day::' || candidate.happened, 'period',
				CASE WHEN candidate.given THEN 'interval ''35 days''' END,
				CASE WHEN candidate.last NOT IN ('daterange'::regtype, 'interval'::regtype) THEN 'n::' || candidate.last END))
			INTO figure;
		EXECUTE format('SELECT (current - previous)::float8 / previous
				FROM (SELECT sum(%1$s) FILTER (WHERE day <@ period) AS current,
					sum(%1$s) FILTER (WHERE day <@ earlier_by_hand(period, %2$L)) AS previous FROM sample) AS totals',
			CASE WHEN candidate.last IN ('daterange'::regtype, 'interval'::regtype) THEN '1' ELSE 'n' END,
			CASE WHEN candidate.given THEN '35 days' WHEN candidate.proname = 'month_on_month' THEN '1 month' ELSE '1 year' END)
			INTO expected;
		compared := compared + 1;
		IF figure IS NULL OR figure <> expected THEN
			mismatches := mismatches || candidate.oid::regprocedure::text;
		END IF;
	END LOOP;
END
$$;
CREATE TABLE sample AS SELECT date '2019-01-01' + n AS day, n % 17 - 3 AS n, daterange '[2021-03-01,2021-05-31)' AS period
FROM generate_series(0, 1000) AS n WHERE n % 4 <> 3;
SELECT * FROM signature_mismatches();

-- Rollup of stored summaries equals the direct figure.
CREATE TABLE stored AS SELECT period_number, region, amount, s FROM figures;
ANALYZE stored;
SELECT amount, count(*) AS compared,
	count(*) FILTER (WHERE (current_total(s), previous_total(s)) IS DISTINCT FROM (current, previous)) AS mismatches
FROM (SELECT period_number, amount, rollup(s) AS s FROM stored GROUP BY period_number, amount) AS f
	JOIN (SELECT period_number, amount, sum(current) AS current, sum(previous) AS previous FROM oracle
		GROUP BY period_number, amount) AS o USING (period_number, amount) GROUP BY amount ORDER BY amount;
-- The functions behind the aggregates change nothing that is not theirs.
SELECT s, year_on_year_accumulate(s, date '2021-05-05', p), period_change_remove(s, date '2021-05-05', p), s AS again
FROM (VALUES (period_comparison 'amount=count period=[2021-01-01,2022-01-01) back=P12M current=3 previous=5',
	daterange '[2021-01-01,2022-01-01)')) AS v (s, p) \gx
SELECT period_change_remove('amount=count period=[2021-01-01,2022-01-01) back=P12M current=0 previous=5',
	date '2021-05-05', daterange '[2021-01-01,2022-01-01)');
SELECT year_on_year_accumulate('amount=count period=[2021-01-01,2022-01-01) back=P12M current=9223372036854775807 previous=5',
	date '2021-05-05', daterange '[2021-01-01,2022-01-01)');
SELECT year_on_year_accumulate('amount=integer period=[2021-01-01,2022-01-01) back=P12M current=0 previous=5',
	date '2021-05-05', daterange '[2021-01-01,2022-01-01)');
SELECT year_on_year_accumulate('amount=count period=[2021-01-01,2022-01-01) back=P1M current=0 previous=5',
	date '2021-05-05', daterange '[2021-01-01,2022-01-01)');

-- Parallel plans, partitions, grouping sets, disk: the figures of the oracle again.
CREATE FUNCTION plan_has(query text, VARIADIC parts text[]) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	plan text;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan;
	RETURN (SELECT bool_and(position(part IN plan) > 0) FROM unnest(parts) AS part);
END
$$;
CREATE TABLE dated (LIKE disputes) PARTITION BY LIST (region);
CREATE TABLE dated_few PARTITION OF dated FOR VALUES IN (0, 1, 2);
CREATE TABLE dated_some PARTITION OF dated FOR VALUES IN (3, 4, 5);
CREATE TABLE dated_rest PARTITION OF dated DEFAULT;
INSERT INTO dated TABLE disputes;
ANALYZE dated;
CREATE VIEW by_group AS SELECT g, period_summary(day, '[2000-01-01,2010-01-01)') AS s,
	period_summary(day, '[2000-01-01,2010-01-01)', interval '30 months', whole) AS s_whole,
	period_summary(day, '[2000-01-01,2010-01-01)', money) AS s_money,
	period_summary(at, '[2000-01-01,2010-01-01)', measured) AS s_measured,
	year_on_year(day, '[2000-01-01,2010-01-01)', money) AS f_money,
	month_on_month(at, '[2000-01-01,2010-01-01)', measured) AS f_measured
FROM dated GROUP BY g;
CREATE TABLE serial AS TABLE by_group;
SET min_parallel_table_scan_size = 0;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET max_parallel_workers_per_gather = 2;
SELECT plan_has('TABLE by_group', '"Gather', '"Partial Mode": "Partial"', '"Partial Mode": "Finalize"') AS is_parallel;
SELECT count(*) AS groups, count(*) FILTER (WHERE partial::text <> serial::text) AS mismatches
FROM by_group AS partial JOIN serial USING (g);
SELECT plan_has('SELECT period_number, amount, rollup(s) FROM stored GROUP BY period_number, amount', '"Gather', '"Partial Mode": "Partial"') AS rollup_is_parallel;
SELECT count(*) AS compared, count(*) FILTER (WHERE rolled <> current) AS mismatches
FROM (SELECT period_number, current_total(rollup(s)) AS rolled FROM stored WHERE amount = 'day money' GROUP BY period_number) AS r
	JOIN (SELECT period_number, sum(current) AS current FROM oracle WHERE amount = 'day money' GROUP BY period_number) AS o USING (period_number);
SELECT period_summary(day, '[2000-01-01,2010-01-01)') FROM dated WHERE n < 0;
SELECT outcome($$SELECT year_on_year(day, CASE WHEN n % 2 = 0 THEN daterange '[2000-01-01,2010-01-01)'
	ELSE '[2001-01-01,2010-01-01)' END) FROM dated$$) LIKE '22023 %different periods%' AS refused;
SET max_parallel_workers_per_gather = 0;
SET enable_partitionwise_aggregate = on;
SELECT plan_has('TABLE by_group', '"Append"', '"Partial Mode": "Partial"') AS is_partitionwise;
SELECT count(*) AS groups, count(*) FILTER (WHERE partial::text <> serial::text) AS mismatches
FROM by_group AS partial JOIN serial USING (g);
RESET enable_partitionwise_aggregate;
CREATE VIEW each_row AS SELECT n, measured, period_summary(at, '[2000-01-01,2010-01-01)', measured) AS s,
	period_summary(day, '[2000-01-01,2010-01-01)', money) AS s_money FROM dated GROUP BY GROUPING SETS ((n, measured), ());
SET enable_sort = off;
SET work_mem = '64kB';
SELECT count(*) AS groups, count(*) FILTER (WHERE n IS NULL) AS whole,
	sum(current_total(s)) FILTER (WHERE n IS NOT NULL) = max(current_total(s)) FILTER (WHERE n IS NULL) AS same,
	sum(previous_total(s_money)) FILTER (WHERE n IS NOT NULL) = max(previous_total(s_money)) FILTER (WHERE n IS NULL) AS same_money
FROM each_row;
RESET work_mem;
RESET enable_sort;

-- Moving windows: each frame against the same aggregate over the frame's rows alone.
CREATE TABLE sequence AS
SELECT n, region % 3 AS part, region, day, at, CASE WHEN n % 50 = 0 THEN NULL ELSE whole END AS whole,
	CASE WHEN n % 40 = 7 THEN 'NaN' ELSE money END AS money,
	CASE n % 47 WHEN 11 THEN 'NaN' WHEN 12 THEN 'Infinity' WHEN 31 THEN '-Infinity' ELSE measured END AS measured
FROM disputes WHERE n <= 300;
ALTER TABLE sequence ADD s period_comparison, ADD s_measured period_comparison;
UPDATE sequence SET s = single.s, s_measured = single.s_measured
FROM (SELECT n, period_summary(day, '[2000-01-01,2015-01-01)', interval '10 years', money) AS s,
	period_summary(day, '[2000-01-01,2015-01-01)', interval '10 years', measured) AS s_measured FROM sequence GROUP BY n) AS single
WHERE single.n = sequence.n AND single.n % 9 <> 0;
CREATE FUNCTION window_mismatches(aggregate text, frame text, OUT compared int8, OUT mismatches int8, OUT not_null boolean)
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format($query$
		SELECT count(*), count(*) FILTER (WHERE (change(moved), current_total(moved), previous_total(moved))
			IS DISTINCT FROM (change(again), current_total(again), previous_total(again))), count(change(moved)) > 100
		FROM (SELECT n, %1$s OVER w AS moved, coalesce(array_agg(n) OVER w, '{}') AS rows FROM sequence
				WINDOW w AS (PARTITION BY part ORDER BY %2$s)) AS windows,
			LATERAL (SELECT %1$s AS again FROM sequence AS inner_rows WHERE inner_rows.n = ANY (rows)) AS recomputed$query$,
		aggregate, frame) INTO compared, mismatches, not_null;
END
$$;
-- Infinite totals are numeric from 14 on, so the float8 aggregates here leave them to
-- the next test.
SELECT aggregate, frame, compared, mismatches, not_null
FROM unnest(ARRAY['period_summary(day, P)', 'period_summary(at, P)', 'period_summary(at::timestamp, P, whole)',
		'period_summary(day, P, whole::int8)', 'period_summary(day, P, money)',
		$$period_summary(day, P, nullif(nullif(measured, 'Infinity'), '-Infinity'))$$, 'rollup(s)']) AS aggregate,
	unnest(ARRAY['n ROWS UNBOUNDED PRECEDING', 'n ROWS BETWEEN 30 PRECEDING AND CURRENT ROW',
		'n ROWS BETWEEN 2 FOLLOWING AND 40 FOLLOWING', 'n ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING',
		'region RANGE BETWEEN 3 PRECEDING AND CURRENT ROW', 'n ROWS BETWEEN 9 PRECEDING AND 25 FOLLOWING EXCLUDE CURRENT ROW',
		'region GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE TIES']) AS frame,
	window_mismatches(replace(aggregate, 'P', $$'[2000-01-01,2015-01-01)', interval '10 years'$$), frame)
ORDER BY aggregate, frame;
-- Change alone, with all that float8 has: once an infinity has left the frame, its
-- figure is that of the finite rows again.
CREATE FUNCTION change_mismatches(aggregate text, frame text, OUT compared int8, OUT mismatches int8, OUT finite boolean, OUT not_finite boolean)
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format($query$
		SELECT count(*), count(*) FILTER (WHERE moved IS DISTINCT FROM again),
			count(*) FILTER (WHERE abs(moved) < 'Infinity') > 30, count(*) FILTER (WHERE NOT abs(moved) < 'Infinity') > 30
		FROM (SELECT n, %1$s OVER w AS moved, coalesce(array_agg(n) OVER w, '{}') AS rows FROM sequence
				WINDOW w AS (PARTITION BY part ORDER BY %2$s)) AS windows,
			LATERAL (SELECT %1$s AS again FROM sequence AS inner_rows WHERE inner_rows.n = ANY (rows)) AS recomputed$query$,
		aggregate, frame) INTO compared, mismatches, finite, not_finite;
END
$$;
SELECT aggregate, frame, compared, mismatches, finite, not_finite
FROM unnest(ARRAY['period_change(day, P, measured)', 'period_change(at, P, money)']) AS aggregate,
	unnest(ARRAY['n ROWS BETWEEN 30 PRECEDING AND CURRENT ROW', 'n ROWS BETWEEN 2 FOLLOWING AND 40 FOLLOWING',
		'n ROWS BETWEEN 9 PRECEDING AND 25 FOLLOWING EXCLUDE CURRENT ROW']) AS frame,
	change_mismatches(replace(aggregate, 'P', $$'[2000-01-01,2015-01-01)', interval '10 years'$$), frame)
ORDER BY aggregate, frame;
SELECT count(*) AS compared, count(*) FILTER (WHERE moved::text IS DISTINCT FROM again::text) AS mismatches,
	count(*) FILTER (WHERE moved::text ~ '(NaN|Infinity)') > 50 AS not_finite, count(*) FILTER (WHERE moved::text !~ '(NaN|Infinity)') > 50 AS finite
FROM (SELECT n, rollup(s_measured) OVER w AS moved, array_agg(n) OVER w AS rows FROM sequence
		WINDOW w AS (ORDER BY n ROWS BETWEEN 9 PRECEDING AND CURRENT ROW)) AS windows,
	LATERAL (SELECT rollup(s_measured) AS again FROM sequence AS inner_rows WHERE inner_rows.n = ANY (rows)) AS recomputed;
-- an inverse that cannot tell says so
SELECT period_change_remove('amount=float8 period=[2021-01-01,2022-01-01) back=P12M current=5 previous=5',
		date '2021-05-05', daterange '[2021-01-01,2022-01-01)', 'NaN'::float8) IS NULL AS gives_up,
	period_change_remove('amount=float8 period=[2021-01-01,2022-01-01) back=P12M current=Infinity previous=5',
		date '2021-05-05', daterange '[2021-01-01,2022-01-01)', 5::float8) IS NULL AS gives_up_too,
	period_change_remove('amount=float8 period=[2021-01-01,2022-01-01) back=P12M current=Infinity previous=5',
		date '2020-05-05', daterange '[2021-01-01,2022-01-01)', 4::float8);

-- Every aggregate here can go parallel, move, and travel.
SELECT count(*) AS aggregates, count(*) FILTER (WHERE aggcombinefn = 0 OR aggmtransfn = 0 OR aggminvtransfn = 0
	OR aggtranstype = 'internal'::regtype OR proparallel <> 's' OR obj_description(aggfnoid, 'pg_proc') IS NULL) AS lacking
FROM pg_aggregate JOIN pg_proc AS p ON p.oid = aggfnoid WHERE p.proname IN ('year_on_year', 'month_on_month', 'period_change',
	'period_summary', 'rollup', 'resolution_rate', 'resolution_summary') AND p.pronamespace = 'govcase'::regnamespace;
SELECT provolatile, count(*), count(*) FILTER (WHERE proargtypes[1] = 'timestamptz'::regtype) AS of_timestamptz
FROM pg_proc WHERE proname ~ '_(accumulate|remove)$' AND pronamespace = 'govcase'::regnamespace GROUP BY 1 ORDER BY 1;

\set QUIET on
SET client_min_messages = warning;
DROP VIEW each_row, by_group;
DROP TABLE figures, oracle, some_periods, incidents, amounts, moments, disputes, stored, dated, serial, sequence;
DROP TABLE sample;
DROP FUNCTION signature_mismatches(), earlier_by_hand(daterange, interval), outcome(text), plan_has(text, text[]), window_mismatches(text, text),
	change_mismatches(text, text);
