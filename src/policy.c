/*
 * policy.c
 *		Rules as data: the working copy read into memory, its activation, and the
 *		version in force as each backend keeps it.
 *
 * A working copy is rows of the policy tables and enforces nothing.
 * govcase.policy_rules() makes one document of them, activation stores the
 * document as the next row of policy_version, and everything that obeys a
 * policy reads such a document.  So there is one parser, and what a version
 * says never depends on rows that somebody is editing (design section 4).
 */
#include "policy.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parse_func.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"

#include "check_policy.h"

#define VERSION_TABLE "policy_version"
#define DIGEST_SIZE   32

/* Kinds of link that a need may ask for: those that people write. */
#define LINK_KINDS_OF_NEEDS \
	(((1 << LINK_KIND_COUNT) - 1) & \
	 ~((1 << LINK_REGISTERED) | (1 << LINK_TRANSITION) | (1 << LINK_REDACTION)))

PG_FUNCTION_INFO_V1(govcase_activate_policy);
PG_FUNCTION_INFO_V1(govcase_hold_policy);
PG_FUNCTION_INFO_V1(govcase_policy_roles);
PG_FUNCTION_INFO_V1(govcase_policy_moves);
PG_FUNCTION_INFO_V1(govcase_keep_shipped);
PG_FUNCTION_INFO_V1(govcase_keep_activated);
PG_FUNCTION_INFO_V1(govcase_follow_policy);
PG_FUNCTION_INFO_V1(govcase_keep_policy_version);
PG_FUNCTION_INFO_V1(govcase_policies_changed);

/* ---------------------------------------------------------------------------
 * What a policy says
 * ---------------------------------------------------------------------------
 */

bool
policy_is_one_colour(const Policy *policy)
{
	return policy->risks != 0 && (policy->risks & (policy->risks - 1)) == 0;
}

RiskLevel
policy_only_risk(const Policy *policy)
{
	int index = 0;

	Assert(policy_is_one_colour(policy));
	while ((policy->risks & (1 << index)) == 0)
		index++;
	return risk_level_at(index);
}

int
policy_role(const Policy *policy, const char *name)
{
	for (int i = 0; i < policy->nroles; i++)
	{
		if (strcmp(policy->roles[i].name, name) == 0)
			return i;
	}
	return NO_ROLE;
}

bool
policy_move_allows(const PolicyMove *move, int from_pair, int to_pair)
{
	RiskLevel from_risk;
	RiskLevel to_risk;

	if (move->at_insert || from_pair == to_pair)
		return false;
	if (!pair_state_in(move->from_states, from_pair) ||
		!pair_risk_in(move->from_risks, from_pair) ||
		!pair_risk_in(move->to_risks, to_pair))
		return false;
	if (pair_state(to_pair) !=
		(move->keeps_state ? pair_state(from_pair) : move->to_state))
		return false;
	from_risk = pair_risk(from_pair);
	to_risk = pair_risk(to_pair);
	switch (move->risk)
	{
		case RISK_CHANGE_SAME:
			return to_risk == from_risk;
		case RISK_CHANGE_UP:
			return to_risk > from_risk;
		case RISK_CHANGE_DOWN:
			return to_risk < from_risk;
		case RISK_CHANGE_ANY:
			return true;
	}
	return false;
}

bool
policy_move_admits(const PolicyMove *move, int to_pair)
{
	return move->at_insert && pair_state(to_pair) == move->to_state &&
		   pair_risk_in(move->to_risks, to_pair);
}

Bitmapset *
policy_watched_roles(const Policy *policy)
{
	Bitmapset *watched = NULL;

	for (int i = 0; i < policy->ninvariants; i++)
	{
		const PolicyInvariant *invariant = &policy->invariants[i];

		watched = bms_add_member(watched, invariant->role);
		if (invariant->role2 != NO_ROLE)
			watched = bms_add_member(watched, invariant->role2);
		if (invariant->if_role != NO_ROLE)
			watched = bms_add_member(watched, invariant->if_role);
	}
	return watched;
}

static void
policy_compile(Policy *policy)
{
	PairSet added;

	policy->insertable = 0;
	policy->needs_links = false;
	memset(policy->legal, 0, sizeof(policy->legal));

	for (int i = 0; i < policy->nmoves; i++)
	{
		const PolicyMove *move = &policy->moves[i];

		for (int n = 0; n < move->nneeds; n++)
		{
			if (move->needs[n].kind == NEED_LINK)
				policy->needs_links = true;
		}
		for (int to = 0; to < PAIR_COUNT; to++)
		{
			if (policy_move_admits(move, to))
				policy->insertable |= UINT64CONST(1) << to;
			for (int from = 0; from < PAIR_COUNT; from++)
			{
				if (policy_move_allows(move, from, to))
					policy->legal[from] |= UINT64CONST(1) << to;
			}
		}
	}

	policy->reachable = 0;
	added = policy->insertable;
	while (added != 0)
	{
		PairSet found = 0;

		policy->reachable |= added;
		for (int pair = 0; pair < PAIR_COUNT; pair++)
		{
			if (pair_in(added, pair))
				found |= policy->legal[pair];
		}
		added = found & ~policy->reachable;
	}
}

/* ---------------------------------------------------------------------------
 * Needs in words
 * ---------------------------------------------------------------------------
 */

static const char *
role_in_words(const Policy *policy, int role, const char *const *labels)
{
	if (labels != NULL && labels[role] != NULL)
		return labels[role];
	return policy->roles[role].name;
}

static void
append_link_need(StringInfo words, const Policy *policy, const PolicyNeed *need,
				 const char *const *labels)
{
	const char *between = "";

	for (int kind = 0; kind < LINK_KIND_COUNT; kind++)
	{
		const char *name = link_kind_name(kind);

		if ((need->link_kinds & (1 << kind)) == 0)
			continue;
		appendStringInfo(words, "%s%s %s", between,
						 strchr("aeiou", name[0]) != NULL ? "an" : "a", name);
		between = " or ";
	}
	if (need->by_other != NO_ROLE)
		appendStringInfo(words, " by another than the one in %s",
						 role_in_words(policy, need->by_other, labels));
	if (need->satisfied)
		appendStringInfoString(words, " in which the parties are satisfied");
	appendStringInfoString(words, " is on the chain");
	if (need->has_after)
	{
		Interval after = need->after;

		appendStringInfo(words, ", recorded at least %s after",
						 DatumGetCString(DirectFunctionCall1(interval_out,
															 IntervalPGetDatum(&after))));
	}
	else
		appendStringInfoString(words, " since");

	switch (need->since)
	{
		case SINCE_REGISTRATION:
			appendStringInfoString(words, " its registration");
			break;
		case SINCE_RISK:
			appendStringInfoString(words, " its risk last changed");
			break;
		case SINCE_STATES:
			between = " it came into ";
			for (int i = 0; i < CASE_STATE_COUNT; i++)
			{
				if ((need->since_states & (1 << i)) == 0)
					continue;
				appendStringInfo(words, "%s%s", between,
								 case_state_label(case_state_at(i)));
				between = " or ";
			}
			break;
	}
}

