/*
 * check_policy.h
 *		The model checker: what is wrong with a policy before it is in force.
 */
#ifndef GOVCASE_CHECK_POLICY_H
#define GOVCASE_CHECK_POLICY_H

#include "govcase.h"

#include "nodes/pg_list.h"

#include "policy.h"

typedef struct PolicyProblem
{
	const char *kind;   /* a constant word, such as "broken promise" */
	const char *detail; /* a sentence for people */
	char *path;         /* the offending path, or NULL where there is none */
	bool fatal;         /* the policy must not come into force like this */
} PolicyProblem;

/*
 * Explores the policy's pairs.  Returns a List of PolicyProblem *, in a fixed
 * order, NIL for a sound policy; all in the current memory context.  Raises
 * nothing.  The policy is one that policy_load_working_copy() or
 * policy_in_force() returned: compiled.
 */
extern List *check_policy_problems(const Policy *policy);

#endif /* GOVCASE_CHECK_POLICY_H */
