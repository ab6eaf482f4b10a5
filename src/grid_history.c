/*
 * grid_history.c
 *		Redistricting (网格调整): the versions of grids and what became of each.
 *
 * Beside a protected table of grids stand two tables of its owner's: one with
 * every version that a grid has had, one that says into which versions the area
 * of an ended one went (design section 8).  They are written here, from the
 * deferred check of the grids, and by nobody else.
 */
#include "grid_history.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "grid.h"
#include "placement.h"
#include "planar.h"

#define HISTORY_CARRIER "history_columns"
#define LINEAGE_CARRIER "lineage_columns"

/* Columns of the two tables, in the order of their carriers' arguments. */
typedef enum HistoryColumn
{
	HISTORY_VERSION,
	HISTORY_GRID,
	HISTORY_REGION,
	HISTORY_KIND,
	HISTORY_GEOM,
	HISTORY_VALID,
	HISTORY_EVENT,
	HISTORY_ENDED_BY,
	HISTORY_COLUMN_COUNT
} HistoryColumn;

typedef enum LineageColumn
{
	LINEAGE_EVENT,
	LINEAGE_FROM_VERSION,
	LINEAGE_TO_VERSION,
	LINEAGE_SHARE,
	LINEAGE_COLUMN_COUNT
} LineageColumn;

static const char *const history_roles[HISTORY_COLUMN_COUNT] = {
	"version", "grid", "region", "kind", "geom", "valid", "event", "ended_by"};
static const char *const lineage_roles[LINEAGE_COLUMN_COUNT] = {"event", "from_version",
																"to_version", "share"};

typedef struct GridHistory
{
	Oid history;
	Oid lineage;
	AttrNumber column[HISTORY_COLUMN_COUNT];
	AttrNumber lineage_column[LINEAGE_COLUMN_COUNT];
} GridHistory;

/* How the version of a grid is looked up when a case is placed in it. */
typedef struct VersionReader
{
	Oid grids;       /* hash key; must be first */
	bool valid;      /* what follows holds */
	Oid history;     /* InvalidOid: these grids have none */
	SPIPlanPtr plan; /* kept; of the open version of a code, NULL: not yet made */
} VersionReader;

static HTAB *version_readers = NULL;

/*
 * A version promised to a case that was placed in a grid whose change this
 * transaction has yet to record.
 */
typedef struct PromisedVersion
{
	Oid history;
	char *code;
	int64 version;
} PromisedVersion;

/* The number of this transaction's redistricting in a history. */
typedef struct GridEvent
{
	Oid history;
	int64 event;
} GridEvent;

/*
 * Both belong to the running transaction.  What a rolled back subtransaction
 * leaves of them does no harm: a number that is used again or not at all.
 */
static List *promised_versions = NIL;
static List *grid_events = NIL;

/* The two tables that may be written just now. */
static Oid writable_history = InvalidOid;
static Oid writable_lineage = InvalidOid;

PG_FUNCTION_INFO_V1(govcase_history_columns);
PG_FUNCTION_INFO_V1(govcase_lineage_columns);
PG_FUNCTION_INFO_V1(govcase_keep_grid_history);
PG_FUNCTION_INFO_V1(govcase_grid_history);
PG_FUNCTION_INFO_V1(govcase_record_grids);
PG_FUNCTION_INFO_V1(govcase_grid_overlap);
PG_FUNCTION_INFO_V1(govcase_grid_version);

static void
refuse_carrier_call(const char *name)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
		 errmsg("function \"%s\" is a carrier of a protection and does nothing", name),
		 errhint("govcase.create_grid_history() makes the tables that bear it.")));
}

/*
 * history_columns, lineage_columns: the functions of the carriers
 *
 * A carrier has WHEN (false) and never fires.  39P01 where somebody calls it.
 */
Datum
govcase_history_columns(PG_FUNCTION_ARGS)
{
	refuse_carrier_call(HISTORY_CARRIER);
	PG_RETURN_NULL();
}

Datum
govcase_lineage_columns(PG_FUNCTION_ARGS)
{
	refuse_carrier_call(LINEAGE_CARRIER);
	PG_RETURN_NULL();
}

/* ---------------------------------------------------------------------------
 * Which tables
 * ---------------------------------------------------------------------------
 */

static void
not_trusted(Oid grids, const char *detail)
{
	ereport(ERROR, (errcode(ERRCODE_VC_NOT_TRUSTED),
					errmsg("history of grids in table \"%s\" cannot be trusted",
						   get_rel_name(grids)),
					errdetail_internal("%s", detail),
					errhint("A history is two tables of the grids' owner, as "
							"govcase.create_grid_history() makes them. Drop both to do "
							"without."),
					err_generic_string(PG_DIAG_SCHEMA_NAME,
									   get_namespace_name(get_rel_namespace(grids))),
					err_generic_string(PG_DIAG_TABLE_NAME, get_rel_name(grids))));
}

