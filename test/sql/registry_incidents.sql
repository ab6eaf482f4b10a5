\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS govcase CASCADE;
SELECT format('GRANT CREATE ON DATABASE %I TO incidents_owner', current_database()) AS grant_create \gset
CREATE ROLE incidents_owner;
:grant_create;
CREATE ROLE incidents_analyst; CREATE ROLE incidents_centre; CREATE ROLE incidents_other;
RESET client_min_messages;
\set QUIET off
\set ECHO all
\set SHOW_CONTEXT never
\set VERBOSITY terse
SET SESSION AUTHORIZATION incidents_owner;
CALL govcase.create_registry('incidents');
SET search_path = incidents, govcase, public;
SET timezone = 'Asia/Shanghai';
SET datestyle = iso;
INSERT INTO region (code, code_end, level, parent, name, valid) VALUES
	('411600000000', '411699999999', 1, NULL, 'city', '[2000-01-01,)'),
	('411602000000', '411602999999', 2, '411600000000', 'county A', '[2000-01-01,)'),
	('411602001000', '411602001999', 3, '411602000000', 'A1', '[2000-01-01,)'),
	('411602001001', '411602001001', 4, '411602001000', 'A11', '[2000-01-01,)'),
	('411602001002', '411602001002', 4, '411602001000', 'A12', '[2000-01-01,)'),
	('411602002000', '411602002999', 3, '411602000000', 'A2', '[2000-01-01,)'),
	('411602003000', '411602003999', 3, '411602000000', 'A3, gone', '[2000-01-01,2024-01-01)'),
	('411681000000', '411681999999', 2, '411600000000', 'county B', '[2000-01-01,)'),
	('411681001000', '411681001999', 3, '411681000000', 'B1', '[2000-01-01,)');
INSERT INTO account (id) VALUES ('inspector'), ('analyst'), ('centre'), ('other'), ('li'), ('wang'), ('zhao'), ('qian');
INSERT INTO account_duty (account, duty, region) VALUES
	('inspector', 'inspector', '411600000000'), ('inspector', 'centre', '411600000000'),
	('analyst', 'analyst', '411600000000'), ('centre', 'centre', '411602000000'), ('other', 'centre', '411602001000'),
	('wang', 'leader', '411602000000'), ('zhao', 'leader', '411602000000');
INSERT INTO account_login VALUES ('incidents_owner', 'vouched', NULL), ('incidents_analyst', 'person', 'analyst'),
	('incidents_centre', 'person', 'centre'), ('incidents_other', 'person', 'other');
CALL admit('incidents_analyst', 'analyst');
CALL admit('incidents_centre', 'centre');
CALL admit('incidents_other', 'centre');
SET govcase.account = 'inspector';

-- Who stands for a dispute is written down whenever it changes, with the day that the decision is of.
ALTER TABLE dispute ALTER id RESTART;
BEGIN;
SET LOCAL govcase.happened_at = '2025-03-01 09:00';
INSERT INTO dispute (region, place_region, risk, found_by, reported_at)
VALUES ('411602000000', '411602001001', 'yellow', 'window', '2025-03-01 08:00');
SET LOCAL govcase.happened_at = '2025-03-02 09:00';
UPDATE dispute SET responsible = 'li', state = 'assigned' WHERE id = 1;
SET LOCAL govcase.happened_at = '2025-03-03 09:00';
UPDATE dispute SET state = 'handling' WHERE id = 1;
SET LOCAL govcase.happened_at = '2025-03-05 09:00';
UPDATE dispute SET risk = 'red', grounds = '{grave}', leader = 'wang', reason = 'threats' WHERE id = 1;
INSERT INTO follow_up (id, kind, happened_at, note) VALUES (1, 'visit', '2025-03-06 15:00', 'calm');
SET LOCAL govcase.happened_at = '2025-03-10 09:00';
UPDATE dispute SET leader = 'zhao' WHERE id = 1;
-- What changes nothing of the pair writes nothing.
UPDATE dispute SET leader = 'zhao', situation = 'divorce' WHERE id = 1;
INSERT INTO follow_up (id, kind, happened_at, note) VALUES (1, 'mediation', '2025-03-11 10:00', 'signed');
SELECT redact('dispute', 1, 5, 'asked for') AS redacted;
SET LOCAL govcase.happened_at = '2025-03-11 12:00';
UPDATE dispute SET responsible = 'li' WHERE id = 1;
-- Without the setting it counts from now.
SET LOCAL govcase.happened_at = '';
INSERT INTO dispute (region, place_region, risk, found_by, responsible, reported_at)
VALUES ('411602001000', '411602001000', 'yellow', 'patrol', 'qian', '2025-06-01 08:00');
INSERT INTO dispute (region, place_region, risk, found_by, reported_at)
VALUES ('411681001000', '411681001000', 'yellow', 'patrol', '2025-06-01 08:00');
COMMIT;
SELECT dispute, leader, responsible, CASE WHEN since < now() - interval '1 hour' THEN since::text ELSE 'now' END AS since,
	recorded_at > now() - interval '1 hour' AS recorded_now
