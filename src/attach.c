/*
 * attach.c
 *		Reads the carrier triggers of a protected table and its follow-up chain,
 *		judges whether they can be trusted, and keeps what they say.
 *
 * There is no table of protections: what a protection knows stands in the
 * column list and the arguments of one trigger on each of the two tables
 * (design section 5).  A carrier counts only where there is exactly one on its
 * table and both tables have one owner.  Otherwise whoever may create triggers
 * could point ours at somebody else's table and have it act as that owner.
 */
#include "attach.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "parser/parse_func.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/typcache.h"
#include "utils/varlena.h"

#define CASE_CARRIER "case_columns"
#define LINK_CARRIER "link_columns"

/* Arguments of a carrier before those that name the roles of its columns. */
#define CASE_CARRIER_FIXED 2 /* policy, chain set */
#define LINK_CARRIER_FIXED 1 /* chain set */

/* What a relation (a protected root or a partition of one) belongs to. */
typedef struct RelationEntry
{
	Oid relation;           /* hash key; must be first */
	Oid root;               /* of its partition tree, or itself */
	Protection *protection; /* NULL: not looked up, or changed since */
	int natts;              /* of the root */
	AttrNumber *attnums;    /* here, by the root's attnum - 1; NULL: the same */
} RelationEntry;

static HTAB *relation_entries = NULL;

/*
 * Protections that changed while somebody up the call stack may still hold
 * them.  They are freed at the end of the transaction.
 */
static List *retired_protections = NIL;

static MemoryContext attach_context = NULL;

/* Counts what the cache was told, so that a reader sees that he was overtaken. */
static uint64 invalidations = 0;

PG_FUNCTION_INFO_V1(govcase_case_columns);
PG_FUNCTION_INFO_V1(govcase_link_columns);
PG_FUNCTION_INFO_V1(govcase_protected_columns);
PG_FUNCTION_INFO_V1(govcase_trigger_arguments);

/*
 * case_columns, link_columns: the functions of the carriers
 *
 * A carrier has WHEN (false) and never fires.  39P01 where somebody calls it.
 */
Datum
govcase_case_columns(PG_FUNCTION_ARGS)
{
	ereport(ERROR,
			(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
			 errmsg("function \"%s\" is a carrier of a protection and does nothing",
					CASE_CARRIER),
			 errhint("Use govcase.protect_cases() to protect a table.")));
	PG_RETURN_NULL();
}

Datum
govcase_link_columns(PG_FUNCTION_ARGS)
{
	ereport(ERROR,
			(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
			 errmsg("function \"%s\" is a carrier of a protection and does nothing",
					LINK_CARRIER),
			 errhint("Use govcase.protect_cases() to protect a table.")));
	PG_RETURN_NULL();
}

/* ---------------------------------------------------------------------------
 * The cache
 * ---------------------------------------------------------------------------
 */

static void
retire_protection(Protection *protection)
{
	HASH_SEQ_STATUS status;
	RelationEntry *entry;
	MemoryContext old = MemoryContextSwitchTo(attach_context);

	retired_protections = lappend(retired_protections, protection);
	MemoryContextSwitchTo(old);

	hash_seq_init(&status, relation_entries);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		if (entry->protection == protection)
			entry->protection = NULL;
	}
}

/*
 * A table changed.  Its entry goes, and with it the protection that it was part
 * of, even where only its partner is the one that changed.
 */
static void
forget_relation(Datum argument pg_attribute_unused(), Oid relation)
{
	HASH_SEQ_STATUS status;
	RelationEntry *entry;

	invalidations++;
	if (relation_entries == NULL)
		return;
	if (OidIsValid(relation))
	{
		entry = hash_search(relation_entries, &relation, HASH_FIND, NULL);
		if (entry == NULL)
			return;
		if (entry->protection != NULL)
			retire_protection(entry->protection);
		entry->root = InvalidOid;
		return;
	}

	hash_seq_init(&status, relation_entries);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		if (entry->protection != NULL)
			retire_protection(entry->protection);
		entry->root = InvalidOid;
	}
}

static void
free_retired_protections(XactEvent event, void *argument pg_attribute_unused())
{
	ListCell *cell;

	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT &&
		event != XACT_EVENT_PREPARE)
		return;
	foreach (cell, retired_protections)
	{
		Protection *protection = lfirst(cell);

		for (int i = 0; i < PROTECTION_PLAN_COUNT; i++)
		{
			if (protection->plans[i] != NULL)
				SPI_freeplan(protection->plans[i]);
		}
		MemoryContextDelete(protection->context);
	}
	list_free(retired_protections);
	retired_protections = NIL;
}

