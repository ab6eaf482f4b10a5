/*
 * check_coverage.c
 *		What a whole table of grids covers twice, not at all, or where it should
 *		not.
 *
 * Take the number of grids that cover a place.  Along a border that neighbours
 * share vertex by vertex it is the same on both sides, so that only the other
 * segments can bound an overlap (重叠) or a gap (空白).  In a city well drawn
 * these are few: they are found by hashing, PostGIS nodes and polygonizes them,
 * and a point in each face says how often it is covered.
 *
 * Where more than a tenth remain, the borders were digitised apart.  Then grids
 * are intersected pair by pair, which costs less than noding them all, and only
 * the regions in which some area may be missing are noded.
 *
 * Pieces are judged as the protection judges them (design section 8).
 */
#include "grid.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(govcase_check_coverage);

#define ORDINARY  0 /* number of the kind that has to leave no gaps */
#define NO_REGION (-1)

/* Square metres, and a share of the tolerance: a face below both is rounding. */
#define FACE_AREA  1e-3
#define FACE_SHARE 1e-3
/* Metres.  Coordinates in double precision are good to some 1e-9. */
#define ROUNDING_WIDTH 1e-7

typedef struct Region
{
	char *code;
	char *parent;       /* code; NULL at the top */
	PlanarShape *shape; /* NULL: no boundary */
	int nearest;        /* with a boundary, from itself upwards; NO_REGION */
	int above;          /* the next one with a boundary above that */
	Datum geometry;     /* 0: not made yet */
	float8 overlaps;    /* among its ordinary grids, in square units */
} Region;

typedef struct Grid
{
	char *code;
	int kind;
	int region; /* nearest with a boundary; NO_REGION */
	PlanarShape *shape;
	Datum geometry; /* 0: not made yet */
	float8 area;    /* square metres; negative: not measured yet */
} Grid;

typedef enum ProblemKind
{
	PROBLEM_OVERLAP,
	PROBLEM_STRAY,
	PROBLEM_GAP,
	PROBLEM_SLIVER
} ProblemKind;

static const char *const problem_names[] = {"overlap", "stray", "gap", "sliver"};

typedef struct Problem
{
	ProblemKind kind;
	const char *region; /* or NULL, as the next two */
	const char *grid;
	const char *other;
	float8 area;
	float8 width;
	Datum geometry;
} Problem;

typedef struct IntList
{
	int count;
	int allocated;
	int *items;
} IntList;

typedef struct Box
{
	float8 xmin, ymin, xmax, ymax;
} Box;

/* A packed R-tree: sort-tile-recursive, FAN_OUT boxes to each of the next level. */
#define FAN_OUT    16
#define MAX_LEVELS 10

typedef struct BoxTree
{
	int *items; /* of the lowest level */
	int nlevels;
	int count[MAX_LEVELS];
	Box *boxes[MAX_LEVELS];
} BoxTree;

typedef struct Coverage
{
	GridProtection protection; /* a copy: the cache may let go of it meanwhile */
	CoordinateSystem system;
	MemoryContext context;
	MemoryContext work_context; /* reset with each pair and face */
	Oid geometry;
	Oid geometry_array;
	FmgrInfo get_srid;
	FmgrInfo as_binary;
	FmgrInfo from_binary;
	FmgrInfo is_valid_reason;
	FmgrInfo make_valid;
	FmgrInfo covers;
	FmgrInfo intersection;
	FmgrInfo difference;
	FmgrInfo unary_union;
	FmgrInfo polygonize;
	FmgrInfo buffer;
	int nregions; /* in order of their codes, as are the grids */
	Region *regions;
	int ngrids;
	Grid *grids;
	List *kinds;  /* names, by number */
	BoxTree tree; /* of the grids' boundaries */
	bool paired;  /* all ordinary grids were intersected pair by pair */
	int nproblems;
	int problems_allocated;
	Problem *problems;
} Coverage;

static void
append_int(IntList *list, int item)
{
	if (list->count == list->allocated)
	{
		list->allocated = Max(64, 2 * list->allocated);
		list->items =
			list->items == NULL
				? palloc_extended(sizeof(int) * list->allocated, MCXT_ALLOC_HUGE)
				: repalloc_huge(list->items, sizeof(int) * list->allocated);
	}
	list->items[list->count++] = item;
}

/* ---------------------------------------------------------------------------
 * Boxes
 * ---------------------------------------------------------------------------
 */

static Box
shape_box(const PlanarShape *shape)
{
	return (Box){shape->xmin, shape->ymin, shape->xmax, shape->ymax};
}

static inline bool
boxes_meet(const Box *one, const Box *other)
{
	return one->xmin <= other->xmax && other->xmin <= one->xmax &&
		   one->ymin <= other->ymax && other->ymin <= one->ymax;
}

typedef struct SortedBox
{
	float8 key;
	int item;
} SortedBox;

static int
compare_sorted_boxes(const void *one, const void *other)
{
	const SortedBox *a = one;
	const SortedBox *b = other;

	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return a->item < b->item ? -1 : a->item > b->item;
}

static void
build_tree(BoxTree *tree, int count, const Box *boxes)
{
	SortedBox *sorted =
		palloc_extended(sizeof(SortedBox) * Max(count, 1), MCXT_ALLOC_HUGE);
	int slice = (int) ceil(sqrt((double) count / FAN_OUT)) * FAN_OUT;

	memset(tree, 0, sizeof(BoxTree));
	for (int i = 0; i < count; i++)
		sorted[i] = (SortedBox){boxes[i].xmin / 2 + boxes[i].xmax / 2, i};
	qsort(sorted, count, sizeof(SortedBox), compare_sorted_boxes);
	for (int from = 0; from < count; from += slice)
	{
		int size = Min(slice, count - from);

		for (int i = from; i < from + size; i++)
		{
			const Box *box = &boxes[sorted[i].item];

			sorted[i].key = box->ymin / 2 + box->ymax / 2;
		}
		qsort(sorted + from, size, sizeof(SortedBox), compare_sorted_boxes);
	}

	tree->items = palloc_extended(sizeof(int) * Max(count, 1), MCXT_ALLOC_HUGE);
	tree->boxes[0] = palloc_extended(sizeof(Box) * Max(count, 1), MCXT_ALLOC_HUGE);
	tree->count[0] = count;
	tree->nlevels = 1;
	for (int i = 0; i < count; i++)
	{
		tree->items[i] = sorted[i].item;
		tree->boxes[0][i] = boxes[sorted[i].item];
	}
	pfree(sorted);
	while (tree->count[tree->nlevels - 1] > FAN_OUT)
	{
		int level = tree->nlevels++;
		int below = tree->count[level - 1];

		tree->count[level] = (below + FAN_OUT - 1) / FAN_OUT;
		tree->boxes[level] = palloc(sizeof(Box) * tree->count[level]);
		for (int i = 0; i < tree->count[level]; i++)
		{
			Box *whole = &tree->boxes[level][i];

			*whole = tree->boxes[level - 1][i * FAN_OUT];
			for (int j = i * FAN_OUT + 1; j < Min((i + 1) * FAN_OUT, below); j++)
			{
				const Box *part = &tree->boxes[level - 1][j];

				whole->xmin = Min(whole->xmin, part->xmin);
				whole->ymin = Min(whole->ymin, part->ymin);
				whole->xmax = Max(whole->xmax, part->xmax);
				whole->ymax = Max(whole->ymax, part->ymax);
			}
		}
	}
}

