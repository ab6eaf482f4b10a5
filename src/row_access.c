/*
 * row_access.c
 *		Reaching a case or its chain through heap and index, without a plan.
 *
 * Starting an executor costs several times what looking up one row does, and
 * every link needs two such look-ups.  So where the table is an ordinary one
 * with an index that fits, the index is asked directly.  Partitioned tables, and
 * tables that another planner manages, go through the kept plans of attach.c.
 */
#include "row_access.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "nodes/execnodes.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

static bool
index_fits(Relation table, Relation index, int nkeys, const AttrNumber *key,
		   AttrNumber last, KeyIndex *found, MemoryContext context)
{
	Form_pg_index form = index->rd_index;
	int ncolumns = nkeys + (last == InvalidAttrNumber ? 0 : 1);

	if (index->rd_rel->relam != BTREE_AM_OID || !form->indisunique || !form->indisvalid ||
		!form->indimmediate || form->indnkeyatts != ncolumns ||
		RelationGetIndexPredicate(index) != NIL ||
		(last != InvalidAttrNumber &&
		 (form->indkey.values[nkeys] != last || index->rd_indoption[nkeys] != 0)))
		return false;

	for (int i = 0; i < nkeys; i++)
	{
		int column = 0;
		Oid type;
		Oid operator;

		while (column < nkeys && key[column] != form->indkey.values[i])
			column++;
		if (column == nkeys)
			return false;
		type = key_passed_type(
			TupleDescAttr(RelationGetDescr(table), key[column] - 1)->atttypid);
		operator= get_opfamily_member(index->rd_opfamily[i], index->rd_opcintype[i], type,
									  BTEqualStrategyNumber);
		if (!OidIsValid(operator))
			return false;
		found->key_column[i] = column;
		fmgr_info_cxt(get_opcode(operator), &found->equal[i], context);
	}
	found->index = RelationGetRelid(index);
	return true;
}

void
find_key_index(Relation table, int nkeys, const AttrNumber *key, AttrNumber last,
			   KeyIndex *found, MemoryContext context)
{
	List *indexes;
	ListCell *cell;

	found->index = InvalidOid;
	if (table->rd_rel->relkind != RELKIND_RELATION || table->rd_rel->relispartition)
		return;
	/* The flag outlives the heirs until the next ANALYZE. */
	if (table->rd_rel->relhassubclass &&
		find_inheritance_children(RelationGetRelid(table), NoLock) != NIL)
		return;
	indexes = RelationGetIndexList(table);
	foreach (cell, indexes)
	{
		Relation index = index_open(lfirst_oid(cell), AccessShareLock);
		bool fits = index_fits(table, index, nkeys, key, last, found, context);

		index_close(index, AccessShareLock);
		if (fits)
			break;
	}
	list_free(indexes);
}

void
find_key(KeyScan *scan, const KeyIndex *index, const CaseKey *key)
{
	ScanKeyData keys[MAX_KEY_COLUMNS];
	MemoryContext old;

	for (int i = 0; i < key->ncolumns; i++)
	{
		int column = index->key_column[i];

		ScanKeyEntryInitializeWithInfo(
			&keys[i], 0, i + 1, BTEqualStrategyNumber, key->types[column],
			scan->index->rd_indcollation[i], unconstify(FmgrInfo *, &index->equal[i]),
			key->values[column]);
	}
	old = MemoryContextSwitchTo(scan->context);
	index_rescan(scan->scan, keys, key->ncolumns, NULL, 0);
	MemoryContextSwitchTo(old);
}

/* All but the slot, which begin_key_scan() and make_kept_scan() make each its way. */
static void
open_scan(KeyScan *scan, Oid table, LOCKMODE lock, Oid index, int nkeys)
{
	scan->context = CurrentMemoryContext;
	scan->table = table_open(table, lock);
	scan->index = index_open(index, AccessShareLock);
	/* Each search brings a snapshot of its own. */
	scan->scan = index_beginscan_compat(scan->table, scan->index, SnapshotAny, nkeys);
}

