/*
 * planar.h
 *		Boundaries as plain coordinates: read from PostGIS, measured in metres,
 *		and told apart where two cannot overlap.
 */
#ifndef GOVCASE_PLANAR_H
#define GOVCASE_PLANAR_H

#include "govcase.h"

/* Schema that extension postgis is in. */
extern Oid postgis_schema(void);
/* OID of type geometry there. */
extern Oid geometry_type_oid(void);
/*
 * A function of extension postgis by name and argument types; 42883 where the
 * installed one has none.  Nothing else of that schema is ever called.
 */
extern Oid postgis_function(const char *name, int nargs, const Oid *types);

/* What coordinates of an SRID mean. */
typedef struct CoordinateSystem
{
	int32 srid;
	bool geographic;   /* longitude and latitude, on the ellipsoid below */
	float8 unit;       /* radians, or metres, in one unit of a coordinate */
	float8 semi_major; /* metres */
	float8 squared_eccentricity;
} CoordinateSystem;

/*
 * What spatial_ref_sys says of the SRID; SRID 0 is a plane in metres.  False
 * where it is not there or no map: geocentric, vertical.
 */
extern bool read_coordinate_system(int32 srid, CoordinateSystem *system);

/*
 * Polygons with the interior to the left of every ring.  Polygon i has the
 * rings polygon_ring[i] … polygon_ring[i + 1] - 1, of which the first is the
 * shell; ring j the points ring_point[j] … ring_point[j + 1] - 1, of which the
 * last repeats the first.
 */
typedef struct PlanarShape
{
	bool only_polygons; /* false: it is a collection, or has points, lines, curves */
	int npolygons;
	int *polygon_ring;
	int nrings;
	int *ring_point;
	int npoints;
	float8 *x;
	float8 *y;
	float8 xmin, ymin, xmax, ymax;
	Size size; /* of all this, in bytes */
} PlanarShape;

/* From WKB, as ST_AsBinary() gives it; in the current memory context. */
extern PlanarShape *read_planar_shape(bytea *wkb);

typedef struct PlanarMeasure
{
	float8 area;      /* square metres */
	float8 perimeter; /* metres */
	float8 x, y;      /* a point about its middle */
} PlanarMeasure;

extern void measure_polygon(const PlanarShape *shape, int polygon,
							const CoordinateSystem *system, PlanarMeasure *measure);
extern void measure_shape(const PlanarShape *shape, const CoordinateSystem *system,
						  PlanarMeasure *measure);
/* Mean width of a strip: 2 * area / perimeter. */
extern float8 mean_width(const PlanarMeasure *measure);

/*
 * True only where the interiors of two valid shapes cannot meet: neighbours that
 * share their border vertex by vertex, or do not touch.  False means nothing.
 */
extern bool interiors_are_apart(const PlanarShape *one, const PlanarShape *other);

#endif /* GOVCASE_PLANAR_H */
