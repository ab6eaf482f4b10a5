/*
 * grid_cells.c
 *		Where in a square piece of the map which grid lies: cells that answer for
 *		a point at once, or by a few edges.
 *
 * A cell that no border touches names its grid.  A cell on a border keeps, for
 * each grid that reaches into it, the edges that touch it and whether its lower
 * left corner is inside.  From the corner to the point leads a way up the cell's
 * left side and then to the right; each edge that crosses it changes inside to
 * outside.
 *
 * Two things make this exact.  First, widths are powers of two and corners
 * multiples of them, so that a cell's corner is one and the same double wherever
 * it is computed; and the squares are set off from round coordinates, on which
 * borders like to lie.  Secondly, on which side of an edge a point lies is taken
 * from the sign of a product of doubles only where that exceeds its own rounding
 * error (J. R. Shewchuk, "Adaptive Precision Floating-Point Arithmetic", 1997).
 * Everything else is left to PostGIS, whose own test for points, the same
 * product, may then well say that a point is on both sides of a border.
 */
#include "grid_cells.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#define NOTHING UINT32_MAX

#define CANDIDATE_INSIDE             1
#define CANDIDATE_UNDECIDABLE        2
#define CANDIDATE_LAST               4
#define CANDIDATE_RUNS(word)         ((word) >> 3 & LARGEST_RUNS)
#define CANDIDATE_SHAPE(word)        ((word) >> 16)
#define CANDIDATE_WORD(shape, nruns) ((shape) << 16 | (nruns) << 3)
#define LARGEST_SHAPE                UINT32_C(0xffff)
#define LARGEST_RUNS                 UINT32_C(0x1fff)

#define RUN_FIRST(word)        ((word) &LARGEST_EDGE)
#define RUN_COUNT(word)        ((word) >> 24)
#define RUN_WORD(first, count) ((count) << 24 | (first))
#define LARGEST_EDGE           UINT32_C(0xffffff)
#define LARGEST_RUN            UINT32_C(0xff)

#define CELL_KIND(word)        ((word) >> 30)
#define CELL_VALUE(word)       ((word) & ((UINT32_C(1) << 30) - 1))
#define CELL_GRID              0
#define CELL_BORDER            2
#define CELL_DIVIDED           3
#define CELL_WORD(kind, value) ((uint32) (kind) << 30 | (value))

/* Edges in one cell above which it is divided again, and how often that goes on. */
#define CROWDED_EDGES 32
#define DEEPEST_NODE  6
/* Edges in a piece for which it gets one cell more. */
#define EDGES_FOR_CELL 2
#define LARGEST_SIDE   256
#define DIVIDED_SIDE   32

/*
 * How much wider than itself a cell is taken when edges are listed, in cell
 * widths: enough for the rounding of a point's cell and for the band around an
 * edge in which its side is not certain.  smallest_piece() keeps it so.
 */
#define CELL_MARGIN (1.0 / 1024)

/*
 * Width below which rounding would matter: 2^-28 of the coordinates, so that
 * even 256 cells in a row are 2^-36 wide, and CELL_MARGIN of that is 2^-46,
 * while coordinates are known to 2^-53.
 */
double
smallest_piece(double coordinate)
{
	return ldexp(fabs(coordinate), -28);
}

/*
 * 1 where the point lies to the left of the edge from a to b, -1 to the right, 0
 * where that is not certain.  Written as PostGIS writes it, so that where the
 * sign is certain PostGIS comes to the same one.
 */
static inline int
certain_side(const MapPoint *a, const MapPoint *b, double x, double y)
{
	double left = (b->x - a->x) * (y - a->y);
	double right = (x - a->x) * (b->y - a->y);
	double magnitude = fabs(left) + fabs(right);
	double side = left - right;

	/* Below this a product may have lost its last bits; not a number fails, too. */
	if (!(magnitude > 1e-280))
		return 0;
	if (side > 3.3306690738754716e-16 * magnitude)
		return 1;
	if (side < -3.3306690738754716e-16 * magnitude)
		return -1;
	return 0;
}

