\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS govcase CASCADE;
RESET client_min_messages;
\set QUIET off
\set ECHO all

CREATE SCHEMA follow_up_test;
SET search_path = follow_up_test;
SET timezone = 'UTC';

-- What a statement is refused with: SQLSTATE, message, detail and hint.
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

-- The bytes of a field in plain SQL, by the layout that the README gives.
CREATE FUNCTION field(value bytea) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN value IS NULL THEN '\x00'::bytea
		ELSE '\x01'::bytea || int4send(length(value)) || value END
$$;
CREATE FUNCTION field(value text) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
	SELECT field(convert_to(value, 'UTF8'))
$$;
CREATE FUNCTION field(value bigint) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
	SELECT field(int8send(value))
$$;
CREATE FUNCTION field(value boolean) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
	SELECT field(CASE WHEN value THEN '\x01'::bytea WHEN NOT value THEN '\x00'::bytea END)
$$;
CREATE FUNCTION field(value timestamptz) RETURNS bytea LANGUAGE sql STABLE AS $$
	SELECT field((extract(epoch FROM value - timestamptz '2000-01-01 00:00:00+00')::numeric
		* 1000000)::bigint)
$$;
CREATE FUNCTION key_field(value bigint) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
	SELECT field('int'::text) || field(value)
$$;
CREATE FUNCTION key_field(value text) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
	SELECT field('text'::text) || field(value)
$$;
CREATE FUNCTION key_field(value uuid) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
	SELECT field('uuid'::text) || field(decode(replace(value::text, '-', ''), 'hex'))
$$;
CREATE FUNCTION key_field(value date) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
	SELECT field('date'::text) || field((value - date '2000-01-01')::bigint)
$$;

-- Links of a table whose hashes are not those that plain SQL computes from what
-- they say, or that do not follow each other; and how many there are.
CREATE FUNCTION recompute(links regclass, key_columns text[])
RETURNS TABLE (links_checked bigint, notes_checked bigint, wrong bigint) LANGUAGE plpgsql AS $$
DECLARE
	key_bytes text := (SELECT string_agg(format('key_field(%I)', k), ' || ' ORDER BY n)
		FROM unnest(key_columns) WITH ORDINALITY AS u(k, n));
	key_list text := (SELECT string_agg(format('%I', k), ', ' ORDER BY n)
		FROM unnest(key_columns) WITH ORDINALITY AS u(k, n));
BEGIN
	RETURN QUERY EXECUTE format($query$
		SELECT count(*), count(note),
			count(*) FILTER (WHERE hash IS DISTINCT FROM right_hash
				OR prev_hash IS DISTINCT FROM right_previous
				OR note_digest IS DISTINCT FROM right_digest
				OR seq IS DISTINCT FROM right_seq)
		FROM (
			SELECT l.*,
				sha256('\x00'::bytea || field(prev_hash) || %1$s || field(seq)
					|| field(happened_at) || field(recorded_at) || field(recorded_in)
					|| field(kind) || field(actor) || field(db_user)
					|| field(from_state::text) || field(to_state::text)
					|| field(from_risk::text) || field(to_risk::text)
					|| field(policy) || field(version::bigint)
					|| field(decode(replace(chain_set::text, '-', ''), 'hex'))
					|| field(target_seq) || field(satisfied) || field(note_digest)) AS right_hash,
				coalesce(lag(hash) OVER chain,
					sha256('\x02'::bytea
						|| field(decode(replace(chain_set::text, '-', ''), 'hex'))
						|| %1$s)) AS right_previous,
				CASE WHEN note IS NULL THEN note_digest
					ELSE sha256('\x03'::bytea || field(salt) || field(note)) END AS right_digest,
				row_number() OVER chain AS right_seq
			FROM %3$s AS l
			WINDOW chain AS (PARTITION BY %2$s ORDER BY seq)) AS r
		$query$, key_bytes, key_list, links);
END
$$;

-- A city's table, and the chain that create_follow_ups makes beside it.
CREATE TABLE disputes (
	id integer PRIMARY KEY,
	state govcase.case_state NOT NULL,
	risk govcase.risk_level NOT NULL,
	responsible text,
	leader text,
	difficult boolean,
	reason text,
	open_work integer,
	reported_at timestamptz
);
SELECT govcase.create_follow_ups('disputes', 'follow_ups');
SELECT attname, format_type(atttypid, atttypmod), attnotnull,
	col_description(attrelid, attnum) IS NOT NULL AS described
