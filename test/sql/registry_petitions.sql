\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS govcase CASCADE;
SELECT format('GRANT CREATE ON DATABASE %I TO petitions_owner', current_database()) AS grant_create \gset
CREATE ROLE petitions_owner;
:grant_create;
CREATE ROLE petitions_user; CREATE ROLE petitions_officer;
RESET client_min_messages;
\set QUIET off
\set ECHO all
\set SHOW_CONTEXT never
\set VERBOSITY terse
SET datestyle = ISO;
SET SESSION AUTHORIZATION petitions_owner;
CALL govcase.create_registry('letters');
SET search_path = letters, govcase, public;
INSERT INTO region (code, code_end, level, parent, name) VALUES
	('411600000000', '411699999999', 1, NULL, 'city'),
	('411602000000', '411602999999', 2, '411600000000', 'county A'),
	('411602001000', '411602001999', 3, '411602000000', 'township A1'),
	('411681000000', '411681999999', 2, '411600000000', 'county B');
INSERT INTO department (name, region) VALUES ('justice', '411602000000');
INSERT INTO unit (kind, region, name) VALUES ('school', '411602001000', 'school in A1'), ('works', '411681000000', 'works in B');
INSERT INTO account (id) VALUES ('a-centre'), ('a-b'), ('a-leader'), ('a-officer'), ('a-member'), ('a-inspector'),
	('a-analyst'), ('a-importer'), ('a-admin');
INSERT INTO account_duty (account, duty, region, department) VALUES
	('a-centre', 'centre', '411602000000', NULL), ('a-b', 'centre', '411681000000', NULL),
	('a-leader', 'leader', '411600000000', NULL), ('a-officer', 'officer', NULL, 1),
	('a-member', 'member', '411602001000', NULL), ('a-inspector', 'inspector', '411602000000', NULL),
	('a-analyst', 'analyst', '411600000000', NULL), ('a-importer', 'importer', NULL, 1),
	('a-admin', 'admin', '411600000000', NULL);
INSERT INTO account_login VALUES ('petitions_owner', 'vouched', NULL), ('petitions_user', 'vouched', NULL),
	('petitions_officer', 'person', 'a-officer');
CALL admit('petitions_user', 'centre');
CALL admit('petitions_officer', 'officer');
SET govcase.account = 'a-leader';
-- 1 and 2 in county A, 3 in county B, 4 a second entry of 1, 5 one of 4, 6 in county A.
INSERT INTO dispute (region, place_region, risk, found_by)
SELECT r, r, 'yellow', 'petition'
FROM unnest('{411602001000,411602000000,411681000000,411602001000,411602001000,411602000000}'::text[])
	WITH ORDINALITY AS x(r, n) ORDER BY n;
RESET govcase.account;
-- Persons are A to E, by numbers that end so.
CREATE FUNCTION pg_temp.people(list text) RETURNS jsonb LANGUAGE sql AS $$
	SELECT coalesce(jsonb_agg(jsonb_build_object('name', 'name of ' || upper(p), 'person_number', '41160219800101000' || upper(p),
		'principal', p = upper(p))), '[]')
	FROM unnest(string_to_array(list, ' ')) p
$$;
SELECT format('%I.people', nspname) AS people, format('GRANT USAGE ON SCHEMA %I TO PUBLIC', nspname) AS let_in
FROM pg_namespace WHERE oid = pg_my_temp_schema() \gset

-- The same petitioners, one at least, on the same matter. Capitals are principals.
SET SESSION AUTHORIZATION petitions_user;
SET govcase.account = 'a-centre';
SELECT enter_petition('2024-01-10', '411602001000', 1, 5, true, :people('A b')) AS first;
SELECT enter_petition('2024-02-10', '411602001000', 1, 1, true, :people('B')) AS b_again;
SELECT enter_petition('2024-03-10', '411602000000', 1, 2, true, :people('b c')) AS b_brings_c;
SELECT enter_petition('2024-04-10', '411602001000', 1, 1, true, :people('c')) AS c_is_of_the_series;
SELECT enter_petition('2024-04-20', '411602001000', 2, 1, true, :people('a')) AS another_matter;
SELECT enter_petition('2024-04-21', '411602001000', 1, 1, true, :people('d')) AS another_person;
SELECT enter_petition('2024-04-22', '411602001000', 1, 9, true, :people('d a')) AS of_two_series;
SELECT enter_petition('2024-04-22', '411602001000', 1, 1, true, :people('e')) AS e;
SELECT enter_petition('2024-04-22', '411602001000', 1, 1, true, :people('e')) AS e_on_the_same_day;
SELECT enter_petition('2024-04-23', '411602001000', NULL, 1, false, :people('a')) AS no_matter_yet;
SELECT enter_petition('2024-04-23', '411602001000', 1, 1, true, '[]') AS nobody_known;
SELECT enter_petition('2024-04-23', '411602001000', 1, 1, true, '[{"name": "name of A"}]') AS a_name_is_nobody;
SELECT enter_petition('2024-04-23', '411602001000', 1, 1, true,
	'[{"person_number": " 4116021980-0101-000a "}]') AS another_way_to_write;
