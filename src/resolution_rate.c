/*
 * resolution_rate.c
 *		How many cases were resolved, of how many (调成率): the type resolution,
 *		its aggregates and accessors, and percent(), which prints such figures.
 *
 * On disk, version 1 (40 bytes, by reference, aligned as a double):
 *
 *	offset	bytes	what
 *	0		4		version
 *	4		4		zero, for a later version's flags
 *	8		8		resolved: assessed, closed
 *	16		8		transferred: handled, but resolved elsewhere if at all
 *	24		8		open: collected ... fed_back
 *	32		8		voided: counts nowhere but is kept, so that a summary accounts
 *					for every row it has seen
 *
 * No count is negative and all together fit in a bigint, so that no accessor
 * can overflow.  The wire has the same fields without the zero word.  The text,
 * "resolved=3 transferred=1 open=2 voided=0", names its fields and depends on
 * no setting, so that dumps outlive the layout.
 */
#include "govcase.h"

#include <ctype.h>
#include <math.h>

#include "common/hashfn.h"
#include "common/int.h"
#include "common/shortest_dec.h"
#include "libpq/pqformat.h"
#include "parser/scansup.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "case_state.h"

#define RESOLUTION_VERSION 1
#define RESOLUTION_COUNTS  4
#define PERCENT_MAX_DIGITS 15

typedef struct Resolution
{
	uint32 version;
	uint32 unused;
	int64 counts[RESOLUTION_COUNTS];
} Resolution;

StaticAssertDecl(sizeof(Resolution) == 40, "INTERNALLENGTH of type resolution is 40");

/* Places in counts, from 1, so that 0 in the table below says "no such code". */
typedef enum ResolutionClass
{
	CLASS_NONE,
	CLASS_RESOLVED,
	CLASS_TRANSFERRED,
	CLASS_OPEN,
	CLASS_VOIDED
} ResolutionClass;

static const char *const count_labels[RESOLUTION_COUNTS] = {"resolved", "transferred",
															"open", "voided"};

/* The predicates of case_state.h as one look-up, for it is asked once a row. */
static const uint8 class_of_code[256] = {
	[STATE_COLLECTED] = CLASS_OPEN,  [STATE_ASSIGNED] = CLASS_OPEN,
	[STATE_HANDLING] = CLASS_OPEN,   [STATE_SUPERVISED] = CLASS_OPEN,
	[STATE_FED_BACK] = CLASS_OPEN,   [STATE_ASSESSED] = CLASS_RESOLVED,
	[STATE_CLOSED] = CLASS_RESOLVED, [STATE_TRANSFERRED] = CLASS_TRANSFERRED,
	[STATE_VOIDED] = CLASS_VOIDED,
};

#define PG_RETURN_RESOLUTION_P(x) PG_RETURN_POINTER(x)

/* A resolution argument; XX001 where its layout is not one that we know. */
static inline Resolution *
resolution_argument(FunctionCallInfo fcinfo, int argument)
{
	Resolution *resolution = (Resolution *) PG_GETARG_POINTER(argument);

	if (unlikely(resolution->version != RESOLUTION_VERSION || resolution->unused != 0))
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
						errmsg("unsupported version of type %s", "resolution"),
						errdetail("The value has version %u, this library knows %d.",
								  resolution->version, RESOLUTION_VERSION)));
	return resolution;
}

static inline int64
count_of(const Resolution *resolution, ResolutionClass class)
{
	return resolution->counts[class - 1];
}

/* False where the counts break the rule at the head of this file. */
static bool
counts_are_sound(const Resolution *resolution)
{
	int64 total = 0;

	for (int i = 0; i < RESOLUTION_COUNTS; i++)
	{
		if (resolution->counts[i] < 0 ||
			pg_add_s64_overflow(total, resolution->counts[i], &total))
			return false;
	}
	return true;
}

static void
check_counts(const Resolution *resolution)
{
	if (unlikely(!counts_are_sound(resolution)))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("value out of range for type %s", "resolution"),
						errdetail("No count may be negative, and all together must fit "
								  "in a bigint.")));
}

static Resolution *
new_resolution(void)
{
	Resolution *resolution = palloc0(sizeof(Resolution));

	resolution->version = RESOLUTION_VERSION;
	return resolution;
}

/*
 * resolution_in(cstring) → resolution: the text that resolution_out writes,
 * with any blanks around and between the fields.  22P02 for another text, 22003
 * for counts that are negative or too many; soft where the server can.
 */
