\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS govcase CASCADE;
SELECT format('GRANT CREATE ON DATABASE %I TO grading_owner', current_database()) AS grant_create \gset
CREATE ROLE grading_owner;
:grant_create;
CREATE ROLE grading_member; CREATE ROLE grading_town; CREATE ROLE grading_county; CREATE ROLE grading_officer;
CREATE ROLE grading_stranger; CREATE ROLE grading_admin;
RESET client_min_messages;
\set QUIET off
\set ECHO all
\set SHOW_CONTEXT never

-- Graded control: red cases are held by a county, yellow by a township, blue by a village, and led from there.
SET SESSION AUTHORIZATION grading_owner;
CALL govcase.create_registry('grading');
SET search_path = grading, govcase, public;
INSERT INTO region (code, code_end, level, parent, name) VALUES
	('411600000000', '411699999999', 1, NULL, 'city'),
	('411602000000', '411602999999', 2, '411600000000', 'county A'),
	('411602001000', '411602001999', 3, '411602000000', 'township A1'),
	('411602001001', '411602001001', 4, '411602001000', 'village A11'),
	('411602002000', '411602002999', 3, '411602000000', 'township A2'),
	('411681000000', '411681999999', 2, '411600000000', 'county B'),
	('411681001000', '411681001999', 3, '411681000000', 'township B1');
INSERT INTO department (name, region) VALUES ('justice', '411602000000');
INSERT INTO account (id) VALUES ('a-owner'), ('a-member'), ('a-town'), ('a-county'), ('a-officer'), ('a-stranger'),
	('a-admin'), ('l-city'), ('l-county'), ('l-town'), ('l-village'), ('l-other'), ('l-past');
INSERT INTO account_duty (account, duty, region, department) VALUES
	('a-owner', 'centre', '411600000000', NULL),
	('a-member', 'member', '411602001001', NULL),
	('a-town', 'centre', '411602001000', NULL),
	('a-county', 'centre', '411602000000', NULL),
	('a-officer', 'officer', NULL, 1),
	('a-stranger', 'centre', '411681000000', NULL),
	('a-admin', 'admin', '411600000000', NULL),
	('l-city', 'leader', '411600000000', NULL), ('l-county', 'leader', '411602000000', NULL),
	('l-town', 'leader', '411602001000', NULL), ('l-village', 'leader', '411602001001', NULL),
	('l-other', 'leader', '411681000000', NULL);
INSERT INTO account_duty (account, duty, region, valid) VALUES ('l-past', 'leader', '411602000000', '[2020-01-01,2021-01-01)');
INSERT INTO account_login VALUES ('grading_owner', 'vouched', NULL), ('grading_member', 'person', 'a-member'),
	('grading_town', 'person', 'a-town'), ('grading_county', 'person', 'a-county'),
	('grading_officer', 'person', 'a-officer'), ('grading_stranger', 'person', 'a-stranger'),
	('grading_admin', 'person', 'a-admin');
CALL admit('grading_member', 'member'); CALL admit('grading_town', 'centre'); CALL admit('grading_county', 'centre');
CALL admit('grading_officer', 'officer'); CALL admit('grading_stranger', 'centre'); CALL admit('grading_admin', 'admin');
ALTER TABLE dispute ALTER id RESTART;

-- A member of the village reports what there is, whatever its risk: nobody holds it yet.
SET SESSION AUTHORIZATION grading_member;
INSERT INTO dispute (region, place_region, risk, grounds, found_by) VALUES
	('411602001001', '411602001001', 'yellow', NULL, 'patrol'),
	('411602001001', '411602001001', 'red', '{grave}', 'patrol'),
	('411602001001', '411602001001', 'yellow', NULL, 'sweep'),
	('411602001001', '411602001001', 'yellow', NULL, 'sweep');
