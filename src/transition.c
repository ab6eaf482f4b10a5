/*
 * transition.c
 *		Row triggers on cases: what is registered, moved, kept (design sections 4
 *		and 5).
 *
 * They are AFTER ROW triggers, so that they judge the row as it was stored,
 * whatever other triggers did to it, and the one for UPDATE has a WHEN clause,
 * so that an UPDATE of anything else never reaches this file.
 */
#include "transition.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "next_moves.h"

#define ACCEPTED_AS_FOUND   "accepted as found"
#define ACCEPTED_AS_HISTORY "accepted as history"

/* The OLD side of a row that is crossing partitions. */
typedef struct CrossingRow
{
	Oid cases;
	Oid partition; /* whose columns the tuple has */
	char *key;
	HeapTuple row;
	int level; /* of the (sub)transaction that moved it */
	int depth; /* of the triggers that saw it leave */
} CrossingRow;

/* A table whose history is being loaded. */
typedef struct HistoryTable
{
	Oid cases;
	SubTransactionId subtransaction;
} HistoryTable;

/*
 * Both lists belong to the running transaction: its end, or that of the
 * subtransaction, removes what it left.
 */
static List *crossing_rows = NIL;
static List *history_tables = NIL;

PG_FUNCTION_INFO_V1(govcase_register_case);
PG_FUNCTION_INFO_V1(govcase_check_transition);
PG_FUNCTION_INFO_V1(govcase_keep_case);
PG_FUNCTION_INFO_V1(govcase_begin_history);
PG_FUNCTION_INFO_V1(govcase_check_existing);
PG_FUNCTION_INFO_V1(govcase_register_existing);

/* ---------------------------------------------------------------------------
 * Rows
 * ---------------------------------------------------------------------------
 */

/* Column of a row of the move, by the row's own number of it. */
static Datum
row_column(const CaseMove *move, HeapTuple row, AttrNumber attnum, bool *isnull)
{
	if (row == move->deformed)
	{
		*isnull = move->nulls[attnum - 1];
		return move->values[attnum - 1];
	}
	return heap_getattr(row, attnum, RelationGetDescr(move->relation), isnull);
}

static Datum
root_column(const CaseMove *move, HeapTuple row, AttrNumber root_attnum, bool *isnull)
{
	return row_column(
		move, row, partition_attnum(move->relation, move->protection->cases, root_attnum),
		isnull);
}

int
case_pair(const CaseMove *move, HeapTuple row)
{
	const Protection *protection = move->protection;
	bool isnull;
	CaseState state;
	RiskLevel risk;

	state = DatumGetCaseState(root_column(move, row, protection->state, &isnull));
	if (!isnull && protection->risk == InvalidAttrNumber)
		risk = policy_only_risk(move->policy);
	else if (!isnull)
		risk = DatumGetRiskLevel(root_column(move, row, protection->risk, &isnull));
	if (isnull)
		ereport(ERROR,
				(errcode(ERRCODE_NOT_NULL_VIOLATION),
				 errmsg("state and risk of a case in table \"%s\" must not be null",
						RelationGetRelationName(move->relation)),
				 errtable(move->relation)));
	return pair_index(state, risk);
}

/* Column of the row's own relation for a role of the policy. */
static AttrNumber
role_attnum(const CaseMove *move, int role)
{
	const char *name = move->policy->roles[role].name;
	AttrNumber root_attnum = protection_role_column(move->protection, name);

	if (root_attnum == InvalidAttrNumber)
		ereport(
			ERROR,
			(errcode(ERRCODE_VC_NOT_TRUSTED),
			 errmsg("table \"%s\" has no column for role \"%s\" of policy \"%s\"",
					RelationGetRelationName(move->relation), name, move->policy->name),
			 errhint(
				 "Call govcase.change_policy() or govcase.protect_cases() with a column "
				 "for it."),
			 errtable(move->relation)));
	return partition_attnum(move->relation, move->protection->cases, root_attnum);
}

static Datum
role_value(const CaseMove *move, HeapTuple row, int role, bool *isnull)
{
	return row_column(move, row, role_attnum(move, role), isnull);
}

/* Text of the value in a role's column, NULL where it is null. */
static char *
role_text(const CaseMove *move, HeapTuple row, int role)
{
	bool isnull;
	Datum value;
	Oid output;
	bool isvarlena;
	AttrNumber attnum;

	if (row == NULL)
		return NULL;
	value = role_value(move, row, role, &isnull);
	if (isnull)
		return NULL;
	attnum = role_attnum(move, role);
	getTypeOutputInfo(
		TupleDescAttr(RelationGetDescr(move->relation), attnum - 1)->atttypid, &output,
		&isvarlena);
	return OidOutputFunctionCall(output, value);
}

/* Is a flag set?  Its column is a boolean, so that no text need be made of it. */
static bool
role_is_true(const CaseMove *move, HeapTuple row, int role)
{
	bool isnull;
	Datum value;

	if (row == NULL)
		return false;
	value = role_value(move, row, role, &isnull);
	return !isnull && DatumGetBool(value);
}

static bool
same_person(const char *person, const char *other)
{
	return person != NULL && other != NULL && strcmp(person, other) == 0;
}

/* Is the person the one in the role, before or after the change? */
static bool
is_in_role(const CaseMove *move, const char *person, int role)
{
	return same_person(person, role_text(move, move->new_row, role)) ||
		   same_person(person, role_text(move, move->old_row, role));
}

/* ---------------------------------------------------------------------------
 * The chain behind a move
 * ---------------------------------------------------------------------------
 */

/* Who acts, asked once for a move and only where it matters. */
static char *
actor_of_move(CaseMove *move)
{
	if (move->actor == NULL)
		move->actor = acting_person(move->protection);
	return move->actor;
}