PG_FUNCTION_INFO_V1(resolution_in);
Datum
resolution_in(PG_FUNCTION_ARGS)
{
	char *text = PG_GETARG_CSTRING(0);
	const char *cursor = text;
	Resolution *resolution = new_resolution();

	for (int i = 0; i < RESOLUTION_COUNTS; i++)
	{
		size_t length = strlen(count_labels[i]);
		int64 count = 0;
		bool negative;
		bool overflow = false;

		while (scanner_isspace(*cursor))
			cursor++;
		if (strncmp(cursor, count_labels[i], length) != 0 || cursor[length] != '=')
			goto bad_syntax;
		cursor += length + 1;
		negative = *cursor == '-';
		if (negative)
			cursor++;
		if (!isdigit((unsigned char) *cursor))
			goto bad_syntax;
		for (; isdigit((unsigned char) *cursor); cursor++)
			overflow |= pg_mul_s64_overflow(count, 10, &count) ||
						pg_add_s64_overflow(count, *cursor - '0', &count);
		if (*cursor != '\0' && !scanner_isspace(*cursor))
			goto bad_syntax;
		if (overflow || (negative && count != 0))
			GovcaseReturnError(
				fcinfo,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("value out of range for type %s: \"%s\"", "resolution", text),
				 errdetail("\"%s\" must be between 0 and %lld.", count_labels[i],
						   (long long) PG_INT64_MAX)));
		resolution->counts[i] = count;
	}
	while (scanner_isspace(*cursor))
		cursor++;
	if (*cursor != '\0')
		goto bad_syntax;
	if (!counts_are_sound(resolution))
		GovcaseReturnError(
			fcinfo, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("value out of range for type %s: \"%s\"", "resolution", text),
					 errdetail("All counts together must fit in a bigint.")));
	PG_RETURN_RESOLUTION_P(resolution);

bad_syntax:
	GovcaseReturnError(
		fcinfo, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("invalid input syntax for type %s: \"%s\"", "resolution", text),
				 errhint("Write it as \"resolved=3 transferred=1 open=2 voided=0\".")));
}

/* resolution_out(resolution) → cstring. */
PG_FUNCTION_INFO_V1(resolution_out);
Datum
resolution_out(PG_FUNCTION_ARGS)
{
	Resolution *resolution = resolution_argument(fcinfo, 0);
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < RESOLUTION_COUNTS; i++)
		appendStringInfo(&text, "%s%s=%lld", i == 0 ? "" : " ", count_labels[i],
						 (long long) resolution->counts[i]);
	PG_RETURN_CSTRING(text.data);
}

/* resolution_recv(internal) → resolution; 22P03 for bytes that no value has. */
PG_FUNCTION_INFO_V1(resolution_recv);
Datum
resolution_recv(PG_FUNCTION_ARGS)
{
	StringInfo bytes = (StringInfo) PG_GETARG_POINTER(0);
	Resolution *resolution = new_resolution();
	uint32 version = pq_getmsgint(bytes, 4);

	if (version != RESOLUTION_VERSION)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("unsupported version of type %s", "resolution"),
						errdetail("The bytes have version %u, this library knows %d.",
								  version, RESOLUTION_VERSION)));
	for (int i = 0; i < RESOLUTION_COUNTS; i++)
		resolution->counts[i] = pq_getmsgint64(bytes);
	if (!counts_are_sound(resolution))
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("invalid bytes for type %s", "resolution"),
						errdetail("No count may be negative, and all together must fit "
								  "in a bigint.")));
	PG_RETURN_RESOLUTION_P(resolution);
}

/* resolution_send(resolution) → bytea: version, then the four counts. */
PG_FUNCTION_INFO_V1(resolution_send);
Datum
resolution_send(PG_FUNCTION_ARGS)
{
	Resolution *resolution = resolution_argument(fcinfo, 0);
	StringInfoData bytes;

	pq_begintypsend(&bytes);
	pq_sendint32(&bytes, RESOLUTION_VERSION);
	for (int i = 0; i < RESOLUTION_COUNTS; i++)
		pq_sendint64(&bytes, resolution->counts[i]);
	PG_RETURN_BYTEA_P(pq_endtypsend(&bytes));
}

/*
 * Add to one count of argument 0.  An aggregate owns its state, which is then
 * changed in place; anybody else gets a changed copy.
 */
static pg_attribute_always_inline Datum
change_count(FunctionCallInfo fcinfo, ResolutionClass class, int64 by)
{
	Resolution *state = resolution_argument(fcinfo, 0);
	bool in_aggregate = AggCheckCallContext(fcinfo, NULL) != 0;

	if (unlikely(!in_aggregate))
		state = memcpy(palloc(sizeof(Resolution)), state, sizeof(Resolution));
	state->counts[class - 1] += by;
	if (unlikely(!in_aggregate))
		check_counts(state);
	PG_RETURN_RESOLUTION_P(state);
}