char *
policy_need_in_words(const Policy *policy, const PolicyNeed *need,
					 const char *const *labels)
{
	StringInfoData words;

	initStringInfo(&words);
	switch (need->kind)
	{
		case NEED_GIVEN:
			appendStringInfo(&words, "%s is given in the same statement",
							 role_in_words(policy, need->role, labels));
			break;
		case NEED_ZERO:
			appendStringInfo(&words, "%s is 0",
							 role_in_words(policy, need->role, labels));
			break;
		case NEED_OTHER:
			appendStringInfo(&words, "the acting person is another than the one in %s",
							 role_in_words(policy, need->role, labels));
			break;
		case NEED_LINK:
			append_link_need(&words, policy, need, labels);
			break;
	}
	return words.data;
}

/* ---------------------------------------------------------------------------
 * Reading a document of rules
 *
 * The document is what govcase.policy_rules() makes: an object of arrays of
 * objects, each of them one row without its nulls.
 * ---------------------------------------------------------------------------
 */

typedef struct RulesReader
{
	Policy *policy;
	const char *row; /* what errors call the object: move "assign" */
	bool is_row;     /* not the document itself */
	JsonbContainer *object;
	int nread; /* fields of the object that were asked for and found */
} RulesReader;

#define rules_error(reader, ...) \
	ereport(ERROR, \
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE), \
			 errmsg("rules of policy \"%s\" do not make sense", (reader)->policy->name), \
			 errdetail(__VA_ARGS__)))

static JsonbValue *
read_field(RulesReader *reader, const char *field)
{
	JsonbValue *value =
		getKeyJsonValueFromContainer(reader->object, field, strlen(field), NULL);

	if (value != NULL)
		reader->nread++;
	return value;
}

static bool
has_field(RulesReader *reader, const char *field)
{
	return getKeyJsonValueFromContainer(reader->object, field, strlen(field), NULL) !=
		   NULL;
}

/* A text, NULL where the object has none. */
static char *
read_text(RulesReader *reader, const char *field)
{
	JsonbValue *value = read_field(reader, field);

	if (value == NULL)
		return NULL;
	if (value->type != jbvString)
		rules_error(reader, "In %s: %s is not a text.", reader->row, field);
	return pnstrdup(value->val.string.val, value->val.string.len);
}

static char *
read_required_text(RulesReader *reader, const char *field)
{
	char *text = read_text(reader, field);

	if (text == NULL)
		rules_error(reader, "In %s: %s is missing.", reader->row, field);
	return text;
}

static bool
read_boolean(RulesReader *reader, const char *field)
{
	JsonbValue *value = read_field(reader, field);

	if (value == NULL)
		return false;
	if (value->type != jbvBool)
		rules_error(reader, "In %s: %s is not true or false.", reader->row, field);
	return value->val.boolean;
}

static int
read_number(RulesReader *reader, const char *field)
{
	JsonbValue *value = read_field(reader, field);

	if (value == NULL || value->type != jbvNumeric)
		rules_error(reader, "In %s: %s is not a number.", reader->row, field);
	return DatumGetInt32(
		DirectFunctionCall1(numeric_int4, NumericGetDatum(value->val.numeric)));
}

/* One word of a list, as its place in the list. */
static int
read_word(RulesReader *reader, const char *field, const char *const *words, int nwords)
{
	char *text = read_required_text(reader, field);

	for (int i = 0; i < nwords; i++)
	{
		if (strcmp(text, words[i]) == 0)
			return i;
	}
	rules_error(reader, "In %s: \"%s\" is no %s that govcase knows.", reader->row, text,
				field);
	return 0;
}

/* An array's elements; NULL where the object has none of that name. */
static JsonbContainer *
read_array(RulesReader *reader, const char *field)
{
	JsonbValue *value = read_field(reader, field);

	if (value == NULL)
		return NULL;
	if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data))
		rules_error(reader, "In %s: %s is not a list.", reader->row, field);
	return value->val.binary.data;
}

static char *
array_text(RulesReader *reader, const char *field, JsonbContainer *array, int element)
{
	JsonbValue *value = getIthJsonbValueFromContainer(array, element);

	if (value->type != jbvString)
		rules_error(reader, "In %s: %s holds what is not a text.", reader->row, field);
	return pnstrdup(value->val.string.val, value->val.string.len);
}

static int
array_count(RulesReader *reader, const char *field, JsonbContainer *array)
{
	if (JsonContainerSize(array) == 0)
		rules_error(reader, "In %s: %s is an empty list.", reader->row, field);
	return JsonContainerSize(array);
}

static StateSet
read_states(RulesReader *reader, const char *field, StateSet otherwise)
{
	JsonbContainer *array = read_array(reader, field);
	StateSet states = 0;
	int count;

	if (array == NULL)
		return otherwise;
	count = array_count(reader, field, array);
	for (int i = 0; i < count; i++)
	{
		char *text = array_text(reader, field, array, i);
		CaseState state;

		if (!case_state_parse(text, &state))
			rules_error(reader, "In %s: \"%s\" is no case_state.", reader->row, text);
		states |= 1 << case_state_index(state);
	}
	return states;
}

/* Risks of the policy; all of them where the object names none. */
static RiskSet
read_risks(RulesReader *reader, const char *field)
{
	JsonbContainer *array = read_array(reader, field);
	RiskSet risks = 0;
	int count;

	if (array == NULL)
		return reader->policy->risks;
	count = array_count(reader, field, array);
	for (int i = 0; i < count; i++)
	{
		char *text = array_text(reader, field, array, i);
		RiskLevel risk;

		if (!risk_level_parse(text, &risk))
			rules_error(reader, "In %s: \"%s\" is no risk_level.", reader->row, text);
		if (!risk_in(reader->policy->risks, risk))
			rules_error(reader, "In %s: the policy does not use risk %s.", reader->row,
						text);
		risks |= 1 << risk_level_index(risk);
	}
	return risks;
}

static LinkKind
parse_need_kind(RulesReader *reader, const char *text)
{
	LinkKind kind;

	if (!link_kind_parse(text, &kind))
		rules_error(reader, "In %s: \"%s\" is no kind of link.", reader->row, text);
	if ((LINK_KINDS_OF_NEEDS & (1 << kind)) == 0)
		rules_error(reader,
					"In %s: links of kind %s are govcase's own and cannot be needed.",
					reader->row, text);
	return kind;
}

/* A length of time; false where the object has none. */
static bool
read_interval(RulesReader *reader, const char *field, Interval *interval)
{
	char *text = read_text(reader, field);
	Interval none = {0};

	if (text == NULL)
		return false;
	*interval = *DatumGetIntervalP(DirectFunctionCall3(interval_in, CStringGetDatum(text),
													   ObjectIdGetDatum(InvalidOid),
													   Int32GetDatum(-1)));
	if (DatumGetInt32(DirectFunctionCall2(interval_cmp, IntervalPGetDatum(interval),
										  IntervalPGetDatum(&none))) <= 0)
		rules_error(reader, "In %s: %s is not longer than nothing.", reader->row, field);
	return true;
}

static const char *const role_kinds[] = {"person", "flag", "count", "text", "time"};

#define ANY_KIND (-1)

/* Number of the role that a field names, NO_ROLE where it names none. */
static int
read_role(RulesReader *reader, const char *field, int kind)
{
	char *name = read_text(reader, field);
	int role;

	if (name == NULL)
		return NO_ROLE;
	role = policy_role(reader->policy, name);
	if (role == NO_ROLE)
		rules_error(reader, "In %s: the policy has no role \"%s\".", reader->row, name);
	if (kind != ANY_KIND && reader->policy->roles[role].kind != (RoleKind) kind)
		rules_error(reader,
					"In %s: role \"%s\" is of kind %s, where %s must be of kind %s.",
					reader->row, name, role_kinds[reader->policy->roles[role].kind],
					field, role_kinds[kind]);
	return role;
}