FROM pg_attribute WHERE attrelid = 'follow_ups'::regclass AND attnum > 0 ORDER BY attnum;
SELECT pg_get_constraintdef(oid) FROM pg_constraint
WHERE conrelid = 'follow_ups'::regclass AND contype = 'p';
SELECT obj_description('follow_ups'::regclass);

-- It is made once, beside an ordinary table with a key of the right types.
SELECT refusal($$SELECT govcase.create_follow_ups('disputes', 'follow_ups')$$);
CREATE TABLE keyless (id integer, code numeric);
SELECT refusal($$SELECT govcase.create_follow_ups('keyless', 'keyless_links')$$);
SELECT refusal($$SELECT govcase.create_follow_ups('keyless', 'keyless_links', '{code}')$$);
SELECT refusal($$SELECT govcase.create_follow_ups('keyless', 'keyless_links', '{nosuch}')$$);
SELECT refusal($$SELECT govcase.create_follow_ups('keyless', 'keyless_links', '{}')$$);
SELECT refusal($$SELECT govcase.create_follow_ups('keyless', NULL)$$);
SELECT govcase.create_follow_ups('keyless', 'keyless_links', '{id}');
CREATE VIEW disputes_view AS SELECT * FROM disputes;
SELECT refusal($$SELECT govcase.create_follow_ups('disputes_view', 'view_links')$$);
-- A key column that bears the name of a link's column gives way.
CREATE TABLE awkward ("kind" text, "数" date, "a ""b" uuid, PRIMARY KEY ("数", "kind", "a ""b"));
SELECT govcase.create_follow_ups('awkward', '跟进');
SELECT pg_get_constraintdef(oid) FROM pg_constraint
WHERE conrelid = '跟进'::regclass AND contype = 'p';
DROP TABLE keyless, keyless_links, awkward, 跟进;
DROP VIEW disputes_view;

\o /dev/null
SELECT govcase.protect_cases('disputes', 'three_colour', follow_ups => 'follow_ups');
\o

-- A registration, links of all kinds that a user may write, and a transition.
SET govcase.actor = 'officer-7';
INSERT INTO disputes (id, state, risk, responsible, leader, reported_at)
VALUES (1, 'collected', 'yellow', 'a-1', 'a-2', '2024-03-01 08:00+00');
INSERT INTO follow_ups (id, kind, note) VALUES
	(1, 'mediation', 'both sides came'), (1, 'visit', '入户走访'), (1, 'conference', NULL),
	(1, 'supervision', ''), (1, 'feedback', NULL), (1, 'assessment', NULL),
	(1, 'look_back', NULL), (1, 'approval', NULL), (1, 'note', NULL);
INSERT INTO follow_ups (id, kind, satisfied, actor) VALUES (1, 'look_back', false, 'officer-8');
UPDATE disputes SET state = 'assigned' WHERE id = 1;
SELECT seq, kind, actor, db_user = session_user AS by_session_user, from_state, to_state,
	from_risk, to_risk, policy, version IS NOT NULL AS has_version,
	chain_set IS NOT NULL AS has_chain_set, satisfied, note, length(salt) AS salt,
	length(note_digest) AS digest, length(prev_hash) AS prev, length(hash) AS hash
FROM follow_ups WHERE id = 1 ORDER BY seq;
-- Times: recorded by the clock, happened when recorded unless said otherwise.
SELECT bool_and(happened_at = recorded_at) AS by_default,
	bool_and(recorded_at BETWEEN now() - interval '1 hour' AND clock_timestamp()) AS by_the_clock,
	bool_and(recorded_at >= previous) AS in_order
FROM (SELECT *, lag(recorded_at, 1, recorded_at) OVER (ORDER BY seq) AS previous
	FROM follow_ups WHERE id = 1) AS l;
-- Each of the four statements was a transaction.
SELECT count(DISTINCT recorded_in) FROM follow_ups WHERE id = 1;
SELECT * FROM recompute('follow_ups', '{id}');

-- The actor is the setting's, the caller's, or else the database user's.
RESET govcase.actor;
INSERT INTO follow_ups (id, kind) VALUES (1, 'note')
RETURNING seq, actor = current_user AS is_user;
SELECT refusal($$INSERT INTO follow_ups (id, kind, actor) VALUES (1, 'note', '')$$);

-- What govcase fills is not the caller's to give ...
SELECT column_name, refusal(format(
	'INSERT INTO follow_ups (id, kind, %I) VALUES (1, %L, %s)', column_name, 'visit', value))
