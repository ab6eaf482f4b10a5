\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS govcase CASCADE;
RESET client_min_messages;
\set QUIET off
\set ECHO all
-- A dispute's way through the loop, and what is refused on it.  The times and
-- hashes of links are other tests' matter; here it is which moves are made.
CREATE SCHEMA transition_test;
SET search_path = transition_test, govcase, public;
CREATE TABLE dispute (
	id integer PRIMARY KEY,
	state case_state NOT NULL DEFAULT 'collected',
	risk risk_level NOT NULL,
	responsible text,
	leader text,
	difficult boolean NOT NULL DEFAULT false,
	reason text,
	reported_at timestamptz NOT NULL DEFAULT now(),
	open_work integer NOT NULL DEFAULT 0,
	title text
);
SELECT create_follow_ups('dispute', 'follow_up');
SELECT protect_cases('dispute', 'three_colour', follow_ups => 'follow_up');
CREATE VIEW moves AS
	SELECT id, seq, kind, actor, from_state, from_risk, to_state, to_risk, policy, version, note
	FROM follow_up WHERE kind IN ('registered', 'transition');

-- Who acts is what the application says.
SET govcase.actor = 'desk';

-- Registration: red or yellow, and collected; nothing else.
INSERT INTO dispute (id, risk) VALUES (1, 'red'), (2, 'yellow');
INSERT INTO dispute (id, risk) VALUES (3, 'blue');
INSERT INTO dispute (id, risk, state) VALUES (3, 'red', 'handling');
INSERT INTO dispute (id, risk) VALUES (3, 'orange');
SELECT * FROM moves ORDER BY id, seq;

SET govcase.actor = 'centre';

-- An UPDATE of other columns is none of govcase's business.
UPDATE dispute SET title = 'a wall between two yards', open_work = 0 WHERE id = 1;

-- Invariants: a red case in work has a responsible and a leader, not the same.
UPDATE dispute SET state = 'assigned' WHERE id = 1;
UPDATE dispute SET state = 'assigned', responsible = 'wang', leader = 'wang' WHERE id = 1;
UPDATE dispute SET state = 'assigned', responsible = 'wang', leader = 'li' WHERE id = 1;
UPDATE dispute SET leader = NULL WHERE id = 1;
UPDATE dispute SET leader = 'wang' WHERE id = 1;
UPDATE dispute SET leader = 'zhao' WHERE id = 1;
-- A difficult one has the pair whatever its colour.
UPDATE dispute SET state = 'assigned', responsible = 'sun' WHERE id = 2;
UPDATE dispute SET difficult = true WHERE id = 2;
UPDATE dispute SET difficult = true, leader = 'li' WHERE id = 2;

-- A reason is given where it is set to something else, or named in SET.
UPDATE dispute SET state = 'collected' WHERE id = 2;
UPDATE dispute SET state = 'collected', reason = NULL WHERE id = 2;
UPDATE dispute SET state = 'collected', reason = 'not our street' WHERE id = 2;
UPDATE dispute SET state = 'assigned' WHERE id = 2;
-- The same words again: named in SET (PostgreSQL 13 cannot tell, and there only
-- a new reason counts; so this test gives one).
UPDATE dispute SET state = 'collected', reason = 'again not our street' WHERE id = 2;

