/*
 * period_comparison.c
 *		A figure and the same figure a while before: the type
 *		period_comparison with its sums and accessors, and the rule that says
 *		which period is the earlier one.
 *
 * On disk, version 1 (varlena, aligned as a double):
 *
 *	offset	bytes	what
 *	0		4		length word
 *	4		1		version
 *	5		1		amount: what is added up, an AmountKind
 *	6		2		zero, for a later version's flags
 *	8		8		the period: its first day and the day after its last
 *	16		8		back: months and days
 *	24		8		the earlier period, as the rule derives it from these
 *	32		16		total of the period
 *	48		16		total of the earlier period
 *
 * A total of rows or of integers is a two's complement number of 128 bits, high
 * half first; of float8, the sum and what rounding took from it.  A numeric
 * comparison has, in the place of both, two numerics one after the other, each
 * from a multiple of four bytes.
 *
 * The wire has version, amount, period, back and the totals.  The text names
 * its fields and depends on no setting:
 *
 *	amount=count period=[2021-01-01,2022-01-01) back=P12M current=89 previous=122
 */
#include "period_comparison.h"

#include <ctype.h>

#include "catalog/pg_type.h"
#include "common/int.h"
#include "common/shortest_dec.h"
#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "parser/scansup.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/typcache.h"

static const char *const amount_labels[] = {NULL, "count", "integer", "numeric",
											"float8"};

#define COMPARISON_HEADER_SIZE offsetof(PeriodComparison, totals)

StaticAssertDecl(sizeof(PeriodComparison) == 64, "layout of type period_comparison");

const char *
amount_label(AmountKind amount)
{
	return amount_labels[amount];
}

/* ---------------------------------------------------------------------
 * Totals
 * --------------------------------------------------------------------- */

/* The number without its sign. */
static WideInteger
wide_magnitude(WideInteger value)
{
	WideInteger zero = {0, 0};

	if (value.high >= 0)
		return value;
	(void) wide_subtract(&zero, value); /* the least number's high half is unsigned */
	return zero;
}

static float8
wide_to_float8(WideInteger value)
{
	WideInteger magnitude = wide_magnitude(value);
	float8 result = ldexp((float8) (uint64) magnitude.high, 64) + (float8) magnitude.low;

	return value.high < 0 ? -result : result;
}

static char *
wide_to_text(WideInteger value)
{
	WideInteger magnitude = wide_magnitude(value);
	uint32 limbs[4] = {(uint32) ((uint64) magnitude.high >> 32), (uint32) magnitude.high,
					   (uint32) (magnitude.low >> 32), (uint32) magnitude.low};
	char buffer[48];
	char *cursor = buffer + sizeof(buffer) - 1;
	bool more;

	*cursor = '\0';
	do
	{
		uint64 remainder = 0;

		more = false;
		for (int i = 0; i < 4; i++)
		{
			remainder = remainder << 32 | limbs[i];
			limbs[i] = (uint32) (remainder / 10);
			remainder %= 10;
			more |= limbs[i] != 0;
		}
		*--cursor = (char) ('0' + remainder);
	} while (more);
	if (value.high < 0)
		*--cursor = '-';
	return pstrdup(cursor);
}

/* Parse "-12"; false where the text is no integer or one of more than 128 bits. */
static bool
wide_from_text(const char *text, WideInteger *value)
{
	bool negative = *text == '-';

	value->high = 0;
	value->low = 0;
	if (negative)
		text++;
	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++)
	{
		WideInteger digit = {0, (uint64) (*text - '0')};
		WideInteger times = *value;

		if (!isdigit((unsigned char) *text))
			return false;
		for (int i = 1; i < 10; i++)
		{
			if (!wide_add(value, times))
				return false;
		}
		if (!(negative ? wide_subtract(value, digit) : wide_add(value, digit)))
			return false;
	}
	return true;
}

static float8
float8_total(const CompensatedSum *total)
{
	return total->sum + total->compensation;
}

/* The same number as its nearest float8 and the rest. */
static CompensatedSum
float8_normalized(const CompensatedSum *total)
{
	CompensatedSum result = {float8_total(total), 0};
	float8 part;

	if (isfinite(result.sum))
	{
		part = result.sum - total->sum;
		result.compensation =
			(total->sum - (result.sum - part)) + (total->compensation - part);
	}
	return result;
}

/* False where no sum looks so. */
static bool
float8_is_sound(const CompensatedSum *total)
{
	if (!isfinite(total->sum))
		return total->compensation == 0;
	return isfinite(total->compensation) && isfinite(float8_total(total));
}

