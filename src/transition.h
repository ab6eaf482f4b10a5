/*
 * transition.h
 *		What the row triggers on cases offer to the other rooms.
 */
#ifndef GOVCASE_TRANSITION_H
#define GOVCASE_TRANSITION_H

#include "govcase.h"

#include "access/htup.h"
#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"

#include "attach.h"

/* A case on its way from one row to another, as needs and invariants see it. */
typedef struct CaseMove
{
	Protection *protection;
	const Policy *policy;
	Relation relation;  /* whose columns both tuples have */
	HeapTuple old_row;  /* NULL at registration */
	HeapTuple new_row;  /* the row itself where only asking what it may do */
	HeapTuple deformed; /* the one whose columns are in values and nulls */
	Datum *values;
	bool *nulls;
	const Bitmapset *updated; /* columns named in SET, offset as in TriggerData */
	CaseKey key;
	int from_pair; /* -1 at registration */
	int to_pair;
	bool asking;     /* nothing was given yet: given() is unmet */
	char *actor;     /* who acts; NULL: not asked yet */
	bool chain_read; /* the three below are filled */
	Link *links;     /* newest first, as far back as the policy looks */
	int nlinks;
	const Link *outcome; /* newest that tells a pair; NULL: no chain */
} CaseMove;

/* Pair of a row of the move; one colour where the table has no risk. */
extern int case_pair(const CaseMove *move, HeapTuple row);
/* Fill links and outcome. Does nothing where there is no chain, or twice. */
extern void read_case_chain(CaseMove *move);
/* Needs of the alternative that are not met, in words; NIL: it is open. */
extern List *unmet_needs(CaseMove *move, const PolicyMove *alternative);
/* Invariants that the new row would break in to_pair, in words. */
extern List *broken_invariants(CaseMove *move);

/*
 * Register a case whose AFTER INSERT trigger has not fired yet: a data-modifying
 * WITH creates the case and its first link in one statement.  Checks the row as
 * the trigger would and writes the registration link; the trigger then finds it.
 * The caller holds the lock on the case.
 */
extern void register_case_early(Protection *protection, const CaseKey *key);

#endif /* GOVCASE_TRANSITION_H */
