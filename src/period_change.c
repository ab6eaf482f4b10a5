/*
 * period_change.c
 *		How a figure changed against the same period a year, a month or any
 *		while before (同比, 环比): the transition functions of the aggregates
 *		year_on_year, month_on_month, period_change and period_summary.
 *
 * Their state is a period_comparison, so that it can leave the server as a
 * partial result or be stored and rolled up.
 */
#include "period_comparison.h"

#include "utils/builtins.h"

/* What an aggregate's arguments are; AMOUNT_INTEGER comes in three widths. */
typedef enum AmountType
{
	TYPE_NONE,
	TYPE_INT2,
	TYPE_INT4,
	TYPE_INT8,
	TYPE_NUMERIC,
	TYPE_FLOAT8
} AmountType;

typedef enum TimeType
{
	TYPE_DATE,
	TYPE_TIMESTAMP,
	TYPE_TIMESTAMPTZ
} TimeType;

typedef enum BackKind
{
	BACK_YEAR,
	BACK_MONTH,
	BACK_GIVEN
} BackKind;

/* Is the day in the range?  One comparison: days before it wrap around. */
static inline bool
day_in_range(DateADT day, const DayRange *range)
{
	return (uint32) day - (uint32) range->lower <
		   (uint32) range->upper - (uint32) range->lower;
}

/* In which of both periods, as a set of two bits. */
#define IN_CURRENT  1
#define IN_PREVIOUS 2

static inline int
places_of_day(DateADT day, const PeriodComparison *comparison)
{
	return (day_in_range(day, &comparison->period) ? IN_CURRENT : 0) |
		   (day_in_range(day, &comparison->earlier) ? IN_PREVIOUS : 0);
}

static inline DateADT
day_of_timestamp(Timestamp time)
{
	DateADT day;

	if (unlikely(TIMESTAMP_NOT_FINITE(time)))
		return TIMESTAMP_IS_NOBEGIN(time) ? DATEVAL_NOBEGIN : DATEVAL_NOEND;
	day = (DateADT) (time / USECS_PER_DAY);
	return time % USECS_PER_DAY < 0 ? day - 1 : day;
}

static inline int
places_of_argument(FunctionCallInfo fcinfo, TimeType time,
				   const PeriodComparison *comparison)
{
	DateADT day;
	int places;

	switch (time)
	{
		case TYPE_DATE:
			return places_of_day(PG_GETARG_DATEADT(1), comparison);
		case TYPE_TIMESTAMP:
			return places_of_day(day_of_timestamp(PG_GETARG_TIMESTAMP(1)), comparison);
		case TYPE_TIMESTAMPTZ:
			day = day_of_timestamp(PG_GETARG_TIMESTAMPTZ(1));
			if (DATE_NOT_FINITE(day))
				return 0;

			/*
			 * No zone is a day away from UTC, so where the days around agree,
			 * the zone need not be asked.
			 */
			places = places_of_day(day, comparison);
			if (likely(places == places_of_day(day - 1, comparison) &&
					   places == places_of_day(day + 1, comparison)))
				return places;
			day = DatumGetDateADT(
				DirectFunctionCall1(timestamptz_date, PG_GETARG_DATUM(1)));
			return places_of_day(day, comparison);
	}
	return 0;
}

static Back
back_argument(FunctionCallInfo fcinfo, BackKind kind)
{
	Back back = {0, 0};

	if (kind == BACK_YEAR)
		back.months = MONTHS_PER_YEAR;
	else if (kind == BACK_MONTH)
		back.months = 1;
	else if (PG_ARGISNULL(3))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("back must not be null")));
	else
		back = back_from_interval(PG_GETARG_INTERVAL_P(3));
	return back;
}

static inline bool
is_back_argument(FunctionCallInfo fcinfo, BackKind kind, const Back *back)
{
	const Interval *interval;

	if (kind != BACK_GIVEN)
		return back->days == 0 && back->months == (kind == BACK_YEAR ? 12 : 1);
	if (PG_ARGISNULL(3))
		return false;
	interval = PG_GETARG_INTERVAL_P(3);
	return interval->month == back->months && interval->day == back->days &&
		   interval->time == 0;
}

static DayRange
period_argument(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(2))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("period must not be null")));
	return day_range_from_datum(PG_GETARG_DATUM(2));
}

/* The state of a group's first row. */
static PeriodComparison *
first_state(FunctionCallInfo fcinfo, BackKind back_kind, AmountKind amount)
{
	DayRange period = period_argument(fcinfo);
	Back back = back_argument(fcinfo, back_kind);
	DayRange earlier;

	find_earlier_range(&period, &back, &earlier);
	return new_comparison(amount, &period, &back, &earlier);
}