/* Does the trigger name this grid set, and its table belong to the owner? */
static bool
is_carrier_of(HeapTuple trigger, TupleDesc descriptor, Oid owner, const char *grid_set)
{
	bool isnull;
	Datum arguments = heap_getattr(trigger, Anum_pg_trigger_tgargs, descriptor, &isnull);
	HeapTuple class;
	bool same_owner;

	if (isnull || ((Form_pg_trigger) GETSTRUCT(trigger))->tgnargs == 0 ||
		strcmp(VARDATA_ANY(DatumGetByteaPP(arguments)), grid_set) != 0)
		return false;
	class = SearchSysCache1(
		RELOID, ObjectIdGetDatum(((Form_pg_trigger) GETSTRUCT(trigger))->tgrelid));
	if (!HeapTupleIsValid(class))
		return false;
	same_owner = ((Form_pg_class) GETSTRUCT(class))->relowner == owner;
	ReleaseSysCache(class);
	return same_owner;
}

/*
 * The table of the grids' owner whose carrier names the grid set; InvalidOid
 * where there is none, VC007 where there are several.
 */
static Oid
find_carrier_table(const GridProtection *protection, const char *carrier)
{
	Oid found = InvalidOid;
	Relation depend = table_open(DependRelationId, AccessShareLock);
	Relation triggers = table_open(TriggerRelationId, AccessShareLock);
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple tuple;

	ScanKeyInit(&key[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(ProcedureRelationId));
	ScanKeyInit(&key[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(govcase_trigger_function_oid(carrier)));
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
		if (HeapTupleIsValid(trigger) &&
			is_carrier_of(trigger, RelationGetDescr(triggers), protection->owner,
						  protection->grid_set_text))
		{
			if (OidIsValid(found))
				not_trusted(
					protection->grids,
					psprintf(
						"Two triggers, on \"%s\" and on \"%s\", claim to "
						"carry it.",
						get_rel_name(found),
						get_rel_name(((Form_pg_trigger) GETSTRUCT(trigger))->tgrelid)));
			found = ((Form_pg_trigger) GETSTRUCT(trigger))->tgrelid;
		}
		systable_endscan(trigger_scan);
	}
	systable_endscan(scan);
	table_close(triggers, AccessShareLock);
	table_close(depend, AccessShareLock);
	return found;
}

/* Fill in which column bears which role, from the carrier on the table. */
static void
read_carrier(const GridProtection *protection, Oid table, const char *carrier,
			 const char *const *roles, int nroles, AttrNumber *columns)
{
	Oid function = govcase_trigger_function_oid(carrier);
	Relation relation = table_open(table, AccessShareLock);

	memset(columns, 0, sizeof(AttrNumber) * nroles);
	for (int i = 0; i < relation->trigdesc->numtriggers; i++)
	{
		const Trigger *trigger = &relation->trigdesc->triggers[i];

		if (trigger->tgfoid != function)
			continue;
		for (int n = 0; n < trigger->tgnattr && n + 1 < trigger->tgnargs; n++)
		{
			for (int role = 0; role < nroles; role++)
			{
				if (strcmp(trigger->tgargs[n + 1], roles[role]) == 0)
					columns[role] = trigger->tgattr[n];
			}
		}
	}
	table_close(relation, NoLock);
	for (int role = 0; role < nroles; role++)
	{
		if (columns[role] == InvalidAttrNumber)
			not_trusted(protection->grids,
						psprintf("Table \"%s\" has no column for \"%s\".",
								 get_rel_name(table), roles[role]));
	}
}

/* False where the grids have no history.  VC007 where it cannot be trusted. */
static bool
find_grid_history(const GridProtection *protection, GridHistory *history)
{
	history->history = find_carrier_table(protection, HISTORY_CARRIER);
	history->lineage = find_carrier_table(protection, LINEAGE_CARRIER);
	if (!OidIsValid(history->history) && !OidIsValid(history->lineage))
		return false;
	if (!OidIsValid(history->history) || !OidIsValid(history->lineage))
		not_trusted(protection->grids, OidIsValid(history->history)
										   ? "The table of its lineage is missing."
										   : "The table of its versions is missing.");
	read_carrier(protection, history->history, HISTORY_CARRIER, history_roles,
				 HISTORY_COLUMN_COUNT, history->column);
	read_carrier(protection, history->lineage, LINEAGE_CARRIER, lineage_roles,
				 LINEAGE_COLUMN_COUNT, history->lineage_column);
	return true;
}

static void
check_owner(const GridProtection *protection)
{
	if (!has_privs_of_role(GetUserId(), protection->owner))
		aclcheck_error(ACLCHECK_NOT_OWNER,
					   get_relkind_objtype(get_rel_relkind(protection->grids)),
					   get_rel_name(protection->grids));
}

/* ---------------------------------------------------------------------------
 * Queries
 * ---------------------------------------------------------------------------
 */

static char *
quoted_table(Oid table)
{
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(table)),
									  get_rel_name(table));
}

