\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS govcase CASCADE;
RESET client_min_messages;
\set QUIET off
\set ECHO all
\set SHOW_CONTEXT never
-- Ten real counties, whose borders were digitised once: they do not overlap at all. Moved
-- a little, each for itself, they do, and are admitted as long as the strips are narrow.
-- GOVCASE_DATA says where zhoukou_counties.geojson lies; by default it is in ../shared/data.
\set present `test -r "${GOVCASE_DATA:-../shared/data}/zhoukou_counties.geojson" && echo true || echo false`
\if :present
\else
\echo skipped: zhoukou_counties.geojson is not there
\quit
\endif

CREATE SCHEMA grid_zhoukou;
SET search_path = grid_zhoukou, govcase, public;
\set counties `cat "${GOVCASE_DATA:-../shared/data}/zhoukou_counties.geojson"`
\set ECHO none
CREATE TABLE county AS
SELECT f -> 'properties' ->> 'adcode' AS code, f -> 'properties' ->> 'name' AS name,
	ST_SetSRID(ST_GeomFromGeoJSON((f -> 'geometry')::text), 4490) AS boundary
FROM jsonb_array_elements(:'counties'::jsonb -> 'features') AS e(f);
\set ECHO all
ALTER TABLE county ALTER boundary SET NOT NULL, ADD PRIMARY KEY (code);
SELECT code, name, round(square_metres(boundary) / 1000000) AS square_kilometres FROM county ORDER BY code;
INSERT INTO grid_code_rule (rule, kind, pattern, seq_part, rank) VALUES ('county', 'ordinary', '4116([0-9]{2})', 1, 1);
SET client_min_messages = warning;
SELECT protect_grids('county', tolerance => 0, tolerance_width => 0, code_rule => 'county');

-- Each county is moved by its number of metres times a step to the north-east, or has its
-- vertices drawn to a lattice of its own; what the check says is what SQL finds out about
-- every connected piece of every overlap.
CREATE TABLE moved (code text PRIMARY KEY, boundary geometry(MultiPolygon, 4490) NOT NULL);
CREATE FUNCTION move_counties(how text, metres numeric) RETURNS TABLE (overlapping bigint, refused bigint, says bigint)
LANGUAGE plpgsql SET search_path = grid_zhoukou, govcase, public AS $$
DECLARE
	-- degrees of latitude
	step CONSTANT float8 := metres / 110900.0;
BEGIN
	PERFORM unprotect_grids('moved');
	TRUNCATE moved;
	INSERT INTO moved
	SELECT c.code, ST_Multi(CASE how WHEN 'moved'
		THEN ST_Translate(c.boundary, (c.code::int % 3) * step / 2, (c.code::int % 2) * step)
		ELSE ST_SnapToGrid(c.boundary, c.code::int % 7 * step / 7, c.code::int % 5 * step / 5, step, step) END)
	FROM county c;
	WITH pair AS (
		SELECT a.code, b.code AS other, ST_Intersection(a.boundary, b.boundary) AS shared,
			least(square_metres(a.boundary), square_metres(b.boundary)) AS smaller
		FROM moved a JOIN moved b ON a.code < b.code AND ST_Intersects(a.boundary, b.boundary)
	), piece AS (
		SELECT p.code, p.other, square_metres(d.geom) AS area, mean_width(d.geom) AS width, p.smaller
		FROM pair p CROSS JOIN LATERAL ST_Dump(ST_CollectionExtract(p.shared, 3)) d
	)
	SELECT count(DISTINCT (p.code, p.other)),
		count(DISTINCT (p.code, p.other)) FILTER (WHERE (p.area > 1 AND p.width > 1) OR p.area > p.smaller / 100)
	INTO overlapping, refused
	FROM piece p;
	BEGIN
		PERFORM protect_grids('moved', code_rule => 'county');
		says := 0;
	EXCEPTION WHEN SQLSTATE 'VC005' THEN
		says := coalesce(substring(sqlerrm FROM '([0-9]+) things')::bigint, 1);
	END;
	RETURN NEXT;
END
$$;
SELECT how, metres, m.overlapping > 0 AS overlap, m.refused > 0 AS refused, m.says = m.refused AS as_found
FROM (VALUES ('moved', 0), ('moved', 0.01), ('moved', 1), ('moved', 3), ('moved', 100),
	('drawn', 0.01), ('drawn', 1), ('drawn', 5)) AS v(how, metres)
	CROSS JOIN LATERAL move_counties(how, metres) m;

-- Townships that tile a county by the lines of a lattice, which its border cuts: inside it,
-- beside each other, and nothing else.
CREATE TABLE tile (code text PRIMARY KEY, region text NOT NULL, boundary geometry(MultiPolygon, 4490) NOT NULL);
INSERT INTO grid_code_rule (rule, kind, pattern, region_part, seq_part, rank) VALUES ('tile', 'ordinary', '([0-9]{6})([0-9]{4})', 1, 2, 1);
SELECT protect_grids('tile', 'county', code_rule => 'tile');
INSERT INTO tile
SELECT t.code || lpad((1 + row_number() OVER (PARTITION BY t.code ORDER BY t.x, t.y))::text, 4, '0'), t.code, t.boundary
FROM (
	SELECT c.code, x, y, ST_Multi(ST_CollectionExtract(ST_Intersection(c.boundary,
		ST_MakeEnvelope(114 + x * 0.05, 33 + y * 0.05, 114.05 + x * 0.05, 33.05 + y * 0.05, 4490)), 3)) AS boundary
	FROM generate_series(0, 35) x CROSS JOIN generate_series(0, 35) y JOIN county c
		ON c.boundary && ST_MakeEnvelope(114 + x * 0.05, 33 + y * 0.05, 114.05 + x * 0.05, 33.05 + y * 0.05, 4490)) t
WHERE NOT ST_IsEmpty(t.boundary);
SELECT count(*) > 400 AS tiled, abs(sum(square_metres(boundary)) / (SELECT sum(square_metres(boundary)) FROM county) - 1) < 1e-4 AS adds_up FROM tile;
DROP SCHEMA grid_zhoukou CASCADE;
DELETE FROM grid_code_rule WHERE rule IN ('county', 'tile');
