-- registry_grids: a registry's grids under protection, and its cases in them

INSERT INTO govcase.registry_script (part, position, schema_version, script) VALUES
('grid protections', 44, 1, $script$
SELECT protect_grids('grid', 'region', srid => @srid@);
SELECT create_grid_history('grid', 'grid_history');
ALTER TABLE grid_history ENABLE ROW LEVEL SECURITY;
ALTER TABLE grid_history_lineage ENABLE ROW LEVEL SECURITY;
$script$),

('grid functions', 45, NULL, $script$
CREATE POLICY look_up ON grid_history FOR SELECT USING ((SELECT current_account()) IS NOT NULL);
CREATE POLICY look_up ON grid_history_lineage FOR SELECT USING ((SELECT current_account()) IS NOT NULL);

-- locate() wants every grid in sight; so it runs as the owner, whom no policy binds.
CREATE OR REPLACE FUNCTION find_grid(point @postgis@.geometry) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER STRICT PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
BEGIN
	RETURN locate('grid', point);
END
$$;
COMMENT ON FUNCTION find_grid(@postgis@.geometry) IS
'code of the grid that covers a point; null where there is none';

/*
 * What happened in a grid stays in it when the grid is merged into another.  So
 * these codes are no foreign keys to the grids of now: the history, which nobody
 * can delete from, has them for ever.
 */
CREATE OR REPLACE FUNCTION require_grid(code text) RETURNS bigint
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
DECLARE
	newest CONSTANT bigint := grid_version('grid', code);
BEGIN
	IF newest IS NULL THEN
		RAISE foreign_key_violation USING
			MESSAGE = format('there is no grid "%s"', code),
			DETAIL = 'There was none of that code before, either.',
			HINT = 'Grids are in table grid, those that are no more in grid_history.',
			SCHEMA = current_schema(), COLUMN = 'grid';
	END IF;
	RETURN newest;
END
$$;
COMMENT ON FUNCTION require_grid(text) IS
'newest version of a grid, or an error where there was never one of this code';

CREATE OR REPLACE FUNCTION version_dispute_grid() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
DECLARE
	newest bigint;
BEGIN
	IF NEW.grid IS NULL THEN
		NEW.grid_version := NULL;
		RETURN NEW;
	END IF;
	IF TG_OP = 'UPDATE' THEN
		IF (OLD.grid, OLD.grid_version) = (NEW.grid, NEW.grid_version) THEN
			RETURN NEW;
		ELSIF OLD.grid <> NEW.grid AND OLD.grid_version = NEW.grid_version THEN
			NEW.grid_version := NULL;
		END IF;
	END IF;
	newest := require_grid(NEW.grid);
	NEW.grid_version := coalesce(NEW.grid_version, newest);
	IF NEW.grid_version <> newest AND NOT EXISTS (SELECT FROM grid_history h
			WHERE h.version = NEW.grid_version AND h.grid = NEW.grid) THEN
		RAISE foreign_key_violation USING
			MESSAGE = format('grid "%s" has no version %s', NEW.grid, NEW.grid_version),
			HINT = 'Leave the version null to have the newest one.',
			SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = 'grid_version';
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION version_dispute_grid() IS
'trigger: gives a dispute the version of its grid, and refuses a grid that never was';

CREATE OR REPLACE FUNCTION check_matter_grid() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
BEGIN
	PERFORM require_grid(NEW.grid);
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION check_matter_grid() IS
'trigger: refuses a grid that never was';

CREATE OR REPLACE FUNCTION place_dispute() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
DECLARE
	moved boolean := true;
	code text;
BEGIN
	IF TG_OP = 'UPDATE' THEN
		moved := (OLD.place OPERATOR(@postgis@.=) NEW.place) IS NOT TRUE;
	END IF;
	code := locate('grid', NEW.place);
	-- The grid of then stays, unless the place is another one, or has had none so far.
	UPDATE dispute d SET grid = code, grid_version = NULL
	WHERE d.id = NEW.dispute AND (moved OR d.grid IS NULL) AND d.grid IS DISTINCT FROM code;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION place_dispute() IS
'trigger: puts a dispute into the grid that its place is in';
$script$),

('placement', 46, 1, $script$
CREATE TRIGGER version_grid BEFORE INSERT OR UPDATE OF grid, grid_version ON dispute FOR EACH ROW
	WHEN (NEW.grid IS NOT NULL OR NEW.grid_version IS NOT NULL) EXECUTE FUNCTION version_dispute_grid();
CREATE TRIGGER check_grid BEFORE INSERT OR UPDATE OF grid ON matter FOR EACH ROW
	WHEN (NEW.grid IS NOT NULL) EXECUTE FUNCTION check_matter_grid();
CREATE TRIGGER place AFTER INSERT OR UPDATE OF place ON dispute_detail FOR EACH ROW
	WHEN (NEW.place IS NOT NULL) EXECUTE FUNCTION place_dispute();
$script$),

('places', 63, NULL, $script$
CREATE OR REPLACE VIEW dispute_place @row_view@ AS
SELECT d.id, d.region, d.grid, d.grid_version, p.place
FROM dispute d LEFT JOIN dispute_detail p ON p.dispute = d.id
WHERE (@row_scope@) AND d.state <> 'voided';
COMMENT ON VIEW dispute_place IS 'where disputes are, for regrid(''dispute_place'', ''grid'', a time, ''place'', ''grid_version'', ''{id}''), which tells their grids as of that time';
COMMENT ON COLUMN dispute_place.id IS 'number';
COMMENT ON COLUMN dispute_place.region IS 'region that holds the case';
COMMENT ON COLUMN dispute_place.grid IS 'grid where the dispute is, as it was then';
COMMENT ON COLUMN dispute_place.grid_version IS 'version of that grid';
COMMENT ON COLUMN dispute_place.place IS 'where exactly';
$script$);

INSERT INTO govcase.registry_grant (duties, privilege, target) VALUES
	('{member,officer,centre,leader,inspector,importer,admin}', 'SELECT', 'grid_history, grid_history_lineage'),
	('{member,officer,centre,leader,inspector,importer,admin}', 'EXECUTE', 'FUNCTION find_grid(@postgis@.geometry)'),
	('{member,officer,centre,leader,inspector}', 'SELECT', 'dispute_place');
