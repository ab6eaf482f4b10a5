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

-- The earlier period, by hand.
SELECT period, back, earlier_period(period::daterange, back::interval) FROM (VALUES
	('[2021-01-01,2022-01-01)', '1 year'),
	('[2020-01-01,2021-01-01)', '1 year'),
	('[2024-02-01,2024-03-01)', '1 year'),		-- all of February
	('[2023-02-01,2023-03-01)', '1 year'),
	('[2025-02-01,2025-03-01)', '1 year'),		-- has 29 days the year before
	('[2024-02-01,2024-02-29)', '1 year'),		-- 1 to 28 February
	('[2024-02-29,2024-03-01)', '1 year'),
	('[2024-02-28,2024-02-29)', '1 year'),
	('[2023-03-30,2023-03-31)', '1 month'),		-- 30 March: 28 February
	('[2023-03-01,2023-04-01)', '1 month'),
	('[2023-03-01,2023-03-31)', '1 month'),		-- 1 to 30 March: all of February
	('[2023-05-31,2023-06-01)', '1 month'),
	('[2023-03-15,2023-04-10)', '1 month'),
	('[2023-01-01,2023-02-01)', '1 month'),
	('[2023-01-01,2023-04-01)', '3 months'),
	('[2023-01-02,2023-01-09)', '7 days'),
	('[2024-03-31,2024-04-01)', '1 month 1 day'),
	('[0001-01-01,0001-02-01)', '1 month'),		-- there is no year 0
	('[0001-02-01 BC,0001-03-01 BC)', '1 year')) AS v (period, back);
SELECT earlier_period(NULL, '1 year'), earlier_period('[2021-01-01,2022-01-01)', NULL);

-- The same rule in plain SQL, for random periods over leap years and ends of
-- months.
CREATE FUNCTION earlier_by_hand(period daterange, back interval) RETURNS daterange
LANGUAGE sql IMMUTABLE AS $$
	SELECT daterange((lower(period) - back)::date,
		CASE WHEN extract(day FROM upper(period)) = 1 THEN (upper(period) - back)::date
			ELSE ((upper(period) - 1) - back)::date + 1 END)
$$;
SELECT setseed(0.2022) IS NOT NULL AS seeded;
CREATE TABLE periods AS
SELECT n, daterange(day, day + length) AS period, back FROM (
	SELECT n, CASE n % 4
			-- any day, an end of a month, about one, about the end of February
			WHEN 0 THEN date '1990-01-01' + floor(random() * 15000)::int
			WHEN 1 THEN (date '1990-01-01' + floor(random() * 500)::int * interval '1 month')::date - 1
			WHEN 2 THEN (date '1990-01-01' + floor(random() * 500)::int * interval '1 month')::date
				- floor(random() * 4)::int
			ELSE (date '1990-03-01' + floor(random() * 40)::int * interval '1 year')::date
				- floor(random() * 4)::int END AS day,
		CASE n % 3 WHEN 0 THEN 1 + floor(random() * 4)::int
			WHEN 1 THEN 26 + floor(random() * 8)::int ELSE 1 + floor(random() * 800)::int END AS length,
		CASE n % 5 WHEN 0 THEN interval '1 year' WHEN 1 THEN interval '1 month'
			WHEN 2 THEN floor(random() * 40)::int * interval '1 month' + interval '1 day'
			WHEN 3 THEN (1 + floor(random() * 40)::int) * interval '1 month'
			ELSE (1 + floor(random() * 500)::int) * interval '1 day' END AS back
	FROM generate_series(1, 6000) AS n) AS random_periods;
SELECT count(*) AS compared, count(*) FILTER (WHERE extract(day FROM upper(period)) = 1) > 500
		AS many_to_month_end,
	count(*) FILTER (WHERE earlier_period(period, back) <> earlier_by_hand(period, back)) AS mismatches,
	count(*) FILTER (WHERE isempty(earlier_period(period, back))
		OR NOT earlier_period(period, back) << daterange(upper(period), NULL)) AS impossible
FROM periods;
-- consecutive months stay consecutive
SELECT count(*) AS compared, count(*) FILTER (WHERE NOT
	earlier_period(daterange(a, b), '1 year') -|- earlier_period(daterange(b, c), '1 year')) AS mismatches
FROM (SELECT day::date AS a, (day + interval '1 month')::date AS b, (day + interval '2 months')::date AS c
	FROM generate_series(timestamp '1999-01-01', '2030-01-01', '1 month') AS day) AS months;