static void
append_float8(StringInfo text, float8 value)
{
	char shortest[DOUBLE_SHORTEST_DECIMAL_LEN];

	if (isnan(value))
		appendStringInfoString(text, "NaN");
	else if (isinf(value))
		appendStringInfoString(text, value < 0 ? "-Infinity" : "Infinity");
	else
	{
		double_to_shortest_decimal_buf(value, shortest);
		appendStringInfoString(text, shortest);
	}
}

/* Parse a finite number from the start of text; NULL where there is none. */
static const char *
parse_finite(const char *text, float8 *value)
{
	const char *digits = text + (*text == '-' || *text == '+');
	char *end;

	if (!isdigit((unsigned char) *digits) || digits[1] == 'x' || digits[1] == 'X')
		return NULL;
	*value = strtod(text, &end);
	return isfinite(*value) ? end : NULL;
}

/* Parse "12.5", "12.5+1e-17", "NaN" … */
static bool
float8_from_text(const char *text, CompensatedSum *total)
{
	total->compensation = 0;
	if (strcmp(text, "NaN") == 0)
		total->sum = get_float8_nan();
	else if (strcmp(text, "Infinity") == 0)
		total->sum = get_float8_infinity();
	else if (strcmp(text, "-Infinity") == 0)
		total->sum = -get_float8_infinity();
	else
	{
		if (*text == '+' || (text = parse_finite(text, &total->sum)) == NULL)
			return false;
		if (*text == '+' || *text == '-')
			text = parse_finite(text, &total->compensation);
		return text != NULL && *text == '\0' && float8_is_sound(total);
	}
	return true;
}

/* Is this what numeric_out may print? */
static bool
numeric_text_is_sound(const char *text)
{
	if (*text == '-')
		text++;
	else if (strcmp(text, "NaN") == 0)
		return true;
	if (strcmp(text, "Infinity") == 0)
		return true;
	if (!isdigit((unsigned char) *text))
		return false;
	text += strspn(text, "0123456789");
	if (*text == '.')
	{
		if (!isdigit((unsigned char) *++text))
			return false;
		text += strspn(text, "0123456789");
	}
	return *text == '\0';
}

static Numeric
numeric_from_text(const char *text)
{
	return DatumGetNumeric(DirectFunctionCall3(numeric_in, CStringGetDatum(text),
											   ObjectIdGetDatum(InvalidOid),
											   Int32GetDatum(-1)));
}

/* A numeric comparison's totals. */
Numeric
numeric_total(const PeriodComparison *comparison, int place)
{
	char *first = (char *) comparison + COMPARISON_HEADER_SIZE;

	return (Numeric) (place == CURRENT ? first : first + INTALIGN(VARSIZE(first)));
}

/* A comparison like this one, with other numeric totals. */
PeriodComparison *
with_numeric_totals(const PeriodComparison *like, Numeric current, Numeric previous)
{
	Size size =
		COMPARISON_HEADER_SIZE + INTALIGN(VARSIZE(current)) + INTALIGN(VARSIZE(previous));
	PeriodComparison *comparison = palloc0(size);

	memcpy(comparison, like, COMPARISON_HEADER_SIZE);
	SET_VARSIZE(comparison, size);
	memcpy((char *) comparison + COMPARISON_HEADER_SIZE, current, VARSIZE(current));
	memcpy(numeric_total(comparison, PREVIOUS), previous, VARSIZE(previous));
	return comparison;
}

Numeric
numeric_plus(Numeric a, Numeric b)
{
	return DatumGetNumeric(
		DirectFunctionCall2(numeric_add, NumericGetDatum(a), NumericGetDatum(b)));
}

Numeric
numeric_minus(Numeric a, Numeric b)
{
	return DatumGetNumeric(
		DirectFunctionCall2(numeric_sub, NumericGetDatum(a), NumericGetDatum(b)));
}

/* ---------------------------------------------------------------------
 * Periods
 * --------------------------------------------------------------------- */

static void
day_fields(DateADT day, int *year, int *month, int *day_of_month)
{
	j2date(day + POSTGRES_EPOCH_JDATE, year, month, day_of_month);
}

static bool
day_is_valid(DateADT day)
{
	return !DATE_NOT_FINITE(day) && IS_VALID_DATE(day);
}

/* Parse "2021-01-31" or "0044-03-15 BC", ended by one of the given characters. */
static const char *
parse_day(const char *text, char end, DateADT *day)
{
	int year;
	int month;
	int day_of_month;
	int length = 0;

	if (!isdigit((unsigned char) *text) ||
		sscanf(text, "%8d-%2d-%2d%n", &year, &month, &day_of_month, &length) != 3 ||
		strspn(text, "0123456789-") != (size_t) length || year < 1)
		return NULL;
	text += length;
	if (strncmp(text, " BC", 3) == 0)
	{
		text += 3;
		year = 1 - year;
	}
	if (*text != end || month < 1 || month > MONTHS_PER_YEAR || day_of_month < 1 ||
		day_of_month > day_tab[isleap(year)][month - 1] ||
		!IS_VALID_JULIAN(year, month, day_of_month))
		return NULL;
	*day = date2j(year, month, day_of_month) - POSTGRES_EPOCH_JDATE;
	return day_is_valid(*day) ? text + 1 : NULL;
}