/* Did the link bring the case into the set of states from outside? */
static bool
enters_states(const Link *link, StateSet states)
{
	return link->to_state != 0 && state_in(states, link->to_state) &&
		   (link->from_state == 0 || !state_in(states, link->from_state));
}

/* The point that a need of kind LINK counts from. */
static bool
is_since(const Link *link, const PolicyNeed *need)
{
	if (link->to_state == 0)
		return false;
	switch (need->since)
	{
		case SINCE_REGISTRATION:
			return link->kind == LINK_REGISTERED && link->from_state == 0;
		case SINCE_RISK:
			return link->from_risk != link->to_risk;
		case SINCE_STATES:
			return enters_states(link, need->since_states);
	}
	return false;
}

typedef struct ChainReader
{
	CaseMove *move;
	int allocated;
	List *needs; /* whose point was not met yet */
} ChainReader;

static bool
keep_link_of_chain(const Link *link, void *argument)
{
	ChainReader *reader = argument;
	CaseMove *move = reader->move;
	ListCell *cell;

	if (move->nlinks == reader->allocated)
	{
		reader->allocated *= 2;
		move->links = repalloc(move->links, sizeof(Link) * reader->allocated);
	}
	move->links[move->nlinks] = *link;
	if (link->actor != NULL)
		move->links[move->nlinks].actor = pstrdup(link->actor);
	move->nlinks++;
	if (link->to_state == 0)
		return true;

	foreach (cell, reader->needs)
	{
		if (is_since(link, lfirst(cell)))
			reader->needs = foreach_delete_current(reader->needs, cell);
	}
	return reader->needs != NIL;
}

/*
 * Only the moves out of from_pair say how far back the chain matters; the
 * outcome matters always.
 */
void
read_case_chain(CaseMove *move)
{
	ChainReader reader;

	if (move->chain_read || !OidIsValid(move->protection->links))
		return;
	/* The actor function may be anything, so it runs before the chain is read. */
	if (!move->asking)
		(void) actor_of_move(move);
	reader.move = move;
	reader.allocated = 16;
	reader.needs = NIL;
	move->links = palloc(sizeof(Link) * reader.allocated);
	move->nlinks = 0;
	for (int i = 0; move->from_pair >= 0 && i < move->policy->nmoves; i++)
	{
		const PolicyMove *alternative = &move->policy->moves[i];
		bool wanted = false;

		if (!move->asking)
			wanted = policy_move_allows(alternative, move->from_pair, move->to_pair);
		for (int pair = 0; move->asking && pair < PAIR_COUNT && !wanted; pair++)
			wanted = policy_move_allows(alternative, move->from_pair, pair);
		for (int n = 0; wanted && n < alternative->nneeds; n++)
		{
			if (alternative->needs[n].kind == NEED_LINK)
				reader.needs = lappend(reader.needs, &alternative->needs[n]);
		}
	}
	read_chain(move->protection, &move->key, keep_link_of_chain, &reader);
	move->outcome = NULL;
	for (int i = 0; i < move->nlinks && move->outcome == NULL; i++)
	{
		if (move->links[i].to_state != 0)
			move->outcome = &move->links[i];
	}
	move->chain_read = true;
}

static bool
link_need_is_met(CaseMove *move, const PolicyNeed *need)
{
	const Link *since = NULL;
	int nlater;
	TimestampTz earliest = DT_NOBEGIN;

	read_case_chain(move);
	for (nlater = 0; nlater < move->nlinks; nlater++)
	{
		if (is_since(&move->links[nlater], need))
		{
			since = &move->links[nlater];
			break;
		}
	}
	if (since == NULL)
		return false;
	if (need->has_after)
		earliest = DatumGetTimestampTz(DirectFunctionCall2(
			timestamptz_pl_interval, TimestampTzGetDatum(since->recorded_at),
			IntervalPGetDatum(&need->after)));

	for (int i = 0; i < nlater; i++)
	{
		const Link *link = &move->links[i];

		if ((need->link_kinds & (1 << link->kind)) == 0)
			continue;
		if (need->satisfied && !(link->has_satisfied && link->satisfied))
			continue;
		if (link->recorded_at < earliest)
			continue;
		if (need->by_other != NO_ROLE && is_in_role(move, link->actor, need->by_other))
			continue;
		return true;
	}
	return false;
}

/* ---------------------------------------------------------------------------
 * Needs and invariants
 * ---------------------------------------------------------------------------
 */

static bool
role_changed(const CaseMove *move, int role)
{
	AttrNumber attnum = role_attnum(move, role);
	Form_pg_attribute attribute =
		TupleDescAttr(RelationGetDescr(move->relation), attnum - 1);
	bool old_isnull;
	bool new_isnull;
	Datum old_value;
	Datum new_value;

	if (move->old_row == NULL)
		return true;
	old_value = role_value(move, move->old_row, role, &old_isnull);
	new_value = role_value(move, move->new_row, role, &new_isnull);
	if (old_isnull || new_isnull)
		return old_isnull != new_isnull;
	return !datum_image_eq(old_value, new_value, attribute->attbyval, attribute->attlen);
}

static bool
role_is_zero(const CaseMove *move, int role)
{
	char *text = role_text(move, move->new_row, role);

	return text == NULL || strcmp(text, "0") == 0;
}

static bool
need_is_met(CaseMove *move, const PolicyNeed *need)
{
	bool isnull;

	switch (need->kind)
	{
		case NEED_GIVEN:
			if (move->asking)
				return false;
			(void) role_value(move, move->new_row, need->role, &isnull);
			if (isnull)
				return false;
			return role_changed(move, need->role) ||
				   bms_is_member(role_attnum(move, need->role) -
									 FirstLowInvalidHeapAttributeNumber,
								 move->updated);
		case NEED_ZERO:
			return role_is_zero(move, need->role);
		case NEED_OTHER:
			return !is_in_role(move, actor_of_move(move), need->role);
		case NEED_LINK:
			/* Without a chain the DBA said that such needs are not asked for. */
			if (!OidIsValid(move->protection->links))
				return true;
			return link_need_is_met(move, need);
	}
	return false;
}

