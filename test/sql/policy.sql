\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS govcase CASCADE;
RESET client_min_messages;
\set QUIET off
\set ECHO all
\set SHOW_CONTEXT never
SET search_path = govcase, public;
--
-- Shipped policies, to the letter.  Each line below is written by hand from the
-- policy's table: a move, where it leads from and to, and the risks before and
-- after.  Blue b, yellow y, orange o, red r; "." is INSERT.
--
CREATE TEMP TABLE line (policy text, move text, from_state text, to_state text, risks text);
INSERT INTO line VALUES
	('three_colour', 'register', '.', 'collected', '.y .r'),
	('three_colour', 'assign', 'collected', 'assigned', 'bb yy rr'),
	('three_colour', 'take_up', 'assigned', 'handling', 'bb yy rr'),
	('three_colour', 'return', 'assigned', 'collected', 'bb yy rr'),
	('three_colour', 'supervise', 'handling', 'supervised', 'bb yy rr'),
	('three_colour', 'end_supervision', 'supervised', 'handling', 'bb yy rr'),
	('three_colour', 'feed_back', 'handling', 'fed_back', 'bb yy'),
	('three_colour', 'feed_back_supervised', 'supervised', 'fed_back', 'bb yy rr'),
	('three_colour', 'rework', 'fed_back', 'handling', 'bb yy rr'),
	('three_colour', 'accept', 'fed_back', 'assessed', 'bb'),
	('three_colour', 'close', 'assessed', 'closed', 'bb'),
	('three_colour', 'close_unsatisfied', 'assessed', 'closed', 'bb'),
	('three_colour', 'not_accept', 'assessed', 'handling', 'bb yy rr'),
	('three_colour', 'transfer', 'collected', 'transferred', 'bb yy'),
	('three_colour', 'transfer', 'assigned', 'transferred', 'bb yy'),
	('three_colour', 'transfer', 'handling', 'transferred', 'bb yy'),
	('three_colour', 'transfer', 'supervised', 'transferred', 'bb yy'),
	('three_colour', 'transfer', 'fed_back', 'transferred', 'bb yy'),
	('three_colour', 'transfer_approved', 'collected', 'transferred', 'rr'),
	('three_colour', 'transfer_approved', 'assigned', 'transferred', 'rr'),
	('three_colour', 'transfer_approved', 'handling', 'transferred', 'rr'),
	('three_colour', 'transfer_approved', 'supervised', 'transferred', 'rr'),
	('three_colour', 'transfer_approved', 'fed_back', 'transferred', 'rr'),
	('three_colour', 'come_back', 'transferred', 'handling', 'bb yy rr'),
	('three_colour', 'come_back_higher', 'transferred', 'handling', 'by br yr'),
	('three_colour', 'void', 'collected', 'voided', 'bb yy rr'),
	('three_colour', 'void', 'assigned', 'voided', 'bb yy rr'),
	('three_colour', 'void_duplicate', 'handling', 'voided', 'bb yy rr'),
	('three_colour', 'void_duplicate', 'supervised', 'voided', 'bb yy rr'),
	('three_colour', 'void_duplicate', 'fed_back', 'voided', 'bb yy rr'),
	('three_colour', 'red_to_yellow', 'handling', 'handling', 'ry'),
	('three_colour', 'red_to_yellow', 'supervised', 'supervised', 'ry'),
	('three_colour', 'red_to_yellow', 'fed_back', 'fed_back', 'ry'),
	('three_colour', 'yellow_to_blue', 'fed_back', 'fed_back', 'yb'),
	('three_colour', 'escalate', 'collected', 'collected', 'by br yr'),
	('three_colour', 'escalate', 'assigned', 'assigned', 'by br yr'),
	('three_colour', 'escalate', 'handling', 'handling', 'by br yr'),
	('three_colour', 'escalate', 'supervised', 'supervised', 'by br yr'),
	('three_colour', 'escalate_and_rework', 'fed_back', 'handling', 'by br yr'),
	('three_colour', 'escalate_and_rework', 'assessed', 'handling', 'by br yr'),
	('three_colour', 'recur', 'closed', 'handling', 'by br'),
	('four_colour', 'register', '.', 'collected', '.b .y .o .r'),
	('four_colour', 'assign', 'collected', 'assigned', 'bb yy oo rr'),
	('four_colour', 'take_up', 'assigned', 'handling', 'bb yy oo rr'),
	('four_colour', 'return', 'assigned', 'collected', 'bb yy oo rr'),
	('four_colour', 'supervise', 'handling', 'supervised', 'bb yy oo rr'),
	('four_colour', 'end_supervision', 'supervised', 'handling', 'bb yy oo rr'),
	('four_colour', 'feed_back', 'handling', 'fed_back', 'bb yy'),
	('four_colour', 'feed_back_supervised', 'supervised', 'fed_back', 'bb yy oo rr'),
	('four_colour', 'rework', 'fed_back', 'handling', 'bb yy oo rr'),
	('four_colour', 'accept', 'fed_back', 'assessed', 'bb'),
	('four_colour', 'close', 'assessed', 'closed', 'bb'),
	('four_colour', 'close_unsatisfied', 'assessed', 'closed', 'bb'),
	('four_colour', 'not_accept', 'assessed', 'handling', 'bb yy oo rr'),
	('four_colour', 'transfer', 'collected', 'transferred', 'bb yy'),
	('four_colour', 'transfer', 'assigned', 'transferred', 'bb yy'),
	('four_colour', 'transfer', 'handling', 'transferred', 'bb yy'),
	('four_colour', 'transfer', 'supervised', 'transferred', 'bb yy'),
	('four_colour', 'transfer', 'fed_back', 'transferred', 'bb yy'),
	('four_colour', 'transfer_approved', 'collected', 'transferred', 'oo rr'),
	('four_colour', 'transfer_approved', 'assigned', 'transferred', 'oo rr'),
	('four_colour', 'transfer_approved', 'handling', 'transferred', 'oo rr'),
	('four_colour', 'transfer_approved', 'supervised', 'transferred', 'oo rr'),
	('four_colour', 'transfer_approved', 'fed_back', 'transferred', 'oo rr'),
	('four_colour', 'come_back', 'transferred', 'handling', 'bb yy oo rr'),
	('four_colour', 'come_back_higher', 'transferred', 'handling', 'by bo br yo yr or'),
	('four_colour', 'void', 'collected', 'voided', 'bb yy oo rr'),
	('four_colour', 'void', 'assigned', 'voided', 'bb yy oo rr'),
	('four_colour', 'void_duplicate', 'handling', 'voided', 'bb yy oo rr'),
	('four_colour', 'void_duplicate', 'supervised', 'voided', 'bb yy oo rr'),
	('four_colour', 'void_duplicate', 'fed_back', 'voided', 'bb yy oo rr'),
	('four_colour', 'red_to_orange', 'handling', 'handling', 'ro'),
	('four_colour', 'red_to_orange', 'supervised', 'supervised', 'ro'),
	('four_colour', 'red_to_orange', 'fed_back', 'fed_back', 'ro'),
	('four_colour', 'orange_to_yellow', 'handling', 'handling', 'oy'),
	('four_colour', 'orange_to_yellow', 'supervised', 'supervised', 'oy'),
	('four_colour', 'orange_to_yellow', 'fed_back', 'fed_back', 'oy'),
	('four_colour', 'yellow_to_blue', 'fed_back', 'fed_back', 'yb'),
	('four_colour', 'escalate', 'collected', 'collected', 'by bo br yo yr or'),
	('four_colour', 'escalate', 'assigned', 'assigned', 'by bo br yo yr or'),
	('four_colour', 'escalate', 'handling', 'handling', 'by bo br yo yr or'),
	('four_colour', 'escalate', 'supervised', 'supervised', 'by bo br yo yr or'),
	('four_colour', 'escalate_and_rework', 'fed_back', 'handling', 'by bo br yo yr or'),
	('four_colour', 'escalate_and_rework', 'assessed', 'handling', 'by bo br yo yr or'),
	('four_colour', 'recur', 'closed', 'handling', 'by bo br'),
	('matter', 'register', '.', 'collected', '.b'),
	('matter', 'assign', 'collected', 'assigned', 'bb'),
	('matter', 'take_up', 'assigned', 'handling', 'bb'),
	('matter', 'feed_back', 'handling', 'fed_back', 'bb'),
	('matter', 'close', 'fed_back', 'closed', 'bb'),
	('matter', 'return', 'assigned', 'collected', 'bb'),
	('matter', 'rework', 'fed_back', 'handling', 'bb'),
	('matter', 'void', 'collected', 'voided', 'bb'),
	('matter', 'void', 'assigned', 'voided', 'bb'),
	('matter', 'void', 'handling', 'voided', 'bb'),
	('matter', 'void', 'fed_back', 'voided', 'bb'),
	('matter', 'raise', 'collected', 'transferred', 'bb'),
	('matter', 'raise', 'assigned', 'transferred', 'bb'),
	('matter', 'raise', 'handling', 'transferred', 'bb'),
	('matter', 'raise', 'fed_back', 'transferred', 'bb'),
	('matter', 'recur', 'closed', 'handling', 'bb');
