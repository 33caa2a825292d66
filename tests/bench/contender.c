/* SPDX-License-Identifier: BSD-2-Clause */
#include "contender.h"

int contender_empty_program(void *self, enum direction direction)
{
	return STAND_EMPTY;
}