FROM dispute_pair ORDER BY id;
-- A time before the report or in the future is cut to these: here is no link that would refuse it.
BEGIN;
SET LOCAL govcase.happened_at = '2025-01-01';
UPDATE dispute SET responsible = 'wang' WHERE id = 2;
SET LOCAL govcase.happened_at = 'infinity';
UPDATE dispute SET responsible = 'qian' WHERE id = 2;
SELECT responsible, since::text LIKE '2025-06-01 08:00%' AS when_reported, since = recorded_at AS when_recorded
FROM dispute_pair WHERE dispute = 2 ORDER BY id;
SET LOCAL govcase.happened_at = 'no time';
UPDATE dispute SET responsible = 'wang' WHERE id = 2;
\echo :SQLSTATE
ROLLBACK;
-- It is only ever added to, by the trigger alone, and seen with its dispute.
UPDATE dispute_pair SET leader = 'qian';
\echo :SQLSTATE
DELETE FROM dispute_pair;
TRUNCATE dispute_pair;
\echo :SQLSTATE
SET SESSION AUTHORIZATION incidents_centre;
INSERT INTO dispute_pair (dispute, leader, since, recorded_at) VALUES (1, 'qian', now(), now());
\echo :SQLSTATE
SELECT dispute, count(*) FROM dispute_pair GROUP BY 1 ORDER BY 1;
UPDATE dispute SET responsible = 'wang' WHERE id = 2;
SELECT leader, responsible FROM dispute_pair WHERE dispute = 2 ORDER BY id;
SET SESSION AUTHORIZATION incidents_other;
SELECT dispute, count(*) FROM dispute_pair GROUP BY 1 ORDER BY 1;
SET SESSION AUTHORIZATION incidents_owner;

-- What was known when it came to a homicide: on 28 February nothing, on the 4th yellow without a leader, on the 8th red
-- with Wang and a visit two days before; on the 10th as that day began, still Wang; on the 12th Zhao.
ALTER TABLE incident ALTER id RESTART;
INSERT INTO incident (kind, happened_on, filed_on, region, dispute) VALUES
	('homicide', '2025-02-28', '2025-03-01', '411602001001', 1),
	('criminal', '2025-03-01', '2025-03-01', '411602001001', 1),
	('criminal', '2025-03-02', '2025-03-02', '411602001001', 1),
	('criminal', '2025-03-04', '2025-03-04', '411602001001', 1),
	('homicide', '2025-03-08', '2025-03-09', '411602001001', 1),
	('homicide', '2025-03-10', '2025-03-10', '411602001001', 1),
	('accident', '2025-03-12', '2025-03-12', '411602001001', 1),
	('criminal', '2025-03-12', '2025-03-12', '411602001001', NULL),
	('criminal', '2025-04-01', '2025-04-01', '411602001001', 2),
	('criminal', '2025-07-01', '2025-07-01', '411602001000', 3);
SELECT incident, kind, happened_on, dispute, known_before AS known, state, risk, last_link AS link, last_link_kind AS of_kind,
	last_link_at::date AS link_on, leader, responsible, entered_later AS later
