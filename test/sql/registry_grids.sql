\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS govcase CASCADE;
SELECT format('GRANT CREATE ON DATABASE %I TO grids_owner', current_database()) AS grant_create \gset
CREATE ROLE grids_owner;
:grant_create;
CREATE ROLE grids_member; CREATE ROLE grids_town; CREATE ROLE grids_other; CREATE ROLE grids_admin; CREATE ROLE grids_analyst;
RESET client_min_messages;
\set QUIET off
\set ECHO all
\set SHOW_CONTEXT never
\set VERBOSITY terse

-- A registry's grids are under protection and have a history; its cases are placed in them.
SET SESSION AUTHORIZATION grids_owner;
CALL govcase.create_registry('grids');
SET search_path = grids, govcase, public;
SELECT grids, regions, columns, region_columns, srid, code_rule, triggers_missing, problem
FROM grid_protections() WHERE grids = 'grid'::regclass;
SELECT history, lineage FROM grid_history('grid');
CREATE FUNCTION pg_temp.square(x float8, y float8, width float8 DEFAULT 0.01, height float8 DEFAULT 0.01) RETURNS geometry
LANGUAGE sql IMMUTABLE AS $$ SELECT ST_Multi(ST_MakeEnvelope(x, y, x + width, y + height, 4490)) $$;
CREATE FUNCTION pg_temp.at(x float8, y float8) RETURNS geometry
LANGUAGE sql IMMUTABLE AS $$ SELECT ST_SetSRID(ST_MakePoint(x, y), 4490) $$;
SELECT nspname AS tmp FROM pg_namespace WHERE oid = pg_my_temp_schema() \gset
-- Boundaries of regions are optional: here the township has one, 0.04 wide, and its village none.
INSERT INTO region (code, code_end, level, parent, name) VALUES
	('411600000000', '411699999999', 1, NULL, 'city'),
	('411602000000', '411602999999', 2, '411600000000', 'county A'),
	('411602001000', '411602001999', 3, '411602000000', 'township A1'),
	('411602001001', '411602001001', 4, '411602001000', 'village A11'),
	('411602002000', '411602002999', 3, '411602000000', 'township A2');
UPDATE region SET boundary = pg_temp.square(114.60, 33.60, 0.04) WHERE code = '411602001000';
INSERT INTO account (id) VALUES ('a-owner'), ('a-member'), ('a-town'), ('a-other'), ('a-admin'), ('a-analyst');
INSERT INTO account_duty (account, duty, region) VALUES ('a-owner', 'centre', '411600000000'),
	('a-member', 'member', '411602001001'), ('a-town', 'centre', '411602001000'), ('a-other', 'centre', '411602002000'),
	('a-admin', 'admin', '411602000000'), ('a-analyst', 'analyst', '411600000000');
INSERT INTO account_login VALUES ('grids_owner', 'vouched', NULL), ('grids_member', 'person', 'a-member'),
	('grids_town', 'person', 'a-town'), ('grids_other', 'person', 'a-other'), ('grids_admin', 'person', 'a-admin'),
	('grids_analyst', 'person', 'a-analyst');
CALL admit('grids_member', 'member'); CALL admit('grids_town', 'centre'); CALL admit('grids_other', 'centre');
CALL admit('grids_admin', 'admin'); CALL admit('grids_analyst', 'analyst');
RESET SESSION AUTHORIZATION;
DO $$ BEGIN EXECUTE format('GRANT USAGE ON SCHEMA %I TO PUBLIC', (SELECT nspname FROM pg_namespace WHERE oid = pg_my_temp_schema())); END $$;

-- An admin draws grids; the rules hold for admins, too.
SET SESSION AUTHORIZATION grids_admin;
INSERT INTO grid (code, region, boundary) VALUES
	('41160200100101', '411602001001', :tmp.square(114.60, 33.60)),
	('41160200100102', '411602001001', :tmp.square(114.61, 33.60)),
	('41160200100103', '411602001001', :tmp.square(114.62, 33.60));
