/*
 * next_moves.c
 *		What a case may do next, and everything about it in words.
 *
 * The same words stand in the HINT of a refused UPDATE and in the rows of
 * next_moves(), so that an application greys out the buttons that the database
 * would refuse.
 */
#include "next_moves.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(govcase_next_moves);

/* ---------------------------------------------------------------------------
 * Words
 * ---------------------------------------------------------------------------
 */

char *
pair_in_words(int pair)
{
	return psprintf("(%s, %s)", case_state_label(pair_state(pair)),
					risk_level_label(pair_risk(pair)));
}

char *
step_in_words(int from_pair, int to_pair)
{
	CaseState to_state = pair_state(to_pair);
	RiskLevel from_risk = pair_risk(from_pair);
	RiskLevel to_risk = pair_risk(to_pair);
	const char *direction = to_risk > from_risk ? "up" : "down";

	if (from_risk == to_risk)
		return psprintf("go to %s", case_state_label(to_state));
	if (pair_state(from_pair) == to_state)
		return psprintf("go %s to %s", direction, risk_level_label(to_risk));
	return psprintf("go to %s and %s to %s", case_state_label(to_state), direction,
					risk_level_label(to_risk));
}

char *
join_words(List *words, const char *between)
{
	StringInfoData joined;
	ListCell *cell;

	initStringInfo(&joined);
	foreach (cell, words)
	{
		if (joined.len > 0)
			appendStringInfoString(&joined, between);
		appendStringInfoString(&joined, lfirst(cell));
	}
	return joined.data;
}

/* The column that bears a role in this table, or the role where none does. */
static char *
role_in_words(const Protection *protection, const Policy *policy, int role)
{
	const char *name = policy->roles[role].name;
	AttrNumber attnum = protection_role_column(protection, name);

	if (attnum == InvalidAttrNumber)
		return psprintf("role \"%s\"", name);
	return psprintf("column \"%s\"", get_attname(protection->cases, attnum, false));
}

char *
need_in_words(const Protection *protection, const Policy *policy, const PolicyNeed *need)
{
	const char **labels = palloc(sizeof(char *) * (policy->nroles + 1));

	for (int role = 0; role < policy->nroles; role++)
		labels[role] = role_in_words(protection, policy, role);
	return policy_need_in_words(policy, need, labels);
}

char *
invariant_in_words(const Protection *protection, const Policy *policy,
				   const PolicyInvariant *invariant)
{
	char *column = role_in_words(protection, policy, invariant->role);

	switch (invariant->kind)
	{
		case INVARIANT_SET:
			return psprintf("%s is set", column);
		case INVARIANT_DISTINCT:
			return psprintf("%s and %s are not the same person", column,
							role_in_words(protection, policy, invariant->role2));
		case INVARIANT_KEPT:
			return psprintf("%s is not cleared", column);
	}
	return column;
}

/* ---------------------------------------------------------------------------
 * What a case may do next
 * ---------------------------------------------------------------------------
 */

/* What the alternative, and the pair that it leads to, still need. */
static List *
still_needed(CaseMove *move, const PolicyMove *alternative, int to_pair)
{
	List *needed;

	move->to_pair = to_pair;
	needed = unmet_needs(move, alternative);
	return list_concat(needed, broken_invariants(move));
}

char *
next_moves_hint(const CaseMove *refused)
{
	CaseMove move = *refused;
	StringInfoData hint;
	bool any = false;

	/* Judge the row as it was, not as the refused statement wanted it. */
	move.new_row = refused->old_row;
	move.asking = true;
	initStringInfo(&hint);
	appendStringInfo(&hint, "From %s it may", pair_in_words(move.from_pair));
	for (int pair = 0; pair < PAIR_COUNT; pair++)
	{
		List *alternatives = NIL;
		bool open = false;

		if (!pair_in(move.policy->legal[move.from_pair], pair))
			continue;
		for (int i = 0; i < move.policy->nmoves; i++)
		{
			List *needed;

			if (!policy_move_allows(&move.policy->moves[i], move.from_pair, pair))
				continue;
			needed = still_needed(&move, &move.policy->moves[i], pair);
			if (needed == NIL)
				open = true;
			else
				alternatives = lappend(alternatives, join_words(needed, " and "));
		}
		appendStringInfo(&hint, "%s %s", any ? ";" : "",
						 step_in_words(move.from_pair, pair));
		if (!open)
			appendStringInfo(&hint, " once %s", join_words(alternatives, ", or once "));
		any = true;
	}
	if (!any)
		return psprintf("No move leads on from %s.", pair_in_words(move.from_pair));
	appendStringInfoChar(&hint, '.');
	return hint.data;
}