static int
read_required_role(RulesReader *reader, const char *field, int kind)
{
	int role = read_role(reader, field, kind);

	if (role == NO_ROLE)
		rules_error(reader, "In %s: %s is missing.", reader->row, field);
	return role;
}

/*
 * The whole object was read.  A field that nobody asked for is a rule that this
 * version of govcase would not enforce, or one that does not belong there.
 */
static void
end_object(RulesReader *reader)
{
	if ((uint32) reader->nread != JsonContainerSize(reader->object))
		rules_error(reader, "In %s: it says more than such a row may say.", reader->row);
}

typedef void (*RowReader)(RulesReader *reader, void *row);

/*
 * Read an array of objects into an array of structs.  The rows of the working
 * copy are told by a number or a name in their first field.
 */
static void *
read_rows(RulesReader *outer, const char *field, const char *what, const char *label,
		  Size size, int *count, RowReader read_row)
{
	JsonbContainer *array = read_array(outer, field);
	char *rows;

	*count = array == NULL ? 0 : JsonContainerSize(array);
	rows = palloc0(size * Max(*count, 1));
	for (int i = 0; i < *count; i++)
	{
		JsonbValue *value = getIthJsonbValueFromContainer(array, i);
		JsonbValue *name;
		RulesReader reader = {.policy = outer->policy, .row = what, .is_row = true};

		if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
			rules_error(outer, "In %s: %s holds what is not a row.", outer->row, field);
		reader.object = value->val.binary.data;
		name = getKeyJsonValueFromContainer(reader.object, label, strlen(label), NULL);
		if (name != NULL && name->type == jbvString)
			reader.row =
				psprintf("%s \"%.*s\"", what, name->val.string.len, name->val.string.val);
		else if (name != NULL && name->type == jbvNumeric)
			reader.row = psprintf("%s %s", what,
								  DatumGetCString(DirectFunctionCall1(
									  numeric_out, NumericGetDatum(name->val.numeric))));
		if (outer->is_row)
			reader.row = psprintf("%s of %s", reader.row, outer->row);
		read_row(&reader, rows + i * size);
		end_object(&reader);
	}
	return rows;
}

static void
read_policy_role(RulesReader *reader, void *row)
{
	PolicyRole *role = row;

	role->name = read_required_text(reader, "role");
	role->kind = read_word(reader, "kind", role_kinds, lengthof(role_kinds));
}

static void
read_policy_need(RulesReader *reader, void *row)
{
	static const char *const kinds[] = {"given", "zero", "other", "link"};
	static const char *const points[] = {"registration", "risk", "states"};
	PolicyNeed *need = row;
	JsonbContainer *link_kinds;
	int count;

	need->name = read_required_text(reader, "need");
	need->kind = read_word(reader, "kind", kinds, lengthof(kinds));
	need->role = NO_ROLE;
	need->by_other = NO_ROLE;
	switch (need->kind)
	{
		case NEED_GIVEN:
			need->role = read_required_role(reader, "role", ANY_KIND);
			return;
		case NEED_ZERO:
			need->role = read_required_role(reader, "role", ROLE_COUNT);
			return;
		case NEED_OTHER:
			need->role = read_required_role(reader, "role", ROLE_PERSON);
			return;
		case NEED_LINK:
			break;
	}

	link_kinds = read_array(reader, "kinds");
	if (link_kinds == NULL)
		rules_error(reader, "In %s: kinds is missing.", reader->row);
	count = array_count(reader, "kinds", link_kinds);
	for (int i = 0; i < count; i++)
		need->link_kinds |=
			1 << parse_need_kind(reader, array_text(reader, "kinds", link_kinds, i));
	need->since = read_word(reader, "since", points, lengthof(points));
	if (need->since == SINCE_STATES)
	{
		need->since_states = read_states(reader, "since_states", 0);
		if (need->since_states == 0)
			rules_error(reader, "In %s: since_states is missing.", reader->row);
	}
	need->by_other = read_role(reader, "by_other", ROLE_PERSON);
	need->satisfied = read_boolean(reader, "satisfied");
	need->has_after = read_interval(reader, "after", &need->after);
}

static void
read_policy_move(RulesReader *reader, void *row)
{
	static const char *const changes[] = {"same", "up", "down", "any"};
	PolicyMove *move = row;
	char *to_state;

	move->name = read_required_text(reader, "move");
	move->at_insert = !has_field(reader, "from_states");
	move->from_states = read_states(reader, "from_states", 0);
	to_state = read_text(reader, "to_state");
	move->keeps_state = to_state == NULL;
	if (to_state != NULL && !case_state_parse(to_state, &move->to_state))
		rules_error(reader, "In %s: \"%s\" is no case_state.", reader->row, to_state);
	if (move->at_insert && move->keeps_state)
		rules_error(reader, "In %s: an INSERT names its state.", reader->row);
	if (move->at_insert && has_field(reader, "from_risks"))
		rules_error(reader, "In %s: an INSERT comes from no risk.", reader->row);
	move->from_risks = read_risks(reader, "from_risks");
	move->to_risks = read_risks(reader, "to_risks");
	move->risk = read_word(reader, "risk", changes, lengthof(changes));
	move->needs = read_rows(reader, "needs", "need", "need", sizeof(PolicyNeed),
							&move->nneeds, read_policy_need);
}

static void
read_policy_invariant(RulesReader *reader, void *row)
{
	static const char *const kinds[] = {"set", "distinct", "kept"};
	PolicyInvariant *invariant = row;

	invariant->number = read_number(reader, "n");
	invariant->states = read_states(reader, "states", ALL_STATES);
	invariant->risks = read_risks(reader, "risks");
	invariant->kind = read_word(reader, "kind", kinds, lengthof(kinds));
	invariant->role2 = NO_ROLE;
	invariant->role = read_required_role(reader, "role", ANY_KIND);
	if (invariant->kind == INVARIANT_DISTINCT)
		invariant->role2 = read_required_role(
			reader, "role2", reader->policy->roles[invariant->role].kind);
	invariant->if_role = read_role(reader, "if_role", ROLE_FLAG);
}

static void
read_policy_promise(RulesReader *reader, void *row)
{
	static const char *const kinds[] = {"never", "passes", "needs_link",
										"ends_reachable"};
	PolicyPromise *promise = row;

	promise->number = read_number(reader, "n");
	promise->kind = read_word(reader, "kind", kinds, lengthof(kinds));
	promise->from_states = promise->to_states = promise->via_states = ALL_STATES;
	promise->from_risks = promise->to_risks = promise->via_risks = reader->policy->risks;
	if (promise->kind == PROMISE_ENDS_REACHABLE)
		return;
	promise->from_states = read_states(reader, "from_states", ALL_STATES);
	promise->from_risks = read_risks(reader, "from_risks");
	promise->to_states = read_states(reader, "to_states", ALL_STATES);
	promise->to_risks = read_risks(reader, "to_risks");
	if (promise->kind == PROMISE_PASSES)
	{
		if (!has_field(reader, "via_states") && !has_field(reader, "via_risks"))
			rules_error(reader, "In %s: via_states or via_risks is missing.",
						reader->row);
		promise->via_states = read_states(reader, "via_states", ALL_STATES);
		promise->via_risks = read_risks(reader, "via_risks");
	}
	else if (promise->kind == PROMISE_NEEDS_LINK)
		promise->link_kind =
			parse_need_kind(reader, read_required_text(reader, "link_kind"));
}

