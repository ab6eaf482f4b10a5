/*
 * grid.h
 *		Protected grids: which columns of which tables are a grid, and how its
 *		boundary is read.
 *
 * As for cases, everything that a grid protection knows stands in carrier
 * triggers that never fire (design sections 5 and 8).
 */
#ifndef GOVCASE_GRID_H
#define GOVCASE_GRID_H

#include "govcase.h"

#include "nodes/pg_list.h"
#include "utils/rel.h"
#include "utils/snapshot.h"
#include "utils/uuid.h"

#include "planar.h"
#include "row_access.h"

typedef struct GridProtection
{
	Oid grids;           /* the table of grids */
	Oid regions;         /* InvalidOid: the whole table is one family of siblings */
	Oid owner;           /* of both */
	pg_uuid_t grid_set;  /* what the two carriers share */
	AttrNumber code;     /* text key of a grid */
	AttrNumber region;   /* its parent region's key; InvalidAttrNumber without regions */
	AttrNumber kind;     /* InvalidAttrNumber: all grids are ordinary */
	AttrNumber boundary; /* geometry(MultiPolygon) */
	AttrNumber region_code;     /* in regions, as the next two */
	AttrNumber region_parent;   /* InvalidAttrNumber: no region is in another */
	AttrNumber region_boundary; /* InvalidAttrNumber: none has a boundary */
	int32 srid;
	float8 tolerance;       /* square metres */
	float8 tolerance_width; /* metres */
	char *code_rule;        /* of grid_code_rule */
	Oid carrier;            /* the trigger on grids */
	char *grid_set_text;    /* grid_set as the carriers write it */
	KeyIndex code_index;    /* how a grid is found by its code */
	KeyIndex region_index;  /* how a region is */
	Oid boundary_index;     /* GiST; InvalidOid: the table is read through */
	MemoryContext context;
	struct GridProtection *next; /* in the cache */
} GridProtection;

/*
 * The protection of a table of grids, by relation or OID.  VC007 where no
 * carrier can be trusted, 42P17 where there is none.  Kept until either table
 * changes; do not keep it across rows.
 */
extern GridProtection *protection_of_grids(Relation grids);
extern GridProtection *protection_of_grids_table(Oid grids);

/*
 * Tables whose carrier bears the grid set, of this owner or, where that is
 * InvalidOid, of anybody; whether they can be trusted is for the above to judge.
 */
extern List *tables_of_grid_set(const char *grid_set, Oid owner);

/* A grid that this transaction has inserted, changed or deleted. */
typedef struct GridChange
{
	char *code;
	Oid acting_user; /* of the last statement that did */
} GridChange;

/*
 * What keeps the history of grids sets this; NULL: nothing does.  It is called
 * by the deferred trigger, once what it lists has been judged and the regions
 * are locked, as the owner of the tables, and only where grid_history_table()
 * finds a table.  changes: each code once, in order; NIL: the table was
 * truncated.  A transaction whose constraints are immediate calls it repeatedly.
 */
typedef void (*GridHistoryHook)(GridProtection *protection, List *changes);
extern GridHistoryHook grid_history_hook;

/* Has this transaction changed that grid and not judged it yet? */
extern bool grid_change_is_pending(Oid grids, const char *code);

/*
 * The table of the same owner with a carrier that calls govcase.history_columns
 * with the grid set as its first argument; InvalidOid where there is none, VC007
 * where there are two.
 */
extern Oid grid_history_table(const GridProtection *protection);

/* What a code rule (grid_code_rule) says of one kind of grid. */
typedef struct GridKindRule
{
	char *kind;
	char *pattern;
	int region_part; /* group of the pattern; 0: not compared */
	int seq_part;    /* group of the pattern; 0: none */
	int rank;        /* placement takes the lowest first */
} GridKindRule;

/* The kinds of a rule, in order of rank; 42704 where there is no such rule. */
extern List *read_grid_code_rule(const char *rule, Snapshot snapshot);

#endif /* GOVCASE_GRID_H */
