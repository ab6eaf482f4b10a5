\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS govcase CASCADE;
SELECT format('GRANT CREATE ON DATABASE %I TO assign_owner', current_database()) AS grant_create \gset
CREATE ROLE assign_owner;
:grant_create;
CREATE ROLE assign_pool;
CREATE ROLE assign_member; CREATE ROLE assign_officer; CREATE ROLE assign_centre; CREATE ROLE assign_leader;
CREATE ROLE assign_inspector; CREATE ROLE assign_importer; CREATE ROLE assign_analyst; CREATE ROLE assign_admin;
RESET client_min_messages;
\set QUIET off
\set ECHO all
\set SHOW_CONTEXT never
SET SESSION AUTHORIZATION assign_owner;
CALL govcase.create_registry('assign');
SET search_path = assign, govcase, public;

-- The city and county A have centres, township A1 has none; nor has anything in county B.
INSERT INTO region (code, code_end, level, parent, name) VALUES
	('411600000000', '411699999999', 1, NULL, 'city'),
	('411602000000', '411602999999', 2, '411600000000', 'county A'),
	('411602001000', '411602001999', 3, '411602000000', 'township A1'),
	('411681000000', '411681999999', 2, '411600000000', 'county B');
INSERT INTO centre VALUES ('411600000000', 'city centre'), ('411602000000', 'centre A');
INSERT INTO department (name, region, answer_within) VALUES
	('justice', '411602000000', NULL), ('housing', '411602000000', '1 day'),
	('police', '411602000000', NULL), ('water', '411602000000', NULL);
INSERT INTO account (id) VALUES ('city'), ('county'), ('town'), ('other'), ('justice'), ('justice-2'), ('housing'),
	('police'), ('water'), ('member'), ('leader'), ('inspector'), ('importer'), ('analyst'), ('admin');
INSERT INTO account (id, active) VALUES ('left', false);
INSERT INTO account_duty (account, duty, region, department) VALUES
	('city', 'centre', '411600000000', NULL), ('county', 'centre', '411602000000', NULL),
	('town', 'centre', '411602001000', NULL), ('other', 'centre', '411681000000', NULL),
	('justice', 'officer', NULL, 1), ('justice-2', 'officer', NULL, 1), ('left', 'officer', NULL, 1),
	('housing', 'officer', NULL, 2), ('police', 'officer', NULL, 3), ('water', 'officer', NULL, 4),
	('member', 'member', '411600000000', NULL), ('leader', 'leader', '411600000000', NULL), ('city', 'leader', '411600000000', NULL),
	('inspector', 'inspector', '411600000000', NULL), ('analyst', 'analyst', '411600000000', NULL),
	('admin', 'admin', '411600000000', NULL), ('importer', 'importer', NULL, 1);
INSERT INTO account_duty (account, duty, department, valid) VALUES ('water', 'officer', 1, '[2020-01-01,2021-01-01)');
INSERT INTO account_login VALUES ('assign_owner', 'vouched', NULL), ('assign_pool', 'vouched', NULL);
CREATE VIEW given AS
	SELECT id, dispute, department, leads, state, account, reason, ended_at >= offered_at AS ended FROM assignment;
-- The latest assignment of a dispute to a department.
CREATE FUNCTION of(dispute bigint, department integer) RETURNS bigint LANGUAGE sql STABLE AS $$
	SELECT max(a.id) FROM assign.assignment a WHERE a.dispute = $1 AND a.department = $2
$$;
SET govcase.account = 'county';
INSERT INTO dispute (region, place_region, risk, found_by) VALUES
	('411602001000', '411602001000', 'yellow', 'patrol'),  -- 1
	('411602001000', '411602001000', 'yellow', 'patrol'),  -- 2
	('411602000000', '411602000000', 'yellow', 'patrol'),  -- 3
	('411602001000', '411602001000', 'yellow', 'patrol'),  -- 4
	('411602001000', '411602001000', 'yellow', 'patrol'),  -- 5
	('411681000000', '411681000000', 'yellow', 'patrol');  -- 6, county B
INSERT INTO dispute (region, place_region, risk, grounds, found_by) VALUES
	('411602000000', '411602001000', 'red', '{grave}', 'patrol');  -- 7, held by the county, as red ones are