static inline ResolutionClass
class_of_state(CaseState state)
{
	ResolutionClass class = class_of_code[state];

	if (unlikely(class == CLASS_NONE))
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
						errmsg("invalid code of type %s: %d", "case_state", state)));
	return class;
}

/*
 * resolution_accumulate(resolution, case_state) → resolution and its inverse
 * resolution_remove: the transition functions.  STRICT: NULLs are the
 * executor's to skip.
 */
PG_FUNCTION_INFO_V1(resolution_accumulate);
Datum
resolution_accumulate(PG_FUNCTION_ARGS)
{
	return change_count(fcinfo, class_of_state(PG_GETARG_CASE_STATE(1)), 1);
}

PG_FUNCTION_INFO_V1(resolution_remove);
Datum
resolution_remove(PG_FUNCTION_ARGS)
{
	return change_count(fcinfo, class_of_state(PG_GETARG_CASE_STATE(1)), -1);
}

/*
 * The same for a boolean that says of a handled case whether it was resolved,
 * for tables that keep no case_state.
 */
PG_FUNCTION_INFO_V1(resolution_accumulate_boolean);
Datum
resolution_accumulate_boolean(PG_FUNCTION_ARGS)
{
	return change_count(fcinfo, PG_GETARG_BOOL(1) ? CLASS_RESOLVED : CLASS_TRANSFERRED,
						1);
}

PG_FUNCTION_INFO_V1(resolution_remove_boolean);
Datum
resolution_remove_boolean(PG_FUNCTION_ARGS)
{
	return change_count(fcinfo, PG_GETARG_BOOL(1) ? CLASS_RESOLVED : CLASS_TRANSFERRED,
						-1);
}

static Resolution *
combine(FunctionCallInfo fcinfo, int sign)
{
	Resolution *left = resolution_argument(fcinfo, 0);
	Resolution *right = resolution_argument(fcinfo, 1);
	Resolution sum = *left;
	bool overflow = false;

	for (int i = 0; i < RESOLUTION_COUNTS; i++)
		overflow |=
			sign > 0
				? pg_add_s64_overflow(left->counts[i], right->counts[i], &sum.counts[i])
				: pg_sub_s64_overflow(left->counts[i], right->counts[i], &sum.counts[i]);
	if (overflow)
		sum.counts[0] = -1; /* for the error that check_counts raises */
	check_counts(&sum);
	if (!AggCheckCallContext(fcinfo, NULL))
		left = palloc(sizeof(Resolution));
	*left = sum;
	return left;
}

/*
 * resolution_add(resolution, resolution) → resolution: operator +, transition
 * function of rollup and combine function of all.  22003 where the sum does not
 * fit.
 */
PG_FUNCTION_INFO_V1(resolution_add);
Datum
resolution_add(PG_FUNCTION_ARGS)
{
	PG_RETURN_RESOLUTION_P(combine(fcinfo, 1));
}

/*
 * resolution_subtract(resolution, resolution) → resolution: the inverse, for
 * rollup in moving windows.  22003 where the second is not a part of the first.
 */
PG_FUNCTION_INFO_V1(resolution_subtract);
Datum
resolution_subtract(PG_FUNCTION_ARGS)
{
	PG_RETURN_RESOLUTION_P(combine(fcinfo, -1));
}

/* Equality and hashing, so that DISTINCT, UNION and replication can compare. */
PG_FUNCTION_INFO_V1(resolution_equal);
Datum
resolution_equal(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(memcmp(resolution_argument(fcinfo, 0), resolution_argument(fcinfo, 1),
						  sizeof(Resolution)) == 0);
}

PG_FUNCTION_INFO_V1(resolution_not_equal);
Datum
resolution_not_equal(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(memcmp(resolution_argument(fcinfo, 0), resolution_argument(fcinfo, 1),
						  sizeof(Resolution)) != 0);
}

PG_FUNCTION_INFO_V1(resolution_hash);
Datum
resolution_hash(PG_FUNCTION_ARGS)
{
	return hash_any((unsigned char *) resolution_argument(fcinfo, 0), sizeof(Resolution));
}

PG_FUNCTION_INFO_V1(resolution_hash_extended);
Datum
resolution_hash_extended(PG_FUNCTION_ARGS)
{
	return hash_any_extended((unsigned char *) resolution_argument(fcinfo, 0),
							 sizeof(Resolution), PG_GETARG_INT64(1));
}

