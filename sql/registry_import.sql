-- registry_import: base records and item lists, from files

INSERT INTO govcase.registry_script (part, position, schema_version, script) VALUES
('import tables', 11, 1, $script$
CREATE TABLE import_open (
	run bigint PRIMARY KEY REFERENCES import_run,
	key uuid NOT NULL UNIQUE DEFAULT gen_random_uuid()
);
SELECT describe_table('import_open', 'imports that rows are being staged for; its owner''s alone', '{
	"run": "the import",
	"key": "what its staged rows are marked with; nobody can stage rows for it who does not know it"}');
$script$),

('import functions', 23, NULL, $script$
/* ---- Digests of persons ----------------------------------------------------- */

/*
 * HMAC-SHA256 (RFC 2104).  The two pads are the registry's key, filled up to a
 * block of 64 bytes, exclusive-or 0x36 and 0x5c.
 */
CREATE OR REPLACE FUNCTION digest_pads(OUT inner_pad bytea, OUT outer_pad bytea)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
DECLARE
	block bytea := decode(repeat('00', 64), 'hex');
BEGIN
	SELECT overlay(block PLACING a.digest_key FROM 1) INTO STRICT block FROM about a;
	inner_pad := block;
	outer_pad := block;
	FOR n IN 0 .. 63 LOOP
		inner_pad := set_byte(inner_pad, n, get_byte(block, n) # 54);
		outer_pad := set_byte(outer_pad, n, get_byte(block, n) # 92);
	END LOOP;
END
$$;
COMMENT ON FUNCTION digest_pads() IS
'the two pads that keyed_digest() takes, of the registry''s key';

-- These two are expanded where they are called, so that a million calls are cheap.
CREATE OR REPLACE FUNCTION keyed_digest(message bytea, inner_pad bytea, outer_pad bytea) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
	SELECT pg_catalog.sha256(outer_pad OPERATOR(pg_catalog.||)
		pg_catalog.sha256(inner_pad OPERATOR(pg_catalog.||) message))
$$;
COMMENT ON FUNCTION keyed_digest(bytea, bytea, bytea) IS
'HMAC-SHA256 of a message';

CREATE OR REPLACE FUNCTION person_message(person_number text) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
	SELECT pg_catalog.convert_to(NULLIF(pg_catalog.upper(pg_catalog.translate(person_number, E' \t-', '')
		COLLATE pg_catalog."C"), ''), 'UTF8')
$$;
COMMENT ON FUNCTION person_message(text) IS
'what of a person''s number its digest is of: without blanks and hyphens, letters in capitals; null where nothing is left';

CREATE OR REPLACE FUNCTION person_digest(person_number text) RETURNS bytea
LANGUAGE plpgsql STABLE SECURITY DEFINER STRICT PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
BEGIN
	IF NOT has_duty('member', 'officer', 'centre') AND NOT pg_has_role(session_user, current_user, 'MEMBER') THEN
		RAISE insufficient_privilege USING
			MESSAGE = 'digests of persons are for those who enter them',
			HINT = 'It takes the duty of a member, an officer or a centre.';
	END IF;
	RETURN (SELECT keyed_digest(person_message(person_number), p.inner_pad, p.outer_pad) FROM digest_pads() p);
END
$$;
COMMENT ON FUNCTION person_digest(text) IS
'keyed digest (HMAC-SHA256) of a person''s number, by which the same person is known again without the number being kept; null for none';

/* ---- Runs ------------------------------------------------------------------- */

CREATE OR REPLACE FUNCTION own_import(run bigint, OUT department integer) RETURNS integer
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
BEGIN
	SELECT r.department INTO department FROM import_run r
	WHERE r.id = own_import.run AND r.account = current_account()
		AND r.department = ANY (my_import_departments());
	IF NOT FOUND THEN
		RAISE insufficient_privilege USING
			MESSAGE = format('import %s does not exist, or is not yours', coalesce(own_import.run::text, 'null')),
			HINT = 'It takes the account that started it, and the duty of an importer of its department.';
	END IF;
END
$$;
COMMENT ON FUNCTION own_import(bigint) IS
'department of an import that the acting account has started; an error where it has not, or imports for that department no more';

CREATE OR REPLACE FUNCTION raise_import_done(run bigint) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
BEGIN
	RAISE object_not_in_prerequisite_state USING
		MESSAGE = format('import %s is done', run),
		DETAIL = 'A run is imported once.',
		HINT = 'start_import() begins another.';
END
$$;
COMMENT ON FUNCTION raise_import_done(bigint) IS
'the error of an import that is not open any more';

CREATE OR REPLACE FUNCTION stage_import(run bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
DECLARE
	open_key uuid;
BEGIN
	PERFORM own_import(stage_import.run);
	SELECT o.key INTO open_key FROM import_open o WHERE o.run = stage_import.run;
	IF NOT FOUND THEN
		PERFORM raise_import_done(stage_import.run);
	END IF;
	-- Where others act through the same connection later, no longer than their token.
	PERFORM set_config('govcase.import', open_key::text, NOT EXISTS (SELECT FROM account_login l
		WHERE l.db_role = session_user AND l.trust = 'person'));
END
$$;
COMMENT ON FUNCTION stage_import(bigint) IS
'says that rows copied into element_import from here on belong to this import: in this session; for roles trusted by token or vouched for, in this transaction';

CREATE OR REPLACE FUNCTION start_import(department integer) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
DECLARE
	abandoned bigint[];
	started bigint;
BEGIN
	IF start_import.department = ANY (my_import_departments()) IS NOT TRUE THEN
		RAISE insufficient_privilege USING
			MESSAGE = format('department %s does not exist, or you do not import for it',
				coalesce(start_import.department::text, 'null')),
			HINT = 'It takes the duty of an importer of that department.';
	END IF;
	-- What is staged is personal, and does not lie about for ever.
	WITH left_over AS (
		SELECT o.run FROM import_open o JOIN import_run r ON r.id = o.run
		WHERE r.at < now() - interval '1 day'
		FOR UPDATE OF o SKIP LOCKED
	), dropped AS (
		DELETE FROM import_open o USING left_over l WHERE o.run = l.run RETURNING o.run
	)
	SELECT array_agg(d.run) INTO abandoned FROM dropped d;
	DELETE FROM import_run r WHERE r.id = ANY (abandoned);
	DELETE FROM element_import i WHERE NOT EXISTS (SELECT FROM import_open o WHERE o.key = i.import_key);

	INSERT INTO import_run (department, account) VALUES (start_import.department, current_account())
	RETURNING id INTO started;
	INSERT INTO import_open (run) VALUES (started);
	PERFORM stage_import(started);
	RETURN started;
END
$$;
COMMENT ON FUNCTION start_import(integer) IS
'begins an import for a department: rows copied into element_import from here on belong to it; whatever anybody staged more than a day ago and never imported is cancelled';

CREATE OR REPLACE FUNCTION cancel_import(run bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
DECLARE
	open_key uuid;
	emptied bigint;
BEGIN
	PERFORM own_import(cancel_import.run);
	DELETE FROM import_open o WHERE o.run = cancel_import.run RETURNING o.key INTO open_key;
	IF NOT FOUND THEN
		PERFORM raise_import_done(cancel_import.run);
	END IF;
	DELETE FROM element_import i WHERE i.import_key = open_key;
	GET DIAGNOSTICS emptied = ROW_COUNT;
	DELETE FROM import_run r WHERE r.id = cancel_import.run;
	RETURN emptied;
END
$$;
COMMENT ON FUNCTION cancel_import(bigint) IS
'gives up an import that is not done, and throws away what was staged for it: how many rows';

CREATE OR REPLACE FUNCTION require_open_import() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
BEGIN
	-- The lock makes import_elements() wait for rows that are still coming in.
	PERFORM FROM import_open o JOIN import_run r ON r.id = o.run
	WHERE o.key::text = current_setting('govcase.import', true) AND r.account = current_account()
	FOR KEY SHARE OF o;
	IF NOT FOUND THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = 'no import is open here',
			HINT = 'start_import() begins one, stage_import() goes on with one; where many share a '
				'connection, in the transaction that copies.';
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION require_open_import() IS
'trigger: rows are staged for an open import of the account that acts';

/* ---- Reading what a file says ------------------------------------------------ */

CREATE OR REPLACE FUNCTION is_json(content text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
BEGIN
	PERFORM content::jsonb;
	RETURN true;
EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
	RETURN false;
END
$$;
COMMENT ON FUNCTION is_json(text) IS
'whether a text can be stored as jsonb';

CREATE OR REPLACE FUNCTION read_tags(list text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
DECLARE
	tags text[];
BEGIN
	tags := CASE WHEN btrim(list) = '' THEN '{}' ELSE list END;
	IF array_position(tags, NULL) IS NOT NULL THEN
		RETURN NULL;
	END IF;
	RETURN ARRAY(SELECT DISTINCT t.tag COLLATE "C" FROM unnest(tags) AS t(tag) ORDER BY 1);
EXCEPTION WHEN data_exception OR program_limit_exceeded OR array_subscript_error THEN
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION read_tags(text) IS
'tags as PostgreSQL writes an array, {elderly,alone}: each once and in order, null where that cannot be read';

/* ---- Elements ---------------------------------------------------------------- */

CREATE OR REPLACE FUNCTION import_elements(run bigint,
	OUT new bigint, OUT changed bigint, OUT unchanged bigint, OUT rejected bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path FROM CURRENT
SET jit = off
AS $$
DECLARE
	of_department CONSTANT integer := own_import(import_elements.run);
	open_key uuid;
	lines record;
	pads record;
	all_json boolean := true;
BEGIN
	PERFORM require_read_committed('import_elements()');
	-- This waits for those who still stage rows for it, and for another call like this.
	SELECT o.key INTO open_key FROM import_open o WHERE o.run = import_elements.run FOR UPDATE;
	IF NOT FOUND THEN
		PERFORM raise_import_done(import_elements.run);
	END IF;
	-- Lines are numbered across all imports: usually in one piece for each.
	SELECT min(i.line) - 1 AS before, max(i.line) - min(i.line) + 1 <> count(*) AS gaps,
		bool_or(i.detail <> '') AS details
	INTO lines
	FROM element_import i WHERE i.import_key = open_key;
	IF lines.before IS NULL THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('no rows are staged for import %s', import_elements.run),
			DETAIL = 'Staged rows do not outlive a crash of the server.',
			HINT = 'COPY them into element_import, again where that was done before.';
	END IF;
	-- One department's imports go one after the other: what is compared below stays so.
	PERFORM FROM department d WHERE d.id = of_department FOR NO KEY UPDATE;

	SELECT p.inner_pad, p.outer_pad INTO pads FROM digest_pads() p;
	IF lines.details THEN
		BEGIN
			PERFORM count(i.detail::jsonb) FROM element_import i
			WHERE i.import_key = open_key AND i.detail <> '';
		EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
			-- Each has to be tried by itself, which takes longer.
			all_json := false;
		END;
	END IF;

	-- Planned anew each time: the table may be empty at one call and hold millions of rows at the next.
	EXECUTE $statement$
	WITH staged AS NOT MATERIALIZED (
		SELECT i.line, coalesce(i.source_key, '') AS source_key, coalesce(i.kind, '') AS kind,
			coalesce(i.region, '') AS region, coalesce(i.tags, '') AS tags, nullif(i.name, '') AS name,
			nullif(i.detail, '') AS detail, i.person
		FROM element_import i
		-- A condition that is taken to hold for half the rows, not for one in 200.
		WHERE CASE WHEN i.import_key = $1 THEN true ELSE false END
	), numbered AS (
		SELECT s.line, row_number() OVER (ORDER BY s.line) AS number FROM staged s WHERE $4
	), repeated AS (
		SELECT s.source_key, max(s.line) AS last_line FROM staged s
		GROUP BY s.source_key HAVING count(*) > 1
	), place AS (
		SELECT r.code, r.valid @> current_date AS valid FROM region r
	), tag_list AS MATERIALIZED (
		-- Few lists of tags stand on many elements.
		SELECT l.tags, l.tag_array, CASE WHEN l.tag_array = '{}'
				THEN ARRAY['person', 'place', 'thing', 'event', 'organisation']
				ELSE (SELECT array_agg(DISTINCT t.kind)
					FROM unnest(l.tag_array) AS a(tag) LEFT JOIN tag t ON t.tag = a.tag
					HAVING count(DISTINCT t.kind) = 1 AND count(t.kind) = count(*))
			END AS kinds
		FROM (
			SELECT d.tags, read_tags(d.tags) AS tag_array
			FROM (SELECT DISTINCT s.tags FROM staged s) AS d
			OFFSET 0) AS l
	), judged AS (
		SELECT s.line, s.source_key, s.kind, s.region, s.tags, s.name, s.detail, s.person,
			l.tag_array, p.valid, r.last_line,
			s.kind = ANY (l.kinds) IS TRUE AND p.valid IS TRUE AND btrim(s.source_key) <> ''
				AND octet_length(s.source_key) <= 500
				AND (r.last_line IS NULL OR r.last_line = s.line)
				AND (s.detail IS NULL OR $6 OR is_json(s.detail)) AS fit
		FROM staged s
			JOIN tag_list l ON l.tags = s.tags
			LEFT JOIN place p ON p.code = s.region
			LEFT JOIN repeated r ON r.source_key = s.source_key
		OFFSET 0
	), read AS (
		SELECT j.line, j.last_line, j.fit, j.source_key, j.kind, j.region, j.tag_array, j.name,
			CASE WHEN j.fit THEN j.detail::jsonb END AS detail,
			CASE WHEN j.fit THEN keyed_digest(person_message(j.person), $7, $8) END AS person_digest,
			CASE WHEN NOT j.fit THEN concat_ws('; ',
				CASE WHEN btrim(j.source_key) = '' THEN 'source_key is missing' END,
				CASE WHEN octet_length(j.source_key) > 500 THEN 'source_key is longer than 500 bytes' END,
				CASE WHEN j.kind = '' THEN 'kind is missing'
					WHEN j.kind NOT IN ('person', 'place', 'thing', 'event', 'organisation') THEN 'kind is unknown' END,
				CASE WHEN j.tag_array IS NULL THEN 'tags are malformed'
					ELSE (SELECT string_agg(format(CASE WHEN t.tag IS NULL THEN 'tag %s is not in the dictionary'
							ELSE 'tag %s is for another kind' END, a.tag), '; ' ORDER BY a.tag)
						FROM unnest(j.tag_array) AS a(tag) LEFT JOIN tag t ON t.tag = a.tag
						WHERE t.tag IS NULL OR t.kind <> j.kind
							AND j.kind IN ('person', 'place', 'thing', 'event', 'organisation')) END,
				CASE WHEN j.region = '' THEN 'region is missing'
					WHEN j.valid IS NULL THEN 'region is unknown'
					WHEN NOT j.valid THEN 'region does not exist today' END,
				CASE WHEN NOT is_json(j.detail) THEN 'detail is not JSON' END) END AS problem,
			CASE WHEN NOT j.fit THEN jsonb_strip_nulls(jsonb_build_object('source_key', nullif(j.source_key, ''),
				'kind', nullif(j.kind, ''), 'region', nullif(j.region, ''), 'tags', nullif(j.tags, ''),
				'name', j.name, 'detail', j.detail)) END AS raw
		FROM judged j
		OFFSET 0
	), compared AS MATERIALIZED (
		SELECT r.*, r.fit AND e.source_key IS NULL AS is_new, r.fit AND e.source_key IS NOT NULL
			AND ((e.kind, e.region, e.tags, e.person_digest)
					IS DISTINCT FROM (r.kind, r.region, r.tag_array, r.person_digest)
				OR (d.name, d.detail) IS DISTINCT FROM (r.name, r.detail)) AS differs,
			d.source_key IS NOT NULL AS has_detail
		FROM read r
			LEFT JOIN element e ON e.source_department = $5 AND e.source_key = r.source_key
			LEFT JOIN element_detail d ON d.source_department = $5 AND d.source_key = r.source_key
	), refused AS (
		INSERT INTO import_reject (run, line, reason, raw)
		SELECT $2, coalesce(n.number, c.line - $3), concat_ws('; ', nullif(c.problem, ''),
				CASE WHEN c.last_line <> c.line
					THEN format('replaced by line %s', coalesce(l.number, c.last_line - $3)) END),
			c.raw
		FROM compared c
			LEFT JOIN numbered n ON n.line = c.line
			LEFT JOIN numbered l ON l.line = c.last_line
		WHERE NOT c.fit
	), updated AS (
		UPDATE element e SET kind = c.kind, region = c.region, tags = c.tag_array,
			person_digest = c.person_digest, recorded_at = now()
		FROM compared c
		WHERE c.differs AND e.source_department = $5 AND e.source_key = c.source_key
	), detail_updated AS (
		UPDATE element_detail d SET name = c.name, detail = c.detail
		FROM compared c
		WHERE c.differs AND d.source_department = $5 AND d.source_key = c.source_key
			AND (d.name, d.detail) IS DISTINCT FROM (c.name, c.detail)
	), inserted AS (
		-- In the order of keys, so that the index grows at one end.
		INSERT INTO element (source_department, source_key, kind, region, tags, person_digest)
		SELECT $5, c.source_key, c.kind, c.region, c.tag_array, c.person_digest
		FROM compared c
		WHERE c.is_new
		ORDER BY c.source_key
	), detail_inserted AS (
		INSERT INTO element_detail (source_department, source_key, name, detail)
		SELECT $5, c.source_key, c.name, c.detail
		FROM compared c
		WHERE (c.is_new OR c.differs) AND NOT c.has_detail AND num_nonnulls(c.name, c.detail) > 0
		ORDER BY c.source_key
	)
	SELECT count(*) FILTER (WHERE c.is_new), count(*) FILTER (WHERE c.differs),
		count(*) FILTER (WHERE c.fit AND NOT c.is_new AND NOT c.differs), count(*) FILTER (WHERE NOT c.fit)
	FROM compared c
	$statement$
	INTO new, changed, unchanged, rejected
	USING open_key, import_elements.run, lines.before, lines.gaps, of_department, all_json,
		pads.inner_pad, pads.outer_pad;

	DELETE FROM element_import i WHERE i.import_key = open_key;
	DELETE FROM import_open o WHERE o.run = import_elements.run;
	UPDATE import_run r SET new = import_elements.new, changed = import_elements.changed,
		unchanged = import_elements.unchanged, rejected = import_elements.rejected, done_at = clock_timestamp()
	WHERE r.id = import_elements.run;
END
$$;
COMMENT ON FUNCTION import_elements(bigint) IS
'takes over what was staged for an import: how many records are new, changed and unchanged, and how many lines were refused, which import_reject then lists';

/* ---- Items ------------------------------------------------------------------- */

/*
 * A list is short, and is read a row at a time.  It belongs to the transaction that
 * staged it, so that two at once do not mix.
 */
CREATE OR REPLACE FUNCTION import_items(
	OUT list text, OUT new bigint, OUT changed bigint, OUT unchanged bigint) RETURNS SETOF record
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
DECLARE
	staged record;
	wrong text[] := '{}';
	problems text;
	risk_read text;
BEGIN
	IF NOT has_duty('admin') AND NOT pg_has_role(session_user, current_user, 'MEMBER') THEN
		RAISE insufficient_privilege USING
			MESSAGE = 'the list of items is an admin''s to import';
	END IF;
	-- Two lists at once would be a mixture of both.
	LOCK TABLE item_class, item IN SHARE ROW EXCLUSIVE MODE;
	PERFORM FROM item_import i WHERE i.staged_in = pg_current_xact_id();
	IF NOT FOUND THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = 'no items are staged',
			HINT = 'COPY them into item_import in the transaction that calls import_items().';
	END IF;
	FOR staged IN
		SELECT i.*, row_number() OVER (ORDER BY i.line) AS number,
			min(i.line) OVER (PARTITION BY i.code) <> i.line AS code_again,
			first_value(i.class_name) OVER of_class AS first_name,
			first_value(i.module) OVER of_class AS first_module,
			(SELECT count(*) FROM department d WHERE d.id::text = i.department) AS departments,
			i.working_days ~ '^[0-9]{1,9}$' AS days_read
		FROM item_import i
		WHERE i.staged_in = pg_current_xact_id()
		WINDOW of_class AS (PARTITION BY i.class ORDER BY i.line)
		ORDER BY i.line
	LOOP
		BEGIN
			risk_read := staged.risk::risk_level;
		EXCEPTION WHEN data_exception THEN
			risk_read := NULL;
		END;
		problems := concat_ws(', ',
			CASE WHEN coalesce(staged.class, '') = '' THEN 'class is missing' END,
			CASE WHEN coalesce(staged.class_name, '') = '' THEN 'class_name is missing'
				WHEN staged.class_name <> staged.first_name THEN 'class_name differs from that of an earlier line' END,
			CASE WHEN staged.module IN ('governance', 'public_service', 'emergency') IS NOT TRUE
					THEN 'module is not governance, public_service or emergency'
				WHEN staged.module <> staged.first_module THEN 'module differs from that of an earlier line' END,
			CASE WHEN coalesce(staged.code, '') = '' THEN 'code is missing'
				WHEN staged.code_again THEN 'code stands in an earlier line' END,
			CASE WHEN coalesce(staged.name, '') = '' THEN 'name is missing' END,
			CASE WHEN coalesce(staged.risk, '') = '' THEN 'risk is missing'
				WHEN risk_read IS NULL THEN 'risk is unknown' END,
			CASE WHEN staged.department <> '' AND staged.departments <> 1 THEN 'department is unknown' END,
			CASE WHEN staged.working_days <> '' AND (NOT staged.days_read OR staged.working_days ~ '^0+$')
				THEN 'working_days is not a whole number above 0' END);
		IF problems <> '' THEN
			wrong := wrong || format('line %s: %s', staged.number, problems);
		END IF;
	END LOOP;
	IF cardinality(wrong) > 0 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('the list of items is wrong in %s of %s lines, and nothing is imported',
				cardinality(wrong), staged.number),
			DETAIL = array_to_string(wrong[1:50], E'\n')
				|| CASE WHEN cardinality(wrong) > 50 THEN format(E'\nand %s more', cardinality(wrong) - 50) ELSE '' END;
	END IF;

	list := 'item_class';
	WITH read AS (
		SELECT DISTINCT i.class AS code, i.module, i.class_name AS name
		FROM item_import i WHERE i.staged_in = pg_current_xact_id()
	), there AS (
		SELECT r.*, c.code IS NULL AS is_new, (c.module, c.name) IS DISTINCT FROM (r.module, r.name) AS differs
		FROM read r LEFT JOIN item_class c ON c.code = r.code
	), written AS (
		INSERT INTO item_class AS c (code, module, name)
		SELECT t.code, t.module, t.name FROM there t WHERE t.differs
		ON CONFLICT (code) DO UPDATE SET module = excluded.module, name = excluded.name
	)
	SELECT count(*) FILTER (WHERE t.is_new), count(*) FILTER (WHERE NOT t.is_new AND t.differs),
		count(*) FILTER (WHERE NOT t.differs)
	INTO new, changed, unchanged FROM there t;
	RETURN NEXT;

	list := 'item';
	WITH read AS (
		SELECT i.code, i.class, i.name, i.risk::risk_level AS risk, nullif(i.department, '')::integer AS department,
			nullif(i.working_days, '')::integer AS working_days
		FROM item_import i WHERE i.staged_in = pg_current_xact_id()
	), there AS (
		SELECT r.*, i.code IS NULL AS is_new, (i.class, i.name, i.risk, i.department, i.working_days)
			IS DISTINCT FROM (r.class, r.name, r.risk, r.department, r.working_days) AS differs
		FROM read r LEFT JOIN item i ON i.code = r.code
	), written AS (
		INSERT INTO item AS i (code, class, name, risk, department, working_days)
		SELECT t.code, t.class, t.name, t.risk, t.department, t.working_days FROM there t WHERE t.differs
		ON CONFLICT (code) DO UPDATE SET class = excluded.class, name = excluded.name, risk = excluded.risk,
			department = excluded.department, working_days = excluded.working_days
	)
	SELECT count(*) FILTER (WHERE t.is_new), count(*) FILTER (WHERE NOT t.is_new AND t.differs),
		count(*) FILTER (WHERE NOT t.differs)
	INTO new, changed, unchanged FROM there t;
	RETURN NEXT;
	-- Those that others left behind when they had committed, too: nobody can use them.
	DELETE FROM item_import;
END
$$;
COMMENT ON FUNCTION import_items() IS
'takes over the list of items that this transaction has copied into item_import, whole or not at all: how many classes and items are new, changed and unchanged; what the list does not name stays';
$script$),

-- After row security is enabled on the other tables: PostgreSQL has no COPY FROM under it.
('import staging', 32, 1, $script$
CREATE UNLOGGED TABLE element_import (
	import_key uuid NOT NULL DEFAULT nullif(current_setting('govcase.import', true), '')::uuid,
	line bigint GENERATED ALWAYS AS IDENTITY,
	source_key text COLLATE "C",
	kind text,
	region text COLLATE "C",
	tags text,
	name text,
	detail text,
	person text
);
ALTER TABLE element_import ALTER name SET STATISTICS 0, ALTER detail SET STATISTICS 0,
	ALTER person SET STATISTICS 0;
CREATE TRIGGER require_open_import BEFORE INSERT ON element_import
	FOR EACH STATEMENT EXECUTE FUNCTION require_open_import();
SELECT describe_table('element_import', 'personal: base records as files say them, until import_elements() takes them over; importers write here and never read', '{
	"import_key": "key of the import; filled in",
	"line": "counts rows as they come in; filled in",
	"source_key": "what the department calls it by",
	"kind": "person, place, thing, event or organisation",
	"region": "division code of where it belongs",
	"tags": "its tags, {elderly,alone}; or empty",
	"name": "name of the person, place or thing",
	"detail": "whatever else there is to say, as JSON",
	"person": "number of the person whom it is about; only its digest is kept"}');

CREATE UNLOGGED TABLE item_import (
	staged_in xid8 NOT NULL DEFAULT pg_current_xact_id(),
	line integer GENERATED ALWAYS AS IDENTITY,
	class text,
	class_name text,
	module text,
	code text,
	name text,
	risk text,
	department text,
	working_days text
);
SELECT describe_table('item_import', 'the list of items as a file says it, until import_items() takes it over', '{
	"staged_in": "transaction that copied it here; filled in",
	"line": "counts rows as they come in; filled in",
	"class": "code of the class",
	"class_name": "name of the class, the same in each of its lines",
	"module": "governance, public_service or emergency, the same in each line of the class",
	"code": "code of the item",
	"name": "name of the item",
	"risk": "risk that a dispute raised from it begins with",
	"department": "number of the department that it goes to; or empty",
	"working_days": "working days in which it is dealt with; or empty"}');
$script$);

INSERT INTO govcase.registry_grant (duties, privilege, target) VALUES
	('{member,officer,centre}', 'EXECUTE', 'FUNCTION person_digest(text)'),
	('{importer}', 'EXECUTE', 'FUNCTION start_import(integer), stage_import(bigint), import_elements(bigint), '
		'cancel_import(bigint)'),
	('{importer}', 'INSERT (source_key, kind, region, tags, name, detail, person)', 'element_import'),
	('{admin}', 'EXECUTE', 'FUNCTION import_items()'),
	('{admin}', 'INSERT (class, class_name, module, code, name, risk, department, working_days)', 'item_import');
