/*
 * label_type.c
 *		Input, output, order and hash of one-byte types with labels.
 *
 * Design section 3.  Every SQL function over these is STRICT, IMMUTABLE and
 * PARALLEL SAFE; the server's encoding, on which Chinese labels depend, is
 * fixed for the life of a database.
 */
#include "label_type.h"

#include "catalog/namespace.h"
#include "common/hashfn.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/sortsupport.h"

#define IDEOGRAPHIC_SPACE      "\xe3\x80\x80" /* U+3000 */
#define IDEOGRAPHIC_SPACE_SIZE 3

int
label_type_index(const LabelType *type, uint8 code)
{
	for (int i = 0; i < type->count; i++)
		if (type->labels[i].code == code)
			return i;
	return -1;
}

uint8
label_type_at(const LabelType *type, int index)
{
	Assert(index >= 0 && index < type->count);
	return type->labels[index].code;
}

const Label *
label_type_get(const LabelType *type, uint8 code)
{
	int index = label_type_index(type, code);

	if (index < 0)
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
						errmsg("invalid code %d for type %s", code, type->name)));
	return &type->labels[index];
}

/*
 * Text in the server's encoding as UTF-8, not terminated; NULL where it cannot be
 * converted (PostgreSQL 13 raises 22P05 for that).  In SQL_ASCII bytes mean what
 * their writer meant; they are taken for UTF-8.
 */
static const char *
utf8_text(const char *text, int *length)
{
	int encoding = GetDatabaseEncoding();
	int size;
	Oid conversion;
	char *converted;

	if (encoding == PG_UTF8 || encoding == PG_SQL_ASCII)
		return text;
	if ((Size) *length >= MaxAllocSize / MAX_CONVERSION_GROWTH)
		return NULL;
	conversion = FindDefaultConversionProc(encoding, PG_UTF8);
	if (!OidIsValid(conversion))
		return NULL;
	size = *length * MAX_CONVERSION_GROWTH + 1;
	converted = palloc(size);
	if (pg_do_encoding_conversion_buf(conversion, encoding, PG_UTF8,
									  (unsigned char *) unconstify(char *, text), *length,
									  (unsigned char *) converted, size, true) != *length)
		return NULL;
	*length = strlen(converted);
	return converted;
}

/*
 * A Chinese label in the server's encoding; NULL where that is not an encoding of
 * simplified Chinese.
 */
static const char *
server_text(const char *chinese)
{
	switch (GetDatabaseEncoding())
	{
		case PG_UTF8:
		case PG_EUC_CN:
		case PG_SQL_ASCII:
			return pg_any_to_server(chinese, strlen(chinese), PG_UTF8);
		default:
			return NULL;
	}
}

static bool
is_blank(char character)
{
	return character == ' ' || (character >= '\t' && character <= '\r');
}

/* Blanks and ideographic spaces at both ends of UTF-8 text. */
static void
trim_blanks(const char **text, int *length)
{
	for (;;)
	{
		int size = 0;

		if (*length > 0 && is_blank(**text))
			size = 1;
		else if (*length >= IDEOGRAPHIC_SPACE_SIZE &&
				 memcmp(*text, IDEOGRAPHIC_SPACE, IDEOGRAPHIC_SPACE_SIZE) == 0)
			size = IDEOGRAPHIC_SPACE_SIZE;
		if (size == 0)
			break;
		*text += size;
		*length -= size;
	}
	for (;;)
	{
		const char *end = *text + *length;

		if (*length > 0 && is_blank(end[-1]))
			*length -= 1;
		else if (*length >= IDEOGRAPHIC_SPACE_SIZE &&
				 memcmp(end - IDEOGRAPHIC_SPACE_SIZE, IDEOGRAPHIC_SPACE,
						IDEOGRAPHIC_SPACE_SIZE) == 0)
			*length -= IDEOGRAPHIC_SPACE_SIZE;
		else
			break;
	}
}

static bool
is_english(const char *text, int length, const char *english)
{
	for (int i = 0; i < length; i++)
		if (pg_ascii_tolower((unsigned char) text[i]) != (unsigned char) english[i])
			return false;
	return english[length] == '\0';
}

static bool
is_chinese(const char *text, int length, const char *chinese)
{
	return chinese != NULL && strncmp(text, chinese, length) == 0 &&
		   chinese[length] == '\0';
}

bool
label_type_parse(const LabelType *type, const char *text, uint8 *code)
{
	int length = strlen(text);

	for (int i = 0; i < length; i++)
	{
		if (IS_HIGHBIT_SET(text[i]))
		{
			text = utf8_text(text, &length);
			if (text == NULL)
				return false;
			break;
		}
	}
	trim_blanks(&text, &length);
	if (length == 0)
		return false;

	for (int i = 0; i < type->count; i++)
	{
		const Label *label = &type->labels[i];

		if (is_english(text, length, label->english) ||
			is_chinese(text, length, label->chinese) ||
			is_chinese(text, length, label->chinese_long))
		{
			*code = label->code;
			return true;
		}
	}
	return false;
}

