\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS govcase CASCADE;
RESET client_min_messages;
\set QUIET off
\set ECHO all
\set SHOW_CONTEXT never
-- What grids were, and what became of them. Boxes in a plane of metres, so that areas can
-- be told at a glance.
CREATE SCHEMA redistricting;
SET search_path = redistricting, govcase, public;
CREATE FUNCTION box(west float8, south float8, east float8, north float8) RETURNS geometry
	LANGUAGE sql IMMUTABLE AS 'SELECT ST_Multi(ST_MakeEnvelope(west, south, east, north, 0))';
INSERT INTO grid_code_rule (rule, kind, pattern, rank) VALUES ('letter', 'special', '[A-Z]', 1), ('letter', 'ordinary', '[A-Z]', 2);
CREATE TABLE grid (
	code text PRIMARY KEY,
	kind text NOT NULL DEFAULT 'ordinary',
	geom geometry(MultiPolygon) NOT NULL
);
CREATE INDEX ON grid USING gist (geom);

-- What cannot be.
SELECT create_grid_history('grid', 'grid_history');
SELECT protect_grids('grid', columns => '{"boundary": "geom"}', srid => 0, code_rule => 'letter');
SELECT create_grid_history('grid', NULL);
SELECT create_grid_history(NULL, 'grid_history');
SELECT create_grid_history('grid', 'grid');
SELECT create_grid_history('grid', repeat('long', 15));
SELECT regrid('grid', 'grid');
SELECT history, lineage, columns FROM grid_history('grid');

-- Three grids in a row; their history begins with them as they are.
INSERT INTO grid VALUES ('A', 'ordinary', box(0, 0, 100, 100)), ('C', 'ordinary', box(200, 0, 300, 100)),
	('B', 'ordinary', box(100, 0, 200, 100));
SELECT clock_timestamp() AS before_all \gset
SELECT create_grid_history('grid', 'grid_history');
SELECT create_grid_history('grid', 'grid_history');
SELECT create_grid_history('grid', 'another');
SELECT history, lineage, columns, lineage_columns FROM grid_history('grid');
CREATE VIEW versions AS
	SELECT version, grid, kind, Box2D(geom) AS box, event, ended_by, upper_inf(valid) AS open, isempty(valid) AS never
	FROM grid_history ORDER BY version;
CREATE VIEW lineage AS
	SELECT l.event, f.grid AS "from", from_version, t.grid AS "to", to_version, round(share::numeric, 6) AS share
	FROM grid_history_lineage l JOIN grid_history f ON f.version = from_version JOIN grid_history t ON t.version = to_version
	ORDER BY l.event, from_version, to_version;
SELECT * FROM versions;

-- Cases are placed as they come in, and the version of then is noted. Some have no point
-- and say their grid themselves; one has nothing, one is far away, one's point is empty.
CREATE TABLE case_table (
	id bigint PRIMARY KEY,
	point geometry(Point),
	place text,
	version_then bigint,
	reported_on date
);
SELECT place_by('case_table', 'grid', 'point', 'place', 'version_then');
INSERT INTO case_table (id, point, place, reported_on) VALUES
	(1, 'POINT(25 50)', NULL, '2020-03-01'), (2, 'POINT(75 50)', NULL, '2020-04-01'), (3, 'POINT(130 50)', NULL, '2020-05-01'),
	(4, 'POINT(170 50)', NULL, '2020-06-01'), (5, 'POINT(250 50)', NULL, '2020-07-01'), (6, 'POINT(45 50)', NULL, '2021-03-01'),
	(7, 'POINT(80 50)', NULL, '2021-04-01'), (8, 'POINT(155 20)', NULL, '2021-05-01'), (9, 'POINT(210 50)', NULL, '2021-06-01'),
	(10, 'POINT(900 900)', NULL, '2021-07-01'), (11, NULL, 'A', '2020-08-01'), (12, NULL, 'B', '2020-09-01'),
	(13, NULL, 'C', '2021-08-01'), (14, NULL, NULL, '2021-09-01'), (15, 'POINT EMPTY', NULL, '2021-10-01');
SELECT id, ST_AsText(point) AS point, place, version_then FROM case_table ORDER BY id;

