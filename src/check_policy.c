/*
 * check_policy.c
 *		The model checker: explores the pairs that a policy's moves connect.
 *
 * Pairs are nodes, and a move that some row can make from one pair to another is
 * an edge.  An edge is left out where the move's needs and the invariants of the
 * pair that it leads to contradict each other (design section 4); what reaches
 * what is then plain graph search.  Everything that is printed is searched in
 * pair order and move order, so that the same policy always gets the same words.
 */
#include "check_policy.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"

/* Not a pair: nothing found, or the beginning of a path. */
#define NO_PAIR (-1)

typedef struct PolicyGraph
{
	const Policy *policy;
	PairSet pairs;                /* of the policy's risks */
	PairSet (*edges)[PAIR_COUNT]; /* of each move: from each pair, where it leads */
	PairSet *sources;  /* of each move: pairs it would leave, contradictions aside */
	PairSet *admitted; /* of each move at INSERT: where it lets a case begin */
	PairSet insertable;
	PairSet next[PAIR_COUNT]; /* by any move */
	PairSet reachable;
	int way_in[PAIR_COUNT]; /* before each reachable pair on a shortest way to it */
	PairSet can_end;        /* pairs from which an end is reached, ends included */
} PolicyGraph;

PG_FUNCTION_INFO_V1(check_policy);
PG_FUNCTION_INFO_V1(policy_pairs);

static inline PairSet
pair_bit(int pair)
{
	return UINT64CONST(1) << pair;
}

/* Pairs of these states and risks. */
static PairSet
pairs_of(StateSet states, RiskSet risks)
{
	PairSet pairs = 0;

	for (int pair = 0; pair < PAIR_COUNT; pair++)
		if (state_in(states, pair_state(pair)) && risk_in(risks, pair_risk(pair)))
			pairs |= pair_bit(pair);
	return pairs;
}

static bool
state_is_end(CaseState state)
{
	return state == STATE_CLOSED || state == STATE_TRANSFERRED || state == STATE_VOIDED;
}

static bool
invariant_holds_in(const PolicyInvariant *invariant, int pair)
{
	return state_in(invariant->states, pair_state(pair)) &&
		   risk_in(invariant->risks, pair_risk(pair));
}

/* Does an invariant that no flag can lift ask for the role to be set there? */
static bool
role_is_set_in(const Policy *policy, int role, int pair)
{
	for (int i = 0; i < policy->ninvariants; i++)
	{
		const PolicyInvariant *invariant = &policy->invariants[i];

		if (invariant->kind == INVARIANT_SET && invariant->role == role &&
			invariant->if_role == NO_ROLE && invariant_holds_in(invariant, pair))
			return true;
	}
	return false;
}

static bool
move_has_need(const PolicyMove *move, NeedKind kind, int role)
{
	for (int i = 0; i < move->nneeds; i++)
		if (move->needs[i].kind == kind && move->needs[i].role == role)
			return true;
	return false;
}

/*
 * Is the role not null after the move?  Because the move gives it, because it
 * must be set in the pair, or because it was set before and is kept.
 */
static bool
role_is_set_after(const Policy *policy, const PolicyMove *move, int from_pair,
				  int to_pair, int role)
{
	if (move_has_need(move, NEED_GIVEN, role) || role_is_set_in(policy, role, to_pair))
		return true;
	if (from_pair == NO_PAIR || !role_is_set_in(policy, role, from_pair))
		return false;
	for (int i = 0; i < policy->ninvariants; i++)
	{
		const PolicyInvariant *invariant = &policy->invariants[i];

		if (invariant->kind == INVARIANT_KEPT && invariant->role == role &&
			invariant->if_role == NO_ROLE && invariant_holds_in(invariant, to_pair))
			return true;
	}
	return false;
}

/*
 * Why no row can make the move between the two pairs (from NO_PAIR at INSERT),
 * or NULL where some row can.  What a flag can lift is no contradiction, and a
 * person, a text or a count can always be chosen different from another; so two
 * roles are forced to be equal only where both are given and zero.
 */
