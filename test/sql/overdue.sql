\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS govcase CASCADE;
SET timezone = 'Asia/Shanghai';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
SET search_path = govcase, public;
CREATE SCHEMA overdue_test;
-- Statements as of a time: what they move happened then.
CREATE PROCEDURE overdue_test.at(happened_at text, VARIADIC statements text[])
LANGUAGE plpgsql AS $$
DECLARE
	statement text;
BEGIN
	PERFORM set_config('govcase.happened_at', happened_at, true);
	FOREACH statement IN ARRAY statements LOOP
		EXECUTE statement;
	END LOOP;
	PERFORM set_config('govcase.happened_at', '', true);
END $$;
RESET client_min_messages;
\set QUIET off
\set ECHO all
CREATE TABLE overdue_test.dispute (
	id integer PRIMARY KEY,
	state case_state NOT NULL DEFAULT 'collected',
	risk risk_level NOT NULL,
	difficult boolean NOT NULL DEFAULT false,
	responsible text DEFAULT 'responsible',
	leader text DEFAULT 'leader',
	reason text,
	open_work integer NOT NULL DEFAULT 0,
	reported_at timestamptz NOT NULL DEFAULT '2025-01-01'
);
SELECT create_follow_ups('overdue_test.dispute', 'follow_up');
SELECT protect_cases('overdue_test.dispute', 'three_colour', follow_ups => 'overdue_test.follow_up');

-- Nobody is late where there is nobody.
SELECT * FROM overdue('overdue_test.dispute');
SELECT * FROM next_due('overdue_test.dispute');

-- Terms of three_colour: stay: collected 1 day, assigned 3, fed_back 7; contact:
-- red 7 days, yellow 15, blue 30.  We ask on 10 March, at nine.
-- 1: red, and nothing was done.
CALL overdue_test.at('2025-03-01 09:00', 'INSERT INTO overdue_test.dispute (id, risk) VALUES (1, ''red'')');
-- 2: yellow, assigned on the 3rd and not taken up.
CALL overdue_test.at('2025-03-01 09:00', 'INSERT INTO overdue_test.dispute (id, risk) VALUES (2, ''yellow'')');
CALL overdue_test.at('2025-03-03 09:00', 'UPDATE overdue_test.dispute SET state = ''assigned'' WHERE id = 2');
-- 3: red, visited on the 4th; a mediation of the 2nd was entered later.  The
-- visit is the last contact.
CALL overdue_test.at('2025-03-01 09:00', 'INSERT INTO overdue_test.dispute (id, risk) VALUES (3, ''red'')',
	'UPDATE overdue_test.dispute SET state = ''assigned'' WHERE id = 3');
CALL overdue_test.at('2025-03-02 09:00', 'UPDATE overdue_test.dispute SET state = ''handling'' WHERE id = 3');
INSERT INTO overdue_test.follow_up (id, kind, happened_at) VALUES
	(3, 'visit', '2025-03-04 10:00'), (3, 'mediation', '2025-03-02 15:00');
-- 4: yellow since 1 February, last met on the 10th, red since 5 March: its seven
-- days run from then.
CALL overdue_test.at('2025-02-01 09:00', 'INSERT INTO overdue_test.dispute (id, risk) VALUES (4, ''yellow'')',
	'UPDATE overdue_test.dispute SET state = ''assigned'' WHERE id = 4',
	'UPDATE overdue_test.dispute SET state = ''handling'' WHERE id = 4');
INSERT INTO overdue_test.follow_up (id, kind, happened_at) VALUES (4, 'visit', '2025-02-10 09:00');
CALL overdue_test.at('2025-03-05 09:00', 'UPDATE overdue_test.dispute SET risk = ''red'', reason = ''threats'' WHERE id = 4');
-- 5: yellow since 1 February.  Supervision and notes are no contact, and another
-- state under the same term is no new beginning.
CALL overdue_test.at('2025-02-01 09:00', 'INSERT INTO overdue_test.dispute (id, risk) VALUES (5, ''yellow'')',
	'UPDATE overdue_test.dispute SET state = ''assigned'' WHERE id = 5',
	'UPDATE overdue_test.dispute SET state = ''handling'' WHERE id = 5');
