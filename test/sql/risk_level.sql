\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS govcase CASCADE;
RESET client_min_messages;
\set QUIET off
\set ECHO all
SET search_path = govcase, public;
SET client_encoding = 'UTF8';

-- The values in order, as people read them.
SELECT * FROM risk_levels();

-- A level reads in English in any case, or in Chinese, with blanks around it, the
-- ideographic space included.  It is always written in English.
SELECT input, input::risk_level AS output
FROM (VALUES ('blue'), ('YELLOW'), ('Orange'), ('rEd'), ('蓝'), ('黄'), ('橙'), ('红'),
	('蓝色'), ('黄色'), ('橙色'), ('红色'), (' red'), (E'\t\n\x0b\f\r red \r\n'), ('　红色　 '), (' 　red　')) AS t(input);

-- Anything else is refused, and the HINT says what would do.
SELECT 'purple'::risk_level;
\echo :SQLSTATE
SELECT ''::risk_level;
SELECT '　 '::risk_level;
\set VERBOSITY sqlstate
SELECT 're'::risk_level;
SELECT 'redd'::risk_level;
SELECT 'r ed'::risk_level;
SELECT '红红'::risk_level;
SELECT '色'::risk_level;
SELECT '红 色'::risk_level;
SELECT 'ｒｅｄ'::risk_level;
SELECT '30'::risk_level;
SELECT 'closed'::risk_level;
SELECT repeat(' ', 100000)::risk_level;
\set VERBOSITY default
SELECT (repeat('　', 100000) || '红')::risk_level;

-- Who cannot read Chinese is not sent any: the HINT would be lost to an error
-- about its conversion.
SET client_encoding = 'LATIN1';
SELECT 'purple'::risk_level;
SET client_encoding = 'UTF8';

-- Where the server has soft errors (16 and later), a bad label is one.
DO $$
DECLARE
	answer boolean;
BEGIN
	IF current_setting('server_version_num')::int >= 160000 THEN
		EXECUTE $query$SELECT pg_input_is_valid('红', 'govcase.risk_level')
			AND NOT pg_input_is_valid('purple', 'govcase.risk_level')
			AND (SELECT sql_error_code = '22P02'
					AND message = 'invalid input syntax for type risk_level: "purple"'
					AND hint ~ 'blue .*red'
				FROM pg_input_error_info('purple', 'govcase.risk_level'))$query$
			INTO STRICT answer;
		IF answer IS NOT TRUE THEN
			RAISE 'soft errors are not soft';
		END IF;
	END IF;
END
$$;

-- Labels for people.
SELECT value, label(value, 'en'), label(value, 'zh') FROM risk_levels();
SELECT label('red'::risk_level, 'fr');
\echo :SQLSTATE
SELECT label('red'::risk_level, '');
SELECT label('red'::risk_level, NULL) IS NULL AS no_language,
	label(NULL::risk_level, 'zh') IS NULL AS no_level;

-- On the wire a level is its code: blue 10, yellow 20, orange 25, red 30.
SELECT value, risk_level_send(value) FROM risk_levels();
CREATE TEMP TABLE wire (risk risk_level);
COPY wire FROM PROGRAM
	'printf "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0\000\1\0\0\0\1\012\0\1\0\0\0\1\024\0\1\0\0\0\1\031\0\1\0\0\0\1\036\0\1\377\377\377\377\377\377"'
	(FORMAT binary);
SELECT * FROM wire;
-- No other byte is a level, nor are no bytes, nor two.
COPY wire FROM PROGRAM
	'printf "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0\000\1\0\0\0\1\037\377\377"' (FORMAT binary);
\echo :SQLSTATE
COPY wire FROM PROGRAM
	'printf "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0\000\1\0\0\0\1\000\377\377"' (FORMAT binary);
\echo :SQLSTATE
COPY wire FROM PROGRAM
	'printf "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0\000\1\0\0\0\1\377\377\377"' (FORMAT binary);