/*
 * How often, 0 or 1, the way from the corner of a cell to a point in it crosses
 * the edge; -1 where that is not certain or the point may be on the edge.  A
 * line that an edge's end lies on counts as passing just above and just to the
 * right of it.
 */
static inline int
way_crosses(const MapPoint *a, const MapPoint *b, const MapPoint *corner, double x,
			double y, double slack)
{
	double left = Min(a->x, b->x);
	double right = Max(a->x, b->x);
	double low = Min(a->y, b->y);
	double high = Max(a->y, b->y);
	int crossings = 0;

	if (low <= y && y < high)
	{
		bool rising = b->y > a->y;
		bool passed; /* by somebody who comes from the far left */

		if (right + slack < x)
			passed = true;
		else if (left - slack > x)
			passed = false;
		else
		{
			int side = certain_side(a, b, x, y);

			if (side == 0)
				return -1;
			passed = (side < 0) == rising;
		}
		if (passed && right + slack >= corner->x)
		{
			if (left - slack > corner->x)
				crossings = 1;
			else
			{
				int side = certain_side(a, b, corner->x, y);

				if (side == 0)
					return -1;
				crossings = (side > 0) == rising;
			}
		}
	}
	else if (y == high && left <= x && x <= right && certain_side(a, b, x, y) == 0)
		return -1;

	if (left <= corner->x && corner->x < right && high + slack >= corner->y &&
		low - slack <= y)
	{
		int from = certain_side(a, b, corner->x, corner->y);
		int to = certain_side(a, b, corner->x, y);

		if (from == 0 || to == 0)
			return -1;
		crossings ^= from != to;
	}
	return crossings;
}

CellAnswer
find_in_cells(const Cells *cells, double x, double y, uint32 *shape)
{
	const CellNode *node = cells->nodes;
	const uint32 *candidate;
	MapPoint corner;
	double slack;
	int32 column;
	int32 row;
	uint32 word;

	for (;;)
	{
		column = (int32) ((x - node->corner.x) * node->inverse);
		row = (int32) ((y - node->corner.y) * node->inverse);
		/* By rounding, a point may come to lie on the square's far side. */
		column = Max(0, Min(column, node->side - 1));
		row = Max(0, Min(row, node->side - 1));
		word = cells->cells[node->first_cell + row * node->side + column];
		if (CELL_KIND(word) != CELL_DIVIDED)
			break;
		node = &cells->nodes[CELL_VALUE(word)];
	}
	if (CELL_KIND(word) == CELL_GRID)
	{
		if (word == 0)
			return IN_NO_GRID;
		*shape = CELL_VALUE(word) - 1;
		return IN_GRID;
	}

	corner.x = node->corner.x + column * node->width;
	corner.y = node->corner.y + row * node->width;
	slack = node->width * CELL_MARGIN;
	candidate = &cells->candidates[CELL_VALUE(word)];
	for (;;)
	{
		uint32 head = *candidate++;
		const uint32 *run_end = candidate + CANDIDATE_RUNS(head);
		int inside = head & CANDIDATE_INSIDE;

		if (head & CANDIDATE_UNDECIDABLE)
			return NOT_DECIDED;
		for (; candidate < run_end; candidate++)
		{
			const MapPoint *point = &cells->points[RUN_FIRST(*candidate)];
			const MapPoint *end = point + RUN_COUNT(*candidate);

			for (; point < end; point++)
			{
				int crossings = way_crosses(point, point + 1, &corner, x, y, slack);

				if (crossings < 0)
					return NOT_DECIDED;
				inside ^= crossings;
			}
		}
		if (inside)
		{
			*shape = CANDIDATE_SHAPE(head);
			return IN_GRID;
		}
		if (head & CANDIDATE_LAST)
			return IN_NO_GRID;
	}
}

/* ---------------------------------------------------------------------------
 * Building
 * ---------------------------------------------------------------------------
 */

typedef struct EdgeRun
{
	uint32 first;
	uint32 count;
	uint32 next; /* of the same entry, or NOTHING */
} EdgeRun;

