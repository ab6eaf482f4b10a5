\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS govcase CASCADE;
SELECT format('GRANT CREATE ON DATABASE %I TO joint_owner', current_database()) AS grant_create \gset
CREATE ROLE joint_owner;
:grant_create;
-- A pool that may whatever some duty may, so that policies and functions alone say no.
CREATE ROLE joint_pool;
RESET client_min_messages;
\set QUIET off
\set ECHO all
\set SHOW_CONTEXT never
SET SESSION AUTHORIZATION joint_owner;
CALL govcase.create_registry('joint');
SET search_path = joint, govcase, public;

INSERT INTO region (code, code_end, level, parent, name) VALUES
	('411600000000', '411699999999', 1, NULL, 'city'),
	('411602000000', '411602999999', 2, '411600000000', 'county A'),
	('411602001000', '411602001999', 3, '411602000000', 'township A1'),
	('411602002000', '411602002999', 3, '411602000000', 'township A2'),
	('411681000000', '411681999999', 2, '411600000000', 'county B');
INSERT INTO centre VALUES ('411600000000', 'city centre'), ('411602000000', 'centre A'), ('411681000000', 'centre B');
INSERT INTO department (name, region) VALUES ('justice', '411602000000'), ('housing', '411602000000'),
	('police', '411602000000'), ('water', '411602000000');
INSERT INTO account (id) VALUES ('city'), ('county'), ('town'), ('other'), ('justice'), ('housing'), ('police'),
	('water'), ('member'), ('leader'), ('inspector'), ('analyst'), ('town-analyst');
INSERT INTO account_duty (account, duty, region, department) VALUES
	('city', 'centre', '411600000000', NULL), ('county', 'centre', '411602000000', NULL),
	('town', 'centre', '411602001000', NULL), ('other', 'centre', '411681000000', NULL),
	('justice', 'officer', NULL, 1), ('housing', 'officer', NULL, 2), ('police', 'officer', NULL, 3),
	('water', 'officer', NULL, 4), ('member', 'member', '411600000000', NULL),
	('leader', 'leader', '411602000000', NULL), ('inspector', 'inspector', '411600000000', NULL),
	('analyst', 'analyst', '411600000000', NULL), ('town-analyst', 'analyst', '411602001000', NULL);
INSERT INTO account_login VALUES ('joint_owner', 'vouched', NULL), ('joint_pool', 'vouched', NULL);
CALL admit('joint_pool', 'member'); CALL admit('joint_pool', 'officer'); CALL admit('joint_pool', 'centre');
CALL admit('joint_pool', 'leader'); CALL admit('joint_pool', 'inspector'); CALL admit('joint_pool', 'analyst');
SET govcase.account = 'county';
INSERT INTO dispute (region, place_region, risk, found_by, responsible, reported_at) VALUES
	('411602001000', '411602001000', 'yellow', 'patrol', 'justice', now() - interval '40 days'),
	('411602002000', '411602002000', 'yellow', 'patrol', 'justice', now() - interval '40 days'),
	('411681000000', '411681000000', 'yellow', 'patrol', 'other', now() - interval '40 days');
SELECT offer_assignment(1, 1, true), offer_assignment(1, 2, false);

-- A conference: one call enters the link, who took part, the decision and what is to be done.
SET SESSION AUTHORIZATION joint_pool;
SELECT date_trunc('day', now()) - interval '10 days' AS held_at, current_date - 10 AS held_on \gset
SELECT hold_conference(1, '411602000000', :'held_at', '{2,1,3,2}', 'mend the wall, share the cost',
	format('[{"department": 2, "due": "%s"}, {"department": 3, "due": "%s"}]', date :'held_on' + 20, date :'held_on')::jsonb);
