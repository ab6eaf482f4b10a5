\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS govcase CASCADE;
RESET client_min_messages;
\set QUIET off
\set ECHO all
\set SHOW_CONTEXT never
CREATE ROLE regress_attach_owner;
CREATE ROLE regress_attach_clerk;
CREATE ROLE regress_attach_mallory;
CREATE SCHEMA attach_trust;
GRANT CREATE, USAGE ON SCHEMA attach_trust TO PUBLIC;
SET search_path = attach_trust, govcase, public;

-- An ordinary role protects its own tables.
SET ROLE regress_attach_owner;
CREATE TABLE dispute (id bigint PRIMARY KEY, state case_state NOT NULL DEFAULT 'collected', risk risk_level NOT NULL,
	responsible text, leader text, difficult boolean, reason text, reported_at date, open_work integer);
SELECT create_follow_ups('dispute', 'link');
SELECT protect_cases('dispute', 'three_colour', 'link');
GRANT SELECT, INSERT, UPDATE, TRIGGER ON dispute TO regress_attach_clerk, regress_attach_mallory;
GRANT SELECT, INSERT, TRIGGER ON link TO regress_attach_clerk, regress_attach_mallory;
INSERT INTO dispute (id, risk) VALUES (1, 'yellow'), (2, 'red');

-- Others work with them under their rules, and administer nothing.
SET ROLE regress_attach_clerk;
INSERT INTO dispute (id, risk) VALUES (3, 'yellow');
UPDATE dispute SET state = 'assigned', responsible = 'li' WHERE id = 3;
UPDATE dispute SET state = 'closed' WHERE id = 3;
INSERT INTO link (id, kind) VALUES (3, 'visit');
SELECT seq, kind, actor, db_user = session_user AS connected FROM link WHERE id = 3 ORDER BY seq;
SELECT protect_cases('dispute', 'matter');
\echo :SQLSTATE
SELECT unprotect_cases('dispute');
\echo :SQLSTATE
SELECT release('dispute');
SELECT change_policy('dispute', 'four_colour');
SELECT alter_protected('dispute', 'leader', 'varchar(40)');
SELECT map_column('dispute', 'leader', 'case_state', '{}');
SELECT repair_triggers('dispute');
SELECT repair_triggers('link');
SELECT repair_triggers('policy_version');
\echo :SQLSTATE
SELECT * FROM check_existing('dispute');
\echo :SQLSTATE
SELECT register_existing('dispute', true);
SELECT begin_history('dispute');
-- Permission comes before everything else, so that an error tells a stranger nothing.
SELECT protect_cases('dispute', 'no such policy', columns => '{"state": "no such column"}');
CREATE TABLE own (id bigint PRIMARY KEY, state case_state NOT NULL, reason text);
SELECT protect_cases('own', 'matter', 'link');
\echo :SQLSTATE
-- Everybody may see what is protected, as everybody may read the catalog.
SELECT cases, follow_ups, policy, problem FROM protections() WHERE cases = 'dispute'::regclass;

-- A carrier on a table of one's own does not reach somebody else's.
SET ROLE regress_attach_mallory;
CREATE TABLE bait (id bigint PRIMARY KEY, state case_state NOT NULL DEFAULT 'collected', risk risk_level NOT NULL,
	responsible text, leader text, difficult boolean, reason text, reported_at date, open_work integer);
SELECT chain_set FROM protections() WHERE cases = 'dispute'::regclass \gset
CREATE TRIGGER govcase_case_columns AFTER UPDATE OF id, state, risk ON bait FOR EACH STATEMENT WHEN (false)
	EXECUTE FUNCTION case_columns('three_colour', :'chain_set', 'key', 'state', 'risk');
CREATE TRIGGER govcase_register AFTER INSERT ON bait FOR EACH ROW EXECUTE FUNCTION register_case();
\set VERBOSITY terse
INSERT INTO bait (id, risk) VALUES (2, 'red');
\set VERBOSITY default
\echo :SQLSTATE
SELECT cases, follow_ups, problem FROM protections() WHERE cases IN ('bait'::regclass, 'dispute'::regclass) ORDER BY 1;
INSERT INTO dispute (id, risk) VALUES (4, 'yellow');
DROP TABLE bait;
-- So does a trigger of ours on a table without any carrier.
CREATE TABLE bait (LIKE dispute);
CREATE TRIGGER govcase_register AFTER INSERT ON bait FOR EACH ROW EXECUTE FUNCTION register_case();
INSERT INTO bait (id, state, risk) VALUES (2, 'collected', 'red');
\echo :SQLSTATE
DROP TABLE bait;
-- TRIGGER privilege lets another add a second carrier: then neither counts.
CREATE TRIGGER zz_forged AFTER UPDATE OF state ON dispute FOR EACH STATEMENT WHEN (false)
	EXECUTE FUNCTION case_columns('matter', '00000000-0000-0000-0000-000000000000', 'key,state');
