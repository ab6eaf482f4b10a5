\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS govcase CASCADE;
RESET client_min_messages;
SET jit = off;
\pset format unaligned
\set QUIET off
\set ECHO all
-- The shipped policies are sound: the model checker finds nothing.
SELECT policy, (SELECT count(*) FROM govcase.check_policy(policy)) AS problems
FROM govcase.policy WHERE shipped ORDER BY policy;

-- Where a dispute can be, how it gets there and how it comes to an end.  No
-- disputes start blue, so that none is blue before it was worked on.
SELECT * FROM govcase.policy_pairs('three_colour');
-- Where there is one colour, only states are named.
SELECT * FROM govcase.policy_pairs('matter');

-- A name that is no policy, and no name.
SELECT * FROM govcase.check_policy('no_such_policy');
SELECT * FROM govcase.policy_pairs('no_such_policy');
SELECT count(*) FROM govcase.check_policy(NULL);

-- Broken policies, one kind of fault at a time.  Each starts from a small loop
-- of two colours that is sound.
BEGIN;
SET LOCAL search_path = govcase, public;
INSERT INTO policy (policy, risks) VALUES ('loop', '{blue,red}');
INSERT INTO policy_role (policy, role, kind) VALUES
	('loop', 'responsible', 'person'), ('loop', 'leader', 'person'),
	('loop', 'open_work', 'count'), ('loop', 'open_visits', 'count'),
	('loop', 'difficult', 'flag');
INSERT INTO policy_move (policy, move, from_states, to_state, from_risks, to_risks, risk) VALUES
	('loop', 'register', NULL, 'collected', NULL, '{red}', 'same'),
	('loop', 'take up', '{collected}', 'handling', NULL, NULL, 'same'),
	('loop', 'calm', '{handling}', NULL, NULL, NULL, 'down'),
	('loop', 'close', '{handling}', 'closed', '{blue}', NULL, 'same'),
	('loop', 'recur', '{closed}', 'handling', NULL, NULL, 'up');
INSERT INTO policy_need (policy, move, need, kind, kinds, since) VALUES
	('loop', 'calm', 'talked', 'link', '{mediation}', 'risk'),
	('loop', 'close', 'seen', 'link', '{look_back,visit}', 'registration');
INSERT INTO policy_promise (policy, n, kind, from_states, from_risks, to_states, to_risks, via_states, via_risks, link_kind) VALUES
	('loop', 1, 'never', '{collected}', '{red}', NULL, '{blue}', NULL, NULL, NULL),
	('loop', 2, 'passes', NULL, '{red}', '{closed}', NULL, '{handling}', '{blue}', NULL),
	('loop', 3, 'needs_link', NULL, '{red}', '{closed}', NULL, NULL, NULL, 'mediation'),
	('loop', 4, 'ends_reachable', NULL, NULL, NULL, NULL, NULL, NULL, NULL);
SELECT * FROM check_policy('loop');
SELECT * FROM policy_pairs('loop');

-- One move from red to blue, where the promise says never.
SAVEPOINT fault;
INSERT INTO policy_move (policy, move, from_states, to_state, from_risks, to_risks, risk)
	VALUES ('loop', 'wave through', '{collected}', 'handling', NULL, NULL, 'down');
SELECT * FROM check_policy('loop');
ROLLBACK TO fault;

-- A path around the pair that every path must pass.  Two moves make the last
-- step; the first in order is named.
INSERT INTO policy_move (policy, move, from_states, to_state, from_risks, to_risks, risk) VALUES
	('loop', 'shut', '{handling}', 'closed', NULL, NULL, 'any'),
	('loop', 'shut again', '{handling}', 'closed', NULL, NULL, 'same');
SELECT * FROM check_policy('loop');
ROLLBACK TO fault;

-- A case that begins where it should arrive has not passed anything either.
INSERT INTO policy_move (policy, move, from_states, to_state, from_risks, to_risks, risk)
	VALUES ('loop', 'register as closed', NULL, 'closed', NULL, '{red}', 'same');
SELECT * FROM check_policy('loop');
ROLLBACK TO fault;

-- A second way to go down that takes a visit as well does not need a mediation;
-- the path names that way, not the one that needs it.
INSERT INTO policy_move (policy, move, from_states, to_state, from_risks, to_risks, risk)
	VALUES ('loop', 'settle', '{handling}', NULL, NULL, NULL, 'down');
INSERT INTO policy_need (policy, move, need, kind, kinds, since)
	VALUES ('loop', 'settle', 'met', 'link', '{mediation,visit}', 'risk');
SELECT * FROM check_policy('loop');
ROLLBACK TO fault;

-- No move closes: cases go round without an end, and the promise says so.
DELETE FROM policy_move WHERE policy = 'loop' AND move = 'close';
INSERT INTO policy_move (policy, move, from_states, to_state, from_risks, to_risks, risk)
	VALUES ('loop', 'give back', '{handling}', 'collected', '{red}', NULL, 'same');
SELECT * FROM check_policy('loop');
-- Without the promise the same faults are told, but a policy may be like that.
DELETE FROM policy_promise WHERE policy = 'loop' AND n = 4;
SELECT problem, fatal FROM check_policy('loop');
ROLLBACK TO fault;

-- Nothing can be registered: then nothing can be reached.
DELETE FROM policy_move WHERE policy = 'loop' AND move = 'register';
SELECT * FROM check_policy('loop');
SELECT * FROM policy_pairs('loop');
ROLLBACK TO fault;

