/*
 * grid.c
 *		Boundaries of grids (网格) that hold to their rules for every writer
 *		(design section 8).
 *
 * Row triggers list what changed.  The first firing of a deferred constraint
 * trigger judges the whole list at once, as the owner of the tables: it locks
 * the regions above the grids in the order of their keys, and then looks for
 * siblings through the GiST index with the latest snapshot.  Whoever comes
 * second waits for the lock and sees what the first has committed, at every
 * isolation level.
 */
#include "grid.h"

#include <math.h>

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relscan.h"
#include "access/stratnum.h"
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
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "commands/trigger.h"
#include "common/hashfn.h"
#include "executor/tuptable.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#define GRID_CARRIER    "grid_columns"
#define REGION_CARRIER  "region_columns"
#define HISTORY_CARRIER "history_columns"

#define ORDINARY_KIND "ordinary"

/* A region hierarchy deeper than this runs in a circle. */
#define MAX_REGION_DEPTH 100

GridHistoryHook grid_history_hook = NULL;

PG_FUNCTION_INFO_V1(govcase_grid_columns);
PG_FUNCTION_INFO_V1(govcase_region_columns);
PG_FUNCTION_INFO_V1(govcase_note_grid);
PG_FUNCTION_INFO_V1(govcase_check_grid);
PG_FUNCTION_INFO_V1(govcase_grids_truncated);
PG_FUNCTION_INFO_V1(govcase_note_region);
PG_FUNCTION_INFO_V1(govcase_check_region);
PG_FUNCTION_INFO_V1(govcase_regions_truncated);
PG_FUNCTION_INFO_V1(govcase_keep_code_rule);
PG_FUNCTION_INFO_V1(govcase_code_rules_changed);
PG_FUNCTION_INFO_V1(govcase_check_grids);

/* ---------------------------------------------------------------------------
 * Carriers, and whether they can be trusted
 * ---------------------------------------------------------------------------
 */

/*
 * grid_columns, region_columns: the functions of the carriers
 *
 * A carrier has WHEN (false) and never fires.  39P01 where somebody calls it.
 */
static void
refuse_carrier_call(const char *carrier)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
		 errmsg("function \"%s\" is a carrier of a protection and does nothing", carrier),
		 errhint("Use govcase.protect_grids() to protect a table.")));
}

Datum
govcase_grid_columns(PG_FUNCTION_ARGS)
{
	refuse_carrier_call(GRID_CARRIER);
	PG_RETURN_NULL();
}

Datum
govcase_region_columns(PG_FUNCTION_ARGS)
{
	refuse_carrier_call(REGION_CARRIER);
	PG_RETURN_NULL();
}

/* Protections in use, and those that changed while somebody may hold them. */
static GridProtection *known_protections = NULL;
static GridProtection *retired_protections = NULL;

/* Counts what the cache was told, so that a reader sees that he was overtaken. */
static uint64 invalidations = 0;

static void
forget_relation(Datum argument pg_attribute_unused(), Oid relation)
{
	GridProtection **link = &known_protections;

	invalidations++;
	while (*link != NULL)
	{
		GridProtection *protection = *link;

		if (OidIsValid(relation) && protection->grids != relation &&
			protection->regions != relation)
		{
			link = &protection->next;
			continue;
		}
		*link = protection->next;
		protection->next = retired_protections;
		retired_protections = protection;
	}
}

static void
free_retired_protections(void)
{
	while (retired_protections != NULL)
	{
		GridProtection *protection = retired_protections;

		retired_protections = protection->next;
		MemoryContextDelete(protection->context);
	}
}

static void
not_trusted(Oid table, const char *detail)
{
	ereport(ERROR, (errcode(ERRCODE_VC_NOT_TRUSTED),
					errmsg("protection of grids in table \"%s\" cannot be trusted",
						   get_rel_name(table)),
					errdetail_internal("%s", detail),
					errhint("SELECT * FROM govcase.grid_protections() shows each "
							"protection. Its owner sets it right with "
							"govcase.repair_grid_triggers(), or with "
							"govcase.unprotect_grids() and govcase.protect_grids()."),
					err_generic_string(PG_DIAG_SCHEMA_NAME,
									   get_namespace_name(get_rel_namespace(table))),
					err_generic_string(PG_DIAG_TABLE_NAME, get_rel_name(table))));
}

/* OID of a trigger function of ours, InvalidOid where there is none. */
static Oid
trigger_function_or_none(const char *name)
{
	return GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum(name),
						   PointerGetDatum(buildoidvector(NULL, 0)),
						   ObjectIdGetDatum(get_namespace_oid(GOVCASE_SCHEMA, false)));
}

/* First argument of a stored trigger; NULL where it has none. */
static char *
first_argument(HeapTuple trigger, TupleDesc descriptor)
{
	Datum datum;
	bool isnull;

	if (((Form_pg_trigger) GETSTRUCT(trigger))->tgnargs < 1)
		return NULL;
	datum = heap_getattr(trigger, Anum_pg_trigger_tgargs, descriptor, &isnull);
	return isnull ? NULL : VARDATA_ANY(DatumGetByteaPP(datum));
}

/*
 * Tables with a trigger that calls the function with the grid set as its first
 * argument and that belong to the owner, or to anybody where that is InvalidOid;
 * every table where grid_set is NULL.
 */
static List *
tables_of_carriers(Oid function, const char *grid_set, Oid owner)
{
	List *tables = NIL;
	Relation depend;
	Relation triggers;
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple tuple;

	if (!OidIsValid(function))
		return NIL;
	depend = table_open(DependRelationId, AccessShareLock);
	triggers = table_open(TriggerRelationId, AccessShareLock);
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

		if (dependency->classid != TriggerRelationId)
			continue;
		ScanKeyInit(&trigger_key, Anum_pg_trigger_oid, BTEqualStrategyNumber, F_OIDEQ,
					ObjectIdGetDatum(dependency->objid));
		trigger_scan =
			systable_beginscan(triggers, TriggerOidIndexId, true, NULL, 1, &trigger_key);
		trigger = systable_getnext(trigger_scan);
		if (HeapTupleIsValid(trigger))
		{
			Oid table = ((Form_pg_trigger) GETSTRUCT(trigger))->tgrelid;
			const char *named = first_argument(trigger, RelationGetDescr(triggers));
			HeapTuple class = SearchSysCache1(RELOID, ObjectIdGetDatum(table));

			if (HeapTupleIsValid(class))
			{
				if (grid_set == NULL ||
					(named != NULL && strcmp(named, grid_set) == 0 &&
					 (!OidIsValid(owner) ||
					  ((Form_pg_class) GETSTRUCT(class))->relowner == owner)))
					tables = list_append_unique_oid(tables, table);
				ReleaseSysCache(class);
			}
		}
		systable_endscan(trigger_scan);
	}
	systable_endscan(scan);
	table_close(triggers, AccessShareLock);
	table_close(depend, AccessShareLock);
	return tables;
}

List *
tables_of_grid_set(const char *grid_set, Oid owner)
{
	return tables_of_carriers(trigger_function_or_none(GRID_CARRIER), grid_set, owner);
}

/* The one such table; InvalidOid where there is none, VC007 where there are two. */
static Oid
table_of_carrier(Oid asking, Oid function, const char *grid_set, Oid owner)
{
	List *tables = tables_of_carriers(function, grid_set, owner);

	if (list_length(tables) > 1)
		not_trusted(asking, psprintf("Both \"%s\" and \"%s\" bear its grid set.",
									 get_rel_name(linitial_oid(tables)),
									 get_rel_name(lsecond_oid(tables))));
	return tables == NIL ? InvalidOid : linitial_oid(tables);
}

Oid
grid_history_table(const GridProtection *protection)
{
	return table_of_carrier(protection->grids, trigger_function_or_none(HISTORY_CARRIER),
							protection->grid_set_text, protection->owner);
}

/*
 * The carrier of a table: NULL where there is none, VC007 where there are two.
 * A table of regions may bear one for each of several grid sets.
 */
static Trigger *
find_carrier(Relation table, const char *function, const char *grid_set)
{
	Oid function_oid = govcase_trigger_function_oid(function);
	TriggerDesc *triggers = table->trigdesc;
	Trigger *carrier = NULL;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		Trigger *trigger = &triggers->triggers[i];

		if (trigger->tgfoid != function_oid ||
			(grid_set != NULL &&
			 (trigger->tgnargs < 1 || strcmp(trigger->tgargs[0], grid_set) != 0)))
			continue;
		if (carrier != NULL)
			not_trusted(RelationGetRelid(table),
						psprintf("Its carriers \"%s\" and \"%s\" contradict each other.",
								 carrier->tgname, trigger->tgname));
		carrier = trigger;
	}
	return carrier;
}

/* Argument that names the role of column i of a carrier. */
static const char *
carrier_role(Relation table, Trigger *carrier, int column)
{
	if (column + 1 >= carrier->tgnargs)
		not_trusted(
			RelationGetRelid(table),
			psprintf("Its carrier \"%s\" has too few arguments.", carrier->tgname));
	return carrier->tgargs[column + 1];
}

/* Value of "name=value" as a number. */
static bool
read_option(const char *option, const char *name, float8 *value)
{
	size_t length = strlen(name);
	char *end;

	if (strncmp(option, name, length) != 0 || option[length] != '=')
		return false;
	*value = strtod(option + length + 1, &end);
	return *end == '\0' && end != option + length + 1;
}

static void
read_grid_carrier(GridProtection *protection, Relation grids, Trigger *carrier,
				  bool *without_regions)
{
	float8 number;

	*without_regions = false;
	for (int i = 0; i < carrier->tgnattr; i++)
	{
		const char *role = carrier_role(grids, carrier, i);

		if (strcmp(role, "code") == 0)
			protection->code = carrier->tgattr[i];
		else if (strcmp(role, "region") == 0)
			protection->region = carrier->tgattr[i];
		else if (strcmp(role, "kind") == 0)
			protection->kind = carrier->tgattr[i];
		else if (strcmp(role, "boundary") == 0)
			protection->boundary = carrier->tgattr[i];
		else
			not_trusted(RelationGetRelid(grids),
						psprintf("Its carrier names an unknown role \"%s\".", role));
	}
	protection->srid = -1;
	protection->tolerance = protection->tolerance_width = -1;
	for (int i = carrier->tgnattr + 1; i < carrier->tgnargs; i++)
	{
		const char *option = carrier->tgargs[i];

		if (strcmp(option, "without_regions") == 0)
			*without_regions = true;
		else if (strncmp(option, "code_rule=", 10) == 0)
			protection->code_rule = pstrdup(option + 10);
		else if (read_option(option, "srid", &number))
			protection->srid = (int32) number;
		else if (read_option(option, "tolerance", &number))
			protection->tolerance = number;
		else if (read_option(option, "tolerance_width", &number))
			protection->tolerance_width = number;
		else
			not_trusted(RelationGetRelid(grids),
						psprintf("Its carrier has an unknown option \"%s\".", option));
	}
	if (protection->code == InvalidAttrNumber ||
		protection->boundary == InvalidAttrNumber || protection->srid < 0 ||
		!(protection->tolerance >= 0) || !(protection->tolerance_width >= 0) ||
		protection->code_rule == NULL ||
		(*without_regions != (protection->region == InvalidAttrNumber)))
		not_trusted(RelationGetRelid(grids),
					"Its carrier does not say all that it must.");
}

