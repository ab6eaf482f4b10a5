\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS govcase CASCADE;
SELECT format('GRANT CREATE ON DATABASE %I TO calendar_owner', current_database()) AS grant_create \gset
CREATE ROLE calendar_owner;
:grant_create;
CREATE ROLE calendar_admin; CREATE ROLE calendar_centre; CREATE ROLE calendar_analyst; CREATE ROLE calendar_stranger;
RESET client_min_messages;
\set QUIET off
\set ECHO all
\set SHOW_CONTEXT never
SET datestyle = ISO;
SET SESSION AUTHORIZATION calendar_owner;
CALL govcase.create_registry('days');
SET search_path = days, govcase, public;
INSERT INTO region (code, code_end, level, parent, name) VALUES
	('411600000000', '411699999999', 1, NULL, 'city'),
	('411602000000', '411602999999', 2, '411600000000', 'county');
INSERT INTO account (id) VALUES ('a-admin'), ('a-centre'), ('a-analyst');
INSERT INTO account_duty (account, duty, region) VALUES ('a-admin', 'admin', '411602000000'),
	('a-centre', 'centre', '411602000000'), ('a-analyst', 'analyst', '411600000000');
INSERT INTO account_login VALUES ('calendar_admin', 'person', 'a-admin'), ('calendar_centre', 'person', 'a-centre'),
	('calendar_analyst', 'person', 'a-analyst'), ('calendar_owner', 'vouched', NULL);
CALL admit('calendar_admin', 'admin');
CALL admit('calendar_centre', 'centre');
CALL admit('calendar_analyst', 'analyst');

-- Nothing is counted without a calendar.
SELECT working_day('2024-01-02', 1);
\echo :SQLSTATE

-- 2024 and 2025, as they were announced: 251 and 248 working days.
SELECT * FROM set_calendar('2024-01-01', '2024-12-31',
	holidays => ARRAY(SELECT unnest('{2024-01-01,2024-06-10}'::date[])
		UNION ALL SELECT h::date FROM (VALUES
			('2024-02-10'::date, '2024-02-17'::date), ('2024-04-04', '2024-04-06'), ('2024-05-01', '2024-05-05'),
			('2024-09-15', '2024-09-17'), ('2024-10-01', '2024-10-07')) AS s(a, z), generate_series(a, z, '1 day') h),
	worked => '{2024-02-04,2024-02-18,2024-04-07,2024-04-28,2024-05-11,2024-09-14,2024-09-29,2024-10-12}');
SELECT count(*) FROM set_calendar('2025-01-01', '2025-12-31',
	holidays => ARRAY(SELECT '2025-01-01'::date
		UNION ALL SELECT h::date FROM (VALUES
			('2025-01-28'::date, '2025-02-04'::date), ('2025-04-04', '2025-04-06'), ('2025-05-01', '2025-05-05'),
			('2025-05-31', '2025-06-02'), ('2025-10-01', '2025-10-08')) AS s(a, z), generate_series(a, z, '1 day') h),
	worked => '{2025-01-26,2025-02-08,2025-04-27,2025-09-28,2025-10-11}');
SELECT extract(year FROM day) AS year, count(*) AS days, count(*) FILTER (WHERE working) AS working,
	min(working_no) AS lowest, max(working_no) AS highest
FROM calendar GROUP BY 1 ORDER BY 1;

-- By hand. The start is not counted; a day off begins with the next day that is worked.
SELECT working_day('2024-01-02', 1) AS wednesday, working_day('2024-01-05', 1) AS over_weekend,
	working_day('2024-01-06', 1) AS from_saturday, working_day('2024-01-07', 5) AS from_sunday;
SELECT working_day('2024-09-30', 1) AS after_national_day, working_day('2024-09-28', 1) AS sunday_worked,
	working_day('2024-10-03', 4) AS friday, working_day('2024-10-03', 5) AS saturday_worked;
SELECT working_day('2025-01-27', 1) AS after_spring_festival, working_day('2025-01-27', 4) AS saturday_worked,
	working_day('2025-01-25', 1) AS sunday_worked;
SELECT working_day('2024-12-31', 1) AS over_the_year, working_day('2024-01-05', 0) AS itself,
	working_day('2024-01-07', 0) AS day_before, working_day('2024-01-01', 499) AS last;
SELECT working_day(NULL, 1), working_day('2024-01-02', NULL);

