\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS govcase CASCADE;
RESET client_min_messages;
\set QUIET off
\set ECHO all

\if :{?points} \else \set points 150000 \endif
-- locate() answers as the plainest SQL would: the first grid, by rank of its
-- kind and then by code, that ST_Covers the point.  Everything here is compared
-- with that, point by point.

CREATE SCHEMA place;
SET search_path = place, public;
INSERT INTO govcase.grid_code_rule (rule, kind, pattern, rank) VALUES
	('place', 'special', '[0-9]{2,}', 1),
	('place', 'ordinary', '[0-9]{2,}', 2);

-- A city of 20 x 20 grids with crooked borders, which neighbours share vertex by
-- vertex.  Corner (i, j) lies at (114 + i / 100, 33 + j / 100) degrees.
CREATE FUNCTION wave(a float8, b float8, t integer) RETURNS float8
LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN t IN (0, 30) THEN 0
		ELSE 0.002 * sin(pi() * t / 30) * (sin(7 * a + 91 * b) + sin(23 * a - 17 * b)) / 2 END
$$;
CREATE FUNCTION side(i integer, j integer, upwards boolean, backwards boolean) RETURNS geometry[]
LANGUAGE sql IMMUTABLE AS $$
	SELECT array_agg(CASE
		WHEN upwards THEN ST_MakePoint(114 + i / 100.0 + wave(j + t / 30.0, i + 0.37, t), 33 + (j + t / 30.0) / 100)
		ELSE ST_MakePoint(114 + (i + t / 30.0) / 100, 33 + j / 100.0 + wave(i + t / 30.0, j, t)) END
	ORDER BY CASE WHEN backwards THEN -t ELSE t END) FROM generate_series(0, 30) t
$$;
CREATE TABLE city (
	code text PRIMARY KEY,
	kind text NOT NULL DEFAULT 'ordinary',
	boundary geometry(MultiPolygon, 4490) NOT NULL
);
INSERT INTO city (code, boundary)
SELECT to_char(i * 100 + j, 'FM0000'), ST_Multi(ST_SetSRID(ST_MakePolygon(ST_RemoveRepeatedPoints(ST_MakeLine(
	side(i, j, false, false) || side(i + 1, j, true, false) || side(i, j + 1, false, true) || side(i, j, true, true)))), 4490))
FROM generate_series(0, 19) i, generate_series(0, 19) j;
-- Special grids lie across them: one with a hole, one of five parts, slivers some
-- centimetres wide, one that only touches another at a corner.
INSERT INTO city (code, kind, boundary)
SELECT code, 'special', ST_Multi(ST_GeomFromText(wkt, 4490)) FROM (VALUES
	('91', 'POLYGON((114.031 33.031, 114.079 33.033, 114.081 33.078, 114.052 33.09, 114.029 33.079, 114.031 33.031),
		(114.045 33.045, 114.06 33.06, 114.044 33.061, 114.045 33.045), (114.065 33.045, 114.07 33.05, 114.065 33.055, 114.065 33.045))'),
	('92', 'MULTIPOLYGON(((114.1 33.1, 114.103 33.1, 114.103 33.103, 114.1 33.103, 114.1 33.1)),
		((114.103 33.103, 114.106 33.103, 114.106 33.106, 114.103 33.106, 114.103 33.103)),
		((114.12 33.11, 114.13 33.115, 114.12 33.12, 114.12 33.11)), ((114.15 33.1, 114.1501 33.1, 114.15 33.1001, 114.15 33.1)),
		((114.17 33.13, 114.18 33.14, 114.175 33.145, 114.17 33.13), (114.173 33.135, 114.176 33.138, 114.175 33.14, 114.173 33.135)))'),
	('93', 'POLYGON((114.02 33.15, 114.18 33.16, 114.18 33.1600003, 114.02 33.1500002, 114.02 33.15))'),
	('94', 'POLYGON((114.11 33.02, 114.1100002 33.02, 114.1100001 33.09, 114.11 33.09, 114.11 33.02))')) AS x(code, wkt);
CREATE INDEX ON city USING gist (boundary);
SELECT govcase.protect_grids('city', code_rule => 'place');
ANALYZE city;

-- What is to be placed: points at random, vertices, points on edges and a few ulps
-- beside them, and points at the very height of a vertex.  From digests instead of
-- random(), so that every version of PostgreSQL makes the same.
CREATE FUNCTION noise(n bigint, k text) RETURNS float8
LANGUAGE sql IMMUTABLE AS $$
	SELECT ('x' || substr(md5(n || k), 1, 8))::bit(32)::bigint / 4294967296.0::float8
