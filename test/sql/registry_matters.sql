\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS govcase CASCADE;
SELECT format('GRANT CREATE ON DATABASE %I TO matters_owner', current_database()) AS grant_create \gset
CREATE ROLE matters_owner;
:grant_create;
-- A member, an officer and a leader as themselves; a pool that has every grant.
CREATE ROLE matters_li; CREATE ROLE matters_officer; CREATE ROLE matters_leader; CREATE ROLE matters_pool;
RESET client_min_messages;
\set QUIET off
\set ECHO all
\set SHOW_CONTEXT never
\set VERBOSITY terse
SET timezone = 'Asia/Shanghai';
SET datestyle = 'ISO';
SET SESSION AUTHORIZATION matters_owner;
CALL govcase.create_registry('reports');
SET search_path = reports, govcase, public;

INSERT INTO region (code, code_end, level, parent, name) VALUES
	('411600000000', '411699999999', 1, NULL, 'city'),
	('411602000000', '411602999999', 2, '411600000000', 'county A'),
	('411602001000', '411602001999', 3, '411602000000', 'township A1'),
	('411602001001', '411602001001', 4, '411602001000', 'village A11'),
	('411602001002', '411602001002', 4, '411602001000', 'village A12'),
	('411681000000', '411681999999', 2, '411600000000', 'county B'),
	('411681001000', '411681001999', 3, '411681000000', 'township B1');
INSERT INTO region (code, code_end, level, parent, name, valid, replaced_by) VALUES
	('411602001003', '411602001003', 4, '411602001000', 'village A13', '[2000-01-01,2024-04-01)', '411602001001');
-- Two grids side by side, and a market inside the first.
INSERT INTO grid (code, region, kind, valid, boundary)
SELECT g.code, '411602001001', g.kind, g.valid::daterange,
	ST_Multi(ST_MakeEnvelope(114 + g.west, 33, 114 + g.east, 33.010, 4490))
FROM (VALUES
	('41160200100101', 'ordinary', '[2024-01-01,)', 0, 0.010),
	('41160200100102', 'ordinary', '[2024-01-01,)', 0.010, 0.020),
	('41160200100103', 'special', '[2024-03-01,)', 0.004, 0.006)) AS g(code, kind, valid, west, east);
INSERT INTO department (name, region) VALUES
	('lighting', '411602000000'), ('justice', '411602000000'), ('lighting', '411681000000');
INSERT INTO item_class VALUES ('01', 'public_service', 'streets'), ('02', 'governance', 'disputes');
INSERT INTO item (code, class, name, risk, department) VALUES
	('0101', '01', 'street lamp', 'blue', 1), ('0201', '02', 'quarrel', 'yellow', 2), ('0202', '02', 'brawl', 'red', NULL);
INSERT INTO account (id) VALUES ('a-li'), ('a-chen'), ('a-zhao'), ('a-village'), ('a-other'), ('a-leader'),
	('a-lamps'), ('a-justice'), ('a-lamps-b'), ('a-analyst'), ('a-late');
INSERT INTO account (id, active) VALUES ('a-left', false);
INSERT INTO account_duty (account, duty, region, department, valid) VALUES
	('a-li', 'member', '411602001001', NULL, '[2000-01-01,)'),
	('a-chen', 'member', '411602001001', NULL, '[2000-01-01,)'),
	('a-zhao', 'centre', '411602000000', NULL, '[2000-01-01,)'),
	('a-village', 'centre', '411602001001', NULL, '[2000-01-01,)'),
	('a-other', 'centre', '411681000000', NULL, '[2000-01-01,)'),
	('a-leader', 'leader', '411602000000', NULL, '[2000-01-01,)'),
	('a-leader', 'inspector', '411602000000', NULL, '[2000-01-01,)'),
	('a-lamps', 'officer', NULL, 1, '[2000-01-01,)'),
	('a-justice', 'officer', NULL, 2, '[2000-01-01,)'),
	('a-lamps-b', 'officer', NULL, 3, '[2000-01-01,)'),
	('a-analyst', 'analyst', '411600000000', NULL, '[2000-01-01,)'),
	('a-late', 'member', '411602001001', NULL, '[2000-01-01,2001-01-01)'),
	('a-left', 'member', '411602001001', NULL, '[2000-01-01,)');