CREATE TEMP TABLE expected AS
SELECT l.policy, l.move,
	nullif(l.from_state, '.') AS from_state, before.colour AS from_risk,
	l.to_state, after.colour AS to_risk
FROM line l
	CROSS JOIN regexp_split_to_table(l.risks, ' ') AS step
	LEFT JOIN (VALUES ('b', 'blue'), ('y', 'yellow'), ('o', 'orange'), ('r', 'red'))
		AS before (letter, colour) ON before.letter = left(step, 1)
	JOIN (VALUES ('b', 'blue'), ('y', 'yellow'), ('o', 'orange'), ('r', 'red'))
		AS after (letter, colour) ON after.letter = right(step, 1);
CREATE TEMP VIEW actual AS
SELECT p.policy, m.move, m.from_state::text, m.from_risk::text, m.to_state::text, m.to_risk::text
FROM policy p CROSS JOIN LATERAL policy_moves(p.policy) m
WHERE p.shipped;
-- 91, 137 and 16, counted by hand, and not one pair too many or too few
SELECT policy, count(*) FROM actual GROUP BY policy ORDER BY policy COLLATE "C";
SELECT policy, count(*) FROM expected GROUP BY policy ORDER BY policy COLLATE "C";
(TABLE actual EXCEPT ALL TABLE expected) UNION ALL (TABLE expected EXCEPT ALL TABLE actual);
-- the version in force and the working copy say the same
SELECT policy FROM policy p WHERE p.shipped AND EXISTS (
	SELECT * FROM policy_moves(p.policy) EXCEPT ALL
	SELECT * FROM policy_moves(p.policy, working_copy => true));
