/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process's allocator with a counter and a trap. dlfw-conform defines malloc and its family itself; the dynamic
 * linker then gives the same functions to the plugin and to its libraries, so their allocations are counted and can be
 * made to fail. Not in sanitizer builds, whose allocator must stay.
 */
#ifndef DLFW_CONFORM_MALLOC_FAULT_H
#define DLFW_CONFORM_MALLOC_FAULT_H

#include <stdbool.h>
#include <stdint.h>

bool malloc_fault_available(void);
void malloc_fault_arm(uint64_t nth); /* the nth allocation from now (from 1) fails, once; 0: count only */
uint64_t malloc_fault_disarm(void);  /* allocations since arm */
int64_t malloc_live_count(void);     /* blocks allocated and not freed */

#endif
