/*
 * period_comparison.h
 *		The type period_comparison, as the aggregates that fill it see it.
 */
#ifndef GOVCASE_PERIOD_COMPARISON_H
#define GOVCASE_PERIOD_COMPARISON_H

#include "govcase.h"

#include <math.h>

#include "utils/date.h"
#include "utils/float.h"
#include "utils/numeric.h"
#include "utils/rangetypes.h"
#include "utils/timestamp.h"

#define PERIOD_COMPARISON_VERSION 1

/* What is added up; on disk. */
typedef enum AmountKind
{
	AMOUNT_COUNT = 1, /* rows */
	AMOUNT_INTEGER,
	AMOUNT_NUMERIC,
	AMOUNT_FLOAT8
} AmountKind;

/* The label of a kind, a constant string. */
extern const char *amount_label(AmountKind amount);

/* A two's complement number of 128 bits. */
typedef struct WideInteger
{
	int64 high;
	uint64 low;
} WideInteger;

typedef struct CompensatedSum
{
	float8 sum;
	float8 compensation; /* 0 where the sum is not finite */
} CompensatedSum;

/* Days from lower to the one before upper. */
typedef struct DayRange
{
	DateADT lower;
	DateADT upper;
} DayRange;

/* How far back: positive, of whole months and days. */
typedef struct Back
{
	int32 months;
	int32 days;
} Back;

/* Places in the totals. */
#define CURRENT  0
#define PREVIOUS 1

/* The layout is told in period_comparison.c. */
typedef struct PeriodComparison
{
	int32 vl_len_;
	uint8 version;
	uint8 amount;
	uint16 unused;
	DayRange period;
	Back back;
	DayRange earlier;
	union
	{
		WideInteger integer[2];
		CompensatedSum float8[2];
	} totals;
} PeriodComparison;

#define PG_RETURN_PERIOD_COMPARISON_P(x) PG_RETURN_POINTER(x)

/* A comparison with totals of nothing. */
extern PeriodComparison *new_comparison(AmountKind amount, const DayRange *period,
										const Back *back, const DayRange *earlier);
extern PeriodComparison *copy_comparison(const PeriodComparison *comparison);
/* Do the totals of a count or a float8 comparison look as they can? */
extern bool totals_are_sound(const PeriodComparison *comparison);
/* Raises 22003. */
extern void total_out_of_range(void);
/* Raises XX001 for a layout that we do not know. */
extern void check_comparison_layout(const PeriodComparison *comparison);

/* One of a numeric comparison's totals; points into it. */
extern Numeric numeric_total(const PeriodComparison *comparison, int place);
/* A comparison like this one, with other numeric totals. */
extern PeriodComparison *
with_numeric_totals(const PeriodComparison *like, Numeric current, Numeric previous);
extern Numeric numeric_plus(Numeric a, Numeric b);
extern Numeric numeric_minus(Numeric a, Numeric b);

/* A daterange as days; 22023 where it cannot be compared with an earlier one. */
extern DayRange day_range_from_datum(Datum datum);
/* An interval as months and days; 22023 where it is not positive and whole. */
extern Back back_from_interval(const Interval *interval);
/* The rule of the earlier period; 22008 where the calendar ends before. */
extern void
find_earlier_range(const DayRange *range, const Back *back, DayRange *earlier);
/* Both for people: "[2021-01-01,2022-01-01)" and "P12M". */
extern char *day_range_text(const DayRange *range);
extern char *back_text(const Back *back);

/* An argument in full length and aligned, its layout checked. */
static inline PeriodComparison *
comparison_argument(FunctionCallInfo fcinfo, int argument)
{
	PeriodComparison *comparison = (PeriodComparison *) PG_GETARG_POINTER(argument);

	if (unlikely(VARATT_IS_EXTENDED(comparison)))
		comparison = (PeriodComparison *) PG_DETOAST_DATUM(PG_GETARG_DATUM(argument));
	if (unlikely(comparison->version != PERIOD_COMPARISON_VERSION ||
				 comparison->unused != 0))
		check_comparison_layout(comparison);
	return comparison;
}

/*
 * A daterange's bytes after its length word: type, lower, upper, flags, with no
 * gap between them, whichever length word it has.
 */
#define DATERANGE_BYTES (sizeof(Oid) + sizeof(DayRange) + 1)
#define DATERANGE_DAYS  sizeof(Oid)
#define DATERANGE_FLAGS (sizeof(Oid) + sizeof(DayRange))

/* Is it this period?  Asked once a row: compares bytes, unpacks nothing. */
static inline bool
datum_is_day_range(Datum datum, const DayRange *range)
{
	struct varlena *value = (struct varlena *) DatumGetPointer(datum);
	const char *bytes;

	if (VARSIZE_ANY_EXHDR(value) != DATERANGE_BYTES)
		return false;
	bytes = VARDATA_ANY(value);
	return memcmp(bytes + DATERANGE_DAYS, range, sizeof(DayRange)) == 0 &&
		   bytes[DATERANGE_FLAGS] == RANGE_LB_INC;
}

/* Sums of 128 bits; false where the result does not fit. */
static inline bool
wide_add(WideInteger *total, WideInteger x)
{
	uint64 low = total->low + x.low;
	int64 high = (int64) ((uint64) total->high + (uint64) x.high + (low < x.low));
	bool fits = ((total->high ^ x.high) < 0) || ((total->high ^ high) >= 0);

	total->low = low;
	total->high = high;
	return fits;
}

static inline bool
wide_subtract(WideInteger *total, WideInteger x)
{
	uint64 low = total->low - x.low;
	int64 high = (int64) ((uint64) total->high - (uint64) x.high - (total->low < x.low));
	bool fits = ((total->high ^ x.high) >= 0) || ((total->high ^ high) >= 0);

	total->low = low;
	total->high = high;
	return fits;
}

static inline WideInteger
wide_from_int64(int64 value)
{
	WideInteger wide = {value < 0 ? -1 : 0, (uint64) value};

	return wide;
}

/*
 * Add to a float8 sum in the manner of Neumaier: whichever of the two numbers
 * is smaller loses digits, which the compensation keeps.  22003 where finite
 * numbers overflow, as sum(float8) has it.
 */
static inline void
float8_add(CompensatedSum *total, float8 x)
{
	float8 sum = total->sum + x;

	if (unlikely(!isfinite(sum)))
	{
		if (isinf(sum) && isfinite(total->sum) && isfinite(x))
			float_overflow_error();
		total->compensation = 0;
	}
	else if (fabs(total->sum) >= fabs(x))
		total->compensation += (total->sum - sum) + x;
	else
		total->compensation += (x - sum) + total->sum;
	total->sum = sum;
}

/*
 * Take an amount from a float8 total; false where only starting again can tell,
 * because infinity minus infinity says nothing.
 */
static inline bool
float8_remove(CompensatedSum *total, float8 x)
{
	if (!isfinite(x) || !isfinite(total->sum))
		return false;
	float8_add(total, -x);
	return true;
}

#endif /* GOVCASE_PERIOD_COMPARISON_H */