static const char *
quoted_column(Oid table, AttrNumber attnum)
{
	return quote_identifier(get_attname(table, attnum, false));
}

/* A column of grids, or a null of the type that the history has for it. */
static char *
grids_column(const GridProtection *protection, AttrNumber attnum, Oid type)
{
	if (attnum == InvalidAttrNumber)
		return psprintf("NULL::%s", format_type_be_qualified(type));
	return psprintf("g.%s", quoted_column(protection->grids, attnum));
}

/* What stands for a name in a query; see with_names(). */
static const char *
name_in_query(const GridProtection *protection, const GridHistory *history,
			  const char *name)
{
	if (strcmp(name, "grids") == 0)
		return quoted_table(protection->grids);
	if (strcmp(name, "history") == 0)
		return quoted_table(history->history);
	if (strcmp(name, "lineage") == 0)
		return quoted_table(history->lineage);
	if (strcmp(name, "postgis") == 0)
		return quote_identifier(get_namespace_name(postgis_schema()));
	if (strcmp(name, "key") == 0)
		return format_type_be_qualified(
			get_atttype(history->history, history->column[HISTORY_GRID]));
	for (int i = 0; i < HISTORY_COLUMN_COUNT; i++)
	{
		if (strcmp(name, history_roles[i]) == 0)
			return quoted_column(history->history, history->column[i]);
	}
	for (int i = 0; i < LINEAGE_COLUMN_COUNT; i++)
	{
		if (strncmp(name, "l.", 2) == 0 && strcmp(name + 2, lineage_roles[i]) == 0)
			return quoted_column(history->lineage, history->lineage_column[i]);
	}
	if (strcmp(name, "g.grid") == 0)
		return grids_column(protection, protection->code, TEXTOID);
	if (strcmp(name, "g.region") == 0)
		return grids_column(
			protection, protection->region,
			get_atttype(history->history, history->column[HISTORY_REGION]));
	if (strcmp(name, "g.kind") == 0)
		return grids_column(protection, protection->kind,
							get_atttype(history->history, history->column[HISTORY_KIND]));
	if (strcmp(name, "g.geom") == 0)
		return grids_column(protection, protection->boundary, geometry_type_oid());
	elog(ERROR, "no name stands for {%s}", name);
	return NULL;
}

/*
 * Put names into a query: {grids}, {history} and {lineage} are the tables,
 * {version} and the like columns of the history, {l.share} and the like of its
 * lineage, {g.grid}, {g.region}, {g.kind} and {g.geom} those of the grids, whose
 * alias is g, and {key} the type of a grid's code.
 */
static char *
with_names(const GridProtection *protection, const GridHistory *history,
		   const char *query)
{
	StringInfoData text;
	const char *open;

	initStringInfo(&text);
	while ((open = strchr(query, '{')) != NULL)
	{
		const char *close = strchr(open, '}');

		appendBinaryStringInfo(&text, query, open - query);
		appendStringInfoString(
			&text,
			name_in_query(protection, history, pnstrdup(open + 1, close - open - 1)));
		query = close + 1;
	}
	appendStringInfoString(&text, query);
	return text.data;
}

/*
 * What all queries here may ask for.  $1 codes, $2 the time, $3 the event,
 * $4 and $5 codes and versions promised to them, $6 the tolerance.
 */
enum
{
	ARGUMENT_CODES,
	ARGUMENT_TIME,
	ARGUMENT_EVENT,
	ARGUMENT_PROMISED_CODES,
	ARGUMENT_PROMISED_VERSIONS,
	ARGUMENT_TOLERANCE,
	ARGUMENT_COUNT
};

/*
 * Run a query with the latest snapshot: under REPEATABLE READ, too, a history
 * follows what is in the table and not what the transaction remembers of it.
 */
static void
run_query(const GridProtection *protection, const GridHistory *history, const char *query,
		  Datum *values)
{
	Oid types[ARGUMENT_COUNT] = {TEXTARRAYOID, TIMESTAMPTZOID, INT8OID,
								 TEXTARRAYOID, INT8ARRAYOID,   FLOAT8OID};
	char *text = with_names(protection, history, query);
	SPIPlanPtr plan = SPI_prepare(text, ARGUMENT_COUNT, types);
	int result;

	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s for %s", SPI_result_code_string(SPI_result),
			 text);
	CommandCounterIncrement();
	result = SPI_execute_snapshot(plan, values, NULL, GetLatestSnapshot(),
								  InvalidSnapshot, false, true, 0);
	if (result < 0)
		elog(ERROR, "SPI_execute_snapshot failed: %s", SPI_result_code_string(result));
	SPI_freeplan(plan);
}

/* A value of the one row that the last query gave. */
static Datum
result_value(int column, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, isnull);
}

/*
 * Act as the owner, whatever the caller's search_path says, as queries of
 * foreign keys do.
 */