List *
unmet_needs(CaseMove *move, const PolicyMove *alternative)
{
	List *unmet = NIL;

	for (int i = 0; i < alternative->nneeds; i++)
	{
		if (!need_is_met(move, &alternative->needs[i]))
			unmet = lappend(unmet, need_in_words(move->protection, move->policy,
												 &alternative->needs[i]));
	}
	return unmet;
}

static bool
invariant_applies(const CaseMove *move, const PolicyInvariant *invariant, int pair)
{
	if (pair < 0 || !pair_state_in(invariant->states, pair) ||
		!pair_risk_in(invariant->risks, pair))
		return false;
	return invariant->if_role == NO_ROLE ||
		   role_is_true(move, move->new_row, invariant->if_role);
}

static bool
invariant_holds(const CaseMove *move, const PolicyInvariant *invariant)
{
	bool isnull;

	switch (invariant->kind)
	{
		case INVARIANT_SET:
			(void) role_value(move, move->new_row, invariant->role, &isnull);
			return !isnull;
		case INVARIANT_DISTINCT:
			return !same_person(role_text(move, move->new_row, invariant->role),
								role_text(move, move->new_row, invariant->role2));
		case INVARIANT_KEPT:
			/* What was cleared before the case came here was not yet kept. */
			if (move->old_row == NULL ||
				!invariant_applies(move, invariant, move->from_pair))
				return true;
			(void) role_value(move, move->old_row, invariant->role, &isnull);
			if (isnull)
				return true;
			(void) role_value(move, move->new_row, invariant->role, &isnull);
			return !isnull;
	}
	return true;
}

List *
broken_invariants(CaseMove *move)
{
	List *broken = NIL;
	Bitmapset *unset = NULL;

	for (int i = 0; i < move->policy->ninvariants; i++)
	{
		const PolicyInvariant *invariant = &move->policy->invariants[i];

		if (!invariant_applies(move, invariant, move->to_pair) ||
			invariant_holds(move, invariant))
			continue;
		/* What must be set and is not was not kept either: once is enough. */
		if (invariant->kind != INVARIANT_DISTINCT)
		{
			if (bms_is_member(invariant->role, unset))
				continue;
			unset = bms_add_member(unset, invariant->role);
		}
		broken = lappend(broken,
						 invariant_in_words(move->protection, move->policy, invariant));
	}
	return broken;
}

/* ---------------------------------------------------------------------------
 * Refusals
 * ---------------------------------------------------------------------------
 */

static char *
case_in_words(const CaseMove *move)
{
	return psprintf("case %s of table \"%s\"", case_key_text(&move->key),
					get_rel_name(move->protection->cases));
}

static void
check_invariants(CaseMove *move)
{
	List *broken = broken_invariants(move);

	if (broken != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_VC_INVARIANT),
				 errmsg("%s would break a rule of its policy", case_in_words(move)),
				 errdetail("In %s policy \"%s\" (version %d) requires that %s.",
						   pair_in_words(move->to_pair), move->policy->name,
						   move->policy->version, join_words(broken, " and that ")),
				 errhint("Set the columns in the same statement."),
				 errtable(move->relation)));
}

static void
refuse_move(CaseMove *move)
{
	/* The hint speaks of the case as it was. */
	move->asking = true;
	move->chain_read = false;
	ereport(ERROR, (errcode(ERRCODE_VC_MOVE_NOT_ALLOWED),
					errmsg("%s may not go from %s to %s", case_in_words(move),
						   pair_in_words(move->from_pair), pair_in_words(move->to_pair)),
					errdetail("Policy \"%s\" (version %d) has no such move.",
							  move->policy->name, move->policy->version),
					errhint("%s", next_moves_hint(move)), errtable(move->relation)));
}

/*
 * Check that some alternative leads to the new pair with all its needs met.
 * Where several fall short, the message names what each of them lacks.
 */
static void
check_needs(CaseMove *move)
{
	List *alternatives = NIL;

	for (int i = 0; i < move->policy->nmoves; i++)
	{
		const PolicyMove *alternative = &move->policy->moves[i];
		List *unmet;

		if (move->from_pair < 0
				? !policy_move_admits(alternative, move->to_pair)
				: !policy_move_allows(alternative, move->from_pair, move->to_pair))
			continue;
		unmet = unmet_needs(move, alternative);
		if (unmet == NIL)
			return;
		alternatives = lappend(alternatives, psprintf("%s (move \"%s\")",
													  join_words(unmet, " and that "),
													  alternative->name));
	}

	if (move->from_pair < 0)
		ereport(
			ERROR,
			(errcode(ERRCODE_VC_UNMET_NEED),
			 errmsg("%s may not be registered in %s yet", case_in_words(move),
					pair_in_words(move->to_pair)),
			 errdetail("Policy \"%s\" (version %d) requires that %s.", move->policy->name,
					   move->policy->version, join_words(alternatives, "; or that ")),
			 errhint("Give it in the same statement."), errtable(move->relation)));
	ereport(ERROR,
			(errcode(ERRCODE_VC_UNMET_NEED),
			 errmsg("%s may not go from %s to %s yet", case_in_words(move),
					pair_in_words(move->from_pair), pair_in_words(move->to_pair)),
			 errdetail("Policy \"%s\" (version %d) requires that %s.", move->policy->name,
					   move->policy->version, join_words(alternatives, "; or that ")),
			 errhint("Do what is missing first, and then repeat the change. "
					 "govcase.next_moves() lists what each move still needs."),
			 errtable(move->relation)));
}

/* ---------------------------------------------------------------------------
 * Registration
 * ---------------------------------------------------------------------------
 */

static bool
loads_history(Oid cases)
{
	ListCell *cell;

	foreach (cell, history_tables)
	{
		if (((HistoryTable *) lfirst(cell))->cases == cases)
			return true;
	}
	return false;
}

