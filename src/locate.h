/*
 * locate.h
 *		Placement: the grid that a point lies in.
 */
#ifndef GOVCASE_LOCATE_H
#define GOVCASE_LOCATE_H

#include "govcase.h"

#include "utils/snapshot.h"

/*
 * The version of a grid that is valid now, for a located table's column
 * grid_version; false where the grid has none.  Set by the room that keeps the
 * history of grids.  It must read with the snapshot that it is given, and whoever
 * writes a version must have placement look again, by
 * CacheInvalidateRelcacheByRelid() on the table of grids.
 */
typedef bool (*CurrentGridVersion)(Oid grids, const char *code, Snapshot snapshot,
								   int64 *version);
extern CurrentGridVersion current_grid_version;

#endif /* GOVCASE_LOCATE_H */
