/*
 * planar.c
 *		Boundaries as plain coordinates: read from PostGIS, measured in metres,
 *		and told apart where two cannot overlap.
 *
 * Geometry itself is PostGIS's work.  What stands here is what a check of many
 * thousand boundaries cannot leave to it: areas on the ellipsoid that add up
 * over pieces whose edges are straight in longitude and latitude (ST_Area of
 * geography takes edges for geodesics), and a first look at two neighbours that
 * costs a few microseconds where ST_Relate costs a hundred.
 */
#include "planar.h"

#include <math.h>

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "nodes/pg_list.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "row_access.h"

PG_FUNCTION_INFO_V1(govcase_square_metres);
PG_FUNCTION_INFO_V1(govcase_mean_width);
PG_FUNCTION_INFO_V1(govcase_is_measurable);

/* ---------------------------------------------------------------------------
 * PostGIS, by OID
 * ---------------------------------------------------------------------------
 */

Oid
postgis_schema(void)
{
	Relation extensions = table_open(ExtensionRelationId, AccessShareLock);
	Oid schema = InvalidOid;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;

	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ,
				CStringGetDatum("postgis"));
	scan = systable_beginscan(extensions, ExtensionNameIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		schema = ((Form_pg_extension) GETSTRUCT(tuple))->extnamespace;
	systable_endscan(scan);
	table_close(extensions, AccessShareLock);
	if (!OidIsValid(schema))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
						errmsg("extension \"postgis\" does not exist"),
						errhint("Create extension postgis in this database.")));
	return schema;
}

Oid
geometry_type_oid(void)
{
	Oid type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum("geometry"),
							   ObjectIdGetDatum(postgis_schema()));

	if (!OidIsValid(type))
		elog(ERROR, "extension \"postgis\" has no type \"geometry\"");
	return type;
}

Oid
postgis_function(const char *name, int nargs, const Oid *types)
{
	oidvector *arguments = buildoidvector(types, nargs);
	Oid function =
		GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum(name),
						PointerGetDatum(arguments), ObjectIdGetDatum(postgis_schema()));

	/* Where PostGIS lacks it, somebody else may have put one in its place. */
	if (!OidIsValid(function) || getExtensionOfObject(ProcedureRelationId, function) !=
									 get_extension_oid("postgis", false))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("extension \"postgis\" has no function \"%s\" with %d arguments",
						name, nargs),
				 errhint("govcase needs PostGIS 3.1 or later; "
						 "SELECT postgis_extensions_upgrade() may be due.")));
	return function;
}

/* ---------------------------------------------------------------------------
 * What the coordinates of an SRID mean
 * ---------------------------------------------------------------------------
 */

/* A word, number or string of well-known text, and what stands in its brackets. */
typedef struct WktNode
{
	char *text;
	List *children;
} WktNode;

#define MAX_WKT_DEPTH 32

static WktNode *
parse_wkt_node(const char **position, int depth)
{
	const char *at = *position;
	WktNode *node = palloc0(sizeof(WktNode));
	StringInfoData text;

	if (depth > MAX_WKT_DEPTH)
		return NULL;
	initStringInfo(&text);
	at += strspn(at, " \t\r\n");
	if (*at == '"')
	{
		for (at++; *at != '\0' && (*at != '"' || at[1] == '"'); at++)
		{
			if (*at == '"')
				at++;
			appendStringInfoChar(&text, *at);
		}
		if (*at == '"')
			at++;
	}
	else
	{
		size_t length = strcspn(at, ",[]() \t\r\n");

		appendBinaryStringInfo(&text, at, length);
		at += length;
	}
	node->text = text.data;
	at += strspn(at, " \t\r\n");
	if (*at == '[' || *at == '(')
	{
		do
		{
			WktNode *child;

			at++;
			child = parse_wkt_node(&at, depth + 1);
			if (child == NULL)
				return NULL;
			node->children = lappend(node->children, child);
		} while (*at == ',');
		if (*at != ']' && *at != ')')
			return NULL;
		at++;
		at += strspn(at, " \t\r\n");
	}
	*position = at;
	return node;
}