static void
read_policy_term(RulesReader *reader, void *row)
{
	static const char *const kinds[] = {"stay", "contact"};
	PolicyTerm *term = row;

	term->number = read_number(reader, "n");
	term->kind = read_word(reader, "kind", kinds, lengthof(kinds));
	term->states = read_states(reader, "states", ALL_STATES);
	term->risks = read_risks(reader, "risks");
	if (!read_interval(reader, "within", &term->within))
		rules_error(reader, "In %s: within is missing.", reader->row);
}

/* A need of a move that the working copy does not have. */
static void
refuse_stray_need(RulesReader *reader, void *row pg_attribute_unused())
{
	char *need = read_required_text(reader, "need");

	rules_error(reader, "In need \"%s\": the policy has no move \"%s\".", need,
				read_required_text(reader, "move"));
}

/*
 * A policy from its document, in a new child context of the parent.  22023 where
 * the document does not make sense; the context is then the caller's child
 * context still, and goes with it.
 */
static Policy *
policy_from_rules(const char *name, int32 version, Jsonb *rules, MemoryContext parent)
{
	MemoryContext context =
		AllocSetContextCreate(parent, "govcase policy", ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Policy *policy = palloc0(sizeof(Policy));
	RulesReader reader = {.policy = policy, .row = "the document"};
	int nstray;

	policy->context = context;
	policy->name = pstrdup(name);
	policy->version = version;
	reader.object = &rules->root;
	if (!JsonContainerIsObject(reader.object))
		rules_error(&reader, "They are no JSON object.");

	policy->risks = (1 << RISK_LEVEL_COUNT) - 1;
	if (!has_field(&reader, "risks"))
		rules_error(&reader, "In %s: risks is missing.", reader.row);
	policy->risks = read_risks(&reader, "risks");
	policy->roles = read_rows(&reader, "roles", "role", "role", sizeof(PolicyRole),
							  &policy->nroles, read_policy_role);
	policy->moves = read_rows(&reader, "moves", "move", "move", sizeof(PolicyMove),
							  &policy->nmoves, read_policy_move);
	read_rows(&reader, "stray_needs", "need", "need", 0, &nstray, refuse_stray_need);
	policy->invariants =
		read_rows(&reader, "invariants", "invariant", "n", sizeof(PolicyInvariant),
				  &policy->ninvariants, read_policy_invariant);
	policy->promises =
		read_rows(&reader, "promises", "promise", "n", sizeof(PolicyPromise),
				  &policy->npromises, read_policy_promise);
	policy->terms = read_rows(&reader, "terms", "term", "n", sizeof(PolicyTerm),
							  &policy->nterms, read_policy_term);
	end_object(&reader);
	policy_compile(policy);

	MemoryContextSwitchTo(old);
	return policy;
}

/* ---------------------------------------------------------------------------
 * Reading and writing the tables
 * ---------------------------------------------------------------------------
 */

typedef struct SavedUser
{
	Oid user;
	int security;
} SavedUser;

/*
 * Act as the owner of policy_version, as foreign keys act as the owner of what
 * they read.  An error needs no cleaning up: (sub)abort puts the user back.
 */
static void
become_owner(SavedUser *saved)
{
	Oid relation = govcase_relation_oid(VERSION_TABLE);
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	Oid owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relation);
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);

	GetUserIdAndSecContext(&saved->user, &saved->security);
	SetUserIdAndSecContext(owner, saved->security | SECURITY_LOCAL_USERID_CHANGE |
									  SECURITY_NOFORCE_RLS);
}

static void
become_caller(const SavedUser *saved)
{
	SetUserIdAndSecContext(saved->user, saved->security);
}

static void
no_such_policy(const char *name)
{
	ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
					errmsg("policy \"%s\" does not exist", name),
					errhint("SELECT * FROM govcase.policy shows which there are.")));
}

/* Run a query with the policy's name as $1; SPI is connected. */
static void
execute_for_policy(const char *query, const char *name, bool read_only)
{
	Oid types[1] = {TEXTOID};
	Datum values[1] = {CStringGetTextDatum(name)};
	int result = SPI_execute_with_args(query, 1, types, values, NULL, read_only, 0);

	if (result < 0)
		elog(ERROR, "SPI_execute_with_args failed: %s", SPI_result_code_string(result));
}

/*
 * The document of the working copy, in SPI's context, by one query and so of one
 * snapshot: the active one where read_only, else a new one.
 */
static Jsonb *
working_copy_rules(const char *name, bool read_only)
{
	bool isnull = true;
	Datum rules = (Datum) 0;

	execute_for_policy("SELECT govcase.policy_rules($1)", name, read_only);
	if (SPI_processed > 0)
		rules = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	if (isnull)
		no_such_policy(name);
	return DatumGetJsonbP(rules);
}

Policy *
policy_load_working_copy(const char *name, MemoryContext parent)
{
	Policy *policy;

	SPI_connect();
	/* Its context is SPI's child until it is whole, so that errors leave nothing. */
	policy =
		policy_from_rules(name, 0, working_copy_rules(name, true), CurrentMemoryContext);
	MemoryContextSetParent(policy->context, parent);
	SPI_finish();
	return policy;
}

/* The newest version of a policy, as the latest snapshot sees it. */
typedef struct Head
{
	int32 version; /* 0: none */
	Jsonb *rules;
	uint8 digest[DIGEST_SIZE];
} Head;

/*
 * SPI is connected, the user is the owner; rules are in SPI's context.  Returns
 * whether the snapshot was the latest: none can be taken in parallel mode.
 */
static bool
read_head(const char *name, Head *head)
{
	Oid types[1] = {TEXTOID};
	Datum values[1] = {CStringGetTextDatum(name)};
	bool latest = !IsInParallelMode();
	SPIPlanPtr plan;
	int result;

	plan = SPI_prepare("SELECT version, rules, digest FROM govcase.policy_version "
					   "WHERE policy OPERATOR(pg_catalog.=) $1 "
					   "ORDER BY version DESC LIMIT 1",
					   1, types);
	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	result = SPI_execute_snapshot(plan, values, NULL,
								  latest ? GetLatestSnapshot() : GetActiveSnapshot(),
								  InvalidSnapshot, true, false, 1);
	if (result != SPI_OK_SELECT)
		elog(ERROR, "SPI_execute_snapshot failed: %s", SPI_result_code_string(result));

	memset(head, 0, sizeof(*head));
	if (SPI_processed > 0)
	{
		HeapTuple tuple = SPI_tuptable->vals[0];
		TupleDesc descriptor = SPI_tuptable->tupdesc;
		bool isnull;
		bytea *digest;

		head->version = DatumGetInt32(SPI_getbinval(tuple, descriptor, 1, &isnull));
		head->rules = DatumGetJsonbP(SPI_getbinval(tuple, descriptor, 2, &isnull));
		digest = DatumGetByteaPP(SPI_getbinval(tuple, descriptor, 3, &isnull));
		memcpy(head->digest, VARDATA_ANY(digest),
			   Min(VARSIZE_ANY_EXHDR(digest), DIGEST_SIZE));
	}
	SPI_freeplan(plan);
	return latest;
}

