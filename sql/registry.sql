-- registry: makes, drops, renames and upgrades a city's tables

/*
 * What a registry consists of stands in scripts, in plain SQL, one row each.
 * They run in the order of their positions, as the caller, with the registry's
 * schema first in the search_path, govcase second, and nothing that others can
 * write to; so their names need no qualification, and functions that they create
 * pin the same path with SET search_path FROM CURRENT.
 *
 * A script with a schema_version is a step.  It runs once in the life of a
 * registry: when that is made, or when it is upgraded past the version.  A script
 * without one is code (functions, views, policies): it runs at each of both.
 * Functions and views in it are CREATE OR REPLACE, which leaves who was granted
 * what; policies are dropped before it runs.
 *
 * Marks: @postgis@ is the schema of PostGIS, @srid@ the reference system of the
 * registry's geometries, @grants@ the rows of govcase.registry_grant as VALUES.
 * @row_view@ and @row_scope@ stand in views that show rows: after the view's name,
 * and in its condition.
 */
CREATE TABLE govcase.registry_script (
	part text PRIMARY KEY,
	position integer NOT NULL UNIQUE,
	schema_version integer CHECK (schema_version OPERATOR(pg_catalog.>) 0),
	script text NOT NULL
);
COMMENT ON TABLE govcase.registry_script IS 'what a registry is made of: scripts that create_registry() and upgrade_registry() run';
COMMENT ON COLUMN govcase.registry_script.part IS 'what the script makes';
COMMENT ON COLUMN govcase.registry_script.position IS 'scripts run in this order';
COMMENT ON COLUMN govcase.registry_script.schema_version IS 'version of the tables that this step leads to; null: code, which runs at every upgrade';
COMMENT ON COLUMN govcase.registry_script.script IS 'statements, with marks for what differs between registries';
GRANT SELECT ON govcase.registry_script TO PUBLIC;

/*
 * What each duty needs, beside the part that makes it.  admit() has it all in its
 * body, so that a registry whose extension is gone can still admit.
 */
CREATE TABLE govcase.registry_grant (
	duties text[] NOT NULL CHECK (duties OPERATOR(pg_catalog.<@) ARRAY['member', 'officer', 'centre', 'leader',
		'inspector', 'importer', 'analyst', 'admin', 'sign_in', 'all']),
	privilege text NOT NULL,
	target text NOT NULL,
	PRIMARY KEY (privilege, target, duties)
);
COMMENT ON TABLE govcase.registry_grant IS 'what admit() grants to a database role, by duty';
COMMENT ON COLUMN govcase.registry_grant.duties IS 'duties that need it; all: every one but sign_in';
COMMENT ON COLUMN govcase.registry_grant.privilege IS 'the privilege, as GRANT takes it';
COMMENT ON COLUMN govcase.registry_grant.target IS 'on what, as GRANT takes it, in the registry''s schema';
GRANT SELECT ON govcase.registry_grant TO PUBLIC;

INSERT INTO govcase.registry_script (part, position, schema_version, script) VALUES
('about', 1, 1, $script$
CREATE TABLE about (
	one boolean PRIMARY KEY DEFAULT true CHECK (one),
	schema_version integer NOT NULL,
	govcase_version text NOT NULL,
	small_cell integer NOT NULL DEFAULT 5 CHECK (small_cell >= 0),
	srid integer NOT NULL,
	digest_key bytea NOT NULL CHECK (octet_length(digest_key) = 32)
);
SELECT describe_table('about', 'this registry itself; its owner''s alone', '{
	"one": "there is one row",
	"schema_version": "version of its tables",
	"govcase_version": "version of the extension that its functions, views and policies come from",
	"small_cell": "counts below this are not shown to analysts below county level",
	"srid": "reference system of its geometries",
	"digest_key": "secret with which digests of persons are made"}');

CREATE TABLE about_object (
	object text PRIMARY KEY,
	digest bytea,
	server_version integer NOT NULL
);
SELECT describe_table('about_object', 'tables, functions, views and policies that came with the registry, as they came', '{
	"object": "kind and name",
	"digest": "digest of its definition; null for tables",
	"server_version": "major version of the server that told the definition"}');
$script$);