\echo :SQLSTATE
COPY wire FROM PROGRAM
	'printf "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0\000\1\0\0\0\0\377\377"' (FORMAT binary);
\echo :SQLSTATE
COPY wire FROM PROGRAM
	'printf "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0\000\1\0\0\0\2\036\036\377\377"' (FORMAT binary);
\echo :SQLSTATE
SELECT count(*) FROM wire;

-- Each operator, and the comparison behind the index, against integers on every pair.
SELECT count(*) AS pairs,
	count(*) FILTER (WHERE (a.value < b.value) <> (a.rank < b.rank)) AS lt,
	count(*) FILTER (WHERE (a.value <= b.value) <> (a.rank <= b.rank)) AS le,
	count(*) FILTER (WHERE (a.value = b.value) <> (a.rank = b.rank)) AS eq,
	count(*) FILTER (WHERE (a.value <> b.value) <> (a.rank <> b.rank)) AS ne,
	count(*) FILTER (WHERE (a.value >= b.value) <> (a.rank >= b.rank)) AS ge,
	count(*) FILTER (WHERE (a.value > b.value) <> (a.rank > b.rank)) AS gt,
	count(*) FILTER (WHERE sign(risk_level_cmp(a.value, b.value)) <> sign(a.rank - b.rank)) AS cmp,
	count(*) FILTER (WHERE risk_level_smaller(a.value, b.value)::int <> least(a.rank, b.rank)) AS smaller,
	count(*) FILTER (WHERE risk_level_larger(a.value, b.value)::int <> greatest(a.rank, b.rank)) AS larger
FROM risk_levels() a, risk_levels() b;
-- Hashes: distinct per value, the extended one equal to the plain one for seed 0
-- (what hash partitions rely on) and another one for another seed.
SELECT count(DISTINCT risk_level_hash(value)) AS hashes,
	bool_and(risk_level_hash_extended(value, 0)::bit(32) = risk_level_hash(value)::bit(32)) AS seed_0_agrees,
	bool_and(risk_level_hash_extended(value, 0) <> risk_level_hash_extended(value, 1)) AS seed_1_differs
FROM risk_levels();

-- Null is no level.
SELECT NULL::risk_level < 'red' AS lt, NULL::risk_level = NULL::risk_level AS eq,
	NULL::risk_level IS DISTINCT FROM 'blue' AS differs, risk_level(NULL::text) AS from_text,
	risk_level(NULL::int) AS from_rank, int4(NULL::risk_level) AS rank;
SELECT min(risk), max(risk), count(risk), count(*) FROM wire;
SELECT min(risk), max(risk) FROM wire WHERE risk IS NULL;
SELECT min(risk), max(risk) FROM wire WHERE false;
SELECT risk FROM wire ORDER BY risk DESC NULLS LAST;
SELECT risk FROM wire ORDER BY risk NULLS FIRST;

-- Ranks, from 1, both ways and only when asked.
SELECT value, value::int, value::int::risk_level = value AS there_and_back FROM risk_levels();
SELECT 0::risk_level;
\echo :SQLSTATE
SELECT 5::risk_level;
SELECT (-2147483648)::risk_level;
SELECT 2147483647::risk_level;

-- Drivers bind text; it is taken where a level is stored.
CREATE TEMP TABLE stored (risk risk_level DEFAULT 'yellow', id int GENERATED ALWAYS AS IDENTITY);
PREPARE bind_text(text) AS INSERT INTO stored (risk) VALUES ($1) RETURNING risk;
EXECUTE bind_text('红');
PREPARE bind_varchar(varchar) AS INSERT INTO stored (risk) VALUES ($1) RETURNING risk;
EXECUTE bind_varchar(' Blue ');
EXECUTE bind_varchar('purple');
\echo :SQLSTATE
INSERT INTO stored DEFAULT VALUES;
UPDATE stored SET risk = lower('ORANGE') WHERE id = 1;
SELECT risk FROM stored ORDER BY id;
-- In a comparison nothing is converted, and a number is never stored by accident.
\set VERBOSITY sqlstate
SELECT 'red'::risk_level = 'red'::text;
SELECT 'red'::risk_level = 4;
SELECT 'red'::risk_level = 'closed'::case_state;
INSERT INTO stored (risk) VALUES (4);
\set VERBOSITY default

