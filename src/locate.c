/*
 * locate.c
 *		Placement: the grid that a point lies in, by function and by trigger.
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
#include "locate.h"

#include <math.h>

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "funcapi.h"
#include "lib/ilist.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "storage/bufmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/typcache.h"
#include "utils/uuid.h"

#include "grid.h"
#include "grid_cells.h"

/* Grids in a row of a tile, about; read in some third of a millisecond. */
#define TILE_GRIDS 8
/* A tile with more is divided into 4 x 4 smaller ones. */
#define CROWDED_TILE        512
#define CROWDED_TILE_POINTS (1 << 18)
#define TILE_FACTOR         4
#define DEEPEST_TILE        12
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

/* A grid of a tile, in the order in which grids are tried. */
typedef struct Place
{
	text *code;
	int64 version;
	bool has_version;
} Place;

typedef struct Tile
{
	dlist_node link; /* in all_tiles */
	uint64 key;
	struct Placement *placement;
	MapPoint corner;
	double width;
	Size size;
	bool divided; /* look at the next level */
	bool used;    /* since the last search for something to evict */
	/* Where own changes may be in it, the subtransaction that it ends with. */
	SubTransactionId tentative;
	Cells *cells;
	Place *places;
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

typedef struct KindRank
{
	int32 rank;
	char kind[FLEXIBLE_ARRAY_MEMBER];
} KindRank;

/* What is known of a table of grids.  Never freed, so it may be pointed at. */
typedef struct Placement
{
	Oid grids;         /* hash key; must be first */
	bool ready;        /* what follows holds */
	uint64 generation; /* counts what it was told of changes */
	AttrNumber code;
	AttrNumber kind;
	AttrNumber boundary;
	bool code_is_text;
	Oid code_output;
	int32 srid;
	bool geographic;
	Oid index; /* GiST on the boundary; InvalidOid: rows are read one by one */
	AttrNumber index_column;
	StrategyNumber overlaps_strategy;
	RegProcedure overlaps;
	List *ranks; /* of KindRank */
	/* Functions of PostGIS */
	Oid covers;
	Oid as_binary;
	Oid make_envelope;

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
} Placement;

/* Where a trigger's grid set is found. */
typedef struct GridSetEntry
{
	pg_uuid_t grid_set; /* hash key, with the next; must be first */
	Oid owner;
	Oid grids;
} GridSetEntry;

/* What one expression or trigger knows during a statement. */
typedef struct CallState
{
	Placement *placement;
	Oid grids;
	Oid user; /* whose right to read the grids was checked */
	uint64 generation;
	TransactionId snapshot_xmax;
	uint32 snapshot_xcnt;
} CallState;

typedef struct TriggerState
{
	CallState call;
	AttrNumber point;
	AttrNumber grid;
	AttrNumber version;
	Oid grid_type; /* the domain, where it is one */
	Oid grid_base;
	int32 grid_typmod;
	void *domain_extra;
} TriggerState;

/* Outcome of placing one point. */
typedef struct Answer
{
	text *code; /* NULL: in no grid */
	int64 version;
	bool has_version;
} Answer;

/* A point as it lies in a row. */
typedef struct Point
{
	bool is_empty;
	int32 srid;
	MapPoint at;
} Point;

CurrentGridVersion current_grid_version = NULL;

static MemoryContext placement_context = NULL;
static HTAB *placements = NULL;
static HTAB *grid_sets = NULL;
static dlist_head all_tiles = DLIST_STATIC_INIT(all_tiles);
static Size tiles_size = 0;
static int tentative_tiles = 0;

PG_FUNCTION_INFO_V1(govcase_locate);
PG_FUNCTION_INFO_V1(govcase_assign_grid);
PG_FUNCTION_INFO_V1(govcase_grid_set);
PG_FUNCTION_INFO_V1(govcase_grids_of_set);
PG_FUNCTION_INFO_V1(govcase_why_unplaced);
PG_FUNCTION_INFO_V1(govcase_placement_cache);

/* ---------------------------------------------------------------------------
 * Tiles in memory
 * ---------------------------------------------------------------------------
 */

static void
free_tile(Tile *tile)
{
	Placement *placement = tile->placement;

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
forget_placement(Placement *placement)
{
	dlist_mutable_iter iterator;

	placement->generation++;
	placement->ready = false;
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
	Placement *placement;
	GridSetEntry *entry;

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

	hash_seq_init(&status, grid_sets);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		if (!OidIsValid(relation) || entry->grids == relation)
			entry->grids = InvalidOid;
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

	if (grid_sets != NULL)
		return;
	placement_context = AllocSetContextCreate(CacheMemoryContext, "govcase placement",
											  ALLOCSET_SMALL_SIZES);
	memset(&control, 0, sizeof(control));
	control.keysize = sizeof(Oid);
	control.entrysize = sizeof(Placement);
	control.hcxt = placement_context;
	placements = hash_create("govcase placements", 8, &control,
							 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	control.keysize = offsetof(GridSetEntry, grids);
	control.entrysize = sizeof(GridSetEntry);
	grid_sets = hash_create("govcase grid sets", 8, &control,
							HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	CacheRegisterRelcacheCallback(forget_grids, (Datum) 0);
	RegisterXactCallback(end_transaction, NULL);
	RegisterSubXactCallback(end_subtransaction, NULL);
}

static Placement *
placement_entry(Oid grids)
{
	Placement *placement;
	bool found;

	initialize_placements();
	placement = hash_search(placements, &grids, HASH_ENTER, &found);
	if (!found)
	{
		memset(placement, 0, sizeof(Placement));
		placement->grids = grids;
		placement->tiles = tiles_create(placement_context, 16, NULL);
	}
	return placement;
}

static bool
memory_is_full(Size needed)
{
	return tiles_size + needed > (Size) govcase_placement_memory * 1024;
}

/* Evict the tiles that were not used lately, but never the one just built. */
static void
keep_within_memory(const Tile *newest)
{
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

/* A function of PostGIS. */
static Oid
postgis_function(const char *name, int nargs, const Oid *types)
{
	oidvector *arguments = buildoidvector(types, nargs);
	Oid function =
		GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum(name),
						PointerGetDatum(arguments), ObjectIdGetDatum(postgis_schema()));

	if (!OidIsValid(function))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_FUNCTION),
						errmsg("function \"%s\" of PostGIS does not exist", name),
						errhint("Create extension postgis in this database.")));
	return function;
}

/* The columns of a table by name, for look-ups in a small table of ours. */
static AttrNumber
required_attnum(Relation relation, const char *name)
{
	AttrNumber attnum = get_attnum(RelationGetRelid(relation), name);

	if (attnum == InvalidAttrNumber)
		elog(ERROR, "table \"%s\" has no column \"%s\"",
			 RelationGetRelationName(relation), name);
	return attnum;
}

/* Ranks of the kinds under a code rule; a kind without one comes last. */
static List *
read_kind_ranks(const char *code_rule)
{
	Relation rules = table_open(govcase_relation_oid("grid_code_rule"), AccessShareLock);
	AttrNumber rule = required_attnum(rules, "rule");
	AttrNumber kind = required_attnum(rules, "kind");
	AttrNumber rank = required_attnum(rules, "rank");
	SysScanDesc scan = systable_beginscan(rules, InvalidOid, false, NULL, 0, NULL);
	List *ranks = NIL;
	HeapTuple tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		TupleDesc descriptor = RelationGetDescr(rules);
		bool isnull[3];
		Datum values[3];
		char *name;
		KindRank *found;

		values[0] = heap_getattr(tuple, rule, descriptor, &isnull[0]);
		values[1] = heap_getattr(tuple, kind, descriptor, &isnull[1]);
		values[2] = heap_getattr(tuple, rank, descriptor, &isnull[2]);
		if (isnull[0] || isnull[1] || isnull[2] ||
			strcmp(TextDatumGetCString(values[0]), code_rule) != 0)
			continue;
		name = TextDatumGetCString(values[1]);
		found = MemoryContextAlloc(placement_context,
								   offsetof(KindRank, kind) + strlen(name) + 1);
		strcpy(found->kind, name);
		found->rank = DatumGetInt32(values[2]);
		ranks = lappend(ranks, found);
	}
	systable_endscan(scan);
	table_close(rules, AccessShareLock);
	return ranks;
}

