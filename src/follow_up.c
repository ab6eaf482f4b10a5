/*
 * follow_up.c
 */
#include "follow_up.h"