CALL overdue_test.at('2025-02-20 09:00', 'UPDATE overdue_test.dispute SET state = ''supervised'' WHERE id = 5');
INSERT INTO overdue_test.follow_up (id, kind, happened_at) VALUES
	(5, 'supervision', '2025-02-21 09:00'), (5, 'note', '2025-03-01 09:00');
-- 6: transferred while yellow: still to be kept in touch with.
CALL overdue_test.at('2025-02-01 09:00', 'INSERT INTO overdue_test.dispute (id, risk) VALUES (6, ''yellow'')');
CALL overdue_test.at('2025-02-05 09:00', 'UPDATE overdue_test.dispute SET state = ''transferred'', reason = ''to court'' WHERE id = 6');
-- 7: voided, no term any more.
CALL overdue_test.at('2025-02-01 09:00', 'INSERT INTO overdue_test.dispute (id, risk) VALUES (7, ''red'')',
	'UPDATE overdue_test.dispute SET state = ''voided'', reason = ''twice'' WHERE id = 7');
-- 8: fed back on the 2nd, reworked, fed back again on the 5th: the stay runs from
-- there, and goes on when the risk falls on the 8th.  Contact runs from that fall.
CALL overdue_test.at('2025-02-20 09:00', 'INSERT INTO overdue_test.dispute (id, risk) VALUES (8, ''yellow'')',
	'UPDATE overdue_test.dispute SET state = ''assigned'' WHERE id = 8',
	'UPDATE overdue_test.dispute SET state = ''handling'' WHERE id = 8');
INSERT INTO overdue_test.follow_up (id, kind, happened_at) VALUES (8, 'mediation', '2025-03-01 09:00');
CALL overdue_test.at('2025-03-02 09:00', 'UPDATE overdue_test.dispute SET state = ''fed_back'' WHERE id = 8');
CALL overdue_test.at('2025-03-04 09:00', 'UPDATE overdue_test.dispute SET state = ''handling'', reason = ''incomplete'' WHERE id = 8');
INSERT INTO overdue_test.follow_up (id, kind, happened_at) VALUES (8, 'visit', '2025-03-04 15:00');
CALL overdue_test.at('2025-03-05 09:00', 'UPDATE overdue_test.dispute SET state = ''fed_back'' WHERE id = 8');
INSERT INTO overdue_test.follow_up (id, kind, happened_at) VALUES (8, 'feedback', '2025-03-07 09:00');
CALL overdue_test.at('2025-03-08 09:00', 'UPDATE overdue_test.dispute SET risk = ''blue'' WHERE id = 8');
-- 9: as 8, but blue and transferred: no term.
CALL overdue_test.at('2025-02-01 09:00', 'INSERT INTO overdue_test.dispute (id, risk) VALUES (9, ''yellow'')',
	'UPDATE overdue_test.dispute SET state = ''assigned'' WHERE id = 9',
	'UPDATE overdue_test.dispute SET state = ''handling'' WHERE id = 9');
INSERT INTO overdue_test.follow_up (id, kind, happened_at) VALUES (9, 'mediation', '2025-02-02 09:00');
CALL overdue_test.at('2025-02-03 09:00', 'UPDATE overdue_test.dispute SET state = ''fed_back'' WHERE id = 9');
INSERT INTO overdue_test.follow_up (id, kind, happened_at) VALUES (9, 'feedback', '2025-02-04 09:00');
CALL overdue_test.at('2025-02-05 09:00', 'UPDATE overdue_test.dispute SET risk = ''blue'' WHERE id = 9',
	'UPDATE overdue_test.dispute SET state = ''transferred'', reason = ''to court'' WHERE id = 9');

