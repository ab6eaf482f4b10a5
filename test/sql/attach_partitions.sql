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
		string_agg(t.tgname || CASE WHEN t.tgenabled = 'O' THEN '' ELSE ' (' || t.tgenabled || ')' END,
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

-- A row that crosses partitions without its key (by another column) keeps its chain;
-- with a key column in the partition key, it would change its key, which is refused.
UPDATE dispute SET county = 'a' WHERE county = 'b' AND id = 2;
\echo :SQLSTATE
CREATE TABLE wide (
	id bigint NOT NULL,
	place text NOT NULL,
	state case_state NOT NULL DEFAULT 'collected',
	reason text,
	PRIMARY KEY (id, place)
) PARTITION BY LIST (place);
CREATE TABLE wide_a PARTITION OF wide FOR VALUES IN ('a');
CREATE TABLE wide_b (reason text, place text NOT NULL, state case_state NOT NULL DEFAULT 'collected', id bigint NOT NULL);
ALTER TABLE wide ATTACH PARTITION wide_b FOR VALUES IN ('b');
SELECT protect_cases('wide', 'matter', columns => '{"key": "id"}');
SELECT protect_cases('wide', 'matter');

-- Where the key is the partition key's own and the state moves with it: partitions by state.
CREATE TABLE staged (
	id bigint NOT NULL,
	state case_state NOT NULL DEFAULT 'collected',
	risk risk_level NOT NULL DEFAULT 'yellow',
	responsible text, leader text, difficult boolean, reason text, reported_at timestamptz, open_work integer,
	note text
) PARTITION BY LIST ((state >= 'closed'));
