\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS govcase CASCADE;
RESET client_min_messages;
\set QUIET off
\set ECHO all
\set SHOW_CONTEXT never
CREATE SCHEMA attach_tables;
SET search_path = attach_tables, govcase, public;

-- What a table goes through once it is protected.
CREATE TABLE dispute (
	old_number text,
	id bigint PRIMARY KEY,
	old_state text,
	state case_state NOT NULL DEFAULT 'collected',
	risk risk_level NOT NULL DEFAULT 'yellow',
	responsible text,
	leader text,
	difficult boolean,
	reason text,
	reported_at timestamptz,
	open_work integer,
	title text
);
ALTER TABLE dispute DROP old_number, DROP old_state;
SELECT create_follow_ups('dispute', 'link');
ALTER TABLE link ADD old_note text;
ALTER TABLE link DROP old_note, ADD place text DEFAULT 'office';
SELECT protect_cases('dispute', 'three_colour', 'link');
INSERT INTO dispute (id) VALUES (1), (2), (3);
UPDATE dispute SET state = 'assigned', responsible = 'li' WHERE id = 1;

-- Renamed columns, tables and schemas are met under their new names.
ALTER TABLE dispute RENAME state TO "Stand";
ALTER TABLE dispute RENAME responsible TO who;
ALTER TABLE link RENAME note TO remark;
ALTER TABLE link RENAME TO "跟进";
ALTER TABLE dispute RENAME TO conflict;
ALTER TABLE conflict RENAME id TO number;
UPDATE conflict SET "Stand" = 'assigned' WHERE number = 2;
UPDATE conflict SET "Stand" = 'assigned', who = 'li' WHERE number = 2;
INSERT INTO "跟进" (id, kind, remark) VALUES (2, 'visit', 'nobody at home');
SELECT id, seq, kind, to_state, remark, place FROM "跟进" ORDER BY id, seq;
CREATE SCHEMA attach_tables_moved;
ALTER TABLE conflict SET SCHEMA attach_tables_moved;
UPDATE attach_tables_moved.conflict SET "Stand" = 'closed' WHERE number = 2;
ALTER TABLE attach_tables_moved.conflict SET SCHEMA attach_tables;
SELECT move, risk FROM next_moves('conflict', 2) WHERE ready ORDER BY move;
SELECT problem, triggers_missing, columns -> 'responsible' AS responsible, link_columns -> 'note' AS note
FROM protections() WHERE cases = 'conflict'::regclass;
ALTER TABLE conflict RENAME TO dispute;
ALTER TABLE "跟进" RENAME TO link;
ALTER TABLE dispute RENAME "Stand" TO state;
ALTER TABLE dispute RENAME who TO responsible;
ALTER TABLE dispute RENAME number TO id;

-- Two tables that swap names each keep their own protection, and their own chains.
CREATE TABLE other (LIKE dispute INCLUDING ALL);
SELECT create_follow_ups('other', 'other_link');
SELECT protect_cases('other', 'three_colour', 'other_link');
INSERT INTO other (id, risk) VALUES (1, 'red');
PREPARE close_one(bigint) AS UPDATE dispute SET state = 'handling' WHERE id = $1;
EXECUTE close_one(1);
BEGIN;
ALTER TABLE dispute RENAME TO passing;
ALTER TABLE other RENAME TO dispute;
ALTER TABLE passing RENAME TO other;
ALTER TABLE link RENAME TO passing_link;
ALTER TABLE other_link RENAME TO link;
ALTER TABLE passing_link RENAME TO other_link;
COMMIT;
EXECUTE close_one(1);
UPDATE dispute SET state = 'assigned', responsible = 'a', leader = 'b' WHERE id = 1;
EXECUTE close_one(1);
SELECT id, seq, to_state, to_risk FROM link ORDER BY id, seq;
SELECT id, seq, to_state, to_risk FROM other_link WHERE id = 1 ORDER BY seq;
DEALLOCATE close_one;
BEGIN;
ALTER TABLE dispute RENAME TO passing;
ALTER TABLE other RENAME TO dispute;
ALTER TABLE passing RENAME TO other;
ALTER TABLE link RENAME TO passing_link;
ALTER TABLE other_link RENAME TO link;
ALTER TABLE passing_link RENAME TO other_link;
COMMIT;

