\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS govcase CASCADE;
RESET client_min_messages;
\set QUIET off
\set ECHO all
\set SHOW_CONTEXT never
-- A registry of the real city: its ten counties with their borders, and the townships
-- that the division codes list. Both files lie where GOVCASE_DATA says, by default in
-- ../shared/data.
\set present `cd "${GOVCASE_DATA:-../shared/data}" 2>/dev/null && test -r zhoukou_counties.geojson -a -r zhoukou_townships.csv && echo true || echo false`
\if :present
\else
\echo skipped: zhoukou_counties.geojson and zhoukou_townships.csv are not there
\quit
\endif
\set ECHO none
\set QUIET on
\set counties `cat "${GOVCASE_DATA:-../shared/data}/zhoukou_counties.geojson"`
\set townships `cat "${GOVCASE_DATA:-../shared/data}/zhoukou_townships.csv"`
SET client_min_messages = warning;
CREATE TEMPORARY TABLE county AS
	SELECT f -> 'properties' ->> 'adcode' AS code, f -> 'properties' ->> 'name' AS name,
		public.ST_SetSRID(public.ST_GeomFromGeoJSON((f -> 'geometry')::text), 4490) AS boundary
	FROM jsonb_array_elements(:'counties'::jsonb -> 'features') AS e (f);
CREATE TEMPORARY TABLE township AS
	SELECT split_part(line, ',', 1) AS code, split_part(line, ',', 2) AS name, split_part(line, ',', 3) AS county
	FROM regexp_split_to_table(:'townships', '\r?\n') WITH ORDINALITY AS l (line, n)
	WHERE n > 1 AND line <> '';
\unset counties
\unset townships
\set QUIET off
\set ECHO all

CALL govcase.create_registry('registry_zhoukou');
SET search_path = registry_zhoukou, govcase, public;
-- The list has a development zone beside the ten counties, 411671, which the map does
-- not show: its townships have no county to lie in, and are left out.
SELECT count(*) AS listed, count(*) FILTER (WHERE county IN (SELECT code FROM county)) AS taken FROM township;
SELECT code, name, county FROM township WHERE county NOT IN (SELECT code FROM county) ORDER BY code;

INSERT INTO region (code, code_end, level, name) VALUES ('411600000000', '411699999999', 1, '周口市');
INSERT INTO region (code, code_end, level, parent, name, boundary)
	SELECT code || '000000', code || '999999', 2, '411600000000', name, ST_Multi(boundary) FROM county;
INSERT INTO region (code, code_end, level, parent, name)
	SELECT t.code || '000', t.code || '999', 3, county || '000000', t.name
	FROM township AS t JOIN county ON county.code = t.county;
SELECT p.code, p.name, count(*) AS townships, count(DISTINCT r.name) AS names,
	bool_and(r.code BETWEEN p.code AND p.code_end) AS inside
FROM region AS r JOIN region AS p ON p.code = r.parent WHERE r.level = 3 GROUP BY p.code ORDER BY p.code;

-- The townships' borders are not public. Strips of the real county stand for them, each a
-- grid: what the county's own border cuts, on both sides, fits without overlap or gap.
INSERT INTO grid (code, region, boundary)
	SELECT code || '01', code, ST_Multi(ST_CollectionExtract(ST_Intersection(boundary, ST_MakeEnvelope(
		ST_XMin(boundary) + (ST_XMax(boundary) - ST_XMin(boundary)) * (n - 1) / townships, ST_YMin(boundary),
		ST_XMin(boundary) + (ST_XMax(boundary) - ST_XMin(boundary)) * n / townships, ST_YMax(boundary), 4490)), 3))
	FROM (
		SELECT t.code, c.boundary, row_number() OVER county AS n, count(*) OVER (PARTITION BY c.code) AS townships
		FROM region AS t JOIN region AS c ON c.code = t.parent WHERE t.level = 3
		WINDOW county AS (PARTITION BY c.code ORDER BY t.code)) AS strip;
SELECT count(*) AS grids, count(DISTINCT left(g.code, 9)) AS townships,
	abs(sum(square_metres(boundary)) / (SELECT sum(square_metres(boundary)) FROM region WHERE level = 2) - 1) < 1e-6 AS fills_the_counties,
	round(sum(square_metres(boundary)) / 1e6) AS square_kilometres
FROM grid AS g;
SELECT count(*) FILTER (WHERE problem <> 'sliver') AS overlaps_gaps_or_strays FROM check_coverage('grid');
-- A grid of one county cannot lie in another, and none can be of the zone.
\set VERBOSITY terse
INSERT INTO grid (code, region, boundary)
	SELECT '41162100100002', '411621001000', boundary FROM grid WHERE region = '411681001000';
INSERT INTO grid (code, region, boundary)
	SELECT '41167101100001', '411671011000', boundary FROM grid WHERE region = '411681001000';

-- A dispute is placed in the township that it lies in, and held by the county if red.
INSERT INTO account VALUES ('a-centre'), ('a-officer'), ('a-leader');
INSERT INTO account_duty (account, duty, region) VALUES ('a-centre', 'centre', '411600000000'), ('a-leader', 'leader', '411602000000');
INSERT INTO account_login VALUES (session_user, 'vouched', NULL);
SET govcase.account = 'a-centre';
INSERT INTO dispute (region, place_region, risk, found_by, grounds)
	SELECT code, code, 'red', 'hotline', '{grave}' FROM region WHERE level = 3 ORDER BY code;
INSERT INTO dispute_detail (dispute, place)
	SELECT id, ST_PointOnSurface(boundary) FROM dispute JOIN grid ON grid.region = dispute.place_region;
SELECT count(*) AS disputes, count(*) FILTER (WHERE left(grid, 9) = left(place_region, 9)) AS right_township,
	count(grid_version) AS versioned FROM dispute;
\set VERBOSITY default
UPDATE dispute SET state = 'assigned', responsible = 'a-officer', leader = 'a-leader' WHERE region = '411602001000';
UPDATE dispute SET state = 'assigned', responsible = 'a-officer', leader = 'a-leader', region = '411602000000'
WHERE region = '411602001000';
SELECT d.id, d.state, d.region, d.place_region, r.name FROM dispute AS d JOIN region AS r ON r.code = d.region
WHERE d.state = 'assigned';

\set QUIET on
SET client_min_messages = warning;
CALL drop_registry('registry_zhoukou', with_data => true);
