/*
 * follow_up.c
 *		The follow-up chain (跟进链): bytes, hashes, and the triggers that keep it.
 *
 * Bytes, version 1.  Whatever is hashed is one tag byte and then fields:
 *
 *		tag		what				fields in order
 *		0x00	link				prev_hash; class and value of each key column;
 *									seq, happened_at, recorded_at, recorded_in,
 *									kind, actor, db_user, from_state, to_state,
 *									from_risk, to_risk, policy, version, chain_set,
 *									target_seq, satisfied, note_digest
 *		0x01	tree node			(kept for a log over all links)
 *		0x02	genesis				chain_set; class and value of each key column
 *		0x03	note				salt, note
 *
 *		field	bytes
 *		null	0x00
 *		other	0x01, length in four bytes big-endian, then that many bytes:
 *				text, kind			UTF-8, whatever the server's encoding
 *				integer				8 bytes big-endian, two's complement
 *				boolean				1 byte, 0x00 or 0x01
 *				time				microseconds since 2000-01-01 UTC, as an integer
 *				date				days since 2000-01-01, as an integer
 *				uuid, hash, salt	its bytes
 *				state, risk			its English label
 *				class				'int', 'text', 'uuid' or 'date'
 *
 * Every hash is SHA-256 over such bytes.  A key column is preceded by its class,
 * so that integer -> bigint keeps the hashes.  The first link's prev_hash is the
 * hash of the genesis, so a chain cannot be moved to another table or case; and
 * the note is hashed by itself under a random salt, so that it can be erased and
 * nobody can test a guess at it.
 */
#include "follow_up.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/resowner.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "attach.h"
#include "transition.h"

#define TAG_LINK    0x00
#define TAG_GENESIS 0x02
#define TAG_NOTE    0x03

/* In the order of LinkKind. */
static const char *const link_kind_names[LINK_KIND_COUNT] = {
	"registered", "transition", "mediation", "visit",    "conference", "supervision",
	"feedback",   "assessment", "look_back", "approval", "note",       "redaction"};

/* Kinds that govcase alone writes; all others are anybody's who may insert. */
#define LINK_OWN_KINDS \
	((1 << LINK_REGISTERED) | (1 << LINK_TRANSITION) | (1 << LINK_REDACTION))

/* In the order of LinkColumn. */
static const char *const link_column_names[LINK_COLUMN_COUNT] = {
	"seq",         "happened_at", "recorded_at", "recorded_in", "kind",    "actor",
	"db_user",     "from_state",  "to_state",    "from_risk",   "to_risk", "policy",
	"version",     "chain_set",   "target_seq",  "satisfied",   "note",    "salt",
	"note_digest", "prev_hash",   "hash"};

const char *
link_kind_name(LinkKind kind)
{
	return link_kind_names[kind];
}

bool
link_kind_parse(const char *name, LinkKind *kind)
{
	for (int i = 0; i < LINK_KIND_COUNT; i++)
	{
		if (strcmp(name, link_kind_names[i]) == 0)
		{
			*kind = (LinkKind) i;
			return true;
		}
	}
	return false;
}

const char *
link_column_name(LinkColumn column)
{
	return link_column_names[column];
}

Oid
link_column_type(LinkColumn column)
{
	switch (column)
	{
		case LINK_COLUMN_SEQ:
		case LINK_COLUMN_RECORDED_IN:
		case LINK_COLUMN_TARGET_SEQ:
			return INT8OID;
		case LINK_COLUMN_HAPPENED_AT:
		case LINK_COLUMN_RECORDED_AT:
			return TIMESTAMPTZOID;
		case LINK_COLUMN_KIND:
		case LINK_COLUMN_ACTOR:
		case LINK_COLUMN_DB_USER:
		case LINK_COLUMN_POLICY:
		case LINK_COLUMN_NOTE:
			return TEXTOID;
		case LINK_COLUMN_FROM_STATE:
		case LINK_COLUMN_TO_STATE:
			return govcase_type_oid("case_state");
		case LINK_COLUMN_FROM_RISK:
		case LINK_COLUMN_TO_RISK:
			return govcase_type_oid("risk_level");
		case LINK_COLUMN_VERSION:
			return INT4OID;
		case LINK_COLUMN_CHAIN_SET:
			return UUIDOID;
		case LINK_COLUMN_SATISFIED:
			return BOOLOID;
		case LINK_COLUMN_SALT:
		case LINK_COLUMN_NOTE_DIGEST:
		case LINK_COLUMN_PREV_HASH:
		case LINK_COLUMN_HASH:
			return BYTEAOID;
	}
	return InvalidOid;
}

bool
key_class_of_type(Oid type, KeyClass *class)
{
	switch (type)
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
			*class = KEY_INT;
			return true;
		case TEXTOID:
		case VARCHAROID:
			*class = KEY_TEXT;
			return true;
		case UUIDOID:
			*class = KEY_UUID;
			return true;
		case DATEOID:
			*class = KEY_DATE;
			return true;
		default:
			return false;
	}
}

Oid
key_passed_type(Oid type)
{
	KeyClass class;

	if (!key_class_of_type(type, &class))
		return InvalidOid;
	switch (class)
	{
		case KEY_INT:
			return INT8OID;
		case KEY_TEXT:
			return TEXTOID;
		case KEY_UUID:
			return UUIDOID;
		case KEY_DATE:
			return DATEOID;
	}
	return InvalidOid;
}

bool
same_case_key(const CaseKey *one, const CaseKey *other)
{
	if (one->ncolumns != other->ncolumns)
		return false;
	for (int i = 0; i < one->ncolumns; i++)
	{
		int16 length;
		bool byval;

		if (one->types[i] != other->types[i])
			return false;
		get_typlenbyval(one->types[i], &length, &byval);
		if (!datum_image_eq(one->values[i], other->values[i], byval, length))
			return false;
	}
	return true;
}

char *
case_key_text(const CaseKey *key)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < key->ncolumns; i++)
	{
		Oid output;
		bool isvarlena;

		getTypeOutputInfo(key->types[i], &output, &isvarlena);
		if (i > 0)
			appendStringInfoString(&text, ", ");
		appendStringInfoString(&text, OidOutputFunctionCall(output, key->values[i]));
	}
	return text.data;
}

/* ---------------------------------------------------------------------------
 * Bytes and hashes
 * ---------------------------------------------------------------------------
 */

/* Room for that many more bytes, which the caller fills. */
static inline char *
append_room(StringInfo bytes, int length)
{
	char *room;

	if (bytes->maxlen - bytes->len <= length)
		enlargeStringInfo(bytes, length);
	room = bytes->data + bytes->len;
	bytes->len += length;
	return room;
}

static inline void
append_null_field(StringInfo bytes)
{
	*append_room(bytes, 1) = 0x00;
}

static inline void
append_field(StringInfo bytes, const void *data, int length)
{
	char *room = append_room(bytes, 1 + (int) sizeof(uint32) + length);
	uint32 network_length = pg_hton32((uint32) length);

	*room = 0x01;
	memcpy(room + 1, &network_length, sizeof(network_length));
	memcpy(room + 1 + sizeof(network_length), data, length);
}

static void
append_integer_field(StringInfo bytes, int64 value)
{
	uint64 network_value = pg_hton64((uint64) value);

	append_field(bytes, &network_value, sizeof(network_value));
}

/* Text of a given length in the server's encoding. */
static void
append_text_bytes(StringInfo bytes, const char *text, int length)
{
	char *utf8;

	if (GetDatabaseEncoding() == PG_SQL_ASCII)
	{
		for (int i = 0; i < length; i++)
		{
			if (IS_HIGHBIT_SET(text[i]))
				ereport(ERROR,
						(errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE),
						 errmsg("text on a follow-up chain must be ASCII in a database "
								"of encoding SQL_ASCII"),
						 errdetail("Hashes are over UTF-8, and SQL_ASCII does not say "
								   "which characters the bytes stand for."),
						 errhint("Use a database of encoding UTF8.")));
		}
	}
	utf8 = pg_server_to_any(text, length, PG_UTF8);
	append_field(bytes, utf8, utf8 == text ? length : (int) strlen(utf8));
}

static void
append_text_field(StringInfo bytes, const char *text)
{
	if (text == NULL)
		append_null_field(bytes);
	else
		append_text_bytes(bytes, text, strlen(text));
}