static void
initialize_cache(void)
{
	HASHCTL control;

	if (relation_entries != NULL)
		return;
	if (attach_context == NULL)
	{
		attach_context = AllocSetContextCreate(CacheMemoryContext, "govcase protections",
											   ALLOCSET_SMALL_SIZES);
		CacheRegisterRelcacheCallback(forget_relation, (Datum) 0);
		RegisterXactCallback(free_retired_protections, NULL);
	}
	memset(&control, 0, sizeof(control));
	control.keysize = sizeof(Oid);
	control.entrysize = sizeof(RelationEntry);
	control.hcxt = attach_context;
	relation_entries = hash_create("govcase protected relations", 32, &control,
								   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* Root of the partition tree that the relation is in, or the relation itself. */
static Oid
partition_root(Relation relation)
{
	List *ancestors;

	if (!relation->rd_rel->relispartition)
		return RelationGetRelid(relation);
	ancestors = get_partition_ancestors(RelationGetRelid(relation));
	return ancestors == NIL ? RelationGetRelid(relation) : llast_oid(ancestors);
}

/* How the relation numbers the columns of its root. */
static void
map_attnums(RelationEntry *entry, Relation relation, Relation root)
{
	TupleDesc descriptor = RelationGetDescr(root);
	AttrNumber *attnums;
	bool same = true;

	if (entry->attnums != NULL)
		pfree(entry->attnums);
	entry->attnums = NULL;
	entry->natts = descriptor->natts;
	if (entry->root == entry->relation)
		return;

	attnums =
		MemoryContextAllocZero(attach_context, descriptor->natts * sizeof(AttrNumber));
	for (int i = 0; i < descriptor->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(descriptor, i);

		if (!attribute->attisdropped)
			attnums[i] =
				get_attnum(RelationGetRelid(relation), NameStr(attribute->attname));
		if (attnums[i] != i + 1)
			same = false;
	}
	if (same)
		pfree(attnums);
	else
		entry->attnums = attnums;
}

static RelationEntry *
relation_entry(Relation relation)
{
	Oid relid = RelationGetRelid(relation);
	RelationEntry *entry;
	bool found;

	initialize_cache();
	entry = hash_search(relation_entries, &relid, HASH_ENTER, &found);
	if (!found)
	{
		entry->root = InvalidOid;
		entry->protection = NULL;
		entry->natts = 0;
		entry->attnums = NULL;
	}
	if (!OidIsValid(entry->root))
	{
		Oid root_oid = partition_root(relation);
		Relation root = table_open(root_oid, AccessShareLock);

		/* Opening may have flushed the entry just made; it stays in the table. */
		entry->root = root_oid;
		map_attnums(entry, relation, root);
		table_close(root, NoLock);
	}
	return entry;
}

AttrNumber
partition_attnum(Relation relation, Oid root, AttrNumber root_attnum)
{
	RelationEntry *entry;

	if (RelationGetRelid(relation) == root || root_attnum <= 0)
		return root_attnum;
	entry = relation_entry(relation);
	if (entry->attnums == NULL)
		return root_attnum;
	Assert(root_attnum <= entry->natts);
	return entry->attnums[root_attnum - 1];
}

/* ---------------------------------------------------------------------------
 * Reading carriers
 * ---------------------------------------------------------------------------
 */

static void
not_trusted(Oid table, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_VC_NOT_TRUSTED),
			 errmsg("protection of table \"%s\" cannot be trusted", get_rel_name(table)),
			 errdetail_internal("%s", detail),
			 errhint("SELECT * FROM govcase.protections() shows each protection. Its "
					 "owner sets it right with govcase.repair_triggers(), or with "
					 "govcase.unprotect_cases() and govcase.protect_cases()."),
			 err_generic_string(PG_DIAG_SCHEMA_NAME,
								get_namespace_name(get_rel_namespace(table))),
			 err_generic_string(PG_DIAG_TABLE_NAME, get_rel_name(table))));
}

/* The carrier on a table: NULL where there is none, VC007 where there are two. */
static Trigger *
find_carrier(Relation table, Oid function)
{
	TriggerDesc *triggers = table->trigdesc;
	Trigger *carrier = NULL;

	if (triggers == NULL)
		return NULL;
	for (int i = 0; i < triggers->numtriggers; i++)
	{
		Trigger *trigger = &triggers->triggers[i];

		if (trigger->tgfoid != function)
			continue;
		if (carrier != NULL)
			not_trusted(RelationGetRelid(table),
						psprintf("Its carriers \"%s\" and \"%s\" contradict each other.",
								 carrier->tgname, trigger->tgname));
		carrier = trigger;
	}
	return carrier;
}

/* Argument of a stored trigger; NULL where it has fewer. */
static char *
stored_trigger_argument(HeapTuple tuple, TupleDesc descriptor, int argument)
{
	Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);
	Datum datum;
	bool isnull;
	char *text;

	if (argument >= form->tgnargs)
		return NULL;
	datum = heap_getattr(tuple, Anum_pg_trigger_tgargs, descriptor, &isnull);
	if (isnull)
		return NULL;
	text = VARDATA_ANY(DatumGetByteaPP(datum));
	while (argument-- > 0)
		text += strlen(text) + 1;
	return text;
}

/*
 * The table of the same owner whose carrier names the chain set; InvalidOid
 * where there is none, VC007 where there are two.
 */
static Oid
find_partner(Oid asking, Oid owner, const char *carrier, int argument,
			 const char *chain_set)
{
	Oid function = govcase_trigger_function_oid(carrier);
	Oid partner = InvalidOid;
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
			const char *named =
				stored_trigger_argument(trigger, RelationGetDescr(triggers), argument);
			HeapTuple class = SearchSysCache1(RELOID, ObjectIdGetDatum(table));

			if (HeapTupleIsValid(class))
			{
				if (named != NULL && strcmp(named, chain_set) == 0 &&
					((Form_pg_class) GETSTRUCT(class))->relowner == owner)
				{
					if (OidIsValid(partner) && partner != table)
						not_trusted(asking,
									psprintf("Both \"%s\" and \"%s\" claim to be its "
											 "partner.",
											 get_rel_name(partner), get_rel_name(table)));
					partner = table;
				}
				ReleaseSysCache(class);
			}
		}
		systable_endscan(trigger_scan);
	}
	systable_endscan(scan);
	table_close(triggers, AccessShareLock);
	table_close(depend, AccessShareLock);
	return partner;
}