-- The township gives out the yellow one as its own; from the village it cannot.
SET SESSION AUTHORIZATION grading_town;
UPDATE dispute SET state = 'assigned', responsible = 'a-town' WHERE id = 1;
\echo :SQLSTATE
UPDATE dispute SET state = 'assigned', responsible = 'a-town', region = '411602001000' WHERE id = 1;
-- The red one is for the county, and for a leader of the county or the city.
UPDATE dispute SET state = 'assigned', responsible = 'a-town', region = '411602001000', leader = 'l-county' WHERE id = 2;
\echo :SQLSTATE
-- A case does not leave the scope of whoever moves it.
\set VERBOSITY terse
UPDATE dispute SET state = 'assigned', responsible = 'a-town', region = '411602000000', leader = 'l-county' WHERE id = 2;
\set VERBOSITY default
SET SESSION AUTHORIZATION grading_county;
UPDATE dispute SET state = 'assigned', responsible = 'a-town', region = '411602000000', leader = 'l-town' WHERE id = 2;
\echo :SQLSTATE
\set VERBOSITY terse
-- One of another county, of the past, and one of whom it is no duty.
UPDATE dispute SET state = 'assigned', responsible = 'a-town', region = '411602000000', leader = 'l-other' WHERE id = 2;
UPDATE dispute SET state = 'assigned', responsible = 'a-town', region = '411602000000', leader = 'l-past' WHERE id = 2;
UPDATE dispute SET state = 'assigned', responsible = 'a-town', region = '411602000000', leader = 'a-county' WHERE id = 2;
-- What the policy refuses, it says first.
UPDATE dispute SET state = 'handling', region = '411602001000', leader = 'l-town' WHERE id = 2;
\echo :SQLSTATE
UPDATE dispute SET state = 'assigned', responsible = 'a-town', region = '411602000000', leader = 'l-city' WHERE id = 2;
UPDATE dispute SET leader = 'l-county' WHERE id = 2;
UPDATE dispute SET leader = 'l-village' WHERE id = 2;
-- A red case goes neither down nor, with its leader, to where that is none.
UPDATE dispute SET region = '411602001000' WHERE id = 2;
SET SESSION AUTHORIZATION grading_owner;
SET govcase.account = 'a-owner';
UPDATE dispute SET region = '411681000000' WHERE id = 2;
\echo :SQLSTATE
UPDATE dispute SET region = '411681000000', leader = 'l-other' WHERE id = 2;
UPDATE dispute SET region = '411602000000', leader = 'l-county' WHERE id = 2;
SELECT id, region, state, risk, leader FROM dispute ORDER BY id;

-- An officer raises a case of the township and hands it up in one statement.
UPDATE dispute SET departments = '{1}' WHERE id IN (1, 3);
SET SESSION AUTHORIZATION grading_officer;
\set VERBOSITY default
UPDATE dispute SET risk = 'red', grounds = '{high_risk}', reason = 'threats' WHERE id = 1;
UPDATE dispute SET risk = 'red', grounds = '{high_risk}', reason = 'threats', leader = 'l-county' WHERE id = 1;
\set VERBOSITY terse
UPDATE dispute SET risk = 'red', grounds = '{high_risk}', reason = 'threats', leader = 'l-county', region = '411602000000'
WHERE id = 1 RETURNING region, risk;
-- What asks for no grade is not asked: other columns, and cases that nobody holds.
UPDATE dispute SET theme = 'debt' WHERE id = 1;
UPDATE dispute SET region = '411602001001', theme = 'debt' WHERE id = 3;
SET SESSION AUTHORIZATION grading_town;
UPDATE dispute SET state = 'voided', reason = 'twice' WHERE id = 4;

-- escalate() finds the region that may hold the case, and tells its centre and leader.
SELECT escalate(3, 'red', 'a knife', 'l-county', '{grave}');
SELECT count(*) FROM dispute WHERE id = 3;
SET SESSION AUTHORIZATION grading_owner;
SELECT id, region, state, risk, leader, grounds, reason FROM dispute WHERE id = 3;
SELECT account, kind, dispute FROM notice ORDER BY id;
SELECT kind, actor, from_risk, to_risk FROM follow_up WHERE id = 3 ORDER BY seq;
-- Not by those who do not see the case, members, or nobody; not down, without a reason, twice, or after its end.
SET SESSION AUTHORIZATION grading_town;
SELECT escalate(3, 'red', 'again');
\echo :SQLSTATE
SELECT escalate(99, 'red', 'again');
\echo :SQLSTATE
SELECT escalate(NULL, 'red', 'again');
SELECT escalate(4, 'red', 'again');
\echo :SQLSTATE
SET SESSION AUTHORIZATION grading_stranger;
SELECT escalate(3, 'red', 'again');
\echo :SQLSTATE
SET SESSION AUTHORIZATION grading_member;
SELECT escalate(1, 'red', 'again');
\echo :SQLSTATE
SET SESSION AUTHORIZATION grading_county;
SELECT escalate(3, 'yellow', 'calmer');
\echo :SQLSTATE
SELECT escalate(3, NULL, 'calmer');
SELECT escalate(3, 'red', 'again');
\echo :SQLSTATE
SET SESSION AUTHORIZATION grading_owner;
RESET govcase.account;
SELECT escalate(3, 'red', 'again');
\echo :SQLSTATE
SET govcase.account = 'a-owner';
INSERT INTO dispute (region, place_region, risk, found_by) VALUES ('411602001000', '411602001000', 'yellow', 'window');
SELECT escalate(5, 'red', NULL, grounds => '{grave}');
\echo :SQLSTATE
SELECT escalate(5, 'red', 'a fire');
\echo :SQLSTATE
-- One that is looked at again goes back into handling.
BEGIN;
UPDATE dispute SET state = 'assigned', responsible = 'a-town' WHERE id = 5;
UPDATE dispute SET state = 'handling' WHERE id = 5;
INSERT INTO follow_up (id, kind) VALUES (5, 'mediation');
UPDATE dispute SET state = 'fed_back' WHERE id = 5;
SELECT escalate(5, 'red', 'a fire', 'l-city', '{grave}');
SELECT region, state, risk, leader FROM dispute WHERE id = 5;
ROLLBACK;
-- Lowered to yellow it may go back to the township, whose leader may have it.
BEGIN;
UPDATE dispute SET state = 'handling' WHERE id = 2;
INSERT INTO follow_up (id, kind) VALUES (2, 'mediation');
UPDATE dispute SET risk = 'yellow', region = '411602001000', leader = 'l-town' WHERE id = 2;
SELECT region, risk, leader FROM dispute WHERE id = 2;
ROLLBACK;