/*
 * Write the link of a move with what is known of the case and of its chain.
 * Nothing that could append has run since they were read: see read_case_chain().
 */
static void
write_move(CaseMove *move, const Link *link)
{
	AttrNumber attnum = protection_role_column(move->protection, "reported_at");
	CaseFacts facts;
	ChainHead head;

	memset(&facts, 0, sizeof(facts));
	if (attnum != InvalidAttrNumber)
	{
		bool isnull;
		Datum value = root_column(move, move->new_row, attnum, &isnull);

		attnum = partition_attnum(move->relation, move->protection->cases, attnum);
		read_reported_at(
			&facts, TupleDescAttr(RelationGetDescr(move->relation), attnum - 1)->atttypid,
			value, isnull);
	}
	memset(&head, 0, sizeof(head));
	head.exists = move->nlinks > 0;
	if (head.exists)
	{
		head.seq = move->links[0].seq;
		head.recorded_at = move->links[0].recorded_at;
		memcpy(head.hash, move->links[0].hash, LINK_HASH_SIZE);
	}
	write_link(move->protection, &move->key, link, &facts,
			   move->chain_read ? &head : NULL);
}

static void
write_registration(CaseMove *move, const char *note)
{
	Link link;

	if (!OidIsValid(move->protection->links))
		return;
	memset(&link, 0, sizeof(link));
	link.kind = LINK_REGISTERED;
	link.happened_at = DT_NOBEGIN;
	link.actor = actor_of_move(move);
	link.db_user = GetUserNameFromId(GetSessionUserId(), false);
	if (move->outcome != NULL)
	{
		link.from_state = move->outcome->to_state;
		link.from_risk = move->outcome->to_risk;
	}
	link.to_state = pair_state(move->to_pair);
	link.to_risk = pair_risk(move->to_pair);
	link.policy = move->policy->name;
	link.has_version = true;
	link.version = move->policy->version;
	link.has_chain_set = true;
	link.chain_set = move->protection->chain_set;
	link.note = (char *) note;
	write_move(move, &link);
}

/* May a new row come as it is?  VC001, VC002 or VC006 where not. */
static void
check_registration(CaseMove *move)
{
	bool history = loads_history(move->protection->cases);

	if (!pair_in(history ? move->policy->reachable : move->policy->insertable,
				 move->to_pair))
		ereport(ERROR,
				(errcode(ERRCODE_VC_MOVE_NOT_ALLOWED),
				 errmsg("%s may not be registered in %s", case_in_words(move),
						pair_in_words(move->to_pair)),
				 history ? errdetail("No moves of policy \"%s\" (version %d) lead there.",
									 move->policy->name, move->policy->version)
						 : errdetail("Policy \"%s\" (version %d) has no such "
									 "registration.",
									 move->policy->name, move->policy->version),
				 errhint("%s", registration_hint(move->policy)),
				 errtable(move->relation)));
	if (!history)
		check_needs(move);
	check_invariants(move);
}

/*
 * Does the table hold the case once?  An index says so of an ordinary table.
 * That of a partitioned one may cover more than the key, what says the
 * partition, and then nothing but the chain keeps the key unique.
 */
static bool
is_only_row(CaseMove *move)
{
	Datum values[MAX_KEY_COLUMNS];
	uint64 nrows;

	if (!move->relation->rd_rel->relispartition)
		return true;
	memcpy(values, move->key.values, sizeof(values));
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	(void) protection_execute(move->protection, PLAN_READ_CASE, values, NULL, false);
	nrows = SPI_processed;
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed");
	return nrows == 1;
}

static void
register_row(CaseMove *move)
{
	read_case_chain(move);
	if (move->outcome != NULL)
	{
		/*
		 * A link that the same statement appended has registered the case
		 * already; any other chain belonged to a case that is gone.
		 */
		if (move->outcome->kind == LINK_REGISTERED &&
			move->outcome->recorded_in ==
				(int64) U64FromFullTransactionId(GetTopFullTransactionId()) &&
			pair_index(move->outcome->to_state, move->outcome->to_risk) ==
				move->to_pair &&
			is_only_row(move))
			return;
		ereport(ERROR,
				(errcode(ERRCODE_VC_CHAIN_MISMATCH),
				 errmsg("%s already has a chain", case_in_words(move)),
				 errdetail("Its last registration or transition, link " INT64_FORMAT
						   ", says %s.",
						   move->outcome->seq,
						   pair_in_words(pair_index(move->outcome->to_state,
													move->outcome->to_risk))),
				 errhint("The key of a former case cannot be used again. "
						 "govcase.verify_chain() finds links without a case."),
				 errtable(move->relation)));
	}
	check_registration(move);
	write_registration(move, loads_history(move->protection->cases) ? ACCEPTED_AS_HISTORY
																	: NULL);
}

static void
start_move(CaseMove *move, Protection *protection, Relation relation, HeapTuple old_row,
		   HeapTuple new_row)
{
	memset(move, 0, sizeof(*move));
	move->protection = protection;
	move->policy = policy_in_force(protection->policy);
	move->relation = relation;
	move->old_row = old_row;
	move->new_row = new_row;
	/* Invariants ask for the same columns again and again. */
	move->values = palloc(sizeof(Datum) * RelationGetDescr(relation)->natts);
	move->nulls = palloc(sizeof(bool) * RelationGetDescr(relation)->natts);
	heap_deform_tuple(new_row, RelationGetDescr(relation), move->values, move->nulls);
	move->deformed = new_row;
	case_key_of_tuple(protection, relation, new_row, false, &move->key);
	move->from_pair = old_row == NULL ? -1 : case_pair(move, old_row);
	move->to_pair = case_pair(move, new_row);
}

/*
 * Move one row of a table by an open cursor or of a result into a tuple with
 * the relation's column numbers: queries here return whole rows.
 */
