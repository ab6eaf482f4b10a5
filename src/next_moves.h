/*
 * next_moves.h
 *		Moves, needs and invariants in words, and what a case may do next.
 */
#ifndef GOVCASE_NEXT_MOVES_H
#define GOVCASE_NEXT_MOVES_H

#include "govcase.h"

#include "transition.h"

/* "(handling, red)" */
extern char *pair_in_words(int pair);
/* "go to fed_back", "go down to yellow", "go to handling and up to red" */
extern char *step_in_words(int from_pair, int to_pair);
/* "a mediation is on the chain since its risk last changed" */
extern char *
need_in_words(const Protection *protection, const Policy *policy, const PolicyNeed *need);
/* "column \"leader\" is set" */
extern char *invariant_in_words(const Protection *protection, const Policy *policy,
								const PolicyInvariant *invariant);
/* The strings of a list with " and " (or another word) between. */
extern char *join_words(List *words, const char *between);
/*
 * What a case may do from its pair and what each move still needs, as one
 * HINT.  move->old_row is the row; move->from_pair its pair.
 */
extern char *next_moves_hint(const CaseMove *move);
/* In which pairs a case may be registered, as one HINT. */
extern char *registration_hint(const Policy *policy);

#endif /* GOVCASE_NEXT_MOVES_H */