static char *
move_contradiction(const Policy *policy, const PolicyMove *move, int from_pair,
				   int to_pair)
{
	if (move->at_insert)
		for (int i = 0; i < move->nneeds; i++)
			if (move->needs[i].kind == NEED_LINK)
				return psprintf("need \"%s\" asks for a link, and a case that is being "
								"registered has none",
								move->needs[i].name);

	for (int i = 0; i < policy->ninvariants; i++)
	{
		const PolicyInvariant *invariant = &policy->invariants[i];
		int role = invariant->role;
		int role2 = invariant->role2;

		if (invariant->kind != INVARIANT_DISTINCT || invariant->if_role != NO_ROLE ||
			!invariant_holds_in(invariant, to_pair) ||
			!role_is_set_after(policy, move, from_pair, to_pair, role) ||
			!role_is_set_after(policy, move, from_pair, to_pair, role2))
			continue;
		if (role == role2)
			return psprintf("role \"%s\" is set where it leads, and invariant %d says "
							"that it is distinct from itself",
							policy->roles[role].name, invariant->number);
		if (move_has_need(move, NEED_ZERO, role) && move_has_need(move, NEED_ZERO, role2))
			return psprintf(
				"roles \"%s\" and \"%s\" are set and zero where it leads, and "
				"invariant %d says that they are distinct",
				policy->roles[role].name, policy->roles[role2].name, invariant->number);
	}
	return NULL;
}

/*
 * Breadth-first from the sources along next[], never outside within.  Fills
 * before[] and, where wanted, the set of what was met; stops at the first pair
 * of targets and returns it, NO_PAIR where none is met.  Sources and neighbours
 * are taken in pair order, so the path found is the first of the shortest.
 */
static int
search(const PairSet *next, PairSet within, PairSet sources, PairSet targets, int *before,
	   PairSet *met)
{
	int queue[PAIR_COUNT];
	int head = 0;
	int tail = 0;
	PairSet seen = 0;
	int found = NO_PAIR;

	for (int pair = 0; pair < PAIR_COUNT; pair++)
		if (pair_in(sources & within, pair))
		{
			before[pair] = NO_PAIR;
			seen |= pair_bit(pair);
			queue[tail++] = pair;
		}
	while (head < tail)
	{
		int pair = queue[head++];

		if (pair_in(targets, pair))
		{
			found = pair;
			break;
		}
		for (int neighbour = 0; neighbour < PAIR_COUNT; neighbour++)
			if (pair_in(next[pair] & within & ~seen, neighbour))
			{
				before[neighbour] = pair;
				seen |= pair_bit(neighbour);
				queue[tail++] = neighbour;
			}
	}
	if (met != NULL)
		*met = seen;
	return found;
}

static PolicyGraph *
build_graph(const Policy *policy)
{
	PolicyGraph *graph = palloc0(sizeof(PolicyGraph));
	PairSet before;

	graph->policy = policy;
	graph->pairs = pairs_of(ALL_STATES, policy->risks);
	graph->edges = palloc0(sizeof(*graph->edges) * Max(policy->nmoves, 1));
	graph->sources = palloc0(sizeof(PairSet) * Max(policy->nmoves, 1));
	graph->admitted = palloc0(sizeof(PairSet) * Max(policy->nmoves, 1));

	for (int i = 0; i < policy->nmoves; i++)
	{
		const PolicyMove *move = &policy->moves[i];

		for (int to = 0; to < PAIR_COUNT; to++)
		{
			if (!pair_in(graph->pairs, to))
				continue;
			if (move->at_insert)
			{
				if (policy_move_admits(policy, move, to) &&
					move_contradiction(policy, move, NO_PAIR, to) == NULL)
					graph->admitted[i] |= pair_bit(to);
				continue;
			}
			for (int from = 0; from < PAIR_COUNT; from++)
			{
				if (!pair_in(graph->pairs, from) ||
					!policy_move_allows(policy, move, from, to))
					continue;
				graph->sources[i] |= pair_bit(from);
				if (move_contradiction(policy, move, from, to) != NULL)
					continue;
				graph->edges[i][from] |= pair_bit(to);
				graph->next[from] |= pair_bit(to);
			}
		}
		graph->insertable |= graph->admitted[i];
	}

	search(graph->next, graph->pairs, graph->insertable, 0, graph->way_in,
		   &graph->reachable);

	for (int pair = 0; pair < PAIR_COUNT; pair++)
		if (pair_in(graph->pairs, pair) && state_is_end(pair_state(pair)))
			graph->can_end |= pair_bit(pair);
	do
	{
		before = graph->can_end;
		for (int pair = 0; pair < PAIR_COUNT; pair++)
			if ((graph->next[pair] & graph->can_end) != 0)
				graph->can_end |= pair_bit(pair);
	} while (graph->can_end != before);

	return graph;
}

/* "fed_back/red"; where there is one colour, "fed_back". */
static void
append_pair(StringInfo text, const Policy *policy, int pair)
{
	appendStringInfoString(text, case_state_label(pair_state(pair)));
	if (!policy_is_one_colour(policy))
		appendStringInfo(text, "/%s", risk_level_label(pair_risk(pair)));
}

