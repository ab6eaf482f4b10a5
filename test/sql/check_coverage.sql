\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS govcase CASCADE;
RESET client_min_messages;
\set QUIET off
\set ECHO all
SET search_path = govcase, public;

-- A town in a plane of metres, so that every figure can be worked out by hand:
-- 12 by 12 grids of 100 m, in four quarters of 6 by 6.  Two quarters have all
-- the corners of their grids in their boundaries, two only their own four.
INSERT INTO grid_code_rule (rule, kind, pattern, rank) VALUES
	('town', 'ordinary', '.*', 2), ('town', 'special', '.*', 1);

CREATE FUNCTION public.rectangle(x0 float8, y0 float8, x1 float8, y1 float8) RETURNS geometry
LANGUAGE sql IMMUTABLE AS $$ SELECT ST_Multi(ST_MakeEnvelope(x0, y0, x1, y1, 0)) $$;

CREATE TABLE public.quarter (
	code text PRIMARY KEY,
	parent text,
	boundary geometry(MultiPolygon, 0));
CREATE TABLE public.block (
	code text PRIMARY KEY,
	region text NOT NULL,
	kind text NOT NULL DEFAULT 'ordinary',
	boundary geometry(MultiPolygon, 0) NOT NULL);

CREATE PROCEDURE public.build_town() LANGUAGE sql AS $$
	DELETE FROM public.block;
	DELETE FROM public.quarter;
	INSERT INTO public.quarter VALUES ('town', NULL, public.rectangle(0, 0, 1200, 1200));
	INSERT INTO public.quarter
	SELECT 'q' || i || j, 'town', CASE WHEN j = 1 THEN public.rectangle(i * 600, j * 600, i * 600 + 600, j * 600 + 600)
		ELSE (
			SELECT ST_Multi(ST_MakePolygon(ST_MakeLine(ST_MakePoint(i * 600 + x, j * 600 + y) ORDER BY n)))
			FROM (
				SELECT s, s * 100 AS x, 0 AS y FROM generate_series(0, 5) AS s
				UNION ALL SELECT 10 + s, 600, s * 100 FROM generate_series(0, 5) AS s
				UNION ALL SELECT 20 + s, 600 - s * 100, 600 FROM generate_series(0, 5) AS s
				UNION ALL SELECT 30 + s, 0, 600 - s * 100 FROM generate_series(0, 6) AS s) AS corner(n, x, y)) END
	FROM generate_series(0, 1) AS i, generate_series(0, 1) AS j;
	INSERT INTO public.block
	SELECT to_char(i, 'FM00') || to_char(j, 'FM00'), 'q' || i / 6 || j / 6, 'ordinary',
		public.rectangle(i * 100, j * 100, i * 100 + 100, j * 100 + 100)
	FROM generate_series(0, 11) AS i, generate_series(0, 11) AS j;
$$;
-- What is wrong, with figures that do not depend on the version of GEOS.
CREATE FUNCTION public.wrong(grids regclass) RETURNS TABLE (
	problem text, region text, grid text, other text, square_metres numeric, width numeric, reaches text)
LANGUAGE sql AS $$
	SELECT problem, region, grid, other, round(square_metres::numeric, 2), round(width::numeric, 2),
		replace(Box2D(ST_SnapToGrid(geom, 0.001))::text, 'BOX', '')
	FROM govcase.check_coverage(grids)
	ORDER BY problem, region COLLATE "C", grid COLLATE "C", other COLLATE "C", 5, 7
$$;

SELECT protect_grids('public.block', 'public.quarter', srid => 0, code_rule => 'town');

-- Nothing at all: the whole of each quarter is a gap, and of the town nothing
-- else, since its quarters answer for themselves.
CALL public.build_town();
BEGIN;
DELETE FROM public.block;
SELECT * FROM public.wrong('public.block');
-- Without quarters it is the town itself; without that there is nothing to fill.
DELETE FROM public.quarter WHERE code <> 'town';
SELECT * FROM public.wrong('public.block');
DELETE FROM public.quarter;
SELECT * FROM public.wrong('public.block');
ROLLBACK;

