\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS govcase CASCADE;
SELECT format('GRANT CREATE ON DATABASE %I TO purge_owner', current_database()) AS grant_create \gset
CREATE ROLE purge_owner;
:grant_create;
CREATE ROLE purge_member; CREATE ROLE purge_officer; CREATE ROLE purge_centre; CREATE ROLE purge_leader;
CREATE ROLE purge_inspector; CREATE ROLE purge_importer; CREATE ROLE purge_analyst; CREATE ROLE purge_admin;
CREATE ROLE purge_pool;
RESET client_min_messages;
\set QUIET off
\set ECHO all
\set SHOW_CONTEXT never
\set VERBOSITY terse

SET SESSION AUTHORIZATION purge_owner;
CALL govcase.create_registry('purge');
SET search_path = purge, govcase, public;
SET TimeZone = 'UTC';
INSERT INTO region (code, code_end, level, parent, name) VALUES
	('411600000000', '411699999999', 1, NULL, 'city'),
	('411602000000', '411602999999', 2, '411600000000', 'county A'),
	('411681000000', '411681999999', 2, '411600000000', 'county B');
INSERT INTO grid (code, region, boundary) VALUES
	('41160200000001', '411602000000', ST_Multi(ST_MakeEnvelope(114, 33, 115, 34, 4490)));
INSERT INTO centre VALUES ('411602000000', 'centre A');
INSERT INTO department (name, region) VALUES ('justice', '411602000000'), ('justice', '411681000000');
INSERT INTO item_class VALUES ('c', 'governance', 'class');
INSERT INTO item VALUES ('i', 'c', 'item', 'yellow');
INSERT INTO account (id) VALUES ('a-owner'), ('a-admin');
INSERT INTO account SELECT 'a-' || duty FROM unnest('{member,officer,centre,leader,inspector,importer,analyst}'::text[]) duty;
INSERT INTO account_person VALUES ('a-owner', 'who owns', '0394');
INSERT INTO account_duty (account, duty, region)
SELECT 'a-' || duty, duty, '411602000000' FROM unnest('{member,centre,leader,inspector,analyst,admin}'::text[]) duty;
INSERT INTO account_duty (account, duty, department) VALUES ('a-officer', 'officer', 1), ('a-importer', 'importer', 1);
INSERT INTO account_login SELECT 'purge_' || duty, 'person', 'a-' || duty
FROM unnest('{member,officer,centre,leader,inspector,importer,analyst,admin}'::text[]) duty;
INSERT INTO account_login VALUES ('purge_owner', 'vouched', NULL), ('purge_pool', 'vouched', NULL);
CALL admit('purge_member', 'member'); CALL admit('purge_officer', 'officer'); CALL admit('purge_centre', 'centre');
CALL admit('purge_leader', 'leader'); CALL admit('purge_inspector', 'inspector'); CALL admit('purge_importer', 'importer');
CALL admit('purge_analyst', 'analyst'); CALL admit('purge_admin', 'admin'); CALL admit('purge_pool', 'admin');

-- Nothing personal can be forgotten: every column of a table that is marked so, save keys and
-- those named here, and every reason, note and digest anywhere, is purged, or says here why not.
WITH personal AS (
	SELECT c.relname, a.attname
	FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
	WHERE c.relnamespace = 'purge'::regnamespace AND c.relkind IN ('r', 'p')
		AND (obj_description(c.oid, 'pg_class') LIKE 'personal:%' AND NOT EXISTS (SELECT FROM pg_constraint k
				WHERE k.conrelid = c.oid AND k.contype IN ('p', 'f') AND a.attnum = ANY (k.conkey))
			OR a.attname ~ 'reason|note$|salt|digest|hash'))
