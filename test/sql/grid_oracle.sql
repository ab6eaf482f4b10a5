\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS govcase CASCADE;
RESET client_min_messages;
\set QUIET off
\set ECHO all
\set SHOW_CONTEXT never
-- Which grids overlap, against PostGIS alone: polygons on a small lattice, so that they
-- touch, share borders in part, lie in each other's holes and are each other, in every
-- way; turned, so that nothing is exact; and pulled apart or together by a hair.
CREATE SCHEMA grid_oracle;
SET search_path = grid_oracle, govcase, public;
SET client_min_messages = warning;
INSERT INTO grid_code_rule (rule, kind, pattern, rank) VALUES ('any', 'ordinary', '.*', 1);
CREATE TABLE grid (code text PRIMARY KEY, boundary geometry NOT NULL);
SELECT protect_grids('grid', srid => 0, tolerance => 0, tolerance_width => 0, code_rule => 'any');
-- What overlaps could not come in otherwise.
ALTER TABLE grid DISABLE TRIGGER ALL;

-- A number from 0 to modulus - 1 that is the same on every machine.
CREATE FUNCTION lot(seed text, modulus int) RETURNS int LANGUAGE sql IMMUTABLE AS $$
	SELECT ('x' || substr(md5(seed), 1, 7))::bit(28)::int % modulus
$$;
CREATE FUNCTION shape(seed text) RETURNS geometry LANGUAGE sql IMMUTABLE AS $$
	SELECT ST_Translate(CASE lot(seed || 'kind', 8)
		WHEN 0 THEN ST_GeomFromText('POLYGON((0 0, 2 0, 2 2, 0 2, 0 0))')
		WHEN 1 THEN ST_GeomFromText('POLYGON((0 0, 0 2, 1 2, 2 2, 2 1, 2 0, 1 0, 0 0))')
		WHEN 2 THEN ST_GeomFromText('POLYGON((0 0, 3 0, 0 3, 0 0))')
		WHEN 3 THEN ST_GeomFromText('POLYGON((0 0, 3 0, 3 1, 1 1, 1 3, 0 3, 0 0))')
		WHEN 4 THEN ST_GeomFromText('POLYGON((0 0, 4 0, 4 4, 0 4, 0 0), (1 1, 3 1, 3 3, 1 3, 1 1))')
		WHEN 5 THEN ST_GeomFromText('MULTIPOLYGON(((0 0, 1 0, 1 1, 0 1, 0 0)), ((1 1, 2 1, 2 2, 1 2, 1 1)))')
		WHEN 6 THEN ST_GeomFromText('POLYGON((0 0, 1 1, 2 0, 2 2, 0 2, 0 0))')
		ELSE ST_GeomFromText('POLYGON((0 1, 1 0, 2 1, 1 2, 0 1))') END,
		lot(seed || 'x', 16), lot(seed || 'y', 16))
$$;
CREATE FUNCTION compare() RETURNS TABLE (pairs bigint, touching boolean, overlapping boolean, missed bigint, invented bigint)
LANGUAGE sql AS $$
	WITH said AS (
		SELECT least(m[1], m[2]) AS one, greatest(m[1], m[2]) AS other
		FROM govcase.check_grids('grid_oracle.grid') e CROSS JOIN LATERAL regexp_match(e.problem, 'grid "(.*)" overlaps grid "(.*)"') m
	), pair AS (
		SELECT a.code AS one, b.code AS other, coalesce(public.ST_Area(public.ST_Intersection(a.boundary, b.boundary)), 0) AS area
		FROM grid_oracle.grid a JOIN grid_oracle.grid b ON a.code < b.code AND public.ST_Intersects(a.boundary, b.boundary)
	)
	SELECT count(*), bool_or(p.area = 0), bool_or(p.area > 0),
		-- What rounding makes of a shared border is no overlap.
		count(*) FILTER (WHERE p.area > 1e-9 AND s.one IS NULL),
		count(*) FILTER (WHERE coalesce(p.area, 0) = 0 AND s.one IS NOT NULL)
	FROM pair p FULL JOIN said s ON s.one = p.one AND s.other = p.other
$$;

INSERT INTO grid SELECT lpad(n::text, 4, '0'), shape('a' || n) FROM generate_series(1, 250) n;
SELECT touching, overlapping, missed, invented FROM compare();
-- Borders that miss each other by a millionth, or overlap by it.
UPDATE grid SET boundary = ST_Scale(boundary, 1 + lot(code, 3) * 1e-6, 1 + lot(code || 'y', 3) * 1e-6);
SELECT touching, overlapping, missed, invented FROM compare();
-- Rings the other way round, and turned by an angle that no number is exact at.
TRUNCATE grid;
INSERT INTO grid SELECT lpad(n::text, 4, '0'), ST_Rotate(ST_Reverse(shape('b' || n)), 0.7) FROM generate_series(1, 250) n;
SELECT overlapping, missed FROM compare();
-- Far from the origin, where a hair is as wide as the distance between two numbers.
UPDATE grid SET boundary = ST_Translate(boundary, 4e5, 4e6);
SELECT overlapping, missed FROM compare();
DROP SCHEMA grid_oracle CASCADE;
DELETE FROM grid_code_rule WHERE rule = 'any';