CREATE FUNCTION govcase.describe_table(target regclass, meaning text, columns jsonb)
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	described record;
BEGIN
	EXECUTE format('COMMENT ON TABLE %s IS %L', target, meaning);
	FOR described IN
		SELECT coalesce(a.attname, c.name) AS name, c.meaning, a.attname IS NOT NULL AS present
		FROM jsonb_each_text(columns) AS c(name, meaning)
			FULL JOIN (SELECT attname FROM pg_attribute
				WHERE attrelid = target AND attnum > 0 AND NOT attisdropped) a ON a.attname = c.name
	LOOP
		IF described.meaning IS NULL OR NOT described.present THEN
			RAISE undefined_column USING
				MESSAGE = format('column "%s" of table %s and what describes it do not meet',
					described.name, target),
				DETAIL = CASE WHEN described.present THEN 'It is not described.' ELSE 'There is no such column.' END;
		END IF;
		EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', target, described.name, described.meaning);
	END LOOP;
END
$$;
COMMENT ON FUNCTION govcase.describe_table(regclass, text, jsonb) IS
'comments on a table and on each of its columns; leaving one out is an error';

/* ---- What is there ---------------------------------------------------------- */

CREATE FUNCTION govcase.registry_objects(registry name, OUT object text, OUT digest bytea)
RETURNS SETOF record
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	-- The registry's own name is taken out, so that a rename changes no digest.
	SELECT replace(o.kind || ' ' || o.identity, format('%I.', registry), ''),
		sha256(convert_to(replace(o.definition, format('%I.', registry), ''), 'UTF8'))
	FROM pg_namespace n
		CROSS JOIN LATERAL (
			SELECT CASE c.relkind WHEN 'S' THEN 'sequence' WHEN 'v' THEN 'view'
					WHEN 'c' THEN 'type' ELSE 'table' END AS kind,
				quote_ident(c.relname) AS identity,
				CASE c.relkind WHEN 'v' THEN concat_ws(E'\n', pg_get_viewdef(c.oid), c.reloptions) END AS definition
			FROM pg_class c
			WHERE c.relnamespace = n.oid AND c.relkind NOT IN ('i', 'I', 't')
				-- Sequences of identity columns belong to their tables.
				AND NOT EXISTS (SELECT FROM pg_depend d
					WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
						AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'i')
			UNION ALL
			SELECT CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END,
				format('%I(%s)', p.proname, pg_get_function_identity_arguments(p.oid)),
				concat_ws(E'\n', p.prosrc, p.probin, l.lanname, p.provolatile, p.prosecdef, p.proparallel,
					p.proisstrict, p.proleakproof, pg_get_function_arguments(p.oid),
					pg_get_function_result(p.oid),
					replace(array_to_string(p.proconfig, E'\n'), format('search_path=%I,', registry), 'search_path=.,'))
			FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
			WHERE p.pronamespace = n.oid
			UNION ALL
			SELECT 'policy', format('%I on %I', p.polname, c.relname),
				concat_ws(E'\n', p.polcmd, p.polpermissive,
					(SELECT string_agg(r.role::regrole::text, ',' ORDER BY r.role) FROM unnest(p.polroles) AS r(role)),
					coalesce(pg_get_expr(p.polqual, p.polrelid), '-'),
					coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '-'))
			FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
			WHERE c.relnamespace = n.oid) AS o
	WHERE n.nspname = registry
$$;
COMMENT ON FUNCTION govcase.registry_objects(name) IS
'tables, views, functions and policies in a schema, with a digest of what defines them (tables: null) that does not depend on the schema''s name';

CREATE FUNCTION govcase.registry_version(
	OUT schema_version integer, OUT govcase_version text, OUT server_version integer)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT max(s.schema_version),
		(SELECT e.extversion FROM pg_extension e WHERE e.extname = 'govcase'),
		current_setting('server_version_num')::integer / 10000
	FROM govcase.registry_script s
$$;
COMMENT ON FUNCTION govcase.registry_version() IS
'versions that a registry made now would have';