-- What has no earlier period.
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
SELECT period, back, outcome(format('SELECT earlier_period(%L, %L)', period, back)) FROM (VALUES
	('empty', '1 year'), ('[2021-01-01,)', '1 year'), ('(,2021-01-01]', '1 year'), ('(,)', '1 year'),
	('[2021-01-01,infinity)', '1 year'), ('[-infinity,2021-01-01)', '1 year'),
	('[2021-01-01,2022-01-01)', '0'), ('[2021-01-01,2022-01-01)', '-1 day'), ('[2021-01-01,2022-01-01)', '1 year -1 day'),
	('[2021-01-01,2022-01-01)', '1 second'), ('[2021-01-01,2022-01-01)', '1 month 1 second'),
	('[2021-01-01,2022-01-01)', '-1 month 40 days'), ('[4713-01-01 BC,4712-01-01 BC)', '1 year')) AS v (period, back);

-- What can be read from a comparison.  (7 - 8) / 8, (-6 - 4) / 4, (2.5 - -10) / -10,
-- (0.75 - 0.5) / 0.5; nothing against nothing; a total that is no number.
SELECT change(s), current_total(s), previous_total(s), current_period(s), previous_period(s)
FROM unnest(ARRAY[
	'amount=count period=[2024-02-01,2024-03-01) back=P12M current=7 previous=8',
	'amount=integer period=[2024-02-01,2024-03-01) back=P1M current=-6 previous=4',
	'amount=numeric period=[2024-02-01,2024-03-01) back=P7D current=2.50 previous=-10',
	'amount=float8 period=[2024-02-01,2024-03-01) back=P1M1D current=0.75 previous=0.5',
	'amount=count period=[2024-02-01,2024-03-01) back=P12M current=7 previous=0',
	'amount=integer period=[2024-02-01,2024-03-01) back=P12M current=7 previous=0',
	'amount=numeric period=[2024-02-01,2024-03-01) back=P12M current=7 previous=0.00',
	'amount=float8 period=[2024-02-01,2024-03-01) back=P12M current=7 previous=-0',
	'amount=numeric period=[2024-02-01,2024-03-01) back=P12M current=7 previous=NaN',
	'amount=float8 period=[2024-02-01,2024-03-01) back=P12M current=NaN previous=2',
	NULL]::period_comparison[]) AS s;
-- totals that no float8 holds, too large and too small
SELECT change(s) FROM unnest(ARRAY[
	'amount=numeric period=[2024-02-01,2024-03-01) back=P12M current=3' || repeat('0', 400) || ' previous=2' || repeat('0', 400),
	'amount=numeric period=[2024-02-01,2024-03-01) back=P12M current=0.' || repeat('0', 400) || '3 previous=0.' || repeat('0', 400) || '2']::period_comparison[]) AS s;
-- the largest integers there are, the difference of which does not fit
SELECT change(s), current_total(s), previous_total(s) FROM (VALUES (period_comparison
	'amount=integer period=[2024-02-01,2024-03-01) back=P12M current=-170141183460469231731687303715884105728 previous=170141183460469231731687303715884105727'))
	AS v (s) \gx

-- Sums: of one period and one kind of amount.
SELECT rollup(s) FROM (VALUES (NULL::period_comparison), (NULL)) AS v (s);
SELECT rollup(s) FROM (VALUES (NULL::period_comparison),
	('amount=integer period=[2021-01-01,2022-01-01) back=P12M current=-3 previous=122'), (NULL),
	('amount=integer period=[2021-01-01,2022-01-01) back=P12M current=9223372036854775807 previous=-200')) AS v (s);
SELECT rollup(s::period_comparison) FROM (VALUES
	('amount=count period=[2021-01-01,2022-01-01) back=P12M current=3 previous=122'),
	('amount=count period=[2021-01-01,2021-12-31) back=P12M current=3 previous=122')) AS v (s);
SELECT rollup(s::period_comparison) FROM (VALUES
	('amount=count period=[2021-01-01,2022-01-01) back=P12M current=3 previous=122'),
	('amount=count period=[2021-01-01,2022-01-01) back=P365D current=3 previous=122')) AS v (s);
SELECT rollup(s::period_comparison) FROM (VALUES
	('amount=count period=[2021-01-01,2022-01-01) back=P12M current=3 previous=122'),
	('amount=float8 period=[2021-01-01,2022-01-01) back=P12M current=3 previous=122')) AS v (s);
SELECT rollup(s::period_comparison) FROM (VALUES
	('amount=count period=[2021-01-01,2022-01-01) back=P12M current=9223372036854775807 previous=122'),
	('amount=count period=[2021-01-01,2022-01-01) back=P12M current=1 previous=122')) AS v (s);