-- A case goes to the department that leads first. Somebody has to be responsible.
SELECT offer_assignment(1, 2, false);
\echo :SQLSTATE
SELECT offer_assignment(1, 1, true);
\echo :SQLSTATE
SELECT state, open_work, departments FROM dispute WHERE id = 1;
ALTER TABLE assignment ALTER id RESTART;
SELECT offer_assignment(1, 1, true, responsible => 'justice');
SELECT state, open_work, departments, responsible, leader, centre FROM dispute WHERE id = 1;
-- Until when it is to be answered: three days, or as the department has it.
SELECT id, leads, state, account, answer_by - offered_at AS within, done_by, ended_at FROM assignment;
-- Its officers are told: those who are there and are officers today.
SELECT account, kind, dispute FROM notice ORDER BY id;
-- With a second one the nearest centre leads, here that of the county for the township.
SET govcase.account = 'town';
SELECT offer_assignment(1, 2, false, current_date + 10);
SELECT state, open_work, departments, centre FROM dispute WHERE id = 1;
SELECT answer_by - offered_at AS within, done_by = current_date + 10 AS term FROM assignment WHERE id = 2;
-- The city's own account would have its own centre lead; one that leads is left.
SET govcase.account = 'city';
SELECT offer_assignment(1, 3, false), offer_assignment(3, 1, true, NULL, 'justice');
SELECT offer_assignment(3, 2, false);
SELECT id, centre FROM dispute WHERE id IN (1, 3) ORDER BY id;

-- What is no offer.
SET govcase.account = 'county';
SELECT offer_assignment(1, 2, false);
\echo :SQLSTATE
SELECT offer_assignment(1, 1, false);
SELECT offer_assignment(1, 4, true);
\echo :SQLSTATE
SELECT offer_assignment(1, 99, false);
\echo :SQLSTATE
SELECT offer_assignment(1, NULL, false);
SELECT offer_assignment(1, 4, NULL);
\echo :SQLSTATE
SELECT offer_assignment(1, 4, false, responsible => 'water');
\echo :SQLSTATE
SELECT offer_assignment(1, 4, false, current_date - 1);
\echo :SQLSTATE
SELECT offer_assignment(2, 4, true, responsible => 'nobody');
\echo :SQLSTATE
-- Out of scope is as if it were not there: other counties, other duties, nobody.
SELECT offer_assignment(6, 4, true, responsible => 'water');
\echo :SQLSTATE
SELECT offer_assignment(999, 4, true, responsible => 'water');
SELECT offer_assignment(NULL, 4, true);
\set VERBOSITY terse
SET govcase.account = 'other';     SELECT offer_assignment(2, 4, true, responsible => 'water');
SET govcase.account = 'justice';   SELECT offer_assignment(1, 4, false);
SET govcase.account = 'member';    SELECT offer_assignment(1, 4, false);
SET govcase.account = 'leader';    SELECT offer_assignment(1, 4, false);
SET govcase.account = 'inspector'; SELECT offer_assignment(1, 4, false);
SET govcase.account = 'admin';     SELECT offer_assignment(1, 4, false);
SET govcase.account = 'left';      SELECT offer_assignment(1, 4, false);
RESET govcase.account;             SELECT offer_assignment(1, 4, false);
SELECT accept_assignment(1);
\echo :SQLSTATE
\set VERBOSITY default
-- A region without a centre at or above it has no joint work.
INSERT INTO department (name, region) VALUES ('justice B', '411681000000');
SET govcase.account = 'other';
BEGIN;
UPDATE dispute SET centre = NULL;
DELETE FROM centre;
SELECT offer_assignment(6, 5, true, responsible => 'other') > 0 AS offered;
SELECT offer_assignment(6, 4, false);
\echo :SQLSTATE
ROLLBACK;
-- None of that left anything.
SELECT * FROM given ORDER BY id;
SELECT id, state, open_work, departments FROM dispute ORDER BY id;

