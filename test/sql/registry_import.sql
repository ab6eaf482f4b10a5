\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS govcase CASCADE;
SELECT format('GRANT CREATE ON DATABASE %I TO import_owner', current_database()) AS grant_create \gset
CREATE ROLE import_owner;
:grant_create;
CREATE ROLE import_health; CREATE ROLE import_police; CREATE ROLE import_pool; CREATE ROLE import_admin;
CREATE ROLE import_member;
RESET client_min_messages;
\set QUIET off
\set ECHO all
\set SHOW_CONTEXT never
SET SESSION AUTHORIZATION import_owner;
CALL govcase.create_registry('imports');
SET search_path = imports, govcase, public;
INSERT INTO region (code, code_end, level, parent, name, valid) VALUES
	('411600000000', '411699999999', 1, NULL, 'city', DEFAULT),
	('411602000000', '411602999999', 2, '411600000000', 'county A', DEFAULT),
	('411681000000', '411681999999', 2, '411600000000', 'county B', DEFAULT),
	('411621000000', '411621999999', 2, '411600000000', 'county of old', '[2000-01-01,2019-12-20)');
INSERT INTO department (name, region) VALUES ('health', '411600000000'), ('police', '411600000000');
INSERT INTO tag VALUES ('alone', 'person', 'lives alone'), ('elderly', 'person', 'elderly'), ('school', 'place', 'school');
INSERT INTO account (id) VALUES ('health'), ('health-2'), ('police'), ('admin'), ('member'), ('owner');
INSERT INTO account_duty (account, duty, region, department) VALUES
	('health', 'importer', NULL, 1), ('health-2', 'importer', NULL, 1), ('police', 'importer', NULL, 2),
	('owner', 'importer', NULL, 1), ('owner', 'importer', NULL, 2),
	('admin', 'admin', '411600000000', NULL), ('member', 'member', '411602000000', NULL);
INSERT INTO account_login VALUES ('import_health', 'person', 'health'), ('import_police', 'person', 'police'),
	('import_pool', 'vouched', NULL), ('import_admin', 'person', 'admin'), ('import_member', 'person', 'member'),
	('import_owner', 'vouched', NULL);
CALL admit('import_health', 'importer'); CALL admit('import_police', 'importer'); CALL admit('import_pool', 'importer');
CALL admit('import_admin', 'admin'); CALL admit('import_member', 'member');

-- A department's file: started, copied, imported. It has a header, which is no line.
SET SESSION AUTHORIZATION import_health;
SELECT start_import(1) AS run \gset
COPY element_import (source_key, kind, region, tags, name, detail, person) FROM stdin (FORMAT csv, HEADER);
key,kind,region,tags,name,detail,person
P-3,person,411602000000,"{elderly,alone,elderly}",Wang,"{""beds"": 1}",411602195001010019
P-1,person,411681000000,,Li,,4116 0219-500101 003x
S-1,place,411602000000,{school},No. 1 school,,
P-2,person,411602000000,{},,,
\.
SELECT * FROM import_elements(:run);
SET SESSION AUTHORIZATION import_owner;
SELECT source_department AS of, source_key, kind, region, tags, octet_length(person_digest) AS digest FROM element ORDER BY 1, 2;
SELECT * FROM element_detail ORDER BY 2;
SELECT id, department, account, new, changed, unchanged, rejected, done_at >= at AS done FROM import_run;
SELECT (SELECT count(*) FROM element_import) AS staged, (SELECT count(*) FROM import_open) AS open,
	(SELECT count(*) FROM import_reject) AS rejects;
-- Staging is not logged: it costs no WAL, and is empty after a crash.
SELECT relname, relpersistence FROM pg_class WHERE relname IN ('element_import', 'item_import', 'element')
	AND relnamespace = 'imports'::regnamespace ORDER BY 1;