/* ---------------------------------------------------------------------------
 * The version in force
 * ---------------------------------------------------------------------------
 */

typedef struct CachedPolicy
{
	NameData name;  /* hash key; must be first */
	uint64 as_of;   /* invalidations that were known when it was read */
	Policy *policy; /* NULL: none in force, or a reading that failed */
	uint8 digest[DIGEST_SIZE];
} CachedPolicy;

static HTAB *cached_policies = NULL;
static MemoryContext policy_cache_context = NULL;

/* policy_version as last looked up: DROP and CREATE EXTENSION give it a new OID. */
static Oid version_relation = InvalidOid;
/* How often policy_version changed, as far as this backend was told. */
static uint64 policy_invalidations = 0;

static void
version_table_changed(Datum argument pg_attribute_unused(), Oid relation)
{
	if (!OidIsValid(relation) || relation == version_relation)
		policy_invalidations++;
}

static void
initialize_policy_cache(void)
{
	HASHCTL control;

	if (cached_policies != NULL)
		return;
	if (policy_cache_context == NULL)
	{
		policy_cache_context = AllocSetContextCreate(
			CacheMemoryContext, "govcase policies", ALLOCSET_SMALL_SIZES);
		CacheRegisterRelcacheCallback(version_table_changed, (Datum) 0);
	}
	memset(&control, 0, sizeof(control));
	control.keysize = sizeof(NameData);
	control.entrysize = sizeof(CachedPolicy);
	control.hcxt = policy_cache_context;
	cached_policies = hash_create("govcase policies in force", 16, &control,
								  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* Somebody up the call stack may still hold it: it goes with the transaction. */
static void
retire_policy(CachedPolicy *cached)
{
	if (cached->policy != NULL)
		MemoryContextSetParent(cached->policy->context, TopTransactionContext);
	cached->policy = NULL;
}

/* Read the head again and make the entry say what it says. */
static void
refresh_policy(CachedPolicy *cached)
{
	const char *name = NameStr(cached->name);
	uint64 as_of;
	bool latest;
	SavedUser saved;
	Head head;

	SPI_connect();
	become_owner(&saved);
	version_relation = govcase_relation_oid(VERSION_TABLE);

	/*
	 * Counted before the snapshot is taken: what commits in between is read now
	 * or makes the entry stale, never neither.
	 */
	as_of = policy_invalidations;
	latest = read_head(name, &head);
	become_caller(&saved);

	/*
	 * The version number alone does not tell: one's own activation, rolled back,
	 * had the number that another session's has now.
	 */
	if (cached->policy == NULL || head.version != cached->policy->version ||
		memcmp(head.digest, cached->digest, DIGEST_SIZE) != 0)
	{
		Policy *policy = NULL;

		if (head.version != 0)
			policy =
				policy_from_rules(name, head.version, head.rules, CurrentMemoryContext);
		retire_policy(cached);
		if (policy != NULL)
			MemoryContextSetParent(policy->context, policy_cache_context);
		cached->policy = policy;
		memcpy(cached->digest, head.digest, DIGEST_SIZE);
	}

	/* A snapshot that was not the latest serves this once. */
	if (latest)
		cached->as_of = as_of;
	else
		cached->as_of = as_of - 1;
	SPI_finish();
}

const Policy *
policy_in_force(const char *name)
{
	NameData key;
	CachedPolicy *cached;
	bool found;

	initialize_policy_cache();
	AcceptInvalidationMessages();

	if (strlen(name) >= NAMEDATALEN)
		no_such_policy(name);
	namestrcpy(&key, name);
	cached = hash_search(cached_policies, &key, HASH_ENTER, &found);
	if (!found)
	{
		cached->policy = NULL;
		cached->as_of = 0;
	}
	if (cached->policy == NULL || cached->as_of != policy_invalidations)
		refresh_policy(cached);
	if (cached->policy == NULL)
	{
		hash_search(cached_policies, &key, HASH_REMOVE, NULL);
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("policy \"%s\" is not in force", name),
				 errdetail("No version of it was ever activated."),
				 errhint("SELECT * FROM govcase.policy_version shows what is in force; "
						 "govcase.activate_policy() brings a working copy into force.")));
	}
	return cached->policy;
}

/* ---------------------------------------------------------------------------
 * Activation
 * ---------------------------------------------------------------------------
 */

/*
 * Lock the policy's row until the transaction ends; SPI is connected, the user
 * is the owner.  Returns whether the policy is a shipped one.
 */
static bool
lock_policy(const char *name, bool exclusively)
{
	bool isnull;

	execute_for_policy(exclusively ? "SELECT shipped FROM govcase.policy "
									 "WHERE policy OPERATOR(pg_catalog.=) $1 FOR UPDATE"
								   : "SELECT shipped FROM govcase.policy "
									 "WHERE policy OPERATOR(pg_catalog.=) $1 FOR SHARE",
					   name, false);
	if (SPI_processed == 0)
		no_such_policy(name);
	return DatumGetBool(
		SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
}

/*
 * Under REPEATABLE READ the working copy is read with the transaction's own
 * snapshot.  Where that does not see the newest version, somebody else activated
 * since, and writing would bring older rules back into force.
 */
static void
check_head_is_seen(const char *name, const Head *head)
{
	bool isnull;
	Datum seen;

	if (!IsolationUsesXactSnapshot())
		return;
	execute_for_policy("SELECT pg_catalog.max(version) FROM govcase.policy_version "
					   "WHERE policy OPERATOR(pg_catalog.=) $1",
					   name, false);
	seen = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	if ((isnull ? 0 : DatumGetInt32(seen)) != head->version)
		ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
						errmsg("could not serialize access due to concurrent activation"),
						errdetail("Version %d of policy \"%s\" was activated after this "
								  "transaction began.",
								  head->version, name),
						errhint("The transaction might succeed if retried.")));
}

static void
refuse_fatal_problems(const Policy *policy)
{
	StringInfoData fatal;
	ListCell *cell;

	initStringInfo(&fatal);
	foreach (cell, check_policy_problems(policy))
	{
		const PolicyProblem *problem = lfirst(cell);

		if (!problem->fatal)
			continue;
		if (fatal.len > 0)
			appendStringInfoChar(&fatal, '\n');
		appendStringInfo(&fatal, "%s: %s", problem->kind, problem->detail);
		if (problem->path != NULL)
			appendStringInfo(&fatal, " (%s)", problem->path);
	}
	if (fatal.len == 0)
		return;
	ereport(ERROR, (errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
					errmsg("policy \"%s\" cannot come into force", policy->name),
					errdetail_internal("%s", fatal.data),
					errhint("SELECT * FROM govcase.check_policy(%s) shows all that it "
							"finds.",
							quote_literal_cstr(policy->name))));
}

static bool
list_has(List *words, const char *word)
{
	ListCell *cell;

	foreach (cell, words)
	{
		if (strcmp(lfirst(cell), word) == 0)
			return true;
	}
	return false;
}

/*
 * Append what the policy asks of a protected table and its carrier does not
 * give.  The arguments are those of the carrier: policy, chain set, the roles
 * of each column, then options.
 */