INSERT INTO account_login VALUES ('matters_li', 'person', 'a-li'), ('matters_officer', 'person', 'a-lamps'),
	('matters_leader', 'person', 'a-leader'), ('matters_pool', 'vouched', NULL), ('matters_owner', 'vouched', NULL);
CALL admit('matters_li', 'member');
CALL admit('matters_officer', 'officer');
CALL admit('matters_leader', 'leader'); CALL admit('matters_leader', 'inspector');
CALL admit('matters_pool', 'member'); CALL admit('matters_pool', 'officer'); CALL admit('matters_pool', 'centre');

-- A member reports. The grid is that of then, and a special one before an ordinary one.
SET SESSION AUTHORIZATION matters_li;
CREATE FUNCTION pg_temp.point(x float8, y float8 DEFAULT 33.005) RETURNS geometry LANGUAGE sql
	AS 'SELECT public.ST_SetSRID(public.ST_MakePoint(x, y), 4490)';
SELECT id, item, region, grid, member, state, reported_at, received_at = now() AS now, octet_length(salt) AS salt, dispute
FROM report_matter('00000000-0000-0000-0000-000000000001', '0101', '411602001001', '2024-05-01 10:00',
	'lamp 路灯 is dark', pg_temp.point(114.002), NULL);
SELECT content, ST_AsText(place) AS place, reporter FROM matter_detail;
-- What is kept of what was sent, byte by byte: null is 00; else 01, length, bytes.
SELECT digest = sha256(salt
	|| '\x01'::bytea || '\x00000004'::bytea || '0101'::bytea
	|| '\x01'::bytea || '\x0000000c'::bytea || '411602001001'::bytea
	|| '\x01'::bytea || '\x00000008'::bytea || int8send(767844000::bigint * 1000000)  -- seconds since 2000-01-01 UTC
	|| '\x01'::bytea || '\x00000013'::bytea || convert_to('lamp 路灯 is dark', 'UTF8')
	|| '\x01'::bytea || '\x00000019'::bytea || '\x01010000208a110000'::bytea || substr(ST_AsBinary(place, 'NDR'), 6)
	|| '\x00'::bytea) AS same
FROM matter JOIN matter_detail ON matter = id;

-- Sent again it is what is there, however late, and is not entered twice; altitude is not kept.
SELECT id, received_at < clock_timestamp() AS earlier, state FROM report_matter('00000000-0000-0000-0000-000000000001',
	'0101', '411602001001', '2024-05-01 02:00+00', 'lamp 路灯 is dark', ST_Force3D(pg_temp.point(114.002), 71.3), NULL);
SELECT (SELECT count(*) FROM matter) AS matters, (SELECT count(*) FROM matter_detail) AS details;
-- Sent otherwise, it is told in what; empty is not null.
\set VERBOSITY default
SELECT FROM report_matter('00000000-0000-0000-0000-000000000001', '0201', '411602001001', '2024-05-01 10:00',
	'lamp 路灯 is dark', pg_temp.point(114.002));
\echo :SQLSTATE
SELECT FROM report_matter('00000000-0000-0000-0000-000000000001', '0101', '411602001002', '2024-05-01 10:00:00.000001',
	'lamp is dark', pg_temp.point(114.0020000001), '');
SELECT FROM report_matter('00000000-0000-0000-0000-000000000001', '0101', '411602001001', '2024-05-01 10:00');
\echo :SQLSTATE
SELECT count(*) FROM matter;
-- Another's is like one that is not there, even where it can be seen.
SET SESSION AUTHORIZATION matters_pool;
SET govcase.account = 'a-chen';
SELECT count(*) FROM matter;
SELECT FROM report_matter('00000000-0000-0000-0000-000000000001', '0101', '411602001001', '2024-05-01 10:00',
	'lamp 路灯 is dark', pg_temp.point(114.002), NULL);
\echo :SQLSTATE
SET govcase.account = 'a-other';
SELECT count(*) FROM matter;
SELECT FROM report_matter('00000000-0000-0000-0000-000000000001', '0101', '411602001001', '2024-05-01 10:00');
\echo :SQLSTATE

