/*
 * verify_chain.c
 *		Do the stored chains still say what was appended?
 *
 * First an aggregate over the cases reads the chain of each in order, by the key of
 * the links, and counts: where every chain is sound, and there are as many links as
 * in all of them, nothing is wrong.  Parallel workers share the cases.
 *
 * Otherwise, and where no single index leads to the links (they are partitioned),
 * another aggregate finds the chains that are not sound.  Whether a chain is whole
 * can be told without reading it in order: each link carries the hash of the one
 * before, so the pairs (seq, hash) of all links but the last must be the pairs
 * (seq - 1, prev_hash) of all links but the first.  It checks each link by itself
 * and compares sums over those pairs, in parallel and in one pass over the table as
 * it lies.  Only chains that it does not find sound are then walked, to say what is
 * wrong with which link.
 */
#include "follow_up.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "attach.h"
#include "row_access.h"

/* ---------------------------------------------------------------------------
 * One link by itself
 * ---------------------------------------------------------------------------
 */

/* A link as it is stored, which need not be as it was appended. */
typedef struct StoredLink
{
	Link link;
	const char *flaw;       /* what no link looks like, as a sentence, or NULL */
	bool note_without_salt; /* or with one of another size, or one without a note */
	uint8 content[LINK_HASH_SIZE]; /* hash of what it says; of a link read in order */
	bool changed;                  /* and that is not its hash */
} StoredLink;

static bool
read_bytes(Datum value, bool isnull, uint8 *bytes, int length)
{
	bytea *stored;

	if (isnull)
		return false;
	stored = DatumGetByteaPP(value);
	if ((int) VARSIZE_ANY_EXHDR(stored) != length)
		return false;
	memcpy(bytes, VARDATA_ANY(stored), length);
	return true;
}

static char *
read_text(Datum value, bool isnull)
{
	return isnull ? NULL : TextDatumGetCString(value);
}

/* Columns that no kind of link leaves out. */
static const LinkColumn always_there[] = {
	LINK_COLUMN_SEQ,         LINK_COLUMN_HAPPENED_AT, LINK_COLUMN_RECORDED_AT,
	LINK_COLUMN_RECORDED_IN, LINK_COLUMN_KIND,        LINK_COLUMN_ACTOR,
	LINK_COLUMN_DB_USER,     LINK_COLUMN_PREV_HASH,   LINK_COLUMN_HASH};

/* What the kind of a link says about its columns; NULL where they fit. */
static const char *
flaw_of_columns(const Link *link)
{
	bool has_from = link->from_state != 0 && link->from_risk != 0;
	bool has_to = link->to_state != 0 && link->to_risk != 0;
	bool has_any_from = link->from_state != 0 || link->from_risk != 0;
	bool has_any_to = link->to_state != 0 || link->to_risk != 0;
	bool has_version = link->policy != NULL && link->has_version;
	bool has_any_version = link->policy != NULL || link->has_version;

	if (link->unknown_kind != NULL)
		return "It is of no kind that govcase knows.";
	switch (link->kind)
	{
		case LINK_REGISTERED:
			if (!has_to || !has_version || !link->has_chain_set ||
				has_any_from != has_from || link->has_target_seq || link->has_satisfied)
				return "A registration has state, risk, policy, version and chain set "
					   "alone.";
			return NULL;
		case LINK_TRANSITION:
			if (!has_from || !has_to || !has_version || link->has_chain_set ||
				link->has_target_seq || link->has_satisfied)
				return "A transition has states, risks, policy and version alone.";
			return NULL;
		case LINK_REDACTION:
			if (has_any_from || has_any_to || has_any_version || link->has_chain_set ||
				link->has_satisfied || !link->has_note_digest)
				return "A redaction has its target and a reason alone.";
			return NULL;
		default:
			if (has_any_from || has_any_to || has_any_version || link->has_chain_set ||
				link->has_target_seq)
				return "Such a link has no state, risk, policy, version, chain set or "
					   "target.";
			return NULL;
	}
}

/* Fill a link from its columns, in the order of LinkColumn. */
static void
read_stored_link(const Datum *values, const bool *nulls, StoredLink *stored)
{
	Link *link = &stored->link;
	char *kind;

	memset(stored, 0, sizeof(*stored));
#define VALUE(column) (nulls[column] ? (Datum) 0 : values[column])
	link->seq = nulls[LINK_COLUMN_SEQ] ? 0 : DatumGetInt64(values[LINK_COLUMN_SEQ]);
	link->happened_at = nulls[LINK_COLUMN_HAPPENED_AT]
							? 0
							: DatumGetTimestampTz(values[LINK_COLUMN_HAPPENED_AT]);
	link->recorded_at = nulls[LINK_COLUMN_RECORDED_AT]
							? 0
							: DatumGetTimestampTz(values[LINK_COLUMN_RECORDED_AT]);
	link->recorded_in = nulls[LINK_COLUMN_RECORDED_IN]
							? 0
							: DatumGetInt64(values[LINK_COLUMN_RECORDED_IN]);
	link->actor = read_text(values[LINK_COLUMN_ACTOR], nulls[LINK_COLUMN_ACTOR]);
	link->db_user = read_text(values[LINK_COLUMN_DB_USER], nulls[LINK_COLUMN_DB_USER]);
	link->from_state = DatumGetCaseState(VALUE(LINK_COLUMN_FROM_STATE));
	link->to_state = DatumGetCaseState(VALUE(LINK_COLUMN_TO_STATE));
	link->from_risk = DatumGetRiskLevel(VALUE(LINK_COLUMN_FROM_RISK));
	link->to_risk = DatumGetRiskLevel(VALUE(LINK_COLUMN_TO_RISK));
	link->policy = read_text(values[LINK_COLUMN_POLICY], nulls[LINK_COLUMN_POLICY]);
	link->has_version = !nulls[LINK_COLUMN_VERSION];
	link->version = DatumGetInt32(VALUE(LINK_COLUMN_VERSION));
	link->has_chain_set = !nulls[LINK_COLUMN_CHAIN_SET];
	if (link->has_chain_set)
		link->chain_set = *DatumGetUUIDP(values[LINK_COLUMN_CHAIN_SET]);
	link->has_target_seq = !nulls[LINK_COLUMN_TARGET_SEQ];
	if (link->has_target_seq)
		link->target_seq = DatumGetInt64(values[LINK_COLUMN_TARGET_SEQ]);
	link->has_satisfied = !nulls[LINK_COLUMN_SATISFIED];
	link->satisfied = DatumGetBool(VALUE(LINK_COLUMN_SATISFIED));
	link->note = read_text(values[LINK_COLUMN_NOTE], nulls[LINK_COLUMN_NOTE]);
	link->has_salt = read_bytes(values[LINK_COLUMN_SALT], nulls[LINK_COLUMN_SALT],
								link->salt, LINK_SALT_SIZE);
	link->has_note_digest = !nulls[LINK_COLUMN_NOTE_DIGEST];
#undef VALUE

	kind = read_text(values[LINK_COLUMN_KIND], nulls[LINK_COLUMN_KIND]);
	if (kind != NULL && !link_kind_parse(kind, &link->kind))
		link->unknown_kind = kind;

	/* A salt of another size fits no note; without a note there is none. */
	stored->note_without_salt =
		link->note != NULL ? !link->has_salt : !nulls[LINK_COLUMN_SALT];

	if (link->has_note_digest && !read_bytes(values[LINK_COLUMN_NOTE_DIGEST], false,
											 link->note_digest, LINK_HASH_SIZE))
		stored->flaw = "Its note digest is not 32 bytes long.";
	if (!read_bytes(values[LINK_COLUMN_PREV_HASH], nulls[LINK_COLUMN_PREV_HASH],
					link->prev_hash, LINK_HASH_SIZE))
		stored->flaw = "Its previous hash is not 32 bytes long.";
	if (!read_bytes(values[LINK_COLUMN_HASH], nulls[LINK_COLUMN_HASH], link->hash,
					LINK_HASH_SIZE))
		stored->flaw = "Its hash is not 32 bytes long.";
	for (int i = 0; i < (int) lengthof(always_there); i++)
	{
		if (nulls[always_there[i]])
			stored->flaw = "It lacks a column that every link has.";
	}
	if (stored->flaw == NULL)
		stored->flaw = flaw_of_columns(link);
}

