\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS govcase CASCADE;
SELECT format('GRANT CREATE ON DATABASE %I TO reassign_owner', current_database()) AS grant_create \gset
CREATE ROLE reassign_owner;
:grant_create;
CREATE ROLE reassign_admin; CREATE ROLE reassign_officer; CREATE ROLE reassign_pool;
RESET client_min_messages;
\set QUIET off
\set ECHO all
\set SHOW_CONTEXT never
\set VERBOSITY terse
SET SESSION AUTHORIZATION reassign_owner;
CALL govcase.create_registry('leaving');
SET search_path = leaving, govcase, public;

INSERT INTO region (code, code_end, level, parent, name) VALUES
	('411600000000', '411699999999', 1, NULL, 'city'),
	('411602000000', '411602999999', 2, '411600000000', 'county A'),
	('411602001000', '411602001999', 3, '411602000000', 'township A1'),
	('411602002000', '411602002999', 3, '411602000000', 'township A2'),
	('411681000000', '411681999999', 2, '411600000000', 'county B');
INSERT INTO grid (code, region, boundary)
SELECT g.region || g.code, g.region, ST_Multi(ST_MakeEnvelope(114 + g.n * 0.01, 33, 114.01 + g.n * 0.01, 33.01, 4490))
FROM (VALUES (1, '01', '411602001000'), (2, '02', '411602001000'), (3, '03', '411602001000'), (4, '04', '411602002000'),
	(5, '05', '411602001000'), (6, '06', '411681000000')) AS g(n, code, region);
INSERT INTO department (name, region) VALUES ('justice', '411602000000'), ('housing', '411602000000'), ('justice', '411681000000');
INSERT INTO account (id) VALUES ('a-leaver'), ('a-new'), ('a-other'), ('a-zhao'), ('a-admin'), ('a-township'), ('a-wide'),
	('a-was-wide'), ('a-officer'), ('a-inspector'), ('a-none'), ('a-retired'), ('a-boss');
INSERT INTO account_duty (account, duty, region, department, valid) VALUES
	('a-leaver', 'member', '411602001000', NULL, '[2000-01-01,)'), ('a-leaver', 'leader', '411602000000', NULL, '[2000-01-01,)'),
	('a-leaver', 'officer', NULL, 1, '[2000-01-01,)'), ('a-leaver', 'leader', '411681000000', NULL, '[2000-01-01,2020-01-01)'),
	('a-new', 'member', '411602001000', NULL, '[2000-01-01,)'), ('a-new', 'leader', '411602001000', NULL, '[2000-01-01,)'),
	('a-new', 'officer', NULL, 2, '[2000-01-01,)'), ('a-new', 'officer', NULL, 1, '[2000-01-01,2001-01-01)'),
	('a-boss', 'leader', '411602000000', NULL, '[2000-01-01,)'),
	('a-other', 'centre', '411602001000', NULL, '[2000-01-01,)'),
	('a-zhao', 'centre', '411602000000', NULL, '[2000-01-01,)'),
	('a-admin', 'admin', '411602000000', NULL, '[2000-01-01,)'),
	('a-township', 'centre', '411602002000', NULL, '[2000-01-01,)'),
	('a-wide', 'member', '411602001000', NULL, '[2000-01-01,)'), ('a-wide', 'officer', NULL, 3, '[2000-01-01,)'),
	('a-was-wide', 'member', '411681000000', NULL, '[2000-01-01,2020-01-01)'),
	('a-officer', 'officer', NULL, 1, '[2000-01-01,)'), ('a-inspector', 'inspector', '411602000000', NULL, '[2000-01-01,)'),
	('a-retired', 'member', '411602001000', NULL, '[2000-01-01,2020-01-01)');
INSERT INTO account_login VALUES ('reassign_owner', 'vouched', NULL), ('reassign_pool', 'vouched', NULL),
	('reassign_admin', 'person', 'a-admin'), ('reassign_officer', 'person', 'a-officer');