-- Each case once, whatever is asked: the figures of a time add up to all cases.
CREATE FUNCTION figures(as_of timestamptz) RETURNS TABLE (figure text, cases bigint, ids text)
	LANGUAGE sql STABLE AS $$
		SELECT coalesce(grid, 'none'), count(*), string_agg(case_key, ' ' ORDER BY case_key::int)
		FROM regrid('case_table', 'grid', as_of) GROUP BY grid
		UNION ALL
		SELECT 'all', count(*), CASE WHEN count(*) = count(DISTINCT case_key) AND count(*) = (SELECT count(*) FROM case_table)
			THEN 'each once' ELSE 'WRONG' END
		FROM regrid('case_table', 'grid', as_of)
		ORDER BY 1
	$$;
SELECT * FROM figures(clock_timestamp());
SELECT * FROM figures(:'before_all');
SELECT * FROM figures('-infinity');

-- A split: 40 of A's 100 metres stay A, 60 become E. A case without a point goes with the
-- larger share.
SELECT clock_timestamp() AS before_split \gset
BEGIN;
UPDATE grid SET geom = box(0, 0, 40, 100) WHERE code = 'A';
INSERT INTO grid VALUES ('E', 'ordinary', box(40, 0, 100, 100));
COMMIT;
SELECT * FROM versions;
SELECT * FROM lineage;
SELECT * FROM figures(clock_timestamp());
-- In halves: then it goes with the smaller code.
SELECT clock_timestamp() AS before_halves \gset
BEGIN;
UPDATE grid SET geom = box(150, 0, 200, 100) WHERE code = 'B';
INSERT INTO grid VALUES ('F', 'ordinary', box(100, 0, 150, 100));
COMMIT;
SELECT * FROM lineage WHERE "from" = 'B';
SELECT * FROM figures(clock_timestamp());

-- A merge: B, now the eastern half, goes into C.
SELECT clock_timestamp() AS before_merge \gset
BEGIN;
DELETE FROM grid WHERE code = 'B';
UPDATE grid SET geom = box(150, 0, 300, 100) WHERE code = 'C';
COMMIT;
SELECT * FROM lineage WHERE "to" = 'C';
SELECT * FROM figures(clock_timestamp());

-- A moved border, between A and E: neither is what it was, and E keeps five sixths.
SELECT clock_timestamp() AS before_border \gset
UPDATE grid SET geom = box(CASE code WHEN 'A' THEN 0 ELSE 50 END, 0, CASE code WHEN 'A' THEN 50 ELSE 100 END, 100)
WHERE code IN ('A', 'E');
SELECT * FROM lineage WHERE event = (SELECT max(event) FROM grid_history);
SELECT * FROM figures(clock_timestamp());

-- E goes, nobody takes its place, and it comes back.
SELECT clock_timestamp() AS before_end \gset
DELETE FROM grid WHERE code = 'E';
SELECT * FROM lineage WHERE event = (SELECT max(ended_by) FROM grid_history);
SELECT * FROM figures(clock_timestamp());
SELECT clock_timestamp() AS while_gone \gset
INSERT INTO grid VALUES ('E', 'ordinary', box(50, 0, 100, 100));
SELECT * FROM versions WHERE grid = 'E';
SELECT * FROM figures(clock_timestamp());

-- B and F come together again to what B was: B's cases are back in B, with a point or
-- without, and C is smaller.
BEGIN;
DELETE FROM grid WHERE code = 'F';
UPDATE grid SET geom = box(200, 0, 300, 100) WHERE code = 'C';
INSERT INTO grid VALUES ('B', 'ordinary', box(100, 0, 200, 100));
COMMIT;
SELECT * FROM figures(clock_timestamp());

-- The past does not change.
SELECT * FROM figures(:'before_split');
SELECT * FROM figures(:'before_halves');
SELECT * FROM figures(:'before_merge');
SELECT * FROM figures(:'before_border');
SELECT * FROM figures(:'before_end');
SELECT * FROM figures(:'while_gone');
-- The version of then was never rewritten.
SELECT count(*) FILTER (WHERE event = 1) AS of_then, count(*) AS cases FROM case_table LEFT JOIN grid_history ON version = version_then;

-- Year-on-year by the grids of then and by those of now: one time for both years.
SELECT CASE t.n WHEN 1 THEN 'then' ELSE 'now' END AS grids_of, grid,
	previous_total(s)::int AS in_2020, current_total(s)::int AS in_2021, percent(change(s), 1) AS year_on_year