$$;
CREATE FUNCTION points_of(grids regclass, many integer)
RETURNS TABLE (sort text, n bigint, point geometry)
LANGUAGE plpgsql AS $$
BEGIN
	-- Special grids, which are few, give a hundred times the points of others.
	RETURN QUERY EXECUTE format('
		WITH bounds AS MATERIALIZED (
			SELECT ST_XMin(box) AS x, ST_YMin(box) AS y, ST_XMax(box) - ST_XMin(box) AS width, ST_YMax(box) - ST_YMin(box) AS height, srid
			FROM (SELECT ST_Extent(boundary) AS box, max(ST_SRID(boundary)) AS srid FROM %1$s) b),
		corner AS MATERIALIZED (
			SELECT g.kind, md5(g.code || d.path::text) AS digest, ST_X(d.geom) AS px, ST_Y(d.geom) AS py,
				ST_X(lead(d.geom) OVER w) AS qx, ST_Y(lead(d.geom) OVER w) AS qy
			FROM %1$s g CROSS JOIN LATERAL ST_DumpPoints(g.boundary) d
			WINDOW w AS (PARTITION BY g.code, d.path[1:2] ORDER BY d.path)),
		edge AS MATERIALIZED (
			SELECT row_number() OVER (ORDER BY digest, k) AS n, px, py, qx, qy
			FROM corner, generate_series(1, greatest(1, $1 / 150000) * CASE kind WHEN ''special'' THEN 100 ELSE 1 END) k
			WHERE qx IS NOT NULL),
		spot(sort, n, x, y) AS (
			SELECT ''random'', n, x + (noise(n, ''x'') * 1.04 - 0.02) * width, y + (noise(n, ''y'') * 1.04 - 0.02) * height
			FROM bounds, generate_series(1::bigint, $1 * 2 / 5) n
			UNION ALL SELECT ''vertex'', n, px, py FROM edge WHERE n <= $1 / 10
			UNION ALL SELECT ''edge'', n, px + noise(n, ''t'') * (qx - px), py + noise(n, ''t'') * (qy - py)
			FROM edge WHERE n <= $1 / 5
			UNION ALL SELECT ''ulps'', n, (px + noise(n, ''t'') * (qx - px)) * (1 + floor(noise(n, ''u'') * 9 - 4) * 2.220446049250313e-16),
				(py + noise(n, ''t'') * (qy - py)) * (1 + floor(noise(n, ''v'') * 9 - 4) * 2.220446049250313e-16)
			FROM edge WHERE n <= $1 / 5
			UNION ALL SELECT ''level'', n, px + (noise(n, ''u'') - 0.5) * (qx - px) * 20, CASE WHEN noise(n, ''v'') < 0.5 THEN py ELSE qy END
			FROM edge WHERE n <= $1 / 10)
		SELECT s.sort, s.n, ST_SetSRID(ST_MakePoint(s.x, s.y), b.srid) FROM spot s, bounds b', grids) USING many;
END
$$;
CREATE TABLE spot AS SELECT * FROM points_of('city', :points) ORDER BY md5(sort || n);

CREATE FUNCTION oracle(point geometry) RETURNS text
LANGUAGE sql STABLE
AS $$
	SELECT g.code FROM city g JOIN govcase.grid_code_rule r ON r.rule = 'place' AND r.kind = g.kind
	WHERE ST_Covers(g.boundary, oracle.point)
	ORDER BY r.rank, g.code COLLATE "C" LIMIT 1
$$;
CREATE FUNCTION compare(every integer) RETURNS TABLE (sort text, compared bigint, placed boolean, mismatches bigint)
LANGUAGE sql STABLE
AS $$
	SELECT coalesce(sort, 'all'), count(*), bool_or(found IS NOT NULL),
		count(*) FILTER (WHERE found IS DISTINCT FROM expected)
	FROM (SELECT s.sort, govcase.locate('city', s.point) AS found, oracle(s.point) AS expected
		FROM spot s WHERE s.n % every = 0 OFFSET 0) x
	GROUP BY ROLLUP (sort) ORDER BY grouping(sort), sort
$$;
SELECT * FROM compare(1);
-- It was not PostGIS that answered: only points at a border were left to it.
SELECT tiles > 4 AND asked < :points * 0.6 AS placed_by_tiles FROM govcase.placement_cache();

-- With hardly any memory, tiles come and go, and the answers stay the same.
SET govcase.placement_memory = '64kB';
SELECT * FROM compare(10);
SELECT tiles > 0 AS tiles, bytes <= 64 * 1024 AS within_memory, evicted > 0 AS evicted FROM govcase.placement_cache();
SET govcase.placement_memory = '300kB';
SELECT * FROM compare(10) WHERE sort = 'all';
SELECT tiles > 1 AS several, bytes <= 300 * 1024 AS within_memory FROM govcase.placement_cache();
RESET govcase.placement_memory;

-- Parallel workers build tiles of their own.
CREATE FUNCTION plan_has(query text, node text) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		IF line LIKE '%' || node || '%' THEN
			RETURN true;
		END IF;
	END LOOP;
	RETURN false;
END
$$;
CREATE TABLE expected AS SELECT n, point, oracle(point) AS code FROM spot WHERE n % 5 = 0;
SET min_parallel_table_scan_size = 0;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET max_parallel_workers_per_gather = 2;
ANALYZE expected;
SELECT plan_has('SELECT count(*) FROM expected WHERE govcase.locate(''city'', point) IS DISTINCT FROM code', 'Gather') AS parallel;
SELECT count(*) AS mismatches FROM expected WHERE govcase.locate('city', point) IS DISTINCT FROM code;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) AS mismatches FROM expected WHERE govcase.locate('city', point) IS DISTINCT FROM code;
-- ... also by boundaries that only this transaction knows.
DELETE FROM city WHERE code < '1000' AND kind = 'ordinary';
-- The oracle needs no workers for each of its points.
SET LOCAL max_parallel_workers_per_gather = 0;
SELECT count(*) AS moved, count(*) FILTER (WHERE found IS DISTINCT FROM oracle(point)) AS mismatches
FROM (SELECT point, code, govcase.locate('city', point) AS found FROM expected) x
WHERE found IS DISTINCT FROM code AND code < '1000';
ROLLBACK;
SELECT count(*) AS mismatches FROM expected WHERE govcase.locate('city', point) IS DISTINCT FROM code;
RESET min_parallel_table_scan_size;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET max_parallel_workers_per_gather;