SELECT coalesce(p.relname, w.relation) AS relation, coalesce(p.attname, w.column_name) AS column_name
FROM (SELECT * FROM personal EXCEPT SELECT * FROM (VALUES
		-- what somebody was to a case says nothing without the name
		('dispute_party', 'role'), ('petition_person', 'principal'),
		-- records that departments keep, until they send others
		('element_detail', 'name'), ('element_detail', 'detail'), ('element', 'person_digest'),
		-- what is staged to be imported, for a day at most
		('element_import', 'import_key'), ('element_import', 'line'), ('element_import', 'source_key'),
		('element_import', 'kind'), ('element_import', 'region'), ('element_import', 'tags'),
		('element_import', 'name'), ('element_import', 'detail'), ('element_import', 'person'),
		-- staff, and the registry itself
		('account_person', 'name'), ('account_person', 'phone'), ('account_session', 'digest'),
		('about', 'digest_key'), ('about_object', 'digest'),
		-- salts go with their notes; without them a digest says nothing, and chains stand
		('follow_up', 'salt'), ('follow_up', 'note_digest'), ('follow_up', 'prev_hash'), ('follow_up', 'hash')) AS kept) AS p
	FULL JOIN (SELECT DISTINCT relation, column_name FROM purged_columns()) AS w
	ON (w.relation, w.column_name) = (p.relname::text, p.attname::text)
WHERE p IS NULL OR w IS NULL;
-- And what is named there is there.
SELECT relation, column_name FROM purged_columns()
EXCEPT SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = 'purge'::regnamespace;

/*
 * Cases of years ago and of now, each with a word of its own in whatever can hold
 * one.  Due for purging after five years are 1 closed, 2 transferred, 3 voided; not
 * so are 4 on hold, 5 with work not done, 6 with a term not met, 7 with a petition's
 * term not met, 8 open, 9 closed with a late visit, 10 closed of late, 11 in county B.
 */