-- Red before yellow, the longest delay first; 1 is late twice over, 5 and 6 alike.
SELECT * FROM overdue('overdue_test.dispute', '2025-03-10 09:00');
-- Due at nine is late only after nine.
SELECT case_key, reason, overdue_by FROM overdue('overdue_test.dispute', '2025-03-02 09:00') WHERE case_key = '1';
SELECT case_key, reason, overdue_by FROM overdue('overdue_test.dispute', '2025-03-02 09:00:01') WHERE case_key = '1';
-- Without a time: now, and by then they are all late.
SELECT count(*), count(DISTINCT case_key) FROM overdue('overdue_test.dispute');
-- What each has to expect next, all and one by one.
SELECT * FROM next_due('overdue_test.dispute');
SELECT * FROM next_due('overdue_test.dispute', 8);
SELECT case_key, due_at FROM next_due('overdue_test.dispute', '8');
-- No term applies to 7 and 9, and there is no 10.
SELECT k, d.* FROM unnest(ARRAY[7, 9, 10]) k, next_due('overdue_test.dispute', k) d;
-- The follow-up table names the same protection.
SELECT count(*) FROM next_due('overdue_test.follow_up');

-- 9 comes back: the thirty days run from its return, not from its last contact.
CALL overdue_test.at('2025-03-09 09:00', 'UPDATE overdue_test.dispute SET state = ''handling'', reason = ''court declined'' WHERE id = 9');
SELECT * FROM next_due('overdue_test.dispute', 9);

-- What is refused.
SELECT * FROM overdue(NULL);
SELECT * FROM overdue('overdue_test.dispute', NULL);
SELECT * FROM overdue('overdue_test.dispute', 'infinity');
SELECT * FROM next_due('overdue_test.dispute', NULL::integer);
SELECT * FROM next_due('overdue_test.dispute', ARRAY[1, 2]);
SELECT * FROM overdue('pg_class');
BEGIN;
CREATE TABLE overdue_test.alone (id integer PRIMARY KEY, state case_state NOT NULL, risk risk_level NOT NULL,
	difficult boolean, responsible text, leader text, reason text, open_work integer, reported_at timestamptz);
SELECT protect_cases('overdue_test.alone', 'three_colour', without_links => true);
SELECT * FROM overdue('overdue_test.alone');
ROLLBACK;

-- Who may not read the tables is not told by these functions either, and row
-- security hides what it hides.
CREATE ROLE overdue_reader;
GRANT USAGE ON SCHEMA overdue_test TO overdue_reader;
SET ROLE overdue_reader;
SELECT * FROM overdue('overdue_test.dispute', '2025-03-10 09:00');
RESET ROLE;
GRANT SELECT ON ALL TABLES IN SCHEMA overdue_test TO overdue_reader;
ALTER TABLE overdue_test.dispute ENABLE ROW LEVEL SECURITY;
CREATE POLICY even ON overdue_test.dispute FOR SELECT TO overdue_reader USING (id % 2 = 0);
SET ROLE overdue_reader;
SELECT case_key, reason FROM overdue('overdue_test.dispute', '2025-03-10 09:00');
SELECT * FROM next_due('overdue_test.dispute', 1);
SELECT create_term_index('overdue_test.dispute');
RESET ROLE;
ALTER TABLE overdue_test.dispute DISABLE ROW LEVEL SECURITY;
REVOKE ALL ON ALL TABLES IN SCHEMA overdue_test FROM overdue_reader;
REVOKE ALL ON SCHEMA overdue_test FROM overdue_reader;
DROP POLICY even ON overdue_test.dispute;
DROP ROLE overdue_reader;

-- A city's own: one colour, two terms on one state (the first due counts), terms
-- of months and of hours, a key of two columns, names that need quoting.
SELECT copy_policy('matter', 'overdue errand');
INSERT INTO policy_term (policy, n, kind, states, risks, within) VALUES
	('overdue errand', 1, 'stay', '{collected}', NULL, '1 month'),
	('overdue errand', 2, 'stay', '{collected,assigned}', NULL, '36 hours'),
	('overdue errand', 3, 'contact', NULL, NULL, '2 days 0.5 seconds');
SELECT activate_policy('overdue errand');
CREATE TABLE overdue_test."Errand ""A""" (
	"Region" text, "No." smallint, "Its State" case_state NOT NULL DEFAULT 'collected', "Why" text,
	PRIMARY KEY ("Region", "No."));