-- A column of text becomes one of levels, of char(n) when told how.
CREATE TEMP TABLE grown (a text, b varchar(10), c char(10));
INSERT INTO grown VALUES ('红', 'YELLOW', 'blue'), (NULL, NULL, NULL);
ALTER TABLE grown ALTER a TYPE risk_level, ALTER b TYPE risk_level, ALTER c TYPE risk_level USING c::risk_level;
SELECT * FROM grown;
ALTER TABLE grown ALTER a TYPE text, ALTER b TYPE varchar(10);
SELECT a, b, c::text || '!' AS c FROM grown;

-- JSON both ways.
SELECT to_jsonb(stored) FROM stored ORDER BY id;
SELECT * FROM jsonb_populate_recordset(NULL::stored, '[{"risk": "红", "id": 7}, {"risk": null, "id": 8}]');
SELECT * FROM jsonb_populate_recordset(NULL::stored, '[{"risk": "purple", "id": 7}]');

-- Arrays.
SELECT '{red,NULL,蓝}'::risk_level[] AS read, ARRAY['red', 'blue']::risk_level[] > '{orange}' AS greater,
	'red' = ANY ('{red,blue}'::risk_level[]) AS any, '{red}'::risk_level[] <@ '{blue,红}' AS contained,
	(SELECT array_agg(value ORDER BY value DESC) FROM risk_levels()) AS aggregated;
CREATE TEMP TABLE sets (risks risk_level[]);
INSERT INTO sets VALUES ('{blue,yellow}'), ('{red}'), ('{}'), (NULL);
CREATE INDEX ON sets USING gin (risks);
SET enable_seqscan = off;
SELECT * FROM sets WHERE risks && '{yellow,red}' ORDER BY risks;
RESET enable_seqscan;

-- Twenty thousand rows for the planner, in eighths: two blue, three yellow, one
-- orange, two red; and a few without a level.
CREATE TEMP TABLE many AS
SELECT id, ('{blue,yellow,orange,red,blue,yellow,red,yellow}'::risk_level[])[1 + id % 8] AS value,
	('{1,2,3,4,1,2,4,2}'::int[])[1 + id % 8] AS rank
FROM generate_series(1, 20000) AS id;
INSERT INTO many SELECT id, NULL, NULL FROM generate_series(20001, 20100) AS id;
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
SELECT pg_temp.estimate($$SELECT FROM many WHERE value = 'orange'$$) AS eq,
	pg_temp.estimate($$SELECT FROM many WHERE value <> 'orange'$$) AS ne,
	pg_temp.estimate($$SELECT FROM many WHERE value < 'orange'$$) AS lt,
	pg_temp.estimate($$SELECT FROM many WHERE value <= 'orange'$$) AS le,
	pg_temp.estimate($$SELECT FROM many WHERE value > 'orange'$$) AS gt,
	pg_temp.estimate($$SELECT FROM many WHERE value >= 'orange'$$) AS ge;

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
	sought risk_level;
	found bigint[];
	expected bigint[];