static int32
rank_of_kind(const Placement *placement, const char *kind)
{
	ListCell *cell;

	foreach (cell, placement->ranks)
	{
		KindRank *known = lfirst(cell);

		if (strcmp(known->kind, kind) == 0)
			return known->rank;
	}
	return PG_INT32_MAX;
}

/* Are these degrees of longitude and latitude? spatial_ref_sys knows. */
static bool
is_geographic(int32 srid)
{
	Relation systems;
	List *indexes;
	ListCell *cell;
	Oid index = InvalidOid;
	AttrNumber column;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;
	Oid table;
	bool geographic = false;

	if (srid == 0)
		return false;
	table = get_relname_relid("spatial_ref_sys", postgis_schema());
	if (!OidIsValid(table))
		return false;
	systems = table_open(table, AccessShareLock);
	column = required_attnum(systems, "srid");
	indexes = RelationGetIndexList(systems);
	foreach (cell, indexes)
	{
		Relation candidate = index_open(lfirst_oid(cell), AccessShareLock);

		if (candidate->rd_index->indisprimary && candidate->rd_index->indisvalid &&
			candidate->rd_index->indkey.values[0] == column)
			index = RelationGetRelid(candidate);
		index_close(candidate, AccessShareLock);
	}
	list_free(indexes);

	ScanKeyInit(&key, column, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(srid));
	scan = systable_beginscan(systems, index, OidIsValid(index), NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		TupleDesc descriptor = RelationGetDescr(systems);
		bool isnull;
		Datum value =
			heap_getattr(tuple, required_attnum(systems, "srtext"), descriptor, &isnull);

		if (!isnull)
			geographic = strncmp(TextDatumGetCString(value), "GEOG", 4) == 0;
		if (!geographic)
		{
			value = heap_getattr(tuple, required_attnum(systems, "proj4text"), descriptor,
								 &isnull);
			geographic =
				!isnull && strstr(TextDatumGetCString(value), "+proj=longlat") != NULL;
		}
	}
	systable_endscan(scan);
	table_close(systems, AccessShareLock);
	return geographic;
}

/* A GiST index by which overlapping boundaries are found. */
static void
find_boundary_index(Placement *placement, Relation grids)
{
	Oid geometry = geometry_type_oid();
	List *name = list_make2(makeString(get_namespace_name(postgis_schema())),
							makeString(pstrdup("&&")));
	Oid operator= OpernameGetOprid(name, geometry, geometry);
	List *indexes = RelationGetIndexList(grids);
	ListCell *cell;

	placement->index = InvalidOid;
	placement->overlaps = get_opcode(operator);
	foreach (cell, indexes)
	{
		Relation index = index_open(lfirst_oid(cell), AccessShareLock);
		int strategy = 0;

		if (index->rd_index->indkey.values[0] == placement->boundary &&
			index->rd_index->indisvalid && RelationGetIndexPredicate(index) == NIL)
			strategy = get_op_opfamily_strategy(operator, index->rd_opfamily[0]);
		if (strategy != 0 && index->rd_rel->relam == GIST_AM_OID)
		{
			placement->index = RelationGetRelid(index);
			placement->overlaps_strategy = strategy;
		}
		index_close(index, AccessShareLock);
		if (OidIsValid(placement->index))
			break;
	}
	list_free(indexes);
}

