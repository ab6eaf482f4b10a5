/*
 * transition.h
 *		What the row triggers on cases offer to the other rooms.
 */
#ifndef GOVCASE_TRANSITION_H
#define GOVCASE_TRANSITION_H

#include "govcase.h"

#include "attach.h"

/*
 * Register a case whose AFTER INSERT trigger has not fired yet: a data-modifying
 * WITH creates the case and its first link in one statement.  Checks the row as
 * the trigger would and writes the registration link; the trigger then finds it.
 * The caller holds the lock on the case.
 */
extern void register_case_early(Protection *protection, const CaseKey *key);

#endif							/* GOVCASE_TRANSITION_H */