-- A state that nothing leads to, in all risks and in one of the two.
INSERT INTO policy_move (policy, move, from_states, to_state, from_risks, to_risks, risk)
	VALUES ('loop', 'inspect', '{assessed,handling}', 'closed', '{blue}', NULL, 'same'),
	('loop', 'give up', '{supervised}', 'voided', NULL, NULL, 'same');
SELECT * FROM check_policy('loop');
ROLLBACK TO fault;
-- A risk that is listed and reached in none of the states listed with it.  A
-- risk that a row leaves open, or that it reaches in another state, is no fault.
INSERT INTO policy_move (policy, move, from_states, to_state, from_risks, to_risks, risk)
	VALUES ('loop', 'void', '{collected}', 'voided', '{blue}', NULL, 'same'),
	('loop', 'void any', '{collected,handling}', 'voided', NULL, NULL, 'same');
SELECT * FROM check_policy('loop');
ROLLBACK TO fault;

-- Moves whose states and risks leave nothing: up from the highest, an unchanged
-- pair.
INSERT INTO policy_move (policy, move, from_states, to_state, from_risks, to_risks, risk)
	VALUES ('loop', 'up from red', '{handling}', NULL, '{red}', NULL, 'up'),
	('loop', 'stay', '{handling}', 'handling', NULL, NULL, 'same');
SELECT * FROM check_policy('loop');
ROLLBACK TO fault;

-- A need that counts from the case's coming into handling can be met after a
-- return from there, but not by a case that was never there.
INSERT INTO policy_move (policy, move, from_states, to_state, from_risks, to_risks, risk) VALUES
	('loop', 'send back', '{handling}', 'assigned', NULL, NULL, 'same'),
	('loop', 'void', '{assigned}', 'voided', NULL, NULL, 'same');
INSERT INTO policy_need (policy, move, need, kind, kinds, since, since_states)
	VALUES ('loop', 'void', 'visited', 'link', '{visit}', 'states', '{handling}');
SELECT * FROM check_policy('loop');
SELECT way_in, way_out FROM policy_pairs('loop') WHERE state IN ('assigned', 'voided');
-- Now some come to assigned on another way: they are stuck there, and the path is
-- the way on which they are, though others leave the same pair.
INSERT INTO policy_move (policy, move, from_states, to_state, from_risks, to_risks, risk)
	VALUES ('loop', 'assign', '{collected}', 'assigned', NULL, NULL, 'same');
SELECT * FROM check_policy('loop');
SELECT way_in, way_out FROM policy_pairs('loop') WHERE state IN ('assigned', 'voided');
-- Where nobody ever was in that state, no row can make the move.
UPDATE policy_need SET since_states = '{supervised}' WHERE policy = 'loop' AND need = 'visited';
SELECT * FROM check_policy('loop');
ROLLBACK TO fault;

-- A registration that needs a link can never be made: there is no chain yet.
INSERT INTO policy_need (policy, move, need, kind, kinds, since)
	VALUES ('loop', 'register', 'seen', 'link', '{visit}', 'registration');
SELECT * FROM check_policy('loop') WHERE problem IN ('no registration', 'impossible move');
ROLLBACK TO fault;

-- A role that is set cannot be distinct from itself.  Then no move leads into
-- handling: what follows is told as well.
INSERT INTO policy_invariant (policy, n, states, risks, kind, role, role2) VALUES
	('loop', 1, '{handling}', '{blue}', 'set', 'leader', NULL),
	('loop', 2, '{handling}', NULL, 'distinct', 'leader', 'leader');
SELECT * FROM check_policy('loop');
-- It may be null where nothing sets it, and where a flag can be false.
UPDATE policy_invariant SET if_role = 'difficult' WHERE policy = 'loop' AND n = 1;
SELECT * FROM check_policy('loop');
UPDATE policy_invariant SET if_role = NULL WHERE policy = 'loop' AND n = 1;
UPDATE policy_invariant SET if_role = 'difficult' WHERE policy = 'loop' AND n = 2;
SELECT * FROM check_policy('loop');
ROLLBACK TO fault;
-- The same where the move itself gives the role, and the role is a registration's.
INSERT INTO policy_invariant (policy, n, states, kind, role, role2) VALUES
	('loop', 1, '{collected}', 'distinct', 'leader', 'leader');
INSERT INTO policy_need (policy, move, need, kind, role) VALUES
	('loop', 'register', 'leader', 'given', 'leader');
SELECT * FROM check_policy('loop') WHERE problem IN ('no registration', 'impossible move');
ROLLBACK TO fault;

-- Two counts that are both set and both zero cannot be distinct.
INSERT INTO policy_invariant (policy, n, states, kind, role, role2) VALUES
	('loop', 1, '{closed}', 'set', 'open_work', NULL),
	('loop', 2, '{closed}', 'distinct', 'open_visits', 'open_work');
INSERT INTO policy_need (policy, move, need, kind, role) VALUES
	('loop', 'close', 'no work', 'zero', 'open_work'),
	('loop', 'close', 'no visits', 'zero', 'open_visits'),
	('loop', 'close', 'visits', 'given', 'open_visits');