CREATE FUNCTION govcase.require_registry(registry text, exactly boolean)
RETURNS name
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	seen record;
BEGIN
	IF registry IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'name of a registry must not be null';
	END IF;
	SELECT n.oid, n.nspname, n.nspowner, pg_get_userbyid(n.nspowner) AS owner INTO seen
	FROM pg_namespace n WHERE n.nspname = registry;
	IF NOT FOUND THEN
		RAISE invalid_schema_name USING
			MESSAGE = format('registry "%s" does not exist', registry),
			HINT = 'Names are taken as they are written, capitals included.';
	END IF;
	IF NOT EXISTS (
		SELECT FROM pg_class c
			JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'digest_key'
			JOIN pg_class o ON o.relnamespace = c.relnamespace AND o.relname = 'about_object'
		WHERE c.relnamespace = seen.oid AND c.relname = 'about' AND c.relkind = 'r') THEN
		RAISE wrong_object_type USING
			MESSAGE = format('schema "%s" is not a registry', registry),
			HINT = 'A registry is made by CALL govcase.create_registry().';
	END IF;
	IF NOT pg_has_role(seen.nspowner, 'USAGE') OR exactly AND seen.owner <> current_user THEN
		RAISE insufficient_privilege USING
			MESSAGE = format('must be owner of registry %s', registry),
			DETAIL = format('It belongs to %s.', seen.owner),
			HINT = format('SET ROLE %I first, where you may.', seen.owner);
	END IF;
	RETURN seen.nspname;
END
$$;
COMMENT ON FUNCTION govcase.require_registry(text, boolean) IS
'the registry of a name, or an error where there is none or it is not the caller''s; exactly: being a member of its owner is not enough';

/* ---- Running the scripts ---------------------------------------------------- */

CREATE FUNCTION govcase.run_registry_scripts(registry name, after_version integer, srid integer)
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET client_min_messages = warning
AS $$
DECLARE
	-- Views run as who asks from 15 on; before, as their owner, whom no policy binds:
	-- their own condition hides the rows, and comes before any of who asks.
	as_invoker CONSTANT boolean := current_setting('server_version_num')::integer >= 150000;
	postgis CONSTANT name := (SELECT n.nspname
		FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
		WHERE e.extname = 'postgis');
	grants CONSTANT text := (SELECT string_agg(format('(%L, %L, %L)', g.duties, g.privilege, g.target),
			E',\n\t\t\t' ORDER BY g.privilege COLLATE "C", g.target COLLATE "C", g.duties::text COLLATE "C")
		FROM govcase.registry_grant g);
	known CONSTANT oid[] := ARRAY(SELECT p.oid FROM pg_proc p
		WHERE p.pronamespace = quote_ident(registry)::regnamespace);
	run record;
	created regprocedure;
BEGIN
	PERFORM set_config('search_path', format('%I, govcase, pg_temp', registry), true);
	FOR run IN
		SELECT s.part, s.script FROM govcase.registry_script s
		WHERE s.schema_version IS NULL OR s.schema_version > after_version
		ORDER BY s.position
	LOOP
		EXECUTE replace(replace(replace(replace(replace(run.script,
			'@grants@', grants),
			'@postgis@', quote_ident(postgis)),
			'@srid@', srid::text),
			'@row_view@', CASE WHEN as_invoker THEN 'WITH (security_invoker = true)'
				ELSE 'WITH (security_barrier = true)' END),
			'@row_scope@', CASE WHEN as_invoker THEN 'true' ELSE '(d.region BETWEEN (SELECT scope_low()) '
				'AND (SELECT scope_high()) OR d.region = ANY ((SELECT scope_codes())::text[]) '
				'OR d.departments && (SELECT my_departments()))' END);
	END LOOP;
	FOR created IN
		SELECT p.oid FROM pg_proc p
		WHERE p.pronamespace = quote_ident(registry)::regnamespace AND p.oid <> ALL (known)
	LOOP
		EXECUTE format('REVOKE EXECUTE ON ROUTINE %s FROM PUBLIC', created);
	END LOOP;
END
$$;
COMMENT ON FUNCTION govcase.run_registry_scripts(name, integer, integer) IS
'runs the scripts of a registry: steps past a version of its tables, and code';

CREATE FUNCTION govcase.record_registry(registry name, recorded text[])
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format('DELETE FROM %I.about_object', registry);
	EXECUTE format('INSERT INTO %I.about_object SELECT o.object, o.digest, v.server_version '
		'FROM govcase.registry_objects($1) o, govcase.registry_version() v '
		'WHERE o.object = ANY ($2)', registry)
	USING registry, recorded;
END
$$;
COMMENT ON FUNCTION govcase.record_registry(name, text[]) IS
'writes down what came with a registry, as it is now, so that an upgrade can tell what its user has changed';

/* ---- Create, drop, rename, upgrade ------------------------------------------ */