typedef struct SavedUser
{
	Oid user;
	int context;
	int guc_level;
} SavedUser;

static void
act_as_owner(Oid owner, SavedUser *saved)
{
	GetUserIdAndSecContext(&saved->user, &saved->context);
	saved->guc_level = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	SetUserIdAndSecContext(owner, saved->context | SECURITY_LOCAL_USERID_CHANGE |
									  SECURITY_NOFORCE_RLS);
}

static void
act_as_before(const SavedUser *saved)
{
	AtEOXact_GUC(false, saved->guc_level);
	SetUserIdAndSecContext(saved->user, saved->context);
}

/* ---------------------------------------------------------------------------
 * Events and promises of the running transaction
 * ---------------------------------------------------------------------------
 */

static void
forget_transaction(XactEvent event, void *argument pg_attribute_unused())
{
	/* Their memory is the transaction's. */
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT ||
		event == XACT_EVENT_PREPARE)
	{
		promised_versions = NIL;
		grid_events = NIL;
		writable_history = writable_lineage = InvalidOid;
	}
}

static int64
next_number(Oid table, AttrNumber attnum)
{
	char *name = psprintf("SELECT nextval(pg_get_serial_sequence(%s, %s)::regclass)",
						  quote_literal_cstr(quoted_table(table)),
						  quote_literal_cstr(get_attname(table, attnum, false)));
	bool isnull;
	int64 number;

	if (SPI_execute(name, false, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "could not take a number for column %d of table %u", attnum, table);
	number = DatumGetInt64(result_value(1, &isnull));
	if (isnull)
		ereport(ERROR, (errcode(ERRCODE_VC_NOT_TRUSTED),
						errmsg("column \"%s\" of table \"%s\" has lost its sequence",
							   get_attname(table, attnum, false), get_rel_name(table)),
						errhint("ALTER SEQUENCE … OWNED BY gives it back.")));
	return number;
}

/* The number of this transaction's event; 0 where it has none yet. */
static int64
own_event(Oid history)
{
	ListCell *cell;

	foreach (cell, grid_events)
	{
		GridEvent *event = lfirst(cell);

		if (event->history == history)
			return event->event;
	}
	return 0;
}

static int64
begin_event(const GridHistory *history)
{
	int64 number = next_number(history->history, history->column[HISTORY_EVENT]);
	MemoryContext old = MemoryContextSwitchTo(TopTransactionContext);
	GridEvent *event = palloc(sizeof(GridEvent));

	event->history = history->history;
	event->event = number;
	grid_events = lappend(grid_events, event);
	MemoryContextSwitchTo(old);
	return number;
}

/* The promises made for a history, as arrays of codes and versions. */
static void
promises_as_arrays(Oid history, Datum *codes, Datum *versions)
{
	ArrayBuildState *code_array = initArrayResult(TEXTOID, CurrentMemoryContext, false);
	ArrayBuildState *version_array =
		initArrayResult(INT8OID, CurrentMemoryContext, false);
	ListCell *cell;

	foreach (cell, promised_versions)
	{
		PromisedVersion *promise = lfirst(cell);

		if (promise->history != history)
			continue;
		accumArrayResult(code_array, CStringGetTextDatum(promise->code), false, TEXTOID,
						 CurrentMemoryContext);
		accumArrayResult(version_array, Int64GetDatum(promise->version), false, INT8OID,
						 CurrentMemoryContext);
	}
	*codes = makeArrayResult(code_array, CurrentMemoryContext);
	*versions = makeArrayResult(version_array, CurrentMemoryContext);
}

/* ---------------------------------------------------------------------------
 * Recording
 * ---------------------------------------------------------------------------
 */

/* Grids that are not as their open version says. */
static const char changed_grids[] =
	"WITH mentioned AS (SELECT DISTINCT c::{key} AS code FROM unnest($1) AS c),"
	" present AS (SELECT {g.grid} AS code, ROW({g.region}, {g.kind}, {g.geom}) AS looks"
	"  FROM {grids} AS g WHERE {g.grid} IN (SELECT code FROM mentioned)),"
	" recorded AS (SELECT h.{grid} AS code, h.{event} AS event,"
	"   ROW(h.{region}, h.{kind}, h.{geom}) AS looks"
	"  FROM {history} AS h"
	"  WHERE h.{grid} IN (SELECT code FROM mentioned) AND upper_inf(h.{valid})) "
	"SELECT array_agg(coalesce(p.code, r.code)::text) "
	"FROM present AS p FULL JOIN recorded AS r ON r.code = p.code "
	"WHERE p.code IS NULL OR r.code IS NULL OR p.looks *<> r.looks"
	" OR r.event <> $3 AND p.code::text IN (SELECT unnest($4))";

/* The clock, but later than whatever it said before about these grids. */
static const char event_time[] =
	"SELECT greatest(clock_timestamp(), max(CASE WHEN upper_inf(h.{valid})"
	"  THEN lower(h.{valid}) + '1 microsecond'::interval ELSE upper(h.{valid}) END)) "
	"FROM {history} AS h WHERE h.{grid} IN (SELECT c::{key} FROM unnest($1) AS c)";

/*
 * In this order, since a grid has one open version at a time.  The first three
 * are about what this very transaction has recorded before: nobody else has seen
 * that yet.
 */
static const char *const recording[] = {
	"DELETE FROM {lineage} WHERE {l.event} = $3",

	"DELETE FROM {history} AS h WHERE h.{event} = $3 AND upper_inf(h.{valid})"
	" AND h.{grid} IN (SELECT c::{key} FROM unnest($1) AS c)"
	" AND NOT EXISTS (SELECT FROM {grids} AS g WHERE {g.grid} = h.{grid})",

	"UPDATE {history} AS h SET {region} = {g.region}, {kind} = {g.kind},"
	"  {geom} = {g.geom} "
	"FROM {grids} AS g WHERE {g.grid} = h.{grid} AND h.{event} = $3"
	" AND upper_inf(h.{valid}) AND h.{grid} IN (SELECT c::{key} FROM unnest($1) AS c)",

	"UPDATE {history} AS h SET {valid} = tstzrange(lower(h.{valid}), $2),"
	"  {ended_by} = $3 "
	"WHERE h.{event} <> $3 AND upper_inf(h.{valid})"
	" AND h.{grid} IN (SELECT c::{key} FROM unnest($1) AS c)",

	"INSERT INTO {history} ({version}, {grid}, {region}, {kind}, {geom}, {valid}, "
	"{event}) "
	"OVERRIDING SYSTEM VALUE "
	"SELECT p.version, {g.grid}, {g.region}, {g.kind}, {g.geom}, tstzrange($2, NULL), $3 "
	"FROM unnest($4, $5) AS p(code, version)"
	" JOIN {grids} AS g ON {g.grid} = p.code::{key} "
	"WHERE p.code IN (SELECT unnest($1)) AND NOT EXISTS (SELECT FROM {history} AS h"
	"  WHERE h.{grid} = {g.grid} AND upper_inf(h.{valid}))",

	"INSERT INTO {history} ({grid}, {region}, {kind}, {geom}, {valid}, {event}) "
	"SELECT {g.grid}, {g.region}, {g.kind}, {g.geom}, tstzrange($2, NULL), $3 "
	"FROM {grids} AS g WHERE {g.grid} IN (SELECT c::{key} FROM unnest($1) AS c)"
	" AND NOT EXISTS (SELECT FROM {history} AS h"
	"  WHERE h.{grid} = {g.grid} AND upper_inf(h.{valid})) "
	"ORDER BY {g.grid} COLLATE \"C\"",

	/*
	 * The heirs of an ended grid are of its own kind, or of any where nothing of
	 * its kind is left in its place.
	 */
	"WITH heir AS MATERIALIZED (SELECT f.{version} AS from_version,"
	"  t.{version} AS to_version, t.{kind} IS NOT DISTINCT FROM f.{kind} AS same_kind,"
	"  o.share"
	"  FROM {history} AS f JOIN {history} AS t"
	"   ON t.{geom} OPERATOR({postgis}.&&) f.{geom} AND upper_inf(t.{valid})"
	"  CROSS JOIN LATERAL govcase.grid_overlap(f.{geom}, t.{geom}) AS o"
	"  WHERE f.{ended_by} = $3 AND (o.area > $6 OR o.share > 0.01)) "
	"INSERT INTO {lineage} ({l.event}, {l.from_version}, {l.to_version}, {l.share}) "
	"SELECT $3, h.from_version, h.to_version, h.share FROM heir AS h "
	"WHERE h.same_kind OR NOT EXISTS (SELECT FROM heir AS o"
	"  WHERE o.from_version = h.from_version AND o.same_kind) "
	"ORDER BY h.from_version, h.to_version"};

static void
record_changes(const GridProtection *protection, const GridHistory *history, Datum codes)
{
	Datum values[ARGUMENT_COUNT];
	bool isnull;
	int64 event = own_event(history->history);

	values[ARGUMENT_CODES] = codes;
	values[ARGUMENT_TIME] = TimestampTzGetDatum(0);
	values[ARGUMENT_EVENT] = Int64GetDatum(event);
	values[ARGUMENT_TOLERANCE] = Float8GetDatum(protection->tolerance);
	promises_as_arrays(history->history, &values[ARGUMENT_PROMISED_CODES],
					   &values[ARGUMENT_PROMISED_VERSIONS]);

	run_query(protection, history, changed_grids, values);
	values[ARGUMENT_CODES] = result_value(1, &isnull);
	if (isnull)
		return;
	if (event == 0)
		values[ARGUMENT_EVENT] = Int64GetDatum(begin_event(history));
	run_query(protection, history, event_time, values);
	values[ARGUMENT_TIME] = result_value(1, &isnull);
	for (int i = 0; i < (int) lengthof(recording); i++)
		run_query(protection, history, recording[i], values);
	/* Placement remembers the versions of grids. */
	CacheInvalidateRelcacheByRelid(protection->grids);
}

/* Codes of all grids that there are, or were until now. */
static const char all_grids[] =
	"SELECT array_agg(code) FROM (SELECT {g.grid}::text FROM {grids} AS g UNION "
	"SELECT h.{grid}::text FROM {history} AS h WHERE upper_inf(h.{valid})) AS a(code)";

/* The codes that a query finds, as one array; false where it finds none. */
static bool
codes_found(const GridProtection *protection, const GridHistory *history,
			const char *query, Datum *codes)
{
	Datum values[ARGUMENT_COUNT];
	Datum none = PointerGetDatum(construct_empty_array(TEXTOID));
	bool isnull;

	memset(values, 0, sizeof(values));
	values[ARGUMENT_CODES] = values[ARGUMENT_PROMISED_CODES] = none;
	values[ARGUMENT_PROMISED_VERSIONS] = PointerGetDatum(construct_empty_array(INT8OID));
	values[ARGUMENT_TOLERANCE] = Float8GetDatum(0);
	run_query(protection, history, query, values);
	*codes = result_value(1, &isnull);
	return !isnull;
}

/* Record changes of the grids with these codes; NULL: of whichever there are. */
static void
record_as_owner(const GridProtection *protection, const GridHistory *history,
				ArrayType *codes)
{
	Oid save_history = writable_history;
	Oid save_lineage = writable_lineage;
	SavedUser saved;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	act_as_owner(protection->owner, &saved);
	writable_history = history->history;
	writable_lineage = history->lineage;
	PG_TRY();
	{
		Datum all;

		if (codes != NULL)
			record_changes(protection, history, PointerGetDatum(codes));
		else if (codes_found(protection, history, all_grids, &all))
			record_changes(protection, history, all);
	}
	PG_FINALLY();
	{
		writable_history = save_history;
		writable_lineage = save_lineage;
	}
	PG_END_TRY();
	act_as_before(&saved);
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed");
}

/* The hook of room grid. */
static void
record_grid_history(GridProtection *protection, List *changes)
{
	GridHistory history;
	ArrayBuildState *codes;
	ListCell *cell;

	if (!find_grid_history(protection, &history))
		return;
	if (changes == NIL)
	{
		record_as_owner(protection, &history, NULL);
		return;
	}
	codes = initArrayResult(TEXTOID, CurrentMemoryContext, false);
	foreach (cell, changes)
		accumArrayResult(codes, CStringGetTextDatum(((GridChange *) lfirst(cell))->code),
						 false, TEXTOID, CurrentMemoryContext);
	record_as_owner(protection, &history,
					DatumGetArrayTypeP(makeArrayResult(codes, CurrentMemoryContext)));
}

/*
 * record_grids(regclass) returns void
 *
 * Records all that changed since the history was last written: everything, where
 * it is new.  For the grids' owner (42501); 42P17 where they are not protected or
 * have no history.
 */
Datum
govcase_record_grids(PG_FUNCTION_ARGS)
{
	GridProtection *protection = protection_of_grids_table(PG_GETARG_OID(0));
	GridHistory history;

	check_owner(protection);
	if (!find_grid_history(protection, &history))
		ereport(ERROR, (errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
						errmsg("grids of table \"%s\" have no history",
							   get_rel_name(protection->grids)),
						errhint("govcase.create_grid_history() makes one.")));
	record_as_owner(protection, &history, NULL);
	PG_RETURN_VOID();
}

/*
 * keep_grid_history: BEFORE INSERT OR UPDATE OR DELETE FOR EACH ROW and BEFORE
 * TRUNCATE on a history and on its lineage
 *
 * Refuses whatever is not the recording of a redistricting (VC003).
 */
Datum
govcase_keep_grid_history(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	Relation relation;
	const char *verb;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(trigdata->tg_event))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("function \"%s\" was not called as the trigger that it is",
							   "keep_grid_history"),
						errhint("govcase.create_grid_history() creates it.")));
	relation = trigdata->tg_relation;
	if (RelationGetRelid(relation) == writable_history ||
		RelationGetRelid(relation) == writable_lineage)
		return PointerGetDatum(TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event)
								   ? trigdata->tg_newtuple
								   : trigdata->tg_trigtuple);
	if (TRIGGER_FIRED_BY_INSERT(trigdata->tg_event))
		verb = "INSERT";
	else if (TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event))
		verb = "UPDATE";
	else if (TRIGGER_FIRED_BY_DELETE(trigdata->tg_event))
		verb = "DELETE";
	else
		verb = "TRUNCATE";
	ereport(
		ERROR,
		(errcode(ERRCODE_VC_APPEND_ONLY),
		 errmsg("%s on table \"%s\" is not allowed", verb,
				RelationGetRelationName(relation)),
		 errdetail("The history of grids is append-only, and govcase alone writes it."),
		 errhint("Change the grids: what they were stays here."), errtable(relation)));
	return PointerGetDatum(NULL);
}