static void
append_misfits(StringInfo misfits, const Policy *policy, const Bitmapset *watched,
			   const char *table, char **arguments, int narguments, int ncolumns)
{
	List *mapped = NIL;
	List *watching = NIL;

	for (int i = 2; i < narguments; i++)
	{
		List *words = NIL;

		if (i < 2 + ncolumns)
		{
			if (SplitIdentifierString(pstrdup(arguments[i]), ',', &words))
				mapped = list_concat(mapped, words);
		}
		else if (strncmp(arguments[i], "watch=", 6) == 0)
		{
			if (SplitIdentifierString(pstrdup(arguments[i] + 6), ',', &words))
				watching = list_concat(watching, words);
		}
	}

	if (!policy_is_one_colour(policy) && !list_has(mapped, "risk"))
		appendStringInfo(misfits, "%sTable %s has no column for the risk.",
						 misfits->len > 0 ? "\n" : "", table);
	for (int role = 0; role < policy->nroles; role++)
	{
		const char *name = policy->roles[role].name;

		if (!list_has(mapped, name))
			appendStringInfo(misfits, "%sTable %s has no column for role \"%s\".",
							 misfits->len > 0 ? "\n" : "", table, name);
		else if (bms_is_member(role, watched) && !list_has(watching, name))
			appendStringInfo(misfits, "%sTable %s does not watch role \"%s\".",
							 misfits->len > 0 ? "\n" : "", table, name);
	}
}

/*
 * A version that a protected table cannot obey must not come into force: its
 * triggers would find no column for a role, or would not fire where an
 * invariant is broken.  SPI is connected.
 */
static void
refuse_misfit_tables(const Policy *policy)
{
	Oid carrier =
		LookupFuncName(list_make2(makeString(GOVCASE_SCHEMA), makeString("case_columns")),
					   0, NULL, true);
	Bitmapset *watched = policy_watched_roles(policy);
	StringInfoData misfits;

	/* The install script activates what is shipped before there are carriers. */
	if (!OidIsValid(carrier))
		return;
	initStringInfo(&misfits);
	execute_for_policy(
		"SELECT t.tgrelid, pg_catalog.array_length(t.tgattr::pg_catalog.int2[], 1), "
		"  govcase.trigger_arguments(t.oid), "
		"  pg_catalog.format('%I.%I', n.nspname, c.relname) "
		"FROM pg_catalog.pg_trigger t "
		"  JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) t.tgrelid "
		"  JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace "
		"WHERE t.tgfoid OPERATOR(pg_catalog.=) "
		"    'govcase.case_columns()'::pg_catalog.regprocedure "
		"  AND (govcase.trigger_arguments(t.oid))[1] OPERATOR(pg_catalog.=) $1 "
		"ORDER BY n.nspname, c.relname",
		policy->name, false);
	for (uint64 row = 0; row < SPI_processed; row++)
	{
		HeapTuple tuple = SPI_tuptable->vals[row];
		TupleDesc descriptor = SPI_tuptable->tupdesc;
		bool isnull;
		Datum ncolumns = SPI_getbinval(tuple, descriptor, 2, &isnull);
		Datum *elements;
		int narguments;
		char **arguments;

		if (isnull)
			ncolumns = Int32GetDatum(0);
		deconstruct_array(
			DatumGetArrayTypeP(SPI_getbinval(tuple, descriptor, 3, &isnull)), TEXTOID, -1,
			false, TYPALIGN_INT, &elements, NULL, &narguments);
		arguments = palloc(sizeof(char *) * narguments);
		for (int i = 0; i < narguments; i++)
			arguments[i] = TextDatumGetCString(elements[i]);
		append_misfits(&misfits, policy, watched, SPI_getvalue(tuple, descriptor, 4),
					   arguments, narguments, DatumGetInt32(ncolumns));
	}
	if (misfits.len == 0)
		return;
	ereport(
		ERROR,
		(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		 errmsg("policy \"%s\" does not fit the tables that it protects", policy->name),
		 errdetail_internal("%s", misfits.data),
		 errhint("Bring these rules into force under a new name with "
				 "govcase.copy_policy() and govcase.activate_policy(), then move "
				 "each table to it with govcase.change_policy().")));
}

/*
 * Rows of a policy that does not exist are most likely a slip in its name.  No
 * foreign key tells (see sql/policy.sql), so activation does.  SPI is connected.
 */