FROM incident_review('[2025-01-01,2025-04-01)');
-- Reported before, but on no record until it was entered now.
SELECT incident, dispute, known_before, state, last_link, responsible, entered_later FROM incident_review('[2025-04-01,2026-01-01)');
UPDATE incident SET happened_on = current_date + 1, filed_on = current_date + 1 WHERE id = 9;
SELECT incident, known_before, state, risk, last_link, responsible, entered_later FROM incident_review('[2026-01-01,)');
SELECT incident FROM incident_review('empty');
\echo :SQLSTATE
-- A centre of the county sees the incident in it, and of county B's dispute nothing but its number.
SET SESSION AUTHORIZATION incidents_centre;
SELECT incident, dispute, known_before, reported_at, state, leader FROM incident_review('[2025-03-08,2026-01-01)');
-- The township's sees what lies in it; the case is held by the county.
SET SESSION AUTHORIZATION incidents_other;
SELECT incident, dispute, known_before, state, last_link, leader, responsible FROM incident_review('[2025-03-08,2025-03-09)');
SET SESSION AUTHORIZATION incidents_analyst;
SELECT incident FROM incident_review('[2025-01-01,)');
\echo :SQLSTATE
SELECT * FROM repeat_petitions;
SELECT count(*) FROM dispute_pair;

