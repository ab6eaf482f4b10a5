\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS govcase CASCADE;
RESET client_min_messages;
\set QUIET off
\set ECHO all

-- Boundaries that a city has none of, but that must not be misread: tiny and huge
-- ones, edges too short for PostGIS to see, crowded corners, curves.  In SRID 0,
-- where coordinates may be anything.

CREATE SCHEMA shapes;
SET search_path = shapes, public;
INSERT INTO govcase.grid_code_rule (rule, kind, pattern, rank) VALUES
	('shapes', 'special', '.*', 1), ('shapes', 'ordinary', '.*', 2);
CREATE TABLE plane (
	code text PRIMARY KEY,
	kind text NOT NULL DEFAULT 'ordinary',
	boundary geometry NOT NULL
);
CREATE INDEX ON plane USING gist (boundary);
SELECT govcase.protect_grids('plane', code_rule => 'shapes', srid => 0);

-- The oracle asks by a statement of its own for each point, because from the
-- second call on PostGIS tests a boundary in another way.
CREATE FUNCTION oracle(point geometry) RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE
	found text;
BEGIN
	EXECUTE 'SELECT g.code FROM shapes.plane g JOIN govcase.grid_code_rule r ON r.rule = ''shapes'' AND r.kind = g.kind
		WHERE g.boundary && $1 AND ST_Covers(g.boundary, $1) ORDER BY r.rank, g.code COLLATE "C" LIMIT 1'
	INTO found USING point;
	RETURN found;
END
$$;
-- Vertices, points on and a few ulps from edges, at the height of vertices, and
-- around each boundary and inside it at random.
CREATE FUNCTION compare(seed float8, around integer, at_most integer, OUT compared bigint, OUT inside bigint, OUT mismatches bigint)
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM setseed(seed);
	WITH corner AS MATERIALIZED (
		SELECT ST_X(d.geom) AS ax, ST_Y(d.geom) AS ay, ST_X(lead(d.geom) OVER w) AS bx, ST_Y(lead(d.geom) OVER w) AS by,
			random() AS t, floor(random() * 9 - 4) * 2.220446049250313e-16 AS u, floor(random() * 9 - 4) * 2.220446049250313e-16 AS v
		FROM plane g CROSS JOIN LATERAL ST_DumpPoints(ST_CurveToLine(g.boundary)) d
		WINDOW w AS (PARTITION BY g.code, d.path[1:cardinality(d.path) - 1] ORDER BY d.path)),
	edge AS MATERIALIZED (SELECT * FROM corner WHERE bx IS NOT NULL),
	spot(x, y) AS MATERIALIZED (
		SELECT ax, ay FROM corner
		UNION ALL SELECT ax + t * (bx - ax), ay + t * (by - ay) FROM edge
		UNION ALL SELECT (ax + t * (bx - ax)) * (1 + u), (ay + t * (by - ay)) * (1 + v) FROM edge
		UNION ALL SELECT ax * (1 + u), ay * (1 + v) FROM edge
		UNION ALL SELECT ax + (bx - ax) * (t * 10 - 5), ay FROM edge
		UNION ALL SELECT ax, ay + (by - ay) * (t * 10 - 5) FROM edge
		UNION ALL SELECT xmin + (random() * 1.2 - 0.1) * (xmax - xmin), ymin + (random() * 1.2 - 0.1) * (ymax - ymin)
			FROM (SELECT ST_XMin(boundary) AS xmin, ST_XMax(boundary) AS xmax, ST_YMin(boundary) AS ymin, ST_YMax(boundary) AS ymax
				FROM plane) b, generate_series(1, around))
	SELECT count(*), count(placed), count(*) FILTER (WHERE placed IS DISTINCT FROM expected)
	INTO compared, inside, mismatches
	FROM (SELECT govcase.locate('plane', point) AS placed, oracle(point) AS expected
		FROM (SELECT ST_MakePoint(x, y) AS point FROM spot ORDER BY random() LIMIT at_most) p OFFSET 0) q;
END
$$;