static void
tuple_of_whole_row(Datum datum, HeapTuple tuple)
{
	HeapTupleHeader header = DatumGetHeapTupleHeaderCopy(datum);

	tuple->t_len = HeapTupleHeaderGetDatumLength(header);
	ItemPointerSetInvalid(&tuple->t_self);
	tuple->t_tableOid = InvalidOid;
	tuple->t_data = header;
}

void
register_case_early(Protection *protection, const CaseKey *key)
{
	Datum values[MAX_KEY_COLUMNS];
	Relation relation;
	HeapTupleData row;
	CaseMove move;
	bool isnull;

	memcpy(values, key->values, sizeof(values));
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	(void) protection_execute(protection, PLAN_READ_CASE, values, NULL, false);
	if (SPI_processed != 1)
		elog(ERROR, "case %s is gone", case_key_text(key));
	tuple_of_whole_row(
		SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull), &row);
	relation = table_open(protection->cases, AccessShareLock);
	start_move(&move, protection, relation, NULL, &row);
	move.chain_read = true; /* the caller saw that there is none */
	check_registration(&move);
	write_registration(&move,
					   loads_history(protection->cases) ? ACCEPTED_AS_HISTORY : NULL);
	table_close(relation, AccessShareLock);
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed");
}

/* ---------------------------------------------------------------------------
 * Transition
 * ---------------------------------------------------------------------------
 */

static void
write_transition(CaseMove *move)
{
	Link link;

	if (!OidIsValid(move->protection->links))
		return;
	memset(&link, 0, sizeof(link));
	link.kind = LINK_TRANSITION;
	link.happened_at = DT_NOBEGIN;
	link.actor = actor_of_move(move);
	link.db_user = GetUserNameFromId(GetSessionUserId(), false);
	link.from_state = pair_state(move->from_pair);
	link.from_risk = pair_risk(move->from_pair);
	link.to_state = pair_state(move->to_pair);
	link.to_risk = pair_risk(move->to_pair);
	link.policy = move->policy->name;
	link.has_version = true;
	link.version = move->policy->version;
	write_move(move, &link);
}

/* OLD must be what the chain last said. */
static void
check_outcome(CaseMove *move)
{
	if (!OidIsValid(move->protection->links))
		return;
	read_case_chain(move);
	if (move->outcome == NULL)
		ereport(
			ERROR,
			(errcode(ERRCODE_VC_CHAIN_MISMATCH),
			 errmsg("%s has no registration on its chain", case_in_words(move)),
			 errdetail("It was inserted while the triggers of its table were disabled."),
			 errhint("The table's owner registers such rows with "
					 "govcase.register_existing()."),
			 errtable(move->relation)));
	if (pair_index(move->outcome->to_state, move->outcome->to_risk) != move->from_pair)
		ereport(
			ERROR,
			(errcode(ERRCODE_VC_CHAIN_MISMATCH),
			 errmsg("%s and its chain do not meet", case_in_words(move)),
			 errdetail("The row was in %s, and link " INT64_FORMAT " says %s.",
					   pair_in_words(move->from_pair), move->outcome->seq,
					   pair_in_words(
						   pair_index(move->outcome->to_state, move->outcome->to_risk))),
			 errhint("A trigger that updates the case again must be a BEFORE trigger, or "
					 "sort after \"govcase_transition\" by name."),
			 errtable(move->relation)));
}

static void
check_move(CaseMove *move)
{
	if (move->from_pair != move->to_pair)
	{
		if (!pair_in(move->policy->legal[move->from_pair], move->to_pair))
			refuse_move(move);
		check_outcome(move);
		check_needs(move);
	}
	check_invariants(move);
	if (move->from_pair != move->to_pair)
		write_transition(move);
}

static void
refuse_key_change(const Protection *protection, Relation relation, const char *from,
				  const char *to)
{
	ereport(ERROR,
			(errcode(ERRCODE_VC_APPEND_ONLY),
			 errmsg("key of case %s of table \"%s\" cannot be changed", from,
					get_rel_name(protection->cases)),
			 errdetail("Its chain is bound to key %s; the new key is %s.", from, to),
			 errhint("Void the case with a reason and register another."),
			 errtable(relation)));
}

/* ---------------------------------------------------------------------------
 * Rows that cross partitions: a DELETE here and an INSERT there
 * ---------------------------------------------------------------------------
 */

/* How deep this trigger is nested in others. */
static int
trigger_depth(void)
{
	LOCAL_FCINFO(fcinfo, 0);

	InitFunctionCallInfoData(*fcinfo, NULL, 0, InvalidOid, NULL, NULL);
	return DatumGetInt32(pg_trigger_depth(fcinfo));
}

static void
note_crossing_row(const Protection *protection, Relation partition, HeapTuple row)
{
	MemoryContext old = MemoryContextSwitchTo(TopTransactionContext);
	CrossingRow *crossing = palloc(sizeof(CrossingRow));
	CaseKey key;

	case_key_of_tuple(protection, partition, row, false, &key);
	crossing->cases = protection->cases;
	crossing->partition = RelationGetRelid(partition);
	crossing->key = case_key_text(&key);
	crossing->row = heap_copytuple(row);
	crossing->level = GetCurrentTransactionNestLevel();
	crossing->depth = trigger_depth();
	crossing_rows = lappend(crossing_rows, crossing);
	MemoryContextSwitchTo(old);
}

/*
 * The OLD side of a row that has just arrived, in the columns of the partition
 * that it arrived in; NULL where the row is new.
 */
