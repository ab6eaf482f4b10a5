/*
 * check_policy.c
 *		The model checker: explores the pairs that a policy's moves connect.
 *
 * What a case may do depends on the pair it is in and, where a need counts from
 * its coming into some states, on whether it ever was in one of them.  So a node
 * of the graph is a pair with the set of such states that were visited, its
 * history, and an edge is a move that some row in that node can make.
 *
 * A move that the policy allows is left out where no row can make it:
 * - at INSERT, where it needs a link: there is no chain yet;
 * - where it needs a link since the case came into some states, and the case was
 *   in none of them;
 * - where a role is set after it (because the move gives it, an invariant of the
 *   pair it leads to says so, or one of the pair it leaves does and it is kept in
 *   both) and an invariant says that it is distinct from itself;
 * - where two counts are set after it, distinct, and both needed to be zero.
 * Nothing else keeps a row from moving for good: links can be appended at any
 * time, another person can act, values that differ can be found, and what hangs
 * on a flag is lifted by setting the flag to false.
 *
 * Everything is searched in pair order and move order, so that the same policy
 * always gets the same words.
 */
#include "check_policy.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#define NO_NODE (-1)
#define NO_PAIR (-1)

typedef struct PolicyGraph
{
	const Policy *policy;
	PairSet pairs;                   /* of the policy's risks */
	PairSet ends;                    /* those in which a case is done with */
	int state_bit[CASE_STATE_COUNT]; /* in a history; 0: no need counts from it */
	int nhistories;                  /* at most 512 */
	int nnodes;                      /* node = pair * nhistories + history */
	PairSet (*moves)[PAIR_COUNT];    /* of each move: from each pair, where it leads */
	PairSet *sources; /* of each move: the pairs it would leave, possible or not */
	bool *start;      /* of each node: a case may be registered in it */
	bool *reachable;
	PairSet reachable_pairs;
	bool *can_end; /* an end is reached from it, or is here */
} PolicyGraph;

PG_FUNCTION_INFO_V1(govcase_check_policy);
PG_FUNCTION_INFO_V1(govcase_policy_pairs);

static inline PairSet
pair_bit(int pair)
{
	return UINT64CONST(1) << pair;
}

static inline int
node_pair(const PolicyGraph *graph, int node)
{
	return node / graph->nhistories;
}

static inline int
node_history(const PolicyGraph *graph, int node)
{
	return node % graph->nhistories;
}

/* The node in which a case of that history comes into the pair. */
static inline int
node_at(const PolicyGraph *graph, int pair, int history)
{
	return pair * graph->nhistories +
		   (history | graph->state_bit[case_state_index(pair_state(pair))]);
}

/* Pairs of these states and risks. */
static PairSet
pairs_of(StateSet states, RiskSet risks)
{
	PairSet pairs = 0;

	for (int pair = 0; pair < PAIR_COUNT; pair++)
	{
		if (pair_state_in(states, pair) && pair_risk_in(risks, pair))
			pairs |= pair_bit(pair);
	}
	return pairs;
}

static bool
invariant_holds_in(const PolicyInvariant *invariant, InvariantKind kind, int role,
				   int pair)
{
	return invariant->kind == kind && invariant->role == role &&
		   invariant->if_role == NO_ROLE && pair_state_in(invariant->states, pair) &&
		   pair_risk_in(invariant->risks, pair);
}

/* Is there an invariant of the kind, that no flag can lift, on the role there? */
static bool
role_is(const Policy *policy, InvariantKind kind, int role, int pair)
{
	for (int i = 0; i < policy->ninvariants; i++)
	{
		if (invariant_holds_in(&policy->invariants[i], kind, role, pair))
			return true;
	}
	return false;
}

static bool
move_has_need(const PolicyMove *move, NeedKind kind, int role)
{
	for (int i = 0; i < move->nneeds; i++)
	{
		if (move->needs[i].kind == kind && move->needs[i].role == role)
			return true;
	}
	return false;
}

/* Is the role surely not null after the move?  From is NO_PAIR at INSERT. */
static bool
role_is_set_after(const Policy *policy, const PolicyMove *move, int from, int to,
				  int role)
{
	return move_has_need(move, NEED_GIVEN, role) ||
		   role_is(policy, INVARIANT_SET, role, to) ||
		   (from != NO_PAIR && role_is(policy, INVARIANT_SET, role, from) &&
			role_is(policy, INVARIANT_KEPT, role, from) &&
			role_is(policy, INVARIANT_KEPT, role, to));
}