SELECT dispute, centre, held_at = :'held_at' AS at, link_seq FROM conference;
SELECT seq, kind, actor, happened_at = :'held_at' AS at, note FROM follow_up WHERE id = 1 AND kind = 'conference';
SELECT department FROM conference_member ORDER BY 1;
SELECT id, department, due - date :'held_on' AS days, done_on FROM conference_action ORDER BY id;
SELECT decision FROM conference_detail;
SET SESSION AUTHORIZATION joint_owner;
SELECT account, kind, dispute FROM notice WHERE kind = 'action' ORDER BY id;
-- One without anything to do, and without words; an account in the township acts for the same centre.
SET SESSION AUTHORIZATION joint_pool;
SET govcase.account = 'town';
SELECT hold_conference(1, '411602000000', now(), '{1,2}');
SELECT c.id, c.link_seq, f.kind FROM conference c JOIN follow_up f ON f.id = c.dispute AND f.seq = c.link_seq ORDER BY c.id;
SELECT count(*) FROM conference_action WHERE conference = 2;
SELECT count(*) FROM conference_detail WHERE conference = 2;

-- Only the centre that leads holds it, and only where one leads.
SET govcase.account = 'county';
SELECT hold_conference(2, '411602000000', now(), '{1,2}');
\echo :SQLSTATE
UPDATE dispute SET centre = '411600000000' WHERE id = 2;
SELECT hold_conference(2, '411602000000', now(), '{1,2}');
\echo :SQLSTATE
SELECT hold_conference(2, '411600000000', now(), '{1,2}');
\echo :SQLSTATE
SELECT hold_conference(2, NULL, now(), '{1,2}');
SET govcase.account = 'city';
SELECT hold_conference(1, '411602000000', now(), '{1,2}');
\echo :SQLSTATE
SELECT hold_conference(2, '411600000000', now(), '{1,2}') > 0 AS held;
\set VERBOSITY terse
SET govcase.account = 'other';     SELECT hold_conference(1, '411602000000', now(), '{1,2}');
\echo :SQLSTATE
SET govcase.account = 'other';     SELECT hold_conference(999, '411602000000', now(), '{1,2}');
SET govcase.account = 'justice';   SELECT hold_conference(1, '411602000000', now(), '{1,2}');
SET govcase.account = 'member';    SELECT hold_conference(1, '411602000000', now(), '{1,2}');
SET govcase.account = 'leader';    SELECT hold_conference(1, '411602000000', now(), '{1,2}');
SET govcase.account = 'inspector'; SELECT hold_conference(1, '411602000000', now(), '{1,2}');
SET govcase.account = 'analyst';   SELECT hold_conference(1, '411602000000', now(), '{1,2}');
RESET govcase.account;             SELECT hold_conference(1, '411602000000', now(), '{1,2}');
\set VERBOSITY default

-- What is no conference.
SET govcase.account = 'county';
SELECT hold_conference(1, '411602000000', NULL, '{1,2}');
\echo :SQLSTATE
SELECT hold_conference(1, '411602000000', now(), '{1,1}');
\echo :SQLSTATE
SELECT hold_conference(1, '411602000000', now(), '{1,2,NULL}');
SELECT hold_conference(1, '411602000000', now(), NULL);
SELECT hold_conference(1, '411602000000', now(), '{1,99}');
\echo :SQLSTATE
\set VERBOSITY terse
SELECT hold_conference(1, '411602000000', now() + interval '1 day', '{1,2}');
\echo :SQLSTATE
SELECT hold_conference(1, '411602000000', '2020-01-01', '{1,2}');
\echo :SQLSTATE
SELECT hold_conference(1, '411602000000', now(), '{1,2}', NULL, NULL);
SELECT hold_conference(1, '411602000000', now(), '{1,2}', NULL, '{"department": 1, "due": "2100-01-01"}');
SELECT hold_conference(1, '411602000000', now(), '{1,2}', NULL, '[1]');
SELECT hold_conference(1, '411602000000', now(), '{1,2}', NULL, '[{"department": 1, "due": "2100-01-01"}, {"department": 1}]');
SELECT hold_conference(1, '411602000000', now(), '{1,2}', NULL, '[{"department": "1", "due": "2100-01-01"}]');
SELECT hold_conference(1, '411602000000', now(), '{1,2}', NULL, '[{"department": 1.5, "due": "2100-01-01"}]');
SELECT hold_conference(1, '411602000000', now(), '{1,2}', NULL, '[{"department": 1, "due": null}]');
SELECT hold_conference(1, '411602000000', now(), '{1,2}', NULL, '[{"department": 1, "due": "tomorrow"}]');
SELECT hold_conference(1, '411602000000', now(), '{1,2}', NULL, '[{"department": 1, "due": "2100-02-30"}]');
SELECT hold_conference(1, '411602000000', now(), '{1,2}', NULL, '[{"department": 1, "due": "2100-01-01", "what": "x"}]');
SELECT hold_conference(1, '411602000000', now(), '{1,2}', NULL, '[{"department": 99, "due": "2100-01-01"}]');
SELECT hold_conference(1, '411602000000', now(), '{1,2}', NULL, '[{"department": 1, "due": "2020-01-01"}]');
\echo :SQLSTATE
\set VERBOSITY default
UPDATE dispute SET state = 'transferred', reason = 'to court' WHERE id = 2;
SET govcase.account = 'city';
SELECT hold_conference(2, '411600000000', now(), '{1,2}');
\echo :SQLSTATE
SET SESSION AUTHORIZATION joint_owner;
-- Nothing is left of those: three conferences with their links.
SELECT count(*), (SELECT count(*) FROM follow_up WHERE kind = 'conference') AS links,
	(SELECT count(*) FROM conference_member) AS members FROM conference;