SELECT create_follow_ups('overdue_test."Errand ""A"""', 'Chain');
SELECT protect_cases('overdue_test."Errand ""A"""', 'overdue errand', follow_ups => 'overdue_test."Chain"',
	columns => '{"key": ["Region", "No."], "state": "Its State", "reason": "Why"}');
CALL overdue_test.at('2025-01-31 12:00', $$INSERT INTO overdue_test."Errand ""A""" VALUES ('411602', 7), ('411602', 8), ('411603', 7)$$);
CALL overdue_test.at('2025-02-01 00:00', $$UPDATE overdue_test."Errand ""A""" SET "Its State" = 'assigned' WHERE "No." = 8$$);
INSERT INTO overdue_test."Chain" ("Region", "No.", kind, happened_at) VALUES ('411603', 7, 'conference', '2025-02-02 12:00');
SELECT * FROM next_due('overdue_test."Errand ""A"""');
SELECT * FROM next_due('overdue_test."Errand ""A"""', ROW('411603', 7));
SELECT * FROM next_due('overdue_test."Errand ""A"""', ARRAY['411602', '8']);
SELECT case_key, risk, reason, last_at, due_at, overdue_by
FROM overdue('overdue_test."Errand ""A"""', '2025-02-02 12:30');
-- Columns and tables may be renamed, and a hostile search_path changes nothing.
ALTER TABLE overdue_test."Errand ""A""" RENAME "Its State" TO "stage";
ALTER TABLE overdue_test."Chain" RENAME happened_at TO "when";
ALTER TABLE overdue_test."Errand ""A""" RENAME TO errand;
CREATE FUNCTION overdue_test.equal(case_state, case_state) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT false';
CREATE OPERATOR overdue_test.= (LEFTARG = case_state, RIGHTARG = case_state, FUNCTION = overdue_test.equal);
CREATE FUNCTION overdue_test.later(timestamptz, interval) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS 'SELECT ''2000-01-01''::timestamptz';
CREATE OPERATOR overdue_test.+ (LEFTARG = timestamptz, RIGHTARG = interval, FUNCTION = overdue_test.later);
SET search_path = overdue_test, pg_catalog;
SET intervalstyle = 'sql_standard';
SELECT * FROM govcase.next_due('overdue_test.errand');
SET intervalstyle = 'postgres';
SET search_path = govcase, public;

-- The index is for the states that the terms name; asked for twice, it is the
-- same, and with other terms another.
SELECT create_term_index('overdue_test.dispute');
SELECT create_term_index('overdue_test.errand');
SELECT obj_description('overdue_test.dispute_govcase_terms'::regclass, 'pg_class');
SELECT count(*) FROM pg_index WHERE indrelid = 'overdue_test.dispute'::regclass AND indpred IS NOT NULL;
DELETE FROM policy_term WHERE policy = 'overdue errand' AND n = 3;
SELECT activate_policy('overdue errand');
SELECT create_term_index('overdue_test."Chain"');
SELECT relname, obj_description(oid, 'pg_class') FROM pg_class JOIN pg_index ON indexrelid = oid
WHERE indrelid = 'overdue_test.errand'::regclass AND indpred IS NOT NULL;
SELECT count(*) FROM next_due('overdue_test.errand');
-- A policy without terms has nothing due and needs no index.
DELETE FROM policy_term WHERE policy = 'overdue errand';
SELECT activate_policy('overdue errand');
SELECT * FROM overdue('overdue_test.errand');
SELECT create_term_index('overdue_test.errand') IS NULL AS none, due_query('overdue_test.errand') IS NULL AS nothing;
SELECT count(*) FROM term_index('overdue_test.errand');