static void
read_placement(Placement *placement, Relation grids)
{
	Oid geometry = geometry_type_oid();
	uint64 generation;

	if (grids->rd_rel->relkind != RELKIND_RELATION)
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
						errmsg("\"%s\" is not an ordinary table",
							   RelationGetRelationName(grids)),
						errhint("Name the table of grids itself.")));
	/* Reading may bring news that make what was read before old. */
	do
	{
		GridProtection *protection = protection_of_grids(grids);
		Oid type = TupleDescAttr(RelationGetDescr(grids), protection->code - 1)->atttypid;
		bool isvarlena;

		generation = placement->generation;
		placement->code = protection->code;
		placement->kind = protection->kind;
		placement->boundary = protection->boundary;
		placement->srid = protection->srid;
		type = getBaseType(type);
		placement->code_is_text = type == TEXTOID || type == VARCHAROID;
		getTypeOutputInfo(type, &placement->code_output, &isvarlena);
		list_free_deep(placement->ranks);
		placement->ranks = NIL;
		if (protection->kind != InvalidAttrNumber)
		{
			List *ranks = read_kind_ranks(protection->code_rule);
			MemoryContext old = MemoryContextSwitchTo(placement_context);

			placement->ranks = list_copy(ranks);
			MemoryContextSwitchTo(old);
		}
		placement->geographic = is_geographic(placement->srid);
		find_boundary_index(placement, grids);
		placement->covers = postgis_function("st_covers", 2, (Oid[]){geometry, geometry});
		placement->as_binary =
			postgis_function("st_asbinary", 2, (Oid[]){geometry, TEXTOID});
		placement->make_envelope = postgis_function(
			"st_makeenvelope", 5,
			(Oid[]){FLOAT8OID, FLOAT8OID, FLOAT8OID, FLOAT8OID, INT4OID});
	} while (generation != placement->generation);
	placement->ready = true;
}

