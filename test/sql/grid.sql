\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS govcase CASCADE;
RESET client_min_messages;
\set QUIET off
\set ECHO all
\set SHOW_CONTEXT never
-- Boundaries of grids hold to their rules. Coordinates are metres (CGCS2000, zone of
-- 114 degrees east), so that every area here can be computed by hand.
CREATE SCHEMA grids;
SET search_path = grids, govcase, public;
CREATE FUNCTION box(x float8, y float8, width float8, height float8) RETURNS geometry LANGUAGE sql IMMUTABLE AS $$
	SELECT ST_Multi(ST_MakeEnvelope(500000 + x, 3700000 + y, 500000 + x + width, 3700000 + y + height, 4547))
$$;
CREATE TABLE region (code text PRIMARY KEY, parent text REFERENCES region, boundary geometry(MultiPolygon, 4547));
-- A city without a boundary, two counties with one, townships and villages without.
INSERT INTO region VALUES
	('411600000000', NULL, NULL),
	('411602000000', '411600000000', box(0, 0, 1000, 1000)),
	('411602001000', '411602000000', NULL), ('411602001001', '411602001000', NULL), ('411602001002', '411602001000', NULL),
	('411602002000', '411602000000', NULL), ('411602002001', '411602002000', NULL),
	('411603000000', '411600000000', box(1000, 0, 1000, 1000)),
	('411603001000', '411603000000', NULL), ('411603001001', '411603001000', NULL);
CREATE TABLE grid (code text PRIMARY KEY, region text NOT NULL REFERENCES region, kind text NOT NULL DEFAULT 'ordinary',
	name text, boundary geometry(MultiPolygon, 4547) NOT NULL);
INSERT INTO grid (code, region, boundary) VALUES
	('41160200100101', '411602001001', box(0, 0, 100, 100)), ('41160200100102', '411602001001', box(100, 0, 100, 100));
SELECT protect_grids('grid', 'region');

-- Neighbours that share a border do not overlap, whether vertex by vertex or not.
INSERT INTO grid (code, region, boundary) VALUES ('41160200100201', '411602001002', box(0, 100, 200, 100));
-- 50 by 100 metres are 2 * 5000 / 300 metres wide.
INSERT INTO grid (code, region, boundary) VALUES ('41160200100202', '411602001002', box(150, 100, 100, 100));
-- Under another township, but in the county that is the nearest with a boundary.
INSERT INTO grid (code, region, boundary) VALUES ('41160200200101', '411602002001', box(190, 0, 100, 100));
-- Inside another, and just the same as another.
INSERT INTO grid (code, region, boundary) VALUES ('41160200100103', '411602001001', box(20, 20, 10, 10));
INSERT INTO grid (code, region, boundary) VALUES ('41160200100103', '411602001001', box(0, 0, 100, 100));
-- Of several that a grid overlaps, the one with the smallest code is named.
INSERT INTO grid (code, region, boundary) VALUES ('41160200100103', '411602001001', box(50, 50, 100, 100));
-- A hole that the other fills exactly is no overlap; one that it does not is.
INSERT INTO grid (code, region, boundary) VALUES
	('41160200100103', '411602001001', ST_Multi(ST_Difference(box(300, 0, 100, 100), box(320, 20, 10, 10)))),
	('41160200100104', '411602001001', box(320, 20, 10, 10));
UPDATE grid SET boundary = box(318, 20, 10, 10) WHERE code = '41160200100104';
-- Two that overlap each other in one statement: said once.
INSERT INTO grid (code, region, boundary) VALUES
	('41160200100105', '411602001001', box(500, 500, 100, 100)), ('41160200100106', '411602001001', box(580, 500, 100, 100));
-- Overlaps in several places.
INSERT INTO grid (code, region, boundary) VALUES ('41160200100107', '411602001001', ST_Multi(ST_Union(ARRAY[
	box(500, 500, 10, 100), box(600, 500, 10, 100), box(500, 600, 110, 10)])));