-- Long names are cut by whole characters so that the ending stays, and a name
-- that is taken is not taken from its owner.
SELECT copy_policy('matter', 'overdue list');
INSERT INTO policy_term (policy, n, kind, states, within) VALUES ('overdue list', 1, 'stay', '{collected}', '1 day');
SELECT activate_policy('overdue list');
CREATE TABLE overdue_test."矛盾纠纷多元化解综合治理中心台账一" (id bigint PRIMARY KEY, state case_state NOT NULL, reason text);
CREATE TABLE overdue_test."矛盾纠纷多元化解综合治理中心台账二" (id bigint PRIMARY KEY, state case_state NOT NULL, reason text);
SELECT create_follow_ups('overdue_test."矛盾纠纷多元化解综合治理中心台账一"', 'first_chain'),
	create_follow_ups('overdue_test."矛盾纠纷多元化解综合治理中心台账二"', 'second_chain');
SELECT protect_cases('overdue_test."矛盾纠纷多元化解综合治理中心台账一"', 'overdue list', follow_ups => 'overdue_test.first_chain'),
	protect_cases('overdue_test."矛盾纠纷多元化解综合治理中心台账二"', 'overdue list', follow_ups => 'overdue_test.second_chain');
SELECT create_term_index('overdue_test."矛盾纠纷多元化解综合治理中心台账一"'),
	create_term_index('overdue_test."矛盾纠纷多元化解综合治理中心台账二"');

-- A table in partitions has one index over all of them, those to come as well.
CREATE TABLE overdue_test.parted (LIKE overdue_test.dispute INCLUDING DEFAULTS, region text, PRIMARY KEY (region, id)) PARTITION BY LIST (region);
CREATE TABLE overdue_test.parted_a PARTITION OF overdue_test.parted FOR VALUES IN ('411602');
SELECT create_follow_ups('overdue_test.parted', 'parted_chain');
SELECT protect_cases('overdue_test.parted', 'three_colour', follow_ups => 'overdue_test.parted_chain');
CREATE TABLE overdue_test.parted_b PARTITION OF overdue_test.parted FOR VALUES IN ('411603');
CALL overdue_test.at('2025-03-01 09:00', $$INSERT INTO overdue_test.parted (region, id, risk) VALUES ('411602', 1, 'yellow'), ('411603', 1, 'red')$$);
SELECT * FROM overdue('overdue_test.parted', '2025-03-10 09:00');
SELECT * FROM next_due('overdue_test.parted_b', ROW('411603', 1));
SELECT create_term_index('overdue_test.parted_b');
SELECT indrelid::regclass, relkind FROM pg_index JOIN pg_class c ON c.oid = indexrelid
WHERE indpred IS NOT NULL AND indrelid::regclass::text LIKE 'overdue_test.parted%' ORDER BY 1;

-- Six hundred cases that moved at random, back and forth in states, risks and
-- time, against an oracle in plain SQL; and a few thousand that are closed.
SELECT copy_policy('three_colour', 'overdue free');
DELETE FROM policy_promise WHERE policy = 'overdue free';
DELETE FROM policy_invariant WHERE policy = 'overdue free';
DELETE FROM policy_need WHERE policy = 'overdue free';
DELETE FROM policy_move WHERE policy = 'overdue free';
DELETE FROM policy_term WHERE policy = 'overdue free';
INSERT INTO policy_move (policy, move, to_state, risk)
SELECT 'overdue free', 'begin in ' || value, value, 'any' FROM case_states();
INSERT INTO policy_move (policy, move, from_states, to_state, risk)
SELECT 'overdue free', 'go to ' || value, array_agg(value) OVER (), value, 'any' FROM case_states();
INSERT INTO policy_term (policy, n, kind, states, risks, within) VALUES
	('overdue free', 1, 'stay', '{collected,assigned}', NULL, '3 days'),
	('overdue free', 2, 'stay', '{assigned,handling}', '{yellow,red}', '1 day'),
	('overdue free', 3, 'contact', '{collected,assigned,handling,supervised,fed_back}', '{red}', '7 days'),
	('overdue free', 4, 'contact', '{handling,supervised}', '{yellow,red}', '10 days 12:00'),
	('overdue free', 5, 'contact', '{collected,assigned,handling,assessed}', '{blue}', '1 month');