FROM (VALUES
	(1, 'seq', '99'), (2, 'recorded_at', 'now()'), (3, 'recorded_in', '1'),
	(4, 'db_user', '''somebody'''), (5, 'salt', '''\x00'''), (6, 'note_digest', '''\x00'''),
	(7, 'prev_hash', '''\x00'''), (8, 'hash', '''\x00'''), (9, 'from_state', '''closed'''),
	(10, 'to_state', '''closed'''), (11, 'from_risk', '''red'''), (12, 'to_risk', '''red'''),
	(13, 'policy', '''mine'''), (14, 'version', '1'),
	(15, 'chain_set', '''00000000-0000-0000-0000-000000000000'''), (16, 'target_seq', '1'))
	AS v(n, column_name, value)
ORDER BY n;
-- ... unless it is what comes anyway, and explicit nulls are nothing given.
INSERT INTO follow_ups (id, kind, seq, db_user, hash, policy)
VALUES (1, 'note', 14, session_user, NULL, NULL) RETURNING seq;

-- Kinds: some are govcase's own, others there are not.
SELECT refusal(format('INSERT INTO follow_ups (id, kind) VALUES (1, %L)', kind))
FROM unnest(ARRAY['registered', 'transition', 'redaction', 'Visit', 'telephone', '', NULL]) AS kind;

-- Keys: of a case that exists.
SELECT refusal($$INSERT INTO follow_ups (id, kind) VALUES (404, 'visit')$$);
SELECT refusal($$INSERT INTO follow_ups (kind) VALUES ('visit')$$);

-- Times: not before the report, nor in the future beyond what clocks differ by.
INSERT INTO follow_ups (id, kind, happened_at) VALUES (1, 'visit', '2024-03-01 08:00+00')
RETURNING happened_at, recorded_at > happened_at AS recorded_later;
SELECT refusal($$INSERT INTO follow_ups (id, kind, happened_at)
	VALUES (1, 'visit', '2024-03-01 07:59:59.999999+00')$$);
SELECT refusal($$INSERT INTO follow_ups (id, kind, happened_at)
	VALUES (1, 'visit', '-infinity')$$);
SELECT refusal($$INSERT INTO follow_ups (id, kind, happened_at)
	VALUES (1, 'visit', 'infinity')$$);
INSERT INTO follow_ups (id, kind, happened_at)
VALUES (1, 'visit', clock_timestamp() + interval '4 minutes 50 seconds') RETURNING seq;
SELECT split_part(refusal($$INSERT INTO follow_ups (id, kind, happened_at)
	VALUES (1, 'visit', clock_timestamp() + interval '5 minutes 10 seconds')$$), E'\n', 1);
-- A case without a time of report takes any past.
INSERT INTO disputes (id, state, risk, responsible, leader)
VALUES (2, 'collected', 'yellow', 'a-1', 'a-2');
INSERT INTO follow_ups (id, kind, happened_at) VALUES (2, 'visit', '1999-12-31 23:59:59.5+00')
RETURNING seq;
SELECT refusal($$INSERT INTO follow_ups (id, kind, happened_at) VALUES (2, 'visit', '-infinity')$$);
-- A report from a clock that runs ahead holds no one up who leaves the time to the clock.
INSERT INTO disputes (id, state, risk, responsible, leader, reported_at)
VALUES (3, 'collected', 'yellow', 'a-1', 'a-2', clock_timestamp() + interval '3 minutes');
SELECT l.seq, l.happened_at = d.reported_at AS with_the_report
FROM follow_ups l JOIN disputes d USING (id) WHERE id = 3;
SELECT split_part(refusal($$INSERT INTO disputes (id, state, risk, responsible, leader, reported_at)
	VALUES (4, 'collected', 'yellow', 'a-1', 'a-2', clock_timestamp() + interval '3 days')$$), E'\n', 1);

-- An officer enters yesterday's decision: for registrations and transitions alone.
BEGIN;
SET LOCAL govcase.happened_at = '2024-03-02 09:30+08';
INSERT INTO disputes (id, state, risk, responsible, leader, reported_at)
VALUES (5, 'collected', 'yellow', 'a-1', 'a-2', '2024-03-01');
UPDATE disputes SET state = 'assigned' WHERE id = 5;
INSERT INTO follow_ups (id, kind) VALUES (5, 'note');
SELECT seq, kind, happened_at = '2024-03-02 01:30+00' AS as_entered FROM follow_ups WHERE id = 5 ORDER BY seq;
COMMIT;
SET govcase.happened_at = 'the day before';
SELECT refusal($$UPDATE disputes SET state = 'handling' WHERE id = 5$$);
SET govcase.happened_at = '2024-02-29 23:59:59+00';
SELECT refusal($$UPDATE disputes SET state = 'handling' WHERE id = 5$$);
SET govcase.happened_at = 'infinity';
SELECT refusal($$UPDATE disputes SET state = 'handling' WHERE id = 5$$);
RESET govcase.happened_at;

