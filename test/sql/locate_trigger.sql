\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS govcase CASCADE;
RESET client_min_messages;
\set QUIET off
\set ECHO all

-- place_by(): a trigger fills the grid of every row that has a point.

\set SHOW_CONTEXT never
CREATE ROLE regress_place_owner;
CREATE ROLE regress_place_officer;
CREATE SCHEMA placed;
GRANT USAGE, CREATE ON SCHEMA placed TO regress_place_owner, regress_place_officer;
SET search_path = placed, public;
INSERT INTO govcase.grid_code_rule (rule, kind, pattern, rank) VALUES ('placed', 'ordinary', '[a-z0-9]+', 1);
SET ROLE regress_place_owner;
-- Nine squares, one degree wide: a1 is from (110, 30) to (111, 31).
CREATE TABLE grid (code text PRIMARY KEY, geom geometry(MultiPolygon, 4490) NOT NULL);
INSERT INTO grid SELECT chr(97 + i) || j, ST_Multi(ST_MakeEnvelope(110 + i, 29 + j, 111 + i, 30 + j, 4490))
FROM generate_series(0, 2) i, generate_series(1, 3) j;
CREATE INDEX ON grid USING gist (geom);
CREATE FUNCTION at(x float8, y float8) RETURNS geometry LANGUAGE sql IMMUTABLE
AS $$ SELECT ST_SetSRID(ST_MakePoint(x, y), 4490) $$;
CREATE TABLE dispute (id integer PRIMARY KEY, place geometry(Point, 4490), grid text, note text);

-- What place_by() asks for, and what it says otherwise.
SELECT govcase.place_by('dispute', 'grid', 'place', 'grid');
SELECT govcase.protect_grids('grid', columns => '{"boundary": "geom"}', code_rule => 'placed');
SELECT govcase.place_by('dispute', 'grid', 'point', 'grid');
SELECT govcase.place_by('dispute', 'grid', 'note', 'grid');
SELECT govcase.place_by('dispute', 'grid', 'place', 'id');
SELECT govcase.place_by('dispute', 'grid', 'place', 'grid', 'note');
SELECT govcase.place_by('dispute', 'grid', NULL, 'grid');
SELECT govcase.place_by('dispute', NULL, 'place', 'grid');
CREATE VIEW disputes AS SELECT * FROM dispute;
SELECT govcase.place_by('disputes', 'grid', 'place', 'grid');
DROP VIEW disputes;
CREATE TABLE elsewhere (place geometry(Point, 4326), area geometry(Polygon, 4490), grid text, given text,
	made geometry GENERATED ALWAYS AS (ST_SetSRID(ST_MakePoint(1, 2), 4490)) STORED,
	spelt text GENERATED ALWAYS AS (upper(given)) STORED);
SELECT govcase.place_by('elsewhere', 'grid', 'place', 'grid');
SELECT govcase.place_by('elsewhere', 'grid', 'area', 'grid');
SELECT govcase.place_by('elsewhere', 'grid', 'made', 'grid');
CREATE TABLE divided (place geometry, grid text NOT NULL) PARTITION BY LIST (grid);
SELECT govcase.place_by('divided', 'grid', 'place', 'grid');
RESET ROLE;
SET ROLE regress_place_officer;
SELECT govcase.place_by('dispute', 'grid', 'place', 'grid');
CREATE TABLE own (place geometry, grid text);
SELECT govcase.place_by('own', 'grid', 'place', 'grid');
RESET ROLE;
SET ROLE regress_place_owner;

-- Rows from before are listed, and placed when their point is set.
INSERT INTO dispute VALUES (1, at(110.5, 30.5));
SELECT * FROM govcase.unplaced('dispute');
SELECT govcase.place_by('dispute', 'grid', 'place', 'grid');
SELECT govcase.place_by('dispute', 'grid', 'place', 'grid');
SELECT govcase.place_by('dispute', 'grid', 'place', 'note');
SELECT govcase.unplace_by('dispute', 'note');
ALTER TABLE dispute ADD kept bigint;
SELECT govcase.place_by('dispute', 'grid', 'place', 'grid', 'kept');
SELECT cases, grids, point_column, grid_column, version_column, trigger_name, enabled FROM govcase.placements() WHERE cases = 'dispute'::regclass;
SELECT row_id IS NOT NULL AS row_id, key, grid_column, reason, grid_now FROM govcase.unplaced('dispute');
UPDATE dispute SET place = place;
SELECT id, grid FROM dispute;

