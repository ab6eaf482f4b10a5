\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS govcase CASCADE;
-- One role a duty, which is the account; one pool by token and one vouched for, admitted to all; and one unknown.
CREATE ROLE attempt_member; CREATE ROLE attempt_officer; CREATE ROLE attempt_centre; CREATE ROLE attempt_leader;
CREATE ROLE attempt_inspector; CREATE ROLE attempt_importer; CREATE ROLE attempt_analyst; CREATE ROLE attempt_admin;
CREATE ROLE attempt_pool; CREATE ROLE attempt_vouched; CREATE ROLE attempt_unknown; CREATE ROLE attempt_sign_in;
RESET client_min_messages;
\set QUIET off
\set ECHO all
\set SHOW_CONTEXT never
\set VERBOSITY terse
CALL govcase.create_registry('attempts');
SET search_path = attempts, govcase, public;

-- Every function that runs as the registry's owner, and the duties that may execute it: a new one shows here.
SELECT format('CALL admit(%L, %L)', 'attempt_' || d, d) FROM unnest(ARRAY['member', 'officer', 'centre', 'leader',
	'inspector', 'importer', 'analyst', 'admin', 'sign_in']) d \gexec
SELECT p.oid::regprocedure AS function, CASE WHEN p.prorettype = 'trigger'::regtype THEN 'trigger'
		ELSE (SELECT string_agg(d, ' ' ORDER BY n)
			FROM unnest(ARRAY['member', 'officer', 'centre', 'leader', 'inspector', 'importer', 'analyst', 'admin',
				'sign_in']) WITH ORDINALITY AS u(d, n)
			WHERE has_function_privilege('attempt_' || d, p.oid, 'EXECUTE')) END AS duties
FROM pg_proc p
WHERE p.pronamespace = 'attempts'::regnamespace AND p.prosecdef
ORDER BY p.oid::regprocedure::text COLLATE "C";
-- And those that run as who calls them, where anybody may.
SELECT p.oid::regprocedure AS function, string_agg(d, ' ' ORDER BY n) AS duties
FROM pg_proc p CROSS JOIN unnest(ARRAY['member', 'officer', 'centre', 'leader', 'inspector', 'importer', 'analyst',
	'admin', 'sign_in']) WITH ORDINALITY AS u(d, n)
WHERE p.pronamespace = 'attempts'::regnamespace AND NOT p.prosecdef
	AND has_function_privilege('attempt_' || d, p.oid, 'EXECUTE')
GROUP BY p.oid ORDER BY p.oid::regprocedure::text COLLATE "C";

-- Two counties.  Everybody works in the first; what is in the second is hidden from them.
INSERT INTO region (code, code_end, level, parent, name) VALUES
	('411600000000', '411699999999', 1, NULL, 'city'),
	('411602000000', '411602999999', 2, '411600000000', 'county A'),
	('411602001000', '411602001999', 3, '411602000000', 'township A1'),
	('411602002000', '411602002999', 3, '411602000000', 'township A2'),
	('411602003000', '411602003999', 3, '411602000000', 'township A3'),
	('411681000000', '411681999999', 2, '411600000000', 'county B'),
	('411681001000', '411681001999', 3, '411681000000', 'township B1');
INSERT INTO department (name, region) VALUES ('justice', '411602001000'), ('far', '411681001000');
INSERT INTO centre VALUES ('411602000000', 'A'), ('411681000000', 'B');
INSERT INTO item_class VALUES ('c', 'governance', 'class');
INSERT INTO item VALUES ('i', 'c', 'item', 'blue');
INSERT INTO unit (kind, region, name) VALUES ('school', '411602001000', 'near'), ('school', '411681001000', 'far');
INSERT INTO grid (code, region, boundary) VALUES
	('41160200100001', '411602001000', ST_Multi(ST_MakeEnvelope(114, 33, 115, 34, 4490)));
INSERT INTO account (id) SELECT unnest(ARRAY['member', 'officer', 'centre', 'leader', 'inspector', 'importer',
	'analyst', 'admin', 'elsewhere', 'owner']);
INSERT INTO account_duty (account, duty, region)
SELECT d, d, '411602000000' FROM unnest(ARRAY['member', 'centre', 'leader', 'inspector', 'analyst', 'admin']) d;
INSERT INTO account_duty (account, duty, department) VALUES ('officer', 'officer', 1), ('importer', 'importer', 1);
INSERT INTO account_duty (account, duty, region)
SELECT 'elsewhere', d, '411681000000' FROM unnest(ARRAY['member', 'centre', 'leader']) d;
INSERT INTO account_login (db_role, trust, account)
SELECT 'attempt_' || d, 'person', d FROM unnest(ARRAY['member', 'officer', 'centre', 'leader', 'inspector',
	'importer', 'analyst', 'admin']) d;
INSERT INTO account_login VALUES ('attempt_pool', 'token', NULL), ('attempt_vouched', 'vouched', NULL),
	(session_user, 'vouched', NULL);
