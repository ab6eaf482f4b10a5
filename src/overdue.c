/*
 * overdue.c
 *		Which cases are due or overdue under the terms of their policy.
 *
 * A term of kind stay runs from when the case came into its state; one of kind
 * contact from the last contact with the parties, or from when the term began to
 * apply to the case (it was registered, its risk rose, it came back from another
 * authority), whichever is later: nobody is late by a rule that did not hold yet.
 * Times are those at which things happened, not at which they were recorded.
 *
 * The cases come from the partial index of create_term_index(); each one's links
 * from the key of the chain.  The query runs as the caller, who sees what he may
 * see; so every name and operator in it is qualified.
 */
#include "govcase.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "attach.h"

PG_FUNCTION_INFO_V1(govcase_overdue);
PG_FUNCTION_INFO_V1(govcase_next_due);
PG_FUNCTION_INFO_V1(govcase_next_due_of_case);
PG_FUNCTION_INFO_V1(govcase_due_query);
PG_FUNCTION_INFO_V1(govcase_term_states);

static const char *
table_text(Oid table)
{
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(table)),
									  get_rel_name(table));
}

/* Column of the case table (alias c). */
static char *
case_column(const Protection *protection, AttrNumber attnum)
{
	return psprintf("c.%s",
					quote_identifier(get_attname(protection->cases, attnum, false)));
}

/* Column of the follow-up table (alias l). */
static char *
link_column(const Protection *protection, LinkColumn column)
{
	AttrNumber attnum = protection->link_column[column];

	return psprintf("l.%s",
					quote_identifier(get_attname(protection->links, attnum, false)));
}

/* "'{red,yellow}'::govcase.risk_level[]" */
static char *
states_text(StateSet states)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < CASE_STATE_COUNT; i++)
	{
		if (state_in(states, case_state_at(i)))
			appendStringInfo(&text, "%s%s", text.len > 0 ? "," : "",
							 case_state_label(case_state_at(i)));
	}
	return psprintf("'{%s}'::" GOVCASE_SCHEMA ".case_state[]", text.data);
}

static char *
risks_text(RiskSet risks)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < RISK_LEVEL_COUNT; i++)
	{
		if (risk_in(risks, risk_level_at(i)))
			appendStringInfo(&text, "%s%s", text.len > 0 ? "," : "",
							 risk_level_label(risk_level_at(i)));
	}
	return psprintf("'{%s}'::" GOVCASE_SCHEMA ".risk_level[]", text.data);
}

/* " FROM links WHERE its key is the case's AND kind is one of these" */
static void
append_links(StringInfo query, const Protection *protection, LinkKindSet kinds)
{
	const char *separator = "";

	appendStringInfo(query, " FROM %s AS l WHERE ", table_text(protection->links));
	for (int i = 0; i < protection->nkeys; i++)
		appendStringInfo(query, "l.%s OPERATOR(pg_catalog.=) %s AND ",
						 quote_identifier(get_attname(protection->links,
													  protection->link_key[i], false)),
						 case_column(protection, protection->case_key[i]));
	appendStringInfo(query, "%s OPERATOR(pg_catalog.=) ANY ('{",
					 link_column(protection, LINK_COLUMN_KIND));
	for (int kind = 0; kind < LINK_KIND_COUNT; kind++)
	{
		if ((kinds & (1 << kind)) == 0)
			continue;
		appendStringInfo(query, "%s%s", separator, link_kind_name(kind));
		separator = ",";
	}
	appendStringInfoString(query, "}'::pg_catalog.text[])");
}

#define OUTCOME_KINDS ((1 << LINK_REGISTERED) | (1 << LINK_TRANSITION))

/* The newest outcome that brought the case into its state. */
static void
append_stay(StringInfo query, const Protection *protection)
{
	char *from_state = link_column(protection, LINK_COLUMN_FROM_STATE);
	char *to_state = link_column(protection, LINK_COLUMN_TO_STATE);

	appendStringInfo(query, " CROSS JOIN LATERAL (SELECT %s AS since",
					 link_column(protection, LINK_COLUMN_HAPPENED_AT));
	append_links(query, protection, OUTCOME_KINDS);
	appendStringInfo(query,
					 " AND %s OPERATOR(" GOVCASE_SCHEMA ".=) %s AND (%s IS NULL OR "
					 "%s OPERATOR(" GOVCASE_SCHEMA
					 ".<>) %s) ORDER BY %s DESC LIMIT 1) AS stay",
					 to_state, case_column(protection, protection->state), from_state,
					 from_state, to_state, link_column(protection, LINK_COLUMN_SEQ));
}