/*
 * Can whoever reads an error read Chinese?  An error whose text does not convert
 * to the client's encoding is lost to another one about the conversion.
 */
static bool
chinese_is_readable(void)
{
	switch (pg_get_client_encoding())
	{
		case PG_UTF8:
		case PG_EUC_CN:
		case PG_GBK:
		case PG_GB18030:
		case PG_SQL_ASCII:
			return GetDatabaseEncoding() == PG_UTF8 || GetDatabaseEncoding() == PG_EUC_CN;
		default:
			return false;
	}
}

/* "blue (蓝, 蓝色), yellow (黄, 黄色), …", for a HINT. */
static char *
accepted_labels(const LabelType *type)
{
	bool chinese = chinese_is_readable();
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < type->count; i++)
	{
		const Label *label = &type->labels[i];

		appendStringInfo(&list, "%s%s", i == 0 ? "" : ", ", label->english);
		if (chinese)
		{
			appendStringInfo(&list, " (%s", server_text(label->chinese));
			if (label->chinese_long != NULL)
				appendStringInfo(&list, ", %s", server_text(label->chinese_long));
			appendStringInfoChar(&list, ')');
		}
	}
	return list.data;
}

/*
 * type_in(cstring) returns type.  Error: 22P02 where the text is no label, soft
 * where the server has soft errors.
 */
Datum
label_type_in(const LabelType *type, FunctionCallInfo fcinfo)
{
	char *text = PG_GETARG_CSTRING(0);
	uint8 code;

	if (!label_type_parse(type, text, &code))
		GovcaseReturnError(
			fcinfo, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
					 errmsg("invalid input syntax for type %s: \"%s\"", type->name, text),
					 errhint("Use one of: %s.", accepted_labels(type))));
	return UInt8GetDatum(code);
}

/* type_out(type) returns cstring: the English label. */
Datum
label_type_out(const LabelType *type, FunctionCallInfo fcinfo)
{
	uint8 code = DatumGetUInt8(PG_GETARG_DATUM(0));

	PG_RETURN_CSTRING(pstrdup(label_type_get(type, code)->english));
}

/* type_recv(internal) returns type.  Error: 22P03 for a message that is not one code. */
Datum
label_type_recv(const LabelType *type, FunctionCallInfo fcinfo)
{
	StringInfo message = (StringInfo) PG_GETARG_POINTER(0);
	int length = message->len - message->cursor;
	uint8 code;

	if (length != 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("invalid length in external %s value", type->name),
						errdetail("The value has %d bytes instead of 1.", length)));
	code = pq_getmsgbyte(message);
	if (label_type_index(type, code) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid code in external %s value: %d", type->name, code)));
	return UInt8GetDatum(code);
}

/* type(text) returns type, the assignment cast.  Error: 22P02. */
Datum
label_type_from_text(const LabelType *type, FunctionCallInfo fcinfo)
{
	char *string = text_to_cstring(PG_GETARG_TEXT_PP(0));
	uint8 code;

	if (!label_type_parse(type, string, &code))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("invalid input syntax for type %s: \"%s\"", type->name, string),
				 errhint("Use one of: %s.", accepted_labels(type))));
	return UInt8GetDatum(code);
}

/* type(integer) returns type, by rank.  Error: 22003 where there is no such rank. */
Datum
label_type_from_rank(const LabelType *type, FunctionCallInfo fcinfo)
{
	int32 rank = PG_GETARG_INT32(0);

	if (rank < 1 || rank > type->count)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("rank %d is out of range for type %s", rank, type->name),
				 errhint("Ranks go from 1 (%s) to %d (%s).", type->labels[0].english,
						 type->count, type->labels[type->count - 1].english)));
	return UInt8GetDatum(type->labels[rank - 1].code);
}

/*
 * int4(type) returns integer: the place in the ascending list, from 1.  Ranks
 * move when a later version adds a value; codes, which are on disk, do not.
 */
Datum
label_type_rank(const LabelType *type, FunctionCallInfo fcinfo)
{
	uint8 code = DatumGetUInt8(PG_GETARG_DATUM(0));

	PG_RETURN_INT32(label_type_get(type, code) - type->labels + 1);
}

/*
 * label(type, language text) returns text: the label in English ('en') or
 * Chinese ('zh').  Errors: 22023 for another language; 22P05 where the server's
 * encoding has no Chinese.
 */
Datum
label_type_label(const LabelType *type, FunctionCallInfo fcinfo)
{
	const Label *label = label_type_get(type, DatumGetUInt8(PG_GETARG_DATUM(0)));
	char *language = text_to_cstring(PG_GETARG_TEXT_PP(1));
	const char *chinese;

	if (strcmp(language, "en") == 0)
		PG_RETURN_TEXT_P(cstring_to_text(label->english));
	if (strcmp(language, "zh") != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("no labels in language \"%s\"", language),
						errhint("Use 'en' for English or 'zh' for Chinese.")));
	chinese = server_text(label->chinese);
	if (chinese == NULL)
		ereport(
			ERROR,
			(errcode(ERRCODE_UNTRANSLATABLE_CHARACTER),
			 errmsg("the Chinese label of %s \"%s\" has no equivalent in encoding \"%s\"",
					type->name, label->english, GetDatabaseEncodingName()),
			 errhint("Use 'en' in this database.")));
	PG_RETURN_TEXT_P(cstring_to_text(chinese));
}