SELECT * FROM check_policy('loop') WHERE problem = 'impossible move';
-- One of them may be null: no contradiction.
DELETE FROM policy_need WHERE policy = 'loop' AND need = 'visits';
SELECT * FROM check_policy('loop');
-- It cannot where it was set before and is kept in both states.
INSERT INTO policy_invariant (policy, n, states, kind, role) VALUES
	('loop', 3, '{handling}', 'set', 'open_visits'),
	('loop', 4, '{closed}', 'kept', 'open_visits');
SELECT * FROM check_policy('loop');
UPDATE policy_invariant SET states = '{handling,closed}' WHERE policy = 'loop' AND n = 4;
SELECT * FROM check_policy('loop') WHERE problem = 'impossible move';
ROLLBACK;

-- A thousand random policies against an oracle in plain SQL.  Numbers are drawn
-- from a digest, so that every server version draws the same.
BEGIN;
SET LOCAL search_path = govcase, public;
CREATE FUNCTION pg_temp.draw(what text, below int) RETURNS int
	LANGUAGE sql IMMUTABLE
	AS $$ SELECT ((get_byte(h, 0) * 256 + get_byte(h, 1)) * 256 + get_byte(h, 2)) % below
		FROM sha256(convert_to(what, 'UTF8')) h $$;
-- Each of the values with one chance in so many; perhaps none of them.
CREATE FUNCTION pg_temp.draw_some(what text, one_in int, VARIADIC choices text[]) RETURNS text[]
	LANGUAGE sql IMMUTABLE
	AS $$ SELECT array_agg(c ORDER BY n) FROM unnest(choices) WITH ORDINALITY x(c, n)
		WHERE pg_temp.draw(what || ' ' || n, one_in) = 0 $$;
CREATE FUNCTION pg_temp.draw_one(what text, VARIADIC choices text[]) RETURNS text
	LANGUAGE sql IMMUTABLE
	AS $$ SELECT choices[1 + pg_temp.draw(what, cardinality(choices))] $$;
-- Some of the states, of the risks that a policy uses; null: all.
CREATE FUNCTION pg_temp.draw_states(what text, one_in int) RETURNS case_state[]
	LANGUAGE sql IMMUTABLE
	AS $$ SELECT pg_temp.draw_some(what, one_in, 'collected', 'assigned', 'handling',
		'supervised', 'fed_back', 'assessed', 'closed', 'transferred', 'voided')::case_state[] $$;
CREATE FUNCTION pg_temp.draw_risks(what text, one_in int, risks risk_level[]) RETURNS risk_level[]
	LANGUAGE sql IMMUTABLE
	AS $$ SELECT pg_temp.draw_some(what, one_in, VARIADIC risks::text[])::risk_level[] $$;

-- Three of four are drawn freely ...
INSERT INTO policy (policy, risks)
SELECT 'random ' || i, (ARRAY['{blue}', '{blue,red}', '{blue,yellow,red}', '{blue,yellow,orange,red}'])
	[1 + pg_temp.draw('risks ' || i, 4)]::risk_level[]
FROM generate_series(1, 750) i;

INSERT INTO policy_role (policy, role, kind)
SELECT policy, role, kind
FROM policy, (VALUES ('a', 'person'), ('b', 'person'), ('c', 'count'), ('d', 'count'), ('f', 'flag')) v(role, kind)
WHERE policy LIKE 'random %';

INSERT INTO policy_move (policy, move, from_states, to_state, from_risks, to_risks, risk)
SELECT policy, move,
	CASE WHEN NOT at_insert THEN coalesce(pg_temp.draw_states('from' || seed, 3), '{collected}') END,
	CASE WHEN at_insert OR pg_temp.draw('keeps' || seed, 4) > 0
		THEN pg_temp.draw_one('to' || seed, 'collected', 'assigned', 'handling', 'supervised',
			'fed_back', 'assessed', 'closed', 'transferred', 'voided')::case_state END,
	CASE WHEN NOT at_insert THEN pg_temp.draw_risks('from risk' || seed, 4, risks) END,
	pg_temp.draw_risks('to risk' || seed, 5, risks),
	pg_temp.draw_one('change' || seed, 'same', 'same', 'same', 'up', 'down', 'any')
FROM policy,
	generate_series(1, 8 + pg_temp.draw('moves ' || policy, 9)) k,
	LATERAL (SELECT format('m%s', lpad(k::text, 2, '0')) AS move, policy || ' ' || k AS seed,
		k = 1 OR pg_temp.draw('insert ' || policy || ' ' || k, 10) = 0 AS at_insert) m
WHERE policy LIKE 'random %';

INSERT INTO policy_need (policy, move, need, kind, kinds, since, since_states)
SELECT policy, move, 'link ' || k, 'link', (ARRAY['{mediation}', '{mediation}', '{look_back}', '{mediation,visit}'])
		[1 + pg_temp.draw('kinds' || seed, 4)]::text[],
	since, CASE WHEN since = 'states' THEN (ARRAY['{handling,supervised}', '{fed_back}', '{assigned,closed}'])
		[1 + pg_temp.draw('point' || seed, 3)]::case_state[] END
FROM policy_move, generate_series(1, 2) k,
	LATERAL (SELECT policy || ' ' || move || ' ' || k AS seed) s,
	LATERAL (SELECT pg_temp.draw_one('since' || seed, 'registration', 'risk', 'states') AS since) x
WHERE policy LIKE 'random %' AND pg_temp.draw('need' || seed, CASE WHEN from_states IS NULL THEN 12 ELSE 4 END) = 0;

