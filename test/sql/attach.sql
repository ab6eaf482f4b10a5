\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS govcase CASCADE;
RESET client_min_messages;
\set QUIET off
\set ECHO all
\set SHOW_CONTEXT never
CREATE SCHEMA attach;
SET search_path = attach, govcase, public;

-- A table that bears our names needs no mapping: its primary key is the key.
CREATE TABLE dispute (
	id bigint PRIMARY KEY,
	state case_state NOT NULL DEFAULT 'collected',
	risk risk_level NOT NULL,
	responsible text,
	leader text,
	difficult boolean NOT NULL DEFAULT false,
	reason text,
	reported_at timestamptz,
	open_work integer NOT NULL DEFAULT 0,
	title text
);
SELECT create_follow_ups('dispute', 'dispute_follow_up');
SELECT protect_cases('dispute', 'three_colour', 'dispute_follow_up');
CREATE VIEW mine AS
	SELECT cases, follow_ups, policy, version, columns - 'key' AS columns, columns -> 'key' AS key,
		without_links, actor_function, triggers_missing, triggers_disabled, problem
	FROM protections() p JOIN pg_class c ON c.oid = coalesce(p.cases, p.follow_ups)
	WHERE c.relnamespace = 'attach'::regnamespace;
\x on
SELECT * FROM mine;
\x off

SELECT count(*) AS indexes FROM pg_index WHERE indrelid = 'dispute'::regclass;

-- All that the protection knows stands in triggers.
SELECT tgrelid::regclass AS on_table, tgname AS trigger, tgenabled AS enabled
FROM pg_trigger
WHERE tgrelid IN ('dispute'::regclass, 'dispute_follow_up'::regclass)
ORDER BY tgrelid::regclass::text, tgname COLLATE "C";
SELECT regexp_replace(pg_get_triggerdef(oid), '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', 'chain set')
FROM pg_trigger
WHERE tgrelid IN ('dispute'::regclass, 'dispute_follow_up'::regclass) AND tgname LIKE '%columns';

-- The rules hold from here on.
INSERT INTO dispute (id, risk, title) VALUES (1, 'yellow', 'a wall between two yards');
INSERT INTO dispute (id, risk) VALUES (2, 'blue');
\echo :SQLSTATE
UPDATE dispute SET state = 'closed' WHERE id = 1;
\echo :SQLSTATE
UPDATE dispute SET state = 'assigned', responsible = 'li' WHERE id = 1;
UPDATE dispute SET title = 'a wall' WHERE id = 1;
SELECT id, seq, kind, from_state, to_state, to_risk, policy, version, chain_set IS NOT NULL AS registers
FROM dispute_follow_up ORDER BY id, seq;

-- Protected twice: the same is skipped, anything else is an error that names both.
SELECT protect_cases('dispute', 'three_colour', 'dispute_follow_up');
SELECT protect_cases('dispute', 'three_colour', 'dispute_follow_up', columns => '{"leader": "leader", "key": ["id"]}');
SELECT protect_cases('dispute', 'matter', 'dispute_follow_up');
\echo :SQLSTATE
SELECT protect_cases('dispute', 'three_colour', 'dispute_follow_up', columns => '{"leader": "title"}');
SELECT protect_cases('dispute', 'three_colour', without_links => true);
CREATE FUNCTION signed_in() RETURNS text LANGUAGE sql STABLE AS $$ SELECT current_setting('application_name') $$;
SELECT protect_cases('dispute', 'three_colour', 'dispute_follow_up', actor_function => 'signed_in()');
CREATE TABLE another (LIKE dispute INCLUDING ALL);
SELECT protect_cases('another', 'three_colour', 'dispute_follow_up');
\echo :SQLSTATE
SELECT protect_cases('another', 'three_colour', 'dispute');
SELECT protect_cases('dispute_follow_up', 'three_colour', columns => '{"state": "to_state", "risk": "to_risk", "leader": "actor", "responsible": "actor", "difficult": "satisfied", "reason": "note", "reported_at": "happened_at", "open_work": "seq"}', without_links => true);
SELECT create_follow_ups('another', 'another_follow_up');
SELECT protect_cases('dispute', 'three_colour', 'another_follow_up');

-- Other names, several roles on one column, keys of several columns, Chinese and quoted names.
CREATE SCHEMA "城 市";
CREATE TABLE "城 市"."矛盾 ""纠纷""" (
	"县" text,
	"编号" integer,
	"阶段" case_state NOT NULL,
	"风险" risk_level NOT NULL,
	"责任人" varchar(40),
	"Leader's name" uuid,
	"疑难" boolean,
	"说明" text,
	"报告日" date,
	"未结" smallint,
	UNIQUE ("县", "编号")
);
ALTER TABLE "城 市"."矛盾 ""纠纷""" ALTER "县" SET NOT NULL, ALTER "编号" SET NOT NULL;
SELECT create_follow_ups('"城 市"."矛盾 ""纠纷"""', '跟进', ARRAY['县', '编号']);
SELECT protect_cases('"城 市"."矛盾 ""纠纷"""', 'three_colour', '"城 市"."跟进"',
	columns => '{"key": ["县", "编号"], "state": "阶段", "risk": "风险", "responsible": "责任人", "leader": "Leader''s name", "difficult": "疑难", "reason": "说明", "reported_at": "报告日", "open_work": "未结"}');