CALL admit('reassign_admin', 'admin');
CALL admit('reassign_officer', 'officer');
CALL admit('reassign_pool', 'centre'); CALL admit('reassign_pool', 'member');

-- What lies with one who leaves.
SET govcase.account = 'a-zhao';
INSERT INTO dispute (region, place_region, risk, difficult, found_by, grounds, responsible, leader)
SELECT r, r, k::risk_level, n IN (2, 3), 'window', CASE k WHEN 'red' THEN ARRAY['grave'] END, responsible, leader
FROM (VALUES
	(1, '411602001000', 'yellow', 'a-leaver', NULL),
	(2, '411602001000', 'yellow', 'a-other', 'a-leaver'),
	(3, '411602001000', 'yellow', 'a-leaver', 'a-new'),   -- difficult: responsible and leader would be one
	(4, '411602001000', 'yellow', 'a-leaver', NULL),      -- given away: no open work
	(5, '411602001000', 'yellow', 'a-leaver', NULL),      -- assessed, not yet closed
	(6, '411681000000', 'yellow', 'a-leaver', NULL),      -- in another county
	(7, '411602001000', 'yellow', 'a-leaver', 'a-leaver'),
	(8, '411602000000', 'red', 'a-other', 'a-leaver'),    -- held by the county, where the other leads nothing
	(9, '411602001000', 'yellow', 'a-other', 'a-other')) AS t(n, r, k, responsible, leader)
ORDER BY n;
UPDATE dispute SET state = 'assigned' WHERE id IN (2, 3, 5, 8);
UPDATE dispute SET state = 'handling' WHERE id = 5;
INSERT INTO follow_up (id, kind) VALUES (5, 'mediation');
UPDATE dispute SET state = 'fed_back' WHERE id = 5;
INSERT INTO follow_up (id, kind) VALUES (5, 'feedback');
UPDATE dispute SET risk = 'blue' WHERE id = 5;
UPDATE dispute SET state = 'assessed' WHERE id = 5;
UPDATE dispute SET state = 'transferred', reason = 'to court' WHERE id = 4;
INSERT INTO assignment (dispute, department, leads, state, account, answer_by, ended_at) VALUES
	(2, 1, true, 'accepted', 'a-leaver', '2100-01-01', NULL),    -- 1: the other is no longer an officer there
	(2, 2, false, 'accepted', 'a-leaver', '2100-01-01', NULL),   -- 2
	(5, 2, false, 'done', 'a-leaver', '2100-01-01', now()),      -- 3: done
	(9, 2, true, 'accepted', 'a-leaver', '2100-01-01', NULL),    -- 4
	(8, 2, true, 'offered', NULL, '2100-01-01', NULL);           -- 5: the department's, nobody's yet
INSERT INTO grid_member (account, grid, full_time, valid) VALUES
	('a-leaver', '41160200100001', true, '[2000-01-01,)'),
	('a-leaver', '41160200100002', true, '[2010-01-01,2100-01-01)'), ('a-new', '41160200100002', false, '[2020-01-01,2090-01-01)'),
	('a-leaver', '41160200100003', true, '[2000-01-01,2020-01-01)'),     -- was
	('a-leaver', '41160200200004', true, '[2000-01-01,)'),               -- where the other is no member
	('a-leaver', '41160200100005', true, '[2099-01-01,2099-12-31)'), ('a-new', '41160200100005', true, '[2000-01-01,2010-01-01)'),  -- a gap
	('a-leaver', '41168100000006', true, '[2000-01-01,)');               -- in another county
INSERT INTO notice (account, kind, dispute, read_at) VALUES ('a-leaver', 'due', 1, NULL), ('a-leaver', 'due', 1, now()),
	('a-leaver', 'due', 6, NULL), ('a-leaver', 'news', NULL, NULL), ('a-leaver', 'due', 8, NULL);
UPDATE account SET active = false WHERE id = 'a-leaver';

