-- The base records of fifteen departments: persons, places, things, events and
-- organisations.  Tags come from the dictionary; what else a department sends would
-- go into element_detail.
CREATE TEMPORARY TABLE share_of (n, kind, share, tags) AS VALUES
	(1, 'person', 0.300, '{resident,migrant,released}'::text[]),
	(9, 'person', 0.170, '{insured}'),
	(3, 'person', 0.060, '{low_income,left_behind,disabled}'),
	(8, 'person', 0.090, '{pupil}'),
	(10, 'place', 0.110, '{house,rented,unsafe}'),
	(11, 'place', 0.060, '{farmland,water}'),
	(12, 'thing', 0.050, '{vehicle}'),
	(14, 'organisation', 0.040, '{company,clinic}'),
	(7, 'person', 0.040, '{mental_illness,disabled}'),
	(13, 'thing', 0.025, '{gas,lift,camera}'),
	(5, 'event', 0.015, '{lawsuit}'),
	(4, 'event', 0.010, '{complaint}'),
	(15, 'person', 0.010, '{left_behind}'),
	(2, 'person', 0.010, '{in_correction,released}'),
	(6, 'event', 0.010, '{lawsuit,inspection}');

CREATE TEMPORARY TABLE village AS
	SELECT code, row_number() OVER (ORDER BY code) AS n, count(*) OVER () AS villages FROM region WHERE level = 4;
ANALYZE village;

-- In the order of both keys, so that indexes grow at their ends.  One person in ten
-- is known by a number, of which the registry keeps a digest.
PREPARE load_elements (int, text, text[], bigint, bigint) AS
WITH loaded AS (
	INSERT INTO element (source_department, source_key, kind, region, tags, person_digest, recorded_at)
	SELECT $1, lpad(i::text, 9, '0'), $2, code,
		CASE WHEN hash % 4 = 0 AND cardinality($3) > 1 THEN ARRAY[$3[1], $3[2 + hash / 4 % (cardinality($3) - 1)]] ELSE $3[1:1] END,
		CASE WHEN $2 = 'person' AND hash % 10 = 0 THEN sha256(int8send(hash)) END,
		'2021-12-31 12:00+08'
	FROM village
		CROSS JOIN LATERAL generate_series(1 + (n - 1) * $4 / villages, n * $4 / villages) AS i
		CROSS JOIN LATERAL (SELECT hashint8extended(i, $5 + $1) & 1125899906842623 AS hash) AS h
	RETURNING 1
)
INSERT INTO import_run (department, account, at, new)
	SELECT $1, 'importer-411600-' || $1, '2021-12-31 12:00+08', count(*) FROM loaded;

-- One line that says how far we are.
CREATE FUNCTION pg_temp.loaded(department text, elements numeric, started timestamptz) RETURNS text
	LANGUAGE sql VOLATILE AS $$
		SELECT format('   %s: %s elements, after %s s', department, elements,
			round(extract(epoch FROM clock_timestamp() - started)::numeric, 1))
	$$;

\echo 'Loading' :elements 'elements of fifteen departments …'
SELECT clock_timestamp() AS elements_started \gset
\pset tuples_only on
\pset format unaligned
SELECT format('EXECUTE load_elements (%s, %L, %L, %s, %s)', n, kind, tags, amount, :seed),
	format('SELECT pg_temp.loaded(%L, %s, %L)', english, sum(amount) OVER (ORDER BY share DESC, n), :'elements_started')
FROM (
	SELECT n, kind, tags, share, round(:elements * sum(share) OVER ordered) - round(:elements * (sum(share) OVER ordered - share)) AS amount
	FROM share_of WINDOW ordered AS (ORDER BY share DESC, n)
) AS s JOIN bureau USING (n)
ORDER BY share DESC, n
\gexec
\pset tuples_only off
\pset format aligned
DEALLOCATE load_elements;
VACUUM (ANALYZE) element;

-- An application asks for them by tag and region, and gets those of its scope.
SET govcase.account = 'centre-411602';
SELECT count(*) AS tagged, round(extract(epoch FROM clock_timestamp() - statement_timestamp())::numeric * 1000) AS search_ms
FROM find_elements('{released}', '411602001000') \gset
\echo '   of these' :tagged 'persons tagged released in one township, found in' :search_ms 'ms'
\echo