/*
 * The snapshot is taken after the wait for the table's lock: whoever held it may
 * have written all rows anew.
 */
static void
start_search(KeyScan *scan, const KeyIndex *index, const CaseKey *key, Snapshot snapshot)
{
	if (snapshot == NULL)
	{
		/* What this very statement has stored is part of the latest truth. */
		CommandCounterIncrement();
		snapshot = GetLatestSnapshot();
	}
	scan->snapshot = RegisterSnapshot(snapshot);
	scan->scan->xs_snapshot = scan->snapshot;
	find_key(scan, index, key);
}

void
begin_key_scan(KeyScan *scan, Oid table, LOCKMODE lock, const KeyIndex *index,
			   const CaseKey *key, Snapshot snapshot)
{
	open_scan(scan, table, lock, index->index, key->ncolumns);
	scan->slot = table_slot_create(scan->table, NULL);
	start_search(scan, index, key, snapshot);
}

bool
next_row(KeyScan *scan, ScanDirection direction)
{
	/* What the scan allocates as it goes, it keeps: entries that are dead, say. */
	MemoryContext old = MemoryContextSwitchTo(scan->context);
	bool found = index_getnext_slot(scan->scan, direction, scan->slot);

	MemoryContextSwitchTo(old);
	return found;
}

bool
lock_row(KeyScan *scan)
{
	uint8 flags = IsolationUsesXactSnapshot() ? 0 : TUPLE_LOCK_FLAG_FIND_LAST_VERSION;
	TM_FailureData failure;
	TM_Result result =
		table_tuple_lock(scan->table, &scan->slot->tts_tid, scan->snapshot, scan->slot,
						 GetCurrentCommandId(false), LockTupleNoKeyExclusive,
						 LockWaitBlock, flags, &failure);

	switch (result)
	{
		case TM_Ok:
			return true;
		case TM_Updated:
		case TM_Deleted:
			if (IsolationUsesXactSnapshot())
				ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
								errmsg("could not serialize access due to concurrent "
									   "update"),
								errhint("The transaction might succeed if retried.")));
			if (result == TM_Deleted)
				return false;
			break;
		case TM_SelfModified:
			/* This command has deleted it. */
			return false;
		default:
			break;
	}
	elog(ERROR, "unexpected table_tuple_lock status: %u", result);
	return false;
}

void
end_key_scan(KeyScan *scan)
{
	index_endscan(scan->scan);
	ExecDropSingleTupleTableSlot(scan->slot);
	/*
	 * As the executor does, keep both locks to the transaction's end: taking them
	 * again for the next row then costs next to nothing.
	 */
	index_close(scan->index, NoLock);
	table_close(scan->table, NoLock);
	UnregisterSnapshot(scan->snapshot);
}

/* ---------------------------------------------------------------------------
 * Scans that are kept for the next row
 * ---------------------------------------------------------------------------
 */

/*
 * A scan that rests holds nothing that somebody would have to release: no pin, no
 * snapshot, and not even a reference to its relations, which would keep the
 * session itself from altering them.  So it has to go as soon as they change; and
 * when a subtransaction is rolled back, as the locks on them may have been its.
 */
typedef struct KeptScan
{
	KeyScan scan;
	Oid table;
	Oid index;
	LOCKMODE lock;
	bool in_use;
	bool stale; /* changed while in use */
	struct KeptScan *next;
} KeptScan;

static KeptScan *kept_scans = NULL;
static MemoryContext kept_scans_context = NULL; /* of the transaction */

static void
forget_kept_scans(void *argument pg_attribute_unused())
{
	kept_scans = NULL;
	kept_scans_context = NULL;
}

static void
forget_changed_relation(Datum argument pg_attribute_unused(), Oid relation)
{
	KeptScan **place = &kept_scans;

	while (*place != NULL)
	{
		KeptScan *kept = *place;

		if (OidIsValid(relation) && relation != kept->table && relation != kept->index)
			place = &kept->next;
		else if (kept->in_use)
		{
			kept->stale = true;
			place = &kept->next;
		}
		else
		{
			*place = kept->next;
			MemoryContextDelete(kept->scan.context);
		}
	}
}

