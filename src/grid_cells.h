/*
 * grid_cells.h
 *		Where in a square piece of the map which grid lies: cells that answer for
 *		a point at once, or by a few edges.
 *
 * Knows coordinates only, nothing of tables, of PostGIS or of codes.
 */
#ifndef GOVCASE_GRID_CELLS_H
#define GOVCASE_GRID_CELLS_H

#include "postgres.h"

typedef struct MapPoint
{
	double x;
	double y;
} MapPoint;

/* The boundary of a grid: closed rings, the holes among them. */
typedef struct CellShape
{
	double xmin;
	double ymin;
	double xmax;
	double ymax;
	bool undecidable; /* points inside these bounds are not ours to decide */
	uint32 nrings;
	uint32 *ring_end; /* behind the last point of each ring */
	MapPoint *points;
} CellShape;

/* A square lattice of cells, in the whole piece or in one crowded cell. */
typedef struct CellNode
{
	MapPoint corner; /* lower left */
	double width;    /* of a cell: a power of two, as is its inverse */
	double inverse;
	int32 side;        /* cells in a row, and rows */
	uint32 first_cell; /* in Cells.cells, row by row from below */
} CellNode;

/*
 * One piece of the map, in one chunk of memory.  A cell's word is
 *
 *		0				in no grid
 *		00 grid + 1		wholly inside this grid
 *		10 offset		candidates, in Cells.borders
 *		11 node			divided again
 *
 * (the two highest bits first).  Candidates follow one another in their rank,
 * each as numbers of 16 bits: which shape; flags and above them how many lines;
 * and for each line how many corners it has, and these, x before y, in parts of
 * the cell.  A candidate without lines covers the cell.
 */
typedef struct Cells
{
	Size size; /* of the whole chunk */
	CellNode *nodes;
	uint32 *cells;
	uint16 *borders;
} Cells;

typedef enum CellAnswer
{
	IN_NO_GRID,
	IN_GRID,
	NOT_DECIDED /* so near to an edge that only PostGIS's word counts */
} CellAnswer;

/*
 * Cells of the square with this lower left corner and width, for shapes in the
 * order in which they are to be tried.  The width must be a power of two, the
 * corner a multiple of width / CORNER_FRACTION, and the width not below
 * smallest_piece() of the coordinates in it.  Allocated in context; NULL where
 * building them would take much more than most_memory, which long edges side by
 * side can make it.
 */
extern Cells *build_cells(MapPoint corner, double width, CellShape *const *shapes,
						  uint32 nshapes, Size most_memory, MemoryContext context);
extern double smallest_piece(double coordinate);

#define CORNER_FRACTION 1024

/* The first shape that covers the point, which must lie in the square. */
extern CellAnswer find_in_cells(const Cells *cells, double x, double y, uint32 *shape);

#endif /* GOVCASE_GRID_CELLS_H */