-- A case and its first link in one statement: the registration comes first.
WITH new_case AS (
	INSERT INTO disputes (id, state, risk, responsible, leader)
	VALUES (6, 'collected', 'red', 'a-1', 'a-2') RETURNING id)
INSERT INTO follow_ups (id, kind) SELECT id, 'visit' FROM new_case;
SELECT seq, kind, to_state, to_risk FROM follow_ups WHERE id = 6 ORDER BY seq;
-- A case that came while the triggers were off has no chain to append to.
BEGIN;
SET LOCAL session_replication_role = replica;
INSERT INTO disputes (id, state, risk) VALUES (7, 'collected', 'red');
COMMIT;
SELECT refusal($$INSERT INTO follow_ups (id, kind) VALUES (7, 'visit')$$);
DELETE FROM disputes WHERE false;
BEGIN;
SET LOCAL session_replication_role = replica;
DELETE FROM disputes WHERE id = 7;
COMMIT;

-- Many rows at once, INSERT … SELECT, COPY, a savepoint: numbers have no gap.
INSERT INTO disputes (id, state, risk, responsible, leader)
SELECT n, 'collected', 'yellow', 'a-1', 'a-2' FROM generate_series(10, 12) AS n;
INSERT INTO follow_ups (id, kind)
SELECT 10 + n % 3, 'visit' FROM generate_series(1, 30) AS n;
COPY follow_ups (id, kind, note) FROM stdin;
10	visit	by COPY
11	note	\N
10	mediation	again
\.
BEGIN;
INSERT INTO follow_ups (id, kind) VALUES (12, 'note');
SAVEPOINT here;
INSERT INTO follow_ups (id, kind) VALUES (12, 'visit'), (12, 'visit');
ROLLBACK TO here;
INSERT INTO follow_ups (id, kind) VALUES (12, 'mediation');
COMMIT;
SELECT id, count(*), max(seq), count(DISTINCT seq) FROM follow_ups WHERE id >= 10 GROUP BY id ORDER BY id;
-- A phone that sends twice: what ON CONFLICT discards takes no number.
ALTER TABLE follow_ups ADD COLUMN upload uuid UNIQUE;
INSERT INTO follow_ups (id, kind, upload) VALUES
	(12, 'visit', '11111111-1111-1111-1111-111111111111'),
	(12, 'visit', '11111111-1111-1111-1111-111111111111'),
	(12, 'visit', '22222222-2222-2222-2222-222222222222')
ON CONFLICT (upload) DO NOTHING RETURNING seq;
SELECT * FROM recompute('follow_ups', '{id}');

-- Append-only, whoever tries, and by whatever statement.
SELECT refusal($$UPDATE follow_ups SET kind = 'mediation', note = 'x' WHERE id = 1 AND seq = 3$$);
SELECT refusal($$UPDATE follow_ups SET note = note WHERE id = 1 AND seq = 3$$);
SELECT refusal($$UPDATE follow_ups SET note = NULL, salt = NULL WHERE id = 1 AND seq = 3$$);
SELECT refusal($$UPDATE follow_ups SET upload = NULL WHERE id = 12 AND upload IS NOT NULL$$);
SELECT refusal($$DELETE FROM follow_ups WHERE id = 1 AND seq = 3$$);
SELECT refusal($$TRUNCATE follow_ups$$);
SELECT refusal($$INSERT INTO follow_ups (id, kind, upload)
	VALUES (12, 'visit', '11111111-1111-1111-1111-111111111111')
	ON CONFLICT (upload) DO UPDATE SET kind = 'note'$$);