static void
end_subtransaction(SubXactEvent event, SubTransactionId mine pg_attribute_unused(),
				   SubTransactionId parent pg_attribute_unused(),
				   void *argument pg_attribute_unused())
{
	/* One that an error has left in use is among them. */
	if (event == SUBXACT_EVENT_ABORT_SUB && kept_scans_context != NULL)
		MemoryContextDelete(kept_scans_context);
}

static void
prepare_to_keep_scans(void)
{
	static bool registered = false;
	MemoryContextCallback *callback;

	if (!registered)
	{
		CacheRegisterRelcacheCallback(forget_changed_relation, (Datum) 0);
		RegisterSubXactCallback(end_subtransaction, NULL);
		registered = true;
	}
	if (kept_scans_context != NULL)
		return;
	kept_scans_context = AllocSetContextCreate(
		TopTransactionContext, "govcase kept scans", ALLOCSET_SMALL_SIZES);
	callback = MemoryContextAlloc(kept_scans_context, sizeof(MemoryContextCallback));
	callback->func = forget_kept_scans;
	callback->arg = NULL;
	MemoryContextRegisterResetCallback(kept_scans_context, callback);
}

/* A scan that rests, of relations that stay locked. */
static KeptScan *
make_kept_scan(Oid table, LOCKMODE lock, Oid index, int nkeys)
{
	MemoryContext context;
	MemoryContext old;
	KeptScan *kept;
	KeyScan *scan;

	prepare_to_keep_scans();
	context = AllocSetContextCreate(kept_scans_context, "govcase kept scan",
									ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	kept = palloc0(sizeof(KeptScan));
	kept->table = table;
	kept->index = index;
	kept->lock = lock;
	scan = &kept->scan;
	open_scan(scan, table, lock, index, nkeys);
	/* A copy of the descriptor needs no reference to it. */
	scan->slot =
		MakeSingleTupleTableSlot(CreateTupleDescCopy(RelationGetDescr(scan->table)),
								 table_slot_callbacks(scan->table));
	MemoryContextSwitchTo(old);

	RelationDecrementReferenceCount(scan->index); /* the scan's own */
	index_close(scan->index, NoLock);
	table_close(scan->table, NoLock);
	kept->next = kept_scans;
	kept_scans = kept;
	return kept;
}

KeyScan *
resume_key_scan(Oid table, LOCKMODE lock, const KeyIndex *index, const CaseKey *key,
				Snapshot snapshot)
{
	KeptScan *kept = kept_scans;
	KeyScan *scan;

	while (kept != NULL &&
		   (kept->in_use || kept->table != table || kept->index != index->index ||
			kept->lock != lock || kept->scan.scan->numberOfKeys != key->ncolumns))
		kept = kept->next;
	if (kept == NULL)
		kept = make_kept_scan(table, lock, index->index, key->ncolumns);
	kept->in_use = true;
	scan = &kept->scan;
	RelationIncrementReferenceCount(scan->table);
	RelationIncrementReferenceCount(scan->index);
	start_search(scan, index, key, snapshot);
	return scan;
}

void
pause_key_scan(KeyScan *scan)
{
	KeptScan *kept = (KeptScan *) scan;

	ExecClearTuple(scan->slot);
	/* Gives back the pins on index and heap. */
	index_rescan(scan->scan, NULL, scan->scan->numberOfKeys, NULL, 0);
	UnregisterSnapshot(scan->snapshot);
	RelationDecrementReferenceCount(scan->index);
	RelationDecrementReferenceCount(scan->table);
	kept->in_use = false;
	if (kept->stale)
		forget_changed_relation((Datum) 0, kept->table);
}

/* ---------------------------------------------------------------------------
 * Storing rows
 * ---------------------------------------------------------------------------
 */

static bool
is_among(AttrNumber attnum, int n, const AttrNumber *attnums)
{
	for (int i = 0; i < n; i++)
	{
		if (attnums[i] == attnum)
			return true;
	}
	return false;
}

/* One BEFORE INSERT row trigger, and nothing else that an INSERT would fire. */
static bool
fires_one_trigger(const TriggerDesc *triggers)
{
	int fired = 0;

	if (triggers == NULL || triggers->trig_insert_after_row ||
		triggers->trig_insert_instead_row || triggers->trig_insert_before_statement ||
		triggers->trig_insert_after_statement || triggers->trig_insert_new_table)
		return false;
	for (int i = 0; i < triggers->numtriggers; i++)
	{
		if (TRIGGER_TYPE_MATCHES(triggers->triggers[i].tgtype, TRIGGER_TYPE_ROW,
								 TRIGGER_TYPE_BEFORE, TRIGGER_TYPE_INSERT))
			fired++;
	}
	return fired == 1;
}

bool
stores_plain_rows(Relation table, int nkeys, const AttrNumber *key, int ncolumns,
				  const AttrNumber *columns)
{
	TupleDesc descriptor = RelationGetDescr(table);
	bool plain = true;
	List *indexes;
	ListCell *cell;

	if (table->rd_rel->relkind != RELKIND_RELATION || table->rd_rel->relispartition ||
		table->rd_rel->relhassubclass || table->rd_rel->relhasrules ||
		!fires_one_trigger(table->trigdesc))
		return false;
	if (descriptor->constr != NULL &&
		(descriptor->constr->num_defval > 0 || descriptor->constr->num_check > 0 ||
		 descriptor->constr->has_generated_stored))
		return false;
	for (int i = 0; i < descriptor->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(descriptor, i);

		if (attribute->attisdropped || is_among(i + 1, nkeys, key) ||
			is_among(i + 1, ncolumns, columns))
			continue;
		if (attribute->attnotnull || attribute->attidentity != '\0' ||
			getBaseType(attribute->atttypid) != attribute->atttypid)
			return false;
	}

	indexes = RelationGetIndexList(table);
	foreach (cell, indexes)
	{
		Relation index = index_open(lfirst_oid(cell), AccessShareLock);

		if (index->rd_index->indisexclusion || !index->rd_index->indimmediate ||
			!index->rd_index->indisready || RelationGetIndexPredicate(index) != NIL ||
			RelationGetIndexExpressions(index) != NIL)
			plain = false;
		index_close(index, AccessShareLock);
	}
	list_free(indexes);
	return plain;
}

void
store_row(Relation table, const Datum *values, const bool *nulls)
{
	TupleTableSlot *slot = table_slot_create(table, NULL);
	List *indexes = RelationGetIndexList(table);
	int natts = RelationGetDescr(table)->natts;
	ListCell *cell;

	memcpy(slot->tts_values, values, sizeof(Datum) * natts);
	memcpy(slot->tts_isnull, nulls, sizeof(bool) * natts);
	ExecStoreVirtualTuple(slot);
	ExecMaterializeSlot(slot);
	table_tuple_insert(table, slot, GetCurrentCommandId(true), 0, NULL);

	foreach (cell, indexes)
	{
		Relation index = index_open(lfirst_oid(cell), RowExclusiveLock);
		IndexInfo *info = BuildIndexInfo(index);
		Datum index_values[INDEX_MAX_KEYS];
		bool index_nulls[INDEX_MAX_KEYS];

		FormIndexDatum(info, slot, NULL, index_values, index_nulls);
		index_insert_compat(
			index, index_values, index_nulls, &slot->tts_tid, table,
			index->rd_index->indisunique ? UNIQUE_CHECK_YES : UNIQUE_CHECK_NO, info);
		index_close(index, RowExclusiveLock);
	}
	list_free(indexes);
	ExecDropSingleTupleTableSlot(slot);
}
