\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS govcase CASCADE;
RESET client_min_messages;
\set QUIET off
\set ECHO all
\set SHOW_CONTEXT never
CREATE SCHEMA attach_columns;
SET search_path = attach_columns, govcase, public;

-- Status columns of every sort become ours in one rewrite, defaults included.
CREATE TYPE stage AS ENUM ('neu', 'in Arbeit', 'fertig');
CREATE TABLE ticket (
	id integer PRIMARY KEY,
	status text NOT NULL DEFAULT 'Open',
	stage stage DEFAULT 'neu',
	code smallint DEFAULT 1,
	colour varchar(10) DEFAULT 'gelb'::varchar,
	padded char(8) DEFAULT 'x',
	reason text
);
CREATE INDEX ticket_status ON ticket (status);
INSERT INTO ticket (id) VALUES (1);
INSERT INTO ticket VALUES (2, 'Closed', 'fertig', 9, 'rot', 'y', NULL), (3, 'It''s "odd"', NULL, NULL, NULL, NULL, NULL),
	(4, 'Closed', 'in Arbeit', 2, '红', 'x', NULL);

-- Labels that the mapping lacks are listed with how many rows have them, and nothing happens.
SELECT map_column('ticket', 'status', 'case_state', '{"Closed": "closed"}');
\echo :SQLSTATE
SELECT map_column('ticket', 'colour', 'risk_level', '{"rot": "red"}');
DELETE FROM ticket WHERE id = 1;
SELECT map_column('ticket', 'status', 'case_state', '{"Closed": "closed", "It''s \"odd\"": "voided"}');
SELECT map_column('ticket', 'status', 'case_state', '{"Closed": "done", "Open": "handling", "It''s \"odd\"": "voided"}');
\echo :SQLSTATE
SELECT map_column('ticket', 'status', 'case_state', '{"Closed": null, "Open": "handling"}');
SELECT map_column('ticket', 'status', 'case_state', '["Closed"]');
SELECT map_column('ticket', 'status', 'case_state', NULL);
SELECT map_column('ticket', 'status', 'text', '{"Closed": "closed"}');
\echo :SQLSTATE
SELECT map_column('ticket', 'state', 'case_state', '{"Closed": "closed"}');
\echo :SQLSTATE
SELECT map_column('ticket', 'status', 'case_state',
	'{"Closed": "closed", "Open": "办结", "It''s \"odd\"": "voided", "never used": "transferred"}');
SELECT map_column('ticket', 'status', 'case_state', '{}');
SELECT map_column('ticket', 'stage', 'case_state', '{"neu": "collected", "in Arbeit": "handling", "fertig": "assessed"}');
SELECT map_column('ticket', 'code', 'case_state', '{"1": "collected", "2": "assigned", "9": "closed"}');
SELECT map_column('ticket', 'colour', 'risk_level', '{"gelb": "yellow", "rot": "red", "红": "red"}');
SELECT map_column('ticket', 'padded', 'risk_level', '{"x": "blue", "y": "orange"}');
INSERT INTO ticket (id) VALUES (5);
SELECT * FROM ticket ORDER BY id;
SELECT attname, format_type(atttypid, atttypmod) AS type, pg_get_expr(adbin, adrelid) AS default_value, attnotnull
FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
WHERE attrelid = 'ticket'::regclass AND attnum > 0 ORDER BY attnum;
SET enable_seqscan = off;
SELECT id FROM ticket WHERE status = 'voided';
RESET enable_seqscan;