/* What is wrong with the note; NULL where nothing is.  Redacted: it may be gone. */
static const char *
flaw_of_note(const StoredLink *stored, bool redacted)
{
	const Link *link = &stored->link;
	uint8 digest[LINK_HASH_SIZE];

	if (link->note == NULL)
	{
		if (stored->note_without_salt)
			return "It has a salt and no note.";
		if (link->has_note_digest && !redacted)
			return "Its note is gone, and no redaction says so.";
		return NULL;
	}
	if (!link->has_note_digest)
		return "It has a note that was not appended with it.";
	if (stored->note_without_salt)
		return "Its note has no salt of 16 bytes.";
	hash_note(link->salt, link->note, digest);
	if (memcmp(digest, link->note_digest, LINK_HASH_SIZE) != 0)
		return "Its note or salt is not the one that was appended.";
	return NULL;
}

static bool
is_genesis(const CaseKey *key, const Link *link)
{
	uint8 genesis[LINK_HASH_SIZE];

	if (!link->has_chain_set)
		return false;
	hash_genesis(&link->chain_set, key, genesis);
	return memcmp(genesis, link->prev_hash, LINK_HASH_SIZE) == 0;
}

/* ---------------------------------------------------------------------------
 * chain_summary: one pass over the links as they lie
 * ---------------------------------------------------------------------------
 */

#define SUMMARY_LANES (LINK_HASH_SIZE / sizeof(uint64))

/* Also the bytes that chain_summary returns; no padding. */
typedef struct ChainSummary
{
	int64 nlinks;
	int64 last_seq;
	int64 outcome_seq;              /* newest registration or transition, 0: none */
	int64 registered_seq;           /* newest registration, 0: none */
	uint64 hashes[SUMMARY_LANES];   /* sum over (seq, hash) */
	uint64 previous[SUMMARY_LANES]; /* sum over (seq - 1, prev_hash) but the first */
	uint64 to_pairs;                /* sums over the pairs of registrations and */
	uint64 from_pairs;              /* transitions */
	uint8 last_hash[LINK_HASH_SIZE];
	pg_uuid_t chain_set; /* of the newest registration */
	uint8 to_state;      /* of the outcome */
	uint8 to_risk;
	uint8 unsound; /* some link is not in order by itself, or lost its note */
	uint8 reserved[5];
} ChainSummary;

/* The finaliser of splitmix64: sums of it meet only where what was summed does. */
static uint64
scramble(uint64 x)
{
	x += UINT64CONST(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 30)) * UINT64CONST(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64CONST(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static void
add_to_sum(uint64 *sum, int64 seq, const uint8 *hash)
{
	for (int i = 0; i < (int) SUMMARY_LANES; i++)
	{
		uint64 lane;

		memcpy(&lane, hash + i * sizeof(lane), sizeof(lane));
		sum[i] += scramble(lane ^ scramble((uint64) seq));
	}
}

static uint64
pair_of(uint8 state, uint8 risk)
{
	return scramble((uint64) state << 8 | risk);
}

static void
add_link(ChainSummary *summary, const CaseKey *key, const StoredLink *stored)
{
	const Link *link = &stored->link;
	uint8 hash[LINK_HASH_SIZE];

	summary->nlinks++;
	if (stored->flaw != NULL || flaw_of_note(stored, false) != NULL)
	{
		summary->unsound = true;
		return;
	}
	hash_link(key, link, hash);
	if (memcmp(hash, link->hash, LINK_HASH_SIZE) != 0 ||
		(link->seq <= 1 && (link->seq < 1 || link->kind != LINK_REGISTERED ||
							link->from_state != 0 || !is_genesis(key, link))))
		summary->unsound = true;

	add_to_sum(summary->hashes, link->seq, hash);
	if (link->seq > 1)
		add_to_sum(summary->previous, link->seq - 1, link->prev_hash);
	if (link->seq > summary->last_seq)
	{
		summary->last_seq = link->seq;
		memcpy(summary->last_hash, hash, LINK_HASH_SIZE);
	}
	if (link->to_state == 0)
		return;
	summary->to_pairs += pair_of(link->to_state, link->to_risk);
	if (link->seq > 1)
		summary->from_pairs += pair_of(link->from_state, link->from_risk);
	if (link->seq > summary->outcome_seq)
	{
		summary->outcome_seq = link->seq;
		summary->to_state = link->to_state;
		summary->to_risk = link->to_risk;
	}
	if (link->kind == LINK_REGISTERED && link->seq > summary->registered_seq)
	{
		summary->registered_seq = link->seq;
		summary->chain_set = link->chain_set;
	}
}

static bool
is_whole(const ChainSummary *summary)
{
	uint64 expected[SUMMARY_LANES];

	if (summary->unsound || summary->nlinks != summary->last_seq ||
		summary->registered_seq == 0)
		return false;
	memcpy(expected, summary->previous, sizeof(expected));
	add_to_sum(expected, summary->last_seq, summary->last_hash);
	if (memcmp(expected, summary->hashes, sizeof(expected)) != 0)
		return false;
	return summary->from_pairs + pair_of(summary->to_state, summary->to_risk) ==
		   summary->to_pairs;
}

/* Where an aggregate keeps its state; 0A000 called outside of one. */
static MemoryContext
aggregate_context(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("function of an aggregate called outside of one")));
	return context;
}