static bool
wkt_is(const WktNode *node, const char *const *words)
{
	for (; *words != NULL; words++)
	{
		if (pg_strcasecmp(node->text, *words) == 0)
			return true;
	}
	return false;
}

/* The first node of one of the names: among the children, or anywhere below. */
static WktNode *
find_wkt(const WktNode *node, const char *const *words, bool anywhere)
{
	ListCell *cell;

	foreach (cell, node->children)
	{
		WktNode *child = lfirst(cell);
		WktNode *found = NULL;

		if (child->children != NIL && wkt_is(child, words))
			return child;
		if (anywhere)
			found = find_wkt(child, words, true);
		if (found != NULL)
			return found;
	}
	return NULL;
}

static float8
wkt_number(const WktNode *node, int argument, float8 otherwise)
{
	char *end;
	float8 number;

	if (node == NULL || list_length(node->children) <= argument)
		return otherwise;
	number = strtod(((WktNode *) list_nth(node->children, argument))->text, &end);
	return *end == '\0' && isfinite(number) ? number : otherwise;
}

static bool
interpret_wkt(const char *text, CoordinateSystem *system)
{
	static const char *const compound[] = {"COMPD_CS", "COMPOUNDCRS", "BOUNDCRS", NULL};
	static const char *const geographic[] = {"GEOGCS",  "GEOGCRS",     "GEOGRAPHICCRS",
											 "GEODCRS", "GEODETICCRS", NULL};
	static const char *const projected[] = {"PROJCS",   "PROJCRS", "PROJECTEDCRS",
											"LOCAL_CS", "ENGCRS",  NULL};
	static const char *const source[] = {"SOURCECRS", NULL};
	static const char *const units[] = {"UNIT", "ANGLEUNIT", "LENGTHUNIT", NULL};
	static const char *const axes[] = {"AXIS", NULL};
	static const char *const ellipsoids[] = {"SPHEROID", "ELLIPSOID", NULL};
	static const char *const kinds[] = {"CS", NULL};
	const char *position = text;
	WktNode *node = parse_wkt_node(&position, 0);
	WktNode *found;
	float8 inverse_flattening;
	float8 flattening;

	/* The horizontal part of what is made of several. */
	for (int depth = 0; node != NULL && wkt_is(node, compound) && depth < 4; depth++)
	{
		WktNode *part = find_wkt(node, source, false);

		if (part == NULL)
			part = node;
		found = find_wkt(part, compound, false);
		if (found == NULL)
			found = find_wkt(part, geographic, false);
		if (found == NULL)
			found = find_wkt(part, projected, false);
		node = found;
	}
	if (node == NULL)
		return false;
	system->geographic = wkt_is(node, geographic);
	if (!system->geographic && !wkt_is(node, projected))
		return false;
	/* GEODCRS may also be geocentric. */
	found = find_wkt(node, kinds, false);
	if (system->geographic && found != NULL && found->children != NIL &&
		pg_strcasecmp(((WktNode *) linitial(found->children))->text, "ellipsoidal") != 0)
		return false;

	found = find_wkt(node, units, false);
	if (found == NULL && (found = find_wkt(node, axes, false)) != NULL)
		found = find_wkt(found, units, false);
	system->unit = wkt_number(found, 1, system->geographic ? M_PI / 180.0 : 1.0);
	found = find_wkt(node, ellipsoids, true);
	system->semi_major = wkt_number(found, 1, 6378137.0);
	inverse_flattening = wkt_number(found, 2, 298.257222101);
	flattening = inverse_flattening == 0 ? 0 : 1.0 / inverse_flattening;
	system->squared_eccentricity = flattening * (2.0 - flattening);
	return system->unit > 0 && system->semi_major > 0 &&
		   system->squared_eccentricity >= 0 && system->squared_eccentricity < 1;
}

