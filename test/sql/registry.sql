\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS govcase CASCADE;
CREATE ROLE registry_one; CREATE ROLE registry_two;
SELECT format('GRANT CREATE ON DATABASE %I TO registry_one, registry_two', current_database()) AS grant_create \gset
:grant_create;
RESET client_min_messages;
\set QUIET off
\set ECHO all
\set SHOW_CONTEXT never

-- Two users, each with a city, and names in any case and script.
SET ROLE registry_one;
CALL govcase.create_registry('zhoukou');
SET ROLE registry_two;
CALL govcase.create_registry('Zhou "K" 周口', '{"small_cell": 3, "srid": 4326}');
RESET ROLE;
SELECT n.nspname, pg_get_userbyid(n.nspowner) AS owner, count(*) > 40 AS tables,
	count(*) FILTER (WHERE c.relowner <> n.nspowner) AS others
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname IN ('zhoukou', 'Zhou "K" 周口') GROUP BY 1, 2 ORDER BY 1;
SELECT small_cell, srid, schema_version, octet_length(digest_key) AS key_bytes FROM "Zhou ""K"" 周口".about;
SELECT DISTINCT srid FROM geometry_columns WHERE f_table_schema = 'Zhou "K" 周口';
SELECT o.digest_key <> t.digest_key AS keys_differ FROM zhoukou.about o, "Zhou ""K"" 周口".about t;
-- They differ in nothing but their names and options, and none belongs to the extension.
SELECT * FROM govcase.registry_objects('zhoukou') EXCEPT SELECT * FROM govcase.registry_objects('Zhou "K" 周口');
SELECT count(*) FROM pg_depend d JOIN pg_class c ON c.oid = d.objid
WHERE d.classid = 'pg_class'::regclass AND d.deptype = 'e' AND c.relnamespace = 'zhoukou'::regnamespace;

-- Every table and column, view and function says what it is.
SELECT c.relname, a.attname FROM pg_class c
	JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum >= 0 AND NOT a.attisdropped
WHERE c.relnamespace = 'zhoukou'::regnamespace AND c.relkind IN ('r', 'v')
	AND (col_description(c.oid, a.attnum) IS NULL OR obj_description(c.oid, 'pg_class') IS NULL);
