\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS govcase CASCADE;
RESET client_min_messages;
\set QUIET off
\set ECHO all
SET search_path = govcase, public;
SET client_encoding = 'UTF8';

-- The closed loop in order, as people read it.
SELECT * FROM case_states();

-- A state reads in English in any case, or in Chinese, with blanks around it.
SELECT input, input::case_state AS output
FROM (VALUES ('collected'), ('ASSIGNED'), ('Handling'), ('supervised'), ('Fed_Back'), ('assessed'),
	('closed'), ('transferred'), ('voided'), ('信息汇集'), ('分流交办'), ('执行处置'), ('日常督办'),
	('信息反馈'), ('督查考核'), ('办结'), ('移送'), ('作废'), ('　办结 '), (E'\tclosed\n')) AS t(input);
SELECT 'done'::case_state;
\echo :SQLSTATE
\set VERBOSITY sqlstate
SELECT ''::case_state;
SELECT 'fed back'::case_state;
SELECT '办'::case_state;
SELECT '办结了'::case_state;
SELECT '70'::case_state;
SELECT 'red'::case_state;
\set VERBOSITY default
SET client_encoding = 'LATIN1';
SELECT 'done'::case_state;
SET client_encoding = 'UTF8';

-- Labels for people.
SELECT value, label(value, 'en'), label(value, 'zh') FROM case_states();
SELECT label('closed'::case_state, 'ZH');

-- Which states are open, resolved, handled, final; of null nothing is known.
SELECT value, is_open(value), is_resolved(value), is_handled(value), is_final(value)
FROM case_states()
UNION ALL
SELECT NULL, is_open(NULL), is_resolved(NULL), is_handled(NULL), is_final(NULL);

-- On the wire a state is its code, ten times its place.
SELECT value, case_state_send(value) FROM case_states();
CREATE TEMP TABLE wire (state case_state);
COPY wire FROM PROGRAM
	'printf "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0\000\1\0\0\0\1\012\0\1\0\0\0\1\024\0\1\0\0\0\1\036\0\1\0\0\0\1\050\0\1\0\0\0\1\062\0\1\0\0\0\1\074\0\1\0\0\0\1\106\0\1\0\0\0\1\120\0\1\0\0\0\1\132\0\1\377\377\377\377\377\377"'
	(FORMAT binary);
SELECT * FROM wire;
-- 25 is a risk level (orange), not a state.
COPY wire FROM PROGRAM
	'printf "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0\000\1\0\0\0\1\031\377\377"' (FORMAT binary);
\echo :SQLSTATE
COPY wire FROM PROGRAM
	'printf "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0\000\1\0\0\0\1\144\377\377"' (FORMAT binary);
\echo :SQLSTATE
COPY wire FROM PROGRAM
	'printf "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0\000\1\0\0\0\0\377\377"' (FORMAT binary);
\echo :SQLSTATE
COPY wire FROM PROGRAM
	'printf "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0\000\1\0\0\0\5\012\012\012\012\012\377\377"' (FORMAT binary);
\echo :SQLSTATE
SELECT min(state), max(state), count(state), count(*) FROM wire;
SELECT min(state), max(state) FROM wire WHERE false;
SELECT state FROM wire ORDER BY state DESC;

-- Each operator, and the comparison behind the index, against integers on every pair.
SELECT count(*) AS pairs,
	count(*) FILTER (WHERE (a.value < b.value) <> (a.rank < b.rank)) AS lt,
	count(*) FILTER (WHERE (a.value <= b.value) <> (a.rank <= b.rank)) AS le,
	count(*) FILTER (WHERE (a.value = b.value) <> (a.rank = b.rank)) AS eq,
	count(*) FILTER (WHERE (a.value <> b.value) <> (a.rank <> b.rank)) AS ne,
	count(*) FILTER (WHERE (a.value >= b.value) <> (a.rank >= b.rank)) AS ge,
	count(*) FILTER (WHERE (a.value > b.value) <> (a.rank > b.rank)) AS gt,
	count(*) FILTER (WHERE sign(case_state_cmp(a.value, b.value)) <> sign(a.rank - b.rank)) AS cmp,
	count(*) FILTER (WHERE case_state_smaller(a.value, b.value)::int <> least(a.rank, b.rank)) AS smaller,
	count(*) FILTER (WHERE case_state_larger(a.value, b.value)::int <> greatest(a.rank, b.rank)) AS larger