/* ISO, whatever DateStyle says. */
static void
append_day_range(StringInfo text, const DayRange *range)
{
	struct pg_tm tm;
	char day[MAXDATELEN + 1];

	memset(&tm, 0, sizeof(tm));
	for (int i = 0; i < 2; i++)
	{
		day_fields(i == 0 ? range->lower : range->upper, &tm.tm_year, &tm.tm_mon,
				   &tm.tm_mday);
		EncodeDateOnly(&tm, USE_ISO_DATES, day);
		appendStringInfo(text, i == 0 ? "[%s," : "%s)", day);
	}
}

char *
day_range_text(const DayRange *range)
{
	StringInfoData text;

	initStringInfo(&text);
	append_day_range(&text, range);
	return text.data;
}

/* An ISO 8601 duration of months and days. */
static void
append_back(StringInfo text, const Back *back)
{
	appendStringInfoChar(text, 'P');
	if (back->months != 0)
		appendStringInfo(text, "%dM", back->months);
	if (back->days != 0)
		appendStringInfo(text, "%dD", back->days);
}

char *
back_text(const Back *back)
{
	StringInfoData text;

	initStringInfo(&text);
	append_back(&text, back);
	return text.data;
}

/* Parse "P12M", "P30D" or "P1M3D", followed by a blank. */
static const char *
parse_back(const char *text, Back *back)
{
	const char *units = "MD";

	back->months = 0;
	back->days = 0;
	if (*text++ != 'P')
		return NULL;
	while (isdigit((unsigned char) *text))
	{
		int32 number = 0;
		const char *unit;

		for (; isdigit((unsigned char) *text); text++)
		{
			if (pg_mul_s32_overflow(number, 10, &number) ||
				pg_add_s32_overflow(number, *text - '0', &number))
				return NULL;
		}
		unit = *text == '\0' ? NULL : strchr(units, *text++);
		if (unit == NULL)
			return NULL;
		if (*unit == 'M')
			back->months = number;
		else
			back->days = number;
		units = unit + 1;
	}
	return scanner_isspace(*text) ? text : NULL;
}

static bool
back_is_sound(const Back *back)
{
	return back->months >= 0 && back->days >= 0 && (back->months > 0 || back->days > 0);
}

/*
 * Move a day back as PostgreSQL does: months first, to the month's last day
 * where it is shorter, then days.  False where there is no such day.
 */
static bool
move_back(DateADT day, const Back *back, DateADT *moved)
{
	int year;
	int month;
	int day_of_month;
	int64 months;
	int64 result;

	day_fields(day, &year, &month, &day_of_month);
	months = (int64) year * MONTHS_PER_YEAR + (month - 1) - back->months;
	year = (int) (months / MONTHS_PER_YEAR);
	month = (int) (months % MONTHS_PER_YEAR);
	if (month < 0)
	{
		month += MONTHS_PER_YEAR;
		year--;
	}
	month++;
	day_of_month = Min(day_of_month, day_tab[isleap(year)][month - 1]);
	if (!IS_VALID_JULIAN(year, month, day_of_month))
		return false;
	result =
		(int64) date2j(year, month, day_of_month) - POSTGRES_EPOCH_JDATE - back->days;
	if (result < PG_INT32_MIN || !day_is_valid((DateADT) result))
		return false;
	*moved = (DateADT) result;
	return true;
}

/*
 * The rule of the earlier period.  The lower bound moves back.  The upper, if
 * it is the first of a month, moves too, so that whole months stay whole months
 * (1-28 February 2023 against all of February 2024); otherwise the last day
 * inside moves, and the bound is the day after it (moving the bound itself
 * would leave nothing of 30 March a month before).
 */
static bool
move_range_back(const DayRange *range, const Back *back, DayRange *earlier)
{
	int year;
	int month;
	int day_of_month;

	day_fields(range->upper, &year, &month, &day_of_month);
	if (!move_back(range->lower, back, &earlier->lower))
		return false;
	if (day_of_month == 1)
		return move_back(range->upper, back, &earlier->upper);
	if (!move_back(range->upper - 1, back, &earlier->upper))
		return false;
	earlier->upper++;
	return true;
}