SELECT format('CALL admit(%L, %L)', r, d)
FROM unnest(ARRAY['attempt_pool', 'attempt_vouched', 'attempt_unknown']) r,
	unnest(ARRAY['member', 'officer', 'centre', 'leader', 'inspector', 'importer', 'analyst', 'admin']) d \gexec

-- 1 to 9 are in A1, 10 to 12 in A2, 13 and 14 in B1, 15 to 20 in A3; all that can belong to one belongs to 1 and to 13.
SET govcase.account = 'owner';
INSERT INTO dispute (region, place_region, risk, found_by, departments, responsible, leader)
SELECT r, r, 'yellow', 'sweep', CASE WHEN n IN (13, 14) THEN ARRAY[2] ELSE ARRAY[1] END,
	CASE WHEN n IN (13, 14) THEN 'elsewhere' ELSE 'centre' END, CASE WHEN n IN (13, 14) THEN 'elsewhere' ELSE 'leader' END
FROM generate_series(1, 20) n,
	LATERAL (SELECT CASE WHEN n <= 9 THEN '411602001000' WHEN n <= 12 THEN '411602002000'
		WHEN n <= 14 THEN '411681001000' ELSE '411602003000' END) AS p(r);
INSERT INTO dispute_detail (dispute, title, narrative, place)
SELECT n, 'title ' || n, 'story ' || n, ST_SetSRID(ST_MakePoint(114.5 + n * 0.1, 33.5), 4490) FROM unnest(ARRAY[1, 13]) n;
INSERT INTO dispute_party (dispute, role, name, phone, person_digest)
SELECT n, 'party', 'name ' || n, '1380000' || n, sha256(n::text::bytea) FROM unnest(ARRAY[1, 13]) n;
INSERT INTO assignment (dispute, department, leads, answer_by, done_by)
SELECT n, CASE n WHEN 1 THEN 1 ELSE 2 END, true, now() - interval '1 day', current_date - 1 FROM unnest(ARRAY[1, 13]) n;
UPDATE dispute SET open_work = 1 WHERE id IN (1, 13);
INSERT INTO agreement (dispute, method, signed_on) SELECT n, 'talk', current_date FROM unnest(ARRAY[1, 13]) n;
INSERT INTO agreement_detail SELECT id, 'terms' FROM agreement;
INSERT INTO follow_up (id, kind) SELECT n, 'conference' FROM unnest(ARRAY[1, 13]) n;
INSERT INTO conference (dispute, centre, held_at, link_seq)
SELECT id, CASE id WHEN 1 THEN '411602000000' ELSE '411681000000' END, now(), seq FROM follow_up WHERE kind = 'conference' ORDER BY id;
INSERT INTO conference_detail SELECT id, 'decision' FROM conference;
INSERT INTO conference_action (conference, department, due) SELECT id, CASE id WHEN 1 THEN 1 ELSE 2 END, current_date FROM conference;
INSERT INTO campaign (name, period) VALUES ('all', '[2000-01-01,)');
INSERT INTO campaign (name, region, period) VALUES ('small', '411602002000', '[2000-01-01,)');
INSERT INTO campaign_dispute VALUES (1, 1), (1, 13), (2, 10), (2, 11);
INSERT INTO score (dispute, account, points) SELECT n, 'centre', 3 FROM unnest(ARRAY[1, 13]) n;
INSERT INTO attachment (dispute, uri, sha256) SELECT n, 'file', sha256('x') FROM unnest(ARRAY[1, 13]) n;
INSERT INTO petition (received_on, region, dispute, heads, resolvable)
SELECT current_date, region, id, 2, true FROM dispute WHERE id IN (1, 13) ORDER BY id;
INSERT INTO petition_person (petition, principal, name) SELECT id, true, 'name' FROM petition;
INSERT INTO incident (kind, happened_on, filed_on, region, dispute)
SELECT 'criminal', current_date, current_date, region, id FROM dispute WHERE id IN (1, 13) ORDER BY id;
INSERT INTO deadline (rule, dispute, due) SELECT 4, n, current_date FROM unnest(ARRAY[1, 13]) n;
INSERT INTO notice (account, kind, dispute) VALUES ('centre', 'note', 1), ('elsewhere', 'note', 13);
INSERT INTO matter (id, item, region, member, reported_at) VALUES
	('00000000-0000-0000-0000-000000000001', 'i', '411602001000', 'member', now()),
	('00000000-0000-0000-0000-000000000013', 'i', '411681001000', 'elsewhere', now());
INSERT INTO matter_detail (matter, content) SELECT id, 'content' FROM matter;
INSERT INTO element (source_department, source_key, kind, region, tags) VALUES
	(1, '1', 'person', '411602001000', '{alone}'), (2, '13', 'person', '411681001000', '{alone}');
INSERT INTO element_detail SELECT source_department, source_key, 'name' FROM element;
INSERT INTO import_run (department, account) VALUES (1, 'importer'), (2, 'elsewhere');
INSERT INTO import_reject SELECT id, 1, 'wrong' FROM import_run;
INSERT INTO account_person SELECT id, 'name', 'phone' FROM account;
RESET govcase.account;