FROM case_states() a, case_states() b;
-- Hashes: distinct per value, the extended one equal to the plain one for seed 0
-- (what hash partitions rely on) and another one for another seed.
SELECT count(DISTINCT case_state_hash(value)) AS hashes,
	bool_and(case_state_hash_extended(value, 0)::bit(32) = case_state_hash(value)::bit(32)) AS seed_0_agrees,
	bool_and(case_state_hash_extended(value, 0) <> case_state_hash_extended(value, 1)) AS seed_1_differs
FROM case_states();

-- Ranks, from 1, both ways and only when asked.
SELECT value, value::int, value::int::case_state = value AS there_and_back FROM case_states();
SELECT 0::case_state;
\echo :SQLSTATE
SELECT 10::case_state;

-- Drivers bind text; it is taken where a state is stored, and nowhere else.
CREATE TEMP TABLE stored (state case_state);
PREPARE bind_text(text) AS INSERT INTO stored VALUES ($1) RETURNING state;
EXECUTE bind_text('移送');
PREPARE bind_varchar(varchar) AS INSERT INTO stored VALUES ($1) RETURNING state;
EXECUTE bind_varchar('CLOSED');
EXECUTE bind_varchar(NULL);
EXECUTE bind_text('closed!');
\echo :SQLSTATE
\set VERBOSITY sqlstate
SELECT 'closed'::case_state = 'closed'::text;
SELECT 'closed'::case_state = 7;
INSERT INTO stored VALUES (7);
\set VERBOSITY default

-- JSON and arrays, both ways.
SELECT to_json(stored) FROM stored;
SELECT * FROM jsonb_populate_record(NULL::stored, '{"state": "作废"}');
SELECT '{closed,NULL,作废}'::case_state[] AS read,
	(SELECT array_agg(value ORDER BY value DESC) FROM case_states()) AS aggregated;

-- Twenty thousand rows for the planner: a fifth closed, a tenth in each other state;
-- and a few without one.
CREATE TEMP TABLE many AS
SELECT id, (1 + (id % 10 - id % 10 / 9 * 3))::case_state AS value, 1 + (id % 10 - id % 10 / 9 * 3) AS rank
FROM generate_series(1, 20000) AS id;
INSERT INTO many SELECT id, NULL, NULL FROM generate_series(20001, 20100) AS id;
SELECT value, count(*) FROM many GROUP BY value ORDER BY value;
ANALYZE many;

-- Statistics are those of any ordered type: the planner knows how many rows each
-- value has, so an estimate over a sampled whole table is exact.
CREATE FUNCTION pg_temp.estimate(query text) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO plan;
	RETURN plan -> 0 -> 'Plan' ->> 'Plan Rows';
END
$$;
SELECT pg_temp.estimate($$SELECT FROM many WHERE value = 'closed'$$) AS eq,
	pg_temp.estimate($$SELECT FROM many WHERE value <> 'closed'$$) AS ne,
	pg_temp.estimate($$SELECT FROM many WHERE value < 'closed'$$) AS lt,
	pg_temp.estimate($$SELECT FROM many WHERE value <= 'closed'$$) AS le,
	pg_temp.estimate($$SELECT FROM many WHERE value > 'closed'$$) AS gt,
	pg_temp.estimate($$SELECT FROM many WHERE value >= 'closed'$$) AS ge;
-- The planner sees through the predicates too: they estimate as what they stand for.
SELECT pg_temp.estimate($$SELECT FROM many WHERE is_open(value)$$) AS open,
	pg_temp.estimate($$SELECT FROM many WHERE is_resolved(value)$$) AS resolved,
	pg_temp.estimate($$SELECT FROM many WHERE is_handled(value)$$) AS handled,
	pg_temp.estimate($$SELECT FROM many WHERE is_final(value)$$) AS final;

-- Each index is used, and finds what a scan of the table finds by rank, a plain
-- integer.
CREATE FUNCTION pg_temp.plan_has(query text, wanted text) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS off) ' || query LOOP
		IF strpos(line, wanted) > 0 THEN
			RETURN true;
		END IF;
	END LOOP;
	RETURN false;
END
$$;
CREATE FUNCTION pg_temp.compare_with_oracle(operators text[], index_name text)
RETURNS TABLE (queries bigint, index_used boolean, rows_found bigint, wrong bigint)
LANGUAGE plpgsql AS $$
DECLARE
	operator text;
	sought case_state;
	found bigint[];
	expected bigint[];