-- Who may.
SET SESSION AUTHORIZATION reassign_officer;
SELECT reassign('a-leaver', 'a-new', 'left');
\echo :SQLSTATE
SET SESSION AUTHORIZATION reassign_pool;
RESET govcase.account;
SELECT reassign('a-leaver', 'a-new', 'left');
\echo :SQLSTATE
SET govcase.account = 'a-officer';
SELECT reassign('a-leaver', 'a-new', 'left');
SET govcase.account = 'a-inspector';
SELECT reassign('a-leaver', 'a-new', 'left');
SET govcase.account = 'a-new';
SELECT reassign('a-leaver', 'a-new', 'left');
SET govcase.account = 'a-township';
SELECT reassign('a-leaver', 'a-new', 'left');
-- The centre of the township: an officer works for the whole county.
SET govcase.account = 'a-other';
SELECT reassign('a-leaver', 'a-new', 'left');
\echo :SQLSTATE
-- From whom, and to whom.
SET govcase.account = 'a-zhao';
SELECT reassign('a-wide', 'a-new', 'left');
SELECT reassign('a-leaver', 'a-wide', 'left');
SELECT reassign('a-was-wide', 'a-new', 'left');
SELECT reassign('a-leaver', 'a-none', 'left');
SELECT reassign('a-nobody', 'a-new', 'left');
SELECT reassign(NULL, 'a-new', 'left');
SELECT reassign('a-leaver', NULL, 'left');
\echo :SQLSTATE
SELECT reassign('a-new', 'a-leaver', 'left');
\echo :SQLSTATE
SELECT reassign('a-leaver', 'a-leaver', 'left');
SELECT reassign('a-leaver', 'a-new', '');
SELECT reassign('a-leaver', 'a-new', NULL);
\echo :SQLSTATE
-- Nothing was moved by any of these.
SELECT count(*) FROM dispute WHERE responsible = 'a-leaver' OR leader = 'a-leaver';

-- One row each: what can be is moved, and what cannot says why. An admin sees no cases, and may.
SET SESSION AUTHORIZATION reassign_admin;
SELECT count(*) FROM dispute;
SELECT * FROM reassign('a-leaver', 'a-new', 'left for the coast');

SET SESSION AUTHORIZATION reassign_owner;
SELECT id, state, responsible, leader FROM dispute ORDER BY id;
SELECT id, state, account FROM assignment ORDER BY id;
-- Days up to today stay the leaver's; those to come are the other's.
SELECT account, grid, full_time, lower(valid) = current_date AS from_today, upper(valid) = current_date AS until_today,
	CASE WHEN lower(valid) <> current_date THEN lower(valid) END AS lower, CASE WHEN upper(valid) <> current_date THEN upper(valid) END AS upper
FROM grid_member ORDER BY grid, account;
SELECT account, kind, dispute, read_at IS NOT NULL AS read FROM notice ORDER BY id;
-- The chain of each case that was moved says so, by whom and why; it is whole.
SELECT id, actor, note FROM follow_up WHERE kind = 'note' ORDER BY id, seq;
SELECT count(*) FROM verify_chain('dispute');

-- Again, only what could not be moved is there. The leader is changed first, and the rest goes.
SET SESSION AUTHORIZATION reassign_pool;
SET govcase.account = 'a-zhao';
SELECT * FROM reassign('a-leaver', 'a-new', 'again');
UPDATE dispute SET leader = 'a-boss' WHERE id = 3;
SELECT object, id, result FROM reassign('a-leaver', 'a-new', 'again') WHERE code IS NULL;
SELECT * FROM reassign('a-leaver', 'a-officer', 'again') WHERE code IS NULL;
-- Nothing lies with one who has nothing.
SELECT * FROM reassign('a-retired', 'a-new', 'long ago');

RESET SESSION AUTHORIZATION;
\set QUIET on
SET client_min_messages = warning;
DROP SCHEMA leaving CASCADE;
DROP OWNED BY reassign_owner, reassign_admin, reassign_officer, reassign_pool;
DROP ROLE reassign_owner, reassign_admin, reassign_officer, reassign_pool;