static void
search_level(const BoxTree *tree, int level, int from, int end, const Box *box,
			 IntList *found)
{
	for (int i = from; i < end; i++)
	{
		if (!boxes_meet(&tree->boxes[level][i], box))
			continue;
		if (level == 0)
			append_int(found, tree->items[i]);
		else
			search_level(tree, level - 1, i * FAN_OUT,
						 Min((i + 1) * FAN_OUT, tree->count[level - 1]), box, found);
	}
}

/* The items whose boxes meet the box, in place of what was in the list. */
static void
search_tree(const BoxTree *tree, const Box *box, IntList *found)
{
	found->count = 0;
	search_level(tree, tree->nlevels - 1, 0, tree->count[tree->nlevels - 1], box, found);
}

/* ---------------------------------------------------------------------------
 * Shapes
 * ---------------------------------------------------------------------------
 */

/* In square units of the coordinates. */
static float8
planar_area(const PlanarShape *shape, int first_ring, int end_ring)
{
	float8 sum = 0;

	for (int ring = first_ring; ring < end_ring; ring++)
	{
		int first = shape->ring_point[ring];
		float8 x = shape->x[first];
		float8 y = shape->y[first];

		for (int i = first + 1; i + 1 < shape->ring_point[ring + 1]; i++)
			sum += (shape->x[i] - x) * (shape->y[i + 1] - y) -
				   (shape->x[i + 1] - x) * (shape->y[i] - y);
	}
	return sum / 2;
}

static float8
planar_area_of_shape(const PlanarShape *shape)
{
	return planar_area(shape, 0, shape->nrings);
}

/*
 * By the even-odd rule.  A point on a border that two shapes share vertex by
 * vertex is in exactly one of them: the segment is seen alike in both directions.
 */
static bool
shape_covers(const PlanarShape *shape, float8 x, float8 y)
{
	bool inside = false;

	if (x < shape->xmin || x > shape->xmax || y < shape->ymin || y > shape->ymax)
		return false;
	for (int ring = 0; ring < shape->nrings; ring++)
	{
		for (int i = shape->ring_point[ring]; i + 1 < shape->ring_point[ring + 1]; i++)
		{
			int low = shape->y[i] <= shape->y[i + 1] ? i : i + 1;
			int high = low == i ? i + 1 : i;

			if (shape->y[low] > y || shape->y[high] <= y)
				continue;
			if ((shape->x[high] - shape->x[low]) * (y - shape->y[low]) >
				(x - shape->x[low]) * (shape->y[high] - shape->y[low]))
				inside = !inside;
		}
	}
	return inside;
}

static int
compare_float8(const void *one, const void *other)
{
	float8 a = *(const float8 *) one;
	float8 b = *(const float8 *) other;

	return a < b ? -1 : a > b;
}

/*
 * A point well inside a polygon: the middle of its longest stretch on a
 * horizontal that passes between the vertices nearest to half its height.
 */
static void
interior_point(const PlanarShape *shape, int polygon, float8 *x, float8 *y)
{
	int first = shape->ring_point[shape->polygon_ring[polygon]];
	int end_of_shell = shape->ring_point[shape->polygon_ring[polygon] + 1];
	int end = shape->ring_point[shape->polygon_ring[polygon + 1]];
	float8 below = INFINITY;
	float8 above = -INFINITY;
	float8 middle;
	float8 *crossings = palloc_extended(sizeof(float8) * (end - first), MCXT_ALLOC_HUGE);
	int ncrossings = 0;
	float8 longest = -1;

	for (int i = first; i < end_of_shell; i++)
	{
		below = Min(below, shape->y[i]);
		above = Max(above, shape->y[i]);
	}
	middle = below / 2 + above / 2;
	for (int i = first; i < end; i++)
	{
		if (shape->y[i] <= middle)
			below = Max(below, shape->y[i]);
		else
			above = Min(above, shape->y[i]);
	}
	*x = shape->x[first];
	*y = below / 2 + above / 2;
	for (int ring = shape->polygon_ring[polygon]; ring < shape->polygon_ring[polygon + 1];
		 ring++)
	{
		for (int i = shape->ring_point[ring]; i + 1 < shape->ring_point[ring + 1]; i++)
		{
			float8 y1 = shape->y[i];
			float8 y2 = shape->y[i + 1];

			if ((y1 > *y) != (y2 > *y))
				crossings[ncrossings++] = shape->x[i] + (shape->x[i + 1] - shape->x[i]) *
															((*y - y1) / (y2 - y1));
		}
	}
	qsort(crossings, ncrossings, sizeof(float8), compare_float8);
	for (int i = 0; i + 1 < ncrossings; i += 2)
	{
		if (crossings[i + 1] - crossings[i] > longest)
		{
			longest = crossings[i + 1] - crossings[i];
			*x = crossings[i] + longest / 2;
		}
	}
	pfree(crossings);
}

static Box
polygon_box(const PlanarShape *shape, int polygon)
{
	int shell = shape->polygon_ring[polygon];
	Box box = {INFINITY, INFINITY, -INFINITY, -INFINITY};

	for (int i = shape->ring_point[shell]; i < shape->ring_point[shell + 1]; i++)
	{
		box.xmin = Min(box.xmin, shape->x[i]);
		box.ymin = Min(box.ymin, shape->y[i]);
		box.xmax = Max(box.xmax, shape->x[i]);
		box.ymax = Max(box.ymax, shape->y[i]);
	}
	return box;
}

/* ---------------------------------------------------------------------------
 * To PostGIS and back
 * ---------------------------------------------------------------------------
 */

#define WKB_LINE_STRING       2
#define WKB_POLYGON           3
#define WKB_MULTI_LINE_STRING 5
#define WKB_MULTI_POLYGON     6
#define WKB_WITH_SRID         0x20000000

static void
append_count(StringInfo wkb, uint32 count)
{
	appendBinaryStringInfo(wkb, (const char *) &count, sizeof(count));
}

static void
append_type(StringInfo wkb, uint32 type)
{
#ifdef WORDS_BIGENDIAN
	appendStringInfoChar(wkb, 0);
#else
	appendStringInfoChar(wkb, 1);
#endif
	append_count(wkb, type);
}

static void
append_point(StringInfo wkb, const PlanarShape *shape, int point)
{
	appendBinaryStringInfo(wkb, (const char *) &shape->x[point], sizeof(float8));
	appendBinaryStringInfo(wkb, (const char *) &shape->y[point], sizeof(float8));
}

static void
append_rings(StringInfo wkb, const PlanarShape *shape, int polygon)
{
	append_count(wkb, shape->polygon_ring[polygon + 1] - shape->polygon_ring[polygon]);
	for (int ring = shape->polygon_ring[polygon]; ring < shape->polygon_ring[polygon + 1];
		 ring++)
	{
		append_count(wkb, shape->ring_point[ring + 1] - shape->ring_point[ring]);
		for (int i = shape->ring_point[ring]; i < shape->ring_point[ring + 1]; i++)
			append_point(wkb, shape, i);
	}
}