-- A redistricting: a grid is cut in two, two are made one, a border is moved, one
-- vanishes; all of it is in force for the session that does it.
BEGIN;
SET LOCAL govcase.placement_memory = '64MB';
WITH old AS (DELETE FROM city WHERE code = '0505' RETURNING boundary)
INSERT INTO city (code, boundary)
SELECT x.code, ST_Multi(ST_CollectionExtract(ST_Intersection(boundary, ST_MakeEnvelope(x.west, 30, x.east, 40, 4490)), 3))
FROM old, (VALUES ('050501', 110, 114.055), ('050502', 114.055, 120)) AS x(code, west, east);
WITH old AS (DELETE FROM city WHERE code IN ('0707', '0708') RETURNING boundary)
INSERT INTO city (code, boundary) SELECT '0709000', ST_Multi(ST_Union(boundary)) FROM old;
DELETE FROM city WHERE code = '1010';
UPDATE city SET boundary = ST_Multi(ST_Translate(boundary, 0.0001, 0.0002)) WHERE code = '92';
SELECT * FROM compare(15);
SELECT count(*) > 100 AS moved FROM expected WHERE govcase.locate('city', point) IS DISTINCT FROM code;
-- Rolled back to a savepoint, one's own boundaries are as they were before it.
SAVEPOINT before;
DELETE FROM city WHERE kind = 'special';
SELECT sort, mismatches FROM compare(15) WHERE sort = 'all';
SELECT govcase.locate('city', ST_SetSRID(ST_MakePoint(114.101, 33.101), 4490));
ROLLBACK TO before;
SELECT govcase.locate('city', ST_SetSRID(ST_MakePoint(114.101, 33.101), 4490));
SELECT sort, mismatches FROM compare(15) WHERE sort = 'all';
-- So it is where the savepoint is PL/pgSQL's, and the tile was read by a trigger of
-- the user's that fires before anybody was told of the change.
CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	seen text[];
BEGIN
	FOR i IN 1..3 LOOP
		seen := seen || (SELECT govcase.locate('city', ST_SetSRID(ST_MakePoint(114.102, 33.102), 4490)));
	END LOOP;
	RAISE NOTICE 'placed in %', seen;
	RETURN NULL;
END
$$;
CREATE TRIGGER aa_look AFTER DELETE ON city FOR EACH STATEMENT EXECUTE FUNCTION look();
DO $$
BEGIN
	DELETE FROM city WHERE code = '92';
	RAISE division_by_zero;
EXCEPTION WHEN division_by_zero THEN
	RAISE NOTICE 'placed in % again', govcase.locate('city', ST_SetSRID(ST_MakePoint(114.102, 33.102), 4490));
END
$$;
DROP TRIGGER aa_look ON city;
-- ... or within the statement itself, which then fails, so that nobody ever tells.
CREATE FUNCTION look_and_fail() RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	seen text[];
BEGIN
	FOR i IN 1..3 LOOP
		seen := seen || (SELECT govcase.locate('city', ST_SetSRID(ST_MakePoint(114.102, 33.102), 4490)));
	END LOOP;
	RAISE NOTICE 'placed in %', seen;
	RETURN 1 / 0;