-- Squares from 1e-4 down to 1e-14 wide, so that their edges fall below what
-- PostGIS takes notice of, beside one of ordinary size.
INSERT INTO plane (code, boundary)
SELECT format('%s', n), ST_MakeEnvelope(n, n, n + 10.0 ^ (-n), n + 10.0 ^ (-n))
FROM generate_series(4, 14) n;
INSERT INTO plane (code, boundary) VALUES ('1', ST_MakeEnvelope(-3, -3, -1, -1));
SELECT compared, mismatches FROM compare(0.1, 200, 10000);
-- The same around the origin, where doubles are finest: down to 1e-13, and then to
-- where products of coordinates are no longer numbers.
TRUNCATE plane;
INSERT INTO plane (code, boundary)
SELECT format('%s', n), ST_Rotate(ST_MakeEnvelope(10.0 ^ (-n) / 2, 10.0 ^ (-n) / 2, 10.0 ^ (-n), 10.0 ^ (-n)), 0.3)
FROM generate_series(1, 13) n;
SELECT compared, inside > 100 AS inside, mismatches FROM compare(0.2, 200, 10000);
TRUNCATE plane;
-- Not every GEOS takes these for valid.
ALTER TABLE plane DISABLE TRIGGER USER;
INSERT INTO plane (code, boundary) VALUES ('1', ST_MakeEnvelope(1e-170, 1e-170, 2e-170, 3e-170)), ('2', ST_MakeEnvelope(2e-170, 1e-170, 3e-170, 2e-170));
ALTER TABLE plane ENABLE TRIGGER USER;
SELECT compared, mismatches FROM compare(0.3, 500, 10000);

-- Huge ones: where an ulp is a metre, and where a product leaves the doubles.
TRUNCATE plane;
INSERT INTO plane (code, boundary)
SELECT format('%s', i * 10 + j), ST_MakeEnvelope(1e15 + i * 1e6, 1e15 + j * 1e6, 1e15 + (i + 1) * 1e6, 1e15 + (j + 1) * 1e6)
FROM generate_series(0, 9) i, generate_series(0, 9) j;
SELECT compared, inside > 2000 AS inside, mismatches FROM compare(0.4, 100, 6000);
TRUNCATE plane;
INSERT INTO plane (code, boundary)
SELECT format('%s', i), ST_MakePolygon(ST_MakeLine(ARRAY[ST_MakePoint(i, 0), ST_MakePoint(i + 1, 0),
	ST_MakePoint(i + 1 + 1e8, 1e9), ST_MakePoint(i + 1e8, 1e9), ST_MakePoint(i, 0)]))
FROM generate_series(1, 40) i;
SELECT compared, inside > 100 AS inside, mismatches FROM compare(0.5, 200, 4000);
TRUNCATE plane;
INSERT INTO plane (code, boundary) VALUES ('1', ST_MakeEnvelope(-1e120, -1e120, 0, 1e120)), ('2', ST_MakeEnvelope(0, -1e120, 1e120, 1e120));
SELECT compared, inside > 500 AS inside, mismatches FROM compare(0.6, 500, 10000);

-- A corner in which a hundred grids meet, stars with holes, a comb of thin teeth, a
-- boundary with repeated points, one whose parts touch at corners.
TRUNCATE plane;
INSERT INTO plane (code, boundary)
SELECT format('a%s', n), ST_MakePolygon(ST_MakeLine(ARRAY[ST_MakePoint(50, 50),
	ST_MakePoint(50 + 40 * cos(n * pi() / 50), 50 + 40 * sin(n * pi() / 50)),
	ST_MakePoint(50 + 40 * cos((n + 1) % 100 * pi() / 50), 50 + 40 * sin((n + 1) % 100 * pi() / 50)), ST_MakePoint(50, 50)]))
FROM generate_series(0, 99) n;
CREATE FUNCTION star(x float8, y float8, size float8) RETURNS geometry
LANGUAGE sql IMMUTABLE AS $$
	SELECT ST_AddPoint(line, ST_StartPoint(line)) FROM (SELECT ST_MakeLine(ARRAY(
		SELECT ST_MakePoint(x + size * (1 + n % 2) * cos(n * pi() / 40), y + size * (1 + n % 2) * sin(n * pi() / 40))
		FROM generate_series(0, 79) n)) AS line) l
$$;
INSERT INTO plane (code, kind, boundary)
SELECT format('b%s', n), 'special', ST_MakePolygon(star(n * 30, 200, 10), ARRAY[star(n * 30, 200, 4)])
FROM generate_series(0, 3) n;
INSERT INTO plane (code, boundary)
SELECT 'c', ST_MakePolygon(ST_AddPoint(line, ST_StartPoint(line))) FROM (
	SELECT ST_MakeLine(ARRAY(SELECT ST_MakePoint(200 + n * 0.01, CASE WHEN n % 4 IN (1, 2) THEN 100 ELSE 10 END)
		FROM generate_series(0, 2000) n) || ST_MakePoint(220, 0) || ST_MakePoint(200, 0)) AS line) l;
INSERT INTO plane (code, boundary) VALUES
	('d', 'POLYGON((300 0, 300 0, 310 0, 310 0, 310 10, 310 10, 300 10, 300 0, 300 0))'),
	('e', 'MULTIPOLYGON(((320 0, 330 0, 330 10, 320 10, 320 0)), ((330 10, 340 10, 340 20, 330 20, 330 10)), ((320 21, 330 20, 330 30, 320 21)))');
