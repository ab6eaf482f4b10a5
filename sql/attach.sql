-- attach: how rules stay on a table they have never seen

CREATE FUNCTION govcase.case_columns()
RETURNS trigger
AS 'MODULE_PATHNAME', 'govcase_case_columns'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION govcase.case_columns() IS
'carrier of a protection: says which columns of a case table bear which roles; never fires';

CREATE FUNCTION govcase.link_columns()
RETURNS trigger
AS 'MODULE_PATHNAME', 'govcase_link_columns'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION govcase.link_columns() IS
'carrier of a protection: says which columns of a follow-up table are which parts of a link; never fires';

CREATE FUNCTION govcase.protected_columns(
	protected regclass,
	OUT cases regclass, OUT links regclass, OUT policy text, OUT role text,
	OUT case_column name, OUT link_column name, OUT ordinal integer)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'govcase_protected_columns'
LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.protected_columns(regclass) IS
'columns of a protected table and of its follow-up table, by role';

CREATE FUNCTION govcase.trigger_arguments(trigger_oid oid)
RETURNS text[]
AS 'MODULE_PATHNAME', 'govcase_trigger_arguments'
LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.trigger_arguments(oid) IS
'arguments of a trigger as text';

/*
 * What follows administers protections.  None of it is SECURITY DEFINER: it
 * creates and drops triggers with the caller's own rights, which are those of
 * the tables' owner.  Each function pins its search_path, so only objects of
 * this schema and of users' need a qualified name.
 */

/* ---- Reading what is there ------------------------------------------------ */

CREATE FUNCTION govcase.table_tree(root regclass)
RETURNS SETOF regclass
LANGUAGE sql STABLE STRICT PARALLEL SAFE ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT root
	UNION
	SELECT t.relid FROM pg_partition_tree(root) t
$$;
COMMENT ON FUNCTION govcase.table_tree(regclass) IS
'a table and, where it is partitioned, every partition under it';

CREATE FUNCTION govcase.role_list(list text)
RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(array_agg(coalesce(replace(m.part[1], '""', '"'), m.part[2])
		ORDER BY m.n), '{}')
	FROM regexp_matches(list, '"((?:[^"]|"")*)"|([^",]+)', 'g')
		WITH ORDINALITY AS m(part, n)
$$;
COMMENT ON FUNCTION govcase.role_list(text) IS
'the role names in an argument of a carrier';

CREATE FUNCTION govcase.carriers(
	OUT carrier name, OUT protected regclass, OUT owner oid, OUT of_links boolean,
	OUT chain_set text, OUT policy text, OUT mapping jsonb, OUT watched text[],
	OUT without_links boolean, OUT actor_function text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
	WITH seen AS (
		SELECT t.tgname, t.tgrelid, c.relowner, t.tgattr,
			t.tgfoid = 'govcase.link_columns()'::regprocedure AS of_links,
			coalesce(govcase.trigger_arguments(t.oid), '{}') AS arguments,
			CASE WHEN t.tgfoid = 'govcase.link_columns()'::regprocedure THEN 1 ELSE 2 END AS fixed
		FROM pg_depend d
			JOIN pg_trigger t ON t.oid = d.objid
			JOIN pg_class c ON c.oid = t.tgrelid
		WHERE d.classid = 'pg_trigger'::regclass
			AND d.refclassid = 'pg_proc'::regclass
			AND d.refobjid IN ('govcase.case_columns()'::regprocedure,
				'govcase.link_columns()'::regprocedure)
	)
	SELECT f.tgname, f.tgrelid, f.relowner, f.of_links,
		f.arguments[f.fixed],
		CASE WHEN NOT f.of_links THEN f.arguments[1] END,
		coalesce(m.mapping, '{}'),
		coalesce(o.watched, '{}'),
		coalesce(o.without_links, false),
		o.actor_function
	FROM seen f
		CROSS JOIN LATERAL (
			SELECT jsonb_object_agg(r.role,
				CASE WHEN r.role = 'key' THEN r.names ELSE r.names -> 0 END) AS mapping
			FROM (
				SELECT e.role, jsonb_agg(a.attname ORDER BY l.n) AS names
				FROM unnest(f.tgattr::int2[]) WITH ORDINALITY AS l(attnum, n)
					JOIN pg_attribute a ON a.attrelid = f.tgrelid AND a.attnum = l.attnum
					CROSS JOIN unnest(govcase.role_list(f.arguments[f.fixed + l.n])) AS e(role)
				GROUP BY e.role) r) m
		CROSS JOIN LATERAL (
			SELECT bool_or(x.option = 'without_links') AS without_links,
				max(substr(x.option, 16)) FILTER (WHERE x.option LIKE 'actor\_function=%')
					AS actor_function,
				govcase.role_list(max(substr(x.option, 7)) FILTER (WHERE x.option LIKE 'watch=%'))
					AS watched
			FROM unnest(f.arguments[f.fixed + cardinality(f.tgattr::int2[]) + 1 :]) AS x(option)) o
$$;
COMMENT ON FUNCTION govcase.carriers() IS
'the carrier triggers of this database and what they say; whether they can be trusted is for protections() to judge';

CREATE FUNCTION govcase.expected_triggers(
	protected regclass, of_links boolean,
	OUT relation regclass, OUT trigger_name name, OUT present boolean, OUT enabled boolean)
RETURNS SETOF record
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	-- kind is pg_trigger.tgtype: 1 row, 2 before, 4 insert, 8 delete, 16 update, 32 truncate
	WITH expected(of_links, trigger_name, function_name, kind) AS (
		VALUES (false, 'govcase_register', 'register_case', 5),
			(false, 'govcase_transition', 'check_transition', 17),
			(false, 'govcase_keep', 'keep_case', 9),
			(false, 'govcase_keep_all', 'keep_case', 34),
			(true, 'zz_govcase_append', 'append_link', 7),
			(true, 'govcase_keep', 'keep_link', 27),
			(true, 'govcase_keep_all', 'keep_link', 34)
	)
	SELECT r.relation, e.trigger_name::name, t.oid IS NOT NULL, coalesce(t.tgenabled = 'O', false)
	FROM expected e
		CROSS JOIN govcase.table_tree(expected_triggers.protected) AS r(relation)
		LEFT JOIN pg_trigger t ON t.tgrelid = r.relation
			AND t.tgname = e.trigger_name
			AND t.tgtype = e.kind
			AND t.tgfoid = format('govcase.%I()', e.function_name)::regprocedure
	WHERE e.of_links = expected_triggers.of_links
	ORDER BY r.relation::text COLLATE "C", e.trigger_name COLLATE "C"
$$;
COMMENT ON FUNCTION govcase.expected_triggers(regclass, boolean) IS
'the triggers that a protected table and its partitions must have, and whether they do';

/* ---- What a table must be ------------------------------------------------- */

CREATE FUNCTION govcase.require_own_table(target regclass)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	seen record;
BEGIN
	IF target IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'table must not be null';
	END IF;
	SELECT c.relname, n.nspname, c.relkind, c.relowner INTO seen
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE c.oid = target;
	IF NOT FOUND THEN
		RAISE undefined_table USING
			MESSAGE = format('relation with OID %s does not exist', target::oid);
	END IF;
	IF NOT pg_has_role(seen.relowner, 'USAGE') THEN
		RAISE insufficient_privilege USING
			MESSAGE = format('must be owner of table %s', seen.relname),
			SCHEMA = seen.nspname, TABLE = seen.relname;
	END IF;
	IF seen.relkind NOT IN ('r', 'p') THEN
		RAISE wrong_object_type USING
			MESSAGE = format('"%s" is not a table', seen.relname),
			DETAIL = CASE seen.relkind
				WHEN 'v' THEN 'It is a view.'
				WHEN 'm' THEN 'It is a materialized view.'
				WHEN 'f' THEN 'It is a foreign table, whose rows can change without its triggers.'
				WHEN 'S' THEN 'It is a sequence.'
				WHEN 'i' THEN 'It is an index.'
				WHEN 'I' THEN 'It is an index.'
				ELSE 'It is another kind of relation.' END,
			HINT = CASE seen.relkind
				WHEN 'v' THEN 'Name the table behind it; rules hold for changes that come through the view, too.'
				ELSE 'Name an ordinary or a partitioned table.' END,
			SCHEMA = seen.nspname, TABLE = seen.relname;
	END IF;
END
$$;
COMMENT ON FUNCTION govcase.require_own_table(regclass) IS
'raises an error unless the caller owns the relation and it is a table';

CREATE FUNCTION govcase.require_protectable(target regclass)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	seen record;
	other text;
BEGIN
	SELECT c.relname, n.nspname, c.relkind, c.relpersistence, c.relispartition INTO seen
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE c.oid = target;

	IF seen.nspname IN ('pg_catalog', 'information_schema')
		OR EXISTS (SELECT FROM pg_depend d
			WHERE d.classid = 'pg_class'::regclass AND d.objid = target AND d.deptype = 'e') THEN
		RAISE wrong_object_type USING
			MESSAGE = format('table "%s" cannot be protected', seen.relname),
			DETAIL = 'It belongs to the system or to an extension, so that a dump would leave its triggers out.',
			SCHEMA = seen.nspname, TABLE = seen.relname;
	END IF;
	IF seen.relispartition THEN
		RAISE wrong_object_type USING
			MESSAGE = format('table "%s" is a partition', seen.relname),
			HINT = format('Name the root of its tree, %s: its protection covers every partition.',
				pg_partition_root(target)),
			SCHEMA = seen.nspname, TABLE = seen.relname;
	END IF;
	IF seen.relpersistence <> 'p' THEN
		RAISE wrong_object_type USING
			MESSAGE = format('table "%s" is %s', seen.relname,
				CASE seen.relpersistence WHEN 't' THEN 'temporary' ELSE 'unlogged' END),
			DETAIL = 'Its rows may vanish without any trigger, and a chain must not.',
			HINT = CASE seen.relpersistence
				WHEN 't' THEN 'Name a permanent table.'
				ELSE format('ALTER TABLE %s SET LOGGED first.', target) END,
			SCHEMA = seen.nspname, TABLE = seen.relname;
	END IF;
	SELECT i.inhrelid::regclass::text INTO other
	FROM pg_inherits i WHERE i.inhparent = target AND seen.relkind = 'r' LIMIT 1;
	IF FOUND THEN
		RAISE wrong_object_type USING
			MESSAGE = format('table "%s" has an inheritance child', seen.relname),
			DETAIL = format('Rows of %s would appear in it without its triggers.', other),
			HINT = format('ALTER TABLE %s NO INHERIT %s, or partition the table.', other, target),
			SCHEMA = seen.nspname, TABLE = seen.relname;
	END IF;
	SELECT i.inhparent::regclass::text INTO other
	FROM pg_inherits i WHERE i.inhrelid = target LIMIT 1;
	IF FOUND THEN
		RAISE wrong_object_type USING
			MESSAGE = format('table "%s" is an inheritance child', seen.relname),
			DETAIL = format('It inherits from %s, through which its keys need not be unique.', other),
			HINT = format('ALTER TABLE %s NO INHERIT %s.', target, other),
			SCHEMA = seen.nspname, TABLE = seen.relname;
	END IF;
END
$$;
COMMENT ON FUNCTION govcase.require_protectable(regclass) IS
'raises an error that says why a table of the caller cannot be protected, if it cannot';

CREATE FUNCTION govcase.require_all_rows_visible(target regclass)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF row_security_active(target) THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('row security may hide rows of table %s from its owner', target),
			HINT = format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY for this transaction, or call this as a role that bypasses row security.', target);
	END IF;
END
$$;
COMMENT ON FUNCTION govcase.require_all_rows_visible(regclass) IS
'raises an error where row security could hide a row from what must see all';

CREATE FUNCTION govcase.column_list(target regclass)
RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum), 'none')
	FROM pg_attribute a
	WHERE a.attrelid = target AND a.attnum > 0 AND NOT a.attisdropped
$$;
COMMENT ON FUNCTION govcase.column_list(regclass) IS
'the columns of a table, for the hint of an error';

CREATE FUNCTION govcase.require_column(target regclass, column_name text, role text, parameter text)
RETURNS pg_attribute
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	seen pg_attribute;
	table_name text;
BEGIN
	SELECT a.* INTO seen
	FROM pg_attribute a
	WHERE a.attrelid = target AND a.attname = column_name::name
		AND a.attnum > 0 AND NOT a.attisdropped;
	IF FOUND THEN
		RETURN seen;
	END IF;
	SELECT c.relname INTO table_name FROM pg_class c WHERE c.oid = target;
	RAISE undefined_column USING
		MESSAGE = format('column "%s" of table "%s", named for role "%s", does not exist',
			column_name, table_name, role),
		HINT = format('Name another in "%s"; the table has the columns %s.', parameter,
			govcase.column_list(target)),
		TABLE = table_name, COLUMN = column_name;
