/*
 * verify_chain.c
 */
#include "govcase.h"
