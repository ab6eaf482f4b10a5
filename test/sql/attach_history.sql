\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS govcase CASCADE;
RESET client_min_messages;
\set QUIET off
\set ECHO all
\set SHOW_CONTEXT never
CREATE SCHEMA attach_history;
SET search_path = attach_history, govcase, public;

-- A table with a past.
CREATE TABLE dispute (id integer PRIMARY KEY, state case_state NOT NULL DEFAULT 'collected', risk risk_level NOT NULL,
	responsible text, leader text, difficult boolean, reason text, reported_at date, open_work integer);
SELECT create_follow_ups('dispute', 'link');
INSERT INTO dispute (id, state, risk, responsible, leader, difficult) VALUES
	(1, 'collected', 'red', NULL, NULL, NULL),
	(2, 'handling', 'yellow', 'li', NULL, false),
	(3, 'closed', 'blue', 'li', NULL, false),
	(4, 'closed', 'red', 'li', 'wang', false),
	(5, 'handling', 'orange', 'li', 'wang', false),
	(6, 'handling', 'red', 'li', NULL, false),
	(7, 'handling', 'yellow', 'li', 'li', true);

-- What the policy would not have let come about is listed, and nothing is done.
SELECT protect_cases('dispute', 'three_colour', 'link');
\echo :SQLSTATE
SELECT count(*) AS triggers FROM pg_trigger WHERE tgrelid = 'dispute'::regclass;
-- Of many, the first ten.
BEGIN;
INSERT INTO dispute (id, state, risk) SELECT n, 'assigned', 'yellow' FROM generate_series(101, 120) n;
SELECT protect_cases('dispute', 'three_colour', 'link');
ROLLBACK;

-- The owner may accept his past; its registration says so.
SELECT protect_cases('dispute', 'three_colour', 'link', accept_existing => true);
SELECT id, seq, kind, from_state, to_state, to_risk, note FROM link ORDER BY id, seq;
SELECT * FROM check_existing('dispute') ORDER BY case_key;
-- From there on the rules hold: what stands where no move leads from stays.
UPDATE dispute SET state = 'fed_back' WHERE id = 4;
UPDATE dispute SET state = 'supervised' WHERE id = 6;
UPDATE dispute SET state = 'supervised', leader = 'wang' WHERE id = 6;
UPDATE dispute SET state = 'supervised' WHERE id = 2;
SELECT count(*) AS broken FROM verify_chain('dispute');

-- Older cases come in by begin_history, in any pair that the policy reaches, until the transaction ends.
INSERT INTO dispute (id, state, risk, responsible) VALUES (10, 'closed', 'blue', 'li');
BEGIN;
SELECT begin_history('dispute');
INSERT INTO dispute (id, state, risk, responsible) VALUES (10, 'closed', 'blue', 'li'), (11, 'handling', 'yellow', 'li');
SAVEPOINT s;
INSERT INTO dispute (id, state, risk, responsible) VALUES (12, 'closed', 'red', 'li');
\echo :SQLSTATE
ROLLBACK TO s;
INSERT INTO dispute (id, state, risk) VALUES (12, 'handling', 'yellow');
\echo :SQLSTATE
ROLLBACK TO s;
COMMIT;
INSERT INTO dispute (id, state, risk, responsible) VALUES (12, 'closed', 'blue', 'li');
SELECT id, kind, to_state, note FROM link WHERE id IN (10, 11) ORDER BY id;

-- Another policy, once every row fits it.
SELECT change_policy('dispute', 'four_colour');
\echo :SQLSTATE
SELECT policy FROM protections() WHERE cases = 'dispute'::regclass;
UPDATE dispute SET risk = 'orange' WHERE id = 1;
SELECT unprotect_cases('dispute');
UPDATE dispute SET risk = 'blue' WHERE id = 4;
UPDATE dispute SET leader = 'wang' WHERE id = 7;
SELECT protect_cases('dispute', 'four_colour', 'link');
INSERT INTO dispute (id, risk) VALUES (20, 'blue');
SELECT chain_set AS before FROM protections() WHERE cases = 'dispute'::regclass \gset
SELECT change_policy('dispute', 'three_colour');
\echo :SQLSTATE
SELECT change_policy('dispute', 'four_colour');
\set VERBOSITY terse
SELECT change_policy('dispute', 'no such');
\set VERBOSITY default
\echo :SQLSTATE
SELECT change_policy('dispute', NULL);
SELECT change_policy('link', 'four_colour', columns => '{"leader": "reason"}');
SELECT policy, columns ->> 'leader' AS leader, chain_set = :'before' AS same_set FROM protections() WHERE cases = 'dispute'::regclass;
SELECT change_policy('dispute', 'four_colour', columns => '{"leader": "leader"}');
SELECT change_policy('dispute', 'four_colour', columns => '{"key": "open_work"}');
CREATE TABLE plain (id integer PRIMARY KEY, state case_state NOT NULL, risk risk_level NOT NULL, leader text, reason text,
	work integer, who text, hard boolean, since date);
SELECT change_policy('plain', 'matter');
\echo :SQLSTATE
SELECT protect_cases('plain', 'matter');
INSERT INTO plain VALUES (1, 'collected', 'red');
SELECT change_policy('plain', 'three_colour');
\echo :SQLSTATE
SELECT change_policy('plain', 'three_colour', without_links => true);
\echo :SQLSTATE
SELECT change_policy('plain', 'three_colour', without_links => true,
	columns => '{"open_work": "work", "responsible": "who", "difficult": "hard", "reported_at": "since"}');
UPDATE plain SET state = 'assigned';
SELECT change_policy('plain', 'four_colour');
SELECT change_policy('plain', 'matter');
SELECT columns FROM protections() WHERE cases = 'plain'::regclass;

