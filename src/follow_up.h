/*
 * follow_up.h
 *		The follow-up chain: links, their columns, kinds, bytes and hashes.
 */
#ifndef GOVCASE_FOLLOW_UP_H
#define GOVCASE_FOLLOW_UP_H

#include "govcase.h"

#include "datatype/timestamp.h"
#include "lib/stringinfo.h"
#include "utils/uuid.h"

#include "case_state.h"
#include "risk_level.h"

/* What a link records.  The order is that of link_kind_names[] in follow_up.c. */
typedef enum LinkKind
{
	LINK_REGISTERED,
	LINK_TRANSITION,
	LINK_MEDIATION,
	LINK_VISIT,
	LINK_CONFERENCE,
	LINK_SUPERVISION,
	LINK_FEEDBACK,
	LINK_ASSESSMENT,
	LINK_LOOK_BACK,
	LINK_APPROVAL,
	LINK_NOTE,
	LINK_REDACTION
} LinkKind;

#define LINK_KIND_COUNT (LINK_REDACTION + 1)

typedef uint16 LinkKindSet; /* bit of each LinkKind */

extern const char *link_kind_name(LinkKind kind);
extern bool link_kind_parse(const char *name, LinkKind *kind);

/* Kinds that count as contact with the parties for the terms of a policy. */
#define LINK_CONTACT_KINDS \
	((1 << LINK_MEDIATION) | (1 << LINK_VISIT) | (1 << LINK_CONFERENCE) | \
	 (1 << LINK_FEEDBACK) | (1 << LINK_LOOK_BACK))

/* Columns of a link beside its key, in the order of link_columns' arguments. */
typedef enum LinkColumn
{
	LINK_COLUMN_SEQ,
	LINK_COLUMN_HAPPENED_AT,
	LINK_COLUMN_RECORDED_AT,
	LINK_COLUMN_RECORDED_IN,
	LINK_COLUMN_KIND,
	LINK_COLUMN_ACTOR,
	LINK_COLUMN_DB_USER,
	LINK_COLUMN_FROM_STATE,
	LINK_COLUMN_TO_STATE,
	LINK_COLUMN_FROM_RISK,
	LINK_COLUMN_TO_RISK,
	LINK_COLUMN_POLICY,
	LINK_COLUMN_VERSION,
	LINK_COLUMN_CHAIN_SET,
	LINK_COLUMN_TARGET_SEQ,
	LINK_COLUMN_SATISFIED,
	LINK_COLUMN_NOTE,
	LINK_COLUMN_SALT,
	LINK_COLUMN_NOTE_DIGEST,
	LINK_COLUMN_PREV_HASH,
	LINK_COLUMN_HASH
} LinkColumn;

#define LINK_COLUMN_COUNT (LINK_COLUMN_HASH + 1)

/* Role name of a link column ("seq", …), which is also its default name. */
extern const char *link_column_name(LinkColumn column);
/* Type of a link column: bigint, timestamptz, text, …, or one of our two types. */
extern Oid link_column_type(LinkColumn column);

#define LINK_HASH_SIZE 32
#define LINK_SALT_SIZE 16

/*
 * A case's key: one to four columns.  Chains tell classes, not types, so that
 * integer -> bigint keeps every hash.
 */
#define MAX_KEY_COLUMNS 4

typedef enum KeyClass
{
	KEY_INT,  /* smallint, integer, bigint */
	KEY_TEXT, /* text, varchar */
	KEY_UUID,
	KEY_DATE
} KeyClass;

/* Class of a type; false where a key cannot be of it. */
extern bool key_class_of_type(Oid type, KeyClass *class);

/*
 * Type in which a key column of a type is passed: plans, scans and hashes see no
 * other.  InvalidOid where a key cannot be of it.
 */
extern Oid key_passed_type(Oid type);

typedef struct CaseKey
{
	int ncolumns;
	Oid types[MAX_KEY_COLUMNS];
	Datum values[MAX_KEY_COLUMNS]; /* never null */
} CaseKey;

/* The key for people and for errors: "42", or "411602, 7" for several columns. */
extern char *case_key_text(const CaseKey *key);
extern bool same_case_key(const CaseKey *one, const CaseKey *other);

/* One link in memory.  Texts are in the server's encoding. */
typedef struct Link
{
	int64 seq;
	TimestampTz happened_at;
	TimestampTz recorded_at;
	int64 recorded_in;
	LinkKind kind;
	char *unknown_kind; /* of a stored link that is of no kind, else NULL */
	char *actor;
	char *db_user;
	CaseState from_state; /* 0: null, here and in the next three */
	CaseState to_state;
	RiskLevel from_risk;
	RiskLevel to_risk;
	char *policy; /* NULL: null, here and below */
	bool has_version;
	int32 version;
	bool has_chain_set;
	pg_uuid_t chain_set;
	bool has_target_seq;
	int64 target_seq;
	bool has_satisfied;
	bool satisfied;
	char *note;
	bool has_salt;
	uint8 salt[LINK_SALT_SIZE];
	bool has_note_digest;
	uint8 note_digest[LINK_HASH_SIZE];
	uint8 prev_hash[LINK_HASH_SIZE];
	uint8 hash[LINK_HASH_SIZE];
} Link;

/* Canonical bytes, version 1 (design section 6), and the hashes over them. */
extern void append_link_bytes(StringInfo bytes, const CaseKey *key, const Link *link);
extern void
append_genesis_bytes(StringInfo bytes, const pg_uuid_t *chain_set, const CaseKey *key);
extern void hash_genesis(const pg_uuid_t *chain_set, const CaseKey *key, uint8 *hash);
extern void hash_note(const uint8 *salt, const char *note, uint8 *hash);
extern void hash_link(const CaseKey *key, const Link *link, uint8 *hash);

struct Protection;

/* The newest link of a chain: what the next one follows. */
typedef struct ChainHead
{
	bool exists;
	int64 seq;
	TimestampTz recorded_at;
	uint8 hash[LINK_HASH_SIZE];
} ChainHead;

/* What a link must know of its case. */
typedef struct CaseFacts
{
	bool created_here; /* by this transaction */
	bool has_reported_at;
	TimestampTz reported_at;
} CaseFacts;

/* Note when a case was reported, from a column of its row of any type of time. */
extern void read_reported_at(CaseFacts *facts, Oid type, Datum value, bool isnull);

/*
 * Write a link of a kind that govcase alone writes (registered, transition,
 * redaction), as the owner.  Taken from wanted: kind, from and to, policy,
 * version, target_seq, note, and actor and db_user, captured by the caller
 * before any switch of user.  happened_at DT_NOBEGIN: the clock's or the
 * setting's.  The caller holds the lock on the case, and may pass what he has
 * read of it and of its chain since; NULL: not read.
 */
extern void write_link(struct Protection *protection, const CaseKey *key,
					   const Link *wanted, const CaseFacts *facts, const ChainHead *head);

/*
 * The case's links, newest first, read with the latest snapshot as the owner;
 * visit returns false to stop.  Only seq, kind, actor, recorded_at, happened_at,
 * satisfied, the from and to columns, recorded_in, chain_set and hash of the link are
 * filled.  Raises 40001
 * where the newest link is one that the transaction's own snapshot cannot see.
 */
#define READ_CHAIN_COLUMN_COUNT 13
extern const LinkColumn read_chain_columns[];

typedef bool (*LinkVisitor)(const Link *link, void *argument);
extern void read_chain(struct Protection *protection, const CaseKey *key,
					   LinkVisitor visit, void *argument);

#endif /* GOVCASE_FOLLOW_UP_H */
