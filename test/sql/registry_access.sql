\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS govcase CASCADE;
SELECT format('GRANT CREATE ON DATABASE %I TO access_owner', current_database()) AS grant_create \gset
CREATE ROLE access_owner;
:grant_create;
-- One role a duty, as a DBA may give them out; one pool by token, one vouched.
CREATE ROLE access_li; CREATE ROLE access_zhao; CREATE ROLE access_wang; CREATE ROLE access_two;
CREATE ROLE access_officer; CREATE ROLE access_analyst; CREATE ROLE access_importer; CREATE ROLE access_admin;
CREATE ROLE access_pool; CREATE ROLE access_door; CREATE ROLE access_vouched; CREATE ROLE access_stranger;
RESET client_min_messages;
\set QUIET off
\set ECHO all
\set SHOW_CONTEXT never
\set VERBOSITY terse
SET SESSION AUTHORIZATION access_owner;
CALL govcase.create_registry('city');
SET search_path = city, govcase, public;

-- A city, two counties, a township and its village each.
INSERT INTO region (code, code_end, level, parent, name) VALUES
	('411600000000', '411699999999', 1, NULL, 'city'),
	('411602000000', '411602999999', 2, '411600000000', 'county A'),
	('411602001000', '411602001999', 3, '411602000000', 'township A1'),
	('411602001001', '411602001001', 4, '411602001000', 'village A11'),
	('411602002000', '411602002999', 3, '411602000000', 'township A2'),
	('411681000000', '411681999999', 2, '411600000000', 'county B'),
	('411681001000', '411681001999', 3, '411681000000', 'township B1');
INSERT INTO department (name, region) VALUES ('justice', '411602000000'), ('housing', '411602000000');
INSERT INTO account (id) VALUES ('a-li'), ('a-zhao'), ('a-wang'), ('a-two'), ('a-officer'), ('a-analyst'),
	('a-importer'), ('a-admin'), ('a-owner');
INSERT INTO account (id, active) VALUES ('a-left', false);
INSERT INTO account_duty (account, duty, region, department) VALUES
	('a-li', 'member', '411602001001', NULL),
	('a-zhao', 'centre', '411602000000', NULL),
	('a-wang', 'inspector', '411600000000', NULL),
	('a-two', 'leader', '411602002000', NULL), ('a-two', 'leader', '411681001000', NULL),
	('a-officer', 'officer', NULL, 2),
	('a-analyst', 'analyst', '411600000000', NULL),
	('a-importer', 'importer', NULL, 1),
	('a-admin', 'admin', '411602000000', NULL),
	('a-owner', 'centre', '411600000000', NULL),
	('a-left', 'centre', '411600000000', NULL);
INSERT INTO account_login VALUES
	('access_li', 'person', 'a-li'), ('access_zhao', 'person', 'a-zhao'), ('access_wang', 'person', 'a-wang'),
	('access_two', 'person', 'a-two'), ('access_officer', 'person', 'a-officer'),
	('access_analyst', 'person', 'a-analyst'), ('access_importer', 'person', 'a-importer'),
	('access_admin', 'person', 'a-admin'), ('access_pool', 'token', NULL), ('access_vouched', 'vouched', NULL),
	('access_owner', 'vouched', NULL);
CALL admit('access_li', 'member');
CALL admit('access_zhao', 'centre');
CALL admit('access_wang', 'inspector');
CALL admit('access_two', 'leader');
CALL admit('access_officer', 'officer');
CALL admit('access_analyst', 'analyst');
CALL admit('access_importer', 'importer');
CALL admit('access_admin', 'admin');
CALL admit('access_pool', 'member'); CALL admit('access_pool', 'centre');
CALL admit('access_vouched', 'centre');
CALL admit('access_door', 'sign_in');
CALL admit('access_li', 'mayor');
\echo :SQLSTATE
CALL admit('access_nobody', 'member');