-- roles, and which of them a trigger must watch
SELECT * FROM policy_roles('three_colour');
SELECT * FROM policy_roles('four_colour') EXCEPT SELECT * FROM policy_roles('three_colour');
SELECT * FROM policy_roles('matter');
-- what each move needs, in words
SELECT move, unnest(needs) AS needs
FROM (SELECT DISTINCT move, needs FROM policy_moves('three_colour')) m
ORDER BY move COLLATE "C", needs COLLATE "C";
-- four colours: the same needs; each step down from red needs a mediation and another person
SELECT move, unnest(needs) AS needs
FROM (SELECT DISTINCT move, needs FROM policy_moves('four_colour')
	EXCEPT SELECT move, needs FROM policy_moves('three_colour')) m
ORDER BY move COLLATE "C", needs COLLATE "C";
SELECT DISTINCT move, needs FROM policy_moves('three_colour')
EXCEPT SELECT move, needs FROM policy_moves('four_colour');
SELECT move, needs FROM policy_moves('matter') WHERE needs <> '{}' GROUP BY move, needs ORDER BY move COLLATE "C";
-- invariants
SELECT n, states, risks, kind, role, role2, if_role
FROM policy_invariant WHERE policy = 'three_colour' ORDER BY n;
SELECT n, risks, kind, role, role2, if_role FROM policy_invariant f
WHERE policy = 'four_colour' AND NOT EXISTS (
	SELECT FROM policy_invariant t
	WHERE t.policy = 'three_colour' AND (t.n, t.states, t.kind, t.role) = (f.n, f.states, f.kind, f.role)
		AND t.risks IS NOT DISTINCT FROM f.risks AND t.role2 IS NOT DISTINCT FROM f.role2
		AND t.if_role IS NOT DISTINCT FROM f.if_role)
ORDER BY n;
SELECT policy, count(*) FROM policy_invariant GROUP BY policy ORDER BY policy COLLATE "C";
-- promises
SELECT policy, n, kind, from_risks, to_states, to_risks, via_risks, link_kind
FROM policy_promise WHERE policy IN ('three_colour', 'four_colour') ORDER BY policy COLLATE "C" DESC, n;
-- terms
SELECT policy, n, kind, states, risks, within = make_interval(days => extract(day FROM within)::integer) AS whole_days,
	extract(day FROM within)::integer AS days
FROM policy_term WHERE policy IN ('three_colour', 'four_colour') ORDER BY policy COLLATE "C" DESC, n;
SELECT (SELECT count(*) FROM policy_invariant WHERE policy = 'matter') AS invariants,
	(SELECT count(*) FROM policy_term WHERE policy = 'matter') AS terms;
