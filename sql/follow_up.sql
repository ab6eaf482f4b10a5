-- follow_up: the follow-up chain

CREATE FUNCTION govcase.append_link()
RETURNS trigger
AS 'MODULE_PATHNAME', 'govcase_append_link'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION govcase.append_link() IS
'trigger: completes a link with its number, times, hashes, or refuses it';

CREATE FUNCTION govcase.keep_link()
RETURNS trigger
AS 'MODULE_PATHNAME', 'govcase_keep_link'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION govcase.keep_link() IS
'trigger: refuses UPDATE, DELETE and TRUNCATE of links';

CREATE FUNCTION govcase.redact(protected regclass, key "any", seq bigint, reason text)
RETURNS bigint
AS 'MODULE_PATHNAME', 'govcase_redact'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION govcase.redact(regclass, "any", bigint, text) IS
'erases the note of one link of a case, or with seq null of all so far, and says so on the chain; returns how many';

CREATE FUNCTION govcase.create_follow_ups(
	cases regclass, name text, key text[] DEFAULT NULL)
RETURNS regclass
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
	-- Role, type, meaning.
	link_columns CONSTANT text[] := ARRAY[
		['seq', 'bigint NOT NULL', 'number of the link in its chain: 1, 2, 3 ...'],
		['happened_at', 'timestamp with time zone NOT NULL', 'when it happened, as entered'],
		['recorded_at', 'timestamp with time zone NOT NULL', 'when it was recorded, by the server''s clock'],
		['recorded_in', 'bigint NOT NULL', 'transaction that recorded it'],
		['kind', 'text NOT NULL', 'registered, transition, mediation, visit, conference, supervision, feedback, assessment, look_back, approval, note or redaction'],
		['actor', 'text NOT NULL', 'account that acted'],
		['db_user', 'text NOT NULL', 'database user that was connected'],
		['from_state', 'govcase.case_state', 'state before a transition'],
		['to_state', 'govcase.case_state', 'state after a registration or transition'],
		['from_risk', 'govcase.risk_level', 'risk before a transition'],
		['to_risk', 'govcase.risk_level', 'risk after a registration or transition'],
		['policy', 'text', 'policy that allowed a registration or transition'],
		['version', 'integer', 'version of that policy'],
		['chain_set', 'uuid', 'protection under which the case was registered'],
		['target_seq', 'bigint', 'link whose note a redaction erased; null: all before it'],
		['satisfied', 'boolean', 'what the parties say'],
		['note', 'text', 'what is to be said; redact() erases it'],
		['salt', 'bytea', 'random bytes that are hashed with the note'],
		['note_digest', 'bytea', 'hash of salt and note'],
		['prev_hash', 'bytea NOT NULL', 'hash of the link before'],
		['hash', 'bytea NOT NULL', 'hash of this link']];
	case_table record;
	key_column text;
	key_columns text[] := '{}';
	definitions text[] := '{}';
	comments text[] := '{}';
	key_type record;
	link_name text;
	created text;