END
$$;
COMMENT ON FUNCTION govcase.require_column(regclass, text, text, text) IS
'the column of a table that was named for a role, or an error that lists the columns there are';

CREATE FUNCTION govcase.key_class(type regtype)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE
		WHEN type IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype) THEN 'int'
		WHEN type IN ('text'::regtype, 'varchar'::regtype) THEN 'text'
		WHEN type = 'uuid'::regtype THEN 'uuid'
		WHEN type = 'date'::regtype THEN 'date' END
$$;
COMMENT ON FUNCTION govcase.key_class(regtype) IS
'class under which a key column enters the hashes; NULL where no key can be of the type';

CREATE FUNCTION govcase.role_takes(kind text, type regtype)
RETURNS boolean
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE kind
		WHEN 'state' THEN type = 'govcase.case_state'::regtype
		WHEN 'risk' THEN type = 'govcase.risk_level'::regtype
		WHEN 'flag' THEN type = 'bool'::regtype
		WHEN 'count' THEN type IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)
		WHEN 'time' THEN type IN ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype)
		WHEN 'text' THEN t.typcategory IN ('S', 'E')
		WHEN 'person' THEN t.typcategory = 'S'
			OR type IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'uuid'::regtype)
		ELSE false END
	FROM pg_type t WHERE t.oid = type
$$;
COMMENT ON FUNCTION govcase.role_takes(text, regtype) IS
'whether a column of the type can bear a role of the kind';

CREATE FUNCTION govcase.role_types(kind text)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE kind
		WHEN 'state' THEN 'govcase.case_state'
		WHEN 'risk' THEN 'govcase.risk_level'
		WHEN 'flag' THEN 'boolean'
		WHEN 'count' THEN 'an integer type'
		WHEN 'time' THEN 'date or a timestamp type'
		WHEN 'text' THEN 'text or an enum'
		WHEN 'person' THEN 'text, an integer type or uuid'
		WHEN 'key' THEN 'smallint, integer, bigint, uuid, text, varchar or date' END
$$;
COMMENT ON FUNCTION govcase.role_types(text) IS
'the types that role_takes() accepts, in words';