/*
 * The newest outcome that brought the case into the pairs of the term, and the
 * latest contact, which need not be the one recorded last.
 */
static void
append_contact(StringInfo query, const Protection *protection, const PolicyTerm *term)
{
	char *from_state = link_column(protection, LINK_COLUMN_FROM_STATE);
	char *happened_at = link_column(protection, LINK_COLUMN_HAPPENED_AT);

	appendStringInfo(query, " CROSS JOIN LATERAL (SELECT %s AS since", happened_at);
	append_links(query, protection, OUTCOME_KINDS);
	appendStringInfo(query,
					 " AND %s OPERATOR(" GOVCASE_SCHEMA ".=) ANY (%s) AND (%s IS NULL OR "
					 "%s OPERATOR(" GOVCASE_SCHEMA ".<>) ALL (%s)",
					 link_column(protection, LINK_COLUMN_TO_STATE),
					 states_text(term->states), from_state, from_state,
					 states_text(term->states));
	if (protection->risk != InvalidAttrNumber)
		appendStringInfo(
			query,
			" OR %s OPERATOR(" GOVCASE_SCHEMA ".<>) ALL (%s)) AND "
			"%s OPERATOR(" GOVCASE_SCHEMA ".=) ANY (%s",
			link_column(protection, LINK_COLUMN_FROM_RISK), risks_text(term->risks),
			link_column(protection, LINK_COLUMN_TO_RISK), risks_text(term->risks));
	appendStringInfo(query, ") ORDER BY %s DESC LIMIT 1) AS began",
					 link_column(protection, LINK_COLUMN_SEQ));
	appendStringInfo(query, " CROSS JOIN LATERAL (SELECT pg_catalog.max(%s) AS at",
					 happened_at);
	append_links(query, protection, LINK_CONTACT_KINDS);
	appendStringInfoString(query, ") AS contact");
}

/*
 * Cases that the term applies to, with its last_at and due_at.  The key columns
 * come first, as key1, key2 …  $1, $2 … are the key where it is of one case.
 */
static void
append_term(StringInfo query, const Protection *protection, const Policy *policy,
			const PolicyTerm *term, bool of_one_case)
{
	const char *last_at =
		term->kind == TERM_STAY ? "stay.since" : "GREATEST(began.since, contact.at)";

	appendStringInfoString(query, "SELECT ");
	for (int i = 0; i < protection->nkeys; i++)
		appendStringInfo(query, "%s AS key%d, ",
						 case_column(protection, protection->case_key[i]), i + 1);
	appendStringInfo(query, "%s AS state, ", case_column(protection, protection->state));
	if (protection->risk != InvalidAttrNumber)
		appendStringInfoString(query, case_column(protection, protection->risk));
	else
		appendStringInfo(query, "'%s'::" GOVCASE_SCHEMA ".risk_level",
						 risk_level_label(policy_only_risk(policy)));
	appendStringInfo(query,
					 " AS risk, '%s'::pg_catalog.text AS reason, %s AS last_at, "
					 "%s OPERATOR(pg_catalog.+) pg_catalog.make_interval(months => %d, "
					 "days => %d, secs => %.6f) AS due_at FROM %s AS c",
					 term->kind == TERM_STAY ? "stay" : "contact", last_at, last_at,
					 term->within.month, term->within.day,
					 (double) term->within.time / USECS_PER_SEC,
					 table_text(protection->cases));
	if (term->kind == TERM_STAY)
		append_stay(query, protection);
	else
		append_contact(query, protection, term);
	appendStringInfo(query, " WHERE %s OPERATOR(" GOVCASE_SCHEMA ".=) ANY (%s)",
					 case_column(protection, protection->state),
					 states_text(term->states));
	if (protection->risk != InvalidAttrNumber)
		appendStringInfo(query, " AND %s OPERATOR(" GOVCASE_SCHEMA ".=) ANY (%s)",
						 case_column(protection, protection->risk),
						 risks_text(term->risks));
	for (int i = 0; of_one_case && i < protection->nkeys; i++)
		appendStringInfo(query, " AND %s OPERATOR(pg_catalog.=) $%d",
						 case_column(protection, protection->case_key[i]), i + 1);
}

static void
append_keys(StringInfo query, const Protection *protection)
{
	for (int i = 0; i < protection->nkeys; i++)
		appendStringInfo(query, "%skey%d", i > 0 ? ", " : "", i + 1);
}

