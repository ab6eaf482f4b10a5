-- Members of the grids: one each, who in a village's first grid is a full-time one,
-- and a second where there are more.
CREATE TEMPORARY TABLE member AS
WITH numbered AS (
	SELECT code AS grid, region, ST_Centroid(boundary) AS middle, ST_ExteriorRing(ST_GeometryN(boundary, 1)) AS outline,
		row_number() OVER (ORDER BY code) AS n
	FROM grid
)
SELECT format('member-%s-%s', grid, i) AS account, grid, region, middle, outline, i = 1 AND right(grid, 2) = '01' AS full_time,
	row_number() OVER (ORDER BY grid, i) AS n
FROM numbered,
	generate_series(1, 1 + (n * (:members - :grids) / :grids - (n - 1) * (:members - :grids) / :grids)) AS i;
CREATE UNIQUE INDEX ON member (n);
CREATE INDEX ON member (grid);

INSERT INTO account (id) SELECT account FROM member ORDER BY account;
INSERT INTO account_duty (account, duty, region) SELECT account, 'member', region FROM member ORDER BY account;
INSERT INTO grid_member (account, grid, full_time) SELECT account, grid, full_time FROM member ORDER BY account;
ANALYZE member, account, account_duty, grid_member;

SELECT count(*) AS members, count(*) FILTER (WHERE full_time) AS full_time FROM grid_member \gset
\echo '  ' :members 'members,' :full_time 'of them full-time'
