\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS govcase CASCADE;
RESET client_min_messages;
\set QUIET off
\set ECHO all
-- What a case may do next, so that an application can grey out its buttons.
CREATE SCHEMA next_moves_test;
SET search_path = next_moves_test, govcase, public;
SET govcase.actor = 'centre';
CREATE TABLE dispute (
	id integer PRIMARY KEY,
	stage case_state NOT NULL DEFAULT 'collected',
	colour risk_level NOT NULL,
	officer text,
	leader text,
	difficult boolean NOT NULL DEFAULT false,
	why text,
	reported_at timestamptz NOT NULL DEFAULT now(),
	open_work integer NOT NULL DEFAULT 0
);
SELECT create_follow_ups('dispute', 'follow_up');
SELECT protect_cases('dispute', 'three_colour', follow_ups => 'follow_up',
	columns => '{"state": "stage", "risk": "colour", "responsible": "officer", "reason": "why"}');
INSERT INTO dispute (id, colour) VALUES (1, 'red');

-- The words name this table's columns.
SELECT state, risk, move, ready, array_to_string(needs, ' AND ') AS needs
FROM next_moves('dispute', 1);
-- The person and the leader are set: now it may be assigned.
UPDATE dispute SET officer = 'wang', leader = 'li' WHERE id = 1;
SELECT state, risk, move, ready, array_to_string(needs, ' AND ') AS needs
FROM next_moves('dispute', 1) WHERE ready;
UPDATE dispute SET stage = 'assigned' WHERE id = 1;
UPDATE dispute SET stage = 'handling' WHERE id = 1;
SELECT state, risk, move, ready, array_to_string(needs, ' AND ') AS needs
FROM next_moves('dispute', '1');
INSERT INTO follow_up (id, kind) VALUES (1, 'mediation');
SELECT state, risk, move, ready FROM next_moves('dispute', 1) WHERE ready;
-- It depends on who asks.
SET govcase.actor = 'wang';
SELECT state, risk, move, ready, array_to_string(needs, ' AND ') AS needs
FROM next_moves('dispute', 1) WHERE risk = 'yellow';
SET govcase.actor = 'centre';
UPDATE dispute SET colour = 'yellow' WHERE id = 1;
UPDATE dispute SET stage = 'fed_back' WHERE id = 1;
INSERT INTO follow_up (id, kind) VALUES (1, 'feedback');
UPDATE dispute SET colour = 'blue' WHERE id = 1;
UPDATE dispute SET stage = 'assessed' WHERE id = 1;
-- Two ways to close: satisfied, or approved.
SELECT state, risk, move, ready, array_to_string(needs, ' AND ') AS needs
FROM next_moves('dispute', 1);
-- What is ready is what an UPDATE may do, and nothing else: try every pair.
CREATE FUNCTION tried(wanted_state case_state, wanted_risk risk_level) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
	UPDATE dispute SET stage = wanted_state, colour = wanted_risk WHERE id = 1;
	RAISE EXCEPTION 'undo' USING ERRCODE = 'P0009';
EXCEPTION
	WHEN SQLSTATE 'P0009' THEN RETURN true;
	WHEN SQLSTATE 'VC001' OR SQLSTATE 'VC002' OR SQLSTATE 'VC006' THEN RETURN false;
END
$$;
INSERT INTO follow_up (id, kind, satisfied) VALUES (1, 'look_back', true);
SELECT s.value AS state, r.value AS risk
FROM case_states() s, risk_levels() r
WHERE tried(s.value, r.value) AND NOT (s.value = 'assessed' AND r.value = 'blue');
SELECT state, risk FROM next_moves('dispute', 1) WHERE ready;

-- Nothing leads on from voided.
INSERT INTO dispute (id, colour) VALUES (2, 'yellow');
UPDATE dispute SET stage = 'voided', why = 'twice' WHERE id = 2;
SELECT count(*) FROM next_moves('dispute', 2);

-- Bad arguments.
SELECT * FROM next_moves('dispute', 77);
SELECT * FROM next_moves('dispute', 'x');
SELECT * FROM next_moves('dispute', NULL::integer);
SELECT * FROM next_moves(NULL, 1);
SELECT * FROM next_moves('dispute', ARRAY[1, 2]);
SELECT * FROM next_moves('pg_class', 1);
-- One value, or a row or array of one.
SELECT count(*) FROM next_moves('dispute', ROW(1));
SELECT count(*) FROM next_moves('dispute', ARRAY['1']);

-- Whoever cannot see the case learns nothing about it.
CREATE ROLE next_moves_stranger;
GRANT USAGE ON SCHEMA next_moves_test TO next_moves_stranger;
SET ROLE next_moves_stranger;
SELECT * FROM next_moves('dispute', 1);
RESET ROLE;
GRANT SELECT ON dispute TO next_moves_stranger;
ALTER TABLE dispute ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON dispute USING (officer = current_user);
SET ROLE next_moves_stranger;
SELECT * FROM next_moves('dispute', 1);
RESET ROLE;

SET client_min_messages = warning;
DROP SCHEMA next_moves_test CASCADE;
DROP ROLE next_moves_stranger;
RESET govcase.actor;
