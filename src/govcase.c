/*
 * govcase.c
 *		Module entry point: settings and look-ups that every room needs.
 */
#include "govcase.h"

#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "grid_history.h"

GOVCASE_MODULE_MAGIC;

char *govcase_actor = NULL;
char *govcase_happened_at = NULL;
/* Only SQL functions of a registry read these. */
static char *govcase_account = NULL;
static char *govcase_token = NULL;
static char *govcase_import = NULL;
int govcase_clock_skew = 300;
int govcase_placement_memory = 65536;

void _PG_init(void);

void
_PG_init(void)
{
	DefineCustomStringVariable(
		"govcase.actor", "Account that acts, as recorded on links.",
		"Empty: the database user. Ignored where a protection names an actor function.",
		&govcase_actor, "", PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomStringVariable(
		"govcase.happened_at",
		"When a registration or transition happened, where that is not now.", NULL,
		&govcase_happened_at, "", PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomStringVariable(
		"govcase.account", "Account on whose behalf a vouched role of a registry acts.",
		"Ignored for other roles.", &govcase_account, "", PGC_USERSET, 0, NULL, NULL,
		NULL);
	DefineCustomStringVariable(
		"govcase.token",
		"Session of an account, as a registry's open_session() issued it.",
		"Ignored for roles that are not trusted by token.", &govcase_token, "",
		PGC_USERSET, GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE, NULL, NULL, NULL);
	DefineCustomStringVariable(
		"govcase.import",
		"Key of the import that staged rows belong to, as start_import() set it.", NULL,
		&govcase_import, "", PGC_USERSET, GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE, NULL, NULL,
		NULL);
	DefineCustomIntVariable("govcase.clock_skew",
							"How far in the future a link may say that it happened.",
							NULL, &govcase_clock_skew, 300, 0, 86400, PGC_SUSET,
							GUC_UNIT_S, NULL, NULL, NULL);
	DefineCustomIntVariable("govcase.placement_memory",
							"Memory that a session keeps boundaries in, to place points.",
							"What is used least is dropped, and read again when needed.",
							&govcase_placement_memory, 65536, 64, MAX_KILOBYTES,
							PGC_USERSET, GUC_UNIT_KB, NULL, NULL, NULL);
	MarkGUCPrefixReserved("govcase");
	init_grid_history();
}

Oid
govcase_type_oid(const char *name)
{
	Oid schema = get_namespace_oid(GOVCASE_SCHEMA, false);
	Oid type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum(name),
							   ObjectIdGetDatum(schema));

	if (!OidIsValid(type))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
						errmsg("type \"%s.%s\" does not exist", GOVCASE_SCHEMA, name),
						errhint("Create extension govcase in this database.")));
	return type;
}

Oid
govcase_relation_oid(const char *name)
{
	Oid schema = get_namespace_oid(GOVCASE_SCHEMA, false);
	Oid relation = get_relname_relid(name, schema);

	if (!OidIsValid(relation))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("relation \"%s.%s\" does not exist", GOVCASE_SCHEMA, name),
						errhint("Create extension govcase in this database.")));
	return relation;
}

Oid
govcase_trigger_function_oid(const char *name)
{
	Oid schema = get_namespace_oid(GOVCASE_SCHEMA, false);
	oidvector *no_arguments = buildoidvector(NULL, 0);
	Oid function =
		GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum(name),
						PointerGetDatum(no_arguments), ObjectIdGetDatum(schema));

	if (!OidIsValid(function))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_FUNCTION),
						errmsg("function \"%s.%s\" does not exist", GOVCASE_SCHEMA, name),
						errhint("Create extension govcase in this database.")));
	return function;
}

#ifdef GOVCASE_OWN_MATERIALIZED_SRF
/*
 * Prepare a set-returning function's tuplestore and row type, as
 * InitMaterializedSRF does without flags.  Errors: 0A000 where the caller takes
 * no set or no tuplestore.
 */
void
govcase_materialized_srf(FunctionCallInfo fcinfo)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext old_context;
	TupleDesc row_type;

	if (result == NULL || !IsA(result, ReturnSetInfo))
		ereport(
			ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("set-valued function called in context that cannot accept a set")));
	if ((result->allowedModes & SFRM_Materialize) == 0)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("materialize mode required, but it is not allowed in this "
							   "context")));

	old_context = MemoryContextSwitchTo(result->econtext->ecxt_per_query_memory);
	if (get_call_result_type(fcinfo, NULL, &row_type) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	result->returnMode = SFRM_Materialize;
	result->setResult = tuplestore_begin_heap(
		(result->allowedModes & SFRM_Materialize_Random) != 0, false, work_mem);
	result->setDesc = row_type;
	MemoryContextSwitchTo(old_context);
}
#endif