/* "CAST(key1 AS text) || ', ' || CAST(key2 AS text) AS case_key, state, …" */
static void
append_columns(StringInfo query, const Protection *protection)
{
	for (int i = 0; i < protection->nkeys; i++)
		appendStringInfo(
			query, "%sCAST(key%d AS pg_catalog.text)",
			i > 0 ? " OPERATOR(pg_catalog.||) ', ' OPERATOR(pg_catalog.||) " : "", i + 1);
	appendStringInfoString(query, " AS case_key, state, risk, reason, last_at, due_at");
}

/* Can two terms of a kind apply to one and the same case? */
static bool
terms_overlap(const Policy *policy)
{
	for (int i = 0; i < policy->nterms; i++)
	{
		for (int j = 0; j < i; j++)
		{
			const PolicyTerm *a = &policy->terms[i];
			const PolicyTerm *b = &policy->terms[j];

			if (a->kind == b->kind && (a->states & b->states) != 0 &&
				(a->risks & b->risks) != 0)
				return true;
		}
	}
	return false;
}

/*
 * Query for a row per case and term.  NULL where the policy has no terms.
 * Errors: 55000 where there is no chain to measure them by.
 */
static char *
terms_query(const Protection *protection, const Policy *policy, bool of_one_case)
{
	StringInfoData query;

	if (!OidIsValid(protection->links))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("table \"%s\" has no follow-up table",
							   get_rel_name(protection->cases)),
						errdetail("Terms are measured from the links of a case."),
						errhint("Call govcase.unprotect_cases(), then "
								"govcase.protect_cases() with follow_ups.")));
	if (policy->nterms == 0)
		return NULL;

	initStringInfo(&query);
	for (int i = 0; i < policy->nterms; i++)
	{
		if (i > 0)
			appendStringInfoString(&query, "\nUNION ALL\n");
		append_term(&query, protection, policy, &policy->terms[i], of_one_case);
	}
	return query.data;
}

/*
 * Query for what was due before $1, a row per case and reason: of several terms
 * of a kind that apply to a case, the one that is due first, and that is among
 * those overdue where any is.  NULL where the policy has no terms.
 */
static char *
overdue_query(const Protection *protection)
{
	const Policy *policy = policy_in_force(protection->policy);
	char *terms = terms_query(protection, policy, false);
	StringInfoData query;

	if (terms == NULL)
		return NULL;
	initStringInfo(&query);
	appendStringInfoString(&query, "SELECT ");
	append_columns(&query, protection);
	appendStringInfoString(&query, ", $1 OPERATOR(pg_catalog.-) due_at FROM (SELECT ");
	/* Sorting for it would cost a fifth of the whole. */
	if (terms_overlap(policy))
	{
		appendStringInfoString(&query, "DISTINCT ON (");
		append_keys(&query, protection);
		appendStringInfoString(&query, ", reason) ");
	}
	appendStringInfo(
		&query, "* FROM (\n%s\n) AS term WHERE due_at OPERATOR(pg_catalog.<) $1", terms);
	if (terms_overlap(policy))
	{
		appendStringInfoString(&query, " ORDER BY ");
		append_keys(&query, protection);
		appendStringInfoString(&query, ", reason, due_at");
	}
	appendStringInfoString(&query, ") AS due ORDER BY risk DESC, due_at, ");
	append_keys(&query, protection);
	appendStringInfoString(&query, ", reason");
	return query.data;
}

/* 42501 without the query's text, which says nothing to who may not read. */
static void
check_may_read(Oid table)
{
	if (pg_class_aclcheck(table, GetUserId(), ACL_SELECT) != ACLCHECK_OK &&
		pg_attribute_aclcheck_all(table, GetUserId(), ACL_SELECT, ACLMASK_ANY) !=
			ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, get_rel_name(table));
}

/* Run a query as the caller and return what it returns. */
static void
put_rows(FunctionCallInfo fcinfo, const Protection *protection, const char *query,
		 int nvalues, Oid *types, Datum *values)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	int code;

	check_may_read(protection->cases);
	check_may_read(protection->links);
	SPI_connect();
	code = SPI_execute_with_args(query, nvalues, types, values, NULL, true, 0);
	if (code != SPI_OK_SELECT)
		elog(ERROR, "SPI_execute_with_args failed: %s", SPI_result_code_string(code));
	for (uint64 row = 0; row < SPI_processed; row++)
	{
		Datum columns[7];
		bool nulls[7];

		Assert(SPI_tuptable->tupdesc->natts <= (int) lengthof(columns));
		heap_deform_tuple(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, columns, nulls);
		tuplestore_putvalues(result->setResult, result->setDesc, columns, nulls);
	}
	SPI_finish();
}

