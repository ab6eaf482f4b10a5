/*
 * policy.h
 *		Rules as data: a policy read into memory, and the version in force.
 *
 * A pair is a (state, risk).  There are CASE_STATE_COUNT * RISK_LEVEL_COUNT of
 * them, few enough for a set of pairs to be one 64-bit word.
 */
#ifndef GOVCASE_POLICY_H
#define GOVCASE_POLICY_H

#include "govcase.h"

#include "datatype/timestamp.h"
#include "nodes/bitmapset.h"

#include "case_state.h"
#include "follow_up.h"
#include "risk_level.h"

typedef uint16 StateSet; /* bit case_state_index(state) */
typedef uint8 RiskSet;   /* bit risk_level_index(risk) */
typedef uint64 PairSet;  /* bit pair_index(state, risk) */

#define PAIR_COUNT (CASE_STATE_COUNT * RISK_LEVEL_COUNT)
#define ALL_STATES ((StateSet) ((1 << CASE_STATE_COUNT) - 1))

static inline int
pair_index(CaseState state, RiskLevel risk)
{
	return case_state_index(state) * RISK_LEVEL_COUNT + risk_level_index(risk);
}

static inline CaseState
pair_state(int pair)
{
	return case_state_at(pair / RISK_LEVEL_COUNT);
}

static inline RiskLevel
pair_risk(int pair)
{
	return risk_level_at(pair % RISK_LEVEL_COUNT);
}

static inline bool
state_in(StateSet set, CaseState state)
{
	return (set & (1 << case_state_index(state))) != 0;
}

static inline bool
risk_in(RiskSet set, RiskLevel risk)
{
	return (set & (1 << risk_level_index(risk))) != 0;
}

/* The same of the state and the risk of a pair. */
static inline bool
pair_state_in(StateSet set, int pair)
{
	return (set & (1 << (pair / RISK_LEVEL_COUNT))) != 0;
}

static inline bool
pair_risk_in(RiskSet set, int pair)
{
	return (set & (1 << (pair % RISK_LEVEL_COUNT))) != 0;
}

static inline bool
pair_in(PairSet set, int pair)
{
	return (set & (UINT64CONST(1) << pair)) != 0;
}

#define NO_ROLE (-1) /* where a role number is optional */

typedef enum RoleKind
{
	ROLE_PERSON,
	ROLE_FLAG,
	ROLE_COUNT,
	ROLE_TEXT,
	ROLE_TIME
} RoleKind;

typedef struct PolicyRole
{
	char *name;
	RoleKind kind;
} PolicyRole;

typedef enum NeedKind
{
	NEED_GIVEN, /* role is not null, and new or named in SET */
	NEED_ZERO,  /* role is null or 0 */
	NEED_OTHER, /* the acting person is not the one in role */
	NEED_LINK   /* the chain has such a link since a point */
} NeedKind;

typedef enum NeedSince
{
	SINCE_REGISTRATION,
	SINCE_RISK,  /* since the risk last changed */
	SINCE_STATES /* since the case came into since_states */
} NeedSince;

typedef struct PolicyNeed
{
	char *name;
	NeedKind kind;
	int role;               /* of GIVEN, ZERO, OTHER, else NO_ROLE */
	LinkKindSet link_kinds; /* of LINK: any of these kinds will do */
	NeedSince since;        /* of LINK */
	StateSet since_states;  /* of LINK with SINCE_STATES */
	int by_other;           /* of LINK: role whose person may not be its actor */
	bool satisfied;         /* of LINK: with the parties content */
	bool has_after;
	Interval after; /* of LINK: recorded at least so long after */
} PolicyNeed;

typedef enum RiskChange
{
	RISK_CHANGE_SAME,
	RISK_CHANGE_UP,
	RISK_CHANGE_DOWN,
	RISK_CHANGE_ANY
} RiskChange;

typedef struct PolicyMove
{
	char *name;
	bool at_insert; /* from_states is NULL */
	StateSet from_states;
	bool keeps_state; /* to_state is NULL; never at INSERT */
	CaseState to_state;
	RiskSet from_risks; /* NULL: all of the policy's; unused at INSERT */
	RiskSet to_risks;   /* NULL: all of the policy's */
	RiskChange risk;    /* unused at INSERT */
	int nneeds;
	PolicyNeed *needs;
} PolicyMove;