FROM (VALUES (1, :'before_split'::timestamptz), (2, clock_timestamp())) AS t(n, as_of)
	CROSS JOIN LATERAL (
		SELECT r.grid, period_summary(reported_on, '[2021-01-01,2022-01-01)', '1 year'::interval) AS s
		FROM regrid('case_table', 'grid', t.as_of) r JOIN case_table c ON c.id = r.case_key::bigint
		GROUP BY r.grid) f
ORDER BY n, grid;

-- A case that is placed now, asked about the past: C of now lies in what was C and B then.
INSERT INTO case_table (id, place, reported_on) VALUES (16, 'C', '2021-11-01'), (17, 'B', '2021-11-01');
INSERT INTO case_table (id, point) VALUES (18, 'POINT(120 1)');
SELECT r.*, c.version_then FROM regrid('case_table', 'grid', :'before_border') r JOIN case_table c ON c.id = case_key::bigint
WHERE id > 15 ORDER BY id;
DELETE FROM case_table WHERE id > 15;

-- Two redistrictings in one transaction, each judged at once: one version, one event.
BEGIN;
SET CONSTRAINTS ALL IMMEDIATE;
UPDATE grid SET geom = box(0, 0, 30, 100) WHERE code = 'A';
INSERT INTO grid VALUES ('G', 'ordinary', box(30, 0, 40, 100));
INSERT INTO grid VALUES ('H', 'ordinary', box(40, 0, 50, 100)), ('I', 'ordinary', box(1000, 0, 1100, 100));
SELECT "to", share FROM lineage WHERE event = (SELECT max(event) FROM grid_history);
DELETE FROM grid WHERE code IN ('H', 'I');
UPDATE grid SET geom = box(30, 0, 50, 100) WHERE code = 'G';
COMMIT;
SELECT * FROM versions WHERE event >= (SELECT max(event) FROM grid_history);
SELECT * FROM lineage WHERE event = (SELECT max(event) FROM grid_history);

-- What is rolled back was not.
BEGIN;
UPDATE grid SET geom = box(200, 0, 310, 100) WHERE code = 'C';
SAVEPOINT s;
UPDATE grid SET geom = box(0, 0, 20, 100) WHERE code = 'A';
INSERT INTO grid VALUES ('H', 'ordinary', box(20, 0, 30, 100));
SET CONSTRAINTS ALL IMMEDIATE;
SELECT count(*) FROM versions WHERE open AND grid IN ('A', 'C', 'H');
ROLLBACK TO s;
INSERT INTO grid VALUES ('K', 'ordinary', box(500, 0, 600, 100));
COMMIT;
SELECT grid, kind, box, ended_by IS NULL AS open FROM versions WHERE event = (SELECT max(event) FROM grid_history) ORDER BY grid;
SELECT "from", "to", share FROM lineage WHERE event = (SELECT max(event) FROM grid_history);
BEGIN;
DELETE FROM grid WHERE code = 'K';
SET CONSTRAINTS ALL IMMEDIATE;
ROLLBACK;
SELECT grid, open FROM versions WHERE grid = 'K';
-- A change that changes nothing is no redistricting.
UPDATE grid SET geom = geom;
SELECT count(*) FILTER (WHERE open) AS open, max(event) = (SELECT event FROM grid_history WHERE grid = 'K') AS no_event FROM versions;

-- Whoever is placed in a grid before its change is recorded has the version that it will be.
BEGIN;
UPDATE grid SET geom = box(500, 0, 650, 100) WHERE code = 'K';
INSERT INTO grid VALUES ('L', 'ordinary', box(650, 0, 700, 100));
INSERT INTO case_table (id, point) VALUES (20, 'POINT(640 10)'), (21, 'POINT(510 10)'), (22, 'POINT(660 10)'), (23, 'POINT(10 10)');
COMMIT;
INSERT INTO case_table (id, point) VALUES (24, 'POINT(640 10)'), (25, 'POINT(660 10)');
SELECT id, place, grid, box, open FROM case_table LEFT JOIN versions ON version = version_then WHERE id >= 20 ORDER BY id;
DELETE FROM case_table WHERE id >= 20;