INSERT INTO grid (code, region, boundary) VALUES ('41160200100108', '411602001001', box(490, 510, 150, 20));
DELETE FROM grid WHERE code = '41160200100107';

-- A special grid lies across ordinary ones, but not across special ones.
INSERT INTO grid (code, region, kind, boundary) VALUES ('411602001001901', '411602001001', 'special', box(50, 50, 100, 100));
INSERT INTO grid (code, region, kind, boundary) VALUES ('411602001001902', '411602001001', 'special', box(149, 50, 100, 50));
UPDATE grid SET kind = 'special' WHERE code = '41160200100101';
UPDATE grid SET kind = 'ordinary' WHERE code = '411602001001901';

-- Inside its region, which is the nearest above it with a boundary.
INSERT INTO grid (code, region, boundary) VALUES ('41160200200101', '411602002001', box(900, 900, 200, 50));
INSERT INTO grid (code, region, boundary) VALUES ('41160200200101', '411602002001', ST_Multi(ST_Union(box(-20, 700, 200, 5), box(-10, 720, 200, 5))));
INSERT INTO grid (code, region, boundary) VALUES ('41160200200101', '411602002001', box(1100, 900, 200, 50));
INSERT INTO grid (code, region, boundary) VALUES ('41160300100101', '411603001001', box(1100, 900, 200, 50));
-- A region that does not exist: the key would say so at once, the check does at the end.
ALTER TABLE grid DROP CONSTRAINT grid_region_fkey;
INSERT INTO grid (code, region, boundary) VALUES ('41160200200901', '411602002009', box(900, 900, 50, 50));
ALTER TABLE grid ADD FOREIGN KEY (region) REFERENCES region DEFERRABLE;

-- What a boundary is in itself.
UPDATE grid SET boundary = ST_GeomFromText('MULTIPOLYGON EMPTY', 4547) WHERE code = '41160200100101';
UPDATE grid SET boundary = ST_GeomFromText('MULTIPOLYGON(((500000 3700000, 500010 3700010, 500010 3700000, 500000 3700010, 500000 3700000)))', 4547)
WHERE code = '41160200100101';
UPDATE grid SET boundary = NULL WHERE code = '41160200100101';

-- Codes: 12 digits of the village, which is that of the row, and a number.
INSERT INTO grid (code, region, boundary) VALUES ('4116020010011', '411602001001', box(900, 0, 50, 50));
INSERT INTO grid (code, region, boundary) VALUES ('4116020010011234', '411602001001', box(900, 0, 50, 50));
INSERT INTO grid (code, region, boundary) VALUES ('41160200100a01', '411602001001', box(900, 0, 50, 50));
INSERT INTO grid (code, region, boundary) VALUES ('41160200100209', '411602001001', box(900, 0, 50, 50));
INSERT INTO grid (code, region, boundary) VALUES ('411602001001000', '411602001001', box(900, 0, 50, 50));
INSERT INTO grid (code, region, kind, boundary) VALUES ('41160200100109', '411602001001', 'market', box(900, 0, 50, 50));
-- A grid may belong to a township or a county as a whole, whose code ends in zeros.
BEGIN;
INSERT INTO grid (code, region, boundary) VALUES ('41160200100001', '411602001000', box(900, 0, 50, 50));
INSERT INTO grid (code, region, boundary) VALUES ('411602000000001', '411602000000', box(950, 0, 50, 50));
COMMIT;
INSERT INTO grid (code, region, boundary) VALUES ('411602000000002', '411602001000', box(900, 60, 10, 10));

SELECT code, region, kind FROM grid ORDER BY code;