bool
read_coordinate_system(int32 srid, CoordinateSystem *system)
{
	Oid table = get_relname_relid("spatial_ref_sys", postgis_schema());
	Relation systems;
	AttrNumber srid_column;
	AttrNumber text_column;
	KeyIndex index;
	CaseKey key = {1, {INT8OID}, {Int64GetDatum(srid)}};
	KeyScan scan;
	char *definition = NULL;

	memset(system, 0, sizeof(CoordinateSystem));
	system->srid = srid;
	if (srid == 0)
	{
		system->unit = 1;
		return true;
	}
	if (!OidIsValid(table))
		return false;
	systems = table_open(table, AccessShareLock);
	srid_column = get_attnum(table, "srid");
	text_column = get_attnum(table, "srtext");
	if (srid_column > 0)
		find_key_index(systems, 1, &srid_column, InvalidAttrNumber, &index,
					   CurrentMemoryContext);
	if (srid_column <= 0 || text_column <= 0 || !OidIsValid(index.index))
		elog(ERROR, "table \"spatial_ref_sys\" has not the columns or key expected");
	/* Not GetLatestSnapshot(), which a parallel worker has not. */
	begin_key_scan(&scan, table, AccessShareLock, &index, &key,
				   GetCatalogSnapshot(table));
	if (next_row(&scan, ForwardScanDirection))
	{
		bool isnull;
		Datum value = slot_getattr(scan.slot, text_column, &isnull);

		if (!isnull)
			definition = TextDatumGetCString(value);
	}
	end_key_scan(&scan);
	table_close(systems, AccessShareLock);
	return definition != NULL && interpret_wkt(definition, system);
}

/* ---------------------------------------------------------------------------
 * Reading WKB
 * ---------------------------------------------------------------------------
 */

typedef struct WkbReader
{
	const unsigned char *at;
	const unsigned char *end;
	bool swap;      /* bytes of the geometry being read come in the other order */
	int dimensions; /* of its points */
	PlanarShape *shape;
	int polygons_allocated;
	int rings_allocated;
	int points_allocated;
} WkbReader;

static void
need_bytes(const WkbReader *reader, uint64 count)
{
	if ((uint64) (reader->end - reader->at) < count)
		elog(ERROR, "well-known binary ends too soon");
}

static uint32
read_uint32(WkbReader *reader)
{
	uint32 value;

	need_bytes(reader, sizeof(value));
	memcpy(&value, reader->at, sizeof(value));
	reader->at += sizeof(value);
	return reader->swap ? pg_bswap32(value) : value;
}

static float8
read_float8(WkbReader *reader)
{
	uint64 value;
	float8 number;

	memcpy(&value, reader->at, sizeof(value));
	reader->at += sizeof(value);
	if (reader->swap)
		value = pg_bswap64(value);
	memcpy(&number, &value, sizeof(number));
	return number;
}

/* Twice the signed area about the first point: positive where it runs left. */
static float8
ring_cross_sum(const float8 *x, const float8 *y, int npoints)
{
	float8 sum = 0;

	for (int i = 1; i + 1 < npoints; i++)
		sum += (x[i] - x[0]) * (y[i + 1] - y[0]) - (x[i + 1] - x[0]) * (y[i] - y[0]);
	return sum;
}

static void
reverse_points(float8 *values, int npoints)
{
	for (int i = 0, j = npoints - 1; i < j; i++, j--)
	{
		float8 value = values[i];

		values[i] = values[j];
		values[j] = value;
	}
}