SELECT enter_petition('2024-04-23', '411602001000', 1, 2, true,
	'[{"name": null, "person_number": null}, {"person_number": "  "}]') AS two_without_number;
SELECT p.id, p.received_on, p.dispute, p.heads, p.resolvable, p.repeat_of, count(o.id) AS persons,
	count(o.person_digest) AS known, string_agg(o.name, ', ' ORDER BY o.id) FILTER (WHERE o.principal) AS principals
FROM petition p LEFT JOIN petition_person o ON o.petition = p.id GROUP BY p.id ORDER BY p.id;
-- The numbers themselves are nowhere.
SELECT count(*) FROM petition_person o WHERE to_jsonb(o)::text ~ '41160219800101';
-- The term of acceptance runs from the day of receipt.
SELECT r.step, d.petition, d.started_on, d.started_by, d.due FROM deadline d JOIN deadline_rule r ON r.id = d.rule
WHERE d.petition IN (1, 5) ORDER BY d.petition;
SELECT count(*) FROM deadline;

-- Within a time, where one is given: its first day counts.
SELECT enter_petition('2024-07-21', '411602001000', 2, 1, true, :people('a'), repeat_within => '3 months') AS a_day_late,
	enter_petition('2024-07-20', '411602001000', 2, 1, true, :people('a'), repeat_within => '3 months') AS on_the_last_day,
	enter_petition('2025-07-21', '411602001000', 2, 1, true, :people('a')) AS no_limit \gset
-- Entered late it repeats what had come before it, and not what came after; that one stays as it is.
SELECT enter_petition('2024-04-01', '411602001000', 2, 1, true, :people('a')) AS entered_late \gset
SELECT id, received_on, repeat_of FROM petition WHERE dispute = 2 ORDER BY id;

-- By principals alone: of both.
SELECT enter_petition('2024-01-01', '411602000000', 6, 2, true, :people('A b')) AS first;
SELECT enter_petition('2024-01-02', '411602000000', 6, 2, true, :people('B c'), by_principals => true) AS b_was_no_principal;
SELECT enter_petition('2024-01-03', '411602000000', 6, 2, true, :people('a C'), by_principals => true) AS a_is_no_principal;
SELECT enter_petition('2024-01-04', '411602000000', 6, 2, true, :people('A c'), by_principals => true) AS a_again;
SELECT id, repeat_of FROM petition WHERE dispute = 6 ORDER BY id;

-- Second entries of a case are the same matter: 5 of 4, and 4 of 1.
SET SESSION AUTHORIZATION petitions_owner;
ALTER TABLE petition ALTER id RESTART WITH 101;
SET SESSION AUTHORIZATION petitions_user;
SELECT enter_petition('2024-05-01', '411602001000', 5, 1, true, '[{"person_number": "F"}]') AS on_5;
SELECT enter_petition('2024-05-02', '411602001000', 1, 1, true, '[{"person_number": "F"}]') AS on_1_another_matter_yet;
SET SESSION AUTHORIZATION petitions_owner;
SET govcase.account = 'a-leader';
UPDATE dispute SET state = 'voided', reason = 'twice', duplicate_of = 1 WHERE id = 4;
UPDATE dispute SET state = 'voided', reason = 'twice', duplicate_of = 4 WHERE id = 5;
SET SESSION AUTHORIZATION petitions_user;
SET govcase.account = 'a-centre';
SELECT enter_petition('2024-05-03', '411602001000', 4, 1, true, '[{"person_number": "F"}]') AS on_4;
SELECT enter_petition('2024-05-03', '411602001000', 5, 1, true, :people('a')) AS of_the_series_of_1;
SELECT id, dispute, repeat_of FROM petition WHERE id > 100 ORDER BY id;