/* Lock the table, and know what it is. */
static Relation
open_grids(Placement *placement)
{
	Relation grids = table_open(placement->grids, AccessShareLock);

	if (!placement->ready)
		read_placement(placement, grids);
	return grids;
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
	GridShape shape; /* must be first: cells are built from it */
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
begin_grid_scan(GridScan *scan, Placement *placement, Relation grids, Datum geometry)
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
		ScanKeyEntryInitialize(&key, 0, 1, placement->overlaps_strategy,
							   geometry_type_oid(), InvalidOid, placement->overlaps,
							   geometry);
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

/* Code and rank of the row in the slot; false where it has no code. */
static bool
read_code(const Placement *placement, TupleTableSlot *slot, text **code, int32 *rank)
{
	bool isnull;
	Datum value = slot_getattr(slot, placement->code, &isnull);

	if (isnull)
		return false;
	if (placement->code_is_text)
		*code = DatumGetTextPCopy(value);
	else
		*code = cstring_to_text(OidOutputFunctionCall(placement->code_output, value));
	*rank = 0;
	if (placement->kind != InvalidAttrNumber)
	{
		value = slot_getattr(slot, placement->kind, &isnull);
		*rank =
			isnull ? PG_INT32_MAX : rank_of_kind(placement, TextDatumGetCString(value));
	}
	return true;
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
parse_rings(Wkb *wkb, GridShape *shape, uint32 *room)
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
read_shape(const Placement *placement, Datum boundary, GridShape *shape)
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
survey_row(const Placement *placement, TupleTableSlot *slot, Survey *survey)
{
	GridShape shape;
	bool isnull;
	Datum boundary = slot_getattr(slot, placement->boundary, &isnull);
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
survey_grids(Placement *placement, Relation grids)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "govcase survey",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(scratch);
	Snapshot snapshot = RegisterSnapshot(GetCatalogSnapshot(RelationGetRelid(grids)));
	TupleTableSlot *slot = table_slot_create(grids, NULL);
	BlockNumber nblocks = RelationGetNumberOfBlocks(grids);
	Survey survey = {0};

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
read_tile_grids(Placement *placement, Relation grids, const Tile *tile, bool may_divide,
				bool *crowded, Snapshot *snapshot)
{
	/* Cells take edges a little outside into account. */
	double margin = tile->width / 128;
	double xmin = tile->corner.x - margin;
	double ymin = tile->corner.y - margin;
	double xmax = tile->corner.x + tile->width + margin;
	double ymax = tile->corner.y + tile->width + margin;
	Datum envelope = OidFunctionCall5(
		placement->make_envelope, Float8GetDatum(xmin), Float8GetDatum(ymin),
		Float8GetDatum(xmax), Float8GetDatum(ymax), Int32GetDatum(placement->srid));
	List *found = NIL;
	uint32 npoints = 0;
	GridScan scan;

	*crowded = false;
	begin_grid_scan(&scan, placement, grids, envelope);
	while (next_grid(&scan))
	{
		ReadGrid *grid = palloc(sizeof(ReadGrid));
		bool isnull;
		Datum boundary = slot_getattr(scan.slot, placement->boundary, &isnull);

		if (isnull || !read_code(placement, scan.slot, &grid->code, &grid->rank) ||
			!read_shape(placement, boundary, &grid->shape) || grid->shape.xmin > xmax ||
			grid->shape.xmax < xmin || grid->shape.ymin > ymax || grid->shape.ymax < ymin)
			continue;
		found = lappend(found, grid);
		if (grid->shape.nrings > 0)
			npoints += grid->shape.ring_end[grid->shape.nrings - 1];
		if (may_divide && list_length(found) > 1 &&
			(list_length(found) > CROWDED_TILE || npoints > CROWDED_TILE_POINTS))
		{
			*crowded = true;
			break;
		}
	}
	*snapshot = RegisterSnapshot(scan.snapshot);
	end_grid_scan(&scan);
	return *crowded ? NIL : found;
}

/* A tile with room for its grids' codes. */
static Tile *
allocate_tile(ReadGrid *const *grids, uint32 ngrids)
{
	Size size = MAXALIGN(sizeof(Tile)) + MAXALIGN(sizeof(Place) * ngrids);
	char *chunk;
	Tile *tile;

	for (uint32 i = 0; i < ngrids; i++)
		size += INTALIGN(VARSIZE_ANY(grids[i]->code));
	chunk = MemoryContextAllocHuge(placement_context, size);
	tile = (Tile *) chunk;
	memset(tile, 0, sizeof(Tile));
	tile->size = size;
	chunk += MAXALIGN(sizeof(Tile));
	tile->places = (Place *) chunk;
	chunk += MAXALIGN(sizeof(Place) * ngrids);
	for (uint32 i = 0; i < ngrids; i++)
	{
		Size length = VARSIZE_ANY(grids[i]->code);

		tile->places[i].code = memcpy(chunk, grids[i]->code, length);
		tile->places[i].has_version = false;
		chunk += INTALIGN(length);
	}
	return tile;
}

static bool
version_of_grid(const Placement *placement, const text *code, Snapshot snapshot,
				int64 *version)
{
	return current_grid_version != NULL &&
		   current_grid_version(placement->grids, text_to_cstring(code), snapshot,
								version);
}

/*
 * Build the tile of this key.  NULL where its grids changed meanwhile, or where
 * that was the last of its parts and nothing can be kept.
 */
static Tile *
build_tile(Placement *placement, uint64 key, int level, MapPoint corner, double width)
{
	MemoryContext scratch;
	MemoryContext old;
	Relation relation = open_grids(placement);
	uint64 generation = placement->generation;
	Snapshot snapshot;
	ReadGrid **grids;
	List *list;
	ListCell *cell;
	uint32 ngrids = 0;
	bool crowded;
	bool may_divide;
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
	list = read_tile_grids(placement, relation, &place, may_divide, &crowded, &snapshot);
	grids = palloc(sizeof(ReadGrid *) * (list_length(list) + 1));
	foreach (cell, list)
		grids[ngrids++] = lfirst(cell);
	qsort(grids, ngrids, sizeof(ReadGrid *), compare_read_grids);

	tile = allocate_tile(grids, ngrids);
	tile->key = key;
	tile->placement = placement;
	tile->corner = corner;
	tile->width = width;
	tile->divided = crowded;
	if (!crowded)
	{
		for (uint32 i = 0; placement->with_versions && i < ngrids; i++)
			tile->places[i].has_version = version_of_grid(
				placement, grids[i]->code, snapshot, &tile->places[i].version);
		tile->cells = build_cells(corner, width, (GridShape *const *) grids, ngrids,
								  placement_context);
		tile->size += tile->cells->size;
	}
	UnregisterSnapshot(snapshot);
	table_close(relation, NoLock);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);

	if (generation != placement->generation)
	{
		if (tile->cells != NULL)
			pfree(tile->cells);
		pfree(tile);
		return NULL;
	}
	/* Without a transaction id, there is no change of one's own to see. */
	if (TransactionIdIsValid(GetTopTransactionIdIfAny()))
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
	keep_within_memory(tile);
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
ask_postgis(Placement *placement, Datum point, bool with_version, Answer *answer)
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
		Datum boundary = slot_getattr(scan.slot, placement->boundary, &isnull);
		text *code;
		int32 rank;

		if (isnull || !read_code(placement, scan.slot, &code, &rank) ||
			(best != NULL && compare_grids(best_rank, best, rank, code) <= 0))
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
is_worth_a_tile(Placement *placement, uint64 key)
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
tile_at(Placement *placement, const MapPoint *at)
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

static void
place_point(Placement *placement, const MapPoint *at, Datum point, bool with_version,
			Answer *answer)
{
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
	if (tile != NULL)
	{
		switch (find_in_cells(tile->cells, at->x, at->y, &number))
		{
			case IN_NO_GRID:
				answer->code = NULL;
				answer->has_version = false;
				return;
			case IN_GRID:
			{
				const Place *place = &tile->places[number];
				Size length = VARSIZE_ANY(place->code);

				answer->code = memcpy(palloc(length), place->code, length);
				answer->has_version = place->has_version;
				answer->version = place->version;
				return;
			}
			case NOT_DECIDED:
				break;
		}
	}
	ask_postgis(placement, point, with_version, answer);
}

/* ---------------------------------------------------------------------------
 * Points
 * ---------------------------------------------------------------------------
 */

/* As PostGIS stores them: flags, and the number of type POINT. */
#define SERIALIZED_HAS_Z     0x01
#define SERIALIZED_HAS_M     0x02
#define SERIALIZED_VERSION_2 0x40
#define SERIALIZED_POINT     1
#define SERIALIZED_HEADER    4 /* SRID and flags, behind the length word */

static Oid
point_function(const char *name)
{
	return postgis_function(name, 1, (Oid[]){geometry_type_oid()});
}

/* What PostGIS's own functions say of a point; NULL results mean empty. */
static void
ask_about_point(Datum geometry, Point *point)
{
	Oid schema_type = geometry_type_oid();
	char *type = TextDatumGetCString(
		OidFunctionCall1(postgis_function("st_geometrytype", 1, &schema_type), geometry));

	if (strcmp(type, "ST_Point") != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("only a point can be placed in a grid, not %s", type),
						errhint("Place a point of it, such as ST_PointOnSurface().")));
	point->srid = DatumGetInt32(OidFunctionCall1(point_function("st_srid"), geometry));
	point->is_empty =
		DatumGetBool(OidFunctionCall1(point_function("st_isempty"), geometry));
	if (point->is_empty)
		return;
	point->at.x = DatumGetFloat8(OidFunctionCall1(point_function("st_x"), geometry));
	point->at.y = DatumGetFloat8(OidFunctionCall1(point_function("st_y"), geometry));
}

/*
 * Read a point.  Calling PostGIS for each ordinate costs more than placing it, so
 * the form in which nearly every point is stored is read directly: length, SRID
 * in 21 bits, flags, type, number of points, ordinates.  Whatever has other flags
 * than that form is left to PostGIS.
 */
static void
read_point(Datum geometry, Point *point)
{
	struct varlena *value = (struct varlena *) DatumGetPointer(geometry);
	const unsigned char *bytes;
	Size length;
	uint32 words[2];
	uint32 srid;

	if (VARATT_IS_COMPRESSED(value) || VARATT_IS_EXTERNAL(value))
		value = pg_detoast_datum(value);
	bytes = (const unsigned char *) VARDATA_ANY(value);
	length = VARSIZE_ANY_EXHDR(value);
	if (length < SERIALIZED_HEADER + sizeof(words) ||
		(bytes[3] & ~(SERIALIZED_HAS_Z | SERIALIZED_HAS_M)) != SERIALIZED_VERSION_2)
	{
		ask_about_point(geometry, point);
		return;
	}
	memcpy(words, bytes + SERIALIZED_HEADER, sizeof(words));
	if (words[0] != SERIALIZED_POINT || words[1] > 1 ||
		(words[1] == 1 &&
		 length < SERIALIZED_HEADER + sizeof(words) + 2 * sizeof(double)))
	{
		ask_about_point(geometry, point);
		return;
	}
	srid = (uint32) bytes[0] << 16 | (uint32) bytes[1] << 8 | bytes[2];
	point->srid = (int32) (srid << 11) >> 11;
	point->is_empty = words[1] == 0;
	if (!point->is_empty)
		memcpy(&point->at, bytes + SERIALIZED_HEADER + sizeof(words), sizeof(MapPoint));
}

/* What keeps a point from being placed anywhere; NULL: nothing. */
static const char *
why_unplaceable(const Point *point)
{
	if (point->is_empty)
		return "empty";
	if (isnan(point->at.x) || isnan(point->at.y))
		return "not a number";
	if (isinf(point->at.x) || isinf(point->at.y))
		return "infinite";
	return NULL;
}

/* Errors: 22023 for another SRID, VC005 for degrees that there are not. */
static void
check_point(const Placement *placement, const Point *point)
{
	if (point->srid != placement->srid)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("point has SRID %d, but grids of table \"%s\" have SRID %d",
						point->srid, get_rel_name(placement->grids), placement->srid),
				 point->srid == 0
					 ? errhint("Say which it has with ST_SetSRID(point, ...), and bring "
							   "it to the grids' with ST_Transform(point, %d).",
							   placement->srid)
				 : placement->srid == 0
					 ? errhint("Where the coordinates are the same, say so with "
							   "ST_SetSRID(point, 0).")
					 : errhint("Bring it to the grids' with ST_Transform(point, %d).",
							   placement->srid)));
	if (placement->geographic && why_unplaceable(point) == NULL &&
		(fabs(point->at.x) > 180 || fabs(point->at.y) > 90))
		ereport(ERROR,
				(errcode(ERRCODE_VC_GRID),
				 errmsg("point lies outside the range of longitude and latitude"),
				 errdetail("Its coordinates are %g and %g, in SRID %d.", point->at.x,
						   point->at.y, point->srid),
				 errhint("Longitude comes first, -180 to 180, then latitude, -90 to "
						 "90.")));
}