static char *
carrier_argument(Relation table, Trigger *carrier, int argument)
{
	if (argument >= carrier->tgnargs)
		not_trusted(
			RelationGetRelid(table),
			psprintf("Its carrier \"%s\" has too few arguments.", carrier->tgname));
	return carrier->tgargs[argument];
}

/* Roles of one column, as a list of strings; VC007 where the text is no list. */
static List *
carrier_roles(Relation table, Trigger *carrier, int argument)
{
	List *roles;

	if (!SplitIdentifierString(pstrdup(carrier_argument(table, carrier, argument)), ',',
							   &roles))
		not_trusted(RelationGetRelid(table),
					psprintf("Argument %d of its carrier \"%s\" is no list of roles.",
							 argument + 1, carrier->tgname));
	return roles;
}

static void
add_key_column(Relation table, AttrNumber attnum, int *nkeys, AttrNumber *attnums,
			   Oid *types)
{
	if (*nkeys == MAX_KEY_COLUMNS)
		not_trusted(
			RelationGetRelid(table),
			psprintf("Its carrier names more than %d key columns.", MAX_KEY_COLUMNS));
	attnums[*nkeys] = attnum;
	types[*nkeys] = TupleDescAttr(RelationGetDescr(table), attnum - 1)->atttypid;
	(*nkeys)++;
}

static void
read_case_carrier(Protection *protection, Relation cases, Trigger *carrier)
{
	int argument = CASE_CARRIER_FIXED;

	protection->roles = palloc0(sizeof(RoleColumn) * FUNC_MAX_ARGS * 4);
	for (int i = 0; i < carrier->tgnattr; i++, argument++)
	{
		AttrNumber attnum = carrier->tgattr[i];
		ListCell *cell;

		foreach (cell, carrier_roles(cases, carrier, argument))
		{
			const char *role = lfirst(cell);

			if (strcmp(role, "key") == 0)
				add_key_column(cases, attnum, &protection->nkeys, protection->case_key,
							   protection->case_key_type);
			else if (strcmp(role, "state") == 0)
				protection->state = attnum;
			else if (strcmp(role, "risk") == 0)
				protection->risk = attnum;
			else
			{
				if (protection->nroles == FUNC_MAX_ARGS * 4)
					not_trusted(RelationGetRelid(cases),
								"Its carrier names too many roles.");
				protection->roles[protection->nroles].role = pstrdup(role);
				protection->roles[protection->nroles].attnum = attnum;
				protection->nroles++;
			}
		}
	}

	for (; argument < carrier->tgnargs; argument++)
	{
		const char *option = carrier->tgargs[argument];

		if (strcmp(option, "without_links") == 0)
			protection->without_links = true;
		else if (strncmp(option, "actor_function=", 15) == 0)
			protection->actor_function = pstrdup(option + 15);
		else if (strncmp(option, "watch=", 6) == 0)
		{
			List *watched;
			ListCell *cell;

			if (!SplitIdentifierString(pstrdup(option + 6), ',', &watched))
				not_trusted(RelationGetRelid(cases),
							"Its carrier watches no list of roles.");
			protection->watched = palloc0(sizeof(char *) * (list_length(watched) + 1));
			foreach (cell, watched)
				protection->watched[protection->nwatched++] = pstrdup(lfirst(cell));
		}
		else
			not_trusted(RelationGetRelid(cases),
						psprintf("Its carrier has an unknown option \"%s\".", option));
	}

	if (protection->nkeys == 0 || protection->state == InvalidAttrNumber)
		not_trusted(RelationGetRelid(cases), "Its carrier names no key or no state.");
}

static void
read_link_carrier(Protection *protection, Relation links, Trigger *carrier)
{
	int nkeys = 0;

	for (int i = 0; i < carrier->tgnattr; i++)
	{
		AttrNumber attnum = carrier->tgattr[i];
		ListCell *cell;

		foreach (cell, carrier_roles(links, carrier, LINK_CARRIER_FIXED + i))
		{
			const char *role = lfirst(cell);
			int column;

			if (strcmp(role, "key") == 0)
			{
				add_key_column(links, attnum, &nkeys, protection->link_key,
							   protection->link_key_type);
				continue;
			}
			for (column = 0; column < LINK_COLUMN_COUNT; column++)
			{
				if (strcmp(role, link_column_name(column)) == 0)
					break;
			}
			if (column == LINK_COLUMN_COUNT)
				not_trusted(RelationGetRelid(links),
							psprintf("Its carrier names an unknown role \"%s\".", role));
			protection->link_column[column] = attnum;
		}
	}

	for (int column = 0; column < LINK_COLUMN_COUNT; column++)
	{
		if (protection->link_column[column] == InvalidAttrNumber)
			not_trusted(RelationGetRelid(links),
						psprintf("Its carrier names no column \"%s\".",
								 link_column_name(column)));
	}
	if (nkeys != protection->nkeys)
		not_trusted(RelationGetRelid(links),
					psprintf("It has %d key columns and its case table %d.", nkeys,
							 protection->nkeys));
	for (int i = 0; i < nkeys; i++)
	{
		KeyClass case_class;
		KeyClass link_class;

		if (!key_class_of_type(protection->case_key_type[i], &case_class) ||
			!key_class_of_type(protection->link_key_type[i], &link_class) ||
			case_class != link_class)
			not_trusted(RelationGetRelid(links),
						psprintf("Key column %d is %s here and %s in its case table.",
								 i + 1, format_type_be(protection->link_key_type[i]),
								 format_type_be(protection->case_key_type[i])));
	}
}