-- A unit that it concerns.
SELECT enter_petition('2024-05-04', '411602001000', NULL, 1, true, unit => 1) AS of_a_school;
SELECT unit FROM petition WHERE id = 105;

-- Who enters, and about what.
SELECT enter_petition('2024-05-01', '411602001000', NULL, 1, true, unit => 2);
\echo :SQLSTATE
SELECT enter_petition('2024-05-01', '411602001000', NULL, 1, true, unit => 3);
SELECT enter_petition('2024-05-01', '411681000000', NULL, 1, true);
\echo :SQLSTATE
SELECT enter_petition('2024-05-01', '411600000000', NULL, 1, true);
SELECT enter_petition('2024-05-01', NULL, NULL, 1, true);
SELECT enter_petition('2024-05-01', '411602001000', 3, 1, true);
\echo :SQLSTATE
SELECT enter_petition('2024-05-01', '411602001000', 999, 1, true);
SELECT enter_petition('2024-05-01', '411602009999', NULL, 1, true);
\echo :SQLSTATE
SET govcase.account = 'a-leader';
SELECT enter_petition('2024-05-01', '411602001000', NULL, 1, true);
\echo :SQLSTATE
SET govcase.account = 'a-officer';
SELECT enter_petition('2024-05-01', '411602001000', NULL, 1, true);
SET govcase.account = 'a-member';
SELECT enter_petition('2024-05-01', '411602001000', NULL, 1, true);
SET govcase.account = 'a-inspector';
SELECT enter_petition('2024-05-01', '411602001000', NULL, 1, true);
SET govcase.account = 'a-analyst';
SELECT enter_petition('2024-05-01', '411602001000', NULL, 1, true);
SET govcase.account = 'a-importer';
SELECT enter_petition('2024-05-01', '411602001000', NULL, 1, true);
SET govcase.account = 'a-admin';
SELECT enter_petition('2024-05-01', '411602001000', NULL, 1, true);
RESET govcase.account;
SELECT enter_petition('2024-05-01', '411602001000', NULL, 1, true);
\echo :SQLSTATE
SET SESSION AUTHORIZATION petitions_officer;
SELECT enter_petition('2024-05-01', '411602001000', NULL, 1, true);
\echo :SQLSTATE
-- Nobody enters one by hand, or says afterwards what it repeats.
SET SESSION AUTHORIZATION petitions_user;
SET govcase.account = 'a-centre';
INSERT INTO petition (received_on, region, heads, resolvable) VALUES ('2024-05-01', '411602001000', 1, true);
\echo :SQLSTATE
INSERT INTO petition_person (petition, principal) VALUES (1, true);
\echo :SQLSTATE
UPDATE petition SET repeat_of = NULL;
\echo :SQLSTATE
DELETE FROM petition;
\echo :SQLSTATE
SELECT same_matter(1);
\echo :SQLSTATE