/* ---- Hidden, or not there ------------------------------------------------------- */

-- Ways to a case and to what belongs to it; % is its number, ^ that of its assignment, conference and so on, which is 1 or 2.
CREATE SCHEMA attempts_tools;
GRANT USAGE ON SCHEMA attempts_tools TO PUBLIC;
CREATE TABLE attempts_tools.way (n integer GENERATED ALWAYS AS IDENTITY, way text NOT NULL);
INSERT INTO attempts_tools.way (way) SELECT unnest(ARRAY[
	'SELECT * FROM dispute WHERE id = %',
	'SELECT * FROM dispute_detail WHERE dispute = %',
	'SELECT * FROM dispute_party WHERE phone = ''1380000%''',
	'SELECT * FROM follow_up WHERE id = %',
	'SELECT * FROM assignment WHERE dispute = %',
	'SELECT * FROM agreement_detail WHERE agreement = ^',
	'SELECT * FROM conference_detail WHERE conference = ^',
	'SELECT * FROM conference_action WHERE conference = ^',
	'SELECT * FROM campaign_dispute WHERE dispute = %',
	'SELECT * FROM score WHERE dispute = %',
	'SELECT * FROM attachment WHERE dispute = %',
	'SELECT * FROM deadline WHERE dispute = %',
	'SELECT * FROM dispute_pair WHERE dispute = %',
	'SELECT * FROM petition_person WHERE petition = ^',
	'SELECT * FROM incident WHERE dispute = %',
	'SELECT * FROM matter_detail WHERE matter = (''00000000-0000-0000-0000-0000000000'' || lpad(''%'', 2, ''0''))::uuid',
	'SELECT * FROM element_detail WHERE source_key = ''%''',
	'SELECT * FROM import_reject WHERE run = ^',
	'SELECT * FROM notice WHERE id = ^',
	'SELECT * FROM my_cases WHERE id = %',
	'SELECT * FROM unplaced WHERE id = %',
	'SELECT * FROM dispute_place WHERE id = %',
	'SELECT * FROM unanswered_offers WHERE dispute = %',
	'SELECT * FROM late_work WHERE dispute = %',
	'SELECT * FROM incident_review(''[2000-01-01,)'') WHERE dispute = % AND known_before IS NOT NULL',
	'SELECT * FROM find_near(ST_SetSRID(ST_MakePoint(114.5 + % * 0.1, 33.5), 4490), 10)',
	'SELECT * FROM find_elements(''{alone}'', ''411600000000'') WHERE source_key = ''%''',
	'SELECT count(*) FROM verify_chain(''dispute'', %::bigint)',
	'SELECT count(*) FROM next_moves(''dispute'', %::bigint)',
	'SELECT redact(''dispute'', %::bigint, NULL, ''x'')',
	'SELECT case_that_stays(%)',
	'SELECT works_on(%, ''{officer,centre,inspector,member}'')',
	'SELECT grew_from(^, %)',
	'SELECT void_duplicate(%, 3, ''x'')',
	'SELECT void_duplicate(3, %, ''x'')',
	'SELECT escalate(%, ''red'', ''x'', NULL, ''{grave}'')',
	'SELECT offer_assignment(%, 1, true)',
	'SELECT replace_leading(%, 2, ''x'')',
	'SELECT accept_assignment(^)',
	'SELECT return_assignment(^, ''x'')',
	'SELECT finish_assignment(^)',
	'SELECT revoke_assignment(^, ''x'')',
	'SELECT hold_conference(%, ''411602000000'', now(), ''{1,2}'')',
	'SELECT finish_action(^)',
	'SELECT start_deadline(''mediate'', dispute => %)',
	'SELECT meet_deadline(^)',
	'SELECT extend_deadline(^, ''x'')',
	'SELECT enter_petition(current_date, ''411602001000'', %, 1, true)',
	'SELECT enter_petition(current_date, ''411602001000'', NULL, 1, true, unit => ^)',
	'SELECT raise_matter((''00000000-0000-0000-0000-0000000000'' || lpad(''%'', 2, ''0''))::uuid)',
	'SELECT import_elements(^)',
	'SELECT cancel_import(^)',
	'SELECT read_notices(''{^}'')',
	'INSERT INTO dispute_detail (dispute, title) VALUES (%, ''x'')',
	'INSERT INTO dispute_detail (dispute, title) VALUES (%, ''x'') ON CONFLICT DO NOTHING',
	'INSERT INTO dispute_party (dispute, role) VALUES (%, ''x'')',
	'INSERT INTO attachment (dispute) VALUES (%)',
	'INSERT INTO agreement (dispute, method, signed_on) VALUES (%, ''x'', current_date)',
	'INSERT INTO agreement_detail VALUES (^, ''x'')',
	'INSERT INTO score (dispute, account, points) VALUES (%, ''member'', 1)',
	'INSERT INTO campaign_dispute VALUES (1, %)',
	'INSERT INTO incident (kind, happened_on, filed_on, region, dispute) '
		'VALUES (''accident'', current_date, current_date, ''411602001000'', %)',
	'INSERT INTO follow_up (id, kind) VALUES (%, ''visit'')',
	'INSERT INTO follow_up (id, kind, happened_at) VALUES (%, ''visit'', ''1990-01-01'')',
	'INSERT INTO follow_up (id, kind, happened_at) VALUES (%, ''visit'', ''infinity'')',
	'INSERT INTO follow_up (id, kind, happened_at) VALUES (%, ''visit'', now() + interval ''1 day'')',
	'UPDATE dispute_party SET dispute = % WHERE dispute = 1',
	'UPDATE dispute SET difficult = true WHERE id = %',
	'UPDATE incident SET dispute = % WHERE id = 1',
	'UPDATE matter SET state = ''voided'', reason = ''x'' WHERE id::text LIKE ''%%''']);