static ChainSummary *
new_summary(FunctionCallInfo fcinfo)
{
	return MemoryContextAllocZero(aggregate_context(fcinfo), sizeof(ChainSummary));
}

/* Number of key columns, from the types of the arguments; checked once a query. */
static int
check_summary_arguments(FunctionCallInfo fcinfo)
{
	int nkeys = PG_NARGS() - 1 - LINK_COLUMN_COUNT;
	KeyClass class;
	int *checked;

	if (fcinfo->flinfo->fn_extra != NULL)
		return *(int *) fcinfo->flinfo->fn_extra;
	if (nkeys < 1 || nkeys > MAX_KEY_COLUMNS || get_fn_expr_variadic(fcinfo->flinfo))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s needs the key columns of a link and its %d others",
							   "chain_summary", LINK_COLUMN_COUNT)));
	for (int i = 0; i < nkeys; i++)
	{
		if (!key_class_of_type(get_fn_expr_argtype(fcinfo->flinfo, i + 1), &class))
			ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
							errmsg("argument %d of %s is no key column", i + 1,
								   "chain_summary")));
	}
	for (int i = 0; i < LINK_COLUMN_COUNT; i++)
	{
		if (get_fn_expr_argtype(fcinfo->flinfo, nkeys + i + 1) != link_column_type(i))
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("argument %d of %s is not of type %s", nkeys + i + 1,
							"chain_summary", format_type_be(link_column_type(i))),
					 errdetail("It is column \"%s\" of a link.", link_column_name(i))));
	}
	checked = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, sizeof(int));
	*checked = nkeys;
	fcinfo->flinfo->fn_extra = checked;
	return nkeys;
}

/*
 * chain_summary_add(internal, VARIADIC "any") returns internal
 *
 * Arguments: the key columns, then every other column of a link in the order of
 * LinkColumn.  Errors: 22023, 42804 for other arguments.
 */
PG_FUNCTION_INFO_V1(govcase_chain_summary_add);

Datum
govcase_chain_summary_add(PG_FUNCTION_ARGS)
{
	ChainSummary *summary =
		PG_ARGISNULL(0) ? new_summary(fcinfo) : (ChainSummary *) PG_GETARG_POINTER(0);
	int nkeys = check_summary_arguments(fcinfo);
	Datum values[LINK_COLUMN_COUNT];
	bool nulls[LINK_COLUMN_COUNT];
	CaseKey key;
	StoredLink stored;

	key.ncolumns = nkeys;
	for (int i = 0; i < nkeys; i++)
	{
		if (PG_ARGISNULL(i + 1))
		{
			summary->nlinks++;
			summary->unsound = true;
			PG_RETURN_POINTER(summary);
		}
		key.types[i] = get_fn_expr_argtype(fcinfo->flinfo, i + 1);
		key.values[i] = PG_GETARG_DATUM(i + 1);
	}
	for (int i = 0; i < LINK_COLUMN_COUNT; i++)
	{
		nulls[i] = PG_ARGISNULL(nkeys + i + 1);
		values[i] = PG_GETARG_DATUM(nkeys + i + 1);
	}
	read_stored_link(values, nulls, &stored);
	add_link(summary, &key, &stored);
	PG_RETURN_POINTER(summary);
}

/* chain_summary_combine(internal, internal) returns internal */
PG_FUNCTION_INFO_V1(govcase_chain_summary_combine);

Datum
govcase_chain_summary_combine(PG_FUNCTION_ARGS)
{
	ChainSummary *one = PG_ARGISNULL(0) ? NULL : (ChainSummary *) PG_GETARG_POINTER(0);
	ChainSummary *other = PG_ARGISNULL(1) ? NULL : (ChainSummary *) PG_GETARG_POINTER(1);

	if (other == NULL)
	{
		if (one == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(one);
	}
	if (one == NULL)
		one = new_summary(fcinfo);

	one->nlinks += other->nlinks;
	for (int i = 0; i < (int) SUMMARY_LANES; i++)
	{
		one->hashes[i] += other->hashes[i];
		one->previous[i] += other->previous[i];
	}
	one->to_pairs += other->to_pairs;
	one->from_pairs += other->from_pairs;
	one->unsound |= other->unsound;
	if (other->last_seq > one->last_seq)
	{
		one->last_seq = other->last_seq;
		memcpy(one->last_hash, other->last_hash, LINK_HASH_SIZE);
	}
	if (other->outcome_seq > one->outcome_seq)
	{
		one->outcome_seq = other->outcome_seq;
		one->to_state = other->to_state;
		one->to_risk = other->to_risk;
	}
	if (other->registered_seq > one->registered_seq)
	{
		one->registered_seq = other->registered_seq;
		one->chain_set = other->chain_set;
	}
	PG_RETURN_POINTER(one);
}

/* chain_summary_bytes(internal) returns bytea: final and serialisation function */
PG_FUNCTION_INFO_V1(govcase_chain_summary_bytes);

Datum
govcase_chain_summary_bytes(PG_FUNCTION_ARGS)
{
	bytea *bytes;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	bytes = palloc(VARHDRSZ + sizeof(ChainSummary));
	SET_VARSIZE(bytes, VARHDRSZ + sizeof(ChainSummary));
	memcpy(VARDATA(bytes), PG_GETARG_POINTER(0), sizeof(ChainSummary));
	PG_RETURN_BYTEA_P(bytes);
}

static void
read_summary(bytea *bytes, ChainSummary *summary)
{
	if (VARSIZE_ANY_EXHDR(bytes) != sizeof(ChainSummary))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid summary of a chain"),
				 errdetail("It has %d bytes instead of %d.",
						   (int) VARSIZE_ANY_EXHDR(bytes), (int) sizeof(ChainSummary))));
	memcpy(summary, VARDATA_ANY(bytes), sizeof(ChainSummary));
}

/* chain_summary_from_bytes(bytea, internal) returns internal.  22P03 bad size. */
PG_FUNCTION_INFO_V1(govcase_chain_summary_from_bytes);

Datum
govcase_chain_summary_from_bytes(PG_FUNCTION_ARGS)
{
	ChainSummary *summary = new_summary(fcinfo);

	read_summary(PG_GETARG_BYTEA_PP(0), summary);
	PG_RETURN_POINTER(summary);
}

/*
 * chain_is_sound(summary bytea, chain_set uuid, state, risk) returns boolean
 *
 * Is the chain whole, registered last under the chain set, and does its outcome
 * meet the row?  Null without a summary; false without a state; a null risk is
 * not compared (the table has none).  22P03 for bytes that are no summary.
 */
PG_FUNCTION_INFO_V1(govcase_chain_is_sound);

