/*
 * grid_cells.c
 *		Where in a square piece of the map which grid lies: cells that answer for
 *		a point at once, or by a few edges.
 *
 * A cell that no border touches names its grid.  A cell on a border keeps, for
 * each grid that reaches into it, the lines of its boundary that touch it and
 * whether its lower left corner is inside.  From the corner to the point leads a
 * way up the cell's left side and then to the right; each edge that crosses it
 * changes inside to outside.
 *
 * The lines are kept on a lattice, CELL_PARTS to a cell: with the point brought to
 * the lattice, too, all that remains is exact arithmetic on small integers.  It
 * answers as the boundary itself would, unless an edge lies so near to the point
 * that rounding may have moved it across; there, PostGIS's own word is asked for.
 * Its test of a point, a product of doubles, is right at that distance, too, and
 * may nearer to an edge well say that a point is on both sides of a border.
 *
 * Whether a corner is inside is worked out from the boundary as it is.  Widths are
 * powers of two and corners multiples of them, so that a corner is one and the
 * same double wherever it is computed; and the squares are set off from round
 * coordinates, on which borders like to lie.  The side of an edge that a corner is
 * on is taken from the sign of a product of doubles only where that exceeds its
 * own rounding error (J. R. Shewchuk, "Adaptive Precision Floating-Point
 * Arithmetic", 1997); otherwise all points of the cell are PostGIS's to decide.
 */
#include "grid_cells.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#define NOTHING UINT32_MAX

#define CANDIDATE_INSIDE      1
#define CANDIDATE_UNDECIDABLE 2
#define CANDIDATE_LAST        4
#define CANDIDATE_LINES_SHIFT 3
#define LARGEST_LINES         (0xffff >> CANDIDATE_LINES_SHIFT)
#define LARGEST_SHAPE         0xffff

#define CELL_KIND(word)        ((word) >> 30)
#define CELL_VALUE(word)       ((word) & ((UINT32_C(1) << 30) - 1))
#define CELL_GRID              0
#define CELL_BORDER            2
#define CELL_DIVIDED           3
#define CELL_WORD(kind, value) ((uint32) (kind) << 30 | (value))

/*
 * Edges in one cell above which it is divided again, how often that goes on, and
 * how many cells that may make for each edge: where edges run side by side for
 * long, dividing makes more and more cells that are no less crowded.
 */
#define CROWDED_EDGES    32
#define DEEPEST_NODE     6
#define DIVIDED_FOR_EDGE 4
/* Edges in a piece for which it gets one cell more. */
#define EDGES_FOR_CELL 8
#define LARGEST_SIDE   256
#define DIVIDED_SIDE   32

/*
 * How much wider than itself a cell is taken when edges are listed, in cell
 * widths: enough for the rounding of a point's cell and for everything below.
 */
#define CELL_MARGIN (1.0 / 1024)

/*
 * The lattice reaches from LATTICE_OFFSET parts left of and below the cell to as
 * many beyond it, so that lines can be cut off outside of the cell.  Rounding
 * moves a line by 0.71 parts at most, and a point by 1.42.
 */
#define CELL_PARTS     32768
#define LATTICE_OFFSET 8192
#define LATTICE_DOUBT  3

/*
 * Width below which the doubles themselves would be too coarse: 2^-24 of the
 * coordinates, so that of 256 cells in a row each is 2^-32 of them wide, and a
 * part of the lattice 2^-47, while a product of coordinates puts a point on its
 * side of an edge right to some 2^-49.
 */
double
smallest_piece(double coordinate)
{
	return ldexp(fabs(coordinate), -24);
}

/* ---- Finding ---------------------------------------------------------------- */

/* A corner of a line. */
typedef struct LatticePoint
{
	int32 x;
	int32 y;
} LatticePoint;

/* Above 0 where the point is left of the edge from a to b, below 0 to the right. */
static inline int64
lattice_side(LatticePoint a, LatticePoint b, int32 x, int32 y)
{
	return (int64) (b.x - a.x) * (y - a.y) - (int64) (x - a.x) * (b.y - a.y);
}

static inline bool
is_near_edge(LatticePoint a, LatticePoint b, int32 x, int32 y)
{
	int64 side;

	if (x < Min(a.x, b.x) - LATTICE_DOUBT || x > Max(a.x, b.x) + LATTICE_DOUBT ||
		y < Min(a.y, b.y) - LATTICE_DOUBT || y > Max(a.y, b.y) + LATTICE_DOUBT)
		return false;
	side = lattice_side(a, b, x, y);
	return (side < 0 ? -side : side) <=
		   (int64) LATTICE_DOUBT * (abs(b.x - a.x) + abs(b.y - a.y));
}