static void
warn_of_stray_rows(void)
{
	static const char *const query =
		"SELECT s.policy, pg_catalog.string_agg(s.name, ', ' ORDER BY s.name) FROM ("
		"  SELECT 'policy_role' AS name, policy FROM govcase.policy_role UNION"
		"  SELECT 'policy_move', policy FROM govcase.policy_move UNION"
		"  SELECT 'policy_need', policy FROM govcase.policy_need UNION"
		"  SELECT 'policy_invariant', policy FROM govcase.policy_invariant UNION"
		"  SELECT 'policy_promise', policy FROM govcase.policy_promise UNION"
		"  SELECT 'policy_term', policy FROM govcase.policy_term) s "
		"WHERE NOT EXISTS (SELECT FROM govcase.policy p"
		"  WHERE p.policy OPERATOR(pg_catalog.=) s.policy) "
		"GROUP BY s.policy ORDER BY s.policy";

	if (SPI_execute(query, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "SPI_execute failed: %s", SPI_result_code_string(SPI_result));
	for (uint64 row = 0; row < SPI_processed; row++)
	{
		HeapTuple tuple = SPI_tuptable->vals[row];

		ereport(
			WARNING,
			(errmsg("there are rows of policy \"%s\", which does not exist",
					SPI_getvalue(tuple, SPI_tuptable->tupdesc, 1)),
			 errdetail("They are in %s.", SPI_getvalue(tuple, SPI_tuptable->tupdesc, 2)),
			 errhint("Correct the name, delete them, or insert the policy.")));
	}
}

/* Append the version; returns its number.  SPI is connected, the user is the owner. */
static int32
write_version(const char *name, int32 version, Jsonb *rules, const char *caller,
			  bool shipped)
{
	Oid types[] = {TEXTOID, INT4OID, JSONBOID, TEXTOID, BOOLOID};
	Datum values[] = {CStringGetTextDatum(name), Int32GetDatum(version),
					  JsonbPGetDatum(rules), CStringGetTextDatum(caller),
					  BoolGetDatum(shipped)};
	int result;

	result = SPI_execute_with_args(
		"INSERT INTO govcase.policy_version "
		"  (policy, version, activated_at, activated_by, rules, digest, shipped) "
		"VALUES ($1, $2, pg_catalog.clock_timestamp(), $4, $3, "
		"  govcase.rules_digest($3), $5)",
		lengthof(types), types, values, NULL, false, 0);
	if (result != SPI_OK_INSERT)
		elog(ERROR, "SPI_execute_with_args failed: %s", SPI_result_code_string(result));
	return version;
}

static bool
rules_are_in_force(Jsonb *rules, const Head *head)
{
	return head->version != 0 &&
		   compareJsonbContainers(&rules->root, &head->rules->root) == 0;
}

/*
 * activate_policy(policy text) returns integer
 *
 * Bring the working copy into force as the next version, whose number it
 * returns; with a NOTICE the one in force, where that says the same.  Strict,
 * volatile, parallel unsafe.  Runs as the owner of policy_version, which nobody
 * else writes: EXECUTE is what a database administrator grants.
 * Errors: 42704 no such policy; 22023 rows that do not make sense; 42P17 a fatal
 * problem found by the model checker; 55000 protected tables that cannot obey;
 * 40001 a newer version that the transaction's snapshot does not see.
 */
Datum
govcase_activate_policy(PG_FUNCTION_ARGS)
{
	char *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char *caller = GetUserNameFromId(GetUserId(), false);
	SavedUser saved;
	Head head;
	Jsonb *rules;
	bool shipped;
	bool unchanged;
	int32 version;

	SPI_connect();
	become_owner(&saved);
	shipped = lock_policy(name, true);
	read_head(name, &head);
	check_head_is_seen(name, &head);
	rules = working_copy_rules(name, false);
	warn_of_stray_rows();
	unchanged = rules_are_in_force(rules, &head);
	if (unchanged)
		version = head.version;
	else
	{
		Policy *policy = policy_from_rules(name, 0, rules, CurrentMemoryContext);

		refuse_fatal_problems(policy);
		refuse_misfit_tables(policy);
		version = write_version(name, head.version + 1, rules, caller, shipped);
	}
	become_caller(&saved);
	SPI_finish();

	if (unchanged)
		ereport(NOTICE,
				(errmsg("version %d of policy \"%s\" already says the same, skipping",
						version, name)));
	PG_RETURN_INT32(version);
}

/*
 * hold_policy(policy text) returns integer
 *
 * The version in force, which stays so until the transaction ends: whoever fits
 * a table to it must not be overtaken by an activation.  Strict, volatile,
 * parallel unsafe.  42704 where nothing of that name is in force.
 */
Datum
govcase_hold_policy(PG_FUNCTION_ARGS)
{
	char *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	SavedUser saved;

	SPI_connect();
	become_owner(&saved);
	lock_policy(name, false);
	become_caller(&saved);
	SPI_finish();
	PG_RETURN_INT32(policy_in_force(name)->version);
}

/* ---------------------------------------------------------------------------
 * For analysts and for protect_cases
 * ---------------------------------------------------------------------------
 */

/*
 * policy_roles(policy text) returns setof (role text, kind text, watched boolean)
 *
 * Roles of the version in force; watched where an invariant names it, so that a
 * protected table's trigger must fire when its column changes.  Strict, stable.
 * 42704 where nothing of that name is in force.
 */
Datum
govcase_policy_roles(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	const Policy *policy = policy_in_force(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	Bitmapset *watched = policy_watched_roles(policy);

	InitMaterializedSRF(fcinfo, 0);
	for (int role = 0; role < policy->nroles; role++)
	{
		Datum values[3];
		bool nulls[3] = {false};

		values[0] = CStringGetTextDatum(policy->roles[role].name);
		values[1] = CStringGetTextDatum(role_kinds[policy->roles[role].kind]);
		values[2] = BoolGetDatum(bms_is_member(role, watched));
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

static Datum
needs_in_words(const Policy *policy, const PolicyMove *move)
{
	Datum *words = palloc(sizeof(Datum) * Max(move->nneeds, 1));

	for (int i = 0; i < move->nneeds; i++)
		words[i] =
			CStringGetTextDatum(policy_need_in_words(policy, &move->needs[i], NULL));
	return PointerGetDatum(
		construct_array(words, move->nneeds, TEXTOID, -1, false, TYPALIGN_INT));
}

/*
 * policy_moves(policy text, working_copy boolean) returns setof (from_state,
 * from_risk, to_state, to_risk, move text, needs text[])
 *
 * Each move as the pairs that it leads from and to; from is null for INSERT.
 * Strict, stable.  Errors: 42704 no such policy or none in force; 22023 a
 * working copy that does not make sense.
 */
Datum
govcase_policy_moves(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	char *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	const Policy *policy = PG_GETARG_BOOL(1)
							   ? policy_load_working_copy(name, CurrentMemoryContext)
							   : policy_in_force(name);

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < policy->nmoves; i++)
	{
		const PolicyMove *move = &policy->moves[i];
		Datum values[6];
		bool nulls[6] = {false};

		values[4] = CStringGetTextDatum(move->name);
		values[5] = needs_in_words(policy, move);
		nulls[0] = nulls[1] = move->at_insert;
		for (int from = 0; from < (move->at_insert ? 1 : PAIR_COUNT); from++)
		{
			values[0] = CaseStateGetDatum(pair_state(from));
			values[1] = RiskLevelGetDatum(pair_risk(from));
			for (int to = 0; to < PAIR_COUNT; to++)
			{
				if (move->at_insert ? !policy_move_admits(move, to)
									: !policy_move_allows(move, from, to))
					continue;
				values[2] = CaseStateGetDatum(pair_state(to));
				values[3] = RiskLevelGetDatum(pair_risk(to));
				tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
			}
		}
	}
	return (Datum) 0;
}

/* ---------------------------------------------------------------------------
 * Guards of the tables
 * ---------------------------------------------------------------------------
 */

static TriggerData *
trigger_call(FunctionCallInfo fcinfo, const char *function)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("function \"%s\" was not called by a trigger", function)));
	return (TriggerData *) fcinfo->context;
}

/* The script that installs or upgrades govcase is what ships policies. */
static bool
in_own_script(void)
{
	return creating_extension &&
		   CurrentExtensionObject == get_extension_oid("govcase", true);
}

static bool
policy_is_shipped(const char *name)
{
	bool shipped = false;
	bool isnull;
	SavedUser saved;

	SPI_connect();
	become_owner(&saved);
	execute_for_policy("SELECT shipped FROM govcase.policy "
					   "WHERE policy OPERATOR(pg_catalog.=) $1",
					   name, false);
	if (SPI_processed > 0)
		shipped = DatumGetBool(
			SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	become_caller(&saved);
	SPI_finish();
	return shipped;
}

/* Refuse to touch a row that belongs to a shipped policy. */
static void
refuse_shipped_row(Relation relation, HeapTuple row)
{
	TupleDesc descriptor = RelationGetDescr(relation);
	char *policy = SPI_getvalue(row, descriptor, SPI_fnumber(descriptor, "policy"));
	int shipped_column = SPI_fnumber(descriptor, "shipped");
	bool shipped;
	bool isnull;

	if (policy == NULL)
		return;
	if (shipped_column > 0)
		shipped = DatumGetBool(heap_getattr(row, shipped_column, descriptor, &isnull));
	else
		shipped = policy_is_shipped(policy);
	if (shipped)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("policy \"%s\" is shipped with govcase and not edited in place",
						policy),
				 errhint("Make a copy with govcase.copy_policy() and edit that.")));
}

/*
 * keep_shipped() returns trigger
 *
 * BEFORE ROW trigger of policy and of the tables that hang on it, and BEFORE
 * TRUNCATE.  55000 for a change of a shipped policy and for TRUNCATE by anybody
 * but govcase's own install and upgrade scripts.
 */
Datum
govcase_keep_shipped(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = trigger_call(fcinfo, "keep_shipped");
	bool is_update = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event);

	if (TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event))
	{
		if (!in_own_script())
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("table \"%s\" holds policies that are shipped with govcase",
							RelationGetRelationName(trigger->tg_relation)),
					 errhint("Delete the rows of your own policies instead.")));
		return PointerGetDatum(NULL);
	}
	if (!in_own_script())
	{
		refuse_shipped_row(trigger->tg_relation, trigger->tg_trigtuple);
		if (is_update)
			refuse_shipped_row(trigger->tg_relation, trigger->tg_newtuple);
	}
	return PointerGetDatum(is_update ? trigger->tg_newtuple : trigger->tg_trigtuple);
}