Datum
govcase_chain_is_sound(PG_FUNCTION_ARGS)
{
	ChainSummary summary;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	read_summary(PG_GETARG_BYTEA_PP(0), &summary);
	PG_RETURN_BOOL(is_whole(&summary) && !PG_ARGISNULL(2) &&
				   PG_GETARG_CASE_STATE(2) == summary.to_state &&
				   (PG_ARGISNULL(3) || PG_GETARG_RISK_LEVEL(3) == summary.to_risk) &&
				   memcmp(PG_GETARG_UUID_P(1), &summary.chain_set, UUID_LEN) == 0);
}

/* 42501 for another than the owner. */
static void
check_may_verify(const Protection *protection)
{
	if (!has_privs_of_role(GetUserId(), protection->owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of table %s", get_rel_name(protection->links)),
				 errdetail("Only the owner is sure to see every row, and what row "
						   "security hides would look like a gap.")));
}

/* ---------------------------------------------------------------------------
 * sound_links: each case's chain in order, by index
 * ---------------------------------------------------------------------------
 */

/* What goes with one use of the aggregate. */
typedef struct SoundnessCheck
{
	Oid cases; /* InvalidOid: no scan is open */
	KeyScan chain;
	MemoryContext of_link; /* what is read of one link */
} SoundnessCheck;

static void
end_soundness_check(Datum argument)
{
	SoundnessCheck *check = (SoundnessCheck *) DatumGetPointer(argument);

	if (OidIsValid(check->cases))
		end_key_scan(&check->chain);
	check->cases = InvalidOid;
}

/*
 * The protection of the argument, a scan of whose links is open, or is to be
 * opened where the check's is none.  Errors: 42501 not the owner, 42P17 not
 * protected, 55000 where no index leads to the links.
 */
static Protection *
prepare_soundness_check(FunctionCallInfo fcinfo, Oid cases, SoundnessCheck **prepared)
{
	SoundnessCheck *check = fcinfo->flinfo->fn_extra;
	Protection *protection;

	if (check == NULL)
	{
		(void) aggregate_context(fcinfo);
		check = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(*check));
		check->of_link = AllocSetContextCreate(
			fcinfo->flinfo->fn_mcxt, "govcase link of a chain", ALLOCSET_SMALL_SIZES);
		fcinfo->flinfo->fn_extra = check;
	}
	*prepared = check;
	protection = protection_of_table(cases);
	if (check->cases == cases)
		return protection;

	end_soundness_check(PointerGetDatum(check));
	check_may_verify(protection);
	if (!OidIsValid(protection->link_index.index))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("no index leads to the links of table \"%s\"",
							   get_rel_name(cases)),
						errdetail("Chains are read one by one by a unique index over the "
								  "whole of table \"%s\".",
								  get_rel_name(protection->links)),
						errhint("govcase.verify_chain() verifies chains without one.")));
	return protection;
}

/* Notes that are gone, of which no later link has yet said that they were erased. */
static List *
note_is_gone(List *gone, int64 seq)
{
	int64 *copy = palloc(sizeof(int64));

	*copy = seq;
	return lappend(gone, copy);
}

static List *
note_was_erased(List *gone, const Link *redaction)
{
	ListCell *cell;

	if (!redaction->has_target_seq)
		return NIL;
	foreach (cell, gone)
	{
		if (*(int64 *) lfirst(cell) == redaction->target_seq)
			gone = foreach_delete_current(gone, cell);
	}
	return gone;
}

/*
 * Number of links of the chain that the scan stands before; -1 where it is not
 * whole, or does not lead to this state and risk (0: not compared).
 */
static int64
count_sound_links(SoundnessCheck *check, const Protection *protection, const CaseKey *key,
				  CaseState state, RiskLevel risk)
{
	int64 seq = 0;
	uint8 hash[LINK_HASH_SIZE];
	CaseState to_state = 0;
	RiskLevel to_risk = 0;
	pg_uuid_t chain_set;
	List *gone = NIL;
	MemoryContext of_case = CurrentMemoryContext;

	memset(&chain_set, 0, sizeof(chain_set));
	for (;;)
	{
		TupleTableSlot *slot = check->chain.slot;
		Datum values[LINK_COLUMN_COUNT];
		bool nulls[LINK_COLUMN_COUNT];
		StoredLink stored;
		const Link *link = &stored.link;
		bool is_sound;

		CHECK_FOR_INTERRUPTS();
		if (!next_row(&check->chain, ForwardScanDirection))
			break;
		slot_getallattrs(slot);
		for (int i = 0; i < LINK_COLUMN_COUNT; i++)
		{
			values[i] = slot->tts_values[protection->link_column[i] - 1];
			nulls[i] = slot->tts_isnull[protection->link_column[i] - 1];
		}
		MemoryContextSwitchTo(check->of_link);
		read_stored_link(values, nulls, &stored);
		is_sound = stored.flaw == NULL && flaw_of_note(&stored, true) == NULL &&
				   link->seq == seq + 1 &&
				   (seq == 0 ? link->kind == LINK_REGISTERED && is_genesis(key, link)
							 : memcmp(link->prev_hash, hash, LINK_HASH_SIZE) == 0) &&
				   (link->to_state == 0 ||
					(link->from_state == to_state && link->from_risk == to_risk));
		if (is_sound)
		{
			hash_link(key, link, hash);
			is_sound = memcmp(link->hash, hash, LINK_HASH_SIZE) == 0;
		}
		MemoryContextSwitchTo(of_case);
		MemoryContextReset(check->of_link);
		if (!is_sound)
			return -1;

		seq = link->seq;
		if (link->to_state != 0)
		{
			to_state = link->to_state;
			to_risk = link->to_risk;
		}
		if (link->kind == LINK_REGISTERED)
			chain_set = link->chain_set;
		if (link->has_note_digest && link->note == NULL)
			gone = note_is_gone(gone, seq);
		else if (link->kind == LINK_REDACTION)
			gone = note_was_erased(gone, link);
	}
	if (seq == 0 || gone != NIL || to_state != state || (risk != 0 && to_risk != risk) ||
		memcmp(&chain_set, &protection->chain_set, UUID_LEN) != 0)
		return -1;
	return seq;
}

/*
 * sound_links_add(bigint, cases regclass, state, risk, VARIADIC key "any")
 * returns bigint
 *
 * Adds the links of the case's chain, or returns -1, which stays, where the
 * chain is not sound: verify_chain() says what is wrong with it.  A null risk is
 * not compared, with a null state or key nothing is sound.  Errors: 0A000 called
 * outside of an aggregate, 22004 a null table, 22023 and 42804 other keys than the
 * table's, and those of prepare_soundness_check().
 */
PG_FUNCTION_INFO_V1(govcase_sound_links_add);