static HeapTuple
take_crossing_row(const Protection *protection, Relation arrival, HeapTuple row)
{
	CaseKey key;
	char *text;
	ListCell *cell;

	if (crossing_rows == NIL)
		return NULL;
	case_key_of_tuple(protection, arrival, row, false, &key);
	text = case_key_text(&key);
	foreach (cell, crossing_rows)
	{
		CrossingRow *crossing = lfirst(cell);
		Relation departure;
		Relation root;
		Datum *values;
		bool *nulls;
		HeapTuple old_row;

		if (crossing->cases != protection->cases || strcmp(crossing->key, text) != 0)
			continue;

		departure = table_open(crossing->partition, AccessShareLock);
		root = table_open(protection->cases, AccessShareLock);
		values = palloc0(sizeof(Datum) * RelationGetDescr(arrival)->natts);
		nulls = palloc(sizeof(bool) * RelationGetDescr(arrival)->natts);
		memset(nulls, true, sizeof(bool) * RelationGetDescr(arrival)->natts);
		for (int i = 1; i <= RelationGetDescr(root)->natts; i++)
		{
			AttrNumber from;
			AttrNumber to;

			if (TupleDescAttr(RelationGetDescr(root), i - 1)->attisdropped)
				continue;
			from = partition_attnum(departure, protection->cases, i);
			to = partition_attnum(arrival, protection->cases, i);
			values[to - 1] = heap_getattr(crossing->row, from,
										  RelationGetDescr(departure), &nulls[to - 1]);
		}
		old_row = heap_form_tuple(RelationGetDescr(arrival), values, nulls);
		table_close(root, NoLock);
		table_close(departure, NoLock);
		crossing_rows = foreach_delete_current(crossing_rows, cell);
		return old_row;
	}
	return NULL;
}

/*
 * A row arrived that none left under its key.  Where one is on its way, this is
 * that one: it leaves and arrives in turn, so only its key can have changed.
 */
static void
refuse_crossing_key_change(const Protection *protection, Relation arrival, HeapTuple row)
{
	ListCell *cell;
	CaseKey key;

	foreach (cell, crossing_rows)
	{
		CrossingRow *crossing = lfirst(cell);

		if (crossing->cases != protection->cases || crossing->depth != trigger_depth())
			continue;
		case_key_of_tuple(protection, arrival, row, false, &key);
		refuse_key_change(protection, arrival, crossing->key, case_key_text(&key));
	}
}

/* A row that left one partition and arrived in none has vanished: refuse. */
static void
check_crossing_rows(void)
{
	CrossingRow *crossing;

	if (crossing_rows == NIL)
		return;
	crossing = linitial(crossing_rows);
	crossing_rows = NIL;
	ereport(ERROR,
			(errcode(ERRCODE_VC_APPEND_ONLY),
			 errmsg("case %s of table \"%s\" cannot be deleted", crossing->key,
					get_rel_name(crossing->cases)),
			 errdetail("It left partition \"%s\" and arrived in no other.",
					   get_rel_name(crossing->partition)),
			 errhint("A BEFORE INSERT trigger must not suppress a row that crosses "
					 "partitions.")));
}

static void
at_transaction_end(XactEvent event, void *argument pg_attribute_unused())
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
		case XACT_EVENT_PRE_PREPARE:
			check_crossing_rows();
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			/* Their memory is the transaction's. */
			crossing_rows = NIL;
			history_tables = NIL;
			break;
		default:
			break;
	}
}

static void
at_subtransaction_end(SubXactEvent event, SubTransactionId subtransaction,
					  SubTransactionId parent pg_attribute_unused(),
					  void *argument pg_attribute_unused())
{
	ListCell *cell;

	if (event != SUBXACT_EVENT_COMMIT_SUB && event != SUBXACT_EVENT_ABORT_SUB)
		return;
	foreach (cell, history_tables)
	{
		if (((HistoryTable *) lfirst(cell))->subtransaction == subtransaction)
			history_tables = foreach_delete_current(history_tables, cell);
	}
	foreach (cell, crossing_rows)
	{
		CrossingRow *crossing = lfirst(cell);

		if (crossing->level < GetCurrentTransactionNestLevel())
			continue;
		if (event == SUBXACT_EVENT_ABORT_SUB)
			crossing_rows = foreach_delete_current(crossing_rows, cell);
		else
			crossing->level = GetCurrentTransactionNestLevel() - 1;
	}
}

static void
watch_transactions(void)
{
	static bool watching = false;

	if (watching)
		return;
	RegisterXactCallback(at_transaction_end, NULL);
	RegisterSubXactCallback(at_subtransaction_end, NULL);
	watching = true;
}

/* ---------------------------------------------------------------------------
 * The triggers
 * ---------------------------------------------------------------------------
 */

static void
check_trigger_use(FunctionCallInfo fcinfo, const char *name, bool fits)
{
	if (!CALLED_AS_TRIGGER(fcinfo) || !fits)
		ereport(
			ERROR,
			(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
			 errmsg("function \"%s\" was not called as the trigger that it is", name),
			 errhint("govcase.protect_cases() creates the triggers of a protection.")));
}

#define FIRED_AFTER_ROW(trigdata, by) \
	(TRIGGER_FIRED_AFTER((trigdata)->tg_event) && \
	 TRIGGER_FIRED_FOR_ROW((trigdata)->tg_event) && by((trigdata)->tg_event))

/*
 * register_case: AFTER INSERT FOR EACH ROW on a case table
 *
 * Checks that a case may begin as it does and writes its registration link, or,
 * where the row has come from another partition, checks the UPDATE that it is.
 * Errors: VC001, VC002, VC004, VC006, VC007.
 */
Datum
govcase_register_case(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	Protection *protection;
	HeapTuple old_row;
	CaseMove move;

	check_trigger_use(fcinfo, "register_case",
					  CALLED_AS_TRIGGER(fcinfo) &&
						  FIRED_AFTER_ROW(trigdata, TRIGGER_FIRED_BY_INSERT));
	protection = protection_of_cases(trigdata->tg_relation);
	old_row =
		take_crossing_row(protection, trigdata->tg_relation, trigdata->tg_trigtuple);
	start_move(&move, protection, trigdata->tg_relation, old_row, trigdata->tg_trigtuple);
	if (old_row != NULL)
		check_move(&move);
	else
	{
		if (OidIsValid(protection->links))
			refuse_crossing_key_change(protection, trigdata->tg_relation,
									   trigdata->tg_trigtuple);
		register_row(&move);
	}
	return PointerGetDatum(NULL);
}

