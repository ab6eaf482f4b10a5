/*
 * placement.c
 *		What a session keeps of the boundaries of a table of grids, and the grid
 *		that a point is in.
 *
 * What a table of grids says about a place is read once, by its GiST index, and
 * kept as cells (grid_cells.c) for as long as nobody changes the table.  The map
 * is cut into square tiles, some eight grids wide.  A tile is bought only where
 * points keep coming: until then, and wherever a point is too near to an edge to
 * be decided, PostGIS is asked about the grids at the point itself.
 *
 * Placement follows the newest committed boundaries and one's own, as a foreign
 * key follows its table, whatever the snapshot of the statement.  Triggers of the
 * table of grids invalidate its relcache entry, and with it the tiles; a
 * statement takes notice of that when it first asks.
 */
#include "placement.h"

#include <math.h>

#include "access/genam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "funcapi.h"
#include "lib/ilist.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "grid.h"
#include "planar.h"

/* Grids in a row of a tile, about; read in some third of a millisecond. */
#define TILE_GRIDS 8
/* A tile with more is divided into 4 x 4 smaller ones. */
#define CROWDED_TILE        512
#define CROWDED_TILE_POINTS (1 << 18)
#define TILE_FACTOR         4
#define DEEPEST_TILE        12
/* Working memory for building a tile, where the setting allows even less to keep. */
#define LEAST_WORKING_MEMORY ((Size) 8 * 1024 * 1024)
/*
 * Points that PostGIS is asked about before a tile is built for their place.  A
 * tile costs about as much as 16 of them, so where it must displace another, it
 * first has to prove itself by as many.
 */
#define ASK_BEFORE_BUILDING   1
#define ASK_BEFORE_DISPLACING 16
#define WAITING_PLACES        256
/* Tiles lie off the round coordinates by these parts of their width. */
#define OFFSET_X (391.0 / CORNER_FRACTION)
#define OFFSET_Y (633.0 / CORNER_FRACTION)
/* Tile numbers fit into a key; smallest_piece() asks for the same. */
#define FARTHEST_TILE ((double) (1 << 28))
/* Rows that say how big grids are. */
#define SAMPLED_GRIDS 16

/* The version of a grid of a tile. */
typedef struct TileVersion
{
	int64 version;
	bool is_known;
} TileVersion;

typedef struct Tile
{
	dlist_node link; /* in all_tiles */
	uint64 key;
	struct CachedPlacement *placement;
	MapPoint corner;
	double width;
	Size size;
	bool divided; /* look at the next level */
	bool used;    /* since the last search for something to evict */
	/* Where own changes may be in it, the subtransaction that it ends with. */
	SubTransactionId tentative;
	Cells *cells; /* NULL: divided, or more than may be kept, so PostGIS's to say */
	/*
	 * Codes of the grids, in the order in which they are tried, each in code_room
	 * bytes, the first two its length: a look-up is a matter of memory latency,
	 * so the code is to be had without following a pointer.
	 */
	char *codes;
	Size code_room;
	TileVersion *versions; /* NULL where nobody has asked for versions */
} Tile;

typedef struct TileSlot
{
	uint64 key;
	Tile *tile;
	char status; /* for simplehash */
} TileSlot;

static inline uint32
hash_tile_key(uint64 key)
{
	/* Fibonacci hashing: the upper bits are well mixed. */
	return (uint32) ((key * UINT64CONST(0x9E3779B97F4A7C15)) >> 32);
}

#define SH_PREFIX               tiles
#define SH_ELEMENT_TYPE         TileSlot
#define SH_KEY_TYPE             uint64
#define SH_KEY                  key
#define SH_HASH_KEY(table, key) hash_tile_key(key)
#define SH_EQUAL(table, a, b)   ((a) == (b))
#define SH_SCOPE                static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* A kind of grid and its rank, from the code rule. */
typedef struct KindRank
{
	int32 rank;
	char kind[FLEXIBLE_ARRAY_MEMBER];
} KindRank;

typedef struct CachedPlacement
{
	Placement public; /* its first field is the hash key */
	AttrNumber kind;  /* InvalidAttrNumber: all grids are of one */
	bool kind_is_text;
	Oid kind_output;
	List *ranks; /* of KindRank */
	Oid index;   /* GiST on the boundary; InvalidOid: rows are read one by one */
	RegProcedure overlaps;
	/* Functions of PostGIS */
	Oid covers;
	Oid as_binary;
	Oid make_envelope;

	bool geographic_is_known;
	bool geographic;    /* coordinates are longitude and latitude */
	bool with_versions; /* tiles know the grids' versions */
	bool surveyed;      /* the next three hold */
	double tile_width;  /* 0: nothing can be kept in tiles */
	double tile_inverse;
	MapPoint origin;
	tiles_hash *tiles;
	Tile *last;
	struct
	{
		uint64 key;
		uint32 asked;
	} waiting[WAITING_PLACES];

	int64 built;
	int64 evicted;
	int64 asked;
} CachedPlacement;

GridVersionHook grid_version_hook = NULL;

static MemoryContext placement_context = NULL;
static HTAB *placements = NULL;
static dlist_head all_tiles = DLIST_STATIC_INIT(all_tiles);
static Size tiles_size = 0;
static int tentative_tiles = 0;

