--@ title base records of a department: staged and imported, beside COPY into the same indexed table
--@ unit record 100000 20000
--@ bar plain / govcase >= 0.7
--@ setup
CALL create_registry('city');
SET search_path = city, govcase, public;
INSERT INTO region VALUES ('411600000000', '411699999999', 1, NULL, 'city');
INSERT INTO region SELECT format('4116%s000000', c), format('4116%s999999', c), 2, '411600000000', 'county ' || c
FROM generate_series(11, 20) c;
INSERT INTO region SELECT format('4116%s0%s000', c, t), format('4116%s0%s999', c, t), 3, format('4116%s000000', c),
	'township ' || t
FROM generate_series(11, 20) c, generate_series(11, 30) t;
INSERT INTO region SELECT format('4116%s0%s0%s', c, t, v), format('4116%s0%s0%s', c, t, v), 4,
	format('4116%s0%s000', c, t), 'village ' || v
FROM generate_series(11, 20) c, generate_series(11, 30) t, generate_series(11, 35) v;
INSERT INTO tag SELECT 'tag ' || n, 'person', 'tag ' || n FROM generate_series(1, 20) n;
INSERT INTO department (name, region) VALUES ('civil affairs', '411600000000');
INSERT INTO account VALUES ('importer');
INSERT INTO account_duty (account, duty, department) VALUES ('importer', 'importer', 1);
INSERT INTO account_login VALUES (session_user, 'vouched', NULL);
SET govcase.account = 'importer';
\if :beside
CREATE TABLE plain_element (LIKE element INCLUDING ALL);
ALTER TABLE plain_element ALTER source_department SET DEFAULT 1,
	ADD FOREIGN KEY (source_department) REFERENCES department, ADD FOREIGN KEY (region) REFERENCES region;
\endif
-- One in two is a person known by number; a file in no order, as a department sends it.
SELECT setseed(0.5) \g /dev/null
CREATE TABLE record AS
	SELECT md5(n::text) AS source_key, 'person' AS kind,
		format('4116%s0%s0%s', 11 + (10 * random())::int % 10, 11 + (20 * random())::int % 20, 11 + (25 * random())::int % 25) AS region,
		ARRAY['tag ' || 1 + n % 20, 'tag ' || 1 + n % 7] AS tags,
		CASE n % 2 WHEN 0 THEN format('41160219%sX', to_char(n, 'FM000000000')) END AS person
	FROM generate_series(1, :rows) n;
SELECT current_setting('data_directory') || '/bench_elements' AS file, current_setting('data_directory') || '/bench_plain_elements' AS plain_file \gset
COPY record TO :'file';
\if :beside
COPY (SELECT source_key, kind, region, tags, person_digest(person) FROM record) TO :'plain_file';
\endif
--@ run govcase
BEGIN;
SELECT start_import(1) AS run \gset
COPY element_import (source_key, kind, region, tags, person) FROM :'file';
SELECT * FROM import_elements(:run);
ROLLBACK;
--@ run plain
BEGIN;
COPY plain_element (source_key, kind, region, tags, person_digest) FROM :'plain_file';
ROLLBACK;
--@ undo
VACUUM element, element_import;
\if :beside
VACUUM plain_element;
\endif