CREATE FUNCTION govcase.require_registry_name(registry text)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF registry IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'name of a registry must not be null';
	END IF;
	IF octet_length(registry) NOT BETWEEN 1 AND 63 THEN
		RAISE invalid_name USING
			MESSAGE = format('"%s" cannot be the name of a registry', registry),
			DETAIL = format('It has %s bytes; the name of a schema has 1 to 63.', octet_length(registry));
	END IF;
END
$$;
COMMENT ON FUNCTION govcase.require_registry_name(text) IS
'raises an error where a text cannot be the name of a schema as it stands';

CREATE PROCEDURE govcase.create_registry(registry text, options jsonb DEFAULT '{}')
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	seen record;
	held text[];
	small_cell integer;
	srid integer;
BEGIN
	PERFORM govcase.require_registry_name(registry);
	PERFORM FROM jsonb_each(CASE jsonb_typeof(options) WHEN 'object' THEN options ELSE '{}' END) o
	WHERE o.key NOT IN ('small_cell', 'srid') OR jsonb_typeof(o.value) <> 'number'
		OR o.value::numeric <> trunc(o.value::numeric) OR o.value::numeric NOT BETWEEN 0 AND 999999;
	IF FOUND OR jsonb_typeof(options) IS DISTINCT FROM 'object' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('invalid options of a registry: %s', options),
			HINT = 'Options are {"small_cell": 5, "srid": 4490}, both whole numbers.';
	END IF;
	small_cell := coalesce((options ->> 'small_cell')::integer, 5);
	srid := coalesce((options ->> 'srid')::integer, 4490);
	PERFORM govcase.require_read_committed('create_registry()');

	SELECT n.oid, n.nspowner, pg_get_userbyid(n.nspowner) AS owner INTO seen
	FROM pg_namespace n WHERE n.nspname = registry;
	IF NOT FOUND THEN
		EXECUTE format('CREATE SCHEMA %I', registry);
	ELSE
		held := ARRAY(
			SELECT DISTINCT pg_describe_object(d.classid, d.objid, d.objsubid)
			FROM pg_depend d
			WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = seen.oid
			ORDER BY 1);
		IF seen.owner <> current_user OR cardinality(held) > 0 THEN
			RAISE duplicate_schema USING
				MESSAGE = format('schema "%s" already exists', registry),
				DETAIL = CASE WHEN seen.owner <> current_user
					THEN format('It belongs to %s.', seen.owner)
					ELSE format('It holds %s%s.', array_to_string(held[1:5], ', '),
						CASE WHEN cardinality(held) > 5
							THEN format(' and %s more', cardinality(held) - 5) ELSE '' END) END,
				HINT = 'A registry goes into a schema of its own: one that is not yet there, or that is empty and yours.';
		END IF;
	END IF;

	PERFORM govcase.run_registry_scripts(registry::name, 0, srid);
	-- Three random values of 122 bits each, condensed to the 32 bytes of a key.
	EXECUTE format('INSERT INTO %I.about (schema_version, govcase_version, small_cell, srid, digest_key) '
		'SELECT v.schema_version, v.govcase_version, $1, $2, sha256(uuid_send(gen_random_uuid()) '
		'|| uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())) '
		'FROM govcase.registry_version() v', registry)
	USING small_cell, srid;
	PERFORM govcase.record_registry(registry::name,
		ARRAY(SELECT o.object FROM govcase.registry_objects(registry::name) o));
END
$$;
COMMENT ON PROCEDURE govcase.create_registry(text, jsonb) IS
'makes a city''s tables, rules, policies, views and functions in a schema of its own, owned by the caller';

CREATE PROCEDURE govcase.drop_registry(registry text, with_data boolean DEFAULT false)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET client_min_messages = warning
AS $$
DECLARE
	-- Tables that a new registry has rows in.
	filled CONSTANT text[] := '{about,about_object,risk_level_region,deadline_rule}';
	held text[] := '{}';
	found_rows boolean;
	relation record;