-- A town well drawn.
SELECT * FROM public.wrong('public.block');

-- The triggers would let no overlap in, so they are off for a while.
SET session_replication_role = replica;

-- A grid that is gone leaves a gap of 100 m by 100 m: 2 * 10000 / 400 = 50 m.
BEGIN;
DELETE FROM public.block WHERE code = '0202';
SELECT * FROM public.wrong('public.block');

-- 0303 reaches 10 m into 0403: 1000 square metres, 2 * 1000 / 220 = 9.09 m.
UPDATE public.block SET boundary = public.rectangle(300, 300, 410, 400) WHERE code = '0303';
-- 0505 reaches half a metre into 0605, the next quarter: an overlap and a stray
-- that the protection would admit.
UPDATE public.block SET boundary = public.rectangle(500, 500, 600.5, 600) WHERE code = '0505';
-- 0909 ends half a metre short of 1009, in a quarter of four corners.
UPDATE public.block SET boundary = public.rectangle(900, 900, 999.5, 1000) WHERE code = '0909';
-- 5 mm more make half a square metre: that is nothing.
UPDATE public.block SET boundary = public.rectangle(800, 100, 900.005, 200) WHERE code = '0801';
-- 1111 leaves the town by 20 m, and 0011 with all but 40 m.
UPDATE public.block SET boundary = public.rectangle(1100, 1100, 1200, 1220) WHERE code = '1111';
UPDATE public.block SET boundary = public.rectangle(-60, 1100, 40, 1200) WHERE code = '0011';
SELECT * FROM public.wrong('public.block');

-- Drawn apart, so that no two borders have a segment in common, it is the same.
CREATE TEMPORARY TABLE drawn_once AS SELECT * FROM public.wrong('public.block');
UPDATE public.block SET boundary = ST_Segmentize(boundary, 7 + 3 * (('x' || md5(code))::bit(16)::integer / 65536.0));
SELECT count(*) FROM public.wrong('public.block');
SELECT * FROM public.wrong('public.block') EXCEPT SELECT * FROM drawn_once;
ROLLBACK;

-- A hole of 20 m by 20 m in a grid is a gap, until another grid fills it.
BEGIN;
UPDATE public.block SET boundary = ST_Multi(ST_Difference(boundary, public.rectangle(240, 240, 260, 260)))
WHERE code = '0202';
SELECT * FROM public.wrong('public.block');
INSERT INTO public.block VALUES ('0202a', 'q00', 'ordinary', public.rectangle(240, 240, 260, 260));
SELECT * FROM public.wrong('public.block');
-- It reaches out by 0.1 m at one side of 20 m: 2 square metres and narrow, but
-- one that exceeds a hundredth of it only when it reaches out by 0.3 m.
UPDATE public.block SET boundary = public.rectangle(240, 240, 260.1, 260) WHERE code = '0202a';
SELECT * FROM public.wrong('public.block');
UPDATE public.block SET boundary = public.rectangle(240, 240, 260.3, 260) WHERE code = '0202a';
SELECT * FROM public.wrong('public.block');
ROLLBACK;

-- Special grids lie across ordinary ones by right, and fill no gap.  Among
-- themselves they do not overlap, and they stay in their regions.
BEGIN;
DELETE FROM public.block WHERE code = '0101';
INSERT INTO public.block VALUES
	('market', 'q00', 'special', public.rectangle(50, 50, 250, 250)),
	('campus', 'q00', 'special', public.rectangle(240, 50, 450, 250)),
	('works', 'q00', 'special', public.rectangle(550, 350, 650, 450)),
	('station', 'q00', 'special', public.rectangle(700, 700, 710, 710));
SELECT * FROM public.wrong('public.block');
ROLLBACK;

-- A grid twice, a whole quarter twice: each pair once, none of the neighbours.
BEGIN;
INSERT INTO public.block SELECT code || 'b', region, kind, boundary FROM public.block WHERE code = '0202';
SELECT * FROM public.wrong('public.block');
INSERT INTO public.block SELECT code || 'c', region, kind, boundary FROM public.block
WHERE region = 'q11';
SELECT region, count(*), min(square_metres), max(square_metres), bool_and(other LIKE grid || '_')
FROM public.wrong('public.block') GROUP BY 1 ORDER BY 1;
ROLLBACK;