PG_FUNCTION_INFO_V1(govcase_placement_cache);

/* ---------------------------------------------------------------------------
 * Tiles in memory
 * ---------------------------------------------------------------------------
 */

static void
free_tile(Tile *tile)
{
	CachedPlacement *placement = tile->placement;

	if (placement->last == tile)
		placement->last = NULL;
	if (tile->tentative != InvalidSubTransactionId)
		tentative_tiles--;
	tiles_size -= tile->size;
	dlist_delete(&tile->link);
	tiles_delete(placement->tiles, tile->key);
	if (tile->cells != NULL)
		pfree(tile->cells);
	pfree(tile);
}

static void
forget_placement(CachedPlacement *placement)
{
	dlist_mutable_iter iterator;

	placement->public.generation++;
	placement->public.ready = false;
	placement->surveyed = false;
	placement->last = NULL;
	memset(placement->waiting, 0, sizeof(placement->waiting));
	if (placement->tiles == NULL || placement->tiles->members == 0)
		return;
	dlist_foreach_modify(iterator, &all_tiles)
	{
		Tile *tile = dlist_container(Tile, link, iterator.cur);

		if (tile->placement == placement)
			free_tile(tile);
	}
}

/*
 * A table changed, or its boundaries did.  No tile is in use while this may be
 * called: only opening relations leads here, and none is opened between finding
 * a tile and reading the answer from it.
 */
static void
forget_grids(Datum argument pg_attribute_unused(), Oid relation)
{
	HASH_SEQ_STATUS status;
	CachedPlacement *placement;

	if (OidIsValid(relation))
	{
		placement = hash_search(placements, &relation, HASH_FIND, NULL);
		if (placement == NULL)
			return;
		forget_placement(placement);
	}
	else
	{
		hash_seq_init(&status, placements);
		while ((placement = hash_seq_search(&status)) != NULL)
			forget_placement(placement);
	}
}

/* Does a tile of this age end, or live on as one of its parent's? */
static void
settle_tiles(SubTransactionId ended, SubTransactionId heir, bool keep)
{
	dlist_mutable_iter iterator;

	if (tentative_tiles == 0)
		return;
	dlist_foreach_modify(iterator, &all_tiles)
	{
		Tile *tile = dlist_container(Tile, link, iterator.cur);

		if (tile->tentative == InvalidSubTransactionId ||
			(ended != InvalidSubTransactionId && tile->tentative != ended))
			continue;
		if (!keep)
			free_tile(tile);
		else
		{
			tile->tentative = heir;
			if (heir == InvalidSubTransactionId)
				tentative_tiles--;
		}
	}
}