-- None is entered without its link, by hand.
SET SESSION AUTHORIZATION joint_pool;
SET govcase.account = 'county';
INSERT INTO conference (dispute, centre, held_at, link_seq) VALUES (1, '411602000000', now(), 1);
\echo :SQLSTATE
INSERT INTO conference_member VALUES (1, 4);
UPDATE conference_action SET done_on = current_date;
DELETE FROM conference;

-- An action is finished by the department, or by a centre where the case is.
SET govcase.account = 'police';
SELECT finish_action(1);
\echo :SQLSTATE
SELECT finish_action(2, date :'held_on' - 1);
\echo :SQLSTATE
SELECT finish_action(2, current_date + 1);
\echo :SQLSTATE
SELECT finish_action(2, NULL);
SELECT finish_action(2, date :'held_on' + 1);
SELECT finish_action(2);
\echo :SQLSTATE
-- The police has never had the case; what it was given to do it sees, and no more.
SELECT id, done_on - date :'held_on' AS days FROM conference_action;
SELECT (SELECT count(*) FROM dispute) AS disputes, (SELECT count(*) FROM conference) AS conferences,
	(SELECT count(*) FROM conference_detail) AS decisions;
\set VERBOSITY terse
SELECT finish_action(999);
SELECT finish_action(NULL);
SET govcase.account = 'other';  SELECT finish_action(1);
SET govcase.account = 'leader'; SELECT finish_action(1);
SET govcase.account = 'member'; SELECT finish_action(1);
\echo :SQLSTATE
\set VERBOSITY default
SET govcase.account = 'town';
SELECT finish_action(1);
SELECT id, done_on = current_date AS today FROM conference_action ORDER BY id;

-- Who sees what of it; a decision is corrected by the centre whose it is.
SET govcase.account = 'housing'; SELECT count(*) AS conferences, (SELECT count(*) FROM conference_detail) AS decisions FROM conference;
SET govcase.account = 'other';   SELECT count(*) AS conferences, (SELECT count(*) FROM conference_detail) AS decisions FROM conference;
SET govcase.account = 'inspector'; SELECT count(*) AS conferences, (SELECT count(*) FROM conference_detail) AS decisions FROM conference;
UPDATE conference_detail SET decision = 'as I like it';
SET govcase.account = 'housing'; UPDATE conference_detail SET decision = 'as I like it';
SET govcase.account = 'city';    UPDATE conference_detail SET decision = 'as I like it';
SET govcase.account = 'county';  UPDATE conference_detail SET decision = 'mend the wall, each half of the cost';