typedef enum InvariantKind
{
	INVARIANT_SET,      /* role is not null */
	INVARIANT_DISTINCT, /* role and role2 are not the same; null passes */
	INVARIANT_KEPT      /* role, once set, is not cleared */
} InvariantKind;

typedef struct PolicyInvariant
{
	int number;
	StateSet states;
	RiskSet risks;
	InvariantKind kind;
	int role;
	int role2;   /* of DISTINCT, else NO_ROLE */
	int if_role; /* flag that must be true, or NO_ROLE */
} PolicyInvariant;

typedef enum PromiseKind
{
	PROMISE_NEVER,         /* no single move goes from … to … */
	PROMISE_PASSES,        /* every path from … to … passes via … */
	PROMISE_NEEDS_LINK,    /* every path from … to … needs a link_kind */
	PROMISE_ENDS_REACHABLE /* from every reachable pair an end is reached */
} PromiseKind;

typedef struct PolicyPromise
{
	int number;
	PromiseKind kind;
	StateSet from_states; /* NULL in the table: all, here as in the others */
	RiskSet from_risks;
	StateSet to_states;
	RiskSet to_risks;
	StateSet via_states;
	RiskSet via_risks;
	LinkKind link_kind; /* of NEEDS_LINK */
} PolicyPromise;

typedef enum TermKind
{
	TERM_STAY,   /* at most so long in the state */
	TERM_CONTACT /* at most so long without a contact */
} TermKind;

typedef struct PolicyTerm
{
	int number;
	TermKind kind;
	StateSet states;
	RiskSet risks;
	Interval within;
} PolicyTerm;

typedef struct Policy
{
	char *name;
	int32 version; /* 0 for a working copy */
	RiskSet risks;
	int nroles;
	PolicyRole *roles;
	int nmoves;
	PolicyMove *moves;
	int ninvariants;
	PolicyInvariant *invariants;
	int npromises;
	PolicyPromise *promises;
	int nterms;
	PolicyTerm *terms;

	/* Compiled from the above by policy_compile(). */
	PairSet insertable;        /* pairs in which a row may be inserted */
	PairSet legal[PAIR_COUNT]; /* from each pair, the pairs of a legal move */
	PairSet reachable;         /* from the insertable ones by legal moves */
	bool needs_links;          /* some move has a need of kind LINK */

	MemoryContext context; /* all of it lives here */
} Policy;

/* A policy has one colour: its tables need no risk column. */
extern bool policy_is_one_colour(const Policy *policy);
/* That colour; only where policy_is_one_colour(). */
extern RiskLevel policy_only_risk(const Policy *policy);
/* Number of a role by name, NO_ROLE where the policy has none such. */
extern int policy_role(const Policy *policy, const char *name);
/*
 * Does the move lead from one pair to the other?  This is the one place that
 * knows what a row of policy_move means; legal[] is made with it.  A move of an
 * unchanged pair is never one.
 */
extern bool policy_move_allows(const PolicyMove *move, int from_pair, int to_pair);
/* Does the INSERT move admit the pair? */
extern bool policy_move_admits(const PolicyMove *move, int to_pair);
/*
 * Roles whose columns an UPDATE must watch: those that an invariant names.
 * Role numbers.
 */
extern Bitmapset *policy_watched_roles(const Policy *policy);
/*
 * The need for people: "a mediation is on the chain since its risk last
 * changed".  Labels, by role number, stand for the roles' names, such as the
 * columns of a table; NULL, or NULL for a role: its name.
 */
extern char *policy_need_in_words(const Policy *policy, const PolicyNeed *need,
								  const char *const *labels);

/*
 * The working copy, read from the tables with the current snapshot, as the
 * current user, into a new child of parent.  Errors: 42704 where there is no
 * such policy; 22023 where its rows do not make sense (a need names a role that
 * the policy does not have, …), naming the row.
 */
extern Policy *policy_load_working_copy(const char *name, MemoryContext parent);
/*
 * The version in force, from this backend's cache.  Accepts invalidation
 * messages first and reads with the latest snapshot, so that an activation
 * committed by another session is obeyed by the next row (design section 4).
 * Reads as the owner of policy_version: whoever may change a case need not be
 * allowed to read policies.  The result stays allocated until the transaction
 * ends, but may be out of date after the next call that accepts invalidations;
 * callers do not keep it across rows.
 * Errors: 42704 where the policy was never activated.
 */
extern const Policy *policy_in_force(const char *name);

#endif /* GOVCASE_POLICY_H */