BEGIN
	queries := 0;
	index_used := true;
	rows_found := 0;
	wrong := 0;
	FOREACH operator IN ARRAY operators LOOP
		FOR sought IN SELECT value FROM case_states() LOOP
			index_used := index_used AND pg_temp.plan_has(
				format('SELECT id FROM many WHERE value %s %L', operator, sought), index_name);
			EXECUTE format('SELECT coalesce(array_agg(id ORDER BY id), ''{}'') FROM many WHERE value %s %L',
				operator, sought) INTO found;
			EXECUTE format('SELECT coalesce(array_agg(id ORDER BY id), ''{}'') FROM many WHERE rank %s %s',
				operator, sought::int) INTO expected;
			queries := queries + 1;
			rows_found := rows_found + cardinality(found);
			wrong := wrong + (found <> expected)::int;
		END LOOP;
	END LOOP;
	RETURN NEXT;
END
$$;
SET enable_seqscan = off;
CREATE INDEX many_btree ON many (value);
SELECT * FROM pg_temp.compare_with_oracle('{<,<=,=,>=,>}', 'many_btree');
-- Equal keys are kept once: without that the index is several times as large.
CREATE INDEX many_plain ON many (value) WITH (deduplicate_items = off);
SELECT pg_relation_size('many_btree') * 2 < pg_relation_size('many_plain') AS deduplicated;
-- The end of an index answers min and max.
SELECT pg_temp.plan_has('SELECT min(value) FROM many', 'Index Only Scan using') AS min_by_index,
	pg_temp.plan_has('SELECT max(value) FROM many', 'Index Only Scan Backward') AS max_by_index,
	min(value), max(value)
FROM many;
-- So do indexes serve the predicates, whole ones and partial ones.
SELECT count(*) AS predicates, bool_and(pg_temp.plan_has(query, 'many_btree')) AS index_used
FROM (VALUES ('SELECT FROM many WHERE is_open(value)'), ('SELECT FROM many WHERE is_resolved(value)'),
	('SELECT FROM many WHERE is_handled(value)'), ('SELECT FROM many WHERE is_final(value)')) AS t(query);
DROP INDEX many_btree, many_plain;
CREATE INDEX many_open ON many (id) WHERE is_open(value);
SELECT pg_temp.plan_has($$SELECT FROM many WHERE id = 7 AND is_open(value)$$, 'many_open') AS by_predicate,
	pg_temp.plan_has($$SELECT FROM many WHERE id = 7 AND value = 'handling'$$, 'many_open') AS by_open_state,
	pg_temp.plan_has($$SELECT FROM many WHERE id = 7 AND value = 'closed'$$, 'many_open') AS by_closed_state;
DROP INDEX many_open;
CREATE INDEX many_hash ON many USING hash (value);
SELECT * FROM pg_temp.compare_with_oracle('{=}', 'many_hash');
DROP INDEX many_hash;
CREATE INDEX many_brin ON many USING brin (value) WITH (pages_per_range = 2);
SELECT * FROM pg_temp.compare_with_oracle('{<,<=,=,>=,>}', 'many_brin');
-- A range whose summary grows by later rows is found again.
UPDATE many SET value = 'collected', rank = 1 WHERE id % 1000 = 8;
SELECT * FROM pg_temp.compare_with_oracle('{=,<}', 'many_brin');
DROP INDEX many_brin;
RESET enable_seqscan;

-- Sorts, groups and joins agree with those of integers.
SELECT (SELECT md5(string_agg(id::text, ',')) FROM (SELECT id FROM many ORDER BY value DESC, id) a)
	= (SELECT md5(string_agg(id::text, ',')) FROM (SELECT id FROM many ORDER BY rank DESC, id) b) AS same_order;
SET enable_sort = off;
SELECT pg_temp.plan_has('SELECT value FROM many GROUP BY value', 'HashAggregate') AS hashed;
SELECT count(*) AS groups, bool_and(a.count = b.count) AS same_groups
FROM (SELECT value, count(*) FROM many GROUP BY value) a
	JOIN (SELECT rank, count(*) FROM many GROUP BY rank) b ON a.value::int IS NOT DISTINCT FROM b.rank;
RESET enable_sort;
SET enable_nestloop = off;
SET enable_mergejoin = off;
SELECT pg_temp.plan_has('SELECT FROM many JOIN wire ON value = state', 'Hash Join') AS hashed;
SELECT count(*) FROM many JOIN wire ON value = state;
SET enable_mergejoin = on;
SET enable_hashjoin = off;
SELECT pg_temp.plan_has('SELECT FROM many JOIN wire ON value = state', 'Merge Join') AS merged;
SELECT count(*) FROM many JOIN wire ON value = state;
RESET enable_nestloop;
RESET enable_mergejoin;
RESET enable_hashjoin;

