-- locate: the grid that a point lies in

CREATE FUNCTION govcase.locate(grids regclass, point geometry)
RETURNS text
AS 'MODULE_PATHNAME', 'govcase_locate'
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION govcase.locate(regclass, geometry) IS
'code of the grid that covers the point; NULL where there is none';

CREATE FUNCTION govcase.assign_grid()
RETURNS trigger
AS 'MODULE_PATHNAME', 'govcase_assign_grid'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION govcase.assign_grid() IS
'trigger that fills the grid of a row by its point; place_by() creates it';

CREATE FUNCTION govcase.grid_set(grids regclass, OUT grid_set uuid, OUT srid integer)
RETURNS record
AS 'MODULE_PATHNAME', 'govcase_grid_set'
LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.grid_set(regclass) IS
'identity and SRID of a protected table of grids';

CREATE FUNCTION govcase.grids_of_set(grid_set uuid, owner oid)
RETURNS regclass
AS 'MODULE_PATHNAME', 'govcase_grids_of_set'
LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.grids_of_set(uuid, oid) IS
'table of grids by which tables of this owner are placed; NULL where there is none, or more than one';

CREATE FUNCTION govcase.why_unplaced(grids regclass, point geometry)
RETURNS text
AS 'MODULE_PATHNAME', 'govcase_why_unplaced'
LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.why_unplaced(regclass, geometry) IS
'what keeps a geometry from being placed among the grids: empty, infinite and so on; NULL: nothing';

CREATE FUNCTION govcase.placement_cache(
	OUT grids regclass, OUT tiles integer, OUT bytes bigint, OUT built bigint,
	OUT evicted bigint, OUT asked bigint)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'govcase_placement_cache'
LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED;
COMMENT ON FUNCTION govcase.placement_cache() IS
'what this session keeps to place points: tiles and their size now; tiles built and evicted and points that PostGIS was asked about so far';

-- ---- Tables whose rows are placed ------------------------------------------

CREATE FUNCTION govcase.placements(
	OUT cases regclass, OUT grids regclass, OUT point_column name, OUT grid_column name,
	OUT version_column name, OUT trigger_name name, OUT enabled boolean)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT t.tgrelid,
		CASE WHEN a.arguments[1] ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
			THEN govcase.grids_of_set(a.arguments[1]::uuid, c.relowner) END,
		point.attname, grid.attname, version.attname, t.tgname, t.tgenabled IN ('O', 'A')
	FROM pg_trigger t
		JOIN pg_class c ON c.oid = t.tgrelid
		CROSS JOIN LATERAL (SELECT govcase.trigger_arguments(t.oid) AS arguments) a
		LEFT JOIN pg_attribute point ON point.attrelid = t.tgrelid AND point.attnum = t.tgattr[0]
		LEFT JOIN pg_attribute grid ON grid.attrelid = t.tgrelid AND grid.attnum = t.tgattr[1]
		LEFT JOIN pg_attribute version ON version.attrelid = t.tgrelid AND version.attnum = t.tgattr[2]
	WHERE t.tgfoid = 'govcase.assign_grid()'::regprocedure AND t.tgparentid = 0
	ORDER BY t.tgrelid::regclass::text COLLATE "C", t.tgname COLLATE "C"
$$;
COMMENT ON FUNCTION govcase.placements() IS
'the tables whose rows are placed in grids, by which grids, and the columns for that; no grids: they cannot be found';

CREATE FUNCTION govcase.require_placed_column(
	cases regclass, column_name name, parameter text, required_type text)
RETURNS pg_attribute
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	seen pg_attribute;
	base regtype;
	fits boolean;
	table_name text;