/*
 * The list of a type's values, ascending: value, rank, label_en, label_zh (null
 * where the server's encoding has no Chinese), meaning.
 */
Datum
label_type_list(const LabelType *type, FunctionCallInfo fcinfo)
{
	FuncCallContext *call;
	const Label *label;
	const char *chinese;
	Datum values[5];
	bool nulls[5] = {false};

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext previous;
		TupleDesc descriptor;

		call = SRF_FIRSTCALL_INIT();
		previous = MemoryContextSwitchTo(call->multi_call_memory_ctx);
		if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
			elog(ERROR, "return type must be a row type");
		call->tuple_desc = BlessTupleDesc(descriptor);
		call->max_calls = type->count;
		MemoryContextSwitchTo(previous);
	}

	call = SRF_PERCALL_SETUP();
	if (call->call_cntr >= call->max_calls)
		SRF_RETURN_DONE(call);

	label = &type->labels[call->call_cntr];
	chinese = server_text(label->chinese);
	values[0] = UInt8GetDatum(label->code);
	values[1] = Int32GetDatum((int32) call->call_cntr + 1);
	values[2] = CStringGetTextDatum(label->english);
	values[3] = chinese == NULL ? (Datum) 0 : CStringGetTextDatum(chinese);
	nulls[3] = chinese == NULL;
	values[4] = CStringGetTextDatum(label->meaning);
	SRF_RETURN_NEXT(call,
					HeapTupleGetDatum(heap_form_tuple(call->tuple_desc, values, nulls)));
}

/*
 * Functions over the byte, for both types.  The comparisons are LEAKPROOF: they
 * look at nothing but two bytes and cannot raise an error.
 */
#define CODE_ARGUMENT(n) DatumGetUInt8(PG_GETARG_DATUM(n))

PG_FUNCTION_INFO_V1(label_code_eq);
Datum
label_code_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(CODE_ARGUMENT(0) == CODE_ARGUMENT(1));
}

PG_FUNCTION_INFO_V1(label_code_ne);
Datum
label_code_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(CODE_ARGUMENT(0) != CODE_ARGUMENT(1));
}

PG_FUNCTION_INFO_V1(label_code_lt);
Datum
label_code_lt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(CODE_ARGUMENT(0) < CODE_ARGUMENT(1));
}

PG_FUNCTION_INFO_V1(label_code_le);
Datum
label_code_le(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(CODE_ARGUMENT(0) <= CODE_ARGUMENT(1));
}

PG_FUNCTION_INFO_V1(label_code_gt);
Datum
label_code_gt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(CODE_ARGUMENT(0) > CODE_ARGUMENT(1));
}

PG_FUNCTION_INFO_V1(label_code_ge);
Datum
label_code_ge(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(CODE_ARGUMENT(0) >= CODE_ARGUMENT(1));
}

PG_FUNCTION_INFO_V1(label_code_cmp);
Datum
label_code_cmp(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32((int32) CODE_ARGUMENT(0) - (int32) CODE_ARGUMENT(1));
}

PG_FUNCTION_INFO_V1(label_code_smaller);
Datum
label_code_smaller(PG_FUNCTION_ARGS)
{
	return UInt8GetDatum(Min(CODE_ARGUMENT(0), CODE_ARGUMENT(1)));
}

PG_FUNCTION_INFO_V1(label_code_larger);
Datum
label_code_larger(PG_FUNCTION_ARGS)
{
	return UInt8GetDatum(Max(CODE_ARGUMENT(0), CODE_ARGUMENT(1)));
}

/*
 * btree support 2.  Codes are below 128, so whole Datums compare as codes do, by
 * a comparator that the server may have a specialised sort for.
 */
PG_FUNCTION_INFO_V1(label_code_sortsupport);
Datum
label_code_sortsupport(PG_FUNCTION_ARGS)
{
	SortSupport support = (SortSupport) PG_GETARG_POINTER(0);

	support->comparator = UnsignedDatumComparator;
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(label_code_hash);
Datum
label_code_hash(PG_FUNCTION_ARGS)
{
	return hash_uint32(CODE_ARGUMENT(0));
}

PG_FUNCTION_INFO_V1(label_code_hash_extended);
Datum
label_code_hash_extended(PG_FUNCTION_ARGS)
{
	return hash_uint32_extended(CODE_ARGUMENT(0), PG_GETARG_INT64(1));
}

PG_FUNCTION_INFO_V1(label_code_send);
Datum
label_code_send(PG_FUNCTION_ARGS)
{
	StringInfoData message;

	pq_begintypsend(&message);
	pq_sendbyte(&message, CODE_ARGUMENT(0));
	PG_RETURN_BYTEA_P(pq_endtypsend(&message));
}