-- the model checker finds nothing wrong with them
SELECT p.policy, c.* FROM policy p CROSS JOIN LATERAL check_policy(p.policy) c WHERE p.shipped;
--
-- Shipped policies are not edited in place, by nobody
--
UPDATE policy SET risks = '{red}' WHERE policy = 'three_colour';
\echo :SQLSTATE
DELETE FROM policy WHERE policy = 'matter';
DELETE FROM policy_need WHERE policy = 'three_colour' AND need = 'look_back';
UPDATE policy_term SET within = '99 days' WHERE policy = 'four_colour';
INSERT INTO policy_move (policy, move, from_states, to_state) VALUES ('matter', 'shortcut', '{collected}', 'closed');
TRUNCATE policy_promise;
SET client_min_messages = warning;
TRUNCATE policy CASCADE;
RESET client_min_messages;
-- nobody but govcase ships
INSERT INTO policy (policy, risks, shipped) VALUES ('mine', '{blue}', true);
-- nor does a row of one's own slip under a shipped policy
INSERT INTO policy (policy, risks) VALUES ('mine', '{blue,red}');
INSERT INTO policy_role (policy, role, kind) VALUES ('mine', 'who', 'person');
UPDATE policy_role SET policy = 'matter' WHERE policy = 'mine';
UPDATE policy SET shipped = true WHERE policy = 'mine';
DELETE FROM policy WHERE policy = 'mine';
SELECT count(*) FROM policy_role WHERE policy = 'mine';
--
-- Copy, edit, activate
--
SELECT copy_policy('three_colour', 'city');
SELECT policy_rules('city') = policy_rules('three_colour') AS same, shipped FROM policy WHERE policy = 'city';
SELECT copy_policy('three_colour', 'city');
SELECT copy_policy('nowhere', 'city_2');
-- until it is activated nothing is in force
SELECT * FROM policy_roles('city');
SELECT * FROM policy_roles('a name of more than sixty-three bytes is no name of any policy at all');
SELECT activate_policy('city');
SELECT count(*) FROM policy_moves('city');
-- editing changes nothing
DELETE FROM policy_move WHERE policy = 'city' AND move = 'void';
SELECT count(*) FROM policy_moves('city');
SELECT count(*) FROM policy_moves('city', working_copy => true);
SELECT activate_policy('city');
SELECT count(*) FROM policy_moves('city');
-- activating the same again is no new version, whatever order or spelling rows have
SELECT activate_policy('city');
SET intervalstyle = 'sql_standard';
UPDATE policy SET risks = '{red,yellow,blue,red}' WHERE policy = 'city';
UPDATE policy_need SET kinds = '{visit,mediation}' WHERE policy = 'city' AND need = 'contact';
UPDATE policy_term SET within = interval '6 days' + '1 day' WHERE policy = 'city' AND n = 3;
SELECT activate_policy('city');
RESET intervalstyle;
-- going back to earlier rules is a new version
INSERT INTO policy_move (policy, move, from_states, to_state, risk)
SELECT 'city', move, from_states, to_state, risk FROM policy_move WHERE policy = 'three_colour' AND move = 'void';
INSERT INTO policy_need (policy, move, need, kind, role) VALUES ('city', 'void', 'reason', 'given', 'reason');
SELECT activate_policy('city');
SELECT v.version, v.shipped, v.activated_by = current_user AS by_me,
	v.digest = sha256(convert_to(v.rules::text, 'UTF8')) AS digest_is_right,
	v.rules = (SELECT rules FROM policy_version WHERE policy = 'three_colour') AS as_shipped
FROM policy_version v WHERE policy = 'city' ORDER BY version;
SELECT activate_policy('nowhere');
SELECT activate_policy(NULL) IS NULL AS null_for_null;
-- the document is one that a person can read
SELECT jsonb_pretty(m) FROM jsonb_array_elements(policy_rules('city') -> 'moves') m WHERE m ->> 'move' = 'close_unsatisfied';
SELECT policy_rules('nowhere') IS NULL AS null_for_unknown;
--
-- In one session: its own activation is obeyed from the next statement, and a
-- rolled back one no longer, even when its number comes again with other rules
--
BEGIN;
SAVEPOINT before;
UPDATE policy SET risks = '{blue,yellow,orange,red}' WHERE policy = 'city';
SELECT activate_policy('city');
SELECT count(*) FROM policy_moves('city');
ROLLBACK TO before;
SELECT count(*) FROM policy_moves('city');
DELETE FROM policy_move WHERE policy = 'city' AND move = 'come_back_higher';
SELECT activate_policy('city');
SELECT count(*) FROM policy_moves('city');
ROLLBACK;
SELECT count(*) FROM policy_moves('city');
-- within one function as well
CREATE FUNCTION pg_temp.activate_and_count() RETURNS TABLE (step text, moves bigint)
LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY SELECT 'before', count(*) FROM govcase.policy_moves('city');
	BEGIN
		DELETE FROM govcase.policy_move WHERE policy = 'city' AND move = 'recur';
		PERFORM govcase.activate_policy('city');
		RETURN QUERY SELECT 'after', count(*) FROM govcase.policy_moves('city');
		RAISE 'undo' USING ERRCODE = 'P0099';
	EXCEPTION WHEN SQLSTATE 'P0099' THEN
		NULL;
	END;
	RETURN QUERY SELECT 'undone', count(*) FROM govcase.policy_moves('city');
