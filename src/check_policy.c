/*
 * check_policy.c
 */
#include "govcase.h"