-- Who reports, and from where.
\set VERBOSITY terse
SET govcase.account = 'a-other';
SELECT FROM report_matter('00000000-0000-0000-0000-00000000000a', '0101', '411602001001', '2024-05-01 10:00');
\echo :SQLSTATE
SET govcase.account = 'a-li';
SELECT FROM report_matter('00000000-0000-0000-0000-00000000000a', '0101', '411602001002', '2024-05-01 10:00');
-- The township holds the village, not the other way round.
SELECT FROM report_matter('00000000-0000-0000-0000-00000000000a', '0101', '411602001000', '2024-05-01 10:00');
SELECT FROM report_matter('00000000-0000-0000-0000-00000000000a', '0101', 'nowhere', '2024-05-01 10:00');
SET govcase.account = 'a-leader';
SELECT FROM report_matter('00000000-0000-0000-0000-00000000000a', '0101', '411602001001', '2024-05-01 10:00');
SET govcase.account = 'a-lamps';
SELECT FROM report_matter('00000000-0000-0000-0000-00000000000a', '0101', '411602001001', '2024-05-01 10:00');
SET govcase.account = 'a-late';
SELECT FROM report_matter('00000000-0000-0000-0000-00000000000a', '0101', '411602001001', '2024-05-01 10:00');
SET govcase.account = 'a-left';
SELECT FROM report_matter('00000000-0000-0000-0000-00000000000a', '0101', '411602001001', '2024-05-01 10:00');
\echo :SQLSTATE
RESET govcase.account;
SELECT FROM report_matter('00000000-0000-0000-0000-00000000000a', '0101', '411602001001', '2024-05-01 10:00');
\echo :SQLSTATE
SET SESSION AUTHORIZATION matters_leader;
SELECT FROM report_matter('00000000-0000-0000-0000-00000000000a', '0101', '411602001001', '2024-05-01 10:00');
SELECT raise_matter('00000000-0000-0000-0000-000000000001');
SET SESSION AUTHORIZATION matters_officer;
SELECT FROM report_matter('00000000-0000-0000-0000-00000000000a', '0101', '411602001001', '2024-05-01 10:00');
SELECT raise_matter('00000000-0000-0000-0000-000000000001');
SET SESSION AUTHORIZATION matters_li;
INSERT INTO matter (id, item, region, reported_at)
VALUES ('00000000-0000-0000-0000-00000000000a', '0101', '411602001001', '2024-05-01 10:00');
\echo :SQLSTATE

-- What cannot be reported.
SELECT FROM report_matter(NULL, '0101', '411602001001', '2024-05-01 10:00');
SELECT FROM report_matter('00000000-0000-0000-0000-00000000000a', NULL, '411602001001', '2024-05-01 10:00');
SELECT FROM report_matter('00000000-0000-0000-0000-00000000000a', '0101', NULL, '2024-05-01 10:00');
SELECT FROM report_matter('00000000-0000-0000-0000-00000000000a', '0101', '411602001001', NULL);
\echo :SQLSTATE
SELECT FROM report_matter('00000000-0000-0000-0000-00000000000a', '9999', '411602001001', '2024-05-01 10:00');
\echo :SQLSTATE
SELECT FROM report_matter('00000000-0000-0000-0000-00000000000a', '0101', '411602001001', now() + interval '6 minutes');
\echo :SQLSTATE
SELECT FROM report_matter('00000000-0000-0000-0000-00000000000a', '0101', '411602001001', 'infinity');
SELECT FROM report_matter('00000000-0000-0000-0000-00000000000a', '0101', '411602001001', '-infinity');
\echo :SQLSTATE
\set VERBOSITY default
SELECT FROM report_matter('00000000-0000-0000-0000-00000000000a', '0101', '411602001001', '2024-05-01 10:00',
	NULL, ST_SetSRID(pg_temp.point(114.002), 4326));
SELECT FROM report_matter('00000000-0000-0000-0000-00000000000a', '0101', '411602001001', '2024-05-01 10:00',
	NULL, ST_MakeLine(pg_temp.point(114.002), pg_temp.point(114.003)));