static void
append_key_fields(StringInfo bytes, const CaseKey *key)
{
	for (int i = 0; i < key->ncolumns; i++)
	{
		Datum value = key->values[i];
		KeyClass class;

		if (!key_class_of_type(key->types[i], &class))
			elog(ERROR, "type %u is no key type", key->types[i]);
		switch (class)
		{
			case KEY_INT:
				append_field(bytes, "int", 3);
				if (key->types[i] == INT2OID)
					append_integer_field(bytes, DatumGetInt16(value));
				else if (key->types[i] == INT4OID)
					append_integer_field(bytes, DatumGetInt32(value));
				else
					append_integer_field(bytes, DatumGetInt64(value));
				break;
			case KEY_TEXT:
			{
				text *packed = DatumGetTextPP(value);

				append_field(bytes, "text", 4);
				append_text_bytes(bytes, VARDATA_ANY(packed), VARSIZE_ANY_EXHDR(packed));
				break;
			}
			case KEY_UUID:
				append_field(bytes, "uuid", 4);
				append_field(bytes, DatumGetUUIDP(value)->data, UUID_LEN);
				break;
			case KEY_DATE:
				append_field(bytes, "date", 4);
				append_integer_field(bytes, DatumGetDateADT(value));
				break;
		}
	}
}

static void
append_state_field(StringInfo bytes, CaseState state)
{
	append_text_field(bytes, state == 0 ? NULL : case_state_label(state));
}

static void
append_risk_field(StringInfo bytes, RiskLevel risk)
{
	append_text_field(bytes, risk == 0 ? NULL : risk_level_label(risk));
}

void
append_link_bytes(StringInfo bytes, const CaseKey *key, const Link *link)
{
	*append_room(bytes, 1) = TAG_LINK;
	append_field(bytes, link->prev_hash, LINK_HASH_SIZE);
	append_key_fields(bytes, key);
	append_integer_field(bytes, link->seq);
	append_integer_field(bytes, link->happened_at);
	append_integer_field(bytes, link->recorded_at);
	append_integer_field(bytes, link->recorded_in);
	append_text_field(bytes, link->unknown_kind != NULL ? link->unknown_kind
														: link_kind_name(link->kind));
	append_text_field(bytes, link->actor);
	append_text_field(bytes, link->db_user);
	append_state_field(bytes, link->from_state);
	append_state_field(bytes, link->to_state);
	append_risk_field(bytes, link->from_risk);
	append_risk_field(bytes, link->to_risk);
	append_text_field(bytes, link->policy);
	if (link->has_version)
		append_integer_field(bytes, link->version);
	else
		append_null_field(bytes);
	if (link->has_chain_set)
		append_field(bytes, link->chain_set.data, UUID_LEN);
	else
		append_null_field(bytes);
	if (link->has_target_seq)
		append_integer_field(bytes, link->target_seq);
	else
		append_null_field(bytes);
	if (link->has_satisfied)
		append_field(bytes, link->satisfied ? "\001" : "\000", 1);
	else
		append_null_field(bytes);
	if (link->has_note_digest)
		append_field(bytes, link->note_digest, LINK_HASH_SIZE);
	else
		append_null_field(bytes);
}

void
append_genesis_bytes(StringInfo bytes, const pg_uuid_t *chain_set, const CaseKey *key)
{
	*append_room(bytes, 1) = TAG_GENESIS;
	append_field(bytes, chain_set->data, UUID_LEN);
	append_key_fields(bytes, key);
}

/*
 * SHA-256 of some bytes, by PostgreSQL's own.  Making its context anew for each
 * hash costs a quarter of one, so the session keeps one, under an owner that no
 * transaction releases.
 */
static void
hash_bytes_sha256(const StringInfo bytes, uint8 *hash)
{
	static Sha256Context *context = NULL;

	if (context == NULL)
	{
		ResourceOwner outer = CurrentResourceOwner;

		CurrentResourceOwner = ResourceOwnerCreate(NULL, "govcase hashes");
		context = sha256_create();
		CurrentResourceOwner = outer;
	}
	if (context == NULL || !sha256_once(context, bytes->data, bytes->len, hash))
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
						errmsg("could not compute a SHA-256 hash")));
}

void
hash_genesis(const pg_uuid_t *chain_set, const CaseKey *key, uint8 *hash)
{
	StringInfoData bytes;

	initStringInfo(&bytes);
	append_genesis_bytes(&bytes, chain_set, key);
	hash_bytes_sha256(&bytes, hash);
	pfree(bytes.data);
}

void
hash_note(const uint8 *salt, const char *note, uint8 *hash)
{
	StringInfoData bytes;

	initStringInfo(&bytes);
	*append_room(&bytes, 1) = TAG_NOTE;
	append_field(&bytes, salt, LINK_SALT_SIZE);
	append_text_field(&bytes, note);
	hash_bytes_sha256(&bytes, hash);
	pfree(bytes.data);
}

void
hash_link(const CaseKey *key, const Link *link, uint8 *hash)
{
	StringInfoData bytes;

	initStringInfo(&bytes);
	append_link_bytes(&bytes, key, link);
	hash_bytes_sha256(&bytes, hash);
	pfree(bytes.data);
}

/* ---------------------------------------------------------------------------
 * Reading a case and its chain
 * ---------------------------------------------------------------------------
 */

/* First columns of PLAN_LOCK_CASE: state, risk, xmin; then the roles in order. */
#define LOCK_CASE_XMIN  3
#define LOCK_CASE_ROLES 4

static TimestampTz
reported_at_from_datum(Oid type, Datum value)
{
	switch (type)
	{
		case TIMESTAMPTZOID:
			return DatumGetTimestampTz(value);
		case TIMESTAMPOID:
			return DatumGetTimestampTz(DirectFunctionCall1(timestamp_timestamptz, value));
		case DATEOID:
			return DatumGetTimestampTz(DirectFunctionCall1(date_timestamptz, value));
		default:
			ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
							errmsg("column of role \"reported_at\" must be of type date, "
								   "timestamp or timestamp with time zone, not %s",
								   format_type_be(type))));
	}
	return 0;
}

void
read_reported_at(CaseFacts *facts, Oid type, Datum value, bool isnull)
{
	if (isnull)
		return;
	facts->has_reported_at = true;
	facts->reported_at = reported_at_from_datum(type, value);
}

/*
 * Lock the case, waiting for whoever appends to it or moves it, and read it, by
 * index.  False where there is none, or where another planner keeps its rows
 * elsewhere.
 */
static bool
lock_case_by_index(Protection *protection, const CaseKey *key, CaseFacts *facts)
{
	AttrNumber reported_at = protection_role_column(protection, "reported_at");
	KeyScan *scan = resume_key_scan(protection->cases, RowShareLock,
									&protection->case_index, key, NULL);
	bool found;

	found = next_row(scan, ForwardScanDirection) && lock_row(scan);
	if (found)
	{
		bool isnull;

		facts->created_here = TransactionIdIsCurrentTransactionId(DatumGetTransactionId(
			slot_getsysattr(scan->slot, MinTransactionIdAttributeNumber, &isnull)));
		if (reported_at != InvalidAttrNumber)
		{
			Datum value = slot_getattr(scan->slot, reported_at, &isnull);

			read_reported_at(
				facts,
				TupleDescAttr(RelationGetDescr(scan->table), reported_at - 1)->atttypid,
				value, isnull);
		}
	}
	pause_key_scan(scan);
	return found;
}

/* The same by a kept plan. */
static bool
lock_case_by_plan(Protection *protection, const CaseKey *key, CaseFacts *facts)
{
	bool found;

	SPI_connect();
	protection_execute(protection, PLAN_LOCK_CASE, (Datum *) key->values, NULL, false);
	found = SPI_processed > 0;
	if (found)
	{
		HeapTuple tuple = SPI_tuptable->vals[0];
		TupleDesc descriptor = SPI_tuptable->tupdesc;
		bool isnull;

		facts->created_here = TransactionIdIsCurrentTransactionId(DatumGetTransactionId(
			SPI_getbinval(tuple, descriptor, LOCK_CASE_XMIN, &isnull)));
		for (int i = 0; i < protection->nroles; i++)
		{
			Datum value;

			if (strcmp(protection->roles[i].role, "reported_at") != 0)
				continue;
			value = SPI_getbinval(tuple, descriptor, LOCK_CASE_ROLES + i, &isnull);
			read_reported_at(facts, SPI_gettypeid(descriptor, LOCK_CASE_ROLES + i), value,
							 isnull);
		}
	}
	SPI_finish();
	return found;
}

