/*
 * case_state.c
 */
#include "case_state.h"