-- The triggers are of use as what they are alone.
CREATE TABLE elsewhere (id integer);
CREATE TRIGGER wrong AFTER INSERT ON elsewhere FOR EACH ROW EXECUTE FUNCTION govcase.append_link();
SELECT refusal($$INSERT INTO elsewhere VALUES (1)$$);
DROP TRIGGER wrong ON elsewhere;
CREATE TRIGGER wrong BEFORE INSERT ON elsewhere FOR EACH STATEMENT EXECUTE FUNCTION govcase.append_link();
SELECT refusal($$INSERT INTO elsewhere VALUES (1)$$);
DROP TRIGGER wrong ON elsewhere;
CREATE TRIGGER wrong BEFORE INSERT ON elsewhere FOR EACH ROW EXECUTE FUNCTION govcase.keep_link();
SELECT refusal($$INSERT INTO elsewhere VALUES (1)$$);
DROP TRIGGER wrong ON elsewhere;
CREATE TRIGGER wrong AFTER UPDATE ON elsewhere FOR EACH ROW EXECUTE FUNCTION govcase.keep_link();
INSERT INTO elsewhere VALUES (1);
SELECT refusal($$UPDATE elsewhere SET id = 2$$);
DROP TRIGGER wrong ON elsewhere;
-- On a table that is no follow-up table they act for nobody.
CREATE TRIGGER wrong BEFORE INSERT ON elsewhere FOR EACH ROW EXECUTE FUNCTION govcase.append_link();
SELECT left(refusal($$INSERT INTO elsewhere VALUES (1)$$), 5);
DROP TABLE elsewhere;

-- A user's trigger may complete a link before govcase does ...
CREATE FUNCTION complete_note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.kind = 'visit' AND NEW.note IS NULL THEN
		NEW.note := 'no note was taken';
	END IF;
	RETURN NEW;
END
$$;
CREATE TRIGGER complete_note BEFORE INSERT ON follow_ups
FOR EACH ROW EXECUTE FUNCTION complete_note();
INSERT INTO follow_ups (id, kind) VALUES (2, 'visit') RETURNING seq, note;
-- ... but not after, when the link is hashed.
ALTER TRIGGER complete_note ON follow_ups RENAME TO zzz_complete_note;
SELECT refusal($$INSERT INTO follow_ups (id, kind) VALUES (2, 'visit')$$);
SELECT refusal($$UPDATE disputes SET state = 'assigned' WHERE id = 2$$);
-- One that is off, or that fires on something else, does no harm.
ALTER TABLE follow_ups DISABLE TRIGGER zzz_complete_note;
INSERT INTO follow_ups (id, kind) VALUES (2, 'visit') RETURNING seq, note;
DROP TRIGGER zzz_complete_note ON follow_ups;
CREATE TRIGGER zzz_complete_note BEFORE INSERT ON follow_ups
FOR EACH STATEMENT EXECUTE FUNCTION complete_note();
INSERT INTO follow_ups (id, kind) VALUES (2, 'visit') RETURNING seq;
DROP TRIGGER zzz_complete_note ON follow_ups;
-- One that swallows links can swallow a user's, and no transition's.
CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER swallow BEFORE INSERT ON follow_ups FOR EACH ROW EXECUTE FUNCTION swallow();
INSERT INTO follow_ups (id, kind) VALUES (2, 'visit');
SELECT refusal($$UPDATE disputes SET state = 'assigned' WHERE id = 2$$);
SELECT state FROM disputes WHERE id = 2;
DROP TRIGGER swallow ON follow_ups;
-- One that appends a transition itself while govcase writes one gets no further.
CREATE FUNCTION intrude() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.kind = 'transition' AND pg_trigger_depth() < 3 THEN
		INSERT INTO follow_ups (id, kind) VALUES (NEW.id, 'transition');
	END IF;
	RETURN NEW;
END
$$;
CREATE TRIGGER intrude BEFORE INSERT ON follow_ups FOR EACH ROW EXECUTE FUNCTION intrude();
SELECT refusal($$UPDATE disputes SET state = 'assigned' WHERE id = 2$$);
SELECT count(*) FROM follow_ups WHERE id = 2 AND kind = 'transition';
DROP TRIGGER intrude ON follow_ups;

-- redact: the note goes, and the chain says so.
SELECT govcase.redact('follow_ups', 1, 3, '按当事人要求');
SELECT seq, kind, target_seq, note, salt IS NULL AS no_salt, note_digest IS NOT NULL AS digest
FROM follow_ups WHERE id = 1 AND (seq = 3 OR kind = 'redaction') ORDER BY seq;
SELECT refusal($$SELECT govcase.redact('follow_ups', 1, 3, 'again')$$);
SELECT refusal($$SELECT govcase.redact('follow_ups', 1, 99, 'no such link')$$);
SELECT refusal($$SELECT govcase.redact('follow_ups', 1, 0, 'no such link')$$);
SELECT refusal($$SELECT govcase.redact('follow_ups', 404, 1, 'no such case')$$);
SELECT refusal($$SELECT govcase.redact('follow_ups', 1, 2, NULL)$$);
SELECT refusal($$SELECT govcase.redact('follow_ups', 1, 2, '')$$);
SELECT refusal($$SELECT govcase.redact('follow_ups', NULL::int, 2, 'no key')$$);
SELECT refusal($$SELECT govcase.redact('follow_ups', 'one', 2, 'no key')$$);
SELECT refusal($$SELECT govcase.redact(NULL, 1, 2, 'no table')$$);
SELECT left(refusal($$SELECT govcase.redact('pg_class', 1, 2, 'not protected')$$), 5);
-- All notes of a case so far, by the name of either table; what has none stays as it is.
SELECT govcase.redact('disputes', 1, NULL, 'case is void');
SELECT count(note), min(note), count(note_digest) FROM follow_ups WHERE id = 1;
SELECT govcase.redact('disputes', 3, NULL, 'nothing there');
SELECT count(*) FROM follow_ups WHERE id = 3;
-- Erased notes leave a column that govcase does not know alone.
SELECT upload IS NOT NULL AS kept FROM follow_ups WHERE id = 12 AND upload IS NOT NULL LIMIT 1;
SELECT * FROM recompute('follow_ups', '{id}');
SELECT * FROM govcase.verify_chain('follow_ups');

