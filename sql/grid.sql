-- grid: boundaries that hold to their rules for every writer (design section 8)

-- ---- Code rules -----------------------------------------------------------
--
-- How the code of a grid is made up differs from city to city, so it is data.
-- No foreign keys lead here: pg_restore --jobs loads tables in any order.

CREATE TABLE govcase.grid_code_rule (
	rule text NOT NULL
		CONSTRAINT grid_code_rule_name_check
		CHECK (octet_length(rule) BETWEEN 1 AND 63 AND rule !~ '^[[:space:]]|[[:space:]]$'),
	kind text NOT NULL
		CONSTRAINT grid_code_rule_kind_check CHECK (kind <> ''),
	pattern text NOT NULL
		-- A pattern that is no regular expression raises its own error here.
		CONSTRAINT grid_code_rule_pattern_check CHECK (('' ~ pattern) IS NOT NULL),
	region_part integer
		CONSTRAINT grid_code_rule_region_part_check CHECK (region_part > 0),
	seq_part integer
		CONSTRAINT grid_code_rule_seq_part_check CHECK (seq_part > 0),
	rank integer NOT NULL,
	shipped boolean NOT NULL DEFAULT false,
	PRIMARY KEY (rule, kind)
);
COMMENT ON TABLE govcase.grid_code_rule IS 'how the codes of grids are made up: a row for each kind of grid that a rule knows';
COMMENT ON COLUMN govcase.grid_code_rule.rule IS 'name of the rule, as protect_grids() is told it';
COMMENT ON COLUMN govcase.grid_code_rule.kind IS 'kind of grid, such as ordinary or special';
COMMENT ON COLUMN govcase.grid_code_rule.pattern IS 'regular expression that the whole code of such a grid matches';
COMMENT ON COLUMN govcase.grid_code_rule.region_part IS 'which group of the pattern equals the significant digits of the code of the grid''s region; null: none';
COMMENT ON COLUMN govcase.grid_code_rule.seq_part IS 'which group of the pattern is the sequence number, which is not all zeros; null: none';
COMMENT ON COLUMN govcase.grid_code_rule.rank IS 'a point in grids of several kinds is placed in that of the lowest rank';
COMMENT ON COLUMN govcase.grid_code_rule.shipped IS 'came with govcase and is not edited in place';

-- Rules are not personal: everybody may read them.
GRANT SELECT ON govcase.grid_code_rule TO PUBLIC;

CREATE FUNCTION govcase.keep_code_rule()
RETURNS trigger
AS 'MODULE_PATHNAME', 'govcase_keep_code_rule'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION govcase.keep_code_rule() IS
'trigger: refuses to change a shipped code rule in place';

CREATE FUNCTION govcase.code_rules_changed()
RETURNS trigger
AS 'MODULE_PATHNAME', 'govcase_code_rules_changed'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION govcase.code_rules_changed() IS
'trigger: tells every session that the ranks of kinds may have changed';

CREATE TRIGGER govcase_keep BEFORE INSERT OR UPDATE OR DELETE ON govcase.grid_code_rule
	FOR EACH ROW EXECUTE FUNCTION govcase.keep_code_rule();
CREATE TRIGGER govcase_keep_all BEFORE TRUNCATE ON govcase.grid_code_rule
	FOR EACH STATEMENT EXECUTE FUNCTION govcase.keep_code_rule();

-- 2 digits each for province, prefecture and county, 3 each for township and
-- village, then the number of the grid.
INSERT INTO govcase.grid_code_rule (rule, kind, pattern, region_part, seq_part, rank, shipped) VALUES
	('division', 'special', '([0-9]{12})([0-9]{2,3})', 1, 2, 1, true),
	('division', 'ordinary', '([0-9]{12})([0-9]{2,3})', 1, 2, 2, true);

CREATE TRIGGER govcase_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON govcase.grid_code_rule
	FOR EACH STATEMENT EXECUTE FUNCTION govcase.code_rules_changed();

-- Dumps carry a user's own rules; the shipped ones come with the extension.
SELECT pg_catalog.pg_extension_config_dump('govcase.grid_code_rule', 'WHERE NOT shipped');

-- ---- What the triggers of a protection call --------------------------------

CREATE FUNCTION govcase.grid_columns()
RETURNS trigger
AS 'MODULE_PATHNAME', 'govcase_grid_columns'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION govcase.grid_columns() IS
'carrier of a protection: says which columns of a table of grids bear which roles; never fires';

CREATE FUNCTION govcase.region_columns()
RETURNS trigger
AS 'MODULE_PATHNAME', 'govcase_region_columns'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION govcase.region_columns() IS
'carrier of a protection: says which columns of the regions of grids bear which roles; never fires';

CREATE FUNCTION govcase.note_grid()
RETURNS trigger
AS 'MODULE_PATHNAME', 'govcase_note_grid'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION govcase.note_grid() IS
'trigger: lists a grid that changed, to be judged at the end of the transaction';

CREATE FUNCTION govcase.check_grid()
RETURNS trigger
AS 'MODULE_PATHNAME', 'govcase_check_grid'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION govcase.check_grid() IS
'constraint trigger: judges every grid that the transaction changed; VC005 says what is wrong';

CREATE FUNCTION govcase.grids_truncated()
RETURNS trigger
AS 'MODULE_PATHNAME', 'govcase_grids_truncated'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION govcase.grids_truncated() IS
'trigger: tells every session that the grids of a table are gone';

CREATE FUNCTION govcase.note_region()
RETURNS trigger
AS 'MODULE_PATHNAME', 'govcase_note_region'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION govcase.note_region() IS
'trigger: lists a region of grids whose boundary or parent changed';

CREATE FUNCTION govcase.check_region()
RETURNS trigger
AS 'MODULE_PATHNAME', 'govcase_check_region'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION govcase.check_region() IS
'constraint trigger: judges the grids of every region that the transaction changed';

