\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS govcase CASCADE;
RESET client_min_messages;
\set QUIET off
\set ECHO all
\set SHOW_CONTEXT never
CREATE SCHEMA attach_merge;
SET search_path = attach_merge, govcase, public;

-- MERGE (PostgreSQL 15 and later) obeys as INSERT and UPDATE do.
CREATE TABLE dispute (id bigint PRIMARY KEY, state case_state NOT NULL DEFAULT 'collected', risk risk_level NOT NULL,
	responsible text, leader text, difficult boolean, reason text, reported_at date, open_work integer);
SELECT create_follow_ups('dispute', 'link');
SELECT protect_cases('dispute', 'three_colour', 'link');
INSERT INTO dispute (id, risk) VALUES (1, 'yellow'), (2, 'yellow'), (3, 'red');

SELECT current_setting('server_version_num')::integer >= 150000 AS has_merge \gset
\if :has_merge
MERGE INTO dispute d USING (VALUES (1, 'li'), (4, 'wang')) AS v(id, who) ON v.id = d.id
WHEN MATCHED THEN UPDATE SET state = 'assigned', responsible = v.who
WHEN NOT MATCHED THEN INSERT (id, risk) VALUES (v.id, 'yellow');
MERGE INTO dispute d USING (VALUES (2), (5)) AS v(id) ON v.id = d.id
WHEN MATCHED THEN UPDATE SET state = 'assigned', responsible = 'li'
WHEN NOT MATCHED THEN INSERT (id, risk) VALUES (v.id, 'blue');
\echo :SQLSTATE
MERGE INTO dispute d USING (VALUES (2), (3)) AS v(id) ON v.id = d.id
WHEN MATCHED AND d.id = 3 THEN DELETE
WHEN MATCHED THEN UPDATE SET state = 'assigned', responsible = 'li';
\echo :SQLSTATE
-- A reason counts as given where any action of the statement names it.
UPDATE dispute SET reason = 'first' WHERE id IN (1, 2);
MERGE INTO dispute d USING (VALUES (1), (2)) AS v(id) ON v.id = d.id
WHEN MATCHED AND d.id = 1 THEN UPDATE SET state = 'collected', reason = 'first'
WHEN MATCHED THEN UPDATE SET state = 'voided';
MERGE INTO dispute d USING (VALUES (4)) AS v(id) ON v.id = d.id
WHEN MATCHED THEN UPDATE SET state = 'transferred';
\echo :SQLSTATE
\else
\echo MERGE is new in PostgreSQL 15
\endif
SELECT id, seq, kind, from_state, to_state FROM link ORDER BY id, seq;
SELECT id, state, responsible, reason FROM dispute ORDER BY id;

\set QUIET on
SET client_min_messages = warning;
DROP SCHEMA attach_merge CASCADE;
