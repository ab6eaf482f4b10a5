\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS govcase CASCADE;
RESET client_min_messages;
\set QUIET off
\set ECHO all

CREATE SCHEMA verify_chain_test;
SET search_path = verify_chain_test;
SET timezone = 'UTC';

CREATE FUNCTION refusal(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	message text;
	detail text;
	hint text;
BEGIN
	EXECUTE statement;
	RETURN 'not refused';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
		hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(E'\n', SQLSTATE || ': ' || message, nullif(detail, ''), nullif(hint, ''));
END
$$;

-- What verify_chain finds after a statement that no trigger sees, which is then
-- undone: as the owner could do it.
CREATE FUNCTION found_after(statement text)
RETURNS TABLE (case_key text, seq bigint, problem text, detail text) LANGUAGE plpgsql AS $$
DECLARE
	found jsonb;
	of_each jsonb;
BEGIN
	BEGIN
		SET LOCAL session_replication_role = replica;
		EXECUTE statement;
		SELECT coalesce(jsonb_agg(to_jsonb(v)), '[]') INTO found
			FROM govcase.verify_chain('disputes') AS v;
		-- Case by case it must find the same.
		SELECT coalesce(jsonb_agg(to_jsonb(v) ORDER BY k.id), '[]') INTO of_each
			FROM (SELECT id FROM disputes UNION SELECT id FROM follow_ups) AS k,
				govcase.verify_chain('follow_ups', k.id) AS v;
		RAISE EXCEPTION USING ERRCODE = 'ZZ000';
	EXCEPTION WHEN SQLSTATE 'ZZ000' THEN
		NULL;
	END;
	IF found <> of_each THEN
		RAISE EXCEPTION 'all: %, each: %', found, of_each;
	END IF;
	RETURN QUERY SELECT * FROM jsonb_to_recordset(found)
		AS f(case_key text, seq bigint, problem text, detail text);
END
$$;

CREATE TABLE disputes (
	id integer PRIMARY KEY,
	state govcase.case_state NOT NULL,
	risk govcase.risk_level NOT NULL,
	responsible text,
	leader text,
	difficult boolean,
	reason text,
	open_work integer,
	reported_at date
);
\o /dev/null
SELECT govcase.create_follow_ups('disputes', 'follow_ups');
SELECT govcase.protect_cases('disputes', 'three_colour', follow_ups => 'follow_ups');
\o
SET govcase.actor = 'officer-7';
-- No case, no chain: nothing is wrong.
SELECT * FROM govcase.verify_chain('disputes');

INSERT INTO disputes (id, state, risk, responsible, leader)
VALUES (1, 'collected', 'yellow', 'a-1', 'a-2'), (2, 'collected', 'red', 'a-1', 'a-2'),
	(3, 'collected', 'yellow', 'a-1', 'a-2');
UPDATE disputes SET state = 'assigned' WHERE id IN (1, 2);
INSERT INTO follow_ups (id, kind, note, satisfied) VALUES
	(1, 'visit', '入户走访', NULL), (1, 'mediation', 'both sides came', true),
	(2, 'note', 'to be erased', NULL), (1, 'note', NULL, NULL);
UPDATE disputes SET state = 'handling' WHERE id IN (1, 2);
\o /dev/null
SELECT govcase.redact('disputes', 2, 3, 'erased');
\o
INSERT INTO follow_ups (id, kind, note) VALUES (2, 'visit', 'after the redaction');

-- A whole table, by the name of either of its two, and one case.
SELECT * FROM govcase.verify_chain('disputes');
SELECT * FROM govcase.verify_chain('follow_ups');
SELECT * FROM govcase.verify_chain('disputes', 2);
SELECT refusal($$SELECT * FROM govcase.verify_chain('disputes', 404)$$);
SELECT refusal($$SELECT * FROM govcase.verify_chain('disputes', NULL::integer)$$);
SELECT refusal($$SELECT * FROM govcase.verify_chain(NULL)$$);
SELECT left(refusal($$SELECT * FROM govcase.verify_chain('pg_class')$$), 5);

-- Every single byte of a stored link.  Each change of one is found, and laid to
-- that link alone; but for key and number, which make it another link.
CREATE FUNCTION changes(OUT id integer, OUT seq bigint, OUT column_name text, OUT value text)
RETURNS SETOF record LANGUAGE sql AS $$
	SELECT l.id, l.seq, c.column_name, c.value
	FROM follow_ups AS l CROSS JOIN LATERAL (
		-- integers and times: a bit of each byte
		SELECT n.column_name, format('(%s # (1::bigint << %s))%s', n.expression, 9 * place % 64, n.back)
		FROM (VALUES
				('seq', 'seq', '', 8), ('recorded_in', 'recorded_in', '', 8),
				('target_seq', 'target_seq', '', 8), ('id', 'id::bigint', '::integer', 3),
				('version', 'version::bigint', '::integer', 3)) AS n(column_name, expression, back, bytes),
			generate_series(0, n.bytes - 1) AS place
		UNION ALL
		SELECT t, format('%I %s interval ''1 microsecond'' * %s', t, sign, 1::bigint << (8 * place))
		FROM unnest(ARRAY['happened_at', 'recorded_at']) AS t, unnest(ARRAY['+', '-']) AS sign,
			generate_series(0, 6) AS place
		-- texts: each character, one more, one less
		UNION ALL
		SELECT t.column_name, format('overlay(%I placing %L from %s for %s)', t.column_name,
			CASE WHEN length(t.now) >= place AND substr(t.now, place, 1) = 'x' THEN 'y' ELSE 'x' END,
			place, width)
		FROM (VALUES ('kind', l.kind), ('actor', l.actor), ('db_user', l.db_user),
				('policy', l.policy), ('note', l.note)) AS t(column_name, now),
			generate_series(1, length(t.now) + 1) AS place, generate_series(0, 1) AS width
		WHERE width = 1 OR place > length(t.now)
		UNION ALL
		SELECT t, format('left(%I, -1)', t) FROM unnest(ARRAY['kind', 'actor', 'db_user', 'policy', 'note']) AS t
		-- bytes: a bit of each, one more, one less
		UNION ALL
		SELECT b.column_name, format('set_byte(%I, %s, get_byte(%1$I, %2$s) # %s)', b.column_name, place, 1 << (place % 8))
		FROM (VALUES ('salt', l.salt), ('note_digest', l.note_digest), ('prev_hash', l.prev_hash),
				('hash', l.hash)) AS b(column_name, now),
			generate_series(0, length(b.now) - 1) AS place
		UNION ALL
		SELECT b, format(f, b) FROM unnest(ARRAY['salt', 'note_digest', 'prev_hash', 'hash']) AS b,
			unnest(ARRAY['%I || ''\x00''', 'substr(%I, 2)']) AS f
		UNION ALL
		SELECT 'chain_set', format('overlay(chain_set::text placing %L from %s for 1)::uuid',
			CASE WHEN substr(l.chain_set::text, place, 1) = '0' THEN '1' ELSE '0' END, place)
		FROM generate_series(1, 36) AS place WHERE substr(l.chain_set::text, place, 1) <> '-'
		-- states, risks, booleans: each other value
		UNION ALL
		SELECT c, quote_literal(s) FROM unnest(ARRAY['from_state', 'to_state']) AS c,
			unnest(ARRAY['collected', 'assigned', 'handling', 'closed', 'voided']) AS s
		UNION ALL
		SELECT c, quote_literal(r) FROM unnest(ARRAY['from_risk', 'to_risk']) AS c,
			unnest(ARRAY['blue', 'yellow', 'orange', 'red']) AS r
		UNION ALL
		SELECT 'satisfied', b FROM unnest(ARRAY['true', 'false']) AS b
		-- nothing where something was, and something where nothing was
		UNION ALL
		SELECT c, 'NULL' FROM unnest(ARRAY['from_state', 'to_state', 'from_risk', 'to_risk', 'policy',
			'version', 'chain_set', 'target_seq', 'satisfied', 'note', 'salt', 'note_digest']) AS c
		UNION ALL
		VALUES ('policy', '''three_colour'''), ('policy', ''''''), ('version', '1'), ('version', '0'),
			('chain_set', '''00000000-0000-0000-0000-000000000000'''), ('target_seq', '0'), ('target_seq', '1'),
			('note', '''x'''), ('note', ''''''), ('salt', '''\x'''),
			('salt', '''\x00000000000000000000000000000000'''), ('note_digest', '''\x'''),
			('note_digest', '''\x0000000000000000000000000000000000000000000000000000000000000000''')
		) AS c(column_name, value)
	ORDER BY 1, 2, 3, 4
$$;
CREATE TABLE flips (column_name text, changed boolean, found boolean, that_link_alone boolean);
DO $$
DECLARE
	change record;
	blamed text[];
	really boolean;
BEGIN
	SET LOCAL session_replication_role = replica;
	FOR change IN SELECT * FROM changes() LOOP
		blamed := NULL;
		really := false;
		BEGIN
			EXECUTE format('UPDATE follow_ups SET %I = %s WHERE id = %s AND seq = %s AND %1$I::text IS DISTINCT FROM (%2$s)::text',
				change.column_name, change.value, change.id, change.seq);
			GET DIAGNOSTICS really = ROW_COUNT;
			IF really THEN
				SELECT array_agg(DISTINCT v.case_key || '/' || v.seq) INTO blamed
					FROM govcase.verify_chain('disputes') AS v;
			END IF;
			RAISE EXCEPTION USING ERRCODE = 'ZZ000';
		EXCEPTION
			WHEN SQLSTATE 'ZZ000' OR datetime_field_overflow OR unique_violation OR substring_error THEN
				NULL;
		END;
		IF really THEN
			INSERT INTO flips VALUES (change.column_name, really, blamed IS NOT NULL,
				coalesce(blamed = ARRAY[change.id || '/' || change.seq], false));
		END IF;
	END LOOP;
END
$$;
SELECT count(*) > 2500 AS many, bool_and(found) AS all_found FROM flips;
SELECT column_name, bool_and(found) AS all_found, bool_and(that_link_alone) AS that_link_alone
FROM flips GROUP BY column_name ORDER BY column_name COLLATE "C";
-- Nothing of it stayed.
SELECT * FROM govcase.verify_chain('disputes');

-- How it is told what is wrong: content, number, tie to the link before.
SELECT * FROM found_after($$UPDATE follow_ups SET actor = 'somebody' WHERE id = 1 AND seq = 3$$);
SELECT * FROM found_after($$UPDATE follow_ups SET hash = sha256('') WHERE id = 1 AND seq = 3$$);
SELECT * FROM found_after($$UPDATE follow_ups SET prev_hash = sha256('') WHERE id = 1 AND seq = 3$$);
SELECT * FROM found_after($$UPDATE follow_ups SET prev_hash = sha256('') WHERE id = 1 AND seq = 1$$);
SELECT * FROM found_after($$DELETE FROM follow_ups WHERE id = 1 AND seq = 3$$);
SELECT * FROM found_after($$DELETE FROM follow_ups WHERE id = 1 AND seq IN (2, 3)$$);
SELECT * FROM found_after($$DELETE FROM follow_ups WHERE id = 1 AND seq = 1$$);
-- Two links that change places.
SELECT * FROM found_after($$UPDATE follow_ups SET seq = -seq WHERE id = 1 AND seq IN (3, 4);
	UPDATE follow_ups SET seq = seq + 7 WHERE id = 1 AND seq < 0$$);
-- The same link twice, which the primary key would not take.
SELECT * FROM found_after($$ALTER TABLE follow_ups DROP CONSTRAINT follow_ups_pkey;
	INSERT INTO follow_ups SELECT * FROM follow_ups WHERE id = 1 AND seq = 3$$);
-- A link that moves to another case, and a whole chain that does.
SELECT * FROM found_after($$UPDATE follow_ups SET id = 3, seq = 2 WHERE id = 1 AND seq = 6$$);
SELECT * FROM found_after($$DELETE FROM follow_ups WHERE id = 3;
	UPDATE follow_ups SET id = 3 WHERE id = 1; DELETE FROM disputes WHERE id = 1;
	UPDATE disputes SET state = 'handling' WHERE id = 3$$);
-- What no link looks like.
SELECT * FROM found_after($$UPDATE follow_ups SET kind = 'telephone' WHERE id = 1 AND seq = 3$$);
SELECT * FROM found_after($$UPDATE follow_ups SET to_state = 'closed' WHERE id = 1 AND seq = 3$$);
SELECT * FROM found_after($$UPDATE follow_ups SET hash = '\x00' WHERE id = 1 AND seq = 3$$);
SELECT * FROM found_after($$ALTER TABLE follow_ups ALTER COLUMN actor DROP NOT NULL;
	UPDATE follow_ups SET actor = NULL WHERE id = 1 AND seq = 3$$);
-- Notes: changed, gone without a redaction, put where there was none, back after one.
SELECT * FROM found_after($$UPDATE follow_ups SET note = 'nobody came' WHERE id = 1 AND seq = 4$$);
SELECT * FROM found_after($$UPDATE follow_ups SET note = NULL, salt = NULL WHERE id = 1 AND seq = 4$$);
SELECT * FROM found_after($$UPDATE follow_ups SET note = NULL WHERE id = 1 AND seq = 4$$);
SELECT * FROM found_after($$UPDATE follow_ups SET note = 'made up' WHERE id = 1 AND seq = 1$$);
SELECT * FROM found_after($$UPDATE follow_ups SET note = 'to be erased' WHERE id = 2 AND seq = 3$$);
-- The redaction covers link 3 alone, not what came after it.
SELECT * FROM found_after($$UPDATE follow_ups SET note = NULL, salt = NULL WHERE id = 2 AND seq = 6$$);
-- Row and chain: a state changed behind the chain's back, a risk, a case without
-- a chain, a chain without its case.
SELECT * FROM found_after($$UPDATE disputes SET state = 'closed' WHERE id = 1$$);
SELECT * FROM found_after($$UPDATE disputes SET risk = 'blue' WHERE id = 1$$);
SELECT * FROM found_after($$UPDATE disputes SET risk = 'blue', state = 'closed' WHERE id = 3$$);
SELECT * FROM found_after($$INSERT INTO disputes (id, state, risk) VALUES (4, 'collected', 'red')$$);
SELECT * FROM found_after($$DELETE FROM disputes WHERE id IN (1, 3)$$);
SELECT * FROM found_after($$DELETE FROM follow_ups WHERE id = 1$$);
-- The last transition gone: the row knows better.
SELECT * FROM found_after($$DELETE FROM follow_ups WHERE id = 1 AND seq >= 6$$);
-- Stated in the README: of later links of other kinds that are gone, the table
-- alone knows nothing.
SELECT * FROM found_after($$DELETE FROM follow_ups WHERE id = 2 AND seq = 6$$);

-- A chain that was registered under one protection and put under another's.
CREATE TABLE others (LIKE disputes INCLUDING ALL);
\o /dev/null
SELECT govcase.create_follow_ups('others', 'other_links');
SELECT govcase.protect_cases('others', 'three_colour', follow_ups => 'other_links');
\o
SET session_replication_role = replica;
INSERT INTO others SELECT * FROM disputes WHERE id = 3;
INSERT INTO other_links SELECT * FROM follow_ups WHERE id = 3;
RESET session_replication_role;
SELECT * FROM govcase.verify_chain('others');

-- In parallel it finds the same as alone.
INSERT INTO disputes (id, state, risk, responsible, leader)
SELECT n, 'collected', 'yellow', 'a-1', 'a-2' FROM generate_series(101, 600) AS n;
INSERT INTO follow_ups (id, kind, note)
SELECT 101 + n % 500, 'visit', 'number ' || n FROM generate_series(1, 2500) AS n;
ANALYZE disputes;
ANALYZE follow_ups;
SELECT * FROM govcase.verify_chain('disputes');
SET session_replication_role = replica;
UPDATE follow_ups SET note = 'changed' WHERE id IN (111, 555) AND seq = 3;
DELETE FROM follow_ups WHERE id = 200 AND seq = 4;
RESET session_replication_role;
SET max_parallel_workers_per_gather = 0;
SELECT * FROM govcase.verify_chain('disputes');
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET enable_indexscan = off;
SET enable_sort = off;
SELECT * FROM govcase.verify_chain('disputes');
SELECT * FROM found_after($$UPDATE follow_ups SET actor = 'nobody' WHERE id = 1 AND seq = 2$$);
CREATE FUNCTION plan_of(query text) RETURNS SETOF text LANGUAGE plpgsql AS
$$ BEGIN RETURN QUERY EXECUTE 'EXPLAIN (COSTS OFF) ' || query; END $$;
SELECT count(*) > 0 AS runs_in_parallel FROM plan_of($$
	SELECT id, govcase.chain_summary(id, seq, happened_at, recorded_at, recorded_in, kind, actor, db_user,
		from_state, to_state, from_risk, to_risk, policy, version, chain_set, target_seq, satisfied,
		note, salt, note_digest, prev_hash, hash) FROM follow_ups GROUP BY id$$) AS p(line)
WHERE line LIKE '%Partial%Aggregate%';
SELECT count(*) > 0 AS runs_in_parallel FROM plan_of($$
	SELECT govcase.sound_links('disputes', state, risk, id) FROM disputes$$) AS p(line)
WHERE line LIKE '%Partial%Aggregate%';
SELECT govcase.sound_links('disputes', state, risk, id)
	= (SELECT count(*) FROM follow_ups WHERE id NOT IN (111, 200, 555)) AS all_links FROM disputes
WHERE id NOT IN (111, 200, 555);
RESET enable_sort;
RESET enable_indexscan;
RESET min_parallel_table_scan_size;
RESET parallel_tuple_cost;
RESET parallel_setup_cost;
RESET max_parallel_workers_per_gather;

-- The aggregate takes the columns of a link and nothing else.
SELECT refusal($$SELECT govcase.chain_summary(1, 2)$$);
SELECT refusal($$SELECT govcase.chain_summary(VARIADIC ARRAY[1, 2, 3])$$);
SELECT refusal($$SELECT govcase.chain_summary(1.5, seq, happened_at, recorded_at, recorded_in, kind, actor, db_user,
	from_state, to_state, from_risk, to_risk, policy, version, chain_set, target_seq, satisfied,
	note, salt, note_digest, prev_hash, hash) FROM follow_ups$$);
SELECT refusal($$SELECT govcase.chain_summary(id, id, happened_at, recorded_at, recorded_in, kind, actor, db_user,
	from_state, to_state, from_risk, to_risk, policy, version, chain_set, target_seq, satisfied,
	note, salt, note_digest, prev_hash, hash) FROM follow_ups$$);
SELECT govcase.chain_summary(id, seq, happened_at, recorded_at, recorded_in, kind, actor, db_user,
	from_state, to_state, from_risk, to_risk, policy, version, chain_set, target_seq, satisfied,
	note, salt, note_digest, prev_hash, hash) IS NULL AS of_no_rows FROM follow_ups WHERE false;
SELECT govcase.chain_is_sound(NULL, '00000000-0000-0000-0000-000000000000', 'closed', 'blue');
SELECT refusal($$SELECT govcase.chain_is_sound('\x00', '00000000-0000-0000-0000-000000000000', 'closed', 'blue')$$);

-- So does the other, which reads chains by their index.
SELECT govcase.sound_links('disputes', state, risk, id)
	= (SELECT count(*) FROM follow_ups WHERE id NOT IN (111, 200, 555)) AS all_links FROM disputes
WHERE id NOT IN (111, 200, 555);
SELECT govcase.sound_links('follow_ups', state, NULL, id)
	= (SELECT count(*) FROM follow_ups WHERE id NOT IN (111, 200, 555)) AS all_links FROM disputes
WHERE id NOT IN (111, 200, 555);
SELECT govcase.sound_links('disputes', 'transferred', risk, id) AS another_state FROM disputes WHERE id = 1;
SELECT govcase.sound_links('disputes', NULL, risk, id) AS no_state FROM disputes WHERE id = 1;
SELECT govcase.sound_links('disputes', state, risk, -id) AS no_chain FROM disputes WHERE id = 1;
SELECT govcase.sound_links('disputes', state, risk, id) AS of_no_rows FROM disputes WHERE false;
SELECT govcase.sound_links('disputes', state, risk, id) AS one_is_broken FROM disputes;
-- One chain a group, and again for each row of another query.
SET enable_hashagg = off;
SELECT count(*) FILTER (WHERE links = of_case) AS sound, count(*) FILTER (WHERE links = -1) AS broken
FROM (SELECT id, govcase.sound_links('disputes', state, risk, id) AS links FROM disputes GROUP BY id) AS s
	JOIN (SELECT id, count(*) AS of_case FROM follow_ups GROUP BY id) AS c USING (id);
RESET enable_hashagg;
SELECT n, (SELECT govcase.sound_links('disputes', state, risk, id) FROM disputes WHERE id <= n) AS links,
	(SELECT count(*) FROM follow_ups WHERE id <= n) AS of_cases
FROM generate_series(1, 3) AS n;
SELECT refusal($$SELECT govcase.sound_links('disputes', state, risk, id, id) FROM disputes$$);
SELECT refusal($$SELECT govcase.sound_links('disputes', state, risk, id::text) FROM disputes$$);
SELECT refusal($$SELECT govcase.sound_links('disputes', state, risk, VARIADIC ARRAY[id]) FROM disputes$$);
SELECT refusal($$SELECT govcase.sound_links('pg_class', state, risk, id) FROM disputes$$);
SELECT refusal($$SELECT govcase.sound_links(NULL, state, risk, id) FROM disputes$$);
SELECT refusal($$SELECT govcase.sound_links_add(0, 'disputes', state, risk, id) FROM disputes$$);

-- export_chain: the bytes hash to the hashes, link by link.
SELECT place, split_part(line, ' ', 1) AS what, split_part(line, ' ', 2) AS seq
FROM govcase.export_chain('disputes', 2)
WHERE line !~ '^genesis' ORDER BY place;
SELECT count(*) AS links,
	bool_and(sha256(decode(split_part(line, ' ', 3), 'hex')) = decode(split_part(line, ' ', 4), 'hex')) AS hash,
	bool_and(decode(split_part(line, ' ', 4), 'hex') = l.hash) AS as_stored
FROM govcase.export_chain('follow_ups', 1) AS e
	JOIN follow_ups AS l ON l.id = 1 AND split_part(line, ' ', 2) = l.seq::text
WHERE line LIKE 'link %';
SELECT sha256(decode(split_part(line, ' ', 2), 'hex')) = l.prev_hash AS genesis
FROM govcase.export_chain('follow_ups', 1), follow_ups AS l
WHERE line LIKE 'genesis %' AND l.id = 1 AND l.seq = 1;
SELECT convert_from(decode(split_part(line, ' ', 4), 'hex'), 'UTF8') AS note
FROM govcase.export_chain('follow_ups', 1) WHERE line LIKE 'note %' ORDER BY place;
SELECT refusal($$SELECT govcase.export_chain('disputes', 4040)$$);
SELECT left(refusal($$SELECT govcase.export_chain('pg_class', 1)$$), 5);

-- Only the owner is sure to see every row; row security hides nothing from it.
CREATE ROLE govcase_reader;
CREATE ROLE govcase_owner;
GRANT USAGE, CREATE ON SCHEMA verify_chain_test TO govcase_reader, govcase_owner;
GRANT SELECT ON disputes, follow_ups TO govcase_reader;
SET ROLE govcase_reader;
SELECT refusal($$SELECT * FROM govcase.verify_chain('disputes')$$);
SELECT refusal($$SELECT * FROM govcase.verify_chain('disputes', 1)$$);
SELECT refusal($$SELECT * FROM govcase.export_chain('disputes', 1)$$);
SELECT refusal($$SELECT govcase.sound_links('disputes', state, risk, id) FROM disputes$$);
RESET ROLE;
ALTER TABLE disputes OWNER TO govcase_owner;
ALTER TABLE follow_ups OWNER TO govcase_owner;
ALTER TABLE follow_ups ENABLE ROW LEVEL SECURITY;
ALTER TABLE follow_ups FORCE ROW LEVEL SECURITY;
ALTER TABLE disputes ENABLE ROW LEVEL SECURITY;
ALTER TABLE disputes FORCE ROW LEVEL SECURITY;
SET ROLE govcase_owner;
SELECT count(*) FROM follow_ups;
SELECT * FROM govcase.verify_chain('disputes');
SELECT count(*) FROM govcase.export_chain('disputes', 1);
RESET ROLE;

\set QUIET on
SET client_min_messages = warning;
DROP SCHEMA verify_chain_test CASCADE;
DROP ROLE govcase_reader;
DROP ROLE govcase_owner;