SELECT activate_policy('overdue free');
-- (The copy of the table has a copy of the index, which is for other terms: it is
-- replaced.)
CREATE TABLE overdue_test.walk (LIKE overdue_test.dispute INCLUDING ALL);
SELECT create_follow_ups('overdue_test.walk', 'walk_chain');
SELECT protect_cases('overdue_test.walk', 'overdue free', follow_ups => 'overdue_test.walk_chain');
-- Numbers that are the same on every server.
CREATE FUNCTION overdue_test.draw(what text, below int) RETURNS int
	LANGUAGE sql IMMUTABLE
	AS $$ SELECT (get_byte(h, 0) * 256 + get_byte(h, 1)) % below FROM sha256(convert_to(what, 'UTF8')) h $$;
CREATE FUNCTION overdue_test.draw_state(what text) RETURNS govcase.case_state
	LANGUAGE sql IMMUTABLE
	AS $$ SELECT ('{collected,assigned,handling,supervised,fed_back,assessed,closed,transferred,voided}'::text[])
		[1 + overdue_test.draw('state' || what, 9)]::govcase.case_state $$;
CREATE FUNCTION overdue_test.draw_risk(what text) RETURNS govcase.risk_level
	LANGUAGE sql IMMUTABLE
	AS $$ SELECT ('{blue,yellow,red}'::text[])[1 + overdue_test.draw('risk' || what, 3)]::govcase.risk_level $$;
SET govcase.happened_at = '2025-03-01 09:00';
INSERT INTO overdue_test.walk (id, state, risk)
SELECT id, overdue_test.draw_state(id || ' 0'), overdue_test.draw_risk(id || ' 0') FROM generate_series(1, 600) id;
INSERT INTO overdue_test.walk (id, state, risk, reason)
SELECT id, 'closed', 'blue', repeat('settled ', 50) FROM generate_series(601, 4000) id;
RESET govcase.happened_at;
DO $$
BEGIN
	FOR step IN 1 .. 5 LOOP
		FOR part IN 0 .. 3 LOOP
			PERFORM set_config('govcase.happened_at', ('2025-03-02'::date + overdue_test.draw(format('%s %s', step, part), 30))::text, true);
			UPDATE overdue_test.walk SET state = overdue_test.draw_state(id || ' ' || step),
				risk = overdue_test.draw_risk(id || ' ' || step)
			WHERE id <= 600 AND overdue_test.draw(format('%s goes %s', id, step), 6) = part;
		END LOOP;
		INSERT INTO overdue_test.walk_chain (id, kind, happened_at)
		SELECT id, ('{mediation,visit,conference,feedback,look_back,note,supervision,approval}'::text[])[1 + overdue_test.draw(format('%s kind %s', id, step), 8)],
			'2025-03-02'::timestamptz + overdue_test.draw(format('%s met %s', id, step), 44640) * interval '1 minute'
		FROM overdue_test.walk WHERE id <= 600 AND overdue_test.draw(format('%s meets %s', id, step), 3) = 0;
	END LOOP;
END $$;
ANALYZE overdue_test.walk; ANALYZE overdue_test.walk_chain;
-- The oracle looks for the last link that was outside of what a term is about;
-- the next outcome began it.
CREATE TEMP VIEW expected AS
SELECT DISTINCT ON (id, kind) id, w.state, w.risk, kind AS reason, v.last_at, v.last_at + within AS due_at
FROM overdue_test.walk w
	JOIN policy_term t ON t.policy = 'overdue free' AND w.state = ANY (t.states) AND (t.risks IS NULL OR w.risk = ANY (t.risks))
	CROSS JOIN LATERAL (SELECT coalesce(max(o.seq), 0) AS outside FROM overdue_test.walk_chain o
		WHERE o.id = w.id AND o.to_state IS NOT NULL AND NOT CASE t.kind WHEN 'stay' THEN o.to_state = w.state
			ELSE o.to_state = ANY (t.states) AND o.to_risk = ANY (coalesce(t.risks, '{blue,yellow,red}')) END) u
	CROSS JOIN LATERAL (SELECT greatest(
		(array_agg(o.happened_at ORDER BY o.seq) FILTER (WHERE o.to_state IS NOT NULL AND o.seq > outside))[1],
		max(o.happened_at) FILTER (WHERE t.kind = 'contact' AND o.kind IN ('mediation', 'visit', 'conference', 'feedback', 'look_back'))) AS last_at
		FROM overdue_test.walk_chain o WHERE o.id = w.id) v
