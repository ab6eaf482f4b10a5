\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS govcase CASCADE;
RESET client_min_messages;
\set QUIET off
\set ECHO all
\set SHOW_CONTEXT never
CREATE SCHEMA attach_partitions;
SET search_path = attach_partitions, govcase, public;

-- Both tables are partitioned, by county, each partition with columns in an order of its own.
CREATE TABLE dispute (
	county text NOT NULL,
	id integer NOT NULL,
	state case_state NOT NULL DEFAULT 'collected',
	risk risk_level NOT NULL,
	responsible text,
	leader text,
	difficult boolean,
	reason text,
	reported_at timestamptz,
	open_work integer,
	PRIMARY KEY (county, id)
) PARTITION BY LIST (county);
CREATE TABLE dispute_a PARTITION OF dispute FOR VALUES IN ('a');
CREATE TABLE dispute_b (open_work integer, gone text, risk risk_level NOT NULL, county text NOT NULL,
	reported_at timestamptz, state case_state NOT NULL DEFAULT 'collected', reason text, difficult boolean,
	leader text, responsible text, id integer NOT NULL);
ALTER TABLE dispute_b DROP gone;
ALTER TABLE dispute ATTACH PARTITION dispute_b FOR VALUES IN ('b');
CREATE TABLE dispute_rest PARTITION OF dispute DEFAULT PARTITION BY RANGE (id);
CREATE TABLE dispute_rest_1 PARTITION OF dispute_rest FOR VALUES FROM (0) TO (1000);
SELECT create_follow_ups('dispute', 'plain_links');
CREATE TABLE link (LIKE plain_links INCLUDING ALL) PARTITION BY LIST (county);
CREATE TABLE link_a PARTITION OF link FOR VALUES IN ('a');
CREATE TABLE link_rest PARTITION OF link DEFAULT;
DROP TABLE plain_links;
SELECT protect_cases('dispute', 'three_colour', 'link');

CREATE VIEW triggers AS
	SELECT t.tgrelid::regclass AS on_table,
		string_agg(t.tgname || CASE WHEN t.tgenabled = 'O' THEN '' ELSE format(' (%s)', t.tgenabled) END,
			', ' ORDER BY t.tgname COLLATE "C") AS triggers
	FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
	WHERE c.relnamespace = 'attach_partitions'::regnamespace AND t.tgname ~ 'govcase'
	GROUP BY 1;
SELECT * FROM triggers ORDER BY on_table::text COLLATE "C";
CREATE VIEW chain AS
	SELECT county, id, seq, kind, from_state, to_state, from_risk, to_risk FROM link
	ORDER BY county, id, seq;

-- Rules hold in every partition, whichever name a statement uses.
INSERT INTO dispute (county, id, risk) VALUES ('a', 1, 'yellow'), ('b', 1, 'red'), ('c', 1, 'yellow');
INSERT INTO dispute_b (county, id, risk, reason) VALUES ('b', 2, 'yellow', 'old');
UPDATE dispute_b SET state = 'assigned' WHERE id = 2;
UPDATE dispute_b SET state = 'assigned', responsible = 'li' WHERE id = 2;
UPDATE dispute_rest_1 SET state = 'closed';
UPDATE dispute SET state = 'assigned', responsible = 'wang', leader = 'li' WHERE county <> 'b' OR id = 1;
SELECT * FROM chain;

-- A key column that says the partition cannot change at all.
UPDATE dispute SET county = 'a' WHERE county = 'b' AND id = 2;
\echo :SQLSTATE
BEGIN;
INSERT INTO dispute (county, id, risk) VALUES ('b', 3, 'yellow');
UPDATE dispute SET county = 'a' WHERE county = 'b' AND id = 3;
\echo :SQLSTATE
COMMIT;
SELECT count(*) AS moved FROM dispute WHERE id = 3;

-- TRUNCATE and DELETE are refused in every partition, by every name.
TRUNCATE dispute;
TRUNCATE dispute_b;
TRUNCATE dispute_rest;
TRUNCATE dispute_rest_1;
\echo :SQLSTATE
TRUNCATE link_a;
\echo :SQLSTATE
DELETE FROM dispute_rest_1;
DELETE FROM link_rest WHERE seq = 2;
UPDATE link_rest SET note = 'x';

-- New partitions, at every level, get what they need.
CREATE TABLE dispute_d PARTITION OF dispute FOR VALUES IN ('d');
CREATE TABLE dispute_rest_2 PARTITION OF dispute_rest FOR VALUES FROM (1000) TO (2000) PARTITION BY HASH (id);
CREATE TABLE dispute_rest_2_0 PARTITION OF dispute_rest_2 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE dispute_rest_2_1 PARTITION OF dispute_rest_2 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE link_b PARTITION OF link FOR VALUES IN ('d');
SELECT * FROM triggers WHERE on_table IN ('dispute_d'::regclass, 'dispute_rest_2'::regclass,
	'dispute_rest_2_0'::regclass, 'dispute_rest_2_1'::regclass, 'link_b'::regclass)