/* ---------------------------------------------------------------------------
 * Once a statement
 * ---------------------------------------------------------------------------
 */

static bool
may_read_grids(const Placement *placement, Oid user)
{
	return pg_class_aclcheck(placement->grids, user, ACL_SELECT) == ACLCHECK_OK ||
		   (pg_attribute_aclcheck(placement->grids, placement->code, user, ACL_SELECT) ==
				ACLCHECK_OK &&
			pg_attribute_aclcheck(placement->grids, placement->boundary, user,
								  ACL_SELECT) == ACLCHECK_OK);
}

/*
 * Have news of changed boundaries come in, if this is another statement than the
 * last.  An expression that PL/pgSQL keeps is one and the same for a whole
 * transaction; but then each evaluation has a snapshot of its own, in which a
 * transaction that has ended meanwhile shows.
 */
static bool
note_statement(CallState *state)
{
	TransactionId xmax = InvalidTransactionId;
	uint32 xcnt = 0;

	if (ActiveSnapshotSet())
	{
		Snapshot snapshot = GetActiveSnapshot();

		xmax = snapshot->xmax;
		xcnt = snapshot->xcnt;
	}
	if (xmax == state->snapshot_xmax && xcnt == state->snapshot_xcnt &&
		TransactionIdIsValid(xmax))
		return false;
	state->snapshot_xmax = xmax;
	state->snapshot_xcnt = xcnt;
	AcceptInvalidationMessages();
	return true;
}