-- Whoever may insert links needs no right to the cases; whoever erases needs UPDATE.
CREATE ROLE govcase_officer;
GRANT USAGE ON SCHEMA follow_up_test TO govcase_officer;
GRANT INSERT, SELECT ON follow_ups TO govcase_officer;
GRANT EXECUTE ON FUNCTION refusal(text) TO govcase_officer;
SET ROLE govcase_officer;
INSERT INTO follow_ups (id, kind, note) VALUES (10, 'visit', 'by an officer') RETURNING seq, actor;
SELECT refusal($$SELECT govcase.redact('follow_ups', 10, 14, 'may I?')$$);
SELECT refusal($$UPDATE follow_ups SET note = NULL$$);
SELECT refusal($$SELECT govcase.create_follow_ups('follow_up_test.disputes', 'mine')$$);
RESET ROLE;
GRANT UPDATE (note) ON follow_ups TO govcase_officer;
SET ROLE govcase_officer;
SELECT govcase.redact('follow_ups', 10, 14, 'I may');
-- The privilege lets nobody change a note by hand.
SELECT refusal($$UPDATE follow_ups SET note = NULL WHERE id = 10$$);
RESET ROLE;
SELECT seq, kind, actor, db_user = session_user AS by_session_user, target_seq
FROM follow_ups WHERE id = 10 ORDER BY seq DESC LIMIT 1;
-- Row security: what the officer does not see is not his to erase, yet counts.
ALTER TABLE follow_ups ENABLE ROW LEVEL SECURITY;
CREATE POLICY officer ON follow_ups TO govcase_officer USING (kind <> 'mediation') WITH CHECK (true);
SET ROLE govcase_officer;
INSERT INTO follow_ups (id, kind, note) VALUES (10, 'mediation', 'hidden');
INSERT INTO follow_ups (id, kind, note) VALUES (10, 'visit', 'shown') RETURNING seq;
SELECT refusal($$SELECT govcase.redact('follow_ups', 10, 16, 'hidden from me')$$);
SELECT refusal($$SELECT govcase.redact('follow_ups', 10, NULL, 'some hidden from me')$$);
SELECT govcase.redact('follow_ups', 10, 17, 'shown to me');
RESET ROLE;
ALTER TABLE follow_ups FORCE ROW LEVEL SECURITY;
ALTER TABLE disputes ENABLE ROW LEVEL SECURITY;
ALTER TABLE disputes FORCE ROW LEVEL SECURITY;
SET ROLE govcase_officer;
INSERT INTO follow_ups (id, kind) VALUES (10, 'visit') RETURNING seq;
-- What is wrong with a link tells nothing of a case that is out of sight: not that it is there.
SELECT refusal(format('INSERT INTO follow_ups (id, kind, happened_at) VALUES (%s, ''visit'', %L)', id, at))
FROM unnest(ARRAY[10, 404]) id, unnest(ARRAY['-infinity', 'infinity', '2900-01-01']) at;
RESET ROLE;
GRANT SELECT (id) ON disputes TO govcase_officer;
SET ROLE govcase_officer;
SELECT refusal($$INSERT INTO follow_ups (id, kind, happened_at) VALUES (10, 'visit', '-infinity')$$);
RESET ROLE;
-- Of one that is in sight it says what is wrong.
CREATE POLICY officer ON disputes TO govcase_officer USING (id = 10);
SET ROLE govcase_officer;
SELECT refusal($$INSERT INTO follow_ups (id, kind, happened_at) VALUES (10, 'visit', 'infinity')$$);
SELECT refusal($$INSERT INTO follow_ups (id, kind, happened_at) VALUES (11, 'visit', 'infinity')$$);
RESET ROLE;
-- Where links alone have policies, those are about cases, too.
ALTER TABLE disputes DISABLE ROW LEVEL SECURITY;
SET ROLE govcase_officer;
SELECT refusal($$INSERT INTO follow_ups (id, kind, happened_at) VALUES (11, 'visit', 'infinity')$$);
SELECT refusal($$INSERT INTO follow_ups (id, kind) VALUES (404, 'visit')$$);
RESET ROLE;
ALTER TABLE follow_ups DISABLE ROW LEVEL SECURITY;
SET ROLE govcase_officer;
SELECT refusal($$INSERT INTO follow_ups (id, kind) VALUES (404, 'visit')$$);
RESET ROLE;
SELECT * FROM govcase.verify_chain('follow_ups');