/* PostGIS's own form, with the SRID in it, and room for a bytea's header. */
static void
begin_wkb(Coverage *coverage, StringInfo wkb, uint32 type)
{
	initStringInfo(wkb);
	appendStringInfoSpaces(wkb, VARHDRSZ);
	append_type(wkb, type | WKB_WITH_SRID);
	append_count(wkb, (uint32) coverage->protection.srid);
}

static Datum
end_wkb(Coverage *coverage, StringInfo wkb)
{
	Datum geometry;

	SET_VARSIZE(wkb->data, wkb->len);
	geometry = FunctionCall1(&coverage->from_binary, PointerGetDatum(wkb->data));
	pfree(wkb->data);
	return geometry;
}

static Datum
polygon_geometry(Coverage *coverage, const PlanarShape *shape, int polygon)
{
	StringInfoData wkb;

	begin_wkb(coverage, &wkb, WKB_POLYGON);
	append_rings(&wkb, shape, polygon);
	return end_wkb(coverage, &wkb);
}

/*
 * A boundary for PostGIS to work on.  One that is not valid, let in while the
 * triggers were off, is mended first: overlays of such may fail.
 */
static Datum
sound_geometry(Coverage *coverage, const PlanarShape *shape)
{
	StringInfoData wkb;
	Datum geometry;
	char *reason;

	begin_wkb(coverage, &wkb, WKB_MULTI_POLYGON);
	append_count(&wkb, shape->npolygons);
	for (int i = 0; i < shape->npolygons; i++)
	{
		append_type(&wkb, WKB_POLYGON);
		append_rings(&wkb, shape, i);
	}
	geometry = end_wkb(coverage, &wkb);
	reason = TextDatumGetCString(FunctionCall1(&coverage->is_valid_reason, geometry));
	if (strcmp(reason, "Valid Geometry") != 0)
		geometry = FunctionCall1(&coverage->make_valid, geometry);
	return geometry;
}

static Datum
grid_geometry(Coverage *coverage, Grid *grid)
{
	if (grid->geometry == (Datum) 0)
	{
		MemoryContext old = MemoryContextSwitchTo(coverage->context);

		grid->geometry = sound_geometry(coverage, grid->shape);
		MemoryContextSwitchTo(old);
	}
	return grid->geometry;
}

static Datum
region_geometry(Coverage *coverage, Region *region)
{
	if (region->geometry == (Datum) 0)
	{
		MemoryContext old = MemoryContextSwitchTo(coverage->context);

		region->geometry = sound_geometry(coverage, region->shape);
		MemoryContextSwitchTo(old);
	}
	return region->geometry;
}

static PlanarShape *
geometry_shape(Coverage *coverage, Datum geometry)
{
	return read_planar_shape(
		DatumGetByteaPP(FunctionCall1(&coverage->as_binary, geometry)));
}

static Datum
overlay(FmgrInfo *function, Datum one, Datum other)
{
	/* No grid to snap to: exact coordinates stay exact. */
	return FunctionCall3(function, one, other, Float8GetDatum(-1));
}

/* ---------------------------------------------------------------------------
 * Reading
 * ---------------------------------------------------------------------------
 */

/*
 * 42501 unless the caller may read these columns, and all rows: what is hidden
 * from him would be a gap to him.
 */
static void
check_may_read(Relation table, const AttrNumber *columns, int ncolumns)
{
	Oid relation = RelationGetRelid(table);

	if (pg_class_aclcheck(relation, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
	{
		for (int i = 0; i < ncolumns; i++)
		{
			if (columns[i] != InvalidAttrNumber &&
				pg_attribute_aclcheck(relation, columns[i], GetUserId(), ACL_SELECT) !=
					ACLCHECK_OK)
				aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE,
							   RelationGetRelationName(table));
		}
	}
	if (check_enable_rls(relation, InvalidOid, true) == RLS_ENABLED)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("row-level security may hide rows of table \"%s\"",
						RelationGetRelationName(table)),
				 errdetail("Coverage can only be judged of all rows."),
				 errhint("Call it as the owner of the table, or as a role that bypasses "
						 "row-level security.")));
}

static char *
column_text(TupleTableSlot *slot, AttrNumber attnum)
{
	bool isnull;
	Datum value;
	Oid output;
	bool isvarlena;

	if (attnum == InvalidAttrNumber)
		return NULL;
	value = slot_getattr(slot, attnum, &isnull);
	if (isnull)
		return NULL;
	getTypeOutputInfo(TupleDescAttr(slot->tts_tupleDescriptor, attnum - 1)->atttypid,
					  &output, &isvarlena);
	return OidOutputFunctionCall(output, value);
}

static bool
all_finite(const PlanarShape *shape)
{
	for (int i = 0; i < shape->npoints; i++)
	{
		if (!isfinite(shape->x[i]) || !isfinite(shape->y[i]))
			return false;
	}
	return true;
}

/* NULL where there is none, or an empty one.  VC005 where it cannot be one. */
static PlanarShape *
column_shape(Coverage *coverage, TupleTableSlot *slot, AttrNumber attnum,
			 const char *whose, const char *code)
{
	MemoryContext old;
	bool isnull;
	Datum value;
	Datum wkb;
	PlanarShape *shape;
	const char *reason = NULL;

	if (attnum == InvalidAttrNumber)
		return NULL;
	value = slot_getattr(slot, attnum, &isnull);
	if (isnull)
		return NULL;
	old = MemoryContextSwitchTo(coverage->work_context);
	value = PointerGetDatum(PG_DETOAST_DATUM(value));
	wkb = FunctionCall1(&coverage->as_binary, value);
	MemoryContextSwitchTo(old);
	shape = read_planar_shape(DatumGetByteaPP(wkb));
	if (DatumGetInt32(FunctionCall1(&coverage->get_srid, value)) !=
		coverage->protection.srid)
		reason = psprintf("Its SRID is not %d.", coverage->protection.srid);
	else if (!shape->only_polygons)
		reason = "It holds points, lines or curves.";
	else if (!all_finite(shape))
		reason = "A coordinate of it is infinite or not a number.";
	if (reason != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_VC_GRID),
				 errmsg("boundary of %s \"%s\" cannot be judged", whose, code),
				 errdetail_internal("%s", reason),
				 errhint("Correct it; govcase.check_grids() lists all that is wrong "
						 "with the grids.")));
	MemoryContextReset(coverage->work_context);
	return shape->npolygons > 0 ? shape : NULL;
}

static char *
required_code(Relation table, TupleTableSlot *slot, AttrNumber attnum)
{
	char *code = column_text(slot, attnum);

	if (code == NULL)
		ereport(ERROR, (errcode(ERRCODE_NOT_NULL_VIOLATION),
						errmsg("code of a row of table \"%s\" is null",
							   RelationGetRelationName(table)),
						errtablecol(table, attnum)));
	return code;
}

static int
compare_regions(const void *one, const void *other)
{
	return strcmp(((const Region *) one)->code, ((const Region *) other)->code);
}

static int
compare_grids(const void *one, const void *other)
{
	return strcmp(((const Grid *) one)->code, ((const Grid *) other)->code);
}

/* Number of the region of a code; NO_REGION where there is none. */
static int
find_region(Coverage *coverage, const char *code)
{
	Region key;
	Region *found;

	if (code == NULL || coverage->nregions == 0)
		return NO_REGION;
	key.code = unconstify(char *, code);
	found = bsearch(&key, coverage->regions, coverage->nregions, sizeof(Region),
					compare_regions);
	return found == NULL ? NO_REGION : (int) (found - coverage->regions);
}

