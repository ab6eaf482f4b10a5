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

GOVCASE_MODULE_MAGIC;

char *govcase_actor = NULL;
char *govcase_happened_at = NULL;
int govcase_clock_skew = 300;

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
	DefineCustomIntVariable("govcase.clock_skew",
							"How far in the future a link may say that it happened.",
							NULL, &govcase_clock_skew, 300, 0, 86400, PGC_SUSET,
							GUC_UNIT_S, NULL, NULL, NULL);
	MarkGUCPrefixReserved("govcase");
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