-- What a command comes to, with its numbers taken out; whatever it does is undone.
CREATE FUNCTION attempts_tools.outcome(command text, key text, number text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	told text;
	detail text;
BEGIN
	command := replace(replace(command, '%', key), '^', number);
	IF command LIKE 'SELECT%' THEN
		EXECUTE format('SELECT coalesce(string_agg(t::text, E''\n''), ''nothing'') FROM (%s) t', command) INTO told;
	ELSE
		EXECUTE command;
		GET DIAGNOSTICS told = ROW_COUNT;
		told := told || ' written';
	END IF;
	RAISE EXCEPTION USING ERRCODE = 'UNDO0';
EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
	RETURN told;
WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN concat_ws(' ', SQLSTATE, regexp_replace(SQLERRM, '\m0*(' || key || '|' || number || ')\M', '?', 'g'), detail);
END
$$;
CREATE TABLE attempts_tools.result (trust text, account text, n integer, own text, hidden text, absent text);
-- Each account by each trust tries each way: at its own case, at the hidden one, and at none.
CREATE PROCEDURE attempts_tools.try_all(tokens jsonb) LANGUAGE plpgsql AS $$
DECLARE
	ways CONSTANT text[] := ARRAY(SELECT way FROM attempts_tools.way ORDER BY n);
	accounts CONSTANT text[] := '{member,officer,centre,leader,inspector,importer,analyst,admin,nobody}';
	trust text;
	account text;
	results text[];
BEGIN
	FOREACH trust IN ARRAY '{person,token,vouched}'::text[] LOOP
		FOREACH account IN ARRAY accounts LOOP
			EXECUTE format('SET SESSION AUTHORIZATION %I', 'attempt_' || CASE WHEN trust = 'token' THEN 'pool'
				WHEN trust = 'vouched' THEN 'vouched' WHEN account = 'nobody' THEN 'unknown' ELSE account END);
			PERFORM set_config('govcase.token', coalesce(tokens ->> account, ''), true);
			PERFORM set_config('govcase.account', account, true);
			results := '{}';
			FOR i IN 1 .. cardinality(ways) LOOP
				results := results || attempts_tools.outcome(ways[i], '1', '1')
					|| attempts_tools.outcome(ways[i], '13', '2') || attempts_tools.outcome(ways[i], '99', '99');
			END LOOP;
			RESET SESSION AUTHORIZATION;
			FOR i IN 1 .. cardinality(ways) LOOP
				INSERT INTO attempts_tools.result VALUES (trust, account, i,
					results[3 * i - 2], results[3 * i - 1], results[3 * i]);
			END LOOP;
		END LOOP;
	END LOOP;
END
$$;
SELECT jsonb_object_agg(id, open_session(id)) AS tokens FROM account WHERE id NOT IN ('owner') \gset
CALL attempts_tools.try_all(:'tokens');
-- No way tells what is hidden from what is not there, whoever acts and whatever is believed of them.
SELECT r.trust, r.account, w.way, r.hidden, r.absent
FROM attempts_tools.result r JOIN attempts_tools.way w USING (n) WHERE r.hidden <> r.absent ORDER BY 1, 2, w.n;
SELECT trust, account, count(*) AS ways, count(*) FILTER (WHERE hidden = absent) AS same,
	count(*) FILTER (WHERE own <> absent) AS own_differs
FROM attempts_tools.result GROUP BY 1, 2 ORDER BY 1, 2;
-- What comes of the hidden one, by duty: what persons are not granted, 42501, and nothing for the rest.
SELECT w.way, string_agg(r.account, ' ' ORDER BY r.account) AS accounts, r.hidden
FROM attempts_tools.result r JOIN attempts_tools.way w USING (n)
WHERE r.trust = 'token' AND r.hidden <> 'nothing' GROUP BY w.n, w.way, r.hidden ORDER BY w.n, r.hidden;
-- A pool is granted more than each of its accounts: what an account writes is still what it has the duty for.
SELECT w.way, string_agg(r.account, ' ' ORDER BY r.account) AS accounts
FROM attempts_tools.result r JOIN attempts_tools.way w USING (n)
WHERE r.trust = 'token' AND r.own LIKE '%written' AND r.own <> '0 written' GROUP BY w.n, w.way ORDER BY w.n;
-- Token and vouched come to the same; so do persons, but for what their roles are not granted.
SELECT o.trust, count(*) AS ways, count(*) FILTER (WHERE o.hidden = t.hidden
		AND substring(o.own FROM '^[0-9A-Z]{5} ') IS NOT DISTINCT FROM substring(t.own FROM '^[0-9A-Z]{5} ')) AS same,
	count(*) FILTER (WHERE o.own LIKE '42501 permission denied%' AND t.own NOT LIKE '42501 permission denied%') AS not_granted,
	count(*) FILTER (WHERE (o.hidden <> t.hidden
		OR substring(o.own FROM '^[0-9A-Z]{5} ') IS DISTINCT FROM substring(t.own FROM '^[0-9A-Z]{5} '))
		AND o.own NOT LIKE '42501 permission denied%') AS differ
FROM attempts_tools.result o JOIN attempts_tools.result t USING (account, n)
WHERE t.trust = 'token' AND o.trust <> 'token' GROUP BY o.trust ORDER BY 1;

/* ---- Conditions, COPY and estimates ---------------------------------------------- */

-- A condition of the user's own, however cheap, is not asked about rows that a view hides.
CREATE FUNCTION attempts_tools.is_near(place text) RETURNS boolean LANGUAGE plpgsql COST 0.000001 AS $$
BEGIN
	IF place LIKE '411681%' THEN
		RAISE EXCEPTION 'it was asked about a hidden row';
	END IF;
	RETURN true;
END
$$;
SET SESSION AUTHORIZATION attempt_centre;
SELECT format('SELECT %L AS seen_through, count(*) > 0 AS some FROM %1$I v WHERE attempts_tools.is_near(v.region)', c.relname)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'region'
WHERE c.relnamespace = 'attempts'::regnamespace AND c.relkind IN ('r', 'v')
	AND has_column_privilege(c.oid, a.attnum, 'SELECT')
	AND c.relname NOT IN ('department', 'unit', 'centre', 'grid', 'grid_history', 'campaign', 'campaign_progress',
		'department_ranking', 'region_rollup', 'zero_units')
ORDER BY c.relname COLLATE "C" \gexec
-- COPY tells what SELECT does, and PostgreSQL takes no COPY FROM where policies hold.
COPY dispute_party (dispute, role, phone) TO stdout;
\copy dispute_party (dispute, role) FROM '/dev/null'
\echo :SQLSTATE
\copy follow_up (id, kind) FROM '/dev/null'
\echo :SQLSTATE
COPY my_cases (id, region) TO stdout;
\echo :SQLSTATE
COPY (SELECT id FROM my_cases ORDER BY id) TO stdout;
COPY account_session TO stdout;
-- Rows of an import are staged by whoever has one open.
SET SESSION AUTHORIZATION attempt_importer;
COPY element_import (source_key) FROM stdin;
\.
COPY element_import (source_key) TO stdout;
SELECT stage_import(2);
\echo :SQLSTATE
RESET SESSION AUTHORIZATION;

-- No statistics are kept of what is personal, keys apart; so no estimate tells a value that is there.
-- Before 3.2, PostGIS remarks that no region has a boundary.
SET client_min_messages = warning;
ANALYZE;
RESET client_min_messages;
SELECT c.relname, a.attname
FROM pg_statistic s JOIN pg_class c ON c.oid = s.starelid JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = s.staattnum
WHERE c.relnamespace = 'attempts'::regnamespace
	AND (obj_description(c.oid, 'pg_class') LIKE 'personal:%'
		OR a.attname IN ('note', 'salt', 'note_digest', 'person_digest', 'digest', 'reason'))
	AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype IN ('p', 'f') AND a.attnum = ANY (k.conkey))
