-- grid_history: what grids were, and what became of them

CREATE FUNCTION govcase.history_columns()
RETURNS trigger
AS 'MODULE_PATHNAME', 'govcase_history_columns'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION govcase.history_columns() IS
'carrier of a protection: says which columns of a table are which parts of a version of a grid; never fires';

CREATE FUNCTION govcase.lineage_columns()
RETURNS trigger
AS 'MODULE_PATHNAME', 'govcase_lineage_columns'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION govcase.lineage_columns() IS
'carrier of a protection: says which columns of a table are which parts of the lineage of grids; never fires';

CREATE FUNCTION govcase.keep_grid_history()
RETURNS trigger
AS 'MODULE_PATHNAME', 'govcase_keep_grid_history'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION govcase.keep_grid_history() IS
'refuses to change what the history of grids says (VC003)';

CREATE FUNCTION govcase.grid_history(
	grids regclass,
	OUT history regclass, OUT lineage regclass, OUT columns text[], OUT lineage_columns text[])
RETURNS record
AS 'MODULE_PATHNAME', 'govcase_grid_history'
LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.grid_history(regclass) IS
'the tables that keep the history of protected grids, with the names of their columns; nulls where there are none';

CREATE FUNCTION govcase.grid_version(grids regclass, code text)
RETURNS bigint
AS 'MODULE_PATHNAME', 'govcase_grid_version'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION govcase.grid_version(regclass, text) IS
'version of a grid that a case placed in it now bears, the last one of a grid that is no more; NULL where there was never such a grid';

CREATE FUNCTION govcase.record_grids(grids regclass)
RETURNS void
AS 'MODULE_PATHNAME', 'govcase_record_grids'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION govcase.record_grids(regclass) IS
'records all grids that are not as their history says';

CREATE FUNCTION govcase.grid_overlap(
	one geometry, other geometry, OUT share float8, OUT area float8)
RETURNS record
AS 'MODULE_PATHNAME', 'govcase_grid_overlap'
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10000;
COMMENT ON FUNCTION govcase.grid_overlap(geometry, geometry) IS
'square metres that two boundaries have in common, and what share of the first that is';

CREATE FUNCTION govcase.create_grid_history(grids regclass, name text)
RETURNS regclass
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
	grids_table record;
	protected record;
	kept record;
	history text;
	lineage text;
	wanted regclass;
	shape record;
