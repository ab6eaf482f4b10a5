/*
 * label_type.h
 *		What risk_level and case_state have in common.
 *
 * Both are one byte on disk, an ordered code with an English and a Chinese
 * label.  A type is a table of its labels; input, output, ranks and lists work
 * from that table.  Comparing and hashing needs the byte alone and is one set
 * of functions for both types (label_code_* in label_type.c).
 */
#ifndef GOVCASE_LABEL_TYPE_H
#define GOVCASE_LABEL_TYPE_H

#include "govcase.h"

typedef struct Label
{
	uint8 code;               /* on disk, below 128: a signed char is as good */
	const char *english;      /* lower case, what output writes */
	const char *chinese;      /* UTF-8 */
	const char *chinese_long; /* also read, never written; NULL where none */
	const char *meaning;
} Label;

typedef struct LabelType
{
	const char *name;
	int count;
	const Label *labels; /* ascending by code */
} LabelType;

/* Place of a code in the ascending list, -1 where it is no code. */
extern int label_type_index(const LabelType *type, uint8 code);
/* Code at a place of the ascending list; the caller keeps to 0 … count - 1. */
extern uint8 label_type_at(const LabelType *type, int index);
/* Label of a code; XX001 where a damaged page holds what is no code. */
extern const Label *label_type_get(const LabelType *type, uint8 code);
/* Parse text in the server's encoding; false where it is no label. */
extern bool label_type_parse(const LabelType *type, const char *text, uint8 *code);

/* Bodies of the SQL functions of a type; see label_type.c. */
extern Datum label_type_in(const LabelType *type, FunctionCallInfo fcinfo);
extern Datum label_type_out(const LabelType *type, FunctionCallInfo fcinfo);
extern Datum label_type_recv(const LabelType *type, FunctionCallInfo fcinfo);
extern Datum label_type_from_text(const LabelType *type, FunctionCallInfo fcinfo);
extern Datum label_type_from_rank(const LabelType *type, FunctionCallInfo fcinfo);
extern Datum label_type_rank(const LabelType *type, FunctionCallInfo fcinfo);
extern Datum label_type_label(const LabelType *type, FunctionCallInfo fcinfo);
extern Datum label_type_list(const LabelType *type, FunctionCallInfo fcinfo);

#endif /* GOVCASE_LABEL_TYPE_H */