/* The sums that the accessors share. */
static int64
handled_of(const Resolution *resolution)
{
	check_counts(resolution);
	return count_of(resolution, CLASS_RESOLVED) + count_of(resolution, CLASS_TRANSFERRED);
}

static int64
registered_of(const Resolution *resolution)
{
	return handled_of(resolution) + count_of(resolution, CLASS_OPEN);
}

/* Accessors: resolved, transferred, pending, voided, handled, registered. */
PG_FUNCTION_INFO_V1(resolution_resolved);
Datum
resolution_resolved(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(count_of(resolution_argument(fcinfo, 0), CLASS_RESOLVED));
}

PG_FUNCTION_INFO_V1(resolution_transferred);
Datum
resolution_transferred(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(count_of(resolution_argument(fcinfo, 0), CLASS_TRANSFERRED));
}

PG_FUNCTION_INFO_V1(resolution_pending);
Datum
resolution_pending(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(count_of(resolution_argument(fcinfo, 0), CLASS_OPEN));
}

PG_FUNCTION_INFO_V1(resolution_voided);
Datum
resolution_voided(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(count_of(resolution_argument(fcinfo, 0), CLASS_VOIDED));
}

PG_FUNCTION_INFO_V1(resolution_handled);
Datum
resolution_handled(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(handled_of(resolution_argument(fcinfo, 0)));
}

PG_FUNCTION_INFO_V1(resolution_registered);
Datum
resolution_registered(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(registered_of(resolution_argument(fcinfo, 0)));
}

/*
 * Shares, float8 in 0 ... 1, NULL of nothing.  Cities publish all three under
 * one name: rate (resolved of the handled), resolved_share and handled_share
 * (of the registered).
 */
PG_FUNCTION_INFO_V1(resolution_rate);
Datum
resolution_rate(PG_FUNCTION_ARGS)
{
	Resolution *resolution = resolution_argument(fcinfo, 0);
	int64 handled = handled_of(resolution);

	if (handled == 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8((float8) count_of(resolution, CLASS_RESOLVED) / (float8) handled);
}

PG_FUNCTION_INFO_V1(resolution_resolved_share);
Datum
resolution_resolved_share(PG_FUNCTION_ARGS)
{
	Resolution *resolution = resolution_argument(fcinfo, 0);
	int64 registered = registered_of(resolution);

	if (registered == 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8((float8) count_of(resolution, CLASS_RESOLVED) / (float8) registered);
}

PG_FUNCTION_INFO_V1(resolution_handled_share);
Datum
resolution_handled_share(PG_FUNCTION_ARGS)
{
	Resolution *resolution = resolution_argument(fcinfo, 0);
	int64 registered = registered_of(resolution);

	if (registered == 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8((float8) handled_of(resolution) / (float8) registered);
}

/*
 * percent(rate float8, digits int4) → text: 0.962 as "96.2%".
 *
 * Works on the shortest decimal text of the rate, which is what people see and
 * check by hand: 0.0125 to one digit is 1.3%, though the float8 nearest to it may lie
 * below.  Half rounds away from zero; there is no minus before a zero.  What is
 * no number or not finite is printed as float8 prints it, without a sign of
 * percent.  22023 for digits outside 0 ... 15.  Independent of any setting.
 */
PG_FUNCTION_INFO_V1(percent);
Datum
percent(PG_FUNCTION_ARGS)
{
	float8 rate = PG_GETARG_FLOAT8(0);
	int32 digits = PG_GETARG_INT32(1);
	char shortest[DOUBLE_SHORTEST_DECIMAL_LEN];
	Datum figure;
	char *text;

	if (digits < 0 || digits > PERCENT_MAX_DIGITS)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("digits must be between 0 and %d", PERCENT_MAX_DIGITS),
						errdetail("They are %d.", digits)));
	if (isnan(rate))
		PG_RETURN_TEXT_P(cstring_to_text("NaN"));
	if (isinf(rate))
		PG_RETURN_TEXT_P(cstring_to_text(rate < 0 ? "-Infinity" : "Infinity"));

	double_to_shortest_decimal_buf(rate, shortest);
	figure = DirectFunctionCall3(numeric_in, CStringGetDatum(shortest),
								 ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
	figure = DirectFunctionCall2(numeric_mul, figure,
								 DirectFunctionCall1(int4_numeric, Int32GetDatum(100)));
	figure = DirectFunctionCall2(numeric_round, figure, Int32GetDatum(digits));
	text = DatumGetCString(DirectFunctionCall1(numeric_out, figure));
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("%s%%", text)));
}
