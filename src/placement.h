/*
 * placement.h
 *		What a session keeps of the boundaries of a table of grids, and the grid
 *		that a point is in.
 */
#ifndef GOVCASE_PLACEMENT_H
#define GOVCASE_PLACEMENT_H

#include "govcase.h"

#include "utils/snapshot.h"

#include "grid_cells.h"

/*
 * What is known of a table of grids.  Never freed, so it may be kept; but each
 * statement has to ask placement_of() where ready is false.
 */
typedef struct Placement
{
	Oid grids;
	bool ready;        /* what follows holds */
	uint64 generation; /* counts what it was told of changes */
	AttrNumber code;
	AttrNumber boundary;
	int32 srid;
} Placement;

/* The placement by a table of grids; errors as protection_of_grids(). */
extern Placement *placement_of(Oid grids);
/* One to be told of changes, not yet read. */
extern Placement *placement_entry(Oid grids);

/* Are coordinates longitude and latitude? */
extern bool placement_is_geographic(Placement *placement);

/* Outcome of placing one point. */
typedef struct PlacementAnswer
{
	text *code; /* NULL: in no grid */
	int64 version;
	bool has_version;
} PlacementAnswer;

/*
 * The first grid, by rank of its kind and then by code, that covers a point of
 * finite coordinates; point is the same as PostGIS has it.  The code is
 * allocated in the current memory context.
 */
extern void place_point(Placement *placement, const MapPoint *at, Datum point,
						bool with_version, PlacementAnswer *answer);

/*
 * The version of a grid that is valid now, for a located table's column
 * grid_version; false where the grid has none.  What keeps the history of grids
 * sets this; NULL: nothing does.  It has to read with the snapshot that it is
 * given, and whoever writes a version has to have placement look again, by
 * CacheInvalidateRelcacheByRelid() on the table of grids.
 */
typedef bool (*GridVersionHook)(Oid grids, const char *code, Snapshot snapshot,
								int64 *version);
extern GridVersionHook grid_version_hook;

#endif /* GOVCASE_PLACEMENT_H */
