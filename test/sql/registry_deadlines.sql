\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS govcase CASCADE;
SELECT format('GRANT CREATE ON DATABASE %I TO deadlines_owner', current_database()) AS grant_create \gset
CREATE ROLE deadlines_owner;
:grant_create;
CREATE ROLE deadlines_user; CREATE ROLE deadlines_clock;
RESET client_min_messages;
\set QUIET off
\set ECHO all
\set SHOW_CONTEXT never
\set VERBOSITY terse
SET datestyle = ISO;
SET SESSION AUTHORIZATION deadlines_owner;
CALL govcase.create_registry('terms');
SET search_path = terms, govcase, public;
INSERT INTO region (code, code_end, level, parent, name) VALUES
	('411600000000', '411699999999', 1, NULL, 'city'),
	('411602000000', '411602999999', 2, '411600000000', 'county A'),
	('411602001000', '411602001999', 3, '411602000000', 'township A1'),
	('411602002000', '411602002999', 3, '411602000000', 'township A2'),
	('411681000000', '411681999999', 2, '411600000000', 'county B');
INSERT INTO department (name, region) VALUES ('justice', '411602000000'), ('housing', '411602000000');
INSERT INTO account (id) VALUES ('a-centre'), ('a-second'), ('a-township'), ('a-b'), ('a-leader'), ('a-b-leader'),
	('a-officer'), ('a-housing'), ('a-member'), ('a-inspector'), ('a-analyst'), ('a-pair'), ('a-importer'), ('a-admin');
INSERT INTO account (id, active) VALUES ('a-left', false);
INSERT INTO account_duty (account, duty, region, department) VALUES
	('a-centre', 'centre', '411602000000', NULL), ('a-second', 'centre', '411602000000', NULL),
	('a-township', 'centre', '411602001000', NULL), ('a-b', 'centre', '411681000000', NULL),
	('a-left', 'centre', '411602001000', NULL),
	('a-leader', 'leader', '411600000000', NULL), ('a-b-leader', 'leader', '411681000000', NULL),
	('a-officer', 'officer', NULL, 1), ('a-housing', 'officer', NULL, 2),
	('a-member', 'member', '411602001000', NULL), ('a-inspector', 'inspector', '411602000000', NULL),
	('a-pair', 'leader', '411602000000', NULL), ('a-analyst', 'analyst', '411600000000', NULL),
	('a-importer', 'importer', NULL, 1), ('a-admin', 'admin', '411600000000', NULL);
INSERT INTO account_login VALUES ('deadlines_owner', 'vouched', NULL), ('deadlines_user', 'vouched', NULL);
-- A pool may do what any duty may: it is the account behind it that has to have the duty.
CALL admit('deadlines_user', 'centre'); CALL admit('deadlines_user', 'officer'); CALL admit('deadlines_user', 'leader');
INSERT INTO petition (received_on, region, heads, resolvable)
SELECT '2024-01-16', r, 1, true
FROM unnest('{411602001000,411602000000,411681000000,411602001000,411602001000}'::text[]) WITH ORDINALITY AS x(r, n) ORDER BY n;
SET govcase.account = 'a-centre';
INSERT INTO dispute (region, place_region, risk, found_by, departments, responsible)
SELECT r, r, 'yellow', 'sweep', '{1}', 'a-officer'
FROM unnest('{411602001000,411602001000,411681000000,411602002000,411602000000}'::text[]) WITH ORDINALITY AS x(r, n) ORDER BY n;
RESET govcase.account;

-- Days and months, by hand. The start is not counted; a month ends on a day that there is.
SELECT term_end('2024-01-16', 15, 'days') AS fifteen, term_end('2024-01-16', 60, 'days') AS sixty_in_a_leap_year,
	term_end('2023-01-16', 60, 'days') AS sixty;
SELECT term_end('2024-01-31', 1, 'months') AS leap, term_end('2023-01-31', 1, 'months') AS common,
	term_end('2024-03-31', 1, 'months') AS april, term_end('2024-02-29', 1, 'months') AS march,
	term_end('2023-12-31', 2, 'months') AS two, term_end('2024-01-15', 1, 'months') AS same_number;

-- Who starts a term: the centre of the region.
SET SESSION AUTHORIZATION deadlines_user;
SET govcase.account = 'a-centre';
SELECT start_deadline('accept', 1, start => '2024-01-16') AS accept, start_deadline('review', 1, start => '2024-02-01') AS review,
	start_deadline('mediate', dispute => 1, start => '2024-01-31') AS mediate;