static void
read_region_carrier(GridProtection *protection, Relation regions, Trigger *carrier)
{
	for (int i = 0; i < carrier->tgnattr; i++)
	{
		const char *role = carrier_role(regions, carrier, i);

		if (strcmp(role, "code") == 0)
			protection->region_code = carrier->tgattr[i];
		else if (strcmp(role, "parent") == 0)
			protection->region_parent = carrier->tgattr[i];
		else if (strcmp(role, "boundary") == 0)
			protection->region_boundary = carrier->tgattr[i];
		else
			not_trusted(RelationGetRelid(regions),
						psprintf("Its carrier names an unknown role \"%s\".", role));
	}
	if (protection->region_code == InvalidAttrNumber)
		not_trusted(RelationGetRelid(regions), "Its carrier names no code.");
}

/* A carrier follows its columns, but not what an ALTER … USING made of them. */
static void
check_column_type(Relation table, AttrNumber attnum, Oid type)
{
	Oid actual;

	if (attnum == InvalidAttrNumber)
		return;
	actual = TupleDescAttr(RelationGetDescr(table), attnum - 1)->atttypid;
	if (actual != type && !(type == TEXTOID && actual == VARCHAROID))
		not_trusted(RelationGetRelid(table),
					psprintf("Its column \"%s\" is of type %s.",
							 get_attname(RelationGetRelid(table), attnum, false),
							 format_type_be(actual)));
}

/* Rows of an heir are rows of the table, and no trigger of ours sees them. */
static void
check_table_shape(Relation table)
{
	if (table->rd_rel->relkind != RELKIND_RELATION || table->rd_rel->relispartition)
		not_trusted(RelationGetRelid(table), "It is no ordinary table, or a partition.");
	if (table->rd_rel->relhassubclass &&
		find_inheritance_children(RelationGetRelid(table), NoLock) != NIL)
		not_trusted(RelationGetRelid(table),
					"Another table inherits from it, whose rows nothing checks.");
}

static void
find_code_index(Relation table, AttrNumber code, KeyIndex *index, MemoryContext context)
{
	find_key_index(table, 1, &code, InvalidAttrNumber, index, context);
	if (!OidIsValid(index->index))
		not_trusted(RelationGetRelid(table),
					psprintf("Its column \"%s\" has no unique index any more.",
							 get_attname(RelationGetRelid(table), code, false)));
}

/* A GiST index that finds boundaries by their boxes. */
static Oid
find_boundary_index(Relation table, AttrNumber boundary, Oid geometry)
{
	List *indexes = RelationGetIndexList(table);
	Oid found = InvalidOid;
	ListCell *cell;

	foreach (cell, indexes)
	{
		Relation index = index_open(lfirst_oid(cell), AccessShareLock);

		if (index->rd_rel->relam == GIST_AM_OID && index->rd_index->indisvalid &&
			index->rd_index->indkey.values[0] == boundary &&
			RelationGetIndexPredicate(index) == NIL &&
			OidIsValid(get_opfamily_member(index->rd_opfamily[0], geometry, geometry,
										   RTOverlapStrategyNumber)))
			found = RelationGetRelid(index);
		index_close(index, AccessShareLock);
		if (OidIsValid(found))
			break;
	}
	list_free(indexes);
	return found;
}

/* Read and judge the protection of a table of grids that has a carrier. */
static GridProtection *
build_protection(Relation grids)
{
	MemoryContext context = AllocSetContextCreate(
		CurrentMemoryContext, "govcase grid protection", ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	GridProtection *protection = palloc0(sizeof(GridProtection));
	Trigger *carrier = find_carrier(grids, GRID_CARRIER, NULL);
	Oid geometry = geometry_type_oid();
	bool without_regions;

	if (carrier == NULL || carrier->tgnargs < 1)
		not_trusted(RelationGetRelid(grids),
					"It has no carrier \"govcase_grid_columns\".");
	check_table_shape(grids);
	protection->context = context;
	protection->grids = RelationGetRelid(grids);
	protection->owner = grids->rd_rel->relowner;
	protection->carrier = carrier->tgoid;
	protection->grid_set_text = pstrdup(carrier->tgargs[0]);
	protection->grid_set = *DatumGetUUIDP(
		DirectFunctionCall1(uuid_in, CStringGetDatum(protection->grid_set_text)));
	read_grid_carrier(protection, grids, carrier, &without_regions);
	check_column_type(grids, protection->code, TEXTOID);
	check_column_type(grids, protection->boundary, geometry);
	find_code_index(grids, protection->code, &protection->code_index, context);
	protection->boundary_index =
		find_boundary_index(grids, protection->boundary, geometry);
	if (table_of_carrier(protection->grids, govcase_trigger_function_oid(GRID_CARRIER),
						 protection->grid_set_text,
						 protection->owner) != protection->grids)
		not_trusted(protection->grids, "Its carrier is not the one of its grid set.");

	if (!without_regions)
	{
		Relation regions;

		protection->regions = table_of_carrier(
			protection->grids, govcase_trigger_function_oid(REGION_CARRIER),
			protection->grid_set_text, protection->owner);
		if (!OidIsValid(protection->regions))
			not_trusted(
				protection->grids,
				psprintf("No table of regions of its owner %s bears its grid set.",
						 GetUserNameFromId(protection->owner, false)));
		regions = table_open(protection->regions, AccessShareLock);
		check_table_shape(regions);
		read_region_carrier(
			protection, regions,
			find_carrier(regions, REGION_CARRIER, protection->grid_set_text));
		check_column_type(grids, protection->region, TEXTOID);
		check_column_type(regions, protection->region_code, TEXTOID);
		check_column_type(regions, protection->region_parent, TEXTOID);
		check_column_type(regions, protection->region_boundary, geometry);
		find_code_index(regions, protection->region_code, &protection->region_index,
						context);
		table_close(regions, NoLock);
	}
	MemoryContextSwitchTo(old);
	return protection;
}

static void watch_transactions(void);

GridProtection *
protection_of_grids(Relation grids)
{
	GridProtection *protection;
	uint64 before;

	watch_transactions();
	for (protection = known_protections; protection != NULL;
		 protection = protection->next)
	{
		if (protection->grids == RelationGetRelid(grids))
			return protection;
	}
	if (find_carrier(grids, GRID_CARRIER, NULL) == NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
						errmsg("table \"%s\" is not protected as a table of grids",
							   RelationGetRelationName(grids)),
						errhint("Use govcase.protect_grids() to protect it, or "
								"govcase.grid_protections() to see which tables are.")));

	/*
	 * Opening the tables may deliver an invalidation of one that no entry names
	 * yet: then what was read may be old, and is read again.
	 */
	do
	{
		before = invalidations;
		protection = build_protection(grids);
		MemoryContextSetParent(protection->context, CacheMemoryContext);
		protection->next = known_protections;
		known_protections = protection;
		if (invalidations != before)
			forget_relation((Datum) 0, protection->grids);
	} while (known_protections != protection);
	return protection;
}

GridProtection *
protection_of_grids_table(Oid table)
{
	Relation grids = table_open(table, AccessShareLock);
	GridProtection *protection = protection_of_grids(grids);

	table_close(grids, NoLock);
	return protection;
}

/* The protection that a trigger on a table of regions belongs to. */
static GridProtection *
protection_of_regions(Relation regions, const char *grid_set)
{
	GridProtection *protection;
	Oid grids;

	for (protection = known_protections; protection != NULL;
		 protection = protection->next)
	{
		if (protection->regions == RelationGetRelid(regions) &&
			strcmp(protection->grid_set_text, grid_set) == 0)
			return protection;
	}
	grids = table_of_carrier(RelationGetRelid(regions),
							 govcase_trigger_function_oid(GRID_CARRIER), grid_set,
							 regions->rd_rel->relowner);
	if (!OidIsValid(grids))
		not_trusted(RelationGetRelid(regions),
					psprintf("No table of grids of its owner %s bears its grid set.",
							 GetUserNameFromId(regions->rd_rel->relowner, false)));
	protection = protection_of_grids_table(grids);
	if (protection->regions != RelationGetRelid(regions))
		not_trusted(RelationGetRelid(regions),
					"The grids of its grid set are in other regions.");
	return protection;
}

/* ---------------------------------------------------------------------------
 * What this transaction has changed and nobody has judged yet
 * ---------------------------------------------------------------------------
 */

typedef struct PendingChange
{
	char *code;
	Oid acting_user;
	bool of_region;
	int level;         /* of the (sub)transaction that changed it */
	int handled_level; /* of the one in which it was judged; 0: not yet */
	int order;         /* among those taken at once */
} PendingChange;

/* Levels never fall from one change to the next: ends of subtransactions see to it. */
typedef struct PendingSet
{
	Oid grids;
	int count;
	int allocated;
	int handled_level; /* the highest of its changes */
	PendingChange *changes;
} PendingSet;

/* Lives in TopTransactionContext. */
static List *pending_sets = NIL;

static PendingSet *
pending_set(Oid grids, bool create)
{
	ListCell *cell;
	PendingSet *set;
	MemoryContext old;

	foreach (cell, pending_sets)
	{
		set = lfirst(cell);
		if (set->grids == grids)
			return set;
	}
	if (!create)
		return NULL;
	old = MemoryContextSwitchTo(TopTransactionContext);
	set = palloc0(sizeof(PendingSet));
	set->grids = grids;
	set->allocated = 64;
	set->changes = palloc(sizeof(PendingChange) * set->allocated);
	pending_sets = lappend(pending_sets, set);
	MemoryContextSwitchTo(old);
	return set;
}