static void
require_placement(CallState *state, Oid grids)
{
	state->placement = placement_entry(grids);
	state->grids = grids;
	if (!state->placement->ready)
	{
		Relation relation = open_grids(state->placement);

		table_close(relation, NoLock);
	}
	state->generation = state->placement->generation;
}

/* ---------------------------------------------------------------------------
 * The function
 * ---------------------------------------------------------------------------
 */

/* 42501 where the caller may not see every grid. */
static void
check_reader(const Placement *placement, Oid user)
{
	if (!may_read_grids(placement, user))
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, get_rel_name(placement->grids));
	if (check_enable_rls(placement->grids, user, true) == RLS_ENABLED)
		ereport(
			ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("row security hides grids of table \"%s\" from role \"%s\"",
					get_rel_name(placement->grids), GetUserNameFromId(user, false)),
			 errhint("Placement sees all grids or none; the trigger assign_grid places "
					 "rows as the tables' owners allow.")));
}

/*
 * locate(grids regclass, point geometry) returns text
 *
 * The code of the grid that covers the point, the first by rank of kind and then
 * by code; NULL where there is none and where the point is empty, infinite or not
 * a number.  STRICT.  STABLE: like a look-up in the catalog, it answers by what is
 * committed when it is asked.  PARALLEL SAFE: a worker builds its own tiles.
 * Errors: 22023 for another SRID and for what is no point, VC005 for coordinates
 * that are no degrees, 42501, and those of protection_of_grids().
 */
Datum
govcase_locate(PG_FUNCTION_ARGS)
{
	Oid grids = PG_GETARG_OID(0);
	Datum geometry = PG_GETARG_DATUM(1);
	CallState *state = fcinfo->flinfo->fn_extra;
	Oid user = GetUserId();
	Answer answer;
	Point point;

	if (state == NULL)
	{
		initialize_placements();
		state = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(CallState));
		fcinfo->flinfo->fn_extra = state;
	}
	note_statement(state);
	if (state->grids != grids || state->user != user || !state->placement->ready ||
		state->generation != state->placement->generation)
	{
		require_placement(state, grids);
		check_reader(state->placement, user);
		state->user = user;
	}

	read_point(geometry, &point);
	check_point(state->placement, &point);
	if (why_unplaceable(&point) != NULL)
		PG_RETURN_NULL();
	place_point(state->placement, &point.at, geometry, false, &answer);
	if (answer.code == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(answer.code);
}

/* ---------------------------------------------------------------------------
 * The trigger
 * ---------------------------------------------------------------------------
 */

static char *
stored_argument(HeapTuple tuple, TupleDesc descriptor, int argument)
{
	Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);
	bool isnull;
	Datum value;
	char *text;

	if (argument >= form->tgnargs)
		return NULL;
	value = heap_getattr(tuple, Anum_pg_trigger_tgargs, descriptor, &isnull);
	if (isnull)
		return NULL;
	text = VARDATA_ANY(DatumGetByteaPP(value));
	while (argument-- > 0)
		text += strlen(text) + 1;
	return text;
}

/*
 * The tables whose carriers bear the grid set.  Where there are several, only
 * those of the owner count: anybody can write down somebody else's grid set.
 */
static Oid
find_grids_of_set(const pg_uuid_t *grid_set, Oid owner)
{
	Oid function = govcase_trigger_function_oid("grid_columns");
	char *wanted =
		DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(grid_set)));
	Oid found = InvalidOid;
	Oid found_own = InvalidOid;
	int count = 0;
	int count_own = 0;
	Relation depend = table_open(DependRelationId, AccessShareLock);
	Relation triggers = table_open(TriggerRelationId, AccessShareLock);
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple tuple;

	ScanKeyInit(&key[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(ProcedureRelationId));
	ScanKeyInit(&key[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(function));
	scan = systable_beginscan(depend, DependReferenceIndexId, true, NULL, 2, key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend dependency = (Form_pg_depend) GETSTRUCT(tuple);
		ScanKeyData trigger_key;
		SysScanDesc trigger_scan;
		HeapTuple trigger;
		const char *named;

		if (dependency->classid != TriggerRelationId)
			continue;
		ScanKeyInit(&trigger_key, Anum_pg_trigger_oid, BTEqualStrategyNumber, F_OIDEQ,
					ObjectIdGetDatum(dependency->objid));
		trigger_scan =
			systable_beginscan(triggers, TriggerOidIndexId, true, NULL, 1, &trigger_key);
		trigger = systable_getnext(trigger_scan);
		if (HeapTupleIsValid(trigger) &&
			(named = stored_argument(trigger, RelationGetDescr(triggers), 0)) != NULL &&
			strcmp(named, wanted) == 0)
		{
			Oid table = ((Form_pg_trigger) GETSTRUCT(trigger))->tgrelid;
			HeapTuple class = SearchSysCache1(RELOID, ObjectIdGetDatum(table));

			if (HeapTupleIsValid(class))
			{
				found = table;
				count++;
				if (((Form_pg_class) GETSTRUCT(class))->relowner == owner)
				{
					found_own = table;
					count_own++;
				}
				ReleaseSysCache(class);
			}
		}
		systable_endscan(trigger_scan);
	}
	systable_endscan(scan);
	table_close(triggers, AccessShareLock);
	table_close(depend, AccessShareLock);
	if (count_own > 0)
		return count_own == 1 ? found_own : InvalidOid;
	return count == 1 ? found : InvalidOid;
}

static Oid
grids_of_set(const pg_uuid_t *grid_set, Oid owner)
{
	GridSetEntry key;
	GridSetEntry *entry;
	bool found;
	Oid grids;

	memset(&key, 0, sizeof(key));
	key.grid_set = *grid_set;
	key.owner = owner;
	entry = hash_search(grid_sets, &key, HASH_FIND, NULL);
	if (entry != NULL && OidIsValid(entry->grids))
		return entry->grids;
	grids = find_grids_of_set(grid_set, owner);
	if (!OidIsValid(grids))
		return InvalidOid;
	/* A placement there is told of changes, and the entry with it. */
	placement_entry(grids);
	entry = hash_search(grid_sets, &key, HASH_ENTER, &found);
	entry->grids = grids;
	return grids;
}

static void
wrong_trigger(const Trigger *trigger, const char *detail)
{
	ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
					errmsg("trigger \"%s\" cannot place rows", trigger->tgname),
					errdetail_internal("%s", detail),
					errhint("Use govcase.place_by() to create it.")));
}