END
$$;
SELECT * FROM pg_temp.activate_and_count();
-- a cold cache filled while a parallel plan runs
CREATE TABLE public.policy_test_rows AS SELECT n FROM generate_series(1, 1000) n;
\set QUIET on
\c -
\set QUIET off
SET search_path = govcase, public;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT count(*), (SELECT count(*) FROM policy_moves('city')) AS moves FROM policy_test_rows;
DROP TABLE public.policy_test_rows;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
--
-- Versions are append-only, for their owner and whatever the session's role
--
UPDATE policy_version SET rules = '{}' WHERE policy = 'city';
\echo :SQLSTATE
DELETE FROM policy_version WHERE policy = 'city';
\echo :SQLSTATE
TRUNCATE policy_version;
\echo :SQLSTATE
SET session_replication_role = replica;
DELETE FROM policy_version WHERE policy = 'city';
TRUNCATE policy_version;
RESET session_replication_role;
-- a policy that has versions keeps its row and its name; one that has none does not
DELETE FROM policy WHERE policy = 'city';
\echo :SQLSTATE
UPDATE policy SET policy = 'town' WHERE policy = 'city';
SELECT copy_policy('city', 'village');
UPDATE policy SET policy = 'hamlet' WHERE policy = 'village';
UPDATE policy_role SET role = 'in_charge' WHERE policy = 'hamlet' AND role = 'responsible';
SELECT count(*) FILTER (WHERE role = 'in_charge' OR by_other = 'in_charge') AS renamed, count(*) FROM policy_need WHERE policy = 'hamlet';
SELECT count(*) FILTER (WHERE 'in_charge' IN (role, role2)) AS renamed, count(*) FROM policy_invariant WHERE policy = 'hamlet';
UPDATE policy_move SET move = 'hand_out' WHERE policy = 'hamlet' AND move = 'accept';
DELETE FROM policy_move WHERE policy = 'hamlet' AND move = 'close';
SELECT move, need FROM policy_need WHERE policy = 'hamlet' AND move IN ('accept', 'hand_out', 'close') ORDER BY need COLLATE "C";
DELETE FROM policy WHERE policy = 'hamlet';
SELECT count(*) FROM policy_need WHERE policy IN ('hamlet', 'village');
--
-- Who may what
--
CREATE ROLE govcase_reader;
CREATE ROLE govcase_editor;
CREATE ROLE govcase_activator;
GRANT INSERT, UPDATE, DELETE ON policy, policy_role, policy_move, policy_need, policy_invariant, policy_promise, policy_term TO govcase_editor;
GRANT EXECUTE ON FUNCTION activate_policy(text) TO govcase_activator;
-- everybody reads
SET ROLE govcase_reader;
SELECT count(*) FROM policy_version WHERE policy = 'city';
SELECT count(*) FROM policy_moves('city');
UPDATE policy_term SET within = '1 year' WHERE policy = 'city';
SELECT copy_policy('city', 'reader_city');
SELECT activate_policy('city');
-- one holds a version in force while a table is fitted to it, with no right on any table
SELECT hold_policy('city');
SELECT hold_policy('nowhere');
-- an editor edits, but not what is in force nor what is shipped
SET ROLE govcase_editor;
SELECT copy_policy('matter', 'lane');
UPDATE policy_term SET within = '8 days' WHERE policy = 'city' AND n = 3;
DELETE FROM policy_need WHERE policy = 'three_colour';
SELECT activate_policy('city');
INSERT INTO policy_version (policy, version, activated_at, activated_by, rules, digest)
SELECT policy, 99, activated_at, 'somebody else', rules, digest FROM policy_version WHERE policy = 'city' AND version = 1;
-- an activator needs no right on any table, and stands in the version
SET ROLE govcase_activator;
SELECT activate_policy('city');
SELECT activate_policy('lane');
SELECT policy, version, activated_by FROM policy_version WHERE activated_by = current_user ORDER BY policy COLLATE "C";
INSERT INTO policy_role (policy, role, kind) VALUES ('lane', 'who', 'person');
SELECT current_user;
RESET ROLE;
REVOKE ALL ON ALL TABLES IN SCHEMA govcase FROM govcase_editor;
REVOKE ALL ON FUNCTION activate_policy(text) FROM govcase_activator;
DROP ROLE govcase_reader, govcase_editor, govcase_activator;
--
-- What the tables themselves refuse
--
\set VERBOSITY terse
INSERT INTO policy (policy, risks) VALUES ('', '{blue}');
INSERT INTO policy (policy, risks) VALUES (' blank', '{blue}');
INSERT INTO policy (policy, risks) VALUES ('empty', '{}');
INSERT INTO policy (policy, risks) VALUES ('hole', '{blue,NULL}');
INSERT INTO policy (policy, risks) VALUES ('square', '{{blue},{red}}');
INSERT INTO policy (policy, risks) VALUES (repeat('规则', 11), '{blue}');
INSERT INTO policy (policy, risks) VALUES (repeat('规', 21), '{blue}');
DELETE FROM policy WHERE policy = repeat('规', 21);
-- names that a carrier's list of roles could not hold
INSERT INTO policy_role (policy, role, kind) VALUES ('city', 'Upper', 'text');
INSERT INTO policy_role (policy, role, kind) VALUES ('city', 'a,b', 'text');
INSERT INTO policy_role (policy, role, kind) VALUES ('city', 'state', 'text');
INSERT INTO policy_role (policy, role, kind) VALUES ('city', 'colour', 'paint');
INSERT INTO policy_move (policy, move) VALUES ('city', 'nowhere');
INSERT INTO policy_move (policy, move, to_state, from_risks) VALUES ('city', 'm', 'collected', '{red}');
INSERT INTO policy_move (policy, move, from_states, risk) VALUES ('city', 'm', '{collected}', 'sideways');
INSERT INTO policy_move (policy, move, from_states) VALUES ('city', 'm', '{}');
INSERT INTO policy_need (policy, move, need, kind) VALUES ('city', 'close', 'n', 'given');
INSERT INTO policy_need (policy, move, need, kind, role, satisfied) VALUES ('city', 'close', 'n', 'zero', 'open_work', true);
INSERT INTO policy_need (policy, move, need, kind, kinds) VALUES ('city', 'close', 'n', 'link', '{visit}');
INSERT INTO policy_need (policy, move, need, kind, kinds, since) VALUES ('city', 'close', 'n', 'link', '{tea}', 'risk');
INSERT INTO policy_need (policy, move, need, kind, kinds, since) VALUES ('city', 'close', 'n', 'link', '{transition}', 'risk');
INSERT INTO policy_need (policy, move, need, kind, kinds, since) VALUES ('city', 'close', 'n', 'link', '{visit}', 'states');
INSERT INTO policy_need (policy, move, need, kind, kinds, since, since_states) VALUES ('city', 'close', 'n', 'link', '{visit}', 'risk', '{closed}');
INSERT INTO policy_need (policy, move, need, kind, kinds, since, after) VALUES ('city', 'close', 'n', 'link', '{visit}', 'risk', '-1 day');
INSERT INTO policy_invariant (policy, n, kind, role) VALUES ('city', 8, 'distinct', 'leader');
INSERT INTO policy_invariant (policy, n, kind, role, role2) VALUES ('city', 8, 'set', 'leader', 'responsible');
INSERT INTO policy_promise (policy, n, kind) VALUES ('city', 8, 'passes');
INSERT INTO policy_promise (policy, n, kind) VALUES ('city', 8, 'needs_link');
INSERT INTO policy_promise (policy, n, kind, to_states) VALUES ('city', 8, 'ends_reachable', '{closed}');
INSERT INTO policy_promise (policy, n, kind, via_risks) VALUES ('city', 8, 'never', '{red}');
INSERT INTO policy_term (policy, n, kind, within) VALUES ('city', 8, 'stay', '0');
INSERT INTO policy_term (policy, n, kind, within) VALUES ('city', 1, 'stay', '1 day');
\set VERBOSITY default
--
-- What the tables cannot see and activation does: rows that make no sense together
--
INSERT INTO policy (policy, risks) VALUES ('draft', '{blue,red}');
INSERT INTO policy_role (policy, role, kind) VALUES
	('draft', 'who', 'person'), ('draft', 'busy', 'count'), ('draft', 'hard', 'flag'), ('draft', 'why', 'text');