SELECT d.id, r.subject, r.step, d.petition, d.dispute, d.started_on, d.started_by, d.due
FROM deadline d JOIN deadline_rule r ON r.id = d.rule ORDER BY d.id;
SELECT start_deadline('accept', 3, start => '2024-01-16');
\echo :SQLSTATE
SELECT start_deadline('accept', 99, start => '2024-01-16');
SELECT start_deadline('mediate', dispute => 3);
SELECT start_deadline('mediate', dispute => 99);
SET govcase.account = 'a-township';
SELECT start_deadline('accept', 2);
SELECT start_deadline('accept', 4, start => '2024-01-16') AS of_its_own;
SET govcase.account = 'a-leader';
SELECT start_deadline('accept', 2);
\echo :SQLSTATE
SET govcase.account = 'a-officer';
SELECT start_deadline('mediate', dispute => 2);
\echo :SQLSTATE
SET govcase.account = 'a-member';
SELECT start_deadline('mediate', dispute => 1);
SET govcase.account = 'a-inspector';
SELECT start_deadline('mediate', dispute => 1);
SET govcase.account = 'a-analyst';
SELECT start_deadline('mediate', dispute => 1);
SET govcase.account = 'a-admin';
SELECT start_deadline('mediate', dispute => 1);
SET govcase.account = 'a-importer';
SELECT start_deadline('mediate', dispute => 1);
SET govcase.account = 'a-left';
SELECT start_deadline('accept', 1);
RESET govcase.account;
SELECT start_deadline('accept', 1);
\echo :SQLSTATE
-- What cannot be started.
SET govcase.account = 'a-centre';
SELECT start_deadline('accept', 1);
\echo :SQLSTATE
SELECT start_deadline('mediate', dispute => 1);
SELECT start_deadline('mediate', 1);
\echo :SQLSTATE
SELECT start_deadline(NULL, 1);
SELECT start_deadline('accept', 1, 1);
SELECT start_deadline('accept');
SELECT start_deadline('answer', 1, start => current_date + 1) IS NULL;
SELECT start_deadline('answer', 1, start => NULL);
SELECT start_deadline('answer', 1, start => '-infinity');
\echo :SQLSTATE
UPDATE dispute SET state = 'voided', reason = 'entered twice' WHERE id = 2;
SELECT start_deadline('mediate', dispute => 2);
\echo :SQLSTATE
-- Nobody writes deadlines by hand.
INSERT INTO deadline (rule, petition, due) VALUES (1, 2, '2100-01-01');
\echo :SQLSTATE
UPDATE deadline SET due = '2100-01-01';
\echo :SQLSTATE
SELECT begin_deadline('accept', 2, NULL, '2024-01-16');
\echo :SQLSTATE

-- Who meets it. An officer only where the department has the dispute.
SET govcase.account = 'a-housing';
SELECT meet_deadline(3);
\echo :SQLSTATE
SET govcase.account = 'a-officer';
SELECT meet_deadline(1);
SELECT meet_deadline(3, '2024-02-29');
SET govcase.account = 'a-leader';
SELECT meet_deadline(1);
SET govcase.account = 'a-b';
SELECT meet_deadline(1);
SELECT meet_deadline(99);
SELECT meet_deadline(NULL);
RESET govcase.account;
SELECT meet_deadline(1);
\echo :SQLSTATE
SET govcase.account = 'a-second';
SELECT meet_deadline(1, '2024-01-15');
\echo :SQLSTATE
SELECT meet_deadline(1, current_date + 1) IS NULL;
SELECT meet_deadline(1, NULL);
-- Late is late, and is said so. With acceptance the answer starts, 60 days from it.
SELECT meet_deadline(1, '2024-02-05') IS NOT NULL AS goes_on;
SELECT meet_deadline(1);
\echo :SQLSTATE
SELECT r.step, d.started_on, d.started_by, d.due, d.met_on, d.met_on > d.due AS late
FROM deadline d JOIN deadline_rule r ON r.id = d.rule WHERE d.petition = 1 ORDER BY d.id;
-- One that is turned away has no answer; one whose answer runs already has no second.
SELECT meet_deadline(4, '2024-01-20', goes_on => false) AS turned_away;
SELECT start_deadline('accept', 2, start => '2024-01-16') AS accept, start_deadline('answer', 2, start => '2024-01-18') AS answer \gset
SELECT meet_deadline(:accept, '2024-01-20') AS second_answer;
SELECT count(*) FROM deadline WHERE petition IN (2, 4);