static void
find_actor_function(Protection *protection)
{
	List *name = textToQualifiedNameList(cstring_to_text(protection->actor_function));

	protection->actor_function_oid = LookupFuncName(name, 0, NULL, false);
}

/* Read and judge the protection of a case table (a root). */
static Protection *
build_protection(Relation cases)
{
	MemoryContext context = AllocSetContextCreate(
		CurrentMemoryContext, "govcase protection", ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Protection *protection = palloc0(sizeof(Protection));
	Trigger *carrier = find_carrier(cases, govcase_trigger_function_oid(CASE_CARRIER));
	const char *chain_set;

	if (carrier == NULL)
		not_trusted(RelationGetRelid(cases),
					"It has no carrier \"govcase_case_columns\".");
	protection->context = context;
	protection->cases = RelationGetRelid(cases);
	protection->owner = cases->rd_rel->relowner;
	protection->policy = pstrdup(carrier_argument(cases, carrier, 0));
	chain_set = pstrdup(carrier_argument(cases, carrier, 1));
	if (strspn(chain_set, "0123456789abcdef-") != 36 || chain_set[36] != '\0')
		not_trusted(protection->cases, "The chain set of its carrier is no UUID.");
	protection->chain_set =
		*DatumGetUUIDP(DirectFunctionCall1(uuid_in, CStringGetDatum(chain_set)));
	read_case_carrier(protection, cases, carrier);
	if (protection->actor_function != NULL)
		find_actor_function(protection);

	if (!protection->without_links)
	{
		Relation links;

		protection->links = find_partner(protection->cases, protection->owner,
										 LINK_CARRIER, 0, chain_set);
		if (!OidIsValid(protection->links))
			not_trusted(
				protection->cases,
				psprintf("No follow-up table of its owner %s bears its chain set %s.",
						 GetUserNameFromId(protection->owner, false), chain_set));
		links = table_open(protection->links, AccessShareLock);
		read_link_carrier(
			protection, links,
			find_carrier(links, govcase_trigger_function_oid(LINK_CARRIER)));
		find_key_index(links, protection->nkeys, protection->link_key,
					   protection->link_column[LINK_COLUMN_SEQ], &protection->link_index,
					   context);
		protection->links_are_plain =
			stores_plain_rows(links, protection->nkeys, protection->link_key,
							  LINK_COLUMN_COUNT, protection->link_column);
		table_close(links, NoLock);
	}
	find_key_index(cases, protection->nkeys, protection->case_key, InvalidAttrNumber,
				   &protection->case_index, context);
	if (find_partner(protection->cases, protection->owner, CASE_CARRIER, 1, chain_set) !=
		protection->cases)
		not_trusted(protection->cases, "Its carrier is not the one of its chain set.");

	MemoryContextSwitchTo(old);
	MemoryContextSetParent(context, attach_context);
	return protection;
}

/* Remember a protection under a root, so that its invalidation reaches it. */
static void
remember_protection(Oid root, Protection *protection)
{
	Relation relation = table_open(root, AccessShareLock);
	RelationEntry *entry = relation_entry(relation);

	entry->protection = protection;
	table_close(relation, NoLock);
}

/* Read the protection of a root that is a case table or a follow-up table. */
static Protection *
read_protection(Oid root_oid, bool of_links)
{
	Relation root = table_open(root_oid, AccessShareLock);
	Relation cases = root;
	Protection *protection;

	if (of_links)
	{
		Trigger *carrier = find_carrier(root, govcase_trigger_function_oid(LINK_CARRIER));
		Oid partner;

		if (carrier == NULL)
			not_trusted(root_oid, "It has no carrier \"govcase_link_columns\".");
		partner = find_partner(root_oid, root->rd_rel->relowner, CASE_CARRIER, 1,
							   carrier_argument(root, carrier, 0));
		if (!OidIsValid(partner))
			not_trusted(root_oid,
						psprintf("No case table of its owner %s bears its chain set %s.",
								 GetUserNameFromId(root->rd_rel->relowner, false),
								 carrier->tgargs[0]));
		cases = table_open(partner, AccessShareLock);
	}
	protection = build_protection(cases);
	if (cases != root)
		table_close(cases, NoLock);
	table_close(root, NoLock);
	return protection;
}

static Protection *
find_protection(Relation relation, bool of_links)
{
	RelationEntry *entry = relation_entry(relation);
	Protection *protection;
	uint64 before;

	if (entry->protection != NULL &&
		(of_links ? entry->protection->links : entry->protection->cases) == entry->root)
		return entry->protection;

	/*
	 * Opening the tables may deliver an invalidation of one that no entry names
	 * yet: then what was read may be old, and is read again.
	 */
	for (;;)
	{
		before = invalidations;
		protection = read_protection(entry->root, of_links);
		remember_protection(protection->cases, protection);
		if (OidIsValid(protection->links))
			remember_protection(protection->links, protection);
		entry = relation_entry(relation);
		entry->protection = protection;
		if (invalidations == before)
			return protection;
		retire_protection(protection);
	}
}

Protection *
protection_of_cases(Relation cases)
{
	return find_protection(cases, false);
}

Protection *
protection_of_links(Relation links)
{
	return find_protection(links, true);
}

/* Does the root of the relation have a carrier with this function? */
static bool
has_carrier(Relation relation, const char *carrier)
{
	Relation root = table_open(relation_entry(relation)->root, AccessShareLock);
	bool found = find_carrier(root, govcase_trigger_function_oid(carrier)) != NULL;

	table_close(root, NoLock);
	return found;
}

bool
is_protected(Relation cases)
{
	return has_carrier(cases, CASE_CARRIER);
}

bool
is_follow_up_table(Relation links)
{
	return has_carrier(links, LINK_CARRIER);
}

Protection *
protection_of_table(Oid table)
{
	Relation relation = table_open(table, AccessShareLock);
	bool is_cases = has_carrier(relation, CASE_CARRIER);
	bool is_links = has_carrier(relation, LINK_CARRIER);
	Protection *protection;

	if (!is_cases && !is_links)
		ereport(ERROR, (errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
						errmsg("table \"%s\" is not protected", get_rel_name(table)),
						errhint("Use govcase.protect_cases() to protect it, or "
								"govcase.protections() to see which tables are.")));
	protection = find_protection(relation, !is_cases);
	table_close(relation, NoLock);
	return protection;
}

AttrNumber
protection_role_column(const Protection *protection, const char *role)
{
	for (int i = 0; i < protection->nroles; i++)
	{
		if (strcmp(protection->roles[i].role, role) == 0)
			return protection->roles[i].attnum;
	}
	return InvalidAttrNumber;
}

/* ---------------------------------------------------------------------------
 * Keys
 * ---------------------------------------------------------------------------
 */

void
set_key_column(CaseKey *key, int column, Oid type, Datum value)
{
	key->types[column] = key_passed_type(type);
	if (type == INT4OID)
		value = Int64GetDatum(DatumGetInt32(value));
	else if (type == INT2OID)
		value = Int64GetDatum(DatumGetInt16(value));
	key->values[column] = value;
}

void
case_key_of_tuple(const Protection *protection, Relation relation, HeapTuple tuple,
				  bool of_link, CaseKey *key)
{
	const AttrNumber *columns = of_link ? protection->link_key : protection->case_key;
	const Oid *types = of_link ? protection->link_key_type : protection->case_key_type;
	Oid root = of_link ? protection->links : protection->cases;

	key->ncolumns = protection->nkeys;
	for (int i = 0; i < protection->nkeys; i++)
	{
		bool isnull;
		AttrNumber attnum = partition_attnum(relation, root, columns[i]);
		Datum value = heap_getattr(tuple, attnum, RelationGetDescr(relation), &isnull);

		if (isnull)
			ereport(ERROR,
					(errcode(ERRCODE_NOT_NULL_VIOLATION),
					 errmsg("null value in key column \"%s\" of table \"%s\"",
							get_attname(root, columns[i], false), get_rel_name(root)),
					 errtablecol(relation, attnum)));
		set_key_column(key, i, types[i], value);
	}
}

/* One column of a key from text, through the input function of its class. */
static Datum
key_column_from_text(const Protection *protection, int column, char *text, Oid *type)
{
	Oid input;
	Oid ioparam;

	*type = key_passed_type(protection->case_key_type[column]);
	getTypeInputInfo(*type, &input, &ioparam);
	return OidInputFunctionCall(input, text, ioparam, -1);
}

bool
find_case_as_caller(const Protection *protection, const CaseKey *key, const char *list,
					bool read_only)
{
	Oid cases = protection->cases;
	Oid types[MAX_KEY_COLUMNS];
	Datum values[MAX_KEY_COLUMNS];
	StringInfoData query;

	initStringInfo(&query);
	appendStringInfo(
		&query, "SELECT %s FROM %s AS found", list,
		quote_qualified_identifier(get_namespace_name(get_rel_namespace(cases)),
								   get_rel_name(cases)));
	for (int i = 0; i < key->ncolumns; i++)
	{
		appendStringInfo(
			&query, " %s %s OPERATOR(pg_catalog.=) $%d", i == 0 ? "WHERE" : "AND",
			quote_identifier(get_attname(cases, protection->case_key[i], false)), i + 1);
		types[i] = key->types[i];
		values[i] = key->values[i];
	}
	if (SPI_execute_with_args(query.data, key->ncolumns, types, values, NULL, read_only,
							  1) != SPI_OK_SELECT)
		elog(ERROR, "SPI_execute_with_args failed");
	return SPI_processed > 0;
}

static void
wrong_key_count(const Protection *protection, int given)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("wrong number of key columns for table \"%s\"",
					get_rel_name(protection->cases)),
			 errdetail("Its key has %d, and %d were given.", protection->nkeys, given),
			 protection->nkeys == 1
				 ? errhint("Give a single value.")
				 : errhint("Give a row such as ROW(a, b), or an array.")));
}