/*
 * How often, 0 or 1, the way from the cell's corner, the lattice's origin, to a
 * point in the cell crosses the edge; -1 where the point is too near to it, or the
 * way turns on it.  The way counts as passing just above and just to the right of
 * whatever lies on it.
 */
static inline int
way_crosses(LatticePoint a, LatticePoint b, int32 x, int32 y)
{
	int32 left = Min(a.x, b.x);
	int32 right = Max(a.x, b.x);
	int32 low = Min(a.y, b.y);
	int32 high = Max(a.y, b.y);
	int crossings = 0;

	if (is_near_edge(a, b, x, y))
		return -1;
	if (low <= y && y < high && left <= x && right >= 0)
	{
		bool rising = b.y > a.y;

		/* Is the point right of the edge, and the way's turn left of it? */
		if (right < x || (lattice_side(a, b, x, y) < 0) == rising)
		{
			int64 side = left > 0 ? 0 : lattice_side(a, b, 0, y);

			if (left > 0)
				crossings = 1;
			else if (side == 0)
				return -1;
			else
				crossings = (side > 0) == rising;
		}
	}
	if (left <= 0 && right > 0 && high >= 0 && low <= y)
	{
		int64 from = lattice_side(a, b, 0, 0);
		int64 to = lattice_side(a, b, 0, y);

		if (from == 0 || to == 0)
			return -1;
		crossings ^= (from > 0) != (to > 0);
	}
	return crossings;
}

static inline LatticePoint
stored_point(const uint16 *stored)
{
	LatticePoint point;

	point.x = (int32) stored[0] - LATTICE_OFFSET;
	point.y = (int32) stored[1] - LATTICE_OFFSET;
	return point;
}

CellAnswer
find_in_cells(const Cells *cells, double x, double y, uint32 *shape)
{
	const CellNode *node = cells->nodes;
	const uint16 *stored;
	double across;
	double up;
	int32 column;
	int32 row;
	uint32 word;

	for (;;)
	{
		across = (x - node->corner.x) * node->inverse;
		up = (y - node->corner.y) * node->inverse;
		/* By rounding, a point may come to lie on the square's far side. */
		column = Max(0, Min((int32) across, node->side - 1));
		row = Max(0, Min((int32) up, node->side - 1));
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

	stored = &cells->borders[CELL_VALUE(word)];
	column = (int32) ((across - column) * CELL_PARTS);
	row = (int32) ((up - row) * CELL_PARTS);
	for (;;)
	{
		uint32 number = stored[0];
		uint32 flags = stored[1];
		int inside = flags & CANDIDATE_INSIDE;

		if (flags & CANDIDATE_UNDECIDABLE)
			return NOT_DECIDED;
		stored += 2;
		for (uint32 lines = flags >> CANDIDATE_LINES_SHIFT; lines > 0; lines--)
		{
			const uint16 *end = stored + 1 + 2 * stored[0];
			LatticePoint a = stored_point(++stored);

			for (stored += 2; stored < end; stored += 2)
			{
				LatticePoint b = stored_point(stored);
				int crossings = way_crosses(a, b, column, row);

				if (crossings < 0)
					return NOT_DECIDED;
				inside ^= crossings;
				a = b;
			}
		}
		if (inside)
		{
			*shape = number;
			return IN_GRID;
		}
		if (flags & CANDIDATE_LAST)
			return IN_NO_GRID;
	}
}

/* ---------------------------------------------------------------------------
 * Building
 * ---------------------------------------------------------------------------
 */

/*
 * 1 where the point lies to the left of the edge from a to b, -1 to the right, 0
 * where that is not certain.
 */
static int
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
	Size *memory; /* counts what all piles take */
} Pile;