SELECT proname FROM pg_proc WHERE pronamespace = 'zhoukou'::regnamespace AND obj_description(oid, 'pg_proc') IS NULL;
-- Every foreign key has an index that begins with its columns.
SELECT k.conrelid::regclass, k.conname FROM pg_constraint k
WHERE k.connamespace = 'zhoukou'::regnamespace AND k.contype = 'f' AND NOT EXISTS (
	SELECT FROM pg_index i WHERE i.indrelid = k.conrelid
		AND (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey)
ORDER BY 1, 2;
SELECT p.cases, p.follow_ups, p.policy, p.actor_function, p.triggers_missing, p.triggers_disabled, p.problem
FROM govcase.protections() p JOIN pg_class c ON c.oid = p.cases
WHERE c.relnamespace = 'zhoukou'::regnamespace ORDER BY 1;

-- What a table refuses.
\set VERBOSITY terse
SET ROLE registry_one;
SET search_path = zhoukou, govcase, public;
INSERT INTO region (code, code_end, level, name) VALUES ('4116', '411699999999', 1, 'city');
INSERT INTO region (code, code_end, level, name) VALUES ('411600000000', '411599999999', 1, 'city');
INSERT INTO region (code, code_end, level, name) VALUES ('411602000000', '411602999999', 2, 'county of no city');
INSERT INTO region (code, code_end, level, name) VALUES ('411600000000', '411699999999', 1, 'city');
INSERT INTO account (id) VALUES ('a-li');
INSERT INTO account_login VALUES ('postgres', 'person', NULL);
INSERT INTO account_login VALUES (session_user, 'vouched', NULL);
INSERT INTO account_duty (account, duty) VALUES ('a-li', 'officer');
INSERT INTO account_duty (account, duty, region) VALUES ('a-li', 'officer', '411600000000');
SET govcase.account = 'a-li';
INSERT INTO dispute (region, place_region, risk, found_by) VALUES ('411600000000', '411600000000', 'red', 'patrol');
INSERT INTO dispute (region, place_region, risk, found_by, grounds) VALUES ('411600000000', '411600000000', 'red', 'patrol', '{}');
INSERT INTO dispute (region, place_region, risk, found_by, grounds) VALUES ('411600000000', '411600000000', 'red', 'patrol', '{loud}');
INSERT INTO dispute (region, place_region, risk, found_by) VALUES ('411600000000', '411600000000', 'blue', 'patrol');
INSERT INTO dispute (region, place_region, risk, found_by) VALUES ('411600000000', '411600000000', 'orange', 'patrol');
ALTER TABLE dispute ALTER id RESTART;
INSERT INTO dispute (region, place_region, risk, found_by, grounds) VALUES
	('411600000000', '411600000000', 'red', 'patrol', '{grave,high_risk}');
INSERT INTO dispute (region, place_region, risk, found_by) VALUES ('411600000000', '411600000000', 'yellow', 'sweep');
UPDATE dispute SET duplicate_of = 1 WHERE id = 2;
UPDATE dispute SET duplicate_of = 2, state = 'voided', reason = 'twice' WHERE id = 2;
UPDATE dispute SET duplicate_of = 1, state = 'voided', reason = 'twice' WHERE id = 2;
UPDATE dispute SET state = 'closed' WHERE id = 1;
DELETE FROM dispute WHERE id = 2;
INSERT INTO department (name, region) VALUES ('justice', '411600000000'), ('housing', '411600000000');
INSERT INTO assignment (dispute, department, leads, answer_by) VALUES (1, 1, true, '2100-01-01');
INSERT INTO assignment (dispute, department, leads, answer_by) VALUES (1, 1, false, '2100-01-01');
INSERT INTO assignment (dispute, department, leads, answer_by) VALUES (1, 2, true, '2100-01-01');
INSERT INTO assignment (dispute, department, leads, answer_by) VALUES (1, 2, false, '2100-01-01');
UPDATE assignment SET state = 'done' WHERE department = 2;
INSERT INTO deadline (rule, due) VALUES (1, '2024-01-01');
INSERT INTO deadline (rule, dispute, due, extended_to) VALUES (4, 1, '2024-01-01', '2024-02-01');
SELECT subject, step, amount, unit, extend_by FROM deadline_rule ORDER BY id;
SELECT * FROM risk_level_region ORDER BY risk;
SELECT describe_table('tag', 'tags', '{"tag": "x", "kind": "x", "colour": "x"}');
\set VERBOSITY default
RESET search_path;

-- A schema that is there has to be empty and one's own.
RESET ROLE;
CREATE SCHEMA taken;
CREATE TABLE taken.one (); CREATE TABLE taken.two (); CREATE VIEW taken.three AS SELECT 1 AS one;
CALL govcase.create_registry('taken');
\echo :SQLSTATE
SET ROLE registry_one;
CALL govcase.create_registry('taken');
\set VERBOSITY terse
CALL govcase.create_registry('zhoukou');
\set VERBOSITY default
CREATE SCHEMA empty;
CALL govcase.create_registry('empty');
CALL govcase.create_registry(NULL);
CALL govcase.create_registry('');
CALL govcase.create_registry(repeat('周', 22));
CALL govcase.create_registry('other', '{"colour": 3}');
CALL govcase.create_registry('other', '{"srid": "4490"}');
CALL govcase.create_registry('other', '[]');
BEGIN ISOLATION LEVEL REPEATABLE READ;
CALL govcase.create_registry('other');
ROLLBACK;
BEGIN;
CALL govcase.create_registry('other');
ROLLBACK;
SELECT count(*) FROM pg_namespace WHERE nspname = 'other';

-- Renamed, its functions and protections follow, and nothing counts as changed.
CALL govcase.rename_registry('zhoukou', 'Big "City"');
SELECT DISTINCT path FROM pg_proc, unnest(proconfig) AS path
WHERE pronamespace = '"Big ""City"""'::regnamespace AND path LIKE 'search\_path=%';
SELECT * FROM govcase.registry_changes('Big "City"');
SET search_path = "Big ""City""", govcase, public;
SELECT current_account();
INSERT INTO dispute (region, place_region, risk, found_by) VALUES ('411600000000', '411600000000', 'yellow', 'sweep');
SELECT actor, count(*) FROM follow_up GROUP BY 1;
SELECT actor_function, problem FROM govcase.protections() WHERE cases = 'dispute'::regclass;
SELECT * FROM govcase.verify_chain('dispute');
RESET search_path;
CALL govcase.rename_registry('zhoukou', 'x');
\echo :SQLSTATE
CALL govcase.rename_registry('taken', 'x');
CALL govcase.rename_registry('Zhou "K" 周口', 'x');
\echo :SQLSTATE
CALL govcase.rename_registry('Big "City"', 'empty');
CALL govcase.rename_registry('Big "City"', 'zhoukou');

-- Upgraded, a registry is as one made now. The extension of tomorrow:
RESET ROLE;
BEGIN;
INSERT INTO govcase.registry_script VALUES
	('later step', 97, 2, 'ALTER TABLE tag ADD since date; '
		'COMMENT ON COLUMN tag.since IS ''when it came up''; CREATE TABLE later (id integer PRIMARY KEY); '
		'ALTER TABLE later ENABLE ROW LEVEL SECURITY'),
	('later code', 98, NULL, 'CREATE OR REPLACE FUNCTION later_count() RETURNS bigint LANGUAGE plpgsql STABLE '
		'SET search_path FROM CURRENT AS $$ BEGIN RETURN (SELECT count(*) FROM later); END $$');
UPDATE govcase.registry_script SET script = replace(script, 'd.grid IS NULL AND', 'd.grid IS NULL AND d.hold IS NOT NULL AND')
WHERE part = 'views';
UPDATE govcase.registry_script SET script = replace(script, 'ON notice USING (account', 'ON notice USING (dispute IS NOT NULL AND account')
WHERE part = 'policies';
GRANT USAGE ON SCHEMA zhoukou TO registry_two; GRANT EXECUTE ON FUNCTION zhoukou.current_account() TO registry_two;
GRANT SELECT ON zhoukou.unplaced TO registry_two;
SET LOCAL ROLE registry_one;
CALL govcase.upgrade_registry('zhoukou');
CALL govcase.create_registry('fresh');
CREATE FUNCTION pg_temp.shape(registry text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT replace(s, format('%I.', registry), '') FROM (
		SELECT o.object || ' ' || coalesce(encode(o.digest, 'hex'), '') FROM govcase.registry_objects(registry::name) o
		UNION ALL
		SELECT format('%s.%s %s %s %s %s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
			a.attidentity, col_description(c.oid, a.attnum), (SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef
				WHERE adrelid = c.oid AND adnum = a.attnum))
		FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
		WHERE c.relnamespace = quote_ident(registry)::regnamespace AND c.relkind IN ('r', 'v')
		UNION ALL
		SELECT format('%s %s', conrelid::regclass, pg_get_constraintdef(oid)) FROM pg_constraint
		WHERE connamespace = quote_ident(registry)::regnamespace
		UNION ALL
		SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
		WHERE c.relnamespace = quote_ident(registry)::regnamespace
		UNION ALL
		-- Triggers of regions bear a number of the grids that they serve.
		SELECT format('%s %s %s %s', c.relname, regexp_replace(t.tgname, '_[0-9a-f]{8}$', ''), t.tgenabled, t.tgtype)
		FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
		WHERE c.relnamespace = quote_ident(registry)::regnamespace AND NOT t.tgisinternal
		UNION ALL
		SELECT format('%s row security %s', c.relname, c.relrowsecurity) FROM pg_class c
		WHERE c.relnamespace = quote_ident(registry)::regnamespace
		UNION ALL
		SELECT format('%s public %s', p.oid::regprocedure, has_function_privilege('registry_two', p.oid, 'EXECUTE'))
		FROM pg_proc p WHERE p.pronamespace = quote_ident(registry)::regnamespace AND p.proname <> 'current_account') AS x(s)
$$;
SELECT count(*) > 700 AS much FROM pg_temp.shape('fresh');
(SELECT * FROM pg_temp.shape('fresh') EXCEPT ALL SELECT * FROM pg_temp.shape('zhoukou'))
UNION ALL
(SELECT * FROM pg_temp.shape('zhoukou') EXCEPT ALL SELECT * FROM pg_temp.shape('fresh'));
SELECT schema_version, (SELECT count(*) FROM zhoukou.dispute) AS disputes FROM zhoukou.about;
SELECT pg_get_viewdef('zhoukou.unplaced') LIKE '%hold%' AS new_view,
	has_table_privilege('registry_two', 'zhoukou.unplaced', 'SELECT') AS still_granted,
	has_function_privilege('registry_two', 'zhoukou.current_account()', 'EXECUTE') AS and_this;
CALL govcase.upgrade_registry('zhoukou');
-- A registry that is newer than the extension is left alone.
RESET ROLE;
DELETE FROM govcase.registry_script WHERE part = 'later step';
SET LOCAL ROLE registry_one;
SAVEPOINT a;
CALL govcase.upgrade_registry('zhoukou');
\echo :SQLSTATE
ROLLBACK;

-- What its user has changed stops an upgrade, unless it may be overwritten.
BEGIN;
INSERT INTO govcase.registry_script VALUES
	('later code', 98, 2, 'CREATE OR REPLACE FUNCTION of_mine() RETURNS integer LANGUAGE sql AS ''SELECT 2''');
SET LOCAL ROLE registry_one;
SET LOCAL search_path = zhoukou, govcase;
CREATE POLICY of_mine ON dispute FOR DELETE USING (false);
CREATE FUNCTION not_theirs() RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE OR REPLACE FUNCTION my_departments() RETURNS integer[] LANGUAGE sql STABLE AS $$ SELECT '{1,2}'::integer[] $$;
ALTER POLICY own ON notice USING (true);
ALTER FUNCTION scope_low() RESET search_path;
DROP VIEW unplaced;
SELECT * FROM govcase.registry_changes('zhoukou');
SAVEPOINT a;
CALL govcase.upgrade_registry('zhoukou');
\echo :SQLSTATE
ROLLBACK TO a;
CALL govcase.upgrade_registry('zhoukou', overwrite => true);
SELECT * FROM govcase.registry_changes('zhoukou');
SELECT not_theirs(), count(*) FROM pg_policy WHERE polname = 'of_mine';
SELECT pg_get_viewdef('unplaced'::regclass) LIKE '%d.grid IS NULL%' AS as_it_comes;
ROLLBACK;
-- A function of the user's own that the new version happens to bring is never replaced.
BEGIN;
INSERT INTO govcase.registry_script VALUES
	('later code', 98, 2, 'CREATE OR REPLACE FUNCTION of_mine() RETURNS integer LANGUAGE sql AS ''SELECT 2''');
SET LOCAL ROLE registry_one;
CREATE FUNCTION zhoukou.of_mine() RETURNS integer LANGUAGE sql AS 'SELECT 1';
CALL govcase.upgrade_registry('zhoukou', overwrite => true);
\echo :SQLSTATE
ROLLBACK;
-- Only its owner upgrades it, so that all of it stays the owner's.
CALL govcase.upgrade_registry('zhoukou');
\echo :SQLSTATE

-- Dropped when it is empty, or when told so.
SET ROLE registry_two;
CALL govcase.drop_registry('zhoukou');
\echo :SQLSTATE
CREATE TABLE "Zhou ""K"" 周口".mine ();
CREATE SCHEMA elsewhere;
CREATE VIEW elsewhere.regions AS SELECT code FROM "Zhou ""K"" 周口".region;
CREATE TABLE elsewhere.note (region text COLLATE "C" REFERENCES "Zhou ""K"" 周口".region);
CALL govcase.drop_registry('Zhou "K" 周口');
\echo :SQLSTATE
DROP SCHEMA elsewhere CASCADE;
DROP TABLE "Zhou ""K"" 周口".mine;
CALL govcase.drop_registry('Zhou "K" 周口');
SET ROLE registry_one;
CALL govcase.drop_registry('zhoukou');
CALL govcase.drop_registry('zhoukou', with_data => true);
CALL govcase.drop_registry('empty', false);
CALL govcase.drop_registry('empty');
RESET ROLE;
CALL govcase.drop_registry('taken', true);
SELECT nspname FROM pg_namespace WHERE nspname IN ('zhoukou', 'empty', 'taken', 'Zhou "K" 周口');

\set QUIET on
SET client_min_messages = warning;
DROP SCHEMA taken CASCADE;
DROP OWNED BY registry_one, registry_two;
DROP ROLE registry_one, registry_two;