static void
note_change(Oid grids, const char *code, bool of_region)
{
	PendingSet *set = pending_set(grids, true);
	PendingChange *change;

	if (set->count > 0)
	{
		change = &set->changes[set->count - 1];
		if (change->of_region == of_region && change->handled_level == 0 &&
			change->acting_user == GetUserId() && strcmp(change->code, code) == 0)
			return;
	}
	if (set->count == set->allocated)
	{
		set->allocated *= 2;
		set->changes =
			repalloc_huge(set->changes, sizeof(PendingChange) * set->allocated);
	}
	change = &set->changes[set->count++];
	change->code = MemoryContextStrdup(TopTransactionContext, code);
	change->acting_user = GetUserId();
	change->of_region = of_region;
	change->level = GetCurrentTransactionNestLevel();
	change->handled_level = 0;
}

bool
grid_change_is_pending(Oid grids, const char *code)
{
	const PendingSet *set = pending_set(grids, false);

	for (int i = 0; set != NULL && i < set->count; i++)
	{
		const PendingChange *change = &set->changes[i];

		if (change->handled_level == 0 && !change->of_region &&
			strcmp(change->code, code) == 0)
			return true;
	}
	return false;
}

static void
at_transaction_end(XactEvent event, void *argument pg_attribute_unused())
{
	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT &&
		event != XACT_EVENT_PREPARE)
		return;
	pending_sets = NIL;
	free_retired_protections();
}

static void
at_subtransaction_end(SubXactEvent event,
					  SubTransactionId subtransaction pg_attribute_unused(),
					  SubTransactionId parent pg_attribute_unused(),
					  void *argument pg_attribute_unused())
{
	int level = GetCurrentTransactionNestLevel();
	ListCell *cell;

	if (event != SUBXACT_EVENT_COMMIT_SUB && event != SUBXACT_EVENT_ABORT_SUB)
		return;
	foreach (cell, pending_sets)
	{
		PendingSet *set = lfirst(cell);

		if (event == SUBXACT_EVENT_ABORT_SUB)
		{
			while (set->count > 0 && set->changes[set->count - 1].level >= level)
				set->count--;
		}
		else
		{
			for (int i = set->count - 1; i >= 0 && set->changes[i].level >= level; i--)
				set->changes[i].level = level - 1;
		}
		/* What was judged in a subtransaction that is undone is to be judged again. */
		if (set->handled_level < level)
			continue;
		for (int i = 0; i < set->count; i++)
		{
			if (set->changes[i].handled_level >= level)
				set->changes[i].handled_level =
					event == SUBXACT_EVENT_ABORT_SUB ? 0 : level - 1;
		}
		set->handled_level = level - 1;
	}
}

static void
watch_transactions(void)
{
	static bool watching = false;

	if (watching)
		return;
	CacheRegisterRelcacheCallback(forget_relation, (Datum) 0);
	RegisterXactCallback(at_transaction_end, NULL);
	RegisterSubXactCallback(at_subtransaction_end, NULL);
	watching = true;
}

static int
compare_changes(const void *one, const void *other)
{
	const PendingChange *a = one;
	const PendingChange *b = other;

	int order;

	if (a->of_region != b->of_region)
		return a->of_region ? 1 : -1;
	order = strcmp(a->code, b->code);
	return order != 0 ? order : a->order - b->order;
}

/*
 * Take what was not judged yet: codes of grids (GridChange) and of regions
 * (strings), each once and in order.  False where there is nothing.
 */
static bool
take_changes(Oid grids, List **changes, List **regions)
{
	PendingSet *set = pending_set(grids, false);
	int level = GetCurrentTransactionNestLevel();
	PendingChange *taken;
	int ntaken = 0;

	*changes = *regions = NIL;
	if (set == NULL || set->count == 0)
		return false;
	taken = palloc_extended(sizeof(PendingChange) * set->count, MCXT_ALLOC_HUGE);
	for (int i = 0; i < set->count; i++)
	{
		if (set->changes[i].handled_level != 0)
			continue;
		set->changes[i].handled_level = level;
		set->changes[i].order = i;
		taken[ntaken++] = set->changes[i];
	}
	if (level == 1)
		set->count = set->handled_level = 0;
	else
		set->handled_level = level;
	qsort(taken, ntaken, sizeof(PendingChange), compare_changes);
	for (int i = 0; i < ntaken; i++)
	{
		/* Of several changes of one thing the last stands for all. */
		if (i + 1 < ntaken && taken[i].of_region == taken[i + 1].of_region &&
			strcmp(taken[i].code, taken[i + 1].code) == 0)
			continue;
		if (taken[i].of_region)
			*regions = lappend(*regions, taken[i].code);
		else
		{
			GridChange *change = palloc(sizeof(GridChange));

			change->code = taken[i].code;
			change->acting_user = taken[i].acting_user;
			*changes = lappend(*changes, change);
		}
	}
	pfree(taken);
	return ntaken > 0;
}

/* ---------------------------------------------------------------------------
 * Code rules
 * ---------------------------------------------------------------------------
 */

static Datum
rule_column(Relation rules, TupleTableSlot *slot, const char *column, bool *isnull)
{
	AttrNumber attnum = get_attnum(RelationGetRelid(rules), column);

	if (attnum == InvalidAttrNumber)
		elog(ERROR, "table \"%s\" has no column \"%s\"", RelationGetRelationName(rules),
			 column);
	return slot_getattr(slot, attnum, isnull);
}

static int
rule_number(Relation rules, TupleTableSlot *slot, const char *column)
{
	bool isnull;
	Datum value = rule_column(rules, slot, column, &isnull);

	return isnull ? 0 : DatumGetInt32(value);
}