-- An extension: once, before it passes, by what the rule allows, by a second person.
SELECT start_deadline('answer', 4, start => current_date - 60) AS ends_today,
	start_deadline('answer', 5, start => current_date - 61) AS passed,
	start_deadline('review', 5, start => current_date) AS not_to_be_extended \gset
SELECT extend_deadline(:ends_today, 'survey not done');
\echo :SQLSTATE
SET govcase.account = 'a-b-leader';
SELECT extend_deadline(:ends_today, 'survey not done');
\echo :SQLSTATE
SELECT extend_deadline(99, 'survey not done');
SET govcase.account = 'a-officer';
SELECT extend_deadline(:ends_today, 'survey not done');
SET govcase.account = 'a-inspector';
SELECT extend_deadline(:ends_today, 'survey not done');
SET govcase.account = 'a-member';
SELECT extend_deadline(:ends_today, 'survey not done');
RESET govcase.account;
SELECT extend_deadline(:ends_today, 'survey not done');
SET govcase.account = 'a-leader';
SELECT extend_deadline(:ends_today, ' ');
\echo :SQLSTATE
SELECT extend_deadline(:ends_today, NULL);
\set VERBOSITY default
SELECT extend_deadline(1, 'survey not done');
\echo :SQLSTATE
SELECT extend_deadline(:not_to_be_extended, 'survey not done');
\set VERBOSITY terse
SELECT extend_deadline(:passed, 'survey not done');
\echo :SQLSTATE
SELECT extend_deadline(:ends_today, 'survey not done') - current_date AS days_more;
SELECT extend_deadline(:ends_today, 'survey not done');
\echo :SQLSTATE
SELECT d.due - current_date AS due, d.extended_to - current_date AS extended_to, d.approved_by, d.reason
FROM deadline d WHERE d.id = :ends_today;
-- A centre may, another than the one that started it; who is responsible may not, for a petition on the dispute either.
SET SESSION AUTHORIZATION deadlines_owner;
UPDATE deadline_rule SET extend_by = 1 WHERE step = 'mediate';
INSERT INTO account_duty (account, duty, region) VALUES ('a-officer', 'leader', '411602000000');
INSERT INTO petition (received_on, region, dispute, heads, resolvable) VALUES (current_date, '411602002000', 4, 1, true);
SET SESSION AUTHORIZATION deadlines_user;
SET govcase.account = 'a-second';
SELECT start_deadline('mediate', dispute => 4) AS mediate, start_deadline('answer', 6) AS answer \gset
SET govcase.account = 'a-officer';
\set VERBOSITY default
SELECT extend_deadline(:mediate, 'parties away');
\echo :SQLSTATE
SELECT extend_deadline(:answer, 'parties away');
SET govcase.account = 'a-second';
SELECT extend_deadline(:mediate, 'parties away');
\set VERBOSITY terse
SET govcase.account = 'a-centre';
SELECT extend_deadline(:mediate, 'parties away') = (current_date + interval '1 month')::date + interval '1 month' AS a_month_more;
SELECT extend_deadline(:answer, 'parties away') = current_date + 90 AS thirty_days_more;

-- Working days, against the calendar; outside it nothing starts.
SET SESSION AUTHORIZATION deadlines_owner;
INSERT INTO deadline_rule (subject, step, amount, unit, source) VALUES ('petition', 'receipt', 3, 'working_days', 'of this city');
SELECT count(*) FROM set_calendar('2024-01-01', '2024-01-31', holidays => '{2024-01-01}');
SET SESSION AUTHORIZATION deadlines_user;
SELECT start_deadline('receipt', 1, start => '2024-01-26');
\set VERBOSITY default
SELECT start_deadline('receipt', 2, start => '2024-01-29');
\echo :SQLSTATE
\set VERBOSITY terse
SELECT petition, started_on, due FROM deadline WHERE petition IN (1, 2) AND rule = (SELECT id FROM deadline_rule WHERE step = 'receipt');

-- A dispute's mediation: a month from when it comes to handling, and met when it is fed back.
SET SESSION AUTHORIZATION deadlines_owner;
UPDATE deadline_rule SET extend_by = NULL WHERE step = 'mediate';
DELETE FROM account_duty WHERE account = 'a-officer' AND duty = 'leader';
DELETE FROM deadline;
SET govcase.account = 'a-centre';
INSERT INTO dispute (region, place_region, risk, found_by, departments, responsible, reported_at) VALUES
	('411602001000', '411602001000', 'yellow', 'sweep', '{1}', 'a-officer', '2024-01-30 08:00');
CREATE FUNCTION pg_temp.terms() RETURNS TABLE (started_on date, started_by text, due date, met_on date) LANGUAGE sql AS $$
	SELECT started_on, started_by, due, met_on FROM terms.deadline WHERE dispute = 6 ORDER BY id
