-- The city's villages and grids: ten counties, their townships, and in each made
-- villages of one to three grids.  Everything is computed in whole millionths of a degree, so that
-- neighbours share their borders exactly and every machine draws the same map.
\echo 'Drawing' :villages 'villages and' :grids 'grids …'

-- The outline, simplified by hand: bands of five hundredths of a degree from
-- south to north; in each the counties from west to east and, in hundredths of a
-- degree, where their borders meet its lower and its upper edge.
CREATE TEMPORARY TABLE band (south, counties, below, above) AS
SELECT south::int, ('{' || regexp_replace(counties, '(\d+)', '4116\1', 'g') || '}')::text[], below::int[], above::int[]
FROM (VALUES
	(3305, '81,24', '{11484,11496,11516}', '{11476,11495,11517}'),
	(3310, '81,24', '{11476,11495,11517}', '{11471,11498,11530}'),
	(3315, '81,24', '{11471,11498,11530}', '{11470,11506,11530}'),
	(3320, '81,24', '{11470,11506,11530}', '{11473,11506,11533}'),
	(3325, '81,24', '{11473,11506,11533}', '{11472,11507,11536}'),
	(3330, '23,81,24', '{11464,11472,11507,11536}', '{11460,11480,11507,11535}'),
	(3335, '23,81,24', '{11460,11480,11507,11535}', '{11457,11479,11503,11533}'),
	(3340, '23,81,03,24', '{11457,11479,11500,11503,11533}', '{11437,11480,11493,11504,11528}'),
	(3345, '23,81,03,24,25', '{11437,11480,11493,11504,11519,11535}', '{11428,11482,11487,11506,11516,11536}'),
	(3350, '23,02,03,24,25', '{11428,11480,11484,11506,11514,11536}', '{11429,11475,11483,11506,11509,11545}'),
	(3355, '23,02,03,25', '{11429,11475,11483,11506,11545}', '{11427,11459,11484,11507,11563}'),
	(3360, '23,22,02,03,25', '{11427,11453,11460,11484,11507,11563}', '{11426,11448,11461,11482,11502,11561}'),
	(3365, '23,22,02,03,25', '{11426,11448,11461,11482,11502,11561}', '{11421,11430,11464,11471,11502,11560}'),
	(3370, '22,03,25,28', '{11415,11464,11502,11554,11559}', '{11410,11465,11506,11543,11560}'),
	(3375, '22,03,25,28', '{11410,11465,11506,11543,11560}', '{11413,11472,11509,11520,11562}'),
	(3380, '22,03,28', '{11413,11472,11510,11562}', '{11430,11471,11508,11564}'),
	(3385, '21,22,03,28', '{11426,11434,11471,11508,11564}', '{11430,11449,11472,11508,11557}'),
	(3390, '21,22,27,03,28', '{11430,11449,11478,11487,11508,11556}', '{11430,11455,11470,11500,11508,11558}'),
	(3395, '21,22,27,28', '{11430,11455,11470,11508,11558}', '{11431,11457,11461,11517,11560}'),
	(3400, '21,27,28', '{11431,11458,11517,11560}', '{11428,11460,11532,11565}'),
	(3405, '21,27,28', '{11428,11460,11533,11565}', '{11427,11455,11533,11560}'),
	(3410, '21,27', '{11427,11455,11512}', '{11428,11454,11513}'),
	(3415, '21,27', '{11428,11454,11513}', '{11428,11462,11512}'),
	(3420, '21,27', '{11428,11462,11512}', '{11426,11461,11502}'),
	(3425, '21,27', '{11426,11461,11502}', '{11440,11464,11490}'),
	(3430, '21', '{11441,11453}', '{11443,11448}')
) AS v (south, counties, below, above);

-- A county in a band is a trapezoid.  Each holds one township and its share of
-- the county's others, and each township its columns of three grids.
CREATE TEMPORARY TABLE township AS
WITH trapezoid AS (
	SELECT c.county, south, below[n] AS sw, below[n + 1] AS se, above[n] AS nw, above[n + 1] AS ne,
		below[n + 1] - below[n] + above[n + 1] - above[n] AS size
	FROM band, unnest(counties) WITH ORDINALITY AS c (county, n)
), share AS (
	SELECT t.*, townships - count(*) OVER same AS others, sum(size) OVER (same ORDER BY south) AS up_to,
		sum(size) OVER same AS whole
	FROM trapezoid AS t JOIN county ON county.code = t.county
	WINDOW same AS (PARTITION BY county)
), place AS (
	SELECT share.*, row_number() OVER (PARTITION BY county ORDER BY south, n) AS number,
		row_number() OVER (ORDER BY county, south, n) AS in_city, count(*) OVER () AS townships
	FROM share, generate_series(1, 1 + up_to * others / whole - (up_to - size) * others / whole) AS n
), wide AS (
	SELECT *, :grids / 3 * in_city / townships - :grids / 3 * (in_city - 1) / townships AS columns FROM place
)
SELECT county || lpad(number::text, 3, '0') AS code, county, south, sw, se, nw, ne, columns,
	(sum(columns) OVER (same ORDER BY number) - columns)::bigint AS west, (sum(columns) OVER same)::bigint AS in_band