Datum
govcase_sound_links_add(PG_FUNCTION_ARGS)
{
	int64 sum = PG_ARGISNULL(0) ? 0 : PG_GETARG_INT64(0);
	Oid cases = PG_GETARG_OID(1);
	int nkeys = PG_NARGS() - 4;
	SoundnessCheck *check;
	Protection *protection;
	CaseKey key;
	int64 nlinks;
	bool is_array;

	if (sum < 0)
		PG_RETURN_INT64(-1);
	if (PG_ARGISNULL(1))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("table must not be null")));
	protection = prepare_soundness_check(fcinfo, cases, &check);
	is_array = get_fn_expr_variadic(fcinfo->flinfo);
	if (nkeys != protection->nkeys || is_array)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s needs the key columns of table \"%s\"", "sound_links",
						get_rel_name(cases)),
				 is_array ? errdetail("They are given as an array.")
						  : errdetail("Columns given: %d, columns of the key: %d.", nkeys,
									  protection->nkeys),
				 errhint("Give each column of the key as an argument of its own.")));
	key.ncolumns = nkeys;
	for (int i = 0; i < nkeys; i++)
	{
		if (get_fn_expr_argtype(fcinfo->flinfo, i + 4) != protection->case_key_type[i])
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("argument %d of %s is not of type %s", i + 4, "sound_links",
							format_type_be(protection->case_key_type[i]))));
		if (PG_ARGISNULL(i + 4))
			PG_RETURN_INT64(-1);
		set_key_column(&key, i, protection->case_key_type[i], PG_GETARG_DATUM(i + 4));
	}
	if (PG_ARGISNULL(2))
		PG_RETURN_INT64(-1);

	if (check->cases == cases)
		find_key(&check->chain, &protection->link_index, &key);
	else
	{
		MemoryContext old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);

		/* Called once: the next group opens a scan of its own. */
		AggRegisterCallback(fcinfo, end_soundness_check, PointerGetDatum(check));
		begin_key_scan(&check->chain, protection->links, AccessShareLock,
					   &protection->link_index, &key, GetActiveSnapshot());
		check->cases = cases;
		MemoryContextSwitchTo(old);
	}
	nlinks = count_sound_links(check, protection, &key, PG_GETARG_CASE_STATE(2),
							   PG_ARGISNULL(3) ? 0 : PG_GETARG_RISK_LEVEL(3));
	PG_RETURN_INT64(nlinks < 0 ? -1 : sum + nlinks);
}

/* sound_links_combine(bigint, bigint) returns bigint */
PG_FUNCTION_INFO_V1(govcase_sound_links_combine);

Datum
govcase_sound_links_combine(PG_FUNCTION_ARGS)
{
	int64 one = PG_GETARG_INT64(0);
	int64 other = PG_GETARG_INT64(1);

	PG_RETURN_INT64(one < 0 || other < 0 ? -1 : one + other);
}

/* ---------------------------------------------------------------------------
 * One chain in order
 * ---------------------------------------------------------------------------
 */

/* Everything that a verification or an export holds while SPI is connected. */
typedef struct ChainWalk
{
	Protection *protection;
	ReturnSetInfo *result;
	SPIPlanPtr read_links; /* all columns of a case's links, in order */
	SPIPlanPtr read_case;  /* state and risk */
	MemoryContext context; /* of one chain */
	CaseKey key;
	char *key_text;
} ChainWalk;

static void
append_name(StringInfo query, Oid table, AttrNumber attnum, const char *alias)
{
	if (alias != NULL)
		appendStringInfo(query, "%s.", alias);
	appendStringInfoString(query, quote_identifier(get_attname(table, attnum, false)));
}

static void
append_table_name(StringInfo query, Oid table)
{
	appendStringInfoString(
		query, quote_qualified_identifier(get_namespace_name(get_rel_namespace(table)),
										  get_rel_name(table)));
}

static void
append_link_columns(StringInfo query, const Protection *protection)
{
	for (int i = 0; i < LINK_COLUMN_COUNT; i++)
	{
		if (i > 0)
			appendStringInfoString(query, ", ");
		append_name(query, protection->links, protection->link_column[i], NULL);
	}
}

static void
append_link_keys(StringInfo query, const Protection *protection)
{
	for (int i = 0; i < protection->nkeys; i++)
	{
		if (i > 0)
			appendStringInfoString(query, ", ");
		append_name(query, protection->links, protection->link_key[i], NULL);
	}
}

static SPIPlanPtr
prepare(const char *query, int nargs, Oid *types)
{
	SPIPlanPtr plan = SPI_prepare_cursor(query, nargs, types, CURSOR_OPT_PARALLEL_OK);

	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s for %s", SPI_result_code_string(SPI_result),
			 query);
	return plan;
}

static void
append_key_condition(StringInfo query, const Protection *protection, bool of_link)
{
	for (int i = 0; i < protection->nkeys; i++)
	{
		appendStringInfoString(query, i == 0 ? " WHERE " : " AND ");
		if (of_link)
			append_name(query, protection->links, protection->link_key[i], NULL);
		else
			append_name(query, protection->cases, protection->case_key[i], NULL);
		appendStringInfo(query, " OPERATOR(pg_catalog.=) $%d", i + 1);
	}
}

static void
append_state_and_risk(StringInfo query, const Protection *protection, const char *alias)
{
	append_name(query, protection->cases, protection->state, alias);
	appendStringInfoString(query, ", ");
	if (protection->risk != InvalidAttrNumber)
		append_name(query, protection->cases, protection->risk, alias);
	else
		appendStringInfoString(query, "NULL::govcase.risk_level");
}

/* SPI must be connected, and the user the tables' owner. */
static void
start_walk(ChainWalk *walk, Protection *protection, ReturnSetInfo *result)
{
	Oid types[MAX_KEY_COLUMNS];
	StringInfoData query;

	walk->protection = protection;
	walk->result = result;
	walk->context = AllocSetContextCreate(CurrentMemoryContext, "govcase chain walk",
										  ALLOCSET_DEFAULT_SIZES);
	for (int i = 0; i < protection->nkeys; i++)
		types[i] = key_passed_type(protection->case_key_type[i]);

	initStringInfo(&query);
	appendStringInfoString(&query, "SELECT ");
	append_link_columns(&query, protection);
	appendStringInfoString(&query, " FROM ");
	append_table_name(&query, protection->links);
	append_key_condition(&query, protection, true);
	appendStringInfoString(&query, " ORDER BY ");
	append_name(&query, protection->links, protection->link_column[LINK_COLUMN_SEQ],
				NULL);
	walk->read_links = prepare(query.data, protection->nkeys, types);

	resetStringInfo(&query);
	appendStringInfoString(&query, "SELECT ");
	append_state_and_risk(&query, protection, NULL);
	appendStringInfoString(&query, " FROM ");
	append_table_name(&query, protection->cases);
	append_key_condition(&query, protection, false);
	walk->read_case = prepare(query.data, protection->nkeys, types);
}