-- ---- Tolerances: 1 square metre and 1 metre -------------------------------------
DELETE FROM grid;
INSERT INTO grid (code, region, boundary) VALUES ('41160200100101', '411602001001', box(0, 0, 1000, 500));
-- A strip of 1000 by 0.9 metres is 900 square metres, but 2 * 900 / 2001.8 = 0.8992 metres wide.
INSERT INTO grid (code, region, boundary) VALUES ('41160200100102', '411602001001', box(0, 499.1, 1000, 400.9));
-- 1000 by 1.1 metres are 1.0988 wide.
UPDATE grid SET boundary = box(0, 498.9, 1000, 401.1) WHERE code = '41160200100102';
-- 0.9 by 0.9 is too small to matter; 2 by 0.5 is 0.4 wide; 3 by 3 is 1.5 wide and 9 large.
INSERT INTO grid (code, region, boundary) VALUES ('41160200100103', '411602001001', ST_Multi(ST_Union(box(0, 900, 500, 99), box(0, 899.1, 0.9, 1))));
UPDATE grid SET boundary = ST_Multi(ST_Union(box(0, 900, 500, 99), box(0, 899.5, 2, 1))) WHERE code = '41160200100103';
UPDATE grid SET boundary = ST_Multi(ST_Union(box(0, 900, 500, 99), box(0, 897, 3, 3.5))) WHERE code = '41160200100103';
-- Each piece alone: 25 slivers of 10 by 0.8 metres together are 200 square metres.
UPDATE grid SET boundary = (
	SELECT ST_Multi(ST_Union(b)) FROM (
		SELECT box(0, 900, 500, 99) AS b UNION ALL SELECT box(n * 20, 899.2, 10, 1) FROM generate_series(0, 24) n) v)
WHERE code = '41160200100103';
-- A hundredth of the smaller grid is too much however narrow: 0.1 by 99 metres of 0.3 by 99.
INSERT INTO grid (code, region, boundary) VALUES ('41160200100104', '411602001001', box(999, 900, 0.9, 99));
INSERT INTO grid (code, region, boundary) VALUES ('41160200100105', '411602001001', box(998.8, 900, 0.3, 99));
-- The same measures say what lies outside the region.
UPDATE grid SET boundary = box(0, 900, 500, 100.5) WHERE code = '41160200100103';
UPDATE grid SET boundary = box(0, 900, 500, 101.5) WHERE code = '41160200100103';
-- None at all, and more than a city needs.
SELECT unprotect_grids('grid');
SELECT protect_grids('grid', 'region', tolerance => 0, tolerance_width => 0);
SELECT protect_grids('grid', 'region', tolerance => 500, tolerance_width => 0.5);
SELECT protect_grids('grid', 'region', tolerance => 10000);

-- ---- Redistricting is judged at the end ------------------------------------------
DELETE FROM grid;
INSERT INTO grid (code, region, boundary) VALUES
	('41160200100101', '411602001001', box(0, 0, 400, 100)), ('41160200100102', '411602001001', box(400, 0, 100, 100)),
	('41160200100103', '411602001001', box(500, 0, 100, 100)), ('41160200100201', '411602001002', box(0, 100, 600, 100));
-- A split, a merge, and a border that moves, each through a state that overlaps.
BEGIN;
INSERT INTO grid (code, region, boundary) VALUES ('41160200100104', '411602001001', box(200, 0, 200, 100));
UPDATE grid SET boundary = box(0, 0, 200, 100) WHERE code = '41160200100101';
UPDATE grid SET boundary = box(400, 0, 200, 100) WHERE code = '41160200100102';
DELETE FROM grid WHERE code = '41160200100103';
UPDATE grid SET boundary = box(0, 80, 600, 120) WHERE code = '41160200100201';
UPDATE grid SET boundary = ST_Multi(ST_Intersection(boundary, box(0, 0, 600, 80))) WHERE code LIKE '411602001001%';
COMMIT;
-- Codes that are swapped, and one that goes and comes back.
BEGIN;
UPDATE grid SET code = '41160200100199' WHERE code = '41160200100101';
UPDATE grid SET code = '41160200100101' WHERE code = '41160200100102';
UPDATE grid SET code = '41160200100102' WHERE code = '41160200100199';
DELETE FROM grid WHERE code = '41160200100104';
INSERT INTO grid (code, region, boundary) VALUES ('41160200100104', '411602001001', box(200, 0, 200, 80));
COMMIT;
SELECT code, square_metres(boundary) FROM grid ORDER BY code;
-- The same with a mistake: nothing of it stays.
BEGIN;
UPDATE grid SET boundary = box(0, 0, 300, 80) WHERE code = '41160200100102';
UPDATE grid SET boundary = box(250, 0, 150, 80) WHERE code = '41160200100104';
COMMIT;
SELECT code, square_metres(boundary) FROM grid ORDER BY code;
-- Judged sooner where asked for, and then again what changes afterwards.
BEGIN;
SET CONSTRAINTS ALL IMMEDIATE;
UPDATE grid SET boundary = box(0, 0, 300, 80) WHERE code = '41160200100102';
ROLLBACK;
BEGIN;
UPDATE grid SET boundary = box(0, 0, 100, 80) WHERE code = '41160200100102';
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
UPDATE grid SET boundary = box(0, 0, 300, 80) WHERE code = '41160200100102';
COMMIT;
-- What has nothing to do with a boundary is not judged at all.
UPDATE grid SET name = 'market quarter' WHERE code = '41160200100102';