-- Answers are for an officer of the department.
SET govcase.account = 'housing';
SELECT accept_assignment(1);
\echo :SQLSTATE
SELECT accept_assignment(999);
SELECT accept_assignment(NULL);
\set VERBOSITY terse
SELECT return_assignment(1, 'not ours');
SELECT finish_assignment(1);
SET govcase.account = 'water';  SELECT accept_assignment(1);
SET govcase.account = 'county'; SELECT accept_assignment(1);
SET govcase.account = 'city';   SELECT return_assignment(2, 'x');
SET govcase.account = 'leader'; SELECT finish_assignment(2);
SET govcase.account = 'left';   SELECT accept_assignment(1);
\set VERBOSITY default
-- Joining is no beginning of the work, leading is.
SET govcase.account = 'housing';
SELECT accept_assignment(2);
SELECT state FROM dispute WHERE id = 1;
SET govcase.account = 'justice-2';
SELECT accept_assignment(1);
SELECT state, open_work, departments FROM dispute WHERE id = 1;
-- The second officer comes too late, and is told what is.
SET govcase.account = 'justice';
SELECT accept_assignment(1);
\echo :SQLSTATE
SELECT return_assignment(1, 'not ours');
\echo :SQLSTATE
-- What is offered is not done; a return needs a reason.
SET govcase.account = 'police';
SELECT finish_assignment(3);
\echo :SQLSTATE
SELECT return_assignment(3, NULL);
\echo :SQLSTATE
SELECT return_assignment(3, '  ');
SELECT return_assignment(3, 'no crime');
SELECT accept_assignment(3);
SELECT state, open_work, departments FROM dispute WHERE id = 1;
SELECT * FROM given WHERE dispute = 1 ORDER BY id;
-- Returned, it can be offered again, and is once among the departments.
SET govcase.account = 'county';
SELECT offer_assignment(1, 3, false);
SELECT open_work, departments FROM dispute WHERE id = 1;
-- Only after the last one is done are the centre that leads, and who is responsible, told.
SELECT count(*) FROM notice WHERE kind = 'work_done';
SET govcase.account = 'justice';
SELECT finish_assignment(1);
SET govcase.account = 'police';
SELECT accept_assignment(of(1, 3)), finish_assignment(of(1, 3));
SELECT count(*) FROM notice WHERE kind = 'work_done';
SET govcase.account = 'housing';
SELECT finish_assignment(2);
SELECT account, kind, dispute FROM notice WHERE kind = 'work_done' ORDER BY id;
SELECT finish_assignment(2);
\echo :SQLSTATE
SELECT state, open_work, departments, centre FROM dispute WHERE id = 1;
SELECT * FROM given WHERE dispute = 1 ORDER BY id;
-- The case goes on without: rework may find a new lead, in the state that it has.
SET govcase.account = 'county';
SELECT offer_assignment(1, 4, true);
SET govcase.account = 'water';
SELECT return_assignment(of(1, 4), 'no water in it');
SELECT state, open_work, reason FROM dispute WHERE id = 1;

-- The lead returned: back to collected, what was offered is revoked, what was accepted stays.
SET govcase.account = 'county';
SELECT offer_assignment(2, 1, true, responsible => 'justice'), offer_assignment(2, 2, false), offer_assignment(2, 3, false);
SET govcase.account = 'housing';
SELECT accept_assignment(of(2, 2));
SET govcase.account = 'justice';
SELECT return_assignment(of(2, 1), 'not ours');
SELECT state, open_work, departments, reason FROM dispute WHERE id = 2;
SELECT * FROM given WHERE dispute = 2 ORDER BY id;
SELECT account, kind FROM notice WHERE dispute = 2 AND kind <> 'assignment' ORDER BY id;
SET govcase.account = 'police';
SELECT accept_assignment(of(2, 3));
\echo :SQLSTATE
-- The same reason given twice is a reason each time.
SET govcase.account = 'county';
SELECT offer_assignment(2, 1, true);
SET govcase.account = 'justice';
SELECT return_assignment(of(2, 1), 'not ours');
SELECT seq, kind, from_state, to_state, actor FROM follow_up WHERE id = 2 ORDER BY seq;
SELECT open_work FROM dispute WHERE id = 2;