-- On a border, the smallest code; in no grid, none; without a point, as given.
INSERT INTO dispute (id, place, grid) VALUES
	(2, at(111, 31), NULL), (3, at(112.5, 32.25), 'a1'), (4, at(100, 30), 'a1'), (5, NULL, 'b2'), (6, NULL, NULL),
	(7, 'SRID=4490;POINT EMPTY', 'c1'), (8, at('NaN', 30), 'c1'), (9, at(110, 'Infinity'), 'c1');
SELECT id, grid FROM dispute WHERE id > 1 ORDER BY id;
SELECT key, reason, grid_now FROM govcase.unplaced('dispute');
-- What cannot be right is refused.
INSERT INTO dispute VALUES (10, at(30.5, 110.5));
UPDATE dispute SET place = at(200, 30) WHERE id = 2;
\set VERBOSITY sqlstate
INSERT INTO dispute VALUES (10, at(30.5, 110.5));
\set VERBOSITY default
-- A new point, a new grid; a grid set by hand stays until the point is set again.
UPDATE dispute SET place = at(112.5, 30.5) WHERE id = 2;
UPDATE dispute SET grid = 'b3', note = 'by hand' WHERE id = 3;
UPDATE dispute SET note = 'nothing changes' WHERE id = 3;
SELECT id, grid, note FROM dispute WHERE id IN (2, 3) ORDER BY id;
UPDATE dispute SET place = at(112.5, 32.5), grid = 'b1' WHERE id = 3;
UPDATE dispute SET place = NULL WHERE id = 2;
SELECT id, grid FROM dispute WHERE id IN (2, 3) ORDER BY id;
INSERT INTO dispute (id, place) VALUES (3, at(110.1, 30.1)) ON CONFLICT (id) DO UPDATE SET place = excluded.place;
COPY dispute (id, place) FROM stdin;
20	SRID=4490;POINT(111.5 30.5)
21	SRID=4490;POINT(111.5 31.5)
\.
SELECT id, grid FROM dispute WHERE id IN (3, 20, 21) ORDER BY id;

-- Renaming is followed: columns, the table, the grids.
ALTER TABLE dispute RENAME place TO "the point";
ALTER TABLE dispute RENAME grid TO "网格";
ALTER TABLE dispute RENAME TO "a dispute";
ALTER TABLE grid RENAME TO "the grids";
ALTER TABLE "the grids" RENAME geom TO shape;
INSERT INTO "a dispute" (id, "the point") VALUES (30, at(110.5, 32.5));
SELECT id, "网格" FROM "a dispute" WHERE id = 30;
SELECT key, grid_column, reason FROM govcase.unplaced('"a dispute"') WHERE reason = 'in no grid';
SELECT cases, grids, point_column, grid_column FROM govcase.placements() WHERE cases = '"a dispute"'::regclass;
ALTER TABLE "a dispute" DROP "网格";
ALTER TABLE "a dispute" RENAME "the point" TO place;
ALTER TABLE "a dispute" RENAME "网格" TO grid;
ALTER TABLE "a dispute" RENAME TO dispute;
ALTER TABLE "the grids" RENAME TO grid;
ALTER TABLE grid RENAME shape TO geom;

-- A redistricting: what is placed keeps its grid until its point is set again.
UPDATE grid SET code = 'z9' WHERE code = 'a3';
SELECT id, grid FROM dispute WHERE id = 30;
UPDATE dispute SET place = place WHERE id = 30;
SELECT id, grid FROM dispute WHERE id = 30;

