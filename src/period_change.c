/*
 * period_change.c
 */
#include "govcase.h"