/* Can the chain be read through its index? */
static bool
chain_has_index(const Protection *protection)
{
	return OidIsValid(protection->case_index.index) &&
		   OidIsValid(protection->link_index.index);
}

static bool
lock_case(Protection *protection, const CaseKey *key, CaseFacts *facts)
{
	memset(facts, 0, sizeof(*facts));
	if (chain_has_index(protection) && lock_case_by_index(protection, key, facts))
		return true;
	if (!lock_case_by_plan(protection, key, facts))
		return false;
	/* Only a plan finds it: another planner keeps the rows, the links' too. */
	protection->case_index.index = InvalidOid;
	return true;
}

static void
read_hash(const CaseKey *key, int64 seq, Datum hash, uint8 *bytes)
{
	bytea *stored = DatumGetByteaPP(hash);

	if (VARSIZE_ANY_EXHDR(stored) != LINK_HASH_SIZE)
		ereport(ERROR, (errcode(ERRCODE_VC_CHAIN_MISMATCH),
						errmsg("chain of case %s is broken", case_key_text(key)),
						errdetail("The hash of link %lld has %d bytes.", (long long) seq,
								  (int) VARSIZE_ANY_EXHDR(stored)),
						errhint("govcase.verify_chain() lists what is broken.")));
	memcpy(bytes, VARDATA_ANY(stored), LINK_HASH_SIZE);
}

static void
set_head(ChainHead *head, const CaseKey *key, Datum seq, Datum recorded_at, Datum hash)
{
	head->exists = true;
	head->seq = DatumGetInt64(seq);
	head->recorded_at = DatumGetTimestampTz(recorded_at);
	read_hash(key, head->seq, hash, head->hash);
}

/* Find the newest link that a snapshot sees; NULL: the latest snapshot. */
static void
find_head(Protection *protection, const CaseKey *key, Snapshot snapshot, ChainHead *head)
{
	bool isnull;

	memset(head, 0, sizeof(*head));
	if (chain_has_index(protection))
	{
		const AttrNumber *columns = protection->link_column;
		KeyScan *scan = resume_key_scan(protection->links, AccessShareLock,
										&protection->link_index, key, snapshot);

		if (next_row(scan, BackwardScanDirection))
			set_head(head, key,
					 slot_getattr(scan->slot, columns[LINK_COLUMN_SEQ], &isnull),
					 slot_getattr(scan->slot, columns[LINK_COLUMN_RECORDED_AT], &isnull),
					 slot_getattr(scan->slot, columns[LINK_COLUMN_HASH], &isnull));
		pause_key_scan(scan);
		return;
	}

	SPI_connect();
	protection_execute_as_of(protection, PLAN_CHAIN_HEAD, (Datum *) key->values, NULL,
							 snapshot == NULL ? GetLatestSnapshot() : snapshot, false);
	if (SPI_processed > 0)
	{
		HeapTuple tuple = SPI_tuptable->vals[0];
		TupleDesc descriptor = SPI_tuptable->tupdesc;

		set_head(head, key, SPI_getbinval(tuple, descriptor, 1, &isnull),
				 SPI_getbinval(tuple, descriptor, 2, &isnull),
				 SPI_getbinval(tuple, descriptor, 3, &isnull));
	}
	SPI_finish();
}

/* Does row security let the caller see the case?  Where it may not read cases, no. */
static bool
case_is_visible(const Protection *protection, const CaseKey *key)
{
	Oid cases = protection->cases;
	bool visible;

	for (int i = 0; i < key->ncolumns; i++)
	{
		if (pg_class_aclcheck(cases, GetUserId(), ACL_SELECT) != ACLCHECK_OK &&
			pg_attribute_aclcheck(cases, protection->case_key[i], GetUserId(),
								  ACL_SELECT) != ACLCHECK_OK)
			return false;
	}
	SPI_connect();
	visible = find_case_as_caller(protection, key, "", false);
	SPI_finish();
	return visible;
}

/*
 * Policies are asked after BEFORE triggers, so that what is wrong with a link
 * would tell what row security hides: that there is such a case, and when it was
 * reported.  So before any such error, a case that the caller does not see, and
 * one that is not there, are refused in the policy's own words.
 */
static void
refuse_hidden_case(const Protection *protection, const CaseKey *key, bool exists)
{
	bool hides = check_enable_rls(protection->cases, InvalidOid, true) == RLS_ENABLED;

	if (exists)
		hides = hides && !case_is_visible(protection, key);
	else
		hides =
			hides || check_enable_rls(protection->links, InvalidOid, true) == RLS_ENABLED;
	if (hides)
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("new row violates row-level security policy for table "
							   "\"%s\"",
							   get_rel_name(protection->links))));
}

/*
 * Raise 40001 where the newest link is one that the transaction's own snapshot
 * cannot see: what follows would rest on facts that this transaction does not
 * have.  Only under REPEATABLE READ and SERIALIZABLE.  The head is read again
 * rather than its xmin judged: a frozen row keeps an old xmin that may look as
 * if it lay in the future.
 */
static void
check_head_is_seen(Protection *protection, const CaseKey *key, int64 seq)
{
	ChainHead seen;

	if (!IsolationUsesXactSnapshot())
		return;
	find_head(protection, key, GetTransactionSnapshot(), &seen);
	if (seen.exists && seen.seq == seq)
		return;
	refuse_hidden_case(protection, key, true);
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("could not serialize access due to a concurrent follow-up of "
					"case %s",
					case_key_text(key)),
			 errdetail("Link %lld was appended after this transaction took its "
					   "snapshot.",
					   (long long) seq),
			 errhint("The transaction might succeed if retried."),
			 err_generic_string(PG_DIAG_SCHEMA_NAME,
								get_namespace_name(get_rel_namespace(protection->links))),
			 err_generic_string(PG_DIAG_TABLE_NAME, get_rel_name(protection->links))));
}

/* Read the newest link with the latest snapshot. */
static void
read_head(Protection *protection, const CaseKey *key, ChainHead *head)
{
	find_head(protection, key, NULL, head);
	if (head->exists)
		check_head_is_seen(protection, key, head->seq);
}

/* How many links read_chain() asks for at a time: most chains are shorter. */
#define READ_CHAIN_BATCH 32

/* Columns that a reader of the chain gets, in the order of PLAN_READ_CHAIN. */
const LinkColumn read_chain_columns[] = {
	LINK_COLUMN_SEQ,         LINK_COLUMN_KIND,        LINK_COLUMN_ACTOR,
	LINK_COLUMN_RECORDED_AT, LINK_COLUMN_HAPPENED_AT, LINK_COLUMN_SATISFIED,
	LINK_COLUMN_FROM_STATE,  LINK_COLUMN_TO_STATE,    LINK_COLUMN_FROM_RISK,
	LINK_COLUMN_TO_RISK,     LINK_COLUMN_RECORDED_IN, LINK_COLUMN_CHAIN_SET,
	LINK_COLUMN_HASH,
};

StaticAssertDecl(lengthof(read_chain_columns) == READ_CHAIN_COLUMN_COUNT,
				 "one column for each place");

/* Make a link of the columns above; values and nulls are by LinkColumn. */
static void
read_link(const CaseKey *key, const Datum *values, const bool *nulls, Link *link)
{
	memset(link, 0, sizeof(*link));
	link->seq = DatumGetInt64(values[LINK_COLUMN_SEQ]);
	if (!link_kind_parse(TextDatumGetCString(values[LINK_COLUMN_KIND]), &link->kind))
		ereport(ERROR, (errcode(ERRCODE_VC_CHAIN_MISMATCH),
						errmsg("chain of case %s is broken", case_key_text(key)),
						errdetail("Link %lld is of no kind that govcase knows.",
								  (long long) link->seq),
						errhint("govcase.verify_chain() lists what is broken.")));
	link->actor = TextDatumGetCString(values[LINK_COLUMN_ACTOR]);
	link->recorded_at = DatumGetTimestampTz(values[LINK_COLUMN_RECORDED_AT]);
	link->happened_at = DatumGetTimestampTz(values[LINK_COLUMN_HAPPENED_AT]);
	link->has_satisfied = !nulls[LINK_COLUMN_SATISFIED];
	if (link->has_satisfied)
		link->satisfied = DatumGetBool(values[LINK_COLUMN_SATISFIED]);
	if (!nulls[LINK_COLUMN_FROM_STATE])
		link->from_state = DatumGetCaseState(values[LINK_COLUMN_FROM_STATE]);
	if (!nulls[LINK_COLUMN_TO_STATE])
		link->to_state = DatumGetCaseState(values[LINK_COLUMN_TO_STATE]);
	if (!nulls[LINK_COLUMN_FROM_RISK])
		link->from_risk = DatumGetRiskLevel(values[LINK_COLUMN_FROM_RISK]);
	if (!nulls[LINK_COLUMN_TO_RISK])
		link->to_risk = DatumGetRiskLevel(values[LINK_COLUMN_TO_RISK]);
	link->recorded_in = DatumGetInt64(values[LINK_COLUMN_RECORDED_IN]);
	link->has_chain_set = !nulls[LINK_COLUMN_CHAIN_SET];
	if (link->has_chain_set)
		link->chain_set = *DatumGetUUIDP(values[LINK_COLUMN_CHAIN_SET]);
	read_hash(key, link->seq, values[LINK_COLUMN_HASH], link->hash);
}

