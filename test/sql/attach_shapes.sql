\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS govcase CASCADE;
RESET client_min_messages;
\set QUIET off
\set ECHO all
\set SHOW_CONTEXT never
CREATE SCHEMA attach_shapes;
SET search_path = attach_shapes, govcase, public;

-- What is no table, or no table of its own, is refused before anything is made.
CREATE TABLE good (id integer PRIMARY KEY, state case_state NOT NULL, reason text);
CREATE VIEW v AS SELECT * FROM good;
SELECT protect_cases('v', 'matter');
\echo :SQLSTATE
CREATE MATERIALIZED VIEW m AS SELECT * FROM good;
SELECT protect_cases('m', 'matter');
CREATE SEQUENCE s;
SELECT protect_cases('s', 'matter');
SELECT protect_cases('good_pkey', 'matter');
CREATE EXTENSION IF NOT EXISTS postgres_fdw WITH SCHEMA public;
CREATE SERVER elsewhere FOREIGN DATA WRAPPER postgres_fdw;
CREATE FOREIGN TABLE f (id integer NOT NULL, state case_state NOT NULL, reason text) SERVER elsewhere;
SELECT protect_cases('f', 'matter');
CREATE TEMPORARY TABLE passing (LIKE good INCLUDING ALL);
SELECT protect_cases('passing', 'matter');
\echo :SQLSTATE
CREATE UNLOGGED TABLE lossy (LIKE good INCLUDING ALL);
SELECT protect_cases('lossy', 'matter');
SELECT protect_cases('pg_class', 'matter');
SELECT protect_cases('policy_move', 'matter');
CREATE TABLE parent (LIKE good INCLUDING ALL);
CREATE TABLE child () INHERITS (parent);
SELECT protect_cases('parent', 'matter');
SELECT protect_cases('child', 'matter');
CREATE TABLE root (LIKE good INCLUDING ALL) PARTITION BY RANGE (id);
CREATE TABLE leaf PARTITION OF root FOR VALUES FROM (0) TO (100);
SELECT protect_cases('leaf', 'matter');
SELECT unprotect_cases('leaf');

-- The key is unique, never null, of a type that can be hashed, of at most four columns.
CREATE TABLE loose (id integer, a integer, b integer, c integer, d integer, e integer, n numeric,
	state case_state NOT NULL, reason text);