/* A shape as one node sees it. */
typedef struct Candidate
{
	uint32 shape;
	bool inside; /* the node's corner is */
	bool undecidable;
	uint32 nruns;
	EdgeRun *runs; /* next is not used */
} Candidate;

/* A shape in a cell of the node being built. */
typedef struct Entry
{
	uint32 next; /* in the same cell: the one tried before it, or NOTHING */
	uint32 shape;
	bool inside; /* the cell's corner is */
	bool undecidable;
	uint32 first_run; /* NOTHING: it covers the cell */
	uint32 last_run;
	uint32 nruns;
	uint32 nedges;
} Entry;

/* An array that grows. */
typedef struct Pile
{
	char *items;
	Size item_size;
	uint32 count;
	uint32 room;
} Pile;

typedef struct Builder
{
	CellShape *const *shapes;
	double smallest_width; /* of a cell that may be divided again */
	Pile points;
	Pile nodes;
	Pile cells;
	Pile candidates;
} Builder;

/* What is needed while one node is built. */
typedef struct NodeBuilder
{
	Builder *builder;
	CellNode node;
	uint32 *cells; /* newest entry of each cell, or NOTHING */
	Pile entries;
	Pile runs;
	/* Of the candidate at hand, in the cells from first to last: */
	int32 first_column;
	int32 last_column;
	int32 first_row;
	int32 last_row;
	uint8 *turns;     /* bit 0: from this corner on in its row, inside is outside;
					 * bit 1: whether this corner is inside is not certain */
	uint8 *row_turns; /* the same for the rows' first corners, upwards */
} NodeBuilder;

#define TURN    1
#define UNKNOWN 2

static void
start_pile(Pile *pile, Size item_size, uint32 room)
{
	pile->item_size = item_size;
	pile->room = room;
	pile->count = 0;
	pile->items = palloc(item_size * room);
}

/* Make room for n items and return the first; pointers into the pile go stale. */
static void *
add_items(Pile *pile, uint32 n)
{
	void *first;

	if (pile->count + n > pile->room)
	{
		pile->room = Max(pile->room * 2, pile->count + n);
		pile->items = repalloc_huge(pile->items, pile->item_size * pile->room);
	}
	first = pile->items + pile->item_size * pile->count;
	pile->count += n;
	return first;
}

static inline void *
pile_item(const Pile *pile, uint32 item)
{
	return pile->items + pile->item_size * item;
}

static inline MapPoint *
edge_start(const NodeBuilder *building, uint32 edge)
{
	return pile_item(&building->builder->points, edge);
}

/* The smallest power of two whose square is at least so many cells. */
static int32
side_for(uint32 cells, int32 largest)
{
	int32 side = 1;

	while (side < largest && (uint32) side * side < cells)
		side *= 2;
	return side;
}

/* Column or row in which a coordinate lies, kept within the node and one beyond. */
static inline int32
cell_number(const CellNode *node, double distance)
{
	double number = distance * node->inverse;

	if (!(number >= 0))
		return -1;
	if (number >= node->side)
		return node->side;
	return (int32) number;
}

/* The entry of a shape in a cell; NULL where an earlier shape covers it all. */
static Entry *
cell_entry(NodeBuilder *building, uint32 cell, uint32 shape)
{
	uint32 newest = building->cells[cell];
	Entry *entry;

	if (newest != NOTHING)
	{
		entry = pile_item(&building->entries, newest);
		if (entry->shape == shape)
			return entry;
		if (entry->nruns == 0 && entry->inside && !entry->undecidable)
			return NULL;
	}
	building->cells[cell] = building->entries.count;
	entry = add_items(&building->entries, 1);
	entry->next = newest;
	entry->shape = shape;
	entry->inside = false;
	entry->undecidable = false;
	entry->first_run = NOTHING;
	entry->last_run = NOTHING;
	entry->nruns = 0;
	entry->nedges = 0;
	return entry;
}

