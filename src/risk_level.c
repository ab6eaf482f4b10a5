/*
 * risk_level.c
 *		The type risk_level (风险等级): blue < yellow < orange < red.
 *
 * Design section 3.  What it does is in label_type.c; here are its labels.
 */
#include "risk_level.h"

#include "label_type.h"

static const Label risk_level_labels[] = {
	{RISK_BLUE, "blue", "蓝", "蓝色",
	 "settled or slight; looked at again before it is closed"},
	{RISK_YELLOW, "yellow", "黄", "黄色",
	 "not settled; those responsible for it can cope"},
	{RISK_ORANGE, "orange", "橙", "橙色",
	 "serious, may escalate; only where a policy has four colours"},
	{RISK_RED, "red", "红", "红色",
	 "grave, long-standing or of high risk; a leader answers for it too"},
};

StaticAssertDecl(lengthof(risk_level_labels) == RISK_LEVEL_COUNT,
				 "one label for each level");

static const LabelType risk_level_type = {"risk_level", RISK_LEVEL_COUNT,
										  risk_level_labels};

int
risk_level_index(uint8 code)
{
	return label_type_index(&risk_level_type, code);
}

RiskLevel
risk_level_at(int index)
{
	return label_type_at(&risk_level_type, index);
}

const char *
risk_level_label(RiskLevel risk)
{
	return label_type_get(&risk_level_type, risk)->english;
}

bool
risk_level_parse(const char *text, RiskLevel *risk)
{
	return label_type_parse(&risk_level_type, text, risk);
}

/*
 * SQL functions.  Each is label_type_* over the table above, where arguments,
 * results and errors are described.
 */
PG_FUNCTION_INFO_V1(risk_level_in);
Datum
risk_level_in(PG_FUNCTION_ARGS)
{
	return label_type_in(&risk_level_type, fcinfo);
}

PG_FUNCTION_INFO_V1(risk_level_out);
Datum
risk_level_out(PG_FUNCTION_ARGS)
{
	return label_type_out(&risk_level_type, fcinfo);
}

PG_FUNCTION_INFO_V1(risk_level_recv);
Datum
risk_level_recv(PG_FUNCTION_ARGS)
{
	return label_type_recv(&risk_level_type, fcinfo);
}

PG_FUNCTION_INFO_V1(risk_level_from_text);
Datum
risk_level_from_text(PG_FUNCTION_ARGS)
{
	return label_type_from_text(&risk_level_type, fcinfo);
}

PG_FUNCTION_INFO_V1(risk_level_from_rank);
Datum
risk_level_from_rank(PG_FUNCTION_ARGS)
{
	return label_type_from_rank(&risk_level_type, fcinfo);
}

PG_FUNCTION_INFO_V1(risk_level_rank);
Datum
risk_level_rank(PG_FUNCTION_ARGS)
{
	return label_type_rank(&risk_level_type, fcinfo);
}

PG_FUNCTION_INFO_V1(risk_level_label_in_language);
Datum
risk_level_label_in_language(PG_FUNCTION_ARGS)
{
	return label_type_label(&risk_level_type, fcinfo);
}

PG_FUNCTION_INFO_V1(risk_levels);
Datum
risk_levels(PG_FUNCTION_ARGS)
{
	return label_type_list(&risk_level_type, fcinfo);
}