SELECT rollup(s::period_comparison) FROM (VALUES
	('amount=integer period=[2021-01-01,2022-01-01) back=P12M current=170141183460469231731687303715884105727 previous=0'),
	('amount=integer period=[2021-01-01,2022-01-01) back=P12M current=1 previous=0')) AS v (s);
-- what a float8 sum has lost to rounding is added up too
SELECT rollup(s::period_comparison) FROM (VALUES
	('amount=float8 period=[2021-01-01,2022-01-01) back=P12M current=1e+100+1 previous=0.5'),
	('amount=float8 period=[2021-01-01,2022-01-01) back=P12M current=-1e+100 previous=0.25')) AS v (s);
-- what was 100 after 50 is 30 after 40 without the part that is 70 after 10
SELECT kind, period_comparison_add(s, part) AS sum, period_comparison_subtract(s, part) AS rest, s AS again
FROM unnest(ARRAY['count', 'integer', 'numeric', 'float8']) AS kind,
	LATERAL (SELECT format('amount=%s period=[2021-01-01,2022-01-01) back=P12M current=100 previous=50', kind)::period_comparison AS s,
		format('amount=%s period=[2021-01-01,2022-01-01) back=P12M current=70 previous=10', kind)::period_comparison AS part) AS v \gx
SELECT period_comparison_subtract('amount=count period=[2021-01-01,2022-01-01) back=P12M current=3 previous=5',
	'amount=count period=[2021-01-01,2022-01-01) back=P12M current=4 previous=5');
SELECT period_comparison_subtract('amount=count period=[2021-01-01,2022-01-01) back=P12M current=3 previous=5',
	'amount=count period=[2021-01-01,2022-01-02) back=P12M current=3 previous=5');
SELECT period_comparison_subtract('amount=float8 period=[2021-01-01,2022-01-01) back=P12M current=Infinity previous=5',
	'amount=float8 period=[2021-01-01,2022-01-01) back=P12M current=Infinity previous=5') IS NULL AS cannot_tell;

-- Text and binary: what is written comes back.
CREATE TABLE stored AS
SELECT n, format('amount=%s period=%s back=%s current=%s previous=%s', (ARRAY['count', 'integer', 'numeric', 'float8'])[1 + n % 4],
	period, (ARRAY['P12M', 'P1M', 'P30D', 'P2M3D', 'P100M1D'])[1 + n % 5], CASE n % 4 WHEN 0 THEN floor(random() * 1e9)::int8::text
		WHEN 1 THEN floor(random() * 1e9 - 5e8)::int8 || '00000000000000000000' WHEN 2 THEN round(random()::numeric, 9)::text
		ELSE ((random() - 0.5) * 1e9)::text END, n) AS text FROM periods;
ALTER TABLE stored ADD s period_comparison;
UPDATE stored SET s = text::period_comparison;
SELECT count(*) AS compared, count(*) FILTER (WHERE s::text <> text) AS mismatches FROM stored;
SET DateStyle = 'SQL, DMY';
SET extra_float_digits = -15;
SELECT s::text = t AS same FROM (SELECT t, t::period_comparison AS s FROM unnest(ARRAY[
	'amount=count period=[2021-01-01,2022-01-01) back=P12M current=9223372036854775807 previous=0',
	'amount=integer period=[2021-01-01,2022-01-01) back=P1M3D current=-170141183460469231731687303715884105728 previous=170141183460469231731687303715884105727',
	'amount=integer period=[4713-12-01 BC,5874897-12-31) back=P1D current=-18446744073709551616 previous=18446744073709551615',
	'amount=numeric period=[0044-03-15 BC,0044-03-16 BC) back=P30D current=-0.00000000000000000001 previous=12345678901234567890.1200',
	'amount=numeric period=[2021-01-01,2022-01-01) back=P1M current=NaN previous=NaN',
	'amount=float8 period=[2021-01-01,2022-01-01) back=P1M current=0.1+1e-18 previous=1e+100-1',
	'amount=float8 period=[2021-01-01,2022-01-01) back=P1M current=-Infinity previous=NaN',
	'amount=float8 period=[12021-01-01,12022-01-01) back=P1M current=Infinity previous=-1.7976931348623157e+308']) AS t) AS v;
RESET extra_float_digits;
SET DateStyle = 'ISO, YMD';
SELECT period_comparison e' amount=count\n\tperiod=[2021-01-01,2022-01-01)  back=P12M current=3 previous=007 ';
SELECT input, outcome(format('SELECT %L::govcase.period_comparison', 'amount=' || input)) LIKE
	'22P02 invalid input syntax for type period_comparison: "amount=' || input || '"' AS refused