\echo :SQLSTATE
-- A village that went into another one: until its last day.
SET SESSION AUTHORIZATION matters_pool;
SET govcase.account = 'a-zhao';
SELECT FROM report_matter('00000000-0000-0000-0000-00000000000a', '0101', '411602001003', '2024-04-01 00:00');
\echo :SQLSTATE
SELECT region, member FROM report_matter('00000000-0000-0000-0000-000000000002', '0101', '411602001003', '2024-03-31 23:59:59');
\set VERBOSITY terse

-- The grid that a place lies in is the one of then: the market stands since 1 March 2024, the two grids since 1 January.
SELECT t.at, p.x, (report_matter(md5(t.at::text || p.x)::uuid, '0101', '411602001001', t.at, NULL, pg_temp.point(p.x))).grid
FROM (VALUES (timestamptz '2023-12-31 23:59:59'), ('2024-01-01 00:00'), ('2024-02-29 12:00'), ('2024-03-01 00:00')) AS t(at),
	(VALUES (114.005), (114.015), (114.03)) AS p(x)
ORDER BY t.at, p.x;
-- On the border of two it is the first by code; what is nowhere is in none.
SELECT n, (report_matter(md5(n)::uuid, '0101', '411602001001', '2024-05-01 10:00', NULL, p)).grid
FROM (VALUES ('border', pg_temp.point(114.010)), ('no place', NULL), ('empty', ST_SetSRID('POINT EMPTY'::geometry, 4490)),
	('not a number', pg_temp.point('NaN', 'NaN')), ('infinite', pg_temp.point('Infinity', 0))) AS t(n, p);
-- A telephone whose clock is ahead a little.
SELECT reported_at > received_at AS ahead FROM report_matter('00000000-0000-0000-0000-000000000003', '0201', '411602001001',
	now() + interval '4 minutes', 'they shout', pg_temp.point(114.015));

-- What was purged, or corrected since, is not mistaken for something else.
SET SESSION AUTHORIZATION matters_owner;
SET govcase.account = 'a-zhao';
UPDATE matter SET item = '0201' WHERE id = '00000000-0000-0000-0000-000000000001';
SET SESSION AUTHORIZATION matters_li;
SELECT item FROM report_matter('00000000-0000-0000-0000-000000000001', '0101', '411602001001', '2024-05-01 10:00',
	'lamp 路灯 is dark', pg_temp.point(114.002), NULL);
\set VERBOSITY default
SELECT FROM report_matter('00000000-0000-0000-0000-000000000001', '0201', '411602001001', '2024-05-01 10:00',
	'lamp 路灯 is dark', pg_temp.point(114.002), NULL);
\set VERBOSITY terse
SET SESSION AUTHORIZATION matters_owner;
UPDATE matter SET item = '0101', salt = NULL, digest = NULL WHERE id = '00000000-0000-0000-0000-000000000001';
UPDATE matter_detail SET content = NULL, place = NULL WHERE matter = '00000000-0000-0000-0000-000000000001';
SET SESSION AUTHORIZATION matters_li;
SELECT item, region, reported_at FROM report_matter('00000000-0000-0000-0000-000000000001', '0202', '411602001001', '2024-06-01 10:00', 'anything');
-- One's own is there again when the duty is not.
SET SESSION AUTHORIZATION matters_owner;
UPDATE account_duty SET valid = '[2000-01-01,2001-01-01)' WHERE account = 'a-li';
SET SESSION AUTHORIZATION matters_li;
SELECT item FROM report_matter('00000000-0000-0000-0000-000000000001', '0101', '411602001001', '2024-05-01 10:00');
SELECT FROM report_matter('00000000-0000-0000-0000-00000000000a', '0101', '411602001001', '2024-05-01 10:00');
SELECT raise_matter('00000000-0000-0000-0000-000000000001');
SET SESSION AUTHORIZATION matters_owner;
UPDATE account_duty SET valid = '[2000-01-01,)' WHERE account = 'a-li';
-- Salts differ, so that equal reports cannot be told by their digests.
SET SESSION AUTHORIZATION matters_pool;
SET govcase.account = 'a-chen';
SELECT count(DISTINCT salt) AS salts, count(DISTINCT digest) AS digests, count(*) FILTER (WHERE region = '411602001001')
FROM (SELECT (report_matter(md5('same' || n)::uuid, '0101', '411602001001', '2024-05-02 10:00', 'same')).* FROM generate_series(1, 3) n) AS m;