static void
list_edge(NodeBuilder *building, int32 column, int32 row, uint32 shape, uint32 edge)
{
	Entry *entry = cell_entry(building, row * building->node.side + column, shape);
	EdgeRun *run;
	uint32 number;

	if (entry == NULL)
		return;
	entry->nedges++;
	if (entry->nruns > 0)
	{
		run = pile_item(&building->runs, entry->last_run);
		if (run->first + run->count == edge && run->count < LARGEST_RUN)
		{
			run->count++;
			return;
		}
	}
	number = building->runs.count;
	run = add_items(&building->runs, 1);
	run->first = edge;
	run->count = 1;
	run->next = NOTHING;
	if (entry->nruns++ == 0)
		entry->first_run = number;
	else
		((EdgeRun *) pile_item(&building->runs, entry->last_run))->next = number;
	entry->last_run = number;
}

/* List the edge in every cell that it touches, and rather in one too many. */
static void
list_edge_in_cells(NodeBuilder *building, uint32 shape, uint32 edge)
{
	const CellNode *node = &building->node;
	MapPoint a = *edge_start(building, edge);
	MapPoint b = *edge_start(building, edge + 1);
	double margin = node->width * CELL_MARGIN * 2;
	double left = Min(a.x, b.x) - margin - node->corner.x;
	double right = Max(a.x, b.x) + margin - node->corner.x;
	double low = Min(a.y, b.y) - margin - node->corner.y;
	double high = Max(a.y, b.y) + margin - node->corner.y;
	int32 first_row = Max(cell_number(node, low), 0);
	int32 last_row = Min(cell_number(node, high), node->side - 1);

	if (right < 0 || high < 0)
		return;
	for (int32 row = first_row; row <= last_row; row++)
	{
		double row_left = left;
		double row_right = right;
		int32 last_column;

		if (first_row != last_row && a.y != b.y)
		{
			/* Only the part of the edge that is in this row. */
			double bottom = node->corner.y + row * node->width - margin;
			double top = node->corner.y + (row + 1) * node->width + margin;
			double slope = (b.x - a.x) / (b.y - a.y);
			double at_bottom = a.x + (bottom - a.y) * slope - node->corner.x;
			double at_top = a.x + (top - a.y) * slope - node->corner.x;

			row_left = Max(row_left, Min(at_bottom, at_top) - margin);
			row_right = Min(row_right, Max(at_bottom, at_top) + margin);
		}
		if (row_right < 0)
			continue;
		last_column = Min(cell_number(node, row_right), node->side - 1);
		for (int32 column = Max(cell_number(node, row_left), 0); column <= last_column;
			 column++)
			list_edge(building, column, row, shape, edge);
	}
}

static inline uint8 *
turn_at(NodeBuilder *building, int32 column, int32 row)
{
	return &building->turns[(row - building->first_row) *
								(building->last_column - building->first_column + 1) +
							column - building->first_column];
}

/* From this corner on, along its row, inside becomes outside. */
static void
turn_from(NodeBuilder *building, int32 column, int32 row)
{
	if (column <= building->last_column)
		*turn_at(building, Max(column, building->first_column), row) ^= TURN;
}

/*
 * Whether a row's first corner is inside is not certain.  All rows start from
 * the lowest corner, so doubt of that one spreads.
 */
static void
doubt_row(NodeBuilder *building, int32 row)
{
	for (int32 doubtful = Max(row, building->first_row);
		 doubtful <= building->last_row && (row == 0 || doubtful == row); doubtful++)
		building->row_turns[doubtful - building->first_row] |= UNKNOWN;
}

/*
 * Where the edge crosses the line through a row's corners, right of the first
 * one, corners beyond are on its other side.
 */
static void
turn_row(NodeBuilder *building, const MapPoint *a, const MapPoint *b, int32 row)
{
	const CellNode *node = &building->node;
	double y = node->corner.y + row * node->width;
	double part;
	double crossing;
	double nearest;

	if ((a->y <= y) == (b->y <= y))
		return;
	part = (y - a->y) / (b->y - a->y);
	crossing = (a->x + part * (b->x - a->x) - node->corner.x) * node->inverse;
	if (crossing < -CELL_MARGIN)
		return;
	if (crossing > node->side)
		return;
	nearest = rint(crossing);
	if (fabs(crossing - nearest) < CELL_MARGIN)
	{
		int32 column = (int32) nearest;
		int side = certain_side(a, b, node->corner.x + column * node->width, y);

		/* Right of the edge, this corner itself is the first on the other side. */
		if (side != 0 && (side > 0) != (b->y > a->y))
		{
			if (column > 0)
				turn_from(building, column, row);
			return;
		}
		if (side == 0)
		{
			if (column == 0)
				doubt_row(building, row);
			else if (column >= building->first_column && column <= building->last_column)
				*turn_at(building, column, row) |= UNKNOWN;
		}
		turn_from(building, column + 1, row);
	}
	else
		turn_from(building, (int32) ceil(crossing), row);
}