$$;
SELECT format('%I.terms', nspname) AS terms FROM pg_namespace WHERE oid = pg_my_temp_schema() \gset
SET SESSION AUTHORIZATION deadlines_user;
-- As an officer who may not write to deadline; what happened on another day is entered now.
SET govcase.account = 'a-officer';
SET govcase.happened_at = '2024-01-31 09:00';
UPDATE dispute SET state = 'assigned' WHERE id = 6;
SELECT * FROM :terms();
UPDATE dispute SET state = 'handling' WHERE id = 6;
SELECT * FROM :terms();
SET govcase.happened_at = '2024-02-10 09:00';
UPDATE dispute SET state = 'supervised' WHERE id = 6;
UPDATE dispute SET state = 'handling' WHERE id = 6;
SELECT * FROM :terms();
INSERT INTO follow_up (id, kind) VALUES (6, 'mediation');
SET govcase.happened_at = '2024-02-20 09:00';
UPDATE dispute SET state = 'fed_back' WHERE id = 6;
SELECT * FROM :terms();
-- Sent back, there was no result: the same term goes on.
UPDATE dispute SET state = 'handling', reason = 'not what was agreed' WHERE id = 6;
SELECT * FROM :terms();
INSERT INTO follow_up (id, kind) VALUES (6, 'mediation');
SET govcase.happened_at = '2024-03-05 09:00';
UPDATE dispute SET state = 'fed_back' WHERE id = 6;
SELECT * FROM :terms();
UPDATE dispute SET state = 'handling', reason = 'new quarrel' WHERE id = 6;
UPDATE dispute SET state = 'transferred', reason = 'to court' WHERE id = 6;
SELECT * FROM :terms();
-- One that comes back from another authority is mediated anew.
SET govcase.happened_at = '2024-03-31 09:00';
UPDATE dispute SET state = 'handling', reason = 'court sends it back' WHERE id = 6;
SELECT * FROM :terms();
-- A move that is refused starts and meets nothing.
UPDATE dispute SET state = 'closed' WHERE id = 6;
\echo :SQLSTATE
SELECT * FROM :terms();
RESET govcase.happened_at;
-- A city that has no such rule has no such term.
SET SESSION AUTHORIZATION deadlines_owner;
BEGIN;
DELETE FROM deadline; DELETE FROM deadline_rule WHERE step = 'mediate';
SET LOCAL govcase.account = 'a-officer';
UPDATE dispute SET state = 'assigned' WHERE id = 5;
UPDATE dispute SET state = 'handling' WHERE id = 5;
SELECT count(*) FROM deadline;
ROLLBACK;

-- The due run. Deadlines: on dispute 1 (township A1, with a centre), 3 (county B), 4 (township A2: the county's
-- centres are the nearest), and on petitions 1 (A1) and 6 (A2, on dispute 4).
DELETE FROM deadline;
DELETE FROM due_sent;
UPDATE dispute SET state = 'transferred', reason = 'to court' WHERE id IN (5, 6);
UPDATE dispute SET leader = 'a-pair' WHERE id IN (1, 4);
UPDATE dispute SET responsible = 'a-left' WHERE id = 3;
INSERT INTO deadline (rule, dispute, started_on, due) VALUES
	(4, 1, '2025-05-01', '2025-06-10'), (4, 3, '2025-05-01', '2025-06-13'), (4, 4, '2025-05-01', '2025-06-09');
INSERT INTO deadline (rule, petition, started_on, due) VALUES
	(2, 1, '2025-05-01', '2025-06-14'), (2, 6, '2025-05-01', '2025-06-12');
CREATE FUNCTION pg_temp.told() RETURNS TABLE (kind text, subject text, accounts text) LANGUAGE sql AS $$
	WITH gone AS (DELETE FROM terms.notice n RETURNING n.*)
	SELECT g.kind, coalesce('petition ' || d.petition, 'dispute ' || coalesce(d.dispute, g.dispute))
			|| CASE WHEN d.petition IS NOT NULL AND g.dispute IS NOT NULL THEN ' on dispute ' || g.dispute ELSE '' END
			|| CASE WHEN g.deadline IS NULL THEN ' by its policy' ELSE '' END,
		string_agg(g.account, ' ' ORDER BY g.account)
	FROM gone g LEFT JOIN terms.deadline d ON d.id = g.deadline
	GROUP BY 1, 2, g.deadline ORDER BY 2, 1