/* The same; 22008 where the calendar ends before. */
void
find_earlier_range(const DayRange *range, const Back *back, DayRange *earlier)
{
	if (!move_range_back(range, back, earlier))
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						errmsg("earlier period out of range"),
						errdetail("The period %s moved back by %s is no longer one of "
								  "dates.",
								  day_range_text(range), back_text(back))));
}

static void
refuse_period(const char *reason)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s", reason),
					errhint("Give its first day and the day after its last, as in "
							"daterange('2021-01-01', '2022-01-01').")));
}

/* A daterange as days; 22023 where it cannot be compared with an earlier one. */
DayRange
day_range_from_datum(Datum datum)
{
	TypeCacheEntry *typcache = lookup_type_cache(DATERANGEOID, TYPECACHE_RANGE_INFO);
	RangeBound lower;
	RangeBound upper;
	bool empty;
	DayRange range;

	range_deserialize(typcache, DatumGetRangeTypeP(datum), &lower, &upper, &empty);
	if (empty)
		refuse_period("period must not be empty");
	if (lower.infinite || upper.infinite)
		refuse_period("period must have a lower and an upper bound");
	range.lower = DatumGetDateADT(lower.val);
	range.upper = DatumGetDateADT(upper.val);
	if (DATE_NOT_FINITE(range.lower) || DATE_NOT_FINITE(range.upper))
		refuse_period("period must have finite bounds");
	return range;
}

static Datum
day_range_to_datum(const DayRange *range)
{
	Oid type = DATERANGEOID;
	char *value = palloc0(VARHDRSZ + DATERANGE_BYTES);

	SET_VARSIZE(value, VARHDRSZ + DATERANGE_BYTES);
	memcpy(VARDATA(value), &type, sizeof(Oid));
	memcpy(VARDATA(value) + DATERANGE_DAYS, range, sizeof(DayRange));
	VARDATA(value)[DATERANGE_FLAGS] = RANGE_LB_INC;
	return PointerGetDatum(value);
}

/* An interval as months and days; 22023 where it is not positive and whole. */
Back
back_from_interval(const Interval *interval)
{
	Back back = {interval->month, interval->day};

	if (interval->time != 0 || !back_is_sound(&back))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("back must be a positive interval of whole months and days"),
				 errhint("Give it as in interval '1 year' or interval '7 days'.")));
	return back;
}

/*
 * earlier_period(period daterange, back interval) → daterange: the rule, for
 * WHERE clauses and for checking.  Errors as in the aggregates.
 */
PG_FUNCTION_INFO_V1(earlier_period);
Datum
earlier_period(PG_FUNCTION_ARGS)
{
	DayRange range = day_range_from_datum(PG_GETARG_DATUM(0));
	Back back = back_from_interval(PG_GETARG_INTERVAL_P(1));
	DayRange earlier;

	find_earlier_range(&range, &back, &earlier);
	return day_range_to_datum(&earlier);
}

/* ---------------------------------------------------------------------
 * The type
 * --------------------------------------------------------------------- */

/* A comparison with totals of nothing; back is sound, earlier may be derived. */
PeriodComparison *
new_comparison(AmountKind amount, const DayRange *period, const Back *back,
			   const DayRange *earlier)
{
	PeriodComparison *comparison = palloc0(sizeof(PeriodComparison));

	SET_VARSIZE(comparison, sizeof(PeriodComparison));
	comparison->version = PERIOD_COMPARISON_VERSION;
	comparison->amount = amount;
	comparison->period = *period;
	comparison->back = *back;
	comparison->earlier = *earlier;
	if (amount == AMOUNT_NUMERIC)
	{
		Numeric zero = numeric_from_text("0");

		comparison = with_numeric_totals(comparison, zero, zero);
	}
	return comparison;
}

/* The layout must be one that this library knows. */
void
check_comparison_layout(const PeriodComparison *comparison)
{
	if (comparison->version != PERIOD_COMPARISON_VERSION || comparison->unused != 0)
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
						errmsg("unsupported version of type %s", "period_comparison"),
						errdetail("The value has version %d, this library knows %d.",
								  comparison->version, PERIOD_COMPARISON_VERSION)));
}

PeriodComparison *
copy_comparison(const PeriodComparison *comparison)
{
	return memcpy(palloc(VARSIZE(comparison)), comparison, VARSIZE(comparison));
}

/* Totals of rows are a bigint's, and not negative. */
bool
totals_are_sound(const PeriodComparison *comparison)
{
	const WideInteger *integer = comparison->totals.integer;
	const CompensatedSum *float8 = comparison->totals.float8;

	if (comparison->amount == AMOUNT_COUNT)
		return integer[CURRENT].high == 0 && integer[CURRENT].low <= PG_INT64_MAX &&
			   integer[PREVIOUS].high == 0 && integer[PREVIOUS].low <= PG_INT64_MAX;
	if (comparison->amount == AMOUNT_FLOAT8)
		return float8_is_sound(&float8[CURRENT]) && float8_is_sound(&float8[PREVIOUS]);
	return true;
}