static void
end_transaction(XactEvent event, void *argument pg_attribute_unused())
{
	/* What is prepared is no longer one's own, and not yet everybody's. */
	if (event == XACT_EVENT_COMMIT)
		settle_tiles(InvalidSubTransactionId, InvalidSubTransactionId, true);
	else if (event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		settle_tiles(InvalidSubTransactionId, InvalidSubTransactionId, false);
}

static void
end_subtransaction(SubXactEvent event, SubTransactionId own, SubTransactionId parent,
				   void *argument pg_attribute_unused())
{
	if (event == SUBXACT_EVENT_COMMIT_SUB)
		settle_tiles(own, parent, true);
	else if (event == SUBXACT_EVENT_ABORT_SUB)
		settle_tiles(own, InvalidSubTransactionId, false);
}

static void
initialize_placements(void)
{
	HASHCTL control;

	if (placements != NULL)
		return;
	placement_context = AllocSetContextCreate(CacheMemoryContext, "govcase placement",
											  ALLOCSET_SMALL_SIZES);
	memset(&control, 0, sizeof(control));
	control.keysize = sizeof(Oid);
	control.entrysize = sizeof(CachedPlacement);
	control.hcxt = placement_context;
	placements = hash_create("govcase placements", 8, &control,
							 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	CacheRegisterRelcacheCallback(forget_grids, (Datum) 0);
	RegisterXactCallback(end_transaction, NULL);
	RegisterSubXactCallback(end_subtransaction, NULL);
}

Placement *
placement_entry(Oid grids)
{
	CachedPlacement *placement;
	bool found;

	initialize_placements();
	placement = hash_search(placements, &grids, HASH_ENTER, &found);
	if (!found)
	{
		memset(placement, 0, sizeof(CachedPlacement));
		placement->public.grids = grids;
		placement->tiles = tiles_create(placement_context, 16, NULL);
	}
	return &placement->public;
}

static Size
memory_to_keep(void)
{
	return (Size) govcase_placement_memory * 1024;
}

static bool
memory_is_full(Size needed)
{
	return tiles_size + needed > memory_to_keep();
}

/* Evict the tiles that were not used lately, but never the newest. */
static void
keep_within_memory(void)
{
	const Tile *newest;

	if (!memory_is_full(0))
		return;
	newest = dlist_tail_element(Tile, link, &all_tiles);
	while (memory_is_full(0))
	{
		Tile *tile = dlist_head_element(Tile, link, &all_tiles);

		if (tile == newest && !dlist_has_next(&all_tiles, &tile->link))
			break;
		if (tile == newest || tile->used)
		{
			tile->used = false;
			dlist_delete(&tile->link);
			dlist_push_tail(&all_tiles, &tile->link);
			continue;
		}
		tile->placement->evicted++;
		free_tile(tile);
	}
}

/* ---------------------------------------------------------------------------
 * What a table of grids is
 * ---------------------------------------------------------------------------
 */

static void
read_kind_ranks(CachedPlacement *placement, const char *code_rule)
{
	Snapshot snapshot =
		RegisterSnapshot(GetCatalogSnapshot(govcase_relation_oid("grid_code_rule")));
	List *kinds = read_grid_code_rule(code_rule, snapshot);
	MemoryContext old = MemoryContextSwitchTo(placement_context);
	ListCell *cell;

	foreach (cell, kinds)
	{
		const GridKindRule *rule = lfirst(cell);
		KindRank *known = palloc(offsetof(KindRank, kind) + strlen(rule->kind) + 1);

		known->rank = rule->rank;
		strcpy(known->kind, rule->kind);
		placement->ranks = lappend(placement->ranks, known);
	}
	MemoryContextSwitchTo(old);
	UnregisterSnapshot(snapshot);
}

/* A kind that the rule does not know comes last. */
static int32
rank_of_kind(const CachedPlacement *placement, const char *kind)
{
	ListCell *cell;

	foreach (cell, placement->ranks)
	{
		const KindRank *known = lfirst(cell);

		if (strcmp(known->kind, kind) == 0)
			return known->rank;
	}
	return PG_INT32_MAX;
}

static void
read_placement(CachedPlacement *placement, Relation grids)
{
	Placement *public = &placement->public;
	Oid geometry = geometry_type_oid();
	uint64 generation;

	/* Reading may bring news that make what was read before old. */
	do
	{
		GridProtection *protection = protection_of_grids(grids);
		TupleDesc descriptor = RelationGetDescr(grids);
		char *code_rule = pstrdup(protection->code_rule);

		generation = public->generation;
		public->code = protection->code;
		public->boundary = protection->boundary;
		public->srid = protection->srid;
		placement->geographic_is_known = false;
		placement->kind = protection->kind;
		placement->index = protection->boundary_index;
		list_free_deep(placement->ranks);
		placement->ranks = NIL;
		if (placement->kind != InvalidAttrNumber)
		{
			Oid type = TupleDescAttr(descriptor, placement->kind - 1)->atttypid;
			bool isvarlena;

			placement->kind_is_text = type == TEXTOID || type == VARCHAROID;
			getTypeOutputInfo(type, &placement->kind_output, &isvarlena);
			read_kind_ranks(placement, code_rule);
		}
		if (OidIsValid(placement->index))
		{
			Relation index = index_open(placement->index, AccessShareLock);

			placement->overlaps = get_opcode(get_opfamily_member(
				index->rd_opfamily[0], geometry, geometry, RTOverlapStrategyNumber));
			index_close(index, AccessShareLock);
		}
		placement->covers = postgis_function("st_covers", 2, (Oid[]){geometry, geometry});
	} while (generation != public->generation);
	public->ready = true;
}

bool
placement_is_geographic(Placement *public)
{
	CachedPlacement *placement = (CachedPlacement *) public;

	if (!placement->geographic_is_known)
	{
		CoordinateSystem system;

		placement->geographic =
			read_coordinate_system(public->srid, &system) && system.geographic;
		placement->geographic_is_known = true;
	}
	return placement->geographic;
}

/* Lock the table, and know what it is. */
static Relation
open_grids(CachedPlacement *placement)
{
	Relation grids = table_open(placement->public.grids, AccessShareLock);

	if (!placement->public.ready)
		read_placement(placement, grids);
	return grids;
}

Placement *
placement_of(Oid grids)
{
	Placement *placement = placement_entry(grids);

	/* The setting may be lower than it was. */
	keep_within_memory();
	if (!placement->ready)
		table_close(open_grids((CachedPlacement *) placement), NoLock);
	return placement;
}

/* ---------------------------------------------------------------------------
 * Reading grids
 * ---------------------------------------------------------------------------
 */

typedef struct GridScan
{
	Relation grids;
	Relation index;
	Snapshot snapshot;
	IndexScanDesc index_scan;
	TableScanDesc table_scan;
	TupleTableSlot *slot;
} GridScan;

/* A grid as it was read. */
typedef struct ReadGrid
{
	CellShape shape; /* must be first: cells are built from it */
	text *code;
	int32 rank;
} ReadGrid;

/*
 * Read the grids whose bounds overlap those of a geometry, or all of them where
 * there is no index to ask.  Nobody's row security applies: this is the table's
 * owner who reads.  The snapshot is the one that the server takes for its own
 * catalogs: the latest in every isolation level, and to be had in a parallel
 * worker, too, where GetLatestSnapshot() is not.
 */
static void
begin_grid_scan(GridScan *scan, CachedPlacement *placement, Relation grids,
				Datum geometry)
{
	scan->grids = grids;
	scan->snapshot = RegisterSnapshot(GetCatalogSnapshot(RelationGetRelid(grids)));
	scan->slot = table_slot_create(grids, NULL);
	scan->index = NULL;
	scan->index_scan = NULL;
	scan->table_scan = NULL;
	if (OidIsValid(placement->index))
	{
		ScanKeyData key;

		scan->index = index_open(placement->index, AccessShareLock);
		scan->index_scan = index_beginscan_compat(grids, scan->index, scan->snapshot, 1);
		ScanKeyEntryInitialize(&key, 0, 1, RTOverlapStrategyNumber, geometry_type_oid(),
							   InvalidOid, placement->overlaps, geometry);
		index_rescan(scan->index_scan, &key, 1, NULL, 0);
	}
	else
		scan->table_scan = table_beginscan(grids, scan->snapshot, 0, NULL);
}

static bool
next_grid(GridScan *scan)
{
	CHECK_FOR_INTERRUPTS();
	if (scan->index_scan != NULL)
		return index_getnext_slot(scan->index_scan, ForwardScanDirection, scan->slot);
	return table_scan_getnextslot(scan->table_scan, ForwardScanDirection, scan->slot);
}

static void
end_grid_scan(GridScan *scan)
{
	if (scan->index_scan != NULL)
	{
		index_endscan(scan->index_scan);
		index_close(scan->index, NoLock);
	}
	else
		table_endscan(scan->table_scan);
	ExecDropSingleTupleTableSlot(scan->slot);
	UnregisterSnapshot(scan->snapshot);
}

/* Code and rank of the row in the slot. */
static void
read_code(const CachedPlacement *placement, TupleTableSlot *slot, text **code,
		  int32 *rank)
{
	bool isnull;
	Datum value = slot_getattr(slot, placement->public.code, &isnull);

	if (isnull)
		elog(ERROR, "grid without a code in table %u", placement->public.grids);
	*code = DatumGetTextPCopy(value);
	if (VARSIZE_ANY_EXHDR(*code) > PG_UINT16_MAX)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("code of a grid is longer than %d bytes", PG_UINT16_MAX)));
	*rank = 0;
	if (placement->kind != InvalidAttrNumber)
	{
		value = slot_getattr(slot, placement->kind, &isnull);
		if (isnull)
			*rank = PG_INT32_MAX;
		else if (placement->kind_is_text)
			*rank = rank_of_kind(placement, TextDatumGetCString(value));
		else
			*rank = rank_of_kind(placement,
								 OidOutputFunctionCall(placement->kind_output, value));
	}
}