-- Where none leads joint work yet the nearest is told, and an account that left is not.
SET govcase.account = 'county';
SELECT offer_assignment(5, 1, true, responsible => 'justice') > 0 AS offered;
SET govcase.account = 'justice';
UPDATE account SET active = false WHERE id = 'town';
SELECT return_assignment(of(5, 1), 'not ours');
UPDATE account SET active = true WHERE id = 'town';
SELECT account, kind FROM notice WHERE dispute = 5 ORDER BY id;

-- The centre revokes what it offered, and with the lead the case is back.
SET govcase.account = 'county';
SELECT offer_assignment(2, 1, true);
SELECT revoke_assignment(of(2, 1), '');
\echo :SQLSTATE
SELECT revoke_assignment(of(2, 1), 'wrong one');
SELECT revoke_assignment(of(2, 1), 'wrong one');
\echo :SQLSTATE
SELECT state, open_work, reason FROM dispute WHERE id = 2;
-- So it does with accepted ones that join, and not with the one that leads.
SELECT revoke_assignment(of(2, 2), 'no longer needed');
SELECT * FROM given WHERE dispute = 2 ORDER BY id;
SELECT offer_assignment(2, 1, true);
SET govcase.account = 'justice';
SELECT accept_assignment(of(2, 1));
SET govcase.account = 'county';
SELECT revoke_assignment(of(2, 1), 'too slow');
\echo :SQLSTATE
\set VERBOSITY terse
SELECT revoke_assignment(999, 'x');
SELECT revoke_assignment(NULL, 'x');
SET govcase.account = 'other';   SELECT revoke_assignment(of(2, 1), 'x');
\echo :SQLSTATE
SET govcase.account = 'justice'; SELECT revoke_assignment(of(2, 1), 'x');
SET govcase.account = 'leader';  SELECT replace_leading(2, 2, 'x');
SET govcase.account = 'justice'; SELECT replace_leading(2, 2, 'x');
SET govcase.account = 'other';   SELECT replace_leading(2, 2, 'x');
\set VERBOSITY default

-- Replaced, with the state as it is and the term kept.
SET govcase.account = 'county';
UPDATE assignment SET done_by = '2100-01-31' WHERE id = of(2, 1);
SELECT offer_assignment(2, 2, false);
SET govcase.account = 'housing';
SELECT accept_assignment(of(2, 2));
SET govcase.account = 'county';
SELECT replace_leading(2, 1, 'too slow');
\echo :SQLSTATE
SELECT replace_leading(2, 3, NULL);
\echo :SQLSTATE
SELECT replace_leading(2, 99, 'too slow');
SELECT replace_leading(2, 3, 'too slow', '2000-01-01');
SELECT replace_leading(4, 3, 'too slow');
\echo :SQLSTATE
SELECT replace_leading(2, 3, 'too slow', responsible => 'police');
SELECT state, open_work, departments, responsible, reason FROM dispute WHERE id = 2;
SELECT id, department, leads, state, done_by FROM assignment
WHERE dispute = 2 AND state IN ('offered', 'accepted', 'revoked') AND id >= of(2, 1) ORDER BY id;
SET govcase.account = 'police';
SELECT accept_assignment(of(2, 3));
SELECT state FROM dispute WHERE id = 2;
-- Who has joined gives that up for the lead, and is asked anew.
SET govcase.account = 'county';
SELECT replace_leading(2, 2, 'knows it best', '2100-02-28');
SELECT state, open_work, departments FROM dispute WHERE id = 2;
SELECT id, department, leads, state, done_by, reason FROM assignment
WHERE dispute = 2 AND id >= of(2, 1) ORDER BY id;
SELECT account, kind FROM notice WHERE dispute = 2 AND kind <> 'assignment' ORDER BY id;

-- A red case needs the pair before it is assigned, and may change it with the lead.
SELECT offer_assignment(7, 1, true, responsible => 'justice');
\echo :SQLSTATE
SELECT offer_assignment(7, 1, true, responsible => 'justice', leader => 'justice');
\echo :SQLSTATE
SELECT offer_assignment(7, 1, true, responsible => 'justice', leader => 'leader') > 0 AS offered;
SELECT replace_leading(7, 2, 'too slow', responsible => 'housing', leader => 'city') > 0 AS offered;
SELECT state, responsible, leader, open_work FROM dispute WHERE id = 7;