/*
 * Where the edge crosses the left side, above the lowest corner, the first
 * corners of the rows above are on its other side.
 */
static void
turn_first_column(NodeBuilder *building, const MapPoint *a, const MapPoint *b)
{
	const CellNode *node = &building->node;
	double x = node->corner.x;
	double part;
	double crossing;
	double nearest;
	int32 row;

	if ((a->x <= x) == (b->x <= x))
		return;
	part = (x - a->x) / (b->x - a->x);
	crossing = (a->y + part * (b->y - a->y) - node->corner.y) * node->inverse;
	if (crossing < -CELL_MARGIN || crossing > node->side)
		return;
	nearest = rint(crossing);
	row = (int32) ceil(crossing);
	if (fabs(crossing - nearest) < CELL_MARGIN)
	{
		int side;

		row = (int32) nearest;
		side = certain_side(a, b, x, node->corner.y + row * node->width);
		/* Is this corner above the edge? */
		if (side != 0 && (side > 0) == (b->x > a->x))
		{
			if (row == 0)
				return;
		}
		else
		{
			if (side == 0)
				doubt_row(building, row);
			row++;
		}
	}
	if (row <= building->last_row)
		building->row_turns[Max(row, building->first_row) - building->first_row] ^= TURN;
}

/* Enter an undecidable shape in every cell that its bounds reach. */
static void
enter_undecidable(NodeBuilder *building, uint32 shape)
{
	for (int32 row = building->first_row; row <= building->last_row; row++)
	{
		for (int32 column = building->first_column; column <= building->last_column;
			 column++)
		{
			Entry *entry =
				cell_entry(building, row * building->node.side + column, shape);

			if (entry != NULL)
				entry->undecidable = true;
		}
	}
}

static void
enter_candidate(NodeBuilder *building, const Candidate *candidate)
{
	const CellNode *node = &building->node;
	const CellShape *shape = building->builder->shapes[candidate->shape];
	double margin = node->width * CELL_MARGIN * 2;
	bool row_inside = candidate->inside;
	int32 columns;
	int32 rows;

	building->first_column =
		Max(cell_number(node, shape->xmin - margin - node->corner.x), 0);
	building->last_column =
		Min(cell_number(node, shape->xmax + margin - node->corner.x), node->side - 1);
	building->first_row =
		Max(cell_number(node, shape->ymin - margin - node->corner.y), 0);
	building->last_row =
		Min(cell_number(node, shape->ymax + margin - node->corner.y), node->side - 1);
	if (building->first_column > building->last_column ||
		building->first_row > building->last_row)
		return;
	if (candidate->undecidable)
	{
		enter_undecidable(building, candidate->shape);
		return;
	}

	columns = building->last_column - building->first_column + 1;
	rows = building->last_row - building->first_row + 1;
	memset(building->turns, 0, (Size) columns * rows);
	memset(building->row_turns, 0, rows);
	for (uint32 i = 0; i < candidate->nruns; i++)
	{
		uint32 end = candidate->runs[i].first + candidate->runs[i].count;

		CHECK_FOR_INTERRUPTS();
		for (uint32 edge = candidate->runs[i].first; edge < end; edge++)
		{
			const MapPoint *a = edge_start(building, edge);
			const MapPoint *b = a + 1;
			double low = Min(a->y, b->y) - node->corner.y;
			double high = Max(a->y, b->y) - node->corner.y;
			int32 last_row = Min(cell_number(node, high) + 1, building->last_row);

			for (int32 row = Max(cell_number(node, low), building->first_row);
				 row <= last_row; row++)
				turn_row(building, a, b, row);
			turn_first_column(building, a, b);
			list_edge_in_cells(building, candidate->shape, edge);
		}
	}

	for (int32 row = building->first_row; row <= building->last_row; row++)
	{
		uint8 row_turn = building->row_turns[row - building->first_row];
		bool inside;

		if (row_turn & TURN)
			row_inside = !row_inside;
		inside = row_inside;
		for (int32 column = building->first_column; column <= building->last_column;
			 column++)
		{
			uint8 turn = *turn_at(building, column, row);
			bool unknown = ((turn | row_turn) & UNKNOWN) != 0;
			uint32 cell = row * node->side + column;
			uint32 newest = building->cells[cell];
			Entry *entry;

			if (turn & TURN)
				inside = !inside;
			if (!inside && !unknown &&
				(newest == NOTHING ||
				 ((Entry *) pile_item(&building->entries, newest))->shape !=
					 candidate->shape))
				continue;
			entry = cell_entry(building, cell, candidate->shape);
			if (entry != NULL)
			{
				entry->inside = inside;
				entry->undecidable = unknown;
			}
		}
	}
}