INSERT INTO policy_need (policy, move, need, kind, role)
SELECT policy, move, kind || ' ' || role, kind, role
FROM policy_move, (VALUES ('given', 'a'), ('given', 'c'), ('given', 'd'), ('zero', 'c'), ('zero', 'd'), ('other', 'b')) v(kind, role)
WHERE policy LIKE 'random %' AND pg_temp.draw(format('%s %s %s %s', policy, move, kind, role), 4) = 0;

INSERT INTO policy_invariant (policy, n, states, risks, kind, role, role2, if_role)
SELECT policy, n, pg_temp.draw_states('where' || seed, 2), pg_temp.draw_risks('risk' || seed, 2, risks),
	kind, role, CASE WHEN kind = 'distinct' THEN role2 END,
	CASE WHEN pg_temp.draw('if' || seed, 4) = 0 THEN 'f' END
FROM policy, (VALUES (1, 'set', 'a', NULL), (2, 'set', 'c', NULL), (3, 'set', 'd', NULL), (4, 'kept', 'a', NULL),
		(5, 'kept', 'c', NULL), (6, 'distinct', 'c', 'd'), (7, 'distinct', 'a', 'a'), (8, 'distinct', 'a', 'b')) v(n, kind, role, role2),
	LATERAL (SELECT policy || ' ' || n AS seed) s
WHERE policy LIKE 'random %' AND pg_temp.draw('invariant' || seed, 4) = 0;

INSERT INTO policy_promise (policy, n, kind, from_states, from_risks, to_states, to_risks, via_states, via_risks, link_kind)
SELECT policy, n, kind,
	CASE WHEN n < 4 THEN pg_temp.draw_states('from' || seed, 3) END,
	CASE WHEN n < 4 THEN pg_temp.draw_risks('from risk' || seed, 2, risks) END,
	CASE WHEN n < 4 THEN pg_temp.draw_states('to' || seed, 6) END,
	CASE WHEN n < 4 THEN pg_temp.draw_risks('to risk' || seed, 3, risks) END,
	CASE WHEN kind = 'passes' THEN coalesce(pg_temp.draw_states('via' || seed, 3), '{handling}') END,
	CASE WHEN kind = 'passes' THEN pg_temp.draw_risks('via risk' || seed, 2, risks) END,
	CASE WHEN kind = 'needs_link' THEN pg_temp.draw_one('link' || seed, 'mediation', 'look_back') END
FROM policy, generate_series(1, 4) n, LATERAL (SELECT policy || ' ' || n AS seed) s,
	LATERAL (SELECT (ARRAY['never', 'passes', 'needs_link', 'ends_reachable'])[n] AS kind) k
WHERE policy LIKE 'random %';

-- ... the others are shipped ones in which this and that was changed.
CREATE TEMP TABLE model AS
SELECT 'random ' || i AS policy, pg_temp.draw_one('model ' || i, 'three_colour', 'four_colour', 'matter') AS model
FROM generate_series(751, 1000) i;
INSERT INTO policy (policy, risks) SELECT m.policy, p.risks FROM model m JOIN policy p ON p.policy = m.model;
INSERT INTO policy_role (policy, role, kind)
SELECT m.policy, r.role, r.kind FROM model m JOIN policy_role r ON r.policy = m.model;
INSERT INTO policy_move (policy, move, from_states, to_state, from_risks, to_risks, risk)
SELECT m.policy, move, from_states,
	CASE WHEN to_state IS NOT NULL AND pg_temp.draw('to' || seed, 60) = 0
		THEN pg_temp.draw_one('new to' || seed, 'collected', 'handling', 'fed_back', 'assessed', 'closed')::case_state
		ELSE to_state END,
	CASE WHEN pg_temp.draw('from risk' || seed, 30) > 0 THEN from_risks END,
	CASE WHEN pg_temp.draw('to risk' || seed, 30) > 0 THEN to_risks END,
	CASE WHEN pg_temp.draw('change' || seed, 60) > 0 THEN risk ELSE 'any' END
FROM model m JOIN policy_move v ON v.policy = m.model, LATERAL (SELECT m.policy || ' ' || move AS seed) s
WHERE pg_temp.draw('move' || seed, 40) > 0;
INSERT INTO policy_need (policy, move, need, kind, role, kinds, since, since_states, by_other, satisfied)
SELECT m.policy, n.move, need, kind, role, kinds, since, since_states, by_other, satisfied
FROM model m JOIN policy_need n ON n.policy = m.model JOIN policy_move v ON v.policy = m.policy AND v.move = n.move
WHERE pg_temp.draw('need' || m.policy || n.move || need, 40) > 0;
INSERT INTO policy_promise (policy, n, kind, from_states, from_risks, to_states, to_risks, via_states, via_risks, link_kind)
SELECT m.policy, n, kind, from_states, from_risks, to_states, to_risks, via_states, via_risks, link_kind
FROM model m JOIN policy_promise q ON q.policy = m.model;
ANALYZE policy, policy_role, policy_move, policy_need, policy_invariant, policy_promise;

-- The oracle.  point: the sets of states that needs count from, a bit for each.
CREATE TEMP TABLE point AS
SELECT policy, since_states, 1 << (row_number() OVER (PARTITION BY policy ORDER BY since_states::text))::int AS bit
FROM (SELECT DISTINCT policy, since_states FROM policy_need WHERE policy LIKE 'random %' AND since = 'states') x;
-- pair: each state and risk of each policy, with the points that it is.
CREATE TEMP TABLE pair AS
SELECT p.policy, s.value AS state, r AS risk,
	s.value::text || CASE WHEN cardinality(risks) > 1 THEN '/' || r ELSE '' END AS pair,
	s.value IN ('closed', 'transferred', 'voided') AS is_end,
	coalesce(bit_or(bit), 0) AS bits