-- Campaigns, in plain SQL. A centre opens one in its own region, that of the city in the whole city.
SET govcase.account = 'county';
INSERT INTO campaign (name, region, period) VALUES ('unpaid wages', '411602000000', '[2025-01-01,2026-01-01)');
INSERT INTO campaign (name, region, period) VALUES ('township roads', '411602001000', '[2025-01-01,2026-01-01)');
INSERT INTO campaign (name, region, period) VALUES ('elsewhere', '411681000000', '[2025-01-01,2026-01-01)');
\echo :SQLSTATE
INSERT INTO campaign (name, region, period) VALUES ('everywhere', NULL, '[2025-01-01,2026-01-01)');
INSERT INTO campaign (name, region, period) VALUES ('never', '411602000000', 'empty');
\echo :SQLSTATE
SET govcase.account = 'city';
INSERT INTO campaign (name, period) VALUES ('safe homes', '[2025-01-01,2026-01-01)');
SET govcase.account = 'town';
INSERT INTO campaign (name, region, period) VALUES ('of the county', '411602000000', '[2025-01-01,2026-01-01)');
\set VERBOSITY terse
SET govcase.account = 'justice'; INSERT INTO campaign (name, region, period) VALUES ('x', '411602000000', '[2025-01-01,2026-01-01)');
SET govcase.account = 'leader';  INSERT INTO campaign (name, region, period) VALUES ('x', '411602000000', '[2025-01-01,2026-01-01)');
SET govcase.account = 'member';  INSERT INTO campaign (name, region, period) VALUES ('x', '411602000000', '[2025-01-01,2026-01-01)');
\set VERBOSITY default
SET govcase.account = 'town';    UPDATE campaign SET name = 'mine' RETURNING region;
SET govcase.account = 'other';   UPDATE campaign SET name = 'mine';
SET govcase.account = 'county';  UPDATE campaign SET period = '[2025-01-01,2027-01-01)' WHERE name = 'unpaid wages';
UPDATE campaign SET region = NULL WHERE name = 'unpaid wages';
\echo :SQLSTATE
SET SESSION AUTHORIZATION joint_owner;
UPDATE campaign SET name = 'township roads' WHERE name = 'mine';
ALTER TABLE campaign ALTER id RESTART;
DELETE FROM campaign;
INSERT INTO campaign (name, region, period) VALUES
	('unpaid wages', '411602000000', '[2025-01-01,2026-01-01)'),    -- 1
	('township roads', '411602001000', '[2025-01-01,2026-01-01)'),  -- 2
	('safe homes', NULL, '[2025-01-01,2026-01-01)');                -- 3

-- Each adds its own cases, to a campaign that their region belongs to.
SET SESSION AUTHORIZATION joint_pool;
SET govcase.account = 'county';
INSERT INTO campaign_dispute VALUES (1, 1), (1, 2), (2, 1);
INSERT INTO campaign_dispute VALUES (1, 1);
\echo :SQLSTATE
INSERT INTO campaign_dispute VALUES (2, 2);
\echo :SQLSTATE
INSERT INTO campaign_dispute VALUES (3, 3);
\echo :SQLSTATE
INSERT INTO campaign_dispute VALUES (99, 1);
\echo :SQLSTATE
\set VERBOSITY terse
SET govcase.account = 'town';    INSERT INTO campaign_dispute VALUES (3, 2);
SET govcase.account = 'other';   INSERT INTO campaign_dispute VALUES (1, 3);
SET govcase.account = 'other';   INSERT INTO campaign_dispute VALUES (3, 3);
SET govcase.account = 'justice'; INSERT INTO campaign_dispute VALUES (3, 1);
SET govcase.account = 'leader';  INSERT INTO campaign_dispute VALUES (3, 1);
SET govcase.account = 'member';  INSERT INTO campaign_dispute VALUES (3, 1);
\set VERBOSITY default
SET govcase.account = 'town';
SELECT * FROM campaign_dispute ORDER BY 1, 2;
SELECT id, name FROM campaign ORDER BY 1;
DELETE FROM campaign_dispute;
SET govcase.account = 'justice'; DELETE FROM campaign_dispute;
SET govcase.account = 'county';
SELECT * FROM campaign_dispute ORDER BY 1, 2;
INSERT INTO campaign_dispute SELECT 3, id FROM dispute;
RESET govcase.account;
SELECT count(*) FROM campaign;