BEGIN
	SELECT c.relname INTO table_name FROM pg_class c WHERE c.oid = cases;
	IF column_name IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = format('"%s" must not be null', parameter);
	END IF;
	seen := govcase.require_column(cases, column_name, parameter, parameter);
	SELECT CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END INTO base
	FROM pg_type t WHERE t.oid = seen.atttypid;
	fits := CASE parameter
		WHEN 'point' THEN (SELECT b.is_geometry AND b.shape ~* '^(point|geometry)z?m?$'
			FROM govcase.boundary_type(seen) b)
		WHEN 'grid' THEN base IN ('text'::regtype, 'varchar'::regtype)
		ELSE seen.atttypid = 'int8'::regtype END;
	IF NOT fits THEN
		RAISE datatype_mismatch USING
			MESSAGE = format('column "%s" of table "%s" is of type %s, but "%s" takes %s', column_name,
				table_name, format_type(seen.atttypid, seen.atttypmod), parameter, required_type),
			HINT = 'Name another column, or change the type of this one.',
			TABLE = table_name, COLUMN = column_name;
	END IF;
	IF seen.attgenerated <> '' THEN
		RAISE invalid_table_definition USING
			MESSAGE = format('column "%s" of table "%s" is a generated column', column_name, table_name),
			DETAIL = CASE parameter
				WHEN 'point' THEN 'It has no value yet when the trigger that places the row fires.'
				ELSE 'No trigger can fill it.' END,
			HINT = CASE parameter
				WHEN 'point' THEN 'Let a BEFORE trigger of yours fill an ordinary column.'
				ELSE 'Name an ordinary column.' END,
			TABLE = table_name, COLUMN = column_name;
	END IF;
	IF parameter <> 'point' AND column_name = ANY (govcase.partition_columns(cases)) THEN
		RAISE invalid_table_definition USING
			MESSAGE = format('column "%s" of table "%s" says which partition a row is in', column_name, table_name),
			DETAIL = 'A trigger that fills it would fire only after the partition was chosen.',
			HINT = 'Partition the table by another column, such as the county.',
			TABLE = table_name, COLUMN = column_name;
	END IF;
	RETURN seen;
END
$$;
COMMENT ON FUNCTION govcase.require_placed_column(regclass, name, text, text) IS
'the column that place_by() was given, or an error that says why it cannot be filled';

CREATE FUNCTION govcase.place_by(
	cases regclass, grids regclass, point name, grid name, grid_version name DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	seen record;
	facts record;
	present record;
	point_srid integer;
	grids_name text;
	new_name text := 'zz_govcase_assign_grid';
BEGIN
	PERFORM govcase.require_own_table(cases);
	IF grids IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'grids must not be null';
	END IF;
	SELECT c.relname, n.nspname, c.relkind, c.relispartition, c.relowner INTO seen
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE c.oid = cases;
	SELECT c.relname INTO grids_name FROM pg_class c WHERE c.oid = grids;
	IF seen.relispartition THEN
		RAISE wrong_object_type USING
			MESSAGE = format('table "%s" is a partition', seen.relname),
			HINT = format('Name the root of its tree, %s: every partition is placed with it.',
				pg_partition_root(cases)),
			SCHEMA = seen.nspname, TABLE = seen.relname;
	END IF;
	-- Says so where the grids are not protected.
	SELECT s.* INTO facts FROM govcase.grid_set(grids) s;
	IF NOT has_table_privilege(seen.relowner, grids, 'SELECT') THEN
		RAISE insufficient_privilege USING
			MESSAGE = format('permission denied for table %s', grids_name),
			DETAIL = format('Role "%s", who owns table "%s", would read the grids for whoever writes to it.',
				pg_get_userbyid(seen.relowner), seen.relname),
			HINT = format('GRANT SELECT ON %s TO %I.', grids, pg_get_userbyid(seen.relowner));
	END IF;
	SELECT b.srid INTO point_srid
	FROM govcase.boundary_type(govcase.require_placed_column(cases, point, 'point', 'geometry(Point)')) b;
	PERFORM govcase.require_placed_column(cases, grid, 'grid', 'text or varchar');
	IF grid_version IS NOT NULL THEN
		PERFORM govcase.require_placed_column(cases, grid_version, 'grid_version', 'bigint');
	END IF;
	IF point_srid NOT IN (0, facts.srid) THEN
		RAISE datatype_mismatch USING
			MESSAGE = format('column "%s" of table "%s" has SRID %s, but grids of table "%s" have SRID %s',
				point, seen.relname, point_srid, grids_name, facts.srid),
			HINT = format('ALTER TABLE %s ALTER COLUMN %I TYPE geometry(Point, %s) USING ST_Transform(%I, %s).',
				cases, point, facts.srid, point, facts.srid),
			TABLE = seen.relname, COLUMN = point;
	END IF;

	SELECT p.* INTO present FROM govcase.placements() p
	WHERE p.cases = place_by.cases AND p.grid_column = place_by.grid;
	IF FOUND THEN
		IF (present.grids, present.point_column, present.version_column)
			IS NOT DISTINCT FROM (grids, point, grid_version) THEN
			RAISE NOTICE 'column "%" of table "%" is already filled by the grids of "%", skipping',
				grid, seen.relname, grids_name;
			RETURN;
		END IF;
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('column "%s" of table "%s" is already filled otherwise', grid, seen.relname),
			DETAIL = format('Trigger "%s" fills it by column "%s"%s and the grids of %s.', present.trigger_name,
				present.point_column, CASE WHEN present.version_column IS NOT NULL
					THEN format(', with the version in "%s",', present.version_column) ELSE '' END,
				coalesce(present.grids::text, 'a table that cannot be found')),
			HINT = format('SELECT govcase.unplace_by(%L, %L) first.', cases, grid),
			TABLE = seen.relname, COLUMN = grid;
	END IF;

	-- Late in the alphabet: a trigger that makes the point out of other columns comes first.
	WHILE EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = cases AND t.tgname = new_name) LOOP
		new_name := 'zz_govcase_assign_grid_' || coalesce(substring(new_name, '[0-9]+$')::integer, 1) + 1;
	END LOOP;
	-- UPDATE OF names the columns in the order that the trigger expects, and follows their renaming.
	EXECUTE format('CREATE TRIGGER %I BEFORE INSERT OR UPDATE OF %s ON %s FOR EACH ROW '
		'EXECUTE FUNCTION govcase.assign_grid(%L)', new_name,
		concat_ws(', ', quote_ident(point), quote_ident(grid), quote_ident(grid_version)), cases,
		facts.grid_set);