-- A region without a boundary is part of the one above: the hole is the town's,
-- and grids that would leave the quarter do not stray.
BEGIN;
UPDATE public.quarter SET boundary = NULL WHERE code = 'q00';
DELETE FROM public.block WHERE code = '0303';
UPDATE public.block SET boundary = public.rectangle(500, 300, 620, 400) WHERE code = '0503';
SELECT * FROM public.wrong('public.block');
-- Nobody but the grids says where the town ends: only what they enclose is a gap.
UPDATE public.quarter SET boundary = NULL;
DELETE FROM public.block WHERE code = '1111';
SELECT * FROM public.wrong('public.block');
-- One of a region that nobody knows still overlaps.
UPDATE public.block SET region = 'q99' WHERE code = '0503';
SELECT * FROM public.wrong('public.block');
-- Where one quarter has a boundary, it answers for itself, and the gap that the
-- others enclose around it is none.
UPDATE public.quarter SET boundary = public.rectangle(0, 0, 600, 600) WHERE code = 'q00';
SELECT * FROM public.wrong('public.block');
ROLLBACK;

-- A crack of 2 cm runs through the town and joins a hole of 10 m by 10 m, so that
-- together they are 0.17 m wide.  The hole is found, and the crack is a sliver.
BEGIN;
UPDATE public.quarter SET boundary = NULL WHERE code <> 'town';
UPDATE public.block SET boundary = ST_Multi(ST_Difference(boundary, public.rectangle(0, 299.98, 1200, 300)))
WHERE code LIKE '__02';
UPDATE public.block SET boundary = ST_Multi(ST_Difference(boundary, public.rectangle(450, 289.98, 460, 300)))
WHERE code = '0402';
SELECT * FROM public.wrong('public.block');
ROLLBACK;

-- A boundary that crosses itself, let in while the triggers were off, counts as
-- what ST_MakeValid makes of it: here two triangles of 2500 square metres.
BEGIN;
UPDATE public.block SET boundary = 'MULTIPOLYGON(((200 200, 300 300, 300 200, 200 300, 200 200)))' WHERE code = '0202';
SELECT * FROM public.wrong('public.block');
UPDATE public.block SET boundary = public.rectangle(200, 300, 300, 500) WHERE code = '0203';
UPDATE public.block SET boundary = public.rectangle(100, 200, 290, 300) WHERE code = '0102';
SELECT * FROM public.wrong('public.block');
ROLLBACK;

-- An empty one covers nothing.
BEGIN;
UPDATE public.block SET boundary = 'MULTIPOLYGON EMPTY' WHERE code = '0202';
UPDATE public.quarter SET boundary = 'MULTIPOLYGON EMPTY' WHERE code = 'q11';
SELECT * FROM public.wrong('public.block');
ROLLBACK;

-- Random towns, against plain SQL: corners move by up to 15 m, some grids are
-- somewhere else, gone, cut or too large, and in every third town all borders
-- lie apart.
CREATE FUNCTION public.plain() RETURNS TABLE (
	problem text, region text, grid text, other text, square_metres float8, geom geometry)