static char *
rule_text(Relation rules, TupleTableSlot *slot, const char *column)
{
	bool isnull;
	Datum value = rule_column(rules, slot, column, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

static int
compare_ranks(const ListCell *one, const ListCell *other)
{
	const GridKindRule *a = lfirst(one);
	const GridKindRule *b = lfirst(other);

	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	return strcmp(a->kind, b->kind);
}

List *
read_grid_code_rule(const char *rule, Snapshot snapshot)
{
	Relation rules = table_open(govcase_relation_oid("grid_code_rule"), AccessShareLock);
	TupleTableSlot *slot = table_slot_create(rules, NULL);
	TableScanDesc scan = table_beginscan(rules, snapshot, 0, NULL);
	List *kinds = NIL;

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		GridKindRule *kind;

		if (strcmp(rule_text(rules, slot, "rule"), rule) != 0)
			continue;
		kind = palloc0(sizeof(GridKindRule));
		kind->kind = rule_text(rules, slot, "kind");
		kind->pattern = rule_text(rules, slot, "pattern");
		kind->region_part = rule_number(rules, slot, "region_part");
		kind->seq_part = rule_number(rules, slot, "seq_part");
		kind->rank = rule_number(rules, slot, "rank");
		kinds = lappend(kinds, kind);
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	table_close(rules, NoLock);
	if (kinds == NIL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
						errmsg("grid code rule \"%s\" does not exist", rule),
						errhint("The rules are the rows of govcase.grid_code_rule.")));
	list_sort(kinds, compare_ranks);
	return kinds;
}

/*
 * Digits of a 12-digit division code before its zeros: 2 each for province,
 * prefecture and county, 3 each for township and village.  Any other code is
 * significant as a whole.
 */
static int
significant_length(const char *code, int length)
{
	static const int lengths[] = {12, 9, 6, 4, 2};

	if (length != 12 || strspn(code, "0123456789") < 12)
		return length;
	for (int i = 0; i + 1 < (int) lengthof(lengths); i++)
	{
		if (strspn(code + lengths[i + 1], "0") < (size_t) (lengths[i] - lengths[i + 1]))
			return lengths[i];
	}
	return lengths[lengthof(lengths) - 1];
}

static bool
same_significant_digits(const char *part, const char *region)
{
	int part_length = significant_length(part, strlen(part));
	int region_length = significant_length(region, strlen(region));

	return part_length == region_length && memcmp(part, region, part_length) == 0;
}

/* Groups of the pattern in the whole code, as strings; NIL where it does not match. */
static List *
match_code(const char *code, const char *pattern)
{
	LOCAL_FCINFO(fcinfo, 2);
	Datum result;
	Datum *elements;
	bool *nulls;
	int nelements;
	List *groups = NIL;

	InitFunctionCallInfoData(*fcinfo, NULL, 2, C_COLLATION_OID, NULL, NULL);
	fcinfo->args[0].value = CStringGetTextDatum(code);
	fcinfo->args[0].isnull = false;
	/* The parentheses around it all make the whole match a group of its own. */
	fcinfo->args[1].value = CStringGetTextDatum(psprintf("^(%s)$", pattern));
	fcinfo->args[1].isnull = false;
	result = regexp_match_no_flags(fcinfo);
	if (fcinfo->isnull)
		return NIL;
	deconstruct_array(DatumGetArrayTypeP(result), TEXTOID, -1, false, TYPALIGN_INT,
					  &elements, &nulls, &nelements);
	for (int i = 0; i < nelements; i++)
		groups = lappend(groups, nulls[i] ? "" : TextDatumGetCString(elements[i]));
	return groups;
}

static const char *
matched_group(List *groups, int group)
{
	return group < list_length(groups) ? list_nth(groups, group) : "";
}

/* ---------------------------------------------------------------------------
 * A check: what it knows
 * ---------------------------------------------------------------------------
 */

/* A region on the way from a grid to the nearest one with a boundary. */
typedef struct RegionNode
{
	char *code; /* hash key */
	bool found;
	bool has_boundary;
	bool locked;
	bool changed; /* in this transaction */
	char *parent; /* NULL: none */
} RegionNode;

/* A grid that is judged. */
typedef struct GridItem
{
	char *code; /* hash key */
	bool found;
	bool passed; /* all that concerns it alone */
	bool paired; /* its overlaps were looked for */
	char *region;
	RegionNode *family; /* NULL: it is in no region with a boundary */
} GridItem;

/* A boundary that was read once and is met again. */
typedef struct GridShape
{
	char *code; /* hash key */
	PlanarShape *shape;
	float8 area; /* negative: not measured yet */
} GridShape;

typedef struct GridCheck
{
	GridProtection *protection;
	Relation grids;
	TupleTableSlot *slot; /* for scans of grids */
	Snapshot snapshot;
	bool locked_tables;    /* nobody else can change anything */
	ReturnSetInfo *result; /* not NULL: collect what is wrong instead of raising it */
	MemoryContext context;
	MemoryContext row_context; /* reset with each grid */
	Oid geometry;
	FmgrInfo is_valid_reason;
	FmgrInfo get_srid;
	FmgrInfo as_binary;
	FmgrInfo covers;
	FmgrInfo intersection;
	FmgrInfo difference;
	FmgrInfo boxes_overlap;
	CoordinateSystem system;
	List *kinds; /* GridKindRule */
	HTAB *regions;
	HTAB *items;
	bool root_family; /* some grid is in no region with a boundary */
	LOCKMODE carrier_lock;
	HTAB *shapes;
	MemoryContext shape_context;
	Size shape_bytes;
	/* The region boundary that was asked for last. */
	RegionNode *region;
	Datum region_boundary;
	MemoryContext region_context;
} GridCheck;

static uint32
hash_code(const void *key, Size size pg_attribute_unused())
{
	const char *code = *(const char *const *) key;

	return DatumGetUInt32(hash_any((const unsigned char *) code, strlen(code)));
}

static int
match_codes(const void *one, const void *other, Size size pg_attribute_unused())
{
	return strcmp(*(const char *const *) one, *(const char *const *) other);
}

static HTAB *
create_code_hash(const char *name, Size entry_size, MemoryContext context)
{
	HASHCTL control;

	memset(&control, 0, sizeof(control));
	control.keysize = sizeof(char *);
	control.entrysize = entry_size;
	control.hash = hash_code;
	control.match = match_codes;
	control.hcxt = context;
	return hash_create(name, 256, &control,
					   HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
}

/* The entry of a code, with all behind its key zeroed where it is new. */
static void *
code_entry(HTAB *hash, const char *code, Size entry_size, MemoryContext context)
{
	bool found;
	void *entry = hash_search(hash, &code, HASH_ENTER, &found);

	if (!found)
	{
		memset(entry, 0, entry_size);
		*(char **) entry = MemoryContextStrdup(context, code);
	}
	return entry;
}

static void
prepare_function(GridCheck *check, FmgrInfo *function, const char *name, int nargs,
				 bool with_grid_size)
{
	Oid types[3] = {check->geometry, check->geometry, FLOAT8OID};

	/* Their caches, of prepared geometries above all, live as long as the check. */
	fmgr_info_cxt(postgis_function(name, with_grid_size ? 3 : nargs, types), function,
				  check->context);
}

static void
take_snapshot(GridCheck *check)
{
	if (check->snapshot != NULL)
		UnregisterSnapshot(check->snapshot);
	check->snapshot = RegisterSnapshot(GetLatestSnapshot());
}

static void
begin_check(GridCheck *check, GridProtection *protection, ReturnSetInfo *result)
{
	MemoryContext old;

	memset(check, 0, sizeof(GridCheck));
	check->protection = protection;
	check->result = result;
	check->context = AllocSetContextCreate(CurrentMemoryContext, "govcase grid check",
										   ALLOCSET_DEFAULT_SIZES);
	check->row_context = AllocSetContextCreate(check->context, "govcase grid check row",
											   ALLOCSET_DEFAULT_SIZES);
	check->shape_context = AllocSetContextCreate(
		check->context, "govcase grid check shapes", ALLOCSET_DEFAULT_SIZES);
	check->region_context = AllocSetContextCreate(
		check->context, "govcase grid check region", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(check->context);
	check->geometry = geometry_type_oid();
	prepare_function(check, &check->is_valid_reason, "st_isvalidreason", 1, false);
	prepare_function(check, &check->get_srid, "st_srid", 1, false);
	prepare_function(check, &check->as_binary, "st_asbinary", 1, false);
	prepare_function(check, &check->covers, "st_covers", 2, false);
	prepare_function(check, &check->intersection, "st_intersection", 2, true);
	prepare_function(check, &check->difference, "st_difference", 2, true);
	prepare_function(check, &check->boxes_overlap, "geometry_overlaps", 2, false);
	check->regions =
		create_code_hash("govcase regions", sizeof(RegionNode), check->context);
	check->items = create_code_hash("govcase grids", sizeof(GridItem), check->context);
	check->shapes =
		create_code_hash("govcase shapes", sizeof(GridShape), check->shape_context);
	if (!read_coordinate_system(protection->srid, &check->system))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("SRID %d of table \"%s\" has no coordinates that could be "
							   "measured",
							   protection->srid, get_rel_name(protection->grids)),
						errhint("Add the SRID to spatial_ref_sys.")));
	check->grids = table_open(protection->grids, AccessShareLock);
	check->slot = table_slot_create(check->grids, NULL);
	CommandCounterIncrement();
	take_snapshot(check);
	check->kinds = read_grid_code_rule(protection->code_rule, check->snapshot);
	MemoryContextSwitchTo(old);
}

static void
end_check(GridCheck *check)
{
	ExecDropSingleTupleTableSlot(check->slot);
	table_close(check->grids, NoLock);
	UnregisterSnapshot(check->snapshot);
	MemoryContextDelete(check->context);
}

/* What is wrong with a grid, in the words of an error. */
typedef struct GridProblem
{
	int sqlstate;
	const char *message;
	const char *detail; /* or NULL */
	const char *hint;
	AttrNumber column;
} GridProblem;

static void
report_problem(GridCheck *check, const char *code, const GridProblem *problem)
{
	if (check->result == NULL)
		ereport(ERROR,
				(errcode(problem->sqlstate), errmsg_internal("%s", problem->message),
				 problem->detail ? errdetail_internal("%s", problem->detail) : 0,
				 errhint("%s", problem->hint),
				 errtablecol(check->grids, problem->column)));
	else
	{
		Datum values[4];
		bool nulls[4] = {false, false, problem->detail == NULL, false};

		values[0] = CStringGetTextDatum(code);
		values[1] = CStringGetTextDatum(problem->message);
		values[2] = problem->detail ? CStringGetTextDatum(problem->detail) : (Datum) 0;
		values[3] = CStringGetTextDatum(problem->hint);
		tuplestore_putvalues(check->result->setResult, check->result->setDesc, values,
							 nulls);
	}
}

/* ---------------------------------------------------------------------------
 * Rows
 * ---------------------------------------------------------------------------
 */

static Datum
slot_geometry(TupleTableSlot *slot, AttrNumber attnum, bool *isnull)
{
	Datum value = slot_getattr(slot, attnum, isnull);

	return *isnull ? value : PointerGetDatum(PG_DETOAST_DATUM(value));
}

/* Text of a column; NULL where it is null. */
static char *
slot_text(TupleTableSlot *slot, AttrNumber attnum)
{
	bool isnull;
	Datum value;
	Oid type;
	Oid output;
	bool isvarlena;

	if (attnum == InvalidAttrNumber)
		return NULL;
	value = slot_getattr(slot, attnum, &isnull);
	if (isnull)
		return NULL;
	type = TupleDescAttr(slot->tts_tupleDescriptor, attnum - 1)->atttypid;
	if (type == TEXTOID || type == VARCHAROID)
		return TextDatumGetCString(value);
	getTypeOutputInfo(type, &output, &isvarlena);
	return OidOutputFunctionCall(output, value);
}

static void
begin_code_scan(KeyScan *scan, Oid table, LOCKMODE lock, const KeyIndex *index,
				const char *code, Snapshot snapshot)
{
	CaseKey key = {1, {TEXTOID}, {CStringGetTextDatum(code)}};

	begin_key_scan(scan, table, lock, index, &key, snapshot);
}

static PlanarShape *
shape_of(GridCheck *check, Datum geometry)
{
	return read_planar_shape(DatumGetByteaPP(FunctionCall1(&check->as_binary, geometry)));
}

/*
 * The shape of a grid, kept for when it is met again.  Nobody holds one across
 * the call: it may throw the others away to stay within maintenance_work_mem.
 */
static GridShape *
kept_shape(GridCheck *check, const char *code, Datum geometry, GridShape *held)
{
	GridShape *entry = hash_search(check->shapes, &code, HASH_FIND, NULL);
	MemoryContext old;

	if (entry != NULL)
		return entry;
	if (held == NULL && check->shape_bytes > (Size) maintenance_work_mem * 1024)
	{
		hash_destroy(check->shapes);
		MemoryContextReset(check->shape_context);
		check->shapes =
			create_code_hash("govcase shapes", sizeof(GridShape), check->shape_context);
		check->shape_bytes = 0;
	}
	old = MemoryContextSwitchTo(check->shape_context);
	entry = code_entry(check->shapes, code, sizeof(GridShape), check->shape_context);
	entry->shape = shape_of(check, geometry);
	entry->area = -1;
	check->shape_bytes += entry->shape->size;
	MemoryContextSwitchTo(old);
	return entry;
}

static float8
grid_area(GridCheck *check, GridShape *shape)
{
	if (shape->area < 0)
	{
		PlanarMeasure measure;

		measure_shape(shape->shape, &check->system, &measure);
		shape->area = measure.area;
	}
	return shape->area;
}

/* ---------------------------------------------------------------------------
 * Regions: who is whose sibling, and what is locked
 * ---------------------------------------------------------------------------
 */

static RegionNode *
region_node(GridCheck *check, const char *code)
{
	GridProtection *protection = check->protection;
	RegionNode *node = hash_search(check->regions, &code, HASH_FIND, NULL);
	KeyScan scan;

	if (node != NULL)
		return node;
	node = code_entry(check->regions, code, sizeof(RegionNode), check->context);
	begin_code_scan(&scan, protection->regions, AccessShareLock,
					&protection->region_index, code, check->snapshot);
	if (next_row(&scan, ForwardScanDirection))
	{
		bool no_boundary = true;
		MemoryContext old = MemoryContextSwitchTo(check->context);

		node->found = true;
		node->parent = slot_text(scan.slot, protection->region_parent);
		if (protection->region_boundary != InvalidAttrNumber)
			(void) slot_getattr(scan.slot, protection->region_boundary, &no_boundary);
		node->has_boundary = !no_boundary;
		MemoryContextSwitchTo(old);
	}
	end_key_scan(&scan);
	return node;
}

/* The region above; NULL at the top.  Errors where regions run in a circle. */
static RegionNode *
region_above(GridCheck *check, RegionNode *node, int *depth)
{
	if (node->parent == NULL)
		return NULL;
	if (++(*depth) > MAX_REGION_DEPTH)
		ereport(ERROR, (errcode(ERRCODE_VC_GRID),
						errmsg("regions above \"%s\" lead in a circle", node->code),
						errhint("Correct the parents in table \"%s\".",
								get_rel_name(check->protection->regions))));
	return region_node(check, node->parent);
}

/* The nearest region with a boundary, from the grid's own upwards; or NULL. */
static RegionNode *
family_of_region(GridCheck *check, const char *region)
{
	int depth = 0;
	RegionNode *node = region_node(check, region);

	while (node != NULL && !node->has_boundary)
		node = region_above(check, node, &depth);
	return node;
}

static RegionNode *
family_of_grid(GridCheck *check, const char *region)
{
	if (!OidIsValid(check->protection->regions) || region == NULL)
		return NULL;
	return family_of_region(check, region);
}

/* Is the region, or one up to the nearest with a boundary, marked as changed? */
static bool
family_has_changed(GridCheck *check, const char *region)
{
	int depth = 0;
	RegionNode *node = region_node(check, region);

	for (; node != NULL; node = region_above(check, node, &depth))
	{
		if (node->changed)
			return true;
		if (node->has_boundary)
			return false;
	}
	return false;
}

static int
compare_nodes(const ListCell *one, const ListCell *other)
{
	return strcmp(((RegionNode *) lfirst(one))->code,
				  ((RegionNode *) lfirst(other))->code);
}

/* The regions that bind a grid and are not locked yet. */
static List *
add_unlocked_regions(GridCheck *check, List *unlocked, const char *region)
{
	int depth = 0;
	RegionNode *node = region_node(check, region);

	for (; node != NULL; node = region_above(check, node, &depth))
	{
		if (node->found && !node->locked)
		{
			/* Marked at once, so that it is listed once. */
			node->locked = true;
			unlocked = lappend(unlocked, node);
		}
		if (node->has_boundary)
			break;
	}
	return unlocked;
}

static void
lock_region(GridCheck *check, RegionNode *node)
{
	GridProtection *protection = check->protection;
	KeyScan scan;

	begin_code_scan(&scan, protection->regions, RowShareLock, &protection->region_index,
					node->code, check->snapshot);
	if (next_row(&scan, ForwardScanDirection))
		(void) lock_row(&scan);
	end_key_scan(&scan);
}

/* Forget what was read of regions, but not which are locked or have changed. */
static void
reread_regions(GridCheck *check)
{
	HASH_SEQ_STATUS status;
	RegionNode *node;
	List *marked = NIL;
	ListCell *cell;

	hash_seq_init(&status, check->regions);
	while ((node = hash_seq_search(&status)) != NULL)
	{
		if (node->locked || node->changed)
		{
			RegionNode *copy = palloc(sizeof(RegionNode));

			*copy = *node;
			marked = lappend(marked, copy);
		}
	}
	hash_destroy(check->regions);
	check->regions =
		create_code_hash("govcase regions", sizeof(RegionNode), check->context);
	foreach (cell, marked)
	{
		RegionNode *copy = lfirst(cell);

		node = region_node(check, copy->code);
		node->locked = copy->locked;
		node->changed = copy->changed;
	}
}

/* Set the family of every item; forms the list of regions still to be locked. */
static List *
settle_families(GridCheck *check)
{
	HASH_SEQ_STATUS status;
	GridItem *item;
	List *unlocked = NIL;

	check->root_family = false;
	hash_seq_init(&status, check->items);
	while ((item = hash_seq_search(&status)) != NULL)
	{
		if (!item->found)
			continue;
		item->family = family_of_grid(check, item->region);
		if (item->family == NULL)
			check->root_family = true;
		if (!check->locked_tables && OidIsValid(check->protection->regions) &&
			item->region != NULL)
			unlocked = add_unlocked_regions(check, unlocked, item->region);
	}
	return unlocked;
}

/*
 * Lock what makes concurrent writers of siblings wait for each other: the
 * regions of each grid up to the nearest with a boundary, FOR NO KEY UPDATE, in
 * the order of their keys, so that two who check at the end of their
 * transactions cannot wait for each other.  An UPDATE of a region takes the same
 * lock.
 *
 * Grids in no region with a boundary are siblings of all grids, and there may be
 * no table of regions at all.  What stands for the whole table then is a lock on
 * the carrier, as an object, until the transaction ends: exclusive for them,
 * shared among all others.  It comes after the regions, which somebody may have
 * updated long before his check.  A lock on the table itself would not do: every
 * writer already holds one that conflicts, and two of them could only deadlock.
 */
static void
lock_families(GridCheck *check)
{
	List *unlocked = settle_families(check);

	while (!check->locked_tables)
	{
		ListCell *cell;
		LOCKMODE wanted = check->root_family ? ShareRowExclusiveLock : RowExclusiveLock;

		if (unlocked == NIL && check->carrier_lock >= wanted)
			return;
		list_sort(unlocked, compare_nodes);
		foreach (cell, unlocked)
			lock_region(check, lfirst(cell));
		if (check->carrier_lock < wanted)
		{
			LockDatabaseObject(TriggerRelationId, check->protection->carrier, 0, wanted);
			check->carrier_lock = wanted;
		}
		/* While we waited, a region may have got a boundary or another parent. */
		take_snapshot(check);
		if (OidIsValid(check->protection->regions))
			reread_regions(check);
		unlocked = settle_families(check);
	}
}

/* ---------------------------------------------------------------------------
 * Which grids are judged
 * ---------------------------------------------------------------------------
 */

static void
add_item(GridCheck *check, const char *code)
{
	(void) code_entry(check->items, code, sizeof(GridItem), check->context);
}

/* Read the regions of the items; those that are gone stay not found. */
static void
find_items(GridCheck *check)
{
	GridProtection *protection = check->protection;
	HASH_SEQ_STATUS status;
	GridItem *item;

	hash_seq_init(&status, check->items);
	while ((item = hash_seq_search(&status)) != NULL)
	{
		KeyScan scan;
		MemoryContext old = MemoryContextSwitchTo(check->row_context);

		begin_code_scan(&scan, protection->grids, AccessShareLock,
						&protection->code_index, item->code, check->snapshot);
		item->found = next_row(&scan, ForwardScanDirection);
		item->region = NULL;
		if (item->found)
		{
			char *region = slot_text(scan.slot, protection->region);

			if (region != NULL)
				item->region = MemoryContextStrdup(check->context, region);
		}
		end_key_scan(&scan);
		MemoryContextSwitchTo(old);
		MemoryContextReset(check->row_context);
	}
}

/* All grids, or those whose family a change of regions may have touched. */
static void
add_all_items(GridCheck *check, bool only_changed_families)
{
	GridProtection *protection = check->protection;
	TableScanDesc scan = table_beginscan(check->grids, check->snapshot, 0, NULL);

	while (table_scan_getnextslot(scan, ForwardScanDirection, check->slot))
	{
		MemoryContext old = MemoryContextSwitchTo(check->row_context);
		char *code = slot_text(check->slot, protection->code);
		char *region = slot_text(check->slot, protection->region);

		if (code != NULL && (!only_changed_families ||
							 (region != NULL && family_has_changed(check, region))))
			add_item(check, code);
		MemoryContextSwitchTo(old);
		MemoryContextReset(check->row_context);
	}
	table_endscan(scan);
}

/* ---------------------------------------------------------------------------
 * Judging one grid by itself
 * ---------------------------------------------------------------------------
 */

#define PROBLEM(...) ((GridProblem){__VA_ARGS__})

static const char *
square_metres_text(float8 area)
{
	return area >= 100 ? psprintf("%.0f", area) : psprintf("%.1f", area);
}

static bool
within_degrees(const CoordinateSystem *system, const PlanarShape *shape)
{
	float8 half_turn = M_PI / system->unit * (1 + 1e-12);

	return shape->xmin >= -half_turn && shape->xmax <= half_turn &&
		   shape->ymin >= -half_turn / 2 && shape->ymax <= half_turn / 2;
}

/* What is wrong with a boundary in itself, of a grid or of a region. */
static bool
boundary_is_sound(GridCheck *check, const char *whose, const char *code, Datum geometry,
				  const PlanarShape *shape, AttrNumber column, GridProblem *problem)
{
	int32 srid = DatumGetInt32(FunctionCall1(&check->get_srid, geometry));
	char *reason;

	problem->sqlstate = ERRCODE_VC_GRID;
	problem->detail = NULL;
	problem->column = column;
	if (srid != check->protection->srid)
	{
		problem->message = psprintf("boundary of %s \"%s\" has SRID %d, not %d", whose,
									code, srid, check->protection->srid);
		problem->hint = psprintf("Transform it with ST_Transform(%s, %d).", "boundary",
								 check->protection->srid);
		return false;
	}
	if (!shape->only_polygons)
	{
		problem->message = psprintf("boundary of %s \"%s\" is no polygon", whose, code);
		problem->detail = "It is a collection, or holds points, lines or curves.";
		problem->hint = "ST_CollectionExtract(boundary, 3) takes the polygons out of it.";
		return false;
	}
	if (shape->npolygons == 0)
	{
		problem->message = psprintf("boundary of %s \"%s\" is empty", whose, code);
		problem->hint = strcmp(whose, "grid") == 0
							? "Delete the grid instead, or give it a boundary."
							: "Set it to null instead, or give the region a boundary.";
		return false;
	}
	if (check->system.geographic && !within_degrees(&check->system, shape))
	{
		problem->message = psprintf(
			"boundary of %s \"%s\" is outside the range of coordinates", whose, code);
		problem->detail =
			psprintf("It reaches from (%g, %g) to (%g, %g), but a longitude lies within "
					 "180 and a latitude within 90 degrees.",
					 shape->xmin, shape->ymin, shape->xmax, shape->ymax);
		problem->hint = "Give longitude first, then latitude, in degrees; cut a boundary "
						"that crosses the 180th meridian into two parts.";
		return false;
	}
	/* ST_IsValid would say the same in a NOTICE of its own. */
	reason = TextDatumGetCString(FunctionCall1(&check->is_valid_reason, geometry));
	if (strcmp(reason, "Valid Geometry") != 0)
	{
		problem->message = psprintf("boundary of %s \"%s\" is not valid", whose, code);
		problem->detail = psprintf("%s.", reason);
		problem->hint =
			"Correct it; ST_MakeValid() shows what it may have been meant to be.";
		return false;
	}
	return true;
}

static const char *
kind_list(GridCheck *check)
{
	StringInfoData kinds;
	ListCell *cell;

	initStringInfo(&kinds);
	foreach (cell, check->kinds)
		appendStringInfo(&kinds, "%s\"%s\"", kinds.len > 0 ? ", " : "",
						 ((GridKindRule *) lfirst(cell))->kind);
	return kinds.data;
}

static bool
code_fits(GridCheck *check, const char *code, const char *kind, const char *region,
		  GridProblem *problem)
{
	GridProtection *protection = check->protection;
	GridKindRule *rule = NULL;
	List *groups;
	ListCell *cell;
	const char *sequence;

	problem->sqlstate = ERRCODE_VC_GRID;
	problem->column = protection->code;
	foreach (cell, check->kinds)
	{
		if (strcmp(((GridKindRule *) lfirst(cell))->kind, kind) == 0)
			rule = lfirst(cell);
	}
	if (rule == NULL)
	{
		problem->message = psprintf("grid \"%s\" is of unknown kind \"%s\"", code, kind);
		problem->detail = psprintf("Code rule \"%s\" has the kinds %s.",
								   protection->code_rule, kind_list(check));
		problem->hint = "Use one of them, or add the kind to a rule of your own in "
						"govcase.grid_code_rule.";
		if (protection->kind != InvalidAttrNumber)
			problem->column = protection->kind;
		return false;
	}

	problem->message = psprintf("code of grid \"%s\" does not fit rule \"%s\"", code,
								protection->code_rule);
	groups = match_code(code, rule->pattern);
	if (groups == NIL)
	{
		problem->detail = psprintf("The code of a grid of kind \"%s\" matches %s.", kind,
								   rule->pattern);
		problem->hint = "Correct the code, or name a rule of your own in govcase."
						"protect_grids().";
		return false;
	}
	if (rule->region_part > 0 && region != NULL &&
		!same_significant_digits(matched_group(groups, rule->region_part), region))
	{
		problem->detail =
			psprintf("It says region \"%s\", but the grid is in region \"%s\".",
					 matched_group(groups, rule->region_part), region);
		problem->hint = "Correct the code or the region.";
		return false;
	}
	sequence = matched_group(groups, rule->seq_part);
	if (rule->seq_part > 0 && strspn(sequence, "0") == strlen(sequence))
	{
		problem->detail = psprintf("Its sequence number is \"%s\".", sequence);
		problem->hint = "Sequence numbers begin with 1.";
		return false;
	}
	return true;
}

/* The worst piece of what should not be, and how many there are. */
typedef struct Pieces
{
	int count;
	PlanarMeasure largest;
} Pieces;

/*
 * Judge each connected piece by itself: borders digitised twice differ by a
 * strip that may be long, and then is narrow, or wide, and then is short.  What
 * is a hundredth of the smaller grid is refused whatever its width.
 */
static void
judge_pieces(GridCheck *check, Datum geometry, float8 smaller_area, Pieces *pieces)
{
	PlanarShape *shape = shape_of(check, geometry);

	pieces->count = 0;
	for (int i = 0; i < shape->npolygons; i++)
	{
		PlanarMeasure measure;

		measure_polygon(shape, i, &check->system, &measure);
		if (!(measure.area > check->protection->tolerance &&
			  mean_width(&measure) > check->protection->tolerance_width) &&
			!(measure.area > smaller_area / 100))
			continue;
		if (pieces->count++ == 0 || measure.area > pieces->largest.area)
			pieces->largest = measure;
	}
}

static const char *
piece_text(GridCheck *check, const Pieces *pieces)
{
	/* The place to about a metre. */
	int digits = check->system.geographic ? 5 : 0;

	return psprintf("%s square metres, %.2f metres wide on average, about (%.*f, %.*f)",
					square_metres_text(pieces->largest.area),
					mean_width(&pieces->largest), digits, pieces->largest.x, digits,
					pieces->largest.y);
}

static Datum
overlay(FmgrInfo *function, Datum one, Datum other)
{
	/* No grid to snap to: exact coordinates stay exact. */
	return FunctionCall3(function, one, other, Float8GetDatum(-1));
}

/* The boundary of a family, read once as long as it is asked for in a row. */
static Datum
family_boundary(GridCheck *check, RegionNode *family)
{
	GridProtection *protection = check->protection;
	KeyScan scan;
	MemoryContext old;
	bool isnull = true;
	GridProblem problem;

	if (check->region == family)
		return check->region_boundary;
	check->region = NULL;
	MemoryContextReset(check->region_context);
	begin_code_scan(&scan, protection->regions, AccessShareLock,
					&protection->region_index, family->code, check->snapshot);
	if (next_row(&scan, ForwardScanDirection))
	{
		Datum value = slot_getattr(scan.slot, protection->region_boundary, &isnull);

		old = MemoryContextSwitchTo(check->region_context);
		if (!isnull)
			check->region_boundary = PointerGetDatum(PG_DETOAST_DATUM_COPY(value));
		MemoryContextSwitchTo(old);
	}
	end_key_scan(&scan);
	if (isnull)
		elog(ERROR, "boundary of region \"%s\" has vanished", family->code);
	if (!boundary_is_sound(check, "region", family->code, check->region_boundary,
						   shape_of(check, check->region_boundary), protection->boundary,
						   &problem))
		ereport(ERROR, (errcode(problem.sqlstate), errmsg_internal("%s", problem.message),
						problem.detail ? errdetail_internal("%s", problem.detail) : 0,
						errhint("%s", problem.hint)));
	check->region = family;
	return check->region_boundary;
}

static bool
is_inside(GridCheck *check, const GridItem *item, Datum boundary,
		  const PlanarShape *shape, GridProblem *problem)
{
	Datum region = family_boundary(check, item->family);
	PlanarMeasure whole;
	Pieces pieces;

	if (DatumGetBool(FunctionCall2(&check->covers, region, boundary)))
		return true;
	measure_shape(shape, &check->system, &whole);
	judge_pieces(check, overlay(&check->difference, boundary, region), whole.area,
				 &pieces);
	if (pieces.count == 0)
		return true;
	problem->sqlstate = ERRCODE_VC_GRID;
	problem->column = check->protection->boundary;
	problem->message = psprintf("grid \"%s\" lies outside region \"%s\"", item->code,
								item->family->code);
	problem->detail =
		pieces.count == 1
			? psprintf("What is outside covers %s.", piece_text(check, &pieces))
			: psprintf("It is outside in %d places; the largest covers %s.", pieces.count,
					   piece_text(check, &pieces));
	problem->hint = "Cut it off with ST_Intersection(), or move the border of the region "
					"in the same transaction.";
	return false;
}

/* All that concerns one grid alone; reports what is wrong. */
static void
judge_grid(GridCheck *check, GridItem *item)
{
	GridProtection *protection = check->protection;
	MemoryContext old = MemoryContextSwitchTo(check->row_context);
	KeyScan scan;
	GridProblem problem;
	Datum boundary;
	bool isnull;

	begin_code_scan(&scan, protection->grids, AccessShareLock, &protection->code_index,
					item->code, check->snapshot);
	item->passed = false;
	item->found = next_row(&scan, ForwardScanDirection);
	if (item->found)
	{
		char *kind = slot_text(scan.slot, protection->kind);
		PlanarShape *shape;

		if (protection->kind == InvalidAttrNumber)
			kind = ORDINARY_KIND;
		boundary = slot_geometry(scan.slot, protection->boundary, &isnull);
		if (isnull || kind == NULL || (OidIsValid(protection->regions) && !item->region))
			ereport(ERROR, (errcode(ERRCODE_NOT_NULL_VIOLATION),
							errmsg("region, kind and boundary of grid \"%s\" must not be "
								   "null",
								   item->code),
							errtable(check->grids)));
		shape = shape_of(check, boundary);
		item->passed = boundary_is_sound(check, "grid", item->code, boundary, shape,
										 protection->boundary, &problem) &&
					   code_fits(check, item->code, kind, item->region, &problem);
		if (item->passed && OidIsValid(protection->regions) &&
			!region_node(check, item->region)->found)
		{
			problem.sqlstate = ERRCODE_FOREIGN_KEY_VIOLATION;
			problem.message = psprintf("region \"%s\" of grid \"%s\" does not exist",
									   item->region, item->code);
			problem.detail = psprintf("Table \"%s\" has no such region.",
									  get_rel_name(protection->regions));
			problem.hint = "Add the region first, or correct it.";
			problem.column = protection->region;
			item->passed = false;
		}
		if (item->passed && item->family != NULL)
			item->passed = is_inside(check, item, boundary, shape, &problem);
		if (!item->passed)
			report_problem(check, item->code, &problem);
	}
	end_key_scan(&scan);
	MemoryContextSwitchTo(old);
	MemoryContextReset(check->row_context);
}

/* ---------------------------------------------------------------------------
 * Judging siblings
 * ---------------------------------------------------------------------------
 */

/* Rows whose boxes meet that of a boundary, through the index where there is one. */
typedef struct BoxScan
{
	Relation index;
	IndexScanDesc index_scan;
	TableScanDesc table_scan;
	Datum boundary;
} BoxScan;

static void
begin_box_scan(GridCheck *check, BoxScan *scan, Datum boundary)
{
	ScanKeyData key;

	memset(scan, 0, sizeof(BoxScan));
	scan->boundary = boundary;
	if (!OidIsValid(check->protection->boundary_index))
	{
		scan->table_scan = table_beginscan(check->grids, check->snapshot, 0, NULL);
		return;
	}
	scan->index = index_open(check->protection->boundary_index, AccessShareLock);
	scan->index_scan =
		index_beginscan_compat(check->grids, scan->index, check->snapshot, 1);
	ScanKeyEntryInitialize(
		&key, 0, 1, RTOverlapStrategyNumber, check->geometry, InvalidOid,
		get_opcode(get_opfamily_member(scan->index->rd_opfamily[0], check->geometry,
									   check->geometry, RTOverlapStrategyNumber)),
		boundary);
	index_rescan(scan->index_scan, &key, 1, NULL, 0);
}

static bool
next_box(GridCheck *check, BoxScan *scan)
{
	for (;;)
	{
		bool isnull;
		Datum other;

		if (scan->index_scan != NULL)
		{
			if (!index_getnext_slot(scan->index_scan, ForwardScanDirection, check->slot))
				return false;
			if (!scan->index_scan->xs_recheck)
				return true;
		}
		else if (!table_scan_getnextslot(scan->table_scan, ForwardScanDirection,
										 check->slot))
			return false;
		other = slot_getattr(check->slot, check->protection->boundary, &isnull);
		if (!isnull &&
			DatumGetBool(FunctionCall2(&check->boxes_overlap, scan->boundary, other)))
			return true;
	}
}

static void
end_box_scan(BoxScan *scan)
{
	if (scan->table_scan != NULL)
		table_endscan(scan->table_scan);
	else
	{
		index_endscan(scan->index_scan);
		index_close(scan->index, AccessShareLock);
	}
}

/* Do the two overlap by more than is admitted?  Most neighbours need no PostGIS. */
static bool
overlap_is_refused(GridCheck *check, const char *code, Datum boundary, GridShape *shape,
				   const char *other_code, Datum other_boundary, GridProblem *problem)
{
	GridShape *other = kept_shape(check, other_code, other_boundary, shape);
	Pieces pieces;

	if (interiors_are_apart(shape->shape, other->shape))
		return false;
	judge_pieces(check, overlay(&check->intersection, boundary, other_boundary),
				 Min(grid_area(check, shape), grid_area(check, other)), &pieces);
	if (pieces.count == 0)
		return false;
	problem->sqlstate = ERRCODE_VC_GRID;
	problem->column = check->protection->boundary;
	problem->message = psprintf("grid \"%s\" overlaps grid \"%s\"", code, other_code);
	problem->detail = pieces.count == 1
						  ? psprintf("They share %s.", piece_text(check, &pieces))
						  : psprintf("They overlap in %d places; in the largest they "
									 "share %s.",
									 pieces.count, piece_text(check, &pieces));
	problem->hint = "Cut one of them with ST_Difference(), or move the border of both in "
					"one transaction.";
	return true;
}

/*
 * Every sibling whose box meets this grid's, each pair once.  Of several that it
 * overlaps, an error names the one with the smallest code, so that the same
 * mistake always has the same error.
 */
static void
judge_siblings(GridCheck *check, GridItem *item)
{
	GridProtection *protection = check->protection;
	MemoryContext old = MemoryContextSwitchTo(check->row_context);
	KeyScan own;
	BoxScan scan;
	GridShape *shape;
	Datum boundary;
	char *kind;
	bool isnull;
	char *refused = NULL;
	GridProblem worst;

	item->paired = true;
	begin_code_scan(&own, protection->grids, AccessShareLock, &protection->code_index,
					item->code, check->snapshot);
	if (!next_row(&own, ForwardScanDirection))
		elog(ERROR, "grid \"%s\" has vanished", item->code);
	boundary = slot_geometry(own.slot, protection->boundary, &isnull);
	kind = slot_text(own.slot, protection->kind);
	shape = kept_shape(check, item->code, boundary, NULL);

	begin_box_scan(check, &scan, boundary);
	while (next_box(check, &scan))
	{
		char *other_code;
		char *other_kind;
		char *other_region;
		GridItem *other;
		RegionNode *other_family;
		GridProblem problem;

		other_code = slot_text(check->slot, protection->code);
		if (strcmp(other_code, item->code) == 0)
			continue;
		other_kind = slot_text(check->slot, protection->kind);
		if (kind != NULL && (other_kind == NULL || strcmp(kind, other_kind) != 0))
			continue;
		other = hash_search(check->items, &other_code, HASH_FIND, NULL);
		if (other != NULL && (other->paired || !other->passed))
			continue;
		other_region = slot_text(check->slot, protection->region);
		other_family = family_of_grid(check, other_region);
		/* What is in no region with a boundary is everything's sibling. */
		if (other_family != item->family && other_family != NULL && item->family != NULL)
			continue;
		if (refused != NULL && check->result == NULL && strcmp(other_code, refused) > 0)
			continue;
		if (overlap_is_refused(check, item->code, boundary, shape, other_code,
							   slot_geometry(check->slot, protection->boundary, &isnull),
							   &problem))
		{
			worst = problem;
			refused = pstrdup(other_code);
			if (check->result != NULL)
				report_problem(check, item->code, &problem);
		}
	}
	end_box_scan(&scan);
	end_key_scan(&own);
	if (refused != NULL && check->result == NULL)
		report_problem(check, item->code, &worst);
	MemoryContextSwitchTo(old);
	MemoryContextReset(check->row_context);
}

/* By family, so that each region's boundary is prepared once, then by code. */
static int
compare_items(const ListCell *one, const ListCell *other)
{
	const GridItem *a = lfirst(one);
	const GridItem *b = lfirst(other);

	if (a->family != b->family)
	{
		if (a->family == NULL || b->family == NULL)
			return a->family == NULL ? -1 : 1;
		return strcmp(a->family->code, b->family->code);
	}
	return strcmp(a->code, b->code);
}

static void
judge_items(GridCheck *check)
{
	HASH_SEQ_STATUS status;
	GridItem *item;
	List *items = NIL;
	ListCell *cell;

	hash_seq_init(&status, check->items);
	while ((item = hash_seq_search(&status)) != NULL)
	{
		if (item->found)
			items = lappend(items, item);
	}
	list_sort(items, compare_items);
	foreach (cell, items)
	{
		CHECK_FOR_INTERRUPTS();
		judge_grid(check, lfirst(cell));
	}
	foreach (cell, items)
	{
		CHECK_FOR_INTERRUPTS();
		item = lfirst(cell);
		if (item->passed)
			judge_siblings(check, item);
	}
}

/* Mark what has changed, and judge the boundaries that it brought. */
static void
judge_regions(GridCheck *check, List *regions)
{
	ListCell *cell;

	foreach (cell, regions)
	{
		RegionNode *node = region_node(check, lfirst(cell));
		MemoryContext old = MemoryContextSwitchTo(check->row_context);

		node->changed = true;
		if (node->has_boundary)
			(void) family_boundary(check, node);
		MemoryContextSwitchTo(old);
		MemoryContextReset(check->row_context);
	}
}

typedef struct SavedUser
{
	Oid user;
	int context;
} SavedUser;

static void
become_owner(const GridProtection *protection, SavedUser *saved)
{
	GetUserIdAndSecContext(&saved->user, &saved->context);
	SetUserIdAndSecContext(protection->owner, saved->context |
												  SECURITY_LOCAL_USERID_CHANGE |
												  SECURITY_NOFORCE_RLS);
}

/* Judge all that the transaction has changed of a grid set and nobody has judged. */
static void
judge_changes(Oid grids)
{
	List *changes;
	List *regions;
	ListCell *cell;
	GridCheck check;
	GridProtection *protection;
	SavedUser saved;

	if (!take_changes(grids, &changes, &regions))
		return;
	AcceptInvalidationMessages();
	protection = protection_of_grids_table(grids);
	become_owner(protection, &saved);
	begin_check(&check, protection, NULL);
	foreach (cell, changes)
		add_item(&check, ((GridChange *) lfirst(cell))->code);
	if (regions != NIL)
	{
		judge_regions(&check, regions);
		add_all_items(&check, true);
	}
	find_items(&check);
	lock_families(&check);
	judge_items(&check);
	end_check(&check);
	if (grid_history_hook != NULL && changes != NIL &&
		OidIsValid(grid_history_table(protection)))
		grid_history_hook(protection, changes);
	SetUserIdAndSecContext(saved.user, saved.context);
}

/* ---------------------------------------------------------------------------
 * The triggers
 * ---------------------------------------------------------------------------
 */

static TriggerData *
trigger_call(FunctionCallInfo fcinfo, const char *name, bool for_row)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(trigdata->tg_event) ||
		(TRIGGER_FIRED_FOR_ROW(trigdata->tg_event) != 0) != for_row ||
		(TRIGGER_FIRED_BY_TRUNCATE(trigdata->tg_event) != 0) == for_row)
		ereport(
			ERROR,
			(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
			 errmsg("function \"%s\" was not called as the trigger that it is", name),
			 errhint("govcase.protect_grids() creates the triggers of a protection.")));
	return trigdata;
}