/* The grid set that the trigger names. */
static pg_uuid_t
trigger_grid_set(const Trigger *trigger)
{
	if (trigger->tgnargs != 1 || strlen(trigger->tgargs[0]) != 36 ||
		strspn(trigger->tgargs[0], "0123456789abcdef-") != 36)
		wrong_trigger(trigger, "Its argument is not the set of a table of grids.");
	return *DatumGetUUIDP(
		DirectFunctionCall1(uuid_in, CStringGetDatum(trigger->tgargs[0])));
}

/* Look the trigger's columns up, and check that they can be filled. */
static void
read_trigger(TriggerState *state, Relation relation, const Trigger *trigger)
{
	TupleDesc descriptor = RelationGetDescr(relation);
	Form_pg_attribute grid;

	if (trigger->tgnattr != 2 && trigger->tgnattr != 3)
		wrong_trigger(trigger, "It has to be for UPDATE OF the columns of the point, the "
							   "grid and, where there is one, the grid's version.");
	state->point = trigger->tgattr[0];
	state->grid = trigger->tgattr[1];
	state->version = trigger->tgnattr == 3 ? trigger->tgattr[2] : InvalidAttrNumber;
	if (TupleDescAttr(descriptor, state->point - 1)->atttypid != geometry_type_oid())
		wrong_trigger(trigger, "Its first column is no geometry.");
	grid = TupleDescAttr(descriptor, state->grid - 1);
	state->grid_type = grid->atttypid;
	state->grid_typmod = grid->atttypmod;
	state->grid_base = getBaseTypeAndTypmod(grid->atttypid, &state->grid_typmod);
	if (state->grid_base != TEXTOID && state->grid_base != VARCHAROID)
		wrong_trigger(trigger, "Its second column is neither text nor varchar.");
	if (state->version != InvalidAttrNumber &&
		TupleDescAttr(descriptor, state->version - 1)->atttypid != INT8OID)
		wrong_trigger(trigger, "Its third column is no bigint.");
}

/* VC007 where the grids cannot be found, 42501 where the owner may not see them. */
static void
find_trigger_grids(CallState *state, Relation relation, const Trigger *trigger)
{
	pg_uuid_t grid_set = trigger_grid_set(trigger);
	Oid owner = relation->rd_rel->relowner;
	Oid grids = grids_of_set(&grid_set, owner);

	if (!OidIsValid(grids))
		ereport(ERROR,
				(errcode(ERRCODE_VC_NOT_TRUSTED),
				 errmsg("the grids by which table \"%s\" is placed cannot be found",
						RelationGetRelationName(relation)),
				 errdetail("Trigger \"%s\" names grid set %s, which no protected table "
						   "bears, or more than one.",
						   trigger->tgname, trigger->tgargs[0]),
				 errhint("Protect the grids again with govcase.protect_grids() and call "
						 "govcase.place_by(), or govcase.unplace_by() to do without."),
				 errtable(relation)));
	require_placement(state, grids);
	if (!may_read_grids(state->placement, owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for table %s", get_rel_name(grids)),
				 errdetail(
					 "Role \"%s\", who owns table \"%s\", may not read the grids by "
					 "which it is placed.",
					 GetUserNameFromId(owner, false), RelationGetRelationName(relation)),
				 errtable(relation)));
	state->user = owner;
}

/*
 * Does the command name the point? A command that names only the grid or its
 * version sets them by hand.  Where the server does not tell (13), whoever changed
 * the grid but not the point is taken to have done that.
 */
static bool
names_point(const TriggerData *data, const TriggerState *state)
{
	const Bitmapset *columns = TriggerUpdatedColumns(data);
	TupleDesc descriptor = RelationGetDescr(data->tg_relation);
	const AttrNumber attnums[] = {state->point, state->grid, state->version};
	bool changed[3] = {false, false, false};

	if (columns != NULL)
		return bms_is_member(state->point - FirstLowInvalidHeapAttributeNumber, columns);
	for (int i = 0; i < 3 && attnums[i] != InvalidAttrNumber; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(descriptor, attnums[i] - 1);
		bool old_is_null;
		bool new_is_null;
		Datum old_value =
			heap_getattr(data->tg_trigtuple, attnums[i], descriptor, &old_is_null);
		Datum new_value =
			heap_getattr(data->tg_newtuple, attnums[i], descriptor, &new_is_null);

		changed[i] =
			old_is_null != new_is_null ||
			(!old_is_null && !datum_image_eq(old_value, new_value, attribute->attbyval,
											 attribute->attlen));
	}
	return changed[0] || !(changed[1] || changed[2]);
}