-- The short loop. Members, leaders and inspectors look on.
SET SESSION AUTHORIZATION matters_li;
UPDATE matter SET state = 'assigned';
\echo :SQLSTATE
SET SESSION AUTHORIZATION matters_leader;
UPDATE matter SET state = 'assigned';
\echo :SQLSTATE
SET SESSION AUTHORIZATION matters_pool;
SET govcase.account = 'a-li';
UPDATE matter SET state = 'assigned' WHERE id = '00000000-0000-0000-0000-000000000001';
SET govcase.account = 'a-leader';
UPDATE matter SET state = 'assigned' WHERE id = '00000000-0000-0000-0000-000000000001';
SET govcase.account = 'a-other';
UPDATE matter SET state = 'assigned' WHERE id = '00000000-0000-0000-0000-000000000001';
SET govcase.account = 'a-zhao';
UPDATE matter SET item = '0202' WHERE id = '00000000-0000-0000-0000-000000000001';
\echo :SQLSTATE
-- The department that the item goes to sees it, and takes up what the centre has assigned.
SET SESSION AUTHORIZATION matters_officer;
SELECT id, state FROM matter WHERE id::text LIKE '00000000%' ORDER BY id;
SELECT count(*) FROM matter_detail WHERE matter = '00000000-0000-0000-0000-000000000001';
UPDATE matter SET state = 'assigned' WHERE id = '00000000-0000-0000-0000-000000000001';
SET SESSION AUTHORIZATION matters_pool;
SET govcase.account = 'a-zhao';
UPDATE matter SET state = 'assigned' WHERE id = '00000000-0000-0000-0000-000000000001';
SET SESSION AUTHORIZATION matters_officer;
UPDATE matter SET state = 'voided', reason = 'no time' WHERE id = '00000000-0000-0000-0000-000000000001';
\echo :SQLSTATE
UPDATE matter SET state = 'collected' WHERE id = '00000000-0000-0000-0000-000000000001';
\echo :SQLSTATE
UPDATE matter SET state = 'collected', reason = 'no lamp of ours' WHERE id = '00000000-0000-0000-0000-000000000001';
SET SESSION AUTHORIZATION matters_pool;
UPDATE matter SET state = 'assigned' WHERE id = '00000000-0000-0000-0000-000000000001';
SET SESSION AUTHORIZATION matters_officer;
UPDATE matter SET state = 'fed_back' WHERE id = '00000000-0000-0000-0000-000000000001';
\echo :SQLSTATE
UPDATE matter SET state = 'handling';
UPDATE matter SET state = 'fed_back';
UPDATE matter SET state = 'closed' WHERE id = '00000000-0000-0000-0000-000000000001';
SELECT id, state FROM matter WHERE state <> 'collected';
-- Other items, and a department of another county, are none of theirs.
SET SESSION AUTHORIZATION matters_pool;
SET govcase.account = 'a-justice';
SELECT count(*), min(item), max(item) FROM matter;
SET govcase.account = 'a-lamps-b';
SELECT count(*) FROM matter;
SET SESSION AUTHORIZATION matters_owner;
UPDATE item SET department = 3 WHERE code = '0101';
SET SESSION AUTHORIZATION matters_pool;
SELECT my_items(), (SELECT count(*) FROM matter);
UPDATE matter SET state = 'handling', reason = 'x';
SET SESSION AUTHORIZATION matters_owner;
UPDATE item SET department = 1 WHERE code = '0101';
SET SESSION AUTHORIZATION matters_pool;
SET govcase.account = 'a-zhao';
UPDATE matter SET state = 'closed' WHERE id = '00000000-0000-0000-0000-000000000001';
SELECT state, reason FROM matter WHERE id = '00000000-0000-0000-0000-000000000001';