-- Zero units: each condition by itself. The year 2024 was quiet.
SET SESSION AUTHORIZATION incidents_owner;
INSERT INTO unit (kind, region, name) VALUES ('school', '411602001001', 'first school'), ('works', '411681001000', 'brickworks');
SELECT kind, region, level, unit, name FROM zero_units('[2024-01-01,2025-01-01)');
-- A region that was still there in 2023 counts then.
SELECT count(*) FROM zero_units('[2023-12-31,2024-01-02)') WHERE region = '411602003000';
-- So many units and regions are left where one thing happened in A11 (1 region at each of four levels), or in its school.
CREATE FUNCTION pg_temp.zero_left(what text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	left_over text;
BEGIN
	EXECUTE what;
	SELECT count(*) FILTER (WHERE unit IS NULL) || ' regions, ' || count(unit) || ' units' INTO left_over
	FROM zero_units('[2024-01-01,2025-01-01)');
	RAISE EXCEPTION USING ERRCODE = 'ZZ001', MESSAGE = left_over;
EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
	RETURN left_over;
END $$;
SELECT c.condition, pg_temp.zero_left(c.statement) AS zero_units
FROM (VALUES
	(1, 'nothing', 'SELECT'),
	(2, 'a petition that it could have resolved', 'INSERT INTO petition (received_on, region, heads, resolvable) VALUES (''2024-05-01'', ''411602001001'', 1, true)'),
	(3, 'one that it could not', 'INSERT INTO petition (received_on, region, heads, resolvable) VALUES (''2024-05-01'', ''411602001001'', 9, false)'),
	(4, 'one of the school', 'INSERT INTO petition (received_on, region, unit, heads, resolvable) VALUES (''2024-05-01'', ''411602001001'', 1, 1, true)'),
	(5, 'one of the day before', 'INSERT INTO petition (received_on, region, heads, resolvable) VALUES (''2023-12-31'', ''411602001001'', 1, true)'),
	(6, 'one of the last day', 'INSERT INTO petition (received_on, region, heads, resolvable) VALUES (''2024-12-31'', ''411602001001'', 1, true)'),
	(7, 'an accident with one injured', 'INSERT INTO incident (kind, happened_on, filed_on, region, casualties) VALUES (''accident'', ''2024-05-01'', ''2024-05-01'', ''411602001001'', 1)'),
	(8, 'one without', 'INSERT INTO incident (kind, happened_on, filed_on, region, grave) VALUES (''accident'', ''2024-05-01'', ''2024-05-01'', ''411602001001'', true)'),
	(9, 'a criminal case', 'INSERT INTO incident (kind, happened_on, filed_on, region) VALUES (''criminal'', ''2024-05-01'', ''2024-05-01'', ''411602001001'')'),
	(10, 'a homicide', 'INSERT INTO incident (kind, happened_on, filed_on, region) VALUES (''homicide'', ''2024-05-01'', ''2024-05-01'', ''411602001001'')'),
	(11, 'a grave public-order case', 'INSERT INTO incident (kind, happened_on, filed_on, region, grave) VALUES (''public_order'', ''2024-05-01'', ''2024-05-01'', ''411602001001'', true)'),
	(12, 'one that is not', 'INSERT INTO incident (kind, happened_on, filed_on, region, casualties) VALUES (''public_order'', ''2024-05-01'', ''2024-05-01'', ''411602001001'', 3)'),
	(13, 'a criminal case in the school', 'INSERT INTO incident (kind, happened_on, filed_on, region, unit) VALUES (''criminal'', ''2024-05-01'', ''2024-05-01'', ''411602001001'', 1)'),
	(14, 'one filed the year after', 'INSERT INTO incident (kind, happened_on, filed_on, region) VALUES (''criminal'', ''2024-12-31'', ''2025-01-01'', ''411602001001'')'),
	(15, 'one filed in the year, of the year before', 'INSERT INTO incident (kind, happened_on, filed_on, region) VALUES (''criminal'', ''2023-12-31'', ''2024-01-01'', ''411602001001'')'),
	(16, 'one in the county, in no township', 'INSERT INTO incident (kind, happened_on, filed_on, region) VALUES (''criminal'', ''2024-05-01'', ''2024-05-01'', ''411602000000'')')
) AS c(n, condition, statement) ORDER BY c.n;
SELECT region FROM zero_units(NULL);
\echo :SQLSTATE
SELECT count(*) = (SELECT count(*) FROM zero_units(this_year())) AS this_year, count(*) > 0 AS some FROM zero_units;
SET SESSION AUTHORIZATION incidents_centre;
SELECT kind, region, name FROM zero_units('[2024-01-01,2025-01-01)') WHERE level > 2;

-- Repeat petitions: a series from its first on; two on another matter are none.
SET SESSION AUTHORIZATION incidents_owner;
ALTER TABLE petition ALTER id RESTART;
INSERT INTO petition (received_on, region, dispute, heads, resolvable, repeat_of) VALUES
	('2025-01-01', '411602001001', 1, 3, true, NULL),
	('2025-02-01', '411602001001', 1, 5, true, 1),
	('2025-03-01', '411681001000', NULL, 2, true, 2),    -- carried to county B
	('2025-04-01', '411602001002', 1, 7, true, 3),
	('2025-01-05', '411602001001', NULL, 4, true, NULL),
	('2025-01-06', '411602001001', NULL, 4, true, NULL),
	('2025-05-01', '411602001001', NULL, 1, false, 5),
	('2025-05-02', '411602001001', NULL, 1, false, 5);
SELECT * FROM repeat_petitions ORDER BY first;
-- Of those that one may see: without the one in county B, the last is no longer told to belong to the first.
SET SESSION AUTHORIZATION incidents_centre;
SELECT * FROM repeat_petitions ORDER BY first;

-- Year on year: 8 batches of 2025 against none, 27 person-times.
SET SESSION AUTHORIZATION incidents_owner;
SELECT name, batches, batches_year_before AS before, person_times, person_times_year_before AS times_before
FROM petitions_year_on_year('[2025-01-01,2026-01-01)') WHERE batches > 0;
DELETE FROM petition;
ALTER TABLE petition ALTER id RESTART;
INSERT INTO petition (received_on, region, heads, resolvable)
SELECT CASE WHEN n <= 12 THEN '2025-06-30' ELSE '2024-06-30' END::date, r, h, true
FROM generate_series(1, 22) n, LATERAL (SELECT CASE n % 4 WHEN 0 THEN '411602001002' WHEN 1 THEN '411602001001' WHEN 2 THEN '411602002000' ELSE '411681001000' END,
	CASE WHEN n <= 12 THEN 2 ELSE 5 END) AS v(r, h);
-- 12 against 10 batches: 20% more; 24 against 50 person-times: 52% fewer.
SELECT name, batches, batches_year_before AS before, percent(batches_change) AS change,
	person_times AS times, person_times_year_before AS before, percent(person_times_change) AS change
FROM petitions_year_on_year('[2025-06-01,2025-07-01)');
SET SESSION AUTHORIZATION incidents_analyst;
SELECT name, batches, batches_year_before AS before, person_times AS times, person_times_year_before AS before
FROM petitions_year_on_year('[2025-06-01,2025-07-01)');
SELECT name FROM petitions_year_on_year('[2025-06-01,)');
\echo :SQLSTATE
SELECT name FROM petitions_year_on_year(NULL);

-- The published figures: criminal cases 12,000 to 8,754, homicides among them 41 to 27.
SET SESSION AUTHORIZATION incidents_owner;
DELETE FROM incident;
INSERT INTO incident (kind, happened_on, filed_on, region)
SELECT CASE WHEN n <= 41 THEN 'homicide' ELSE 'criminal' END, date '2024-01-01' + n % 365, date '2024-01-01' + n % 365,
	CASE WHEN n % 3 = 0 THEN '411602001001' ELSE '411681001000' END
FROM generate_series(1, 12000) n;
INSERT INTO incident (kind, happened_on, filed_on, region)
SELECT CASE WHEN n <= 27 THEN 'homicide' ELSE 'criminal' END, date '2025-01-01' + n % 365, date '2025-01-01' + n % 365,
	CASE WHEN n % 3 = 0 THEN '411602001001' ELSE '411681001000' END
FROM generate_series(1, 8754) n;
SELECT kind, by_day, incidents, year_before, percent(change, 2) AS change
FROM incidents_year_on_year('[2025-01-01,2026-01-01)') WHERE level = 1;
SELECT name, kind, incidents, year_before, percent(change, 2) AS change
FROM incidents_year_on_year('[2025-01-01,2026-01-01)') WHERE name IN ('A11', 'county B') AND kind IN ('criminal', 'homicide');
-- By filing, or by happening: what happened in December and was filed in January.
INSERT INTO incident (kind, happened_on, filed_on, region)
SELECT 'public_order', '2024-12-31', '2025-01-02', '411602001001' FROM generate_series(1, 6);
SELECT by_day, incidents, year_before FROM incidents_year_on_year('[2025-01-01,2026-01-01)', 'filed') WHERE level = 1 AND kind = 'public_order'
UNION ALL
SELECT by_day, incidents, year_before FROM incidents_year_on_year('[2025-01-01,2026-01-01)', 'happened') WHERE level = 1 AND kind = 'public_order';
SELECT region FROM incidents_year_on_year('[2025-01-01,2026-01-01)', 'recorded');
\echo :SQLSTATE
SELECT region FROM incidents_year_on_year('[2025-01-01,)');
-- An analyst is not told of the three homicides of a township.
DELETE FROM incident WHERE kind = 'homicide' AND region = '411681001000' AND happened_on > '2025-01-05';
SET SESSION AUTHORIZATION incidents_analyst;
SELECT name, kind, incidents, year_before, percent(change, 2) AS change
FROM incidents_year_on_year('[2025-01-01,2026-01-01)') WHERE region LIKE '411681%';

-- Against plain SQL, on incidents and petitions drawn by hashes.
SET SESSION AUTHORIZATION incidents_owner;
DELETE FROM incident;
CREATE FUNCTION draw(n bigint, what text, many integer) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
	SELECT ((hashtextextended(what || n, 0) & 1073741823) % many)::integer
$$;
INSERT INTO incident (kind, happened_on, filed_on, region, unit, casualties, grave)
SELECT (ARRAY['criminal', 'homicide', 'public_order', 'accident'])[1 + draw(n, 'kind', 4)], day, day + draw(n, 'filed', 60),
	(regions)[1 + draw(n, 'region', 9)], CASE WHEN draw(n, 'unit', 3) = 0 THEN 1 + draw(n, 'which', 2) END, draw(n, 'casualties', 2), draw(n, 'grave', 2) = 0
FROM generate_series(1, 600) n, LATERAL (SELECT date '2024-01-01' + draw(n, 'day', 900)) AS d(day), (SELECT array_agg(code ORDER BY code) FROM region) AS r(regions);
INSERT INTO petition (received_on, region, unit, heads, resolvable)
SELECT date '2024-01-01' + draw(n, 'day', 900), (regions)[1 + draw(n, 'region', 9)],
	CASE WHEN draw(n, 'unit', 3) = 0 THEN 1 + draw(n, 'which', 2) END, 1 + draw(n, 'heads', 30), draw(n, 'resolvable', 2) = 0
FROM generate_series(1, 400) n, (SELECT array_agg(code ORDER BY code) FROM region) AS r(regions);
CREATE FUNCTION differing(figures text, oracle text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	differ bigint;
	rows bigint;
BEGIN
	EXECUTE format('WITH f AS (%s), o AS (%s) SELECT (SELECT count(*) FROM ((TABLE f EXCEPT ALL TABLE o) UNION ALL '
		'(TABLE o EXCEPT ALL TABLE f)) d), (SELECT count(*) FROM o)', figures, oracle) INTO differ, rows;
	RETURN CASE WHEN rows > 0 THEN differ END;
END $$;
SELECT b.by_day, differing(format($$SELECT y.region, y.kind, y.incidents, y.year_before, round(y.change::numeric, 9)
	FROM incidents_year_on_year('[2025-02-01,2025-09-01)', %L) y$$, b.by_day),
	format($$SELECT r.code, k.kind, c.now, c.before, round((c.now - c.before)::numeric / nullif(c.before, 0), 9)
	FROM region r, (VALUES ('criminal', '{criminal,homicide}'::text[]), ('homicide', '{homicide}'), ('public_order', '{public_order}'),
			('accident', '{accident}')) AS k(kind, kinds),
		LATERAL (SELECT count(*) FILTER (WHERE %1$I >= '2025-02-01' AND %1$I < '2025-09-01'),
				count(*) FILTER (WHERE %1$I >= '2024-02-01' AND %1$I < '2024-09-01')
			FROM incident i WHERE i.kind = ANY (k.kinds) AND i.region BETWEEN r.code AND r.code_end) AS c(now, before)$$, b.by_day || '_on'))
FROM (VALUES ('filed'), ('happened')) AS b(by_day);
SELECT differing($$SELECT region, batches, batches_year_before, person_times, person_times_year_before, round(person_times_change::numeric, 9)
	FROM petitions_year_on_year('[2025-02-01,2025-09-01)')$$,
	$$SELECT code, n, b, coalesce(h, 0), coalesce(t, 0), round((coalesce(h, 0) - t)::numeric / nullif(t, 0), 9)
	FROM region r, LATERAL (SELECT count(*) FILTER (WHERE received_on >= '2025-02-01' AND received_on < '2025-09-01'), count(*) FILTER (WHERE received_on >= '2024-02-01' AND received_on < '2024-09-01'),
			sum(heads) FILTER (WHERE received_on >= '2025-02-01' AND received_on < '2025-09-01'), sum(heads) FILTER (WHERE received_on >= '2024-02-01' AND received_on < '2024-09-01')
		FROM petition p WHERE p.region BETWEEN r.code AND r.code_end) AS c(n, b, h, t)$$) AS petitions;
-- Zero units of each fortnight.
CREATE VIEW fortnight AS SELECT daterange(d::date, d::date + 14) AS period FROM generate_series(timestamp '2024-01-01', '2026-01-01', '14 days') d;
SELECT differing('SELECT f.period, z.region, z.unit FROM fortnight f, LATERAL zero_units(f.period) z',
	$$SELECT f.period, s.code, s.unit
	FROM fortnight f, (SELECT code, code_end, NULL::bigint AS unit, valid FROM region UNION ALL SELECT region, NULL, id, '(,)' FROM unit) AS s
	WHERE s.valid && f.period
		AND NOT EXISTS (SELECT FROM petition p WHERE p.resolvable AND p.received_on <@ f.period
			AND (p.region BETWEEN s.code AND s.code_end OR p.unit = s.unit))
		AND NOT EXISTS (SELECT FROM incident i WHERE i.kind = 'accident' AND i.casualties > 0 AND i.happened_on <@ f.period
			AND (i.region BETWEEN s.code AND s.code_end OR i.unit = s.unit))
		AND NOT EXISTS (SELECT FROM incident i WHERE (i.kind IN ('criminal', 'homicide') OR i.kind = 'public_order' AND i.grave)
			AND i.happened_on <@ f.period AND (i.region BETWEEN s.code AND s.code_end OR i.unit = s.unit))$$) AS zero_units;

RESET SESSION AUTHORIZATION;
\set QUIET on
SET client_min_messages = warning;
DROP SCHEMA incidents CASCADE;
DROP OWNED BY incidents_owner, incidents_analyst, incidents_centre, incidents_other;
DROP ROLE incidents_owner, incidents_analyst, incidents_centre, incidents_other;
