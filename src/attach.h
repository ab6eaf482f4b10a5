/*
 * attach.h
 *		Protections: which columns of which tables are a case and its links.
 *
 * Everything a protection knows stands in the arguments and column lists of two
 * carrier triggers that never fire (design section 5).  This room reads them,
 * judges whether they can be trusted, and keeps the outcome until either table
 * changes.
 */
#ifndef GOVCASE_ATTACH_H
#define GOVCASE_ATTACH_H

#include "govcase.h"

#include "executor/spi.h"
#include "utils/rel.h"
#include "utils/uuid.h"

#include "follow_up.h"
#include "policy.h"
#include "row_access.h"

typedef struct RoleColumn
{
	char *role;
	AttrNumber attnum; /* in the case table's root */
} RoleColumn;

/* Queries on the two tables that are kept planned; see protection_plan(). */
typedef enum ProtectionPlan
{
	PLAN_LOCK_CASE,  /* state, risk, roles of a case, FOR NO KEY UPDATE */
	PLAN_READ_CASE,  /* a case's whole row */
	PLAN_READ_CHAIN, /* a case's links, newest first */
	PLAN_CHAIN_HEAD, /* a case's newest link */
	PLAN_INSERT_LINK,
	PLAN_REDACT, /* erase notes and salts */
	PROTECTION_PLAN_COUNT
} ProtectionPlan;

typedef struct Protection
{
	Oid cases; /* the root, where partitioned */
	Oid links; /* InvalidOid: protected without a chain */
	Oid owner; /* of both */
	pg_uuid_t chain_set;
	char *policy;
	bool without_links;
	char *actor_function; /* NULL, or a qualified name without arguments */
	Oid actor_function_oid;
	int nkeys;
	AttrNumber case_key[MAX_KEY_COLUMNS]; /* in the root */
	Oid case_key_type[MAX_KEY_COLUMNS];
	AttrNumber state;
	AttrNumber risk; /* InvalidAttrNumber: a one-colour policy */
	int nroles;
	RoleColumn *roles; /* a column that carries several stands several times */
	char **watched;    /* roles that the row trigger's WHEN compares */
	int nwatched;
	AttrNumber link_key[MAX_KEY_COLUMNS]; /* in the links' root */
	Oid link_key_type[MAX_KEY_COLUMNS];
	AttrNumber link_column[LINK_COLUMN_COUNT];
	KeyIndex case_index;  /* how a case is found without a plan */
	KeyIndex link_index;  /* how a chain is, by key and seq */
	bool links_are_plain; /* nothing but our trigger takes part in an INSERT */
	SPIPlanPtr plans[PROTECTION_PLAN_COUNT];
	MemoryContext context;
} Protection;

/*
 * The protection of the table that a trigger fires on, a partition of it
 * included.  Raises VC007 where no carrier can be trusted: none, two, another
 * owner, a missing or doubled partner.  Valid until the next command that may
 * accept invalidations on either table; do not keep it across rows.
 */
extern Protection *protection_of_cases(Relation cases);
extern Protection *protection_of_links(Relation links);
/* Does the table, or the root that it is a partition of, have a case carrier? */
extern bool is_protected(Relation cases);
/* The same for the carrier of a follow-up table. */
extern bool is_follow_up_table(Relation links);
/* The same by OID, of either table; 42P17 (with a HINT) where unprotected. */
extern Protection *protection_of_table(Oid table);

/*
 * Column of this relation (the root or any partition of it) for a column of the
 * root.  Partitions number their columns as they please.
 */
extern AttrNumber partition_attnum(Relation relation, Oid root, AttrNumber root_attnum);

/* Column that bears the role, InvalidAttrNumber where none is mapped. */
extern AttrNumber protection_role_column(const Protection *protection, const char *role);

/* Set one column of a key to a value of a key column's type. */
extern void set_key_column(CaseKey *key, int column, Oid type, Datum value);
/*
 * The key of a row, from a slot or tuple of the case table or of the links (or
 * a partition).  Values point into the tuple.
 */
extern void case_key_of_tuple(const Protection *protection, Relation relation,
							  HeapTuple tuple, bool of_link, CaseKey *key);
/*
 * The key from a SQL argument of type "any": a value of the key column's type
 * or of one that casts to it by text, or for several columns a row or an array.
 * Errors: 22023 for a wrong count, 22004 for a null, the type's own for bad text.
 */
extern void case_key_of_argument(FunctionCallInfo fcinfo, int argument,
								 const Protection *protection, CaseKey *key);

/*
 * Look for the case as the caller, whom row security binds: SELECT list FROM cases
 * AS found.  SPI must be connected; what list says is in SPI_tuptable.  False where
 * he sees none.
 */
extern bool find_case_as_caller(const Protection *protection, const CaseKey *key,
								const char *list, bool read_only);

/*
 * Run a kept plan as the owner of the protected tables, as foreign keys do: row
 * security neither hides a row nor lets one through.  The first form reads with
 * the latest snapshot.  SPI must be connected; leaves SPI_tuptable to the caller.
 */
extern int protection_execute(Protection *protection, ProtectionPlan plan, Datum *values,
							  const char *nulls, bool read_only);
extern int
protection_execute_as_of(Protection *protection, ProtectionPlan plan, Datum *values,
						 const char *nulls, Snapshot snapshot, bool read_only);

/* Who acts, as text: the actor function's word, the setting, or the user. */
extern char *acting_person(const Protection *protection);

#endif /* GOVCASE_ATTACH_H */