-- A special grid over ordinary ones comes first for points. When it goes, what lies
-- under it is in its place.
INSERT INTO grid VALUES ('S', 'special', box(210, 10, 240, 40));
INSERT INTO case_table (id, point, place) VALUES (30, 'POINT(220 20)', NULL), (31, NULL, 'S'), (32, NULL, 'C');
SELECT case_key, grid FROM regrid('case_table', 'grid') WHERE case_key::int >= 30 ORDER BY 1;
DELETE FROM grid WHERE code = 'S';
SELECT "from", "to", share FROM lineage WHERE "from" = 'S';
SELECT case_key, grid FROM regrid('case_table', 'grid') WHERE case_key::int >= 30 ORDER BY 1;
-- A case of the ordinary grid stays with ordinary grids, however much a special one takes.
BEGIN;
UPDATE grid SET geom = box(200, 0, 260, 100) WHERE code = 'C';
INSERT INTO grid VALUES ('D', 'ordinary', box(260, 0, 310, 100)), ('S', 'special', box(200, 0, 310, 90));
COMMIT;
SELECT "from", "to", share FROM lineage WHERE event = (SELECT max(event) FROM grid_history);
SELECT case_key, grid FROM regrid('case_table', 'grid') WHERE case_key::int >= 30 ORDER BY 1;
DELETE FROM case_table WHERE id >= 30;

-- Nobody else writes it, the owner included.
INSERT INTO grid_history (grid, kind, geom, valid, event) VALUES ('Z', 'ordinary', box(0, 0, 1, 1), 'empty', 1);
UPDATE grid_history SET ended_by = 7 WHERE grid = 'A';
DELETE FROM grid_history_lineage;
TRUNCATE grid_history CASCADE;
TRUNCATE grid_history_lineage;
\echo :SQLSTATE
SELECT history_columns();

-- Emptied: every grid ends.
BEGIN;
TRUNCATE grid;
SELECT count(*) FILTER (WHERE open) AS open, count(*) FILTER (WHERE ended_by = (SELECT max(ended_by) FROM grid_history)) AS ended
FROM versions;
ROLLBACK;

-- Names may change.
ALTER TABLE grid_history RENAME grid TO "Code of then";
ALTER TABLE grid_history RENAME TO "History 1";
ALTER TABLE grid_history_lineage RENAME share TO "part";
ALTER TABLE grid RENAME geom TO "Outline";
UPDATE grid SET "Outline" = box(500, 0, 650, 110) WHERE code = 'K';
SELECT "Code of then", Box2D(geom), round(part::numeric, 3) FROM "History 1" JOIN grid_history_lineage l ON to_version = version
WHERE l.event = (SELECT max(event) FROM "History 1");
SELECT count(*), count(grid) FROM regrid('case_table', 'grid');
DO $$ BEGIN ALTER TABLE "History 1" DROP valid; EXCEPTION WHEN dependent_objects_still_exist THEN RAISE NOTICE 'kept'; END $$;
ALTER TABLE "History 1" RENAME TO grid_history;
ALTER TABLE grid_history RENAME "Code of then" TO grid;
ALTER TABLE grid_history_lineage RENAME "part" TO share;

-- Without the protection nothing is recorded; protected again, the history goes on where
-- the grids are by then.
SELECT unprotect_grids('grid');
DELETE FROM grid WHERE code IN ('K', 'S');
ALTER TABLE grid RENAME "Outline" TO geom;
SELECT protect_grids('grid', columns => '{"boundary": "geom"}', srid => 0, code_rule => 'letter');
SELECT history FROM grid_history('grid');
SELECT create_grid_history('grid', 'case_table');
SELECT create_grid_history('grid', 'grid_history');
SELECT grid, open FROM versions WHERE ended_by = (SELECT max(ended_by) FROM grid_history) ORDER BY grid;
SELECT count(*) FROM versions WHERE open;
-- The history of other grids is not taken.
CREATE TABLE other (LIKE grid INCLUDING ALL);
SELECT protect_grids('other', columns => '{"boundary": "geom"}', srid => 0, code_rule => 'letter');
SELECT create_grid_history('other', 'grid_history');
DROP TABLE other;
-- Half a history is none.
BEGIN;
ALTER TABLE grid_history_lineage DISABLE TRIGGER govcase_keep;
DROP TRIGGER govcase_lineage_columns ON grid_history_lineage;
INSERT INTO grid VALUES ('X', 'ordinary', box(-100, 0, -50, 100));
COMMIT;
BEGIN;
DROP VIEW versions, lineage;
DROP TABLE grid_history, grid_history_lineage;
INSERT INTO grid VALUES ('X', 'ordinary', box(-100, 0, -50, 100));
COMMIT;
SELECT history FROM grid_history('grid');