CREATE FUNCTION govcase.named_columns(given jsonb, role text, parameter text)
RETURNS text[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	value jsonb := given -> role;
BEGIN
	IF value IS NULL THEN
		RETURN NULL;
	ELSIF jsonb_typeof(value) = 'string' THEN
		RETURN ARRAY[given ->> role];
	ELSIF role = 'key' AND jsonb_typeof(value) = 'array' AND jsonb_array_length(value) > 0
		AND NOT jsonb_path_exists(value, '$[*] ? (@.type() != "string")') THEN
		RETURN ARRAY(SELECT e.name FROM jsonb_array_elements_text(value)
			WITH ORDINALITY AS e(name, n) ORDER BY e.n);
	END IF;
	RAISE invalid_parameter_value USING
		MESSAGE = format('"%s" names no column for role "%s"', parameter, role),
		DETAIL = format('It says %s.', value),
		HINT = CASE role
			WHEN 'key' THEN 'Give a column name, or an array of column names.'
			ELSE 'Give a column name.' END;
END
$$;
COMMENT ON FUNCTION govcase.named_columns(jsonb, text, text) IS
'the column names that a mapping gives for a role; NULL where it gives none';

CREATE FUNCTION govcase.partition_columns(target regclass)
RETURNS text[]
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(array_agg(DISTINCT a.attname::text), '{}')
	FROM govcase.table_tree(target) AS r(relation)
		JOIN pg_partitioned_table p ON p.partrelid = r.relation
		CROSS JOIN unnest(p.partattrs::int2[]) AS k(attnum)
		JOIN pg_attribute a ON a.attrelid = r.relation AND a.attnum = k.attnum
$$;
COMMENT ON FUNCTION govcase.partition_columns(regclass) IS
'the columns that say which partition of a table a row is in';

CREATE FUNCTION govcase.require_unique(
	target regclass, column_names text[], last_column text, admitted text[])
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	table_name text;
	listed CONSTANT text := (SELECT string_agg(quote_ident(c.name), ', ' ORDER BY c.n)
		FROM unnest(column_names) WITH ORDINALITY AS c(name, n));
BEGIN
	PERFORM FROM pg_index i
		CROSS JOIN LATERAL (
			SELECT array_agg(a.attname::text ORDER BY k.n) AS names
			FROM unnest((i.indkey::int2[])[0:i.indnkeyatts - 1]) WITH ORDINALITY AS k(attnum, n)
				JOIN pg_attribute a ON a.attrelid = target AND a.attnum = k.attnum) x
	WHERE i.indrelid = target AND i.indisunique AND i.indisvalid AND i.indimmediate
		AND i.indpred IS NULL AND i.indexprs IS NULL
		AND x.names @> column_names AND x.names <@ (column_names || admitted)
		AND (last_column IS NULL OR x.names[cardinality(x.names)] = last_column);
	IF FOUND THEN
		RETURN;
	END IF;
	SELECT c.relname INTO table_name FROM pg_class c WHERE c.oid = target;
	RAISE invalid_table_definition USING
		MESSAGE = CASE WHEN last_column IS NULL
			THEN format('key of table "%s" is not unique', table_name)
			ELSE format('links of table "%s" are not numbered uniquely', table_name) END,
		DETAIL = format('No unique index that is valid, immediate and over all rows covers exactly (%s)%s.', listed,
			CASE WHEN last_column IS NOT NULL THEN format(', with %I as its last column', last_column)
				WHEN admitted <> '{}' THEN format(', or these and what says the partition, %s', array_to_string(admitted, ', '))
				ELSE '' END),
		HINT = CASE WHEN govcase.partition_columns(target) <@ column_names
			THEN format('ALTER TABLE %s ADD PRIMARY KEY (%s), or name other columns.', target, listed)
			ELSE format('Name a key that includes what says the partition: %s.',
				array_to_string(govcase.partition_columns(target), ', ')) END,
		TABLE = table_name;
END
$$;
COMMENT ON FUNCTION govcase.require_unique(regclass, text[], text, text[]) IS
'raises an error unless a unique index covers exactly the columns, or these and admitted ones';

CREATE FUNCTION govcase.mapping_columns(
	mapping jsonb, OUT role text, OUT column_name name, OUT ordinal integer)
RETURNS SETOF record
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT e.role, e.name::name, row_number() OVER (ORDER BY e.place, e.n, e.role COLLATE "C")::integer
	FROM (
		SELECT m.role, k.name, k.n,
			CASE m.role WHEN 'key' THEN 1 WHEN 'state' THEN 2 WHEN 'risk' THEN 3 ELSE 4 END AS place
		FROM jsonb_each(mapping) AS m(role, value)
			CROSS JOIN LATERAL jsonb_array_elements_text(
				CASE jsonb_typeof(m.value) WHEN 'array' THEN m.value ELSE jsonb_build_array(m.value) END)
				WITH ORDINALITY AS k(name, n)) e
$$;
COMMENT ON FUNCTION govcase.mapping_columns(jsonb) IS
'roles and columns of a mapping in the order in which a carrier lists them';

CREATE FUNCTION govcase.require_read_committed(what text)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	-- An older snapshot would miss rows that came in while this waited for the lock.
	IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
		RAISE active_sql_transaction USING
			MESSAGE = format('%s must run at isolation level READ COMMITTED', what),
			DETAIL = format('This transaction is %s and might not see every row.',
				upper(current_setting('transaction_isolation')));
	END IF;
END
$$;
COMMENT ON FUNCTION govcase.require_read_committed(text) IS
'raises an error where the transaction''s snapshot could be older than the lock that a check of all rows needs';

CREATE FUNCTION govcase.policy_facts(
	policy text,
	OUT version integer, OUT one_colour boolean, OUT needs_links boolean)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	SELECT v.version, jsonb_array_length(v.rules -> 'risks') = 1,
		jsonb_path_exists(v.rules, '$.moves[*].needs[*] ? (@.kind == "link")')
	INTO version, one_colour, needs_links
	FROM govcase.policy_version v
	WHERE v.policy = policy_facts.policy
	ORDER BY v.version DESC LIMIT 1;
	IF FOUND THEN
		RETURN;
	END IF;
	IF EXISTS (SELECT FROM govcase.policy p WHERE p.policy = policy_facts.policy) THEN
		RAISE undefined_object USING
			MESSAGE = format('policy "%s" was never activated', policy),
			HINT = format('SELECT govcase.activate_policy(%L) checks it and puts it in force.', policy);
	END IF;
	RAISE undefined_object USING
		MESSAGE = format('policy "%s" does not exist', policy),
		HINT = format('Policies in force are %s.', coalesce(
			(SELECT string_agg(DISTINCT v.policy, ', ') FROM govcase.policy_version v), 'none'));
END
$$;
COMMENT ON FUNCTION govcase.policy_facts(text) IS
'what protect_cases() must know of the version in force of a policy';

CREATE FUNCTION govcase.resolve_case_columns(
	cases regclass, policy text, columns jsonb, with_links boolean)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	given CONSTANT jsonb := coalesce(columns, '{}');
	one_colour boolean;
	mapping jsonb := '{}';
	missing text[] := '{}';
	names text[];
	seen pg_attribute;
	wanted record;
	cases_name text;
BEGIN
	SELECT c.relname INTO cases_name FROM pg_class c WHERE c.oid = cases;
	IF jsonb_typeof(given) <> 'object' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = '"columns" must be a JSON object',
			HINT = 'Give roles and column names, as in ''{"state": "status", "leader": "boss"}''.';
	END IF;
	SELECT f.one_colour INTO one_colour FROM govcase.policy_facts(policy) f;

	SELECT g.role INTO wanted FROM jsonb_object_keys(given) AS g(role)
	WHERE g.role NOT IN ('key', 'state', 'risk')
		AND g.role NOT IN (SELECT r.role FROM govcase.policy_roles(policy) r)
	ORDER BY g.role COLLATE "C" LIMIT 1;
	IF FOUND THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('policy "%s" has no role "%s"', policy, wanted.role),
			HINT = format('Its roles are %s.', (
				SELECT string_agg(x.role, ', ' ORDER BY x.n, x.role COLLATE "C") FROM (
					VALUES (1, 'key'), (2, 'state'), (3, 'risk')
					UNION ALL
					SELECT 4, r.role FROM govcase.policy_roles(policy) r) AS x(n, role)));
	END IF;

	-- The key: as given, or the primary key.
	names := govcase.named_columns(given, 'key', 'columns');
	IF names IS NULL THEN
		SELECT array_agg(a.attname::text ORDER BY k.n) INTO names
		FROM pg_index i
			CROSS JOIN unnest((i.indkey::int2[])[0:i.indnkeyatts - 1]) WITH ORDINALITY AS k(attnum, n)
			JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
		WHERE i.indrelid = cases AND i.indisprimary;
		IF names IS NULL THEN
			RAISE undefined_column USING
				MESSAGE = format('table "%s" has no primary key', cases_name),
				HINT = format('Name its key, as in columns => ''{"key": "id"}''; the table has the columns %s.',
					govcase.column_list(cases)),
				TABLE = cases_name;
		END IF;
	END IF;
	IF cardinality(names) > 4 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('key of table "%s" has %s columns', cases_name, cardinality(names)),
			DETAIL = 'A case is known by at most four columns together.',
			HINT = 'Name fewer columns that are unique together.',
			TABLE = cases_name;
	END IF;
	IF cardinality(names) <> (SELECT count(DISTINCT n.name) FROM unnest(names) AS n(name)) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('key of table "%s" names a column twice', cases_name),
			TABLE = cases_name;
	END IF;
	mapping := jsonb_build_object('key', to_jsonb(names));
	FOR i IN 1 .. cardinality(names) LOOP
		seen := govcase.require_column(cases, names[i], 'key', 'columns');
		IF govcase.key_class(seen.atttypid) IS NULL THEN
			RAISE datatype_mismatch USING
				MESSAGE = format('column "%s" of table "%s" is of type %s, which no key can be of',
					names[i], cases_name, format_type(seen.atttypid, seen.atttypmod)),
				HINT = format('A key column is of type %s.', govcase.role_types('key')),
				TABLE = cases_name, COLUMN = names[i];
		END IF;
		IF NOT coalesce((SELECT c.collisdeterministic FROM pg_collation c
				WHERE c.oid = seen.attcollation), true) THEN
			RAISE datatype_mismatch USING
				MESSAGE = format('key column "%s" of table "%s" has a nondeterministic collation',
					names[i], cases_name),
				DETAIL = 'Two spellings of one key would have two hashes.',
				HINT = 'Give the column a deterministic collation.',
				TABLE = cases_name, COLUMN = names[i];
		END IF;
	END LOOP;

	-- State, risk and the policy's own roles: as given, or columns of their names.
	FOR wanted IN
		SELECT x.role, x.kind FROM (
			SELECT 1 AS n, 'state' AS role, 'state' AS kind
			UNION ALL
			SELECT 2, 'risk', 'risk' WHERE NOT one_colour OR given ? 'risk'
			UNION ALL
			SELECT 3, r.role, r.kind FROM govcase.policy_roles(policy) r) x
		ORDER BY x.n, x.role COLLATE "C"
	LOOP
		names := coalesce(govcase.named_columns(given, wanted.role, 'columns'), (
			SELECT ARRAY[a.attname::text] FROM pg_attribute a
			WHERE a.attrelid = cases AND a.attname = wanted.role AND a.attnum > 0
				AND NOT a.attisdropped));
		IF names IS NULL THEN
			missing := missing || wanted.role;
			CONTINUE;
		END IF;
		seen := govcase.require_column(cases, names[1], wanted.role, 'columns');
		IF NOT govcase.role_takes(wanted.kind, seen.atttypid) THEN
			RAISE datatype_mismatch USING
				MESSAGE = format('column "%s" of table "%s" is of type %s, but role "%s" takes %s',
					names[1], cases_name, format_type(seen.atttypid, seen.atttypmod),
					wanted.role, govcase.role_types(wanted.kind)),
				HINT = CASE WHEN wanted.kind IN ('state', 'risk') THEN
					format('SELECT govcase.map_column(%L, %L, %L, ''{"%s": "%s", ...}'') turns its labels into that type.',
						cases, names[1], govcase.role_types(wanted.kind), 'your label',
						CASE wanted.kind WHEN 'state' THEN 'handling' ELSE 'yellow' END)
					ELSE 'Name another column, or change the type of this one.' END,
				TABLE = cases_name, COLUMN = names[1];
		END IF;
		mapping := mapping || jsonb_build_object(wanted.role, names[1]);
	END LOOP;
	IF missing <> '{}' THEN
		RAISE undefined_column USING
			MESSAGE = format('table "%s" has no column for %s of policy "%s"', cases_name,
				CASE cardinality(missing)
					WHEN 1 THEN format('role "%s"', missing[1])
					ELSE 'roles "' || array_to_string(missing, '", "') || '"' END,
				policy),
			HINT = format('Name one, as in columns => ''{"%s": "..."}''; the table has the columns %s.',
				missing[1], govcase.column_list(cases)),
			TABLE = cases_name;
	END IF;

	-- What stands in every link, and what the triggers compare, is never null.
	FOR wanted IN
		SELECT a.attname, a.attnotnull, a.attgenerated, a.attnum, e.role,
			e.role IN ('key', 'state', 'risk') AS always
		FROM govcase.mapping_columns(mapping) e
			JOIN pg_attribute a ON a.attrelid = cases AND a.attname = e.column_name
		ORDER BY e.ordinal
	LOOP
		IF wanted.always AND NOT wanted.attnotnull THEN
			RAISE invalid_table_definition USING
				MESSAGE = format('column "%s" of table "%s" bears role "%s" and may be null',
					wanted.attname, cases_name, wanted.role),
				HINT = format('ALTER TABLE %s ALTER COLUMN %I SET NOT NULL first.', cases, wanted.attname),
				TABLE = cases_name, COLUMN = wanted.attname;
		END IF;
		IF wanted.attgenerated = 'v' THEN
			RAISE invalid_table_definition USING
				MESSAGE = format('column "%s" of table "%s" bears role "%s" and is a virtual generated column',
					wanted.attname, cases_name, wanted.role),
				DETAIL = 'It is stored nowhere, so that no trigger sees its value.',
				HINT = 'Make it a stored one.',
				TABLE = cases_name, COLUMN = wanted.attname;
		END IF;
	END LOOP;
	/*
	 * A unique index of a partitioned table must cover what says the partition.
	 * Where that is no part of the key, the chain holds the key unique: nobody
	 * registers a case that has one.
	 */
	PERFORM govcase.require_unique(cases, govcase.named_columns(mapping, 'key', 'columns'), NULL,
		CASE WHEN with_links THEN govcase.partition_columns(cases) ELSE '{}' END);
	RETURN mapping;
END
$$;
COMMENT ON FUNCTION govcase.resolve_case_columns(regclass, text, jsonb, boolean) IS
'the column that bears each role of a policy, after every check of design and type, or an error that says what is wrong';

CREATE FUNCTION govcase.mapping_difference(one jsonb, other jsonb)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT string_agg(format('Role "%s" is borne by %s, not %s.', r.role,
			coalesce(one ->> r.role, 'no column'), coalesce(other ->> r.role, 'no column')),
		' ' ORDER BY r.role COLLATE "C")
	FROM (SELECT jsonb_object_keys(one || other)) AS r(role)
	WHERE one -> r.role IS DISTINCT FROM other -> r.role
$$;
COMMENT ON FUNCTION govcase.mapping_difference(jsonb, jsonb) IS
'how two mappings of roles to columns differ, in words; NULL where they do not';

CREATE FUNCTION govcase.link_roles(
	OUT role text, OUT type regtype, OUT filled boolean, OUT optional boolean, OUT ordinal integer)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE ROWS 21
SET search_path = pg_catalog, pg_temp
AS $$
	-- filled: by the trigger alone, so that a default would contradict it;
	-- optional: null on links of some kinds
	VALUES ('seq', 'int8'::regtype, true, false, 1),
		('happened_at', 'timestamptz', false, false, 2),
		('recorded_at', 'timestamptz', true, false, 3),
		('recorded_in', 'int8', true, false, 4),
		('kind', 'text', false, false, 5),
		('actor', 'text', false, false, 6),
		('db_user', 'text', true, false, 7),
		('from_state', 'govcase.case_state', true, true, 8),
		('to_state', 'govcase.case_state', true, true, 9),
		('from_risk', 'govcase.risk_level', true, true, 10),
		('to_risk', 'govcase.risk_level', true, true, 11),
		('policy', 'text', true, true, 12),
		('version', 'int4', true, true, 13),
		('chain_set', 'uuid', true, true, 14),
		('target_seq', 'int8', true, true, 15),
		('satisfied', 'bool', false, true, 16),
		('note', 'text', false, true, 17),
		('salt', 'bytea', true, true, 18),
		('note_digest', 'bytea', true, true, 19),
		('prev_hash', 'bytea', true, false, 20),
		('hash', 'bytea', true, false, 21)
$$;
COMMENT ON FUNCTION govcase.link_roles() IS
'the parts of a link beside its key: type, whether the trigger alone fills it, whether it can be null';

CREATE FUNCTION govcase.resolve_link_columns(
	follow_ups regclass, link_columns jsonb, cases regclass, case_mapping jsonb)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	given CONSTANT jsonb := coalesce(link_columns, '{}');
	case_key CONSTANT text[] := govcase.named_columns(case_mapping, 'key', 'columns');
	mapping jsonb := '{}';
	missing text[] := '{}';
	names text[];
	seen pg_attribute;
	key_type regtype;
	wanted record;
	links_name text;
	seq_column text;
BEGIN
	SELECT c.relname INTO links_name FROM pg_class c WHERE c.oid = follow_ups;
	IF jsonb_typeof(given) <> 'object' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = '"link_columns" must be a JSON object',
			HINT = 'Give parts of a link and column names, as in ''{"key": "dispute_id", "note": "remark"}''.';
	END IF;
	SELECT g.role INTO wanted FROM jsonb_object_keys(given) AS g(role)
	WHERE g.role <> 'key' AND g.role NOT IN (SELECT r.role FROM govcase.link_roles() r)
	ORDER BY g.role COLLATE "C" LIMIT 1;
	IF FOUND THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('a link has no part "%s"', wanted.role),
			HINT = format('Its parts are key, %s.', (
				SELECT string_agg(r.role, ', ' ORDER BY r.ordinal) FROM govcase.link_roles() r));
	END IF;

	FOR wanted IN SELECT r.* FROM govcase.link_roles() r ORDER BY r.ordinal LOOP
		names := coalesce(govcase.named_columns(given, wanted.role, 'link_columns'), (
			SELECT ARRAY[a.attname::text] FROM pg_attribute a
			WHERE a.attrelid = follow_ups AND a.attname = wanted.role AND a.attnum > 0
				AND NOT a.attisdropped));
		IF names IS NULL THEN
			missing := missing || wanted.role;
			CONTINUE;
		END IF;
		seen := govcase.require_column(follow_ups, names[1], wanted.role, 'link_columns');
		IF seen.atttypid <> wanted.type THEN
			RAISE datatype_mismatch USING
				MESSAGE = format('column "%s" of table "%s" is of type %s, but "%s" of a link is %s',
					names[1], links_name, format_type(seen.atttypid, seen.atttypmod),
					wanted.role, wanted.type),
				HINT = 'Change its type, or make the table with govcase.create_follow_ups().',
				TABLE = links_name, COLUMN = names[1];
		END IF;
		IF seen.attidentity <> '' OR seen.attgenerated <> ''
			OR (wanted.filled AND seen.atthasdef) THEN
			RAISE invalid_table_definition USING
				MESSAGE = format('column "%s" of table "%s" fills itself', names[1], links_name),
				DETAIL = format('"%s" of a link is for its trigger to fill.', wanted.role),
				HINT = CASE
					WHEN seen.attidentity <> '' THEN format('ALTER TABLE %s ALTER COLUMN %I DROP IDENTITY first.', follow_ups, names[1])
					WHEN seen.attgenerated <> '' THEN 'Name an ordinary column.'
					ELSE format('ALTER TABLE %s ALTER COLUMN %I DROP DEFAULT first.', follow_ups, names[1]) END,
				TABLE = links_name, COLUMN = names[1];
		END IF;
		IF wanted.optional AND seen.attnotnull THEN
			RAISE invalid_table_definition USING
				MESSAGE = format('column "%s" of table "%s" must accept nulls', names[1], links_name),
				DETAIL = format('"%s" is null on links of some kinds.', wanted.role),
				HINT = format('ALTER TABLE %s ALTER COLUMN %I DROP NOT NULL first.', follow_ups, names[1]),
				TABLE = links_name, COLUMN = names[1];
		END IF;
		mapping := mapping || jsonb_build_object(wanted.role, names[1]);
	END LOOP;
	IF missing <> '{}' THEN
		RAISE undefined_column USING
			MESSAGE = format('table "%s" has no column for %s of a link', links_name,
				'"' || array_to_string(missing, '", "') || '"'),
			HINT = format('Name one, as in link_columns => ''{"%s": "..."}'', add it, or make the table with govcase.create_follow_ups(); the table has the columns %s.',
				missing[1], govcase.column_list(follow_ups)),
			TABLE = links_name;
	END IF;
	SELECT e.column_name, string_agg(e.role, '" and "' ORDER BY e.role COLLATE "C") AS roles INTO wanted
	FROM govcase.mapping_columns(mapping) e
	GROUP BY e.column_name HAVING count(*) > 1 ORDER BY e.column_name LIMIT 1;
	IF FOUND THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('column "%s" of table "%s" cannot be both "%s" of a link',
				wanted.column_name, links_name, wanted.roles),
			TABLE = links_name, COLUMN = wanted.column_name;
	END IF;
	seq_column := mapping ->> 'seq';

	/*
	 * The key: as given; or columns of the names that it has in the case table;
	 * or what the primary key consists of beside the number.
	 */
	names := govcase.named_columns(given, 'key', 'link_columns');
	IF names IS NULL AND NOT EXISTS (
		SELECT FROM unnest(case_key) AS k(name)
		WHERE NOT EXISTS (SELECT FROM pg_attribute a
				WHERE a.attrelid = follow_ups AND a.attname = k.name AND a.attnum > 0
					AND NOT a.attisdropped)
			OR k.name IN (SELECT e.column_name FROM govcase.mapping_columns(mapping) e)) THEN
		names := case_key;
	END IF;
	IF names IS NULL THEN
		SELECT array_agg(a.attname::text ORDER BY k.n) INTO names
		FROM pg_index i
			CROSS JOIN unnest((i.indkey::int2[])[0:i.indnkeyatts - 1]) WITH ORDINALITY AS k(attnum, n)
			JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
		WHERE i.indrelid = follow_ups AND i.indisprimary AND a.attname <> seq_column;
	END IF;
	IF names IS NULL THEN
		RAISE undefined_column USING
			MESSAGE = format('table "%s" has no column for "key" of a link', links_name),
			HINT = format('Name it, as in link_columns => ''{"key": "case_id"}''; the table has the columns %s.',
				govcase.column_list(follow_ups)),
			TABLE = links_name;
	END IF;
	IF cardinality(names) <> cardinality(case_key) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('key of table "%s" has %s columns and that of its cases %s', links_name,
				cardinality(names), cardinality(case_key)),
			DETAIL = format('The keys are (%s) and (%s).', array_to_string(names, ', '),
				array_to_string(case_key, ', ')),
			HINT = 'Name the key columns of both in the same order, as in link_columns => ''{"key": ["a", "b"]}''.',
			TABLE = links_name;
	END IF;
	FOR i IN 1 .. cardinality(names) LOOP
		seen := govcase.require_column(follow_ups, names[i], 'key', 'link_columns');
		SELECT a.atttypid INTO key_type FROM pg_attribute a
		WHERE a.attrelid = cases AND a.attname = case_key[i]::name;
		IF govcase.key_class(seen.atttypid) IS DISTINCT FROM govcase.key_class(key_type) THEN
			RAISE datatype_mismatch USING
				MESSAGE = format('key column "%s" of table "%s" is of type %s, but "%s" of its cases is %s',
					names[i], links_name, format_type(seen.atttypid, seen.atttypmod), case_key[i], key_type),
				HINT = 'Give both the same type.',
				TABLE = links_name, COLUMN = names[i];
		END IF;
		IF NOT coalesce((SELECT c.collisdeterministic FROM pg_collation c
				WHERE c.oid = seen.attcollation), true) THEN
			RAISE datatype_mismatch USING
				MESSAGE = format('key column "%s" of table "%s" has a nondeterministic collation',
					names[i], links_name),
				HINT = 'Give the column a deterministic collation.',
				TABLE = links_name, COLUMN = names[i];
		END IF;
		IF seen.attgenerated <> '' OR seen.attidentity = 'a' THEN
			RAISE invalid_table_definition USING
				MESSAGE = format('column "%s" of table "%s" fills itself', names[i], links_name),
				DETAIL = 'The key of a link is that of its case.',
				HINT = 'Name an ordinary column.',
				TABLE = links_name, COLUMN = names[i];
		END IF;
		IF names[i] IN (SELECT e.column_name FROM govcase.mapping_columns(mapping) e) THEN
			RAISE invalid_parameter_value USING
				MESSAGE = format('column "%s" of table "%s" cannot be both key and another part of a link',
					names[i], links_name),
				TABLE = links_name, COLUMN = names[i];
		END IF;
	END LOOP;
	mapping := mapping || jsonb_build_object('key', to_jsonb(names));
	PERFORM govcase.require_unique(follow_ups, names || seq_column, seq_column, '{}');

	-- govcase writes links of its own, which fill only these columns.
	SELECT a.attname INTO wanted
	FROM pg_attribute a
	WHERE a.attrelid = follow_ups AND a.attnum > 0 AND NOT a.attisdropped AND a.attnotnull
		AND NOT a.atthasdef AND a.attidentity = ''
		AND a.attname NOT IN (SELECT e.column_name FROM govcase.mapping_columns(mapping) e)
	ORDER BY a.attnum LIMIT 1;
	IF FOUND THEN
		RAISE invalid_table_definition USING
			MESSAGE = format('column "%s" of table "%s" is no part of a link and may not be null',
				wanted.attname, links_name),
			DETAIL = 'Registrations and transitions are written without it.',
			HINT = format('ALTER TABLE %s ALTER COLUMN %I DROP NOT NULL, or give it a default.',
				follow_ups, wanted.attname),
			TABLE = links_name, COLUMN = wanted.attname;
	END IF;
	RETURN mapping;
END
$$;
COMMENT ON FUNCTION govcase.resolve_link_columns(regclass, jsonb, regclass, jsonb) IS
'the column that holds each part of a link, after every check of shape and type, or an error that says what is wrong';

/* ---- Triggers: making, dropping ------------------------------------------- */

CREATE FUNCTION govcase.row_changes(target regclass, column_names name[])
RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	/*
	 * IS DISTINCT FROM is dumped without the schema of its operator, which a
	 * restore, whose search_path is empty, would not find for our types.
	 */
	SELECT string_agg(format(
		CASE
			WHEN a.atttypid IN ('govcase.case_state'::regtype, 'govcase.risk_level'::regtype)
				THEN 'OLD.%1$I OPERATOR(govcase.<>) NEW.%1$I'
			WHEN t.typnamespace <> 'pg_catalog'::regnamespace
				THEN 'OLD.%1$I::text IS DISTINCT FROM NEW.%1$I::text'
			WHEN a.attnotnull THEN 'OLD.%1$I <> NEW.%1$I'
			ELSE 'OLD.%1$I IS DISTINCT FROM NEW.%1$I'
		END, a.attname), ' OR ' ORDER BY n.n)
	FROM unnest(column_names) WITH ORDINALITY AS n(name, n)
		JOIN pg_attribute a ON a.attrelid = target AND a.attname = n.name
		JOIN pg_type t ON t.oid = a.atttypid
$$;
COMMENT ON FUNCTION govcase.row_changes(regclass, name[]) IS
'condition of a row trigger: one of the columns changes';

CREATE FUNCTION govcase.create_case_carrier(
	cases regclass, policy text, chain_set text, mapping jsonb, watched text[],
	without_links boolean, actor_function text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	columns text;
	arguments text;
BEGIN
	SELECT string_agg(quote_ident(c.column_name), ', ' ORDER BY c.ordinal),
		string_agg(quote_literal(c.roles), ', ' ORDER BY c.ordinal)
	INTO columns, arguments
	FROM (
		SELECT e.column_name, min(e.ordinal) AS ordinal,
			string_agg(quote_ident(e.role), ',' ORDER BY e.ordinal) AS roles
		FROM govcase.mapping_columns(mapping) e
		GROUP BY e.column_name) c;
	arguments := concat_ws(', ', quote_literal(policy), quote_literal(chain_set), arguments,
		CASE WHEN cardinality(watched) > 0 THEN quote_literal('watch=' || (
			SELECT string_agg(quote_ident(w.role), ',' ORDER BY w.role COLLATE "C")
			FROM unnest(watched) AS w(role))) END,
		CASE WHEN without_links THEN quote_literal('without_links') END,
		CASE WHEN actor_function IS NOT NULL
			THEN quote_literal('actor_function=' || actor_function) END);
	EXECUTE format('CREATE TRIGGER govcase_case_columns AFTER UPDATE OF %s ON %s '
		'FOR EACH STATEMENT WHEN (false) EXECUTE FUNCTION govcase.case_columns(%s)',
		columns, cases, arguments);
END
$$;
COMMENT ON FUNCTION govcase.create_case_carrier(regclass, text, text, jsonb, text[], boolean, text) IS
'writes down the protection of a case table in its carrier trigger';

CREATE FUNCTION govcase.create_link_carrier(follow_ups regclass, chain_set text, mapping jsonb)
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	columns text;
	arguments text;
BEGIN
	SELECT string_agg(quote_ident(e.column_name), ', ' ORDER BY r.ordinal NULLS FIRST, e.ordinal),
		string_agg(quote_literal(e.role), ', ' ORDER BY r.ordinal NULLS FIRST, e.ordinal)
	INTO columns, arguments
	FROM govcase.mapping_columns(mapping) e
		LEFT JOIN govcase.link_roles() r ON r.role = e.role;
	EXECUTE format('CREATE TRIGGER govcase_link_columns AFTER UPDATE OF %s ON %s '
		'FOR EACH STATEMENT WHEN (false) EXECUTE FUNCTION govcase.link_columns(%L, %s)',
		columns, follow_ups, chain_set, arguments);
END
$$;
COMMENT ON FUNCTION govcase.create_link_carrier(regclass, text, jsonb) IS
'writes down the shape of a follow-up table in its carrier trigger';

CREATE FUNCTION govcase.create_missing_triggers(target regclass, is_links boolean)
RETURNS SETOF text
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	changes text;
	missing record;
BEGIN
	IF NOT is_links THEN
		SELECT govcase.row_changes(target, array_agg(DISTINCT e.column_name)) INTO STRICT changes
		FROM govcase.carriers() c
			CROSS JOIN govcase.mapping_columns(c.mapping) e
		WHERE c.protected = target AND NOT c.of_links
			AND (e.role IN ('key', 'state', 'risk') OR e.role = ANY (c.watched));
	END IF;
	-- Row triggers are cloned to partitions; those of TRUNCATE are not.
	FOR missing IN
		SELECT e.relation, e.trigger_name
		FROM govcase.expected_triggers(target, is_links) e
		WHERE NOT e.present
			AND (e.relation = target OR e.trigger_name = 'govcase_keep_all')
	LOOP
		EXECUTE format(CASE missing.trigger_name
			WHEN 'govcase_register' THEN
				'CREATE TRIGGER %I AFTER INSERT ON %s FOR EACH ROW EXECUTE FUNCTION govcase.register_case()'
			WHEN 'govcase_transition' THEN
				'CREATE TRIGGER %I AFTER UPDATE ON %s FOR EACH ROW WHEN (%s) EXECUTE FUNCTION govcase.check_transition()'
			WHEN 'zz_govcase_append' THEN
				'CREATE TRIGGER %I BEFORE INSERT ON %s FOR EACH ROW EXECUTE FUNCTION govcase.append_link()'
			WHEN 'govcase_keep' THEN CASE
				WHEN is_links THEN
					'CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION govcase.keep_link()'
				ELSE 'CREATE TRIGGER %I AFTER DELETE ON %s FOR EACH ROW EXECUTE FUNCTION govcase.keep_case()' END
			WHEN 'govcase_keep_all' THEN CASE
				WHEN is_links THEN
					'CREATE TRIGGER %I BEFORE TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION govcase.keep_link()'
				ELSE 'CREATE TRIGGER %I BEFORE TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION govcase.keep_case()' END
			END, missing.trigger_name, missing.relation, changes);
		RETURN NEXT format('%s on %s', missing.trigger_name, missing.relation);
	END LOOP;
END
$$;
COMMENT ON FUNCTION govcase.create_missing_triggers(regclass, boolean) IS
'makes those triggers of a protected table that it lacks, and returns which';

CREATE FUNCTION govcase.drop_triggers(target regclass)
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	ours record;
BEGIN
	FOR ours IN
		SELECT t.tgname, t.tgrelid::regclass AS relation
		FROM govcase.table_tree(target) AS r(relation)
			JOIN pg_trigger t ON t.tgrelid = r.relation
			JOIN pg_proc p ON p.oid = t.tgfoid
		WHERE t.tgparentid = 0
			AND p.pronamespace = 'govcase'::regnamespace
			AND p.proname IN ('case_columns', 'register_case', 'check_transition', 'keep_case',
				'link_columns', 'append_link', 'keep_link')
	LOOP
		EXECUTE format('DROP TRIGGER %I ON %s', ours.tgname, ours.relation);
	END LOOP;
END
$$;
COMMENT ON FUNCTION govcase.drop_triggers(regclass) IS
'drops every trigger of a protection from a table and its partitions';

CREATE FUNCTION govcase.protected_pair(
	target regclass,
	OUT cases regclass, OUT follow_ups regclass, OUT chain_set text, OUT policy text,
	OUT mapping jsonb, OUT link_mapping jsonb, OUT without_links boolean, OUT actor_function text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	root regclass;
	seen record;
BEGIN
	PERFORM govcase.require_own_table(target);
	root := coalesce(pg_partition_root(target), target);
	PERFORM govcase.require_own_table(root);
	-- Raises where the two tables' carriers are missing, doubled or of two owners.
	SELECT p.cases, p.links INTO seen
	FROM govcase.protected_columns(root) p LIMIT 1;
	SELECT c.protected, c.chain_set, c.policy, c.mapping, c.without_links, c.actor_function
	INTO STRICT cases, chain_set, policy, mapping, without_links, actor_function
	FROM govcase.carriers() c WHERE c.protected = seen.cases AND NOT c.of_links;
	SELECT c.protected, c.mapping INTO follow_ups, link_mapping
	FROM govcase.carriers() c WHERE c.protected = seen.links AND c.of_links;
	EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE',
		concat_ws(', ', cases::text, follow_ups::text));
END
$$;
COMMENT ON FUNCTION govcase.protected_pair(regclass) IS
'the trusted protection that a table of the caller is part of, both tables locked; raises an error where there is none';

CREATE FUNCTION govcase.refuse_existing(cases regclass, policy text, hint text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	total bigint;
	problems bigint;
	shown text;
	cases_name text;
BEGIN
	WITH wrong AS (SELECT e.case_key, e.problem FROM govcase.check_existing(cases) e)
	SELECT count(DISTINCT w.case_key), count(*), (
		SELECT string_agg(format('%s: %s', f.case_key, f.problem), E'\n' ORDER BY f.case_key COLLATE "C", f.problem COLLATE "C")
		FROM (SELECT x.case_key, x.problem FROM wrong x ORDER BY x.case_key COLLATE "C", x.problem COLLATE "C" LIMIT 10) f)
	INTO total, problems, shown
	FROM wrong w;
	IF total = 0 THEN
		RETURN;
	END IF;
	SELECT c.relname INTO cases_name FROM pg_class c WHERE c.oid = cases;
	RAISE SQLSTATE 'VC001' USING
		MESSAGE = format(CASE total
			WHEN 1 THEN '%2$s row of table "%1$s" is where policy "%3$s" lets no case be'
			ELSE '%2$s rows of table "%1$s" are where policy "%3$s" lets no case be' END,
			cases_name, total, policy),
		DETAIL = concat_ws(E'\n', shown,
			CASE WHEN problems > 10 THEN format('... and %s more.', problems - 10) END),
		HINT = hint,
		SCHEMA = (SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE c.oid = cases),
		TABLE = cases_name;
END
$$;
COMMENT ON FUNCTION govcase.refuse_existing(regclass, text, text) IS
'raises VC001 with the first ten where rows of a protected table are where its policy lets no case be';

/* ---- What owners call ------------------------------------------------------ */

CREATE FUNCTION govcase.resolve_actor_function(cases regclass, actor_function regprocedure)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	seen record;
BEGIN
	IF actor_function IS NULL THEN
		RETURN NULL;
	END IF;
	SELECT n.nspname, p.proname, p.prokind, p.proretset, p.pronargs, p.prorettype INTO seen
	FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.oid = actor_function;
	IF seen.prokind IS DISTINCT FROM 'f' OR seen.proretset OR seen.pronargs <> 0
		OR NOT govcase.role_takes('person', seen.prorettype) THEN
		RAISE invalid_function_definition USING
			MESSAGE = format('%s cannot say who acts', actor_function),
			DETAIL = format('An actor function takes no argument and returns one value: %s.',
				govcase.role_types('person'));
	END IF;
	IF NOT has_function_privilege((SELECT c.relowner FROM pg_class c WHERE c.oid = cases),
			actor_function, 'EXECUTE') THEN
		RAISE insufficient_privilege USING
			MESSAGE = format('owner of table %s may not execute %s',
				(SELECT c.relname FROM pg_class c WHERE c.oid = cases), actor_function),
			HINT = format('GRANT EXECUTE ON FUNCTION %s to whoever changes cases.', actor_function);
	END IF;
	RETURN format('%I.%I', seen.nspname, seen.proname);
END
$$;
COMMENT ON FUNCTION govcase.resolve_actor_function(regclass, regprocedure) IS
'the qualified name of a function that says who acts, or an error that says why it cannot';

CREATE FUNCTION govcase.require_chain_or_nothing(follow_ups regclass, link_mapping jsonb)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	wrong bigint;
	links_name text;
BEGIN
	PERFORM govcase.require_all_rows_visible(follow_ups);
	EXECUTE format('SELECT count(*) FROM %1$s l WHERE l.%2$I IS NULL OR l.%3$I IS NULL '
		'OR l.%4$I IS NULL OR l.%4$I < 1 OR l.%4$I = 1 AND l.%5$I IS DISTINCT FROM %6$L',
		follow_ups, link_mapping ->> 'hash', link_mapping ->> 'prev_hash', link_mapping ->> 'seq',
		link_mapping ->> 'kind', 'registered')
	INTO wrong;
	IF wrong > 0 THEN
		SELECT c.relname INTO links_name FROM pg_class c WHERE c.oid = follow_ups;
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('follow-up table "%s" holds rows that are no links of a chain', links_name),
			DETAIL = format(CASE wrong WHEN 1 THEN '%s row has no hash, or begins a chain and is no registration.'
				ELSE '%s rows have no hash, or begin a chain and are no registration.' END, wrong),
			HINT = 'Begin with an empty follow-up table; earlier notes can be added as links once it is protected.',
			TABLE = links_name;
	END IF;
END
$$;
COMMENT ON FUNCTION govcase.require_chain_or_nothing(regclass, jsonb) IS
'raises an error where a table to be made a follow-up table holds rows that an earlier protection did not write';

CREATE FUNCTION govcase.protect_cases(
	cases regclass,
	policy text,
	follow_ups regclass DEFAULT NULL,
	columns jsonb DEFAULT '{}',
	link_columns jsonb DEFAULT '{}',
	accept_existing boolean DEFAULT false,
	without_links boolean DEFAULT false,
	actor_function regprocedure DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	cases_name text;
	links_name text;
	facts record;
	mapping jsonb;
	link_mapping jsonb;
	watched text[];
	actor text;
	chain_set CONSTANT text := gen_random_uuid();
	present record;
	differences text[];
BEGIN
	PERFORM govcase.require_own_table(cases);
	IF follow_ups IS NOT NULL THEN
		PERFORM govcase.require_own_table(follow_ups);
	END IF;
	IF policy IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'policy must not be null';
	END IF;
	SELECT c.relname INTO cases_name FROM pg_class c WHERE c.oid = cases;
	SELECT c.relname INTO links_name FROM pg_class c WHERE c.oid = follow_ups;
	IF cases = follow_ups THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('table "%s" cannot be its own follow-up table', cases_name),
			HINT = 'Name a table of links, or make one with govcase.create_follow_ups().';
	END IF;
	PERFORM govcase.require_read_committed('protect_cases()');
	EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE',
		concat_ws(', ', cases::text, follow_ups::text));
	PERFORM govcase.require_protectable(cases);
	IF follow_ups IS NOT NULL THEN
		PERFORM govcase.require_protectable(follow_ups);
		IF (SELECT count(DISTINCT c.relowner) FROM pg_class c WHERE c.oid IN (cases, follow_ups)) <> 1 THEN
			RAISE invalid_table_definition USING
				MESSAGE = format('tables "%s" and "%s" have different owners', cases_name, links_name),
				DETAIL = format('They belong to %s and %s.',
					(SELECT pg_get_userbyid(c.relowner) FROM pg_class c WHERE c.oid = cases),
					(SELECT pg_get_userbyid(c.relowner) FROM pg_class c WHERE c.oid = follow_ups)),
				HINT = 'Give both to one role: their triggers act as the owner of the two.',
				TABLE = links_name;
		END IF;
	END IF;

	-- What is asked for, every column of it checked.
	-- No version may come into force between reading the rules and obeying them.
	PERFORM govcase.policy_facts(policy);
	PERFORM govcase.hold_policy(policy);
	SELECT f.* INTO facts FROM govcase.policy_facts(policy) f;
	mapping := govcase.resolve_case_columns(cases, policy, columns, follow_ups IS NOT NULL);
	watched := ARRAY(SELECT r.role FROM govcase.policy_roles(policy) r WHERE r.watched);
	IF follow_ups IS NULL THEN
		IF coalesce(link_columns, '{}') <> '{}' THEN
			RAISE invalid_parameter_value USING
				MESSAGE = '"link_columns" is given but no follow-up table',
				HINT = 'Name it with follow_ups => ..., or make it with govcase.create_follow_ups().';
		END IF;
		IF facts.needs_links AND NOT coalesce(without_links, false) THEN
			RAISE invalid_parameter_value USING
				MESSAGE = format('policy "%s" needs links, but table "%s" is given no follow-up table',
					policy, cases_name),
				DETAIL = 'Some of its moves are legal only once the chain holds a mediation, a look_back or the like.',
				HINT = 'Make one with govcase.create_follow_ups() and name it with follow_ups => ...; or say without_links => true to do without what needs links.',
				TABLE = cases_name;
		END IF;
	ELSE
		IF without_links THEN
			RAISE invalid_parameter_value USING
				MESSAGE = format('"without_links" is true but follow-up table "%s" is given', links_name),
				HINT = 'Say one or the other.';
		END IF;
		link_mapping := govcase.resolve_link_columns(follow_ups, link_columns, cases, mapping);
	END IF;
	actor := govcase.resolve_actor_function(cases, actor_function);

	-- What is there.
	SELECT max(k.relname) AS name, string_agg(format('"%s"', c.carrier), ' and ' ORDER BY c.carrier) AS carriers
	INTO present
	FROM govcase.carriers() c JOIN pg_class k ON k.oid = c.protected
	WHERE c.protected IN (cases, follow_ups)
	GROUP BY c.protected HAVING count(*) > 1 LIMIT 1;
	IF FOUND THEN
		RAISE SQLSTATE 'VC007' USING
			MESSAGE = format('table "%s" has more than one carrier of a protection', present.name),
			DETAIL = format('They are %s.', present.carriers),
			HINT = 'Drop the trigger that is not yours, or call govcase.unprotect_cases() first.',
			TABLE = present.name;
	END IF;
	SELECT c.*, o.protected AS partner, o.mapping AS partner_mapping, k.relname AS partner_name INTO present
	FROM govcase.carriers() c
		LEFT JOIN govcase.carriers() o ON o.of_links <> c.of_links AND o.chain_set = c.chain_set
			AND o.owner = c.owner
		LEFT JOIN pg_class k ON k.oid = o.protected
	WHERE c.protected = cases;
	IF FOUND THEN
		IF present.of_links THEN
			RAISE object_not_in_prerequisite_state USING
				MESSAGE = format('table "%s" is itself a follow-up table', cases_name),
				DETAIL = format('Its cases are in %s.', coalesce(format('table "%s"', present.partner_name),
					'a table that cannot be found')),
				TABLE = cases_name;
		END IF;
		differences := array_remove(ARRAY[
			CASE WHEN present.policy <> policy
				THEN format('Its policy is "%s", not "%s".', present.policy, policy) END,
			CASE WHEN present.partner IS DISTINCT FROM follow_ups
				THEN format('Its follow-up table is %s, not %s.', coalesce(present.partner::text, 'none'),
					coalesce(follow_ups::text, 'none')) END,
			CASE WHEN present.policy = policy THEN govcase.mapping_difference(present.mapping, mapping) END,
			CASE WHEN present.partner = follow_ups
				THEN govcase.mapping_difference(present.partner_mapping, link_mapping) END,
			CASE WHEN present.actor_function IS DISTINCT FROM actor
				THEN format('Its actor function is %s, not %s.', coalesce(present.actor_function, 'none'),
					coalesce(actor, 'none')) END], NULL);
		IF differences = '{}' THEN
			RAISE NOTICE 'table "%" is already protected under policy "%", skipping', cases_name, policy;
			RETURN;
		END IF;
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('table "%s" is already protected under policy "%s"%s', cases_name,
				present.policy, CASE WHEN present.partner_name IS NOT NULL
					THEN format(' with follow-up table "%s"', present.partner_name) ELSE '' END),
			DETAIL = array_to_string(differences, ' '),
			HINT = CASE
				WHEN present.policy <> policy THEN 'Change the policy with govcase.change_policy(), or unprotect the table first.'
				ELSE 'Call govcase.unprotect_cases() first; its chain then goes on.' END,
			TABLE = cases_name;
	END IF;
	SELECT c.of_links, k.relname AS partner_name INTO present
	FROM govcase.carriers() c
		LEFT JOIN govcase.carriers() o ON o.of_links <> c.of_links AND o.chain_set = c.chain_set
			AND o.owner = c.owner
		LEFT JOIN pg_class k ON k.oid = o.protected
	WHERE c.protected = follow_ups;
	IF FOUND THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = CASE WHEN present.of_links
				THEN format('follow-up table "%s" already belongs to %s', links_name, coalesce(
					format('table "%s"', present.partner_name), 'a case table that cannot be found'))
				ELSE format('table "%s" is protected as a table of cases', links_name) END,
			DETAIL = format('It cannot hold the links of table "%s".', cases_name),
			HINT = 'A follow-up table serves one case table: make another with govcase.create_follow_ups().',
			TABLE = links_name;
	END IF;
	IF follow_ups IS NOT NULL THEN
		PERFORM govcase.require_chain_or_nothing(follow_ups, link_mapping);
	END IF;

	/*
	 * Each protection has a chain set of its own.  Where the table was protected
	 * before, the rows are registered again under the new one, on the chains that
	 * they have: so a chain tells when nobody watched.
	 */
	PERFORM govcase.create_case_carrier(cases, policy, chain_set, mapping, watched,
		follow_ups IS NULL, actor);
	IF follow_ups IS NOT NULL THEN
		PERFORM govcase.create_link_carrier(follow_ups, chain_set, link_mapping);
		PERFORM govcase.create_missing_triggers(follow_ups, true);
	END IF;
	PERFORM govcase.create_missing_triggers(cases, false);
	IF NOT coalesce(accept_existing, false) THEN
		PERFORM govcase.refuse_existing(cases, policy,
			'Correct them, or say accept_existing => true to register them as they are.');
	END IF;
	IF follow_ups IS NOT NULL THEN
		PERFORM govcase.register_existing(cases, coalesce(accept_existing, false));
		PERFORM govcase.create_term_index(cases);
	END IF;
END
$$;
COMMENT ON FUNCTION govcase.protect_cases(regclass, text, regclass, jsonb, jsonb, boolean, boolean, regprocedure) IS
'puts a table of cases, and its follow-up table, under a policy';

CREATE FUNCTION govcase.unprotect_cases(cases regclass)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	cases_name text;
	partner record;
BEGIN
	PERFORM govcase.require_own_table(cases);
	SELECT c.relname INTO cases_name FROM pg_class c WHERE c.oid = cases;
	IF (SELECT c.relispartition FROM pg_class c WHERE c.oid = cases) THEN
		RAISE wrong_object_type USING
			MESSAGE = format('table "%s" is a partition', cases_name),
			HINT = format('Name the root of its tree, %s.', pg_partition_root(cases)),
			TABLE = cases_name;
	END IF;
	-- A follow-up table left alone by its case table is freed, too.
	SELECT k.relname INTO partner
	FROM govcase.carriers() c
		JOIN govcase.carriers() o ON NOT o.of_links AND o.chain_set = c.chain_set AND o.owner = c.owner
		JOIN pg_class k ON k.oid = o.protected
	WHERE c.protected = cases AND c.of_links LIMIT 1;
	IF FOUND THEN
		RAISE wrong_object_type USING
			MESSAGE = format('table "%s" is a follow-up table', cases_name),
			HINT = format('Name the table of its cases, "%s".', partner.relname),
			TABLE = cases_name;
	END IF;
	IF NOT EXISTS (SELECT FROM govcase.carriers() c WHERE c.protected = cases) THEN
		RAISE NOTICE 'table "%" is not protected, skipping', cases_name;
		RETURN;
	END IF;
	/*
	 * Works on a protection that is not trusted, too: this is one way to set it
	 * right.  Only tables of the same owner were ever its partners.
	 */
	EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', cases);
	FOR partner IN
		SELECT DISTINCT o.protected
		FROM govcase.carriers() c
			JOIN govcase.carriers() o ON o.of_links AND o.chain_set = c.chain_set AND o.owner = c.owner
		WHERE c.protected = cases AND NOT c.of_links
	LOOP
		PERFORM govcase.drop_triggers(partner.protected);
	END LOOP;
	PERFORM govcase.drop_triggers(cases);
	PERFORM govcase.drop_term_index(cases);
END
$$;
COMMENT ON FUNCTION govcase.unprotect_cases(regclass) IS
'takes the protection off a table of cases and its follow-up table; columns and rows stay';

CREATE FUNCTION govcase.change_policy(
	cases regclass,
	policy text,
	columns jsonb DEFAULT '{}',
	without_links boolean DEFAULT false)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	pair record;
	facts record;
	mapping jsonb;
	cases_name text;
BEGIN
	SELECT p.* INTO pair FROM govcase.protected_pair(cases) p;
	IF policy IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'policy must not be null';
	END IF;
	PERFORM govcase.require_read_committed('change_policy()');
	SELECT c.relname INTO cases_name FROM pg_class c WHERE c.oid = pair.cases;
	-- No version may come into force between reading the rules and obeying them.
	PERFORM govcase.policy_facts(policy);
	PERFORM govcase.hold_policy(policy);
	SELECT f.* INTO facts FROM govcase.policy_facts(policy) f;
	IF pair.follow_ups IS NULL AND facts.needs_links AND NOT coalesce(without_links, false)
		AND NOT (SELECT f.needs_links FROM govcase.policy_facts(pair.policy) f) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('policy "%s" needs links, but table "%s" has no follow-up table',
				policy, cases_name),
			HINT = 'Unprotect the table and protect it with one, or say without_links => true to do without what needs links.',
			TABLE = cases_name;
	END IF;

	-- Roles that the new policy shares with the old keep their columns.
	mapping := govcase.resolve_case_columns(pair.cases, policy, (
		SELECT coalesce(jsonb_object_agg(m.role, m.value), '{}')
		FROM jsonb_each(pair.mapping) AS m(role, value)
		WHERE m.role IN ('key', 'state') OR (m.role = 'risk' AND NOT facts.one_colour)
			OR m.role IN (SELECT r.role FROM govcase.policy_roles(policy) r))
		|| coalesce(columns, '{}'), pair.follow_ups IS NOT NULL);
	IF mapping = pair.mapping AND policy = pair.policy THEN
		RAISE NOTICE 'table "%" is already protected under policy "%", skipping', cases_name, policy;
		RETURN;
	END IF;
	IF mapping -> 'key' <> pair.mapping -> 'key' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('key of table "%s" cannot change with its policy', cases_name),
			DETAIL = format('It is %s, and every hash of its links rests on it.', pair.mapping -> 'key'),
			TABLE = cases_name;
	END IF;

	PERFORM govcase.drop_triggers(pair.cases);
	PERFORM govcase.create_case_carrier(pair.cases, policy, pair.chain_set, mapping,
		ARRAY(SELECT r.role FROM govcase.policy_roles(policy) r WHERE r.watched),
		pair.follow_ups IS NULL, pair.actor_function);
	PERFORM govcase.create_missing_triggers(pair.cases, false);
	PERFORM govcase.refuse_existing(pair.cases, policy, format(
		'Nothing was changed: policy "%s" stays. Correct the rows first, or unprotect the table and protect it with accept_existing => true.',
		pair.policy));
	IF pair.follow_ups IS NOT NULL THEN
		PERFORM govcase.create_term_index(pair.cases);
	END IF;
END
$$;
COMMENT ON FUNCTION govcase.change_policy(regclass, text, jsonb, boolean) IS
'puts a protected table under another policy once every row of it fits; the chain set stays';

CREATE FUNCTION govcase.alter_protected(target regclass, column_name text, new_type text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	pair record;
	own_mapping jsonb;
	type regtype;
	place integer;
	changes jsonb;
	change record;
	wrong record;
	target_name text;
	mapping jsonb;
	link_mapping jsonb;
BEGIN
	SELECT p.* INTO pair FROM govcase.protected_pair(target) p;
	SELECT c.relname INTO target_name FROM pg_class c WHERE c.oid = target;
	IF target <> pair.cases AND target IS DISTINCT FROM pair.follow_ups THEN
		RAISE wrong_object_type USING
			MESSAGE = format('table "%s" is a partition', target_name),
			HINT = format('Name the root of its tree, %s.', pg_partition_root(target)),
			TABLE = target_name;
	END IF;
	IF column_name IS NULL OR new_type IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'column and type must not be null';
	END IF;
	own_mapping := CASE WHEN target = pair.cases THEN pair.mapping ELSE pair.link_mapping END;
	IF NOT EXISTS (SELECT FROM govcase.mapping_columns(own_mapping) e
			WHERE e.column_name = alter_protected.column_name::name) THEN
		RAISE undefined_column USING
			MESSAGE = format('column "%s" of table "%s" is not under protection', column_name, target_name),
			HINT = format('For a column of no role ALTER TABLE %s ALTER COLUMN ... TYPE will do.', target),
			TABLE = target_name, COLUMN = column_name;
	END IF;
	-- Only the whole text of a type name passes, so it can stand in a command.
	type := to_regtype(new_type);
	IF type IS NULL THEN
		RAISE undefined_object USING
			MESSAGE = format('type "%s" does not exist', new_type),
			HINT = 'Give a type that is not one of PostgreSQL''s own with its schema.';
	END IF;

	-- A key column changes in both tables; its class stays, and so do the hashes.
	SELECT e.n INTO place
	FROM jsonb_array_elements_text(own_mapping -> 'key') WITH ORDINALITY AS e(name, n)
	WHERE e.name = column_name;
	IF place IS NULL THEN
		SELECT e.role, govcase.role_types(k.kind) AS takes INTO wrong
		FROM govcase.mapping_columns(own_mapping) e
			LEFT JOIN (
				VALUES ('state', 'state'), ('risk', 'risk')
				UNION ALL
				SELECT r.role, r.kind FROM govcase.policy_roles(pair.policy) r) AS k(role, kind)
				ON k.role = e.role AND target = pair.cases
		WHERE e.column_name = alter_protected.column_name::name
			AND govcase.role_takes(k.kind, type) IS NOT TRUE
		ORDER BY e.ordinal LIMIT 1;
		IF FOUND THEN
			RAISE datatype_mismatch USING
				MESSAGE = format('column "%s" of table "%s" cannot become %s', column_name, target_name, type),
				DETAIL = CASE WHEN target = pair.cases
					THEN format('It bears role "%s", which takes %s.', wrong.role, wrong.takes)
					ELSE format('"%s" of a link is of the type that it has; only key columns can change.', wrong.role) END,
				TABLE = target_name, COLUMN = column_name;
		END IF;
		changes := jsonb_build_object(target::oid, column_name);
	ELSE
		IF govcase.key_class(type) IS DISTINCT FROM (
			SELECT govcase.key_class(a.atttypid) FROM pg_attribute a
			WHERE a.attrelid = target AND a.attname = column_name::name) THEN
			RAISE datatype_mismatch USING
				MESSAGE = format('key column "%s" of table "%s" cannot become %s', column_name,
					target_name, type),
				DETAIL = 'Hashes of links tell integers, texts, uuids and dates apart, and would no longer verify.',
				HINT = 'Change it within its class, such as integer to bigint.',
				TABLE = target_name, COLUMN = column_name;
		END IF;
		changes := jsonb_build_object(pair.cases::oid, pair.mapping -> 'key' -> (place - 1));
		IF pair.follow_ups IS NOT NULL THEN
			changes := changes || jsonb_build_object(pair.follow_ups::oid,
				pair.link_mapping -> 'key' -> (place - 1));
		END IF;
	END IF;

	PERFORM govcase.drop_triggers(pair.cases);
	IF pair.follow_ups IS NOT NULL THEN
		PERFORM govcase.drop_triggers(pair.follow_ups);
	END IF;
	-- Its condition names the state, whose type would not change under it.
	PERFORM govcase.drop_term_index(pair.cases);
	FOR change IN
		SELECT c.key::oid::regclass AS relation, c.value AS name FROM jsonb_each_text(changes) c
	LOOP
		EXECUTE format('ALTER TABLE %s ALTER COLUMN %I TYPE %s', change.relation, change.name, new_type);
	END LOOP;
	mapping := govcase.resolve_case_columns(pair.cases, pair.policy, pair.mapping,
		pair.follow_ups IS NOT NULL);
	PERFORM govcase.create_case_carrier(pair.cases, pair.policy, pair.chain_set, mapping,
		ARRAY(SELECT r.role FROM govcase.policy_roles(pair.policy) r WHERE r.watched),
		pair.follow_ups IS NULL, pair.actor_function);
	IF pair.follow_ups IS NOT NULL THEN
		link_mapping := govcase.resolve_link_columns(pair.follow_ups, pair.link_mapping, pair.cases, mapping);
		PERFORM govcase.create_link_carrier(pair.follow_ups, pair.chain_set, link_mapping);
		PERFORM govcase.create_missing_triggers(pair.follow_ups, true);
	END IF;
	PERFORM govcase.create_missing_triggers(pair.cases, false);
	IF pair.follow_ups IS NOT NULL THEN
		PERFORM govcase.create_term_index(pair.cases);
	END IF;
END
$$;
COMMENT ON FUNCTION govcase.alter_protected(regclass, text, text) IS
'changes the type of a column under protection, in both tables where it is part of the key';

/* ---- Columns of our types: into them, and out again ------------------------ */

CREATE FUNCTION govcase.column_dependents(target regclass, column_number smallint)
RETURNS text[]
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	-- What names the column in an expression, which another type would break.
	-- Of a generated column PostgreSQL 13 says that the column depends, not its expression.
	SELECT coalesce(array_agg(DISTINCT CASE WHEN f.oid IS NULL
			THEN pg_describe_object(d.classid, d.objid, 0)
			ELSE pg_describe_object('pg_attrdef'::regclass, f.oid, 0) END), '{}')
	FROM pg_depend d
		LEFT JOIN pg_constraint k ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid
		LEFT JOIN pg_index i ON d.classid = 'pg_class'::regclass AND i.indexrelid = d.objid
		LEFT JOIN pg_attrdef f ON (d.classid = 'pg_attrdef'::regclass AND f.oid = d.objid)
			OR (d.classid = 'pg_class'::regclass AND d.objid = target AND d.objsubid > 0
				AND f.adrelid = d.objid AND f.adnum = d.objsubid)
	WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = target
		AND d.refobjsubid = column_number
		AND (d.classid IN ('pg_rewrite'::regclass, 'pg_trigger'::regclass, 'pg_policy'::regclass)
			OR k.contype = 'c'
			OR i.indpred IS NOT NULL
			OR (i.indexprs IS NOT NULL AND NOT column_number = ANY (i.indkey::int2[]))
			OR f.adnum <> column_number)
$$;
COMMENT ON FUNCTION govcase.column_dependents(regclass, smallint) IS
'views, checks, triggers, policies, partial indexes and generated columns that name a column';

CREATE FUNCTION govcase.column_defaults(
	target regclass, column_name text, OUT relation regclass, OUT expression text, OUT value text)
RETURNS SETOF record
LANGUAGE plpgsql STABLE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	FOR relation, expression IN
		WITH RECURSIVE tree(relation) AS (
			SELECT target::oid
			UNION
			SELECT i.inhrelid FROM tree t JOIN pg_inherits i ON i.inhparent = t.relation
		)
		SELECT t.relation, pg_get_expr(d.adbin, d.adrelid)
		FROM tree t
			JOIN pg_attribute a ON a.attrelid = t.relation AND a.attname = column_name::name
				AND a.attgenerated = ''
			JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
	LOOP
		-- A literal, as pg_get_expr() writes one; anything else may differ from call to call.
		IF expression !~ '^\(?(''([^'']|'''')*''|-?[0-9]+|NULL)\)?(::[^(),;]+(\([0-9]+\))?)*$' THEN
			RAISE feature_not_supported USING
				MESSAGE = format('default of column "%s" of table %s is no constant', column_name, relation),
				DETAIL = format('It is %s.', expression),
				HINT = format('ALTER TABLE %s ALTER COLUMN %I DROP DEFAULT first.', relation, column_name),
				COLUMN = column_name;
		END IF;
		EXECUTE format('SELECT (%s)::text', expression) INTO value;
		RETURN NEXT;
	END LOOP;
END
$$;
COMMENT ON FUNCTION govcase.column_defaults(regclass, text) IS
'the constant defaults that a column has in a table and in each of its partitions and children';

CREATE FUNCTION govcase.rewrite_column(target regclass, column_name text, new_type text, expression text)
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	changed pg_attribute;
	target_name text;
	dependents text[];
	defaults jsonb := '{}';
	stored record;
	value text;
BEGIN
	SELECT a.* INTO STRICT changed FROM pg_attribute a
	WHERE a.attrelid = target AND a.attname = column_name::name;
	SELECT c.relname INTO target_name FROM pg_class c WHERE c.oid = target;
	dependents := govcase.column_dependents(target, changed.attnum);
	IF dependents <> '{}' THEN
		RAISE dependent_objects_still_exist USING
			MESSAGE = format('column "%s" of table "%s" cannot become %s while other objects name it',
				column_name, target_name, new_type),
			DETAIL = array_to_string(dependents, E'\n'),
			HINT = 'Drop them, and make those that are still wanted anew for the new type afterwards.',
			TABLE = target_name, COLUMN = column_name;
	END IF;
	IF changed.attgenerated <> '' THEN
		RAISE invalid_table_definition USING
			MESSAGE = format('column "%s" of table "%s" is generated', column_name, target_name),
			HINT = 'Change the columns that it is made from instead.',
			TABLE = target_name, COLUMN = column_name;
	END IF;

	FOR stored IN SELECT d.* FROM govcase.column_defaults(target, column_name) d LOOP
		EXECUTE format('SELECT (%s)::text FROM (SELECT (%s) AS %I) v', expression, stored.expression, column_name)
		INTO value;
		defaults := defaults || jsonb_build_object(stored.relation::oid, value);
		EXECUTE format('ALTER TABLE ONLY %s ALTER COLUMN %I DROP DEFAULT', stored.relation, column_name);
	END LOOP;
	EXECUTE format('ALTER TABLE %s ALTER COLUMN %I TYPE %s USING %s', target, column_name, new_type, expression);
	FOR stored IN SELECT d.key::oid::regclass AS relation, d.value FROM jsonb_each_text(defaults) d LOOP
		EXECUTE format('ALTER TABLE ONLY %s ALTER COLUMN %I SET DEFAULT %L', stored.relation, column_name,
			stored.value);
	END LOOP;
END
$$;
COMMENT ON FUNCTION govcase.rewrite_column(regclass, text, text, text) IS
'changes the type of a column by an expression over it, its defaults included';

CREATE FUNCTION govcase.map_column(target regclass, column_name text, new_type regtype, mapping jsonb)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	seen pg_attribute;
	target_name text;
	labels bigint;
	shown text;
	expression text;
	label text;
BEGIN
	PERFORM govcase.require_own_table(target);
	SELECT c.relname INTO target_name FROM pg_class c WHERE c.oid = target;
	IF column_name IS NULL OR new_type IS NULL OR mapping IS NULL THEN
		RAISE null_value_not_allowed USING
			MESSAGE = 'column, type and mapping must not be null';
	END IF;
	IF new_type NOT IN ('govcase.case_state'::regtype, 'govcase.risk_level'::regtype) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('labels cannot be mapped to type %s', new_type),
			HINT = 'Map them to govcase.case_state or to govcase.risk_level.';
	END IF;
	IF jsonb_typeof(mapping) <> 'object'
		OR jsonb_path_exists(mapping, '$.* ? (@.type() != "string")') THEN
		RAISE invalid_parameter_value USING
			MESSAGE = '"mapping" must be a JSON object of strings',
			HINT = 'Give each label of yours one of ours, as in ''{"Open": "handling", "Closed": "closed"}''.';
	END IF;
	IF (SELECT c.relispartition FROM pg_class c WHERE c.oid = target) THEN
		RAISE wrong_object_type USING
			MESSAGE = format('table "%s" is a partition', target_name),
			HINT = format('Name the root of its tree, %s.', pg_partition_root(target)),
			TABLE = target_name;
	END IF;
	SELECT a.* INTO seen FROM pg_attribute a
	WHERE a.attrelid = target AND a.attname = column_name::name
		AND a.attnum > 0 AND NOT a.attisdropped;
	IF NOT FOUND THEN
		RAISE undefined_column USING
			MESSAGE = format('column "%s" of table "%s" does not exist', column_name, target_name),
			HINT = format('The table has the columns %s.', govcase.column_list(target)),
			TABLE = target_name, COLUMN = column_name;
	END IF;
	IF seen.atttypid = new_type THEN
		RAISE NOTICE 'column "%" of table "%" is already of type %, skipping', column_name, target_name, new_type;
		RETURN;
	END IF;
	IF EXISTS (SELECT FROM govcase.carriers() c CROSS JOIN govcase.mapping_columns(c.mapping) e
			WHERE c.protected = target AND e.column_name = seen.attname) THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('column "%s" of table "%s" is under protection', column_name, target_name),
			HINT = 'Call govcase.unprotect_cases() first; the chain goes on when the table is protected again.',
			TABLE = target_name, COLUMN = column_name;
	END IF;
	PERFORM govcase.require_read_committed('map_column()');
	EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', target);
	PERFORM govcase.require_all_rows_visible(target);

	-- Their side: no label may be left over, be it only that of a default.
	EXECUTE format($query$
		SELECT count(*), string_agg(format('%%L (%%s)', x.label,
				CASE x.n WHEN 0 THEN 'a default' WHEN 1 THEN '1 row' ELSE x.n || ' rows' END),
			', ' ORDER BY x.place) FILTER (WHERE x.place <= 20)
		FROM (
			SELECT y.label, sum(y.n) AS n, row_number() OVER (ORDER BY sum(y.n) DESC, y.label) AS place
			FROM (
				SELECT t.%1$I::text COLLATE "C", count(*) FROM %2$s t GROUP BY 1
				UNION ALL
				SELECT d.label COLLATE "C", 0 FROM unnest($2) AS d(label)) AS y(label, n)
			WHERE y.label IS NOT NULL AND NOT $1 ? y.label
			GROUP BY y.label) x
		$query$, column_name, target)
	INTO labels, shown
	USING mapping, ARRAY(SELECT d.value FROM govcase.column_defaults(target, column_name) d);
	IF labels > 0 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('mapping lacks labels of column "%s" of table "%s"', column_name, target_name),
			DETAIL = format(CASE WHEN labels > 20 THEN 'They are %s and %s more.' ELSE 'They are %s.' END,
				shown, labels - 20),
			HINT = 'Add them to the mapping. Nothing was changed.',
			TABLE = target_name, COLUMN = column_name;
	END IF;
	-- Our side: each must be a label of the type, whose own error lists those it takes.
	FOR label IN SELECT DISTINCT m.value FROM jsonb_each_text(mapping) m LOOP
		EXECUTE format('SELECT $1::%s', new_type) USING label;
	END LOOP;

	SELECT format('CASE %1$I::text COLLATE "C" %2$s END', column_name,
		coalesce(string_agg(format('WHEN %L THEN %L::%s', m.key, m.value, new_type), ' ' ORDER BY m.key),
			format('WHEN NULL THEN NULL::%s', new_type)))
	INTO expression
	FROM jsonb_each_text(mapping) m;
	PERFORM govcase.rewrite_column(target, column_name, new_type::text, expression);
END
$$;
COMMENT ON FUNCTION govcase.map_column(regclass, text, regtype, jsonb) IS
'turns a status column of text, an enum or codes into case_state or risk_level, in one rewrite';

CREATE FUNCTION govcase.release(target regclass)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	tables regclass[];
	ours record;
BEGIN
	PERFORM govcase.require_own_table(target);
	IF (SELECT c.relispartition FROM pg_class c WHERE c.oid = target) THEN
		RAISE wrong_object_type USING
			MESSAGE = format('table "%s" is a partition', (SELECT c.relname FROM pg_class c WHERE c.oid = target)),
			HINT = format('Name the root of its tree, %s.', pg_partition_root(target));
	END IF;
	SELECT target || array_agg(DISTINCT o.protected ORDER BY o.protected) INTO tables
	FROM govcase.carriers() c
		JOIN govcase.carriers() o ON o.of_links AND o.chain_set = c.chain_set AND o.owner = c.owner
	WHERE c.protected = target AND NOT c.of_links;
	tables := array_remove(coalesce(tables, ARRAY[target]), NULL);
	PERFORM govcase.unprotect_cases(target);
	-- A copy of a protected table, never protected itself, may have one, too.
	PERFORM govcase.drop_term_index(target);
	FOR ours IN
		SELECT a.attrelid::regclass AS relation, a.attname,
			t.typcategory = 'A' AS is_array
		FROM unnest(tables) AS r(relation)
			JOIN pg_attribute a ON a.attrelid = r.relation AND a.attnum > 0 AND NOT a.attisdropped
			JOIN pg_type t ON t.oid = a.atttypid
		WHERE coalesce(nullif(t.typelem, 0), nullif(t.typbasetype, 0), t.oid) IN ('govcase.case_state'::regtype,
			'govcase.risk_level'::regtype)
		ORDER BY r.relation, a.attnum
	LOOP
		PERFORM govcase.rewrite_column(ours.relation, ours.attname,
			CASE WHEN ours.is_array THEN 'text[]' ELSE 'text' END,
			format(CASE WHEN ours.is_array THEN '%I::text[]' ELSE '%I::text' END, ours.attname));
	END LOOP;
END
$$;
COMMENT ON FUNCTION govcase.release(regclass) IS
'takes the protection off and turns the columns of govcase''s types into text, so that dropping the extension loses nothing';

/* ---- Seeing and mending ---------------------------------------------------- */

CREATE FUNCTION govcase.protections(
	OUT cases regclass, OUT follow_ups regclass, OUT policy text, OUT version integer,
	OUT columns jsonb, OUT link_columns jsonb, OUT chain_set uuid, OUT without_links boolean,
	OUT actor_function text, OUT triggers_missing text[], OUT triggers_disabled text[],
	OUT problem text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
	-- The same judgement as that of the triggers: VC007 wherever problem is not null.
	WITH carrier AS MATERIALIZED (
		SELECT c.*, count(*) OVER (PARTITION BY c.protected) AS on_table,
			count(*) OVER (PARTITION BY c.chain_set, c.owner, c.of_links) AS of_chain_set
		FROM govcase.carriers() c
	), pair AS (
		SELECT c.protected AS cases, l.protected AS follow_ups, c.policy, c.mapping,
			l.mapping AS link_mapping, coalesce(c.chain_set, l.chain_set) AS chain_set,
			c.without_links, c.actor_function,
			CASE
				WHEN greatest(c.on_table, l.on_table) > 1 THEN format('%s has more than one carrier',
					CASE WHEN c.on_table > 1 THEN c.protected ELSE l.protected END)
				WHEN greatest(c.of_chain_set, l.of_chain_set) > 1 THEN 'several tables of one owner bear this chain set'
				WHEN c.protected IS NULL THEN 'no case table of its owner bears this chain set'
				WHEN l.protected IS NULL AND NOT c.without_links
					THEN 'no follow-up table of its owner bears this chain set'
				WHEN NOT c.mapping ?& '{key,state}' THEN 'the carrier names no key or no state'
			END AS problem
		FROM (SELECT * FROM carrier WHERE NOT of_links) c
			FULL JOIN (SELECT * FROM carrier WHERE of_links) l
				ON l.chain_set = c.chain_set AND l.owner = c.owner
	)
	SELECT p.cases, p.follow_ups, p.policy,
		(SELECT max(v.version) FROM govcase.policy_version v WHERE v.policy = p.policy),
		p.mapping, p.link_mapping,
		CASE WHEN p.chain_set ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN p.chain_set::uuid END,
		p.without_links, p.actor_function, t.missing, t.disabled, p.problem
	FROM pair p
		CROSS JOIN LATERAL (
			SELECT array_agg(e.name ORDER BY e.name COLLATE "C") FILTER (WHERE NOT e.present) AS missing,
				array_agg(e.name ORDER BY e.name COLLATE "C") FILTER (WHERE e.present AND NOT e.enabled) AS disabled
			FROM (
				SELECT format('%s on %s', x.trigger_name, x.relation) AS name, x.present, x.enabled
				FROM govcase.expected_triggers(p.cases, false) x
				UNION ALL
				SELECT format('%s on %s', x.trigger_name, x.relation), x.present, x.enabled
				FROM govcase.expected_triggers(p.follow_ups, true) x) e) t
	ORDER BY p.cases::text COLLATE "C", p.follow_ups::text COLLATE "C"
$$;
COMMENT ON FUNCTION govcase.protections() IS
'every protection of the database: tables, policy and version, columns, triggers missing or not enabled as they should be, and why it cannot be trusted, if it cannot';

CREATE FUNCTION govcase.repair_triggers(target regclass)
RETURNS SETOF text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	pair record;
	wrong record;
BEGIN
	IF target = 'govcase.policy_version'::regclass THEN
		/*
		 * They must fire for replicated changes, too; loading data with
		 * --disable-triggers leaves them ordinary ones.
		 */
		PERFORM govcase.require_own_table(target);
		FOR wrong IN
			SELECT t.tgname AS trigger_name FROM pg_trigger t
			WHERE t.tgrelid = target AND NOT t.tgisinternal AND t.tgenabled <> 'A'
			ORDER BY t.tgname
		LOOP
			EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', target, wrong.trigger_name);
			RETURN NEXT format('%s on %s: enabled always', wrong.trigger_name, target);
		END LOOP;
		RETURN;
	END IF;

	SELECT p.* INTO pair FROM govcase.protected_pair(target) p;
	FOR wrong IN
		SELECT c.name FROM govcase.create_missing_triggers(pair.cases, false) AS c(name)
		UNION ALL
		SELECT c.name FROM govcase.create_missing_triggers(pair.follow_ups, true) AS c(name)
	LOOP
		RETURN NEXT format('%s: created', wrong.name);
	END LOOP;
	FOR wrong IN
		SELECT e.trigger_name, e.relation FROM govcase.expected_triggers(pair.cases, false) e
		WHERE e.present AND NOT e.enabled
		UNION ALL
		SELECT e.trigger_name, e.relation FROM govcase.expected_triggers(pair.follow_ups, true) e
		WHERE e.present AND NOT e.enabled
	LOOP
		EXECUTE format('ALTER TABLE ONLY %s ENABLE TRIGGER %I', wrong.relation, wrong.trigger_name);
		RETURN NEXT format('%s on %s: enabled', wrong.trigger_name, wrong.relation);
	END LOOP;
END
$$;
COMMENT ON FUNCTION govcase.repair_triggers(regclass) IS
'makes missing triggers of a protection anew and enables those that are not; also those of govcase.policy_version after a data-only restore';

/* ---- What happens to tables after they are protected ----------------------- */

CREATE FUNCTION govcase.partition_change(command pg_ddl_command)
RETURNS text
AS 'MODULE_PATHNAME', 'govcase_partition_change'
LANGUAGE C STABLE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION govcase.partition_change(pg_ddl_command) IS
'attach or detach, where a command seen by an event trigger did that to a partition';

CREATE FUNCTION govcase.follow_partitions()
RETURNS event_trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	carrier_functions oid[];
	altered record;
	seen record;
	change record;
	root regclass;
	is_links boolean;
BEGIN
	/*
	 * This runs for everybody's tables.  Up to the point where a protected one is
	 * met it reads nothing but the system catalogs, which everybody may read.
	 */
	PERFORM FROM pg_event_trigger_ddl_commands() d
		JOIN pg_inherits i ON d.objid IN (i.inhrelid, i.inhparent)
	WHERE d.classid = 'pg_class'::regclass;
	IF NOT FOUND THEN
		RETURN;
	END IF;
	carrier_functions := ARRAY(SELECT p.oid FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
		WHERE n.nspname = 'govcase' AND p.proname IN ('case_columns', 'link_columns'));
	IF NOT EXISTS (SELECT FROM pg_depend d
			WHERE d.classid = 'pg_trigger'::regclass AND d.refclassid = 'pg_proc'::regclass
				AND d.refobjid = ANY (carrier_functions)) THEN
		RETURN;
	END IF;

	FOR altered IN
		SELECT DISTINCT d.objid::regclass AS relation
		FROM pg_event_trigger_ddl_commands() d
		WHERE d.classid = 'pg_class'::regclass
	LOOP
		-- Plain inheritance, in either direction, and a protected root that became a partition.
		SELECT i.inhrelid::regclass AS child, i.inhparent::regclass AS parent,
			t.tgrelid::regclass AS protected, c.relispartition
		INTO seen
		FROM pg_inherits i
			JOIN pg_class c ON c.oid = i.inhrelid
			JOIN pg_trigger t ON t.tgfoid = ANY (carrier_functions)
				AND (t.tgrelid = i.inhrelid OR (t.tgrelid = i.inhparent AND NOT c.relispartition))
		WHERE altered.relation IN (i.inhrelid, i.inhparent)
		LIMIT 1;
		IF FOUND THEN
			RAISE feature_not_supported USING
				MESSAGE = CASE
					WHEN seen.relispartition THEN format('protected table %s cannot become a partition', seen.protected)
					WHEN seen.protected = seen.parent THEN format('protected table %s cannot have an inheritance child', seen.protected)
					ELSE format('protected table %s cannot inherit from another', seen.protected) END,
				DETAIL = CASE WHEN seen.protected = seen.parent
					THEN format('Rows of %s would appear in it without its triggers.', seen.child)
					ELSE format('Rows of it would appear in %s, where its key need not be unique.', seen.parent) END,
				HINT = CASE WHEN seen.protected = seen.parent
					THEN 'Partition the table instead, or unprotect it first.'
					ELSE 'Unprotect the table first.' END;
		END IF;

		root := pg_partition_root(altered.relation);
		SELECT p.proname = 'link_columns' INTO is_links
		FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
		WHERE t.tgrelid = root AND t.tgfoid = ANY (carrier_functions);
		CONTINUE WHEN NOT FOUND;
		FOR change IN
			SELECT govcase.partition_change(d.command) AS kind, d.command_tag
			FROM pg_event_trigger_ddl_commands() d
			WHERE d.classid = 'pg_class'::regclass AND d.objid = altered.relation
		LOOP
			IF change.kind = 'attach' OR change.command_tag = 'CREATE TABLE' THEN
				PERFORM govcase.take_in_partitions(root, is_links);
			ELSIF change.kind = 'detach' THEN
				PERFORM govcase.let_partitions_go(is_links);
			END IF;
		END LOOP;
	END LOOP;
END
$$;
COMMENT ON FUNCTION govcase.follow_partitions() IS
'event trigger: gives new partitions of protected tables the triggers they need, checks rows that an attached one brings, and refuses inheritance children';

CREATE FUNCTION govcase.take_in_partitions(root regclass, is_links boolean)
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	taken record;
	has_rows boolean;
BEGIN
	-- What lacks the trigger of TRUNCATE, which is not cloned, is new here.
	FOR taken IN
		SELECT e.relation, c.relkind, k.policy
		FROM govcase.expected_triggers(root, is_links) e
			JOIN pg_class c ON c.oid = e.relation
			JOIN govcase.carriers() k ON k.protected = root
		WHERE e.trigger_name = 'govcase_keep_all' AND NOT e.present AND e.relation <> root
	LOOP
		EXECUTE format('CREATE TRIGGER govcase_keep_all BEFORE TRUNCATE ON %s '
			'FOR EACH STATEMENT EXECUTE FUNCTION %s', taken.relation,
			CASE WHEN is_links THEN 'govcase.keep_link()' ELSE 'govcase.keep_case()' END);
		CONTINUE WHEN is_links OR taken.relkind = 'p';
		EXECUTE format('SELECT EXISTS (SELECT FROM %s)', taken.relation) INTO has_rows;
		CONTINUE WHEN NOT has_rows;
		PERFORM govcase.refuse_existing(taken.relation, taken.policy,
			'Correct the rows before the partition is attached.');
		PERFORM govcase.register_existing(taken.relation, false);
	END LOOP;
END
$$;
COMMENT ON FUNCTION govcase.take_in_partitions(regclass, boolean) IS
'gives each new partition of a protected table its trigger, and checks and registers the rows it brings';

CREATE FUNCTION govcase.let_partitions_go(is_links boolean)
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	gone record;
BEGIN
	/*
	 * DETACH takes the cloned triggers away and leaves the one of TRUNCATE, which
	 * nothing stands behind any more.
	 */
	FOR gone IN
		SELECT t.tgname, t.tgrelid::regclass AS relation
		FROM pg_depend d
			JOIN pg_trigger t ON t.oid = d.objid
			JOIN pg_class c ON c.oid = t.tgrelid
		WHERE d.classid = 'pg_trigger'::regclass AND d.refclassid = 'pg_proc'::regclass
			AND d.refobjid = CASE WHEN is_links THEN 'govcase.keep_link()'::regprocedure
				ELSE 'govcase.keep_case()'::regprocedure END
			AND t.tgname = 'govcase_keep_all' AND t.tgtype = 34
			AND pg_has_role(c.relowner, 'USAGE')
			AND NOT EXISTS (SELECT FROM govcase.carriers() k
				WHERE k.protected = coalesce(pg_partition_root(t.tgrelid), t.tgrelid))
	LOOP
		EXECUTE format('DROP TRIGGER %I ON %s', gone.tgname, gone.relation);
	END LOOP;
END
$$;
COMMENT ON FUNCTION govcase.let_partitions_go(boolean) IS
'takes the trigger of TRUNCATE off partitions that were detached from a protected table';

CREATE FUNCTION govcase.keep_protected_columns()
RETURNS event_trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	dropped record;
BEGIN
	-- DETACH drops cloned triggers, too, but internally, which is not reported.
	SELECT d.address_names[1] AS schema_name, d.address_names[2] AS table_name INTO dropped
	FROM pg_event_trigger_dropped_objects() d
	WHERE d.object_type = 'trigger' AND NOT d.original
		AND d.address_names[3] IN ('govcase_case_columns', 'govcase_transition', 'govcase_link_columns')
	LIMIT 1;
	IF FOUND THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('column of table "%s" is under protection and cannot be dropped', dropped.table_name),
			DETAIL = 'The protection would go with it, and nothing would be enforced any more.',
			HINT = 'Call govcase.unprotect_cases() first, and govcase.protect_cases() with another column afterwards.',
			SCHEMA = dropped.schema_name, TABLE = dropped.table_name;
	END IF;
END
$$;
COMMENT ON FUNCTION govcase.keep_protected_columns() IS
'event trigger: refuses ALTER TABLE ... DROP COLUMN ... CASCADE of a column under protection';

CREATE EVENT TRIGGER govcase_follow_partitions ON ddl_command_end
	WHEN TAG IN ('CREATE TABLE', 'ALTER TABLE', 'CREATE FOREIGN TABLE', 'ALTER FOREIGN TABLE', 'CREATE SCHEMA')
	EXECUTE FUNCTION govcase.follow_partitions();
COMMENT ON EVENT TRIGGER govcase_follow_partitions IS
'keeps protections whole when their tables gain or lose partitions';

CREATE EVENT TRIGGER govcase_keep_protected_columns ON sql_drop
	WHEN TAG IN ('ALTER TABLE')
	EXECUTE FUNCTION govcase.keep_protected_columns();
COMMENT ON EVENT TRIGGER govcase_keep_protected_columns IS
'keeps the columns of protections from being dropped by the way';