SELECT compared, inside > 5000 AS inside, mismatches FROM compare(0.7, 100, 15000);
SELECT bool_and(tiles > 0) AS by_tiles FROM govcase.placement_cache() WHERE grids = 'plane'::regclass;

-- Small grids crowded in one corner of a map of large ones.
TRUNCATE plane;
INSERT INTO plane (code, boundary)
SELECT format('s%s', i * 100 + j), ST_MakeEnvelope(i * 0.01, j * 0.01, i * 0.01 + 0.01, j * 0.01 + 0.01)
FROM generate_series(0, 49) i, generate_series(0, 49) j;
INSERT INTO plane (code, boundary)
SELECT format('l%s', i * 100 + j), ST_MakeEnvelope(i * 100, j * 100, i * 100 + 100, j * 100 + 100)
FROM generate_series(1, 10) i, generate_series(0, 9) j;
SELECT compared, inside > 5000 AS inside, mismatches FROM compare(0.8, 1, 12000);

-- Edges too short for PostGIS to take notice of, in boundaries that are large: what
-- lies at their height is inside or not as PostGIS says, and that is not for us to
-- know better.
TRUNCATE plane;
INSERT INTO plane (code, boundary) VALUES
	('left', 'POLYGON((0 0, 10 0, 10 10, 0 10, 0 5.0000000000006, 0 5, 0 0))'),
	('right', 'POLYGON((20 0, 30 0, 30 5, 30 5.0000000000006, 30 10, 20 10, 20 0))');
SELECT count(*) AS compared, count(placed) BETWEEN 100 AND 700 AS inside, count(*) FILTER (WHERE placed IS DISTINCT FROM expected) AS mismatches
FROM (SELECT govcase.locate('plane', point) AS placed, oracle(point) AS expected
	FROM (SELECT ST_MakePoint(x / 3.0 - 1, 5 + k * 1e-13) AS point FROM generate_series(0, 99) x, generate_series(-1, 7) k) p OFFSET 0) q;

-- Edges through the very corners from which placement judges what is inside: with
-- grids about one wide, tiles begin at (391, 633) / 1024 and are eight wide.  No
-- sign of a product of doubles says on which side of its edge such a corner is.
TRUNCATE plane;
CREATE TABLE corner AS
SELECT n, (391 / 1024.0 + n % 15) * 8 AS x, (633 / 1024.0 + n / 15) * 8 AS y, 2.399963 * n AS angle FROM generate_series(0, 224) n;
INSERT INTO plane (code, boundary)
SELECT format('t%s', n), ST_MakePolygon(ST_MakeLine(ARRAY[
	ST_MakePoint(x + 0.61 * cos(angle), y + 0.61 * sin(angle)), ST_MakePoint(x - 0.37 * cos(angle), y - 0.37 * sin(angle)),
	ST_MakePoint(x - 0.7 * sin(angle), y + 0.7 * cos(angle)), ST_MakePoint(x + 0.61 * cos(angle), y + 0.61 * sin(angle))]))
FROM corner;
SELECT count(*) AS compared, count(placed) BETWEEN 1000 AND 3000 AS inside, count(*) FILTER (WHERE placed IS DISTINCT FROM expected) AS mismatches
FROM (SELECT govcase.locate('plane', point) AS placed, oracle(point) AS expected
	FROM (SELECT ST_MakePoint(x + (k % 4 - 1.6) / 40, y + (k / 4 - 1.3) / 40) AS point FROM corner, generate_series(0, 15) k ORDER BY n, k) p OFFSET 0) q;
SELECT tiles > 200 AS by_tiles FROM govcase.placement_cache() WHERE grids = 'plane'::regclass;

-- Curves are PostGIS's.
TRUNCATE plane;
INSERT INTO plane (code, boundary) VALUES ('1', 'POLYGON((0 0, 10 0, 10 10, 0 10, 0 0))');
ALTER TABLE plane DISABLE TRIGGER USER;
INSERT INTO plane (code, boundary) VALUES ('2', 'CURVEPOLYGON(CIRCULARSTRING(20 0, 30 10, 20 20, 10 10, 20 0))');
ALTER TABLE plane ENABLE TRIGGER USER;
SELECT n, govcase.locate('plane', ST_MakePoint(x, y)) FROM generate_series(1, 3) n,
	(VALUES (1, 1), (11, 11), (20, 10), (29, 10), (28, 18)) AS p(x, y) ORDER BY x, y, n;

SET client_min_messages = warning;
DROP SCHEMA shapes CASCADE;
DELETE FROM govcase.grid_code_rule WHERE rule = 'shapes';