-- Against one that counts day by day, by the lists alone.
CREATE FUNCTION pg_temp.worked(day date) RETURNS boolean LANGUAGE sql STABLE AS $$
	SELECT CASE WHEN day::text = ANY ('{2024-02-04,2024-02-18,2024-04-07,2024-04-28,2024-05-11,2024-09-14,2024-09-29,
			2024-10-12,2025-01-26,2025-02-08,2025-04-27,2025-09-28,2025-10-11}') THEN true
		WHEN to_char(day, 'MM-DD') = ANY ('{01-01,04-04,04-05,04-06,05-01,05-02,05-03,05-04,05-05,10-01,10-02,10-03,
			10-04,10-05,10-06,10-07}') THEN false
		WHEN day BETWEEN '2024-02-10' AND '2024-02-17' OR day = '2024-06-10' OR day BETWEEN '2024-09-15' AND '2024-09-17'
			OR day BETWEEN '2025-01-28' AND '2025-02-04' OR day BETWEEN '2025-05-31' AND '2025-06-02'
			OR day = '2025-10-08' THEN false
		ELSE to_char(day, 'Dy') NOT IN ('Sat', 'Sun') END
$$;
CREATE FUNCTION pg_temp.plain(start date, n integer) RETURNS date LANGUAGE plpgsql AS $$
DECLARE day date := start; BEGIN
	WHILE n > 0 LOOP
		day := day + 1;
		IF pg_temp.worked(day) THEN n := n - 1; END IF;
	END LOOP;
	RETURN day;
END $$;
SELECT count(*) AS asked, count(DISTINCT working_day(s, n)) AS answers,
	count(*) FILTER (WHERE working_day(s, n) <> pg_temp.plain(s, n)) AS wrong
FROM (SELECT '2024-01-01'::date + g FROM generate_series(0, 712) g) AS d(s), unnest('{1,2,9}'::integer[]) AS n;
SELECT count(*) FROM calendar WHERE working <> pg_temp.worked(day);

-- Outside the calendar there is no answer, never a null.
SELECT working_day('2025-12-30', 1);
SELECT working_day('2025-12-30', 2);
\echo :SQLSTATE
SELECT working_day('2023-12-29', 1);
\set VERBOSITY terse
SELECT working_day('2026-01-01', 0);
SELECT working_day('2024-01-01', 0);
SELECT working_day('2024-01-01', 500);
SELECT working_day('2024-06-01', 2147483647);
SELECT working_day('infinity', 1);
SELECT working_day('2024-06-03', -1);
\echo :SQLSTATE
\set VERBOSITY default

-- Who may count, and who may set.
SET SESSION AUTHORIZATION calendar_centre;
SELECT working_day('2024-09-30', 1), count(*) FROM calendar;
SELECT * FROM set_calendar('2026-01-01', '2026-12-31');
\echo :SQLSTATE
SET SESSION AUTHORIZATION calendar_analyst;
SELECT working_day('2024-09-30', 1);
SELECT count(*) FROM calendar;
\echo :SQLSTATE
SET SESSION AUTHORIZATION calendar_stranger;
\set VERBOSITY terse
SELECT days.working_day('2024-09-30', 1);
\set VERBOSITY default
\echo :SQLSTATE
-- One that has the grant and no account.
SET SESSION AUTHORIZATION calendar_owner;
CALL admit('calendar_stranger', 'admin');
SET SESSION AUTHORIZATION calendar_stranger;
SELECT * FROM days.set_calendar('2026-01-01', '2026-12-31');
\echo :SQLSTATE
-- Not even an admin writes numbers of its own.
SET SESSION AUTHORIZATION calendar_admin;
INSERT INTO calendar VALUES ('2026-01-01', true, 500);
\echo :SQLSTATE
UPDATE calendar SET working = NOT working;
\echo :SQLSTATE
DELETE FROM calendar;
\echo :SQLSTATE

-- What cannot be right is refused whole.
SELECT * FROM set_calendar('2026-12-31', '2026-01-01');
\echo :SQLSTATE
SELECT * FROM set_calendar('2026-01-01', '2026-12-31', holidays => '{2026-05-01,2027-01-01}');
\echo :SQLSTATE
SELECT * FROM set_calendar('2026-01-01', '2026-12-31', worked => '{2026-05-09,2026-05-06}');
SELECT * FROM set_calendar('2026-01-01', '2026-12-31', holidays => '{2026-05-09}', worked => '{2026-05-09}');
SELECT * FROM set_calendar('2026-01-02', '2026-12-31');
\echo :SQLSTATE
\set VERBOSITY terse
SELECT * FROM set_calendar('2026-01-01', '2026-12-31', holidays => '{NULL}');
SELECT * FROM set_calendar('2026-01-01', '2026-12-31', holidays => NULL);
SELECT * FROM set_calendar(NULL, '2026-12-31');
SELECT * FROM set_calendar('2026-01-01', 'infinity');
SELECT * FROM set_calendar('2026-01-01', '3026-01-01');
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT * FROM set_calendar('2026-01-01', '2026-12-31');
\echo :SQLSTATE
ROLLBACK;
\set VERBOSITY default
SELECT count(*), max(day), max(working_no) FROM calendar;