/* By rank, then by code as bytes: which of two grids placement prefers. */
static int
compare_grids(int32 rank, const text *code, int32 other_rank, const text *other_code)
{
	int length = VARSIZE_ANY_EXHDR(code);
	int other_length = VARSIZE_ANY_EXHDR(other_code);
	int result;

	if (rank != other_rank)
		return rank < other_rank ? -1 : 1;
	result =
		memcmp(VARDATA_ANY(code), VARDATA_ANY(other_code), Min(length, other_length));
	return result != 0 ? result : (length > other_length) - (length < other_length);
}

static int
compare_read_grids(const void *a, const void *b)
{
	const ReadGrid *left = *(ReadGrid *const *) a;
	const ReadGrid *right = *(ReadGrid *const *) b;

	return compare_grids(left->rank, left->code, right->rank, right->code);
}

/* ---- Well-known binary, little-endian -------------------------------------- */

typedef struct Wkb
{
	const char *next;
	const char *end;
} Wkb;

static const char *
take_bytes(Wkb *wkb, Size count)
{
	const char *bytes = wkb->next;

	if ((Size) (wkb->end - bytes) < count)
		elog(ERROR, "well-known binary ends too early");
	wkb->next += count;
	return bytes;
}

static uint32
take_uint32(Wkb *wkb)
{
	uint32 value;

	memcpy(&value, take_bytes(wkb, sizeof(value)), sizeof(value));
#ifdef WORDS_BIGENDIAN
	value = pg_bswap32(value);
#endif
	return value;
}

static double
double_of_bytes(const char *bytes)
{
	union
	{
		uint64 bits;
		double value;
	} number;

	memcpy(&number.bits, bytes, sizeof(number.bits));
#ifdef WORDS_BIGENDIAN
	number.bits = pg_bswap64(number.bits);
#endif
	return number.value;
}

#define WKB_POLYGON      3
#define WKB_MULTIPOLYGON 6

/*
 * Rings of a polygon or of several.  False for any other type.  Ordinates above
 * the second are left out.
 */