FROM policy p CROSS JOIN case_states() s CROSS JOIN unnest(risks) r
	LEFT JOIN point t ON t.policy = p.policy AND s.value = ANY (t.since_states)
WHERE p.policy LIKE 'random %' GROUP BY p.policy, s.value, r;
CREATE INDEX ON pair (policy, pair);
ANALYZE pair;

-- step: what each move may do, from no pair where it registers, and the points
-- that a case must have passed for it.
CREATE TEMP TABLE step AS
WITH move AS (
	SELECT m.*, n.needed
	FROM policy_move m CROSS JOIN LATERAL (SELECT coalesce(bit_or(bit), 0) AS needed
		FROM policy_need n JOIN point o USING (policy, since_states)
		WHERE n.policy = m.policy AND n.move = m.move AND n.since = 'states') n)
SELECT m.policy, m.move, f.pair AS source, t.pair AS target, f.state, f.risk, t.bits, m.needed
FROM move m
	JOIN pair f ON f.policy = m.policy AND f.state = ANY (m.from_states)
		AND (m.from_risks IS NULL OR f.risk = ANY (m.from_risks))
	JOIN pair t ON t.policy = m.policy AND t.state = coalesce(m.to_state, f.state)
		AND (m.to_risks IS NULL OR t.risk = ANY (m.to_risks))
WHERE f.pair <> t.pair AND CASE m.risk WHEN 'same' THEN f.risk = t.risk WHEN 'up' THEN t.risk > f.risk
	WHEN 'down' THEN t.risk < f.risk ELSE true END
UNION ALL
SELECT m.policy, m.move, NULL, t.pair, NULL, NULL, t.bits, 0
FROM move m JOIN pair t ON t.policy = m.policy AND t.state = m.to_state AND (m.to_risks IS NULL OR t.risk = ANY (m.to_risks))
WHERE m.from_states IS NULL;
-- ruled: what holds in each pair whatever the flag; filled: roles that are not
-- null after a step; contradicted: steps that no row can make.
CREATE TEMP TABLE ruled AS
SELECT p.policy, p.pair, i.kind, i.role, i.role2
FROM pair p JOIN policy_invariant i ON i.policy = p.policy AND i.if_role IS NULL
	AND (i.states IS NULL OR p.state = ANY (i.states)) AND (i.risks IS NULL OR p.risk = ANY (i.risks));
CREATE INDEX ON ruled (policy, pair);
ANALYZE step; ANALYZE ruled;
CREATE TEMP TABLE filled AS
SELECT s.policy, s.move, s.source, s.target, n.role
FROM step s JOIN policy_need n ON n.policy = s.policy AND n.move = s.move AND n.kind = 'given'
UNION
SELECT s.policy, s.move, s.source, s.target, r.role
FROM step s JOIN ruled r ON r.policy = s.policy AND r.pair = s.target AND r.kind = 'set'
UNION
SELECT s.policy, s.move, s.source, s.target, r.role
FROM step s JOIN ruled r ON r.policy = s.policy AND r.pair = s.source AND r.kind = 'set'
	JOIN ruled k ON k.policy = s.policy AND k.pair = s.source AND k.kind = 'kept' AND k.role = r.role
	JOIN ruled l ON l.policy = s.policy AND l.pair = s.target AND l.kind = 'kept' AND l.role = r.role;
ANALYZE filled;
CREATE TEMP TABLE contradicted AS
SELECT s.policy, s.move, coalesce(s.source, '') AS source, s.target
FROM step s JOIN policy_need n ON n.policy = s.policy AND n.move = s.move AND n.kind = 'link'
WHERE s.source IS NULL
UNION
SELECT x.policy, x.move, coalesce(x.source, ''), x.target
FROM filled x JOIN filled y ON y.policy = x.policy AND y.move = x.move AND coalesce(y.source, '') = coalesce(x.source, '') AND y.target = x.target
	JOIN ruled d ON d.policy = x.policy AND d.pair = x.target AND d.kind = 'distinct' AND d.role = x.role AND d.role2 = y.role
WHERE x.role = y.role
	OR (SELECT count(*) FROM policy_need n WHERE n.policy = x.policy AND n.move = x.move AND n.kind = 'zero'
		AND n.role IN (x.role, y.role)) = 2;
-- edge: the steps that some row can make.
CREATE TEMP TABLE edge AS
SELECT s.* FROM step s LEFT JOIN contradicted c ON c.policy = s.policy AND c.move = s.move
	AND c.source = coalesce(s.source, '') AND c.target = s.target
WHERE c.policy IS NULL;
CREATE INDEX ON edge (policy, source);
ANALYZE edge;

-- node: a pair with the points passed on the way to it; arc: a move from node to
-- node; ending: nodes from which an end is reached.
CREATE TEMP TABLE node AS
WITH RECURSIVE walk(policy, pair, passed) AS (
	SELECT policy, target, bits FROM edge WHERE source IS NULL
	UNION
	SELECT w.policy, e.target, w.passed | e.bits
	FROM walk w JOIN edge e ON e.policy = w.policy AND e.source = w.pair AND e.needed & ~w.passed = 0)