/* The argument that says which grid set a trigger on a table of regions serves. */
static const char *
grid_set_argument(TriggerData *trigdata)
{
	if (trigdata->tg_trigger->tgnargs != 1)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("trigger \"%s\" names no grid set", trigdata->tg_trigger->tgname),
				 errhint("govcase.protect_grids() creates the triggers of a "
						 "protection.")));
	return trigdata->tg_trigger->tgargs[0];
}

/* Do the two rows differ in the column? */
static bool
column_differs(Relation relation, HeapTuple one, HeapTuple other, AttrNumber attnum)
{
	TupleDesc descriptor = RelationGetDescr(relation);
	Form_pg_attribute attribute;
	Datum values[2];
	bool nulls[2];

	if (attnum == InvalidAttrNumber)
		return false;
	attribute = TupleDescAttr(descriptor, attnum - 1);
	values[0] = heap_getattr(one, attnum, descriptor, &nulls[0]);
	values[1] = heap_getattr(other, attnum, descriptor, &nulls[1]);
	if (nulls[0] || nulls[1])
		return nulls[0] != nulls[1];
	return !datum_image_eq(values[0], values[1], attribute->attbyval, attribute->attlen);
}

static void
note_row(Relation relation, HeapTuple row, AttrNumber code, Oid grids, bool of_region)
{
	bool isnull;
	Datum value = heap_getattr(row, code, RelationGetDescr(relation), &isnull);

	if (isnull)
		ereport(ERROR, (errcode(ERRCODE_NOT_NULL_VIOLATION),
						errmsg("code of a row of table \"%s\" must not be null",
							   RelationGetRelationName(relation)),
						errtablecol(relation, code)));
	note_change(grids, TextDatumGetCString(value), of_region);
}