-- Without an account even the owner changes no case; it sees all rows, being the owner.
INSERT INTO dispute (region, place_region, risk, found_by) VALUES ('411602001001', '411602001001', 'yellow', 'patrol');
\echo :SQLSTATE
ALTER TABLE dispute ALTER id RESTART;
SET govcase.account = 'a-owner';
INSERT INTO dispute (region, place_region, risk, found_by, departments) VALUES
	('411602001001', '411602001001', 'yellow', 'patrol', '{}'),   -- 1, A11
	('411602001000', '411602001000', 'yellow', 'window', '{2}'),  -- 2, A1, housing
	('411602002000', '411602002000', 'yellow', 'window', '{}'),   -- 3, A2
	('411681001000', '411681001000', 'yellow', 'police', '{2}'),  -- 4, B1, housing
	('411602000000', '411602000000', 'yellow', 'hotline', '{}');  -- 5, county A
INSERT INTO dispute_detail (dispute, title, place)
SELECT n, 'title ' || n, ST_SetSRID(ST_MakePoint(114.65 + n * 0.001, 33.62), 4490) FROM generate_series(1, 5) n;
INSERT INTO dispute_party (dispute, role, name, phone)
SELECT n % 5 + 1, 'party', 'name ' || n, '1380000' || lpad(n::text, 4, '0') FROM generate_series(1, 200) n;
INSERT INTO element (source_department, source_key, kind, region, tags)
SELECT 1, n, 'person', (ARRAY['411602001001', '411602002000', '411681001000'])[n % 3 + 1], ARRAY['elderly']
FROM generate_series(1, 9) n;
INSERT INTO element_detail (source_department, source_key, name) SELECT 1, n, 'name ' || n FROM generate_series(1, 9) n;
RESET govcase.account;

-- Who sees which disputes, through the table, a child, the chain, a view and the searches.
RESET SESSION AUTHORIZATION;
CREATE FUNCTION pg_temp.sees(OUT account text, OUT disputes text, OUT details text, OUT parties bigint,
	OUT chains text, OUT board bigint, OUT near text, OUT elements bigint, OUT names bigint)
LANGUAGE sql AS $$
	SELECT current_account(),
		(SELECT string_agg(id::text, ',' ORDER BY id) FROM dispute),
		(SELECT string_agg(dispute::text, ',' ORDER BY dispute) FROM dispute_detail),
		(SELECT count(*) FROM dispute_party),
		(SELECT string_agg(DISTINCT id::text, ',') FROM follow_up),
		(SELECT sum(disputes) FROM board),
		(SELECT string_agg(dispute::text, ',') FROM find_near(ST_SetSRID(ST_MakePoint(114.65, 33.62), 4490), 5000)),
		(SELECT count(*) FROM find_elements('{elderly}', '411600000000')),
		(SELECT count(*) FROM element_detail)
$$;
SELECT format('%I.sees', nspname) AS sees FROM pg_namespace WHERE oid = pg_my_temp_schema() \gset
GRANT USAGE ON SCHEMA city TO PUBLIC;
SET SESSION AUTHORIZATION access_li;      SELECT * FROM :sees();
SET SESSION AUTHORIZATION access_zhao;    SELECT * FROM :sees();
SET SESSION AUTHORIZATION access_wang;    SELECT * FROM :sees();
SET SESSION AUTHORIZATION access_two;     SELECT * FROM :sees();
SELECT scope_low(), scope_high(), scope_codes();
SET SESSION AUTHORIZATION access_officer; SELECT * FROM :sees();
-- A pool without a token, and a role without a login, see nothing.
SET SESSION AUTHORIZATION access_pool;    SELECT * FROM :sees();
SET SESSION AUTHORIZATION access_vouched; SELECT * FROM :sees();
-- Those without a duty on cases have no way to them.
SET SESSION AUTHORIZATION access_analyst; SELECT count(*) FROM dispute;
\echo :SQLSTATE
SELECT count(*) FROM dispute_detail;
SET SESSION AUTHORIZATION access_importer; SELECT count(*) FROM dispute_party;
SET SESSION AUTHORIZATION access_admin;   SELECT count(*) FROM dispute;
SET SESSION AUTHORIZATION access_door;    SELECT count(*) FROM account;
SET SESSION AUTHORIZATION access_stranger; SELECT current_account();