BEGIN
	PERFORM govcase.require_registry(registry, false);
	IF with_data IS NOT TRUE THEN
		FOR relation IN
			SELECT c.oid::regclass AS name, c.relname FROM pg_class c
			WHERE c.relnamespace = quote_ident(registry)::regnamespace AND c.relkind IN ('r', 'p')
				AND c.relname <> ALL (filled)
			ORDER BY c.relname COLLATE "C"
		LOOP
			EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', relation.name);
			PERFORM govcase.require_all_rows_visible(relation.name);
			EXECUTE format('SELECT EXISTS (SELECT FROM %s)', relation.name) INTO found_rows;
			IF found_rows THEN
				held := held || format('rows in table %I', relation.relname);
			END IF;
		END LOOP;
		-- What its user has added, and what stands elsewhere and would go with it.
		EXECUTE format('SELECT $1 || ARRAY(SELECT o.object FROM govcase.registry_objects($2) o '
			'WHERE NOT EXISTS (SELECT FROM %I.about_object a WHERE a.object = o.object) ORDER BY 1)', registry)
		INTO held USING held, registry::name;
		held := held || ARRAY(
			SELECT DISTINCT pg_describe_object(x.class, x.object, 0)
			FROM pg_depend d
				JOIN pg_class c ON d.refclassid = 'pg_class'::regclass AND c.oid = d.refobjid
				LEFT JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
				LEFT JOIN pg_constraint k ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid
				JOIN pg_class o ON o.oid = coalesce(r.ev_class, k.conrelid)
				CROSS JOIN LATERAL (SELECT CASE WHEN r.oid IS NULL THEN d.classid ELSE 'pg_class'::regclass END,
					coalesce(k.oid, o.oid)) AS x(class, object)
			WHERE c.relnamespace = quote_ident(registry)::regnamespace
				AND o.relnamespace <> c.relnamespace
			ORDER BY 1);
		IF cardinality(held) > 0 THEN
			RAISE dependent_objects_still_exist USING
				MESSAGE = format('registry "%s" is not empty', registry),
				DETAIL = format('It would take with it: %s%s.', array_to_string(held[1:5], ', '),
					CASE WHEN cardinality(held) > 5
						THEN format(' and %s more', cardinality(held) - 5) ELSE '' END),
				HINT = 'with_data => true drops it and all that depends on it.';
		END IF;
	END IF;
	EXECUTE format('DROP SCHEMA %I CASCADE', registry);
END
$$;
COMMENT ON PROCEDURE govcase.drop_registry(text, boolean) IS
'drops a registry; one that holds anything only where told so';