static void
read_chain_by_index(Protection *protection, const CaseKey *key, LinkVisitor visit,
					void *argument)
{
	KeyScan scan;
	bool first = true;

	begin_key_scan(&scan, protection->links, AccessShareLock, &protection->link_index,
				   key, NULL);
	while (next_row(&scan, BackwardScanDirection))
	{
		Datum values[LINK_COLUMN_COUNT];
		bool nulls[LINK_COLUMN_COUNT];
		Link link;

		for (int i = 0; i < READ_CHAIN_COLUMN_COUNT; i++)
		{
			LinkColumn column = read_chain_columns[i];

			values[column] =
				slot_getattr(scan.slot, protection->link_column[column], &nulls[column]);
		}
		read_link(key, values, nulls, &link);
		if (first)
			check_head_is_seen(protection, key, link.seq);
		first = false;
		if (!visit(&link, argument))
			break;
	}
	end_key_scan(&scan);
}

static void
read_chain_by_plan(Protection *protection, const CaseKey *key, LinkVisitor visit,
				   void *argument)
{
	int64 below = PG_INT64_MAX;
	bool more = true;

	SPI_connect();
	while (more)
	{
		Datum arguments[MAX_KEY_COLUMNS + 2];
		SPITupleTable *links;
		uint64 nlinks;

		memcpy(arguments, key->values, sizeof(Datum) * key->ncolumns);
		arguments[key->ncolumns] = Int64GetDatum(below);
		arguments[key->ncolumns + 1] = Int64GetDatum(READ_CHAIN_BATCH);
		protection_execute(protection, PLAN_READ_CHAIN, arguments, NULL, false);
		links = SPI_tuptable;
		nlinks = SPI_processed;

		for (uint64 i = 0; more && i < nlinks; i++)
		{
			Datum values[LINK_COLUMN_COUNT];
			bool nulls[LINK_COLUMN_COUNT];
			Link link;

			for (int c = 0; c < READ_CHAIN_COLUMN_COUNT; c++)
			{
				LinkColumn column = read_chain_columns[c];

				values[column] =
					SPI_getbinval(links->vals[i], links->tupdesc, c + 1, &nulls[column]);
			}
			read_link(key, values, nulls, &link);
			if (below == PG_INT64_MAX)
				check_head_is_seen(protection, key, link.seq);
			below = link.seq;
			more = visit(&link, argument);
		}
		more = more && nlinks == READ_CHAIN_BATCH;
		SPI_freetuptable(links);
	}
	SPI_finish();
}

void
read_chain(Protection *protection, const CaseKey *key, LinkVisitor visit, void *argument)
{
	if (chain_has_index(protection))
		read_chain_by_index(protection, key, visit, argument);
	else
		read_chain_by_plan(protection, key, visit, argument);
}

/* ---------------------------------------------------------------------------
 * Links that govcase writes itself
 * ---------------------------------------------------------------------------
 */

/*
 * The right to write one link of a kind that govcase keeps to itself.  It lives
 * in C only: a setting could be set by any expression of any statement.  The
 * link is taken from here, not from the row, so that whoever gets at it first
 * can only write what was meant to be written.
 */
typedef struct LinkToken
{
	Oid links;
	const CaseKey *key;
	const Link *wanted;
	bool taken;
	struct LinkToken *outer;
} LinkToken;

static LinkToken *link_token = NULL;

/* The same for the one UPDATE that redact() makes: its table, else InvalidOid. */
static Oid redacted_links = InvalidOid;

/* The link to write where govcase itself writes this one, else NULL. */
static const Link *
take_link_token(const Protection *protection, const CaseKey *key, LinkKind kind)
{
	LinkToken *token = link_token;

	if (token == NULL || token->taken || token->links != protection->links ||
		token->wanted->kind != kind || !same_case_key(token->key, key))
		return NULL;
	token->taken = true;
	return token->wanted;
}

/* Write a link by INSERT: the table's triggers, rules and defaults take part. */
static void
insert_link(Protection *protection, const CaseKey *key, const Link *wanted)
{
	LinkToken token = {protection->links, key, wanted, false, link_token};
	Datum values[MAX_KEY_COLUMNS + 1];
	bool written;

	SPI_connect();
	memcpy(values, key->values, sizeof(Datum) * key->ncolumns);
	values[key->ncolumns] = CStringGetTextDatum(link_kind_name(wanted->kind));
	link_token = &token;
	PG_TRY();
	{
		protection_execute(protection, PLAN_INSERT_LINK, values, NULL, false);
	}
	PG_FINALLY();
	{
		link_token = token.outer;
	}
	PG_END_TRY();
	written = SPI_processed == 1 && token.taken;
	SPI_finish();

	if (!written)
		ereport(
			ERROR,
			(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
			 errmsg("link of kind \"%s\" of case %s was not written",
					link_kind_name(wanted->kind), case_key_text(key)),
			 errdetail("A trigger or a rule of table \"%s\" kept it out.",
					   get_rel_name(protection->links)),
			 err_generic_string(PG_DIAG_SCHEMA_NAME,
								get_namespace_name(get_rel_namespace(protection->links))),
			 err_generic_string(PG_DIAG_TABLE_NAME, get_rel_name(protection->links))));
}

/* ---------------------------------------------------------------------------
 * append_link
 * ---------------------------------------------------------------------------
 */

/* A row that is to become a link, while its columns are filled. */
typedef struct NewLink
{
	Relation relation; /* the follow-up table or one of its partitions */
	AttrNumber attnums[LINK_COLUMN_COUNT];
	Datum values[LINK_COLUMN_COUNT];
	bool nulls[LINK_COLUMN_COUNT];
} NewLink;

static const char *
link_attname(const NewLink *row, LinkColumn column)
{
	return NameStr(
		TupleDescAttr(RelationGetDescr(row->relation), row->attnums[column] - 1)
			->attname);
}

static void
refuse_value(const NewLink *row, LinkColumn column, const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_GENERATED_ALWAYS),
			 errmsg("cannot insert a value into column \"%s\" of table \"%s\"",
					link_attname(row, column), RelationGetRelationName(row->relation)),
			 errdetail_internal("%s", detail), errhint("%s", hint),
			 errtablecol(row->relation, row->attnums[column])));
}

/* Fill a column that is govcase's; a caller's other value is refused, not replaced. */
static void
fill_column(NewLink *row, LinkColumn column, Datum value, bool isnull)
{
	Form_pg_attribute attribute =
		TupleDescAttr(RelationGetDescr(row->relation), row->attnums[column] - 1);

	if (!row->nulls[column] &&
		(isnull || !datum_image_eq(row->values[column], value, attribute->attbyval,
								   attribute->attlen)))
		refuse_value(row, column, "The column is govcase's to fill.",
					 "Leave it out of the INSERT.");
	row->values[column] = value;
	row->nulls[column] = isnull;
}

static void
fill_bytes(NewLink *row, LinkColumn column, const uint8 *data, int length, bool isnull)
{
	bytea *value = NULL;

	if (!isnull)
	{
		value = palloc(VARHDRSZ + length);
		SET_VARSIZE(value, VARHDRSZ + length);
		memcpy(VARDATA(value), data, length);
	}
	fill_column(row, column, PointerGetDatum(value), isnull);
}