char *
registration_hint(const Policy *policy)
{
	List *pairs = NIL;

	for (int pair = 0; pair < PAIR_COUNT; pair++)
	{
		if (pair_in(policy->insertable, pair))
			pairs = lappend(pairs, pair_in_words(pair));
	}
	return psprintf("A case may begin in %s. The table's owner loads older cases after "
					"govcase.begin_history().",
					join_words(pairs, " or "));
}

static void
put_move(ReturnSetInfo *result, CaseMove *move, const PolicyMove *alternative,
		 int to_pair)
{
	List *needed = still_needed(move, alternative, to_pair);
	Datum values[5];
	bool nulls[5] = {false};
	Datum *elements = palloc(sizeof(Datum) * (list_length(needed) + 1));
	int nelements = 0;
	ListCell *cell;

	foreach (cell, needed)
		elements[nelements++] = CStringGetTextDatum(lfirst(cell));
	values[0] = CaseStateGetDatum(pair_state(to_pair));
	values[1] = RiskLevelGetDatum(pair_risk(to_pair));
	values[2] = CStringGetTextDatum(alternative->name);
	values[3] = BoolGetDatum(nelements == 0);
	values[4] = PointerGetDatum(
		construct_array(elements, nelements, TEXTOID, -1, false, TYPALIGN_INT));
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* The case's row as the caller sees it; P0002 where he sees none. */
static HeapTuple
visible_case(const Protection *protection, const CaseKey *key)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext spi;
	HeapTuple row;
	bool isnull;
	Datum found;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (!find_case_as_caller(protection, key, "found", true))
		ereport(
			ERROR,
			(errcode(ERRCODE_NO_DATA_FOUND),
			 errmsg("case %s of table \"%s\" does not exist", case_key_text(key),
					get_rel_name(protection->cases)),
			 errhint("Check the key; row security may also hide the case from you.")));
	found = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	spi = MemoryContextSwitchTo(caller);
	row = palloc0(sizeof(HeapTupleData));
	row->t_data = DatumGetHeapTupleHeaderCopy(found);
	row->t_len = HeapTupleHeaderGetDatumLength(row->t_data);
	ItemPointerSetInvalid(&row->t_self);
	MemoryContextSwitchTo(spi);
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed");
	return row;
}

/*
 * next_moves(regclass, key "any") returns setof (state, risk, move, ready, needs)
 *
 * Each legal next pair of a case by each move that leads there, and in needs
 * what is still missing, empty where nothing is.  The case must be visible to
 * the caller (P0002).  STABLE would be wrong: it obeys policies committed after
 * the caller's snapshot, as the triggers do.
 */
Datum
govcase_next_moves(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Protection *protection;
	CaseMove move;

	if (PG_ARGISNULL(0))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("table must not be null")));
	protection = protection_of_table(PG_GETARG_OID(0));
	InitMaterializedSRF(fcinfo, 0);
	memset(&move, 0, sizeof(move));
	move.protection = protection;
	case_key_of_argument(fcinfo, 1, protection, &move.key);
	move.old_row = move.new_row = visible_case(protection, &move.key);
	move.relation = table_open(protection->cases, AccessShareLock);
	move.policy = policy_in_force(protection->policy);
	move.from_pair = case_pair(&move, move.old_row);
	move.to_pair = move.from_pair;
	move.asking = true;
	for (int pair = 0; pair < PAIR_COUNT; pair++)
	{
		for (int i = 0; i < move.policy->nmoves; i++)
		{
			if (policy_move_allows(&move.policy->moves[i], move.from_pair, pair))
				put_move(result, &move, &move.policy->moves[i], pair);
		}
	}
	table_close(move.relation, AccessShareLock);
	return (Datum) 0;
}
