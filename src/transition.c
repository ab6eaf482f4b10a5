/*
 * transition.c
 */
#include "govcase.h"