-- Of those in sight 186 m is within 200 m, and 371 m is not.
SET SESSION AUTHORIZATION access_zhao;
SELECT dispute, round(distance) AS metres FROM find_near(ST_SetSRID(ST_MakePoint(114.651, 33.62), 4490), 200);

-- Analysts have counts: below the counties none under five.
SET SESSION AUTHORIZATION access_analyst;
SELECT region, level, registered, pending, handled, rate FROM region_rollup ORDER BY region;
SELECT small_cell FROM about;
-- A centre, which may read the rows, has those of its county whole.
SET SESSION AUTHORIZATION access_zhao;
SELECT region, registered FROM region_rollup ORDER BY region;

-- A person is the role, whatever is set, even inside the statement that asks.
SET govcase.account = 'a-wang'; SET govcase.token = 'ff'; SET govcase.actor = 'a-wang';
SELECT count(*) FROM dispute;
SELECT count(*), max(set_config('govcase.account', 'a-wang', false)), max(set_config('govcase.actor', 'a-wang', false)) FROM dispute;
UPDATE dispute SET responsible = 'a-zhao', state = 'assigned',
	reason = set_config('govcase.actor', 'a-wang', false) || set_config('govcase.account', 'a-wang', false)
WHERE id = 3;
SELECT kind, actor FROM follow_up WHERE id = 3 ORDER BY seq;
RESET govcase.account; RESET govcase.token; RESET govcase.actor;

-- What is hidden cannot be reached by a key, by a foreign key, by COPY, or by moving a row.
SET SESSION AUTHORIZATION access_li;
UPDATE dispute SET reason = 'x' WHERE id = 1;
\echo :SQLSTATE
INSERT INTO dispute_party (dispute, role, name) VALUES (4, 'party', 'slipped in');
\echo :SQLSTATE
INSERT INTO dispute_party (dispute, role, name) VALUES (999, 'party', 'nowhere');
\echo :SQLSTATE
INSERT INTO dispute (region, place_region, risk, found_by) VALUES ('411681001000', '411681001000', 'yellow', 'patrol');
\echo :SQLSTATE
-- PostgreSQL takes no COPY FROM where policies hold; COPY TO shows what SELECT does.
\copy dispute (region, place_region, risk, found_by) FROM '/dev/null'
\echo :SQLSTATE
COPY dispute_detail (dispute, title) TO stdout;
INSERT INTO follow_up (id, kind) VALUES (4, 'visit');
\echo :SQLSTATE
INSERT INTO follow_up (id, kind, note) VALUES (1, 'visit', 'spoke to both');
SELECT kind, actor, note FROM follow_up WHERE id = 1 ORDER BY seq;
INSERT INTO follow_up (id, kind, actor) VALUES (1, 'visit', 'a-wang');
\echo :SQLSTATE
SET SESSION AUTHORIZATION access_zhao;
UPDATE dispute SET region = '411681001000' WHERE id = 1;
\echo :SQLSTATE
UPDATE dispute SET reason = 'x' WHERE id = 4;

-- Nobody changes what the functions keep.
UPDATE dispute SET open_work = 0;
\echo :SQLSTATE
UPDATE dispute SET departments = '{1}';
UPDATE assignment SET state = 'done';
DELETE FROM dispute;
SELECT digest FROM account_session;
SELECT digest_key FROM about;
\echo :SQLSTATE

