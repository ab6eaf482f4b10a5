/*
 * risk_level.c
 */
#include "risk_level.h"