-- A plain UPDATE, by whoever may, that ends the case or gives it back revokes what is live.
SELECT offer_assignment(4, 1, true, responsible => 'justice') AS four,
	offer_assignment(5, 1, true, responsible => 'justice') AS five \gset
SELECT offer_assignment(4, 2, false) AS joining, offer_assignment(5, 2, false) AS joining_five \gset
CALL admit('assign_pool', 'officer'); CALL admit('assign_pool', 'centre'); CALL admit('assign_pool', 'member');
CALL admit('assign_member', 'member'); CALL admit('assign_officer', 'officer'); CALL admit('assign_centre', 'centre');
CALL admit('assign_leader', 'leader'); CALL admit('assign_inspector', 'inspector');
CALL admit('assign_importer', 'importer'); CALL admit('assign_analyst', 'analyst'); CALL admit('assign_admin', 'admin');
SET SESSION AUTHORIZATION assign_pool;
SET govcase.account = 'housing';
SELECT accept_assignment(:joining), accept_assignment(:joining_five);
UPDATE dispute SET state = 'transferred', reason = 'to court' WHERE id = 4;
UPDATE dispute SET state = 'collected', reason = 'wrong department' WHERE id = 5;
SELECT id, state, open_work, departments FROM dispute WHERE id IN (4, 5) ORDER BY id;
SELECT department, leads, state, account, reason FROM assignment WHERE dispute IN (4, 5) ORDER BY dispute, id;
UPDATE dispute SET state = 'voided', reason = 'entered twice' WHERE id IN (3, 5);
SELECT id, state, open_work, departments FROM dispute WHERE id IN (3, 5) ORDER BY id;
SELECT dispute, department, leads, state, reason FROM assignment WHERE dispute IN (3, 5) ORDER BY id;
SET govcase.account = 'county';
SELECT offer_assignment(4, 1, true);
\echo :SQLSTATE
-- Another UPDATE of theirs changes nothing, and one that is refused neither.
UPDATE dispute SET theme = 'debt' WHERE id = 2;
UPDATE dispute SET state = 'transferred', reason = 'to court' WHERE id = 7;
\echo :SQLSTATE
SELECT id, state, open_work FROM dispute WHERE id IN (2, 7) ORDER BY id;
-- Come back, it is given anew, in the state that it has.
UPDATE dispute SET state = 'handling', reason = 'the court sent it back' WHERE id = 4;
SELECT offer_assignment(4, 3, true) > 0 AS offered;
SELECT state, open_work, departments FROM dispute WHERE id = 4;

-- Nobody does by hand what the functions do.
UPDATE assignment SET state = 'done';
\echo :SQLSTATE
INSERT INTO assignment (dispute, department, leads, answer_by) VALUES (2, 4, false, now());
\echo :SQLSTATE
DELETE FROM assignment;
UPDATE dispute SET open_work = 0;
UPDATE dispute SET departments = '{}';
SELECT end_assignment(a, 'done', NULL) FROM assignment a;
\echo :SQLSTATE
-- Which centre leads is for a centre to say.
SET govcase.account = 'county';
UPDATE dispute SET centre = '411600000000' WHERE id = 2 RETURNING centre;
SELECT r.rolname FROM pg_roles r WHERE r.rolname LIKE 'assign\_%' AND r.rolname <> 'assign_owner'
	AND has_column_privilege(r.oid, 'dispute', 'centre', 'UPDATE') ORDER BY 1;