FROM wide
WINDOW same AS (PARTITION BY county, south);

-- Where column border i of n meets row border j (0 to 3) of a trapezoid.
CREATE FUNCTION pg_temp.corner(south int, sw int, se int, nw int, ne int, i bigint, n bigint, j int) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT AS $$
		SELECT format('%s %s', (west + (east - west) * i / n) / 1000000.0, (south * 10000 + 50000 * j / 3) / 1000000.0)
		FROM (SELECT (sw * (3 - j) + nw * j) * 10000::bigint / 3 AS west,
			(se * (3 - j) + ne * j) * 10000::bigint / 3 AS east) AS edge
	$$;

-- A county's border goes up along its western sides and down along its eastern.
WITH corner AS (
	SELECT code, side, south, j, place FROM (
		SELECT DISTINCT county AS code, south, sw, se, nw, ne, 0::bigint AS west, 1::bigint AS east, 1::bigint AS n FROM township
		UNION ALL
		SELECT code, south, sw, se, nw, ne, west, west + columns, in_band FROM township
	) AS area
		CROSS JOIN generate_series(0, 3) AS j
		CROSS JOIN LATERAL (VALUES
			(1, pg_temp.corner(south, sw, se, nw, ne, area.west, n, j)),
			(2, pg_temp.corner(south, sw, se, nw, ne, east, n, j))) AS s (side, place)
), ring AS (
	SELECT code, array_agg(place ORDER BY side, CASE side WHEN 1 THEN south ELSE -south END, CASE side WHEN 1 THEN j ELSE -j END) AS places
	FROM (SELECT *, lag(place) OVER (PARTITION BY code ORDER BY side, CASE side WHEN 1 THEN south ELSE -south END,
		CASE side WHEN 1 THEN j ELSE -j END) AS before FROM corner) AS c
	WHERE place IS DISTINCT FROM before
	GROUP BY code
)
UPDATE region SET boundary = format('SRID=4490;MULTIPOLYGON(((%s,%s)))', array_to_string(places, ','), places[1])::geometry
FROM ring WHERE region.code = rpad(ring.code, 12, '0');

-- A column of three grids makes a village; so many as are still wanting come from
-- columns that make two, of one grid and of two.  Grids are numbered from 01.
CREATE TEMPORARY TABLE drawn AS
WITH col AS (
	SELECT township.*, i, row_number() OVER (ORDER BY code, i) AS in_city
	FROM township, generate_series(1, columns) AS i
), cut AS (
	SELECT *, in_city * split / (:grids / 3) > (in_city - 1) * split / (:grids / 3) AS makes_two
	FROM col, (SELECT greatest(:villages - :grids / 3, 0)) AS s (split)
), numbered AS (
	SELECT *, sum(1 + makes_two::int) OVER (PARTITION BY code ORDER BY i) AS last_village FROM cut
)
SELECT code || lpad((last_village - (makes_two AND j = 1)::int)::text, 3, '0') AS village,
	lpad((CASE WHEN makes_two AND j > 1 THEN j - 1 ELSE j END)::text, 2, '0') AS number,
	format('SRID=4490;MULTIPOLYGON(((%1$s,%2$s,%3$s,%4$s,%1$s)))',
		pg_temp.corner(south, sw, se, nw, ne, west + i - 1, in_band, j - 1),
		pg_temp.corner(south, sw, se, nw, ne, west + i, in_band, j - 1),
		pg_temp.corner(south, sw, se, nw, ne, west + i, in_band, j),
		pg_temp.corner(south, sw, se, nw, ne, west + i - 1, in_band, j))::geometry AS boundary
FROM numbered, generate_series(1, 3) AS j;

INSERT INTO region (code, code_end, level, parent, name, english)
	SELECT DISTINCT village, village, 4, region.code, format('%s第%s村', region.name, right(village, 3)::int),
		format('%s, village %s', region.english, right(village, 3)::int)
	FROM drawn JOIN region ON region.code = left(village, 9) || '000'
	ORDER BY village;

-- One COPY or INSERT, judged at its end: no grid overlaps another or leaves its
-- county, every code fits its village.
INSERT INTO grid (code, region, boundary)
	SELECT village || number, village, boundary FROM drawn ORDER BY village, number;
ANALYZE region, grid, grid_history;
CREATE UNIQUE INDEX ON township (code);
ANALYZE township;

SELECT count(*) AS villages FROM region WHERE level = 4 \gset
SELECT count(*) AS grids, round((sum(square_metres(boundary)) / 1e6)::numeric) AS area FROM grid \gset
\echo '  ' :grids 'grids of' :villages 'villages cover' :area 'km², share their borders, and none overlaps another'