INSERT INTO policy_move (policy, move, from_states, to_state, risk) VALUES
	('draft', 'open', NULL, 'collected', 'any'), ('draft', 'shut', '{collected}', 'closed', 'any');
BEGIN;
INSERT INTO policy_need (policy, move, need, kind, role) VALUES ('draft', 'shut', 'idle', 'zero', 'why');
SELECT activate_policy('draft');
\echo :SQLSTATE
ROLLBACK;
BEGIN;
INSERT INTO policy_need (policy, move, need, kind, role) VALUES ('draft', 'shut', 'somebody', 'other', 'busy');
SELECT activate_policy('draft');
ROLLBACK;
BEGIN;
INSERT INTO policy_need (policy, move, need, kind, kinds, since, by_other) VALUES ('draft', 'shut', 'seen', 'link', '{visit}', 'risk', 'hard');
SELECT activate_policy('draft');
ROLLBACK;
BEGIN;
INSERT INTO policy_invariant (policy, n, kind, role, if_role) VALUES ('draft', 1, 'set', 'who', 'why');
SELECT activate_policy('draft');
ROLLBACK;
BEGIN;
INSERT INTO policy_invariant (policy, n, kind, role, role2) VALUES ('draft', 1, 'distinct', 'who', 'why');
SELECT activate_policy('draft');
ROLLBACK;
BEGIN;
UPDATE policy_move SET to_risks = '{yellow}' WHERE policy = 'draft' AND move = 'shut';
SELECT * FROM policy_moves('draft', working_copy => true);
ROLLBACK;
BEGIN;
INSERT INTO policy_invariant (policy, n, kind, role, risks) VALUES ('draft', 1, 'set', 'who', '{orange}');
SELECT activate_policy('draft');
ROLLBACK;
BEGIN;
INSERT INTO policy_term (policy, n, kind, risks, within) VALUES ('draft', 1, 'stay', '{red,yellow}', '1 day');
SELECT activate_policy('draft');
ROLLBACK;
-- a role, a move, a policy that does not exist
BEGIN;
INSERT INTO policy_need (policy, move, need, kind, role) VALUES ('draft', 'shut', 'idle', 'zero', 'nobody');
SELECT activate_policy('draft');
ROLLBACK;
BEGIN;
INSERT INTO policy_need (policy, move, need, kind, role) VALUES ('draft', 'shutt', 'idle', 'zero', 'busy');
SELECT activate_policy('draft');
ROLLBACK;
BEGIN;
INSERT INTO policy_term (policy, n, kind, within) VALUES ('daft', 1, 'stay', '1 day');
INSERT INTO policy_role (policy, role, kind) VALUES ('daft', 'who', 'person');
SELECT activate_policy('draft');
ROLLBACK;
-- the rest is sound; a need's words say a delay and another person
BEGIN;
INSERT INTO policy_need (policy, move, need, kind, kinds, since, by_other, after) VALUES
	('draft', 'shut', 'seen', 'link', '{visit,look_back,approval}', 'registration', 'who', '3 days');