-- Keys of every class together, with a time of report that is a date.
CREATE TABLE matters (
	county smallint,
	code varchar(12),
	batch uuid,
	day date,
	stage govcase.case_state NOT NULL,
	reason text,
	PRIMARY KEY (county, code, batch, day)
);
SELECT govcase.create_follow_ups('matters', 'matter_links');
\o /dev/null
SELECT govcase.protect_cases('matters', 'matter', follow_ups => 'matter_links',
	columns => '{"state": "stage"}');
\o
INSERT INTO matters VALUES
	(-1, '县-01', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '1999-12-31', 'collected'),
	(32767, '', '00000000-0000-0000-0000-000000000000', '2024-02-29', 'collected');
INSERT INTO matter_links (county, code, batch, day, kind, note)
SELECT county, code, batch, day, 'visit', code FROM matters;
UPDATE matters SET stage = 'assigned';
SELECT county, code, day, seq, kind, from_state, to_state, from_risk, to_risk FROM matter_links ORDER BY county, seq;
SELECT * FROM recompute('matter_links', '{county,code,batch,day}');
SELECT refusal($$INSERT INTO matter_links (county, code, batch, day, kind)
	VALUES (1, 'x', '00000000-0000-0000-0000-000000000000', '2024-02-29', 'visit')$$);
SELECT govcase.redact('matters',
	ROW(-1, '县-01', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid, date '1999-12-31'), 2, 'in a row');
SELECT govcase.redact('matters',
	ARRAY['32767', '', '00000000-0000-0000-0000-000000000000', '2024-02-29'], NULL, 'in an array');
SELECT refusal($$SELECT govcase.redact('matters', ROW(1, 'x'), 2, 'half a key')$$);
SELECT refusal($$UPDATE matter_links SET code = 'moved' WHERE county = -1 AND seq = 2$$);
SELECT * FROM govcase.verify_chain('matters');

-- A chain tells classes of keys, not types: integer -> bigint keeps every hash.
SELECT count(*) AS chains, bool_and(of_bigint = of_integer) AS same
FROM (
	SELECT govcase.chain_summary(id::bigint, seq, happened_at, recorded_at, recorded_in, kind,
			actor, db_user, from_state, to_state, from_risk, to_risk, policy, version, chain_set,
			target_seq, satisfied, note, salt, note_digest, prev_hash, hash) AS of_bigint,
		govcase.chain_summary(id, seq, happened_at, recorded_at, recorded_in, kind,
			actor, db_user, from_state, to_state, from_risk, to_risk, policy, version, chain_set,
			target_seq, satisfied, note, salt, note_digest, prev_hash, hash) AS of_integer
	FROM follow_ups GROUP BY id) AS summaries;
-- Of text they are other chains: every link is broken.
SELECT bool_or(govcase.chain_is_sound(summary, chain_set, state, risk)) AS any_sound
FROM (
	SELECT id, govcase.chain_summary(id::text, seq, happened_at, recorded_at, recorded_in, kind,
			actor, db_user, from_state, to_state, from_risk, to_risk, policy, version, chain_set,
			target_seq, satisfied, note, salt, note_digest, prev_hash, hash) AS summary,
		(array_agg(chain_set ORDER BY seq))[1] AS chain_set
	FROM follow_ups GROUP BY id) AS l JOIN disputes USING (id);

-- Where an actor function is named it alone says who acts.
CREATE TABLE signed (id bigint PRIMARY KEY, state govcase.case_state NOT NULL, reason text);
CREATE FUNCTION current_account() RETURNS text LANGUAGE sql STABLE AS
$$ SELECT nullif(current_setting('follow_up_test.account', true), '') $$;
\o /dev/null
SELECT govcase.create_follow_ups('signed', 'signed_links');
SELECT govcase.protect_cases('signed', 'matter', follow_ups => 'signed_links',
	actor_function => 'follow_up_test.current_account()');