void
total_out_of_range(void)
{
	ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					errmsg("total out of range for type %s", "period_comparison")));
}

static const char *
skip_blanks(const char *text)
{
	while (scanner_isspace(*text))
		text++;
	return text;
}

/* Skip blanks and a field's name; NULL where another word stands there. */
static const char *
skip_name(const char *text, const char *name)
{
	if (text == NULL)
		return NULL;
	text = skip_blanks(text);
	return strncmp(text, name, strlen(name)) == 0 ? text + strlen(name) : NULL;
}

/* Take a word up to the next blank; NULL where there is none. */
static const char *
take_word(const char *text, char **word)
{
	const char *end = text;

	if (text == NULL)
		return NULL;
	while (*end != '\0' && !scanner_isspace(*end))
		end++;
	*word = pnstrdup(text, end - text);
	return end > text ? end : NULL;
}

/* The text as a comparison, NULL where it is none. */
static PeriodComparison *
comparison_from_text(const char *text)
{
	char *word;
	char *totals[2];
	AmountKind amount = AMOUNT_COUNT;
	DayRange period;
	DayRange earlier;
	Back back;
	PeriodComparison *comparison;

	if ((text = take_word(skip_name(text, "amount="), &word)) == NULL)
		return NULL;
	while (amount <= AMOUNT_FLOAT8 && strcmp(amount_label(amount), word) != 0)
		amount++;
	if (amount > AMOUNT_FLOAT8)
		return NULL;
	if ((text = skip_name(text, "period=[")) == NULL ||
		(text = parse_day(text, ',', &period.lower)) == NULL ||
		(text = parse_day(text, ')', &period.upper)) == NULL ||
		period.lower >= period.upper)
		return NULL;
	if ((text = skip_name(text, "back=")) == NULL ||
		(text = parse_back(text, &back)) == NULL || !back_is_sound(&back) ||
		!move_range_back(&period, &back, &earlier))
		return NULL;
	if ((text = take_word(skip_name(text, "current="), &totals[CURRENT])) == NULL ||
		(text = take_word(skip_name(text, "previous="), &totals[PREVIOUS])) == NULL ||
		*skip_blanks(text) != '\0')
		return NULL;

	comparison = new_comparison(amount, &period, &back, &earlier);
	if (amount == AMOUNT_NUMERIC)
	{
		if (!numeric_text_is_sound(totals[CURRENT]) ||
			!numeric_text_is_sound(totals[PREVIOUS]))
			return NULL;
		return with_numeric_totals(comparison, numeric_from_text(totals[CURRENT]),
								   numeric_from_text(totals[PREVIOUS]));
	}
	for (int place = CURRENT; place <= PREVIOUS; place++)
	{
		if (amount == AMOUNT_FLOAT8
				? !float8_from_text(totals[place], &comparison->totals.float8[place])
				: !wide_from_text(totals[place], &comparison->totals.integer[place]))
			return NULL;
	}
	return totals_are_sound(comparison) ? comparison : NULL;
}

/*
 * period_comparison_in(cstring) → period_comparison: the text that
 * period_comparison_out writes.  22P02 for any other; soft where the server can.
 */
PG_FUNCTION_INFO_V1(period_comparison_in);
Datum
period_comparison_in(PG_FUNCTION_ARGS)
{
	char *text = PG_GETARG_CSTRING(0);
	PeriodComparison *comparison = comparison_from_text(text);

	if (comparison == NULL)
		GovcaseReturnError(fcinfo,
						   (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
							errmsg("invalid input syntax for type %s: \"%s\"",
								   "period_comparison", text),
							errhint("Write it as \"amount=count "
									"period=[2021-01-01,2022-01-01) back=P12M current=89 "
									"previous=122\".")));
	PG_RETURN_PERIOD_COMPARISON_P(comparison);
}

static void
append_total(StringInfo text, const PeriodComparison *comparison, int place)
{
	CompensatedSum total;

	switch (comparison->amount)
	{
		case AMOUNT_NUMERIC:
			appendStringInfoString(
				text,
				DatumGetCString(DirectFunctionCall1(
					numeric_out, NumericGetDatum(numeric_total(comparison, place)))));
			break;
		case AMOUNT_FLOAT8:
			total = float8_normalized(&comparison->totals.float8[place]);
			append_float8(text, total.sum);
			if (total.compensation > 0)
				appendStringInfoChar(text, '+');
			if (total.compensation != 0)
				append_float8(text, total.compensation);
			break;
		default:
			appendStringInfoString(text, wide_to_text(comparison->totals.integer[place]));
			break;
	}
}