-- What is late: an offer past its answer, work past its term.
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION assign_owner;
INSERT INTO dispute (region, place_region, risk, found_by) VALUES ('411602001000', '411602001000', 'yellow', 'patrol');
UPDATE assignment SET answer_by = now() - interval '1 second' WHERE id IN (of(2, 2), of(4, 3));
UPDATE assignment SET answer_by = now() + interval '1 minute' WHERE dispute = 7 AND state = 'offered';
UPDATE assignment SET done_by = current_date - 2 WHERE id IN (of(2, 2), of(4, 3));
UPDATE assignment SET done_by = current_date WHERE dispute = 7 AND state = 'offered';
SET SESSION AUTHORIZATION assign_pool;
SELECT assignment = of(dispute, department) AS it, dispute, region, risk, department, leads FROM unanswered_offers
ORDER BY dispute;
SELECT dispute, department, leads, state, account, days_late FROM late_work ORDER BY dispute;
-- An officer sees those of the cases that the department has, accepted ones late in work only.
SET govcase.account = 'police';
SELECT accept_assignment(of(4, 3));
SELECT dispute, department FROM unanswered_offers ORDER BY dispute;
SELECT dispute, department, state, account FROM late_work ORDER BY dispute;
SET govcase.account = 'water'; SELECT dispute FROM late_work;
SET govcase.account = 'other'; SELECT dispute FROM unanswered_offers;

-- What each duty is granted.
SET SESSION AUTHORIZATION assign_owner;
SELECT f.name, string_agg(substr(r.rolname, 8), ', ' ORDER BY r.rolname) AS duties
FROM unnest('{offer_assignment,accept_assignment,return_assignment,finish_assignment,revoke_assignment,
		replace_leading,revoke_assignments,place_offer,end_assignment,give_back,lock_case_of_centre,
		lock_assignment_of_officer,tell_officers,tell_centre,send_notice}'::text[]) WITH ORDINALITY AS f(name, n)
	JOIN pg_proc p ON p.pronamespace = 'assign'::regnamespace AND p.proname = f.name
	LEFT JOIN pg_roles r ON r.rolname LIKE 'assign\_%' AND r.rolname NOT IN ('assign_owner', 'assign_pool')
		AND has_function_privilege(r.oid, p.oid, 'EXECUTE')
GROUP BY f.n, f.name ORDER BY f.n;

/*
 * A walk: 300 calls by accounts that may and accounts that may not, on cases in
 * all states.  After each, what is kept has to be what is counted.
 */
CREATE FUNCTION pick(step integer, what text, among integer) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
	SELECT 1 + mod(('x' || substr(md5(step || what), 1, 7))::bit(28)::integer, among)
$$;
CREATE TABLE outcome (step integer, call text, code text);
CREATE VIEW broken AS
SELECT d.id, d.state, d.open_work, d.departments, n.*
FROM dispute d CROSS JOIN LATERAL (
	SELECT count(*) FILTER (WHERE a.state IN ('offered', 'accepted')) AS live,
		count(*) FILTER (WHERE a.leads AND a.state IN ('offered', 'accepted')) AS leads,
		count(*) FILTER (WHERE a.state = 'offered') AS offers,
		count(*) FILTER (WHERE a.leads AND a.state = 'accepted') AS led,
		coalesce(array_agg(DISTINCT a.department), '{}') AS had,
		max(k.most) AS twice
	FROM assignment a
		CROSS JOIN LATERAL (SELECT count(*) AS most FROM assignment o WHERE o.dispute = a.dispute
			AND o.department = a.department AND o.state IN ('offered', 'accepted')) k
	WHERE a.dispute = d.id) AS n
WHERE d.id > 8 AND (d.open_work <> n.live OR n.leads > 1 OR n.twice > 1
	OR NOT d.departments @> array_remove(n.had, NULL) OR NOT array_remove(n.had, NULL) @> d.departments
	OR cardinality(d.departments) <> cardinality(array_remove(n.had, NULL))
	OR d.state IN ('transferred', 'voided') AND n.live > 0
	OR d.state = 'collected' AND (n.leads > 0 OR n.offers > 0)
	OR d.state = 'assigned' AND (n.leads <> 1 OR n.led > 0)
	OR n.live > 1 AND d.centre IS NULL);
DO $$
DECLARE
	acting CONSTANT text[] := '{county,town,city,county,county,justice,housing,police,water,justice,housing,police,water,other,member,leader,left}';
	d bigint;
	a bigint;
	department integer;
	leads boolean;
	call text;
	code text;