static void
read_ring(WkbReader *reader, bool is_shell)
{
	PlanarShape *shape = reader->shape;
	uint32 npoints = read_uint32(reader);
	int first = shape->npoints;

	need_bytes(reader, (uint64) npoints * reader->dimensions * sizeof(float8));
	if (shape->nrings + 2 > reader->rings_allocated)
	{
		reader->rings_allocated *= 2;
		shape->ring_point =
			repalloc(shape->ring_point, sizeof(int) * reader->rings_allocated);
	}
	if (first + npoints > (uint32) reader->points_allocated)
	{
		reader->points_allocated = Max(first + npoints, 2 * reader->points_allocated);
		shape->x = repalloc_huge(shape->x, sizeof(float8) * reader->points_allocated);
		shape->y = repalloc_huge(shape->y, sizeof(float8) * reader->points_allocated);
	}
	for (uint32 i = 0; i < npoints; i++)
	{
		float8 x = read_float8(reader);
		float8 y = read_float8(reader);

		reader->at += (reader->dimensions - 2) * sizeof(float8);
		shape->x[first + i] = x;
		shape->y[first + i] = y;
		if (x < shape->xmin)
			shape->xmin = x;
		if (x > shape->xmax)
			shape->xmax = x;
		if (y < shape->ymin)
			shape->ymin = y;
		if (y > shape->ymax)
			shape->ymax = y;
	}
	if ((ring_cross_sum(shape->x + first, shape->y + first, npoints) < 0) == is_shell)
	{
		reverse_points(shape->x + first, npoints);
		reverse_points(shape->y + first, npoints);
	}
	shape->npoints += npoints;
	shape->ring_point[++shape->nrings] = shape->npoints;
}

static void
read_polygon(WkbReader *reader)
{
	PlanarShape *shape = reader->shape;
	uint32 nrings = read_uint32(reader);

	if (nrings == 0)
		return;
	if (shape->npolygons + 2 > reader->polygons_allocated)
	{
		reader->polygons_allocated *= 2;
		shape->polygon_ring =
			repalloc(shape->polygon_ring, sizeof(int) * reader->polygons_allocated);
	}
	for (uint32 i = 0; i < nrings; i++)
		read_ring(reader, i == 0);
	shape->polygon_ring[++shape->npolygons] = shape->nrings;
}

/* One geometry; what is no polygon is skipped, and noted. */
static void
read_wkb_geometry(WkbReader *reader, int depth)
{
	bool little_endian;
	uint32 type;
	uint32 count;

	if (depth > MAX_WKT_DEPTH)
		elog(ERROR, "well-known binary is nested too deeply");
	need_bytes(reader, 1);
	little_endian = *reader->at++ == 1;
#ifdef WORDS_BIGENDIAN
	reader->swap = little_endian;
#else
	reader->swap = !little_endian;
#endif
	type = read_uint32(reader);
	/* ISO adds 1000 for Z, 2000 for M and 3000 for both. */
	reader->dimensions = 2 + (type / 1000 == 3 ? 2 : type / 1000 > 0 ? 1 : 0);
	switch (type % 1000)
	{
		case 3: /* Polygon */
			read_polygon(reader);
			break;
		case 7: /* GeometryCollection */
			reader->shape->only_polygons = false;
			/* FALLTHROUGH */
		case 6: /* MultiPolygon */
		case 4: /* MultiPoint */
		case 5: /* MultiLineString */
			count = read_uint32(reader);
			for (uint32 i = 0; i < count; i++)
				read_wkb_geometry(reader, depth + 1);
			break;
		case 1: /* Point */
			need_bytes(reader, reader->dimensions * sizeof(float8));
			reader->at += reader->dimensions * sizeof(float8);
			reader->shape->only_polygons = false;
			break;
		case 2: /* LineString */
			count = read_uint32(reader);
			need_bytes(reader, (uint64) count * reader->dimensions * sizeof(float8));
			reader->at += (Size) count * reader->dimensions * sizeof(float8);
			reader->shape->only_polygons = false;
			break;
		default:
			/* Curves and surfaces: nothing behind them can be read either. */
			reader->shape->only_polygons = false;
			reader->at = reader->end;
			break;
	}
}

