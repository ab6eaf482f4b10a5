\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS govcase CASCADE;
SELECT format('GRANT CREATE ON DATABASE %I TO duplicates_owner', current_database()) AS grant_create \gset
CREATE ROLE duplicates_owner;
:grant_create;
CREATE ROLE duplicates_member; CREATE ROLE duplicates_zhao; CREATE ROLE duplicates_pool;
RESET client_min_messages;
\set QUIET off
\set ECHO all
\set SHOW_CONTEXT never
\set VERBOSITY terse
SET SESSION AUTHORIZATION duplicates_owner;
CALL govcase.create_registry('twice');
SET search_path = twice, govcase, public;

INSERT INTO region (code, code_end, level, parent, name) VALUES
	('411600000000', '411699999999', 1, NULL, 'city'),
	('411602000000', '411602999999', 2, '411600000000', 'county A'),
	('411602001000', '411602001999', 3, '411602000000', 'township A1'),
	('411681000000', '411681999999', 2, '411600000000', 'county B');
INSERT INTO department (name, region) VALUES ('justice', '411600000000');
INSERT INTO account (id) VALUES ('a-city'), ('a-zhao'), ('a-member'), ('a-officer'), ('a-leader'), ('a-inspector'), ('a-analyst');
INSERT INTO account_duty (account, duty, region, department) VALUES
	('a-city', 'centre', '411600000000', NULL), ('a-zhao', 'centre', '411602000000', NULL),
	('a-member', 'member', '411602000000', NULL), ('a-officer', 'officer', NULL, 1),
	('a-leader', 'leader', '411602001000', NULL), ('a-inspector', 'inspector', '411602000000', NULL),
	('a-analyst', 'analyst', '411600000000', NULL);
INSERT INTO account_login VALUES ('duplicates_owner', 'vouched', NULL), ('duplicates_member', 'person', 'a-member'),
	('duplicates_zhao', 'person', 'a-zhao'), ('duplicates_pool', 'vouched', NULL);
CALL admit('duplicates_member', 'member');
CALL admit('duplicates_zhao', 'centre');
CALL admit('duplicates_pool', 'centre'); CALL admit('duplicates_pool', 'member'); CALL admit('duplicates_pool', 'analyst');
SET govcase.account = 'a-city';
INSERT INTO dispute (region, place_region, risk, found_by, departments)
SELECT r, r, 'yellow', 'window', d FROM (VALUES
	(1, '411602001000', '{1}'::integer[]), (2, '411602001000', '{}'), (3, '411602000000', '{}'), (4, '411602000000', '{1}'),
	(5, '411681000000', '{1}'), (6, '411602001000', '{}'), (7, '411602001000', '{}'), (8, '411602001000', '{}')) AS t(n, r, d)
ORDER BY n;
-- 7 is resolved; 8 is given away: one of two.
UPDATE dispute SET state = 'assigned', responsible = 'a-officer' WHERE id = 7;
UPDATE dispute SET state = 'handling' WHERE id = 7;
INSERT INTO follow_up (id, kind) VALUES (7, 'mediation');
UPDATE dispute SET state = 'fed_back' WHERE id = 7;
INSERT INTO follow_up (id, kind) VALUES (7, 'feedback');
UPDATE dispute SET risk = 'blue' WHERE id = 7;
UPDATE dispute SET state = 'assessed' WHERE id = 7;
UPDATE dispute SET state = 'transferred', reason = 'to court' WHERE id = 8;

SET SESSION AUTHORIZATION duplicates_zhao;
SELECT registered, pending, handled, resolved, rate FROM region_rollup WHERE region = '411602000000';
-- 1 is 2, entered again: voided, with a pointer; both keep their chains.
SELECT void_duplicate(1, 2, 'the same wall');
SELECT id, state, duplicate_of, reason FROM dispute WHERE id <= 2 ORDER BY id;
SELECT id, seq, kind, actor, from_state, to_state FROM follow_up WHERE id <= 2 ORDER BY id, seq;
-- Figures count one: of seven registered there are six, and the rate of what was handled is what it was.
SELECT registered, pending, handled, resolved, rate FROM region_rollup WHERE region = '411602000000';
SELECT registered(s), pending(s), handled(s), rate(s) FROM (SELECT resolution_summary(state) FROM dispute) AS r(s);
-- Again it changes nothing.
SELECT void_duplicate(1, 2, 'the same wall');
SELECT count(*) FROM follow_up WHERE id = 1;

-- What points to one that was voided leads on to the case that stays.
SELECT void_duplicate(3, 1, 'that wall again');
SELECT void_duplicate(3, 2, 'that wall again');
SELECT void_duplicate(2, 4, 'one quarrel of many');
SELECT void_duplicate(1, 4, 'asked again'), void_duplicate(3, 2, 'asked again');
SELECT id, duplicate_of, case_that_stays(id) FROM dispute ORDER BY id;
SELECT case_that_stays(5) AS hidden, case_that_stays(99) AS absent, case_that_stays(NULL) AS unknown;

