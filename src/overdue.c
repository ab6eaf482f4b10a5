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
 * from the key of the chain.  Where both tables are ordinary ones and the caller
 * may read all of them, overdue() does that without a plan, which takes a third of
 * the time.  Otherwise, and for next_due(), there is a query.  It runs as the
 * caller, who sees what he may see; so every name and operator in it is qualified.
 */
#include "govcase.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/visibilitymap.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/comment.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/predicate.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/sortsupport.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "attach.h"

PG_FUNCTION_INFO_V1(govcase_overdue);
PG_FUNCTION_INFO_V1(govcase_next_due);
PG_FUNCTION_INFO_V1(govcase_next_due_of_case);
PG_FUNCTION_INFO_V1(govcase_due_query);
PG_FUNCTION_INFO_V1(govcase_term_states);
PG_FUNCTION_INFO_V1(govcase_term_index_meaning);

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

/* States in which some term applies. */
static StateSet
states_of_terms(const Policy *policy)
{
	StateSet states = 0;

	for (int i = 0; i < policy->nterms; i++)
		states |= policy->terms[i].states;
	return states;
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
	bool overlap = terms_overlap(policy);
	StringInfoData query;

	if (terms == NULL)
		return NULL;
	initStringInfo(&query);
	appendStringInfoString(&query, "SELECT ");
	append_columns(&query, protection);
	appendStringInfoString(&query, ", $1 OPERATOR(pg_catalog.-) due_at FROM (SELECT ");
	/* Sorting for it would cost a fifth of the whole. */
	if (overlap)
	{
		appendStringInfoString(&query, "DISTINCT ON (");
		append_keys(&query, protection);
		appendStringInfoString(&query, ", reason) ");
	}
	appendStringInfo(
		&query, "* FROM (\n%s\n) AS term WHERE due_at OPERATOR(pg_catalog.<) $1", terms);
	if (overlap)
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

/* ---------------------------------------------------------------------------
 * Without a plan
 * ---------------------------------------------------------------------------
 */

/* A term that applies to the case at hand. */
typedef struct RunningTerm
{
	const PolicyTerm *term;
	bool began; /* last_at is no less than when it began to apply */
	TimestampTz last_at;
} RunningTerm;

/* A row of the result. */
typedef struct DueRow
{
	CaseKey key;
	CaseState state;
	RiskLevel risk;
	TermKind reason;
	TimestampTz last_at;
	TimestampTz due_at;
} DueRow;

/* What goes with a search for overdue cases. */
typedef struct DueSearch
{
	const Protection *protection;
	const Policy *policy;
	TimestampTz at;
	KeyScan chain;
	bool chain_is_begun;
	TimestampTz *settled_from;     /* of each term: a last_at that is surely not late */
	Oid key_type[MAX_KEY_COLUMNS]; /* in which key columns are passed */
	SortSupportData key_order[MAX_KEY_COLUMNS];
	DueRow *rows;
	uint64 nrows;
	uint64 room;
} DueSearch;

/* What create_term_index() writes on the index that it makes, as it would make it now. */
static char *
term_index_meaning(const Protection *protection, const Policy *policy)
{
	StateSet states = states_of_terms(policy);
	const char *separator = "";
	StringInfoData meaning;

	initStringInfo(&meaning);
	appendStringInfo(
		&meaning, "govcase: cases that a term may apply to, by %s",
		quote_identifier(get_attname(protection->cases, protection->state, false)));
	if (protection->risk != InvalidAttrNumber)
		appendStringInfo(
			&meaning, ", %s",
			quote_identifier(get_attname(protection->cases, protection->risk, false)));
	appendStringInfoString(&meaning, ", with ");
	for (int i = 0; i < protection->nkeys; i++)
		appendStringInfo(&meaning, "%s%s", i > 0 ? ", " : "",
						 quote_identifier(get_attname(protection->cases,
													  protection->case_key[i], false)));
	appendStringInfoString(&meaning, ": ");
	for (int i = 0; i < CASE_STATE_COUNT; i++)
	{
		if (!state_in(states, case_state_at(i)))
			continue;
		appendStringInfo(&meaning, "%s%s", separator, case_state_label(case_state_at(i)));
		separator = ", ";
	}
	return meaning.data;
}

/* That index; or InvalidOid. */
static Oid
find_term_index(const Protection *protection, const Policy *policy, Relation cases)
{
	char *meaning = term_index_meaning(protection, policy);
	Oid found = InvalidOid;
	ListCell *cell;
	List *indexes;

	indexes = RelationGetIndexList(cases);
	foreach (cell, indexes)
	{
		Relation index = index_open(lfirst_oid(cell), AccessShareLock);
		Form_pg_index form = index->rd_index;

		/* One of broken HOT chains is for later snapshots. */
		if (form->indisvalid && !form->indcheckxmin &&
			index->rd_rel->relam == BTREE_AM_OID &&
			RelationGetIndexPredicate(index) != NIL)
		{
			char *comment = GetComment(RelationGetRelid(index), RelationRelationId, 0);

			if (comment != NULL && strcmp(comment, meaning) == 0)
				found = RelationGetRelid(index);
		}
		index_close(index, AccessShareLock);
		if (OidIsValid(found))
			break;
	}
	list_free(indexes);
	return found;
}

static bool
may_read_all(Oid table)
{
	return pg_class_aclcheck(table, GetUserId(), ACL_SELECT) == ACLCHECK_OK &&
		   check_enable_rls(table, InvalidOid, true) == RLS_NONE;
}

/* Kind of a link, LINK_KIND_COUNT where it is of none that can matter here. */
static int
kind_of_link(Datum value)
{
	const text *name = DatumGetTextPP(value);
	int length = VARSIZE_ANY_EXHDR(name);

	for (int kind = 0; kind < LINK_KIND_COUNT; kind++)
	{
		const char *known = link_kind_name(kind);

		if (strncmp(known, VARDATA_ANY(name), length) == 0 && known[length] == '\0')
			return kind;
	}
	return LINK_KIND_COUNT;
}

/* Did this outcome bring the case into what the term applies to? */
static bool
begins_term(const DueSearch *search, const PolicyTerm *term, CaseState state)
{
	const AttrNumber *columns = search->protection->link_column;
	TupleTableSlot *slot = search->chain.slot;
	bool isnull;
	bool from_isnull;
	CaseState to =
		DatumGetCaseState(slot_getattr(slot, columns[LINK_COLUMN_TO_STATE], &isnull));
	CaseState from = DatumGetCaseState(
		slot_getattr(slot, columns[LINK_COLUMN_FROM_STATE], &from_isnull));
	Datum risk;

	if (isnull)
		return false;
	if (term->kind == TERM_STAY)
		return to == state && (from_isnull || from != to);
	if (!state_in(term->states, to))
		return false;
	if (search->protection->risk == InvalidAttrNumber)
		return from_isnull || !state_in(term->states, from);
	risk = slot_getattr(slot, columns[LINK_COLUMN_TO_RISK], &isnull);
	if (isnull || !risk_in(term->risks, DatumGetRiskLevel(risk)))
		return false;
	if (from_isnull || !state_in(term->states, from))
		return true;
	risk = slot_getattr(slot, columns[LINK_COLUMN_FROM_RISK], &isnull);
	return !isnull && !risk_in(term->risks, DatumGetRiskLevel(risk));
}

/*
 * From when the terms run for the case: its links, newest first, until all is
 * known or what is not yet known cannot make anything late.
 */
static void
read_last_times(DueSearch *search, const CaseKey *key, CaseState state,
				RunningTerm *terms, int nterms)
{
	const Protection *protection = search->protection;
	TimestampTz contact = DT_NOBEGIN;
	int unsettled = nterms;

	if (search->chain_is_begun)
		find_key(&search->chain, &protection->link_index, key);
	else
		begin_key_scan(&search->chain, protection->links, AccessShareLock,
					   &protection->link_index, key, GetActiveSnapshot());
	search->chain_is_begun = true;
	while (unsettled > 0 && next_row(&search->chain, BackwardScanDirection))
	{
		TupleTableSlot *slot = search->chain.slot;
		bool isnull;
		int kind = kind_of_link(
			slot_getattr(slot, protection->link_column[LINK_COLUMN_KIND], &isnull));
		TimestampTz happened_at = DatumGetTimestampTz(slot_getattr(
			slot, protection->link_column[LINK_COLUMN_HAPPENED_AT], &isnull));
		bool is_contact = (LINK_CONTACT_KINDS & (1 << kind)) != 0;
		bool is_outcome = (OUTCOME_KINDS & (1 << kind)) != 0;

		if (!is_contact && !is_outcome)
			continue;
		if (is_contact)
			contact = Max(contact, happened_at);
		unsettled = 0;
		for (int i = 0; i < nterms; i++)
		{
			RunningTerm *running = &terms[i];

			if (is_outcome && !running->began &&
				begins_term(search, running->term, state))
			{
				running->began = true;
				running->last_at = happened_at;
			}
			if (running->term->kind == TERM_STAY
					? !running->began
					: Max(contact, running->last_at) <
						  search->settled_from[running->term - search->policy->terms])
				unsettled++;
		}
	}
	for (int i = 0; i < nterms; i++)
	{
		if (terms[i].term->kind == TERM_CONTACT)
			terms[i].last_at = Max(terms[i].last_at, contact);
	}
}

static void
add_due_row(DueSearch *search, const DueRow *row)
{
	if (search->nrows == search->room)
	{
		search->room *= 2;
		search->rows = repalloc_huge(search->rows, sizeof(DueRow) * search->room);
	}
	search->rows[search->nrows++] = *row;
}

/* What is late of one case: of several terms of a kind, the one due first. */
static void
add_late_terms(DueSearch *search, const RunningTerm *terms, int nterms, DueRow *row)
{
	bool key_is_copied = false;

	for (TermKind kind = TERM_STAY; kind <= TERM_CONTACT; kind++)
	{
		bool late = false;

		for (int i = 0; i < nterms; i++)
		{
			TimestampTz due_at;

			if (terms[i].term->kind != kind || !terms[i].began)
				continue;
			due_at = DatumGetTimestampTz(DirectFunctionCall2(
				timestamptz_pl_interval, TimestampTzGetDatum(terms[i].last_at),
				IntervalPGetDatum(unconstify(Interval *, &terms[i].term->within))));
			if (due_at >= search->at || (late && due_at >= row->due_at))
				continue;
			late = true;
			row->reason = kind;
			row->last_at = terms[i].last_at;
			row->due_at = due_at;
		}
		if (!late)
			continue;
		for (int i = 0; i < row->key.ncolumns && !key_is_copied; i++)
		{
			int16 length;
			bool by_value;

			get_typlenbyval(row->key.types[i], &length, &by_value);
			row->key.values[i] = datumCopy(row->key.values[i], by_value, length);
		}
		key_is_copied = true;
		add_due_row(search, row);
	}
}

/* Highest risk first, then longest delay. */
static int
compare_due_rows(const void *a, const void *b, void *argument)
{
	const DueRow *left = a;
	const DueRow *right = b;
	DueSearch *search = argument;

	if (left->risk != right->risk)
		return left->risk > right->risk ? -1 : 1;
	if (left->due_at != right->due_at)
		return left->due_at < right->due_at ? -1 : 1;
	for (int i = 0; i < left->key.ncolumns; i++)
	{
		int order = ApplySortComparator(left->key.values[i], false, right->key.values[i],
										false, &search->key_order[i]);

		if (order != 0)
			return order;
	}
	/* 'contact' before 'stay' */
	return left->reason == right->reason ? 0 : left->reason == TERM_CONTACT ? -1 : 1;
}

static void
begin_due_search(DueSearch *search, const Protection *protection, const Policy *policy,
				 TimestampTz at)
{
	memset(search, 0, sizeof(*search));
	search->protection = protection;
	search->policy = policy;
	search->at = at;
	search->room = 1024;
	search->rows = palloc(sizeof(DueRow) * search->room);
	search->settled_from = palloc(sizeof(TimestampTz) * policy->nterms);
	for (int i = 0; i < policy->nterms; i++)
	{
		const Interval *within = &policy->terms[i].within;

		/*
		 * The same day of the next month may come sooner for a later day, so that
		 * nothing is settled there; days are off by a change of clocks at most.
		 */
		search->settled_from[i] =
			within->month != 0
				? DT_NOEND
				: at - within->time - (within->day - INT64CONST(1)) * USECS_PER_DAY;
	}
	for (int i = 0; i < protection->nkeys; i++)
	{
		SortSupport order = &search->key_order[i];

		search->key_type[i] = key_passed_type(protection->case_key_type[i]);
		order->ssup_cxt = CurrentMemoryContext;
		order->ssup_collation = get_typcollation(protection->case_key_type[i]);
		PrepareSortSupportFromOrderingOp(
			lookup_type_cache(search->key_type[i], TYPECACHE_LT_OPR)->lt_opr, order);
	}
}

static void
put_due_row(const ReturnSetInfo *result, const DueRow *row, TimestampTz at,
			FmgrInfo *key_output)
{
	Datum columns[7];
	bool nulls[7] = {false};
	StringInfoData key;

	initStringInfo(&key);
	for (int i = 0; i < row->key.ncolumns; i++)
	{
		char *column = OutputFunctionCall(&key_output[i], row->key.values[i]);

		appendStringInfo(&key, "%s%s", i > 0 ? ", " : "", column);
		pfree(column);
	}
	columns[0] = PointerGetDatum(cstring_to_text_with_len(key.data, key.len));
	columns[1] = CaseStateGetDatum(row->state);
	columns[2] = RiskLevelGetDatum(row->risk);
	columns[3] = CStringGetTextDatum(row->reason == TERM_STAY ? "stay" : "contact");
	columns[4] = TimestampTzGetDatum(row->last_at);
	columns[5] = TimestampTzGetDatum(row->due_at);
	columns[6] = DirectFunctionCall2(timestamp_mi, TimestampTzGetDatum(at),
									 TimestampTzGetDatum(row->due_at));
	tuplestore_putvalues(result->setResult, result->setDesc, columns, nulls);
	pfree(DatumGetPointer(columns[0]));
	pfree(DatumGetPointer(columns[3]));
	pfree(DatumGetPointer(columns[6]));
	pfree(key.data);
}

/* A scan of the index of create_term_index(), which has all that matters of a case. */
typedef struct TermScan
{
	Relation cases;
	Relation index;
	Snapshot snapshot;
	IndexScanDesc scan;
	Buffer visible; /* page of the visibility map */
	TupleTableSlot *slot;
	int state; /* columns of the index, from 0 */
	int risk;
	int key[MAX_KEY_COLUMNS];
} TermScan;

static int
index_column(Relation index, AttrNumber attnum)
{
	for (int i = 0; i < index->rd_index->indnatts; i++)
	{
		if (index->rd_index->indkey.values[i] == attnum)
			return i;
	}
	elog(ERROR, "index \"%s\" lacks column %d", RelationGetRelationName(index), attnum);
	return 0;
}

static void
begin_term_scan(TermScan *scan, const Protection *protection, Relation cases, Oid index)
{
	scan->cases = cases;
	scan->index = index_open(index, AccessShareLock);
	scan->snapshot = RegisterSnapshot(GetActiveSnapshot());
	scan->slot = table_slot_create(cases, NULL);
	scan->visible = InvalidBuffer;
	scan->scan = index_beginscan_compat(cases, scan->index, scan->snapshot, 0);
	scan->scan->xs_want_itup = true;
	index_rescan(scan->scan, NULL, 0, NULL, 0);
	scan->state = index_column(scan->index, protection->state);
	scan->risk = protection->risk == InvalidAttrNumber
					 ? -1
					 : index_column(scan->index, protection->risk);
	for (int i = 0; i < protection->nkeys; i++)
		scan->key[i] = index_column(scan->index, protection->case_key[i]);
}

/*
 * The columns of the next entry whose case the snapshot sees.  As the executor's
 * index-only scan: the case itself is fetched only where the visibility map does
 * not vouch for its page; then SERIALIZABLE knows of it, otherwise it has to be told.
 */
static bool
next_term_entry(TermScan *scan, Datum *values, bool *nulls)
{
	ItemPointer tid;

	while ((tid = index_getnext_tid(scan->scan, ForwardScanDirection)) != NULL)
	{
		if (VM_ALL_VISIBLE(scan->cases, ItemPointerGetBlockNumber(tid), &scan->visible))
			PredicateLockPage(scan->cases, ItemPointerGetBlockNumber(tid),
							  scan->snapshot);
		else
		{
			bool seen = index_fetch_heap(scan->scan, scan->slot);

			ExecClearTuple(scan->slot);
			if (!seen)
				continue;
		}
		index_deform_tuple(scan->scan->xs_itup, scan->scan->xs_itupdesc, values, nulls);
		return true;
	}
	return false;
}

static void
end_term_scan(TermScan *scan)
{
	if (BufferIsValid(scan->visible))
		ReleaseBuffer(scan->visible);
	index_endscan(scan->scan);
	UnregisterSnapshot(scan->snapshot);
	ExecDropSingleTupleTableSlot(scan->slot);
	index_close(scan->index, AccessShareLock);
}

/* False where there has to be a query. */
static bool
put_overdue_directly(FunctionCallInfo fcinfo, const Protection *protection,
					 TimestampTz at)
{
	const ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	const Policy *policy = policy_in_force(protection->policy);
	RunningTerm *terms = palloc(sizeof(RunningTerm) * policy->nterms);
	Relation cases;
	TermScan scan;
	Datum values[INDEX_MAX_KEYS];
	bool nulls[INDEX_MAX_KEYS];
	FmgrInfo key_output[MAX_KEY_COLUMNS];
	DueSearch search;
	Oid term_index;

	if (!OidIsValid(protection->case_index.index) ||
		!OidIsValid(protection->link_index.index) || !may_read_all(protection->cases) ||
		!may_read_all(protection->links))
		return false;
	cases = table_open(protection->cases, AccessShareLock);
	term_index = find_term_index(protection, policy, cases);
	if (!OidIsValid(term_index))
	{
		table_close(cases, NoLock);
		return false;
	}

	begin_due_search(&search, protection, policy, at);
	begin_term_scan(&scan, protection, cases, term_index);
	while (next_term_entry(&scan, values, nulls))
	{
		int nterms = 0;
		DueRow row;

		CHECK_FOR_INTERRUPTS();
		row.state = DatumGetCaseState(values[scan.state]);
		row.risk = scan.risk < 0 ? policy_only_risk(policy)
								 : DatumGetRiskLevel(values[scan.risk]);
		for (int i = 0; i < policy->nterms; i++)
		{
			const PolicyTerm *term = &policy->terms[i];

			if (!state_in(term->states, row.state) ||
				(scan.risk >= 0 && !risk_in(term->risks, row.risk)))
				continue;
			terms[nterms].term = term;
			terms[nterms].began = false;
			terms[nterms++].last_at = DT_NOBEGIN;
		}
		if (nterms == 0)
			continue;
		row.key.ncolumns = protection->nkeys;
		for (int i = 0; i < protection->nkeys; i++)
			set_key_column(&row.key, i, protection->case_key_type[i],
						   values[scan.key[i]]);
		read_last_times(&search, &row.key, row.state, terms, nterms);
		add_late_terms(&search, terms, nterms, &row);
	}
	end_term_scan(&scan);
	if (search.chain_is_begun)
		end_key_scan(&search.chain);

	qsort_arg(search.rows, search.nrows, sizeof(DueRow), compare_due_rows, &search);
	for (int i = 0; i < protection->nkeys; i++)
	{
		Oid output;
		bool isvarlena;

		getTypeOutputInfo(search.key_type[i], &output, &isvarlena);
		fmgr_info(output, &key_output[i]);
	}
	for (uint64 i = 0; i < search.nrows; i++)
		put_due_row(result, &search.rows[i], at, key_output);
	table_close(cases, NoLock);
	return true;
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
	if (put_overdue_directly(fcinfo, protection, DatumGetTimestampTz(values[0])))
		return (Datum) 0;
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
	StateSet states = states_of_terms(policy);

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

/* By what create_term_index() knows its index again. */
Datum
govcase_term_index_meaning(PG_FUNCTION_ARGS)
{
	const Protection *protection = protection_of_argument(fcinfo);

	PG_RETURN_TEXT_P(cstring_to_text(
		term_index_meaning(protection, policy_in_force(protection->policy))));
}