BEGIN
	IF name IS NULL THEN
		RAISE null_value_not_allowed USING
			MESSAGE = 'name of the history of grids must not be null';
	END IF;
	PERFORM govcase.require_own_table(grids);
	SELECT c.relname, n.nspname, a.rolname AS owner_name INTO grids_table
	FROM pg_class c
		JOIN pg_namespace n ON n.oid = c.relnamespace
		JOIN pg_roles a ON a.oid = c.relowner
	WHERE c.oid = grids;
	history := format('%I.%I', grids_table.nspname, name);
	lineage := format('%I.%I', grids_table.nspname, name || '_lineage');
	IF octet_length(name || '_lineage') > current_setting('max_identifier_length')::integer THEN
		RAISE name_too_long USING
			MESSAGE = format('name "%s" is too long', name),
			DETAIL = format('The table of its lineage would be called "%s_lineage".', name);
	END IF;

	-- Nobody changes a grid between the rows that are recorded here and the first trigger.
	EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', grids);
	SELECT * INTO kept FROM govcase.grid_history(grids);
	wanted := to_regclass(history);
	IF kept.history IS NOT NULL THEN
		IF kept.history = wanted THEN
			RAISE NOTICE USING
				MESSAGE = format('grids of table "%s" have their history in "%s", skipping', grids_table.relname, name);
			RETURN wanted;
		END IF;
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('grids of table "%s" have a history already', grids_table.relname),
			DETAIL = format('It is kept in table %s, not in %s.', kept.history, history),
			HINT = 'Rename that table if you like: its history goes on.',
			SCHEMA = grids_table.nspname, TABLE = grids_table.relname;
	END IF;

	-- grid_history() has judged that its carrier can be trusted.
	SELECT c.grid_set::uuid AS grid_set, c.columns ->> 'code' AS code, c.columns ->> 'region' AS region,
		c.columns ->> 'kind' AS kind, c.columns ->> 'boundary' AS boundary
	INTO protected
	FROM govcase.grid_carriers() c
	WHERE c.protected = grids AND NOT c.of_regions;
	IF wanted IS NOT NULL THEN
		-- Left by an earlier protection of these grids: it goes on.
		PERFORM govcase.adopt_grid_history(wanted, to_regclass(lineage), protected.grid_set);
		PERFORM govcase.record_grids(grids);
		RETURN wanted;
	END IF;

	SELECT format_type(code.atttypid, code.atttypmod)
			|| CASE WHEN code.attcollation <> type.typcollation
				THEN format(' COLLATE %I.%I', collation_schema.nspname, co.collname) ELSE '' END AS code,
		coalesce((SELECT format_type(r.atttypid, r.atttypmod) FROM pg_attribute r
			WHERE r.attrelid = grids AND r.attname = protected.region AND NOT r.attisdropped), 'text') AS region,
		coalesce((SELECT format_type(k.atttypid, k.atttypmod) FROM pg_attribute k
			WHERE k.attrelid = grids AND k.attname = protected.kind AND NOT k.attisdropped), 'text') AS kind,
		(SELECT format_type(b.atttypid, b.atttypmod) FROM pg_attribute b
			WHERE b.attrelid = grids AND b.attname = protected.boundary) AS boundary
	INTO shape
	FROM pg_attribute code
		JOIN pg_type type ON type.oid = code.atttypid
		LEFT JOIN pg_collation co ON co.oid = code.attcollation
		LEFT JOIN pg_namespace collation_schema ON collation_schema.oid = co.collnamespace
	WHERE code.attrelid = grids AND code.attname = protected.code;

	EXECUTE format('CREATE TABLE %s ('
		'version bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, grid %s NOT NULL, region %s, kind %s, '
		'geom %s NOT NULL, valid tstzrange NOT NULL, event bigint NOT NULL, ended_by bigint)',
		history, shape.code, shape.region, shape.kind, shape.boundary);
	EXECUTE format('CREATE SEQUENCE %I.%I OWNED BY %s.event', grids_table.nspname,
		govcase.free_name(grids_table.nspname, name, '_event_seq'), history);
	EXECUTE format('CREATE TABLE %s ('
		'event bigint NOT NULL, from_version bigint NOT NULL REFERENCES %2$s, '
		'to_version bigint NOT NULL REFERENCES %2$s, '
		'share double precision NOT NULL CHECK (share > 0 AND share <= 1), PRIMARY KEY (from_version, to_version, event))',
		lineage, history);
	EXECUTE format('CREATE UNIQUE INDEX ON %s (grid) WHERE upper_inf(valid)', history);
	EXECUTE format('CREATE INDEX ON %s (grid, valid)', history);
	EXECUTE format('CREATE INDEX ON %s (ended_by) WHERE ended_by IS NOT NULL', history);
	EXECUTE format('CREATE INDEX ON %s USING gist (geom)', history);
	EXECUTE format('CREATE INDEX ON %s (event)', lineage);
	EXECUTE format('CREATE INDEX ON %s (to_version)', lineage);
	EXECUTE format('COMMENT ON TABLE %s IS %L', history,
		'every version that the grids of ' || grids_table.relname || ' have had');
	EXECUTE format('COMMENT ON TABLE %s IS %L', lineage,
		'into which versions the area of an ended version of a grid went');
	EXECUTE format('COMMENT ON COLUMN %1$s.version IS ''number of this version, what a case''''s grid_version names'';'
		'COMMENT ON COLUMN %1$s.grid IS ''code of the grid'';'
		'COMMENT ON COLUMN %1$s.region IS ''region that it was in'';'
		'COMMENT ON COLUMN %1$s.kind IS ''kind of grid that it was'';'
		'COMMENT ON COLUMN %1$s.geom IS ''its boundary'';'
		'COMMENT ON COLUMN %1$s.valid IS ''from when to when, by the server''''s clock'';'
		'COMMENT ON COLUMN %1$s.event IS ''redistricting (one transaction) that began it'';'
		'COMMENT ON COLUMN %1$s.ended_by IS ''redistricting that ended it''', history);
	EXECUTE format('COMMENT ON COLUMN %1$s.event IS ''redistricting that ended the one and began the other'';'
		'COMMENT ON COLUMN %1$s.from_version IS ''version that was ended'';'
		'COMMENT ON COLUMN %1$s.to_version IS ''version in its place'';'
		'COMMENT ON COLUMN %1$s.share IS ''area that both have, of that of from_version''', lineage);
	PERFORM govcase.create_history_triggers(history::regclass, lineage::regclass, protected.grid_set);
	IF grids_table.owner_name <> current_user THEN
		EXECUTE format('ALTER TABLE %s OWNER TO %I', history, grids_table.owner_name);
		EXECUTE format('ALTER TABLE %s OWNER TO %I', lineage, grids_table.owner_name);
	END IF;
	PERFORM govcase.record_grids(grids);
	RETURN history::regclass;