INSERT INTO grid (code, region, boundary) VALUES ('41160200100104', '411602001001', :tmp.square(114.625, 33.60));
\echo :SQLSTATE
INSERT INTO grid (code, region, boundary) VALUES ('41160200100104', '411602001001', :tmp.square(114.635, 33.60));
INSERT INTO grid (code, region, boundary) VALUES ('41160200200104', '411602001001', :tmp.square(114.63, 33.60));
UPDATE region SET boundary = :tmp.square(114.60, 33.60, 0.02) WHERE code = '411602001000';
INSERT INTO grid (code, region, kind, boundary) VALUES ('411602001001901', '411602001001', 'special', :tmp.square(114.604, 33.604, 0.002, 0.002));
SELECT version, grid, kind, upper_inf(valid) AS in_force FROM grid_history ORDER BY version;
SET SESSION AUTHORIZATION grids_member;
INSERT INTO grid (code, region, boundary) VALUES ('41160200100105', '411602001001', :tmp.square(114.63, 33.60));
\echo :SQLSTATE
DELETE FROM grid_history;
\echo :SQLSTATE
SELECT count(*) FROM grid_history;
SET SESSION AUTHORIZATION grids_analyst;
SELECT count(*) FROM grid_history;
SELECT find_grid(:tmp.at(114.605, 33.605));
\echo :SQLSTATE

-- Where a dispute is decides its grid, by whomever it is entered.
SET SESSION AUTHORIZATION grids_owner;
ALTER TABLE dispute ALTER id RESTART;
SET SESSION AUTHORIZATION grids_member;
SELECT find_grid(:tmp.at(114.6051, 33.6051)) AS special, find_grid(:tmp.at(114.601, 33.605)) AS ordinary, find_grid(:tmp.at(0, 0)) AS none;
INSERT INTO dispute (region, place_region, grid, risk, found_by) VALUES
	('411602001001', '411602001001', NULL, 'yellow', 'patrol'),                 -- 1, by its place in 01
	('411602001001', '411602001001', NULL, 'yellow', 'patrol'),                 -- 2, in the market
	('411602001001', '411602001001', '41160200100102', 'yellow', 'patrol'),     -- 3, by hand, no place
	('411602001001', '411602001001', '41160200100102', 'yellow', 'patrol'),     -- 4, by hand, but its place is in 01
	('411602001001', '411602001001', '41160200100103', 'yellow', 'patrol'),     -- 5, by hand, but its place is in none
	('411602001001', '411602001001', NULL, 'yellow', 'patrol'),                 -- 6, nothing known
	('411602001001', '411602001001', NULL, 'yellow', 'patrol');                 -- 7, a detail without a place
INSERT INTO dispute_detail (dispute, title, place) VALUES
	(1, 'one', :tmp.at(114.601, 33.601)), (2, 'two', :tmp.at(114.605, 33.605)), (4, 'four', :tmp.at(114.609, 33.605)),
	(5, 'five', :tmp.at(114.65, 33.605)), (7, 'seven', NULL);
SELECT id, grid, grid_version FROM dispute ORDER BY id;
SELECT id, why, grid_now FROM unplaced ORDER BY id;
-- Longitude and latitude the wrong way round are refused, and nothing is left of it.
INSERT INTO dispute_detail (dispute, place) VALUES (6, :tmp.at(33.605, 114.605));
\echo :SQLSTATE
-- A grid that never was is refused, and so is the version of another.
INSERT INTO dispute (region, place_region, grid, risk, found_by) VALUES ('411602001001', '411602001001', '41160200100177', 'yellow', 'patrol');
\echo :SQLSTATE
INSERT INTO dispute (region, place_region, grid, grid_version, risk, found_by) VALUES ('411602001001', '411602001001', '41160200100102', 1, 'yellow', 'patrol');
\echo :SQLSTATE
SET SESSION AUTHORIZATION grids_town;
UPDATE dispute SET grid = '41160200100177' WHERE id = 6;
\echo :SQLSTATE
UPDATE dispute SET grid_version = 1 WHERE id = 3;
\echo :SQLSTATE
-- A version without a grid is none; another grid by hand has its own version.
UPDATE dispute SET grid_version = 1 WHERE id = 6 RETURNING grid, grid_version;
UPDATE dispute SET grid = '41160200100103' WHERE id = 3 RETURNING grid, grid_version;
UPDATE dispute SET grid = NULL WHERE id = 3 RETURNING grid, grid_version;
UPDATE dispute SET grid = '41160200100102' WHERE id = 3 RETURNING grid, grid_version;
SET SESSION AUTHORIZATION grids_owner;
SET govcase.account = 'a-owner';
INSERT INTO matter (id, item, region, grid, reported_at) VALUES (gen_random_uuid(), 'x', '411602001001', '41160200100177', now());
\echo :SQLSTATE
RESET govcase.account;