PlanarShape *
read_planar_shape(bytea *wkb)
{
	PlanarShape *shape = palloc0(sizeof(PlanarShape));
	WkbReader reader;

	memset(&reader, 0, sizeof(reader));
	reader.at = (const unsigned char *) VARDATA_ANY(wkb);
	reader.end = reader.at + VARSIZE_ANY_EXHDR(wkb);
	reader.shape = shape;
	reader.polygons_allocated = 4;
	reader.rings_allocated = 8;
	reader.points_allocated = Max(VARSIZE_ANY_EXHDR(wkb) / (2 * sizeof(float8)), 4);
	shape->only_polygons = true;
	shape->polygon_ring = palloc0(sizeof(int) * reader.polygons_allocated);
	shape->ring_point = palloc0(sizeof(int) * reader.rings_allocated);
	shape->x = palloc_extended(sizeof(float8) * reader.points_allocated, MCXT_ALLOC_HUGE);
	shape->y = palloc_extended(sizeof(float8) * reader.points_allocated, MCXT_ALLOC_HUGE);
	shape->xmin = shape->ymin = INFINITY;
	shape->xmax = shape->ymax = -INFINITY;
	read_wkb_geometry(&reader, 0);
	shape->size = sizeof(PlanarShape) + sizeof(int) * reader.polygons_allocated +
				  sizeof(int) * reader.rings_allocated +
				  2 * sizeof(float8) * reader.points_allocated;
	return shape;
}

/* ---------------------------------------------------------------------------
 * Measuring
 * ---------------------------------------------------------------------------
 */

/* Metres along the meridian and along the parallel in one unit of coordinate. */
static void
metres_per_unit(const CoordinateSystem *system, float8 latitude, float8 *north,
				float8 *east)
{
	float8 sine;
	float8 w;

	if (!system->geographic)
	{
		*north = *east = system->unit;
		return;
	}
	sine = sin(latitude * system->unit);
	w = 1.0 - system->squared_eccentricity * sine * sine;
	*north = system->unit * system->semi_major * (1.0 - system->squared_eccentricity) /
			 (w * sqrt(w));
	*east = system->unit * system->semi_major / sqrt(w) * cos(latitude * system->unit);
}

/*
 * A ring's share of the area: planar, times what a square unit is at the height
 * of its centroid.  So pieces add up: the first-order term is exact, and the
 * second stays below 1e-4 up to some three degrees of latitude.
 */
static void
measure_ring(const float8 *x, const float8 *y, int npoints,
			 const CoordinateSystem *system, PlanarMeasure *measure)
{
	float8 sum = 0;
	float8 weighted = 0;
	float8 lowest = INFINITY;
	float8 highest = -INFINITY;
	float8 middle;
	float8 north;
	float8 east;

	for (int i = 0; i + 1 < npoints; i++)
	{
		float8 cross =
			(x[i] - x[0]) * (y[i + 1] - y[0]) - (x[i + 1] - x[0]) * (y[i] - y[0]);

		sum += cross;
		weighted += cross * ((y[i] - y[0]) + (y[i + 1] - y[0]));
		lowest = Min(lowest, y[i]);
		highest = Max(highest, y[i]);
		metres_per_unit(system, (y[i] + y[i + 1]) / 2, &north, &east);
		measure->perimeter += hypot((x[i + 1] - x[i]) * east, (y[i + 1] - y[i]) * north);
	}
	if (npoints < 2)
		return;
	middle = sum == 0 ? y[0] : y[0] + weighted / (3.0 * sum);
	/* Of a sliver little but rounding may be left. */
	if (!(middle >= lowest && middle <= highest))
		middle = (lowest + highest) / 2;
	metres_per_unit(system, middle, &north, &east);
	measure->area += sum / 2 * north * east;
}

void
measure_polygon(const PlanarShape *shape, int polygon, const CoordinateSystem *system,
				PlanarMeasure *measure)
{
	int first = shape->ring_point[shape->polygon_ring[polygon]];
	int end = shape->ring_point[shape->polygon_ring[polygon] + 1];
	float8 xmin = INFINITY;
	float8 xmax = -INFINITY;
	float8 ymin = INFINITY;
	float8 ymax = -INFINITY;

	memset(measure, 0, sizeof(PlanarMeasure));
	for (int ring = shape->polygon_ring[polygon]; ring < shape->polygon_ring[polygon + 1];
		 ring++)
	{
		int from = shape->ring_point[ring];

		measure_ring(shape->x + from, shape->y + from, shape->ring_point[ring + 1] - from,
					 system, measure);
	}
	for (int i = first; i < end; i++)
	{
		xmin = Min(xmin, shape->x[i]);
		xmax = Max(xmax, shape->x[i]);
		ymin = Min(ymin, shape->y[i]);
		ymax = Max(ymax, shape->y[i]);
	}
	measure->x = (xmin + xmax) / 2;
	measure->y = (ymin + ymax) / 2;
}