static bool
parse_rings(Wkb *wkb, CellShape *shape, uint32 *room)
{
	uint32 type;
	uint32 dimensions;
	uint32 count;

	take_bytes(wkb, 1);
	type = take_uint32(wkb);
	dimensions = type < 1000 ? 2 : type < 3000 ? 3 : 4;
	type %= 1000;
	if (type != WKB_POLYGON && type != WKB_MULTIPOLYGON)
		return false;
	count = take_uint32(wkb);
	if (type == WKB_MULTIPOLYGON)
	{
		while (count-- > 0)
		{
			if (!parse_rings(wkb, shape, room))
				return false;
		}
		return true;
	}

	while (count-- > 0)
	{
		uint32 npoints = take_uint32(wkb);
		uint32 first = shape->nrings == 0 ? 0 : shape->ring_end[shape->nrings - 1];
		const char *bytes = take_bytes(wkb, (Size) npoints * dimensions * sizeof(double));

		if (shape->nrings == *room)
		{
			*room *= 2;
			shape->ring_end = repalloc(shape->ring_end, sizeof(uint32) * *room);
		}
		shape->ring_end[shape->nrings++] = first + npoints;
		for (uint32 i = 0; i < npoints; i++, bytes += dimensions * sizeof(double))
		{
			shape->points[first + i].x = double_of_bytes(bytes);
			shape->points[first + i].y = double_of_bytes(bytes + sizeof(double));
		}
	}
	return true;
}

/*
 * A boundary as a shape; false where it is empty.  PostGIS leaves out edges that
 * are shorter than 1e-12 where it tests a point, and so misses what a ray at
 * their height crosses: such a boundary is what PostGIS says it is, and so is
 * one of curves.
 */
static bool
read_shape(const CachedPlacement *placement, Datum boundary, CellShape *shape)
{
	bytea *bytes = DatumGetByteaPP(
		OidFunctionCall2(placement->as_binary, boundary, CStringGetTextDatum("NDR")));
	uint32 room = 8;
	uint32 point = 0;
	Wkb wkb;

	wkb.next = VARDATA_ANY(bytes);
	wkb.end = wkb.next + VARSIZE_ANY_EXHDR(bytes);
	shape->nrings = 0;
	shape->ring_end = palloc(sizeof(uint32) * room);
	shape->points = palloc(VARSIZE_ANY_EXHDR(bytes));
	shape->undecidable = !parse_rings(&wkb, shape, &room);
	shape->xmin = shape->ymin = INFINITY;
	shape->xmax = shape->ymax = -INFINITY;
	if (shape->undecidable)
	{
		shape->xmin = shape->ymin = -INFINITY;
		shape->xmax = shape->ymax = INFINITY;
		return true;
	}

	for (uint32 ring = 0; ring < shape->nrings; ring++)
	{
		for (uint32 first = point; point < shape->ring_end[ring]; point++)
		{
			const MapPoint *at = &shape->points[point];

			shape->xmin = Min(shape->xmin, at->x);
			shape->xmax = Max(shape->xmax, at->x);
			shape->ymin = Min(shape->ymin, at->y);
			shape->ymax = Max(shape->ymax, at->y);
			if (point > first)
			{
				double dx = at->x - at[-1].x;
				double dy = at->y - at[-1].y;

				if ((dx != 0 || dy != 0) && !(dx * dx + dy * dy > 1.01e-24))
					shape->undecidable = true;
			}
		}
	}
	if (!(shape->xmin <= shape->xmax && shape->ymin <= shape->ymax))
		return false;
	if (isinf(shape->xmax - shape->xmin) || isinf(shape->ymax - shape->ymin))
		shape->undecidable = true;
	pfree(bytes);
	return true;
}

/* ---------------------------------------------------------------------------
 * Building a tile
 * ---------------------------------------------------------------------------
 */

/* What a survey has found. */
typedef struct Survey
{
	int sampled;
	double logarithms; /* sum of those of the grids' sizes */
	double farthest;   /* coordinate */
} Survey;

static void
survey_row(const CachedPlacement *placement, TupleTableSlot *slot, Survey *survey)
{
	CellShape shape;
	bool isnull;
	Datum boundary = slot_getattr(slot, placement->public.boundary, &isnull);
	double size;

	if (isnull || !read_shape(placement, boundary, &shape))
		return;
	size = Max(shape.xmax - shape.xmin, shape.ymax - shape.ymin);
	if (!(size > 0) || isinf(size))
		return;
	survey->sampled++;
	survey->logarithms += log2(size);
	survey->farthest =
		Max(survey->farthest, Max(Max(fabs(shape.xmin), fabs(shape.xmax)),
								  Max(fabs(shape.ymin), fabs(shape.ymax))));
}

/*
 * How wide tiles are to be: from a few grids that lie apart in the table, by the
 * geometric mean, so that neither a huge one nor a tiny one counts for much.
 */