static void
null_key(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("key must not be null")));
}

/* Text of a value of any type, as its output function says. */
static char *
value_text(Oid type, Datum value)
{
	Oid output;
	bool isvarlena;

	getTypeOutputInfo(type, &output, &isvarlena);
	return OidOutputFunctionCall(output, value);
}

void
case_key_of_argument(FunctionCallInfo fcinfo, int argument, const Protection *protection,
					 CaseKey *key)
{
	Oid type = get_fn_expr_argtype(fcinfo->flinfo, argument);
	Datum value;
	char *texts[MAX_KEY_COLUMNS];
	int ntexts = 0;
	int given = 0;

	if (PG_ARGISNULL(argument))
		null_key();
	if (!OidIsValid(type))
		elog(ERROR, "could not determine type of argument %d", argument + 1);
	value = PG_GETARG_DATUM(argument);

	if (type_is_rowtype(type))
	{
		HeapTupleHeader header = DatumGetHeapTupleHeader(value);
		TupleDesc descriptor = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(header),
													  HeapTupleHeaderGetTypMod(header));
		HeapTupleData tuple;

		tuple.t_len = HeapTupleHeaderGetDatumLength(header);
		ItemPointerSetInvalid(&tuple.t_self);
		tuple.t_tableOid = InvalidOid;
		tuple.t_data = header;
		for (int i = 0; i < descriptor->natts; i++)
		{
			bool isnull;
			Datum field;

			if (TupleDescAttr(descriptor, i)->attisdropped)
				continue;
			field = heap_getattr(&tuple, i + 1, descriptor, &isnull);
			if (isnull)
				null_key();
			if (ntexts < MAX_KEY_COLUMNS)
				texts[ntexts++] =
					value_text(TupleDescAttr(descriptor, i)->atttypid, field);
			given++;
		}
		ReleaseTupleDesc(descriptor);
	}
	else if (OidIsValid(get_element_type(type)))
	{
		ArrayType *array = DatumGetArrayTypeP(value);
		Oid element = ARR_ELEMTYPE(array);
		int16 length;
		bool byval;
		char align;
		Datum *elements;
		bool *nulls;

		get_typlenbyvalalign(element, &length, &byval, &align);
		deconstruct_array(array, element, length, byval, align, &elements, &nulls,
						  &given);
		for (int i = 0; i < given && i < MAX_KEY_COLUMNS; i++)
		{
			if (nulls[i])
				null_key();
			texts[ntexts++] = value_text(element, elements[i]);
		}
	}
	else
	{
		texts[ntexts++] = value_text(type, value);
		given = 1;
	}

	if (given != protection->nkeys)
		wrong_key_count(protection, given);
	key->ncolumns = protection->nkeys;
	for (int i = 0; i < ntexts; i++)
		key->values[i] = key_column_from_text(protection, i, texts[i], &key->types[i]);
}