-- How they stand. 18 more in township A1: seven closed, five transferred, five open, one voided.
SET SESSION AUTHORIZATION joint_owner;
SET govcase.account = 'county';
BEGIN;
SELECT begin_history('dispute');
INSERT INTO dispute (region, place_region, risk, state, found_by, responsible)
SELECT '411602001000', '411602001000', CASE WHEN n <= 7 THEN 'blue' ELSE 'yellow' END::risk_level,
	CASE WHEN n <= 7 THEN 'closed' WHEN n <= 12 THEN 'transferred' WHEN n <= 17 THEN 'handling' ELSE 'voided' END::case_state,
	'patrol', 'justice'
FROM generate_series(1, 18) n ORDER BY n;
COMMIT;
INSERT INTO campaign (name, region, period) VALUES ('few', '411602001000', '[2025-01-01,2026-01-01)');  -- 4
INSERT INTO campaign_dispute
SELECT c.id, d.id FROM campaign c, dispute d
WHERE d.id >= 4 AND (c.id <= 2 OR c.id = 3 AND d.id <= 11 OR c.id = 4 AND d.id <= 7);
/*
 * By hand, without the voided one: campaign 1 has all of these and dispute 2, which
 * was transferred (18; 5 open, 7 of 13 resolved); campaign 2 has all of these (17; 5, 7
 * of 12); campaign 3 the seven closed, one transferred, and disputes 1 (open), 2, and
 * 3 of county B (11; 2, 7 of 9); campaign 4 four closed ones.
 */
SET SESSION AUTHORIZATION joint_pool;
SET govcase.account = 'analyst';
SELECT campaign, name, disputes, open, resolved, percent(rate, 1) AS rate FROM campaign_progress ORDER BY campaign;
-- That is all that an analyst has of it.
SELECT count(*) FROM campaign_dispute;
-- The county has one less, that of county B; by its rows it can count for itself.
SET govcase.account = 'county';
SELECT campaign, disputes, open, resolved, percent(rate, 1) AS rate FROM campaign_progress ORDER BY campaign;
SELECT c.campaign, count(*) FILTER (WHERE d.state <> 'voided') AS disputes, count(*) FILTER (WHERE is_open(d.state)) AS open,
	count(*) FILTER (WHERE d.state IN ('assessed', 'closed')) AS resolved
FROM campaign_dispute c JOIN dispute d ON d.id = c.dispute GROUP BY c.campaign ORDER BY c.campaign;
-- In a township small counts could tell who it is: of campaign 3 nothing but the nine that there are.
SET govcase.account = 'town-analyst';
SELECT campaign, disputes, open, resolved, percent(rate, 1) AS rate FROM campaign_progress ORDER BY campaign;
-- Another county has its own part of that of the city; who has no such duty has nothing.
SET govcase.account = 'other';
SELECT campaign, disputes, open, resolved, percent(rate, 1) AS rate FROM campaign_progress ORDER BY campaign;
SET govcase.account = 'member';
SELECT campaign, disputes FROM campaign_progress;
SET govcase.account = 'justice';
SELECT campaign, disputes FROM campaign_progress;

-- The foreign keys: a campaign that has cases stays, and so does a link that a conference has.
SET SESSION AUTHORIZATION joint_owner;
\set VERBOSITY terse
DELETE FROM campaign WHERE id = 1;
INSERT INTO conference (dispute, centre, held_at, link_seq) VALUES (1, '411602000000', now(), 99);
\set VERBOSITY default
SELECT count(*) FROM verify_chain('dispute');

RESET SESSION AUTHORIZATION;
\set QUIET on
SET client_min_messages = warning;
DROP SCHEMA joint CASCADE;
DROP OWNED BY joint_owner, joint_pool;
DROP ROLE joint_owner, joint_pool;