static char *
pair_text(const Policy *policy, int pair)
{
	StringInfoData text;

	initStringInfo(&text);
	append_pair(&text, policy, pair);
	return text.data;
}

/*
 * "collected/red -> assigned/red (assign)": the path that search() found to the
 * pair.  Each step names the first move that makes it, but for those skipped.
 */
static char *
path_text(const PolicyGraph *graph, const int *before, int last, const bool *skipped)
{
	int path[PAIR_COUNT];
	int length = 0;
	StringInfoData text;

	for (int pair = last; pair != NO_PAIR; pair = before[pair])
		path[length++] = pair;

	initStringInfo(&text);
	append_pair(&text, graph->policy, path[length - 1]);
	for (int step = length - 2; step >= 0; step--)
	{
		int move = 0;

		while ((skipped != NULL && skipped[move]) ||
			   !pair_in(graph->edges[move][path[step + 1]], path[step]))
			move++;
		appendStringInfoString(&text, " -> ");
		append_pair(&text, graph->policy, path[step]);
		appendStringInfo(&text, " (%s)", graph->policy->moves[move].name);
	}
	return text.data;
}

static List *
add_problem(List *problems, const char *kind, bool fatal, char *path, const char *detail)
{
	PolicyProblem *problem = palloc(sizeof(PolicyProblem));

	problem->kind = kind;
	problem->detail = detail;
	problem->path = path;
	problem->fatal = fatal;
	return lappend(problems, problem);
}

/* "closed or voided in red or yellow", as the promise's row says it. */
static char *
set_text(const Policy *policy, StateSet states, RiskSet risks)
{
	StringInfoData text;
	const char *separator = "";

	initStringInfo(&text);
	if (states != ALL_STATES)
		for (int i = 0; i < CASE_STATE_COUNT; i++)
			if ((states & (1 << i)) != 0)
			{
				appendStringInfo(&text, "%s%s", separator,
								 case_state_label(case_state_at(i)));
				separator = " or ";
			}
	if ((risks & policy->risks) != policy->risks)
	{
		separator = text.len > 0 ? " in " : "";
		for (int i = 0; i < RISK_LEVEL_COUNT; i++)
			if ((risks & (1 << i)) != 0)
			{
				appendStringInfo(&text, "%s%s", separator,
								 risk_level_label(risk_level_at(i)));
				separator = " or ";
			}
	}
	return text.len > 0 ? text.data : "anywhere";
}

/*
 * Pairs that a move names as its source though no case is ever in them.  A row
 * lists states and risks, not pairs: "collected or handling, blue or yellow" says
 * nothing wrong where no case is blue in collected.  So a row is at fault only
 * with a state that is reached in none of its risks, or with a risk that it
 * lists (not one that it leaves open) and that is reached in none of its states.
 */
static PairSet
unreached_sources(const PolicyGraph *graph, int move)
{
	PairSet sources = graph->sources[move];
	RiskSet listed = graph->policy->moves[move].from_risks;
	PairSet unreached = 0;

	for (int i = 0; i < CASE_STATE_COUNT; i++)
	{
		PairSet of_state = sources & pairs_of(1 << i, graph->policy->risks);

		if ((of_state & graph->reachable) == 0)
			unreached |= of_state;
	}
	if ((listed & graph->policy->risks) == graph->policy->risks)
		return unreached;
	for (int i = 0; i < RISK_LEVEL_COUNT; i++)
	{
		PairSet of_risk = sources & pairs_of(ALL_STATES, 1 << i);

		if ((of_risk & graph->reachable) == 0)
			unreached |= of_risk;
	}
	return unreached;
}

/* One problem for each state: the pairs of it that are named and not reached. */
static List *
find_unreachable(const PolicyGraph *graph, List *problems)
{
	const Policy *policy = graph->policy;

	for (int i = 0; i < CASE_STATE_COUNT; i++)
	{
		PairSet of_state = pairs_of(1 << i, policy->risks);
		PairSet unreached = 0;
		StringInfoData pairs;
		StringInfoData moves;
		int nmoves = 0;

		initStringInfo(&moves);
		for (int move = 0; move < policy->nmoves; move++)
		{
			PairSet of_move = unreached_sources(graph, move) & of_state;

			if (of_move == 0)
				continue;
			unreached |= of_move;
			appendStringInfo(&moves, "%s\"%s\"", nmoves++ > 0 ? ", " : "",
							 policy->moves[move].name);
		}
		if (unreached == 0)
			continue;

		initStringInfo(&pairs);
		if (unreached == of_state)
			appendStringInfoString(&pairs, case_state_label(case_state_at(i)));
		else
			for (int pair = 0; pair < PAIR_COUNT; pair++)
				if (pair_in(unreached, pair))
				{
					if (pairs.len > 0)
						appendStringInfoString(&pairs, " or ");
					append_pair(&pairs, policy, pair);
				}
		problems = add_problem(problems, "unreachable", false, NULL,
							   psprintf("No case can come into %s, where %s %s %s.",
										pairs.data, nmoves == 1 ? "move" : "moves",
										moves.data, nmoves == 1 ? "starts" : "start"));
	}
	return problems;
}