-- ---- Savepoints --------------------------------------------------------------------
-- What was undone is forgotten.
BEGIN;
SAVEPOINT a;
UPDATE grid SET boundary = box(0, 0, 300, 80) WHERE code = '41160200100102';
SAVEPOINT b;
INSERT INTO grid (code, region, boundary) VALUES ('41160200100105', '411602001001', box(0, 0, 300, 80));
RELEASE b;
ROLLBACK TO a;
COMMIT;
-- What was released is not.
BEGIN;
SAVEPOINT a;
UPDATE grid SET boundary = box(0, 0, 300, 80) WHERE code = '41160200100102';
RELEASE a;
SAVEPOINT c;
ROLLBACK TO c;
COMMIT;
-- What was judged within a savepoint that is undone is judged again: here a region is
-- taken away in between, so that the grid was right and then is not.
BEGIN;
UPDATE grid SET boundary = box(0, 0, 300, 80) WHERE code = '41160200100102';
SAVEPOINT a;
UPDATE grid SET boundary = box(300, 0, 100, 80) WHERE code = '41160200100104';
SET CONSTRAINTS ALL IMMEDIATE;
ROLLBACK TO a;
COMMIT;
-- And errors that PL/pgSQL catches.
DO $$
BEGIN
	FOR n IN 1 .. 3 LOOP
		BEGIN
			UPDATE grids.grid SET boundary = grids.box(0, 0, 100 * n, 80) WHERE code = '41160200100102';
			SET CONSTRAINTS ALL IMMEDIATE;
			RAISE NOTICE '% metres fit', 100 * n;
		EXCEPTION WHEN SQLSTATE 'VC005' THEN
			RAISE NOTICE '% metres do not: %', 100 * n, sqlerrm;
		END;
		SET CONSTRAINTS ALL DEFERRED;
	END LOOP;
END $$;
SELECT code, square_metres(boundary) FROM grid ORDER BY code;