END
$$;
COMMENT ON FUNCTION govcase.place_by(regclass, regclass, name, name, name) IS
'has a trigger fill the grid of each row that is inserted or whose point is set, and the version of that grid; rows already there are placed by UPDATE ... SET point = point';

CREATE FUNCTION govcase.unplace_by(cases regclass, grid name DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	present record;
	dropped integer := 0;
BEGIN
	PERFORM govcase.require_own_table(cases);
	FOR present IN
		SELECT p.trigger_name FROM govcase.placements() p
		WHERE p.cases = unplace_by.cases
			AND (unplace_by.grid IS NULL OR p.grid_column = unplace_by.grid)
	LOOP
		EXECUTE format('DROP TRIGGER %I ON %s', present.trigger_name, cases);
		dropped := dropped + 1;
	END LOOP;
	IF dropped = 0 THEN
		RAISE NOTICE 'rows of table "%" are not placed%, skipping',
			(SELECT c.relname FROM pg_class c WHERE c.oid = cases),
			CASE WHEN grid IS NOT NULL THEN format(' in column "%s"', grid) ELSE '' END;
	END IF;
END
$$;
COMMENT ON FUNCTION govcase.unplace_by(regclass, name) IS
'ends what place_by() began, for one grid column or for all; the rows keep their grids';

CREATE FUNCTION govcase.unplaced(
	cases regclass, OUT relation regclass, OUT row_id tid, OUT key jsonb, OUT grid_column name,
	OUT point geometry, OUT reason text, OUT grid_now text)
RETURNS SETOF record
LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	placed record;
	key_columns text;
	is_placed boolean := false;
BEGIN
	SELECT string_agg(format('%L, t.%I', a.attname, a.attname), ', ' ORDER BY k.n) INTO key_columns
	FROM pg_index i
		CROSS JOIN unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, n)
		JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
	WHERE i.indrelid = unplaced.cases AND i.indisprimary;
	FOR placed IN
		SELECT p.* FROM govcase.placements() p WHERE p.cases = unplaced.cases
	LOOP
		is_placed := true;
		IF placed.grids IS NULL THEN
			RAISE SQLSTATE 'VC007' USING
				MESSAGE = format('the grids by which %s is placed cannot be found', cases),
				HINT = 'Protect the grids again with govcase.protect_grids() and call govcase.place_by(), or govcase.unplace_by() to do without.';
		END IF;
		RETURN QUERY EXECUTE format(
			'SELECT t.tableoid::regclass, t.ctid, %1$s, %2$L::name, t.%3$I, '
			'CASE WHEN t.%3$I IS NULL THEN ''no point'' WHEN w.why IS NOT NULL THEN w.why '
			'WHEN l.now IS NULL THEN ''in no grid'' ELSE ''not placed since'' END, l.now '
			'FROM %4$s t '
			'CROSS JOIN LATERAL (SELECT govcase.why_unplaced($1, t.%3$I) AS why) w '
			'CROSS JOIN LATERAL (SELECT CASE WHEN w.why IS NULL THEN govcase.locate($1, t.%3$I) END AS now) l '
			'WHERE t.%2$I IS NULL ORDER BY 1, 2',
			CASE WHEN key_columns IS NULL THEN 'NULL::jsonb'
				ELSE format('jsonb_build_object(%s)', key_columns) END,
			placed.grid_column, placed.point_column, cases) USING placed.grids;
	END LOOP;
	IF NOT is_placed THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('rows of %s are not placed in grids', cases),
			HINT = 'Call govcase.place_by() first.';
	END IF;
END
$$;
COMMENT ON FUNCTION govcase.unplaced(regclass) IS
'the rows of a placed table that have no grid: where they are, their primary key, why, and the grid that their point is in now';
