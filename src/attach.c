/*
 * attach.c
 */
#include "attach.h"