/*
 * note_grid: AFTER INSERT OR UPDATE OR DELETE FOR EACH ROW on a table of grids
 *
 * Lists a grid whose code, region, kind or boundary changed, under its old and
 * its new code, and tells every session that placements may be old.  VC007.
 */
Datum
govcase_note_grid(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = trigger_call(fcinfo, "note_grid", true);
	Relation grids = trigdata->tg_relation;
	GridProtection *protection = protection_of_grids(grids);
	bool is_update = TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event);
	bool new_code = false;

	if (is_update)
	{
		HeapTuple old_row = trigdata->tg_trigtuple;
		HeapTuple new_row = trigdata->tg_newtuple;

		new_code = column_differs(grids, old_row, new_row, protection->code);
		if (!new_code && !column_differs(grids, old_row, new_row, protection->region) &&
			!column_differs(grids, old_row, new_row, protection->kind) &&
			!column_differs(grids, old_row, new_row, protection->boundary))
			return PointerGetDatum(NULL);
	}
	note_row(grids, trigdata->tg_trigtuple, protection->code, protection->grids, false);
	if (new_code)
		note_row(grids, trigdata->tg_newtuple, protection->code, protection->grids,
				 false);
	CacheInvalidateRelcache(grids);
	return PointerGetDatum(NULL);
}