ORDER BY on_table::text COLLATE "C";
TRUNCATE dispute_d;
TRUNCATE dispute_rest_2_1;
TRUNCATE link_b;
SELECT triggers_missing, triggers_disabled, problem FROM protections() WHERE cases = 'dispute'::regclass;

-- An attached table brings rows: where the policy lets none be, it is refused …
CREATE TABLE dispute_e (LIKE dispute INCLUDING DEFAULTS);
INSERT INTO dispute_e (county, id, state, risk) VALUES ('e', 1, 'collected', 'yellow'),
	('e', 2, 'collected', 'blue'), ('e', 3, 'assigned', 'yellow');
ALTER TABLE dispute ATTACH PARTITION dispute_e FOR VALUES IN ('e');
\echo :SQLSTATE
SELECT * FROM triggers WHERE on_table = 'dispute_e'::regclass;
UPDATE dispute_e SET risk = 'yellow', responsible = 'li';
-- … and where they fit, they are registered as they are.
ALTER TABLE dispute ATTACH PARTITION dispute_e FOR VALUES IN ('e');
SELECT * FROM triggers WHERE on_table = 'dispute_e'::regclass;
SELECT * FROM chain WHERE county = 'e';
UPDATE dispute SET state = 'handling' WHERE county = 'e' AND id = 3;

-- Detached, a partition is the owner's again; its links stay.
ALTER TABLE dispute DETACH PARTITION dispute_e;
SELECT * FROM triggers WHERE on_table = 'dispute_e'::regclass;
UPDATE dispute_e SET state = 'closed' WHERE id = 1;
SELECT * FROM chain WHERE county = 'e';
-- Attached again, a row must be as its chain says.
ALTER TABLE dispute ATTACH PARTITION dispute_e FOR VALUES IN ('e');
\echo :SQLSTATE
UPDATE dispute_e SET state = 'assigned' WHERE id = 1;
ALTER TABLE dispute ATTACH PARTITION dispute_e FOR VALUES IN ('e');
\echo :SQLSTATE
UPDATE dispute_e SET state = 'collected' WHERE id = 1;
ALTER TABLE dispute ATTACH PARTITION dispute_e FOR VALUES IN ('e');
SELECT * FROM triggers WHERE on_table = 'dispute_e'::regclass;
SELECT * FROM chain WHERE county = 'e';
UPDATE dispute SET state = 'supervised' WHERE county = 'e' AND id = 3;
-- What is detached may go altogether.
ALTER TABLE dispute DETACH PARTITION dispute_d;
TRUNCATE dispute_d;
DROP TABLE dispute_d, dispute_rest_2;

-- A whole branch goes and comes as one partition does.
ALTER TABLE dispute DETACH PARTITION dispute_rest;
SELECT * FROM triggers WHERE on_table IN ('dispute_rest'::regclass, 'dispute_rest_1'::regclass);
ALTER TABLE dispute ATTACH PARTITION dispute_rest DEFAULT;
SELECT * FROM triggers WHERE on_table IN ('dispute_rest'::regclass, 'dispute_rest_1'::regclass) ORDER BY on_table::text COLLATE "C";
UPDATE dispute SET state = 'closed' WHERE county = 'c';

-- What is missing or disabled in a partition is seen, and mended.
ALTER TABLE dispute_a DISABLE TRIGGER govcase_transition;
DROP TRIGGER govcase_keep_all ON dispute_rest_1;
ALTER TABLE link_a ENABLE ALWAYS TRIGGER govcase_keep;
SELECT triggers_missing, triggers_disabled FROM protections() WHERE cases = 'dispute'::regclass;
SELECT * FROM repair_triggers('dispute_rest_1');
SELECT triggers_missing, triggers_disabled FROM protections() WHERE cases = 'dispute'::regclass;
SELECT alter_protected('dispute_a', 'reason', 'varchar');
\set VERBOSITY sqlstate
SELECT alter_protected('dispute', 'id', 'bigint');
\set VERBOSITY default
SELECT alter_protected('dispute', 'reason', 'varchar');
SELECT DISTINCT format_type(atttypid, atttypmod) FROM pg_attribute
WHERE attname = 'reason' AND attrelid::regclass::text ~ '^dispute';
UPDATE dispute SET state = 'closed' WHERE county = 'a';
UPDATE dispute SET state = 'handling' WHERE county = 'a';
SELECT count(*) AS broken FROM verify_chain('dispute');
SELECT sound_links('dispute', state, risk, county, id) FROM dispute;