LANGUAGE sql AS $$
	WITH found(problem, region, grid, other, geom) AS (
		SELECT 'overlap', CASE WHEN a.region = b.region THEN a.region END, a.code, b.code,
			ST_Intersection(a.boundary, b.boundary)
		FROM public.block a JOIN public.block b ON a.boundary && b.boundary AND a.code < b.code COLLATE "C"
			AND a.kind = b.kind
		UNION ALL
		SELECT 'stray', a.region, a.code, NULL, ST_Difference(a.boundary, r.boundary)
		FROM public.block a JOIN public.quarter r ON r.code = a.region
		UNION ALL
		SELECT 'gap', r.code, NULL, NULL, ST_Difference(r.boundary,
			(SELECT ST_Union(b.boundary) FROM public.block b WHERE b.region = r.code AND b.kind = 'ordinary'))
		FROM public.quarter r WHERE r.code <> 'town'
	), piece AS (
		SELECT f.problem, f.region, f.grid, f.other, d.geom, ST_Area(d.geom) AS area,
			2 * ST_Area(d.geom) / ST_Perimeter(d.geom) AS width
		FROM found f CROSS JOIN LATERAL ST_Dump(ST_CollectionExtract(f.geom, 3)) d
	)
	SELECT CASE WHEN p.area > 1 AND p.width > 1
			OR p.area > (SELECT min(ST_Area(b.boundary)) FROM public.block b WHERE b.code IN (p.grid, p.other)) / 100
			THEN p.problem ELSE 'sliver' END,
		p.region, p.grid, p.other, p.area, p.geom
	FROM piece p
	WHERE p.area > 1
$$;
CREATE FUNCTION public.spread(what text, seed integer) RETURNS float8
LANGUAGE sql IMMUTABLE AS $$ SELECT ('x' || md5(seed || '.' || what))::bit(24)::integer / 16777216.0 $$;
CREATE PROCEDURE public.build_random_town(seed integer) LANGUAGE sql AS $$
	CALL public.build_town();
	-- Who shares a corner moves it alike; those on the borders of quarters stay.
	UPDATE public.block b SET boundary = (
		SELECT ST_Multi(ST_MakePolygon(ST_MakeLine(ST_MakePoint(
			p.x + CASE WHEN p.fixed THEN 0 ELSE 15 * public.spread(p.x || ',' || p.y, seed) END,
			p.y + CASE WHEN p.fixed THEN 0 ELSE 15 * public.spread(p.y || ':' || p.x, seed) END)
			ORDER BY p.n)))
		FROM (
			SELECT d.path[3] AS n, ST_X(d.geom) AS x, ST_Y(d.geom) AS y,
				ST_X(d.geom)::integer % 600 = 0 OR ST_Y(d.geom)::integer % 600 = 0 AS fixed
			FROM ST_DumpPoints(b.boundary) d) p);
	UPDATE public.block b SET boundary = ST_Translate(b.boundary, 6 * public.spread(b.code || 'x', seed) - 3,
		6 * public.spread(b.code || 'y', seed) - 3)
	WHERE seed % 3 = 0 OR public.spread(b.code || 'moved', seed) < 0.05;
	DELETE FROM public.block b WHERE public.spread(b.code || 'gone', seed) < 0.02;
	UPDATE public.block b SET boundary = ST_Multi(ST_Difference(b.boundary, ST_Translate(b.boundary, 60, 30)))
	WHERE public.spread(b.code || 'cut', seed) < 0.03;
	UPDATE public.block b SET boundary = ST_Multi(ST_Scale(b.boundary, ST_MakePoint(2.4, 1.7), ST_Centroid(b.boundary)))
	WHERE public.spread(b.code || 'large', seed) < 0.02;
	UPDATE public.block b SET kind = 'special' WHERE public.spread(b.code || 'special', seed) < 0.03;
$$;
-- Each piece is found with its area, and no other; of narrow gaps the parts may
-- be told apart, so that they are compared by place.
DO $$
DECLARE
	found integer;
	narrow integer;
	missed integer;
	invented integer;
	lost integer;
	all_narrow integer := 0;