/* ---------------------------------------------------------------------------
 * Kept plans
 *
 * They are made from OIDs, so that a renamed table or column is met under its
 * new name, and every name and operator in them is qualified: they run as the
 * owner, under whatever search_path the caller has.
 * ---------------------------------------------------------------------------
 */

static void
append_table(StringInfo query, Oid table)
{
	appendStringInfoString(
		query, quote_qualified_identifier(get_namespace_name(get_rel_namespace(table)),
										  get_rel_name(table)));
}

static void
append_column(StringInfo query, Oid table, AttrNumber attnum)
{
	appendStringInfoString(query, quote_identifier(get_attname(table, attnum, false)));
}

/* " WHERE k1 = $1 AND k2 = $2" over the key columns of one of the two tables. */
static void
append_key_condition(StringInfo query, const Protection *protection, bool of_link)
{
	for (int i = 0; i < protection->nkeys; i++)
	{
		appendStringInfoString(query, i == 0 ? " WHERE " : " AND ");
		append_column(query, of_link ? protection->links : protection->cases,
					  of_link ? protection->link_key[i] : protection->case_key[i]);
		appendStringInfo(query, " OPERATOR(pg_catalog.=) $%d", i + 1);
	}
}

static void
append_read_columns(StringInfo query, const Protection *protection)
{
	for (int i = 0; i < READ_CHAIN_COLUMN_COUNT; i++)
	{
		if (i > 0)
			appendStringInfoString(query, ", ");
		append_column(query, protection->links,
					  protection->link_column[read_chain_columns[i]]);
	}
}