FROM unnest(ARRAY['', 'count',
	'many period=[2021-01-01,2022-01-01) back=P12M current=3 previous=122',
	'count period=2021 back=P12M current=3 previous=122',
	'count period=(2021-01-01,2022-01-01) back=P12M current=3 previous=122',
	'count period=[2021-01-01,2022-01-01] back=P12M current=3 previous=122',
	'count period=[2021-01-01,2021-01-01) back=P12M current=3 previous=122',
	'count period=[2022-01-01,2021-01-01) back=P12M current=3 previous=122',
	'count period=[2021-02-29,2022-01-01) back=P12M current=3 previous=122',
	'count period=[2021-13-01,2022-01-01) back=P12M current=3 previous=122',
	'count period=[2021-00-01,2022-01-01) back=P12M current=3 previous=122',
	'count period=[0000-01-01,2022-01-01) back=P12M current=3 previous=122',
	'count period=[-2021-01-01,2022-01-01) back=P12M current=3 previous=122',
	'count period=[99999999-01-01,99999999-02-01) back=P12M current=3 previous=122',
	'count period=[-infinity,2022-01-01) back=P12M current=3 previous=122',
	'count period=[2021-01-01,) back=P12M current=3 previous=122',
	'count period=empty back=P12M current=3 previous=122',
	'count period=[2021-01-01,2022-01-01) back=P current=3 previous=122',
	'count period=[2021-01-01,2022-01-01) back=P0M current=3 previous=122',
	'count period=[2021-01-01,2022-01-01) back=P-1M current=3 previous=122',
	'count period=[2021-01-01,2022-01-01) back=P1Y current=3 previous=122',
	'count period=[2021-01-01,2022-01-01) back=P1D1M current=3 previous=122',
	'count period=[2021-01-01,2022-01-01) back=PT1H current=3 previous=122',
	'count period=[2021-01-01,2022-01-01) back=P1 current=3 previous=122',
	'count period=[2021-01-01,2022-01-01) back=P99999999999M current=3 previous=122',
	'count period=[2021-01-01,2022-01-01) back=P120000M current=3 previous=122',
	'count period=[2021-01-01,2022-01-01) back=P12M current= previous=122',
	'count period=[2021-01-01,2022-01-01) back=P12M current=3',
	'count period=[2021-01-01,2022-01-01) back=P12M current=-3 previous=122',
	'count period=[2021-01-01,2022-01-01) back=P12M current=3.0 previous=122',
	'count period=[2021-01-01,2022-01-01) back=P12M current=9223372036854775808 previous=122',
	'count period=[2021-01-01,2022-01-01) back=P12M current=3 previous=122 more',
	'integer period=[2021-01-01,2022-01-01) back=P12M current=- previous=122',
	'integer period=[2021-01-01,2022-01-01) back=P12M current=170141183460469231731687303715884105728 previous=122',
	'numeric period=[2021-01-01,2022-01-01) back=P12M current=1e5 previous=122',
	'numeric period=[2021-01-01,2022-01-01) back=P12M current=1. previous=122',
	'numeric period=[2021-01-01,2022-01-01) back=P12M current=-NaN previous=122',
	'float8 period=[2021-01-01,2022-01-01) back=P12M current=1e999 previous=122',
	'float8 period=[2021-01-01,2022-01-01) back=P12M current=0x10 previous=122',
	'float8 period=[2021-01-01,2022-01-01) back=P12M current=1+NaN previous=122',
	'float8 period=[2021-01-01,2022-01-01) back=P12M current=1+2+3 previous=122',
	'float8 period=[2021-01-01,2022-01-01) back=P12M current=nan previous=122']) AS input;
SELECT period_comparison 'amount=count period=[2021-01-01,2022-01-01)';

CREATE TABLE received (s period_comparison);
\copy (SELECT s FROM stored) TO 'test/results/period_comparison.bin' (FORMAT binary)
\copy received FROM 'test/results/period_comparison.bin' (FORMAT binary)
SELECT (SELECT count(*) FROM received) = (SELECT count(*) FROM stored) AS all_received, count(*) AS lost
FROM (SELECT s::text FROM stored EXCEPT ALL SELECT s::text FROM received) AS d;
TRUNCATE received;
SELECT amount, period_comparison_send(s::period_comparison) FROM (VALUES
	('count', 'amount=count period=[2000-01-02,2000-01-03) back=P1M2D current=3 previous=4'),
	('integer', 'amount=integer period=[2000-01-02,2000-01-03) back=P1M2D current=-1 previous=4'),
	('numeric', 'amount=numeric period=[2000-01-02,2000-01-03) back=P1M2D current=1.5 previous=0'),
	('float8', 'amount=float8 period=[2000-01-02,2000-01-03) back=P1M2D current=1.5 previous=0')) AS v (amount, s);