/*
 * check_grid: CONSTRAINT TRIGGER DEFERRABLE INITIALLY DEFERRED on a table of grids
 *
 * Its first firing judges all that the transaction has changed, the others find
 * nothing left.  VC005 with the facts; 23503 for a region that does not exist;
 * 40001 where a region changed under a snapshot that must not move; VC007.
 */
Datum
govcase_check_grid(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = trigger_call(fcinfo, "check_grid", true);

	judge_changes(RelationGetRelid(trigdata->tg_relation));
	return PointerGetDatum(NULL);
}

/*
 * grids_truncated: AFTER TRUNCATE on a table of grids
 *
 * Tells every session, and the history.
 */
Datum
govcase_grids_truncated(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = trigger_call(fcinfo, "grids_truncated", false);
	GridProtection *protection = protection_of_grids(trigdata->tg_relation);

	CacheInvalidateRelcache(trigdata->tg_relation);
	if (grid_history_hook != NULL && OidIsValid(grid_history_table(protection)))
	{
		SavedUser saved;

		become_owner(protection, &saved);
		grid_history_hook(protection, NIL);
		SetUserIdAndSecContext(saved.user, saved.context);
	}
	return PointerGetDatum(NULL);
}

/*
 * note_region: AFTER INSERT OR UPDATE OR DELETE FOR EACH ROW on a table of
 * regions, with the grid set as its argument
 *
 * Lists a region whose code, parent or boundary changed.  VC007.
 */