static void
survey_grids(CachedPlacement *placement, Relation grids)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "govcase survey",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(scratch);
	Snapshot snapshot = RegisterSnapshot(GetCatalogSnapshot(RelationGetRelid(grids)));
	TupleTableSlot *slot = table_slot_create(grids, NULL);
	BlockNumber nblocks = RelationGetNumberOfBlocks(grids);
	Survey survey = {0};

	/* Not before: a session that places one point does without them. */
	placement->as_binary =
		postgis_function("st_asbinary", 2, (Oid[]){geometry_type_oid(), TEXTOID});
	placement->make_envelope =
		postgis_function("st_makeenvelope", 5,
						 (Oid[]){FLOAT8OID, FLOAT8OID, FLOAT8OID, FLOAT8OID, INT4OID});

	/* One row of every so many blocks; of a small table, simply the first rows. */
	for (uint32 i = 0; nblocks >= SAMPLED_GRIDS && i < SAMPLED_GRIDS; i++)
	{
		for (OffsetNumber offset = 1; offset <= SAMPLED_GRIDS; offset++)
		{
			ItemPointerData tid;

			ItemPointerSet(&tid, (BlockNumber) ((uint64) nblocks * i / SAMPLED_GRIDS),
						   offset);
			if (!table_tuple_fetch_row_version(grids, &tid, snapshot, slot))
				continue;
			survey_row(placement, slot, &survey);
			break;
		}
	}
	if (survey.sampled == 0)
	{
		TableScanDesc scan = table_beginscan(grids, snapshot, 0, NULL);

		while (survey.sampled < SAMPLED_GRIDS &&
			   table_scan_getnextslot(scan, ForwardScanDirection, slot))
		{
			CHECK_FOR_INTERRUPTS();
			survey_row(placement, slot, &survey);
		}
		table_endscan(scan);
	}
	ExecDropSingleTupleTableSlot(slot);
	UnregisterSnapshot(snapshot);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);

	placement->tile_width = 0;
	if (survey.sampled > 0)
	{
		double exponent = rint(survey.logarithms / survey.sampled + log2(TILE_GRIDS));

		/* So far from 1, products of coordinates leave the range of doubles. */
		if (fabs(exponent) < 300)
		{
			double width = ldexp(1.0, (int) exponent);

			while (width < smallest_piece(survey.farthest))
				width *= 2;
			placement->tile_width = width;
			placement->tile_inverse = 1 / width;
			placement->origin.x = OFFSET_X * width;
			placement->origin.y = OFFSET_Y * width;
		}
	}
	placement->surveyed = true;
}

/* The grids that reach into a tile; NIL and *crowded where they are too many. */
static List *
read_tile_grids(CachedPlacement *placement, Relation grids, const Tile *tile,
				bool may_divide, Size most_memory, bool *crowded, Snapshot *snapshot)
{
	/* Cells take edges a little outside into account. */
	double margin = tile->width / 128;
	double xmin = tile->corner.x - margin;
	double ymin = tile->corner.y - margin;
	double xmax = tile->corner.x + tile->width + margin;
	double ymax = tile->corner.y + tile->width + margin;
	Datum envelope =
		OidFunctionCall5(placement->make_envelope, Float8GetDatum(xmin),
						 Float8GetDatum(ymin), Float8GetDatum(xmax), Float8GetDatum(ymax),
						 Int32GetDatum(placement->public.srid));
	List *found = NIL;
	uint32 npoints = 0;
	GridScan scan;

	*crowded = false;
	begin_grid_scan(&scan, placement, grids, envelope);
	while (next_grid(&scan))
	{
		ReadGrid *grid = palloc(sizeof(ReadGrid));
		bool isnull;
		Datum boundary = slot_getattr(scan.slot, placement->public.boundary, &isnull);

		if (isnull || !read_shape(placement, boundary, &grid->shape) ||
			grid->shape.xmin > xmax || grid->shape.xmax < xmin ||
			grid->shape.ymin > ymax || grid->shape.ymax < ymin)
			continue;
		read_code(placement, scan.slot, &grid->code, &grid->rank);
		found = lappend(found, grid);
		if (grid->shape.nrings > 0)
			npoints += grid->shape.ring_end[grid->shape.nrings - 1];
		if (list_length(found) > 1 &&
			(sizeof(MapPoint) * npoints > most_memory ||
			 (may_divide &&
			  (list_length(found) > CROWDED_TILE || npoints > CROWDED_TILE_POINTS))))
		{
			*crowded = true;
			break;
		}
	}
	*snapshot = RegisterSnapshot(scan.snapshot);
	end_grid_scan(&scan);
	return *crowded ? NIL : found;
}

/* A tile with the codes of its grids. */
static Tile *
allocate_tile(ReadGrid *const *grids, uint32 ngrids, bool with_versions)
{
	Size versions_size = with_versions ? MAXALIGN(sizeof(TileVersion) * ngrids) : 0;
	Size room = 0;
	Size size;
	char *chunk;
	Tile *tile;

	for (uint32 i = 0; i < ngrids; i++)
		room = Max(room, sizeof(uint16) + VARSIZE_ANY_EXHDR(grids[i]->code));
	room = SHORTALIGN(room);
	size = MAXALIGN(sizeof(Tile)) + versions_size + room * ngrids;
	chunk = MemoryContextAllocHuge(placement_context, size);
	tile = (Tile *) chunk;
	memset(tile, 0, sizeof(Tile));
	tile->size = size;
	chunk += MAXALIGN(sizeof(Tile));
	if (with_versions)
		tile->versions = (TileVersion *) chunk;
	chunk += versions_size;
	tile->codes = chunk;
	tile->code_room = room;
	for (uint32 i = 0; i < ngrids; i++, chunk += room)
	{
		uint16 length = VARSIZE_ANY_EXHDR(grids[i]->code);

		memcpy(chunk, &length, sizeof(length));
		memcpy(chunk + sizeof(length), VARDATA_ANY(grids[i]->code), length);
	}
	return tile;
}

static bool
version_of_grid(const CachedPlacement *placement, const text *code, Snapshot snapshot,
				int64 *version)
{
	return grid_version_hook != NULL &&
		   grid_version_hook(placement->public.grids, text_to_cstring(code), snapshot,
							 version);
}