END
$function$;
COMMENT ON FUNCTION govcase.create_grid_history(regclass, text) IS
'makes the tables beside protected grids that keep what the grids were and what became of them, and records how they are now';

CREATE FUNCTION govcase.free_name(schema_name name, stem text, suffix text)
RETURNS name
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	-- Cut between characters, not within one.
	SELECT (max(left(stem, n)) || tried.suffix)::name
	FROM generate_series(1, char_length(stem)) AS n,
		LATERAL (SELECT CASE WHEN to_regclass(format('%I.%I', schema_name, stem || free_name.suffix)) IS NULL
			THEN free_name.suffix ELSE free_name.suffix || '1' END) AS tried(suffix)
	WHERE octet_length(left(stem, n) || tried.suffix) < 64
	GROUP BY tried.suffix
$$;
COMMENT ON FUNCTION govcase.free_name(name, text, text) IS
'a name of this stem and suffix that no relation of the schema bears';

CREATE FUNCTION govcase.create_history_carrier(
	target regclass, trigger_function text, grid_set uuid, columns text[], roles text[])
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE (
		SELECT format('CREATE TRIGGER %I AFTER UPDATE OF %s ON %s FOR EACH STATEMENT WHEN (false) '
			'EXECUTE FUNCTION govcase.%I(%L, %s)',
			'govcase_' || trigger_function, string_agg(quote_ident(c.name), ', ' ORDER BY c.n), target,
			trigger_function, grid_set, string_agg(quote_literal(c.role), ', ' ORDER BY c.n))
		FROM unnest(columns, roles) WITH ORDINALITY AS c(name, role, n));
END
$$;
COMMENT ON FUNCTION govcase.create_history_carrier(regclass, text, uuid, text[], text[]) IS
'writes down in its carrier trigger which grid set a history or its lineage is of, and its columns';

CREATE FUNCTION govcase.adopt_grid_history(history regclass, lineage regclass, grid_set uuid)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	target record;
	carrier record;
	earlier text;
BEGIN
	/*
	 * Only what was made as a history, is the caller's, and belongs to no grids
	 * that are protected now: unprotect_grids() leaves such tables behind.
	 */
	PERFORM govcase.require_own_table(history);
	FOR target IN
		SELECT t.relation, t.trigger_function
		FROM (VALUES (1, history, 'history_columns'), (2, lineage, 'lineage_columns')) AS t(n, relation, trigger_function)
		ORDER BY t.n
	LOOP
		SELECT t.tgname, govcase.trigger_arguments(t.oid) AS arguments,
			(SELECT array_agg(a.attname::text ORDER BY k.n)
				FROM unnest(t.tgattr::smallint[]) WITH ORDINALITY AS k(attnum, n)
					JOIN pg_attribute a ON a.attrelid = t.tgrelid AND a.attnum = k.attnum) AS columns
		INTO carrier
		FROM pg_trigger t
		WHERE t.tgrelid = target.relation
			AND t.tgfoid = format('govcase.%I()', target.trigger_function)::regprocedure;
		IF NOT FOUND OR carrier.arguments[1] <> coalesce(earlier, carrier.arguments[1])
			OR (SELECT h.relowner FROM pg_class h WHERE h.oid = history)
				<> (SELECT r.relowner FROM pg_class r WHERE r.oid = target.relation) THEN
			RAISE duplicate_table USING
				MESSAGE = format('relation %s is there already, and is no history of grids with its lineage', history),
				HINT = 'Choose another name.';
		END IF;
		earlier := carrier.arguments[1];
		IF EXISTS (SELECT FROM pg_depend d
				JOIN pg_trigger g ON g.oid = d.objid
			WHERE d.classid = 'pg_trigger'::regclass AND d.refclassid = 'pg_proc'::regclass
				AND d.refobjid = 'govcase.grid_columns()'::regprocedure
				AND (govcase.trigger_arguments(g.oid))[1] = earlier) THEN
			RAISE duplicate_table USING
				MESSAGE = format('relation %s is the history of other grids', history),
				HINT = 'Choose another name.';
		END IF;
		EXECUTE format('DROP TRIGGER %I ON %s', carrier.tgname, target.relation);
		PERFORM govcase.create_history_carrier(target.relation, target.trigger_function, grid_set,
			carrier.columns, carrier.arguments[2:]);
	END LOOP;
