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

CREATE FUNCTION govcase.why_unplaced(point geometry)
RETURNS text
AS 'MODULE_PATHNAME', 'govcase_why_unplaced'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.why_unplaced(geometry) IS
'what keeps a point from being placed in any grid: empty, not a number, infinite; NULL: nothing';

CREATE FUNCTION govcase.placement_cache(
	OUT grids regclass, OUT tiles integer, OUT bytes bigint, OUT built bigint,
	OUT evicted bigint, OUT asked bigint)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'govcase_placement_cache'
LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED;
COMMENT ON FUNCTION govcase.placement_cache() IS
'what this session keeps to place points: tiles and their size now; tiles built and evicted and points that PostGIS was asked about so far';