BEGIN
	IF public.postgis_lib_version() < '3.2' THEN
		RAISE NOTICE 'not compared: plain SQL says something else before PostGIS 3.2';
		RETURN;
	END IF;
	FOR seed IN 1 .. 6 LOOP
		CALL public.build_random_town(seed);
		CREATE TEMPORARY TABLE ours AS SELECT * FROM govcase.check_coverage('public.block');
		CREATE TEMPORARY TABLE plain AS SELECT *, problem = 'sliver' AND grid IS NULL AS narrow FROM public.plain();
		SELECT count(*), count(*) FILTER (WHERE p.narrow) INTO found, narrow FROM plain p;
		SELECT count(*) INTO missed FROM plain p WHERE NOT p.narrow AND NOT EXISTS (
			SELECT FROM ours o
			WHERE (o.problem, o.region, o.grid, o.other) IS NOT DISTINCT FROM (p.problem, p.region, p.grid, p.other)
				AND abs(o.square_metres - p.square_metres) < 1e-3);
		SELECT count(*) INTO invented FROM ours o WHERE NOT EXISTS (
			SELECT FROM plain p
			WHERE (o.problem, o.region, o.grid, o.other) IS NOT DISTINCT FROM (p.problem, p.region, p.grid, p.other)
				AND abs(o.square_metres - p.square_metres) < 1e-3
				OR p.narrow AND o.region = p.region AND o.grid IS NULL
					AND ST_Area(ST_Difference(o.geom, p.geom)) < 1e-3);
		-- A part that is too small to tell may be lost of each.
		SELECT count(*) INTO lost FROM plain p WHERE p.narrow AND p.square_metres - 3 > (
			SELECT coalesce(sum(o.square_metres), 0) FROM ours o
			WHERE o.region = p.region AND o.grid IS NULL AND ST_Area(ST_Difference(o.geom, p.geom)) < 1e-3);
		all_narrow := all_narrow + narrow;
		IF found < 15 OR missed > 0 OR invented > 0 OR lost > 0 THEN
			RAISE WARNING 'town %: % found by plain SQL, % missed, % invented, % lost',
				seed, found, missed, invented, lost;
		END IF;
		DROP TABLE ours, plain;
	END LOOP;
	IF all_narrow < 5 THEN
		RAISE WARNING 'only % narrow gaps', all_narrow;
	END IF;
END
$$;
RESET session_replication_role;
CALL public.build_town();

-- Degrees: the figures are those of square_metres() and mean_width().
CREATE TABLE public.lot (
	code text PRIMARY KEY,
	boundary geometry(MultiPolygon, 4490) NOT NULL);
INSERT INTO public.lot
SELECT i || '.' || j, ST_Multi(ST_MakeEnvelope(114.6 + i * 0.001, 33.6 + j * 0.001, 114.601 + i * 0.001, 33.601 + j * 0.001, 4490))
FROM generate_series(0, 4) AS i, generate_series(0, 4) AS j
WHERE (i, j) <> (2, 2);
SELECT protect_grids('public.lot', code_rule => 'town');
SELECT problem, region, grid, other, round(c.square_metres) AS square_metres, round(width) AS width,
	abs(c.square_metres - square_metres(geom)) < 1e-6 AND abs(width - mean_width(geom)) < 1e-6 AS as_measured,
	ST_SRID(geom) AS srid, GeometryType(geom) AS type
FROM check_coverage('public.lot') c;
-- A meridian of some 110.9 km a degree, a parallel of 92.8 km there.
SELECT round(square_metres(ST_MakeEnvelope(114.602, 33.602, 114.603, 33.603, 4490))) AS square_metres;

-- Whoever may read the columns may ask, of both tables, and of all their rows.
CREATE ROLE govcase_inspector;
SET ROLE govcase_inspector;
SELECT * FROM check_coverage('public.block');
RESET ROLE;
GRANT SELECT ON public.quarter TO govcase_inspector;
GRANT SELECT (code, region, kind) ON public.block TO govcase_inspector;
SET ROLE govcase_inspector;
SELECT * FROM check_coverage('public.block');
RESET ROLE;
GRANT SELECT (boundary) ON public.block TO govcase_inspector;
SET ROLE govcase_inspector;
SELECT count(*) FROM check_coverage('public.block');
RESET ROLE;
ALTER TABLE public.block ENABLE ROW LEVEL SECURITY;
CREATE POLICY one_quarter ON public.block USING (region = 'q00');
SELECT count(*) FROM check_coverage('public.block');
SET ROLE govcase_inspector;
SELECT count(*) FROM check_coverage('public.block');
RESET ROLE;
ALTER TABLE public.block DISABLE ROW LEVEL SECURITY;