-- An admin gives duties in its own county, and nowhere else.
SET SESSION AUTHORIZATION access_admin;
INSERT INTO account (id) VALUES ('a-new');
INSERT INTO account_duty (account, duty, region) VALUES ('a-new', 'member', '411602001001');
INSERT INTO account_duty (account, duty, region) VALUES ('a-new', 'member', '411681001000');
\echo :SQLSTATE
INSERT INTO account_duty (account, duty, region) VALUES ('a-admin', 'leader', '411600000000');
INSERT INTO account_duty (account, duty, department) VALUES ('a-new', 'officer', 1);
UPDATE account_duty SET region = '411681001000' WHERE account = 'a-new' AND duty = 'member';
INSERT INTO account_login VALUES ('access_stranger', 'person', 'a-wang');
\echo :SQLSTATE
-- Another's grants do not make an admin: the pool may write lists as far as its account may.
SET SESSION AUTHORIZATION access_owner;
CALL admit('access_vouched', 'admin');
SET SESSION AUTHORIZATION access_vouched;
SET govcase.account = 'a-zhao';
INSERT INTO tag VALUES ('elderly', 'person', 'elderly');
\echo :SQLSTATE
UPDATE region SET name = 'mine';
SET govcase.account = 'a-left';
SELECT current_account(), count(*) FROM dispute;
SET govcase.account = 'a-zhao';
SELECT current_account(), count(*) FROM dispute;
RESET govcase.account;

-- Tokens. Only a sign-in role issues them.
SET SESSION AUTHORIZATION access_pool;
SELECT open_session('a-wang');
\echo :SQLSTATE
SET SESSION AUTHORIZATION access_door;
SELECT open_session('a-left');
\echo :SQLSTATE
SELECT open_session('a-li', '2 days');
SELECT open_session('a-li') AS token, open_session('a-zhao') AS of_zhao \gset
SELECT length(:'token') AS digits, :'token' <> :'of_zhao' AS differ;
SET SESSION AUTHORIZATION access_pool;
BEGIN;
SET LOCAL govcase.token = :'token';
SELECT current_account(), count(*) FROM dispute;
SET LOCAL govcase.account = 'a-wang';
SET LOCAL govcase.actor = 'a-wang';
SELECT current_account(), count(*) FROM dispute;
INSERT INTO follow_up (id, kind) VALUES (1, 'mediation');
SELECT actor FROM follow_up WHERE id = 1 ORDER BY seq DESC LIMIT 1;
-- The pool's grants are more than the account's duties.
UPDATE dispute SET difficult = true;
-- What is no token is nobody's.
SET LOCAL govcase.token = 'not a token';
SELECT current_account(), count(*) FROM dispute;
COMMIT;
SELECT current_account();
-- A cursor takes the account of its first FETCH.
BEGIN;
SET LOCAL govcase.token = :'token';
DECLARE mine CURSOR WITH HOLD FOR SELECT id FROM dispute ORDER BY id;
COMMIT;
FETCH ALL FROM mine;
BEGIN;
SET LOCAL govcase.token = :'of_zhao';
DECLARE late CURSOR FOR SELECT id FROM dispute ORDER BY id;
FETCH 1 FROM late;
SET LOCAL govcase.token = :'token';
FETCH ALL FROM late;
COMMIT;
CLOSE mine;
-- The token serves no role that is not trusted by token; what is kept of it is no token.
SET SESSION AUTHORIZATION access_vouched;
SET govcase.token = :'token';
SELECT current_account();
SET SESSION AUTHORIZATION access_owner;
SELECT count(*) FILTER (WHERE encode(digest, 'hex') = :'token') AS tokens, count(*) AS digests,
	min(octet_length(digest)) AS bytes FROM account_session;
SELECT encode(digest, 'hex') AS stolen FROM account_session WHERE account = 'a-li' \gset
SET SESSION AUTHORIZATION access_pool;
SET govcase.token = :'stolen';
SELECT current_account();
-- Expired, ended, and of an account that was switched off, it is worth nothing.
SET govcase.token = :'token';
SELECT current_account();
SET SESSION AUTHORIZATION access_owner;
UPDATE account SET active = false WHERE id = 'a-li';
SET SESSION AUTHORIZATION access_pool;
SELECT current_account();
SET SESSION AUTHORIZATION access_owner;
UPDATE account SET active = true WHERE id = 'a-li';
UPDATE account_session SET expires = now() - interval '1 second' WHERE account = 'a-li';
SET SESSION AUTHORIZATION access_pool;
SELECT current_account(), count(*) FROM dispute;
SET SESSION AUTHORIZATION access_door;
SELECT open_session('a-li') AS token \gset
SELECT close_session(:'token'), close_session(:'token'), close_session('x');
SET SESSION AUTHORIZATION access_owner;
SELECT account FROM account_session;
RESET govcase.token;