static uint32 build_node(Builder *builder, MapPoint corner, double width, int32 side,
						 const Candidate *candidates, uint32 ncandidates, int depth);

/* Divide a crowded cell: its entries become the candidates of a node. */
static uint32
divide_cell(NodeBuilder *building, MapPoint corner, const uint32 *entries,
			uint32 nentries, uint32 nedges, int depth)
{
	Candidate *candidates = palloc(sizeof(Candidate) * nentries);
	uint32 node;

	for (uint32 i = 0; i < nentries; i++)
	{
		const Entry *entry = pile_item(&building->entries, entries[i]);
		uint32 next = entry->first_run;

		candidates[i].shape = entry->shape;
		candidates[i].inside = entry->inside;
		candidates[i].undecidable = entry->undecidable;
		candidates[i].nruns = entry->nruns;
		candidates[i].runs = palloc(sizeof(EdgeRun) * Max(entry->nruns, 1));
		for (uint32 run = 0; run < entry->nruns; run++)
		{
			candidates[i].runs[run] = *(EdgeRun *) pile_item(&building->runs, next);
			next = candidates[i].runs[run].next;
		}
	}
	node = build_node(building->builder, corner, building->node.width,
					  side_for(nedges, DIVIDED_SIDE), candidates, nentries, depth + 1);
	for (uint32 i = 0; i < nentries; i++)
		pfree(candidates[i].runs);
	pfree(candidates);
	return node;
}

/* The word of a cell, with what it refers to stored. */
static uint32
store_cell(NodeBuilder *building, int32 column, int32 row, uint32 *entries, int depth)
{
	Builder *builder = building->builder;
	const CellNode *node = &building->node;
	uint32 newest = building->cells[row * node->side + column];
	uint32 nentries = 0;
	uint32 nedges = 0;
	uint32 offset;

	if (newest == NOTHING)
		return 0;
	/* Newest first, so fill the list from behind: first the one to try first. */
	for (uint32 number = newest; number != NOTHING;)
	{
		const Entry *entry = pile_item(&building->entries, number);

		nentries++;
		nedges += entry->nedges;
		number = entry->next;
	}
	for (uint32 number = newest, i = nentries; i-- > 0;)
	{
		const Entry *entry = pile_item(&building->entries, number);

		entries[i] = number;
		number = entry->next;
	}

	if (nedges == 0)
	{
		const Entry *entry = pile_item(&building->entries, entries[0]);

		if (!entry->undecidable)
			return CELL_WORD(CELL_GRID, entry->shape + 1);
	}
	if (nedges > CROWDED_EDGES && depth < DEEPEST_NODE &&
		node->width > builder->smallest_width)
	{
		MapPoint corner;

		corner.x = node->corner.x + column * node->width;
		corner.y = node->corner.y + row * node->width;
		return CELL_WORD(CELL_DIVIDED,
						 divide_cell(building, corner, entries, nentries, nedges, depth));
	}

	offset = builder->candidates.count;
	for (uint32 i = 0; i < nentries; i++)
	{
		const Entry *entry = pile_item(&building->entries, entries[i]);
		bool decidable = !entry->undecidable && entry->nruns <= LARGEST_RUNS;
		uint32 nruns = decidable ? entry->nruns : 0;
		uint32 *words = add_items(&builder->candidates, 1 + nruns);
		uint32 next = entry->first_run;

		/* An undecidable one needs no number, which could be too large. */
		*words++ = CANDIDATE_WORD(decidable ? entry->shape : 0, nruns) |
				   (i == nentries - 1 ? CANDIDATE_LAST : 0) |
				   (decidable ? 0 : CANDIDATE_UNDECIDABLE) |
				   (entry->inside ? CANDIDATE_INSIDE : 0);
		while (nruns-- > 0)
		{
			const EdgeRun *run = pile_item(&building->runs, next);

			*words++ = RUN_WORD(run->first, run->count);
			next = run->next;
		}
	}
	return CELL_WORD(CELL_BORDER, offset);
}