-- A column under protection cannot be dropped or change its type by the way; others can.
\set VERBOSITY sqlstate
ALTER TABLE dispute DROP leader;
ALTER TABLE dispute ALTER leader TYPE varchar(40);
ALTER TABLE link DROP satisfied;
\set VERBOSITY default
ALTER TABLE dispute DROP title, ADD subject text, ADD place integer DEFAULT 7;
ALTER TABLE link ADD weather text;
UPDATE dispute SET subject = 'a wall', state = 'assigned', responsible = 'li' WHERE id = 3;
-- CASCADE would take the triggers with it, and nobody would notice.
\set QUIET on
SET client_min_messages = warning;
\set QUIET off
ALTER TABLE dispute DROP leader CASCADE;
\echo :SQLSTATE
ALTER TABLE dispute DROP reason CASCADE;
ALTER TABLE link DROP satisfied CASCADE;
CREATE VIEW subjects AS SELECT id, subject FROM dispute;
ALTER TABLE dispute DROP subject CASCADE;
ALTER TABLE dispute ADD subject text;
\set QUIET on
RESET client_min_messages;
\set QUIET off
SELECT triggers_missing, problem FROM protections() WHERE cases = 'dispute'::regclass;

-- A BEFORE trigger of the user's that changes the state is judged by what it makes of the row …
CREATE FUNCTION straight_on() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.subject = 'straight on' THEN
		NEW.state := 'closed';
	ELSIF NEW.subject = 'not at all' THEN
		NEW.state := OLD.state;
	END IF;
	RETURN NEW;
END
$$;
CREATE TRIGGER zzz BEFORE UPDATE ON dispute FOR EACH ROW EXECUTE FUNCTION straight_on();
UPDATE dispute SET subject = 'straight on' WHERE id = 3;
\echo :SQLSTATE
UPDATE dispute SET subject = 'not at all', state = 'closed' WHERE id = 3;
SELECT state, subject FROM dispute WHERE id = 3;
DROP TRIGGER zzz ON dispute;
-- … and an AFTER trigger that updates the row first leaves a row that its chain does not meet.
CREATE FUNCTION once_more() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.state = 'handling' THEN
		UPDATE attach_tables.dispute SET state = 'supervised' WHERE id = NEW.id;
	END IF;
	RETURN NULL;
END
$$;
CREATE TRIGGER aaa AFTER UPDATE ON dispute FOR EACH ROW EXECUTE FUNCTION once_more();
UPDATE dispute SET state = 'handling' WHERE id = 3;
\echo :SQLSTATE
-- One that comes after ours makes two transitions of it.
ALTER TRIGGER aaa ON dispute RENAME TO zzz;
UPDATE dispute SET state = 'handling' WHERE id = 3;
SELECT seq, kind, from_state, to_state FROM link WHERE id = 3 ORDER BY seq;
DROP TRIGGER zzz ON dispute;
-- A BEFORE trigger on links that would run after ours is refused; before ours it may.
CREATE FUNCTION tidy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note := trim(NEW.note); RETURN NEW; END $$;
ALTER TABLE link RENAME remark TO note;
CREATE TRIGGER zzzz BEFORE INSERT ON link FOR EACH ROW EXECUTE FUNCTION tidy();
INSERT INTO link (id, kind, note) VALUES (3, 'visit', '  short  ');
ALTER TRIGGER zzzz ON link RENAME TO tidy;
INSERT INTO link (id, kind, note) VALUES (3, 'visit', '  short  ');
SELECT seq, '"' || note || '"' AS note FROM link WHERE note LIKE '%short%';

-- Through views, by COPY, with ON CONFLICT, FROM another table, RETURNING.
CREATE VIEW open_dispute AS SELECT id, state AS stand, responsible, reason FROM dispute WHERE is_open(state);
UPDATE open_dispute SET stand = 'closed' WHERE id = 3;
UPDATE open_dispute SET stand = 'transferred', reason = 'to the court' WHERE id = 3;
SELECT seq, to_state FROM link WHERE id = 3 ORDER BY seq DESC LIMIT 1;
COPY dispute (id, state, risk) FROM stdin;
10	collected	red
11	信息汇集	黄
\.
COPY dispute (id, state, risk) FROM stdin;
12	collected	red
13	handling	red
\.
SELECT id, seq, kind, to_risk FROM link WHERE id >= 10 ORDER BY id, seq;
INSERT INTO dispute (id, risk) VALUES (10, 'yellow'), (14, 'yellow')
ON CONFLICT (id) DO UPDATE SET risk = EXCLUDED.risk;
INSERT INTO dispute (id, risk, responsible) VALUES (11, 'yellow', 'wang'), (14, 'yellow', 'wang')
ON CONFLICT (id) DO UPDATE SET state = 'assigned', responsible = EXCLUDED.responsible RETURNING id, state;
INSERT INTO dispute (id, risk) VALUES (11, 'blue') ON CONFLICT DO NOTHING;
INSERT INTO dispute (id, risk) VALUES (11, 'blue') ON CONFLICT (id) DO UPDATE SET risk = 'red', reason = 'knives', leader = 'chief';
SELECT id, seq, kind, from_state, to_state, to_risk FROM link WHERE id IN (11, 14) ORDER BY id, seq;
UPDATE dispute d SET state = 'handling', responsible = v.who FROM (VALUES (11, 'wang'), (14, 'zhao')) AS v(id, who) WHERE d.id = v.id;