void
measure_shape(const PlanarShape *shape, const CoordinateSystem *system,
			  PlanarMeasure *measure)
{
	memset(measure, 0, sizeof(PlanarMeasure));
	for (int i = 0; i < shape->npolygons; i++)
	{
		PlanarMeasure polygon;

		measure_polygon(shape, i, system, &polygon);
		measure->area += polygon.area;
		measure->perimeter += polygon.perimeter;
	}
	measure->x = (shape->xmin + shape->xmax) / 2;
	measure->y = (shape->ymin + shape->ymax) / 2;
}

float8
mean_width(const PlanarMeasure *measure)
{
	return measure->perimeter > 0 ? 2 * measure->area / measure->perimeter : 0;
}

/* ---------------------------------------------------------------------------
 * Telling neighbours apart
 *
 * If the interiors of two valid shapes met, the border of one would run through
 * the interior of the other, or both would have a stretch of border with their
 * interiors on the same side.  So it is enough to look at the segments within
 * the box that both have in common: a segment that the other shape has in the
 * opposite direction is a shared border; any other must lie outside it.
 * ---------------------------------------------------------------------------
 */

/* Pairs of segments beyond which PostGIS, which sorts them, is the faster. */
#define MAX_SEGMENT_PAIRS 250000

typedef struct Segment
{
	float8 x1, y1, x2, y2;
	bool follows;       /* the one before it in the array, on the same ring */
	bool shared;        /* with the other shape, in the opposite direction */
	bool touches_start; /* the other shape has a vertex there */
	bool touches_end;
} Segment;

/* From Shewchuk's adaptive predicates: beyond it the sign is certain. */
#define ORIENTATION_ERROR 3.3306690738754716e-16

/* Sign of the side of a → b that c is on; 0 where rounding hides it. */
static inline int
side_of(float8 ax, float8 ay, float8 bx, float8 by, float8 cx, float8 cy)
{
	float8 left = (bx - ax) * (cy - ay);
	float8 right = (by - ay) * (cx - ax);
	float8 difference = left - right;
	float8 error = ORIENTATION_ERROR * (fabs(left) + fabs(right));

	return difference > error ? 1 : difference < -error ? -1 : 0;
}

static int
collect_segments(const PlanarShape *shape, const PlanarShape *window, Segment **segments)
{
	int count = 0;
	Segment *found =
		palloc_extended(sizeof(Segment) * Max(shape->npoints, 1), MCXT_ALLOC_HUGE);

	for (int ring = 0; ring < shape->nrings; ring++)
	{
		int last = -2;

		for (int i = shape->ring_point[ring]; i + 1 < shape->ring_point[ring + 1]; i++)
		{
			Segment *segment;

			if ((shape->x[i] < window->xmin && shape->x[i + 1] < window->xmin) ||
				(shape->x[i] > window->xmax && shape->x[i + 1] > window->xmax) ||
				(shape->y[i] < window->ymin && shape->y[i + 1] < window->ymin) ||
				(shape->y[i] > window->ymax && shape->y[i + 1] > window->ymax))
				continue;
			segment = &found[count++];
			segment->x1 = shape->x[i];
			segment->y1 = shape->y[i];
			segment->x2 = shape->x[i + 1];
			segment->y2 = shape->y[i + 1];
			segment->follows = last == i - 1;
			segment->shared = segment->touches_start = segment->touches_end = false;
			last = i;
		}
	}
	*segments = found;
	return count;
}

#define SAME_POINT(ax, ay, bx, by) ((ax) == (bx) && (ay) == (by))

/*
 * Two segments that meet in one end only, p; the others are q and r.  May one
 * lie along the other?
 */