-- Officers need no right to the grids; the owner of the cases does.
GRANT SELECT, INSERT, UPDATE ON dispute TO regress_place_officer;
RESET ROLE;
ALTER TABLE placed.grid ENABLE ROW LEVEL SECURITY;
ALTER TABLE placed.grid FORCE ROW LEVEL SECURITY;
SET ROLE regress_place_officer;
INSERT INTO dispute (id, place) VALUES (40, at(111.5, 32.5));
SELECT grid FROM dispute WHERE id = 40;
CREATE TRIGGER steal BEFORE INSERT OR UPDATE OF place, grid ON own FOR EACH ROW
	EXECUTE FUNCTION govcase.assign_grid('00000000-0000-0000-0000-000000000000');
INSERT INTO own VALUES (at(111.5, 32.5));
DROP TRIGGER steal ON own;
SELECT format('CREATE TRIGGER steal BEFORE INSERT OR UPDATE OF place, grid ON own FOR EACH ROW EXECUTE FUNCTION govcase.assign_grid(%L)',
	(govcase.grid_set('grid')).grid_set) \gexec
INSERT INTO own VALUES (at(111.5, 32.5));
RESET ROLE;
GRANT SELECT ON grid TO regress_place_officer;
SET ROLE regress_place_officer;
INSERT INTO own VALUES (at(111.5, 32.5));
SELECT grid FROM own;
-- A copy of the grids by somebody else does not come between the owner's tables.
CREATE TABLE copied (code text PRIMARY KEY, geom geometry(MultiPolygon, 4490) NOT NULL);
SELECT format('CREATE TRIGGER govcase_grid_columns AFTER UPDATE OF code, geom ON copied FOR EACH STATEMENT WHEN (false) EXECUTE FUNCTION govcase.grid_columns(%L, ''code'', ''boundary'', ''srid=4490'', ''tolerance=1'', ''tolerance_width=1'', ''code_rule=placed'', ''without_regions'')',
	(govcase.grid_set('grid')).grid_set) \gexec
RESET ROLE;
SET ROLE regress_place_owner;
INSERT INTO dispute (id, place) VALUES (41, at(112.5, 32.5));
SELECT grid FROM dispute WHERE id = 41;
RESET ROLE;
DROP TABLE own, copied;
ALTER TABLE grid NO FORCE ROW LEVEL SECURITY;
ALTER TABLE grid DISABLE ROW LEVEL SECURITY;
SET ROLE regress_place_owner;

-- Triggers made by hand, and wrongly.
CREATE TABLE plain (place geometry, grid text, area geometry, id integer);
CREATE TRIGGER t AFTER INSERT ON plain FOR EACH ROW EXECUTE FUNCTION govcase.assign_grid('x');
INSERT INTO plain VALUES (at(110, 30));
DROP TRIGGER t ON plain;
CREATE TRIGGER t BEFORE INSERT ON plain FOR EACH STATEMENT EXECUTE FUNCTION govcase.assign_grid('x');
INSERT INTO plain VALUES (at(110, 30));
DROP TRIGGER t ON plain;
CREATE TRIGGER t BEFORE INSERT ON plain FOR EACH ROW EXECUTE FUNCTION govcase.assign_grid('x');
INSERT INTO plain VALUES (at(110, 30));
DROP TRIGGER t ON plain;
CREATE TRIGGER t BEFORE INSERT OR UPDATE OF place, id ON plain FOR EACH ROW EXECUTE FUNCTION govcase.assign_grid('x');
INSERT INTO plain VALUES (at(110, 30));
DROP TRIGGER t ON plain;
CREATE TRIGGER t BEFORE INSERT OR UPDATE OF grid, place ON plain FOR EACH ROW EXECUTE FUNCTION govcase.assign_grid('x');
INSERT INTO plain VALUES (at(110, 30), 'a1');
DROP TRIGGER t ON plain;
CREATE TRIGGER t BEFORE INSERT OR UPDATE OF place, grid ON plain FOR EACH ROW EXECUTE FUNCTION govcase.assign_grid('grid');
INSERT INTO plain VALUES (at(110, 30));
DROP TRIGGER t ON plain;
SELECT govcase.assign_grid();