INSERT INTO policy_need (policy, move, need, kind, kinds, since, since_states) VALUES
	('draft', 'shut', 'heard', 'link', '{feedback}', 'states', '{fed_back,handling,assigned}');
SELECT DISTINCT unnest(needs) COLLATE "C" AS needs FROM policy_moves('draft', working_copy => true) ORDER BY 1;
ROLLBACK;
-- the model checker's word is final
INSERT INTO policy_promise (policy, n, kind, from_risks, to_risks) VALUES ('draft', 1, 'never', '{red}', '{blue}');
DO $$
DECLARE
	detail text;
	hint text;
BEGIN
	PERFORM govcase.activate_policy('draft');
EXCEPTION WHEN invalid_object_definition THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RAISE NOTICE '%; names the step: %; %', SQLERRM, detail LIKE '%red%blue%', hint;
END
$$;
SELECT count(*) FROM policy_version WHERE policy = 'draft';
--
-- Documents that activate_policy never wrote: only the owner can bring them in,
-- and nobody obeys them by mistake
--
CREATE FUNCTION pg_temp.try_rules(rules jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
BEGIN
	INSERT INTO govcase.policy_version (policy, version, activated_at, activated_by, rules, digest)
	VALUES ('draft', 1, now(), 'nobody', rules, govcase.rules_digest(rules));
	PERFORM govcase.policy_roles('draft');
	RAISE 'accepted';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN SQLSTATE || ' ' || CASE WHEN detail = '' THEN SQLERRM ELSE detail END;
END
$$;
SELECT n, pg_temp.try_rules(rules) FROM (VALUES
	(1, jsonb '{"risks": ["blue"]}'),
	(2, '[]'),
	(3, '"blue"'),
	(4, '{}'),
	(5, '{"risks": "blue"}'),
	(6, '{"risks": []}'),
	(7, '{"risks": [1]}'),
	(8, '{"risks": ["mauve"]}'),
	(9, '{"risks": ["blue"], "extras": []}'),
	(10, '{"risks": ["blue"], "roles": {}}'),
	(11, '{"risks": ["blue"], "roles": [7]}'),
	(12, '{"risks": ["blue"], "roles": [{"kind": "flag"}]}'),
	(13, '{"risks": ["blue"], "roles": [{"role": "x", "kind": "paint"}]}'),
	(14, '{"risks": ["blue"], "roles": [{"role": "x", "kind": "flag", "colour": 1}]}'),
	(15, '{"risks": ["blue"], "moves": [{"move": "m", "risk": "same"}]}'),
	(16, '{"risks": ["blue"], "moves": [{"move": "m", "risk": "same", "to_state": "limbo"}]}'),
	(17, '{"risks": ["blue"], "moves": [{"move": "m", "risk": "same", "from_states": ["limbo"]}]}'),
	(18, '{"risks": ["blue"], "moves": [{"move": "m", "to_state": "collected", "risk": "same", "from_risks": ["blue"]}]}'),
	(19, '{"risks": ["blue"], "moves": [{"move": "m", "to_state": "collected", "risk": "same", "needs": [{"need": "n", "kind": "link", "since": "risk"}]}]}'),
	(20, '{"risks": ["blue"], "moves": [{"move": "m", "to_state": "collected", "risk": "same", "needs": [{"need": "n", "kind": "link", "kinds": ["tea"], "since": "risk"}]}]}'),
	(21, '{"risks": ["blue"], "moves": [{"move": "m", "to_state": "collected", "risk": "same", "needs": [{"need": "n", "kind": "link", "kinds": ["redaction"], "since": "risk"}]}]}'),
	(22, '{"risks": ["blue"], "moves": [{"move": "m", "to_state": "collected", "risk": "same", "needs": [{"need": "n", "kind": "link", "kinds": ["visit"], "since": "states"}]}]}'),
	(23, '{"risks": ["blue"], "moves": [{"move": "m", "to_state": "collected", "risk": "same", "needs": [{"need": "n", "kind": "given", "role": "x"}]}]}'),
	(24, '{"risks": ["blue"], "moves": [{"move": "m", "to_state": "collected", "risk": "same", "needs": [{"need": "n", "kind": "given"}]}]}'),
	(25, '{"risks": ["blue"], "moves": [{"move": "m", "to_state": "collected", "risk": "same", "needs": [{"need": "n", "kind": "link", "kinds": ["visit"], "since": "risk", "satisfied": "yes"}]}]}'),
	(26, '{"risks": ["blue"], "invariants": [{"n": "one"}]}'),
	(27, '{"risks": ["blue"], "promises": [{"n": 1, "kind": "passes"}]}'),
	(28, '{"risks": ["blue"], "promises": [{"n": 1, "kind": "ends_reachable", "to_states": ["closed"]}]}'),
	(29, '{"risks": ["blue"], "terms": [{"n": 1, "kind": "stay"}]}'),
	(30, '{"risks": ["blue"], "terms": [{"n": 1, "kind": "stay", "within": "P-1D"}]}'),
	(31, '{"risks": ["blue"], "terms": [{"n": 1, "kind": "stay", "within": "soon"}]}')
) AS document (n, rules) ORDER BY n;
-- none of it is left
SELECT count(*) FROM policy_version WHERE policy = 'draft';
SELECT * FROM policy_roles('draft');
--
-- A version that a protected table cannot obey does not come into force
--
SELECT copy_policy('matter', 'errand');
SELECT activate_policy('errand');
CREATE TABLE public."Errand list" (id integer PRIMARY KEY, state case_state NOT NULL, reason text, clerk text);
SELECT protect_cases('public."Errand list"', 'errand', without_links => true);
-- a role that it has no column for, one that its trigger does not watch, a second colour
INSERT INTO policy_role (policy, role, kind) VALUES ('errand', 'clerk', 'person');
INSERT INTO policy_invariant (policy, n, states, kind, role) VALUES ('errand', 1, '{closed}', 'set', 'reason');
UPDATE policy SET risks = '{blue,red}' WHERE policy = 'errand';
SELECT activate_policy('errand');
\echo :SQLSTATE
SELECT max(version) FROM policy_version WHERE policy = 'errand';
-- other policies are not held up by it
INSERT INTO policy_role (policy, role, kind) VALUES ('lane', 'clerk', 'person');
SELECT activate_policy('lane');
-- the way out that the hint names
UPDATE policy SET risks = '{blue}' WHERE policy = 'errand';
SELECT copy_policy('errand', 'errand_2');
SELECT activate_policy('errand_2');
SELECT change_policy('public."Errand list"', 'errand_2');
SELECT activate_policy('errand');
-- links may be needed where there are none: such a move can then not be made
INSERT INTO policy_need (policy, move, need, kind, kinds, since) VALUES ('errand_2', 'close', 'seen', 'link', '{visit}', 'registration');
SELECT activate_policy('errand_2');
SELECT unprotect_cases('public."Errand list"');
DROP TABLE public."Errand list";
