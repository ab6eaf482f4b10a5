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

#include "utils/rel.h"
#include "utils/uuid.h"

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
	AttrNumber region_code; /* in regions, as the next two */
	AttrNumber region_parent;
	AttrNumber region_boundary;
	int32 srid;
	float8 tolerance;       /* square metres */
	float8 tolerance_width; /* metres */
	char *code_rule;        /* of grid_code_rule */
	MemoryContext context;
} GridProtection;

/*
 * The protection of a table of grids, by relation or OID.  VC007 where no
 * carrier can be trusted, 42P17 where there is none.  Kept until either table
 * changes; do not keep it across rows.
 */
extern GridProtection *protection_of_grids(Relation grids);
extern GridProtection *protection_of_grids_table(Oid grids);

/* Schema that extension postgis is in. */
extern Oid postgis_schema(void);
/* OID of type geometry there. */
extern Oid geometry_type_oid(void);

#endif /* GOVCASE_GRID_H */