/* The nearest region with a boundary, from this one upwards. */
static int
nearest_with_boundary(Coverage *coverage, int region)
{
	for (int steps = 0; region != NO_REGION; steps++)
	{
		const Region *node = &coverage->regions[region];

		if (node->shape != NULL)
			return region;
		if (steps > coverage->nregions)
			ereport(ERROR, (errcode(ERRCODE_VC_GRID),
							errmsg("regions above \"%s\" lead in a circle", node->code),
							errhint("Correct the parents in table \"%s\".",
									get_rel_name(coverage->protection.regions))));
		region = find_region(coverage, node->parent);
	}
	return NO_REGION;
}

static void
read_regions(Coverage *coverage)
{
	const GridProtection *protection = &coverage->protection;
	AttrNumber columns[] = {protection->region_code, protection->region_parent,
							protection->region_boundary};
	Relation table = table_open(protection->regions, AccessShareLock);
	TupleTableSlot *slot = table_slot_create(table, NULL);
	int allocated = 256;
	TableScanDesc scan;

	check_may_read(table, columns, lengthof(columns));
	coverage->regions = palloc_extended(sizeof(Region) * allocated, MCXT_ALLOC_HUGE);
	scan = table_beginscan(table, GetActiveSnapshot(), 0, NULL);
	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		Region *region;

		CHECK_FOR_INTERRUPTS();
		if (coverage->nregions == allocated)
		{
			allocated *= 2;
			coverage->regions =
				repalloc_huge(coverage->regions, sizeof(Region) * allocated);
		}
		region = &coverage->regions[coverage->nregions++];
		memset(region, 0, sizeof(Region));
		region->code = required_code(table, slot, protection->region_code);
		region->parent = column_text(slot, protection->region_parent);
		region->shape = column_shape(coverage, slot, protection->region_boundary,
									 "region", region->code);
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	table_close(table, AccessShareLock);

	qsort(coverage->regions, coverage->nregions, sizeof(Region), compare_regions);
	for (int i = 0; i < coverage->nregions; i++)
	{
		Region *region = &coverage->regions[i];

		region->nearest = nearest_with_boundary(coverage, i);
		region->above =
			nearest_with_boundary(coverage, find_region(coverage, region->parent));
	}
}

static int
kind_number(Coverage *coverage, const char *kind)
{
	ListCell *cell;
	int number = 0;

	foreach (cell, coverage->kinds)
	{
		if (kind == NULL || strcmp(lfirst(cell), kind) == 0)
			return number;
		number++;
	}
	coverage->kinds = lappend(coverage->kinds, pstrdup(kind));
	return number;
}

static void
read_grids(Coverage *coverage)
{
	const GridProtection *protection = &coverage->protection;
	AttrNumber columns[] = {protection->code, protection->region, protection->kind,
							protection->boundary};
	Relation table = table_open(protection->grids, AccessShareLock);
	TupleTableSlot *slot = table_slot_create(table, NULL);
	int allocated = 1024;
	TableScanDesc scan;
	Box *boxes;

	check_may_read(table, columns, lengthof(columns));
	coverage->grids = palloc_extended(sizeof(Grid) * allocated, MCXT_ALLOC_HUGE);
	scan = table_beginscan(table, GetActiveSnapshot(), 0, NULL);
	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		char *code = required_code(table, slot, protection->code);
		PlanarShape *shape =
			column_shape(coverage, slot, protection->boundary, "grid", code);
		char *region_code = column_text(slot, protection->region);
		char *kind = column_text(slot, protection->kind);
		int region = find_region(coverage, region_code);
		Grid *grid;

		CHECK_FOR_INTERRUPTS();
		/* What is empty covers nothing, and can do so twice or elsewhere. */
		if (shape == NULL)
			continue;
		if (coverage->ngrids == allocated)
		{
			allocated *= 2;
			coverage->grids = repalloc_huge(coverage->grids, sizeof(Grid) * allocated);
		}
		grid = &coverage->grids[coverage->ngrids++];
		grid->code = code;
		grid->shape = shape;
		grid->region =
			region == NO_REGION ? NO_REGION : coverage->regions[region].nearest;
		grid->kind = kind_number(coverage, kind);
		grid->geometry = (Datum) 0;
		grid->area = -1;
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	table_close(table, AccessShareLock);

	qsort(coverage->grids, coverage->ngrids, sizeof(Grid), compare_grids);
	boxes = palloc_extended(sizeof(Box) * Max(coverage->ngrids, 1), MCXT_ALLOC_HUGE);
	for (int i = 0; i < coverage->ngrids; i++)
		boxes[i] = shape_box(coverage->grids[i].shape);
	build_tree(&coverage->tree, coverage->ngrids, boxes);
	pfree(boxes);
}

/* ---------------------------------------------------------------------------
 * What is found
 * ---------------------------------------------------------------------------
 */

static void
add_problem(Coverage *coverage, ProblemKind kind, const char *region, const char *grid,
			const char *other, const PlanarMeasure *measure, const PlanarShape *shape,
			int polygon)
{
	MemoryContext old = MemoryContextSwitchTo(coverage->context);
	Problem *problem;

	if (coverage->nproblems == coverage->problems_allocated)
	{
		coverage->problems_allocated *= 2;
		coverage->problems = repalloc_huge(
			coverage->problems, sizeof(Problem) * coverage->problems_allocated);
	}
	problem = &coverage->problems[coverage->nproblems++];
	problem->kind = kind;
	problem->region = region;
	problem->grid = grid;
	problem->other = other;
	problem->area = measure->area;
	problem->width = mean_width(measure);
	problem->geometry = polygon_geometry(coverage, shape, polygon);
	MemoryContextSwitchTo(old);
}

/* Is it too small for anything, or no wider than rounding? */
static bool
is_rounding(const PlanarMeasure *measure, float8 least_area)
{
	return !(measure->area > least_area && mean_width(measure) > ROUNDING_WIDTH);
}

/*
 * Square metres that a face needs to be looked at.  An overlap may consist of
 * several faces, and in a small grid a small one counts.
 */
static float8
least_face_area(const Coverage *coverage)
{
	return Min(FACE_AREA, coverage->protection.tolerance * FACE_SHARE);
}

static bool
exceeds_tolerance(const Coverage *coverage, const PlanarMeasure *measure)
{
	return measure->area > coverage->protection.tolerance &&
		   mean_width(measure) > coverage->protection.tolerance_width;
}

static float8
grid_area(Coverage *coverage, Grid *grid)
{
	if (grid->area < 0)
	{
		PlanarMeasure measure;

		measure_shape(grid->shape, &coverage->system, &measure);
		grid->area = measure.area;
	}
	return grid->area;
}

/*
 * Judge each piece of an overlap or of what strays: refused by the protection,
 * or a sliver (狭长碎片), which it admits.  Returns their square units.
 */