/* Say why a row cannot join the state, if it cannot. */
static void
check_row(FunctionCallInfo fcinfo, BackKind back_kind, AmountKind amount,
		  const PeriodComparison *state)
{
	DayRange period = period_argument(fcinfo);
	Back back = back_argument(fcinfo, back_kind);

	if (state->amount != amount)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("different amounts within one group"),
						errdetail("The group adds up amounts of kind %s, this row has "
								  "one of kind %s.",
								  amount_label(state->amount), amount_label(amount))));
	if (memcmp(&state->period, &period, sizeof(DayRange)) != 0 ||
		memcmp(&state->back, &back, sizeof(Back)) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("different periods within one group"),
				 errdetail("The group has %s and %s back, this row %s and %s back.",
						   day_range_text(&state->period), back_text(&state->back),
						   day_range_text(&period), back_text(&back)),
				 errhint("Give one period, or group by the period.")));
}

static inline WideInteger
integer_argument(FunctionCallInfo fcinfo, AmountType type)
{
	int last = PG_NARGS() - 1;

	switch (type)
	{
		case TYPE_INT2:
			return wide_from_int64(PG_GETARG_INT16(last));
		case TYPE_INT4:
			return wide_from_int64(PG_GETARG_INT32(last));
		case TYPE_INT8:
			return wide_from_int64(PG_GETARG_INT64(last));
		default:
			return wide_from_int64(1);
	}
}

static inline AmountKind
kind_of_type(AmountType type)
{
	switch (type)
	{
		case TYPE_NONE:
			return AMOUNT_COUNT;
		case TYPE_INT2:
		case TYPE_INT4:
		case TYPE_INT8:
			return AMOUNT_INTEGER;
		case TYPE_NUMERIC:
			return AMOUNT_NUMERIC;
		case TYPE_FLOAT8:
			break;
	}
	return AMOUNT_FLOAT8;
}

/*
 * The transition functions: (state, time, period [, back] [, amount]) → state.
 *
 * Called on NULLs, because a NULL period is an error, while a NULL time or
 * amount is a row to skip.  A state owned by an aggregate is changed in place; a
 * new one is left in the caller's context, for the executor copies it.
 */
static pg_attribute_always_inline Datum
accumulate(FunctionCallInfo fcinfo, BackKind back_kind, TimeType time, AmountType type)
{
	AmountKind amount = kind_of_type(type);
	int last = PG_NARGS() - 1;
	PeriodComparison *state;
	int places;

	if (unlikely(PG_ARGISNULL(0)))
		state = first_state(fcinfo, back_kind, amount);
	else
	{
		state = comparison_argument(fcinfo, 0);
		if (unlikely(PG_ARGISNULL(2) || state->amount != amount ||
					 !datum_is_day_range(PG_GETARG_DATUM(2), &state->period) ||
					 !is_back_argument(fcinfo, back_kind, &state->back)))
			check_row(fcinfo, back_kind, amount, state);
		if (unlikely(!AggCheckCallContext(fcinfo, NULL)))
			state = copy_comparison(state);
	}
	if (PG_ARGISNULL(1) || (type != TYPE_NONE && PG_ARGISNULL(last)))
		PG_RETURN_PERIOD_COMPARISON_P(state);

	places = places_of_argument(fcinfo, time, state);
	if (type == TYPE_NONE)
	{
		/* without a branch, for which rows fall in a period nobody can guess */
		uint64 current = state->totals.integer[CURRENT].low += places & IN_CURRENT;
		uint64 previous = state->totals.integer[PREVIOUS].low += places / IN_PREVIOUS;

		if (unlikely((current | previous) > PG_INT64_MAX))
			total_out_of_range();
	}
	else if (places == 0)
		;
	else if (type == TYPE_NUMERIC)
	{
		Numeric x = PG_GETARG_NUMERIC(last);
		Numeric current = numeric_total(state, CURRENT);
		Numeric previous = numeric_total(state, PREVIOUS);

		state = with_numeric_totals(
			state, places & IN_CURRENT ? numeric_plus(current, x) : current,
			places & IN_PREVIOUS ? numeric_plus(previous, x) : previous);
	}
	else if (type == TYPE_FLOAT8)
	{
		if (places & IN_CURRENT)
			float8_add(&state->totals.float8[CURRENT], PG_GETARG_FLOAT8(last));
		if (places & IN_PREVIOUS)
			float8_add(&state->totals.float8[PREVIOUS], PG_GETARG_FLOAT8(last));
	}
	else
	{
		WideInteger x = integer_argument(fcinfo, type);

		if ((places & IN_CURRENT && !wide_add(&state->totals.integer[CURRENT], x)) ||
			(places & IN_PREVIOUS && !wide_add(&state->totals.integer[PREVIOUS], x)))
			total_out_of_range();
	}
	PG_RETURN_PERIOD_COMPARISON_P(state);
}