/* ---------------------------------------------------------------------------
 * The version that a case is placed in
 * ---------------------------------------------------------------------------
 */

static void
forget_version_readers(Datum argument pg_attribute_unused(), Oid relation)
{
	HASH_SEQ_STATUS status;
	VersionReader *reader;

	hash_seq_init(&status, version_readers);
	while ((reader = hash_seq_search(&status)) != NULL)
	{
		if (!OidIsValid(relation) || reader->grids == relation ||
			reader->history == relation)
			reader->valid = false;
	}
}

static VersionReader *
version_reader(Oid grids)
{
	VersionReader *reader;
	GridProtection *protection;
	GridHistory history;
	bool found;
	SPIPlanPtr plan = NULL;

	if (version_readers == NULL)
	{
		HASHCTL control;

		memset(&control, 0, sizeof(control));
		control.keysize = sizeof(Oid);
		control.entrysize = sizeof(VersionReader);
		version_readers = hash_create("govcase histories of grids", 8, &control,
									  HASH_ELEM | HASH_BLOBS);
		CacheRegisterRelcacheCallback(forget_version_readers, (Datum) 0);
	}
	reader = hash_search(version_readers, &grids, HASH_ENTER, &found);
	if (!found)
	{
		reader->valid = false;
		reader->plan = NULL;
	}
	if (reader->valid)
		return reader;
	if (reader->plan != NULL)
	{
		plan = reader->plan;
		reader->plan = NULL;
		SPI_freeplan(plan);
	}
	/* Set before reading, so that an invalidation meanwhile is not lost. */
	reader->valid = true;
	reader->history = InvalidOid;
	protection = protection_of_grids_table(grids);
	if (find_grid_history(protection, &history))
	{
		Oid type = TEXTOID;

		reader->history = history.history;
		/* The last one, where a redistricting has just ended the open one. */
		plan = SPI_prepare(with_names(protection, &history,
									  "SELECT h.{version}, h.{event} FROM {history} AS h "
									  "WHERE h.{grid} = $1::{key} "
									  "ORDER BY h.{valid} DESC LIMIT 1"),
						   1, &type);
		if (plan == NULL)
			elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
		SPI_keepplan(plan);
		reader->plan = plan;
	}
	return reader;
}