ORDER BY 1, 2;
CREATE FUNCTION attempts_tools.estimate(condition text, value text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT json) SELECT FROM ' || replace(condition, '%', value) INTO plan;
	RETURN plan -> 0 -> 'Plan' -> 'Plan Rows';
END
$$;
SET SESSION AUTHORIZATION attempt_centre;
SELECT c AS condition, attempts_tools.estimate(c, '13') = attempts_tools.estimate(c, '99') AS same
FROM unnest(ARRAY[$$dispute_party WHERE phone = '1380000%'$$, $$dispute_party WHERE name = 'name %'$$,
	$$dispute_party WHERE person_digest = sha256('%')$$, $$dispute_detail WHERE title = 'title %'$$,
	$$dispute_detail WHERE narrative LIKE 'story %'$$,
	$$dispute_detail WHERE place && ST_Expand(ST_SetSRID(ST_MakePoint(114.5 + % * 0.1, 33.5), 4490), 0.01)$$,
	$$petition_person WHERE name = 'name %'$$, $$account_person WHERE phone = 'phone %'$$]) c;
RESET SESSION AUTHORIZATION;

/* ---- Settings, set inside a statement --------------------------------------------- */

-- These are all there are, but token and import, which are not shown to who asks for all.
SELECT name, context FROM pg_settings WHERE name LIKE 'govcase.%' ORDER BY name COLLATE "C";
SELECT open_session('centre') AS token, open_session('elsewhere') AS stolen \gset
/*
 * Each is set to what would serve best, first in a condition and then in a value of
 * a row: how many disputes that statement and the one after it show, and who the
 * link says has acted.
 */