BEGIN
	queries := 0;
	index_used := true;
	rows_found := 0;
	wrong := 0;
	FOREACH operator IN ARRAY operators LOOP
		FOR sought IN SELECT value FROM risk_levels() LOOP
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
DROP INDEX many_btree, many_plain;
CREATE INDEX many_hash ON many USING hash (value);
SELECT * FROM pg_temp.compare_with_oracle('{=}', 'many_hash');
DROP INDEX many_hash;
CREATE INDEX many_brin ON many USING brin (value) WITH (pages_per_range = 2);
SELECT * FROM pg_temp.compare_with_oracle('{<,<=,=,>=,>}', 'many_brin');
-- A range whose summary grows by later rows is found again.
UPDATE many SET value = 'red', rank = 4 WHERE id % 1000 = 4;
SELECT * FROM pg_temp.compare_with_oracle('{=,>}', 'many_brin');
DROP INDEX many_brin;
RESET enable_seqscan;

-- Sorts, by comparator and by specialised sort, agree with sorts of integers: one
-- column, two columns, and more than fits in memory.
SELECT bool_and(value::int IS NOT DISTINCT FROM rank) AS same_order
FROM (SELECT value, row_number() OVER (ORDER BY value DESC) AS n FROM many) a
	FULL JOIN (SELECT rank, row_number() OVER (ORDER BY rank DESC) AS n FROM many) b USING (n);
SELECT (SELECT md5(string_agg(id::text, ',')) FROM (SELECT id FROM many ORDER BY value, id DESC) a)
	= (SELECT md5(string_agg(id::text, ',')) FROM (SELECT id FROM many ORDER BY rank, id DESC) b) AS same_order;
SET work_mem = '64kB';
SELECT (SELECT md5(string_agg(id::text, ',')) FROM (SELECT id FROM many ORDER BY value DESC, id) a)
	= (SELECT md5(string_agg(id::text, ',')) FROM (SELECT id FROM many ORDER BY rank DESC, id) b) AS same_order;
RESET work_mem;

-- Groups, by hash and by sort.
SET enable_sort = off;
SELECT pg_temp.plan_has('SELECT value, count(*) FROM many GROUP BY value', 'HashAggregate') AS hashed;
SELECT value, count(*) FROM many GROUP BY value ORDER BY value;
RESET enable_sort;
SET enable_hashagg = off;
SELECT pg_temp.plan_has('SELECT value, count(*) FROM many GROUP BY value', 'GroupAggregate') AS sorted;
SELECT value, count(*) FROM many GROUP BY value ORDER BY value;
SELECT DISTINCT value FROM many ORDER BY value DESC;
RESET enable_hashagg;

-- Joins: nested, hashed and merged, each finds the same pairs.
CREATE TEMP TABLE weight (risk risk_level, rank int, weight int);
INSERT INTO weight VALUES ('yellow', 2, 10), ('red', 4, 100), ('red', 4, 1000), (NULL, NULL, 10000);
ANALYZE weight;
SELECT sum(weight) FROM many JOIN weight USING (rank);
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SELECT sum(weight) FROM many JOIN weight ON value = risk;
SET enable_nestloop = off;
SET enable_mergejoin = on;
SELECT pg_temp.plan_has('SELECT FROM many JOIN weight ON value = risk', 'Merge Join') AS merged;
SELECT sum(weight) FROM many JOIN weight ON value = risk;
SET enable_mergejoin = off;
SET enable_hashjoin = on;
SELECT pg_temp.plan_has('SELECT FROM many JOIN weight ON value = risk', 'Hash Join') AS hashed;
SELECT sum(weight) FROM many JOIN weight ON value = risk;
RESET enable_hashjoin;
RESET enable_mergejoin;
RESET enable_nestloop;

-- In parallel: min and max are combined from the workers' parts.
CREATE TABLE public.shared_many AS SELECT id, value FROM many;
ANALYZE public.shared_many;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SELECT pg_temp.plan_has('SELECT min(value), max(value) FROM shared_many', 'Partial Aggregate') AS in_parts;
SELECT min(value), max(value) FROM shared_many;
SELECT min(value), max(value) FROM shared_many WHERE value > 'blue' AND value < 'red';
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET max_parallel_workers_per_gather;
DROP TABLE public.shared_many;