static uint32
build_node(Builder *builder, MapPoint corner, double width, int32 side,
		   const Candidate *candidates, uint32 ncandidates, int depth)
{
	NodeBuilder building;
	uint32 ncells = (uint32) side * side;
	uint32 number = builder->nodes.count;
	uint32 *entries = palloc(sizeof(uint32) * (ncandidates + 1));

	building.builder = builder;
	building.node.corner = corner;
	building.node.width = width / side;
	building.node.inverse = side / width;
	building.node.side = side;
	building.node.first_cell = builder->cells.count;
	*(CellNode *) add_items(&builder->nodes, 1) = building.node;
	add_items(&builder->cells, ncells);

	building.cells = palloc(sizeof(uint32) * ncells);
	for (uint32 i = 0; i < ncells; i++)
		building.cells[i] = NOTHING;
	building.turns = palloc(ncells);
	building.row_turns = palloc(side);
	start_pile(&building.entries, sizeof(Entry), 256);
	start_pile(&building.runs, sizeof(EdgeRun), 256);

	for (uint32 i = 0; i < ncandidates; i++)
		enter_candidate(&building, &candidates[i]);
	for (int32 row = 0; row < side; row++)
	{
		for (int32 column = 0; column < side; column++)
		{
			uint32 word = store_cell(&building, column, row, entries, depth);

			*(uint32 *) pile_item(&builder->cells,
								  building.node.first_cell + row * side + column) = word;
		}
	}

	pfree(building.runs.items);
	pfree(building.entries.items);
	pfree(building.row_turns);
	pfree(building.turns);
	pfree(building.cells);
	pfree(entries);
	return number;
}

/* Take over the edges of a shape that reach the square, and judge its corner. */
static void
clip_shape(Builder *builder, const CellShape *shape, MapPoint corner, double width,
		   Candidate *candidate, Pile *runs)
{
	double margin = width / 256;
	double left = corner.x - margin;
	double right = corner.x + width + margin;
	double low = corner.y - margin;
	double high = corner.y + width + margin;
	double slack = width * CELL_MARGIN / LARGEST_SIDE;
	uint32 point = 0;
	EdgeRun *run = NULL;

	for (uint32 ring = 0; ring < shape->nrings; ring++, point++)
	{
		run = NULL;
		for (; point + 1 < shape->ring_end[ring]; point++)
		{
			const MapPoint *a = &shape->points[point];
			const MapPoint *b = a + 1;
			bool above;

			if (a->x == b->x && a->y == b->y)
				continue;
			above = b->y <= corner.y;
			if ((a->y <= corner.y) != above)
			{
				if (Max(a->x, b->x) + slack < corner.x)
					candidate->inside = !candidate->inside;
				else if (Min(a->x, b->x) - slack <= corner.x)
				{
					int side = certain_side(a, b, corner.x, corner.y);

					if (side == 0)
						candidate->undecidable = true;
					else if ((side < 0) == (b->y > a->y))
						candidate->inside = !candidate->inside;
				}
			}

			if ((a->x < left && b->x < left) || (a->x > right && b->x > right) ||
				(a->y < low && b->y < low) || (a->y > high && b->y > high))
			{
				run = NULL;
				continue;
			}
			if (run == NULL)
			{
				run = add_items(runs, 1);
				run->first = builder->points.count;
				run->count = 0;
				run->next = NOTHING;
				candidate->nruns++;
				*(MapPoint *) add_items(&builder->points, 1) = *a;
			}
			run->count++;
			*(MapPoint *) add_items(&builder->points, 1) = *b;
		}
	}
}