$$;
-- These disputes are registered today, so that in 2025 none was late under its policy.
SELECT min(id) AS first FROM deadline \gset
SELECT * FROM due_run(3, '2025-06-10 07:00');
SELECT * FROM pg_temp.told();
-- Again on that day, and with more days ahead: each once.
SELECT * FROM due_run(3, '2025-06-10 19:00');
SELECT * FROM due_run(4, '2025-06-10 19:00');
SELECT * FROM pg_temp.told();
-- The next day the first has passed; then all have. Each is told once of either kind.
SELECT * FROM due_run(3, '2025-06-11 07:00');
SELECT * FROM pg_temp.told();
SELECT * FROM due_run(3, '2025-06-30 07:00');
SELECT * FROM pg_temp.told();
SELECT * FROM due_run(3, '2025-07-30 07:00');
-- What is met is no more told of, and what moves is told of again, before its new end and after.
UPDATE deadline SET met_on = '2025-07-01' WHERE id <> :first;
UPDATE deadline SET extended_to = '2025-08-15', approved_by = 'a-leader', reason = 'ill' WHERE id = :first;
SELECT * FROM due_run(3, '2025-08-11 07:00');
SELECT * FROM due_run(3, '2025-08-12 07:00');
SELECT * FROM pg_temp.told();
SELECT * FROM due_run(3, '2025-08-15 23:59');
SELECT * FROM due_run(3, '2025-08-16 00:00');
SELECT * FROM pg_temp.told();
-- Where there is nobody to be told, it is told when there is.
DELETE FROM due_sent WHERE deadline = :first;
UPDATE account SET active = false WHERE id IN ('a-township', 'a-centre', 'a-second', 'a-officer', 'a-pair');
SELECT * FROM due_run(3, '2025-08-16 07:00');
UPDATE account SET active = true WHERE id <> 'a-left';
SELECT * FROM due_run(3, '2025-08-17 07:00');
SELECT * FROM pg_temp.told();
-- That notices are read and forgotten makes none come again.
SELECT * FROM due_run(3, '2025-08-26 07:00');
-- Joint work: the centre that leads it is told, and not the nearest.
INSERT INTO centre VALUES ('411602000000', 'centre of county A');
UPDATE dispute SET centre = '411602000000' WHERE id = 1;
DELETE FROM due_sent;
SELECT * FROM due_run(3, '2025-08-15 07:00');
SELECT * FROM pg_temp.told();

-- Disputes that are late under their policy: once, until there was contact and they are late again.
DELETE FROM deadline;
DELETE FROM due_sent;
SELECT case_key, reason FROM overdue('dispute', now() + interval '2 days') ORDER BY 1;
SELECT * FROM due_run(3, now() + interval '2 days');
SELECT * FROM pg_temp.told();
SELECT * FROM due_run(3, now() + interval '2 days');
SELECT * FROM due_run(3, now() + interval '3 days');
SELECT case_key, reason FROM overdue('dispute', now() + interval '17 days') ORDER BY 1, 2;
SELECT due, escalation > 0 AS escalation FROM due_run(3, now() + interval '17 days');
SELECT * FROM pg_temp.told();
INSERT INTO follow_up (id, kind, happened_at) VALUES (4, 'visit', clock_timestamp());
SELECT * FROM due_run(3, now() + interval '17 days');
SELECT * FROM pg_temp.told();
SELECT kind, dispute, term, count(*) FROM due_sent GROUP BY 1, 2, 3 ORDER BY 2, 3;

SELECT * FROM due_run(-1);
\echo :SQLSTATE
SELECT * FROM due_run(NULL);
SELECT * FROM due_run(3, NULL);
SELECT * FROM due_run(3, 'infinity');
-- No duty calls it; a role that does so every day may be granted it, with no account at all.
SET SESSION AUTHORIZATION deadlines_user;
SELECT * FROM due_run();
\echo :SQLSTATE
SELECT count(*) FROM due_sent;
\echo :SQLSTATE
SET SESSION AUTHORIZATION deadlines_owner;
GRANT USAGE ON SCHEMA terms TO deadlines_clock;
GRANT EXECUTE ON FUNCTION due_run(integer, timestamptz) TO deadlines_clock;
SET SESSION AUTHORIZATION deadlines_clock;
SELECT * FROM due_run();
SELECT count(*) FROM notice;
\echo :SQLSTATE

RESET SESSION AUTHORIZATION;
\set QUIET on
SET client_min_messages = warning;
DROP SCHEMA terms CASCADE;
DROP OWNED BY deadlines_owner, deadlines_user, deadlines_clock;
DROP ROLE deadlines_owner, deadlines_user, deadlines_clock;