static inline bool
may_run_together(float8 px, float8 py, float8 qx, float8 qy, float8 rx, float8 ry)
{
	return side_of(px, py, qx, qy, rx, ry) == 0 &&
		   (qx - px) * (rx - px) + (qy - py) * (ry - py) >= 0;
}

/* False where the two may cross, or touch other than in an end of both. */
static inline bool
compare_segments(Segment *s, Segment *t)
{
	bool start_start = SAME_POINT(s->x1, s->y1, t->x1, t->y1);
	bool start_end = SAME_POINT(s->x1, s->y1, t->x2, t->y2);
	bool end_start = SAME_POINT(s->x2, s->y2, t->x1, t->y1);
	bool end_end = SAME_POINT(s->x2, s->y2, t->x2, t->y2);

	if (start_end && end_start)
	{
		s->shared = t->shared = true;
		return true;
	}
	if (start_start && end_end)
		return false;
	s->touches_start |= start_start || start_end;
	s->touches_end |= end_start || end_end;
	t->touches_start |= start_start || end_start;
	t->touches_end |= start_end || end_end;
	if (start_start)
		return !may_run_together(s->x1, s->y1, s->x2, s->y2, t->x2, t->y2);
	if (start_end)
		return !may_run_together(s->x1, s->y1, s->x2, s->y2, t->x1, t->y1);
	if (end_start)
		return !may_run_together(s->x2, s->y2, s->x1, s->y1, t->x2, t->y2);
	if (end_end)
		return !may_run_together(s->x2, s->y2, s->x1, s->y1, t->x1, t->y1);
	return side_of(s->x1, s->y1, s->x2, s->y2, t->x1, t->y1) *
				   side_of(s->x1, s->y1, s->x2, s->y2, t->x2, t->y2) >
			   0 ||
		   side_of(t->x1, t->y1, t->x2, t->y2, s->x1, s->y1) *
				   side_of(t->x1, t->y1, t->x2, t->y2, s->x2, s->y2) >
			   0;
}

/* Is the point certainly outside the shape? */
static bool
is_outside(const PlanarShape *shape, float8 x, float8 y)
{
	bool inside = false;

	if (x < shape->xmin || x > shape->xmax || y < shape->ymin || y > shape->ymax)
		return true;
	for (int ring = 0; ring < shape->nrings; ring++)
	{
		for (int i = shape->ring_point[ring]; i + 1 < shape->ring_point[ring + 1]; i++)
		{
			float8 y1 = shape->y[i];
			float8 y2 = shape->y[i + 1];
			int side;

			if ((y1 > y) == (y2 > y))
				continue;
			side = side_of(shape->x[i], y1, shape->x[i + 1], y2, x, y);
			if (side == 0)
				return false;
			if ((side > 0) == (y2 > y1))
				inside = !inside;
		}
	}
	return !inside;
}

/* Do the segments that the other shape does not share lie outside it? */
static bool
segments_are_outside(const Segment *segments, int count, const PlanarShape *other)
{
	for (int i = 0; i < count; i++)
	{
		const Segment *segment = &segments[i];

		if (segment->shared)
			continue;
		/* What meets no border of the other stays on the side that it came from. */
		if (segment->follows && !segments[i - 1].shared && !segments[i - 1].touches_end &&
			!segment->touches_start)
			continue;
		if (!is_outside(other, (segment->x1 + segment->x2) / 2,
						(segment->y1 + segment->y2) / 2))
			return false;
	}
	return true;
}