static char *
row_text(TriggerData *trigger, HeapTuple row, const char *column)
{
	TupleDesc descriptor = RelationGetDescr(trigger->tg_relation);

	return SPI_getvalue(row, descriptor, SPI_fnumber(descriptor, column));
}

/*
 * keep_activated() returns trigger
 *
 * BEFORE ROW trigger of policy: 2BP01 for deleting or renaming one that has
 * versions.  The row is locked by then, as it is during an activation, so the
 * latest snapshot sees the versions that there are.
 */
Datum
govcase_keep_activated(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = trigger_call(fcinfo, "keep_activated");
	bool is_update = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event);
	char *name = row_text(trigger, trigger->tg_trigtuple, "policy");
	SavedUser saved;
	Head head;

	if (is_update && strcmp(name, row_text(trigger, trigger->tg_newtuple, "policy")) == 0)
		return PointerGetDatum(trigger->tg_newtuple);
	SPI_connect();
	become_owner(&saved);
	read_head(name, &head);
	become_caller(&saved);
	SPI_finish();
	if (head.version != 0)
		ereport(
			ERROR,
			(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
			 errmsg("policy \"%s\" was activated and keeps its row and its name", name),
			 errdetail("Tables may be under it, and follow-up chains name its versions."),
			 errhint("Make a copy with govcase.copy_policy() under the new name.")));
	return PointerGetDatum(is_update ? trigger->tg_newtuple : trigger->tg_trigtuple);
}

/*
 * Run a query as the owner with $1 and $2 from the old row and $3 and $4 from
 * the new one.  SPI is connected.
 */
static void
execute_follow(const char *query, const char *const *texts)
{
	Oid types[4] = {TEXTOID, TEXTOID, TEXTOID, TEXTOID};
	Datum values[4];
	char nulls[4];
	int result;

	for (int i = 0; i < 4; i++)
	{
		nulls[i] = texts[i] == NULL ? 'n' : ' ';
		values[i] = texts[i] == NULL ? (Datum) 0 : CStringGetTextDatum(texts[i]);
	}
	result = SPI_execute_with_args(query, 4, types, values, nulls, false, 0);
	if (result < 0)
		elog(ERROR, "SPI_execute_with_args failed: %s", SPI_result_code_string(result));
}

/*
 * follow_policy() returns trigger
 *
 * AFTER ROW trigger of policy, policy_move and policy_role: what hangs on the
 * row follows its new name, and goes with a policy or a move.  Acts as the owner
 * of the tables, as a foreign key's CASCADE would.
 */
Datum
govcase_follow_policy(PG_FUNCTION_ARGS)
{
	static const char *const tables[] = {"policy_role",    "policy_move",
										 "policy_need",    "policy_invariant",
										 "policy_promise", "policy_term"};
	TriggerData *trigger = trigger_call(fcinfo, "follow_policy");
	const char *table = RelationGetRelationName(trigger->tg_relation);
	bool is_update = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event);
	bool of_policy = strcmp(table, "policy") == 0;
	const char *label = strcmp(table, "policy_move") == 0 ? "move" : "role";
	const char *texts[4] = {NULL, NULL, NULL, NULL};
	SavedUser saved;

	SPI_connect();
	texts[0] = row_text(trigger, trigger->tg_trigtuple, "policy");
	if (!of_policy)
		texts[1] = row_text(trigger, trigger->tg_trigtuple, label);
	if (is_update)
	{
		texts[2] = row_text(trigger, trigger->tg_newtuple, "policy");
		if (!of_policy)
			texts[3] = row_text(trigger, trigger->tg_newtuple, label);
	}

	become_owner(&saved);
	if (of_policy)
	{
		for (int i = 0; i < (int) lengthof(tables); i++)
			execute_follow(psprintf(is_update ? "UPDATE govcase.%s SET policy = $3 "
												"WHERE policy OPERATOR(pg_catalog.=) $1"
											  : "DELETE FROM govcase.%s "
												"WHERE policy OPERATOR(pg_catalog.=) $1",
									tables[i]),
						   texts);
	}
	else if (strcmp(label, "move") == 0)
		execute_follow(is_update
						   ? "UPDATE govcase.policy_need SET policy = $3, move = $4 "
							 "WHERE policy OPERATOR(pg_catalog.=) $1 "
							 "  AND move OPERATOR(pg_catalog.=) $2"
						   : "DELETE FROM govcase.policy_need "
							 "WHERE policy OPERATOR(pg_catalog.=) $1 "
							 "  AND move OPERATOR(pg_catalog.=) $2",
					   texts);
	else
	{
		execute_follow(
			"UPDATE govcase.policy_need SET "
			"  role = CASE WHEN role OPERATOR(pg_catalog.=) $2 THEN $4 ELSE role END, "
			"  by_other = CASE WHEN by_other OPERATOR(pg_catalog.=) $2 THEN $4 "
			"    ELSE by_other END "
			"WHERE policy OPERATOR(pg_catalog.=) $1 "
			"  AND (role OPERATOR(pg_catalog.=) $2 OR by_other OPERATOR(pg_catalog.=) "
			"$2)",
			texts);
		execute_follow(
			"UPDATE govcase.policy_invariant SET "
			"  role = CASE WHEN role OPERATOR(pg_catalog.=) $2 THEN $4 ELSE role END, "
			"  role2 = CASE WHEN role2 OPERATOR(pg_catalog.=) $2 THEN $4 ELSE role2 END, "
			"  if_role = CASE WHEN if_role OPERATOR(pg_catalog.=) $2 THEN $4 "
			"    ELSE if_role END "
			"WHERE policy OPERATOR(pg_catalog.=) $1 "
			"  AND (role OPERATOR(pg_catalog.=) $2 OR role2 OPERATOR(pg_catalog.=) $2 "
			"    OR if_role OPERATOR(pg_catalog.=) $2)",
			texts);
	}
	become_caller(&saved);
	SPI_finish();
	return PointerGetDatum(NULL);
}

/*
 * keep_policy_version() returns trigger
 *
 * BEFORE UPDATE, DELETE and TRUNCATE of policy_version: VC003, always.  Links of
 * cases name the version that allowed them.
 */
Datum
govcase_keep_policy_version(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = trigger_call(fcinfo, "keep_policy_version");

	ereport(ERROR,
			(errcode(ERRCODE_VC_APPEND_ONLY), errmsg("policy versions are append-only"),
			 errdetail("Follow-up chains name the versions that allowed their moves."),
			 errhint("Edit the working copy and call govcase.activate_policy()."),
			 errtable(trigger->tg_relation)));
	return PointerGetDatum(NULL);
}

/*
 * policies_changed() returns trigger
 *
 * AFTER trigger of policy_version, ENABLE ALWAYS: tells each backend at commit,
 * this one from its next command, that what it keeps may be out of date.
 */
Datum
govcase_policies_changed(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = trigger_call(fcinfo, "policies_changed");

	CacheInvalidateRelcacheByRelid(RelationGetRelid(trigger->tg_relation));
	return PointerGetDatum(NULL);
}