-- Raised to a dispute: by the centre, held where graded control says, of the item's risk.
SELECT raise_matter('00000000-0000-0000-0000-000000000001');
\echo :SQLSTATE
SET SESSION AUTHORIZATION matters_owner;
ALTER TABLE dispute ALTER id RESTART;
SET SESSION AUTHORIZATION matters_pool;
SELECT raise_matter('00000000-0000-0000-0000-000000000003');
SELECT id, region, place_region, grid, grid_version, state, risk, found_by, grounds, item, reported_at = received AS at_receipt, responsible
FROM dispute, (SELECT received_at FROM matter WHERE id = '00000000-0000-0000-0000-000000000003') AS m(received);
SELECT title, narrative, ST_AsText(place) AS place FROM dispute_detail;
SELECT seq, kind, actor, to_state, to_risk FROM follow_up ORDER BY id, seq;
SELECT state, reason, dispute FROM matter WHERE id = '00000000-0000-0000-0000-000000000003';
-- Again it is the same, whatever is said.
SELECT raise_matter('00000000-0000-0000-0000-000000000003', risk => 'red', title => 'another');
SELECT count(*), min(risk) FROM dispute;
SELECT count(*) FROM verify_chain('dispute', 1);
\echo :SQLSTATE
-- A lamp is blue, and no dispute begins so; the centre says how it judges it.
SELECT raise_matter(md5('same1')::uuid);
\echo :SQLSTATE
SELECT raise_matter(md5('same1')::uuid, 'red');
\echo :SQLSTATE
SELECT raise_matter(md5('same1')::uuid, 'red', '{}');
SELECT raise_matter(md5('same1')::uuid, 'red', '{loud}');
\echo :SQLSTATE
SELECT raise_matter(md5('same1')::uuid, 'yellow', NULL, 'rumour');
\echo :SQLSTATE
SELECT state, dispute FROM matter WHERE id = md5('same1')::uuid;
SELECT raise_matter(md5('same1')::uuid, 'red', '{grave}', 'hotline', 'dark corner', 'they fight there') > 1 AS raised;
SELECT d.region, d.place_region, d.risk, d.found_by, d.grounds, d.reported_at, p.title, p.narrative, m.state, m.reason
FROM matter m JOIN dispute d ON d.id = m.dispute JOIN dispute_detail p ON p.dispute = d.id WHERE m.id = md5('same1')::uuid;
-- The reason that stands there already is a reason.
UPDATE matter SET state = 'assigned', reason = 'twice the same' WHERE id = md5('same2')::uuid;
SELECT raise_matter(md5('same2')::uuid, 'yellow', reason => 'twice the same') > 1 AS raised;
SELECT state, reason FROM matter WHERE id = md5('same2')::uuid;

-- The member who reported it may, while nobody has taken it up; nobody else.
SET govcase.account = 'a-li';
SELECT raise_matter(md5('same3')::uuid, 'yellow');
\echo :SQLSTATE
SET govcase.account = 'a-leader';
SELECT raise_matter(md5('same3')::uuid, 'yellow');
SET govcase.account = 'a-lamps';
SELECT raise_matter(md5('same3')::uuid, 'yellow');
SET govcase.account = 'a-other';
SELECT raise_matter(md5('same3')::uuid, 'yellow');
SELECT raise_matter('00000000-0000-0000-0000-00000000000f');
SELECT raise_matter(NULL);
\echo :SQLSTATE
RESET govcase.account;
SELECT raise_matter(md5('same3')::uuid, 'yellow');
SET govcase.account = 'a-zhao';
UPDATE matter SET state = 'assigned' WHERE id = md5('same3')::uuid;
SET govcase.account = 'a-chen';
\set VERBOSITY default
SELECT raise_matter(md5('same3')::uuid, 'yellow');
\echo :SQLSTATE
SET govcase.account = 'a-zhao';
UPDATE matter SET state = 'collected', reason = 'not ours' WHERE id = md5('same3')::uuid;
SET govcase.account = 'a-chen';
SELECT raise_matter(md5('same3')::uuid, 'yellow') > 1 AS raised;
-- The township holds it: the member keeps the link, and sees what is in the village alone.
SELECT m.dispute IS NOT NULL AS linked, d.id FROM matter m LEFT JOIN dispute d ON d.id = m.dispute WHERE m.id = md5('same3')::uuid;
-- A village's own centre raises what the county then holds.
SET govcase.account = 'a-village';
SELECT count(*) FROM dispute;
SELECT raise_matter(md5('border')::uuid, 'red', '{high_risk}') > 1 AS raised;
SET govcase.account = 'a-zhao';
-- Its centre is told of that, and of nothing that it has raised itself.
SELECT n.account, n.kind, m.id = md5('border')::uuid AS of_it FROM notice n JOIN matter m ON m.dispute = n.dispute;
SELECT d.region, d.place_region, d.grid, f.actor FROM matter m JOIN dispute d ON d.id = m.dispute JOIN follow_up f ON f.id = d.id
WHERE m.id = md5('border')::uuid;
-- Given away otherwise, or voided, it is not raised.
UPDATE matter SET state = 'transferred', reason = 'to the waterworks' WHERE id = md5('empty')::uuid;
UPDATE matter SET state = 'voided', reason = 'a test' WHERE id = md5('infinite')::uuid;
SELECT raise_matter(md5('empty')::uuid, 'yellow');
SELECT raise_matter(md5('infinite')::uuid, 'yellow');
\set VERBOSITY terse
-- Every dispute here has the one matter that it came from.
SELECT count(*) AS disputes, count(m.id) AS matters, count(DISTINCT m.id) AS different FROM dispute d LEFT JOIN matter m ON m.dispute = d.id;