SELECT w.*, p.state, p.risk, p.is_end FROM walk w JOIN pair p USING (policy, pair);
CREATE INDEX ON node (policy, pair);
CREATE TEMP TABLE arc AS
SELECT e.policy, e.move, e.source, n.passed, e.target, n.passed | e.bits AS then_passed
FROM node n JOIN edge e ON e.policy = n.policy AND e.source = n.pair AND e.needed & ~n.passed = 0;
CREATE INDEX ON arc (policy, source);
CREATE INDEX ON arc (policy, target);
ANALYZE node; ANALYZE arc;
CREATE TEMP TABLE ending AS
WITH RECURSIVE walk(policy, pair, passed) AS (
	SELECT policy, pair, passed FROM node WHERE is_end
	UNION
	SELECT w.policy, a.source, a.passed
	FROM walk w JOIN arc a ON a.policy = w.policy AND a.target = w.pair AND a.then_passed = w.passed)
SELECT * FROM walk;
CREATE INDEX ON ending (policy, pair);
CREATE TEMP TABLE stuck AS
SELECT n.*, CASE WHEN EXISTS (SELECT FROM arc a WHERE a.policy = n.policy AND a.source = n.pair AND a.passed = n.passed)
	THEN 'no end' ELSE 'dead end' END AS problem
FROM node n WHERE NOT EXISTS (SELECT FROM ending e WHERE e.policy = n.policy AND e.pair = n.pair AND e.passed = n.passed);
ANALYZE ending; ANALYZE stuck;

-- source, goal: where the paths of a promise begin and end; free: the arcs that
-- avoid what they should pass, and those of moves that need no link of its kind.
CREATE TEMP TABLE avoided AS
SELECT q.policy, q.n, p.pair
FROM policy_promise q JOIN pair p ON p.policy = q.policy AND q.kind = 'passes'
	AND (q.via_states IS NULL OR p.state = ANY (q.via_states))
	AND (q.via_risks IS NULL OR p.risk = ANY (q.via_risks));
CREATE INDEX ON avoided (policy, n, pair);
ANALYZE avoided;
CREATE TEMP TABLE source AS
SELECT q.policy, q.n, q.kind, o.pair, o.passed
FROM policy_promise q JOIN node o ON o.policy = q.policy
	AND (q.from_states IS NULL OR o.state = ANY (q.from_states))
	AND (q.from_risks IS NULL OR o.risk = ANY (q.from_risks))
WHERE NOT EXISTS (SELECT FROM avoided a WHERE a.policy = q.policy AND a.n = q.n AND a.pair = o.pair);
CREATE TEMP TABLE goal AS
SELECT q.policy, q.n, p.pair
FROM policy_promise q JOIN pair p ON p.policy = q.policy
	AND (q.to_states IS NULL OR p.state = ANY (q.to_states))
	AND (q.to_risks IS NULL OR p.risk = ANY (q.to_risks));
CREATE TEMP TABLE free AS
SELECT q.n, q.kind, a.*
FROM policy_promise q JOIN arc a ON a.policy = q.policy
WHERE q.kind = 'never'
	OR q.kind = 'passes' AND NOT EXISTS (SELECT FROM avoided v WHERE v.policy = q.policy AND v.n = q.n AND v.pair IN (a.source, a.target))
	OR q.kind = 'needs_link' AND NOT EXISTS (SELECT FROM policy_need d WHERE d.policy = q.policy
		AND d.move = a.move AND d.kind = 'link' AND q.link_kind::text = ALL (d.kinds::text[]));
CREATE INDEX ON source (policy, n);
CREATE INDEX ON free (policy, n, source);
ANALYZE source; ANALYZE goal; ANALYZE free;
CREATE TEMP TABLE broken AS
WITH RECURSIVE walk(policy, n, pair, passed) AS (
	SELECT policy, n, pair, passed FROM source WHERE kind IN ('passes', 'needs_link')
	UNION
	SELECT w.policy, w.n, f.target, f.then_passed
	FROM walk w JOIN free f ON f.policy = w.policy AND f.n = w.n AND f.source = w.pair AND f.passed = w.passed)
SELECT policy, n FROM walk JOIN goal USING (policy, n, pair)
UNION
SELECT s.policy, s.n FROM source s JOIN free f ON f.policy = s.policy AND f.n = s.n AND f.source = s.pair AND f.passed = s.passed
	JOIN goal g ON g.policy = s.policy AND g.n = s.n AND g.pair = f.target WHERE s.kind = 'never'
UNION
SELECT policy, n FROM policy_promise q WHERE kind = 'ends_reachable' AND EXISTS (SELECT FROM stuck s WHERE s.policy = q.policy);

-- What the checker says of the same policies.
CREATE TEMP TABLE found AS
SELECT p.policy, c.*, substring(c.detail from 'Promise (\d+) ')::int AS n,
	substring(c.detail from 'move "([^"]+)":') AS move
FROM policy p, check_policy(p.policy) c WHERE p.policy LIKE 'random %';
CREATE TEMP TABLE checked AS
SELECT p.policy, c.* FROM policy p, policy_pairs(p.policy) c WHERE p.policy LIKE 'random %';

ANALYZE broken; ANALYZE found; ANALYZE checked;