BEGIN
	IF cases IS NULL OR name IS NULL THEN
		RAISE EXCEPTION USING
			ERRCODE = 'null_value_not_allowed',
			MESSAGE = 'case table and name of its follow-up table must not be null';
	END IF;

	SELECT c.relname, c.relkind, n.nspname, c.relowner, a.rolname AS owner_name
		INTO case_table
		FROM pg_class c
			JOIN pg_namespace n ON n.oid = c.relnamespace
			JOIN pg_roles a ON a.oid = c.relowner
		WHERE c.oid = cases;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING
			ERRCODE = 'undefined_table',
			MESSAGE = format('there is no table with OID %s', cases::oid);
	END IF;
	IF NOT pg_has_role(case_table.relowner, 'USAGE') THEN
		RAISE EXCEPTION USING
			ERRCODE = 'insufficient_privilege',
			MESSAGE = format('must be owner of table %s', case_table.relname);
	END IF;
	IF case_table.relkind NOT IN ('r', 'p') THEN
		RAISE EXCEPTION USING
			ERRCODE = 'wrong_object_type',
			MESSAGE = format('"%s" is not a table', case_table.relname);
	END IF;

	IF key IS NULL THEN
		SELECT array_agg(a.attname::text ORDER BY k.place) INTO key
			FROM pg_index i
				CROSS JOIN LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY AS k(attnum, place)
				JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
			WHERE i.indrelid = cases AND i.indisprimary AND k.place <= i.indnkeyatts;
		IF key IS NULL THEN
			RAISE EXCEPTION USING
				ERRCODE = 'undefined_object',
				MESSAGE = format('table "%s" has no primary key', case_table.relname),
				HINT = 'Name the columns that tell its cases apart, as in create_follow_ups(..., ..., key => ARRAY[''id'']).';
		END IF;
	END IF;
	IF cardinality(key) NOT BETWEEN 1 AND 4 THEN
		RAISE EXCEPTION USING
			ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('key of table "%s" has %s columns', case_table.relname, cardinality(key)),
			DETAIL = 'A case is told by one to four columns.';
	END IF;

	created := format('%I.%I', case_table.nspname, name);
	FOREACH key_column IN ARRAY key LOOP
		SELECT format_type(a.atttypid, a.atttypmod) AS type_name, a.atttypid,
				CASE WHEN a.attcollation <> t.typcollation
					THEN format(' COLLATE %I.%I', cn.nspname, co.collname) ELSE '' END AS collation_clause
			INTO key_type
			FROM pg_attribute a
				JOIN pg_type t ON t.oid = a.atttypid
				LEFT JOIN pg_collation co ON co.oid = a.attcollation
				LEFT JOIN pg_namespace cn ON cn.oid = co.collnamespace
			WHERE a.attrelid = cases AND a.attname = key_column::name
				AND a.attnum > 0 AND NOT a.attisdropped;
		IF NOT FOUND THEN
			RAISE EXCEPTION USING
				ERRCODE = 'undefined_column',
				MESSAGE = format('column "%s" of table "%s" does not exist', key_column, case_table.relname);
		END IF;
		IF key_type.atttypid NOT IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype,
				'text'::regtype, 'varchar'::regtype, 'uuid'::regtype, 'date'::regtype) THEN
			RAISE EXCEPTION USING
				ERRCODE = 'datatype_mismatch',
				MESSAGE = format('column "%s" of type %s cannot tell a case', key_column, key_type.type_name),
				HINT = 'Key columns are of type smallint, integer, bigint, text, varchar, uuid or date.';
		END IF;
		link_name := key_column;
		FOR i IN 1 .. array_length(link_columns, 1) LOOP
			IF link_name = link_columns[i][1] THEN
				link_name := 'case_' || key_column;
			END IF;
		END LOOP;
		key_columns := key_columns || format('%I', link_name);
		definitions := definitions
			|| format('%I %s%s NOT NULL', link_name, key_type.type_name, key_type.collation_clause);
		comments := comments
			|| format('COMMENT ON COLUMN %s.%I IS %L', created, link_name, 'the case, by its column ' || key_column);
	END LOOP;
	FOR i IN 1 .. array_length(link_columns, 1) LOOP
		definitions := definitions || format('%I %s', link_columns[i][1], link_columns[i][2]);
		comments := comments
			|| format('COMMENT ON COLUMN %s.%I IS %L', created, link_columns[i][1], link_columns[i][3]);
	END LOOP;

	EXECUTE format('CREATE TABLE %s (%s, PRIMARY KEY (%s, seq))', created,
		array_to_string(definitions, ', '), array_to_string(key_columns, ', '));
	EXECUTE format('COMMENT ON TABLE %s IS %L', created,
		'follow-up chains of the cases in ' || case_table.relname);
	FOR i IN 1 .. cardinality(comments) LOOP
		EXECUTE comments[i];
	END LOOP;
	IF case_table.owner_name <> current_user THEN
		EXECUTE format('ALTER TABLE %s OWNER TO %I', created, case_table.owner_name);
	END IF;
	RETURN created::regclass;
END
$function$;
COMMENT ON FUNCTION govcase.create_follow_ups(regclass, text, text[]) IS
'makes a follow-up table beside a case table, with the case table''s key (or the columns given) and its owner';