CREATE FUNCTION govcase.regions_truncated()
RETURNS trigger
AS 'MODULE_PATHNAME', 'govcase_regions_truncated'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION govcase.regions_truncated() IS
'trigger: refuses to truncate regions that hold grids';

CREATE FUNCTION govcase.check_grids(
	grids regclass, OUT code text, OUT problem text, OUT detail text, OUT hint text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'govcase_check_grids'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION govcase.check_grids(regclass) IS
'all that is wrong with the rows of a protected table of grids, for its owner';

-- ---- Reading what is there -------------------------------------------------

CREATE FUNCTION govcase.grid_carriers(
	OUT carrier name, OUT protected regclass, OUT owner oid, OUT of_regions boolean,
	OUT grid_set text, OUT columns jsonb, OUT srid integer, OUT tolerance double precision,
	OUT tolerance_width double precision, OUT code_rule text, OUT without_regions boolean)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT f.tgname, f.tgrelid, f.relowner, f.of_regions, f.arguments[1],
		coalesce((
			SELECT jsonb_object_agg(f.arguments[1 + l.n], a.attname)
			FROM unnest(f.tgattr::int2[]) WITH ORDINALITY AS l(attnum, n)
				JOIN pg_attribute a ON a.attrelid = f.tgrelid AND a.attnum = l.attnum
			WHERE f.arguments[1 + l.n] IS NOT NULL), '{}'),
		o.srid::integer, o.tolerance::double precision, o.tolerance_width::double precision,
		o.code_rule, coalesce(o.without_regions, false)
	FROM (
		SELECT t.tgname, t.tgrelid, c.relowner, t.tgattr,
			t.tgfoid = 'govcase.region_columns()'::regprocedure AS of_regions,
			coalesce(govcase.trigger_arguments(t.oid), '{}') AS arguments
		FROM pg_depend d
			JOIN pg_trigger t ON t.oid = d.objid
			JOIN pg_class c ON c.oid = t.tgrelid
		WHERE d.classid = 'pg_trigger'::regclass
			AND d.refclassid = 'pg_proc'::regclass
			AND d.refobjid IN ('govcase.grid_columns()'::regprocedure,
				'govcase.region_columns()'::regprocedure)) f
		CROSS JOIN LATERAL (
			SELECT max(x.value) FILTER (WHERE x.name = 'srid' AND x.value ~ '^[0-9]{1,6}$') AS srid,
				max(x.value) FILTER (WHERE x.name = 'tolerance' AND x.value ~ '^[0-9.e+-]+$') AS tolerance,
				max(x.value) FILTER (WHERE x.name = 'tolerance_width' AND x.value ~ '^[0-9.e+-]+$') AS tolerance_width,
				max(x.value) FILTER (WHERE x.name = 'code_rule') AS code_rule,
				bool_or(x.name = 'without_regions') AS without_regions
			FROM (
				SELECT split_part(y.option, '=', 1) AS name,
					substr(y.option, strpos(y.option, '=') + 1) AS value
				FROM unnest(f.arguments[cardinality(f.tgattr::int2[]) + 2 :]) AS y(option)) x) o
$$;
COMMENT ON FUNCTION govcase.grid_carriers() IS
'the carrier triggers of grids and of their regions and what they say; whether they can be trusted is for grid_protections() to judge';

CREATE FUNCTION govcase.expected_grid_triggers(
	protected regclass, grid_set text, of_regions boolean,
	OUT trigger_name name, OUT definition text, OUT present boolean, OUT enabled boolean)
RETURNS SETOF record
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	-- kind is pg_trigger.tgtype: 1 row, 2 before, 4 insert, 8 delete, 16 update, 32 truncate
	WITH expected(of_regions, name, function_name, kind, form) AS (
		VALUES (false, 'govcase_grid_changed', 'note_grid', 29,
				'CREATE TRIGGER %s AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION %s'),
			(false, 'govcase_grid_check', 'check_grid', 29,
				'CREATE CONSTRAINT TRIGGER %s AFTER INSERT OR UPDATE OR DELETE ON %s DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION %s'),
			(false, 'govcase_grid_truncated', 'grids_truncated', 32,
				'CREATE TRIGGER %s AFTER TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION %s'),
			(true, 'govcase_region_changed', 'note_region', 29,
				'CREATE TRIGGER %s AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION %s'),
			(true, 'govcase_region_check', 'check_region', 29,
				'CREATE CONSTRAINT TRIGGER %s AFTER INSERT OR UPDATE OR DELETE ON %s DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION %s'),
			(true, 'govcase_region_truncated', 'regions_truncated', 32,
				'CREATE TRIGGER %s AFTER TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION %s')
	)
	SELECT n.name::name,
		format(e.form, n.name, expected_grid_triggers.protected, format(
			CASE WHEN e.of_regions THEN 'govcase.%I(%L)' ELSE 'govcase.%I()' END,
			e.function_name, expected_grid_triggers.grid_set)),
		t.oid IS NOT NULL, coalesce(t.tgenabled = 'O', false)
	FROM expected e
		CROSS JOIN LATERAL (
			SELECT CASE WHEN e.of_regions THEN e.name || '_' || left(expected_grid_triggers.grid_set, 8)
				ELSE e.name END) AS n(name)
		LEFT JOIN pg_trigger t ON t.tgrelid = expected_grid_triggers.protected
			AND t.tgname = n.name
			AND t.tgtype = e.kind
			AND t.tgfoid = format('govcase.%I()', e.function_name)::regprocedure
			AND t.tgdeferrable = (e.form LIKE '%DEFERRABLE%')
			AND (NOT e.of_regions OR govcase.trigger_arguments(t.oid) = ARRAY[expected_grid_triggers.grid_set])
	WHERE e.of_regions = expected_grid_triggers.of_regions
	ORDER BY n.name COLLATE "C"
$$;
COMMENT ON FUNCTION govcase.expected_grid_triggers(regclass, text, boolean) IS
'the triggers that a protected table of grids, or the table of its regions, must have, how each is made, and whether it is there';

CREATE FUNCTION govcase.boundary_type(
	boundary pg_attribute, OUT is_geometry boolean, OUT shape text, OUT srid integer)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	schema_name name;
	geometry oid;
BEGIN
	SELECT n.nspname, t.oid INTO schema_name, geometry
	FROM pg_extension e
		JOIN pg_namespace n ON n.oid = e.extnamespace
		JOIN pg_type t ON t.typnamespace = n.oid AND t.typname = 'geometry'
	WHERE e.extname = 'postgis';
	is_geometry := boundary.atttypid = geometry;
	IF is_geometry THEN
		EXECUTE format('SELECT %1$I.postgis_typmod_type($1), %1$I.postgis_typmod_srid($1)', schema_name)
		INTO shape, srid USING boundary.atttypmod;
	END IF;
END
$$;
COMMENT ON FUNCTION govcase.boundary_type(pg_attribute) IS
'whether a column holds PostGIS''s geometry, and which shapes and SRID it admits (Geometry: any; 0: any or unknown)';

-- ---- What a table must be --------------------------------------------------

CREATE FUNCTION govcase.require_grid_table(target regclass)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	seen record;
BEGIN
	SELECT c.relname, n.nspname, c.relkind, c.relpersistence, c.relispartition INTO seen
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE c.oid = target;
	IF seen.relkind = 'p' OR seen.relispartition THEN
		RAISE wrong_object_type USING
			MESSAGE = format('table "%s" is %s', seen.relname,
				CASE WHEN seen.relkind = 'p' THEN 'partitioned' ELSE 'a partition' END),
			DETAIL = 'Grids, and regions, are judged against each other through one index.',
			HINT = 'Keep them in an ordinary table: a whole city has some ten thousand.',
			SCHEMA = seen.nspname, TABLE = seen.relname;
	END IF;
	IF seen.relpersistence <> 'p' THEN
		RAISE wrong_object_type USING
			MESSAGE = format('table "%s" is %s', seen.relname,
				CASE seen.relpersistence WHEN 't' THEN 'temporary' ELSE 'unlogged' END),
			DETAIL = 'Its rows may vanish without any trigger.',
			HINT = CASE seen.relpersistence
				WHEN 't' THEN 'Name a permanent table.'
				ELSE format('ALTER TABLE %s SET LOGGED first.', target) END,
			SCHEMA = seen.nspname, TABLE = seen.relname;
	END IF;
	PERFORM govcase.require_protectable(target);
END
$$;
COMMENT ON FUNCTION govcase.require_grid_table(regclass) IS
'raises an error that says why a table of the caller cannot hold grids or their regions, if it cannot';

CREATE FUNCTION govcase.resolve_grid_columns(
	target regclass, given jsonb, parameter text, srid integer, with_regions boolean)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	of_regions CONSTANT boolean := parameter = 'region_columns';
	mapping jsonb := '{}';
	wanted record;
	names text[];
	seen pg_attribute;
	shape record;
	table_name text;
	stray text;
BEGIN
	SELECT c.relname INTO table_name FROM pg_class c WHERE c.oid = target;
	IF jsonb_typeof(given) <> 'object' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('"%s" must be a JSON object', parameter),
			HINT = 'Give roles and column names, as in ''{"code": "number", "boundary": "geom"}''.';
	END IF;
	SELECT g.role INTO stray FROM jsonb_object_keys(given) AS g(role)
	WHERE g.role <> ALL (CASE WHEN of_regions THEN '{code,parent,boundary}'::text[]
		ELSE '{code,region,kind,boundary}' END)
	ORDER BY g.role COLLATE "C" LIMIT 1;
	IF FOUND THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('%s has no role "%s"', CASE WHEN of_regions THEN 'a region' ELSE 'a grid' END, stray),
			HINT = format('Its roles are %s.', CASE WHEN of_regions THEN 'code, parent, boundary'
				ELSE 'code, region, kind, boundary' END);
	END IF;

	FOR wanted IN
		SELECT x.role, x.optional
		FROM (VALUES (1, 'code', false), (2, 'region', false), (2, 'parent', true), (3, 'kind', true),
			(4, 'boundary', of_regions)) AS x(n, role, optional)
		WHERE CASE WHEN of_regions THEN x.role NOT IN ('region', 'kind') ELSE x.role <> 'parent' END
			AND (with_regions OR x.role <> 'region')
		ORDER BY x.n
	LOOP
		names := coalesce(govcase.named_columns(given, wanted.role, parameter), (
			SELECT ARRAY[a.attname::text] FROM pg_attribute a
			WHERE a.attrelid = target AND a.attname = wanted.role AND a.attnum > 0
				AND NOT a.attisdropped));
		IF names IS NULL THEN
			CONTINUE WHEN wanted.optional;
			RAISE undefined_column USING
				MESSAGE = format('table "%s" has no column for role "%s"', table_name, wanted.role),
				HINT = format('Name one, as in %s => ''{"%s": "..."}''; the table has the columns %s.',
					parameter, wanted.role, govcase.column_list(target)),
				TABLE = table_name;
		END IF;
		seen := govcase.require_column(target, names[1], wanted.role, parameter);
		IF wanted.role = 'boundary' THEN
			SELECT b.* INTO shape FROM govcase.boundary_type(seen) b;
			IF NOT shape.is_geometry OR shape.shape !~* '^(multi)?polygonz?m?$|^geometryz?m?$' THEN
				RAISE datatype_mismatch USING
					MESSAGE = format('column "%s" of table "%s" is of type %s, but a boundary is geometry(MultiPolygon, %s)',
						names[1], table_name, format_type(seen.atttypid, seen.atttypmod), srid),
					HINT = format('ALTER TABLE %s ALTER COLUMN %I TYPE geometry(MultiPolygon, %s) USING ...',
						target, names[1], srid),
					TABLE = table_name, COLUMN = names[1];
			END IF;
			IF shape.srid <> 0 AND shape.srid <> srid THEN
				RAISE datatype_mismatch USING
					MESSAGE = format('column "%s" of table "%s" has SRID %s, not %s', names[1], table_name, shape.srid, srid),
					HINT = format('ALTER TABLE %s ALTER COLUMN %I TYPE geometry(MultiPolygon, %s) USING ST_Transform(%I, %s).',
						target, names[1], srid, names[1], srid),
					TABLE = table_name, COLUMN = names[1];
			END IF;
		ELSIF wanted.role = 'kind' THEN
			IF NOT govcase.role_takes('text', seen.atttypid) THEN
				RAISE datatype_mismatch USING
					MESSAGE = format('column "%s" of table "%s" is of type %s, but role "%s" takes %s',
						names[1], table_name, format_type(seen.atttypid, seen.atttypmod), wanted.role,
						govcase.role_types('text')),
					HINT = 'Name another column, or change the type of this one.',
					TABLE = table_name, COLUMN = names[1];
			END IF;
		ELSE
			IF seen.atttypid NOT IN ('text'::regtype, 'varchar'::regtype) THEN
				RAISE datatype_mismatch USING
					MESSAGE = format('column "%s" of table "%s" is of type %s, but role "%s" takes text or varchar',
						names[1], table_name, format_type(seen.atttypid, seen.atttypmod), wanted.role),
					DETAIL = 'Codes keep their leading zeros.',
					HINT = 'Name another column, or change the type of this one.',
					TABLE = table_name, COLUMN = names[1];
			END IF;
			IF NOT coalesce((SELECT c.collisdeterministic FROM pg_collation c
					WHERE c.oid = seen.attcollation), true) THEN
				RAISE datatype_mismatch USING
					MESSAGE = format('column "%s" of table "%s" has a nondeterministic collation', names[1], table_name),
					HINT = 'Give the column a deterministic collation.',
					TABLE = table_name, COLUMN = names[1];
			END IF;
		END IF;
		IF NOT seen.attnotnull AND NOT wanted.role = 'parent' AND NOT (of_regions AND wanted.role = 'boundary') THEN
			RAISE invalid_table_definition USING
				MESSAGE = format('column "%s" of table "%s" bears role "%s" and may be null',
					names[1], table_name, wanted.role),
				HINT = format('ALTER TABLE %s ALTER COLUMN %I SET NOT NULL first.', target, names[1]),
				TABLE = table_name, COLUMN = names[1];
		END IF;
		IF seen.attgenerated = 'v' THEN
			RAISE invalid_table_definition USING
				MESSAGE = format('column "%s" of table "%s" bears role "%s" and is a virtual generated column',
					names[1], table_name, wanted.role),
				DETAIL = 'It is stored nowhere, so that no trigger sees its value.',
				HINT = 'Make it a stored one.',
				TABLE = table_name, COLUMN = names[1];
		END IF;
		mapping := mapping || jsonb_build_object(wanted.role, names[1]);
	END LOOP;
	SELECT string_agg(format('"%s"', m.key), ' and ' ORDER BY m.key COLLATE "C") AS roles, m.value AS name INTO wanted
	FROM jsonb_each_text(mapping) m
	GROUP BY m.value HAVING count(*) > 1 LIMIT 1;
	IF FOUND THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('column "%s" of table "%s" cannot bear the roles %s', wanted.name, table_name, wanted.roles),
			TABLE = table_name, COLUMN = wanted.name;
	END IF;
	PERFORM govcase.require_unique(target, ARRAY[mapping ->> 'code'], NULL, '{}');
	RETURN mapping;
END
$$;
COMMENT ON FUNCTION govcase.resolve_grid_columns(regclass, jsonb, text, integer, boolean) IS
'the column that bears each role of a table of grids or of regions, after every check of design and type, or an error that says what is wrong';

-- ---- Triggers: making, dropping ---------------------------------------------

CREATE FUNCTION govcase.create_grid_carrier(
	target regclass, trigger_name text, function_name text, grid_set text, mapping jsonb, options text[])
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	columns text;
	arguments text;
BEGIN
	SELECT string_agg(quote_ident(m.value), ', ' ORDER BY a.attnum),
		string_agg(quote_literal(m.key), ', ' ORDER BY a.attnum)
	INTO columns, arguments
	FROM jsonb_each_text(mapping) m
		JOIN pg_attribute a ON a.attrelid = target AND a.attname = m.value;
	EXECUTE format('CREATE TRIGGER %I AFTER UPDATE OF %s ON %s FOR EACH STATEMENT WHEN (false) '
		'EXECUTE FUNCTION govcase.%I(%s)', trigger_name, columns, target, function_name,
		concat_ws(', ', quote_literal(grid_set), arguments, (
			SELECT string_agg(quote_literal(o.option), ', ' ORDER BY o.n)
			FROM unnest(options) WITH ORDINALITY AS o(option, n))));
END
$$;
COMMENT ON FUNCTION govcase.create_grid_carrier(regclass, text, text, text, jsonb, text[]) IS
'writes down the protection of a table of grids, or of their regions, in its carrier trigger';

CREATE FUNCTION govcase.create_missing_grid_triggers(target regclass, grid_set text, of_regions boolean)
RETURNS SETOF text
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	missing record;
BEGIN
	FOR missing IN
		SELECT e.trigger_name, e.definition
		FROM govcase.expected_grid_triggers(target, grid_set, of_regions) e
		WHERE NOT e.present
	LOOP
		EXECUTE missing.definition;
		RETURN NEXT format('%s on %s', missing.trigger_name, target);
	END LOOP;
END
$$;
COMMENT ON FUNCTION govcase.create_missing_grid_triggers(regclass, text, boolean) IS
'makes those triggers of protected grids or regions that they lack, and returns which';

CREATE FUNCTION govcase.drop_grid_triggers(target regclass, grid_set text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	ours record;
BEGIN
	-- On regions, those of one grid set; on grids, all.
	FOR ours IN
		SELECT t.tgname
		FROM pg_trigger t
			JOIN pg_proc p ON p.oid = t.tgfoid
		WHERE t.tgrelid = target AND NOT t.tgisinternal
			AND p.pronamespace = 'govcase'::regnamespace
			AND CASE WHEN drop_grid_triggers.grid_set IS NULL
				THEN p.proname IN ('grid_columns', 'note_grid', 'check_grid', 'grids_truncated')
				ELSE p.proname IN ('region_columns', 'note_region', 'check_region', 'regions_truncated')
					AND (govcase.trigger_arguments(t.oid))[1] = drop_grid_triggers.grid_set END
	LOOP
		EXECUTE format('DROP TRIGGER %I ON %s', ours.tgname, target);
	END LOOP;
END
$$;
COMMENT ON FUNCTION govcase.drop_grid_triggers(regclass, text) IS
'drops every trigger of a protection from a table of grids, or those of a grid set from its regions';

CREATE FUNCTION govcase.require_boundary_index(grids regclass, column_name text)
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	schema_name name;
	table_name name;
BEGIN
	SELECT n.nspname INTO schema_name
	FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
	WHERE e.extname = 'postgis';
	SELECT c.relname INTO table_name FROM pg_class c WHERE c.oid = grids;
	PERFORM FROM pg_index i
		JOIN pg_class x ON x.oid = i.indexrelid
		JOIN pg_am m ON m.oid = x.relam AND m.amname = 'gist'
		JOIN pg_opclass o ON o.oid = i.indclass[0] AND o.opcname = 'gist_geometry_ops_2d'
		JOIN pg_attribute a ON a.attrelid = grids AND a.attnum = i.indkey[0]
	WHERE i.indrelid = grids AND i.indisvalid AND i.indpred IS NULL AND a.attname = column_name::name;
	IF FOUND THEN
		RETURN;
	END IF;
	RAISE NOTICE 'creating a GiST index on column "%" of table "%"', column_name, table_name;
	EXECUTE format('CREATE INDEX ON %s USING gist (%I %I.gist_geometry_ops_2d)', grids, column_name, schema_name);
END
$$;
COMMENT ON FUNCTION govcase.require_boundary_index(regclass, text) IS
'creates the GiST index that finds neighbouring grids, where there is none';

CREATE FUNCTION govcase.refuse_existing_grids(grids regclass, hint text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	seen record;
	found_problems record;
BEGIN
	PERFORM govcase.require_all_rows_visible(grids);
	WITH wrong AS (
		SELECT row_number() OVER (ORDER BY e.code COLLATE "C", e.problem COLLATE "C") AS n, e.*
		FROM govcase.check_grids(grids) e
	)
	SELECT count(*) AS total, min(w.problem) FILTER (WHERE w.n = 1) AS problem,
		min(w.detail) FILTER (WHERE w.n = 1) AS detail, min(w.hint) FILTER (WHERE w.n = 1) AS hint,
		string_agg(w.problem || coalesce(': ' || w.detail, ''), E'\n' ORDER BY w.n)
			FILTER (WHERE w.n <= 10) AS shown
	INTO found_problems
	FROM wrong w;
	IF found_problems.total = 0 THEN
		RETURN;
	END IF;
	SELECT c.relname, n.nspname INTO seen
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = grids;
	RAISE SQLSTATE 'VC005' USING
		MESSAGE = format(CASE found_problems.total
			WHEN 1 THEN 'table "%s" cannot be protected: %3$s'
			ELSE 'table "%s" cannot be protected: %s things are wrong with its grids' END,
			seen.relname, found_problems.total, found_problems.problem),
		DETAIL = CASE found_problems.total WHEN 1 THEN coalesce(found_problems.detail, 'No other grid is wrong.')
			ELSE concat_ws(E'\n', found_problems.shown, CASE WHEN found_problems.total > 10
				THEN format('... and %s more.', found_problems.total - 10) END) END,
		HINT = CASE found_problems.total WHEN 1 THEN found_problems.hint ELSE refuse_existing_grids.hint END,
		SCHEMA = seen.nspname, TABLE = seen.relname;
END
$$;
COMMENT ON FUNCTION govcase.refuse_existing_grids(regclass, text) IS
'raises VC005 with the first ten where rows of a protected table of grids break its rules';

-- ---- What owners call -------------------------------------------------------

CREATE FUNCTION govcase.protect_grids(
	grids regclass,
	regions regclass DEFAULT NULL,
	columns jsonb DEFAULT '{}',
	region_columns jsonb DEFAULT '{}',
	tolerance double precision DEFAULT 1,
	tolerance_width double precision DEFAULT 1,
	srid integer DEFAULT NULL,
	code_rule text DEFAULT 'division')
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET extra_float_digits = 1
AS $$
DECLARE
	grid_set CONSTANT text := gen_random_uuid();
	grids_name text;
	regions_name text;
	given CONSTANT jsonb := coalesce(columns, '{}');
	region_given CONSTANT jsonb := coalesce(region_columns, '{}');
	boundary_name text;
	boundary record;
	mapping jsonb;
	region_mapping jsonb;
	present record;
	differences text[];
	wanted_srid integer := srid;
BEGIN
	PERFORM govcase.require_own_table(grids);
	IF regions IS NOT NULL THEN
		PERFORM govcase.require_own_table(regions);
	END IF;
	SELECT c.relname INTO grids_name FROM pg_class c WHERE c.oid = grids;
	SELECT c.relname INTO regions_name FROM pg_class c WHERE c.oid = regions;
	IF tolerance IS NULL OR tolerance_width IS NULL OR code_rule IS NULL THEN
		RAISE null_value_not_allowed USING
			MESSAGE = 'tolerance, tolerance_width and code_rule must not be null';
	END IF;
	IF NOT tolerance BETWEEN 0 AND 1e12 OR NOT tolerance_width BETWEEN 0 AND 1e6 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'tolerance and tolerance_width must be numbers of square metres and of metres',
			DETAIL = format('They are %s and %s.', tolerance, tolerance_width),
			HINT = '1 and 1 are the default; 0 admits no overlap that is wider than rounding.';
	END IF;
	IF NOT EXISTS (SELECT FROM govcase.grid_code_rule r WHERE r.rule = code_rule) THEN
		RAISE undefined_object USING
			MESSAGE = format('grid code rule "%s" does not exist', code_rule),
			HINT = format('The rules are %s; add your own to govcase.grid_code_rule.',
				(SELECT string_agg(DISTINCT r.rule, ', ') FROM govcase.grid_code_rule r));
	END IF;
	IF grids = regions THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('table "%s" cannot hold the regions of its own grids', grids_name),
			HINT = 'Name another table, or none.';
	END IF;
	EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', concat_ws(', ', grids::text, regions::text));
	PERFORM govcase.require_grid_table(grids);
	IF regions IS NOT NULL THEN
		PERFORM govcase.require_grid_table(regions);
		IF (SELECT count(DISTINCT c.relowner) FROM pg_class c WHERE c.oid IN (grids, regions)) <> 1 THEN
			RAISE invalid_table_definition USING
				MESSAGE = format('tables "%s" and "%s" have different owners', grids_name, regions_name),
				DETAIL = format('They belong to %s and %s.',
					(SELECT pg_get_userbyid(c.relowner) FROM pg_class c WHERE c.oid = grids),
					(SELECT pg_get_userbyid(c.relowner) FROM pg_class c WHERE c.oid = regions)),
				HINT = 'Give both to one role: their triggers act as the owner of the two.',
				TABLE = regions_name;
		END IF;
	ELSE
		IF region_given <> '{}' THEN
			RAISE invalid_parameter_value USING
				MESSAGE = '"region_columns" is given but no table of regions',
				HINT = 'Name it as in regions => ''region''.';
		END IF;
		IF given ? 'region' THEN
			RAISE invalid_parameter_value USING
				MESSAGE = 'role "region" is given but no table of regions',
				HINT = 'Name it as in regions => ''region''.';
		END IF;
	END IF;

	-- The SRID: as asked for, or as the boundary's column says.
	IF wanted_srid IS NULL AND jsonb_typeof(given) = 'object' THEN
		boundary_name := coalesce((govcase.named_columns(given, 'boundary', 'columns'))[1], 'boundary');
		SELECT b.srid INTO wanted_srid
		FROM pg_attribute a CROSS JOIN LATERAL govcase.boundary_type(a) b
		WHERE a.attrelid = grids AND a.attname = boundary_name::name AND a.attnum > 0 AND NOT a.attisdropped;
	END IF;
	wanted_srid := coalesce(nullif(wanted_srid, 0), srid, 4490);
	IF NOT govcase.is_measurable(wanted_srid) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('SRID %s has no coordinates that could be measured', wanted_srid),
			HINT = 'Transform the boundaries to longitude and latitude, or to a plane, whose SRID spatial_ref_sys has.',
			TABLE = grids_name;
	END IF;
	mapping := govcase.resolve_grid_columns(grids, given, 'columns', wanted_srid, regions IS NOT NULL);
	IF regions IS NOT NULL THEN
		region_mapping := govcase.resolve_grid_columns(regions, region_given, 'region_columns', wanted_srid, true);
	END IF;

	-- What is there.
	SELECT string_agg(format('"%s"', c.carrier), ' and ' ORDER BY c.carrier) AS carriers, count(*) AS n
	INTO present
	FROM govcase.grid_carriers() c
	WHERE c.protected = grids AND NOT c.of_regions;
	IF present.n > 1 THEN
		RAISE SQLSTATE 'VC007' USING
			MESSAGE = format('table "%s" has more than one carrier of a protection', grids_name),
			DETAIL = format('They are %s.', present.carriers),
			HINT = 'Drop the trigger that is not yours, or call govcase.unprotect_grids() first.',
			TABLE = grids_name;
	END IF;
	SELECT c.*, o.protected AS partner, o.columns AS partner_columns INTO present
	FROM govcase.grid_carriers() c
		LEFT JOIN govcase.grid_carriers() o ON o.of_regions AND o.grid_set = c.grid_set AND o.owner = c.owner
	WHERE c.protected = grids AND NOT c.of_regions;
	IF FOUND THEN
		differences := array_remove(ARRAY[
			CASE WHEN present.partner IS DISTINCT FROM regions
				THEN format('Its table of regions is %s, not %s.', coalesce(present.partner::text, 'none'),
					coalesce(regions::text, 'none')) END,
			govcase.mapping_difference(present.columns, mapping),
			CASE WHEN present.partner = regions
				THEN govcase.mapping_difference(present.partner_columns, region_mapping) END,
			CASE WHEN present.srid <> wanted_srid
				THEN format('Its SRID is %s, not %s.', present.srid, wanted_srid) END,
			CASE WHEN present.tolerance <> tolerance
				THEN format('Its tolerance is %s, not %s.', present.tolerance, tolerance) END,
			CASE WHEN present.tolerance_width <> tolerance_width
				THEN format('Its tolerance_width is %s, not %s.', present.tolerance_width, tolerance_width) END,
			CASE WHEN present.code_rule <> code_rule
				THEN format('Its code rule is "%s", not "%s".', present.code_rule, code_rule) END], NULL);
		IF differences = '{}' THEN
			RAISE NOTICE 'table "%" is already protected as a table of grids, skipping', grids_name;
			RETURN;
		END IF;
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('table "%s" is already protected as a table of grids', grids_name),
			DETAIL = array_to_string(differences, ' '),
			HINT = 'Call govcase.unprotect_grids() first.',
			TABLE = grids_name;
	END IF;

	PERFORM govcase.require_boundary_index(grids, mapping ->> 'boundary');
	PERFORM govcase.create_grid_carrier(grids, 'govcase_grid_columns', 'grid_columns', grid_set, mapping,
		array_remove(ARRAY[format('srid=%s', wanted_srid), format('tolerance=%s', tolerance),
			format('tolerance_width=%s', tolerance_width), format('code_rule=%s', code_rule),
			CASE WHEN regions IS NULL THEN 'without_regions' END], NULL));
	PERFORM govcase.create_missing_grid_triggers(grids, grid_set, false);
	IF regions IS NOT NULL THEN
		PERFORM govcase.create_grid_carrier(regions, 'govcase_region_columns_' || left(grid_set, 8),
			'region_columns', grid_set, region_mapping, '{}');
		PERFORM govcase.create_missing_grid_triggers(regions, grid_set, true);
	END IF;
	PERFORM govcase.refuse_existing_grids(grids,
		'Nothing was changed. Correct the rows first; a larger tolerance admits borders that were digitised apart.');
END
$$;
COMMENT ON FUNCTION govcase.protect_grids(regclass, regclass, jsonb, jsonb, double precision, double precision, integer, text) IS
'puts a table of grids under rules: codes, valid boundaries inside their regions, and no overlap between siblings';

CREATE FUNCTION govcase.unprotect_grids(grids regclass)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	grids_name text;
	partner record;
BEGIN
	PERFORM govcase.require_own_table(grids);
	SELECT c.relname INTO grids_name FROM pg_class c WHERE c.oid = grids;
	IF NOT EXISTS (SELECT FROM govcase.grid_carriers() c WHERE c.protected = grids) THEN
		RAISE NOTICE 'table "%" is not protected as a table of grids, skipping', grids_name;
		RETURN;
	END IF;
	/*
	 * A table of regions that its grids have left behind is freed, too; one that
	 * serves grids is not.  Only tables of the same owner were ever partners.
	 */
	SELECT k.relname INTO partner
	FROM govcase.grid_carriers() c
		JOIN govcase.grid_carriers() o ON NOT o.of_regions AND o.grid_set = c.grid_set AND o.owner = c.owner
		JOIN pg_class k ON k.oid = o.protected
	WHERE c.protected = grids AND c.of_regions
	ORDER BY k.relname LIMIT 1;
	IF FOUND THEN
		RAISE wrong_object_type USING
			MESSAGE = format('table "%s" holds the regions of grids', grids_name),
			HINT = format('Name the table of the grids, "%s".', partner.relname),
			TABLE = grids_name;
	END IF;
	EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', grids);
	FOR partner IN
		SELECT DISTINCT o.protected, o.grid_set
		FROM govcase.grid_carriers() c
			JOIN govcase.grid_carriers() o ON o.of_regions AND o.grid_set = c.grid_set AND o.owner = c.owner
		WHERE c.protected = grids
	LOOP
		PERFORM govcase.drop_grid_triggers(partner.protected, partner.grid_set);
	END LOOP;
	PERFORM govcase.drop_grid_triggers(grids, NULL);
END
$$;
COMMENT ON FUNCTION govcase.unprotect_grids(regclass) IS
'takes the protection off a table of grids and the table of its regions; columns, rows and index stay';

-- ---- Seeing and mending ------------------------------------------------------

CREATE FUNCTION govcase.has_code_index(target regclass, mapping jsonb)
RETURNS boolean
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT EXISTS (
		SELECT FROM pg_index i
			JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
		WHERE i.indrelid = target AND i.indnkeyatts = 1 AND i.indisunique AND i.indisvalid
			AND i.indimmediate AND i.indpred IS NULL AND a.attname = (mapping ->> 'code')::name)
$$;
COMMENT ON FUNCTION govcase.has_code_index(regclass, jsonb) IS
'whether a unique index covers just the code of grids or regions';

CREATE FUNCTION govcase.grid_protections(
	OUT grids regclass, OUT regions regclass, OUT columns jsonb, OUT region_columns jsonb,
	OUT srid integer, OUT tolerance double precision, OUT tolerance_width double precision,
	OUT code_rule text, OUT grid_set uuid, OUT triggers_missing text[], OUT triggers_disabled text[],
	OUT problem text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
	-- The same judgement as that of the triggers: VC007 wherever problem is not null.
	WITH carrier AS MATERIALIZED (
		SELECT c.*,
			count(*) OVER (PARTITION BY c.protected, c.of_regions, CASE WHEN c.of_regions THEN c.grid_set END) AS on_table,
			count(*) OVER (PARTITION BY c.grid_set, c.owner, c.of_regions) AS of_grid_set,
			EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = c.protected) AS has_children,
			k.relispartition
		FROM govcase.grid_carriers() c JOIN pg_class k ON k.oid = c.protected
	), pair AS (
		SELECT g.protected AS grids, r.protected AS regions, g.columns, r.columns AS region_columns,
			g.srid, g.tolerance, g.tolerance_width, g.code_rule,
			coalesce(g.grid_set, r.grid_set) AS grid_set,
			CASE
				WHEN greatest(g.on_table, r.on_table) > 1 THEN format('%s has more than one carrier',
					CASE WHEN g.on_table > 1 THEN g.protected ELSE r.protected END)
				WHEN greatest(g.of_grid_set, r.of_grid_set) > 1 THEN 'several tables of one owner bear this grid set'
				WHEN g.protected IS NULL THEN 'no table of grids of its owner bears this grid set'
				WHEN r.protected IS NULL AND NOT g.without_regions
					THEN 'no table of regions of its owner bears this grid set'
				WHEN g.has_children THEN format('another table inherits from %s', g.protected)
				WHEN r.has_children THEN format('another table inherits from %s', r.protected)
				WHEN g.relispartition THEN format('%s has become a partition', g.protected)
				WHEN r.relispartition THEN format('%s has become a partition', r.protected)
				WHEN NOT govcase.has_code_index(g.protected, g.columns) THEN format('%s has no unique index on its code', g.protected)
				WHEN NOT govcase.has_code_index(r.protected, r.columns) THEN format('%s has no unique index on its code', r.protected)
			END AS problem
		FROM (SELECT * FROM carrier WHERE NOT of_regions) g
			FULL JOIN (SELECT * FROM carrier WHERE of_regions) r
				ON r.grid_set = g.grid_set AND r.owner = g.owner
	)
	SELECT p.grids, p.regions, p.columns, p.region_columns, p.srid, p.tolerance, p.tolerance_width, p.code_rule,
		CASE WHEN p.grid_set ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN p.grid_set::uuid END,
		t.missing, t.disabled, p.problem
	FROM pair p
		CROSS JOIN LATERAL (
			SELECT array_agg(e.name ORDER BY e.name COLLATE "C") FILTER (WHERE NOT e.present) AS missing,
				array_agg(e.name ORDER BY e.name COLLATE "C") FILTER (WHERE e.present AND NOT e.enabled) AS disabled
			FROM (
				SELECT format('%s on %s', x.trigger_name, p.grids) AS name, x.present, x.enabled
				FROM govcase.expected_grid_triggers(p.grids, p.grid_set, false) x
				UNION ALL
				SELECT format('%s on %s', x.trigger_name, p.regions), x.present, x.enabled
				FROM govcase.expected_grid_triggers(p.regions, p.grid_set, true) x) e) t
	ORDER BY p.grids::text COLLATE "C", p.regions::text COLLATE "C"
$$;
COMMENT ON FUNCTION govcase.grid_protections() IS
'every protection of grids in the database: tables, columns, tolerances, triggers missing or not enabled, and why it cannot be trusted, if it cannot';

CREATE FUNCTION govcase.repair_grid_triggers(grids regclass)
RETURNS SETOF text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	present record;
	wrong record;
BEGIN
	PERFORM govcase.require_own_table(grids);
	SELECT p.* INTO present FROM govcase.grid_protections() p WHERE p.grids = repair_grid_triggers.grids;
	IF NOT FOUND THEN
		RAISE invalid_object_definition USING
			MESSAGE = format('table "%s" is not protected as a table of grids',
				(SELECT c.relname FROM pg_class c WHERE c.oid = repair_grid_triggers.grids)),
			HINT = 'Use govcase.protect_grids() to protect it.';
	END IF;
	IF present.problem IS NOT NULL THEN
		RAISE SQLSTATE 'VC007' USING
			MESSAGE = format('protection of grids in table "%s" cannot be trusted',
				(SELECT c.relname FROM pg_class c WHERE c.oid = repair_grid_triggers.grids)),
			DETAIL = present.problem || '.',
			HINT = 'Set that right, or call govcase.unprotect_grids() and govcase.protect_grids().';
	END IF;
	EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE',
		concat_ws(', ', present.grids::text, present.regions::text));
	PERFORM govcase.require_boundary_index(present.grids, present.columns ->> 'boundary');
	FOR wrong IN
		SELECT c.name FROM govcase.create_missing_grid_triggers(present.grids, present.grid_set::text, false) AS c(name)
		UNION ALL
		SELECT c.name FROM govcase.create_missing_grid_triggers(present.regions, present.grid_set::text, true) AS c(name)
	LOOP
		RETURN NEXT format('%s: created', wrong.name);
	END LOOP;
	FOR wrong IN
		SELECT e.trigger_name, present.grids AS relation
		FROM govcase.expected_grid_triggers(present.grids, present.grid_set::text, false) e
		WHERE e.present AND NOT e.enabled
		UNION ALL
		SELECT e.trigger_name, present.regions
		FROM govcase.expected_grid_triggers(present.regions, present.grid_set::text, true) e
		WHERE e.present AND NOT e.enabled
	LOOP
		EXECUTE format('ALTER TABLE ONLY %s ENABLE TRIGGER %I', wrong.relation, wrong.trigger_name);
		RETURN NEXT format('%s on %s: enabled', wrong.trigger_name, wrong.relation);
	END LOOP;
	-- What came in meanwhile was judged by nobody.
	PERFORM govcase.refuse_existing_grids(grids,
		'Nothing was repaired. Correct the rows first.');
END
$$;
COMMENT ON FUNCTION govcase.repair_grid_triggers(regclass) IS
'makes missing triggers of a protection of grids anew, enables those that are not, and judges what came in meanwhile';

CREATE FUNCTION govcase.keep_grid_columns()
RETURNS event_trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	dropped record;
BEGIN
	SELECT d.address_names[1] AS schema_name, d.address_names[2] AS table_name INTO dropped
	FROM pg_event_trigger_dropped_objects() d
	WHERE d.object_type = 'trigger' AND NOT d.original
		AND (d.address_names[3] = 'govcase_grid_columns' OR d.address_names[3] LIKE 'govcase\_region\_columns\_%')
	LIMIT 1;
	IF FOUND THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('column of table "%s" is under protection and cannot be dropped', dropped.table_name),
			DETAIL = 'The protection of grids would go with it, and nothing would be enforced any more.',
			HINT = 'Call govcase.unprotect_grids() first, and govcase.protect_grids() with another column afterwards.',
			SCHEMA = dropped.schema_name, TABLE = dropped.table_name;
	END IF;
END
$$;
COMMENT ON FUNCTION govcase.keep_grid_columns() IS
'event trigger: refuses ALTER TABLE ... DROP COLUMN ... CASCADE of a column under protection of grids';

CREATE EVENT TRIGGER govcase_keep_grid_columns ON sql_drop
	WHEN TAG IN ('ALTER TABLE')
	EXECUTE FUNCTION govcase.keep_grid_columns();
COMMENT ON EVENT TRIGGER govcase_keep_grid_columns IS
'keeps the columns of protected grids from being dropped by the way';