-- ---- Regions -----------------------------------------------------------------------
-- A border that moves away from a grid, with and without the grid; one that moves on is in order.
UPDATE region SET boundary = box(0, 0, 550, 1000) WHERE code = '411602000000';
BEGIN;
UPDATE region SET boundary = box(0, 0, 550, 1000) WHERE code = '411602000000';
UPDATE grid SET boundary = ST_Multi(ST_Intersection(boundary, box(0, 0, 550, 1000)));
COMMIT;
UPDATE region SET boundary = box(0, 0, 700, 1000) WHERE code = '411602000000';
-- A township that gets a boundary takes its villages' grids with it.
UPDATE region SET boundary = box(0, 0, 200, 1000) WHERE code = '411602001000';
UPDATE region SET boundary = box(0, 0, 600, 1000) WHERE code = '411602001000';
-- From now on those of the other township are no siblings of theirs.
INSERT INTO grid (code, region, boundary) VALUES ('41160200200101', '411602002001', box(0, 0, 50, 50));
-- If the boundary goes, they are again.
UPDATE region SET boundary = NULL WHERE code = '411602001000';
UPDATE region SET parent = '411603000000' WHERE code = '411602002000';
DELETE FROM grid WHERE code = '41160200200101';
UPDATE region SET boundary = NULL WHERE code = '411602001000';
-- Boundaries of regions are sound, too.
UPDATE region SET boundary = ST_GeomFromText('MULTIPOLYGON EMPTY', 4547) WHERE code = '411602002001';
UPDATE region SET boundary = ST_GeomFromText('MULTIPOLYGON(((0 0, 1 1, 1 0, 0 1, 0 0)))', 4547) WHERE code = '411602002001';
-- Regions in a circle.
UPDATE region SET parent = '411602001001' WHERE code = '411602001000';
-- A region cannot go, or change its code, from under its grids.
ALTER TABLE grid DROP CONSTRAINT grid_region_fkey;
DELETE FROM region WHERE code = '411602001002';
UPDATE region SET code = '411602001009' WHERE code = '411602001002';
TRUNCATE region;
-- With them it can.
BEGIN;
UPDATE region SET code = '411602001009' WHERE code = '411602001002';
UPDATE grid SET region = '411602001009', code = '411602001009' || substr(code, 13) WHERE region = '411602001002';
COMMIT;
-- With no boundary anywhere the whole table is one family, across counties.
BEGIN;
UPDATE region SET boundary = NULL;
INSERT INTO grid (code, region, boundary) VALUES ('41160300100101', '411603001001', box(0, 0, 50, 50));
COMMIT;
BEGIN;
UPDATE region SET boundary = NULL WHERE code = '411603000000';
INSERT INTO grid (code, region, boundary) VALUES ('41160300100101', '411603001001', box(0, 0, 50, 50));
COMMIT;
TRUNCATE grid, region;
INSERT INTO grid (code, region, boundary) VALUES ('41160200100101', '411602001001', box(0, 0, 400, 100));

-- ---- Without regions, without kinds, in degrees ----------------------------------------
CREATE TABLE zone (number varchar(20) PRIMARY KEY, geom geometry NOT NULL);
INSERT INTO zone VALUES ('41160200100101', ST_MakeEnvelope(114, 33, 114.01, 33.01, 4490));
SELECT protect_grids('zone', columns => '{"code": "number", "boundary": "geom"}');
INSERT INTO zone VALUES ('41160200100102', ST_MakeEnvelope(114.01, 33, 114.02, 33.01, 4490));
-- A thousandth of a degree is 93.448 metres here, a hundredth to the north 1109.04.
INSERT INTO zone VALUES ('41160200100103', ST_MakeEnvelope(114.019, 33, 114.03, 33.01, 4490));
INSERT INTO zone VALUES ('41160200100103', ST_MakeEnvelope(114.02, 33, 114.03, 33.01, 4326));
INSERT INTO zone VALUES ('41160200100103', ST_MakeEnvelope(33, 114.02, 33.01, 114.03, 4490));
INSERT INTO zone VALUES ('41160200100103', ST_MakeEnvelope(179.9, 33, 180.1, 33.01, 4490));
INSERT INTO zone VALUES ('41160200100103', ST_MakeEnvelope(179.9, 89, 180, 90, 4490));
INSERT INTO zone VALUES ('41160200100104', ST_GeomFromText('LINESTRING(0 0, 1 1)', 4490));
INSERT INTO zone VALUES ('41160200100104', ST_GeomFromText('POINT EMPTY', 4490));
INSERT INTO zone VALUES ('41160200100104', ST_GeomFromText('CURVEPOLYGON(CIRCULARSTRING(0 0, 1 1, 2 0, 1 -1, 0 0))', 4490));
INSERT INTO zone VALUES ('41160200100104', ST_GeomFromText('GEOMETRYCOLLECTION(POLYGON((0 0, 1 0, 1 1, 0 0)))', 4490));
SELECT number FROM zone ORDER BY number;

SET client_min_messages = warning;
DROP SCHEMA grids CASCADE;
