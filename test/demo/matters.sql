-- What the members report in the year: a matter for each dispute that they find,
-- and all the others, that go round their short loop.
\echo 'Drawing' :matters 'matters of' :members 'members …'
CREATE TEMPORARY TABLE report AS
WITH seen AS (
	SELECT id AS dispute, seed, reported_at, grid, point
	FROM story WHERE found_by IN ('patrol', 'sweep')
), raised AS (
	SELECT seen.*, m.account, 1 + pg_temp.between(seed, 'item', 0, 20) AS item
	FROM seen CROSS JOIN LATERAL (SELECT account FROM member WHERE member.grid = seen.grid
		ORDER BY pg_temp.chance(seed, account) LIMIT 1) AS m
), other AS (
	SELECT NULL::bigint AS dispute, s.seed,
		:'year_begins'::timestamptz + make_interval(days => pg_temp.between(s.seed, 'day', 0, 364),
			secs => pg_temp.between(s.seed, 'second', 7 * 3600, 20 * 3600)) AS reported_at, grid,
		-- Somewhere on the way from the middle of the grid to its border.
		ST_LineInterpolatePoint(ST_MakeLine(middle, ST_LineInterpolatePoint(outline, pg_temp.chance(s.seed, 'around'))),
			0.9 * pg_temp.chance(s.seed, 'outward')) AS point,
		account, pg_temp.between(s.seed, 'item', 1, 338) AS item
	FROM generate_series(1, :matters - (SELECT count(*) FROM seen)) AS i
		CROSS JOIN LATERAL (SELECT hashint8extended(i, :seed + 1) AS seed) AS s
		JOIN member ON member.n = pg_temp.between(s.seed, 'member', 1, :members)
), listed AS (
	SELECT code, name, row_number() OVER (ORDER BY code) AS item FROM item
)
SELECT md5(format('%s %s', seed, dispute))::uuid AS id, code AS item, grid, account AS member, reported_at, dispute,
	-- Most come in at once, some when the telephone is back in the net.
	reported_at + make_interval(secs => CASE WHEN dispute IS NULL AND pg_temp.chance(seed, 'offline') < 0.03
		THEN pg_temp.between(seed, 'late', 600, 20000) ELSE pg_temp.between(seed, 'soon', 1, 9) END) AS received_at,
	name || ': 巡查发现' AS content, point,
	-- Where it is at the end of the year; one in a hundred takes long.
	CASE WHEN dispute IS NOT NULL THEN 'collected'
		WHEN fate < 0.012 THEN 'voided'
		WHEN fate < 0.020 THEN 'transferred'
		WHEN pace < 0.01 OR reported_at + interval '12 days' * pace > :'year_ends'
			THEN (ARRAY['collected', 'assigned', 'handling', 'handling', 'fed_back'])[pg_temp.between(seed, 'stage', 1, 5)]
		ELSE 'closed' END AS state,
	CASE WHEN dispute IS NULL THEN CASE WHEN fate < 0.012 THEN 'reported before' WHEN fate < 0.020 THEN 'for another city' END END AS reason
FROM (SELECT * FROM raised UNION ALL SELECT * FROM other) AS r
	JOIN listed USING (item)
	CROSS JOIN LATERAL (SELECT pg_temp.chance(seed, 'fate') AS fate, pg_temp.chance(seed, 'pace') AS pace) AS c;
CREATE INDEX ON report (reported_at);
CREATE INDEX ON report (dispute) WHERE dispute IS NOT NULL;
ANALYZE report;
SELECT count(*) FILTER (WHERE dispute IS NOT NULL) AS raised, count(*) AS matters FROM report \gset
\echo '  ' :raised 'of' :matters 'become disputes'