/* Why no row can make the move between the pairs, NULL where some row can. */
static char *
contradiction(const Policy *policy, const PolicyMove *move, int from, int to)
{
	if (move->at_insert && move_has_need(move, NEED_LINK, NO_ROLE))
		return "it needs a link, and a case that is being registered has none";

	for (int i = 0; i < policy->ninvariants; i++)
	{
		const PolicyInvariant *invariant = &policy->invariants[i];
		int role = invariant->role;
		int role2 = invariant->role2;

		if (!invariant_holds_in(invariant, INVARIANT_DISTINCT, role, to) ||
			!role_is_set_after(policy, move, from, to, role) ||
			!role_is_set_after(policy, move, from, to, role2))
			continue;
		if (role == role2)
			return psprintf("role \"%s\" is set after it, and invariant %d says that it "
							"is distinct from itself",
							policy->roles[role].name, invariant->number);
		if (move_has_need(move, NEED_ZERO, role) && move_has_need(move, NEED_ZERO, role2))
			return psprintf("roles \"%s\" and \"%s\" are both set and zero after it, and "
							"invariant %d says that they are distinct",
							policy->roles[role].name, policy->roles[role2].name,
							invariant->number);
	}
	return NULL;
}

/*
 * The need that no case in the node can ever meet, because it counts from states
 * in which it never was.  NULL where there is none.
 */
static const PolicyNeed *
need_without_point(const PolicyGraph *graph, const PolicyMove *move, int node)
{
	for (int i = 0; i < move->nneeds; i++)
	{
		const PolicyNeed *need = &move->needs[i];
		int points = 0;

		if (need->kind != NEED_LINK || need->since != SINCE_STATES)
			continue;
		for (int state = 0; state < CASE_STATE_COUNT; state++)
		{
			if (state_in(need->since_states, case_state_at(state)))
				points |= graph->state_bit[state];
		}
		if ((points & node_history(graph, node)) == 0)
			return need;
	}
	return NULL;
}

/* Pairs that a move leads to from the node, of those that a row can make there. */
static PairSet
move_targets(const PolicyGraph *graph, int move, int node)
{
	PairSet targets = graph->moves[move][node_pair(graph, node)];

	if (targets != 0 &&
		need_without_point(graph, &graph->policy->moves[move], node) != NULL)
		targets = 0;
	return targets;
}

/* The same by any move, but for those skipped (NULL: none). */
static PairSet
node_targets(const PolicyGraph *graph, int node, const bool *skipped)
{
	PairSet targets = 0;

	for (int move = 0; move < graph->policy->nmoves; move++)
	{
		if (skipped == NULL || !skipped[move])
			targets |= move_targets(graph, move, node);
	}
	return targets;
}

/*
 * Breadth-first from the source nodes, never outside the pairs of within.  Stops
 * at the first of the target nodes (NULL: none) and returns it, NO_NODE where
 * none is met; before[] then leads back to a source, and seen[] (of all nodes,
 * NULL where not wanted) tells what was met.  Sources and neighbours are taken in
 * order, so the path found is the first of the shortest.
 */
static int
search(const PolicyGraph *graph, const bool *skipped, PairSet within, const bool *sources,
	   const bool *targets, int *before, bool *seen)
{
	int *queue = palloc(sizeof(int) * graph->nnodes);
	int head = 0;
	int tail = 0;
	int found = NO_NODE;
	bool *own_seen = NULL;

	if (seen == NULL)
		seen = own_seen = palloc(sizeof(bool) * graph->nnodes);
	memset(seen, 0, sizeof(bool) * graph->nnodes);
	for (int node = 0; node < graph->nnodes; node++)
	{
		if (!sources[node] || !pair_in(within, node_pair(graph, node)))
			continue;
		before[node] = NO_NODE;
		seen[node] = true;
		queue[tail++] = node;
	}
	while (head < tail)
	{
		int node = queue[head++];
		PairSet neighbours;

		CHECK_FOR_INTERRUPTS();
		if (targets != NULL && targets[node])
		{
			found = node;
			break;
		}
		neighbours = node_targets(graph, node, skipped) & within;
		for (int pair = 0; pair < PAIR_COUNT; pair++)
		{
			int neighbour = node_at(graph, pair, node_history(graph, node));

			if (!pair_in(neighbours, pair) || seen[neighbour])
				continue;
			before[neighbour] = node;
			seen[neighbour] = true;
			queue[tail++] = neighbour;
		}
	}
	pfree(queue);
	if (own_seen != NULL)
		pfree(own_seen);
	return found;
}

