\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS govcase CASCADE;
RESET client_min_messages;
\set QUIET off
\set ECHO all
\set SHOW_CONTEXT never
-- The real boundaries of ten counties, cut into tiles of a twentieth of a degree.
-- GOVCASE_DATA says where zhoukou_counties.geojson lies; by default it is in ../shared/data.
\set present `test -r "${GOVCASE_DATA:-../shared/data}/zhoukou_counties.geojson" && echo true || echo false`
\if :present
\else
\echo skipped: zhoukou_counties.geojson is not there
\quit
\endif

CREATE SCHEMA tiling;
SET search_path = tiling, govcase, public;
CREATE TABLE region (code text PRIMARY KEY, parent text, boundary geometry(MultiPolygon, 4490));
CREATE TABLE grid (code text PRIMARY KEY, region text NOT NULL, kind text NOT NULL DEFAULT 'ordinary',
	boundary geometry(MultiPolygon, 4490) NOT NULL);
CREATE INDEX ON grid USING gist (boundary);
\set ECHO none
\set document `cat "${GOVCASE_DATA:-../shared/data}/zhoukou_counties.geojson"`
\set QUIET on
INSERT INTO region
	SELECT feature -> 'properties' ->> 'adcode' || '000000', NULL, ST_SetSRID(ST_GeomFromGeoJSON(feature ->> 'geometry'), 4490)
	FROM jsonb_array_elements(:'document'::jsonb -> 'features') AS feature;
\unset document
\set QUIET off
\set ECHO all
SELECT code, ST_NPoints(boundary) > 100 AS detailed FROM region ORDER BY code;

-- All at once, judged at the end.
SELECT protect_grids('grid', 'region');
INSERT INTO grid (code, region, boundary)
	SELECT region || lpad((row_number() OVER (PARTITION BY region ORDER BY x, y))::text, 3, '0'), region, ST_Multi(tile)
	FROM (
		SELECT code AS region, x, y, ST_CollectionExtract(ST_Intersection(boundary,
			ST_MakeEnvelope(x / 20.0, y / 20.0, (x + 1) / 20.0, (y + 1) / 20.0, 4490)), 3) AS tile
		FROM region, generate_series(2280, 2320) AS x, generate_series(660, 690) AS y
		WHERE ST_Intersects(boundary, ST_MakeEnvelope(x / 20.0, y / 20.0, (x + 1) / 20.0, (y + 1) / 20.0, 4490))
	) AS cut
	WHERE NOT ST_IsEmpty(tile);
-- They cover the counties, and each is in one.
SELECT count(*) AS counties, sum(n) > 600 AS many, bool_and(abs(tiles / county - 1) < 1e-9) AS whole
FROM (SELECT ST_Area(r.boundary) AS county, sum(ST_Area(g.boundary)) AS tiles, count(*) AS n
	FROM region r JOIN grid g ON region = r.code GROUP BY r.code) AS c;
SELECT count(*) AS wrong FROM check_grids('grid');

-- A tile that is moved by ten metres is refused, and so is a county's border that
-- leaves its tiles outside.
DO $$
BEGIN
	UPDATE tiling.grid SET boundary = public.ST_Translate(boundary, 0.0001, 0)
	WHERE code = (SELECT min(g.code) FROM tiling.grid g JOIN tiling.region r ON r.code = g.region
		WHERE public.ST_Contains(r.boundary, public.ST_Buffer(g.boundary, 0.01)));
	SET CONSTRAINTS ALL IMMEDIATE;
EXCEPTION WHEN SQLSTATE 'VC005' THEN
	RAISE NOTICE '% refused', SQLSTATE;
END $$;
DO $$
BEGIN
	UPDATE tiling.region SET boundary = public.ST_Translate(boundary, 0.01, 0) WHERE code = '411602000000';
	SET CONSTRAINTS ALL IMMEDIATE;
EXCEPTION WHEN SQLSTATE 'VC005' THEN
	RAISE NOTICE '% refused', SQLSTATE;
END $$;

-- Cases everywhere, each in a tile of its county, then and after two tiles are made one.
SELECT create_grid_history('grid', 'grid_history');
CREATE TABLE report (id integer PRIMARY KEY, county text, point geometry(Point, 4490), grid text, grid_version bigint);
SELECT place_by('report', 'grid', 'point', 'grid', 'grid_version');
INSERT INTO report (id, county, point)
	SELECT n, code, point FROM (
		SELECT n, ST_SetSRID(ST_MakePoint(114 + abs(hashint4(n) % 2000000) / 1e6, 33 + abs(hashint4(-n) % 1400000) / 1e6), 4490) AS point
		FROM generate_series(1, 3000) AS n) AS p
		JOIN region ON ST_Covers(boundary, point);
SELECT count(*) > 1000 AS many, count(*) FILTER (WHERE left(grid, 6) = left(county, 6) AND grid_version IS NOT NULL) = count(*) AS each_in_its_county
FROM report;
SELECT clock_timestamp() AS before \gset
BEGIN;
SELECT g.code AS joined, o.code AS gone FROM grid g JOIN grid o ON o.region = g.region AND o.code > g.code
	AND ST_Length(ST_Intersection(g.boundary, o.boundary)) > 0.04
ORDER BY (SELECT count(*) FROM report WHERE grid = o.code) DESC, 1, 2 LIMIT 1 \gset
UPDATE grid SET boundary = (SELECT ST_Multi(ST_Union(boundary)) FROM grid WHERE code IN (:'joined', :'gone')) WHERE code = :'joined';
DELETE FROM grid WHERE code = :'gone';
COMMIT;
SELECT count(*) AS heirs, min(round(share::numeric, 9)) AS share FROM grid_history_lineage;
SELECT count(*) = (SELECT count(*) FROM report) AS each_once,
	count(*) FILTER (WHERE r.grid IS DISTINCT FROM t.grid) = count(*) FILTER (WHERE t.grid = :'gone') AS only_those_moved,
	count(*) FILTER (WHERE t.grid = :'gone') > 1 AS some_moved, count(*) FILTER (WHERE t.grid IS DISTINCT FROM p.grid) AS not_as_placed
FROM regrid('report', 'grid') r JOIN regrid('report', 'grid', :'before') t USING (case_key) JOIN report p ON p.id = r.case_key::int;

\set QUIET on
SET client_min_messages = warning;
DROP SCHEMA tiling CASCADE;