-- A role that may become another is still the one that is connected.
RESET SESSION AUTHORIZATION;
GRANT access_wang TO access_li;
SET SESSION AUTHORIZATION access_li;
SET ROLE access_wang;
SELECT current_account(), count(*) FROM dispute;
RESET ROLE;
RESET SESSION AUTHORIZATION;
REVOKE access_wang FROM access_li;

-- EXPLAIN tells no stored telephone number from an absent one: not one statistic is kept.
SET SESSION AUTHORIZATION access_owner;
ANALYZE dispute_party;
CREATE FUNCTION pg_temp.estimate(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE plan json;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO plan;
	RETURN plan -> 0 -> 'Plan' -> 'Plan Rows';
END $$;
SELECT pg_temp.estimate($$SELECT FROM dispute_party WHERE phone = '13800000007'$$)
	= pg_temp.estimate($$SELECT FROM dispute_party WHERE phone = 'absent'$$) AS same;
SELECT attname FROM pg_stats WHERE schemaname = 'city' AND tablename = 'dispute_party' ORDER BY 1;
-- Personal columns have no uniqueness whose violation would tell, save their keys.
SELECT c.relname, i.indexrelid::regclass FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
WHERE c.relnamespace = 'city'::regnamespace AND obj_description(c.oid, 'pg_class') LIKE 'personal:%'
	AND i.indisunique AND NOT i.indisprimary;
-- A function of the user's in a condition is not asked about rows that are hidden.
SET SESSION AUTHORIZATION access_li;
CREATE FUNCTION pg_temp.tell(name text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$
BEGIN RAISE NOTICE '%', name; RETURN true; END $$;
SELECT count(*) FROM dispute_detail WHERE pg_temp.tell(title);
SELECT count(*) FROM dispute WHERE 1 / (CASE WHEN id = 4 THEN 0 ELSE 1 END) = 1;

-- Every table is under row security, save those that files are copied into, which nobody may read; nobody but the owner has what is not granted.
SET SESSION AUTHORIZATION access_owner;
SELECT relname FROM pg_class WHERE relnamespace = 'city'::regnamespace AND relkind = 'r' AND NOT relrowsecurity ORDER BY 1;
SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'city'::regnamespace
	AND (has_function_privilege('access_stranger', p.oid, 'EXECUTE')
		OR p.prosecdef AND NOT p.proconfig @> ARRAY['search_path=city, govcase, pg_temp']);
SELECT relname FROM pg_class WHERE relnamespace = 'city'::regnamespace AND relkind IN ('r', 'v')
	AND has_any_column_privilege('access_stranger', oid, 'SELECT, INSERT, UPDATE');
-- Dismissed, a role has nothing.
CALL dismiss('access_li');
SELECT count(*) FROM pg_class WHERE relnamespace = 'city'::regnamespace AND relkind IN ('r', 'v')
	AND has_any_column_privilege('access_li', oid, 'SELECT, INSERT, UPDATE');

RESET SESSION AUTHORIZATION;
\set QUIET on
SET client_min_messages = warning;
DROP SCHEMA city CASCADE;
DROP OWNED BY access_owner, access_li, access_zhao, access_wang, access_two, access_officer, access_analyst,
	access_importer, access_admin, access_pool, access_door, access_vouched, access_stranger;
DROP ROLE access_owner, access_li, access_zhao, access_wang, access_two, access_officer, access_analyst,
	access_importer, access_admin, access_pool, access_door, access_vouched, access_stranger;
