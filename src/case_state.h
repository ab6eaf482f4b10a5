/*
 * case_state.h
 *		The type case_state, one byte, as other rooms see it.
 */
#ifndef GOVCASE_CASE_STATE_H
#define GOVCASE_CASE_STATE_H

#include "govcase.h"

/* On-disk codes, spaced like those of risk_level.  The code is the order. */
typedef uint8 CaseState;

#define STATE_COLLECTED   10
#define STATE_ASSIGNED    20
#define STATE_HANDLING    30
#define STATE_SUPERVISED  40
#define STATE_FED_BACK    50
#define STATE_ASSESSED    60
#define STATE_CLOSED      70
#define STATE_TRANSFERRED 80
#define STATE_VOIDED      90
#define CASE_STATE_COUNT  9

#define DatumGetCaseState(X)    DatumGetUInt8(X)
#define CaseStateGetDatum(X)    UInt8GetDatum(X)
#define PG_GETARG_CASE_STATE(n) DatumGetCaseState(PG_GETARG_DATUM(n))
#define PG_RETURN_CASE_STATE(x) return CaseStateGetDatum(x)

/* Place of a code in the ascending list (0 is collected), -1 where it is no code. */
extern int case_state_index(uint8 code);
/* Code at a place of the ascending list; the caller keeps to 0 … COUNT - 1. */
extern CaseState case_state_at(int index);
/* English label of a valid code, a constant string. */
extern const char *case_state_label(CaseState state);
/* Parse an English (any case) or Chinese label; false where it is none. */
extern bool case_state_parse(const char *text, CaseState *state);

/* The four predicates of design section 3. */
static inline bool
case_state_is_open(CaseState state)
{
	return state <= STATE_FED_BACK;
}

static inline bool
case_state_is_resolved(CaseState state)
{
	return state == STATE_ASSESSED || state == STATE_CLOSED;
}

static inline bool
case_state_is_handled(CaseState state)
{
	return case_state_is_resolved(state) || state == STATE_TRANSFERRED;
}

static inline bool
case_state_is_final(CaseState state)
{
	return state == STATE_VOIDED;
}

#endif /* GOVCASE_CASE_STATE_H */
