-- check_coverage: overlaps, gaps, slivers and strays of a whole table of grids

CREATE FUNCTION govcase.check_coverage(
	grids regclass,
	OUT problem text, OUT region text, OUT grid text, OUT other text,
	OUT square_metres double precision, OUT width double precision, OUT geom geometry)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'govcase_check_coverage'
LANGUAGE C STABLE PARALLEL RESTRICTED COST 1000000 ROWS 100;
COMMENT ON FUNCTION govcase.check_coverage(regclass) IS
'what the boundaries of a protected table of grids cover twice (overlap, of one kind of grid), not at all (gap, in a region with a boundary, by ordinary grids) or outside their region (stray), with place, area, mean width and shape, the largest of each first; sliver: what is larger than the tolerance, but so narrow that the protection admits it, with other: an overlap, with grid alone: a stray, with neither: a gap; needs SELECT on both tables and no row-level security';