static float8
judge_pieces(Coverage *coverage, Datum geometry, ProblemKind kind, float8 smaller_area,
			 const char *region, const char *grid, const char *other)
{
	PlanarShape *shape = geometry_shape(coverage, geometry);

	for (int i = 0; i < shape->npolygons; i++)
	{
		PlanarMeasure measure;
		bool refused;

		measure_polygon(shape, i, &coverage->system, &measure);
		if (is_rounding(&measure, 0))
			continue;
		refused =
			exceeds_tolerance(coverage, &measure) || measure.area > smaller_area / 100;
		if (refused || measure.area > coverage->protection.tolerance)
			add_problem(coverage, refused ? kind : PROBLEM_SLIVER, region, grid, other,
						&measure, shape, i);
	}
	return planar_area_of_shape(shape);
}

/* ---------------------------------------------------------------------------
 * Matching segments
 * ---------------------------------------------------------------------------
 */

/* Shapes whose coverage is added up, or taken off. */
typedef struct Term
{
	const PlanarShape *shape;
	int sign;
} Term;

typedef struct SegmentSlot
{
	uint32 term;  /* where it first occurred: number of the term + 1; 0: no slot */
	uint32 point; /* that it starts with */
	uint32 hash;
	int32 net; /* by how much more is covered to its left, from the lesser end */
} SegmentSlot;

typedef struct Sum
{
	int nterms;
	int terms_allocated;
	Term *terms;
	uint64 nsegments;
	uint64 nunmatched;
	uint64 mask;
	SegmentSlot *slots;
} Sum;

static void
begin_sum(Sum *sum)
{
	memset(sum, 0, sizeof(Sum));
	sum->terms_allocated = 64;
	sum->terms = palloc(sizeof(Term) * sum->terms_allocated);
}

static void
add_term(Sum *sum, const PlanarShape *shape, int sign)
{
	if (sum->nterms == sum->terms_allocated)
	{
		sum->terms_allocated *= 2;
		sum->terms = repalloc_huge(sum->terms, sizeof(Term) * sum->terms_allocated);
	}
	sum->terms[sum->nterms++] = (Term){shape, sign};
	sum->nsegments += shape->npoints - shape->nrings;
}

static void
end_sum(Sum *sum)
{
	if (sum->slots != NULL)
		pfree(sum->slots);
	pfree(sum->terms);
}

typedef struct SegmentEnds
{
	float8 x1, y1, x2, y2; /* the lesser end first */
	int direction;         /* of the segment, seen so; 0: it has no length */
} SegmentEnds;

static inline SegmentEnds
segment_ends(const PlanarShape *shape, int point)
{
	/* Adding 0 makes one of the two zeros. */
	float8 x1 = shape->x[point] + 0.0;
	float8 y1 = shape->y[point] + 0.0;
	float8 x2 = shape->x[point + 1] + 0.0;
	float8 y2 = shape->y[point + 1] + 0.0;

	if (x1 < x2 || (x1 == x2 && y1 < y2))
		return (SegmentEnds){x1, y1, x2, y2, 1};
	return (SegmentEnds){x2, y2, x1, y1, x1 == x2 && y1 == y2 ? 0 : -1};
}

static inline uint32
hash_segment(const SegmentEnds *ends)
{
	uint64 words[4];
	uint64 hash = 0;

	memcpy(words, &ends->x1, sizeof(words));
	for (int i = 0; i < 4; i++)
	{
		hash = (hash ^ words[i]) * UINT64CONST(0x9E3779B97F4A7C15);
		hash ^= hash >> 32;
	}
	return (uint32) hash;
}

/* The slot of a segment, a free one where it has none. */
static inline SegmentSlot *
find_slot(const Sum *sum, const SegmentEnds *ends, uint32 hash)
{
	for (uint64 i = hash & sum->mask;; i = (i + 1) & sum->mask)
	{
		SegmentSlot *slot = &sum->slots[i];
		SegmentEnds other;

		if (slot->term == 0)
			return slot;
		if (slot->hash != hash)
			continue;
		other = segment_ends(sum->terms[slot->term - 1].shape, slot->point);
		if (other.x1 == ends->x1 && other.y1 == ends->y1 && other.x2 == ends->x2 &&
			other.y2 == ends->y2)
			return slot;
	}
}