/*
 * Build the tile of this key.  NULL where its grids changed meanwhile, or where
 * that was the last of its parts and nothing can be kept.
 */
static Tile *
build_tile(CachedPlacement *placement, uint64 key, int level, MapPoint corner,
		   double width)
{
	MemoryContext scratch;
	MemoryContext old;
	Relation relation = open_grids(placement);
	uint64 generation = placement->public.generation;
	Snapshot snapshot;
	ReadGrid **grids;
	List *list;
	ListCell *cell;
	uint32 ngrids = 0;
	Size most_memory = Max(memory_to_keep(), LEAST_WORKING_MEMORY);
	Cells *cells = NULL;
	bool crowded;
	bool may_divide;
	bool tentative;
	bool found;
	Tile place;
	Tile *tile;

	scratch = AllocSetContextCreate(CurrentMemoryContext, "govcase tile",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(scratch);
	memset(&place, 0, sizeof(place));
	place.corner = corner;
	place.width = width;
	may_divide = level < DEEPEST_TILE &&
				 width / TILE_FACTOR >= smallest_piece(fabs(corner.x) + width) &&
				 width / TILE_FACTOR >= smallest_piece(fabs(corner.y) + width);
	list = read_tile_grids(placement, relation, &place, may_divide, most_memory, &crowded,
						   &snapshot);
	grids = palloc(sizeof(ReadGrid *) * (list_length(list) + 1));
	foreach (cell, list)
		grids[ngrids++] = lfirst(cell);
	qsort(grids, ngrids, sizeof(ReadGrid *), compare_read_grids);

	if (!crowded)
		cells = build_cells(corner, width, (CellShape *const *) grids, ngrids,
							most_memory, placement_context);
	tile = allocate_tile(grids, cells == NULL ? 0 : ngrids, placement->with_versions);
	if (cells != NULL && tile->size + cells->size > memory_to_keep())
	{
		/* It would never be kept whole; its parts may. */
		pfree(tile);
		pfree(cells);
		cells = NULL;
		tile = allocate_tile(grids, 0, false);
	}
	tile->key = key;
	tile->placement = placement;
	tile->corner = corner;
	tile->width = width;
	tile->divided = cells == NULL && may_divide;
	tile->cells = cells;
	if (cells != NULL)
	{
		tile->size += cells->size;
		for (uint32 i = 0; tile->versions != NULL && i < ngrids; i++)
			tile->versions[i].is_known = version_of_grid(
				placement, grids[i]->code, snapshot, &tile->versions[i].version);
	}
	tentative = CheckRelationLockedByMe(relation, RowExclusiveLock, true);
	UnregisterSnapshot(snapshot);
	table_close(relation, NoLock);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);

	if (generation != placement->public.generation)
	{
		if (tile->cells != NULL)
			pfree(tile->cells);
		pfree(tile);
		return NULL;
	}
	/* Whoever has changed the grids in this transaction holds such a lock. */
	if (tentative)
	{
		tile->tentative = GetCurrentSubTransactionId();
		tentative_tiles++;
	}
	tile->used = true;
	tiles_insert(placement->tiles, key, &found)->tile = tile;
	Assert(!found);
	dlist_push_tail(&all_tiles, &tile->link);
	tiles_size += tile->size;
	placement->built++;
	keep_within_memory();
	return tile;
}

/* ---------------------------------------------------------------------------
 * Placing a point
 * ---------------------------------------------------------------------------
 */

/*
 * What PostGIS says: the first of the grids that cover the point.  Each is asked
 * by a first, uncached call, because from the second on PostGIS tests a boundary
 * in another way.
 */
static void
ask_postgis(CachedPlacement *placement, Datum point, bool with_version,
			PlacementAnswer *answer)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "govcase covers",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(scratch);
	Relation grids = open_grids(placement);
	text *best = NULL;
	int32 best_rank = 0;
	GridScan scan;

	placement->asked++;
	begin_grid_scan(&scan, placement, grids, point);
	while (next_grid(&scan))
	{
		bool isnull;
		Datum boundary = slot_getattr(scan.slot, placement->public.boundary, &isnull);
		text *code;
		int32 rank;

		if (isnull)
			continue;
		read_code(placement, scan.slot, &code, &rank);
		if (best != NULL && compare_grids(best_rank, best, rank, code) <= 0)
			continue;
		if (DatumGetBool(OidFunctionCall2(placement->covers, boundary, point)))
		{
			best = code;
			best_rank = rank;
		}
	}
	answer->has_version =
		with_version && best != NULL &&
		version_of_grid(placement, best, scan.snapshot, &answer->version);
	end_grid_scan(&scan);
	table_close(grids, NoLock);
	MemoryContextSwitchTo(old);
	answer->code =
		best == NULL
			? NULL
			: (text *) DatumGetPointer(datumCopy(PointerGetDatum(best), false, -1));
	MemoryContextDelete(scratch);
}