ORDER BY id, kind, due_at;
SELECT count(*) AS due, count(DISTINCT id) AS cases, count(*) FILTER (WHERE reason = 'contact') AS contacts,
	count(*) FILTER (WHERE due_at < '2025-03-25 09:00') AS overdue FROM expected;
SELECT count(*) AS compared, count(*) FILTER (WHERE e IS NULL OR o IS NULL OR o.place <> e.place OR o.overdue_by <> '2025-03-25 09:00' - o.due_at) AS mismatches
FROM (SELECT *, row_number() OVER (ORDER BY risk DESC, due_at, id, reason) AS place FROM expected WHERE due_at < '2025-03-25 09:00') e
	FULL JOIN (SELECT * FROM overdue('overdue_test.walk', '2025-03-25 09:00') WITH ORDINALITY
		x(case_key, state, risk, reason, last_at, due_at, overdue_by, place)) o
	ON e.id::text = o.case_key AND e.state = o.state AND e.risk = o.risk AND e.reason = o.reason AND e.last_at = o.last_at AND e.due_at = o.due_at;
SELECT count(*) AS compared, count(*) FILTER (WHERE e IS NULL OR o IS NULL OR o.place <> e.place OR k.due_at IS DISTINCT FROM o.due_at) AS mismatches
FROM (SELECT *, row_number() OVER (ORDER BY risk DESC, due_at, id) AS place
		FROM (SELECT DISTINCT ON (id) * FROM expected ORDER BY id, due_at, reason) f) e
	FULL JOIN (SELECT * FROM next_due('overdue_test.walk') WITH ORDINALITY x(case_key, state, risk, reason, last_at, due_at, place)) o
	ON e.id::text = o.case_key AND e.reason = o.reason AND e.last_at = o.last_at AND e.due_at = o.due_at
	LEFT JOIN LATERAL next_due('overdue_test.walk', e.id) k ON true;

-- However many cases are closed and however long the chains: open cases come from
-- the partial index, their links from the chain's key, and nothing is read whole.
CREATE FUNCTION overdue_test.plan_nodes(query text) RETURNS TABLE (node text, relation text, index text)
LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT JSON, COSTS OFF) ' || query INTO plan;
	RETURN QUERY WITH RECURSIVE nodes(n) AS (
		SELECT plan -> 0 -> 'Plan'
		UNION ALL
		SELECT child FROM nodes, json_array_elements(n -> 'Plans') child)
	SELECT n ->> 'Node Type', n ->> 'Relation Name', n ->> 'Index Name' FROM nodes;
END $$;
SELECT count(*) FROM pg_index WHERE indrelid = 'overdue_test.walk'::regclass AND indpred IS NOT NULL;
SELECT bool_or(index = 'walk_govcase_terms') AS from_partial_index,
	bool_or(index = 'walk_chain_pkey') AS by_chain_key,
	bool_or(node = 'Seq Scan') AS reads_whole
FROM overdue_test.plan_nodes(replace(due_query('overdue_test.walk'), '$1', 'now()'));
-- Without that index there has to be a plan, and it finds the same.
CREATE TABLE overdue_test.by_index AS SELECT * FROM overdue('overdue_test.walk', '2025-03-25 09:00') WITH ORDINALITY;
SELECT drop_term_index('overdue_test.walk');
CREATE TABLE overdue_test.by_plan AS SELECT * FROM overdue('overdue_test.walk', '2025-03-25 09:00') WITH ORDINALITY;
SELECT (SELECT count(*) > 50 FROM overdue_test.by_plan) AS many,
	(SELECT count(*) FROM (TABLE overdue_test.by_index EXCEPT TABLE overdue_test.by_plan) x) AS only_by_index,
	(SELECT count(*) FROM (TABLE overdue_test.by_plan EXCEPT TABLE overdue_test.by_index) x) AS only_by_plan;
SET client_min_messages = warning;
DROP SCHEMA overdue_test CASCADE;
