/*
 * case_state.c
 *		The type case_state (闭环阶段): where a case is in the closed loop.
 *
 * Design section 3.  What it does is in label_type.c; here are its labels.
 */
#include "case_state.h"

#include "label_type.h"

static const Label case_state_labels[] = {
	{STATE_COLLECTED, "collected", "信息汇集", NULL, "recorded, not yet given to anyone"},
	{STATE_ASSIGNED, "assigned", "分流交办", NULL,
	 "given to a department, not yet taken up"},
	{STATE_HANDLING, "handling", "执行处置", NULL, "being worked on"},
	{STATE_SUPERVISED, "supervised", "日常督办", NULL,
	 "being worked on under the centre's daily eye"},
	{STATE_FED_BACK, "fed_back", "信息反馈", NULL,
	 "result reported to the centre and the parties"},
	{STATE_ASSESSED, "assessed", "督查考核", NULL, "result inspected and accepted"},
	{STATE_CLOSED, "closed", "办结", NULL, "done with, unless it recurs"},
	{STATE_TRANSFERRED, "transferred", "移送", NULL,
	 "handled, not resolved here: to court, another authority"},
	{STATE_VOIDED, "voided", "作废", NULL, "duplicate or wrong entry; counts nowhere"},
};

StaticAssertDecl(lengthof(case_state_labels) == CASE_STATE_COUNT,
				 "one label for each state");

static const LabelType case_state_type = {"case_state", CASE_STATE_COUNT,
										  case_state_labels};

int
case_state_index(uint8 code)
{
	return label_type_index(&case_state_type, code);
}

CaseState
case_state_at(int index)
{
	return label_type_at(&case_state_type, index);
}

const char *
case_state_label(CaseState state)
{
	return label_type_get(&case_state_type, state)->english;
}

bool
case_state_parse(const char *text, CaseState *state)
{
	return label_type_parse(&case_state_type, text, state);
}

/*
 * SQL functions.  Each is label_type_* over the table above, where arguments,
 * results and errors are described.
 */
PG_FUNCTION_INFO_V1(case_state_in);
Datum
case_state_in(PG_FUNCTION_ARGS)
{
	return label_type_in(&case_state_type, fcinfo);
}

PG_FUNCTION_INFO_V1(case_state_out);
Datum
case_state_out(PG_FUNCTION_ARGS)
{
	return label_type_out(&case_state_type, fcinfo);
}

PG_FUNCTION_INFO_V1(case_state_recv);
Datum
case_state_recv(PG_FUNCTION_ARGS)
{
	return label_type_recv(&case_state_type, fcinfo);
}

PG_FUNCTION_INFO_V1(case_state_from_text);
Datum
case_state_from_text(PG_FUNCTION_ARGS)
{
	return label_type_from_text(&case_state_type, fcinfo);
}

PG_FUNCTION_INFO_V1(case_state_from_rank);
Datum
case_state_from_rank(PG_FUNCTION_ARGS)
{
	return label_type_from_rank(&case_state_type, fcinfo);
}

PG_FUNCTION_INFO_V1(case_state_rank);
Datum
case_state_rank(PG_FUNCTION_ARGS)
{
	return label_type_rank(&case_state_type, fcinfo);
}

PG_FUNCTION_INFO_V1(case_state_label_in_language);
Datum
case_state_label_in_language(PG_FUNCTION_ARGS)
{
	return label_type_label(&case_state_type, fcinfo);
}

PG_FUNCTION_INFO_V1(case_states);
Datum
case_states(PG_FUNCTION_ARGS)
{
	return label_type_list(&case_state_type, fcinfo);
}