END
$$;
DO $$
DECLARE
	never integer;
BEGIN
	DELETE FROM city WHERE code = '92' RETURNING look_and_fail() INTO never;
EXCEPTION WHEN division_by_zero THEN
	RAISE NOTICE 'placed in % again', govcase.locate('city', ST_SetSRID(ST_MakePoint(114.102, 33.102), 4490));
END
$$;
COMMIT;
SELECT * FROM compare(15);
-- The rank of a kind is data, too.
SELECT govcase.locate('city', ST_SetSRID(ST_MakePoint(114.05, 33.035), 4490));
UPDATE govcase.grid_code_rule SET rank = 3 WHERE rule = 'place' AND kind = 'special';
SELECT govcase.locate('city', ST_SetSRID(ST_MakePoint(114.05, 33.035), 4490));
SELECT * FROM compare(15);
UPDATE govcase.grid_code_rule SET rank = 1 WHERE rule = 'place' AND kind = 'special';
-- Without an index each tile is read from the whole table, which only takes longer.
DROP INDEX city_boundary_idx;
SELECT * FROM compare(50) WHERE sort = 'all';
CREATE INDEX ON city USING gist (boundary);
TRUNCATE city;
SELECT govcase.locate('city', ST_SetSRID(ST_MakePoint(114.05, 33.035), 4490));

-- Points that are in no grid whatever the grids are.
SELECT x.what, govcase.locate('city', x.point), govcase.why_unplaced('city', x.point)
FROM (VALUES ('null', NULL::geometry), ('empty', 'SRID=4490;POINT EMPTY'), ('not a number', ST_SetSRID(ST_MakePoint('NaN', 33), 4490)),
	('infinite', ST_SetSRID(ST_MakePoint(114, '-Infinity'), 4490))) AS x(what, point);
\set SHOW_CONTEXT never
SELECT govcase.locate('city', 'POINT(114 33)'::geometry);
SELECT govcase.locate('city', 'SRID=4326;POINT(114 33)'::geometry);
SELECT govcase.locate('city', 'SRID=4490;POINT(33 114)'::geometry);
SELECT govcase.locate('city', 'SRID=4490;LINESTRING(114 33, 115 33)'::geometry);
SELECT govcase.locate('city', 'SRID=4490;MULTIPOINT(114 33)'::geometry);
SELECT govcase.locate('spot', 'SRID=4490;POINT(114 33)'::geometry);
SELECT govcase.why_unplaced('city', 'SRID=4326;POINT(114 33)'), govcase.why_unplaced('city', 'SRID=4490;POINT(33 114)'),
	govcase.why_unplaced('city', 'SRID=4490;LINESTRING(114 33, 115 33)'), govcase.why_unplaced('city', 'SRID=4490;POINT(114 33)');
-- Height and measure are of no account.
INSERT INTO city (code, boundary) VALUES ('0000', ST_Multi(ST_MakeEnvelope(114, 33, 115, 34, 4490)));
SELECT govcase.locate('city', p::geometry) FROM (VALUES ('SRID=4490;POINT Z (114.5 33.5 9)'), ('SRID=4490;POINT M (114.5 33.5 7)'),
	('SRID=4490;POINT ZM (114.5 33.5 1 2)')) AS x(p);
SELECT govcase.locate('city', postgis_addbbox('SRID=4490;POINT(114.5 33.5)'::geometry));

-- Who may not see the grids cannot ask for them point by point.
CREATE ROLE regress_place_clerk;
GRANT USAGE ON SCHEMA place TO regress_place_clerk;
SET ROLE regress_place_clerk;
SELECT govcase.locate('city', 'SRID=4490;POINT(114.5 33.5)'::geometry);
RESET ROLE;
GRANT SELECT (code, boundary) ON city TO regress_place_clerk;
SET ROLE regress_place_clerk;
SELECT govcase.locate('city', 'SRID=4490;POINT(114.5 33.5)'::geometry);
RESET ROLE;
ALTER TABLE city ENABLE ROW LEVEL SECURITY;
SET ROLE regress_place_clerk;
SELECT govcase.locate('city', 'SRID=4490;POINT(114.5 33.5)'::geometry);
RESET ROLE;
SELECT govcase.locate('city', 'SRID=4490;POINT(114.5 33.5)'::geometry);

SET client_min_messages = warning;
DROP SCHEMA place CASCADE;
DELETE FROM govcase.grid_code_rule WHERE rule = 'place';
DROP ROLE regress_place_clerk;
