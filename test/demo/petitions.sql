-- Petitions of two years, a third of them by petitioners who came before.  Those of
-- the year that a dispute was found by are about it; the others are about what is
-- in no dispute yet.
CREATE TEMPORARY TABLE petition_total (year, n) AS VALUES (2020, 3120), (2021, 2488);
CREATE TEMPORARY TABLE batch_of_petitioners AS
WITH come AS (
	SELECT s.id AS dispute, s.seed, s.reported_at::date AS day, left(s.grid, 12) AS region
	FROM story AS s WHERE found_by = 'petition'
	UNION ALL
	SELECT NULL, s.seed, make_date(year, 1, 1) + pg_temp.between(s.seed, 'day', 0, 364), member.region
	FROM petition_total
		CROSS JOIN LATERAL generate_series(1, n) AS i
		CROSS JOIN LATERAL (SELECT hashtextextended(format('petition %s %s', year, i) COLLATE "C", :seed) AS seed) AS s
		JOIN member ON member.n = pg_temp.between(s.seed, 'where', 1, :members)
)
SELECT dispute, seed, day, region, heads, row_number() OVER (ORDER BY day, seed) AS first_petition,
	-- Who is not content comes again after some weeks.
	CASE WHEN pg_temp.chance(seed, 'again') < 0.25 THEN day + pg_temp.between(seed, 'after', 20, 70) END AS again
FROM come CROSS JOIN LATERAL (SELECT CASE WHEN pg_temp.chance(seed, 'group') < 0.8 THEN 1
	ELSE pg_temp.between(seed, 'heads', 2, 9) END AS heads) AS h;
ANALYZE batch_of_petitioners;

-- First ones are numbered from 1 by day, and repeated ones after them.
INSERT INTO petition (id, received_on, region, dispute, heads, resolvable)
	OVERRIDING SYSTEM VALUE
	SELECT first_petition, day, region, dispute, heads, pg_temp.chance(seed, 'resolvable') < 0.7
	FROM batch_of_petitioners ORDER BY 1;
SELECT setval(pg_get_serial_sequence('petition', 'id'), max(id)) FROM petition \g /dev/null
ANALYZE petition;
INSERT INTO petition (received_on, region, dispute, heads, resolvable, repeat_of)
	SELECT again, region, dispute, heads, pg_temp.chance(seed, 'resolvable') < 0.7, first_petition
	FROM batch_of_petitioners
	WHERE again < :'year_ends'
	ORDER BY again, first_petition;
INSERT INTO petition_person (petition, principal, name, person_digest)
	SELECT petition.id, i = 1, pg_temp.made_up_name(seed, 'petitioner ' || i), pg_temp.made_up_digest(seed, 'petitioner ' || i)
	FROM petition
		JOIN batch_of_petitioners ON first_petition = coalesce(repeat_of, petition.id)
		CROSS JOIN LATERAL generate_series(1, petition.heads) AS i
	ORDER BY petition.id, i;

ANALYZE petition, petition_person;
SELECT count(*) AS petitions, sum(heads) AS heads, count(repeat_of) AS repeated FROM petition \gset
SELECT count(*) AS incidents FROM incident \gset
\echo '  ' :incidents 'incidents and' :petitions 'petitions of two years,' :repeated 'of them repeated'
\echo