-- Two points in one row, lengths and domains that a code has to fit.
CREATE DOMAIN short_code AS varchar(2) CHECK (VALUE <> 'c3');
ALTER TABLE plain ADD home geometry, ADD home_grid short_code;
SELECT govcase.place_by('plain', 'grid', 'place', 'grid');
SELECT govcase.place_by('plain', 'grid', 'home', 'home_grid');
INSERT INTO plain (place, home) VALUES (at(110.5, 30.5), at(112.5, 30.5));
SELECT grid, home_grid FROM plain;
INSERT INTO plain (home) VALUES (at(112.5, 32.5));
UPDATE grid SET code = 'c0001' WHERE code = 'c1';
INSERT INTO plain (home) VALUES (at(112.5, 30.5));
UPDATE grid SET code = 'c1' WHERE code = 'c0001';
SELECT trigger_name, point_column, grid_column FROM govcase.placements() WHERE cases = 'plain'::regclass;
SELECT govcase.unplace_by('plain', 'grid');
SELECT trigger_name, point_column, grid_column FROM govcase.placements() WHERE cases = 'plain'::regclass;
SELECT govcase.unplace_by('plain');
SELECT govcase.unplace_by('plain');
-- A point that a trigger of the user's makes is placed in the same breath.
ALTER TABLE plain ADD lon float8, ADD lat float8;
CREATE FUNCTION make_point() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.place := placed.at(NEW.lon, NEW.lat); RETURN NEW; END $$;
CREATE TRIGGER make_point BEFORE INSERT ON plain FOR EACH ROW EXECUTE FUNCTION make_point();
SELECT govcase.place_by('plain', 'grid', 'place', 'grid');
INSERT INTO plain (lon, lat) VALUES (111.5, 31.5) RETURNING grid;

-- Partitions, with their columns in another order, and those that come later.
CREATE TABLE spread (county text NOT NULL, id integer, place geometry(Point, 4490), grid text) PARTITION BY LIST (county);
CREATE TABLE spread_a PARTITION OF spread FOR VALUES IN ('a');
CREATE TABLE spread_b (grid text, gone text, place geometry(Point, 4490), id integer, county text NOT NULL);
ALTER TABLE spread_b DROP gone;
ALTER TABLE spread ATTACH PARTITION spread_b FOR VALUES IN ('b');
SELECT govcase.place_by('spread_a', 'grid', 'place', 'grid');
SELECT govcase.place_by('spread', 'grid', 'place', 'grid');
CREATE TABLE spread_c PARTITION OF spread FOR VALUES IN ('c') PARTITION BY RANGE (id);
CREATE TABLE spread_c1 PARTITION OF spread_c FOR VALUES FROM (0) TO (100);
INSERT INTO spread VALUES ('a', 1, at(110.5, 30.5)), ('b', 2, at(111.5, 30.5)), ('c', 3, at(112.5, 30.5)), ('b', 4, at(1, 1));
SELECT tableoid::regclass, id, grid FROM spread ORDER BY id;
UPDATE spread SET county = 'b', place = at(111.5, 32.5) WHERE id = 1;
UPDATE spread SET grid = 'by hand' WHERE id = 2;
ALTER TABLE spread RENAME grid TO cell;
UPDATE spread SET place = at(111.5, 31.5) WHERE id = 3;
SELECT tableoid::regclass, id, cell FROM spread ORDER BY id;
SELECT relation, key, grid_column, reason FROM govcase.unplaced('spread');
SELECT count(*) FROM govcase.placements() WHERE cases IN (SELECT relid FROM pg_partition_tree('spread'));
SELECT govcase.unplace_by('spread');
INSERT INTO spread VALUES ('c', 5, at(112.5, 30.5)) RETURNING cell;

-- Without protection there is nothing to place by, and it says so.
SELECT govcase.unprotect_grids('grid');
INSERT INTO dispute (id, place) VALUES (50, at(110.5, 30.5));
SELECT * FROM govcase.unplaced('dispute');
SELECT grids, grid_column FROM govcase.placements() WHERE cases = 'dispute'::regclass;
SELECT govcase.unplace_by('dispute');
INSERT INTO dispute (id, place) VALUES (50, at(110.5, 30.5)) RETURNING grid;

RESET ROLE;
SET client_min_messages = warning;
DROP SCHEMA placed CASCADE;
DELETE FROM govcase.grid_code_rule WHERE rule = 'placed';
DROP ROLE regress_place_owner, regress_place_officer;