END
$$;
COMMENT ON FUNCTION govcase.adopt_grid_history(regclass, regclass, uuid) IS
'lets a history that an earlier protection of the grids has left go on under this one';

CREATE FUNCTION govcase.regrid(
	cases regclass, grids regclass, as_of timestamptz DEFAULT now(),
	point text DEFAULT NULL, grid_version text DEFAULT NULL, key text[] DEFAULT NULL,
	OUT case_key text, OUT grid text)
RETURNS SETOF record
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 10000
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
	kept record;
	protected record;
	postgis name;
	kind_rank text := '';
	placed record;
	missing text;
BEGIN
	IF cases IS NULL OR grids IS NULL OR as_of IS NULL THEN
		RAISE null_value_not_allowed USING
			MESSAGE = 'cases, grids and the time as of which they are told must not be null';
	END IF;
	SELECT * INTO kept FROM govcase.grid_history(grids);
	IF kept.history IS NULL THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('grids of table %s have no history', grids),
			HINT = 'govcase.create_grid_history() makes one, which begins with the grids of now.';
	END IF;

	-- What tells a case, where it is, and what it was placed in.
	IF key IS NULL THEN
		SELECT array_agg(p.case_column::text ORDER BY p.ordinal) INTO key
		FROM govcase.carriers() c
			CROSS JOIN LATERAL govcase.protected_columns(c.protected) p
		WHERE c.protected = regrid.cases AND NOT c.of_links AND p.role = 'key';
	END IF;
	IF key IS NULL THEN
		SELECT array_agg(a.attname::text ORDER BY k.place) INTO key
		FROM pg_index i
			CROSS JOIN LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY AS k(attnum, place)
			JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
		WHERE i.indrelid = regrid.cases AND i.indisprimary AND k.place <= i.indnkeyatts;
	END IF;
	IF key IS NULL THEN
		RAISE undefined_object USING
			MESSAGE = format('table %s has no primary key', cases),
			HINT = 'Name the columns that tell its cases apart with key => ARRAY[...].';
	END IF;
	SELECT count(*) AS n, max(p.point_column) AS point, max(p.version_column) AS grid_version INTO placed
	FROM govcase.placements() p
	WHERE p.cases = regrid.cases AND p.grids = regrid.grids
		AND (regrid.point IS NULL OR p.point_column = regrid.point::name);
	IF point IS NULL AND placed.n <> 1 THEN
		RAISE undefined_object USING
			MESSAGE = format(CASE placed.n WHEN 0 THEN 'table %s is not placed by the grids of table %s'
				ELSE 'table %s is placed by the grids of table %s more than once' END, cases, grids),
			HINT = CASE placed.n WHEN 0 THEN 'Call govcase.place_by() first, or name its columns with point => ... and grid_version => ....'
				ELSE 'Say which point is meant with point => ....' END;
	END IF;
	point := coalesce(point, placed.point);
	grid_version := coalesce(grid_version, placed.grid_version);
	SELECT n.name INTO missing
	FROM unnest(key || point || grid_version) WITH ORDINALITY AS n(name, place)
	WHERE n.name IS NOT NULL AND NOT EXISTS (SELECT FROM pg_attribute a
		WHERE a.attrelid = regrid.cases AND a.attname = n.name AND a.attnum > 0 AND NOT a.attisdropped)
	ORDER BY n.place LIMIT 1;
	IF FOUND THEN
		RAISE undefined_column USING
			MESSAGE = format('column "%s" of table %s does not exist', missing, cases);
	END IF;

	SELECT n.nspname INTO postgis
	FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'postgis';
	SELECT c.code_rule, c.columns ? 'kind' AS has_kinds INTO protected
	FROM govcase.grid_carriers() c
	WHERE c.protected = grids AND NOT c.of_regions;
	IF protected.has_kinds THEN
		kind_rank := format('(SELECT r.rank FROM govcase.grid_code_rule r WHERE r.rule = %L AND r.kind = h.%I), ',
			protected.code_rule, kept.columns[4]);
	END IF;

	/*
	 * By its point, or else by the version that it was placed in: that one where it
	 * is valid, otherwise the one that has most of its area.  That is asked of the
	 * two boundaries and not multiplied from one event to the next, so that a grid
	 * that was merged and split again gets its cases back.  Shares are rounded, so
	 * that halves are equal.
	 */
	RETURN QUERY EXECUTE format($query$
		WITH asked AS (
			SELECT %1$s AS case_key, c.%2$I AS point, %3$s AS grid_version,
				c.%2$I IS NOT NULL AND govcase.why_unplaced(%13$L, c.%2$I) IS NULL AS has_point
			FROM %4$s AS c
		), then_version AS MATERIALIZED (
			SELECT v.%6$I AS version, v.%7$I AS grid, v.%8$I AS kind, v.%9$I AS geom, v.%10$I @> $1 AS is_valid
			FROM %11$s AS v
			WHERE v.%6$I IN (SELECT a.grid_version FROM asked AS a WHERE NOT a.has_point)
		), heir AS MATERIALIZED (
			SELECT DISTINCT ON (v.version) v.version, h.%7$I AS grid
			FROM then_version AS v
				JOIN %11$s AS h ON h.%9$I OPERATOR(%5$I.&&) v.geom AND h.%10$I @> $1
				CROSS JOIN LATERAL govcase.grid_overlap(v.geom, h.%9$I) AS o
			WHERE NOT v.is_valid AND o.share > 0
			ORDER BY v.version, h.%8$I IS DISTINCT FROM v.kind, round(o.share::numeric, 9) DESC,
				h.%7$I COLLATE "C"
		)
		SELECT a.case_key, CASE
			WHEN a.has_point THEN (
				SELECT h.%7$I::text FROM %11$s AS h
				WHERE h.%9$I OPERATOR(%5$I.&&) a.point AND h.%10$I @> $1
					AND %5$I.st_covers(h.%9$I, a.point)
				ORDER BY %12$s h.%7$I COLLATE "C" LIMIT 1)
			WHEN v.is_valid THEN v.grid::text
			ELSE e.grid::text END
		FROM asked AS a
			LEFT JOIN then_version AS v ON v.version = a.grid_version
			LEFT JOIN heir AS e ON e.version = a.grid_version
		$query$,
		(SELECT string_agg(format('c.%I::text', k.name), ' || '', '' || ' ORDER BY k.n)
			FROM unnest(key) WITH ORDINALITY AS k(name, n)),
		point,
		CASE WHEN grid_version IS NULL THEN 'NULL::bigint' ELSE format('c.%I', grid_version) END,
		cases, postgis, kept.columns[1], kept.columns[2], kept.columns[4], kept.columns[5], kept.columns[6],
		kept.history, kind_rank, grids::oid)
	USING as_of;