-- The largest come first, and what the protection refuses before what it admits.
SET session_replication_role = replica;
CALL public.build_random_town(2);
SELECT problem, count(*), bool_and(in_order) AS in_order
FROM (
	SELECT problem, n, lag(problem) OVER (ORDER BY n) IS DISTINCT FROM problem
			OR lag(square_metres) OVER (ORDER BY n) >= square_metres AS in_order
	FROM check_coverage('public.block') WITH ORDINALITY AS c(problem, region, grid, other, square_metres, width, geom, n)) c
GROUP BY 1 ORDER BY min(n);
-- With a tolerance of 5000 square metres less is found, and nothing new; a
-- hundredth of the smaller grid is refused whatever the tolerance.
CREATE TEMPORARY TABLE found_before AS SELECT * FROM check_coverage('public.block');
SELECT unprotect_grids('public.block');
BEGIN;
CALL public.build_town();
SELECT protect_grids('public.block', 'public.quarter', srid => 0, code_rule => 'town', tolerance => 5000);
CALL public.build_random_town(2);
SELECT c.problem, count(*), min(c.square_metres) > 5000 AS above_tolerance, count(f.problem) AS found_before
FROM check_coverage('public.block') c
	LEFT JOIN found_before f ON (f.region, f.grid, f.other, round(f.square_metres::numeric, 3))
		IS NOT DISTINCT FROM (c.region, c.grid, c.other, round(c.square_metres::numeric, 3))
GROUP BY 1 ORDER BY 1;
SELECT problem, count(*) FROM found_before f
WHERE problem = 'overlap' AND square_metres > 102 AND NOT EXISTS (
	SELECT FROM check_coverage('public.block') c WHERE (c.grid, c.other) = (f.grid, f.other))
GROUP BY 1;
ROLLBACK;
CALL public.build_town();
SELECT protect_grids('public.block', 'public.quarter', srid => 0, code_rule => 'town');
RESET session_replication_role;

-- It sees what its own transaction has done.
BEGIN;
DELETE FROM public.block WHERE code = '0000';
SELECT * FROM public.wrong('public.block');
ROLLBACK;
SELECT * FROM public.wrong('public.block');

-- What cannot be judged.
SELECT * FROM check_coverage(NULL);
SELECT * FROM check_coverage('public.quarter');
BEGIN;
UPDATE public.quarter SET boundary = NULL;
UPDATE public.quarter SET parent = 'q00';
SELECT * FROM check_coverage('public.block');
ROLLBACK;
CREATE TABLE public.loose (code text PRIMARY KEY, boundary geometry NOT NULL);
SELECT protect_grids('public.loose', srid => 0, code_rule => 'town');
SET session_replication_role = replica;
INSERT INTO public.loose VALUES ('line', 'LINESTRING(0 0, 1 1)');
SELECT * FROM check_coverage('public.loose');
UPDATE public.loose SET boundary = ST_MakeEnvelope(0, 0, 1, 1, 4326);
SELECT * FROM check_coverage('public.loose');
UPDATE public.loose SET boundary = ST_MakePolygon(ST_MakeLine(ARRAY[
	ST_MakePoint(0, 0), ST_MakePoint('Infinity', 0), ST_MakePoint(1, 1), ST_MakePoint(0, 0)]));
SELECT * FROM check_coverage('public.loose');
-- Measures and heights are left aside.
UPDATE public.loose SET boundary = ST_Force4D(ST_MakeEnvelope(0, 0, 10, 10), 5, 6);
INSERT INTO public.loose VALUES ('other', ST_Force3DM(ST_MakeEnvelope(8, 0, 18, 10), 7));
SELECT problem, grid, other, square_metres, ST_Zmflag(geom) FROM check_coverage('public.loose');
RESET session_replication_role;

\set QUIET on
SET client_min_messages = warning;
DROP TABLE public.block, public.quarter, public.lot, public.loose;
DROP FUNCTION public.rectangle, public.wrong, public.plain, public.spread;
DROP PROCEDURE public.build_town, public.build_random_town;
DROP ROLE govcase_inspector;
DELETE FROM grid_code_rule WHERE rule = 'town';