BEGIN
	FOR step IN 1 .. 300 LOOP
		PERFORM set_config('govcase.account', 'city', true);
		IF mod(step, 20) = 1 THEN
			INSERT INTO dispute (region, place_region, risk, found_by) VALUES
				('411602001000', '411602001000', 'yellow', 'patrol'), ('411602000000', '411602000000', 'yellow', 'patrol');
		END IF;
		SELECT x.id INTO d FROM (SELECT o.id, row_number() OVER (ORDER BY o.id DESC) AS n FROM dispute o WHERE o.id > 8) x
		WHERE x.n = pick(step, 'dispute', 2 + mod(step, 2) * 2) OR x.n = 1 ORDER BY x.n DESC LIMIT 1;
		call := (ARRAY['offer', 'offer', 'offer', 'accept', 'accept', 'accept', 'accept', 'return', 'return', 'finish',
			'finish', 'finish', 'revoke', 'revoke', 'replace', 'replace', 'replace', 'move', 'move'])[pick(step, 'call', 19)];
		-- Mostly what can be done and who may, so that the walk goes somewhere.
		SELECT o.id, o.department INTO a, department FROM assignment o WHERE o.dispute > d - 6
		ORDER BY pick(step, 'fitting', 4) > 1 AND o.state = CASE call WHEN 'finish' THEN 'accepted' ELSE 'offered' END DESC,
			md5(step::text || o.id) LIMIT 1;
		PERFORM set_config('govcase.account', CASE WHEN pick(step, 'right', 5) = 1 THEN acting[pick(step, 'account', 17)]
			WHEN call IN ('accept', 'return', 'finish')
				THEN coalesce((ARRAY['justice', 'housing', 'police', 'water'])[department], 'justice')
			ELSE acting[pick(step, 'account', 5)] END, true);
		department := pick(step, 'department', 4);
		leads := pick(step, 'leads', 3) = 1 OR EXISTS (SELECT FROM dispute o WHERE o.id = d AND o.state = 'collected');
		code := '00000';
		BEGIN
			CASE call
				WHEN 'offer' THEN
					PERFORM offer_assignment(d, department, leads, NULL, CASE WHEN leads THEN 'justice' END);
				WHEN 'accept' THEN PERFORM accept_assignment(a);
				WHEN 'return' THEN PERFORM return_assignment(a, 'not ours');
				WHEN 'finish' THEN PERFORM finish_assignment(a);
				WHEN 'revoke' THEN PERFORM revoke_assignment(a, 'wrong one');
				WHEN 'replace' THEN PERFORM replace_leading(d, department, 'too slow');
				WHEN 'move' THEN
					UPDATE dispute o SET reason = 'step ' || step,
						state = (ARRAY['collected', 'handling', 'handling', 'supervised', 'supervised', 'transferred',
							'voided'])[pick(step, 'state', 7)]
					WHERE o.id = d;
			END CASE;
		EXCEPTION WHEN OTHERS THEN
			code := SQLSTATE;
		END;
		INSERT INTO outcome VALUES (step, call, code);
		IF EXISTS (SELECT FROM broken) THEN
			RAISE EXCEPTION 'step % (%, dispute %, assignment %): %', step, call, d, a, (SELECT string_agg(b::text, '; ') FROM broken b);
		END IF;
	END LOOP;
END
$$;
-- Each has gone through often enough to mean something, and each was refused for what it should be.
SELECT call, count(*) FILTER (WHERE code = '00000') >= 6 AS went_through,
	array_agg(DISTINCT code ORDER BY code) FILTER (WHERE code <> '00000') AS refusals
FROM outcome GROUP BY call ORDER BY call;
SELECT array_agg(DISTINCT state ORDER BY state) AS states FROM dispute WHERE id > 8;
SELECT array_agg(DISTINCT state ORDER BY state) AS states FROM assignment WHERE dispute > 8;
SELECT count(*) FROM verify_chain('dispute');

RESET SESSION AUTHORIZATION;
\set QUIET on
SET client_min_messages = warning;
DROP SCHEMA assign CASCADE;
DROP OWNED BY assign_owner, assign_pool, assign_member, assign_officer, assign_centre, assign_leader,
	assign_inspector, assign_importer, assign_analyst, assign_admin;
DROP ROLE assign_owner, assign_pool, assign_member, assign_officer, assign_centre, assign_leader,
	assign_inspector, assign_importer, assign_analyst, assign_admin;