-- Upper and lower case are different labels, even where the column's collation sees none.
CREATE COLLATION caseless (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE spelling (id integer, status text COLLATE caseless);
INSERT INTO spelling VALUES (1, 'open'), (2, 'OPEN');
SELECT map_column('spelling', 'status', 'case_state', '{"open": "handling"}');
SELECT map_column('spelling', 'status', 'case_state', '{"open": "handling", "OPEN": "assigned"}');
SELECT * FROM spelling ORDER BY id;
-- Nothing but nulls, no row at all, more labels than an error should list.
CREATE TABLE blank (a text, b text, c text);
INSERT INTO blank VALUES (NULL, NULL, NULL);
SELECT map_column('blank', 'a', 'risk_level', '{}');
TRUNCATE blank;
SELECT map_column('blank', 'b', 'risk_level', '{"x": "red"}');
INSERT INTO blank (c) SELECT 'label ' || n FROM generate_series(1, 25) n, generate_series(1, 1 + (n = 13)::int);
SELECT map_column('blank', 'c', 'risk_level', '{}');

-- Partitions and children have defaults of their own.
CREATE TABLE tree (id integer, status text DEFAULT 'a') PARTITION BY LIST (id);
CREATE TABLE tree_1 PARTITION OF tree FOR VALUES IN (1);
ALTER TABLE tree_1 ALTER status SET DEFAULT 'b';
CREATE TABLE tree_2 PARTITION OF tree (status DEFAULT 'c') FOR VALUES IN (2);
INSERT INTO tree (id) VALUES (1), (2);
SELECT map_column('tree_1', 'status', 'case_state', '{"a": "assigned"}');
SELECT map_column('tree', 'status', 'case_state', '{"a": "assigned"}');
SELECT map_column('tree', 'status', 'case_state', '{"a": "assigned", "b": "handling", "c": "closed"}');
INSERT INTO tree_1 (id) VALUES (1);
INSERT INTO tree_2 (id) VALUES (2);
SELECT tableoid::regclass, status FROM tree ORDER BY 1, 2;

-- What names the column in an expression has to go first; the error says what.
CREATE TABLE busy (id integer PRIMARY KEY, status text CHECK (status IN ('a', 'b')), computed text DEFAULT lower('A'),
	upper_status text GENERATED ALWAYS AS (upper(status)) STORED);
CREATE VIEW busy_view AS SELECT status FROM busy;
CREATE INDEX busy_partial ON busy (id) WHERE status = 'a';
CREATE INDEX busy_expression ON busy (lower(status));
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER busy_trigger AFTER UPDATE OF status ON busy FOR EACH ROW EXECUTE FUNCTION nothing();
SELECT map_column('busy', 'status', 'case_state', '{"a": "assigned"}');
\echo :SQLSTATE
SELECT map_column('busy', 'computed', 'case_state', '{"a": "assigned"}');
\echo :SQLSTATE
SELECT map_column('busy', 'upper_status', 'case_state', '{"A": "assigned"}');
SELECT map_column('busy_view', 'status', 'case_state', '{"a": "assigned"}');

CREATE DOMAIN colour AS risk_level CHECK (value <> 'orange');
-- Released, a table keeps everything as text when the extension goes.
CREATE TABLE dispute (id integer PRIMARY KEY, state case_state NOT NULL DEFAULT 'collected', risk risk_level NOT NULL DEFAULT 'yellow',
	responsible text, leader text, difficult boolean, reason text, reported_at date, open_work integer,
	earlier case_state[] DEFAULT '{assigned}', colours risk_level[], usual colour DEFAULT 'blue');
CREATE INDEX dispute_state ON dispute (state, risk);
SELECT create_follow_ups('dispute', 'link');
SELECT protect_cases('dispute', 'three_colour', 'link');
INSERT INTO dispute (id, colours) VALUES (1, '{red,yellow}');
UPDATE dispute SET state = 'assigned', responsible = 'li';
SELECT map_column('dispute', 'state', 'risk_level', '{}');
\echo :SQLSTATE
ALTER TABLE dispute ADD CONSTRAINT not_voided CHECK (state <> 'voided');
SELECT release('dispute');
\echo :SQLSTATE
SELECT problem IS NULL AS still_protected FROM protections() WHERE cases = 'dispute'::regclass;
ALTER TABLE dispute DROP CONSTRAINT not_voided;
SELECT release('dispute');
SELECT count(*) AS columns_of_ours FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relname IN ('dispute', 'link') AND c.relnamespace = 'attach_columns'::regnamespace AND c.relkind = 'r'
	AND a.atttypid IN ('case_state'::regtype, 'risk_level'::regtype, 'case_state[]'::regtype,
		'risk_level[]'::regtype, 'colour'::regtype);
SELECT attname, format_type(atttypid, atttypmod) AS type, pg_get_expr(adbin, adrelid) AS default_value
FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
WHERE attrelid = 'dispute'::regclass AND attname IN ('state', 'risk', 'earlier', 'colours', 'usual') ORDER BY attnum;
INSERT INTO dispute (id) VALUES (2);
SELECT id, state, risk, earlier, colours, usual FROM dispute ORDER BY id;
SELECT seq, kind, from_state, to_state, to_risk FROM link ORDER BY seq;
SELECT release('dispute');
CREATE TABLE model (id integer PRIMARY KEY, state case_state NOT NULL DEFAULT 'collected', risk risk_level NOT NULL,
	responsible text, leader text, difficult boolean, reason text, reported_at date, open_work integer);
SELECT create_follow_ups('model', 'model_link');
SELECT protect_cases('model', 'three_colour', 'model_link');
CREATE TABLE copy (LIKE model INCLUDING ALL);
SELECT release('copy');
SELECT release('model_link');
-- Mapped back, the chain is the same chain.
SELECT map_column('dispute', 'state', 'case_state', '{"assigned": "assigned", "collected": "collected"}');
SELECT map_column('dispute', 'risk', 'risk_level', '{"yellow": "yellow"}');
SELECT map_column('link', c.name, c.type, c.mapping) FROM (VALUES
	('from_state', 'case_state'::regtype, '{"assigned": "assigned", "collected": "collected"}'::jsonb),
	('to_state', 'case_state', '{"assigned": "assigned", "collected": "collected"}'),
	('from_risk', 'risk_level', '{"yellow": "yellow"}'), ('to_risk', 'risk_level', '{"yellow": "yellow"}'))
	AS c(name, type, mapping);
SELECT protect_cases('dispute', 'three_colour', 'link');
SELECT id, seq, kind, from_state, to_state, to_risk FROM link ORDER BY id, seq;
SELECT count(*) AS broken FROM verify_chain('dispute');

\set QUIET on
SET client_min_messages = warning;
DROP SCHEMA attach_columns CASCADE;