static void
append_plan_text(StringInfo query, const Protection *protection, ProtectionPlan plan)
{
	switch (plan)
	{
		case PLAN_LOCK_CASE:
			appendStringInfoString(query, "SELECT ");
			append_column(query, protection->cases, protection->state);
			if (protection->risk != InvalidAttrNumber)
			{
				appendStringInfoString(query, ", ");
				append_column(query, protection->cases, protection->risk);
			}
			else
				appendStringInfoString(query, ", NULL");
			appendStringInfoString(query, ", xmin");
			for (int i = 0; i < protection->nroles; i++)
			{
				appendStringInfoString(query, ", ");
				append_column(query, protection->cases, protection->roles[i].attnum);
			}
			appendStringInfoString(query, " FROM ");
			append_table(query, protection->cases);
			append_key_condition(query, protection, false);
			appendStringInfoString(query, " FOR NO KEY UPDATE");
			break;

		case PLAN_READ_CASE:
			/* The whole row, so that its columns keep their numbers. */
			appendStringInfoString(query, "SELECT found FROM ");
			append_table(query, protection->cases);
			appendStringInfoString(query, " AS found");
			append_key_condition(query, protection, false);
			break;

		case PLAN_READ_CHAIN:
			/* $n+1: only links below this seq; $n+2: how many. */
			appendStringInfoString(query, "SELECT ");
			append_read_columns(query, protection);
			appendStringInfoString(query, " FROM ");
			append_table(query, protection->links);
			append_key_condition(query, protection, true);
			appendStringInfoString(query, " AND ");
			append_column(query, protection->links,
						  protection->link_column[LINK_COLUMN_SEQ]);
			appendStringInfo(query, " OPERATOR(pg_catalog.<) $%d ORDER BY ",
							 protection->nkeys + 1);
			append_column(query, protection->links,
						  protection->link_column[LINK_COLUMN_SEQ]);
			appendStringInfo(query, " DESC LIMIT $%d", protection->nkeys + 2);
			break;

		case PLAN_CHAIN_HEAD:
			appendStringInfoString(query, "SELECT ");
			append_column(query, protection->links,
						  protection->link_column[LINK_COLUMN_SEQ]);
			appendStringInfoString(query, ", ");
			append_column(query, protection->links,
						  protection->link_column[LINK_COLUMN_RECORDED_AT]);
			appendStringInfoString(query, ", ");
			append_column(query, protection->links,
						  protection->link_column[LINK_COLUMN_HASH]);
			appendStringInfoString(query, ", xmin FROM ");
			append_table(query, protection->links);
			append_key_condition(query, protection, true);
			appendStringInfoString(query, " ORDER BY ");
			append_column(query, protection->links,
						  protection->link_column[LINK_COLUMN_SEQ]);
			appendStringInfoString(query, " DESC LIMIT 1");
			break;

		case PLAN_INSERT_LINK:
			/* The trigger fills the rest from what govcase holds ready. */
			appendStringInfoString(query, "INSERT INTO ");
			append_table(query, protection->links);
			appendStringInfoString(query, " (");
			for (int i = 0; i < protection->nkeys; i++)
			{
				append_column(query, protection->links, protection->link_key[i]);
				appendStringInfoString(query, ", ");
			}
			append_column(query, protection->links,
						  protection->link_column[LINK_COLUMN_KIND]);
			appendStringInfoString(query, ") VALUES (");
			for (int i = 0; i < protection->nkeys; i++)
				appendStringInfo(query, "$%d, ", i + 1);
			appendStringInfo(query, "$%d)", protection->nkeys + 1);
			break;

		case PLAN_REDACT:
			/* $n+1: one seq, or null for all links below $n+2. */
			appendStringInfoString(query, "UPDATE ");
			append_table(query, protection->links);
			appendStringInfoString(query, " SET ");
			append_column(query, protection->links,
						  protection->link_column[LINK_COLUMN_NOTE]);
			appendStringInfoString(query, " = NULL, ");
			append_column(query, protection->links,
						  protection->link_column[LINK_COLUMN_SALT]);
			appendStringInfoString(query, " = NULL");
			append_key_condition(query, protection, true);
			appendStringInfoString(query, " AND ");
			append_column(query, protection->links,
						  protection->link_column[LINK_COLUMN_NOTE]);
			appendStringInfo(query, " IS NOT NULL AND ($%d IS NULL OR ",
							 protection->nkeys + 1);
			append_column(query, protection->links,
						  protection->link_column[LINK_COLUMN_SEQ]);
			appendStringInfo(query, " OPERATOR(pg_catalog.=) $%d) AND ",
							 protection->nkeys + 1);
			append_column(query, protection->links,
						  protection->link_column[LINK_COLUMN_SEQ]);
			appendStringInfo(query, " OPERATOR(pg_catalog.<=) $%d",
							 protection->nkeys + 2);
			break;

		case PROTECTION_PLAN_COUNT:
			elog(ERROR, "no such plan");
	}
}

/* Parameters of a plan: the key, then these. */
static int
plan_parameters(const Protection *protection, ProtectionPlan plan, Oid *types)
{
	int ntypes = protection->nkeys;

	for (int i = 0; i < protection->nkeys; i++)
		types[i] = key_passed_type(protection->case_key_type[i]);
	if (plan == PLAN_READ_CHAIN || plan == PLAN_REDACT)
	{
		types[ntypes++] = INT8OID;
		types[ntypes++] = INT8OID;
	}
	else if (plan == PLAN_INSERT_LINK)
		types[ntypes++] = TEXTOID;
	return ntypes;
}

int
protection_execute(Protection *protection, ProtectionPlan plan, Datum *values,
				   const char *nulls, bool read_only)
{
	return protection_execute_as_of(protection, plan, values, nulls, GetLatestSnapshot(),
									read_only);
}

int
protection_execute_as_of(Protection *protection, ProtectionPlan plan, Datum *values,
						 const char *nulls, Snapshot snapshot, bool read_only)
{
	Oid save_user;
	int save_context;
	int result;

	GetUserIdAndSecContext(&save_user, &save_context);
	SetUserIdAndSecContext(protection->owner, save_context |
												  SECURITY_LOCAL_USERID_CHANGE |
												  SECURITY_NOFORCE_RLS);

	if (protection->plans[plan] == NULL || !SPI_plan_is_valid(protection->plans[plan]))
	{
		Oid types[MAX_KEY_COLUMNS + 2];
		int ntypes = plan_parameters(protection, plan, types);
		StringInfoData query;
		SPIPlanPtr prepared;

		initStringInfo(&query);
		append_plan_text(&query, protection, plan);
		prepared = SPI_prepare(query.data, ntypes, types);
		if (prepared == NULL)
			elog(ERROR, "SPI_prepare failed: %s for %s",
				 SPI_result_code_string(SPI_result), query.data);
		SPI_keepplan(prepared);
		if (protection->plans[plan] != NULL)
			SPI_freeplan(protection->plans[plan]);
		protection->plans[plan] = prepared;
		pfree(query.data);
	}

	result = SPI_execute_snapshot(protection->plans[plan], values, nulls, snapshot,
								  InvalidSnapshot, read_only, true, 0);
	if (result < 0)
		elog(ERROR, "SPI_execute_snapshot failed: %s", SPI_result_code_string(result));

	SetUserIdAndSecContext(save_user, save_context);
	return result;
}

