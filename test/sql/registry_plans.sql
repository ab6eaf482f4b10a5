\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS govcase CASCADE;
CREATE ROLE plans_user;
RESET client_min_messages;
\set QUIET off
\set ECHO all
-- Each kind of account finds its rows through an index, whatever is left to decide at run time.
CALL govcase.create_registry('plans');
SET search_path = plans, govcase, public;
INSERT INTO region VALUES ('411600000000', '411699999999', 1, NULL, 'city');
INSERT INTO region SELECT format('4116%s000000', c), format('4116%s999999', c), 2, '411600000000', 'county ' || c
FROM generate_series(11, 20) c;
INSERT INTO region SELECT format('4116%s0%s000', c, t), format('4116%s0%s999', c, t), 3, format('4116%s000000', c), 'township ' || t
FROM generate_series(11, 20) c, generate_series(11, 30) t;
INSERT INTO department (name, region) SELECT 'department ' || n, '411600000000' FROM generate_series(1, 200) n;
INSERT INTO account VALUES ('city'), ('county'), ('township'), ('two'), ('officer'), ('nobody');
INSERT INTO account_duty (account, duty, region, department) VALUES
	('city', 'leader', '411600000000', NULL), ('county', 'centre', '411611000000', NULL),
	('township', 'member', '411611011000', NULL),
	('two', 'centre', '411611011000', NULL), ('two', 'inspector', '411619013000', NULL),
	('officer', 'officer', NULL, 7);
INSERT INTO account_login VALUES (session_user, 'vouched', NULL), ('plans_user', 'vouched', NULL);
CALL admit('plans_user', 'centre');
SET govcase.account = 'city';
INSERT INTO dispute (region, place_region, risk, found_by, departments)
SELECT r, r, 'yellow', 'sweep', ARRAY[n % 200 + 1]
FROM generate_series(1, 20000) n, format('4116%s0%s000', n % 10 + 11, n / 10 % 20 + 11) r;
INSERT INTO element (source_department, source_key, kind, region, tags)
SELECT 1, n, 'place', format('4116%s0%s000', n % 10 + 11, n / 10 % 20 + 11), ARRAY['tag ' || n % 100]
FROM generate_series(1, 50000) n;
-- Before 3.2, PostGIS remarks that no region has a boundary.
SET client_min_messages = warning;
ANALYZE dispute; ANALYZE element; ANALYZE region;
RESET client_min_messages;
CREATE FUNCTION pg_temp.plan(query text, OUT whole_tables text, OUT indexes text) LANGUAGE plpgsql AS $$
DECLARE plan jsonb;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO plan;
	SELECT string_agg(DISTINCT n ->> 'Relation Name', ' ') FILTER (WHERE n ->> 'Node Type' = 'Seq Scan'),
		string_agg(DISTINCT n ->> 'Index Name', ' ')
	INTO whole_tables, indexes
	FROM jsonb_path_query(plan, '$.** ? (@."Node Type" != null)') n;
END $$;
SELECT format('%I.plan', nspname) AS plan FROM pg_namespace WHERE oid = pg_my_temp_schema() \gset
SET SESSION AUTHORIZATION plans_user;
-- The form is one for all: what an account has not is null, and its part of the plan finds nothing.
SET govcase.account = 'county';
SELECT whole_tables, indexes FROM :plan('SELECT count(*) FROM dispute');
SELECT whole_tables, indexes FROM :plan('SELECT count(*) FROM element');
SELECT whole_tables, indexes FROM :plan('SELECT * FROM dispute WHERE id = 7');
SELECT whole_tables, indexes FROM :plan('SELECT * FROM dispute_detail WHERE dispute = 7');
SELECT whole_tables, indexes FROM :plan('SELECT * FROM board');
SELECT count(*) FROM dispute;
SET govcase.account = 'city';
SELECT count(*) FROM dispute;
SET govcase.account = 'township';
SELECT count(*), (SELECT count(*) FROM element) AS elements FROM dispute;
SET govcase.account = 'two';
SELECT count(*), (SELECT count(*) FROM element) AS elements, count(DISTINCT region) AS regions FROM dispute;
SELECT count(*) FROM find_elements('{tag 0}', '411600000000');
SET govcase.account = 'officer';
SELECT count(*), (SELECT count(*) FROM element) AS elements, min(departments), max(departments) FROM dispute;
SET govcase.account = 'nobody';
SELECT count(*) FROM dispute;
RESET SESSION AUTHORIZATION;
-- The same counts without policies.
SELECT count(*) FILTER (WHERE region LIKE '411611%') AS county,
	count(*) FILTER (WHERE region = '411611011000') AS township,
	count(*) FILTER (WHERE region IN ('411611011000', '411619013000')) AS two,
	count(*) FILTER (WHERE departments = '{7}') AS officer
FROM dispute;
SELECT count(*) FROM element WHERE tags = '{tag 0}' AND region IN ('411611011000', '411619013000');

\set QUIET on
SET client_min_messages = warning;
DROP SCHEMA plans CASCADE;
DROP ROLE plans_user;