/* Everything in one chunk, in which it is freed and counted as one. */
static Cells *
pack_cells(const Builder *builder, MemoryContext context)
{
	Size nodes_size = builder->nodes.item_size * builder->nodes.count;
	Size points_size = builder->points.item_size * builder->points.count;
	Size cells_size = builder->cells.item_size * builder->cells.count;
	Size candidates_size = builder->candidates.item_size * builder->candidates.count;
	Size size =
		MAXALIGN(sizeof(Cells)) + nodes_size + points_size + cells_size + candidates_size;
	char *chunk = MemoryContextAllocHuge(context, size);
	Cells *cells = (Cells *) chunk;

	cells->size = size;
	chunk += MAXALIGN(sizeof(Cells));
	cells->nodes = memcpy(chunk, builder->nodes.items, nodes_size);
	chunk += nodes_size;
	cells->points = memcpy(chunk, builder->points.items, points_size);
	chunk += points_size;
	cells->cells = memcpy(chunk, builder->cells.items, cells_size);
	chunk += cells_size;
	cells->candidates = memcpy(chunk, builder->candidates.items, candidates_size);
	return cells;
}

Cells *
build_cells(MapPoint corner, double width, CellShape *const *shapes, uint32 nshapes,
			MemoryContext context)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "govcase cells",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(scratch);
	Candidate *candidates = palloc0(sizeof(Candidate) * (nshapes + 1));
	uint32 *first_run = palloc(sizeof(uint32) * (nshapes + 1));
	Builder builder;
	double farthest = Max(fabs(corner.x), fabs(corner.y)) + width;
	Cells *cells;
	Pile runs;
	uint32 npoints;
	uint32 side;

	builder.shapes = shapes;
	start_pile(&builder.points, sizeof(MapPoint), 1024);
	start_pile(&builder.nodes, sizeof(CellNode), 4);
	start_pile(&builder.cells, sizeof(uint32), 1024);
	start_pile(&builder.candidates, sizeof(uint32), 1024);
	start_pile(&runs, sizeof(EdgeRun), 256);
	for (uint32 i = 0; i < nshapes; i++)
	{
		double reach = Max(Max(fabs(shapes[i]->xmin), fabs(shapes[i]->xmax)),
						   Max(fabs(shapes[i]->ymin), fabs(shapes[i]->ymax)));

		candidates[i].shape = i;
		/* Edges so long, beside cells so small, would cross them anywhere. */
		candidates[i].undecidable =
			shapes[i]->undecidable || smallest_piece(reach) > width;
		first_run[i] = runs.count;
		if (candidates[i].undecidable)
			continue;
		npoints = builder.points.count;
		clip_shape(&builder, shapes[i], corner, width, &candidates[i], &runs);
		if (i > LARGEST_SHAPE || builder.points.count > LARGEST_EDGE)
		{
			candidates[i].undecidable = true;
			candidates[i].nruns = 0;
			builder.points.count = npoints;
			runs.count = first_run[i];
			continue;
		}
		farthest = Max(farthest, reach);
	}
	for (uint32 i = 0; i < nshapes; i++)
		candidates[i].runs = (EdgeRun *) runs.items + first_run[i];

	side = side_for(builder.points.count / EDGES_FOR_CELL, LARGEST_SIDE);
	builder.smallest_width = smallest_piece(farthest) / LARGEST_SIDE * DIVIDED_SIDE;
	build_node(&builder, corner, width, side, candidates, nshapes, 0);
	cells = pack_cells(&builder, context);

	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
	return cells;
}