-- Somebody who may change grids and nothing else.
SELECT create_grid_history('grid', 'kept');
CREATE ROLE planner;
GRANT USAGE ON SCHEMA redistricting TO planner;
GRANT SELECT, UPDATE ON grid TO planner;
SET ROLE planner;
SELECT create_grid_history('grid', 'mine');
SELECT record_grids('grid');
UPDATE grid SET geom = box(-100, 0, -40, 100) WHERE code = 'X';
SELECT count(*) FROM kept;
RESET ROLE;
SELECT grid, Box2D(geom), event FROM kept WHERE grid = 'X' ORDER BY version;
-- Neither does a search_path of theirs decide what the owner runs.
CREATE SCHEMA trap AUTHORIZATION planner;
SET ROLE planner;
CREATE FUNCTION trap.equal(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'caught %', current_user; END $$;
CREATE OPERATOR trap.= (FUNCTION = trap.equal, LEFTARG = text, RIGHTARG = text);
SET search_path = trap, pg_catalog, redistricting, public;
UPDATE redistricting.grid SET geom = redistricting.box(-100, 0, -30, 100) WHERE code OPERATOR(pg_catalog.=) 'X';
RESET ROLE;
SET search_path = redistricting, govcase, public;
SELECT count(*) FROM kept WHERE grid = 'X';

-- What regrid() is told wrongly.
CREATE TABLE plain (id integer, at geometry(Point), v bigint);
SELECT regrid('plain', 'grid');
ALTER TABLE plain ADD PRIMARY KEY (id);
SELECT regrid('plain', 'grid');
SELECT regrid('plain', 'grid', now(), point => 'where');
SELECT regrid('plain', 'grid', NULL, point => 'at');
SELECT regrid('plain', 'case_table', point => 'at');
SELECT count(*) FROM regrid('plain', 'grid', now(), point => 'at');
-- A key of two columns, and no version at all.
CREATE TABLE pair (a text, b integer, at geometry(Point), PRIMARY KEY (a, b));
INSERT INTO pair VALUES ('x', 1, 'POINT(120 50)'), ('x', 2, NULL), ('y', 1, ST_MakePoint('nan', 1));
SELECT * FROM regrid('pair', 'grid', point => 'at') ORDER BY 1;

-- Against an oracle: whatever the grids were at a time, kept beside, points are in the
-- grid that covers them there.
CREATE TABLE tile (code varchar(20) PRIMARY KEY, outline geometry(MultiPolygon) NOT NULL);
CREATE INDEX ON tile USING gist (outline);
INSERT INTO grid_code_rule (rule, kind, pattern, rank) VALUES ('any', 'ordinary', '.+', 1);
INSERT INTO tile SELECT format('%s-%s', x, y), box(x * 10, y * 10, x * 10 + 10, y * 10 + 10)
	FROM generate_series(0, 7) x, generate_series(0, 7) y;
SELECT protect_grids('tile', columns => '{"boundary": "outline"}', srid => 0, code_rule => 'any');
SELECT create_grid_history('tile', 'tile_history');
CREATE TABLE spot (id serial PRIMARY KEY, at geometry(Point), tile text, placed_in bigint);
CREATE TABLE oracle (step integer, at timestamptz, code text, outline geometry);
SELECT place_by('spot', 'tile', 'at', 'tile', 'placed_in');
CREATE FUNCTION somewhere(n integer) RETURNS geometry LANGUAGE sql IMMUTABLE AS
	'SELECT ST_MakePoint(abs(hashint4(n) % 8300) / 100.0, abs(hashint4(-n) % 8300) / 100.0)';
INSERT INTO spot (at) SELECT somewhere(n) FROM generate_series(1, 200) n;
CREATE PROCEDURE redraw() LANGUAGE plpgsql AS $$
DECLARE
	victim record;
	other record;
	moment timestamptz;
BEGIN
	FOR step IN 1 .. 12 LOOP
		-- Each time some are cut in two at a third of their width, some go, some are joined.
		FOR victim IN
			SELECT code, outline, abs(hashtext(code || step) % 5) AS fate, row_number() OVER (ORDER BY code COLLATE "C") AS n
			FROM tile WHERE hashtext(step || code) % 11 = 0
		LOOP
			SELECT * INTO other FROM tile WHERE victim.fate = 1 AND ST_XMin(outline) = ST_XMax(victim.outline)
				AND ST_YMin(outline) = ST_YMin(victim.outline);
			IF victim.fate = 0 THEN
				DELETE FROM tile WHERE code = victim.code;
			ELSIF FOUND THEN
				DELETE FROM tile WHERE code = other.code;
				UPDATE tile SET outline = box(ST_XMin(outline), ST_YMin(outline), ST_XMax(other.outline), ST_YMax(outline))
				WHERE code = victim.code;
			ELSIF ST_XMax(victim.outline) - ST_XMin(victim.outline) > 1 THEN
				UPDATE tile SET outline = box(ST_XMin(outline), ST_YMin(outline),
					ST_XMin(outline) + (ST_XMax(outline) - ST_XMin(outline)) / 3, ST_YMax(outline)) WHERE code = victim.code;
				INSERT INTO tile SELECT format('%s/%s', step, victim.n),
					box(ST_XMax(outline), ST_YMin(outline), ST_XMax(victim.outline), ST_YMax(outline)) FROM tile WHERE code = victim.code;
			END IF;
		END LOOP;
		COMMIT;
		moment := clock_timestamp();
		INSERT INTO oracle SELECT step, moment, code, outline FROM tile;
		INSERT INTO spot (at) SELECT somewhere(n * step)
			FROM generate_series(1, 20) n;
	END LOOP;
END $$;
CALL redraw();
SELECT count(*) AS steps, sum(cases) AS asked, sum(wrong) AS wrong, sum(twice) AS twice, min(placed) AS least_placed
FROM (SELECT DISTINCT step, at FROM oracle) s
	CROSS JOIN LATERAL (
		SELECT count(*) AS cases, count(r.grid) AS placed, count(*) - count(DISTINCT r.case_key) AS twice,
			count(*) FILTER (WHERE r.grid IS DISTINCT FROM (
				SELECT code FROM oracle o WHERE o.step = s.step AND o.outline && p.at AND ST_Covers(o.outline, p.at) ORDER BY code COLLATE "C" LIMIT 1)) AS wrong
		FROM regrid('spot', 'tile', s.at) r JOIN spot p ON p.id = r.case_key::int) f;
-- Of each ended version, what went and what nobody took add up; versions of a grid never overlap in time.
SELECT count(*) FILTER (WHERE total > 1 + 1e-9) AS more_than_all, count(*) AS ended FROM (
	SELECT from_version, sum(share) AS total FROM tile_history_lineage GROUP BY 1) s;
SELECT count(*) AS overlaps FROM tile_history a JOIN tile_history b ON a.grid = b.grid AND a.version < b.version AND a.valid && b.valid;
-- Each spot bears the version of the grid that it was placed in.
SELECT count(*) FILTER (WHERE h.grid IS DISTINCT FROM s.tile) AS wrong, count(h.version) AS placed
FROM spot s LEFT JOIN tile_history h ON h.version = s.placed_in;
-- The version that a case placed in a grid now bears: the open one; the last of a grid that is
-- no more; where it has just changed, the one that its history will have.
SELECT bool_and(grid_version('tile', grid) = version) AS open, count(*) = (SELECT count(*) FROM tile) AS all_of_them
FROM tile_history WHERE upper_inf(valid);
SELECT bool_and(grid_version('tile', grid) = last) AS last, count(*) > 5 AS some
FROM (SELECT grid, max(version) AS last FROM tile_history GROUP BY grid HAVING NOT bool_or(upper_inf(valid))) g;
BEGIN;
INSERT INTO tile VALUES ('99/9', box(900, 900, 910, 910));
SELECT grid_version('tile', '99/9') AS promised \gset
COMMIT;
SELECT version = :promised AS kept FROM tile_history WHERE grid = '99/9';
SELECT grid_version('tile', 'nowhere') IS NULL AS no_grid, grid_version('tile', NULL) IS NULL AS no_code;
SELECT grid_version('spot', 'A');
SET ROLE planner;
SELECT grid_version('tile'::regclass, '99/9');
RESET ROLE;

\set QUIET on
SET client_min_messages = warning;
DROP SCHEMA redistricting, trap CASCADE;
DELETE FROM govcase.grid_code_rule WHERE NOT shipped;
DROP ROLE planner;