-- Partitions: open cases apart from those that are done; and by hash.
CREATE TABLE public.by_state (value case_state, id int) PARTITION BY LIST (value);
CREATE TABLE public.by_state_open PARTITION OF public.by_state
	FOR VALUES IN ('collected', 'assigned', 'handling', 'supervised', 'fed_back');
CREATE TABLE public.by_state_done PARTITION OF public.by_state
	FOR VALUES IN ('assessed', 'closed', 'transferred', 'voided', NULL);
INSERT INTO public.by_state SELECT value, id FROM many;
SELECT tableoid::regclass, value, count(*) FROM public.by_state GROUP BY 1, 2 ORDER BY 1, 2;
SELECT pg_temp.plan_has('SELECT FROM by_state WHERE is_open(value)', 'by_state_open') AS open,
	pg_temp.plan_has('SELECT FROM by_state WHERE is_open(value)', 'by_state_done') AS done;
CREATE TABLE public.by_hash (value case_state, id int) PARTITION BY HASH (value);
CREATE TABLE public.by_hash_0 PARTITION OF public.by_hash FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE public.by_hash_1 PARTITION OF public.by_hash FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO public.by_hash SELECT value, id FROM many;
SELECT value, count(*), count(DISTINCT tableoid) AS partitions FROM public.by_hash GROUP BY value ORDER BY value;
SELECT count(*) FROM public.by_hash WHERE value = 'closed';
DROP TABLE public.by_state, public.by_hash;

-- What the catalog says.  Every function has a comment and the right labels; not
-- one is anything but immutable, strict and parallel safe.
CREATE TEMP VIEW own_function AS
SELECT p.*
FROM pg_proc p
WHERE p.pronamespace = 'govcase'::regnamespace
	AND (p.proname ~ '^case_state' OR p.proname IN ('label', 'int4', 'min', 'max',
			'is_open', 'is_resolved', 'is_handled', 'is_final')
		AND 'case_state'::regtype = ANY (p.proargtypes::oid[]));
SELECT count(*) AS functions,
	count(*) FILTER (WHERE prokind = 'a') AS aggregates,
	count(*) FILTER (WHERE obj_description(oid, 'pg_proc') IS NULL) AS without_comment,
	count(*) FILTER (WHERE provolatile <> 'i') AS not_immutable,
	count(*) FILTER (WHERE prokind = 'f' AND NOT proisstrict) AS not_strict,
	count(*) FILTER (WHERE proparallel <> 's') AS not_parallel_safe
FROM own_function;
-- LEAKPROOF: the comparisons, and nothing that can raise an error.
SELECT proname FROM own_function WHERE proleakproof ORDER BY proname;
-- Operators: each with a comment, a commutator, a negator and both estimators.
SELECT o.oprname, c.oprname AS commutator, c.oprcom = o.oid AS mutual,
	n.oprname AS negator, n.oprnegate = o.oid AS mutual, o.oprrest, o.oprjoin,
	o.oprcanmerge, o.oprcanhash, obj_description(o.oid, 'pg_operator')
FROM pg_operator o
	JOIN pg_operator c ON c.oid = o.oprcom
	JOIN pg_operator n ON n.oid = o.oprnegate
WHERE o.oprleft = 'case_state'::regtype AND o.oprright = 'case_state'::regtype
ORDER BY o.oprname;
-- Operator classes: the default of their access method, complete and valid.
SELECT a.amname, c.opcname, c.opcdefault, amvalidate(c.oid),
	obj_description(c.oid, 'pg_opclass'), obj_description(c.opcfamily, 'pg_opfamily'),
	(SELECT array_agg(f.amprocnum ORDER BY f.amprocnum) FROM pg_amproc f
		WHERE f.amprocfamily = c.opcfamily) AS support
FROM pg_opclass c JOIN pg_am a ON a.oid = c.opcmethod
WHERE c.opcintype = 'case_state'::regtype
ORDER BY a.amname;
-- Casts: a assignment, e explicit; none implicit.
SELECT castsource::regtype, casttarget::regtype, castcontext,
	obj_description(oid, 'pg_cast')
FROM pg_cast
WHERE 'case_state'::regtype IN (castsource, casttarget)
ORDER BY castsource::regtype::text, casttarget::regtype::text;
-- Layout: a byte in the row, handed over by value.
SELECT typlen, typbyval, typalign, typstorage, obj_description(oid, 'pg_type')
FROM pg_type WHERE oid = 'case_state'::regtype;
