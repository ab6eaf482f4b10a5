/*
 * grid_history.h
 *		What grids were, and what became of them.
 */
#ifndef GOVCASE_GRID_HISTORY_H
#define GOVCASE_GRID_HISTORY_H

#include "govcase.h"

/*
 * Called when the library is loaded: room grid then has its changes recorded,
 * and room locate knows the versions of grids.
 */
extern void init_grid_history(void);

#endif /* GOVCASE_GRID_HISTORY_H */