-- Partitions by list, range and hash; a query meets only those it must.
CREATE TABLE public.by_list (value risk_level, id int) PARTITION BY LIST (value);
CREATE TABLE public.by_list_calm PARTITION OF public.by_list FOR VALUES IN ('blue', '黄');
CREATE TABLE public.by_list_hot PARTITION OF public.by_list FOR VALUES IN ('orange', 'red', NULL);
INSERT INTO public.by_list SELECT value, id FROM many;
SELECT tableoid::regclass, value, count(*) FROM public.by_list GROUP BY 1, 2 ORDER BY 1, 2;
SELECT pg_temp.plan_has($$SELECT FROM by_list WHERE value = 'red'$$, 'by_list_hot') AS hot,
	pg_temp.plan_has($$SELECT FROM by_list WHERE value = 'red'$$, 'by_list_calm') AS calm;
CREATE TABLE public.by_range (value risk_level, id int) PARTITION BY RANGE (value);
CREATE TABLE public.by_range_low PARTITION OF public.by_range FOR VALUES FROM (MINVALUE) TO ('orange');
CREATE TABLE public.by_range_high PARTITION OF public.by_range FOR VALUES FROM ('orange') TO (MAXVALUE);
INSERT INTO public.by_range SELECT value, id FROM many WHERE value IS NOT NULL;
SELECT tableoid::regclass, min(value), max(value), count(*) FROM public.by_range GROUP BY 1 ORDER BY 1;
CREATE TABLE public.by_hash (value risk_level, id int) PARTITION BY HASH (value);
CREATE TABLE public.by_hash_0 PARTITION OF public.by_hash FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE public.by_hash_1 PARTITION OF public.by_hash FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE TABLE public.by_hash_2 PARTITION OF public.by_hash FOR VALUES WITH (MODULUS 3, REMAINDER 2);
INSERT INTO public.by_hash SELECT value, id FROM many;
SELECT value, count(*), count(DISTINCT tableoid) AS partitions FROM public.by_hash GROUP BY value ORDER BY value;
SELECT count(*) FROM public.by_hash WHERE value = 'red';
DROP TABLE public.by_list, public.by_range, public.by_hash;

-- What the catalog says.  Every function has a comment and the right labels; not
-- one is anything but immutable, strict and parallel safe.
CREATE TEMP VIEW own_function AS
SELECT p.*
FROM pg_proc p
WHERE p.pronamespace = 'govcase'::regnamespace
	AND (p.proname ~ '^risk_level' OR p.proname IN ('label', 'int4', 'min', 'max')
		AND 'risk_level'::regtype = ANY (p.proargtypes::oid[]));
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
WHERE o.oprleft = 'risk_level'::regtype AND o.oprright = 'risk_level'::regtype
ORDER BY o.oprname;
-- Operator classes: the default of their access method, complete and valid.
SELECT a.amname, c.opcname, c.opcdefault, amvalidate(c.oid),
	obj_description(c.oid, 'pg_opclass'), obj_description(c.opcfamily, 'pg_opfamily'),
	(SELECT array_agg(f.amprocnum ORDER BY f.amprocnum) FROM pg_amproc f
		WHERE f.amprocfamily = c.opcfamily) AS support
FROM pg_opclass c JOIN pg_am a ON a.oid = c.opcmethod
WHERE c.opcintype = 'risk_level'::regtype
ORDER BY a.amname;
-- Casts: a assignment, e explicit; none implicit.
SELECT castsource::regtype, casttarget::regtype, castcontext,
	obj_description(oid, 'pg_cast')
FROM pg_cast
WHERE 'risk_level'::regtype IN (castsource, casttarget)
ORDER BY castsource::regtype::text, casttarget::regtype::text;
-- Layout: a byte in the row, handed over by value.
SELECT typlen, typbyval, typalign, typstorage, obj_description(oid, 'pg_type')
FROM pg_type WHERE oid = 'risk_level'::regtype;