/*
 * Digests of persons. HMAC-SHA256 by RFC 4231, cases 1 and 2: a key that is
 * shorter than a block is filled up with zeros. Then with that key, as openssl
 * dgst -sha256 -hmac tells it of 41160219500101003X.
 */
BEGIN;
UPDATE about SET digest_key = decode(repeat('0b', 20) || repeat('00', 12), 'hex');
SELECT keyed_digest('Hi There', inner_pad, outer_pad) FROM digest_pads();
UPDATE about SET digest_key = 'Jefe' || decode(repeat('00', 28), 'hex');
SELECT keyed_digest('what do ya want for nothing?', inner_pad, outer_pad) FROM digest_pads();
SELECT person_digest('41160219500101003X');
ROLLBACK;
-- However it is written the person is the same, in a file and elsewhere; nothing is nobody.
SELECT person_digest('4116 0219-500101 003x') = person_digest('41160219500101003X') AS same,
	person_digest('41160219500101003X') = e.person_digest AS imported, person_digest(' -') IS NULL AS nobody,
	person_digest(NULL) IS NULL AS none, person_digest('1') <> person_digest('2') AS differ
FROM element e WHERE source_key = 'P-1';
SELECT count(*) FROM element e LEFT JOIN element_detail d USING (source_key)
WHERE e::text || coalesce(d::text, '') ~ '41160219500101|4116 0219';
-- Whoever enters parties may ask for one, importers may not.
SET SESSION AUTHORIZATION import_member;
SELECT octet_length(person_digest('1'));
SELECT digest_key FROM about;
\echo :SQLSTATE
SET SESSION AUTHORIZATION import_health;
SELECT person_digest('1');
\echo :SQLSTATE
SET SESSION AUTHORIZATION import_owner;
CALL admit('import_admin', 'member');
SET SESSION AUTHORIZATION import_admin;
SELECT person_digest('1');
\echo :SQLSTATE

-- The next file: one record is new, two have changed (one in its detail alone), one is as it was and is not touched.
SET SESSION AUTHORIZATION import_owner;
SELECT source_key, ctid FROM element WHERE source_key = 'P-2' \gset before_
SELECT max(recorded_at) AS first FROM element \gset
SET SESSION AUTHORIZATION import_health;
SELECT start_import(1) AS run \gset
COPY element_import (source_key, kind, region, tags, name, detail, person) FROM stdin (FORMAT csv);
P-2,person,411602000000,{},,,
P-4,person,411602000000,{},Zhao,,
P-3,person,411602000000,"{alone,elderly}",Wang,"{""beds"": 2}",41160219500101001 9
P-1,person,411602000000,,,,
\.
SELECT * FROM import_elements(:run);
SET SESSION AUTHORIZATION import_owner;
SELECT source_key, region, tags, name, detail, person_digest IS NOT NULL AS known, recorded_at > :'first' AS recorded
FROM element LEFT JOIN element_detail USING (source_department, source_key) ORDER BY 1;
SELECT ctid = :'before_ctid' AS untouched FROM element WHERE source_key = 'P-2';

/*
 * What is refused, each line with why, all that is wrong with it at once, and what
 * it said, without the person's number. Lines count from 1. Of equal keys the last
 * line counts, and if that is wrong, none: an older line is not what the file says last.
 */