/* period_comparison_out(period_comparison) → cstring. */
PG_FUNCTION_INFO_V1(period_comparison_out);
Datum
period_comparison_out(PG_FUNCTION_ARGS)
{
	PeriodComparison *comparison = comparison_argument(fcinfo, 0);
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "amount=%s period=", amount_label(comparison->amount));
	append_day_range(&text, &comparison->period);
	appendStringInfoString(&text, " back=");
	append_back(&text, &comparison->back);
	appendStringInfoString(&text, " current=");
	append_total(&text, comparison, CURRENT);
	appendStringInfoString(&text, " previous=");
	append_total(&text, comparison, PREVIOUS);
	PG_RETURN_CSTRING(text.data);
}

static Numeric
receive_numeric(StringInfo bytes)
{
	return DatumGetNumeric(DirectFunctionCall3(numeric_recv, PointerGetDatum(bytes),
											   ObjectIdGetDatum(InvalidOid),
											   Int32GetDatum(-1)));
}

static void
bad_bytes(const char *detail)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
					errmsg("invalid bytes for type %s", "period_comparison"),
					errdetail_internal("%s", detail)));
}

/* period_comparison_recv(internal) → period_comparison; 22P03 for bad bytes. */
PG_FUNCTION_INFO_V1(period_comparison_recv);
Datum
period_comparison_recv(PG_FUNCTION_ARGS)
{
	StringInfo bytes = (StringInfo) PG_GETARG_POINTER(0);
	int version = pq_getmsgbyte(bytes);
	int amount = pq_getmsgbyte(bytes);
	DayRange period;
	DayRange earlier;
	Back back;
	PeriodComparison *comparison;

	if (version != PERIOD_COMPARISON_VERSION)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("unsupported version of type %s", "period_comparison"),
						errdetail("The bytes have version %d, this library knows %d.",
								  version, PERIOD_COMPARISON_VERSION)));
	if (amount < AMOUNT_COUNT || amount > AMOUNT_FLOAT8)
		bad_bytes("There is no such kind of amount.");
	period.lower = (int32) pq_getmsgint(bytes, 4);
	period.upper = (int32) pq_getmsgint(bytes, 4);
	back.months = (int32) pq_getmsgint(bytes, 4);
	back.days = (int32) pq_getmsgint(bytes, 4);
	if (!day_is_valid(period.lower) || !day_is_valid(period.upper) ||
		period.lower >= period.upper)
		bad_bytes("The period is not one of at least one day.");
	if (!back_is_sound(&back) || !move_range_back(&period, &back, &earlier))
		bad_bytes("There is no earlier period.");

	comparison = new_comparison(amount, &period, &back, &earlier);
	if (amount == AMOUNT_NUMERIC)
	{
		Numeric current = receive_numeric(bytes);
		Numeric previous = receive_numeric(bytes);

		PG_RETURN_PERIOD_COMPARISON_P(with_numeric_totals(comparison, current, previous));
	}
	for (int place = CURRENT; place <= PREVIOUS; place++)
	{
		if (amount == AMOUNT_FLOAT8)
		{
			comparison->totals.float8[place].sum = pq_getmsgfloat8(bytes);
			comparison->totals.float8[place].compensation = pq_getmsgfloat8(bytes);
		}
		else
		{
			comparison->totals.integer[place].high = pq_getmsgint64(bytes);
			comparison->totals.integer[place].low = (uint64) pq_getmsgint64(bytes);
		}
	}
	if (!totals_are_sound(comparison))
		bad_bytes("A total is out of range.");
	PG_RETURN_PERIOD_COMPARISON_P(comparison);
}

/* period_comparison_send(period_comparison) → bytea. */
PG_FUNCTION_INFO_V1(period_comparison_send);
Datum
period_comparison_send(PG_FUNCTION_ARGS)
{
	PeriodComparison *comparison = comparison_argument(fcinfo, 0);
	StringInfoData bytes;

	pq_begintypsend(&bytes);
	pq_sendbyte(&bytes, comparison->version);
	pq_sendbyte(&bytes, comparison->amount);
	pq_sendint32(&bytes, comparison->period.lower);
	pq_sendint32(&bytes, comparison->period.upper);
	pq_sendint32(&bytes, comparison->back.months);
	pq_sendint32(&bytes, comparison->back.days);
	for (int place = CURRENT; place <= PREVIOUS; place++)
	{
		if (comparison->amount == AMOUNT_NUMERIC)
		{
			bytea *total = DatumGetByteaPP(DirectFunctionCall1(
				numeric_send, NumericGetDatum(numeric_total(comparison, place))));

			pq_sendbytes(&bytes, VARDATA_ANY(total), VARSIZE_ANY_EXHDR(total));
		}
		else if (comparison->amount == AMOUNT_FLOAT8)
		{
			pq_sendfloat8(&bytes, comparison->totals.float8[place].sum);
			pq_sendfloat8(&bytes, comparison->totals.float8[place].compensation);
		}
		else
		{
			pq_sendint64(&bytes, comparison->totals.integer[place].high);
			pq_sendint64(&bytes, (int64) comparison->totals.integer[place].low);
		}
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&bytes));
}