/* The version that this grid's pending change will be recorded as. */
static int64
promised_version(const GridHistory *history, const char *code)
{
	PromisedVersion *promise;
	ListCell *cell;
	int64 version;
	MemoryContext old;

	foreach (cell, promised_versions)
	{
		promise = lfirst(cell);
		if (promise->history == history->history && strcmp(promise->code, code) == 0)
			return promise->version;
	}
	version = next_number(history->history, history->column[HISTORY_VERSION]);
	old = MemoryContextSwitchTo(TopTransactionContext);
	promise = palloc(sizeof(PromisedVersion));
	promise->history = history->history;
	promise->code = pstrdup(code);
	promise->version = version;
	promised_versions = lappend(promised_versions, promise);
	MemoryContextSwitchTo(old);
	return version;
}

/* The hook of room placement. */
static bool
find_current_version(Oid grids, const char *code, Snapshot snapshot, int64 *version)
{
	VersionReader *reader;
	SavedUser saved;
	Datum value = CStringGetTextDatum(code);
	bool isnull;
	bool found;
	bool own = false;
	GridProtection *protection;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	protection = protection_of_grids_table(grids);
	act_as_owner(protection->owner, &saved);
	reader = version_reader(grids);
	if (reader->plan == NULL)
	{
		act_as_before(&saved);
		SPI_finish();
		return false;
	}
	if (SPI_execute_snapshot(reader->plan, &value, NULL, snapshot, InvalidSnapshot, true,
							 false, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read the history of grids in table %u", grids);
	found = SPI_processed == 1;
	if (found)
	{
		*version = DatumGetInt64(result_value(1, &isnull));
		own = DatumGetInt64(result_value(2, &isnull)) == own_event(reader->history);
	}
	if (!own && grid_change_is_pending(grids, code))
	{
		GridHistory history;

		protection = protection_of_grids_table(grids);
		found = find_grid_history(protection, &history);
		if (found)
			*version = promised_version(&history, code);
	}
	act_as_before(&saved);
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed");
	return found;
}

void
init_grid_history(void)
{
	grid_history_hook = record_grid_history;
	grid_version_hook = find_current_version;
	RegisterXactCallback(forget_transaction, NULL);
}

/*
 * grid_version(grids regclass, code text) returns bigint
 *
 * The version of a grid that a case placed in it now bears, as the trigger of
 * place_by() would find it; of a grid that is no more, its last.  NULL where the
 * grids have no history, or no grid ever had this code.  STRICT.  VOLATILE: a grid
 * that this transaction has changed is promised its version here.  Errors: 42501
 * without the right to read the grids, 42P17 where they are not protected, VC007.
 */
Datum
govcase_grid_version(PG_FUNCTION_ARGS)
{
	Oid grids = PG_GETARG_OID(0);
	GridProtection *protection = protection_of_grids_table(grids);
	Snapshot snapshot;
	int64 version;
	bool found;

	if (pg_class_aclcheck(grids, GetUserId(), ACL_SELECT) != ACLCHECK_OK &&
		pg_attribute_aclcheck(grids, protection->code, GetUserId(), ACL_SELECT) !=
			ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, get_relkind_objtype(get_rel_relkind(grids)),
					   get_rel_name(grids));
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	found = find_current_version(grids, text_to_cstring(PG_GETARG_TEXT_PP(1)), snapshot,
								 &version);
	UnregisterSnapshot(snapshot);
	if (!found)
		PG_RETURN_NULL();
	PG_RETURN_INT64(version);
}

/* ---------------------------------------------------------------------------
 * Shares
 * ---------------------------------------------------------------------------
 */

static Datum
call_postgis(const char *name, Datum geometry)
{
	Oid type = geometry_type_oid();

	return OidFunctionCall1(postgis_function(name, 1, &type), geometry);
}

static PlanarShape *
shape_of(Datum geometry)
{
	return read_planar_shape(DatumGetByteaPP(call_postgis("st_asbinary", geometry)));
}

/*
 * grid_overlap(one geometry, other geometry) returns (share, area)
 *
 * How many square metres the two have in common, and what share of the first
 * that is; STRICT.  Errors: those of PostGIS for invalid boundaries and mixed
 * SRIDs, 22023 for an SRID that is no map.
 */
Datum
govcase_grid_overlap(PG_FUNCTION_ARGS)
{
	Datum one = PG_GETARG_DATUM(0);
	Datum other = PG_GETARG_DATUM(1);
	CoordinateSystem *system = fcinfo->flinfo->fn_extra;
	int32 srid = DatumGetInt32(call_postgis("st_srid", one));
	PlanarShape *shape = shape_of(one);
	PlanarMeasure whole;
	PlanarMeasure common;
	TupleDesc descriptor;
	Datum values[2];
	bool nulls[2] = {false, false};

	if (system == NULL || system->srid != srid)
	{
		system = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(*system));
		if (!read_coordinate_system(srid, system))
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("SRID %d is not that of a map", srid)));
		fcinfo->flinfo->fn_extra = system;
	}
	measure_shape(shape, system, &whole);
	if (interiors_are_apart(shape, shape_of(other)))
		common.area = 0;
	else
	{
		Oid types[3] = {geometry_type_oid(), geometry_type_oid(), FLOAT8OID};
		/* Without a grid to snap to. */
		Datum intersection =
			OidFunctionCall3(postgis_function("st_intersection", 3, types), one, other,
							 Float8GetDatum(-1));

		measure_shape(shape_of(intersection), system, &common);
	}
	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = Float8GetDatum(whole.area > 0 ? Min(common.area / whole.area, 1.0) : 0.0);
	values[1] = Float8GetDatum(common.area);
	PG_RETURN_DATUM(
		HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor), values, nulls)));
}