-- A data-modifying WITH that creates a case and its first links in one statement.
WITH made AS (
	INSERT INTO dispute (id, risk) VALUES (20, 'red'), (21, 'yellow') RETURNING id
)
INSERT INTO link (id, kind, note) SELECT id, 'visit', 'found on the round' FROM made;
SELECT id, seq, kind, to_risk, note FROM link WHERE id IN (20, 21) ORDER BY id, seq;
WITH made AS (
	INSERT INTO dispute (id, risk) VALUES (22, 'blue') RETURNING id
)
INSERT INTO link (id, kind) SELECT id, 'visit' FROM made;
\echo :SQLSTATE
WITH moved AS (
	UPDATE dispute SET state = 'assigned', responsible = 'a', leader = 'b' WHERE id = 20 RETURNING id
)
INSERT INTO link (id, kind) SELECT id, 'conference' FROM moved;
UPDATE dispute SET state = 'handling' WHERE id = 20;
SELECT id, seq, kind, from_state, to_state FROM link WHERE id = 20 ORDER BY seq;
INSERT INTO link (id, kind) VALUES (99, 'visit');
\echo :SQLSTATE

-- Keys stay, and so do cases.
UPDATE dispute SET id = 30 WHERE id = 20;
\echo :SQLSTATE
UPDATE dispute SET id = 20 WHERE id = 20;
DELETE FROM dispute WHERE id = 20;
\echo :SQLSTATE
TRUNCATE dispute;
\echo :SQLSTATE
TRUNCATE dispute, link;
DELETE FROM link WHERE id = 20;
TRUNCATE link;
UPDATE link SET kind = 'visit' WHERE id = 20;
UPDATE link SET place = 'outdoors' WHERE id = 20;

-- Foreign keys with cascades come down to the same.
CREATE TABLE village (code text PRIMARY KEY, head text);
INSERT INTO village VALUES ('v1', 'old chief'), ('v2', 'li');
ALTER TABLE dispute ADD village text REFERENCES village ON UPDATE CASCADE ON DELETE CASCADE;
UPDATE dispute SET village = 'v1' WHERE id = 20;
UPDATE village SET code = 'v9' WHERE code = 'v1';
SELECT village FROM dispute WHERE id = 20;
DELETE FROM village WHERE code = 'v9';
\echo :SQLSTATE
CREATE TABLE person (name text PRIMARY KEY);
INSERT INTO person VALUES ('a'), ('b');
CREATE TABLE served (id bigint PRIMARY KEY, state case_state NOT NULL DEFAULT 'collected', risk risk_level NOT NULL,
	responsible text REFERENCES person ON DELETE SET NULL ON UPDATE CASCADE,
	leader text, difficult boolean, reason text, reported_at date, open_work integer);
SELECT create_follow_ups('served', 'served_link');
ALTER TABLE served_link ADD FOREIGN KEY (id) REFERENCES served ON DELETE CASCADE;
SELECT protect_cases('served', 'three_colour', 'served_link');
INSERT INTO served VALUES (1, 'collected', 'yellow', 'a');
UPDATE served SET state = 'assigned';
UPDATE person SET name = 'aa' WHERE name = 'a';
DELETE FROM person WHERE name = 'aa';
\echo :SQLSTATE
DELETE FROM served;
\echo :SQLSTATE
SELECT id, state, responsible FROM served;

-- After all of it, every chain verifies.
SELECT count(*) AS broken FROM verify_chain('dispute');
SELECT count(*) AS broken FROM verify_chain('served');

\set QUIET on
SET client_min_messages = warning;
DROP SCHEMA attach_tables, attach_tables_moved CASCADE;