static void
report_problem(ChainWalk *walk, int64 seq, const char *problem, const char *detail)
{
	Datum values[4];
	bool nulls[4] = {false, false, false, false};

	nulls[0] = walk->key_text == NULL;
	if (!nulls[0])
		values[0] = CStringGetTextDatum(walk->key_text);
	nulls[1] = seq == 0;
	values[1] = Int64GetDatum(seq);
	values[2] = CStringGetTextDatum(problem);
	values[3] = CStringGetTextDatum(detail);
	tuplestore_putvalues(walk->result->setResult, walk->result->setDesc, values, nulls);
}

/* Read the links of walk->key in order.  They live in the walk's context. */
static StoredLink *
read_links(ChainWalk *walk, int *nlinks)
{
	StoredLink *links;
	MemoryContext old;

	SPI_execute_plan(walk->read_links, walk->key.values, NULL, true, 0);
	old = MemoryContextSwitchTo(walk->context);
	*nlinks = (int) SPI_processed;
	links = palloc_extended(sizeof(StoredLink) * (SPI_processed + 1), MCXT_ALLOC_HUGE);
	for (int i = 0; i < *nlinks; i++)
	{
		Datum values[LINK_COLUMN_COUNT];
		bool nulls[LINK_COLUMN_COUNT];

		heap_deform_tuple(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, values, nulls);
		read_stored_link(values, nulls, &links[i]);
		hash_link(&walk->key, &links[i].link, links[i].content);
		links[i].changed =
			memcmp(links[i].content, links[i].link.hash, LINK_HASH_SIZE) != 0;
	}
	MemoryContextSwitchTo(old);
	SPI_freetuptable(SPI_tuptable);
	return links;
}

/*
 * Does a later link say that this one's note was erased?  A later link that was
 * changed may have said so: it is the broken one then.
 */
static bool
is_redacted(const StoredLink *links, int nlinks, int64 seq)
{
	for (int i = nlinks - 1; i >= 0 && links[i].link.seq > seq; i--)
	{
		const Link *link = &links[i].link;

		if (links[i].changed)
			return true;
		if (link->kind == LINK_REDACTION &&
			(!link->has_target_seq || link->target_seq == seq))
			return true;
	}
	return false;
}

static char *
pair_text(CaseState state, RiskLevel risk)
{
	return psprintf("(%s, %s)", state == 0 ? "none" : case_state_label(state),
					risk == 0 ? "none" : risk_level_label(risk));
}

/* What the links before the present one said, as far as it can be relied on. */
typedef struct WalkedChain
{
	int64 seq;                     /* of the link before, 0: none */
	uint8 hash[LINK_HASH_SIZE];    /* as stored there */
	uint8 content[LINK_HASH_SIZE]; /* of what is stored there */
	const Link *outcome;           /* newest that tells a pair, NULL: none */
	bool outcome_known;            /* and neither changed nor followed by a gap */
	const Link *registered;
} WalkedChain;

/* Number and predecessor of a link. */
static void
walk_position(ChainWalk *walk, const WalkedChain *before, const Link *link)
{
	if (link->seq == before->seq)
	{
		report_problem(walk, link->seq, "duplicate", "Another link has the same number.");
		return;
	}
	if (link->seq != before->seq + 1)
	{
		if (link->seq < 1)
			report_problem(walk, link->seq, "gap", "Links are numbered from 1.");
		else if (link->seq == before->seq + 2)
			report_problem(
				walk, link->seq, "gap",
				psprintf("Link %lld before it is missing.", (long long) before->seq + 1));
		else
			report_problem(walk, link->seq, "gap",
						   psprintf("Links %lld to %lld before it are missing.",
									(long long) before->seq + 1,
									(long long) link->seq - 1));
		return;
	}
	if (link->seq == 1)
	{
		if (link->kind != LINK_REGISTERED || link->unknown_kind != NULL)
			report_problem(walk, link->seq, "genesis",
						   "A chain begins with a registration.");
		else if (!is_genesis(&walk->key, link))
			report_problem(walk, link->seq, "genesis",
						   "It was not the first link of this case under its chain set.");
		return;
	}
	/* Where only the stored hash of the link before was changed, that one is wrong. */
	if (memcmp(link->prev_hash, before->hash, LINK_HASH_SIZE) != 0 &&
		memcmp(link->prev_hash, before->content, LINK_HASH_SIZE) != 0)
		report_problem(walk, link->seq, "previous",
					   "Its previous hash is not the hash of the link before it.");
}

/* Does a registration or transition start where the one before it ended? */
static void
walk_outcome(ChainWalk *walk, const WalkedChain *before, const Link *link)
{
	CaseState state = before->outcome == NULL ? 0 : before->outcome->to_state;
	RiskLevel risk = before->outcome == NULL ? 0 : before->outcome->to_risk;

	if (!before->outcome_known)
		return;
	if (link->from_state != state || link->from_risk != risk)
		report_problem(walk, link->seq, "outcome",
					   psprintf("It starts from %s, and the chain was at %s.",
								pair_text(link->from_state, link->from_risk),
								pair_text(state, risk)));
}

static void
walk_case_row(ChainWalk *walk, const WalkedChain *chain)
{
	Datum state;
	Datum risk;
	bool state_isnull;
	bool risk_isnull;

	SPI_execute_plan(walk->read_case, walk->key.values, NULL, true, 1);
	if (SPI_processed == 0)
	{
		if (chain->seq != 0)
			report_problem(walk, 0, "no case",
						   psprintf("The chain has no case in table \"%s\".",
									get_rel_name(walk->protection->cases)));
		return;
	}
	if (chain->seq == 0)
	{
		report_problem(walk, 0, "no chain",
					   psprintf("The case has no link in table \"%s\".",
								get_rel_name(walk->protection->links)));
		return;
	}

	state = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &state_isnull);
	risk = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &risk_isnull);
	if (chain->outcome != NULL && chain->outcome_known &&
		(state_isnull || DatumGetCaseState(state) != chain->outcome->to_state ||
		 (!risk_isnull && DatumGetRiskLevel(risk) != chain->outcome->to_risk)))
		report_problem(
			walk, chain->outcome->seq, "outcome",
			psprintf("It leaves the case at %s, and the row is at %s.",
					 pair_text(chain->outcome->to_state, chain->outcome->to_risk),
					 pair_text(state_isnull ? 0 : DatumGetCaseState(state),
							   risk_isnull ? chain->outcome->to_risk
										   : DatumGetRiskLevel(risk))));
	SPI_freetuptable(SPI_tuptable);
}