SET ROLE regress_attach_clerk;
INSERT INTO dispute (id, risk) VALUES (5, 'yellow');
\echo :SQLSTATE
UPDATE dispute SET state = 'assigned', responsible = 'li' WHERE id = 1;
\echo :SQLSTATE
SELECT problem FROM protections() WHERE cases = 'dispute'::regclass;
SET ROLE regress_attach_owner;
SELECT protect_cases('dispute', 'three_colour', 'link');
\echo :SQLSTATE
SELECT repair_triggers('dispute');
DROP TRIGGER zz_forged ON dispute;
UPDATE dispute SET state = 'assigned', responsible = 'li' WHERE id = 1;
-- The same on the follow-up table.
SET ROLE regress_attach_mallory;
CREATE TRIGGER zz_forged AFTER UPDATE OF note ON link FOR EACH STATEMENT WHEN (false)
	EXECUTE FUNCTION link_columns(:'chain_set', 'key');
SET ROLE regress_attach_clerk;
INSERT INTO link (id, kind) VALUES (1, 'visit');
\echo :SQLSTATE
UPDATE dispute SET state = 'handling' WHERE id = 1;
\echo :SQLSTATE
SET ROLE regress_attach_owner;
-- Taking the protection off takes the forgery along.
SELECT unprotect_cases('dispute');
SELECT count(*) AS triggers FROM pg_trigger WHERE tgrelid IN ('dispute'::regclass, 'link'::regclass);
SELECT protect_cases('dispute', 'three_colour', 'link');

-- A carrier that says nonsense is not obeyed.
BEGIN;
DROP TRIGGER govcase_case_columns ON dispute;
SELECT chain_set FROM protections() WHERE follow_ups = 'link'::regclass \gset
CREATE TRIGGER govcase_case_columns AFTER UPDATE OF id ON dispute FOR EACH STATEMENT WHEN (false)
	EXECUTE FUNCTION case_columns('three_colour', :'chain_set', 'key');
SELECT problem FROM protections() WHERE cases = 'dispute'::regclass;
SAVEPOINT s;
INSERT INTO dispute (id, risk) VALUES (6, 'red');
\echo :SQLSTATE
ROLLBACK TO s;
DROP TRIGGER govcase_case_columns ON dispute;
CREATE TRIGGER govcase_case_columns AFTER UPDATE OF id, state, risk ON dispute FOR EACH STATEMENT WHEN (false)
	EXECUTE FUNCTION case_columns('three_colour', :'chain_set', 'key');
SAVEPOINT s;
INSERT INTO dispute (id, risk) VALUES (6, 'red');
\echo :SQLSTATE
ROLLBACK TO s;
DROP TRIGGER govcase_case_columns ON dispute;
CREATE TRIGGER govcase_case_columns AFTER UPDATE OF id, state, risk ON dispute FOR EACH STATEMENT WHEN (false)
	EXECUTE FUNCTION case_columns('three_colour', 'no uuid', 'key', 'state', 'risk');
SELECT follow_ups, chain_set, problem FROM protections() WHERE cases = 'dispute'::regclass;
SAVEPOINT s;
INSERT INTO dispute (id, risk) VALUES (6, 'red');
\echo :SQLSTATE
ROLLBACK TO s;
ROLLBACK;

-- A missing partner.
\set VERBOSITY terse
BEGIN;
DROP TRIGGER govcase_link_columns ON link;
SELECT cases, follow_ups, problem FROM protections() WHERE cases = 'dispute'::regclass;
SAVEPOINT s;
UPDATE dispute SET state = 'handling' WHERE id = 1;
\echo :SQLSTATE
ROLLBACK TO s;
INSERT INTO link (id, kind) VALUES (1, 'visit');
\echo :SQLSTATE
ROLLBACK TO s;
SELECT repair_triggers('dispute');
ROLLBACK TO s;
SELECT unprotect_cases('dispute');
SELECT protect_cases('dispute', 'three_colour', 'link');
UPDATE dispute SET state = 'handling' WHERE id = 1;
ROLLBACK;
BEGIN;
DROP TABLE link;
UPDATE dispute SET state = 'handling' WHERE id = 1;
\echo :SQLSTATE
ROLLBACK;
BEGIN;
DROP TABLE dispute;
SELECT cases, follow_ups, problem FROM protections() WHERE follow_ups = 'link'::regclass;
SAVEPOINT s;
INSERT INTO link (id, kind) VALUES (1, 'visit');
\echo :SQLSTATE
ROLLBACK TO s;
SELECT unprotect_cases('link');
SELECT count(*) AS triggers FROM pg_trigger WHERE tgrelid = 'link'::regclass;
ROLLBACK;