static void
fill_text(NewLink *row, LinkColumn column, const char *value)
{
	fill_column(row, column, value == NULL ? (Datum) 0 : CStringGetTextDatum(value),
				value == NULL);
}

/*
 * A BEFORE trigger that runs after ours could change what was hashed.  Triggers
 * run in the order of their names, and the descriptor lists them in that order.
 */
static void
refuse_later_triggers(Relation relation, const Trigger *ours, int16 event)
{
	TriggerDesc *triggers = relation->trigdesc;

	for (int i = 0; i < triggers->numtriggers; i++)
	{
		Trigger *trigger = &triggers->triggers[i];

		if (!TRIGGER_FOR_ROW(trigger->tgtype) || !TRIGGER_FOR_BEFORE(trigger->tgtype) ||
			(trigger->tgtype & event) == 0 || strcmp(trigger->tgname, ours->tgname) <= 0)
			continue;
		if (trigger->tgenabled == TRIGGER_DISABLED ||
			trigger->tgenabled ==
				(SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA
					 ? TRIGGER_FIRES_ON_ORIGIN
					 : TRIGGER_FIRES_ON_REPLICA))
			continue;
		ereport(
			ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("trigger \"%s\" of table \"%s\" would run after \"%s\"",
					trigger->tgname, RelationGetRelationName(relation), ours->tgname),
			 errdetail("It could change a link after its hash was made; triggers run in "
					   "the order of their names."),
			 errhint("ALTER TRIGGER %s ON %s RENAME TO %s;",
					 quote_identifier(trigger->tgname),
					 quote_qualified_identifier(
						 get_namespace_name(RelationGetNamespace(relation)),
						 RelationGetRelationName(relation)),
					 quote_identifier(
						 psprintf("a_%.*s",
								  pg_mbcliplen(trigger->tgname, strlen(trigger->tgname),
											   NAMEDATALEN - 3),
								  trigger->tgname))),
			 errtable(relation)));
	}
}

static char *
user_link_kinds(void)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < LINK_KIND_COUNT; i++)
	{
		if ((LINK_OWN_KINDS & (1 << i)) == 0)
			appendStringInfo(&list, "%s%s", list.len > 0 ? ", " : "", link_kind_names[i]);
	}
	return list.data;
}

static LinkKind
kind_of_row(const NewLink *row)
{
	LinkKind kind;
	char *name;

	if (row->nulls[LINK_COLUMN_KIND])
		ereport(ERROR, (errcode(ERRCODE_NOT_NULL_VIOLATION),
						errmsg("null value in column \"%s\" of table \"%s\"",
							   link_attname(row, LINK_COLUMN_KIND),
							   RelationGetRelationName(row->relation)),
						errdetail("Every link is of a kind."),
						errhint("Kinds of links are: %s.", user_link_kinds()),
						errtablecol(row->relation, row->attnums[LINK_COLUMN_KIND])));
	name = TextDatumGetCString(row->values[LINK_COLUMN_KIND]);
	if (!link_kind_parse(name, &kind))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("unknown kind of link: \"%s\"", name),
						errhint("Kinds of links are: %s.", user_link_kinds()),
						errtablecol(row->relation, row->attnums[LINK_COLUMN_KIND])));
	return kind;
}

/* Nobody but govcase writes these kinds (VC003), nor these columns (428C9). */
static void
check_user_link(const NewLink *row, LinkKind kind)
{
	static const LinkColumn own_columns[] = {
		LINK_COLUMN_FROM_STATE, LINK_COLUMN_TO_STATE,  LINK_COLUMN_FROM_RISK,
		LINK_COLUMN_TO_RISK,    LINK_COLUMN_POLICY,    LINK_COLUMN_VERSION,
		LINK_COLUMN_CHAIN_SET,  LINK_COLUMN_TARGET_SEQ};

	if (LINK_OWN_KINDS & (1 << kind))
		ereport(ERROR, (errcode(ERRCODE_VC_APPEND_ONLY),
						errmsg("links of kind \"%s\" are written by govcase alone",
							   link_kind_name(kind)),
						kind == LINK_REGISTERED ? errhint("INSERT of the case writes it.")
						: kind == LINK_TRANSITION
							? errhint("An UPDATE of the case's state or risk writes it.")
							: errhint("govcase.redact() writes it."),
						errtablecol(row->relation, row->attnums[LINK_COLUMN_KIND])));

	for (int i = 0; i < (int) lengthof(own_columns); i++)
	{
		if (!row->nulls[own_columns[i]])
			refuse_value(row, own_columns[i], "Only links that govcase writes have it.",
						 "Leave it out of the INSERT.");
	}
}

static char *
time_text(TimestampTz time)
{
	return DatumGetCString(
		DirectFunctionCall1(timestamptz_out, TimestampTzGetDatum(time)));
}

static void
happened_at_context(void *argument pg_attribute_unused())
{
	errcontext("setting govcase.happened_at");
}

/* What SET LOCAL govcase.happened_at says; 22007 where that is no time. */
static bool
happened_at_setting(TimestampTz *happened_at)
{
	ErrorContextCallback context;

	if (govcase_happened_at == NULL || govcase_happened_at[0] == '\0')
		return false;
	context.callback = happened_at_context;
	context.arg = NULL;
	context.previous = error_context_stack;
	error_context_stack = &context;
	*happened_at = DatumGetTimestampTz(
		DirectFunctionCall3(timestamptz_in, CStringGetDatum(govcase_happened_at),
							ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
	error_context_stack = context.previous;
	return true;
}

/*
 * When a link may have happened: not before its case was reported, nor later
 * than now but for the skew of clocks.  22008 otherwise.
 */
static void
check_happened_at(const Protection *protection, const NewLink *row, const CaseKey *key,
				  const CaseFacts *facts, const Link *link)
{
	const char *hint = "Enter the time at which it happened, with its time zone.";
	bool too_early = facts->has_reported_at && link->happened_at < facts->reported_at;
	TimestampTz latest = link->recorded_at + (int64) govcase_clock_skew * USECS_PER_SEC;

	if (!too_early && !TIMESTAMP_NOT_FINITE(link->happened_at) &&
		link->happened_at <= latest)
		return;
	refuse_hidden_case(protection, key, true);
	if (too_early)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("link of case %s would have happened before the case was "
						"reported",
						case_key_text(key)),
				 errdetail("The case was reported at %s, the link happened at %s.",
						   time_text(facts->reported_at), time_text(link->happened_at)),
				 errhint("%s", hint),
				 errtablecol(row->relation, row->attnums[LINK_COLUMN_HAPPENED_AT])));
	if (TIMESTAMP_NOT_FINITE(link->happened_at))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("link of case %s would have happened at no finite time",
						case_key_text(key)),
				 errhint("%s", hint),
				 errtablecol(row->relation, row->attnums[LINK_COLUMN_HAPPENED_AT])));
	ereport(ERROR,
			(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
			 errmsg("link of case %s would lie in the future", case_key_text(key)),
			 errdetail("It is %s, the link happened at %s, and clocks may differ by "
					   "%d seconds.",
					   time_text(link->recorded_at), time_text(link->happened_at),
					   govcase_clock_skew),
			 errhint("%s", hint),
			 errtablecol(row->relation, row->attnums[LINK_COLUMN_HAPPENED_AT])));
}

static void
no_such_case(const Protection *protection, const NewLink *row, const CaseKey *key)
{
	StringInfoData columns;

	refuse_hidden_case(protection, key, false);
	initStringInfo(&columns);
	for (int i = 0; i < protection->nkeys; i++)
		appendStringInfo(&columns, "%s%s", i > 0 ? ", " : "",
						 get_attname(protection->cases, protection->case_key[i], false));
	ereport(ERROR,
			(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
			 errmsg("link in table \"%s\" belongs to no case",
					RelationGetRelationName(row->relation)),
			 errdetail("Key (%s)=(%s) is not present in table \"%s\".", columns.data,
					   case_key_text(key), get_rel_name(protection->cases)),
			 errtable(row->relation)));
}

static void
no_registration(const Protection *protection, const NewLink *row, const CaseKey *key)
{
	refuse_hidden_case(protection, key, true);
	ereport(
		ERROR,
		(errcode(ERRCODE_VC_CHAIN_MISMATCH),
		 errmsg("case %s has no registration link", case_key_text(key)),
		 errdetail("Table \"%s\" has the case, but it has no chain in table \"%s\".",
				   get_rel_name(protection->cases),
				   RelationGetRelationName(row->relation)),
		 errhint(
			 "The table's owner registers such cases with govcase.register_existing()."),
		 errtable(row->relation)));
}