/* Why no row can make the move, or NULL where some row can. */
static char *
move_impossibility(const PolicyGraph *graph, int number)
{
	const Policy *policy = graph->policy;
	const PolicyMove *move = &policy->moves[number];
	char *contradiction = NULL;

	if (move->at_insert)
	{
		if (graph->admitted[number] != 0)
			return NULL;
		for (int to = 0; to < PAIR_COUNT && contradiction == NULL; to++)
			if (pair_in(graph->pairs, to) && policy_move_admits(policy, move, to))
				contradiction = move_contradiction(policy, move, NO_PAIR, to);
		return contradiction != NULL ? contradiction : "it lists no risk of the policy";
	}

	for (int from = 0; from < PAIR_COUNT; from++)
		if (pair_in(graph->reachable, from) && graph->edges[number][from] != 0)
			return NULL;
	if (graph->sources[number] == 0)
		return "its states and risks allow no change from one pair to another";
	if ((graph->sources[number] & graph->reachable) == 0)
		return "it starts only where no case can come";
	for (int from = 0; from < PAIR_COUNT; from++)
		for (int to = 0; to < PAIR_COUNT && contradiction == NULL; to++)
			if (pair_in(graph->reachable, from) && pair_in(graph->pairs, to) &&
				policy_move_allows(policy, move, from, to))
				contradiction = move_contradiction(policy, move, from, to);
	Assert(contradiction != NULL);
	return contradiction;
}

static List *
find_impossible_moves(const PolicyGraph *graph, List *problems)
{
	for (int i = 0; i < graph->policy->nmoves; i++)
	{
		char *why = move_impossibility(graph, i);

		if (why != NULL)
			problems = add_problem(problems, "impossible move", false, NULL,
								   psprintf("No row can make move \"%s\": %s.",
											graph->policy->moves[i].name, why));
	}
	return problems;
}

/* Reachable pairs that are no end and from which no move, or no end, is left. */
static List *
find_stuck_pairs(const PolicyGraph *graph, List *problems)
{
	for (int pair = 0; pair < PAIR_COUNT; pair++)
	{
		if (!pair_in(graph->reachable & ~graph->can_end, pair))
			continue;
		if (graph->next[pair] == 0)
			problems = add_problem(problems, "dead end", false,
								   path_text(graph, graph->way_in, pair, NULL),
								   psprintf("A case in %s can make no move.",
											pair_text(graph->policy, pair)));
		else
			problems = add_problem(problems, "no end", false,
								   path_text(graph, graph->way_in, pair, NULL),
								   psprintf("A case in %s can never be closed, "
											"transferred or voided.",
											pair_text(graph->policy, pair)));
	}
	return problems;
}

/* Does the move ask for a link of just this kind? */
static bool
move_needs_kind(const PolicyMove *move, LinkKind kind)
{
	/* A need that takes another kind as well forces neither. */
	for (int i = 0; i < move->nneeds; i++)
		if (move->needs[i].kind == NEED_LINK && move->needs[i].link_kinds == 1 << kind)
			return true;
	return false;
}