-- What a place was in stays, until the place is another one.
SELECT clock_timestamp() AS "then" \gset
SET SESSION AUTHORIZATION grids_admin;
-- 01 is cut in two at its middle, and 03 goes into 02.
BEGIN;
UPDATE grid SET boundary = :tmp.square(114.60, 33.60, 0.005) WHERE code = '41160200100101';
INSERT INTO grid (code, region, boundary) VALUES ('41160200100111', '411602001001', :tmp.square(114.605, 33.60, 0.005));
UPDATE grid SET boundary = :tmp.square(114.61, 33.60, 0.02) WHERE code = '41160200100102';
DELETE FROM grid WHERE code = '41160200100103';
COMMIT;
SELECT f.version, f.grid, t.version AS into_version, t.grid AS into_grid, round(l.share::numeric, 6) AS share
FROM grid_history_lineage l JOIN grid_history f ON f.version = l.from_version JOIN grid_history t ON t.version = l.to_version
ORDER BY 1, 3;
SET SESSION AUTHORIZATION grids_town;
SELECT id, grid, grid_version FROM dispute ORDER BY id;
UPDATE dispute_detail SET place = place, title = title || '!';
UPDATE dispute_detail SET place = NULL WHERE dispute = 2;
SELECT id, grid, grid_version FROM dispute WHERE grid IS NOT NULL ORDER BY id;
-- Corrected by some metres within what is still 01, case 1 keeps its version; moved to the new half, 4 is there.
UPDATE dispute_detail SET place = :tmp.at(114.6012, 33.6012) WHERE dispute = 1;
UPDATE dispute_detail SET place = :tmp.at(114.6095, 33.6) WHERE dispute = 4;
SELECT id, grid, grid_version FROM dispute WHERE id IN (1, 4) ORDER BY id;
-- Registered late, a case may still be of a grid that is no more, and bears its last version.
INSERT INTO dispute (region, place_region, grid, risk, found_by) VALUES ('411602001000', '411602001001', '41160200100103', 'yellow', 'window')
RETURNING id, grid, grid_version;

-- Figures by the grids of then, and of now: none is lost, and none counted twice.
SELECT grid, count(*) FROM dispute WHERE state <> 'voided' GROUP BY grid ORDER BY grid;
SELECT grid, count(*) FROM regrid('dispute_place', 'grid', now(), 'place', 'grid_version', '{id}') GROUP BY grid ORDER BY grid;
SELECT grid, count(*) FROM regrid('dispute_place', 'grid', :'then', 'place', 'grid_version', '{id}') GROUP BY grid ORDER BY grid;
SET SESSION AUTHORIZATION grids_other;
SELECT count(*) FROM regrid('dispute_place', 'grid', now(), 'place', 'grid_version', '{id}');
SELECT count(*) FROM dispute_place;
SELECT count(*) FROM unplaced;
-- An admin, who works no case, has no way to where they are.
SET SESSION AUTHORIZATION grids_admin;
SELECT count(*) FROM dispute_place;
\echo :SQLSTATE