-- A later version; an unknown amount; a period that is empty, upside down, infinite; a
-- negative, an empty and a too long back; a count that is negative; a sum whose rest is
-- not a number; a byte too few and one too many.
\copy (SELECT '\x0201'::bytea || '\x0000000100000002' || '\x0000000100000002' || '\x0000000000000000000000000000000300000000000000000000000000000004') TO 'test/results/period_comparison.bin' (FORMAT binary)
\copy received FROM 'test/results/period_comparison.bin' (FORMAT binary)
\copy (SELECT '\x0105'::bytea || '\x0000000100000002' || '\x0000000100000002' || '\x0000000000000000000000000000000300000000000000000000000000000004') TO 'test/results/period_comparison.bin' (FORMAT binary)
\copy received FROM 'test/results/period_comparison.bin' (FORMAT binary)
\copy (SELECT '\x0101'::bytea || '\x0000000100000001' || '\x0000000100000002' || '\x0000000000000000000000000000000300000000000000000000000000000004') TO 'test/results/period_comparison.bin' (FORMAT binary)
\copy received FROM 'test/results/period_comparison.bin' (FORMAT binary)
\copy (SELECT '\x0101'::bytea || '\x0000000200000001' || '\x0000000100000002' || '\x0000000000000000000000000000000300000000000000000000000000000004') TO 'test/results/period_comparison.bin' (FORMAT binary)
\copy received FROM 'test/results/period_comparison.bin' (FORMAT binary)
\copy (SELECT '\x0101'::bytea || '\x000000017fffffff' || '\x0000000100000002' || '\x0000000000000000000000000000000300000000000000000000000000000004') TO 'test/results/period_comparison.bin' (FORMAT binary)
\copy received FROM 'test/results/period_comparison.bin' (FORMAT binary)
\copy (SELECT '\x0101'::bytea || '\x0000000100000002' || '\xffffffff00000002' || '\x0000000000000000000000000000000300000000000000000000000000000004') TO 'test/results/period_comparison.bin' (FORMAT binary)
\copy received FROM 'test/results/period_comparison.bin' (FORMAT binary)
\copy (SELECT '\x0101'::bytea || '\x0000000100000002' || '\x0000000000000000' || '\x0000000000000000000000000000000300000000000000000000000000000004') TO 'test/results/period_comparison.bin' (FORMAT binary)
\copy received FROM 'test/results/period_comparison.bin' (FORMAT binary)
\copy (SELECT '\x0101'::bytea || '\x0000000100000002' || '\x7fffffff7fffffff' || '\x0000000000000000000000000000000300000000000000000000000000000004') TO 'test/results/period_comparison.bin' (FORMAT binary)
\copy received FROM 'test/results/period_comparison.bin' (FORMAT binary)
\copy (SELECT '\x0101'::bytea || '\x0000000100000002' || '\x0000000100000002' || '\xffffffffffffffff000000000000000300000000000000000000000000000004') TO 'test/results/period_comparison.bin' (FORMAT binary)
\copy received FROM 'test/results/period_comparison.bin' (FORMAT binary)
\copy (SELECT '\x0104'::bytea || '\x0000000100000002' || '\x0000000100000002' || '\x00000000000000007ff800000000000000000000000000000000000000000000') TO 'test/results/period_comparison.bin' (FORMAT binary)
\copy received FROM 'test/results/period_comparison.bin' (FORMAT binary)
\copy (SELECT '\x0101'::bytea || '\x0000000100000002' || '\x0000000100000002' || '\x00000000000000000000000000000003000000000000000000000000000000') TO 'test/results/period_comparison.bin' (FORMAT binary)
\copy received FROM 'test/results/period_comparison.bin' (FORMAT binary)
\copy (SELECT '\x0101'::bytea || '\x0000000100000002' || '\x0000000100000002' || '\x000000000000000000000000000000030000000000000000000000000000000400') TO 'test/results/period_comparison.bin' (FORMAT binary)
\copy received FROM 'test/results/period_comparison.bin' (FORMAT binary)
SELECT count(*) FROM received;

\set QUIET on
SET client_min_messages = warning;
DROP TABLE periods, stored, received;
DROP FUNCTION earlier_by_hand(daterange, interval), outcome(text);
