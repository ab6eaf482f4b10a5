\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS govcase CASCADE;
RESET client_min_messages;
\set QUIET off
\set ECHO all

-- The scans by which links find their case and the end of their chain are kept
-- until the transaction ends.  Whatever becomes of the tables meanwhile, each
-- link follows the one before.
CREATE SCHEMA row_access_test;
SET search_path = row_access_test;
CREATE TABLE errand (id bigint PRIMARY KEY, state govcase.case_state NOT NULL, reason text, title text);
\o /dev/null
SELECT govcase.create_follow_ups('errand', 'errand_links');
SELECT govcase.protect_cases('errand', 'matter', follow_ups => 'errand_links');
\o
INSERT INTO errand SELECT n, 'collected' FROM generate_series(1, 100) AS n;
CREATE VIEW chains AS SELECT count(*) AS links, sum(seq) AS seqs, count(DISTINCT id) AS cases FROM errand_links;

-- The session itself changes the tables between two statements of a transaction.
BEGIN;
INSERT INTO errand_links (id, kind) SELECT id, 'visit' FROM errand;
ALTER TABLE errand_links ADD COLUMN place text;
INSERT INTO errand_links (id, kind, place) SELECT id, 'visit', 'at home' FROM errand;
ALTER TABLE errand ALTER COLUMN title TYPE varchar(200) USING left(title, 200);
ALTER TABLE errand ADD COLUMN number integer NOT NULL DEFAULT 7;
INSERT INTO errand_links (id, kind) SELECT id, 'note' FROM errand;
CLUSTER errand USING errand_pkey;
CLUSTER errand_links USING errand_links_pkey;
INSERT INTO errand_links (id, kind) SELECT id, 'note' FROM errand;
REINDEX TABLE errand;
REINDEX TABLE errand_links;
INSERT INTO errand_links (id, kind) SELECT id, 'note' FROM errand;
CREATE INDEX ON errand (state);
ALTER INDEX errand_links_pkey RENAME TO errand_links_key;
ALTER TABLE errand RENAME TO small_errand;
INSERT INTO errand_links (id, kind) SELECT id, 'note' FROM small_errand;
ALTER TABLE errand_links DROP CONSTRAINT errand_links_key;
INSERT INTO errand_links (id, kind) SELECT id, 'note' FROM small_errand;
ALTER TABLE errand_links ADD PRIMARY KEY (id, seq);
INSERT INTO errand_links (id, kind) SELECT id, 'note' FROM small_errand;
UPDATE small_errand SET state = 'assigned';
SELECT * FROM chains;
COMMIT;
SELECT * FROM govcase.verify_chain('small_errand');
ALTER TABLE small_errand RENAME TO errand;

-- Another table takes the name of the one whose links were written first.
BEGIN;
INSERT INTO errand_links (id, kind) VALUES (1, 'visit');
ALTER TABLE errand_links RENAME TO first_links;
ALTER TABLE errand RENAME TO first_errand;
CREATE TABLE errand (id bigint PRIMARY KEY, state govcase.case_state NOT NULL, reason text);
\o /dev/null
SELECT govcase.create_follow_ups('errand', 'errand_links');
SELECT govcase.protect_cases('errand', 'matter', follow_ups => 'errand_links');
\o
INSERT INTO errand VALUES (1, 'collected');
INSERT INTO errand_links (id, kind) VALUES (1, 'visit') RETURNING seq;
INSERT INTO first_links (id, kind) VALUES (1, 'visit') RETURNING seq;
ROLLBACK;
INSERT INTO errand_links (id, kind) VALUES (1, 'visit') RETURNING seq;

-- Subtransactions that fail leave neither a scan nor what it held.
BEGIN;
INSERT INTO errand_links (id, kind) VALUES (2, 'visit') RETURNING seq;
SAVEPOINT here;
INSERT INTO errand_links (id, kind) VALUES (2, 'visit') RETURNING seq;
ROLLBACK TO here;
INSERT INTO errand_links (id, kind) VALUES (2, 'visit') RETURNING seq;
SAVEPOINT there;
INSERT INTO errand_links (id, kind) VALUES (1000, 'visit');
ROLLBACK TO there;
INSERT INTO errand_links (id, kind) VALUES (2, 'visit') RETURNING seq;
DO $$
DECLARE
	refused integer := 0;
	kept integer;
BEGIN
	FOR i IN 1..200 LOOP
		BEGIN
			INSERT INTO errand_links (id, kind) VALUES (3, 'visit'), (1000, 'visit');
		EXCEPTION WHEN foreign_key_violation THEN
			refused := refused + 1;
		END;
	END LOOP;
	INSERT INTO errand_links (id, kind) VALUES (3, 'visit');
	RAISE NOTICE '% refused', refused;
	-- The view is new in PostgreSQL 14.
	IF to_regclass('pg_catalog.pg_backend_memory_contexts') IS NOT NULL THEN
		EXECUTE $query$
			SELECT count(*) FROM pg_backend_memory_contexts WHERE name = 'govcase kept scan'
		$query$ INTO kept;
		ASSERT kept = 2, format('%s scans are kept', kept);
	END IF;
END
$$;
SELECT id, count(*), max(seq) FROM errand_links WHERE id IN (2, 3) GROUP BY id ORDER BY id;
COMMIT;

-- Entries of the index that are dead: a scan notes them, for as long as it lives.
BEGIN;
INSERT INTO errand_links (id, kind) SELECT id, 'note' FROM errand, generate_series(1, 5);
ROLLBACK;
BEGIN;
INSERT INTO errand_links (id, kind) SELECT id, 'note' FROM errand, generate_series(1, 5);
INSERT INTO errand_links (id, kind) SELECT id, 'note' FROM errand, generate_series(1, 5) AS n ORDER BY n, id;
COMMIT;

-- Two chains at once, by turns.
CREATE TABLE other (number integer, part text, state govcase.case_state NOT NULL, reason text, PRIMARY KEY (part, number));
\o /dev/null
SELECT govcase.create_follow_ups('other', 'other_links');
SELECT govcase.protect_cases('other', 'matter', follow_ups => 'other_links');
\o
INSERT INTO other SELECT n, 'part ' || n % 3, 'collected' FROM generate_series(1, 20) AS n;
DO $$
BEGIN
	FOR i IN 1..20 LOOP
		INSERT INTO errand_links (id, kind) VALUES (i, 'visit');
		INSERT INTO other_links (number, part, kind) VALUES (i, 'part ' || i % 3, 'visit');
	END LOOP;
END
$$;
SELECT * FROM chains;
SELECT count(*) AS links, sum(seq) AS seqs FROM other_links;
SELECT * FROM govcase.verify_chain('errand');
SELECT * FROM govcase.verify_chain('other');

\set QUIET on
SET client_min_messages = warning;
DROP SCHEMA row_access_test CASCADE;