-- No circles, not to itself, and only to a case that stays.
SELECT void_duplicate(4, 1, 'round');
\echo :SQLSTATE
SELECT void_duplicate(4, 4, 'itself');
\echo :SQLSTATE
UPDATE dispute SET state = 'voided', reason = 'a wrong entry' WHERE id = 6;
SELECT void_duplicate(4, 6, 'to one that is void');
\echo :SQLSTATE
\set VERBOSITY default
SELECT void_duplicate(6, 4, 'void already');
SELECT void_duplicate(1, 7, 'of another');
\set VERBOSITY terse
\echo :SQLSTATE
-- Only with a reason, and as the policy lets it: what was resolved or given away is not voided.
SELECT void_duplicate(4, 7, NULL);
SELECT void_duplicate(4, 7, ' ');
\echo :SQLSTATE
SELECT void_duplicate(7, 4, 'the same');
\echo :SQLSTATE
SELECT void_duplicate(8, 4, 'the same');
-- Nobody sets the pointer otherwise.
UPDATE dispute SET state = 'voided', duplicate_of = 7, reason = 'by hand' WHERE id = 4;
\echo :SQLSTATE

-- Both have to be seen; what is not is like what is not there.
SELECT void_duplicate(5, 4, 'the same');
\echo :SQLSTATE
SELECT void_duplicate(4, 5, 'the same');
SELECT void_duplicate(99, 4, 'the same');
SELECT void_duplicate(4, 99, 'the same');
SELECT void_duplicate(NULL, 4, 'the same');
SELECT void_duplicate(4, NULL, 'the same');
\echo :SQLSTATE
-- Members look on.
SET SESSION AUTHORIZATION duplicates_member;
SELECT count(*), case_that_stays(1) FROM dispute;
SELECT void_duplicate(4, 7, 'the same');
\echo :SQLSTATE
SET SESSION AUTHORIZATION duplicates_pool;
RESET govcase.account;
SELECT void_duplicate(4, 7, 'nobody acts');
SET govcase.account = 'a-member';
SELECT void_duplicate(4, 7, 'the same');
\echo :SQLSTATE
SET govcase.account = 'a-analyst';
SELECT void_duplicate(4, 7, 'the same');
-- A leader of the township does not see what the county holds; an officer not what the department has not.
SET govcase.account = 'a-leader';
SELECT void_duplicate(4, 7, 'the same');
SELECT void_duplicate(7, 4, 'the same');
SET govcase.account = 'a-officer';
SELECT void_duplicate(4, 7, 'the same');
-- What its department has in two counties it sees both.
SELECT void_duplicate(5, 4, 'across counties');
-- From where one sees the voided one alone, the case that stays is not reached.
SET SESSION AUTHORIZATION duplicates_owner;
SET govcase.account = 'a-city';
UPDATE dispute SET departments = '{}' WHERE id = 4;
INSERT INTO dispute (region, place_region, risk, found_by, departments) VALUES
	('411602000000', '411602000000', 'yellow', 'window', '{1}'), ('411602000000', '411602000000', 'yellow', 'window', '{1}');
SET SESSION AUTHORIZATION duplicates_pool;
SET govcase.account = 'a-officer';
SELECT string_agg(id::text, ',' ORDER BY id) FROM dispute;
SELECT void_duplicate(9, 1, 'that wall');
\echo :SQLSTATE

-- Whoever is responsible does not void it, once it is handled.
SET govcase.account = 'a-zhao';
UPDATE dispute SET state = 'assigned', responsible = 'a-officer' WHERE id = 9;
UPDATE dispute SET state = 'handling', reason = 'the same' WHERE id = 9;
SET govcase.account = 'a-officer';
SELECT void_duplicate(9, 10, 'the same');
\echo :SQLSTATE
-- An inspector may; that the reason stood there before does not matter.
SET govcase.account = 'a-inspector';
SELECT void_duplicate(9, 10, 'the same');
SELECT id, state, duplicate_of, case_that_stays(id), reason FROM dispute WHERE duplicate_of IS NOT NULL ORDER BY id;

-- Pointers that their owner has made go round end nowhere, and every chain is whole.
SET SESSION AUTHORIZATION duplicates_owner;
SET govcase.account = 'a-city';
SELECT count(*) FROM verify_chain('dispute');
UPDATE dispute SET duplicate_of = 9 WHERE id = 6;
UPDATE dispute SET duplicate_of = 6 WHERE id = 9;
SELECT case_that_stays(6), case_that_stays(10);

RESET SESSION AUTHORIZATION;
\set QUIET on
SET client_min_messages = warning;
DROP SCHEMA twice CASCADE;
DROP OWNED BY duplicates_owner, duplicates_member, duplicates_zhao, duplicates_pool;
DROP ROLE duplicates_owner, duplicates_member, duplicates_zhao, duplicates_pool;