/*
 * Read the case and the end of its chain; afterwards the case is locked.  A
 * link that govcase writes comes from somebody who holds that lock, and needs
 * the row only for the time of the report.
 */
static void
prepare_append(Protection *protection, const NewLink *row, const CaseKey *key,
			   LinkKind kind, bool own, CaseFacts *facts, ChainHead *head)
{
	memset(facts, 0, sizeof(*facts));
	if ((!own ||
		 protection_role_column(protection, "reported_at") != InvalidAttrNumber) &&
		!lock_case(protection, key, facts))
		no_such_case(protection, row, key);
	read_head(protection, key, head);
	if (!head->exists && !own && facts->created_here)
	{
		/* One WITH made the case and this link: its trigger is yet to fire. */
		register_case_early(protection, key);
		read_head(protection, key, head);
	}
	if (!head->exists && kind != LINK_REGISTERED)
		no_registration(protection, row, key);
}

/*
 * Random bytes for a note.  The generator costs about the same for one salt as
 * for many, so some are kept; each is wiped as it is given out.
 */
static void
make_salt(uint8 *salt)
{
	static uint8 kept[64 * LINK_SALT_SIZE];
	static int nkept = 0;

	if (nkept == 0)
	{
		if (!pg_strong_random(kept, sizeof(kept)))
			ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
							errmsg("could not generate a random salt")));
		nkept = sizeof(kept) / LINK_SALT_SIZE;
	}
	nkept--;
	memcpy(salt, kept + nkept * LINK_SALT_SIZE, LINK_SALT_SIZE);
	memset(kept + nkept * LINK_SALT_SIZE, 0, LINK_SALT_SIZE);
}

/*
 * Complete a link that follows the head of its chain: number, times, salt and
 * hashes.  The case is locked.
 */
static void
complete_link(const Protection *protection, const NewLink *row, const CaseKey *key,
			  const CaseFacts *facts, const ChainHead *head, bool happened_at_given,
			  Link *link)
{
	if (link->kind == LINK_REGISTERED)
	{
		link->has_chain_set = true;
		link->chain_set = protection->chain_set;
	}

	/* The clock is read under the lock, so that times follow the chain's order. */
	link->recorded_at = GetCurrentTimestamp();
	if (head->exists && head->recorded_at > link->recorded_at)
		link->recorded_at = head->recorded_at;
	link->recorded_in = U64FromFullTransactionId(GetTopFullTransactionId());
	link->seq = head->exists ? head->seq + 1 : 1;

	if (!happened_at_given)
	{
		/*
		 * A report from a clock that runs ahead is not an error of whoever
		 * leaves the time to the clock.
		 */
		if ((link->kind != LINK_REGISTERED && link->kind != LINK_TRANSITION) ||
			!happened_at_setting(&link->happened_at))
			link->happened_at = facts->has_reported_at
									? Max(link->recorded_at, facts->reported_at)
									: link->recorded_at;
	}
	check_happened_at(protection, row, key, facts, link);

	if (head->exists)
		memcpy(link->prev_hash, head->hash, LINK_HASH_SIZE);
	else
		hash_genesis(&link->chain_set, key, link->prev_hash);
	link->has_note_digest = link->has_salt = link->note != NULL;
	if (link->has_salt)
	{
		make_salt(link->salt);
		hash_note(link->salt, link->note, link->note_digest);
	}
	hash_link(key, link, link->hash);
}

/* Fill all columns but the key and the kind, which whoever writes a link says. */
static void
fill_link(NewLink *row, const Link *link)
{
	fill_column(row, LINK_COLUMN_SEQ, Int64GetDatum(link->seq), false);
	fill_column(row, LINK_COLUMN_HAPPENED_AT, TimestampTzGetDatum(link->happened_at),
				false);
	fill_column(row, LINK_COLUMN_RECORDED_AT, TimestampTzGetDatum(link->recorded_at),
				false);
	fill_column(row, LINK_COLUMN_RECORDED_IN, Int64GetDatum(link->recorded_in), false);
	fill_text(row, LINK_COLUMN_ACTOR, link->actor);
	fill_text(row, LINK_COLUMN_DB_USER, link->db_user);
	fill_column(row, LINK_COLUMN_FROM_STATE, CaseStateGetDatum(link->from_state),
				link->from_state == 0);
	fill_column(row, LINK_COLUMN_TO_STATE, CaseStateGetDatum(link->to_state),
				link->to_state == 0);
	fill_column(row, LINK_COLUMN_FROM_RISK, RiskLevelGetDatum(link->from_risk),
				link->from_risk == 0);
	fill_column(row, LINK_COLUMN_TO_RISK, RiskLevelGetDatum(link->to_risk),
				link->to_risk == 0);
	fill_text(row, LINK_COLUMN_POLICY, link->policy);
	fill_column(row, LINK_COLUMN_VERSION, Int32GetDatum(link->version),
				!link->has_version);
	fill_column(row, LINK_COLUMN_CHAIN_SET, UUIDPGetDatum(&link->chain_set),
				!link->has_chain_set);
	fill_column(row, LINK_COLUMN_TARGET_SEQ, Int64GetDatum(link->target_seq),
				!link->has_target_seq);
	fill_column(row, LINK_COLUMN_SATISFIED, BoolGetDatum(link->satisfied),
				!link->has_satisfied);
	fill_text(row, LINK_COLUMN_NOTE, link->note);
	fill_bytes(row, LINK_COLUMN_SALT, link->salt, LINK_SALT_SIZE, !link->has_salt);
	fill_bytes(row, LINK_COLUMN_NOTE_DIGEST, link->note_digest, LINK_HASH_SIZE,
			   !link->has_note_digest);
	fill_bytes(row, LINK_COLUMN_PREV_HASH, link->prev_hash, LINK_HASH_SIZE, false);
	fill_bytes(row, LINK_COLUMN_HASH, link->hash, LINK_HASH_SIZE, false);
}

/* Put the link's columns where the table has them. */
static void
put_link_columns(const NewLink *row, Datum *values, bool *nulls)
{
	for (int i = 0; i < LINK_COLUMN_COUNT; i++)
	{
		values[row->attnums[i] - 1] = row->values[i];
		nulls[row->attnums[i] - 1] = row->nulls[i];
	}
}

/*
 * append_link(): BEFORE INSERT row trigger of a follow-up table
 *
 * Completes a link, or refuses it: 39P01 called otherwise; 23502 no key or kind;
 * 23503 no such case; 42501 none that row security shows; 22023 no such kind, no
 * actor; VC003 a kind that only govcase writes; 428C9 a value for a column that is
 * govcase's; 22008 a time out of range; VC004 a case without a chain; 40001 a chain
 * that grew since the snapshot; 55000 a trigger that would run after this one.
 * Rules: design section 6.
 */
PG_FUNCTION_INFO_V1(govcase_append_link);

