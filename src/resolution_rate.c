/*
 * resolution_rate.c
 */
#include "govcase.h"