/*
 * check_transition: AFTER UPDATE FOR EACH ROW on a case table
 *
 * Checks a change of state, risk or a watched role against the policy in force
 * and writes the transition link.  Errors: VC001, VC002, VC003 (the key),
 * VC004, VC006, VC007; 40001 where the chain has moved on unseen.
 */
Datum
govcase_check_transition(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	Protection *protection;
	CaseMove move;
	CaseKey old_key;

	check_trigger_use(fcinfo, "check_transition",
					  CALLED_AS_TRIGGER(fcinfo) &&
						  FIRED_AFTER_ROW(trigdata, TRIGGER_FIRED_BY_UPDATE));
	protection = protection_of_cases(trigdata->tg_relation);
	start_move(&move, protection, trigdata->tg_relation, trigdata->tg_trigtuple,
			   trigdata->tg_newtuple);
	move.updated = TriggerUpdatedColumns(trigdata);
	case_key_of_tuple(protection, trigdata->tg_relation, trigdata->tg_trigtuple, false,
					  &old_key);
	if (OidIsValid(protection->links) && !same_case_key(&old_key, &move.key))
		refuse_key_change(protection, trigdata->tg_relation, case_key_text(&old_key),
						  case_key_text(&move.key));
	check_move(&move);
	return PointerGetDatum(NULL);
}

/*
 * keep_case: AFTER DELETE FOR EACH ROW and BEFORE TRUNCATE on a case table
 *
 * A case with a chain is never deleted (VC003).  A DELETE that is half of an
 * UPDATE across partitions passes, and its other half is checked as that
 * UPDATE.  A table that is not protected any more, such as a detached partition,
 * is its owner's again.
 */
Datum
govcase_keep_case(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	Relation relation;
	Protection *protection;
	CaseKey key;

	check_trigger_use(fcinfo, "keep_case",
					  CALLED_AS_TRIGGER(fcinfo) &&
						  (FIRED_AFTER_ROW(trigdata, TRIGGER_FIRED_BY_DELETE) ||
						   TRIGGER_FIRED_BY_TRUNCATE(trigdata->tg_event)));
	relation = trigdata->tg_relation;

	if (TRIGGER_FIRED_BY_TRUNCATE(trigdata->tg_event))
	{
		if (!is_protected(relation))
			return PointerGetDatum(NULL);
		protection = protection_of_cases(relation);
		if (OidIsValid(protection->links))
			ereport(ERROR,
					(errcode(ERRCODE_VC_APPEND_ONLY),
					 errmsg("table \"%s\" cannot be truncated",
							RelationGetRelationName(relation)),
					 errdetail("Its cases have chains in table \"%s\".",
							   get_rel_name(protection->links)),
					 errhint("Void cases that should not count. Only "
							 "govcase.unprotect_cases() gives the table back whole."),
					 errtable(relation)));
		return PointerGetDatum(NULL);
	}

	protection = protection_of_cases(relation);
	if (HeapTupleHeaderIndicatesMovedPartitions(trigdata->tg_trigtuple->t_data))
	{
		watch_transactions();
		note_crossing_row(protection, relation, trigdata->tg_trigtuple);
		return PointerGetDatum(NULL);
	}
	if (!OidIsValid(protection->links))
		return PointerGetDatum(NULL);
	case_key_of_tuple(protection, relation, trigdata->tg_trigtuple, false, &key);
	ereport(ERROR, (errcode(ERRCODE_VC_APPEND_ONLY),
					errmsg("case %s of table \"%s\" cannot be deleted",
						   case_key_text(&key), get_rel_name(protection->cases)),
					errdetail("It has a chain in table \"%s\".",
							  get_rel_name(protection->links)),
					errhint("Void it with a reason: a voided case counts nowhere."),
					errtable(relation)));
	return PointerGetDatum(NULL);
}

/* ---------------------------------------------------------------------------
 * Rows from before
 * ---------------------------------------------------------------------------
 */

static void
check_owner(Oid user, Oid owner, Oid table)
{
	if (!has_privs_of_role(user, owner))
		aclcheck_error(ACLCHECK_NOT_OWNER, get_relkind_objtype(get_rel_relkind(table)),
					   get_rel_name(table));
}

/*
 * begin_history(regclass) returns void
 *
 * Until the (sub)transaction ends, INSERTs into the table may come in any pair
 * that the policy reaches.  Only the session's own role counts, not that of a
 * definer function (42501): no setting, and so no injected expression, can turn
 * it on for somebody else.
 */
Datum
govcase_begin_history(PG_FUNCTION_ARGS)
{
	Protection *protection = protection_of_table(PG_GETARG_OID(0));
	HistoryTable *history;
	MemoryContext old;

	check_owner(GetOuterUserId(), protection->owner, protection->cases);
	watch_transactions();
	old = MemoryContextSwitchTo(TopTransactionContext);
	history = palloc(sizeof(HistoryTable));
	history->cases = protection->cases;
	history->subtransaction = GetCurrentSubTransactionId();
	history_tables = lappend(history_tables, history);
	MemoryContextSwitchTo(old);
	PG_RETURN_VOID();
}

/* Called for each row of a protected table; SPI is connected. */
typedef void (*RowVisitor)(CaseMove *move, void *argument);

/*
 * Visit all rows of a protected table, or of one partition of it, as its owner.
 * The cursor's snapshot is one for the whole walk.
 */