/* Reachable nodes in the pairs, as search() takes them. */
static bool *
nodes_in(const PolicyGraph *graph, PairSet pairs)
{
	bool *nodes = palloc(sizeof(bool) * graph->nnodes);

	for (int node = 0; node < graph->nnodes; node++)
		nodes[node] = graph->reachable[node] && pair_in(pairs, node_pair(graph, node));
	return nodes;
}

static void
find_reachable(PolicyGraph *graph)
{
	int *before = palloc(sizeof(int) * graph->nnodes);

	graph->reachable = palloc(sizeof(bool) * graph->nnodes);
	search(graph, NULL, graph->pairs, graph->start, NULL, before, graph->reachable);
	for (int node = 0; node < graph->nnodes; node++)
	{
		if (graph->reachable[node])
			graph->reachable_pairs |= pair_bit(node_pair(graph, node));
	}
	pfree(before);
}

static void
find_ending(PolicyGraph *graph)
{
	bool found;

	graph->can_end = palloc0(sizeof(bool) * graph->nnodes);
	do
	{
		found = false;
		for (int node = 0; node < graph->nnodes; node++)
		{
			PairSet targets;

			if (!graph->reachable[node] || graph->can_end[node])
				continue;
			graph->can_end[node] = pair_in(graph->ends, node_pair(graph, node));
			targets = node_targets(graph, node, NULL);
			for (int pair = 0; pair < PAIR_COUNT && !graph->can_end[node]; pair++)
			{
				graph->can_end[node] =
					pair_in(targets, pair) &&
					graph->can_end[node_at(graph, pair, node_history(graph, node))];
			}
			found = found || graph->can_end[node];
		}
	} while (found);
}

/* Give the states that some need counts from their bits in a history. */
static void
number_histories(PolicyGraph *graph)
{
	const Policy *policy = graph->policy;

	graph->nhistories = 1;
	for (int state = 0; state < CASE_STATE_COUNT; state++)
	{
		bool counts = false;

		for (int i = 0; i < policy->nmoves; i++)
		{
			const PolicyMove *move = &policy->moves[i];

			for (int n = 0; n < move->nneeds; n++)
			{
				if (move->needs[n].kind == NEED_LINK &&
					move->needs[n].since == SINCE_STATES &&
					state_in(move->needs[n].since_states, case_state_at(state)))
					counts = true;
			}
		}
		if (!counts)
			continue;
		graph->state_bit[state] = graph->nhistories;
		graph->nhistories *= 2;
	}
	graph->nnodes = PAIR_COUNT * graph->nhistories;
}

