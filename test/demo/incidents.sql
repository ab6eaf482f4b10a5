-- Incidents of two years, with the city's published changes.  The totals are
-- chosen; the changes follow from them:
--
--	criminal cases, homicides included	12,000 -> 8,754		-3,246 / 12,000 = -27.05%
--	homicides							    41 ->    27		   -14 /     41 = -34.15%
--	public-order cases					 9,400 -> 7,802		-1,598 /  9,400 = -17.00%
--	accidents							 1,310 -> 1,127		  -183 /  1,310 = -13.97%
CREATE TEMPORARY TABLE incident_total (kind, year, n) AS VALUES
	('homicide', 2020, 41), ('homicide', 2021, 27),
	('criminal', 2020, 12000 - 41), ('criminal', 2021, 8754 - 27),
	('public_order', 2020, 9400), ('public_order', 2021, 7802),
	('accident', 2020, 1310), ('accident', 2021, 1127);

-- The police say where; a registry's incidents have a region alone.  Its tables are
-- ours to extend: with a point, and the grid that a trigger finds for it.
ALTER TABLE incident ADD COLUMN place geometry(Point, 4490), ADD COLUMN grid text, ADD COLUMN grid_version bigint;
SELECT place_by('incident', 'grid', 'place', 'grid', 'grid_version') \g /dev/null

WITH drawn AS MATERIALIZED (
	SELECT kind, seed, t.code AS township, make_date(year, 1, 1) + pg_temp.between(seed, 'day', 0, 364) AS day,
		pg_temp.place(seed, t) AS place
	FROM incident_total
		CROSS JOIN LATERAL generate_series(1, n) AS i
		CROSS JOIN LATERAL (SELECT hashtextextended(format('%s %s %s', kind, year, i) COLLATE "C", :seed) AS seed) AS s
		JOIN (SELECT *, sum(share) OVER (ORDER BY code) AS upper FROM county) AS c
			ON pg_temp.chance(seed, 'county') >= c.upper - c.share AND pg_temp.chance(seed, 'county') < c.upper
		JOIN township AS t ON t.code = c.code || lpad(pg_temp.between(seed, 'township', 1, c.townships)::text, 3, '0')
)
INSERT INTO incident (kind, happened_on, filed_on, region, place, casualties, grave)
	SELECT kind, day, day + pg_temp.between(seed, 'filed', 0, 3), left(locate('grid', place), 12), place,
		CASE WHEN kind = 'homicide' THEN 1
			WHEN kind = 'accident' AND pg_temp.chance(seed, 'casualties') < 0.3 THEN pg_temp.between(seed, 'dead or injured', 1, 3)
			ELSE 0 END,
		kind = 'homicide' OR kind IN ('criminal', 'public_order') AND pg_temp.chance(seed, 'grave') < 0.04
	FROM drawn
	ORDER BY day, kind, township, pg_temp.chance(seed, 'order');
ANALYZE incident;

-- Some grew from a dispute (民转刑): one that was there before in the same village.
UPDATE incident AS i SET dispute = d.id
FROM (SELECT DISTINCT ON (i.id) i.id AS incident, d.id
	FROM incident AS i JOIN dispute AS d ON d.place_region = i.region AND d.reported_at < i.happened_on
	WHERE i.kind IN ('criminal', 'homicide') AND d.risk > 'blue'
	ORDER BY i.id, d.reported_at DESC) AS d
WHERE i.id = d.incident;