-- Unprotected, altered, protected again: the chain goes on, and tells of the time between.
CREATE TABLE loop (id integer PRIMARY KEY, state case_state NOT NULL DEFAULT 'collected', risk risk_level NOT NULL,
	responsible integer, leader integer, difficult boolean, reason text, reported_at date, open_work integer);
SELECT create_follow_ups('loop', 'loop_link');
SELECT protect_cases('loop', 'three_colour', 'loop_link');
INSERT INTO loop (id, risk) VALUES (1, 'yellow'), (2, 'yellow');
UPDATE loop SET state = 'assigned', responsible = 5 WHERE id = 1;
INSERT INTO loop_link (id, kind, note) VALUES (1, 'visit', 'three of them');
SELECT unprotect_cases('loop');
ALTER TABLE loop ALTER id TYPE bigint, ALTER responsible TYPE text;
ALTER TABLE loop_link ALTER id TYPE bigint;
UPDATE loop SET state = 'handling' WHERE id = 1;
INSERT INTO loop (id, risk) VALUES (3, 'red');
SELECT protect_cases('loop', 'three_colour', 'loop_link');
UPDATE loop SET state = 'supervised' WHERE id = 1;
SELECT id, seq, kind, from_state, to_state, dense_rank() OVER (ORDER BY first_use) AS protection
FROM (SELECT *, min(recorded_in) OVER (PARTITION BY chain_set) AS first_use FROM loop_link WHERE chain_set IS NOT NULL) l
ORDER BY id, seq;
SELECT seq, kind, from_state, to_state FROM loop_link WHERE id = 1 ORDER BY seq;
SELECT count(*) AS broken FROM verify_chain('loop');

-- Under protection a column changes its type in both tables at once, and no hash is touched.
SELECT alter_protected('loop', 'id', 'smallint');
SELECT a.attrelid::regclass, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a
WHERE a.attrelid IN ('loop'::regclass, 'loop_link'::regclass) AND a.attname = 'id' ORDER BY 1;
SELECT alter_protected('loop_link', 'id', 'bigint');
SELECT alter_protected('loop', 'responsible', 'varchar(20)');
SELECT alter_protected('loop', 'reason', 'character varying');
SELECT a.attrelid::regclass, a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a
WHERE a.attrelid IN ('loop'::regclass, 'loop_link'::regclass) AND a.attname IN ('id', 'responsible', 'reason') ORDER BY 1, 2;
SELECT alter_protected('loop', 'id', 'text');
\echo :SQLSTATE
SELECT alter_protected('loop', 'state', 'text');
\echo :SQLSTATE
SELECT alter_protected('loop', 'leader', 'numeric');
SELECT alter_protected('loop_link', 'note', 'varchar');
SELECT alter_protected('loop', 'leader', 'no_such_type');
\echo :SQLSTATE
\set VERBOSITY sqlstate
SELECT alter_protected('loop', 'leader', 'text; DROP TABLE loop');
\set VERBOSITY default
SELECT alter_protected('loop', 'nothing', 'text');
\echo :SQLSTATE
SELECT alter_protected('loop', NULL, 'text');
SELECT alter_protected('plain', 'work', 'bigint');
SELECT alter_protected('plain', 'id', 'bigint');
SELECT problem, triggers_missing, triggers_disabled FROM protections() WHERE cases IN ('loop'::regclass, 'plain'::regclass);
UPDATE loop SET state = 'closed' WHERE id = 1;
UPDATE loop SET state = 'assigned', responsible = 'li' WHERE id = 2;
SELECT count(*) AS broken FROM verify_chain('loop');

-- Triggers that are missing or disabled are seen, and mended.
ALTER TABLE loop DISABLE TRIGGER govcase_transition;
ALTER TABLE loop ENABLE ALWAYS TRIGGER govcase_register;
ALTER TABLE loop_link ENABLE REPLICA TRIGGER govcase_keep;
DROP TRIGGER govcase_keep_all ON loop;
DROP TRIGGER zz_govcase_append ON loop_link;
SELECT triggers_missing, triggers_disabled, problem FROM protections() WHERE cases = 'loop'::regclass;
SELECT * FROM repair_triggers('loop');
SELECT * FROM repair_triggers('loop_link');
SELECT triggers_missing, triggers_disabled, problem FROM protections() WHERE cases = 'loop'::regclass;
ALTER TABLE loop DISABLE TRIGGER USER;
UPDATE loop SET state = 'handling' WHERE id = 2;
ALTER TABLE loop ENABLE TRIGGER USER;
UPDATE loop SET state = 'supervised' WHERE id = 2;
\echo :SQLSTATE
SELECT count(*) AS at_odds FROM verify_chain('loop');
-- Those of the policies' versions fire always; a data-only restore leaves them ordinary ones.
BEGIN;
ALTER TABLE policy_version DISABLE TRIGGER USER;
ALTER TABLE policy_version ENABLE TRIGGER USER;
SELECT count(*) > 0 AS not_always FROM pg_trigger WHERE tgrelid = 'policy_version'::regclass AND NOT tgisinternal AND tgenabled <> 'A';
SELECT count(*) > 0 AS mended FROM repair_triggers('policy_version');
SELECT count(*) AS not_always FROM pg_trigger WHERE tgrelid = 'policy_version'::regclass AND NOT tgisinternal AND tgenabled <> 'A';
SELECT count(*) AS more FROM repair_triggers('policy_version');
ROLLBACK;
SELECT unprotect_cases('loop');
SELECT repair_triggers('loop');
\echo :SQLSTATE

\set QUIET on
SET client_min_messages = warning;
DROP SCHEMA attach_history CASCADE;