/* Let segments that occur in opposite directions cancel; count what is left. */
static void
match_segments(Sum *sum)
{
	uint64 nslots = 64;

	while (nslots < 2 * sum->nsegments)
		nslots *= 2;
	sum->mask = nslots - 1;
	sum->slots =
		palloc_extended(sizeof(SegmentSlot) * nslots, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (int term = 0; term < sum->nterms; term++)
	{
		const PlanarShape *shape = sum->terms[term].shape;

		CHECK_FOR_INTERRUPTS();
		for (int ring = 0; ring < shape->nrings; ring++)
		{
			for (int i = shape->ring_point[ring]; i + 1 < shape->ring_point[ring + 1];
				 i++)
			{
				SegmentEnds ends = segment_ends(shape, i);
				uint32 hash = hash_segment(&ends);
				SegmentSlot *slot;

				if (ends.direction == 0)
					continue;
				slot = find_slot(sum, &ends, hash);
				if (slot->term == 0)
					*slot = (SegmentSlot){term + 1, i, hash, 0};
				slot->net += ends.direction * sum->terms[term].sign;
			}
		}
	}
	for (uint64 i = 0; i < nslots; i++)
		sum->nunmatched += abs(sum->slots[i].net);
}

/* Were the borders digitised apart? */
static bool
mostly_apart(const Sum *sum)
{
	return sum->nunmatched * 10 > sum->nsegments;
}

/*
 * The faces that the unmatched segments enclose.  Within each, the sum is the
 * same everywhere.  Forgets the segments.
 */
static PlanarShape *
unmatched_faces(Coverage *coverage, Sum *sum)
{
	StringInfoData wkb;
	int count_at;
	uint32 nlines = 0;
	Datum lines;
	Datum faces;

	begin_wkb(coverage, &wkb, WKB_MULTI_LINE_STRING);
	count_at = wkb.len;
	append_count(&wkb, 0);
	for (int term = 0; term < sum->nterms; term++)
	{
		const PlanarShape *shape = sum->terms[term].shape;

		CHECK_FOR_INTERRUPTS();
		for (int ring = 0; ring < shape->nrings; ring++)
		{
			int npoints_at = 0;
			uint32 npoints = 0; /* of the line being written */

			for (int i = shape->ring_point[ring]; i + 1 < shape->ring_point[ring + 1];
				 i++)
			{
				SegmentEnds ends = segment_ends(shape, i);
				SegmentSlot *slot;

				if (ends.direction == 0)
					continue;
				slot = find_slot(sum, &ends, hash_segment(&ends));
				if (slot->net == 0)
				{
					npoints = 0;
					continue;
				}
				slot->net = 0;
				if (npoints == 0)
				{
					append_type(&wkb, WKB_LINE_STRING);
					npoints_at = wkb.len;
					append_count(&wkb, 0);
					append_point(&wkb, shape, i);
					npoints = 1;
					nlines++;
				}
				append_point(&wkb, shape, i + 1);
				npoints++;
				memcpy(wkb.data + npoints_at, &npoints, sizeof(npoints));
			}
		}
	}
	memcpy(wkb.data + count_at, &nlines, sizeof(nlines));
	pfree(sum->slots);
	sum->slots = NULL;

	lines = end_wkb(coverage, &wkb);
	lines = FunctionCall2(&coverage->unary_union, lines, Float8GetDatum(-1));
	faces = FunctionCall1(&coverage->polygonize,
						  PointerGetDatum(construct_array(&lines, 1, coverage->geometry,
														  -1, false, TYPALIGN_DOUBLE)));
	return geometry_shape(coverage, faces);
}

/* ---------------------------------------------------------------------------
 * Overlaps
 * ---------------------------------------------------------------------------
 */

/* Two grids of a kind, in the order of their codes. */
static void
judge_pair(Coverage *coverage, int one, int other)
{
	Grid *first = &coverage->grids[one];
	Grid *second = &coverage->grids[other];
	MemoryContext old;
	const char *region = NULL;
	float8 area;

	CHECK_FOR_INTERRUPTS();
	old = MemoryContextSwitchTo(coverage->work_context);
	if (!interiors_are_apart(first->shape, second->shape))
	{
		if (first->region == second->region && first->region != NO_REGION)
			region = coverage->regions[first->region].code;
		area = judge_pieces(
			coverage,
			overlay(&coverage->intersection, grid_geometry(coverage, first),
					grid_geometry(coverage, second)),
			PROBLEM_OVERLAP, Min(grid_area(coverage, first), grid_area(coverage, second)),
			region, first->code, second->code);
		if (region != NULL && first->kind == ORDINARY)
			coverage->regions[first->region].overlaps += area;
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(coverage->work_context);
}

typedef struct Pair
{
	int one;
	int other;
} Pair;

static int
compare_pairs(const void *one, const void *other)
{
	const Pair *a = one;
	const Pair *b = other;

	if (a->one != b->one)
		return a->one < b->one ? -1 : 1;
	return a->other < b->other ? -1 : a->other > b->other;
}

/* How many grids of a kind cover a point, of those whose boxes do. */
static int
cover_count(Coverage *coverage, const IntList *candidates, int kind, float8 x, float8 y)
{
	int count = 0;

	for (int i = 0; i < candidates->count; i++)
	{
		const Grid *grid = &coverage->grids[candidates->items[i]];

		if (grid->kind == kind && shape_covers(grid->shape, x, y))
			count++;
	}
	return count;
}

/*
 * Faces that are covered more than once say where to look; what is measured is
 * the overlap of the two grids itself, so that it is what the protection meets.
 */
static void
check_pairs_in_faces(Coverage *coverage, int kind, Sum *sum)
{
	PlanarShape *faces = unmatched_faces(coverage, sum);
	IntList inside = {0};
	IntList partners = {0};
	int npairs = 0;
	int allocated = 64;
	Pair *pairs = palloc(sizeof(Pair) * allocated);

	for (int face = 0; face < faces->npolygons; face++)
	{
		PlanarMeasure measure;
		Box box;
		float8 x;
		float8 y;

		CHECK_FOR_INTERRUPTS();
		measure_polygon(faces, face, &coverage->system, &measure);
		if (is_rounding(&measure, least_face_area(coverage)))
			continue;
		interior_point(faces, face, &x, &y);
		box = (Box){x, y, x, y};
		search_tree(&coverage->tree, &box, &inside);
		if (cover_count(coverage, &inside, kind, x, y) < 2)
			continue;
		box = polygon_box(faces, face);
		search_tree(&coverage->tree, &box, &inside);
		for (int i = 0; i < inside.count; i++)
		{
			int one = inside.items[i];
			const PlanarShape *shape = coverage->grids[one].shape;
			Box common = {Max(box.xmin, shape->xmin), Max(box.ymin, shape->ymin),
						  Min(box.xmax, shape->xmax), Min(box.ymax, shape->ymax)};

			if (coverage->grids[one].kind != kind)
				continue;
			search_tree(&coverage->tree, &common, &partners);
			for (int j = 0; j < partners.count; j++)
			{
				int other = partners.items[j];

				if (other <= one || coverage->grids[other].kind != kind)
					continue;
				if (npairs == allocated)
				{
					allocated *= 2;
					pairs = repalloc_huge(pairs, sizeof(Pair) * allocated);
				}
				pairs[npairs++] = (Pair){one, other};
			}
		}
	}
	qsort(pairs, npairs, sizeof(Pair), compare_pairs);
	for (int i = 0; i < npairs; i++)
	{
		if (i == 0 || compare_pairs(&pairs[i - 1], &pairs[i]) != 0)
			judge_pair(coverage, pairs[i].one, pairs[i].other);
	}
	pfree(pairs);
}

static void
check_all_pairs(Coverage *coverage, int kind)
{
	IntList partners = {0};

	for (int one = 0; one < coverage->ngrids; one++)
	{
		Box box = shape_box(coverage->grids[one].shape);

		if (coverage->grids[one].kind != kind)
			continue;
		search_tree(&coverage->tree, &box, &partners);
		for (int i = 0; i < partners.count; i++)
		{
			if (partners.items[i] > one &&
				coverage->grids[partners.items[i]].kind == kind)
				judge_pair(coverage, one, partners.items[i]);
		}
	}
	if (kind == ORDINARY)
		coverage->paired = true;
}

/* Overlaps of grids of a kind, whatever their regions: a point has one place. */
static void
check_overlaps(Coverage *coverage, int kind)
{
	Sum sum;

	begin_sum(&sum);
	for (int i = 0; i < coverage->ngrids; i++)
	{
		if (coverage->grids[i].kind == kind)
			add_term(&sum, coverage->grids[i].shape, 1);
	}
	match_segments(&sum);
	if (mostly_apart(&sum))
		check_all_pairs(coverage, kind);
	else if (sum.nunmatched > 0)
		check_pairs_in_faces(coverage, kind, &sum);
	end_sum(&sum);
}

/* ---------------------------------------------------------------------------
 * Strays
 * ---------------------------------------------------------------------------
 */

/* What of a grid lies outside its region; returns its square units. */
static float8
judge_stray(Coverage *coverage, Grid *grid)
{
	Region *region = &coverage->regions[grid->region];
	Datum boundary = region_geometry(coverage, region);
	Datum geometry = grid_geometry(coverage, grid);
	MemoryContext old = MemoryContextSwitchTo(coverage->work_context);
	float8 area = 0;

	CHECK_FOR_INTERRUPTS();
	if (!DatumGetBool(FunctionCall2(&coverage->covers, boundary, geometry)))
		area = judge_pieces(coverage, overlay(&coverage->difference, geometry, boundary),
							PROBLEM_STRAY, grid_area(coverage, grid), region->code,
							grid->code, NULL);
	MemoryContextSwitchTo(old);
	MemoryContextReset(coverage->work_context);
	return area;
}

/* Boxes of the segments of a boundary. */
static void
build_segment_tree(BoxTree *tree, const PlanarShape *shape)
{
	Box *boxes = palloc_extended(sizeof(Box) * shape->npoints, MCXT_ALLOC_HUGE);
	int count = 0;

	for (int ring = 0; ring < shape->nrings; ring++)
	{
		for (int i = shape->ring_point[ring]; i + 1 < shape->ring_point[ring + 1]; i++)
			boxes[count++] = (Box){
				Min(shape->x[i], shape->x[i + 1]), Min(shape->y[i], shape->y[i + 1]),
				Max(shape->x[i], shape->x[i + 1]), Max(shape->y[i], shape->y[i + 1])};
	}
	build_tree(tree, count, boxes);
	pfree(boxes);
}

/*
 * Judge those of these grids that the border of their region comes near, and
 * those that lie beyond it.  Returns the square units that stray.
 */
static float8
check_strays(Coverage *coverage, int region, const IntList *grids)
{
	const PlanarShape *boundary = coverage->regions[region].shape;
	BoxTree tree;
	IntList found = {0};
	float8 area = 0;

	if (grids->count == 0)
		return 0;
	build_segment_tree(&tree, boundary);
	for (int i = 0; i < grids->count; i++)
	{
		Grid *grid = &coverage->grids[grids->items[i]];
		Box box = shape_box(grid->shape);

		search_tree(&tree, &box, &found);
		if (found.count > 0 ||
			!shape_covers(boundary, grid->shape->x[0], grid->shape->y[0]))
			area += judge_stray(coverage, grid);
	}
	return area;
}

/* ---------------------------------------------------------------------------
 * Gaps
 * ---------------------------------------------------------------------------
 */

/*
 * A crack that joins a hole makes the whole of it narrow on average.  Cut the
 * wide parts out and leave the rest.
 */
static void
judge_narrow_gap(Coverage *coverage, const char *region, const PlanarShape *faces,
				 int face, const PlanarMeasure *measure)
{
	float8 unit = sqrt(measure->area / planar_area(faces, faces->polygon_ring[face],
												   faces->polygon_ring[face + 1]));
	float8 half = coverage->protection.tolerance_width / 2 / unit;
	Datum style = CStringGetTextDatum("join=mitre");
	Datum whole = polygon_geometry(coverage, faces, face);
	Datum wide = FunctionCall3(&coverage->buffer, whole, Float8GetDatum(-half), style);
	PlanarShape *shape = geometry_shape(coverage, wide);
	bool cut = false;

	if (shape->npolygons > 0)
	{
		wide = FunctionCall3(&coverage->buffer, wide, Float8GetDatum(half), style);
		wide = overlay(&coverage->intersection, wide, whole);
		shape = geometry_shape(coverage, wide);
		for (int i = 0; i < shape->npolygons; i++)
		{
			PlanarMeasure part;

			measure_polygon(shape, i, &coverage->system, &part);
			if (!exceeds_tolerance(coverage, &part))
				continue;
			add_problem(coverage, PROBLEM_GAP, region, NULL, NULL, &part, shape, i);
			whole = overlay(&coverage->difference, whole,
							polygon_geometry(coverage, shape, i));
			cut = true;
		}
	}
	if (!cut)
	{
		add_problem(coverage, PROBLEM_SLIVER, region, NULL, NULL, measure, faces, face);
		return;
	}
	shape = geometry_shape(coverage, whole);
	for (int i = 0; i < shape->npolygons; i++)
	{
		PlanarMeasure part;

		measure_polygon(shape, i, &coverage->system, &part);
		if (!is_rounding(&part, coverage->protection.tolerance))
			add_problem(coverage, PROBLEM_SLIVER, region, NULL, NULL, &part, shape, i);
	}
}

static void
judge_gap(Coverage *coverage, int region, const PlanarShape *faces, int face,
		  const PlanarMeasure *measure)
{
	const char *code = region == NO_REGION ? NULL : coverage->regions[region].code;
	MemoryContext old;

	if (exceeds_tolerance(coverage, measure))
	{
		add_problem(coverage, PROBLEM_GAP, code, NULL, NULL, measure, faces, face);
		return;
	}
	old = MemoryContextSwitchTo(coverage->work_context);
	judge_narrow_gap(coverage, code, faces, face, measure);
	MemoryContextSwitchTo(old);
	MemoryContextReset(coverage->work_context);
}

/*
 * Is the place within the region, and covered by none of its own ordinary grids
 * nor by a region below it, which answers for itself?  Grids in no region have
 * no border to fill, but what they enclose and nobody covers is a gap, too.
 */
static bool
is_gap(Coverage *coverage, int region, const IntList *children, const IntList *candidates,
	   float8 x, float8 y)
{
	if (region != NO_REGION && !shape_covers(coverage->regions[region].shape, x, y))
		return false;
	for (int i = 0; i < candidates->count; i++)
	{
		const Grid *grid = &coverage->grids[candidates->items[i]];

		if (grid->kind == ORDINARY && (region == NO_REGION || grid->region == region) &&
			shape_covers(grid->shape, x, y))
			return false;
	}
	for (int i = 0; i < children->count; i++)
	{
		if (shape_covers(coverage->regions[children->items[i]].shape, x, y))
			return false;
	}
	return true;
}

/*
 * Gaps in a region, and what strays out of it.  With NO_REGION, gaps that the
 * grids enclose that are in no region with a boundary.
 *
 * own: its ordinary grids.  others: those of other kinds.  children: the nearest
 * regions with boundaries below it.
 */
static void
check_region(Coverage *coverage, int region, const IntList *own, const IntList *others,
			 const IntList *children)
{
	const PlanarShape *boundary =
		region == NO_REGION ? NULL : coverage->regions[region].shape;
	float8 tolerance = coverage->protection.tolerance;
	PlanarShape *faces;
	IntList candidates = {0};
	IntList strays = {0};
	bool *seen;
	bool apart;
	Sum sum;

	if (region != NO_REGION)
		(void) check_strays(coverage, region, others);
	begin_sum(&sum);
	for (int i = 0; i < own->count; i++)
		add_term(&sum, coverage->grids[own->items[i]].shape, 1);
	if (region != NO_REGION)
	{
		for (int i = 0; i < children->count; i++)
			add_term(&sum, coverage->regions[children->items[i]].shape, 1);
		add_term(&sum, boundary, -1);
	}
	match_segments(&sum);
	if (sum.nunmatched == 0)
	{
		end_sum(&sum);
		return;
	}

	apart = mostly_apart(&sum);
	if (apart && region != NO_REGION)
	{
		float8 missing = check_strays(coverage, region, own);

		/*
		 * Grids cover at least their areas less what two of them share (Bonferroni),
		 * so that no more can be missing than this.
		 */
		if (coverage->paired && children->count == 0)
		{
			float8 whole = planar_area_of_shape(boundary);
			PlanarMeasure measure;

			missing += whole + coverage->regions[region].overlaps;
			for (int i = 0; i < own->count; i++)
				missing -= planar_area_of_shape(coverage->grids[own->items[i]].shape);
			measure_shape(boundary, &coverage->system, &measure);
			if (missing * (measure.area / whole) <= tolerance)
			{
				end_sum(&sum);
				return;
			}
		}
	}

	faces = unmatched_faces(coverage, &sum);
	end_sum(&sum);
	seen = palloc0(sizeof(bool) * Max(coverage->ngrids, 1));
	for (int face = 0; face < faces->npolygons; face++)
	{
		PlanarMeasure measure;
		Box box;
		float8 x;
		float8 y;

		CHECK_FOR_INTERRUPTS();
		measure_polygon(faces, face, &coverage->system, &measure);
		if (is_rounding(&measure, apart ? tolerance : least_face_area(coverage)))
			continue;
		interior_point(faces, face, &x, &y);
		box = (Box){x, y, x, y};
		search_tree(&coverage->tree, &box, &candidates);
		if (is_gap(coverage, region, children, &candidates, x, y))
		{
			if (!is_rounding(&measure, tolerance))
				judge_gap(coverage, region, faces, face, &measure);
			continue;
		}
		if (apart || region == NO_REGION || shape_covers(boundary, x, y))
			continue;
		/* Outside: those of the region's own grids that may reach there. */
		box = polygon_box(faces, face);
		search_tree(&coverage->tree, &box, &candidates);
		for (int i = 0; i < candidates.count; i++)
		{
			int number = candidates.items[i];
			const Grid *grid = &coverage->grids[number];

			if (grid->region == region && grid->kind == ORDINARY && !seen[number])
			{
				seen[number] = true;
				append_int(&strays, number);
			}
		}
	}
	for (int i = 0; i < strays.count; i++)
		(void) judge_stray(coverage, &coverage->grids[strays.items[i]]);
}

static void
check_regions(Coverage *coverage)
{
	/* The last of each stands for what is in no region with a boundary. */
	int nfamilies = coverage->nregions + 1;
	IntList *own = palloc0(sizeof(IntList) * nfamilies);
	IntList *others = palloc0(sizeof(IntList) * nfamilies);
	IntList *children = palloc0(sizeof(IntList) * nfamilies);
	MemoryContext region_context = AllocSetContextCreate(
		coverage->context, "govcase coverage of a region", ALLOCSET_DEFAULT_SIZES);

	for (int i = 0; i < coverage->ngrids; i++)
	{
		const Grid *grid = &coverage->grids[i];
		int family = grid->region == NO_REGION ? coverage->nregions : grid->region;

		append_int(grid->kind == ORDINARY ? &own[family] : &others[family], i);
	}
	for (int i = 0; i < coverage->nregions; i++)
	{
		const Region *region = &coverage->regions[i];

		if (region->shape != NULL)
			append_int(region->above == NO_REGION ? &children[coverage->nregions]
												  : &children[region->above],
					   i);
	}
	for (int i = 0; i < nfamilies; i++)
	{
		bool is_region = i < coverage->nregions;
		MemoryContext old;

		if (is_region ? coverage->regions[i].shape == NULL : own[i].count == 0)
			continue;
		old = MemoryContextSwitchTo(region_context);
		check_region(coverage, is_region ? i : NO_REGION, &own[i], &others[i],
					 &children[i]);
		MemoryContextSwitchTo(old);
		MemoryContextReset(region_context);
	}
}

/* ---------------------------------------------------------------------------
 * The whole
 * ---------------------------------------------------------------------------
 */

static void
prepare_function(Coverage *coverage, FmgrInfo *function, const char *name, int nargs,
				 Oid first, Oid second, Oid third)
{
	Oid types[3] = {first, second, third};

	/* Their caches, of prepared geometries above all, live as long as the check. */
	fmgr_info_cxt(postgis_function(name, nargs, types), function, coverage->context);
}

static void
begin_coverage(Coverage *coverage, Oid grids)
{
	Oid geometry = geometry_type_oid();

	memset(coverage, 0, sizeof(Coverage));
	coverage->protection = *protection_of_grids_table(grids);
	if (!read_coordinate_system(coverage->protection.srid, &coverage->system))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("SRID %d of table \"%s\" has no coordinates that could be "
							   "measured",
							   coverage->protection.srid, get_rel_name(grids)),
						errhint("Add the SRID to spatial_ref_sys.")));
	coverage->context = AllocSetContextCreate(CurrentMemoryContext, "govcase coverage",
											  ALLOCSET_DEFAULT_SIZES);
	coverage->work_context = AllocSetContextCreate(
		coverage->context, "govcase coverage work", ALLOCSET_DEFAULT_SIZES);
	coverage->geometry = geometry;
	coverage->geometry_array = get_array_type(geometry);
	prepare_function(coverage, &coverage->get_srid, "st_srid", 1, geometry, 0, 0);
	prepare_function(coverage, &coverage->as_binary, "st_asbinary", 1, geometry, 0, 0);
	prepare_function(coverage, &coverage->from_binary, "st_geomfromewkb", 1, BYTEAOID, 0,
					 0);
	prepare_function(coverage, &coverage->is_valid_reason, "st_isvalidreason", 1,
					 geometry, 0, 0);
	prepare_function(coverage, &coverage->make_valid, "st_makevalid", 1, geometry, 0, 0);
	prepare_function(coverage, &coverage->covers, "st_covers", 2, geometry, geometry, 0);
	prepare_function(coverage, &coverage->intersection, "st_intersection", 3, geometry,
					 geometry, FLOAT8OID);
	prepare_function(coverage, &coverage->difference, "st_difference", 3, geometry,
					 geometry, FLOAT8OID);
	prepare_function(coverage, &coverage->unary_union, "st_unaryunion", 2, geometry,
					 FLOAT8OID, 0);
	prepare_function(coverage, &coverage->polygonize, "st_polygonize", 1,
					 coverage->geometry_array, 0, 0);
	prepare_function(coverage, &coverage->buffer, "st_buffer", 3, geometry, FLOAT8OID,
					 TEXTOID);
}