-- A grid that comes later takes in what is placed again by touching it.
INSERT INTO region (code, code_end, level, parent, name) VALUES ('411602002001', '411602002001', 4, '411602002000', 'village A21');
INSERT INTO grid (code, region, boundary) VALUES ('41160200200101', '411602002001', :tmp.square(114.64, 33.60, 0.02));
SET SESSION AUTHORIZATION grids_town;
SELECT id, why, grid_now FROM unplaced ORDER BY id;
UPDATE dispute_detail d SET place = place FROM unplaced u WHERE u.id = d.dispute AND u.grid_now IS NOT NULL;
SELECT id, why FROM unplaced ORDER BY id;

-- Grids and cases of one transaction: the version is the one that the history then has.
SET SESSION AUTHORIZATION grids_owner;
SET govcase.account = 'a-owner';
BEGIN;
UPDATE grid SET boundary = :tmp.square(114.64, 33.60, 0.01) WHERE code = '41160200200101';
INSERT INTO grid (code, region, boundary) VALUES ('41160200200102', '411602002001', :tmp.square(114.65, 33.60, 0.01));
INSERT INTO dispute (region, place_region, risk, found_by) SELECT '411602002000', '411602002001', 'yellow', 'window' FROM generate_series(1, 2);
INSERT INTO dispute_detail (dispute, place) VALUES ((SELECT max(id) - 1 FROM dispute), :tmp.at(114.641, 33.601)),
	((SELECT max(id) FROM dispute), :tmp.at(114.655, 33.601));
INSERT INTO dispute (region, place_region, risk, found_by, grid) VALUES ('411602002000', '411602002001', 'yellow', 'window', '41160200200102');
COMMIT;
SELECT d.grid, upper_inf(h.valid) AS in_force, h.grid = d.grid AS same, ST_Covers(h.geom, p.place) AS inside
FROM (SELECT * FROM dispute ORDER BY id DESC LIMIT 3) d
	JOIN grid_history h ON h.version = d.grid_version LEFT JOIN dispute_detail p ON p.dispute = d.id ORDER BY d.id;

-- A grid with members is theirs: it goes when they have been given another.
INSERT INTO grid_member VALUES ('a-member', '41160200100102', true);
DELETE FROM grid WHERE code = '41160200100102';
\echo :SQLSTATE
-- Other tolerances: unprotected, and protected again, the history goes on.
SELECT unprotect_grids('grid');
SELECT protect_grids('grid', 'region', tolerance => 2);
SELECT create_grid_history('grid', 'grid_history');
SELECT count(*) AS versions, count(*) FILTER (WHERE upper_inf(valid)) AS in_force, (SELECT count(*) FROM grid) AS grids FROM grid_history;
SELECT find_grid(pg_temp.at(114.601, 33.601));
-- Renamed, all of it goes on.
CALL rename_registry('grids', 'grids "2"');
SET search_path = "grids ""2""", govcase, public;
SELECT problem, triggers_missing FROM grid_protections() WHERE grids = 'grid'::regclass;
INSERT INTO dispute (region, place_region, risk, found_by) VALUES ('411602001000', '411602001001', 'yellow', 'window');
INSERT INTO dispute_detail (dispute, place) SELECT max(id), pg_temp.at(114.601, 33.601) FROM dispute;
SELECT grid, grid_version = (SELECT version FROM grid_history h WHERE h.grid = d.grid AND upper_inf(valid)) AS newest
FROM dispute d ORDER BY id DESC LIMIT 1;
SELECT * FROM registry_changes('grids "2"');
SELECT * FROM verify_chain('dispute');
-- Coordinates from the middle of the earth draw no grids.
CALL create_registry('grids_deep', '{"srid": 4978}');
\echo :SQLSTATE

RESET SESSION AUTHORIZATION;
\set QUIET on
SET client_min_messages = warning;
DROP SCHEMA "grids ""2""" CASCADE;
DROP OWNED BY grids_owner, grids_member, grids_town, grids_other, grids_admin, grids_analyst;
DROP ROLE grids_owner, grids_member, grids_town, grids_other, grids_admin, grids_analyst;