END
$function$;
COMMENT ON FUNCTION govcase.regrid(regclass, regclass, timestamptz, text, text, text[]) IS
'for each case the grid, of those valid at a time, that its point is in, or, without a point, that has most of the grid it was placed in; null where there is none';

CREATE FUNCTION govcase.create_history_triggers(history regclass, lineage regclass, grid_set uuid)
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	target regclass;
BEGIN
	PERFORM govcase.create_history_carrier(history, 'history_columns', grid_set,
		'{version,grid,region,kind,geom,valid,event,ended_by}', '{version,grid,region,kind,geom,valid,event,ended_by}');
	PERFORM govcase.create_history_carrier(lineage, 'lineage_columns', grid_set,
		'{event,from_version,to_version,share}', '{event,from_version,to_version,share}');
	FOREACH target IN ARRAY ARRAY[history, lineage] LOOP
		EXECUTE format('CREATE TRIGGER govcase_keep BEFORE INSERT OR UPDATE OR DELETE ON %s '
			'FOR EACH ROW EXECUTE FUNCTION govcase.keep_grid_history()', target);
		EXECUTE format('CREATE TRIGGER govcase_keep_all BEFORE TRUNCATE ON %s '
			'FOR EACH STATEMENT EXECUTE FUNCTION govcase.keep_grid_history()', target);
	END LOOP;
END
$$;
COMMENT ON FUNCTION govcase.create_history_triggers(regclass, regclass, uuid) IS
'makes the carriers and the triggers that keep the history of a grid set';