/*
 * The inverse transition functions, for moving windows.  The period needs no
 * look here: it was compared when the row came in.  Returns NULL, whereupon the
 * executor starts the frame again, where a total is or was not finite.
 */
static pg_attribute_always_inline Datum
remove_row(FunctionCallInfo fcinfo, TimeType time, AmountType type)
{
	int last = PG_NARGS() - 1;
	PeriodComparison *state;
	int places;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	state = comparison_argument(fcinfo, 0);
	if (state->amount != kind_of_type(type))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("different amounts within one group")));
	if (!AggCheckCallContext(fcinfo, NULL))
		state = copy_comparison(state);
	if (PG_ARGISNULL(1) || (type != TYPE_NONE && PG_ARGISNULL(last)))
		PG_RETURN_PERIOD_COMPARISON_P(state);

	places = places_of_argument(fcinfo, time, state);
	if (places == 0)
		;
	else if (type == TYPE_NUMERIC)
	{
		Numeric x = PG_GETARG_NUMERIC(last);
		Numeric current = numeric_total(state, CURRENT);
		Numeric previous = numeric_total(state, PREVIOUS);

		if (places & IN_CURRENT)
			current = numeric_minus(current, x);
		if (places & IN_PREVIOUS)
			previous = numeric_minus(previous, x);
		if (numeric_is_nan(current) || numeric_is_nan(previous))
			PG_RETURN_NULL();
		state = with_numeric_totals(state, current, previous);
	}
	else if (type == TYPE_FLOAT8)
	{
		float8 x = PG_GETARG_FLOAT8(last);

		if ((places & IN_CURRENT && !float8_remove(&state->totals.float8[CURRENT], x)) ||
			(places & IN_PREVIOUS && !float8_remove(&state->totals.float8[PREVIOUS], x)))
			PG_RETURN_NULL();
	}
	else
	{
		WideInteger x = integer_argument(fcinfo, type);

		if ((places & IN_CURRENT && !wide_subtract(&state->totals.integer[CURRENT], x)) ||
			(places & IN_PREVIOUS &&
			 !wide_subtract(&state->totals.integer[PREVIOUS], x)) ||
			!totals_are_sound(state))
			total_out_of_range();
	}
	PG_RETURN_PERIOD_COMPARISON_P(state);
}

/*
 * One function for each kind of back, time and amount, so that a row costs no
 * decision that the signature has already made.
 */
#define ACCUMULATE(back, BACK, time, TIME, amount, AMOUNT) \
	PG_FUNCTION_INFO_V1(accumulate_##back##_##time##_##amount); \
	Datum accumulate_##back##_##time##_##amount(PG_FUNCTION_ARGS) \
	{ \
		return accumulate(fcinfo, BACK, TIME, AMOUNT); \
	}

#define REMOVE(time, TIME, amount, AMOUNT) \
	PG_FUNCTION_INFO_V1(remove_##time##_##amount); \
	Datum remove_##time##_##amount(PG_FUNCTION_ARGS) \
	{ \
		return remove_row(fcinfo, TIME, AMOUNT); \
	}

#define FOR_TIME_AND_AMOUNT(time, TIME, amount, AMOUNT) \
	ACCUMULATE(year, BACK_YEAR, time, TIME, amount, AMOUNT) \
	ACCUMULATE(month, BACK_MONTH, time, TIME, amount, AMOUNT) \
	ACCUMULATE(given, BACK_GIVEN, time, TIME, amount, AMOUNT) \
	REMOVE(time, TIME, amount, AMOUNT)

#define FOR_TIME(time, TIME) \
	FOR_TIME_AND_AMOUNT(time, TIME, rows, TYPE_NONE) \
	FOR_TIME_AND_AMOUNT(time, TIME, int2, TYPE_INT2) \
	FOR_TIME_AND_AMOUNT(time, TIME, int4, TYPE_INT4) \
	FOR_TIME_AND_AMOUNT(time, TIME, int8, TYPE_INT8) \
	FOR_TIME_AND_AMOUNT(time, TIME, numeric, TYPE_NUMERIC) \
	FOR_TIME_AND_AMOUNT(time, TIME, float8, TYPE_FLOAT8)

/* clang-format off */
FOR_TIME(date, TYPE_DATE)
FOR_TIME(timestamp, TYPE_TIMESTAMP)
FOR_TIME(timestamptz, TYPE_TIMESTAMPTZ)
/* clang-format on */
