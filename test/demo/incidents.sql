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

INSERT INTO incident (kind, happened_on, region, point)
	SELECT kind, make_date(year, 1, 1) + pg_temp.between(seed, 'day', 0, 364), t.code || '000', pg_temp.place(seed, t)
	FROM incident_total
		CROSS JOIN LATERAL generate_series(1, n) AS i
		CROSS JOIN LATERAL (SELECT hashtextextended(format('%s %s %s', kind, year, i) COLLATE "C", :seed) AS seed) AS s
		JOIN (SELECT *, sum(share) OVER (ORDER BY code) AS upper FROM county) AS c
			ON pg_temp.chance(seed, 'county') >= c.upper - c.share AND pg_temp.chance(seed, 'county') < c.upper
		JOIN township AS t ON t.code = c.code || lpad(pg_temp.between(seed, 'township', 1, c.townships)::text, 3, '0')
	ORDER BY 2, 1, 3, pg_temp.chance(seed, 'order');
ANALYZE incident;