/* ---------------------------------------------------------------------------
 * Who acts
 * ---------------------------------------------------------------------------
 */

char *
acting_person(const Protection *protection)
{
	if (OidIsValid(protection->actor_function_oid))
	{
		FmgrInfo function;
		LOCAL_FCINFO(fcinfo, 0);
		Datum person;

		fmgr_info(protection->actor_function_oid, &function);
		InitFunctionCallInfoData(*fcinfo, &function, 0, DEFAULT_COLLATION_OID, NULL,
								 NULL);
		person = FunctionCallInvoke(fcinfo);
		if (fcinfo->isnull)
			ereport(
				ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("nobody is known to act"),
				 errdetail("Function %s returned null.", protection->actor_function),
				 errhint("Sign in as the application requires before changing a case.")));
		return value_text(get_func_rettype(protection->actor_function_oid), person);
	}
	if (govcase_actor != NULL && govcase_actor[0] != '\0')
		return pstrdup(govcase_actor);
	return GetUserNameFromId(GetUserId(), false);
}

/* ---------------------------------------------------------------------------
 * What administration in SQL reads
 * ---------------------------------------------------------------------------
 */

static void
put_column(ReturnSetInfo *result, const Protection *protection, const char *role,
		   AttrNumber case_column, AttrNumber link_column, int ordinal)
{
	Datum values[7];
	bool nulls[7] = {false};
	NameData case_name;
	NameData link_name;

	values[0] = ObjectIdGetDatum(protection->cases);
	values[1] = ObjectIdGetDatum(protection->links);
	nulls[1] = !OidIsValid(protection->links);
	values[2] = CStringGetTextDatum(protection->policy);
	values[3] = CStringGetTextDatum(role);
	nulls[4] = case_column == InvalidAttrNumber;
	if (!nulls[4])
		namestrcpy(&case_name, get_attname(protection->cases, case_column, false));
	values[4] = NameGetDatum(&case_name);
	nulls[5] = link_column == InvalidAttrNumber;
	if (!nulls[5])
		namestrcpy(&link_name, get_attname(protection->links, link_column, false));
	values[5] = NameGetDatum(&link_name);
	values[6] = Int32GetDatum(ordinal);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/*
 * protected_columns(regclass) returns setof (cases, links, policy, role,
 * case_column, link_column, ordinal)
 *
 * What the carriers of a protection say, of either of its tables.  Key rows
 * carry both columns.  Errors as protection_of_table().
 */
Datum
govcase_protected_columns(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Protection *protection = protection_of_table(PG_GETARG_OID(0));
	bool has_links = OidIsValid(protection->links);
	int ordinal = 0;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < protection->nkeys; i++)
		put_column(result, protection, "key", protection->case_key[i],
				   has_links ? protection->link_key[i] : InvalidAttrNumber, ++ordinal);
	put_column(result, protection, "state", protection->state, InvalidAttrNumber,
			   ++ordinal);
	if (protection->risk != InvalidAttrNumber)
		put_column(result, protection, "risk", protection->risk, InvalidAttrNumber,
				   ++ordinal);
	for (int i = 0; i < protection->nroles; i++)
		put_column(result, protection, protection->roles[i].role,
				   protection->roles[i].attnum, InvalidAttrNumber, ++ordinal);
	for (int i = 0; has_links && i < LINK_COLUMN_COUNT; i++)
		put_column(result, protection, link_column_name(i), InvalidAttrNumber,
				   protection->link_column[i], ++ordinal);
	return (Datum) 0;
}

/*
 * trigger_arguments(oid) returns text[]
 *
 * The arguments of a trigger, which pg_trigger stores as bytes.  NULL where
 * there is no such trigger.
 */
Datum
govcase_trigger_arguments(PG_FUNCTION_ARGS)
{
	Relation triggers = table_open(TriggerRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;
	ArrayType *arguments = NULL;

	ScanKeyInit(&key, Anum_pg_trigger_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(PG_GETARG_OID(0)));
	scan = systable_beginscan(triggers, TriggerOidIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		int nargs = ((Form_pg_trigger) GETSTRUCT(tuple))->tgnargs;
		Datum *elements = palloc(sizeof(Datum) * (nargs + 1));

		for (int i = 0; i < nargs; i++)
			elements[i] = CStringGetTextDatum(
				stored_trigger_argument(tuple, RelationGetDescr(triggers), i));
		arguments = construct_array(elements, nargs, TEXTOID, -1, false, TYPALIGN_INT);
	}
	systable_endscan(scan);
	table_close(triggers, AccessShareLock);
	if (arguments == NULL)
		PG_RETURN_NULL();
	PG_RETURN_ARRAYTYPE_P(arguments);
}
