/*
 * next_moves.c
 */
#include "govcase.h"
