\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS govcase CASCADE;
RESET client_min_messages;
\set QUIET off
\set ECHO all
SET search_path = govcase, public;

-- The published year: 21,827 disputes handled, 20,998 of them resolved.  Half of
-- the resolved are only assessed yet; 600 are open; three entries were voided.
CREATE TABLE published (state case_state);
INSERT INTO published SELECT 'closed' FROM generate_series(1, 10499);
INSERT INTO published SELECT 'assessed' FROM generate_series(1, 10499);
INSERT INTO published SELECT 'transferred' FROM generate_series(1, 829);
INSERT INTO published SELECT 'fed_back' FROM generate_series(1, 600);
INSERT INTO published SELECT 'voided' FROM generate_series(1, 3);
INSERT INTO published VALUES (NULL);
SELECT percent(resolution_rate(state)) FROM published;
SELECT resolution_summary(state) FROM published;
-- 20,998 of 22,427 registered are resolved, 21,827 of them handled; three more
-- digits by long division: 93.628, 97.325
SELECT resolved(s), transferred(s), handled(s), pending(s), registered(s), voided(s),
	percent(rate(s)), percent(resolved_share(s), 3), percent(handled_share(s), 3)
FROM (SELECT resolution_summary(state) AS s FROM published) AS year;
-- A table that only knows of its handled cases whether they were resolved.
SELECT percent(resolution_rate(is_resolved(state))) FROM published WHERE is_handled(state);
SELECT resolution_rate(flag) FROM (VALUES (true), (true), (NULL), (true), (false)) AS v (flag);

-- Each state counts where the predicates of case_state say.
SELECT state, resolution_summary(state) FROM unnest(ARRAY['collected', 'assigned', 'handling',
	'supervised', 'fed_back', 'assessed', 'closed', 'transferred', 'voided']::case_state[])
	AS state GROUP BY state ORDER BY state;

-- Nothing handled has no rate; no rows at all are a summary of zeros.
SELECT resolution_summary(state), resolution_rate(state) FROM published WHERE false;
SELECT rate(s), resolved_share(s), handled_share(s)
FROM (VALUES (resolution 'resolved=0 transferred=0 open=4 voided=1'),
	('resolved=0 transferred=0 open=0 voided=9'), (NULL)) AS v (s);
SELECT resolution_rate(state), resolution_rate(is_resolved(state)) FROM published
WHERE state IS NULL;
SELECT rollup(s) FROM (VALUES (NULL::resolution)) AS v (s);

-- Summaries add up.
SELECT resolution 'resolved=1 transferred=20 open=300 voided=4000'
	+ 'resolved=5 transferred=60 open=700 voided=8000' AS sum;
SELECT resolution 'resolved=1 transferred=20 open=300 voided=4000' + NULL AS sum;
SELECT rollup(s) FROM (VALUES (resolution 'resolved=1 transferred=20 open=300 voided=4000'),
	(NULL), ('resolved=5 transferred=60 open=700 voided=8000')) AS v (s);
SELECT resolution 'resolved=9223372036854775806 transferred=0 open=0 voided=0'
	+ 'resolved=1 transferred=0 open=0 voided=0' AS sum;
SELECT resolution 'resolved=9223372036854775806 transferred=0 open=0 voided=0'
	+ 'resolved=0 transferred=0 open=1 voided=1' AS sum;
SELECT rollup(s) FROM (VALUES
	(resolution 'resolved=9223372036854775807 transferred=0 open=0 voided=0'),
	('resolved=1 transferred=0 open=0 voided=0')) AS v (s);
-- The functions behind the aggregates change nothing that is not theirs.
SELECT s, resolution_accumulate(s, 'closed'::case_state), resolution_accumulate(s, false),
	resolution_remove(s, 'closed'::case_state), resolution_remove(s, false), s + s,
	resolution_subtract(s, s), s AS again
FROM (SELECT resolution 'resolved=1 transferred=2 open=3 voided=4' AS s OFFSET 0) AS v \gx
SELECT resolution_remove('resolved=0 transferred=2 open=3 voided=4', true);
SELECT resolution_subtract('resolved=3 transferred=2 open=3 voided=4',
	'resolved=0 transferred=3 open=0 voided=0');