Datum
govcase_append_link(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	Protection *protection;
	HeapTuple tuple;
	NewLink row;
	CaseKey key;
	CaseFacts facts;
	ChainHead head;
	Link link;
	const Link *own;
	TupleDesc descriptor;
	Datum *values;
	bool *nulls;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BY_INSERT(trigdata->tg_event) ||
		!TRIGGER_FIRED_BEFORE(trigdata->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigdata->tg_event))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("function \"%s\" must be called as a BEFORE INSERT row "
							   "trigger",
							   "append_link")));

	tuple = trigdata->tg_trigtuple;
	row.relation = trigdata->tg_relation;
	protection = protection_of_links(row.relation);
	refuse_later_triggers(row.relation, trigdata->tg_trigger, TRIGGER_TYPE_INSERT);
	descriptor = RelationGetDescr(row.relation);
	values = palloc(sizeof(Datum) * descriptor->natts);
	nulls = palloc(sizeof(bool) * descriptor->natts);
	heap_deform_tuple(tuple, descriptor, values, nulls);
	for (int i = 0; i < LINK_COLUMN_COUNT; i++)
	{
		row.attnums[i] =
			partition_attnum(row.relation, protection->links, protection->link_column[i]);
		row.values[i] = values[row.attnums[i] - 1];
		row.nulls[i] = nulls[row.attnums[i] - 1];
	}
	case_key_of_tuple(protection, row.relation, tuple, true, &key);

	memset(&link, 0, sizeof(link));
	link.kind = kind_of_row(&row);
	own = take_link_token(protection, &key, link.kind);
	if (own != NULL)
		link = *own;
	else
	{
		link.happened_at = row.nulls[LINK_COLUMN_HAPPENED_AT]
							   ? DT_NOBEGIN
							   : DatumGetTimestampTz(row.values[LINK_COLUMN_HAPPENED_AT]);
		check_user_link(&row, link.kind);
		if (row.nulls[LINK_COLUMN_ACTOR] || OidIsValid(protection->actor_function_oid))
			link.actor = acting_person(protection);
		else
			link.actor = TextDatumGetCString(row.values[LINK_COLUMN_ACTOR]);
		link.db_user = GetUserNameFromId(GetSessionUserId(), false);
		if (!row.nulls[LINK_COLUMN_NOTE])
			link.note = TextDatumGetCString(row.values[LINK_COLUMN_NOTE]);
		link.has_satisfied = !row.nulls[LINK_COLUMN_SATISFIED];
		link.satisfied =
			link.has_satisfied && DatumGetBool(row.values[LINK_COLUMN_SATISFIED]);
	}

	if (link.actor == NULL || link.actor[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("actor of a link must not be empty"),
				 errhint("Give the acting account, or leave it out for the setting "
						 "govcase.actor or the database user."),
				 errtablecol(row.relation, row.attnums[LINK_COLUMN_ACTOR])));
	prepare_append(protection, &row, &key, link.kind, own != NULL, &facts, &head);

	complete_link(protection, &row, &key, &facts, &head,
				  own != NULL ? own->happened_at != DT_NOBEGIN
							  : !row.nulls[LINK_COLUMN_HAPPENED_AT],
				  &link);
	if (own == NULL)
		row.nulls[LINK_COLUMN_HAPPENED_AT] = true;
	fill_link(&row, &link);
	put_link_columns(&row, values, nulls);
	return PointerGetDatum(heap_form_tuple(descriptor, values, nulls));
}

/* A key's value as the column of a follow-up table has it. */
static Datum
key_column_value(Oid type, Datum value)
{
	switch (type)
	{
		case INT2OID:
			return Int16GetDatum((int16) DatumGetInt64(value));
		case INT4OID:
			return Int32GetDatum((int32) DatumGetInt64(value));
		default:
			return value;
	}
}

/*
 * Write a link straight into heap and indexes.  Only where nothing but our own
 * trigger takes part in an INSERT into the table, and then nobody can tell the
 * difference, but that it costs a third.
 */
static void
store_link(Protection *protection, const CaseKey *key, const Link *wanted,
		   const CaseFacts *facts, const ChainHead *head)
{
	Relation links = table_open(protection->links, RowExclusiveLock);
	TupleDesc descriptor = RelationGetDescr(links);
	Datum *values = palloc0(sizeof(Datum) * descriptor->natts);
	bool *nulls = palloc(sizeof(bool) * descriptor->natts);
	Link link = *wanted;
	NewLink row;

	row.relation = links;
	for (int i = 0; i < LINK_COLUMN_COUNT; i++)
	{
		row.attnums[i] = protection->link_column[i];
		row.nulls[i] = true;
	}
	complete_link(protection, &row, key, facts, head, wanted->happened_at != DT_NOBEGIN,
				  &link);
	fill_text(&row, LINK_COLUMN_KIND, link_kind_name(link.kind));
	fill_link(&row, &link);

	memset(nulls, true, sizeof(bool) * descriptor->natts);
	for (int i = 0; i < key->ncolumns; i++)
	{
		values[protection->link_key[i] - 1] =
			key_column_value(protection->link_key_type[i], key->values[i]);
		nulls[protection->link_key[i] - 1] = false;
	}
	put_link_columns(&row, values, nulls);
	store_row(links, values, nulls);
	table_close(links, NoLock);
}

void
write_link(Protection *protection, const CaseKey *key, const Link *wanted,
		   const CaseFacts *facts, const ChainHead *head)
{
	CaseFacts found_facts;
	ChainHead found_head;

	if (!protection->links_are_plain || !chain_has_index(protection))
	{
		insert_link(protection, key, wanted);
		return;
	}
	if (facts == NULL)
	{
		if (!lock_case(protection, key, &found_facts))
			elog(ERROR, "case %s is gone", case_key_text(key));
		facts = &found_facts;
	}
	if (head == NULL)
	{
		read_head(protection, key, &found_head);
		head = &found_head;
	}
	store_link(protection, key, wanted, facts, head);
}

/* ---------------------------------------------------------------------------
 * keep_link
 * ---------------------------------------------------------------------------
 */

/* Does only the note and its salt go, as redact() wants it? */
static bool
only_note_erased(const Protection *protection, Relation relation, HeapTuple old_tuple,
				 HeapTuple new_tuple)
{
	TupleDesc descriptor = RelationGetDescr(relation);
	AttrNumber note = partition_attnum(relation, protection->links,
									   protection->link_column[LINK_COLUMN_NOTE]);
	AttrNumber salt = partition_attnum(relation, protection->links,
									   protection->link_column[LINK_COLUMN_SALT]);

	for (int i = 1; i <= descriptor->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(descriptor, i - 1);
		bool old_null;
		bool new_null;
		Datum old_value;
		Datum new_value;

		if (attribute->attisdropped)
			continue;
		old_value = heap_getattr(old_tuple, i, descriptor, &old_null);
		new_value = heap_getattr(new_tuple, i, descriptor, &new_null);
		if (i == note || i == salt)
		{
			if (!new_null)
				return false;
		}
		else if (old_null != new_null ||
				 (!old_null && !datum_image_eq(old_value, new_value, attribute->attbyval,
											   attribute->attlen)))
			return false;
	}
	return true;
}

/* Names of the columns that an UPDATE would change; values may be personal. */
static char *
changed_columns(Relation relation, HeapTuple old_tuple, HeapTuple new_tuple)
{
	TupleDesc descriptor = RelationGetDescr(relation);
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 1; i <= descriptor->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(descriptor, i - 1);
		bool old_null;
		bool new_null;
		Datum old_value;
		Datum new_value;

		if (attribute->attisdropped)
			continue;
		old_value = heap_getattr(old_tuple, i, descriptor, &old_null);
		new_value = heap_getattr(new_tuple, i, descriptor, &new_null);
		if (old_null != new_null ||
			(!old_null && !datum_image_eq(old_value, new_value, attribute->attbyval,
										  attribute->attlen)))
			appendStringInfo(&list, "%s\"%s\"", list.len > 0 ? ", " : "",
							 NameStr(attribute->attname));
	}
	return list.data;
}

/*
 * keep_link(): BEFORE UPDATE OR DELETE row and BEFORE TRUNCATE statement
 * trigger of a follow-up table
 *
 * Refuses (VC003) all but the UPDATE that redact() makes.  39P01 called
 * otherwise.
 */
PG_FUNCTION_INFO_V1(govcase_keep_link);