/* Has this place been asked about so often that a tile of its own pays? */
static bool
is_worth_a_tile(CachedPlacement *placement, uint64 key)
{
	uint32 number = hash_tile_key(key) % WAITING_PLACES;
	Size needed =
		placement->tiles->members == 0 ? 0 : tiles_size / placement->tiles->members;
	uint32 enough = memory_is_full(needed) && tiles_size > 0 ? ASK_BEFORE_DISPLACING
															 : ASK_BEFORE_BUILDING;

	if (placement->waiting[number].key != key)
	{
		placement->waiting[number].key = key;
		placement->waiting[number].asked = 0;
	}
	if (placement->waiting[number].asked < enough)
	{
		placement->waiting[number].asked++;
		return false;
	}
	placement->waiting[number].asked = 0;
	return true;
}

/* The tile that the point is in; NULL where PostGIS is to be asked. */
static Tile *
tile_at(CachedPlacement *placement, const MapPoint *at)
{
	double width;
	double inverse;

	if (!placement->surveyed)
	{
		Relation grids;

		/* Key 0 is that of no tile: the very first point asks PostGIS. */
		if (!is_worth_a_tile(placement, 0))
			return NULL;
		grids = open_grids(placement);
		survey_grids(placement, grids);
		table_close(grids, NoLock);
	}
	width = placement->tile_width;
	inverse = placement->tile_inverse;
	if (width == 0)
		return NULL;

	for (int level = 0; level <= DEEPEST_TILE; level++)
	{
		double column = floor((at->x - placement->origin.x) * inverse);
		double row = floor((at->y - placement->origin.y) * inverse);
		TileSlot *slot;
		Tile *tile;
		uint64 key;

		if (!(fabs(column) < FARTHEST_TILE && fabs(row) < FARTHEST_TILE))
			return NULL;
		key = (uint64) (level + 1) << 58 |
			  (uint64) (uint32) ((int32) column + (1 << 28)) << 29 |
			  (uint64) (uint32) ((int32) row + (1 << 28));
		slot = tiles_lookup(placement->tiles, key);
		if (slot != NULL)
			tile = slot->tile;
		else
		{
			MapPoint corner;

			if (!is_worth_a_tile(placement, key))
				return NULL;
			corner.x = placement->origin.x + column * width;
			corner.y = placement->origin.y + row * width;
			tile = build_tile(placement, key, level, corner, width);
			if (tile == NULL)
				return NULL;
		}
		tile->used = true;
		if (!tile->divided)
			return tile;
		width /= TILE_FACTOR;
		inverse *= TILE_FACTOR;
	}
	return NULL;
}

void
place_point(Placement *public, const MapPoint *at, Datum point, bool with_version,
			PlacementAnswer *answer)
{
	CachedPlacement *placement = (CachedPlacement *) public;
	Tile *tile = placement->last;
	uint32 number;

	/* A version may be asked for before tiles know any. */
	if (with_version && !placement->with_versions)
	{
		forget_placement(placement);
		placement->with_versions = true;
		tile = NULL;
	}
	if (tile == NULL ||
		!(at->x >= tile->corner.x && at->y >= tile->corner.y &&
		  at->x < tile->corner.x + tile->width && at->y < tile->corner.y + tile->width))
		tile = placement->last = tile_at(placement, at);
	if (tile != NULL && tile->cells != NULL)
	{
		switch (find_in_cells(tile->cells, at->x, at->y, &number))
		{
			case IN_NO_GRID:
				answer->code = NULL;
				answer->has_version = false;
				return;
			case IN_GRID:
			{
				const char *code = tile->codes + number * tile->code_room;
				uint16 length;

				memcpy(&length, code, sizeof(length));
				answer->code = cstring_to_text_with_len(code + sizeof(length), length);
				answer->has_version =
					tile->versions != NULL && tile->versions[number].is_known;
				if (answer->has_version)
					answer->version = tile->versions[number].version;
				return;
			}
			case NOT_DECIDED:
				break;
		}
	}
	ask_postgis(placement, point, with_version, answer);
}

/* ---------------------------------------------------------------------------
 * What SQL asks
 * ---------------------------------------------------------------------------
 */

/*
 * placement_cache() returns setof (grids regclass, tiles integer, bytes bigint,
 * built bigint, evicted bigint, asked bigint)
 *
 * What this session keeps, and how often it had to build a tile, evict one, or
 * ask PostGIS.
 */
Datum
govcase_placement_cache(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	HASH_SEQ_STATUS status;
	CachedPlacement *placement;

	InitMaterializedSRF(fcinfo, 0);
	initialize_placements();
	hash_seq_init(&status, placements);
	while ((placement = hash_seq_search(&status)) != NULL)
	{
		Datum values[6];
		bool nulls[6] = {false};
		dlist_iter iterator;
		Size bytes = 0;

		dlist_foreach (iterator, &all_tiles)
		{
			const Tile *tile = dlist_container(Tile, link, iterator.cur);

			if (tile->placement == placement)
				bytes += tile->size;
		}
		values[0] = ObjectIdGetDatum(placement->public.grids);
		values[1] = Int32GetDatum(placement->tiles->members);
		values[2] = Int64GetDatum(bytes);
		values[3] = Int64GetDatum(placement->built);
		values[4] = Int64GetDatum(placement->evicted);
		values[5] = Int64GetDatum(placement->asked);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