SELECT resolution_accumulate('resolved=9223372036854775807 transferred=0 open=0 voided=0', true);

-- The text: any blanks between fields, nothing else.
SELECT resolution e' \n resolved=007\ttransferred=0   open=9223372036854775800 voided=-0 ';
CREATE FUNCTION refusal(type text, input text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('SELECT %L::govcase.%I', input, type);
	RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
	RETURN sqlstate || ' ' || split_part(sqlerrm, ': "', 1);
END
$$;
SELECT input, refusal('resolution', input) FROM unnest(ARRAY[
	'', ' ', 'resolved', 'resolved=', 'resolved=1', 'resolved=1 transferred=2 open=3',
	'resolved=1 transferred=2 open=3 voided=', 'resolved=1 transferred=2 open=3 voided=4 5',
	'resolved=1 transferred=2 open=3 voided=4x', 'resolved=1 transferred=2 open=3voided=4',
	'resolved=1.0 transferred=2 open=3 voided=4', 'resolved=+1 transferred=2 open=3 voided=4',
	'resolved= 1 transferred=2 open=3 voided=4', 'resolved=1e3 transferred=2 open=3 voided=4',
	'transferred=2 resolved=1 open=3 voided=4', 'Resolved=1 transferred=2 open=3 voided=4',
	'resolved=-1 transferred=2 open=3 voided=4', 'resolved=1 transferred=2 open=3 voided=-4',
	'resolved=9223372036854775808 transferred=0 open=0 voided=0',
	'resolved=99999999999999999999999 transferred=0 open=0 voided=0',
	'resolved=9223372036854775807 transferred=0 open=0 voided=1',
	'resolved=9223372036854775807 transferred=0 open=0 voided=0']) AS input;
SELECT resolution 'resolved=1 transferred=2';
SELECT resolution 'resolved=1 transferred=2 open=-3 voided=4';

-- Equality is enough for DISTINCT, whichever way it is done.
SELECT s = s AS same, s <> s AS other, s = s + s AS same_as_double, s <> s + s AS other_than_double
FROM (VALUES (resolution 'resolved=1 transferred=2 open=3 voided=4')) AS v (s);
SELECT count(*) FROM (SELECT DISTINCT format('resolved=%s transferred=0 open=0 voided=0',
	n % 7)::resolution FROM generate_series(1, 100) AS n) AS d;
SELECT count(*) AS equal, count(*) FILTER (WHERE resolution_hash(a) = resolution_hash(b)
	AND resolution_hash_extended(a, 7) = resolution_hash_extended(b, 7)) AS equal_hashes
FROM (SELECT format('resolved=%s transferred=0 open=0 voided=0', n)::resolution AS a,
	format('resolved=0%s transferred=0 open=0 voided=0', n)::resolution AS b
	FROM generate_series(1, 50) AS n) AS v WHERE a = b;

-- Binary: what is sent comes back, and nothing else is let in.
CREATE TABLE sent (s resolution);
CREATE TABLE received (s resolution);
INSERT INTO sent VALUES ('resolved=20998 transferred=829 open=600 voided=3'), (NULL),
	('resolved=0 transferred=0 open=0 voided=0'),
	('resolved=0 transferred=9223372036854775807 open=0 voided=0');
SELECT resolution_send(s) FROM sent;
\copy sent TO 'test/results/resolution.bin' (FORMAT binary)
\copy received FROM 'test/results/resolution.bin' (FORMAT binary)
SELECT count(*), (SELECT count(*) FROM (TABLE sent EXCEPT ALL TABLE received) AS d) AS lost
FROM received;
-- a version of the future, a negative count, a sum that overflows, a byte too
-- few and one too many
\copy (SELECT '\x00000002000000000000000100000000000000010000000000000001'::bytea || '\x0000000000000001') TO 'test/results/resolution.bin' (FORMAT binary)
\copy received FROM 'test/results/resolution.bin' (FORMAT binary)
\copy (SELECT '\x000000010000000000000001ffffffffffffffff0000000000000001'::bytea || '\x0000000000000001') TO 'test/results/resolution.bin' (FORMAT binary)
\copy received FROM 'test/results/resolution.bin' (FORMAT binary)
\copy (SELECT '\x000000017fffffffffffffff00000000000000010000000000000000'::bytea || '\x0000000000000000') TO 'test/results/resolution.bin' (FORMAT binary)
\copy received FROM 'test/results/resolution.bin' (FORMAT binary)
\copy (SELECT '\x00000001000000000000000100000000000000010000000000000001'::bytea || '\x00000000000001') TO 'test/results/resolution.bin' (FORMAT binary)
\copy received FROM 'test/results/resolution.bin' (FORMAT binary)
\copy (SELECT '\x00000001000000000000000100000000000000010000000000000001'::bytea || '\x000000000000000100') TO 'test/results/resolution.bin' (FORMAT binary)
\copy received FROM 'test/results/resolution.bin' (FORMAT binary)
SELECT count(*) FROM received;

-- Ten thousand random cases in five hundred random groups, against plain SQL.
SELECT setseed(0.2022) IS NOT NULL AS seeded;
CREATE TABLE disputes AS
SELECT n, floor(random() * 50)::int AS region, floor(random() * 10)::int AS month,
	CASE WHEN random() < 0.9 THEN (ARRAY['collected', 'assigned', 'handling', 'supervised',
		'fed_back', 'assessed', 'closed', 'transferred', 'voided'])
		[1 + floor(random() * 9)::int]::case_state END AS state
FROM generate_series(1, 10000) AS n;
-- and a region with an open case only, one with a NULL only
INSERT INTO disputes VALUES (10001, 50, 0, 'handling'), (10002, 51, 0, NULL);
ANALYZE disputes;

CREATE VIEW oracle AS
SELECT region, month, grouping(region, month) AS level,
	count(*) FILTER (WHERE state IN ('assessed', 'closed')) AS resolved,
	count(*) FILTER (WHERE state = 'transferred') AS transferred,
	count(*) FILTER (WHERE state IN ('collected', 'assigned', 'handling', 'supervised',
		'fed_back')) AS pending,
	count(*) FILTER (WHERE state = 'voided') AS voided
FROM disputes GROUP BY ROLLUP (region, month);

CREATE VIEW figures AS
SELECT region, month, grouping(region, month) AS level, resolution_summary(state) AS s,
	resolution_rate(state) AS r, resolution_rate(CASE WHEN is_handled(state) THEN
		is_resolved(state) END) AS r_boolean
FROM disputes GROUP BY ROLLUP (region, month);

CREATE VIEW mismatches AS
SELECT count(*) FILTER (WHERE (resolved(s), transferred(s), pending(s), voided(s), handled(s),
		registered(s))
	IS DISTINCT FROM (o.resolved, o.transferred, o.pending, o.voided,
		o.resolved + o.transferred, o.resolved + o.transferred + o.pending)
	OR (r, r_boolean, rate(s), resolved_share(s), handled_share(s)) IS DISTINCT FROM (
		o.resolved::float8 / nullif(o.resolved + o.transferred, 0),
		o.resolved::float8 / nullif(o.resolved + o.transferred, 0),
		o.resolved::float8 / nullif(o.resolved + o.transferred, 0),
		o.resolved::float8 / nullif(o.resolved + o.transferred + o.pending, 0),
		(o.resolved + o.transferred)::float8
			/ nullif(o.resolved + o.transferred + o.pending, 0))) AS mismatches,
	count(*) FILTER (WHERE level = 0) AS cells, count(*) FILTER (WHERE level = 1) AS regions,
	count(*) FILTER (WHERE level = 3) AS totals, count(r) > 450 AS many_rates
FROM figures JOIN oracle AS o USING (level)
WHERE figures.region IS NOT DISTINCT FROM o.region
	AND figures.month IS NOT DISTINCT FROM o.month;
SELECT * FROM mismatches;
-- the same by sorting only, and by hashing only
SET enable_hashagg = off;
SELECT * FROM mismatches;
RESET enable_hashagg;
SET enable_sort = off;
SELECT * FROM mismatches;
-- Each case by itself, against the predicates of case_state, by a hash
-- aggregate that spills to disk.
CREATE VIEW each_case AS
SELECT n, state, resolution_summary(state) AS s FROM disputes GROUP BY n, state;
CREATE FUNCTION spills(query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	plan text;
BEGIN
	EXECUTE 'EXPLAIN (ANALYZE, FORMAT JSON) ' || query INTO plan;
	RETURN substring(plan FROM '"HashAgg Batches": (\d+)')::int > 1;
END
$$;
SET work_mem = '64kB';
SELECT spills('SELECT * FROM each_case');
SELECT count(*) AS cases, count(state) > 8000 AS many_with_state,
	count(*) FILTER (WHERE (resolved(s), handled(s), pending(s), voided(s)) IS DISTINCT FROM (
		coalesce(is_resolved(state)::int, 0)::int8, coalesce(is_handled(state)::int, 0)::int8,
		coalesce(is_open(state)::int, 0)::int8, coalesce((state = 'voided')::int, 0)::int8))
	AS mismatches
FROM each_case;
RESET work_mem;
RESET enable_sort;

-- Rollup of stored summaries equals the direct figure.
CREATE TABLE monthly AS
SELECT region, month, resolution_summary(state) AS s FROM disputes GROUP BY region, month;
SELECT count(*) AS regions, count(*) FILTER (WHERE rolled <> direct) AS mismatches
FROM (SELECT region, rollup(s) AS rolled FROM monthly GROUP BY region) AS m
	JOIN (SELECT region, resolution_summary(state) AS direct FROM disputes GROUP BY region) AS d
	USING (region);
SELECT (SELECT rollup(s) FROM monthly) = (SELECT resolution_summary(state) FROM disputes)
	AS whole_is_the_same;

-- Parallel plans.
CREATE FUNCTION plan_has(query text, VARIADIC parts text[]) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
	plan text;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan;
	RETURN (SELECT bool_and(position(part IN plan) > 0) FROM unnest(parts) AS part);
END
$$;
SET min_parallel_table_scan_size = 0;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET max_parallel_workers_per_gather = 2;
CREATE VIEW parallel_figures AS
SELECT region, resolution_summary(state) AS s, resolution_rate(state) AS r,
	resolution_rate(state IN ('assessed', 'closed')) FILTER (WHERE is_handled(state)) AS r_boolean
FROM disputes GROUP BY region;
SELECT plan_has('SELECT * FROM parallel_figures', '"Gather', '"Partial Mode": "Partial"',
	'"Partial Mode": "Finalize"') AS is_parallel;
SELECT count(*) AS regions, count(*) FILTER (WHERE
	(resolved(s), transferred(s), pending(s), voided(s), r, r_boolean) IS DISTINCT FROM
	(o.resolved, o.transferred, o.pending, o.voided,
		o.resolved::float8 / nullif(o.resolved + o.transferred, 0),
		o.resolved::float8 / nullif(o.resolved + o.transferred, 0))) AS mismatches
FROM parallel_figures JOIN oracle AS o USING (region) WHERE level = 1;
SELECT plan_has('SELECT rollup(s) FROM monthly', '"Gather', '"Partial Mode": "Partial"')
	AS rollup_is_parallel;
SELECT (SELECT rollup(s) FROM monthly) = (SELECT resolution_summary(state) FROM disputes)
	AS whole_is_the_same;
SET max_parallel_workers_per_gather = 0;

-- Partial aggregates of partitions.
CREATE TABLE by_month (LIKE disputes) PARTITION BY LIST (month);
CREATE TABLE by_month_early PARTITION OF by_month FOR VALUES IN (0, 1, 2, 3, 4);
CREATE TABLE by_month_late PARTITION OF by_month FOR VALUES IN (5, 6, 7, 8);
CREATE TABLE by_month_last PARTITION OF by_month DEFAULT;
INSERT INTO by_month TABLE disputes;
ANALYZE by_month;
SET enable_partitionwise_aggregate = on;
SELECT plan_has('SELECT region, resolution_summary(state) FROM by_month GROUP BY region',
	'"Append"', '"Partial Mode": "Partial"') AS is_partitionwise;
SELECT count(*) AS regions, count(*) FILTER (WHERE a.s <> b.s OR a.r <> b.r
	OR (a.r IS NULL) <> (b.r IS NULL)) AS mismatches
FROM (SELECT region, resolution_summary(state) AS s, resolution_rate(state) AS r
		FROM by_month GROUP BY region) AS a
	JOIN (SELECT region, resolution_summary(state) AS s, resolution_rate(state) AS r
		FROM disputes GROUP BY region) AS b USING (region);
RESET enable_partitionwise_aggregate;

-- Moving windows: each frame against the same aggregate over the frame's rows
-- alone.  Frames that grow, slide, look ahead, run empty and leave out rows.
CREATE TABLE sequence AS
SELECT n, region % 5 AS part, month, state, format('resolved=%s transferred=%s open=%s voided=0',
	n % 3, n % 5, n % 7)::resolution AS s
FROM disputes WHERE n <= 300;
CREATE FUNCTION window_mismatches(aggregate text, argument text, frame text, OUT compared int8,
	OUT mismatches int8, OUT empty boolean) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format($query$
		SELECT count(*), count(*) FILTER (WHERE moved::text IS DISTINCT FROM again::text),
			bool_or(cardinality(rows) = 0)
		FROM (SELECT n, %1$s(%2$s) OVER w AS moved,
				coalesce(array_agg(n) OVER w, '{}') AS rows FROM sequence
				WINDOW w AS (PARTITION BY part ORDER BY %3$s)) AS windows,
			LATERAL (SELECT %1$s(%2$s) AS again FROM sequence AS inner_rows
				WHERE inner_rows.n = ANY (rows)) AS recomputed$query$,
		aggregate, argument, frame) INTO compared, mismatches, empty;
END
$$;
SELECT aggregate, argument, frame, compared, mismatches, empty
FROM (VALUES ('resolution_rate', 'state'), ('resolution_rate', 'is_resolved(state)'),
		('resolution_summary', 'state'), ('rollup', 's')) AS a (aggregate, argument),
	(VALUES ('n ROWS UNBOUNDED PRECEDING'), ('n ROWS BETWEEN 3 PRECEDING AND CURRENT ROW'),
		('n ROWS BETWEEN 2 FOLLOWING AND 9 FOLLOWING'),
		('n ROWS BETWEEN 9 PRECEDING AND 4 PRECEDING'),
		('n ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING'),
		('month RANGE BETWEEN 2 PRECEDING AND 1 FOLLOWING'),
		('month GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW'),
		('n ROWS BETWEEN 5 PRECEDING AND 5 FOLLOWING EXCLUDE CURRENT ROW'),
		('month RANGE BETWEEN 3 PRECEDING AND CURRENT ROW EXCLUDE TIES')) AS f (frame),
	LATERAL window_mismatches(aggregate, argument, frame)
ORDER BY aggregate, argument, frame;
-- by hand: what has left the frame is no longer in the sum
SELECT n, s, rollup(s) OVER (ORDER BY n ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) AS three
FROM sequence WHERE n <= 5;

-- Percent: half away from zero, in the decimals that people see.
SELECT percent(20998 / 21827.0), percent(0.5), percent(1), percent(0), percent(2.5);
-- 89 after 122 is a fall of 33 / 122 = 0.27049, 27 after 41 of 14 / 41 = 0.34146
SELECT percent((89 - 122) / 122.0, 2), percent((27 - 41) / 41.0, 2);
-- 0.0125, 0.1445 and 1.005 as float8 lie beside the decimals that they stand for
SELECT percent(0.0125), percent(0.1445), percent(1.005, 0), percent(0.00125, 2),
	percent(-0.0125), percent(-0.1445), percent(-1.005, 0), percent(-0.00125, 2);
SELECT percent(-0.0004), percent(-0.0005), percent(-0.0::float8), percent(1e-300), percent(-1e-300, 15);
SELECT percent(0.123456789012345678, 15), percent(1e15), percent(123456.789, 4);
SELECT percent(NULL), percent(0.5, NULL), percent('NaN'), percent('Infinity'), percent('-Infinity', 0);
SELECT percent(0.5, -1);
SELECT percent(0.5, 16);
-- whatever the session makes of float8
SET extra_float_digits = -15;
SELECT percent(0.962, 1), percent(0.123456789, 7);
RESET extra_float_digits;

\set QUIET on
SET client_min_messages = warning;
DROP FUNCTION spills(text), refusal(text, text), plan_has(text, text[]), window_mismatches(text, text, text);
DROP VIEW each_case, mismatches, figures, parallel_figures, oracle;
DROP TABLE published, sent, received, disputes, monthly, by_month, sequence;
