-- The same figures by county and by grid, and what a redistricting does to them.
\pset title 'Resolution rate by grid  调成率: 网格, of the busy ones the best and the worst three'
WITH figure AS (
	SELECT grid, resolution_summary(state) AS r FROM dispute GROUP BY grid
), busy AS (
	SELECT *, row_number() OVER (ORDER BY rate(r) DESC, grid) AS best, row_number() OVER (ORDER BY rate(r), grid) AS worst
	FROM figure
	WHERE handled(r) * 2 >= (SELECT max(handled(r)) FROM figure)
)
SELECT grid AS "grid 网格", english AS "township", handled(r) AS "handled 受理", resolved(r) AS "resolved 调成",
	percent(rate(r), 1) AS "rate 调成率"
FROM busy JOIN region ON code = left(grid, 9) || '000'
WHERE best <= 3 OR worst <= 3
ORDER BY best;

-- Both years by the grids of one moment: now.
SELECT clock_timestamp() AS before_split \gset
CREATE TEMPORARY TABLE placed AS
	SELECT left(r.grid, 6) || '000000' AS county, r.grid, year_on_year(happened_on, '[2021-01-01,2022-01-01)') AS change,
		count(*) FILTER (WHERE happened_on < '2021-01-01') AS before,
		count(*) FILTER (WHERE happened_on >= '2021-01-01') AS after
	FROM regrid('incident', 'grid', :'before_split') AS r JOIN incident ON id = r.case_key::bigint
	WHERE incident.kind IN ('criminal', 'homicide')
	GROUP BY GROUPING SETS (left(r.grid, 6), r.grid);

\pset title 'Criminal cases year-on-year by county  刑事案件同比: 县市区'
SELECT english AS "county", name AS "县市区", before AS "2020", after AS "2021", percent(change, 1) AS "change 同比"
FROM placed JOIN region ON code = county
WHERE grid IS NULL
ORDER BY change, county;

\pset title 'Criminal cases year-on-year by grid  刑事案件同比: 网格, the largest falls and rises'
WITH ranked AS (
	SELECT *, row_number() OVER (ORDER BY after - before, grid) AS falls, row_number() OVER (ORDER BY before - after, grid) AS rises
	FROM placed WHERE grid IS NOT NULL
)
SELECT ranked.grid AS "grid 网格", english AS "township", before AS "2020", after AS "2021", percent(change, 1) AS "change 同比"
FROM ranked JOIN region ON code = left(ranked.grid, 9) || '000'
WHERE falls <= 3 OR rises <= 3
ORDER BY falls;

-- The busiest grid is cut in two, from one middle to the other.
SELECT grid AS busiest, left(grid, 12) || '09' AS new_grid, count(*) AS busiest_disputes
FROM dispute GROUP BY grid ORDER BY count(*) DESC, grid LIMIT 1 \gset
\echo
\echo 'Redistricting  网格调整: the busiest grid,' :busiest', with' :busiest_disputes 'disputes, is cut in two'
\echo
\echo '   BEGIN;'
\echo '   UPDATE grid SET boundary = …western half… WHERE code = ''':busiest''';'
\echo '   INSERT INTO grid (code, region, boundary) VALUES (''':new_grid''', …, …eastern half…);'
\echo '   INSERT INTO grid_member …who walks it…;'
\echo '   COMMIT;'
\echo
CREATE TEMPORARY TABLE half AS
SELECT format('SRID=4490;MULTIPOLYGON(((%s %s,%s %s,%s %s,%s %s,%1$s %2$s)))', sw, south, sm, south, nm, north, nw, north)::geometry AS west,
	format('SRID=4490;MULTIPOLYGON(((%s %s,%s %s,%s %s,%s %s,%1$s %2$s)))', sm, south, se, south, ne, north, nm, north)::geometry AS east
FROM (
	SELECT ST_X(ST_PointN(ring, 1)) AS sw, ST_X(ST_PointN(ring, 2)) AS se, ST_X(ST_PointN(ring, 3)) AS ne, ST_X(ST_PointN(ring, 4)) AS nw,
		ST_Y(ST_PointN(ring, 1)) AS south, ST_Y(ST_PointN(ring, 3)) AS north
	FROM (SELECT ST_ExteriorRing(ST_GeometryN(boundary, 1)) AS ring FROM grid WHERE code = :'busiest') AS b
) AS corner
	CROSS JOIN LATERAL (SELECT (sw + se) / 2 AS sm, (nw + ne) / 2 AS nm) AS middle;
BEGIN;
UPDATE grid SET boundary = west FROM half WHERE code = :'busiest';
INSERT INTO grid (code, region, boundary)
	SELECT :'new_grid', region, east FROM grid CROSS JOIN half WHERE code = :'busiest';
INSERT INTO grid_member (account, grid, full_time)
	SELECT account, :'new_grid', full_time FROM grid_member WHERE grid = :'busiest';
COMMIT;

\pset title 'Its history  网格沿革'
SELECT version AS "version", v.grid AS "grid 网格", round((square_metres(geom) / 10000)::numeric, 1) AS "hectares 公顷",
	CASE WHEN upper_inf(valid) THEN 'in force 现行' ELSE 'ended 已止' END AS "state",
	string_agg(format('%s to version %s', percent(share, 1), to_version), ', ' ORDER BY to_version)
		FILTER (WHERE share IS NOT NULL) AS "where its area went"
FROM grid_history AS v LEFT JOIN grid_history_lineage ON from_version = version
WHERE v.grid IN (:'busiest', :'new_grid')
GROUP BY version
ORDER BY version;

\pset title 'Its disputes by the grids of then and of now  按当时与现行网格'
WITH told AS (
	SELECT 1 AS n, 'then 当时' AS as_of, r.* FROM regrid('dispute_place', 'grid', :'before_split', 'place', 'grid_version', '{id}') AS r
	UNION ALL
	SELECT 2, 'now 现行', r.* FROM regrid('dispute_place', 'grid', clock_timestamp(), 'place', 'grid_version', '{id}') AS r
)
SELECT as_of AS "grids of", coalesce(place, 'all 合计') AS "grid 网格", count(*) AS "disputes",
	percent(resolution_rate(state), 1) AS "rate 调成率"
FROM (SELECT n, as_of, CASE WHEN grid IN (:'busiest', :'new_grid') THEN grid ELSE 'all others' END AS place, case_key FROM told) AS t
	JOIN dispute ON id = case_key::bigint
GROUP BY GROUPING SETS ((n, as_of, place), (n, as_of))
ORDER BY n, place NULLS LAST;
\pset title