-- One partner given to another owner: nothing passes until the other follows.
RESET ROLE;
ALTER TABLE link OWNER TO regress_attach_clerk;
SELECT cases, follow_ups, problem FROM protections()
WHERE cases = 'dispute'::regclass OR follow_ups = 'link'::regclass ORDER BY 1;
UPDATE dispute SET state = 'handling' WHERE id = 1;
\echo :SQLSTATE
INSERT INTO link (id, kind) VALUES (1, 'visit');
\echo :SQLSTATE
\set VERBOSITY default
ALTER TABLE dispute OWNER TO regress_attach_clerk;
UPDATE dispute SET state = 'handling' WHERE id = 1;
SELECT problem FROM protections() WHERE cases = 'dispute'::regclass;
ALTER TABLE link OWNER TO regress_attach_owner;
ALTER TABLE dispute OWNER TO regress_attach_owner;
CREATE TABLE foreign_link (LIKE link INCLUDING ALL);
CREATE TABLE foreign_cases (LIKE dispute INCLUDING ALL);
ALTER TABLE foreign_cases OWNER TO regress_attach_clerk;
ALTER TABLE foreign_link OWNER TO regress_attach_owner;
SELECT protect_cases('foreign_cases', 'three_colour', 'foreign_link');
\echo :SQLSTATE

-- Row security hides no link from a need, and lets no move through; the chain is written all the same.
SET ROLE regress_attach_owner;
ALTER TABLE dispute ENABLE ROW LEVEL SECURITY;
ALTER TABLE dispute FORCE ROW LEVEL SECURITY;
ALTER TABLE link ENABLE ROW LEVEL SECURITY;
ALTER TABLE link FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE ON dispute, link TO regress_attach_clerk;
CREATE POLICY few ON dispute USING (id < 3) WITH CHECK (true);
CREATE POLICY none ON link FOR SELECT USING (false);
CREATE POLICY any_link ON link FOR INSERT WITH CHECK (true);
SET ROLE regress_attach_clerk;
SELECT count(*) AS cases_seen FROM dispute;
SELECT count(*) AS links_seen FROM link;
UPDATE dispute SET state = 'supervised' WHERE id = 1;
UPDATE dispute SET state = 'fed_back' WHERE id = 1;
INSERT INTO link (id, kind) VALUES (1, 'visit');
UPDATE dispute SET state = 'fed_back' WHERE id = 1;
INSERT INTO dispute (id, risk) VALUES (7, 'red');
INSERT INTO link (id, kind) VALUES (7, 'visit');
SET ROLE regress_attach_owner;
SELECT unprotect_cases('dispute');
SELECT protect_cases('dispute', 'three_colour', 'link');
\echo :SQLSTATE
ALTER TABLE link NO FORCE ROW LEVEL SECURITY;
SELECT protect_cases('dispute', 'three_colour', 'link');
SELECT id, seq, kind, from_state, to_state FROM link WHERE id IN (1, 7) ORDER BY id, seq;

-- Whoever may not even use the schema creates tables as before.
RESET ROLE;
REVOKE USAGE ON SCHEMA govcase FROM PUBLIC;
SET ROLE regress_attach_mallory;
CREATE TABLE attach_trust.plain (id integer) PARTITION BY LIST (id);
CREATE TABLE attach_trust.plain_1 PARTITION OF attach_trust.plain FOR VALUES IN (1);
CREATE TABLE attach_trust.parent (id integer);
CREATE TABLE attach_trust.child () INHERITS (attach_trust.parent);
ALTER TABLE attach_trust.parent ADD name text, DROP id CASCADE;
RESET ROLE;
GRANT USAGE ON SCHEMA govcase TO PUBLIC;

\set QUIET on
SET client_min_messages = warning;
DROP SCHEMA attach_trust CASCADE;
DROP ROLE regress_attach_owner, regress_attach_clerk, regress_attach_mallory;