SET govcase.account = 'a-owner';
ALTER TABLE dispute ALTER id RESTART;
CREATE FUNCTION pg_temp.word(n integer, what text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT 'word' || lpad(n::text, 3, '0') || what $$;
BEGIN;
SELECT begin_history('dispute');
SET LOCAL govcase.happened_at = '2015-03-01 00:00+00';
INSERT INTO dispute (region, place_region, state, risk, responsible, found_by, reported_at, reason)
SELECT CASE n WHEN 11 THEN '411681000000' ELSE '411602000000' END, '411602000000',
	(CASE n WHEN 2 THEN 'transferred' WHEN 3 THEN 'voided' WHEN 8 THEN 'handling' ELSE 'closed' END)::case_state,
	(CASE WHEN n IN (2, 3, 8) THEN 'yellow' ELSE 'blue' END)::risk_level, 'a-member', 'sweep', '2015-01-15 00:00+00',
	pg_temp.word(n, 'reason')
FROM generate_series(1, 11) n ORDER BY n;
COMMIT;
-- The last link of each is of the day of its number in 2016; that of 10 of now.
INSERT INTO follow_up (id, kind, happened_at, note)
SELECT n, 'visit', CASE n WHEN 10 THEN now() ELSE '2016-01-01 00:00+00'::timestamptz + n * interval '1 day' END, pg_temp.word(n, 'note')
FROM generate_series(1, 11) n ORDER BY n;
INSERT INTO follow_up (id, kind, note) VALUES (9, 'visit', pg_temp.word(9, 'late'));
UPDATE dispute SET hold = true WHERE id = 4;
INSERT INTO dispute_detail
SELECT n, pg_temp.word(n, 'title'), pg_temp.word(n, 'narrative'), ST_SetSRID(ST_MakePoint(114 + n / 100.0, 33.5), 4490)
FROM generate_series(1, 11) n;
INSERT INTO dispute_party (dispute, role, name, phone, person_digest)
SELECT n, 'party', pg_temp.word(n, 'name' || p), pg_temp.word(n, 'phone' || p), convert_to(pg_temp.word(n, 'digest' || p), 'UTF8')
FROM generate_series(1, 11) n, generate_series(1, 2) p;
INSERT INTO assignment (dispute, department, leads, state, answer_by, ended_at, reason)
SELECT n, 1, true, CASE n WHEN 5 THEN 'accepted' ELSE 'done' END, '2015-04-01', CASE n WHEN 5 THEN NULL ELSE '2015-05-01'::timestamptz END,
	pg_temp.word(n, 'assignment')
FROM generate_series(1, 11) n;
INSERT INTO agreement (dispute, method, signed_on) SELECT n, 'mediation', '2015-06-01' FROM generate_series(1, 11) n;
INSERT INTO agreement_detail SELECT id, pg_temp.word(dispute::integer, 'terms') FROM agreement;
INSERT INTO conference (dispute, centre, held_at, link_seq) SELECT n, '411602000000', '2015-05-01', 1 FROM generate_series(1, 11) n;
INSERT INTO conference_detail SELECT id, pg_temp.word(dispute::integer, 'decision') FROM conference;
INSERT INTO attachment (dispute, uri, sha256)
SELECT n, pg_temp.word(n, 'uri'), sha256(convert_to(pg_temp.word(n, 'file'), 'UTF8')) FROM generate_series(1, 11) n;
INSERT INTO deadline (rule, dispute, due, extended_to, approved_by, reason, met_on)
SELECT 4, n, '2015-04-01', '2015-05-01', 'a-owner', pg_temp.word(n, 'extension'), CASE n WHEN 6 THEN NULL ELSE '2015-05-01'::date END
FROM generate_series(1, 11) n;
-- Petitions 1 to 11 on the disputes of these numbers; 12 on none; 13 on none and of now; 14 on none, with a term not met;
-- 15 of now, on the old dispute 1.
ALTER TABLE petition ALTER id RESTART;
INSERT INTO petition (received_on, region, dispute, heads, resolvable)
SELECT CASE WHEN n IN (13, 15) THEN current_date ELSE '2015-02-01'::date END, CASE n WHEN 11 THEN '411681000000' ELSE '411602000000' END,
	CASE WHEN n <= 11 THEN n WHEN n = 15 THEN 1 END, 1, true
FROM generate_series(1, 15) n;
INSERT INTO petition_person (petition, principal, name, person_digest)
SELECT n, true, pg_temp.word(n + 100, 'petitioner'), convert_to(pg_temp.word(n + 100, 'digest'), 'UTF8') FROM generate_series(1, 15) n;
INSERT INTO deadline (rule, petition, due, extended_to, approved_by, reason, met_on)
SELECT 2, n, '2015-04-01', '2015-05-01', 'a-owner', pg_temp.word(n + 100, 'extension'), CASE WHEN n IN (7, 14) THEN NULL ELSE '2015-05-01'::date END
FROM generate_series(1, 14) n;
-- Matters: 1 to 3 were raised to the old dispute 1, to 4 on hold, to 8 open; 4 closed, 5 voided, 6 closed of late, 7 not closed.
BEGIN;
SELECT begin_history('matter');
INSERT INTO matter (id, item, region, reported_at, received_at, changed_at, state, salt, digest, reason, dispute)
SELECT format('00000000-0000-0000-0000-%s', lpad(n::text, 12, '0'))::uuid, 'i', '411602000000', '2015-01-10', '2015-01-10',
	CASE n WHEN 6 THEN now() ELSE '2015-01-20'::timestamptz END,
	(CASE WHEN n <= 3 THEN 'transferred' WHEN n = 5 THEN 'voided' WHEN n = 7 THEN 'handling' ELSE 'closed' END)::case_state,
	convert_to(pg_temp.word(n + 200, 'salt'), 'UTF8'), convert_to(pg_temp.word(n + 200, 'digest'), 'UTF8'), pg_temp.word(n + 200, 'reason'),
	CASE n WHEN 1 THEN 1 WHEN 2 THEN 4 WHEN 3 THEN 8 END
FROM generate_series(1, 7) n;
COMMIT;
INSERT INTO matter_detail SELECT id, pg_temp.word(200 + n::integer, 'content'), ST_SetSRID(ST_MakePoint(116 + n / 100.0, 33.5), 4490), pg_temp.word(200 + n::integer, 'reporter')
FROM (SELECT *, row_number() OVER (ORDER BY id) AS n FROM matter) m;
-- Imports: one of years ago in each county, one of now in A.
ALTER TABLE import_run ALTER id RESTART;
INSERT INTO import_run (department, account, at) VALUES (1, 'a-owner', '2015-01-01'), (2, 'a-owner', '2015-01-01'), (1, 'a-owner', now());
INSERT INTO import_reject SELECT r, l, pg_temp.word(300 + r, 'reject'), jsonb_build_object('name', pg_temp.word(300 + r, 'raw'))
FROM generate_series(1, 3) r, generate_series(1, 4) l;
-- Records of departments, and staff, are no cases.
INSERT INTO element (source_department, source_key, kind, region) VALUES (1, 'k', 'person', '411602000000');
INSERT INTO element_detail VALUES (1, 'k', pg_temp.word(400, 'element'));
-- Notices: read long ago, read of late, never read.
INSERT INTO notice (account, kind, dispute, at, read_at) VALUES ('a-owner', 'assignment', 1, '2015-01-01', '2015-01-02'),
	('a-owner', 'assignment', 4, now() - interval '89 days', now() - interval '89 days'), ('a-owner', 'due', 1, '2015-01-01', NULL);

-- All rows of the schema as text, with what bytea and geometry hold, searched for words.
CREATE FUNCTION pg_temp.words(OUT word text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE relation regclass; BEGIN
	FOR relation IN SELECT oid FROM pg_class WHERE relnamespace = 'purge'::regnamespace AND relkind = 'r' LOOP
		RETURN QUERY EXECUTE format('SELECT (regexp_matches(w.t, ''word\d{3}[a-z]+\d?'', ''g''))[1] FROM ('
			'SELECT r::text AS t FROM %1$s r UNION ALL SELECT encode(decode(h[1], ''hex''), ''escape'') '
			'FROM %1$s r, regexp_matches(r::text, ''\\x((?:[0-9a-f]{2})+)'', ''g'') h) w', relation);
	END LOOP;
END $$;
CREATE TEMP TABLE planted AS SELECT DISTINCT word FROM pg_temp.words();
SELECT count(*) AS words, count(DISTINCT left(word, 7)) AS cases FROM planted;
CREATE TEMP TABLE figures AS SELECT state, risk, region, grid, grid_version, count(*) AS cases,
	(SELECT resolution_rate(state) FROM dispute) AS rate FROM dispute GROUP BY 1, 2, 3, 4, 5;
CREATE FUNCTION pg_temp.sizes(OUT relation name, OUT n bigint) RETURNS SETOF record LANGUAGE plpgsql AS $$
BEGIN
	FOR relation IN SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'purge'::regnamespace AND c.relkind = 'r' LOOP
		EXECUTE format('SELECT count(*) FROM purge.%I', relation) INTO n;
		RETURN NEXT;
	END LOOP;
END $$;
\set QUIET on
CREATE TEMP TABLE size AS SELECT * FROM pg_temp.sizes();
\set QUIET off

-- Who may: the owner, and an admin for its regions. Nobody else, and nobody unknown.
SET SESSION AUTHORIZATION purge_member; SELECT * FROM purge_preview('5 years');
\echo :SQLSTATE
SET SESSION AUTHORIZATION purge_officer; SELECT * FROM purge('5 years');
SET SESSION AUTHORIZATION purge_centre; SELECT * FROM purge('5 years');
SET SESSION AUTHORIZATION purge_leader; SELECT * FROM purge('5 years');
SET SESSION AUTHORIZATION purge_inspector; SELECT * FROM purge('5 years');
SET SESSION AUTHORIZATION purge_importer; SELECT * FROM purge('5 years');
SET SESSION AUTHORIZATION purge_analyst; SELECT * FROM purge('5 years');
SET SESSION AUTHORIZATION purge_admin; SELECT * FROM due_for_purge('dispute', now());
SET SESSION AUTHORIZATION purge_pool;
SELECT * FROM purge('5 years');
\echo :SQLSTATE
SET govcase.account = 'a-centre';
SELECT * FROM purge('5 years');
\echo :SQLSTATE
SET SESSION AUTHORIZATION purge_owner;
RESET govcase.account;
SELECT * FROM purge('5 years');
\echo :SQLSTATE
SET govcase.account = 'a-owner';
-- What is no term, no number, or too old a snapshot.
SELECT * FROM purge('-1 day');
\echo :SQLSTATE
SELECT * FROM purge_preview(NULL);
\echo :SQLSTATE
SELECT * FROM purge('5 years', 0);
\echo :SQLSTATE
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT * FROM purge('5 years');
\echo :SQLSTATE
ROLLBACK;
SELECT count(*) AS words FROM pg_temp.words();

-- The admin of county A sees what is due there: counts and days, no case.
SET SESSION AUTHORIZATION purge_admin;
SELECT * FROM purge_preview('5 years');
-- The owner sees county B, too; and which files will have nobody who knows them.
SET SESSION AUTHORIZATION purge_owner;
SELECT "table", "column", rows FROM purge_preview('5 years') WHERE "table" IN ('dispute_party', 'import_reject');
SELECT a.dispute, a.uri FROM due_for_purge('dispute', now() - interval '5 years') d JOIN attachment a ON a.dispute = d.id::bigint ORDER BY 1;
-- A longer term finds less: cases 1 and 2 had their last visit on 2 and 3 January 2016.
SELECT d.id FROM due_for_purge('dispute', '2016-01-02') d;
SELECT d.id FROM due_for_purge('dispute', '2016-01-03 00:00:01') d ORDER BY 1;
SELECT * FROM purge_preview('100 years');

-- The admin purges: as previewed.
SET SESSION AUTHORIZATION purge_admin;
CREATE TEMP TABLE previewed AS SELECT * FROM purge_preview('5 years');
CREATE TEMP TABLE purged AS SELECT * FROM purge('5 years');
SELECT count(*) AS columns FROM purged;
(TABLE previewed EXCEPT TABLE purged) UNION ALL (TABLE purged EXCEPT TABLE previewed);
SELECT * FROM purge_preview('5 years');
SELECT * FROM purge('5 years');

-- Of the cases that were due no word is left, of the others none is gone.
SET SESSION AUTHORIZATION purge_owner;
SELECT left(p.word, 7) AS of, count(*) AS words, count(w.word) AS left,
	string_agg(substr(p.word, 8), ' ' ORDER BY p.word) FILTER (WHERE w.word IS NULL) AS gone
FROM planted p LEFT JOIN (SELECT DISTINCT word FROM pg_temp.words()) w USING (word)
GROUP BY 1 ORDER BY 1;
SELECT string_agg(dispute::text, ' ' ORDER BY dispute) FILTER (WHERE place IS NULL) AS no_place,
	string_agg(dispute::text, ' ' ORDER BY dispute) FILTER (WHERE place IS NOT NULL) AS placed FROM dispute_detail;
SELECT string_agg(right(matter::text, 1), ' ' ORDER BY matter) FILTER (WHERE place IS NULL) AS no_place FROM matter_detail;
SELECT string_agg(dispute::text, ' ' ORDER BY dispute) FILTER (WHERE sha256 IS NULL) AS no_file FROM attachment;
SELECT id, kind, read_at IS NULL AS unread FROM notice ORDER BY id;
-- Rows, roles, region, grid and days stay; so do figures, and chains.
SELECT s.relation, s.n, n.n AS now FROM size s JOIN pg_temp.sizes() n USING (relation) WHERE s.n <> n.n ORDER BY 1;
TABLE figures EXCEPT SELECT state, risk, region, grid, grid_version, count(*), (SELECT resolution_rate(state) FROM dispute) FROM dispute GROUP BY 1, 2, 3, 4, 5;
SET govcase.account = 'a-centre';    -- before 15, views of rows apply the scope to their owner, too
SELECT count(*) AS placed_without_a_point FROM regrid('dispute_place', 'grid', now(), 'place', 'grid_version', '{id}') r
WHERE r.case_key IN ('1', '2') AND r.grid = '41160200000001';
SET govcase.account = 'a-owner';
SELECT * FROM verify_chain('dispute');
SELECT id, seq, kind, actor, target_seq, note FROM follow_up WHERE id IN (1, 3) ORDER BY id, seq;
SELECT id, purged_at IS NOT NULL AS purged FROM dispute ORDER BY id;
SELECT extended_to, approved_by, reason, met_on FROM deadline WHERE dispute = 1;

-- A case that recurs after it was purged goes on, and is due again when it has ended again.
UPDATE dispute SET state = 'handling', risk = 'yellow', reason = 'word901recurs' WHERE id = 1;
INSERT INTO follow_up (id, kind, note) VALUES (1, 'mediation', 'word901mediated');
SELECT d.id FROM due_for_purge('dispute', clock_timestamp()) d WHERE d.id = '1';
UPDATE dispute SET state = 'transferred', reason = 'word901court' WHERE id = 1;
UPDATE dispute_detail SET title = 'word901again' WHERE dispute = 1;
SELECT d.id FROM due_for_purge('dispute', now() - interval '1 day') d WHERE d.id = '1';
SELECT d.id FROM due_for_purge('dispute', clock_timestamp()) d WHERE d.id = '1';
SELECT DISTINCT word FROM pg_temp.words() WHERE word LIKE 'word901%' ORDER BY 1;
BEGIN;
SELECT "table", "column", rows FROM purge('0', 1) WHERE "table" IN ('dispute', 'dispute_detail', 'follow_up');
SELECT DISTINCT word FROM pg_temp.words() WHERE word LIKE 'word901%';
SELECT seq, kind, target_seq, note FROM follow_up WHERE id = 1 ORDER BY seq;
SELECT * FROM verify_chain('dispute');
ROLLBACK;

-- In small steps the same in the end; what came in later and what somebody noted of a redaction go as well.
INSERT INTO dispute_party (dispute, role, name) VALUES (2, 'party', 'word902late');
SELECT redact('dispute', 11::bigint, 2::bigint, 'word902asked for by');
SELECT "table", "column", rows FROM purge('5 years', 1);
SELECT "table", "column", rows FROM purge('5 years', 1);
SELECT * FROM purge('5 years', 1);
SELECT word FROM pg_temp.words() WHERE word ~ 'word(902|011)';
SELECT seq, kind, target_seq, note FROM follow_up WHERE id = 11 ORDER BY seq;
SELECT * FROM verify_chain('dispute');

-- When its state changes, a matter says so, and no caller otherwise.
UPDATE matter SET state = 'fed_back', changed_at = '2001-01-01' WHERE id = '00000000-0000-0000-0000-000000000007';
SELECT changed_at > now() - interval '1 hour' AS of_now FROM matter WHERE id = '00000000-0000-0000-0000-000000000007';

RESET SESSION AUTHORIZATION;
\set QUIET on
SET client_min_messages = warning;
DROP SCHEMA purge CASCADE;
DROP OWNED BY purge_owner, purge_member, purge_officer, purge_centre, purge_leader, purge_inspector, purge_importer,
	purge_analyst, purge_admin, purge_pool;
DROP ROLE purge_owner, purge_member, purge_officer, purge_centre, purge_leader, purge_inspector, purge_importer,
	purge_analyst, purge_admin, purge_pool;
