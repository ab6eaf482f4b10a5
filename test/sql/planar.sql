\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS govcase CASCADE;
RESET client_min_messages;
\set QUIET off
\set ECHO all
\set SHOW_CONTEXT never
-- Areas and widths of boundaries in metres.
SET search_path = govcase, public;

-- A plane in metres is counted as it is; holes are no part of an area.
SELECT square_metres(g), mean_width(g) FROM (VALUES
	('POLYGON((0 0, 10 0, 10 10, 0 10, 0 0), (1 1, 2 1, 2 2, 1 2, 1 1))'::geometry),
	('POLYGON((0 0, 0 1, 10 1, 10 0, 0 0))'),
	('MULTIPOLYGON(((0 0, 3 0, 3 3, 0 3, 0 0)), ((5 5, 6 5, 6 6, 5 6, 5 5)))'),
	('POLYGON Z((0 0 9, 10 0 9, 10 10 9, 0 10 9, 0 0 9))'),
	('GEOMETRYCOLLECTION(POINT(1 2), LINESTRING(0 0, 5 5), POLYGON((0 0, 2 0, 2 2, 0 2, 0 0)))'),
	('POINT(1 2)'), ('LINESTRING(0 0, 5 5)'), ('MULTIPOLYGON EMPTY'), ('POLYGON((1 1, 1 1, 1 1, 1 1))'), (NULL)) AS v(g);

-- On the ellipsoid of China's longitudes and latitudes: a square minute on the
-- equator is 1855.32 by 1842.90 metres, and at 60 degrees 929.8 by 1856.9 (hand-computed
-- from a = 6378137 and 1/f = 298.257222101).
SELECT y, round(square_metres(ST_MakeEnvelope(114, y, 114 + 1/60.0, y + 1/60.0, 4490))::numeric, -2) AS square_minute,
	round(mean_width(ST_MakeEnvelope(114, y, 114 + 1/60.0, y + 0.01/60.0, 4490))::numeric, 2) AS strip
FROM (VALUES (0), (33), (60)) AS v(y);

-- Within 1e-4 of the area between geodesics cut so finely that they follow the parallels.
SELECT abs(square_metres(g) / ST_Area(ST_Transform(ST_Segmentize(g, 0.01), 4326)::geography) - 1) < 1e-4 AS near
FROM (VALUES (ST_MakeEnvelope(114, 33, 116, 34.5, 4490)), (ST_MakeEnvelope(-100, -61, -99, -60, 4490))) AS v(g);

-- Parts add up to the whole, whichever way it is cut.
SELECT abs(sum(square_metres(part)) / square_metres(ST_MakeEnvelope(114, 33, 115, 34, 4490)) - 1) < 1e-4 AS adds_up
FROM (
	SELECT ST_MakeEnvelope(114, 33 + n / 100.0, 115, 33 + (n + 1) / 100.0, 4490) AS part FROM generate_series(0, 99) n) p;
SELECT abs(square_metres(ST_Union(a, b)) - square_metres(a) - square_metres(b)) < 1e-6 * square_metres(a) AS adds_up
FROM (SELECT ST_GeomFromText('POLYGON((114 33, 114.01 33, 114.005 33.01, 114 33))', 4490) AS a,
	ST_GeomFromText('POLYGON((114.01 33, 114.015 33.01, 114.005 33.01, 114.01 33))', 4490) AS b) v;

-- Projected coordinates: metres (CGCS2000 zones), and feet (0.3048006 metres) of a city of somebody else's.
SELECT square_metres(ST_MakeEnvelope(500000, 3700000, 501000, 3700100, 4547)) AS metres,
	round(square_metres(ST_MakeEnvelope(700000, 900000, 701000, 900100, 2249))::numeric, 1) AS feet,
	round(mean_width(ST_MakeEnvelope(700000, 900000, 701000, 900001, 2249))::numeric, 3) AS width;
-- What each version says of the same SRID in its own words is read alike.
SELECT srid, round(square_metres(ST_MakeEnvelope(1, 1, 1.001, 1.001, srid))::numeric, 1) AS square
FROM unnest('{4490,4326,4269,4214,4610}'::int[]) AS s(srid) ORDER BY 1;

-- SRIDs that are no map, or that nobody knows.
SELECT square_metres(ST_MakeEnvelope(0, 0, 1, 1, 4479));
SELECT square_metres(ST_SetSRID(ST_MakeEnvelope(0, 0, 1, 1), 998123));
-- One of the user's own: grads, and a sphere.
INSERT INTO spatial_ref_sys (srid, auth_name, auth_srid, srtext) VALUES
	(990001, 'test', 1, 'GEOGCS["grads (on a ""sphere"")",DATUM["d",SPHEROID["s",6000000,0]],PRIMEM["p",0],UNIT["grad",0.01570796326794897]]'),
	(990002, 'test', 2, 'COMPD_CS["both",PROJCS["flat",GEOGCS["g",DATUM["d",SPHEROID["s",6378137,298.25]],PRIMEM["p",0],UNIT["degree",0.017]],PROJECTION["Mercator"],UNIT["kilometre",1000]],VERT_CS["up",UNIT["metre",1]]]'),
	(990003, 'test', 3, 'PROJCS["unfinished'), (990004, 'test', 4, 'VERT_CS["up",UNIT["metre",1]]'),
	(990005, 'test', 5, 'GEOGCRS["new words",DATUM["d",ELLIPSOID["s",6000000,0,LENGTHUNIT["metre",1]]],PRIMEM["p",0,ANGLEUNIT["degree",0.0174532925199433]],CS[ellipsoidal,2],AXIS["lon",east,ANGLEUNIT["grad",0.01570796326794897]],AXIS["lat",north,ANGLEUNIT["grad",0.01570796326794897]]]');
SELECT srid, round(square_metres(ST_SetSRID(ST_MakeEnvelope(0, 0, 0.01, 0.01), srid))::numeric, 2) AS square
FROM unnest('{990001,990002,990005}'::int[]) AS s(srid);
SELECT square_metres(ST_SetSRID(ST_MakeEnvelope(0, 0, 1, 1), 990003));
SELECT square_metres(ST_SetSRID(ST_MakeEnvelope(0, 0, 1, 1), 990004));
SELECT srid, is_measurable(srid) FROM unnest('{0,4490,4547,4479,998123,990001,990002,990003,990004,990005,-1}'::int[]) AS s(srid);
DELETE FROM spatial_ref_sys WHERE srid BETWEEN 990001 AND 990005;
