/*
 * row_access.h
 *		Reaching a case or its chain through heap and index, without a plan.
 */
#ifndef GOVCASE_ROW_ACCESS_H
#define GOVCASE_ROW_ACCESS_H

#include "govcase.h"

#include "access/genam.h"
#include "access/sdir.h"
#include "executor/tuptable.h"
#include "utils/rel.h"
#include "utils/snapshot.h"

#include "follow_up.h"

/* An index whose leading columns are a key, and how to look the key up in it. */
typedef struct KeyIndex
{
	Oid index;                       /* InvalidOid: the table is read by plans */
	int key_column[MAX_KEY_COLUMNS]; /* which key column index column i is */
	FmgrInfo equal[MAX_KEY_COLUMNS]; /* of index column i and the key's type */
} KeyIndex;

/*
 * Find an index of the table that fits: the table an ordinary one, the index a
 * unique, valid, immediate btree on just these key columns, with last behind
 * them (InvalidAttrNumber: nothing).  The information lives in context.
 */
extern void find_key_index(Relation table, int nkeys, const AttrNumber *key,
						   AttrNumber last, KeyIndex *found, MemoryContext context);

/* A scan for one key, from the lowest or the highest of what follows the key. */
typedef struct KeyScan
{
	Relation table;
	Relation index;
	Snapshot snapshot;
	IndexScanDesc scan;
	TupleTableSlot *slot;
	MemoryContext context; /* that it was begun in */
} KeyScan;

/* snapshot NULL: the latest, in which this command's own rows are seen too. */
extern void begin_key_scan(KeyScan *scan, Oid table, LOCKMODE lock, const KeyIndex *index,
						   const CaseKey *key, Snapshot snapshot);
/* Begin again, with another key. */
extern void find_key(KeyScan *scan, const KeyIndex *index, const CaseKey *key);
/* The next row in scan->slot; false where there is none. */
extern bool next_row(KeyScan *scan, ScanDirection direction);
/*
 * Lock the row in the slot FOR NO KEY UPDATE, waiting for whoever holds it, and
 * follow it to its newest version.  False where it is gone; 40001 under
 * REPEATABLE READ and SERIALIZABLE where it has changed.
 */
extern bool lock_row(KeyScan *scan);
extern void end_key_scan(KeyScan *scan);

/*
 * The same for a trigger, which is called for row after row and is never told of
 * the last: opening a scan costs as much as a descent of its index, so it is kept
 * until the transaction ends.  Between the two no code of a user's may run.
 */
extern KeyScan *resume_key_scan(Oid table, LOCKMODE lock, const KeyIndex *index,
								const CaseKey *key, Snapshot snapshot);
extern void pause_key_scan(KeyScan *scan);

/*
 * Does an INSERT into the table do nothing but fire one BEFORE ROW trigger and
 * store the row?  False where there are partitions, other triggers, rules,
 * defaults, checks, generated or other required columns, or indexes that need
 * expressions.  The named columns are those that a row brings.
 */
extern bool stores_plain_rows(Relation table, int nkeys, const AttrNumber *key,
							  int ncolumns, const AttrNumber *columns);
/* Store a row in such a table, opened for writing, and in its indexes. */
extern void store_row(Relation table, const Datum *values, const bool *nulls);

#endif /* GOVCASE_ROW_ACCESS_H */