static PolicyGraph *
build_graph(const Policy *policy)
{
	PolicyGraph *graph = palloc0(sizeof(PolicyGraph));

	graph->policy = policy;
	graph->pairs = pairs_of(ALL_STATES, policy->risks);
	for (int pair = 0; pair < PAIR_COUNT; pair++)
	{
		CaseState state = pair_state(pair);

		if (state == STATE_CLOSED || state == STATE_TRANSFERRED || state == STATE_VOIDED)
			graph->ends |= graph->pairs & pair_bit(pair);
	}
	number_histories(graph);

	graph->moves = palloc0(sizeof(*graph->moves) * Max(policy->nmoves, 1));
	graph->sources = palloc0(sizeof(PairSet) * Max(policy->nmoves, 1));
	graph->start = palloc0(sizeof(bool) * graph->nnodes);
	for (int i = 0; i < policy->nmoves; i++)
	{
		const PolicyMove *move = &policy->moves[i];

		for (int to = 0; to < PAIR_COUNT; to++)
		{
			if (policy_move_admits(move, to) &&
				contradiction(policy, move, NO_PAIR, to) == NULL)
				graph->start[node_at(graph, to, 0)] = true;
			for (int from = 0; from < PAIR_COUNT; from++)
			{
				if (!policy_move_allows(move, from, to))
					continue;
				graph->sources[i] |= pair_bit(from);
				if (contradiction(policy, move, from, to) == NULL)
					graph->moves[i][from] |= pair_bit(to);
			}
		}
	}
	find_reachable(graph);
	find_ending(graph);
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
 * node.  Each step names the first move that makes it, but for those skipped.
 */
static char *
path_text(const PolicyGraph *graph, const int *before, int last, const bool *skipped)
{
	List *path = NIL;
	StringInfoData text;

	for (int node = last; node != NO_NODE; node = before[node])
		path = lcons_int(node, path);

	initStringInfo(&text);
	append_pair(&text, graph->policy, node_pair(graph, linitial_int(path)));
	for (int step = 1; step < list_length(path); step++)
	{
		int from = list_nth_int(path, step - 1);
		int to = node_pair(graph, list_nth_int(path, step));
		int move = 0;

		while ((skipped != NULL && skipped[move]) ||
			   !pair_in(move_targets(graph, move, from), to))
			move++;
		appendStringInfoString(&text, " -> ");
		append_pair(&text, graph->policy, to);
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
	for (int i = 0; states != ALL_STATES && i < CASE_STATE_COUNT; i++)
	{
		if (!state_in(states, case_state_at(i)))
			continue;
		appendStringInfo(&text, "%s%s", separator, case_state_label(case_state_at(i)));
		separator = " or ";
	}
	separator = text.len > 0 ? " in " : "";
	for (int i = 0; risks != policy->risks && i < RISK_LEVEL_COUNT; i++)
	{
		if (!risk_in(risks, risk_level_at(i)))
			continue;
		appendStringInfo(&text, "%s%s", separator, risk_level_label(risk_level_at(i)));
		separator = " or ";
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
	RiskSet listed = graph->policy->moves[move].from_risks;
	PairSet sources = graph->sources[move];
	PairSet unreached = 0;

	for (int i = 0; i < CASE_STATE_COUNT; i++)
	{
		PairSet of_state = sources & pairs_of(1 << i, graph->policy->risks);

		if ((of_state & graph->reachable_pairs) == 0)
			unreached |= of_state;
	}
	for (int i = 0; listed != graph->policy->risks && i < RISK_LEVEL_COUNT; i++)
	{
		PairSet of_risk = sources & pairs_of(ALL_STATES, 1 << i);

		if ((of_risk & graph->reachable_pairs) == 0)
			unreached |= of_risk;
	}
	return unreached;
}

/* One problem for each state: the pairs of it that are named and not reached. */
static List *
find_unreachable(const PolicyGraph *graph, List *problems)
{
	const Policy *policy = graph->policy;
	PairSet *of_moves = palloc(sizeof(PairSet) * Max(policy->nmoves, 1));

	for (int move = 0; move < policy->nmoves; move++)
		of_moves[move] = unreached_sources(graph, move);

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
			if ((of_moves[move] & of_state) == 0)
				continue;
			unreached |= of_moves[move] & of_state;
			appendStringInfo(&moves, "%s\"%s\"", nmoves++ > 0 ? ", " : "",
							 policy->moves[move].name);
		}
		if (unreached == 0)
			continue;

		initStringInfo(&pairs);
		if (unreached == of_state)
			appendStringInfoString(&pairs, case_state_label(case_state_at(i)));
		for (int pair = 0; unreached != of_state && pair < PAIR_COUNT; pair++)
		{
			if (!pair_in(unreached, pair))
				continue;
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
	char *why = NULL;

	if (move->at_insert)
	{
		for (int to = 0; to < PAIR_COUNT; to++)
		{
			if (!policy_move_admits(move, to))
				continue;
			why = contradiction(policy, move, NO_PAIR, to);
			if (why == NULL)
				return NULL;
		}
		return why;
	}

	if (graph->sources[number] == 0)
		return "its states and risks allow no change from one pair to another";
	for (int node = 0; node < graph->nnodes; node++)
	{
		int from = node_pair(graph, node);

		if (!graph->reachable[node])
			continue;
		if (move_targets(graph, number, node) != 0)
			return NULL;
		for (int to = 0; to < PAIR_COUNT && why == NULL; to++)
		{
			const PolicyNeed *need = need_without_point(graph, move, node);

			if (!policy_move_allows(move, from, to))
				continue;
			if (need == NULL)
				why = contradiction(policy, move, from, to);
			else
				why = psprintf("need \"%s\" counts from states in which no case has been "
							   "that comes where the move starts",
							   need->name);
		}
	}
	return why != NULL ? why : "it starts only where no case can come";
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

/* A shortest way to one of the nodes, NULL where there is none of them. */
static char *
way_to(const PolicyGraph *graph, const bool *targets)
{
	int *before;
	int last;

	if (memchr(targets, true, sizeof(bool) * graph->nnodes) == NULL)
		return NULL;
	before = palloc(sizeof(int) * graph->nnodes);
	last = search(graph, NULL, graph->pairs, graph->start, targets, before, NULL);
	return last == NO_NODE ? NULL : path_text(graph, before, last, NULL);
}

/*
 * Pairs in which a case is at no end and has no move left, or moves but never
 * comes to an end.  Where that depends on how the case came there, the path is
 * such a way.
 */
static List *
find_stuck_pairs(const PolicyGraph *graph, List *problems)
{
	for (int pair = 0; pair < PAIR_COUNT; pair++)
	{
		bool *dead = nodes_in(graph, pair_bit(pair));
		bool *endless = palloc0(sizeof(bool) * graph->nnodes);
		char *path;

		for (int node = 0; node < graph->nnodes; node++)
		{
			bool stuck = dead[node] && !graph->can_end[node];
			bool moves = stuck && node_targets(graph, node, NULL) != 0;

			dead[node] = stuck && !moves;
			endless[node] = moves;
		}
		path = way_to(graph, dead);
		if (path != NULL)
			problems = add_problem(problems, "dead end", false, path,
								   psprintf("A case in %s can make no move.",
											pair_text(graph->policy, pair)));
		path = way_to(graph, endless);
		if (path != NULL)
			problems = add_problem(problems, "no end", false, path,
								   psprintf("A case in %s can never be closed, "
											"transferred or voided.",
											pair_text(graph->policy, pair)));
		pfree(dead);
		pfree(endless);
	}
	return problems;
}

/* Does the move ask for a link of just this kind? */
static bool
move_needs_kind(const PolicyMove *move, LinkKind kind)
{
	/* A need that takes another kind as well forces neither. */
	for (int i = 0; i < move->nneeds; i++)
	{
		if (move->needs[i].kind == NEED_LINK && move->needs[i].link_kinds == 1 << kind)
			return true;
	}
	return false;
}

/* As search(), but of one move: from a source to one of the pairs. */
static int
search_one_move(const PolicyGraph *graph, const bool *skipped, PairSet within,
				const bool *sources, PairSet targets, int *before)
{
	for (int node = 0; node < graph->nnodes; node++)
	{
		PairSet neighbours;

		if (!sources[node] || !pair_in(within, node_pair(graph, node)))
			continue;
		neighbours = node_targets(graph, node, skipped) & within & targets;
		for (int pair = 0; pair < PAIR_COUNT; pair++)
		{
			int neighbour = node_at(graph, pair, node_history(graph, node));

			if (!pair_in(neighbours, pair))
				continue;
			before[node] = NO_NODE;
			before[neighbour] = node;
			return neighbour;
		}
	}
	return NO_NODE;
}

/*
 * A path that breaks the promise, NULL where it is kept.  A case that is at once
 * where the paths begin and where they lead has not passed anything, so it breaks
 * the promise by a path of no move; one of a single move, where there is one, says
 * more.
 */
static char *
offending_path(const PolicyGraph *graph, const PolicyPromise *promise, char **how)
{
	const Policy *policy = graph->policy;
	PairSet from = pairs_of(promise->from_states, promise->from_risks);
	PairSet to = pairs_of(promise->to_states, promise->to_risks);
	char *from_text = set_text(policy, promise->from_states, promise->from_risks);
	char *to_text = set_text(policy, promise->to_states, promise->to_risks);
	PairSet within = graph->pairs;
	bool *skipped = NULL;
	bool *sources = nodes_in(graph, from);
	bool *targets = nodes_in(graph, to);
	int *before = palloc(sizeof(int) * graph->nnodes);
	int last = NO_NODE;

	switch (promise->kind)
	{
		case PROMISE_NEVER:
			last = search_one_move(graph, NULL, within, sources, to, before);
			*how = psprintf("one move goes from %s to %s", from_text, to_text);
			break;

		case PROMISE_PASSES:
			within &= ~pairs_of(promise->via_states, promise->via_risks);
			last = search(graph, NULL, within, sources, targets, before, NULL);
			*how = psprintf("a path from %s to %s does not pass %s", from_text, to_text,
							set_text(policy, promise->via_states, promise->via_risks));
			break;

		case PROMISE_NEEDS_LINK:
			skipped = palloc(sizeof(bool) * Max(policy->nmoves, 1));
			for (int move = 0; move < policy->nmoves; move++)
				skipped[move] = move_needs_kind(&policy->moves[move], promise->link_kind);
			last = search(graph, skipped, within, sources, targets, before, NULL);
			*how = psprintf("a path from %s to %s needs no link of kind %s", from_text,
							to_text, link_kind_name(promise->link_kind));
			break;

		case PROMISE_ENDS_REACHABLE:
			for (int node = 0; node < graph->nnodes; node++)
				targets[node] = graph->reachable[node] && !graph->can_end[node];
			last = search(graph, NULL, within, graph->start, targets, before, NULL);
			if (last == NO_NODE)
				return NULL;
			*how = psprintf("from %s no end can be reached",
							pair_text(policy, node_pair(graph, last)));
			return path_text(graph, before, last, NULL);
	}

	if (last == NO_NODE)
		return NULL;
	if (before[last] == NO_NODE)
	{
		int other = search_one_move(graph, skipped, within, sources, to, before);

		if (other != NO_NODE)
			last = other;
	}
	return path_text(graph, before, last, skipped);
}

static List *
find_broken_promises(const PolicyGraph *graph, List *problems)
{
	for (int i = 0; i < graph->policy->npromises; i++)
	{
		const PolicyPromise *promise = &graph->policy->promises[i];
		char *how = NULL;
		char *path = offending_path(graph, promise, &how);

		if (path != NULL)
			problems =
				add_problem(problems, "broken promise", true, path,
							psprintf("Promise %d is broken: %s.", promise->number, how));
	}
	return problems;
}

List *
check_policy_problems(const Policy *policy)
{
	PolicyGraph *graph = build_graph(policy);
	List *problems = NIL;

	if (graph->reachable_pairs == 0)
		problems = add_problem(problems, "no registration", true, NULL,
							   "No move can register a case.");
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
govcase_check_policy(PG_FUNCTION_ARGS)
{
	char *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Policy *policy;
	ListCell *cell;

	InitMaterializedSRF(fcinfo, 0);
	policy = policy_load_working_copy(name, CurrentMemoryContext);
	foreach (cell, check_policy_problems(policy))
	{
		const PolicyProblem *problem = lfirst(cell);
		Datum values[4];
		bool nulls[4] = {false};

		values[0] = CStringGetTextDatum(problem->kind);
		values[1] = BoolGetDatum(problem->fatal);
		values[2] = CStringGetTextDatum(problem->detail);
		nulls[3] = problem->path == NULL;
		values[3] = nulls[3] ? (Datum) 0 : CStringGetTextDatum(problem->path);
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
govcase_policy_pairs(PG_FUNCTION_ARGS)
{
	char *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	PolicyGraph *graph;
	int *before;
	bool *ends;

	InitMaterializedSRF(fcinfo, 0);
	graph = build_graph(policy_load_working_copy(name, CurrentMemoryContext));
	before = palloc(sizeof(int) * graph->nnodes);
	ends = nodes_in(graph, graph->ends);
	for (int pair = 0; pair < PAIR_COUNT; pair++)
	{
		Datum values[4];
		bool nulls[4] = {false};
		bool *here;
		int end;

		if (!pair_in(graph->reachable_pairs, pair))
			continue;
		here = nodes_in(graph, pair_bit(pair));
		end = search(graph, NULL, graph->pairs, here, ends, before, NULL);
		values[0] = CaseStateGetDatum(pair_state(pair));
		values[1] = RiskLevelGetDatum(pair_risk(pair));
		values[2] = CStringGetTextDatum(way_to(graph, here));
		nulls[3] = end == NO_NODE;
		values[3] = nulls[3] ? (Datum) 0
							 : CStringGetTextDatum(path_text(graph, before, end, NULL));
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		pfree(here);
	}
	return (Datum) 0;
}