-- Deadlines in working days move with it while they run; their length stays.
SET SESSION AUTHORIZATION calendar_owner;
SET govcase.account = 'a-centre';
INSERT INTO deadline_rule (subject, step, amount, unit, extend_by, source) VALUES
	('dispute', 'reply', 5, 'working_days', 5, 'of this city'), ('dispute', 'visit', 3, 'days', NULL, 'of this city');
ALTER TABLE dispute ALTER id RESTART;
INSERT INTO dispute (region, place_region, risk, found_by)
SELECT '411602000000', '411602000000', 'yellow', 'sweep' FROM generate_series(1, 7);
CREATE FUNCTION pg_temp.start(dispute bigint, step text, start date) RETURNS text LANGUAGE sql AS $$
	INSERT INTO deadline (rule, dispute, started_on, due)
	SELECT id, dispute, start, CASE unit WHEN 'days' THEN start + amount ELSE working_day(start, amount) END
	FROM deadline_rule r WHERE r.step = start.step
	RETURNING due::text
$$;
-- 8 and 15 December 2025 are Mondays, 13 December is a Saturday.
SELECT pg_temp.start(1, 'reply', '2025-12-08'), pg_temp.start(2, 'reply', '2025-12-15'),
	pg_temp.start(3, 'reply', '2025-12-13'), pg_temp.start(4, 'reply', '2025-12-08'),
	pg_temp.start(5, 'visit', '2025-12-08'), pg_temp.start(6, 'reply', '2025-12-08');
UPDATE deadline SET met_on = '2025-12-12' WHERE dispute = 4;
UPDATE deadline SET extended_to = working_day(due, 5), approved_by = 'a-admin', reason = 'ill' WHERE dispute = 6;
-- One whose start is not known is taken to have started as late as its rule allows.
INSERT INTO deadline (rule, dispute, due) SELECT id, 7, '2025-12-16' FROM deadline_rule WHERE step = 'reply';
-- The rule has changed since, for terms to come.
UPDATE deadline_rule SET amount = 8 WHERE step = 'reply';
RESET govcase.account;
SET SESSION AUTHORIZATION calendar_admin;
-- Wednesday 10 December becomes a day off, and Saturday 20 December makes up for it:
-- what began before the one ends a day later, what began between the two and
-- passes the Saturday two days earlier, what ends on the Friday before it as it did.
-- The extended one begins before both and ends after both.
SELECT * FROM set_calendar('2025-12-10', '2025-12-20', holidays => '{2025-12-10}', worked => '{2025-12-20}');
SELECT * FROM set_calendar('2025-12-10', '2025-12-20', holidays => '{2025-12-10}', worked => '{2025-12-20}');
SET SESSION AUTHORIZATION calendar_owner;
SELECT d.dispute, d.started_on, d.due, d.extended_to, d.met_on FROM deadline d ORDER BY d.dispute;
SELECT count(*), max(day), max(working_no) FROM calendar;
-- Both days of the extended one follow.
SELECT * FROM set_calendar('2025-12-20', '2025-12-22', holidays => '{2025-12-22}');
SELECT d.due, d.extended_to FROM deadline d WHERE d.dispute = 6;
-- One that would end outside stops it all.
SELECT * FROM set_calendar('2025-12-17', '2025-12-31', holidays => ARRAY(SELECT '2025-12-17'::date + g FROM generate_series(0, 14) g));
\echo :SQLSTATE
SELECT max(working_no) FROM calendar;
-- Another year before the first and one after the last touch no deadline.
SELECT * FROM set_calendar('2023-12-01', '2023-12-31');
SELECT * FROM set_calendar('2026-01-01', '2026-01-31', holidays => '{2026-01-01}');
SELECT working_day('2023-12-29', 1) AS after_new_year, min(working_no), max(working_no), count(*) FROM calendar;

RESET SESSION AUTHORIZATION;
\set QUIET on
SET client_min_messages = warning;
DROP SCHEMA days CASCADE;
DROP OWNED BY calendar_owner, calendar_admin, calendar_centre, calendar_analyst, calendar_stranger;
DROP ROLE calendar_owner, calendar_admin, calendar_centre, calendar_analyst, calendar_stranger;