/* Report what is wrong with the chain of walk->key. */
static void
walk_chain(ChainWalk *walk)
{
	int nlinks;
	StoredLink *links;
	WalkedChain chain;
	MemoryContext old;

	CHECK_FOR_INTERRUPTS();
	links = read_links(walk, &nlinks);
	old = MemoryContextSwitchTo(walk->context);
	walk->key_text = case_key_text(&walk->key);
	memset(&chain, 0, sizeof(chain));
	chain.outcome_known = true;
	for (int i = 0; i < nlinks; i++)
	{
		const StoredLink *stored = &links[i];
		const Link *link = &stored->link;
		const char *flaw = stored->flaw;

		if (flaw != NULL)
			report_problem(walk, link->seq, "columns", flaw);
		if (stored->changed)
			report_problem(walk, link->seq, "hash",
						   "Its hash is not that of what it says.");
		flaw = flaw_of_note(stored, link->has_note_digest && link->note == NULL &&
										is_redacted(links, nlinks, link->seq));
		if (flaw != NULL)
			report_problem(walk, link->seq, "note", flaw);
		walk_position(walk, &chain, link);
		if (link->seq != chain.seq + 1)
			chain.outcome_known = false;

		if (stored->changed)
		{
			/* It may or may not have told a pair. */
			if (link->to_state != 0 || link->from_state != 0 ||
				link->kind == LINK_REGISTERED || link->kind == LINK_TRANSITION)
				chain.outcome_known = false;
		}
		else if (link->to_state != 0)
		{
			walk_outcome(walk, &chain, link);
			chain.outcome = link;
			chain.outcome_known = true;
		}
		if (link->kind == LINK_REGISTERED && link->unknown_kind == NULL)
			chain.registered = link;
		chain.seq = link->seq;
		memcpy(chain.hash, link->hash, LINK_HASH_SIZE);
		memcpy(chain.content, stored->content, LINK_HASH_SIZE);
	}
	if (chain.registered != NULL &&
		memcmp(&chain.registered->chain_set, &walk->protection->chain_set, UUID_LEN) != 0)
		report_problem(walk, chain.registered->seq, "chain_set",
					   "It was registered under another protection than the table's.");
	walk_case_row(walk, &chain);
	walk->key_text = NULL;
	MemoryContextSwitchTo(old);
	MemoryContextReset(walk->context);
}

/*
 * Run one query that returns one number.  The case tables of a city are small and
 * their chains are not, so that what the planner makes of a table's size when it
 * decides about parallel workers says little.
 */
static int64
query_number(const char *query)
{
	int level = NewGUCNestLevel();
	bool isnull;
	int64 number;

	(void) set_config_option("min_parallel_table_scan_size", "0", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	SPI_execute_plan(prepare(query, 0, NULL), NULL, NULL, true, 0);
	AtEOXact_GUC(true, level);
	number = DatumGetInt64(
		SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	SPI_freetuptable(SPI_tuptable);
	return number;
}

/*
 * Is nothing wrong with any chain, and no link without a case?  False also where
 * that takes more to find out.
 */
static bool
all_chains_are_sound(const Protection *protection)
{
	StringInfoData query;
	int64 nlinks;

	if (!OidIsValid(protection->link_index.index))
		return false;
	initStringInfo(&query);
	appendStringInfo(&query, "SELECT govcase.sound_links(%u, ", protection->cases);
	append_state_and_risk(&query, protection, NULL);
	for (int i = 0; i < protection->nkeys; i++)
	{
		appendStringInfoString(&query, ", ");
		append_name(&query, protection->cases, protection->case_key[i], NULL);
	}
	appendStringInfoString(&query, ") FROM ");
	append_table_name(&query, protection->cases);
	nlinks = query_number(query.data);
	if (nlinks < 0)
		return false;

	resetStringInfo(&query);
	appendStringInfoString(&query, "SELECT pg_catalog.count(*) FROM ");
	append_table_name(&query, protection->links);
	return query_number(query.data) == nlinks;
}

/*
 * Find the chains that are not sound, and walk each.  One snapshot serves all:
 * the queries are read-only, so that they use the caller's.
 */
static void
walk_unsound_chains(ChainWalk *walk)
{
	Protection *protection = walk->protection;
	StringInfoData query;
	Oid types[1] = {UUIDOID};
	Datum values[1] = {UUIDPGetDatum(&protection->chain_set)};
	SPITupleTable *found;
	uint64 nfound;

	initStringInfo(&query);
	appendStringInfoString(&query, "SELECT ");
	for (int i = 0; i < protection->nkeys; i++)
	{
		append_name(&query, protection->cases, protection->case_key[i], "c");
		appendStringInfoString(&query, ", ");
		append_name(&query, protection->links, protection->link_key[i], "l");
		appendStringInfoString(&query, ", ");
	}
	appendStringInfoString(&query, "l.summary IS NULL FROM ");
	append_table_name(&query, protection->cases);
	appendStringInfoString(&query, " AS c FULL JOIN (SELECT ");
	append_link_keys(&query, protection);
	appendStringInfoString(&query, ", govcase.chain_summary(");
	append_link_keys(&query, protection);
	appendStringInfoString(&query, ", ");
	append_link_columns(&query, protection);
	appendStringInfoString(&query, ") AS summary FROM ");
	append_table_name(&query, protection->links);
	appendStringInfoString(&query, " GROUP BY ");
	append_link_keys(&query, protection);
	appendStringInfoString(&query, ") AS l ON ");
	for (int i = 0; i < protection->nkeys; i++)
	{
		/* The two tables may collate their keys differently; equal is equal. */
		const char *collate = key_passed_type(protection->case_key_type[i]) == TEXTOID
								  ? " COLLATE pg_catalog.\"C\""
								  : "";

		if (i > 0)
			appendStringInfoString(&query, " AND ");
		append_name(&query, protection->cases, protection->case_key[i], "c");
		appendStringInfo(&query, "%s OPERATOR(pg_catalog.=) ", collate);
		append_name(&query, protection->links, protection->link_key[i], "l");
		appendStringInfoString(&query, collate);
	}
	appendStringInfoString(&query, " WHERE govcase.chain_is_sound(l.summary, $1, ");
	append_state_and_risk(&query, protection, "c");
	appendStringInfoString(&query, ") IS NOT TRUE ORDER BY ");
	for (int i = 0; i < protection->nkeys; i++)
		appendStringInfo(&query, "%s%d", i > 0 ? ", " : "", 2 * i + 2);
	for (int i = 0; i < protection->nkeys; i++)
		appendStringInfo(&query, ", %d", 2 * i + 1);

	SPI_execute_plan(prepare(query.data, 1, types), values, NULL, true, 0);
	found = SPI_tuptable;
	nfound = SPI_processed;
	for (uint64 i = 0; i < nfound; i++)
	{
		bool in_cases = true;
		bool in_links = true;
		bool isnull;

		/* A key stands on one side or on both; a null means that it is not there. */
		for (int column = 0; column < 2 * protection->nkeys; column++)
		{
			(void) SPI_getbinval(found->vals[i], found->tupdesc, column + 1, &isnull);
			if (isnull && column % 2 == 0)
				in_cases = false;
			else if (isnull)
				in_links = false;
		}
		if (!in_cases && !in_links)
		{
			report_problem(walk, 0, "columns", "There are links whose key has a null.");
			continue;
		}
		walk->key.ncolumns = protection->nkeys;
		for (int column = 0; column < protection->nkeys; column++)
		{
			int attribute = 2 * column + (in_cases ? 1 : 2);
			Oid type = SPI_gettypeid(found->tupdesc, attribute);
			Datum value =
				SPI_getbinval(found->vals[i], found->tupdesc, attribute, &isnull);

			set_key_column(&walk->key, column, type, value);
		}
		walk_chain(walk);
	}
}

/* ---------------------------------------------------------------------------
 * verify_chain and export_chain
 * ---------------------------------------------------------------------------
 */

/* 42P17 without a chain; and as check_may_verify(). */
static Protection *
protection_of_argument(FunctionCallInfo fcinfo)
{
	Protection *protection;

	if (PG_ARGISNULL(0))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("table must not be null")));
	protection = protection_of_table(PG_GETARG_OID(0));
	if (!OidIsValid(protection->links))
		ereport(ERROR, (errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
						errmsg("table \"%s\" is protected without a follow-up chain",
							   get_rel_name(protection->cases))));
	check_may_verify(protection);
	return protection;
}