static void
visit_rows(Oid table, RowVisitor visit, void *argument)
{
	Protection *protection = protection_of_table(table);
	Relation relation = table_open(table, AccessShareLock);
	MemoryContext row_context = AllocSetContextCreate(CurrentMemoryContext, "govcase row",
													  ALLOCSET_DEFAULT_SIZES);
	Portal portal;
	Oid save_user;
	int save_context;
	char *query = psprintf(
		"SELECT found FROM %s AS found",
		quote_qualified_identifier(get_namespace_name(RelationGetNamespace(relation)),
								   RelationGetRelationName(relation)));

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	GetUserIdAndSecContext(&save_user, &save_context);
	SetUserIdAndSecContext(protection->owner, save_context |
												  SECURITY_LOCAL_USERID_CHANGE |
												  SECURITY_NOFORCE_RLS);
	portal = SPI_cursor_open_with_args(NULL, query, 0, NULL, NULL, NULL, true, 0);
	for (;;)
	{
		SPITupleTable *rows;
		uint64 nrows;

		SPI_cursor_fetch(portal, true, 1000);
		rows = SPI_tuptable;
		nrows = SPI_processed;
		SetUserIdAndSecContext(save_user, save_context);
		for (uint64 i = 0; i < nrows; i++)
		{
			MemoryContext old = MemoryContextSwitchTo(row_context);
			HeapTupleData row;
			CaseMove move;
			bool isnull;

			tuple_of_whole_row(SPI_getbinval(rows->vals[i], rows->tupdesc, 1, &isnull),
							   &row);
			start_move(&move, protection_of_table(table), relation, NULL, &row);
			visit(&move, argument);
			MemoryContextSwitchTo(old);
			MemoryContextReset(row_context);
		}
		SPI_freetuptable(rows);
		if (nrows == 0)
			break;
		SetUserIdAndSecContext(protection->owner, save_context |
													  SECURITY_LOCAL_USERID_CHANGE |
													  SECURITY_NOFORCE_RLS);
	}
	SPI_cursor_close(portal);
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed");
	MemoryContextDelete(row_context);
	table_close(relation, AccessShareLock);
}

/* What is wrong with a row as it stands, in words; NULL where nothing is. */
static char *
problem_of_row(CaseMove *move)
{
	List *broken;

	if (!pair_in(move->policy->reachable, move->to_pair))
		return psprintf("%s is reached by no moves of policy \"%s\"",
						pair_in_words(move->to_pair), move->policy->name);
	broken = broken_invariants(move);
	if (broken == NIL)
		return NULL;
	return psprintf("in %s policy \"%s\" requires that %s", pair_in_words(move->to_pair),
					move->policy->name, join_words(broken, " and that "));
}

static void
report_row(CaseMove *move, void *argument)
{
	ReturnSetInfo *result = argument;
	char *problem = problem_of_row(move);
	Datum values[2];
	bool nulls[2] = {false, false};

	if (problem == NULL)
		return;
	values[0] = CStringGetTextDatum(case_key_text(&move->key));
	values[1] = CStringGetTextDatum(problem);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/*
 * check_existing(regclass) returns setof (case_key, problem)
 *
 * Rows that stand in a pair that the policy in force does not reach, or that
 * break an invariant.  For the table's owner (42501).
 */
Datum
govcase_check_existing(PG_FUNCTION_ARGS)
{
	Oid table = PG_GETARG_OID(0);
	Protection *protection = protection_of_table(table);

	check_owner(GetUserId(), protection->owner, table);
	InitMaterializedSRF(fcinfo, 0);
	visit_rows(table, report_row, fcinfo->resultinfo);
	return (Datum) 0;
}

typedef struct ExistingRows
{
	bool accepted;
	int64 registered;
} ExistingRows;

static bool
find_registration(const Link *link, void *argument)
{
	Link *registration = argument;

	if (link->kind != LINK_REGISTERED)
		return true;
	*registration = *link;
	return false;
}

static void
register_existing_row(CaseMove *move, void *argument)
{
	ExistingRows *rows = argument;
	char *problem = problem_of_row(move);
	Link registration;

	/* It is the owner that registers, whoever may be signed in or not. */
	move->actor = GetUserNameFromId(GetUserId(), false);
	if (problem != NULL && !rows->accepted)
		ereport(ERROR,
				(errcode(ERRCODE_VC_MOVE_NOT_ALLOWED),
				 errmsg("%s cannot be registered as it is", case_in_words(move)),
				 errdetail("The row does not fit: %s.", problem),
				 errhint("Correct the row, or accept the past with accept_existing."),
				 errtable(move->relation)));
	read_case_chain(move);
	if (move->outcome != NULL)
	{
		memset(&registration, 0, sizeof(registration));
		read_chain(move->protection, &move->key, find_registration, &registration);
		if (registration.has_chain_set &&
			memcmp(&registration.chain_set, &move->protection->chain_set,
				   sizeof(pg_uuid_t)) == 0)
		{
			/* Registered under this protection: the row must be as the chain says. */
			move->from_pair = move->to_pair;
			check_outcome(move);
			return;
		}
	}
	write_registration(move, problem != NULL ? ACCEPTED_AS_FOUND : NULL);
	rows->registered++;
}

/*
 * register_existing(regclass, accepted boolean) returns bigint
 *
 * Registers each row of a protected table, or of one partition, that this
 * protection has not registered yet, and returns how many.  A chain from an
 * earlier protection goes on.  For the table's owner (42501).  Errors: VC001
 * for a row that check_existing() reports, unless accepted; VC004 for a row that
 * its chain does not meet.
 */
Datum
govcase_register_existing(PG_FUNCTION_ARGS)
{
	Oid table = PG_GETARG_OID(0);
	Protection *protection = protection_of_table(table);
	ExistingRows rows;

	check_owner(GetUserId(), protection->owner, table);
	rows.accepted = PG_GETARG_BOOL(1);
	rows.registered = 0;
	if (OidIsValid(protection->links))
		visit_rows(table, register_existing_row, &rows);
	PG_RETURN_INT64(rows.registered);
}