SELECT columns FROM protections() WHERE cases = '"城 市"."矛盾 ""纠纷"""'::regclass;
INSERT INTO "城 市"."矛盾 ""纠纷""" VALUES ('川汇', 7, 'collected', 'red');
UPDATE "城 市"."矛盾 ""纠纷""" SET "阶段" = 'assigned', "责任人" = '王';
UPDATE "城 市"."矛盾 ""纠纷""" SET "阶段" = 'assigned', "责任人" = '王', "Leader's name" = '00000000-0000-0000-0000-000000000001';
SELECT "县", "编号", seq, kind, to_state FROM "城 市"."跟进" ORDER BY seq;

-- One column may bear two roles; a one-colour policy asks for no risk column.
CREATE TABLE matter (number uuid PRIMARY KEY, state case_state NOT NULL, note text, colour risk_level);
SELECT protect_cases('matter', 'matter', columns => '{"reason": "note"}');
SELECT columns, key, without_links FROM mine WHERE cases = 'matter'::regclass;
INSERT INTO matter VALUES ('00000000-0000-0000-0000-000000000001', 'collected');
UPDATE matter SET state = 'closed';
UPDATE matter SET state = 'voided';
UPDATE matter SET state = 'voided', note = 'entered twice';
DELETE FROM matter;
CREATE TABLE second_hand (id integer PRIMARY KEY, state case_state NOT NULL, risk risk_level NOT NULL,
	person text, difficult boolean, remark text, reported_at timestamp, open_work bigint);
SELECT create_follow_ups('second_hand', 'second_hand_links');
SELECT protect_cases('second_hand', 'three_colour', 'second_hand_links',
	columns => '{"responsible": "person", "leader": "person", "reason": "remark"}');
SELECT count(*) AS roles, count(DISTINCT a.name) AS columns
FROM protections() p, jsonb_each_text(p.columns - 'key') AS a(role, name)
WHERE p.cases = 'second_hand'::regclass;

-- A policy whose moves need links wants a chain, unless the owner does without.
SELECT protect_cases('another', 'three_colour');
\echo :SQLSTATE
SELECT protect_cases('another', 'three_colour', 'another_follow_up', without_links => true);
SELECT protect_cases('another', 'three_colour', link_columns => '{"note": "title"}', without_links => true);
SELECT protect_cases('another', 'three_colour', without_links => true);
SELECT without_links, follow_ups FROM mine WHERE cases = 'another'::regclass;
INSERT INTO another (id, risk) VALUES (1, 'yellow');
UPDATE another SET state = 'closed';
UPDATE another SET state = 'assigned', responsible = 'li';
DELETE FROM another;

-- Somebody else than the database user acts: a function says who.
SELECT unprotect_cases('another');
SELECT protect_cases('another', 'three_colour', 'another_follow_up', actor_function => 'lower(text)');
SELECT protect_cases('another', 'three_colour', 'another_follow_up', actor_function => 'pg_backend_pid()');
SELECT unprotect_cases('another');
SELECT protect_cases('another', 'three_colour', 'another_follow_up', actor_function => 'signed_in()');
SELECT actor_function FROM mine WHERE cases = 'another'::regclass;
SET application_name = 'account 17';
SET govcase.actor = 'somebody else';
INSERT INTO another (id, risk) VALUES (2, 'red');
RESET govcase.actor;
SELECT actor FROM another_follow_up;

-- Taken off, columns and rows stay, and nothing is enforced.
SELECT unprotect_cases('dispute_follow_up');
\echo :SQLSTATE
SELECT unprotect_cases('dispute');
SELECT unprotect_cases('dispute');
SELECT count(*) AS triggers FROM pg_trigger
WHERE tgrelid IN ('dispute'::regclass, 'dispute_follow_up'::regclass);
SELECT count(*) AS indexes FROM pg_index WHERE indrelid = 'dispute'::regclass;
UPDATE dispute SET state = 'closed' WHERE id = 1;
SELECT id, state FROM dispute;

-- Nothing is null, and what there is not cannot be protected.
SELECT protect_cases(NULL, 'matter');
\echo :SQLSTATE
SELECT protect_cases('dispute', NULL);
\set VERBOSITY terse
SELECT protect_cases('dispute', 'two_colour');
\set VERBOSITY default
\echo :SQLSTATE
SELECT copy_policy('matter', 'attach_draft');
SELECT protect_cases('dispute', 'attach_draft');
DELETE FROM policy_need WHERE policy = 'attach_draft';
DELETE FROM policy WHERE policy = 'attach_draft';
SELECT unprotect_cases(NULL);
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT protect_cases('dispute', 'matter');
ROLLBACK;
\echo :SQLSTATE

\set QUIET on
SET client_min_messages = warning;
DROP SCHEMA attach CASCADE;
DROP SCHEMA "城 市" CASCADE;