/* The value for the grid's column, as an assignment would make it. */
static Datum
grid_column_value(TriggerState *state, FmgrInfo *flinfo, const text *code)
{
	Datum value = PointerGetDatum(code);

	if (code != NULL && state->grid_base == VARCHAROID && state->grid_typmod >= 0)
		value = DirectFunctionCall3(varchar, value, Int32GetDatum(state->grid_typmod),
									BoolGetDatum(false));
	if (state->grid_type != state->grid_base)
		domain_check(value, code == NULL, state->grid_type, &state->domain_extra,
					 flinfo->fn_mcxt);
	return value;
}

/*
 * assign_grid('<grid set>'): BEFORE INSERT OR UPDATE OF point, grid [, version]
 * FOR EACH ROW
 *
 * Fills the grid of a row, and the grid's version, by its point; both are NULL
 * where the point is in no grid.  A row without a point keeps what it says.  The
 * columns are those of UPDATE OF, in this order, so that they follow renames and
 * dumps.  Errors: 39P01 where it is used otherwise, VC007, 42501, those of
 * locate(), and what an assignment to the column raises.
 */
Datum
govcase_assign_grid(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	TriggerState *state = fcinfo->flinfo->fn_extra;
	HeapTuple row;
	TupleDesc descriptor;
	Answer answer;
	Datum geometry;
	Point point;
	int columns[2];
	Datum values[2];
	bool nulls[2];
	int ncolumns = 0;
	bool isnull;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("function \"assign_grid\" was not called by a trigger"),
						errhint("Use govcase.place_by() to create one.")));
	if (!TRIGGER_FIRED_BEFORE(data->tg_event) || !TRIGGER_FIRED_FOR_ROW(data->tg_event) ||
		TRIGGER_FIRED_BY_DELETE(data->tg_event))
		wrong_trigger(data->tg_trigger,
					  "It has to fire before INSERT or UPDATE, for each "
					  "row.");
	if (state == NULL)
	{
		initialize_placements();
		state = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(TriggerState));
		read_trigger(state, data->tg_relation, data->tg_trigger);
		fcinfo->flinfo->fn_extra = state;
	}
	row =
		TRIGGER_FIRED_BY_UPDATE(data->tg_event) ? data->tg_newtuple : data->tg_trigtuple;
	descriptor = RelationGetDescr(data->tg_relation);
	geometry = heap_getattr(row, state->point, descriptor, &isnull);
	if (isnull || (TRIGGER_FIRED_BY_UPDATE(data->tg_event) && !names_point(data, state)))
		return PointerGetDatum(row);

	note_statement(&state->call);
	if (state->call.placement == NULL || !state->call.placement->ready ||
		state->call.generation != state->call.placement->generation)
		find_trigger_grids(&state->call, data->tg_relation, data->tg_trigger);
	read_point(geometry, &point);
	check_point(state->call.placement, &point);
	if (why_unplaceable(&point) == NULL)
		place_point(state->call.placement, &point.at, geometry,
					state->version != InvalidAttrNumber, &answer);
	else
	{
		answer.code = NULL;
		answer.has_version = false;
	}

	columns[ncolumns] = state->grid;
	values[ncolumns] = grid_column_value(state, fcinfo->flinfo, answer.code);
	nulls[ncolumns++] = answer.code == NULL;
	if (state->version != InvalidAttrNumber)
	{
		columns[ncolumns] = state->version;
		values[ncolumns] = Int64GetDatum(answer.version);
		nulls[ncolumns++] = !answer.has_version;
	}
	return PointerGetDatum(
		heap_modify_tuple_by_cols(row, descriptor, ncolumns, columns, values, nulls));
}

/* ---------------------------------------------------------------------------
 * What SQL asks
 * ---------------------------------------------------------------------------
 */

/*
 * grid_set(grids regclass) returns (grid_set uuid, srid integer)
 *
 * What place_by() has to know.  Errors as protection_of_grids_table().
 */
Datum
govcase_grid_set(PG_FUNCTION_ARGS)
{
	GridProtection *protection = protection_of_grids_table(PG_GETARG_OID(0));
	pg_uuid_t *grid_set = palloc(sizeof(pg_uuid_t));
	TupleDesc descriptor;
	Datum values[2];
	bool nulls[2] = {false, false};

	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	*grid_set = protection->grid_set;
	values[0] = UUIDPGetDatum(grid_set);
	values[1] = Int32GetDatum(protection->srid);
	PG_RETURN_DATUM(
		HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor), values, nulls)));
}

/*
 * grids_of_set(grid_set uuid, owner oid) returns regclass
 *
 * The table by which a trigger of this owner's table places; NULL where there is
 * none, or more than one.
 */
Datum
govcase_grids_of_set(PG_FUNCTION_ARGS)
{
	Oid grids = find_grids_of_set(PG_GETARG_UUID_P(0), PG_GETARG_OID(1));

	if (!OidIsValid(grids))
		PG_RETURN_NULL();
	PG_RETURN_OID(grids);
}

/*
 * why_unplaced(point geometry) returns text
 *
 * What keeps a point from being placed in any grid: empty, not a number,
 * infinite; NULL: nothing.  STRICT, IMMUTABLE.  Error: 22023 for what is no point.
 */
Datum
govcase_why_unplaced(PG_FUNCTION_ARGS)
{
	const char *reason;
	Point point;

	read_point(PG_GETARG_DATUM(0), &point);
	reason = why_unplaceable(&point);
	if (reason == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(reason));
}

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
	Placement *placement;

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
		values[0] = ObjectIdGetDatum(placement->grids);
		values[1] = Int32GetDatum(placement->tiles->members);
		values[2] = Int64GetDatum(bytes);
		values[3] = Int64GetDatum(placement->built);
		values[4] = Int64GetDatum(placement->evicted);
		values[5] = Int64GetDatum(placement->asked);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
