-- planar: areas and widths of boundaries in metres (design section 8)
--
-- geometry is named without its schema: while an extension is created, the
-- search_path holds its own schema, then those of the extensions it requires.

CREATE FUNCTION govcase.square_metres(boundary geometry)
RETURNS double precision
AS 'MODULE_PATHNAME', 'govcase_square_metres'
LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.square_metres(geometry) IS
'area of the polygons in square metres, on the ellipsoid of the SRID; areas of parts add up';

CREATE FUNCTION govcase.mean_width(boundary geometry)
RETURNS double precision
AS 'MODULE_PATHNAME', 'govcase_mean_width'
LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.mean_width(geometry) IS
'mean width in metres, as of a strip: twice the area by the perimeter';

CREATE FUNCTION govcase.is_measurable(srid integer)
RETURNS boolean
AS 'MODULE_PATHNAME', 'govcase_is_measurable'
LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION govcase.is_measurable(integer) IS
'whether coordinates of the SRID are longitude and latitude, or a plane, that spatial_ref_sys describes';