-- What is refused, without a word of what it says of persons.
SELECT enter_petition(current_date + 1, '411602001000', 1, 1, true);
\echo :SQLSTATE
SELECT enter_petition('-infinity', '411602001000', 1, 1, true);
SELECT enter_petition(NULL, '411602001000', 1, 1, true);
\echo :SQLSTATE
SELECT enter_petition('2024-05-01', '411602001000', 1, 0, true);
\echo :SQLSTATE
SELECT enter_petition('2024-05-01', '411602001000', 1, NULL, true);
SELECT enter_petition('2024-05-01', '411602001000', 1, 1, NULL);
SELECT enter_petition('2024-05-01', '411602001000', 1, 1, true, '[]', '-1 day');
\echo :SQLSTATE
SELECT enter_petition('2024-05-01', '411602001000', 1, 1, true, '[]', NULL, NULL);
\set VERBOSITY default
SELECT enter_petition('2024-05-01', '411602001000', 1, 1, true, '{"name": "secret"}');
\echo :SQLSTATE
SELECT enter_petition('2024-05-01', '411602001000', 1, 3, true, '[{"name": "secret"}, {"name": 5}, "secret"]');
SELECT enter_petition('2024-05-01', '411602001000', 1, 1, true, '[{"name": "secret"}, {"name": "secret"}]');
\set VERBOSITY terse
SELECT enter_petition('2024-05-01', '411602001000', 1, 1, true, NULL);
SELECT enter_petition('2024-05-01', '411602001000', 1, 1, true, 'null');
SELECT enter_petition('2024-05-01', '411602001000', 1, 1, true, '[{"phone": "secret"}]');
SELECT enter_petition('2024-05-01', '411602001000', 1, 1, true, '[{"principal": "yes"}]');
SELECT enter_petition('2024-05-01', '411602001000', 1, 1, true, '[{"person_number": 411602}]');
SELECT enter_petition('2024-05-01', '411602001000', 1, 1, true, '[null]');
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT enter_petition('2024-05-01', '411602001000', 1, 1, true);
\echo :SQLSTATE
ROLLBACK;
SELECT max(id) AS newest, count(*) FROM petition;
-- A county sees its own petitions and no others.
SELECT enter_petition('2024-05-01', '411602001000', 1, 1, true, :people('a')) > 105 AS entered;
SET govcase.account = 'a-b';
SELECT count(*), (SELECT count(*) FROM petition_person) AS persons, (SELECT count(*) FROM deadline) AS deadlines FROM petition;
SELECT enter_petition('2024-05-01', '411681000000', 3, 1, true, :people('a')) > 105 AS entered;
SELECT count(*), max(repeat_of) AS repeat_of, (SELECT count(*) FROM petition_person) AS persons FROM petition;

-- 300 petitions on 6 disputes, against what a plain loop over all pairs says.
SET SESSION AUTHORIZATION petitions_owner;
DELETE FROM deadline; DELETE FROM petition_person; DELETE FROM petition;
ALTER TABLE petition ALTER id RESTART;
SET govcase.account = 'a-leader';
INSERT INTO account_duty (account, duty, region) VALUES ('a-leader', 'centre', '411600000000');
INSERT INTO dispute (region, place_region, risk, found_by)
SELECT '411602000000', '411602000000', 'yellow', 'petition' FROM generate_series(7, 12);
CREATE TEMP TABLE entry AS
SELECT n, '2023-01-01'::date + n / 3 AS received_on, 7 + n * 7919 % 6 AS dispute,
	ARRAY(SELECT DISTINCT (n * 104729 + k * 1299709) / 13 % 60 FROM generate_series(1, 1 + n % 3) k) AS persons
FROM generate_series(1, 300) n;
SELECT count(enter_petition(received_on, '411602000000', dispute, 10, true,
	(SELECT jsonb_agg(jsonb_build_object('person_number', 'P' || p)) FROM unnest(persons) p)))
FROM (SELECT * FROM entry ORDER BY n OFFSET 0) e;
DO $$
DECLARE
	e record;
	o record;
	root integer;
BEGIN
	CREATE TEMP TABLE series (n integer, dispute integer, persons integer[], root integer);
	FOR e IN SELECT * FROM entry ORDER BY n LOOP
		root := NULL;
		FOR o IN SELECT * FROM series LOOP
			IF o.dispute = e.dispute AND o.persons && e.persons THEN
				root := least(root, o.root);
			END IF;
		END LOOP;
		INSERT INTO series VALUES (e.n, e.dispute, e.persons, coalesce(root, e.n));
	END LOOP;
END
$$;
SELECT count(*) AS petitions, count(p.repeat_of) AS repeats, count(DISTINCT p.repeat_of) AS series,
	count(*) FILTER (WHERE coalesce(p.repeat_of, p.id) IS DISTINCT FROM s.root) AS wrong
FROM petition p FULL JOIN series s ON s.n = p.id;
SELECT count(*) FROM petition p JOIN petition f ON f.id = p.repeat_of
WHERE f.repeat_of IS NOT NULL OR f.dispute <> p.dispute OR f.received_on > p.received_on;

RESET SESSION AUTHORIZATION;
\set QUIET on
SET client_min_messages = warning;
DROP SCHEMA letters CASCADE;
DROP OWNED BY petitions_owner, petitions_user, petitions_officer;
DROP ROLE petitions_owner, petitions_user, petitions_officer;