-- No mediation, no result; no shortcut.
UPDATE dispute SET state = 'handling' WHERE id = 1;
UPDATE dispute SET risk = 'yellow' WHERE id = 1;
UPDATE dispute SET risk = 'blue' WHERE id = 1;
UPDATE dispute SET state = 'closed' WHERE id = 1;
INSERT INTO follow_up (id, kind, actor) VALUES (1, 'mediation', 'wang');
-- The responsible does not judge his own success.
SET govcase.actor = 'wang';
UPDATE dispute SET risk = 'yellow' WHERE id = 1;
SET govcase.actor = 'centre';
UPDATE dispute SET risk = 'yellow' WHERE id = 1;
-- Up again: the mediation from before counts no more.
UPDATE dispute SET risk = 'red', reason = 'threats with a knife' WHERE id = 1;
UPDATE dispute SET risk = 'yellow' WHERE id = 1;
INSERT INTO follow_up (id, kind, actor) VALUES (1, 'mediation', 'wang');
UPDATE dispute SET risk = 'yellow' WHERE id = 1;
-- The mediation was since the case came into handling or supervised.
UPDATE dispute SET state = 'fed_back' WHERE id = 1;
UPDATE dispute SET risk = 'blue' WHERE id = 1;
INSERT INTO follow_up (id, kind, actor, satisfied) VALUES (1, 'feedback', 'wang', true);
UPDATE dispute SET risk = 'blue' WHERE id = 1;
SET govcase.actor = 'wang';
UPDATE dispute SET state = 'assessed' WHERE id = 1;
SET govcase.actor = 'inspector';
UPDATE dispute SET state = 'assessed' WHERE id = 1;
-- Closing wants a look-back in which the parties are satisfied, and no open work.
UPDATE dispute SET state = 'closed' WHERE id = 1;
INSERT INTO follow_up (id, kind, actor, satisfied) VALUES (1, 'look_back', 'wang', false);
UPDATE dispute SET state = 'closed', reason = 'they quarrel still' WHERE id = 1;
INSERT INTO follow_up (id, kind, actor) VALUES (1, 'approval', 'wang');
UPDATE dispute SET state = 'closed', reason = 'they quarrel, but talk' WHERE id = 1;
INSERT INTO follow_up (id, kind, actor) VALUES (1, 'approval', 'zhao');
UPDATE dispute SET open_work = 1 WHERE id = 1;
UPDATE dispute SET state = 'closed', reason = 'they quarrel, but they talk' WHERE id = 1;
UPDATE dispute SET open_work = 0 WHERE id = 1;
UPDATE dispute SET state = 'closed', reason = 'as good as it gets' WHERE id = 1;
-- Recurrence.
UPDATE dispute SET state = 'handling', reason = 'the wall fell' WHERE id = 1;
UPDATE dispute SET state = 'handling', risk = 'yellow', reason = 'the wall fell on a car' WHERE id = 1;

-- Transfer, and back; void, and never back.
UPDATE dispute SET state = 'transferred', reason = 'to court' WHERE id = 2;
UPDATE dispute SET state = 'handling' WHERE id = 2;
UPDATE dispute SET state = 'handling', reason = 'court sends it back' WHERE id = 2;
UPDATE dispute SET state = 'voided', reason = 'the same as 1' WHERE id = 2;
UPDATE dispute SET state = 'collected', reason = 'is it?' WHERE id = 2;

SELECT id, seq, actor, from_state, from_risk, to_state, to_risk
FROM moves WHERE kind = 'transition' ORDER BY id, seq;

-- A statement of many rows is judged row by row, and one refusal undoes it all.
INSERT INTO dispute (id, risk, responsible) SELECT g, 'yellow', 'sun' FROM generate_series(10, 19) g;
UPDATE dispute SET state = 'assigned', responsible = nullif(responsible, CASE id WHEN 15 THEN 'sun' END)
WHERE id BETWEEN 10 AND 19;
SELECT state, count(*) FROM dispute WHERE id BETWEEN 10 AND 19 GROUP BY state;

-- What happened when: an officer enters yesterday's decision.
INSERT INTO dispute (id, risk, reported_at) VALUES (20, 'yellow', now() - interval '3 days');
BEGIN;
SET LOCAL govcase.happened_at = 'yesterday';
UPDATE dispute SET state = 'assigned', responsible = 'sun' WHERE id = 20;
COMMIT;
SELECT seq, happened_at = 'yesterday'::timestamptz AS yesterday, recorded_at > now() - interval '1 hour' AS recorded_now
FROM follow_up WHERE id = 20 ORDER BY seq;

-- The key, DELETE and TRUNCATE.
UPDATE dispute SET id = 100 WHERE id = 1;
DELETE FROM dispute WHERE id = 1;
TRUNCATE dispute CASCADE;
TRUNCATE follow_up;

-- The triggers are not to be called in other places.
CREATE TRIGGER wrong BEFORE UPDATE ON dispute FOR EACH ROW EXECUTE FUNCTION check_transition();
UPDATE dispute SET title = 'x' WHERE id = 1;
DROP TRIGGER wrong ON dispute;
CREATE TABLE other (id integer);
CREATE TRIGGER wrong AFTER UPDATE ON other FOR EACH ROW EXECUTE FUNCTION check_transition();
INSERT INTO other VALUES (1);
UPDATE other SET id = 2;
SELECT check_transition();

SELECT * FROM verify_chain('dispute');
SET client_min_messages = warning;
DROP SCHEMA transition_test CASCADE;
RESET govcase.actor;