-- After a redistricting a late report lies where it lay, in the version of then, and so does the dispute;
-- before the history began, in the grids that were first recorded. What stands since today is none of then.
SET SESSION AUTHORIZATION matters_owner;
SELECT clock_timestamp() AS before \gset
BEGIN;
DELETE FROM grid WHERE code = '41160200100103';
UPDATE grid SET boundary = ST_Multi(ST_MakeEnvelope(114, 33, 114.014, 33.010, 4490)) WHERE code = '41160200100101';
DELETE FROM grid WHERE code = '41160200100102';
INSERT INTO grid (code, region, boundary, valid) VALUES
	('41160200100104', '411602001001', ST_Multi(ST_MakeEnvelope(114.014, 33, 114.020, 33.010, 4490)), '[2000-01-01,)'),
	('41160200100105', '411602001001', ST_Multi(ST_MakeEnvelope(114.020, 33, 114.030, 33.010, 4490)), daterange(current_date, NULL));
COMMIT;
SELECT version, grid, upper_inf(valid) AS current FROM grid_history ORDER BY version;
SET SESSION AUTHORIZATION matters_pool;
SELECT n, x, (report_matter(md5(n || x)::uuid, '0201', '411602001001', at, NULL, pg_temp.point(x))).grid
FROM (VALUES ('before history', timestamptz '2024-05-04 00:00'), ('then', :'before'), ('after', clock_timestamp())) AS t(n, at),
	(VALUES (114.005), (114.012), (114.025), (114.035)) AS p(x)
ORDER BY x, at;
SELECT count(raise_matter(m.id)) FROM matter m JOIN (VALUES ('before history'), ('then'), ('after')) AS t(n)
	ON m.id IN (md5(n || '114.005')::uuid, md5(n || '114.012')::uuid, md5(n || '114.025')::uuid, md5(n || '114.035')::uuid);
SELECT n, x, d.grid, d.grid_version FROM (VALUES ('before history'), ('then'), ('after')) AS t(n), (VALUES (114.005), (114.012), (114.025), (114.035)) AS p(x),
	matter m JOIN dispute d ON d.id = m.dispute WHERE m.id = md5(n || x)::uuid ORDER BY n DESC, x;

-- A setting that was made before the library is there moves no clock.
\set QUIET on
\c -
SET client_min_messages = error;
\set QUIET off
SET SESSION AUTHORIZATION matters_li;
SET govcase.clock_skew = 86400;
SELECT FROM reports.report_matter('00000000-0000-0000-0000-00000000000a', '0101', '411602001001', now() + interval '6 minutes');

RESET SESSION AUTHORIZATION;
\set QUIET on
SET client_min_messages = warning;
DROP SCHEMA reports CASCADE;
DROP OWNED BY matters_owner, matters_li, matters_officer, matters_leader, matters_pool;
DROP ROLE matters_owner, matters_li, matters_officer, matters_leader, matters_pool;