-- The sample is a mixed one ...
SELECT count(*) AS policies, count(*) FILTER (WHERE policy NOT IN (SELECT policy FROM found)) AS sound
FROM policy WHERE policy LIKE 'random %';
SELECT (SELECT count(*) FROM pair) AS pairs, (SELECT count(*) FROM (SELECT DISTINCT policy, pair FROM node) x) AS reached,
	(SELECT count(*) FROM node) AS nodes, (SELECT count(*) FROM arc) AS arcs, (SELECT count(*) FROM contradicted) AS contradicted;
SELECT problem, fatal, count(*), count(DISTINCT policy) AS policies, count(path) AS paths
FROM found GROUP BY 1, 2 ORDER BY 1, 2;
SELECT kind, count(b.n) AS broken, count(*) - count(b.n) AS kept
FROM policy_promise LEFT JOIN broken b USING (policy, n) WHERE policy LIKE 'random %' GROUP BY 1 ORDER BY 1;
-- Pairs in which only some of the cases are stuck, depending on their past.
SELECT count(*) FROM (SELECT DISTINCT policy, pair FROM stuck INTERSECT SELECT policy, pair FROM ending) x;

-- ... and both say the same of it: which pairs are reached, and from which of
-- them an end,
SELECT count(*) AS compared, count(way_out) AS with_an_end,
	count(*) FILTER (WHERE o.state IS NULL OR c.state IS NULL OR o.ends <> (c.way_out IS NOT NULL)) AS mismatches
FROM (SELECT n.policy, n.state, n.risk, bool_or(e.pair IS NOT NULL) AS ends
		FROM node n LEFT JOIN ending e USING (policy, pair, passed) GROUP BY 1, 2, 3) o
	FULL JOIN checked c USING (policy, state, risk);
-- in which of them cases are stuck,
SELECT problem, count(*) AS compared, count(*) FILTER (WHERE o.policy IS NULL OR f.policy IS NULL) AS mismatches
FROM (SELECT DISTINCT policy, pair, problem FROM stuck) o
	FULL JOIN (SELECT policy, problem, substring(detail from 'A case in ([a-z_/]+) ') AS pair
		FROM found WHERE problem IN ('dead end', 'no end')) f USING (policy, problem, pair)
GROUP BY 1 ORDER BY 1;
-- which moves no row can make,
SELECT count(*) AS compared, count(*) FILTER (WHERE o.policy IS NULL OR f.policy IS NULL) AS mismatches
FROM (SELECT policy, move FROM policy_move WHERE policy LIKE 'random %'
		EXCEPT SELECT policy, move FROM arc EXCEPT SELECT policy, move FROM edge WHERE source IS NULL) o
	FULL JOIN (SELECT policy, move FROM found WHERE problem = 'impossible move') f USING (policy, move);
-- which states hold sources that are never reached (the state in none of a row's
-- risks, or a risk that a row lists in none of its states),
WITH origin AS (
	SELECT DISTINCT e.policy, e.move, e.state, e.risk, n.pair IS NOT NULL AS hit,
		m.from_risks IS NOT NULL AND NOT m.from_risks @> p.risks AS listed
	FROM step e JOIN policy_move m USING (policy, move) JOIN policy p USING (policy)
		LEFT JOIN node n ON n.policy = e.policy AND n.pair = e.source
	WHERE e.source IS NOT NULL),
judged AS (
	SELECT policy, state, listed, bool_or(hit) OVER (PARTITION BY policy, move, state) AS state_hit,
		bool_or(hit) OVER (PARTITION BY policy, move, risk) AS risk_hit FROM origin)
SELECT count(*) AS compared, count(*) FILTER (WHERE o.policy IS NULL OR f.policy IS NULL) AS mismatches
FROM (SELECT DISTINCT policy, state::text AS state FROM judged WHERE NOT state_hit OR listed AND NOT risk_hit) o
	FULL JOIN (SELECT policy, substring(detail from 'come into ([a-z_]+)') AS state
		FROM found WHERE problem = 'unreachable') f USING (policy, state);
-- whether a case can be registered at all,
SELECT count(*) AS compared, count(*) FILTER (WHERE o.policy IS NULL OR f.policy IS NULL) AS mismatches
FROM (SELECT policy FROM policy WHERE policy LIKE 'random %' EXCEPT SELECT policy FROM node) o
	FULL JOIN (SELECT policy FROM found WHERE problem = 'no registration') f USING (policy);
-- and which promises are broken.
SELECT kind, count(*) AS compared, count(*) FILTER (WHERE (b.n IS NULL) <> (f.n IS NULL)) AS mismatches
FROM policy_promise LEFT JOIN broken b USING (policy, n)
	LEFT JOIN (SELECT policy, n FROM found WHERE problem = 'broken promise') f USING (policy, n)
WHERE policy LIKE 'random %' GROUP BY 1 ORDER BY 1;

-- Every path that was printed is walked.
CREATE TEMP TABLE printed AS
SELECT row_number() OVER () AS id, x.*, q.kind
FROM (SELECT policy, problem AS what, n, path FROM found WHERE path IS NOT NULL
	UNION ALL SELECT policy, 'way in', NULL, way_in FROM checked
	UNION ALL SELECT policy, 'way out', NULL, way_out FROM checked WHERE way_out IS NOT NULL) x
	LEFT JOIN policy_promise q USING (policy, n);