SET SESSION AUTHORIZATION import_health;
SELECT start_import(1) AS run \gset
COPY element_import (source_key, kind, region, tags, name, detail, person) FROM stdin (FORMAT csv);
,person,411602000000,,no key,,
" ",person,411602000000,,blank key,,
R-3,alien,411602000000,,,,
R-4,,411602000000,{school},,,
R-5,person,411699000000,,,,
R-6,person,,,,,
R-7,person,411621000000,,of old,,
R-8,person,411602000000,{school},,,
R-9,person,411602000000,"{elderly,deaf,blind}",,,41160219500101001X
R-10,person,411602000000,"{elderly",,,
R-11,person,411602000000,"{NULL}",,,
R-12,person,411602000000,,,{beds: 1},
R-13,person,411602000000,,,"""\u0000""",
R-14,place,4116,{alone},,{,
R-15,person,411602000000,{elderly},first,,
R-15,person,411602000000,{alone},second,,
R-17,person,411602000000,,good,,
R-15,person,411602000000,{},third,,
R-17,person,nowhere,,bad,,
R-20,person,411602000000,{},good,[],
P-1,person,411681000000,{school},was good,,
\.
SELECT * FROM import_elements(:run);
SELECT line, reason, raw FROM import_reject WHERE run = :run ORDER BY line;
SELECT r.new + r.changed + r.unchanged + r.rejected AS lines, r.rejected - count(*) AS not_listed
FROM import_run r JOIN import_reject j ON j.run = r.id WHERE r.id = :run GROUP BY r.id;
SET SESSION AUTHORIZATION import_owner;
SELECT source_key, region, tags, name, detail FROM element LEFT JOIN element_detail USING (source_department, source_key)
WHERE source_key LIKE 'R-%' OR source_key = 'P-1' ORDER BY 1;
-- A key that no index could hold, and one that may just be.
SET SESSION AUTHORIZATION import_health;
SELECT start_import(1) AS run \gset
INSERT INTO element_import (source_key, kind, region) VALUES
	(repeat('x', 3000), 'thing', '411602000000'), (repeat('y', 501), 'thing', '411602000000'), (repeat('z', 500), 'thing', '411602000000');
SELECT * FROM import_elements(:run);
SELECT line, reason, length(raw ->> 'source_key') FROM import_reject WHERE run = :run ORDER BY line;
-- What is no text in the database's encoding, or no row, PostgreSQL's COPY refuses itself, whole.
SELECT start_import(1) AS run \gset
COPY element_import (source_key, kind, region) FROM stdin;
Q-1	person	411602000000
Q-\xff	person	411602000000
\.
COPY element_import (source_key, kind, region) FROM stdin;
Q-1	person
\.
SELECT import_elements(:run);
\echo :SQLSTATE

-- Two departments stage and import at once, even the same keys, and lines count by file; here in one session each.
SELECT start_import(1) AS health \gset
COPY element_import (source_key, kind, region) FROM stdin;
K-1	thing	411602000000
K-2	nothing	411602000000
\.
SET SESSION AUTHORIZATION import_police;
SELECT start_import(2) AS police \gset
COPY element_import (source_key, kind, region) FROM stdin;
K-1	event	411602000000
K-2	event	nowhere
K-2	event	411602000000
\.
SET SESSION AUTHORIZATION import_health;
SELECT stage_import(:health);
COPY element_import (source_key, kind, region) FROM stdin;
K-1	place	411602000000
K-3	nothing	411602000000
\.
SELECT * FROM import_elements(:health);
SELECT line, reason FROM import_reject WHERE run = :health ORDER BY line;
SELECT run FROM import_reject WHERE run = :police;
SET SESSION AUTHORIZATION import_police;
SELECT * FROM import_elements(:police);
SELECT line, reason FROM import_reject WHERE run = :police ORDER BY line;
SELECT count(*) FROM import_run WHERE department <> 2;
SET SESSION AUTHORIZATION import_owner;
SELECT source_department, source_key, kind FROM element WHERE source_key LIKE 'K-%' ORDER BY 1, 2;

-- Who may not.
SET SESSION AUTHORIZATION import_police;
SELECT start_import(1);
\echo :SQLSTATE
SELECT start_import(NULL);
SELECT start_import(99);
SELECT start_import(2) AS police \gset
COPY element_import (source_key, kind, region) FROM stdin;
K-9	event	411602000000
\.
-- Nobody reads what is staged, not even its stager, nor says for whom it is.
SELECT * FROM element_import;
\echo :SQLSTATE
COPY element_import (source_key, name) TO stdout;
INSERT INTO element_import (import_key, source_key) VALUES ('00000000-0000-0000-0000-000000000000', 'K-9');
\echo :SQLSTATE
\set VERBOSITY sqlstate
INSERT INTO element_import (line, source_key) VALUES (1, 'K-9');
\set VERBOSITY terse
DELETE FROM element_import;
SELECT key FROM import_open;
INSERT INTO element (source_department, source_key, kind, region) VALUES (2, 'K-9', 'event', '411602000000');
\echo :SQLSTATE
-- Another's run is as one that does not exist, for a colleague too; whoever knew the key could not use it.
SET SESSION AUTHORIZATION import_owner;
SELECT key FROM import_open WHERE run = :police \gset
SET SESSION AUTHORIZATION import_health;
SELECT import_elements(:police) \g /dev/null
\echo :SQLSTATE
SELECT import_elements(1000000);
\echo :SQLSTATE
SELECT import_elements(NULL);
SELECT stage_import(1000000);
SELECT cancel_import(1000000);
SET govcase.import = :'key';
COPY element_import (source_key, kind, region) FROM stdin;
\.
-- A setting that changes underway leads to no run of another's.
SELECT start_import(1) AS health \gset
INSERT INTO element_import (source_key, kind, region)
SELECT 'K-' || n, set_config('govcase.import', '00000000-0000-0000-0000-00000000000' || n, false), '411602000000' FROM generate_series(1, 3) n;
SELECT import_elements(:health) \g /dev/null
\echo :SQLSTATE
SELECT cancel_import(:health);
SET SESSION AUTHORIZATION import_police;
SELECT * FROM import_elements(:police);
-- A run is imported once.
SELECT import_elements(:police) \g /dev/null
\echo :SQLSTATE
SELECT stage_import(:police) \g /dev/null
SELECT cancel_import(:police) \g /dev/null
-- Its key is good for nothing after it.
COPY element_import (source_key, kind, region) FROM stdin;
\.
-- Without rows, or when a crash has emptied the table, there is nothing to import.
SELECT start_import(2) AS police \gset
COPY element_import (source_key, kind, region) FROM stdin;
K-9	event	411602000000
\.
SET SESSION AUTHORIZATION import_owner;
TRUNCATE element_import;
SET SESSION AUTHORIZATION import_police;
\set VERBOSITY default
SELECT import_elements(:police);
\echo :SQLSTATE
\set VERBOSITY terse
COPY element_import (source_key, kind, region) FROM stdin;
K-9	event	411602000000
\.
SELECT * FROM import_elements(:police);
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT import_elements(start_import(2));
\echo :SQLSTATE
ROLLBACK;
-- The duty ends, and with it the run.
SELECT start_import(2) AS police \gset
SET SESSION AUTHORIZATION import_owner;
UPDATE account_duty SET valid = '[2000-01-01,2001-01-01)' WHERE account = 'police';
SET SESSION AUTHORIZATION import_police;
SELECT cancel_import(:police) \g /dev/null
\echo :SQLSTATE
SET SESSION AUTHORIZATION import_owner;
UPDATE account_duty SET valid = DEFAULT WHERE account = 'police';

-- Where many share a connection a run is chosen for a transaction, like the account itself.
SET SESSION AUTHORIZATION import_pool;
RESET govcase.import;
SELECT start_import(1);
\echo :SQLSTATE
BEGIN;
SET LOCAL govcase.account = 'health-2';
SELECT start_import(1) AS run \gset
SELECT current_setting('govcase.import') <> '' AS chosen;
COMMIT;
BEGIN;
SET LOCAL govcase.account = 'health-2';
SELECT current_setting('govcase.import') <> '' AS chosen;
SAVEPOINT here;
COPY element_import (source_key, kind, region) FROM stdin;
\.
ROLLBACK TO here;
SELECT stage_import(:run);
COPY element_import (source_key, kind, region) FROM stdin;
V-1	event	411602000000
\.
SET LOCAL govcase.account = 'police';
SAVEPOINT here;
COPY element_import (source_key, kind, region) FROM stdin;
\.
ROLLBACK TO here;
COMMIT;
SET govcase.account = 'health-2';
SELECT * FROM import_elements(:run);
-- Given up, or left for more than a day until anybody starts another.
BEGIN;
SELECT start_import(1) AS run \gset
INSERT INTO element_import (source_key) VALUES ('V-2'), ('V-3');
SELECT cancel_import(:run);
COMMIT;
BEGIN;
SELECT start_import(1) AS run \gset
INSERT INTO element_import (source_key, name) VALUES ('V-4', 'left over');
COMMIT;
BEGIN;
SELECT start_import(1) AS young \gset
INSERT INTO element_import (source_key, name) VALUES ('V-5', 'of today');
COMMIT;
SET SESSION AUTHORIZATION import_owner;
UPDATE import_run SET at = now() - interval '25 hours' WHERE id = :run;
UPDATE import_run SET at = now() - interval '23 hours' WHERE id = :young;
SET SESSION AUTHORIZATION import_police;
SELECT start_import(2) AS police \gset
SET SESSION AUTHORIZATION import_owner;
SELECT i.name FROM element_import i;
SELECT count(*) FILTER (WHERE id = :run) AS old, count(*) FILTER (WHERE id = :young) AS young FROM import_run;
SET SESSION AUTHORIZATION import_police;
SELECT cancel_import(:police);
SET SESSION AUTHORIZATION import_pool;
SELECT cancel_import(:young);
RESET govcase.account;

/*
 * Random files of two departments, one after the other, against plain SQL. What
 * each field is worth is written down by hand beside it.
 */
SET SESSION AUTHORIZATION import_owner;
SET govcase.account = 'owner';
TRUNCATE element, element_detail, import_reject, import_open, import_run;
CREATE TEMP TABLE kinds (raw, good) AS VALUES ('person', true), ('person', true), ('person', true), ('person', true),
	('person', true), ('person', true), ('place', true), ('event', true), ('Person', false), (NULL, false);
CREATE TEMP TABLE regions (raw, good) AS VALUES ('411602000000', true), ('411681000000', true), ('411681000000', true),
	('411602000000', true), ('411602000000', true), ('411602000000', true),
	('411621000000', false), ('x', false), (NULL, false);
CREATE TEMP TABLE tag_lists (raw, tags, kinds) AS VALUES (NULL, '{}'::text[], '{person,place,event}'::text[]),
	('{}', '{}', '{person,place,event}'), ('{ }', '{}', '{person,place,event}'), ('{alone}', '{alone}', '{person}'),
	('{elderly,alone}', '{alone,elderly}', '{person}'), ('{alone,elderly,alone}', '{alone,elderly}', '{person}'),
	('{school}', '{school}', '{place}'), ('{school,alone}', NULL, '{}'), ('{deaf}', NULL, '{}'), ('alone', NULL, '{}');
CREATE TEMP TABLE details (raw, detail, good) AS VALUES (NULL, NULL::jsonb, true), ('', NULL, true),
	('{"b": 1, "a": 2}', '{"a": 2, "b": 1}', true), ('{"a":2,"b":1}', '{"a": 2, "b": 1}', true), ('[]', '[]', true), ('{', NULL, false);
CREATE TEMP TABLE persons (raw, person) AS VALUES (NULL, NULL), ('', NULL), ('41 1x', '411X'), ('411X', '411X'), ('422', '422');
CREATE TEMP TABLE file (n, source_key, kind, kind_good, region, region_good, tags, tag_array, tag_kinds, name, detail, detail_json, detail_good, person, person_is)
	AS SELECT 1, 'k', k.*, r.*, t.*, 'n'::text, d.*, p.* FROM kinds k, regions r, tag_lists t, details d, persons p LIMIT 0;
CREATE TEMP TABLE oracle (source_department integer, source_key text, kind text, region text, tags text[], person text, name text, detail jsonb,
	PRIMARY KEY (source_department, source_key));
CREATE TEMP TABLE accepted AS SELECT n, source_key, kind, region, tag_array, person_is, name, detail_json FROM file;
CREATE TEMP TABLE outcome (round integer, lines bigint, counts_right boolean, rejects_right boolean, elements_right boolean, emptied boolean);
CREATE TEMP VIEW expected_elements AS
	SELECT o.source_department, o.source_key COLLATE "C" AS source_key, o.kind, o.region COLLATE "C" AS region, o.tags,
		person_digest(o.person), o.name, o.detail FROM oracle o;
CREATE TEMP VIEW imported_elements AS
	SELECT e.source_department, e.source_key, e.kind, e.region, e.tags, e.person_digest, d.name, d.detail
	FROM element e LEFT JOIN element_detail d USING (source_department, source_key);
SELECT setseed(0.42) \g /dev/null
DO $$
DECLARE
	department integer;
	import_run bigint;
	got record;
	expected record;
	most integer;
BEGIN
	FOR round IN 1 .. 24 LOOP
		department := 1 + round % 2;
		TRUNCATE file;
		-- Files of one line, of some, of many; every third without any fault in it.
		most := (ARRAY[1, 30, 600])[1 + round / 2 % 3];
		INSERT INTO file
		SELECT n, CASE WHEN random() < 0.02 AND round % 3 > 0 THEN (ARRAY['', ' ', NULL])[1 + floor(3 * random())] ELSE 'k' || floor(200 * random()) END,
			k.raw, k.good, r.raw, r.good, t.raw, t.tags, t.kinds,
			(ARRAY['Li', 'Wang', '', NULL])[1 + floor(4 * random())], d.raw, d.detail, d.good, p.raw, p.person
		FROM generate_series(1, most) n
			CROSS JOIN LATERAL (SELECT * FROM kinds WHERE round % 3 > 0 OR good ORDER BY random() + n * 0 LIMIT 1) k
			CROSS JOIN LATERAL (SELECT * FROM regions WHERE round % 3 > 0 OR good ORDER BY random() + n * 0 LIMIT 1) r
			CROSS JOIN LATERAL (SELECT * FROM tag_lists WHERE round % 3 > 0 OR k.raw = ANY (kinds) ORDER BY random() + n * 0 LIMIT 1) t
			CROSS JOIN LATERAL (SELECT * FROM details WHERE round % 3 > 0 OR good ORDER BY random() + n * 0 LIMIT 1) d
			CROSS JOIN LATERAL (SELECT * FROM persons ORDER BY random() + n * 0 LIMIT 1) p;

		-- Half of what is known is sent again as it is.
		UPDATE file f SET kind = o.kind, kind_good = true, region = o.region, region_good = true, tags = o.tags::text,
			tag_array = o.tags, tag_kinds = ARRAY[o.kind], name = o.name, detail = o.detail::text, detail_json = o.detail,
			detail_good = true, person = o.person, person_is = o.person
		FROM oracle o
		WHERE o.source_department = department AND o.source_key = f.source_key AND random() < 0.5;

		import_run := start_import(department);
		INSERT INTO element_import (source_key, kind, region, tags, name, detail, person)
		SELECT f.source_key, f.kind, f.region, f.tags, f.name, f.detail, f.person FROM file f ORDER BY f.n;
		SELECT * INTO got FROM import_elements(import_run);

		TRUNCATE accepted;
		INSERT INTO accepted
			SELECT f.n, f.source_key, f.kind, f.region, f.tag_array, f.person_is, nullif(f.name, '') AS name, f.detail_json
			FROM file f
			WHERE trim(f.source_key) <> '' AND f.kind_good AND f.region_good AND f.kind = ANY (f.tag_kinds) AND f.detail_good
				AND NOT EXISTS (SELECT FROM file l WHERE l.source_key = f.source_key AND l.n > f.n);
		SELECT count(*) FILTER (WHERE o.source_key IS NULL) AS new,
			count(*) FILTER (WHERE (o.kind, o.region, o.tags, o.person, o.name, o.detail)
				IS DISTINCT FROM (a.kind, a.region, a.tag_array, a.person_is, a.name, a.detail_json) AND o.source_key IS NOT NULL) AS changed,
			count(*) AS accepted
		INTO expected
		FROM accepted a LEFT JOIN oracle o ON o.source_department = department AND o.source_key = a.source_key;
		DELETE FROM oracle o USING accepted a WHERE o.source_department = department AND o.source_key = a.source_key;
		INSERT INTO oracle SELECT department, a.source_key, a.kind, a.region, a.tag_array, a.person_is, a.name, a.detail_json FROM accepted a;

		INSERT INTO outcome SELECT round, most,
			(got.new, got.changed, got.unchanged, got.rejected) = (expected.new, expected.changed,
				expected.accepted - expected.new - expected.changed, most - expected.accepted),
			(SELECT array_agg(j.line ORDER BY j.line) FROM import_reject j WHERE j.run = import_run) IS NOT DISTINCT FROM
				(SELECT array_agg(f.n::bigint ORDER BY f.n) FROM file f WHERE f.n NOT IN (SELECT a.n FROM accepted a)),
			NOT EXISTS (TABLE imported_elements EXCEPT TABLE expected_elements)
				AND NOT EXISTS (TABLE expected_elements EXCEPT TABLE imported_elements),
			NOT EXISTS (SELECT FROM element_import);
	END LOOP;
END
$$;
SELECT count(*) AS rounds, bool_and(counts_right) AS counts, bool_and(rejects_right) AS rejects,
	bool_and(elements_right) AS elements, bool_and(emptied) AS emptied FROM outcome;
SELECT sum(new + changed + unchanged + rejected) = (SELECT sum(lines) FROM outcome) AS all_lines, sum(new) > 20 AS new,
	sum(changed) > 20 AS changed, sum(unchanged) > 20 AS unchanged, sum(rejected) > 200 AS rejected FROM import_run;
SELECT count(*) FILTER (WHERE reason LIKE 'replaced by line %') > 500 AS replaced, count(DISTINCT reason) > 50 AS reasons FROM import_reject;
RESET govcase.account;

/*
 * The list of items: 55 classes and 338 items, as a file of them is exported from one
 * registry and imported in another, or again.
 */
INSERT INTO item_class SELECT 'C' || to_char(n, 'FM00'), (ARRAY['governance', 'public_service', 'emergency'])[1 + n % 3], 'class "' || n || '"'
FROM generate_series(1, 55) n;
INSERT INTO item SELECT 'I' || to_char(n, 'FM000'), 'C' || to_char(1 + n % 55, 'FM00'), 'item, ' || n,
	(ARRAY['blue', 'yellow', 'red'])[1 + n % 3]::risk_level, nullif(n % 3, 0), nullif(n % 4, 0) FROM generate_series(1, 338) n;
CREATE TEMP TABLE item_before AS TABLE item;
CREATE TEMP TABLE class_before AS TABLE item_class;
\copy (SELECT i.class, c.name AS class_name, c.module, i.code, i.name, i.risk, i.department, i.working_days FROM item i JOIN item_class c ON c.code = i.class ORDER BY i.code) TO 'test/results/registry_items.csv' (FORMAT csv, HEADER)
DELETE FROM item WHERE code > 'I100'; DELETE FROM item_class WHERE code > 'C50' AND code NOT IN (SELECT class FROM item);
UPDATE item SET name = 'other', working_days = NULL WHERE code <= 'I010';
UPDATE item_class SET name = 'other' WHERE code = 'C07';
SELECT (SELECT count(*) FROM item_class) AS classes, (SELECT count(*) FROM item) AS items;
SET SESSION AUTHORIZATION import_admin;
BEGIN;
\copy item_import (class, class_name, module, code, name, risk, department, working_days) FROM 'test/results/registry_items.csv' (FORMAT csv, HEADER)
SELECT * FROM import_items();
COMMIT;
-- Again, nothing changes.
BEGIN;
\copy item_import (class, class_name, module, code, name, risk, department, working_days) FROM 'test/results/registry_items.csv' (FORMAT csv, HEADER)
SELECT * FROM import_items();
COMMIT;
SET SESSION AUTHORIZATION import_owner;
SELECT count(*) FROM (TABLE item EXCEPT TABLE item_before) AS i;
SELECT count(*) FROM (TABLE item_before EXCEPT TABLE item) AS i;
SELECT count(*) FROM (TABLE class_before EXCEPT TABLE item_class) AS c;
SELECT (SELECT count(*) FROM item_class) AS classes, (SELECT count(*) FROM item) AS items, (SELECT count(*) FROM item_import) AS staged;
-- What the file does not name stays, and labels are read in either language.
SET SESSION AUTHORIZATION import_admin;
BEGIN;
COPY item_import (class, class_name, module, code, name, risk, department, working_days) FROM stdin (FORMAT csv);
C90,new,emergency,I901,one,黄,2,
C90,new,emergency,I902,two,RED,,15
\.
SELECT * FROM import_items();
COMMIT;
SELECT * FROM item WHERE class = 'C90' ORDER BY code;
-- Whole or not at all: all that is wrong is told by line.
\set VERBOSITY default
BEGIN;
COPY item_import (class, class_name, module, code, name, risk, department, working_days) FROM stdin (FORMAT csv);
C91,good,emergency,I911,one,red,,
,,,,,,,
C92,a class,sports,I912,two,purple,77,0
C93,a class,governance,I913,three,blue,1,10
C93,another,emergency,I913,four,blue,x,1.5
C94,a class,governance,I915,five,blue,1,-3
\.
SELECT * FROM import_items();
\echo :SQLSTATE
ROLLBACK;
\set VERBOSITY terse
SELECT count(*) FROM item WHERE code LIKE 'I91_';
-- In the transaction that copied; what others left is not taken for one's own, and swept.
COPY item_import (class, class_name, module, code, name, risk) FROM stdin (FORMAT csv);
C95,left,governance,I951,left,blue
\.
SELECT * FROM import_items();
\echo :SQLSTATE
BEGIN;
COPY item_import (class, class_name, module, code, name, risk) FROM stdin (FORMAT csv);
C96,mine,governance,I961,mine,blue
\.
SELECT * FROM import_items();
COMMIT;
SELECT code FROM item WHERE code IN ('I951', 'I961');
INSERT INTO item_import (staged_in, code) VALUES (pg_current_xact_id(), 'I971');
\echo :SQLSTATE
SELECT * FROM item_import;
SET SESSION AUTHORIZATION import_owner;
SELECT count(*) AS staged FROM item_import;
-- An admin's role whose account is none has the grants, and no more.
CALL admit('import_pool', 'admin');
SET SESSION AUTHORIZATION import_pool;
SELECT import_items();
\echo :SQLSTATE
SET SESSION AUTHORIZATION import_health;
SELECT import_items();
\echo :SQLSTATE
\copy item_import (code) FROM '/dev/null'

RESET SESSION AUTHORIZATION;
\set QUIET on
SET client_min_messages = warning;
DROP SCHEMA imports CASCADE;
DROP OWNED BY import_owner, import_health, import_police, import_pool, import_admin, import_member;
DROP ROLE import_owner, import_health, import_police, import_pool, import_admin, import_member;