static Protection *
protection_of_argument(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("table must not be null")));
	return protection_of_table(PG_GETARG_OID(0));
}

/*
 * overdue(cases, at) returns what was due before that time, highest risk first,
 * then longest delay.  Errors: 22004 for a null, 22008 for an infinite time, and
 * those of terms_query() and protection_of_table().
 */
Datum
govcase_overdue(PG_FUNCTION_ARGS)
{
	Protection *protection = protection_of_argument(fcinfo);
	Oid types[1] = {TIMESTAMPTZOID};
	Datum values[1];
	char *query;

	if (PG_ARGISNULL(1))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("time must not be null")));
	values[0] = PG_GETARG_DATUM(1);
	if (TIMESTAMP_NOT_FINITE(DatumGetTimestampTz(values[0])))
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						errmsg("time must be finite")));

	InitMaterializedSRF(fcinfo, 0);
	query = overdue_query(protection);
	if (query != NULL)
		put_rows(fcinfo, protection, query, 1, types, values);
	return (Datum) 0;
}

/* Of each case, what is due first. */
static void
put_next_due(FunctionCallInfo fcinfo, const Protection *protection, const CaseKey *key)
{
	StringInfoData query;
	char *terms =
		terms_query(protection, policy_in_force(protection->policy), key != NULL);
	CaseKey copy = {0};

	if (terms == NULL)
		return;
	if (key != NULL)
		copy = *key;
	initStringInfo(&query);
	appendStringInfoString(&query, "SELECT ");
	append_columns(&query, protection);
	appendStringInfoString(&query, " FROM (SELECT DISTINCT ON (");
	append_keys(&query, protection);
	appendStringInfo(&query, ") * FROM (\n%s\n) AS term ORDER BY ", terms);
	append_keys(&query, protection);
	appendStringInfoString(&query,
						   ", due_at, reason) AS first ORDER BY risk DESC, due_at, ");
	append_keys(&query, protection);
	put_rows(fcinfo, protection, query.data, copy.ncolumns, copy.types, copy.values);
}

/*
 * next_due(cases) returns what is due first of each case that some term applies
 * to, highest risk first.  Errors: as overdue().
 */
Datum
govcase_next_due(PG_FUNCTION_ARGS)
{
	Protection *protection = protection_of_argument(fcinfo);

	InitMaterializedSRF(fcinfo, 0);
	put_next_due(fcinfo, protection, NULL);
	return (Datum) 0;
}

/*
 * next_due(cases, key) returns the same of one case; no row where no term applies
 * to it or the caller sees no such case.  Errors: as overdue(), and those of
 * case_key_of_argument().
 */
Datum
govcase_next_due_of_case(PG_FUNCTION_ARGS)
{
	Protection *protection = protection_of_argument(fcinfo);
	CaseKey key;

	InitMaterializedSRF(fcinfo, 0);
	case_key_of_argument(fcinfo, 1, protection, &key);
	put_next_due(fcinfo, protection, &key);
	return (Datum) 0;
}

/* The query that overdue() runs, $1 being the time; NULL where there are no terms. */
Datum
govcase_due_query(PG_FUNCTION_ARGS)
{
	char *query = overdue_query(protection_of_argument(fcinfo));

	if (query == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(query));
}

/* States in which some term of the policy in force applies, NULL where none. */
Datum
govcase_term_states(PG_FUNCTION_ARGS)
{
	const Policy *policy = policy_in_force(protection_of_argument(fcinfo)->policy);
	Datum elements[CASE_STATE_COUNT];
	int nelements = 0;
	StateSet states = 0;

	for (int i = 0; i < policy->nterms; i++)
		states |= policy->terms[i].states;
	for (int i = 0; i < CASE_STATE_COUNT; i++)
	{
		if (state_in(states, case_state_at(i)))
			elements[nelements++] = CaseStateGetDatum(case_state_at(i));
	}
	if (nelements == 0)
		PG_RETURN_NULL();
	PG_RETURN_ARRAYTYPE_P(construct_array(
		elements, nelements, govcase_type_oid("case_state"), 1, true, TYPALIGN_CHAR));
}
