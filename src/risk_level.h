/*
 * risk_level.h
 *		The type risk_level, one byte, as other rooms see it.
 */
#ifndef GOVCASE_RISK_LEVEL_H
#define GOVCASE_RISK_LEVEL_H

#include "govcase.h"

/*
 * On-disk codes.  They are spaced so that a later version can add a value
 * between two without rewriting tables.  The code is the order.
 */
typedef uint8 RiskLevel;

#define RISK_BLUE        10
#define RISK_YELLOW      20
#define RISK_ORANGE      25
#define RISK_RED         30
#define RISK_LEVEL_COUNT 4

#define DatumGetRiskLevel(X)    DatumGetUInt8(X)
#define RiskLevelGetDatum(X)    UInt8GetDatum(X)
#define PG_GETARG_RISK_LEVEL(n) DatumGetRiskLevel(PG_GETARG_DATUM(n))
#define PG_RETURN_RISK_LEVEL(x) return RiskLevelGetDatum(x)

/* Place of a code in the ascending list (0 is blue), -1 where it is no code. */
extern int risk_level_index(uint8 code);
/* Code at a place of the ascending list; the caller keeps to 0 … COUNT - 1. */
extern RiskLevel risk_level_at(int index);
/* English label of a valid code, a constant string. */
extern const char *risk_level_label(RiskLevel risk);
/* Parse an English (any case) or Chinese label; false where it is none. */
extern bool risk_level_parse(const char *text, RiskLevel *risk);

#endif /* GOVCASE_RISK_LEVEL_H */