Datum
govcase_note_region(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = trigger_call(fcinfo, "note_region", true);
	Relation regions = trigdata->tg_relation;
	GridProtection *protection =
		protection_of_regions(regions, grid_set_argument(trigdata));
	bool new_code = false;

	if (TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event))
	{
		HeapTuple old_row = trigdata->tg_trigtuple;
		HeapTuple new_row = trigdata->tg_newtuple;

		new_code = column_differs(regions, old_row, new_row, protection->region_code);
		if (!new_code &&
			!column_differs(regions, old_row, new_row, protection->region_parent) &&
			!column_differs(regions, old_row, new_row, protection->region_boundary))
			return PointerGetDatum(NULL);
	}
	note_row(regions, trigdata->tg_trigtuple, protection->region_code, protection->grids,
			 true);
	if (new_code)
		note_row(regions, trigdata->tg_newtuple, protection->region_code,
				 protection->grids, true);
	return PointerGetDatum(NULL);
}

/*
 * check_region: CONSTRAINT TRIGGER DEFERRABLE INITIALLY DEFERRED on a table of
 * regions, with the grid set as its argument
 *
 * As check_grid(), which one it is that fires first.
 */
Datum
govcase_check_region(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = trigger_call(fcinfo, "check_region", true);

	judge_changes(
		protection_of_regions(trigdata->tg_relation, grid_set_argument(trigdata))->grids);
	return PointerGetDatum(NULL);
}

/*
 * regions_truncated: AFTER TRUNCATE on a table of regions, with the grid set as
 * its argument
 *
 * As a foreign key does, it lets the regions go only together with the grids.
 * 2BP01 otherwise; VC007.
 */
Datum
govcase_regions_truncated(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = trigger_call(fcinfo, "regions_truncated", false);
	GridProtection *protection =
		protection_of_regions(trigdata->tg_relation, grid_set_argument(trigdata));
	Relation grids = table_open(protection->grids, AccessShareLock);
	Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
	TableScanDesc scan = table_beginscan(grids, snapshot, 0, NULL);
	TupleTableSlot *slot = table_slot_create(grids, NULL);
	bool has_rows = table_scan_getnextslot(scan, ForwardScanDirection, slot);

	ExecDropSingleTupleTableSlot(slot);
	table_endscan(scan);
	UnregisterSnapshot(snapshot);
	if (has_rows)
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("cannot truncate table \"%s\" while table \"%s\" holds grids",
						RelationGetRelationName(trigdata->tg_relation),
						RelationGetRelationName(grids)),
				 errhint("Truncate both in one statement."),
				 errtable(trigdata->tg_relation)));
	table_close(grids, NoLock);
	return PointerGetDatum(NULL);
}

/* ---------------------------------------------------------------------------
 * Guards of the code rules
 * ---------------------------------------------------------------------------
 */

/* The script that installs or upgrades govcase is what ships rules. */
static bool
in_own_script(void)
{
	return creating_extension &&
		   CurrentExtensionObject == get_extension_oid("govcase", true);
}

/* Is the rule one of those shipped?  Their rows stand there for as long as we do. */
static bool
rule_is_shipped(Relation rules, const char *rule)
{
	TupleTableSlot *slot = table_slot_create(rules, NULL);
	Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
	TableScanDesc scan = table_beginscan(rules, snapshot, 0, NULL);
	bool shipped = false;

	while (!shipped && table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		bool isnull;

		shipped = strcmp(rule_text(rules, slot, "rule"), rule) == 0 &&
				  DatumGetBool(rule_column(rules, slot, "shipped", &isnull));
	}
	table_endscan(scan);
	UnregisterSnapshot(snapshot);
	ExecDropSingleTupleTableSlot(slot);
	return shipped;
}

static void
refuse_shipped_rule(Relation rules, HeapTuple row)
{
	TupleDesc descriptor = RelationGetDescr(rules);
	Oid table = RelationGetRelid(rules);
	bool isnull;
	Datum value = heap_getattr(row, get_attnum(table, "rule"), descriptor, &isnull);
	char *rule = isnull ? "" : TextDatumGetCString(value);

	value = heap_getattr(row, get_attnum(table, "shipped"), descriptor, &isnull);
	if ((!isnull && DatumGetBool(value)) || rule_is_shipped(rules, rule))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("grid code rule \"%s\" is shipped with govcase and not edited in "
						"place",
						rule),
				 errhint("Insert rows of a rule with another name, and name it in "
						 "govcase.protect_grids().")));
}

/* A table whose carrier names the rule; InvalidOid where there is none. */
static Oid
table_under_rule(const char *rule)
{
	Oid function = govcase_trigger_function_oid(GRID_CARRIER);
	char *option = psprintf("code_rule=%s", rule);
	Oid found = InvalidOid;
	ListCell *cell;

	foreach (cell, tables_of_carriers(function, NULL, InvalidOid))
	{
		Relation table = table_open(lfirst_oid(cell), AccessShareLock);
		TriggerDesc *triggers = table->trigdesc;

		for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
		{
			Trigger *trigger = &triggers->triggers[i];

			for (int n = 0; trigger->tgfoid == function && n < trigger->tgnargs; n++)
			{
				if (strcmp(trigger->tgargs[n], option) == 0)
					found = RelationGetRelid(table);
			}
		}
		table_close(table, AccessShareLock);
		if (OidIsValid(found))
			break;
	}
	return found;
}

/* A rule, or a kind of it, does not go or change its name from under its tables. */
static void
refuse_rule_in_use(Relation rules, HeapTuple old_row, HeapTuple new_row)
{
	Oid table = RelationGetRelid(rules);
	AttrNumber rule_attnum = get_attnum(table, "rule");
	bool isnull;
	char *rule;
	Oid user;

	if (new_row != NULL && !column_differs(rules, old_row, new_row, rule_attnum) &&
		!column_differs(rules, old_row, new_row, get_attnum(table, "kind")))
		return;
	rule = TextDatumGetCString(
		heap_getattr(old_row, rule_attnum, RelationGetDescr(rules), &isnull));
	user = table_under_rule(rule);
	if (OidIsValid(user))
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("grid code rule \"%s\" is in use", rule),
				 errdetail("Table \"%s\" is protected under it.", get_rel_name(user)),
				 errhint("Call govcase.unprotect_grids(), and govcase.protect_grids() "
						 "with another rule, first.")));
}

/*
 * keep_code_rule: BEFORE INSERT OR UPDATE OR DELETE FOR EACH ROW, and BEFORE
 * TRUNCATE, on govcase.grid_code_rule
 *
 * 55000 for a change of a shipped rule, and for TRUNCATE, by anybody but
 * govcase's own scripts; 2BP01 for deleting or renaming one that tables are under.
 */
Datum
govcase_keep_code_rule(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	bool is_update;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(trigdata->tg_event))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("function \"%s\" was not called as the trigger that it is",
							   "keep_code_rule")));
	if (TRIGGER_FIRED_BY_TRUNCATE(trigdata->tg_event))
	{
		if (!in_own_script())
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("table \"%s\" holds rules that are shipped with govcase",
							RelationGetRelationName(trigdata->tg_relation)),
					 errhint("Delete the rows of your own rules instead.")));
		return PointerGetDatum(NULL);
	}
	is_update = TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event);
	if (!in_own_script())
	{
		refuse_shipped_rule(trigdata->tg_relation, trigdata->tg_trigtuple);
		if (is_update)
			refuse_shipped_rule(trigdata->tg_relation, trigdata->tg_newtuple);
		if (!TRIGGER_FIRED_BY_INSERT(trigdata->tg_event))
			refuse_rule_in_use(trigdata->tg_relation, trigdata->tg_trigtuple,
							   is_update ? trigdata->tg_newtuple : NULL);
	}
	return PointerGetDatum(is_update ? trigdata->tg_newtuple : trigdata->tg_trigtuple);
}

/*
 * code_rules_changed: AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE FOR EACH
 * STATEMENT on govcase.grid_code_rule
 *
 * Ranks decide in which of several grids a point is placed, so that placements
 * of every table of grids may be old.
 */
Datum
govcase_code_rules_changed(PG_FUNCTION_ARGS)
{
	ListCell *cell;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("function \"%s\" was not called as the trigger that it is",
							   "code_rules_changed")));
	foreach (cell,
			 tables_of_carriers(trigger_function_or_none(GRID_CARRIER), NULL, InvalidOid))
		CacheInvalidateRelcacheByRelid(lfirst_oid(cell));
	return PointerGetDatum(NULL);
}

/* ---------------------------------------------------------------------------
 * What administration in SQL asks
 * ---------------------------------------------------------------------------
 */

/*
 * check_grids(grids regclass) returns setof (code text, problem text, detail
 * text, hint text)
 *
 * All that is wrong with the rows of a protected table, as its triggers would
 * say one by one.  The caller must own the table, and should hold a lock against
 * writers.  42501, 42P17, VC007.
 */
Datum
govcase_check_grids(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	GridProtection *protection = protection_of_grids_table(PG_GETARG_OID(0));
	GridCheck check;
	SavedUser saved;

	if (!has_privs_of_role(GetUserId(), protection->owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of table %s", get_rel_name(protection->grids))));
	InitMaterializedSRF(fcinfo, 0);
	become_owner(protection, &saved);
	begin_check(&check, protection, result);
	check.locked_tables = true;
	add_all_items(&check, false);
	find_items(&check);
	lock_families(&check);
	judge_items(&check);
	end_check(&check);
	SetUserIdAndSecContext(saved.user, saved.context);
	return (Datum) 0;
}