CREATE PROCEDURE govcase.rename_registry(registry text, new_name text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	routine record;
	carrier record;
BEGIN
	PERFORM govcase.require_registry(registry, false);
	PERFORM govcase.require_registry_name(new_name);
	EXECUTE format('ALTER SCHEMA %I RENAME TO %I', registry, new_name);
	-- A pinned path is text, and would go on to name the schema of old.
	FOR routine IN
		SELECT p.oid::regprocedure AS name, (
			SELECT string_agg(quote_ident(CASE e.name WHEN registry THEN new_name ELSE e.name END), ', ' ORDER BY e.n)
			FROM (SELECT btrim(r.name) AS name, r.n
				FROM unnest(govcase.role_list(replace(substr(c.setting, 13), ', ', ','))) WITH ORDINALITY AS r(name, n)) e
			) AS path
		FROM pg_proc p CROSS JOIN LATERAL unnest(p.proconfig) AS c(setting)
		WHERE p.pronamespace = quote_ident(new_name)::regnamespace AND c.setting LIKE 'search\_path=%'
	LOOP
		EXECUTE format('ALTER ROUTINE %s SET search_path = %s', routine.name, routine.path);
	END LOOP;
	-- So is the function that says who acts, in the carriers of protections.
	FOR carrier IN
		SELECT c.* FROM govcase.carriers() c JOIN pg_class t ON t.oid = c.protected
		WHERE t.relnamespace = quote_ident(new_name)::regnamespace AND NOT c.of_links
			AND starts_with(c.actor_function, format('%I.', registry))
	LOOP
		EXECUTE format('DROP TRIGGER %I ON %s', carrier.carrier, carrier.protected);
		PERFORM govcase.create_case_carrier(carrier.protected, carrier.policy, carrier.chain_set,
			carrier.mapping, carrier.watched, carrier.without_links,
			overlay(carrier.actor_function PLACING format('%I', new_name)
				FROM 1 FOR length(format('%I', registry))));
	END LOOP;
END
$$;
COMMENT ON PROCEDURE govcase.rename_registry(text, text) IS
'gives a registry another name, and its functions, whose pinned search_path names it, with it';

CREATE FUNCTION govcase.registry_changes(registry name, OUT object text, OUT change text)
RETURNS SETOF record
LANGUAGE plpgsql STABLE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY EXECUTE format(
		'SELECT a.object, CASE WHEN o.object IS NULL THEN ''dropped'' '
			'WHEN a.server_version <> v.server_version AND a.object !~ ''^(function|procedure) '' '
				'THEN ''recorded on server version '' || a.server_version ELSE ''changed'' END '
		'FROM %I.about_object a CROSS JOIN govcase.registry_version() v '
			'LEFT JOIN govcase.registry_objects($1) o ON o.object = a.object '
		'WHERE a.digest IS NOT NULL AND a.digest IS DISTINCT FROM o.digest '
		'ORDER BY a.object COLLATE "C"', registry)
	USING registry;
END
$$;
COMMENT ON FUNCTION govcase.registry_changes(name) IS
'functions, views and policies of a registry that its user has changed or dropped; views and policies that another major version of the server recorded may only be told otherwise by this one';

CREATE PROCEDURE govcase.upgrade_registry(registry text, overwrite boolean DEFAULT false)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	own CONSTANT name := govcase.require_registry(registry, true);
	present record;
	newest record;
	changed text[];
	recorded text[];
	of_user jsonb;
	policy record;
BEGIN
	PERFORM govcase.require_read_committed('upgrade_registry()');
	EXECUTE format('SELECT a.schema_version, a.govcase_version, a.srid FROM %I.about a FOR UPDATE', own)
	INTO STRICT present;
	SELECT v.* INTO newest FROM govcase.registry_version() v;
	IF present.schema_version > newest.schema_version THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('registry "%s" is newer than the extension', registry),
			DETAIL = format('Its tables are of version %s; extension govcase %s knows %s.',
				present.schema_version, newest.govcase_version, newest.schema_version),
			HINT = 'ALTER EXTENSION govcase UPDATE first.';
	END IF;
	changed := ARRAY(SELECT format('%s (%s)', c.object, c.change) FROM govcase.registry_changes(own) c);
	IF present.schema_version = newest.schema_version
		AND present.govcase_version = newest.govcase_version
		AND (overwrite IS NOT TRUE OR cardinality(changed) = 0) THEN
		RAISE NOTICE USING MESSAGE = format('registry "%s" is up to date, skipping', registry);
		RETURN;
	END IF;
	IF cardinality(changed) > 0 AND overwrite IS NOT TRUE THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('registry "%s" is not as it was made', registry),
			DETAIL = format('Not as they came are: %s.', array_to_string(changed, ', ')),
			HINT = 'overwrite => true replaces them. Keep a copy of what you want to do again.';
	END IF;

	EXECUTE format('SELECT array_agg(a.object) FROM %I.about_object a', own) INTO recorded;
	of_user := (SELECT coalesce(jsonb_object_agg(o.object, encode(o.digest, 'hex')), '{}')
		FROM govcase.registry_objects(own) o WHERE o.object <> ALL (recorded));
	FOR policy IN
		SELECT p.polname, c.oid::regclass AS relation
		FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
		WHERE c.relnamespace = quote_ident(own)::regnamespace
			AND format('policy %I on %I', p.polname, c.relname) = ANY (recorded)
	LOOP
		EXECUTE format('DROP POLICY %I ON %s', policy.polname, policy.relation);
	END LOOP;
	PERFORM govcase.run_registry_scripts(own, present.schema_version, present.srid);

	-- What the user has added is never replaced, whatever this version brings.
	changed := ARRAY(SELECT o.object FROM govcase.registry_objects(own) o
		WHERE of_user ? o.object AND of_user ->> o.object IS DISTINCT FROM encode(o.digest, 'hex')
		ORDER BY 1);
	IF cardinality(changed) > 0 THEN
		RAISE duplicate_object USING
			MESSAGE = format('registry "%s" holds objects of yours that the upgrade would replace', registry),
			DETAIL = format('They are: %s.', array_to_string(changed, ', ')),
			HINT = 'Give them other names first.';
	END IF;
	PERFORM govcase.record_registry(own, ARRAY(SELECT o.object FROM govcase.registry_objects(own) o
		WHERE NOT of_user ? o.object));
	EXECUTE format('UPDATE %I.about SET schema_version = $1, govcase_version = $2', own)
	USING newest.schema_version, newest.govcase_version;
END
$$;
COMMENT ON PROCEDURE govcase.upgrade_registry(text, boolean) IS
'brings a registry to the version of the extension; what its user has changed of what came with it stops this unless it may be overwritten';