static void
no_such_case(const ChainWalk *walk)
{
	ereport(ERROR,
			(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
			 errmsg("there is no case %s in table \"%s\", nor a chain of it",
					case_key_text(&walk->key), get_rel_name(walk->protection->cases))));
}

/*
 * verify_chain(protected regclass [, key "any"])
 * returns setof (case_key text, seq bigint, problem text, detail text)
 *
 * What is wrong with the chains of a table or of one case; no row where nothing
 * is.  Either table of the protection will do.  Works as the owner without row
 * security.  Errors: 22004 a null; 23503 neither case nor chain; 42501 not the
 * owner; 42P17 not protected, or without a chain.
 */
PG_FUNCTION_INFO_V1(govcase_verify_chain);

Datum
govcase_verify_chain(PG_FUNCTION_ARGS)
{
	Protection *protection = protection_of_argument(fcinfo);
	ChainWalk walk;
	Oid save_user;
	int save_context;

	memset(&walk, 0, sizeof(walk));
	if (PG_NARGS() > 1)
		case_key_of_argument(fcinfo, 1, protection, &walk.key);
	InitMaterializedSRF(fcinfo, 0);

	SPI_connect();
	GetUserIdAndSecContext(&save_user, &save_context);
	SetUserIdAndSecContext(protection->owner, save_context |
												  SECURITY_LOCAL_USERID_CHANGE |
												  SECURITY_NOFORCE_RLS);
	start_walk(&walk, protection, (ReturnSetInfo *) fcinfo->resultinfo);
	if (PG_NARGS() == 1)
	{
		if (!all_chains_are_sound(protection))
			walk_unsound_chains(&walk);
	}
	else
	{
		SPI_execute_plan(walk.read_case, walk.key.values, NULL, true, 1);
		if (SPI_processed == 0)
		{
			SPI_execute_plan(walk.read_links, walk.key.values, NULL, true, 1);
			if (SPI_processed == 0)
				no_such_case(&walk);
		}
		walk_chain(&walk);
	}
	SetUserIdAndSecContext(save_user, save_context);
	SPI_finish();
	return (Datum) 0;
}

static void
append_hex(StringInfo line, const char *data, int length)
{
	enlargeStringInfo(line, length * 2 + 1);
	line->len += (int) hex_encode(data, length, line->data + line->len);
	line->data[line->len] = '\0';
}

static void
put_line(ReturnSetInfo *result, StringInfo line, int *place)
{
	Datum values[2];
	bool nulls[2] = {false, false};

	values[0] = Int32GetDatum(++*place);
	values[1] = PointerGetDatum(cstring_to_text_with_len(line->data, line->len));
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	pfree(DatumGetPointer(values[1]));
	resetStringInfo(line);
}

/*
 * export_chain(protected regclass, key "any") returns setof (place integer, line text)
 *
 * The chain of a case as lines that can be checked outside the server:
 *
 *		govcase-chain 1
 *		genesis BYTES			what the first link's prev_hash is the hash of
 *		link SEQ BYTES HASH		for each link in order; BYTES hash to HASH
 *		note SEQ SALT NOTE		after a link whose note is there, in UTF-8
 *		end COUNT				how many links
 *
 * Bytes are in hexadecimal, laid out as follow_up.c says.  A broken chain is
 * exported as it is.  Errors as verify_chain().
 */
PG_FUNCTION_INFO_V1(govcase_export_chain);

Datum
govcase_export_chain(PG_FUNCTION_ARGS)
{
	Protection *protection = protection_of_argument(fcinfo);
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	ChainWalk walk;
	StoredLink *links;
	int nlinks;
	int place = 0;
	StringInfoData line;
	StringInfoData bytes;
	Oid save_user;
	int save_context;

	memset(&walk, 0, sizeof(walk));
	case_key_of_argument(fcinfo, 1, protection, &walk.key);
	InitMaterializedSRF(fcinfo, 0);

	SPI_connect();
	GetUserIdAndSecContext(&save_user, &save_context);
	SetUserIdAndSecContext(protection->owner, save_context |
												  SECURITY_LOCAL_USERID_CHANGE |
												  SECURITY_NOFORCE_RLS);
	start_walk(&walk, protection, result);
	links = read_links(&walk, &nlinks);
	SetUserIdAndSecContext(save_user, save_context);
	if (nlinks == 0)
		no_such_case(&walk);

	initStringInfo(&line);
	initStringInfo(&bytes);
	appendStringInfoString(&line, "govcase-chain 1");
	put_line(result, &line, &place);
	append_genesis_bytes(&bytes, &links[0].link.chain_set, &walk.key);
	appendStringInfoString(&line, "genesis ");
	append_hex(&line, bytes.data, bytes.len);
	put_line(result, &line, &place);
	for (int i = 0; i < nlinks; i++)
	{
		const Link *link = &links[i].link;

		resetStringInfo(&bytes);
		append_link_bytes(&bytes, &walk.key, link);
		appendStringInfo(&line, "link %lld ", (long long) link->seq);
		append_hex(&line, bytes.data, bytes.len);
		appendStringInfoChar(&line, ' ');
		append_hex(&line, (const char *) link->hash, LINK_HASH_SIZE);
		put_line(result, &line, &place);
		if (link->note != NULL)
		{
			char *utf8 = pg_server_to_any(link->note, strlen(link->note), PG_UTF8);

			appendStringInfo(&line, "note %lld ", (long long) link->seq);
			append_hex(&line, (const char *) link->salt, LINK_SALT_SIZE);
			appendStringInfoChar(&line, ' ');
			append_hex(&line, utf8, strlen(utf8));
			put_line(result, &line, &place);
		}
	}
	appendStringInfo(&line, "end %d", nlinks);
	put_line(result, &line, &place);
	SPI_finish();
	return (Datum) 0;
}
