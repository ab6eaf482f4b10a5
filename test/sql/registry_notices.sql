\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS govcase CASCADE;
SELECT format('GRANT CREATE ON DATABASE %I TO notices_owner', current_database()) AS grant_create \gset
CREATE ROLE notices_owner;
:grant_create;
CREATE ROLE notices_li; CREATE ROLE notices_wang; CREATE ROLE notices_pool; CREATE ROLE notices_analyst;
RESET client_min_messages;
\set QUIET off
\set ECHO all
\set SHOW_CONTEXT never
\set VERBOSITY terse
SET SESSION AUTHORIZATION notices_owner;
CALL govcase.create_registry('bell');
SET search_path = bell, govcase, public;
INSERT INTO region (code, code_end, level, parent, name) VALUES
	('411600000000', '411699999999', 1, NULL, 'city'),
	('411602000000', '411602999999', 2, '411600000000', 'county');
INSERT INTO department (name, region) VALUES ('justice', '411602000000');
INSERT INTO account (id) VALUES ('a-li'), ('a-wang'), ('a-analyst');
INSERT INTO account_duty (account, duty, region) VALUES ('a-li', 'centre', '411602000000'),
	('a-wang', 'leader', '411600000000'), ('a-analyst', 'analyst', '411600000000');
INSERT INTO account_login VALUES ('notices_li', 'person', 'a-li'), ('notices_wang', 'person', 'a-wang'),
	('notices_pool', 'vouched', NULL), ('notices_analyst', 'person', 'a-analyst'), ('notices_owner', 'vouched', NULL);
CALL admit('notices_li', 'centre');
CALL admit('notices_wang', 'leader');
CALL admit('notices_analyst', 'analyst');
-- Every duty that is told of anything reads: the pool has one after the other.
CALL admit('notices_pool', 'importer');

SET govcase.account = 'a-li';
INSERT INTO dispute (region, place_region, risk, found_by) VALUES ('411602000000', '411602000000', 'yellow', 'sweep');
RESET govcase.account;
SELECT send_notice('a-li', 'assignment', 1), send_notice('a-wang', 'escalation', 1), send_notice('a-li', 'done', 1),
	send_notice('a-li', 'matter'), send_notice('a-wang', 'assignment', 1) \gset ignored_
SELECT id, account, kind, dispute, read_at FROM notice ORDER BY id;

-- One's own, and no other's, by view and by table.
SET SESSION AUTHORIZATION notices_li;
SELECT id, kind, dispute, matter, deadline, at = max(at) OVER () AS at_once FROM my_notices ORDER BY id;
SELECT string_agg(id::text, ',' ORDER BY id) FROM notice;
SET SESSION AUTHORIZATION notices_wang;
SELECT id, kind FROM my_notices ORDER BY id;
SET SESSION AUTHORIZATION notices_pool;
SELECT count(*) FROM my_notices;
SET govcase.account = 'a-wang';
SELECT id, kind FROM my_notices ORDER BY id;
SELECT read_notices('{2}');
RESET govcase.account;
-- Those without an account, and analysts, have none.
SELECT read_notices('{5}');
\echo :SQLSTATE
SET SESSION AUTHORIZATION notices_analyst;
SELECT count(*) FROM my_notices;
\echo :SQLSTATE
SELECT read_notices('{5}');
\echo :SQLSTATE

-- Read: others', what is not there and what was read before count for nothing.
SET SESSION AUTHORIZATION notices_li;
SELECT read_notices('{1,2,5,99,NULL}') AS first_time, read_notices('{1}') AS again, read_notices('{}') AS none,
	read_notices(NULL) AS null;
SELECT id FROM my_notices ORDER BY id;
SELECT id, read_at BETWEEN at AND clock_timestamp() AS read FROM notice ORDER BY id;
SET SESSION AUTHORIZATION notices_wang;
SELECT id FROM my_notices;
-- When it was read is the server's to say; nobody makes it unread, sends, or takes away.
UPDATE notice SET read_at = NULL;
\echo :SQLSTATE
UPDATE notice SET read_at = '1900-01-01';
\echo :SQLSTATE
INSERT INTO notice (account, kind) VALUES ('a-li', 'assignment');
\echo :SQLSTATE
SELECT send_notice('a-li', 'assignment');
\echo :SQLSTATE
DELETE FROM notice;
\echo :SQLSTATE
SELECT forget_read_notices('0');
\echo :SQLSTATE

-- Read ones go after 90 days; unread ones stay, however old.
SET SESSION AUTHORIZATION notices_owner;
UPDATE notice SET at = now() - interval '1 year';
UPDATE notice SET read_at = now() - CASE id WHEN 1 THEN interval '90 days 1 second' ELSE interval '89 days' END
WHERE read_at IS NOT NULL;
SELECT id, read_at IS NOT NULL AS read FROM notice ORDER BY id;
SELECT forget_read_notices() AS forgotten, forget_read_notices() AS again;
SELECT id, read_at IS NOT NULL AS read FROM notice ORDER BY id;
SELECT forget_read_notices('1 month');
SELECT id, read_at IS NOT NULL AS read FROM notice ORDER BY id;
SELECT forget_read_notices(NULL);
\echo :SQLSTATE
SELECT forget_read_notices('-1 day');
-- A role that does so every day may be granted it, with no account.
GRANT USAGE ON SCHEMA bell TO notices_pool;
GRANT EXECUTE ON FUNCTION forget_read_notices(interval) TO notices_pool;
SET SESSION AUTHORIZATION notices_pool;
SELECT forget_read_notices();

RESET SESSION AUTHORIZATION;
\set QUIET on
SET client_min_messages = warning;
DROP SCHEMA bell CASCADE;
DROP OWNED BY notices_owner, notices_li, notices_wang, notices_pool, notices_analyst;
DROP ROLE notices_owner, notices_li, notices_wang, notices_pool, notices_analyst;