/* ---------------------------------------------------------------------------
 * What SQL reads
 * ---------------------------------------------------------------------------
 */

static Datum
column_names(Oid table, const AttrNumber *columns, int ncolumns)
{
	Datum names[HISTORY_COLUMN_COUNT];

	for (int i = 0; i < ncolumns; i++)
		names[i] = CStringGetTextDatum(get_attname(table, columns[i], false));
	return PointerGetDatum(construct_array(names, ncolumns, TEXTOID, -1, false, 'i'));
}

/*
 * grid_history(grids regclass) returns (history regclass, lineage regclass,
 * columns text[], lineage_columns text[])
 *
 * The history of protected grids, with its columns in the order in which
 * create_grid_history() makes them.  All null where there is none.  Errors:
 * 42P17 where the grids are not protected, VC007.
 */
Datum
govcase_grid_history(PG_FUNCTION_ARGS)
{
	GridProtection *protection = protection_of_grids_table(PG_GETARG_OID(0));
	GridHistory history;
	TupleDesc descriptor;
	Datum values[4] = {0};
	bool nulls[4] = {true, true, true, true};

	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	if (find_grid_history(protection, &history))
	{
		values[0] = ObjectIdGetDatum(history.history);
		values[1] = ObjectIdGetDatum(history.lineage);
		values[2] = column_names(history.history, history.column, HISTORY_COLUMN_COUNT);
		values[3] =
			column_names(history.lineage, history.lineage_column, LINEAGE_COLUMN_COUNT);
		memset(nulls, false, sizeof(nulls));
	}
	PG_RETURN_DATUM(
		HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor), values, nulls)));
}