static List *
find_broken_promises(const PolicyGraph *graph, List *problems)
{
	const Policy *policy = graph->policy;

	for (int i = 0; i < policy->npromises; i++)
	{
		const PolicyPromise *promise = &policy->promises[i];
		PairSet from =
			pairs_of(promise->from_states, promise->from_risks) & graph->reachable;
		PairSet to = pairs_of(promise->to_states, promise->to_risks) & graph->pairs;
		char *from_text = set_text(policy, promise->from_states, promise->from_risks);
		char *to_text = set_text(policy, promise->to_states, promise->to_risks);
		int before[PAIR_COUNT];
		int last = NO_PAIR;
		bool *skipped = NULL;
		char *detail = NULL;

		switch (promise->kind)
		{
			case PROMISE_NEVER:
				for (int pair = 0; pair < PAIR_COUNT && last == NO_PAIR; pair++)
					for (int next = 0; next < PAIR_COUNT && last == NO_PAIR; next++)
						if (pair_in(from, pair) && pair_in(graph->next[pair] & to, next))
						{
							before[pair] = NO_PAIR;
							before[next] = pair;
							last = next;
						}
				detail = psprintf("one move goes from %s to %s", from_text, to_text);
				break;

			case PROMISE_PASSES:
			{
				PairSet via = pairs_of(promise->via_states, promise->via_risks);

				last = search(graph->next, ~via, from, to, before, NULL);
				detail =
					psprintf("a path from %s to %s does not pass %s", from_text, to_text,
							 set_text(policy, promise->via_states, promise->via_risks));
				break;
			}

			case PROMISE_NEEDS_LINK:
			{
				PairSet next[PAIR_COUNT] = {0};

				skipped = palloc0(sizeof(bool) * Max(policy->nmoves, 1));
				for (int move = 0; move < policy->nmoves; move++)
				{
					skipped[move] =
						move_needs_kind(&policy->moves[move], promise->link_kind);
					for (int pair = 0; pair < PAIR_COUNT && !skipped[move]; pair++)
						next[pair] |= graph->edges[move][pair];
				}
				last = search(next, graph->pairs, from, to, before, NULL);
				detail = psprintf("a path from %s to %s needs no %s link", from_text,
								  to_text, link_kind_name(promise->link_kind));
				break;
			}

			case PROMISE_ENDS_REACHABLE:
				last = search(graph->next, graph->pairs, graph->insertable,
							  from & ~graph->can_end, before, NULL);
				if (last != NO_PAIR)
					detail = psprintf("from %s no end can be reached",
									  pair_text(policy, last));
				break;
		}
		if (last != NO_PAIR)
			problems = add_problem(
				problems, "broken promise", true, path_text(graph, before, last, skipped),
				psprintf("Promise %d is broken: %s.", promise->number, detail));
	}
	return problems;
}

List *
check_policy_problems(const Policy *policy)
{
	PolicyGraph *graph = build_graph(policy);
	List *problems = NIL;

	if (graph->insertable == 0)
		problems = add_problem(problems, "no registration", true, NULL,
							   "No move lets a case be registered.");
	problems = find_unreachable(graph, problems);
	problems = find_impossible_moves(graph, problems);
	problems = find_stuck_pairs(graph, problems);
	return find_broken_promises(graph, problems);
}

/*
 * check_policy(name) returns the problems of the working copy, none for a sound
 * policy.  Errors: those of policy_load_working_copy().
 */
Datum
check_policy(PG_FUNCTION_ARGS)
{
	char *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Policy *policy;
	ListCell *cell;

	InitMaterializedSRF(fcinfo, 0);
	policy = policy_load_working_copy(name, CurrentMemoryContext);
	foreach (cell, check_policy_problems(policy))
	{
		PolicyProblem *problem = lfirst(cell);
		Datum values[4];
		bool nulls[4] = {false};

		values[0] = CStringGetTextDatum(problem->kind);
		values[1] = BoolGetDatum(problem->fatal);
		values[2] = CStringGetTextDatum(problem->detail);
		if (problem->path != NULL)
			values[3] = CStringGetTextDatum(problem->path);
		else
			nulls[3] = true;
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/*
 * policy_pairs(name) returns each pair that a case under the working copy can be
 * in, with a shortest way there and a shortest way to an end (null: there is
 * none).  Errors: those of policy_load_working_copy().
 */
Datum
policy_pairs(PG_FUNCTION_ARGS)
{
	char *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	PolicyGraph *graph;
	PairSet ends;

	InitMaterializedSRF(fcinfo, 0);
	graph = build_graph(policy_load_working_copy(name, CurrentMemoryContext));
	ends = pairs_of(ALL_STATES, graph->policy->risks);
	for (int pair = 0; pair < PAIR_COUNT; pair++)
		if (!state_is_end(pair_state(pair)))
			ends &= ~pair_bit(pair);

	for (int pair = 0; pair < PAIR_COUNT; pair++)
	{
		Datum values[4];
		bool nulls[4] = {false};
		int before[PAIR_COUNT];
		int end;

		if (!pair_in(graph->reachable, pair))
			continue;
		end = search(graph->next, graph->pairs, pair_bit(pair), ends, before, NULL);
		values[0] = CaseStateGetDatum(pair_state(pair));
		values[1] = RiskLevelGetDatum(pair_risk(pair));
		values[2] = CStringGetTextDatum(path_text(graph, graph->way_in, pair, NULL));
		if (end != NO_PAIR)
			values[3] = CStringGetTextDatum(path_text(graph, before, end, NULL));
		else
			nulls[3] = true;
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