/* The worst first: what the protection refuses, then the rest; the largest first. */
static int
compare_problems(const void *one, const void *other)
{
	const Problem *a = one;
	const Problem *b = other;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return a->area > b->area ? -1 : a->area < b->area;
}

static Datum
text_or_null(const char *text, bool *isnull)
{
	*isnull = text == NULL;
	return *isnull ? (Datum) 0 : CStringGetTextDatum(text);
}

/*
 * check_coverage(grids regclass) returns setof (problem, region, grid, other,
 * square_metres, width, geom)
 *
 * As sql/check_coverage.sql says.  Sees what the caller's snapshot does; stable,
 * restricted in parallel.  22004 for a null; 42501 unless the caller may read all
 * of both tables; VC005 for a boundary that is no polygon or regions in a circle;
 * those of protection_of_grids().
 */
Datum
govcase_check_coverage(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Coverage coverage;
	MemoryContext old;

	if (PG_ARGISNULL(0))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("table must not be null")));
	InitMaterializedSRF(fcinfo, 0);
	begin_coverage(&coverage, PG_GETARG_OID(0));
	old = MemoryContextSwitchTo(coverage.context);
	coverage.kinds = list_make1(pstrdup("ordinary"));
	coverage.problems_allocated = 64;
	coverage.problems = palloc(sizeof(Problem) * coverage.problems_allocated);
	if (OidIsValid(coverage.protection.regions))
		read_regions(&coverage);
	read_grids(&coverage);
	for (int kind = 0; kind < list_length(coverage.kinds); kind++)
		check_overlaps(&coverage, kind);
	check_regions(&coverage);

	qsort(coverage.problems, coverage.nproblems, sizeof(Problem), compare_problems);
	for (int i = 0; i < coverage.nproblems; i++)
	{
		const Problem *problem = &coverage.problems[i];
		Datum values[7];
		bool nulls[7] = {false};

		values[0] = CStringGetTextDatum(problem_names[problem->kind]);
		values[1] = text_or_null(problem->region, &nulls[1]);
		values[2] = text_or_null(problem->grid, &nulls[2]);
		values[3] = text_or_null(problem->other, &nulls[3]);
		values[4] = Float8GetDatum(problem->area);
		values[5] = Float8GetDatum(problem->width);
		values[6] = problem->geometry;
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(coverage.context);
	return (Datum) 0;
}