typedef struct Builder
{
	CellShape *const *shapes;
	double smallest_width; /* of a cell that may be divided again */
	uint32 most_cells;     /* from which on none is divided */
	Size memory;           /* that the piles take, and that they may take */
	Size most_memory;
	bool exhausted;
	Pile points;
	Pile nodes;
	Pile cells;
	Pile borders;
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
start_pile(Pile *pile, Size item_size, uint32 room, Size *memory)
{
	pile->item_size = item_size;
	pile->room = room;
	pile->count = 0;
	pile->items = palloc(item_size * room);
	pile->memory = memory;
	*memory += item_size * room;
}

static void
free_pile(Pile *pile)
{
	*pile->memory -= pile->item_size * pile->room;
	pfree(pile->items);
}

/* Make room for n items and return the first; pointers into the pile go stale. */
static void *
add_items(Pile *pile, uint32 n)
{
	void *first;

	if (pile->count + n > pile->room)
	{
		uint32 room = Max(pile->room * 2, pile->count + n);

		pile->items = repalloc_huge(pile->items, pile->item_size * room);
		*pile->memory += pile->item_size * (room - pile->room);
		pile->room = room;
	}
	first = pile->items + pile->item_size * pile->count;
	pile->count += n;
	return first;
}

/*
 * Would it take too much?  Once it would, what follows is left out, and what has
 * been freed since does not make it whole again.
 */
static inline bool
is_exhausted(Builder *builder)
{
	if (builder->memory > builder->most_memory)
		builder->exhausted = true;
	return builder->exhausted;
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
		if (run->first + run->count == edge)
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
			if (is_exhausted(building->builder))
				return;
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

/*
 * The part of an edge within one step of the lattice's bounds, from *from to *to
 * of its length; false where there is none.
 */
static bool
cut_edge(double start, double length, double *from, double *to)
{
	const double lowest = -LATTICE_OFFSET;
	const double highest = CELL_PARTS + LATTICE_OFFSET;
	double enter;
	double leave;

	if (length == 0)
		return start >= lowest && start <= highest;
	enter = ((length > 0 ? lowest : highest) - start) / length;
	leave = ((length > 0 ? highest : lowest) - start) / length;
	*from = Max(*from, enter);
	*to = Min(*to, leave);
	return *from < *to;
}

static LatticePoint
round_to_lattice(double x, double y)
{
	LatticePoint point;

	/* What was cut off may come to lie a rounding error beyond the bounds. */
	point.x = (int32) rint(Max(-LATTICE_OFFSET, Min(x, CELL_PARTS + LATTICE_OFFSET)));
	point.y = (int32) rint(Max(-LATTICE_OFFSET, Min(y, CELL_PARTS + LATTICE_OFFSET)));
	return point;
}

static void
store_point(Builder *builder, LatticePoint point)
{
	uint16 *stored = add_items(&builder->borders, 2);

	stored[0] = (uint16) (point.x + LATTICE_OFFSET);
	stored[1] = (uint16) (point.y + LATTICE_OFFSET);
}

/*
 * Store a run of edges as lines on the lattice of the cell with this corner, and
 * return how many.  *undecidable where a line comes too near to the corner.
 */
static uint32
store_lines(NodeBuilder *building, const EdgeRun *run, MapPoint corner, bool *undecidable)
{
	Builder *builder = building->builder;
	double scale = building->node.inverse * CELL_PARTS;
	uint32 nlines = 0;
	uint32 line = 0;
	LatticePoint last = {0, 0};
	bool goes_on = false; /* the next edge starts where the line ends */

	for (uint32 edge = run->first; edge < run->first + run->count; edge++)
	{
		const MapPoint *a = edge_start(building, edge);
		double x = (a[0].x - corner.x) * scale;
		double y = (a[0].y - corner.y) * scale;
		double dx = (a[1].x - corner.x) * scale - x;
		double dy = (a[1].y - corner.y) * scale - y;
		double from = 0;
		double to = 1;
		LatticePoint start;
		LatticePoint end;

		if (!cut_edge(x, dx, &from, &to) || !cut_edge(y, dy, &from, &to))
		{
			goes_on = false;
			continue;
		}
		end = to < 1 ? round_to_lattice(x + to * dx, y + to * dy)
					 : round_to_lattice((a[1].x - corner.x) * scale,
										(a[1].y - corner.y) * scale);
		start = goes_on ? last : round_to_lattice(x + from * dx, y + from * dy);
		if (!goes_on || ((uint16 *) pile_item(&builder->borders, line))[0] == UINT16_MAX)
		{
			line = builder->borders.count;
			*(uint16 *) add_items(&builder->borders, 1) = 1;
			store_point(builder, start);
			nlines++;
		}
		store_point(builder, end);
		++*(uint16 *) pile_item(&builder->borders, line);
		if (is_near_edge(start, end, 0, 0))
			*undecidable = true;
		last = end;
		goes_on = to == 1;
	}
	return nlines;
}

static void
store_candidate(NodeBuilder *building, const Entry *entry, MapPoint corner, bool is_last)
{
	Builder *builder = building->builder;
	uint32 head = builder->borders.count;
	bool undecidable = entry->undecidable;
	uint32 nlines = 0;
	uint16 *stored;

	add_items(&builder->borders, 2);
	for (uint32 next = entry->first_run; next != NOTHING && !undecidable;)
	{
		const EdgeRun *run = pile_item(&building->runs, next);

		nlines += store_lines(building, run, corner, &undecidable);
		next = run->next;
	}
	if (undecidable || nlines > LARGEST_LINES)
	{
		/* Its number does not matter, and may be too large. */
		undecidable = true;
		nlines = 0;
		builder->borders.count = head + 2;
	}
	stored = pile_item(&builder->borders, head);
	stored[0] = undecidable ? 0 : entry->shape;
	stored[1] = nlines << CANDIDATE_LINES_SHIFT | (is_last ? CANDIDATE_LAST : 0) |
				(undecidable ? CANDIDATE_UNDECIDABLE : 0) |
				(entry->inside ? CANDIDATE_INSIDE : 0);
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
	MapPoint corner;

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
	corner.x = node->corner.x + column * node->width;
	corner.y = node->corner.y + row * node->width;
	if (nedges > CROWDED_EDGES && depth < DEEPEST_NODE &&
		node->width > builder->smallest_width &&
		builder->cells.count < builder->most_cells)
	{
		return CELL_WORD(CELL_DIVIDED,
						 divide_cell(building, corner, entries, nentries, nedges, depth));
	}

	offset = builder->borders.count;
	for (uint32 i = 0; i < nentries; i++)
		store_candidate(building, pile_item(&building->entries, entries[i]), corner,
						i == nentries - 1);
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
	start_pile(&building.entries, sizeof(Entry), 256, &builder->memory);
	start_pile(&building.runs, sizeof(EdgeRun), 256, &builder->memory);

	for (uint32 i = 0; i < ncandidates && !is_exhausted(builder); i++)
		enter_candidate(&building, &candidates[i]);
	for (int32 row = 0; row < side; row++)
	{
		for (int32 column = 0; column < side && !is_exhausted(builder); column++)
		{
			uint32 word = store_cell(&building, column, row, entries, depth);

			*(uint32 *) pile_item(&builder->cells,
								  building.node.first_cell + row * side + column) = word;
		}
	}

	free_pile(&building.runs);
	free_pile(&building.entries);
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
	Size cells_size = builder->cells.item_size * builder->cells.count;
	Size borders_size = builder->borders.item_size * builder->borders.count;
	Size size = MAXALIGN(sizeof(Cells)) + nodes_size + cells_size + borders_size;
	char *chunk = MemoryContextAllocHuge(context, size);
	Cells *cells = (Cells *) chunk;

	cells->size = size;
	chunk += MAXALIGN(sizeof(Cells));
	cells->nodes = memcpy(chunk, builder->nodes.items, nodes_size);
	chunk += nodes_size;
	cells->cells = memcpy(chunk, builder->cells.items, cells_size);
	chunk += cells_size;
	cells->borders = memcpy(chunk, builder->borders.items, borders_size);
	return cells;
}

Cells *
build_cells(MapPoint corner, double width, CellShape *const *shapes, uint32 nshapes,
			Size most_memory, MemoryContext context)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "govcase cells",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(scratch);
	Candidate *candidates = palloc0(sizeof(Candidate) * (nshapes + 1));
	uint32 *first_run = palloc(sizeof(uint32) * (nshapes + 1));
	Builder builder;
	double farthest = Max(fabs(corner.x), fabs(corner.y)) + width;
	Cells *cells = NULL;
	Pile runs;
	uint32 npoints;
	uint32 side;

	builder.shapes = shapes;
	builder.memory = 0;
	builder.most_memory = most_memory;
	builder.exhausted = false;
	start_pile(&builder.points, sizeof(MapPoint), 1024, &builder.memory);
	start_pile(&builder.nodes, sizeof(CellNode), 4, &builder.memory);
	start_pile(&builder.cells, sizeof(uint32), 1024, &builder.memory);
	start_pile(&builder.borders, sizeof(uint16), 4096, &builder.memory);
	start_pile(&runs, sizeof(EdgeRun), 256, &builder.memory);
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
		if (i > LARGEST_SHAPE)
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
	builder.most_cells = side * side + builder.points.count * DIVIDED_FOR_EDGE;
	build_node(&builder, corner, width, side, candidates, nshapes, 0);
	if (!is_exhausted(&builder))
		cells = pack_cells(&builder, context);

	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
	return cells;
}