-- Plain inheritance would let rows appear without any trigger.
CREATE TABLE solid (id integer PRIMARY KEY, state case_state NOT NULL, reason text);
SELECT protect_cases('solid', 'matter');
CREATE TABLE child () INHERITS (solid);
\echo :SQLSTATE
CREATE TABLE child (LIKE solid INCLUDING ALL);
ALTER TABLE child INHERIT solid;
CREATE TABLE elder (LIKE solid INCLUDING ALL);
ALTER TABLE solid INHERIT elder;
CREATE TABLE higher (LIKE solid) PARTITION BY LIST (id);
ALTER TABLE higher ATTACH PARTITION solid DEFAULT;
CREATE SCHEMA attach_partitions_too CREATE TABLE child () INHERITS (attach_partitions.solid);
-- Other tables may do as they please.
ALTER TABLE child INHERIT elder;
CREATE TABLE grandchild () INHERITS (child);
CREATE TABLE higher_1 PARTITION OF higher FOR VALUES IN (1);
ALTER TABLE higher DETACH PARTITION higher_1;

-- A row that moves to another partition by a column that is no part of its key
-- keeps its chain; that there is one key only is the chain's to see to.
CREATE TABLE roaming (
	id bigint NOT NULL,
	county text NOT NULL,
	state case_state NOT NULL DEFAULT 'collected',
	risk risk_level NOT NULL DEFAULT 'yellow',
	responsible text, leader text, difficult boolean, reason text, reported_at timestamptz, open_work integer,
	PRIMARY KEY (id, county)
) PARTITION BY LIST (county);
CREATE TABLE roaming_a PARTITION OF roaming FOR VALUES IN ('a');
CREATE TABLE roaming_b (reason text, open_work integer, county text NOT NULL, risk risk_level NOT NULL,
	reported_at timestamptz, difficult boolean, leader text, state case_state NOT NULL, responsible text,
	id bigint NOT NULL);
ALTER TABLE roaming ATTACH PARTITION roaming_b FOR VALUES IN ('b');
SELECT create_follow_ups('roaming', 'roaming_links', ARRAY['id']);
SELECT protect_cases('roaming', 'three_colour', columns => '{"key": "id"}', without_links => true);
SELECT protect_cases('roaming', 'three_colour', 'roaming_links', columns => '{"key": "id"}');
INSERT INTO roaming (id, county) VALUES (1, 'a'), (2, 'a'), (3, 'b');
INSERT INTO roaming (id, county) VALUES (1, 'b');
\echo :SQLSTATE
INSERT INTO roaming (id, county) VALUES (5, 'a'), (5, 'b');
\echo :SQLSTATE
WITH made AS (INSERT INTO roaming (id, county) VALUES (6, 'a') RETURNING id)
INSERT INTO roaming_links (id, kind) SELECT id, 'visit' FROM made;
-- Without a change of state: nothing to record.
UPDATE roaming SET county = 'b' WHERE id = 1;
-- With a legal one, which is recorded as what it is.
UPDATE roaming SET county = 'b', state = 'assigned', responsible = 'li' WHERE id = 2;
-- With an illegal one, and with one that breaks an invariant.
UPDATE roaming SET county = 'a', state = 'closed' WHERE id = 2;
\echo :SQLSTATE
UPDATE roaming SET county = 'a', responsible = NULL WHERE id = 2;
\echo :SQLSTATE
-- Several at once, there and back in one transaction.
BEGIN;
UPDATE roaming SET county = CASE county WHEN 'a' THEN 'b' ELSE 'a' END;
UPDATE roaming SET county = CASE county WHEN 'a' THEN 'b' ELSE 'a' END, state = 'assigned', responsible = 'wang';
COMMIT;
SELECT tableoid::regclass, id, county, state FROM roaming ORDER BY id;
SELECT id, seq, kind, from_state, to_state FROM roaming_links ORDER BY id, seq;
SELECT alter_protected('roaming_links', 'id', 'integer');
SELECT attrelid::regclass, format_type(atttypid, atttypmod) FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
WHERE attname = 'id' AND attrelid::regclass::text ~ '^roaming' AND relkind IN ('r', 'p') ORDER BY 1;
UPDATE roaming SET county = 'a', state = 'handling' WHERE id = 1;
SELECT count(*) AS broken FROM verify_chain('roaming');
-- With a new key it would be another case.
UPDATE roaming SET county = 'a', id = 4 WHERE id = 3;
\echo :SQLSTATE
-- A trigger that swallows the row on its way does not delete a case.
CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER swallow BEFORE INSERT ON roaming_a FOR EACH ROW EXECUTE FUNCTION swallow();
UPDATE roaming SET county = 'a' WHERE id = 3;
\echo :SQLSTATE
SELECT count(*) FROM roaming;

-- Taken off and released, nothing of ours is left in any partition.
SELECT unprotect_cases('dispute_a');
SELECT unprotect_cases('dispute');
SELECT release('roaming');
SELECT * FROM triggers WHERE on_table::text ~ '^(dispute|link|roaming)';
SELECT DISTINCT format_type(atttypid, atttypmod) FROM pg_attribute
WHERE attname IN ('state', 'risk') AND attrelid::regclass::text ~ '^roaming';

\set QUIET on
SET client_min_messages = warning;
DROP SCHEMA attach_partitions CASCADE;