/* ---------------------------------------------------------------------
 * Sums
 * --------------------------------------------------------------------- */

/* Two summaries of different things have no sum. */
static void
check_same_comparison(const PeriodComparison *a, const PeriodComparison *b)
{
	if (a->amount != b->amount)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("cannot add up comparisons of different amounts"),
						errdetail("One is of kind %s, another of kind %s.",
								  amount_label(a->amount), amount_label(b->amount)),
						errhint("Cast the amounts to one type.")));
	if (memcmp(&a->period, &b->period, sizeof(DayRange)) != 0 ||
		memcmp(&a->back, &b->back, sizeof(Back)) != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("cannot add up comparisons of different periods"),
						errdetail("One has %s and %s back, another %s and %s back.",
								  day_range_text(&a->period), back_text(&a->back),
								  day_range_text(&b->period), back_text(&b->back))));
}

/*
 * period_comparison_add(period_comparison, period_comparison) →
 * period_comparison: transition function of rollup and combine function of all.
 * 22023 for different periods or kinds of amount.  STRICT: the executor takes
 * the first summary for the state as it is.
 */
PG_FUNCTION_INFO_V1(period_comparison_add);
Datum
period_comparison_add(PG_FUNCTION_ARGS)
{
	PeriodComparison *state = comparison_argument(fcinfo, 0);
	PeriodComparison *other = comparison_argument(fcinfo, 1);

	check_same_comparison(state, other);
	if (state->amount == AMOUNT_NUMERIC)
		PG_RETURN_PERIOD_COMPARISON_P(with_numeric_totals(
			state,
			numeric_plus(numeric_total(state, CURRENT), numeric_total(other, CURRENT)),
			numeric_plus(numeric_total(state, PREVIOUS),
						 numeric_total(other, PREVIOUS))));
	if (!AggCheckCallContext(fcinfo, NULL))
		state = copy_comparison(state);
	for (int place = CURRENT; place <= PREVIOUS; place++)
	{
		if (state->amount == AMOUNT_FLOAT8)
		{
			CompensatedSum x = other->totals.float8[place];

			float8_add(&state->totals.float8[place], x.sum);
			if (isfinite(state->totals.float8[place].sum))
				float8_add(&state->totals.float8[place], x.compensation);
		}
		else if (!wide_add(&state->totals.integer[place], other->totals.integer[place]))
			total_out_of_range();
	}
	if (!totals_are_sound(state))
		total_out_of_range();
	PG_RETURN_PERIOD_COMPARISON_P(state);
}

/*
 * period_comparison_subtract(period_comparison, period_comparison) →
 * period_comparison: the inverse, for rollup in moving windows.  NULL where a
 * total is or was not finite, as in remove_row.
 */
PG_FUNCTION_INFO_V1(period_comparison_subtract);
Datum
period_comparison_subtract(PG_FUNCTION_ARGS)
{
	PeriodComparison *state = comparison_argument(fcinfo, 0);
	PeriodComparison *other = comparison_argument(fcinfo, 1);

	check_same_comparison(state, other);
	if (state->amount == AMOUNT_NUMERIC)
	{
		Numeric current =
			numeric_minus(numeric_total(state, CURRENT), numeric_total(other, CURRENT));
		Numeric previous =
			numeric_minus(numeric_total(state, PREVIOUS), numeric_total(other, PREVIOUS));

		if (numeric_is_nan(current) || numeric_is_nan(previous))
			PG_RETURN_NULL();
		PG_RETURN_PERIOD_COMPARISON_P(with_numeric_totals(state, current, previous));
	}
	if (!AggCheckCallContext(fcinfo, NULL))
		state = copy_comparison(state);
	for (int place = CURRENT; place <= PREVIOUS; place++)
	{
		if (state->amount == AMOUNT_FLOAT8)
		{
			CompensatedSum x = other->totals.float8[place];

			if (!float8_remove(&state->totals.float8[place], x.sum) ||
				!float8_remove(&state->totals.float8[place], x.compensation))
				PG_RETURN_NULL();
		}
		else if (!wide_subtract(&state->totals.integer[place],
								other->totals.integer[place]))
			total_out_of_range();
	}
	if (!totals_are_sound(state))
		total_out_of_range();
	PG_RETURN_PERIOD_COMPARISON_P(state);
}