\o
SET follow_up_test.account = 'a-77';
SET govcase.actor = 'somebody else';
INSERT INTO signed VALUES (9000000000000000000, 'collected');
INSERT INTO signed_links (id, kind) VALUES (9000000000000000000, 'visit');
INSERT INTO signed_links (id, kind, actor) VALUES (9000000000000000000, 'visit', 'a-77');
SELECT refusal($$INSERT INTO signed_links (id, kind, actor)
	VALUES (9000000000000000000, 'visit', 'a-78')$$);
SET follow_up_test.account = '';
SELECT refusal($$INSERT INTO signed_links (id, kind) VALUES (9000000000000000000, 'visit')$$);
RESET govcase.actor;
SELECT id, seq, kind, actor FROM signed_links ORDER BY seq;
SELECT * FROM recompute('signed_links', '{id}');

-- Protected anew, a chain goes on from where it was.
\o /dev/null
SELECT govcase.unprotect_cases('signed');
SELECT govcase.protect_cases('signed', 'matter', follow_ups => 'signed_links');
\o
INSERT INTO signed_links (id, kind) VALUES (9000000000000000000, 'visit');
SELECT seq, kind, from_state, to_state,
	chain_set <> (SELECT chain_set FROM signed_links WHERE seq = 1) AS other_chain_set
FROM signed_links WHERE seq > 3 ORDER BY seq;
SELECT * FROM recompute('signed_links', '{id}');
SELECT * FROM govcase.verify_chain('signed');

-- Partitioned links whose partitions number their columns in their own way.
CREATE TABLE wide (LIKE disputes INCLUDING ALL);
\o /dev/null
SELECT govcase.create_follow_ups('wide', 'wide_links_model');
\o
CREATE TABLE wide_links (LIKE wide_links_model INCLUDING ALL) PARTITION BY RANGE (id);
CREATE TABLE wide_links_1 (dropped integer, LIKE wide_links_model INCLUDING ALL);
ALTER TABLE wide_links_1 DROP COLUMN dropped;
ALTER TABLE wide_links ATTACH PARTITION wide_links_1 FOR VALUES FROM (0) TO (100);
CREATE TABLE wide_links_2 PARTITION OF wide_links FOR VALUES FROM (100) TO (200);
\o /dev/null
SELECT govcase.protect_cases('wide', 'three_colour', follow_ups => 'wide_links');
\o
INSERT INTO wide (id, state, risk, responsible, leader)
VALUES (1, 'collected', 'red', 'a-1', 'a-2'), (101, 'collected', 'red', 'a-1', 'a-2');
INSERT INTO wide_links (id, kind, note) VALUES (1, 'visit', 'one'), (101, 'visit', 'two');
INSERT INTO wide_links_1 (id, kind, note) VALUES (1, 'visit', 'by the partition''s name');
UPDATE wide SET state = 'assigned';
SELECT govcase.redact('wide_links', 1, 2, 'in a partition');
SELECT tableoid::regclass, id, seq, kind, note FROM wide_links ORDER BY id, seq;
-- A chain is read as far back as need be.
INSERT INTO wide_links (id, kind) SELECT 1, 'note' FROM generate_series(1, 70);
UPDATE wide SET state = 'handling' WHERE id = 1;
SELECT seq, from_state, to_state FROM wide_links WHERE id = 1 AND kind = 'transition' ORDER BY seq;
SELECT * FROM recompute('wide_links', '{id}');
SELECT refusal($$UPDATE wide_links_1 SET note = 'x' WHERE seq = 3$$);
SELECT refusal($$UPDATE wide_links SET id = 102 WHERE id = 1 AND seq = 3$$);
SELECT refusal($$DELETE FROM wide_links_2$$);
SELECT * FROM govcase.verify_chain('wide');
-- Notes of every length, so that what is hashed ends anywhere in a block of SHA-256.
INSERT INTO wide_links (id, kind, note) SELECT 101, 'note', repeat('x', n) FROM generate_series(1, 200) AS n;
SELECT * FROM recompute('wide_links', '{id}');
SELECT count(DISTINCT salt) AS salts, count(salt) AS salted FROM wide_links WHERE id = 101;

RESET ROLE;
\set QUIET on
SET client_min_messages = warning;
DROP SCHEMA follow_up_test CASCADE;
DROP ROLE govcase_officer;