SELECT protect_cases('loose', 'matter');
\echo :SQLSTATE
SELECT protect_cases('loose', 'matter', columns => '{"key": "number"}');
\echo :SQLSTATE
SELECT protect_cases('loose', 'matter', columns => '{"key": "id"}');
\echo :SQLSTATE
ALTER TABLE loose ALTER id SET NOT NULL;
SELECT protect_cases('loose', 'matter', columns => '{"key": "id"}');
\echo :SQLSTATE
CREATE UNIQUE INDEX partly ON loose (id) WHERE a > 0;
CREATE UNIQUE INDEX computed ON loose ((id + 0));
CREATE UNIQUE INDEX wider ON loose (id, a);
ALTER TABLE loose ADD CONSTRAINT later UNIQUE (id) DEFERRABLE;
SELECT protect_cases('loose', 'matter', columns => '{"key": "id"}');
SELECT protect_cases('loose', 'matter', columns => '{"key": "n"}');
\echo :SQLSTATE
SELECT protect_cases('loose', 'matter', columns => '{"key": ["id", "a", "b", "c", "d"]}');
SELECT protect_cases('loose', 'matter', columns => '{"key": ["id", "id"]}');
SELECT protect_cases('loose', 'matter', columns => '{"key": ["id", 7]}');
SELECT protect_cases('loose', 'matter', columns => '{"key": []}');
SELECT protect_cases('loose', 'matter', columns => '{"key": "id", "state": ["state"]}');
SELECT protect_cases('loose', 'matter', columns => '{"key": "id", "state": null}');
SELECT protect_cases('loose', 'matter', columns => '["id"]');
CREATE COLLATION caseless (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
ALTER TABLE loose ADD name text COLLATE caseless NOT NULL UNIQUE;
SELECT protect_cases('loose', 'matter', columns => '{"key": "name"}');
CREATE UNIQUE INDEX whole ON loose (id) INCLUDE (a);
SELECT protect_cases('loose', 'matter', columns => '{"key": "id"}');
SELECT cases, columns FROM protections() WHERE cases = 'loose'::regclass;
SELECT unprotect_cases('loose');

-- Every role has a column, of the right kind; what is missing is named, and so is what there is.
CREATE TABLE report (id integer PRIMARY KEY, state case_state NOT NULL, risk risk_level NOT NULL,
	boss numeric, grave text, words text, at time, work text, who integer, seen boolean);
SELECT protect_cases('report', 'three_colour', without_links => true);
\echo :SQLSTATE
SELECT protect_cases('report', 'three_colour', without_links => true,
	columns => '{"responsible": "who", "leader": "who", "difficult": "seen", "reason": "words", "reported_at": "at"}');
SELECT protect_cases('report', 'three_colour', without_links => true, columns => '{"leader": "chief"}');
\echo :SQLSTATE
SELECT protect_cases('report', 'three_colour', without_links => true, columns => '{"leader": "boss"}');
\echo :SQLSTATE
SELECT protect_cases('report', 'three_colour', without_links => true,
	columns => '{"leader": "who", "difficult": "grave"}');
SELECT protect_cases('report', 'three_colour', without_links => true,
	columns => '{"leader": "who", "difficult": "seen", "open_work": "work"}');
SELECT protect_cases('report', 'three_colour', without_links => true,
	columns => '{"leader": "who", "difficult": "seen", "open_work": "who", "reason": "who"}');
SELECT protect_cases('report', 'three_colour', without_links => true,
	columns => '{"leader": "who", "difficult": "seen", "open_work": "who", "reason": "words", "reported_at": "at"}');
SELECT protect_cases('report', 'three_colour', without_links => true, columns => '{"lead": "who"}');
\echo :SQLSTATE
SELECT protect_cases('report', 'three_colour', without_links => true, columns => '{"state": "words"}');
\echo :SQLSTATE
SELECT protect_cases('report', 'three_colour', without_links => true, columns => '{"risk": "who"}');
SELECT protect_cases('report', 'three_colour', without_links => true, columns => '{"state": "ctid"}');
ALTER TABLE report ALTER state DROP NOT NULL, ADD reported_at date;
SELECT protect_cases('report', 'three_colour', without_links => true,
	columns => '{"responsible": "who", "leader": "who", "difficult": "seen", "open_work": "who", "reason": "words"}');
\echo :SQLSTATE
ALTER TABLE report ALTER state SET NOT NULL, ALTER risk DROP NOT NULL;
SELECT protect_cases('report', 'three_colour', without_links => true,
	columns => '{"responsible": "who", "leader": "who", "difficult": "seen", "open_work": "who", "reason": "words"}');

-- Domains, enums and generated columns bear roles as well as any; a dropped column leaves no trace.
CREATE DOMAIN account AS text CHECK (value <> '');
CREATE TYPE cause AS ENUM ('duplicate', 'wrong');
CREATE FUNCTION risk_of(text) RETURNS risk_level LANGUAGE sql IMMUTABLE AS $$ SELECT $1::govcase.risk_level $$;
CREATE TABLE rich (gone text, id integer PRIMARY KEY, responsible account, leader account, word cause,
	colour text NOT NULL, state case_state NOT NULL DEFAULT 'collected',
	risk risk_level NOT NULL GENERATED ALWAYS AS (risk_of(colour)) STORED,
	difficult boolean, reported_at date, open_work integer);
ALTER TABLE rich DROP gone;
SELECT create_follow_ups('rich', 'rich_links');
SELECT protect_cases('rich', 'three_colour', 'rich_links', columns => '{"reason": "word"}');
INSERT INTO rich (id, colour) VALUES (1, 'red');
UPDATE rich SET colour = 'yellow';
UPDATE rich SET state = 'assigned', responsible = 'a', leader = 'a';
UPDATE rich SET state = 'assigned', responsible = 'a', leader = 'b';
UPDATE rich SET leader = NULL;
UPDATE rich SET leader = 'c';
UPDATE rich SET state = 'collected', word = 'wrong';
SELECT seq, kind, to_state, to_risk FROM rich_links ORDER BY seq;

-- A follow-up table has every part of a link, of its type, and nothing that fills itself.
CREATE TABLE base (id integer PRIMARY KEY, state case_state NOT NULL, reason text);
SELECT create_follow_ups('base', 'shape');
CREATE PROCEDURE attempt(change text, mapping jsonb DEFAULT '{}') LANGUAGE plpgsql AS $$
DECLARE
	detail text;
	hint text;
BEGIN
	EXECUTE 'ALTER TABLE attach_shapes.shape ' || change;
	PERFORM govcase.protect_cases('attach_shapes.base', 'matter', 'attach_shapes.shape', link_columns => mapping);
	RAISE EXCEPTION 'it passed';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RAISE NOTICE '%', concat_ws(E'\n', SQLSTATE || ' ' || SQLERRM, nullif(detail, ''), nullif(hint, ''));
END
$$;
CALL attempt('DROP satisfied, DROP salt');
CALL attempt('RENAME note TO remark');
CALL attempt('RENAME note TO remark', '{"note": "remark"}');
CALL attempt('RENAME note TO remark', '{"note": "remarks"}');
CALL attempt('RENAME note TO remark', '{"notes": "remark"}');
CALL attempt('RENAME note TO remark', '{"note": "actor"}');
CALL attempt('ALTER seq TYPE integer');
CALL attempt('ALTER actor TYPE varchar(20)');
CALL attempt('ALTER recorded_at SET DEFAULT now()');
CALL attempt('ALTER happened_at SET DEFAULT now()');
CALL attempt('ALTER seq ADD GENERATED BY DEFAULT AS IDENTITY');
CALL attempt('ALTER policy SET NOT NULL');
CALL attempt('ADD place text NOT NULL');
CALL attempt('ADD place text NOT NULL DEFAULT ''here''');
CALL attempt('ALTER id TYPE text');
CALL attempt('ALTER id TYPE bigint');
CALL attempt('RENAME id TO case_id');
CALL attempt('DROP CONSTRAINT shape_pkey');
CALL attempt('DROP CONSTRAINT shape_pkey, ADD PRIMARY KEY (seq, id)');
CALL attempt('ADD k integer', '{"key": ["id", "k"]}');
CALL attempt('SET UNLOGGED');
SELECT protect_cases('base', 'matter', 'base');
CREATE VIEW shape_view AS SELECT * FROM shape;
SELECT protect_cases('base', 'matter', 'shape_view');

-- Rows that are no chain do not become one.
INSERT INTO shape (id, seq, happened_at, recorded_at, recorded_in, kind, actor, db_user, prev_hash, hash)
VALUES (1, 1, now(), now(), 1, 'visit', 'a', 'b', '', '');
SELECT protect_cases('base', 'matter', 'shape');
\echo :SQLSTATE

-- After all these refusals nothing of ours is left on any of the tables.
SELECT DISTINCT tgrelid::regclass FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = 'attach_shapes'::regnamespace AND NOT t.tgisinternal ORDER BY 1;

\set QUIET on
SET client_min_messages = warning;
DROP SCHEMA attach_shapes CASCADE;
DROP EXTENSION postgres_fdw CASCADE;