/* ---------------------------------------------------------------------
 * Accessors
 * --------------------------------------------------------------------- */

/*
 * change(period_comparison) → float8: (current - previous) / previous; NULL
 * where the previous total is 0.  The difference is taken exactly where the
 * totals are exact, so that large totals which differ little lose nothing.
 */
PG_FUNCTION_INFO_V1(period_comparison_change);
Datum
period_comparison_change(PG_FUNCTION_ARGS)
{
	PeriodComparison *comparison = comparison_argument(fcinfo, 0);
	float8 difference;
	float8 previous;

	if (comparison->amount == AMOUNT_NUMERIC)
	{
		Numeric before = numeric_total(comparison, PREVIOUS);
		Numeric gain = numeric_minus(numeric_total(comparison, CURRENT), before);

		if (DatumGetBool(DirectFunctionCall2(numeric_eq, NumericGetDatum(before),
											 NumericGetDatum(numeric_from_text("0")))))
			PG_RETURN_NULL();

		/*
		 * How many digits numeric_div gives depends on trailing zeros, which
		 * moving windows may leave behind; so divide as float8 where both are.
		 */
		difference = DatumGetFloat8(
			DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(gain)));
		previous = DatumGetFloat8(
			DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(before)));
		if (isfinite(difference) && isfinite(previous) && difference != 0 &&
			previous != 0)
			PG_RETURN_FLOAT8(difference / previous);
		return DirectFunctionCall1(numeric_float8,
								   DirectFunctionCall2(numeric_div, NumericGetDatum(gain),
													   NumericGetDatum(before)));
	}
	if (comparison->amount == AMOUNT_FLOAT8)
	{
		CompensatedSum gain = comparison->totals.float8[CURRENT];
		const CompensatedSum *before = &comparison->totals.float8[PREVIOUS];

		previous = float8_total(before);
		float8_add(&gain, -before->sum);
		if (isfinite(gain.sum))
			float8_add(&gain, -before->compensation);
		difference = float8_total(&gain);
	}
	else
	{
		WideInteger gain = comparison->totals.integer[CURRENT];

		previous = wide_to_float8(comparison->totals.integer[PREVIOUS]);
		difference = wide_subtract(&gain, comparison->totals.integer[PREVIOUS])
						 ? wide_to_float8(gain)
						 : wide_to_float8(comparison->totals.integer[CURRENT]) - previous;
	}
	if (previous == 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(difference / previous);
}

/*
 * A total as numeric: exact for rows, integers and numerics; for float8 the
 * shortest decimal that gives the same float8 again.
 */
static Datum
total_as_numeric(const PeriodComparison *comparison, int place)
{
	StringInfoData text;
	float8 total;

	if (comparison->amount == AMOUNT_NUMERIC)
	{
		Numeric numeric = numeric_total(comparison, place);

		return PointerGetDatum(
			memcpy(palloc(VARSIZE(numeric)), numeric, VARSIZE(numeric)));
	}
	if (comparison->amount != AMOUNT_FLOAT8)
		return NumericGetDatum(
			numeric_from_text(wide_to_text(comparison->totals.integer[place])));

	total = float8_total(&comparison->totals.float8[place]);
	if (!isfinite(total))
		return DirectFunctionCall1(float8_numeric, Float8GetDatum(total));
	initStringInfo(&text);
	append_float8(&text, total);
	return NumericGetDatum(numeric_from_text(text.data));
}

/* current_total and previous_total(period_comparison) → numeric. */
PG_FUNCTION_INFO_V1(period_comparison_current_total);
Datum
period_comparison_current_total(PG_FUNCTION_ARGS)
{
	return total_as_numeric(comparison_argument(fcinfo, 0), CURRENT);
}

PG_FUNCTION_INFO_V1(period_comparison_previous_total);
Datum
period_comparison_previous_total(PG_FUNCTION_ARGS)
{
	return total_as_numeric(comparison_argument(fcinfo, 0), PREVIOUS);
}

/* current_period and previous_period(period_comparison) → daterange. */
PG_FUNCTION_INFO_V1(period_comparison_current_period);
Datum
period_comparison_current_period(PG_FUNCTION_ARGS)
{
	return day_range_to_datum(&comparison_argument(fcinfo, 0)->period);
}

PG_FUNCTION_INFO_V1(period_comparison_previous_period);
Datum
period_comparison_previous_period(PG_FUNCTION_ARGS)
{
	return day_range_to_datum(&comparison_argument(fcinfo, 0)->earlier);
}