-- Old cases of villages come in as history only where they have ended.
BEGIN;
SELECT begin_history('dispute');
INSERT INTO dispute (region, place_region, state, risk, responsible, found_by) VALUES
	('411602001001', '411602001001', 'closed', 'blue', 'a-town', 'sweep'),
	('411602001001', '411602001001', 'transferred', 'yellow', 'a-town', 'sweep'),
	('411602001001', '411602001001', 'handling', 'blue', 'a-town', 'sweep');
SAVEPOINT a;
INSERT INTO dispute (region, place_region, state, risk, responsible, found_by) VALUES
	('411602001001', '411602001001', 'handling', 'yellow', 'a-town', 'sweep');
\echo :SQLSTATE
ROLLBACK TO a;
-- One that comes back is held, and asked.
UPDATE dispute SET state = 'handling', reason = 'sent back' WHERE state = 'transferred';
\echo :SQLSTATE
ROLLBACK TO a;
UPDATE dispute SET state = 'handling', reason = 'sent back', region = '411602001000' WHERE state = 'transferred';
-- Without a rule for a risk, whoever likes holds it.
DELETE FROM risk_level_region WHERE risk = 'red';
UPDATE dispute SET region = '411602001001', leader = 'l-village' WHERE id = 1;
ROLLBACK;

-- An admin who changes the rule hears what does not fit it; work on that goes on.
SELECT * FROM misheld_disputes;
SET SESSION AUTHORIZATION grading_admin;
UPDATE risk_level_region SET lowest_level = 1 WHERE risk = 'red';
INSERT INTO risk_level_region VALUES ('orange', 3);
SET SESSION AUTHORIZATION grading_county;
SELECT * FROM misheld_disputes ORDER BY id;
UPDATE dispute SET state = 'handling' WHERE id = 2;
UPDATE dispute SET leader = 'l-city' WHERE id = 2;
\echo :SQLSTATE
SET SESSION AUTHORIZATION grading_stranger;
SELECT * FROM misheld_disputes;
SET SESSION AUTHORIZATION grading_admin;
UPDATE risk_level_region SET lowest_level = 2 WHERE risk = 'red';
-- So does a leader whose duty has ended show.
SET SESSION AUTHORIZATION grading_owner;
UPDATE account_duty SET valid = '[2000-01-01,2001-01-01)' WHERE account = 'l-county';
SELECT * FROM misheld_disputes ORDER BY id;
SET SESSION AUTHORIZATION grading_member;
SELECT * FROM misheld_disputes;
SET SESSION AUTHORIZATION grading_owner;
SELECT * FROM verify_chain('dispute');

RESET SESSION AUTHORIZATION;
\set QUIET on
SET client_min_messages = warning;
DROP SCHEMA grading CASCADE;
DROP OWNED BY grading_owner, grading_member, grading_town, grading_county, grading_officer, grading_stranger, grading_admin;
DROP ROLE grading_owner, grading_member, grading_town, grading_county, grading_officer, grading_stranger, grading_admin;