Datum
govcase_keep_link(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	Relation relation;
	Protection *protection;
	CaseKey key;
	int64 seq;
	bool isnull;
	bool updated;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(trigdata->tg_event) ||
		TRIGGER_FIRED_BY_INSERT(trigdata->tg_event) ||
		TRIGGER_FIRED_FOR_ROW(trigdata->tg_event) ==
			TRIGGER_FIRED_BY_TRUNCATE(trigdata->tg_event))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("function \"%s\" must be called as a BEFORE UPDATE OR "
							   "DELETE row trigger or a BEFORE TRUNCATE trigger",
							   "keep_link")));

	relation = trigdata->tg_relation;
	if (TRIGGER_FIRED_BY_TRUNCATE(trigdata->tg_event))
	{
		/* A detached partition is its owner's again. */
		if (!is_follow_up_table(relation))
			return PointerGetDatum(NULL);
		ereport(ERROR, (errcode(ERRCODE_VC_APPEND_ONLY),
						errmsg("cannot truncate table \"%s\"",
							   RelationGetRelationName(relation)),
						errdetail("It holds follow-up chains, which are append-only."),
						errtable(relation)));
	}

	protection = protection_of_links(relation);
	updated = TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event);
	if (updated && redacted_links == protection->links &&
		only_note_erased(protection, relation, trigdata->tg_trigtuple,
						 trigdata->tg_newtuple))
	{
		refuse_later_triggers(relation, trigdata->tg_trigger, TRIGGER_TYPE_UPDATE);
		return PointerGetDatum(trigdata->tg_newtuple);
	}

	case_key_of_tuple(protection, relation, trigdata->tg_trigtuple, true, &key);
	seq = DatumGetInt64(
		heap_getattr(trigdata->tg_trigtuple,
					 partition_attnum(relation, protection->links,
									  protection->link_column[LINK_COLUMN_SEQ]),
					 RelationGetDescr(relation), &isnull));
	if (updated)
	{
		char *columns =
			changed_columns(relation, trigdata->tg_trigtuple, trigdata->tg_newtuple);

		ereport(ERROR,
				(errcode(ERRCODE_VC_APPEND_ONLY),
				 errmsg("cannot change link %lld of case %s", (long long) seq,
						case_key_text(&key)),
				 columns[0] == '\0'
					 ? errdetail("Follow-up chains are append-only.")
					 : errdetail("Follow-up chains are append-only; the UPDATE would "
								 "change %s.",
								 columns),
				 errhint("Append a link that says what was wrong; govcase.redact() "
						 "erases a note."),
				 errtable(relation)));
	}
	ereport(ERROR,
			(errcode(ERRCODE_VC_APPEND_ONLY),
			 errmsg("cannot delete link %lld of case %s", (long long) seq,
					case_key_text(&key)),
			 errdetail("Follow-up chains are append-only."),
			 errhint("Append a link that says what was wrong; govcase.redact() erases a "
					 "note."),
			 errtable(relation)));
	PG_RETURN_NULL();
}

/* ---------------------------------------------------------------------------
 * redact
 * ---------------------------------------------------------------------------
 */

/* How many notes the caller sees of those to be erased.  SPI must be connected. */
static int64
visible_notes(const Protection *protection, const CaseKey *key, bool has_seq, int64 seq)
{
	Oid links = protection->links;
	Oid types[MAX_KEY_COLUMNS + 1];
	Datum values[MAX_KEY_COLUMNS + 1];
	char nulls[MAX_KEY_COLUMNS + 1];
	StringInfoData query;
	bool isnull;
	int64 count;

	initStringInfo(&query);
	appendStringInfo(
		&query, "SELECT pg_catalog.count(*) FROM %s WHERE %s IS NOT NULL",
		quote_qualified_identifier(get_namespace_name(get_rel_namespace(links)),
								   get_rel_name(links)),
		quote_identifier(
			get_attname(links, protection->link_column[LINK_COLUMN_NOTE], false)));
	for (int i = 0; i < key->ncolumns; i++)
	{
		appendStringInfo(
			&query, " AND %s OPERATOR(pg_catalog.=) $%d",
			quote_identifier(get_attname(links, protection->link_key[i], false)), i + 1);
		types[i] = key->types[i];
		values[i] = key->values[i];
		nulls[i] = ' ';
	}
	appendStringInfo(&query, " AND ($%d IS NULL OR %s OPERATOR(pg_catalog.=) $%d)",
					 key->ncolumns + 1,
					 quote_identifier(get_attname(
						 links, protection->link_column[LINK_COLUMN_SEQ], false)),
					 key->ncolumns + 1);
	types[key->ncolumns] = INT8OID;
	values[key->ncolumns] = Int64GetDatum(seq);
	nulls[key->ncolumns] = has_seq ? ' ' : 'n';

	SPI_execute_with_args(query.data, key->ncolumns + 1, types, values, nulls, false, 0);
	count = DatumGetInt64(
		SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	SPI_freetuptable(SPI_tuptable);
	return count;
}

static void
check_may_redact(const Protection *protection)
{
	AttrNumber note = protection->link_column[LINK_COLUMN_NOTE];

	if (pg_class_aclcheck(protection->links, GetUserId(), ACL_UPDATE) != ACLCHECK_OK &&
		pg_attribute_aclcheck(protection->links, note, GetUserId(), ACL_UPDATE) !=
			ACLCHECK_OK)
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("permission denied for table %s",
							   get_rel_name(protection->links)),
						errhint("Redaction needs the UPDATE privilege on column \"%s\".",
								get_attname(protection->links, note, false))));
}

/* Erase as the owner, with keep_link told to let it pass.  SPI must be connected. */
static int64
erase_notes(Protection *protection, const CaseKey *key, bool has_seq, int64 seq,
			int64 last_seq)
{
	Datum values[MAX_KEY_COLUMNS + 2];
	char nulls[MAX_KEY_COLUMNS + 2];
	Oid outer = redacted_links;

	memcpy(values, key->values, sizeof(Datum) * key->ncolumns);
	memset(nulls, ' ', sizeof(nulls));
	values[key->ncolumns] = Int64GetDatum(seq);
	nulls[key->ncolumns] = has_seq ? ' ' : 'n';
	values[key->ncolumns + 1] = Int64GetDatum(last_seq);
	redacted_links = protection->links;
	PG_TRY();
	{
		protection_execute(protection, PLAN_REDACT, values, nulls, false);
	}
	PG_FINALLY();
	{
		redacted_links = outer;
	}
	PG_END_TRY();
	return SPI_processed;
}

/*
 * redact(protected regclass, key "any", seq bigint, reason text) returns bigint
 *
 * Erases the note of a link, or with seq null of all links so far, and appends
 * a redaction link whose note is the reason.  Returns how many notes went; where
 * there is none to erase and seq is null, nothing is written.  Either table of
 * the protection will do.  Needs the UPDATE privilege on the note, and row
 * security must show the caller every note that goes; works as the owner, for
 * links are else not to be changed.
 * Errors: 22004 a null but for seq; 22023 no such link, no note, no reason; 23503
 * no such case; 42501 not allowed; 42P17 not protected, or without a chain.
 */
PG_FUNCTION_INFO_V1(govcase_redact);

Datum
govcase_redact(PG_FUNCTION_ARGS)
{
	Protection *protection;
	CaseKey key;
	CaseFacts facts;
	ChainHead head;
	Link link;
	bool has_seq = !PG_ARGISNULL(2);
	int64 seq = has_seq ? PG_GETARG_INT64(2) : 0;
	char *reason;
	char *actor;
	char *db_user;
	int64 visible = -1;
	int64 erased;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(3))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("%s of redaction must not be null",
							   PG_ARGISNULL(0) ? "table" : "reason")));
	reason = text_to_cstring(PG_GETARG_TEXT_PP(3));
	if (reason[0] == '\0')
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("reason of redaction must not be empty")));
	protection = protection_of_table(PG_GETARG_OID(0));
	if (!OidIsValid(protection->links))
		ereport(ERROR, (errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
						errmsg("table \"%s\" is protected without a follow-up chain",
							   get_rel_name(protection->cases))));
	check_may_redact(protection);
	case_key_of_argument(fcinfo, 1, protection, &key);
	actor = acting_person(protection);
	db_user = GetUserNameFromId(GetSessionUserId(), false);

	SPI_connect();
	if (!lock_case(protection, &key, &facts))
		ereport(ERROR, (errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
						errmsg("there is no case %s in table \"%s\"", case_key_text(&key),
							   get_rel_name(protection->cases))));
	read_head(protection, &key, &head);
	if (has_seq && (!head.exists || seq < 1 || seq > head.seq))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("case %s has no link %lld", case_key_text(&key), (long long) seq),
				 errdetail("Its chain has %lld links.", (long long) head.seq)));
	if (check_enable_rls(protection->links, InvalidOid, true) == RLS_ENABLED)
		visible = visible_notes(protection, &key, has_seq, seq);

	erased = erase_notes(protection, &key, has_seq, seq, head.seq);
	SPI_finish();

	if (visible >= 0 && visible != erased)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for notes of case %s", case_key_text(&key)),
				 errdetail("Row-level security of table \"%s\" hides some of "
						   "those that would be erased.",
						   get_rel_name(protection->links))));
	if (erased == 0)
	{
		if (has_seq)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("link %lld of case %s has no note", (long long) seq,
								   case_key_text(&key))));
		PG_RETURN_INT64(0);
	}

	memset(&link, 0, sizeof(link));
	link.kind = LINK_REDACTION;
	link.happened_at = DT_NOBEGIN;
	link.actor = actor;
	link.db_user = db_user;
	link.has_target_seq = has_seq;
	link.target_seq = seq;
	link.note = reason;
	write_link(protection, &key, &link, NULL, NULL);
	PG_RETURN_INT64(erased);
}