bool
interiors_are_apart(const PlanarShape *one, const PlanarShape *other)
{
	PlanarShape window;
	Segment *ones;
	Segment *others;
	int none;
	int nother;
	bool apart = true;

	window.xmin = Max(one->xmin, other->xmin);
	window.ymin = Max(one->ymin, other->ymin);
	window.xmax = Min(one->xmax, other->xmax);
	window.ymax = Min(one->ymax, other->ymax);
	if (!(window.xmin < window.xmax && window.ymin < window.ymax))
		return window.xmin >= window.xmax || window.ymin >= window.ymax;

	none = collect_segments(one, &window, &ones);
	nother = collect_segments(other, &window, &others);
	if ((int64) none * nother > MAX_SEGMENT_PAIRS)
		apart = false;
	for (int i = 0; i < none && apart; i++)
	{
		Segment *s = &ones[i];
		float8 xmin = Min(s->x1, s->x2);
		float8 xmax = Max(s->x1, s->x2);
		float8 ymin = Min(s->y1, s->y2);
		float8 ymax = Max(s->y1, s->y2);

		for (int j = 0; j < nother && apart; j++)
		{
			Segment *t = &others[j];

			if ((t->x1 < xmin && t->x2 < xmin) || (t->x1 > xmax && t->x2 > xmax) ||
				(t->y1 < ymin && t->y2 < ymin) || (t->y1 > ymax && t->y2 > ymax))
				continue;
			apart = compare_segments(s, t);
		}
	}
	apart = apart && segments_are_outside(ones, none, other) &&
			segments_are_outside(others, nother, one);
	pfree(ones);
	pfree(others);
	return apart;
}

/* ---------------------------------------------------------------------------
 * In SQL
 * ---------------------------------------------------------------------------
 */

typedef struct MeasureState
{
	FmgrInfo srid;
	FmgrInfo as_binary;
	CoordinateSystem system;
} MeasureState;

/* Measure the argument; the system of coordinates is read once a query. */
static void
measure_argument(FunctionCallInfo fcinfo, PlanarMeasure *measure)
{
	MeasureState *state = fcinfo->flinfo->fn_extra;
	Datum geometry = PG_GETARG_DATUM(0);
	int32 srid;

	if (state == NULL)
	{
		Oid geometry_type = geometry_type_oid();

		state = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(MeasureState));
		fmgr_info_cxt(postgis_function("st_srid", 1, &geometry_type), &state->srid,
					  fcinfo->flinfo->fn_mcxt);
		fmgr_info_cxt(postgis_function("st_asbinary", 1, &geometry_type),
					  &state->as_binary, fcinfo->flinfo->fn_mcxt);
		state->system.srid = -1;
		fcinfo->flinfo->fn_extra = state;
	}
	srid = DatumGetInt32(FunctionCall1(&state->srid, geometry));
	if (srid != state->system.srid)
	{
		CoordinateSystem system;

		if (!read_coordinate_system(srid, &system))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("SRID %d has no coordinates that could be measured", srid),
					 errhint("Transform the geometry with ST_Transform() first, or add "
							 "the SRID to spatial_ref_sys.")));
		state->system = system;
	}
	measure_shape(
		read_planar_shape(DatumGetByteaPP(FunctionCall1(&state->as_binary, geometry))),
		&state->system, measure);
}

/*
 * square_metres(geometry) returns float8
 *
 * Area of the polygons in it: planar area times what a square unit is there on
 * the SRID's ellipsoid (design section 8), so that the areas of parts add up.
 * Strict, stable, parallel safe.  22023 where the SRID is not known.
 */
Datum
govcase_square_metres(PG_FUNCTION_ARGS)
{
	PlanarMeasure measure;

	measure_argument(fcinfo, &measure);
	PG_RETURN_FLOAT8(measure.area);
}

/*
 * mean_width(geometry) returns float8
 *
 * Twice the area by the perimeter, in metres: how wide a strip is.  0 where
 * there are no polygons.  Otherwise as square_metres().
 */
Datum
govcase_mean_width(PG_FUNCTION_ARGS)
{
	PlanarMeasure measure;

	measure_argument(fcinfo, &measure);
	PG_RETURN_FLOAT8(mean_width(&measure));
}

/*
 * is_measurable(srid integer) returns boolean
 *
 * Would square_metres() take it?  Strict, stable, parallel safe.
 */
Datum
govcase_is_measurable(PG_FUNCTION_ARGS)
{
	CoordinateSystem system;

	PG_RETURN_BOOL(read_coordinate_system(PG_GETARG_INT32(0), &system));
}