CREATE FUNCTION attempts_tools.set_inside(setting text, value text, OUT shown bigint, OUT shown_next bigint, OUT link text)
LANGUAGE plpgsql AS $$
BEGIN
	BEGIN
		SELECT count(*) INTO shown FROM dispute WHERE set_config(setting, value, true) IS NOT NULL;
		SELECT count(*) INTO shown_next FROM dispute;
		RAISE EXCEPTION USING ERRCODE = 'UNDO0';
	EXCEPTION WHEN SQLSTATE 'UNDO0' OR insufficient_privilege THEN
		link := NULL;
	END;
	BEGIN
		INSERT INTO follow_up (id, kind, note) VALUES (1, 'visit', left(set_config(setting, value, true), 0) || 'x')
		RETURNING actor || CASE WHEN happened_at < now() THEN ', earlier' ELSE '' END INTO link;
		RAISE EXCEPTION USING ERRCODE = 'UNDO0';
	EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
		RETURN;
	END;
EXCEPTION WHEN OTHERS THEN
	link := SQLSTATE || ' ' || SQLERRM;
END
$$;
CREATE TABLE attempts_tools.setting (n integer, setting text, value text);
INSERT INTO attempts_tools.setting VALUES
	(1, 'govcase.actor', 'elsewhere'), (2, 'govcase.account', 'elsewhere'), (3, 'govcase.token', :'stolen'),
	(4, 'govcase.happened_at', '2020-01-01'), (5, 'govcase.clock_skew', '86400'), (6, 'govcase.placement_memory', '64'),
	(7, 'govcase.import', '00000000-0000-0000-0000-000000000000'), (8, 'row_security', 'off'),
	(9, 'search_path', 'pg_temp'), (10, 'session_replication_role', 'replica');
GRANT SELECT ON attempts_tools.setting TO PUBLIC;
-- A person: no setting of ours has an effect.
SET SESSION AUTHORIZATION attempt_centre;
SELECT s.setting, t.* FROM attempts_tools.setting s, attempts_tools.set_inside(s.setting, s.value) t ORDER BY s.n;
-- A token: another's token alone, with which one might as well connect.
SET SESSION AUTHORIZATION attempt_pool;
BEGIN;
SET LOCAL govcase.token = :'token';
SELECT s.setting, t.* FROM attempts_tools.setting s, attempts_tools.set_inside(s.setting, s.value) t ORDER BY s.n;
COMMIT;
-- Vouched: the account is what it is set to, whenever.
SET SESSION AUTHORIZATION attempt_vouched;
BEGIN;
SET LOCAL govcase.account = 'centre';
SELECT s.setting, t.* FROM attempts_tools.setting s, attempts_tools.set_inside(s.setting, s.value) t ORDER BY s.n;
COMMIT;
-- A table of one's own does not stand in for the registry's.
SET SESSION AUTHORIZATION attempt_unknown;
CREATE TEMP TABLE account_login AS SELECT 'attempt_unknown'::name AS db_role, 'person'::text AS trust, 'elsewhere'::text AS account;
SET search_path = pg_temp, attempts, govcase, public;
SELECT attempts.current_account(), count(*) FROM attempts.dispute;
SET search_path = attempts, govcase, public;
DROP TABLE pg_temp.account_login;

/* ---- Tokens and cursors ------------------------------------------------------------ */

-- What is no token, or none any more, is nobody's.
RESET SESSION AUTHORIZATION;
CREATE FUNCTION attempts_tools.who(token text, OUT account text, OUT disputes bigint) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('govcase.token', token, true);
	account := current_account();
	SELECT count(*) INTO disputes FROM dispute;