CREATE TEMP TABLE walked AS
SELECT s.*, e.needed, bit_or(p.bits) OVER (PARTITION BY id ORDER BY k) AS passed,
	bit_or(p.bits) OVER (PARTITION BY id ORDER BY k ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS passed_before,
	k > 1 AND e.needed IS NULL OR p.pair IS NULL AS wrong
FROM (SELECT id, policy, n, k, substring(part from '^[a-z_/]+') AS pair,
		lag(substring(part from '^[a-z_/]+')) OVER (PARTITION BY id ORDER BY k) AS source,
		substring(part from '\((.*)\)$') AS move
	FROM printed, regexp_split_to_table(path, ' -> ') WITH ORDINALITY x(part, k)) s
	LEFT JOIN pair p ON p.policy = s.policy AND p.pair = s.pair
	LEFT JOIN edge e ON e.policy = s.policy AND e.source = s.source AND e.target = s.pair AND e.move = s.move;
CREATE INDEX ON walked (id);
ANALYZE printed; ANALYZE walked;
CREATE TEMP TABLE ends AS
SELECT p.*, a.pair AS first_pair, z.pair AS last_pair, z.passed AS last_passed, z.k - 1 AS steps
FROM printed p JOIN walked a ON a.id = p.id AND a.k = 1
	JOIN LATERAL (SELECT * FROM walked s WHERE s.id = p.id ORDER BY k DESC LIMIT 1) z ON true;
-- Each step is one that its move makes, for a case that came to its beginning in
-- one way or another.
SELECT what, count(*) AS paths, sum(steps) AS steps, max(steps) AS longest,
	count(*) FILTER (WHERE EXISTS (SELECT FROM walked s WHERE s.id = e.id AND s.wrong)) AS wrong_steps,
	count(*) FILTER (WHERE NOT EXISTS (SELECT FROM node n WHERE n.policy = e.policy AND n.pair = e.first_pair
		AND NOT EXISTS (SELECT FROM walked s WHERE s.id = e.id AND s.k > 1
			AND s.needed & ~(n.passed | s.passed_before) <> 0))) AS wrong_pasts
FROM ends e GROUP BY 1 ORDER BY 1;
-- Ways in, and to where cases are stuck, begin with a registration; ways out lead
-- to an end.
SELECT what, count(*) AS paths,
	count(*) FILTER (WHERE what <> 'way out' AND NOT EXISTS (SELECT FROM edge r
		WHERE r.policy = e.policy AND r.source IS NULL AND r.target = e.first_pair)) AS wrong_beginnings,
	count(*) FILTER (WHERE CASE what WHEN 'way in' THEN false WHEN 'way out' THEN NOT (SELECT is_end FROM pair p
			WHERE p.policy = e.policy AND p.pair = e.last_pair)
		ELSE NOT EXISTS (SELECT FROM stuck s WHERE s.policy = e.policy AND s.pair = e.last_pair
			AND s.passed = e.last_passed AND (s.problem = what OR kind = 'ends_reachable')) END) AS wrong_ends
FROM ends e WHERE kind IS NULL OR kind = 'ends_reachable' GROUP BY 1 ORDER BY 1;
-- The others begin and end where their promise says, and go only where it does
-- not want them.
SELECT kind, count(*) AS paths,
	count(*) FILTER (WHERE NOT EXISTS (SELECT FROM source s WHERE s.policy = e.policy AND s.n = e.n AND s.pair = first_pair)) AS wrong_beginnings,
	count(*) FILTER (WHERE NOT EXISTS (SELECT FROM goal g WHERE g.policy = e.policy AND g.n = e.n AND g.pair = last_pair)) AS wrong_ends,
	count(*) FILTER (WHERE kind = 'never' AND steps <> 1
		OR EXISTS (SELECT FROM walked s LEFT JOIN free f ON f.policy = s.policy AND f.n = s.n
				AND f.source = s.source AND f.target = s.pair AND f.move = s.move
			WHERE s.id = e.id AND s.k > 1 AND f.move IS NULL)) AS wrong_steps
FROM ends e WHERE kind <> 'ends_reachable' GROUP BY 1 ORDER BY 1;
-- And no path that breaks the promise is shorter; but one of a single move is
-- printed rather than one of none.
WITH RECURSIVE walk(policy, n, pair, passed, depth) AS (
	SELECT s.policy, s.n, s.pair, s.passed, 0 FROM source s JOIN broken b USING (policy, n) WHERE kind IN ('passes', 'needs_link')
	UNION
	SELECT w.policy, w.n, f.target, f.then_passed, w.depth + 1
	FROM walk w JOIN free f ON f.policy = w.policy AND f.n = w.n AND f.source = w.pair AND f.passed = w.passed
		JOIN ends e ON e.policy = w.policy AND e.n = w.n AND w.depth < e.steps)
SELECT count(*) AS compared, max(steps) AS longest, count(*) FILTER (WHERE e.steps = 0) AS of_no_move,
	count(*) FILTER (WHERE s.depth <> e.steps AND NOT (s.depth = 0 AND e.steps = 1)
		OR e.steps = 0 AND EXISTS (SELECT FROM source a JOIN free f USING (policy, n, passed) JOIN goal g USING (policy, n)
			WHERE a.policy = e.policy AND a.n = e.n AND f.source = a.pair AND g.pair = f.target)) AS longer_than_needed
FROM (SELECT policy, n, min(depth) AS depth FROM walk JOIN goal USING (policy, n, pair) GROUP BY 1, 2) s
	JOIN ends e USING (policy, n);
ROLLBACK;