END
$$;
SELECT open_session('centre') AS expired, open_session('centre') AS closed, open_session('inspector') AS of_other \gset
UPDATE account_session SET expires = now() - interval '1 second' WHERE digest = sha256(decode(:'expired', 'hex'));
SELECT close_session(:'closed');
SET SESSION AUTHORIZATION attempt_pool;
SELECT t.what, w.account, w.disputes FROM (VALUES
	(1, 'token', :'token'), (2, 'cut short', left(:'token', 63)), (3, 'capitals', upper(:'token')),
	(4, 'a line after it', :'token' || E'\n'), (5, 'blank before it', ' ' || :'token'), (6, 'twice', repeat(:'token', 2)),
	(7, 'empty', ''), (8, 'SQL', $$' OR true --$$), (9, 'long', repeat('a', 100000)),
	(10, 'its digest', encode(sha256(decode(:'token', 'hex')), 'hex')),
	(11, 'expired', :'expired'), (12, 'closed', :'closed')) AS t(n, what, token),
	LATERAL attempts_tools.who(t.token) w
ORDER BY t.n;
-- A cursor keeps the account of its first FETCH, also when the token has changed, or is closed; nothing else does.
BEGIN;
SET LOCAL govcase.token = :'stolen';
DECLARE open_one CURSOR FOR SELECT id FROM dispute ORDER BY id;
FETCH 1 FROM open_one;
SET LOCAL govcase.token = :'token';
SELECT close_session(:'stolen');
SELECT count(*) FROM dispute;
FETCH ALL FROM open_one;
COMMIT;
-- What a session has prepared asks anew each time.
PREPARE counted AS SELECT current_account(), count(*) FROM dispute;
BEGIN; SET LOCAL govcase.token = :'token'; EXECUTE counted; COMMIT;
BEGIN; SET LOCAL govcase.token = :'of_other'; EXECUTE counted; COMMIT;
BEGIN; SET LOCAL govcase.token = :'stolen'; EXECUTE counted; COMMIT;
DEALLOCATE counted;
-- A role that one may become is not who is connected, whatever the trust.
RESET SESSION AUTHORIZATION;
GRANT attempt_centre TO attempt_pool, attempt_unknown, attempt_vouched;
SET SESSION AUTHORIZATION attempt_pool; SET ROLE attempt_centre;
SELECT current_account(), count(*) FROM dispute;
SET SESSION AUTHORIZATION attempt_unknown; SET ROLE attempt_centre;
SELECT current_account(), count(*) FROM dispute;
SET SESSION AUTHORIZATION attempt_vouched; SET ROLE attempt_centre;
SELECT current_account(), count(*) FROM dispute;
RESET SESSION AUTHORIZATION;
REVOKE attempt_centre FROM attempt_pool, attempt_unknown, attempt_vouched;

/* ---- Duties where they are held ----------------------------------------------------- */

-- An officer works on what the department has, and leaves it with the region that holds it, or takes it up.
SET SESSION AUTHORIZATION attempt_officer;
UPDATE dispute SET region = '411681001000' WHERE id = 2;
\echo :SQLSTATE
UPDATE dispute SET region = '411602002000' WHERE id = 2;
UPDATE dispute SET place_region = '411602002000', theme = 'debt' WHERE id = 2 RETURNING region, place_region;
UPDATE dispute SET region = '411602000000' WHERE id = 2 RETURNING region, place_region;
UPDATE dispute SET region = '411602001000' WHERE id = 2;
SELECT may_go_up_to(2, '411600000000') AS own, may_go_up_to(13, '411681001000') AS hidden;
RESET SESSION AUTHORIZATION;
-- An account with several duties writes as each where it has that one: a member of all county A is not its centre.
INSERT INTO account VALUES ('several'), ('small_admin');
INSERT INTO account_duty (account, duty, region) VALUES ('several', 'centre', '411602002000'),
	('several', 'member', '411602000000'), ('small_admin', 'admin', '411602002000');
SET SESSION AUTHORIZATION attempt_vouched;
SET govcase.account = 'several';
SELECT count(*) FROM dispute;
UPDATE dispute SET difficult = true WHERE id IN (1, 10) RETURNING id;
INSERT INTO incident (kind, happened_on, filed_on, region) VALUES ('accident', current_date, current_date, '411602001000');
\echo :SQLSTATE
INSERT INTO agreement (dispute, method, signed_on) VALUES (1, 'talk', current_date);
INSERT INTO agreement (dispute, method, signed_on) VALUES (10, 'talk', current_date);
-- A centre corrects an incident of its township whose dispute the county holds, out of its sight; it names no other such.
RESET SESSION AUTHORIZATION;
UPDATE incident SET region = '411602002000' WHERE id = 2;
DELETE FROM account_duty WHERE account = 'several' AND duty = 'member';
SET SESSION AUTHORIZATION attempt_vouched;
UPDATE incident SET casualties = 1 WHERE id = 2 RETURNING dispute, casualties;
SELECT count(*) FROM dispute WHERE id = 13;
UPDATE incident SET dispute = 14 WHERE id = 2;
\echo :SQLSTATE
-- An admin of a township keeps its places, and cannot widen it.
SET govcase.account = 'small_admin';
UPDATE region SET code_end = '999999999999' WHERE code = '411602002000';
\echo :SQLSTATE
UPDATE region SET name = 'mine' WHERE code = '411602001000';
UPDATE department SET region = '411602002000' WHERE id = 2;
INSERT INTO department (name, region) VALUES ('own', '411602001000');
INSERT INTO department (name, region) VALUES ('own', '411602002000');
INSERT INTO region VALUES ('411602002001', '411602002001', 4, '411602002000', 'village A21');
INSERT INTO region VALUES ('411681001001', '411681001001', 4, '411681001000', 'village B11');
\echo :SQLSTATE
INSERT INTO account_duty (account, duty, department) VALUES ('small_admin', 'officer', 2);
RESET govcase.account;
-- Who leads where is not for who is nobody.
SELECT leads_in('leader', '411602001000', 2);
SET SESSION AUTHORIZATION attempt_member;
SELECT leads_in('leader', '411602001000', 2);

/* ---- Analysts ----------------------------------------------------------------------- */

-- All that an analyst can read: relations, and functions that return rows, with their columns.  None is of one case.
RESET SESSION AUTHORIZATION;
UPDATE account_duty SET region = '411600000000' WHERE account = 'analyst';
SELECT c.relname AS relation, string_agg(a.attname, ' ' ORDER BY a.attnum) AS columns
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = 'attempts'::regnamespace AND c.relkind IN ('r', 'v')
	AND has_column_privilege('attempt_analyst', c.oid, a.attnum, 'SELECT')
GROUP BY c.oid, c.relname ORDER BY c.relname COLLATE "C";
SELECT p.oid::regprocedure AS function, array_to_string(p.proargnames, ' ') AS names
FROM pg_proc p
WHERE p.pronamespace = 'attempts'::regnamespace AND p.proretset AND has_function_privilege('attempt_analyst', p.oid, 'EXECUTE')
ORDER BY p.oid::regprocedure::text COLLATE "C";
/*
 * Each of them, asked for all that there is.  Of whole numbers only ranks, levels,
 * rates and what departments, units and campaigns are called by are no counts.
 * Where a row is of a region below the counties, of an account or of a department
 * no count lies between 1 and 4; a campaign without a region is the city's.
 */
CREATE FUNCTION attempts_tools.small_counts(source text, OUT rows bigint, OUT below_county bigint, OUT told bigint, OUT small bigint)
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format($query$
		SELECT count(DISTINCT t.row), count(DISTINCT t.row) FILTER (WHERE b.low),
			count(*) FILTER (WHERE b.low AND c.value::numeric > 0),
			count(*) FILTER (WHERE b.low AND c.value::numeric BETWEEN 1 AND 4)
		FROM (SELECT to_jsonb(s) AS row FROM %s s) t
			CROSS JOIN LATERAL (SELECT coalesce(t.row ->> 'region', t.row ->> 'centre', t.row ->> 'code',
				CASE WHEN t.row ? 'campaign' THEN '000000' ELSE '-' END) NOT LIKE '%%000000') AS b(low)
			LEFT JOIN LATERAL jsonb_each_text(t.row) AS c(name, value)
				ON jsonb_typeof(t.row -> c.name) = 'number' AND c.value ~ '^\d+$'
					AND c.name NOT IN ('level', 'held_at', 'place', 'department', 'campaign', 'unit', 'rate', 'share',
						'resolved_share', 'handled_share', 'satisfaction', 'change', 'answer_rate', 'done_rate', 'return_rate')
		$query$, source)
	INTO rows, below_county, told, small;
END
$$;
SELECT string_agg(format('SELECT %L AS source, t.* FROM attempts_tools.small_counts(%1$L) t', s.source),
	E'\nUNION ALL ' ORDER BY s.source COLLATE "C") AS small_counts
FROM (
	SELECT c.relname::text AS source FROM pg_class c
	WHERE c.relnamespace = 'attempts'::regnamespace AND c.relkind = 'v' AND has_table_privilege('attempt_analyst', c.oid, 'SELECT')
	UNION ALL
	SELECT format('%s(%s)', p.proname, CASE WHEN p.proargtypes[0] = 'daterange'::regtype THEN '''[2000-01-01,2040-01-01)''' ELSE '''{analyst}''' END)
	FROM pg_proc p
	WHERE p.pronamespace = 'attempts'::regnamespace AND p.proretset AND has_function_privilege('attempt_analyst', p.oid, 'EXECUTE')) AS s \gset
SET SESSION AUTHORIZATION attempt_analyst;
:small_counts;
-- It is not for want of any: who may read the rows is told small ones.
SET SESSION AUTHORIZATION attempt_inspector;
SELECT * FROM attempts_tools.small_counts('resolution_by_region()');
-- Nor is anything else open to an analyst.
SET SESSION AUTHORIZATION attempt_analyst;
SELECT count(*) FROM follow_up;
SELECT * FROM find_near(ST_SetSRID(ST_MakePoint(114.5, 33.5), 4490), 1000);
SELECT * FROM govcase.overdue('dispute');
\echo :SQLSTATE

RESET SESSION AUTHORIZATION;
\set QUIET on
SET client_min_messages = warning;
DROP SCHEMA attempts CASCADE;
DROP SCHEMA attempts_tools CASCADE;
DROP OWNED BY attempt_member, attempt_officer, attempt_centre, attempt_leader, attempt_inspector, attempt_importer,
	attempt_analyst, attempt_admin, attempt_pool, attempt_vouched, attempt_unknown, attempt_sign_in;
DROP ROLE attempt_member, attempt_officer, attempt_centre, attempt_leader, attempt_inspector, attempt_importer,
	attempt_analyst, attempt_admin, attempt_pool, attempt_vouched, attempt_unknown, attempt_sign_in;
